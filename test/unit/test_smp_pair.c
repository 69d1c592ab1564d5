/* SPDX-License-Identifier: MIT */
/* Phase 1 and 2: every pair of capabilities, and what a hostile peer changes on the way. */
#include "helpers/smp_bed.h"
#include "smp/smp_pdu.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- association models, 2.3.5.1, table 2.8: the prompt at each side ---- */

static const char *const prompts[2][5] = {
    /* legacy: central's capability; a letter for the peripheral's: - none, c the central enters,
       p the peripheral enters, b both, n both compare */
    {"--p-p", "--p-p", "ccb-c", "-----", "ccp-p"},
    {"--p-p", "-np-n", "ccb-c", "-----", "cnp-n"},
};

static void expect_prompt(const smp_side *side, char model, char enters) {
  ab_smp_prompt prompt = model == 'n'                      ? AB_SMP_COMPARE
                         : model == 'b' || model == enters ? AB_SMP_ENTER_PASSKEY
                                                           : AB_SMP_SHOW_PASSKEY;

  assert_int_equal(side->prompts, model == '-' ? 0 : 1);
  if (model != '-')
    assert_int_equal(side->prompt, prompt);
}

static void the_model_follows_from_both_capabilities(void **state) {
  (void) state;
  for (unsigned sc = 0; sc < 2; sc++)
    for (unsigned i = 0; i < 25; i++) {
      ab_smp_sc how = sc ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER;
      ab_smp_policy central = smp_policy((ab_smp_io) (i / 5), how, true);
      ab_smp_policy peripheral = smp_policy((ab_smp_io) (i % 5), how, false);
      char model = prompts[sc][i / 5][i % 5];
      smp_bed bed;

      smp_bed_open(&bed);
      smp_bed_start(&bed, &central, &peripheral);
      smp_bed_finish(&bed);
      expect_prompt(&bed.side[SMP_CENTRAL], model, 'c');
      expect_prompt(&bed.side[SMP_PERIPHERAL], model, 'p');
      if (model == '-') {
        smp_bed_expect(&bed, AIOBLE_ERR_SMP(3), AIOBLE_ERR_SMP(3));
        assert_int_equal(bed.side[SMP_CENTRAL].stack.n_bonds, 0);
      } else {
        smp_bed_expect(&bed, 0, 0);
        for (unsigned side = 0; side < 2; side++) {
          assert_int_equal(bed.side[side].smp.security.level, sc ? 3 : 2);
          assert_int_equal(bed.side[side].smp.security.key_size, 16);
          assert_true(bed.side[side].smp.security.bonded);
          assert_int_equal(bed.side[side].stack.n_bonds, 1);
        }
      }
      smp_bed_close(&bed);
    }
}

static void legacy_pairing_is_refused_where_more_is_required(void **state) {
  static const struct {
    ab_smp_sc central, peripheral;
    int status;
    bool sc;
  } cases[] = {
      {AB_SMP_SC_REQUIRED, AB_SMP_SC_REQUIRED, 0, true},
      {AB_SMP_SC_PREFERRED, AB_SMP_SC_REQUIRED, 0, true},
      {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED, 0, true},
      {AB_SMP_SC_PREFERRED, AB_SMP_SC_NEVER, 0, false},
      {AB_SMP_SC_NEVER, AB_SMP_SC_PREFERRED, 0, false},
      {AB_SMP_SC_REQUIRED, AB_SMP_SC_NEVER, AIOBLE_ERR_SMP(3), false},
      {AB_SMP_SC_NEVER, AB_SMP_SC_REQUIRED, AIOBLE_ERR_SMP(3), false},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ab_smp_policy central = smp_policy(AB_SMP_IO_NONE, cases[i].central, false);
    ab_smp_policy peripheral = smp_policy(AB_SMP_IO_NONE, cases[i].peripheral, false);
    smp_bed bed;

    smp_bed_open(&bed);
    smp_bed_start(&bed, &central, &peripheral);
    smp_bed_finish(&bed);
    smp_bed_expect(&bed, cases[i].status, cases[i].status);
    assert_int_equal(bed.side[0].smp.security.level, cases[i].status == 0);
    assert_int_equal(bed.side[1].smp.security.sc, cases[i].sc);
    smp_bed_close(&bed);
  }
}

