/* SPDX-License-Identifier: MIT */
/* The pairing of one link, shared by the files of the Security Manager. */
#ifndef AB_SMP_PRIV_H
#define AB_SMP_PRIV_H

#include "smp/smp.h"
#include "smp/smp_backend.h"
#include "smp/smp_pdu.h"

/*
 * What is awaited, and by whom (C: the central, P: the peripheral). smp_core.c has the table of
 * which command is legal in which.
 */
typedef enum ab_smp_state {
  AB_SMP_C_IDLE,
  AB_SMP_P_IDLE,
  AB_SMP_P_ASKED,    /* sent Security Request: Pairing Request, or encryption */
  AB_SMP_C_RESPONSE, /* Pairing Response */
  AB_SMP_C_LEGACY_CONFIRM,
  AB_SMP_P_LEGACY_CONFIRM,
  AB_SMP_C_LEGACY_RANDOM,
  AB_SMP_P_LEGACY_RANDOM,
  AB_SMP_PUBLIC, /* the peer's public key */
  AB_SMP_C_SC_CONFIRM,
  AB_SMP_P_SC_CONFIRM,
  AB_SMP_C_SC_RANDOM,
  AB_SMP_P_SC_RANDOM,
  AB_SMP_C_CHECK,
  AB_SMP_P_CHECK,
  AB_SMP_USER,       /* our user alone: the peer has nothing to say */
  AB_SMP_ENCRYPTION, /* the link, encrypted with the new key */
  AB_SMP_KEYS,       /* the keys that the peer has to distribute */
  AB_SMP_SENT,       /* nothing: the last of our keys are on their way */
  AB_SMP_BROKEN,     /* timed out: silence until the link ends (3.4) */
  AB_SMP_STATES,
} ab_smp_state;

typedef enum ab_smp_model {
  AB_SMP_JUST_WORKS,
  AB_SMP_NUMERIC,
  AB_SMP_INITIATOR_ENTERS, /* passkey, which the other side shows */
  AB_SMP_RESPONDER_ENTERS,
  AB_SMP_BOTH_ENTER,
  AB_SMP_OOB,
} ab_smp_model;

enum {
  AB_SMP_ROUNDS = 20,       /* of passkey entry, one bit each */
  AB_SMP_KEYPRESS_TYPES = 4 /* the last, 3.5.8 */
};

struct ab_smp_pairing {
  ab_smp_policy policy;
  uint8_t preq[7], pres[7]; /* the whole commands */
  ab_smp_features local, peer;
  aioble_addr_t initiator, responder;
  ab_smp_model model;
  bool sc, bonding;
  uint8_t key_size;

  /* our user */
  ab_smp_prompt prompt;
  bool prompted, asking; /* prompt was given; and has not been answered */
  bool held;             /* the peer's next command waits for the answer */
  uint8_t keypresses;    /* of the peer */
  uint32_t passkey;

  /* phase 2; of legacy pairing the randoms (Mrand, Srand) are the nonces */
  ab_key16 nonce, peer_nonce, peer_confirm;
  union {
    struct {
      ab_key16 tk, confirm;
    } legacy;
    struct {
      ab_p256_pair pair;
      ab_p256_point peer;
      uint8_t dhkey[32];
      ab_key16 random, peer_random; /* ra and rb: zero, the passkey, or out of band */
      ab_key16 mac_key, peer_check;
      uint8_t round;
    } s;
  };

  /* phase 3 */
  ab_key16 key;         /* of the link: STK or LTK */
  unsigned send, await; /* codes (a bit each) still to be sent, and to come */
  bool identified;      /* the peer has told its identity address */
  ab_bond *bond;        /* being put together */
};

/* ---- smp_core.c ---- */

typedef void ab_smp_step(ab_smp *smp, ab_rd *command);

