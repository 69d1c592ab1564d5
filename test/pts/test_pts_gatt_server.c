/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of the GATT server that apply (GATT Test Suite, "SR"), as PDU scripts
 * against the table of helpers/gatt_bed.h. Where the specification leaves a choice, the script says
 * what this server does. Those about security play the same requests against values that ask for
 * more than the link has.
 */
#include "helpers/gatt_bed.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct pts_case {
  const char *name;
  const char *script;
  void (*act)(gatt_bed *bed); /* the upper tester, after the script; then … */
  const char *then;
} pts_case;

static void send_value(gatt_bed *bed, uint8_t opcode, uint16_t handle, ab_att_req *req,
                       ab_att_req_fn *fn) {
  int status = 0;
  ab_buf *pdu = ab_gatt_server_value_pdu(&bed->peer->att, opcode, handle, "\x0a\x0b", 2, &status);

  assert_non_null(pdu);
  if (req)
    ab_att_request(&bed->peer->att, req, pdu, fn);
  else
    ab_att_send(&bed->peer->att, pdu);
}

static void notify(gatt_bed *bed) {
  assert_int_equal(bed->link.cccds[1], 1);
  send_value(bed, AB_ATT_NOTIFICATION, 0x12, NULL, NULL);
}

typedef struct indication {
  ab_att_req req;
  unsigned ends;
  int status;
} indication;

static void on_end(ab_att_req *req, int status, ab_rd *pdu) {
  indication *i = ab_container_of(req, indication, req);

  (void) pdu;
  i->ends++;
  i->status = status;
}

static void indicate(gatt_bed *bed) {
  indication i = {.status = 1};

  send_value(bed, AB_ATT_INDICATION, 0x1c, &i.req, on_end);
  assert_int_equal(i.ends, 0);
  bed_play(bed, "< 1d 1c 00 0a 0b\n"
                "> 1e\n");
  assert_int_equal(i.ends, 1);
  assert_int_equal(i.status, 0);
}

static void indicate_without_an_answer(gatt_bed *bed) {
  indication i = {.status = 1};

  send_value(bed, AB_ATT_INDICATION, 0x1c, &i.req, on_end);
  bed_play(bed, "< 1d 1c 00 0a 0b\n");
  fake_env_advance(bed->env, 29999999);
  assert_int_equal(i.ends, 0);
  fake_env_advance(bed->env, 1);
  assert_int_equal(i.ends, 1);
  assert_true(i.status < 0);
  assert_int_equal(bed->peer->broken, 1);
}

static void two_indications(gatt_bed *bed) {
  indication first = {.status = 1}, second = {.status = 1};

  send_value(bed, AB_ATT_INDICATION, 0x1c, &first.req, on_end);
  send_value(bed, AB_ATT_INDICATION, 0x1c, &second.req, on_end);
  bed_play(bed, "< 1d 1c 00 0a 0b\n"
                "> 1e\n"
                "< 1d 1c 00 0a 0b\n");
  assert_int_equal(first.ends, 1);
  assert_int_equal(second.ends, 0);
  bed_play(bed, "> 1e\n");
  assert_int_equal(second.ends, 1);
}

/* a service 181b of two attributes comes, at 22: it includes a secondary one, at 24 */
static void change_table(gatt_bed *bed) {
  static const char primary[] = "primary", secondary[] = "secondary";

  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181b), false, primary, 2);
  ab_gatt_db_add_include(bed->db, secondary);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x180f), true, secondary, 1);
  bed_install(bed);
}

/* clang-format off: one line, one PDU */
#define SCRIPT(name, script) \
  { name, script, NULL, NULL }
#define CHANGED(name, script, then) \
  { name, script, change_table, then }

