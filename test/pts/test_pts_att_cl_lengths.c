/* SPDX-License-Identifier: MIT */
/*
 * Every ATT PDU that a client may receive, cut at each octet, whole, and one octet longer (Core Vol
 * 3, Part F, 3.4): what becomes of it follows from one rule per opcode.
 */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef enum rule {
  FIXED,   /* no other length */
  ENTRIES, /* a head, and entries of one size: what is not a whole number of them, is malformed */
  ANY,     /* a value of whatever length */
  TUPLES,  /* values with lengths: may be cut, but not be followed by something else */
} rule;

typedef enum fate {
  IGNORED, /* the request keeps waiting */
  WRONG,   /* AIOBLE_EPROTO */
  RIGHT,
  ASKS_ON, /* right, but not everything */
} fate;

typedef struct iut {
  att_peer *peer;
  ab_gatt_client client;
  ab_gatt_disc disc;
  ab_gatt_read read;
  ab_gatt_values *values;
  ab_gatt_reliable reliable;
  ab_att_req req;
  unsigned calls;
  int status;
} iut;

typedef struct length_case {
  const char *name;
  void (*ask)(iut *t);
  const char *asked; /* what goes out, and perhaps what comes before the response */
  const char *response;
  rule rule;
  size_t head, entry; /* octets */
  int status;         /* of the whole one */
} length_case;

static void outcome(iut *t, int status) {
  t->calls++;
  t->status = status;
}

/* ---- what is asked ---- */

static void on_disc(ab_gatt_disc *disc) {
  ab_gatt_item item;
  int status = ab_gatt_disc_next(disc, &item);

  outcome(ab_container_of(disc, iut, disc), status == 1 ? 0 : status);
}

/* the range ends with the entry, so that nothing follows */
static void discover(iut *t, ab_gatt_disc_kind kind) {
  aioble_uuid_t uuid = aioble_uuid16(0x1800);
  bool by_uuid = kind == AB_GATT_SERVICES_BY_UUID || kind == AB_GATT_VALUES;

  ab_gatt_disc_init(&t->disc, &t->peer->att, kind, 1, 3, by_uuid ? &uuid : NULL);
  ab_gatt_disc_fetch(&t->disc, on_disc);
}

static void services(iut *t) {
  discover(t, AB_GATT_SERVICES);
}

static void services_by_uuid(iut *t) {
  discover(t, AB_GATT_SERVICES_BY_UUID);
}

static void includes(iut *t) {
  discover(t, AB_GATT_INCLUDES);
}

static void chars(iut *t) {
  discover(t, AB_GATT_CHARS);
}

static void descs(iut *t) {
  discover(t, AB_GATT_DESCS);
}

static void by_type(iut *t) {
  discover(t, AB_GATT_VALUES);
}

static void on_req(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  outcome(ab_container_of(req, iut, req), status);
}

static void exchange_mtu(iut *t) {
  assert_true(ab_att_exchange_mtu(&t->peer->att, &t->req, on_req));
}

static void write(iut *t) {
  assert_int_equal(ab_gatt_write(&t->peer->att, &t->req, 3, "a", 1, on_req), 0);
}

static void on_read(ab_gatt_read *read, int status) {
  iut *t = ab_container_of(read, iut, read);

  if (status == AIOBLE_EAGAIN) {
    ab_gatt_read_more(read);
    return;
  }
  ab_buf_free(read->value);
  read->value = NULL;
  outcome(t, status);
}

static void read_value(iut *t) {
  ab_gatt_read_start(&t->read, &t->peer->att, 3, on_read);
}

static void read_multiple(iut *t) {
  static const uint16_t handles[] = {3, 5};

  assert_int_equal(ab_gatt_read_multiple(&t->read, &t->peer->att, handles, 2, on_read), 0);
}

static void on_values(ab_gatt_values *values, int status) {
  if (status != AIOBLE_EAGAIN)
    outcome(values->ctx, status);
}

static void read_multiple_variable(iut *t) {
  t->values->n = 2;
  t->values->at[0].handle = 3;
  t->values->at[1].handle = 5;
  ab_gatt_values_read(t->values, on_values);
}

static void on_reliable(ab_gatt_reliable *reliable, int status) {
  if (status != AIOBLE_EAGAIN)
    outcome(ab_container_of(reliable, iut, reliable), status);
}

static void write_prepared(iut *t) {
  assert_true(ab_gatt_reliable_init(&t->reliable, &t->client, 1, 2));
  ab_gatt_reliable_add(&t->reliable, 3, 0, "ab", 2);
  assert_int_equal(ab_gatt_reliable_start(&t->reliable, on_reliable), 0);
}

