/* SPDX-License-Identifier: MIT */
/* Channels that we ask for. */
#include "helpers/l2cap_bed.h"
#include "l2cap/l2cap_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { S = 1000000 };

static bed_chan *ask(l2cap_bed *bed) {
  bed_chan *c = l2cap_bed_chan(bed);
  ab_l2cap_chan *one = &c->chan;

  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), 0);
  return c;
}

static void ask_enhanced(l2cap_bed *bed, bed_chan **chans, unsigned n) {
  ab_l2cap_chan *asked[AB_L2CAP_BATCH];

  for (unsigned i = 0; i < n; i++) {
    chans[i] = l2cap_bed_chan(bed);
    asked[i] = &chans[i]->chan;
  }
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, true, asked, n), 0);
}

static void a_response_opens_the_channel(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = ask(bed);

  (void) state;
  assert_int_equal(c->opened, 0);
  l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n"
                      "> 05 15 01 0a 00 41 00 00 02 f7 00 05 00 00 00\n");
  assert_int_equal(c->opened, 1);
  assert_int_equal(c->chan.peer_cid, 0x41);
  assert_int_equal(c->chan.theirs.mtu, 512);
  assert_int_equal(c->chan.theirs.mps, 247);
  assert_int_equal(c->chan.tx.credits, 5);
  assert_int_equal(c->ended, 0);
  l2cap_bed_free(bed);
}

static void sizes_left_out_fill_whole_buffers(void **state) {
  static const struct {
    uint16_t acl_len, mps, mtu;
  } cases[] = {{0, 428, 1710},    {27, 428, 1710},    {64, 1020, 2038},   {251, 2004, 2002},
               {252, 2012, 2010}, {1021, 2038, 2036}, {65535, 4092, 4090}};

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c;

    ab_l2cap_serve(&bed->link, &bed->listeners, cases[i].acl_len);
    bed->ours = (ab_l2cap_sizes){0, 0, 0};
    c = ask(bed);
    assert_int_equal(c->chan.ours.mtu, cases[i].mtu);
    assert_int_equal(c->chan.ours.mps, cases[i].mps);
    assert_in_range(c->chan.ours.credits, 6, 48);
    assert_int_equal((cases[i].mtu + 2) % cases[i].mps, 0);
    assert_true(c->chan.ours.credits * c->chan.ours.mps >= 2 * (cases[i].mtu + 2));
    l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 ?? ?? ?? ?? ?? ??\n");
    l2cap_bed_free(bed);
  }
}

static void a_refusal_is_its_result(void **state) {
  static const struct {
    const char *answer;
    int status;
  } cases[] = {
      {"> 05 15 01 0a 00 00 00 00 00 00 00 00 00 02 00\n", AIOBLE_ERR_L2CAP(2)},
      {"> 05 15 01 0a 00 41 00 40 00 40 00 01 00 05 00\n", AIOBLE_ERR_L2CAP(5)},
      {"> 05 15 01 0a 00 00 00 00 00 00 00 00 00 ff ff\n", AIOBLE_ERR_L2CAP(0xffff)},
      {"> 05 01 01 02 00 00 00\n", AIOBLE_ENOTSUP},
      {"> 05 01 01 06 00 02 00 40 00 41 00\n", AIOBLE_EPROTO},
      {"> 05 15 01 0a 00 00 00 40 00 40 00 01 00 00 00\n", AIOBLE_EPROTO}, /* no CID */
      {"> 05 15 01 0a 00 04 00 40 00 40 00 01 00 00 00\n", AIOBLE_EPROTO},
      {"> 05 15 01 0a 00 80 00 40 00 40 00 01 00 00 00\n", AIOBLE_EPROTO},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c = ask(bed);

    l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n");
    l2cap_bed_play(bed, "> 05 13 01 02 00 00 00\n"); /* the response to another request */
    assert_int_equal(c->ended, 0);
    l2cap_bed_play(bed, cases[i].answer);
    bed_chan_expect(c, cases[i].status, true);
    assert_int_equal(c->opened, 0);
    l2cap_bed_play(bed, cases[i].answer);
    assert_int_equal(bed->link.stats.unexpected, 2);
    l2cap_bed_free(bed);
  }
}

