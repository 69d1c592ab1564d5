/* SPDX-License-Identifier: MIT */
/* ATT and many channels on one link: all take turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { PSM = 0x80, CHANNELS = 3, PER_EVENT = 6, ACL_LEN = 251, BUFFERS = 8, FRAME_PACKETS = 8 };

/* always has more to send */
static void send_on(aioble_op_t *op, int status, void *user) {
  static const uint8_t data[20000];
  aioble_channel_t *channel = user;

  (void) op;
  if (status == 0)
    aioble_op_then(aioble_channel_send(channel, data, sizeof data, 0), send_on, channel);
}

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  (void) channel;
  *(size_t *) user += sdu.len;
}

/* both ways on all of them; received: the octets of each at one end, then at the other */
static void fill_the_link(aioble_conn_t *from, aioble_listener_t *listener,
                          size_t received[2 * CHANNELS]) {
  for (unsigned i = 0; i < CHANNELS; i++) {
    aioble_op_t *accept = aioble_listener_accept(listener);
    aioble_op_t *connect = sim_ok(aioble_conn_l2cap_connect(from, PSM, NULL));
    aioble_channel_t *a = aioble_op_channel(connect), *b = aioble_op_channel(sim_ok(accept));

    aioble_channel_on_sdu(a, on_sdu, &received[i]);
    aioble_channel_on_sdu(b, on_sdu, &received[CHANNELS + i]);
    send_on(NULL, 0, a);
    send_on(NULL, 0, b);
    aioble_op_unref(accept);
    aioble_op_unref(connect);
  }
}

/* how long each of 50 reads takes at most */
static uint64_t slowest_read_us(sim *s, aioble_conn_t *conn) {
  aioble_op_t *service = sim_ok(aioble_conn_service(conn, aioble_uuid16(0x1800)));
  aioble_op_t *chr =
      sim_ok(aioble_client_service_char(aioble_op_service(service), aioble_uuid16(0x2a00)));
  uint64_t slowest = 0;

  for (unsigned i = 0; i < 50; i++) {
    uint64_t start = aioble_virtual_now_us(s->radio), us;

    sim_expect(aioble_client_char_read(aioble_op_char(chr)), 0);
    us = aioble_virtual_now_us(s->radio) - start;
    slowest = us > slowest ? us : slowest;
  }
  aioble_op_unref(chr);
  aioble_op_unref(service);
  return slowest;
}

/* A request waits for what the controller has, and for a K-frame of each channel; so does its
   answer. The channels do not wait at all. */
static void att_takes_its_turn_while_channels_send_all_they_can(void **state) {
  const uint64_t turn = (BUFFERS + CHANNELS * FRAME_PACKETS) / PER_EVENT + 2;
  size_t received[2 * CHANNELS] = {0};
  uint64_t start, events, interval_us;
  aioble_conn_t *at_a, *at_b;
  aioble_listener_t *listener;
  double each;
  aioble_t *a, *b;
  sim s;

  (void) state;
  sim_open(&s, &(aioble_virtual_options_t){.timing = true, .packets_per_event = PER_EVENT});
  a = sim_stack_new(&s, NULL, NULL);
  b = sim_stack_new(&s, NULL, NULL);
  sim_connect(a, b, &at_a, &at_b);
  listener = aioble_l2cap_listen(b, PSM, NULL);
  start = aioble_virtual_now_us(s.radio);
  interval_us = aioble_conn_params(at_a).interval_us;
  fill_the_link(at_a, listener, received);
  assert_in_range(slowest_read_us(&s, at_a), 1, 2 * turn * interval_us);
  events = (aioble_virtual_now_us(s.radio) - start) / interval_us;
  each = (double) (events * PER_EVENT * ACL_LEN) / CHANNELS;
  for (unsigned i = 0; i < 2 * CHANNELS; i++)
    assert_true((double) received[i] > 0.85 * each);
  aioble_listener_unref(listener);
  aioble_conn_unref(at_a);
  aioble_conn_unref(at_b);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(att_takes_its_turn_while_channels_send_all_they_can),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
