/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct reader {
  ab_gatt_read read;
  unsigned calls; /* with an outcome */
  unsigned parts;
  int status;
} reader;

static void on_read(ab_gatt_read *read, int status) {
  reader *r = ab_container_of(read, reader, read);

  if (status == AIOBLE_EAGAIN) {
    r->parts++;
    ab_gatt_read_more(read);
    return;
  }
  r->calls++;
  r->status = status;
}

static att_peer *peer_with_mtu(uint16_t mtu) {
  att_peer *peer = att_peer_new(mtu);
  char line[40];

  (void) snprintf(line, sizeof line, "> 02 %02x%02x\n< 03 %02x%02x\n", mtu & 0xff, mtu >> 8,
                  mtu & 0xff, mtu >> 8);
  if (mtu > 23)
    att_peer_play(peer, line);
  return peer;
}

static void reads(att_peer *peer, const char *lines, int status, size_t len) {
  reader r = {0};

  ab_gatt_read_start(&r.read, &peer->att, 3, on_read);
  att_peer_play(peer, lines);
  assert_int_equal(r.calls, 1);
  assert_int_equal(r.status, status);
  if (status == 0) {
    assert_int_equal(r.read.value->len, len);
    for (size_t i = 0; i < len; i++)
      assert_int_equal(r.read.value->p[i], 0xaa);
  } else {
    assert_null(r.read.value);
  }
  ab_buf_free(r.read.value);
}

static void a_short_value_takes_one_request(void **state) {
  att_peer *peer = peer_with_mtu(23);

  (void) state;
  reads(peer, "< 0a 0300\n> 0b\n", 0, 0);
  reads(peer, "< 0a 0300\n> 0b aa\n", 0, 1);
  reads(peer, "< 0a 0300\n> 0b aa*21\n", 0, 21);
  att_peer_free(peer);
}

static void a_long_value_is_read_to_its_end(void **state) {
  att_peer *peer = peer_with_mtu(23);

  (void) state;
  reads(peer,
        "< 0a 0300\n> 0b aa*22\n"
        "< 0c 0300 1600\n> 0d aa*22\n"
        "< 0c 0300 2c00\n> 0d aa*6\n",
        0, 50);
  att_peer_free(peer);
}

static void an_exact_multiple_ends_with_nothing_or_with_an_error_that_says_so(void **state) {
  static const char *const ends[] = {"> 0d\n", "> 01 0c 0300 07\n", "> 01 0c 0300 0b\n",
                                     "> 01 0c 0300 06\n"};

  (void) state;
  for (size_t i = 0; i < 4; i++) {
    att_peer *peer = peer_with_mtu(23);
    char lines[200];

    (void) snprintf(lines, sizeof lines, "< 0a 0300\n> 0b aa*22\n< 0c 0300 1600\n%s", ends[i]);
    reads(peer, lines, 0, 22);
    att_peer_free(peer);
  }
}

static void an_error_in_the_middle_gives_no_part_of_the_value(void **state) {
  att_peer *peer = peer_with_mtu(23);

  (void) state;
  reads(peer, "< 0a 0300\n> 0b aa*22\n< 0c 0300 1600\n> 01 0c 0300 02\n",
        AIOBLE_ERR_ATT(AB_ATT_ERR_READ_NOT_PERMITTED), 0);
  /* at the first request they are errors */
  reads(peer, "< 0a 0300\n> 01 0a 0300 07\n", AIOBLE_ERR_ATT(AB_ATT_ERR_INVALID_OFFSET), 0);
  reads(peer, "< 0a 0300\n> 01 0a 0300 0b\n", AIOBLE_ERR_ATT(AB_ATT_ERR_ATTRIBUTE_NOT_LONG), 0);
  reads(peer, "< 0a 0300\n> 01 0a 0300 06\n", AIOBLE_ERR_ATT(AB_ATT_ERR_REQUEST_NOT_SUPPORTED), 0);
  att_peer_free(peer);
}

static void the_longest_value_needs_no_request_behind_it(void **state) {
  att_peer *peer = peer_with_mtu(65);

  (void) state;
  reads(peer,
        "< 0a 0300\n> 0b aa*64\n"
        "< 0c 0300 4000\n> 0d aa*64\n"
        "< 0c 0300 8000\n> 0d aa*64\n"
        "< 0c 0300 c000\n> 0d aa*64\n"
        "< 0c 0300 0001\n> 0d aa*64\n"
        "< 0c 0300 4001\n> 0d aa*64\n"
        "< 0c 0300 8001\n> 0d aa*64\n"
        "< 0c 0300 c001\n> 0d aa*64\n",
        0, 512);
  att_peer_free(peer);
  peer = peer_with_mtu(517);
  reads(peer, "< 0a 0300\n> 0b aa*512\n", 0, 512);
  att_peer_free(peer);
}

/* hostile: a value longer than a value can be */
static void a_longer_value_is_eproto(void **state) {
  att_peer *peer = peer_with_mtu(517);

  (void) state;
  reads(peer, "< 0a 0300\n> 0b aa*513\n", AIOBLE_EPROTO, 0);
  att_peer_free(peer);
  peer = peer_with_mtu(300);
  reads(peer, "< 0a 0300\n> 0b aa*299\n< 0c 0300 2b01\n> 0d aa*214\n", AIOBLE_EPROTO, 0);
  att_peer_free(peer);
}

