/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of the Security Manager that apply (SM.TS): the implementation under test
 * at one side, the lower tester at the other. Of each case: the commands that go over the air, in
 * order, and what both sides come to. Those of signing (SM/SIGN) are in test_pts_signed.c; those of
 * cross transport key derivation (SCCT) need BR/EDR.
 *
 * A command is written as who sends it (c: central, p: peripheral) and its code; "*20" repeats the
 * group in brackets before it.
 */
#include "helpers/smp_bed.h"
#include "smp/smp_priv.h"
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
#define SCOB     FEATURES KEYS "c04 p04 "
#define CHECK    "c0d p0d "
#define P_LEGACY "p06 p07 p08 p09 p0a "
#define C_LEGACY "c06 c07 c08 c09 c0a "
#define P_SC     "p08 p09 p0a "
#define C_SC     "c08 c09 c0a "

#define NONE     AB_SMP_IO_NONE
#define DISPLAY  AB_SMP_IO_DISPLAY
#define YESNO    AB_SMP_IO_DISPLAY_YESNO
#define KEYBOARD AB_SMP_IO_KEYBOARD
#define BOTH     AB_SMP_IO_KEYBOARD_DISPLAY

#define OLD    AB_SMP_SC_NEVER
#define SECURE AB_SMP_SC_REQUIRED

/* what users do */
enum { RIGHT, WRONG_PASSKEY, SAYS_NO };
/* who has the other's data: central, peripheral; and those of the tester are others */
enum { C_HAS = 1, P_HAS = 2, WRONG = 4 };
/* what the lower tester does with a command of its own */
enum { NOTHING, KEEPS_BACK, FLIPS, REFLECTS, FAILS, Y_ZERO, ALL_ZERO };

typedef struct pts_case {
  const char *name;
  uint8_t c_io, p_io, sc;
  bool mitm; /* the central wants it */
  uint8_t user, oob;
  /* the tester's features: bits that are reserved, its largest key, the only keys that it wants */
  uint8_t reserved, key_size, keys;
  uint8_t how, code, nth, at; /* … to that command, to that octet behind its code */
  const char *reasons;        /* … FAILS: one after the other, on a new link each */
  const char *air;
  int status, tester; /* SMP's reason, 0, or an error: at the implementation, and at the tester */
  unsigned level;
} pts_case;

#define JW    NONE, NONE, OLD, false
#define SC_JW NONE, NONE, SECURE, false
/* the central enters; the peripheral does */
#define PK_C    KEYBOARD, DISPLAY, OLD, true
#define PK_P    DISPLAY, KEYBOARD, OLD, true
#define SC_PK_C KEYBOARD, DISPLAY, SECURE, true
#define SC_PK_P DISPLAY, KEYBOARD, SECURE, true

#define FOUR_REASONS "\x03\x08\x05\x09"

