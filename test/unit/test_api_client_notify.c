/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOTIFY = AIOBLE_PROP_NOTIFY, BOTH = AIOBLE_PROP_NOTIFY | AIOBLE_PROP_INDICATE };

#define FIND_CCCD "< 04 0400 0900\n> 05 01 0400 0229\n"

static uint64_t stat_dropped(const client_bed *bed) {
  aioble_stats_t stats;

  aioble_stats(bed->ble, &stats);
  return stats.notifications_dropped;
}

/* ---- the queue ---- */

static void a_value_that_overtakes_the_response_is_kept(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome o, v;

  (void) state;
  client_bed_then(&o, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_play(bed, FIND_CCCD "< 12 0400 0100\n> 1b 0300 07\n> 13\n");
  client_bed_then(&v, aioble_client_char_notified(chr));
  assert_int_equal(v.calls, 0);
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.calls, 1);
  assert_int_equal(v.status, 0);
  assert_int_equal(v.len, 1);
  assert_int_equal(v.value[0], 7);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_value_before_the_discovery_is_kept(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr;
  outcome v;

  (void) state;
  client_bed_play(bed, "> 1b 0300 07\n");
  chr = client_bed_char(bed, NOTIFY);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.value[0], 7);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void waiters_are_served_in_turn_and_kinds_do_not_mix(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  outcome a, b, i;

  (void) state;
  client_bed_then(&a, aioble_client_char_notified(chr));
  client_bed_then(&b, aioble_client_char_notified(chr));
  client_bed_then(&i, aioble_client_char_indicated(chr));
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.value[0], 1);
  assert_int_equal(b.calls + i.calls, 0);
  client_bed_play(bed, "> 1d 0300 02\n< 1e\n");
  assert_int_equal(i.calls, 1);
  assert_int_equal(i.value[0], 2);
  assert_int_equal(b.calls, 0);
  client_bed_play(bed, "> 1b 0300 03\n");
  assert_int_equal(b.value[0], 3);
  assert_int_equal(a.calls + b.calls + i.calls, 3);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_cancelled_waiter_takes_no_value(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome a, b;

  (void) state;
  client_bed_then(&a, aioble_client_char_notified(chr));
  client_bed_then(&b, aioble_client_char_notified(chr));
  aioble_op_cancel(a.op);
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(a.status, AIOBLE_ECANCELED);
  assert_int_equal(b.status, 0);
  assert_int_equal(b.value[0], 1);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void a_full_queue_drops_the_oldest_and_counts(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome v;
  char line[30];

  (void) state;
  client_bed_then(&v, aioble_client_char_notified(chr));
  for (int i = 0; i < 20; i++) {
    (void) snprintf(line, sizeof line, "> 1b 0300 %02x\n", i);
    client_bed_play(bed, line);
  }
  assert_int_equal(v.value[0], 0);
  assert_int_equal(aioble_client_char_dropped(chr), 3); /* 1 to 19, of which 16 stay */
  assert_int_equal(stat_dropped(bed), 3);
  assert_int_equal(aioble_client_char_set_depth(chr, 2), 0);
  assert_int_equal(aioble_client_char_dropped(chr), 17);
  assert_int_equal(aioble_client_char_set_depth(chr, 0), AIOBLE_EINVAL);
  assert_int_equal(aioble_client_char_set_depth(chr, 65536), AIOBLE_EINVAL);
  client_bed_play(bed, "> 1b 0300 20\n");
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.value[0], 19);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.value[0], 0x20);
  assert_int_equal(stat_dropped(bed), 18);
  client_bed_play(bed, "> 1b 0300 21\n");
  aioble_client_char_unref(chr); /* with a value in the queue */
  client_bed_free(bed);
}

