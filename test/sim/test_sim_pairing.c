/* SPDX-License-Identifier: MIT */
/* What pairing is good for, and bonds, on two whole stacks; all that may happen while they pair is
   in test_sim_pairing_matrix.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim_pair.h"
#include "helpers/temp_dir.h"
#include "host/host.h"

/* ---- what a bond is good for ---- */

static void pair(sim_pair *w) {
  sim_expect(aioble_conn_pair(w->side[CENTRAL].conn, NULL), 0);
  sim_run_ms(&w->s, 100);
  assert_true(sim_pair_bonded(&w->side[CENTRAL]) && sim_pair_bonded(&w->side[PERIPHERAL]));
}

static void a_bonded_peer_is_encrypted_before_anything_else(void **state) {
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  pair(&w);
  for (unsigned i = 0; i < 3; i++) {
    sim_pair_part(&w);
    sim_pair_meet(&w);
    assert_true(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
    assert_true(aioble_conn_security(w.side[CENTRAL].conn).bonded);
    sim_run_ms(&w.s, 100);
    assert_true(aioble_conn_security(w.side[PERIPHERAL].conn).bonded);
    assert_int_equal(aioble_conn_mtu(w.side[CENTRAL].conn), 517);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), 0); /* nothing left to do */
    sim_expect(aioble_conn_pair(w.side[PERIPHERAL].conn, NULL), 0);
  }
  sim_pair_close(&w);
}

/* the op has the last word: whoever leaves then leaves both with the bond */
static void the_peer_has_all_keys_when_the_op_resolves(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    aioble_pair_options_t options = {.le_secure = i & 1 ? AIOBLE_LE_SECURE_REQUIRED
                                                        : AIOBLE_LE_SECURE_NEVER};
    sim_pair w = {0};

    sim_open(&w.s, &(aioble_virtual_options_t){.timing = true});
    for (unsigned at = 0; at < 2; at++) {
      w.side[at].ble = sim_stack_new(&w.s, NULL, NULL);
      sim_pair_configure(&w.side[at], "le_secure", "false");
    }
    sim_pair_meet(&w);
    sim_expect(aioble_conn_pair(w.side[i / 2].conn, &options), 0);
    sim_expect(aioble_conn_disconnect(w.side[i / 2].conn), 0);
    sim_run_ms(&w.s, 5000);
    assert_true(sim_pair_bonded(&w.side[CENTRAL]) && sim_pair_bonded(&w.side[PERIPHERAL]));
    sim_pair_close(&w);
  }
}

static void expect_connect(sim_pair *w, int status) {
  aioble_op_t *adv = aioble_advertise(w->side[PERIPHERAL].ble, NULL);
  aioble_device_t *device = sim_device(w->side[CENTRAL].ble, w->side[PERIPHERAL].ble);

  sim_expect(aioble_device_connect(device, NULL), status);
  assert_null(aioble_device_conn(device));
  aioble_op_cancel(adv);
  (void) aioble_op_finish(adv);
  aioble_device_unref(device);
}

/* reported, and not worked around: whether to pair anew is the application's choice */
static void a_peer_that_lost_the_key_is_not_spoken_to(void **state) {
  aioble_addr_t central, peripheral;
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  pair(&w);
  central = sim_addr(w.side[CENTRAL].ble);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  sim_pair_part(&w);
  assert_int_equal(aioble_bond_delete(w.side[PERIPHERAL].ble, &central), 0);
  assert_int_equal(aioble_bond_delete(w.side[PERIPHERAL].ble, &central), AIOBLE_ENOENT);
  for (unsigned i = 0; i < 2; i++)
    expect_connect(&w, AIOBLE_ERR_HCI(0x06));
  sim_run_ms(&w.s, 100);
  assert_true(sim_pair_bonded(&w.side[CENTRAL])); /* still */
  assert_int_equal(aioble_bond_delete(w.side[CENTRAL].ble, &peripheral), 0);
  sim_pair_meet(&w);
  assert_false(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
  pair(&w);
  sim_pair_close(&w);
}

/* the other way round: a central without its key may pair, where the bond does not lose by it */
static void a_central_that_lost_the_key_has_to_prove_itself(void **state) {
  aioble_pair_options_t options = {.mitm = AIOBLE_YES, .io = AIOBLE_IO_DISPLAY_YESNO};
  aioble_addr_t peripheral;
  sim_watch watch;
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  pair(&w);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  sim_pair_part(&w);
  assert_int_equal(aioble_bond_delete(w.side[CENTRAL].ble, &peripheral), 0);
  sim_pair_meet(&w);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), AIOBLE_ERR_SMP(0x03));
  sim_pair_configure(&w.side[PERIPHERAL], "io", "display-yesno");
  sim_watch_op(&watch, aioble_conn_pair(w.side[CENTRAL].conn, &options));
  sim_run_ms(&w.s, 500);
  assert_true(sim_pair_answer(&w, 0));
  sim_watch_expect(&watch, 0);
  assert_true(aioble_conn_security(w.side[CENTRAL].conn).authenticated);
  sim_run_ms(&w.s, 100);
  assert_int_equal(aioble_bonds(w.side[PERIPHERAL].ble, NULL, 0), 1);
  sim_pair_close(&w);
}

