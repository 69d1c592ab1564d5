/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct bed {
  aioble_virtual_radio_t *radio;
  vr_host adv, scanner;
} bed;

static void bed_new(bed *b) {
  b->radio = aioble_virtual_radio_new(NULL);
  assert_non_null(b->radio);
  vr_host_open(&b->adv, b->radio, NULL);
  vr_host_open(&b->scanner, b->radio, NULL);
}

static void bed_free(bed *b) {
  vr_host_close(&b->adv);
  vr_host_close(&b->scanner);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
}

static unsigned reports(bed *b) {
  return vr_host_count(&b->scanner, VR_LE(AB_HCI_LE_EV_ADV_REPORT));
}

static uint8_t enable(vr_host *h, uint8_t on) {
  return VR_DO(h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, on);
}

static void one_report_for_each_interval_with_its_delay(void **state) {
  uint64_t last = 0, gap;
  bed b;

  (void) state;
  bed_new(&b);
  vr_host_scan(&b.scanner, 0, false);
  vr_host_advertise(&b.adv, AB_HCI_ADV_NONCONN_IND); /* every 20 ms */
  vr_run_ms(b.radio, 5000);
  assert_in_range(reports(&b), 190, 210); /* 25 ms on average */
  while (vr_host_take(&b.scanner, VR_LE(AB_HCI_LE_EV_ADV_REPORT), NULL)) {
    gap = b.scanner.taken->at_us - last;
    if (last)
      assert_in_range(gap, 20000, 30000);
    last = b.scanner.taken->at_us;
  }
  assert_int_equal(enable(&b.adv, 0), 0);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(reports(&b), 0);
  bed_free(&b);
}

static void nobody_listening_means_no_wake_ups(void **state) {
  bed b;

  (void) state;
  bed_new(&b);
  vr_host_advertise(&b.adv, AB_HCI_ADV_IND);
  vr_expect_idle(b.radio);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(aioble_virtual_stats(b.adv.t)->adv_events, 0);
  vr_host_scan(&b.scanner, 0, false);
  vr_run_ms(b.radio, 100);
  assert_in_range(reports(&b), 3, 6);
  assert_int_equal(VR_DO(&b.scanner, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  vr_expect_idle(b.radio);
  bed_free(&b);
}

static void parameters_are_checked_and_fixed_while_advertising(void **state) {
  static const ab_hci_le_adv_params bad[] = {
      {.interval_min = 0x1f, .interval_max = 0x20, .channel_map = 7},
      {.interval_min = 0x20, .interval_max = 0x4001, .channel_map = 7},
      {.interval_min = 0x21, .interval_max = 0x20, .channel_map = 7},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 0},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 8},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 7, .type = 5},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 7, .own_addr_type = 4},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 7, .peer_addr_type = 2},
      {.interval_min = 0x20, .interval_max = 0x20, .channel_map = 7, .filter_policy = 4},
  };
  const ab_hci_le_adv_params good = {
      .interval_min = 0x20, .interval_max = 0x4000, .channel_map = 1};
  bed b;

  (void) state;
  bed_new(&b);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(vr_host_do_hci_le_adv_params(&b.adv, AB_HCI_LE_SET_ADV_PARAMS, &bad[i]),
                     AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(vr_host_do_hci_le_adv_params(&b.adv, AB_HCI_LE_SET_ADV_PARAMS, &good), 0);
  assert_int_equal(enable(&b.adv, 2), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(enable(&b.adv, 1), 0);
  assert_int_equal(enable(&b.adv, 1), 0);
  assert_int_equal(vr_host_do_hci_le_adv_params(&b.adv, AB_HCI_LE_SET_ADV_PARAMS, &good),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(enable(&b.adv, 0), 0);
  assert_int_equal(enable(&b.adv, 0), 0);
  assert_int_equal(VR_DO(&b.adv, AB_HCI_LE_SET_ADV_DATA, hci_le_adv_data, 32, {{0}}),
                   AB_HCI_ERR_INVALID_PARAMS);
  bed_free(&b);
}

static void advertising_needs_the_address_it_names(void **state) {
  const aioble_virtual_controller_options_t none = {.no_public_addr = true};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &none);
  for (uint8_t own = 0; own < 4; own++) {
    assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, .interval_min = 0x20,
                           .interval_max = 0x20, .own_addr_type = own, .channel_map = 7),
                     0);
    assert_int_equal(enable(&h, 1), AB_HCI_ERR_INVALID_PARAMS);
  }
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_RANDOM_ADDR, hci_addr, {{0xc0, 1}}), 0);
  assert_int_equal(enable(&h, 1), 0);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void directed_high(bed *b, ab_addr6 target) {
  assert_int_equal(VR_DO(&b->adv, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params,
                         .type = AB_HCI_ADV_DIRECT_HIGH, .peer_addr = target, .channel_map = 7),
                   0);
  assert_int_equal(enable(&b->adv, 1), 0);
}

