/* SPDX-License-Identifier: MIT */
/*
 * A transport between a stack and its controller: every packet goes into the hash of the trace, and
 * into a capture, one for each stack and the whole of its life, if one is asked for.
 */
#include "transport/snoop.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

struct w_tap {
  aioble_transport_t base;
  aioble_transport_t *inner;
  const aioble_transport_sink_t *sink;
  void *ctx;
  world *w;
  unsigned no;
  ab_snoop *snoop;
};

static void see(w_tap *tap, ab_snoop_way way, const uint8_t *packet, size_t len) {
  uint64_t hash = tap->w->hash ^ way;

  for (size_t i = 0; i < len; i++)
    hash = (hash ^ packet[i]) * 0x100000001b3u;
  tap->w->hash = hash;
  tap->w->data += len && packet[0] == AIOBLE_H4_ACL;
  if (!tap->snoop)
    return;
  ab_snoop_record(tap->snoop, way, packet, len, (int64_t) aioble_virtual_now_us(tap->w->s.radio));
  ab_snoop_flush(tap->snoop); /* the next packet may be the last */
}

/* ---- from the controller ---- */

static void on_opened(void *ctx, int status, const char *why) {
  w_tap *tap = ctx;

  tap->sink->opened(tap->ctx, status, why);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  w_tap *tap = ctx;

  see(tap, AB_SNOOP_RECEIVED, packet, len);
  tap->sink->packet(tap->ctx, packet, len);
}

static void on_batch_end(void *ctx) {
  w_tap *tap = ctx;

  tap->sink->batch_end(tap->ctx);
}

static void on_writable(void *ctx) {
  w_tap *tap = ctx;

  tap->sink->writable(tap->ctx);
}

static void on_lost(void *ctx, int status, const char *why) {
  w_tap *tap = ctx;

  world_trace(tap->w, "lost", (long) tap->no, status, 0);
  tap->sink->lost(tap->ctx, status, why);
}

static void on_closed(void *ctx) {
  w_tap *tap = ctx;

  tap->sink->closed(tap->ctx);
}

static const aioble_transport_sink_t tap_sink = {on_opened,   on_packet, on_batch_end,
                                                 on_writable, on_lost,   on_closed};

/* ---- from the stack ---- */

static w_tap *tap_of(aioble_transport_t *t) {
  return (w_tap *) t; /* its first member */
}

static int tap_open(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
                    const char **why) {
  w_tap *tap = tap_of(t);

  tap->sink = sink;
  tap->ctx = ctx;
  return tap->inner->ops->open(tap->inner, &tap_sink, tap, why);
}

static int tap_send(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  w_tap *tap = tap_of(t);

  see(tap, AB_SNOOP_SENT, packet, len);
  return tap->inner->ops->send(tap->inner, packet, len);
}

static void tap_flush(aioble_transport_t *t) {
  tap_of(t)->inner->ops->flush(tap_of(t)->inner);
}

static void tap_close(aioble_transport_t *t) {
  tap_of(t)->inner->ops->close(tap_of(t)->inner);
}

static void tap_destroy(aioble_transport_t *t) {
  (void) t; /* the world's */
}

static const aioble_transport_ops_t tap_ops = {tap_open, tap_send, tap_flush, tap_close,
                                               tap_destroy};

/* ---- life ---- */

static void capture(w_tap *tap, const char *folder) {
  char path[512], why[256] = "";

  (void) snprintf(path, sizeof path, "%s/seed-%llu-stack-%u.btsnoop", folder,
                  (unsigned long long) tap->w->options->seed, tap->no);
  W_CHECK(tap->w, ab_snoop_open(path, NULL, &tap->snoop, why, sizeof why) == 0, "%s", why);
}

aioble_transport_t *world_tap(sim *s, aioble_transport_t *controller) {
  world *w = (world *) s;
  w_tap *tap = calloc(1, sizeof *tap);

  W_CHECK(w, tap, "out of memory");
  *tap = (w_tap){.base.ops = &tap_ops, .inner = controller, .w = w, .no = (unsigned) s->n};
  w->sides[s->n].tap = tap;
  if (w->options->snoop)
    capture(tap, w->options->snoop);
  return &tap->base;
}

void world_tap_free(w_tap *tap) {
  (void) ab_snoop_close(tap->snoop);
  free(tap);
}
