/* SPDX-License-Identifier: MIT */
/* The adapter goes: pulled out, stuck, broken; at any moment, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

typedef struct bed {
  sim s;
  aioble_t *ble, *peer;
  aioble_conn_t *c, *p;
} bed;

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, NULL);
  b->ble = sim_stack_new(&b->s, NULL, NULL);
  b->peer = sim_stack_new(&b->s, NULL, NULL);
  sim_connect(b->ble, b->peer, &b->c, &b->p);
  sim_run_ms(&b->s, 500);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  aioble_conn_unref(b->c);
  aioble_conn_unref(b->p);
  sim_close(&b->s);
  test_free(b);
  return 0;
}

static aioble_transport_t *controller(bed *b) {
  return b->s.stacks[0].controller;
}

static void expect_lost_once(bed *b, int status) {
  sim_run_ms(&b->s, 30000);
  assert_int_equal(b->s.stacks[0].lost, 1);
  assert_int_equal(b->s.stacks[0].lost_status, status);
  assert_false(aioble_is_open(b->ble));
}

/* what is under way when the adapter goes */
typedef struct pending {
  sim_watch next, connect, advertise, rssi, gone, disconnect;
  aioble_scan_t *scan;
} pending;

static void start_all(bed *b, pending *p) {
  aioble_device_t *nobody = sim_device(b->ble, NULL);

  p->scan = aioble_scan(b->ble, NULL);
  sim_watch_op(&p->next, aioble_scan_next(p->scan));
  sim_watch_op(&p->connect, aioble_device_connect(nobody, NULL));
  sim_watch_op(&p->advertise, aioble_advertise(b->ble, NULL));
  sim_watch_op(&p->rssi, aioble_conn_rssi(b->c));
  sim_watch_op(&p->gone, aioble_conn_disconnected(b->c));
  sim_watch_op(&p->disconnect, aioble_conn_disconnect(b->c));
  aioble_device_unref(nobody);
}

static void expect_all(pending *p, int status) {
  sim_watch_expect(&p->next, status);
  sim_watch_expect(&p->connect, status);
  sim_watch_expect(&p->advertise, status);
  sim_watch_expect(&p->rssi, AIOBLE_ENOTCONN);
  sim_watch_expect(&p->gone, 0);
  sim_watch_expect(&p->disconnect, 0);
  aioble_scan_unref(p->scan);
}

static void pulling_out_settles_all_and_tells_once(void **state) {
  bed *b = *state;
  pending p;

  start_all(b, &p);
  aioble_virtual_controller_unplug(controller(b));
  expect_lost_once(b, AIOBLE_ENODEV);
  expect_all(&p, AIOBLE_ENODEV);
  assert_int_equal(aioble_conn_reason(b->c), AIOBLE_ENODEV);
  sim_expect(aioble_conn_disconnected(b->p), 0);
  assert_int_equal(aioble_conn_reason(b->p), AIOBLE_ERR_HCI(0x08));
}

static void it_can_be_opened_again(void **state) {
  bed *b = *state;
  aioble_conn_t *c, *p;

  aioble_virtual_controller_unplug(controller(b));
  expect_lost_once(b, AIOBLE_ENODEV);
  sim_expect(aioble_open(b->ble), 0);
  sim_connect(b->ble, b->peer, &c, &p);
  aioble_conn_unref(c);
  aioble_conn_unref(p);
  assert_int_equal(b->s.stacks[0].lost, 1);
}

static void ops_on_what_is_left_say_not_connected(void **state) {
  bed *b = *state;

  aioble_virtual_controller_unplug(controller(b));
  expect_lost_once(b, AIOBLE_ENODEV);
  sim_expect(aioble_conn_rssi(b->c), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_exchange_mtu(b->c), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_service(b->c, AIOBLE_UUID16(0x1800)), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_update_params(b->c, &(aioble_conn_update_t){0}), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_disconnect(b->c), 0);
  assert_false(aioble_conn_is_connected(b->c));
}

static void a_hardware_error_is_a_loss(void **state) {
  bed *b = *state;
  pending p;

  start_all(b, &p);
  aioble_virtual_controller_hardware_error(controller(b), 0x42);
  sim_run_ms(&b->s, 10000);
  assert_int_equal(b->s.stacks[0].lost, 1);
  expect_all(&p, b->s.stacks[0].lost_status);
  sim_expect(aioble_open(b->ble), 0);
}

static void a_stuck_controller_settles_all_by_time(void **state) {
  bed *b = *state;
  pending p;

  aioble_virtual_controller_set_silent(controller(b), true);
  start_all(b, &p);
  sim_run_ms(&b->s, 15000);
  assert_int_equal(b->s.stacks[0].lost, 1);
  assert_int_equal(b->s.stacks[0].lost_status, AIOBLE_ETIMEDOUT);
  assert_int_equal(p.rssi.calls, 1);
  assert_int_equal(p.disconnect.calls, 1);
  sim_watch_end(&p.rssi);
  sim_watch_end(&p.disconnect);
  sim_watch_expect(&p.next, AIOBLE_ETIMEDOUT);
  sim_watch_expect(&p.connect, AIOBLE_ETIMEDOUT);
  sim_watch_expect(&p.advertise, AIOBLE_ETIMEDOUT);
  sim_watch_expect(&p.gone, 0);
  aioble_scan_unref(p.scan);
  aioble_virtual_controller_set_silent(controller(b), false);
  sim_expect(aioble_open(b->ble), 0);
}

