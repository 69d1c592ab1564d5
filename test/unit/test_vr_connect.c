/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct bed {
  aioble_virtual_radio_t *radio;
  vr_host central, peripheral;
} bed;

static void bed_new(bed *b, const aioble_virtual_options_t *options) {
  b->radio = aioble_virtual_radio_new(options);
  assert_non_null(b->radio);
  vr_host_open(&b->central, b->radio, NULL);
  vr_host_open(&b->peripheral, b->radio, NULL);
}

static void bed_free(bed *b) {
  vr_host_close(&b->central);
  vr_host_close(&b->peripheral);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
}

static bool complete(vr_host *h, ab_hci_le_ev_conn_complete *ev) {
  ab_rd r;

  if (!vr_host_take(h, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &r))
    return false;
  return ab_hci_le_ev_conn_complete_read(&r, ev) && ab_rd_done(&r);
}

static unsigned completes(vr_host *h) {
  return vr_host_count(h, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE));
}

static void initiating_lasts_until_the_peer_advertises(void **state) {
  ab_hci_le_ev_conn_complete ev;
  ab_addr6 ca, pa;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  ca = vr_host_addr(&b.central);
  pa = vr_host_addr(&b.peripheral);
  assert_int_equal(vr_host_create(&b.central, pa), 0);
  assert_int_equal(vr_host_create(&b.central, pa), AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_run_ms(b.radio, 3600000);
  assert_int_equal(completes(&b.central), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 100);
  assert_true(complete(&b.central, &ev));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.role, AB_HCI_ROLE_CENTRAL);
  assert_int_equal(ev.peer_addr_type, 0);
  assert_memory_equal(&ev.peer_addr, &pa, sizeof pa);
  assert_int_equal(ev.interval, 24);
  assert_int_equal(ev.latency, 0);
  assert_int_equal(ev.supervision_timeout, 100);
  assert_true(complete(&b.peripheral, &ev));
  assert_int_equal(ev.status, 0);
  assert_int_equal(ev.role, AB_HCI_ROLE_PERIPHERAL);
  assert_memory_equal(&ev.peer_addr, &ca, sizeof ca);
  /* the advertiser has stopped, the initiator too */
  assert_int_equal(vr_host_create(&b.central, pa), AB_HCI_ERR_CONNECTION_EXISTS);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20,
                         .channel_map = 7),
                   0);
  vr_expect_idle(b.radio);
  bed_free(&b);
}

static void cancel_ends_it_with_0x02_and_is_refused_when_there_is_nothing(void **state) {
  ab_hci_le_ev_conn_complete ev;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(vr_host_do(&b.central, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  assert_int_equal(vr_host_do(&b.central, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0), 0);
  vr_expect_idle(b.radio);
  assert_true(complete(&b.central, &ev));
  assert_int_equal(ev.status, AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(completes(&b.central), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.peripheral), 0);
  bed_free(&b);
}

static void cancel_that_comes_too_late_is_refused_and_the_link_is_there(void **state) {
  ab_hci_le_ev_conn_complete ev;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  while (aioble_virtual_stats(b.peripheral.t)->adv_events == 0)
    assert_true(aioble_virtual_run_once(b.radio));
  assert_int_equal(completes(&b.central), 0);
  assert_int_equal(vr_host_do(&b.central, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_run_ms(b.radio, 100);
  assert_true(complete(&b.central, &ev));
  assert_int_equal(ev.status, 0);
  assert_int_equal(completes(&b.central), 0);
  bed_free(&b);
}

static void only_connectable_advertising_is_connected_to(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_SCAN_IND);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 0), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_NONCONN_IND);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.central), 0);
  assert_true(aioble_virtual_stats(b.peripheral.t)->adv_events > 0);
  bed_free(&b);
}

static uint8_t create_by_list(vr_host *h) {
  return VR_DO(h, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, .scan_interval = 16, .scan_window = 16,
               .filter_policy = 1, .interval_min = 24, .interval_max = 24,
               .supervision_timeout = 100);
}

static void the_accept_list_connects_who_is_on_it(void **state) {
  ab_hci_le_ev_conn_complete ev;
  vr_host other;
  ab_addr6 pa;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  vr_host_open(&other, b.radio, NULL);
  pa = vr_host_addr(&b.peripheral);
  assert_int_equal(VR_DO(&b.central, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, pa), 0);
  assert_int_equal(create_by_list(&b.central), 0);
  assert_int_equal(vr_host_do(&b.central, AB_HCI_LE_CLEAR_ACCEPT_LIST, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_advertise(&other, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.central), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 1000);
  assert_true(complete(&b.central, &ev));
  assert_memory_equal(&ev.peer_addr, &pa, sizeof pa);
  assert_int_equal(completes(&other), 0);
  vr_host_close(&other);
  bed_free(&b);
}

static void an_advertiser_may_take_connections_from_its_list_only(void **state) {
  ab_addr6 pa, ca;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  pa = vr_host_addr(&b.peripheral);
  ca = vr_host_addr(&b.central);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20,
                         .channel_map = 7, .filter_policy = 2),
                   0);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  assert_int_equal(vr_host_create(&b.central, pa), 0);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.central), 0);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 0), 0);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, ca), 0);
  assert_int_equal(VR_DO(&b.peripheral, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.central), 1);
  bed_free(&b);
}

