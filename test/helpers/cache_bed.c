/* SPDX-License-Identifier: MIT */
#include "helpers/cache_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

int cache_bed_set_up(void **state) {
  cache_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  bed->env = fake_env_new();
  ab_gatt_cache_init(&bed->cache, bed->env);
  ab_gatt_cache_init(&bed->copy, bed->env);
  *state = bed;
  return 0;
}

int cache_bed_tear_down(void **state) {
  cache_bed *bed = *state;

  ab_gatt_cache_free(&bed->cache);
  ab_gatt_cache_free(&bed->copy);
  fake_env_free(bed->env);
  free(bed);
  return 0;
}

/* ---- the peer ---- */

unsigned below(cache_bed *bed, unsigned n) {
  uint32_t random;

  assert_int_equal(ab_random(bed->env, &random, sizeof random), 0);
  return random % n;
}

aioble_uuid_t uuid_of(unsigned n) {
  aioble_uuid_t uuid = aioble_uuid16((uint16_t) (0x1800 + n / 2));

  if (n & 1) {
    uuid.size = 16;
    uuid.bytes[15] = 0xee;
  }
  return uuid;
}

ab_gatt_item *put(cache_bed *bed, ab_gatt_cache_kind kind, uint16_t parent, uint16_t handle,
                  uint16_t last, unsigned uuid) {
  unsigned i = bed->n_attrs++;

  assert_true(bed->n_attrs <= CACHE_BED_MOST);
  for (; i && bed->attrs[i - 1].item.handle > handle; i--)
    bed->attrs[i] = bed->attrs[i - 1];
  bed->attrs[i].kind = kind;
  bed->attrs[i].parent = parent;
  bed->attrs[i].item = (ab_gatt_item){.handle = handle, .last = last, .uuid = uuid_of(uuid)};
  return &bed->attrs[i].item;
}

void put_service(cache_bed *bed, uint16_t handle, uint16_t last, unsigned uuid) {
  put(bed, AB_GATT_CACHE_PRIMARY, 0, handle, last, uuid);
}

void put_char(cache_bed *bed, uint16_t service, uint16_t handle, unsigned uuid) {
  ab_gatt_item *item = put(bed, AB_GATT_CACHE_CHAR, service, handle, 0, uuid);

  item->value = handle + 1;
  item->properties = (uint8_t) (handle | 2);
}

void put_desc(cache_bed *bed, uint16_t value, uint16_t handle, unsigned uuid) {
  put(bed, AB_GATT_CACHE_DESC, value, handle, handle, uuid);
}

void put_include(cache_bed *bed, uint16_t service, uint16_t handle, const ab_gatt_item *what) {
  ab_gatt_item included = *what;
  ab_gatt_item *item = put(bed, AB_GATT_CACHE_INCLUDE, service, handle, included.last, 0);

  item->value = included.handle;
  item->uuid = included.uuid;
}

uint16_t reach_of(ab_gatt_cache_kind kind, const ab_gatt_item *item) {
  return kind == AB_GATT_CACHE_CHAR      ? item->value
         : kind <= AB_GATT_CACHE_SERVICE ? item->last
                                         : item->handle;
}

/* the first of the unit in that range; a characteristic's end is only known to be in its service */
bool peer_says(cache_bed *bed, const ab_gatt_unit *unit, uint32_t first, uint16_t last,
               ab_gatt_item *item) {
  bed->asked++;
  for (unsigned i = 0; i < bed->n_attrs; i++)
    if (bed->attrs[i].kind == unit->kind && bed->attrs[i].parent == unit->parent &&
        bed->attrs[i].item.handle >= first && bed->attrs[i].item.handle <= last) {
      *item = bed->attrs[i].item;
      if (unit->kind == AB_GATT_CACHE_CHAR)
        item->last = unit->last;
      return true;
    }
  return false;
}

/* ---- discovery, as whoever owns a cache does it ---- */

static void take(cache_bed *bed, const ab_gatt_item *item) {
  bed->found[bed->n_found++] = *item;
}

/* what the peer says to *ask, up to its first item; where to go on */
uint32_t ask_peer(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                  ab_gatt_ask *ask) {
  ab_gatt_item item;
  bool there = peer_says(bed, unit, ask->first, ask->last, &item);
  uint16_t upto = there ? reach_of(unit->kind, &item) : ask->last;

  if (!bed->deaf)
    assert_true(ab_gatt_cache_learn(&bed->cache, unit, ask, upto, there ? &item : NULL));
  if (there && (!uuid || aioble_uuid_equal(uuid, &item.uuid)))
    take(bed, &item);
  return upto + 1u;
}

