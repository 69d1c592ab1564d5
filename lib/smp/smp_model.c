/* SPDX-License-Identifier: MIT */
/* Which association model two sides have in common (Core Vol 3, Part H, 2.3.5.1, table 2.8). */
#include "smp/smp_priv.h"

enum { IOS = 5 };

#define JW AB_SMP_JUST_WORKS
#define IE AB_SMP_INITIATOR_ENTERS
#define RE AB_SMP_RESPONDER_ENTERS
#define BE AB_SMP_BOTH_ENTER
#define NC AB_SMP_NUMERIC

/* [initiator][responder]: display, display and yes/no, keyboard, none, keyboard and display */
static const uint8_t legacy[IOS][IOS] = {
    {JW, JW, RE, JW, RE}, {JW, JW, RE, JW, RE}, {IE, IE, BE, JW, IE},
    {JW, JW, JW, JW, JW}, {IE, IE, RE, JW, RE},
};
static const uint8_t secure[IOS][IOS] = {
    {JW, JW, RE, JW, RE}, {JW, NC, RE, JW, NC}, {IE, IE, BE, JW, IE},
    {JW, JW, JW, JW, JW}, {IE, NC, RE, JW, NC},
};

ab_smp_model ab_smp_model_of(const ab_smp_features *initiator, const ab_smp_features *responder,
                             bool sc) {
  bool oob = sc ? initiator->oob || responder->oob : initiator->oob && responder->oob;

  if (oob)
    return AB_SMP_OOB;
  if (!((initiator->auth | responder->auth) & AB_SMP_AUTH_MITM))
    return AB_SMP_JUST_WORKS;
  return (ab_smp_model) (sc ? secure : legacy)[initiator->io][responder->io];
}

bool ab_smp_is_passkey(const ab_smp_pairing *p) {
  return p->model == AB_SMP_INITIATOR_ENTERS || p->model == AB_SMP_RESPONDER_ENTERS ||
         p->model == AB_SMP_BOTH_ENTER;
}

/* our side enters the passkey (else, in a passkey model, it shows it) */
bool ab_smp_enters(const ab_smp *smp) {
  ab_smp_model mine = smp->central ? AB_SMP_INITIATOR_ENTERS : AB_SMP_RESPONDER_ENTERS;

  return smp->pairing->model == mine || smp->pairing->model == AB_SMP_BOTH_ENTER;
}
