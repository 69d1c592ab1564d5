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

typedef struct heard {
  unsigned calls;
  uint16_t mtu;
} heard;

static void on_mtu(aioble_conn_t *conn, uint16_t mtu, void *user) {
  heard *h = user;

  (void) conn;
  h->calls++;
  h->mtu = mtu;
}

static uint64_t packets_out(aioble_conn_t *conn) {
  aioble_stats_t stats;

  aioble_stats(aioble_conn_adapter(conn), &stats);
  return stats.acl_out;
}

/* by the central; the peripheral only answers, and both know the outcome */
static void once_per_link(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  heard a = {0}, b = {0};

  aioble_conn_set_hooks(at_a, &(aioble_conn_hooks_t){.on_mtu = on_mtu, .user = &a});
  aioble_conn_set_hooks(at_b, &(aioble_conn_hooks_t){.on_mtu = on_mtu, .user = &b});
  sim_run_ms(s, 5000);
  assert_int_equal(exchanged(at_a), 185);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.mtu, 185);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.mtu, 185);
  assert_int_equal(packets_out(at_a), 1);
  assert_int_equal(packets_out(at_b), 1); /* the response: it asked for nothing itself */
}

static void it_is_exchanged_once_and_both_ends_are_told(void **state) {
  (void) state;
  with_link(&(aioble_options_t){.mtu = 300}, &(aioble_options_t){.mtu = 185}, once_per_link);
}

/* Part F, 3.4.2: each is a client, and either's exchange sets the same */
static void at_the_same_time(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  aioble_op_t *a = aioble_conn_exchange_mtu(at_a), *b = aioble_conn_exchange_mtu(at_b);

  assert_int_equal(aioble_op_number(sim_ok(a)), 185);
  assert_int_equal(aioble_op_number(sim_ok(b)), 185);
  aioble_op_unref(a);
  aioble_op_unref(b);
  sim_run_ms(s, 1000);
  assert_int_equal(aioble_conn_mtu(at_a), 185);
  assert_int_equal(aioble_conn_mtu(at_b), 185);
  assert_int_equal(packets_out(at_a), 2); /* a request and a response each */
  assert_int_equal(packets_out(at_b), 2);
}

static void both_ends_may_ask_at_the_same_time(void **state) {
  (void) state;
  with_link(&(aioble_options_t){.mtu = 300, .no_auto_mtu = true},
            &(aioble_options_t){.mtu = 185, .no_auto_mtu = true}, at_the_same_time);
}

static void the_next_link_begins_anew(sim *s, aioble_conn_t *at_a, aioble_conn_t *at_b) {
  aioble_t *central = aioble_conn_adapter(at_a), *peripheral = aioble_conn_adapter(at_b);
  aioble_conn_t *again_a, *again_b;

  assert_int_equal(exchanged(at_a), 517);
  sim_expect(aioble_conn_disconnect(at_a), 0);
  sim_run_ms(s, 1000);
  sim_connect(central, peripheral, &again_a, &again_b);
  assert_int_equal(aioble_conn_mtu(again_a), 23);
  assert_int_equal(exchanged(again_a), 517);
  aioble_conn_unref(again_a);
  aioble_conn_unref(again_b);
}

static void each_link_has_its_own(void **state) {
  (void) state;
  with_link(NULL, NULL, the_next_link_begins_anew);
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
      cmocka_unit_test(it_is_exchanged_once_and_both_ends_are_told),
      cmocka_unit_test(both_ends_may_ask_at_the_same_time),
      cmocka_unit_test(each_link_has_its_own),
      cmocka_unit_test(waiting_for_it_ends_with_the_link),
      cmocka_unit_test(cancelling_the_wait_leaves_the_exchange),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
