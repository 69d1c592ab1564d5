/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of a GATT client that apply to what it can do, as PDU scripts: what the
 * upper tester asks for, what goes over the air, what the upper tester is told.
 */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_UUID "9d470f90ff57ceb49a42ac7b010070e5"
#define LONG_TEXT "e5700001-7bac-429a-b4ce-57ff900f479d"

typedef struct pts_case pts_case;

typedef struct iut {
  att_peer *peer;
  ab_gatt_client client;
  ab_gatt_listener listener;
  ab_gatt_disc disc;
  ab_gatt_read read;
  ab_gatt_values *values;
  ab_gatt_reliable reliable;
  ab_att_req req;
  char told[1000];
} iut;

struct pts_case {
  const char *name;
  void (*ask)(iut *t, const pts_case *c);
  uint16_t first, last; /* handles */
  const char *uuid;     /* to look for; or the value to write, in hex */
  const char *lines, *told;
};

static void tell(iut *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(iut *t, const char *format, ...) {
  size_t at = strlen(t->told);
  va_list args;

  va_start(args, format);
  (void) vsnprintf(t->told + at, sizeof t->told - at, format, args);
  va_end(args);
}

static void tell_status(iut *t, const char *what, int status) {
  if (AIOBLE_ERR_IS_ATT(status))
    tell(t, "ATT 0x%02x", AIOBLE_ERR_CODE(status));
  else
    tell(t, "%s", status == 0 ? what : aioble_err_name(status));
}

static void tell_bytes(iut *t, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++)
    tell(t, "%02x", bytes[i]);
}

/* ---- GAD ---- */

static void walk(ab_gatt_disc *disc) {
  iut *t = ab_container_of(disc, iut, disc);
  char text[AIOBLE_UUID_TEXT_SIZE];
  ab_gatt_item item;
  int status;

  while ((status = ab_gatt_disc_next(disc, &item)) == 1) {
    tell(t, "%s %04x", aioble_uuid_text(&item.uuid, text), item.handle);
    if (disc->kind == AB_GATT_INCLUDES)
      tell(t, " includes %04x-%04x", item.value, item.last);
    else if (item.value)
      tell(t, " value %04x properties %02x", item.value, item.properties);
    else if (item.last != item.handle)
      tell(t, "-%04x", item.last);
    tell(t, "\n");
  }
  if (status == AIOBLE_EAGAIN)
    ab_gatt_disc_fetch(disc, walk);
  else
    tell_status(t, "end", status);
}

static void discover(iut *t, const pts_case *c, ab_gatt_disc_kind kind) {
  aioble_uuid_t uuid;

  if (c->uuid)
    assert_int_equal(aioble_uuid_parse(&uuid, c->uuid), 0);
  ab_gatt_disc_init(&t->disc, &t->peer->att, kind, c->first, c->last, c->uuid ? &uuid : NULL);
  walk(&t->disc);
}

static void services(iut *t, const pts_case *c) {
  discover(t, c, c->uuid ? AB_GATT_SERVICES_BY_UUID : AB_GATT_SERVICES);
}

static void includes(iut *t, const pts_case *c) {
  discover(t, c, AB_GATT_INCLUDES);
}

static void chars(iut *t, const pts_case *c) {
  discover(t, c, AB_GATT_CHARS);
}

static void descs(iut *t, const pts_case *c) {
  discover(t, c, AB_GATT_DESCS);
}

/* ---- GAR, GAW, GAC ---- */

static void on_read(ab_gatt_read *read, int status) {
  iut *t = ab_container_of(read, iut, read);

  if (status == AIOBLE_EAGAIN) {
    ab_gatt_read_more(read);
    return;
  }
  if (status == 0)
    tell_bytes(t, read->value->p, read->value->len);
  tell_status(t, " read", status);
  ab_buf_free(read->value);
}

static void read_value(iut *t, const pts_case *c) {
  ab_gatt_read_start(&t->read, &t->peer->att, c->first, on_read);
}

static void read_multiple(iut *t, const pts_case *c) {
  uint16_t handles[] = {c->first, c->last};

  assert_int_equal(ab_gatt_read_multiple(&t->read, &t->peer->att, handles, 2, on_read), 0);
}

static void on_values(ab_gatt_values *values, int status) {
  iut *t = values->ctx;

  for (unsigned i = 0; status == 0 && i < values->n; i++) {
    tell(t, "%04x ", values->at[i].handle);
    tell_bytes(t, values->at[i].value->p, values->at[i].value->len);
    tell(t, "\n");
  }
  if (status != AIOBLE_EAGAIN)
    tell_status(t, "read", status);
}

