/* SPDX-License-Identifier: MIT */
/*
 * GATT client of one link (Core Vol 3, Part G, 4): procedures that the layer above embeds and
 * drives, and the way of a received value to those who listen on its handle. Nothing is allocated
 * per request; values travel in pooled buffers.
 */
#ifndef AB_GATT_CLIENT_H
#define AB_GATT_CLIENT_H

#include "att/att.h"

/* ---- values ---- */

typedef struct ab_gatt_listener ab_gatt_listener;

/* Wants the values of one handle. Several may listen on the same: each gets every value. */
struct ab_gatt_listener {
  ab_gatt_listener *next; /* of its bucket */
  uint16_t handle;
  bool listening;
  /* may listen and stop listening, itself included */
  void (*on_value)(ab_gatt_listener *listener, const uint8_t *value, size_t len, bool indication);
  /* the link has ended; it does not listen any more */
  void (*on_closed)(ab_gatt_listener *listener, int status);
};

enum {
  AB_GATT_EARLY_MAX = 16,  /* values kept for handles on which nobody listens yet */
  AB_GATT_BUCKET_BITS = 3, /* buckets at the start, and at most */
  AB_GATT_BUCKET_BITS_MAX = 12,
};

typedef struct ab_gatt_client {
  ab_att *att;
  ab_gatt_listener **table; /* by hash of the handle */
  ab_gatt_listener *few[1 << AB_GATT_BUCKET_BITS];
  ab_gatt_listener *next_in_turn; /* who gets the value after the one called now */
  unsigned bits;                  /* the table has 2^bits buckets */
  unsigned listeners;
  ab_list early; /* ab_buf: handle, indication flag, value; oldest first */
  unsigned n_early;
  uint64_t early_dropped; /* values that no listener has taken in time */
  bool closed;
} ab_gatt_client;

void ab_gatt_client_init(ab_gatt_client *client, ab_att *att);
/* The link has ended: listeners are told. Requests end with their bearer (ab_att_close). */
void ab_gatt_client_close(ab_gatt_client *client, int status);
/* a notification or indication */
void ab_gatt_client_rx_value(ab_gatt_client *client, uint16_t handle, const uint8_t *value,
                             size_t len, bool indication);

/* From now on; values of its handle that came before anybody listened are given to it first.
   false: the link has ended. */
bool ab_gatt_listen(ab_gatt_client *client, ab_gatt_listener *listener);
void ab_gatt_unlisten(ab_gatt_client *client, ab_gatt_listener *listener); /* harmless twice */

/* ---- discovery ---- */

typedef enum ab_gatt_disc_kind {
  AB_GATT_SERVICES,         /* primary, all (4.4.1) */
  AB_GATT_SERVICES_BY_UUID, /* primary, with a UUID (4.4.2) */
  AB_GATT_CHARS,            /* of a service, all or with a UUID (4.6) */
  AB_GATT_DESCS,            /* of a characteristic, all or with a UUID (4.7.1) */
} ab_gatt_disc_kind;

typedef struct ab_gatt_item {
  uint16_t handle; /* of the declaration, or the descriptor */
  /* Of the service, exact. Of a characteristic: of its last descriptor, if what follows it was in
     the same response; else of its service. Discovery of descriptors ends by itself at the next
     characteristic, so this never costs a request only to know an end. */
  uint16_t last;
  uint16_t value;     /* of a characteristic: the handle of the value */
  uint8_t properties; /* of a characteristic */
  aioble_uuid_t uuid;
} ab_gatt_item;

typedef struct ab_gatt_disc ab_gatt_disc;
/* ab_gatt_disc_next() has something new to say */
typedef void ab_gatt_disc_fn(ab_gatt_disc *disc);

/* Yields what is found one by one, in handle order. Between two calls it may be kept as long as one
   likes, or be stopped. */
struct ab_gatt_disc {
  ab_att_req req;
  ab_att *att;
  ab_gatt_disc_fn *fn;
  ab_gatt_disc_kind kind;
  uint32_t next; /* the first handle not yet seen: it only grows, up to 0x10000 */
  uint16_t last;
  int status;         /* an error that ended it */
  aioble_uuid_t uuid; /* wanted; size 0: all */
  uint8_t entry;      /* octets of each entry of the response held */
  ab_rd rest;         /* of it */
  uint8_t held[AB_ATT_MTU_MAX];
};

/* uuid NULL: all; one that is none: AIOBLE_EINVAL follows. first beyond last, 0x10000 too: there is
   nothing to be found. */
void ab_gatt_disc_init(ab_gatt_disc *disc, ab_att *att, ab_gatt_disc_kind kind, uint32_t first,
                       uint16_t last, const aioble_uuid_t *uuid);
/* 1: *item is the next; 0: there are no more; AIOBLE_EAGAIN: call ab_gatt_disc_fetch() and come
   back; AIOBLE_EPROTO: the peer's answer makes no sense; or the error of the request */
int ab_gatt_disc_next(ab_gatt_disc *disc, ab_gatt_item *item);
/* sends the next request (only when EAGAIN, and once); fn is never called inline */
void ab_gatt_disc_fetch(ab_gatt_disc *disc, ab_gatt_disc_fn *fn);
/* fn is not called any more */
void ab_gatt_disc_stop(ab_gatt_disc *disc);

/* ---- reading ---- */

typedef struct ab_gatt_read ab_gatt_read;
/* 0: read->value is the value, the callee's to take or free; AIOBLE_EAGAIN: there may be more, call
   ab_gatt_read_more(); else an error (AIOBLE_EPROTO, too: longer than 512 octets) */
typedef void ab_gatt_read_fn(ab_gatt_read *read, int status);

/* A value of any length: Read, then Read Blob until one is short (4.8.1, 4.8.3). */
struct ab_gatt_read {
  ab_att_req req;
  ab_att *att;
  ab_gatt_read_fn *fn;
  ab_buf *value; /* what there is of it */
  uint16_t handle;
  uint16_t mtu; /* when the last request was queued */
};

void ab_gatt_read_start(ab_gatt_read *read, ab_att *att, uint16_t handle, ab_gatt_read_fn *fn);
void ab_gatt_read_more(ab_gatt_read *read);
void ab_gatt_read_stop(ab_gatt_read *read); /* fn is not called any more */

/* ---- writing ---- */

/* Write Request (4.9.3): 0, then fn as for any request; or AIOBLE_EMSGSIZE and nothing happens. */
int ab_gatt_write(ab_att *att, ab_att_req *req, uint16_t handle, const void *data, size_t len,
                  ab_att_req_fn *fn);
/* Write Command (4.9.1): 0, then done(buf with that ctx, status) when it was taken; or EMSGSIZE,
   ENOMEM. */
int ab_gatt_write_command(ab_att *att, uint16_t handle, const void *data, size_t len,
                          ab_buf_done_fn *done, void *ctx);

#endif