static const pts_case cases[] = {
    /* ---- GAC: configuration ---- */
    SCRIPT("GATT/SR/GAC/BV-01-C exchange MTU", "> 02 40 00\n"
                                               "< 03 05 02\n"
                                               "> 0a 17 00\n"
                                               "< 0b 30*39 31\n"),

    /* ---- GAD: discovery ---- */
    SCRIPT("GATT/SR/GAD/BV-01-C all primary services",
           "> 10 01 00 ff ff 00 28\n"
           "< 11 06 01 00 05 00 00 18 06 00 0f 00 01 18 10 00 17 00 1a 18\n"
           "> 10 18 00 ff ff 00 28\n"
           "< 11 14 18 00 1e 00 " LONG_TAIL " 00 00 00 0d\n"
           "> 10 1f 00 ff ff 00 28\n"
           "< 11 06 1f 00 21 00 1a 18\n"
           "> 10 22 00 ff ff 00 28\n"
           "< 01 10 22 00 0a\n"),
    SCRIPT("GATT/SR/GAD/BV-02-C primary services by UUID",
           "> 06 01 00 ff ff 00 28 1a 18\n"
           "< 07 10 00 17 00 1f 00 21 00\n"
           "> 06 22 00 ff ff 00 28 1a 18\n"
           "< 01 06 22 00 0a\n"
           "> 06 01 00 ff ff 00 28 " LONG_TAIL " 00 00 00 0d\n"
           "< 07 18 00 1e 00\n"
           "> 06 1f 00 ff ff 00 28 " LONG_TAIL " 00 00 00 0d\n"
           "< 01 06 1f 00 0a\n"),
    SCRIPT("GATT/SR/GAD/BV-03-C included services: none", "> 08 10 00 17 00 02 28\n"
                                                          "< 01 08 10 00 0a\n"),
    CHANGED("GATT/SR/GAD/BV-03-C … one", "",
            "> 08 22 00 23 00 02 28\n"
            "< 09 08 23 00 24 00 24 00 0f 18\n"
            "> 08 24 00 24 00 02 28\n"
            "< 01 08 24 00 0a\n"),
    SCRIPT("GATT/SR/GAD/BV-04-C all characteristics of a service",
           "> 08 10 00 17 00 03 28\n"
           "< 09 07 11 00 12 12 00 6e 2a 14 00 0e 15 00 6f 2a\n"
           "> 08 15 00 17 00 03 28\n"
           "< 01 08 15 00 0a\n"
           "> 08 18 00 1e 00 03 28\n"
           "< 09 15 19 00 08 1a 00 " LONG_TAIL " 01 00 00 0d\n"
           "> 08 1a 00 1e 00 03 28\n"
           "< 09 07 1b 00 32 1c 00 6d 2a\n"
           "> 08 1c 00 1e 00 03 28\n"
           "< 01 08 1c 00 0a\n"),
    SCRIPT("GATT/SR/GAD/BV-05-C characteristics by UUID", "> 08 1f 00 21 00 03 28\n"
                                                          "< 09 07 20 00 02 21 00 6e 2a\n"
                                                          "> 08 21 00 21 00 03 28\n"
                                                          "< 01 08 21 00 0a\n"),
    SCRIPT("GATT/SR/GAD/BV-06-C all descriptors of a characteristic",
           "> 04 16 00 17 00\n"
           "< 05 01 16 00 01 29 17 00 04 29\n"
           "> 04 1d 00 1e 00\n"
           "< 05 01 1d 00 02 29\n"
           "> 04 1e 00 1e 00\n"
           "< 05 02 1e 00 " LONG_TAIL " 02 00 00 0d\n"),

    /* ---- GAR: reading ---- */
    SCRIPT("GATT/SR/GAR/BV-01-C read a value", "> 0a 12 00\n"
                                               "< 0b 16 09\n"),
    SCRIPT("GATT/SR/GAR/BI-01-C … invalid handle", "> 0a 22 00\n"
                                                   "< 01 0a 22 00 01\n"
                                                   "> 0a 00 00\n"
                                                   "< 01 0a 00 00 01\n"),
    SCRIPT("GATT/SR/GAR/BI-02-C … read not permitted", "> 0a 1a 00\n"
                                                       "< 01 0a 1a 00 02\n"),
    SCRIPT("GATT/SR/GAR/BV-03-C read using a UUID", "> 08 01 00 ff ff 6e 2a\n"
                                                    "< 09 04 12 00 16 09 21 00 17 09\n"
                                                    "> 08 01 00 ff ff " LONG_TAIL " 02 00 00 0d\n"
                                                    "< 09 03 1e 00 77\n"),
    SCRIPT("GATT/SR/GAR/BI-06-C … read not permitted",
           "> 08 01 00 ff ff " LONG_TAIL " 01 00 00 0d\n"
           "< 01 08 1a 00 02\n"),
    SCRIPT("GATT/SR/GAR/BI-07-C … attribute not found", "> 08 01 00 ff ff 70 2a\n"
                                                        "< 01 08 01 00 0a\n"),
    SCRIPT("GATT/SR/GAR/BI-08-C … invalid handle", "> 08 12 00 11 00 6e 2a\n"
                                                   "< 01 08 12 00 01\n"),
    SCRIPT("GATT/SR/GAR/BV-04-C read a long value", "> 0a 17 00\n"
                                                    "< 0b 30*22\n"
                                                    "> 0c 17 00 16 00\n"
                                                    "< 0d 30*17 31\n"
                                                    "> 0c 17 00 28 00\n"
                                                    "< 0d\n"),
    SCRIPT("GATT/SR/GAR/BI-12-C … read not permitted", "> 0c 1a 00 00 00\n"
                                                       "< 01 0c 1a 00 02\n"),
    SCRIPT("GATT/SR/GAR/BI-13-C … invalid offset", "> 0c 17 00 29 00\n"
                                                   "< 01 0c 17 00 07\n"),
    SCRIPT("GATT/SR/GAR/BI-14-C … invalid handle", "> 0c 22 00 00 00\n"
                                                   "< 01 0c 22 00 01\n"),
    SCRIPT("GATT/SR/GAR/BV-05-C read several values", "> 0e 12 00 15 00 1c 00\n"
                                                      "< 0f 16 09 01 02 03 ee\n"),
    SCRIPT("GATT/SR/GAR/BI-18-C … read not permitted", "> 0e 12 00 1a 00\n"
                                                       "< 01 0e 1a 00 02\n"),
    SCRIPT("GATT/SR/GAR/BI-19-C … invalid handle", "> 0e 12 00 22 00\n"
                                                   "< 01 0e 22 00 01\n"),
    SCRIPT("GATT/SR/GAR/BV-06-C read a descriptor", "> 0a 16 00\n"
                                                    "< 0b 54 65 78 74\n"
                                                    "> 0a 13 00\n"
                                                    "< 0b 00 00\n"),
    SCRIPT("GATT/SR/GAR/BV-07-C read a long descriptor", "> 0c 17 00 00 00\n"
                                                         "< 0d 30*22\n"
                                                         "> 0c 17 00 16 00\n"
                                                         "< 0d 30*17 31\n"),
    SCRIPT("GATT/SR/GAR/BV-08-C read a declaration", "> 0a 11 00\n"
                                                     "< 0b 12 12 00 6e 2a\n"),
    SCRIPT("GATT/SR/GAR read several values of variable length", "> 20 12 00 15 00\n"
                                                                 "< 21 02 00 16 09 03 00 01 02 03\n"
                                                                 "> 20 17 00 12 00\n"
                                                                 "< 21 28 00 30*20\n"
                                                                 "> 20 12 00 1a 00\n"
                                                                 "< 01 20 1a 00 02\n"
                                                                 "> 20 12 00 22 00\n"
                                                                 "< 01 20 22 00 01\n"),

    /* ---- GAW: writing ---- */
    SCRIPT("GATT/SR/GAW/BV-01-C write without response", "> 52 15 00 09 08 07\n"
                                                         "> 0a 15 00\n"
                                                         "< 0b 09 08 07\n"),
    SCRIPT("GATT/SR/GAW/BV-03-C write a value", "> 12 15 00 09 08 07\n"
                                                "< 13\n"
                                                "> 0a 15 00\n"
                                                "< 0b 09 08 07\n"),
    SCRIPT("GATT/SR/GAW/BI-02-C … invalid handle", "> 12 22 00 09\n"
                                                   "< 01 12 22 00 01\n"),
    SCRIPT("GATT/SR/GAW/BI-03-C … write not permitted", "> 12 12 00 09\n"
                                                        "< 01 12 12 00 03\n"),
    SCRIPT("GATT/SR/GAW/BV-05-C write a long value", "> 16 17 00 00 00 61*18\n"
                                                     "< 17 17 00 00 00 61*18\n"
                                                     "> 16 17 00 12 00 62*4\n"
                                                     "< 17 17 00 12 00 62*4\n"
                                                     "> 18 01\n"
                                                     "< 19\n"
                                                     "> 0c 17 00 00 00\n"
                                                     "< 0d 61*18 62*4\n"
                                                     "> 0c 17 00 16 00\n"
                                                     "< 0d\n"),
    SCRIPT("GATT/SR/GAW/BI-07-C … invalid handle", "> 16 22 00 00 00 61\n"
                                                   "< 01 16 22 00 01\n"),
    SCRIPT("GATT/SR/GAW/BI-08-C … write not permitted", "> 16 12 00 00 00 61\n"
                                                        "< 01 16 12 00 03\n"),
    SCRIPT("GATT/SR/GAW/BI-09-C … invalid offset", "> 16 15 00 04 00 61\n"
                                                   "< 17 15 00 04 00 61\n"
                                                   "> 18 01\n"
                                                   "< 01 18 15 00 07\n"
                                                   "> 0a 15 00\n"
                                                   "< 0b 01 02 03\n"),
    SCRIPT("GATT/SR/GAW/BV-07-C … cancelled", "> 16 15 00 00 00 61\n"
                                              "< 17 15 00 00 00 61\n"
                                              "> 18 00\n"
                                              "< 19\n"
                                              "> 0a 15 00\n"
                                              "< 0b 01 02 03\n"),
    SCRIPT("GATT/SR/GAW/BV-06-C reliable write of one value", "> 16 15 00 00 00 61 62\n"
                                                              "< 17 15 00 00 00 61 62\n"
                                                              "> 18 01\n"
                                                              "< 19\n"
                                                              "> 0a 15 00\n"
                                                              "< 0b 61 62\n"),
    SCRIPT("GATT/SR/GAW/BV-10-C reliable write of two values", "> 16 15 00 00 00 61 62\n"
                                                               "< 17 15 00 00 00 61 62\n"
                                                               "> 16 17 00 00 00 63 64\n"
                                                               "< 17 17 00 00 00 63 64\n"
                                                               "> 0a 15 00\n"
                                                               "< 0b 01 02 03\n"
                                                               "> 18 01\n"
                                                               "< 19\n"
                                                               "> 0e 15 00 17 00\n"
                                                               "< 0f 61 62 63 64\n"),
    SCRIPT("GATT/SR/GAW/BI-14-C … invalid handle", "> 16 15 00 00 00 61\n"
                                                   "< 17 15 00 00 00 61\n"
                                                   "> 16 22 00 00 00 61\n"
                                                   "< 01 16 22 00 01\n"
                                                   "> 18 00\n"
                                                   "< 19\n"
                                                   "> 0a 15 00\n"
                                                   "< 0b 01 02 03\n"),
    SCRIPT("GATT/SR/GAW/BI-15-C … write not permitted", "> 16 15 00 00 00 61\n"
                                                        "< 17 15 00 00 00 61\n"
                                                        "> 16 12 00 00 00 61\n"
                                                        "< 01 16 12 00 03\n"
                                                        "> 18 00\n"
                                                        "< 19\n"
                                                        "> 0a 15 00\n"
                                                        "< 0b 01 02 03\n"),
    SCRIPT("GATT/SR/GAW/BV-08-C write a descriptor", "> 12 13 00 01 00\n"
                                                     "< 13\n"
                                                     "> 0a 13 00\n"
                                                     "< 0b 01 00\n"
                                                     "> 12 17 00 05\n"
                                                     "< 13\n"
                                                     "> 0a 17 00\n"
                                                     "< 0b 05\n"),
    SCRIPT("GATT/SR/GAW/BI-20-C … invalid handle", "> 12 00 00 05\n"
                                                   "< 01 12 00 00 01\n"),
    SCRIPT("GATT/SR/GAW/BI-21-C … write not permitted", "> 12 16 00 05\n"
                                                        "< 01 12 16 00 03\n"),
    SCRIPT("GATT/SR/GAW/BV-09-C write a long descriptor", "> 16 17 00 00 00 61*18\n"
                                                          "< 17 17 00 00 00 61*18\n"
                                                          "> 16 17 00 12 00 62*18\n"
                                                          "< 17 17 00 12 00 62*18\n"
                                                          "> 18 01\n"
                                                          "< 19\n"
                                                          "> 0c 17 00 12 00\n"
                                                          "< 0d 62*18\n"),
    SCRIPT("GATT/SR/GAW/BI-32-C invalid length of a value",
           "> 12 15 00 01 02 03 04 05 06 07 08 09\n"
           "< 01 12 15 00 0d\n"
           "> 12 13 00 01 00 00\n"
           "< 01 12 13 00 0d\n"),
    SCRIPT("GATT/SR/GAW/BI-33-C … of a long value", "> 16 15 00 00 00 01 02 03 04 05 06 07 08 09\n"
                                                    "< 17 15 00 00 00 01 02 03 04 05 06 07 08 09\n"
                                                    "> 18 01\n"
                                                    "< 01 18 15 00 0d\n"
                                                    "> 0a 15 00\n"
                                                    "< 0b 01 02 03\n"),

    /* ---- GAN, GAI, GAT: notifications, indications ---- */
    {"GATT/SR/GAN/BV-01-C notification",
     "> 12 13 00 01 00\n"
     "< 13\n",
     notify, "< 1b 12 00 0a 0b\n"},
    {"GATT/SR/GAI/BV-01-C indication",
     "> 12 1d 00 02 00\n"
     "< 13\n",
     indicate, ""},
    {"GATT/SR/GAI one indication at a time",
     "> 12 1d 00 02 00\n"
     "< 13\n",
     two_indications, ""},
    {"GATT/SR/GAT/BV-01-C indication not confirmed: nothing more is sent",
     "> 12 1d 00 02 00\n"
     "< 13\n",
     indicate_without_an_answer, "> 0a 12 00\n"},

    /* ---- GAS: the GATT service ---- */
    CHANGED("GATT/SR/GAS/BV-01-C Service Changed",
            "> 12 09 00 02 00\n"
            "< 13\n",
            "< 1d 08 00 22 00 24 00\n"
            "> 1e\n"
            "> 10 22 00 24 00 00 28\n"
            "< 11 06 22 00 23 00 1b 18\n"),
    CHANGED("GATT/SR/GAS/BV-02-C Database Hash: another for another table",
            "> 08 01 00 ff ff 2a 2b\n"
            "< 09 12 0d 00 d8 fb e6 7a e2 9d 11 7f 96 85 71 9d 49 ab 53 85\n",
            "> 08 01 00 ff ff 2a 2b\n"
            "< 09 12 0d 00 cd 04 5b 01 43 b1 e2 26 35 e2 22 a3 1b dc cf 7e\n"),
    SCRIPT("GATT/SR/GAS/BV-03-C Client Supported Features", "> 08 01 00 ff ff 29 2b\n"
                                                            "< 09 03 0b 00 00\n"
                                                            "> 12 0b 00 01\n"
                                                            "< 13\n"
                                                            "> 0a 0b 00\n"
                                                            "< 0b 01\n"
                                                            "> 12 0b 00 05\n"
                                                            "< 13\n"
                                                            "> 0a 0b 00\n"
                                                            "< 0b 05\n"),
    SCRIPT("GATT/SR/GAS/BI-01-C … a feature may not be cleared", "> 12 0b 00 01\n"
                                                                 "< 13\n"
                                                                 "> 12 0b 00 00\n"
                                                                 "< 01 12 0b 00 13\n"
                                                                 "> 0a 0b 00\n"
                                                                 "< 0b 01\n"),
    CHANGED("GATT/SR/GAS/BV-04-C robust caching: aware by confirming Service Changed",
            "> 12 0b 00 01\n"
            "< 13\n"
            "> 12 09 00 02 00\n"
            "< 13\n",
            "< 1d 08 00 22 00 24 00\n"
            "> 1e\n"
            "> 0a 12 00\n"
            "< 0b 16 09\n"),
    CHANGED("GATT/SR/GAS/BV-05-C … by reading the Database Hash",
            "> 12 0b 00 01\n"
            "< 13\n",
            "> 08 01 00 ff ff 2a 2b\n"
            "< 09 12 0d 00 ??*16\n"
            "> 0a 12 00\n"
            "< 0b 16 09\n"),
    CHANGED("GATT/SR/GAS/BV-06-C … by the request after Database Out Of Sync",
            "> 12 0b 00 01\n"
            "< 13\n",
            "> 0a 12 00\n"
            "< 01 0a 00 00 12\n"
            "> 0a 12 00\n"
            "< 0b 16 09\n"),
    CHANGED("GATT/SR/GAS/BV-07-C … commands of a client that is not aware are ignored",
            "> 12 0b 00 01\n"
            "< 13\n",
            "> 52 15 00 09\n"
            "> 0a 15 00\n"
            "< 01 0a 00 00 12\n"
            "> 0a 15 00\n"
            "< 0b 01 02 03\n"
            "> 52 15 00 09\n"
            "> 0a 15 00\n"
            "< 0b 09\n"),
    SCRIPT("GATT/SR/GAS/BV-08-C Server Supported Features", "> 08 01 00 ff ff 3a 2b\n"
                                                            "< 09 03 0f 00 00\n"),

    /* ---- UNS: unsupported ---- */
    SCRIPT("GATT/SR/UNS/BI-01-C unknown request", "> 24 01 02\n"
                                                  "< 01 24 00 00 06\n"
                                                  "> 3f\n"
                                                  "< 01 3f 00 00 06\n"),
    SCRIPT("GATT/SR/UNS/BI-02-C unknown command",
           "> 7f 01 02\n"
           "> d2 0f 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d\n"
           "> 0a 15 00\n"
           "< 0b 01 02 03\n"),
};
/* clang-format on */

