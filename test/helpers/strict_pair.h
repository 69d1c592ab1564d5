/* SPDX-License-Identifier: MIT */
/*
 * Two whole stacks, of which one is a server that refuses what is asked on a link that is not
 * secure enough, and counts: that says what the client has sent, and how often.
 */
#ifndef STRICT_PAIR_H
#define STRICT_PAIR_H

#include "helpers/sim.h"
#include "host/host.h"

enum {
  STRICT_CHARS = 4, /* the last has a long value */
  STRICT_LONG = 60, /* octets: longer than a PDU of the default MTU */
};

typedef struct strict_pair {
  sim s;
  aioble_t *client, *server;
  aioble_conn_t *at_client, *at_server;
  aioble_service_t *service;
  aioble_char_t *chars[STRICT_CHARS];
  aioble_desc_t *desc;
  aioble_client_char_t *found[STRICT_CHARS];
  aioble_client_desc_t *found_desc;
  /* the server refuses with that code what is asked on a link of a lower level */
  uint8_t code, level;
  uint16_t from;   /* … of a value read, from that octet on */
  unsigned asked;  /* reads and writes that it decided on */
  unsigned served; /* … and did not refuse */
  char order[STRICT_CHARS * 2 + 1];
  unsigned pairings; /* requests to pair that the server's user had … */
  bool later;        /* … and answers later */
} strict_pair;

/* both stacks; server and client have the same `eatt` and `mtu` */
void strict_pair_open(strict_pair *p, const aioble_options_t *client);
/* a link, and everything found */
void strict_pair_meet(strict_pair *p, bool client_is_central);
void strict_pair_find(strict_pair *p);
/* the handles are let go of */
void strict_pair_part(strict_pair *p);
/* opened with an MTU of 23, and met; the client is the central */
void strict_pair_set_up(strict_pair *p, aioble_auto_secure_t use);
void strict_pair_close(strict_pair *p);

/* every kind of request that can be refused */
typedef struct strict_request {
  const char *name;
  aioble_op_t *(*ask)(strict_pair *p);
} strict_request;

enum { STRICT_REQUESTS = 11, STRICT_WRITE = 6, STRICT_RELIABLE = 9 };
extern const strict_request strict_requests[STRICT_REQUESTS];

/* the first of them */
aioble_op_t *strict_read(strict_pair *p);

#endif
