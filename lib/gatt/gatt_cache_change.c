/* SPDX-License-Identifier: MIT */
/*
 * The table changes (Part G, 2.5.2, 7.1): what is not so any more goes. A table comes from a store:
 * what no peer could have made known is refused.
 */
#include "gatt/gatt_cache_priv.h"

#include <string.h>

static bool overlap(const ab_att_range *range, uint16_t first, uint16_t last) {
  return first <= range->last && last >= range->first;
}

/* something is not as it was */
static void touch(ab_gatt_cache *cache) {
  cache->generation++;
  cache->dirty = true;
  memset(cache->hash, 0, sizeof cache->hash);
}

void ab_gatt_cache_forget(ab_gatt_cache *cache) {
  cache->n = 0;
  cache->unknown[AB_GATT_CACHE_PRIMARY] = ab_gatt_all_handles;
  cache->unknown[AB_GATT_CACHE_SECONDARY] = ab_gatt_all_handles;
  touch(cache);
}

/* the range with all of the services that it touches */
static ab_att_range whole_services(const ab_gatt_cache *cache, ab_att_range range) {
  const ab_gatt_record *service =
      ab_gatt_service_before(cache, ab_gatt_cache_index(cache, range.first));

  if (service && service->last >= range.first)
    range.first = service->handle;
  service = ab_gatt_service_before(cache, ab_gatt_cache_index(cache, range.last + 1u));
  if (service && service->last > range.last)
    range.last = service->last;
  return range;
}

static void unlist(ab_gatt_cache *cache, ab_gatt_cache_kind list, const ab_att_range *range) {
  ab_att_range *unknown = &cache->unknown[list];

  if (unknown->first > unknown->last)
    *unknown = *range;
  if (unknown->first > range->first)
    unknown->first = range->first;
  if (unknown->last < range->last)
    unknown->last = range->last;
  for (unsigned i = 0; i < cache->n; i++) {
    ab_gatt_record *record = &cache->records[i];

    if (record->kind == list && overlap(unknown, record->handle, record->last))
      record->kind = AB_GATT_CACHE_SERVICE;
  }
}

/* Services that include one of the range: what they include is not known any more. */
static void forget_includers(ab_gatt_cache *cache, const ab_att_range *range) {
  ab_gatt_record *service = cache->records; /* the first one is a service */

  for (unsigned i = 0; i < cache->n; i++) {
    ab_gatt_record *record = &cache->records[i];

    if (ab_gatt_is_service(record))
      service = record;
    else if (record->kind == AB_GATT_CACHE_INCLUDE && overlap(range, record->value, record->last))
      service->includes_to = service->handle;
  }
}

/* takes out what lies in the range, and inclusions that are not known any more */
static void sweep(ab_gatt_cache *cache, const ab_att_range *range) {
  const ab_gatt_record *service = cache->records;
  unsigned kept = 0;

  for (unsigned i = 0; i < cache->n; i++) {
    ab_gatt_record record = cache->records[i];

    if (overlap(range, record.handle, record.handle))
      continue;
    if (record.kind == AB_GATT_CACHE_INCLUDE && record.handle > service->includes_to)
      continue;
    cache->records[kept++] = record;
    if (ab_gatt_is_service(&record))
      service = &cache->records[kept - 1];
  }
  cache->n = kept;
}

void ab_gatt_cache_changed(ab_gatt_cache *cache, uint16_t first, uint16_t last) {
  ab_att_range range = ab_gatt_all_handles;

  if (first <= last && last > 0)
    range = whole_services(cache, (ab_att_range){.first = first ? first : 1, .last = last});
  forget_includers(cache, &range);
  sweep(cache, &range);
  unlist(cache, AB_GATT_CACHE_PRIMARY, &range);
  unlist(cache, AB_GATT_CACHE_SECONDARY, &range);
  touch(cache);
}

void ab_gatt_cache_set_hash(ab_gatt_cache *cache, const uint8_t hash[AB_GATT_HASH_LEN]) {
  memcpy(cache->hash, hash, AB_GATT_HASH_LEN);
  cache->dirty = true;
}

bool ab_gatt_cache_confirm(ab_gatt_cache *cache, const uint8_t hash[AB_GATT_HASH_LEN]) {
  if (memcmp(cache->hash, hash, AB_GATT_HASH_LEN) == 0)
    return true;
  ab_gatt_cache_forget(cache);
  ab_gatt_cache_set_hash(cache, hash);
  return false;
}

/* ---- from a store ---- */

/* Does it lie where its parent's contents are known? Could its own be known as it says? */
static bool could_be_known(const ab_gatt_cache *cache, const ab_gatt_record *record,
                           const ab_gatt_record *service, const ab_gatt_record *chr) {
  switch (record->kind) {
  case AB_GATT_CACHE_INCLUDE:
    return record->handle <= service->includes_to &&
           ab_gatt_cache_service(cache, record->value, record->last, &record->uuid);
  case AB_GATT_CACHE_CHAR:
    return record->value <= service->contents_to && record->contents_to >= record->value &&
           record->contents_to <= service->last;
  case AB_GATT_CACHE_DESC:
    return record->handle <= chr->contents_to;
  default:
    return record->includes_to >= record->handle && record->includes_to <= record->last &&
           record->contents_to >= record->handle && record->contents_to <= record->last &&
           (!ab_gatt_is_list(record->kind) ||
            !overlap(&cache->unknown[record->kind], record->handle, record->last));
  }
}

static bool could_be_learnt(const ab_gatt_cache *cache) {
  const ab_gatt_record *service = cache->records, *chr = service;

  for (unsigned i = 0; i < cache->n; i++) {
    const ab_gatt_record *record = &cache->records[i];

    if (ab_gatt_is_service(record))
      service = record;
    else if (record->kind == AB_GATT_CACHE_CHAR)
      chr = record;
    if (!could_be_known(cache, record, service, chr))
      return false;
  }
  return true;
}

static int import(ab_gatt_cache *cache, const ab_gatt_record *records, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    int err;

    if (records[i].kind > AB_GATT_CACHE_DESC || (i && records[i].handle <= records[i - 1].handle))
      return AIOBLE_EINVAL;
    if ((err = ab_gatt_cache_add(cache, &records[i])) < 0)
      return err == AIOBLE_EPROTO ? AIOBLE_EINVAL : err;
  }
  return could_be_learnt(cache) ? 0 : AIOBLE_EINVAL;
}

int ab_gatt_cache_import(ab_gatt_cache *cache, const ab_gatt_record *records, unsigned n,
                         const ab_att_range unknown[AB_GATT_CACHE_LISTS]) {
  int err;

  ab_gatt_cache_forget(cache);
  for (unsigned list = 0; list < AB_GATT_CACHE_LISTS; list++)
    if (unknown[list].first <= unknown[list].last)
      cache->unknown[list] = unknown[list];
    else
      cache->unknown[list] = ab_gatt_no_handles;
  err = unknown[0].first && unknown[1].first ? import(cache, records, n) : AIOBLE_EINVAL;
  if (err < 0)
    ab_gatt_cache_forget(cache);
  else
    cache->dirty = false;
  return err;
}
