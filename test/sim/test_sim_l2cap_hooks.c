/* SPDX-License-Identifier: MIT */
/* Channels whose owners do anything at any time: in hooks, by cancelling, on many links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { PSM = 0x80 };

typedef struct world {
  sim s;
  aioble_t *a, *b;
  aioble_conn_t *at_a, *at_b;
  aioble_listener_t *listener;
  aioble_channel_t *from, *to; /* references */
  unsigned asked, pushed;
  void (*act)(struct world *w); /* what a hook does */
  sim_watch watch;
} world;

static uint16_t on_request(aioble_listener_t *listener, aioble_conn_t *conn, unsigned n,
                           void *user) {
  world *w = user;

  assert_ptr_equal(listener, w->listener);
  assert_ptr_equal(conn, w->at_b);
  w->asked += n;
  if (w->act)
    w->act(w);
  return 0;
}

static void set_up(world *w, void (*act)(world *w)) {
  memset(w, 0, sizeof *w);
  sim_open(&w->s, NULL);
  w->a = sim_stack_new(&w->s, NULL, NULL);
  w->b = sim_stack_new(&w->s, NULL, NULL);
  sim_connect(w->a, w->b, &w->at_a, &w->at_b);
  w->act = act;
  w->listener = aioble_l2cap_listen(
      w->b, PSM, &(aioble_listen_options_t){.on_request = on_request, .user = w});
}

static void make_channel(world *w) {
  aioble_op_t *accept = aioble_listener_accept(w->listener);
  aioble_op_t *connect = sim_ok(aioble_conn_l2cap_connect(w->at_a, PSM, NULL));

  w->from = aioble_channel_ref(aioble_op_channel(connect));
  w->to = aioble_channel_ref(aioble_op_channel(sim_ok(accept)));
  aioble_op_unref(accept);
  aioble_op_unref(connect);
}

static void tear_down(world *w) {
  aioble_channel_unref(w->from);
  aioble_channel_unref(w->to);
  aioble_listener_unref(w->listener);
  aioble_conn_unref(w->at_a);
  aioble_conn_unref(w->at_b);
  sim_close(&w->s);
}

/* ---- while a request is read ---- */

static void stop_listening(world *w) {
  aioble_listener_stop(w->listener);
}

static void drop_listener(world *w) {
  aioble_listener_stop(w->listener);
  w->listener = aioble_listener_unref(w->listener);
}

static void disconnect(world *w) {
  aioble_op_unref(aioble_conn_disconnect(w->at_b));
}

static void close_stack(world *w) {
  aioble_op_unref(aioble_close(w->b));
}

static void connect_back(world *w) {
  aioble_op_unref(aioble_conn_l2cap_connect(w->at_b, PSM, NULL));
}

static void a_request_hook_may_do_anything(void **state) {
  static const struct {
    void (*act)(world *w);
    int status;
  } cases[] = {
      {stop_listening, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_SUCH_PSM)},
      {drop_listener, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_SUCH_PSM)},
      {disconnect, 0},
      {close_stack, AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_NO_SUCH_PSM)},
      {connect_back, 0},
  };
  world w;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    set_up(&w, cases[i].act);
    sim_expect(aioble_conn_l2cap_connect(w.at_a, PSM, NULL), cases[i].status);
    assert_int_equal(w.asked, 1);
    sim_run_ms(&w.s, 100);
    tear_down(&w);
  }
}

static void a_request_hook_hears_of_all_that_are_asked_for(void **state) {
  world w;

  (void) state;
  set_up(&w, NULL);
  sim_expect(aioble_conn_l2cap_connect_many(w.at_a, PSM, NULL, 3), 0);
  assert_int_equal(w.asked, 3);
  sim_expect(aioble_conn_l2cap_connect_many(w.at_a, PSM, NULL, 0), AIOBLE_EINVAL);
  sim_expect(aioble_conn_l2cap_connect_many(w.at_a, PSM, NULL, 6), AIOBLE_EINVAL);
  tear_down(&w);
}

/* ---- while an SDU is pushed ---- */

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  world *w = user;

  assert_ptr_equal(channel, w->to ? w->to : channel);
  assert_true(sdu.len == 3 || sdu.len == 1500);
  w->pushed++;
  w->act(w);
}

static void end_channel(world *w) {
  aioble_op_unref(aioble_channel_disconnect(w->to));
}

static void let_go(world *w) {
  w->to = aioble_channel_unref(w->to);
}

static void end_and_let_go(world *w) {
  end_channel(w);
  let_go(w);
}

static void stop_pushing(world *w) {
  aioble_channel_on_sdu(w->to, NULL, NULL);
}

static void answer(world *w) {
  aioble_op_unref(aioble_channel_send(w->to, "yes", 3, 0));
}

static void end_link(world *w) {
  aioble_op_unref(aioble_conn_disconnect(w->at_b));
}

static void end_stack(world *w) {
  aioble_op_unref(aioble_close(w->b));
}

static void one_who_is_pushed_an_sdu_may_do_anything(void **state) {
  static void (*const acts[])(world *) = {end_channel, let_go,   end_and_let_go, stop_pushing,
                                          answer,      end_link, end_stack};
  static const uint8_t data[1500];
  world w;

  (void) state;
  for (size_t i = 0; i < 2 * sizeof acts / sizeof acts[0]; i++) {
    set_up(&w, NULL);
    make_channel(&w);
    w.act = acts[i / 2];
    aioble_channel_on_sdu(w.to, on_sdu, &w);
    aioble_op_unref(aioble_channel_send(w.from, data, i % 2 ? 3 : sizeof data, 0));
    sim_run_ms(&w.s, 200);
    assert_int_equal(w.pushed, 1);
    if (acts[i / 2] == answer)
      sim_expect(aioble_channel_recv(w.from), 0);
    tear_down(&w);
  }
}

