/* SPDX-License-Identifier: MIT */
#include "stack_world.h"

#include <stdlib.h>
#include <string.h>

/* A close ends within this time whatever the controller does (aioble_close()). */
enum { CLOSE_US = 2000000, READ_US = 200000, TURNS_MAX = 100000 };

enum {
  STEP_OURS = 0x00,   /* + action, then its argument */
  STEP_THEIRS = 0x28, /* the same there */
  STEP_RUN = 0x50,    /* + log2 of the turns */
  STEP_WAIT = 0x58,   /* + how long, below */
  STEP_RULE = 0x60,   /* + rule, then what it needs */
  STEP_LASTING = 0x68 /* … for all packets from now on */
};

static const unsigned wait_ms[] = {0, 1, 10, 100, 1000, 5000, 31000, 41000};

void world_run(world *w, unsigned turns) {
  while (turns-- && aioble_virtual_run_once(w->radio))
    continue;
}

/* ---- steps ---- */

static void set_rule(world *w, uint8_t what, ab_rd *input) {
  w->tap.rule = what % 8 % TAP_RULES;
  w->tap.lasting = what >= STEP_LASTING;
  if (w->tap.rule == TAP_CUT || w->tap.rule == TAP_CHANGE)
    w->tap.value = ab_rd_u8(input);
  if (w->tap.rule == TAP_CHANGE)
    w->tap.at = ab_rd_u8(input);
}

bool world_step(world *w, uint8_t what, ab_rd *input) {
  if (what < STEP_THEIRS)
    app_act(&w->ours, what - STEP_OURS, ab_rd_u8(input));
  else if (what < STEP_RUN)
    app_act(&w->theirs, what - STEP_THEIRS, ab_rd_u8(input));
  else if (what < STEP_WAIT)
    world_run(w, 1u << (what - STEP_RUN));
  else if (what < STEP_RULE)
    aioble_virtual_run_until(w->radio,
                             aioble_virtual_now_us(w->radio) + wait_ms[what - STEP_WAIT] * 1000u);
  else if (what < STEP_RULE + 16)
    set_rule(w, what, input);
  else
    return false;
  return true;
}

/* ---- beginning ---- */

static void make(world *w, app *a, unsigned i, const aioble_options_t *options) {
  aioble_transport_t *controller = aioble_virtual_controller_new(
      w->radio, &(aioble_virtual_controller_options_t){
                    .public_addr = {0x02, 0xa1, 0x0b, 0x1e, 0, (uint8_t) (i + 1)}});

  app_check(controller != NULL);
  w->controllers[i] = controller;
  if (i == 0) {
    tap_init(&w->tap, controller);
    controller = &w->tap.base;
  }
  a->random = i;
  app_init(a, aioble_virtual_loop(w->radio), controller, options);
}

static const aioble_addr_t addr_of[] = {{AIOBLE_ADDR_PUBLIC, {0x02, 0xa1, 0x0b, 0x1e, 0, 1}},
                                        {AIOBLE_ADDR_PUBLIC, {0x02, 0xa1, 0x0b, 0x1e, 0, 2}},
                                        {AIOBLE_ADDR_PUBLIC, {0x02, 0xa1, 0x0b, 0x1e, 0, 3}}};

world *world_new(const aioble_options_t *ours, const aioble_options_t *theirs, bool bystander) {
  world *w = calloc(1, sizeof *w);

  app_check(w != NULL);
  w->radio = aioble_virtual_radio_new(NULL);
  app_check(w->radio != NULL);
  make(w, &w->ours, 0, ours);
  make(w, &w->theirs, 1, theirs);
  w->ours.other = &w->theirs;
  w->theirs.other = &w->ours;
  w->ours.peer_addr = addr_of[1];
  w->theirs.peer_addr = addr_of[0];
  w->ours.bystander = w->theirs.bystander = addr_of[2];
  if (bystander) {
    make(w, &w->bystander, 2, &(aioble_options_t){.eatt = 0});
    w->bystander.other = &w->ours;
    w->bystander.peer_addr = addr_of[0];
  }
  return w;
}

static void run_until_settled(world *w, const app *a) {
  for (unsigned i = 0; i < TURNS_MAX && !app_settled(a); i++)
    if (!aioble_virtual_run_once(w->radio))
      break;
  app_check(app_settled(a));
}

static void meet(world *w, app *central, app *peripheral) {
  app_act(peripheral, ACT_ADVERTISE, 1);
  app_act(central, ACT_CONNECT, 0);
  run_until_settled(w, central);
  run_until_settled(w, peripheral);
}

void world_meet(world *w, bool ours_is_central) {
  if (w->bystander.ble) {
    meet(w, &w->bystander, &w->ours);
    app_act(&w->bystander, ACT_FIND, 0);
    run_until_settled(w, &w->bystander);
    w->watched = w->bystander.conn != NULL;
  }
  meet(w, ours_is_central ? &w->ours : &w->theirs, ours_is_central ? &w->theirs : &w->ours);
  app_check(w->ours.conn && w->theirs.conn);
}

/* ---- end ---- */

static void expect_known(aioble_op_t *op, int status, void *user) {
  (void) status;
  (void) user;
  app_check(aioble_op_value(op).len == 5 && memcmp(aioble_op_value(op).data, "known", 5) == 0);
}

static void ask_bystander(world *w) {
  aioble_client_char_t *known = NULL;
  uint64_t began = aioble_virtual_now_us(w->radio);
  const app_op *reading;

  for (unsigned i = 0; i < APP_KEPT && !known; i++)
    known = w->bystander.found[i];
  app_check(known != NULL);
  w->bystander.room = APP_OPS;
  reading = app_ask(&w->bystander, aioble_client_char_read(known), expect_known);
  run_until_settled(w, &w->bystander);
  app_check(reading->status == 0);
  app_check(aioble_virtual_now_us(w->radio) - began <= READ_US);
}

static void close_stack(world *w, app *a) {
  uint64_t began = aioble_virtual_now_us(w->radio);
  const app_op *closing;

  if (!a->ble)
    return;
  a->room = APP_OPS;
  a->fail_in = 0;
  a->hook = 0; /* nothing anew from here on: it would open the adapter again */
  closing = app_ask(a, aioble_close(a->ble), NULL);
  run_until_settled(w, a);
  app_check(closing->status == 0);
  app_check(aioble_virtual_now_us(w->radio) - began <= CLOSE_US);
}

static void on_freed(void *ctx) {
  *(bool *) ctx = true;
}

void world_end(world *w) {
  app *all[] = {&w->ours, &w->theirs, &w->bystander};
  bool freed = false;

  w->ours.fail_in = 0;
  if (w->watched && aioble_is_open(w->ours.ble) && !w->ours.failed && !w->ours.went)
    ask_bystander(w);
  for (unsigned i = 0; i < 3; i++)
    close_stack(w, all[i]);
  for (unsigned i = 0; i < 3; i++)
    if (all[i]->ble)
      app_end(all[i]);
  aioble_virtual_radio_free(w->radio, on_freed, &freed);
  app_check(freed);
  for (unsigned i = 0; i < 3; i++)
    app_check(all[i]->live == 0 && all[i]->bytes == 0);
  free(w);
}
