/* SPDX-License-Identifier: MIT */
#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const ab_key16 irk_a = {{0xa, 1}}, irk_b = {{0xb, 2}}, no_irk;

enum { DEVICE = 1, PUBLIC = 0, RANDOM = 1, OWN_RPA = 2, IDENTITY = 2 };

typedef struct bed {
  aioble_virtual_radio_t *radio;
  vr_host a, b;
  ab_addr6 addr_a, addr_b;
} bed;

static uint8_t add(vr_host *h, ab_addr6 peer, ab_key16 peer_irk, ab_key16 local_irk) {
  return VR_DO(h, AB_HCI_LE_ADD_TO_RESOLVING_LIST, hci_le_resolving_add, PUBLIC, peer, peer_irk,
               local_irk);
}

static uint8_t resolution(vr_host *h, uint8_t on) {
  return VR_DO(h, AB_HCI_LE_SET_ADDR_RESOLUTION, hci_u8, on);
}

/* two controllers; b has its private addresses of irk_b */
static void bed_new(bed *b) {
  b->radio = aioble_virtual_radio_new(NULL);
  assert_non_null(b->radio);
  vr_host_open(&b->a, b->radio, NULL);
  vr_host_open(&b->b, b->radio, NULL);
  for (int i = 0; i < 2; i++)
    assert_int_equal(VR_DO(i ? &b->b : &b->a, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x3ff), 0);
  b->addr_a = vr_host_addr(&b->a);
  b->addr_b = vr_host_addr(&b->b);
  assert_int_equal(add(&b->b, b->addr_a, irk_a, irk_b), 0);
  assert_int_equal(resolution(&b->b, 1), 0);
}

static void bed_free(bed *b) {
  vr_host_close(&b->a);
  vr_host_close(&b->b);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
}

static void advertise_private(bed *b, uint8_t type) {
  assert_int_equal(VR_DO(&b->b, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, 0x20, 0x20, type,
                         OWN_RPA, PUBLIC, b->addr_a, .channel_map = 7),
                   0);
  assert_int_equal(VR_DO(&b->b, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), 0);
}

static bool report(vr_host *h, ab_hci_le_adv_report *rep) {
  ab_rd r;

  if (!vr_host_wait_ms(h, VR_LE(AB_HCI_LE_EV_ADV_REPORT), &r, 200))
    return false;
  ab_rd_u8(&r);
  return ab_hci_le_adv_report_read(&r, rep);
}

static void scan(bed *b) {
  vr_host_forget(&b->a);
  vr_host_scan(&b->a, 0, false);
}

static void an_address_is_resolved_only_by_who_has_the_key(void **state) {
  ab_hci_le_adv_report rep;
  ab_addr6 rpa, cached;
  bed b;

  (void) state;
  bed_new(&b);
  advertise_private(&b, AB_HCI_ADV_IND);
  scan(&b);
  assert_true(report(&b.a, &rep));
  assert_int_equal(rep.addr_type, RANDOM);
  assert_int_equal(rep.addr.b[0] & 0xc0, 0x40);
  rpa = rep.addr;
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(add(&b.a, b.addr_b, irk_a, no_irk), 0); /* the wrong key */
  assert_int_equal(resolution(&b.a, 1), 0);
  scan(&b);
  assert_true(report(&b.a, &rep));
  assert_int_equal(rep.addr_type, RANDOM);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(vr_host_do(&b.a, AB_HCI_LE_CLEAR_RESOLVING_LIST, NULL, 0), 0);
  assert_int_equal(add(&b.a, b.addr_b, irk_b, no_irk), 0);
  scan(&b);
  assert_true(report(&b.a, &rep));
  assert_int_equal(rep.addr_type, IDENTITY | PUBLIC);
  assert_memory_equal(&rep.addr, &b.addr_b, sizeof rep.addr);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_READ_PEER_RPA, hci_le_device, PUBLIC, b.addr_b), 0);
  cached = ab_rd_addr(&b.a.ret);
  assert_memory_equal(&cached, &rpa, sizeof rpa);
  assert_int_equal(VR_DO(&b.b, AB_HCI_LE_READ_LOCAL_RPA, hci_le_device, PUBLIC, b.addr_a), 0);
  cached = ab_rd_addr(&b.b.ret);
  assert_memory_equal(&cached, &rpa, sizeof rpa);
  bed_free(&b);
}

