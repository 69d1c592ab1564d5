/* SPDX-License-Identifier: MIT */
/* Connecting: time limits that end the attempt, races, queues, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "host/host.h"

typedef struct bed {
  sim s;
  aioble_t *ble, *peer;
  aioble_device_t *device, *nobody;
} bed;

static int setup_with(void **state, const aioble_options_t *options,
                      const aioble_virtual_controller_options_t *controller) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, &(aioble_virtual_options_t){.seed = 5});
  b->ble = sim_stack_new(&b->s, options, controller);
  b->peer = sim_stack_new(&b->s, &(aioble_options_t){.appearance = 1}, NULL);
  sim_expect(aioble_open(b->ble), 0);
  b->device = sim_device(b->ble, b->peer);
  b->nobody = sim_device(b->ble, NULL);
  *state = b;
  return 0;
}

static int setup(void **state) {
  return setup_with(state, NULL, NULL);
}

static int teardown(void **state) {
  bed *b = *state;

  aioble_device_unref(b->device);
  aioble_device_unref(b->nobody);
  sim_close(&b->s);
  test_free(b);
  return 0;
}

/* the peer advertises for a while, and nobody comes */
static void expect_nobody_comes(bed *b) {
  aioble_op_t *advertising = aioble_advertise(b->peer, NULL);

  aioble_op_set_timeout(advertising, 3000);
  sim_expect(advertising, AIOBLE_ETIMEDOUT);
}

static void expect_connects(bed *b) {
  aioble_op_t *advertising = aioble_advertise(b->peer, NULL);
  aioble_op_t *connecting = aioble_device_connect(b->device, NULL);

  sim_expect(connecting, 0);
  sim_expect(advertising, 0);
}

/* ---- ending an attempt ---- */

static void a_timeout_ends_the_attempt_on_the_controller(void **state) {
  bed *b = *state;
  uint64_t start = aioble_virtual_now_us(b->s.radio);

  sim_expect(aioble_device_connect(b->device, NULL), AIOBLE_ETIMEDOUT);
  assert_in_range(aioble_virtual_now_us(b->s.radio) - start, 10000000, 10100000);
  expect_nobody_comes(b);
  expect_connects(b);
}

static void a_cancel_ends_the_attempt_on_the_controller(void **state) {
  bed *b = *state;
  sim_watch w;

  sim_watch_op(&w, aioble_device_connect(b->device, NULL));
  sim_run_ms(&b->s, 500);
  aioble_op_cancel(w.op);
  assert_int_equal(w.calls, 0);
  sim_watch_expect(&w, AIOBLE_ECANCELED);
  expect_nobody_comes(b);
  expect_connects(b);
}

/* cancelled at each step of an attempt that would succeed */
static void a_cancel_races_with_success(void **state) {
  bed *b = *state;
  unsigned cancelled = 0, connected = 0;

  for (unsigned steps = 0; steps < 40 && !connected; steps++) {
    aioble_op_t *advertising = aioble_advertise(b->peer, NULL);
    sim_watch w;

    sim_watch_op(&w, aioble_device_connect(b->device, NULL));
    for (unsigned i = 0; i < steps; i++)
      aioble_virtual_run_once(b->s.radio);
    aioble_op_cancel(w.op);
    sim_run_ms(&b->s, 2000);
    assert_int_equal(w.calls, 1);
    assert_true(w.status == 0 || w.status == AIOBLE_ECANCELED);
    if (w.status == 0) {
      connected++;
      sim_expect(aioble_conn_disconnect(aioble_op_conn(w.op)), 0);
    } else {
      cancelled++;
      assert_null(aioble_op_conn(w.op));
      assert_null(aioble_device_conn(b->device)); /* a link that slipped through is sent away */
    }
    aioble_op_cancel(advertising);
    (void) aioble_op_finish(advertising);
    sim_watch_end(&w);
  }
  assert_true(cancelled > 3);
  assert_int_equal(connected, 1);
  expect_connects(b);
}

/* ---- several ---- */

