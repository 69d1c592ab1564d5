/* SPDX-License-Identifier: MIT */
#include "virtual/vr_priv.h"

#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- loop clients in virtual time ---- */

typedef struct client {
  aioble_loop_t *loop;
  unsigned turns, closed;
  bool inside, again;
  uint64_t last_us;
  unsigned *order, mark; /* the turns of several clients, as digits */
} client;

static void on_turn(void *ctx) {
  client *c = ctx;

  assert_false(c->inside);
  c->inside = true;
  c->turns++;
  c->last_us = c->loop->ops->now_us(c->loop);
  if (c->order)
    *c->order = *c->order * 10 + c->mark;
  if (c->again) {
    c->again = false;
    c->loop->ops->want_turn(c->loop);
    assert_int_equal(c->turns, 1);
  }
  c->inside = false;
}

static void on_closed(void *ctx) {
  ((client *) ctx)->closed++;
}

static void client_new(client *c, aioble_virtual_radio_t *radio) {
  *c = (client){.loop = aioble_virtual_loop(radio)};
  assert_non_null(c->loop);
  c->loop->on_turn = on_turn;
  c->loop->ctx = c;
}

static void turns_come_once_in_order_and_never_inline(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  unsigned order = 0;
  client a, b;

  (void) state;
  client_new(&a, radio);
  client_new(&b, radio);
  a.order = b.order = &order;
  a.mark = 1;
  b.mark = 2;
  assert_false(aioble_virtual_run_once(radio));
  b.loop->ops->want_turn(b.loop);
  a.loop->ops->want_turn(a.loop);
  b.loop->ops->want_turn(b.loop);
  assert_int_equal(order, 0);
  assert_true(a.loop->ops->run_once(a.loop));
  assert_int_equal(order, 2);
  assert_true(aioble_virtual_run_once(radio));
  assert_false(aioble_virtual_run_once(radio));
  assert_int_equal(order, 21);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void a_turn_asked_for_in_a_turn_is_another_one(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  client a;

  (void) state;
  client_new(&a, radio);
  a.again = true;
  a.loop->ops->want_turn(a.loop);
  assert_true(aioble_virtual_run_once(radio));
  assert_int_equal(a.turns, 1);
  assert_true(aioble_virtual_run_once(radio));
  assert_int_equal(a.turns, 2);
  assert_false(aioble_virtual_run_once(radio));
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void the_clock_jumps_from_wake_up_to_wake_up(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  client a, b;

  (void) state;
  client_new(&a, radio);
  client_new(&b, radio);
  a.loop->ops->wake_at(a.loop, 5000);
  a.loop->ops->wake_at(a.loop, 3600000000); /* replaces it */
  b.loop->ops->wake_at(b.loop, 1000000);
  assert_int_equal(aioble_virtual_now_us(radio), 0);
  aioble_virtual_run_until(radio, 2000000);
  assert_int_equal(a.turns, 0);
  assert_int_equal(b.turns, 1);
  assert_int_equal(b.last_us, 1000000);
  assert_int_equal(aioble_virtual_now_us(radio), 2000000);
  vr_expect_idle(radio);
  assert_int_equal(a.last_us, 3600000000);
  a.loop->ops->wake_at(a.loop, 0); /* in the past: soon */
  vr_expect_idle(radio);
  assert_int_equal(a.turns, 2);
  assert_int_equal(a.last_us, 3600000000);
  a.loop->ops->wake_at(a.loop, 4000000000);
  a.loop->ops->wake_at(a.loop, AIOBLE_NEVER);
  assert_false(aioble_virtual_run_once(radio));
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void a_closed_client_has_no_turns(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  client a;

  (void) state;
  client_new(&a, radio);
  a.loop->ops->want_turn(a.loop);
  a.loop->ops->wake_at(a.loop, 10);
  a.loop->ops->close(a.loop, on_closed, &a);
  assert_int_equal(a.closed, 0);
  vr_expect_idle(radio);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.turns, 0);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

/* ---- a loop of the caller's ---- */

typedef struct fake_loop {
  aioble_loop_t base;
  uint64_t now_us, wake_us;
  unsigned wanted, closed;
} fake_loop;

static fake_loop *fake(aioble_loop_t *loop) {
  return ab_container_of(loop, fake_loop, base);
}
static uint64_t fake_now_us(aioble_loop_t *loop) {
  return fake(loop)->now_us;
}
static void fake_wake_at(aioble_loop_t *loop, uint64_t at_us) {
  fake(loop)->wake_us = at_us;
}
static void fake_want_turn(aioble_loop_t *loop) {
  fake(loop)->wanted++;
}
static bool fake_run_once(aioble_loop_t *loop) {
  fake_loop *l = fake(loop);

  if (!l->wanted) {
    if (l->wake_us == AIOBLE_NEVER)
      return false;
    l->now_us = l->now_us < l->wake_us ? l->wake_us : l->now_us;
    l->wake_us = AIOBLE_NEVER;
  }
  l->wanted = 0;
  loop->on_turn(loop->ctx);
  return true;
}
static void fake_close(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx) {
  fake(loop)->closed++;
  closed(ctx);
}
static const aioble_loop_ops_t fake_ops = {fake_now_us, fake_wake_at, fake_want_turn, fake_run_once,
                                           fake_close};

static unsigned count_packet(aioble_transport_t *t, fake_loop *loop, vr_host *h) {
  static const uint8_t reset[] = {AIOBLE_H4_COMMAND, 3, 12, 0};

  assert_int_equal(t->ops->send(t, reset, sizeof reset), 0);
  assert_int_equal(vr_host_count(h, AB_HCI_EV_COMMAND_COMPLETE), 0);
  assert_true(fake_run_once(&loop->base));
  return vr_host_count(h, AB_HCI_EV_COMMAND_COMPLETE);
}

static void a_loop_of_the_callers_is_asked_and_not_polled(void **state) {
  const aioble_virtual_beacon_options_t beacon = {.type = AB_HCI_ADV_NONCONN_IND};
  fake_loop loop = {.base.ops = &fake_ops, .now_us = 77, .wake_us = AIOBLE_NEVER};
  uint8_t scan[] = {AIOBLE_H4_COMMAND, 0x0c, 0x20, 2, 1, 0};
  aioble_virtual_radio_t *radio =
      aioble_virtual_radio_new(&(aioble_virtual_options_t){.loop = &loop.base});
  unsigned turns = 0;
  vr_host h;

  (void) state;
  assert_null(aioble_virtual_loop(radio));
  assert_false(aioble_virtual_run_once(radio));
  aioble_virtual_run_until(radio, 1000);
  assert_int_equal(aioble_virtual_now_us(radio), 77);
  vr_host_attach(&h, radio, NULL);
  assert_int_equal(count_packet(h.t, &loop, &h), 1);
  assert_int_equal(h.batches, 1);
  while (fake_run_once(&loop.base))
    assert_true(turns++ < 10);
  assert_non_null(aioble_virtual_beacon_new(radio, &beacon));
  assert_false(fake_run_once(&loop.base)); /* nobody listens */
  assert_int_equal(h.t->ops->send(h.t, scan, sizeof scan), 0);
  while (loop.now_us < 1000077)
    assert_true(fake_run_once(&loop.base));
  loop.wanted = 0;
  assert_non_null(aioble_virtual_beacon_new(radio, &beacon)); /* somebody listens: it has a timer */
  assert_true(loop.wanted > 0);
  while (loop.now_us < 10000077)
    assert_true(fake_run_once(&loop.base));
  assert_in_range(vr_ctrl_of(h.t)->radio->env.now_us, 10000077, 10200077);
  h.t->ops->close(h.t);
  vr_host_forget(&h);
  aioble_virtual_radio_free(radio, NULL, NULL); /* what is left is released with it */
  assert_int_equal(loop.closed, 1);
}

/* ---- the end, and the seed ---- */

static void everything_left_is_released_with_the_radio(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  client a;
  vr_world w;

  (void) state;
  client_new(&a, radio);
  assert_non_null(aioble_virtual_beacon_new(radio, &(aioble_virtual_beacon_options_t){.type = 3}));
  w.radio = radio;
  vr_host_open(&w.central, radio, NULL);
  vr_host_open(&w.peripheral, radio, NULL);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_host_post(&w.central, AB_HCI_LE_RAND, NULL, 0);
  a.loop->ops->want_turn(a.loop);
  vr_host_forget(&w.central);
  vr_host_forget(&w.peripheral);
  aioble_virtual_radio_free(radio, on_closed, &a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.turns, 0);
}

/* what a scanner hears in a while, as one number */
static uint64_t history(uint64_t seed) {
  aioble_virtual_radio_t *radio =
      aioble_virtual_radio_new(&(aioble_virtual_options_t){.seed = seed});
  uint64_t sum = 0;
  vr_host a, b;

  vr_host_open(&a, radio, NULL);
  vr_host_open(&b, radio, NULL);
  vr_host_advertise(&a, AB_HCI_ADV_IND);
  vr_host_scan(&b, 1, false);
  vr_run_ms(radio, 1000);
  while (vr_host_take(&b, VR_LE(AB_HCI_LE_EV_ADV_REPORT), NULL))
    sum = sum * 31 + b.taken->at_us;
  vr_host_close(&a);
  vr_host_close(&b);
  aioble_virtual_radio_free(radio, NULL, NULL);
  return sum;
}

static void the_same_seed_gives_the_same_run(void **state) {
  uint64_t first = history(1), second = history(1), other = history(2);

  (void) state;
  assert_int_equal(first, second);
  assert_int_not_equal(first, other);
}

static void chance_is_what_it_says(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  unsigned hits = 0;

  (void) state;
  for (int i = 0; i < 100000; i++) {
    hits += vr_chance(radio, 100000);
    assert_false(vr_chance(radio, 0));
    assert_true(vr_chance(radio, 1000000));
    assert_true(vr_random_below(radio, 7) < 7);
  }
  assert_in_range(hits, 9000, 11000);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(turns_come_once_in_order_and_never_inline),
      cmocka_unit_test(a_turn_asked_for_in_a_turn_is_another_one),
      cmocka_unit_test(the_clock_jumps_from_wake_up_to_wake_up),
      cmocka_unit_test(a_closed_client_has_no_turns),
      cmocka_unit_test(a_loop_of_the_callers_is_asked_and_not_polled),
      cmocka_unit_test(everything_left_is_released_with_the_radio),
      cmocka_unit_test(the_same_seed_gives_the_same_run),
      cmocka_unit_test(chance_is_what_it_says),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
