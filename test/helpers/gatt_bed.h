/* SPDX-License-Identifier: MIT */
/*
 * A GATT server behind an ATT bearer, with a scripted client: a table is written down, installed,
 * and played against. Every value counts what its hooks were asked.
 */
#ifndef GATT_BED_H
#define GATT_BED_H

#include "gatt/gatt_server.h"
#include "helpers/att_peer.h"

typedef struct gatt_bed gatt_bed;

typedef struct bed_value {
  ab_gatt_value value;
  gatt_bed *bed;
  ab_list node;
  unsigned reads, checks, writes, commands, subscriptions; /* calls of each hook */
  unsigned what;                                           /* of the last subscription */
  int read_code, check_code;                               /* what the hooks answer */
  const char *instead; /* text that a read gets instead of the value; NULL: the value */
  ab_gatt_late late;   /* begun when the code is AB_ATT_LATER */
  uint16_t offset;     /* of the last read */
  size_t len;          /* of the last write, as the hooks saw it */
  void (*hook)(struct bed_value *value); /* run inside each of them */
} bed_value;

struct gatt_bed {
  att_peer *peer;
  ab_env *env;
  ab_gatt_server server;
  ab_gatt_server_link link;
  ab_gatt_bearer bearer;
  ab_gatt_db *db; /* being filled, until installed */
  ab_list values;
  unsigned releases; /* tables given back */
};

gatt_bed *gatt_bed_new(void);
void gatt_bed_free(gatt_bed *bed);

/* UUIDs as text, values in hex */
void bed_service(gatt_bed *bed, const char *uuid);
bed_value *bed_char(gatt_bed *bed, const char *uuid, unsigned props, const char *value);
bed_value *bed_desc(gatt_bed *bed, const char *uuid, unsigned props, const char *value);
void bed_install(gatt_bed *bed);

/*
 * The table most tests use; the library's own services are 01 to 0f.
 *   10 service 181a
 *   11, 12    2a6e  read, notify           16 09          (temperature)
 *   13        its CCCD
 *   14, 15    2a6f  read, write, write without response  01 02 03   (humidity), max_len 8
 *   16        its 2901, read               "Text"
 *   17        its 2904, read, write        (long) 40 octets 30
 *   18 service LONG_SERVICE
 *   19, 1a    LONG_CHAR  write             (hidden) at most 512
 *   1b, 1c    2a6d  read, notify, indicate ee
 *   1d        its CCCD
 *   1e        its LONG_DESC, read          77
 *   1f service 181a again
 *   20, 21    2a6e  read                   17 09
 */
#define LONG_SERVICE "0d000000-1111-2222-3333-444455556666"
#define LONG_CHAR    "0d000001-1111-2222-3333-444455556666"
#define LONG_DESC    "0d000002-1111-2222-3333-444455556666"
/* … on the wire */
#define LONG_TAIL "66 66 55 55 44 44 33 33 22 22 11 11"

typedef struct bed_table {
  bed_value *temperature, *humidity, *text, *format, *hidden, *pressure, *extra, *second;
} bed_table;

bed_table bed_standard(gatt_bed *bed);

/* around a test of cmocka's: *state is a bed with that table, whose values are in `table` */
extern bed_table table;
int bed_set_up(void **state);
int bed_tear_down(void **state);

void bed_play(gatt_bed *bed, const char *lines);
/* the link ends and another one comes */
void bed_reconnect(gatt_bed *bed);
/* the hook of that value answers later, from now on; … and now it answers what it owes */
void bed_later(bed_value *value);
void bed_answer(bed_value *value, uint8_t code, const char *text);
/* nobody waits for an answer of that value */
void bed_owes_nothing(const bed_value *value);
/* the value is what the hex says */
void bed_expect(const bed_value *value, const char *hex);

#endif