static pts_case cases[] = {
    {"SM/CEN/PROT/BV-01-C", JW, .how = KEEPS_BACK, .code = 0x02, .air = "c01 ",
     .status = AIOBLE_ETIMEDOUT, .tester = AIOBLE_ETIMEDOUT},
    {"SM/PER/PROT/BV-02-C", JW, .how = KEEPS_BACK, .code = 0x03, .air = FEATURES,
     .status = AIOBLE_ETIMEDOUT, .tester = AIOBLE_ETIMEDOUT},

    {"SM/CEN/JW/BV-01-C", JW, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/JW/BV-02-C", JW, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/JW/BI-04-C", JW, .reserved = 0xc0, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/JW/BI-03-C", JW, .reserved = 0xc0, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/JW/BV-05-C", JW, .how = FAILS, .code = 0x02, .reasons = "\x08\x05\x09\x10",
     .air = "c01 p05 "},
    {"SM/CEN/JW/BI-01-C", JW, .how = FLIPS, .code = 0x03, .air = LEGACY "c05 ", .status = 4,
     .tester = 4},
    {"SM/PER/JW/BI-02-C", JW, .how = FLIPS, .code = 0x03, .air = FEATURES "c03 p03 c04 p05 ",
     .status = 4, .tester = 4},
    {"SM/CEN/JW/BI-06-C", JW, .how = REFLECTS, .code = 0x03, .air = FEATURES "c03 p03 c05 ",
     .status = 4, .tester = 4},

    {"SM/CEN/PKE/BV-01-C", PK_P, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/CEN/PKE/BV-01-C the IUT enters", PK_C, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/PER/PKE/BV-02-C", PK_P, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/PER/PKE/BV-02-C the IUT shows", PK_C, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/CEN/PKE/BV-04-C", BOTH, NONE, OLD, false, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/PKE/BV-06-C", NONE, BOTH, OLD, false, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/PKE/BI-01-C", PK_P, .how = FLIPS, .code = 0x03, .air = LEGACY "c05 ", .status = 4,
     .tester = 4},
    {"SM/CEN/PKE/BI-02-C", PK_P, SAYS_NO, .air = FEATURES "c03 p05 ", .status = 1, .tester = 1},
    {"SM/PER/PKE/BI-03-C", PK_C, WRONG_PASSKEY, .air = FEATURES "c03 p03 c04 p05 ", .status = 4,
     .tester = 4},
    {"SM/CEN/PKE/BI-03-C", PK_P, .how = REFLECTS, .code = 0x03, .air = FEATURES "c03 p03 c05 ",
     .status = 4, .tester = 4},

    {"SM/CEN/OOB/BV-01-C, BV-10-C", NONE, NONE, OLD, true, .oob = C_HAS | P_HAS,
     .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/PER/OOB/BV-02-C, BV-11-C", NONE, NONE, OLD, true, .oob = C_HAS | P_HAS,
     .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/CEN/OOB/BV-03-C", PK_P, .oob = C_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/PER/OOB/BV-04-C", PK_P, .oob = P_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/CEN/OOB/BV-05-C", PK_P, .oob = P_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/PER/OOB/BV-06-C", PK_P, .oob = C_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 2},
    {"SM/CEN/OOB/BV-07-C", JW, .oob = P_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/OOB/BV-08-C", JW, .oob = C_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/OOB/BV-09-C", JW, .oob = C_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/OOB/BV-10-C", JW, .oob = P_HAS, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/OOB/BI-01-C", NONE, NONE, OLD, true, .oob = C_HAS | P_HAS, .how = FLIPS, .code = 0x03,
     .air = LEGACY "c05 ", .status = 4, .tester = 4},
    {"SM/PER/OOB/BI-02-C", NONE, NONE, OLD, true, .oob = C_HAS | P_HAS | WRONG,
     .air = FEATURES "c03 p03 c04 p05 ", .status = 4, .tester = 4},

    {"SM/CEN/EKS/BV-01-C", JW, .key_size = 7, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/PER/EKS/BV-02-C", JW, .key_size = 7, .air = LEGACY P_LEGACY C_LEGACY, .level = 1},
    {"SM/CEN/EKS/BV-01-C Secure Connections", SC_JW, .key_size = 7, .air = SCJW CHECK P_SC C_SC,
     .level = 1},
    {"SM/PER/EKS/BV-02-C Secure Connections", SC_JW, .key_size = 7, .air = SCJW CHECK P_SC C_SC,
     .level = 1},
    {"SM/CEN/EKS/BI-01-C", JW, .key_size = 15, .air = FEATURES "c05 ", .status = 6, .tester = 6},
    {"SM/PER/EKS/BI-02-C", JW, .key_size = 15, .air = "c01 p05 ", .status = 6, .tester = 6},
    {"SM/CEN/EKS/BI-01-C … out of range", JW, .key_size = 6, .air = FEATURES "c05 ", .status = 10,
     .tester = 10},
    {"SM/PER/EKS/BI-02-C … out of range", JW, .key_size = 6, .air = "c01 p05 ", .status = 10,
     .tester = 10},

    {"SM/PER/KDU/BV-01-C", JW, .keys = AB_SMP_DIST_ENC, .air = LEGACY "p06 p07 ", .level = 1},
    {"SM/PER/KDU/BV-02-C", JW, .keys = AB_SMP_DIST_ID, .air = LEGACY "p08 p09 ", .level = 1},
    {"SM/PER/KDU/BV-03-C", JW, .keys = AB_SMP_DIST_SIGN, .air = LEGACY "p0a ", .level = 1},
    {"SM/PER/KDU/BV-08-C", SC_JW, .keys = AB_SMP_DIST_ID, .air = SCJW CHECK "p08 p09 ", .level = 1},
    {"SM/PER/KDU/BV-09-C", SC_JW, .keys = AB_SMP_DIST_SIGN, .air = SCJW CHECK "p0a ", .level = 1},
    {"SM/CEN/KDU/BV-04-C", JW, .keys = AB_SMP_DIST_SIGN, .air = LEGACY "c0a ", .level = 1},
    {"SM/CEN/KDU/BV-05-C", JW, .keys = AB_SMP_DIST_ID, .air = LEGACY "c08 c09 ", .level = 1},
    {"SM/CEN/KDU/BV-06-C", JW, .keys = AB_SMP_DIST_ENC, .air = LEGACY "c06 c07 ", .level = 1},
    {"SM/CEN/KDU/BV-10-C", SC_JW, .keys = AB_SMP_DIST_ID, .air = SCJW CHECK "c08 c09 ", .level = 1},
    {"SM/CEN/KDU/BV-11-C", SC_JW, .keys = AB_SMP_DIST_SIGN, .air = SCJW CHECK "c0a ", .level = 1},
    {"SM/CEN/KDU/BI-01-C, BI-04-C Y is zero", SC_JW, .how = Y_ZERO, .code = 0x0c,
     .air = FEATURES KEYS "p03 c05 ", .status = 11, .tester = 11},
    {"SM/CEN/KDU/BI-01-C, BI-04-C a bit of Y", SC_JW, .how = FLIPS, .code = 0x0c, .at = 50,
     .air = FEATURES KEYS "p03 c05 ", .status = 11, .tester = 11},
    {"SM/CEN/KDU/BI-01-C, BI-04-C all is zero", SC_JW, .how = ALL_ZERO, .code = 0x0c,
     .air = FEATURES KEYS "p03 c05 ", .status = 11, .tester = 11},
    {"SM/CEN/KDU/BI-04-C the IUT's own", SC_JW, .how = REFLECTS, .code = 0x0c,
     .air = FEATURES KEYS "p03 c05 ", .status = 11, .tester = 11},
    {"SM/PER/KDU/BI-01-C, BI-04-C Y is zero", SC_JW, .how = Y_ZERO, .code = 0x0c,
     .air = FEATURES "c0c p05 ", .status = 11, .tester = 11},
    {"SM/PER/KDU/BI-01-C, BI-04-C a bit of Y", SC_JW, .how = FLIPS, .code = 0x0c, .at = 50,
     .air = FEATURES "c0c p05 ", .status = 11, .tester = 11},
    {"SM/PER/KDU/BI-01-C, BI-04-C all is zero", SC_JW, .how = ALL_ZERO, .code = 0x0c,
     .air = FEATURES "c0c p05 ", .status = 11, .tester = 11},
    {"SM/PER/KDU/BI-02-C", JW, .how = FAILS, .code = 0x06, .reasons = "\x0f",
     .air = LEGACY P_LEGACY "c05 "},
    {"SM/PER/KDU/BI-03-C", SC_JW, .how = FAILS, .code = 0x08, .reasons = "\x0f",
     .air = SCJW CHECK P_SC "c05 "},

    {"SM/CEN/SCJW/BV-01-C", SC_JW, .air = SCJW CHECK P_SC C_SC, .level = 1},
    {"SM/CEN/SCJW/BV-01-C compared", YESNO, BOTH, SECURE, true, .air = SCJW CHECK P_SC C_SC,
     .level = 3},
    {"SM/PER/SCJW/BV-02-C", SC_JW, .air = SCJW CHECK P_SC C_SC, .level = 1},
    {"SM/PER/SCJW/BV-02-C compared", BOTH, YESNO, SECURE, true, .air = SCJW CHECK P_SC C_SC,
     .level = 3},
    {"SM/PER/SCJW/BV-03-C", SC_JW, .reserved = 0xc0, .air = SCJW CHECK P_SC C_SC, .level = 1},
    {"SM/CEN/SCJW/BV-04-C", SC_JW, .reserved = 0xc0, .air = SCJW CHECK P_SC C_SC, .level = 1},
    {"SM/CEN/SCJW/BI-01-C", SC_JW, .how = FAILS, .code = 0x02, .reasons = FOUR_REASONS,
     .air = "c01 p05 "},
    {"SM/CEN/SCJW/BI-01-C in phase 2", SC_JW, .how = FAILS, .code = 0x04, .reasons = "\x0c",
     .air = FEATURES KEYS "p03 c04 p05 "},
    {"SM/PER/SCJW/BI-02-C", SC_JW, .how = FAILS, .code = 0x04, .reasons = "\x04",
     .air = FEATURES KEYS "p03 c05 "},

    {"SM/CEN/SCPK/BV-01-C", SC_PK_P, .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCPK/BV-01-C both enter", KEYBOARD, KEYBOARD, SECURE, true,
     .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCPK/BV-02-C", SC_PK_C, .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCPK/BV-02-C the IUT enters", SC_PK_P, .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCPK/BV-03-C", SC_PK_C, .reserved = 0xc0, .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCPK/BV-04-C", SC_PK_P, .reserved = 0xc0, .air = SCPK CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCPK/BI-01-C", SC_PK_P, .how = FAILS, .code = 0x02, .reasons = FOUR_REASONS,
     .air = "c01 p05 "},
    {"SM/CEN/SCPK/BI-01-C in phase 2", SC_PK_P, .how = FAILS, .code = 0x03, .reasons = "\x01",
     .air = FEATURES KEYS "c03 p05 "},
    {"SM/CEN/SCPK/BI-02-C", SC_PK_P, .how = FLIPS, .code = 0x03,
     .air = FEATURES KEYS "c03 p03 c04 p04 c05 ", .status = 4, .tester = 4},
    {"SM/PER/SCPK/BI-03-C", SC_PK_C, .how = FLIPS, .code = 0x03,
     .air = FEATURES KEYS "c03 p03 c04 p05 ", .status = 4, .tester = 4},
    {"SM/PER/SCPK/BI-04-C", SC_PK_C, .how = FAILS, .code = 0x0c, .reasons = FOUR_REASONS,
     .air = FEATURES "c05 "},
    {"SM/PER/SCPK/BI-04-C in phase 2", SC_PK_C, .how = FAILS, .code = 0x03, .reasons = "\x01",
     .air = FEATURES KEYS "c05 "},
    {"SM/CEN/SCPK/BI-03-C", SC_PK_P, WRONG_PASSKEY, .air = FEATURES KEYS "c03 p03 c04 p05 ",
     .status = 4, .tester = 4},
    {"SM/PER/SCPK/BI-05-C", SC_PK_C, WRONG_PASSKEY, .air = FEATURES KEYS "c03 p03 c04 p05 ",
     .status = 4, .tester = 4},

    {"SM/CEN/SCOB/BV-01-C both have data", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCOB/BV-01-C the IUT has", NONE, NONE, SECURE, true, .oob = C_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCOB/BV-01-C the tester has", NONE, NONE, SECURE, true, .oob = P_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCOB/BV-02-C both have data", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCOB/BV-02-C the tester has", NONE, NONE, SECURE, true, .oob = C_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCOB/BV-02-C the IUT has", NONE, NONE, SECURE, true, .oob = P_HAS,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/PER/SCOB/BV-03-C", NONE, NONE, SECURE, false, .oob = C_HAS | P_HAS, .reserved = 0xc0,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCOB/BV-04-C", NONE, NONE, SECURE, false, .oob = C_HAS | P_HAS, .reserved = 0xc0,
     .air = SCOB CHECK P_SC C_SC, .level = 3},
    {"SM/CEN/SCOB/BI-01-C", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS, .how = FAILS,
     .code = 0x02, .reasons = FOUR_REASONS, .air = "c01 p05 "},
    {"SM/CEN/SCOB/BI-01-C in phase 2", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS, .how = FAILS,
     .code = 0x04, .reasons = "\x02", .air = FEATURES KEYS "c04 p05 "},
    {"SM/PER/SCOB/BI-02-C", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS, .how = FAILS,
     .code = 0x0c, .reasons = FOUR_REASONS, .air = FEATURES "c05 "},
    {"SM/PER/SCOB/BI-02-C in phase 2", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS, .how = FAILS,
     .code = 0x04, .reasons = "\x02", .air = FEATURES KEYS "c05 "},
    {"SM/PER/SCOB/BI-03-C", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS | WRONG,
     .air = FEATURES "c0c p0c p05 c04 ", .status = 4, .tester = 4},
    {"SM/CEN/SCOB/BI-04-C", NONE, NONE, SECURE, true, .oob = C_HAS | P_HAS | WRONG,
     .air = FEATURES KEYS "c05 ", .status = 4, .tester = 4},
};

/* ---- the lower tester ---- */

typedef struct tester {
  const pts_case *c;
  char air[700];
  bool iut_central, struck, silent;
  uint8_t reason; /* … FAILS, with */
  unsigned seen;  /* of that command, its own */
  smp_air iut;    /* what the implementation sent last of it */
  smp_air kept;   /* what was kept back */
} tester;

static bool from_tester(const tester *t, const smp_air *command) {
  return (command->to == &command->to->bed->side[SMP_CENTRAL]) == t->iut_central;
}

static unsigned codes_of(uint8_t keys, bool sc) {
  return (keys & AB_SMP_DIST_ENC && !sc ? 1u << AB_SMP_ENCRYPTION_INFO | 1u << AB_SMP_CENTRAL_ID
                                        : 0) |
         (keys & AB_SMP_DIST_ID ? 1u << AB_SMP_IDENTITY_INFO | 1u << AB_SMP_IDENTITY_ADDR : 0) |
         (keys & AB_SMP_DIST_SIGN ? 1u << AB_SMP_SIGNING_INFO : 0);
}

/* Its features: those of a stack like ours, but for what the case says, and it knows that. */
static void be_as_said(const tester *t, smp_bed *bed, smp_air *command) {
  const pts_case *c = t->c;
  ab_smp_pairing *p = bed->side[!t->iut_central ? SMP_CENTRAL : SMP_PERIPHERAL].smp.pairing;
  uint8_t *sent = t->iut_central ? p->pres : p->preq;

  command->bytes[3] |= c->reserved;
  if (c->key_size)
    command->bytes[4] = c->key_size;
  if (c->keys) {
    command->bytes[5] = t->iut_central ? c->keys : 0;
    command->bytes[6] = t->iut_central ? 0 : c->keys;
    p->local.initiator = command->bytes[5];
    p->local.responder = command->bytes[6];
    p->send = 0;
    p->await = codes_of(c->keys, p->sc);
  }
  memcpy(sent, command->bytes, 7);
}

static void strike(tester *t, smp_air *command) {
  const pts_case *c = t->c;

  switch (c->how) {
  case KEEPS_BACK:
    t->kept = *command;
    t->silent = true;
    break;
  case FLIPS:
    command->bytes[1 + c->at] ^= 1;
    break;
  case REFLECTS:
    memcpy(command->bytes, t->iut.bytes, command->len);
    break;
  case FAILS:
    command->bytes[0] = AB_SMP_FAILED;
    command->bytes[1] = t->reason;
    command->len = 2;
    break;
  case Y_ZERO:
    memset(command->bytes + 33, 0, 32);
    break;
  case ALL_ZERO:
    memset(command->bytes + 1, 0, 64);
    break;
  default:
    break;
  }
}

static void write_down(tester *t, const smp_bed *bed, const smp_air *command) {
  size_t at = strlen(t->air);

  (void) snprintf(t->air + at, sizeof t->air - at, "%c%02x ",
                  command->to == &bed->side[SMP_PERIPHERAL] ? 'c' : 'p', command->bytes[0]);
}

static bool on_air(smp_bed *bed, smp_air *command) {
  tester *t = bed->user;
  const pts_case *c = t->c;
  smp_side *tester_side = &bed->side[t->iut_central ? SMP_PERIPHERAL : SMP_CENTRAL];
  bool own = from_tester(t, command);

  if (!own && command->bytes[0] == c->code)
    t->iut = *command;
  if (own && t->silent)
    return false;
  if (own && command->bytes[0] <= AB_SMP_PAIRING_RESPONSE && tester_side->smp.pairing)
    be_as_said(t, bed, command);
  if (c->key_size && tester_side->smp.pairing && tester_side->smp.pairing->bond)
    tester_side->smp.pairing->key_size = tester_side->smp.pairing->bond->key_size = c->key_size;
  if (own && c->how && command->bytes[0] == c->code && t->seen++ == c->nth) {
    t->struck = true;
    strike(t, command);
    if (t->silent)
      return false;
    t->silent = c->how == FAILS;
  }
  write_down(t, bed, command);
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

/* ---- a case ---- */

/* the user at the side that is asked */
static void use(smp_bed *bed, unsigned how) {
  smp_bed_run(bed);
  for (unsigned i = 0; i < 2 && how != RIGHT; i++) {
    smp_side *side = &bed->side[i];
    bool asked = side->prompts && side->prompt != AB_SMP_SHOW_PASSKEY;

    if (asked)
      assert_int_equal(ab_smp_answer(&side->smp, how == WRONG_PASSKEY, bed->side[!i].number ^ 1),
                       0);
    if (asked)
      break;
  }
  if (how == RIGHT)
    smp_bed_finish(bed);
  else
    smp_bed_run(bed);
}

static void exchange_oob(smp_bed *bed, const pts_case *c, bool iut_central, ab_smp_oob oob[2]) {
  for (unsigned i = 0; i < 2; i++) {
    bool has = c->oob & (i == SMP_CENTRAL ? C_HAS : P_HAS);

    assert_int_equal(ab_smp_oob_make(bed->env, &oob[i]), 0);
    oob[i].has_tk = has && c->sc == OLD;
    oob[i].has_peer = has && c->sc != OLD;
  }
  for (unsigned i = 0; i < 2; i++) {
    bool wrong = c->oob & WRONG && iut_central == (i == SMP_CENTRAL);

    oob[i].peer = oob[!i].local;
    oob[i].peer.confirm.b[0] ^= wrong;
    oob[i].tk.b[0] = wrong;
    bed->side[i].stack.policy.oob = &oob[i];
  }
}

/* the rest of EKS/BV: a link encrypted with what was kept */
static void again_with_the_key(smp_bed *bed) {
  bed->meddle = NULL;
  smp_bed_reconnect(bed);
  assert_int_equal(ab_smp_encrypt(&bed->side[SMP_CENTRAL].smp), 0);
  smp_bed_run(bed);
  for (unsigned i = 0; i < 2; i++) {
    assert_true(bed->side[i].smp.security.bonded);
    assert_int_equal(bed->side[i].smp.security.key_size, 7);
  }
}

/* what comes late is not answered, nor anything else (3.4) */
static void late(smp_bed *bed, tester *t, unsigned iut) {
  unsigned sent = bed->side[iut].sent;

  fake_env_advance(bed->env, 10000000);
  ab_smp_rx(&bed->side[iut].smp, t->kept.bytes, t->kept.len);
  assert_int_equal(bed->side[iut].sent, sent);
  assert_int_equal(bed->side[iut].ended, 1);
}

static int status_of(int reason) {
  return reason > 0 ? AIOBLE_ERR_SMP(reason) : reason;
}

static void expect_outcome(const smp_bed *bed, const tester *t, unsigned iut) {
  const pts_case *c = t->c;
  bool bonded = c->level && (c->sc == SECURE || !c->keys || c->keys == AB_SMP_DIST_ENC);
  char air[700];

  expand(c->air, air, sizeof air);
  assert_string_equal(t->air, air);
  assert_int_equal(t->struck, c->how != NOTHING);
  assert_int_equal(bed->side[iut].ended, 1);
  assert_int_equal(bed->side[iut].status,
                   c->how == FAILS ? AIOBLE_ERR_SMP(t->reason) : status_of(c->status));
  assert_int_equal(bed->side[iut].stack.n_bonds, bonded);
  if (c->how != FAILS) {
    assert_int_equal(bed->side[!iut].status, status_of(c->tester));
    for (unsigned i = 0; i < 2; i++)
      assert_int_equal(bed->side[i].smp.security.level, c->level);
  }
}

static void run_once(const pts_case *c, uint8_t reason) {
  tester t = {.c = c, .iut_central = !strncmp(c->name, "SM/CEN", 6), .reason = reason};
  ab_smp_policy central = smp_policy((ab_smp_io) c->c_io, (ab_smp_sc) c->sc, c->mitm);
  ab_smp_policy peripheral = smp_policy((ab_smp_io) c->p_io, (ab_smp_sc) c->sc, false);
  unsigned iut = t.iut_central ? SMP_CENTRAL : SMP_PERIPHERAL;
  ab_smp_oob oob[2] = {{0}, {0}};
  smp_bed bed;

  smp_bed_open(&bed);
  bed.meddle = on_air;
  bed.user = &t;
  if (c->key_size == 7)
    central.min_key = peripheral.min_key = 7;
  if (c->oob) {
    exchange_oob(&bed, c, t.iut_central, oob);
    central.oob = bed.side[SMP_CENTRAL].stack.policy.oob;
    peripheral.oob = bed.side[SMP_PERIPHERAL].stack.policy.oob;
  }
  smp_bed_start(&bed, &central, &peripheral);
  use(&bed, c->user);
  if (c->status == AIOBLE_ETIMEDOUT)
    fake_env_advance(bed.env, 30000000);
  expect_outcome(&bed, &t, iut);
  if (c->status == AIOBLE_ETIMEDOUT)
    late(&bed, &t, iut);
  if (c->key_size == 7)
    again_with_the_key(&bed);
  smp_bed_close(&bed);
}

static void run(void **state) {
  const pts_case *c = *state;

  for (const char *reason = c->reasons ? c->reasons : "\1"; *reason; reason++)
    run_once(c, (uint8_t) *reason);
}

/* ---- the peripheral asks for security, the link is encrypted anew ---- */

static const pts_case nothing_special = {.name = ""};

static void open_bed(smp_bed *bed, tester *t) {
  smp_bed_open(bed);
  *t = (tester){.c = &nothing_special};
  bed->meddle = on_air;
  bed->user = t;
}

/* a bond, another link; nothing is written down yet */
static void with_a_bond(smp_bed *bed, tester *t, ab_smp_sc sc) {
  ab_smp_policy policy = smp_policy(NONE, sc, false);

  open_bed(bed, t);
  smp_bed_start(bed, &policy, &policy);
  smp_bed_finish(bed);
  smp_bed_expect(bed, 0, 0);
  t->air[0] = '\0';
  bed->side[0].ended = bed->side[1].ended = 0;
}

static void peripheral_starts_pairing(void **state) {
  ab_smp_policy policy = smp_policy(YESNO, SECURE, true);
  smp_bed bed;
  tester t;

  (void) state;
  open_bed(&bed, &t);
  bed.side[SMP_CENTRAL].stack.policy = bed.side[SMP_PERIPHERAL].stack.policy = policy;
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &policy), 0);
  smp_bed_finish(&bed);
  assert_string_equal(t.air, "p0b " SCJW CHECK P_SC C_SC);
  smp_bed_expect(&bed, 0, 0);
  assert_int_equal(bed.side[SMP_PERIPHERAL].smp.security.level, 3);
  smp_bed_close(&bed);
}

