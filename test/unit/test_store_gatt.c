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

/* a file in which peer_a has that part */
static void load_part(store_bed *bed, const char *name, const char *part) {
  size_t size = strlen(part) + 200;
  char *text = malloc(size);

  assert_non_null(text);
  (void) snprintf(text, size,
                  "{\"version\": 1, \"peers\": [{\"address\": \"d4:00:00:00:00:0a\","
                  " \"type\": \"random\", \"kept\": 7, \"%s\": %s}]}",
                  name, part);
  load(bed, text);
  free(text);
}

static int client_of(store_bed *bed, ab_store_gatt_client *client) {
  return ab_store_gatt_client_of(bed->store, &peer_a, client);
}

static int server_of(store_bed *bed, ab_store_gatt_server *server) {
  return ab_store_gatt_server_of(bed->store, &peer_a, server);
}

/* ---- what was kept comes back ---- */

static void a_table_comes_back(void **state) {
  store_bed *bed = *state;
  ab_store_attr attrs[] = {
      {AB_STORE_PRIMARY, 1, 9, 0, 9, 5, 0, AIOBLE_UUID16(0x1800)},
      {AB_STORE_INCLUDE, 2, 29, 20, 0, 0, 0, AIOBLE_UUID16(0x180f)},
      {AB_STORE_CHAR,
       3,
       0,
       4,
       0,
       9,
       0xff,
       {16, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}},
      {AB_STORE_DESC, 5, 0, 0, 0, 0, 0, AIOBLE_UUID16(0x2902)},
      {AB_STORE_SERVICE, 20, 29, 0, 20, 20, 0, AIOBLE_UUID16(0x180f)},
      {AB_STORE_SECONDARY, 0xffff, 0xffff, 0, 0xffff, 0xffff, 0, AIOBLE_UUID16(0)},
  };
  ab_store_gatt_client client = {
      {0xde, 0xad, [15] = 1}, true, {{30, 0xffff}, {1, 0}}, sizeof attrs / sizeof *attrs, attrs};
  ab_store_gatt_client out;

  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  reopen(bed);
  assert_int_equal(client_of(bed, &out), 0);
  assert_memory_equal(out.hash, client.hash, sizeof out.hash);
  assert_true(out.changes_asked);
  assert_memory_equal(out.unlisted, client.unlisted, sizeof out.unlisted);
  assert_int_equal(out.n, client.n);
  for (unsigned i = 0; i < out.n; i++) {
    const ab_store_attr *a = &out.attrs[i], *b = &attrs[i];

    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->handle, b->handle);
    assert_int_equal(a->last, b->last);
    assert_int_equal(a->value, b->value);
    assert_int_equal(a->includes_to, b->includes_to);
    assert_int_equal(a->contents_to, b->contents_to);
    assert_int_equal(a->properties, b->properties);
    assert_memory_equal(&a->uuid, &b->uuid, sizeof a->uuid);
  }
  ab_free(bed->at.env, out.attrs);
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  assert_false(ab_store_dirty(bed->store));
}

static void subscriptions_come_back(void **state) {
  store_bed *bed = *state;
  ab_store_subscription subscriptions[] = {{8, 1}, {12, 3}, {0xffff, 2}};
  ab_store_gatt_server server = {{[3] = 0xab}, 7, 3, subscriptions}, out;

  assert_int_equal(ab_store_set_gatt_server(bed->store, &peer_a, &server), 0);
  reopen(bed);
  assert_int_equal(server_of(bed, &out), 0);
  assert_memory_equal(out.hash, server.hash, sizeof out.hash);
  assert_int_equal(out.features, 7);
  assert_int_equal(out.n, 3);
  assert_memory_equal(out.subscriptions, subscriptions, sizeof subscriptions);
  ab_free(bed->at.env, out.subscriptions);
}

static void nothing_much_comes_back_too(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client = {.unlisted = {{1, 0}, {1, 0xffff}}};
  ab_store_gatt_server server = {.features = 0};

  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  assert_int_equal(ab_store_set_gatt_server(bed->store, &peer_a, &server), 0);
  reopen(bed);
  memset(&client, 0xa5, sizeof client);
  memset(&server, 0xa5, sizeof server);
  assert_int_equal(client_of(bed, &client), 0);
  assert_int_equal(client.n, 0);
  assert_null(client.attrs);
  assert_int_equal(client.hash[0], 0);
  assert_int_equal(client.unlisted[0].last, 0);
  assert_int_equal(client.unlisted[1].last, 0xffff);
  assert_int_equal(server_of(bed, &server), 0);
  assert_int_equal(server.n, 0);
  assert_int_equal(server.features, 0);
}

