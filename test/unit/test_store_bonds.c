/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "helpers/fake_env.h"
#include "helpers/store_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY    "00112233445566778899aabbccddeeff"
#define SHORT  "00112233445566000000000000000000"
#define ZERO   "00000000000000000000000000000000"
#define LTK    "{\"key\": \"" KEY "\"}"
#define SIZE   ", \"key_size\": 16"
#define LEGACY "\"peer\": " LTK SIZE

/* a file in which peer_a has that bond, among others that make sense */
static void load_bond(store_bed *bed, const char *bond) {
  char text[2000];

  (void) snprintf(text, sizeof text,
                  "{\"version\": 1, \"identity\": {\"note\": 1}, \"peers\": ["
                  "{\"address\": \"d4:00:00:00:00:0a\", \"type\": \"random\", \"kept\": 7,"
                  " \"bond\": %s},"
                  "{\"address\": \"d4:00:00:00:00:0b\", \"type\": \"random\","
                  " \"bond\": {" LEGACY "}}]}",
                  bond);
  load(bed, text);
}

static ab_store_bond legacy_bond(const aioble_addr_t *addr) {
  return (ab_store_bond){
      .addr = *addr,
      .local = {.key = {1, 2, 3}, .rand = 0xfedcba9876543210, .ediv = 0xffff, .there = true},
      .peer = {.key = {[6] = 4}, .rand = 1, .there = true},
      .irk = {[15] = 5},
      .csrk = {[0] = 6},
      .local_csrk = {0},
      .has_irk = true,
      .has_csrk = true,
      .has_local_csrk = true,
      .authenticated = true,
      .key_size = 7,
      .local_counter = 256,
      .peer_counter = 1ull << 32,
  };
}

static ab_store_bond sc_bond(const aioble_addr_t *addr) {
  const ab_store_ltk ltk = {.key = {[15] = 9}, .there = true};

  return (ab_store_bond){.addr = *addr, .local = ltk, .peer = ltk, .sc = true, .key_size = 16};
}

static void expect_ltk(const ab_store_ltk *a, const ab_store_ltk *b) {
  assert_int_equal(a->there, b->there);
  assert_memory_equal(a->key, b->key, sizeof a->key);
  assert_true(a->rand == b->rand);
  assert_int_equal(a->ediv, b->ediv);
}

static void expect_bond(store_bed *bed, const ab_store_bond *bond) {
  ab_store_bond out;

  assert_int_equal(ab_store_bond_of(bed->store, &bond->addr, &out), 0);
  assert_true(aioble_addr_equal(&out.addr, &bond->addr));
  expect_ltk(&out.local, &bond->local);
  expect_ltk(&out.peer, &bond->peer);
  assert_memory_equal(out.irk, bond->irk, sizeof out.irk);
  assert_memory_equal(out.csrk, bond->csrk, sizeof out.csrk);
  assert_memory_equal(out.local_csrk, bond->local_csrk, sizeof out.local_csrk);
  assert_int_equal(out.has_irk, bond->has_irk);
  assert_int_equal(out.has_csrk, bond->has_csrk);
  assert_int_equal(out.has_local_csrk, bond->has_local_csrk);
  assert_int_equal(out.authenticated, bond->authenticated);
  assert_int_equal(out.sc, bond->sc);
  assert_int_equal(out.key_size, bond->key_size);
  assert_true(out.local_counter == bond->local_counter && out.peer_counter == bond->peer_counter);
}

static void count(void *ctx, const ab_store_bond *bond) {
  unsigned *n = ctx;

  assert_true(bond->local.there || bond->peer.there);
  ++*n;
}

static unsigned bonds(store_bed *bed) {
  unsigned n = 0;

  ab_store_bonds(bed->store, count, &n);
  return n;
}

/* ---- what was kept comes back ---- */

static void bonds_come_back(void **state) {
  store_bed *bed = *state;
  ab_store_bond a = legacy_bond(&peer_a), b = sc_bond(&peer_b);

  assert_int_equal(bonds(bed), 0);
  assert_int_equal(ab_store_set_bond(bed->store, &a), 0);
  assert_int_equal(ab_store_set_bond(bed->store, &b), 0);
  reopen(bed);
  assert_int_equal(bonds(bed), 2);
  expect_bond(bed, &a);
  expect_bond(bed, &b);
  ab_store_forget_peer(bed->store, &peer_a);
  reopen(bed);
  assert_int_equal(bonds(bed), 1);
  assert_int_equal(ab_store_bond_of(bed->store, &peer_a, &a), AIOBLE_ENOENT);
  expect_bond(bed, &b);
}

static void nothing_of_an_old_bond_is_left_in_a_new_one(void **state) {
  store_bed *bed = *state;
  ab_store_bond a = legacy_bond(&peer_a);

  keep(bed, &peer_a, 7);
  assert_int_equal(ab_store_set_bond(bed->store, &a), 0);
  a = sc_bond(&peer_a);
  assert_int_equal(ab_store_set_bond(bed->store, &a), 0);
  reopen(bed);
  expect_bond(bed, &a);
  assert_false(file_has(bed, "csrk"));
  assert_int_equal(kept(bed, &peer_a), 7);
}

