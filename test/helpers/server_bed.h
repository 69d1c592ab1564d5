/* SPDX-License-Identifier: MIT */
/*
 * The public GATT server with scripted clients: a stack that is never opened (that of client_bed),
 * with connections put together by hand from ATT upwards.
 */
#ifndef SERVER_BED_H
#define SERVER_BED_H

#include "helpers/client_bed.h"

enum { SERVER_BED_CLIENTS = 2 };

typedef struct server_client {
  struct server_bed *bed;
  aioble_conn_t *conn; /* a reference, also when the link has ended */
  pdu_script script;
} server_client;

typedef struct server_bed {
  client_bed *base;
  aioble_t *ble;
  server_client clients[SERVER_BED_CLIENTS];
  aioble_conn_t *conn; /* the first one's */
  /* a service of 181a with one characteristic of 2a6e, at 10 to 12, and its CCCD at 13 */
  aioble_char_t *chr;
} server_bed;

server_bed *server_bed_new(void);
/* ends the links if need be; asserts that nothing is left */
void server_bed_free(server_bed *bed);

/* registers bed->chr; options may be NULL */
void server_bed_char(server_bed *bed, unsigned flags, const aioble_char_options_t *options);

/* of the first client; each received PDU is a turn of its own, with its continuations */
void server_bed_play(server_bed *bed, const char *lines);
void server_bed_play_as(server_bed *bed, unsigned client, const char *lines);
void server_bed_run_ms(server_bed *bed, uint64_t ms);
void server_bed_disconnect(server_bed *bed, unsigned client);

/* takes the op, which must settle with that within the next turn */
void server_bed_expect(server_bed *bed, aioble_op_t *op, int status);
void assert_bytes(aioble_bytes_t bytes, const char *hex);

#endif