static void a_private_address_changes_after_its_time(void **state) {
  ab_hci_le_adv_report first, later;
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(VR_DO(&b.b, AB_HCI_LE_SET_RPA_TIMEOUT, hci_le_rpa_timeout, 0),
                   AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(VR_DO(&b.b, AB_HCI_LE_SET_RPA_TIMEOUT, hci_le_rpa_timeout, 60), 0);
  advertise_private(&b, AB_HCI_ADV_IND);
  scan(&b);
  assert_true(report(&b.a, &first));
  vr_run_ms(b.radio, 59000);
  scan(&b);
  assert_true(report(&b.a, &later));
  assert_memory_equal(&first.addr, &later.addr, sizeof first.addr);
  vr_run_ms(b.radio, 2000);
  scan(&b);
  assert_true(report(&b.a, &later));
  assert_memory_not_equal(&first.addr, &later.addr, sizeof first.addr);
  bed_free(&b);
}

static void enhanced(vr_host *h, ab_hci_le_ev_enh_conn_complete *ev) {
  ab_rd r;

  assert_true(vr_host_wait_ms(h, VR_LE(AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE), &r, 500));
  assert_true(ab_hci_le_ev_enh_conn_complete_read(&r, ev) && ab_rd_done(&r));
  assert_int_equal(ev->status, 0);
}

static void an_identity_is_connected_to_at_its_private_address(void **state) {
  ab_hci_le_ev_enh_conn_complete ev;
  ab_addr6 rpa_a, rpa_b;
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(add(&b.a, b.addr_b, irk_b, irk_a), 0);
  assert_int_equal(resolution(&b.a, 1), 0);
  advertise_private(&b, AB_HCI_ADV_IND);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, 16, 16, 0,
                         IDENTITY | PUBLIC, b.addr_b, OWN_RPA, 24, 24, 0, 100, 0, 0),
                   0);
  enhanced(&b.a, &ev);
  assert_int_equal(ev.peer_addr_type, IDENTITY | PUBLIC);
  assert_memory_equal(&ev.peer_addr, &b.addr_b, sizeof b.addr_b);
  rpa_a = ev.local_rpa;
  rpa_b = ev.peer_rpa;
  assert_int_equal(rpa_a.b[0] & 0xc0, 0x40);
  enhanced(&b.b, &ev);
  assert_int_equal(ev.peer_addr_type, IDENTITY | PUBLIC);
  assert_memory_equal(&ev.peer_addr, &b.addr_a, sizeof b.addr_a);
  assert_memory_equal(&ev.local_rpa, &rpa_b, sizeof rpa_b);
  assert_memory_equal(&ev.peer_rpa, &rpa_a, sizeof rpa_a);
  bed_free(&b);
}

static void the_accept_list_knows_private_addresses(void **state) {
  ab_hci_le_ev_enh_conn_complete ev;
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(add(&b.a, b.addr_b, irk_b, no_irk), 0);
  assert_int_equal(resolution(&b.a, 1), 0);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, PUBLIC, b.addr_b), 0);
  advertise_private(&b, AB_HCI_ADV_IND);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, 16, 16, 1, 0, {{0}},
                         PUBLIC, 24, 24, 0, 100, 0, 0),
                   0);
  enhanced(&b.a, &ev);
  assert_memory_equal(&ev.peer_addr, &b.addr_b, sizeof b.addr_b);
  assert_int_equal(ev.local_rpa.b[0], 0);
  bed_free(&b);
}

