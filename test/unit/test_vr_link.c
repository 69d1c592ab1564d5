/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint8_t disconnect(vr_host *h, uint16_t handle, uint8_t reason) {
  return VR_DO(h, AB_HCI_DISCONNECT, hci_disconnect, handle, reason);
}

static void disconnect_reaches_both_sides_later(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER), 0);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_LOCAL_HOST);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_REMOTE_USER);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  vr_world_free(&w);
}

static void both_sides_disconnect_at_once_and_each_hears_it_once(void **state) {
  uint8_t params[ab_hci_disconnect_size];
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  for (int side = 0; side < 2; side++) {
    ab_wr p = ab_wr_of(params, sizeof params);

    ab_hci_disconnect_write(&p, &(ab_hci_disconnect){side ? w.ph : w.ch, AB_HCI_ERR_REMOTE_USER});
    vr_host_post(side ? &w.peripheral : &w.central, AB_HCI_DISCONNECT, params, sizeof params);
  }
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 1);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_DISCONNECTION_COMPLETE), 1);
  vr_world_free(&w);
}

static void disconnect_takes_only_the_reasons_it_may_have(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(disconnect(&w.central, w.ch, 0), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_CONNECTION_TIMEOUT),
                   AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_LOCAL_HOST), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_POWER_OFF), 0);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_REMOTE_POWER_OFF);
  vr_world_free(&w);
}

/* the milliseconds until the peripheral's link dies, which must be of its supervision timeout */
static unsigned dies_after_ms(vr_world *w) {
  uint64_t since = aioble_virtual_now_us(w->radio);

  assert_int_equal(vr_host_gone(&w->peripheral, w->ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
  return (unsigned) ((aioble_virtual_now_us(w->radio) - since) / 1000);
}

static void a_host_that_switches_off_lets_its_peer_time_out(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  w.central.t->ops->close(w.central.t);
  assert_int_equal(w.central.closed, 1);
  vr_run_ms(w.radio, 500);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(dies_after_ms(&w), 500);
  vr_world_free(&w);
}

static void a_host_that_resets_lets_its_peer_time_out(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  vr_host_init(&w.central);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(dies_after_ms(&w), 1000);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  vr_world_free(&w);
}

static void a_lost_link_times_out_at_both_ends(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(aioble_virtual_link_loss(w.central.t, 0x0eff), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_virtual_link_loss(w.central.t, w.ch), 0);
  assert_int_equal(dies_after_ms(&w), 1000);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_CONNECTION_TIMEOUT);
  vr_expect_idle(w.radio);
  vr_world_free(&w);
}

static void who_disconnects_a_silent_link_is_told_it_was_itself(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(aioble_virtual_link_loss(w.central.t, w.ch), 0);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER), 0);
  assert_int_equal(vr_host_gone(&w.central, w.ch), AB_HCI_ERR_LOCAL_HOST);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_CONNECTION_TIMEOUT);
  vr_world_free(&w);
}

static void a_link_to_both_ends_switched_off_leaves_nothing(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  w.central.t->ops->close(w.central.t);
  w.peripheral.t->ops->close(w.peripheral.t);
  vr_expect_idle(w.radio);
  vr_world_free(&w);
}

static void a_peer_that_goes_while_connecting_is_never_established(void **state) {
  vr_world w;
  ab_hci_le_ev_conn_complete ev;
  ab_rd r;

  (void) state;
  w.radio = aioble_virtual_radio_new(NULL);
  vr_host_open(&w.central, w.radio, NULL);
  vr_host_open(&w.peripheral, w.radio, NULL);
  vr_host_advertise(&w.peripheral, AB_HCI_ADV_IND);
  assert_int_equal(vr_host_create(&w.central, vr_host_addr(&w.peripheral)), 0);
  /* advertising ends when the initiator was heard; the connection is not complete then */
  while (aioble_virtual_stats(w.peripheral.t)->adv_events == 0)
    assert_true(aioble_virtual_run_once(w.radio));
  w.peripheral.t->ops->close(w.peripheral.t);
  assert_int_equal(vr_host_do(&w.central, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_true(vr_host_wait(&w.central, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &r));
  ab_hci_le_ev_conn_complete_read(&r, &ev);
  assert_int_equal(ev.status, 0);
  assert_int_equal(vr_host_gone(&w.central, ev.handle), AB_HCI_ERR_FAILED_TO_ESTABLISH);
  vr_world_free(&w);
}

static void handles_are_not_used_again_soon(void **state) {
  const aioble_virtual_controller_options_t two = {.max_links = 2};
  uint16_t seen[4], ph;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &two, NULL);
  seen[0] = w.ch;
  ph = w.ph;
  for (int i = 1; i < 4; i++) {
    assert_int_equal(disconnect(&w.central, seen[i - 1], AB_HCI_ERR_REMOTE_USER), 0);
    vr_host_gone(&w.central, seen[i - 1]);
    vr_host_gone(&w.peripheral, ph);
    vr_host_connect(&w.central, &w.peripheral, &seen[i], &ph);
    for (int j = 0; j < i; j++)
      assert_int_not_equal(seen[i], seen[j]);
  }
  vr_world_free(&w);
}

static void rssi_and_power_are_plausible(void **state) {
  vr_world w;
  ab_hci_rssi_ret rssi;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_set_position(w.peripheral.t, 400, 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_RSSI, hci_handle, w.ch), 0);
  assert_true(ab_hci_rssi_ret_read(&w.central.ret, &rssi) && ab_rd_done(&w.central.ret));
  assert_int_equal(rssi.handle, w.ch);
  assert_int_equal(rssi.rssi, -52);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_RSSI, hci_handle, 0x123),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_TX_POWER_LEVEL, hci_tx_power_level, w.ch, 0), 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_TX_POWER_LEVEL, hci_tx_power_level, w.ch, 2),
                   AB_HCI_ERR_INVALID_PARAMS);
  vr_world_free(&w);
}