static void sizes_out_of_range_are_disconnected(void **state) {
  static const char *const bad[] = {"16 00 17 00", "17 00 16 00", "17 00 fe ff", "00 00 00 00"};

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c = ask(bed);
    char lines[256];

    (void) snprintf(lines, sizeof lines,
                    "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n"
                    "> 05 15 01 0a 00 41 00 %s 01 00 00 00\n"
                    "< 05 06 02 04 00 41 00 40 00\n",
                    bad[i]);
    l2cap_bed_play(bed, lines);
    bed_chan_expect(c, AIOBLE_EPROTO, false);
    l2cap_bed_play(bed, "> 05 07 02 04 00 41 00 40 00\n");
    bed_chan_expect(c, AIOBLE_EPROTO, true);
    assert_int_equal(c->opened, 0);
    l2cap_bed_free(bed);
  }
}

static void a_cid_in_use_already_makes_an_end_of_both(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *a = l2cap_bed_open(bed, 64, 64, 1), *b = ask(bed);

  (void) state;
  l2cap_bed_play(bed, "< 05 14 02 0a 00 25 00 41 00 40 00 17 00 03 00\n"
                      "> 05 15 02 0a 00 41 00 40 00 40 00 01 00 00 00\n");
  bed_chan_expect(a, AIOBLE_EPROTO, true);
  bed_chan_expect(b, AIOBLE_EPROTO, true);
  l2cap_bed_free(bed);
}

static void silence_ends_it_and_a_late_response_is_nothing(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = ask(bed);

  (void) state;
  l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n");
  fake_env_advance(bed->env, 30ull * S - 1);
  assert_int_equal(c->ended, 0);
  fake_env_advance(bed->env, 1);
  bed_chan_expect(c, AIOBLE_ETIMEDOUT, true);
  l2cap_bed_play(bed, "> 05 15 01 0a 00 41 00 40 00 40 00 01 00 00 00\n");
  assert_int_equal(bed->link.stats.unexpected, 1);
  l2cap_bed_free(bed);
}

static void one_given_up_is_disconnected_once_it_is_made(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *made = ask(bed), *refused = ask(bed);

  (void) state;
  l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n"
                      "< 05 14 02 0a 00 25 00 41 00 40 00 17 00 03 00\n");
  ab_l2cap_disconnect(&made->chan);
  ab_l2cap_disconnect(&made->chan);
  ab_l2cap_disconnect(&refused->chan);
  bed_chan_expect(made, AIOBLE_ECANCELED, false);
  bed_chan_expect(refused, AIOBLE_ECANCELED, false);
  l2cap_bed_play(bed, "> 05 15 02 0a 00 00 00 00 00 00 00 00 00 04 00\n"
                      "> 05 15 01 0a 00 42 00 40 00 40 00 01 00 00 00\n"
                      "< 05 06 03 04 00 42 00 40 00\n"
                      "> 05 07 03 04 00 42 00 40 00\n");
  bed_chan_expect(made, AIOBLE_ECANCELED, true);
  bed_chan_expect(refused, AIOBLE_ECANCELED, true);
  assert_int_equal(made->opened + refused->opened, 0);
  l2cap_bed_free(bed);
}

static void what_cannot_be_asked_leaves_the_channel_alone(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c = l2cap_bed_chan(bed);
  ab_l2cap_chan *one = &c->chan, *six[6] = {one, one, one, one, one, one};

  (void) state;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0, false, &one, 1), AIOBLE_EINVAL);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x100, false, &one, 1), AIOBLE_EINVAL);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, six, 2), AIOBLE_EINVAL);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, true, six, 6), AIOBLE_EINVAL);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, true, six, 0), AIOBLE_EINVAL);
  one->ours.mtu = 22;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), AIOBLE_EINVAL);
  one->ours.mtu = 23;
  one->ours.mps = 65534;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), AIOBLE_EINVAL);
  one->ours.mps = 0;
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), AIOBLE_ENOMEM);
  assert_null(one->link);
  assert_int_equal(ab_l2cap_free_cids(&bed->link), AB_L2CAP_CHANS);
  ab_l2cap_close(&bed->link, AIOBLE_ENOTCONN);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), AIOBLE_ENOTCONN);
  assert_int_equal(c->ended, 0);
  one->cid = 0;
  l2cap_bed_free(bed);
}

