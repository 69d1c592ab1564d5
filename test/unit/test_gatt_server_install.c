/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Two services; the names are theirs:
     a  10 service, 11 12 2a6e read, notify, 13 its CCCD, 14 its 2901
     b  15 service, 16 17 2a6f read, indicate, 18 its CCCD
   and the client has subscribed to Service Changed and to both. */
static const char a[] = "a", b[] = "b", c[] = "c";

typedef struct world {
  gatt_bed *bed;
  bed_value *first, *text, *second;
} world;

static void add_b(world *w) {
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x180f), false, b, 4);
  w->second = bed_char(w->bed, "2a6f", AIOBLE_READ | AIOBLE_INDICATE, "02");
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  gatt_bed *bed = gatt_bed_new();

  assert_non_null(w);
  w->bed = bed;
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, a, 5);
  w->first = bed_char(bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "01");
  w->text = bed_desc(bed, "2901", AIOBLE_READ, "41");
  add_b(w);
  bed_install(bed);
  bed_play(bed, "> 12 09 00 02 00\n"
                "< 13\n"
                "> 12 13 00 01 00\n"
                "< 13\n"
                "> 12 18 00 02 00\n"
                "< 13\n");
  bed->link.dirty = false;
  bed->db = ab_gatt_db_copy(&bed->server);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;

  gatt_bed_free(w->bed);
  free(w);
  return 0;
}

/* installs what has been changed; the indication is confirmed */
static void expect_changed(world *w, const char *range) {
  char script[64];

  bed_install(w->bed);
  assert_true(w->bed->link.dirty);
  snprintf(script, sizeof script, "< 1d 08 00 %s\n> 1e\n", range);
  bed_play(w->bed, script);
}

static unsigned subscribed(const world *w, const bed_value *value) {
  return ab_gatt_server_subscribed(&w->bed->link, &value->value);
}

static void nobody_hears_of_an_equal_table(void **state) {
  world *w = *state;

  bed_play(w->bed, "> 16 09 00 00 00 00 00\n"
                   "< 17 09 00 00 00 00 00\n");
  bed_install(w->bed);
  assert_false(w->bed->link.dirty);
  assert_int_equal(subscribed(w, w->first), 1);
  bed_play(w->bed, "> 18 01\n" /* what was prepared is still there */
                   "< 19\n"
                   "> 0a 09 00\n"
                   "< 0b 00 00\n");
}

static void values_may_be_others_in_an_equal_table(void **state) {
  world *w = *state;
  bed_value *old = w->first;

  ab_gatt_db_unref(w->bed->db);
  w->bed->db = ab_gatt_db_new(&w->bed->server);
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181a), false, c, 0);
  w->first = bed_char(w->bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "77");
  w->text = bed_desc(w->bed, "2901", AIOBLE_READ, "6f");
  add_b(w);
  bed_install(w->bed);
  assert_int_equal(old->value.handle, 0);
  assert_int_equal(subscribed(w, old), 0);
  assert_int_equal(subscribed(w, w->first), 1);
  assert_int_equal(subscribed(w, w->second), 2);
  bed_play(w->bed, "> 0a 12 00\n"
                   "< 0b 77\n");
}

static void a_new_service_is_the_range(void **state) {
  world *w = *state;

  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181b), false, c, 3);
  bed_char(w->bed, "2a6e", AIOBLE_READ, "03");
  expect_changed(w, "19 00 1b 00");
  assert_int_equal(subscribed(w, w->first), 1);
  assert_int_equal(subscribed(w, w->second), 2);
  assert_int_equal(w->first->subscriptions, 1);
}

static void a_removed_service_is_the_range_and_takes_its_subscriptions_along(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, a);
  expect_changed(w, "10 00 14 00");
  assert_int_equal(subscribed(w, w->first), 0);
  assert_int_equal(subscribed(w, w->second), 2);
  assert_int_equal(subscribed(w, w->second), w->bed->link.cccds[1]);
  bed_play(w->bed, "> 0a 18 00\n"
                   "< 0b 02 00\n");
}

static void a_service_in_the_place_of_another_has_no_subscribers(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, b);
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181b), false, c, 4);
  w->second = bed_char(w->bed, "2a6f", AIOBLE_READ | AIOBLE_INDICATE, "02");
  expect_changed(w, "15 00 15 00");
  assert_int_equal(subscribed(w, w->second), 0);
  assert_int_equal(subscribed(w, w->first), 1);
}

static void the_same_service_again_has_its_subscribers(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, b);
  add_b(w);
  bed_install(w->bed);
  assert_int_equal(w->second->value.handle, 0x17);
  assert_int_equal(subscribed(w, w->second), 2);
}

static void a_characteristic_with_other_properties_has_changed(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, b);
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x180f), false, b, 4);
  w->second = bed_char(w->bed, "2a6f", AIOBLE_READ | AIOBLE_NOTIFY, "02");
  expect_changed(w, "16 00 16 00");
  assert_int_equal(subscribed(w, w->second), 0);
}

static void the_range_covers_the_first_difference_to_the_last(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, b);
  ab_gatt_db_remove_service(w->bed->db, a);
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181a), false, a, 1);
  expect_changed(w, "10 00 18 00");
  assert_int_equal(subscribed(w, w->first), 0);
}

