/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRANSACTION_US = 30 * 1000 * 1000 };

typedef struct outcome {
  ab_att_req req;
  unsigned calls;
  int status;
  uint8_t pdu[32];
  size_t len;
  void (*then)(struct outcome *o);
  att_peer *peer;
} outcome;

static void ended(ab_att_req *req, int status, ab_rd *pdu) {
  outcome *o = ab_container_of(req, outcome, req);

  o->calls++;
  o->status = status;
  o->len = ab_rd_left(pdu);
  assert_true(o->len <= sizeof o->pdu);
  ab_rd_copy(pdu, o->pdu, o->len);
  if (o->then)
    o->then(o);
}

/* Read Request, or Handle Value Indication */
static void ask(att_peer *peer, outcome *o, uint8_t opcode, uint16_t handle) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(&peer->att, opcode, &w);

  o->peer = peer;
  if (buf) {
    ab_wr_le16(&w, handle);
    ab_buf_wrote(buf, &w);
  }
  ab_att_request(&peer->att, &o->req, buf, ended);
}

static void one_request_on_the_air_and_each_gets_its_own_answer(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, c = {0};

  (void) state;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ask(peer, &c, AB_ATT_READ_REQ, 3);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 0b aa\n"
                      "< 0a 0200\n"
                      "> 01 0a 0200 02\n"
                      "< 0a 0300\n"
                      "> 0b\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.len, 1);
  assert_int_equal(a.pdu[0], 0xaa);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ERR_ATT(AB_ATT_ERR_READ_NOT_PERMITTED));
  assert_int_equal(b.len, 0);
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.status, 0);
  assert_int_equal(peer->att.malformed, 0);
  att_peer_free(peer);
}

static void requests_and_indications_do_not_wait_for_each_other(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome r = {0}, i = {0}, j = {0};

  (void) state;
  ask(peer, &r, AB_ATT_READ_REQ, 1);
  ask(peer, &i, AB_ATT_INDICATION, 2);
  ask(peer, &j, AB_ATT_INDICATION, 3);
  att_peer_play(peer, "< 0a 0100\n"
                      "< 1d 0200\n"
                      "> 1e\n"
                      "< 1d 0300\n"
                      "> 0b 01\n"
                      "> 1e\n");
  assert_int_equal(r.calls + i.calls + j.calls, 3);
  assert_int_equal(r.status | i.status | j.status, 0);
  att_peer_free(peer);
}

static void ask_again(outcome *o) {
  o->then = NULL;
  ask(o->peer, o, AB_ATT_READ_REQ, 9);
}

static void the_end_of_a_request_may_start_the_next_behind_those_waiting(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {.then = ask_again}, b = {0};

  (void) state;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 0b\n"
                      "< 0a 0200\n"
                      "> 0b\n"
                      "< 0a 0900\n"
                      "> 0b\n");
  assert_int_equal(a.calls, 2);
  assert_int_equal(b.calls, 1);
  att_peer_free(peer);
}

static void a_detached_request_keeps_its_slot_and_its_late_answer_goes_to_nobody(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome *a = calloc(1, sizeof *a), b = {0}, c = {0};

  (void) state;
  assert_non_null(a);
  ask(peer, a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ask(peer, &c, AB_ATT_READ_REQ, 3);
  ab_att_detach(&a->req);
  ab_att_detach(&a->req);
  assert_int_equal(a->calls, 0);
  free(a); /* from here the bearer must not know it */
  ab_att_detach(&b.req);
  att_peer_play(peer, "< 0a 0100\n");
  assert_int_equal(c.calls, 0);
  att_peer_play(peer, "> 0b aa\n"
                      "< 0a 0300\n"
                      "> 0b cc\n");
  assert_int_equal(b.calls, 0);
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.pdu[0], 0xcc);
  assert_int_equal(peer->att.malformed, 0);
  att_peer_free(peer);
}

