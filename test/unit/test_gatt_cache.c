/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_cache.h"

#include "helpers/cache_bed.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- learning ---- */

static void nothing_is_known_at_first(void **state) {
  cache_bed *bed = *state;
  ab_gatt_item item;
  ab_gatt_ask ask;

  assert_int_equal(ab_gatt_cache_next(&bed->cache, &primary, 0, NULL, &item, &ask), AIOBLE_EAGAIN);
  assert_int_equal(ask.first, 1);
  assert_int_equal(ask.last, 0xffff);
  assert_int_equal(ab_gatt_cache_next(&bed->cache, &primary, 0x10000, NULL, &item, &ask), 0);
  assert_int_equal(fake_env_allocs(bed->env), 0);
}

static void what_was_discovered_is_not_asked_again(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  assert_int_equal(asks(bed, primary), 3); /* the last service leaves nothing behind it */
  assert_int_equal(asks(bed, primary), 0);
  assert_true(asks_for_all(bed) > 0);
  assert_int_equal(asks_for_all(bed), 0);
}

static void an_abandoned_discovery_has_taught_what_it_saw(void **state) {
  cache_bed *bed = *state;
  aioble_uuid_t uuid = uuid_of(1);

  put_small_table(bed);
  (void) discover(bed, &primary, &uuid, 1);
  assert_int_equal(bed->asked, 2);
  (void) discover(bed, &primary, &uuid, 1);
  assert_int_equal(bed->asked, 2);
  assert_int_equal(asks(bed, primary), 1);
}

static void by_uuid_finds_short_and_long_forms_in_handle_order(void **state) {
  cache_bed *bed = *state;
  aioble_uuid_t uuid = uuid_of(0), wide = aioble_uuid_to128(&uuid);

  put_small_table(bed);
  for (unsigned i = 0; i < 2; i++) {
    (void) discover(bed, &primary, &wide, CACHE_BED_MOST);
    assert_int_equal(bed->n_found, 2);
  }
  assert_int_equal(bed->asked, 3);
}

static void a_characteristic_ends_where_the_next_begins(void **state) {
  cache_bed *bed = *state;
  ab_gatt_unit chars = chars_of(1, 9);

  put_small_table(bed);
  (void) asks(bed, primary);
  (void) asks(bed, chars);
  (void) discover(bed, &chars, NULL, CACHE_BED_MOST);
  assert_int_equal(bed->found[0].last, 5);
  assert_int_equal(bed->found[1].last, 9);
}

/* the end is not known yet when its descriptors are discovered */
static void descriptors_may_be_learnt_before_the_next_characteristic(void **state) {
  cache_bed *bed = *state;
  ab_gatt_unit chars = chars_of(1, 9);

  put_small_table(bed);
  (void) asks(bed, primary);
  (void) discover(bed, &chars, NULL, 1);
  assert_int_equal(asks(bed, descs_of(3, 9)), 3);
  assert_int_equal(asks(bed, chars), 2);
  assert_int_equal(asks(bed, descs_of(3, 9)), 0);
  assert_int_equal(asks(bed, descs_of(3, 5)), 0);
}

static void what_is_in_an_unknown_service_teaches_nothing(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  assert_int_equal(asks(bed, chars_of(1, 9)), 3);
  assert_int_equal(asks(bed, chars_of(1, 9)), 3);
  assert_int_equal(asks(bed, descs_of(3, 5)), 2);
  assert_int_equal(asks(bed, descs_of(3, 5)), 2);
  assert_int_equal(asks(bed, primary), 3);
  assert_int_equal(asks(bed, chars_of(1, 9)), 3);
  assert_int_equal(bed->cache.refused, 0);
}

static void an_included_service_is_known_without_being_listed(void **state) {
  cache_bed *bed = *state;
  ab_gatt_item *service;

  put_service(bed, 1, 5, 0);
  service = put(bed, AB_GATT_CACHE_SECONDARY, 0, 10, 14, 3);
  put_include(bed, 1, 2, service);
  put_char(bed, 10, 11, 7);
  (void) discover(bed, &primary, NULL, 1);
  assert_int_equal(asks(bed, includes_of(1, 5)), 2);
  assert_int_equal(asks(bed, chars_of(10, 14)), 2);
  assert_int_equal(asks(bed, chars_of(10, 14)), 0);
  assert_int_equal(asks(bed, primary), 1); /* it is none of them */
  assert_int_equal(asks(bed, secondary), 2);
  assert_int_equal(asks_for_all(bed), 3); /* includes of 10, descriptors, characteristics of 1 */
  assert_int_equal(asks_for_all(bed), 0);
}

