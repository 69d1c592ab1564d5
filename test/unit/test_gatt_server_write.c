/* SPDX-License-Identifier: MIT */
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- requests and commands ---- */

static void a_write_replaces_the_value(void **state) {
  bed_play(*state, "> 12 15 00 0a 0b\n"
                   "< 13\n"
                   "> 0a 15 00\n"
                   "< 0b 0a 0b\n"
                   "> 12 15 00\n"
                   "< 13\n"
                   "> 0a 15 00\n"
                   "< 0b\n"
                   "> 12 15 00 01 02 03 04 05 06 07 08\n"
                   "< 13\n");
  bed_expect(table.humidity, "01 02 03 04 05 06 07 08");
  assert_int_equal(table.humidity->checks, 3);
  assert_int_equal(table.humidity->writes, 3);
  assert_int_equal(table.humidity->commands, 0);
}

static void a_command_writes_and_says_nothing(void **state) {
  bed_play(*state, "> 52 15 00 0a 0b\n");
  bed_expect(table.humidity, "0a 0b");
  assert_int_equal(table.humidity->commands, 1);
  assert_int_equal(table.humidity->writes, 1);
}

static void errors_of_a_write_in_their_order(void **state) {
  table.humidity->check_code = 0x80;
  bed_play(*state, "> 12 0f\n"
                   "< 01 12 00 00 04\n"
                   "> 12 00 00 01\n"
                   "< 01 12 00 00 01\n"
                   "> 12 22 00 01\n"
                   "< 01 12 22 00 01\n"
                   "> 12 12 00 00 01 02 03 04 05 06 07 08 09\n"
                   "< 01 12 12 00 03\n"
                   "> 12 11 00 01\n"
                   "< 01 12 11 00 03\n"
                   "> 12 10 00 01\n"
                   "< 01 12 10 00 03\n"
                   "> 12 15 00 01 02 03 04 05 06 07 08 09\n"
                   "< 01 12 15 00 0d\n"
                   "> 12 15 00 01 02\n"
                   "< 01 12 15 00 80\n");
  assert_int_equal(table.temperature->checks, 0);
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 0);
  bed_expect(table.humidity, "01 02 03");
}

static void a_refused_command_is_silent(void **state) {
  table.humidity->check_code = 0x80;
  bed_play(*state, "> 52 15 00 01 02\n"
                   "> 52 15 00 01 02 03 04 05 06 07 08 09\n"
                   "> 52 00 00 01 02\n"
                   "> 52 12 00 01 02\n"
                   "> 52 13 00 01 00\n"
                   "> 52 1a 00 01 02\n"
                   "> 52 0f\n"
                   "> 52\n");
  bed_expect(table.humidity, "01 02 03");
  bed_expect(table.temperature, "16 09");
  bed_expect(table.hidden, "");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 0);
}

static void a_signed_command_is_ignored(void **state) {
  bed_play(*state, "> d2 0f 00 01 02 03 04 05 06 07 08 09 0a 0b 0c\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 0);
}

static void appending_adds_up_to_the_limit(void **state) {
  table.humidity->value.append = true;
  bed_play(*state, "> 12 15 00 04 05\n"
                   "< 13\n"
                   "> 12 15 00 06 07 08 09\n"
                   "< 01 12 15 00 0d\n"
                   "> 12 15 00 06 07 08\n"
                   "< 13\n"
                   "> 12 15 00 09\n"
                   "< 01 12 15 00 0d\n"
                   "> 12 15 00\n"
                   "< 13\n");
  bed_expect(table.humidity, "01 02 03 04 05 06 07 08");
  assert_int_equal(table.humidity->writes, 3);
}

static void no_memory_is_insufficient_resources(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 1a 00 01\n"
                "< 13\n");
  fake_env_fail_at(bed->env, 1);
  bed_play(bed, "> 12 1a 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11\n"
                "< 01 12 1a 00 11\n");
  bed_expect(table.hidden, "01");
  assert_int_equal(table.hidden->writes, 1);
  fake_env_fail_at(bed->env, 1);
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 01 12 13 00 11\n"
                "> 12 13 00 01 00\n"
                "< 13\n");
  assert_int_equal(table.temperature->subscriptions, 1);
}

