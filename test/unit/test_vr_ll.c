/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PHY_2M = 1 << 8, PERIPHERAL_FEATURES = 1 << 3 };

static const aioble_virtual_controller_options_t plain = {.le_features_off = UINT64_MAX};

static void remote_version_is_read_from_both_sides(void **state) {
  ab_hci_ev_remote_version ev;
  vr_world w;
  ab_rd r;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_REMOTE_VERSION, hci_handle, w.ch), 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_REMOTE_VERSION, hci_handle, w.ch),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE), 0);
  assert_true(vr_host_wait(&w.central, AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE, &r));
  assert_true(ab_hci_ev_remote_version_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.handle, w.ch);
  assert_int_equal(ev.version, 0x0c);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_READ_REMOTE_VERSION, hci_handle, w.ph), 0);
  assert_true(vr_host_wait(&w.peripheral, AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE, &r));
  vr_world_free(&w);
}

static uint8_t remote_features(vr_host *h, uint16_t handle, uint64_t *features) {
  ab_hci_le_ev_remote_features ev;
  ab_rd r;

  assert_int_equal(VR_DO(h, AB_HCI_LE_READ_REMOTE_FEATURES, hci_handle, handle), 0);
  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_REMOTE_FEATURES_COMPLETE), &r));
  assert_true(ab_hci_le_ev_remote_features_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, handle);
  *features = ev.features;
  return ev.status;
}

static void remote_features_are_the_peers(void **state) {
  const aioble_virtual_controller_options_t less = {.le_features_off = PHY_2M};
  uint64_t features;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, &less);
  assert_int_equal(remote_features(&w.central, w.ch, &features), 0);
  assert_int_equal(features, 0x7f);
  assert_int_equal(remote_features(&w.peripheral, w.ph, &features), 0);
  assert_int_equal(features, 0x17f);
  vr_world_free(&w);
}

static void a_peripheral_asks_for_features_only_if_both_know_how(void **state) {
  const aioble_virtual_controller_options_t cannot = {.le_features_off = PERIPHERAL_FEATURES};
  uint64_t features;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &cannot, NULL);
  assert_int_equal(remote_features(&w.peripheral, w.ph, &features),
                   AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
  vr_world_free(&w);
  vr_world_new(&w, NULL, NULL, &cannot);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_READ_REMOTE_FEATURES, hci_handle, w.ph),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(remote_features(&w.central, w.ch, &features), 0);
  vr_world_free(&w);
}

static void expect_lengths(vr_host *h, uint16_t handle, uint16_t tx, uint16_t rx) {
  ab_hci_le_ev_data_length ev;
  ab_rd r;

  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE), &r));
  assert_true(ab_hci_le_ev_data_length_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, handle);
  assert_int_equal(ev.max_tx_octets, tx);
  assert_int_equal(ev.max_rx_octets, rx);
  assert_int_equal(vr_host_count(h, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 0);
}

static uint8_t set_length(vr_host *h, uint16_t handle, uint16_t octets) {
  return VR_DO(h, AB_HCI_LE_SET_DATA_LENGTH, hci_le_data_length, handle, octets, 2120);
}

static void data_length_changes_are_told_to_both_and_only_changes(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 0);
  assert_int_equal(set_length(&w.central, w.ch, 26), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(set_length(&w.central, w.ch, 252), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(set_length(&w.central, 0x99, 100), AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(set_length(&w.central, w.ch, 100), 0);
  expect_lengths(&w.central, w.ch, 100, 27);
  expect_lengths(&w.peripheral, w.ph, 27, 100);
  assert_int_equal(set_length(&w.peripheral, w.ph, 251), 0);
  expect_lengths(&w.peripheral, w.ph, 251, 100);
  expect_lengths(&w.central, w.ch, 100, 251);
  assert_int_equal(set_length(&w.peripheral, w.ph, 251), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 0);
  vr_world_free(&w);
}

static void the_suggested_length_is_asked_for_when_connected(void **state) {
  ab_hci_le_default_data_length now;
  vr_world w;

  (void) state;
  w.radio = aioble_virtual_radio_new(NULL);
  vr_host_open(&w.central, w.radio, NULL);
  vr_host_open(&w.peripheral, w.radio, NULL);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, hci_le_default_data_length, 251, 327),
      AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, hci_le_default_data_length, 251, 2120),
      0);
  assert_int_equal(vr_host_do(&w.central, AB_HCI_LE_READ_DEFAULT_DATA_LENGTH, NULL, 0), 0);
  assert_true(ab_hci_le_default_data_length_read(&w.central.ret, &now));
  assert_int_equal(now.tx_octets, 251);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  expect_lengths(&w.central, w.ch, 251, 27);
  expect_lengths(&w.peripheral, w.ph, 27, 251);
  vr_world_free(&w);
}

static void a_peer_without_data_length_keeps_27(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, &plain);
  assert_int_equal(set_length(&w.central, w.ch, 251), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 0);
  assert_int_equal(vr_host_count(&w.peripheral, VR_LE(AB_HCI_LE_EV_DATA_LENGTH_CHANGE)), 0);
  vr_world_free(&w);
}

static uint8_t set_phy(vr_host *h, uint16_t handle, uint8_t all, uint8_t tx, uint8_t rx) {
  return VR_DO(h, AB_HCI_LE_SET_PHY, hci_le_set_phy, handle, all, tx, rx, 0);
}

static uint8_t expect_phy(vr_host *h, uint8_t tx, uint8_t rx) {
  ab_hci_le_ev_phy ev;
  ab_rd r;

  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_PHY_UPDATE_COMPLETE), &r));
  assert_true(ab_hci_le_ev_phy_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.tx, tx);
  assert_int_equal(ev.rx, rx);
  return ev.status;
}

