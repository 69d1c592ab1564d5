/* SPDX-License-Identifier: MIT */
/*
 * Clock, turns and randomness of a virtual radio.
 *
 * Everything happens in a turn: of a controller (packets from and to its host) or of a loop client
 * (a stack in virtual time). Who wants a turn is queued once and served in order; when nobody wants
 * one, virtual time moves to the next timer. With the caller's loop the radio is one client of it,
 * serves its queue in that client's turn and asks to be woken for its next timer.
 */
#include "virtual/vr_priv.h"

#include <string.h>

enum {
  TURNS_AT_ONCE = 256, /* of the caller's loop's time, before others have theirs */
  PACKETS_KEPT = 256,
};

/* ---- randomness: splitmix64, so a seed gives the same run everywhere ---- */

uint64_t vr_random(vr_radio *r) {
  uint64_t z = r->random += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

uint32_t vr_random_below(vr_radio *r, uint32_t limit) {
  return (uint32_t) ((vr_random(r) >> 32) * limit >> 32);
}

bool vr_chance(vr_radio *r, uint32_t ppm) {
  return ppm && vr_random_below(r, 1000000) < ppm;
}

void vr_random_bytes(vr_radio *r, void *buf, size_t len) {
  ab_wr w = ab_wr_of(buf, len);

  while (ab_wr_room(&w))
    ab_wr_u8(&w, (uint8_t) vr_random(r));
}

/* ---- turns and time ---- */

void vr_turn_want(vr_radio *r, vr_turn *turn) {
  if (ab_list_linked(&turn->node))
    return;
  ab_list_push(&r->turns, &turn->node);
  if (r->loop && !r->running)
    r->loop->ops->want_turn(r->loop);
}

static bool run_turn(vr_radio *r) {
  ab_list *n = ab_list_pop(&r->turns);
  vr_turn *turn;

  if (!n)
    return false;
  turn = ab_container_of(n, vr_turn, node);
  turn->run(turn);
  return true;
}

void vr_now(vr_radio *r) {
  if (r->loop && !r->running)
    r->env.now_us = r->loop->ops->now_us(r->loop);
}

void vr_timer_at(vr_radio *r, ab_timer *timer, uint64_t at_us, ab_timer_fn *fn) {
  ab_timers_add(&r->env.timers, timer, at_us, fn);
  if (r->loop && !r->running)
    r->loop->ops->want_turn(r->loop);
}

/* a turn of the caller's loop */
static void on_loop_turn(void *ctx) {
  vr_radio *r = ctx;

  vr_now(r);
  r->running = true;
  ab_timers_run(&r->env.timers, r->env.now_us);
  for (int i = 0; i < TURNS_AT_ONCE && run_turn(r); i++)
    continue;
  r->running = false;
  if (!ab_list_empty(&r->turns))
    r->loop->ops->want_turn(r->loop);
  r->loop->ops->wake_at(r->loop, ab_timers_next(&r->env.timers));
}

uint64_t aioble_virtual_now_us(const aioble_virtual_radio_t *radio) {
  return radio->loop ? radio->loop->ops->now_us(radio->loop) : radio->env.now_us;
}

/* virtual time: the clock jumps to what is due next, but not beyond `until_us` */
static bool jump(vr_radio *r, uint64_t until_us) {
  uint64_t next = ab_timers_next(&r->env.timers);

  if (next == AIOBLE_NEVER || next > until_us)
    return false;
  if (next > r->env.now_us)
    r->env.now_us = next;
  ab_timers_run(&r->env.timers, r->env.now_us);
  return true;
}

bool aioble_virtual_run_once(aioble_virtual_radio_t *radio) {
  return !radio->loop && (run_turn(radio) || jump(radio, AIOBLE_NEVER));
}

void aioble_virtual_run_until(aioble_virtual_radio_t *radio, uint64_t at_us) {
  if (radio->loop)
    return;
  while (run_turn(radio) || jump(radio, at_us))
    continue;
  if (at_us > radio->env.now_us)
    radio->env.now_us = at_us;
}

/* ---- loop clients in virtual time ---- */

typedef struct vr_client {
  aioble_loop_t base;
  ab_list node;
  vr_radio *radio;
  vr_turn turn;
  ab_timer wake;
  void (*closed)(void *ctx); /* set: the next turn is the last */
  void *closed_ctx;
  bool closing;
} vr_client;

static vr_client *client_of(aioble_loop_t *loop) {
  return ab_container_of(loop, vr_client, base);
}

static void client_free(vr_client *client) {
  vr_radio *r = client->radio;

  ab_list_remove(&client->turn.node);
  ab_list_remove(&client->node);
  vr_timer_stop(r, &client->wake);
  ab_free(&r->env, client);
}

static void client_turn(vr_turn *turn) {
  vr_client *client = ab_container_of(turn, vr_client, turn);
  void (*closed)(void *ctx) = client->closed;
  void *ctx = client->closed_ctx;

  if (!client->closing) {
    if (client->base.on_turn)
      client->base.on_turn(client->base.ctx);
    return;
  }
  client_free(client);
  if (closed)
    closed(ctx);
}

static uint64_t client_now_us(aioble_loop_t *loop) {
  return client_of(loop)->radio->env.now_us;
}

static void client_want_turn(aioble_loop_t *loop) {
  vr_client *client = client_of(loop);

  vr_turn_want(client->radio, &client->turn);
}

static void on_wake(ab_timer *timer) {
  vr_client *client = ab_container_of(timer, vr_client, wake);

  vr_turn_want(client->radio, &client->turn);
}

static void client_wake_at(aioble_loop_t *loop, uint64_t at_us) {
  vr_client *client = client_of(loop);

  if (at_us == AIOBLE_NEVER || client->closing)
    vr_timer_stop(client->radio, &client->wake);
  else
    vr_timer_at(client->radio, &client->wake, at_us, on_wake);
}

static bool client_run_once(aioble_loop_t *loop) {
  return aioble_virtual_run_once(client_of(loop)->radio);
}

static void client_close(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx) {
  vr_client *client = client_of(loop);

  client->closing = true;
  client->closed = closed;
  client->closed_ctx = ctx;
  vr_timer_stop(client->radio, &client->wake);
  vr_turn_want(client->radio, &client->turn);
}

static const aioble_loop_ops_t client_ops = {
    client_now_us, client_wake_at, client_want_turn, client_run_once, client_close,
};

aioble_loop_t *aioble_virtual_loop(aioble_virtual_radio_t *radio) {
  vr_client *client = radio->loop ? NULL : ab_zalloc(&radio->env, sizeof *client);

  if (!client)
    return NULL;
  client->base.ops = &client_ops;
  client->radio = radio;
  client->turn.run = client_turn;
  ab_list_push(&radio->clients, &client->node);
  return &client->base;
}

/* ---- the radio ---- */

static void lists_init(vr_radio *r) {
  ab_list_init(&r->turns);
  ab_list_init(&r->clients);
  ab_list_init(&r->controllers);
  ab_list_init(&r->beacons);
  ab_list_init(&r->advertisers);
  ab_list_init(&r->listeners);
  ab_list_init(&r->apart);
}

aioble_virtual_radio_t *aioble_virtual_radio_new(const aioble_virtual_options_t *options) {
  static const aioble_virtual_options_t defaults;
  const aioble_virtual_options_t *o = options ? options : &defaults;
  ab_env env = {.mem = o->allocator ? *o->allocator : ab_libc_allocator};
  vr_radio *r = ab_zalloc(&env, sizeof *r);

  if (!r)
    return NULL;
  r->env = env;
  ab_bufs_init(&r->bufs, &r->env, PACKETS_KEPT);
  lists_init(r);
  r->random = o->seed;
  r->timing = o->timing;
  r->packets_per_event = o->packets_per_event ? o->packets_per_event : 6;
  r->faults = o->faults;
  r->loop = o->loop;
  if (r->loop) {
    r->loop->on_turn = on_loop_turn;
    r->loop->ctx = r;
    vr_now(r);
  }
  return r;
}

void aioble_virtual_set_faults(aioble_virtual_radio_t *radio,
                               const aioble_virtual_faults_t *faults) {
  radio->faults = faults ? *faults : (aioble_virtual_faults_t){0};
}

static void release(void *ctx) {
  vr_radio *r = ctx;
  void (*closed)(void *ctx) = r->closed;
  void *closed_ctx = r->closed_ctx;

  ab_free(&r->env, r);
  if (closed)
    closed(closed_ctx);
}

void aioble_virtual_radio_free(aioble_virtual_radio_t *radio, void (*closed)(void *ctx),
                               void *ctx) {
  ab_list *n;

  while ((n = ab_list_first(&radio->controllers)))
    vr_ctrl_free(ab_container_of(n, vr_ctrl, node));
  vr_beacon_free_all(radio);
  while ((n = ab_list_first(&radio->clients)))
    client_free(ab_container_of(n, vr_client, node));
  ab_bufs_free(&radio->bufs);
  radio->closed = closed;
  radio->closed_ctx = ctx;
  if (radio->loop)
    radio->loop->ops->close(radio->loop, release, radio);
  else
    release(radio);
}
