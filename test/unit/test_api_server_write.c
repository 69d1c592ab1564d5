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

static void capturing(server_bed *bed, unsigned depth) {
  server_bed_char(bed, WRITABLE, &(aioble_char_options_t){.capture = true, .capture_depth = depth});
}

/* the next written() has settled: by that connection, with that value */
static void expect_written(server_bed *bed, aioble_conn_t *conn, const char *hex) {
  aioble_op_t *op = aioble_char_written(bed->chr);

  assert_true(aioble_op_done(op));
  assert_int_equal(aioble_op_status(op), 0);
  assert_ptr_equal(aioble_op_conn(op), conn);
  assert_bytes(aioble_op_value(op), hex);
  aioble_op_unref(op);
}

static void expect_none(server_bed *bed) {
  aioble_op_t *op = aioble_char_written(bed->chr);

  assert_false(aioble_op_done(op));
  aioble_op_cancel(op);
  assert_int_equal(aioble_op_status(op), AIOBLE_ECANCELED);
  aioble_op_unref(op);
}

/* ---- without capture ---- */

static void a_write_is_told_to_the_one_who_waits(void **state) {
  server_bed *bed = *state;
  outcome o;

  server_bed_char(bed, WRITABLE, NULL);
  client_bed_then(&o, aioble_char_written(bed->chr));
  server_bed_run_ms(bed, 100000);
  assert_int_equal(o.calls, 0);
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  assert_int_equal(o.len, 0);
  assert_bytes(aioble_char_read(bed->chr), "41");
  expect_none(bed);
}

static void writes_nobody_waited_for_are_one_by_the_last_writer(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE, NULL);
  expect_none(bed);
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n");
  server_bed_play_as(bed, 1, "> 52 +02 42\n");
  expect_written(bed, bed->clients[1].conn, "");
  expect_none(bed);
}

static void several_who_wait_are_served_in_turn(void **state) {
  server_bed *bed = *state;
  outcome first, second;

  server_bed_char(bed, WRITABLE, NULL);
  client_bed_then(&first, aioble_char_written(bed->chr));
  client_bed_then(&second, aioble_char_written(bed->chr));
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(first.calls, 1);
  assert_int_equal(second.calls, 0);
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(second.calls, 1);
  assert_int_equal(second.status, 0);
}

static void one_who_gave_up_takes_no_write(void **state) {
  server_bed *bed = *state;
  outcome o;
  aioble_op_t *op;

  server_bed_char(bed, WRITABLE, NULL);
  op = aioble_char_written(bed->chr);
  aioble_op_ref(op);
  client_bed_then(&o, op);
  aioble_op_set_timeout(op, 50);
  server_bed_run_ms(bed, 49);
  assert_int_equal(o.calls, 0);
  server_bed_run_ms(bed, 1);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  server_bed_play(bed, "> 52 +02 41\n");
  expect_written(bed, bed->conn, "");
  assert_int_equal(o.calls, 1);
  aioble_op_unref(op);
}

static void the_writer_is_known_when_its_link_has_ended(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;

  server_bed_char(bed, WRITABLE, NULL);
  op = aioble_char_written(bed->chr);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +02 42\n");
  server_bed_disconnect(bed, 0);
  assert_ptr_equal(aioble_op_conn(op), bed->conn);
  aioble_op_unref(op);
  expect_written(bed, bed->conn, "");
}

static void what_cannot_be_written_is_not_waited_for(void **state) {
  server_bed *bed = *state;
  outcome o;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  server_bed_expect(bed, aioble_char_written(bed->chr), AIOBLE_ENOTSUP);
  client_bed_then(&o, aioble_char_written(NULL));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
}

static void a_refused_write_is_not_told(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE, &(aioble_char_options_t){.max_len = 2});
  server_bed_play(bed, "> 12 +02 41 42 43\n"
                       "< 01 12 +02 0d\n"
                       "> 52 +02 41 42 43\n");
  expect_none(bed);
}

