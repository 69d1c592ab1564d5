/* SPDX-License-Identifier: MIT */
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Find Information ---- */

static void find_info_lists_types_until_the_pdu_is_full(void **state) {
  bed_play(*state, "> 04 01 00 ff ff\n"
                   "< 05 01 01 00 00 28 02 00 03 28 03 00 00 2a 04 00 03 28 05 00 01 2a\n"
                   "> 04 06 00 07 00\n"
                   "< 05 01 06 00 00 28 07 00 03 28\n"
                   "> 04 21 00 ff ff\n"
                   "< 05 01 21 00 6e 2a\n");
}

static void find_info_does_not_mix_widths(void **state) {
  bed_play(*state, "> 04 19 00 1e 00\n"
                   "< 05 01 19 00 03 28\n"
                   "> 04 1a 00 1e 00\n"
                   "< 05 02 1a 00 " LONG_TAIL " 01 00 00 0d\n"
                   "> 04 1d 00 1e 00\n"
                   "< 05 01 1d 00 02 29\n");
}

static void find_info_finds_nothing_beyond_the_table(void **state) {
  bed_play(*state, "> 04 22 00 ff ff\n"
                   "< 01 04 22 00 0a\n"
                   "> 04 ff ff ff ff\n"
                   "< 01 04 ff ff 0a\n");
}

/* ---- ranges, of all four ---- */

static void a_range_that_is_none_is_an_invalid_handle(void **state) {
  static const char *const requests[][2] = {
      {"04", ""}, {"06", "00 28 1a 18"}, {"08", "03 28"}, {"10", "00 28"}};
  static const char *const ranges[][2] = {
      {"00 00", "ff ff"}, {"00 00", "00 00"}, {"05 00", "04 00"}, {"02 00", "01 00"}};
  char lines[200];

  for (size_t i = 0; i < 16; i++) {
    const char *const *rq = requests[i / 4], *const *range = ranges[i % 4];

    snprintf(lines, sizeof lines, "> %s %s %s %s\n< 01 %s %s 01\n", rq[0], range[0], range[1],
             rq[1], rq[0], range[0]);
    bed_play(*state, lines);
  }
}

static void an_invalid_range_comes_before_an_unsupported_group(void **state) {
  bed_play(*state, "> 10 02 00 01 00 03 28\n"
                   "< 01 10 02 00 01\n"
                   "> 10 02 00 03 00 03 28\n"
                   "< 01 10 02 00 10\n");
}

/* ---- Find By Type Value ---- */

static void services_are_found_by_their_uuid(void **state) {
  bed_play(*state, "> 06 01 00 ff ff 00 28 1a 18\n"
                   "< 07 10 00 17 00 1f 00 21 00\n"
                   "> 06 11 00 ff ff 00 28 1a 18\n"
                   "< 07 1f 00 21 00\n"
                   "> 06 01 00 1e 00 00 28 1a 18\n"
                   "< 07 10 00 17 00\n"
                   "> 06 01 00 ff ff 00 28 " LONG_TAIL " 00 00 00 0d\n"
                   "< 07 18 00 1e 00\n"
                   "> 06 01 00 ff ff 00 28 1b 18\n"
                   "< 01 06 01 00 0a\n"
                   "> 06 01 00 ff ff 00 28 1a\n"
                   "< 01 06 01 00 0a\n"
                   "> 06 01 00 ff ff 00 28\n"
                   "< 01 06 01 00 0a\n"
                   "> 06 03 00 ff ff 01 28 1a 18\n"
                   "< 01 06 03 00 0a\n");
}

static void any_attribute_is_found_by_its_value(void **state) {
  bed_play(*state, "> 06 01 00 ff ff 6e 2a 16 09\n"
                   "< 07 12 00 12 00\n"
                   "> 06 01 00 ff ff 03 28 0e 15 00 6f 2a\n"
                   "< 07 14 00 17 00\n"
                   "> 06 01 00 ff ff 02 29 00 00\n"
                   "< 07 09 00 09 00 13 00 13 00 1d 00 1d 00\n");
}

static void an_attribute_that_may_not_be_read_has_no_value(void **state) {
  table.temperature->read_code = 0x05;
  bed_play(*state, "> 06 01 00 ff ff 6e 2a 16 09\n"
                   "< 01 06 01 00 0a\n"
                   "> 06 01 00 ff ff 05 2a\n"
                   "< 01 06 01 00 0a\n");
  assert_int_equal(table.temperature->reads, 1);
}