/* ---- a hostile peer: one command changed on its way ---- */

enum { SET, FLIP, ZERO, REFLECT, DEBUG_KEY, REPLACE };

typedef struct attack {
  const char *name;
  ab_smp_io central, peripheral;
  ab_smp_sc sc;
  unsigned to; /* the side that gets it */
  uint8_t code;
  unsigned which; /* of these commands, the first is 0 */
  int how;
  unsigned at; /* the octet behind the code */
  uint8_t value;
  uint8_t reason;
} attack;

#define NONE     AB_SMP_IO_NONE, AB_SMP_IO_NONE
#define NUMERIC  AB_SMP_IO_DISPLAY_YESNO, AB_SMP_IO_DISPLAY_YESNO
#define PASSKEY  AB_SMP_IO_KEYBOARD, AB_SMP_IO_DISPLAY
#define LEGACY   AB_SMP_SC_NEVER
#define SECURE   AB_SMP_SC_REQUIRED
#define TO_C     SMP_CENTRAL
#define TO_P     SMP_PERIPHERAL
#define REQUEST  AB_SMP_PAIRING_REQUEST
#define RESPONSE AB_SMP_PAIRING_RESPONSE

static const attack attacks[] = {
    {"key size 0", NONE, SECURE, TO_P, REQUEST, 0, SET, 3, 0, 0x0a},
    {"key size 6", NONE, SECURE, TO_P, REQUEST, 0, SET, 3, 6, 0x0a},
    {"key size 7", NONE, SECURE, TO_P, REQUEST, 0, SET, 3, 7, 0x06},
    {"key size 17", NONE, LEGACY, TO_P, REQUEST, 0, SET, 3, 17, 0x0a},
    {"key size 255", NONE, SECURE, TO_P, REQUEST, 0, SET, 3, 255, 0x0a},
    {"key size 0", NONE, LEGACY, TO_C, RESPONSE, 0, SET, 3, 0, 0x0a},
    {"key size 6", NONE, LEGACY, TO_C, RESPONSE, 0, SET, 3, 6, 0x0a},
    {"key size 15", NONE, SECURE, TO_C, RESPONSE, 0, SET, 3, 15, 0x06},
    {"key size 17", NONE, SECURE, TO_C, RESPONSE, 0, SET, 3, 17, 0x0a},
    {"key size 255", NONE, LEGACY, TO_C, RESPONSE, 0, SET, 3, 255, 0x0a},
    {"unknown capability", NONE, SECURE, TO_P, REQUEST, 0, SET, 0, 5, 0x0a},
    {"unknown capability", NONE, SECURE, TO_C, RESPONSE, 0, SET, 0, 255, 0x0a},
    {"unknown OOB flag", NONE, SECURE, TO_P, REQUEST, 0, SET, 1, 2, 0x0a},
    {"OOB data we never gave", NONE, SECURE, TO_P, REQUEST, 0, SET, 1, 1, 0x02},
    {"keys nobody asked for", NONE, SECURE, TO_C, RESPONSE, 0, SET, 4, 0xff, 0x0a},
    {"downgraded to legacy", NONE, SECURE, TO_C, RESPONSE, 0, SET, 2, 0x01, 0x03},
    {"downgraded to Just Works", NUMERIC, SECURE, TO_C, RESPONSE, 0, SET, 0, 3, 0x03},
    {"public key zero", NONE, SECURE, TO_P, AB_SMP_PUBLIC_KEY, 0, ZERO, 0, 0, 0x0b},
    {"public key zero", NONE, SECURE, TO_C, AB_SMP_PUBLIC_KEY, 0, ZERO, 0, 0, 0x0b},
    {"Y replaced", NONE, SECURE, TO_C, AB_SMP_PUBLIC_KEY, 0, FLIP, 40, 0, 0x0b},
    {"X replaced", NONE, SECURE, TO_P, AB_SMP_PUBLIC_KEY, 0, FLIP, 3, 0, 0x0b},
    {"our own public key", PASSKEY, SECURE, TO_C, AB_SMP_PUBLIC_KEY, 0, REFLECT, 0, 0, 0x0b},
    {"the debug key", NONE, SECURE, TO_P, AB_SMP_PUBLIC_KEY, 0, DEBUG_KEY, 0, 0, 0x0b},
    {"the debug key", NONE, SECURE, TO_C, AB_SMP_PUBLIC_KEY, 0, DEBUG_KEY, 0, 0, 0x0b},
    {"confirm", NONE, SECURE, TO_C, AB_SMP_CONFIRM, 0, FLIP, 0, 0, 0x04},
    {"confirm", PASSKEY, SECURE, TO_P, AB_SMP_CONFIRM, 7, FLIP, 9, 0, 0x04},
    {"confirm", PASSKEY, SECURE, TO_C, AB_SMP_CONFIRM, 19, FLIP, 9, 0, 0x04},
    {"random", NUMERIC, SECURE, TO_C, AB_SMP_RANDOM, 0, FLIP, 5, 0, 0x04},
    {"random", PASSKEY, SECURE, TO_P, AB_SMP_RANDOM, 19, FLIP, 15, 0, 0x04},
    {"confirm", NONE, LEGACY, TO_P, AB_SMP_CONFIRM, 0, FLIP, 0, 0, 0x04},
    {"confirm", PASSKEY, LEGACY, TO_C, AB_SMP_CONFIRM, 0, FLIP, 0, 0, 0x04},
    {"our own confirm", PASSKEY, LEGACY, TO_C, AB_SMP_CONFIRM, 0, REFLECT, 0, 0, 0x04},
    {"random", PASSKEY, LEGACY, TO_C, AB_SMP_RANDOM, 0, FLIP, 1, 0, 0x04},
    {"random", NONE, LEGACY, TO_P, AB_SMP_RANDOM, 0, FLIP, 1, 0, 0x04},
    {"check", NONE, SECURE, TO_P, AB_SMP_DHKEY_CHECK, 0, FLIP, 1, 0, 0x0b},
    {"check", NUMERIC, SECURE, TO_C, AB_SMP_DHKEY_CHECK, 0, ZERO, 0, 0, 0x0b},
    {"our own check", NONE, SECURE, TO_C, AB_SMP_DHKEY_CHECK, 0, REFLECT, 0, 0, 0x0b},
    {"the check too early", NUMERIC, SECURE, TO_P, AB_SMP_RANDOM, 0, REPLACE, 0, 0x0d, 0x08},
    {"the check too early", NONE, SECURE, TO_C, AB_SMP_RANDOM, 0, REPLACE, 0, 0x0d, 0x08},
    {"no random", PASSKEY, SECURE, TO_P, AB_SMP_RANDOM, 3, REPLACE, 0, 0x03, 0x08},
    {"LTK of zero", NONE, LEGACY, TO_C, AB_SMP_ENCRYPTION_INFO, 0, ZERO, 0, 0, 0x0f},
    {"identity of no kind", NONE, SECURE, TO_C, AB_SMP_IDENTITY_ADDR, 0, SET, 0, 2, 0x0a},
    {"identity that changes", NONE, SECURE, TO_C, AB_SMP_IDENTITY_ADDR, 0, SET, 6, 0x40, 0x0a},
    {"a key twice", NONE, SECURE, TO_P, AB_SMP_IDENTITY_ADDR, 0, REPLACE, 0, 0x0a, 0x08},
};

