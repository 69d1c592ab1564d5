/* SPDX-License-Identifier: MIT */
/* The bonds of a stack, in memory: one for each identity. */
#include "smp/smp_priv.h"

void ab_smp_stack_init(ab_smp_stack *stack, ab_env *env, ab_bufs *bufs) {
  *stack = (ab_smp_stack){.env = env, .bufs = bufs};
  stack->policy = (ab_smp_policy){.io = AB_SMP_IO_NONE, .bond = true, .min_key = AB_SMP_KEY_MAX};
  ab_list_init(&stack->bonds);
}

void ab_smp_stack_close(ab_smp_stack *stack) {
  ab_list *n;

  while ((n = ab_list_pop(&stack->bonds)))
    ab_smp_bond_free(stack, ab_container_of(n, ab_bond, node));
  ab_wipe(stack, sizeof *stack);
}

/* ---- finding ---- */

/* Core Vol 6, Part B, 1.3.2.3: hash in the lower half of the address, prand in the upper */
static bool resolves(const ab_bond *bond, const aioble_addr_t *addr) {
  const uint8_t *a = addr->bytes; /* as displayed: most significant first */
  const uint8_t prand[3] = {a[2], a[1], a[0]}, expected[3] = {a[5], a[4], a[3]};
  uint8_t hash[3];

  return bond->has_irk && ab_smp_ah(&bond->irk, prand, hash) &&
         memcmp(hash, expected, sizeof hash) == 0;
}

ab_bond *ab_smp_bond_with(const ab_smp_stack *stack, const aioble_addr_t *addr) {
  AB_LIST_EACH(n, &stack->bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (aioble_addr_equal(&bond->addr, addr))
      return bond;
  }
  return NULL;
}

ab_bond *ab_smp_bond_of(const ab_smp_stack *stack, const aioble_addr_t *addr) {
  if (aioble_addr_kind(addr) != AIOBLE_ADDR_KIND_RESOLVABLE)
    return ab_smp_bond_with(stack, addr);
  AB_LIST_EACH(n, &stack->bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (resolves(bond, addr))
      return bond;
  }
  return NULL;
}

const ab_bond *ab_smp_bond_by_ltk(const ab_smp_stack *stack, const aioble_addr_t *addr,
                                  uint64_t rand, uint16_t ediv) {
  const ab_bond *bond = ab_smp_bond_of(stack, addr);

  return bond && bond->local.there && bond->local.rand == rand && bond->local.ediv == ediv ? bond
                                                                                           : NULL;
}

/* ---- coming and going ---- */

ab_bond *ab_smp_bond_new(ab_smp_stack *stack) {
  return ab_zalloc(stack->env, sizeof(ab_bond));
}

void ab_smp_bond_free(ab_smp_stack *stack, ab_bond *bond) {
  if (!bond)
    return;
  ab_wipe(bond, sizeof *bond);
  ab_free(stack->env, bond);
}

static void tell(const ab_smp_stack *stack, ab_bond *bond, bool gone) {
  if (stack->on_bond)
    stack->on_bond(stack->ctx, bond, gone);
}

static void take_off(ab_smp_stack *stack, ab_bond *bond) {
  ab_list_remove(&bond->node);
  stack->n_bonds--;
  ab_smp_bond_free(stack, bond);
}

int ab_smp_bond_add(ab_smp_stack *stack, ab_bond *bond) {
  ab_bond *old = ab_smp_bond_with(stack, &bond->addr);

  if (!old && stack->n_bonds >= AB_SMP_BONDS_MAX) {
    stack->bonds_refused++;
    ab_smp_bond_free(stack, bond);
    return AIOBLE_ENOBUFS;
  }
  if (old)
    take_off(stack, old);
  ab_list_push(&stack->bonds, &bond->node);
  stack->n_bonds++;
  tell(stack, bond, false);
  return 0;
}

void ab_smp_bond_delete(ab_smp_stack *stack, ab_bond *bond) {
  tell(stack, bond, true);
  take_off(stack, bond);
}
