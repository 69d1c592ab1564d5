/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FIRST_FROM_HOST = AB_HCI_PB_FIRST_NO_FLUSH };

static void fill(uint8_t *data, size_t len, uint8_t from) {
  for (size_t i = 0; i < len; i++)
    data[i] = (uint8_t) (from + i);
}

/* the packets completed on that handle by all events that have come; they are taken */
static unsigned completed(vr_host *h, uint16_t handle) {
  unsigned sum = 0;
  ab_rd r;

  while (vr_host_take(h, AB_HCI_EV_NUM_COMPLETED_PACKETS, &r)) {
    unsigned count = ab_rd_u8(&r);
    ab_hci_completed c;

    assert_int_equal(ab_rd_left(&r), count * ab_hci_completed_size);
    while (count--) {
      ab_hci_completed_read(&r, &c);
      assert_true(c.count > 0);
      if (c.handle == handle)
        sum += c.count;
    }
  }
  return sum;
}

/* one data packet has come, from there and so long */
static void expect_acl(vr_host *h, uint16_t handle, uint8_t pb, const uint8_t *data, size_t len) {
  uint16_t got_handle;
  uint8_t got_pb;
  ab_rd r;

  assert_true(vr_host_take_acl(h, &got_handle, &got_pb, &r));
  assert_int_equal(got_handle, handle);
  assert_int_equal(got_pb, pb);
  assert_int_equal(ab_rd_left(&r), len);
  assert_memory_equal(ab_rd_take(&r, len), data, len);
}

static void expect_no_acl(vr_host *h) {
  uint16_t handle;
  uint8_t pb;
  ab_rd r;

  assert_false(vr_host_take_acl(h, &handle, &pb, &r));
}

static void data_goes_both_ways_with_its_boundary_flags(void **state) {
  uint8_t data[251];
  vr_world w;

  (void) state;
  fill(data, sizeof data, 1);
  vr_world_new(&w, NULL, NULL, NULL);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 251);
  vr_host_acl(&w.central, w.ch, AB_HCI_PB_CONTINUING, data, 1);
  vr_host_acl(&w.central, w.ch, AB_HCI_PB_FIRST, data, 7);
  vr_host_acl(&w.peripheral, w.ph, FIRST_FROM_HOST, data, 9);
  expect_no_acl(&w.peripheral); /* nothing is delivered inside send() */
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 251);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data, 1);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 7);
  expect_no_acl(&w.peripheral);
  expect_acl(&w.central, w.ch, AB_HCI_PB_FIRST, data, 9);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_NUM_COMPLETED_PACKETS), 1);
  assert_int_equal(completed(&w.central, w.ch), 3);
  assert_int_equal(completed(&w.peripheral, w.ph), 1);
  vr_world_free(&w);
}

static void more_packets_than_buffers_are_a_violation(void **state) {
  const aioble_virtual_controller_options_t two = {.acl_count = 2, .acl_len = 27};
  uint8_t data[28] = {0};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &two, NULL);
  for (int i = 0; i < 3; i++)
    vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 27);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 2);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DATA_BUFFER_OVERFLOW), 1);
  assert_int_equal(completed(&w.central, w.ch), 2);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 1);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 28); /* longer than a buffer */
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 2);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 2);
  vr_world_free(&w);
}

static void malformed_data_is_counted_and_goes_nowhere(void **state) {
  static const uint8_t packets[][8] = {
      {AIOBLE_H4_ACL},
      {AIOBLE_H4_ACL, 1, 0, 9, 0, 1},
      {AIOBLE_H4_ACL, 1, 0, 0, 0},
      {AIOBLE_H4_ACL, 1, 0x30, 1, 0, 1},
      {AIOBLE_H4_ACL, 1, 0x40, 1, 0, 1},
      {AIOBLE_H4_SCO, 1, 0, 1, 1},
      {9, 1, 0, 1, 0, 1},
  };
  static const size_t lengths[] = {1, 6, 5, 6, 6, 5, 6};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    assert_int_equal(w.central.t->ops->send(w.central.t, packets[i], lengths[i]), 0);
    assert_int_equal(aioble_virtual_stats(w.central.t)->malformed, i + 1);
  }
  assert_int_equal(w.central.t->ops->send(w.central.t, packets[0], 0), 0);
  vr_host_acl(&w.central, 0x0e00, FIRST_FROM_HOST, "x", 1);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_unknown_link, 1);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 0);
  vr_world_free(&w);
}

