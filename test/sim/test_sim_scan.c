/* SPDX-License-Identifier: MIT */
/* Scanning: what is yielded, when again, to whom, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { ADV_IND = 0, SCAN_IND = 2, NONCONN_IND = 3 };

#define BYTES(...)                                                         \
  (aioble_bytes_t) {                                                       \
    (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}) \
  }

/* flags; name "abc" */
#define FLAGS    2, 1, 6
#define NAME_ABC 4, 9, 'a', 'b', 'c'

typedef struct bed {
  sim s;
  aioble_t *ble;
} bed;

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, NULL);
  b->ble = sim_stack_new(&b->s, NULL, NULL);
  sim_expect(aioble_open(b->ble), 0);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  sim_close(&b->s);
  test_free(b);
  return 0;
}

static aioble_virtual_beacon_t *beacon(bed *b, uint8_t id, uint8_t type, aioble_bytes_t data,
                                       aioble_bytes_t response) {
  aioble_virtual_beacon_t *made = aioble_virtual_beacon_new(
      b->s.radio,
      &(aioble_virtual_beacon_options_t){.addr = {AIOBLE_ADDR_PUBLIC, {0xbe, 0xac, 0, 0, 0, id}},
                                         .type = type,
                                         .data = data,
                                         .response = response});

  assert_non_null(made);
  return made;
}

static aioble_op_t *next(aioble_scan_t *scan) {
  return sim_ok(aioble_scan_next(scan));
}

static aioble_scan_result_t *result(aioble_op_t *op) {
  aioble_scan_result_t *found = aioble_op_scan_result(op);

  assert_non_null(found);
  return found;
}

/* nothing is yielded within that time */
static void expect_silence(bed *b, aioble_scan_t *scan, uint64_t ms) {
  sim_watch w;

  sim_watch_op(&w, aioble_scan_next(scan));
  sim_run_ms(&b->s, ms);
  assert_int_equal(w.calls, 0);
  aioble_op_cancel(w.op);
  sim_watch_expect(&w, AIOBLE_ECANCELED);
}

static void stop(aioble_scan_t *scan) {
  sim_expect(aioble_scan_stop(scan), 0);
  assert_null(aioble_scan_unref(scan));
}

/* ---- what is yielded ---- */

static void advertising_and_scan_response_are_one_result(void **state) {
  bed *b = *state;
  aioble_scan_t *scan;
  aioble_op_t *op;
  aioble_ad_payload_t payload;
  char name[8];

  (void) beacon(b, 1, SCAN_IND, BYTES(FLAGS), BYTES(NAME_ABC));
  scan = aioble_scan(b->ble, &(aioble_scan_options_t){.active = true});
  op = next(scan); /* the advertising data comes first */
  payload = aioble_scan_result_payload(result(op));
  assert_int_equal(payload.adv.len, 3);
  assert_int_equal(payload.rsp.len, 0);
  assert_false(aioble_scan_result_name(result(op), name, sizeof name));
  assert_false(aioble_scan_result_connectable(result(op)));
  aioble_op_unref(op);
  op = next(scan);
  payload = aioble_scan_result_payload(result(op));
  assert_int_equal(payload.adv.len, 3);
  assert_int_equal(payload.rsp.len, 5);
  assert_true(aioble_scan_result_name(result(op), name, sizeof name));
  assert_string_equal(name, "abc");
  aioble_op_unref(op);
  expect_silence(b, scan, 5000);
  stop(scan);
}

static void passive_scanning_has_no_scan_response(void **state) {
  bed *b = *state;
  aioble_scan_t *scan;

  (void) beacon(b, 1, SCAN_IND, BYTES(FLAGS), BYTES(NAME_ABC));
  scan = aioble_scan(b->ble, NULL);
  aioble_op_unref(next(scan));
  expect_silence(b, scan, 5000);
  stop(scan);
}

