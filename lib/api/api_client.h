/* SPDX-License-Identifier: MIT */
/* What the files of the GATT client's public side share: the handles (include/aioble/client.h). */
#ifndef AB_API_CLIENT_H
#define AB_API_CLIENT_H

#include "api/op.h"
#include "gatt/gatt_client.h"
#include <aioble/client.h>

struct aioble_client_service {
  ab_list node;        /* in conn->services */
  aioble_conn_t *conn; /* a reference, as are the parents below */
  uint32_t refs;
  aioble_uuid_t uuid;
  uint16_t first, last;
  bool gone; /* the peer's table has changed there */
};

/* Received values waiting to be taken, or ops waiting for them; never both. */
typedef struct ab_value_stream {
  ab_list values; /* ab_buf, oldest first */
  unsigned n;
  ab_list waiting; /* value_op, by its own node */
} ab_value_stream;

struct aioble_client_char {
  aioble_client_service_t *service;
  uint32_t refs;
  aioble_uuid_t uuid;
  uint16_t handle, last; /* of the value; the last descriptor is not behind `last` */
  uint16_t cccd;         /* handle of the Client Characteristic Configuration; 0: not looked for */
  uint8_t properties;
  bool finding_cccd;
  ab_list subscribing; /* subscribe_op, while it is looked for */

  ab_gatt_listener listener;
  ab_value_stream notified, indicated;
  unsigned depth; /* of each */
  uint64_t dropped;
  aioble_notify_fn *push; /* NULL: values are queued. Else a reference is held */
  void *push_user;
  ab_timer push_timer; /* values that were queued before are to be pushed */
};

struct aioble_client_desc {
  aioble_client_char_t *chr;
  uint32_t refs;
  aioble_uuid_t uuid;
  uint16_t handle;
};

/* A reference to a new handle, which takes one to its parent; NULL: out of memory. */
aioble_client_service_t *ab_client_service_new(aioble_conn_t *conn, const ab_gatt_item *item);
aioble_client_char_t *ab_client_char_new(aioble_client_service_t *service,
                                         const ab_gatt_item *item);
aioble_client_desc_t *ab_client_desc_new(aioble_client_char_t *chr, const ab_gatt_item *item);

/* for ab_op_take_handle() */
void ab_client_service_put(void *service);
void ab_client_char_put(void *chr);
void ab_client_desc_put(void *desc);

aioble_conn_t *ab_client_char_conn(const aioble_client_char_t *chr);

/* 0, or what ops on it come to: AIOBLE_ENOTCONN for NULL, AIOBLE_ERR_ATT(0x12): its service is
   gone */
int ab_client_char_check(const aioble_client_char_t *chr);
int ab_client_desc_check(const aioble_client_desc_t *desc);
/* an op that has come to that; chr: whose it would have been, or NULL */
aioble_op_t *ab_client_char_failed(const aioble_client_char_t *chr, int status);

/* 0 and the connection of n characteristics, n > 0; else as ab_client_char_check(), or
   AIOBLE_EINVAL: they are not all of one link */
int ab_client_chars_conn(aioble_client_char_t *const *chars, size_t n, aioble_conn_t **conn);

/* ---- api_client_value.c ---- */

enum { AB_CLIENT_REQUEST_MS = 1000 }; /* the time limit of a value's op, for each request */

/* ---- api_client_reliable.c ---- */

aioble_op_t *ab_client_write_long(aioble_conn_t *conn, uint16_t handle, const void *data,
                                  size_t len);

/* ---- api_client_notify.c ---- */

void ab_client_char_streams_init(aioble_client_char_t *chr);
/* nobody listens any more; what is queued is freed */
void ab_client_char_streams_free(aioble_client_char_t *chr);

#endif
