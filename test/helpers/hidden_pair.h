/* SPDX-License-Identifier: MIT */
/*
 * Two whole stacks, A and B, which may hide behind private addresses, on controllers that know more
 * or less of that.
 */
#ifndef HIDDEN_PAIR_H
#define HIDDEN_PAIR_H

#include "helpers/sim.h"

enum { A, B, SIDES };
enum { ROTATION_MS = 900000 };

typedef struct world {
  sim s;
  aioble_t *ble[SIDES];
  aioble_conn_t *conn[SIDES]; /* NULL: not connected */
} world;

/* with a resolving list, without, without a public address */
enum { CONTROLLERS = 3 };
extern const aioble_virtual_controller_options_t controllers[CONTROLLERS];
extern const aioble_options_t hidden;

/* any options may be NULL */
void set_up(world *w, const aioble_options_t *a, const aioble_options_t *b,
            const aioble_virtual_controller_options_t *controller);
void tear_down(world *w);
void part(world *w);

/* all that is heard within a second: how many there are; the first of them in *addr */
unsigned hear(aioble_t *ble, aioble_addr_t *addr);
/* the only one that is heard */
aioble_addr_t heard(aioble_t *ble);
bool resolvable(const aioble_addr_t *addr);
void expect_addr(const aioble_addr_t *addr, const aioble_addr_t *expected);

/* connects to whoever has that address; the op of the peer that advertises is taken over */
void connect_to(world *w, unsigned from, const aioble_addr_t *addr, aioble_op_t *adv);
/* A has never heard of B: it connects to the address that it hears */
void meet_strangers(world *w);
void meet_by_identity(world *w, unsigned from);
aioble_addr_t identity_of(const world *w, unsigned side);
/* strangers pair: they are known to each other from then on */
void bond(world *w, const aioble_pair_options_t *options);
void expect_known(const world *w);
/* each end knows the same two addresses; those of a side that hides are private */
void expect_air(const world *w, bool a_hides, bool b_hides);

#endif
