/* SPDX-License-Identifier: MIT */
/*
 * GAP with private addresses on a controller that does what the test tells it, and a scan that is
 * always asked for.
 */
#ifndef PRIVACY_BED_H
#define PRIVACY_BED_H

#include "gap/gap.h"
#include "helpers/fake_controller.h"

enum { PRIVACY_BED_OK = 0x00, PRIVACY_BED_DISALLOWED = 0x0c };

typedef struct privacy_bed {
  fake_controller *c;
  ab_gap gap;
  ab_gap_scan scan;
  unsigned starts, dones; /* of the scan */
  int status;
  unsigned addresses; /* given out: 40:00:00:00:00:01, and so on */
  int no_address;     /* why there is none; 0: there is */
  ab_gap_peer peers[4];
  unsigned n_peers;
} privacy_bed;

/* A controller whose resolving list takes so many peers, ready; nothing is started. mode: it knows
   LE Set Privacy Mode. */
privacy_bed *privacy_bed_new(uint8_t resolvable, bool mode);
/* ends all; asserts that nothing is left */
void privacy_bed_free(privacy_bed *b);
/* starts GAP with that rotation, and the scan; nothing is answered yet */
void privacy_bed_start(privacy_bed *b, uint64_t rotation_us);

/* answers the oldest command with that status: its opcode; 0: there is none */
uint16_t privacy_bed_answer(privacy_bed *b, uint8_t status);
/* asserts that the oldest command has that opcode, and answers it with that status */
void privacy_bed_expect(privacy_bed *b, uint16_t opcode, uint8_t status);
/* … and these parameters, as hex, and answers it with success */
void privacy_bed_expect_params(privacy_bed *b, uint16_t opcode, const char *params);
/* asserts that the scan is started now, and answers that with success */
void privacy_bed_expect_scan(privacy_bed *b);
/* … is stopped */
void privacy_bed_expect_pause(privacy_bed *b);

#endif