/* ---- the client's configuration ---- */

static void a_configuration_is_two_octets_with_the_bits_there_are(void **state) {
  bed_play(*state, "> 12 13 00 01 00\n"
                   "< 13\n"
                   "> 0a 13 00\n"
                   "< 0b 01 00\n"
                   "> 12 13 00 02 00\n"
                   "< 01 12 13 00 fd\n"
                   "> 12 13 00 03 00\n"
                   "< 01 12 13 00 fd\n"
                   "> 12 13 00 05 00\n"
                   "< 01 12 13 00 fd\n"
                   "> 12 13 00 01 01\n"
                   "< 01 12 13 00 fd\n"
                   "> 12 13 00 01\n"
                   "< 01 12 13 00 0d\n"
                   "> 12 13 00\n"
                   "< 01 12 13 00 0d\n"
                   "> 12 13 00 01 00 00\n"
                   "< 01 12 13 00 0d\n"
                   "> 0a 13 00\n"
                   "< 0b 01 00\n"
                   "> 12 1d 00 03 00\n"
                   "< 13\n"
                   "> 12 09 00 01 00\n"
                   "< 01 12 09 00 fd\n"
                   "> 12 09 00 02 00\n"
                   "< 13\n");
  assert_int_equal(table.temperature->what, 1);
  assert_int_equal(table.pressure->what, 3);
}

static void a_subscription_is_told_when_it_changes(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 13 00 00 00\n"
                "< 13\n");
  assert_int_equal(table.temperature->subscriptions, 0);
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 13\n"
                "> 12 13 00 01 00\n"
                "< 13\n");
  assert_int_equal(table.temperature->subscriptions, 1);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 1);
  bed_play(bed, "> 12 13 00 00 00\n"
                "< 13\n");
  assert_int_equal(table.temperature->subscriptions, 2);
  assert_int_equal(table.temperature->what, 0);
  assert_int_equal(table.pressure->subscriptions, 0);
  assert_int_equal(table.temperature->checks, 0);
}

/* ---- prepared writes ---- */

static void parts_are_put_together_in_order(void **state) {
  bed_play(*state, "> 16 1a 00 00 00 61*18\n"
                   "< 17 1a 00 00 00 61*18\n"
                   "> 16 1a 00 12 00 62*18\n"
                   "< 17 1a 00 12 00 62*18\n"
                   "> 16 1a 00 24 00 63\n"
                   "< 17 1a 00 24 00 63\n");
  assert_int_equal(table.hidden->checks, 0);
  bed_expect(table.hidden, "");
  bed_play(*state, "> 18 01\n"
                   "< 19\n");
  bed_expect(table.hidden,
             "61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 62 62 62 62 62 62 62 62 62 62 "
             "62 62 62 62 62 62 62 62 63");
  assert_int_equal(table.hidden->checks, 1);
  assert_int_equal(table.hidden->writes, 1);
}

static void a_long_write_may_be_as_long_as_a_value_gets(void **state) {
  gatt_bed *bed = *state;
  char line[200];

  for (unsigned at = 0; at < 504; at += 18) {
    snprintf(line, sizeof line, "> 16 1a 00 %02x %02x 5a*18\n< 17 1a 00 %02x %02x 5a*18\n",
             at & 0xff, at >> 8, at & 0xff, at >> 8);
    bed_play(bed, line);
  }
  bed_play(bed, "> 16 1a 00 f8 01 5b*8\n"
                "< 17 1a 00 f8 01 5b*8\n"
                "> 18 01\n"
                "< 19\n");
  assert_int_equal(table.hidden->value.len, 512);
  assert_int_equal(table.hidden->value.data[503], 0x5a);
  assert_int_equal(table.hidden->value.data[511], 0x5b);
}

