/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a peer between two links: its attribute table, as we know it as its client, and
 * what it has set as ours. The store has its own form of both.
 */
#include "host/host.h"

/* the kinds of the store are those of the cache */
_Static_assert((int) AB_STORE_PRIMARY == (int) AB_GATT_CACHE_PRIMARY &&
                   (int) AB_STORE_SECONDARY == (int) AB_GATT_CACHE_SECONDARY &&
                   (int) AB_STORE_SERVICE == (int) AB_GATT_CACHE_SERVICE &&
                   (int) AB_STORE_INCLUDE == (int) AB_GATT_CACHE_INCLUDE &&
                   (int) AB_STORE_CHAR == (int) AB_GATT_CACHE_CHAR &&
                   (int) AB_STORE_DESC == (int) AB_GATT_CACHE_DESC,
               "one for each");

/* a private address is another one next time */
const aioble_addr_t *ab_host_peer_key(const aioble_conn_t *conn) {
  const aioble_addr_t *addr = &conn->device->addr;

  if (conn->bonded)
    return &conn->identity;
  return aioble_addr_kind(addr) <= AIOBLE_ADDR_KIND_STATIC ? addr : NULL;
}

static void say(const aioble_conn_t *conn, const char *what, int status) {
  char text[AIOBLE_ADDR_TEXT_SIZE];

  ab_log(&conn->ble->env, AB_LOG_WARN, "%s: what is kept of its attributes %s: %s",
         aioble_addr_text(ab_host_peer_key(conn), text), what, aioble_strerror(status));
}

/* ---- its table ---- */

static ab_gatt_record to_record(const ab_store_attr *attr) {
  return (ab_gatt_record){
      .kind = (ab_gatt_cache_kind) attr->kind,
      .handle = attr->handle,
      .last = attr->last,
      .value = attr->value,
      .properties = attr->properties,
      .uuid = attr->uuid,
      .includes_to = attr->includes_to,
      .contents_to = attr->contents_to,
  };
}

static ab_store_attr to_attr(const ab_gatt_record *record) {
  return (ab_store_attr){
      .kind = (ab_store_kind) record->kind,
      .handle = record->handle,
      .last = record->last,
      .value = record->value,
      .properties = record->properties,
      .uuid = record->uuid,
      .includes_to = record->includes_to,
      .contents_to = record->contents_to,
  };
}

static int import(aioble_conn_t *conn, const ab_store_gatt_client *kept) {
  ab_env *env = &conn->ble->env;
  ab_gatt_cache *table = &conn->cache.table;
  ab_gatt_record *records = kept->n ? ab_alloc(env, kept->n * sizeof *records) : NULL;
  ab_att_range unknown[AB_GATT_CACHE_LISTS];
  int err;

  if (kept->n && !records)
    return AIOBLE_ENOMEM;
  for (unsigned i = 0; i < kept->n; i++)
    records[i] = to_record(&kept->attrs[i]);
  for (unsigned i = 0; i < AB_GATT_CACHE_LISTS; i++)
    unknown[i] = (ab_att_range){kept->unlisted[i].first, kept->unlisted[i].last};
  err = ab_gatt_cache_import(table, records, kept->n, unknown);
  if (err == 0)
    ab_gatt_cache_set_hash(table, kept->hash);
  table->dirty = false;
  ab_free(env, records);
  return err;
}

static bool has_hash(const uint8_t hash[AB_GATT_HASH_LEN]) {
  static const uint8_t none[AB_GATT_HASH_LEN];

  return memcmp(hash, none, AB_GATT_HASH_LEN) != 0;
}

/* One without a hash could not be checked, unless the peer tells of changes: as to a bonded one. */
void ab_host_peer_load(aioble_conn_t *conn) {
  const aioble_t *ble = conn->ble;
  const aioble_addr_t *key = ab_host_peer_key(conn);
  ab_store_gatt_client kept;
  int err = 0;

  ab_gatt_cache_forget(&conn->cache.table);
  conn->cache.table.dirty = conn->cache.asked = false;
  if (!ble->store || !key || ab_store_gatt_client_of(ble->store, key, &kept) < 0)
    return;
  if (conn->bonded || has_hash(kept.hash))
    err = import(conn, &kept);
  if (err < 0)
    say(conn, "is of no use", err);
  else
    conn->cache.asked = conn->bonded && kept.changes_asked;
  ab_free(&conn->ble->env, kept.attrs);
}

