/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 08 Service Changed, 09 its CCCD, 0b Client Supported Features, 0d Database Hash, 0f Server
   Supported Features; then the table of gatt_bed.h, to 21 */
#define WANT_CHANGES "> 12 09 00 02 00\n< 13\n"
#define BE_ROBUST    "> 12 0b 00 01\n< 13\n"
#define READ_VALUE   "> 0a 12 00\n"
#define VALUE        "< 0b 16 09\n"
#define OUT_OF_SYNC  "< 01 0a 00 00 12\n"
#define READ_HASH    "> 08 01 00 ff ff 2a 2b\n"
#define HASH         "< 09 12 0d 00 ??*16\n"

/* A service of one attribute comes, at 22 or from 22 on, or goes. */
static void add_service(gatt_bed *bed, const void *key) {
  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181b), false, key, 1);
  bed_install(bed);
}

static void remove_service(gatt_bed *bed, const void *key) {
  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_remove_service(bed->db, key);
  bed_install(bed);
}

static const char a[] = "a", b[] = "b";

/* ---- the values of the GATT service ---- */

static void the_service_has_its_four_characteristics(void **state) {
  bed_play(*state, "> 08 06 00 0f 00 03 28\n"
                   "< 09 07 07 00 20 08 00 05 2a 0a 00 0a 0b 00 29 2b 0c 00 02 0d 00 2a 2b\n"
                   "> 08 0d 00 0f 00 03 28\n"
                   "< 09 07 0e 00 02 0f 00 3a 2b\n"
                   "> 0a 0f 00\n"
                   "< 0b 00\n"
                   "> 12 0f 00 01\n"
                   "< 01 12 0f 00 03\n"
                   "> 12 0d 00 01\n"
                   "< 01 12 0d 00 03\n");
}

static void the_hash_is_that_of_the_table_in_use(void **state) {
  gatt_bed *bed = *state;

  for (int n = 0; n < 2; n++) {
    char script[80] = "> 0a 0d 00\n< 0b";
    size_t len = strlen(script);

    for (size_t i = 0; i < AB_GATT_HASH_SIZE; i++)
      len += (size_t) snprintf(script + len, sizeof script - len, " %02x", bed->server.db->hash[i]);
    bed_play(bed, script);
    add_service(bed, a);
  }
}

static void a_feature_once_set_stays(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 0a 0b 00\n"
                "< 0b 00\n"
                "> 12 0b 00 02\n"
                "< 13\n"
                "> 12 0b 00 06\n"
                "< 13\n"
                "> 12 0b 00 03\n"
                "< 01 12 0b 00 13\n"
                "> 12 0b 00\n"
                "< 01 12 0b 00 13\n"
                "> 0a 0b 00\n"
                "< 0b 06\n");
  assert_int_equal(bed->link.features, AB_GATT_EATT | AB_GATT_MULTIPLE_NOTIFICATIONS);
}

static void features_of_the_future_are_ignored(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 0b 00\n"
                "< 13\n"
                "> 12 0b 00 f9 ff ff ff ff ff ff ff\n"
                "< 13\n"
                "> 0a 0b 00\n"
                "< 0b 01\n"
                "> 12 0b 00 01\n"
                "< 13\n"
                "> 12 0b 00 01 00 00 00 00 00 00 00 00\n"
                "< 01 12 0b 00 0d\n");
  assert_int_equal(bed->link.features, AB_GATT_ROBUST_CACHING);
}

static void each_link_has_features_of_its_own(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 0b 00 04\n"
                "< 13\n");
  assert_true(bed->link.dirty);
  bed_reconnect(bed);
  bed_play(bed, "> 0a 0b 00\n"
                "< 0b 00\n");
  assert_false(bed->link.dirty);
}

static void end_the_link(bed_value *v) {
  ab_gatt_server_link_close(&v->bed->link);
}

static void features_are_left_alone_after_a_hook_has_ended_the_link(void **state) {
  gatt_bed *bed = *state;

  table.temperature->hook = end_the_link;
  table.humidity->hook = end_the_link;
  bed_play(bed, "> 0e 12 00 0b 00\n"
                "< 01 0e 12 00 0e\n");
  bed_reconnect(bed);
  bed_play(bed, "> 16 15 00 00 00 0a\n"
                "< 17 15 00 00 00 0a\n"
                "> 16 0b 00 00 00 01\n"
                "< 17 0b 00 00 00 01\n"
                "> 18 01\n"
                "< 01 18 15 00 0e\n");
  assert_int_equal(bed->link.features, 0);
}

/* ---- Service Changed ---- */

static void who_does_not_want_to_know_is_not_told(void **state) {
  add_service(*state, a);
  bed_play(*state, WANT_CHANGES); /* nor of what was before */
}

