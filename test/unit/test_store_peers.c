/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include "helpers/fake_env.h"
#include "helpers/store_bed.h"
#include "helpers/temp_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void nothing_is_kept_of_a_stranger(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_server server;
  ab_store_gatt_client client;

  assert_int_equal(ab_store_gatt_server_of(bed->store, &peer_a, &server), AIOBLE_ENOENT);
  assert_int_equal(ab_store_gatt_client_of(bed->store, &peer_a, &client), AIOBLE_ENOENT);
  ab_store_peer_used(bed->store, &peer_a);
  ab_store_forget_peer(bed->store, &peer_a);
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, NULL), 0);
  assert_false(ab_store_dirty(bed->store));
}

static void peers_are_told_apart_by_type_too(void **state) {
  store_bed *bed = *state;
  aioble_addr_t other = peer_a;

  other.type = AIOBLE_ADDR_PUBLIC;
  keep(bed, &peer_a, 1);
  keep(bed, &other, 2);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 1);
  assert_int_equal(kept(bed, &other), 2);
  assert_int_equal(kept(bed, &peer_b), -1);
}

static void nothing_is_written_before_a_flush(void **state) {
  store_bed *bed = *state;

  keep(bed, &peer_a, 1);
  assert_true(ab_store_dirty(bed->store));
  assert_false(temp_dir_has(bed->at.dir, STORE_FILE));
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  assert_false(ab_store_dirty(bed->store));
  assert_true(temp_dir_has(bed->at.dir, STORE_FILE));
}

static void what_changes_nothing_is_not_worth_a_flush(void **state) {
  store_bed *bed = *state;

  keep(bed, &peer_a, 1);
  reopen(bed);
  keep(bed, &peer_a, 1);
  ab_store_peer_used(bed->store, &peer_a);
  assert_false(ab_store_dirty(bed->store));
  keep(bed, &peer_a, 2);
  assert_true(ab_store_dirty(bed->store));
}

static void a_flush_that_failed_can_be_tried_again(void **state) {
  store_bed *bed = *state;

  keep(bed, &peer_a, 1);
  fake_env_fail_at(bed->at.env, 1);
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), AIOBLE_ENOMEM);
  assert_true(ab_store_dirty(bed->store));
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 1);
}

static void a_peer_without_parts_is_gone(void **state) {
  store_bed *bed = *state;

  keep(bed, &peer_a, 1);
  keep(bed, &peer_b, 2);
  assert_int_equal(ab_store_set_gatt_server(bed->store, &peer_a, NULL), 0);
  assert_true(ab_store_dirty(bed->store));
  assert_false(file_has(bed, "d4:00:00:00:00:0a"));
  assert_int_equal(kept(bed, &peer_b), 2);
}

static void a_forgotten_peer_is_gone_with_all_its_parts(void **state) {
  store_bed *bed = *state;

  load(bed,
       "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\", \"type\": \"random\","
       " \"bond\": {}, \"gatt_server\": {\"features\": 3}}]}");
  assert_int_equal(kept(bed, &peer_a), 3);
  ab_store_forget_peer(bed->store, &peer_a);
  assert_false(file_has(bed, "d4:"));
}

/* ---- how many ---- */

static void the_least_recently_used_goes_first(void **state) {
  store_bed *bed = *state;

  for (unsigned i = 0; i < AB_STORE_PEERS_MAX; i++)
    keep(bed, &(aioble_addr_t){AIOBLE_ADDR_RANDOM, {0xc0, 0, 0, 0, 0, (uint8_t) i}}, i);
  ab_store_peer_used(bed->store, &(aioble_addr_t){AIOBLE_ADDR_RANDOM, {0xc0, 0, 0, 0, 0, 0}});
  keep(bed, &(aioble_addr_t){AIOBLE_ADDR_RANDOM, {0xc0, 0, 0, 0, 0, 1}}, 77);
  reopen(bed);
  keep(bed, &peer_a, 100);
  keep(bed, &peer_b, 101);
  for (unsigned i = 0; i < AB_STORE_PEERS_MAX; i++)
    assert_int_equal(
        kept(bed, &(aioble_addr_t){AIOBLE_ADDR_RANDOM, {0xc0, 0, 0, 0, 0, (uint8_t) i}}),
        i == 1             ? 77
        : i == 2 || i == 3 ? -1
                           : (int) i);
  assert_int_equal(kept(bed, &peer_a), 100);
  assert_int_equal(kept(bed, &peer_b), 101);
}

