/* SPDX-License-Identifier: MIT */
#include "helpers/gatt_bed.h"

#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bed_value *bed_of(ab_gatt_value *value) {
  return ab_container_of(value, bed_value, value);
}

static void run_hook(bed_value *v) {
  if (v->hook)
    v->hook(v);
}

static int answer_with(bed_value *v, int code, const ab_gatt_access *access) {
  if (code == AB_ATT_LATER) {
    bed_owes_nothing(v);
    ab_gatt_late_begin(&v->late, access);
  }
  run_hook(v);
  return code;
}

static int on_read(ab_gatt_value *value, ab_gatt_access *read) {
  bed_value *v = bed_of(value);

  assert_ptr_equal(read->link, &v->bed->link);
  assert_non_null(read->request);
  assert_null(read->data);
  v->reads++;
  v->offset = read->offset;
  if (v->instead) {
    read->data = (const uint8_t *) v->instead;
    read->len = strlen(v->instead);
  }
  return answer_with(v, v->read_code, read);
}

static int on_check(ab_gatt_value *value, ab_gatt_access *write) {
  bed_value *v = bed_of(value);

  assert_ptr_equal(write->link, &v->bed->link);
  assert_true(write->command == !write->request);
  v->checks++;
  v->commands += write->command;
  v->len = write->len;
  return answer_with(v, v->check_code, write);
}

static void on_written(ab_gatt_value *value, const ab_gatt_access *write) {
  bed_value *v = bed_of(value);

  assert_int_equal(write->len, v->len);
  v->writes++;
  run_hook(v);
}

static void on_subscribed(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what) {
  bed_value *v = bed_of(value);

  (void) link;
  v->subscriptions++;
  v->what = what;
  run_hook(v);
}

static const ab_gatt_value_ops ops = {
    .read = on_read, .check = on_check, .written = on_written, .subscribed = on_subscribed};

static int on_request(att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  gatt_bed *bed = peer->user;

  return ab_gatt_server_request(&bed->bearer, opcode, pdu, rsp, handle);
}

gatt_bed *gatt_bed_new(void) {
  gatt_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  ab_list_init(&bed->values);
  bed->peer = att_peer_new(AB_ATT_MTU_MAX);
  bed->peer->on_request = on_request;
  bed->peer->user = bed;
  bed->env = bed->peer->env;
  assert_int_equal(ab_gatt_server_init(&bed->server, bed->env, &bed->peer->bufs), 0);
  assert_int_equal(ab_gatt_server_set_name(&bed->server, "bed"), 0);
  ab_gatt_server_set_appearance(&bed->server, 0x0540);
  ab_gatt_server_link_open(&bed->server, &bed->link, &bed->peer->att);
  ab_gatt_bearer_open(&bed->bearer, &bed->link, &bed->peer->att);
  bed->db = ab_gatt_db_new(&bed->server);
  return bed;
}

void gatt_bed_free(gatt_bed *bed) {
  ab_list *n;

  ab_gatt_db_unref(bed->db);
  ab_gatt_server_link_close(&bed->link);
  ab_gatt_server_close(&bed->server);
  while ((n = ab_list_pop(&bed->values))) {
    bed_value *v = ab_container_of(n, bed_value, node);

    ab_gatt_value_free(&v->value, bed->env);
    free(v);
  }
  att_peer_free(bed->peer);
  free(bed);
}

static aioble_uuid_t uuid_of(const char *text) {
  aioble_uuid_t uuid;

  assert_int_equal(aioble_uuid_parse(&uuid, text), 0);
  return uuid;
}

static bed_value *new_value(gatt_bed *bed, unsigned props, const char *hex) {
  bed_value *v = calloc(1, sizeof *v);
  uint8_t octets[AB_ATT_VALUE_MAX];
  size_t len = hex_read(hex, octets, sizeof octets);

  assert_non_null(v);
  ab_gatt_value_init(&v->value, &ops, (uint8_t) props, AB_ATT_VALUE_MAX);
  assert_true(ab_gatt_value_put(&v->value, bed->env, 0, octets, len));
  v->bed = bed;
  ab_list_push(&bed->values, &v->node);
  return v;
}

