/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"
#include "helpers/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const aioble_addr_t public_addr = {AIOBLE_ADDR_PUBLIC, {0x02, 1, 2, 3, 4, 5}};
static const aioble_addr_t static_addr = {AIOBLE_ADDR_RANDOM, {0xc0, 1, 2, 3, 4, 5}};
static const uint8_t hash[AB_GATT_HASH_LEN] = {1, 2, 3};

typedef struct peer_bed {
  client_bed *client;
  char *dir;
} peer_bed;

static int set_up(void **state) {
  peer_bed *bed = calloc(1, sizeof *bed);
  char path[100], why[AB_STORE_WHY];
  int err;

  assert_non_null(bed);
  bed->client = client_bed_new();
  bed->dir = temp_dir_new();
  (void) snprintf(path, sizeof path, "%s/store.json", bed->dir);
  bed->client->ble->store =
      ab_store_open(&bed->client->ble->env, &(ab_store_options){.path = path}, &err, why);
  assert_non_null(bed->client->ble->store);
  *state = bed;
  return 0;
}

static int tear_down(void **state) {
  peer_bed *bed = *state;
  aioble_t *ble = bed->client->ble;

  ab_timer_stop(&ble->env, &ble->save_timer);
  ab_store_close(ble->store);
  ble->store = NULL;
  client_bed_free(bed->client);
  temp_dir_free(bed->dir);
  free(bed);
  return 0;
}

static aioble_conn_t *conn_of(void **state) {
  return ((peer_bed *) *state)->client->conn;
}

/* a service with a characteristic, and what lies behind it is not known */
static void teach(aioble_conn_t *conn) {
  const ab_gatt_record records[] = {
      {.kind = AB_GATT_CACHE_PRIMARY,
       .handle = 1,
       .last = 9,
       .includes_to = 9,
       .contents_to = 5,
       .uuid = AIOBLE_UUID16(0x180f)},
      {.kind = AB_GATT_CACHE_CHAR,
       .handle = 4,
       .value = 5,
       .properties = 0x12,
       .contents_to = 5,
       .uuid = AIOBLE_UUID16(0x2a19)},
  };
  const ab_att_range unknown[AB_GATT_CACHE_LISTS] = {{10, 0xffff}, {1, 0}};

  assert_int_equal(ab_gatt_cache_import(&conn->cache.table, records, 2, unknown), 0);
  conn->cache.table.dirty = true;
  conn->cache.use = AIOBLE_CACHE_ALL;
  conn->cache.state = AB_CACHE_READY;
}

static void learn_and_save(aioble_conn_t *conn) {
  teach(conn);
  ab_gatt_cache_set_hash(&conn->cache.table, hash);
  ab_host_peer_save(conn);
}

static void load_again(aioble_conn_t *conn) {
  ab_gatt_cache_forget(&conn->cache.table);
  ab_host_peer_load(conn);
  assert_false(conn->cache.table.dirty);
}

static void what_is_kept_has_an_address_that_lasts(void **state) {
  aioble_conn_t *conn = conn_of(state);
  aioble_addr_t *addr = &conn->device->addr;

  assert_ptr_equal(ab_host_peer_key(conn), addr); /* random static */
  *addr = public_addr;
  assert_ptr_equal(ab_host_peer_key(conn), addr);
  *addr = (aioble_addr_t){AIOBLE_ADDR_RANDOM, {0x40, 1, 2, 3, 4, 5}}; /* resolvable */
  assert_null(ab_host_peer_key(conn));
  learn_and_save(conn);
  ab_host_peer_drop(conn);
  assert_false(ab_store_dirty(conn->ble->store));
  *addr = (aioble_addr_t){AIOBLE_ADDR_RANDOM, {0x00, 1, 2, 3, 4, 5}};
  assert_null(ab_host_peer_key(conn));
  conn->bonded = true;
  conn->identity = static_addr;
  assert_ptr_equal(ab_host_peer_key(conn), &conn->identity);
}

