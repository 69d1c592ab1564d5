/* SPDX-License-Identifier: MIT */
/* A store in a directory of its own, and what is kept of peers in it. */
#ifndef STORE_BED_H
#define STORE_BED_H

#include "helpers/store_place.h"

typedef struct store_bed {
  store_place at;
  ab_store *store;
} store_bed;

/* for cmocka: *state is a store_bed with an empty store */
int store_bed_set_up(void **state);
int store_bed_tear_down(void **state);

extern const aioble_addr_t peer_a, peer_b; /* random, d4:00:00:00:00:0a and …:0b */

/* flushes, and opens the file again */
void reopen(store_bed *bed);
/* opens a file with this text instead; nothing is flushed */
void load(store_bed *bed, const char *text);
/* flushes; is that in the file? */
bool file_has(store_bed *bed, const char *text);

/* as a client's features, for tests that need some part */
void keep(store_bed *bed, const aioble_addr_t *peer, unsigned number);
int kept(store_bed *bed, const aioble_addr_t *peer); /* -1: nothing */

#endif
