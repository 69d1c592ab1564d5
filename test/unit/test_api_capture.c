/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/fake_env.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  *state = server_bed_new();
  return 0;
}

static int tear_down(void **state) {
  server_bed_free(*state);
  return 0;
}

#define WRITABLE (AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP)

typedef struct shared {
  aioble_capture_t *capture;
  aioble_char_t *a, *b; /* at +02 and +04 */
  aioble_desc_t *desc;  /* of b, at +05 */
} shared;

static shared sharing(server_bed *bed, unsigned depth) {
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  shared s = {.capture = aioble_capture_new(bed->ble, depth)};
  const aioble_char_options_t options = {.capture_to = s.capture};

  s.a = aioble_char_new(service, aioble_uuid16(0x2a6e), WRITABLE, &options);
  s.b = aioble_char_new(service, aioble_uuid16(0x2a6f), WRITABLE, &options);
  s.desc = aioble_desc_new(s.b, aioble_uuid16(0x29ff), AIOBLE_WRITE,
                           &(aioble_desc_options_t){.capture_to = s.capture});
  assert_int_equal(server_bed_register(bed, service), 0);
  bed->chr = s.a;
  return s;
}

static void expect_captured(const shared *s, const aioble_conn_t *conn, const aioble_char_t *chr,
                            const aioble_desc_t *desc, const char *hex) {
  aioble_op_t *op = aioble_capture_next(s->capture);

  assert_int_equal(aioble_op_status(op), 0);
  assert_ptr_equal(aioble_op_conn(op), conn);
  assert_ptr_equal(aioble_op_local_char(op), chr);
  assert_ptr_equal(aioble_op_local_desc(op), desc);
  assert_bytes(aioble_op_value(op), hex);
  aioble_op_unref(op);
}

static void a_shared_queue_keeps_the_order_of_all(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 0);

  server_bed_play(bed, "> 12 +04 41\n"
                       "< 13\n"
                       "> 52 +02 42\n");
  server_bed_play_as(bed, 1, "> 52 +04 43\n");
  server_bed_play(bed, "> 12 +05 44\n"
                       "< 13\n"
                       "> 12 +02\n"
                       "< 13\n");
  expect_captured(&s, bed->conn, s.b, NULL, "41");
  expect_captured(&s, bed->conn, s.a, NULL, "42");
  expect_captured(&s, bed->clients[1].conn, s.b, NULL, "43");
  expect_captured(&s, bed->conn, s.b, s.desc, "44");
  expect_captured(&s, bed->conn, s.a, NULL, "");
  aioble_capture_unref(s.capture);
}

static void those_who_wait_at_a_shared_queue_are_served_in_turn(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 0);
  aioble_op_t *first = aioble_capture_next(s.capture), *second = aioble_capture_next(s.capture);

  assert_null(aioble_op_local_char(first));
  server_bed_play(bed, "> 52 +04 41\n");
  assert_false(aioble_op_done(second));
  assert_ptr_equal(aioble_op_local_char(first), s.b);
  aioble_op_cancel(second);
  assert_int_equal(aioble_op_status(second), AIOBLE_ECANCELED);
  assert_null(aioble_op_local_char(second));
  server_bed_play(bed, "> 52 +02 42\n");
  expect_captured(&s, bed->conn, s.a, NULL, "42");
  aioble_op_unref(first);
  aioble_op_unref(second);
  aioble_capture_unref(s.capture);
}

static void what_goes_to_a_shared_queue_is_not_told_apart(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 0);

  server_bed_play(bed, "> 52 +02 41\n");
  server_bed_expect(bed, aioble_char_written(s.a), AIOBLE_EBUSY);
  server_bed_expect(bed, aioble_desc_written(s.desc), AIOBLE_EBUSY);
  aioble_capture_unref(s.capture);
}

static void a_shared_queue_is_full_for_all(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 2);

  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +04 42\n"
                       "> 12 +05 43\n"
                       "> 52 +02 44\n"
                       "> 52 +02 45\n");
  server_bed_play_as(bed, 1, "> 12 +02 46\n");
  assert_int_equal(aioble_char_dropped(s.a), 2);
  assert_int_equal(aioble_char_dropped(s.b), 0);
  assert_int_equal(aioble_desc_dropped(s.desc), 0);
  assert_int_equal(aioble_capture_dropped(s.capture), 2);
  expect_captured(&s, bed->conn, s.a, NULL, "41");
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 13\n");
  server_bed_play_as(bed, 1, "");
  expect_captured(&s, bed->conn, s.b, NULL, "42");
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "< 13\n");
  expect_captured(&s, bed->conn, s.b, s.desc, "43");
  expect_captured(&s, bed->clients[1].conn, s.a, NULL, "46");
  aioble_capture_unref(s.capture);
}

static void what_is_in_a_shared_queue_goes_with_its_service(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 3);
  aioble_service_t *other = server_bed_service(bed, 0x180f), *services[2];
  aioble_char_t *c = aioble_char_new(other, aioble_uuid16(0x2a19), WRITABLE,
                                     &(aioble_char_options_t){.capture_to = s.capture});
  uint32_t refs = bed->conn->refs;

  services[0] = aioble_service_ref(s.a->service);
  services[1] = other;
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  aioble_service_unref(services[0]);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +08 42\n"
                       "> 52 +04 43\n");
  assert_int_equal(bed->conn->refs, refs + 3);
  assert_int_equal(aioble_register_services(bed->ble, &other, 1), 0);
  assert_int_equal(bed->conn->refs, refs + 1);
  server_bed_play(bed, "> 52 +02 44\n"
                       "> 52 +02 45\n"
                       "> 52 +02 46\n");
  assert_int_equal(aioble_capture_dropped(s.capture), 1);
  expect_captured(&s, bed->conn, c, NULL, "42");
  expect_captured(&s, bed->conn, c, NULL, "44");
  expect_captured(&s, bed->conn, c, NULL, "45");
  aioble_service_unref(other);
  aioble_capture_unref(s.capture);
}