static void what_a_service_includes_is_part_of_it(void **state) {
  world *w = *state;

  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181b), false, c, 2);
  ab_gatt_db_add_include(w->bed->db, b);
  expect_changed(w, "19 00 1a 00");
  w->bed->db = ab_gatt_db_copy(&w->bed->server);
  ab_gatt_db_remove_service(w->bed->db, c);
  ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x181b), false, c, 2);
  ab_gatt_db_add_include(w->bed->db, a);
  expect_changed(w, "1a 00 1a 00");
  w->bed->db = ab_gatt_db_copy(&w->bed->server);
  ab_gatt_db_remove_service(w->bed->db, a); /* which is included */
  assert_int_equal(ab_gatt_db_finish(w->bed->db), AIOBLE_EINVAL);
}

static void extended_properties_are_part_of_the_structure(void **state) {
  world *w = *state;

  for (int n = 0; n < 2; n++) {
    ab_gatt_db_remove_service(w->bed->db, b);
    ab_gatt_db_add_service(w->bed->db, &AIOBLE_UUID16(0x180f), false, b, 4);
    bed_char(w->bed, "2a6f", AIOBLE_READ, "02");
    bed_desc(w->bed, "2900", AIOBLE_READ, n ? "01 00" : "00 00");
    expect_changed(w, n ? "18 00 18 00" : "16 00 18 00");
    w->bed->db = ab_gatt_db_copy(&w->bed->server);
  }
}

static void what_was_prepared_before_a_change_is_not_written_nor_what_follows_it(void **state) {
  world *w = *state;

  bed_play(w->bed, "> 16 09 00 00 00 00 00\n"
                   "< 17 09 00 00 00 00 00\n");
  ab_gatt_db_remove_service(w->bed->db, b);
  expect_changed(w, "15 00 18 00");
  bed_play(w->bed, "> 16 09 00 01 00 00\n"
                   "< 01 16 09 00 0e\n"
                   "> 18 01\n"
                   "< 01 18 00 00 0e\n"
                   "> 0a 09 00\n"
                   "< 0b 02 00\n"
                   "> 16 09 00 00 00 00 00\n" /* the next one is as good as any */
                   "< 17 09 00 00 00 00 00\n"
                   "> 18 01\n"
                   "< 19\n");
}

static void a_client_may_cancel_what_a_change_has_spoiled(void **state) {
  world *w = *state;

  bed_play(w->bed, "> 16 09 00 00 00 00 00\n"
                   "< 17 09 00 00 00 00 00\n");
  ab_gatt_db_remove_service(w->bed->db, b);
  expect_changed(w, "15 00 18 00");
  bed_play(w->bed, "> 18 00\n"
                   "< 19\n"
                   "> 16 09 00 00 00 00 00\n"
                   "< 17 09 00 00 00 00 00\n"
                   "> 18 01\n"
                   "< 19\n");
}

static void a_change_does_not_spoil_what_was_not_begun(void **state) {
  world *w = *state;

  ab_gatt_db_remove_service(w->bed->db, b);
  expect_changed(w, "15 00 18 00");
  bed_play(w->bed, "> 16 09 00 00 00 00 00\n"
                   "< 17 09 00 00 00 00 00\n"
                   "> 18 01\n"
                   "< 19\n");
}

static void without_memory_everything_stays(void **state) {
  world *w = *state;
  ab_gatt_server_link other;
  const ab_gatt_db *old = w->bed->server.db;

  ab_gatt_server_link_open(&w->bed->server, &other, &w->bed->peer->att);
  other.cccds = ab_zalloc(w->bed->env, w->bed->server.db->n_cccds);
  other.cccds[1] = 1;
  for (unsigned n = 1; n <= 2; n++) {
    ab_gatt_db_unref(w->bed->db);
    w->bed->db = ab_gatt_db_copy(&w->bed->server);
    ab_gatt_db_remove_service(w->bed->db, b);
    assert_int_equal(ab_gatt_db_finish(w->bed->db), 0);
    fake_env_fail_at(w->bed->env, n);
    assert_int_equal(ab_gatt_server_install(&w->bed->server, w->bed->db), AIOBLE_ENOMEM);
    w->bed->db = NULL;
    assert_ptr_equal(w->bed->server.db, old);
    assert_int_equal(w->second->value.handle, 0x17);
    assert_int_equal(subscribed(w, w->second), 2);
    assert_int_equal(ab_gatt_server_subscribed(&other, &w->first->value), 1);
  }
  assert_int_equal(w->bed->releases, 0);
  ab_gatt_server_link_close(&other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(nobody_hears_of_an_equal_table),
      TEST(values_may_be_others_in_an_equal_table),
      TEST(a_new_service_is_the_range),
      TEST(a_removed_service_is_the_range_and_takes_its_subscriptions_along),
      TEST(a_service_in_the_place_of_another_has_no_subscribers),
      TEST(the_same_service_again_has_its_subscribers),
      TEST(a_characteristic_with_other_properties_has_changed),
      TEST(the_range_covers_the_first_difference_to_the_last),
      TEST(what_a_service_includes_is_part_of_it),
      TEST(extended_properties_are_part_of_the_structure),
      TEST(what_was_prepared_before_a_change_is_not_written_nor_what_follows_it),
      TEST(a_client_may_cancel_what_a_change_has_spoiled),
      TEST(a_change_does_not_spoil_what_was_not_begun),
      TEST(without_memory_everything_stays),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
