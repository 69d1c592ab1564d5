/* SPDX-License-Identifier: MIT */
/*
 * A controller that does what the test tells it, below the HCI layer: every packet sent to it is
 * kept until looked at, and answers are packets the test gives.
 */
#ifndef FAKE_CONTROLLER_H
#define FAKE_CONTROLLER_H

#include "hci/hci.h"

typedef struct fake_controller {
  ab_env *env;
  ab_bufs bufs;
  ab_hci *hci;

  unsigned room;     /* packets it takes before it says AIOBLE_EAGAIN */
  unsigned failures; /* calls of down->failed */
  int failed_status;
  bool stop_on_failure; /* down->failed calls ab_hci_stop() */
  char why[128];        /* of the last failure, or of the start */

  unsigned starts; /* calls of the start's function */
  int start_status;

  char reply[32][160]; /* what it answers to commands of the start; see fake_controller_reply() */
  unsigned replies;

  struct fake_packet *first, *last;
} fake_controller;

fake_controller *fake_controller_new(void);
/* stops HCI if need be, and asserts that nothing is left */
void fake_controller_free(fake_controller *c);

/* the controller sends this packet, H4 octet first */
void fake_controller_gives(fake_controller *c, const char *hex);
/* asserts that the oldest packet sent to it and not yet looked at is this one */
void fake_controller_got(fake_controller *c, const char *hex);
/* asserts that it was sent nothing more */
void fake_controller_got_nothing(fake_controller *c);
/* the oldest packet sent to it and not yet looked at; returns its length, 0: there is none */
size_t fake_controller_take(fake_controller *c, uint8_t *data, size_t size);
/* forgets what it was sent */
void fake_controller_forget(fake_controller *c);
/* how many packets it was sent and nobody looked at */
unsigned fake_controller_pending(const fake_controller *c);
/* true when one of those is a command with that opcode; *params (may be NULL) its parameters */
bool fake_controller_was_sent(const fake_controller *c, uint16_t opcode, ab_rd *params);

/* From now on it answers that opcode (instead of what it did) with these return parameters, status
   first. "" says nothing at all. It starts out as a simple LE controller: eight buffers of 27. */
void fake_controller_reply(fake_controller *c, uint16_t opcode, const char *hex);
/* ab_hci_start(), and answers until the start has ended, or waits for an answer that will not come;
   what was sent is kept */
void fake_controller_start(fake_controller *c, const ab_hci_config *config);
/* the same with an address, asserts success, and forgets what was sent */
void fake_controller_ready(fake_controller *c);

#endif