static void counters_change_and_nothing_else_does(void **state) {
  store_bed *bed = *state;
  ab_store_bond a = legacy_bond(&peer_a);

  assert_int_equal(ab_store_set_counters(bed->store, &peer_a, 1, 2), 0); /* there is no bond */
  assert_false(ab_store_dirty(bed->store));
  assert_int_equal(ab_store_set_bond(bed->store, &a), 0);
  reopen(bed);
  assert_int_equal(ab_store_set_counters(bed->store, &peer_a, 256, 1ull << 32), 0);
  assert_false(ab_store_dirty(bed->store));
  a.local_counter = 512;
  a.peer_counter = 3;
  assert_int_equal(ab_store_set_counters(bed->store, &peer_a, 512, 3), 0);
  assert_true(ab_store_dirty(bed->store));
  reopen(bed);
  expect_bond(bed, &a);
}

static void a_bonded_peer_is_never_dropped(void **state) {
  store_bed *bed = *state;
  aioble_addr_t addr = {AIOBLE_ADDR_RANDOM, {0xc0}};
  ab_store_bond bond = sc_bond(&peer_a);

  assert_int_equal(ab_store_set_bond(bed->store, &bond), 0);
  for (unsigned i = 0; i < 2 * AB_STORE_PEERS_MAX; i++) {
    addr.bytes[5] = (uint8_t) i;
    keep(bed, &addr, 1);
  }
  reopen(bed);
  expect_bond(bed, &bond);
}

/* as many as there can be in a stack, and others beside them */
static void a_thousand_bonds_are_read_again(void **state) {
  store_bed *bed = *state;
  ab_store_bond bond = legacy_bond(&peer_a);

  for (unsigned i = 0; i < 1024 + AB_STORE_PEERS_MAX; i++) {
    bond.addr.bytes[4] = (uint8_t) (i >> 8);
    bond.addr.bytes[5] = (uint8_t) i;
    if (i < 1024)
      assert_int_equal(ab_store_set_bond(bed->store, &bond), 0);
    else
      keep(bed, &bond.addr, 1);
  }
  reopen(bed);
  assert_int_equal(bonds(bed), 1024);
}

static void our_own_key_comes_back(void **state) {
  store_bed *bed = *state;
  const uint8_t irk[AB_STORE_KEY_LEN] = {0xff, [15] = 1};
  uint8_t out[AB_STORE_KEY_LEN];
  aioble_addr_t addr;

  assert_false(ab_store_irk(bed->store, out));
  assert_int_equal(ab_store_set_static_address(bed->store, &peer_a), 0);
  assert_int_equal(ab_store_set_irk(bed->store, irk), 0);
  reopen(bed);
  assert_true(ab_store_irk(bed->store, out));
  assert_memory_equal(out, irk, sizeof out);
  assert_true(ab_store_static_address(bed->store, &addr));
  assert_int_equal(ab_store_set_irk(bed->store, irk), 0);
  assert_false(ab_store_dirty(bed->store));
}

/* ---- files by other hands ---- */

static void a_bond_written_by_hand_is_read(void **state) {
  static const char *const good[] = {
      "{" LEGACY "}",
      "{\"local\": " LTK SIZE ", \"note\": 1}",
      "{\"peer\": {\"key\": \"" SHORT "\", \"ediv\": 65535}, \"key_size\": 7}",
      "{\"peer\": " LTK ", \"local\": " LTK SIZE ", \"secure_connections\": true}",
      "{" LEGACY ", \"sign_counter\": 4294967296, \"local_sign_counter\": 0}",
      "{" LEGACY ", \"csrk\": \"" ZERO "\", \"irk\": \"" KEY "\", \"authenticated\": false}",
  };
  store_bed *bed = *state;

  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    load_bond(bed, good[i]);
    assert_int_equal(bonds(bed), 2);
  }
}

