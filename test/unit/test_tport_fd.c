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

/* ---- the end ---- */

static void the_end_of_a_stream_is_told_after_what_came_before(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  peer_sends(p, sample_event, sizeof sample_event);
  end_peer(p);
  expect_lost(p, AIOBLE_ENODEV);
  assert_int_equal(p->sink.packets, 1);
  assert_int_equal(p->sink.batches, 1);
  tport_pair_free(p);
}

static void the_end_of_a_packet_socket_is_told_after_what_came_before(void **state) {
  tport_pair *p = tport_pair_open(SOCK_SEQPACKET);

  (void) state;
  peer_sends(p, sample_event, sizeof sample_event);
  peer_sends(p, sample_event, sizeof sample_event);
  end_peer(p);
  expect_lost(p, AIOBLE_ENODEV);
  assert_int_equal(p->sink.packets, 2);
  tport_pair_free(p);
}

static void a_write_that_fails_is_told_from_the_loop_after_what_came_before(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    tport_pair *p = tport_pair_open(types[i]);

    peer_sends(p, sample_event, sizeof sample_event);
    end_peer(p);
    assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command), 0);
    record_sink_flush(&p->sink); /* no SIGPIPE, either */
    assert_int_equal(p->sink.losts, 0);
    assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command),
                     AIOBLE_ENODEV);
    expect_lost(p, AIOBLE_ENODEV);
    if (types[i] != SOCK_DGRAM) /* there the kernel drops what came before */
      assert_int_equal(p->sink.packets, 1);
    tport_pair_free(p);
  }
}

/* the peer reads no more, and has a lot to say */
static void a_write_that_fails_is_told_even_to_somebody_who_never_stops(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  assert_int_equal(shutdown(p->peer, SHUT_RD), 0);
  assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command), 0);
  record_sink_flush(&p->sink);
  for (unsigned i = 0; !p->sink.losts; i++) {
    assert_true(i < 1000);
    peer_sends(p, sample_event, sizeof sample_event);
    uv_run(&p->uv, UV_RUN_ONCE);
  }
  tport_pair_free(p);
}

static void a_reset_by_the_peer_is_the_end(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  record_sink_send(&p->sink, sample_command, sizeof sample_command);
  record_sink_flush(&p->sink);
  end_peer(p); /* with our sample_command unread: ECONNRESET */
  expect_lost(p, AIOBLE_ENODEV);
  tport_pair_free(p);
}

static void what_is_not_h4_ends_a_stream(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  uint8_t bytes[sizeof sample_event + 1];

  (void) state;
  memcpy(bytes, sample_event, sizeof sample_event);
  bytes[sizeof sample_event] = 0x47;
  peer_sends(p, bytes, sizeof bytes);
  expect_lost(p, AIOBLE_EPROTO);
  assert_int_equal(p->sink.packets, 1);
  assert_int_equal(p->sink.batches, 1);
  tport_pair_free(p);
}

static void a_packet_too_long_to_be_one_ends_a_packet_socket(void **state) {
  tport_pair *p = tport_pair_open(SOCK_SEQPACKET);
  uint8_t bytes[AB_TPORT_SLOT + 1] = {2};

  (void) state;
  peer_sends(p, bytes, AB_TPORT_SLOT);
  peer_sends(p, bytes, AB_TPORT_SLOT + 1);
  expect_lost(p, AIOBLE_EPROTO);
  assert_int_equal(p->sink.packets, 1);
  assert_int_equal(p->sink.len, AB_TPORT_SLOT);
  tport_pair_free(p);
}

/* ---- calls from inside callbacks ---- */

static void close_now(record_sink *sink) {
  record_sink_close(sink);
  assert_int_equal(sink->closes, 0);
  assert_int_equal(record_sink_send(sink, sample_command, sizeof sample_command), AIOBLE_ENODEV);
  record_sink_flush(sink);
  record_sink_close(sink); /* twice does nothing */
}

static void close_from_inside_packet_ends_the_batch(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    tport_pair *p = tport_pair_open(types[i]);

    p->sink.on_packet = close_now;
    peer_sends(p, sample_event, sizeof sample_event);
    peer_sends(p, sample_event, sizeof sample_event);
    RUN_UNTIL(&p->uv, p->sink.closes);
    assert_int_equal(p->sink.packets, 1);
    assert_int_equal(p->sink.batches, 0);
    tport_pair_free(p);
  }
}

static void close_from_inside_lost_is_fine(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  p->sink.on_lost = close_now;
  end_peer(p);
  RUN_UNTIL(&p->uv, p->sink.closes);
  assert_int_equal(p->sink.losts, 1);
  tport_pair_free(p);
}

