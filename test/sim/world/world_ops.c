/* SPDX-License-Identifier: MIT */
/*
 * Ops of a world. Each is delivered once, not from inside any call, not by a stack that is closed;
 * what came of it is the model's.
 */
#include "helpers/seeded.h"
#include "host/host.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- chance ---- */

unsigned world_roll(world *w, unsigned sides) {
  return (unsigned) (seeded_next(&w->random) >> 33) % sides;
}

w_side *world_side(world *w) {
  return &w->sides[world_roll(w, W_STACKS)];
}

/* ---- the trace ---- */

/* FNV-1a */
static void hash_octet(world *w, uint8_t octet) {
  w->hash = (w->hash ^ octet) * 0x100000001b3u;
}

static void hash_number(world *w, uint64_t n) {
  for (int i = 0; i < 8; i++)
    hash_octet(w, (uint8_t) (n >> 8 * i));
}

void world_trace(world *w, const char *what, long a, long b, long c) {
  for (const char *p = what; *p; p++)
    hash_octet(w, (uint8_t) *p);
  hash_number(w, (uint64_t) a);
  hash_number(w, (uint64_t) b);
  hash_number(w, (uint64_t) c);
  if (w->options->trace)
    printf("%6u %12.6f  %*s%s %ld %ld %ld\n", w->step,
           (double) aioble_virtual_now_us(w->s.radio) / 1e6, (int) w->depth * 2, "", what, a, b, c);
}

void world_fail(world *w, const char *fmt, ...) {
  va_list args;

  va_start(args, fmt);
  fprintf(stderr, "seed %llu, %s, action %u, %.6f s: ", (unsigned long long) w->options->seed,
          w->kind->name, w->step, (double) aioble_virtual_now_us(w->s.radio) / 1e6);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  va_end(args);
  fflush(stdout);
  abort();
}

/* ---- calls and callbacks ---- */

void world_calls(w_side *side) {
  side->calls++;
  side->w->calling++;
}

void world_called(w_side *side) {
  side->w->calling--;
}

void world_called_back(w_side *side, const char *what) {
  W_CHECK(side->w, !side->w->calling, "%s called back from inside a call", what);
  W_CHECK(side->w, side->calls != side->closed_at, "%s after the stack was closed", what);
}

void world_act_inside(world *w) {
  if (w->depth || w->ending || world_roll(w, 4))
    return;
  w->depth++;
  world_act(w);
  w->depth--;
}

/* ---- ops ---- */

enum { GRACE_US = 25000000 }; /* to wait for a pairing, and for a controller to end it */

/* An op ends at its limit, or soon after. (Values and discoveries have one for each request.) */
static void in_time(const w_op *o) {
  world *w = o->w;
  uint64_t us = aioble_virtual_now_us(w->s.radio) - o->since_us;

  if (o->limit_ms != AIOBLE_FOREVER && !o->each)
    W_CHECK(w, us <= o->limit_ms * 1000 + GRACE_US, "%s took %.3f s", o->name, (double) us / 1e6);
}

static void on_done(aioble_op_t *op, int status, void *user) {
  w_op *o = user;
  world *w = o->w;

  W_CHECK(w, op == o->op, "%s: another op was delivered", o->name);
  if (op->ble)
    world_called_back(&w->sides[o->at], o->name);
  W_CHECK(w, o->calls++ == 0, "%s was delivered twice", o->name);
  W_CHECK(w, aioble_op_done(op) && aioble_op_status(op) == status, "%s: two outcomes", o->name);
  W_CHECK(w, status <= 0 && status != AIOBLE_EAGAIN, "%s: what is %d?", o->name, status);
  world_trace(w, o->name, (long) o->at, (long) (o - w->ops), status);
  in_time(o);
  if (o->then)
    o->then(o, status);
  if (op->ble) {
    W_CHECK(w, aioble_op_await(op) == status, "%s: await says something else", o->name);
    world_act_inside(w);
  }
}

w_op *world_play(w_side *side, const char *name, aioble_op_t *op, w_then *then) {
  world *w = side->w;
  w_op *o = &w->ops[w->n_ops];

  W_CHECK(w, op, "%s gave no op", name);
  w->options->figures->ops++;
  if (w->n_ops == W_OPS) {
    aioble_op_unref(op);
    world_called(side);
    return NULL;
  }
  *o = (w_op){
      .w = w, .op = aioble_op_ref(op), .name = name, .then = op->ble ? then : NULL, .at = side->no};
  o->since_us = aioble_virtual_now_us(w->s.radio);
  o->limit_ms = op->ble ? op->kind->timeout_ms : 0;
  world_trace(w, name, (long) side->no, (long) w->n_ops, AIOBLE_EAGAIN);
  w->n_ops++;
  aioble_op_then(op, on_done, o);
  world_called(side);
  return o;
}

void world_disturb_an_op(world *w) {
  w_op *o = w->n_ops ? &w->ops[world_roll(w, w->n_ops)] : NULL;

  for (int i = 0; o && o->calls && i < 8; i++) /* rather one that is pending */
    o = &w->ops[world_roll(w, w->n_ops)];
  if (!o || !o->op->ble)
    return;
  if (world_roll(w, 2))
    W_CALL(&w->sides[o->at], aioble_op_cancel(o->op));
  else
    world_limit(o, world_roll(w, 500));
}

void world_limit(w_op *o, unsigned ms) {
  o->since_us = aioble_virtual_now_us(o->w->s.radio);
  o->limit_ms = ms;
  o->each = false;
  W_CALL(&o->w->sides[o->at], aioble_op_set_timeout(o->op, ms));
}

void world_ops_end(world *w) {
  for (unsigned i = 0; i < w->n_ops; i++) {
    w_op *o = &w->ops[i];

    W_CHECK(w, o->calls == 1, "op %u, %s, was delivered %u times", i, o->name, o->calls);
    o->op = aioble_op_unref(o->op);
  }
}

/* ---- patterns ---- */

enum { SEQ_OCTETS = 2 };

static uint8_t octet_of(unsigned who, unsigned seq, size_t i) {
  if (i < SEQ_OCTETS)
    return (uint8_t) (seq >> 8 * i);
  return (uint8_t) ((who * 31 + seq * 7 + i) * 2654435761u >> 24);
}

void world_pattern(uint8_t *data, size_t len, unsigned who, unsigned seq) {
  for (size_t i = 0; i < len; i++)
    data[i] = octet_of(who, seq, i);
}

bool world_pattern_is(const uint8_t *data, size_t len, unsigned who, unsigned seq) {
  for (size_t i = 0; i < len; i++)
    if (data[i] != octet_of(who, seq, i))
      return false;
  return true;
}

unsigned world_pattern_seq(const uint8_t *data, size_t len) {
  return len < SEQ_OCTETS ? 0 : data[0] | (unsigned) data[1] << 8;
}
