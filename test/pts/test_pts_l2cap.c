/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of L2CAP on LE that apply, as PDU scripts: what the upper tester has us
 * do, what goes over the air, what the upper tester is told. A line's first octet is the channel.
 */
#include "helpers/hex.h"
#include "helpers/l2cap_bed.h"

#include <aioble/l2cap.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { OPEN = 1 /* not an error: what a channel is expected to be */ };

typedef struct pts_case {
  const char *name;
  void (*before)(l2cap_bed *bed); /* what the upper tester asks for, and what there is */
  const char *lines;
  int status[2];   /* of the first and second channel: OPEN, or its end; 0: no channel */
  const char *sdu; /* the last that the first one got, in hex; NULL: none */
} pts_case;

static ab_l2cap_sdu sending;
static ab_l2cap_reconf reconf;
static ab_l2cap_req req;

/* ---- what the upper tester asks for ---- */

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  (void) sdu;
  assert_int_equal(status, 0);
}

static void on_reconfigured(ab_l2cap_reconf *r, int status) {
  (void) r;
  assert_int_equal(status, 0);
}

static void on_answered(ab_l2cap_req *r, int status) {
  (void) r;
  assert_int_equal(status, 0);
}

static void connect(l2cap_bed *bed, bool enhanced, unsigned n) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH];

  for (unsigned i = 0; i < n; i++)
    chans[i] = &l2cap_bed_chan(bed)->chan;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, enhanced, chans, n), 0);
}

static void connect_le(l2cap_bed *bed) {
  connect(bed, false, 1);
}

static void connect_one(l2cap_bed *bed) {
  connect(bed, true, 1);
}

static void connect_two(l2cap_bed *bed) {
  connect(bed, true, 2);
}

static void listen_at_80(l2cap_bed *bed) {
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &bed->listener), 0);
}

static void for_two(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->makes = 2;
}

static void demanding_authentication(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->listener.demand.authenticated = true;
}

static void demanding_authorization(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->result = AIOBLE_L2CAP_INSUFFICIENT_AUTHORIZATION;
}

static void demanding_a_long_key(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->listener.demand.key_size = 16;
  bed->link.security = (ab_l2cap_security){true, true, true, true, 7};
}

static void demanding_encryption(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->listener.demand.encrypted = true;
  bed->link.security.keyed = true;
}

static void finding_it_unacceptable(l2cap_bed *bed) {
  listen_at_80(bed);
  bed->result = AIOBLE_L2CAP_UNACCEPTABLE_PARAMETERS;
}

/* ours 40, theirs 41: MTU 60, MPS 23, 2 credits */
static void open_le(l2cap_bed *bed) {
  l2cap_bed_open(bed, 60, 23, 2)->use = true;
}

/* … 50, MTU 100, MPS 64, 2 credits */
static void open_one(l2cap_bed *bed) {
  bed_chan *c;

  l2cap_bed_open_enhanced(bed, &c, 1);
  c->use = true;
}

static void open_two(l2cap_bed *bed) {
  bed_chan *c[2];

  l2cap_bed_open_enhanced(bed, c, 2);
  c[0]->use = c[1]->use = true;
}

static void send_octets(l2cap_bed *bed, size_t n) {
  static const uint8_t zeroes[100];

  assert_int_equal(ab_l2cap_send_sdu(&bed->chans[0].chan, &sending, zeroes, n, 0, on_sent), 0);
}

static void open_le_send_40(l2cap_bed *bed) {
  open_le(bed);
  send_octets(bed, 40);
}

static void open_le_send_5(l2cap_bed *bed) {
  open_le(bed);
  send_octets(bed, 5);
}

static void open_le_send_21(l2cap_bed *bed) {
  open_le(bed);
  send_octets(bed, 21);
}

static void open_le_send_60(l2cap_bed *bed) {
  open_le(bed);
  send_octets(bed, 60);
}

static void open_one_send_100(l2cap_bed *bed) {
  open_one(bed);
  send_octets(bed, 100);
}

static void open_one_send_5(l2cap_bed *bed) {
  open_one(bed);
  send_octets(bed, 5);
}

static void open_le_disconnect(l2cap_bed *bed) {
  open_le(bed);
  ab_l2cap_disconnect(&bed->chans[0].chan);
}

static void open_one_disconnect(l2cap_bed *bed) {
  open_one(bed);
  ab_l2cap_disconnect(&bed->chans[0].chan);
}

static void open_one_connect(l2cap_bed *bed) {
  open_one(bed);
  connect_one(bed);
}