/* 0 with smp->pairing, or ENOMEM */
int ab_smp_begin(ab_smp *smp, const ab_smp_policy *policy);
void ab_smp_watch(ab_smp *smp); /* 30 s from now */
/* one command; false: out of memory, and the pairing has ended */
bool ab_smp_send(ab_smp *smp, ab_smp_code code, const void *data, size_t len);
void ab_smp_say_failed(ab_smp *smp, uint8_t reason);
/* The end. `refuse` and `fail` tell the peer, and `end` does not. */
void ab_smp_end(ab_smp *smp, int status);
void ab_smp_fail(ab_smp *smp, int status);
static inline void ab_smp_refuse(ab_smp *smp, uint8_t reason) {
  ab_smp_fail(smp, AIOBLE_ERR_SMP(reason));
}

/* ---- smp_pair.c: phase 1 ---- */

ab_smp_step ab_smp_on_request, ab_smp_on_response, ab_smp_on_security_request;
ab_smp_features ab_smp_features_of(const ab_smp_stack *stack, const ab_smp_policy *policy);
/* the user lets the peer pair */
void ab_smp_consented(ab_smp *smp);
/* the link is as secure as that */
bool ab_smp_satisfied(const ab_smp *smp, const ab_smp_policy *policy);

/* ---- smp_model.c ---- */

ab_smp_model ab_smp_model_of(const ab_smp_features *initiator, const ab_smp_features *responder,
                             bool sc);
bool ab_smp_is_passkey(const ab_smp_pairing *p);
bool ab_smp_enters(const ab_smp *smp);

/* ---- smp_user.c ---- */

ab_smp_step ab_smp_on_keypress;
/* the last thing that a step does */
void ab_smp_ask(ab_smp *smp, ab_smp_prompt prompt, uint32_t number);
/* shows the passkey, or asks for it; false: the pairing has ended */
bool ab_smp_passkey(ab_smp *smp);
ab_key16 ab_smp_passkey_value(uint32_t passkey);

/* ---- phase 2: smp_legacy.c, smp_sc.c ---- */

void ab_smp_legacy_start(ab_smp *smp);
void ab_smp_legacy_answered(ab_smp *smp); /* the user, with yes */
ab_smp_step ab_smp_c_legacy_confirm, ab_smp_p_legacy_confirm, ab_smp_c_legacy_random,
    ab_smp_p_legacy_random;

bool ab_smp_can_oob(const ab_smp_pairing *p);
void ab_smp_sc_start(ab_smp *smp);
void ab_smp_sc_answered(ab_smp *smp);
ab_smp_step ab_smp_on_public_key, ab_smp_c_sc_confirm, ab_smp_p_sc_confirm, ab_smp_c_sc_random,
    ab_smp_p_sc_random;

/* smp_sc_check.c: f5 of a finished stage 1; false: the pairing has ended */
bool ab_smp_sc_derive(ab_smp *smp);
bool ab_smp_sc_send_check(ab_smp *smp);
void ab_smp_sc_answer_check(ab_smp *smp); /* the peripheral: the central's check is in peer_check */
ab_smp_step ab_smp_c_check, ab_smp_p_check;

/* ---- smp_keys.c: phase 3 ---- */

void ab_smp_start_encryption(ab_smp *smp); /* with pairing->key */
/* The pairing's bond may take the place of `old` (NULL: there is none). */
bool ab_smp_may_replace(const ab_smp *smp, const ab_bond *old);
ab_smp_step ab_smp_on_encryption_info, ab_smp_on_central_id, ab_smp_on_identity_info,
    ab_smp_on_identity_addr, ab_smp_on_signing_info;

/* ---- smp_resolve.c ---- */

/* the bond of the peer that has made that resolvable private address; NULL: none has */
ab_bond *ab_smp_resolve(ab_smp_stack *stack, const aioble_addr_t *addr);
/* the bonds have changed */
void ab_smp_resolved_forget(ab_smp_stack *stack);

/* ---- smp_attempts.c ---- */

bool ab_smp_too_soon(ab_smp_stack *stack, const aioble_addr_t *addr);
void ab_smp_attempt_ended(ab_smp_stack *stack, const aioble_addr_t *addr, int status);

#endif