static void learning_that_does_not_begin_where_knowledge_ends_is_left_out(void **state) {
  cache_bed *bed = *state;
  ab_gatt_ask ask = {5, 0xffff, 0};
  ab_gatt_item service = {.handle = 10, .last = 12, .uuid = uuid_of(1)};

  put_small_table(bed);
  assert_true(ab_gatt_cache_learn(&bed->cache, &primary, &ask, 12, &service));
  assert_int_equal(ask.first, 13);
  assert_int_equal(bed->cache.n, 0);
  assert_int_equal(asks(bed, primary), 3);
}

static void two_at_once(cache_bed *bed, unsigned all) {
  ab_gatt_ask one, other;
  ab_gatt_item item;

  put_small_table(bed);
  assert_int_equal(ab_gatt_cache_next(&bed->cache, &primary, 0, NULL, &item, &one), AIOBLE_EAGAIN);
  other = one;
  for (unsigned i = 0; i < 2 + all; i++)
    (void) ask_peer(bed, &primary, NULL, &one);
  for (unsigned i = 0; i < 3; i++)
    (void) ask_peer(bed, &primary, NULL, &other);
  assert_int_equal(bed->cache.refused, 0);
  assert_int_equal(asks(bed, primary), 0);
}

static void of_two_discoveries_at_once_each_goes_its_way(void **state) {
  cache_bed *bed = *state;

  two_at_once(bed, 0);
  ab_gatt_cache_forget(&bed->cache);
  bed->n_attrs = 0;
  two_at_once(bed, 1);
}

/* ---- limits, memory, and peers that make no sense ---- */

static void a_full_cache_learns_no_more_and_is_right(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  bed->cache.max = 2;
  assert_int_equal(asks(bed, primary), 3);
  assert_int_equal(bed->cache.n, 2);
  assert_int_equal(bed->cache.refused, 1);
  assert_int_equal(asks(bed, primary), 1);
  assert_true(asks_for_all(bed) > 0);
  assert_int_equal(bed->cache.n, 2);
}

static void without_memory_it_learns_nothing_and_is_right(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(asks(bed, primary), 3);
  assert_int_equal(bed->cache.n, 0);
  assert_int_equal(bed->cache.refused, 1);
  assert_int_equal(asks(bed, primary), 3);
  assert_int_equal(asks(bed, primary), 0);
}

/* each of these contradicts the small peer, said where knowledge ends */
static void contradictions_make_it_forget_all(void **state) {
  static const struct {
    ab_gatt_unit unit;
    ab_gatt_item item;
  } hostile[] = {
      {{AB_GATT_CACHE_CHAR, 10, 12}, {.handle = 11, .value = 13}},
      {{AB_GATT_CACHE_CHAR, 10, 12}, {.handle = 11, .value = 11}},
      {{AB_GATT_CACHE_CHAR, 10, 12}, {.handle = 12, .value = 11}},
      {{AB_GATT_CACHE_CHAR, 10, 12}, {.handle = 13, .value = 14}},
      {{AB_GATT_CACHE_CHAR, 10, 12}, {.handle = 0, .value = 11}},
      {{AB_GATT_CACHE_INCLUDE, 1, 9}, {.handle = 3, .value = 10, .last = 12}},
      {{AB_GATT_CACHE_INCLUDE, 1, 9}, {.handle = 4, .value = 10, .last = 12}},
      {{AB_GATT_CACHE_INCLUDE, 10, 12}, {.handle = 11, .value = 1, .last = 8}},
      {{AB_GATT_CACHE_INCLUDE, 10, 12}, {.handle = 11, .value = 0, .last = 0}},
      {{AB_GATT_CACHE_INCLUDE, 10, 12}, {.handle = 11, .value = 14, .last = 13}},
      {{AB_GATT_CACHE_INCLUDE, 10, 12}, {.handle = 11, .value = 13, .last = 20}},
      {{AB_GATT_CACHE_DESC, 7, 9}, {.handle = 10, .last = 10}},
      {{AB_GATT_CACHE_SECONDARY, 0, 0xffff}, {.handle = 1, .last = 9}},
      {{AB_GATT_CACHE_SECONDARY, 0, 0xffff}, {.handle = 14, .last = 20}},
      {{AB_GATT_CACHE_SECONDARY, 0, 0xffff}, {.handle = 14, .last = 13}},
  };
  cache_bed *bed = *state;

  put_small_table(bed);
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
    ab_gatt_item item = hostile[i].item;
    ab_gatt_unit unit = hostile[i].unit;
    ab_gatt_ask ask = {unit.parent + 1u, unit.last, 0};

    (void) asks(bed, primary);
    (void) asks(bed, chars_of(1, 9));
    (void) asks(bed, descs_of(3, 9));
    item.uuid = uuid_of(0);
    ask.generation = bed->cache.generation;
    assert_true(ab_gatt_cache_learn(&bed->cache, &unit, &ask, unit.last, &item));
    assert_int_equal(bed->cache.refused, i + 1);
    assert_int_equal(bed->cache.n, 0);
    assert_int_not_equal(bed->cache.generation, ask.generation);
  }
}

