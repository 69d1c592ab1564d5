/* SPDX-License-Identifier: MIT */
/*
 * A whole stack between a peer that sends whatever it likes, octet by octet, and a good one, each
 * on a link of its own. Whatever the first does, the second is served as ever: hostile_close()
 * makes sure of it, and that nothing is left.
 */
#ifndef HOSTILE_BED_H
#define HOSTILE_BED_H

#include "helpers/sim.h"
#include "helpers/vr_host.h"

/* the victim's attributes, behind those of the stack's own services */
enum {
  HOSTILE_SERVICE = 0x10, /* 0xffe0 */
  HOSTILE_VALUE = 0x12,   /* 0xffe1: everything is allowed, 20 octets */
  HOSTILE_CCCD = 0x13,
  HOSTILE_SECRET = 0x15, /* 0xffe2: on an encrypted link only */
  HOSTILE_LATER = 0x17,  /* 0xffe3: a hook answers, when hostile_bed.answer is given its word */
  HOSTILE_LAST = 0x17,
  HOSTILE_PSM = 0x80 /* SDUs of 100 octets in K-frames of 64, three of them */
};
enum { CID_ATT = 4, CID_SIGNAL = 5, CID_SMP = 6 };

typedef struct hostile_bed {
  sim s;
  aioble_t *victim, *neighbour;
  vr_host host; /* the peer's */
  bool central; /* its role */
  uint16_t handle;
  aioble_conn_t *conn, *good; /* the victim's ends: to the peer, to the neighbour */
  aioble_conn_t *good_end;    /* the neighbour's */
  aioble_client_char_t *good_value;
  aioble_service_t *service;
  aioble_char_t *value, *secret, *later;
  aioble_answer_t *answer;            /* that is owed; NULL: none */
  void (*act)(struct hostile_bed *b); /* what the hook does before that; NULL: nothing */
  aioble_listener_t *listener;
} hostile_bed;

/* the peer is the central of its link, or the victim is */
void hostile_open(hostile_bed *b, bool central);
/* … on a radio of these options */
void hostile_open_on(hostile_bed *b, bool central, const aioble_virtual_options_t *radio);
/* another link, after an end of the one there was */
void hostile_connect(hostile_bed *b);
/* the neighbour reads, writes, and reads what it wrote; everything ends; nothing is left */
void hostile_close(hostile_bed *b);

/* the peer sends an L2CAP frame; text as in a PDU script: "12 41*20" */
void hostile_says(hostile_bed *b, uint16_t cid, const char *text);
void hostile_says_octets(hostile_bed *b, uint16_t cid, const uint8_t *octets, size_t len);
/* … a packet of HCI's, as it is: which fragment, and its octets */
void hostile_fragment(hostile_bed *b, uint8_t pb, const char *text);
/* the next frame that comes on that channel is this one, octets as "41 ?? 42"; ?? is any */
void hostile_hears(hostile_bed *b, uint16_t cid, const char *text);
/* … the next one, whatever it is: its octets, and how many; within a minute */
size_t hostile_takes(hostile_bed *b, uint16_t cid, uint8_t *octets, size_t size);
/* says, hears */
void hostile_asks(hostile_bed *b, uint16_t cid, const char *text, const char *answer);
/* reads the value without security, which nobody writes: the victim answers */
void hostile_alive(hostile_bed *b);
/* says it, and drops whatever is answered */
void hostile_mumbles(hostile_bed *b, uint16_t cid, const char *text);
/* … and nothing comes on it for 100 ms */
void hostile_hears_nothing(hostile_bed *b, uint16_t cid);
/* what a peer that is a server answers to a request, named by the opcode it starts with */
typedef struct hostile_reply {
  uint8_t opcode;
  const char *text; /* NULL: nothing */
} hostile_reply;
/* the peer answers like that until the op has settled; how often it was asked. At most 100 times:
   more is a client that goes in circles. */
unsigned hostile_serves(hostile_bed *b, const aioble_op_t *op, const hostile_reply *replies,
                        size_t n);
/* the link is ended by the victim, for that reason */
void hostile_is_thrown_out(hostile_bed *b, uint8_t reason);
/* the peer ends the link */
void hostile_leaves(hostile_bed *b);

/* what the victim's controller tells it, octet by octet */
void hostile_controller_says(hostile_bed *b, const char *text);
aioble_stats_t hostile_stats(const hostile_bed *b);

#endif
