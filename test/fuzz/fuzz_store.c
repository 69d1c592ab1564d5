/* SPDX-License-Identifier: MIT */
/*
 * The JSON of a store: all of it is read for the peers of the corpus, what could be read is set
 * again, which must not change anything. The same text as a file of MicroPython's aioble: whatever
 * comes of it can be kept.
 */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

static const aioble_addr_t peers[] = {
    {AIOBLE_ADDR_RANDOM, {0xd4, 0, 0, 0, 0, 0x0a}},
    {AIOBLE_ADDR_PUBLIC, {0, 0, 0, 0, 0, 1}},
};

static void check(bool ok) {
  if (!ok)
    abort();
}

static void server_again(ab_store *store, const aioble_addr_t *peer) {
  ab_store_gatt_server server, again;

  if (ab_store_gatt_server_of(store, peer, &server) < 0)
    return;
  check(ab_store_set_gatt_server(store, peer, &server) == 0);
  check(ab_store_gatt_server_of(store, peer, &again) == 0);
  check(again.n == server.n && again.features == server.features);
  check(memcmp(again.hash, server.hash, sizeof again.hash) == 0);
  check(!server.n || memcmp(again.subscriptions, server.subscriptions,
                            server.n * sizeof *server.subscriptions) == 0);
  ab_free(store->env, server.subscriptions);
  ab_free(store->env, again.subscriptions);
  store->dirty = false;
  check(ab_store_set_gatt_server(store, peer, NULL) == 0 && store->dirty);
}

static void client_again(ab_store *store, const aioble_addr_t *peer) {
  ab_store_gatt_client client, again;

  if (ab_store_gatt_client_of(store, peer, &client) < 0)
    return;
  check(ab_store_set_gatt_client(store, peer, &client) == 0);
  check(ab_store_gatt_client_of(store, peer, &again) == 0);
  check(again.n == client.n && memcmp(again.hash, client.hash, sizeof again.hash) == 0);
  check(memcmp(again.unlisted, client.unlisted, sizeof again.unlisted) == 0);
  for (unsigned i = 0; i < client.n; i++)
    check(again.attrs[i].kind == client.attrs[i].kind &&
          again.attrs[i].handle == client.attrs[i].handle &&
          again.attrs[i].contents_to == client.attrs[i].contents_to &&
          aioble_uuid_equal(&again.attrs[i].uuid, &client.attrs[i].uuid));
  ab_free(store->env, client.attrs);
  ab_free(store->env, again.attrs);
}

static void bond_again(ab_store *store, const aioble_addr_t *peer) {
  ab_store_bond bond, again;

  if (ab_store_bond_of(store, peer, &bond) < 0)
    return;
  check(ab_store_set_bond(store, &bond) == 0);
  check(ab_store_bond_of(store, peer, &again) == 0);
  check(memcmp(again.local.key, bond.local.key, sizeof again.local.key) == 0);
  check(memcmp(again.irk, bond.irk, sizeof again.irk) == 0 && again.has_irk == bond.has_irk);
  check(again.local.rand == bond.local.rand && again.peer.ediv == bond.peer.ediv);
  check(again.sc == bond.sc && again.authenticated == bond.authenticated);
}

static void keep_it(void *ctx, const ab_store_bond *bond) {
  ab_store_bond kept;

  check(ab_store_set_bond(ctx, bond) == 0);
  check(ab_store_bond_of(ctx, &bond->addr, &kept) == 0);
}

/* into an empty store */
static void import(ab_env *env, const char *text, size_t len) {
  static const char empty[] = "{\"version\": 1}";
  char path[] = "-";
  ab_store store = {.env = env, .path = path};
  ab_store_imported got;

  check(ab_store_parse(&store, empty, sizeof empty - 1) == 0);
  (void) ab_store_import_text(env, text, len, &got, keep_it, &store);
  cJSON_Delete(store.root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  ab_env env = {.mem = ab_libc_allocator};
  char path[] = "-";
  ab_store store = {.env = &env, .path = path};
  char *text = ab_memdup(&env, bytes, len);

  if (text && ab_store_parse(&store, text, len) == 0) {
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
      client_again(&store, &peers[i]);
      server_again(&store, &peers[i]);
      bond_again(&store, &peers[i]);
      ab_store_peer_used(&store, &peers[i]);
    }
    while (ab_store_drop_peer(&store))
      ;
  }
  cJSON_Delete(store.root);
  if (text)
    import(&env, text, len);
  ab_free(&env, text);
  return 0;
}
