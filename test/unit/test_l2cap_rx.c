/* SPDX-License-Identifier: MIT */
/* K-frames in, and credits for them. The channel: MTU 64, MPS 23, window 3 unless said otherwise.
 */
#include "helpers/l2cap_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/hex.h"

static void sdus_are_used_up_and_credits_given_back(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  c->use = true;
  l2cap_bed_play(bed, "> 40 03 00 01 02 03\n");
  bed_chan_got(c, 1, "01 02 03");
  l2cap_bed_play(bed, "> 40 00 00\n" /* an empty one is one, too; half the window is due */
                      "< 05 16 02 04 00 40 00 02 00\n");
  bed_chan_got(c, 2, "");
  l2cap_bed_play(bed, "> 40 1c 00 aa*21\n"
                      "> 40 bb*7\n"
                      "< 05 16 03 04 00 40 00 02 00\n");
  bed_chan_got(
      c, 3, "aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa aa bb bb bb bb bb bb bb");
  assert_int_equal(c->kept, 0);
  assert_int_equal(c->chan.stats.sdus_in, 3);
  assert_int_equal(c->chan.stats.bytes_in, 31);
  assert_int_equal(c->chan.stats.frames_in, 4);
  l2cap_bed_free(bed);
}

static void what_is_not_consumed_stops_the_peer(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
  ab_buf *sdu;

  (void) state;
  l2cap_bed_play(bed, "> 40 01 00 01\n"
                      "> 40 01 00 02\n"
                      "> 40 01 00 03\n");
  assert_int_equal(c->kept, 3);
  assert_int_equal(c->chan.rx.n_kept, 3);
  assert_int_equal(c->chan.rx.bytes_kept, 3);
  sdu = ab_l2cap_take(&c->chan);
  assert_hex(sdu->p, sdu->len, "01");
  ab_buf_free(sdu);
  l2cap_bed_play(bed, "< 05 16 02 04 00 40 00 01 00\n");
  ab_buf_free(ab_l2cap_take(&c->chan));
  ab_buf_free(ab_l2cap_take(&c->chan));
  l2cap_bed_play(bed, "< 05 16 03 04 00 40 00 02 00\n"); /* one command at a time */
  assert_null(ab_l2cap_take(&c->chan));
  assert_int_equal(c->chan.rx.credits, 3);
  assert_int_equal(c->ended, 0);
  l2cap_bed_free(bed);
}

static void a_frame_without_a_credit_ends_it(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
  ab_buf *sdu;

  (void) state;
  l2cap_bed_play(bed, "> 40 01 00 01\n> 40 01 00 02\n> 40 01 00 03\n"
                      "> 40 01 00 04\n"
                      "< 05 06 02 04 00 41 00 40 00\n");
  bed_chan_expect(c, AIOBLE_EPROTO, false);
  assert_int_equal(c->kept, 3);
  l2cap_bed_play(bed, "> 05 07 02 04 00 41 00 40 00\n");
  bed_chan_expect(c, AIOBLE_EPROTO, true);
  for (unsigned i = 0; i < 3; i++) { /* what was received can be read still */
    sdu = ab_l2cap_take(&c->chan);
    assert_non_null(sdu);
    ab_buf_free(sdu);
  }
  assert_null(ab_l2cap_take(&c->chan));
  l2cap_bed_free(bed);
}

static void frames_against_the_rules_end_it(void **state) {
  static const char *const bad[] = {
      "> 40\n",                                           /* nothing at all */
      "> 40 01\n",                                        /* half a length */
      "> 40 41 00 aa\n",                                  /* more than our MTU */
      "> 40 ff ff aa\n",                                  /* … much more */
      "> 40 40 00 aa*22\n",                               /* more than our MPS */
      "> 40 01 00 aa bb\n",                               /* more than its SDU has */
      "> 40 00 00 aa\n",                                  /* … than nothing */
      "> 40 05 00 aa\n> 40 bb*5\n",                       /* … in the second frame */
      "> 40 05 00 aa\n> 40\n",                            /* nothing more */
      "> 40 40 00 aa\n> 40 bb*24\n",                      /* the second more than our MPS */
      "> 40 40 00\n> 40 bb*22\n> 40 bb*23\n> 40 cc*20\n", /* beyond the end */
  };

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    char lines[128];
    bed_chan *c;

    bed->ours.credits = 8;
    c = l2cap_bed_open(bed, 64, 64, 1);
    c->use = true;
    (void) snprintf(lines, sizeof lines, "%s< 05 06 02 04 00 41 00 40 00\n", bad[i]);
    l2cap_bed_play(bed, lines);
    bed_chan_expect(c, AIOBLE_EPROTO, false);
    assert_int_equal(c->sdus + c->kept, 0);
    l2cap_bed_free(bed);
  }
}