typedef struct attacker {
  const attack *a;
  unsigned seen;
  uint8_t own[65]; /* what the victim sent last of that code */
  bool struck;
} attacker;

static bool strike(smp_bed *bed, smp_air *command) {
  attacker *t = bed->user;
  const attack *a = t->a;

  if (command->bytes[0] == a->code && command->to != &bed->side[a->to])
    memcpy(t->own, command->bytes, command->len);
  if (command->bytes[0] != a->code || command->to != &bed->side[a->to] || t->seen++ != a->which)
    return true;
  t->struck = true;
  switch (a->how) {
  case SET:
    command->bytes[1 + a->at] = a->value;
    break;
  case FLIP:
    command->bytes[1 + a->at] ^= 1;
    break;
  case ZERO:
    memset(command->bytes + 1, 0, command->len - 1);
    break;
  case REFLECT:
    memcpy(command->bytes, t->own, command->len);
    break;
  case DEBUG_KEY: {
    static const uint8_t secret[32] = {0xbd, 0x1a, 0x3c, 0xcd, 0xa6, 0xb8, 0x99, 0x58,
                                       0x99, 0xb7, 0x40, 0xeb, 0x7b, 0x60, 0xff, 0x4a,
                                       0x50, 0x3f, 0x10, 0xd2, 0xe3, 0xb3, 0xc9, 0x74,
                                       0x38, 0x5f, 0xc5, 0xa3, 0xd4, 0xf6, 0x49, 0x3f};
    ab_p256_pair pair;

    assert_true(ab_p256_pair_of(secret, &pair));
    memcpy(command->bytes + 1, &pair.point, 64);
    break;
  }
  default:
    command->bytes[0] = a->value;
    command->len = 17;
  }
  return true;
}

