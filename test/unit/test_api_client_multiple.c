/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct peer {
  client_bed *bed;
  aioble_client_char_t *chars[2]; /* handles 3 and 7 */
} peer;

static peer peer_new(void) {
  peer p = {.bed = client_bed_new()};
  aioble_op_t *op;

  p.chars[0] = client_bed_char(p.bed, AIOBLE_PROP_READ);
  op = aioble_client_service_char(aioble_client_char_service(p.chars[0]), aioble_uuid16(0x2a6f));
  client_bed_play(p.bed, "< 08 0100 0900 0328\n> 09 07 0600 02 0700 6f2a\n");
  p.chars[1] = aioble_client_char_ref(aioble_op_char(op));
  aioble_op_unref(op);
  return p;
}

static void peer_free(peer *p) {
  aioble_client_char_unref(p->chars[0]);
  aioble_client_char_unref(p->chars[1]);
  client_bed_free(p->bed);
}

static void is(const aioble_op_t *op, size_t i, uint16_t handle, const char *text) {
  aioble_bytes_t value = aioble_op_value_at(op, i);

  assert_int_equal(aioble_op_handle_at(op, i), handle);
  assert_int_equal(value.len, strlen(text));
  assert_true(value.len == 0 || memcmp(value.data, text, value.len) == 0);
}

static void each_value_is_kept_for_itself(void **state) {
  peer p = peer_new();
  aioble_op_t *op = aioble_client_read_multiple_variable(p.chars, 2);

  (void) state;
  client_bed_play(p.bed, "< 20 0300 0700\n> 21 0200 6162 0000\n");
  assert_int_equal(aioble_op_status(op), 0);
  assert_int_equal(aioble_op_count(op), 2);
  is(op, 0, 3, "ab");
  is(op, 1, 7, "");
  is(op, 2, 0, "");
  aioble_op_unref(op);
  peer_free(&p);
}

/* the result needs neither */
static void values_outlive_their_link_and_characteristics(void **state) {
  peer p = peer_new();
  aioble_op_t *op = aioble_client_read_multiple_variable(p.chars, 2);

  (void) state;
  client_bed_play(p.bed, "< 20 0300 0700\n> 21 0200 6162 0000\n");
  client_bed_disconnect(p.bed);
  p.chars[0] = aioble_client_char_unref(p.chars[0]);
  p.chars[1] = aioble_client_char_unref(p.chars[1]);
  is(op, 0, 3, "ab");
  aioble_op_unref(op);
  peer_free(&p);
}

static void all_with_a_uuid_are_read(void **state) {
  peer p = peer_new();
  aioble_uuid_t uuid = aioble_uuid16(0x2a6e);
  aioble_op_t *op = aioble_conn_read_by_uuid(p.bed->conn, uuid);
  outcome o;

  (void) state;
  client_bed_play(p.bed, "< 08 0100 ffff 6e2a\n> 09 03 0300 61 ffff 62\n");
  assert_int_equal(aioble_op_count(op), 2);
  is(op, 0, 3, "a");
  is(op, 1, 0xffff, "b");
  aioble_op_unref(op);
  op = aioble_client_service_read_by_uuid(aioble_client_char_service(p.chars[0]), uuid);
  client_bed_play(p.bed, "< 08 0100 0900 6e2a\n> 09 03 0900 61\n");
  is(op, 0, 9, "a");
  aioble_op_unref(op);
  client_bed_then(&o, aioble_conn_read_by_uuid(p.bed->conn, uuid));
  client_bed_play(p.bed, "< 08 0100 ffff 6e2a\n> 01 08 0100 0a\n");
  assert_int_equal(o.status, AIOBLE_ENOENT);
  peer_free(&p);
}

static void a_server_cannot_make_it_hold_more_than_a_limit(void **state) {
  peer p = peer_new();
  char lines[100];
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_conn_read_by_uuid(p.bed->conn, aioble_uuid16(0x2a6e)));
  client_bed_play(p.bed, "< 08 0100 ffff 6e2a\n");
  for (int handle = 1; handle <= AIOBLE_READ_BY_UUID_MAX + 1; handle++) {
    assert_int_equal(o.calls, 0);
    if (handle <= AIOBLE_READ_BY_UUID_MAX)
      (void) snprintf(lines, sizeof lines, "> 09 03 %02x00 61\n< 08 %02x00 ffff 6e2a\n", handle,
                      handle + 1);
    else
      (void) snprintf(lines, sizeof lines, "> 09 03 %02x00 61\n", handle);
    client_bed_play(p.bed, lines);
  }
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOBUFS);
  peer_free(&p);
}