static void data_comes_in_pieces_if_the_controller_cuts_it(void **state) {
  const aioble_virtual_controller_options_t pieces = {.rx_fragment = 10};
  uint8_t data[25];
  vr_world w;

  (void) state;
  fill(data, sizeof data, 0);
  vr_world_new(&w, NULL, NULL, &pieces);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 25);
  vr_host_acl(&w.central, w.ch, AB_HCI_PB_CONTINUING, data, 11);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 10);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 10, 10);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 20, 5);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data, 10);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 10, 1);
  expect_no_acl(&w.peripheral);
  assert_int_equal(completed(&w.central, w.ch), 2);
  vr_world_free(&w);
}

static void buffers_are_free_only_when_the_other_host_has_the_data(void **state) {
  uint8_t data[8] = {1, 2, 3};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_hold(w.peripheral.t, true);
  for (int i = 0; i < 8; i++)
    vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, sizeof data);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 0);
  assert_int_equal(completed(&w.central, w.ch), 0);
  aioble_virtual_controller_hold(w.peripheral.t, false);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 8);
  assert_int_equal(completed(&w.central, w.ch), 8);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 0);
  vr_world_free(&w);
}

static void hold_after_two(vr_host *h) {
  if (h->acl_packets == 2)
    aioble_virtual_controller_hold(h->t, true);
}

static void a_host_may_stop_in_the_middle_of_a_packet(void **state) {
  const aioble_virtual_controller_options_t pieces = {.rx_fragment = 4};
  uint8_t data[12];
  vr_world w;

  (void) state;
  fill(data, sizeof data, 40);
  vr_world_new(&w, NULL, NULL, &pieces);
  w.peripheral.on_packet = hold_after_two;
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 12);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 4);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 4, 4);
  expect_no_acl(&w.peripheral);
  assert_int_equal(completed(&w.central, w.ch), 0);
  aioble_virtual_controller_hold(w.peripheral.t, false);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 8, 4);
  assert_int_equal(completed(&w.central, w.ch), 1);
  vr_world_free(&w);
}

static void a_link_that_ends_gives_all_buffers_back_without_saying_so(void **state) {
  uint8_t data[8] = {0};
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  aioble_virtual_controller_hold(w.peripheral.t, true);
  for (int i = 0; i < 8; i++)
    vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, sizeof data);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.central, w.ch);
  aioble_virtual_controller_hold(w.peripheral.t, false);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 8); /* they had arrived before the link ended */
  assert_int_equal(vr_host_gone(&w.peripheral, w.ph), 0x13);
  assert_int_equal(completed(&w.central, w.ch), 0);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, sizeof data);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_unknown_link, 1);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  for (int i = 0; i < 8; i++)
    vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, sizeof data);
  vr_expect_idle(w.radio);
  assert_int_equal(completed(&w.central, w.ch), 8);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 0);
  vr_world_free(&w);
}

/* from inside the delivery of the Disconnection Complete, to the other link */
static void send_at_once(vr_host *h) {
  vr_host_acl(h, 2, FIRST_FROM_HOST, "x", 1);
  h->on_packet = NULL;
}

static void a_host_may_use_the_buffers_of_a_link_as_soon_as_it_knows_of_its_end(void **state) {
  uint16_t ch, ph;
  vr_host third;
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, &(aioble_virtual_controller_options_t){.acl_count = 1}, NULL);
  vr_host_open(&third, w.radio, NULL);
  vr_host_connect(&w.central, &third, &ch, &ph);
  assert_int_equal(ch, 2);
  aioble_virtual_controller_lose_credits(w.central.t, true);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, "x", 1);
  vr_run_ms(w.radio, 1);
  assert_int_equal(aioble_virtual_link_loss(w.central.t, w.ch), 0);
  vr_host_forget(&w.central);
  w.central.on_packet = send_at_once;
  vr_host_gone(&w.central, w.ch);
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 0);
  vr_run_ms(w.radio, 1);
  assert_int_equal(third.acl_packets, 1);
  vr_host_close(&third);
  vr_world_free(&w);
}

