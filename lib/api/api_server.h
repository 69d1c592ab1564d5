/* SPDX-License-Identifier: MIT */
/*
 * Services of the application, seen from inside.
 *
 * A service is kept by the application (which then keeps the stack) and by the tables it is in
 * (which the stack keeps): counted apart, so that a registered service does not keep its own stack.
 * The same for a capture queue, and the values that are captured to it.
 */
#ifndef AB_API_SERVER_H
#define AB_API_SERVER_H

#include "gatt/gatt_server.h"
#include "host/host.h"

enum { AB_CAPTURE_DEPTH = 64 }; /* writes kept, by default */

struct aioble_service {
  aioble_t *ble;
  aioble_uuid_t uuid;
  bool secondary;
  ab_list includes; /* ab_include */
  ab_list chars;
  uint32_t refs;      /* the application's and those of ops; above 0 there is one to the stack */
  uint32_t tables;    /* that it is in */
  uint32_t includers; /* services that include it */
  const char *unfit;  /* why it cannot be registered; NULL: nothing found yet */
  bool listed;        /* in the list being registered */
};

typedef struct ab_include {
  ab_list node; /* in the includes of a service */
  aioble_service_t *service;
} ab_include;

/* ---- writes: those kept for somebody, or those who wait for one ---- */

typedef struct ab_writes {
  aioble_t *ble;
  ab_list kept;    /* ab_buf: ctx is a reference to the connection, about the ab_local */
  ab_list waiters; /* ops */
  ab_list held;    /* requests that stand in line for room */
  ab_timer room;   /* … there is some */
  unsigned n, depth;
  bool dropping; /* the last one was dropped */
} ab_writes;

struct aioble_capture {
  aioble_t *ble;
  ab_writes writes;
  uint32_t refs;  /* the application's and those of ops; above 0 there is one to the stack */
  uint32_t users; /* values captured to it */
  uint64_t dropped;
};

/* ---- a local value: a characteristic's or a descriptor's ---- */

typedef struct ab_local {
  ab_gatt_value value;
  aioble_char_t *chr;
  aioble_desc_t *desc;           /* NULL: chr's own */
  aioble_desc_options_t options; /* but `initial`, which is in the value */
  ab_writes own;
  ab_writes *writes;     /* its own, or those of options.capture_to */
  bool written;          /* without capture: since the last written() … */
  aioble_conn_t *writer; /* … by whom, a reference */
  uint64_t dropped;
} ab_local;

struct aioble_char {
  ab_list node; /* in service->chars */
  aioble_service_t *service;
  aioble_uuid_t uuid;
  unsigned flags;
  ab_local local;
  unsigned truncate;
  aioble_on_subscribe_fn *on_subscribe;
  ab_list descs;
  unsigned n_formats;
  aioble_desc_t *aggregate; /* of more than one format; NULL: none */
};

struct aioble_desc {
  ab_list node; /* in chr->descs */
  aioble_uuid_t uuid;
  ab_local local;
};

/* api_server.c */

/* nobody holds it: it goes, and what only it has included */
void ab_service_free_unused(aioble_service_t *service);
bool ab_service_includes(const aioble_service_t *service, const aioble_service_t *included);

/* what hooks are given: its second half is for aioble_access_later() */
typedef struct ab_access {
  aioble_access_t access;
  const ab_gatt_access *gatt;
} ab_access;

/* api_local.c */

/* Of a characteristic, or one of its descriptors; to be freed in any case. False: out of memory.
   What cannot be makes the service unfit. */
bool ab_local_init(ab_local *local, aioble_char_t *chr, aioble_desc_t *desc, unsigned flags,
                   const aioble_desc_options_t *options);
void ab_local_free(ab_local *local);
/* its hook, if it has one, lets that client have the value, or write it */
bool ab_local_authorized(const ab_local *local, aioble_conn_t *conn, bool write);

/* api_server_write.c */

void ab_writes_init(ab_writes *writes, aioble_t *ble, unsigned depth);
void ab_writes_close(ab_writes *writes); /* nothing is kept, nobody waits */
/* An op for the next write in that queue: of a value, or (local NULL) shared by several. */
aioble_op_t *ab_writes_next(ab_writes *writes, ab_local *local, aioble_capture_t *capture);
/* Room for a captured write, on which its hook should insist: 0, or what this hook is to return, a
   command then being dropped. */
int ab_local_make_room(ab_local *local, const ab_gatt_access *write);
/* it was written: somebody who waits is told, or it is kept */
void ab_local_written(ab_local *local, aioble_conn_t *conn, const ab_gatt_access *write);
/* what clients have written is forgotten; or only who it was */
void ab_local_forget_writes(ab_local *local);
void ab_local_forget_conns(ab_local *local);

/* api_capture.c */

void ab_capture_use(aioble_capture_t *capture);
void ab_capture_unuse(aioble_capture_t *capture);

/* api_server_char.c */

void ab_char_free(aioble_char_t *chr);
/* why it cannot be registered; NULL: it can */
const char *ab_char_unfit(const aioble_char_t *chr);
/* clients that have written to it, or its descriptors, are forgotten */
void ab_char_forget_conns(aioble_char_t *chr);
/* it has handles: what names them is brought up to date */
void ab_char_registered(aioble_char_t *chr);

/* api_server_notify.c */

/* 0, or the error why this client must not get the value now (Part G, 2.5.2.1; Part C, 10.3.1.1) */
int ab_char_withheld(const aioble_char_t *chr, aioble_conn_t *conn);
/* 0, or why such a PDU (AIOBLE_NOTIFY, _INDICATE) must not be sent to that client */
int ab_char_may_send(const aioble_char_t *chr, aioble_conn_t *conn, unsigned flag);
/* of AB_ATT_NOTIFICATION or _INDICATION; NULL: *status says why */
ab_buf *ab_char_pdu(const aioble_char_t *chr, aioble_conn_t *conn, uint8_t opcode,
                    aioble_bytes_t bytes, int *status);
int ab_char_try_notify(const aioble_char_t *chr, aioble_conn_t *conn, aioble_bytes_t bytes);
/* the bearer for its indications */
ab_att *ab_char_indications(const aioble_char_t *chr, aioble_conn_t *conn);
aioble_op_t *ab_indicate(const aioble_char_t *chr, aioble_conn_t *conn, ab_buf *pdu, int status);

/* api_server_update.c */

/* Notifies or indicates all subscribed clients; 0, or the first error. */
int ab_char_send_update(const aioble_char_t *chr);

/* the first reason counts; NULL: none */
static inline void ab_service_unfit(aioble_service_t *service, const char *why) {
  if (!service->unfit)
    service->unfit = why;
}

static inline aioble_bytes_t ab_local_bytes(const ab_local *local) {
  return (aioble_bytes_t){local->value.data, local->value.len};
}

#endif