static void cancelling_writes_nothing(void **state) {
  bed_play(*state, "> 16 15 00 00 00 09\n"
                   "< 17 15 00 00 00 09\n"
                   "> 18 00\n"
                   "< 19\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 0);
  assert_int_equal(table.humidity->writes, 0);
}

static void handles_may_be_interleaved(void **state) {
  bed_play(*state, "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 16 1a 00 00 00 61\n"
                   "< 17 1a 00 00 00 61\n"
                   "> 16 15 00 01 00 0b\n"
                   "< 17 15 00 01 00 0b\n"
                   "> 16 1a 00 01 00 62\n"
                   "< 17 1a 00 01 00 62\n"
                   "> 16 13 00 00 00 01\n"
                   "< 17 13 00 00 00 01\n"
                   "> 16 13 00 01 00 00\n"
                   "< 17 13 00 01 00 00\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "0a 0b");
  bed_expect(table.hidden, "61 62");
  assert_int_equal(table.humidity->writes, 1);
  assert_int_equal(table.hidden->writes, 1);
  assert_int_equal(table.temperature->what, 1);
}

static void a_part_of_the_value_can_be_written(void **state) {
  bed_play(*state, "> 16 15 00 01 00 0b\n"
                   "< 17 15 00 01 00 0b\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "01 0b 03");
  bed_play(*state, "> 16 15 00 03 00 0c 0d\n"
                   "< 17 15 00 03 00 0c 0d\n"
                   "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "0a 0b 03 0c 0d");
}

static void what_is_appended_is_put_together_first(void **state) {
  table.humidity->value.append = true;
  bed_play(*state, "> 16 15 00 00 00 04 05\n"
                   "< 17 15 00 00 00 04 05\n"
                   "> 16 15 00 02 00 06\n"
                   "< 17 15 00 02 00 06\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "01 02 03 04 05 06");
  bed_play(*state, "> 16 15 00 01 00 07\n"
                   "< 17 15 00 01 00 07\n"
                   "> 18 01\n"
                   "< 01 18 15 00 07\n"
                   "> 16 15 00 00 00 07 08 09\n"
                   "< 17 15 00 00 00 07 08 09\n"
                   "> 18 01\n"
                   "< 01 18 15 00 0d\n");
  bed_expect(table.humidity, "01 02 03 04 05 06");
  assert_int_equal(table.humidity->writes, 1);
}

static void a_gap_is_an_invalid_offset_and_empties_the_queue(void **state) {
  bed_play(*state, "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 16 15 00 02 00 0b\n"
                   "< 17 15 00 02 00 0b\n"
                   "> 18 01\n"
                   "< 01 18 15 00 07\n"
                   "> 18 01\n"
                   "< 19\n"
                   "> 16 15 00 04 00 0b\n"
                   "< 17 15 00 04 00 0b\n"
                   "> 18 01\n"
                   "< 01 18 15 00 07\n"
                   "> 16 1a 00 ff ff 0b\n"
                   "< 17 1a 00 ff ff 0b\n"
                   "> 18 01\n"
                   "< 01 18 1a 00 07\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 0);
}

static void too_long_in_the_end_is_an_invalid_length(void **state) {
  gatt_bed *bed = *state;
  uint8_t octets[512] = {0};

  bed_play(bed, "> 16 15 00 00 00 0a*8\n"
                "< 17 15 00 00 00 0a*8\n"
                "> 16 15 00 08 00 0b\n"
                "< 17 15 00 08 00 0b\n"
                "> 18 01\n"
                "< 01 18 15 00 0d\n");
  bed_expect(table.humidity, "01 02 03");
  assert_true(ab_gatt_value_put(&table.hidden->value, bed->env, 0, octets, 512));
  bed_play(bed, "> 16 1a 00 00 02 0b\n"
                "< 17 1a 00 00 02 0b\n"
                "> 18 01\n"
                "< 01 18 1a 00 0d\n"
                "> 16 1a 00 ff 01 0b 0c\n"
                "< 17 1a 00 ff 01 0b 0c\n"
                "> 18 01\n"
                "< 01 18 1a 00 0d\n");
  assert_int_equal(table.hidden->writes, 0);
}

static void all_are_written_or_none(void **state) {
  table.hidden->check_code = 0x80;
  bed_play(*state, "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 16 1a 00 00 00 0b\n"
                   "< 17 1a 00 00 00 0b\n"
                   "> 18 01\n"
                   "< 01 18 1a 00 80\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 0);
  assert_int_equal(table.hidden->writes, 0);
}

static void a_refused_part_leaves_the_queue_alone(void **state) {
  bed_play(*state, "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 16 12 00 00 00 0b\n"
                   "< 01 16 12 00 03\n"
                   "> 16 22 00 00 00 0b\n"
                   "< 01 16 22 00 01\n"
                   "> 16 00 00 00 00 0b\n"
                   "< 01 16 00 00 01\n"
                   "> 16 15 00 00\n"
                   "< 01 16 00 00 04\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "0a");
}

static void an_execute_that_is_none_empties_the_queue_too(void **state) {
  static const char *const bad[] = {"> 18 02\n< 01 18 00 00 04\n", "> 18\n< 01 18 00 00 04\n",
                                    "> 18 01 00\n< 01 18 00 00 04\n",
                                    "> 18 ff\n< 01 18 00 00 04\n"};

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bed_play(*state, "> 16 15 00 00 00 0a\n"
                     "< 17 15 00 00 00 0a\n");
    bed_play(*state, bad[i]);
    bed_play(*state, "> 18 01\n"
                     "< 19\n");
  }
  bed_expect(table.humidity, "01 02 03");
}

static void the_queue_has_a_limit_of_entries(void **state) {
  for (unsigned i = 0; i < AB_GATT_PREPARED_WRITES; i++)
    bed_play(*state, "> 16 15 00 00 00\n"
                     "< 17 15 00 00 00\n");
  bed_play(*state, "> 16 15 00 00 00\n"
                   "< 01 16 15 00 09\n"
                   "> 18 01\n"
                   "< 19\n"
                   "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "0a");
}

static void the_queue_has_a_limit_of_octets(void **state) {
  gatt_bed *bed = *state;

  bed->peer->att.mtu = 517;
  for (unsigned i = 0; i < AB_GATT_PREPARED_OCTETS / 518; i++)
    bed_play(bed, "> 16 1a 00 00 00 0a*512\n"
                  "< 17 1a 00 00 00 0a*512\n");
  bed_play(bed, "> 16 1a 00 00 00 0b*512\n"
                "< 01 16 1a 00 09\n"
                "> 16 1a 00 00 00 0c\n"
                "< 17 1a 00 00 00 0c\n"
                "> 18 01\n"
                "< 19\n");
  assert_int_equal(table.hidden->value.len, 512);
  assert_int_equal(table.hidden->value.data[0], 0x0c);
  assert_int_equal(table.hidden->value.data[1], 0x0a);
}

static void a_part_longer_than_the_response_is_refused(void **state) {
  bed_play(*state, "> 16 1a 00 00 00 0a*19\n"
                   "< 01 16 00 00 04\n"
                   "> 18 01\n"
                   "< 19\n");
  assert_int_equal(table.hidden->writes, 0);
}

static void preparing_without_memory_is_insufficient_resources(void **state) {
  gatt_bed *bed = *state;

  fake_env_fail_at(bed->env, 2); /* the first is the response */
  bed_play(bed, "> 16 15 00 00 00 0a\n"
                "< 01 16 15 00 11\n"
                "> 16 15 00 00 00 0a\n"
                "< 17 15 00 00 00 0a\n");
  fake_env_fail_at(bed->env, 1); /* the response's buffer is pooled by now */
  bed_play(bed, "> 18 01\n"
                "< 01 18 15 00 11\n"
                "> 18 01\n"
                "< 19\n");
  bed_expect(table.humidity, "01 02 03");
}

static void the_end_of_the_link_forgets_what_was_prepared(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 16 15 00 00 00 0a\n"
                "< 17 15 00 00 00 0a\n");
  bed_reconnect(bed);
  bed_play(bed, "> 18 01\n"
                "< 19\n");
  bed_expect(table.humidity, "01 02 03");
}

/* ---- security ---- */

static void errors_of_a_secured_write_in_their_order(void **state) {
  gatt_bed *bed = *state;

  table.humidity->value.write_level = AB_GATT_LEVEL_AUTHENTICATED;
  table.humidity->value.min_key = 16;
  table.humidity->check_code = 0x80;
  table.temperature->value.write_level = AB_GATT_LEVEL_AUTHENTICATED;
  bed_play(bed, "> 12 12 00 01\n"
                "< 01 12 12 00 03\n"
                "> 12 15 00 01 02 03 04 05 06 07 08 09\n"
                "< 01 12 15 00 05\n"
                "> 52 15 00 01\n");
  ab_gatt_server_link_security(&bed->link,
                               (ab_gatt_security){AB_GATT_LEVEL_AUTHENTICATED, 7, true});
  bed_play(bed, "> 12 15 00 01 02 03 04 05 06 07 08 09\n"
                "< 01 12 15 00 0c\n");
  ab_gatt_server_link_security(&bed->link,
                               (ab_gatt_security){AB_GATT_LEVEL_AUTHENTICATED, 16, true});
  bed_play(bed, "> 12 15 00 01 02 03 04 05 06 07 08 09\n"
                "< 01 12 15 00 0d\n");
  assert_int_equal(table.humidity->checks, 0);
  bed_play(bed, "> 12 15 00 01\n"
                "< 01 12 15 00 80\n");
  assert_int_equal(table.humidity->checks, 1);
  bed_expect(table.humidity, "01 02 03");
}

static void a_part_is_judged_when_it_is_prepared(void **state) {
  gatt_bed *bed = *state;

  table.humidity->value.write_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_play(bed, "> 16 15 00 00 00 09\n"
                "< 01 16 15 00 05\n"
                "> 16 12 00 00 00 09\n"
                "< 01 16 12 00 03\n"
                "> 18 01\n"
                "< 19\n");
  ab_gatt_server_link_security(&bed->link, (ab_gatt_security){AB_GATT_LEVEL_ENCRYPTED, 16, true});
  bed_play(bed, "> 16 15 00 00 00 09\n"
                "< 17 15 00 00 00 09\n");
  ab_gatt_server_link_security(&bed->link, (ab_gatt_security){0});
  bed_play(bed, "> 18 01\n"
                "< 01 18 15 00 05\n");
  assert_int_equal(table.humidity->checks, 0);
  bed_expect(table.humidity, "01 02 03");
}

static void to_subscribe_takes_what_reading_takes(void **state) {
  gatt_bed *bed = *state;

  table.temperature->value.read_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 01 12 13 00 05\n"
                "> 16 13 00 00 00 01 00\n"
                "< 01 16 13 00 05\n");
  assert_int_equal(table.temperature->subscriptions, 0);
  ab_gatt_server_link_security(&bed->link, (ab_gatt_security){AB_GATT_LEVEL_ENCRYPTED, 16, true});
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 13\n");
  assert_int_equal(table.temperature->subscriptions, 1);
}

/* ---- cutting ---- */

static void a_longer_write_is_cut_if_the_value_says_so(void **state) {
  table.humidity->value.truncate = true;
  bed_play(*state, "> 12 15 00 01 02 03 04 05 06 07 08 09 0a\n"
                   "< 13\n");
  bed_expect(table.humidity, "01 02 03 04 05 06 07 08");
  assert_int_equal(table.humidity->len, 8);
  bed_play(*state, "> 52 15 00 11 12 13 14 15 16 17 18 19\n");
  bed_expect(table.humidity, "11 12 13 14 15 16 17 18");
  bed_play(*state, "> 16 15 00 00 00 21*6\n"
                   "< 17 15 00 00 00 21*6\n"
                   "> 16 15 00 06 00 22*6\n"
                   "< 17 15 00 06 00 22*6\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "21 21 21 21 21 21 22 22");
}

static void what_is_appended_is_cut_to_what_fits(void **state) {
  table.humidity->value.truncate = table.humidity->value.append = true;
  bed_play(*state, "> 12 15 00 04 05 06 07 08 09 0a\n"
                   "< 13\n");
  bed_expect(table.humidity, "01 02 03 04 05 06 07 08");
  assert_int_equal(table.humidity->len, 5);
  bed_play(*state, "> 12 15 00 0b\n"
                   "< 13\n");
  bed_expect(table.humidity, "01 02 03 04 05 06 07 08");
  assert_int_equal(table.humidity->len, 0);
}

static void parts_beyond_the_longest_value_are_cut_too(void **state) {
  gatt_bed *bed = *state;
  uint8_t octets[AB_ATT_VALUE_MAX] = {0};

  table.hidden->value.truncate = true;
  assert_true(ab_gatt_value_put(&table.hidden->value, bed->env, 0, octets, sizeof octets));
  bed_play(bed, "> 16 1a 00 ff 01 0a 0b\n"
                "< 17 1a 00 ff 01 0a 0b\n"
                "> 16 1a 00 00 02 0c\n"
                "< 17 1a 00 00 02 0c\n"
                "> 18 01\n"
                "< 19\n"
                "> 16 1a 00 01 02 0c\n"
                "< 17 1a 00 01 02 0c\n"
                "> 18 01\n"
                "< 01 18 1a 00 07\n"
                "> 16 13 00 00 00 01 00\n"
                "< 17 13 00 00 00 01 00\n"
                "> 16 13 00 02 00 00\n"
                "< 17 13 00 02 00 00\n"
                "> 18 01\n"
                "< 01 18 13 00 0d\n");
  assert_int_equal(table.hidden->value.len, AB_ATT_VALUE_MAX);
  assert_int_equal(table.hidden->value.data[511], 0x0a);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_write_replaces_the_value),
      TEST(a_command_writes_and_says_nothing),
      TEST(errors_of_a_write_in_their_order),
      TEST(a_refused_command_is_silent),
      TEST(a_signed_command_is_ignored),
      TEST(appending_adds_up_to_the_limit),
      TEST(no_memory_is_insufficient_resources),
      TEST(a_configuration_is_two_octets_with_the_bits_there_are),
      TEST(a_subscription_is_told_when_it_changes),
      TEST(parts_are_put_together_in_order),
      TEST(a_long_write_may_be_as_long_as_a_value_gets),
      TEST(cancelling_writes_nothing),
      TEST(handles_may_be_interleaved),
      TEST(a_part_of_the_value_can_be_written),
      TEST(what_is_appended_is_put_together_first),
      TEST(a_gap_is_an_invalid_offset_and_empties_the_queue),
      TEST(too_long_in_the_end_is_an_invalid_length),
      TEST(all_are_written_or_none),
      TEST(a_refused_part_leaves_the_queue_alone),
      TEST(an_execute_that_is_none_empties_the_queue_too),
      TEST(the_queue_has_a_limit_of_entries),
      TEST(the_queue_has_a_limit_of_octets),
      TEST(a_part_longer_than_the_response_is_refused),
      TEST(preparing_without_memory_is_insufficient_resources),
      TEST(the_end_of_the_link_forgets_what_was_prepared),
      TEST(errors_of_a_secured_write_in_their_order),
      TEST(a_part_is_judged_when_it_is_prepared),
      TEST(to_subscribe_takes_what_reading_takes),
      TEST(a_longer_write_is_cut_if_the_value_says_so),
      TEST(what_is_appended_is_cut_to_what_fits),
      TEST(parts_beyond_the_longest_value_are_cut_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
