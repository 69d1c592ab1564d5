/* SPDX-License-Identifier: MIT */
/*
 * The peers of a store: an array of objects, in the order of their use. An entry that names no
 * peer is left alone; of those that name the same one, the first counts and the others go.
 */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [AIOBLE_ADDR_PUBLIC] = "public",
    [AIOBLE_ADDR_RANDOM] = "random",
};

static cJSON *peers_of(const ab_store *store) {
  return cJSON_GetObjectItemCaseSensitive(store->root, "peers");
}

/* ---- finding ---- */

static bool address_of(const cJSON *peer, aioble_addr_t *addr) {
  const cJSON *address = cJSON_GetObjectItemCaseSensitive(peer, "address");
  const cJSON *type = cJSON_GetObjectItemCaseSensitive(peer, "type");

  if (!cJSON_IsString(address) || !cJSON_IsString(type))
    return false;
  for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
    if (strcmp(type->valuestring, type_names[i]) == 0)
      return aioble_addr_parse(addr, (uint8_t) i, address->valuestring) == 0;
  return false;
}

static cJSON *find(const ab_store *store, const aioble_addr_t *addr) {
  cJSON *peer;
  aioble_addr_t found;

  cJSON_ArrayForEach(peer, peers_of(store)) {
    if (address_of(peer, &found) && aioble_addr_equal(&found, addr))
      return peer;
  }
  return NULL;
}

void ab_store_each_part(const ab_store *store, const char *name,
                        void (*fn)(void *ctx, const aioble_addr_t *peer, const cJSON *part),
                        void *ctx) {
  const cJSON *peer, *part;
  aioble_addr_t addr;

  cJSON_ArrayForEach(peer, peers_of(store)) {
    part = cJSON_GetObjectItemCaseSensitive(peer, name);
    if (part && address_of(peer, &addr))
      fn(ctx, &addr, part);
  }
}

/* ---- of a file just read ---- */

/* an entry that names a peer: which, and where it was in the list */
typedef struct entry {
  cJSON *peer;
  aioble_addr_t addr;
  int place;
} entry;

static int by_address(const void *a, const void *b) {
  const entry *x = a, *y = b;
  int order = memcmp(x->addr.bytes, y->addr.bytes, sizeof x->addr.bytes);

  if (!order)
    order = x->addr.type - y->addr.type;
  return order ? order : x->place - y->place;
}

/* those that name a peer; how many */
static size_t list_peers(cJSON *peers, entry *entries) {
  size_t n = 0;
  cJSON *peer;

  cJSON_ArrayForEach(peer, peers) {
    entries[n] = (entry){.peer = peer, .place = (int) n};
    n += address_of(peer, &entries[n].addr);
  }
  return n;
}

/* how many have gone because others named the same peer before */
static int drop_doubles(cJSON *peers, entry *entries, size_t n) {
  int gone = 0;

  qsort(entries, n, sizeof *entries, by_address);
  for (size_t i = 1; i < n; i++)
    if (aioble_addr_equal(&entries[i].addr, &entries[i - 1].addr)) {
      ab_store_delete(cJSON_DetachItemViaPointer(peers, entries[i].peer));
      gone++;
    }
  return gone;
}

bool ab_store_check_peers(ab_store *store) {
  cJSON *peers = peers_of(store);
  entry entries[AB_STORE_PEERS_READ];
  int n = cJSON_GetArraySize(peers), ignored;
  size_t named;

  if (!peers)
    return true;
  if (!cJSON_IsArray(peers) || n > AB_STORE_PEERS_READ)
    return false;
  named = list_peers(peers, entries);
  ignored = n - (int) named + drop_doubles(peers, entries, named);
  if (ignored)
    ab_log(store->env, AB_LOG_WARN, "%s: %d of %d peers have no address, or another's: ignored",
           store->path, ignored, n);
  return true;
}

/* ---- their order, and their number ---- */

void ab_store_peer_used(ab_store *store, const aioble_addr_t *addr) {
  cJSON *peer = find(store, addr);

  if (peer && peer->next)
    (void) cJSON_AddItemToArray(peers_of(store), cJSON_DetachItemViaPointer(peers_of(store), peer));
}

