/* SPDX-License-Identifier: MIT */
/* Channels between whole stacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "host/host.h"
#include "l2cap/l2cap_priv.h"

enum { PSM = 0x80 };

/* a connects to b, which listens */
typedef struct pair {
  sim s;
  aioble_t *a, *b;
  aioble_conn_t *at_a, *at_b;
  aioble_listener_t *listener;
} pair;

static void pair_open_on(pair *p, const aioble_virtual_options_t *radio,
                         const aioble_listen_options_t *options) {
  sim_open(&p->s, radio);
  p->a = sim_stack_new(&p->s, NULL, NULL);
  p->b = sim_stack_new(&p->s, NULL, NULL);
  sim_connect(p->a, p->b, &p->at_a, &p->at_b);
  p->listener = aioble_l2cap_listen(p->b, PSM, options);
  assert_non_null(p->listener);
}

static void pair_open(pair *p, const aioble_listen_options_t *options) {
  pair_open_on(p, NULL, options);
}

static void pair_close(pair *p) {
  aioble_listener_unref(p->listener);
  aioble_conn_unref(p->at_a);
  aioble_conn_unref(p->at_b);
  sim_close(&p->s);
}

/* a channel from a to b, a reference to each end */
static void channel_open(pair *p, const aioble_channel_options_t *options, aioble_channel_t **at_a,
                         aioble_channel_t **at_b) {
  aioble_op_t *accept = aioble_listener_accept(p->listener);
  aioble_op_t *connect = sim_ok(aioble_conn_l2cap_connect(p->at_a, PSM, options));

  sim_ok(accept);
  *at_a = aioble_channel_ref(aioble_op_channel(connect));
  *at_b = aioble_channel_ref(aioble_op_channel(accept));
  assert_non_null(*at_a);
  assert_non_null(*at_b);
  aioble_op_unref(accept);
  aioble_op_unref(connect);
}

static void expect_sdu(aioble_channel_t *channel, const char *text) {
  aioble_op_t *op = sim_ok(aioble_channel_recv(channel));

  assert_int_equal(aioble_op_value(op).len, strlen(text));
  assert_memory_equal(aioble_op_value(op).data, text, strlen(text));
  aioble_op_unref(op);
}

static void sends(aioble_channel_t *channel, const char *text) {
  sim_expect(aioble_channel_send(channel, text, strlen(text), 0), 0);
}

