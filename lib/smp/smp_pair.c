/* SPDX-License-Identifier: MIT */
/*
 * Phase 1 of pairing (Core Vol 3, Part H, 2.3, 3.5.1, 3.5.2, 3.6.7).
 *
 * 1. The central sends Pairing Request by itself or for a Security Request of the peripheral; where
 *    a bond will do, it encrypts with its key instead. What the peer starts may need our user's
 *    consent, before anything is said.
 * 2. From the features of both sides follow: LE Secure Connections or not, the association model,
 *    the key's size, which keys are distributed. What the policy does not allow ends it here, as
 *    does a bond that the outcome could not replace.
 * 3. Phase 2 follows: smp_legacy.c or smp_sc.c.
 */
#include "smp/smp_priv.h"

/* ---- features ---- */

/*
 * What the OOB flag says depends on what comes of the pairing (tables 2.6, 2.7): of LE Secure
 * Connections, that we know the peer's random and confirm; of legacy pairing, that we have the
 * temporary key. Who has that key alone means that one, if it may: it asks for legacy pairing, and
 * agrees to no other with a peer that has something, too.
 */
static bool only_tk(const ab_smp_policy *policy) {
  const ab_smp_oob *oob = policy->oob;

  return oob && oob->has_tk && !oob->has_peer && !oob->has_local &&
         policy->sc == AB_SMP_SC_PREFERRED;
}

static bool has_oob(const ab_smp_policy *policy, bool sc) {
  const ab_smp_oob *oob = policy->oob;

  return oob && (sc ? oob->has_peer : oob->has_tk);
}

static uint8_t auth_of(const ab_smp_policy *policy) {
  bool keyboard = policy->io == AB_SMP_IO_KEYBOARD || policy->io == AB_SMP_IO_KEYBOARD_DISPLAY;
  unsigned auth = policy->bond ? AB_SMP_AUTH_BOND : 0;

  auth |= policy->mitm || policy->prefer_mitm ? AB_SMP_AUTH_MITM : 0u;
  auth |= policy->sc != AB_SMP_SC_NEVER && !only_tk(policy) ? AB_SMP_AUTH_SC : 0u;
  auth |= keyboard ? AB_SMP_AUTH_KEYPRESS : 0u;
  return (uint8_t) auth;
}

/* as a request has them: all keys are wanted, and given as far as there are any */
ab_smp_features ab_smp_features_of(const ab_smp_stack *stack, const ab_smp_policy *policy) {
  unsigned wanted = policy->bond ? AB_SMP_DIST_ENC | AB_SMP_DIST_ID | AB_SMP_DIST_SIGN : 0u;
  unsigned given = stack->has_irk ? wanted : wanted & ~(unsigned) AB_SMP_DIST_ID;
  uint8_t auth = auth_of(policy);

  return (ab_smp_features){.io = policy->io,
                           .oob = has_oob(policy, auth & AB_SMP_AUTH_SC),
                           .auth = auth,
                           .key_size = AB_SMP_KEY_MAX,
                           .initiator = (uint8_t) given,
                           .responder = (uint8_t) wanted};
}

/* of the response: what is known of the peer by now */
static void adapt(ab_smp_pairing *p) {
  if (only_tk(&p->policy) && !p->peer.oob)
    p->local.auth |= AB_SMP_AUTH_SC;
  p->local.oob = has_oob(&p->policy, p->local.auth & p->peer.auth & AB_SMP_AUTH_SC);
}

static bool in_range(const ab_smp_features *f) {
  return f->io <= AB_SMP_IO_KEYBOARD_DISPLAY && f->oob <= 1 && f->key_size >= AB_SMP_KEY_MIN &&
         f->key_size <= AB_SMP_KEY_MAX;
}

/* the whole command, as the checks of phase 2 want it */
static void keep(uint8_t whole[7], ab_smp_code code, const ab_smp_features *features) {
  ab_wr w = ab_wr_of(whole, 7);

  ab_wr_u8(&w, (uint8_t) code);
  ab_smp_features_write(&w, features);
}

/* the codes that follow from a key distribution field; of LE Secure Connections both have the LTK
 */
static unsigned codes_of(uint8_t distribution, bool sc) {
  unsigned codes = 0;

  if (distribution & AB_SMP_DIST_ENC && !sc)
    codes |= 1u << AB_SMP_ENCRYPTION_INFO | 1u << AB_SMP_CENTRAL_ID;
  if (distribution & AB_SMP_DIST_ID)
    codes |= 1u << AB_SMP_IDENTITY_INFO | 1u << AB_SMP_IDENTITY_ADDR;
  if (distribution & AB_SMP_DIST_SIGN)
    codes |= 1u << AB_SMP_SIGNING_INFO;
  return codes;
}

/* ---- what follows from them ---- */

