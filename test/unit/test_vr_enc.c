/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const ab_key16 key_a = {{1, 2, 3}}, key_b = {{1, 2, 4}};

static uint8_t enable(vr_world *w, ab_key16 key) {
  return VR_DO(&w->central, AB_HCI_LE_ENABLE_ENCRYPTION, hci_le_enable_enc, w->ch,
               0x1122334455667788, 0x99aa, key);
}

static void expect_request(vr_world *w) {
  ab_hci_le_ev_ltk_request ev;
  ab_rd r;

  assert_true(vr_host_wait(&w->peripheral, VR_LE(AB_HCI_LE_EV_LTK_REQUEST), &r));
  assert_true(ab_hci_le_ev_ltk_request_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, w->ph);
  assert_int_equal(ev.rand, 0x1122334455667788);
  assert_int_equal(ev.ediv, 0x99aa);
}

static uint8_t reply(vr_world *w, ab_key16 key) {
  return VR_DO(&w->peripheral, AB_HCI_LE_LTK_REPLY, hci_le_ltk_reply, w->ph, key);
}

static uint8_t neg_reply(vr_world *w) {
  return VR_DO(&w->peripheral, AB_HCI_LE_LTK_NEG_REPLY, hci_handle, w->ph);
}

static uint8_t changed(vr_host *h, uint16_t handle, uint8_t enabled) {
  ab_hci_ev_encryption ev;
  ab_rd r;

  assert_true(vr_host_wait(h, AB_HCI_EV_ENCRYPTION_CHANGE, &r));
  assert_true(ab_hci_ev_encryption_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, handle);
  assert_int_equal(ev.enabled, enabled);
  return ev.status;
}

static void encrypt(vr_world *w) {
  assert_int_equal(enable(w, key_a), 0);
  expect_request(w);
  assert_int_equal(reply(w, key_a), 0);
  assert_int_equal(changed(&w->central, w->ch, 1), 0);
  assert_int_equal(changed(&w->peripheral, w->ph, 1), 0);
}

static void the_same_key_encrypts(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(reply(&w, key_a), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(neg_reply(&w), AB_HCI_ERR_COMMAND_DISALLOWED);
  encrypt(&w);
  assert_int_equal(reply(&w, key_a), AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  vr_world_free(&w);
}

static void the_news_of_it_may_come_behind_the_data(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_delay_encryption(w.peripheral.t, 2000);
  assert_int_equal(enable(&w, key_a), 0);
  expect_request(&w);
  assert_int_equal(reply(&w, key_a), 0);
  assert_int_equal(changed(&w.central, w.ch, 1), 0);
  vr_host_acl(&w.central, w.ch, 0, "x", 1);
  aioble_virtual_run_until(w.radio, aioble_virtual_now_us(w.radio) + 1000);
  assert_int_equal(w.peripheral.acl_packets, 1);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  assert_int_equal(changed(&w.peripheral, w.ph, 1), 0);
  assert_int_equal(enable(&w, key_a), 0); /* nothing of it is left when the link ends */
  expect_request(&w);
  assert_int_equal(reply(&w, key_a), 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.central, w.ch);
  vr_host_gone(&w.peripheral, w.ph);
  vr_expect_idle(w.radio);
  vr_world_free(&w);
}

static void another_key_ends_the_link_at_both_sides(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(enable(&w, key_a), 0);
  expect_request(&w);
  assert_int_equal(reply(&w, key_b), 0);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_MIC_FAILURE);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_MIC_FAILURE);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  vr_world_free(&w);
}

static void no_key_is_told_to_the_central_and_the_link_stays(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(enable(&w, key_a), 0);
  expect_request(&w);
  assert_int_equal(neg_reply(&w), 0);
  assert_int_equal(changed(&w.central, w.ch, 0), AB_HCI_ERR_PIN_OR_KEY_MISSING);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  encrypt(&w);
  vr_world_free(&w);
}

static void keys_are_refreshed(void **state) {
  ab_hci_ev_key_refresh ev;
  ab_rd r;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  encrypt(&w);
  assert_int_equal(enable(&w, key_b), 0);
  expect_request(&w);
  assert_int_equal(reply(&w, key_b), 0);
  assert_true(vr_host_wait(&w.central, AB_HCI_EV_ENCRYPTION_KEY_REFRESH, &r));
  assert_true(ab_hci_ev_key_refresh_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.handle, w.ch);
  assert_true(vr_host_wait(&w.peripheral, AB_HCI_EV_ENCRYPTION_KEY_REFRESH, &r));
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_ENCRYPTION_CHANGE), 0);
  vr_world_free(&w);
}

static void no_key_for_an_encrypted_link_ends_it(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  encrypt(&w);
  assert_int_equal(enable(&w, key_b), 0);
  expect_request(&w);
  assert_int_equal(neg_reply(&w), 0);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_PIN_OR_KEY_MISSING);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_LOCAL_HOST);
  vr_world_free(&w);
}

static void only_a_central_starts_it_and_one_at_a_time(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(
      VR_DO(&w.peripheral, AB_HCI_LE_ENABLE_ENCRYPTION, hci_le_enable_enc, .handle = w.ph),
      AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_ENABLE_ENCRYPTION, hci_le_enable_enc, .handle = 0x66),
      AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(enable(&w, key_a), 0);
  assert_int_equal(enable(&w, key_a), AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_world_free(&w);
}

static void data_waits_while_encryption_starts(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(enable(&w, key_a), 0);
  vr_host_acl(&w.central, w.ch, 0, "a", 1);
  vr_host_acl(&w.peripheral, w.ph, 0, "b", 1);
  vr_run_ms(w.radio, 100);
  assert_int_equal(w.central.acl_packets + w.peripheral.acl_packets, 0);
  expect_request(&w);
  assert_int_equal(reply(&w, key_a), 0);
  assert_int_equal(changed(&w.central, w.ch, 1), 0);
  vr_run_ms(w.radio, 1);
  assert_int_equal(w.central.acl_packets, 1);
  assert_int_equal(w.peripheral.acl_packets, 1);
  vr_world_free(&w);
}

static void a_peer_that_cannot_or_is_not_asked_refuses(void **state) {
  const aioble_virtual_controller_options_t cannot = {.le_features_off = 1};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, &cannot);
  assert_int_equal(enable(&w, key_a), 0);
  assert_int_equal(changed(&w.central, w.ch, 0), AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
  vr_world_free(&w);
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0xf), 0);
  assert_int_equal(enable(&w, key_a), 0);
  assert_int_equal(changed(&w.central, w.ch, 0), AB_HCI_ERR_PIN_OR_KEY_MISSING);
  vr_world_free(&w);
}

static void a_host_that_never_has_a_key_loses_the_link(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(enable(&w, key_a), 0);
  expect_request(&w);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_LL_RESPONSE_TIMEOUT);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_LL_RESPONSE_TIMEOUT);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_key_encrypts),
      cmocka_unit_test(the_news_of_it_may_come_behind_the_data),
      cmocka_unit_test(another_key_ends_the_link_at_both_sides),
      cmocka_unit_test(no_key_is_told_to_the_central_and_the_link_stays),
      cmocka_unit_test(keys_are_refreshed),
      cmocka_unit_test(no_key_for_an_encrypted_link_ends_it),
      cmocka_unit_test(only_a_central_starts_it_and_one_at_a_time),
      cmocka_unit_test(data_waits_while_encryption_starts),
      cmocka_unit_test(a_peer_that_cannot_or_is_not_asked_refuses),
      cmocka_unit_test(a_host_that_never_has_a_key_loses_the_link),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