#define FULL "11*22"

static length_case cases[] = {
    {"01 Error", read_value, "< 0a 0300\n", "01 0a 0300 02", FIXED, 0, 0, AIOBLE_ERR_ATT(2)},
    {"03 Exchange MTU", exchange_mtu, "< 02 0502\n", "03 4000", FIXED, 0, 0, 0},
    {"05 Find Information", descs, "< 04 0100 0300\n", "05 01 0300 0229", ENTRIES, 2, 4, 0},
    {"05 Find Information, 128 bits", descs, "< 04 0100 0300\n", "05 02 0300 22*16", ENTRIES, 2, 18,
     0},
    {"07 Find By Type Value", services_by_uuid, "< 06 0100 0300 0028 0018\n", "07 0100 0300",
     ENTRIES, 1, 4, 0},
    {"09 Read By Type, includes", includes, "< 08 0100 0300 0228\n", "09 08 0300 0100 0300 0018",
     ENTRIES, 2, 8, 0},
    {"09 Read By Type, characteristics", chars, "< 08 0100 0300 0328\n", "09 07 0200 02 0300 002a",
     ENTRIES, 2, 7, 0},
    {"09 Read By Type", by_type, "< 08 0100 0300 0018\n", "09 05 0300 aabbcc", ENTRIES, 2, 5, 0},
    {"0b Read", read_value, "< 0a 0300\n", "0b aabbcc", ANY, 0, 0, 0},
    {"0d Read Blob", read_value, "< 0a 0300\n> 0b " FULL "\n< 0c 0300 1600\n", "0d aabbcc", ANY, 0,
     0, 0},
    {"0f Read Multiple", read_multiple, "< 0e 0300 0500\n", "0f aabbcc", ANY, 0, 0, 0},
    {"11 Read By Group Type", services, "< 10 0100 0300 0028\n", "11 06 0100 0300 0018", ENTRIES, 2,
     6, 0},
    {"11 Read By Group Type, 128 bits", services, "< 10 0100 0300 0028\n", "11 14 0100 0300 22*16",
     ENTRIES, 2, 20, 0},
    {"13 Write", write, "< 12 0300 61\n", "13", FIXED, 0, 0, 0},
    {"19 Execute Write", write_prepared, "< 16 0300 0000 6162\n> 17 0300 0000 6162\n< 18 01\n",
     "19", FIXED, 0, 0, 0},
    {"21 Read Multiple Variable", read_multiple_variable, "< 20 0300 0500\n",
     "21 0100 aa 0200 bbcc", TUPLES, 0, 0, 0},
};

/* an empty PDU is none at all: it does not even have an opcode */
static fate fate_of(const length_case *c, size_t len, size_t whole) {
  if (len == 0)
    return IGNORED;
  switch (c->rule) {
  case FIXED:
    return len == whole ? RIGHT : WRONG;
  case ENTRIES:
    return len > c->head && (len - c->head) % c->entry == 0 ? RIGHT : WRONG;
  case TUPLES:
    return len < whole ? ASKS_ON : len == whole ? RIGHT : WRONG;
  default:
    return RIGHT;
  }
}

static iut *iut_new(void) {
  iut *t = calloc(1, sizeof *t);

  assert_non_null(t);
  t->peer = att_peer_new(517);
  ab_gatt_client_init(&t->client, &t->peer->att);
  t->values = ab_gatt_values_new(&t->peer->att, 2);
  assert_non_null(t->values);
  t->values->ctx = t;
  return t;
}

static void iut_free(iut *t) {
  ab_gatt_values_stop(t->values);
  ab_gatt_values_free(t->values);
  ab_gatt_client_close(&t->client, AIOBLE_ENOTCONN);
  att_peer_free(t->peer);
  free(t);
}

/* the first len octets, in memory of exactly that size */
static void receive(att_peer *peer, const uint8_t *bytes, size_t len) {
  uint8_t *pdu = malloc(len ? len : 1);

  assert_non_null(pdu);
  for (size_t i = 0; i < len; i++)
    pdu[i] = bytes[i];
  ab_att_rx(&peer->att, pdu, len);
  free(pdu);
}

static void one_length(const length_case *c, const uint8_t *bytes, size_t len, size_t whole) {
  fate what = fate_of(c, len, whole);
  iut *t = iut_new();

  c->ask(t);
  att_peer_play(t->peer, c->asked);
  receive(t->peer, bytes, len);
  assert_int_equal(t->calls, what == RIGHT || what == WRONG);
  assert_int_equal(t->peer->att.requests.busy, what == IGNORED || what == ASKS_ON);
  if (what == RIGHT)
    assert_int_equal(t->status, c->status);
  if (what == WRONG)
    assert_int_equal(t->status, AIOBLE_EPROTO);
  if (what == IGNORED) {
    receive(t->peer, bytes, whole); /* it still waited for this one */
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->status, c->status);
  }
  assert_int_equal(t->peer->broken, 0);
  iut_free(t);
}