/* ---- GAR, GAW: insufficient authentication, encryption, key size, authorization ---- */

/* a request that is refused with the code in question */
typedef struct secured_case {
  const char *name, *script;
  bool no_hook; /* it asks none, so nobody refuses what the link has the security for */
} secured_case;

static const secured_case secured[] = {
    {"GATT/SR/GAR/BI-03-C to 05-C read", "> 0a 12 00\n< 01 0a 12 00 %02x\n", false},
    {"GATT/SR/GAR/BI-09-C to 11-C read by type", "> 08 11 00 12 00 6e 2a\n< 01 08 12 00 %02x\n",
     false},
    {"GATT/SR/GAR/BI-15-C to 17-C read blob", "> 0c 12 00 00 00\n< 01 0c 12 00 %02x\n", false},
    {"GATT/SR/GAR/BI-20-C to 22-C read multiple", "> 0e 16 00 12 00\n< 01 0e 12 00 %02x\n", false},
    {"GATT/SR/GAR … of variable length", "> 20 16 00 12 00\n< 01 20 12 00 %02x\n", false},
    {"GATT/SR/GAR/BI-25-C to 27-C read a descriptor", "> 0a 17 00\n< 01 0a 17 00 %02x\n", false},
    {"GATT/SR/GAW/BI-04-C to 06-C write", "> 12 15 00 09\n< 01 12 15 00 %02x\n", false},
    {"GATT/SR/GAW/BI-11-C to 13-C prepare write", "> 16 15 00 00 00 09\n< 01 16 15 00 %02x\n",
     true},
    {"GATT/SR/GAW/BI-22-C to 24-C write a descriptor", "> 12 17 00 09\n< 01 12 17 00 %02x\n",
     false},
    {"GATT/SR/GAW … a configuration", "> 12 13 00 01 00\n< 01 12 13 00 %02x\n", true},
};

