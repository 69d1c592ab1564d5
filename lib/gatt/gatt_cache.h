/* SPDX-License-Identifier: MIT */
/*
 * What is known of one peer's attribute table (Core Vol 3, Part G, 2.5.2): learnt piece by piece
 * from what discovery yields, and answering later discoveries without a request. Asks nobody
 * anything; bytes and links are the business of the layers around it.
 *
 * A unit is what one discovery is about: the primary services, the secondary ones, the included
 * services or the characteristics of a service, the descriptors of a characteristic. What is known
 * of a unit is everything outside one range of handles: at first that is the unit's whole range,
 * which discovery eats up from its beginning. So an abandoned discovery has taught what it saw.
 *
 *   ab_gatt_cache_next() --item known--> answered
 *                        --EAGAIN--> the peer is asked about the range; each item that comes, and
 *                                    at last the end, is learnt and answered --> again behind it
 *
 * It never answers what is not so, as far as the peer tells when its table changes (Service
 * Changed, the Database Hash). A peer that contradicts what it said before makes it forget all.
 */
#ifndef AB_GATT_CACHE_H
#define AB_GATT_CACHE_H

#include "gatt/gatt_client.h"

enum {
  AB_GATT_CACHE_MAX = 16384, /* records */
  AB_GATT_HASH_LEN = 16,     /* of the Database Hash (7.3) */
};

typedef enum ab_gatt_cache_kind {
  AB_GATT_CACHE_PRIMARY,
  AB_GATT_CACHE_SECONDARY,
  AB_GATT_CACHE_SERVICE, /* one or the other: it was included by another, or is to be listed anew */
  AB_GATT_CACHE_INCLUDE,
  AB_GATT_CACHE_CHAR,
  AB_GATT_CACHE_DESC,
} ab_gatt_cache_kind;

enum { AB_GATT_CACHE_LISTS = 2 }; /* of services: primary, secondary */

/* One declaration or descriptor. */
typedef struct ab_gatt_record {
  ab_gatt_cache_kind kind;
  uint16_t handle;
  uint16_t last;      /* of a service; of an inclusion: of the service included, as is the UUID */
  uint16_t value;     /* of a characteristic; of an inclusion: the handle of the service included */
  uint8_t properties; /* of a characteristic */
  aioble_uuid_t uuid;
  /* Up to which handle the contents are known: of a service, its inclusions and its
     characteristics; of a characteristic, its descriptors. */
  uint16_t includes_to, contents_to;
} ab_gatt_record;

typedef struct ab_gatt_cache {
  ab_env *env;
  ab_gatt_record *records; /* ascending handles; one of each handle */
  unsigned n, room;
  unsigned max;                              /* AB_GATT_CACHE_MAX unless changed */
  ab_att_range unknown[AB_GATT_CACHE_LISTS]; /* of each list; first beyond last: nothing */
  uint8_t hash[AB_GATT_HASH_LEN];            /* of this table; zero: not known */
  uint32_t generation;                       /* of the table: another after each change */
  bool dirty;                                /* for the owner, who saves it and resets this */
  uint64_t refused;                          /* items not learnt: no room, or no sense */
} ab_gatt_cache;

void ab_gatt_cache_init(ab_gatt_cache *cache, ab_env *env);
void ab_gatt_cache_free(ab_gatt_cache *cache);
/* nothing is known any more, the hash included; memory is kept */
void ab_gatt_cache_forget(ab_gatt_cache *cache);

/* ---- asking and learning ---- */

/* what one discovery looks for, and where: behind `parent` */
typedef struct ab_gatt_unit {
  ab_gatt_cache_kind kind; /* not SERVICE */
  uint16_t parent;         /* the service's handle; of descriptors, that of the value; else 0 */
  uint16_t last;           /* of the service, or of the characteristic as far as is known */
} ab_gatt_unit;

/* what the peer is to be asked */
typedef struct ab_gatt_ask {
  uint32_t first; /* beyond last: the answer is complete */
  uint16_t last;
  uint32_t generation; /* of the table when it was asked */
} ab_gatt_ask;

/*
 * 1: *item is the first of the unit that lies at `from` or behind it; 0: there are no more;
 * AIOBLE_EAGAIN: *ask is to be asked first. uuid NULL: any.
 */
int ab_gatt_cache_next(const ab_gatt_cache *cache, const ab_gatt_unit *unit, uint32_t from,
                       const aioble_uuid_t *uuid, ab_gatt_item *item, ab_gatt_ask *ask);

/*
 * The peer said: from ask->first up to `upto` there is this one item, or none (NULL). Moves
 * ask->first behind it. false: the table has changed since it was asked; what it said is not to be
 * used, and what is left to be known is to be asked anew.
 *
 * Items must be all of the unit, whatever their UUID, and within the range asked for; an inclusion
 * comes with the UUID of its service. What does not begin where knowledge ends, or is about a
 * parent that is not known, teaches nothing.
 */
bool ab_gatt_cache_learn(ab_gatt_cache *cache, const ab_gatt_unit *unit, ab_gatt_ask *ask,
                         uint16_t upto, const ab_gatt_item *item);

/* ---- changes of the table ---- */

/* Service Changed (7.1): the services that overlap the range go, with what they contain and with
   what is known of their being included; a range that is none is all of it. */
void ab_gatt_cache_changed(ab_gatt_cache *cache, uint16_t first, uint16_t last);
/* The hash as the peer has it now (zero: it has none), at the beginning of a link. false: it is not
   the one of this table, which is forgotten. Either way it is the hash from now on. */
bool ab_gatt_cache_confirm(ab_gatt_cache *cache, const uint8_t hash[AB_GATT_HASH_LEN]);
/* … which the rest of the table is known to have: from a store, or read again after a change */
void ab_gatt_cache_set_hash(ab_gatt_cache *cache, const uint8_t hash[AB_GATT_HASH_LEN]);

/* ---- from a store ---- */

/* Instead of what was known: records as they were, checked as if a peer had said them. 0, or
   AIOBLE_EINVAL, ENOBUFS, ENOMEM and nothing is known. The hash is set by itself. */
int ab_gatt_cache_import(ab_gatt_cache *cache, const ab_gatt_record *records, unsigned n,
                         const ab_att_range unknown[AB_GATT_CACHE_LISTS]);

#endif