static void connects_take_turns_whatever_becomes_of_each(void **state) {
  bed *b = *state;
  sim_watch w[4], advertising;

  sim_watch_op(&w[0], aioble_device_connect(b->nobody, NULL));
  sim_watch_op(&w[1], aioble_device_connect(b->device, NULL));
  sim_watch_op(&w[2], aioble_device_connect(b->nobody, NULL));
  sim_watch_op(&w[3], aioble_device_connect(b->device, NULL));
  aioble_op_set_timeout(w[0].op, 3000);
  sim_run_ms(&b->s, 2000);
  for (int i = 0; i < 4; i++)
    assert_int_equal(w[i].calls, 0);
  sim_watch_op(&advertising, aioble_advertise(b->peer, NULL));
  sim_run_ms(&b->s, 20000);
  assert_int_equal(w[1].calls, 1);
  assert_ptr_equal(aioble_op_conn(w[1].op), aioble_op_conn(w[3].op)); /* the same device */
  sim_watch_expect(&w[0], AIOBLE_ETIMEDOUT);
  sim_watch_expect(&w[1], 0);
  sim_watch_expect(&w[2], AIOBLE_ETIMEDOUT);
  sim_watch_expect(&w[3], 0);
  sim_watch_expect(&advertising, 0);
}

static void one_in_the_queue_is_cancelled_at_once(void **state) {
  bed *b = *state;
  sim_watch first, second;

  sim_watch_op(&first, aioble_device_connect(b->nobody, NULL));
  sim_watch_op(&second, aioble_device_connect(b->device, NULL));
  sim_run_ms(&b->s, 100);
  aioble_op_cancel(second.op);
  assert_int_equal(second.calls, 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(second.calls, 1);
  sim_watch_expect(&second, AIOBLE_ECANCELED);
  assert_int_equal(first.calls, 0);
  sim_watch_expect(&first, AIOBLE_ETIMEDOUT);
}

static void a_connected_device_gives_its_connection(void **state) {
  bed *b = *state;
  aioble_op_t *again;
  aioble_device_t *same = sim_device(b->ble, b->peer);

  expect_connects(b);
  again = sim_ok(aioble_device_connect(same, NULL));
  assert_ptr_equal(aioble_op_conn(again), aioble_device_conn(b->device));
  assert_true(aioble_device_equal(same, b->device));
  assert_true(aioble_device_equal(aioble_conn_device(aioble_op_conn(again)), b->device));
  assert_false(aioble_device_equal(b->nobody, b->device));
  assert_false(aioble_device_equal(NULL, b->device));
  assert_ptr_equal(aioble_conn_adapter(aioble_op_conn(again)), b->ble);
  aioble_device_unref(same);
  aioble_op_unref(again);
}

static void two_that_connect_to_each_other_both_succeed(void **state) {
  bed *b = *state;
  aioble_device_t *back = sim_device(b->peer, b->ble);
  sim_watch a, c, adv_a, adv_c;

  sim_watch_op(&adv_a, aioble_advertise(b->ble, NULL));
  sim_watch_op(&adv_c, aioble_advertise(b->peer, NULL));
  sim_watch_op(&a, aioble_device_connect(b->device, NULL));
  sim_watch_op(&c, aioble_device_connect(back, NULL));
  sim_run_ms(&b->s, 3000);
  sim_watch_expect(&a, 0);
  sim_watch_expect(&c, 0);
  assert_true(adv_a.calls + adv_c.calls >= 1);
  sim_expect(aioble_close(b->ble), 0);
  sim_expect(aioble_close(b->peer), 0);
  assert_int_equal(adv_a.calls, 1);
  assert_int_equal(adv_c.calls, 1);
  sim_watch_end(&adv_a);
  sim_watch_end(&adv_c);
  aioble_device_unref(back);
}

static void connecting_right_after_disconnecting_waits_for_the_end(void **state) {
  bed *b = *state;
  aioble_conn_t *first;
  sim_watch bye, again, advertising;

  expect_connects(b);
  first = aioble_conn_ref(aioble_device_conn(b->device));
  sim_watch_op(&bye, aioble_conn_disconnect(first));
  sim_watch_op(&again, aioble_device_connect(b->device, NULL));
  sim_watch_op(&advertising, aioble_advertise(b->peer, NULL));
  sim_run_ms(&b->s, 3000);
  assert_ptr_not_equal(aioble_op_conn(again.op), first);
  assert_false(aioble_conn_is_connected(first));
  sim_watch_expect(&bye, 0);
  sim_watch_expect(&again, 0);
  sim_watch_expect(&advertising, 0);
  aioble_conn_unref(first);
}

static int setup_one_link(void **state) {
  return setup_with(state, &(aioble_options_t){.max_links = 1}, NULL);
}

static void links_beyond_the_limit_are_said_so(void **state) {
  bed *b = *state;
  aioble_t *third = sim_stack_new(&b->s, NULL, NULL);
  aioble_device_t *other = sim_device(b->ble, third);
  sim_watch one, two, advertising, advertising2;

  /* asked for while there was room */
  sim_watch_op(&one, aioble_device_connect(b->device, NULL));
  sim_watch_op(&two, aioble_device_connect(other, NULL));
  sim_watch_op(&advertising, aioble_advertise(b->peer, NULL));
  sim_watch_op(&advertising2, aioble_advertise(third, NULL));
  sim_watch_expect(&one, 0);
  sim_run_ms(&b->s, 12000);
  sim_watch_expect(&two, AIOBLE_ENOBUFS);
  sim_watch_expect(&advertising, 0);
  aioble_op_cancel(advertising2.op);
  sim_run_ms(&b->s, 100);
  assert_int_equal(advertising2.calls, 1);
  sim_watch_end(&advertising2);
  /* asked for when there was none */
  sim_expect(aioble_device_connect(other, NULL), AIOBLE_ENOBUFS);
  sim_expect(aioble_advertise(b->ble, NULL), AIOBLE_ENOBUFS);
  assert_true(aioble_conn_is_connected(aioble_device_conn(b->device)));
  aioble_device_unref(other);
}

/* ---- failures ---- */

static void a_link_that_is_never_heard_of_ends_with_that_reason(void **state) {
  bed *b = *state;
  aioble_conn_t *c, *p;

  aioble_virtual_set_faults(b->s.radio, &(aioble_virtual_faults_t){.establish_fail_ppm = 1000000});
  sim_connect(b->ble, b->peer, &c, &p);
  sim_expect(aioble_conn_disconnected(c), 0);
  assert_int_equal(aioble_conn_reason(c), AIOBLE_ERR_HCI(0x3e));
  sim_expect(aioble_conn_disconnected(p), 0);
  aioble_virtual_set_faults(b->s.radio, NULL);
  aioble_conn_unref(c);
  aioble_conn_unref(p);
  expect_connects(b);
}

static void bad_options_are_invalid(void **state) {
  bed *b = *state;
  static const aioble_connect_options_t bad[] = {
      {.interval_min_us = 7499},
      {.interval_max_us = 4000001},
      {.interval_min_us = 50000, .interval_max_us = 30000},
      {.latency = 500},
      {.timeout_ms = 99},
      {.timeout_ms = 32010},
      {.interval_max_us = 4000000, .timeout_ms = 8000}, /* no longer than twice the interval */
      {.scan_interval_us = 2000},
      {.scan_window_us = 2499},
      {.scan_interval_us = 30000, .scan_window_us = 40000},
  };
  const aioble_addr_t strange = {7, {1, 2, 3, 4, 5, 6}};
  aioble_device_t *device = aioble_device_new(b->ble, &strange);

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    sim_expect(aioble_device_connect(b->device, &bad[i]), AIOBLE_EINVAL);
  sim_expect(aioble_device_connect(device, NULL), AIOBLE_EINVAL);
  aioble_device_unref(device);
}

static void options_reach_both_sides(void **state) {
  bed *b = *state;
  aioble_op_t *advertising = aioble_advertise(b->peer, NULL);
  aioble_op_t *op = sim_ok(aioble_device_connect(
      b->device,
      &(aioble_connect_options_t){
          .interval_min_us = 100000, .interval_max_us = 100000, .latency = 3, .timeout_ms = 5000}));
  const aioble_conn_params_t want = {100000, 3, 5000};

  sim_ok(advertising);
  sim_expect_params(aioble_op_conn(op), &want);
  sim_expect_params(aioble_op_conn(advertising), &want);
  assert_int_equal(aioble_conn_role(aioble_op_conn(op)), AIOBLE_CENTRAL);
  assert_int_equal(aioble_conn_role(aioble_op_conn(advertising)), AIOBLE_PERIPHERAL);
  aioble_op_unref(op);
  aioble_op_unref(advertising);
}

static void a_peer_with_a_random_address_is_reached(void **state) {
  bed *b = *state;
  aioble_t *third = sim_stack_new(&b->s, &(aioble_options_t){.random_address = true}, NULL);
  aioble_device_t *device = sim_device(b->ble, third);
  aioble_addr_t as_public = *aioble_device_addr(device);
  aioble_op_t *advertising = aioble_advertise(third, NULL), *op;
  aioble_device_t *wrong;

  assert_int_equal(as_public.type, AIOBLE_ADDR_RANDOM);
  as_public.type = AIOBLE_ADDR_PUBLIC; /* same bytes, another device */
  wrong = aioble_device_new(b->ble, &as_public);
  assert_false(aioble_device_equal(device, wrong));
  op = aioble_device_connect(wrong, NULL);
  aioble_op_set_timeout(op, 1000);
  sim_expect(op, AIOBLE_ETIMEDOUT);
  sim_expect(aioble_device_connect(device, NULL), 0);
  sim_expect(advertising, 0);
  aioble_device_unref(device);
  aioble_device_unref(wrong);
}

/* ---- the end of a link ---- */

static void both_sides_know_why_it_ended(void **state) {
  bed *b = *state;
  aioble_conn_t *c, *p;

  sim_connect(b->ble, b->peer, &c, &p);
  assert_int_equal(aioble_conn_reason(c), 0);
  sim_expect(aioble_conn_disconnect(p), 0);
  sim_expect(aioble_conn_disconnected(c), 0);
  assert_int_equal(aioble_conn_reason(p), AIOBLE_ERR_HCI(0x16));
  assert_int_equal(aioble_conn_reason(c), AIOBLE_ERR_HCI(0x13));
  aioble_conn_unref(c);
  aioble_conn_unref(p);
  sim_connect(b->ble, b->peer, &c, &p);
  assert_int_equal(
      aioble_virtual_set_in_range(b->s.stacks[0].controller, b->s.stacks[1].controller, false), 0);
  sim_expect(aioble_conn_disconnected(c), 0);
  sim_expect(aioble_conn_disconnected(p), 0);
  assert_int_equal(aioble_conn_reason(c), AIOBLE_ERR_HCI(0x08));
  assert_int_equal(aioble_conn_reason(p), AIOBLE_ERR_HCI(0x08));
  sim_expect(aioble_conn_disconnect(c), 0); /* it had ended before */
  aioble_conn_unref(c);
  aioble_conn_unref(p);
}

static void a_disconnect_without_memory_says_so(void **state) {
  bed *b = *state;
  aioble_conn_t *c, *p;

  sim_connect(b->ble, b->peer, &c, &p);
  sim_run_ms(&b->s, 1000);
  ab_bufs_free(&b->ble->bufs); /* no idle ones */
  b->s.fail_from = 1;
  sim_expect(aioble_conn_disconnect(c), AIOBLE_ENOMEM);
  b->s.fail_from = 0;
  assert_true(aioble_conn_is_connected(c));
  sim_expect(aioble_conn_disconnect(c), 0);
  aioble_conn_unref(c);
  aioble_conn_unref(p);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(a_timeout_ends_the_attempt_on_the_controller),
      WITH_BED(a_cancel_ends_the_attempt_on_the_controller),
      WITH_BED(a_cancel_races_with_success),
      WITH_BED(connects_take_turns_whatever_becomes_of_each),
      WITH_BED(one_in_the_queue_is_cancelled_at_once),
      WITH_BED(a_connected_device_gives_its_connection),
      WITH_BED(two_that_connect_to_each_other_both_succeed),
      WITH_BED(connecting_right_after_disconnecting_waits_for_the_end),
      cmocka_unit_test_setup_teardown(links_beyond_the_limit_are_said_so, setup_one_link, teardown),
      WITH_BED(a_link_that_is_never_heard_of_ends_with_that_reason),
      WITH_BED(bad_options_are_invalid),
      WITH_BED(options_reach_both_sides),
      WITH_BED(a_peer_with_a_random_address_is_reached),
      WITH_BED(a_disconnect_without_memory_says_so),
      WITH_BED(both_sides_know_why_it_ended),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
