/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static aioble_virtual_radio_t *radio_with_scanner(vr_host *h) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);

  assert_non_null(radio);
  vr_host_open(h, radio, NULL);
  return radio;
}

static void radio_end(aioble_virtual_radio_t *radio, vr_host *h) {
  vr_host_close(h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static unsigned reports(vr_host *h) {
  return vr_host_count(h, VR_LE(AB_HCI_LE_EV_ADV_REPORT));
}

static void a_beacon_is_heard_and_answers_until_it_is_gone(void **state) {
  const aioble_virtual_beacon_options_t o = {
      .addr = {AIOBLE_ADDR_RANDOM, {0xc1, 2, 3, 4, 5, 6}},
      .type = AB_HCI_ADV_SCAN_IND,
      .data = {(const uint8_t *) "\2\1\6", 3},
      .response = {(const uint8_t *) "\1\x9", 2},
      .x_cm = 200,
  };
  aioble_virtual_beacon_t *beacon;
  ab_hci_le_adv_report rep;
  vr_host h;
  aioble_virtual_radio_t *radio = radio_with_scanner(&h);
  ab_rd r;

  (void) state;
  beacon = aioble_virtual_beacon_new(radio, &o);
  assert_non_null(beacon);
  vr_host_scan(&h, 1, true);
  vr_run_ms(radio, 1000);
  assert_int_equal(reports(&h), 2);
  assert_true(vr_host_take(&h, VR_LE(AB_HCI_LE_EV_ADV_REPORT), &r));
  ab_rd_u8(&r);
  ab_hci_le_adv_report_read(&r, &rep);
  assert_int_equal(rep.addr_type, 1);
  assert_memory_equal(&rep.addr, o.addr.bytes, 6);
  assert_memory_equal(ab_rd_take(&r, 3), "\2\1\6", 3);
  assert_int_equal(ab_rd_s8(&r), -46);
  aioble_virtual_beacon_free(beacon);
  vr_host_scan(&h, 1, false);
  vr_run_ms(radio, 1000);
  assert_int_equal(reports(&h), 1);
  radio_end(radio, &h);
}

static void options_out_of_range_make_no_beacon(void **state) {
  static const aioble_virtual_beacon_options_t bad[] = {
      {.type = 1},
      {.type = 4},
      {.type = 5},
      {.addr = {2, {0}}},
      {.interval_us = 19999},
      {.interval_us = 10240001},
      {.data = {(const uint8_t *) "", 32}},
      {.response = {(const uint8_t *) "", 32}},
  };
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  aioble_virtual_beacon_t *beacon;

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_null(aioble_virtual_beacon_new(radio, &bad[i]));
  beacon = aioble_virtual_beacon_new(radio, &(aioble_virtual_beacon_options_t){.type = 3});
  assert_int_equal(aioble_virtual_beacon_set_data(beacon, (aioble_bytes_t){NULL, 32}),
                   AIOBLE_EINVAL);
  assert_int_equal(aioble_virtual_beacon_set_data(beacon, (aioble_bytes_t){NULL, 0}), 0);
  aioble_virtual_beacon_free(NULL);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void nobody_connects_to_a_beacon(void **state) {
  const aioble_virtual_beacon_options_t o = {.addr = {0, {1}}, .type = AB_HCI_ADV_IND};
  vr_host h;
  aioble_virtual_radio_t *radio = radio_with_scanner(&h);

  (void) state;
  assert_non_null(aioble_virtual_beacon_new(radio, &o));
  assert_int_equal(vr_host_create(&h, (ab_addr6){{1}}), 0);
  vr_run_ms(radio, 1000);
  assert_int_equal(vr_host_count(&h, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 0);
  radio_end(radio, &h);
}

static void ten_thousand_beacons_are_all_heard(void **state) {
  enum { BEACONS = 10000 };
  aioble_virtual_beacon_options_t o = {.type = AB_HCI_ADV_NONCONN_IND, .interval_us = 1000000};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &(aioble_virtual_controller_options_t){.duplicate_filter = BEACONS});
  for (unsigned i = 0; i < BEACONS; i++) {
    o.addr.bytes[4] = (uint8_t) (i >> 8);
    o.addr.bytes[5] = (uint8_t) i;
    assert_non_null(aioble_virtual_beacon_new(radio, &o));
  }
  vr_host_scan(&h, 0, true);
  vr_run_ms(radio, 3100);
  assert_int_equal(reports(&h), BEACONS);
  radio_end(radio, &h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_beacon_is_heard_and_answers_until_it_is_gone),
      cmocka_unit_test(options_out_of_range_make_no_beacon),
      cmocka_unit_test(nobody_connects_to_a_beacon),
      cmocka_unit_test(ten_thousand_beacons_are_all_heard),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