static void a_device_comes_again_when_its_data_changes(void **state) {
  bed *b = *state;
  aioble_virtual_beacon_t *it = beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  aioble_scan_t *scan = aioble_scan(b->ble, NULL);
  aioble_op_t *first = next(scan), *second;

  expect_silence(b, scan, 2000);
  assert_int_equal(aioble_virtual_beacon_set_data(it, BYTES(NAME_ABC)), 0);
  second = next(scan);
  assert_int_equal(aioble_scan_result_payload(result(second)).adv.len, 5);
  assert_int_equal(aioble_scan_result_payload(result(first)).adv.len, 3); /* a snapshot */
  assert_true(aioble_scan_result_time_us(result(second)) >
              aioble_scan_result_time_us(result(first)));
  aioble_op_unref(first);
  aioble_op_unref(second);
  expect_silence(b, scan, 2000);
  stop(scan);
}

static void a_device_comes_again_when_its_rssi_changes(void **state) {
  bed *b = *state;
  aioble_scan_t *scan, *blind;
  aioble_op_t *op;
  int rssi;

  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  scan = aioble_scan(b->ble, NULL);
  blind = aioble_scan(b->ble, &(aioble_scan_options_t){.ignore_rssi = true});
  aioble_op_unref(next(blind));
  op = next(scan);
  rssi = aioble_scan_result_rssi(result(op));
  aioble_op_unref(op);
  aioble_virtual_controller_set_position(b->s.stacks[0].controller, 5000, 0);
  op = next(scan);
  assert_true(aioble_scan_result_rssi(result(op)) < rssi);
  aioble_op_unref(op);
  expect_silence(b, scan, 1000);
  expect_silence(b, blind, 1000);
  stop(scan);
  stop(blind);
}

static void a_device_comes_again_when_it_becomes_connectable(void **state) {
  bed *b = *state;
  aioble_t *peer = sim_stack_new(&b->s, NULL, NULL);
  aioble_op_t *advertising, *op;
  aioble_scan_t *scan;

  advertising = aioble_advertise(peer, &(aioble_advertise_options_t){.mode = AIOBLE_ADV_BROADCAST});
  scan = aioble_scan(b->ble, NULL);
  op = next(scan);
  assert_false(aioble_scan_result_connectable(result(op)));
  aioble_op_unref(op);
  aioble_op_cancel(advertising);
  sim_expect(advertising, AIOBLE_ECANCELED);
  advertising = aioble_advertise(peer, NULL);
  op = next(scan);
  assert_true(aioble_scan_result_connectable(result(op)));
  aioble_op_unref(op);
  expect_silence(b, scan, 1000);
  aioble_op_cancel(advertising);
  sim_expect(advertising, AIOBLE_ECANCELED);
  stop(scan);
}

static void every_report_yields_every_report(void **state) {
  bed *b = *state;
  aioble_scan_t *scan;

  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  scan = aioble_scan(b->ble, &(aioble_scan_options_t){.every_report = true});
  for (int i = 0; i < 20; i++)
    aioble_op_unref(next(scan));
  stop(scan);
}

static void a_held_result_outlives_the_scan(void **state) {
  bed *b = *state;
  aioble_scan_result_t *held;
  aioble_scan_t *scan;
  aioble_device_t *device;
  aioble_op_t *op;
  char text[AIOBLE_ADDR_TEXT_SIZE];

  (void) beacon(b, 7, NONCONN_IND, BYTES(NAME_ABC), BYTES(0));
  scan = aioble_scan(b->ble, NULL);
  op = next(scan);
  held = aioble_scan_result_ref(result(op));
  aioble_op_unref(op);
  stop(scan);
  sim_expect(aioble_close(b->ble), 0);
  assert_string_equal(aioble_addr_text(aioble_scan_result_addr(held), text), "be:ac:00:00:00:07");
  device = aioble_scan_result_device(held);
  assert_true(aioble_addr_equal(aioble_device_addr(device), aioble_scan_result_addr(held)));
  aioble_device_unref(device);
  assert_null(aioble_scan_result_unref(held));
}

/* ---- filters ---- */