static void a_bond_can_be_looked_at(void **state) {
  aioble_addr_t peripheral;
  aioble_bond_t bond;
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  assert_int_equal(aioble_bonds(w.side[CENTRAL].ble, &bond, 1), 0);
  pair(&w);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  assert_int_equal(aioble_bonds(w.side[CENTRAL].ble, &bond, 1), 1);
  assert_true(aioble_addr_equal(&bond.addr, &peripheral));
  assert_true(bond.secure_connections && bond.private_addresses && !bond.authenticated);
  assert_int_equal(bond.key_size, 16);
  assert_int_equal(aioble_bonds(NULL, &bond, 1), 0);
  assert_int_equal(aioble_bond_delete(NULL, &peripheral), AIOBLE_ENOTCONN);
  sim_pair_close(&w);
}

/* ---- out of band ---- */

static void what_was_told_another_way_authenticates(void **state) {
  (void) state;
  for (unsigned i = 0; i < 6; i++) { /* legacy or not; right, wrong, or one way only */
    bool legacy = i & 1, wrong = i / 2 == 1, one_way = i / 2 == 2;
    aioble_pair_options_t options = {.mitm = AIOBLE_YES,
                                     .le_secure = legacy ? AIOBLE_LE_SECURE_NEVER
                                                         : AIOBLE_LE_SECURE_REQUIRED};
    aioble_oob_t central = {.has_temporary_key = legacy, .temporary_key = {1, 2, 3}};
    aioble_oob_t peripheral = central;
    int status = wrong ? AIOBLE_ERR_SMP(0x04) : legacy && one_way ? AIOBLE_ERR_SMP(0x03) : 0;
    sim_pair w;

    sim_pair_open(&w, NULL);
    sim_pair_configure(&w.side[PERIPHERAL], "le_secure", "false");
    assert_int_equal(aioble_oob_make(w.side[CENTRAL].ble, &central), 0);
    assert_int_equal(aioble_oob_make(w.side[PERIPHERAL].ble, &peripheral), 0);
    central.has_peer = !legacy;
    peripheral.has_peer = !legacy && !one_way;
    peripheral.has_temporary_key &= !one_way;
    memcpy(central.peer_random, peripheral.random, 16);
    memcpy(central.peer_confirm, peripheral.confirm, 16);
    memcpy(peripheral.peer_random, central.random, 16);
    memcpy(peripheral.peer_confirm, central.confirm, 16);
    central.peer_confirm[3] ^= wrong;
    central.temporary_key[3] ^= wrong;
    options.oob = &central;
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, &peripheral), 0);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), status);
    assert_int_equal(aioble_conn_security(w.side[CENTRAL].conn).authenticated, status == 0);
    assert_int_equal(w.side[CENTRAL].prompts + w.side[PERIPHERAL].prompts, 0);
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, NULL), 0);
    memset(central.secret, 0xff, sizeof central.secret);
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, &central), AIOBLE_EINVAL);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), AIOBLE_EINVAL);
    sim_pair_close(&w);
  }
}

/* ---- captures ---- */

static void expect_absent(const char *path, const ab_key16 *key) {
  FILE *file = fopen(path, "rb");
  uint8_t all[16384];
  size_t n;

  assert_non_null(file);
  n = fread(all, 1, sizeof all, file);
  assert_in_range(n, 1000, sizeof all - 1);
  for (size_t i = 0; i + sizeof key->b <= n; i++)
    assert_memory_not_equal(&all[i], key, sizeof key->b);
  (void) fclose(file);
}

