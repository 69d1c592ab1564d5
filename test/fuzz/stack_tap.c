/* SPDX-License-Identifier: MIT */
#include "stack_tap.h"

#include "util/list.h"
#include "util/wire.h"

#include <stdlib.h>

enum { ACL_HEADERS = 1 + 4 + 4 };

static tap *tap_of(aioble_transport_t *t) {
  return ab_container_of(t, tap, base);
}

/* so that the address sanitizer sees a read beyond its end */
static void give_exactly(tap *t, const uint8_t *packet, size_t len) {
  uint8_t *copy = malloc(len ? len : 1);
  ab_wr w = ab_wr_of(copy, len);

  if (!copy)
    abort();
  ab_wr_bytes(&w, packet, len);
  t->sink->packet(t->sink_ctx, copy, len);
  free(copy);
}

/* ---- what the controller gives ---- */

/* the octets before those that a rule may touch; all, if it may touch none */
static size_t headers(const tap *t, const uint8_t *packet, size_t len) {
  ab_rd r = ab_rd_of(packet, len);
  bool data = ab_rd_u8(&r) == AIOBLE_H4_ACL && (ab_rd_le16(&r) & 0xfff) == t->handle;

  if (!t->data_only)
    return 1;
  return data && len > ACL_HEADERS ? ACL_HEADERS : len;
}

/* with lengths that fit, if it is data */
static void give_cut(tap *t, const uint8_t *packet, size_t len, size_t skip) {
  size_t left = skip + t->value < len ? skip + t->value : len;
  ab_rd r = ab_rd_of(packet, left);
  uint8_t *copy = malloc(left);
  ab_wr w = ab_wr_of(copy, left);

  if (!copy)
    abort();
  if (t->data_only) {
    ab_wr_bytes(&w, ab_rd_take(&r, 3), 3);
    ab_wr_le16(&w, (uint16_t) (left - 5));
    ab_wr_le16(&w, (uint16_t) (left - ACL_HEADERS));
    (void) ab_rd_take(&r, 4);
  }
  ab_wr_bytes(&w, r.p, ab_rd_left(&r));
  t->sink->packet(t->sink_ctx, copy, left);
  free(copy);
}

static void give_changed(tap *t, const uint8_t *packet, size_t len, size_t skip) {
  size_t at = skip + t->at % (len - skip);
  ab_rd r = ab_rd_of(packet, len);
  uint8_t *copy = malloc(len);
  ab_wr w = ab_wr_of(copy, len);

  if (!copy)
    abort();
  ab_wr_bytes(&w, ab_rd_take(&r, at), at);
  ab_wr_u8(&w, ab_rd_u8(&r) ^ t->value);
  ab_wr_bytes(&w, r.p, ab_rd_left(&r));
  t->sink->packet(t->sink_ctx, copy, len);
  free(copy);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  tap *t = ctx;
  size_t skip = headers(t, packet, len);
  tap_rule rule = skip < len ? t->rule : TAP_PASS;

  t->seen++;
  if (rule != TAP_PASS && !t->lasting)
    t->rule = TAP_PASS;
  if (rule == TAP_CUT)
    give_cut(t, packet, len, skip);
  else if (rule == TAP_CHANGE)
    give_changed(t, packet, len, skip);
  else if (rule != TAP_DROP)
    give_exactly(t, packet, len);
  if (rule == TAP_TWICE)
    give_exactly(t, packet, len);
}

static void on_opened(void *ctx, int status, const char *why) {
  tap *t = ctx;

  t->open = status == 0;
  t->sink->opened(t->sink_ctx, status, why);
}

static void on_batch_end(void *ctx) {
  tap *t = ctx;

  t->sink->batch_end(t->sink_ctx);
}

static void on_writable(void *ctx) {
  tap *t = ctx;

  t->sink->writable(t->sink_ctx);
}

static void on_lost(void *ctx, int status, const char *why) {
  tap *t = ctx;

  t->sink->lost(t->sink_ctx, status, why);
}

static void on_closed(void *ctx) {
  tap *t = ctx;

  t->open = false;
  t->sink->closed(t->sink_ctx);
}

static const aioble_transport_sink_t sink = {on_opened,   on_packet, on_batch_end,
                                             on_writable, on_lost,   on_closed};

/* ---- what the host asks for ---- */

static int tap_open(aioble_transport_t *base, const aioble_transport_sink_t *to, void *ctx,
                    const char **why) {
  tap *t = tap_of(base);
  int status;

  t->sink = to;
  t->sink_ctx = ctx;
  t->refused = false;
  status = t->below->ops->open(t->below, &sink, t, why);
  t->open = status == 0;
  return status;
}

static int tap_send(aioble_transport_t *base, const uint8_t *packet, size_t len) {
  tap *t = tap_of(base);

  if (t->mute)
    return 0;
  t->refused |= t->refuse;
  return t->refuse ? AIOBLE_EAGAIN : t->below->ops->send(t->below, packet, len);
}

static void tap_flush(aioble_transport_t *base) {
  tap *t = tap_of(base);

  t->below->ops->flush(t->below);
}

static void tap_close(aioble_transport_t *base) {
  tap *t = tap_of(base);

  t->open = false;
  t->below->ops->close(t->below);
}

static void tap_destroy(aioble_transport_t *base) {
  (void) base;
}

void tap_init(tap *t, aioble_transport_t *below) {
  static const aioble_transport_ops_t ops = {tap_open, tap_send, tap_flush, tap_close, tap_destroy};

  *t = (tap){.base.ops = &ops, .below = below};
}

void tap_give(tap *t, const uint8_t *packet, size_t len) {
  if (!t->open)
    return;
  give_exactly(t, packet, len);
  if (t->open)
    t->sink->batch_end(t->sink_ctx);
}

void tap_refuse(tap *t, bool refuse) {
  t->refuse = refuse;
  if (refuse || !t->refused || !t->open)
    return;
  t->refused = false;
  t->sink->writable(t->sink_ctx);
}