static void each_length_of_a_response(void **state) {
  const length_case *c = *state;
  uint8_t bytes[64] = {0};
  size_t whole = pdu_script_bytes(c->response, bytes, sizeof bytes - 1);

  for (size_t len = 0; len <= whole + 1; len++)
    one_length(c, bytes, len, whole);
}

/* the echo of a Prepare Write: any other length cancels */
static void each_length_of_an_echo(void **state) {
  uint8_t bytes[64] = {0};
  size_t whole = pdu_script_bytes("17 0300 0000 6162", bytes, sizeof bytes);

  (void) state;
  for (size_t len = 1; len <= whole + 1; len++) {
    iut *t = iut_new();

    write_prepared(t);
    att_peer_play(t->peer, "< 16 0300 0000 6162\n");
    receive(t->peer, bytes, len);
    att_peer_play(t->peer, len == whole ? "< 18 01\n> 19\n" : "< 18 00\n> 19\n");
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->status, len == whole ? 0 : AIOBLE_EPROTO);
    iut_free(t);
  }
}

/* ---- values of the server's own accord ---- */

/* the handle has to be there; an indication is confirmed whatever it is */
static void each_length_of_a_value(void **state) {
  static const char *const whole[] = {"1b 0300 aabb", "1d 0300 aabb"};

  (void) state;
  for (size_t i = 0; i < 2; i++)
    for (size_t len = 1; len <= 6; len++) {
      uint8_t bytes[8] = {0};
      att_peer *peer = att_peer_new(517);

      (void) pdu_script_bytes(whole[i], bytes, sizeof bytes);
      receive(peer, bytes, len);
      att_peer_play(peer, i == 1 ? "< 1e\n" : "");
      assert_int_equal(peer->values, len >= 3);
      assert_int_equal(peer->att.malformed, len < 3);
      if (len >= 3)
        assert_int_equal(peer->value_len, len - 3);
      att_peer_free(peer);
    }
}

/* 3.4.7.4: those that are whole are given; a tail is counted */
static void each_length_of_several_values(void **state) {
  uint8_t bytes[16] = {0};
  size_t whole = pdu_script_bytes("23 0300 0200 aabb 0500 0100 cc", bytes, sizeof bytes);

  (void) state;
  for (size_t len = 1; len <= whole + 1; len++) {
    att_peer *peer = att_peer_new(517);

    receive(peer, bytes, len);
    assert_int_equal(peer->values, len < 7 ? 0 : len < whole ? 1 : 2);
    assert_int_equal(peer->att.malformed, len != 7 && len != whole);
    att_peer_free(peer);
  }
}

/* Responses while nothing, or something else, was asked, and PDUs that only a server receives,
   never end a request of ours. */
static void every_other_opcode_leaves_a_request_waiting(void **state) {
  (void) state;
  for (unsigned opcode = 0; opcode < 256; opcode++)
    for (size_t len = 1; len <= 6; len++) {
      const uint8_t bytes[6] = {(uint8_t) opcode, 0x12, 3, 0, 1, 0};
      iut *t = iut_new();

      if (opcode != AB_ATT_READ_RSP && opcode != AB_ATT_ERROR_RSP) {
        read_value(t);
        att_peer_play(t->peer, "< 0a 0300\n");
        receive(t->peer, bytes, len);
        assert_int_equal(t->calls, 0);
        pdu_script_end(&t->peer->script, 0); /* what it was answered with */
        receive(t->peer, (const uint8_t[]){0x0b, 0xaa}, 2);
        assert_int_equal(t->calls, 1);
        assert_int_equal(t->status, 0);
      }
      iut_free(t);
    }
}

int main(void) {
  enum { N = sizeof cases / sizeof *cases };
  struct CMUnitTest tests[N + 4] = {
      cmocka_unit_test(each_length_of_an_echo),
      cmocka_unit_test(each_length_of_a_value),
      cmocka_unit_test(each_length_of_several_values),
      cmocka_unit_test(every_other_opcode_leaves_a_request_waiting),
  };

  for (size_t i = 0; i < N; i++)
    tests[4 + i] =
        (struct CMUnitTest){cases[i].name, each_length_of_a_response, NULL, NULL, &cases[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
