/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_cache.h"

#include "helpers/cache_bed.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- changes ---- */

static void a_change_costs_what_lies_in_it_and_no_more(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) asks_for_all(bed);
  assert_true(asks(bed, descs_of(3, 9)) == 0);
  ab_gatt_cache_changed(&bed->cache, 11, 11);
  assert_int_equal(bed->cache.generation, 1);
  assert_int_equal(asks(bed, chars_of(1, 9)), 0);
  assert_int_equal(asks(bed, chars_of(20, 0xffff)), 0);
  assert_int_equal(asks(bed, primary), 1); /* 10..12 and nothing else */
  assert_int_equal(asks(bed, primary), 0);
  assert_int_equal(asks(bed, chars_of(10, 12)), 1);
}

static void a_change_between_services_is_only_about_the_list(void **state) {
  cache_bed *bed = *state;
  ab_gatt_item item;
  ab_gatt_ask ask;

  put_small_table(bed);
  (void) asks_for_all(bed);
  ab_gatt_cache_changed(&bed->cache, 13, 19);
  assert_int_equal(ab_gatt_cache_next(&bed->cache, &primary, 13, NULL, &item, &ask), AIOBLE_EAGAIN);
  assert_int_equal(ask.first, 13);
  assert_int_equal(ask.last, 19);
  put_service(bed, 13, 15, 9);
  assert_int_equal(asks(bed, primary), 2);
  assert_int_equal(asks(bed, primary), 0);
}

/* what lies between them has to be listed anew, but what it contains is known */
static void two_changes_leave_one_range_unknown(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) asks_for_all(bed);
  ab_gatt_cache_changed(&bed->cache, 1, 1);
  ab_gatt_cache_changed(&bed->cache, 13, 13);
  assert_int_equal(asks(bed, chars_of(10, 12)), 0);
  assert_int_equal(asks(bed, primary), 3); /* 1, 10, and nothing at 13 */
  assert_int_equal(asks(bed, chars_of(10, 12)), 0);
  assert_true(asks(bed, chars_of(1, 9)) > 0);
}

static void a_service_listed_anew_must_be_the_same(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) asks_for_all(bed);
  ab_gatt_cache_changed(&bed->cache, 1, 1);
  ab_gatt_cache_changed(&bed->cache, 13, 13);
  for (unsigned i = 0; i < bed->n_attrs; i++)
    if (bed->attrs[i].item.handle == 10)
      bed->attrs[i].item.uuid = uuid_of(5);
  (void) discover(bed, &primary, NULL, 2);
  assert_int_equal(bed->cache.refused, 1);
  assert_int_equal(bed->cache.n, 0);
  assert_int_equal(asks(bed, primary), 3);
}

static void a_change_takes_inclusions_of_what_changed(void **state) {
  cache_bed *bed = *state;

  put_service(bed, 1, 5, 0);
  put_service(bed, 10, 14, 3);
  put_service(bed, 15, 15, 3);
  put_include(bed, 1, 2, &bed->attrs[1].item);
  put_include(bed, 1, 3, &bed->attrs[3].item);
  put_char(bed, 1, 4, 0);
  (void) asks_for_all(bed);
  assert_int_equal(asks(bed, includes_of(1, 5)), 0);
  ab_gatt_cache_changed(&bed->cache, 15, 20);
  assert_int_equal(asks(bed, chars_of(1, 5)), 0);
  assert_int_equal(asks(bed, includes_of(1, 5)), 3);
}

static void a_range_that_is_none_is_everything(void **state) {
  static const uint16_t ranges[][2] = {{0, 0}, {5, 4}, {0xffff, 1}, {0, 0xffff}, {1, 0xffff}};
  cache_bed *bed = *state;

  put_small_table(bed);
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    (void) asks_for_all(bed);
    ab_gatt_cache_changed(&bed->cache, ranges[i][0], ranges[i][1]);
    assert_int_equal(bed->cache.n, 0);
    assert_int_equal(asks(bed, primary), 3);
  }
}

static void an_answer_from_before_a_change_is_not_believed(void **state) {
  cache_bed *bed = *state;
  ab_gatt_ask ask;
  ab_gatt_item item;

  put_small_table(bed);
  assert_int_equal(ab_gatt_cache_next(&bed->cache, &primary, 0, NULL, &item, &ask), AIOBLE_EAGAIN);
  assert_true(peer_says(bed, &primary, ask.first, ask.last, &item));
  ab_gatt_cache_changed(&bed->cache, 1, 9);
  assert_false(ab_gatt_cache_learn(&bed->cache, &primary, &ask, 9, &item));
  assert_int_equal(ask.first, 1);
  assert_int_equal(bed->cache.n, 0);
}

