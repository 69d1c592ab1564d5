/* SPDX-License-Identifier: MIT */
/* Enhanced ATT with something going wrong at each step: each op settles once, nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/eatt_pair.h"

enum { OPS = 64, LONG = 300 };

typedef struct story {
  eatt_pair p;
  sim_watch ops[OPS];
  unsigned n, step, strike_at;
  void (*strike)(struct story *st);
} story;

/* ---- what goes wrong ---- */

static void end_channel(aioble_conn_t *conn) {
  ab_l2cap_chan *chan = eatt_channel(conn, 1);

  (void) ab_host_touch(conn->ble);
  if (chan)
    ab_l2cap_disconnect(chan);
}

static void close_our_channel(story *st) {
  end_channel(st->p.at_a);
}

static void close_their_channel(story *st) {
  end_channel(st->p.at_b);
}

static void close_all_channels(story *st) {
  for (ab_l2cap_chan *chan; (chan = eatt_channel(st->p.at_a, 0)) != NULL;) {
    (void) ab_host_touch(st->p.a);
    ab_l2cap_disconnect(chan);
    if (chan == eatt_channel(st->p.at_a, 0))
      return; /* it waits for its end */
  }
}

static void cut_the_link(story *st) {
  (void) aioble_virtual_link_loss(st->p.s.stacks[0].controller, st->p.at_a->link.hci.handle);
}

static void disconnect(story *st) {
  aioble_op_unref(aioble_conn_disconnect(st->p.at_a));
}

static void close_the_client(story *st) {
  aioble_op_unref(aioble_close(st->p.a));
}

static void unplug_the_server(story *st) {
  aioble_virtual_controller_unplug(st->p.s.stacks[1].controller);
}

static void cancel_everything(story *st) {
  for (unsigned i = 0; i < st->n; i++)
    aioble_op_cancel(st->ops[i].op);
}

/* ---- the story ---- */

static void on_settled(aioble_op_t *op, int status, void *user) {
  sim_watch *w = user;

  (void) op;
  w->calls++;
  w->status = status;
}

/* one for which there is no memory is of no loop, and tells at once */
static void ask(story *st, aioble_op_t *op) {
  sim_watch *w = &st->ops[st->n++];

  assert_true(st->n <= OPS);
  *w = (sim_watch){.op = aioble_op_ref(op)};
  aioble_op_then(op, on_settled, w);
  assert_int_equal(w->calls, !op->ble);
}

static void run_ms(story *st, uint64_t ms) {
  uint64_t until = aioble_virtual_now_us(st->p.s.radio) + ms * 1000;

  while (aioble_virtual_now_us(st->p.s.radio) < until && aioble_virtual_run_once(st->p.s.radio))
    if (++st->step == st->strike_at)
      st->strike(st);
}

static void ask_for_much(story *st) {
  uint8_t value[LONG] = {1};
  eatt_pair *p = &st->p;

  for (unsigned i = 0; i < 6; i++)
    ask(st, aioble_client_char_read(p->found[i]));
  for (unsigned i = 0; i < 6; i++)
    ask(st, aioble_client_char_write(p->found[i], value, i == 2 ? LONG : 50, AIOBLE_WRITE_REQUEST));
  ask(st, aioble_client_read_multiple(&p->found[8], 3));
  ask(st, aioble_conn_service(p->at_a, AIOBLE_UUID16(0x181a)));
  for (unsigned i = 0; i < 4; i++)
    ask(st, aioble_char_indicate(p->chars[i], p->at_b, value, 50));
  run_ms(st, 500);
}

/* the long value is prepared, or is a PDU of several frames */
static void begin(story *st, uint16_t mtu) {
  memset(st, 0, sizeof *st);
  eatt_pair_open(&st->p, 3, 3, mtu);
  eatt_pair_find(&st->p);
  for (unsigned i = 0; i < 4; i++)
    sim_expect(aioble_client_char_subscribe(st->p.found[i], AIOBLE_SUBSCRIBE_INDICATE), 0);
}

static void tell(story *st) {
  eatt_secure(st->p.at_b);
  eatt_secure(st->p.at_a);
  ask_for_much(st);
  ask_for_much(st);
}