static void one_part_does_not_touch_the_other(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client = {.hash = {9}};

  load_part(bed, "gatt_server", "{\"features\": 3}");
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 3);
  assert_int_equal(client_of(bed, &client), 0);
  assert_int_equal(client.hash[0], 9);
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, NULL), 0);
  reopen(bed);
  assert_int_equal(kept(bed, &peer_a), 3);
  assert_int_equal(client_of(bed, &client), AIOBLE_ENOENT);
  assert_true(file_has(bed, "\"kept\""));
}

/* ---- files by other hands ---- */

#define HASH "\"00112233445566778899aabbccddeeff\""

static void a_part_written_by_hand_is_read(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client;
  ab_store_gatt_server server;

  load_part(bed, "gatt_client", "{}");
  assert_int_equal(client_of(bed, &client), 0);
  assert_int_equal(client.n, 0);
  load_part(bed, "gatt_client",
            "{\"hash\": " HASH ", \"unlisted_primary\": [3, 9], \"attributes\": [{\"handle\": 1,"
            " \"kind\": \"primary\", \"uuid\": \"0x1800\", \"last\": 2, \"note\": []}]}");
  assert_int_equal(client_of(bed, &client), 0);
  assert_int_equal(client.hash[15], 0xff);
  assert_int_equal(client.unlisted[0].first, 3);
  assert_int_equal(client.n, 1);
  assert_int_equal(client.attrs[0].last, 2);
  ab_free(bed->at.env, client.attrs);
  load_part(bed, "gatt_server", "{\"subscriptions\": [{\"handle\": 1}, {\"handle\": 2}]}");
  assert_int_equal(server_of(bed, &server), 0);
  assert_int_equal(server.n, 2);
  ab_free(bed->at.env, server.subscriptions);
}

#define PART(attrs) "{\"attributes\": [" attrs "]}"
#define ATTR(handle, more) \
  "{\"handle\": " handle ", \"kind\": \"descriptor\", \"uuid\": \"2902\"" more "}"
static const char *const odd_tables[] = {
    "5",
    "null",
    "[]",
    "\"text\"",
    "{\"hash\": 5}",
    "{\"hash\": \"\"}",
    "{\"hash\": \"00112233445566778899aabbccddeef\"}",
    "{\"hash\": \"00112233445566778899aabbccddeeff0\"}",
    "{\"hash\": \"00112233445566778899aabbccddeexx\"}",
    "{\"unlisted_primary\": 5}",
    "{\"unlisted_primary\": {\"a\": 1, \"b\": 2}}",
    "{\"unlisted_primary\": [1]}",
    "{\"unlisted_primary\": [1, 2, 3]}",
    "{\"unlisted_primary\": [0, 2]}",
    "{\"unlisted_primary\": [3, 2]}",
    "{\"unlisted_primary\": [1, 65536]}",
    "{\"unlisted_secondary\": [\"1\", 2]}",
    "{\"attributes\": 5}",
    "{\"attributes\": {}}",
    "{\"attributes\": null}",
    PART("5"),
    PART("null"),
    PART("[]"),
    PART("{}"),
    PART(ATTR("0", "")),
    PART(ATTR("-1", "")),
    PART(ATTR("65536", "")),
    PART(ATTR("1e999", "")),
    PART(ATTR("1.5", "")),
    PART(ATTR("\"1\"", "")),
    PART(ATTR("true", "")),
    PART(ATTR("1", ", \"last\": 65536")),
    PART(ATTR("1", ", \"last\": -1")),
    PART(ATTR("1", ", \"value\": []")),
    PART(ATTR("1", ", \"includes_to\": 1e9")),
    PART(ATTR("1", ", \"contents_to\": 0.1")),
    PART(ATTR("1", ", \"properties\": 256")),
    PART("{\"handle\": 1, \"kind\": \"descriptor\"}"),
    PART("{\"handle\": 1, \"uuid\": \"2902\"}"),
    PART("{\"kind\": \"descriptor\", \"uuid\": \"2902\"}"),
    PART("{\"handle\": 1, \"kind\": \"none\", \"uuid\": \"2902\"}"),
    PART("{\"handle\": 1, \"kind\": 5, \"uuid\": \"2902\"}"),
    PART("{\"handle\": 1, \"kind\": \"descriptor\", \"uuid\": \"290\"}"),
    PART("{\"handle\": 1, \"kind\": \"descriptor\", \"uuid\": 2902}"),
    PART(ATTR("1", "") "," ATTR("1", "")),
    PART(ATTR("2", "") "," ATTR("1", "")),
    PART(ATTR("1", "") ", 5"),
};

