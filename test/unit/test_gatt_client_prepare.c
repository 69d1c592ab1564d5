/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct writer {
  ab_gatt_reliable reliable;
  unsigned parts; /* that were echoed */
  unsigned calls; /* with an outcome */
  int status;
  bool stop; /* at the next part */
  struct writer *then;
} writer;

typedef struct bed {
  att_peer *peer;
  ab_gatt_client client;
} bed;

static bed *bed_new(void) {
  bed *b = calloc(1, sizeof *b);

  assert_non_null(b);
  b->peer = att_peer_new(517);
  ab_gatt_client_init(&b->client, &b->peer->att);
  return b;
}

static void bed_free(bed *b) {
  att_peer_play(b->peer, "");
  ab_gatt_client_close(&b->client, AIOBLE_ENOTCONN);
  att_peer_free(b->peer);
  free(b);
}

static void play(bed *b, const char *lines) {
  att_peer_play(b->peer, lines);
}

static void on_reliable(ab_gatt_reliable *reliable, int status) {
  writer *w = ab_container_of(reliable, writer, reliable);

  if (status == AIOBLE_EAGAIN) {
    w->parts++;
    if (w->stop)
      ab_gatt_reliable_stop(reliable);
    return;
  }
  assert_null(reliable->parts);
  w->calls++;
  w->status = status;
  if (w->then)
    assert_int_equal(ab_gatt_reliable_start(&w->then->reliable, on_reliable), 0);
}

/* len octets aa to handle 3 */
static void prepare(bed *b, writer *w, size_t len) {
  uint8_t octets[512];

  memset(octets, 0xaa, sizeof octets);
  *w = (writer){0};
  assert_true(ab_gatt_reliable_init(&w->reliable, &b->client, 1, len));
  ab_gatt_reliable_add(&w->reliable, 3, 0, octets, len);
}

static void start(bed *b, writer *w, size_t len) {
  prepare(b, w, len);
  assert_int_equal(ab_gatt_reliable_start(&w->reliable, on_reliable), 0);
  assert_int_equal(w->calls, 0);
}

static void ended(const writer *w, int status) {
  assert_int_equal(w->calls, 1);
  assert_int_equal(w->status, status);
}

static void a_value_is_prepared_in_parts_then_executed(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 40);
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n"
          "< 16 0300 1200 aa*18\n> 17 0300 1200 aa*18\n"
          "< 16 0300 2400 aa*4\n> 17 0300 2400 aa*4\n"
          "< 18 01\n");
  assert_int_equal(w.parts, 3);
  assert_int_equal(w.calls, 0);
  play(b, "> 19\n");
  ended(&w, 0);
  bed_free(b);
}

static void parts_are_as_long_as_the_mtu_allows_now(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 512);
  play(b, "< 16 0300 0000 aa*18\n> 02 0002\n< 03 0502\n> 17 0300 0000 aa*18\n"
          "< 16 0300 1200 aa*494\n> 17 0300 1200 aa*494\n< 18 01\n> 19\n");
  ended(&w, 0);
  bed_free(b);
}

static void several_attributes_are_written_in_their_order(void **state) {
  bed *b = bed_new();
  writer w = {0};

  (void) state;
  assert_true(ab_gatt_reliable_init(&w.reliable, &b->client, 3, 21));
  ab_gatt_reliable_add(&w.reliable, 9, 0, "", 0); /* empty: prepared, too */
  ab_gatt_reliable_add(&w.reliable, 3, 0x100, "aaaaaaaaaaaaaaaaaaab", 20);
  ab_gatt_reliable_add(&w.reliable, 3, 2, "c", 1);
  assert_int_equal(ab_gatt_reliable_start(&w.reliable, on_reliable), 0);
  play(b, "< 16 0900 0000\n> 17 0900 0000\n"
          "< 16 0300 0001 61*18\n> 17 0300 0001 61*18\n"
          "< 16 0300 1201 61 62\n> 17 0300 1201 61 62\n"
          "< 16 0300 0200 63\n> 17 0300 0200 63\n"
          "< 18 01\n> 19\n");
  ended(&w, 0);
  bed_free(b);
}

