/* SPDX-License-Identifier: MIT */
#include "helpers/record_sink.h"
#include "transport/transport_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t event[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
static const uint8_t acl[] = {2, 0x40, 0x20, 3, 0, 'a', 'b', 'c'};
static const uint8_t command[] = {1, 0x03, 0x0c, 0};

typedef struct fixture {
  uv_loop_t uv;
  aioble_transport_t *t;
  record_sink sink;
  int ours, peer; /* a socket pair; the transport works on a copy of ours */
  unsigned open_fds;
  unsigned fail_at; /* this allocation fails; 0: none does */
  unsigned live;
} fixture;

static unsigned count_fds(void) {
  DIR *dir = opendir("/proc/self/fd");
  unsigned n = 0;

  while (readdir(dir))
    n++;
  closedir(dir);
  return n;
}

static void *count_alloc(void *ctx, size_t size) {
  fixture *f = ctx;

  if (f->fail_at && !--f->fail_at)
    return NULL;
  f->live++;
  return malloc(size);
}

static void count_free(void *ctx, void *ptr) {
  fixture *f = ctx;

  f->live -= ptr != NULL;
  free(ptr);
}

static int name_fd(fixture *f, int fd) {
  const aioble_allocator_t mem = {.alloc = count_alloc, .free = count_free, .ctx = f};
  const ab_transport_options options = {.uv = &f->uv, .allocator = &mem};
  char name[16];

  (void) snprintf(name, sizeof name, "fd:%d", fd);
  return ab_transport_named(name, &options, &f->t, f->sink.why, sizeof f->sink.why);
}

static void set_up(fixture *f, int type) {
  int fds[2];

  f->open_fds = count_fds();
  assert_int_equal(uv_loop_init(&f->uv), 0);
  assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
  f->ours = fds[0];
  f->peer = fds[1];
}

static fixture *start(int type) {
  fixture *f = calloc(1, sizeof *f);

  set_up(f, type);
  assert_int_equal(name_fd(f, f->ours), 0);
  assert_int_equal(record_sink_open(&f->sink, f->t), 0);
  return f;
}

static void end_peer(fixture *f) {
  close(f->peer);
  f->peer = -1;
  close(f->ours); /* a stream only ends with the last copy of its other end */
  f->ours = -1;
}

static void finish(fixture *f) {
  if (f->t) {
    if (!f->sink.closes)
      record_sink_close(&f->sink);
    RUN_UNTIL(&f->uv, f->sink.closes);
    f->t->ops->destroy(f->t);
  }
  record_sink_reset(&f->sink);
  if (f->ours >= 0)
    close(f->ours);
  if (f->peer >= 0)
    close(f->peer);
  assert_false(uv_run(&f->uv, UV_RUN_NOWAIT));
  assert_int_equal(uv_loop_close(&f->uv), 0);
  assert_int_equal(f->live, 0);
  assert_int_equal(count_fds(), f->open_fds);
  free(f);
}

static void peer_sends(fixture *f, const void *bytes, size_t len) {
  assert_int_equal(send(f->peer, bytes, len, 0), len);
}

static void expect_from_peer(fixture *f, const void *bytes, size_t len) {
  uint8_t got[256];

  assert_int_equal(recv(f->peer, got, sizeof got, 0), len);
  assert_memory_equal(got, bytes, len);
}

static void expect_nothing_from_peer(fixture *f) {
  uint8_t got[1];

  assert_int_equal(recv(f->peer, got, sizeof got, 0), -1);
  assert_int_equal(errno, EAGAIN);
}

/* ---- input ---- */

static void packets_of_one_read_are_one_batch(void **state) {
  fixture *f = start(SOCK_STREAM);
  uint8_t both[sizeof event + sizeof acl];

  (void) state;
  memcpy(both, event, sizeof event);
  memcpy(both + sizeof event, acl, sizeof acl);
  peer_sends(f, both, sizeof both);
  assert_int_equal(f->sink.packets, 0);
  RUN_UNTIL(&f->uv, f->sink.batches);
  assert_int_equal(f->sink.packets, 2);
  assert_int_equal(f->sink.batches, 1);
  assert_int_equal(f->sink.len, sizeof both);
  assert_memory_equal(f->sink.bytes, both, sizeof both);
  assert_int_equal(f->sink.losts, 0);
  finish(f);
}

