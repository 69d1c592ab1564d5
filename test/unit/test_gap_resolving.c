/* SPDX-License-Identifier: MIT */
/* The controller's resolving list: what it holds, and when it is changed. */
#include "helpers/fake_env.h"
#include "helpers/privacy_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* the i-th peer: address type, address, its key, ours */
static void expect_added(privacy_bed *b, unsigned i, uint8_t mode_status) {
  const ab_gap_peer *peer = &b->peers[i];
  ab_hci_le_resolving_add add;
  ab_hci_le_privacy_mode mode;
  ab_rd params;

  assert_true(fake_controller_was_sent(b->c, AB_HCI_LE_ADD_TO_RESOLVING_LIST, &params));
  assert_true(ab_hci_le_resolving_add_read(&params, &add));
  assert_int_equal(add.addr_type, peer->identity.type);
  assert_memory_equal(add.addr.b, peer->identity.bytes, sizeof add.addr.b);
  assert_memory_equal(&add.peer_irk, &peer->irk, sizeof peer->irk);
  assert_memory_equal(&add.local_irk, &peer->local_irk, sizeof peer->local_irk);
  privacy_bed_expect(b, AB_HCI_LE_ADD_TO_RESOLVING_LIST, PRIVACY_BED_OK);
  assert_true(fake_controller_was_sent(b->c, AB_HCI_LE_SET_PRIVACY_MODE, &params));
  assert_true(ab_hci_le_privacy_mode_read(&params, &mode));
  assert_memory_equal(mode.addr.b, peer->identity.bytes, sizeof mode.addr.b);
  assert_int_equal(mode.addr_type, peer->identity.type);
  assert_int_equal(mode.mode, 1);
  privacy_bed_expect(b, AB_HCI_LE_SET_PRIVACY_MODE, mode_status);
}

static void expect_switched(privacy_bed *b, bool on) {
  privacy_bed_expect_params(b, AB_HCI_LE_SET_ADDR_RESOLUTION, on ? "01" : "00");
}

static void expect_cleared(privacy_bed *b) {
  privacy_bed_expect_params(b, AB_HCI_LE_CLEAR_RESOLVING_LIST, "");
}

static unsigned listed(const privacy_bed *b) {
  return b->gap.privacy.resolving ? b->gap.privacy.n : 0;
}

static void with_nobody_to_resolve_nothing_is_sent(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  privacy_bed_start(b, 0);
  privacy_bed_expect_scan(b);
  ab_gap_private_peers_changed(&b->gap);
  privacy_bed_expect_pause(b);
  privacy_bed_expect_scan(b);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->starts, 1);
  privacy_bed_free(b);
}

static void peers_are_listed_before_anything_else_happens(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  b->n_peers = 2;
  privacy_bed_start(b, 1000000);
  assert_int_equal(fake_controller_pending(b->c), 1);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_added(b, 1, PRIVACY_BED_OK);
  assert_int_equal(listed(b), 0);
  expect_switched(b, true);
  assert_int_equal(listed(b), 2);
  privacy_bed_expect(b, AB_HCI_LE_SET_RANDOM_ADDR, PRIVACY_BED_OK);
  privacy_bed_expect_scan(b);
  privacy_bed_free(b);
}

static void a_peer_that_comes_or_goes_has_it_written_anew(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  privacy_bed_start(b, 0);
  privacy_bed_expect_scan(b);
  b->n_peers = 1;
  ab_gap_private_peers_changed(&b->gap);
  assert_int_equal(fake_controller_pending(b->c), 1);
  privacy_bed_expect_pause(b);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_switched(b, true);
  privacy_bed_expect_scan(b);
  b->n_peers = 0;
  ab_gap_private_peers_changed(&b->gap);
  privacy_bed_expect_pause(b);
  expect_switched(b, false);
  expect_cleared(b);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 0);
  assert_int_equal(b->starts, 1);
  assert_int_equal(b->dones, 0);
  privacy_bed_free(b);
}

static void a_change_meanwhile_has_it_written_once_more(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  b->n_peers = 2;
  privacy_bed_start(b, 0);
  expect_added(b, 0, PRIVACY_BED_OK);
  b->n_peers = 1;
  ab_gap_private_peers_changed(&b->gap);
  privacy_bed_expect(b, AB_HCI_LE_ADD_TO_RESOLVING_LIST, PRIVACY_BED_OK); /* it was sent before */
  privacy_bed_expect(b, AB_HCI_LE_SET_PRIVACY_MODE, PRIVACY_BED_OK);
  expect_switched(b, true);
  expect_switched(b, false);
  expect_cleared(b);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_switched(b, true);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 1);
  privacy_bed_free(b);
}

