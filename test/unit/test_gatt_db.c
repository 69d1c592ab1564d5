/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void handles_are_in_order_of_definition(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_table t = bed_standard(bed);

  (void) state;
  assert_int_equal(bed->server.name.handle, 0x03);
  assert_int_equal(bed->server.service_changed.handle, 0x08);
  assert_int_equal(t.temperature->value.handle, 0x12);
  assert_int_equal(t.humidity->value.handle, 0x15);
  assert_int_equal(t.format->value.handle, 0x17);
  assert_int_equal(t.hidden->value.handle, 0x1a);
  assert_int_equal(t.extra->value.handle, 0x1e);
  assert_int_equal(t.second->value.handle, 0x21);
  assert_int_equal(bed->server.db->n, 0x21);
  gatt_bed_free(bed);
}

static void groups_end_where_the_next_begins(void **state) {
  static const struct {
    uint16_t handle, end;
  } ends[] = {{0x01, 0x05}, {0x02, 0x03}, {0x06, 0x0f}, {0x07, 0x09}, {0x10, 0x17}, {0x11, 0x13},
              {0x12, 0x12}, {0x13, 0x13}, {0x14, 0x17}, {0x18, 0x1e}, {0x1b, 0x1e}, {0x1f, 0x21}};
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    assert_int_equal(ab_gatt_db_attr(bed->server.db, ends[i].handle)->end, ends[i].end);
  gatt_bed_free(bed);
}

static void no_handle_beyond_the_table(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  assert_null(ab_gatt_db_attr(bed->server.db, 0));
  assert_non_null(ab_gatt_db_attr(bed->server.db, 0x21));
  assert_null(ab_gatt_db_attr(bed->server.db, 0x22));
  assert_null(ab_gatt_db_attr(bed->server.db, 0xffff));
  gatt_bed_free(bed);
}

static uint16_t found(const gatt_bed *bed, uint32_t first, uint16_t last, const char *text) {
  const ab_gatt_attr *attr;
  aioble_uuid_t uuid;

  assert_int_equal(aioble_uuid_parse(&uuid, text), 0);
  uuid = ab_gatt_uuid(&uuid);
  attr = ab_gatt_db_find(bed->server.db, first, last, &uuid);
  return attr ? ab_gatt_db_handle(bed->server.db, attr) : 0;
}

static void find_takes_the_first_of_the_type_in_the_range(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  assert_int_equal(found(bed, 0x01, 0xffff, "2a6e"), 0x12);
  assert_int_equal(found(bed, 0x12, 0x12, "2a6e"), 0x12);
  assert_int_equal(found(bed, 0x13, 0xffff, "2a6e"), 0x21);
  assert_int_equal(found(bed, 0x13, 0x20, "2a6e"), 0);
  assert_int_equal(found(bed, 0x22, 0xffff, "2a6e"), 0);
  assert_int_equal(found(bed, 0x10000, 0xffff, "2a6e"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, "2800"), 0x01);
  assert_int_equal(found(bed, 0x02, 0xffff, "2800"), 0x06);
  assert_int_equal(found(bed, 0x11, 0xffff, "2800"), 0x18);
  assert_int_equal(found(bed, 0x19, 0xffff, "2800"), 0x1f);
  assert_int_equal(found(bed, 0x20, 0xffff, "2800"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, "2801"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, LONG_CHAR), 0x1a);
  assert_int_equal(found(bed, 0x01, 0xffff, LONG_SERVICE), 0);
  gatt_bed_free(bed);
}

static void a_uuid_is_found_in_each_of_its_widths(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_service(bed, "181a");
  bed_char(bed, "00002a6e", AIOBLE_READ, "");
  bed_char(bed, "12345678", AIOBLE_READ, "");
  bed_char(bed, "00002a70-0000-1000-8000-00805f9b34fb", AIOBLE_READ, "");
  bed_install(bed);
  assert_int_equal(found(bed, 1, 0xffff, "2a6e"), 0x12);
  assert_int_equal(found(bed, 1, 0xffff, "00002a6e-0000-1000-8000-00805f9b34fb"), 0x12);
  assert_int_equal(found(bed, 1, 0xffff, "12345678"), 0x14);
  assert_int_equal(found(bed, 1, 0xffff, "12345678-0000-1000-8000-00805f9b34fb"), 0x14);
  assert_int_equal(found(bed, 1, 0xffff, "2a70"), 0x16);
  gatt_bed_free(bed);
}