static void thirty_seconds_without_an_answer_break_the_bearer(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, i = {0}, late = {0};

  (void) state;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ask(peer, &i, AB_ATT_INDICATION, 3);
  att_peer_play(peer, "< 0a 0100\n"
                      "< 1d 0300\n");
  fake_env_advance(peer->env, TRANSACTION_US - 1);
  assert_int_equal(peer->broken, 0);
  assert_int_equal(a.calls, 0);
  fake_env_advance(peer->env, 1);
  assert_int_equal(peer->broken, 1);
  assert_int_equal(peer->broken_status, AIOBLE_ETIMEDOUT);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ETIMEDOUT);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ENOTCONN);
  assert_int_equal(i.calls, 1);
  assert_int_equal(i.status, AIOBLE_ENOTCONN);
  /* nothing goes out or in any more (3.3.3) */
  ask(peer, &late, AB_ATT_READ_REQ, 4);
  assert_int_equal(late.calls, 0);
  att_peer_play(peer, "> 0b 01\n"
                      "> 1b 0500 01\n"
                      "> 0a 0100\n");
  assert_int_equal(peer->values + peer->requests, 0);
  fake_env_advance(peer->env, 0);
  assert_int_equal(late.calls, 1);
  assert_int_equal(late.status, AIOBLE_ENOTCONN);
  fake_env_advance(peer->env, 2ull * TRANSACTION_US);
  assert_int_equal(a.calls + b.calls + i.calls + late.calls, 4);
  assert_int_equal(peer->broken, 1);
  att_peer_free(peer);
}

static void a_detached_request_breaks_the_bearer_as_well(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, i = {0};

  (void) state;
  ask(peer, &i, AB_ATT_INDICATION, 3);
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ab_att_detach(&a.req);
  att_peer_play(peer, "< 1d 0300\n"
                      "< 0a 0100\n"
                      "> 1e\n");
  fake_env_advance(peer->env, TRANSACTION_US);
  assert_int_equal(peer->broken, 1);
  assert_int_equal(a.calls, 0);
  assert_int_equal(i.calls, 1);
  assert_int_equal(i.status, 0);
  att_peer_free(peer);
}

static void close_bearer(att_peer *peer, int status) {
  (void) status;
  ab_att_close(&peer->att, AIOBLE_ENODEV);
}

static void close_from_end(outcome *o) {
  ab_att_close(&o->peer->att, AIOBLE_ENODEV);
}

static void closing_ends_everything_pending_once(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, i = {0}, late = {0};

  (void) state;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ask(peer, &i, AB_ATT_INDICATION, 3);
  att_peer_play(peer, "< 0a 0100\n< 1d 0300\n");
  ab_att_close(&peer->att, AIOBLE_ENODEV);
  ab_att_close(&peer->att, AIOBLE_ENODEV);
  assert_int_equal(a.calls, 1);
  assert_int_equal(b.calls, 1);
  assert_int_equal(i.calls, 1);
  assert_true(a.status == AIOBLE_ENODEV && b.status == AIOBLE_ENODEV && i.status == AIOBLE_ENODEV);
  ask(peer, &late, AB_ATT_READ_REQ, 4);
  ab_att_detach(&late.req);
  fake_env_advance(peer->env, TRANSACTION_US);
  assert_int_equal(late.calls, 0);
  assert_int_equal(peer->broken, 0);
  att_peer_free(peer);
}

static void the_bearer_may_be_closed_from_any_callback(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {.then = close_from_end}, b = {0};

  (void) state;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  att_peer_play(peer, "< 0a 0100\n> 0b\n"); /* and the second one is not sent */
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ENODEV);
  att_peer_free(peer);

  peer = att_peer_new(23);
  peer->on_broken = close_bearer;
  a = (outcome){.then = close_from_end};
  b = (outcome){0};
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_INDICATION, 2);
  att_peer_play(peer, "< 0a 0100\n< 1d 0200\n");
  fake_env_advance(peer->env, TRANSACTION_US);
  assert_int_equal(a.calls, 1);
  assert_int_equal(b.calls, 1);
  assert_int_equal(peer->broken, 0); /* closed before it could be said */
  att_peer_free(peer);
}

/* hostile: an answer to nothing, or to something else than what is on the air */
static void an_answer_that_nobody_asked_for_is_dropped_and_counted(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0};

  (void) state;
  att_peer_play(peer, "> 0b 01\n> 13\n> 01 0a 0100 01\n> 1e\n> 03 1700\n");
  assert_int_equal(peer->att.malformed, 5);
  assert_int_equal(peer->att.mtu, 23);
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 0d 01\n"
                      "> 01 0c 0100 01\n"
                      "> 03 4000\n"
                      "> 1e\n");
  assert_int_equal(a.calls, 0);
  assert_int_equal(peer->att.malformed, 9);
  assert_int_equal(peer->mtus, 0);
  att_peer_play(peer, "> 0b 07\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.pdu[0], 7);
  att_peer_free(peer);
}

