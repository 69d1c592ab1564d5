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

/* ---- one attribute ---- */

static void a_read_waits_for_its_answer(void **state) {
  bed_later(table.temperature);
  bed_play(*state, "> 0a 12 00\n");
  bed_answer(table.temperature, 0, NULL);
  bed_play(*state, "< 0b 16 09\n"
                   "> 0a 12 00\n");
  bed_answer(table.temperature, 0, "abc");
  bed_play(*state, "< 0b 61 62 63\n"
                   "> 0a 12 00\n");
  bed_answer(table.temperature, 0, "");
  bed_play(*state, "< 0b\n"
                   "> 0a 12 00\n");
  bed_answer(table.temperature, 0x80, "abc");
  bed_play(*state, "< 01 0a 12 00 80\n");
  assert_int_equal(table.temperature->reads, 4);
  bed_expect(table.temperature, "16 09");
}

static void a_late_answer_is_cut_to_the_pdu_and_a_blob_goes_on(void **state) {
  bed_later(table.temperature);
  bed_play(*state, "> 0a 12 00\n");
  bed_answer(table.temperature, 0, "a text that is longer than the PDU");
  bed_play(*state, "< 0b 61 20 74 65 78 74 20 74 68 61 74 20 69 73 20 6c 6f 6e 67 65 72 20\n"
                   "> 0c 12 00 1f 00\n");
  assert_int_equal(table.temperature->offset, 0x1f);
  bed_answer(table.temperature, 0, "a text that is longer than the PDU");
  bed_play(*state, "< 0d 50 44 55\n"
                   "> 0c 12 00 04 00\n");
  bed_answer(table.temperature, 0, "abc");
  bed_play(*state, "< 01 0c 12 00 07\n");
  assert_int_equal(table.temperature->reads, 3);
}

static void a_write_waits_and_is_stored_only_then(void **state) {
  bed_later(table.humidity);
  bed_play(*state, "> 12 15 00 0a 0b\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->writes, 0);
  bed_answer(table.humidity, 0, "ignored: octets are for reads");
  bed_play(*state, "< 13\n");
  bed_expect(table.humidity, "0a 0b");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 1);
  bed_play(*state, "> 12 15 00 0c\n");
  bed_answer(table.humidity, AB_ATT_ERR_VALUE_NOT_ALLOWED, NULL);
  bed_play(*state, "< 01 12 15 00 13\n");
  bed_expect(table.humidity, "0a 0b");
  assert_int_equal(table.humidity->writes, 1);
}

static void an_answer_counts_once(void **state) {
  bed_later(table.temperature);
  bed_play(*state, "> 0a 12 00\n");
  bed_answer(table.temperature, 0, NULL);
  bed_owes_nothing(table.temperature);
  ab_gatt_late_answer(&table.temperature->late, 0x80, NULL, 0);
  ab_gatt_late_drop(&table.temperature->late);
  bed_play(*state, "< 0b 16 09\n");
}

static void an_owner_that_goes_away_is_an_unlikely_error(void **state) {
  bed_later(table.temperature);
  bed_play(*state, "> 0a 12 00\n");
  ab_gatt_late_drop(&table.temperature->late);
  bed_play(*state, "< 01 0a 12 00 0e\n");
  bed_owes_nothing(table.temperature);
}

static void answer_at_once(bed_value *v) {
  v->hook = NULL;
  bed_answer(v, 0, "at once");
}

static void refuse_at_once(bed_value *v) {
  v->hook = NULL;
  bed_answer(v, 0x81, NULL);
}

static void the_hook_itself_may_answer(void **state) {
  bed_later(table.temperature);
  bed_later(table.humidity);
  table.temperature->hook = answer_at_once;
  table.humidity->hook = refuse_at_once;
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b 61 74 20 6f 6e 63 65\n"
                   "> 12 15 00 09\n"
                   "< 01 12 15 00 81\n");
  bed_owes_nothing(table.temperature);
  bed_expect(table.humidity, "01 02 03");
}

