/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
  READ = AIOBLE_PROP_READ,
  WRITE = AIOBLE_PROP_WRITE,
  COMMAND = AIOBLE_PROP_WRITE_NO_RESPONSE,
};

static void a_read_gives_the_value_or_the_peers_error(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_read(chr));
  client_bed_play(bed, "< 0a 0300\n> 0b 0102\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  assert_int_equal(o.len, 2);
  assert_memory_equal(o.value, "\1\2", 2);
  client_bed_then(&o, aioble_client_char_read(chr));
  client_bed_play(bed, "< 0a 0300\n> 01 0a 0300 05\n");
  assert_int_equal(o.status, AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION));
  assert_int_equal(o.len, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_long_read_has_one_second_for_each_request(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_read(chr));
  client_bed_run_ms(bed, 999);
  client_bed_play(bed, "< 0a 0300\n> 0b 00*22\n< 0c 0300 1600\n");
  client_bed_run_ms(bed, 999);
  client_bed_play(bed, "> 0d 00*22\n< 0c 0300 2c00\n");
  client_bed_run_ms(bed, 999);
  assert_int_equal(o.calls, 0);
  client_bed_run_ms(bed, 1);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  client_bed_play(bed, "> 0d 00*22\n"); /* late: no further request */
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_time_limit_of_the_callers_own_holds_for_the_whole_read(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_read(chr));
  aioble_op_set_timeout(o.op, 1500);
  client_bed_run_ms(bed, 1400);
  client_bed_play(bed, "< 0a 0300\n> 0b 00*22\n< 0c 0300 1600\n");
  client_bed_run_ms(bed, 100);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  client_bed_play(bed, "> 0d\n");

  client_bed_then(&o, aioble_client_char_read(chr));
  aioble_op_set_timeout(o.op, AIOBLE_FOREVER);
  client_bed_run_ms(bed, 20000);
  client_bed_play(bed, "< 0a 0300\n> 0b 00*22\n< 0c 0300 1600\n");
  client_bed_run_ms(bed, 20000);
  assert_int_equal(o.calls, 0);
  client_bed_play(bed, "> 0d 01\n");
  assert_int_equal(o.status, 0);
  assert_int_equal(o.len, 23);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

/* the late response of one never answers another */
static void a_read_that_ended_early_keeps_its_slot(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  outcome a, b, c;

  (void) state;
  client_bed_then(&a, aioble_client_char_read(chr));
  client_bed_then(&b, aioble_client_char_read(chr));
  client_bed_then(&c, aioble_client_char_read(chr));
  aioble_op_set_timeout(c.op, 5000);
  aioble_op_cancel(a.op);
  client_bed_run_ms(bed, 1000);
  assert_int_equal(a.status, AIOBLE_ECANCELED);
  assert_int_equal(b.status, AIOBLE_ETIMEDOUT); /* it was never sent */
  client_bed_play(bed, "< 0a 0300\n> 0b 0a\n< 0a 0300\n> 0b 0c\n");
  assert_int_equal(c.status, 0);
  assert_int_equal(c.value[0], 0x0c);
  assert_int_equal(a.calls + b.calls + c.calls, 3);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void after_thirty_seconds_the_link_is_broken(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  outcome o, w;

  (void) state;
  client_bed_then(&o, aioble_client_char_read(chr));
  aioble_op_set_timeout(o.op, AIOBLE_FOREVER);
  client_bed_play(bed, "< 0a 0300\n");
  client_bed_run_ms(bed, 30000);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  assert_int_equal(bed->broken, 1);
  client_bed_then(&o, aioble_client_char_read(chr));
  client_bed_then(&w, aioble_client_char_write(chr, "x", 1, AIOBLE_WRITE_NO_RESPONSE));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  assert_int_equal(w.status, AIOBLE_ENOTCONN);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void the_mode_decides_how_a_write_goes(void **state) {
  static const struct {
    unsigned properties;
    aioble_write_mode_t mode;
    bool command;
  } cases[] = {
      {WRITE, AIOBLE_WRITE_AUTO, false},      {WRITE | COMMAND, AIOBLE_WRITE_AUTO, false},
      {COMMAND, AIOBLE_WRITE_AUTO, true},     {0, AIOBLE_WRITE_AUTO, false},
      {COMMAND, AIOBLE_WRITE_REQUEST, false}, {WRITE, AIOBLE_WRITE_NO_RESPONSE, true},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    client_bed *bed = client_bed_new();
    aioble_client_char_t *chr = client_bed_char(bed, cases[i].properties);
    outcome o;

    client_bed_then(&o, aioble_client_char_write(chr, "ab", 2, cases[i].mode));
    client_bed_run_ms(bed, 0);
    assert_int_equal(o.calls, 0); /* neither taken by the controller nor answered */
    client_bed_play(bed, cases[i].command ? "< 52 0300 6162\n" : "< 12 0300 6162\n> 13\n");
    client_bed_run_ms(bed, 0);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.status, 0);
    aioble_client_char_unref(chr);
    client_bed_free(bed);
  }
}

static void too_long_is_refused_before_anything_is_sent(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, WRITE);
  uint8_t data[513] = {0};
  outcome o, p, q;

  (void) state;
  client_bed_then(&o, aioble_client_char_write(chr, data, 513, AIOBLE_WRITE_REQUEST));
  client_bed_then(&q, aioble_client_char_write(chr, data, SIZE_MAX, AIOBLE_WRITE_REQUEST));
  client_bed_then(&p, aioble_client_char_write(chr, data, 21, AIOBLE_WRITE_NO_RESPONSE));
  assert_int_equal(aioble_client_char_try_write(chr, data, 21), AIOBLE_EMSGSIZE);
  assert_int_equal(o.calls, 0);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EMSGSIZE);
  assert_int_equal(p.status, AIOBLE_EMSGSIZE);
  assert_int_equal(q.status, AIOBLE_EMSGSIZE);
  client_bed_play(bed, "> 02 1800\n< 03 0502\n");
  client_bed_then(&o, aioble_client_char_write(chr, data, 21, AIOBLE_WRITE_REQUEST));
  client_bed_play(bed, "< 12 0300 00*21\n> 13\n");
  assert_int_equal(o.status, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void what_fits_no_request_is_prepared(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, WRITE);
  uint8_t data[21] = {0};
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_write(chr, data, 20, AIOBLE_WRITE_AUTO));
  client_bed_play(bed, "< 12 0300 00*20\n> 13\n");
  assert_int_equal(o.status, 0);
  client_bed_then(&o, aioble_client_char_write(chr, data, 21, AIOBLE_WRITE_AUTO));
  client_bed_play(bed, "< 16 0300 0000 00*18\n> 17 0300 0000 00*18\n"
                       "< 16 0300 1200 00*3\n> 17 0300 1200 00*3\n< 18 01\n> 19\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void the_try_form_queues_until_4_kib_wait(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, WRITE);

  (void) state;
  assert_int_equal(aioble_client_char_try_write(chr, "a", 1), 0);
  assert_true(bed->turn_wanted);
  client_bed_play(bed, "< 52 0300 61\n");
  bed->conn->link.hci.tx_queued = 4095;
  assert_int_equal(aioble_client_char_try_write(chr, NULL, 0), 0);
  client_bed_play(bed, "< 52 0300\n");
  bed->conn->link.hci.tx_queued = 4096;
  assert_int_equal(aioble_client_char_try_write(chr, "a", 1), AIOBLE_EAGAIN);
  bed->conn->link.hci.tx_queued = 0;
  assert_int_equal(aioble_client_char_try_write(chr, NULL, 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_client_char_try_write(NULL, "a", 1), AIOBLE_ENOTCONN);
  client_bed_disconnect(bed);
  assert_int_equal(aioble_client_char_try_write(chr, "a", 1), AIOBLE_ENOTCONN);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static aioble_client_char_t *another_char(client_bed *bed, aioble_client_char_t *chr) {
  aioble_op_t *op =
      aioble_client_service_char(aioble_client_char_service(chr), aioble_uuid16(0x2a6f));
  aioble_client_char_t *other;

  client_bed_play(bed, "< 08 0100 0900 0328\n> 09 07 0600 0a 0700 6f2a\n");
  other = aioble_client_char_ref(aioble_op_char(op));
  aioble_op_unref(op);
  return other;
}

static void several_are_read_behind_each_other_unless_they_may_be_cut(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ), *both[2];
  aioble_client_char_t *many[12];
  outcome o;

  (void) state;
  both[0] = chr;
  both[1] = another_char(bed, chr);
  client_bed_then(&o, aioble_client_read_multiple(both, 2));
  client_bed_play(bed, "< 0e 0300 0700\n> 0f 616263\n");
  assert_int_equal(o.status, 0);
  assert_int_equal(o.len, 3);
  assert_memory_equal(o.value, "abc", 3);
  client_bed_then(&o, aioble_client_read_multiple(both, 2));
  client_bed_play(bed, "< 0e 0300 0700\n> 0f 61*22\n");
  assert_int_equal(o.status, AIOBLE_EMSGSIZE);
  client_bed_then(&o, aioble_client_read_multiple(both, 2));
  client_bed_play(bed, "< 0e 0300 0700\n> 0f 61*21\n");
  assert_int_equal(o.len, 21);
  client_bed_then(&o, aioble_client_read_multiple(both, 2));
  client_bed_play(bed, "< 0e 0300 0700\n> 01 0e 0700 02\n");
  assert_int_equal(o.status, AIOBLE_ERR_ATT(2));
  client_bed_then(&o, aioble_client_read_multiple(both, 1));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  for (size_t i = 0; i < 12; i++)
    many[i] = chr;
  client_bed_then(&o, aioble_client_read_multiple(many, 12)); /* 11 fit in 23 octets */
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EMSGSIZE);
  aioble_client_char_unref(both[1]);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void bad_arguments_are_einval(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, WRITE);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_write(chr, NULL, 1, AIOBLE_WRITE_AUTO));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  client_bed_then(&o, aioble_client_char_write(chr, "a", 1, (aioble_write_mode_t) 4));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  client_bed_then(&o, aioble_client_char_write(chr, NULL, 0, AIOBLE_WRITE_AUTO));
  client_bed_play(bed, "< 12 0300\n> 13\n");
  assert_int_equal(o.status, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_command_that_was_cancelled_is_still_taken_once(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, COMMAND);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_AUTO));
  aioble_op_cancel(o.op);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
  client_bed_play(bed, "< 52 0300 61\n");
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void descriptors_are_read_and_written(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ);
  aioble_op_t *op = aioble_client_char_desc(chr, aioble_uuid16(0x2901));
  aioble_client_desc_t *desc;
  outcome o;

  (void) state;
  client_bed_play(bed, "< 04 0400 0900\n> 05 01 0400 0129\n");
  desc = aioble_client_desc_ref(aioble_op_desc(op));
  aioble_op_unref(op);
  client_bed_then(&o, aioble_client_desc_write(desc, "a", 1));
  client_bed_play(bed, "< 12 0400 61\n> 13\n");
  assert_int_equal(o.status, 0);
  client_bed_then(&o, aioble_client_desc_read(desc));
  client_bed_play(bed, "< 0a 0400\n> 0b 61\n");
  assert_int_equal(o.len, 1);
  aioble_client_desc_unref(desc);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void everything_pending_ends_with_the_link(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ | WRITE);
  outcome o[5];

  (void) state;
  client_bed_then(&o[0], aioble_client_char_read(chr));
  client_bed_then(&o[1], aioble_client_char_read(chr));
  client_bed_then(&o[2], aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_REQUEST));
  client_bed_then(&o[3], aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_NO_RESPONSE));
  client_bed_disconnect(bed);
  client_bed_then(&o[4], aioble_client_char_read(chr));
  aioble_client_char_unref(chr);
  client_bed_run_ms(bed, 0);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  client_bed_free(bed);
}

