/* SPDX-License-Identifier: MIT */
/* What a scan knows: merging, snapshots, the bound, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/scan_devices.h"
#include "helpers/sim.h"
#include "host/host.h"

typedef struct bed {
  sim s;
  ab_scan_devices d;
} bed;

static int setup_with(void **state, unsigned max) {
  bed *b = test_calloc(1, sizeof *b);
  aioble_t *ble;

  sim_open(&b->s, NULL);
  ble = sim_stack_new(&b->s, NULL, NULL);
  ab_scan_devices_init(&b->d, &ble->env, ble, max);
  *state = b;
  return 0;
}

static int setup(void **state) {
  return setup_with(state, 4);
}

static int setup_large(void **state) {
  return setup_with(state, 4096);
}

static int teardown(void **state) {
  bed *b = *state;

  ab_scan_devices_free(&b->d);
  sim_close(&b->s);
  test_free(b);
  return 0;
}

static ab_gap_report report(unsigned id, uint8_t type, const char *data) {
  return (ab_gap_report){
      .addr = {AIOBLE_ADDR_RANDOM,
               {0xc0, 0, (uint8_t) (id >> 24), (uint8_t) (id >> 16), (uint8_t) (id >> 8),
                (uint8_t) id}},
      .type = type,
      .rssi = -50,
      .data = (const uint8_t *) data,
      .len = (uint8_t) strlen(data),
  };
}

static unsigned give(bed *b, ab_gap_report r) {
  unsigned changed = 0;

  assert_non_null(ab_scan_devices_report(&b->d, &r, &changed));
  return changed;
}

static void says_what_a_report_changed(void **state) {
  bed *b = *state;
  ab_gap_report r = report(1, AB_HCI_REPORT_ADV_IND, "abc");

  assert_true(give(b, r) & AB_SCAN_NEW);
  assert_int_equal(give(b, r), 0);
  r.rssi = -51;
  assert_int_equal(give(b, r), AB_SCAN_RSSI);
  r.data = (const uint8_t *) "abd";
  assert_int_equal(give(b, r), AB_SCAN_DATA);
  r.len = 2;
  assert_int_equal(give(b, r), AB_SCAN_DATA);
  r.type = AB_HCI_REPORT_SCAN_RSP; /* says nothing about being connectable */
  assert_int_equal(give(b, r), AB_SCAN_DATA);
  assert_int_equal(give(b, r), 0);
  r.type = AB_HCI_REPORT_NONCONN_IND;
  assert_int_equal(give(b, r), AB_SCAN_CONNECTABLE);
  r.type = AB_HCI_REPORT_DIRECT_IND; /* has no data of its own */
  r.len = 0;
  assert_int_equal(give(b, r), AB_SCAN_CONNECTABLE);
  r.type = AB_HCI_REPORT_ADV_IND;
  assert_int_equal(give(b, r), AB_SCAN_DATA);
  assert_int_equal(b->d.n, 1);
}

static void same_bytes_of_another_type_are_another_device(void **state) {
  bed *b = *state;
  ab_gap_report r = report(1, AB_HCI_REPORT_ADV_IND, "");

  (void) give(b, r);
  r.addr.type = AIOBLE_ADDR_PUBLIC;
  assert_true(give(b, r) & AB_SCAN_NEW);
  assert_int_equal(b->d.n, 2);
}

static void a_held_result_does_not_change(void **state) {
  bed *b = *state;
  ab_gap_report r = report(1, AB_HCI_REPORT_ADV_IND, "abc");
  unsigned changed;
  aioble_scan_result_t *held = aioble_scan_result_ref(ab_scan_devices_report(&b->d, &r, &changed)),
                       *now;

  r = report(1, AB_HCI_REPORT_ADV_IND, "xyz");
  now = ab_scan_devices_report(&b->d, &r, &changed);
  assert_ptr_not_equal(now, held);
  assert_memory_equal(held->adv, "abc", 3);
  assert_memory_equal(now->adv, "xyz", 3);
  aioble_scan_result_unref(held);
  assert_ptr_equal(ab_scan_devices_report(&b->d, &r, &changed), now); /* nobody holds it */
}

static void the_one_heard_of_longest_ago_makes_room(void **state) {
  bed *b = *state;

  for (unsigned id = 1; id <= 4; id++)
    (void) give(b, report(id, AB_HCI_REPORT_ADV_IND, ""));
  (void) give(b, report(1, AB_HCI_REPORT_ADV_IND, "")); /* 2 is the oldest now */
  assert_true(give(b, report(5, AB_HCI_REPORT_ADV_IND, "")) & AB_SCAN_NEW);
  assert_int_equal(b->d.n, 4);
  assert_int_equal(b->d.evicted, 1);
  assert_int_equal(give(b, report(1, AB_HCI_REPORT_ADV_IND, "")), 0);
  assert_true(give(b, report(2, AB_HCI_REPORT_ADV_IND, "")) & AB_SCAN_NEW);
}

static void without_memory_nothing_is_lost_but_the_report(void **state) {
  bed *b = *state;

  (void) give(b, report(1, AB_HCI_REPORT_ADV_IND, "abc"));
  for (size_t n = 1; n < 10; n++) {
    ab_gap_report r = report((unsigned) n + 1, AB_HCI_REPORT_ADV_IND, "abc");
    unsigned changed;

    b->s.fail_at = b->s.allocations + n;
    (void) ab_scan_devices_report(&b->d, &r, &changed);
    b->s.fail_at = 0;
    assert_true(give(b, report((unsigned) n + 1, AB_HCI_REPORT_ADV_IND, "abc")) <=
                AB_SCAN_NEW + 15);
    assert_true(b->d.n <= 4);
  }
}

/* processor time of 4,096 reports of devices that come one after the other from `first` on */
static clock_t cost(bed *b, unsigned first) {
  clock_t start = clock();

  for (unsigned id = first; id < first + 4096; id++)
    (void) give(b, report(id * 2654435761u, AB_HCI_REPORT_ADV_IND, "abc"));
  return clock() - start;
}

/* the machine may be busy with something else: the best of several */
static void a_report_costs_the_same_at_the_end(void **state) {
  enum { ROUNDS = 10 };
  bed *b = *state;
  clock_t early = 0, late = 0, c;

  (void) cost(b, 0); /* the table is full */
  for (unsigned i = 1; i <= ROUNDS; i++) {
    c = cost(b, i * 4096);
    early = i == 1 || c < early ? c : early;
  }
  for (unsigned i = 0; i < 40; i++)
    (void) cost(b, (100 + i) * 4096);
  for (unsigned i = 1; i <= ROUNDS; i++) {
    c = cost(b, (200 + i) * 4096);
    late = i == 1 || c < late ? c : late;
  }
  assert_true(late <= 3 * early);
  assert_int_equal(b->d.n, 4096);
  assert_int_equal(b->d.n_buckets, 4096);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(says_what_a_report_changed),
      WITH_BED(same_bytes_of_another_type_are_another_device),
      WITH_BED(a_held_result_does_not_change),
      WITH_BED(the_one_heard_of_longest_ago_makes_room),
      WITH_BED(without_memory_nothing_is_lost_but_the_report),
      cmocka_unit_test_setup_teardown(a_report_costs_the_same_at_the_end, setup_large, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
