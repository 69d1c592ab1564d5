/* SPDX-License-Identifier: MIT */
/* The ATT MTU: exchanged once per link by each client, whoever asked for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helpers/sim.h"

static int exchanged(aioble_conn_t *conn) {
  aioble_op_t *op = sim_ok(aioble_conn_exchange_mtu(conn));
  int mtu = aioble_op_number(op);

  aioble_op_unref(op);
  return mtu;
}

static void with_link(const aioble_options_t *a, const aioble_options_t *b,
                      void (*test)(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b)) {
  aioble_conn_t *at_a, *at_b;
  aioble_t *central, *peripheral;
  sim s;

  sim_open(&s, NULL);
  central = sim_stack_new(&s, a, NULL);
  peripheral = sim_stack_new(&s, b, NULL);
  sim_connect(central, peripheral, &at_a, &at_b);
  test(&s, at_a, at_b);
  aioble_conn_unref(at_a);
  aioble_conn_unref(at_b);
  sim_close(&s);
}

static void waits_for_the_automatic_one(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  (void) s;
  assert_int_equal(aioble_conn_mtu(at_a), 23);
  assert_int_equal(exchanged(at_a), 185);
  assert_int_equal(aioble_conn_mtu(at_b), 185);
  assert_int_equal(exchanged(at_a), 185); /* asked for again: what is in force */
}

static void an_exchange_asked_for_waits_for_the_automatic_one(void **state) {
  (void) state;
  with_link(NULL, &(aioble_options_t){.mtu = 185}, waits_for_the_automatic_one);
}

static void only_when_asked(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  sim_run_ms(s, 1000);
  assert_int_equal(aioble_conn_mtu(at_a), 23);
  assert_int_equal(exchanged(at_b), 100); /* the peripheral is a client, too */
  assert_int_equal(aioble_conn_mtu(at_a), 100);
}

static void without_the_automatic_one_it_is_exchanged_when_asked(void **state) {
  const aioble_options_t options = {.no_auto_mtu = true, .mtu = 100};

  (void) state;
  with_link(&options, &options, only_when_asked);
}

static void link_ends(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  aioble_op_t *op = aioble_conn_exchange_mtu(at_a);

  aioble_virtual_controller_unplug(s->stacks[0].controller);
  sim_expect(op, AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_exchange_mtu(at_a), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_disconnected(at_b), 0);
}

static void waiting_for_it_ends_with_the_link(void **state) {
  (void) state;
  with_link(NULL, NULL, link_ends);
}

static void cancelled(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  aioble_op_t *op = aioble_conn_exchange_mtu(at_a);

  (void) s;
  (void) at_b;
  aioble_op_cancel(op);
  sim_expect(op, AIOBLE_ECANCELED);
  assert_int_equal(exchanged(at_a), 517); /* the exchange itself has gone on */
}

static void cancelling_the_wait_leaves_the_exchange(void **state) {
  (void) state;
  with_link(NULL, NULL, cancelled);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_exchange_asked_for_waits_for_the_automatic_one),
      cmocka_unit_test(without_the_automatic_one_it_is_exchanged_when_asked),
      cmocka_unit_test(waiting_for_it_ends_with_the_link),
      cmocka_unit_test(cancelling_the_wait_leaves_the_exchange),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