static void ranges_wait_for_the_confirmation_as_one(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  add_service(bed, b);
  remove_service(bed, a);
  bed_play(bed, ""); /* nothing meanwhile */
  bed_play(bed, "> 1e\n"
                "< 1d 08 00 22 00 23 00\n"
                "> 1e\n");
  assert_memory_equal(bed->link.hash, bed->server.hash_octets, sizeof bed->link.hash);
}

static void who_unsubscribes_meanwhile_is_told_no_more(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  add_service(bed, b);
  bed_play(bed, "> 12 09 00 00 00\n"
                "< 13\n"
                "> 1e\n" WANT_CHANGES);
  remove_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
}

static void without_memory_a_range_waits_for_the_next_change(void **state) {
  gatt_bed *bed = *state;
  ab_buf *pooled;

  bed_play(bed, WANT_CHANGES);
  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181b), false, a, 1);
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  assert_int_equal(bed->peer->bufs.idle, 1);
  pooled = ab_buf_new(&bed->peer->bufs, 1);
  fake_env_fail_at(bed->env, 2); /* behind the configurations */
  assert_int_equal(ab_gatt_server_install(&bed->server, bed->db), 0);
  ab_buf_free(pooled);
  bed->db = NULL;
  bed_play(bed, "");
  add_service(bed, b);
  bed_play(bed, "< 1d 08 00 22 00 23 00\n");
}

static void a_link_may_end_before_the_confirmation(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  ab_gatt_server_link_close(&bed->link);
  bed_play(bed, "> 1e\n");
}

static void without_a_confirmation_the_client_knows_nothing(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, WANT_CHANGES BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  fake_env_advance(bed->env, 30000000);
  assert_int_equal(bed->peer->broken, 1);
  assert_false(ab_gatt_server_may_send(&bed->link));
  assert_memory_not_equal(bed->link.hash, bed->server.hash_octets, sizeof bed->link.hash);
}

/* ---- robust caching ---- */

static void a_client_that_is_not_robust_is_always_aware(void **state) {
  gatt_bed *bed = *state;

  add_service(bed, a);
  assert_true(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE VALUE BE_ROBUST READ_VALUE VALUE);
}

static void an_unaware_client_is_told_once_then_answered(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE OUT_OF_SYNC);
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE VALUE);
  assert_true(ab_gatt_server_may_send(&bed->link));
  assert_memory_equal(bed->link.hash, bed->server.hash_octets, sizeof bed->link.hash);
  assert_int_equal(table.temperature->reads, 1);
}

static void another_change_is_told_again(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, READ_VALUE OUT_OF_SYNC);
  add_service(bed, b);
  bed_play(bed, READ_VALUE OUT_OF_SYNC READ_VALUE VALUE);
}

static void every_request_by_handle_is_out_of_sync(void **state) {
  static const char *const requests[] = {
      "0a 12 00", "0c 12 00 00 00", "0e 12 00 15 00",       "20 12 00 15 00",
      "12 15 00", "16 15 00 00 00", "08 10 00 ff ff 6e 2a", "08 01 00 fe ff 2a 2b",
  };
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    char script[80];

    add_service(bed, a);
    snprintf(script, sizeof script, "> %s\n< 01 %.2s 00 00 12\n", requests[i], requests[i]);
    bed_play(bed, script);
    remove_service(bed, a);
  }
  assert_int_equal(table.humidity->checks, 0);
}

static void commands_do_nothing_until_the_client_is_aware(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, "> 52 15 00 09\n" READ_VALUE OUT_OF_SYNC "> 52 15 00 09\n");
  assert_int_equal(table.humidity->checks, 0);
  bed_play(bed, READ_VALUE VALUE "> 52 15 00 09\n");
  assert_int_equal(table.humidity->writes, 1);
}

static void discovery_is_answered_and_tells_nothing(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, "> 10 1f 00 ff ff 00 28\n"
                "< 11 06 1f 00 21 00 1a 18 22 00 22 00 1b 18\n"
                "> 06 01 00 ff ff 00 28 1b 18\n"
                "< 07 22 00 22 00\n"
                "> 08 1f 00 21 00 03 28\n"
                "< 09 07 20 00 02 21 00 6e 2a\n"
                "> 08 1f 00 21 00 02 28\n"
                "< 01 08 1f 00 0a\n"
                "> 04 21 00 22 00\n"
                "< 05 01 21 00 6e 2a 22 00 00 28\n"
                "> 08 01 00 ff ff 6f 2a\n"
                "< 09 05 15 00 01 02 03\n"
                "> 18 01\n"
                "< 19\n"
                "> 02 17 00\n"
                "< 03 05 02\n"
                "> 08 01 00\n"
                "< 01 08 00 00 04\n"
                "> 1a\n"
                "< 01 1a 00 00 06\n");
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE OUT_OF_SYNC);
}

