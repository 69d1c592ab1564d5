/* SPDX-License-Identifier: MIT */
/*
 * Security Manager (Core Vol 3, Part H) of one link: gets the commands of L2CAP channel 6 and
 * answers them. This one does not pair; it says so.
 *
 * The struct must stay until every buffer given to `send` is finished.
 */
#ifndef AB_SMP_H
#define AB_SMP_H

#include "util/buf.h"

/* takes the buffer (one command, head-room in front), and finishes it */
typedef void ab_smp_send_fn(void *ctx, ab_buf *command);

typedef struct ab_smp {
  ab_bufs *bufs;
  ab_smp_send_fn *send;
  void *ctx;
  uint64_t ignored; /* commands that called for no answer, or came before the last was sent */
  bool central;     /* our role */
  bool answering;   /* an answer of ours that the controller has not taken yet */
} ab_smp;

void ab_smp_open(ab_smp *smp, ab_bufs *bufs, ab_smp_send_fn *send, void *ctx, bool central);
void ab_smp_rx(ab_smp *smp, const uint8_t *command, size_t len);

#endif