static void peripheral_starts_encryption(void **state) {
  smp_bed bed;
  tester t;

  (void) state;
  with_a_bond(&bed, &t, SECURE);
  smp_bed_reconnect(&bed);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_PERIPHERAL].smp, &bed.side[1].stack.policy), 0);
  smp_bed_run(&bed);
  assert_string_equal(t.air, "p0b ");
  smp_bed_expect(&bed, 0, 0);
  assert_true(bed.side[SMP_PERIPHERAL].smp.security.bonded);
  smp_bed_close(&bed);
}

/* a second one, while it is answered already */
static void central_ignores_a_second_request(void **state) {
  const uint8_t request[] = {AB_SMP_SECURITY_REQUEST, AB_SMP_AUTH_BOND | AB_SMP_AUTH_SC};
  smp_bed bed;
  tester t;

  (void) state;
  open_bed(&bed, &t);
  for (unsigned i = 0; i < 2; i++)
    bed.side[i].stack.policy = smp_policy(NONE, SECURE, false);
  ab_smp_rx(&bed.side[SMP_CENTRAL].smp, request, sizeof request);
  assert_int_equal(bed.side[SMP_CENTRAL].sent, 1);
  ab_smp_rx(&bed.side[SMP_CENTRAL].smp, request, sizeof request);
  assert_int_equal(bed.side[SMP_CENTRAL].sent, 1);
  assert_false(bed.encrypting);
  smp_bed_finish(&bed);
  assert_string_equal(t.air, SCJW CHECK P_SC C_SC);
  smp_bed_expect(&bed, 0, 0);
  smp_bed_close(&bed);
}

