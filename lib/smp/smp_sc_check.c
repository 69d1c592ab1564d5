/* SPDX-License-Identifier: MIT */
/*
 * Authentication stage 2 of LE Secure Connections pairing (Core Vol 3, Part H, 2.3.5.6.5).
 *
 * 1. MacKey, LTK = f5(DHKey, Na, Nb, A, B)
 * 2. C: DHKey Check -> P: DHKey Check, each over the other's random value, its features and both
 *    addresses; the peripheral's user must have agreed before it answers.
 * 3. The link is encrypted with the LTK.
 */
#include "smp/smp_priv.h"

bool ab_smp_sc_derive(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (ab_smp_f5(smp->stack->env, p->s.dhkey, smp->central ? &p->nonce : &p->peer_nonce,
                smp->central ? &p->peer_nonce : &p->nonce, &p->initiator, &p->responder,
                &p->s.mac_key, &p->key))
    return true;
  ab_smp_fail(smp, AIOBLE_ENOMEM);
  return false;
}

/* IO capability, OOB flag and AuthReq, as they were sent */
static const uint8_t *iocap(const uint8_t features[7]) {
  return features + 1;
}

bool ab_smp_sc_send_check(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_key16 value;

  if (!ab_smp_f6(smp->stack->env, &p->s.mac_key, &p->nonce, &p->peer_nonce, &p->s.peer_random,
                 iocap(smp->central ? p->preq : p->pres), &smp->local, &smp->peer, &value)) {
    ab_smp_fail(smp, AIOBLE_ENOMEM);
    return false;
  }
  smp->state = smp->central ? AB_SMP_C_CHECK : AB_SMP_P_CHECK;
  return ab_smp_send(smp, AB_SMP_DHKEY_CHECK, value.b, sizeof value.b);
}

static bool check(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_key16 value;

  if (ab_smp_f6(smp->stack->env, &p->s.mac_key, &p->peer_nonce, &p->nonce, &p->s.random,
                iocap(smp->central ? p->pres : p->preq), &smp->peer, &smp->local, &value) &&
      ab_secret_equal(&value, &p->s.peer_check, sizeof value))
    return true;
  ab_smp_refuse(smp, AB_SMP_ERR_DHKEY);
  return false;
}

void ab_smp_c_check(ab_smp *smp, ab_rd *command) {
  smp->pairing->s.peer_check = ab_rd_key16(command);
  if (check(smp))
    ab_smp_start_encryption(smp);
}

void ab_smp_sc_answer_check(ab_smp *smp) {
  if (check(smp) && ab_smp_sc_send_check(smp))
    ab_smp_start_encryption(smp);
}

void ab_smp_p_check(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  if (p->held) {
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
    return;
  }
  p->s.peer_check = ab_rd_key16(command);
  p->held = p->asking;
  if (!p->held)
    ab_smp_sc_answer_check(smp);
}
