/* SPDX-License-Identifier: MIT */
#include "helpers/tport_pair.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

const uint8_t sample_event[7] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
const uint8_t sample_acl[8] = {2, 0x40, 0x20, 3, 0, 'a', 'b', 'c'};
const uint8_t sample_command[4] = {1, 0x03, 0x0c, 0};

static unsigned count_fds(void) {
  DIR *dir = opendir("/proc/self/fd");
  unsigned n = 0;

  while (readdir(dir))
    n++;
  closedir(dir);
  return n;
}

static void *count_alloc(void *ctx, size_t size) {
  tport_pair *p = ctx;

  if (p->fail_at && !--p->fail_at)
    return NULL;
  p->live++;
  return malloc(size);
}

/* keys have gone through its buffers: nothing of what did is left in them */
static void expect_wiped(void *ptr) {
  const uint8_t *octets = ptr;

  if (malloc_usable_size(ptr) >= sizeof(ab_tport_buffers))
    for (size_t i = 0; i < sizeof(ab_tport_buffers); i++)
      assert_int_equal(octets[i], 0);
}

static void count_free(void *ctx, void *ptr) {
  tport_pair *p = ctx;

  p->live -= ptr != NULL;
  expect_wiped(ptr);
  free(ptr);
}

int tport_pair_name(tport_pair *p, int fd) {
  const aioble_allocator_t mem = {.alloc = count_alloc, .free = count_free, .ctx = p};
  const ab_transport_options options = {.uv = &p->uv, .allocator = &mem};
  char name[16];

  (void) snprintf(name, sizeof name, "fd:%d", fd);
  return ab_transport_named(name, &options, &p->t, p->sink.why, sizeof p->sink.why);
}

int tport_pair_warm_up(void **state) {
  uv_loop_t uv;

  (void) state;
  uv_loop_init(&uv);
  return uv_loop_close(&uv);
}

tport_pair *tport_pair_new(int type) {
  tport_pair *p = calloc(1, sizeof *p);
  int fds[2];

  p->open_fds = count_fds();
  assert_int_equal(uv_loop_init(&p->uv), 0);
  assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds), 0);
  p->ours = fds[0];
  p->peer = fds[1];
  return p;
}

tport_pair *tport_pair_open(int type) {
  tport_pair *p = tport_pair_new(type);

  assert_int_equal(tport_pair_name(p, p->ours), 0);
  assert_int_equal(record_sink_open(&p->sink, p->t), 0);
  return p;
}

void end_peer(tport_pair *p) {
  close(p->peer);
  p->peer = -1;
  close(p->ours); /* a stream only ends with the last copy of its other end */
  p->ours = -1;
}

void tport_pair_free(tport_pair *p) {
  if (p->t) {
    if (!p->sink.closes)
      record_sink_close(&p->sink);
    RUN_UNTIL(&p->uv, p->sink.closes);
    p->t->ops->destroy(p->t);
  }
  record_sink_reset(&p->sink);
  if (p->ours >= 0)
    close(p->ours);
  if (p->peer >= 0)
    close(p->peer);
  assert_false(uv_run(&p->uv, UV_RUN_NOWAIT));
  assert_int_equal(uv_loop_close(&p->uv), 0);
  assert_int_equal(p->live, 0);
  assert_int_equal(count_fds(), p->open_fds);
  free(p);
}

void peer_sends(tport_pair *p, const void *bytes, size_t len) {
  assert_int_equal(send(p->peer, bytes, len, 0), len);
}

void expect_from_peer(tport_pair *p, const void *bytes, size_t len) {
  uint8_t got[256];

  assert_int_equal(recv(p->peer, got, sizeof got, 0), len);
  assert_memory_equal(got, bytes, len);
}

void expect_nothing_from_peer(tport_pair *p) {
  uint8_t got[1];

  assert_int_equal(recv(p->peer, got, sizeof got, 0), -1);
  assert_int_equal(errno, EAGAIN);
}

void expect_lost(tport_pair *p, int status) {
  RUN_UNTIL(&p->uv, p->sink.losts);
  assert_int_equal(p->sink.losts, 1);
  assert_int_equal(p->sink.lost_status, status);
  assert_non_null(strstr(p->sink.why, "fd:"));
  assert_int_equal(record_sink_send(&p->sink, sample_command, sizeof sample_command),
                   AIOBLE_ENODEV);
  record_sink_flush(&p->sink);
  assert_false(uv_run(&p->uv, UV_RUN_NOWAIT));
  assert_int_equal(p->sink.closes, 0);
}
