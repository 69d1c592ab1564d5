/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ASK     "< 08 0100 ffff 2a2b\n"
#define HASH    "> 09 12 3000 00112233445566778899aabbccddeeff\n"
#define HASH_2  "> 09 12 3000 ff112233445566778899aabbccddee00\n"
#define NO_HASH "> 01 08 0100 0a\n"

static const aioble_addr_t identity = {AIOBLE_ADDR_PUBLIC, {1, 2, 3, 4, 5, 6}};

static client_bed *bonded_bed(void) {
  client_bed *bed = client_bed_new();

  bed->conn->cache.asks = 8; /* often enough: nothing goes on in the background */
  ab_host_peer_bonded(bed->conn, &identity);
  return bed;
}

static void listen(client_bed *bed) {
  ab_host_cache_listen(bed->conn, 3);
}

/* the answer to whatever is found first: that there is nothing */
#define NO_SERVICES "< 10 0100 ffff 0028\n> 01 10 0100 0a\n"

static aioble_op_t *find(client_bed *bed) {
  return aioble_conn_service(bed->conn, aioble_uuid16(0x180f));
}

/* several wait for one check; its answer is the table's hash */
static void a_check_is_made_once_for_all(void **state) {
  client_bed *bed = bonded_bed();
  outcome a, b;

  (void) state;
  assert_int_equal(bed->conn->cache.state, AB_CACHE_UNCHECKED);
  client_bed_play(bed, "");
  client_bed_then(&a, find(bed));
  client_bed_then(&b, find(bed));
  assert_int_equal(bed->conn->cache.state, AB_CACHE_CHECKING);
  client_bed_play(bed, ASK HASH "< 10 0100 ffff 0028\n> 01 10 0100 0a\n"
                                "< 10 0100 ffff 0028\n> 01 10 0100 0a\n");
  assert_int_equal(bed->conn->cache.state, AB_CACHE_READY);
  assert_int_equal(a.status, AIOBLE_ENOENT);
  assert_int_equal(b.status, AIOBLE_ENOENT);
  client_bed_then(&a, find(bed));
  client_bed_run_ms(bed, 0);
  assert_int_equal(a.status, AIOBLE_ENOENT); /* known */
  client_bed_free(bed);
}

#define FOUND "< 06 0100 ffff 0028 0f18\n> 07 0100 0900\n"

static void an_answer_that_is_no_hash_turns_it_off(void **state) {
  static const char *const answers[] = {
      ASK "> 09 11 3000 00112233445566778899aabbccddee\n" FOUND,
      ASK "> 09 13 3000 00112233445566778899aabbccddeeff00\n" FOUND,
      ASK "> 01 08 0100 02\n" FOUND,
      ASK "> 01 08 0100 12\n" FOUND,
      ASK "> 09\n" FOUND,
  };

  (void) state;
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    client_bed *bed = bonded_bed();
    outcome o;

    client_bed_then(&o, find(bed));
    client_bed_play(bed, answers[i]);
    assert_int_equal(bed->conn->cache.state, AB_CACHE_OFF);
    assert_int_equal(o.handle, 1);
    client_bed_free(bed);
  }
}

static client_bed *ready_bed(void) {
  client_bed *bed = bonded_bed();
  outcome o;

  client_bed_then(&o, find(bed));
  client_bed_play(bed, ASK HASH NO_SERVICES);
  assert_int_equal(o.status, AIOBLE_ENOENT);
  listen(bed);
  return bed;
}

static uint8_t first_of_hash(const client_bed *bed) {
  return bed->conn->cache.table.hash[0];
}

static void after_a_change_the_hash_is_read_again(void **state) {
  client_bed *bed = ready_bed();
  outcome o;

  (void) state;
  client_bed_play(bed, "> 1d 0300 2000 2900\n" ASK "< 1e\n");
  assert_int_equal(bed->conn->cache.state, AB_CACHE_READY); /* nobody waits for it */
  client_bed_then(&o, find(bed));
  client_bed_play(bed, HASH_2 "< 10 2000 2900 0028\n> 11 06 2000 2900 0f18\n");
  assert_int_equal(o.handle, 0x20);
  assert_int_equal(first_of_hash(bed), 0xff);
  client_bed_free(bed);
}

static void a_change_meanwhile_makes_that_of_no_use(void **state) {
  client_bed *bed = ready_bed();

  (void) state;
  client_bed_play(bed, "> 1d 0300 2000 2900\n" ASK "< 1e\n> 1d 0300 3000 3900\n< 1e\n");
  client_bed_play(bed, HASH ASK);
  assert_int_equal(bed->conn->cache.table.hash[1], 0);
  client_bed_play(bed, HASH_2);
  assert_int_equal(first_of_hash(bed), 0xff);
  client_bed_free(bed);
}

static void a_range_that_is_none_is_everything(void **state) {
  static const char *const values[] = {"", "01", "0100 09", "0900 0100", "0000 0900"};

  (void) state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    client_bed *bed = ready_bed();
    char line[60];

    (void) snprintf(line, sizeof line, "> 1d 0300 %s\n" ASK "< 1e\n", values[i]);
    client_bed_play(bed, line);
    assert_int_equal(bed->conn->cache.table.n, 0);
    assert_int_equal(bed->conn->cache.table.unknown[AB_GATT_CACHE_PRIMARY].first, 1);
    assert_int_equal(bed->conn->cache.table.unknown[AB_GATT_CACHE_PRIMARY].last, 0xffff);
    client_bed_free(bed);
  }
}

static void what_came_before_anything_was_checked_counts(void **state) {
  client_bed *bed = bonded_bed();
  outcome o;

  (void) state;
  listen(bed);
  client_bed_play(bed, "> 1d 0300 2000 2900\n< 1e\n");
  assert_int_equal(bed->conn->cache.state, AB_CACHE_UNCHECKED);
  client_bed_then(&o, find(bed));
  client_bed_play(bed, ASK "> 1d 0300 2000 2900\n< 1e\n" HASH ASK HASH_2 NO_SERVICES);
  assert_int_equal(o.status, AIOBLE_ENOENT);
  assert_int_equal(first_of_hash(bed), 0xff);
  client_bed_free(bed);
}

static void who_does_not_wait_any_more_is_not_served(void **state) {
  client_bed *bed = bonded_bed();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  aioble_op_t *op = aioble_discovery_next(d);
  outcome o;

  (void) state;
  client_bed_play(bed, ASK);
  aioble_op_cancel(op);
  client_bed_then(&o, op);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
  aioble_discovery_unref(d);
  client_bed_play(bed, HASH);
  client_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_check_is_made_once_for_all),
      cmocka_unit_test(an_answer_that_is_no_hash_turns_it_off),
      cmocka_unit_test(after_a_change_the_hash_is_read_again),
      cmocka_unit_test(a_change_meanwhile_makes_that_of_no_use),
      cmocka_unit_test(a_range_that_is_none_is_everything),
      cmocka_unit_test(what_came_before_anything_was_checked_counts),
      cmocka_unit_test(who_does_not_wait_any_more_is_not_served),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