static void a_bonded_peer_is_not_dropped_and_does_not_count(void **state) {
  store_bed *bed = *state;

  load(bed,
       "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\", \"type\": \"random\","
       " \"bond\": {\"ltk\": \"00\"}, \"gatt_server\": {\"features\": 3}}]}");
  for (unsigned i = 0; i <= AB_STORE_PEERS_MAX; i++)
    keep(bed, &(aioble_addr_t){AIOBLE_ADDR_PUBLIC, {1, 0, 0, 0, 0, (uint8_t) i}}, i);
  assert_int_equal(kept(bed, &peer_a), 3);
  assert_int_equal(kept(bed, &(aioble_addr_t){AIOBLE_ADDR_PUBLIC, {1, 0, 0, 0, 0, 0}}), -1);
  assert_int_equal(kept(bed, &(aioble_addr_t){AIOBLE_ADDR_PUBLIC, {1, 0, 0, 0, 0, 1}}), 1);
}

/* what could not be read again is not written */
static void a_file_too_long_loses_who_was_used_least(void **state) {
  store_bed *bed = *state;
  ab_store_attr *attrs = calloc(AB_STORE_ATTRS_MAX, sizeof *attrs);
  ab_store_gatt_client client = {
      .n = AB_STORE_ATTRS_MAX, .attrs = attrs, .unlisted = {{1, 0}, {1, 0}}};
  ab_store_gatt_client out;

  assert_non_null(attrs);
  for (unsigned i = 0; i < client.n; i++)
    attrs[i] = (ab_store_attr){AB_STORE_DESC, (uint16_t) (i + 1), .uuid = aioble_uuid16(0x2902)};
  load(bed,
       "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\", \"type\": \"random\","
       " \"bond\": {}}]}");
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  keep(bed, &peer_a, 3);
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  for (uint8_t i = 0; i < 3; i++) {
    aioble_addr_t peer = {AIOBLE_ADDR_PUBLIC, {1, 0, 0, 0, 0, i}};

    assert_int_equal(ab_store_set_gatt_client(bed->store, &peer, &client), 0);
  }
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 3);
  assert_int_equal(ab_store_gatt_client_of(bed->store, &peer_a, &out), 0);
  assert_int_equal(out.n, client.n);
  ab_free(bed->at.env, out.attrs);
  assert_int_equal(ab_store_gatt_client_of(
                       bed->store, &(aioble_addr_t){AIOBLE_ADDR_PUBLIC, {1, 0, 0, 0, 0, 0}}, &out),
                   AIOBLE_ENOENT);
  free(attrs);
}

static void a_file_with_nothing_to_drop_may_be_too_long(void **state) {
  static const char begin[] = "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\","
                              " \"type\": \"random\", \"bond\": {}}], \"y\": \"";
  store_bed *bed = *state;
  size_t size = AB_STORE_MAX - 100;
  char *text = malloc(size);

  assert_non_null(text);
  memset(text, 'x', size);
  memcpy(text, begin, sizeof begin - 1);
  memcpy(text + size - 3, "\"}", 3);
  load(bed, text);
  free(text);
  keep(bed, &peer_a, 1);
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), AIOBLE_EMSGSIZE);
  assert_non_null(strstr(bed->at.why, "longer than"));
  assert_true(ab_store_dirty(bed->store));
}

/* ---- files by other hands ---- */

static void members_we_do_not_know_are_kept(void **state) {
  store_bed *bed = *state;

  load(bed,
       "{\"version\": 1, \"peers\": [{\"address\": \"D4:00:00:00:00:0A\", \"type\": \"random\","
       " \"name\": \"lamp\", \"gatt_server\": {\"features\": 3, \"later\": [1, {\"a\": 2}]}}]}");
  keep(bed, &peer_a, 4);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 4);
  assert_true(file_has(bed, "\"lamp\""));
  assert_true(file_has(bed, "\"later\""));
  assert_true(file_has(bed, "\"D4:00:00:00:00:0A\""));
}

