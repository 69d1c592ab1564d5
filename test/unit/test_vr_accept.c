/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint8_t add(vr_host *h, uint8_t type, uint8_t n) {
  return VR_DO(h, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, type, {{n}});
}

static uint8_t take_off(vr_host *h, uint8_t n) {
  return VR_DO(h, AB_HCI_LE_REMOVE_FROM_ACCEPT_LIST, hci_le_device, 0, {{n}});
}

static void the_list_holds_what_it_says(void **state) {
  const aioble_virtual_controller_options_t three = {.accept_list = 3};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &three);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_READ_ACCEPT_LIST_SIZE, NULL, 0), 0);
  assert_int_equal(ab_rd_u8(&h.ret), 3);
  assert_int_equal(add(&h, 2, 1), AB_HCI_ERR_INVALID_PARAMS);
  for (uint8_t n = 1; n <= 3; n++) {
    assert_int_equal(add(&h, 0, n), 0);
    assert_int_equal(add(&h, 0, n), 0); /* twice is once */
  }
  assert_int_equal(add(&h, 1, 1), AB_HCI_ERR_MEMORY_EXCEEDED);
  assert_int_equal(take_off(&h, 9), 0);
  assert_int_equal(take_off(&h, 1), 0);
  assert_int_equal(add(&h, 1, 1), 0);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_CLEAR_ACCEPT_LIST, NULL, 0), 0);
  for (uint8_t n = 1; n <= 3; n++)
    assert_int_equal(add(&h, 0, n), 0);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void advertising_with_the_list_locks_it(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  vr_host_advertise(&h, AB_HCI_ADV_IND);
  assert_int_equal(add(&h, 0, 1), 0); /* it does not look at the list */
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 0), 0);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20,
                         .channel_map = 7, .filter_policy = 3),
                   0);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  assert_int_equal(add(&h, 0, 1), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(take_off(&h, 1), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_CLEAR_ACCEPT_LIST, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_list_holds_what_it_says),
      cmocka_unit_test(advertising_with_the_list_locks_it),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