static void close_from_inside_writable_is_fine(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  uint8_t packet[1000] = {2}, got[1000];

  (void) state;
  while (record_sink_send(&p->sink, packet, sizeof packet) == 0)
    ;
  p->sink.on_writable = close_now;
  while (!p->sink.closes) {
    while (recv(p->peer, got, sizeof got, 0) > 0)
      ;
    uv_run(&p->uv, UV_RUN_ONCE);
  }
  assert_int_equal(p->sink.writables, 1);
  tport_pair_free(p);
}

static void answer(record_sink *sink) {
  assert_int_equal(record_sink_send(sink, sample_command, sizeof sample_command), 0);
  record_sink_flush(sink);
}

static void send_and_flush_from_inside_packet_are_fine(void **state) {
  tport_pair *p = tport_pair_open(SOCK_SEQPACKET);

  (void) state;
  p->sink.on_packet = answer;
  peer_sends(p, sample_event, sizeof sample_event);
  peer_sends(p, sample_event, sizeof sample_event);
  RUN_UNTIL(&p->uv, p->sink.batches);
  expect_from_peer(p, sample_command, sizeof sample_command);
  expect_from_peer(p, sample_command, sizeof sample_command);
  expect_nothing_from_peer(p);
  tport_pair_free(p);
}

/* ---- hold ---- */

static void hold_now(record_sink *sink) {
  ab_tport_hold((ab_tport *) sink->t, true);
}

static void a_held_transport_gives_nothing_and_loses_nothing(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    tport_pair *p = tport_pair_open(types[i]);

    p->sink.on_packet = hold_now;
    for (unsigned n = 0; n < 5; n++)
      peer_sends(p, sample_event, sizeof sample_event);
    RUN_UNTIL(&p->uv, p->sink.packets);
    for (unsigned n = 1; n <= 4; n++) {
      uv_run(&p->uv, UV_RUN_NOWAIT);
      assert_int_equal(p->sink.packets, n);
      ab_tport_hold((ab_tport *) p->t, false);
      assert_int_equal(p->sink.packets, n); /* never from inside */
      RUN_UNTIL(&p->uv, p->sink.packets > n);
    }
    assert_int_equal(p->sink.packets, 5);
    tport_pair_free(p);
  }
}

static void an_idle_held_transport_does_not_spin(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  hold_now(&p->sink);
  peer_sends(p, sample_event, sizeof sample_event);
  assert_false(uv_run(&p->uv, UV_RUN_ONCE)); /* nothing is waited for */
  ab_tport_hold((ab_tport *) p->t, false);
  RUN_UNTIL(&p->uv, p->sink.packets);
  tport_pair_free(p);
}

static void a_held_transport_tells_the_end_when_let_go(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  hold_now(&p->sink);
  peer_sends(p, sample_event, sizeof sample_event);
  end_peer(p);
  uv_run(&p->uv, UV_RUN_NOWAIT);
  assert_int_equal(p->sink.losts, 0);
  ab_tport_hold((ab_tport *) p->t, false);
  expect_lost(p, AIOBLE_ENODEV);
  assert_int_equal(p->sink.packets, 1);
  tport_pair_free(p);
}

static void a_held_transport_that_cannot_write_tells_the_end(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  hold_now(&p->sink);
  end_peer(p);
  record_sink_send(&p->sink, sample_command, sizeof sample_command);
  record_sink_flush(&p->sink);
  expect_lost(p, AIOBLE_ENODEV);
  tport_pair_free(p);
}

/* ---- open and close ---- */

static void it_can_be_closed_and_opened_again(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    peer_sends(p, sample_acl, 3); /* half a packet, which the next round must not see */
    uv_run(&p->uv, UV_RUN_NOWAIT);
    hold_now(&p->sink);
    record_sink_close(&p->sink);
    assert_int_equal(p->sink.closes, 0);
    RUN_UNTIL(&p->uv, p->sink.closes);
    record_sink_reset(&p->sink);
    assert_int_equal(record_sink_open(&p->sink, p->t), 0);
    peer_sends(p, sample_event, sizeof sample_event);
    RUN_UNTIL(&p->uv, p->sink.packets);
    assert_memory_equal(p->sink.bytes, sample_event, sizeof sample_event);
  }
  tport_pair_free(p);
}

static void it_can_be_opened_again_after_it_was_lost(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);
  const uint8_t bad = 0xff;

  (void) state;
  peer_sends(p, &bad, 1);
  expect_lost(p, AIOBLE_EPROTO);
  record_sink_close(&p->sink);
  RUN_UNTIL(&p->uv, p->sink.closes);
  record_sink_reset(&p->sink);
  assert_int_equal(record_sink_open(&p->sink, p->t), 0);
  peer_sends(p, sample_event, sizeof sample_event);
  RUN_UNTIL(&p->uv, p->sink.packets);
  tport_pair_free(p);
}

static void an_open_transport_is_not_opened_twice(void **state) {
  tport_pair *p = tport_pair_open(SOCK_STREAM);

  (void) state;
  assert_int_equal(record_sink_open(&p->sink, p->t), AIOBLE_EALREADY);
  tport_pair_free(p);
}

