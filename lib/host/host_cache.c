/* SPDX-License-Identifier: MIT */
/*
 * Whether the cache of the peer's attribute table may be used on a link (Core Vol 3, Part G,
 * 2.5.2):
 *
 *   OFF        discovery asks the peer, and nothing is learnt
 *   UNCHECKED  --the first discovery--> CHECKING
 *   CHECKING   --the hash is read, or the peer has none--> READY
 *              --any other answer--> OFF, nothing is known
 *   READY      --error 0x12 to any request of ours--> CHECKING
 *
 * 1. A link begins UNCHECKED with what the store has: of a bonded peer when it is encrypted with
 *    the bond's key, of others at once, if that is wished.
 * 2. CHECKING is one request: Read Using Characteristic UUID, Database Hash (7.3), over all
 *    handles. It also makes us aware of a change (2.5.2.1). Discoveries wait for it.
 * 3. If it is the hash of the table, this is as it was; else nothing is known. A peer without a
 *    hash tells a bonded client of each change, so the table is as it was if that had none, either.
 * 4. READY for the first time, with another hash, or not knowing any more where: the peer is asked
 *    to tell us of changes (api_cache.c), once per bond; others forget it with each link.
 * 5. Service Changed (7.1), in any state: the range is not known any more, and the hash is read
 *    again, which is then that of the rest. If the table changes meanwhile, again.
 */
#include "host/host.h"

enum {
  DATABASE_HASH = 0x2b2a,
  SERVICE_CHANGED = 0x2a05,
  ASKS_MAX = 8, /* a peer that is never in sync is not asked for ever */
};

static const ab_att_range all_handles = {.first = 1, .last = 0xffff};

/* ---- Service Changed ---- */

static void tell(aioble_conn_t *conn, ab_att_range range) {
  ab_att_range *changed = &conn->changed;

  if (!changed->first || range.first < changed->first)
    changed->first = range.first;
  if (range.last > changed->last)
    changed->last = range.last;
  ab_host_hook_due(conn, AB_HOOK_SERVICES);
  ab_client_services_gone(conn, range);
}

static ab_att_range range_in(const uint8_t *value, size_t len) {
  ab_rd r = ab_rd_of(value, len);
  ab_att_range range;

  return ab_att_range_read(&r, &range) && range.first && range.first <= range.last ? range
                                                                                   : all_handles;
}

/* where the peer says so, as far as is known; 0: nowhere */
static uint16_t service_changed(const ab_gatt_cache *table) {
  for (unsigned i = 0; i < table->n; i++)
    if (table->records[i].kind == AB_GATT_CACHE_CHAR &&
        aioble_uuid_equal(&table->records[i].uuid, &AIOBLE_UUID16(SERVICE_CHANGED)))
      return table->records[i].value;
  return 0;
}

static void read_hash(aioble_conn_t *conn);

static void on_changed(ab_gatt_listener *listener, const uint8_t *value, size_t len,
                       bool indication) {
  aioble_conn_t *conn = ab_container_of(listener, aioble_conn_t, cache.changes);
  ab_host_cache *cache = &conn->cache;
  ab_att_range range = range_in(value, len);

  (void) indication;
  ab_gatt_cache_changed(&cache->table, range.first, range.last);
  cache->told = true;
  cache->asked &= service_changed(&cache->table) != 0; /* the next link must know where */
  if (cache->state == AB_CACHE_READY && !cache->reading)
    read_hash(conn);
  tell(conn, range);
}

static void on_closed(ab_gatt_listener *listener, int status) {
  (void) listener;
  (void) status;
}

void ab_host_cache_listen(aioble_conn_t *conn, uint16_t handle) {
  ab_gatt_listener *changes = &conn->cache.changes;

  ab_gatt_unlisten(&conn->client, changes);
  *changes = (ab_gatt_listener){.handle = handle, .on_value = on_changed, .on_closed = on_closed};
  (void) ab_gatt_listen(&conn->client, changes);
}

/* ---- the beginning and the end ---- */

void ab_host_cache_init(aioble_conn_t *conn) {
  ab_gatt_cache_init(&conn->cache.table, &conn->ble->env);
  ab_list_init(&conn->cache.waiting);
  ab_list_init(&conn->services);
}

void ab_host_cache_free(aioble_conn_t *conn) {
  ab_gatt_cache_free(&conn->cache.table);
}

static void turn_off(aioble_conn_t *conn) {
  conn->cache.state = AB_CACHE_OFF;
  conn->cache.told = false;
  ab_gatt_cache_forget(&conn->cache.table);
  ab_gatt_unlisten(&conn->client, &conn->cache.changes);
}

static void begin(aioble_conn_t *conn) {
  ab_host_peer_load(conn);
  conn->cache.state = AB_CACHE_UNCHECKED;
  if (service_changed(&conn->cache.table))
    ab_host_cache_listen(conn, service_changed(&conn->cache.table));
}