/* whatever differs: cancelled, and nothing is written */
static void another_echo_cancels(void **state) {
  static const char *const echoes[] = {
      "> 17 0300 0000 aa*17 ab\n", /* octets */
      "> 17 0300 0000 aa*17\n",    /* fewer */
      "> 17 0300 0000 aa*19\n",    /* more */
      "> 17 0300 0000\n",          /* none */
      "> 17 0400 0000 aa*18\n",    /* another handle */
      "> 17 0300 0100 aa*18\n",    /* … offset */
      "> 17 0300 00\n",            /* malformed */
      "> 17\n",
  };

  (void) state;
  for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++) {
    bed *b = bed_new();
    writer w;
    char lines[100];

    (void) snprintf(lines, sizeof lines, "< 16 0300 0000 aa*18\n%s< 18 00\n> 19\n", echoes[i]);
    start(b, &w, 20);
    play(b, lines);
    ended(&w, AIOBLE_EPROTO);
    bed_free(b);
  }
}

static void the_first_refused_leaves_nothing_to_cancel(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 20);
  play(b, "< 16 0300 0000 aa*18\n> 01 16 0300 03\n");
  ended(&w, AIOBLE_ERR_ATT(AB_ATT_ERR_WRITE_NOT_PERMITTED));
  bed_free(b);
}

static void a_later_one_refused_cancels_the_rest(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 20);
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n"
          "< 16 0300 1200 aa*2\n> 01 16 0300 09\n< 18 00\n");
  ended(&w, AIOBLE_ERR_ATT(AB_ATT_ERR_PREPARE_QUEUE_FULL)); /* which is told at once */
  play(b, "> 19\n");
  ended(&w, AIOBLE_ERR_ATT(AB_ATT_ERR_PREPARE_QUEUE_FULL));
  bed_free(b);
}

/* Part F, 3.4.6.3: the queue is empty then */
static void what_the_server_cannot_execute_is_not_cancelled(void **state) {
  bed *b = bed_new();
  writer w, next;

  (void) state;
  start(b, &w, 20);
  start(b, &next, 1);
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n< 16 0300 1200 aa*2\n> 17 0300 1200 aa*2\n"
          "< 18 01\n> 01 18 0300 0d\n< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  ended(&w, AIOBLE_ERR_ATT(AB_ATT_ERR_INVALID_VALUE_LENGTH));
  ended(&next, 0);
  bed_free(b);
}

static void one_sequence_at_a_time(void **state) {
  bed *b = bed_new();
  writer w[3];

  (void) state;
  start(b, &w[0], 1);
  start(b, &w[1], 1);
  start(b, &w[2], 1);
  ab_gatt_reliable_stop(&w[1].reliable); /* has not begun: leaves without a trace */
  play(b, "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n"
          "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  ended(&w[0], 0);
  assert_int_equal(w[1].calls, 0);
  ended(&w[2], 0);
  bed_free(b);
}

static void on_read(ab_gatt_read *read, int status) {
  assert_int_equal(status, 0);
  ab_buf_free(read->value);
  read->value = NULL;
}

static void other_requests_go_between(void **state) {
  bed *b = bed_new();
  ab_gatt_read read;
  writer w;

  (void) state;
  start(b, &w, 20);
  ab_gatt_read_start(&read, &b->peer->att, 5, on_read);
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n< 0a 0500\n> 0b\n"
          "< 16 0300 1200 aa*2\n> 17 0300 1200 aa*2\n< 18 01\n> 19\n");
  ended(&w, 0);
  bed_free(b);
}

/* its owner goes while a part is on the air: what is prepared is cancelled before the next begins
 */
static void a_stopped_one_is_cancelled_before_the_next(void **state) {
  bed *b = bed_new();
  writer w, next;

  (void) state;
  start(b, &w, 40);
  start(b, &next, 1);
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n< 16 0300 1200 aa*18\n");
  ab_gatt_reliable_stop(&w.reliable);
  ab_gatt_reliable_stop(&w.reliable); /* harmless twice */
  play(b, "> 17 0300 1200 aa*18\n< 18 00\n> 19\n"
          "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  assert_int_equal(w.calls, 0);
  ended(&next, 0);
  bed_free(b);
}

static void it_may_be_stopped_between_two_parts(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 40);
  w.stop = true;
  play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n< 18 00\n> 19\n");
  assert_int_equal(w.calls, 0);
  bed_free(b);
}