static void a_declaration_is_no_descriptor(void **state) {
  cache_bed *bed = *state;

  put_small_table(bed);
  (void) asks(bed, primary);
  (void) asks(bed, chars_of(1, 9));
  bed->attrs[2].item.uuid = aioble_uuid16(0x2803);
  assert_int_equal(asks(bed, descs_of(3, 5)), 2);
  assert_int_equal(bed->cache.refused, 1);
}

/* mostly what could come there, now and then anything */
static ab_gatt_item random_item(cache_bed *bed, uint32_t from) {
  uint16_t handle = (uint16_t) (from + below(bed, 3));

  if (below(bed, 40) == 0)
    return (ab_gatt_item){(uint16_t) below(bed, 60), (uint16_t) below(bed, 60),
                          (uint16_t) below(bed, 60), 2,
                          uuid_of(below(bed, 3)),    {0}};
  return (ab_gatt_item){handle,
                        (uint16_t) (handle + below(bed, 8)),
                        (uint16_t) (handle + below(bed, 3)),
                        2,
                        uuid_of(below(bed, 3)),
                        {0}};
}

/* of what is known, or may be */
static ab_gatt_unit unit_of_cache(cache_bed *bed) {
  ab_gatt_record *record = bed->cache.n ? &bed->cache.records[below(bed, bed->cache.n)] : NULL;

  if (!record || below(bed, 8) == 0)
    return below(bed, 4) ? primary : secondary;
  if (record->kind == AB_GATT_CACHE_CHAR)
    return descs_of(record->value, 60);
  return below(bed, 3) ? chars_of(record->handle, record->last)
                       : includes_of(record->handle, record->last);
}

static void it_stays_a_table_whatever_it_is_told(void **state) {
  cache_bed *bed = *state;
  unsigned most = 0;

  for (unsigned i = 0; i < 100000; i++) {
    ab_gatt_unit unit = unit_of_cache(bed);
    ab_gatt_item item;
    ab_gatt_ask ask;
    uint32_t from = 0;

    while (ab_gatt_cache_next(&bed->cache, &unit, from, NULL, &item, &ask) == 1)
      from = item.handle + 1u;
    item = random_item(bed, ask.first);
    (void) ab_gatt_cache_learn(&bed->cache, &unit, &ask,
                               (uint16_t) (reach_of(unit.kind, &item) + below(bed, 2)),
                               below(bed, 8) ? &item : NULL);
    if (below(bed, 100) == 0)
      ab_gatt_cache_changed(&bed->cache, (uint16_t) below(bed, 60), (uint16_t) below(bed, 60));
    if (bed->cache.n > most)
      most = bed->cache.n;
    assert_copy(bed);
  }
  assert_true(bed->cache.refused > 1000);
  assert_true(most > 8); /* the order of chances is the compiler's */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_bed_set_up, cache_bed_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_is_known_at_first),
      TEST(what_was_discovered_is_not_asked_again),
      TEST(an_abandoned_discovery_has_taught_what_it_saw),
      TEST(by_uuid_finds_short_and_long_forms_in_handle_order),
      TEST(a_characteristic_ends_where_the_next_begins),
      TEST(descriptors_may_be_learnt_before_the_next_characteristic),
      TEST(what_is_in_an_unknown_service_teaches_nothing),
      TEST(an_included_service_is_known_without_being_listed),
      TEST(learning_that_does_not_begin_where_knowledge_ends_is_left_out),
      TEST(of_two_discoveries_at_once_each_goes_its_way),
      TEST(a_full_cache_learns_no_more_and_is_right),
      TEST(without_memory_it_learns_nothing_and_is_right),
      TEST(contradictions_make_it_forget_all),
      TEST(a_declaration_is_no_descriptor),
      TEST(it_stays_a_table_whatever_it_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