static void read_multiple_variable(iut *t, const pts_case *c) {
  t->values->n = 2;
  t->values->at[0].handle = c->first;
  t->values->at[1].handle = c->last;
  ab_gatt_values_read(t->values, on_values);
}

static void read_by_uuid(iut *t, const pts_case *c) {
  aioble_uuid_t uuid;

  assert_int_equal(aioble_uuid_parse(&uuid, c->uuid), 0);
  ab_gatt_values_find(t->values, c->first, c->last, &uuid, on_values);
}

static void on_written(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  tell_status(ab_container_of(req, iut, req), "written", status);
}

static void write_value(iut *t, const pts_case *c) {
  uint8_t value[64];
  size_t len = pdu_script_bytes(c->uuid, value, sizeof value);

  assert_int_equal(ab_gatt_write(&t->peer->att, &t->req, c->first, value, len, on_written), 0);
}

static void on_taken(ab_buf *buf, int status) {
  tell_status(buf->ctx, "taken", status);
}

static void write_command(iut *t, const pts_case *c) {
  uint8_t value[64];
  size_t len = pdu_script_bytes(c->uuid, value, sizeof value);

  assert_int_equal(ab_gatt_write_command(&t->peer->att, c->first, value, len, on_taken, t), 0);
}

static void on_reliable(ab_gatt_reliable *reliable, int status) {
  if (status != AIOBLE_EAGAIN)
    tell_status(ab_container_of(reliable, iut, reliable), "written", status);
}

/* the value, to both handles if there are two */
static void write_prepared(iut *t, const pts_case *c) {
  uint8_t value[64];
  size_t len = pdu_script_bytes(c->uuid, value, sizeof value);

  assert_true(ab_gatt_reliable_init(&t->reliable, &t->client, 2, 2 * len));
  ab_gatt_reliable_add(&t->reliable, c->first, 0, value, len);
  if (c->last)
    ab_gatt_reliable_add(&t->reliable, c->last, 0, value, len);
  assert_int_equal(ab_gatt_reliable_start(&t->reliable, on_reliable), 0);
}

static void on_mtu(ab_att_req *req, int status, ab_rd *pdu) {
  iut *t = ab_container_of(req, iut, req);

  (void) pdu;
  tell_status(t, "", status);
  tell(t, "%u", t->peer->att.mtu);
}

static void exchange_mtu(iut *t, const pts_case *c) {
  (void) c;
  assert_true(ab_att_exchange_mtu(&t->peer->att, &t->req, on_mtu));
}

/* ---- GAN, GAI ---- */

static void on_value(ab_gatt_listener *listener, const uint8_t *value, size_t len,
                     bool indication) {
  iut *t = ab_container_of(listener, iut, listener);

  tell(t, "%s ", indication ? "indicated" : "notified");
  tell_bytes(t, value, len);
  tell(t, "\n");
}

static void on_closed(ab_gatt_listener *listener, int status) {
  (void) listener;
  (void) status;
}

/* writes its configuration (at last), and listens */
static void subscribe(iut *t, const pts_case *c) {
  pts_case cccd = *c;

  t->listener.handle = c->first;
  t->listener.on_value = on_value;
  t->listener.on_closed = on_closed;
  assert_true(ab_gatt_listen(&t->client, &t->listener));
  cccd.first = c->last;
  write_value(t, &cccd);
}

/* ---- GAT ---- */

static void wait_30_s(iut *t) {
  fake_env_advance(t->peer->env, 30ull * 1000 * 1000);
  tell(t, t->peer->broken ? " and broken" : "");
  /* nothing may be sent any more */
  ab_gatt_read_start(&t->read, &t->peer->att, 3, on_read);
  fake_env_advance(t->peer->env, 0);
}

#define NO_ANSWER " and broken"

