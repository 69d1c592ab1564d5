/* SPDX-License-Identifier: MIT */
/* Bonds at work: what is distributed, links that come again, and whoever claims another's bond. */
#include "helpers/smp_bed.h"
#include "smp/smp_backend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const ab_smp_events *const events = &smp_bed_events;

static void pair(smp_bed *bed, ab_smp_io io, ab_smp_sc sc) {
  ab_smp_policy policy = smp_policy(io, sc, io != AB_SMP_IO_NONE);

  smp_bed_start(bed, &policy, &policy);
  smp_bed_finish(bed);
  for (unsigned i = 0; i < 2; i++)
    bed->side[i].ended = bed->side[i].prompts = bed->side[i].sent = 0;
}

static ab_bond *bond_of(const smp_side *side) {
  ab_list *n = ab_list_first(&side->stack.bonds);

  assert_non_null(n);
  return ab_container_of(n, ab_bond, node);
}

static void both_have_the_same_bond(void **state) {
  (void) state;
  for (unsigned sc = 0; sc < 2; sc++) {
    smp_bed bed;
    const ab_bond *c, *p;

    smp_bed_open(&bed);
    pair(&bed, AB_SMP_IO_NONE, sc ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER);
    c = bond_of(&bed.side[SMP_CENTRAL]);
    p = bond_of(&bed.side[SMP_PERIPHERAL]);
    assert_true(c->peer.there && c->local.there && p->peer.there && p->local.there);
    assert_memory_equal(&c->peer.key, &p->local.key, 16);
    assert_memory_equal(&c->local.key, &p->peer.key, 16);
    assert_int_equal(c->peer.rand == 0, sc);
    assert_true(c->peer.rand == p->local.rand && c->peer.ediv == p->local.ediv);
    assert_memory_equal(&c->irk, &bed.side[SMP_PERIPHERAL].stack.irk, 16);
    assert_memory_equal(&p->irk, &bed.side[SMP_CENTRAL].stack.irk, 16);
    assert_memory_equal(&c->csrk, &p->local_csrk, 16);
    assert_memory_equal(&p->csrk, &c->local_csrk, 16);
    assert_true(aioble_addr_equal(&c->addr, &bed.side[SMP_PERIPHERAL].stack.identity));
    assert_true(aioble_addr_equal(&p->addr, &bed.side[SMP_CENTRAL].stack.identity));
    assert_int_equal(c->sc, sc);
    assert_false(c->authenticated);
    smp_bed_close(&bed);
  }
}

static void no_bond_unless_both_want_one(void **state) {
  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    ab_smp_policy central = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_PREFERRED, false);
    ab_smp_policy peripheral = central;
    smp_bed bed;

    central.bond = i == 1;
    peripheral.bond = i == 2;
    smp_bed_open(&bed);
    smp_bed_start(&bed, &central, &peripheral);
    smp_bed_finish(&bed);
    smp_bed_expect(&bed, 0, 0);
    for (unsigned side = 0; side < 2; side++) {
      assert_int_equal(bed.side[side].stack.n_bonds, 0);
      assert_int_equal(bed.side[side].smp.security.level, 1);
      assert_false(bed.side[side].smp.security.bonded);
    }
    smp_bed_close(&bed);
  }
}

static void a_bond_encrypts_the_next_link(void **state) {
  (void) state;
  for (unsigned sc = 0; sc < 2; sc++) {
    smp_bed bed;

    smp_bed_open(&bed);
    pair(&bed, AB_SMP_IO_KEYBOARD_DISPLAY, sc ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER);
    smp_bed_reconnect(&bed);
    assert_int_equal(bed.side[0].smp.security.level, 0);
    assert_int_equal(ab_smp_encrypt(&bed.side[SMP_PERIPHERAL].smp), AIOBLE_ENOENT);
    assert_int_equal(ab_smp_encrypt(&bed.side[SMP_CENTRAL].smp), 0);
    assert_int_equal(ab_smp_encrypt(&bed.side[SMP_CENTRAL].smp), AIOBLE_EBUSY);
    assert_int_equal(bed.side[0].smp.security.level, 0); /* not before it is */
    smp_bed_run(&bed);
    for (unsigned side = 0; side < 2; side++) {
      assert_int_equal(bed.side[side].smp.security.level, sc ? 3 : 2);
      assert_true(bed.side[side].smp.security.bonded);
      assert_int_equal(bed.side[side].sent, 0);
    }
    assert_int_equal(bed.side[SMP_CENTRAL].ended, 1);
    assert_int_equal(bed.side[SMP_PERIPHERAL].ended, 0); /* it did not ask */
    smp_bed_close(&bed);
  }
}

