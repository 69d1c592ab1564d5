/* SPDX-License-Identifier: MIT */
/*
 * The cryptographic functions of the Security Manager (Core Vol 3, Part H, 2.2).
 *
 * The specification has the most significant octet first, the air the least significant: what goes
 * into an algorithm and what comes out of it is turned round here.
 */
#include "smp/smp_backend.h"

static void turn(uint8_t *out, const uint8_t *in, size_t n) {
  for (size_t i = 0; i < n; i++)
    out[i] = in[n - 1 - i];
}

/* the next part of a message, turned round */
static void add(ab_wr *message, const uint8_t *part, size_t n) {
  uint8_t *at = ab_wr_take(message, n);

  if (at)
    turn(at, part, n);
}

/* type and address are in the specification's order in aioble_addr_t */
static void add_addr(ab_wr *message, const aioble_addr_t *addr) {
  ab_wr_u8(message, addr->type);
  ab_wr_bytes(message, addr->bytes, sizeof addr->bytes);
}

/* ---- by AES ---- */

/* 2.2.1 */
static bool e(const ab_key16 *key, const uint8_t in[16], ab_key16 *out) {
  uint8_t k[16], plain[16], cipher[16];
  bool ok;

  turn(k, key->b, sizeof k);
  turn(plain, in, sizeof plain);
  ok = ab_aes128(k, plain, cipher);
  turn(out->b, cipher, sizeof cipher);
  ab_wipe(k, sizeof k);
  ab_wipe(plain, sizeof plain);
  ab_wipe(cipher, sizeof cipher);
  return ok;
}

static void xor_into(uint8_t to[16], const ab_key16 *with) {
  for (size_t i = 0; i < sizeof with->b; i++)
    to[i] ^= with->b[i];
}

bool ab_smp_c1(const ab_key16 *k, const ab_key16 *r, const uint8_t preq[7], const uint8_t pres[7],
               const aioble_addr_t *initiator, const aioble_addr_t *responder, ab_key16 *out) {
  uint8_t p1[16], p2[16] = {0};
  ab_wr w = ab_wr_of(p1, sizeof p1);

  ab_wr_u8(&w, initiator->type);
  ab_wr_u8(&w, responder->type);
  ab_wr_bytes(&w, preq, 7);
  ab_wr_bytes(&w, pres, 7);
  turn(p2, responder->bytes, sizeof responder->bytes);
  turn(p2 + 6, initiator->bytes, sizeof initiator->bytes);
  xor_into(p1, r);
  if (!e(k, p1, out))
    return false;
  xor_into(p2, out);
  return e(k, p2, out);
}

bool ab_smp_s1(const ab_key16 *k, const ab_key16 *r1, const ab_key16 *r2, ab_key16 *out) {
  uint8_t halves[16];
  ab_wr w = ab_wr_of(halves, sizeof halves);

  ab_wr_bytes(&w, r2->b, 8);
  ab_wr_bytes(&w, r1->b, 8);
  return e(k, halves, out);
}

ab_aes *ab_smp_ah_key(const ab_key16 *irk) {
  uint8_t k[16];
  ab_aes *key;

  turn(k, irk->b, sizeof k);
  key = ab_aes_new(k);
  ab_wipe(k, sizeof k);
  return key;
}

/* the random part is at the end, as it is with all numbers of the specification, and so is the hash
 */
bool ab_smp_ah(ab_aes *key, const uint8_t prand[3], uint8_t hash[3]) {
  uint8_t padded[16] = {0}, cipher[16];
  bool ok;

  turn(padded + 13, prand, 3);
  ok = ab_aes_block(key, padded, cipher);
  turn(hash, cipher + 13, 3);
  return ok;
}

/* ---- by AES-CMAC ---- */

static bool cmac(ab_env *env, const ab_key16 *key, const void *message, size_t len, ab_key16 *out) {
  uint8_t k[16], mac[16] = {0};
  ab_cmac *c;
  bool ok;

  turn(k, key->b, sizeof k);
  c = ab_cmac_new(env, k);
  ab_cmac_add(c, message, len);
  ok = ab_cmac_end(c, mac);
  turn(out->b, mac, sizeof mac);
  ab_wipe(k, sizeof k);
  ab_wipe(mac, sizeof mac);
  return ok;
}

bool ab_smp_f4(ab_env *env, const uint8_t u[32], const uint8_t v[32], const ab_key16 *x, uint8_t z,
               ab_key16 *out) {
  uint8_t m[65];
  ab_wr w = ab_wr_of(m, sizeof m);

  add(&w, u, 32);
  add(&w, v, 32);
  ab_wr_u8(&w, z);
  return cmac(env, x, m, sizeof m, out);
}

