/* SPDX-License-Identifier: MIT */
#include "virtual/vr_priv.h"

#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool allowed(vr_host *h, uint8_t code) {
  return vr_event_wanted(vr_ctrl_of(h->t), code);
}

static void after_reset_the_masks_are_the_specifications(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_attach(&h, radio, NULL);
  assert_true(allowed(&h, AB_HCI_EV_DISCONNECTION_COMPLETE));
  assert_true(allowed(&h, AB_HCI_EV_HARDWARE_ERROR));
  assert_false(allowed(&h, AB_HCI_EV_ENCRYPTION_KEY_REFRESH));
  assert_false(allowed(&h, AB_HCI_EV_LE_META));
  assert_false(allowed(&h, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED));
  assert_int_equal(VR_DO(&h, AB_HCI_SET_EVENT_MASK, hci_mask64, UINT64_MAX), 0);
  assert_true(vr_le_event_wanted(vr_ctrl_of(h.t), AB_HCI_LE_EV_LTK_REQUEST));
  assert_false(vr_le_event_wanted(vr_ctrl_of(h.t), AB_HCI_LE_EV_CONN_PARAM_REQUEST));
  assert_int_equal(vr_host_do(&h, AB_HCI_RESET, NULL, 0), 0);
  assert_false(allowed(&h, AB_HCI_EV_LE_META));
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void each_mask_has_its_bits(void **state) {
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, NULL);
  assert_int_equal(VR_DO(&h, AB_HCI_SET_EVENT_MASK, hci_mask64, (uint64_t) 1 << 61 | 1 << 4), 0);
  assert_int_equal(VR_DO(&h, AB_HCI_SET_EVENT_MASK_PAGE_2, hci_mask64, 1 << 23), 0);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 1 << 9), 0);
  assert_true(allowed(&h, AB_HCI_EV_DISCONNECTION_COMPLETE));
  assert_false(allowed(&h, AB_HCI_EV_ENCRYPTION_CHANGE));
  assert_true(allowed(&h, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED));
  assert_true(vr_le_event_wanted(vr_ctrl_of(h.t), AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE));
  assert_false(vr_le_event_wanted(vr_ctrl_of(h.t), AB_HCI_LE_EV_CONN_COMPLETE));
  assert_int_equal(VR_DO(&h, AB_HCI_SET_EVENT_MASK, hci_mask64, 1 << 4), 0);
  assert_false(vr_le_event_wanted(vr_ctrl_of(h.t), AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE));
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void answers_and_credits_cannot_be_masked(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_SET_EVENT_MASK, hci_mask64, 0), 0);
  assert_int_equal(vr_host_do(&w.central, 0xfc00, NULL, 0), AB_HCI_ERR_UNKNOWN_COMMAND);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_NUM_COMPLETED_PACKETS), 1);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(after_reset_the_masks_are_the_specifications),
      cmocka_unit_test(each_mask_has_its_bits),
      cmocka_unit_test(answers_and_credits_cannot_be_masked),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