static void expect_filtered(bed *b, const aioble_scan_filter_t *filter, uint8_t id) {
  aioble_scan_t *scan = aioble_scan(
      b->ble, &(aioble_scan_options_t){.active = true, .duration_ms = 1000, .filter = *filter});
  aioble_op_t *op;
  unsigned found = 0;

  for (;; aioble_op_unref(op), found++) {
    op = aioble_scan_next(scan);
    if (aioble_op_await(op) < 0)
      break;
    assert_int_equal(aioble_scan_result_addr(result(op))->bytes[5], id);
  }
  sim_expect(op, AIOBLE_EOF);
  assert_int_equal(found > 0, id > 0);
  aioble_scan_unref(scan);
}

static void filters_let_pass_what_matches(void **state) {
  bed *b = *state;
  const aioble_uuid_t listed = AIOBLE_UUID16(0x181a), data = AIOBLE_UUID16(0xfcd2),
                      none = AIOBLE_UUID16(0x1234);
  const aioble_addr_t third = {AIOBLE_ADDR_PUBLIC, {0xbe, 0xac, 0, 0, 0, 3}},
                      random_third = {AIOBLE_ADDR_RANDOM, {0xbe, 0xac, 0, 0, 0, 3}};

  (void) beacon(b, 1, SCAN_IND, BYTES(FLAGS, 3, 3, 0x1a, 0x18), BYTES(4, 9, 'x', 'y', 'z'));
  (void) beacon(b, 2, SCAN_IND, BYTES(4, 0x16, 0xd2, 0xfc, 0x40), BYTES(NAME_ABC));
  (void) beacon(b, 3, NONCONN_IND, BYTES(5, 0xff, 0x4c, 0x00, 1, 2), BYTES(0));
  expect_filtered(b, &(aioble_scan_filter_t){.uuid = &data}, 2);
  expect_filtered(b, &(aioble_scan_filter_t){.uuid = &none}, 0);
  expect_filtered(b, &(aioble_scan_filter_t){.name_prefix = "ab"}, 2);
  expect_filtered(b, &(aioble_scan_filter_t){.name_prefix = "abcd"}, 0);
  expect_filtered(b, &(aioble_scan_filter_t){.name_prefix = "xy", .uuid = &listed}, 1);
  expect_filtered(b, &(aioble_scan_filter_t){.name_prefix = "ab", .uuid = &listed}, 0);
  expect_filtered(b, &(aioble_scan_filter_t){.addr = &third}, 3);
  expect_filtered(b, &(aioble_scan_filter_t){.addr = &random_third}, 0);
  expect_filtered(b, &(aioble_scan_filter_t){.by_company = true, .company = 0x004c}, 3);
  expect_filtered(b, &(aioble_scan_filter_t){.by_company = true, .company = 0}, 0);
}

static void a_device_that_comes_to_match_is_yielded(void **state) {
  bed *b = *state;
  aioble_transport_t *radio = b->s.stacks[0].controller;
  aioble_scan_t *scan;

  aioble_virtual_controller_set_position(radio, 100000, 0);
  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  scan = aioble_scan(b->ble,
                     &(aioble_scan_options_t){.ignore_rssi = true, .filter = {.rssi_min = -60}});
  expect_silence(b, scan, 1000);
  aioble_virtual_controller_set_position(radio, 50, 0); /* only its RSSI is new */
  aioble_op_unref(next(scan));
  expect_silence(b, scan, 1000);
  stop(scan);
}

/* ---- the end ---- */

static void it_ends_by_itself_after_its_duration(void **state) {
  bed *b = *state;
  uint64_t start = aioble_virtual_now_us(b->s.radio);
  aioble_scan_t *scan = aioble_scan(b->ble, &(aioble_scan_options_t){.duration_ms = 3000});
  sim_watch w;

  sim_watch_op(&w, aioble_scan_next(scan));
  sim_run_ms(&b->s, 2999);
  assert_int_equal(w.calls, 0);
  sim_watch_expect(&w, AIOBLE_EOF);
  assert_true(aioble_virtual_now_us(b->s.radio) - start < 3010000);
  sim_expect(aioble_scan_next(scan), AIOBLE_EOF);
  sim_expect(aioble_scan_stop(scan), 0);
  aioble_scan_unref(scan);
}

