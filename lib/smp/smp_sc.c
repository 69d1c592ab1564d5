/* SPDX-License-Identifier: MIT */
/*
 * Phase 2 of LE Secure Connections pairing, public keys and authentication stage 1 (Core Vol 3,
 * Part H, 2.3.5.6.1 to 2.3.5.6.4).
 *
 * 1. C: Public Key -> P: Public Key. A key that is not on the curve, is our own, or is the debug
 *    key ends it (DHKey Check Failed).
 * 2. Just Works, Numeric Comparison: P: Confirm -> C: Random -> P: Random; then both users compare.
 *    Passkey Entry, 20 times: C: Confirm -> P: Confirm -> C: Random -> P: Random.
 *    Out of band: C: Random -> P: Random, the confirms having come the other way.
 * 3. Stage 2 follows: smp_sc_check.c.
 *
 * All that the two sides compute is alike with "ours" and "the peer's" exchanged, so there is one
 * function for both roles wherever a value is made or checked.
 */
#include "smp/smp_priv.h"

/* ---- public keys ---- */

bool ab_smp_can_oob(const ab_smp_pairing *p) {
  const ab_smp_oob *oob = p->policy.oob;

  if (!p->sc)
    return oob && oob->has_tk;
  return (!p->local.oob || oob->has_peer) && (!p->peer.oob || (oob && oob->has_local));
}

static bool make_pair(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (p->model == AB_SMP_OOB && p->policy.oob && p->policy.oob->has_local) {
    p->s.pair = p->policy.oob->pair;
    return true;
  }
  return ab_p256_pair_new(smp->stack->env, &p->s.pair);
}

static bool send_public_key(ab_smp *smp) {
  const ab_p256_point *own = &smp->pairing->s.pair.point;
  uint8_t both[ab_smp_public_key_size];
  ab_wr w = ab_wr_of(both, sizeof both);

  ab_wr_bytes(&w, own->x, sizeof own->x);
  ab_wr_bytes(&w, own->y, sizeof own->y);
  return ab_smp_send(smp, AB_SMP_PUBLIC_KEY, both, sizeof both);
}

void ab_smp_sc_start(ab_smp *smp) {
  smp->state = AB_SMP_PUBLIC;
  if (!make_pair(smp))
    ab_smp_fail(smp, AIOBLE_EIO);
  else if (smp->central)
    (void) send_public_key(smp);
}

static void stage1(ab_smp *smp);

void ab_smp_on_public_key(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;
  const ab_p256_point *own = &p->s.pair.point;

  ab_rd_copy(command, p->s.peer.x, sizeof p->s.peer.x);
  ab_rd_copy(command, p->s.peer.y, sizeof p->s.peer.y);
  if (memcmp(p->s.peer.x, own->x, sizeof own->x) == 0 || ab_smp_is_debug_key(&p->s.peer) ||
      !ab_p256_shared(p->s.pair.secret, &p->s.peer, p->s.dhkey))
    ab_smp_refuse(smp, AB_SMP_ERR_DHKEY);
  else if (smp->central || send_public_key(smp))
    stage1(smp);
}

/* ---- commitments ---- */

/* z of f4: the bit of the passkey whose turn it is (2.3.5.6.3), or 0 */
static uint8_t bit(const ab_smp_pairing *p) {
  return (uint8_t) (ab_smp_is_passkey(p) ? 0x80u | (p->passkey >> p->s.round & 1u) : 0u);
}

static bool new_nonce(ab_smp *smp) {
  if (ab_random(smp->stack->env, smp->pairing->nonce.b, sizeof smp->pairing->nonce.b) == 0)
    return true;
  ab_smp_fail(smp, AIOBLE_EIO);
  return false;
}

/* with a new nonce */
static void send_confirm(ab_smp *smp, ab_smp_state next) {
  ab_smp_pairing *p = smp->pairing;
  ab_key16 confirm;

  if (!new_nonce(smp))
    return;
  if (!ab_smp_f4(smp->stack->env, p->s.pair.point.x, p->s.peer.x, &p->nonce, bit(p), &confirm)) {
    ab_smp_fail(smp, AIOBLE_ENOMEM);
    return;
  }
  smp->state = (uint8_t) next;
  (void) ab_smp_send(smp, AB_SMP_CONFIRM, confirm.b, sizeof confirm.b);
}

static bool send_nonce(ab_smp *smp) {
  return ab_smp_send(smp, AB_SMP_RANDOM, smp->pairing->nonce.b, sizeof smp->pairing->nonce.b);
}

/* the peer's Random fits its Confirm */
static bool check(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_key16 confirm;

  if (ab_smp_f4(smp->stack->env, p->s.peer.x, p->s.pair.point.x, &p->peer_nonce, bit(p),
                &confirm) &&
      ab_secret_equal(&confirm, &p->peer_confirm, sizeof confirm))
    return true;
  ab_smp_refuse(smp, AB_SMP_ERR_CONFIRM);
  return false;
}

/* ---- the models ---- */

