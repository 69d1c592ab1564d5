/* SPDX-License-Identifier: MIT */
/*
 * Repeated attempts (Core Vol 3, Part H, 2.3.6). Whoever fails to authenticate is not listened to,
 * nor asked, for a while, which doubles with every failure in a row, from 1 s to 64 s; that holds
 * over connections. Success, or an hour of peace, makes it good. A full table forgets the one that
 * may try again first.
 */
#include "smp/smp_priv.h"

enum { WAIT_US = 1000000, DOUBLINGS = 6 };
static const uint64_t peace_us = 3600ull * 1000000;

static ab_smp_attempt *find(ab_smp_stack *stack, const aioble_addr_t *addr) {
  for (size_t i = 0; i < AB_SMP_ATTEMPTS; i++)
    if (stack->attempts[i].failures && aioble_addr_equal(&stack->attempts[i].addr, addr))
      return &stack->attempts[i];
  return NULL;
}

/* its place, a free one, or that of whoever may try again first */
static ab_smp_attempt *place(ab_smp_stack *stack, const aioble_addr_t *addr) {
  ab_smp_attempt *best = find(stack, addr);

  for (size_t i = 0; !best && i < AB_SMP_ATTEMPTS; i++)
    if (!stack->attempts[i].failures)
      best = &stack->attempts[i];
  if (best)
    return best;
  best = &stack->attempts[0];
  for (size_t i = 1; i < AB_SMP_ATTEMPTS; i++)
    if (stack->attempts[i].until_us < best->until_us)
      best = &stack->attempts[i];
  best->failures = 0;
  return best;
}

static bool counts(int status) {
  switch (status) {
  case AIOBLE_ERR_SMP(AB_SMP_ERR_CONFIRM):
  case AIOBLE_ERR_SMP(AB_SMP_ERR_DHKEY):
  case AIOBLE_ERR_SMP(AB_SMP_ERR_NUMERIC):
    return true;
  default:
    return false;
  }
}

void ab_smp_attempt_ended(ab_smp_stack *stack, const aioble_addr_t *addr, int status) {
  ab_smp_attempt *a = status == 0 ? find(stack, addr) : NULL;
  uint64_t now = stack->env->now_us;

  if (a)
    a->failures = 0;
  if (!counts(status))
    return;
  a = place(stack, addr);
  if (a->failures && now > a->until_us + peace_us)
    a->failures = 0;
  a->addr = *addr;
  a->until_us = now + ((uint64_t) WAIT_US << (a->failures < DOUBLINGS ? a->failures : DOUBLINGS));
  a->failures++;
}

bool ab_smp_too_soon(ab_smp_stack *stack, const aioble_addr_t *addr) {
  const ab_smp_attempt *a = find(stack, addr);

  return a && stack->env->now_us < a->until_us;
}
