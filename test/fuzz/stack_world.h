/* SPDX-License-Identifier: MIT */
/*
 * Whole stacks on the virtual radio against what a fuzzer's input says. "Ours" is the one under
 * attack; "theirs" is a genuine stack at the other end, so that attacks reach deep states; a tap
 * between ours and its controller is where the attacker sits. A third one, a bystander, must not
 * notice: its link works in the end.
 */
#ifndef FUZZ_STACK_WORLD_H
#define FUZZ_STACK_WORLD_H

#include "stack_app.h"
#include "stack_tap.h"
#include "util/wire.h"
#include <aioble/virtual.h>

typedef struct world {
  aioble_virtual_radio_t *radio;
  tap tap;
  aioble_transport_t *controllers[3];
  app ours, theirs, bystander;
  bool watched; /* there is a bystander, and its link is up */
} world;

/* stacks that are closed; a bystander only if asked for */
world *world_new(const aioble_options_t *ours, const aioble_options_t *theirs, bool bystander);
/* they are open and connected; the bystander, too */
void world_meet(world *w, bool ours_is_central);
/* one step that every attacker can take; true: `what` was one */
bool world_step(world *w, uint8_t what, ab_rd *input);
/* the bystander's link works (where ours was not closed); all close in time; nothing is left */
void world_end(world *w);

/* as many turns, as far as there is something to do */
void world_run(world *w, unsigned turns);

#endif
