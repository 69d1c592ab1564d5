/* SPDX-License-Identifier: MIT */
/* What goes wrong on purpose: one thing at a time, somewhere, and in the end its repair. */
#include "world.h"

typedef void trouble_fn(w_side *side);

/* whatever the host says is lost, too, and nobody is told */
static void silence(w_side *side) {
  aioble_virtual_controller_set_silent(side->controller, world_roll(side->w, 2));
}

static void unplug(w_side *side) {
  aioble_virtual_controller_unplug(side->controller);
}

static void error(w_side *side) {
  aioble_virtual_controller_hardware_error(side->controller, 1);
}

static void reset(w_side *side) {
  aioble_virtual_controller_reset(side->controller);
}

static void loss(w_side *side) {
  (void) aioble_virtual_link_loss(side->controller, (uint16_t) world_roll(side->w, 6));
}

static void range(w_side *side) {
  aioble_transport_t *other = side->w->sides[world_roll(side->w, W_STACKS)].controller;

  (void) aioble_virtual_set_in_range(side->controller, other, world_roll(side->w, 2));
}

static void hold(w_side *side) {
  aioble_virtual_controller_hold(side->controller, world_roll(side->w, 2));
}

static void credits(w_side *side) {
  aioble_virtual_controller_lose_credits(side->controller, world_roll(side->w, 2));
}

/* one allocation, or all for a while */
static void no_memory(w_side *side) {
  world *w = side->w;
  size_t from = w->s.allocations + 1 + world_roll(w, 10);

  if (world_roll(w, 4)) {
    w->s.fail_at = from;
    return;
  }
  w->s.fail_from = from;
  w->famine = 1 + world_roll(w, 8);
}

/* stuck, until its watchdog has it start again, and say so */
static void stuck(w_side *side) {
  side->silent = !side->silent;
  aioble_virtual_controller_set_silent(side->controller, side->silent);
  if (!side->silent) {
    aioble_virtual_controller_reset(side->controller);
    aioble_virtual_controller_hardware_error(side->controller, 2);
  }
}

/* in the order of the bits W_SILENCE … */
static const struct {
  const char *name;
  trouble_fn *fn;
} troubles[] = {{"silences", silence},
                {"unpluggings", unplug},
                {"hardware errors", error},
                {"resets", reset},
                {"links cut", loss},
                {"walks", range},
                {"slow hosts", hold},
                {"losses of credits", credits},
                {"failed allocations", no_memory},
                {"stuck controllers", stuck}};
enum { TROUBLES = sizeof troubles / sizeof *troubles };

const char *world_trouble_name(unsigned no) {
  return no < TROUBLES ? troubles[no].name : NULL;
}

void world_trouble(world *w) {
  unsigned no = world_roll(w, TROUBLES);

  while (!(w->kind->troubles >> no & 1))
    no = (no + 1) % TROUBLES;
  world_trace(w, "trouble", (long) no, 0, 0);
  w->options->figures->troubles[no]++;
  troubles[no].fn(world_side(w));
}

void world_trouble_goes_on(world *w) {
  if (w->famine && --w->famine == 0)
    w->s.fail_from = 0;
}

void world_trouble_over(world *w) {
  w->s.fail_at = w->s.fail_from = 0;
  w->famine = 0;
  aioble_virtual_set_faults(w->s.radio, NULL);
  for (unsigned i = 0; i < W_STACKS; i++) {
    w_side *side = &w->sides[i];

    if (side->silent)
      stuck(side);
    aioble_virtual_controller_set_silent(side->controller, false);
    aioble_virtual_controller_hold(side->controller, false);
    aioble_virtual_controller_lose_credits(side->controller, false);
    for (unsigned j = 0; j < i; j++)
      (void) aioble_virtual_set_in_range(side->controller, w->sides[j].controller, true);
  }
}