static void end(story *st) {
  st->p.s.fail_at = st->p.s.fail_from = 0;
  st->strike_at = 0;
  sim_run_ms(&st->p.s, 40000);
  for (unsigned i = 0; i < st->n; i++) {
    assert_int_equal(st->ops[i].calls, 1);
    sim_watch_end(&st->ops[i]);
  }
  eatt_pair_close(&st->p);
}

static void without_a_fault_all_goes_well(void **state) {
  story st;

  (void) state;
  begin(&st, 100);
  tell(&st);
  assert_int_equal(aioble_conn_bearers(st.p.at_a), 4);
  for (unsigned i = 0; i < st.n; i++)
    assert_int_equal(st.ops[i].status, 0);
  end(&st);
}

/* false: the story is not so long */
static bool strikes(void (*strike)(story *), unsigned at, bool link_stays) {
  story st;
  bool struck;

  begin(&st, at % 2 ? 100 : 517);
  st.strike = strike;
  st.strike_at = at;
  tell(&st);
  struck = st.step >= at;
  assert_true(!struck || !link_stays || aioble_conn_is_connected(st.p.at_a));
  for (unsigned i = 0; i < st.n && link_stays; i++)
    assert_true(st.ops[i].status == 0 || st.ops[i].status == AIOBLE_ENOTCONN ||
                st.ops[i].status == AIOBLE_ECANCELED);
  if (link_stays) /* and is of use */
    sim_expect(aioble_client_char_write(st.p.found[0], "x", 1, AIOBLE_WRITE_REQUEST), 0);
  end(&st);
  return struck;
}

static void at_each_step(void (*strike)(story *), bool link_stays) {
  unsigned at = 1;

  while (strikes(strike, at, link_stays))
    at++;
  assert_true(at > 50);
}

static void a_channel_that_we_close_at_each_step(void **state) {
  (void) state;
  at_each_step(close_our_channel, true);
}

static void a_channel_that_the_peer_closes_at_each_step(void **state) {
  (void) state;
  at_each_step(close_their_channel, true);
}

static void all_channels_closed_at_each_step(void **state) {
  (void) state;
  at_each_step(close_all_channels, true);
}

static void everything_cancelled_at_each_step(void **state) {
  (void) state;
  at_each_step(cancel_everything, true);
}

static void the_link_lost_at_each_step(void **state) {
  (void) state;
  at_each_step(cut_the_link, false);
}

static void disconnected_at_each_step(void **state) {
  (void) state;
  at_each_step(disconnect, false);
}

static void the_stack_closed_at_each_step(void **state) {
  (void) state;
  at_each_step(close_the_client, false);
}

static void the_peer_unplugged_at_each_step(void **state) {
  (void) state;
  at_each_step(unplug_the_server, false);
}

static bool runs_out_of_memory(uint16_t mtu, size_t at, bool for_good) {
  story st;
  bool did;

  begin(&st, mtu);
  st.p.s.allocations = 0;
  *(for_good ? &st.p.s.fail_from : &st.p.s.fail_at) = at;
  tell(&st);
  did = st.p.s.allocations >= at;
  end(&st);
  return did;
}

static void no_memory_at_each_allocation(void **state) {
  static const uint16_t mtus[] = {100, 517};
  size_t n;

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    n = 1;
    while (runs_out_of_memory(mtus[i], n, false) && runs_out_of_memory(mtus[i], n, true))
      n++;
    assert_true(n > 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_fault_all_goes_well),
      cmocka_unit_test(a_channel_that_we_close_at_each_step),
      cmocka_unit_test(a_channel_that_the_peer_closes_at_each_step),
      cmocka_unit_test(all_channels_closed_at_each_step),
      cmocka_unit_test(everything_cancelled_at_each_step),
      cmocka_unit_test(the_link_lost_at_each_step),
      cmocka_unit_test(disconnected_at_each_step),
      cmocka_unit_test(the_stack_closed_at_each_step),
      cmocka_unit_test(the_peer_unplugged_at_each_step),
      cmocka_unit_test(no_memory_at_each_allocation),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
