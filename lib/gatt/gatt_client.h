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

/* ---- reliable writes: what they share on a link ---- */

typedef struct ab_gatt_reliable ab_gatt_reliable;

typedef enum ab_gatt_prepare_state {
  AB_GATT_IDLE,
  AB_GATT_PREPARING,  /* a Prepare Write waits for its echo */
  AB_GATT_EXECUTING,  /* everything is prepared, and being written */
  AB_GATT_CANCELLING, /* what was prepared is being cancelled */
} ab_gatt_prepare_state;

/* The server has one queue for all we prepare: one sequence at a time. It outlives its owner, since
   what was prepared must be cancelled before the next begins. */
typedef struct ab_gatt_prepare {
  ab_att *att;
  ab_att_req req;
  ab_gatt_prepare_state state;
  bool dirty;            /* the server's queue may hold something of ours */
  ab_list waiting;       /* ab_gatt_reliable, in order */
  ab_gatt_reliable *now; /* the one being carried out; NULL: none, or it was stopped */
  ab_rd parts;           /* of it: those not yet begun */
  ab_att_blob at;        /* where the next octets go: handle, offset */
  ab_rd data;            /* … of the part begun, not yet prepared */
  ab_rd sent;            /* … in the request on the air */
} ab_gatt_prepare;

typedef struct ab_gatt_client ab_gatt_client;
struct ab_gatt_client {
  ab_att *att;
  /* The owner's: puts the signature (Part F, 3.3.1) behind a PDU: 0, or why it cannot. NULL: there
     is no key for it. */
  int (*sign)(ab_gatt_client *client, ab_buf *pdu);
  ab_gatt_prepare prepare;
  ab_gatt_listener **table; /* by hash of the handle */
  ab_gatt_listener *few[1 << AB_GATT_BUCKET_BITS];
  ab_gatt_listener *next_in_turn; /* who gets the value after the one called now */
  unsigned bits;                  /* the table has 2^bits buckets */
  unsigned listeners;
  ab_list early; /* ab_buf: handle, indication flag, value; oldest first */
  unsigned n_early;
  uint64_t early_dropped; /* values that no listener has taken in time */
  bool closed;
};

void ab_gatt_client_init(ab_gatt_client *client, ab_att *att);
/* The link has ended: listeners are told, reliable writes end. Requests end with their bearer
   (ab_att_close). */
void ab_gatt_client_close(ab_gatt_client *client, int status);
/* a notification or indication */
void ab_gatt_client_rx_value(ab_gatt_client *client, uint16_t handle, const uint8_t *value,
                             size_t len, bool indication);

/* From now on; values of its handle that came before anybody listened are given to it first.
   false: the link has ended. */
bool ab_gatt_listen(ab_gatt_client *client, ab_gatt_listener *listener);
void ab_gatt_unlisten(ab_gatt_client *client, ab_gatt_listener *listener); /* harmless twice */
/* Those in that range, but for one handle, do not listen any more: on_closed(status), which may do
   anything but listen there again. */
void ab_gatt_end_listeners(ab_gatt_client *client, uint16_t first, uint16_t last, uint16_t except,
                           int status);

/* ---- discovery ---- */

typedef enum ab_gatt_disc_kind {
  AB_GATT_SERVICES,         /* primary, all (4.4.1) */
  AB_GATT_SERVICES_BY_UUID, /* primary, with a UUID (4.4.2) */
  AB_GATT_SECONDARY,        /* the same for secondary services */
  AB_GATT_SECONDARY_BY_UUID,
  AB_GATT_INCLUDES, /* of a service, all or with a UUID (4.5.1) */
  AB_GATT_CHARS,    /* of a service, all or with a UUID (4.6) */
  AB_GATT_DESCS,    /* of a characteristic, all or with a UUID (4.7.1) */
  AB_GATT_VALUES,   /* attributes of a type, with their values (4.8.2) */
} ab_gatt_disc_kind;

typedef struct ab_gatt_item {
  uint16_t handle; /* of the declaration, or the descriptor */
  /* Of the service, or the included one, exact. Of a characteristic: of its last descriptor, when
     all are asked for. With a UUID, and nothing behind it in the response: of its service;
     discovery of descriptors ends by itself at the next characteristic, so this costs no request.
   */
  uint16_t last;
  uint16_t value;     /* of a characteristic: its value; of an include: the included service */
  uint8_t properties; /* of a characteristic */
  aioble_uuid_t uuid;
  ab_rd data; /* of a value, as far as the response holds it: borrowed until the next request */
} ab_gatt_item;

/* the item taken from the response last */
typedef enum ab_gatt_disc_state {
  AB_GATT_GIVEN,      /* there is none, or it was given */
  AB_GATT_LACKS_UUID, /* it was not in the entry: is to be read */
  AB_GATT_LACKS_END,  /* it is where the next one begins: in the response that is to come */
  AB_GATT_WHOLE,      /* to be given */
} ab_gatt_disc_state;

typedef struct ab_gatt_disc ab_gatt_disc;
/* ab_gatt_disc_next() has something new to say */
typedef void ab_gatt_disc_fn(ab_gatt_disc *disc);

/* Yields what is found one by one, in handle order. Between two calls it may be kept as long as one
   likes, or be stopped. */