static void the_hosts_own_flow_control_is_kept(void **state) {
  uint8_t data[20], done[] = {1, 0, 0, 1, 0};
  ab_wr p = ab_wr_of(done + 1, 2);
  vr_world w;

  (void) state;
  fill(data, sizeof data, 0);
  w.radio = aioble_virtual_radio_new(NULL);
  vr_host_open(&w.central, w.radio, NULL);
  vr_host_open(&w.peripheral, w.radio, NULL);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_HOST_BUFFER_SIZE, hci_host_buffer_size,
                         .acl_len = 10, .acl_count = 1),
                   0);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_SET_CONTROLLER_TO_HOST_FC, hci_u8, 1), 0);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_SET_CONTROLLER_TO_HOST_FC, hci_u8, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 20);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, 5);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 10);
  expect_no_acl(&w.peripheral);
  assert_int_equal(completed(&w.central, w.ch), 0);
  /* events do not wait for data */
  assert_int_equal(vr_host_do(&w.peripheral, AB_HCI_LE_RAND, NULL, 0), 0);
  ab_wr_le16(&p, w.ph);
  vr_host_post(&w.peripheral, AB_HCI_HOST_NUM_COMPLETED, done, sizeof done);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_CONTINUING, data + 10, 10);
  expect_no_acl(&w.peripheral);
  assert_int_equal(completed(&w.central, w.ch), 1);
  vr_host_post(&w.peripheral, AB_HCI_HOST_NUM_COMPLETED, done, sizeof done);
  vr_expect_idle(w.radio);
  expect_acl(&w.peripheral, w.ph, AB_HCI_PB_FIRST, data, 5);
  assert_int_equal(completed(&w.central, w.ch), 1);
  assert_int_equal(vr_host_count(&w.peripheral, AB_HCI_EV_COMMAND_COMPLETE), 0);
  assert_int_equal(aioble_virtual_stats(w.peripheral.t)->command_violations, 0);
  vr_world_free(&w);
}

static void blocked_data_of_a_link_that_ends_is_dropped(void **state) {
  vr_world w;

  (void) state;
  w.radio = aioble_virtual_radio_new(NULL);
  vr_host_open(&w.central, w.radio, NULL);
  vr_host_open(&w.peripheral, w.radio, NULL);
  assert_int_equal(VR_DO(&w.peripheral, AB_HCI_SET_CONTROLLER_TO_HOST_FC, hci_u8, 1), 0);
  vr_host_connect(&w.central, &w.peripheral, &w.ch, &w.ph);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, "data", 4);
  vr_expect_idle(w.radio);
  assert_int_equal(VR_DO(&w.central, AB_HCI_DISCONNECT, hci_disconnect, w.ch, 0x13), 0);
  vr_host_gone(&w.peripheral, w.ph);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 0);
  vr_world_free(&w);
}

static void data_stays_while_out_of_range_and_goes_on_after(void **state) {
  vr_world w;

  (void) state;
  vr_world_new(&w, NULL, NULL, NULL);
  assert_int_equal(aioble_virtual_set_in_range(w.central.t, w.peripheral.t, false), 0);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, "data", 4);
  vr_run_ms(w.radio, 900);
  assert_int_equal(w.peripheral.acl_packets, 0);
  assert_int_equal(aioble_virtual_set_in_range(w.central.t, w.peripheral.t, true), 0);
  vr_expect_idle(w.radio);
  assert_int_equal(w.peripheral.acl_packets, 1);
  assert_int_equal(completed(&w.central, w.ch), 1);
  assert_int_equal(vr_host_count(&w.central, AB_HCI_EV_DISCONNECTION_COMPLETE), 0);
  vr_world_free(&w);
}

