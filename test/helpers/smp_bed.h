/* SPDX-License-Identifier: MIT */
/*
 * Two security managers and the link between them: commands wait on the air until moved, the
 * central's encryption asks the peripheral for the key, and both are told how it went.
 */
#ifndef SMP_BED_H
#define SMP_BED_H

#include "helpers/fake_env.h"
#include "smp/smp.h"

enum { SMP_CENTRAL, SMP_PERIPHERAL, SMP_AIR = 32, SMP_LOG = 512 };

typedef struct smp_bed smp_bed;

typedef struct smp_side {
  smp_bed *bed;
  ab_smp_stack stack;
  ab_smp smp;
  unsigned ended; /* calls */
  int status;     /* of the last */
  bool prompted;  /* … and not answered */
  ab_smp_prompt prompt;
  uint32_t number;
  unsigned prompts, keypresses, changes;
  unsigned sent; /* commands */
  bool unacked;  /* it waits for the last of them to arrive */
} smp_side;

/* one command on its way */
typedef struct smp_air {
  smp_side *to;
  size_t len;
  uint8_t bytes[65];
} smp_air;

struct smp_bed {
  ab_env *env;
  ab_bufs bufs;
  smp_side side[2];
  smp_air air[SMP_AIR];
  unsigned on_air;
  bool encrypting; /* the central has asked for it, with … */
  ab_smp_ltk key;
  unsigned moves; /* steps so far */
  /* sees each command before it arrives and may change it; false: it is lost */
  bool (*meddle)(smp_bed *bed, smp_air *command);
  void *user;
};

void smp_bed_open(smp_bed *bed);
/* the link ends, and everything with it; asserts that nothing is left */
void smp_bed_close(smp_bed *bed);
/* the link ends, and there is another between the two */
void smp_bed_reconnect(smp_bed *bed);
/* the next command, or step of an encryption; false: there is none */
bool smp_bed_move(smp_bed *bed);
/* until nothing moves */
void smp_bed_run(smp_bed *bed);

/* a policy with these capabilities; bonding, 16 octets */
ab_smp_policy smp_policy(ab_smp_io io, ab_smp_sc sc, bool mitm);
/* the central asks for a pairing like that, of a peripheral with the other policy */
void smp_bed_start(smp_bed *bed, const ab_smp_policy *central, const ab_smp_policy *peripheral);
/* the user at that side answers what is asked, rightly; false: nothing is asked there */
bool smp_bed_answer(smp_bed *bed, unsigned side);
/* until nothing moves, and both users have answered all */
void smp_bed_finish(smp_bed *bed);
/* both have ended, once, like that */
void smp_bed_expect(const smp_bed *bed, int central, int peripheral);

extern const ab_smp_events smp_bed_events;

#endif