static void a_key_that_the_other_has_lost_is_reported(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  pair(&bed, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED);
  ab_smp_bond_delete(&bed.side[SMP_PERIPHERAL].stack, bond_of(&bed.side[SMP_PERIPHERAL]));
  smp_bed_reconnect(&bed);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_CENTRAL].smp, &policy), 0);
  smp_bed_run(&bed);
  assert_int_equal(bed.side[SMP_CENTRAL].ended, 1);
  assert_int_equal(bed.side[SMP_CENTRAL].status, AIOBLE_ERR_HCI(0x06));
  assert_int_equal(bed.side[SMP_CENTRAL].sent, 0); /* no pairing by itself */
  assert_int_equal(bed.side[SMP_CENTRAL].smp.security.level, 0);
  assert_int_equal(bed.side[SMP_CENTRAL].stack.n_bonds, 1);
  smp_bed_close(&bed);
}

static void a_key_is_given_for_its_own_numbers_only(void **state) {
  smp_bed bed;
  ab_smp *p;
  const ab_smp_ltk *ltk;
  ab_key16 key;

  (void) state;
  smp_bed_open(&bed);
  pair(&bed, AB_SMP_IO_NONE, AB_SMP_SC_NEVER);
  smp_bed_reconnect(&bed);
  p = &bed.side[SMP_PERIPHERAL].smp;
  ltk = &bond_of(&bed.side[SMP_PERIPHERAL])->local;
  assert_false(ab_smp_ltk_request(p, 0, 0, &key));
  assert_false(ab_smp_ltk_request(p, ltk->rand, (uint16_t) (ltk->ediv + 1), &key));
  assert_false(ab_smp_ltk_request(p, ltk->rand ^ 1, ltk->ediv, &key));
  ab_smp_encryption(p, 0, true);
  assert_int_equal(p->security.level, 0);
  assert_true(ab_smp_ltk_request(p, ltk->rand, ltk->ediv, &key));
  ab_smp_encryption(p, AIOBLE_ERR_HCI(0x3d), true);
  assert_int_equal(p->security.level, 0);
  smp_bed_close(&bed);
}

/* legacy pairing: each side's own key is for when it is the peripheral */
static void the_roles_may_change(void **state) {
  (void) state;
  for (unsigned sc = 0; sc < 2; sc++) {
    const aioble_addr_t *addr;
    const ab_smp_ltk *ltk;
    smp_side *side;
    smp_bed bed;
    ab_key16 key;

    smp_bed_open(&bed);
    pair(&bed, AB_SMP_IO_NONE, sc ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER);
    side = &bed.side[SMP_CENTRAL];
    ltk = &bond_of(&bed.side[SMP_PERIPHERAL])->peer; /* what it would encrypt with as central */
    addr = &bed.side[SMP_PERIPHERAL].stack.identity;
    ab_smp_close(&side->smp, AIOBLE_ENOTCONN);
    ab_smp_open(&side->smp, &side->stack, events, side, false, &side->stack.identity, addr);
    assert_true(ab_smp_ltk_request(&side->smp, ltk->rand, ltk->ediv, &key));
    assert_memory_equal(&key, &ltk->key, sizeof key);
    smp_bed_close(&bed);
  }
}

static void there_are_only_so_many(void **state) {
  smp_bed bed;
  ab_smp_stack *stack;

  (void) state;
  smp_bed_open(&bed);
  stack = &bed.side[SMP_CENTRAL].stack;
  for (unsigned i = 0; i < AB_SMP_BONDS_MAX; i++) {
    ab_bond *bond = ab_smp_bond_new(stack);

    bond->addr = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {(uint8_t) i, (uint8_t) (i >> 8), 8, 8, 8, 8}};
    assert_int_equal(ab_smp_bond_add(stack, bond), 0);
  }
  smp_bed_start(&bed, &bed.side[1].stack.policy, &bed.side[1].stack.policy);
  smp_bed_finish(&bed);
  smp_bed_expect(&bed, 0, 0); /* but it is no bond */
  assert_int_equal(stack->n_bonds, AB_SMP_BONDS_MAX);
  assert_int_equal(stack->bonds_refused, 1);
  assert_false(bed.side[SMP_CENTRAL].smp.security.bonded);
  assert_int_equal(bed.side[SMP_CENTRAL].smp.security.level, 1);
  smp_bed_close(&bed);
}