/* neither those given to the controller nor those distributed, sent or received */
static void no_key_is_in_a_capture(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    char *dir = temp_dir_new(), path[2][300];
    aioble_pair_options_t options = {.le_secure = i & 1 ? AIOBLE_LE_SECURE_REQUIRED
                                                        : AIOBLE_LE_SECURE_NEVER};
    ab_bond *bonds[2];
    sim_pair w = {0};

    sim_open(&w.s, NULL);
    for (unsigned at = 0; at < 2; at++) {
      (void) snprintf(path[at], sizeof path[at], "%s/%u", dir, at);
      w.side[at].ble = sim_stack_new(
          &w.s, &(aioble_options_t){.snoop = path[at], .private_address = at == CENTRAL}, NULL);
      sim_pair_configure(&w.side[at], "le_secure", "false");
    }
    sim_pair_meet(&w);
    sim_expect(aioble_conn_pair(w.side[i / 2].conn, &options), 0);
    sim_run_ms(&w.s, 100);
    sim_pair_part(&w);
    sim_pair_meet(&w); /* the bond's keys go to the controllers */
    for (unsigned at = 0; at < 2; at++)
      bonds[at] = ab_container_of(ab_list_first(&w.side[at].ble->smp.bonds), ab_bond, node);
    for (unsigned at = 0; at < 2; at++) {
      ab_snoop_flush(w.side[at].ble->snoop);
      expect_absent(path[at], &bonds[at]->local.key);
      expect_absent(path[at], &bonds[at]->peer.key);
      expect_absent(path[at], &bonds[at]->irk); /* the peer's, which the resolving list has, too */
      expect_absent(path[at], &bonds[at]->csrk);
      expect_absent(path[at], &bonds[!at]->irk);
      expect_absent(path[at], &bonds[!at]->csrk);
    }
    sim_pair_close(&w);
    temp_dir_free(dir);
  }
}

/* ---- ops ---- */

static void calls_take_turns(void **state) {
  aioble_pair_options_t more = {.io = AIOBLE_IO_KEYBOARD, .mitm = AIOBLE_YES};
  sim_watch watch[4];
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  sim_pair_configure(&w.side[PERIPHERAL], "io", "display");
  sim_watch_op(&watch[0], aioble_conn_pair(w.side[CENTRAL].conn, NULL));
  sim_watch_op(&watch[1], aioble_conn_pair(w.side[CENTRAL].conn, NULL));
  sim_watch_op(&watch[2], aioble_conn_pair(w.side[PERIPHERAL].conn, NULL));
  sim_watch_op(&watch[3], aioble_conn_pair(w.side[CENTRAL].conn, &more));
  sim_run_ms(&w.s, 500);
  for (unsigned i = 0; i < 3; i++)
    sim_watch_expect(&watch[i], 0);
  assert_int_equal(watch[3].calls, 0);
  assert_true(sim_pair_answer(&w, 0));
  sim_watch_expect(&watch[3], 0);
  assert_true(aioble_conn_security(w.side[CENTRAL].conn).authenticated);
  sim_pair_close(&w);
}

/* both sides ask: what comes of the one pairing is what both are told */
static void who_waits_for_the_peers_pairing_hears_how_it_went(void **state) {
  const aioble_pair_options_t options = {.io = AIOBLE_IO_DISPLAY_YESNO, .mitm = AIOBLE_YES};
  sim_watch watch[2];
  sim_pair w;

  (void) state;
  for (unsigned i = 0; i < 4; i++) { /* whoever asks first, agreed or not */
    unsigned first = i & 1;

    sim_pair_open(&w, NULL);
    for (unsigned at = 0; at < 2; at++)
      sim_pair_configure(&w.side[at], "io", "display-yesno");
    sim_watch_op(&watch[first], aioble_conn_pair(w.side[first].conn, &options));
    sim_run_ms(&w.s, 500);
    sim_watch_op(&watch[!first], aioble_conn_pair(w.side[!first].conn, &options));
    sim_run_ms(&w.s, 500);
    if (i & 2)
      assert_true(sim_pair_answer(&w, 0));
    else
      assert_int_equal(aioble_pairing_answer(w.side[PERIPHERAL].conn, false, 0), 0);
    for (unsigned at = 0; at < 2; at++)
      sim_watch_expect(&watch[at], i & 2 ? 0 : AIOBLE_ERR_SMP(0x0c));
    sim_pair_close(&w);
  }
}