static void a_changed_command_ends_it_for_both(void **state) {
  (void) state;
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    const attack *a = &attacks[i];
    bool mitm = a->central != AB_SMP_IO_NONE;
    ab_smp_policy central = smp_policy(a->central, a->sc, mitm);
    ab_smp_policy peripheral = smp_policy(a->peripheral, a->sc, mitm);
    attacker t = {.a = a};
    smp_bed bed;

    smp_bed_open(&bed);
    bed.meddle = strike;
    bed.user = &t;
    smp_bed_start(&bed, &central, &peripheral);
    smp_bed_finish(&bed);
    if (!t.struck || bed.side[a->to].status != AIOBLE_ERR_SMP(a->reason))
      print_error("attack: %s, %d\n", a->name, (int) i);
    assert_true(t.struck);
    assert_int_equal(bed.side[a->to].stack.n_bonds, 0);
    assert_false(bed.side[a->to].smp.security.bonded);
    if (bed.side[!a->to].status == 0) { /* it was done already, and has heard of it too late */
      assert_int_equal(bed.side[a->to].status, AIOBLE_ERR_SMP(a->reason));
      assert_int_equal(bed.side[a->to].ended, 1);
    } else {
      smp_bed_expect(&bed, AIOBLE_ERR_SMP(a->reason), AIOBLE_ERR_SMP(a->reason));
    }
    smp_bed_close(&bed);
  }
}

static void a_short_key_only_where_it_is_allowed(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);
  static const attack seven = {"", NONE, SECURE, TO_P, REQUEST, 0, SET, 3, 7, 0};
  attacker t = {.a = &seven};
  smp_bed bed;

  (void) state;
  policy.min_key = 7;
  smp_bed_open(&bed);
  bed.meddle = strike;
  bed.user = &t;
  smp_bed_start(&bed, &policy, &policy);
  smp_bed_run(&bed);
  assert_int_equal(bed.side[SMP_PERIPHERAL].smp.security.level, 0);
  assert_int_equal(bed.side[SMP_PERIPHERAL].ended, 1); /* not the request that was sent */
  smp_bed_close(&bed);
  policy.min_key = 17;
  smp_bed_open(&bed);
  assert_int_equal(ab_smp_secure(&bed.side[0].smp, &policy), AIOBLE_EINVAL);
  smp_bed_close(&bed);
}

