/* SPDX-License-Identifier: MIT */
/*
 * The JSON library has memory functions of its own, which cannot be given a stack's allocator: here
 * each of its allocations fails in turn.
 */
#include "store/store.h"

#include "helpers/store_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static unsigned allocations, fail_at, live;

static void *take(size_t size) {
  void *p = ++allocations == fail_at ? NULL : malloc(size);

  live += p != NULL;
  return p;
}

static void release(void *ptr) {
  live -= ptr != NULL;
  free(ptr);
}

static void fail_the(unsigned n) {
  allocations = 0;
  fail_at = n;
}

static int set_up(void **state) {
  fail_the(0);
  cJSON_InitHooks(&(cJSON_Hooks){take, release});
  return store_bed_set_up(state);
}

static int tear_down(void **state) {
  int result;

  fail_the(0);
  result = store_bed_tear_down(state);
  cJSON_InitHooks(NULL);
  assert_int_equal(live, 0);
  return result;
}

/* ---- what is set ---- */

static ab_store_bond bond_with(uint8_t octet) {
  ab_store_bond bond = {.addr = peer_a, .has_irk = true, .has_csrk = true, .key_size = 16};

  bond.local = (ab_store_ltk){.there = true, .rand = octet, .ediv = octet};
  memset(bond.local.key, octet, sizeof bond.local.key);
  memset(bond.irk, octet, sizeof bond.irk);
  memset(bond.csrk, octet, sizeof bond.csrk);
  return bond;
}

static int set_bond(store_bed *bed, uint8_t octet) {
  ab_store_bond bond = bond_with(octet);

  return ab_store_set_bond(bed->store, &bond);
}

static int get_bond(store_bed *bed) {
  ab_store_bond bond;

  return ab_store_bond_of(bed->store, &peer_a, &bond) < 0 ? -1 : bond.local.key[15];
}

static int set_key(store_bed *bed, uint8_t octet) {
  uint8_t irk[AB_STORE_KEY_LEN];

  memset(irk, octet, sizeof irk);
  return ab_store_set_irk(bed->store, irk);
}

static int get_key(store_bed *bed) {
  uint8_t irk[AB_STORE_KEY_LEN];

  return ab_store_irk(bed->store, irk) ? irk[15] : -1;
}

static int set_client(store_bed *bed, uint8_t octet) {
  ab_store_attr attrs[] = {
      {AB_STORE_PRIMARY, 1, 9, 0, 9, 9, 0, AIOBLE_UUID16(0x1800)},
      {AB_STORE_CHAR, 2, 0, 3, 0, 3, octet, AIOBLE_UUID16(0x2a00)},
  };

  return ab_store_set_gatt_client(bed->store, &peer_a,
                                  &(ab_store_gatt_client){.n = 2, .attrs = attrs});
}

static int get_client(store_bed *bed) {
  ab_store_gatt_client client;
  int properties;

  if (ab_store_gatt_client_of(bed->store, &peer_a, &client) < 0)
    return -1;
  properties = client.n ? client.attrs[1].properties : -1;
  ab_free(bed->at.env, client.attrs);
  return properties;
}

static int set_server(store_bed *bed, uint8_t octet) {
  ab_store_subscription subscription = {octet, 1};

  return ab_store_set_gatt_server(bed->store, &peer_a,
                                  &(ab_store_gatt_server){.n = 1, .subscriptions = &subscription});
}

static int get_server(store_bed *bed) {
  ab_store_gatt_server server;
  int handle;

  if (ab_store_gatt_server_of(bed->store, &peer_a, &server) < 0)
    return -1;
  handle = server.n ? server.subscriptions[0].handle : -1;
  ab_free(bed->at.env, server.subscriptions);
  return handle;
}

static const struct {
  int (*set)(store_bed *bed, uint8_t octet);
  int (*get)(store_bed *bed);
} parts[] = {
    {set_bond, get_bond}, {set_key, get_key}, {set_client, get_client}, {set_server, get_server}};

/* ---- tests ---- */

/* the parts that are set keep these members */
static const char of_a_later_version[] =
    "{\"version\":1,\"peers\":[{\"address\":\"d4:00:00:00:00:0a\",\"type\":\"random\","
    "\"gatt_client\":{\"later\":[1,\"x\"]},\"gatt_server\":{\"later\":{\"y\":2}}}]}";

static void what_cannot_be_set_is_as_it_was(void **state) {
  store_bed *bed = *state;

  load(bed, of_a_later_version);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    int err = AIOBLE_ENOMEM;

    for (unsigned n = 1; err < 0; n++) {
      int before = parts[i].get(bed);

      fail_the(n);
      err = parts[i].set(bed, 1);
      fail_the(0);
      assert_true(err == 0 || err == AIOBLE_ENOMEM);
      if (parts[i].get(bed) != (err ? before : 1))
        fail_msg("part %zu, allocation %u: %d and then %d", i, n, before, parts[i].get(bed));
    }
    for (unsigned n = 1; n == 1 || err < 0; n++) { /* in place of another */
      fail_the(n);
      err = parts[i].set(bed, 2);
      fail_the(0);
      assert_true(err == 0 || err == AIOBLE_ENOMEM);
      if (parts[i].get(bed) != (err ? 1 : 2))
        fail_msg("part %zu, replaced, allocation %u: %d, %d", i, n, err, parts[i].get(bed));
    }
  }
}

static void what_cannot_be_written_can_be_written_later(void **state) {
  store_bed *bed = *state;
  int err = AIOBLE_ENOMEM;

  assert_int_equal(set_bond(bed, 7), 0);
  for (unsigned n = 1; err < 0; n++) {
    fail_the(n);
    err = ab_store_flush(bed->store, bed->at.why);
    fail_the(0);
    assert_true(err == 0 || (err == AIOBLE_ENOMEM && ab_store_dirty(bed->store)));
  }
  reopen(bed);
  assert_int_equal(get_bond(bed), 7);
}

static void a_file_that_cannot_be_read_for_lack_of_memory_is_left_alone(void **state) {
  store_bed *bed = *state;

  assert_int_equal(set_bond(bed, 7), 0);
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  ab_store_close(bed->store); /* there is one at a time */
  bed->store = NULL;
  for (unsigned n = 1; !bed->store; n++) {
    fail_the(n);
    bed->store = store_place_open(&bed->at);
    fail_the(0);
    assert_true(bed->store || bed->at.err == AIOBLE_ENOMEM);
  }
  assert_int_equal(get_bond(bed), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_cannot_be_set_is_as_it_was),
      TEST(what_cannot_be_written_can_be_written_later),
      TEST(a_file_that_cannot_be_read_for_lack_of_memory_is_left_alone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