/* of such a frame HCI passes on the header */
static void a_frame_too_long_to_be_put_together_ends_it(void **state) {
  static const uint8_t beyond[] = {0x18, 0x00, 0x40, 0x00}, within[] = {0x17, 0x00, 0x40, 0x00},
                       nobody[] = {0xff, 0xff, 0x41, 0x00};
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  ab_l2cap_rx(&bed->link, nobody, sizeof nobody);
  ab_l2cap_rx(&bed->link, within, sizeof within); /* lost, but not against the rules */
  assert_int_equal(c->ended, 0);
  ab_l2cap_rx(&bed->link, beyond, sizeof beyond);
  l2cap_bed_play(bed, "< 05 06 02 04 00 41 00 40 00\n");
  bed_chan_expect(c, AIOBLE_EPROTO, false);
  ab_l2cap_rx(&bed->link, beyond, sizeof beyond);
  assert_int_equal(bed->link.stats.malformed, 4);
  l2cap_bed_free(bed);
}

static void an_sdu_that_was_begun_can_be_finished(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c;
  ab_buf *sdu;

  (void) state;
  bed->ours.credits = 1;
  c = l2cap_bed_open(bed, 64, 64, 1);
  l2cap_bed_play(bed, "> 40 40 00 aa*21\n" /* 43 are missing: two frames */
                      "< 05 16 02 04 00 40 00 02 00\n"
                      "> 40 bb*1\n"
                      "> 40 cc*23\n" /* 19 missing still */
                      "< 05 16 03 04 00 40 00 01 00\n"
                      "> 40 dd*19\n");
  assert_int_equal(c->kept, 1);
  assert_int_equal(c->chan.rx.held, 4);
  assert_int_equal(c->chan.rx.credits, 0);
  sdu = ab_l2cap_take(&c->chan);
  assert_int_equal(sdu->len, 64);
  assert_int_equal(sdu->p[20], 0xaa);
  assert_int_equal(sdu->p[21], 0xbb);
  assert_int_equal(sdu->p[22], 0xcc);
  assert_int_equal(sdu->p[63], 0xdd);
  ab_buf_free(sdu);
  l2cap_bed_play(bed, "< 05 16 04 04 00 40 00 01 00\n");
  l2cap_bed_free(bed);
}

static void as_a_stream_it_can_be_read_in_pieces(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
  uint8_t data[16];

  (void) state;
  l2cap_bed_play(bed, "> 40 05 00 01 02 03 04 05\n"
                      "> 40 00 00\n"
                      "> 40 03 00 06 07 08\n");
  assert_int_equal(ab_l2cap_read(&c->chan, data, 2), 2);
  assert_hex(data, 2, "01 02");
  l2cap_bed_play(bed, ""); /* not whole: nothing is given back */
  assert_int_equal(c->chan.rx.bytes_kept, 6);
  assert_int_equal(ab_l2cap_read(&c->chan, data, 4), 4);
  assert_hex(data, 4, "03 04 05 06");
  l2cap_bed_play(bed, "< 05 16 02 04 00 40 00 01 00\n");
  assert_int_equal(ab_l2cap_read(&c->chan, data, 16), 2);
  assert_hex(data, 2, "07 08");
  assert_int_equal(ab_l2cap_read(&c->chan, data, 16), 0);
  l2cap_bed_play(bed, "< 05 16 03 04 00 40 00 02 00\n");
  assert_int_equal(c->chan.rx.credits, 3);
  assert_int_equal(c->chan.rx.held, 0);
  l2cap_bed_free(bed);
}

static void what_is_kept_goes_before_what_comes(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  l2cap_bed_play(bed, "> 40 01 00 01\n");
  c->use = true;
  l2cap_bed_play(bed, "> 40 01 00 02\n");
  assert_int_equal(c->sdus, 0);
  assert_int_equal(c->kept, 2);
  l2cap_bed_free(bed);
}