static void phys_change_at_both_ends(void **state) {
  ab_hci_le_phy_ret phy;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  for (int i = 0; i < 2; i++)
    assert_int_equal(
        VR_DO(i ? &w.peripheral : &w.central, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x9ff), 0);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 2, 1), 0);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 2, 1), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(expect_phy(&w.central, 2, 1), 0);
  assert_int_equal(expect_phy(&w.peripheral, 1, 2), 0);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_READ_PHY, hci_handle, w.ph), 0);
  assert_true(ab_hci_le_phy_ret_read(&w.peripheral.ret, &phy));
  assert_int_equal(phy.tx, 1);
  assert_int_equal(phy.rx, 2);
  assert_int_equal(set_phy(&w.peripheral, w.ph, 3, 0, 0), 0);
  assert_int_equal(expect_phy(&w.peripheral, 1, 2), 0); /* the central wanted to hear 1M only */
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, VR_LE(AB_HCI_LE_EV_PHY_UPDATE_COMPLETE)), 0);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 0, 1), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(set_phy(&w.central, w.ch, 4, 1, 1), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 8, 1), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 4, 1), AB_HCI_ERR_UNSUPPORTED_FEATURE);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_DEFAULT_PHY, hci_le_default_phy, 0, 4, 1),
                   AB_HCI_ERR_UNSUPPORTED_FEATURE);
  vr_world_free(&w);
}

static void default_phys_count_for_new_links(void **state) {
  vr_world w;

  (void) state;
  w.radio = aioble_virtual_radio_new(NULL);
  vr_host_open(&w.central, w.radio, NULL);
  vr_host_open(&w.peripheral, w.radio, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x9ff), 0);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_DEFAULT_PHY, hci_le_default_phy, 0, 1, 1), 0);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  assert_int_equal(set_phy(&w.central, w.ch, 3, 0, 0), 0);
  assert_int_equal(expect_phy(&w.central, 1, 1), 0);
  vr_world_free(&w);
}

static void a_peer_with_one_phy_says_so(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, &plain);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x9ff), 0);
  assert_int_equal(set_phy(&w.central, w.ch, 0, 2, 2), 0);
  assert_int_equal(expect_phy(&w.central, 1, 1), AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
  vr_world_free(&w);
}

static void the_channel_map_is_the_centrals(void **state) {
  const ab_hci_le_chmap map = {{{0xf0, 0, 0, 0, 1}}};
  ab_hci_le_chmap_ret now;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_CHANNEL_CLASS, hci_le_chmap, {{0}}),
                   AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_SET_CHANNEL_CLASS, hci_le_chmap, {{1, 0, 0, 0, 0x20}}),
      AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(vr_host_do_hci_le_chmap(&w.central, AB_HCI_LE_SET_CHANNEL_CLASS, &map), 0);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_READ_CHANNEL_MAP, hci_handle, w.ph), 0);
  assert_true(ab_hci_le_chmap_ret_read(&w.peripheral.ret, &now));
  assert_int_equal(now.handle, w.ph);
  assert_memory_equal(&now.map, &map.map, sizeof map.map);
  vr_world_free(&w);
}

static void silence_of_an_encrypted_link_is_reported(void **state) {
  ab_rd r;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_WRITE_AUTH_PAYLOAD_TIMEOUT, hci_auth_payload, w.ch, 2),
                   AB_HCI_ERR_INVALID_PARAMS); /* shorter than the interval */
  assert_int_equal(VR_DO(&w.central, AB_HCI_WRITE_AUTH_PAYLOAD_TIMEOUT, hci_auth_payload, w.ch, 40),
                   0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_AUTH_PAYLOAD_TIMEOUT, hci_handle, w.ch), 0);
  assert_int_equal(ab_rd_le16(&w.central.ret), w.ch);
  assert_int_equal(ab_rd_le16(&w.central.ret), 40);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_ENABLE_ENCRYPTION, hci_le_enable_enc, .handle = w.ch), 0);
  assert_true(vr_host_wait(&w.peripheral, VR_LE(AB_HCI_LE_EV_LTK_REQUEST), &r));
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_LTK_REPLY, hci_le_ltk_reply, .handle = w.ph), 0);
  assert_true(vr_host_wait(&w.central, AB_HCI_EV_ENCRYPTION_CHANGE, NULL));
  vr_run_ms(w.radio, 1000);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED), 0);
  assert_int_equal(aioble_virtual_link_loss(w.central.t, w.ch), 0);
  vr_host_gone(&w.central, w.ch); /* after 1 s: twice 400 ms have passed */
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED), 2);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED), 0);
  vr_expect_idle(w.radio);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(remote_version_is_read_from_both_sides),
      cmocka_unit_test(remote_features_are_the_peers),
      cmocka_unit_test(a_peripheral_asks_for_features_only_if_both_know_how),
      cmocka_unit_test(data_length_changes_are_told_to_both_and_only_changes),
      cmocka_unit_test(the_suggested_length_is_asked_for_when_connected),
      cmocka_unit_test(a_peer_without_data_length_keeps_27),
      cmocka_unit_test(phys_change_at_both_ends),
      cmocka_unit_test(default_phys_count_for_new_links),
      cmocka_unit_test(a_peer_with_one_phy_says_so),
      cmocka_unit_test(the_channel_map_is_the_centrals),
      cmocka_unit_test(silence_of_an_encrypted_link_is_reported),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