void ab_store_forget_peer(ab_store *store, const aioble_addr_t *addr) {
  cJSON *peer = find(store, addr);

  if (!peer)
    return;
  ab_store_delete(cJSON_DetachItemViaPointer(peers_of(store), peer));
  store->dirty = true;
}

/* the least recently used one that is not bonded; how many there are */
static cJSON *oldest_unbonded(const ab_store *store, unsigned *n) {
  cJSON *oldest = NULL, *peer;
  aioble_addr_t addr;

  *n = 0;
  cJSON_ArrayForEach(peer, peers_of(store)) {
    if (!address_of(peer, &addr) || cJSON_GetObjectItemCaseSensitive(peer, "bond"))
      continue;
    oldest = oldest ? oldest : peer;
    ++*n;
  }
  return oldest;
}

bool ab_store_drop_peer(ab_store *store) {
  unsigned n;
  cJSON *peer = oldest_unbonded(store, &n);

  if (peer) {
    ab_store_delete(cJSON_DetachItemViaPointer(peers_of(store), peer));
    return true;
  }
  cJSON_ArrayForEach(peer, peers_of(store)) {
    cJSON *part = cJSON_GetObjectItemCaseSensitive(peer, "gatt_client");

    if (part) {
      ab_store_delete(cJSON_DetachItemViaPointer(peer, part));
      return true;
    }
  }
  return false;
}

static cJSON *new_peer(const aioble_addr_t *addr) {
  char text[AIOBLE_ADDR_TEXT_SIZE];
  cJSON *peer = cJSON_CreateObject();

  if (peer && cJSON_AddStringToObject(peer, "address", aioble_addr_text(addr, text)) &&
      cJSON_AddStringToObject(peer, "type", type_names[addr->type]))
    return peer;
  ab_store_delete(peer);
  return NULL;
}

/* found, or new; the most recently used one now; NULL: out of memory */
static cJSON *take_peer(ab_store *store, const aioble_addr_t *addr) {
  cJSON *peers = peers_of(store);
  cJSON *peer = find(store, addr);
  unsigned n;

  if (peer) {
    ab_store_peer_used(store, addr);
    return peer;
  }
  if (!peers && !(peers = cJSON_AddArrayToObject(store->root, "peers")))
    return NULL;
  if (!(peer = new_peer(addr)))
    return NULL;
  while (oldest_unbonded(store, &n) && n >= AB_STORE_PEERS_MAX)
    (void) ab_store_drop_peer(store);
  (void) cJSON_AddItemToArray(peers, peer);
  return peer;
}

/* ---- their parts ---- */

cJSON *ab_store_part(const ab_store *store, const aioble_addr_t *addr, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(find(store, addr), name);
}

/* copies what the new part does not have itself; false: out of memory */
static bool inherit(cJSON *part, const cJSON *old) {
  const cJSON *member;

  if (!cJSON_IsObject(old))
    return true;
  cJSON_ArrayForEach(member, old) {
    if (!cJSON_GetObjectItemCaseSensitive(part, member->string) &&
        ab_store_set_member(part, member->string, cJSON_Duplicate(member, true)) < 0)
      return false;
  }
  return true;
}

int ab_store_replace_part(ab_store *store, const aioble_addr_t *addr, const char *name,
                          cJSON *part) {
  cJSON *peer = part ? take_peer(store, addr) : NULL;

  if (peer && !cJSON_Compare(cJSON_GetObjectItemCaseSensitive(peer, name), part, true)) {
    store->dirty = true;
    return ab_store_set_member(peer, name, part);
  }
  ab_store_delete(part);
  return peer ? 0 : AIOBLE_ENOMEM;
}

int ab_store_set_part(ab_store *store, const aioble_addr_t *addr, const char *name, cJSON *part) {
  if (part && !inherit(part, ab_store_part(store, addr, name))) {
    ab_store_delete(part);
    part = NULL;
  }
  return ab_store_replace_part(store, addr, name, part);
}

void ab_store_remove_part(ab_store *store, const aioble_addr_t *addr, const char *name) {
  cJSON *peer = find(store, addr);
  cJSON *part = cJSON_GetObjectItemCaseSensitive(peer, name);

  if (!part)
    return;
  ab_store_delete(cJSON_DetachItemViaPointer(peer, part));
  if (cJSON_GetArraySize(peer) == 2) /* the address and its type */
    ab_store_forget_peer(store, addr);
  store->dirty = true;
}
