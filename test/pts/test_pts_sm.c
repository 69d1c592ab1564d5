/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of the Security Manager that apply: the implementation under test at one
 * side, the lower tester at the other, which spoils or keeps back a command where the case says so.
 * Of each case: the commands that go over the air, in order, and what both sides come to.
 *
 * A command is written as who sends it (c: central, p: peripheral) and its code; "*20" repeats the
 * group in brackets before it.
 */
#include "helpers/smp_bed.h"
#include "smp/smp_pdu.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FEATURES "c01 p02 "
#define KEYS     "c0c p0c "
#define LEGACY   FEATURES "c03 p03 c04 p04 "
#define SCJW     FEATURES KEYS "p03 c04 p04 "
#define SCPK     FEATURES KEYS "(c03 p03 c04 p04 )*20 "
#define CHECK    "c0d p0d "
#define P_LEGACY "p06 p07 p08 p09 p0a "
#define C_LEGACY "c06 c07 c08 c09 c0a "
#define P_SC     "p08 p09 p0a "
#define C_SC     "c08 c09 c0a "

enum { NONE = AB_SMP_IO_NONE, DISPLAY = AB_SMP_IO_DISPLAY, YESNO = AB_SMP_IO_DISPLAY_YESNO };
enum { KEYBOARD = AB_SMP_IO_KEYBOARD, BOTH = AB_SMP_IO_KEYBOARD_DISPLAY };
enum { NEVER = AB_SMP_SC_NEVER, REQUIRED = AB_SMP_SC_REQUIRED, PREFERRED = AB_SMP_SC_PREFERRED };

/* what is peculiar in a case */
enum { RIGHT, WRONG_PASSKEY, SAYS_NO, OOB };

typedef struct pts_case {
  const char *name;
  unsigned c_io, p_io, c_sc, p_sc;
  bool mitm;
  unsigned user;
  /* the lower tester: the command (0: none), its octet, what is put there; -1: it is kept back */
  uint8_t code;
  unsigned at;
  int value;
  const char *air;
  int status, tester; /* SMP's reason, 0, or an error: at the implementation, and at the tester */
  unsigned level;
} pts_case;

