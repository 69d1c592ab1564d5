/* SPDX-License-Identifier: MIT */
/*
 * Services of the application, seen from inside.
 *
 * A service is kept by the application (which then keeps the stack) and by the tables it is in
 * (which the stack keeps): counted apart, so that a registered service does not keep its own stack.
 */
#ifndef AB_API_SERVER_H
#define AB_API_SERVER_H

#include "gatt/gatt_server.h"
#include "host/host.h"

enum { AB_CAPTURE_DEPTH = 64 }; /* writes kept, by default */

struct aioble_service {
  aioble_t *ble;
  aioble_uuid_t uuid;
  ab_list chars;
  uint32_t refs;   /* the application's and those of ops; above 0 there is one to the stack */
  uint32_t tables; /* that it is in */
  int status;      /* why it cannot be registered */
  bool listed;     /* in the list being registered */
};

struct aioble_char {
  ab_list node; /* in service->chars */
  aioble_service_t *service;
  aioble_uuid_t uuid;
  ab_gatt_value value;
  aioble_char_options_t options; /* but `initial`, which is in the value */
  ab_list descs;
  ab_list waiters;  /* ops of written() */
  ab_list captured; /* ab_buf, whose ctx is a reference to the connection */
  unsigned n_captured;
  bool written;          /* without capture: since the last written() … */
  aioble_conn_t *writer; /* … by whom, a reference */
  uint64_t dropped;
};

struct aioble_desc {
  ab_list node; /* in chr->descs */
  aioble_char_t *chr;
  aioble_uuid_t uuid;
  ab_gatt_value value;
};

/* what every characteristic's value calls: api_server_write.c */
extern const ab_gatt_value_ops ab_char_ops;

/* Notifies or indicates all subscribed clients; 0, or the first error. */
int ab_char_send_update(aioble_char_t *chr);

/* what clients have written is forgotten; or only who it was */
void ab_char_forget_writes(aioble_char_t *chr);
void ab_char_forget_conns(aioble_char_t *chr);

#endif