static void there_are_64_channels_on_a_link(void **state) {
  static const char line[] = "< 05 14 ?? 0a 00 25 00 ?? 00 40 00 17 00 03 00\n";
  l2cap_bed *bed = l2cap_bed_new(false);
  char lines[AB_L2CAP_CHANS * sizeof line] = "";
  ab_l2cap_chan *one;

  (void) state;
  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++) {
    (void) ask(bed);
    (void) strcat(lines, line);
  }
  one = &l2cap_bed_chan(bed)->chan;
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), AIOBLE_ENOBUFS);
  l2cap_bed_play(bed, lines);
  l2cap_bed_play(bed, "> 05 15 05 0a 00 00 00 00 00 00 00 00 00 04 00\n");
  bed_chan_expect(&bed->chans[4], AIOBLE_ERR_L2CAP(4), true);
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x25, false, &one, 1), 0);
  assert_int_equal(one->cid, 0x44);
  l2cap_bed_play(bed, "< 05 14 ?? 0a 00 25 00 44 00 40 00 17 00 03 00\n");
  l2cap_bed_free(bed);
}

static void five_at_once_and_some_are_made(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c[5];

  (void) state;
  ask_enhanced(bed, c, 5);
  l2cap_bed_play(bed, "< 05 17 01 12 00 25 00 40 00 40 00 03 00 40 00 41 00 42 00 43 00 44 00\n"
                      "> 05 18 01 12 00 80 00 50 00 07 00 04 00 51 00 00 00 53 00 00 00 55 00\n");
  for (unsigned i = 0; i < 5; i += 2) {
    assert_int_equal(c[i]->opened, 1);
    assert_int_equal(c[i]->chan.peer_cid, 0x51 + i);
    assert_int_equal(c[i]->chan.theirs.mtu, 0x80);
    assert_int_equal(c[i]->chan.theirs.mps, 0x50);
    assert_int_equal(c[i]->chan.tx.credits, 7);
  }
  bed_chan_expect(c[1], AIOBLE_ERR_L2CAP(4), true);
  bed_chan_expect(c[3], AIOBLE_ERR_L2CAP(4), true);
  l2cap_bed_free(bed);
}

static void an_enhanced_response_may_say_anything(void **state) {
  static const struct {
    const char *answer;
    int status[2]; /* of the first and the second; 0: open */
  } cases[] = {
      {"> 05 18 01 0c 00 80 00 50 00 07 00 00 00 51 00 52 00\n", {0, 0}},
      {"> 05 18 01 0a 00 80 00 50 00 07 00 00 00 51 00\n", {0, AIOBLE_EPROTO}}, /* one short */
      {"> 05 18 01 10 00 80 00 50 00 07 00 00 00 51 00 52 00 53 00 54 00\n", {0, 0}},
      {"> 05 18 01 0c 00 80 00 50 00 07 00 00 00 51 00 51 00\n", {AIOBLE_EPROTO, AIOBLE_EPROTO}},
      {"> 05 18 01 0c 00 80 00 50 00 07 00 00 00 90 00 51 00\n", {AIOBLE_EPROTO, 0}},
      {"> 05 18 01 08 00 00 00 00 00 00 00 02 00\n", {AIOBLE_ERR_L2CAP(2), AIOBLE_ERR_L2CAP(2)}},
      {"> 05 18 01 0c 00 00 00 00 00 00 00 0c 00 00 00 00 00\n",
       {AIOBLE_ERR_L2CAP(12), AIOBLE_ERR_L2CAP(12)}},
      {"> 05 01 01 02 00 00 00\n", {AIOBLE_ENOTSUP, AIOBLE_ENOTSUP}},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    bed_chan *c[2];

    ask_enhanced(bed, c, 2);
    l2cap_bed_play(bed, "< 05 17 01 0c 00 25 00 40 00 40 00 03 00 40 00 41 00\n");
    l2cap_bed_play(bed, cases[i].answer);
    for (unsigned k = 0; k < 2; k++) {
      if (cases[i].status[k])
        bed_chan_expect(c[k], cases[i].status[k], true);
      assert_int_equal(c[k]->chan.state == AB_L2CAP_CHAN_OPEN, cases[i].status[k] == 0);
    }
    l2cap_bed_free(bed);
  }
}