static void closing_a_stuck_controller_takes_no_more_than_two_seconds(void **state) {
  bed *b = *state;
  uint64_t start = aioble_virtual_now_us(b->s.radio);

  aioble_virtual_controller_set_silent(controller(b), true);
  sim_expect(aioble_close(b->ble), 0);
  assert_true(aioble_virtual_now_us(b->s.radio) - start <= 2000000);
  assert_int_equal(b->s.stacks[0].lost, 0);
  aioble_virtual_controller_set_silent(controller(b), false);
}

static void opening_a_stuck_controller_fails_by_time(void **state) {
  sim s;
  aioble_t *ble;
  aioble_op_t *open;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  aioble_virtual_controller_set_silent(s.stacks[0].controller, true);
  open = aioble_open(ble);
  assert_int_equal(aioble_op_await(open), AIOBLE_ETIMEDOUT);
  assert_non_null(strstr(aioble_op_message(open), "does not answer"));
  aioble_op_unref(open);
  assert_int_equal(s.stacks[0].lost, 0); /* it was never open */
  aioble_virtual_controller_set_silent(s.stacks[0].controller, false);
  sim_expect(aioble_open(ble), 0);
  sim_close(&s);
}

/* pulled out at each step of opening, working and closing */
static void pulling_out_at_every_step_settles_everything_once(void **state) {
  (void) state;
  for (int steps = 0; steps < 150; steps++) {
    sim s;
    aioble_t *ble;
    sim_watch open, advertise, close;

    sim_open(&s, NULL);
    ble = sim_stack_new(&s, NULL, NULL);
    sim_watch_op(&open, aioble_open(ble));
    sim_watch_op(&advertise, aioble_advertise(ble, NULL));
    for (int i = 0; i < steps; i++) {
      if (i == 100)
        sim_watch_op(&close, aioble_close(ble));
      aioble_virtual_run_once(s.radio);
    }
    aioble_virtual_controller_unplug(s.stacks[0].controller);
    if (steps <= 100)
      sim_watch_op(&close, aioble_close(ble));
    sim_watch_expect(&close, 0);
    sim_run_ms(&s, 100);
    assert_int_equal(open.calls, 1);
    assert_int_equal(advertise.calls, 1);
    assert_true(advertise.status == AIOBLE_ENODEV || advertise.status == AIOBLE_ECANCELED);
    assert_int_equal(s.stacks[0].lost, 0); /* the close came first */
    sim_watch_end(&open);
    sim_watch_end(&advertise);
    sim_close(&s);
  }
}

/* ---- what an application does about it ---- */

typedef struct reaction {
  aioble_scan_t *scan;
  sim_watch open, close;
  unsigned lost;
  bool closes, opens;
} reaction;

static void react(aioble_t *ble, int status, const char *why, void *user) {
  reaction *r = ((sim_stack *) user)->user;

  (void) why;
  assert_int_equal(status, AIOBLE_ENODEV);
  assert_false(aioble_is_open(ble));
  if (r->lost++)
    return;
  if (r->closes)
    sim_watch_op(&r->close, aioble_close(ble));
  if (r->opens) {
    sim_watch_op(&r->open, aioble_open(ble));
    r->scan = aioble_scan(ble, NULL);
  }
}

static void requests_inside_on_lost_work(void **state) {
  bed *b = *state;

  for (int i = 1; i < 4; i++) {
    reaction r = {.closes = i & 1, .opens = i & 2};

    b->s.stacks[0].on_lost = react;
    b->s.stacks[0].user = &r;
    sim_expect(aioble_open(b->ble), 0);
    aioble_virtual_controller_unplug(controller(b));
    sim_run_ms(&b->s, 3000);
    assert_int_equal(r.lost, 1);
    if (r.closes)
      sim_watch_expect(&r.close, 0);
    assert_int_equal(aioble_is_open(b->ble), r.opens);
    if (r.opens) {
      sim_watch_expect(&r.open, 0);
      sim_expect(aioble_scan_stop(r.scan), 0);
      aioble_scan_unref(r.scan);
    }
  }
}

/* an application that starts over as soon as something fails */
static void advertise_again(aioble_op_t *op, int status, void *user) {
  bed *b = user;

  (void) op;
  if (status == AIOBLE_ENODEV)
    aioble_op_then(aioble_advertise(b->ble, NULL), advertise_again, b);
}

static void starting_over_in_a_continuation_does_not_hide_the_loss(void **state) {
  bed *b = *state;
  aioble_device_t *device;

  aioble_op_then(aioble_advertise(b->ble, NULL), advertise_again, b);
  sim_run_ms(&b->s, 100);
  aioble_virtual_controller_unplug(controller(b));
  sim_run_ms(&b->s, 5000);
  assert_int_equal(b->s.stacks[0].lost, 1);
  assert_true(aioble_is_open(b->ble)); /* it was plugged in again by the opening */
  device = sim_device(b->peer, b->ble);
  sim_expect(aioble_device_connect(device, NULL), 0);
  aioble_device_unref(device);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(pulling_out_settles_all_and_tells_once),
      WITH_BED(it_can_be_opened_again),
      WITH_BED(ops_on_what_is_left_say_not_connected),
      WITH_BED(a_hardware_error_is_a_loss),
      WITH_BED(a_stuck_controller_settles_all_by_time),
      WITH_BED(closing_a_stuck_controller_takes_no_more_than_two_seconds),
      cmocka_unit_test(opening_a_stuck_controller_fails_by_time),
      cmocka_unit_test(pulling_out_at_every_step_settles_everything_once),
      WITH_BED(requests_inside_on_lost_work),
      WITH_BED(starting_over_in_a_continuation_does_not_hide_the_loss),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
