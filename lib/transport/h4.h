/* SPDX-License-Identifier: MIT */
/* H4 framing: packets out of a stream of octets. Bytes in, packets out; see h4.c. */
#ifndef AB_H4_H
#define AB_H4_H

#include "util/wire.h"
#include <aioble/transport.h>

enum {
  AB_H4_MAX = 65536,       /* longest packet, type octet included; longer ones break the framing */
  AB_H4_SERIAL_MAX = 4096, /* … on a serial line, where a huge length is noise, not data */
};

typedef enum ab_h4_from { AB_H4_FROM_CONTROLLER, AB_H4_FROM_HOST } ab_h4_from;

typedef enum ab_h4_step {
  AB_H4_MORE,   /* what is left is the beginning of a packet, or nothing */
  AB_H4_PACKET, /* here is one */
  AB_H4_BROKEN, /* the step is lost (told once; then a serial line is searched, a stream is over) */
} ab_h4_step;

typedef struct ab_h4 {
  ab_h4_from from;
  bool serial;      /* octets may be lost or changed on the way: find the step again */
  bool searching;   /* for the Command Complete of HCI_Reset */
  uint64_t broken;  /* how often the step was lost */
  uint64_t dropped; /* octets thrown away meanwhile */
} ab_h4;

void ab_h4_init(ab_h4 *h4, ab_h4_from from, bool serial);

/*
 * Takes the next whole packet off `in`; *packet is a slice of it. What is left with AB_H4_MORE is
 * to be given again, with more behind it; it is always shorter than AB_H4_MAX.
 */
ab_h4_step ab_h4_next(ab_h4 *h4, ab_rd *in, aioble_bytes_t *packet);

#endif