/* ---- capture ---- */

static void each_captured_write_comes_in_order_with_its_value(void **state) {
  server_bed *bed = *state;
  outcome o;

  capturing(bed, 0);
  client_bed_then(&o, aioble_char_written(bed->chr));
  server_bed_play(bed, "> 12 +02 41 42\n"
                       "< 13\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.len, 2);
  assert_memory_equal(o.value, "AB", 2);
  server_bed_play(bed, "> 12 +02 43\n"
                       "< 13\n");
  server_bed_play_as(bed, 1, "> 52 +02\n");
  server_bed_play(bed, "> 52 +02 44\n");
  expect_written(bed, bed->conn, "43");
  expect_written(bed, bed->clients[1].conn, "");
  expect_written(bed, bed->conn, "44");
  expect_none(bed);
  assert_bytes(aioble_char_read(bed->chr), "44");
}

static void a_long_write_is_captured_whole(void **state) {
  server_bed *bed = *state;

  capturing(bed, 0);
  server_bed_play(bed, "> 16 +02 00 00 41*18\n"
                       "< 17 +02 00 00 41*18\n"
                       "> 16 +02 12 00 42\n"
                       "< 17 +02 12 00 42\n"
                       "> 18 01\n"
                       "< 19\n");
  expect_written(bed, bed->conn, "41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 42");
  expect_none(bed);
}

static unsigned asked;

static int count(aioble_access_t *access, void *user) {
  (void) access, (void) user;
  asked++;
  return 0;
}

static bool count_too(const aioble_access_t *access, bool write, void *user) {
  (void) access, (void) write;
  ++*(unsigned *) user;
  return true;
}

static void a_full_queue_holds_a_request_until_one_is_taken(void **state) {
  server_bed *bed = *state;
  unsigned authorized = 0;

  asked = 0;
  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.capture = true,
                                           .capture_depth = 2,
                                           .on_write = count,
                                           .on_authorize = count_too,
                                           .user = &authorized});
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n"
                       "> 52 +02 42\n"
                       "> 12 +02 43\n");
  server_bed_run_ms(bed, 20000);
  server_bed_play(bed, "");
  assert_int_equal(asked, 2);
  assert_int_equal(authorized, 3);
  assert_bytes(aioble_char_read(bed->chr), "42");
  expect_written(bed, bed->conn, "41");
  assert_int_equal(asked, 2); /* not from inside written() */
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 13\n");
  assert_int_equal(asked, 3);
  assert_int_equal(authorized, 3);
  assert_bytes(aioble_char_read(bed->chr), "43");
  expect_written(bed, bed->conn, "42");
  expect_written(bed, bed->conn, "43");
  expect_none(bed);
  assert_int_equal(aioble_char_dropped(bed->chr), 0);
}

static void a_full_queue_drops_commands(void **state) {
  server_bed *bed = *state;
  aioble_stats_t stats;

  asked = 0;
  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.capture = true, .capture_depth = 1, .on_write = count});
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +02 42\n"
                       "> 52 +02 43\n");
  assert_int_equal(aioble_char_dropped(bed->chr), 2);
  aioble_stats(bed->ble, &stats);
  assert_int_equal(stats.writes_dropped, 2);
  assert_int_equal(asked, 1);
  assert_bytes(aioble_char_read(bed->chr), "41");
  expect_written(bed, bed->conn, "41");
  expect_none(bed);
}

