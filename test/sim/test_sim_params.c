/* SPDX-License-Identifier: MIT */
/* Connection parameters from both sides, by link layer and L2CAP; hooks; RSSI; MTU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { PARAM_REQUEST = 1 << 1 }; /* LE feature: Connection Parameters Request */

typedef struct seen {
  unsigned params, mtus, ends, wishes;
  aioble_conn_params_t last;
  aioble_conn_update_t wish;
  uint16_t mtu;
  int reason;
  bool refuses;
} seen;

typedef struct bed {
  sim s;
  aioble_t *central, *peripheral;
  aioble_conn_t *c, *p;
  seen at_c, at_p;
} bed;

static const aioble_conn_update_t slow = {
    .interval_min_us = 200000, .interval_max_us = 200000, .latency = 2, .timeout_ms = 6000};

static void on_params(aioble_conn_t *conn, const aioble_conn_params_t *params, void *user) {
  seen *at = user;

  assert_non_null(conn);
  at->params++;
  at->last = *params;
}

static void on_mtu(aioble_conn_t *conn, uint16_t mtu, void *user) {
  seen *at = user;

  assert_int_equal(mtu, aioble_conn_mtu(conn));
  at->mtus++;
  at->mtu = mtu;
}

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  seen *at = user;

  assert_false(aioble_conn_is_connected(conn));
  at->ends++;
  at->reason = reason;
}

static bool on_wish(aioble_conn_t *conn, const aioble_conn_update_t *wish, void *user) {
  seen *at = user;

  assert_non_null(conn);
  at->wishes++;
  at->wish = *wish;
  return !at->refuses;
}

static void hook(aioble_conn_t *conn, seen *at) {
  aioble_conn_set_hooks(conn, &(aioble_conn_hooks_t){.on_params = on_params,
                                                     .on_mtu = on_mtu,
                                                     .on_disconnect = on_disconnect,
                                                     .on_param_request = on_wish,
                                                     .user = at});
}

static int setup_with(void **state, uint64_t central_lacks, uint64_t peripheral_lacks) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, NULL);
  b->central = sim_stack_new(
      &b->s, NULL, &(aioble_virtual_controller_options_t){.le_features_off = central_lacks});
  b->peripheral = sim_stack_new(
      &b->s, NULL, &(aioble_virtual_controller_options_t){.le_features_off = peripheral_lacks});
  sim_connect(b->central, b->peripheral, &b->c, &b->p);
  hook(b->c, &b->at_c);
  hook(b->p, &b->at_p);
  *state = b;
  return 0;
}

static int setup(void **state) {
  return setup_with(state, 0, 0);
}

static int setup_old_peripheral(void **state) {
  return setup_with(state, 0, PARAM_REQUEST);
}

static int setup_old_central(void **state) {
  return setup_with(state, PARAM_REQUEST, 0);
}

static int setup_old_both(void **state) {
  return setup_with(state, PARAM_REQUEST, PARAM_REQUEST);
}

static int teardown(void **state) {
  bed *b = *state;

  aioble_conn_unref(b->c);
  aioble_conn_unref(b->p);
  sim_close(&b->s);
  test_free(b);
  return 0;
}

static void expect_slow(bed *b) {
  const aioble_conn_params_t want = {200000, 2, 6000};

  sim_run_ms(&b->s, 1000);
  sim_expect_params(b->c, &want);
  sim_expect_params(b->p, &want);
  sim_expect_params(b->c, &b->at_c.last);
  sim_expect_params(b->p, &b->at_p.last);
  assert_int_equal(b->at_c.params, 1);
  assert_int_equal(b->at_p.params, 1);
}

/* ---- updates ---- */

static void the_central_changes_them(void **state) {
  bed *b = *state;

  sim_expect(aioble_conn_update_params(b->c, &slow), 0);
  expect_slow(b);
  assert_int_equal(b->at_c.wishes, 0);
}

static void the_peripheral_asks_and_the_central_accepts(void **state) {
  bed *b = *state;

  sim_expect(aioble_conn_update_params(b->p, &slow), 0);
  expect_slow(b);
  assert_int_equal(b->at_c.wishes, 1);
  assert_int_equal(b->at_c.wish.interval_max_us, 200000);
  assert_int_equal(b->at_c.wish.latency, 2);
  assert_int_equal(b->at_c.wish.timeout_ms, 6000);
}