/* in the steady state a read and a write allocate nothing */
static void reads_and_writes_cost_no_allocation(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, READ | WRITE);
  unsigned before = 0;
  outcome o;

  (void) state;
  for (int i = 0; i < 20; i++) {
    if (i == 1)
      before = fake_env_allocs(bed->memory);
    client_bed_then(&o, aioble_client_char_read(chr));
    client_bed_play(bed, "< 0a 0300\n> 0b 01\n");
    assert_int_equal(o.status, 0);
    client_bed_then(&o, aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_AUTO));
    client_bed_play(bed, "< 12 0300 61\n> 13\n");
    assert_int_equal(o.status, 0);
  }
  assert_int_equal(fake_env_allocs(bed->memory), before);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void each_allocation_may_fail(void **state) {
  (void) state;
  for (unsigned n = 1; n < 6; n++) {
    client_bed *bed = client_bed_new();
    aioble_client_char_t *chr = client_bed_char(bed, READ | WRITE);
    ab_buf *spare[64];
    unsigned held = 0;
    outcome o;

    while (!ab_list_empty(&bed->ble->bufs.free))
      spare[held++] = ab_buf_new(&bed->ble->bufs, 1);
    fake_env_fail_at(bed->memory, n);
    client_bed_then(&o, aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_REQUEST));
    client_bed_run_ms(bed, 1000);
    assert_int_equal(o.calls, 1);
    assert_true(o.status == AIOBLE_ENOMEM || o.status == AIOBLE_ETIMEDOUT);
    fake_env_fail_at(bed->memory, 0);
    pdu_script_end(&bed->script, 0);
    while (held > 0)
      ab_buf_free(spare[--held]);
    aioble_client_char_unref(chr);
    client_bed_free(bed);
  }
}