static void those_who_are_held_are_let_in_one_by_one_in_order(void **state) {
  server_bed *bed = *state;

  capturing(bed, 1);
  server_bed_play(bed, "> 52 +02 41\n");
  server_bed_play_as(bed, 1, "> 12 +02 42\n");
  server_bed_play(bed, "> 12 +02 43\n");
  expect_written(bed, bed->conn, "41");
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "< 13\n");
  server_bed_play(bed, "");
  expect_written(bed, bed->clients[1].conn, "42");
  server_bed_play_as(bed, 1, "> 12 +02 44\n"); /* behind who waits, though there is room */
  server_bed_play_as(bed, 1, "> 52 +02 45\n");
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 13\n");
  server_bed_play_as(bed, 1, "");
  expect_written(bed, bed->conn, "43");
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "< 13\n");
  expect_written(bed, bed->clients[1].conn, "44");
  expect_none(bed);
  assert_int_equal(aioble_char_dropped(bed->chr), 1);
}

static int refuse(aioble_access_t *access, void *user) {
  (void) user;
  asked++;
  return access->value.data[0] == 'r' ? 0x80 : 0;
}

static void who_is_refused_makes_room_for_the_next(void **state) {
  server_bed *bed = *state;

  asked = 0;
  server_bed_char(
      bed, WRITABLE,
      &(aioble_char_options_t){.capture = true, .capture_depth = 1, .on_write = refuse});
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 12 +02 72\n");
  server_bed_play_as(bed, 1, "> 12 +02 42\n");
  expect_written(bed, bed->conn, "41");
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 01 12 +02 80\n");
  server_bed_play_as(bed, 1, "< 13\n");
  expect_written(bed, bed->clients[1].conn, "42");
  assert_int_equal(asked, 3);
}

static void who_is_held_may_go(void **state) {
  server_bed *bed = *state;

  capturing(bed, 1);
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n"
                       "> 12 +02 42\n");
  server_bed_play_as(bed, 1, "> 12 +02 43\n");
  server_bed_disconnect(bed, 0);
  expect_written(bed, bed->conn, "41");
  server_bed_run_ms(bed, 0);
  server_bed_play_as(bed, 1, "< 13\n");
  expect_written(bed, bed->clients[1].conn, "43");
  expect_none(bed);
}

static void who_is_held_for_a_service_that_goes_is_told(void **state) {
  server_bed *bed = *state;

  capturing(bed, 1);
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n"
                       "> 12 +02 42\n");
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  server_bed_play(bed, "< 01 12 +02 0e\n");
}

/* when it sees a "u" */
static int unregister(aioble_access_t *access, void *user) {
  (void) user;
  if (access->value.data[0] == 'u')
    assert_int_equal(aioble_register_services(access->conn->ble, NULL, 0), 0);
  return 0;
}

static void who_is_let_in_may_do_away_with_the_queue(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;

  server_bed_char(
      bed, WRITABLE,
      &(aioble_char_options_t){.capture = true, .capture_depth = 1, .on_write = unregister});
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 12 +02 75\n");
  server_bed_play_as(bed, 1, "> 12 +02 43\n");
  op = aioble_char_written(bed->chr);
  assert_bytes(aioble_op_value(op), "41");
  aioble_op_unref(op);
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 13\n");
  server_bed_play_as(bed, 1, "< 01 12 +02 0e\n");
}

static void a_write_of_several_values_waits_for_room_once(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  const aioble_char_options_t options = {.capture_to = aioble_capture_new(bed->ble, 1),
                                         .on_write = count};
  aioble_op_t *op;

  asked = 0;
  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), WRITABLE, &options);
  aioble_char_new(service, aioble_uuid16(0x2a6f), WRITABLE, &options);
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 52 +02 40\n"
                       "> 16 +02 00 00 41\n"
                       "< 17 +02 00 00 41\n"
                       "> 16 +04 00 00 42\n"
                       "< 17 +04 00 00 42\n"
                       "> 18 01\n");
  assert_int_equal(asked, 1);
  for (unsigned n = 0; n < 3; n++) {
    op = aioble_capture_next(options.capture_to);
    assert_int_equal(aioble_op_value(op).data[0], 0x40 + n);
    aioble_op_unref(op);
    server_bed_run_ms(bed, 0);
    server_bed_play(bed, n ? "" : "< 19\n");
    assert_int_equal(asked, 3);
  }
  aioble_capture_unref(options.capture_to);
}