static const char *const odd_bonds[] = {
    "5",
    "null",
    "[]",
    "\"" KEY "\"",
    "{}",
    "{\"key_size\": 16}",
    "{\"peer\": " LTK "}",
    "{\"peer\": " LTK ", \"key_size\": 6}",
    "{\"peer\": " LTK ", \"key_size\": 17}",
    "{\"peer\": " LTK ", \"key_size\": \"16\"}",
    "{\"peer\": " LTK ", \"key_size\": 7}", /* it is longer */
    "{\"peer\": \"" KEY "\"" SIZE "}",
    "{\"peer\": {}" SIZE "}",
    "{\"peer\": null" SIZE "}",
    "{\"peer\": {\"key\": \"" ZERO "\"}" SIZE "}",
    "{\"peer\": {\"key\": \"" KEY "0\"}" SIZE "}",
    "{\"peer\": {\"key\": \"xx112233445566778899aabbccddeeff\"}" SIZE "}",
    "{\"peer\": {\"key\": \"" KEY "\", \"rand\": 5}" SIZE "}",
    "{\"peer\": {\"key\": \"" KEY "\", \"rand\": \"00\"}" SIZE "}",
    "{\"peer\": {\"key\": \"" KEY "\", \"ediv\": 65536}" SIZE "}",
    "{" LEGACY ", \"local\": {}}", /* one that makes sense does not help the other */
    "{" LEGACY ", \"irk\": 5}",
    "{" LEGACY ", \"irk\": \"\"}",
    "{" LEGACY ", \"irk\": \"" ZERO "\"}",
    "{" LEGACY ", \"csrk\": null}",
    "{" LEGACY ", \"local_csrk\": \"00\"}",
    "{" LEGACY ", \"sign_counter\": -1}",
    "{" LEGACY ", \"sign_counter\": 0.5}",
    "{" LEGACY ", \"sign_counter\": 4294967297}",
    "{" LEGACY ", \"sign_counter\": \"1\"}",
    "{" LEGACY ", \"local_sign_counter\": 1e99}",
    "{" LEGACY ", \"local_sign_counter\": null}",
    "{" LEGACY ", \"authenticated\": 1}",
    "{" LEGACY ", \"secure_connections\": \"true\"}",
    "{" LEGACY ", \"secure_connections\": true}", /* which has two */
    "{" LEGACY ", \"local\": {\"key\": \"" SHORT "\"}, \"secure_connections\": true}",
    "{" LEGACY ", \"local\": {\"key\": \"" KEY "\", \"ediv\": 1}, \"secure_connections\": true}",
};

static void a_bond_that_makes_no_sense_is_as_if_there_were_none(void **state) {
  store_bed *bed = *state;
  ab_store_bond bond;

  for (size_t i = 0; i < sizeof odd_bonds / sizeof *odd_bonds; i++) {
    load_bond(bed, odd_bonds[i]);
    assert_int_equal(bonds(bed), 1); /* the other one */
    assert_int_equal(ab_store_bond_of(bed->store, &peer_a, &bond), AIOBLE_ENOENT);
    assert_false(bond.local.there || bond.peer.there);
    assert_non_null(strstr(fake_env_log(bed->at.env), "makes no sense"));
    assert_null(strstr(fake_env_log(bed->at.env), "2233445566"));
    assert_false(ab_store_dirty(bed->store));
  }
  bond = sc_bond(&peer_a);
  assert_int_equal(ab_store_set_bond(bed->store, &bond), 0);
  reopen(bed);
  expect_bond(bed, &bond);
  assert_true(file_has(bed, "\"kept\"")); /* members we do not know */
  assert_true(file_has(bed, "\"note\""));
}

static void a_bond_is_with_an_identity(void **state) {
  static const char *const addresses[] = {"44:00:00:00:00:0a", "04:00:00:00:00:0a"};
  store_bed *bed = *state;
  char text[400];

  for (unsigned i = 0; i < 2; i++) { /* private ones */
    (void) snprintf(text, sizeof text,
                    "{\"version\": 1, \"peers\": [{\"address\": \"%s\", \"type\": \"random\","
                    " \"bond\": {" LEGACY "}}]}",
                    addresses[i]);
    load(bed, text);
    assert_int_equal(bonds(bed), 0);
  }
}

static void an_own_key_that_makes_no_sense_is_none(void **state) {
  static const char *const odd[] = {"5", "\"\"", "\"" ZERO "\"", "\"" KEY "0\"", "null"};
  store_bed *bed = *state;
  uint8_t irk[AB_STORE_KEY_LEN] = {1};
  char text[200];

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    (void) snprintf(text, sizeof text, "{\"version\": 1, \"identity\": {\"irk\": %s}}", odd[i]);
    load(bed, text);
    assert_false(ab_store_irk(bed->store, irk));
  }
  load(bed, "{\"version\": 1, \"identity\": 5}");
  assert_false(ab_store_irk(bed->store, irk));
  irk[0] = 1;
  assert_int_equal(ab_store_set_irk(bed->store, irk), 0);
  reopen(bed);
  assert_true(ab_store_irk(bed->store, irk));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_bed_set_up, store_bed_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(bonds_come_back),
      TEST(nothing_of_an_old_bond_is_left_in_a_new_one),
      TEST(counters_change_and_nothing_else_does),
      TEST(a_bonded_peer_is_never_dropped),
      TEST(a_thousand_bonds_are_read_again),
      TEST(our_own_key_comes_back),
      TEST(a_bond_written_by_hand_is_read),
      TEST(a_bond_that_makes_no_sense_is_as_if_there_were_none),
      TEST(a_bond_is_with_an_identity),
      TEST(an_own_key_that_makes_no_sense_is_none),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