static void a_table_may_have_65535_attributes_and_no_more(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *last = NULL;

  (void) state;
  bed_service(bed, "181a");
  for (unsigned n = 0x10; n + 2 <= 0xffff; n += 2)
    last = bed_char(bed, "2a6e", AIOBLE_READ, "");
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  bed_desc(bed, "2901", AIOBLE_READ, "41");
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  bed_install(bed);
  assert_int_equal(last->value.handle, 0xfffe);
  bed_play(bed, "> 0a ff ff\n"
                "< 0b 41\n"
                "> 08 ff ff ff ff 01 29\n"
                "< 09 03 ff ff 41\n"
                "> 04 ff ff ff ff\n"
                "< 05 01 ff ff 01 29\n"
                "> 10 11 00 ff ff 00 28\n"
                "< 01 10 11 00 0a\n");
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181a");
  for (unsigned n = 0; n < 0xffff; n++)
    bed_desc(bed, "2901", AIOBLE_READ, "");
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOBUFS);
  gatt_bed_free(bed);
}

static void no_memory_sticks(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_service(bed, "181a");
  fake_env_fail_at(bed->env, 1);
  for (unsigned n = 0; n < 32; n++)
    ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, NULL, 0);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOMEM);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, NULL, 0);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOMEM);
  gatt_bed_free(bed);
}

static void a_value_grows_and_shrinks_and_may_be_its_own_source(void **state) {
  ab_env *env = fake_env_new();
  ab_gatt_value value;
  unsigned allocs;

  (void) state;
  ab_gatt_value_init(&value, NULL, AIOBLE_READ, 512);
  assert_true(ab_gatt_value_put(&value, env, 0, NULL, 0));
  assert_int_equal(fake_env_allocs(env), 0);
  assert_true(ab_gatt_value_put(&value, env, 0, "abcdef", 6));
  assert_hex(value.data, value.len, "61 62 63 64 65 66");
  assert_true(ab_gatt_value_put(&value, env, 6, "gh", 2));
  assert_hex(value.data, value.len, "61 62 63 64 65 66 67 68");
  allocs = fake_env_allocs(env);
  assert_true(ab_gatt_value_put(&value, env, 0, value.data + 2, 3));
  assert_hex(value.data, value.len, "63 64 65");
  assert_true(ab_gatt_value_put(&value, env, 3, value.data, 3));
  assert_hex(value.data, value.len, "63 64 65 63 64 65");
  assert_int_equal(fake_env_allocs(env), allocs);
  for (unsigned i = 0; i < 4; i++)
    assert_true(ab_gatt_value_put(&value, env, value.len, value.data, value.len));
  assert_int_equal(value.len, 96);
  assert_memory_equal(value.data + 90, "cdecde", 6);
  fake_env_fail_at(env, 1);
  assert_false(ab_gatt_value_put(&value, env, value.len, value.data, value.len));
  assert_int_equal(value.len, 96);
  ab_gatt_value_free(&value, env);
  fake_env_free(env);
}

static void the_last_reference_gives_the_table_back(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *first;

  (void) state;
  bed_service(bed, "181a");
  first = bed_char(bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "");
  bed_install(bed);
  assert_int_equal(first->value.handle, 0x12);
  assert_int_equal(bed->releases, 0);
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181a");
  bed_install(bed);
  assert_int_equal(bed->releases, 1);
  assert_int_equal(first->value.handle, 0);
  assert_int_equal(first->value.cccd, AB_GATT_NO_CCCD);
  gatt_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handles_are_in_order_of_definition),
      cmocka_unit_test(groups_end_where_the_next_begins),
      cmocka_unit_test(no_handle_beyond_the_table),
      cmocka_unit_test(find_takes_the_first_of_the_type_in_the_range),
      cmocka_unit_test(a_uuid_is_found_in_each_of_its_widths),
      cmocka_unit_test(a_table_may_have_65535_attributes_and_no_more),
      cmocka_unit_test(no_memory_sticks),
      cmocka_unit_test(a_value_grows_and_shrinks_and_may_be_its_own_source),
      cmocka_unit_test(the_last_reference_gives_the_table_back),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