static void what_the_hook_itself_answers_needs_memory(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  table.temperature->hook = answer_at_once;
  fake_env_fail_at(bed->env, 2); /* behind the response's */
  bed_play(bed, "> 0a 12 00\n"
                "< 01 0a 12 00 11\n");
}

static void give_up(bed_value *v) {
  ab_gatt_late_drop(&v->late);
}

static void who_drops_it_inside_the_hook_is_unlikely(void **state) {
  bed_later(table.temperature);
  table.temperature->hook = give_up;
  bed_play(*state, "> 0a 12 00\n"
                   "< 01 0a 12 00 0e\n");
}

static void lose(bed_value *v) {
  v->late.request->late = NULL; /* as if it had begun none */
  v->late.request = NULL;
}

static void later_without_a_late_answer_is_unlikely(void **state) {
  bed_later(table.temperature);
  table.temperature->hook = lose;
  bed_play(*state, "> 0a 12 00\n"
                   "< 01 0a 12 00 0e\n");
}

static int late_but_now(ab_gatt_value *value, ab_gatt_access *access) {
  bed_value *v = ab_container_of(value, bed_value, value);

  ab_gatt_late_begin(&v->late, access);
  return 0;
}

static void a_hook_that_begins_and_returns_an_answer_owes_none(void **state) {
  static const ab_gatt_value_ops ops = {.read = late_but_now};

  table.temperature->value.ops = &ops;
  bed_play(*state, "> 0a 12 00\n"
                   "< 0b 16 09\n");
  bed_owes_nothing(table.temperature);
}

static int answered_but_now(ab_gatt_value *value, ab_gatt_access *access) {
  bed_value *v = ab_container_of(value, bed_value, value);

  ab_gatt_late_begin(&v->late, access);
  bed_answer(v, 0x80, NULL);
  return 0;
}

static void what_the_hook_returns_is_above_its_late_answer(void **state) {
  static const ab_gatt_value_ops ops = {.read = answered_but_now};

  table.temperature->value.ops = &ops;
  bed_play(*state, "> 0e 12 00 15 00\n"
                   "< 0f 16 09 01 02 03\n");
  assert_int_equal(table.humidity->reads, 1);
}

static ab_gatt_late spare;

static int begin_two(ab_gatt_value *value, ab_gatt_access *access) {
  bed_value *v = ab_container_of(value, bed_value, value);

  ab_gatt_late_begin(&spare, access);
  ab_gatt_late_begin(&v->late, access);
  return AB_ATT_LATER;
}

static void of_two_late_answers_the_second_counts(void **state) {
  static const ab_gatt_value_ops ops = {.read = begin_two};

  table.temperature->value.ops = &ops;
  bed_play(*state, "> 0a 12 00\n");
  assert_null(spare.request);
  ab_gatt_late_answer(&spare, 0x80, NULL, 0);
  bed_answer(table.temperature, 0, NULL);
  bed_play(*state, "< 0b 16 09\n");
}

/* ---- in line ---- */

static ab_list line;
static unsigned asked_again;
static bool room;

static int stand_in_line(ab_gatt_value *value, ab_gatt_access *access) {
  (void) value;
  asked_again += access->again;
  return room ? 0 : ab_gatt_line_up(&line, access);
}

static const ab_gatt_value_ops in_line = {.check = stand_in_line};

static void form_a_line(void) {
  ab_list_init(&line);
  asked_again = 0;
  room = false;
  table.humidity->value.ops = &in_line;
}

static void who_stands_in_line_is_asked_again_until_there_is_room(void **state) {
  form_a_line();
  bed_play(*state, "> 12 15 00 09\n");
  ab_gatt_line_next(&line);
  assert_int_equal(asked_again, 1);
  assert_false(ab_list_empty(&line));
  room = true;
  ab_gatt_line_next(&line);
  assert_int_equal(asked_again, 2);
  assert_true(ab_list_empty(&line));
  bed_play(*state, "< 13\n");
  bed_expect(table.humidity, "09");
  ab_gatt_line_next(&line);
  assert_int_equal(asked_again, 2);
}