static void a_cancel_ends_the_pairing(void **state) {
  (void) state;
  for (unsigned at = 0; at < 2; at++) {
    aioble_pair_options_t options = {.io = AIOBLE_IO_KEYBOARD, .mitm = AIOBLE_YES};
    sim_watch watch;
    sim_pair w;

    sim_pair_open(&w, NULL);
    sim_pair_configure(&w.side[!at], "io", "display");
    sim_watch_op(&watch, aioble_conn_pair(w.side[at].conn, &options));
    sim_run_ms(&w.s, 500);
    aioble_op_cancel(watch.op);
    sim_watch_expect(&watch, AIOBLE_ECANCELED);
    sim_run_ms(&w.s, 500);
    assert_int_equal(w.side[!at].failed, AIOBLE_ERR_SMP(0x08));
    assert_int_equal(aioble_pairing_answer(w.side[at].conn, true, 1), AIOBLE_EALREADY);
    sim_expect(aioble_conn_pair(w.side[at].conn, NULL), 0); /* and there can be another */
    sim_pair_close(&w);
  }
}

/* its op has nobody but itself, and goes while it is being ended */
static void one_that_nobody_waits_for_times_out(void **state) {
  const aioble_pair_options_t options = {.mitm = AIOBLE_YES, .io = AIOBLE_IO_DISPLAY_YESNO};
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  sim_pair_configure(&w.side[PERIPHERAL], "io", "display-yesno");
  aioble_op_unref(aioble_conn_pair(w.side[CENTRAL].conn, &options));
  sim_run_ms(&w.s, 1000);
  assert_int_equal(w.side[CENTRAL].prompts, 1);
  sim_run_ms(&w.s, 25000);
  assert_false(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
  sim_pair_close(&w);
}

static void nobody_to_ask_is_a_refusal(void **state) {
  aioble_pair_options_t options = {.io = AIOBLE_IO_DISPLAY_YESNO, .mitm = AIOBLE_YES};
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  sim_pair_configure(&w.side[PERIPHERAL], "io", "display-yesno");
  aioble_set_on_prompt(w.side[PERIPHERAL].ble, NULL, NULL);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), AIOBLE_ERR_SMP(0x0c));
  sim_pair_close(&w);
}

static void what_is_wrong_is_said(void **state) {
  aioble_pair_options_t bad[] = {{.min_key_size = 6}, {.min_key_size = 17}, {.io = 6}, {.bond = 3}};
  sim_pair w;

  (void) state;
  sim_pair_open(&w, NULL);
  for (unsigned i = 0; i < 4; i++)
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &bad[i]), AIOBLE_EINVAL);
  sim_expect(aioble_conn_pair(NULL, NULL), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_pairing_answer(NULL, true, 0), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_pairing_answer(w.side[0].conn, true, 0), AIOBLE_EALREADY);
  assert_int_equal(aioble_pairing_keypress(w.side[0].conn, AIOBLE_KEYPRESS_DIGIT), AIOBLE_EALREADY);
  sim_expect(aioble_conn_disconnect(w.side[0].conn), 0);
  sim_expect(aioble_conn_pair(w.side[0].conn, NULL), AIOBLE_ENOTCONN);
  assert_false(aioble_conn_security(w.side[0].conn).encrypted);
  sim_pair_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bonded_peer_is_encrypted_before_anything_else),
      cmocka_unit_test(the_peer_has_all_keys_when_the_op_resolves),
      cmocka_unit_test(a_peer_that_lost_the_key_is_not_spoken_to),
      cmocka_unit_test(a_central_that_lost_the_key_has_to_prove_itself),
      cmocka_unit_test(a_bond_can_be_looked_at),
      cmocka_unit_test(what_was_told_another_way_authenticates),
      cmocka_unit_test(no_key_is_in_a_capture),
      cmocka_unit_test(calls_take_turns),
      cmocka_unit_test(who_waits_for_the_peers_pairing_hears_how_it_went),
      cmocka_unit_test(a_cancel_ends_the_pairing),
      cmocka_unit_test(one_that_nobody_waits_for_times_out),
      cmocka_unit_test(nobody_to_ask_is_a_refusal),
      cmocka_unit_test(what_is_wrong_is_said),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