static void open_le_listen(l2cap_bed *bed) {
  open_le(bed);
  listen_at_80(bed);
}

static void open_one_listen(l2cap_bed *bed) {
  open_one(bed);
  listen_at_80(bed);
}

static void reconfigure(l2cap_bed *bed, uint16_t mtu, uint16_t mps) {
  ab_l2cap_chan *chan = &bed->chans[0].chan;

  assert_int_equal(ab_l2cap_reconfigure(&reconf, &chan, 1, mtu, mps, on_reconfigured), 0);
}

static void open_one_more_mtu(l2cap_bed *bed) {
  open_one(bed);
  reconfigure(bed, 66, 64);
}

static void open_one_more_mps(l2cap_bed *bed) {
  open_one(bed);
  reconfigure(bed, 64, 66);
}

static void be_peripheral(l2cap_bed *bed) {
  bed->link.central = false;
}

static void wish_parameters(l2cap_bed *bed) {
  static const ab_l2cap_params wish = {24, 40, 0, 42};

  be_peripheral(bed);
  assert_int_equal(ab_l2cap_param_update(&bed->link, &req, &wish, on_answered), 0);
}

/* ---- cases ---- */

#define LE_REQ            "< 05 14 01 0a 00 80 00 40 00 40 00 17 00 03 00\n"
#define ONE_REQ           "< 05 17 01 0a 00 80 00 40 00 40 00 03 00 40 00\n"
#define TWO_REQ           "< 05 17 01 0c 00 80 00 40 00 40 00 03 00 40 00 41 00\n"
#define LE_ASKED          "> 05 14 07 0a 00 80 00 41 00 17 00 17 00 01 00\n"
#define ONE_ASKED         "> 05 17 07 0a 00 80 00 40 00 40 00 01 00 41 00\n"
#define WE_DISCONNECT_LE  "< 05 06 02 04 00 41 00 40 00\n> 05 07 02 04 00 41 00 40 00\n"
#define WE_DISCONNECT_ONE "< 05 06 02 04 00 50 00 40 00\n> 05 07 02 04 00 50 00 40 00\n"

