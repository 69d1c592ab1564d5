/* SPDX-License-Identifier: MIT */
/*
 * The public GATT client on a connection with a scripted peer: a stack that is never opened, on a
 * loop the test turns, with one connection put together by hand from ATT upwards.
 */
#ifndef CLIENT_BED_H
#define CLIENT_BED_H

#include "helpers/pdu_script.h"
#include "host/host.h"

typedef struct client_bed {
  aioble_loop_t loop; /* first */
  uint64_t now_us, wake_at_us;
  bool turn_wanted;
  ab_env *memory; /* its allocator is the stack's */
  aioble_t *ble;
  aioble_conn_t *conn;
  pdu_script script;
  unsigned broken;
} client_bed;

client_bed *client_bed_new(void);
/* ends the link if need be; asserts that nothing is left */
void client_bed_free(client_bed *bed);

/* each received PDU is a turn of its own, with its continuations */
void client_bed_play(client_bed *bed, const char *lines);
/* turns as far as they are wanted, or due within that time */
void client_bed_run_ms(client_bed *bed, uint64_t ms);
/* the link ends */
void client_bed_disconnect(client_bed *bed);

/* discovers 181a at 0001-0009, and 2a6e with value handle 0003 and these properties, in it */
aioble_client_service_t *client_bed_service(client_bed *bed);
aioble_client_char_t *client_bed_char(client_bed *bed, unsigned properties);

/* What an op came to; the value is copied. */
typedef struct outcome {
  aioble_op_t *op; /* borrowed */
  unsigned calls;
  int status;
  uint8_t value[512];
  size_t len;
  uint16_t handle; /* of a service (first), characteristic or descriptor */
} outcome;

/* takes the op; the outcome arrives in *o, which starts from nothing */
void client_bed_then(outcome *o, aioble_op_t *op);

#endif