static void messages_go_both_ways(void **state) {
  aioble_channel_t *a, *b;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, &(aioble_channel_options_t){.mtu = 100}, &a, &b);
  assert_true(aioble_channel_is_open(a));
  assert_false(aioble_channel_is_enhanced(a));
  assert_ptr_equal(aioble_channel_conn(b), p.at_b);
  assert_int_equal(aioble_channel_psm(b), PSM);
  assert_int_equal(aioble_channel_our_mtu(a), 100);
  assert_int_equal(aioble_channel_peer_mtu(b), 100);
  assert_int_equal(aioble_channel_peer_mtu(a), 8 * 251 - 6);
  sends(a, "hello");
  expect_sdu(b, "hello");
  sends(b, "and");
  sends(b, "back");
  expect_sdu(a, "and");
  expect_sdu(a, "back");
  sim_expect(aioble_channel_send(b, "0123456789", 10, 4), 0);
  expect_sdu(a, "0123");
  expect_sdu(a, "4567");
  expect_sdu(a, "89");
  sim_expect(aioble_channel_send(b, "", 0, 0), 0);
  sim_expect(aioble_channel_send(b, "x", 1, 101), AIOBLE_EMSGSIZE);
  sim_expect(aioble_channel_send(b, "x", 1, 65536), AIOBLE_EMSGSIZE);
  assert_int_equal(aioble_channel_available(a), 0);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_stream_of_bytes_is_read_in_any_pieces(void **state) {
  aioble_channel_t *a, *b;
  aioble_op_t *op;
  char buf[8] = {0}, more[8] = {0};
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  op = aioble_channel_recvinto(b, buf, 4);
  sends(a, "abc");
  sim_ok(op);
  assert_int_equal(aioble_op_number(op), 3);
  assert_memory_equal(buf, "abc", 3);
  aioble_op_unref(op);
  sends(a, "defg");
  sends(a, "hi");
  sim_run_ms(&p.s, 100);
  assert_int_equal(aioble_channel_available(b), 6);
  op = sim_ok(aioble_channel_recvinto(b, more, 5));
  assert_int_equal(aioble_op_number(op), 5);
  assert_memory_equal(more, "defgh", 5);
  aioble_op_unref(op);
  expect_sdu(b, "i");
  sim_expect(aioble_channel_recvinto(b, more, 0), AIOBLE_EINVAL);
  sim_expect(aioble_channel_recvinto(b, NULL, 1), AIOBLE_EINVAL);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_channel_ends_for_both_and_what_came_can_be_read(void **state) {
  aioble_channel_t *a, *b;
  sim_watch reading, into, closing;
  char buf[4];
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  sim_watch_op(&reading, aioble_channel_recv(a));
  sim_watch_op(&into, aioble_channel_recvinto(a, buf, 4));
  sends(a, "last");
  sim_watch_op(&closing, aioble_channel_disconnected(b));
  sim_expect(aioble_channel_disconnect(a), 0);
  sim_watch_expect(&reading, AIOBLE_EOF);
  sim_watch_expect(&into, AIOBLE_EOF);
  sim_watch_expect(&closing, 0);
  assert_int_equal(aioble_channel_reason(a), AIOBLE_ECANCELED);
  assert_int_equal(aioble_channel_reason(b), AIOBLE_EOF);
  expect_sdu(b, "last");
  sim_expect(aioble_channel_recv(b), AIOBLE_EOF);
  sim_expect(aioble_channel_send(b, "x", 1, 0), AIOBLE_ENOTCONN);
  sim_expect(aioble_channel_flush(b), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_channel_try_send(b, "x", 1), AIOBLE_ENOTCONN);
  sim_expect(aioble_channel_disconnect(b), 0);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_link_that_is_lost_ends_everything_of_its_channels(void **state) {
  static const uint8_t much[100000];
  aioble_channel_t *a, *b;
  sim_watch reading, sending, flushing, accepting, connecting;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  sim_watch_op(&reading, aioble_channel_recv(a));
  sim_watch_op(&sending, aioble_channel_send(a, much, sizeof much, 0));
  sim_watch_op(&flushing, aioble_channel_flush(a));
  sim_watch_op(&accepting, aioble_conn_l2cap_accept(p.at_a, 0x90, NULL));
  sim_run_ms(&p.s, 500);
  assert_int_equal(sending.calls, 0); /* nobody reads */
  sim_watch_op(&connecting, aioble_conn_l2cap_connect(p.at_a, PSM, NULL));
  sim_expect(aioble_conn_disconnect(p.at_b), 0);
  sim_watch_expect(&reading, AIOBLE_ENOTCONN);
  sim_watch_expect(&sending, AIOBLE_ENOTCONN);
  sim_watch_expect(&flushing, AIOBLE_ENOTCONN);
  sim_watch_expect(&accepting, AIOBLE_ENOTCONN);
  sim_run_ms(&p.s, 100);
  assert_int_equal(connecting.calls, 1);
  sim_watch_end(&connecting);
  assert_int_equal(aioble_channel_reason(a), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_l2cap_accept(p.at_a, PSM, NULL), AIOBLE_ENOTCONN);
  while (aioble_channel_available(b) > 0)
    aioble_op_unref(sim_ok(aioble_channel_recv(b)));
  sim_expect(aioble_channel_recv(b), AIOBLE_ENOTCONN);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static uint16_t refuse(aioble_listener_t *listener, aioble_conn_t *conn, unsigned n, void *user) {
  assert_non_null(listener);
  assert_non_null(conn);
  assert_int_equal(n, 1);
  return *(uint16_t *) user;
}

static void refusals_reach_the_one_who_asks(void **state) {
  uint16_t results[] = {AIOBLE_L2CAP_NO_SUCH_PSM,
                        AIOBLE_L2CAP_NO_RESOURCES,
                        AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION,
                        AIOBLE_L2CAP_INSUFFICIENT_AUTHORIZATION,
                        AIOBLE_L2CAP_KEY_TOO_SHORT,
                        AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION,
                        AIOBLE_L2CAP_INVALID_SOURCE_CID,
                        AIOBLE_L2CAP_SOURCE_CID_IN_USE,
                        AIOBLE_L2CAP_UNACCEPTABLE_PARAMETERS,
                        AIOBLE_L2CAP_INVALID_PARAMETERS};
  const aioble_channel_options_t enhanced = {.enhanced = true};
  uint16_t result = 0;
  pair p;

  (void) state;
  pair_open(&p, &(aioble_listen_options_t){.on_request = refuse, .user = &result});
  for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
    result = results[i];
    sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ERR_L2CAP(result));
    sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, &enhanced), AIOBLE_ERR_L2CAP(result));
  }
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM + 1, NULL), AIOBLE_ERR_L2CAP(2));
  sim_expect(aioble_conn_l2cap_connect(p.at_a, 0, NULL), AIOBLE_EINVAL);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, 0x100, NULL), AIOBLE_EINVAL);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, &(aioble_channel_options_t){.mtu = 22}),
             AIOBLE_EINVAL);
  pair_close(&p);
  pair_open(&p, &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ERR_L2CAP(5));
  pair_close(&p);
}