static void the_peripheral_asks_the_central(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), 0);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), AIOBLE_EBUSY);
  smp_bed_finish(&bed);
  smp_bed_expect(&bed, 0, 0);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), AIOBLE_EALREADY);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_CENTRAL].smp, &policy), AIOBLE_EALREADY);
  smp_bed_reconnect(&bed); /* now there is a bond: nothing but its key is needed */
  bed.side[0].sent = bed.side[1].sent = 0;
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), 0);
  smp_bed_finish(&bed);
  assert_int_equal(bed.side[SMP_CENTRAL].sent, 0);
  assert_int_equal(bed.side[SMP_PERIPHERAL].sent, 1);
  assert_int_equal(bed.side[SMP_PERIPHERAL].ended, 2);
  assert_int_equal(bed.side[SMP_PERIPHERAL].status, 0);
  assert_true(bed.side[SMP_PERIPHERAL].smp.security.bonded);
  smp_bed_close(&bed);
}

static void a_central_that_refuses_is_heard_at_once(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  bed.side[SMP_CENTRAL].stack.policy.pairable = AB_SMP_NOT_PAIRABLE;
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), 0);
  smp_bed_run(&bed);
  assert_int_equal(bed.side[SMP_PERIPHERAL].ended, 1);
  assert_int_equal(bed.side[SMP_PERIPHERAL].status, AIOBLE_ERR_SMP(5));
  assert_int_equal(bed.side[SMP_CENTRAL].ended, 0);
  smp_bed_close(&bed);
}

/* ---- who may pair ---- */

static void only_whoever_may_starts_a_pairing(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);

  (void) state;
  for (unsigned i = 0; i < 12; i++) { /* who may, with a bond or not, who asks */
    ab_smp_pairable who = (ab_smp_pairable) (i % 3);
    bool bonded = i / 3 % 2,
         may = who == AB_SMP_PAIRABLE || (who == AB_SMP_PAIRABLE_BONDED && bonded);
    unsigned asks = i / 6;
    smp_bed bed;

    smp_bed_open(&bed);
    if (bonded) {
      smp_bed_start(&bed, &policy, &policy);
      smp_bed_finish(&bed);
      smp_bed_reconnect(&bed);
      ab_smp_bond_delete(
          &bed.side[asks].stack,
          ab_container_of(ab_list_first(&bed.side[asks].stack.bonds), ab_bond, node));
    }
    bed.side[!asks].stack.policy = policy;
    bed.side[!asks].stack.policy.repair = true;
    bed.side[!asks].stack.policy.pairable = (uint8_t) who;
    bed.side[asks].ended = 0;
    if (bonded && asks == SMP_PERIPHERAL) { /* a central uses its bond, which fails at the other */
      assert_int_equal(ab_smp_secure(&bed.side[asks].smp, &policy), 0);
      smp_bed_run(&bed);
      assert_int_equal(bed.side[!asks].status, AIOBLE_ERR_HCI(0x06));
    } else {
      assert_int_equal(ab_smp_secure(&bed.side[asks].smp, &policy), 0);
      smp_bed_finish(&bed);
      assert_int_equal(bed.side[asks].ended, 1);
      assert_int_equal(bed.side[asks].status, may ? 0 : AIOBLE_ERR_SMP(5));
      assert_int_equal(bed.side[!asks].smp.security.level, may);
    }
    smp_bed_close(&bed);
  }
}