static pts_case cases[] = {
    {"SM/CEN/PROT/BV-01-C", NONE, NONE, PREFERRED, NEVER, false, RIGHT, 0x02, 0, -1, "c01 ",
     AIOBLE_ETIMEDOUT, AIOBLE_ETIMEDOUT, 0},
    {"SM/PER/PROT/BV-02-C", NONE, NONE, NEVER, PREFERRED, false, RIGHT, 0x03, 0, -1, FEATURES,
     AIOBLE_ETIMEDOUT, AIOBLE_ETIMEDOUT, 0},

    {"SM/CEN/JW/BV-05-C", NONE, NONE, PREFERRED, NEVER, false, RIGHT, 0, 0, 0,
     LEGACY P_LEGACY C_LEGACY, 0, 0, 1},
    {"SM/PER/JW/BV-02-C", NONE, NONE, NEVER, PREFERRED, false, RIGHT, 0, 0, 0,
     LEGACY P_LEGACY C_LEGACY, 0, 0, 1},
    {"SM/CEN/JW/BI-04-C wrong confirm", NONE, NONE, NEVER, NEVER, false, RIGHT, 0x03, 4, 0,
     LEGACY "c05 ", 4, 4, 0},
    {"SM/PER/JW/BI-03-C wrong confirm", NONE, NONE, NEVER, NEVER, false, RIGHT, 0x03, 4, 0,
     FEATURES "c03 p03 c04 p05 ", 4, 4, 0},
    {"SM/CEN/JW/BI-01-C Just Works will not do", NONE, NONE, NEVER, NEVER, true, RIGHT, 0, 0, 0,
     FEATURES "c05 ", 3, 3, 0},

    {"SM/CEN/PKE/BV-01-C", KEYBOARD, DISPLAY, NEVER, NEVER, true, RIGHT, 0, 0, 0,
     LEGACY P_LEGACY C_LEGACY, 0, 0, 2},
    {"SM/PER/PKE/BV-02-C", DISPLAY, KEYBOARD, NEVER, NEVER, true, RIGHT, 0, 0, 0,
     LEGACY P_LEGACY C_LEGACY, 0, 0, 2},
    {"SM/CEN/PKE/BV-04-C no protection asked for", DISPLAY, KEYBOARD, NEVER, NEVER, false, RIGHT, 0,
     0, 0, LEGACY P_LEGACY C_LEGACY, 0, 0, 1},
    {"SM/CEN/PKE/BI-01-C", KEYBOARD, DISPLAY, NEVER, NEVER, true, WRONG_PASSKEY, 0, 0, 0,
     FEATURES "c03 p03 c04 p05 ", 4, 4, 0},
    {"SM/PER/PKE/BI-03-C", DISPLAY, KEYBOARD, NEVER, NEVER, true, WRONG_PASSKEY, 0, 0, 0,
     FEATURES "c03 p03 c04 p05 ", 4, 4, 0},
    {"SM/CEN/PKE/BI-02-C the user gives up", KEYBOARD, DISPLAY, NEVER, NEVER, true, SAYS_NO, 0, 0,
     0, FEATURES "c05 ", 1, 1, 0},

    {"SM/CEN/OOB/BV-05-C", NONE, NONE, NEVER, NEVER, true, OOB, 0, 0, 0, LEGACY P_LEGACY C_LEGACY,
     0, 0, 2},

    {"SM/CEN/EKS/BI-01-C", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x02, 3, 15,
     FEATURES "c05 ", 6, 6, 0},
    {"SM/PER/EKS/BI-02-C", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x01, 3, 7, "c01 p05 ", 6,
     6, 0},
    {"SM/CEN/EKS/BI-01-C out of range", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x02, 3, 6,
     FEATURES "c05 ", 10, 10, 0},
    {"SM/PER/EKS/BI-02-C out of range", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x01, 3, 17,
     "c01 p05 ", 10, 10, 0},

    {"SM/CEN/SCJW/BV-01-C", NONE, NONE, REQUIRED, PREFERRED, false, RIGHT, 0, 0, 0,
     SCJW CHECK P_SC C_SC, 0, 0, 1},
    {"SM/PER/SCJW/BV-02-C", NONE, NONE, PREFERRED, REQUIRED, false, RIGHT, 0, 0, 0,
     SCJW CHECK P_SC C_SC, 0, 0, 1},
    {"SM/CEN/SCJW/BV-04-C both compare", YESNO, BOTH, REQUIRED, REQUIRED, true, RIGHT, 0, 0, 0,
     SCJW CHECK P_SC C_SC, 0, 0, 3},
    {"SM/CEN/SCJW/BI-01-C", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x03, 1, 0, SCJW "c05 ",
     4, 4, 0},
    {"SM/PER/SCJW/BI-02-C", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x0d, 1, 0,
     SCJW "c0d p05 ", 11, 11, 0},
    {"SM/CEN/SCJW/BI-01-C no Secure Connections", NONE, NONE, REQUIRED, NEVER, false, RIGHT, 0, 0,
     0, FEATURES "c05 ", 3, 3, 0},
    {"SM/CEN/SCJW/BI-01-C the user says no", YESNO, YESNO, REQUIRED, REQUIRED, true, SAYS_NO, 0, 0,
     0, SCJW "c05 ", 12, 12, 0},

    {"SM/CEN/SCPK/BV-01-C", KEYBOARD, DISPLAY, REQUIRED, REQUIRED, true, RIGHT, 0, 0, 0,
     SCPK CHECK P_SC C_SC, 0, 0, 3},
    {"SM/PER/SCPK/BV-02-C", DISPLAY, KEYBOARD, REQUIRED, REQUIRED, true, RIGHT, 0, 0, 0,
     SCPK CHECK P_SC C_SC, 0, 0, 3},
    {"SM/CEN/SCPK/BV-04-C both enter", KEYBOARD, KEYBOARD, REQUIRED, REQUIRED, true, RIGHT, 0, 0, 0,
     SCPK CHECK P_SC C_SC, 0, 0, 3},
    {"SM/CEN/SCPK/BI-01-C", KEYBOARD, DISPLAY, REQUIRED, REQUIRED, true, WRONG_PASSKEY, 0, 0, 0,
     FEATURES KEYS "c03 p03 c04 p05 ", 4, 4, 0},
    {"SM/PER/SCPK/BI-03-C", DISPLAY, KEYBOARD, REQUIRED, REQUIRED, true, WRONG_PASSKEY, 0, 0, 0,
     FEATURES KEYS "c03 p03 c04 p05 ", 4, 4, 0},

    {"SM/CEN/SCOB/BV-01-C", NONE, NONE, REQUIRED, REQUIRED, true, OOB, 0, 0, 0,
     FEATURES KEYS "c04 p04 " CHECK P_SC C_SC, 0, 0, 3},
    {"SM/PER/SCOB/BI-02-C no data", NONE, NONE, REQUIRED, REQUIRED, false, RIGHT, 0x01, 1, 1,
     "c01 p05 ", 2, 2, 0},
};

