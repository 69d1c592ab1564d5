/* SPDX-License-Identifier: MIT */
/*
 * The JSON of a store: our key and address, all bonds, and what is kept of the peers of the corpus;
 * what could be read is set again, which must not change anything. The same text as a file of
 * MicroPython's aioble: whatever comes of it can be kept.
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

static bool ltk_equal(const ab_store_ltk *a, const ab_store_ltk *b) {
  return a->there == b->there && a->rand == b->rand && a->ediv == b->ediv &&
         memcmp(a->key, b->key, sizeof a->key) == 0;
}

static bool bond_equal(const ab_store_bond *a, const ab_store_bond *b) {
  return aioble_addr_equal(&a->addr, &b->addr) && ltk_equal(&a->local, &b->local) &&
         ltk_equal(&a->peer, &b->peer) && a->has_irk == b->has_irk && a->has_csrk == b->has_csrk &&
         a->has_local_csrk == b->has_local_csrk && a->authenticated == b->authenticated &&
         a->sc == b->sc && a->key_size == b->key_size &&
         memcmp(a->irk, b->irk, sizeof a->irk) == 0 &&
         memcmp(a->csrk, b->csrk, sizeof a->csrk) == 0 &&
         memcmp(a->local_csrk, b->local_csrk, sizeof a->local_csrk) == 0;
}

enum { BONDS = 16 };

typedef struct bonds {
  ab_store_bond bond[BONDS];
  unsigned n;
} bonds;

static void on_bond(void *ctx, const ab_store_bond *bond) {
  bonds *all = ctx;

  check(bond->local.there || bond->peer.there);
  check(bond->key_size >= 7 && bond->key_size <= 16);
  check(aioble_addr_kind(&bond->addr) <= AIOBLE_ADDR_KIND_STATIC);
  if (all->n < BONDS)
    all->bond[all->n++] = *bond;
}

static void bonds_again(ab_store *store) {
  bonds all = {.n = 0};
  ab_store_bond again;

  ab_store_bonds(store, on_bond, &all);
  for (unsigned i = 0; i < all.n; i++) {
    check(ab_store_set_bond(store, &all.bond[i]) == 0);
    check(ab_store_bond_of(store, &all.bond[i].addr, &again) == 0);
    check(bond_equal(&all.bond[i], &again));
  }
}

static void ours_again(ab_store *store) {
  uint8_t irk[AB_STORE_KEY_LEN], again[AB_STORE_KEY_LEN];
  aioble_addr_t addr;

  if (ab_store_irk(store, irk))
    check(ab_store_set_irk(store, irk) == 0 && ab_store_irk(store, again) &&
          memcmp(irk, again, sizeof irk) == 0);
  if (ab_store_static_address(store, &addr))
    check(aioble_addr_kind(&addr) == AIOBLE_ADDR_KIND_STATIC);
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
    ours_again(&store);
    bonds_again(&store);
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
      client_again(&store, &peers[i]);
      server_again(&store, &peers[i]);
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