static void as_many_groups_as_the_pdu_holds(void **state) {
  gatt_bed *bed = *state;

  bed->db = ab_gatt_db_new(&bed->server);
  for (unsigned i = 0; i < 7; i++)
    bed_service(bed, "181b");
  bed_install(bed);
  bed_play(bed, "> 06 01 00 ff ff 00 28 1b 18\n"
                "< 07 10 00 10 00 11 00 11 00 12 00 12 00 13 00 13 00 14 00 14 00\n"
                "> 06 15 00 ff ff 00 28 1b 18\n"
                "< 07 15 00 15 00 16 00 16 00\n");
}

/* ---- Read By Type ---- */

static void characteristics_of_one_length_come_together(void **state) {
  bed_play(*state, "> 08 10 00 17 00 03 28\n"
                   "< 09 07 11 00 12 12 00 6e 2a 14 00 0e 15 00 6f 2a\n"
                   "> 08 18 00 1e 00 03 28\n"
                   "< 09 15 19 00 08 1a 00 " LONG_TAIL " 01 00 00 0d\n"
                   "> 08 1a 00 1e 00 03 28\n"
                   "< 09 07 1b 00 32 1c 00 6d 2a\n"
                   "> 08 1c 00 1e 00 03 28\n"
                   "< 01 08 1c 00 0a\n");
}

static void the_type_may_be_of_128_bits(void **state) {
  bed_play(*state, "> 08 01 00 ff ff " LONG_TAIL " 02 00 00 0d\n"
                   "< 09 03 1e 00 77\n"
                   "> 08 01 00 ff ff fb 34 9b 5f 80 00 00 80 00 10 00 00 6e 2a 00 00\n"
                   "< 09 04 12 00 16 09 21 00 17 09\n"
                   "> 08 01 00 ff ff " LONG_TAIL " 03 00 00 0d\n"
                   "< 01 08 01 00 0a\n");
}

static void an_error_of_the_first_is_the_answer(void **state) {
  table.temperature->read_code = 0x08;
  bed_play(*state, "> 08 01 00 ff ff 6e 2a\n"
                   "< 01 08 12 00 08\n"
                   "> 08 01 00 ff ff " LONG_TAIL " 01 00 00 0d\n"
                   "< 01 08 1a 00 02\n");
}

static void an_error_of_a_later_one_is_the_end(void **state) {
  table.second->read_code = 0x08;
  bed_play(*state, "> 08 01 00 ff ff 6e 2a\n"
                   "< 09 04 12 00 16 09\n");
  assert_int_equal(table.second->reads, 1);
}

static void another_length_is_the_end(void **state) {
  table.second->value.len = 1;
  bed_play(*state, "> 08 01 00 ff ff 6e 2a\n"
                   "< 09 04 12 00 16 09\n"
                   "> 08 13 00 ff ff 6e 2a\n"
                   "< 09 03 21 00 17\n");
  table.second->value.len = 0;
  bed_play(*state, "> 08 13 00 ff ff 6e 2a\n"
                   "< 09 02 21 00\n");
}

static void a_long_value_is_cut_to_the_pdu(void **state) {
  gatt_bed *bed = *state;
  uint8_t octets[300];

  bed_play(bed, "> 08 01 00 ff ff 04 29\n"
                "< 09 15 17 00 30*19\n");
  memset(octets, 0x41, sizeof octets);
  assert_true(ab_gatt_value_put(&table.temperature->value, bed->env, 0, octets, 300));
  bed->peer->att.mtu = 517;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 ff 12 00 41*253\n");
  bed->peer->att.mtu = 100;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 62 12 00 41*96\n");
}

static void values_cut_to_one_length_but_different_do_not_come_together(void **state) {
  gatt_bed *bed = *state;
  uint8_t octets[300];

  memset(octets, 0x41, sizeof octets);
  assert_true(ab_gatt_value_put(&table.temperature->value, bed->env, 0, octets, 300));
  assert_true(ab_gatt_value_put(&table.second->value, bed->env, 0, octets, 299));
  bed->peer->att.mtu = 517;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 ff 12 00 41*253\n");
  assert_true(ab_gatt_value_put(&table.second->value, bed->env, 0, octets, 300));
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 ff 12 00 41*253 21 00 41*253\n");
}