/* ---- cancelling ---- */

static void expect_canceled(aioble_op_t *op) {
  aioble_op_cancel(op);
  sim_expect(op, AIOBLE_ECANCELED);
}

static void what_is_cancelled_takes_nothing_away(void **state) {
  aioble_op_t *begun, *waiting;
  uint8_t data[60000] = {0}, into[8];
  world w;

  (void) state;
  set_up(&w, NULL);
  make_channel(&w);
  expect_canceled(aioble_channel_recv(w.to));
  expect_canceled(aioble_channel_recvinto(w.to, into, sizeof into));
  expect_canceled(aioble_listener_accept(w.listener));
  sim_expect(aioble_channel_send(w.from, "abc", 3, 0), 0);
  sim_expect(aioble_channel_recv(w.to), 0);
  begun = aioble_channel_send(w.from, data, sizeof data, 1000); /* ends inside one */
  waiting = aioble_channel_send(w.from, data, sizeof data, 0);
  sim_run_ms(&w.s, 100);
  expect_canceled(aioble_channel_flush(w.from));
  expect_canceled(waiting);
  expect_canceled(begun);
  sim_watch_op(&w.watch, aioble_channel_flush(w.from));
  do {
    sim_expect(aioble_channel_recv(w.to), 0); /* whole SDUs only */
    sim_run_ms(&w.s, 10);
  } while (aioble_channel_available(w.to) > 0);
  sim_watch_expect(&w.watch, 0);
  expect_canceled(aioble_channel_disconnected(w.from));
  expect_canceled(aioble_channel_disconnect(w.from)); /* it ends all the same */
  sim_expect(aioble_channel_disconnected(w.to), 0);
  tear_down(&w);
}

static void reconfiguring_can_be_cancelled_and_counts_all_the_same(void **state) {
  aioble_op_t *connect;
  aioble_channel_t *channel;
  world w;

  (void) state;
  set_up(&w, NULL);
  connect =
      sim_ok(aioble_conn_l2cap_connect(w.at_a, PSM, &(aioble_channel_options_t){.enhanced = true}));
  channel = aioble_op_channel(connect);
  expect_canceled(aioble_channels_reconfigure(&channel, 1, 4000, 0));
  sim_run_ms(&w.s, 100);
  assert_int_equal(aioble_channel_our_mtu(channel), 4000);
  sim_expect(aioble_channels_reconfigure(&channel, 1, 5000, 0), 0);
  sim_watch_op(&w.watch, aioble_channels_reconfigure(&channel, 1, 6000, 0));
  sim_expect(aioble_channels_reconfigure(&channel, 1, 7000, 0), AIOBLE_EBUSY);
  sim_watch_expect(&w.watch, 0);
  sim_expect(aioble_channel_disconnect(channel), 0);
  sim_expect(aioble_channels_reconfigure(&channel, 1, 8000, 0), AIOBLE_ENOTCONN);
  aioble_op_unref(connect);
  tear_down(&w);
}

/* ---- many ---- */

static void one_listener_serves_many_links_and_psms_are_apart(void **state) {
  enum { N = 5 };
  aioble_conn_t *at_hub[N], *at_peer[N];
  aioble_listener_t *listener, *other;
  aioble_op_t *accept, *sdu, *connect[N];
  aioble_t *hub;
  sim s;

  (void) state;
  sim_open(&s, NULL);
  hub = sim_stack_new(&s, NULL, NULL);
  listener = aioble_l2cap_listen(hub, PSM, NULL);
  other = aioble_l2cap_listen(hub, PSM + 1, NULL);
  assert_int_equal(aioble_listener_psm(other), PSM + 1);
  for (unsigned i = 0; i < N; i++) {
    sim_connect(sim_stack_new(&s, NULL, NULL), hub, &at_peer[i], &at_hub[i]);
    connect[i] = sim_ok(aioble_conn_l2cap_connect(at_peer[i], i == 3 ? PSM + 1 : PSM, NULL));
    accept = sim_ok(aioble_listener_accept(i == 3 ? other : listener));
    assert_ptr_equal(aioble_channel_conn(aioble_op_channel(accept)), at_hub[i]);
    sim_expect(aioble_channel_send(aioble_op_channel(connect[i]), "abc", i % 3 + 1, 0), 0);
    sdu = sim_ok(aioble_channel_recv(aioble_op_channel(accept)));
    assert_int_equal(aioble_op_value(sdu).len, i % 3 + 1);
    aioble_op_unref(sdu);
    aioble_op_unref(accept);
  }
  sim_expect(aioble_conn_disconnect(at_hub[2]), 0); /* the others do not mind */
  sim_run_ms(&s, 10);
  for (unsigned i = 0; i < N; i++) {
    assert_int_equal(aioble_channel_is_open(aioble_op_channel(connect[i])), i != 2);
    aioble_op_unref(connect[i]);
    aioble_conn_unref(at_hub[i]);
    aioble_conn_unref(at_peer[i]);
  }
  aioble_listener_unref(listener);
  aioble_listener_unref(other);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_hook_may_do_anything),
      cmocka_unit_test(a_request_hook_hears_of_all_that_are_asked_for),
      cmocka_unit_test(one_who_is_pushed_an_sdu_may_do_anything),
      cmocka_unit_test(what_is_cancelled_takes_nothing_away),
      cmocka_unit_test(reconfiguring_can_be_cancelled_and_counts_all_the_same),
      cmocka_unit_test(one_listener_serves_many_links_and_psms_are_apart),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
