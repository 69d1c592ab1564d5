/* SPDX-License-Identifier: MIT */
/* SDUs out: cut into K-frames as credits, and the controller, allow. */
#include "helpers/l2cap_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct sending {
  ab_l2cap_sdu sdu;
  unsigned calls;
  int status;
} sending;

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  sending *s = ab_container_of(sdu, sending, sdu);

  assert_null(sdu->chan);
  s->calls++;
  s->status = status;
}

/* n octets, numbered from 0, from memory that goes right away */
static int sends(bed_chan *c, sending *s, size_t n, uint16_t chunk) {
  uint8_t data[300];

  assert_true(n <= sizeof data);
  for (size_t i = 0; i < n; i++)
    data[i] = (uint8_t) i;
  return ab_l2cap_send_sdu(&c->chan, &s->sdu, data, n, chunk, on_sent);
}

static void an_sdu_is_done_when_the_controller_has_taken_it(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 10);
  sending s = {0};

  (void) state;
  assert_true(ab_l2cap_can_send(&c->chan, 4));
  assert_int_equal(sends(c, &s, 4, 0), 0);
  assert_int_equal(s.calls, 0);
  assert_false(ab_l2cap_can_send(&c->chan, 4));
  l2cap_bed_play(bed, "< 41 04 00 00 01 02 03\n");
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.status, 0);
  assert_int_equal(c->chan.tx.credits, 9);
  assert_int_equal(c->chan.stats.sdus_out, 1);
  assert_int_equal(c->chan.stats.bytes_out, 4);
  assert_int_equal(c->chan.stats.frames_out, 1);
  assert_true(ab_l2cap_can_send(&c->chan, 9 * 23 - 2));
  assert_false(ab_l2cap_can_send(&c->chan, 9 * 23 - 1));
  l2cap_bed_free(bed);
}

static void bytes_are_cut_into_sdus_and_those_into_frames(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 30, 23, 10);
  sending s = {0}, t = {0};

  (void) state;
  assert_int_equal(sends(c, &s, 35, 0), 0);
  assert_int_equal(sends(c, &t, 5, 2), 0);
  l2cap_bed_play(bed, "< 41 1e 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n"
                      "< 41 15 16 17 18 19 1a 1b 1c 1d\n"
                      "< 41 05 00 1e 1f 20 21 22\n"
                      "< 41 02 00 00 01\n"
                      "< 41 02 00 02 03\n"
                      "< 41 01 00 04\n");
  assert_int_equal(s.calls, 1);
  assert_int_equal(t.calls, 1);
  assert_int_equal(c->chan.stats.sdus_out, 5);
  assert_int_equal(c->chan.tx.credits, 4);
  l2cap_bed_free(bed);
}

static void without_credits_it_waits(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 0), *d = l2cap_bed_open(bed, 64, 23, 1);
  sending s = {0}, t = {0};

  (void) state;
  assert_int_equal(sends(c, &s, 24, 0), 0);
  assert_int_equal(sends(d, &t, 1, 0), 0); /* another channel does not wait for it */
  l2cap_bed_play(bed,
                 "< 42 01 00 00\n"
                 "> 05 16 01 04 00 41 00 00 00\n" /* none: malformed */
                 "> 05 16 01 04 00 43 00 01 00\n" /* no such channel */
                 "> 05 16 01 04 00 40 00 01 00\n" /* … nor by our CID */
                 "> 05 16 01 04 00 41 00 01 00\n"
                 "< 41 18 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n");
  assert_int_equal(s.calls, 0);
  assert_int_equal(t.calls, 1);
  assert_int_equal(bed->link.stats.malformed, 1);
  assert_int_equal(bed->link.stats.unexpected, 2);
  l2cap_bed_play(bed, "> 05 16 02 04 00 41 00 05 00\n"
                      "< 41 15 16 17\n");
  assert_int_equal(s.calls, 1);
  assert_int_equal(c->chan.tx.credits, 4);
  l2cap_bed_free(bed);
}

static void more_credits_than_65535_end_it(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 0xfffe), *d = l2cap_bed_open(bed, 64, 23, 1);

  (void) state;
  l2cap_bed_play(bed, "> 05 16 01 04 00 41 00 01 00\n");
  assert_int_equal(c->chan.tx.credits, 0xffff);
  l2cap_bed_play(bed, "> 05 16 01 04 00 41 00 01 00\n"
                      "< 05 06 ?? 04 00 41 00 40 00\n"
                      "> 05 16 01 04 00 42 00 ff ff\n"
                      "< 05 06 ?? 04 00 42 00 41 00\n");
  bed_chan_expect(c, AIOBLE_EPROTO, false);
  bed_chan_expect(d, AIOBLE_EPROTO, false);
  l2cap_bed_free(bed);
}