static void a_malformed_answer_ends_the_request_with_eproto(void **state) {
  static const struct {
    uint8_t opcode;
    const char *sent, *answer;
  } cases[] = {
      {AB_ATT_READ_REQ, "< 0a0100\n", "> 01 0a 0100\n"},
      {AB_ATT_READ_REQ, "< 0a0100\n", "> 01 0a 0100 01 00\n"},
      {AB_ATT_READ_REQ, "< 0a0100\n", "> 01\n"},
      {AB_ATT_READ_REQ, "< 0a0100\n", "> 0b 00*64\n"}, /* longer than we offered to take */
      {AB_ATT_WRITE_REQ, "< 120100\n", "> 13 00\n"},
      {AB_ATT_EXECUTE_WRITE_REQ, "< 180100\n", "> 19 00\n"},
      {AB_ATT_FIND_INFO_REQ, "< 040100\n", "> 05 01 0100 00\n"},
      {AB_ATT_FIND_TYPE_REQ, "< 060100\n", "> 07 0100 00\n"},
      {AB_ATT_READ_TYPE_REQ, "< 080100\n", "> 09 02 01\n"},
      {AB_ATT_READ_GROUP_REQ, "< 100100\n", "> 11 04 0100 01\n"},
      {AB_ATT_PREPARE_WRITE_REQ, "< 160100\n", "> 17 0100 00\n"},
      {AB_ATT_INDICATION, "< 1d0100\n", "> 1e 00\n"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    att_peer *peer = att_peer_new(64);
    outcome a = {0};

    ask(peer, &a, cases[i].opcode, 1);
    att_peer_play(peer, cases[i].sent);
    att_peer_play(peer, cases[i].answer);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.status, AIOBLE_EPROTO);
    assert_int_equal(a.len, 0);
    assert_int_equal(peer->att.malformed, 1);
    assert_int_equal(peer->broken, 0);
    att_peer_free(peer);
  }
}

static void no_memory_for_the_pdu_is_told_from_the_loop(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0};

  (void) state;
  fake_env_fail_at(peer->env, 1);
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  assert_int_equal(a.calls, 0);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  fake_env_advance(peer->env, 0);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ENOMEM);
  att_peer_play(peer, "< 0a 0200\n> 0b\n");
  assert_int_equal(b.status, 0);
  att_peer_free(peer);
}

/* … or by closing the bearer, whose memory may go then: no timer is left running */
static void closing_tells_what_has_failed_already(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome o = {0};

  (void) state;
  fake_env_fail_at(peer->env, 1);
  ask(peer, &o, AB_ATT_READ_REQ, 1);
  assert_int_equal(o.calls, 0);
  ab_att_close(&peer->att, AIOBLE_ENOTCONN);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOMEM);
  assert_true(ab_timers_next(&peer->env->timers) == UINT64_MAX);
  att_peer_free(peer);
}

static void our_mtu_exchange_happens_once(void **state) {
  att_peer *peer = att_peer_new(100);
  outcome a = {0}, b = {0};

  (void) state;
  assert_true(ab_att_exchange_mtu(&peer->att, &a.req, ended));
  assert_false(ab_att_exchange_mtu(&peer->att, &b.req, ended));
  att_peer_play(peer, "< 02 6400\n> 03 4000\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(peer->att.mtu, 64);
  assert_int_equal(peer->mtus, 1);
  assert_int_equal(peer->mtu, 64);
  assert_false(ab_att_exchange_mtu(&peer->att, &b.req, ended));
  fake_env_advance(peer->env, 0);
  assert_int_equal(b.calls, 0);
  att_peer_free(peer);
}

static void the_mtu_never_goes_below_the_default_or_above_ours(void **state) {
  static const struct {
    const char *answer;
    uint16_t mtu;
    int status;
  } cases[] = {
      {"> 03 0000\n", 23, 0},
      {"> 03 0500\n", 23, 0},
      {"> 03 1700\n", 23, 0},
      {"> 03 ffff\n", 100, 0},
      {"> 03 40\n", 23, AIOBLE_EPROTO},
      {"> 03 400000\n", 23, AIOBLE_EPROTO},
      {"> 01 02 0000 06\n", 23, AIOBLE_ERR_ATT(6)},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    att_peer *peer = att_peer_new(100);
    outcome a = {0};

    assert_true(ab_att_exchange_mtu(&peer->att, &a.req, ended));
    att_peer_play(peer, "< 02 6400\n");
    att_peer_play(peer, cases[i].answer);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.status, cases[i].status);
    assert_int_equal(peer->att.mtu, cases[i].mtu);
    assert_int_equal(peer->mtus, cases[i].status == 0);
    att_peer_free(peer);
  }
}

