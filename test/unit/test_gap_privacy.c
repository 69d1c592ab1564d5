/* SPDX-License-Identifier: MIT */
/* Our own private address: on the air before anything else is, and never too old. */
#include "helpers/fake_env.h"
#include "helpers/privacy_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROTATION_US = 10000000 };

static int set_up(void **state) {
  *state = privacy_bed_new(0, false);
  return 0;
}

static int tear_down(void **state) {
  privacy_bed_free(*state);
  return 0;
}

static void expect_address(privacy_bed *b, const char *octets) {
  privacy_bed_expect_params(b, AB_HCI_LE_SET_RANDOM_ADDR, octets);
}

static void there_is_none_unless_it_is_asked_for(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, 0);
  privacy_bed_expect_scan(b);
  fake_env_advance(b->c->env, 100 * (uint64_t) ROTATION_US);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->addresses, 0);
  assert_int_equal(b->gap.own.type, AIOBLE_ADDR_PUBLIC);
}

static void nothing_is_on_the_air_before_it(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, ROTATION_US);
  assert_int_equal(fake_controller_pending(b->c), 1);
  expect_address(b, "01 00 00 00 00 40");
  assert_int_equal(b->gap.own.type, AIOBLE_ADDR_RANDOM);
  assert_int_equal(b->gap.own.bytes[5], 1);
  assert_int_equal(b->gap.identity.type, AIOBLE_ADDR_PUBLIC);
  privacy_bed_expect_params(b, AB_HCI_LE_SET_SCAN_PARAMS, "00 60 00 60 00 01 00");
  privacy_bed_expect(b, AB_HCI_LE_SET_SCAN_ENABLE, PRIVACY_BED_OK);
  assert_int_equal(b->starts, 1);
}

static void it_is_not_changed_before_all_is_off(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, ROTATION_US);
  expect_address(b, "01 00 00 00 00 40");
  privacy_bed_expect_scan(b);
  fake_env_advance(b->c->env, ROTATION_US - 1);
  fake_controller_got_nothing(b->c);
  fake_env_advance(b->c->env, 1);
  assert_int_equal(fake_controller_pending(b->c), 1);
  privacy_bed_expect_pause(b);
  assert_int_equal(fake_controller_pending(b->c), 1);
  assert_int_equal(b->gap.activity[AB_GAP_SCAN].own.bytes[5], 1);
  expect_address(b, "02 00 00 00 00 40");
  privacy_bed_expect_scan(b);
  assert_int_equal(b->gap.activity[AB_GAP_SCAN].own.bytes[5], 2);
  assert_int_equal(b->starts, 1); /* whoever scans knows nothing of it */
  assert_int_equal(b->dones, 0);
}

static void an_old_one_stays_as_long_as_nobody_uses_it(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, ROTATION_US);
  expect_address(b, "01 00 00 00 00 40");
  privacy_bed_expect_scan(b);
  ab_gap_scan_remove(&b->gap, &b->scan);
  privacy_bed_expect_pause(b);
  assert_int_equal(b->dones, 1);
  fake_env_advance(b->c->env, 5 * (uint64_t) ROTATION_US);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->addresses, 1);
  ab_gap_scan_add(&b->gap, &b->scan);
  expect_address(b, "02 00 00 00 00 40");
  privacy_bed_expect_scan(b);
}

static void one_that_is_asked_to_end_meanwhile_does(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, ROTATION_US);
  ab_gap_scan_remove(&b->gap, &b->scan);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, 0);
  expect_address(b, "01 00 00 00 00 40");
  fake_controller_got_nothing(b->c);
}

static void without_an_address_nobody_gets_on_the_air(void **state) {
  privacy_bed *b = *state;

  b->no_address = AIOBLE_EIO;
  privacy_bed_start(b, ROTATION_US);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_EIO);
  b->no_address = 0;
  ab_gap_scan_add(&b->gap, &b->scan); /* the next who asks */
  privacy_bed_expect(b, AB_HCI_LE_SET_RANDOM_ADDR, PRIVACY_BED_DISALLOWED);
  assert_int_equal(b->dones, 2);
  assert_int_equal(b->status, AIOBLE_ERR_HCI(PRIVACY_BED_DISALLOWED));
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->gap.own.type, AIOBLE_ADDR_PUBLIC);
  ab_gap_scan_add(&b->gap, &b->scan);
  expect_address(b, "02 00 00 00 00 40");
  privacy_bed_expect_scan(b);
}

static void without_memory_for_the_command_it_is_told(void **state) {
  privacy_bed *b = *state;

  ab_gap_set_rotation(&b->gap, ROTATION_US);
  ab_gap_start(&b->gap, b->c->hci);
  ab_bufs_free(&b->c->bufs); /* no idle ones */
  fake_env_fail_at(b->c->env, 1);
  ab_gap_scan_add(&b->gap, &b->scan);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->status, AIOBLE_ENOMEM);
  ab_gap_scan_add(&b->gap, &b->scan);
  expect_address(b, "02 00 00 00 00 40");
  privacy_bed_expect_scan(b);
}

/* a new start, after a reset, begins from nothing */
static void a_controller_that_goes_takes_it_along(void **state) {
  privacy_bed *b = *state;

  privacy_bed_start(b, ROTATION_US);
  expect_address(b, "01 00 00 00 00 40");
  privacy_bed_expect_scan(b);
  ab_gap_hold(&b->gap);
  ab_gap_stop(&b->gap, AIOBLE_ENODEV);
  fake_env_advance(b->c->env, 2 * (uint64_t) ROTATION_US);
  fake_controller_got_nothing(b->c);
  ab_gap_start(&b->gap, b->c->hci);
  expect_address(b, "02 00 00 00 00 40");
  privacy_bed_expect_scan(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(there_is_none_unless_it_is_asked_for),
      TEST(nothing_is_on_the_air_before_it),
      TEST(it_is_not_changed_before_all_is_off),
      TEST(an_old_one_stays_as_long_as_nobody_uses_it),
      TEST(one_that_is_asked_to_end_meanwhile_does),
      TEST(without_an_address_nobody_gets_on_the_air),
      TEST(without_memory_for_the_command_it_is_told),
      TEST(a_controller_that_goes_takes_it_along),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
