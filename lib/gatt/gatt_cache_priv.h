/* SPDX-License-Identifier: MIT */
/* What the two files of the cache share: gatt_cache.c asks and learns, gatt_cache_change.c takes
   what is not so any more, and what was kept. */
#ifndef AB_GATT_CACHE_PRIV_H
#define AB_GATT_CACHE_PRIV_H

#include "gatt/gatt_cache.h"

static const ab_att_range ab_gatt_all_handles = {.first = 1, .last = 0xffff};
static const ab_att_range ab_gatt_no_handles = {.first = 1, .last = 0};

static inline bool ab_gatt_is_list(ab_gatt_cache_kind kind) {
  return kind <= AB_GATT_CACHE_SECONDARY;
}

static inline bool ab_gatt_is_service(const ab_gatt_record *record) {
  return record->kind <= AB_GATT_CACHE_SERVICE;
}

/* index of the first record at that handle or behind it */
unsigned ab_gatt_cache_index(const ab_gatt_cache *cache, uint32_t handle);
/* the last service before that index; NULL: there is none */
ab_gatt_record *ab_gatt_service_before(const ab_gatt_cache *cache, unsigned i);
/* the service with that range and UUID; NULL: that is not known */
ab_gatt_record *ab_gatt_cache_service(const ab_gatt_cache *cache, uint16_t handle, uint16_t last,
                                      const aioble_uuid_t *uuid);
/* 0, ENOBUFS, ENOMEM, or EPROTO: it contradicts what is known */
int ab_gatt_cache_add(ab_gatt_cache *cache, const ab_gatt_record *record);

#endif