/* ---- whoever claims another's bond ---- */

/* the peripheral says it is the peer that the central has this bond of */
static ab_bond *give_bond(smp_side *side, bool authenticated, bool sc, uint8_t key_size) {
  ab_bond *bond = ab_smp_bond_new(&side->stack);

  assert_non_null(bond);
  bond->addr = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {9, 9, 9, 9, 9, 9}};
  bond->peer.there = bond->local.there = true;
  bond->peer.key.b[0] = 7;
  bond->authenticated = authenticated;
  bond->sc = sc;
  bond->key_size = key_size;
  assert_int_equal(ab_smp_bond_add(&side->stack, bond), 0);
  return bond;
}

static void another_s_identity_is_not_had_by_claiming_it(void **state) {
  (void) state;
  for (unsigned i = 0; i < 8; i++) {
    ab_smp_io io = i & 1 ? AB_SMP_IO_KEYBOARD_DISPLAY : AB_SMP_IO_NONE; /* even authenticated */
    ab_smp_policy policy = smp_policy(io, AB_SMP_SC_REQUIRED, i & 1);
    smp_side *central;
    smp_bed bed;

    smp_bed_open(&bed);
    central = &bed.side[SMP_CENTRAL];
    give_bond(central, i & 2, true, 16);
    bed.side[SMP_PERIPHERAL].stack.identity = bond_of(central)->addr;
    policy.repair = i & 4;
    smp_bed_start(&bed, &policy, &policy);
    smp_bed_finish(&bed);
    assert_int_equal(central->stack.n_bonds, 1);
    if (i >= 5 || i == 4) { /* the application has said so; but never a weaker one */
      bool weaker = (i & 2) && !(i & 1);

      assert_int_equal(central->status, weaker ? AIOBLE_ERR_SMP(0x0f) : 0);
      assert_int_equal(bond_of(central)->peer.key.b[0] == 7, weaker);
    } else {
      assert_int_equal(central->status, AIOBLE_ERR_SMP(0x0f));
      assert_int_equal(bond_of(central)->peer.key.b[0], 7);
      assert_int_equal(central->stack.bonds_refused, 1);
    }
    smp_bed_close(&bed);
  }
}

/* the same address, but nothing that shows it is the same peer */
static void a_peer_that_lost_its_key_pairs_anew_only_if_it_proves_itself(void **state) {
  static const struct {
    ab_smp_io before, after;
    ab_smp_sc sc_before, sc_after;
    bool repair;
    int status;
  } cases[] = {
      {AB_SMP_IO_NONE, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, AB_SMP_SC_REQUIRED, false, 3},
      {AB_SMP_IO_NONE, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, AB_SMP_SC_REQUIRED, true, 0},
      {AB_SMP_IO_NONE, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, AB_SMP_SC_NEVER, true, 3},
      {AB_SMP_IO_NONE, AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_SC_NEVER, AB_SMP_SC_REQUIRED, false, 0},
      {AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_IO_NONE, AB_SMP_SC_NEVER, AB_SMP_SC_REQUIRED, true, 3},
      {AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_SC_REQUIRED,
       AB_SMP_SC_REQUIRED, false, 0},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ab_smp_policy policy =
        smp_policy(cases[i].after, cases[i].sc_after, cases[i].after != AB_SMP_IO_NONE);
    ab_smp_policy open = policy;
    smp_bed bed;
    ab_key16 old;

    smp_bed_open(&bed);
    pair(&bed, cases[i].before, cases[i].sc_before);
    old = bond_of(&bed.side[SMP_PERIPHERAL])->local.key;
    ab_smp_bond_delete(&bed.side[SMP_CENTRAL].stack, bond_of(&bed.side[SMP_CENTRAL]));
    smp_bed_reconnect(&bed);
    open.repair = cases[i].repair;
    smp_bed_start(&bed, &policy, &open);
    smp_bed_finish(&bed);
    assert_int_equal(bed.side[SMP_PERIPHERAL].status,
                     cases[i].status ? AIOBLE_ERR_SMP(cases[i].status) : 0);
    assert_int_equal(bed.side[SMP_PERIPHERAL].stack.n_bonds, 1);
    assert_int_equal(memcmp(&old, &bond_of(&bed.side[SMP_PERIPHERAL])->local.key, 16) == 0,
                     cases[i].status != 0);
    smp_bed_close(&bed);
  }
}

