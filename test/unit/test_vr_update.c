/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PARAM_REQUEST = 1 << 1 }; /* LE feature */

static uint8_t update(vr_host *h, uint16_t handle, uint16_t interval) {
  return VR_DO(h, AB_HCI_LE_CONN_UPDATE, hci_le_conn_update, handle, interval, interval, 2, 300, 0,
               0);
}

/* Connection Update Complete: its status; the parameters are as expected */
static uint8_t updated(vr_host *h, uint16_t handle, uint16_t interval) {
  ab_hci_le_ev_conn_update ev;
  ab_rd r;

  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_CONN_UPDATE_COMPLETE), &r));
  assert_true(ab_hci_le_ev_conn_update_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, handle);
  assert_int_equal(ev.interval, interval);
  return ev.status;
}

static unsigned updates(vr_host *h) {
  return vr_host_count(h, VR_LE(AB_HCI_LE_EV_CONN_UPDATE_COMPLETE));
}

static void a_central_decides_and_both_are_told(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(update(&w.central, w.ch, 40), 0);
  assert_int_equal(update(&w.central, w.ch, 50), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(updates(&w.central), 0);
  assert_int_equal(updated(&w.central, w.ch, 40), 0);
  assert_int_equal(updated(&w.peripheral, w.ph, 40), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(updates(&w.central) + updates(&w.peripheral), 0);
  assert_int_equal(update(&w.central, w.ch, 5), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(update(&w.central, 0x77, 40), AB_HCI_ERR_UNKNOWN_CONNECTION);
  vr_world_free(&w);
}

static void expect_request(vr_host *h, uint16_t handle, uint16_t interval) {
  ab_hci_le_ev_conn_param_request ev;
  ab_rd r;

  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_CONN_PARAM_REQUEST), &r));
  assert_true(ab_hci_le_ev_conn_param_request_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.handle, handle);
  assert_int_equal(ev.interval_min, interval);
  assert_int_equal(ev.interval_max, interval);
  assert_int_equal(ev.latency, 2);
  assert_int_equal(ev.supervision_timeout, 300);
}

static uint8_t reply(vr_host *h, uint16_t handle, uint16_t interval) {
  return VR_DO(h, AB_HCI_LE_CONN_PARAM_REPLY, hci_le_conn_param_reply, handle, interval, interval,
               2, 300, 0, 0);
}

static uint8_t refuse(vr_host *h, uint16_t handle, uint8_t reason) {
  return VR_DO(h, AB_HCI_LE_CONN_PARAM_NEG_REPLY, hci_le_conn_param_neg, handle, reason);
}

static void a_peripheral_asks_and_the_centrals_host_agrees(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(reply(&w.central, w.ch, 40), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(refuse(&w.central, w.ch, 0x3b), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0);
  expect_request(&w.central, w.ch, 40);
  assert_int_equal(reply(&w.peripheral, w.ph, 40), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(reply(&w.central, w.ch, 5), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(reply(&w.central, w.ch, 40), 0);
  assert_int_equal(updated(&w.peripheral, w.ph, 40), 0);
  assert_int_equal(updated(&w.central, w.ch, 40), 0);
  vr_expect_idle(w.radio);
  vr_world_free(&w);
}

static void the_centrals_host_refuses_with_its_reason(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0);
  expect_request(&w.central, w.ch, 40);
  assert_int_equal(refuse(&w.central, w.ch, 0x3b), 0);
  assert_int_equal(updated(&w.peripheral, w.ph, 24), 0x3b);
  vr_expect_idle(w.radio);
  assert_int_equal(updates(&w.central), 0);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0); /* and it may ask again */
  expect_request(&w.central, w.ch, 40);
  vr_world_free(&w);
}

static void who_does_not_know_the_request_refuses_it(void **state) {
  const aioble_virtual_controller_options_t cannot = {.le_features_off = PARAM_REQUEST};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &cannot, NULL);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0);
  assert_int_equal(updated(&w.peripheral, w.ph, 24), AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
  vr_world_free(&w);
  vr_world_new(&w, NULL, NULL, &cannot);
  assert_int_equal(update(&w.peripheral, w.ph, 40), AB_HCI_ERR_UNSUPPORTED_FEATURE);
  vr_world_free(&w);
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x1f), 0);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0);
  assert_int_equal(updated(&w.peripheral, w.ph, 24), AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
  vr_world_free(&w);
}

static void a_host_that_never_answers_loses_the_link(void **state) {
  uint64_t since;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(update(&w.peripheral, w.ph, 40), 0);
  expect_request(&w.central, w.ch, 40);
  since = aioble_virtual_now_us(w.radio);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_LL_RESPONSE_TIMEOUT);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_LL_RESPONSE_TIMEOUT);
  assert_int_equal(aioble_virtual_now_us(w.radio) - since, 40000000);
  vr_world_free(&w);
}

static void with_timing_the_instant_is_some_intervals_away(void **state) {
  const aioble_virtual_options_t timed = {.timing = true};
  uint64_t since;
  vr_world w;

  (void) state;
  vr_world_new(&w, &timed, NULL, NULL);
  since = aioble_virtual_now_us(w.radio);
  assert_int_equal(update(&w.central, w.ch, 40), 0);
  assert_int_equal(updated(&w.central, w.ch, 40), 0);
  assert_int_equal(aioble_virtual_now_us(w.radio) - since, 7 * 30000);
  vr_world_free(&w);
}

static void a_link_may_end_while_its_parameters_change(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(update(&w.central, w.ch, 40), 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.central, w.ch);
  vr_expect_idle(w.radio);
  assert_int_equal(updates(&w.central) + updates(&w.peripheral), 0);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_central_decides_and_both_are_told),
      cmocka_unit_test(a_peripheral_asks_and_the_centrals_host_agrees),
      cmocka_unit_test(the_centrals_host_refuses_with_its_reason),
      cmocka_unit_test(who_does_not_know_the_request_refuses_it),
      cmocka_unit_test(a_host_that_never_answers_loses_the_link),
      cmocka_unit_test(with_timing_the_instant_is_some_intervals_away),
      cmocka_unit_test(a_link_may_end_while_its_parameters_change),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
