/* SPDX-License-Identifier: MIT */
/*
 * A controller that lies, and advertisers that do: cases 1 to 9. Case numbers are those of
 * SECURITY.md's list. In each the neighbour is served afterwards, and nothing is left.
 */
#include "helpers/fake_controller.h"
#include "helpers/hostile_bed.h"
#include "helpers/pdu_script.h"
#include "host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PACKET_TEXT = 512 };

/* "%02x %02x" becomes the victim's handle of the link to the peer */
static void about_link(hostile_bed *b, const char *format) {
  char text[PACKET_TEXT];
  unsigned handle = b->conn->link.hci.handle;

  (void) snprintf(text, sizeof text, format, handle & 0xff, handle >> 8);
  hostile_controller_says(b, text);
}

static size_t results(aioble_scan_t *scan) {
  size_t n = 0;
  aioble_op_t *next;

  for (; next = aioble_scan_next(scan), aioble_op_set_timeout(next, 1), aioble_op_await(next) == 0;
       n++)
    aioble_op_unref(next);
  aioble_op_unref(next);
  return n;
}

static aioble_scan_t *scan_of(hostile_bed *b) {
  aioble_scan_t *scan = aioble_scan(
      b->victim, &(aioble_scan_options_t){.active = true, .duration_ms = AIOBLE_FOREVER});

  sim_run_ms(&b->s, 10);
  return scan;
}

static void case_01_reports_that_are_longer_than_their_event(void **state) {
  static const char *const bad[] = {
      "04 3e 0c 02 01 00 00 01 02 03 04 05 c0 1f 02", /* 31 octets are said, one is there */
      "04 3e 0c 02 01 00 00 01 02 03 04 05 c0 ff c4", /* 255 */
      "04 3e 0b 02 01 00 00 01 02 03 04 05 c0 00",    /* no RSSI */
      "04 3e 01 02", "04 3e 02 02 ff",
      /* nothing */
      "04 3e 0c 02 ff 00 00 01 02 03 04 05 c0 00 c4", /* 255 reports, one is there */
  };
  hostile_bed b;
  aioble_scan_t *scan;
  uint64_t malformed;

  (void) state;
  hostile_open(&b, true);
  scan = scan_of(&b);
  malformed = hostile_stats(&b).malformed;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    hostile_controller_says(&b, bad[i]);
  assert_int_equal(hostile_stats(&b).malformed, malformed + 6);
  assert_true(results(scan) <= 1); /* the whole one of the last event */
  hostile_controller_says(&b, "04 3e 16 02 02 00 00 01 02 03 04 05 c1 00 c4"
                              " 00 00 01 02 03 04 05 c2 00 c4");
  assert_int_equal(results(scan), 2);
  aioble_scan_unref(scan);
  hostile_close(&b);
}

static void case_02_completed_packets_that_were_never_sent(void **state) {
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  about_link(&b, "04 13 05 01 %02x %02x ff ff");          /* more than there are buffers */
  hostile_controller_says(&b, "04 13 05 01 ee 0e 01 00"); /* of no link */
  about_link(&b, "04 13 05 ff %02x %02x 01 00");          /* 255 links, one is there */
  hostile_controller_says(&b, "04 13 00");
  hostile_controller_says(&b, "04 13 01 01");
  assert_true(hostile_stats(&b).malformed >= 4);
  for (unsigned i = 0; i < 40; i++) /* more than there are buffers: none was lost, none was won */
    hostile_alive(&b);
  assert_int_equal(aioble_virtual_stats(b.s.stacks[0].controller)->acl_violations, 0);
  hostile_close(&b);
}