static void a_detached_mtu_exchange_still_counts(void **state) {
  att_peer *peer = att_peer_new(100);
  outcome a = {0};

  (void) state;
  assert_true(ab_att_exchange_mtu(&peer->att, &a.req, ended));
  ab_att_detach(&a.req);
  att_peer_play(peer, "< 02 6400\n> 03 4000\n");
  assert_int_equal(a.calls, 0);
  assert_int_equal(peer->att.mtu, 64);
  att_peer_free(peer);
}

static void an_error_is_told_before_its_request_ends_and_once(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome r = {0};

  (void) state;
  att_peer_play(peer, "> 01 0a 0100 12\n"); /* of nothing that was asked */
  ask(peer, &r, AB_ATT_READ_REQ, 1);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0c 0100 12\n");
  assert_int_equal(peer->errors, 0);
  att_peer_play(peer, "> 01 0a 0100 12\n");
  assert_int_equal(peer->errors, 1);
  assert_int_equal(peer->error, 0x12);
  assert_int_equal(r.status, AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC));
  ask(peer, &r, AB_ATT_READ_REQ, 1);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a\n"); /* malformed: it says nothing */
  assert_int_equal(r.status, AIOBLE_EPROTO);
  assert_int_equal(peer->errors, 1);
  att_peer_free(peer);
}

/* ---- refused, and sent once more ---- */

static void a_request_that_is_held_is_sent_again_once(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0};

  (void) state;
  peer->verdict = AB_ATT_HOLDS;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a 0100 05\n"
                      "< 0a 0200\n" /* others go on */
                      "> 0b\n");
  fake_env_advance(peer->env, 2ull * TRANSACTION_US); /* it is not on the air */
  assert_int_equal(a.calls, 0);
  assert_int_equal(b.calls, 1);
  ab_att_release(&peer->att, true);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a 0100 0f\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_ENCRYPTION));
  assert_int_equal(peer->refused, 1);
  assert_int_equal(peer->errors, 2);
  att_peer_free(peer);
}

static void what_was_held_goes_first_and_in_its_order(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, c = {0}, d = {0};

  (void) state;
  peer->verdict = AB_ATT_HOLDS;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ask(peer, &c, AB_ATT_READ_REQ, 3);
  ask(peer, &d, AB_ATT_READ_REQ, 4);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a 0100 05\n"
                      "< 0a 0200\n"
                      "> 01 0a 0200 05\n"
                      "< 0a 0300\n");
  ab_att_release(&peer->att, true);
  att_peer_play(peer, "> 0b\n"
                      "< 0a 0100\n"
                      "> 0b\n"
                      "< 0a 0200\n"
                      "> 0b\n"
                      "< 0a 0400\n"
                      "> 0b\n");
  assert_int_equal(a.calls + b.calls + c.calls + d.calls, 4);
  assert_int_equal(a.status | b.status | c.status | d.status, 0);
  att_peer_free(peer);
}

static void what_is_held_in_vain_ends_with_its_error(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {.then = ask_again}, b = {0};

  (void) state;
  peer->verdict = AB_ATT_HOLDS;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a 0100 05\n"
                      "< 0a 0200\n"
                      "> 01 0a 0200 0c\n");
  ab_att_release(&peer->att, false);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ERR_ATT(AB_ATT_ERR_KEY_SIZE_TOO_SHORT));
  att_peer_play(peer, "< 0a 0900\n" /* another one, which may be held as well */
                      "> 01 0a 0900 05\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(peer->refused, 3);
  att_peer_free(peer);
  assert_int_equal(a.calls, 2);
  assert_int_equal(a.status, AIOBLE_ENOTCONN);
}

static void a_write_does_not_overtake_one_of_its_attribute_that_is_held(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, c = {0}, d = {0};

  (void) state;
  peer->verdict = AB_ATT_HOLDS;
  ask(peer, &a, AB_ATT_WRITE_REQ, 1);
  ask(peer, &b, AB_ATT_PREPARE_WRITE_REQ, 1);
  ask(peer, &c, AB_ATT_WRITE_REQ, 2);
  ask(peer, &d, AB_ATT_READ_REQ, 1);
  att_peer_play(peer, "< 12 0100\n"
                      "> 01 12 0100 05\n"
                      "< 12 0200\n"
                      "> 13\n"
                      "< 0a 0100\n"
                      "> 0b\n");
  ab_att_release(&peer->att, true);
  att_peer_play(peer, "< 12 0100\n"
                      "> 13\n"
                      "< 16 0100\n"
                      "> 17 0100 0000\n");
  assert_int_equal(a.calls + b.calls + c.calls + d.calls, 4);
  assert_int_equal(a.status | b.status | c.status | d.status, 0);
  att_peer_free(peer);
}