static void channels_take_turns(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *a = l2cap_bed_open(bed, 64, 23, 10), *b = l2cap_bed_open(bed, 64, 23, 10);
  sending s = {0}, t = {0};
  ab_buf *att;

  (void) state;
  assert_int_equal(sends(a, &s, 50, 0), 0);
  assert_int_equal(sends(b, &t, 50, 0), 0);
  att = ab_buf_new(&bed->bufs, 1);
  att->len = 1;
  *att->p = 0x1e;
  ab_l2cap_send(&bed->link, AB_L2CAP_CID_ATT, att);
  l2cap_bed_play(bed, "< 41 32 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n"
                      "< 42 32 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n"
                      "< 04 1e\n"
                      "< 41 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b\n"
                      "< 42 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b\n"
                      "< 41 2c 2d 2e 2f 30 31\n"
                      "< 42 2c 2d 2e 2f 30 31\n");
  assert_int_equal(s.calls + t.calls, 2);
  l2cap_bed_free(bed);
}

static void nothing_to_send_is_done_after_what_was_before(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 1);
  sending s = {0}, flush = {0};

  (void) state;
  assert_int_equal(sends(c, &flush, 0, 0), 0);
  assert_int_equal(flush.calls, 1);
  assert_int_equal(sends(c, &s, 1, 0), 0);
  assert_int_equal(sends(c, &flush, 0, 0), 0);
  assert_int_equal(flush.calls, 1);
  l2cap_bed_play(bed, "< 41 01 00 00\n");
  assert_int_equal(s.calls, 1);
  assert_int_equal(flush.calls, 2);
  l2cap_bed_free(bed);
}

static void one_stopped_ends_with_the_sdu_that_was_begun(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 1);
  sending begun = {0}, waiting = {0}, after = {0};

  (void) state;
  assert_int_equal(sends(c, &begun, 60, 22), 0);
  assert_int_equal(sends(c, &waiting, 60, 22), 0);
  assert_int_equal(sends(c, &after, 1, 0), 0);
  l2cap_bed_play(bed,
                 "< 41 16 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n");
  assert_false(ab_l2cap_sdu_stop(&begun.sdu));
  assert_true(ab_l2cap_sdu_stop(&waiting.sdu));
  assert_true(ab_l2cap_sdu_stop(&waiting.sdu));
  l2cap_bed_play(bed, "> 05 16 01 04 00 41 00 09 00\n"
                      "< 41 15\n"
                      "< 41 01 00 00\n");
  assert_int_equal(begun.calls, 1);
  assert_int_equal(waiting.calls, 0);
  assert_int_equal(after.calls, 1);
  l2cap_bed_free(bed);
}

static void an_end_ends_what_was_to_be_sent(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 1);
  sending s = {0}, t = {0}, u = {0};

  (void) state;
  assert_int_equal(sends(c, &u, 1, 65), AIOBLE_EMSGSIZE);
  assert_int_equal(sends(c, &s, 60, 0), 0);
  assert_int_equal(sends(c, &t, 1, 0), 0);
  ab_l2cap_disconnect(&c->chan); /* with a frame on its way */
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.status, AIOBLE_ENOTCONN);
  assert_int_equal(t.calls, 1);
  assert_int_equal(sends(c, &u, 1, 0), AIOBLE_ENOTCONN);
  assert_int_equal(u.calls, 0);
  l2cap_bed_play(bed, "< 41 3c 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n"
                      "< 05 06 ?? 04 00 41 00 40 00\n");
  l2cap_bed_free(bed);
}

static void no_memory_ends_the_op_and_never_an_sdu_that_was_begun(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 23, 1);
  sending s = {0};

  (void) state;
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(sends(c, &s, 60, 0), AIOBLE_ENOMEM); /* of the copy */
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(sends(c, &s, 1, 0), 0); /* of the frame */
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.status, AIOBLE_ENOMEM);
  assert_int_equal(c->ended, 0);
  s = (sending){0};
  assert_int_equal(sends(c, &s, 22, 0), 0);
  l2cap_bed_play(bed,
                 "< 41 16 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14\n");
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1); /* inside the SDU */
  l2cap_bed_play(bed, "> 05 16 01 04 00 41 00 01 00\n"
                      "< 41 15\n");
  fake_env_fail_at(bed->env, 0);
  assert_int_equal(s.calls, 1);
  assert_int_equal(s.status, 0);
  assert_int_equal(c->ended, 0);
  l2cap_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_sdu_is_done_when_the_controller_has_taken_it),
      cmocka_unit_test(bytes_are_cut_into_sdus_and_those_into_frames),
      cmocka_unit_test(without_credits_it_waits),
      cmocka_unit_test(more_credits_than_65535_end_it),
      cmocka_unit_test(channels_take_turns),
      cmocka_unit_test(nothing_to_send_is_done_after_what_was_before),
      cmocka_unit_test(one_stopped_ends_with_the_sdu_that_was_begun),
      cmocka_unit_test(an_end_ends_what_was_to_be_sent),
      cmocka_unit_test(no_memory_ends_the_op_and_never_an_sdu_that_was_begun),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