static void a_table_comes_back_as_it_was(void **state) {
  aioble_conn_t *conn = conn_of(state);
  ab_gatt_cache *table = &conn->cache.table;

  learn_and_save(conn);
  load_again(conn);
  assert_int_equal(table->n, 2);
  assert_memory_equal(table->hash, hash, sizeof hash);
  assert_int_equal(table->unknown[AB_GATT_CACHE_PRIMARY].first, 10);
  assert_true(table->unknown[AB_GATT_CACHE_SECONDARY].first >
              table->unknown[AB_GATT_CACHE_SECONDARY].last);
  assert_int_equal(table->records[0].last, 9);
  assert_int_equal(table->records[0].includes_to, 9);
  assert_int_equal(table->records[1].kind, AB_GATT_CACHE_CHAR);
  assert_int_equal(table->records[1].value, 5);
  assert_int_equal(table->records[1].properties, 0x12);
  assert_int_equal(table->records[1].contents_to, 5);
  ab_host_peer_drop(conn);
  load_again(conn);
  assert_int_equal(table->n, 0);
}

static void one_that_is_off_or_as_it_was_is_not_saved(void **state) {
  aioble_conn_t *conn = conn_of(state);

  teach(conn);
  ab_gatt_cache_set_hash(&conn->cache.table, hash);
  conn->cache.table.dirty = false;
  ab_host_peer_save(conn);
  conn->cache.table.dirty = true;
  conn->cache.state = AB_CACHE_OFF;
  ab_host_peer_save(conn);
  assert_false(ab_store_dirty(conn->ble->store));
  assert_false(conn->ble->save_timer.running);
}

static void one_without_a_hash_is_kept_of_a_bonded_peer_only(void **state) {
  aioble_conn_t *conn = conn_of(state);

  teach(conn);
  ab_host_peer_save(conn);
  assert_false(ab_store_dirty(conn->ble->store));
  conn->identity = static_addr;
  conn->bonded = true;
  ab_host_peer_save(conn);
  assert_true(conn->ble->save_timer.running);
  load_again(conn);
  assert_int_equal(conn->cache.table.n, 2);
  conn->bonded = false; /* the bond has gone, the table was left */
  load_again(conn);
  assert_int_equal(conn->cache.table.n, 0);
}

static void whom_we_asked_to_tell_is_known_as_long_as_the_bond(void **state) {
  aioble_conn_t *conn = conn_of(state);

  conn->cache.asked = true;
  learn_and_save(conn);
  load_again(conn);
  assert_false(conn->cache.asked);
  conn->identity = static_addr;
  conn->cache.asked = conn->bonded = true;
  conn->cache.state = AB_CACHE_READY;
  learn_and_save(conn);
  load_again(conn);
  assert_true(conn->cache.asked);
}

static void a_table_that_makes_no_sense_is_left_alone(void **state) {
  aioble_conn_t *conn = conn_of(state);
  ab_store_attr attr = {AB_STORE_CHAR, 3, 0, 4, 0, 9, 2, AIOBLE_UUID16(0x2a00)};
  ab_store_gatt_client odd = {.n = 1, .attrs = &attr, .hash = {1}, .changes_asked = true};

  conn->identity = static_addr;
  conn->bonded = true;
  assert_int_equal(ab_store_set_gatt_client(conn->ble->store, &static_addr, &odd), 0);
  load_again(conn);
  assert_int_equal(conn->cache.table.n, 0);
  assert_false(conn->cache.asked);
}

static void without_a_store_nothing_is_kept(void **state) {
  aioble_conn_t *conn = conn_of(state);
  ab_store *store = conn->ble->store;

  conn->ble->store = NULL;
  conn->identity = static_addr;
  conn->bonded = true;
  learn_and_save(conn);
  ab_host_peer_drop(conn);
  ab_host_peer_restore(conn);
  load_again(conn);
  ab_host_save(conn->ble);
  assert_int_equal(conn->cache.table.n, 0);
  conn->ble->store = store;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_kept_has_an_address_that_lasts),
      TEST(a_table_comes_back_as_it_was),
      TEST(one_that_is_off_or_as_it_was_is_not_saved),
      TEST(one_without_a_hash_is_kept_of_a_bonded_peer_only),
      TEST(whom_we_asked_to_tell_is_known_as_long_as_the_bond),
      TEST(a_table_that_makes_no_sense_is_left_alone),
      TEST(without_a_store_nothing_is_kept),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