static void who_has_read_the_hash_is_aware_from_the_next_request_on(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, READ_HASH HASH);
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE VALUE);
  assert_true(ab_gatt_server_may_send(&bed->link));
  add_service(bed, b);
  bed_play(
      bed,
      "> 08 01 00 ff ff fb 34 9b 5f 80 00 00 80 00 10 00 00 2a 2b 00 00\n" HASH READ_VALUE VALUE);
}

static void who_confirms_is_aware(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, "> 1e\n");
  assert_true(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE VALUE);
}

static void the_confirmation_of_an_older_change_is_not_enough(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, BE_ROBUST WANT_CHANGES);
  add_service(bed, a);
  bed_play(bed, "< 1d 08 00 22 00 22 00\n");
  add_service(bed, b);
  bed_play(bed, "> 1e\n"
                "< 1d 08 00 23 00 23 00\n");
  assert_false(ab_gatt_server_may_send(&bed->link));
  bed_play(bed, READ_VALUE OUT_OF_SYNC "> 1e\n" READ_VALUE VALUE);
}

/* ---- several bearers ---- */

/* a Read Request of the temperature on another bearer: what it gets */
static int read_on(ab_gatt_bearer *bearer) {
  uint8_t handle_octets[] = {0x12, 0x00}, rsp_octets[32];
  ab_rd pdu = ab_rd_of(handle_octets, sizeof handle_octets);
  ab_wr rsp = ab_wr_of(rsp_octets, sizeof rsp_octets);
  uint16_t handle;

  return ab_gatt_server_request(bearer, AB_ATT_READ_REQ, &pdu, &rsp, &handle);
}

/* it may have been on its way when the error was */
static void an_error_on_one_bearer_says_nothing_to_a_request_on_another(void **state) {
  gatt_bed *bed = *state;
  ab_gatt_bearer other;

  ab_gatt_bearer_open(&other, &bed->link, &bed->peer->att);
  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, READ_VALUE OUT_OF_SYNC);
  assert_int_equal(read_on(&other), AB_ATT_ERR_DATABASE_OUT_OF_SYNC);
  assert_int_equal(read_on(&other), 0);
  bed_play(bed, READ_VALUE VALUE);
  remove_service(bed, a);
  assert_int_equal(read_on(&other), AB_ATT_ERR_DATABASE_OUT_OF_SYNC);
  ab_gatt_bearer_close(&other);
  bed_play(bed, READ_VALUE VALUE);
}

static void who_has_asked_for_the_hash_may_go_on_with_any_bearer(void **state) {
  gatt_bed *bed = *state;
  ab_gatt_bearer other;

  ab_gatt_bearer_open(&other, &bed->link, &bed->peer->att);
  bed_play(bed, BE_ROBUST);
  add_service(bed, a);
  bed_play(bed, READ_VALUE OUT_OF_SYNC);
  assert_int_equal(read_on(&other), AB_ATT_ERR_DATABASE_OUT_OF_SYNC);
  bed_play(bed, READ_HASH HASH);
  assert_int_equal(read_on(&other), 0);
  ab_gatt_bearer_close(&other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(the_service_has_its_four_characteristics),
      TEST(the_hash_is_that_of_the_table_in_use),
      TEST(a_feature_once_set_stays),
      TEST(features_of_the_future_are_ignored),
      TEST(each_link_has_features_of_its_own),
      TEST(features_are_left_alone_after_a_hook_has_ended_the_link),
      TEST(who_does_not_want_to_know_is_not_told),
      TEST(ranges_wait_for_the_confirmation_as_one),
      TEST(who_unsubscribes_meanwhile_is_told_no_more),
      TEST(without_memory_a_range_waits_for_the_next_change),
      TEST(a_link_may_end_before_the_confirmation),
      TEST(without_a_confirmation_the_client_knows_nothing),
      TEST(a_client_that_is_not_robust_is_always_aware),
      TEST(an_unaware_client_is_told_once_then_answered),
      TEST(another_change_is_told_again),
      TEST(every_request_by_handle_is_out_of_sync),
      TEST(commands_do_nothing_until_the_client_is_aware),
      TEST(discovery_is_answered_and_tells_nothing),
      TEST(who_has_read_the_hash_is_aware_from_the_next_request_on),
      TEST(who_confirms_is_aware),
      TEST(the_confirmation_of_an_older_change_is_not_enough),
      TEST(an_error_on_one_bearer_says_nothing_to_a_request_on_another),
      TEST(who_has_asked_for_the_hash_may_go_on_with_any_bearer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