static void what_is_queued_comes_before_the_end(void **state) {
  bed *b = *state;
  aioble_scan_t *scan;

  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  (void) beacon(b, 2, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  scan = aioble_scan(b->ble, &(aioble_scan_options_t){.duration_ms = 1000});
  sim_run_ms(&b->s, 2000);
  aioble_op_unref(next(scan));
  aioble_op_unref(next(scan));
  sim_expect(aioble_scan_next(scan), AIOBLE_EOF);
  aioble_scan_unref(scan);
}

static void stopping_ends_what_waits_and_the_radio(void **state) {
  bed *b = *state;
  const aioble_virtual_stats_t *stats = aioble_virtual_stats(b->s.stacks[0].controller);
  aioble_scan_t *scan = aioble_scan(b->ble, NULL);
  sim_watch w, w2;
  uint64_t reports;

  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  aioble_op_unref(next(scan));
  sim_watch_op(&w, aioble_scan_next(scan));
  sim_watch_op(&w2, aioble_scan_stop(scan));
  sim_expect(aioble_scan_stop(scan), 0);
  sim_watch_expect(&w, AIOBLE_EOF);
  sim_watch_expect(&w2, 0);
  reports = stats->reports;
  sim_run_ms(&b->s, 2000);
  assert_int_equal(stats->reports, reports);
  aioble_scan_unref(scan);
}

static void unref_never_stops(void **state) {
  bed *b = *state;
  aioble_scan_t *scan = aioble_scan(b->ble, &(aioble_scan_options_t){.duration_ms = 1000});
  const aioble_virtual_stats_t *stats = aioble_virtual_stats(b->s.stacks[0].controller);
  uint64_t reports;

  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  aioble_scan_unref(scan);
  sim_run_ms(&b->s, 900);
  reports = stats->reports;
  assert_true(reports > 3);
  sim_run_ms(&b->s, 90);
  assert_true(stats->reports > reports);
  sim_run_ms(&b->s, 1000);
}

static void bad_options_are_told_by_next(void **state) {
  bed *b = *state;
  static const aioble_scan_options_t bad[] = {
      {.interval_us = 2499},
      {.interval_us = 10240001},
      {.window_us = 2499},
      {.interval_us = 30000, .window_us = 30001},
  };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    aioble_scan_t *scan = aioble_scan(b->ble, &bad[i]);

    sim_expect(aioble_scan_next(scan), AIOBLE_EINVAL);
    sim_expect(aioble_scan_stop(scan), 0);
    aioble_scan_unref(scan);
  }
  assert_null(aioble_scan(NULL, NULL));
}

static void a_cancelled_next_leaves_the_scan_alone(void **state) {
  bed *b = *state;
  aioble_scan_t *scan = aioble_scan(b->ble, NULL);
  aioble_op_t *op = aioble_scan_next(scan);

  aioble_op_cancel(op);
  sim_expect(op, AIOBLE_ECANCELED);
  (void) beacon(b, 1, NONCONN_IND, BYTES(FLAGS), BYTES(0));
  aioble_op_unref(next(scan));
  stop(scan);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(advertising_and_scan_response_are_one_result),
      WITH_BED(passive_scanning_has_no_scan_response),
      WITH_BED(a_device_comes_again_when_its_data_changes),
      WITH_BED(a_device_comes_again_when_its_rssi_changes),
      WITH_BED(a_device_comes_again_when_it_becomes_connectable),
      WITH_BED(every_report_yields_every_report),
      WITH_BED(a_held_result_outlives_the_scan),
      WITH_BED(filters_let_pass_what_matches),
      WITH_BED(a_device_that_comes_to_match_is_yielded),
      WITH_BED(it_ends_by_itself_after_its_duration),
      WITH_BED(what_is_queued_comes_before_the_end),
      WITH_BED(stopping_ends_what_waits_and_the_radio),
      WITH_BED(unref_never_stops),
      WITH_BED(bad_options_are_told_by_next),
      WITH_BED(a_cancelled_next_leaves_the_scan_alone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