static void an_encrypted_link_is_encrypted_anew(void **state) {
  smp_bed bed;
  tester t;

  (void) state;
  with_a_bond(&bed, &t, OLD);
  assert_int_equal(ab_smp_encrypt(&bed.side[SMP_CENTRAL].smp), 0);
  assert_true(bed.key.rand != 0);
  smp_bed_run(&bed);
  assert_string_equal(t.air, "");
  assert_int_equal(bed.side[SMP_CENTRAL].status, 0);
  for (unsigned i = 0; i < 2; i++)
    assert_true(bed.side[i].smp.security.bonded);
  smp_bed_close(&bed);
}

/* ---- what is random is another one each time ---- */

static bool keep_random(smp_bed *bed, smp_air *command) {
  smp_air *kept = bed->user;

  if (command->bytes[0] == AB_SMP_RANDOM)
    kept[command->to == &bed->side[SMP_CENTRAL]] = *command;
  return true;
}

static void three_times(ab_smp_io central, ab_smp_io peripheral, ab_smp_sc sc) {
  bool mitm = central != NONE;
  ab_smp_policy policy[2] = {smp_policy(central, sc, mitm), smp_policy(peripheral, sc, mitm)};
  smp_air sent[3][2];
  uint32_t shown[3];
  smp_bed bed;

  smp_bed_open(&bed);
  bed.meddle = keep_random;
  for (unsigned i = 0; i < 3; i++) {
    bed.user = sent[i];
    policy[0].repair = policy[1].repair = true;
    smp_bed_reconnect(&bed);
    for (unsigned side = 0; side < 2; side++)
      while (!ab_list_empty(&bed.side[side].stack.bonds))
        ab_smp_bond_delete(&bed.side[side].stack,
                           ab_container_of(bed.side[side].stack.bonds.next, ab_bond, node));
    smp_bed_start(&bed, &policy[0], &policy[1]);
    smp_bed_finish(&bed);
    assert_int_equal(bed.side[0].status, 0);
    shown[i] = bed.side[SMP_CENTRAL].number;
    for (unsigned before = 0; before < i; before++) {
      assert_memory_not_equal(sent[before][0].bytes, sent[i][0].bytes, 17);
      assert_memory_not_equal(sent[before][1].bytes, sent[i][1].bytes, 17);
      assert_true(!mitm || shown[before] != shown[i]);
    }
  }
  smp_bed_close(&bed);
}

