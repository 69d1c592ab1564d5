/* SPDX-License-Identifier: MIT */
/*
 * The secrets of MicroPython's aioble, as its load_secrets() reads them: a JSON array of
 *
 *   [ kind, "key in base64", "value in base64" ]
 *
 *   kind 1   a key that is ours, by the peer's address      -> the bond's `local`
 *        2   a key of the peer's, by its address            -> the bond's `peer`
 *       10   our own IRK, by "irk"
 *
 * Kinds 1 and 2 have as value what NimBLE has in memory, which depends on the build; this is how it
 * is on 32-bit ARM and Xtensa and on 64-bit machines. Anything else, and what does not fit
 * together, is not believed, but said.
 *
 *   0 address type   1 address   7 key size   8 EDIV   16 Rand   24 LTK   40 LTK is there: bit 0
 *   41 IRK   57 IRK is there   58 CSRK   74 CSRK is there: bit 0; authenticated: bit 1; made by
 *   LE Secure Connections: bit 2         (80 octets, little-endian; others are padding)
 */
#include "store/store_priv.h"

#include "util/wire.h"
#include <stdio.h>
#include <string.h>

enum {
  OURS = 1,
  PEERS = 2,
  IRK = 10,
  KEY_SIZE = 7,
  VALUE_SIZE = 80,
  OCTETS_MAX = 96,
  ENTRIES_MAX = 2 * AB_STORE_PEERS_READ,
};

/* ---- base64 ---- */

static int digit(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;

  return at ? (int) (at - digits) : -1;
}

/* A line of it, up to its end, '=' or '\n'; how many octets, 0: it is none. */
static size_t decode(const cJSON *json, uint8_t octets[OCTETS_MAX]) {
  const char *text = cJSON_IsString(json) ? json->valuestring : "";
  uint32_t bits = 0;
  size_t n = 0;
  unsigned have = 0;

  for (; digit(*text) >= 0 && n < OCTETS_MAX; text++) {
    bits = bits << 6 | (uint32_t) digit(*text);
    have += 6;
    if (have >= 8) {
      have -= 8;
      octets[n++] = (uint8_t) (bits >> have);
    }
  }
  return text[strspn(text, "=\r\n")] ? 0 : n;
}

/* ---- a value ---- */

typedef struct secret {
  aioble_addr_t addr;
  ab_store_ltk ltk;
  uint8_t irk[AB_STORE_KEY_LEN], csrk[AB_STORE_KEY_LEN];
  bool has_irk, has_csrk, authenticated, sc;
  uint8_t key_size;
} secret;

static aioble_addr_t rd_addr(ab_rd *r) {
  aioble_addr_t addr = {.type = ab_rd_u8(r) & 1}; /* 2 and 3: identity addresses */
  ab_addr6 octets = ab_rd_addr(r);

  memcpy(addr.bytes, octets.b, sizeof addr.bytes);
  return addr;
}

static bool rd_secret(ab_rd *r, secret *s) {
  uint8_t flags;

  *s = (secret){.addr = rd_addr(r)};
  s->key_size = ab_rd_u8(r);
  s->ltk.ediv = ab_rd_le16(r);
  (void) ab_rd_take(r, 6);
  s->ltk.rand = ab_rd_le64(r);
  ab_rd_copy(r, s->ltk.key, sizeof s->ltk.key);
  s->ltk.there = ab_rd_u8(r) & 1;
  ab_rd_copy(r, s->irk, sizeof s->irk);
  s->has_irk = ab_rd_u8(r) & 1;
  ab_rd_copy(r, s->csrk, sizeof s->csrk);
  flags = ab_rd_u8(r);
  s->has_csrk = flags & 1;
  s->authenticated = flags & 2;
  s->sc = flags & 4;
  return ab_rd_ok(r);
}

/* the address is in the key, too */
static bool read_secret(const cJSON *key, const cJSON *value, secret *s) {
  uint8_t octets[OCTETS_MAX];
  size_t n = decode(key, octets);
  ab_rd r = ab_rd_of(octets, n);
  aioble_addr_t addr = rd_addr(&r);
  bool ok = n == KEY_SIZE;

  n = decode(value, octets);
  r = ab_rd_of(octets, n);
  ok = ok && n == VALUE_SIZE && rd_secret(&r, s) && aioble_addr_equal(&s->addr, &addr);
  explicit_bzero(octets, sizeof octets);
  return ok;
}

/* ---- bonds of them ---- */

typedef struct importing {
  ab_store_imported *out;
  ab_store_bond *bonds; /* one for each peer, in the order of the file */
  size_t n;
} importing;

