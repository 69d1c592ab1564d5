/* SPDX-License-Identifier: MIT */
/* Who may use the radio, against a controller that refuses what its states promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gap/gap.h"
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"

enum { OK = 0, DISALLOWED = 0x0c };

typedef struct bed {
  fake_controller *c;
  ab_gap gap;
  ab_gap_scan scan;
  ab_gap_adv adv;
  ab_gap_connect connect;
  unsigned scan_starts, scan_dones, adv_dones, connect_dones, reports;
  int scan_status, adv_status, connect_status;
  uint16_t refuses; /* an opcode that is refused while something else is on */
} bed;

static const ab_gap_events no_events;

static void on_report(ab_gap_scan *scan, const ab_gap_report *report) {
  (void) report;
  ab_container_of(scan, bed, scan)->reports++;
}

static void scan_started(ab_gap_scan *scan) {
  ab_container_of(scan, bed, scan)->scan_starts++;
}

static void scan_done(ab_gap_scan *scan, int status) {
  bed *b = ab_container_of(scan, bed, scan);

  b->scan_dones++;
  b->scan_status = status;
}

static void adv_done(ab_gap_request *req, int status, ab_gap_link *link) {
  bed *b = ab_container_of(req, bed, adv.req);

  assert_null(link);
  b->adv_dones++;
  b->adv_status = status;
}

static void connect_done(ab_gap_request *req, int status, ab_gap_link *link) {
  bed *b = ab_container_of(req, bed, connect.req);

  assert_null(link);
  b->connect_dones++;
  b->connect_status = status;
}

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  b->c = fake_controller_new();
  fake_controller_ready(b->c);
  ab_gap_init(&b->gap, b->c->env, &no_events, b);
  ab_gap_start(&b->gap, b->c->hci);
  b->scan = (ab_gap_scan){.interval = 96,
                          .window = 96,
                          .on_start = scan_started,
                          .on_report = on_report,
                          .done = scan_done};
  b->adv = (ab_gap_adv){.interval = 160, .req.done = adv_done};
  b->connect = (ab_gap_connect){
      .params = {24, 40, 0, 256}, .scan_interval = 96, .scan_window = 96, .req.done = connect_done};
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  ab_gap_end_requests(&b->gap, AIOBLE_ECANCELED);
  ab_gap_stop(&b->gap, AIOBLE_ENODEV);
  fake_controller_free(b->c);
  test_free(b);
  return 0;
}

/* answers the oldest command with that; returns its opcode, 0: there is none */
static uint16_t answer(bed *b, uint8_t status) {
  uint8_t sent[260] = {0};
  char event[32];
  size_t len = fake_controller_take(b->c, sent, sizeof sent);
  uint16_t opcode = len ? (uint16_t) (sent[1] + 0x100u * sent[2]) : 0;

  if (opcode == AB_HCI_LE_CREATE_CONN)
    (void) snprintf(event, sizeof event, "040f04%02x01%02x%02x", status, sent[1], sent[2]);
  else
    (void) snprintf(event, sizeof event, "040e0401%02x%02x%02x", sent[1], sent[2], status);
  if (opcode)
    fake_controller_gives(b->c, event);
  return opcode;
}

/* answers all with success, until there is nothing more */
static void settle(bed *b) {
  while (answer(b, OK))
    continue;
}

/* answers with success up to that opcode, which is refused */
static void refuse(bed *b, uint16_t opcode) {
  uint16_t next = 0;

  while (!fake_controller_was_sent(b->c, opcode, NULL)) {
    next = answer(b, OK);
    assert_int_not_equal(next, 0);
  }
  assert_int_equal(answer(b, DISALLOWED), opcode);
}

static ab_gap_activity_state at(const bed *b, ab_gap_kind kind) {
  return b->gap.activity[kind].state;
}

static void all_run_beside_each_other_if_they_may(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  ab_gap_adv_add(&b->gap, &b->adv);
  ab_gap_connect_add(&b->gap, &b->connect);
  settle(b);
  for (ab_gap_kind k = 0; k < AB_GAP_KINDS; k++)
    assert_int_equal(at(b, k), AB_GAP_ON);
}

static void refused_beside_another_the_more_important_goes_first(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  settle(b);
  ab_gap_connect_add(&b->gap, &b->connect);
  refuse(b, AB_HCI_LE_CREATE_CONN);
  settle(b);
  assert_int_equal(at(b, AB_GAP_INIT), AB_GAP_ON);
  assert_int_equal(at(b, AB_GAP_SCAN), AB_GAP_OFF);
  assert_int_equal(b->connect_dones + b->scan_dones, 0); /* nobody is told */
  ab_gap_request_remove(&b->gap, &b->connect.req, AIOBLE_ECANCELED);
  settle(b);
  fake_controller_gives(b->c, "043e1301020000000000000000000000000000000000");
  settle(b);
  assert_int_equal(b->connect_dones, 1);
  assert_int_equal(at(b, AB_GAP_SCAN), AB_GAP_ON); /* and then the other again */
  assert_int_equal(b->scan_starts, 1);
}