static void who_goes_leaves_the_line(void **state) {
  form_a_line();
  bed_play(*state, "> 12 15 00 09\n");
  assert_false(ab_list_empty(&line));
  bed_reconnect(*state);
  assert_true(ab_list_empty(&line));
  bed_expect(table.humidity, "01 02 03");
}

static void a_line_for_what_is_gone_is_left(void **state) {
  gatt_bed *bed = *state;

  form_a_line();
  bed_play(bed, "> 12 15 00 09\n");
  bed->db = ab_gatt_db_copy(&bed->server);
  bed_install(bed); /* nothing has changed */
  assert_false(ab_list_empty(&line));
  bed->db = ab_gatt_db_new(&bed->server);
  bed_install(bed);
  assert_true(ab_list_empty(&line));
  bed_play(bed, "< 01 12 15 00 0e\n");
}

static void a_command_cannot_be_answered_later(void **state) {
  bed_later(table.humidity);
  bed_play(*state, "> 52 15 00 09\n");
  bed_owes_nothing(table.humidity);
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 0);
}

static void waiting_needs_memory(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  for (unsigned n = 2; n <= 3; n++) { /* behind the response's: the PDU, the response */
    ab_bufs_free(&bed->peer->bufs);
    fake_env_fail_at(bed->env, n);
    bed_play(bed, "> 0a 12 00\n"
                  "< 01 0a 12 00 11\n");
    bed_owes_nothing(table.temperature);
  }
}

/* ---- several attributes: each hook is asked once ---- */

static void a_set_is_read_one_answer_after_the_other(void **state) {
  bed_later(table.temperature);
  bed_later(table.second);
  bed_play(*state, "> 20 15 00 12 00 16 00 21 00\n");
  assert_int_equal(table.second->reads, 0);
  bed_answer(table.temperature, 0, "t");
  bed_answer(table.second, 0, "second");
  bed_play(*state, "< 21 03 00 01 02 03 01 00 74 04 00 54 65 78 74 06 00 73 65 63 6f 6e 64\n"
                   "> 0e 12 00 16 00 12 00\n");
  bed_answer(table.temperature, 0, "a");
  bed_answer(table.temperature, 0, NULL);
  bed_play(*state, "< 0f 61 54 65 78 74 16 09\n"
                   "> 0e 16 00 12 00 21 00\n");
  bed_answer(table.temperature, 0, NULL);
  bed_answer(table.second, 0x85, NULL);
  bed_play(*state, "< 01 0e 21 00 85\n");
  assert_int_equal(table.humidity->reads, 1);
  assert_int_equal(table.text->reads, 3);
  assert_int_equal(table.temperature->reads, 4);
  assert_int_equal(table.second->reads, 2);
}

static void a_search_by_type_goes_on_where_it_was(void **state) {
  bed_later(table.temperature);
  bed_later(table.second);
  bed_play(*state, "> 08 01 00 ff ff 6e 2a\n");
  bed_answer(table.temperature, 0, "abc");
  bed_answer(table.second, 0, "def");
  bed_play(*state, "< 09 05 12 00 61 62 63 21 00 64 65 66\n"
                   "> 08 01 00 ff ff 6e 2a\n");
  bed_answer(table.temperature, 0, "abc");
  bed_answer(table.second, 0, "longer");
  bed_play(*state, "< 09 05 12 00 61 62 63\n"
                   "> 08 01 00 ff ff 6e 2a\n");
  bed_answer(table.temperature, 0, "abc");
  bed_answer(table.second, 0x80, NULL);
  bed_play(*state, "< 09 05 12 00 61 62 63\n"
                   "> 08 01 00 ff ff 6e 2a\n");
  bed_answer(table.temperature, 0x80, NULL);
  bed_play(*state, "< 01 08 12 00 80\n");
  assert_int_equal(table.temperature->reads, 4);
  assert_int_equal(table.second->reads, 3);
}

