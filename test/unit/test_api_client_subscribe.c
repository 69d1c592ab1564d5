/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOTIFY = AIOBLE_PROP_NOTIFY, BOTH = AIOBLE_PROP_NOTIFY | AIOBLE_PROP_INDICATE };

#define FIND_CCCD "< 04 0400 0900\n> 05 01 0400 0229\n"

static void the_cccd_is_found_once_and_written_with_both_bits(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_play(bed, FIND_CCCD "< 12 0400 0100\n");
  assert_int_equal(o.calls, 0);
  client_bed_play(bed, "> 13\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  client_bed_then(
      &o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY | AIOBLE_SUBSCRIBE_INDICATE));
  client_bed_play(bed, "< 12 0400 0300\n> 13\n");
  assert_int_equal(o.status, 0);
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_INDICATE));
  client_bed_play(bed, "< 12 0400 0200\n> 01 12 0400 fd\n");
  assert_int_equal(o.status, AIOBLE_ERR_ATT(AB_ATT_ERR_CCCD_IMPROPERLY_CONFIGURED));
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NONE));
  client_bed_play(bed, "< 12 0400 0000\n> 13\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void what_it_cannot_do_is_refused_without_asking(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_INDICATE));
  assert_int_equal(o.calls, 0); /* never inline */
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ENOTSUP);
  client_bed_then(&o, aioble_client_char_subscribe(chr, 4));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EINVAL);
  client_bed_then(&o, aioble_client_char_indicated(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ENOTSUP);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void no_cccd_is_enoent(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_play(bed, "< 04 0400 0900\n> 05 01 0400 0129 0500 0328 0600 6e2a 0700 0229\n");
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOENT);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_subscription_can_be_cancelled_at_each_step(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome o;

  (void) state;
  /* while looking for the descriptor: it is found, but not written any more */
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  aioble_op_cancel(o.op);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
  client_bed_play(bed, FIND_CCCD);
  /* while writing: the late response goes to nobody */
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_play(bed, "< 12 0400 0100\n");
  aioble_op_cancel(o.op);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
  client_bed_play(bed, "> 13\n");
  client_bed_run_ms(bed, 40000);
  assert_int_equal(o.calls, 1);
  assert_int_equal(bed->broken, 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

/* several at once: it is looked for once, and the last one asked for is in force in the end */
static void they_take_effect_in_the_order_they_were_asked_for(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  outcome o[4];

  (void) state;
  client_bed_then(&o[0], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_then(&o[1], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_INDICATE));
  client_bed_then(&o[2], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NONE));
  aioble_op_cancel(o[0].op); /* the others still wait for what it has begun */
  client_bed_play(bed, FIND_CCCD "< 12 0400 0200\n");
  client_bed_then(&o[3], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_play(bed, "> 13\n< 12 0400 0000\n> 13\n< 12 0400 0100\n> 13\n");
  assert_int_equal(o[0].status, AIOBLE_ECANCELED);
  for (int i = 1; i < 4; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, 0);
  }
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void all_end_with_the_link(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  outcome o[3];

  (void) state;
  client_bed_then(&o[0], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_then(&o[1], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_INDICATE));
  client_bed_play(bed, "< 04 0400 0900\n");
  aioble_client_char_unref(chr); /* the ops keep it */
  client_bed_disconnect(bed);
  client_bed_run_ms(bed, 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  client_bed_free(bed);
}

static void a_subscription_has_two_seconds_in_all(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_run_ms(bed, 1500);
  client_bed_play(bed, FIND_CCCD "< 12 0400 0100\n");
  client_bed_run_ms(bed, 499);
  assert_int_equal(o.calls, 0);
  client_bed_run_ms(bed, 1);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cccd_is_found_once_and_written_with_both_bits),
      cmocka_unit_test(what_it_cannot_do_is_refused_without_asking),
      cmocka_unit_test(no_cccd_is_enoent),
      cmocka_unit_test(a_subscription_can_be_cancelled_at_each_step),
      cmocka_unit_test(they_take_effect_in_the_order_they_were_asked_for),
      cmocka_unit_test(all_end_with_the_link),
      cmocka_unit_test(a_subscription_has_two_seconds_in_all),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