static const pts_case cases[] = {
    {"LE/CPU/BV-01-C",
     wish_parameters,
     "< 05 12 01 08 00 18 00 28 00 00 00 2a 00\n> 05 13 01 02 00 00 00\n",
     {0},
     NULL},
    {"LE/CPU/BV-02-C",
     NULL,
     "> 05 12 07 08 00 18 00 28 00 00 00 2a 00\n< 05 13 07 02 00 00 00\n",
     {0},
     NULL},
    {"LE/CPU/BI-01-C",
     NULL,
     "> 05 12 07 08 00 05 00 28 00 00 00 2a 00\n< 05 13 07 02 00 01 00\n",
     {0},
     NULL},
    {"LE/CPU/BI-02-C",
     be_peripheral,
     "> 05 12 07 08 00 18 00 28 00 00 00 2a 00\n< 05 01 07 02 00 00 00\n",
     {0},
     NULL},
    {"LE/REJ/BI-02-C", NULL, "> 05 7f 07 01 00 55\n< 05 01 07 02 00 00 00\n", {0}, NULL},
    {"LE/CID/BI-01-C", NULL, "> 3f 01 02\n> 03 01 02\n> 01 01 02\n> 70 01 02\n", {0}, NULL},

    {"COS/CFC/BV-01-C", open_le_send_40, "< 41 28 00 00*21\n< 41 00*19\n", {OPEN}, NULL},
    {"COS/CFC/BV-02-C", open_le_send_5, "< 41 05 00 00*5\n", {OPEN}, NULL},
    {"COS/CFC/BV-03-C",
     open_le,
     "> 40 17 00 aa*21\n> 40 bb bb\n< 05 16 02 04 00 40 00 02 00\n",
     {OPEN},
     "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa bb bb"},
    {"COS/CFC/BV-04-C", open_le, "> 40 03 00 01 02 03\n", {OPEN}, "01 02 03"},
    {"LE/CFC/BV-01-C", connect_le, LE_REQ "> 05 01 01 02 00 00 00\n", {AIOBLE_ENOTSUP}, NULL},
    {"LE/CFC/BV-02-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 41 00 17 00 17 00 01 00 00 00\n",
     {OPEN},
     NULL},
    {"LE/CFC/BV-03-C",
     listen_at_80,
     LE_ASKED "< 05 15 07 0a 00 40 00 40 00 17 00 03 00 00 00\n",
     {OPEN},
     NULL},
    {"LE/CFC/BV-04-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 02 00\n",
     {AIOBLE_ERR_L2CAP(2)},
     NULL},
    {"LE/CFC/BV-05-C",
     NULL,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 02 00\n",
     {0},
     NULL},
    {"LE/CFC/BV-06-C",
     open_le_send_60,
     "< 41 3c 00 00*21\n< 41 00*23\n> 05 16 07 04 00 41 00 01 00\n< 41 00*16\n",
     {OPEN},
     NULL},
    {"LE/CFC/BV-07-C",
     open_le,
     "> 40 01 00 01\n> 40 01 00 02\n< 05 16 02 04 00 40 00 02 00\n> 40 01 00 03\n",
     {OPEN},
     "03"},
    {"LE/CFC/BI-01-C",
     open_le,
     "> 05 16 07 04 00 41 00 ff ff\n" WE_DISCONNECT_LE,
     {AIOBLE_EPROTO},
     NULL},
    {"LE/CFC/BV-08-C", open_le_disconnect, WE_DISCONNECT_LE, {AIOBLE_ECANCELED}, NULL},
    {"LE/CFC/BV-09-C",
     open_le,
     "> 05 06 07 04 00 40 00 41 00\n< 05 07 07 04 00 40 00 41 00\n",
     {AIOBLE_EOF},
     NULL},
    {"LE/CFC/BV-10-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 05 00\n",
     {AIOBLE_ERR_L2CAP(5)},
     NULL},
    {"LE/CFC/BV-11-C",
     demanding_authentication,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 05 00\n",
     {0},
     NULL},
    {"LE/CFC/BV-12-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 06 00\n",
     {AIOBLE_ERR_L2CAP(6)},
     NULL},
    {"LE/CFC/BV-13-C",
     demanding_authorization,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 06 00\n",
     {0},
     NULL},
    {"LE/CFC/BV-14-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 07 00\n",
     {AIOBLE_ERR_L2CAP(7)},
     NULL},
    {"LE/CFC/BV-15-C",
     demanding_a_long_key,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 07 00\n",
     {0},
     NULL},
    {"LE/CFC/BV-16-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 04 00\n",
     {AIOBLE_ERR_L2CAP(4)},
     NULL},
    {"LE/CFC/BV-18-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 09 00\n",
     {AIOBLE_ERR_L2CAP(9)},
     NULL},
    {"LE/CFC/BV-19-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 0a 00\n",
     {AIOBLE_ERR_L2CAP(10)},
     NULL},
    {"LE/CFC/BV-20-C",
     open_le_listen,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 0a 00\n",
     {OPEN},
     NULL},
    {"LE/CFC/BV-21-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 0b 00\n",
     {AIOBLE_ERR_L2CAP(11)},
     NULL},
    {"LE/CFC/BV-23-C",
     open_le,
     "> 05 06 07 04 00 42 00 41 00\n< 05 01 07 06 00 02 00 42 00 41 00\n",
     {OPEN},
     NULL},
    {"LE/CFC/BV-24-C",
     connect_le,
     LE_REQ "> 05 15 01 0a 00 00 00 00 00 00 00 00 00 08 00\n",
     {AIOBLE_ERR_L2CAP(8)},
     NULL},
    {"LE/CFC/BV-25-C",
     demanding_encryption,
     LE_ASKED "< 05 15 07 0a 00 00 00 00 00 00 00 00 00 08 00\n",
     {0},
     NULL},
    {"LE/CFC/BV-26-C", open_le, "> 40 41 00 aa*21\n" WE_DISCONNECT_LE, {AIOBLE_EPROTO}, NULL},
    {"LE/CFC/BV-27-C", open_le, "> 40 20 00 aa*22\n" WE_DISCONNECT_LE, {AIOBLE_EPROTO}, NULL},
    {"LE/CFC/BV-28-C",
     open_le,
     "> 40 16 00 aa*21\n> 40 bb bb\n" WE_DISCONNECT_LE,
     {AIOBLE_EPROTO},
     NULL},
    {"LE/CFC/BV-32-C", open_le_send_21, "< 41 15 00 00*21\n", {OPEN}, NULL},

    {"COS/ECFC/BV-01-C", open_one_send_100, "< 50 64 00 00*62\n< 50 00*38\n", {OPEN}, NULL},
    {"COS/ECFC/BV-02-C", open_one_send_5, "< 50 05 00 00*5\n", {OPEN}, NULL},
    {"COS/ECFC/BV-03-C",
     open_one,
     "> 40 05 00 aa\n> 40 bb*4\n< 05 16 02 04 00 40 00 02 00\n",
     {OPEN},
     "aa bb bb bb bb"},
    {"COS/ECFC/BV-04-C", open_one, "> 40 03 00 01 02 03\n", {OPEN}, "01 02 03"},
    {"ECFC/BV-01-C", connect_one, ONE_REQ "> 05 01 01 02 00 00 00\n", {AIOBLE_ENOTSUP}, NULL},
    {"ECFC/BV-02-C",
     connect_two,
     TWO_REQ "> 05 18 01 0c 00 40 00 40 00 01 00 00 00 50 00 51 00\n",
     {OPEN, OPEN},
     NULL},
    {"ECFC/BV-03-C",
     listen_at_80,
     ONE_ASKED "< 05 18 07 0a 00 40 00 40 00 03 00 00 00 40 00\n",
     {OPEN},
     NULL},
    {"ECFC/BV-04-C",
     connect_two,
     TWO_REQ "> 05 18 01 0c 00 00 00 00 00 00 00 02 00 00 00 00 00\n",
     {AIOBLE_ERR_L2CAP(2), AIOBLE_ERR_L2CAP(2)},
     NULL},
    {"ECFC/BV-07-C",
     open_one,
     "> 40 01 00 01\n> 40 01 00 02\n< 05 16 02 04 00 40 00 02 00\n> 40 01 00 03\n",
     {OPEN},
     "03"},
    {"ECFC/BI-01-C",
     open_one,
     "> 05 16 07 04 00 50 00 00 00\n> 05 16 08 04 00 50 00 fe ff\n" WE_DISCONNECT_ONE,
     {AIOBLE_EPROTO},
     NULL},
    {"ECFC/BV-08-C", open_one_disconnect, WE_DISCONNECT_ONE, {AIOBLE_ECANCELED}, NULL},
    {"ECFC/BV-09-C",
     open_one,
     "> 05 06 07 04 00 40 00 50 00\n< 05 07 07 04 00 40 00 50 00\n",
     {AIOBLE_EOF},
     NULL},
    {"ECFC/BV-11-C",
     demanding_authentication,
     ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 05 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-13-C",
     demanding_authorization,
     ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 06 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-15-C",
     demanding_a_long_key,
     ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 07 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-16-C",
     connect_two,
     TWO_REQ "> 05 18 01 0c 00 40 00 40 00 01 00 04 00 50 00 00 00\n",
     {OPEN, AIOBLE_ERR_L2CAP(4)},
     NULL},
    {"ECFC/BV-17-C",
     for_two,
     "> 05 17 07 0e 00 80 00 40 00 40 00 01 00 41 00 42 00 43 00\n"
     "< 05 18 07 0e 00 40 00 40 00 03 00 04 00 40 00 41 00 00 00\n",
     {OPEN, OPEN},
     NULL},
    {"ECFC/BV-18-C",
     connect_two,
     TWO_REQ "> 05 18 01 0c 00 40 00 40 00 01 00 09 00 00 00 51 00\n",
     {AIOBLE_ERR_L2CAP(9), OPEN},
     NULL},
    {"ECFC/BV-19-C",
     connect_two,
     TWO_REQ "> 05 18 01 0c 00 40 00 40 00 01 00 0a 00 50 00 00 00\n",
     {OPEN, AIOBLE_ERR_L2CAP(10)},
     NULL},
    {"ECFC/BV-20-C",
     open_one_listen,
     "> 05 17 07 0c 00 80 00 40 00 40 00 01 00 50 00 51 00\n"
     "< 05 18 07 0c 00 40 00 40 00 03 00 0a 00 00 00 41 00\n",
     {OPEN, OPEN},
     NULL},
    {"ECFC/BV-21-C",
     connect_one,
     ONE_REQ "> 05 18 01 0a 00 00 00 00 00 00 00 0b 00 00 00\n",
     {AIOBLE_ERR_L2CAP(11)},
     NULL},
    {"ECFC/BV-22-C",
     open_one_more_mtu,
     "< 05 19 02 06 00 42 00 40 00 40 00\n> 05 1a 02 02 00 00 00\n"
     "> 40 42 00 aa*2\n> 40 aa*63\n> 40 bb\n< 05 16 03 04 00 40 00 03 00\n",
     {OPEN},
     "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa "
     "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa "
     "aa aa aa bb"},
    {"ECFC/BV-23-C",
     open_one,
     "> 05 19 07 06 00 65 00 40 00 50 00\n< 05 1a 07 02 00 00 00\n",
     {OPEN},
     NULL},
    {"ECFC/BI-03-C",
     open_one,
     "> 05 19 07 06 00 63 00 40 00 50 00\n< 05 1a 07 02 00 01 00\n",
     {OPEN},
     NULL},
    {"ECFC/BV-24-C",
     open_one_more_mps,
     "< 05 19 02 06 00 40 00 42 00 40 00\n> 05 1a 02 02 00 00 00\n> 40 40 00 aa*64\n",
     {OPEN},
     "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa "
     "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa "
     "aa aa"},
    {"ECFC/BV-25-C",
     open_one_send_100, /* what is left goes by the new MPS */
     "< 50 64 00 00*62\n< 50 00*38\n> 05 19 07 06 00 64 00 41 00 50 00\n< 05 1a 07 02 00 00 00\n",
     {OPEN},
     NULL},
    {"ECFC/BI-04-C",
     open_two,
     "> 05 19 06 08 00 64 00 64 00 50 00 51 00\n< 05 1a 06 02 00 00 00\n"
     "> 05 19 07 08 00 64 00 63 00 50 00 51 00\n< 05 1a 07 02 00 02 00\n",
     {OPEN, OPEN},
     NULL},
    {"ECFC/BV-26-C",
     listen_at_80,
     "> 05 17 07 0a 00 80 00 3f 00 40 00 01 00 41 00\n"
     "< 05 18 07 0a 00 00 00 00 00 00 00 0c 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-27-C",
     finding_it_unacceptable,
     ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 0b 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-28-C", NULL, ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 02 00 00 00\n", {0}, NULL},
    {"ECFC/BV-29-C",
     open_one_connect,
     "< 05 17 02 0a 00 80 00 40 00 40 00 03 00 41 00\n"
     "> 05 18 02 0a 00 40 00 40 00 01 00 00 00 50 00\n",
     {AIOBLE_EPROTO, AIOBLE_EPROTO},
     NULL},
    {"ECFC/BI-05-C",
     open_two,
     "> 05 19 07 06 00 64 00 40 00 60 00\n< 05 1a 07 02 00 03 00\n",
     {OPEN, OPEN},
     NULL},
    {"ECFC/BI-06-C",
     open_one,
     "> 05 19 07 06 00 64 00 3f 00 50 00\n< 05 1a 07 02 00 04 00\n",
     {OPEN},
     NULL},
    {"ECFC/BV-30-C",
     open_one,
     "> 05 06 07 04 00 42 00 50 00\n< 05 01 07 06 00 02 00 42 00 50 00\n",
     {OPEN},
     NULL},
    {"ECFC/BV-32-C",
     demanding_encryption,
     ONE_ASKED "< 05 18 07 0a 00 00 00 00 00 00 00 08 00 00 00\n",
     {0},
     NULL},
    {"ECFC/BV-33-C", open_one, "> 40 41 00 aa*62\n" WE_DISCONNECT_ONE, {AIOBLE_EPROTO}, NULL},
    {"ECFC/BV-34-C", open_one, "> 40 40 00 aa*63\n" WE_DISCONNECT_ONE, {AIOBLE_EPROTO}, NULL},
    {"ECFC/BV-35-C",
     open_one,
     "> 40 05 00 aa\n> 40 bb*5\n" WE_DISCONNECT_ONE,
     {AIOBLE_EPROTO},
     NULL},
};