static pts_case cases[] = {
    {"GATT/CL/GAC/BV-01-C", exchange_mtu, 0, 0, NULL, "< 02 0502\n> 03 4000\n", "64"},

    {"GATT/CL/GAD/BV-01-C", services, 1, 0xffff, NULL,
     "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018 1000 2000 0f18\n"
     "< 10 2100 ffff 0028\n> 11 14 3000 3f00 " LONG_UUID "\n"
     "< 10 4000 ffff 0028\n> 01 10 4000 0a\n",
     "1800 0001-0007\n180f 0010-0020\n" LONG_TEXT " 0030-003f\nend"},
    {"GATT/CL/GAD/BV-02-C 16-bit", services, 1, 0xffff, "180f",
     "< 06 0100 ffff 0028 0f18\n> 07 1000 2000\n< 06 2100 ffff 0028 0f18\n> 01 06 2100 0a\n",
     "180f 0010-0020\nend"},
    {"GATT/CL/GAD/BV-02-C 128-bit", services, 1, 0xffff, LONG_TEXT,
     "< 06 0100 ffff 0028 " LONG_UUID "\n> 07 3000 ffff\n", LONG_TEXT " 0030-ffff\nend"},
    {"GATT/CL/GAD/BV-03-C", includes, 0x10, 0x20, NULL,
     "< 08 1000 2000 0228\n> 09 08 1100 0100 0700 0018\n"
     "< 08 1200 2000 0228\n> 09 06 1200 3000 3f00\n< 0a 3000\n> 0b " LONG_UUID "\n"
     "< 08 1300 2000 0228\n> 01 08 1300 0a\n",
     "1800 0011 includes 0001-0007\n" LONG_TEXT " 0012 includes 0030-003f\nend"},
    {"GATT/CL/GAD/BV-04-C", chars, 0x10, 0x20, NULL,
     "< 08 1000 2000 0328\n> 09 07 1100 02 1200 192a 1300 12 1400 6e2a\n"
     "< 08 1500 2000 0328\n> 09 15 1800 08 1900 " LONG_UUID "\n"
     "< 08 1a00 2000 0328\n> 01 08 1a00 0a\n",
     "2a19 0011 value 0012 properties 02\n2a6e 0013 value 0014 properties 12\n" LONG_TEXT
     " 0018 value 0019 properties 08\nend"},
    {"GATT/CL/GAD/BV-05-C", chars, 0x10, 0x20, "2a6e",
     "< 08 1000 2000 0328\n> 09 07 1100 02 1200 192a 1300 12 1400 6e2a\n"
     "< 08 1500 2000 0328\n> 01 08 1500 0a\n",
     "2a6e 0013 value 0014 properties 12\nend"},
    {"GATT/CL/GAD/BV-06-C", descs, 0x15, 0x18, NULL,
     "< 04 1500 1800\n> 05 01 1500 0229 1600 0129\n"
     "< 04 1700 1800\n> 05 02 1700 " LONG_UUID "\n"
     "< 04 1800 1800\n> 01 04 1800 0a\n",
     "2902 0015\n2901 0016\n" LONG_TEXT " 0017\nend"},

    {"GATT/CL/GAR/BV-01-C", read_value, 3, 0, NULL, "< 0a 0300\n> 0b 0102\n", "0102 read"},
    {"GATT/CL/GAR/BI-01-C", read_value, 3, 0, NULL, "< 0a 0300\n> 01 0a 0300 01\n", "ATT 0x01"},
    {"GATT/CL/GAR/BI-02-C", read_value, 3, 0, NULL, "< 0a 0300\n> 01 0a 0300 02\n", "ATT 0x02"},
    {"GATT/CL/GAR/BI-03-C", read_value, 3, 0, NULL, "< 0a 0300\n> 01 0a 0300 08\n", "ATT 0x08"},
    {"GATT/CL/GAR/BI-04-C", read_value, 3, 0, NULL, "< 0a 0300\n> 01 0a 0300 05\n", "ATT 0x05"},
    {"GATT/CL/GAR/BI-05-C", read_value, 3, 0, NULL, "< 0a 0300\n> 01 0a 0300 0c\n", "ATT 0x0c"},
    {"GATT/CL/GAR/BV-03-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 09 04 0300 aabb\n< 08 0400 ffff 6e2a\n> 01 08 0400 0a\n",
     "0003 aabb\nread"},
    {"GATT/CL/GAR/BI-06-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 01 08 0300 02\n", "ATT 0x02"},
    {"GATT/CL/GAR/BI-09-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 01 08 0300 08\n", "ATT 0x08"},
    {"GATT/CL/GAR/BI-10-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 01 08 0300 05\n", "ATT 0x05"},
    {"GATT/CL/GAR/BI-11-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 01 08 0300 0c\n", "ATT 0x0c"},
    {"GATT/CL/GAR/BI-07-C", read_by_uuid, 1, 0xffff, "2a6e",
     "< 08 0100 ffff 6e2a\n> 01 08 0100 0a\n", "read"},
    {"GATT/CL/GAR/BV-04-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 0d 22*22\n< 0c 0300 2c00\n> 0d 33\n",
     "1111111111111111111111111111111111111111111122222222222222222222222222222222222222222222"
     "33 read"},
    {"GATT/CL/GAR/BI-12-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 01 0c 0300 02\n", "ATT 0x02"},
    {"GATT/CL/GAR/BI-14-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 01 0c 0300 01\n", "ATT 0x01"},
    {"GATT/CL/GAR/BI-15-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 01 0c 0300 08\n", "ATT 0x08"},
    {"GATT/CL/GAR/BI-16-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 01 0c 0300 05\n", "ATT 0x05"},
    {"GATT/CL/GAR/BI-17-C", read_value, 3, 0, NULL,
     "< 0a 0300\n> 0b 11*22\n< 0c 0300 1600\n> 01 0c 0300 0c\n", "ATT 0x0c"},
    {"GATT/CL/GAR/BV-05-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 0f aabbcc\n",
     "aabbcc read"},
    {"GATT/CL/GAR/BI-18-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 01 0e 0500 02\n",
     "ATT 0x02"},
    {"GATT/CL/GAR/BI-19-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 01 0e 0500 01\n",
     "ATT 0x01"},
    {"GATT/CL/GAR/BI-20-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 01 0e 0500 08\n",
     "ATT 0x08"},
    {"GATT/CL/GAR/BI-21-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 01 0e 0500 05\n",
     "ATT 0x05"},
    {"GATT/CL/GAR/BI-22-C", read_multiple, 3, 5, NULL, "< 0e 0300 0500\n> 01 0e 0500 0c\n",
     "ATT 0x0c"},
    {"GATT/CL/GAR/BV-06-C", read_value, 5, 0, NULL, "< 0a 0500\n> 0b 0100\n", "0100 read"},
    {"GATT/CL/GAR/BV-07-C", read_value, 5, 0, NULL, "< 0a 0500\n> 0b 11*22\n< 0c 0500 1600\n> 0d\n",
     "11111111111111111111111111111111111111111111 read"},
    {"GATT/CL/GAR/BV-08-C", read_multiple_variable, 3, 5, NULL,
     "< 20 0300 0500\n> 21 0200 aabb 0100 cc\n", "0003 aabb\n0005 cc\nread"},
    {"GATT/CL/GAR/BI-36-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n> 01 20 0500 02\n",
     "ATT 0x02"},
    {"GATT/CL/GAR/BI-38-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n> 01 20 0500 01\n",
     "ATT 0x01"},
    {"GATT/CL/GAR/BI-40-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n> 01 20 0500 08\n",
     "ATT 0x08"},
    {"GATT/CL/GAR/BI-42-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n> 01 20 0500 05\n",
     "ATT 0x05"},
    {"GATT/CL/GAR/BI-44-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n> 01 20 0500 0c\n",
     "ATT 0x0c"},

    {"GATT/CL/GAW/BV-01-C", write_command, 3, 0, "0102", "< 52 0300 0102\n", "taken"},
    {"GATT/CL/GAW/BV-03-C", write_value, 3, 0, "0102", "< 12 0300 0102\n> 13\n", "written"},
    {"GATT/CL/GAW/BI-02-C", write_value, 3, 0, "01", "< 12 0300 01\n> 01 12 0300 01\n", "ATT 0x01"},
    {"GATT/CL/GAW/BI-03-C", write_value, 3, 0, "01", "< 12 0300 01\n> 01 12 0300 03\n", "ATT 0x03"},
    {"GATT/CL/GAW/BI-04-C", write_value, 3, 0, "01", "< 12 0300 01\n> 01 12 0300 08\n", "ATT 0x08"},
    {"GATT/CL/GAW/BI-05-C", write_value, 3, 0, "01", "< 12 0300 01\n> 01 12 0300 05\n", "ATT 0x05"},
    {"GATT/CL/GAW/BI-06-C", write_value, 3, 0, "01", "< 12 0300 01\n> 01 12 0300 0c\n", "ATT 0x0c"},
    {"GATT/CL/GAW/BV-05-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 17 0300 0000 61*18\n< 16 0300 1200 61*2\n> 17 0300 1200 61*2\n"
     "< 18 01\n> 19\n",
     "written"},
    {"GATT/CL/GAW/BI-07-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 01 16 0300 01\n", "ATT 0x01"},
    {"GATT/CL/GAW/BI-08-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 01 16 0300 03\n", "ATT 0x03"},
    {"GATT/CL/GAW/BI-11-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 01 16 0300 08\n", "ATT 0x08"},
    {"GATT/CL/GAW/BI-12-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 01 16 0300 05\n", "ATT 0x05"},
    {"GATT/CL/GAW/BI-13-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 01 16 0300 0c\n", "ATT 0x0c"},
    {"GATT/CL/GAW/BI-09-C", write_prepared, 3, 0, "61*20",
     "< 16 0300 0000 61*18\n> 17 0300 0000 61*18\n< 16 0300 1200 61*2\n> 17 0300 1200 61*2\n"
     "< 18 01\n> 01 18 0300 07\n",
     "ATT 0x07"},
    {"GATT/CL/GAW/BV-06-C", write_prepared, 3, 5, "61",
     "< 16 0300 0000 61\n> 17 0300 0000 61\n< 16 0500 0000 61\n> 17 0500 0000 61\n"
     "< 18 01\n> 19\n",
     "written"},
    {"GATT/CL/GAW/BI-32-C", write_prepared, 3, 5, "61",
     "< 16 0300 0000 61\n> 17 0300 0000 61\n< 16 0500 0000 61\n> 17 0500 0000 62\n"
     "< 18 00\n> 19\n",
     "AIOBLE_EPROTO"},
    {"GATT/CL/GAW/BV-08-C", write_value, 5, 0, "0100", "< 12 0500 0100\n> 13\n", "written"},
    {"GATT/CL/GAW/BV-09-C", write_prepared, 5, 0, "61*20",
     "< 16 0500 0000 61*18\n> 17 0500 0000 61*18\n< 16 0500 1200 61*2\n> 17 0500 1200 61*2\n"
     "< 18 01\n> 19\n",
     "written"},

    {"GATT/CL/GAN/BV-01-C", subscribe, 3, 4, "0100",
     "< 12 0400 0100\n> 13\n> 1b 0300 aabb\n> 1b 0300\n", "writtennotified aabb\nnotified \n"},
    {"GATT/CL/GAN/BV-02-C", subscribe, 3, 4, "0100",
     "< 12 0400 0100\n> 13\n> 23 0300 0200 aabb 0300 0000\n> 23 0900 0100 11 0300 0100 cc\n",
     "writtennotified aabb\nnotified \nnotified cc\n"},
    {"GATT/CL/GAI/BV-01-C", subscribe, 3, 4, "0200",
     "< 12 0400 0200\n> 13\n> 1d 0300 aabb\n< 1e\n> 1d 0300 cc\n< 1e\n",
     "writtenindicated aabb\nindicated cc\n"},
    {"GATT/CL/GAI/BI-01-C", subscribe, 3, 4, "0200", /* the next before the confirmation has come */
     "< 12 0400 0200\n> 13\n> 1d 0300 aa\n< 1e\n> 1d 0900 bb\n< 1e\n> 1d 0300 cc\n< 1e\n",
     "writtenindicated aa\nindicated cc\n"},

    {"GATT/CL/GAT/BV-01-C", read_value, 3, 0, NULL, "< 0a 0300\n",
     "AIOBLE_ETIMEDOUT" NO_ANSWER "AIOBLE_ENOTCONN"},
    {"GATT/CL/GAT/BV-02-C", write_value, 3, 0, "01", "< 12 0300 01\n",
     "AIOBLE_ETIMEDOUT" NO_ANSWER "AIOBLE_ENOTCONN"},
    {"GATT/CL/GAT/BV-03-C", read_multiple_variable, 3, 5, NULL, "< 20 0300 0500\n",
     "AIOBLE_ETIMEDOUT" NO_ANSWER "AIOBLE_ENOTCONN"},
};

