/* SPDX-License-Identifier: MIT */
/*
 * The public GATT server with scripted clients: a stack that is never opened (that of client_bed),
 * with connections put together by hand from ATT upwards.
 */
#ifndef SERVER_BED_H
#define SERVER_BED_H

#include "helpers/client_bed.h"

enum {
  SERVER_BED_CLIENTS = 2,
  SERVER_BED_FIRST = 0x10 /* the handle behind the library's own services: "+00" in scripts */
};

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
  /* a service of 181a with one characteristic of 2a6e, at +00 to +02, and its CCCD at +03 */
  aioble_char_t *chr;
} server_bed;

server_bed *server_bed_new(void);
/* ends the links if need be; asserts that nothing is left */
void server_bed_free(server_bed *bed);

/* a service of that UUID, asserted to be there; the caller's */
aioble_service_t *server_bed_service(server_bed *bed, uint16_t uuid);
/* registers that one alone, and releases it; 0 or the error */
int server_bed_register(server_bed *bed, aioble_service_t *service);
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

/* a text as bytes, as those of an option */
#define TEXT(s) ((aioble_bytes_t) TEXT_INIT(s))
#define TEXT_INIT(s) \
  { (const uint8_t *) (s), sizeof(s) - 1 }

#endif
