/* SPDX-License-Identifier: MIT */
/*
 * Signed data (Core Vol 3, Part H, 2.4.5; Part C, 10.4): who sent something, on a link that is not
 * encrypted, is proved by a key that was distributed over one that was.
 *
 *   data | SignCounter, 4 octets | MAC, 8 octets, of data and counter
 *
 * 1. A counter of ours is used once, whatever ends the program: before one is used that is not kept
 *    as used, AB_SMP_RESERVE of them are. Those that are left over at the end are lost.
 * 2. The peer's counters only rise; they may leave some out. What was verified is over: the counter
 *    is taken even if nothing comes of the data.
 */
#include "smp/smp_backend.h"
#include "smp/smp_priv.h"

static const uint64_t counters = UINT64_C(1) << 32;

static int reserve(const ab_smp_stack *stack, ab_bond *bond) {
  uint64_t before = bond->reserved, more = bond->counter + AB_SMP_RESERVE;
  int err;

  if (bond->counter < before)
    return 0;
  if (bond->counter == counters)
    return AIOBLE_ENOBUFS;
  bond->reserved = more < counters ? more : counters;
  err = stack->on_counter ? stack->on_counter(stack->ctx, bond, true) : 0;
  if (err < 0)
    bond->reserved = before;
  return err;
}

int ab_smp_sign(ab_smp *smp, ab_buf *buf) {
  ab_smp_stack *stack = smp->stack;
  ab_bond *bond = ab_smp_bond_of(stack, &smp->peer);
  ab_rd data = ab_rd_of(buf->p, buf->len);
  ab_wr w = ab_buf_writer(buf);
  uint8_t opcode = ab_rd_u8(&data), mac[AB_SMP_MAC];
  size_t len;
  const uint8_t *rest = ab_rd_rest(&data, &len);
  uint32_t counter;
  int err;

  if (!bond || !bond->has_local_csrk)
    return AIOBLE_ENOENT;
  err = reserve(stack, bond);
  if (err < 0)
    return err;
  counter = (uint32_t) bond->counter++;
  if (!ab_smp_mac(stack->env, &bond->local_csrk, opcode, rest, len, counter, mac))
    return AIOBLE_ENOMEM;
  ab_wr_le32(&w, counter);
  ab_wr_bytes(&w, mac, sizeof mac);
  ab_buf_wrote(buf, &w);
  return 0;
}

/* whose it is; NULL: of nobody whom we know */
static ab_bond *signer(const ab_smp *smp, uint8_t opcode, const uint8_t *data, size_t len,
                       uint32_t *counter) {
  ab_bond *bond = ab_smp_bond_of(smp->stack, &smp->peer);
  ab_rd r = ab_rd_of(data, len);
  uint8_t mac[AB_SMP_MAC];
  const uint8_t *claimed;

  if (!bond || !bond->has_csrk || len < AB_SMP_SIGNATURE)
    return NULL;
  (void) ab_rd_take(&r, len - AB_SMP_SIGNATURE);
  *counter = ab_rd_le32(&r);
  claimed = ab_rd_take(&r, sizeof mac);
  return ab_smp_mac(smp->stack->env, &bond->csrk, opcode, data, len - AB_SMP_SIGNATURE, *counter,
                    mac) &&
                 ab_secret_equal(mac, claimed, sizeof mac)
             ? bond
             : NULL;
}

ab_smp_signature ab_smp_verify(ab_smp *smp, uint8_t opcode, const uint8_t *data, size_t len) {
  ab_smp_stack *stack = smp->stack;
  uint32_t counter;
  ab_bond *bond = signer(smp, opcode, data, len, &counter);

  if (!bond) {
    stack->signatures_refused++;
    return AB_SMP_UNSIGNED;
  }
  if (counter < bond->peer_counter) {
    stack->signatures_replayed++;
    return AB_SMP_UNSIGNED;
  }
  bond->peer_counter = UINT64_C(1) + counter;
  if (stack->on_counter)
    (void) stack->on_counter(stack->ctx, bond, false);
  return bond->authenticated ? AB_SMP_SIGNED_AUTHENTICATED : AB_SMP_SIGNED;
}