static void a_connect_does_not_wait_for_endless_advertising(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  settle(b);
  ab_gap_adv_add(&b->gap, &b->adv);
  refuse(b, AB_HCI_LE_SET_ADV_ENABLE);
  settle(b);
  assert_int_equal(at(b, AB_GAP_ADV), AB_GAP_ON);
  assert_int_equal(at(b, AB_GAP_SCAN), AB_GAP_OFF);
  ab_gap_connect_add(&b->gap, &b->connect);
  settle(b);
  assert_int_equal(at(b, AB_GAP_INIT), AB_GAP_ON);
  assert_int_equal(at(b, AB_GAP_ADV), AB_GAP_OFF);
  assert_int_equal(b->adv_dones + b->scan_dones, 0);
}

static void refused_alone_it_is_told(void **state) {
  bed *b = *state;

  ab_gap_adv_add(&b->gap, &b->adv);
  refuse(b, AB_HCI_LE_SET_ADV_ENABLE);
  settle(b);
  assert_int_equal(b->adv_dones, 1);
  assert_int_equal(b->adv_status, AIOBLE_ERR_HCI(DISALLOWED));
  assert_int_equal(at(b, AB_GAP_ADV), AB_GAP_OFF);
}

static void refused_also_when_alone_it_is_told(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  settle(b);
  ab_gap_adv_add(&b->gap, &b->adv);
  refuse(b, AB_HCI_LE_SET_ADV_PARAMS);
  refuse(b, AB_HCI_LE_SET_ADV_PARAMS);
  settle(b);
  assert_int_equal(b->adv_dones, 1);
  assert_int_equal(b->adv_status, AIOBLE_ERR_HCI(DISALLOWED));
  assert_int_equal(at(b, AB_GAP_SCAN), AB_GAP_ON);
}

static void a_scan_that_is_removed_while_starting_ends_when_it_is_off(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  ab_gap_scan_remove(&b->gap, &b->scan);
  assert_int_equal(b->scan_dones, 0);
  settle(b);
  assert_int_equal(b->scan_dones, 1);
  assert_int_equal(b->scan_status, 0);
  assert_int_equal(at(b, AB_GAP_SCAN), AB_GAP_OFF);
}

static void a_scan_that_cannot_stop_for_memory_is_stopped_soon(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  settle(b);
  ab_bufs_free(&b->c->bufs); /* no idle ones */
  fake_env_fail_at(b->c->env, 1);
  ab_gap_scan_remove(&b->gap, &b->scan);
  fake_controller_got_nothing(b->c);
  fake_env_advance(b->c->env, 20000);
  settle(b);
  assert_int_equal(b->scan_dones, 1);
}

/* ---- reports ---- */

static void give_report(bed *b, const char *hex) {
  fake_controller_gives(b->c, hex);
}

static void reports_are_read_one_by_one_and_bad_ones_dropped(void **state) {
  bed *b = *state;

  ab_gap_scan_add(&b->gap, &b->scan);
  settle(b);
  /* one; two in one event */
  give_report(b, "043e0f0201"
                 "0000665544332211"
                 "03"
                 "020106"
                 "c0");
  assert_int_equal(b->reports, 1);
  give_report(b, "043e180202"
                 "0000665544332211"
                 "01aa"
                 "c0"
                 "0400665544332211"
                 "01bb"
                 "c0");
  assert_int_equal(b->reports, 3);
  /* data longer than the event, longer than 31, unknown type, count beyond the event, nothing */
  give_report(b, "043e0f0201"
                 "0000665544332211"
                 "1f"
                 "020106"
                 "c0");
  give_report(b, "043e2c0201"
                 "0000665544332211"
                 "20"
                 "0000000000000000000000000000000000000000000000000000000000000000"
                 "c0");
  give_report(b, "043e0c0201"
                 "0500665544332211"
                 "00"
                 "c0");
  give_report(b, "043e0202ff");
  give_report(b, "043e0102");
  assert_int_equal(b->reports, 3);
  assert_true(b->gap.malformed >= 4);
  /* what comes before the bad one in the same event counts */
  give_report(b, "043e170202"
                 "0000665544332211"
                 "01aa"
                 "c0"
                 "0400665544332211"
                 "01bb");
  assert_int_equal(b->reports, 4);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(all_run_beside_each_other_if_they_may),
      WITH_BED(refused_beside_another_the_more_important_goes_first),
      WITH_BED(a_connect_does_not_wait_for_endless_advertising),
      WITH_BED(refused_alone_it_is_told),
      WITH_BED(refused_also_when_alone_it_is_told),
      WITH_BED(a_scan_that_is_removed_while_starting_ends_when_it_is_off),
      WITH_BED(a_scan_that_cannot_stop_for_memory_is_stopped_soon),
      WITH_BED(reports_are_read_one_by_one_and_bad_ones_dropped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