static void one_advertiser_is_for_one_initiator(void **state) {
  vr_host other;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  vr_host_open(&other, b.radio, NULL);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  assert_int_equal(vr_host_create(&other, vr_host_addr(&b.peripheral)), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 1000);
  assert_int_equal(completes(&b.central) + completes(&other), 1);
  assert_int_equal(completes(&b.peripheral), 1);
  vr_host_close(&other);
  bed_free(&b);
}

static void parameters_are_checked(void **state) {
  static const ab_hci_le_create_conn good = {.scan_interval = 4,
                                             .scan_window = 4,
                                             .interval_min = 6,
                                             .interval_max = 3200,
                                             .latency = 2,
                                             .supervision_timeout = 3200};
  ab_hci_le_create_conn bad[12];
  bed b;

  (void) state;
  for (size_t i = 0; i < 12; i++)
    bad[i] = good;
  bad[0].scan_interval = 3;
  bad[1].scan_window = 5;
  bad[2].filter_policy = 2;
  bad[3].peer_addr_type = 4;
  bad[4].own_addr_type = 4;
  bad[5].interval_min = 5;
  bad[6].interval_max = 3201;
  bad[7].interval_max = 5;
  bad[8].latency = 500;
  bad[9].supervision_timeout = 3201;
  bad[10].latency = 3; /* 4 times 4 s, twice, is not less than 32 s */
  bad[11].supervision_timeout = 9;
  bed_new(&b, NULL);
  for (size_t i = 0; i < 12; i++)
    assert_int_equal(vr_host_do_hci_le_create_conn(&b.central, AB_HCI_LE_CREATE_CONN, &bad[i]),
                     AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(vr_host_do_hci_le_create_conn(&b.central, AB_HCI_LE_CREATE_CONN, &good), 0);
  bed_free(&b);
}

static void more_links_than_it_has_are_refused(void **state) {
  const aioble_virtual_controller_options_t one = {.max_links = 1};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &one, NULL);
  assert_int_equal(vr_host_create(&w.central, (ab_addr6){{9}}), AB_HCI_ERR_LIMIT_REACHED);
  vr_world_free(&w);
}

static void many_links_at_a_time(void **state) {
  enum { PEERS = 8 };
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host central, peers[PEERS];
  uint16_t ch[PEERS], ph, handle;
  uint8_t pb;
  ab_rd r;

  (void) state;
  vr_host_open(&central, radio, NULL);
  for (size_t i = 0; i < PEERS; i++) {
    vr_host_open(&peers[i], radio, NULL);
    vr_host_connect(&central, &peers[i], &ch[i], &ph);
  }
  for (size_t i = 0; i < PEERS; i++)
    vr_host_acl(&central, ch[i], 0, &i, 1);
  vr_expect_idle(radio);
  for (size_t i = 0; i < PEERS; i++) {
    assert_int_equal(peers[i].acl_packets, 1);
    assert_true(vr_host_take_acl(&peers[i], &handle, &pb, &r));
    assert_int_equal(ab_rd_u8(&r), i);
    vr_host_close(&peers[i]);
  }
  for (size_t i = 0; i < PEERS; i++)
    assert_int_equal(vr_host_gone(&central, ch[i]), AB_HCI_ERR_CONNECTION_TIMEOUT);
  vr_host_close(&central);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

static void the_enhanced_event_takes_the_place_of_the_plain_one(void **state) {
  ab_hci_le_ev_enh_conn_complete ev;
  ab_rd r;
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(VR_DO(&b.central, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x3ff), 0);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  assert_true(vr_host_wait(&b.central, VR_LE(AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE), &r));
  assert_true(ab_hci_le_ev_enh_conn_complete_read(&r, &ev) && ab_rd_done(&r));
  assert_int_equal(ev.interval, 24);
  assert_int_equal(completes(&b.central), 0);
  bed_free(&b);
}

static void an_unlucky_connection_is_never_established(void **state) {
  const aioble_virtual_options_t unlucky = {.faults = {.establish_fail_ppm = 1000000}};
  ab_hci_le_ev_conn_complete ev;
  bed b;

  (void) state;
  bed_new(&b, &unlucky);
  assert_int_equal(vr_host_create(&b.central, vr_host_addr(&b.peripheral)), 0);
  vr_host_advertise(&b.peripheral, AB_HCI_ADV_IND);
  vr_run_ms(b.radio, 1000);
  assert_true(complete(&b.central, &ev));
  assert_int_equal(vr_host_gone(&b.central, ev.handle), AB_HCI_ERR_FAILED_TO_ESTABLISH);
  assert_true(complete(&b.peripheral, &ev));
  assert_int_equal(vr_host_gone(&b.peripheral, ev.handle), AB_HCI_ERR_FAILED_TO_ESTABLISH);
  bed_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initiating_lasts_until_the_peer_advertises),
      cmocka_unit_test(cancel_ends_it_with_0x02_and_is_refused_when_there_is_nothing),
      cmocka_unit_test(cancel_that_comes_too_late_is_refused_and_the_link_is_there),
      cmocka_unit_test(only_connectable_advertising_is_connected_to),
      cmocka_unit_test(the_accept_list_connects_who_is_on_it),
      cmocka_unit_test(an_advertiser_may_take_connections_from_its_list_only),
      cmocka_unit_test(one_advertiser_is_for_one_initiator),
      cmocka_unit_test(parameters_are_checked),
      cmocka_unit_test(more_links_than_it_has_are_refused),
      cmocka_unit_test(many_links_at_a_time),
      cmocka_unit_test(the_enhanced_event_takes_the_place_of_the_plain_one),
      cmocka_unit_test(an_unlucky_connection_is_never_established),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
