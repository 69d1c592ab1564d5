/* SPDX-License-Identifier: MIT */
/*
 * Private addresses of whole stacks: what strangers see of them, that pairing works under them, and
 * that nobody who uses the radio is disturbed when they change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/hidden_pair.h"
#include "host/host.h"

/* ---- to strangers ---- */

static void strangers_see_private_addresses_only(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i]);
    meet_strangers(&w);
    expect_air(&w, true, true);
    for (unsigned side = 0; side < SIDES; side++)
      assert_true(resolvable(aioble_device_addr(aioble_conn_device(w.conn[side]))));
    tear_down(&w);
  }
}

/* the advertising and the scan that go on meanwhile notice nothing */
static void an_address_lives_as_long_as_it_may(void **state) {
  world w;
  sim_watch adv;
  aioble_addr_t first, later;

  (void) state;
  set_up(&w, NULL, &hidden, NULL);
  sim_watch_op(&adv, aioble_advertise(w.ble[B], NULL));
  first = heard(w.ble[A]);
  assert_true(resolvable(&first));
  sim_run_ms(&w.s, ROTATION_MS - 3000);
  later = heard(w.ble[A]);
  expect_addr(&later, &first);
  sim_run_ms(&w.s, 3000);
  later = heard(w.ble[A]);
  assert_true(resolvable(&later));
  assert_memory_not_equal(later.bytes, first.bytes, sizeof first.bytes);
  assert_int_equal(adv.calls, 0);
  aioble_op_cancel(adv.op);
  sim_watch_expect(&adv, AIOBLE_ECANCELED);
  tear_down(&w);
}

/* an address that is too old is replaced when it would be used again, and not before */
static void nobody_rotates_for_nothing(void **state) {
  world w;
  aioble_op_t *adv;
  aioble_addr_t first, later;
  uint64_t commands;

  (void) state;
  set_up(&w, NULL, &hidden, NULL);
  adv = aioble_advertise(w.ble[B], NULL);
  first = heard(w.ble[A]);
  aioble_op_cancel(adv);
  sim_expect(adv, AIOBLE_ECANCELED);
  commands = aioble_virtual_stats(w.s.stacks[B].controller)->commands;
  sim_run_ms(&w.s, 10 * ROTATION_MS);
  assert_int_equal(aioble_virtual_stats(w.s.stacks[B].controller)->commands, commands);
  adv = aioble_advertise(w.ble[B], NULL);
  later = heard(w.ble[A]);
  assert_memory_not_equal(later.bytes, first.bytes, sizeof first.bytes);
  aioble_op_cancel(adv);
  sim_expect(adv, AIOBLE_ECANCELED);
  tear_down(&w);
}

static void how_long_is_an_option(void **state) {
  const aioble_options_t fast = {.private_address = true, .rotation_s = 2};
  world w;
  aioble_op_t *adv;
  aioble_addr_t first, later;
  char value[16];

  (void) state;
  set_up(&w, NULL, &fast, NULL);
  adv = aioble_advertise(w.ble[B], NULL);
  assert_int_equal(hear(w.ble[A], &first), 1);
  sim_run_ms(&w.s, 2000);
  (void) hear(w.ble[A], &later);
  assert_memory_not_equal(later.bytes, first.bytes, sizeof first.bytes);
  aioble_op_cancel(adv);
  sim_expect(adv, AIOBLE_ECANCELED);
  assert_int_equal(aioble_config_get(w.ble[B], "addr_mode", value, sizeof value), 0);
  assert_string_equal(value, "private");
  assert_int_equal(aioble_config_get(w.ble[B], "rotation_s", value, sizeof value), 0);
  assert_string_equal(value, "2");
  assert_int_equal(aioble_config_set(w.ble[B], "rotation_s", "0"), AIOBLE_EINVAL);
  assert_int_equal(aioble_config_set(w.ble[B], "rotation_s", "3601"), AIOBLE_EINVAL);
  assert_int_equal(aioble_config_set(w.ble[A], "addr_mode", "private"), 0);
  assert_int_equal(aioble_config_get(w.ble[A], "rotation_s", value, sizeof value), 0);
  assert_string_equal(value, "900");
  assert_int_equal(aioble_config_set(w.ble[A], "addr_mode", "random"), 0);
  assert_int_equal(aioble_config_get(w.ble[A], "addr_mode", value, sizeof value), 0);
  assert_string_equal(value, "random");
  tear_down(&w);
}

/* ---- pairing ---- */

static void pairing_works_under_private_addresses(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS * 4 * 2; i++) {
    const aioble_options_t a = {.private_address = i & 1}, b = {.private_address = i & 2};
    const aioble_pair_options_t options = {.le_secure = i & 4 ? AIOBLE_LE_SECURE_NEVER
                                                              : AIOBLE_LE_SECURE_REQUIRED};
    world w;

    set_up(&w, &a, &b, &controllers[i / 8]);
    assert_int_equal(aioble_config_set(w.ble[B], "le_secure", "false"), 0);
    bond(&w, &options);
    expect_air(&w, i & 1, i & 2);
    tear_down(&w);
  }
}

