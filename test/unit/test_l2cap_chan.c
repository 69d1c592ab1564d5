/* SPDX-License-Identifier: MIT */
/* How channels end. */
#include "helpers/l2cap_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { S = 1000000 };

static void we_disconnect_and_are_answered(void **state) {
  static const char *const answers[] = {
      "> 05 07 02 04 00 41 00 40 00\n",
      "> 05 01 02 06 00 02 00 41 00 40 00\n", /* it has no such channel any more */
      "> 05 01 02 02 00 00 00\n",
  };

  (void) state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

    ab_l2cap_disconnect(&c->chan);
    ab_l2cap_disconnect(&c->chan);
    bed_chan_expect(c, 0, false);
    l2cap_bed_play(bed, "< 05 06 02 04 00 41 00 40 00\n"
                        "> 05 07 02 04 00 42 00 40 00\n" /* other channels */
                        "> 05 07 02 04 00 41 00 41 00\n"
                        "> 05 07 03 04 00 41 00 40 00\n"
                        "> 40 01 00 aa\n"
                        "> 05 16 04 04 00 41 00 ff ff\n");
    bed_chan_expect(c, 0, false);
    l2cap_bed_play(bed, answers[i]);
    bed_chan_expect(c, 0, true);
    assert_int_equal(c->sdus + c->kept, 0);
    l2cap_bed_play(bed, "> 40 01 00 aa\n");
    assert_int_equal(bed->link.stats.unknown_cid, 1);
    l2cap_bed_free(bed);
  }
}

static void nobody_answers_a_disconnection(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  ab_l2cap_disconnect(&c->chan);
  l2cap_bed_play(bed, "< 05 06 02 04 00 41 00 40 00\n");
  fake_env_advance(bed->env, 30ull * S - 1);
  assert_int_equal(c->closed, 0);
  fake_env_advance(bed->env, 1);
  bed_chan_expect(c, 0, true);
  l2cap_bed_free(bed);
}

static void without_memory_the_request_goes_out_later(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1);
  ab_l2cap_disconnect(&c->chan);
  l2cap_bed_play(bed, "");
  bed_chan_expect(c, 0, false);
  fake_env_advance(bed->env, S);
  l2cap_bed_play(bed, "< 05 06 02 04 00 41 00 40 00\n"
                      "> 05 07 02 04 00 41 00 40 00\n");
  bed_chan_expect(c, 0, true);
  l2cap_bed_free(bed);
}

static void the_peer_disconnects(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *a = l2cap_bed_open(bed, 64, 64, 1), *b = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  l2cap_bed_play(bed, "> 05 06 01 04 00 42 00 43 00\n" /* no such channel */
                      "< 05 01 01 06 00 02 00 42 00 43 00\n"
                      "> 05 06 01 04 00 00 00 41 00\n"
                      "< 05 01 01 06 00 02 00 00 00 41 00\n"
                      "> 05 06 02 04 00 40 00 42 00\n" /* not that pair: dropped */
                      "> 05 06 03 04 00 40 00 41 00\n"
                      "< 05 07 03 04 00 40 00 41 00\n");
  bed_chan_expect(a, AIOBLE_EOF, true);
  assert_int_equal(b->ended, 0);
  l2cap_bed_play(bed, "> 05 06 04 04 00 40 00 41 00\n"
                      "< 05 01 04 06 00 02 00 40 00 41 00\n");
  l2cap_bed_free(bed);
}

static void both_disconnect_at_once(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  ab_l2cap_disconnect(&c->chan);
  l2cap_bed_play(bed, "< 05 06 02 04 00 41 00 40 00\n"
                      "> 05 06 01 04 00 40 00 41 00\n"
                      "< 05 07 01 04 00 40 00 41 00\n");
  bed_chan_expect(c, 0, true);
  /* its CID is free again, while the answer to ours is still to come */
  c = l2cap_bed_open(bed, 64, 64, 1);
  assert_int_equal(c->chan.cid, 0x40);
  l2cap_bed_play(bed, "> 05 01 02 06 00 02 00 41 00 40 00\n"
                      "> 05 07 02 04 00 41 00 40 00\n");
  assert_int_equal(c->ended, 0);
  l2cap_bed_free(bed);
}

static void a_request_for_one_that_is_not_open_is_rejected(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_chan(bed);
  ab_l2cap_chan *one = &c->chan;

  (void) state;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, false, &one, 1), 0);
  l2cap_bed_play(bed, "< 05 14 01 0a 00 80 00 40 00 40 00 17 00 03 00\n"
                      "> 05 06 01 04 00 40 00 00 00\n"
                      "< 05 01 01 06 00 02 00 40 00 00 00\n"
                      "> 40 01 00 aa\n"); /* nor has it any data */
  assert_int_equal(c->ended, 0);
  l2cap_bed_free(bed);
}

/* … which only a peer can give that has forgotten the old one */
static void a_new_channel_of_the_same_cid_is_an_answer_too(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);
  bed_chan *a = l2cap_bed_open(bed, 64, 64, 1), *b = l2cap_bed_open(bed, 64, 64, 1), *c;
  ab_l2cap_chan *one;

  (void) state;
  ab_l2cap_disconnect(&a->chan);
  ab_l2cap_disconnect(&b->chan);
  l2cap_bed_play(bed, "< 05 06 03 04 00 41 00 40 00\n"
                      "< 05 06 04 04 00 42 00 41 00\n"
                      "> 05 14 09 0a 00 80 00 41 00 17 00 17 00 01 00\n"
                      "< 05 15 09 0a 00 40 00 40 00 17 00 03 00 00 00\n");
  bed_chan_expect(a, 0, true);
  bed_chan_expect(b, 0, false);
  c = l2cap_bed_chan(bed);
  one = &c->chan;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, false, &one, 1), 0);
  l2cap_bed_play(bed, "< 05 14 05 0a 00 80 00 42 00 40 00 17 00 03 00\n"
                      "> 05 15 05 0a 00 42 00 40 00 40 00 01 00 00 00\n");
  bed_chan_expect(b, 0, true);
  assert_int_equal(c->opened, 1);
  assert_int_equal(bed->chans[2].opened, 1);
  l2cap_bed_free(bed);
}

static void a_closing_link_ends_them_all_once(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *a = l2cap_bed_open(bed, 64, 64, 1), *b = l2cap_bed_open(bed, 64, 64, 1);

  (void) state;
  ab_l2cap_disconnect(&b->chan);
  l2cap_bed_play(bed, "< 05 06 03 04 00 42 00 41 00\n");
  ab_l2cap_close(&bed->link, AIOBLE_ERR_HCI(0x13));
  bed_chan_expect(a, AIOBLE_ERR_HCI(0x13), true);
  bed_chan_expect(b, 0, true);
  l2cap_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(we_disconnect_and_are_answered),
      cmocka_unit_test(nobody_answers_a_disconnection),
      cmocka_unit_test(without_memory_the_request_goes_out_later),
      cmocka_unit_test(the_peer_disconnects),
      cmocka_unit_test(both_disconnect_at_once),
      cmocka_unit_test(a_request_for_one_that_is_not_open_is_rejected),
      cmocka_unit_test(a_new_channel_of_the_same_cid_is_an_answer_too),
      cmocka_unit_test(a_closing_link_ends_them_all_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