static void no_memory_ends_it(void **state) {
  static const char *const frames[] = {"> 40 01 00 aa\n", "> 40 40 00 aa\n"};

  (void) state;
  for (size_t i = 0; i < 2; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
    char lines[128];

    ab_bufs_free(&bed->bufs);
    fake_env_fail_at(bed->env, 1);
    (void) snprintf(lines, sizeof lines, "%s< 05 06 02 04 00 41 00 40 00\n", frames[i]);
    l2cap_bed_play(bed, lines);
    bed_chan_expect(c, AIOBLE_ENOMEM, false);
    l2cap_bed_free(bed);
  }
}

static void no_memory_for_credits_gives_them_later(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  c->use = true;
  l2cap_bed_play(bed, "> 40 01 00 01\n");
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1);
  l2cap_bed_play(bed, "> 40 01 00 02\n");
  assert_int_equal(c->chan.rx.credits, 1);
  fake_env_advance(bed->env, 1000000);
  l2cap_bed_play(bed, "< 05 16 ?? 04 00 40 00 02 00\n");
  assert_int_equal(c->chan.rx.credits, 3);
  l2cap_bed_free(bed);
}

static void disconnect(bed_chan *c) {
  ab_l2cap_disconnect(&c->chan);
}

static void close_link(bed_chan *c) {
  ab_l2cap_close(&c->bed->link, AIOBLE_ENOTCONN);
}

static void the_owner_may_end_it_while_it_is_given_an_sdu(void **state) {
  static const char *const frames[] = {"> 40 01 00 aa\n", "> 40 02 00 aa\n> 40 bb\n"};

  (void) state;
  for (size_t i = 0; i < 2; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
    char lines[128];

    c->use = true;
    c->on_sdu = disconnect;
    (void) snprintf(lines, sizeof lines, "%s< 05 06 02 04 00 41 00 40 00\n", frames[i]);
    l2cap_bed_play(bed, lines);
    bed_chan_expect(c, 0, false);
    l2cap_bed_free(bed);

    bed = l2cap_bed_new(false);
    c = l2cap_bed_open(bed, 64, 64, 1);
    c->use = true;
    c->on_sdu = close_link;
    l2cap_bed_play(bed, frames[i]);
    bed_chan_expect(c, AIOBLE_ENOTCONN, true);
    l2cap_bed_free(bed);
  }
}

/* whatever the peer sends within its credits, no more is held than the window and one SDU */
static void what_is_held_is_bounded(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);
  unsigned frames = 0;

  (void) state;
  l2cap_bed_play(bed, "> 40 01 00 01\n"
                      "> 40 01 00 01\n"
                      "> 40 40 00 aa\n"
                      "< 05 16 02 04 00 40 00 03 00\n"
                      "> 40 bb*21\n> 40 bb*21\n> 40 bb*21\n");
  assert_int_equal(c->chan.rx.n_kept, 3);
  assert_int_equal(c->chan.rx.credits, 0);
  assert_int_equal(c->chan.rx.held, 6);
  while (c->chan.rx.n_kept) {
    ab_buf *sdu = ab_l2cap_take(&c->chan);

    frames += sdu->note;
    ab_buf_free(sdu);
    if (c->chan.rx.n_kept == 1)
      l2cap_bed_play(bed, "");
  }
  assert_int_equal(frames, 6);
  l2cap_bed_play(bed, "< 05 16 03 04 00 40 00 03 00\n");
  l2cap_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sdus_are_used_up_and_credits_given_back),
      cmocka_unit_test(what_is_not_consumed_stops_the_peer),
      cmocka_unit_test(a_frame_without_a_credit_ends_it),
      cmocka_unit_test(frames_against_the_rules_end_it),
      cmocka_unit_test(a_frame_too_long_to_be_put_together_ends_it),
      cmocka_unit_test(an_sdu_that_was_begun_can_be_finished),
      cmocka_unit_test(as_a_stream_it_can_be_read_in_pieces),
      cmocka_unit_test(what_is_kept_goes_before_what_comes),
      cmocka_unit_test(no_memory_ends_it),
      cmocka_unit_test(no_memory_for_credits_gives_them_later),
      cmocka_unit_test(the_owner_may_end_it_while_it_is_given_an_sdu),
      cmocka_unit_test(what_is_held_is_bounded),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