static void the_default_queue_holds_64(void **state) {
  server_bed *bed = *state;

  capturing(bed, 0);
  for (unsigned i = 0; i < 64; i++)
    server_bed_play(bed, "> 12 +02 41\n"
                         "< 13\n");
  server_bed_play(bed, "> 12 +02 41\n");
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "");
}

static void captured_writes_are_let_go_with_their_service(void **state) {
  server_bed *bed = *state;
  uint32_t refs = bed->conn->refs;

  capturing(bed, 0);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +02 42\n");
  assert_int_equal(bed->conn->refs, refs + 2);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  assert_int_equal(bed->conn->refs, refs);
}

static void one_who_waits_keeps_the_characteristic(void **state) {
  server_bed *bed = *state;
  outcome o;
  aioble_op_t *op;

  capturing(bed, 0);
  op = aioble_char_written(bed->chr);
  aioble_op_ref(op);
  client_bed_then(&o, op);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  server_bed_run_ms(bed, 1000);
  assert_int_equal(o.calls, 0);
  aioble_op_cancel(op);
  aioble_op_unref(op);
  server_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
}

/* ---- descriptors ---- */

static void a_write_to_a_descriptor_is_told_as_well(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  aioble_desc_t *desc, *captured, *fixed;
  aioble_op_t *op;

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), WRITABLE, NULL);
  desc = aioble_desc_new(bed->chr, aioble_uuid16(0x29fd), AIOBLE_WRITE, NULL);
  captured = aioble_desc_new(bed->chr, aioble_uuid16(0x29fe), AIOBLE_WRITE,
                             &(aioble_desc_options_t){.capture = true, .capture_depth = 1});
  fixed = aioble_desc_new(bed->chr, aioble_uuid16(0x29ff), AIOBLE_READ, NULL);
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_expect(bed, aioble_desc_written(fixed), AIOBLE_ENOTSUP);
  op = aioble_desc_written(desc);
  server_bed_play(bed, "> 12 +04 41\n"
                       "< 13\n");
  assert_false(aioble_op_done(op));
  server_bed_play(bed, "> 12 +03 42\n"
                       "< 13\n"
                       "> 12 +04 43\n");
  assert_int_equal(aioble_op_status(op), 0);
  assert_ptr_equal(aioble_op_conn(op), bed->conn);
  assert_ptr_equal(aioble_op_local_char(op), bed->chr);
  assert_ptr_equal(aioble_op_local_desc(op), desc);
  aioble_op_unref(op);
  op = aioble_desc_written(captured);
  assert_bytes(aioble_op_value(op), "41");
  assert_ptr_equal(aioble_op_local_desc(op), captured);
  aioble_op_unref(op);
  server_bed_run_ms(bed, 0);
  server_bed_play(bed, "< 13\n");
  expect_none(bed);
  assert_int_equal(aioble_desc_dropped(captured), 0);
}

/* ---- the end of the stack ---- */

static void the_end_settles_those_who_wait(void **state) {
  server_bed *bed = *state;
  outcome o[3];

  server_bed_char(bed, WRITABLE, NULL);
  for (unsigned i = 0; i < 3; i++)
    client_bed_then(&o[i], aioble_char_written(bed->chr));
  ab_server_stop(bed->ble, AIOBLE_ENODEV);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(o[i].calls, 0);
  server_bed_run_ms(bed, 0);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENODEV);
  }
  server_bed_play(bed, "> 52 +02 41\n");
  expect_written(bed, bed->conn, "");
}

static void an_op_kept_beyond_its_end_takes_no_write(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;

  server_bed_char(bed, WRITABLE, NULL);
  op = aioble_char_written(bed->chr);
  ab_server_stop(bed->ble, AIOBLE_ENODEV);
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(aioble_op_status(op), AIOBLE_ENODEV);
  expect_written(bed, bed->conn, "");
  aioble_op_unref(op);
}

