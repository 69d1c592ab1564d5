/* SPDX-License-Identifier: MIT */
/*
 * A client of a libuv loop (aioble/loop.h), made of two handles:
 *
 *   idle   the one place where on_turn is called; while it is active the loop neither sleeps nor
 *          ends
 *   timer  asks for a turn when a wake-up is due
 *
 * Idle is active only while a turn is wanted, so a client at rest costs nothing. It is stopped
 * before on_turn is called: a turn wanted by on_turn itself starts it again, and libuv runs an idle
 * handle that was started meanwhile in the next iteration, which then comes at once. (A libuv
 * before 1.44.2 would sleep in the very iteration that ran the turn, and uv_run(UV_RUN_ONCE) would
 * come back late: there idle is stopped an iteration later.)
 *
 * Wake-ups are moved far more often than they come (every request has a time limit), so the timer
 * is left alone unless it would come too late: one that comes too early is started again, one that
 * is not wanted at all is left running without a reference, and so does not keep the loop alive.
 */
#include "util/env.h"
#include <aioble/loop.h>

#include <errno.h>
#include <uv.h>

#define SAME(name) _Static_assert((int) AIOBLE_##name == (int) UV_##name, #name " is not libuv's")
SAME(EACCES);
SAME(EAFNOSUPPORT);
SAME(EAGAIN);
SAME(EALREADY);
SAME(EBUSY);
SAME(ECANCELED);
SAME(ECONNREFUSED);
SAME(EEXIST);
SAME(EINVAL);
SAME(EIO);
SAME(EMSGSIZE);
SAME(ENOBUFS);
SAME(ENODEV);
SAME(ENOENT);
SAME(ENOMEM);
SAME(ENOTCONN);
SAME(ENOTSUP);
SAME(EOF);
SAME(EPERM);
SAME(EPROTO);
SAME(ETIMEDOUT);
_Static_assert((int) AIOBLE_ERFKILL == -ERFKILL, "libuv has no name for ERFKILL");

typedef struct client {
  aioble_loop_t base; /* first */
  aioble_allocator_t mem;
  uv_idle_t idle;
  uv_timer_t timer;
  uint64_t wake_us;  /* when the client wants to be woken, or AIOBLE_NEVER */
  uint64_t timer_us; /* when the timer comes, wanted or not; AIOBLE_NEVER: not running */
  void (*closed)(void *ctx);
  void *closed_ctx;
  unsigned handles; /* not closed yet */
  bool wanted;      /* a turn is */
  bool lingers;     /* idle stays for another iteration */
} client;

enum { DECIDES_BEFORE_IDLE = 1 << 16 | 44 << 8 | 2 }; /* libuv, whether it will sleep */

static uint64_t now_us(aioble_loop_t *loop) {
  (void) loop;
  return uv_hrtime() / 1000;
}

static void on_idle(uv_idle_t *idle) {
  client *c = idle->data;

  if (!c->wanted || !c->lingers)
    (void) uv_idle_stop(&c->idle);
  if (!c->wanted)
    return;
  c->wanted = false;
  c->base.on_turn(c->base.ctx);
}

static void want_turn(aioble_loop_t *loop) {
  client *c = (client *) loop;

  c->wanted = true;
  (void) uv_idle_start(&c->idle, on_idle);
}

static void on_timer(uv_timer_t *timer);

/* libuv counts milliseconds of the same clock, cut off: rounded up, the timer is never early */
static void start_timer(client *c) {
  uint64_t due_ms = c->wake_us / 1000 + (c->wake_us % 1000 != 0);
  uint64_t loop_ms = uv_now(c->timer.loop);

  c->timer_us = c->wake_us;
  (void) uv_timer_start(&c->timer, on_timer, due_ms > loop_ms ? due_ms - loop_ms : 0, 0);
}

static void on_timer(uv_timer_t *timer) {
  client *c = timer->data;

  c->timer_us = AIOBLE_NEVER;
  if (c->wake_us == AIOBLE_NEVER)
    return;
  if (c->wake_us > now_us(&c->base)) {
    start_timer(c);
    return;
  }
  c->wake_us = AIOBLE_NEVER;
  want_turn(&c->base);
}

static void wake_at(aioble_loop_t *loop, uint64_t at_us) {
  client *c = (client *) loop;

  c->wake_us = at_us;
  if (at_us == AIOBLE_NEVER) {
    uv_unref((uv_handle_t *) &c->timer);
    return;
  }
  uv_ref((uv_handle_t *) &c->timer);
  if (at_us < c->timer_us)
    start_timer(c);
}

static bool run_once(aioble_loop_t *loop) {
  client *c = (client *) loop;

  return uv_run(c->timer.loop, UV_RUN_ONCE) != 0;
}

static void on_closed(uv_handle_t *handle) {
  client *c = handle->data;
  aioble_allocator_t mem = c->mem;
  void (*closed)(void *ctx) = c->closed;
  void *ctx = c->closed_ctx;

  if (--c->handles)
    return;
  mem.free(mem.ctx, c);
  if (closed)
    closed(ctx);
}

static void close_client(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx) {
  client *c = (client *) loop;

  c->closed = closed;
  c->closed_ctx = ctx;
  c->handles = 2;
  uv_close((uv_handle_t *) &c->idle, on_closed);
  uv_close((uv_handle_t *) &c->timer, on_closed);
}

aioble_loop_t *aioble_loop_uv(uv_loop_t *uv, const aioble_allocator_t *allocator) {
  static const aioble_loop_ops_t ops = {
      .now_us = now_us,
      .wake_at = wake_at,
      .want_turn = want_turn,
      .run_once = run_once,
      .close = close_client,
  };
  aioble_allocator_t mem = allocator ? *allocator : ab_libc_allocator;
  client *c = mem.alloc(mem.ctx, sizeof *c);

  if (!c)
    return NULL;
  *c = (client){.base = {.ops = &ops},
                .mem = mem,
                .wake_us = AIOBLE_NEVER,
                .timer_us = AIOBLE_NEVER,
                .lingers = uv_version() < DECIDES_BEFORE_IDLE};
  (void) uv_idle_init(uv, &c->idle); /* neither of the two can fail */
  (void) uv_timer_init(uv, &c->timer);
  c->idle.data = c->timer.data = c;
  return &c->base;
}