static void give_to_client(att_peer *peer, uint16_t handle, const uint8_t *value, size_t len,
                           bool indication) {
  iut *t = peer->user;

  ab_gatt_client_rx_value(&t->client, handle, value, len, indication);
}

static void run(void **state) {
  const pts_case *c = *state;
  iut *t = calloc(1, sizeof *t);

  assert_non_null(t);
  t->peer = att_peer_new(517);
  ab_gatt_client_init(&t->client, &t->peer->att);
  t->values = ab_gatt_values_new(&t->peer->att, 2);
  assert_non_null(t->values);
  t->values->ctx = t;
  t->peer->user = t;
  t->peer->on_value = give_to_client;
  c->ask(t, c);
  att_peer_play(t->peer, c->lines);
  if (strstr(c->name, "/GAT/"))
    wait_30_s(t);
  att_peer_play(t->peer, "");
  assert_string_equal(t->told, c->told);
  assert_int_equal(t->peer->att.malformed, 0);
  ab_gatt_values_free(t->values);
  ab_gatt_client_close(&t->client, AIOBLE_ENOTCONN);
  att_peer_free(t->peer);
  free(t);
}

int main(void) {
  enum { N = sizeof cases / sizeof *cases };
  struct CMUnitTest tests[N];

  for (size_t i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, &cases[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