static void a_listener_keeps_a_few_and_stops(void **state) {
  aioble_listener_t *second;
  sim_watch accepting;
  aioble_op_t *kept[2];
  pair p;

  (void) state;
  pair_open(&p, &(aioble_listen_options_t){.backlog = 2});
  second = aioble_l2cap_listen(p.b, PSM, NULL);
  sim_expect(aioble_listener_accept(second), AIOBLE_EEXIST);
  aioble_listener_stop(second);
  aioble_listener_unref(second);
  second = aioble_l2cap_listen(p.b, 0x100, NULL);
  sim_expect(aioble_listener_accept(second), AIOBLE_EINVAL);
  aioble_listener_unref(second);
  for (unsigned i = 0; i < 2; i++)
    kept[i] = sim_ok(aioble_conn_l2cap_connect(p.at_a, PSM, NULL));
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ERR_L2CAP(4));
  assert_int_equal(sim_stats(p.b).channels_refused, 1);
  sim_expect(aioble_listener_accept(p.listener), 0);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), 0);
  sim_expect(aioble_listener_accept(p.listener), 0);
  sim_expect(aioble_listener_accept(p.listener), 0);
  sim_watch_op(&accepting, aioble_listener_accept(p.listener));
  aioble_op_unref(sim_ok(aioble_conn_l2cap_connect(p.at_a, PSM, NULL)));
  sim_watch_expect(&accepting, 0);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), 0);
  sim_watch_op(&accepting, aioble_listener_accept(p.listener));
  sim_watch_expect(&accepting, 0);
  sim_watch_op(&accepting, aioble_listener_accept(p.listener));
  aioble_listener_stop(p.listener);
  aioble_listener_stop(p.listener);
  sim_watch_expect(&accepting, AIOBLE_EOF);
  sim_expect(aioble_listener_accept(p.listener), AIOBLE_EOF);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ERR_L2CAP(2));
  for (unsigned i = 0; i < 2; i++) { /* they live on */
    assert_true(aioble_channel_is_open(aioble_op_channel(kept[i])));
    aioble_op_unref(kept[i]);
  }
  pair_close(&p);
}

static void a_connection_can_wait_for_one_itself(void **state) {
  aioble_op_t *accept, *connect;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  sim_expect(aioble_conn_l2cap_accept(p.at_b, 0, NULL), AIOBLE_EINVAL);
  accept = aioble_conn_l2cap_accept(p.at_b, PSM + 1, &(aioble_channel_options_t){.mtu = 77});
  connect = sim_ok(aioble_conn_l2cap_connect(p.at_a, PSM + 1, NULL));
  sim_ok(accept);
  assert_int_equal(aioble_channel_peer_mtu(aioble_op_channel(connect)), 77);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM + 1, NULL), AIOBLE_ERR_L2CAP(2));
  aioble_op_unref(accept);
  aioble_op_unref(connect);
  accept = aioble_conn_l2cap_accept(p.at_b, PSM + 1, NULL);
  aioble_op_cancel(accept);
  sim_expect(accept, AIOBLE_ECANCELED);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM + 1, NULL), AIOBLE_ERR_L2CAP(2));
  pair_close(&p);
}

static void both_connect_and_listen_at_once(void **state) {
  aioble_listener_t *at_a;
  aioble_op_t *ops[4];
  pair p;

  (void) state;
  pair_open(&p, NULL);
  at_a = aioble_l2cap_listen(p.a, PSM, NULL);
  ops[0] = aioble_conn_l2cap_connect(p.at_a, PSM, NULL);
  ops[1] = aioble_conn_l2cap_connect(p.at_b, PSM, NULL);
  ops[2] = aioble_listener_accept(at_a);
  ops[3] = aioble_listener_accept(p.listener);
  for (unsigned i = 0; i < 4; i++)
    sim_ok(ops[i]);
  sends(aioble_op_channel(ops[0]), "from a");
  sends(aioble_op_channel(ops[1]), "from b");
  expect_sdu(aioble_op_channel(ops[2]), "from b");
  expect_sdu(aioble_op_channel(ops[3]), "from a");
  for (unsigned i = 0; i < 4; i++)
    aioble_op_unref(ops[i]);
  aioble_listener_unref(at_a);
  pair_close(&p);
}

