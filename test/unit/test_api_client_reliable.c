/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WRITE = AIOBLE_PROP_WRITE };

typedef struct peer {
  client_bed *bed;
  aioble_client_char_t *chr;  /* handle 3 */
  aioble_client_desc_t *desc; /* handle 4 */
} peer;

static peer peer_new(void) {
  peer p = {.bed = client_bed_new()};
  aioble_op_t *op;

  p.chr = client_bed_char(p.bed, WRITE);
  op = aioble_client_char_desc(p.chr, aioble_uuid16(0x2901));
  client_bed_play(p.bed, "< 04 0400 0900\n> 05 01 0400 0129\n");
  p.desc = aioble_client_desc_ref(aioble_op_desc(op));
  aioble_op_unref(op);
  return p;
}

static void peer_free(peer *p) {
  aioble_client_desc_unref(p->desc);
  aioble_client_char_unref(p->chr);
  client_bed_free(p->bed);
}

static void all_are_written_at_once(void **state) {
  peer p = peer_new();
  char data[] = "abc";
  const aioble_write_t writes[] = {{.chr = p.chr, .data = data, .len = 3},
                                   {.desc = p.desc, .data = data, .len = 2, .offset = 7},
                                   {.chr = p.chr, .offset = 512}};
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_conn_write_reliable(p.bed->conn, writes, 3));
  data[0] = 'x'; /* they were copied */
  client_bed_play(p.bed, "< 16 0300 0000 616263\n> 17 0300 0000 616263\n"
                         "< 16 0400 0700 6162\n> 17 0400 0700 6162\n"
                         "< 16 0300 0002\n> 17 0300 0002\n< 18 01\n");
  assert_int_equal(o.calls, 0);
  client_bed_play(p.bed, "> 19\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  peer_free(&p);
}

static void a_long_descriptor_is_prepared(void **state) {
  peer p = peer_new();
  uint8_t data[21] = {0};
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_desc_write(p.desc, data, 21));
  client_bed_play(p.bed, "< 16 0400 0000 00*18\n> 17 0400 0000 00*18\n"
                         "< 16 0400 1200 00*3\n> 17 0400 1200 00*2 01\n< 18 00\n> 19\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_EPROTO);
  peer_free(&p);
}

static void what_makes_no_sense_is_refused_before_anything_is_sent(void **state) {
  peer p = peer_new(), other = peer_new();
  const struct {
    aioble_write_t write;
    int status;
  } cases[] = {
      {{.data = "a", .len = 1}, AIOBLE_EINVAL},
      {{.chr = p.chr, .desc = p.desc, .data = "a", .len = 1}, AIOBLE_EINVAL},
      {{.chr = p.chr, .len = 1}, AIOBLE_EINVAL},
      {{.chr = other.chr, .data = "a", .len = 1}, AIOBLE_EINVAL},
      {{.chr = p.chr, .data = "a", .len = 1, .offset = 512}, AIOBLE_EMSGSIZE},
      {{.chr = p.chr, .data = "a", .len = SIZE_MAX}, AIOBLE_EMSGSIZE},
  };
  outcome o;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    aioble_write_t writes[2] = {{.chr = p.chr, .data = "a", .len = 1}, cases[i].write};

    client_bed_then(&o, aioble_conn_write_reliable(p.bed->conn, writes, 2));
    client_bed_run_ms(p.bed, 0);
    assert_int_equal(o.status, cases[i].status);
  }
  client_bed_then(&o, aioble_conn_write_reliable(p.bed->conn, &cases[0].write, 0));
  client_bed_run_ms(p.bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  client_bed_then(&o, aioble_conn_write_reliable(p.bed->conn, NULL, 1));
  client_bed_run_ms(p.bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  assert_int_equal(aioble_op_finish(aioble_conn_write_reliable(NULL, NULL, 1)), AIOBLE_ENOTCONN);
  peer_free(&other);
  peer_free(&p);
}

/* the op settles at once; what was prepared is cancelled, then the next one has its turn */
static void cancelling_or_timing_out_leaves_the_cancelling_to_the_link(void **state) {
  (void) state;
  for (int by_time = 0; by_time < 2; by_time++) {
    peer p = peer_new();
    uint8_t data[40] = {0};
    outcome o, next;

    client_bed_then(&o, aioble_client_char_write(p.chr, data, 40, AIOBLE_WRITE_REQUEST));
    client_bed_play(p.bed, "< 16 0300 0000 00*18\n> 17 0300 0000 00*18\n< 16 0300 1200 00*18\n");
    if (by_time)
      client_bed_run_ms(p.bed, 1000);
    else
      aioble_op_cancel(o.op);
    client_bed_run_ms(p.bed, 0);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.status, by_time ? AIOBLE_ETIMEDOUT : AIOBLE_ECANCELED);
    client_bed_then(&next, aioble_client_char_write(p.chr, data, 21, AIOBLE_WRITE_REQUEST));
    client_bed_play(p.bed, "> 17 0300 1200 00*18\n< 18 00\n> 19\n< 16 0300 0000 00*18\n"
                           "> 17 0300 0000 00*18\n< 16 0300 1200 00*3\n> 17 0300 1200 00*3\n"
                           "< 18 01\n> 19\n");
    assert_int_equal(o.calls, 1);
    assert_int_equal(next.status, 0);
    peer_free(&p);
  }
}

