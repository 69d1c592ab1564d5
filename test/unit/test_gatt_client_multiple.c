/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include "util/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct asker {
  att_peer *peer;
  ab_gatt_values *values;
  unsigned steps; /* requests behind the first */
  unsigned calls; /* with an outcome */
  int status;
  bool stop; /* at the next step */
} asker;

static void on_values(ab_gatt_values *values, int status) {
  asker *a = values->ctx;

  if (status == AIOBLE_EAGAIN) {
    a->steps++;
    if (a->stop)
      ab_gatt_values_stop(values);
    return;
  }
  a->calls++;
  a->status = status;
}

static void asker_init(asker *a, unsigned max) {
  *a = (asker){.peer = att_peer_new(517)};
  a->values = ab_gatt_values_new(&a->peer->att, max);
  assert_non_null(a->values);
  a->values->ctx = a;
}

static void asker_end(asker *a) {
  att_peer_play(a->peer, "");
  ab_gatt_values_stop(a->values);
  ab_gatt_values_free(a->values);
  att_peer_free(a->peer);
}

/* of handles 3, 4, … */
static void read_n(asker *a, unsigned n) {
  asker_init(a, n);
  for (unsigned i = 0; i < n; i++)
    a->values->at[i].handle = (uint16_t) (3 + i);
  a->values->n = n;
  ab_gatt_values_read(a->values, on_values);
  assert_int_equal(a->calls, 0);
}

static void find(asker *a, unsigned max, uint16_t first, uint16_t last) {
  aioble_uuid_t uuid = aioble_uuid16(0x2a6e);

  asker_init(a, max);
  ab_gatt_values_find(a->values, first, last, &uuid, on_values);
}

/* "handle value" of each, in hex, separated by commas */
static void has(const asker *a, const char *text) {
  char told[2000] = "", *at = told;

  assert_int_equal(a->calls, 1);
  assert_int_equal(a->status, 0);
  for (unsigned i = 0; i < a->values->n; i++) {
    const ab_buf *value = a->values->at[i].value;

    assert_non_null(value);
    at += sprintf(at, "%s%x ", i ? "," : "", a->values->at[i].handle);
    for (size_t k = 0; k < value->len; k++)
      at = ab_hex_write(at, value->p[k]);
    *at = 0;
  }
  assert_string_equal(told, text);
}

static void play(asker *a, const char *lines) {
  att_peer_play(a->peer, lines);
}

/* ---- Read Multiple Variable ---- */

static void one_request_reads_all_that_fit(void **state) {
  asker a;

  (void) state;
  read_n(&a, 3);
  play(&a, "< 20 0300 0400 0500\n> 21 0200 aabb 0000 0100 cc\n");
  has(&a, "3 aabb,4 ,5 cc");
  asker_end(&a);
}

static void one_value_is_simply_read(void **state) {
  asker a;

  (void) state;
  read_n(&a, 1);
  play(&a, "< 0a 0300\n> 0b aa\n");
  has(&a, "3 aa");
  asker_end(&a);
}

static void what_was_left_out_is_asked_for_again(void **state) {
  asker a;

  (void) state;
  read_n(&a, 5);
  play(&a, "< 20 0300 0400 0500 0600 0700\n> 21 0100 aa 0100 bb\n"
           "< 20 0500 0600 0700\n> 21 0100 cc 0100 dd\n" /* half a length counts as nothing */
           "< 0a 0700\n> 0b ee\n");
  has(&a, "3 aa,4 bb,5 cc,6 dd,7 ee");
  asker_end(&a);
}

static void what_was_cut_is_asked_for_again(void **state) {
  asker a;

  (void) state;
  read_n(&a, 3);
  play(&a, "< 20 0300 0400 0500\n> 21 1000 aa*16 0500 bb bb\n" /* its length says it is cut */
           "< 20 0400 0500\n> 21 0500 bb*5 0100 cc\n");
  has(&a, "3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,4 bbbbbbbbbb,5 cc");
  asker_end(&a);
  read_n(&a, 3);
  play(&a, "< 20 0300 0400 0500\n> 21 1000 aa*16 0500 bb 05\n"
           "< 20 0400 0500\n> 21 0500 bb*5 01\n" /* half a length */
           "< 0a 0500\n> 0b cc\n");
  has(&a, "3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,4 bbbbbbbbbb,5 cc");
  asker_end(&a);
}

/* … whatever the next response does: from its beginning, to its end */
static void what_fits_no_response_is_read_for_itself(void **state) {
  asker a;

  (void) state;
  read_n(&a, 3);
  play(&a, "< 20 0300 0400 0500\n> 21 0100 11 1800 aa*17\n"
           "< 0a 0400\n> 0b aa*22\n< 0c 0400 1600\n> 0d aa aa\n"
           "< 0a 0500\n> 0b cc\n");
  has(&a, "3 11,4 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,5 cc");
  asker_end(&a);
}

