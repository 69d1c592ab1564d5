/* SPDX-License-Identifier: MIT */
#include "helpers/tport_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- input ---- */

static void packets_of_one_read_are_one_batch(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  uint8_t both[sizeof sample_event + sizeof sample_acl];

  (void) state;
  memcpy(both, sample_event, sizeof sample_event);
  memcpy(both + sizeof sample_event, sample_acl, sizeof sample_acl);
  peer_sends(p, both, sizeof both);
  assert_int_equal(p->sink.packets, 0);
  RUN_UNTIL(&p->uv, p->sink.batches);
  assert_int_equal(p->sink.packets, 2);
  assert_int_equal(p->sink.batches, 1);
  assert_int_equal(p->sink.len, sizeof both);
  assert_memory_equal(p->sink.bytes, both, sizeof both);
  assert_int_equal(p->sink.losts, 0);
  tport_pair_free(p);
}

static void a_packet_that_comes_in_octets_is_given_once_whole(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  for (size_t i = 0; i < sizeof sample_acl; i++) {
    assert_int_equal(p->sink.packets, 0);
    peer_sends(p, sample_acl + i, 1);
    uv_run(&p->uv, UV_RUN_ONCE);
  }
  assert_int_equal(p->sink.packets, 1);
  assert_int_equal(p->sink.batches, 1);
  assert_memory_equal(p->sink.bytes, sample_acl, sizeof sample_acl);
  tport_pair_free(p);
}

/* more than fits into the input buffer, in packets that do not divide it */
static void a_long_stream_arrives_whole_and_in_bounded_pieces(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  size_t len = 3000 * 37, sent = 0;
  uint8_t *bytes = malloc(len);
  ssize_t n;

  (void) state;
  for (size_t i = 0; i < len; i += 37) {
    memset(bytes + i, (int) (i & 0xff), 37);
    memcpy(bytes + i, ((uint8_t[]){2, 0, 0, 32, 0}), 5);
  }
  while (p->sink.len < len) {
    n = send(p->peer, bytes + sent, len - sent, 0);
    sent += n > 0 ? (size_t) n : 0;
    uv_run(&p->uv, UV_RUN_ONCE);
  }
  assert_int_equal(p->sink.packets, 3000);
  assert_memory_equal(p->sink.bytes, bytes, len);
  assert_true(p->sink.batches >= 2);
  free(bytes);
  tport_pair_free(p);
}

static void a_packet_socket_has_one_packet_in_each(void **state) {
  static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    tport_pair *p = tport_pair_open(types[i]);

    peer_sends(p, sample_event, sizeof sample_event);
    peer_sends(p, sample_acl, sizeof sample_acl);
    peer_sends(p, sample_event, sizeof sample_event);
    RUN_UNTIL(&p->uv, p->sink.packets == 3);
    assert_int_equal(p->sink.batches, 1);
    assert_int_equal(p->sink.len, 2 * sizeof sample_event + sizeof sample_acl);
    tport_pair_free(p);
  }
}

static void one_event_reads_at_most_a_bufferful_of_packets(void **state) {
  tport_pair *p = tport_pair_open(SOCK_SEQPACKET);

  (void) state;
  for (unsigned i = 0; i < 100; i++)
    peer_sends(p, sample_acl, sizeof sample_acl);
  RUN_UNTIL(&p->uv, p->sink.packets == 100);
  assert_int_equal(p->sink.batches, (100 + AB_TPORT_SLOTS - 1) / AB_TPORT_SLOTS);
  tport_pair_free(p);
}

static void an_empty_datagram_is_nothing(void **state) {
  tport_pair *p = tport_pair_open(SOCK_DGRAM);

  (void) state;
  peer_sends(p, sample_event, 0);
  peer_sends(p, sample_event, sizeof sample_event);
  RUN_UNTIL(&p->uv, p->sink.packets);
  assert_int_equal(p->sink.packets, 1);
  assert_int_equal(p->sink.losts, 0);
  tport_pair_free(p);
}

/* ---- output ---- */

static void what_is_sent_in_a_turn_goes_out_together(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  uint8_t both[sizeof sample_command + sizeof sample_acl];

  (void) state;
  memcpy(both, sample_command, sizeof sample_command);
  memcpy(both + sizeof sample_command, sample_acl, sizeof sample_acl);
  assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command), 0);
  assert_int_equal(record_sink_send(&p->sink, sample_acl, sizeof sample_acl), 0);
  expect_nothing_from_peer(p);
  record_sink_flush(&p->sink);
  expect_from_peer(p, both, sizeof both);
  expect_nothing_from_peer(p);
  assert_int_equal(p->sink.writables, 0);
  tport_pair_free(p);
}

