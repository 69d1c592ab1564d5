/* SPDX-License-Identifier: MIT */
/* Many devices, several scans, and the push form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

static aioble_virtual_beacon_t *beacon(sim *s, unsigned id, uint32_t interval_us) {
  const uint8_t data[] = {2, 1, 6, 3, 0xff, (uint8_t) id, (uint8_t) (id >> 8)};
  aioble_virtual_beacon_t *made = aioble_virtual_beacon_new(
      s->radio,
      &(aioble_virtual_beacon_options_t){
          .addr = {AIOBLE_ADDR_PUBLIC, {0xbe, 0xac, 0, 0, (uint8_t) (id >> 8), (uint8_t) id}},
          .type = 3,
          .interval_us = interval_us,
          .data = {data, sizeof data}});

  assert_non_null(made);
  return made;
}

/* ---- ten thousand ---- */

typedef struct tally {
  unsigned results;
} tally;

static void count_result(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  tally *t = user;

  (void) scan;
  assert_non_null(aioble_scan_result_addr(result));
  t->results++;
}

/* instructions are counted by the benchmark; here: what a report allocates, and what is alive */
static void ten_thousand_devices_keep_memory_bounded(void **state) {
  enum { DEVICES = 10000, TABLE = 4096 };
  sim s;
  aioble_t *ble;
  aioble_scan_t *scan;
  aioble_stats_t stats;
  tally t = {0};
  size_t live, allocations;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  for (unsigned i = 0; i < DEVICES; i++)
    (void) beacon(&s, i, 1000000);
  scan = aioble_scan(
      ble, &(aioble_scan_options_t){.max_devices = TABLE, .on_result = count_result, .user = &t});
  sim_run_ms(&s, 500);
  aioble_stats(ble, &stats);
  assert_int_equal(stats.scan_evicted, stats.scan_reports - TABLE); /* each came once so far */
  assert_int_equal(t.results, stats.scan_reports);
  live = s.live;
  allocations = s.allocations;
  sim_run_ms(&s, 2000);
  assert_true(s.live <= live); /* the table is full: one comes, one goes */
  assert_true(s.live <= 2 * TABLE + 200);
  /* a device and a result for each report, as at the start: nothing grows */
  aioble_stats(ble, &stats);
  assert_true(stats.scan_reports > 2 * DEVICES);
  assert_true(s.allocations - allocations <= 2 * stats.scan_reports);
  sim_expect(aioble_scan_stop(scan), 0);
  aioble_scan_unref(scan);
  sim_close(&s);
}

static void known_devices_cost_no_memory(void **state) {
  sim s;
  aioble_t *ble;
  aioble_scan_t *scan;
  tally t = {0};
  size_t allocations;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  for (unsigned i = 0; i < 1000; i++)
    (void) beacon(&s, i, 100000);
  scan = aioble_scan(
      ble, &(aioble_scan_options_t){.every_report = true, .on_result = count_result, .user = &t});
  sim_run_ms(&s, 1000);
  allocations = s.allocations;
  t.results = 0;
  sim_run_ms(&s, 1000);
  assert_true(t.results > 5000);
  assert_int_equal(s.allocations, allocations);
  sim_expect(aioble_scan_stop(scan), 0);
  aioble_scan_unref(scan);
  sim_close(&s);
}

static void a_full_queue_drops_the_oldest_and_counts(void **state) {
  sim s;
  aioble_t *ble;
  aioble_scan_t *scan;
  aioble_stats_t stats;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  for (unsigned i = 0; i < 20; i++)
    (void) beacon(&s, i, 0);
  scan = aioble_scan(ble, &(aioble_scan_options_t){.duration_ms = 1000, .max_queued = 5});
  sim_run_ms(&s, 2000);
  for (unsigned i = 0; i < 5; i++)
    sim_expect(aioble_scan_next(scan), 0);
  sim_expect(aioble_scan_next(scan), AIOBLE_EOF);
  aioble_stats(ble, &stats);
  assert_int_equal(stats.scan_dropped, 15);
  aioble_scan_unref(scan);
  sim_close(&s);
}

/* ---- two at once ---- */

static void two_scans_share_the_radio(void **state) {
  sim s;
  aioble_t *ble;
  aioble_scan_t *passive, *active;
  const aioble_virtual_stats_t *stats;
  aioble_op_t *op;
  uint64_t reports;
  const uint8_t response[] = {2, 9, 'x'};

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  stats = aioble_virtual_stats(s.stacks[0].controller);
  (void) aioble_virtual_beacon_new(
      s.radio, &(aioble_virtual_beacon_options_t){
                   .addr = {1, {0xc0, 1, 1, 1, 1, 1}}, .type = 2, .response = {response, 3}});
  passive = aioble_scan(ble, &(aioble_scan_options_t){.interval_us = 200000, .window_us = 20000});
  sim_expect(aioble_scan_next(passive), 0);
  active = aioble_scan(ble, &(aioble_scan_options_t){.active = true, .interval_us = 50000});
  sim_expect(aioble_scan_next(active), 0);
  op = sim_ok(aioble_scan_next(active));
  assert_int_equal(aioble_scan_result_payload(aioble_op_scan_result(op)).rsp.len, 3);
  aioble_op_unref(op);
  sim_expect(aioble_scan_stop(active), 0);
  sim_expect(aioble_scan_next(active), AIOBLE_EOF);
  sim_run_ms(&s, 1000);
  reports = stats->reports;
  sim_run_ms(&s, 3000);
  assert_true(stats->reports > reports); /* the other one goes on */
  sim_expect(aioble_scan_stop(passive), 0);
  reports = stats->reports;
  sim_run_ms(&s, 3000);
  assert_int_equal(stats->reports, reports);
  aioble_scan_unref(active);
  aioble_scan_unref(passive);
  sim_close(&s);
}