static void entries_that_are_no_peers_are_left_alone(void **state) {
  static const char *const odd[] = {
      "5",
      "null",
      "[]",
      "{}",
      "{\"address\": \"d4:00:00:00:00:0c\"}",
      "{\"address\": \"d4:00:00:00:00\", \"type\": \"random\"}",
      "{\"address\": 5, \"type\": \"random\"}",
      "{\"address\": \"d4:00:00:00:00:0c\", \"type\": \"other\"}",
      "{\"address\": \"d4:00:00:00:00:0c\", \"type\": 1}",
  };
  store_bed *bed = *state;
  char text[512];

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    (void) snprintf(text, sizeof text,
                    "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\", \"type\":"
                    " \"random\", \"gatt_server\": {\"features\": 1}}, %s, {\"address\":"
                    " \"d4:00:00:00:00:0b\", \"type\": \"random\", \"gatt_server\":"
                    " {\"features\": 2}}]}",
                    odd[i]);
    load(bed, text);
    assert_non_null(strstr(fake_env_log(bed->at.env), "1 of 3"));
    assert_int_equal(kept(bed, &peer_a), 1);
    assert_int_equal(kept(bed, &peer_b), 2);
    keep(bed, &peer_b, 3);
    reopen(bed);
    assert_non_null(strstr(fake_env_log(bed->at.env), "1 of 3"));
  }
}

/* used or not, it stays the first */
static void of_two_entries_for_one_peer_the_first_counts(void **state) {
  store_bed *bed = *state;

  load(bed, "{\"version\": 1, \"peers\": ["
            "{\"address\": \"d4:00:00:00:00:0a\", \"type\": \"random\","
            " \"gatt_server\": {\"features\": 1}},"
            "{\"address\": \"d4:00:00:00:00:0A\", \"type\": \"random\","
            " \"gatt_server\": {\"features\": 2}},"
            "{\"address\": \"d4000000000a\", \"type\": \"random\"}]}");
  assert_non_null(strstr(fake_env_log(bed->at.env), "2 of 3"));
  ab_store_peer_used(bed->store, &peer_a);
  assert_int_equal(kept(bed, &peer_a), 1);
  keep(bed, &peer_a, 3);
  assert_int_equal(kept(bed, &peer_a), 3);
  ab_store_forget_peer(bed->store, &peer_a);
  assert_int_equal(kept(bed, &peer_a), -1);
}

/* the file is kept aside, and what is kept from now on is in a new one */
static void expect_aside(store_bed *bed, const char *text) {
  ab_store_close(bed->store);
  temp_dir_write(bed->at.dir, STORE_FILE, text);
  bed->store = store_place_open(&bed->at);
  assert_non_null(bed->store);
  assert_non_null(strstr(bed->at.why, "corrupt-"));
  assert_int_equal(kept(bed, &peer_a), -1);
  keep(bed, &peer_a, 1);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 1);
}

static void a_file_whose_peers_are_no_list_is_kept_aside(void **state) {
  static const char *const odd[] = {"5", "{}", "\"\"", "null", "{\"address\": 1}"};
  char text[128];

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    (void) snprintf(text, sizeof text, "{\"version\": 1, \"peers\": %s}", odd[i]);
    expect_aside(*state, text);
  }
}

static void a_file_of_a_million_peers_is_kept_aside(void **state) {
  size_t n = 1000000, len = 0;
  char *text = malloc(2 * n + 64);

  assert_non_null(text);
  len += (size_t) sprintf(text, "{\"version\": 1, \"peers\": [0");
  for (size_t i = 1; i < n; i++) {
    text[len++] = ',';
    text[len++] = '0';
  }
  (void) strcpy(text + len, "]}");
  expect_aside(*state, text);
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_bed_set_up, store_bed_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_is_kept_of_a_stranger),
      TEST(peers_are_told_apart_by_type_too),
      TEST(nothing_is_written_before_a_flush),
      TEST(what_changes_nothing_is_not_worth_a_flush),
      TEST(a_flush_that_failed_can_be_tried_again),
      TEST(a_peer_without_parts_is_gone),
      TEST(a_forgotten_peer_is_gone_with_all_its_parts),
      TEST(the_least_recently_used_goes_first),
      TEST(a_bonded_peer_is_not_dropped_and_does_not_count),
      TEST(a_file_too_long_loses_who_was_used_least),
      TEST(a_file_with_nothing_to_drop_may_be_too_long),
      TEST(members_we_do_not_know_are_kept),
      TEST(entries_that_are_no_peers_are_left_alone),
      TEST(of_two_entries_for_one_peer_the_first_counts),
      TEST(a_file_whose_peers_are_no_list_is_kept_aside),
      TEST(a_file_of_a_million_peers_is_kept_aside),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