static void the_end_forgets_who_wrote_but_not_what(void **state) {
  server_bed *bed = *state;
  uint32_t refs = bed->conn->refs;

  capturing(bed, 0);
  server_bed_play(bed, "> 52 +02 41\n"
                       "> 52 +02 42\n");
  ab_server_stop(bed->ble, AIOBLE_ENODEV);
  assert_int_equal(bed->conn->refs, refs);
  expect_written(bed, NULL, "41");
  expect_written(bed, NULL, "42");
  expect_none(bed);
}

/* ---- memory ---- */

static void without_memory_a_captured_write_is_dropped_and_counted(void **state) {
  server_bed *bed = *state;

  capturing(bed, 0);
  ab_bufs_free(&bed->ble->bufs);
  fake_env_fail_at(bed->base->memory, 2); /* the first is for the value */
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(aioble_char_dropped(bed->chr), 1);
  expect_none(bed);
}

static void waiting_without_memory_fails(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;

  capturing(bed, 0);
  while (bed->ble->ops.idle > AB_OP_RESERVE)
    bed->ble->ops.idle--, ab_free(&bed->ble->env, ab_list_pop(&bed->ble->ops.pool));
  fake_env_fail_at(bed->base->memory, 1);
  op = aioble_char_written(bed->chr);
  assert_int_equal(aioble_op_status(op), AIOBLE_ENOMEM);
  aioble_op_unref(op);
  server_bed_play(bed, "> 52 +02 41\n");
  expect_written(bed, bed->conn, "41");
}

static void a_write_costs_no_memory_once_it_runs(void **state) {
  server_bed *bed = *state;
  unsigned allocs = 0;
  outcome o;

  capturing(bed, 0);
  for (unsigned i = 0; i < 20; i++) {
    if (i == 10)
      allocs = fake_env_allocs(bed->base->memory);
    client_bed_then(&o, aioble_char_written(bed->chr));
    server_bed_play(bed, "> 12 +02 41\n"
                         "< 13\n");
    assert_int_equal(o.calls, 1);
  }
  assert_int_equal(fake_env_allocs(bed->base->memory), allocs);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_write_is_told_to_the_one_who_waits),
      TEST(writes_nobody_waited_for_are_one_by_the_last_writer),
      TEST(several_who_wait_are_served_in_turn),
      TEST(one_who_gave_up_takes_no_write),
      TEST(the_writer_is_known_when_its_link_has_ended),
      TEST(what_cannot_be_written_is_not_waited_for),
      TEST(a_refused_write_is_not_told),
      TEST(each_captured_write_comes_in_order_with_its_value),
      TEST(a_long_write_is_captured_whole),
      TEST(a_full_queue_holds_a_request_until_one_is_taken),
      TEST(a_full_queue_drops_commands),
      TEST(those_who_are_held_are_let_in_one_by_one_in_order),
      TEST(who_is_refused_makes_room_for_the_next),
      TEST(who_is_held_may_go),
      TEST(who_is_held_for_a_service_that_goes_is_told),
      TEST(who_is_let_in_may_do_away_with_the_queue),
      TEST(a_write_of_several_values_waits_for_room_once),
      TEST(the_default_queue_holds_64),
      TEST(captured_writes_are_let_go_with_their_service),
      TEST(one_who_waits_keeps_the_characteristic),
      TEST(a_write_to_a_descriptor_is_told_as_well),
      TEST(the_end_settles_those_who_wait),
      TEST(an_op_kept_beyond_its_end_takes_no_write),
      TEST(the_end_forgets_who_wrote_but_not_what),
      TEST(without_memory_a_captured_write_is_dropped_and_counted),
      TEST(waiting_without_memory_fails),
      TEST(a_write_costs_no_memory_once_it_runs),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