/* ---- the push form ---- */

typedef enum deed { NOTHING, STOP, CLOSE, SCAN_AGAIN } deed;

typedef struct pusher {
  aioble_t *ble;
  aioble_scan_t *other;
  deed deed;
  unsigned results, ends;
  int status;
} pusher;

static void on_result(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  pusher *p = user;

  assert_int_equal(p->ends, 0);
  (void) result;
  if (p->results++)
    return;
  switch (p->deed) {
  case STOP:
    aioble_op_unref(aioble_scan_stop(scan));
    break;
  case CLOSE:
    aioble_op_unref(aioble_close(p->ble));
    break;
  case SCAN_AGAIN:
    p->other = aioble_scan(p->ble, NULL);
    break;
  default:
    break;
  }
}

static void on_end(aioble_scan_t *scan, int status, void *user) {
  pusher *p = user;

  assert_non_null(scan);
  p->ends++;
  p->status = status;
}

static void push(sim *s, pusher *p, aioble_scan_options_t options) {
  aioble_scan_t *scan;

  p->ble = s->stacks[0].ble;
  options.on_result = on_result;
  options.on_end = on_end;
  options.user = p;
  scan = aioble_scan(p->ble, &options);
  assert_non_null(scan);
  assert_int_equal(p->results + p->ends, 0); /* never inline */
  aioble_scan_unref(scan);
}

static void the_push_form_tells_results_and_the_end(void **state) {
  sim s;
  pusher p = {0}, bad = {0}, stopped = {.deed = STOP}, again = {.deed = SCAN_AGAIN};

  (void) state;
  sim_open(&s, NULL);
  (void) sim_stack_new(&s, NULL, NULL);
  for (unsigned i = 0; i < 3; i++)
    (void) beacon(&s, i, 0);
  push(&s, &p, (aioble_scan_options_t){.duration_ms = 2000});
  push(&s, &bad, (aioble_scan_options_t){.interval_us = 1});
  push(&s, &stopped, (aioble_scan_options_t){0});
  push(&s, &again, (aioble_scan_options_t){.duration_ms = 1000});
  sim_run_ms(&s, 5000);
  assert_int_equal(p.results, 3);
  assert_int_equal(p.ends, 1);
  assert_int_equal(p.status, 0);
  assert_int_equal(bad.results, 0);
  assert_int_equal(bad.ends, 1);
  assert_int_equal(bad.status, AIOBLE_EINVAL);
  assert_int_equal(stopped.results, 1); /* none after stop */
  assert_int_equal(stopped.ends, 1);
  assert_int_equal(stopped.status, 0);
  sim_expect(aioble_scan_next(again.other), 0);
  sim_expect(aioble_scan_stop(again.other), 0);
  aioble_scan_unref(again.other);
  sim_close(&s);
}

static void closing_inside_on_result_is_safe(void **state) {
  sim s;
  pusher p = {.deed = CLOSE}, others[3] = {{0}};

  (void) state;
  sim_open(&s, NULL);
  (void) sim_stack_new(&s, NULL, NULL);
  (void) beacon(&s, 1, 0);
  push(&s, &p, (aioble_scan_options_t){0});
  for (int i = 0; i < 3; i++)
    push(&s, &others[i], (aioble_scan_options_t){0});
  sim_run_ms(&s, 5000);
  assert_int_equal(p.results, 1);
  assert_int_equal(p.ends, 1);
  assert_int_equal(p.status, AIOBLE_ECANCELED);
  for (int i = 0; i < 3; i++)
    assert_int_equal(others[i].ends, 1);
  assert_false(aioble_is_open(s.stacks[0].ble));
  sim_close(&s);
}

static void losing_the_adapter_ends_it(void **state) {
  sim s;
  pusher p = {0};

  (void) state;
  sim_open(&s, NULL);
  (void) sim_stack_new(&s, NULL, NULL);
  push(&s, &p, (aioble_scan_options_t){0});
  sim_run_ms(&s, 1000);
  aioble_virtual_controller_unplug(s.stacks[0].controller);
  sim_run_ms(&s, 1000);
  assert_int_equal(p.ends, 1);
  assert_int_equal(p.status, AIOBLE_ENODEV);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_thousand_devices_keep_memory_bounded),
      cmocka_unit_test(known_devices_cost_no_memory),
      cmocka_unit_test(a_full_queue_drops_the_oldest_and_counts),
      cmocka_unit_test(two_scans_share_the_radio),
      cmocka_unit_test(the_push_form_tells_results_and_the_end),
      cmocka_unit_test(closing_inside_on_result_is_safe),
      cmocka_unit_test(losing_the_adapter_ends_it),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
