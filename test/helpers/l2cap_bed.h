/* SPDX-License-Identifier: MIT */
/*
 * A link's L2CAP with a scripted peer, in a fake environment. A line of the script is a frame: the
 * low octet of its CID, then its payload (the basic header is made, and checked, here):
 *
 *   "> 05 14 01 0a 00 80 00 41 00 17 00 17 00 01 00\n"   the peer asks for a channel
 *
 * Channels record what they were told, and keep or use up SDUs as the test wishes.
 */
#ifndef L2CAP_BED_H
#define L2CAP_BED_H

#include "helpers/fake_env.h"
#include "helpers/pdu_script.h"
#include "l2cap/l2cap_chan.h"

enum { BED_CHANS = 80 };

typedef struct l2cap_bed l2cap_bed;

typedef struct bed_chan {
  ab_l2cap_chan chan;
  l2cap_bed *bed;
  unsigned opened, ended, closed, kept; /* calls of each event */
  int status;                           /* of the end */
  bool use;                             /* SDUs are used up at once; else they are kept */
  unsigned sdus;                        /* … how many, and the last of them */
  uint8_t sdu[512];
  size_t sdu_len;
  void (*on_sdu)(struct bed_chan *c); /* run then */
} bed_chan;

struct l2cap_bed {
  ab_env *env;
  ab_bufs bufs;
  ab_l2cap_link link;
  ab_list listeners;
  pdu_script script;
  bed_chan chans[BED_CHANS];
  unsigned n;
  unsigned wishes; /* for connection parameters; those without latency are granted */

  /* the listener of the bed's own, on PSM 0x80 until changed */
  ab_l2cap_listener listener;
  ab_l2cap_sizes ours; /* of the channels it makes */
  unsigned asked;      /* calls of its accept */
  unsigned makes;      /* how many channels it makes of those asked for */
  uint16_t result;     /* what it answers */
  void (*on_accept)(l2cap_bed *bed);
};

/* sizes of 64 (MTU), 23 (MPS) and 3 credits; listening, if so */
l2cap_bed *l2cap_bed_new(bool listening);
/* closes the link; asserts that each channel was told once of everything, and nothing is left */
void l2cap_bed_free(l2cap_bed *bed);
void l2cap_bed_play(l2cap_bed *bed, const char *lines);

/* a channel of the bed's sizes, and one that is open: ours 40, theirs 41, with their sizes; by our
   request, or by theirs */
bed_chan *l2cap_bed_chan(l2cap_bed *bed);
bed_chan *l2cap_bed_open(l2cap_bed *bed, uint16_t mtu, uint16_t mps, uint16_t credits);
/* … n enhanced ones, asked for by us: 40…, 50… with MTU 100, MPS 64 and 2 credits */
void l2cap_bed_open_enhanced(l2cap_bed *bed, bed_chan **chans, unsigned n);

/* it has been told of its end with that status, and has closed or not */
void bed_chan_expect(const bed_chan *c, int status, bool closed);
/* the last SDU, used up, is what the hex says */
void bed_chan_got(const bed_chan *c, unsigned sdus, const char *hex);

#endif