static void an_empty_response_still_gets_on(void **state) {
  asker a;

  (void) state;
  read_n(&a, 3);
  play(&a, "< 20 0300 0400 0500\n> 21\n< 20 0400 0500\n> 21\n< 0a 0300\n> 0b aa\n"
           "< 0a 0400\n> 0b bb\n< 0a 0500\n> 0b cc\n");
  has(&a, "3 aa,4 bb,5 cc");
  asker_end(&a);
}

static void as_many_handles_as_fit_are_asked_for(void **state) {
  asker a;

  (void) state;
  read_n(&a, 14); /* 11 of them in 23 octets */
  play(&a, "< 20 0300 0400 0500 0600 0700 0800 0900 0a00 0b00 0c00 0d00\n"
           "> 21 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000\n"
           "< 20 0e00 0f00 1000\n> 21 0000 0000 0100 aa\n");
  has(&a, "3 ,4 ,5 ,6 ,7 ,8 ,9 ,a ,b ,c ,d ,e ,f ,10 aa");
  asker_end(&a);
}

static void a_server_that_does_not_know_it_is_read_one_by_one(void **state) {
  asker a;

  (void) state;
  read_n(&a, 2);
  play(&a, "< 20 0300 0400\n> 01 20 0000 06\n< 0a 0300\n> 0b aa\n< 0a 0400\n> 0b bb\n");
  has(&a, "3 aa,4 bb");
  asker_end(&a);
}

static void ends(asker *a, const char *lines, int status) {
  play(a, lines);
  assert_int_equal(a->calls, 1);
  assert_int_equal(a->status, status);
  asker_end(a);
}