static ab_store_bond *bond_for(importing *im, const aioble_addr_t *addr) {
  for (size_t i = 0; i < im->n; i++)
    if (aioble_addr_equal(&im->bonds[i].addr, addr))
      return &im->bonds[i];
  im->bonds[im->n] = (ab_store_bond){.addr = *addr};
  return &im->bonds[im->n++];
}

/* Both halves say how it was made; the weaker one is believed. */
static void add(ab_store_bond *bond, const secret *s, bool ours) {
  bool first = !bond->key_size;

  *(ours ? &bond->local : &bond->peer) = s->ltk;
  bond->authenticated = s->authenticated && (first || bond->authenticated);
  bond->sc = s->sc && (first || bond->sc);
  if (first || s->key_size < bond->key_size)
    bond->key_size = s->key_size;
  if (s->has_csrk)
    memcpy(ours ? bond->local_csrk : bond->csrk, s->csrk, sizeof s->csrk);
  bond->has_local_csrk |= ours && s->has_csrk;
  bond->has_csrk |= !ours && s->has_csrk;
  if (ours || !s->has_irk)
    return;
  memcpy(bond->irk, s->irk, sizeof s->irk);
  bond->has_irk = true;
}

static bool read_irk(const cJSON *value, ab_store_imported *out) {
  uint8_t octets[OCTETS_MAX];
  size_t n = decode(value, octets);

  out->has_irk = n == sizeof out->irk;
  if (out->has_irk)
    memcpy(out->irk, octets, sizeof out->irk);
  explicit_bzero(octets, sizeof octets);
  return out->has_irk;
}

static bool read_entry(importing *im, const cJSON *entry) {
  const cJSON *kind = cJSON_IsArray(entry) ? entry->child : NULL;
  const cJSON *key = kind ? kind->next : NULL, *value = key ? key->next : NULL;
  uint16_t number;
  bool ok;
  secret s;

  if (!value || value->next || !ab_store_number(kind, UINT16_MAX, &number))
    return false;
  if (number == IRK)
    return read_irk(value, im->out);
  ok = (number == OURS || number == PEERS) && read_secret(key, value, &s);
  if (ok)
    add(bond_for(im, &s.addr), &s, number == OURS);
  explicit_bzero(&s, sizeof s);
  return ok;
}

/* of LE Secure Connections there is one key, whoever's it is called */
static bool complete(ab_store_bond *bond) {
  if (bond->sc && !bond->local.there)
    bond->local = bond->peer;
  if (bond->sc && !bond->peer.there)
    bond->peer = bond->local;
  return ab_store_bond_makes_sense(bond);
}

static int read_array(ab_env *env, const cJSON *array, ab_store_imported *out, ab_store_bond_fn *fn,
                      void *ctx) {
  int entries = cJSON_GetArraySize(array);
  size_t size = (size_t) entries * sizeof(ab_store_bond);
  importing im = {.out = out, .bonds = ab_alloc(env, size)};
  const cJSON *entry;

  if (!im.bonds)
    return AIOBLE_ENOMEM;
  cJSON_ArrayForEach(entry, array) {
    out->unreadable += !read_entry(&im, entry);
  }
  for (size_t i = 0; i < im.n; i++) {
    if (complete(&im.bonds[i]))
      fn(ctx, &im.bonds[i]);
    else
      out->unreadable++;
  }
  ab_free_secret(env, im.bonds, size);
  return 0;
}

/* ---- the file ---- */

bool ab_store_is_aioble(const cJSON *root) {
  return cJSON_IsArray(root) && cJSON_IsArray(root->child);
}

int ab_store_import_text(ab_env *env, const char *text, size_t len, ab_store_imported *out,
                         ab_store_bond_fn *fn, void *ctx) {
  cJSON *root = cJSON_ParseWithLength(text, len);
  int err = AIOBLE_EINVAL;

  *out = (ab_store_imported){0};
  if (ab_store_is_aioble(root) && cJSON_GetArraySize(root) <= ENTRIES_MAX)
    err = read_array(env, root, out, fn, ctx);
  ab_store_delete(root);
  return err;
}

int ab_store_import(ab_env *env, const char *path, ab_store_imported *out, ab_store_bond_fn *fn,
                    void *ctx, char *why) {
  char *text = NULL;
  size_t len = 0;
  int err;

  *why = '\0';
  *out = (ab_store_imported){0};
  err = ab_store_file_read(env, path, false, &text, &len, why);
  if (err < 0)
    return err;
  err = ab_store_import_text(env, text, len, out, fn, ctx);
  ab_free_secret(env, text, len);
  if (err == AIOBLE_EINVAL)
    AB_STORE_WHY_SET(why, "%s is no file of secrets of MicroPython's aioble", path);
  return err;
}
