/* SPDX-License-Identifier: MIT */
/*
 * Bonds, and the key that our own private addresses are made of. A bond in which anything is not
 * as store.h has it is not believed: it stays in the file, and is as if it were not there. No key
 * is ever logged.
 */
#include "store/store_priv.h"

#include <string.h>

#define BOND        "bond"
#define IDENTITY    "identity"
#define COUNTER     "sign_counter"
#define OWN_COUNTER "local_sign_counter"

enum { KEY_MIN = 7 };

static const double counters = 4294967296.0;

/* ---- reading ---- */

static bool there(const cJSON *object, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is_zero(const uint8_t *octets, size_t n) {
  while (n && !octets[n - 1])
    n--;
  return n == 0;
}

/* absent, or a key */
static bool key_in(const cJSON *object, const char *name, uint8_t key[AB_STORE_KEY_LEN],
                   bool *has) {
  *has = there(object, name);
  return !*has || ab_store_octets_in(object, name, key, AB_STORE_KEY_LEN);
}

/* absent, or whole */
static bool ltk_in(const cJSON *bond, const char *name, ab_store_ltk *ltk) {
  const cJSON *object = cJSON_GetObjectItemCaseSensitive(bond, name);
  uint8_t rand[sizeof ltk->rand] = {0};

  if (!object)
    return true;
  ltk->there = ab_store_octets_in(object, "key", ltk->key, sizeof ltk->key) &&
               ab_store_number_in(object, "ediv", &ltk->ediv) &&
               (!there(object, "rand") || ab_store_octets_in(object, "rand", rand, sizeof rand));
  for (size_t i = 0; i < sizeof rand; i++)
    ltk->rand = ltk->rand << 8 | rand[i];
  return ltk->there;
}

/* absent: 0 */
static bool counter_in(const cJSON *object, const char *name, uint64_t *counter) {
  const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
  double n = number ? number->valuedouble : 0;

  if (number && (!cJSON_IsNumber(number) || !(n >= 0 && n <= counters)))
    return false;
  *counter = (uint64_t) n;
  return (double) *counter == n;
}

/* of LE Secure Connections there is one key, without a name (2.4.4.1) */
static bool is_sc(const ab_store_ltk *ltk) {
  return ltk->there && !ltk->rand && !ltk->ediv;
}

/* absent, or one of that size: a key of fewer octets has zeroes at its end (Core Vol 3, Part H,
   2.3.4); all zero is none */
static bool is_ltk(const ab_store_ltk *ltk, uint8_t size) {
  return !ltk->there ||
         (!is_zero(ltk->key, size) && is_zero(ltk->key + size, AB_STORE_KEY_LEN - size));
}

bool ab_store_bond_makes_sense(const ab_store_bond *bond) {
  aioble_addr_kind_t kind = aioble_addr_kind(&bond->addr);

  if (bond->key_size < KEY_MIN || bond->key_size > AB_STORE_KEY_LEN ||
      !is_ltk(&bond->local, bond->key_size) || !is_ltk(&bond->peer, bond->key_size))
    return false;
  if (kind != AIOBLE_ADDR_KIND_PUBLIC && kind != AIOBLE_ADDR_KIND_STATIC)
    return false;
  if (bond->has_irk && is_zero(bond->irk, sizeof bond->irk))
    return false;
  if (bond->sc)
    return is_sc(&bond->local) && is_sc(&bond->peer) &&
           memcmp(bond->local.key, bond->peer.key, sizeof bond->local.key) == 0;
  return bond->local.there || bond->peer.there;
}

static bool read_bond(const cJSON *part, ab_store_bond *bond) {
  return cJSON_IsObject(part) && ab_store_octet_in(part, "key_size", &bond->key_size) &&
         ab_store_bool_in(part, "authenticated", &bond->authenticated) &&
         ab_store_bool_in(part, "secure_connections", &bond->sc) &&
         ltk_in(part, "local", &bond->local) && ltk_in(part, "peer", &bond->peer) &&
         key_in(part, "irk", bond->irk, &bond->has_irk) &&
         key_in(part, "csrk", bond->csrk, &bond->has_csrk) &&
         key_in(part, "local_csrk", bond->local_csrk, &bond->has_local_csrk) &&
         counter_in(part, COUNTER, &bond->peer_counter) &&
         counter_in(part, OWN_COUNTER, &bond->local_counter) && ab_store_bond_makes_sense(bond);
}

static int bond_in(const ab_store *store, const aioble_addr_t *peer, const cJSON *part,
                   ab_store_bond *bond) {
  *bond = (ab_store_bond){.addr = *peer};
  if (read_bond(part, bond))
    return 0;
  explicit_bzero(bond, sizeof *bond);
  return ab_store_result(store, peer, BOND, AIOBLE_EINVAL);
}

int ab_store_bond_of(const ab_store *store, const aioble_addr_t *peer, ab_store_bond *bond) {
  const cJSON *part = ab_store_part(store, peer, BOND);

  return part ? bond_in(store, peer, part, bond) : AIOBLE_ENOENT;
}

typedef struct each_bond {
  const ab_store *store;
  ab_store_bond_fn *fn;
  void *ctx;
} each_bond;

static void visit(void *ctx, const aioble_addr_t *peer, const cJSON *part) {
  const each_bond *each = ctx;
  ab_store_bond bond;

  if (bond_in(each->store, peer, part, &bond) == 0)
    each->fn(each->ctx, &bond);
  explicit_bzero(&bond, sizeof bond);
}

void ab_store_bonds(const ab_store *store, ab_store_bond_fn *fn, void *ctx) {
  each_bond each = {store, fn, ctx};

  ab_store_each_part(store, BOND, visit, &each);
}

/* ---- writing; false: out of memory ---- */

static bool put_key(cJSON *object, const char *name, const uint8_t key[AB_STORE_KEY_LEN],
                    bool has) {
  return !has || ab_store_put_octets(object, name, key, AB_STORE_KEY_LEN);
}

static bool put_ltk(cJSON *bond, const char *name, const ab_store_ltk *ltk) {
  cJSON *object = ltk->there ? cJSON_AddObjectToObject(bond, name) : NULL;
  uint8_t rand[sizeof ltk->rand];

  for (size_t i = 0; i < sizeof rand; i++)
    rand[i] = (uint8_t) (ltk->rand >> 8 * (sizeof rand - 1 - i));
  return !ltk->there || (object && ab_store_put_octets(object, "key", ltk->key, sizeof ltk->key) &&
                         (!ltk->rand || ab_store_put_octets(object, "rand", rand, sizeof rand)) &&
                         ab_store_put_number(object, "ediv", ltk->ediv));
}

static bool put_counter(cJSON *object, const char *name, uint64_t counter) {
  return counter == 0 || cJSON_AddNumberToObject(object, name, (double) counter);
}

static cJSON *bond_part(const ab_store_bond *bond) {
  cJSON *part = cJSON_CreateObject();
  bool ok = part && put_ltk(part, "local", &bond->local) && put_ltk(part, "peer", &bond->peer) &&
            put_key(part, "irk", bond->irk, bond->has_irk) &&
            put_key(part, "csrk", bond->csrk, bond->has_csrk) &&
            put_key(part, "local_csrk", bond->local_csrk, bond->has_local_csrk) &&
            put_counter(part, COUNTER, bond->peer_counter) &&
            put_counter(part, OWN_COUNTER, bond->local_counter) &&
            cJSON_AddBoolToObject(part, "authenticated", bond->authenticated) &&
            cJSON_AddBoolToObject(part, "secure_connections", bond->sc) &&
            cJSON_AddNumberToObject(part, "key_size", bond->key_size);

  return ab_store_whole(part, ok);
}

/* Nothing of the old one may be left: its keys are no part of the new one. */
int ab_store_set_bond(ab_store *store, const ab_store_bond *bond) {
  return ab_store_replace_part(store, &bond->addr, BOND, bond_part(bond));
}

static int set_counter(ab_store *store, cJSON *bond, const char *name, uint64_t counter) {
  const cJSON *old = cJSON_GetObjectItemCaseSensitive(bond, name);

  if ((old ? old->valuedouble : 0) == (double) counter)
    return 0;
  store->dirty = true;
  return ab_store_set_member(bond, name, cJSON_CreateNumber((double) counter));
}

int ab_store_set_counters(ab_store *store, const aioble_addr_t *peer, uint64_t local_counter,
                          uint64_t peer_counter) {
  cJSON *bond = ab_store_part(store, peer, BOND);
  int err = bond ? set_counter(store, bond, OWN_COUNTER, local_counter) : 0;

  return bond && err == 0 ? set_counter(store, bond, COUNTER, peer_counter) : err;
}

/* ---- ours ---- */

bool ab_store_irk(const ab_store *store, uint8_t irk[AB_STORE_KEY_LEN]) {
  return ab_store_octets_in(cJSON_GetObjectItemCaseSensitive(store->root, IDENTITY), "irk", irk,
                            AB_STORE_KEY_LEN) &&
         !is_zero(irk, AB_STORE_KEY_LEN);
}

int ab_store_set_irk(ab_store *store, const uint8_t irk[AB_STORE_KEY_LEN]) {
  cJSON *identity = ab_store_object_in(store->root, IDENTITY);
  uint8_t kept[AB_STORE_KEY_LEN];
  bool same = ab_store_irk(store, kept) && memcmp(kept, irk, sizeof kept) == 0;

  explicit_bzero(kept, sizeof kept);
  if (same)
    return 0;
  if (!identity || !ab_store_put_octets(identity, "irk", irk, AB_STORE_KEY_LEN))
    return AIOBLE_ENOMEM;
  store->dirty = true;
  return 0;
}
