/* SPDX-License-Identifier: MIT */
/*
 * Phase 2 of LE legacy pairing (Core Vol 3, Part H, 2.3.5.2 to 2.3.5.5).
 *
 * 1. TK is zero, the passkey, or came out of band.
 * 2. C: Confirm -> P: Confirm -> C: Random -> P: Random, each checked against its Confirm.
 * 3. STK = s1(TK, Srand, Mrand): the link is encrypted with it.
 *
 * A central that waits for its user has sent nothing, so its peer has nothing to say. A peripheral
 * that waits keeps the central's Confirm.
 */
#include "smp/smp_priv.h"

static void expect(ab_smp *smp, ab_smp_state central, ab_smp_state peripheral) {
  smp->state = (uint8_t) (smp->central ? central : peripheral);
}

static bool c1(const ab_smp_pairing *p, const ab_key16 *random, ab_key16 *confirm) {
  return ab_smp_c1(&p->legacy.tk, random, p->preq, p->pres, &p->initiator, &p->responder, confirm);
}

static void send_confirm(ab_smp *smp, ab_smp_state next) {
  ab_smp_pairing *p = smp->pairing;

  if (ab_random(smp->stack->env, p->nonce.b, sizeof p->nonce.b) < 0 ||
      !c1(p, &p->nonce, &p->legacy.confirm)) {
    ab_smp_fail(smp, AIOBLE_EIO);
    return;
  }
  smp->state = (uint8_t) next;
  (void) ab_smp_send(smp, AB_SMP_CONFIRM, p->legacy.confirm.b, sizeof p->legacy.confirm.b);
}

/* TK is known */
static void confirm_or_wait(ab_smp *smp) {
  if (smp->central)
    send_confirm(smp, AB_SMP_C_LEGACY_CONFIRM);
  else if (smp->pairing->held)
    send_confirm(smp, AB_SMP_P_LEGACY_RANDOM);
}

void ab_smp_legacy_start(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  expect(smp, AB_SMP_USER, AB_SMP_P_LEGACY_CONFIRM);
  if (p->model == AB_SMP_OOB)
    p->legacy.tk = p->policy.oob->tk;
  if (ab_smp_is_passkey(p) && !ab_smp_passkey(smp))
    return;
  if (!p->asking)
    ab_smp_legacy_answered(smp);
}

void ab_smp_legacy_answered(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (ab_smp_is_passkey(p))
    p->legacy.tk = ab_smp_passkey_value(p->passkey);
  confirm_or_wait(smp);
}

void ab_smp_p_legacy_confirm(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  if (p->held) {
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
    return;
  }
  p->peer_confirm = ab_rd_key16(command);
  p->held = true;
  if (!p->asking)
    confirm_or_wait(smp);
}

/* our own Confirm, sent back, would fit our own Random */
void ab_smp_c_legacy_confirm(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  p->peer_confirm = ab_rd_key16(command);
  if (ab_secret_equal(&p->peer_confirm, &p->legacy.confirm, sizeof p->peer_confirm)) {
    ab_smp_refuse(smp, AB_SMP_ERR_CONFIRM);
    return;
  }
  smp->state = AB_SMP_C_LEGACY_RANDOM;
  (void) ab_smp_send(smp, AB_SMP_RANDOM, p->nonce.b, sizeof p->nonce.b);
}

/* the peer's Random fits its Confirm */
static bool check(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;
  ab_key16 confirm;

  p->peer_nonce = ab_rd_key16(command);
  if (c1(p, &p->peer_nonce, &confirm) &&
      ab_secret_equal(&confirm, &p->peer_confirm, sizeof confirm))
    return true;
  ab_smp_refuse(smp, AB_SMP_ERR_CONFIRM);
  return false;
}

static void encrypt(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  const ab_key16 *srand_value = smp->central ? &p->peer_nonce : &p->nonce;
  const ab_key16 *mrand_value = smp->central ? &p->nonce : &p->peer_nonce;

  if (ab_smp_s1(&p->legacy.tk, srand_value, mrand_value, &p->key))
    ab_smp_start_encryption(smp);
  else
    ab_smp_fail(smp, AIOBLE_ENOMEM);
}

void ab_smp_c_legacy_random(ab_smp *smp, ab_rd *command) {
  if (check(smp, command))
    encrypt(smp);
}

void ab_smp_p_legacy_random(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  if (check(smp, command) && ab_smp_send(smp, AB_SMP_RANDOM, p->nonce.b, sizeof p->nonce.b))
    encrypt(smp);
}
