/* SPDX-License-Identifier: MIT */
/*
 * Resolvable private addresses (Core Vol 6, Part B, 1.3.2.2, 1.3.2.3): ours, and whose a peer's is.
 * The upper half of such an address is random, the lower half its hash under the owner's key.
 *
 * To try all keys takes time: a block of AES for each bond. So it is remembered for the addresses
 * heard lately, and for those of nobody we know, too, which are the most. A bond that comes or goes
 * makes it all forgotten.
 */
#include "smp/smp_priv.h"

enum { HALF = 3, TRIES = 4 };

/* as displayed, the most significant octet comes first; for the functions of the air, the least */
static bool hash_of(ab_aes *key, const aioble_addr_t *addr, uint8_t hash[HALF]) {
  const uint8_t *a = addr->bytes, prand[HALF] = {a[2], a[1], a[0]};

  return ab_smp_ah(key, prand, hash);
}

/* ---- ours ---- */

static bool is_random(const aioble_addr_t *addr) {
  uint8_t zeroes = addr->bytes[0] & 0x3f, ones = addr->bytes[0] | 0xc0;

  for (size_t i = 1; i < HALF; i++) {
    zeroes |= addr->bytes[i];
    ones &= addr->bytes[i];
  }
  return zeroes != 0 && ones != 0xff;
}

static bool make_random(ab_env *env, aioble_addr_t *addr) {
  for (unsigned i = 0; i < TRIES; i++) {
    if (ab_random(env, addr->bytes, HALF) < 0)
      return false;
    addr->bytes[0] = (uint8_t) ((addr->bytes[0] & 0x3f) | 0x40);
    if (is_random(addr))
      return true;
  }
  return false;
}

int ab_smp_private_address(ab_smp_stack *stack, aioble_addr_t *addr) {
  aioble_addr_t a = {.type = AIOBLE_ADDR_RANDOM};
  uint8_t hash[HALF];
  ab_aes *key;
  bool ok;

  if (!stack->has_irk || !make_random(stack->env, &a))
    return AIOBLE_EIO;
  key = ab_smp_ah_key(&stack->irk);
  ok = hash_of(key, &a, hash);
  ab_aes_free(key);
  if (!ok)
    return AIOBLE_ENOMEM;
  for (size_t i = 0; i < HALF; i++)
    a.bytes[HALF + i] = hash[HALF - 1 - i];
  *addr = a;
  return 0;
}

/* ---- the peers' ---- */

/* its key is prepared when it is first tried */
static bool has_key(ab_bond *bond) {
  if (bond->has_irk && !bond->ah_key)
    bond->ah_key = ab_smp_ah_key(&bond->irk);
  return bond->has_irk;
}

/* 1: it is its; 0: it is not; negative: that could not be found out */
static int try_one(const ab_bond *bond, const aioble_addr_t *addr) {
  const uint8_t *a = addr->bytes, expected[HALF] = {a[5], a[4], a[3]};
  uint8_t hash[HALF];

  if (!hash_of(bond->ah_key, addr, hash))
    return AIOBLE_ENOMEM;
  return memcmp(hash, expected, sizeof hash) == 0;
}

/* false: there may be another answer */
static bool try_all(const ab_smp_stack *stack, const aioble_addr_t *addr, ab_bond **found) {
  bool sure = true;

  AB_LIST_EACH(n, &stack->bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);
    int its = has_key(bond) ? try_one(bond, addr) : 0;

    if (its > 0) {
      *found = bond;
      return true;
    }
    sure &= its == 0;
  }
  return sure;
}

/* to the front of its set: that of the one heard last; those before it move back by one */
static void to_front(ab_smp_resolved *set, size_t from, ab_smp_resolved r) {
  memmove(set + 1, set, from * sizeof *set);
  set[0] = r;
}

void ab_smp_resolved_forget(ab_smp_stack *stack) {
  memset(stack->resolved, 0, sizeof stack->resolved);
}

ab_bond *ab_smp_resolve(ab_smp_stack *stack, const aioble_addr_t *addr) {
  ab_smp_resolved *set = stack->resolved[addr->bytes[5] % AB_SMP_RESOLVED_SETS];
  ab_smp_resolved found = {.addr = *addr};

  for (size_t i = 0; i < AB_SMP_RESOLVED_WAYS; i++) {
    if (!aioble_addr_equal(&set[i].addr, addr))
      continue;
    to_front(set, i, set[i]);
    return set[0].bond;
  }
  stack->lookups++;
  if (try_all(stack, addr, &found.bond))
    to_front(set, AB_SMP_RESOLVED_WAYS - 1, found);
  return found.bond;
}
