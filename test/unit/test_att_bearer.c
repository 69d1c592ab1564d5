/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* answers a Read Request for handle 1 with 0xaa times the MTU, handle 2 later, others never */
static int serve(att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  *handle = ab_rd_le16(pdu);
  if (!ab_rd_done(pdu) || opcode != AB_ATT_READ_REQ)
    return AB_ATT_ERR_INVALID_PDU;
  if (*handle == 2)
    return AB_ATT_LATER;
  if (*handle != 1)
    return AB_ATT_ERR_INVALID_HANDLE;
  assert_int_equal(ab_wr_room(rsp), peer->att.mtu);
  ab_wr_u8(rsp, AB_ATT_READ_RSP);
  while (ab_wr_room(rsp) > 0)
    ab_wr_u8(rsp, 0xaa);
  return 0;
}

static att_peer *server_new(void) {
  att_peer *peer = att_peer_new(64);

  peer->on_request = serve;
  return peer;
}

static void a_request_gets_a_response_or_an_error(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 0a 0100\n< 0b aa*22\n"
                      "> 0a 0700\n< 01 0a 0700 01\n"
                      "> 0a 07\n< 01 0a 0000 04\n"
                      "> 08 0100\n< 01 08 0100 04\n");
  assert_int_equal(peer->requests, 4);
  att_peer_free(peer);
}

static int say_nothing(att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  (void) peer, (void) opcode, (void) pdu, (void) rsp, (void) handle;
  return 0;
}

static int say_too_much(att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  (void) peer, (void) opcode, (void) pdu, (void) handle;
  for (int i = 0; i < 24; i++)
    ab_wr_u8(rsp, AB_ATT_READ_RSP);
  return 0;
}

static void an_answer_that_is_none_becomes_unlikely_error(void **state) {
  att_peer *peer = server_new();

  (void) state;
  peer->on_request = say_nothing;
  att_peer_play(peer, "> 0a 0100\n< 01 0a 0000 0e\n");
  peer->on_request = say_too_much;
  att_peer_play(peer, "> 0a 0100\n< 01 0a 0000 0e\n");
  att_peer_free(peer);
}

static void a_request_may_be_answered_later_once(void **state) {
  att_peer *peer = server_new();
  ab_wr w;
  ab_buf *rsp;

  (void) state;
  att_peer_play(peer, "> 0a 0200\n");
  rsp = ab_att_pdu(&peer->att, AB_ATT_READ_RSP, &w);
  ab_wr_u8(&w, 7);
  ab_buf_wrote(rsp, &w);
  ab_att_respond(&peer->att, rsp);
  att_peer_play(peer, "< 0b 07\n");
  ab_att_respond(&peer->att, ab_att_pdu(&peer->att, AB_ATT_READ_RSP, &w));
  ab_att_respond_error(&peer->att, 2, 1);
  att_peer_play(peer, "> 0a 0200\n");
  ab_att_respond_error(&peer->att, 2, AB_ATT_ERR_UNLIKELY);
  att_peer_play(peer, "< 01 0a 0200 0e\n> 0a 0100\n< 0b aa*22\n");
  att_peer_free(peer);
}

/* hostile: 3.3.2 broken by the client */
static void a_second_request_meanwhile_is_refused_and_the_first_still_answered(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 0a 0200\n"
                      "> 0a 0100\n< 01 0a 0000 11\n"
                      "> 0a 0200\n< 01 0a 0000 11\n"
                      "> 02 4000\n< 01 02 0000 11\n");
  assert_int_equal(peer->requests, 1);
  assert_int_equal(peer->mtus, 0);
  assert_int_equal(peer->att.malformed, 3);
  ab_att_respond_error(&peer->att, 2, AB_ATT_ERR_READ_NOT_PERMITTED);
  att_peer_play(peer, "< 01 0a 0200 02\n> 0a 0100\n< 0b aa*22\n");
  att_peer_free(peer);
}

static void what_is_no_request_is_taken_while_one_waits(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 0a 0200\n"
                      "> 52 0100 aa\n"
                      "> 1b 0100 aa\n"
                      "> 1d 0100 aa\n< 1e\n"
                      "> 24\n< 01 24 0000 06\n");
  assert_int_equal(peer->requests, 2);
  assert_int_equal(peer->values, 2);
  ab_att_respond_error(&peer->att, 2, AB_ATT_ERR_READ_NOT_PERMITTED);
  att_peer_play(peer, "< 01 0a 0200 02\n");
  att_peer_free(peer);
}

static void an_answer_after_the_bearer_has_closed_goes_nowhere(void **state) {
  att_peer *peer = server_new();
  ab_wr w;

  (void) state;
  att_peer_play(peer, "> 0a 0200\n");
  ab_att_close(&peer->att, AIOBLE_ENOTCONN);
  ab_att_respond(&peer->att, ab_att_pdu(&peer->att, AB_ATT_READ_RSP, &w));
  ab_att_respond_error(&peer->att, 2, AB_ATT_ERR_UNLIKELY);
  att_peer_play(peer, "");
  att_peer_free(peer);
}

