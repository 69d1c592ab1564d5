/* SPDX-License-Identifier: MIT */
/*
 * A bonded peer is known by its identity, whatever address it hides behind, and whatever the
 * controller knows of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/hidden_pair.h"
#include "helpers/temp_dir.h"
#include "host/host.h"

/* ---- bonded peers ---- */

static void bonded_peers_find_each_other_again(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS * 4; i++) {
    const aioble_options_t a = {.private_address = i & 1}, b = {.private_address = i & 2};
    aioble_conn_air_t air, before;
    world w;

    set_up(&w, &a, &b, &controllers[i / 4]);
    bond(&w, NULL);
    for (unsigned from = 0; from < SIDES; from++) {
      before = aioble_conn_air(w.conn[A]);
      part(&w);
      sim_run_ms(&w.s, ROTATION_MS);
      meet_by_identity(&w, from);
      expect_known(&w);
      expect_air(&w, i & 1, i & 2);
      air = aioble_conn_air(w.conn[A]);
      assert_int_equal(aioble_addr_equal(&air.local, &before.local), !(i & 1));
      assert_int_equal(aioble_addr_equal(&air.peer, &before.peer), !(i & 2));
    }
    tear_down(&w);
  }
}

/* under its identity, to those who know it alone; a device made of an old address is still it */
static void a_bonded_peer_is_heard_by_its_identity(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    aioble_addr_t addr, identity, old;
    aioble_t *stranger;
    aioble_op_t *adv;
    world w;

    set_up(&w, NULL, &hidden, &controllers[i]);
    stranger = sim_stack_new(&w.s, NULL, &controllers[i]);
    bond(&w, NULL);
    old = aioble_conn_air(w.conn[A]).peer;
    part(&w);
    sim_run_ms(&w.s, ROTATION_MS);
    identity = identity_of(&w, B);
    adv = aioble_advertise(w.ble[B], NULL);
    addr = heard(w.ble[A]);
    expect_addr(&addr, &identity);
    addr = heard(stranger);
    assert_true(resolvable(&addr));
    assert_memory_not_equal(addr.bytes, old.bytes, sizeof old.bytes);
    connect_to(&w, A, &old, adv);
    expect_known(&w);
    tear_down(&w);
  }
}

/* a peer that has a key but shows its identity is a known one all the same */
static void a_bonded_peer_may_stop_to_hide(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i]);
    bond(&w, NULL);
    part(&w);
    assert_int_equal(aioble_config_set(w.ble[B], "addr_mode", i == 2 ? "random" : "public"), 0);
    sim_expect(aioble_close(w.ble[B]), 0);
    for (unsigned from = 0; from < SIDES; from++) {
      meet_by_identity(&w, from);
      expect_known(&w);
      expect_air(&w, true, false);
      part(&w);
    }
    tear_down(&w);
  }
}

static void what_peers_know_us_by_outlives_a_restart(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    char *dir = temp_dir_new(), path[SIDES][300];
    aioble_options_t options[SIDES] = {hidden, hidden};
    aioble_addr_t before, after;
    world w;

    for (unsigned side = 0; side < SIDES; side++) {
      (void) snprintf(path[side], sizeof path[side], "%s/%u.json", dir, side);
      options[side].store = path[side];
    }
    set_up(&w, &options[A], &options[B], &controllers[i]);
    bond(&w, NULL);
    before = identity_of(&w, B);
    part(&w);
    for (unsigned side = 0; side < SIDES; side++) {
      w.ble[side] = sim_restart(&w.s, w.ble[side]);
      after = identity_of(&w, B);
      expect_addr(&after, &before);
      meet_by_identity(&w, side);
      expect_known(&w);
      part(&w);
    }
    tear_down(&w);
    temp_dir_free(dir);
  }
}

static void agree(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  (void) prompt;
  (void) number;
  (void) user;
  assert_int_equal(aioble_pairing_answer(conn, true, 0), 0);
}

static aioble_bond_t bond_of(aioble_t *ble) {
  aioble_bond_t found;

  assert_int_equal(aioble_bonds(ble, &found, 1), 1);
  return found;
}

static const aioble_pair_options_t better = {
    .mitm = AIOBLE_YES, .io = AIOBLE_IO_DISPLAY_YESNO, .on_prompt = agree};

