/* SPDX-License-Identifier: MIT */
/* Much data over channels, both ways at once, to receivers that pause: nothing lost, nothing twice,
   and no more held than what was agreed on.

     test_sim_l2cap_bulk [MIB]      only a lot of it, as much as that each way (else 4, and the
   rest)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { PSM = 0x80, PIECE = 4096 };

typedef struct sizes {
  uint16_t mtu, mps, credits;
} sizes;

/* one direction */
typedef struct flow {
  aioble_channel_t *from, *to;
  uint32_t seed; /* of the bytes, and of the pauses */
  size_t total, sent, received;
  size_t limit; /* what the receiver may hold: its window, and the SDU that is put together */
  aioble_op_t *sending, *receiving;
  unsigned pause; /* steps the receiver does not read */
  uint8_t out[PIECE * 4], in[PIECE];
} flow;

static uint32_t random_of(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static uint8_t byte_at(size_t at) {
  return (uint8_t) (at * 167 + (at >> 8) * 13 + (at >> 16));
}

static void send_more(flow *f) {
  size_t n = random_of(&f->seed) % sizeof f->out + 1;

  if (f->sending && !aioble_op_done(f->sending))
    return;
  if (f->sending)
    assert_int_equal(aioble_op_status(f->sending), 0);
  f->sending = aioble_op_unref(f->sending);
  if (n > f->total - f->sent)
    n = f->total - f->sent;
  if (n == 0)
    return;
  for (size_t i = 0; i < n; i++)
    f->out[i] = byte_at(f->sent + i);
  f->sending = aioble_channel_send(f->from, f->out, n, 0);
  f->sent += n;
}

static void take(flow *f, const uint8_t *data, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (data[i] != byte_at(f->received + i))
      fail_msg("another octet at %zu", f->received + i);
  f->received += n;
}

static void receive_more(flow *f) {
  if (f->receiving && aioble_op_done(f->receiving)) {
    assert_int_equal(aioble_op_status(f->receiving), 0);
    if (aioble_op_value(f->receiving).data)
      take(f, aioble_op_value(f->receiving).data, aioble_op_value(f->receiving).len);
    else
      take(f, f->in, (size_t) aioble_op_number(f->receiving));
    f->receiving = aioble_op_unref(f->receiving);
    f->pause = random_of(&f->seed) % 8 == 0 ? random_of(&f->seed) % 200 : 0;
  }
  if (f->receiving || f->pause-- > 0)
    return;
  f->pause = 0;
  f->receiving = random_of(&f->seed) % 2
                     ? aioble_channel_recv(f->to)
                     : aioble_channel_recvinto(f->to, f->in, random_of(&f->seed) % PIECE + 1);
}

static void start_flow(flow *f, uint32_t seed, aioble_channel_t *from, aioble_channel_t *to,
                       size_t total) {
  size_t window = (size_t) aioble_channel_our_credits(to) * aioble_channel_our_mps(to);

  *f = (flow){.from = aioble_channel_ref(from),
              .to = to,
              .seed = seed,
              .total = total,
              .limit = window + aioble_channel_our_mtu(to)};
}

static void run_flows(sim *s, flow *flows, size_t n) {
  bool more = true;
  unsigned idle = 0;

  while (more) {
    more = false;
    for (size_t i = 0; i < n; i++) {
      send_more(&flows[i]);
      receive_more(&flows[i]);
      assert_true(aioble_channel_available(flows[i].to) <= flows[i].limit);
      more |= flows[i].received < flows[i].total;
    }
    idle = aioble_virtual_run_once(s->radio) ? 0 : idle + 1;
    assert_true(idle < 300); /* only a pause may hold it up */
  }
  for (size_t i = 0; i < n; i++) {
    sim_expect(aioble_channel_flush(flows[i].from), 0);
    assert_int_equal(flows[i].received, flows[i].total);
    assert_int_equal(aioble_channel_available(flows[i].to), 0);
    aioble_op_cancel(flows[i].receiving);
    (void) aioble_op_finish(flows[i].receiving);
    aioble_op_unref(flows[i].sending);
  }
}

/* `channels` of them between two stacks, `total` octets each way on each */
static void transfer(const sizes *limits, const aioble_virtual_controller_options_t *controller,
                     unsigned channels, size_t total, bool timing) {
  aioble_channel_options_t options = {limits->mtu, limits->mps, limits->credits, false};
  flow *flows = calloc(2 * (size_t) channels, sizeof *flows);
  aioble_listener_t *listener;
  aioble_conn_t *at_a, *at_b;
  aioble_t *a, *b;
  sim s;

  sim_open(&s, &(aioble_virtual_options_t){.timing = timing});
  a = sim_stack_new(&s, NULL, controller);
  b = sim_stack_new(&s, NULL, controller);
  sim_connect(a, b, &at_a, &at_b);
  listener = aioble_l2cap_listen(b, PSM, &(aioble_listen_options_t){.channel = options});
  for (unsigned i = 0; i < channels; i++) {
    aioble_op_t *accept = aioble_listener_accept(listener);
    aioble_op_t *connect = sim_ok(aioble_conn_l2cap_connect(at_a, PSM, &options));
    aioble_channel_t *at_connect = aioble_op_channel(connect), *at_accept;

    at_accept = aioble_op_channel(sim_ok(accept));
    start_flow(&flows[2 * i], 2 * i, at_connect, at_accept, total);
    start_flow(&flows[2 * i + 1], 2 * i + 1, at_accept, at_connect, total);
    aioble_op_unref(accept);
    aioble_op_unref(connect);
  }
  run_flows(&s, flows, 2 * (size_t) channels);
  for (unsigned i = 0; i < 2 * channels; i++)
    aioble_channel_unref(flows[i].from);
  aioble_listener_unref(listener);
  aioble_conn_unref(at_a);
  aioble_conn_unref(at_b);
  sim_close(&s);
  free(flows);
}

static void all_sizes_in_all_controllers(void **state) {
  static const uint16_t mtus[] = {23, 64, 247, 2048, 65535}, mpss[] = {23, 64, 0, 4096, 65533},
                        credits[] = {1, 2, 7, 0}, acl_lens[] = {27, 251, 1021};
  static const uint8_t counts[] = {1, 2, 8};

  for (size_t m = 0; m < 5; m++)
    for (size_t p = 0; p < 5; p++)
      for (size_t c = 0; c < 4; c++)
        for (size_t i = 0; i < 9; i++) {
          const sizes limits = {mtus[m], mpss[p], credits[c]};
          const aioble_virtual_controller_options_t controller = {.acl_len = acl_lens[i / 3],
                                                                  .acl_count = counts[i % 3]};

          transfer(&limits, &controller, 1, mtus[m] == 65535 ? 70001u : 3u * mtus[m] + 1, false);
        }
  (void) state;
}

static void many_channels_at_once(void **state) {
  (void) state;
  transfer(&(sizes){500, 0, 5}, NULL, 12, 30000, false);
  transfer(&(sizes){3000, 100, 40}, NULL, 3, 30000, true);
}

static void a_lot_of_it(void **state) {
  const size_t *mib = *state;

  transfer(&(sizes){0, 0, 0}, NULL, 1, *mib << 20, false);
}

static void as_fast_as_connection_events_allow(void **state) {
  (void) state;
  transfer(&(sizes){0, 0, 0}, NULL, 1, 1 << 18, true);
}

int main(int argc, char **argv) {
  size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 4;
  const struct CMUnitTest lot[] = {
      cmocka_unit_test_prestate(a_lot_of_it, &mib),
  };
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_sizes_in_all_controllers),
      cmocka_unit_test(many_channels_at_once),
      cmocka_unit_test_prestate(a_lot_of_it, &mib),
      cmocka_unit_test(as_fast_as_connection_events_allow),
  };

  return argc > 1 ? cmocka_run_group_tests(lot, NULL, NULL)
                  : cmocka_run_group_tests(tests, NULL, NULL);
}