static void no_such_descriptor_is_told_by_open(void **state) {
  tport_pair *p = tport_pair_new(SOCK_STREAM);

  (void) state;
  assert_int_equal(tport_pair_name(p, 999), 0);
  assert_int_equal(record_sink_open(&p->sink, p->t), AIOBLE_ENODEV);
  assert_non_null(strstr(p->sink.why, "fd:999"));
  p->t->ops->destroy(p->t);
  p->t = NULL;
  tport_pair_free(p);
}

static void a_file_is_told_by_open(void **state) {
  FILE *file = tmpfile(); /* counted as open */
  tport_pair *p = tport_pair_new(SOCK_STREAM);

  (void) state;
  assert_int_equal(tport_pair_name(p, fileno(file)), 0);
  assert_int_equal(record_sink_open(&p->sink, p->t), AIOBLE_EPERM);
  assert_non_null(strstr(p->sink.why, "cannot be waited for"));
  p->t->ops->destroy(p->t);
  p->t = NULL;
  fclose(file);
  p->open_fds--;
  tport_pair_free(p);
}

static void out_of_memory_leaves_nothing_behind(void **state) {
  (void) state;
  for (unsigned n = 1; n <= 3; n++) {
    tport_pair *p = tport_pair_new(SOCK_STREAM);

    p->fail_at = n;
    if (n < 3) {
      assert_int_equal(tport_pair_name(p, p->ours), AIOBLE_ENOMEM);
      assert_null(p->t);
    } else {
      assert_int_equal(tport_pair_name(p, p->ours), 0);
      assert_int_equal(record_sink_open(&p->sink, p->t), AIOBLE_ENOMEM);
      p->t->ops->destroy(p->t);
      p->t = NULL;
    }
    assert_int_equal(p->sink.why[0] != 0, true);
    tport_pair_free(p);
  }
}

static void a_given_descriptor_is_closed_with_the_transport(void **state) {
  tport_pair *p = tport_pair_new(SOCK_STREAM);
  ab_transport_options options = {.uv = &p->uv};
  ab_tport *t;

  (void) state;
  assert_int_equal(ab_tport_new_given(p->ours, &options, AB_H4_FROM_HOST, &t, NULL, 0), 0);
  p->t = &t->base;
  assert_int_equal(record_sink_open(&p->sink, p->t), 0);
  peer_sends(p, sample_command, sizeof sample_command);
  RUN_UNTIL(&p->uv, p->sink.packets);
  record_sink_close(&p->sink);
  p->ours = -1;
  assert_int_equal(recv(p->peer, p->sink.bytes, 1, 0), 0);
  RUN_UNTIL(&p->uv, p->sink.closes);
  record_sink_reset(&p->sink);
  assert_int_equal(record_sink_open(&p->sink, p->t), AIOBLE_ENODEV);
  p->t->ops->destroy(p->t);
  assert_int_equal(ab_tport_new_given(dup(p->peer), &options, AB_H4_FROM_HOST, &t, NULL, 0), 0);
  t->base.ops->destroy(&t->base); /* never opened */
  p->t = NULL;
  tport_pair_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_end_of_a_stream_is_told_after_what_came_before),
      cmocka_unit_test(the_end_of_a_packet_socket_is_told_after_what_came_before),
      cmocka_unit_test(a_write_that_fails_is_told_from_the_loop_after_what_came_before),
      cmocka_unit_test(a_write_that_fails_is_told_even_to_somebody_who_never_stops),
      cmocka_unit_test(a_reset_by_the_peer_is_the_end),
      cmocka_unit_test(what_is_not_h4_ends_a_stream),
      cmocka_unit_test(a_packet_too_long_to_be_one_ends_a_packet_socket),
      cmocka_unit_test(close_from_inside_packet_ends_the_batch),
      cmocka_unit_test(close_from_inside_lost_is_fine),
      cmocka_unit_test(close_from_inside_writable_is_fine),
      cmocka_unit_test(send_and_flush_from_inside_packet_are_fine),
      cmocka_unit_test(a_held_transport_gives_nothing_and_loses_nothing),
      cmocka_unit_test(an_idle_held_transport_does_not_spin),
      cmocka_unit_test(a_held_transport_tells_the_end_when_let_go),
      cmocka_unit_test(a_held_transport_that_cannot_write_tells_the_end),
      cmocka_unit_test(it_can_be_closed_and_opened_again),
      cmocka_unit_test(it_can_be_opened_again_after_it_was_lost),
      cmocka_unit_test(an_open_transport_is_not_opened_twice),
      cmocka_unit_test(no_such_descriptor_is_told_by_open),
      cmocka_unit_test(a_file_is_told_by_open),
      cmocka_unit_test(out_of_memory_leaves_nothing_behind),
      cmocka_unit_test(a_given_descriptor_is_closed_with_the_transport),
  };

  return cmocka_run_group_tests(tests, tport_pair_warm_up, NULL);
}