static void directed_advertising_finds_a_private_target(void **state) {
  ab_hci_le_ev_enh_conn_complete ev;
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(add(&b.a, b.addr_b, irk_b, irk_a), 0);
  assert_int_equal(resolution(&b.a, 1), 0);
  advertise_private(&b, AB_HCI_ADV_DIRECT_LOW);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, 16, 16, 0,
                         IDENTITY | PUBLIC, b.addr_b, OWN_RPA, 24, 24, 0, 100, 0, 0),
                   0);
  enhanced(&b.a, &ev);
  enhanced(&b.b, &ev);
  bed_free(&b);
}

/* a peer with a key that shows its identity address is not taken for it, in network mode */
static void privacy_mode_decides_about_identity_addresses(void **state) {
  ab_hci_le_adv_report rep;
  bed b;

  (void) state;
  bed_new(&b);
  assert_int_equal(add(&b.a, b.addr_b, irk_b, no_irk), 0);
  assert_int_equal(resolution(&b.a, 1), 0);
  vr_host_advertise(&b.b, AB_HCI_ADV_IND);
  scan(&b);
  assert_false(report(&b.a, &rep));
  assert_int_equal(
      VR_DO(&b.a, AB_HCI_LE_SET_PRIVACY_MODE, hci_le_privacy_mode, PUBLIC, b.addr_b, DEVICE),
      AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&b.a, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(
      VR_DO(&b.a, AB_HCI_LE_SET_PRIVACY_MODE, hci_le_privacy_mode, PUBLIC, b.addr_b, 2),
      AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(
      VR_DO(&b.a, AB_HCI_LE_SET_PRIVACY_MODE, hci_le_privacy_mode, PUBLIC, b.addr_b, DEVICE), 0);
  scan(&b);
  assert_true(report(&b.a, &rep));
  assert_int_equal(rep.addr_type, PUBLIC);
  bed_free(&b);
}

static void the_list_is_bounded_and_locked_while_in_use(void **state) {
  const aioble_virtual_controller_options_t two = {.resolving_list = 2};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h;

  (void) state;
  vr_host_open(&h, radio, &two);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_READ_RESOLVING_LIST_SIZE, NULL, 0), 0);
  assert_int_equal(ab_rd_u8(&h.ret), 2);
  assert_int_equal(add(&h, (ab_addr6){{1}}, irk_a, irk_b), 0);
  assert_int_equal(add(&h, (ab_addr6){{1}}, irk_a, irk_b), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(add(&h, (ab_addr6){{2}}, irk_a, irk_b), 0);
  assert_int_equal(add(&h, (ab_addr6){{3}}, irk_a, irk_b), AB_HCI_ERR_MEMORY_EXCEEDED);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST, hci_le_device, 0, {{3}}),
                   AB_HCI_ERR_UNKNOWN_CONNECTION);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST, hci_le_device, 0, {{1}}), 0);
  assert_int_equal(add(&h, (ab_addr6){{3}}, irk_a, irk_b), 0);
  assert_int_equal(resolution(&h, 2), AB_HCI_ERR_INVALID_PARAMS);
  vr_host_scan(&h, 0, false);
  assert_int_equal(resolution(&h, 1), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST, hci_le_device, 0, {{3}}), 0);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(resolution(&h, 1), 0);
  vr_host_scan(&h, 0, false);
  assert_int_equal(VR_DO(&h, AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST, hci_le_device, 0, {{2}}),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_do(&h, AB_HCI_LE_CLEAR_RESOLVING_LIST, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  vr_host_close(&h);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_is_resolved_only_by_who_has_the_key),
      cmocka_unit_test(a_private_address_changes_after_its_time),
      cmocka_unit_test(an_identity_is_connected_to_at_its_private_address),
      cmocka_unit_test(the_accept_list_knows_private_addresses),
      cmocka_unit_test(directed_advertising_finds_a_private_target),
      cmocka_unit_test(privacy_mode_decides_about_identity_addresses),
      cmocka_unit_test(the_list_is_bounded_and_locked_while_in_use),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