static void an_mtu_that_grows_meanwhile_cuts_nothing_off(void **state) {
  att_peer *peer = att_peer_new(100);
  reader r = {0};

  (void) state;
  ab_gatt_read_start(&r.read, &peer->att, 3, on_read);
  att_peer_play(peer, "< 0a 0300\n"
                      "> 02 6400\n< 03 6400\n"
                      "> 0b aa*22\n" /* full, by the MTU of before */
                      "< 0c 0300 1600\n> 0d aa*40\n");
  assert_int_equal(r.calls, 1);
  assert_int_equal(r.parts, 1);
  assert_int_equal(r.read.value->len, 62);
  ab_buf_free(r.read.value);
  att_peer_free(peer);
}

static void a_read_may_be_stopped_between_and_during_requests(void **state) {
  att_peer *peer = peer_with_mtu(23);
  reader r = {0}, s = {0};

  (void) state;
  ab_gatt_read_start(&r.read, &peer->att, 3, on_read);
  att_peer_play(peer, "< 0a 0300\n> 0b aa*22\n< 0c 0300 1600\n");
  ab_gatt_read_stop(&r.read);
  ab_gatt_read_start(&s.read, &peer->att, 4, on_read);
  att_peer_play(peer, "> 0d bb*22\n< 0a 0400\n> 0b aa\n");
  assert_int_equal(r.calls, 0);
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.read.value->len, 1);
  ab_buf_free(s.read.value);
  att_peer_free(peer);
}

static void no_memory_for_the_value_is_told(void **state) {
  att_peer *peer = peer_with_mtu(23);
  reader r = {0};
  ab_buf *spare[4];

  (void) state;
  ab_gatt_read_start(&r.read, &peer->att, 3, on_read);
  att_peer_play(peer, "< 0a 0300\n");
  for (int i = 0; i < 4; i++) /* the pool is empty, and stays so */
    spare[i] = ab_buf_new(&peer->bufs, 1);
  peer->bufs.idle_limit = 0;
  fake_env_fail_at(peer->env, 1);
  att_peer_play(peer, "> 0b aa\n");
  assert_int_equal(r.calls, 1);
  assert_int_equal(r.status, AIOBLE_ENOMEM);
  for (int i = 0; i < 4; i++)
    ab_buf_free(spare[i]);
  att_peer_free(peer);
}

/* ---- writing ---- */

typedef struct writer {
  ab_att_req req;
  unsigned calls;
  int status;
} writer;

static void on_written(ab_att_req *req, int status, ab_rd *pdu) {
  writer *w = ab_container_of(req, writer, req);

  (void) pdu;
  w->calls++;
  w->status = status;
}

static void on_taken(ab_buf *buf, int status) {
  writer *w = buf->ctx;

  w->calls++;
  w->status = status;
}

static void a_write_goes_out_whole_or_not_at_all(void **state) {
  att_peer *peer = peer_with_mtu(23);
  uint8_t data[21] = {1};
  writer w = {0};

  (void) state;
  assert_int_equal(ab_gatt_write(&peer->att, &w.req, 3, data, 20, on_written), 0);
  att_peer_play(peer, "< 12 0300 01 00*19\n> 13\n");
  assert_int_equal(w.calls, 1);
  assert_int_equal(w.status, 0);
  assert_int_equal(ab_gatt_write(&peer->att, &w.req, 3, data, 21, on_written), AIOBLE_EMSGSIZE);
  att_peer_play(peer, "");
  assert_int_equal(ab_gatt_write(&peer->att, &w.req, 3, NULL, 0, on_written), 0);
  att_peer_play(peer, "< 12 0300\n> 01 12 0300 03\n");
  assert_int_equal(w.calls, 2);
  assert_int_equal(w.status, AIOBLE_ERR_ATT(AB_ATT_ERR_WRITE_NOT_PERMITTED));
  att_peer_free(peer);
}

static void a_command_needs_no_answer_and_no_turn(void **state) {
  att_peer *peer = peer_with_mtu(23);
  uint8_t data[21] = {1};
  writer w = {0}, c = {0};

  (void) state;
  assert_int_equal(ab_gatt_write(&peer->att, &w.req, 3, data, 1, on_written), 0);
  assert_int_equal(ab_gatt_write_command(&peer->att, 4, data, 20, on_taken, &c), 0);
  assert_int_equal(ab_gatt_write_command(&peer->att, 4, data, 21, on_taken, &c), AIOBLE_EMSGSIZE);
  assert_int_equal(c.calls, 0);
  att_peer_play(peer, "< 12 0300 01\n< 52 0400 01 00*19\n");
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.status, 0);
  ab_att_detach(&w.req);
  att_peer_free(peer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_short_value_takes_one_request),
      cmocka_unit_test(a_long_value_is_read_to_its_end),
      cmocka_unit_test(an_exact_multiple_ends_with_nothing_or_with_an_error_that_says_so),
      cmocka_unit_test(an_error_in_the_middle_gives_no_part_of_the_value),
      cmocka_unit_test(the_longest_value_needs_no_request_behind_it),
      cmocka_unit_test(a_longer_value_is_eproto),
      cmocka_unit_test(an_mtu_that_grows_meanwhile_cuts_nothing_off),
      cmocka_unit_test(a_read_may_be_stopped_between_and_during_requests),
      cmocka_unit_test(no_memory_for_the_value_is_told),
      cmocka_unit_test(a_write_goes_out_whole_or_not_at_all),
      cmocka_unit_test(a_command_needs_no_answer_and_no_turn),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