static void the_peripheral_asks_and_the_central_refuses(void **state) {
  bed *b = *state;

  b->at_c.refuses = true;
  sim_expect(aioble_conn_update_params(b->p, &slow), AIOBLE_ERR_HCI(0x3b));
  assert_int_equal(b->at_c.wishes, 1);
  assert_int_equal(b->at_p.params, 0);
  assert_int_equal(b->at_c.params, 0);
  assert_true(aioble_conn_is_connected(b->p));
  b->at_c.refuses = false;
  sim_expect(aioble_conn_update_params(b->p, &slow), 0);
}

static void without_hooks_a_wish_is_granted(void **state) {
  bed *b = *state;

  aioble_conn_set_hooks(b->c, NULL);
  sim_expect(aioble_conn_update_params(b->p, &slow), 0);
  assert_int_equal(aioble_conn_params(b->c).interval_us, 200000);
  assert_int_equal(b->at_c.params, 0);
}

static void fields_left_out_stay_as_they_are(void **state) {
  bed *b = *state;
  aioble_conn_params_t before = aioble_conn_params(b->c);

  sim_expect(aioble_conn_update_params(b->c, &(aioble_conn_update_t){.timeout_ms = 9000}), 0);
  assert_int_equal(aioble_conn_params(b->c).interval_us, before.interval_us);
  assert_int_equal(aioble_conn_params(b->c).timeout_ms, 9000);
}

static void one_bound_of_the_interval_is_enough(void **state) {
  bed *b = *state;

  sim_expect(aioble_conn_update_params(b->c, &slow), 0);
  sim_expect(aioble_conn_update_params(b->c, &(aioble_conn_update_t){.interval_min_us = 300000}),
             0);
  assert_int_equal(aioble_conn_params(b->c).interval_us, 300000);
  sim_expect(aioble_conn_update_params(b->c, &(aioble_conn_update_t){.interval_max_us = 20000}), 0);
  assert_int_equal(aioble_conn_params(b->c).interval_us, 20000);
}

static void the_latency_can_go_back_to_zero(void **state) {
  bed *b = *state;

  sim_expect(aioble_conn_update_params(b->c, &slow), 0);
  assert_int_equal(aioble_conn_params(b->c).latency, 2);
  sim_expect(aioble_conn_update_params(b->c, &(aioble_conn_update_t){.latency = 0}), 0);
  assert_int_equal(aioble_conn_params(b->c).latency, 0);
  assert_int_equal(aioble_conn_params(b->c).interval_us, 200000);
}

static void bad_parameters_are_invalid(void **state) {
  bed *b = *state;
  static const aioble_conn_update_t bad[] = {
      {.interval_min_us = 5000},
      {.interval_max_us = 4001250},
      {.interval_min_us = 100000, .interval_max_us = 50000},
      {.latency = 500},
      {.timeout_ms = 90},
      {.timeout_ms = 32010},
      {.interval_min_us = 4000000, .interval_max_us = 4000000, .timeout_ms = 8000},
  };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sim_expect(aioble_conn_update_params(b->c, &bad[i]), AIOBLE_EINVAL);
    sim_expect(aioble_conn_update_params(b->p, &bad[i]), AIOBLE_EINVAL);
  }
  sim_expect(aioble_conn_update_params(b->c, NULL), AIOBLE_EINVAL);
  assert_int_equal(b->at_c.params + b->at_p.params + b->at_c.wishes, 0);
}

static void an_update_ends_with_the_link(void **state) {
  bed *b = *state;
  sim_watch one, two;

  sim_watch_op(&one, aioble_conn_update_params(b->c, &slow));
  sim_watch_op(&two, aioble_conn_update_params(b->p, &slow));
  assert_int_equal(
      aioble_virtual_set_in_range(b->s.stacks[0].controller, b->s.stacks[1].controller, false), 0);
  sim_run_ms(&b->s, 50000);
  sim_watch_expect(&one, AIOBLE_ENOTCONN);
  sim_watch_expect(&two, AIOBLE_ENOTCONN);
}