void bed_service(gatt_bed *bed, const char *uuid) {
  aioble_uuid_t u = uuid_of(uuid);

  ab_gatt_db_add_service(bed->db, &u, false, NULL, 0);
}

bed_value *bed_char(gatt_bed *bed, const char *uuid, unsigned props, const char *value) {
  aioble_uuid_t u = uuid_of(uuid);
  bed_value *v = new_value(bed, props, value);

  ab_gatt_db_add_char(bed->db, &u, &v->value);
  return v;
}

bed_value *bed_desc(gatt_bed *bed, const char *uuid, unsigned props, const char *value) {
  aioble_uuid_t u = uuid_of(uuid);
  bed_value *v = new_value(bed, props, value);

  ab_gatt_db_add_desc(bed->db, &u, &v->value);
  return v;
}

static void release(void *owner) {
  gatt_bed *bed = owner;

  bed->releases++;
}

void bed_install(gatt_bed *bed) {
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  ab_gatt_db_set_owner(bed->db, bed, release);
  assert_int_equal(ab_gatt_server_install(&bed->server, bed->db), 0);
  bed->db = NULL;
}

bed_table bed_standard(gatt_bed *bed) {
  bed_table t;

  bed_service(bed, "181a");
  t.temperature = bed_char(bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "16 09");
  t.humidity = bed_char(bed, "2a6f", AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP, "01 02 03");
  t.humidity->value.max_len = 8;
  t.text = bed_desc(bed, "2901", AIOBLE_READ, "54 65 78 74");
  t.format = bed_desc(bed, "2904", AIOBLE_READ | AIOBLE_WRITE,
                      "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
                      "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 31");
  bed_service(bed, LONG_SERVICE);
  t.hidden = bed_char(bed, LONG_CHAR, AIOBLE_WRITE, "");
  t.pressure = bed_char(bed, "2a6d", AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE, "ee");
  t.extra = bed_desc(bed, LONG_DESC, AIOBLE_READ, "77");
  bed_service(bed, "181a");
  t.second = bed_char(bed, "2a6e", AIOBLE_READ, "17 09");
  bed_install(bed);
  return t;
}

bed_table table;

int bed_set_up(void **state) {
  gatt_bed *bed = gatt_bed_new();

  *state = bed;
  table = bed_standard(bed);
  return 0;
}

int bed_tear_down(void **state) {
  gatt_bed_free(*state);
  return 0;
}

void bed_play(gatt_bed *bed, const char *lines) {
  att_peer_play(bed->peer, lines);
}

void bed_reconnect(gatt_bed *bed) {
  ab_gatt_server_link_close(&bed->link);
  ab_gatt_server_link_open(&bed->server, &bed->link, &bed->peer->att);
  ab_gatt_bearer_open(&bed->bearer, &bed->link, &bed->peer->att);
}

void bed_later(bed_value *value) {
  value->read_code = value->check_code = AB_ATT_LATER;
}

void bed_owes_nothing(const bed_value *value) {
  assert_null(value->late.request);
}

void bed_answer(bed_value *value, uint8_t code, const char *text) {
  size_t len = text ? strlen(text) : 0;
  char *copy = malloc(len + 1); /* gone after the call */

  assert_non_null(copy);
  assert_non_null(value->late.request);
  memcpy(copy, text ? text : "", len);
  ab_gatt_late_answer(&value->late, code, text ? copy : NULL, len);
  free(copy);
}

void bed_expect(const bed_value *value, const char *hex) {
  assert_hex(value->value.len ? value->value.data : (const uint8_t *) "", value->value.len, hex);
}