static void a_packet_that_comes_in_octets_is_given_once_whole(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  for (size_t i = 0; i < sizeof acl; i++) {
    assert_int_equal(f->sink.packets, 0);
    peer_sends(f, acl + i, 1);
    uv_run(&f->uv, UV_RUN_ONCE);
  }
  assert_int_equal(f->sink.packets, 1);
  assert_int_equal(f->sink.batches, 1);
  assert_memory_equal(f->sink.bytes, acl, sizeof acl);
  finish(f);
}

/* more than fits into the input buffer, in packets that do not divide it */
static void a_long_stream_arrives_whole_and_in_bounded_pieces(void **state) {
  fixture *f = start(SOCK_STREAM);
  size_t len = 3000 * 37, sent = 0;
  uint8_t *bytes = malloc(len);
  ssize_t n;

  (void) state;
  for (size_t i = 0; i < len; i += 37) {
    memset(bytes + i, (int) (i & 0xff), 37);
    memcpy(bytes + i, ((uint8_t[]){2, 0, 0, 32, 0}), 5);
  }
  while (f->sink.len < len) {
    n = send(f->peer, bytes + sent, len - sent, 0);
    sent += n > 0 ? (size_t) n : 0;
    uv_run(&f->uv, UV_RUN_ONCE);
  }
  assert_int_equal(f->sink.packets, 3000);
  assert_memory_equal(f->sink.bytes, bytes, len);
  assert_true(f->sink.batches >= 2);
  free(bytes);
  finish(f);
}

static void a_packet_socket_has_one_packet_in_each(void **state) {
  static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    fixture *f = start(types[i]);

    peer_sends(f, event, sizeof event);
    peer_sends(f, acl, sizeof acl);
    peer_sends(f, event, sizeof event);
    RUN_UNTIL(&f->uv, f->sink.packets == 3);
    assert_int_equal(f->sink.batches, 1);
    assert_int_equal(f->sink.len, 2 * sizeof event + sizeof acl);
    finish(f);
  }
}

static void one_event_reads_at_most_a_bufferful_of_packets(void **state) {
  fixture *f = start(SOCK_SEQPACKET);

  (void) state;
  for (unsigned i = 0; i < 100; i++)
    peer_sends(f, acl, sizeof acl);
  RUN_UNTIL(&f->uv, f->sink.packets == 100);
  assert_int_equal(f->sink.batches, (100 + AB_TPORT_SLOTS - 1) / AB_TPORT_SLOTS);
  finish(f);
}

static void an_empty_datagram_is_nothing(void **state) {
  fixture *f = start(SOCK_DGRAM);

  (void) state;
  peer_sends(f, event, 0);
  peer_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets);
  assert_int_equal(f->sink.packets, 1);
  assert_int_equal(f->sink.losts, 0);
  finish(f);
}

/* ---- the end ---- */

static void expect_lost(fixture *f, int status) {
  RUN_UNTIL(&f->uv, f->sink.losts);
  assert_int_equal(f->sink.losts, 1);
  assert_int_equal(f->sink.lost_status, status);
  assert_non_null(strstr(f->sink.why, "fd:"));
  assert_int_equal(record_sink_send(&f->sink, command, sizeof command), AIOBLE_ENODEV);
  record_sink_flush(&f->sink);
  assert_false(uv_run(&f->uv, UV_RUN_NOWAIT));
  assert_int_equal(f->sink.closes, 0);
}

static void the_end_of_a_stream_is_told_after_what_came_before(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  peer_sends(f, event, sizeof event);
  end_peer(f);
  expect_lost(f, AIOBLE_ENODEV);
  assert_int_equal(f->sink.packets, 1);
  assert_int_equal(f->sink.batches, 1);
  finish(f);
}