static void high_duty_directed_advertising_gives_up(void **state) {
  ab_hci_le_ev_conn_complete ev;
  ab_addr6 target;
  uint64_t since;
  ab_rd r;
  bed b;

  (void) state;
  bed_new(&b);
  target = vr_host_addr(&b.scanner);
  since = aioble_virtual_now_us(b.radio);
  directed_high(&b, target);
  vr_host_scan(&b.scanner, 0, false);
  assert_true(vr_host_wait(&b.adv, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &r));
  ab_hci_le_ev_conn_complete_read(&r, &ev);
  assert_int_equal(ev.status, AB_HCI_ERR_ADV_TIMEOUT);
  assert_int_equal(ev.role, AB_HCI_ROLE_PERIPHERAL);
  assert_int_equal(aioble_virtual_now_us(b.radio) - since, 1280000);
  assert_in_range(reports(&b), 330, 345);
  vr_run_ms(b.radio, 1000);
  assert_in_range(reports(&b), 330, 345);
  assert_int_equal(enable(&b.adv, 1), 0);
  bed_free(&b);
}

static void directed_advertising_is_for_one_device(void **state) {
  vr_host third;
  ab_addr6 target;
  bed b;

  (void) state;
  bed_new(&b);
  vr_host_open(&third, b.radio, NULL);
  target = vr_host_addr(&third);
  directed_high(&b, target);
  vr_host_scan(&b.scanner, 1, false);
  assert_int_equal(vr_host_create(&b.scanner, vr_host_addr(&b.adv)), 0);
  vr_run_ms(b.radio, 100);
  assert_int_equal(reports(&b), 0);
  assert_int_equal(vr_host_create(&third, vr_host_addr(&b.adv)), 0);
  vr_run_ms(b.radio, 100);
  assert_int_equal(vr_host_count(&third, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 1);
  assert_int_equal(vr_host_count(&b.adv, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 1);
  assert_int_equal(vr_host_count(&b.scanner, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 0);
  vr_host_close(&third);
  bed_free(&b);
}

static void connectable_advertising_needs_room_for_a_link(void **state) {
  const aioble_virtual_controller_options_t one = {.max_links = 1};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, &one);
  assert_int_equal(enable(&w.peripheral, 1), AB_HCI_ERR_LIMIT_REACHED);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20,
                         AB_HCI_ADV_SCAN_IND, .channel_map = 7),
                   0);
  assert_int_equal(enable(&w.peripheral, 1), 0);
  vr_world_free(&w);
}

static void sizes_and_power_can_be_read(void **state) {
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(vr_host_do(&b.adv, AB_HCI_LE_READ_MAX_ADV_DATA_LEN, NULL, 0), 0);
  assert_int_equal(ab_rd_le16(&b.adv.ret), 31);
  assert_int_equal(vr_host_do(&b.adv, AB_HCI_LE_READ_ADV_TX_POWER, NULL, 0), 0);
  assert_int_equal(ab_rd_s8(&b.adv.ret), 0);
  bed_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_report_for_each_interval_with_its_delay),
      cmocka_unit_test(nobody_listening_means_no_wake_ups),
      cmocka_unit_test(parameters_are_checked_and_fixed_while_advertising),
      cmocka_unit_test(advertising_needs_the_address_it_names),
      cmocka_unit_test(high_duty_directed_advertising_gives_up),
      cmocka_unit_test(directed_advertising_is_for_one_device),
      cmocka_unit_test(connectable_advertising_needs_room_for_a_link),
      cmocka_unit_test(sizes_and_power_can_be_read),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