/* What will come of it, and may replace the bond there is; else why not. */
static uint8_t prepare_bond(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  const ab_bond *old = ab_smp_bond_of(smp->stack, &smp->peer);

  p->bond = ab_smp_bond_new(smp->stack);
  if (!p->bond)
    return AB_SMP_ERR_UNSPECIFIED;
  p->bonding = (p->local.auth & p->peer.auth & AB_SMP_AUTH_BOND_MASK) == AB_SMP_AUTH_BOND;
  p->bond->authenticated = p->model != AB_SMP_JUST_WORKS;
  p->bond->sc = p->sc;
  p->bond->key_size = p->key_size;
  return ab_smp_may_replace(smp, old) ? 0 : AB_SMP_ERR_AUTH;
}

static uint8_t decide(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  const ab_smp_features *initiator = smp->central ? &p->local : &p->peer;
  const ab_smp_features *responder = smp->central ? &p->peer : &p->local;

  p->sc = p->local.auth & p->peer.auth & AB_SMP_AUTH_SC;
  p->model = ab_smp_model_of(initiator, responder, p->sc);
  p->key_size = p->peer.key_size < AB_SMP_KEY_MAX ? p->peer.key_size : AB_SMP_KEY_MAX;
  if ((p->policy.sc == AB_SMP_SC_REQUIRED && !p->sc) ||
      (p->policy.mitm && p->model == AB_SMP_JUST_WORKS))
    return AB_SMP_ERR_AUTH;
  if (p->model == AB_SMP_OOB && !ab_smp_can_oob(p))
    return AB_SMP_ERR_OOB;
  if (p->key_size < p->policy.min_key)
    return AB_SMP_ERR_KEY_SIZE;
  return prepare_bond(smp);
}

static void phase2(ab_smp *smp) {
  if (smp->pairing->sc)
    ab_smp_sc_start(smp);
  else
    ab_smp_legacy_start(smp);
}

/* ---- peripheral ---- */

static const ab_smp_policy *policy_of(const ab_smp *smp) {
  return smp->state == AB_SMP_P_ASKED ? &smp->policy : &smp->stack->policy;
}

/* the response: of the keys asked for, those that we have and want */
static void respond(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  uint8_t given = p->local.initiator, wanted = p->local.responder, reason;

  adapt(p);
  reason = in_range(&p->peer) ? decide(smp) : AB_SMP_ERR_PARAMETERS;
  if (reason) {
    ab_smp_refuse(smp, reason);
    return;
  }
  p->local.initiator = p->peer.initiator & wanted;
  p->local.responder = p->peer.responder & given;
  p->await = codes_of(p->local.initiator, p->sc);
  p->send = codes_of(p->local.responder, p->sc);
  keep(p->pres, AB_SMP_PAIRING_RESPONSE, &p->local);
  if (ab_smp_send(smp, AB_SMP_PAIRING_RESPONSE, p->pres + 1, sizeof p->pres - 1))
    phase2(smp);
}

/* the peer may start a pairing like that */
static bool is_pairable(const ab_smp *smp, const ab_smp_policy *policy) {
  return policy->pairable == AB_SMP_PAIRABLE ||
         (policy->pairable == AB_SMP_PAIRABLE_BONDED && ab_smp_bond_of(smp->stack, &smp->peer));
}

/* what we have asked for ends with it */
static void turn_down(ab_smp *smp, uint8_t reason) {
  smp->stack->pairings_refused++;
  if (smp->state == AB_SMP_P_ASKED)
    ab_smp_refuse(smp, reason);
  else
    ab_smp_say_failed(smp, reason);
}

static void consent(ab_smp *smp) {
  smp->state = AB_SMP_USER;
  ab_smp_ask(smp, AB_SMP_CONSENT, 0);
}

void ab_smp_on_request(ab_smp *smp, ab_rd *command) {
  const ab_smp_policy *policy = policy_of(smp);
  ab_smp_features peer;

  ab_smp_features_read(command, &peer);
  if (!is_pairable(smp, policy)) {
    turn_down(smp, AB_SMP_ERR_NOT_SUPPORTED);
  } else if (ab_smp_too_soon(smp->stack, &smp->peer)) {
    turn_down(smp, AB_SMP_ERR_REPEATED);
  } else if (ab_smp_begin(smp, policy) < 0) {
    turn_down(smp, AB_SMP_ERR_UNSPECIFIED);
  } else {
    smp->pairing->peer = peer;
    keep(smp->pairing->preq, AB_SMP_PAIRING_REQUEST, &peer);
    if (policy->ask)
      consent(smp);
    else
      respond(smp);
  }
}

/* ---- central ---- */

static void send_request(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  keep(p->preq, AB_SMP_PAIRING_REQUEST, &p->local);
  smp->state = AB_SMP_C_RESPONSE;
  (void) ab_smp_send(smp, AB_SMP_PAIRING_REQUEST, p->preq + 1, sizeof p->preq - 1);
}

