/* SPDX-License-Identifier: MIT */
/* Scanning, advertising, connecting and links beside each other, on controllers that can do less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

/* LE Supported States (Core Vol 4, Part E, 7.8.27): pairs of activities */
#define SCAN_AND_ADV  (1ull << 8 | 1ull << 9 | 1ull << 10 | 1ull << 12 | 1ull << 13 | 1ull << 14)
#define ADV_AND_INIT  (1ull << 16 | 1ull << 17 | 1ull << 32)
#define SCAN_AND_INIT (1ull << 22 | 1ull << 23)
#define ADV_AND_LINK  (1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 35 | 1ull << 38)
#define SCAN_AND_LINK (1ull << 24 | 1ull << 25 | 1ull << 26 | 1ull << 27)
#define INIT_AND_LINK (1ull << 28 | 1ull << 41)

typedef struct bed {
  sim s;
  aioble_t *ble, *peer;
  aioble_device_t *device;
} bed;

static void open_bed(bed *b, uint64_t states_off) {
  sim_open(&b->s, NULL);
  b->ble = sim_stack_new(&b->s, NULL,
                         &(aioble_virtual_controller_options_t){.le_states_off = states_off});
  b->peer = sim_stack_new(&b->s, NULL, NULL);
  b->device = sim_device(b->ble, b->peer);
}

static void close_bed(bed *b) {
  aioble_device_unref(b->device);
  sim_close(&b->s);
}

/* all at once, whatever the controller can: a connection is made and nothing fails */
static void connects_beside_scanning_and_advertising(void **state) {
  static const uint64_t lacking[] = {
      0,
      SCAN_AND_INIT,
      ADV_AND_INIT,
      SCAN_AND_ADV,
      SCAN_AND_ADV | ADV_AND_INIT | SCAN_AND_INIT,
      SCAN_AND_LINK | ADV_AND_LINK,
      SCAN_AND_ADV | ADV_AND_INIT | SCAN_AND_INIT | SCAN_AND_LINK | ADV_AND_LINK,
  };

  (void) state;
  for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
    bed b;
    aioble_scan_t *scan;
    aioble_op_t *advertising, *theirs, *connecting;

    open_bed(&b, lacking[i]);
    scan = aioble_scan(b.ble, &(aioble_scan_options_t){.active = true});
    advertising = aioble_advertise(b.ble, NULL);
    sim_run_ms(&b.s, 500);
    theirs = aioble_advertise(b.peer, NULL);
    connecting = aioble_device_connect(b.device, NULL);
    sim_ok(connecting);
    sim_expect(theirs, 0);
    sim_run_ms(&b.s, 1000);
    assert_false(aioble_op_done(advertising)); /* it waits, or is on air */
    assert_true(aioble_conn_is_connected(aioble_op_conn(connecting)));
    sim_expect(aioble_conn_disconnect(aioble_op_conn(connecting)), 0);
    aioble_op_unref(connecting);
    aioble_op_cancel(advertising);
    sim_expect(advertising, AIOBLE_ECANCELED);
    /* with nothing in the way, the scan hears again */
    theirs = aioble_advertise(b.peer, NULL);
    sim_expect(aioble_scan_next(scan), 0);
    aioble_op_cancel(theirs);
    sim_expect(theirs, AIOBLE_ECANCELED);
    sim_expect(aioble_scan_stop(scan), 0);
    aioble_scan_unref(scan);
    close_bed(&b);
  }
}

static void what_cannot_be_beside_a_link_waits_for_its_end(void **state) {
  bed b;
  aioble_conn_t *c, *p;
  aioble_scan_t *scan;
  aioble_op_t *theirs;
  sim_watch next, connecting;
  aioble_t *third;
  aioble_device_t *other;

  (void) state;
  open_bed(&b, SCAN_AND_LINK | INIT_AND_LINK | SCAN_AND_INIT);
  third = sim_stack_new(&b.s, NULL, NULL);
  other = sim_device(b.ble, third);
  sim_connect(b.ble, b.peer, &c, &p);
  theirs = aioble_advertise(third, NULL);
  scan = aioble_scan(b.ble, NULL);
  sim_watch_op(&next, aioble_scan_next(scan));
  sim_watch_op(&connecting, aioble_device_connect(other, NULL));
  aioble_op_set_timeout(connecting.op, 60000);
  sim_run_ms(&b.s, 5000);
  assert_int_equal(next.calls + connecting.calls, 0);
  sim_expect(aioble_conn_disconnect(c), 0);
  sim_watch_expect(&connecting, 0);
  sim_expect(theirs, 0);
  assert_int_equal(next.calls, 0); /* there is a link again */
  sim_expect(aioble_scan_stop(scan), 0);
  sim_watch_expect(&next, AIOBLE_EOF);
  aioble_scan_unref(scan);
  aioble_device_unref(other);
  aioble_conn_unref(c);
  aioble_conn_unref(p);
  close_bed(&b);
}

static void waiting_ends_by_its_time_limit(void **state) {
  bed b;
  aioble_conn_t *c, *p;
  aioble_op_t *op;
  aioble_t *third;
  aioble_device_t *other;

  (void) state;
  open_bed(&b, INIT_AND_LINK | ADV_AND_LINK);
  third = sim_stack_new(&b.s, NULL, NULL);
  other = sim_device(b.ble, third);
  sim_connect(b.ble, b.peer, &c, &p);
  op = aioble_advertise(b.ble, NULL);
  aioble_op_set_timeout(op, 500);
  sim_expect(aioble_device_connect(other, NULL), AIOBLE_ETIMEDOUT);
  sim_expect(op, AIOBLE_ETIMEDOUT);
  assert_true(aioble_conn_is_connected(c));
  aioble_device_unref(other);
  aioble_conn_unref(c);
  aioble_conn_unref(p);
  close_bed(&b);
}

/* sixteen at once: each hears the other, all connect to the first in turn */
static void a_full_neighbourhood(void **state) {
  sim s;
  aioble_t *hub, *others[SIM_MAX_STACKS - 1];
  sim_watch w[SIM_MAX_STACKS - 1];
  aioble_scan_t *scan;

  (void) state;
  sim_open(&s, NULL);
  hub = sim_stack_new(&s, NULL, NULL);
  for (int i = 0; i < SIM_MAX_STACKS - 1; i++)
    others[i] = sim_stack_new(&s, NULL, NULL);
  scan = aioble_scan(hub, NULL);
  for (int i = 0; i < SIM_MAX_STACKS - 1; i++) {
    aioble_device_t *device = sim_device(hub, others[i]);

    aioble_op_unref(aioble_advertise(others[i], NULL));
    sim_watch_op(&w[i], aioble_device_connect(device, NULL));
    aioble_device_unref(device);
  }
  sim_run_ms(&s, 9000);
  for (int i = 0; i < SIM_MAX_STACKS - 1; i++) {
    assert_int_equal(w[i].calls, 1);
    assert_true(aioble_conn_is_connected(aioble_op_conn(w[i].op)));
    sim_watch_expect(&w[i], 0);
  }
  sim_expect(aioble_scan_stop(scan), 0);
  aioble_scan_unref(scan);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connects_beside_scanning_and_advertising),
      cmocka_unit_test(what_cannot_be_beside_a_link_waits_for_its_end),
      cmocka_unit_test(waiting_ends_by_its_time_limit),
      cmocka_unit_test(a_full_neighbourhood),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