static void a_type_of_another_width_is_an_invalid_pdu(void **state) {
  bed_play(*state, "> 08 01 00 ff ff 6e 2a 00 00\n"
                   "< 01 08 00 00 04\n"
                   "> 08 01 00 ff ff 6e\n"
                   "< 01 08 00 00 04\n"
                   "> 08 01 00 ff ff\n"
                   "< 01 08 00 00 04\n"
                   "> 08 01 00 ff ff " LONG_TAIL " 02 00 00\n"
                   "< 01 08 00 00 04\n"
                   "> 08 01 00 ff ff " LONG_TAIL " 02 00 00 0d 0d\n"
                   "< 01 08 00 00 04\n"
                   "> 10 01 00 ff ff 00 28 00 00\n"
                   "< 01 10 00 00 04\n"
                   "> 10 01 00 ff ff 00\n"
                   "< 01 10 00 00 04\n");
}

/* ---- Read By Group Type ---- */

static void services_of_one_width_come_together(void **state) {
  bed_play(*state, "> 10 01 00 ff ff 00 28\n"
                   "< 11 06 01 00 05 00 00 18 06 00 0f 00 01 18 10 00 17 00 1a 18\n"
                   "> 10 18 00 ff ff 00 28\n"
                   "< 11 14 18 00 1e 00 " LONG_TAIL " 00 00 00 0d\n"
                   "> 10 1f 00 ff ff 00 28\n"
                   "< 11 06 1f 00 21 00 1a 18\n"
                   "> 10 20 00 ff ff 00 28\n"
                   "< 01 10 20 00 0a\n"
                   "> 10 01 00 05 00 00 28\n"
                   "< 11 06 01 00 05 00 00 18\n"
                   "> 10 01 00 ff ff fb 34 9b 5f 80 00 00 80 00 10 00 00 00 28 00 00\n"
                   "< 11 06 01 00 05 00 00 18 06 00 0f 00 01 18 10 00 17 00 1a 18\n");
}

static void only_services_are_read_by_group(void **state) {
  bed_play(*state, "> 10 01 00 ff ff 01 28\n"
                   "< 01 10 01 00 0a\n"
                   "> 10 01 00 ff ff 03 28\n"
                   "< 01 10 01 00 10\n"
                   "> 10 01 00 ff ff 6e 2a\n"
                   "< 01 10 01 00 10\n"
                   "> 10 01 00 ff ff " LONG_TAIL " 00 00 00 0d\n"
                   "< 01 10 01 00 10\n");
}

/* ---- security ---- */

static void what_the_link_may_not_read_is_an_error_or_the_end_or_no_match(void **state) {
  gatt_bed *bed = *state;

  table.temperature->value.read_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 01 08 12 00 05\n"
                "> 06 01 00 ff ff 6e 2a 16 09\n"
                "< 01 06 01 00 0a\n"
                "> 06 01 00 ff ff 6e 2a 17 09\n"
                "< 07 21 00 21 00\n");
  table.temperature->value.read_level = AB_GATT_LEVEL_NONE;
  table.second->value.read_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 04 12 00 16 09\n");
  assert_int_equal(table.second->reads, 2); /* by value, while it could be */
  assert_int_equal(table.temperature->reads, 1);
  ab_gatt_server_link_security(&bed->link, (ab_gatt_security){AB_GATT_LEVEL_ENCRYPTED, 16, true});
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 04 12 00 16 09 21 00 17 09\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(find_info_lists_types_until_the_pdu_is_full),
      TEST(find_info_does_not_mix_widths),
      TEST(find_info_finds_nothing_beyond_the_table),
      TEST(a_range_that_is_none_is_an_invalid_handle),
      TEST(an_invalid_range_comes_before_an_unsupported_group),
      TEST(services_are_found_by_their_uuid),
      TEST(any_attribute_is_found_by_its_value),
      TEST(an_attribute_that_may_not_be_read_has_no_value),
      TEST(as_many_groups_as_the_pdu_holds),
      TEST(characteristics_of_one_length_come_together),
      TEST(the_type_may_be_of_128_bits),
      TEST(an_error_of_the_first_is_the_answer),
      TEST(an_error_of_a_later_one_is_the_end),
      TEST(another_length_is_the_end),
      TEST(a_long_value_is_cut_to_the_pdu),
      TEST(values_cut_to_one_length_but_different_do_not_come_together),
      TEST(a_type_of_another_width_is_an_invalid_pdu),
      TEST(services_of_one_width_come_together),
      TEST(only_services_are_read_by_group),
      TEST(what_the_link_may_not_read_is_an_error_or_the_end_or_no_match),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