static void passkeys_differ(void **state) {
  (void) state;
  three_times(DISPLAY, KEYBOARD, OLD);
}

static void passkeys_of_secure_connections_differ(void **state) {
  (void) state;
  three_times(DISPLAY, KEYBOARD, SECURE);
}

static void nonces_differ(void **state) {
  (void) state;
  three_times(NONE, NONE, SECURE);
}

static const struct CMUnitTest others[] = {
    {"SM/CEN/PKE/BV-05-C", passkeys_differ, NULL, NULL, NULL},
    {"SM/CEN/SCPK/BV-05-C", passkeys_of_secure_connections_differ, NULL, NULL, NULL},
    {"SM/CEN/SCJW/BV-01-C, SM/PER/SCJW/BV-02-C nonces", nonces_differ, NULL, NULL, NULL},
    {"SM/PER/PIS/BV-01-C, SM/CEN/PIS/BV-02-C", peripheral_starts_pairing, NULL, NULL, NULL},
    {"SM/PER/PIS/BV-02-C", peripheral_starts_encryption, NULL, NULL, NULL},
    {"SM/CEN/PIS/BV-03-C", central_ignores_a_second_request, NULL, NULL, NULL},
    {"SM/PER/KDU/BV-07-C", an_encrypted_link_is_encrypted_anew, NULL, NULL, NULL},
};

int main(void) {
  enum { N = sizeof cases / sizeof *cases, OTHERS = sizeof others / sizeof *others };
  struct CMUnitTest tests[N + OTHERS];

  for (size_t i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, &cases[i]};
  memcpy(tests + N, others, sizeof others);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
