/* SPDX-License-Identifier: MIT */
#include "crypto/crypto.h"
#include "gatt/gatt_server_priv.h"
#include "helpers/fake_env.h"
#include "helpers/gatt_bed.h"
#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EXTENDED = 0x80 };

static const char a[] = "a", b[] = "b", c[] = "c";

static void service(ab_gatt_db *db, uint16_t uuid, bool secondary, const void *key) {
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(uuid), secondary, key, 0);
}

/* ---- includes ---- */

static void an_include_is_answered_with_handle_end_and_a_short_uuid(void **state) {
  gatt_bed *bed = gatt_bed_new();
  aioble_uuid_t wide;

  (void) state;
  assert_int_equal(aioble_uuid_parse(&wide, LONG_SERVICE), 0);
  service(bed->db, 0x181a, false, a);
  ab_gatt_db_add_include(bed->db, b);
  ab_gatt_db_add_include(bed->db, c);
  bed_char(bed, "2a6e", AIOBLE_READ, "01");
  service(bed->db, 0x180f, true, b);
  bed_char(bed, "2a19", AIOBLE_READ, "02");
  ab_gatt_db_add_service(bed->db, &wide, true, c, 0);
  bed_install(bed);
  bed_play(bed, "> 08 10 00 14 00 02 28\n"
                "< 09 08 11 00 15 00 17 00 0f 18\n"
                "> 08 12 00 14 00 02 28\n"
                "< 09 06 12 00 18 00 18 00\n"
                "> 0a 12 00\n"
                "< 0b 18 00 18 00\n"
                "> 12 12 00 01\n"
                "< 01 12 12 00 03\n"
                "> 04 10 00 11 00\n"
                "< 05 01 10 00 00 28 11 00 02 28\n"
                "> 06 01 00 ff ff 02 28 18 00 18 00\n"
                "< 07 12 00 12 00\n");
  gatt_bed_free(bed);
}

static void secondary_services_are_not_found_among_the_primary(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  service(bed->db, 0x181a, false, a);
  service(bed->db, 0x180f, true, b);
  service(bed->db, 0x181b, false, c);
  bed_install(bed);
  bed_play(bed, "> 10 10 00 ff ff 00 28\n"
                "< 11 06 10 00 10 00 1a 18 12 00 12 00 1b 18\n"
                "> 10 01 00 ff ff 01 28\n"
                "< 11 06 11 00 11 00 0f 18\n"
                "> 06 01 00 ff ff 00 28 0f 18\n"
                "< 01 06 01 00 0a\n"
                "> 0a 11 00\n"
                "< 0b 0f 18\n");
  gatt_bed_free(bed);
}

/* the services a, b, c with these includes: each text is the service, then what it includes */
static int finish_with(const char *const includes[], size_t n) {
  gatt_bed *bed = gatt_bed_new();
  int status;

  for (size_t i = 0; i < n; i++) {
    ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false,
                           includes[i][0] == 'a'   ? a
                           : includes[i][0] == 'b' ? b
                                                   : c,
                           0);
    for (const char *at = includes[i] + 1; *at; at++)
      ab_gatt_db_add_include(bed->db, *at == 'a' ? a : *at == 'b' ? b : *at == 'c' ? c : "?");
  }
  status = ab_gatt_db_finish(bed->db);
  gatt_bed_free(bed);
  return status;
}

static void services_may_include_each_other_but_in_no_circle(void **state) {
#define FINISH(...)                               \
  finish_with((const char *const[]){__VA_ARGS__}, \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
  (void) state;
  assert_int_equal(FINISH("ab", "bc", "c"), 0);
  assert_int_equal(FINISH("c", "bc", "abc"), 0);
  assert_int_equal(FINISH("abb", "b", "cb"), 0);
  assert_int_equal(FINISH("aa"), AIOBLE_EINVAL);
  assert_int_equal(FINISH("ab", "ba"), AIOBLE_EINVAL);
  assert_int_equal(FINISH("ab", "bc", "ca"), AIOBLE_EINVAL);
  assert_int_equal(FINISH("ab", "bc", "cb"), AIOBLE_EINVAL);
#undef FINISH
}

static void only_a_service_can_be_included(void **state) {
  (void) state;
  assert_int_equal(finish_with((const char *const[]){"ax"}, 1), AIOBLE_EINVAL);
  assert_int_equal(finish_with((const char *const[]){"ab"}, 1), AIOBLE_EINVAL);
}

static void an_include_comes_before_the_characteristics(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  service(bed->db, 0x180f, true, b);
  service(bed->db, 0x181a, false, a);
  bed_char(bed, "2a6e", AIOBLE_READ, "");
  ab_gatt_db_add_include(bed->db, b);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_EINVAL);
  gatt_bed_free(bed);
}

/* ---- the hash ---- */

static ab_gatt_value value_of(unsigned props) {
  ab_gatt_value value;

  ab_gatt_value_init(&value, NULL, (uint8_t) props, 20);
  return value;
}