/* one of the two keys: `counter` says which */
static bool f5_part(ab_env *env, const ab_key16 *t, uint8_t counter, const ab_key16 *n1,
                    const ab_key16 *n2, const aioble_addr_t *a1, const aioble_addr_t *a2,
                    ab_key16 *out) {
  uint8_t m[53];
  ab_wr w = ab_wr_of(m, sizeof m);

  ab_wr_u8(&w, counter);
  ab_wr_bytes(&w, "btle", 4);
  add(&w, n1->b, 16);
  add(&w, n2->b, 16);
  add_addr(&w, a1);
  add_addr(&w, a2);
  ab_wr_bytes(&w, "\x01\x00", 2); /* the length in bits: 256 */
  return cmac(env, t, m, sizeof m, out);
}

bool ab_smp_f5(ab_env *env, const uint8_t dhkey[32], const ab_key16 *n1, const ab_key16 *n2,
               const aioble_addr_t *a1, const aioble_addr_t *a2, ab_key16 *mac_key, ab_key16 *ltk) {
  static const ab_key16 salt = {{0xbe, 0x83, 0x60, 0x5a, 0xdb, 0x0b, 0x37, 0x60, 0x38, 0xa5, 0xf5,
                                 0xaa, 0x91, 0x83, 0x88, 0x6c}};
  uint8_t m[32];
  ab_key16 t;
  bool ok;

  turn(m, dhkey, sizeof m);
  ok = cmac(env, &salt, m, sizeof m, &t) && f5_part(env, &t, 0, n1, n2, a1, a2, mac_key) &&
       f5_part(env, &t, 1, n1, n2, a1, a2, ltk);
  ab_wipe(m, sizeof m);
  ab_wipe(&t, sizeof t);
  return ok;
}

bool ab_smp_f6(ab_env *env, const ab_key16 *key, const ab_key16 *n1, const ab_key16 *n2,
               const ab_key16 *r, const uint8_t iocap[3], const aioble_addr_t *a1,
               const aioble_addr_t *a2, ab_key16 *out) {
  uint8_t m[65];
  ab_wr w = ab_wr_of(m, sizeof m);

  add(&w, n1->b, 16);
  add(&w, n2->b, 16);
  add(&w, r->b, 16);
  add(&w, iocap, 3);
  add_addr(&w, a1);
  add_addr(&w, a2);
  return cmac(env, key, m, sizeof m, out);
}

bool ab_smp_g2(ab_env *env, const uint8_t u[32], const uint8_t v[32], const ab_key16 *x,
               const ab_key16 *y, uint32_t *digits) {
  uint8_t m[80];
  ab_wr w = ab_wr_of(m, sizeof m);
  ab_key16 out;
  ab_rd r;
  bool ok;

  add(&w, u, 32);
  add(&w, v, 32);
  add(&w, y->b, 16);
  ok = cmac(env, x, m, sizeof m, &out);
  r = ab_rd_of(out.b, sizeof out.b);
  *digits = ab_rd_le32(&r) % AB_SMP_PASSKEYS;
  return ok;
}

bool ab_smp_h6(ab_env *env, const ab_key16 *key, const char key_id[4], ab_key16 *out) {
  return cmac(env, key, key_id, 4, out);
}

bool ab_smp_h7(ab_env *env, const ab_key16 *salt, const ab_key16 *key, ab_key16 *out) {
  uint8_t m[16];
  bool ok;

  turn(m, key->b, sizeof m);
  ok = cmac(env, salt, m, sizeof m, out);
  ab_wipe(m, sizeof m);
  return ok;
}

/* From the last octet to the first, as if data and counter were one number; what is sent of the
   result is its more significant half. */
bool ab_smp_mac(ab_env *env, const ab_key16 *csrk, uint8_t opcode, const uint8_t *data, size_t len,
                uint32_t counter, uint8_t mac[AB_SMP_MAC]) {
  const uint8_t first[] = {(uint8_t) (counter >> 24), (uint8_t) (counter >> 16),
                           (uint8_t) (counter >> 8), (uint8_t) counter};
  uint8_t k[16], part[16], whole[16] = {0};
  ab_cmac *c;
  bool ok;

  turn(k, csrk->b, sizeof k);
  c = ab_cmac_new(env, k);
  ab_wipe(k, sizeof k);
  ab_cmac_add(c, first, sizeof first);
  while (len) {
    size_t n = len < sizeof part ? len : sizeof part;

    turn(part, data + (len - n), n);
    ab_cmac_add(c, part, n);
    len -= n;
  }
  ab_cmac_add(c, &opcode, 1);
  ok = ab_cmac_end(c, whole);
  turn(mac, whole, AB_SMP_MAC);
  return ok;
}

/* X alone tells: the other point with it has the secret's negative, known as well */
bool ab_smp_is_debug_key(const ab_p256_point *point) {
  static const uint8_t x[32] = {0xe6, 0x9d, 0x35, 0x0e, 0x48, 0x01, 0x03, 0xcc, 0xdb, 0xfd, 0xf4,
                                0xac, 0x11, 0x91, 0xf4, 0xef, 0xb9, 0xa5, 0xf9, 0xe9, 0xa7, 0x83,
                                0x2c, 0x5e, 0x2c, 0xbe, 0x97, 0xf2, 0xd2, 0x03, 0xb0, 0x20};

  return memcmp(point->x, x, sizeof x) == 0;
}