static void pending_waits_for_another_response_but_not_for_ever(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c[2], *late;

  (void) state;
  ask_enhanced(bed, c, 2);
  ask_enhanced(bed, &late, 1);
  l2cap_bed_play(bed, "< 05 17 01 0c 00 25 00 40 00 40 00 03 00 40 00 41 00\n"
                      "< 05 17 02 0a 00 25 00 40 00 40 00 03 00 42 00\n");
  fake_env_advance(bed->env, 29ull * S);
  l2cap_bed_play(bed, "> 05 18 01 0c 00 00 00 00 00 00 00 0e 00 00 00 00 00\n"
                      "> 05 18 02 08 00 00 00 00 00 00 00 0d 00\n");
  fake_env_advance(bed->env, 59ull * S);
  assert_int_equal(c[0]->ended + c[1]->ended + late->ended, 0);
  ab_l2cap_disconnect(&c[0]->chan);
  l2cap_bed_play(bed, "> 05 18 01 0c 00 80 00 50 00 07 00 00 00 51 00 52 00\n"
                      "< 05 06 03 04 00 51 00 40 00\n"
                      "> 05 07 03 04 00 51 00 40 00\n");
  bed_chan_expect(c[0], AIOBLE_ECANCELED, true);
  assert_int_equal(c[1]->opened, 1);
  fake_env_advance(bed->env, 1ull * S);
  bed_chan_expect(late, AIOBLE_ETIMEDOUT, true);
  l2cap_bed_free(bed);
}

static void a_closing_link_ends_what_waits(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c[5], *one = ask(bed);

  (void) state;
  ask_enhanced(bed, c, 5);
  l2cap_bed_play(bed, "< 05 14 01 0a 00 25 00 40 00 40 00 17 00 03 00\n"
                      "< 05 17 02 12 00 25 00 40 00 40 00 03 00 41 00 42 00 43 00 44 00 45 00\n");
  ab_l2cap_close(&bed->link, AIOBLE_ERR_HCI(8));
  bed_chan_expect(one, AIOBLE_ERR_HCI(8), true);
  for (unsigned i = 0; i < 5; i++)
    bed_chan_expect(c[i], AIOBLE_ERR_HCI(8), true);
  l2cap_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_response_opens_the_channel),
      cmocka_unit_test(sizes_left_out_fill_whole_buffers),
      cmocka_unit_test(a_refusal_is_its_result),
      cmocka_unit_test(sizes_out_of_range_are_disconnected),
      cmocka_unit_test(a_cid_in_use_already_makes_an_end_of_both),
      cmocka_unit_test(silence_ends_it_and_a_late_response_is_nothing),
      cmocka_unit_test(one_given_up_is_disconnected_once_it_is_made),
      cmocka_unit_test(what_cannot_be_asked_leaves_the_channel_alone),
      cmocka_unit_test(there_are_64_channels_on_a_link),
      cmocka_unit_test(five_at_once_and_some_are_made),
      cmocka_unit_test(an_enhanced_response_may_say_anything),
      cmocka_unit_test(pending_waits_for_another_response_but_not_for_ever),
      cmocka_unit_test(a_closing_link_ends_what_waits),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