static int request(ab_smp *smp, const ab_smp_policy *policy) {
  int err = ab_smp_begin(smp, policy);

  if (err == 0 && policy->ask)
    consent(smp);
  else if (err == 0)
    send_request(smp);
  return err;
}

void ab_smp_consented(ab_smp *smp) {
  if (smp->central)
    send_request(smp);
  else
    respond(smp);
}

void ab_smp_on_response(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;
  uint8_t reason = AB_SMP_ERR_PARAMETERS;

  ab_smp_features_read(command, &p->peer);
  keep(p->pres, AB_SMP_PAIRING_RESPONSE, &p->peer);
  if (in_range(&p->peer) && !(p->peer.initiator & ~p->local.initiator) &&
      !(p->peer.responder & ~p->local.responder))
    reason = decide(smp);
  if (reason) {
    ab_smp_refuse(smp, reason);
    return;
  }
  p->send = codes_of(p->peer.initiator, p->sc);
  p->await = codes_of(p->peer.responder, p->sc);
  phase2(smp);
}

/* ---- asking for security ---- */

static bool will_do(const ab_smp_policy *policy, bool authenticated, bool sc, uint8_t key_size) {
  return (!policy->mitm || authenticated) && (policy->sc != AB_SMP_SC_REQUIRED || sc) &&
         key_size >= policy->min_key;
}

bool ab_smp_satisfied(const ab_smp *smp, const ab_smp_policy *policy) {
  const ab_smp_security *s = &smp->security;

  return s->level && (!policy->bond || s->bonded) &&
         will_do(policy, s->level >= 2, s->sc, s->key_size);
}

static bool bond_will_do(const ab_smp *smp, const ab_smp_policy *policy) {
  const ab_bond *bond = ab_smp_bond_of(smp->stack, &smp->peer);

  return bond && (smp->central ? bond->peer.there : bond->local.there) && !smp->security.bonded &&
         ab_smp_bond_usable(smp->stack, bond) &&
         will_do(policy, bond->authenticated, bond->sc, bond->key_size);
}

static int ask_central(ab_smp *smp, const ab_smp_policy *policy) {
  uint8_t auth = auth_of(policy);

  smp->policy = *policy;
  smp->state = AB_SMP_P_ASKED;
  (void) ab_smp_send(smp, AB_SMP_SECURITY_REQUEST, &auth, 1);
  return 0;
}

static bool valid(const ab_smp_policy *policy) {
  return policy->io <= AB_SMP_IO_KEYBOARD_DISPLAY && policy->sc <= AB_SMP_SC_NEVER &&
         policy->min_key >= AB_SMP_KEY_MIN && policy->min_key <= AB_SMP_KEY_MAX;
}

int ab_smp_secure(ab_smp *smp, const ab_smp_policy *policy) {
  bool bonded;

  if (!valid(policy))
    return AIOBLE_EINVAL;
  if (smp->state == AB_SMP_BROKEN)
    return AIOBLE_ETIMEDOUT;
  if (ab_smp_busy(smp))
    return AIOBLE_EBUSY;
  if (ab_smp_satisfied(smp, policy))
    return AIOBLE_EALREADY;
  bonded = bond_will_do(smp, policy);
  if (!bonded && !is_pairable(smp, policy))
    return AIOBLE_ENOENT;
  if (ab_smp_too_soon(smp->stack, &smp->peer))
    return AIOBLE_ERR_SMP(AB_SMP_ERR_REPEATED);
  if (!smp->central)
    return ask_central(smp, policy);
  return bonded ? ab_smp_encrypt(smp) : request(smp, policy);
}

/* the peripheral asks: what it wants is in its AuthReq */
void ab_smp_on_security_request(ab_smp *smp, ab_rd *command) {
  uint8_t auth = ab_rd_u8(command);
  ab_smp_policy wish = {.mitm = auth & AB_SMP_AUTH_MITM,
                        .bond = auth & AB_SMP_AUTH_BOND,
                        .sc = auth & AB_SMP_AUTH_SC ? AB_SMP_SC_PREFERRED : AB_SMP_SC_NEVER,
                        .min_key = smp->stack->policy.min_key};

  if (smp->encrypting || ab_smp_satisfied(smp, &wish))
    smp->ignored++;
  else if (bond_will_do(smp, &wish))
    (void) ab_smp_encrypt(smp);
  else if (!is_pairable(smp, &smp->stack->policy))
    turn_down(smp, AB_SMP_ERR_NOT_SUPPORTED);
  else if (ab_smp_too_soon(smp->stack, &smp->peer))
    turn_down(smp, AB_SMP_ERR_REPEATED);
  else if (request(smp, &smp->stack->policy) < 0)
    turn_down(smp, AB_SMP_ERR_UNSPECIFIED);
}
