/* SPDX-License-Identifier: MIT */
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_of_attribute_can_be_read(void **state) {
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b 16 09\n"
                   "> 0a 11 00\n"
                   "< 0b 12 12 00 6e 2a\n"
                   "> 0a 19 00\n"
                   "< 0b 08 1a 00 " LONG_TAIL " 01 00 00 0d\n"
                   "> 0a 10 00\n"
                   "< 0b 1a 18\n"
                   "> 0a 18 00\n"
                   "< 0b " LONG_TAIL " 00 00 00 0d\n"
                   "> 0a 13 00\n"
                   "< 0b 00 00\n"
                   "> 0a 16 00\n"
                   "< 0b 54 65 78 74\n");
}

static void the_librarys_own_values_can_be_read(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 0a 03 00\n"
                "< 0b 62 65 64\n"
                "> 0a 05 00\n"
                "< 0b 40 05\n"
                "> 0a 08 00\n"
                "< 01 0a 08 00 02\n"
                "> 0a 09 00\n"
                "< 0b 00 00\n");
  assert_int_equal(ab_gatt_server_set_name(&bed->server, ""), 0);
  ab_gatt_server_set_appearance(&bed->server, 0x1234);
  bed_play(bed, "> 0a 03 00\n"
                "< 0b\n"
                "> 0a 05 00\n"
                "< 0b 34 12\n");
}

static void no_such_handle(void **state) {
  bed_play(*state, "> 0a 00 00\n"
                   "< 01 0a 00 00 01\n"
                   "> 0a 22 00\n"
                   "< 01 0a 22 00 01\n"
                   "> 0a ff ff\n"
                   "< 01 0a ff ff 01\n"
                   "> 0c 22 00 00 00\n"
                   "< 01 0c 22 00 01\n");
}

static void what_may_not_be_read_is_not_asked(void **state) {
  bed_play(*state, "> 0a 1a 00\n"
                   "< 01 0a 1a 00 02\n"
                   "> 0c 1a 00 ff ff\n"
                   "< 01 0c 1a 00 02\n");
  assert_int_equal(table.hidden->reads, 0);
}

static void the_hooks_code_is_the_answer(void **state) {
  table.temperature->read_code = 0x80;
  bed_play(*state, "> 0a 12 00\n"
                   "< 01 0a 12 00 80\n"
                   "> 0c 12 00 ff ff\n"
                   "< 01 0c 12 00 80\n");
  assert_int_equal(table.temperature->reads, 2);
}

static void refresh(bed_value *v) {
  assert_true(ab_gatt_value_put(&v->value, v->bed->env, 0, "a longer value than before", 26));
}

static void the_hook_may_set_a_newer_value(void **state) {
  table.temperature->hook = refresh;
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b 61 20 6c 6f 6e 67 65 72 20 76 61 6c 75 65 20 74 68 61 6e 20 62 65\n"
                   "> 0c 12 00 16 00\n"
                   "< 0d 66 6f 72 65\n");
}

static void a_read_ends_at_the_mtu_and_blobs_go_on(void **state) {
  bed_play(*state, "> 0a 17 00\n"
                   "< 0b 30*22\n"
                   "> 0c 17 00 00 00\n"
                   "< 0d 30*22\n"
                   "> 0c 17 00 16 00\n"
                   "< 0d 30*17 31\n"
                   "> 0c 17 00 27 00\n"
                   "< 0d 31\n");
}

static void a_blob_at_the_end_is_empty_and_beyond_it_an_error(void **state) {
  bed_play(*state, "> 0c 17 00 28 00\n"
                   "< 0d\n"
                   "> 0c 17 00 29 00\n"
                   "< 01 0c 17 00 07\n"
                   "> 0c 17 00 ff ff\n"
                   "< 01 0c 17 00 07\n"
                   "> 0c 11 00 05 00\n"
                   "< 0d\n"
                   "> 0c 11 00 03 00\n"
                   "< 0d 6e 2a\n"
                   "> 0c 13 00 03 00\n"
                   "< 01 0c 13 00 07\n");
}

static void several_values_come_one_behind_the_other(void **state) {
  bed_play(*state, "> 0e 12 00 15 00\n"
                   "< 0f 16 09 01 02 03\n"
                   "> 0e 15 00 12 00 15 00\n"
                   "< 0f 01 02 03 16 09 01 02 03\n"
                   "> 20 12 00 15 00\n"
                   "< 21 02 00 16 09 03 00 01 02 03\n");
}

static void several_values_are_cut_to_the_pdu(void **state) {
  bed_play(*state, "> 0e 17 00 12 00\n"
                   "< 0f 30*22\n"
                   "> 20 17 00 12 00\n"
                   "< 21 28 00 30*20\n");
}

static void a_length_may_be_cut_in_two(void **state) {
  gatt_bed *bed = *state;

  assert_int_equal(ab_gatt_server_set_name(&bed->server, "AAAAAAAAAAAAAAAAAAA"), 0);
  bed_play(bed, "> 20 03 00 12 00\n"
                "< 21 13 00 41*19 02\n");
}

static void one_that_cannot_be_read_fails_them_all(void **state) {
  bed_play(*state, "> 0e 12 00 1a 00\n"
                   "< 01 0e 1a 00 02\n"
                   "> 0e 17 00 12 00 22 00\n"
                   "< 01 0e 22 00 01\n"
                   "> 20 17 00 1a 00 12 00\n"
                   "< 01 20 1a 00 02\n"
                   "> 0e 00 00 1a 00\n"
                   "< 01 0e 00 00 01\n");
}

