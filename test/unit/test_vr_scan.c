/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PASSIVE = 0, ACTIVE = 1 };

typedef struct bed {
  aioble_virtual_radio_t *radio;
  vr_host adv, scanner;
} bed;

static void bed_new(bed *b, const aioble_virtual_controller_options_t *scanner) {
  b->radio = aioble_virtual_radio_new(NULL);
  assert_non_null(b->radio);
  vr_host_open(&b->adv, b->radio, NULL);
  vr_host_open(&b->scanner, b->radio, scanner);
  assert_int_equal(VR_DO(&b->adv, AB_HCI_LE_SET_ADV_DATA, hci_le_adv_data, 3, {{2, 1, 6}}), 0);
  assert_int_equal(VR_DO(&b->adv, AB_HCI_LE_SET_SCAN_RSP_DATA, hci_le_adv_data, 2, {{1, 9}}), 0);
}

static void bed_free(bed *b) {
  vr_host_close(&b->adv);
  vr_host_close(&b->scanner);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
}

static void expect_report(bed *b, uint8_t type, const char *bytes, size_t len) {
  ab_addr6 from = vr_host_addr(&b->adv);
  ab_hci_le_adv_report rep;
  ab_rd r;

  assert_true(vr_host_take(&b->scanner, VR_LE(AB_HCI_LE_EV_ADV_REPORT), &r));
  assert_int_equal(ab_rd_u8(&r), 1);
  assert_true(ab_hci_le_adv_report_read(&r, &rep));
  assert_int_equal(rep.type, type);
  assert_int_equal(rep.addr_type, 0);
  assert_memory_equal(&rep.addr, &from, sizeof from);
  assert_int_equal(rep.len, len);
  assert_memory_equal(ab_rd_take(&r, len), bytes, len);
  assert_int_equal(ab_rd_s8(&r), -40);
  assert_true(ab_rd_done(&r));
}

static unsigned reports(bed *b) {
  return vr_host_count(&b->scanner, VR_LE(AB_HCI_LE_EV_ADV_REPORT));
}

static uint8_t scan_off(vr_host *h) {
  return VR_DO(h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0);
}

static void reports_say_what_was_advertised(void **state) {
  static const struct {
    uint8_t adv, report;
    bool answers;
  } cases[] = {
      {AB_HCI_ADV_IND, AB_HCI_REPORT_ADV_IND, true},
      {AB_HCI_ADV_SCAN_IND, AB_HCI_REPORT_SCAN_IND, true},
      {AB_HCI_ADV_NONCONN_IND, AB_HCI_REPORT_NONCONN_IND, false},
  };
  bed b;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (uint8_t type = PASSIVE; type <= ACTIVE; type++) {
      bed_new(&b, NULL);
      vr_host_scan(&b.scanner, type, true);
      vr_host_advertise(&b.adv, cases[i].adv);
      vr_run_ms(b.radio, 200);
      expect_report(&b, cases[i].report, "\2\1\6", 3);
      if (type == ACTIVE && cases[i].answers)
        expect_report(&b, AB_HCI_REPORT_SCAN_RSP, "\1\x9", 2);
      assert_int_equal(reports(&b), 0);
      bed_free(&b);
    }
  }
}

static void only_open_windows_catch_anything(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  /* a tenth of the time; 40 events a second */
  assert_int_equal(
      VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, PASSIVE, 1600, 160, 0, 0),
      0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 0), 0);
  vr_host_advertise(&b.adv, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 20000);
  assert_in_range(reports(&b), 60, 100);
  bed_free(&b);
}

static void channels_not_advertised_on_are_not_heard(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(
      VR_DO(&b.adv, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20, .channel_map = 2), 0);
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  vr_host_scan(&b.scanner, PASSIVE, false);
  vr_run_ms(b.radio, 10000); /* 400 events, heard on one channel of three */
  assert_in_range(reports(&b), 100, 170);
  bed_free(&b);
}

static void the_filter_reports_each_device_once_until_it_is_full(void **state) {
  const aioble_virtual_controller_options_t four = {.duplicate_filter = 4};
  aioble_virtual_beacon_options_t o = {.type = AB_HCI_ADV_NONCONN_IND};
  bed b;

  (void) state;
  bed_new(&b, &four);
  for (uint8_t i = 0; i < 4; i++) {
    o.addr.bytes[5] = i;
    assert_non_null(aioble_virtual_beacon_new(b.radio, &o));
  }
  vr_host_scan(&b.scanner, PASSIVE, true);
  vr_run_ms(b.radio, 5000);
  assert_int_equal(reports(&b), 4);
  assert_int_equal(scan_off(&b.scanner), 0);
  vr_host_scan(&b.scanner, PASSIVE, true);
  vr_run_ms(b.radio, 5000);
  assert_int_equal(reports(&b), 8);
  o.addr.bytes[5] = 4; /* one more than it remembers */
  assert_non_null(aioble_virtual_beacon_new(b.radio, &o));
  vr_run_ms(b.radio, 5000);
  assert_in_range(reports(&b), 20, 300);
  bed_free(&b);
}