/* over a link encrypted with the bond's key it has proved itself, also with Just Works */
static void a_bonded_link_may_pair_again(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_SC_REQUIRED, true);
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  pair(&bed, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED);
  smp_bed_start(&bed, &policy, &policy); /* more than the bond has */
  smp_bed_finish(&bed);
  smp_bed_expect(&bed, 0, 0);
  assert_int_equal(bed.side[0].smp.security.level, 3);
  assert_int_equal(bed.side[0].stack.n_bonds, 1);
  assert_true(bond_of(&bed.side[1])->authenticated);
  smp_bed_close(&bed);
}

/* a peer that hides behind a resolvable address is found by its identity resolving key */
static void a_private_address_is_resolved(void **state) {
  ab_smp_stack *stack;
  aioble_addr_t rpa;
  smp_bed bed;
  ab_key16 key;

  (void) state;
  smp_bed_open(&bed);
  pair(&bed, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED);
  stack = &bed.side[SMP_PERIPHERAL].stack;
  assert_int_equal(ab_smp_private_address(&bed.side[SMP_CENTRAL].stack, &rpa), 0);
  assert_ptr_equal(ab_smp_bond_of(stack, &rpa), bond_of(&bed.side[SMP_PERIPHERAL]));
  rpa.bytes[5] ^= 1;
  assert_null(ab_smp_bond_of(stack, &rpa));
  rpa.bytes[5] ^= 1;
  ab_smp_close(&bed.side[SMP_PERIPHERAL].smp, AIOBLE_ENOTCONN);
  ab_smp_open(&bed.side[SMP_PERIPHERAL].smp, stack, events, &bed.side[SMP_PERIPHERAL], false,
              &stack->identity, &rpa);
  assert_true(ab_smp_ltk_request(&bed.side[SMP_PERIPHERAL].smp, 0, 0, &key));
  smp_bed_close(&bed);
}

/* Part C, 10.2.4 */
static void a_weak_bond_is_as_none_where_only_the_best_will_do(void **state) {
  (void) state;
  for (unsigned i = 0; i < 6; i++) { /* which side; how the bond was made */
    static const struct {
      ab_smp_io io;
      ab_smp_sc sc;
    } made[] = {{AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED},
                {AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_SC_NEVER},
                {AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_SC_REQUIRED}};
    unsigned strict = i % 2;
    bool good = i / 2 == 2;
    smp_bed bed;

    smp_bed_open(&bed);
    pair(&bed, made[i / 2].io, made[i / 2].sc);
    bed.side[strict].stack.secure_only = true;
    smp_bed_reconnect(&bed);
    assert_int_equal(ab_smp_encrypt(&bed.side[SMP_CENTRAL].smp),
                     good || strict == SMP_PERIPHERAL ? 0 : AIOBLE_ENOENT);
    smp_bed_run(&bed);
    assert_int_equal(bed.side[SMP_CENTRAL].smp.security.level, good ? 3 : 0);
    assert_int_equal(bed.side[SMP_PERIPHERAL].smp.security.level, good ? 3 : 0);
    if (!good && strict == SMP_PERIPHERAL)
      assert_int_equal(bed.side[SMP_CENTRAL].status, AIOBLE_ERR_HCI(0x06));
    assert_int_equal(bed.side[strict].stack.n_bonds, 1); /* it is still there */
    smp_bed_close(&bed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_have_the_same_bond),
      cmocka_unit_test(no_bond_unless_both_want_one),
      cmocka_unit_test(a_bond_encrypts_the_next_link),
      cmocka_unit_test(a_key_that_the_other_has_lost_is_reported),
      cmocka_unit_test(a_key_is_given_for_its_own_numbers_only),
      cmocka_unit_test(the_roles_may_change),
      cmocka_unit_test(there_are_only_so_many),
      cmocka_unit_test(another_s_identity_is_not_had_by_claiming_it),
      cmocka_unit_test(a_peer_that_lost_its_key_pairs_anew_only_if_it_proves_itself),
      cmocka_unit_test(a_bonded_link_may_pair_again),
      cmocka_unit_test(a_private_address_is_resolved),
      cmocka_unit_test(a_weak_bond_is_as_none_where_only_the_best_will_do),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
