/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  server_bed *bed = server_bed_new();

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.initial = TEXT("v")});
  *state = bed;
  return 0;
}

static int tear_down(void **state) {
  server_bed_free(*state);
  return 0;
}

static void an_update_goes_to_subscribers_only(void **state) {
  server_bed *bed = *state;

  assert_int_equal(aioble_char_write(bed->chr, "a", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play_as(bed, 1,
                     "> 12 +03 01 00\n"
                     "< 13\n");
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), 0);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->clients[1].conn), 1);
  assert_int_equal(aioble_char_write(bed->chr, "b", 1, AIOBLE_SEND_UPDATE), 0);
  assert_int_equal(aioble_char_write(bed->chr, "c", 1, 0), 0);
  server_bed_play_as(bed, 1, "< 1b +02 62\n");
  server_bed_play(bed, "> 12 +03 03 00\n"
                       "< 13\n");
  assert_int_equal(aioble_char_write(bed->chr, "d", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play_as(bed, 1,
                     "< 1b +02 64\n"
                     "> 12 +03 00 00\n"
                     "< 13\n");
  server_bed_play(bed, "< 1b +02 64\n");
  server_bed_disconnect(bed, 0);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), 0);
  assert_int_equal(aioble_char_write(bed->chr, "e", 1, AIOBLE_SEND_UPDATE), 0);
}

static void who_asked_for_indications_only_is_indicated(void **state) {
  server_bed *bed = *state;

  server_bed_play(bed, "> 12 +03 02 00\n"
                       "< 13\n");
  assert_int_equal(aioble_char_write(bed->chr, "a", 1, AIOBLE_SEND_UPDATE), 0);
  assert_int_equal(aioble_char_write(bed->chr, "b", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "< 1d +02 61\n");
  server_bed_run_ms(bed, 20000);
  server_bed_play(bed, "> 1e\n"
                       "< 1d +02 62\n"
                       "> 1e\n");
}

static void an_update_does_not_queue_without_end(void **state) {
  server_bed *bed = *state;
  unsigned sent = 0;

  server_bed_play(bed, "> 12 +03 02 00\n"
                       "< 13\n");
  while (aioble_char_write(bed->chr, "a", 1, AIOBLE_SEND_UPDATE) == 0)
    sent++;
  assert_int_equal(sent, 17); /* one on the air */
  assert_int_equal(aioble_char_write(bed->chr, "a", 1, AIOBLE_SEND_UPDATE), AIOBLE_EAGAIN);
  server_bed_play(bed, "< 1d +02 61\n");
  while (--sent > 0)
    server_bed_play(bed, "> 1e\n"
                         "< 1d +02 61\n");
  server_bed_play(bed, "> 1e\n"
                       "> 12 +03 01 00\n"
                       "< 13\n");
  bed->conn->link.hci.tx_queued = 4096;
  assert_int_equal(aioble_char_write(bed->chr, "b", 1, AIOBLE_SEND_UPDATE), AIOBLE_EAGAIN);
  assert_bytes(aioble_char_read(bed->chr), "62");
}

static void one_with_a_small_mtu_does_not_stop_the_others(void **state) {
  server_bed *bed = *state;
  uint8_t octets[30];

  memset(octets, 0x61, sizeof octets);
  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n");
  server_bed_play_as(bed, 1,
                     "> 12 +03 01 00\n"
                     "< 13\n");
  bed->clients[1].conn->att.mtu = 100;
  assert_int_equal(aioble_char_write(bed->chr, octets, 30, AIOBLE_SEND_UPDATE), AIOBLE_EMSGSIZE);
  server_bed_play_as(bed, 1, "< 1b +02 61*30\n");
  assert_int_equal(aioble_char_read(bed->chr).len, 30);
}

static void an_update_is_cut_where_that_was_asked_for(void **state) {
  server_bed *bed = *state;
  uint8_t octets[30];

  memset(octets, 0x61, sizeof octets);
  server_bed_char(bed, AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.truncate = AIOBLE_TRUNCATE_UPDATES});
  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n");
  server_bed_play_as(bed, 1,
                     "> 12 +03 02 00\n"
                     "< 13\n");
  assert_int_equal(aioble_char_write(bed->chr, octets, 30, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "< 1b +02 61*20\n");
  server_bed_play_as(bed, 1,
                     "< 1d +02 61*20\n"
                     "> 1e\n");
  assert_int_equal(aioble_char_read(bed->chr).len, 30);
}

/* ---- subscribers ---- */

static void who_must_not_get_it_now_is_passed_over(void **state) {
  server_bed *bed = *state;
  aioble_service_t *other = server_bed_service(bed, 0x180f);

  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n"
                       "> 12 0b 00 01\n"
                       "< 13\n");
  server_bed_play_as(bed, 1,
                     "> 12 +03 02 00\n"
                     "< 13\n");
  assert_int_equal(aioble_service_add(other), 0);
  assert_int_equal(aioble_char_write(bed->chr, "a", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a 00 00 12\n");
  server_bed_play_as(bed, 1, "< 1d +02 61\n");
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 61\n"); /* aware of the change from now on */
  assert_int_equal(aioble_char_write(bed->chr, "b", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "< 1b +02 62\n");
  aioble_service_unref(other);
}

static void subscribers_are_those_that_are_subscribed_now(void **state) {
  server_bed *bed = *state;
  aioble_conn_t *conns[3] = {NULL};

  assert_int_equal(aioble_char_subscribers(bed->chr, conns, 3), 0);
  server_bed_play_as(bed, 1,
                     "> 12 +03 02 00\n"
                     "< 13\n");
  assert_int_equal(aioble_char_subscribers(bed->chr, conns, 3), 1);
  assert_ptr_equal(conns[0], bed->clients[1].conn);
  assert_null(conns[1]);
  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n");
  assert_int_equal(aioble_char_subscribers(bed->chr, conns, 3), 2);
  assert_ptr_equal(conns[0], bed->conn);
  assert_ptr_equal(conns[1], bed->clients[1].conn);
  assert_null(conns[2]);
  assert_int_equal(aioble_char_subscribed(bed->chr, conns[0]), AIOBLE_SUBSCRIBE_NOTIFY);
  assert_int_equal(aioble_char_subscribed(bed->chr, conns[1]), AIOBLE_SUBSCRIBE_INDICATE);
  conns[1] = NULL;
  assert_int_equal(aioble_char_subscribers(bed->chr, conns, 1), 2);
  assert_null(conns[1]);
  assert_int_equal(aioble_char_subscribers(bed->chr, NULL, 0), 2);
  server_bed_disconnect(bed, 0);
  assert_int_equal(aioble_char_subscribers(bed->chr, conns, 3), 1);
  assert_ptr_equal(conns[0], bed->clients[1].conn);
  assert_int_equal(aioble_char_subscribers(NULL, conns, 3), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(an_update_goes_to_subscribers_only),
      TEST(who_asked_for_indications_only_is_indicated),
      TEST(an_update_does_not_queue_without_end),
      TEST(one_with_a_small_mtu_does_not_stop_the_others),
      TEST(an_update_is_cut_where_that_was_asked_for),
      TEST(who_must_not_get_it_now_is_passed_over),
      TEST(subscribers_are_those_that_are_subscribed_now),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
