/* SPDX-License-Identifier: MIT */
/* What the stack knows of private addresses: those of its bonds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/client_bed.h"

static const aioble_addr_t stranger = {AIOBLE_ADDR_RANDOM, {0x40, 1, 2, 3, 4, 5}};

static ab_bond *add(aioble_t *ble, uint8_t i, bool has_irk) {
  ab_bond *bond = ab_smp_bond_new(&ble->smp);

  assert_non_null(bond);
  bond->addr = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {0, 0, 0, 0, 0, i}};
  bond->has_irk = has_irk;
  bond->irk = (ab_key16){{i}};
  assert_int_equal(ab_smp_bond_add(&ble->smp, bond), 0);
  return bond;
}

/* a private address of the peer with that bond */
static aioble_addr_t address_of(aioble_t *ble, const ab_bond *bond) {
  ab_key16 own = ble->smp.irk;
  aioble_addr_t addr;

  ble->smp.irk = bond->irk;
  ble->smp.has_irk = true;
  assert_int_equal(ab_host_private_address(ble, &addr), 0);
  ble->smp.irk = own;
  return addr;
}

static void the_youngest_bonds_with_a_key_matter_most(void **state) {
  client_bed *bed = client_bed_new();
  ab_key16 zero = {{0}};
  ab_gap_peer peer;

  (void) state;
  assert_false(ab_host_private_peer(bed->ble, 0, &peer));
  add(bed->ble, 1, true);
  add(bed->ble, 2, false);
  add(bed->ble, 3, true);
  assert_true(ab_host_private_peer(bed->ble, 0, &peer));
  assert_int_equal(peer.identity.bytes[5], 3);
  assert_int_equal(peer.irk.b[0], 3);
  assert_true(ab_host_private_peer(bed->ble, 1, &peer));
  assert_int_equal(peer.identity.bytes[5], 1);
  assert_false(ab_host_private_peer(bed->ble, 2, &peer));
  assert_memory_equal(&peer.local_irk, &zero, sizeof zero);
  client_bed_free(bed);
}

/* the controller is to make no private addresses of ours that nobody asked for */
static void our_key_is_used_only_if_we_hide(void **state) {
  client_bed *bed = client_bed_new();
  ab_gap_peer peer;

  (void) state;
  add(bed->ble, 1, true);
  bed->ble->smp.irk = (ab_key16){{0x77}};
  bed->ble->config.private_address = true;
  assert_true(ab_host_private_peer(bed->ble, 0, &peer));
  assert_memory_equal(&peer.local_irk, &bed->ble->smp.irk, sizeof peer.local_irk);
  client_bed_free(bed);
}

static void whose_an_address_is_the_bonds_tell(void **state) {
  client_bed *bed = client_bed_new();
  const ab_bond *bond = add(bed->ble, 1, true);
  aioble_addr_t addr = address_of(bed->ble, bond);

  (void) state;
  assert_ptr_equal(ab_host_resolve(bed->ble, &addr), &bond->addr);
  assert_ptr_equal(ab_host_identity_of(bed->ble, &addr), &bond->addr);
  assert_ptr_equal(ab_host_identity_of(bed->ble, &stranger), &stranger);
  assert_null(ab_host_resolve(bed->ble, &stranger));
  assert_true(ab_host_is_private(bed->ble, &bond->addr));
  assert_false(ab_host_is_private(bed->ble, &stranger));
  bond = add(bed->ble, 2, false);
  assert_false(ab_host_is_private(bed->ble, &bond->addr));
  client_bed_free(bed);
}

/* one that shows an address which lasts is who it was */
static void a_peer_is_who_it_says_if_it_has_hidden_before(void **state) {
  client_bed *bed = client_bed_new();
  const aioble_addr_t identity = {AIOBLE_ADDR_PUBLIC, {1, 2, 3, 4, 5, 6}};
  aioble_addr_t *device = &bed->conn->device->addr, before = *device;

  (void) state;
  bed->conn->link.peer = before;
  ab_host_identified(bed->conn, &identity);
  assert_true(aioble_addr_equal(device, &before));
  bed->conn->link.peer = *device = stranger;
  ab_host_identified(bed->conn, &identity);
  assert_true(aioble_addr_equal(device, &identity));
  assert_true(aioble_addr_equal(&bed->conn->link.peer, &identity));
  *device = before;
  client_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_youngest_bonds_with_a_key_matter_most),
      cmocka_unit_test(our_key_is_used_only_if_we_hide),
      cmocka_unit_test(whose_an_address_is_the_bonds_tell),
      cmocka_unit_test(a_peer_is_who_it_says_if_it_has_hidden_before),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