static void null_handles_are_not_connected(void **state) {
  aioble_op_t *ops[] = {aioble_client_char_read(NULL), aioble_client_desc_read(NULL),
                        aioble_client_char_write(NULL, "a", 1, AIOBLE_WRITE_AUTO),
                        aioble_client_desc_write(NULL, "a", 1),
                        aioble_client_read_multiple(NULL, 2)};

  (void) state;
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(aioble_op_finish(ops[i]), AIOBLE_ENOTCONN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_read_gives_the_value_or_the_peers_error),
      cmocka_unit_test(a_long_read_has_one_second_for_each_request),
      cmocka_unit_test(a_time_limit_of_the_callers_own_holds_for_the_whole_read),
      cmocka_unit_test(a_read_that_ended_early_keeps_its_slot),
      cmocka_unit_test(after_thirty_seconds_the_link_is_broken),
      cmocka_unit_test(the_mode_decides_how_a_write_goes),
      cmocka_unit_test(too_long_is_refused_before_anything_is_sent),
      cmocka_unit_test(what_fits_no_request_is_prepared),
      cmocka_unit_test(the_try_form_queues_until_4_kib_wait),
      cmocka_unit_test(several_are_read_behind_each_other_unless_they_may_be_cut),
      cmocka_unit_test(bad_arguments_are_einval),
      cmocka_unit_test(a_command_that_was_cancelled_is_still_taken_once),
      cmocka_unit_test(descriptors_are_read_and_written),
      cmocka_unit_test(everything_pending_ends_with_the_link),
      cmocka_unit_test(reads_and_writes_cost_no_allocation),
      cmocka_unit_test(each_allocation_may_fail),
      cmocka_unit_test(null_handles_are_not_connected),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