static void a_search_by_value_goes_on_where_it_was(void **state) {
  bed_later(table.temperature);
  bed_later(table.second);
  bed_play(*state, "> 06 01 00 ff ff 6e 2a 61 62\n");
  bed_answer(table.temperature, 0, "ab");
  bed_answer(table.second, 0, "ab");
  bed_play(*state, "< 07 12 00 12 00 21 00 21 00\n"
                   "> 06 01 00 ff ff 6e 2a 61 62\n");
  bed_answer(table.temperature, 0x80, NULL);
  bed_answer(table.second, 0, "ab");
  bed_play(*state, "< 07 21 00 21 00\n"
                   "> 06 01 00 ff ff 6e 2a 61 62\n");
  bed_answer(table.temperature, 0, "a");
  bed_answer(table.second, 0x80, NULL);
  bed_play(*state, "< 01 06 01 00 0a\n");
  assert_int_equal(table.temperature->reads, 3);
  assert_int_equal(table.second->reads, 3);
}

/* ---- executing ---- */

#define PREPARE_THREE        \
  "> 16 15 00 00 00 0a 0b\n" \
  "< 17 15 00 00 00 0a 0b\n" \
  "> 16 17 00 00 00 0c\n"    \
  "< 17 17 00 00 00 0c\n"    \
  "> 16 1a 00 00 00 0d\n"    \
  "< 17 1a 00 00 00 0d\n"

static void the_second_of_three_answers_later_and_all_are_stored(void **state) {
  bed_later(table.format);
  bed_play(*state, PREPARE_THREE "> 18 01\n");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.hidden->checks, 0);
  assert_int_equal(table.humidity->writes, 0);
  bed_answer(table.format, 0, NULL);
  bed_play(*state, "< 19\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "0a 0b");
  bed_expect(table.format, "0c");
  bed_expect(table.hidden, "0d");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.format->checks, 1);
  assert_int_equal(table.hidden->checks, 1);
  assert_int_equal(table.humidity->writes, 1);
}

static void nothing_is_stored_when_the_second_is_rejected_in_the_end(void **state) {
  bed_later(table.format);
  bed_play(*state, PREPARE_THREE "> 18 01\n");
  bed_answer(table.format, 0x80, NULL);
  bed_play(*state, "< 01 18 17 00 80\n"
                   "> 18 01\n"
                   "< 19\n");
  bed_expect(table.humidity, "01 02 03");
  bed_expect(table.hidden, "");
  assert_int_equal(table.format->value.len, 40);
  assert_int_equal(table.hidden->checks, 0);
  assert_int_equal(table.humidity->writes + table.format->writes + table.hidden->writes, 0);
}

static void all_three_may_answer_later(void **state) {
  bed_later(table.humidity);
  bed_later(table.format);
  bed_later(table.hidden);
  bed_play(*state, PREPARE_THREE "> 18 01\n");
  bed_answer(table.humidity, 0, NULL);
  bed_answer(table.format, 0, NULL);
  assert_int_equal(table.humidity->writes, 0);
  bed_answer(table.hidden, 0, NULL);
  bed_play(*state, "< 19\n");
  bed_expect(table.humidity, "0a 0b");
  bed_expect(table.hidden, "0d");
}

/* ---- the bearer meanwhile ---- */

static void a_second_request_is_refused_and_the_first_still_answered(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  bed_play(bed, "> 0a 12 00\n"
                "> 0a 15 00\n"
                "< 01 0a 00 00 11\n"
                "> 12 15 00 09\n"
                "< 01 12 00 00 11\n"
                "> 02 40 00\n"
                "< 01 02 00 00 11\n"
                "> 18 01\n"
                "< 01 18 00 00 11\n");
  assert_int_equal(bed->peer->att.malformed, 4);
  assert_int_equal(bed->peer->att.mtu, AB_ATT_MTU_MIN);
  bed_answer(table.temperature, 0, NULL);
  bed_play(bed, "< 0b 16 09\n"
                "> 02 40 00\n"
                "< 03 05 02\n");
  bed_expect(table.humidity, "01 02 03");
}

