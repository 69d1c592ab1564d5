/* SPDX-License-Identifier: MIT */
/*
 * Private addresses of whole stacks: nobody but a bonded peer can tell who somebody is, and a
 * bonded peer always can, whatever its controller knows of private addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "helpers/temp_dir.h"
#include "host/host.h"

enum { A, B, SIDES };
enum { ROTATION_MS = 900000 };

typedef struct world {
  sim s;
  aioble_t *ble[SIDES];
  aioble_conn_t *conn[SIDES]; /* NULL: not connected */
} world;

/* how a controller deals with private addresses */
static const struct {
  const char *name;
  aioble_virtual_controller_options_t options;
} controllers[] = {
    {"with a resolving list", {.resolving_list = 16}},
    {"without", {.le_features_off = 1 << 6}},
    {"without a public address", {.no_public_addr = true}},
};
enum { CONTROLLERS = sizeof controllers / sizeof *controllers };

static const aioble_options_t hidden = {.private_address = true};

static void set_up(world *w, const aioble_options_t *a, const aioble_options_t *b,
                   const aioble_virtual_controller_options_t *controller) {
  memset(w, 0, sizeof *w);
  sim_open(&w->s, NULL);
  w->ble[A] = sim_stack_new(&w->s, a, controller);
  w->ble[B] = sim_stack_new(&w->s, b, controller);
}

static void let_go(world *w) {
  for (unsigned i = 0; i < SIDES; i++)
    w->conn[i] = aioble_conn_unref(w->conn[i]);
}

static void tear_down(world *w) {
  let_go(w);
  sim_close(&w->s);
}

static void part(world *w) {
  sim_expect(aioble_conn_disconnect(w->conn[A]), 0);
  sim_expect(aioble_conn_disconnected(w->conn[B]), 0);
  let_go(w);
}

/* ---- who is heard ---- */

/* all that is heard within a second: how many there are; the first of them in *addr */
static unsigned hear(aioble_t *ble, aioble_addr_t *addr) {
  const aioble_scan_options_t options = {.duration_ms = 1000, .ignore_rssi = true};
  aioble_scan_t *scan = aioble_scan(ble, &options);
  aioble_op_t *next;
  unsigned n = 0;

  while (aioble_op_await(next = aioble_scan_next(scan)) == 0) {
    if (n++ == 0)
      *addr = *aioble_scan_result_addr(aioble_op_scan_result(next));
    aioble_op_unref(next);
  }
  sim_expect(next, AIOBLE_EOF);
  aioble_scan_unref(scan);
  return n;
}

static aioble_addr_t heard(aioble_t *ble) {
  aioble_addr_t addr = {0};

  assert_int_equal(hear(ble, &addr), 1);
  return addr;
}

static bool resolvable(const aioble_addr_t *addr) {
  return aioble_addr_kind(addr) == AIOBLE_ADDR_KIND_RESOLVABLE;
}

static void expect_addr(const aioble_addr_t *addr, const aioble_addr_t *expected) {
  assert_int_equal(addr->type, expected->type);
  assert_memory_equal(addr->bytes, expected->bytes, sizeof addr->bytes);
}

/* ---- connecting ---- */

/* connects to whoever has that address; the op of the peer that advertises is taken over */
static void connect_to(world *w, unsigned from, const aioble_addr_t *addr, aioble_op_t *adv) {
  aioble_device_t *device = aioble_device_new(w->ble[from], addr);
  aioble_op_t *connecting = sim_ok(aioble_device_connect(device, NULL));

  sim_ok(adv);
  w->conn[from] = aioble_conn_ref(aioble_op_conn(connecting));
  w->conn[!from] = aioble_conn_ref(aioble_op_conn(adv));
  aioble_op_unref(connecting);
  aioble_op_unref(adv);
  aioble_device_unref(device);
  sim_run_ms(&w->s, 100); /* a bond's key is in use at both ends */
}

