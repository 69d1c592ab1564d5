/* SPDX-License-Identifier: MIT */
/*
 * Stories: whole uses of the library, told with something going wrong at one step of the radio. A
 * story asks for op after op; once one fails it goes to its end. What must hold whatever happens:
 * each op settles exactly once and never inline, and nothing is left.
 */
#ifndef TEST_SIM_STORY_H
#define TEST_SIM_STORY_H

#include "helpers/sim.h"

enum { STORY_OPS = 64 };

typedef struct story story;

/* what goes wrong, at one step */
typedef struct story_fault {
  const char *name;
  void (*strike)(story *st);
} story_fault;

typedef struct story_plot {
  const char *name;
  void (*tell)(story *st);
  bool old_peer; /* the peripheral's controller has no Connection Parameters Request */
  bool timing;   /* data waits for connection events: more steps */
  uint16_t mtu;  /* of the central; 0: the default */
  bool secured;  /* the value asks for an encrypted link */
  bool kept;     /* both have a store, and the central remembers the tables of all */
  bool hidden;   /* both have private addresses, new ones every second */
} story_plot;

struct story {
  sim s;
  char *dir; /* of the stores; NULL: there are none */
  const story_plot *plot;
  const story_fault *fault;
  unsigned step, strike_at; /* steps of the radio so far; the one at which the fault strikes */
  bool struck, garbage;     /* the fault has struck; packets are spoiled */
  bool undisturbed;         /* nothing will go wrong */
  aioble_t *central, *peripheral;
  aioble_conn_t *conn, *peer_conn; /* references; NULL: none */
  aioble_char_t *chr;
  aioble_answer_t *answer; /* that the peripheral owes; NULL: none */
  bool unencrypted;        /* the next link is not encrypted, whatever bond there is */
  sim_watch ops[STORY_OPS];
  unsigned n_ops;
  sim_watch *current; /* the op that is waited for */
};

/* ---- for plots ---- */

/* asks: takes the reference of the call that started it */
sim_watch *story_ask(story *st, aioble_op_t *op);
/* one step of the radio, at which the fault may strike; false: nothing is left that could happen */
bool story_step(story *st);
/* runs until it has settled by itself */
int story_wait(story *st, sim_watch *w);
/* … one that only comes if all goes well: given up after a while */
int story_wait_or_give_up(story *st, sim_watch *w);
/* asks, waits */
int story_run(story *st, aioble_op_t *op);

/* ---- telling ---- */

extern const story_plot story_plots[];
extern const unsigned story_n_plots;
extern const story_fault story_faults[];
extern const unsigned story_n_faults;

/* Tells it with the fault at that step (0: without), or with that allocation failing (or that and
   all after it, until the end), and asserts what must hold. False: it came to its end before. */
bool story_tell(const story_plot *plot, const story_fault *fault, unsigned strike_at);
/* … on a radio where such things go wrong by chance */
void story_tell_with_faults(const story_plot *plot, const aioble_virtual_faults_t *faults,
                            uint64_t seed);
bool story_tell_without_memory(const story_plot *plot, size_t fail_at, bool for_good);

#endif