static void two_handles_of_one_characteristic_both_get_every_value(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *one = client_bed_char(bed, NOTIFY), *two = client_bed_char(bed, NOTIFY);
  outcome a, b;

  (void) state;
  assert_ptr_not_equal(one, two);
  client_bed_then(&a, aioble_client_char_notified(one));
  client_bed_then(&b, aioble_client_char_notified(two));
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(a.value[0], 1);
  assert_int_equal(b.value[0], 1);
  aioble_client_char_unref(one);
  client_bed_play(bed, "> 1b 0300 02\n");
  client_bed_then(&b, aioble_client_char_notified(two));
  client_bed_run_ms(bed, 0);
  assert_int_equal(b.value[0], 2);
  aioble_client_char_unref(two);
  client_bed_free(bed);
}

static void after_the_link_queued_values_can_be_taken_then_enotconn(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  outcome v, waiting;

  (void) state;
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_play(bed, "> 1b 0300 01\n> 1b 0300 02\n");
  client_bed_disconnect(bed);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.status, 0);
  assert_int_equal(v.value[0], 2);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_then(&waiting, aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.status, AIOBLE_ENOTCONN);
  assert_int_equal(waiting.status, AIOBLE_ENOTCONN);
  assert_int_equal(v.calls + waiting.calls, 2);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void the_end_of_the_link_settles_all_who_wait(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  outcome o[3];

  (void) state;
  client_bed_then(&o[0], aioble_client_char_notified(chr));
  client_bed_then(&o[1], aioble_client_char_indicated(chr));
  client_bed_then(&o[2], aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY));
  aioble_client_char_unref(chr); /* the ops keep it */
  client_bed_play(bed, FIND_CCCD "< 12 0400 0100\n");
  client_bed_disconnect(bed);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  client_bed_free(bed);
}

static void no_memory_for_a_value_is_counted_or_told(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  ab_buf *spare[64];
  unsigned n = 0;
  outcome v;

  (void) state;
  client_bed_then(&v, aioble_client_char_notified(chr));
  while (!ab_list_empty(&bed->ble->bufs.free))
    spare[n++] = ab_buf_new(&bed->ble->bufs, 1);
  fake_env_fail_at(bed->memory, 1);
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(v.calls, 1);
  assert_int_equal(v.status, AIOBLE_ENOMEM);
  fake_env_fail_at(bed->memory, 1);
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(aioble_client_char_dropped(chr), 2);
  while (n > 0)
    ab_buf_free(spare[--n]);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

/* ---- the push form ---- */

typedef struct pushed {
  client_bed *bed;
  unsigned calls, indications;
  uint8_t value[64];
  bool stop, drop;
} pushed;

static void on_push(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  pushed *p = user;

  p->value[p->calls++] = value.len ? value.data[0] : 0;
  p->indications += indication;
  if (p->drop)
    aioble_client_char_unref(chr);
  if (p->stop)
    aioble_client_char_on_notify(chr, NULL, NULL);
  assert_int_equal(aioble_op_finish(aioble_client_char_read(chr)), AIOBLE_EREENTRANT);
}

static void the_push_form_gets_every_value_and_queues_none(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, BOTH);
  pushed p = {.bed = bed};
  outcome v;

  (void) state;
  aioble_client_char_on_notify(chr, on_push, &p);
  client_bed_play(bed, "> 1b 0300 01\n< 0a 0300\n> 0b\n> 1d 0300 02\n< 0a 0300\n< 1e\n> 0b\n");
  assert_int_equal(p.calls, 2);
  assert_int_equal(p.indications, 1);
  assert_int_equal(p.value[1], 2);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.status, AIOBLE_EBUSY);
  aioble_client_char_on_notify(chr, NULL, NULL);
  client_bed_play(bed, "> 1b 0300 03\n");
  assert_int_equal(p.calls, 2);
  client_bed_then(&v, aioble_client_char_notified(chr));
  client_bed_run_ms(bed, 0);
  assert_int_equal(v.value[0], 3);
  assert_int_equal(aioble_client_char_dropped(chr), 0);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void no_reads(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  pushed *p = user;

  (void) indication;
  p->value[p->calls++] = value.len ? value.data[0] : 0;
  if (p->drop)
    aioble_client_char_unref(chr);
  if (p->stop)
    aioble_client_char_on_notify(chr, NULL, NULL);
}

