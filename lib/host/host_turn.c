/* SPDX-License-Identifier: MIT */
/*
 * One turn: take all there is (input, or timers that are due), deliver all continuations, write
 * all. A turn is started by the transport's first packet of a batch, or by the loop when it was
 * asked for one or a timer is due.
 */
#include "host/host.h"

static void on_turn(void *ctx);

void ab_host_use_loop(aioble_t *ble, aioble_loop_t *loop) {
  ble->loop = loop;
  if (loop) {
    loop->on_turn = on_turn;
    loop->ctx = ble;
  }
}

static bool have_loop(aioble_t *ble) {
  if (!ble->loop)
    ab_host_use_loop(ble, aioble_loop_uv(ble->uv, &ble->env.mem));
  return ble->loop != NULL;
}

bool ab_host_touch(aioble_t *ble) {
  if (ble->in_turn)
    return true;
  if (!have_loop(ble))
    return false;
  ble->env.now_us = ble->loop->ops->now_us(ble->loop);
  if (!ble->turn_wanted) {
    ble->turn_wanted = true;
    ble->loop->ops->want_turn(ble->loop);
  }
  return true;
}

void ab_host_turn_begin(aioble_t *ble) {
  ble->in_turn = true;
  ble->env.now_us = ble->loop->ops->now_us(ble->loop);
}

static bool something_left(const aioble_t *ble) {
  return ble->lost || ble->save_due || ble->tell_store || !ab_list_empty(&ble->ops.ready) ||
         !ab_list_empty(&ble->hooks_due);
}

/* before the continuations of what it has ended, one of which may close the stack */
static void tell_lost(aioble_t *ble) {
  ble->tell_lost = false;
  if (ble->options.on_lost)
    ble->options.on_lost(ble, ble->why_status, ble->why, ble->options.user);
}

void ab_host_turn_end(aioble_t *ble) {
  aioble_ref(ble); /* a continuation may let go of the stack */
  if (ble->lost)
    ab_host_tear_down(ble, ble->lost);
  if (ble->save_due)
    ab_host_save(ble);
  if (ble->tell_lost)
    tell_lost(ble);
  if (ble->tell_store)
    ab_host_tell_store(ble);
  if (!ab_list_empty(&ble->hooks_due))
    ab_host_call_hooks(ble);
  if (!ab_list_empty(&ble->ops.ready))
    ab_ops_deliver(ble);
  if (ble->transport)
    ble->transport->ops->flush(ble->transport);
  ab_snoop_flush(ble->snoop);
  if (ble->state == AB_HOST_CLOSED && !something_left(ble))
    ab_host_after_close(ble);
  ble->in_turn = false;
  if (something_left(ble))
    ab_host_touch(ble);
  if (ble->loop)
    ble->loop->ops->wake_at(ble->loop, ab_timers_next(&ble->env.timers));
  aioble_unref(ble);
}

static void on_turn(void *ctx) {
  aioble_t *ble = ctx;

  ble->turn_wanted = false;
  ab_host_turn_begin(ble);
  ab_timers_run(&ble->env.timers, ble->env.now_us);
  ab_host_turn_end(ble);
}