typedef struct tester {
  const pts_case *c;
  char air[700];
  bool iut_central, done;
} tester;

static bool is_iut(const tester *t, const smp_side *side) {
  return (side == &side->bed->side[SMP_CENTRAL]) == t->iut_central;
}

static bool on_air(smp_bed *bed, smp_air *command) {
  tester *t = bed->user;
  const pts_case *c = t->c;
  size_t at = strlen(t->air);
  bool spoil = c->code == command->bytes[0] && is_iut(t, command->to) && !t->done;

  if (spoil) {
    t->done = true;
    if (c->value < 0)
      return false;
    if (c->code <= 0x02)
      command->bytes[1 + c->at] = (uint8_t) c->value;
    else
      command->bytes[1 + c->at] ^= 0xff;
  }
  (void) snprintf(t->air + at, sizeof t->air - at, "%c%02x ",
                  command->to == &bed->side[SMP_PERIPHERAL] ? 'c' : 'p', command->bytes[0]);
  return true;
}

/* "(c03 p03 )*20 " written out */
static void expand(const char *text, char *out, size_t size) {
  const char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL;
  size_t at = open ? (size_t) (open - text) : strlen(text);
  int times = close ? atoi(close + 2) : 0;

  (void) snprintf(out, size, "%.*s", (int) at, text);
  for (int i = 0; i < times; i++) {
    at = strlen(out);
    (void) snprintf(out + at, size - at, "%.*s", (int) (close - open - 1), open + 1);
  }
  at = strlen(out);
  if (close)
    (void) snprintf(out + at, size - at, "%s", strchr(close, ' ') + 1);
}

/* the user at the side that enters or compares */
static void use(smp_bed *bed, unsigned how) {
  smp_bed_run(bed);
  for (unsigned i = 0; i < 2; i++) {
    smp_side *side = &bed->side[i];

    if (!side->prompts || side->prompt == AB_SMP_SHOW_PASSKEY || how == RIGHT)
      continue;
    assert_int_equal(
        ab_smp_answer(&side->smp, how == WRONG_PASSKEY, bed->side[!i].number == 1 ? 2 : 1), 0);
    break;
  }
  if (how == RIGHT || how == OOB)
    smp_bed_finish(bed);
  else
    smp_bed_run(bed);
}

static void exchange_oob(smp_bed *bed, ab_smp_oob *c, ab_smp_oob *p, bool sc) {
  assert_int_equal(ab_smp_oob_make(bed->env, c), 0);
  assert_int_equal(ab_smp_oob_make(bed->env, p), 0);
  c->has_tk = p->has_tk = !sc;
  c->has_peer = p->has_peer = sc;
  c->peer = p->local;
  p->peer = c->local;
}

static int status_of(int reason) {
  return reason > 0 ? AIOBLE_ERR_SMP(reason) : reason;
}