static void case_03_an_advertising_set_that_is_not_ours_ends(void **state) {
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  hostile_controller_says(&b, "04 3e 06 12 00 ff ff 0f 01");
  hostile_controller_says(&b, "04 3e 06 12 00 ef 40 00 ff");
  hostile_controller_says(&b, "04 3e 01 12");
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_04_answers_to_no_command_and_short_ones(void **state) {
  hostile_bed b;
  aioble_op_t *rssi;

  (void) state;
  hostile_open(&b, true);
  hostile_controller_says(&b, "04 0e 04 01 05 14 00"); /* nobody has asked */
  hostile_controller_says(&b, "04 0f 04 00 01 ff ff");
  hostile_controller_says(&b, "04 0e 00");
  hostile_controller_says(&b, "04 0e 01 01");
  assert_true(hostile_stats(&b).malformed >= 2);
  aioble_virtual_controller_set_silent(b.s.stacks[0].controller, true);
  rssi = aioble_conn_rssi(b.conn);
  sim_run_ms(&b.s, 1);
  hostile_controller_says(&b, "04 0e 04 01 05 14 00"); /* it has, but for more than a status */
  aioble_virtual_controller_set_silent(b.s.stacks[0].controller, false);
  sim_expect(rssi, AIOBLE_EPROTO);
  hostile_close(&b);
}

static void case_04_a_controller_without_buffers_is_not_opened(void **state) {
  static const char *const sizes[] = {"00 00 00 00", "00 1b 00 00", "00 00 00 08", "00", ""};

  (void) state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    fake_controller *c = fake_controller_new();

    fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE, sizes[i]);
    fake_controller_reply(c, AB_HCI_READ_BUFFER_SIZE, "00 00 00 00 00 00 00 00");
    fake_controller_start(c, &(ab_hci_config){0});
    assert_true(c->starts == 0 || c->start_status < 0); /* "" is an answer that never comes */
    fake_controller_free(c);
  }
}