static void expect(const l2cap_bed *bed, unsigned i, int status) {
  const bed_chan *c = &bed->chans[i];

  if (status == OPEN) {
    assert_int_equal(c->opened, 1);
    assert_int_equal(c->ended, 0);
  } else if (status) {
    bed_chan_expect(c, status == AIOBLE_ECANCELED ? 0 : status, true);
  } else {
    assert_true(bed->n <= i);
  }
}

static void play(void **state) {
  const pts_case *c = *state;
  l2cap_bed *bed = l2cap_bed_new(false);

  if (c->before)
    c->before(bed);
  l2cap_bed_play(bed, c->lines);
  expect(bed, 0, c->status[0]);
  expect(bed, 1, c->status[1]);
  if (c->sdu)
    assert_hex(bed->chans[0].sdu, bed->chans[0].sdu_len, c->sdu);
  else
    assert_int_equal(bed->chans[0].sdus, 0);
  l2cap_bed_free(bed);
}

int main(void) {
  enum { N = sizeof cases / sizeof *cases };
  struct CMUnitTest tests[N];

  for (size_t i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){cases[i].name, play, NULL, NULL, (void *) (uintptr_t) &cases[i]};
  return _cmocka_run_group_tests("L2CAP", tests, N, NULL, NULL);
}