void ab_host_cache_start(aioble_conn_t *conn, aioble_cache_t use) {
  turn_off(conn);
  conn->cache.use = use ? use : conn->ble->options.gatt_cache;
  if (conn->cache.use == AIOBLE_CACHE_ALL)
    begin(conn);
}

void ab_host_peer_bonded(aioble_conn_t *conn, const aioble_addr_t *identity) {
  if (conn->bonded)
    return;
  conn->bonded = true;
  conn->identity = *identity;
  if (conn->cache.use == AIOBLE_CACHE_NONE)
    ab_host_peer_drop(conn);
  else if (conn->cache.state <= AB_CACHE_UNCHECKED)
    begin(conn);
  ab_host_peer_restore(conn);
}

/* whoever waits asks the peer, which says that there is no link */
void ab_host_cache_end(aioble_conn_t *conn) {
  conn->cache.state = AB_CACHE_OFF;
}

/* ---- checking ---- */

/* 0 and the hash, zero where there is none; or an error */
static int take_hash(ab_gatt_disc *disc, uint8_t hash[AB_GATT_HASH_LEN]) {
  ab_gatt_item item;
  int found = ab_gatt_disc_next(disc, &item);

  memset(hash, 0, AB_GATT_HASH_LEN);
  if (found == 1 && ab_rd_left(&item.data) != AB_GATT_HASH_LEN)
    return AIOBLE_EPROTO;
  if (found == 1)
    ab_rd_copy(&item.data, hash, AB_GATT_HASH_LEN);
  return found < 0 ? found : 0;
}

/* the table is not the one that was known: nor are the handles that came of it */
static void start_anew(aioble_conn_t *conn) {
  conn->cache.asked = false;
  if (conn->cache.checked)
    tell(conn, all_handles);
}

static void ask_for_changes(aioble_conn_t *conn) {
  ab_host_cache *cache = &conn->cache;

  if (cache->asked || cache->asking || cache->asks == ASKS_MAX)
    return;
  cache->asks++;
  ab_client_ask_for_changes(conn);
}

static void use_hash(aioble_conn_t *conn, const uint8_t hash[AB_GATT_HASH_LEN]) {
  ab_host_cache *cache = &conn->cache;

  if (cache->told)
    ab_gatt_cache_set_hash(&cache->table, hash);
  else if (!ab_gatt_cache_confirm(&cache->table, hash))
    start_anew(conn);
  cache->told = false;
  cache->checked = true;
  cache->state = AB_CACHE_READY;
}

/* What is kept has not been checked, and changes will not be heard of. */
static void give_up(aioble_conn_t *conn, int status) {
  if (conn->cache.state != AB_CACHE_OFF && status != AIOBLE_ENOTCONN && status != AIOBLE_ETIMEDOUT)
    ab_host_peer_drop(conn);
  turn_off(conn);
}

static void on_hash(ab_gatt_disc *disc) {
  aioble_conn_t *conn = ab_container_of(disc, aioble_conn_t, cache.hash);
  ab_host_cache *cache = &conn->cache;
  uint8_t hash[AB_GATT_HASH_LEN];
  int status = take_hash(disc, hash);
  ab_list *n;

  cache->reading = false;
  if (status < 0) {
    give_up(conn, status);
  } else if (cache->told && cache->generation != cache->table.generation) {
    read_hash(conn);
    return;
  } else if (cache->state != AB_CACHE_OFF) {
    use_hash(conn, hash);
  }
  while ((n = ab_list_pop(&cache->waiting))) {
    ab_cache_wait *wait = ab_container_of(n, ab_cache_wait, node);

    wait->fn(wait);
  }
  if (cache->state == AB_CACHE_READY)
    ask_for_changes(conn); /* they come first */
}

static void read_hash(aioble_conn_t *conn) {
  ab_host_cache *cache = &conn->cache;

  cache->reading = true;
  cache->generation = cache->table.generation;
  ab_gatt_disc_init(&cache->hash, &conn->att, AB_GATT_VALUES, all_handles.first, all_handles.last,
                    &AIOBLE_UUID16(DATABASE_HASH));
  ab_gatt_disc_fetch(&cache->hash, on_hash);
}

static void check(aioble_conn_t *conn) {
  conn->cache.state = AB_CACHE_CHECKING;
  if (!conn->cache.reading)
    read_hash(conn);
}

bool ab_host_cache_wait(aioble_conn_t *conn, ab_cache_wait *wait, void (*fn)(ab_cache_wait *wait)) {
  if (conn->cache.state == AB_CACHE_UNCHECKED)
    check(conn);
  if (conn->cache.state != AB_CACHE_CHECKING)
    return false;
  wait->fn = fn;
  ab_list_push(&conn->cache.waiting, &wait->node);
  return true;
}

void ab_host_cache_out_of_sync(aioble_conn_t *conn) {
  if (conn->cache.state == AB_CACHE_READY)
    check(conn);
}
