/* SPDX-License-Identifier: MIT */
#include "helpers/record_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void note(record_sink *s, const char *why) {
  (void) snprintf(s->why, sizeof s->why, "%s", why ? why : "");
}

/* nothing may come after closed, and nothing but closed after lost */
static void check_open(const record_sink *s) {
  assert_int_equal(s->closes, 0);
  assert_int_equal(s->losts, 0);
}

static void on_opened(void *ctx, int status, const char *why) {
  record_sink *s = ctx;

  check_open(s);
  s->opened++;
  s->opened_status = status;
  note(s, why);
  if (s->on_opened)
    s->on_opened(s);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  record_sink *s = ctx;
  uint8_t *bytes = realloc(s->bytes, s->len + len);

  check_open(s);
  assert_true(len > 0 && bytes);
  memcpy(bytes + s->len, packet, len);
  s->bytes = bytes;
  s->len += len;
  s->packets++;
  s->last = (aioble_bytes_t){packet, len};
  if (s->on_packet)
    s->on_packet(s);
}

static void on_batch_end(void *ctx) {
  record_sink *s = ctx;

  check_open(s);
  s->batches++;
}

static void on_writable(void *ctx) {
  record_sink *s = ctx;

  check_open(s);
  s->writables++;
  if (s->on_writable)
    s->on_writable(s);
}

static void on_lost(void *ctx, int status, const char *why) {
  record_sink *s = ctx;

  check_open(s);
  s->losts++;
  s->lost_status = status;
  note(s, why);
  if (s->on_lost)
    s->on_lost(s);
}

static void on_closed(void *ctx) {
  record_sink *s = ctx;

  assert_int_equal(s->closes, 0);
  s->closes++;
}

int record_sink_open(record_sink *s, aioble_transport_t *t) {
  static const aioble_transport_sink_t sink = {
      .opened = on_opened,
      .packet = on_packet,
      .batch_end = on_batch_end,
      .writable = on_writable,
      .lost = on_lost,
      .closed = on_closed,
  };
  const char *why = NULL;
  int err;

  s->t = t;
  err = t->ops->open(t, &sink, s, &why);
  note(s, why);
  return err;
}

void record_sink_reset(record_sink *s) {
  free(s->bytes);
  *s = (record_sink){.t = s->t};
}

int record_sink_send(record_sink *s, const void *packet, size_t len) {
  return s->t->ops->send(s->t, packet, len);
}

void record_sink_flush(record_sink *s) {
  s->t->ops->flush(s->t);
}

void record_sink_close(record_sink *s) {
  s->t->ops->close(s->t);
}