static void the_end_of_a_packet_socket_is_told_after_what_came_before(void **state) {
  fixture *f = start(SOCK_SEQPACKET);

  (void) state;
  peer_sends(f, event, sizeof event);
  peer_sends(f, event, sizeof event);
  end_peer(f);
  expect_lost(f, AIOBLE_ENODEV);
  assert_int_equal(f->sink.packets, 2);
  finish(f);
}

static void a_write_that_fails_is_told_from_the_loop_after_what_came_before(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    fixture *f = start(types[i]);

    peer_sends(f, event, sizeof event);
    end_peer(f);
    assert_int_equal(record_sink_send(&f->sink, command, sizeof command), 0);
    record_sink_flush(&f->sink); /* no SIGPIPE, either */
    assert_int_equal(f->sink.losts, 0);
    assert_int_equal(record_sink_send(&f->sink, command, sizeof command), AIOBLE_ENODEV);
    expect_lost(f, AIOBLE_ENODEV);
    if (types[i] != SOCK_DGRAM) /* there the kernel drops what came before */
      assert_int_equal(f->sink.packets, 1);
    finish(f);
  }
}

static void a_reset_by_the_peer_is_the_end(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  record_sink_send(&f->sink, command, sizeof command);
  record_sink_flush(&f->sink);
  end_peer(f); /* with our command unread: ECONNRESET */
  expect_lost(f, AIOBLE_ENODEV);
  finish(f);
}

static void what_is_not_h4_ends_a_stream(void **state) {
  fixture *f = start(SOCK_STREAM);
  uint8_t bytes[sizeof event + 1];

  (void) state;
  memcpy(bytes, event, sizeof event);
  bytes[sizeof event] = 0x47;
  peer_sends(f, bytes, sizeof bytes);
  expect_lost(f, AIOBLE_EPROTO);
  assert_int_equal(f->sink.packets, 1);
  assert_int_equal(f->sink.batches, 1);
  finish(f);
}

static void a_packet_too_long_to_be_one_ends_a_packet_socket(void **state) {
  fixture *f = start(SOCK_SEQPACKET);
  uint8_t bytes[AB_TPORT_SLOT + 1] = {2};

  (void) state;
  peer_sends(f, bytes, AB_TPORT_SLOT);
  peer_sends(f, bytes, AB_TPORT_SLOT + 1);
  expect_lost(f, AIOBLE_EPROTO);
  assert_int_equal(f->sink.packets, 1);
  assert_int_equal(f->sink.len, AB_TPORT_SLOT);
  finish(f);
}

/* ---- output ---- */

static void what_is_sent_in_a_turn_goes_out_together(void **state) {
  fixture *f = start(SOCK_STREAM);
  uint8_t both[sizeof command + sizeof acl];

  (void) state;
  memcpy(both, command, sizeof command);
  memcpy(both + sizeof command, acl, sizeof acl);
  assert_int_equal(record_sink_send(&f->sink, command, sizeof command), 0);
  assert_int_equal(record_sink_send(&f->sink, acl, sizeof acl), 0);
  expect_nothing_from_peer(f);
  record_sink_flush(&f->sink);
  expect_from_peer(f, both, sizeof both);
  expect_nothing_from_peer(f);
  assert_int_equal(f->sink.writables, 0);
  finish(f);
}

static void a_packet_socket_keeps_packets_apart(void **state) {
  static const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    fixture *f = start(types[i]);

    assert_int_equal(record_sink_send(&f->sink, command, sizeof command), 0);
    assert_int_equal(record_sink_send(&f->sink, acl, sizeof acl), 0);
    expect_nothing_from_peer(f);
    record_sink_flush(&f->sink);
    expect_from_peer(f, command, sizeof command);
    expect_from_peer(f, acl, sizeof acl);
    expect_nothing_from_peer(f);
    finish(f);
  }
}

static void on_writable_send(record_sink *sink) {
  assert_int_equal(record_sink_send(sink, command, sizeof command), 0);
}

