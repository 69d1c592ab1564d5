/* SPDX-License-Identifier: MIT */
/*
 * Several bearers of one link (Core Vol 3, Part F, 3.2.11): each is a bearer like any other, with a
 * request and an indication of its own on the air. Here: which of them something of ours goes on.
 *
 * 1. Reads and discovery may overtake each other: they go where nothing waits.
 * 2. Writes of one attribute must not, nor indications of one value: its handle says the bearer.
 *    What waits on the unenhanced bearer when an enhanced one opens is not overtaken, either: from
 *    the moment that nothing does, that one is used.
 * 3. Notifications and commands are not asked about here. They wait for no answer, so a second
 *    bearer gains them nothing: all stay on the unenhanced one, in their order.
 */
#include "att/att_priv.h"

enum { LONG_LINE = 32 }; /* longer ones are not told apart */

void ab_att_init_enhanced(ab_att *att, const ab_att *unenhanced, const ab_att_events *events,
                          void *ctx, uint16_t local_mtu) {
  ab_att_init(att, unenhanced->env, unenhanced->bufs, events, ctx, local_mtu);
  att->enhanced = true;
}

void ab_att_group_set(ab_att_group *group, unsigned place, ab_att *att) {
  group->at[place] = att;
  group->ordered &= ~(1u << place);
}

static unsigned length_of(const ab_att_lane *lane) {
  unsigned n = lane->busy;

  for (const ab_list *at = lane->waiting.next; at != &lane->waiting && n < LONG_LINE; at = at->next)
    n++;
  return n;
}

ab_att *ab_att_shortest_line(ab_att *unenhanced) {
  const ab_att_group *group = unenhanced->group;
  unsigned shortest = length_of(&unenhanced->requests);
  ab_att *best = unenhanced;

  for (unsigned i = 0; i < group->places && shortest > 0; i++) {
    ab_att *att = group->at[i];
    unsigned n = att && att->state == AB_ATT_OPEN ? length_of(&att->requests) : LONG_LINE;

    if (n < shortest) {
      shortest = n;
      best = att;
    }
  }
  return best;
}

/* Fibonacci hashing, as handles of one kind are often evenly spaced; the unenhanced bearer has a
   share, too. */
static ab_att *home_of(const ab_att_group *group, uint16_t handle) {
  unsigned share = ((uint16_t) (handle * 40503u) * (group->places + 1)) >> 16;

  return share > 0 && group->ordered & 1u << (share - 1) ? group->at[share - 1] : NULL;
}

ab_att *ab_att_place_of(ab_att *unenhanced, uint16_t handle) {
  ab_att_group *group = unenhanced->group;
  ab_att *att;

  if (!unenhanced->requests.busy && !unenhanced->indications.busy)
    group->ordered = ~0u; /* rule 2: all that are open now */
  att = home_of(group, handle);
  return att && att->state == AB_ATT_OPEN && att->mtu >= unenhanced->mtu ? att : unenhanced;
}