static void unknown_requests_are_refused_and_unknown_commands_ignored(void **state) {
  att_peer *peer = server_new();
  uint8_t pdu[4] = {0};

  (void) state;
  for (unsigned opcode = 0; opcode < 256; opcode++) {
    char line[40];
    bool known = (opcode >= 0x01 && opcode <= 0x13) || (opcode >= 0x16 && opcode <= 0x19) ||
                 opcode == 0x1b || opcode == 0x1d || opcode == 0x1e || opcode == 0x20 ||
                 opcode == 0x21 || opcode == 0x23 || opcode == 0x52 || opcode == 0xd2;

    if (known)
      continue;
    pdu[0] = (uint8_t) opcode;
    ab_att_rx(&peer->att, pdu, sizeof pdu);
    (void) snprintf(line, sizeof line, "< 01 %02x 0000 06\n", opcode);
    att_peer_play(peer, opcode & 0x40 ? "" : line);
  }
  assert_int_equal(peer->requests, 0);
  assert_int_equal(peer->att.malformed, 0);
  att_peer_free(peer);
}

static void a_command_is_never_answered(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 52 0100 01\n> 52\n> d2 0100 00*12\n> 52 00*64\n");
  assert_int_equal(peer->requests, 3);
  assert_int_equal(peer->att.malformed, 1);
  att_peer_free(peer);
}

static void an_empty_pdu_is_ignored(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, ">\n");
  ab_att_rx(&peer->att, NULL, 0);
  assert_int_equal(peer->att.malformed, 2);
  assert_int_equal(peer->requests + peer->values, 0);
  att_peer_free(peer);
}

/* hostile: every opcode, every length up to beyond the MTU, twice; all that may happen is an error
 */
static void any_opcode_of_any_length_is_survived(void **state) {
  att_peer *peer = server_new();
  uint8_t pdu[80];

  (void) state;
  memset(pdu, 1, sizeof pdu);
  for (unsigned opcode = 0; opcode < 256; opcode++)
    for (size_t len = 1; len <= sizeof pdu; len++) {
      pdu[0] = (uint8_t) opcode;
      ab_att_rx(&peer->att, pdu, len);
      pdu_script_end(&peer->script, 0);
    }
  assert_int_equal(peer->broken, 0);
  att_peer_play(peer, "> 0a 0700\n< 01 0a 0700 01\n");
  att_peer_free(peer);
}

static void the_peer_may_exchange_the_mtu(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 02 2800\n< 03 4000\n> 0a 0100\n< 0b aa*39\n");
  assert_int_equal(peer->mtus, 1);
  assert_int_equal(peer->mtu, 40);
  att_peer_free(peer);
}

static void a_bad_mtu_request_leaves_the_default(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 02\n< 01 02 0000 04\n"
                      "> 02 28\n< 01 02 0000 04\n"
                      "> 02 280000\n< 01 02 0000 04\n");
  assert_int_equal(peer->mtus, 0);
  assert_int_equal(peer->att.malformed, 3);
  att_peer_play(peer, "> 02 0500\n< 03 4000\n> 0a 0100\n< 0b aa*22\n");
  assert_int_equal(peer->att.mtu, 23);
  att_peer_free(peer);
}

static void a_second_mtu_request_is_answered_and_counted(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 02 2800\n< 03 4000\n> 02 ffff\n< 03 4000\n> 0a 0100\n< 0b aa*63\n");
  assert_int_equal(peer->att.malformed, 1);
  assert_int_equal(peer->att.mtu, 64);
  att_peer_free(peer);
}

static void values_are_handed_up_and_indications_confirmed(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 1b 0300 aabb\n");
  assert_int_equal(peer->values, 1);
  assert_int_equal(peer->value_handle, 3);
  assert_int_equal(peer->value_len, 2);
  att_peer_play(peer, "> 1d 0400\n< 1e\n");
  assert_int_equal(peer->values, 2);
  assert_int_equal(peer->indications, 1);
  assert_int_equal(peer->value_handle, 4);
  assert_int_equal(peer->value_len, 0);
  att_peer_play(peer, "> 23 0500 0100 01 0600 0000 0700 0200 0102\n");
  assert_int_equal(peer->values, 5);
  assert_int_equal(peer->value_handle, 7);
  assert_int_equal(peer->indications, 1);
  assert_int_equal(peer->att.malformed, 0);
  att_peer_free(peer);
}

static void malformed_values_are_dropped_but_an_indication_is_confirmed(void **state) {
  att_peer *peer = server_new();

  (void) state;
  att_peer_play(peer, "> 1b\n> 1b 01\n> 23 010001\n> 1d 01\n< 1e\n");
  assert_int_equal(peer->values, 0);
  assert_int_equal(peer->att.malformed, 4);
  att_peer_play(peer, "> 23 0500 0100 01 0600 0200 01\n");
  assert_int_equal(peer->values, 1);
  assert_int_equal(peer->value_handle, 5);
  assert_int_equal(peer->att.malformed, 5);
  att_peer_free(peer);
}