/* sends until refused, then lets the peer read everything */
static void fill_and_read(int type, size_t len) {
  fixture *f = start(type);
  uint8_t packet[1024] = {2, 0, 0}, got[1024];
  unsigned taken = 0, read = 0, after_full = 0;
  ssize_t n;
  size_t total = 0;

  for (; record_sink_send(&f->sink, packet, len) == 0; taken++)
    assert_true(taken < 100000);
  assert_int_equal(record_sink_send(&f->sink, packet, len), AIOBLE_EAGAIN);
  record_sink_flush(&f->sink);
  for (unsigned i = 0; i < 5; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  assert_int_equal(f->sink.writables, 0); /* the peer is stuck: no room, and nothing is lost */
  assert_int_equal(f->sink.losts, 0);
  f->sink.on_writable = on_writable_send;
  while (total < taken * len + sizeof command) {
    n = recv(f->peer, got, sizeof got, 0);
    if (n > 0) {
      total += (size_t) n;
      read++;
      after_full += f->sink.writables == 0;
    } else {
      uv_run(&f->uv, UV_RUN_ONCE);
      record_sink_flush(&f->sink);
    }
  }
  assert_int_equal(total, taken * len + sizeof command);
  assert_int_equal(f->sink.writables, 1);
  assert_true(after_full < read);
  if (type != SOCK_STREAM)
    assert_int_equal(read, taken + 1);
  finish(f);
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
  fixture *f = start(SOCK_STREAM);
  uint8_t *packet = calloc(1, AB_TPORT_OUT);

  (void) state;
  assert_int_equal(record_sink_send(&f->sink, packet, AB_TPORT_PACKET + 1), AIOBLE_EMSGSIZE);
  assert_int_equal(record_sink_send(&f->sink, packet, AB_TPORT_PACKET), 0);
  free(packet);
  finish(f);
}

/* ---- calls from inside callbacks ---- */

static void close_now(record_sink *sink) {
  record_sink_close(sink);
  assert_int_equal(sink->closes, 0);
  assert_int_equal(record_sink_send(sink, command, sizeof command), AIOBLE_ENODEV);
  record_sink_flush(sink);
  record_sink_close(sink); /* twice does nothing */
}

static void close_from_inside_packet_ends_the_batch(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    fixture *f = start(types[i]);

    f->sink.on_packet = close_now;
    peer_sends(f, event, sizeof event);
    peer_sends(f, event, sizeof event);
    RUN_UNTIL(&f->uv, f->sink.closes);
    assert_int_equal(f->sink.packets, 1);
    assert_int_equal(f->sink.batches, 0);
    finish(f);
  }
}

static void close_from_inside_lost_is_fine(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  f->sink.on_lost = close_now;
  end_peer(f);
  RUN_UNTIL(&f->uv, f->sink.closes);
  assert_int_equal(f->sink.losts, 1);
  finish(f);
}

static void close_from_inside_writable_is_fine(void **state) {
  fixture *f = start(SOCK_STREAM);
  uint8_t packet[1000] = {2}, got[1000];

  (void) state;
  while (record_sink_send(&f->sink, packet, sizeof packet) == 0)
    ;
  f->sink.on_writable = close_now;
  while (!f->sink.closes) {
    while (recv(f->peer, got, sizeof got, 0) > 0)
      ;
    uv_run(&f->uv, UV_RUN_ONCE);
  }
  assert_int_equal(f->sink.writables, 1);
  finish(f);
}

static void answer(record_sink *sink) {
  assert_int_equal(record_sink_send(sink, command, sizeof command), 0);
  record_sink_flush(sink);
}

static void send_and_flush_from_inside_packet_are_fine(void **state) {
  fixture *f = start(SOCK_SEQPACKET);

  (void) state;
  f->sink.on_packet = answer;
  peer_sends(f, event, sizeof event);
  peer_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.batches);
  expect_from_peer(f, command, sizeof command);
  expect_from_peer(f, command, sizeof command);
  expect_nothing_from_peer(f);
  finish(f);
}