static void a_command_is_carried_out_meanwhile(void **state) {
  bed_later(table.temperature);
  bed_play(*state, "> 0e 15 00 12 00 15 00\n"
                   "> 52 15 00 09\n");
  bed_expect(table.humidity, "09");
  bed_answer(table.temperature, 0, NULL);
  bed_play(*state, "< 0f 01 02 03 16 09 09\n");
}

static void a_command_for_the_value_that_waits_is_its_own(void **state) {
  bed_later(table.humidity);
  bed_play(*state, "> 12 15 00 0a\n");
  table.humidity->check_code = 0;
  bed_play(*state, "> 52 15 00 0b\n");
  bed_expect(table.humidity, "0b");
  bed_answer(table.humidity, 0, NULL);
  bed_play(*state, "< 13\n");
  bed_expect(table.humidity, "0a");
}

/* the client gives up after 30 s, not we */
static void there_is_no_limit_to_our_time(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  bed_play(bed, "> 0a 12 00\n");
  fake_env_advance(bed->env, 40u * 1000 * 1000);
  assert_int_equal(bed->peer->broken, 0);
  bed_answer(table.temperature, 0, NULL);
  bed_play(bed, "< 0b 16 09\n");
}

static void on_end(ab_att_req *req, int status, ab_rd *pdu) {
  (void) req, (void) status, (void) pdu;
}

static void a_bearer_that_breaks_gets_no_answer_and_nothing_is_stored(void **state) {
  gatt_bed *bed = *state;
  ab_att_req req;
  int status = 0;

  bed_later(table.humidity);
  bed_play(bed, "> 12 15 00 0a\n");
  ab_att_request(&bed->peer->att, &req,
                 ab_gatt_server_value_pdu(&bed->peer->att, AB_ATT_INDICATION, 0x1c, "", 0, &status),
                 on_end);
  bed_play(bed, "< 1d 1c 00\n");
  assert_true(ab_gatt_late_waits(&table.humidity->late));
  fake_env_advance(bed->env, 30u * 1000 * 1000);
  assert_int_equal(bed->peer->broken, 1);
  assert_false(ab_gatt_late_waits(&table.humidity->late));
  bed_answer(table.humidity, 0, NULL);
  bed_play(bed, "");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->writes, 0);
}

static void an_answer_after_the_link_went_does_nothing(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.humidity);
  bed_later(table.format);
  bed_play(bed, PREPARE_THREE "> 18 01\n");
  bed_answer(table.humidity, 0, NULL);
  ab_gatt_server_link_close(&bed->link);
  bed_owes_nothing(table.format);
  ab_gatt_late_answer(&table.format->late, 0, NULL, 0);
  ab_gatt_late_drop(&table.format->late);
  bed_play(bed, "");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.hidden->checks, 0);
}

static void end_the_link(bed_value *v) {
  ab_gatt_server_link_close(&v->bed->link);
}

static void a_hook_may_end_the_link_and_answer_later(void **state) {
  bed_later(table.temperature);
  table.temperature->hook = end_the_link;
  bed_play(*state, "> 0e 12 00 15 00\n"
                   "< 01 0e 12 00 0e\n");
  bed_owes_nothing(table.temperature);
  assert_int_equal(table.humidity->reads, 0);
}

/* what follows a late answer is a handler that has no caller in the bearer */
static void a_later_hook_may_end_the_link(void **state) {
  bed_later(table.temperature);
  table.humidity->hook = end_the_link;
  bed_play(*state, "> 0e 12 00 15 00 21 00\n");
  bed_answer(table.temperature, 0, NULL);
  bed_play(*state, "");
  assert_int_equal(table.humidity->reads, 1);
  assert_int_equal(table.second->reads, 0);
}

