/* SPDX-License-Identifier: MIT */
/* Bonds outlive the stacks that made them, with all that belongs to them, until they are deleted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/cached_pair.h"
#include "helpers/temp_dir.h"

static void meet_and_pair(cached_pair *p, const aioble_pair_options_t *options) {
  cached_pair_meet(p, NULL);
  assert_false(aioble_conn_security(p->at_client).encrypted);
  sim_expect(aioble_conn_pair(p->at_client, options), 0);
  sim_run_ms(&p->s, 100);
  assert_int_equal(aioble_bonds(p->client, NULL, 0), 1);
  assert_int_equal(aioble_bonds(p->server, NULL, 0), 1);
}

static void restart_both(cached_pair *p) {
  cached_pair_restart_client(p);
  cached_pair_restart_server(p);
}

static void set(cached_pair *p, unsigned what) {
  aioble_client_char_t *level = cached_pair_char(p, 0x180f, 0x2a19);

  sim_expect(aioble_client_char_subscribe(level, what), 0);
  aioble_client_char_unref(level);
  sim_run_ms(&p->s, 100);
}

static void subscribe(cached_pair *p) {
  set(p, AIOBLE_SUBSCRIBE_NOTIFY);
}

static bool file_has(const cached_pair *p, const char *name, const char *what) {
  char text[16000];

  temp_dir_read(p->dir, name, text, sizeof text);
  return strstr(text, what) != NULL;
}

static unsigned subscribed(const cached_pair *p) {
  return aioble_char_subscribed(p->level, p->at_server);
}

static void expect_bonded(const cached_pair *p) {
  assert_true(aioble_conn_security(p->at_client).bonded);
  assert_true(aioble_conn_security(p->at_server).bonded);
}

/* it arrives, and nobody has subscribed on this link */
static void expect_notification(cached_pair *p) {
  aioble_client_char_t *level = cached_pair_char(p, 0x180f, 0x2a19);

  assert_int_equal(p->requests, 1); /* the hash */
  assert_int_equal(p->hash_reads, 1);
  sim_expect(aioble_char_notify(p->level, p->at_server, "7", 1), 0);
  sim_expect(aioble_client_char_notified(level), 0);
  assert_int_equal(p->requests, 1);
  aioble_client_char_unref(level);
}

static aioble_bond_t bond_of(aioble_t *ble) {
  aioble_bond_t bond;

  assert_int_equal(aioble_bonds(ble, &bond, 1), 1);
  return bond;
}

static void a_bond_outlives_a_restart_of_both(void **state) {
  (void) state;
  for (unsigned legacy = 0; legacy < 2; legacy++) {
    const aioble_pair_options_t options = {.le_secure = legacy ? AIOBLE_LE_SECURE_NEVER
                                                               : AIOBLE_LE_SECURE_REQUIRED};
    cached_pair *p = cached_pair_new(NULL);
    aioble_bond_t bond;

    assert_int_equal(aioble_config_set(p->server, "le_secure", "false"), 0);
    meet_and_pair(p, &options);
    (void) cached_pair_discover(p, NULL, NULL);
    subscribe(p);
    for (unsigned i = 0; i < 2; i++) {
      cached_pair_part(p);
      restart_both(p);
      cached_pair_meet(p, NULL); /* resolves when the link is encrypted */
      expect_bonded(p);
      bond = bond_of(p->client);
      assert_int_equal(bond.secure_connections, !legacy);
      expect_notification(p);
    }
    cached_pair_free(p);
  }
}

/* nothing but a file would be lost with a program that ends without closing */
static void a_bond_is_on_the_disk_when_the_pairing_ends(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  meet_and_pair(p, NULL);
  assert_true(file_has(p, "client.json", "\"bond\"") && file_has(p, "client.json", "\"irk\""));
  assert_true(file_has(p, "server.json", "\"bond\"") && file_has(p, "server.json", "\"irk\""));
  cached_pair_free(p);
}

/* what peers know us by */
static void our_own_key_stays(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  ab_key16 irk;

  (void) state;
  meet_and_pair(p, NULL);
  irk = p->client->smp.irk;
  cached_pair_part(p);
  restart_both(p);
  cached_pair_meet(p, NULL);
  assert_memory_equal(&p->client->smp.irk, &irk, sizeof irk);
  cached_pair_free(p);
}

/* ---- deleted ---- */

static void delete_bonds(cached_pair *p) {
  aioble_bond_t at_client = bond_of(p->client), at_server = bond_of(p->server);

  assert_int_equal(aioble_bond_delete(p->client, &at_client.addr), 0);
  assert_int_equal(aioble_bond_delete(p->server, &at_server.addr), 0);
}

static void expect_strangers(cached_pair *p) {
  cached_pair_meet(p, NULL);
  assert_int_equal(aioble_bonds(p->client, NULL, 0), 0);
  assert_int_equal(aioble_bonds(p->server, NULL, 0), 0);
  assert_false(aioble_conn_security(p->at_client).encrypted);
  assert_int_equal(subscribed(p), 0);
  cached_pair_part(p);
}