void ab_host_peer_drop(aioble_conn_t *conn) {
  if (conn->ble->store && ab_host_peer_key(conn))
    (void) ab_store_set_gatt_client(conn->ble->store, ab_host_peer_key(conn), NULL);
}

static int save_table(aioble_conn_t *conn) {
  const ab_gatt_cache *table = &conn->cache.table;
  ab_store_gatt_client kept = {.changes_asked = conn->bonded && conn->cache.asked, .n = table->n};
  int err;

  kept.attrs = table->n ? ab_alloc(&conn->ble->env, table->n * sizeof *kept.attrs) : NULL;
  if (table->n && !kept.attrs)
    return AIOBLE_ENOMEM;
  memcpy(kept.hash, table->hash, sizeof kept.hash);
  for (unsigned i = 0; i < AB_GATT_CACHE_LISTS; i++)
    kept.unlisted[i] = (ab_store_range){table->unknown[i].first, table->unknown[i].last};
  for (unsigned i = 0; i < table->n; i++)
    kept.attrs[i] = to_attr(&table->records[i]);
  err = ab_store_set_gatt_client(conn->ble->store, ab_host_peer_key(conn), &kept);
  ab_free(&conn->ble->env, kept.attrs);
  return err;
}

static bool table_is_new(const aioble_conn_t *conn) {
  const ab_host_cache *cache = &conn->cache;

  return cache->state != AB_CACHE_OFF && cache->table.dirty &&
         (conn->bonded || (cache->use == AIOBLE_CACHE_ALL && has_hash(cache->table.hash)));
}

/* ---- what it has set as our client: kept of bonded peers ---- */

void ab_host_peer_restore(aioble_conn_t *conn) {
  ab_env *env = &conn->ble->env;
  ab_store_gatt_server kept;
  ab_gatt_peer_state *state;
  int err = AIOBLE_ENOMEM;

  if (!conn->ble->store ||
      ab_store_gatt_server_of(conn->ble->store, ab_host_peer_key(conn), &kept) < 0)
    return;
  state = ab_zalloc(env, sizeof *state + kept.n * sizeof *state->cccds);
  if (state) {
    state->features = kept.features;
    memcpy(state->hash, kept.hash, sizeof state->hash);
    state->n = kept.n;
    for (unsigned i = 0; i < kept.n; i++) {
      state->cccds[i].handle = kept.subscriptions[i].handle;
      state->cccds[i].what = (uint8_t) kept.subscriptions[i].value;
    }
    err = ab_gatt_server_link_restore(&conn->server, state);
  }
  if (err < 0)
    say(conn, "could not be restored", err);
  ab_free(env, state);
  ab_free(env, kept.subscriptions);
}

static int save_subscriptions(aioble_conn_t *conn) {
  ab_env *env = &conn->ble->env;
  size_t n = ab_gatt_server_link_save(&conn->server, NULL, 0);
  ab_gatt_peer_state *state = ab_zalloc(env, sizeof *state + n * sizeof *state->cccds);
  ab_store_gatt_server kept = {.n = (unsigned) n};
  int err = AIOBLE_ENOMEM;

  kept.subscriptions = n ? ab_zalloc(env, n * sizeof *kept.subscriptions) : NULL;
  if (state && (!n || kept.subscriptions)) {
    (void) ab_gatt_server_link_save(&conn->server, state, n);
    kept.features = state->features;
    memcpy(kept.hash, state->hash, sizeof kept.hash);
    for (size_t i = 0; i < n; i++)
      kept.subscriptions[i] = (ab_store_subscription){state->cccds[i].handle, state->cccds[i].what};
    err = ab_store_set_gatt_server(conn->ble->store, ab_host_peer_key(conn),
                                   n || kept.features ? &kept : NULL);
  }
  ab_free(env, kept.subscriptions);
  ab_free(env, state);
  return err;
}

/* ---- to the store ---- */

void ab_host_peer_save(aioble_conn_t *conn) {
  ab_store *store = conn->ble->store;
  int err = 0;

  if (!store || !ab_host_peer_key(conn))
    return;
  if (table_is_new(conn))
    err = save_table(conn);
  if (err == 0 && conn->bonded && conn->server.dirty)
    err = save_subscriptions(conn);
  if (err < 0)
    say(conn, "could not be saved", err);
  ab_store_peer_used(store, ab_host_peer_key(conn));
  ab_host_save_soon(conn->ble);
}