/* with timing, a procedure waits for a connection event, and nothing runs in an idle link */
static void control_waits_for_connection_events_and_idle_links_for_nothing(void **state) {
  const aioble_virtual_options_t timed = {.timing = true};
  uint64_t since;
  vr_world w;

  (void) state;
  vr_world_new(&w, &timed, NULL, NULL);
  vr_expect_idle(w.radio);
  since = aioble_virtual_now_us(w.radio);
  vr_run_ms(w.radio, 10);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER), 0);
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), AB_HCI_ERR_REMOTE_USER);
  assert_int_equal(aioble_virtual_now_us(w.radio) - since, 30000);
  vr_world_free(&w);
}

static void masked_disconnections_free_the_link_all_the_same(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_SET_EVENT_MASK, hci_mask64, (uint64_t) 1 << 61), 0);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER), 0);
  vr_host_gone(&w.peripheral, w.ph);
  vr_expect_idle(w.radio);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  vr_world_free(&w);
}

static void a_link_whose_ends_nobody_is_told_of_is_released_inside_its_last_event(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_SET_EVENT_MASK, hci_mask64, 0), 0);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_SET_EVENT_MASK, hci_mask64, 0), 0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_READ_REMOTE_VERSION, hci_handle, w.ch), 0);
  assert_int_equal(disconnect(&w.central, w.ch, AB_HCI_ERR_REMOTE_USER), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(disconnect(&w.peripheral, w.ph, AB_HCI_ERR_REMOTE_USER),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE), 0);
  vr_world_free(&w);
}

static void data_for_a_host_that_is_not_told_of_the_end_goes_with_the_link(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_SET_EVENT_MASK, hci_mask64, 0), 0);
  aioble_virtual_controller_hold(w.central.t, true);
  vr_host_acl(&w.peripheral, w.ph, 0, "x", 1);
  assert_int_equal(disconnect(&w.peripheral, w.ph, AB_HCI_ERR_REMOTE_USER), 0);
  vr_host_gone(&w.peripheral, w.ph);
  aioble_virtual_controller_hold(w.central.t, false);
  vr_expect_idle(w.radio);
  assert_int_equal(w.central.acl_packets, 0);
  assert_int_equal(vr_host_do(&w.central, AB_HCI_LE_RAND, NULL, 0), 0);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(disconnect_reaches_both_sides_later),
      cmocka_unit_test(both_sides_disconnect_at_once_and_each_hears_it_once),
      cmocka_unit_test(disconnect_takes_only_the_reasons_it_may_have),
      cmocka_unit_test(a_host_that_switches_off_lets_its_peer_time_out),
      cmocka_unit_test(a_host_that_resets_lets_its_peer_time_out),
      cmocka_unit_test(a_lost_link_times_out_at_both_ends),
      cmocka_unit_test(who_disconnects_a_silent_link_is_told_it_was_itself),
      cmocka_unit_test(a_link_to_both_ends_switched_off_leaves_nothing),
      cmocka_unit_test(a_peer_that_goes_while_connecting_is_never_established),
      cmocka_unit_test(handles_are_not_used_again_soon),
      cmocka_unit_test(rssi_and_power_are_plausible),
      cmocka_unit_test(control_waits_for_connection_events_and_idle_links_for_nothing),
      cmocka_unit_test(masked_disconnections_free_the_link_all_the_same),
      cmocka_unit_test(a_link_whose_ends_nobody_is_told_of_is_released_inside_its_last_event),
      cmocka_unit_test(data_for_a_host_that_is_not_told_of_the_end_goes_with_the_link),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