static void with_a_bond_or_not_at_all(void **state) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false), bond_only = policy;

  (void) state;
  bond_only.pairable = AB_SMP_NOT_PAIRABLE;
  for (unsigned i = 0; i < 4; i++) { /* who asks; with the bond at both, or at nobody else */
    unsigned asks = i % 2;
    bool lost = i / 2;
    smp_bed bed;

    smp_bed_open(&bed);
    assert_int_equal(ab_smp_secure(&bed.side[asks].smp, &bond_only), AIOBLE_ENOENT);
    smp_bed_start(&bed, &policy, &policy);
    smp_bed_finish(&bed);
    smp_bed_reconnect(&bed);
    if (lost)
      ab_smp_bond_delete(
          &bed.side[!asks].stack,
          ab_container_of(ab_list_first(&bed.side[!asks].stack.bonds), ab_bond, node));
    bed.side[asks].ended = 0;
    bed.side[!asks].stack.policy.pairable = AB_SMP_PAIRABLE;
    assert_int_equal(ab_smp_secure(&bed.side[asks].smp, &bond_only), 0);
    smp_bed_run(&bed);
    assert_int_equal(bed.side[asks].ended, 1);
    assert_int_equal(bed.side[asks].smp.security.bonded, !lost);
    if (lost)
      assert_int_equal(bed.side[asks].status,
                       asks == SMP_CENTRAL ? AIOBLE_ERR_HCI(0x06) : AIOBLE_ERR_SMP(5));
    smp_bed_close(&bed);
  }
}

/* what is said without its user: nothing */
static void our_user_is_asked_before_a_pairing_of_the_peer_s(void **state) {
  enum { YES, NO, NEVER, WAYS };
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);

  (void) state;
  for (unsigned i = 0; i < 2 * WAYS; i++) {
    unsigned asks = i % 2, way = i / 2;
    smp_side *side;
    smp_bed bed;

    smp_bed_open(&bed);
    side = &bed.side[!asks];
    side->stack.policy = policy;
    side->stack.policy.ask = true;
    assert_int_equal(ab_smp_secure(&bed.side[asks].smp, &policy), 0);
    smp_bed_run(&bed);
    assert_int_equal(side->prompts, 1);
    assert_int_equal(side->prompt, AB_SMP_CONSENT);
    assert_int_equal(side->sent, 0);
    if (way == NEVER)
      fake_env_advance(bed.env, 30000000);
    else
      assert_int_equal(ab_smp_answer(&side->smp, way == YES, 0), 0);
    smp_bed_run(&bed);
    assert_int_equal(side->ended, 1);
    assert_int_equal(side->status, way == YES ? 0 : AIOBLE_ERR_SMP(5));
    assert_int_equal(bed.side[asks].status, way == YES  ? 0
                                            : way == NO ? AIOBLE_ERR_SMP(5)
                                                        : AIOBLE_ETIMEDOUT);
    assert_int_equal(side->prompts, 1);
    assert_int_equal(side->smp.security.level, way == YES);
    assert_int_equal(ab_smp_answer(&side->smp, true, 0), AIOBLE_EALREADY);
    smp_bed_close(&bed);
  }
}

static void as_much_protection_as_there_can_be_is_preferred(void **state) {
  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    ab_smp_io io = i ? AB_SMP_IO_DISPLAY_YESNO : AB_SMP_IO_NONE;
    ab_smp_policy central = smp_policy(AB_SMP_IO_DISPLAY_YESNO, AB_SMP_SC_REQUIRED, false);
    ab_smp_policy peripheral = smp_policy(io, AB_SMP_SC_REQUIRED, false);
    smp_bed bed;

    central.prefer_mitm = true;
    smp_bed_open(&bed);
    smp_bed_start(&bed, &central, &peripheral);
    smp_bed_finish(&bed);
    smp_bed_expect(&bed, 0, 0);
    assert_int_equal(bed.side[SMP_CENTRAL].smp.security.level, i ? 3 : 1);
    smp_bed_close(&bed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_model_follows_from_both_capabilities),
      cmocka_unit_test(legacy_pairing_is_refused_where_more_is_required),
      cmocka_unit_test(a_changed_command_ends_it_for_both),
      cmocka_unit_test(a_short_key_only_where_it_is_allowed),
      cmocka_unit_test(the_peripheral_asks_the_central),
      cmocka_unit_test(a_central_that_refuses_is_heard_at_once),
      cmocka_unit_test(only_whoever_may_starts_a_pairing),
      cmocka_unit_test(with_a_bond_or_not_at_all),
      cmocka_unit_test(our_user_is_asked_before_a_pairing_of_the_peer_s),
      cmocka_unit_test(as_much_protection_as_there_can_be_is_preferred),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
