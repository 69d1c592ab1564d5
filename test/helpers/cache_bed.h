/* SPDX-License-Identifier: MIT */
/*
 * A cache of a peer's table, the peer, and between them a discovery as whoever owns a cache does
 * it. The peer's table is the truth; every answer is compared with it.
 */
#ifndef CACHE_BED_H
#define CACHE_BED_H

#include "gatt/gatt_cache.h"

enum { CACHE_BED_MOST = 4000 };

typedef struct cache_bed {
  ab_env *env;
  ab_gatt_cache cache, copy;
  struct {
    ab_gatt_cache_kind kind;
    uint16_t parent; /* as of the unit it belongs to */
    ab_gatt_item item;
  } attrs[CACHE_BED_MOST]; /* of the peer, in handle order */
  unsigned n_attrs;
  unsigned asked;                     /* how often the peer was asked for an item */
  ab_gatt_item found[CACHE_BED_MOST]; /* by the last discovery */
  unsigned n_found;
  bool deaf; /* discovery does not teach */
} cache_bed;

/* for cmocka: *state is a cache_bed */
int cache_bed_set_up(void **state);
int cache_bed_tear_down(void **state);

unsigned below(cache_bed *bed, unsigned n); /* random, seeded */
aioble_uuid_t uuid_of(unsigned n);          /* even: 16 bits; odd: 128 */

/* into the peer's table; references are by handle */
ab_gatt_item *put(cache_bed *bed, ab_gatt_cache_kind kind, uint16_t parent, uint16_t handle,
                  uint16_t last, unsigned uuid);
void put_service(cache_bed *bed, uint16_t handle, uint16_t last, unsigned uuid);
void put_char(cache_bed *bed, uint16_t service, uint16_t handle, unsigned uuid);
void put_desc(cache_bed *bed, uint16_t value, uint16_t handle, unsigned uuid);
void put_include(cache_bed *bed, uint16_t service, uint16_t handle, const ab_gatt_item *what);
/* services 1..9 with two characteristics, 10..12 with none, 20..0xffff with one */
void put_small_table(cache_bed *bed);

extern const ab_gatt_unit primary, secondary;
ab_gatt_unit chars_of(uint16_t service, uint16_t last);
ab_gatt_unit descs_of(uint16_t value, uint16_t last);
ab_gatt_unit includes_of(uint16_t service, uint16_t last);

/* the last handle that is the item's own: discovery goes on behind it */
uint16_t reach_of(ab_gatt_cache_kind kind, const ab_gatt_item *item);
/* the peer's first item in that range */
bool peer_says(cache_bed *bed, const ab_gatt_unit *unit, uint32_t first, uint16_t last,
               ab_gatt_item *item);
/* what the peer says to *ask, up to its first item, learnt and taken; where to go on */
uint32_t ask_peer(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                  ab_gatt_ask *ask);
/* Discovers, gives up with that many found, and asserts that they are what the peer has. Returns
   how often the peer was asked. */
unsigned discover(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                  unsigned most);
unsigned asks(cache_bed *bed, ab_gatt_unit unit); /* … all of it */
unsigned asks_for_all(cache_bed *bed);            /* … all units there are */

int import_copy(cache_bed *bed); /* the cache into the copy */
void assert_copy(cache_bed *bed);

#endif