static void once_executing_it_is_too_late_to_cancel(void **state) {
  bed *b = bed_new();
  writer w, next;

  (void) state;
  start(b, &w, 1);
  play(b, "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n");
  ab_gatt_reliable_stop(&w.reliable);
  start(b, &next, 1);
  play(b, "> 19\n< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  assert_int_equal(w.calls, 0);
  ended(&next, 0);
  bed_free(b);
}

/* … waiting behind another request */
static void what_was_not_sent_yet_is_not_sent(void **state) {
  bed *b = bed_new();
  ab_gatt_read read;
  writer w;

  (void) state;
  ab_gatt_read_start(&read, &b->peer->att, 5, on_read);
  start(b, &w, 1);
  ab_gatt_reliable_stop(&w.reliable); /* nothing prepared */
  play(b, "< 0a 0500\n> 0b\n");
  start(b, &w, 1);
  ab_gatt_read_start(&read, &b->peer->att, 5, on_read);
  play(b, "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 0a 0500\n");
  ab_gatt_reliable_stop(&w.reliable); /* the execution: cancelled instead */
  play(b, "> 0b\n< 18 00\n> 19\n");
  assert_int_equal(w.calls, 0);
  bed_free(b);
}

static void another_may_be_started_from_the_outcome(void **state) {
  bed *b = bed_new();
  writer w, next;

  (void) state;
  start(b, &w, 1);
  prepare(b, &next, 1);
  w.then = &next;
  play(b, "< 16 0300 0000 aa\n> 17 0300 0000 ab\n< 18 00\n> 19\n"
          "< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  ended(&w, AIOBLE_EPROTO);
  ended(&next, 0);
  bed_free(b);
}

static void all_end_with_the_link(void **state) {
  (void) state;
  for (int by = 0; by < 3; by++) {
    bed *b = bed_new();
    writer w[3];

    start(b, &w[0], 20);
    start(b, &w[1], 1);
    play(b, "< 16 0300 0000 aa*18\n> 17 0300 0000 aa*18\n< 16 0300 1200 aa*2\n");
    if (by == 0)
      ab_gatt_client_close(&b->client, AIOBLE_ENOTCONN);
    else if (by == 1)
      ab_att_close(&b->peer->att, AIOBLE_ENOTCONN);
    else
      fake_env_advance(b->peer->env, 30u * 1000 * 1000); /* no answer: the bearer breaks */
    ended(&w[0], by == 2 ? AIOBLE_ETIMEDOUT : AIOBLE_ENOTCONN);
    assert_int_equal(w[1].calls, 1);
    assert_true(w[1].status < 0);
    prepare(b, &w[2], 1);
    assert_int_equal(ab_gatt_reliable_start(&w[2].reliable, on_reliable), AIOBLE_ENOTCONN);
    assert_null(w[2].reliable.parts);
    bed_free(b);
  }
}

/* a stopped one is still being cancelled */
static void the_link_may_end_while_nobody_owns_it(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  start(b, &w, 1);
  play(b, "< 16 0300 0000 aa\n> 17 0300 0000 bb\n< 18 00\n");
  ended(&w, AIOBLE_EPROTO);
  bed_free(b);
}

/* no buffer is at rest from now on: each allocation of one fails if told so */
static unsigned hold_buffers(bed *b, ab_buf **held) {
  unsigned n = 0;

  b->peer->bufs.idle_limit = 0;
  while (!ab_list_empty(&b->peer->bufs.free))
    held[n++] = ab_buf_new(&b->peer->bufs, 1);
  return n;
}

static void without_memory_to_cancel_it_is_done_before_the_next(void **state) {
  bed *b = bed_new();
  ab_buf *held[8];
  writer w, next;
  unsigned n;

  (void) state;
  start(b, &w, 40);
  play(b, "< 16 0300 0000 aa*18\n");
  n = hold_buffers(b, held);
  fake_env_fail_at(b->peer->env, 1);
  play(b, "> 17 0300 0000 aa*18\n"); /* no memory for the next part … */
  n += hold_buffers(b, held + n);
  fake_env_advance(b->peer->env, 0);
  ended(&w, AIOBLE_ENOMEM);
  start(b, &next, 1);
  play(b, "< 18 00\n> 19\n< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  ended(&next, 0);
  while (n > 0)
    ab_buf_free(held[--n]);
  bed_free(b);
}

static void without_memory_for_the_cancel_the_next_fails_too(void **state) {
  bed *b = bed_new();
  ab_buf *held[16];
  writer w, next, last;
  unsigned n;

  (void) state;
  w = (writer){0};
  assert_true(ab_gatt_reliable_init(&w.reliable, &b->client, 100, 1)); /* not from the pool */
  ab_gatt_reliable_add(&w.reliable, 3, 0, "a", 1);
  assert_int_equal(ab_gatt_reliable_start(&w.reliable, on_reliable), 0);
  prepare(b, &next, 1);
  prepare(b, &last, 1);
  play(b, "< 16 0300 0000 61\n");
  n = hold_buffers(b, held);
  fake_env_fail_at(b->peer->env, 1);
  play(b, "> 17 0300 0000 bb\n"); /* no memory to cancel; nobody waits: not tried again */
  ended(&w, AIOBLE_EPROTO);
  n += hold_buffers(b, held + n);
  fake_env_advance(b->peer->env, 1000);
  fake_env_fail_at(b->peer->env, 1);
  assert_int_equal(ab_gatt_reliable_start(&next.reliable, on_reliable), 0);
  assert_int_equal(next.calls, 0);
  fake_env_advance(b->peer->env, 0);
  ended(&next, AIOBLE_ENOMEM);
  assert_int_equal(ab_gatt_reliable_start(&last.reliable, on_reliable), 0);
  play(b, "< 18 00\n> 19\n< 16 0300 0000 aa\n> 17 0300 0000 aa\n< 18 01\n> 19\n");
  ended(&last, 0);
  while (n > 0)
    ab_buf_free(held[--n]);
  bed_free(b);
}

static void without_memory_for_the_parts_it_is_told(void **state) {
  bed *b = bed_new();
  writer w;

  (void) state;
  fake_env_fail_at(b->peer->env, 1);
  assert_false(ab_gatt_reliable_init(&w.reliable, &b->client, 1, 512));
  ab_gatt_reliable_stop(&w.reliable); /* harmless */
  bed_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_is_prepared_in_parts_then_executed),
      cmocka_unit_test(parts_are_as_long_as_the_mtu_allows_now),
      cmocka_unit_test(several_attributes_are_written_in_their_order),
      cmocka_unit_test(another_echo_cancels),
      cmocka_unit_test(the_first_refused_leaves_nothing_to_cancel),
      cmocka_unit_test(a_later_one_refused_cancels_the_rest),
      cmocka_unit_test(what_the_server_cannot_execute_is_not_cancelled),
      cmocka_unit_test(one_sequence_at_a_time),
      cmocka_unit_test(other_requests_go_between),
      cmocka_unit_test(a_stopped_one_is_cancelled_before_the_next),
      cmocka_unit_test(it_may_be_stopped_between_two_parts),
      cmocka_unit_test(once_executing_it_is_too_late_to_cancel),
      cmocka_unit_test(what_was_not_sent_yet_is_not_sent),
      cmocka_unit_test(another_may_be_started_from_the_outcome),
      cmocka_unit_test(all_end_with_the_link),
      cmocka_unit_test(the_link_may_end_while_nobody_owns_it),
      cmocka_unit_test(without_memory_to_cancel_it_is_done_before_the_next),
      cmocka_unit_test(without_memory_for_the_cancel_the_next_fails_too),
      cmocka_unit_test(without_memory_for_the_parts_it_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