static void who_is_held_for_another_service_stays_in_line(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 1);
  aioble_service_t *other = server_bed_service(bed, 0x180f);
  aioble_char_t *c = aioble_char_new(other, aioble_uuid16(0x2a19), WRITABLE,
                                     &(aioble_char_options_t){.capture_to = s.capture});

  assert_int_equal(aioble_service_add(other), 0);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 12 +04 42\n");
  server_bed_play_as(bed, 1, "> 12 +08 43\n");
  assert_int_equal(aioble_register_services(bed->ble, &other, 1), 0);
  server_bed_play(bed, "< 01 12 +04 0e\n");
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "");
  expect_captured(&s, bed->conn, s.a, NULL, "41"); /* kept as long as somebody uses the old table */
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "< 13\n");
  assert_int_equal(aioble_capture_dropped(s.capture), 0);
  expect_captured(&s, bed->clients[1].conn, c, NULL, "43");
  aioble_service_unref(other);
  aioble_capture_unref(s.capture);
}

static void what_was_taken_keeps_its_characteristic(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 0);
  aioble_op_t *op = aioble_capture_next(s.capture);

  server_bed_play(bed, "> 12 +05 41\n"
                       "< 13\n");
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  assert_ptr_equal(aioble_op_local_desc(op), s.desc);
  assert_ptr_equal(aioble_desc_char(s.desc), s.b);
  aioble_op_unref(op);
  aioble_capture_unref(s.capture);
}

static void a_shared_queue_keeps_the_stack_only_in_hand(void **state) {
  server_bed *bed = *state;
  uint32_t refs = bed->ble->refs;
  shared s = sharing(bed, 1);

  assert_int_equal(bed->ble->refs, refs + 1);
  aioble_capture_ref(s.capture);
  assert_int_equal(bed->ble->refs, refs + 1);
  aioble_capture_unref(s.capture);
  aioble_capture_unref(s.capture);
  assert_int_equal(bed->ble->refs, refs);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 12 +02 42\n");
}

static void the_end_settles_those_at_a_shared_queue(void **state) {
  server_bed *bed = *state;
  shared s = sharing(bed, 0);
  uint32_t refs = bed->conn->refs;
  outcome o;

  client_bed_then(&o, aioble_capture_next(s.capture));
  ab_server_stop(bed->ble, AIOBLE_ENODEV);
  server_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENODEV);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 12 +05 42\n"
                       "< 13\n");
  assert_int_equal(bed->conn->refs, refs + 2);
  ab_server_stop(bed->ble, AIOBLE_ENODEV);
  assert_int_equal(bed->conn->refs, refs);
  expect_captured(&s, NULL, s.a, NULL, "41");
  expect_captured(&s, NULL, s.b, s.desc, "42");
  aioble_capture_unref(s.capture);
}

static void no_queue_of_nothing(void **state) {
  outcome o;

  (void) state;
  assert_null(aioble_capture_new(NULL, 0));
  assert_null(aioble_capture_ref(NULL));
  assert_null(aioble_capture_unref(NULL));
  assert_int_equal(aioble_capture_dropped(NULL), 0);
  client_bed_then(&o, aioble_capture_next(NULL));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  client_bed_then(&o, aioble_desc_written(NULL));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  assert_null(aioble_op_local_char(NULL));
  assert_null(aioble_op_local_desc(NULL));
}

static void a_shared_queue_without_memory(void **state) {
  server_bed *bed = *state;
  shared s;
  aioble_op_t *op;

  fake_env_fail_at(bed->base->memory, 1);
  assert_null(aioble_capture_new(bed->ble, 0));
  s = sharing(bed, 0);
  while (bed->ble->ops.idle > AB_OP_RESERVE)
    bed->ble->ops.idle--, ab_free(&bed->ble->env, ab_list_pop(&bed->ble->ops.pool));
  fake_env_fail_at(bed->base->memory, 1);
  op = aioble_capture_next(s.capture);
  assert_int_equal(aioble_op_status(op), AIOBLE_ENOMEM);
  aioble_op_unref(op);
  ab_bufs_free(&bed->ble->bufs);
  fake_env_fail_at(bed->base->memory, 2); /* the first is for the value */
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(aioble_capture_dropped(s.capture), 1);
  aioble_capture_unref(s.capture);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_shared_queue_keeps_the_order_of_all),
      TEST(those_who_wait_at_a_shared_queue_are_served_in_turn),
      TEST(what_goes_to_a_shared_queue_is_not_told_apart),
      TEST(a_shared_queue_is_full_for_all),
      TEST(what_is_in_a_shared_queue_goes_with_its_service),
      TEST(who_is_held_for_another_service_stays_in_line),
      TEST(what_was_taken_keeps_its_characteristic),
      TEST(a_shared_queue_keeps_the_stack_only_in_hand),
      TEST(the_end_settles_those_at_a_shared_queue),
      TEST(no_queue_of_nothing),
      TEST(a_shared_queue_without_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