static void a_packet_socket_keeps_packets_apart(void **state) {
  static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    tport_pair *p = tport_pair_open(types[i]);

    assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command), 0);
    assert_int_equal(record_sink_send(&p->sink, sample_acl, sizeof sample_acl), 0);
    expect_nothing_from_peer(p);
    record_sink_flush(&p->sink);
    expect_from_peer(p, sample_command, sizeof sample_command);
    expect_from_peer(p, sample_acl, sizeof sample_acl);
    expect_nothing_from_peer(p);
    tport_pair_free(p);
  }
}

static void on_writable_send(record_sink *sink) {
  assert_int_equal(record_sink_send(sink, sample_command, sizeof sample_command), 0);
}

/* sends until refused, then lets the peer read everything */
static void fill_and_read(int type, size_t len) {
  tport_pair *p = tport_pair_open(type);
  uint8_t packet[1024] = {2, 0, 0}, got[1024];
  unsigned taken = 0, read = 0, after_full = 0;
  ssize_t n;
  size_t total = 0;

  for (; record_sink_send(&p->sink, packet, len) == 0; taken++)
    assert_true(taken < 100000);
  assert_int_equal(record_sink_send(&p->sink, packet, len), AIOBLE_EAGAIN);
  record_sink_flush(&p->sink);
  for (unsigned i = 0; i < 5; i++)
    uv_run(&p->uv, UV_RUN_NOWAIT);
  assert_int_equal(p->sink.writables, 0); /* the peer is stuck: no room, and nothing is lost */
  assert_int_equal(p->sink.losts, 0);
  p->sink.on_writable = on_writable_send;
  while (total < taken * len + sizeof sample_command) {
    n = recv(p->peer, got, sizeof got, 0);
    if (n > 0) {
      total += (size_t) n;
      read++;
      after_full += p->sink.writables == 0;
    } else {
      uv_run(&p->uv, UV_RUN_ONCE);
      record_sink_flush(&p->sink);
    }
  }
  assert_int_equal(total, taken * len + sizeof sample_command);
  assert_int_equal(p->sink.writables, 1);
  assert_true(after_full < read);
  if (type != SOCK_STREAM)
    assert_int_equal(read, taken + 1);
  tport_pair_free(p);
}

static void a_stuck_stream_refuses_at_a_limit_and_goes_on(void **state) {
  (void) state;
  fill_and_read(SOCK_STREAM, 1000);
  fill_and_read(SOCK_STREAM, 7);
}

static void a_stuck_packet_socket_refuses_at_a_limit_and_goes_on(void **state) {
  (void) state;
  fill_and_read(SOCK_SEQPACKET, 1000);
  fill_and_read(SOCK_DGRAM, 700);
}

static void a_packet_longer_than_all_room_is_refused(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  uint8_t *packet = calloc(1, AB_TPORT_OUT);

  (void) state;
  assert_int_equal(record_sink_send(&p->sink, packet, AB_TPORT_PACKET + 1), AIOBLE_EMSGSIZE);
  assert_int_equal(record_sink_send(&p->sink, packet, AB_TPORT_PACKET), 0);
  free(packet);
  tport_pair_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_of_one_read_are_one_batch),
      cmocka_unit_test(a_packet_that_comes_in_octets_is_given_once_whole),
      cmocka_unit_test(a_long_stream_arrives_whole_and_in_bounded_pieces),
      cmocka_unit_test(a_packet_socket_has_one_packet_in_each),
      cmocka_unit_test(one_event_reads_at_most_a_bufferful_of_packets),
      cmocka_unit_test(an_empty_datagram_is_nothing),
      cmocka_unit_test(what_is_sent_in_a_turn_goes_out_together),
      cmocka_unit_test(a_packet_socket_keeps_packets_apart),
      cmocka_unit_test(a_stuck_stream_refuses_at_a_limit_and_goes_on),
      cmocka_unit_test(a_stuck_packet_socket_refuses_at_a_limit_and_goes_on),
      cmocka_unit_test(a_packet_longer_than_all_room_is_refused),
  };

  return cmocka_run_group_tests(tests, tport_pair_warm_up, NULL);
}