/* ---- hold ---- */

static void hold_now(record_sink *sink) {
  ab_tport_hold((ab_tport *) sink->t, true);
}

static void a_held_transport_gives_nothing_and_loses_nothing(void **state) {
  static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    fixture *f = start(types[i]);

    f->sink.on_packet = hold_now;
    for (unsigned n = 0; n < 5; n++)
      peer_sends(f, event, sizeof event);
    RUN_UNTIL(&f->uv, f->sink.packets);
    for (unsigned n = 1; n <= 4; n++) {
      uv_run(&f->uv, UV_RUN_NOWAIT);
      assert_int_equal(f->sink.packets, n);
      ab_tport_hold((ab_tport *) f->t, false);
      assert_int_equal(f->sink.packets, n); /* never from inside */
      RUN_UNTIL(&f->uv, f->sink.packets > n);
    }
    assert_int_equal(f->sink.packets, 5);
    finish(f);
  }
}

static void an_idle_held_transport_does_not_spin(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  hold_now(&f->sink);
  peer_sends(f, event, sizeof event);
  assert_false(uv_run(&f->uv, UV_RUN_ONCE)); /* nothing is waited for */
  ab_tport_hold((ab_tport *) f->t, false);
  RUN_UNTIL(&f->uv, f->sink.packets);
  finish(f);
}

static void a_held_transport_tells_the_end_when_let_go(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  hold_now(&f->sink);
  peer_sends(f, event, sizeof event);
  end_peer(f);
  uv_run(&f->uv, UV_RUN_NOWAIT);
  assert_int_equal(f->sink.losts, 0);
  ab_tport_hold((ab_tport *) f->t, false);
  expect_lost(f, AIOBLE_ENODEV);
  assert_int_equal(f->sink.packets, 1);
  finish(f);
}

static void a_held_transport_that_cannot_write_tells_the_end(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  hold_now(&f->sink);
  end_peer(f);
  record_sink_send(&f->sink, command, sizeof command);
  record_sink_flush(&f->sink);
  expect_lost(f, AIOBLE_ENODEV);
  finish(f);
}

/* ---- open and close ---- */

static void it_can_be_closed_and_opened_again(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    peer_sends(f, acl, 3); /* half a packet, which the next round must not see */
    uv_run(&f->uv, UV_RUN_NOWAIT);
    hold_now(&f->sink);
    record_sink_close(&f->sink);
    assert_int_equal(f->sink.closes, 0);
    RUN_UNTIL(&f->uv, f->sink.closes);
    record_sink_reset(&f->sink);
    assert_int_equal(record_sink_open(&f->sink, f->t), 0);
    peer_sends(f, event, sizeof event);
    RUN_UNTIL(&f->uv, f->sink.packets);
    assert_memory_equal(f->sink.bytes, event, sizeof event);
  }
  finish(f);
}

static void it_can_be_opened_again_after_it_was_lost(void **state) {
  fixture *f = start(SOCK_STREAM);
  const uint8_t bad = 0xff;

  (void) state;
  peer_sends(f, &bad, 1);
  expect_lost(f, AIOBLE_EPROTO);
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
  record_sink_reset(&f->sink);
  assert_int_equal(record_sink_open(&f->sink, f->t), 0);
  peer_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets);
  finish(f);
}

static void an_open_transport_is_not_opened_twice(void **state) {
  fixture *f = start(SOCK_STREAM);

  (void) state;
  assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_EALREADY);
  finish(f);
}

static void no_such_descriptor_is_told_by_open(void **state) {
  fixture *f = calloc(1, sizeof *f);

  (void) state;
  set_up(f, SOCK_STREAM);
  assert_int_equal(name_fd(f, 999), 0);
  assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_ENODEV);
  assert_non_null(strstr(f->sink.why, "fd:999"));
  f->t->ops->destroy(f->t);
  f->t = NULL;
  finish(f);
}