static void a_table_that_makes_no_sense_is_as_if_there_were_none(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client;

  for (size_t i = 0; i < sizeof odd_tables / sizeof *odd_tables; i++) {
    load_part(bed, "gatt_client", odd_tables[i]);
    assert_int_equal(client_of(bed, &client), AIOBLE_ENOENT);
    assert_non_null(strstr(fake_env_log(bed->at.env), "makes no sense"));
    assert_false(ab_store_dirty(bed->store));
  }
  client = (ab_store_gatt_client){.hash = {9}};
  assert_int_equal(ab_store_set_gatt_client(bed->store, &peer_a, &client), 0);
  assert_int_equal(client_of(bed, &client), 0);
  assert_true(file_has(bed, "\"kept\""));
}

static void subscriptions_that_make_no_sense_are_as_if_there_were_none(void **state) {
  static const char *const odd[] = {
      "5",
      "[]",
      "{\"features\": 256}",
      "{\"features\": -1}",
      "{\"features\": \"1\"}",
      "{\"hash\": \"0\"}",
      "{\"subscriptions\": 5}",
      "{\"subscriptions\": [5]}",
      "{\"subscriptions\": [{\"value\": 1}]}",
      "{\"subscriptions\": [{\"handle\": 0, \"value\": 1}]}",
      "{\"subscriptions\": [{\"handle\": 1, \"value\": 65536}]}",
      "{\"subscriptions\": [{\"handle\": 1}, {\"handle\": 1}]}",
  };
  store_bed *bed = *state;
  ab_store_gatt_server server;

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    load_part(bed, "gatt_server", odd[i]);
    assert_int_equal(server_of(bed, &server), AIOBLE_ENOENT);
    assert_non_null(strstr(fake_env_log(bed->at.env), "makes no sense"));
  }
}

/* n entries, each as good as any */
static char *many(const char *name, unsigned n, const char *more) {
  char *text = malloc(64 + (size_t) n * (32 + strlen(more))), *at = text;

  assert_non_null(text);
  at += sprintf(at, "{\"%s\": [", name);
  for (unsigned i = 1; i <= n; i++)
    at += sprintf(at, "%s{\"handle\": %u%s}", i == 1 ? "" : ",", i, more);
  (void) strcpy(at, "]}");
  return text;
}

static void more_than_can_be_is_not_read(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client;
  ab_store_gatt_server server;

  for (unsigned over = 0; over < 2; over++) {
    char *attrs = many("attributes", AB_STORE_ATTRS_MAX + over,
                       ", \"kind\": \"descriptor\", \"uuid\": \"2902\"");
    char *subscriptions = many("subscriptions", AB_STORE_SUBSCRIPTIONS_MAX + over, "");

    load_part(bed, "gatt_client", attrs);
    assert_int_equal(client_of(bed, &client), over ? AIOBLE_ENOENT : 0);
    ab_free(bed->at.env, client.attrs);
    load_part(bed, "gatt_server", subscriptions);
    assert_int_equal(server_of(bed, &server), over ? AIOBLE_ENOENT : 0);
    ab_free(bed->at.env, server.subscriptions);
    free(attrs);
    free(subscriptions);
  }
}

static void no_memory_is_an_error(void **state) {
  store_bed *bed = *state;
  ab_store_gatt_client client;

  load_part(bed, "gatt_client", PART(ATTR("1", "")));
  fake_env_fail_at(bed->at.env, 1);
  assert_int_equal(client_of(bed, &client), AIOBLE_ENOMEM);
  assert_null(client.attrs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_bed_set_up, store_bed_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_table_comes_back),
      TEST(subscriptions_come_back),
      TEST(nothing_much_comes_back_too),
      TEST(one_part_does_not_touch_the_other),
      TEST(a_part_written_by_hand_is_read),
      TEST(a_table_that_makes_no_sense_is_as_if_there_were_none),
      TEST(subscriptions_that_make_no_sense_are_as_if_there_were_none),
      TEST(more_than_can_be_is_not_read),
      TEST(no_memory_is_an_error),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