/* it need not wait for somebody who scans */
static void it_is_written_at_once_while_nothing_is_on_the_air(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  privacy_bed_start(b, 0);
  privacy_bed_expect_scan(b);
  ab_gap_scan_remove(&b->gap, &b->scan);
  privacy_bed_expect_pause(b);
  b->n_peers = 1;
  ab_gap_private_peers_changed(&b->gap);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_switched(b, true);
  fake_controller_got_nothing(b->c);
  privacy_bed_free(b);
}

static void there_are_no_more_than_it_takes(void **state) {
  (void) state;
  for (unsigned lied = 0; lied < 2; lied++) { /* about its size */
    privacy_bed *b = privacy_bed_new(lied ? 8 : 1, true);

    b->n_peers = 3;
    privacy_bed_start(b, 0);
    expect_added(b, 0, PRIVACY_BED_OK);
    if (lied)
      privacy_bed_expect(b, AB_HCI_LE_ADD_TO_RESOLVING_LIST, AB_HCI_ERR_MEMORY_EXCEEDED);
    expect_switched(b, true);
    privacy_bed_expect_scan(b);
    assert_int_equal(listed(b), 1);
    privacy_bed_free(b);
  }
}

static void without_device_privacy_mode_it_is_not_used(void **state) {
  privacy_bed *b = privacy_bed_new(8, false);

  (void) state;
  b->n_peers = 1;
  privacy_bed_start(b, 0);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 0);
  privacy_bed_free(b);
}

/* … nor if it fails on the way; what is in it goes */
static void one_that_fails_is_not_used(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  b->n_peers = 1;
  privacy_bed_start(b, 0);
  expect_added(b, 0, AB_HCI_ERR_UNKNOWN_COMMAND);
  expect_cleared(b);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 0);
  ab_gap_private_peers_changed(&b->gap);
  privacy_bed_expect_pause(b);
  privacy_bed_expect_scan(b);
  privacy_bed_free(b);

  b = privacy_bed_new(8, true);
  b->n_peers = 1;
  privacy_bed_start(b, 0);
  expect_added(b, 0, PRIVACY_BED_OK);
  privacy_bed_expect(b, AB_HCI_LE_SET_ADDR_RESOLUTION, PRIVACY_BED_DISALLOWED);
  privacy_bed_expect(b, AB_HCI_LE_CLEAR_RESOLVING_LIST, PRIVACY_BED_DISALLOWED);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 0);
  privacy_bed_free(b);

  b = privacy_bed_new(8, true);
  b->n_peers = 1;
  privacy_bed_start(b, 0);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_switched(b, true);
  privacy_bed_expect_scan(b);
  ab_gap_private_peers_changed(&b->gap);
  privacy_bed_expect_pause(b);
  privacy_bed_expect(b, AB_HCI_LE_SET_ADDR_RESOLUTION, PRIVACY_BED_DISALLOWED);
  expect_cleared(b);
  privacy_bed_expect_scan(b);
  assert_int_equal(listed(b), 0);
  privacy_bed_free(b);
}

/* nothing is lost when memory is short: it is done soon after */
static void without_memory_it_is_done_later(void **state) {
  privacy_bed *b = privacy_bed_new(8, true);

  (void) state;
  b->n_peers = 1;
  ab_bufs_free(&b->c->bufs);
  fake_env_fail_at(b->c->env, 1);
  ab_gap_start(&b->gap, b->c->hci);
  fake_controller_got_nothing(b->c);
  fake_env_advance(b->c->env, 20000);
  expect_added(b, 0, PRIVACY_BED_OK);
  expect_switched(b, true);
  assert_int_equal(listed(b), 1);
  privacy_bed_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(with_nobody_to_resolve_nothing_is_sent),
      cmocka_unit_test(peers_are_listed_before_anything_else_happens),
      cmocka_unit_test(a_peer_that_comes_or_goes_has_it_written_anew),
      cmocka_unit_test(a_change_meanwhile_has_it_written_once_more),
      cmocka_unit_test(it_is_written_at_once_while_nothing_is_on_the_air),
      cmocka_unit_test(there_are_no_more_than_it_takes),
      cmocka_unit_test(without_device_privacy_mode_it_is_not_used),
      cmocka_unit_test(one_that_fails_is_not_used),
      cmocka_unit_test(without_memory_it_is_done_later),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