/* the users of both sides compare numbers from now on */
static void ask_users(world *w) {
  for (unsigned i = 0; i < SIDES; i++) {
    aioble_set_on_prompt(w->ble[i], agree, NULL);
    assert_int_equal(aioble_config_set(w->ble[i], "io", "display-yesno"), 0);
  }
}

static void expect_authenticated(world *w) {
  sim_run_ms(&w->s, 100);
  expect_known(w);
  for (unsigned i = 0; i < SIDES; i++) {
    assert_true(bond_of(w->ble[i]).authenticated);
    assert_true(aioble_conn_security(w->conn[i]).authenticated);
  }
}

/* a peer with which there is a bond may make a better one, whatever its address is by then */
static void a_bond_is_replaced_by_the_same_peer(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i]);
    bond(&w, NULL);
    part(&w);
    ask_users(&w);
    sim_run_ms(&w.s, ROTATION_MS);
    meet_by_identity(&w, A);
    sim_expect(aioble_conn_pair(w.conn[A], &better), 0);
    expect_authenticated(&w);
    part(&w);
    sim_run_ms(&w.s, ROTATION_MS);
    meet_by_identity(&w, B);
    expect_authenticated(&w);
    tear_down(&w);
  }
}

/* … and so may one that has forgotten us, if it proves to be nobody in between; a stranger may not
   take its place */
static void a_bond_is_replaced_by_a_peer_that_has_lost_its_own(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS * 2; i++) {
    bool proves = i & 1;
    aioble_addr_t a;
    aioble_op_t *adv;
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i / 2]);
    bond(&w, NULL);
    part(&w);
    ask_users(&w);
    a = bond_of(w.ble[B]).addr;
    assert_int_equal(aioble_bond_delete(w.ble[B], &a), 0);
    sim_run_ms(&w.s, ROTATION_MS);
    adv = aioble_advertise(w.ble[A], NULL);
    a = heard(w.ble[B]);
    assert_true(resolvable(&a));
    connect_to(&w, B, &a, adv);
    if (proves) {
      sim_expect(aioble_conn_pair(w.conn[B], &better), 0);
      expect_authenticated(&w);
    } else {
      sim_expect(aioble_conn_pair(w.conn[B], &(aioble_pair_options_t){.io = AIOBLE_IO_NONE}),
                 AIOBLE_ERR_SMP(0x03));
      assert_false(bond_of(w.ble[A]).authenticated);
    }
    tear_down(&w);
  }
}

/* ---- what the controller has ---- */

static unsigned in_list(const aioble_t *ble) {
  return ble->gap.privacy.resolving ? ble->gap.privacy.n : 0;
}

static void more_bonds_than_the_controller_can_hold(void **state) {
  enum { PEERS = 3 };
  const aioble_virtual_controller_options_t one = {.resolving_list = 1};
  aioble_t *peers[PEERS];
  world w;

  (void) state;
  set_up(&w, &hidden, &hidden, &one);
  peers[0] = w.ble[B];
  for (unsigned i = 1; i < PEERS; i++)
    peers[i] = sim_stack_new(&w.s, &hidden, NULL);
  for (unsigned i = 0; i < PEERS; i++) {
    w.ble[B] = peers[i];
    meet_strangers(&w);
    sim_expect(aioble_conn_pair(w.conn[A], NULL), 0);
    sim_run_ms(&w.s, 100);
    part(&w);
    sim_run_ms(&w.s, ROTATION_MS);
    assert_int_equal(in_list(w.ble[A]), 1);
  }
  assert_int_equal(aioble_bonds(w.ble[A], NULL, 0), PEERS);
  for (unsigned i = 0; i < PEERS; i++) {
    aioble_addr_t addr, identity;
    aioble_op_t *adv;

    w.ble[B] = peers[i];
    adv = aioble_advertise(w.ble[B], NULL);
    addr = heard(w.ble[A]);
    identity = identity_of(&w, B);
    expect_addr(&addr, &identity);
    connect_to(&w, A, &addr, adv);
    assert_true(aioble_conn_security(w.conn[A]).bonded);
    part(&w);
    meet_by_identity(&w, B);
    assert_true(aioble_conn_security(w.conn[A]).bonded);
    part(&w);
  }
  tear_down(&w);
}

