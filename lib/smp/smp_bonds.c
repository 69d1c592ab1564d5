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

ab_bond *ab_smp_bond_with(const ab_smp_stack *stack, const aioble_addr_t *addr) {
  AB_LIST_EACH(n, &stack->bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (aioble_addr_equal(&bond->addr, addr))
      return bond;
  }
  return NULL;
}

ab_bond *ab_smp_bond_of(ab_smp_stack *stack, const aioble_addr_t *addr) {
  return aioble_addr_kind(addr) == AIOBLE_ADDR_KIND_RESOLVABLE ? ab_smp_resolve(stack, addr)
                                                               : ab_smp_bond_with(stack, addr);
}

bool ab_smp_bond_usable(const ab_smp_stack *stack, const ab_bond *bond) {
  return !stack->secure_only ||
         (bond->sc && bond->authenticated && bond->key_size == AB_SMP_KEY_MAX);
}

const ab_bond *ab_smp_bond_by_ltk(ab_smp_stack *stack, const aioble_addr_t *addr, uint64_t rand,
                                  uint16_t ediv) {
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
  ab_aes_free(bond->ah_key);
  ab_free_secret(stack->env, bond, sizeof *bond);
}

static void tell(const ab_smp_stack *stack, ab_bond *bond, bool gone) {
  if (stack->on_bond)
    stack->on_bond(stack->ctx, bond, gone);
}

static void take_off(ab_smp_stack *stack, ab_bond *bond) {
  ab_list_remove(&bond->node);
  ab_smp_resolved_forget(stack);
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
  if (old && old->has_csrk && bond->has_csrk &&
      ab_secret_equal(&old->csrk, &bond->csrk, sizeof bond->csrk))
    bond->peer_counter = old->peer_counter; /* some have one key for good: old stays old */
  if (old)
    take_off(stack, old);
  ab_list_push(&stack->bonds, &bond->node);
  ab_smp_resolved_forget(stack);
  stack->n_bonds++;
  tell(stack, bond, false);
  return 0;
}

void ab_smp_bond_delete(ab_smp_stack *stack, ab_bond *bond) {
  tell(stack, bond, true);
  take_off(stack, bond);
}