static void another_hash_forgets_everything(void **state) {
  static const uint8_t hash[AB_GATT_HASH_LEN] = {1, 2, 3}, other[AB_GATT_HASH_LEN] = {1, 2, 4},
                       none[AB_GATT_HASH_LEN];
  cache_bed *bed = *state;

  put_small_table(bed);
  assert_true(ab_gatt_cache_confirm(&bed->cache, none));
  assert_false(ab_gatt_cache_confirm(&bed->cache, hash));
  (void) asks_for_all(bed);
  assert_true(ab_gatt_cache_confirm(&bed->cache, hash));
  assert_int_equal(asks_for_all(bed), 0);
  assert_false(ab_gatt_cache_confirm(&bed->cache, other));
  assert_int_equal(bed->cache.n, 0);
  (void) asks_for_all(bed);
  ab_gatt_cache_changed(&bed->cache, 1, 9); /* the hash is another one now, but which? */
  assert_memory_equal(bed->cache.hash, none, sizeof none);
  ab_gatt_cache_set_hash(&bed->cache, hash);
  assert_true(ab_gatt_cache_confirm(&bed->cache, hash));
  assert_int_equal(asks(bed, chars_of(20, 0xffff)), 0);
}

/* ---- keeping ---- */

static void what_is_imported_answers_as_before(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) discover(bed, &primary, NULL, 2);
  (void) asks(bed, chars_of(1, 9));
  assert_copy(bed);
  ab_gatt_cache_free(&bed->cache);
  bed->cache = bed->copy;
  ab_gatt_cache_init(&bed->copy, bed->env);
  assert_int_equal(asks(bed, chars_of(1, 9)), 0);
  assert_int_equal(asks(bed, primary), 1);
}

/* one field, changed by hand */
static void corrupt(cache_bed *bed, ab_gatt_record *record) {
  uint16_t *const numbers[] = {&record->handle,      &record->last,
                               &record->value,       &record->includes_to,
                               &record->contents_to, &bed->cache.unknown[0].first};
  unsigned which = below(bed, 8);

  if (which < sizeof numbers / sizeof *numbers)
    *numbers[which] = (uint16_t) below(bed, 24);
  else if (which == 6)
    record->kind = (ab_gatt_cache_kind) below(bed, 8);
  else
    record->uuid.size = (uint8_t) below(bed, 20);
}

static void a_corrupt_import_is_refused_or_makes_sense(void **state) {
  cache_bed *bed = *state;
  unsigned refused = 0;

  put_small_table(bed);
  put_include(bed, 10, 11, &bed->attrs[0].item);
  (void) asks_for_all(bed);
  for (unsigned i = 0; i < 20000; i++) {
    ab_gatt_record *record = &bed->cache.records[below(bed, bed->cache.n)];
    ab_gatt_record kept = *record;
    int err;

    corrupt(bed, record);
    err = import_copy(bed);
    assert_true(err == 0 || err == AIOBLE_EINVAL);
    assert_int_equal(bed->copy.n, err ? 0 : bed->cache.n);
    refused += err != 0;
    *record = kept;
    bed->cache.unknown[0].first = 1;
  }
  assert_true(refused > 5000);
  assert_true(refused < 20000);
}

static void an_import_has_the_limits_of_learning(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) asks_for_all(bed);
  bed->copy.max = 5;
  assert_int_equal(import_copy(bed), AIOBLE_ENOBUFS);
  assert_int_equal(bed->copy.n, 0);
  ab_gatt_cache_free(&bed->copy);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(import_copy(bed), AIOBLE_ENOMEM);
  assert_int_equal(bed->copy.n, 0);
}

/* ---- random tables, random discoveries, random changes ---- */

static void put_random_contents(cache_bed *bed, uint16_t service, uint16_t last) {
  uint32_t at = service + 1u;

  while (below(bed, 4) == 0 && at <= last)
    put_include(bed, service, (uint16_t) at++, &bed->attrs[0].item);
  while (below(bed, 8) && at + 1 <= last) {
    uint16_t value = (uint16_t) at + 1;

    put_char(bed, service, (uint16_t) at, below(bed, 6));
    for (at += 2; below(bed, 3) && at <= last; at += 1 + below(bed, 2))
      put_desc(bed, value, (uint16_t) at, below(bed, 6));
  }
}

static void put_random_services(cache_bed *bed, uint32_t at, uint32_t last) {
  while ((at += below(bed, 4)) <= last && below(bed, 20)) {
    uint32_t end = at + below(bed, 12);

    if (end > last)
      end = last;
    put(bed, below(bed, 5) ? AB_GATT_CACHE_PRIMARY : AB_GATT_CACHE_SECONDARY, 0, (uint16_t) at,
        (uint16_t) end, below(bed, 6));
    put_random_contents(bed, (uint16_t) at, (uint16_t) end);
    at = end + 1;
  }
}

