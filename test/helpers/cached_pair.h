/* SPDX-License-Identifier: MIT */
/*
 * Two stacks with stores of their own, of which one is the other's client, again and again. Every
 * ATT request that the server gets is counted, and can be answered with an error.
 */
#ifndef TEST_CACHED_PAIR_H
#define TEST_CACHED_PAIR_H

#include "helpers/sim.h"
#include "host/host.h"

typedef struct cached_pair {
  sim s;
  char *dir; /* client.json, server.json */
  aioble_t *client, *server;
  aioble_service_t *battery, *environment, *extra; /* 180f; 181a, which includes it; 1816: added */
  aioble_char_t *level, *temperature;              /* 2a19 notify; 2a6e read, write, indicate */
  aioble_conn_t *at_client, *at_server;            /* NULL: not connected */
  ab_att_events events;                            /* of the server's end … */
  const ab_att_events *real;                       /* … and as they were */
  unsigned requests;                               /* counted */
  unsigned hash_reads;                             /* … among them */
  int hash_error;                                  /* the answer to these; 0: as it is */
  int next_error;                                  /* … to the next request */
  int always_error;                                /* … to each of the others */
  unsigned warnings;                               /* the test's */
} cached_pair;

/* options: of the client; NULL: none */
cached_pair *cached_pair_new(const aioble_options_t *options);
void cached_pair_free(cached_pair *p);

/* A new link, over which the MTU is known; nothing is counted yet. */
void cached_pair_meet(cached_pair *p, const aioble_connect_options_t *options);
/* … which is encrypted with the key of a bond */
void cached_pair_meet_bonded(cached_pair *p);
void cached_pair_part(cached_pair *p);
/* the client, or the server, ends and begins anew with what is in its file */
void cached_pair_restart_client(cached_pair *p);
void cached_pair_restart_server(cached_pair *p);

/* All services, with all that they contain, by nested iterators: returns how many things there are,
   and *requests, how many it took; a checksum of them in *sum (both may be NULL). */
unsigned cached_pair_discover(cached_pair *p, unsigned *requests, uint32_t *sum);
/* first, what goes on in the background; then what it costs: a whole discovery */
unsigned cached_pair_cost(cached_pair *p);
/* a characteristic: a reference */
aioble_client_char_t *cached_pair_char(cached_pair *p, uint16_t service, uint16_t chr);
/* 1816 comes (at the end) or goes */
void cached_pair_add_extra(cached_pair *p);
void cached_pair_remove_extra(cached_pair *p);
/* all but the GAP and GATT services */
void cached_pair_remove_all(cached_pair *p);

#endif
