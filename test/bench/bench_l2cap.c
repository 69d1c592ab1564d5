/* SPDX-License-Identifier: MIT */
/*
 * Throughput of a channel between two stacks on the virtual radio, against a loop that sends
 * nothing but full ACL packets on the same link: octets of SDUs to octets of packets, in the time
 * each takes on the air (the radio's own time, with connection events), and of the processor
 * (without them). The channel is given its octets in pieces of 64 KiB. Both go in turns, so that
 * what else the machine does hits both; the ratio is the median of the rounds'.
 *
 *   bench_l2cap [MIB]      as much as that of each (default: 64; a sixteenth of it on the air)
 */
#include "helpers/sim.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PSM = 0x80, PIECE = 65536, ACL_LEN = 251, ROUNDS = 33 };

typedef struct bed {
  sim sim;
  bool timing;
  aioble_conn_t *at_a, *at_b;
  aioble_channel_t *from, *to;
} bed;

/* seconds */
static double now(const bed *b) {
  struct timespec t;

  if (b->timing)
    return (double) aioble_virtual_now_us(b->sim.radio) / 1e6;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void run_until_idle(bed *b) {
  while (aioble_virtual_run_once(b->sim.radio))
    continue;
}

/* ---- nothing but packets: each full, for no channel ---- */

typedef struct packets {
  aioble_conn_t *from;
  uint64_t left;
} packets;

static void send_packet(packets *p);

static void on_taken(ab_buf *buf, int status) {
  if (status == 0)
    send_packet(buf->ctx);
}

static void send_packet(packets *p) {
  static const uint8_t zeroes[ACL_LEN - 4];
  ab_buf *buf;

  if (p->left == 0)
    return;
  p->left = p->left < ACL_LEN ? 0 : p->left - ACL_LEN;
  buf = ab_buf_copy(&p->from->ble->bufs, zeroes, sizeof zeroes);
  buf->done = on_taken;
  buf->ctx = p;
  ab_l2cap_send(&p->from->l2cap, 0x3f, buf);
}

static double time_packets(bed *b, uint64_t octets) {
  packets p = {b->at_a, octets};
  double start;

  ab_host_touch(b->at_a->ble);
  start = now(b);
  send_packet(&p);
  run_until_idle(b);
  return now(b) - start;
}

/* ---- a channel ---- */

typedef struct sender {
  aioble_channel_t *channel;
  uint64_t left;
} sender;

static void on_sent(aioble_op_t *op, int status, void *user);

static void send_more(sender *s) {
  static const uint8_t zeroes[PIECE];

  if (s->left == 0)
    return;
  s->left = s->left < PIECE ? 0 : s->left - PIECE;
  aioble_op_then(aioble_channel_send(s->channel, zeroes, PIECE, 0), on_sent, s);
}

static void on_sent(aioble_op_t *op, int status, void *user) {
  (void) op;
  if (status == 0)
    send_more(user);
}

static void on_sdu(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  (void) channel;
  *(uint64_t *) user += sdu.len;
}

static double time_channel(bed *b, uint64_t octets) {
  sender one = {b->from, octets / 2}, other = one; /* there is always something waiting */
  uint64_t received = 0;
  double start;

  aioble_channel_on_sdu(b->to, on_sdu, &received);
  start = now(b);
  send_more(&one);
  send_more(&other);
  run_until_idle(b);
  if (received != octets)
    abort();
  return now(b) - start;
}

/* ---- both ---- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void measure(bool timing, uint64_t octets) {
  uint64_t pieces = octets / (2 * PIECE * ROUNDS), each = 2 * PIECE * (pieces ? pieces : 1);
  bed b = {.timing = timing};
  double raw = 0, channel = 0, ratio[ROUNDS];
  aioble_op_t *accept, *connect;
  aioble_listener_t *listener;

  sim_open(&b.sim, &(aioble_virtual_options_t){.timing = timing});
  sim_connect(sim_stack_new(&b.sim, NULL, NULL), sim_stack_new(&b.sim, NULL, NULL), &b.at_a,
              &b.at_b);
  listener = aioble_l2cap_listen(aioble_conn_adapter(b.at_b), PSM, NULL);
  accept = aioble_listener_accept(listener);
  connect = sim_ok(aioble_conn_l2cap_connect(b.at_a, PSM, NULL));
  b.from = aioble_op_channel(connect);
  b.to = aioble_op_channel(sim_ok(accept));
  for (unsigned i = 0; i < ROUNDS; i++) {
    double with_packets = time_packets(&b, each), with_channel = time_channel(&b, each);

    raw += with_packets;
    channel += with_channel;
    ratio[i] = with_packets / with_channel;
  }
  qsort(ratio, ROUNDS, sizeof *ratio, by_size);
  printf("%-9s packets %8.3f MiB/s, channel %8.3f MiB/s, ratio %.3f\n",
         timing ? "air" : "processor", (double) (ROUNDS * each) / raw / (1 << 20),
         (double) (ROUNDS * each) / channel / (1 << 20), ratio[ROUNDS / 2]);
  aioble_op_unref(accept);
  aioble_op_unref(connect);
  aioble_listener_unref(listener);
  aioble_conn_unref(b.at_a);
  aioble_conn_unref(b.at_b);
  sim_close(&b.sim);
}

int main(int argc, char **argv) {
  uint64_t octets = (uint64_t) (argc > 1 ? atoi(argv[1]) : 64) << 20;

  measure(true, octets / 16);
  measure(false, octets);
  return 0;
}