static void several_enhanced_ones_at_once_and_other_sizes(void **state) {
  aioble_channel_t *a[5], *b[5];
  aioble_op_t *connect, *accept;
  pair p;

  (void) state;
  pair_open(&p, &(aioble_listen_options_t){.backlog = 3});
  connect = sim_ok(aioble_conn_l2cap_connect_many(p.at_a, PSM, NULL, 5));
  for (unsigned i = 0; i < 5; i++)
    a[i] = aioble_op_channel_at(connect, i);
  assert_null(a[3]);
  assert_null(a[4]);
  assert_null(aioble_op_channel_at(connect, 5));
  assert_ptr_equal(aioble_op_channel(connect), a[0]);
  for (unsigned i = 0; i < 3; i++) {
    accept = sim_ok(aioble_listener_accept(p.listener));
    b[i] = aioble_channel_ref(aioble_op_channel(accept));
    aioble_op_unref(accept);
    assert_true(aioble_channel_is_enhanced(a[i]));
    assert_true(aioble_channel_is_enhanced(b[i]));
  }
  sends(a[2], "third");
  expect_sdu(b[2], "third");
  sim_expect(aioble_channels_reconfigure(b, 3, 5000, 0), 0);
  assert_int_equal(aioble_channel_our_mtu(b[1]), 5000);
  assert_int_equal(aioble_channel_peer_mtu(a[1]), 5000);
  sim_expect(aioble_channels_reconfigure(b, 3, 4999, 0), AIOBLE_EINVAL);
  sim_expect(aioble_channels_reconfigure(b, 6, 6000, 0), AIOBLE_EINVAL);
  sim_expect(aioble_channels_reconfigure(b, 1, 5000, 64), 0);
  assert_int_equal(aioble_channel_peer_mps(a[0]), 64);
  for (unsigned i = 0; i < 3; i++)
    aioble_channel_unref(b[i]);
  aioble_op_unref(connect);
  pair_close(&p);
}

/* the signalling of a stack of 2019: there are no enhanced channels, or none at all */
static void old_signalling(void *ctx, const uint8_t *payload, size_t len, uint8_t unknown_from) {
  aioble_conn_t *conn = ctx;
  uint8_t reject[] = {AB_SIG_COMMAND_REJECT, 0, 2, 0, 0, 0};
  ab_buf *buf;
  ab_wr w;

  if (*payload < unknown_from) {
    ab_l2cap_on_signalling(&conn->l2cap, payload, len);
    return;
  }
  reject[1] = payload[1];
  buf = ab_buf_new(&conn->ble->bufs, sizeof reject);
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, reject, sizeof reject);
  ab_buf_wrote(buf, &w);
  ab_l2cap_send(&conn->l2cap, AB_L2CAP_CID_SIGNALLING, buf);
}

static void signalling_of_2019(void *ctx, const uint8_t *payload, size_t len) {
  old_signalling(ctx, payload, len, AB_SIG_ENHANCED_CONNECT_REQ);
}

static void signalling_of_2012(void *ctx, const uint8_t *payload, size_t len) {
  old_signalling(ctx, payload, len, AB_SIG_LE_CONNECT_REQ);
}

static void a_peer_without_enhanced_channels_is_asked_for_others(void **state) {
  const aioble_channel_options_t enhanced = {.mtu = 300, .enhanced = true};
  aioble_op_t *connect;
  pair p;

  (void) state;
  pair_open(&p, &(aioble_listen_options_t){.backlog = 3});
  ab_l2cap_fixed(&p.at_b->l2cap, AB_L2CAP_CID_SIGNALLING, signalling_of_2019, p.at_b);
  connect = sim_ok(aioble_conn_l2cap_connect(p.at_a, PSM, &enhanced));
  assert_false(aioble_channel_is_enhanced(aioble_op_channel(connect)));
  assert_int_equal(aioble_channel_our_mtu(aioble_op_channel(connect)), 300);
  aioble_op_unref(connect);
  connect = sim_ok(aioble_conn_l2cap_connect_many(p.at_a, PSM, &enhanced, 3));
  assert_non_null(aioble_op_channel_at(connect, 0));
  assert_non_null(aioble_op_channel_at(connect, 1));
  assert_null(aioble_op_channel_at(connect, 2));
  aioble_op_unref(connect);
  ab_l2cap_fixed(&p.at_b->l2cap, AB_L2CAP_CID_SIGNALLING, signalling_of_2012, p.at_b);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, &enhanced), AIOBLE_ENOTSUP);
  sim_expect(aioble_conn_l2cap_connect(p.at_a, PSM, NULL), AIOBLE_ENOTSUP);
  pair_close(&p);
}

