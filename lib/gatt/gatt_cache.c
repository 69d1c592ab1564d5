/* SPDX-License-Identifier: MIT */
/*
 * Services do not overlap, so one array in handle order has each service followed by what it
 * contains, and each characteristic by its descriptors (Part G, 3). fits() keeps it so; everything
 * else relies on it.
 */
#include "gatt/gatt_cache_priv.h"

#include <string.h>

/* declarations, 3.1 to 3.3: no descriptor has such a type */
enum { FIRST_DECLARATION = 0x2800, LAST_DECLARATION = 0x2803 };

void ab_gatt_cache_init(ab_gatt_cache *cache, ab_env *env) {
  *cache = (ab_gatt_cache){.env = env, .max = AB_GATT_CACHE_MAX};
  cache->unknown[AB_GATT_CACHE_PRIMARY] = ab_gatt_all_handles;
  cache->unknown[AB_GATT_CACHE_SECONDARY] = ab_gatt_all_handles;
}

void ab_gatt_cache_free(ab_gatt_cache *cache) {
  ab_free(cache->env, cache->records);
  ab_gatt_cache_init(cache, cache->env);
}

/* ---- finding ---- */

unsigned ab_gatt_cache_index(const ab_gatt_cache *cache, uint32_t handle) {
  unsigned low = 0, high = cache->n;

  while (low < high) {
    unsigned mid = low + (high - low) / 2;

    if (cache->records[mid].handle < handle)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

ab_gatt_record *ab_gatt_service_before(const ab_gatt_cache *cache, unsigned i) {
  while (i-- > 0)
    if (ab_gatt_is_service(&cache->records[i]))
      return &cache->records[i];
  return NULL;
}

ab_gatt_record *ab_gatt_cache_service(const ab_gatt_cache *cache, uint16_t handle, uint16_t last,
                                      const aioble_uuid_t *uuid) {
  unsigned i = ab_gatt_cache_index(cache, handle);
  ab_gatt_record *there = i < cache->n ? &cache->records[i] : NULL;

  return there && ab_gatt_is_service(there) && there->handle == handle && there->last == last &&
                 aioble_uuid_equal(&there->uuid, uuid)
             ? there
             : NULL;
}

/* the record a unit hangs on; NULL: it is not known, or not as that */
static ab_gatt_record *parent_of(const ab_gatt_cache *cache, const ab_gatt_unit *unit) {
  bool descs = unit->kind == AB_GATT_CACHE_DESC;
  /* the declaration is next before the value */
  unsigned i = ab_gatt_cache_index(cache, unit->parent + !descs);
  ab_gatt_record *record = i ? &cache->records[i - 1] : NULL;
  bool found =
      record && (descs ? record->kind == AB_GATT_CACHE_CHAR && record->value == unit->parent
                       : ab_gatt_is_service(record) && record->handle == unit->parent &&
                             record->last == unit->last);

  return found ? record : NULL;
}

/* where a characteristic ends, as far as is known */
static uint16_t char_end(const ab_gatt_cache *cache, const ab_gatt_record *record) {
  const ab_gatt_record *end = cache->records + cache->n;
  const ab_gatt_record *next = record + 1;

  while (next < end && next->kind == AB_GATT_CACHE_DESC)
    next++;
  return next < end && !ab_gatt_is_service(next)
             ? next->handle - 1
             : ab_gatt_service_before(cache, (unsigned) (record - cache->records))->last;
}

/* up to where the contents of that kind are known */
static uint16_t *known_to(ab_gatt_record *parent, ab_gatt_cache_kind kind) {
  return kind == AB_GATT_CACHE_INCLUDE ? &parent->includes_to : &parent->contents_to;
}

/* where nothing is known of the unit; but for a list, this ends where the unit does */
static ab_gatt_ask gap_of(const ab_gatt_cache *cache, const ab_gatt_unit *unit) {
  ab_gatt_ask gap = {unit->parent + 1u, unit->last, cache->generation};
  ab_gatt_record *parent;

  if (ab_gatt_is_list(unit->kind)) {
    gap.first = cache->unknown[unit->kind].first;
    gap.last = cache->unknown[unit->kind].last;
  } else if ((parent = parent_of(cache, unit))) {
    if (unit->kind == AB_GATT_CACHE_DESC && char_end(cache, parent) < gap.last)
      gap.last = char_end(cache, parent);
    gap.first = *known_to(parent, unit->kind) + 1u;
  }
  return gap;
}

static const ab_gatt_record *find(const ab_gatt_cache *cache, ab_gatt_cache_kind kind,
                                  uint32_t from, uint16_t last, const aioble_uuid_t *uuid) {
  for (unsigned i = ab_gatt_cache_index(cache, from); i < cache->n; i++) {
    const ab_gatt_record *record = &cache->records[i];

    if (record->handle > last)
      break;
    if (record->kind == kind && (!uuid || aioble_uuid_equal(&record->uuid, uuid)))
      return record;
  }
  return NULL;
}

static uint16_t end_of(const ab_gatt_cache *cache, const ab_gatt_record *record) {
  return record->kind == AB_GATT_CACHE_CHAR   ? char_end(cache, record)
         : record->kind == AB_GATT_CACHE_DESC ? record->handle
                                              : record->last;
}

int ab_gatt_cache_next(const ab_gatt_cache *cache, const ab_gatt_unit *unit, uint32_t from,
                       const aioble_uuid_t *uuid, ab_gatt_item *item, ab_gatt_ask *ask) {
  const ab_gatt_record *found;

  if (from <= unit->parent)
    from = unit->parent + 1u;
  *ask = gap_of(cache, unit);
  found = find(cache, unit->kind, from, ab_gatt_is_list(unit->kind) ? unit->last : ask->last, uuid);
  if (ask->first <= ask->last && from <= ask->last && (!found || found->handle >= ask->first)) {
    if (ask->first < from)
      ask->first = from;
    return AIOBLE_EAGAIN;
  }
  if (!found)
    return 0;
  *item = (ab_gatt_item){
      .handle = found->handle,
      .last = end_of(cache, found),
      .value = found->value,
      .properties = found->properties,
      .uuid = found->uuid,
  };
  return 1;
}

/* ---- adding ---- */

static bool is_declaration(const aioble_uuid_t *uuid) {
  ab_rd r = ab_rd_of(uuid->bytes, uuid->size);
  uint16_t type = ab_rd_le16(&r);

  return uuid->size == 2 && type >= FIRST_DECLARATION && type <= LAST_DECLARATION;
}

/* the last handle that is the record's own */
static uint16_t reach_of(const ab_gatt_record *record) {
  return ab_gatt_is_service(record)           ? record->last
         : record->kind == AB_GATT_CACHE_CHAR ? record->value
                                              : record->handle;
}

/* … where the order of declarations and descriptors is concerned */
static bool fits_between(const ab_gatt_record *record, const ab_gatt_record *before,
                         const ab_gatt_record *behind) {
  if (before->kind == AB_GATT_CACHE_CHAR && before->value >= record->handle)
    return false;
  if (record->kind == AB_GATT_CACHE_DESC)
    return before->kind >= AB_GATT_CACHE_CHAR && !is_declaration(&record->uuid);
  if (behind && behind->kind == AB_GATT_CACHE_DESC) /* it was the one's before */
    return false;
  return record->kind == AB_GATT_CACHE_INCLUDE || record->value > record->handle;
}

/* May the record stand at that index? */
static bool fits(const ab_gatt_cache *cache, unsigned i, const ab_gatt_record *record) {
  const ab_gatt_record *service = ab_gatt_service_before(cache, i);
  const ab_gatt_record *behind = i < cache->n ? &cache->records[i] : NULL;
  uint16_t reach = reach_of(record);

  if (record->handle == 0 || (record->uuid.size != 2 && record->uuid.size != 16) ||
      reach < record->handle || (behind && behind->handle <= reach))
    return false;
  if (ab_gatt_is_service(record))
    return !service || service->last < record->handle;
  return service && reach <= service->last && fits_between(record, &cache->records[i - 1], behind);
}

static bool make_room(ab_gatt_cache *cache) {
  unsigned room = cache->room ? 2 * cache->room : 32;
  ab_gatt_record *records;

  if (cache->n < cache->room)
    return true;
  if (!(records = ab_resize(cache->env, cache->records, room * sizeof *records)))
    return false;
  cache->records = records;
  cache->room = room;
  return true;
}

/* A service known already? It may become known to be primary, or secondary. */
static bool confirms(ab_gatt_cache *cache, const ab_gatt_record *record) {
  ab_gatt_record *there = ab_gatt_cache_service(cache, record->handle, record->last, &record->uuid);

  if (there && there->kind == AB_GATT_CACHE_SERVICE)
    there->kind = record->kind;
  return there && (record->kind == AB_GATT_CACHE_SERVICE || record->kind == there->kind);
}

int ab_gatt_cache_add(ab_gatt_cache *cache, const ab_gatt_record *record) {
  unsigned i = ab_gatt_cache_index(cache, record->handle);

  if (ab_gatt_is_service(record) && confirms(cache, record))
    return 0;
  if (!fits(cache, i, record))
    return AIOBLE_EPROTO;
  if (cache->n >= cache->max)
    return AIOBLE_ENOBUFS;
  if (!make_room(cache))
    return AIOBLE_ENOMEM;
  memmove(cache->records + i + 1, cache->records + i, (cache->n - i) * sizeof *record);
  cache->records[i] = *record;
  cache->n++;
  return 0;
}

static ab_gatt_record new_record(ab_gatt_cache_kind kind, const ab_gatt_item *item) {
  ab_gatt_record record = {
      .kind = kind,
      .handle = item->handle,
      .value = item->value,
      .properties = item->properties,
      .uuid = item->uuid,
  };

  if (kind <= AB_GATT_CACHE_INCLUDE)
    record.last = item->last;
  if (ab_gatt_is_service(&record))
    record.includes_to = record.contents_to = item->handle;
  else if (kind == AB_GATT_CACHE_CHAR)
    record.contents_to = item->value;
  return record;
}

/* the service that an inclusion is about */
static ab_gatt_record included_by(const ab_gatt_item *item) {
  ab_gatt_item service = {.handle = item->value, .last = item->last, .uuid = item->uuid};

  return new_record(AB_GATT_CACHE_SERVICE, &service);
}

/* an item of which the peer said that it lies within that range */
static int add_item(ab_gatt_cache *cache, ab_gatt_cache_kind kind, const ab_gatt_item *item,
                    uint32_t first, uint16_t last) {
  ab_gatt_record record = new_record(kind, item);
  ab_gatt_record included = included_by(item);
  int err = 0;

  if (item->handle < first || reach_of(&record) > last)
    return AIOBLE_EPROTO;
  if (kind == AB_GATT_CACHE_INCLUDE)
    err = ab_gatt_cache_add(cache, &included);
  return err < 0 ? err : ab_gatt_cache_add(cache, &record);
}

static void set_known(ab_gatt_cache *cache, const ab_gatt_unit *unit, uint16_t upto) {
  ab_att_range *unknown;

  cache->dirty = true;
  if (!ab_gatt_is_list(unit->kind)) {
    *known_to(parent_of(cache, unit), unit->kind) = upto;
    return;
  }
  unknown = &cache->unknown[unit->kind];
  if (upto >= unknown->last)
    *unknown = ab_gatt_no_handles;
  else
    unknown->first = upto + 1;
}

bool ab_gatt_cache_learn(ab_gatt_cache *cache, const ab_gatt_unit *unit, ab_gatt_ask *ask,
                         uint16_t upto, const ab_gatt_item *item) {
  ab_gatt_ask gap = gap_of(cache, unit);
  uint32_t from = ask->first;
  int err;

  if (ask->generation != cache->generation)
    return false;
  ask->first = upto + 1u;
  if (from != gap.first || from > gap.last || upto < from ||
      (!ab_gatt_is_list(unit->kind) && !parent_of(cache, unit)))
    return true;
  if (upto > gap.last)
    upto = gap.last;
  err = item ? add_item(cache, unit->kind, item, from, upto) : 0;
  if (err == 0) {
    set_known(cache, unit, upto);
    return true;
  }
  cache->refused++;
  if (err == AIOBLE_EPROTO)
    ab_gatt_cache_forget(cache);
  return true;
}