/* the items of the unit in bed->found, given up once there are `most` */
static void fill(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                 unsigned most) {
  uint32_t from = 0;
  ab_gatt_ask ask;
  ab_gatt_item item;
  int status;

  bed->n_found = 0;
  while (bed->n_found < most &&
         (status = ab_gatt_cache_next(&bed->cache, unit, from, uuid, &item, &ask))) {
    if (status == 1) {
      take(bed, &item);
      from = reach_of(unit->kind, &item) + 1u;
    } else {
      assert_int_equal(status, AIOBLE_EAGAIN);
      assert_true(ask.first >= from && ask.first <= ask.last && ask.last <= unit->last);
      from = ask_peer(bed, unit, uuid, &ask);
    }
  }
}

const ab_gatt_unit primary = {AB_GATT_CACHE_PRIMARY, 0, 0xffff};
const ab_gatt_unit secondary = {AB_GATT_CACHE_SECONDARY, 0, 0xffff};

ab_gatt_unit chars_of(uint16_t service, uint16_t last) {
  return (ab_gatt_unit){AB_GATT_CACHE_CHAR, service, last};
}

ab_gatt_unit descs_of(uint16_t value, uint16_t last) {
  return (ab_gatt_unit){AB_GATT_CACHE_DESC, value, last};
}

ab_gatt_unit includes_of(uint16_t service, uint16_t last) {
  return (ab_gatt_unit){AB_GATT_CACHE_INCLUDE, service, last};
}

/* everything found is what the peer has, in its order */
static void check(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                  unsigned most) {
  unsigned n = 0;

  for (unsigned i = 0; i < bed->n_attrs && n < most; i++) {
    const ab_gatt_item *item = &bed->attrs[i].item;

    if (bed->attrs[i].kind != unit->kind || bed->attrs[i].parent != unit->parent ||
        (uuid && !aioble_uuid_equal(uuid, &item->uuid)))
      continue;
    assert_true(n < bed->n_found);
    assert_int_equal(bed->found[n].handle, item->handle);
    assert_int_equal(bed->found[n].value, item->value);
    assert_int_equal(bed->found[n].properties, item->properties);
    assert_true(aioble_uuid_equal(&bed->found[n].uuid, &item->uuid));
    if (unit->kind == AB_GATT_CACHE_CHAR)
      assert_true(bed->found[n].last >= item->value && bed->found[n].last <= unit->last);
    else
      assert_int_equal(bed->found[n].last, item->last);
    n++;
  }
  assert_int_equal(n, bed->n_found);
}

unsigned discover(cache_bed *bed, const ab_gatt_unit *unit, const aioble_uuid_t *uuid,
                  unsigned most) {
  unsigned before = bed->asked;

  fill(bed, unit, uuid, most);
  check(bed, unit, uuid, most);
  return bed->asked - before;
}

unsigned asks(cache_bed *bed, ab_gatt_unit unit) {
  return discover(bed, &unit, NULL, CACHE_BED_MOST);
}

/* every unit there is */
unsigned asks_for_all(cache_bed *bed) {
  unsigned n = asks(bed, primary) + asks(bed, secondary);
  uint16_t last = 0;

  for (unsigned i = 0; i < bed->n_attrs; i++) {
    ab_gatt_item item = bed->attrs[i].item;

    if (bed->attrs[i].kind <= AB_GATT_CACHE_SECONDARY) {
      last = item.last;
      n += asks(bed, includes_of(item.handle, last)) + asks(bed, chars_of(item.handle, last));
    } else if (bed->attrs[i].kind == AB_GATT_CACHE_CHAR) {
      n += asks(bed, descs_of(item.value, last));
    }
  }
  return n;
}

void put_small_table(cache_bed *bed) {
  put_service(bed, 1, 9, 0);
  put_char(bed, 1, 2, 10);
  put_desc(bed, 3, 4, 20);
  put_desc(bed, 3, 5, 22);
  put_char(bed, 1, 6, 12);
  put_service(bed, 10, 12, 1);
  put_service(bed, 20, 0xffff, 0);
  put_char(bed, 20, 21, 10);
}

int import_copy(cache_bed *bed) {
  return ab_gatt_cache_import(&bed->copy, bed->cache.records, bed->cache.n, bed->cache.unknown);
}

void assert_copy(cache_bed *bed) {
  assert_int_equal(import_copy(bed), 0);
  assert_false(bed->copy.dirty);
  assert_int_equal(bed->copy.n, bed->cache.n);
  assert_memory_equal(bed->copy.unknown, bed->cache.unknown, sizeof bed->copy.unknown);
  if (bed->copy.n)
    assert_memory_equal(bed->copy.records, bed->cache.records,
                        bed->copy.n * sizeof *bed->copy.records);
}
