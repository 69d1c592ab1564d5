/* SPDX-License-Identifier: MIT */
/*
 * A transport over one end of a socket pair, and a peer at the other. At the end, memory,
 * descriptors and loop must be as they were.
 */
#ifndef TPORT_PAIR_H
#define TPORT_PAIR_H

#include "helpers/record_sink.h"
#include "transport/transport_priv.h"

typedef struct tport_pair {
  uv_loop_t uv;
  aioble_transport_t *t;
  record_sink sink;
  int ours, peer; /* the socket pair; the transport works on a copy of ours */
  unsigned open_fds;
  unsigned fail_at; /* this allocation fails; 0: none does */
  unsigned live;
} tport_pair;

extern const uint8_t sample_event[7], sample_acl[8], sample_command[4];

/* group set-up: libuv keeps some descriptors of its own once it was used */
int tport_pair_warm_up(void **state);

tport_pair *tport_pair_new(int type); /* no transport yet; SOCK_* */
/* the transport "fd:N"; the error of ab_transport_named(), its text in sink.why */
int tport_pair_name(tport_pair *p, int fd);
tport_pair *tport_pair_open(int type); /* all of that, open */
/* closes and destroys the transport, if there is one */
void tport_pair_free(tport_pair *p);

void peer_sends(tport_pair *p, const void *bytes, size_t len);
void expect_from_peer(tport_pair *p, const void *bytes, size_t len);
void expect_nothing_from_peer(tport_pair *p);
void end_peer(tport_pair *p);
/* lost comes once, and nothing after it */
void expect_lost(tport_pair *p, int status);

#endif