static void run(void **state) {
  const pts_case *c = *state;
  tester t = {.c = c, .iut_central = !strncmp(c->name, "SM/CEN", 6)};
  ab_smp_policy central = smp_policy((ab_smp_io) c->c_io, (ab_smp_sc) c->c_sc, c->mitm);
  ab_smp_policy peripheral = smp_policy((ab_smp_io) c->p_io, (ab_smp_sc) c->p_sc, false);
  ab_smp_oob c_oob = {0}, p_oob = {0};
  unsigned iut = t.iut_central ? SMP_CENTRAL : SMP_PERIPHERAL;
  char air[700];
  smp_bed bed;

  smp_bed_open(&bed);
  if (c->user == OOB) {
    exchange_oob(&bed, &c_oob, &p_oob, c->c_sc == REQUIRED);
    central.oob = &c_oob;
    peripheral.oob = &p_oob;
  }
  bed.meddle = on_air;
  bed.user = &t;
  smp_bed_start(&bed, &central, &peripheral);
  use(&bed, c->user);
  if (c->status == AIOBLE_ETIMEDOUT)
    fake_env_advance(bed.env, 30000000);
  expand(c->air, air, sizeof air);
  assert_string_equal(t.air, air);
  assert_int_equal(bed.side[iut].ended, 1);
  assert_int_equal(bed.side[iut].status, status_of(c->status));
  assert_int_equal(bed.side[!iut].status, status_of(c->tester));
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(bed.side[i].smp.security.level, c->level);
    assert_int_equal(bed.side[i].stack.n_bonds, c->level > 0);
  }
  smp_bed_close(&bed);
}

/* ---- bonds: security request, encryption with the stored key ---- */

static void with_a_bond(smp_bed *bed, tester *t) {
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);

  smp_bed_open(bed);
  smp_bed_start(bed, &policy, &policy);
  smp_bed_finish(bed);
  smp_bed_expect(bed, 0, 0);
  smp_bed_reconnect(bed);
  bed->meddle = on_air;
  bed->user = t;
  bed->side[0].ended = bed->side[1].ended = 0;
}

static const pts_case nothing_spoiled;

static void security_request(void **state) {
  tester t = {.c = &nothing_spoiled};
  ab_smp_policy policy = smp_policy(AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED, false);
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  bed.meddle = on_air;
  bed.user = &t;
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), 0);
  smp_bed_finish(&bed);
  assert_string_equal(t.air, "p0b " SCJW CHECK P_SC C_SC);
  smp_bed_expect(&bed, 0, 0);
  smp_bed_close(&bed);
}

static void security_request_with_a_bond(void **state) {
  tester t = {.c = &nothing_spoiled};
  smp_bed bed;

  (void) state;
  with_a_bond(&bed, &t);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &bed.side[1].stack.policy), 0);
  smp_bed_run(&bed);
  assert_string_equal(t.air, "p0b ");
  smp_bed_expect(&bed, 0, 0);
  assert_true(bed.side[SMP_PERIPHERAL].smp.security.bonded);
  smp_bed_close(&bed);
}

static void encryption_with_the_stored_key(void **state) {
  tester t = {.c = &nothing_spoiled};
  smp_bed bed;

  (void) state;
  with_a_bond(&bed, &t);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_CENTRAL].smp, &bed.side[0].stack.policy), 0);
  smp_bed_run(&bed);
  assert_string_equal(t.air, "");
  assert_int_equal(bed.side[SMP_CENTRAL].status, 0);
  assert_true(bed.side[SMP_CENTRAL].smp.security.bonded);
  smp_bed_close(&bed);
}

int main(void) {
  enum { N = sizeof cases / sizeof *cases };
  struct CMUnitTest tests[N + 3];

  for (size_t i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, &cases[i]};
  tests[N] = (struct CMUnitTest){"SM/CEN/SIP/BV-02-C", security_request, NULL, NULL, NULL};
  tests[N + 1] =
      (struct CMUnitTest){"SM/PER/SIP/BV-01-C", security_request_with_a_bond, NULL, NULL, NULL};
  tests[N + 2] =
      (struct CMUnitTest){"SM/CEN/SIE/BV-01-C", encryption_with_the_stored_key, NULL, NULL, NULL};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