/* it is the addresses of the link that count, not those of today */
static void a_link_outlives_the_addresses_it_was_made_with(void **state) {
  (void) state;
  for (unsigned legacy = 0; legacy < 2; legacy++) {
    const aioble_pair_options_t options = {.le_secure = legacy ? AIOBLE_LE_SECURE_NEVER
                                                               : AIOBLE_LE_SECURE_REQUIRED};
    aioble_conn_air_t before, after;
    aioble_op_t *adv;
    world w;

    set_up(&w, &hidden, &hidden, NULL);
    assert_int_equal(aioble_config_set(w.ble[B], "le_secure", "false"), 0);
    meet_strangers(&w);
    before = aioble_conn_air(w.conn[B]);
    adv = aioble_advertise(w.ble[B], NULL);
    sim_run_ms(&w.s, 2 * ROTATION_MS);
    assert_false(aioble_addr_equal(&before.local, &w.ble[B]->gap.own));
    after = aioble_conn_air(w.conn[B]);
    expect_addr(&after.local, &before.local);
    expect_addr(&after.peer, &before.peer);
    sim_expect(aioble_conn_pair(w.conn[A], &options), 0);
    sim_run_ms(&w.s, 100);
    expect_known(&w);
    aioble_op_cancel(adv);
    sim_expect(adv, AIOBLE_ECANCELED);
    tear_down(&w);
  }
}

/* ---- while the radio is in use ---- */

/* all of them go on, over many rotations */
static void a_rotation_disturbs_nobody(void **state) {
  const aioble_options_t fast = {.private_address = true, .rotation_s = 1};
  const aioble_addr_t nobody = {AIOBLE_ADDR_RANDOM, {0xc1, 2, 3, 4, 5, 6}};
  const aioble_scan_options_t scanning = {.every_report = true, .duration_ms = 8000};
  aioble_scan_t *scan;
  aioble_device_t *device;
  aioble_op_t *adv_b, *next;
  sim_watch adv, connecting;
  unsigned results = 0;
  world w;

  (void) state;
  set_up(&w, &fast, NULL, NULL);
  device = aioble_device_new(w.ble[A], &nobody);
  adv_b = aioble_advertise(w.ble[B], NULL);
  sim_watch_op(&adv, aioble_advertise(w.ble[A], NULL));
  sim_watch_op(&connecting, aioble_device_connect(device, NULL));
  scan = aioble_scan(w.ble[A], &scanning);
  while (aioble_op_await(next = aioble_scan_next(scan)) == 0) {
    results++;
    aioble_op_unref(next);
  }
  sim_expect(next, AIOBLE_EOF);
  assert_true(results > 50); /* of some 75 */
  assert_int_equal(adv.calls + connecting.calls, 0);
  sim_watch_expect(&connecting, AIOBLE_ETIMEDOUT);
  aioble_op_cancel(adv.op);
  sim_watch_expect(&adv, AIOBLE_ECANCELED);
  aioble_op_cancel(adv_b);
  sim_expect(adv_b, AIOBLE_ECANCELED);
  aioble_scan_unref(scan);
  aioble_device_unref(device);
  tear_down(&w);
}

/* a peer that comes late, while either rotates every second, is found */
static void a_connect_goes_on_over_rotations(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    aioble_device_t *device;
    aioble_addr_t addr;
    sim_watch connecting, adv;
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i]);
    bond(&w, NULL);
    part(&w);
    for (unsigned side = 0; side < SIDES; side++) {
      assert_int_equal(aioble_config_set(w.ble[side], "rotation_s", "1"), 0);
      sim_expect(aioble_close(w.ble[side]), 0);
    }
    addr = identity_of(&w, B);
    device = aioble_device_new(w.ble[A], &addr);
    sim_watch_op(&connecting, aioble_device_connect(device, NULL));
    sim_run_ms(&w.s, 5500);
    assert_int_equal(connecting.calls, 0);
    sim_watch_op(&adv, aioble_advertise(w.ble[B], NULL));
    sim_watch_expect(&connecting, 0);
    sim_watch_expect(&adv, 0);
    assert_non_null(aioble_device_conn(device));
    aioble_device_unref(device);
    tear_down(&w);
  }
}

/* the request ends on the radio as well, in whatever state it is */
static void a_connect_to_a_hidden_peer_can_be_given_up(void **state) {
  (void) state;
  for (unsigned ms = 0; ms < 400; ms += 7) {
    aioble_device_t *device;
    aioble_addr_t addr;
    sim_watch connecting;
    aioble_op_t *adv;
    world w;

    set_up(&w, &hidden, &hidden, &controllers[1]);
    bond(&w, NULL);
    part(&w);
    addr = identity_of(&w, B);
    device = aioble_device_new(w.ble[A], &addr);
    adv = aioble_advertise(w.ble[B], NULL);
    sim_watch_op(&connecting, aioble_device_connect(device, NULL));
    sim_run_ms(&w.s, ms);
    aioble_op_cancel(connecting.op);
    sim_run_ms(&w.s, 50);
    assert_int_equal(connecting.calls, 1);
    assert_true(connecting.status == AIOBLE_ECANCELED || connecting.status == 0);
    for (unsigned k = 0; k < AB_GAP_KINDS; k++)
      assert_int_equal(w.ble[A]->gap.activity[k].state, AB_GAP_OFF);
    sim_watch_end(&connecting);
    aioble_op_cancel(adv);
    (void) aioble_op_finish(adv);
    aioble_device_unref(device);
    tear_down(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strangers_see_private_addresses_only),
      cmocka_unit_test(an_address_lives_as_long_as_it_may),
      cmocka_unit_test(nobody_rotates_for_nothing),
      cmocka_unit_test(how_long_is_an_option),
      cmocka_unit_test(pairing_works_under_private_addresses),
      cmocka_unit_test(a_link_outlives_the_addresses_it_was_made_with),
      cmocka_unit_test(a_rotation_disturbs_nobody),
      cmocka_unit_test(a_connect_goes_on_over_rotations),
      cmocka_unit_test(a_connect_to_a_hidden_peer_can_be_given_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