struct ab_gatt_disc {
  ab_att_req req;
  ab_att *att; /* each request may go on any bearer beside it */
  ab_gatt_disc_fn *fn;
  ab_gatt_disc_kind kind;
  uint32_t next; /* the first handle not yet seen: it only grows, up to 0x10000 */
  uint16_t last;
  int status;         /* an error that ended it */
  aioble_uuid_t uuid; /* wanted; size 0: all */
  uint16_t mtu;       /* when the last request was queued */
  ab_gatt_disc_state state;
  ab_gatt_item found;
  uint8_t entry; /* octets of each entry of the response held */
  ab_rd rest;    /* of it */
  uint8_t held[AB_ATT_MTU_MAX];
};

/* uuid NULL: all (values have one); one that is none: AIOBLE_EINVAL follows. first beyond last,
   0x10000 too: there is nothing to be found. */
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
/* Read Multiple (4.8.4): 0, then fn with the values behind each other, or AIOBLE_EMSGSIZE: they may
   have been cut. At once EMSGSIZE: so many handles do not fit. */
int ab_gatt_read_multiple(ab_gatt_read *read, ab_att *att, const uint16_t *handles, size_t n,
                          ab_gatt_read_fn *fn);

/* ---- many values ---- */

typedef struct ab_gatt_values ab_gatt_values;
/* 0: all are there; AIOBLE_EAGAIN: it goes on with another request (may be stopped here, not
   freed); else an error. May be called inline. */
typedef void ab_gatt_values_fn(ab_gatt_values *values, int status);

/* Values of several attributes, each whole: those that a response cut, or had no room for, are read
   one by one. */
struct ab_gatt_values {
  ab_env *env;
  ab_att *att;
  ab_gatt_values_fn *fn; /* NULL: stopped */
  void *ctx;             /* the owner's */
  union {
    ab_gatt_disc disc; /* by UUID */
    struct {
      ab_att_req req; /* Read Multiple Variable */
      unsigned asked; /* for how many */
    };
  };
  ab_gatt_read read; /* one by one */
  unsigned n, max;
  unsigned next; /* the first one not yet asked for; then, the first not yet looked at */
  struct {
    uint16_t handle;
    ab_buf *value; /* NULL: to be read */
  } at[];
};

/* room for `max`; NULL: out of memory */
ab_gatt_values *ab_gatt_values_new(ab_att *att, unsigned max);
void ab_gatt_values_free(ab_gatt_values *values); /* of a stopped or ended one; NULL does nothing */
/* at[].handle of n: Read Multiple Variable (4.8.5), where the server knows it */
void ab_gatt_values_read(ab_gatt_values *values, ab_gatt_values_fn *fn);
/* Read Using Characteristic UUID (4.8.2): all in a range; more than `max`: AIOBLE_ENOBUFS, a UUID
   that is none: AIOBLE_EINVAL. */
void ab_gatt_values_find(ab_gatt_values *values, uint16_t first, uint16_t last,
                         const aioble_uuid_t *uuid, ab_gatt_values_fn *fn);
/* fn is not called any more */
void ab_gatt_values_stop(ab_gatt_values *values);

/* ---- writing ---- */

/* Write Request (4.9.3): 0, then fn as for any request; or AIOBLE_EMSGSIZE and nothing happens. */
int ab_gatt_write(ab_att *att, ab_att_req *req, uint16_t handle, const void *data, size_t len,
                  ab_att_req_fn *fn);
/* Write Command (4.9.1): 0, then done(buf with that ctx, status) when it was taken; or EMSGSIZE,
   ENOMEM. */
int ab_gatt_write_command(ab_att *att, uint16_t handle, const void *data, size_t len,
                          ab_buf_done_fn *done, void *ctx);

/* Signed Write Command (4.9.2) for a link that is not encrypted: the same, or what `sign` says. */
int ab_gatt_write_signed(ab_gatt_client *client, uint16_t handle, const void *data, size_t len,
                         ab_buf_done_fn *done, void *ctx);

/* ---- writing reliably ---- */

/* 0; AIOBLE_EAGAIN: it goes on with another request (may be stopped here); AIOBLE_EPROTO: the
   server's echo was another (nothing was written); or the error of a request */
typedef void ab_gatt_reliable_fn(ab_gatt_reliable *reliable, int status);

/*
 * Values of any length, of one attribute or several, all or none (4.9.4, 4.9.5, 4.12.4): prepared,
 * each echo verified, then executed at once. One such sequence at a time is under way on a link.
 */
struct ab_gatt_reliable {
  ab_list node; /* while it waits */
  ab_gatt_client *client;
  ab_gatt_reliable_fn *fn;
  ab_buf *parts; /* ab_gatt_part and its octets, of each; NULL: it is not pending */
  bool keeps;    /* it may be started again: they stay until it is stopped */
};

/* room for n parts of len octets in all; false: out of memory */
bool ab_gatt_reliable_init(ab_gatt_reliable *reliable, ab_gatt_client *client, size_t n,
                           size_t len);
void ab_gatt_reliable_add(ab_gatt_reliable *reliable, uint16_t handle, uint16_t offset,
                          const void *data, size_t len);
/* 0, then fn, never inline; or AIOBLE_ENOTCONN and nothing happens */
int ab_gatt_reliable_start(ab_gatt_reliable *reliable, ab_gatt_reliable_fn *fn);
/* fn is not called any more. Unless it was about to be executed, nothing is written. */
void ab_gatt_reliable_stop(ab_gatt_reliable *reliable);

/* ---- gatt_client_prepare.c, for gatt_client.c ---- */

void ab_gatt_prepare_init(ab_gatt_prepare *prepare, ab_att *att);
void ab_gatt_prepare_close(ab_gatt_prepare *prepare, int status);

#endif