static void bearers_of_one_link_wait_and_prepare_apart(void **state) {
  gatt_bed *bed = *state;
  ab_gatt_bearer other;
  uint8_t execute[] = {1}, rsp[AB_ATT_MTU_MIN];
  ab_rd pdu = ab_rd_of(execute, sizeof execute);
  ab_wr w = ab_wr_of(rsp, sizeof rsp);
  uint16_t handle;

  ab_gatt_bearer_open(&other, &bed->link, &bed->peer->att);
  bed_later(table.temperature);
  bed_play(bed, PREPARE_THREE "> 0a 12 00\n");
  assert_int_equal(ab_gatt_server_request(&other, AB_ATT_EXECUTE_WRITE_REQ, &pdu, &w, &handle), 0);
  bed_expect(table.humidity, "01 02 03");
  ab_gatt_bearer_close(&other);
  ab_gatt_bearer_close(&other);
  bed_answer(table.temperature, 0, NULL);
  bed_play(bed, "< 0b 16 09\n"
                "> 18 01\n"
                "< 19\n");
  bed_expect(table.humidity, "0a 0b");
}

/* ---- the table meanwhile ---- */

static void install_another(gatt_bed *bed) {
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181f");
  bed_install(bed);
}

static void a_request_ends_with_the_table_that_it_began_with(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n");
  install_another(bed);
  assert_int_equal(bed->releases, 0);
  bed_answer(table.temperature, 0, NULL);
  bed_play(bed, "< 09 04 12 00 16 09 21 00 17 09\n");
  assert_int_equal(bed->releases, 1);
}

static void a_table_is_given_back_when_the_link_of_its_request_goes(void **state) {
  gatt_bed *bed = *state;

  bed_later(table.temperature);
  bed_play(bed, "> 0a 12 00\n");
  install_another(bed);
  assert_int_equal(bed->releases, 0);
  ab_gatt_server_link_close(&bed->link);
  assert_int_equal(bed->releases, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_read_waits_for_its_answer),
      TEST(a_late_answer_is_cut_to_the_pdu_and_a_blob_goes_on),
      TEST(a_write_waits_and_is_stored_only_then),
      TEST(an_answer_counts_once),
      TEST(an_owner_that_goes_away_is_an_unlikely_error),
      TEST(the_hook_itself_may_answer),
      TEST(what_the_hook_itself_answers_needs_memory),
      TEST(who_drops_it_inside_the_hook_is_unlikely),
      TEST(later_without_a_late_answer_is_unlikely),
      TEST(a_hook_that_begins_and_returns_an_answer_owes_none),
      TEST(what_the_hook_returns_is_above_its_late_answer),
      TEST(of_two_late_answers_the_second_counts),
      TEST(who_stands_in_line_is_asked_again_until_there_is_room),
      TEST(who_goes_leaves_the_line),
      TEST(a_line_for_what_is_gone_is_left),
      TEST(a_command_cannot_be_answered_later),
      TEST(waiting_needs_memory),
      TEST(a_set_is_read_one_answer_after_the_other),
      TEST(a_search_by_type_goes_on_where_it_was),
      TEST(a_search_by_value_goes_on_where_it_was),
      TEST(the_second_of_three_answers_later_and_all_are_stored),
      TEST(nothing_is_stored_when_the_second_is_rejected_in_the_end),
      TEST(all_three_may_answer_later),
      TEST(a_second_request_is_refused_and_the_first_still_answered),
      TEST(a_command_is_carried_out_meanwhile),
      TEST(a_command_for_the_value_that_waits_is_its_own),
      TEST(there_is_no_limit_to_our_time),
      TEST(a_bearer_that_breaks_gets_no_answer_and_nothing_is_stored),
      TEST(an_answer_after_the_link_went_does_nothing),
      TEST(a_hook_may_end_the_link_and_answer_later),
      TEST(a_later_hook_may_end_the_link),
      TEST(bearers_of_one_link_wait_and_prepare_apart),
      TEST(a_request_ends_with_the_table_that_it_began_with),
      TEST(a_table_is_given_back_when_the_link_of_its_request_goes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
