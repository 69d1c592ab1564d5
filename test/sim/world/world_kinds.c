/* SPDX-License-Identifier: MIT */
/*
 * The kinds of worlds. In all of them: every op settles once and never inline, nothing is called
 * back after a close, all memory comes back, no limit is exceeded, and what is read or received is
 * never something that nobody sent.
 *
 *             goes wrong                                            exact agree tidy
 *   clean     nothing but what applications do                        x     x    x
 *   lossy     links are lost, establish badly, go out of range;       x     x    x
 *             hosts are slow, answers late, events of links change
 *             places; adapters are unplugged, stuck or reset
 *   poor      allocations fail                                        x     x
 *   hostile   one more peer sends valid-looking PDUs of all kinds     x     x
 *   broken    events are lost or come twice, controllers reset
 *             themselves or are stuck for a while, and do not say so
 *   chaos     all of it, and packets are malformed or cut
 *
 *   exact: what was acknowledged is there, once, whole and in order: writes, indications, SDUs; a
 *     notification comes once and in order.
 *   agree: when nothing goes wrong any more, both ends of a link have the same values, security,
 *     credits and counters, and what was sent has arrived.
 *   tidy: no stack has received a malformed packet, and no controller more than it has buffers for.
 *
 * broken is not exact: credits that come twice overrun a controller, which then drops data; one
 * that has forgotten its links takes data for nobody. There, and in chaos, garbage may also look
 * like something that was sent, so values are not looked at.
 */
#include "world.h"

#include <string.h>

static const world_kind kinds[] = {
    {.name = "clean", .promises = W_EXACT | W_AGREE | W_TIDY},
    {.name = "lossy",
     .promises = W_EXACT | W_AGREE | W_TIDY,
     .weather = {.link_loss_ppm = 1000,
                 .reorder_ppm = 50000,
                 .delay_ppm = 10000,
                 .hardware_error_ppm = 100,
                 .establish_fail_ppm = 50000},
     .troubles = W_UNPLUG | W_ERROR | W_LOSS | W_RANGE | W_HOLD | W_STUCK,
     .trouble_every = 40},
    {.name = "poor", .promises = W_EXACT | W_AGREE, .troubles = W_NO_MEMORY, .trouble_every = 10},
    {.name = "hostile", .promises = W_EXACT | W_AGREE, .hostile = true},
    {.name = "broken",
     .weather = {.delay_ppm = 5000,
                 .reorder_ppm = 20000,
                 .lost_event_ppm = 1000,
                 .duplicated_ppm = 2000,
                 .lost_credits_ppm = 1000},
     .troubles = W_RESET | W_CREDITS | W_SILENCE,
     .trouble_every = 60},
    {.name = "chaos",
     .weather = {.link_loss_ppm = 1000,
                 .reorder_ppm = 50000,
                 .malformed_ppm = 3000,
                 .truncated_ppm = 1500,
                 .delay_ppm = 5000,
                 .lost_event_ppm = 500,
                 .duplicated_ppm = 1000,
                 .lost_credits_ppm = 1000,
                 .hardware_error_ppm = 100,
                 .establish_fail_ppm = 50000},
     .troubles = W_ALL_TROUBLES,
     .trouble_every = 40,
     .hostile = true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const world_kind *world_kind_of(const char *name, uint64_t seed) {
  if (!name)
    return &kinds[seed % KINDS];
  for (size_t i = 0; i < KINDS; i++)
    if (!strcmp(kinds[i].name, name))
      return &kinds[i];
  return NULL;
}