static void one_that_was_asked_before_the_link_was_secured_is_sent_again_at_once(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0};

  (void) state;
  peer->verdict = AB_ATT_REPEATS;
  ab_att_secured(&peer->att); /* before that is no matter */
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  att_peer_play(peer, "< 0a 0100\n"
                      "> 01 0a 0100 05\n"
                      "< 0a 0100\n");
  assert_false(peer->secured);
  att_peer_play(peer, "> 0b\n"
                      "< 0a 0200\n");
  ab_att_secured(&peer->att);
  att_peer_play(peer, "> 01 0a 0200 05\n"
                      "< 0a 0200\n"
                      "> 0b\n");
  assert_true(peer->secured);
  assert_int_equal(a.calls + b.calls, 2);
  assert_int_equal(a.status | b.status, 0);
  att_peer_free(peer);
}

/* nothing asks about them, and nothing is left of them */
static void one_that_is_not_wanted_or_not_sent_yet_is_not_sent_again(void **state) {
  att_peer *peer = att_peer_new(23);
  outcome a = {0}, b = {0}, c = {0};

  (void) state;
  peer->verdict = AB_ATT_HOLDS;
  ask(peer, &a, AB_ATT_READ_REQ, 1);
  ab_att_rx(&peer->att, (const uint8_t[]){1, AB_ATT_READ_REQ, 1, 0, 5}, 5); /* before it is sent */
  assert_int_equal(a.calls, 1);
  att_peer_play(peer, "< 0a 0100\n");
  ask(peer, &b, AB_ATT_READ_REQ, 2);
  ab_att_detach(&b.req);
  att_peer_play(peer, "< 0a 0200\n"
                      "> 01 0a 0200 05\n");
  assert_int_equal(peer->refused, 0);
  ask(peer, &c, AB_ATT_READ_REQ, 3);
  att_peer_play(peer, "< 0a 0300\n"
                      "> 01 0a 0300 05\n");
  assert_int_equal(peer->refused, 1);
  ab_att_detach(&c.req);
  ab_att_release(&peer->att, true);
  pdu_script_quiet(&peer->script);
  assert_int_equal(b.calls + c.calls, 0);
  att_peer_free(peer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_request_on_the_air_and_each_gets_its_own_answer),
      cmocka_unit_test(requests_and_indications_do_not_wait_for_each_other),
      cmocka_unit_test(the_end_of_a_request_may_start_the_next_behind_those_waiting),
      cmocka_unit_test(a_detached_request_keeps_its_slot_and_its_late_answer_goes_to_nobody),
      cmocka_unit_test(thirty_seconds_without_an_answer_break_the_bearer),
      cmocka_unit_test(a_detached_request_breaks_the_bearer_as_well),
      cmocka_unit_test(closing_ends_everything_pending_once),
      cmocka_unit_test(the_bearer_may_be_closed_from_any_callback),
      cmocka_unit_test(an_answer_that_nobody_asked_for_is_dropped_and_counted),
      cmocka_unit_test(a_malformed_answer_ends_the_request_with_eproto),
      cmocka_unit_test(no_memory_for_the_pdu_is_told_from_the_loop),
      cmocka_unit_test(closing_tells_what_has_failed_already),
      cmocka_unit_test(our_mtu_exchange_happens_once),
      cmocka_unit_test(the_mtu_never_goes_below_the_default_or_above_ours),
      cmocka_unit_test(a_detached_mtu_exchange_still_counts),
      cmocka_unit_test(an_error_is_told_before_its_request_ends_and_once),
      cmocka_unit_test(a_request_that_is_held_is_sent_again_once),
      cmocka_unit_test(what_was_held_goes_first_and_in_its_order),
      cmocka_unit_test(what_is_held_in_vain_ends_with_its_error),
      cmocka_unit_test(a_write_does_not_overtake_one_of_its_attribute_that_is_held),
      cmocka_unit_test(one_that_was_asked_before_the_link_was_secured_is_sent_again_at_once),
      cmocka_unit_test(one_that_is_not_wanted_or_not_sent_yet_is_not_sent_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