/* Takes out the services of that range, and what includes them. The range as the server tells. */
static ab_att_range clear(cache_bed *bed, ab_att_range range) {
  unsigned kept = 0;

  for (unsigned i = 0; i < bed->n_attrs; i++) {
    const ab_gatt_item *item = &bed->attrs[i].item;

    if (bed->attrs[i].kind <= AB_GATT_CACHE_SECONDARY && item->handle <= range.last &&
        item->last >= range.first) {
      range.first = item->handle < range.first ? item->handle : range.first;
      range.last = item->last > range.last ? item->last : range.last;
    }
  }
  for (unsigned i = 0; i < bed->n_attrs; i++) {
    const ab_gatt_item *item = &bed->attrs[i].item;
    bool includes = bed->attrs[i].kind == AB_GATT_CACHE_INCLUDE && item->value <= range.last &&
                    item->last >= range.first;

    if (!includes && (item->handle < range.first || item->handle > range.last))
      bed->attrs[kept++] = bed->attrs[i];
  }
  bed->n_attrs = kept;
  return range;
}

static void change(cache_bed *bed) {
  uint16_t first = (uint16_t) (1 + below(bed, 600));
  ab_att_range range = clear(bed, (ab_att_range){first, (uint16_t) (first + below(bed, 30))});

  put_random_services(bed, range.first, range.last);
  ab_gatt_cache_changed(&bed->cache, range.first, range.last);
}

static uint16_t service_end(const cache_bed *bed, uint16_t handle) {
  uint16_t last = 0;

  for (unsigned i = 0; i < bed->n_attrs && bed->attrs[i].item.handle <= handle; i++)
    if (bed->attrs[i].kind <= AB_GATT_CACHE_SECONDARY)
      last = bed->attrs[i].item.last;
  return last;
}

static ab_gatt_unit random_unit(cache_bed *bed) {
  unsigned i = below(bed, bed->n_attrs ? bed->n_attrs : 1);
  ab_gatt_item item = bed->attrs[i].item;
  uint16_t last = service_end(bed, item.handle);

  if (below(bed, 6) == 0 || !bed->n_attrs)
    return below(bed, 3) ? primary : secondary;
  if (bed->attrs[i].kind == AB_GATT_CACHE_CHAR)
    return descs_of(item.value, last);
  if (bed->attrs[i].kind <= AB_GATT_CACHE_SECONDARY)
    return below(bed, 3) ? chars_of(item.handle, last) : includes_of(item.handle, last);
  return primary;
}

static void it_is_never_wrong(void **state) {
  cache_bed *bed = *state;
  unsigned answered = 0;

  for (unsigned seed = 1; seed <= 60; seed++) {
    bed->n_attrs = 0;
    ab_gatt_cache_forget(&bed->cache);
    fake_env_seed(bed->env, seed);
    put_random_services(bed, 1, 600);
    bed->cache.max = seed % 4 ? AB_GATT_CACHE_MAX : 100;
    for (unsigned step = 0; step < 300; step++) {
      ab_gatt_unit unit = random_unit(bed);
      aioble_uuid_t uuid = uuid_of(below(bed, 6));
      unsigned most = below(bed, 2) ? 1 + below(bed, 3) : CACHE_BED_MOST, before = bed->asked;
      bool any = below(bed, 2);

      bed->deaf = below(bed, 8) == 0;
      (void) discover(bed, &unit, any ? NULL : &uuid, most);
      answered += bed->asked == before;
      if (below(bed, 40) == 0)
        change(bed);
      assert_copy(bed);
    }
    bed->deaf = false;
    bed->cache.max = AB_GATT_CACHE_MAX;
    (void) asks_for_all(bed);
    assert_int_equal(asks_for_all(bed), 0);
  }
  assert_int_equal(bed->cache.refused > 0, true); /* the limit, never a contradiction */
  assert_true(answered > 60 * 300 / 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_bed_set_up, cache_bed_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_change_costs_what_lies_in_it_and_no_more),
      TEST(a_change_between_services_is_only_about_the_list),
      TEST(two_changes_leave_one_range_unknown),
      TEST(a_service_listed_anew_must_be_the_same),
      TEST(a_change_takes_inclusions_of_what_changed),
      TEST(a_range_that_is_none_is_everything),
      TEST(an_answer_from_before_a_change_is_not_believed),
      TEST(another_hash_forgets_everything),
      TEST(what_is_imported_answers_as_before),
      TEST(a_corrupt_import_is_refused_or_makes_sense),
      TEST(an_import_has_the_limits_of_learning),
      TEST(it_is_never_wrong),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