static int close_on_request(att_peer *peer, uint8_t opcode, ab_rd *pdu, ab_wr *rsp,
                            uint16_t *handle) {
  (void) opcode, (void) pdu, (void) handle;
  ab_wr_u8(rsp, AB_ATT_READ_RSP);
  ab_att_close(&peer->att, AIOBLE_ENOTCONN);
  return 0;
}

static void close_on_value(att_peer *peer, uint16_t handle, const uint8_t *value, size_t len,
                           bool indication) {
  (void) handle, (void) value, (void) len, (void) indication;
  ab_att_close(&peer->att, AIOBLE_ENOTCONN);
}

static void nothing_is_sent_after_a_callback_closed_the_bearer(void **state) {
  static const char *const pdus[] = {"> 0a 0100\n", "> 1d 0100 01\n", "> 1b 0100\n",
                                     "> 23 0100 0000 0200 0000\n"};

  (void) state;
  for (size_t i = 0; i < sizeof pdus / sizeof *pdus; i++) {
    att_peer *peer = server_new();

    peer->on_request = close_on_request;
    peer->on_value = close_on_value;
    att_peer_play(peer, pdus[i]);
    assert_int_equal(peer->values + peer->requests, 1);
    att_peer_play(peer, pdus[i]);
    assert_int_equal(peer->values + peer->requests, 1);
    att_peer_free(peer);
  }
}

static void no_memory_to_answer_with_breaks_the_bearer(void **state) {
  static const char *const pdus[] = {"> 0a 0100\n", "> 02 1700\n", "> 1d 0100 01\n", "> 3f\n"};

  (void) state;
  for (size_t i = 0; i < sizeof pdus / sizeof *pdus; i++) {
    att_peer *peer = server_new();

    fake_env_fail_at(peer->env, 1);
    att_peer_play(peer, pdus[i]);
    assert_int_equal(peer->broken, 1);
    assert_int_equal(peer->broken_status, AIOBLE_ENOMEM);
    att_peer_play(peer, pdus[i]);
    assert_int_equal(peer->broken, 1);
    att_peer_free(peer);
  }
}

static void note_status(ab_buf *buf, int status) {
  *(int *) buf->ctx = status;
}

static void a_command_of_ours_is_finished_when_taken_or_when_the_bearer_is_gone(void **state) {
  att_peer *peer = server_new();
  int status = 1;

  (void) state;
  for (int i = 0; i < 2; i++) {
    ab_wr w;
    ab_buf *buf = ab_att_pdu(&peer->att, AB_ATT_WRITE_CMD, &w);

    assert_int_equal(ab_wr_room(&w), 22);
    ab_wr_le16(&w, 3);
    ab_buf_wrote(buf, &w);
    buf->done = note_status;
    buf->ctx = &status;
    ab_att_send(&peer->att, buf);
    if (i == 0) {
      assert_int_equal(status, 1);
      att_peer_play(peer, "< 52 0300\n");
      assert_int_equal(status, 0);
      ab_att_close(&peer->att, AIOBLE_ENOTCONN);
    }
  }
  assert_int_equal(status, AIOBLE_ENOTCONN);
  att_peer_free(peer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_gets_a_response_or_an_error),
      cmocka_unit_test(an_answer_that_is_none_becomes_unlikely_error),
      cmocka_unit_test(a_request_may_be_answered_later_once),
      cmocka_unit_test(a_second_request_meanwhile_is_refused_and_the_first_still_answered),
      cmocka_unit_test(what_is_no_request_is_taken_while_one_waits),
      cmocka_unit_test(an_answer_after_the_bearer_has_closed_goes_nowhere),
      cmocka_unit_test(unknown_requests_are_refused_and_unknown_commands_ignored),
      cmocka_unit_test(a_command_is_never_answered),
      cmocka_unit_test(an_empty_pdu_is_ignored),
      cmocka_unit_test(any_opcode_of_any_length_is_survived),
      cmocka_unit_test(the_peer_may_exchange_the_mtu),
      cmocka_unit_test(a_bad_mtu_request_leaves_the_default),
      cmocka_unit_test(a_second_mtu_request_is_answered_and_counted),
      cmocka_unit_test(values_are_handed_up_and_indications_confirmed),
      cmocka_unit_test(malformed_values_are_dropped_but_an_indication_is_confirmed),
      cmocka_unit_test(nothing_is_sent_after_a_callback_closed_the_bearer),
      cmocka_unit_test(no_memory_to_answer_with_breaks_the_bearer),
      cmocka_unit_test(a_command_of_ours_is_finished_when_taken_or_when_the_bearer_is_gone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