static void several_updates_at_once_all_settle(void **state) {
  bed *b = *state;
  sim_watch w[4];

  for (int i = 0; i < 4; i++)
    sim_watch_op(&w[i], aioble_conn_update_params(i & 1 ? b->p : b->c, &slow));
  sim_run_ms(&b->s, 45000);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(w[i].calls, 1);
    assert_true(w[i].status == 0 || AIOBLE_ERR_IS_HCI(w[i].status) ||
                AIOBLE_ERR_IS_L2CAP(w[i].status) || w[i].status == AIOBLE_EBUSY);
    sim_watch_end(&w[i]);
  }
  assert_true(aioble_conn_is_connected(b->c));
  assert_int_equal(aioble_conn_params(b->c).interval_us, 200000);
}

/* ---- the rest of a link ---- */

static void the_mtu_is_exchanged_and_told_to_both(void **state) {
  bed *b = *state;
  aioble_op_t *op;

  sim_run_ms(&b->s, 1000);
  assert_int_equal(aioble_conn_mtu(b->c), 517);
  assert_int_equal(aioble_conn_mtu(b->p), 517);
  assert_int_equal(b->at_c.mtus, 1);
  assert_int_equal(b->at_p.mtus, 1);
  assert_int_equal(b->at_p.mtu, 517);
  op = sim_ok(aioble_conn_exchange_mtu(b->c)); /* a client asks once: it has */
  assert_int_equal(aioble_op_number(op), 517);
  aioble_op_unref(op);
  assert_int_equal(b->at_p.mtus, 1);
}

static void the_end_is_told_to_both_once(void **state) {
  bed *b = *state;

  sim_expect(aioble_conn_disconnect(b->c), 0);
  sim_run_ms(&b->s, 1000);
  assert_int_equal(b->at_c.ends, 1);
  assert_int_equal(b->at_c.reason, AIOBLE_ERR_HCI(0x16));
  assert_int_equal(b->at_p.ends, 1);
  assert_int_equal(b->at_p.reason, AIOBLE_ERR_HCI(0x13));
}

static void rssi_follows_the_distance(void **state) {
  bed *b = *state;
  aioble_op_t *near_by = sim_ok(aioble_conn_rssi(b->c)), *far;

  aioble_virtual_controller_set_position(b->s.stacks[1].controller, 5000, 0);
  far = sim_ok(aioble_conn_rssi(b->c));
  assert_true(aioble_op_number(near_by) < 0);
  assert_true(aioble_op_number(far) < aioble_op_number(near_by));
  aioble_op_unref(near_by);
  aioble_op_unref(far);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH(test, bed) \
  { #test " (" #bed ")", test, setup_##bed, teardown, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(the_central_changes_them),
      WITH(the_central_changes_them, old_both),
      WITH_BED(the_peripheral_asks_and_the_central_accepts),
      WITH(the_peripheral_asks_and_the_central_accepts, old_peripheral),
      WITH(the_peripheral_asks_and_the_central_accepts, old_central),
      WITH(the_peripheral_asks_and_the_central_accepts, old_both),
      WITH_BED(the_peripheral_asks_and_the_central_refuses),
      WITH(the_peripheral_asks_and_the_central_refuses, old_peripheral),
      WITH(the_peripheral_asks_and_the_central_refuses, old_central),
      WITH_BED(without_hooks_a_wish_is_granted),
      WITH(without_hooks_a_wish_is_granted, old_peripheral),
      WITH_BED(fields_left_out_stay_as_they_are),
      WITH_BED(one_bound_of_the_interval_is_enough),
      WITH_BED(the_latency_can_go_back_to_zero),
      WITH_BED(bad_parameters_are_invalid),
      WITH_BED(an_update_ends_with_the_link),
      WITH(an_update_ends_with_the_link, old_both),
      WITH_BED(several_updates_at_once_all_settle),
      WITH(several_updates_at_once_all_settle, old_both),
      WITH_BED(the_mtu_is_exchanged_and_told_to_both),
      WITH_BED(the_end_is_told_to_both_once),
      WITH_BED(rssi_follows_the_distance),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