enum { N_SECURED = sizeof secured / sizeof *secured };

static const struct {
  ab_gatt_security has;
  uint8_t code;
} lacking[] = {
    {{AB_GATT_LEVEL_NONE, 0, false}, AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION},
    {{AB_GATT_LEVEL_ENCRYPTED, 16, true}, AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION},
    {{AB_GATT_LEVEL_NONE, 0, true}, AB_ATT_ERR_INSUFFICIENT_ENCRYPTION},
    {{AB_GATT_LEVEL_AUTHENTICATED, 7, true}, AB_ATT_ERR_KEY_SIZE_TOO_SHORT},
    /* nothing is: it is the hooks that refuse */
    {{AB_GATT_LEVEL_AUTHENTICATED, 16, true}, AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION},
};

static void secure(bed_value *v) {
  v->value.read_level = v->value.write_level = AB_GATT_LEVEL_AUTHENTICATED;
  v->value.min_key = 16;
  v->read_code = v->check_code = AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
}

static void run_lacking(const secured_case *c, ab_gatt_security has, uint8_t code) {
  gatt_bed *bed = gatt_bed_new();
  bed_table t = bed_standard(bed);
  char script[100];

  secure(t.temperature);
  secure(t.humidity);
  secure(t.format);
  ab_gatt_server_link_security(&bed->link, has);
  (void) snprintf(script, sizeof script, c->script, code);
  bed_play(bed, script);
  if (code != AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION)
    assert_int_equal(t.temperature->reads + t.humidity->checks + t.format->reads, 0);
  bed_expect(t.humidity, "01 02 03");
  gatt_bed_free(bed);
}

static void run_secured(void **state) {
  const secured_case *c = *state;

  for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++)
    if (lacking[i].code != AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION || !c->no_hook)
      run_lacking(c, lacking[i].has, lacking[i].code);
}

enum { N_CASES = sizeof cases / sizeof *cases };

static void run(void **state) {
  const pts_case *c = *state;
  gatt_bed *bed = gatt_bed_new();

  bed_standard(bed);
  bed_play(bed, c->script);
  if (c->act) {
    c->act(bed);
    bed_play(bed, c->then);
  }
  gatt_bed_free(bed);
}

int main(void) {
  struct CMUnitTest tests[N_CASES + N_SECURED];

  for (size_t i = 0; i < N_CASES; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, run, NULL, NULL, (void *) &cases[i]};
  for (size_t i = 0; i < N_SECURED; i++)
    tests[N_CASES + i] =
        (struct CMUnitTest){secured[i].name, run_secured, NULL, NULL, (void *) &secured[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