static void the_error_of_one_is_that_of_all(void **state) {
  asker a;

  (void) state;
  read_n(&a, 2);
  ends(&a, "< 20 0300 0400\n> 01 20 0400 02\n", AIOBLE_ERR_ATT(AB_ATT_ERR_READ_NOT_PERMITTED));
  read_n(&a, 2);
  ends(&a, "< 20 0300 0400\n> 01 20 0000 06\n< 0a 0300\n> 0b aa\n< 0a 0400\n> 01 0a 0400 05\n",
       AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
}

static void more_values_than_asked_for_or_a_longer_one_is_eproto(void **state) {
  asker a;

  (void) state;
  read_n(&a, 2);
  ends(&a, "< 20 0300 0400\n> 21 0000 0000 0000\n", AIOBLE_EPROTO);
  read_n(&a, 2);
  ends(&a, "< 20 0300 0400\n> 21 0000 0000 00\n", AIOBLE_EPROTO);
  read_n(&a, 2);
  ends(&a, "< 20 0300 0400\n> 21 0102 00\n", AIOBLE_EPROTO);
}

/* ---- Read Using Characteristic UUID ---- */

static void all_with_that_uuid_are_found(void **state) {
  asker a;

  (void) state;
  find(&a, 8, 1, 0xffff);
  play(&a, "< 08 0100 ffff 6e2a\n> 09 04 0300 aabb 0500 ccdd\n"
           "< 08 0600 ffff 6e2a\n> 09 03 0900 ee\n< 08 0a00 ffff 6e2a\n> 01 08 0a00 0a\n");
  has(&a, "3 aabb,5 ccdd,9 ee");
  asker_end(&a);
  find(&a, 8, 4, 6);
  play(&a, "< 08 0400 0600 6e2a\n> 01 08 0400 0a\n");
  has(&a, "");
  asker_end(&a);
}

/* an entry holds MTU - 4 octets of the value, and never more than 253 */
static void a_value_that_may_be_cut_is_read(void **state) {
  asker a;

  (void) state;
  find(&a, 8, 1, 9);
  play(&a, "< 08 0100 0900 6e2a\n> 09 15 0300 aa*19\n< 08 0400 0900 6e2a\n> 09 14 0900 bb*18\n"
           "< 0a 0300\n> 0b aa*22\n< 0c 0300 1600\n> 01 0c 0300 0b\n");
  has(&a, "3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
          "9 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  asker_end(&a);
  asker_init(&a, 8);
  play(&a, "> 02 0502\n< 03 0502\n");
  ab_gatt_values_find(a.values, 1, 9, &(aioble_uuid_t){2, {0x6e, 0x2a}}, on_values);
  play(&a, "< 08 0100 0900 6e2a\n> 09 ff 0300 aa*253\n< 08 0400 0900 6e2a\n> 09 fe 0900 bb*252\n"
           "< 0a 0300\n> 0b aa*254\n");
  assert_int_equal(a.status, 0);
  assert_int_equal(a.values->at[0].value->len, 254);
  assert_int_equal(a.values->at[1].value->len, 252);
  asker_end(&a);
}

static void too_many_are_enobufs(void **state) {
  asker a;

  (void) state;
  find(&a, 2, 1, 0xffff);
  ends(&a, "< 08 0100 ffff 6e2a\n> 09 03 0300 aa 0400 bb 0500 cc\n", AIOBLE_ENOBUFS);
}

static void what_cannot_be_read_is_told(void **state) {
  asker a;

  (void) state;
  find(&a, 8, 1, 0xffff);
  ends(&a, "< 08 0100 ffff 6e2a\n> 09 03 0300 aa\n< 08 0400 ffff 6e2a\n> 01 08 0900 02\n",
       AIOBLE_ERR_ATT(AB_ATT_ERR_READ_NOT_PERMITTED));
  find(&a, 8, 1, 0xffff);
  ends(&a, "< 08 0100 ffff 6e2a\n> 09 03 0300 aa 0300 bb\n", AIOBLE_EPROTO);
  find(&a, 8, 1, 0xffff);
  ends(&a, "< 08 0100 ffff 6e2a\n> 09 01 03\n", AIOBLE_EPROTO);
  asker_init(&a, 8);
  ab_gatt_values_find(a.values, 1, 9, &(aioble_uuid_t){0}, on_values);
  ends(&a, "", AIOBLE_EINVAL);
}

/* ---- ending ---- */

static void a_stopped_one_asks_for_nothing_more(void **state) {
  asker a;

  (void) state;
  read_n(&a, 2);
  play(&a, "< 20 0300 0400\n");
  ab_gatt_values_stop(a.values);
  play(&a, "> 21 0100 aa 0100 bb\n");
  asker_end(&a);
  read_n(&a, 2);
  a.stop = true;
  play(&a, "< 20 0300 0400\n> 21 0100 aa\n");
  asker_end(&a);
  read_n(&a, 2);
  play(&a, "< 20 0300 0400\n> 21 0100 aa\n< 0a 0400\n");
  a.stop = true;
  play(&a, "> 0b bb*22\n");
  asker_end(&a);
  find(&a, 8, 1, 9);
  a.stop = true;
  play(&a, "< 08 0100 0900 6e2a\n> 09 03 0300 aa\n");
  assert_int_equal(a.calls, 0);
  asker_end(&a);
}

static void the_end_of_the_link_is_told(void **state) {
  asker a;

  (void) state;
  for (int i = 0; i < 3; i++) {
    if (i < 2)
      read_n(&a, 2);
    else
      find(&a, 8, 1, 9);
    play(&a, i < 2 ? "< 20 0300 0400\n" : "< 08 0100 0900 6e2a\n");
    if (i == 1)
      play(&a, "> 21 0100 aa\n< 0a 0400\n");
    ab_att_close(&a.peer->att, AIOBLE_ENOTCONN);
    ends(&a, "", AIOBLE_ENOTCONN);
  }
}

static void each_allocation_may_fail(void **state) {
  ab_buf *held[8];

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    unsigned n = 0;
    asker a;

    read_n(&a, 2);
    play(&a, "< 20 0300 0400\n");
    a.peer->bufs.idle_limit = 0; /* nor does the request go back there */
    while (!ab_list_empty(&a.peer->bufs.free))
      held[n++] = ab_buf_new(&a.peer->bufs, 1);
    fake_env_fail_at(a.peer->env,
                     i == 0 ? 1 : 2); /* the first value, the second, the next request */
    play(&a, i < 2 ? "> 21 0100 aa 0100 bb\n" : "> 21 0100 aa\n");
    fake_env_advance(a.peer->env, 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.status, AIOBLE_ENOMEM);
    while (n > 0)
      ab_buf_free(held[--n]);
    asker_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_request_reads_all_that_fit),
      cmocka_unit_test(one_value_is_simply_read),
      cmocka_unit_test(what_was_left_out_is_asked_for_again),
      cmocka_unit_test(what_was_cut_is_asked_for_again),
      cmocka_unit_test(what_fits_no_response_is_read_for_itself),
      cmocka_unit_test(an_empty_response_still_gets_on),
      cmocka_unit_test(as_many_handles_as_fit_are_asked_for),
      cmocka_unit_test(a_server_that_does_not_know_it_is_read_one_by_one),
      cmocka_unit_test(the_error_of_one_is_that_of_all),
      cmocka_unit_test(more_values_than_asked_for_or_a_longer_one_is_eproto),
      cmocka_unit_test(all_with_that_uuid_are_found),
      cmocka_unit_test(a_value_that_may_be_cut_is_read),
      cmocka_unit_test(too_many_are_enobufs),
      cmocka_unit_test(what_cannot_be_read_is_told),
      cmocka_unit_test(a_stopped_one_asks_for_nothing_more),
      cmocka_unit_test(the_end_of_the_link_is_told),
      cmocka_unit_test(each_allocation_may_fail),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