/* Core Vol 3, Part G, Appendix B: the table with the hash F1CA2D48 ECF58BAC 8A8830BB B9FBA990 */
static void the_hash_is_that_of_the_specifications_example(void **state) {
  ab_env *env = fake_env_new();
  ab_gatt_db *db = ab_gatt_db_new_empty(env);
  ab_gatt_value read_write = value_of(AIOBLE_READ | AIOBLE_WRITE), read = value_of(AIOBLE_READ),
                changed = value_of(AIOBLE_INDICATE),
                glucose = value_of(AIOBLE_READ | AIOBLE_INDICATE | EXTENDED),
                extended = value_of(AIOBLE_READ);

  (void) state;
  assert_true(ab_gatt_value_put(&extended, env, 0, "\0\0", 2));
  service(db, 0x1800, false, NULL);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a00), &read_write);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a01), &read);
  service(db, 0x1801, false, NULL);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a05), &changed);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2b29), &read_write);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2b2a), &read);
  service(db, 0x1808, false, NULL);
  ab_gatt_db_add_include(db, b);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a18), &glucose);
  ab_gatt_db_add_desc(db, &AIOBLE_UUID16(0x2900), &extended);
  service(db, 0x180f, true, b);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a19), &read);
  assert_int_equal(db->n, 0x16);
  assert_int_equal(ab_gatt_db_finish(db), 0);
  assert_hex(db->hash, sizeof db->hash, "90 a9 fb b9 bb 30 88 8a ac 8b f5 ec 48 2d ca f1");
  ab_gatt_db_unref(db);
  ab_gatt_value_free(&extended, env);
  fake_env_free(env);
}

/* by hand, of what the specification says of each attribute */
static void descriptors_count_by_their_type_and_long_uuids_whole(void **state) {
  static const char message[] =
      "01 00 00 28 " LONG_TAIL " 00 00 00 0d "
      "02 00 03 28 1a 03 00 " LONG_TAIL " 01 00 00 0d "
      "04 00 02 29 05 00 00 29 03 00 06 00 01 29 07 00 03 29 08 00 04 29 09 00 05 29";
  const uint8_t zero[16] = {0};
  ab_env *env = fake_env_new();
  ab_gatt_db *db = ab_gatt_db_new_empty(env);
  ab_gatt_value value = value_of(AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY);
  uint8_t octets[128], mac[16];
  ab_cmac *cmac = ab_cmac_new(env, zero);
  aioble_uuid_t wide;

  (void) state;
  assert_true(ab_gatt_value_put(&value, env, 0, "\3\0", 2));
  assert_int_equal(aioble_uuid_parse(&wide, LONG_SERVICE), 0);
  ab_gatt_db_add_service(db, &wide, false, a, 0);
  assert_int_equal(aioble_uuid_parse(&wide, LONG_CHAR), 0);
  ab_gatt_db_add_char(db, &wide, &value);
  for (uint16_t type = 0x2900; type <= 0x2906; type++)
    if (type != 0x2902) /* made by the characteristic */
      ab_gatt_db_add_desc(db, &AIOBLE_UUID16(type), &value);
  ab_gatt_db_add_desc(db, &wide, &value);
  assert_int_equal(ab_gatt_db_finish(db), 0);
  ab_cmac_add(cmac, octets, hex_read(message, octets, sizeof octets));
  assert_true(ab_cmac_end(cmac, mac));
  for (size_t i = 0; i < sizeof mac; i++)
    assert_int_equal(db->hash[i], mac[15 - i]);
  ab_gatt_db_unref(db);
  ab_gatt_value_free(&value, env);
  fake_env_free(env);
}

static void the_values_of_the_application_do_not_count(void **state) {
  gatt_bed *bed = gatt_bed_new();
  uint8_t hash[AB_GATT_HASH_SIZE];
  bed_table t = bed_standard(bed);
  ab_gatt_db *db;

  (void) state;
  memcpy(hash, bed->server.db->hash, sizeof hash);
  assert_true(ab_gatt_value_put(&t.temperature->value, bed->env, 0, "other", 5));
  assert_true(ab_gatt_value_put(&t.text->value, bed->env, 0, "other", 5));
  db = ab_gatt_db_copy(&bed->server);
  assert_int_equal(ab_gatt_db_finish(db), 0);
  assert_memory_equal(db->hash, hash, sizeof hash);
  ab_gatt_db_unref(db);
  gatt_bed_free(bed);
}

static void without_memory_there_is_no_hash(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOMEM);
  gatt_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_include_is_answered_with_handle_end_and_a_short_uuid),
      cmocka_unit_test(secondary_services_are_not_found_among_the_primary),
      cmocka_unit_test(services_may_include_each_other_but_in_no_circle),
      cmocka_unit_test(only_a_service_can_be_included),
      cmocka_unit_test(an_include_comes_before_the_characteristics),
      cmocka_unit_test(the_hash_is_that_of_the_specifications_example),
      cmocka_unit_test(descriptors_count_by_their_type_and_long_uuids_whole),
      cmocka_unit_test(the_values_of_the_application_do_not_count),
      cmocka_unit_test(without_memory_there_is_no_hash),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