static void a_file_is_told_by_open(void **state) {
  fixture *f = calloc(1, sizeof *f);
  FILE *file = tmpfile();

  (void) state;
  set_up(f, SOCK_STREAM);
  assert_int_equal(name_fd(f, fileno(file)), 0);
  assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_EPERM);
  assert_non_null(strstr(f->sink.why, "cannot be waited for"));
  f->t->ops->destroy(f->t);
  f->t = NULL;
  finish(f);
  fclose(file);
}

static void out_of_memory_leaves_nothing_behind(void **state) {
  (void) state;
  for (unsigned n = 1; n <= 3; n++) {
    fixture *f = calloc(1, sizeof *f);

    set_up(f, SOCK_STREAM);
    f->fail_at = n;
    if (n < 3) {
      assert_int_equal(name_fd(f, f->ours), AIOBLE_ENOMEM);
      assert_null(f->t);
    } else {
      assert_int_equal(name_fd(f, f->ours), 0);
      assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_ENOMEM);
      f->t->ops->destroy(f->t);
      f->t = NULL;
    }
    assert_int_equal(f->sink.why[0] != 0, true);
    finish(f);
  }
}

static void a_given_descriptor_is_closed_with_the_transport(void **state) {
  fixture *f = calloc(1, sizeof *f);
  ab_transport_options options = {.uv = &f->uv};
  ab_tport *t;

  (void) state;
  set_up(f, SOCK_STREAM);
  assert_int_equal(ab_tport_new_given(f->ours, &options, AB_H4_FROM_HOST, &t, NULL, 0), 0);
  f->t = &t->base;
  assert_int_equal(record_sink_open(&f->sink, f->t), 0);
  peer_sends(f, command, sizeof command);
  RUN_UNTIL(&f->uv, f->sink.packets);
  record_sink_close(&f->sink);
  f->ours = -1;
  assert_int_equal(recv(f->peer, f->sink.bytes, 1, 0), 0);
  RUN_UNTIL(&f->uv, f->sink.closes);
  record_sink_reset(&f->sink);
  assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_ENODEV);
  f->t->ops->destroy(f->t);
  assert_int_equal(ab_tport_new_given(dup(f->peer), &options, AB_H4_FROM_HOST, &t, NULL, 0), 0);
  t->base.ops->destroy(&t->base); /* never opened */
  f->t = NULL;
  finish(f);
}

/* libuv keeps some descriptors of its own once it was used */
static int warm_up(void **state) {
  uv_loop_t uv;

  (void) state;
  uv_loop_init(&uv);
  return uv_loop_close(&uv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_of_one_read_are_one_batch),
      cmocka_unit_test(a_packet_that_comes_in_octets_is_given_once_whole),
      cmocka_unit_test(a_long_stream_arrives_whole_and_in_bounded_pieces),
      cmocka_unit_test(a_packet_socket_has_one_packet_in_each),
      cmocka_unit_test(one_event_reads_at_most_a_bufferful_of_packets),
      cmocka_unit_test(an_empty_datagram_is_nothing),
      cmocka_unit_test(the_end_of_a_stream_is_told_after_what_came_before),
      cmocka_unit_test(the_end_of_a_packet_socket_is_told_after_what_came_before),
      cmocka_unit_test(a_write_that_fails_is_told_from_the_loop_after_what_came_before),
      cmocka_unit_test(a_reset_by_the_peer_is_the_end),
      cmocka_unit_test(what_is_not_h4_ends_a_stream),
      cmocka_unit_test(a_packet_too_long_to_be_one_ends_a_packet_socket),
      cmocka_unit_test(what_is_sent_in_a_turn_goes_out_together),
      cmocka_unit_test(a_packet_socket_keeps_packets_apart),
      cmocka_unit_test(a_stuck_stream_refuses_at_a_limit_and_goes_on),
      cmocka_unit_test(a_stuck_packet_socket_refuses_at_a_limit_and_goes_on),
      cmocka_unit_test(a_packet_longer_than_all_room_is_refused),
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

  return cmocka_run_group_tests(tests, warm_up, NULL);
}