/* octets a second from the central, whose host fills the buffers as it gets them back */
static unsigned throughput(unsigned interval, unsigned octets, bool fast) {
  const aioble_virtual_options_t timed = {.timing = true};
  unsigned free_buffers = 8;
  uint8_t data[251] = {0};
  uint64_t until;
  vr_world w;

  vr_world_new(&w, &timed, NULL, NULL);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_CONN_UPDATE, hci_le_conn_update, w.ch,
                         (uint16_t) interval, (uint16_t) interval, 0, 400, 0, 0),
                   0);
  assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_DATA_LENGTH, hci_le_data_length, w.ch,
                         (uint16_t) octets, 2120),
                   0);
  if (fast)
    assert_int_equal(VR_DO(&w.central, AB_HCI_LE_SET_PHY, hci_le_set_phy, w.ch, 0, 2, 2, 0), 0);
  vr_expect_idle(w.radio);
  w.peripheral.count_only = true;
  until = aioble_virtual_now_us(w.radio) + 2000000;
  while (aioble_virtual_now_us(w.radio) < until) {
    for (; free_buffers; free_buffers--)
      vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, data, sizeof data);
    assert_true(aioble_virtual_run_once(w.radio));
    free_buffers += completed(&w.central, w.ch);
  }
  assert_int_equal(aioble_virtual_stats(w.central.t)->acl_violations, 0);
  free_buffers = w.peripheral.acl_packets * 251 / 2;
  vr_world_free(&w);
  return free_buffers;
}

static void throughput_follows_interval_length_and_phy(void **state) {
  unsigned slow = throughput(80, 27, false), quick = throughput(24, 27, false);
  unsigned longer = throughput(24, 251, false), fastest = throughput(6, 251, true);

  (void) state;
  /* 6 packets of 27 octets in 100 ms; of 30 ms; of 251 octets; as many as fit in 7.5 ms on 2M */
  assert_in_range(slow, 1300, 1620);
  assert_in_range(quick, 4500, 5400);
  assert_in_range(longer, 45000, 50200);
  assert_in_range(fastest, 130000, 200800);
}

static void a_sleeping_peripheral_hears_only_when_it_listens(void **state) {
  const aioble_virtual_options_t timed = {.timing = true};
  uint64_t since;
  vr_world w;

  (void) state;
  vr_world_new(&w, &timed, NULL, NULL);
  assert_int_equal(
      VR_DO(&w.central, AB_HCI_LE_CONN_UPDATE, hci_le_conn_update, w.ch, 80, 80, 9, 600, 0, 0), 0);
  vr_expect_idle(w.radio);
  since = aioble_virtual_now_us(w.radio);
  vr_host_acl(&w.central, w.ch, FIRST_FROM_HOST, "x", 1);
  vr_expect_idle(w.radio);
  assert_int_equal(aioble_virtual_now_us(w.radio) - since, 1000000);
  vr_host_acl(&w.peripheral, w.ph, FIRST_FROM_HOST, "x", 1);
  vr_expect_idle(w.radio);
  assert_int_equal(aioble_virtual_now_us(w.radio) - since, 1100000);
  vr_world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_goes_both_ways_with_its_boundary_flags),
      cmocka_unit_test(more_packets_than_buffers_are_a_violation),
      cmocka_unit_test(malformed_data_is_counted_and_goes_nowhere),
      cmocka_unit_test(data_comes_in_pieces_if_the_controller_cuts_it),
      cmocka_unit_test(buffers_are_free_only_when_the_other_host_has_the_data),
      cmocka_unit_test(a_host_may_stop_in_the_middle_of_a_packet),
      cmocka_unit_test(a_link_that_ends_gives_all_buffers_back_without_saying_so),
      cmocka_unit_test(a_host_may_use_the_buffers_of_a_link_as_soon_as_it_knows_of_its_end),
      cmocka_unit_test(the_hosts_own_flow_control_is_kept),
      cmocka_unit_test(blocked_data_of_a_link_that_ends_is_dropped),
      cmocka_unit_test(data_stays_while_out_of_range_and_goes_on_after),
      cmocka_unit_test(throughput_follows_interval_length_and_phy),
      cmocka_unit_test(a_sleeping_peripheral_hears_only_when_it_listens),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