static void each_request_has_one_second(void **state) {
  peer p = peer_new();
  uint8_t data[30] = {0};
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
  client_bed_run_ms(p.bed, 999);
  client_bed_play(p.bed, "< 16 0300 0000 00*18\n> 17 0300 0000 00*18\n< 16 0300 1200 00*12\n");
  client_bed_run_ms(p.bed, 999);
  client_bed_play(p.bed, "> 17 0300 1200 00*12\n< 18 01\n");
  client_bed_run_ms(p.bed, 999);
  assert_int_equal(o.calls, 0);
  client_bed_play(p.bed, "> 19\n");
  assert_int_equal(o.status, 0);
  client_bed_then(&o, aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
  aioble_op_set_timeout(o.op, 1500); /* the caller's own is for all */
  client_bed_run_ms(p.bed, 999);
  client_bed_play(p.bed, "< 16 0300 0000 00*18\n> 17 0300 0000 00*18\n< 16 0300 1200 00*12\n");
  client_bed_run_ms(p.bed, 501);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  client_bed_play(p.bed, "> 17 0300 1200 00*12\n< 18 00\n> 19\n");
  assert_int_equal(o.calls, 1);
  peer_free(&p);
}

static void all_end_with_the_link(void **state) {
  peer p = peer_new();
  uint8_t data[30] = {0};
  outcome o[3];

  (void) state;
  client_bed_then(&o[0], aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
  client_bed_then(&o[1], aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
  client_bed_play(p.bed, "< 16 0300 0000 00*18\n> 17 0300 0000 00*18\n< 16 0300 1200 00*12\n");
  client_bed_disconnect(p.bed);
  client_bed_then(&o[2], aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
  client_bed_run_ms(p.bed, 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  peer_free(&p);
}

static void each_allocation_may_fail(void **state) {
  (void) state;
  for (unsigned n = 1; n < 5; n++) {
    peer p = peer_new();
    uint8_t data[30] = {0};
    ab_buf *spare[64];
    unsigned held = 0;
    outcome o;

    while (!ab_list_empty(&p.bed->ble->bufs.free))
      spare[held++] = ab_buf_new(&p.bed->ble->bufs, 1);
    fake_env_fail_at(p.bed->memory, n);
    client_bed_then(&o, aioble_client_char_write(p.chr, data, 30, AIOBLE_WRITE_REQUEST));
    client_bed_run_ms(p.bed, 1000);
    assert_int_equal(o.calls, 1);
    assert_true(o.status == AIOBLE_ENOMEM || o.status == AIOBLE_ETIMEDOUT);
    fake_env_fail_at(p.bed->memory, 0);
    pdu_script_end(&p.bed->script, 0);
    while (held > 0)
      ab_buf_free(spare[--held]);
    peer_free(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_are_written_at_once),
      cmocka_unit_test(a_long_descriptor_is_prepared),
      cmocka_unit_test(what_makes_no_sense_is_refused_before_anything_is_sent),
      cmocka_unit_test(cancelling_or_timing_out_leaves_the_cancelling_to_the_link),
      cmocka_unit_test(each_request_has_one_second),
      cmocka_unit_test(all_end_with_the_link),
      cmocka_unit_test(each_allocation_may_fail),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
