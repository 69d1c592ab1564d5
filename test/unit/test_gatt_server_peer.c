/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* 08 Service Changed, 09 its CCCD, 0b Client Supported Features; then the table of gatt_bed.h */
#define WANT_CHANGES "> 12 09 00 02 00\n< 13\n"
#define BE_ROBUST    "> 12 0b 00 01\n< 13\n"

/* a service of one attribute comes, at 22 */
static void add_service(gatt_bed *bed, const void *key) {
  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181b), false, key, 1);
  bed_install(bed);
}

static const char a[] = "a";

typedef struct saved {
  size_t n; /* that there are */
  ab_gatt_peer_state *state;
} saved;

static saved save(const gatt_bed *bed, size_t max) {
  saved s = {.state = calloc(1, sizeof *s.state + max * sizeof *s.state->cccds)};

  assert_non_null(s.state);
  s.n = ab_gatt_server_link_save(&bed->link, s.state, max);
  return s;
}

static void a_peer_comes_back_as_it_went(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, BE_ROBUST WANT_CHANGES "> 12 13 00 01 00\n"
                                       "< 13\n"
                                       "> 12 1d 00 03 00\n"
                                       "< 13\n");
  s = save(bed, 3);
  assert_int_equal(s.n, 3);
  assert_int_equal(s.state->n, 3);
  bed_reconnect(bed);
  assert_int_equal(ab_gatt_server_link_save(&bed->link, NULL, 0), 0);
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_false(bed->link.dirty);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 1);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.pressure->value), 3);
  assert_int_equal(table.pressure->subscriptions, 2);
  assert_int_equal(table.pressure->what, 3);
  bed_play(bed, "> 0a 09 00\n"
                "< 0b 02 00\n"
                "> 0a 0b 00\n"
                "< 0b 01\n");
  free(s.state);
}

static void no_more_is_saved_than_there_is_room_for(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, WANT_CHANGES "> 12 13 00 01 00\n"
                             "< 13\n");
  s = save(bed, 1);
  assert_int_equal(s.n, 2);
  assert_int_equal(s.state->n, 1);
  assert_int_equal(s.state->cccds[0].handle, 0x09);
  assert_int_equal(s.state->cccds[0].what, 2);
  assert_int_equal(ab_gatt_server_link_save(&bed->link, NULL, 0), 2);
  free(s.state);
}

static void what_changed_while_it_was_away_is_told(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, BE_ROBUST WANT_CHANGES);
  s = save(bed, 1);
  bed_reconnect(bed);
  add_service(bed, a);
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_true(bed->link.dirty);
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, "< 1d 08 00 01 00 ff ff\n"
                "> 1e\n");
  assert_true(ab_gatt_server_may_send(&bed->link));
  free(s.state);
  s = save(bed, 1);
  bed_reconnect(bed);
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_true(ab_gatt_server_may_send(&bed->link));
  free(s.state);
}

static void what_was_not_confirmed_is_told_again(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  s = save(bed, 1);
  bed_reconnect(bed);
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  bed_play(bed, "> 1e\n" /* of the link before: one bearer plays both */
                "< 1d 08 00 01 00 ff ff\n");
  free(s.state);
}

static void a_configuration_that_is_gone_or_may_not_be_is_not_restored(void **state) {
  gatt_bed *bed = *state;
  saved s = save(bed, 3);

  s.state->n = 3;
  s.state->cccds[0].handle = 0x13;
  s.state->cccds[0].what = 3; /* which notifies only */
  s.state->cccds[1].handle = 0x12;
  s.state->cccds[1].what = 1;
  s.state->cccds[2].handle = 0x77;
  s.state->cccds[2].what = 1;
  s.state->features = 0xff;
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_int_equal(ab_gatt_server_link_save(&bed->link, NULL, 0), 1);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 1);
  assert_int_equal(bed->link.features, 7);
  free(s.state);
}

static void end_the_link(bed_value *v) {
  ab_gatt_server_link_close(&v->bed->link);
}

static void replace_the_table(bed_value *v) {
  v->hook = NULL;
  v->bed->db = ab_gatt_db_new(&v->bed->server);
  bed_install(v->bed);
}

static void a_hook_may_do_anything_while_a_peer_comes_back(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, WANT_CHANGES "> 12 13 00 01 00\n"
                             "< 13\n"
                             "> 12 1d 00 03 00\n"
                             "< 13\n");
  s = save(bed, 3);
  bed_reconnect(bed);
  table.temperature->hook = end_the_link;
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_int_equal(table.pressure->subscriptions, 1);
  ab_gatt_server_link_open(&bed->server, &bed->link, &bed->peer->att);
  table.temperature->hook = replace_the_table;
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), 0);
  assert_int_equal(table.pressure->subscriptions, 1);
  bed_play(bed, "< 1d 08 00 10 00 21 00\n"
                "> 1e\n"
                "< 1d 08 00 01 00 ff ff\n");
  free(s.state);
}

static void without_memory_nothing_is_restored(void **state) {
  gatt_bed *bed = *state;
  saved s;

  bed_play(bed, BE_ROBUST WANT_CHANGES);
  s = save(bed, 1);
  bed_reconnect(bed);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(ab_gatt_server_link_restore(&bed->link, s.state), AIOBLE_ENOMEM);
  assert_int_equal(bed->link.features, 0);
  assert_int_equal(ab_gatt_server_link_save(&bed->link, NULL, 0), 0);
  free(s.state);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_peer_comes_back_as_it_went),
      TEST(no_more_is_saved_than_there_is_room_for),
      TEST(what_changed_while_it_was_away_is_told),
      TEST(what_was_not_confirmed_is_told_again),
      TEST(a_configuration_that_is_gone_or_may_not_be_is_not_restored),
      TEST(a_hook_may_do_anything_while_a_peer_comes_back),
      TEST(without_memory_nothing_is_restored),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