static void fewer_than_two_handles_or_half_a_one_is_an_invalid_pdu(void **state) {
  bed_play(*state, "> 0e 12 00\n"
                   "< 01 0e 00 00 04\n"
                   "> 0e\n"
                   "< 01 0e 00 00 04\n"
                   "> 0e 12 00 0f\n"
                   "< 01 0e 00 00 04\n"
                   "> 0e 12 00 15 00 0c\n"
                   "< 01 0e 00 00 04\n"
                   "> 20 12 00\n"
                   "< 01 20 00 00 04\n"
                   "> 20 12 00 15 00 0c\n"
                   "< 01 20 00 00 04\n");
  assert_int_equal(table.temperature->reads, 0);
}

static void a_read_costs_no_memory(void **state) {
  gatt_bed *bed = *state;
  unsigned allocs;

  bed_play(bed, "> 0a 12 00\n< 0b 16 09\n");
  allocs = fake_env_allocs(bed->env);
  for (unsigned i = 0; i < 10; i++)
    bed_play(bed, "> 0a 12 00\n< 0b 16 09\n");
  assert_int_equal(fake_env_allocs(bed->env), allocs);
}

/* ---- security ---- */

static void secure_link(gatt_bed *bed, uint8_t level, uint8_t key_size, bool has_key) {
  ab_gatt_server_link_security(&bed->link, (ab_gatt_security){level, key_size, has_key});
}

/* Part C, 10.3.1: what a link lacks, for each level asked for */
static void what_a_link_lacks(void **state) {
  static const struct {
    uint8_t level, key_size; /* that it has */
    bool has_key;
    uint8_t codes[4]; /* for each level, with a key of 16 octets asked for */
  } links[] = {
      {AB_GATT_LEVEL_NONE, 0, false, {0, 0x05, 0x05, 0x05}},
      {AB_GATT_LEVEL_NONE, 0, true, {0, 0x0f, 0x0f, 0x0f}},
      {AB_GATT_LEVEL_ENCRYPTED, 7, true, {0, 0x0c, 0x05, 0x05}},
      {AB_GATT_LEVEL_ENCRYPTED, 16, true, {0, 0, 0x05, 0x05}},
      {AB_GATT_LEVEL_AUTHENTICATED, 15, true, {0, 0x0c, 0x0c, 0x05}},
      {AB_GATT_LEVEL_AUTHENTICATED, 16, true, {0, 0, 0, 0x05}},
      {AB_GATT_LEVEL_SECURE, 16, true, {0, 0, 0, 0}},
  };
  gatt_bed *bed = *state;

  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    secure_link(bed, links[i].level, links[i].key_size, links[i].has_key);
    for (uint8_t level = 0; level < 4; level++)
      assert_int_equal(ab_gatt_check_security(&bed->link, level, 16), links[i].codes[level]);
  }
}

static void every_read_asks_for_security_before_the_hook(void **state) {
  gatt_bed *bed = *state;

  table.temperature->value.read_level = AB_GATT_LEVEL_ENCRYPTED;
  table.temperature->read_code = 0x80;
  table.hidden->value.read_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_play(bed, "> 0a 12 00\n"
                "< 01 0a 12 00 05\n"
                "> 0c 12 00 ff ff\n"
                "< 01 0c 12 00 05\n"
                "> 0e 15 00 12 00\n"
                "< 01 0e 12 00 05\n"
                "> 20 15 00 12 00\n"
                "< 01 20 12 00 05\n"
                "> 0a 1a 00\n"
                "< 01 0a 1a 00 02\n"
                "> 0a 11 00\n"
                "< 0b 12 12 00 6e 2a\n"
                "> 0a 13 00\n"
                "< 0b 00 00\n");
  assert_int_equal(table.temperature->reads, 0);
  secure_link(bed, AB_GATT_LEVEL_ENCRYPTED, 16, true);
  bed_play(bed, "> 0a 12 00\n"
                "< 01 0a 12 00 80\n");
  assert_int_equal(table.temperature->reads, 1);
}

static void a_hook_may_answer_with_other_octets(void **state) {
  table.temperature->instead = "other";
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b 6f 74 68 65 72\n"
                   "> 0c 12 00 03 00\n"
                   "< 0d 65 72\n"
                   "> 0c 12 00 06 00\n"
                   "< 01 0c 12 00 07\n");
  bed_expect(table.temperature, "16 09");
  table.temperature->instead = "";
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(every_kind_of_attribute_can_be_read),
      TEST(the_librarys_own_values_can_be_read),
      TEST(no_such_handle),
      TEST(what_may_not_be_read_is_not_asked),
      TEST(the_hooks_code_is_the_answer),
      TEST(the_hook_may_set_a_newer_value),
      TEST(a_read_ends_at_the_mtu_and_blobs_go_on),
      TEST(a_blob_at_the_end_is_empty_and_beyond_it_an_error),
      TEST(several_values_come_one_behind_the_other),
      TEST(several_values_are_cut_to_the_pdu),
      TEST(a_length_may_be_cut_in_two),
      TEST(one_that_cannot_be_read_fails_them_all),
      TEST(fewer_than_two_handles_or_half_a_one_is_an_invalid_pdu),
      TEST(a_read_costs_no_memory),
      TEST(what_a_link_lacks),
      TEST(every_read_asks_for_security_before_the_hook),
      TEST(a_hook_may_answer_with_other_octets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