/* 2.3.5.6.4: what the peer told us out of band was made with the key it uses now */
static bool check_oob(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  const ab_smp_oob *oob = p->policy.oob;
  ab_key16 confirm;

  if (p->peer.oob)
    p->s.random = oob->local.random;
  if (!p->local.oob)
    return true;
  p->s.peer_random = oob->peer.random;
  if (ab_smp_f4(smp->stack->env, p->s.peer.x, p->s.peer.x, &oob->peer.random, 0, &confirm) &&
      ab_secret_equal(&confirm, &oob->peer.confirm, sizeof confirm))
    return true;
  ab_smp_refuse(smp, AB_SMP_ERR_CONFIRM);
  return false;
}

static void start_oob(ab_smp *smp) {
  if (!check_oob(smp) || !new_nonce(smp))
    return;
  smp->state = smp->central ? AB_SMP_C_SC_RANDOM : AB_SMP_P_SC_RANDOM;
  if (smp->central)
    (void) send_nonce(smp);
}

/* the passkey is known: the rounds begin with the central's Confirm */
static void start_rounds(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  p->s.random = p->s.peer_random = ab_smp_passkey_value(p->passkey);
  if (smp->central)
    send_confirm(smp, AB_SMP_C_SC_CONFIRM);
  else if (p->held)
    send_confirm(smp, AB_SMP_P_SC_RANDOM);
}

static void start_passkey(ab_smp *smp) {
  smp->state = smp->central ? AB_SMP_USER : AB_SMP_P_SC_CONFIRM;
  if (ab_smp_passkey(smp) && !smp->pairing->asking)
    start_rounds(smp);
}

static void stage1(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (p->model == AB_SMP_OOB)
    start_oob(smp);
  else if (ab_smp_is_passkey(p))
    start_passkey(smp);
  else if (smp->central)
    smp->state = AB_SMP_C_SC_CONFIRM;
  else
    send_confirm(smp, AB_SMP_P_SC_RANDOM);
}

/* the nonces are known; the last thing is what the user sees */
static void compare(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  const ab_p256_point *own = &p->s.pair.point, *peer = &p->s.peer;
  uint32_t digits;

  if (ab_smp_g2(smp->stack->env, smp->central ? own->x : peer->x, smp->central ? peer->x : own->x,
                smp->central ? &p->nonce : &p->peer_nonce,
                smp->central ? &p->peer_nonce : &p->nonce, &digits))
    ab_smp_ask(smp, AB_SMP_COMPARE, digits);
  else
    ab_smp_fail(smp, AIOBLE_ENOMEM);
}

void ab_smp_sc_answered(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (ab_smp_is_passkey(p))
    start_rounds(smp);
  else if (smp->central)
    (void) ab_smp_sc_send_check(smp);
  else if (p->held)
    ab_smp_sc_answer_check(smp);
}

/* ---- central ---- */

void ab_smp_c_sc_confirm(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  p->peer_confirm = ab_rd_key16(command);
  if (!ab_smp_is_passkey(p) && !new_nonce(smp))
    return;
  smp->state = AB_SMP_C_SC_RANDOM;
  (void) send_nonce(smp);
}

static bool rounds_left(ab_smp_pairing *p) {
  return ab_smp_is_passkey(p) && ++p->s.round < AB_SMP_ROUNDS;
}

void ab_smp_c_sc_random(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  p->peer_nonce = ab_rd_key16(command);
  if (p->model != AB_SMP_OOB && !check(smp))
    return;
  if (rounds_left(p)) {
    send_confirm(smp, AB_SMP_C_SC_CONFIRM);
    return;
  }
  if (!ab_smp_sc_derive(smp))
    return;
  smp->state = AB_SMP_USER;
  if (p->model == AB_SMP_NUMERIC)
    compare(smp);
  else
    (void) ab_smp_sc_send_check(smp);
}

/* ---- peripheral ---- */

void ab_smp_p_sc_confirm(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  if (p->asking && p->held) {
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
    return;
  }
  p->peer_confirm = ab_rd_key16(command);
  p->held = true;
  if (!p->asking)
    send_confirm(smp, AB_SMP_P_SC_RANDOM);
}

void ab_smp_p_sc_random(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;

  p->peer_nonce = ab_rd_key16(command);
  p->held = false;
  if ((ab_smp_is_passkey(p) && !check(smp)) || !send_nonce(smp))
    return;
  if (rounds_left(p)) {
    smp->state = AB_SMP_P_SC_CONFIRM;
    return;
  }
  smp->state = AB_SMP_P_CHECK;
  if (ab_smp_sc_derive(smp) && p->model == AB_SMP_NUMERIC)
    compare(smp);
}

/* ---- out of band ---- */

int ab_smp_oob_make(ab_env *env, ab_smp_oob *oob) {
  const uint8_t *x = oob->pair.point.x;

  if (!ab_p256_pair_new(env, &oob->pair) ||
      ab_random(env, oob->local.random.b, sizeof oob->local.random.b) < 0)
    return AIOBLE_EIO;
  if (!ab_smp_f4(env, x, x, &oob->local.random, 0, &oob->local.confirm))
    return AIOBLE_ENOMEM;
  oob->has_local = true;
  return 0;
}