static void pushed(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  char *text = user;

  (void) strncat(text, (const char *) sdu.data, sdu.len);
  if (strstr(text, "stop"))
    aioble_channel_on_sdu(channel, NULL, NULL);
}

static void sdus_are_pushed_those_that_wait_first(void **state) {
  aioble_channel_t *a, *b;
  sim_watch reading;
  char text[64] = "";
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  sends(a, "1");
  sends(a, "2");
  sim_run_ms(&p.s, 100);
  aioble_channel_on_sdu(b, pushed, text);
  sim_expect(aioble_channel_recv(b), AIOBLE_EBUSY);
  assert_string_equal(text, "");
  sends(a, "3");
  sends(a, "stop");
  sends(a, "4");
  sim_run_ms(&p.s, 100);
  assert_string_equal(text, "123stop");
  expect_sdu(b, "4");
  sim_watch_op(&reading, aioble_channel_recv(b));
  aioble_channel_on_sdu(b, pushed, text);
  sim_watch_expect(&reading, AIOBLE_EBUSY);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_sender_is_stopped_by_one_who_does_not_read(void **state) {
  static const uint8_t sdu[100];
  aioble_channel_t *a, *b;
  sim_watch flushing;
  unsigned sent = 0;
  int err;
  pair p;

  (void) state;
  pair_open(&p, &(aioble_listen_options_t){.channel = {.mtu = 100, .credits = 7}});
  channel_open(&p, NULL, &a, &b);
  while ((err = aioble_channel_try_send(a, sdu, sizeof sdu)) == 0) {
    sent++;
    sim_run_ms(&p.s, 100);
  }
  assert_int_equal(err, AIOBLE_EAGAIN);
  assert_int_equal(sent, 7);
  assert_int_equal(aioble_channel_available(b), 700);
  assert_int_equal(aioble_channel_peer_credits(a), 0);
  assert_int_equal(aioble_channel_try_send(a, sdu, 101), AIOBLE_EMSGSIZE);
  sim_expect(aioble_channel_flush(a), 0);
  sim_watch_op(&flushing, aioble_channel_send(a, sdu, sizeof sdu, 0));
  sim_run_ms(&p.s, 1000);
  assert_int_equal(flushing.calls, 0);
  aioble_op_unref(sim_ok(aioble_channel_recv(b)));
  sim_watch_expect(&flushing, 0);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_send_cancelled_leaves_whole_sdus(void **state) {
  static uint8_t data[10000];
  aioble_channel_t *a, *b;
  aioble_op_t *send, *op;
  pair p;

  (void) state;
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t) i;
  pair_open(&p, &(aioble_listen_options_t){.channel = {.mtu = 600, .credits = 5}});
  channel_open(&p, NULL, &a, &b);
  send = aioble_channel_send(a, data, sizeof data, 0);
  sim_run_ms(&p.s, 500);
  aioble_op_cancel(send);
  sim_expect(send, AIOBLE_ECANCELED);
  send = aioble_channel_send(a, "next", 4, 0);
  for (unsigned at = 0;; at += 600) {
    op = sim_ok(aioble_channel_recv(b));
    if (aioble_op_value(op).len == 4)
      break;
    assert_int_equal(aioble_op_value(op).len, 600);
    assert_memory_equal(aioble_op_value(op).data, data + at, 600);
    aioble_op_unref(op);
  }
  assert_memory_equal(aioble_op_value(op).data, "next", 4);
  aioble_op_unref(op);
  sim_expect(send, 0);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  (void) channel;
  *(size_t *) user += sdu.len;
}

/* what goes over the air is data, in full packets */
static void packets_are_full(void **state) {
  static const uint8_t data[200000];
  aioble_stats_t before, after;
  aioble_channel_t *a, *b;
  size_t received = 0;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  aioble_channel_on_sdu(b, on_sdu, &received);
  aioble_stats(p.a, &before);
  sim_expect(aioble_channel_send(a, data, sizeof data, 0), 0);
  sim_run_ms(&p.s, 100);
  aioble_stats(p.a, &after);
  assert_int_equal(received, sizeof data);
  assert_true((double) sizeof data / (double) (after.acl_out - before.acl_out) > 0.98 * 251);
  assert_true((after.acl_in - before.acl_in) * 8 <= after.acl_out - before.acl_out); /* credits */
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

/* … and as many packets as a connection event has room for */
static void connection_events_are_full(void **state) {
  enum { PER_EVENT = 6, ACL_LEN = 251 };
  static const uint8_t data[150000];
  aioble_channel_t *a, *b;
  size_t received = 0;
  uint64_t start, events;
  pair p;

  (void) state;
  pair_open_on(&p, &(aioble_virtual_options_t){.timing = true, .packets_per_event = PER_EVENT},
               NULL);
  channel_open(&p, NULL, &a, &b);
  aioble_channel_on_sdu(b, on_sdu, &received);
  start = aioble_virtual_now_us(p.s.radio);
  sim_expect(aioble_channel_send(a, data, sizeof data, 0), 0);
  events = (aioble_virtual_now_us(p.s.radio) - start) / aioble_conn_params(p.at_a).interval_us;
  assert_true((double) sizeof data > 0.95 * PER_EVENT * ACL_LEN * (double) events);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

/* an SDU costs no allocation, whole or in pieces */
static void nothing_is_allocated_in_the_steady_state(void **state) {
  static const uint8_t sdu[500];
  aioble_channel_t *a, *b;
  size_t before = 0;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  for (unsigned i = 0; i < 200; i++) {
    if (i == 100)
      before = p.s.allocations;
    sim_expect(aioble_channel_send(a, sdu, i % 2 ? 200 : 500, 0), 0);
    sim_expect(aioble_channel_recv(b), 0);
  }
  assert_int_equal(p.s.allocations, before);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

static void a_connect_cancelled_leaves_no_channel(void **state) {
  aioble_op_t *connect, *accept;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  connect = aioble_conn_l2cap_connect(p.at_a, PSM, NULL);
  aioble_op_cancel(connect);
  sim_expect(connect, AIOBLE_ECANCELED);
  accept = sim_ok(aioble_listener_accept(p.listener));
  sim_expect(aioble_channel_recv(aioble_op_channel(accept)), AIOBLE_EOF);
  aioble_op_unref(accept);
  pair_close(&p);
}

static void closing_the_stack_stops_listening(void **state) {
  sim_watch accepting, reading;
  aioble_channel_t *a, *b;
  pair p;

  (void) state;
  pair_open(&p, NULL);
  channel_open(&p, NULL, &a, &b);
  sim_watch_op(&accepting, aioble_listener_accept(p.listener));
  sim_watch_op(&reading, aioble_channel_recv(b));
  sim_expect(aioble_close(p.b), 0);
  sim_watch_expect(&accepting, AIOBLE_ECANCELED);
  sim_watch_expect(&reading, AIOBLE_ENOTCONN);
  sim_expect(aioble_listener_accept(p.listener), AIOBLE_EOF);
  aioble_channel_unref(a);
  aioble_channel_unref(b);
  pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_go_both_ways),
      cmocka_unit_test(a_stream_of_bytes_is_read_in_any_pieces),
      cmocka_unit_test(a_channel_ends_for_both_and_what_came_can_be_read),
      cmocka_unit_test(a_link_that_is_lost_ends_everything_of_its_channels),
      cmocka_unit_test(refusals_reach_the_one_who_asks),
      cmocka_unit_test(a_listener_keeps_a_few_and_stops),
      cmocka_unit_test(a_connection_can_wait_for_one_itself),
      cmocka_unit_test(both_connect_and_listen_at_once),
      cmocka_unit_test(several_enhanced_ones_at_once_and_other_sizes),
      cmocka_unit_test(a_peer_without_enhanced_channels_is_asked_for_others),
      cmocka_unit_test(sdus_are_pushed_those_that_wait_first),
      cmocka_unit_test(a_sender_is_stopped_by_one_who_does_not_read),
      cmocka_unit_test(a_send_cancelled_leaves_whole_sdus),
      cmocka_unit_test(packets_are_full),
      cmocka_unit_test(connection_events_are_full),
      cmocka_unit_test(nothing_is_allocated_in_the_steady_state),
      cmocka_unit_test(a_connect_cancelled_leaves_no_channel),
      cmocka_unit_test(closing_the_stack_stops_listening),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