static void it_may_be_cancelled_at_any_request(void **state) {
  peer p = peer_new();
  outcome o;

  (void) state;
  for (int i = 0; i < 2; i++) {
    client_bed_then(&o, aioble_client_read_multiple_variable(p.chars, 2));
    if (i == 0)
      client_bed_play(p.bed, "< 20 0300 0700\n");
    else
      client_bed_play(p.bed, "< 20 0300 0700\n> 01 20 0000 06\n< 0a 0300\n");
    aioble_op_cancel(o.op);
    client_bed_run_ms(p.bed, 0);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.status, AIOBLE_ECANCELED);
    client_bed_play(p.bed, i == 0 ? "> 21 0000 0000\n" : "> 0b 61\n");
  }
  client_bed_then(&o, aioble_conn_read_by_uuid(p.bed->conn, aioble_uuid16(0x2a6e)));
  client_bed_play(p.bed, "< 08 0100 ffff 6e2a\n");
  client_bed_run_ms(p.bed, 1000);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  client_bed_play(p.bed, "> 09 03 0300 61\n");
  assert_int_equal(o.calls, 1);
  peer_free(&p);
}

static void bad_arguments_are_refused(void **state) {
  peer p = peer_new(), other = peer_new();
  aioble_client_char_t *mixed[] = {p.chars[0], other.chars[0]}, *none[] = {p.chars[0], NULL};
  outcome o[4];

  (void) state;
  client_bed_then(&o[0], aioble_client_read_multiple_variable(mixed, 2));
  client_bed_then(&o[1], aioble_client_read_multiple_variable(none, 2));
  client_bed_then(&o[2], aioble_conn_read_by_uuid(p.bed->conn, (aioble_uuid_t){0}));
  client_bed_then(&o[3], aioble_client_read_multiple_variable(mixed, 0));
  client_bed_run_ms(p.bed, 0);
  assert_int_equal(o[0].status, AIOBLE_EINVAL);
  assert_int_equal(o[1].status, AIOBLE_ENOTCONN);
  assert_int_equal(o[2].status, AIOBLE_EINVAL);
  assert_int_equal(o[3].status, AIOBLE_EINVAL);
  assert_int_equal(aioble_op_finish(aioble_client_read_multiple_variable(NULL, 1)),
                   AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_finish(aioble_conn_read_by_uuid(NULL, aioble_uuid16(1))),
                   AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_finish(aioble_client_service_read_by_uuid(NULL, aioble_uuid16(1))),
                   AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_count(NULL), 0);
  peer_free(&other);
  peer_free(&p);
}

static void all_end_with_the_link(void **state) {
  peer p = peer_new();
  outcome o[3];

  (void) state;
  client_bed_then(&o[0], aioble_client_read_multiple_variable(p.chars, 2));
  client_bed_then(&o[1], aioble_conn_read_by_uuid(p.bed->conn, aioble_uuid16(0x2a6e)));
  client_bed_disconnect(p.bed);
  client_bed_then(&o[2], aioble_client_read_multiple_variable(p.chars, 2));
  client_bed_run_ms(p.bed, 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  peer_free(&p);
}

static void each_allocation_may_fail(void **state) {
  (void) state;
  for (unsigned n = 1; n < 4; n++) {
    peer p = peer_new();
    ab_buf *spare[64];
    unsigned held = 0;
    outcome o;

    while (!ab_list_empty(&p.bed->ble->bufs.free))
      spare[held++] = ab_buf_new(&p.bed->ble->bufs, 1);
    fake_env_fail_at(p.bed->memory, n);
    client_bed_then(&o, aioble_client_read_multiple_variable(p.chars, 2));
    client_bed_run_ms(p.bed, 1000);
    assert_int_equal(o.calls, 1);
    assert_true(o.status == AIOBLE_ENOMEM || o.status == AIOBLE_ETIMEDOUT);
    fake_env_fail_at(p.bed->memory, 0);
    pdu_script_end(&p.bed->script, 0);
    while (held > 0)
      ab_buf_free(spare[--held]);
    peer_free(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_value_is_kept_for_itself),
      cmocka_unit_test(values_outlive_their_link_and_characteristics),
      cmocka_unit_test(all_with_a_uuid_are_read),
      cmocka_unit_test(a_server_cannot_make_it_hold_more_than_a_limit),
      cmocka_unit_test(it_may_be_cancelled_at_any_request),
      cmocka_unit_test(bad_arguments_are_refused),
      cmocka_unit_test(all_end_with_the_link),
      cmocka_unit_test(each_allocation_may_fail),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