static void queued_values_are_pushed_first_from_the_loop(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr;
  pushed p = {.bed = bed};

  (void) state;
  client_bed_play(bed, "> 1b 0300 01\n> 1b 0300 02\n");
  chr = client_bed_char(bed, NOTIFY);
  aioble_client_char_on_notify(chr, no_reads, &p);
  assert_int_equal(p.calls, 0);
  client_bed_play(bed, "> 1b 0300 03\n");
  client_bed_run_ms(bed, 0);
  assert_int_equal(p.calls, 3);
  assert_memory_equal(p.value, "\1\2\3", 3);
  client_bed_play(bed, "> 1b 0300 04\n");
  assert_int_equal(p.calls, 4);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void the_push_form_keeps_the_characteristic_until_the_link_ends(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  pushed p = {.bed = bed};

  (void) state;
  aioble_client_char_on_notify(chr, no_reads, &p);
  aioble_client_char_unref(chr);
  client_bed_play(bed, "> 1b 0300 01\n");
  assert_int_equal(p.calls, 1);
  client_bed_free(bed); /* which asserts that it is gone */
}

static void the_callback_may_stop_itself_and_drop_the_characteristic(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, NOTIFY);
  pushed p = {.bed = bed, .stop = true, .drop = true};

  (void) state;
  aioble_client_char_on_notify(chr, no_reads, &p);
  client_bed_play(bed, "> 1b 0300 01\n> 1b 0300 02\n");
  assert_int_equal(p.calls, 1);
  client_bed_free(bed);
}

static void values_still_queued_are_pushed_when_the_link_ends(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr;
  pushed p = {.bed = bed};

  (void) state;
  client_bed_play(bed, "> 1b 0300 01\n> 1b 0300 02\n");
  chr = client_bed_char(bed, NOTIFY);
  aioble_client_char_on_notify(chr, no_reads, &p);
  client_bed_disconnect(bed);
  assert_int_equal(p.calls, 2);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void null_handles_are_not_connected(void **state) {
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_client_char_notified(NULL));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  client_bed_then(&o, aioble_client_char_indicated(NULL));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  client_bed_then(&o, aioble_client_char_subscribe(NULL, AIOBLE_SUBSCRIBE_NOTIFY));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  aioble_client_char_on_notify(NULL, no_reads, NULL);
  assert_int_equal(aioble_client_char_dropped(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_that_overtakes_the_response_is_kept),
      cmocka_unit_test(a_value_before_the_discovery_is_kept),
      cmocka_unit_test(waiters_are_served_in_turn_and_kinds_do_not_mix),
      cmocka_unit_test(a_cancelled_waiter_takes_no_value),
      cmocka_unit_test(a_full_queue_drops_the_oldest_and_counts),
      cmocka_unit_test(two_handles_of_one_characteristic_both_get_every_value),
      cmocka_unit_test(after_the_link_queued_values_can_be_taken_then_enotconn),
      cmocka_unit_test(the_end_of_the_link_settles_all_who_wait),
      cmocka_unit_test(no_memory_for_a_value_is_counted_or_told),
      cmocka_unit_test(the_push_form_gets_every_value_and_queues_none),
      cmocka_unit_test(queued_values_are_pushed_first_from_the_loop),
      cmocka_unit_test(the_push_form_keeps_the_characteristic_until_the_link_ends),
      cmocka_unit_test(the_callback_may_stop_itself_and_drop_the_characteristic),
      cmocka_unit_test(values_still_queued_are_pushed_when_the_link_ends),
      cmocka_unit_test(null_handles_are_not_connected),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
