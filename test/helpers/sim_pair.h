/* SPDX-License-Identifier: MIT */
/* Two whole stacks, a link between them, and their users, who are asked when they pair. */
#ifndef TEST_SIM_PAIR_H
#define TEST_SIM_PAIR_H

#include "helpers/sim.h"

enum { CENTRAL, PERIPHERAL };

/* one side: its stack, its user, and what it was told on this link */
typedef struct sim_side {
  aioble_t *ble;
  aioble_conn_t *conn; /* NULL: none */
  unsigned prompts;
  aioble_prompt_t prompt; /* the last one */
  uint32_t number;
  bool answered;    /* … it was, by sim_pair_answer() */
  unsigned changes; /* on_security with 0 */
  int failed;       /* … with a failure */
} sim_side;

typedef struct sim_pair {
  sim s;
  sim_side side[2];
} sim_pair;

/* connected; options: of the radio */
void sim_pair_open(sim_pair *w, const aioble_virtual_options_t *options);
void sim_pair_close(sim_pair *w);
void sim_pair_meet(sim_pair *w);
void sim_pair_part(sim_pair *w);

void sim_pair_configure(sim_side *at, const char *key, const char *value);
bool sim_pair_bonded(const sim_side *at);
/* the side whose user has something to say; when both do, the central's */
unsigned sim_pair_asked(const sim_pair *w);
/* All users who are asked answer: as it should be, but for `error` in the passkey of the one above.
   Only those who have not yet. False: nobody is asked, or not both can know the passkey yet. */
bool sim_pair_answer(sim_pair *w, uint32_t error);

#endif