static void case_05_fragments_that_do_not_fit(void **state) {
  static const char *const lies[] = {
      "02 %02x %02x ff 00 0b 00 04 00 0a", /* longer than the packet */
      "02 %02x %02x 00 00",                /* empty */
      "02 %02x %02x",                      /* no length */
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
    about_link(&b, lies[i]);
  hostile_controller_says(&b, "02 ee 2e 04 00 00 00 04 00"); /* of no link */
  hostile_fragment(&b, 1, "0a 12 00");                       /* goes on with nothing */
  hostile_fragment(&b, 0, "03 00 04 00 0a");                 /* a start … */
  hostile_alive(&b);                                        /* … and another: it is a whole one */
  hostile_fragment(&b, 0, "03 00 04 00 0a 12 00 0a 12 00"); /* more than L2CAP's length */
  hostile_fragment(&b, 0, "03 00 04");                      /* not even a header, … */
  hostile_fragment(&b, 1, "00 0a 12 00");                   /* … but the rest comes */
  hostile_hears(&b, CID_ATT, "0b 66 69 6e 65");
  hostile_hears_nothing(&b, CID_ATT);
  assert_true(hostile_stats(&b).malformed >= 5);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_06_packets_of_no_kind(void **state) {
  static const char *const bad[] = {"00", "07 01 02 03", "ff ff ff ff", "01 03 0c 00",
                                    "04", "04 0e",       "05 00 00"};
  hostile_bed b;
  uint64_t malformed;

  (void) state;
  hostile_open(&b, true);
  malformed = hostile_stats(&b).malformed;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    hostile_controller_says(&b, bad[i]);
  assert_true(hostile_stats(&b).malformed >= malformed + 4);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_07_events_of_links_that_have_ended_or_are_there_twice(void **state) {
  hostile_bed b;
  unsigned handle;
  char text[PACKET_TEXT];

  (void) state;
  hostile_open(&b, true);
  about_link(&b,
             "04 3e 13 01 00 %02x %02x 01 00 01 02 03 04 05 c6 18 00 00 00 64 00 00"); /* twice */
  hostile_alive(&b); /* the one there is stays */
  handle = b.conn->link.hci.handle;
  hostile_leaves(&b);
  (void) snprintf(text, sizeof text, "04 05 04 00 %02x %02x 13", handle & 0xff, handle >> 8);
  hostile_controller_says(&b, text);
  hostile_controller_says(&b, text);
  (void) snprintf(text, sizeof text, "04 13 05 01 %02x %02x 01 00", handle & 0xff, handle >> 8);
  hostile_controller_says(&b, text);
  (void) snprintf(text, sizeof text, "04 08 04 00 %02x %02x 01", handle & 0xff, handle >> 8);
  hostile_controller_says(&b, text);
  (void) snprintf(text, sizeof text, "04 3e 0d 05 %02x %02x 01 02 03 04 05 06 07 08 09 0a",
                  handle & 0xff, handle >> 8);
  hostile_controller_says(&b, text);
  (void) snprintf(text, sizeof text, "02 %02x %02x 07 00 03 00 04 00 0a 12 00", handle & 0xff,
                  handle >> 8 | 0x20);
  hostile_controller_says(&b, text);
  hostile_connect(&b);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_08_connection_parameters_that_cannot_be(void **state) {
  static const char *const wishes[] = {
      "12 01 08 00 00 00 00 00 00 00 64 00", /* interval 0 */
      "12 01 08 00 05 00 18 00 00 00 64 00", /* below 7.5 ms */
      "12 01 08 00 18 00 81 0c 00 00 64 00", /* above 4 s */
      "12 01 08 00 28 00 18 00 00 00 64 00", /* least above most */
      "12 01 08 00 18 00 18 00 f4 01 80 0c", /* latency 500 */
      "12 01 08 00 18 00 18 00 00 00 09 00", /* a timeout below 100 ms */
      "12 01 08 00 18 00 18 00 00 00 81 0c", /* above 32 s */
      "12 01 08 00 80 0c 80 0c 04 00 64 00", /* shorter than the latency allows */
  };
  hostile_bed b;
  aioble_conn_params_t before;

  (void) state;
  hostile_open(&b, false);
  before = aioble_conn_params(b.conn);
  for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
    hostile_asks(&b, CID_SIGNAL, wishes[i], "13 01 02 00 01 00"); /* refused */
  sim_expect_params(b.conn, &before);
  hostile_asks(&b, CID_SIGNAL, "12 02 08 00 20 00 20 00 00 00 64 00", "13 02 02 00 00 00");
  hostile_close(&b);
}

/* a report of a device with that address octet and that advertising data */
static void advertises(hostile_bed *b, unsigned who, const char *data) {
  uint8_t octets[31];
  size_t len = pdu_script_bytes(data, octets, sizeof octets);
  char text[PACKET_TEXT];

  (void) snprintf(text, sizeof text, "04 3e %02x 02 01 00 00 %02x 02 03 04 05 c0 %02x %s c4",
                  (unsigned) (12 + len), who, (unsigned) len, data);
  hostile_controller_says(b, text);
}

static void case_09_advertising_data_that_does_not_add_up(void **state) {
  static const char *const bad[] = {
      "00",                      /* an element of no octets: the end */
      "1e 09 41",                /* runs past the end */
      "ff 09 41 42",             /* … by far */
      "01 09",                   /* a type and nothing */
      "02 ff 01",    "03 ff 01", /* manufacturer data without its company's second octet; … */
      "02 16 01",    "04 21 01 02 03",                      /* service data without its UUID */
      "02 02 01",    "04 02 01 02 03", "05 07 01 02 03 04", /* lists of half a UUID */
      "00 09 41 42", "1e ff 41*29",
  };
  hostile_bed b;
  aioble_scan_t *scan;
  unsigned seen = 0;
  char name[32];

  (void) state;
  hostile_open(&b, true);
  scan = scan_of(&b);
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    advertises(&b, i, bad[i]);
  for (aioble_op_t *next; next = aioble_scan_next(scan), aioble_op_set_timeout(next, 1), true;
       seen++) {
    aioble_scan_result_t *found = aioble_op_await(next) == 0 ? aioble_op_scan_result(next) : NULL;

    if (found) {
      assert_true(!aioble_scan_result_name(found, name, sizeof name) || !*name);
      assert_false(aioble_scan_result_has_service(found, aioble_uuid16(0x0403)));
    }
    aioble_op_unref(next);
    if (!found)
      break;
  }
  assert_int_equal(seen, sizeof bad / sizeof *bad);
  aioble_scan_unref(scan);
  hostile_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(case_01_reports_that_are_longer_than_their_event),
      cmocka_unit_test(case_02_completed_packets_that_were_never_sent),
      cmocka_unit_test(case_03_an_advertising_set_that_is_not_ours_ends),
      cmocka_unit_test(case_04_answers_to_no_command_and_short_ones),
      cmocka_unit_test(case_04_a_controller_without_buffers_is_not_opened),
      cmocka_unit_test(case_05_fragments_that_do_not_fit),
      cmocka_unit_test(case_06_packets_of_no_kind),
      cmocka_unit_test(case_07_events_of_links_that_have_ended_or_are_there_twice),
      cmocka_unit_test(case_08_connection_parameters_that_cannot_be),
      cmocka_unit_test(case_09_advertising_data_that_does_not_add_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