/* A has never heard of B: it connects to the address that it hears */
static void meet_strangers(world *w) {
  aioble_op_t *adv = aioble_advertise(w->ble[B], NULL);
  aioble_addr_t addr = heard(w->ble[A]);

  connect_to(w, A, &addr, adv);
}

static aioble_addr_t identity_of(const world *w, unsigned side) {
  return sim_addr(w->ble[side]);
}

static void meet_by_identity(world *w, unsigned from) {
  aioble_addr_t addr = identity_of(w, !from);

  connect_to(w, from, &addr, aioble_advertise(w->ble[!from], NULL));
}

static void expect_known(const world *w) {
  for (unsigned i = 0; i < SIDES; i++) {
    aioble_addr_t peer = identity_of(w, !i);

    assert_true(aioble_conn_security(w->conn[i]).bonded);
    expect_addr(aioble_device_addr(aioble_conn_device(w->conn[i])), &peer);
    assert_ptr_equal(aioble_device_conn(aioble_conn_device(w->conn[i])), w->conn[i]);
    assert_int_equal(aioble_bonds(w->ble[i], NULL, 0), 1);
  }
}

static void bond(world *w, const aioble_pair_options_t *options) {
  meet_strangers(w);
  sim_expect(aioble_conn_pair(w->conn[A], options), 0);
  sim_run_ms(&w->s, 100);
  expect_known(w);
}

/* each end knows the same two addresses; those of a side that hides are private */
static void expect_air(const world *w, bool a_hides, bool b_hides) {
  aioble_conn_air_t at_a = aioble_conn_air(w->conn[A]), at_b = aioble_conn_air(w->conn[B]);
  aioble_addr_t a = identity_of(w, A), b = identity_of(w, B);

  expect_addr(&at_a.peer, &at_b.local);
  expect_addr(&at_b.peer, &at_a.local);
  assert_int_equal(resolvable(&at_a.local), a_hides);
  assert_int_equal(resolvable(&at_b.local), b_hides);
  assert_int_equal(aioble_addr_equal(&at_a.local, &a), !a_hides);
  assert_int_equal(aioble_addr_equal(&at_b.local, &b), !b_hides);
}

/* ---- to strangers ---- */

static void strangers_see_private_addresses_only(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS; i++) {
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i].options);
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

    set_up(&w, &a, &b, &controllers[i / 8].options);
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

/* ---- bonded peers ---- */

static void bonded_peers_find_each_other_again(void **state) {
  (void) state;
  for (unsigned i = 0; i < CONTROLLERS * 4; i++) {
    const aioble_options_t a = {.private_address = i & 1}, b = {.private_address = i & 2};
    aioble_conn_air_t air, before;
    world w;

    set_up(&w, &a, &b, &controllers[i / 4].options);
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

    set_up(&w, NULL, &hidden, &controllers[i].options);
    stranger = sim_stack_new(&w.s, NULL, &controllers[i].options);
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

    set_up(&w, &hidden, &hidden, &controllers[i].options);
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
    set_up(&w, &options[A], &options[B], &controllers[i].options);
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

static aioble_bond_t bond_of(const aioble_t *ble) {
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

    set_up(&w, &hidden, &hidden, &controllers[i].options);
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

    set_up(&w, &hidden, &hidden, &controllers[i / 2].options);
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

static void among_a_thousand_bonds(void **state) {
  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    aioble_addr_t addr, identity;
    aioble_op_t *adv;
    world w;

    set_up(&w, &hidden, &hidden, &controllers[i].options);
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

    set_up(&w, &hidden, &hidden, &controllers[i].options);
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

    set_up(&w, &hidden, &hidden, &controllers[1].options);
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
      cmocka_unit_test(a_rotation_disturbs_nobody),
      cmocka_unit_test(a_connect_goes_on_over_rotations),
      cmocka_unit_test(a_connect_to_a_hidden_peer_can_be_given_up),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