static void a_deleted_bond_takes_all_that_was_kept_with_it(void **state) {
  (void) state;
  for (unsigned connected = 0; connected < 2; connected++) {
    cached_pair *p = cached_pair_new(NULL);

    meet_and_pair(p, NULL);
    (void) cached_pair_discover(p, NULL, NULL);
    subscribe(p);
    cached_pair_part(p);
    cached_pair_meet(p, NULL);
    if (!connected)
      cached_pair_part(p);
    delete_bonds(p);
    if (connected) {
      assert_true(aioble_conn_security(p->at_client).encrypted);
      assert_false(aioble_conn_security(p->at_client).bonded);
      cached_pair_add_extra(p); /* there is something new to keep at both, for nobody */
      set(p, 0);
      subscribe(p);
      cached_pair_part(p);
    }
    restart_both(p);
    assert_false(file_has(p, "client.json", "\"address\""));
    assert_false(file_has(p, "server.json", "\"address\""));
    expect_strangers(p);
    meet_and_pair(p, NULL); /* the new bond has nothing of the old one */
    assert_int_equal(subscribed(p), 0);
    assert_true(cached_pair_cost(p) > 10);
    cached_pair_free(p);
  }
}

/* the file would bring it back */
static void a_bond_can_be_deleted_while_the_adapter_is_closed(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  aioble_addr_t client, server;

  (void) state;
  meet_and_pair(p, NULL);
  client = bond_of(p->server).addr;
  server = bond_of(p->client).addr;
  cached_pair_part(p);
  sim_expect(aioble_close(p->client), 0);
  assert_int_equal(aioble_bond_delete(p->client, &server), 0);
  assert_null(p->client->store);
  cached_pair_restart_server(p);
  assert_int_equal(aioble_bond_delete(p->server, &client), 0); /* it was not open yet */
  assert_int_equal(aioble_bond_delete(p->server, &client), AIOBLE_ENOENT);
  cached_pair_restart_client(p);
  assert_int_equal(aioble_bond_delete(p->client, &server), AIOBLE_ENOENT);
  expect_strangers(p);
  cached_pair_free(p);
}

/* ---- replaced ---- */

static void a_new_bond_begins_with_what_is_set_now(void **state) {
  const aioble_pair_options_t legacy = {.le_secure = AIOBLE_LE_SECURE_NEVER};
  cached_pair *p = cached_pair_new(NULL);
  aioble_bond_t at_client;

  (void) state;
  assert_int_equal(aioble_config_set(p->server, "le_secure", "false"), 0);
  meet_and_pair(p, &legacy);
  subscribe(p);
  cached_pair_part(p);
  at_client = bond_of(p->client);
  assert_int_equal(aioble_bond_delete(p->client, &at_client.addr), 0);
  cached_pair_meet(p, NULL); /* the client has forgotten it; the server has not */
  p->server->smp.policy.repair = true;
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_run_ms(&p->s, 100);
  expect_bonded(p);
  assert_int_equal(subscribed(p), 0);
  cached_pair_part(p);
  restart_both(p);
  cached_pair_meet(p, NULL);
  expect_bonded(p);
  assert_int_equal(subscribed(p), 0);
  cached_pair_free(p);
}

/* what was set before the pairing belongs to the bond, too */
static void a_first_bond_begins_with_what_is_set_now(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  cached_pair_meet(p, NULL);
  subscribe(p);
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_run_ms(&p->s, 100);
  assert_int_equal(subscribed(p), AIOBLE_SUBSCRIBE_NOTIFY);
  cached_pair_part(p);
  restart_both(p);
  cached_pair_meet(p, NULL);
  assert_int_equal(subscribed(p), AIOBLE_SUBSCRIBE_NOTIFY);
  cached_pair_free(p);
}

/* ---- a file that is not ours alone ---- */

static void a_bond_that_makes_no_sense_is_none(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  char text[8000], *size;

  (void) state;
  meet_and_pair(p, NULL);
  cached_pair_part(p);
  cached_pair_restart_client(p); /* which is not open */
  temp_dir_read(p->dir, "client.json", text, sizeof text);
  size = strstr(text, "\"key_size\"");
  assert_non_null(size);
  size[1] = 'x';
  temp_dir_write(p->dir, "client.json", text);
  cached_pair_meet(p, NULL);
  assert_int_equal(aioble_bonds(p->client, NULL, 0), 0);
  assert_false(aioble_conn_security(p->at_client).encrypted);
  cached_pair_free(p);
}

/* a bonded peer is not taken for a stranger because memory was short once */
static void without_memory_for_the_bonds_the_adapter_does_not_open(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned failed = 0;

  (void) state;
  meet_and_pair(p, NULL);
  cached_pair_part(p);
  for (size_t i = 1; i < 20; i++) {
    aioble_op_t *op;

    cached_pair_restart_client(p);
    p->s.fail_at = p->s.allocations + i;
    op = aioble_open(p->client);
    failed += aioble_op_await(op) == AIOBLE_ENOMEM;
    assert_true(aioble_op_status(op) < 0 || aioble_bonds(p->client, NULL, 0) == 1);
    aioble_op_unref(op);
    p->s.fail_at = 0;
    sim_expect(aioble_open(p->client), 0);
    assert_int_equal(aioble_bonds(p->client, NULL, 0), 1);
  }
  assert_true(failed > 2);
  cached_pair_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bond_outlives_a_restart_of_both),
      cmocka_unit_test(a_bond_is_on_the_disk_when_the_pairing_ends),
      cmocka_unit_test(our_own_key_stays),
      cmocka_unit_test(a_deleted_bond_takes_all_that_was_kept_with_it),
      cmocka_unit_test(a_bond_can_be_deleted_while_the_adapter_is_closed),
      cmocka_unit_test(a_new_bond_begins_with_what_is_set_now),
      cmocka_unit_test(a_first_bond_begins_with_what_is_set_now),
      cmocka_unit_test(a_bond_that_makes_no_sense_is_none),
      cmocka_unit_test(without_memory_for_the_bonds_the_adapter_does_not_open),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
