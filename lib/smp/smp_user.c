/* SPDX-License-Identifier: MIT */
/*
 * The user's part in pairing: consent, passkeys, numbers, keys pressed (Core Vol 3, Part
 * H, 2.3.5.2, 2.3.5.3, 2.3.5.6.5, 3.5.8). A question may be answered at any later time; meanwhile
 * the peer's next command, if it has one, is held.
 */
#include "smp/smp_priv.h"

void ab_smp_ask(ab_smp *smp, ab_smp_prompt prompt, uint32_t number) {
  ab_smp_pairing *p = smp->pairing;

  p->prompt = prompt;
  p->prompted = true;
  p->asking = prompt != AB_SMP_SHOW_PASSKEY;
  smp->ev->prompt(smp->ctx, prompt, number);
}

/* every six digits are as likely (2.3.5.3) */
static int draw(ab_env *env, uint32_t *passkey) {
  const uint32_t limit = UINT32_MAX - UINT32_MAX % AB_SMP_PASSKEYS;
  int err;

  do {
    err = ab_random(env, passkey, sizeof *passkey);
  } while (err == 0 && *passkey >= limit);
  *passkey %= AB_SMP_PASSKEYS;
  return err;
}

bool ab_smp_passkey(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;

  if (ab_smp_enters(smp)) {
    ab_smp_ask(smp, AB_SMP_ENTER_PASSKEY, 0);
    return true;
  }
  if (draw(smp->stack->env, &p->passkey) < 0) {
    ab_smp_fail(smp, AIOBLE_EIO);
    return false;
  }
  ab_smp_ask(smp, AB_SMP_SHOW_PASSKEY, p->passkey);
  return true;
}

/* 2.3.5.3, 2.3.5.6.3: the passkey in the lowest octets */
ab_key16 ab_smp_passkey_value(uint32_t passkey) {
  ab_key16 value = {{0}};
  ab_wr w = ab_wr_of(value.b, sizeof value.b);

  ab_wr_le32(&w, passkey);
  return value;
}

/* for the peer, when the user says no */
static uint8_t reason_of(ab_smp_prompt prompt) {
  switch (prompt) {
  case AB_SMP_CONSENT:
    return AB_SMP_ERR_NOT_SUPPORTED;
  case AB_SMP_COMPARE:
    return AB_SMP_ERR_NUMERIC;
  default:
    return AB_SMP_ERR_PASSKEY;
  }
}

int ab_smp_answer(ab_smp *smp, bool yes, uint32_t passkey) {
  ab_smp_pairing *p = smp->pairing;

  if (!p || !p->prompted || (yes && !p->asking))
    return AIOBLE_EALREADY;
  if (!yes) {
    ab_smp_refuse(smp, reason_of(p->prompt));
    return 0;
  }
  if (p->prompt == AB_SMP_ENTER_PASSKEY) {
    if (passkey >= AB_SMP_PASSKEYS)
      return AIOBLE_EINVAL;
    p->passkey = passkey;
  }
  p->asking = false;
  if (p->prompt == AB_SMP_CONSENT)
    ab_smp_consented(smp);
  else if (p->sc)
    ab_smp_sc_answered(smp);
  else
    ab_smp_legacy_answered(smp);
  return 0;
}

static bool keypresses_wanted(const ab_smp_pairing *p) {
  return p->local.auth & p->peer.auth & AB_SMP_AUTH_KEYPRESS;
}

int ab_smp_keypress(ab_smp *smp, uint8_t type) {
  const ab_smp_pairing *p = smp->pairing;

  if (type > AB_SMP_KEYPRESS_TYPES)
    return AIOBLE_EINVAL;
  if (!p || !p->asking || p->prompt != AB_SMP_ENTER_PASSKEY)
    return AIOBLE_EALREADY;
  if (keypresses_wanted(p) && !ab_smp_send(smp, AB_SMP_KEYPRESS, &type, 1))
    return AIOBLE_ENOMEM;
  return 0;
}

/* only from a side that enters the passkey, and that has said it would; each gives it 30 s more */
void ab_smp_on_keypress(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;
  uint8_t type = ab_rd_u8(command);
  bool enters = ab_smp_is_passkey(p) && (!ab_smp_enters(smp) || p->model == AB_SMP_BOTH_ENTER);

  if (type > AB_SMP_KEYPRESS_TYPES) {
    ab_smp_refuse(smp, AB_SMP_ERR_PARAMETERS);
  } else if (!enters || !keypresses_wanted(p) || ++p->keypresses > AB_SMP_KEYPRESSES) {
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
  } else {
    ab_smp_watch(smp);
    smp->ev->keypress(smp->ctx, type);
  }
}