/* bonds that are never heard of */
static void add_bonds(aioble_t *ble, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    ab_bond *b = ab_smp_bond_new(&ble->smp);

    assert_non_null(b);
    b->addr = (aioble_addr_t){AIOBLE_ADDR_RANDOM, {0xc0, 1, 2, 3, (uint8_t) (i >> 8), (uint8_t) i}};
    assert_int_equal(ab_random(&ble->env, b->irk.b, sizeof b->irk.b), 0);
    b->has_irk = true;
    assert_int_equal(ab_smp_bond_add(&ble->smp, b), 0);
  }
}

static void one_too_many(aioble_t *ble) {
  assert_int_equal(ab_smp_bond_add(&ble->smp, ab_smp_bond_new(&ble->smp)), AIOBLE_ENOBUFS);
  assert_int_equal(sim_stats(ble).bonds_refused, 1);
}

static void among_a_thousand_bonds(void **state) {
  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    aioble_addr_t addr, identity;
    aioble_op_t *adv;
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i]);
    bond(&w, NULL);
    part(&w);
    add_bonds(w.ble[A], AB_SMP_BONDS_MAX - 1);
    sim_run_ms(&w.s, ROTATION_MS);
    assert_int_equal(in_list(w.ble[A]), i ? 0 : 16);
    adv = aioble_advertise(w.ble[B], NULL);
    addr = heard(w.ble[A]);
    identity = identity_of(&w, B);
    expect_addr(&addr, &identity);
    connect_to(&w, A, &addr, adv);
    assert_true(aioble_conn_security(w.conn[A]).bonded);
    assert_true(sim_stats(w.ble[A]).private_lookups > 0);
    one_too_many(w.ble[A]);
    tear_down(&w);
  }
}

static void a_bond_that_goes_leaves_the_controller(void **state) {
  aioble_addr_t identity, addr;
  sim_watch adv;
  world w;

  (void) state;
  set_up(&w, &hidden, &hidden, NULL);
  bond(&w, NULL);
  assert_int_equal(in_list(w.ble[A]), 1);
  part(&w);
  identity = identity_of(&w, B);
  sim_watch_op(&adv, aioble_advertise(w.ble[B], NULL));
  addr = heard(w.ble[A]);
  expect_addr(&addr, &identity);
  assert_int_equal(aioble_bond_delete(w.ble[A], &identity), 0);
  addr = identity_of(&w, A);
  assert_int_equal(aioble_bond_delete(w.ble[B], &addr), 0); /* while it advertises */
  sim_run_ms(&w.s, 100);
  assert_int_equal(in_list(w.ble[A]), 0);
  assert_int_equal(in_list(w.ble[B]), 0);
  addr = heard(w.ble[A]);
  assert_true(resolvable(&addr));
  assert_int_equal(adv.calls, 0);
  aioble_op_cancel(adv.op);
  sim_watch_expect(&adv, AIOBLE_ECANCELED);
  tear_down(&w);
}

static void it_all_comes_back_with_the_adapter(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    unsigned side = i & 1;
    world w;

    set_up(&w, &hidden, &hidden, NULL);
    bond(&w, NULL);
    part(&w);
    if (i & 2) {
      aioble_virtual_controller_unplug(w.s.stacks[side].controller);
      sim_run_ms(&w.s, 100);
      assert_int_equal(w.s.stacks[side].lost, 1);
    } else {
      sim_expect(aioble_close(w.ble[side]), 0);
    }
    meet_by_identity(&w, A);
    expect_known(&w);
    expect_air(&w, true, true);
    assert_int_equal(in_list(w.ble[side]), 1);
    tear_down(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bonded_peers_find_each_other_again),
      cmocka_unit_test(a_bonded_peer_is_heard_by_its_identity),
      cmocka_unit_test(a_bonded_peer_may_stop_to_hide),
      cmocka_unit_test(what_peers_know_us_by_outlives_a_restart),
      cmocka_unit_test(a_bond_is_replaced_by_the_same_peer),
      cmocka_unit_test(a_bond_is_replaced_by_a_peer_that_has_lost_its_own),
      cmocka_unit_test(more_bonds_than_the_controller_can_hold),
      cmocka_unit_test(among_a_thousand_bonds),
      cmocka_unit_test(a_bond_that_goes_leaves_the_controller),
      cmocka_unit_test(it_all_comes_back_with_the_adapter),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