static void parameters_are_checked_and_fixed_while_scanning(void **state) {
  static const ab_hci_le_scan_params bad[] = {
      {.interval = 3, .window = 3},
      {.interval = 0x4001, .window = 4},
      {.interval = 4, .window = 3},
      {.interval = 4, .window = 5},
      {2, .interval = 4, .window = 4},
      {.interval = 4, .window = 4, .own_addr_type = 4},
      {.interval = 4, .window = 4, .filter_policy = 4},
  };
  bed b;

  (void) state;
  bed_new(&b, NULL);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(vr_host_do_hci_le_scan_params(&b.scanner, AB_HCI_LE_SET_SCAN_PARAMS, &bad[i]),
                     AB_HCI_ERR_INVALID_PARAMS);
  vr_host_scan(&b.scanner, ACTIVE, false);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, 0, 4, 4, 0, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 1), 0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 2, 0),
                   AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(scan_off(&b.scanner), 0);
  assert_int_equal(scan_off(&b.scanner), 0);
  bed_free(&b);
}

static void policies_keep_out_who_is_not_on_the_list(void **state) {
  ab_addr6 adv_addr, scanner_addr;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  adv_addr = vr_host_addr(&b.adv);
  scanner_addr = vr_host_addr(&b.scanner);
  /* the scanner's list is empty */
  assert_int_equal(
      VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, ACTIVE, 16, 16, 0, 1), 0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 1), 0);
  /* the advertiser answers those on its list */
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20,
                         .channel_map = 7, .filter_policy = 1),
                   0);
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  vr_run_ms(b.radio, 200);
  assert_int_equal(reports(&b), 0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, adv_addr),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(scan_off(&b.scanner), 0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, adv_addr), 0);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 1), 0);
  vr_run_ms(b.radio, 200);
  expect_report(&b, AB_HCI_REPORT_ADV_IND, "\2\1\6", 3);
  assert_int_equal(reports(&b), 0); /* its scan request was not answered */
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 0), 0);
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, scanner_addr), 0);
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  vr_run_ms(b.radio, 200);
  expect_report(&b, AB_HCI_REPORT_SCAN_RSP, "\1\x9", 2);
  bed_free(&b);
}

static void a_host_that_takes_nothing_is_not_drowned(void **state) {
  const aioble_virtual_stats_t *stats;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  stats = aioble_virtual_stats(b.scanner.t);
  vr_host_scan(&b.scanner, PASSIVE, false);
  vr_host_advertise(&b.adv, AB_HCI_ADV_IND);
  aioble_virtual_controller_hold(b.scanner.t, true);
  vr_run_ms(b.radio, 60000);
  assert_int_equal(reports(&b), 0);
  assert_true(stats->reports_dropped > 0);
  aioble_virtual_controller_hold(b.scanner.t, false);
  vr_run_ms(b.radio, 1);
  assert_int_equal(reports(&b), 1024);
  assert_in_range(stats->reports, 1024, 1025);
  bed_free(&b);
}

static void masked_reports_do_not_come(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 1), 0);
  vr_host_scan(&b.scanner, ACTIVE, false);
  vr_host_advertise(&b.adv, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 500);
  assert_int_equal(reports(&b), 0);
  bed_free(&b);
}

static void nobody_hears_itself(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  vr_host_scan(&b.scanner, ACTIVE, false);
  vr_host_advertise(&b.scanner, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 500);
  assert_int_equal(reports(&b), 0);
  assert_true(aioble_virtual_stats(b.scanner.t)->adv_events > 0);
  bed_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_say_what_was_advertised),
      cmocka_unit_test(only_open_windows_catch_anything),
      cmocka_unit_test(channels_not_advertised_on_are_not_heard),
      cmocka_unit_test(the_filter_reports_each_device_once_until_it_is_full),
      cmocka_unit_test(parameters_are_checked_and_fixed_while_scanning),
      cmocka_unit_test(policies_keep_out_who_is_not_on_the_list),
      cmocka_unit_test(a_host_that_takes_nothing_is_not_drowned),
      cmocka_unit_test(masked_reports_do_not_come),
      cmocka_unit_test(nobody_hears_itself),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
