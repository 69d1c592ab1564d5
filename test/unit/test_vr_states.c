/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Core Vol 4, Part E, 7.8.27: the bit of a kind of advertising beside passive scanning, active
   scanning, initiating */
static const struct {
  uint8_t type;
  uint8_t bits[3];
} advertising[] = {
    {AB_HCI_ADV_NONCONN_IND, {8, 12, 16}}, {AB_HCI_ADV_SCAN_IND, {9, 13, 17}},
    {AB_HCI_ADV_IND, {10, 14, 32}},        {AB_HCI_ADV_DIRECT_HIGH, {11, 15, 33}},
    {AB_HCI_ADV_DIRECT_LOW, {30, 31, 34}},
};

/* status of the second activity, started beside advertising */
static uint8_t beside_advertising(uint8_t type, int other, uint64_t states_off) {
  const aioble_virtual_controller_options_t o = {.le_states_off = states_off};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  uint8_t status;
  vr_host h;

  vr_host_open(&h, radio, &o);
  vr_host_advertise(&h, type);
  if (other == 2) {
    status = vr_host_create(&h, (ab_addr6){{1}});
  } else {
    assert_int_equal(
        VR_DO(&h, AB_HCI_LE_SET_SCAN_PARAMS, hci_le_scan_params, (uint8_t) other, 16, 16, 0, 0), 0);
    status = VR_DO(&h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 0);
  }
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
  return status;
}

static void a_pair_whose_bit_is_off_is_refused(void **state) {
  (void) state;
  for (size_t i = 0; i < sizeof advertising / sizeof *advertising; i++) {
    for (int other = 0; other < 3; other++) {
      uint64_t bit = (uint64_t) 1 << advertising[i].bits[other];

      assert_int_equal(beside_advertising(advertising[i].type, other, 0), 0);
      assert_int_equal(beside_advertising(advertising[i].type, other, bit),
                       AB_HCI_ERR_COMMAND_DISALLOWED);
    }
  }
}

static void an_activity_whose_bit_is_off_is_refused(void **state) {
  const aioble_virtual_controller_options_t nothing = {.le_states_off = UINT64_MAX};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &nothing);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_create(&h, (ab_addr6){{1}}), AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void links_count_as_activities(void **state) {
  const aioble_virtual_controller_options_t o = {
      .le_states_off = (uint64_t) 1 << 24 | (uint64_t) 1 << 38}; /* see below */
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &o, &o);
  /* passive scanning as a central; active scanning is not named */
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 1, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_scan(&w.central, 1, false);
  /* connectable advertising as a peripheral */
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.peripheral, w.ph);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pair_whose_bit_is_off_is_refused),
      cmocka_unit_test(an_activity_whose_bit_is_off_is_refused),
      cmocka_unit_test(links_count_as_activities),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
