/* SPDX-License-Identifier: MIT */
/* Other sizes for enhanced channels. Ours: MTU 64, MPS 64; theirs: 100, 64. */
#include "helpers/l2cap_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct asking {
  ab_l2cap_reconf reconf;
  unsigned calls;
  int status;
} asking;

static void on_end(ab_l2cap_reconf *reconf, int status) {
  asking *a = ab_container_of(reconf, asking, reconf);

  a->calls++;
  a->status = status;
}

static int asks(asking *a, bed_chan **c, unsigned n, uint16_t mtu, uint16_t mps) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH + 1];

  for (unsigned i = 0; i < n; i++)
    chans[i] = &c[i]->chan;
  return ab_l2cap_reconfigure(&a->reconf, chans, n, mtu, mps, on_end);
}

static void ours_are_in_force_once_accepted(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  asking a = {0}, b = {0};
  bed_chan *c[2];

  (void) state;
  l2cap_bed_open_enhanced(bed, c, 2);
  assert_int_equal(asks(&a, c, 2, 200, 70), 0);
  assert_int_equal(asks(&b, c, 1, 200, 70), AIOBLE_EBUSY);
  l2cap_bed_play(bed, "< 05 19 02 08 00 c8 00 46 00 40 00 41 00\n");
  assert_int_equal(c[0]->chan.ours.mtu, 64);
  assert_int_equal(a.calls, 0);
  l2cap_bed_play(bed, "> 05 1a 02 02 00 00 00\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(c[i]->chan.ours.mtu, 200);
    assert_int_equal(c[i]->chan.ours.mps, 70);
  }
  assert_int_equal(asks(&b, c, 1, 200, 64), 0); /* one alone may have a smaller MPS */
  l2cap_bed_play(bed, "< 05 19 03 06 00 c8 00 40 00 40 00\n"
                      "> 05 1a 03 02 00 00 00\n");
  assert_int_equal(c[0]->chan.ours.mps, 64);
  assert_int_equal(c[1]->chan.ours.mps, 70);
  l2cap_bed_free(bed);
}

static void a_refusal_changes_nothing(void **state) {
  static const struct {
    const char *answer;
    int status;
  } cases[] = {
      {"> 05 1a 02 02 00 01 00\n", AIOBLE_ERR_L2CAP(0x0c)},
      {"> 05 1a 02 02 00 02 00\n", AIOBLE_ERR_L2CAP(0x0c)},
      {"> 05 1a 02 02 00 03 00\n", AIOBLE_ERR_L2CAP(0x09)},
      {"> 05 1a 02 02 00 04 00\n", AIOBLE_ERR_L2CAP(0x0b)},
      {"> 05 1a 02 02 00 ff ff\n", AIOBLE_ERR_L2CAP(0x0b)},
      {"> 05 01 02 02 00 00 00\n", AIOBLE_ENOTSUP},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    asking a = {0};
    bed_chan *c;

    l2cap_bed_open_enhanced(bed, &c, 1);
    assert_int_equal(asks(&a, &c, 1, 200, 70), 0);
    l2cap_bed_play(bed, "< 05 19 02 06 00 c8 00 46 00 40 00\n");
    l2cap_bed_play(bed, cases[i].answer);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.status, cases[i].status);
    assert_int_equal(c->chan.ours.mtu, 64);
    assert_int_equal(c->ended, 0);
    l2cap_bed_free(bed);
  }
}

static void what_is_against_the_rules_is_not_asked(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c[6], *plain = l2cap_bed_open(bed, 64, 64, 1);
  asking a = {0};

  (void) state;
  l2cap_bed_open_enhanced(bed, c, 5);
  c[5] = c[0];
  assert_int_equal(asks(&a, c, 0, 64, 64), AIOBLE_EINVAL);
  assert_int_equal(asks(&a, c, 6, 64, 64), AIOBLE_EINVAL);
  assert_int_equal(asks(&a, c, 1, 63, 64), AIOBLE_EINVAL);
  assert_int_equal(asks(&a, c, 1, 64, 63), AIOBLE_EINVAL);
  assert_int_equal(asks(&a, c, 1, 64, 65534), AIOBLE_EINVAL);
  assert_int_equal(asks(&a, &plain, 1, 100, 100), AIOBLE_EINVAL);
  c[1]->chan.ours.mps = 70;
  assert_int_equal(asks(&a, c, 2, 64, 69), AIOBLE_EINVAL);
  c[1]->chan.ours.mtu = 70;
  assert_int_equal(asks(&a, c, 2, 69, 70), AIOBLE_EINVAL);
  ab_bufs_free(&bed->bufs);
  fake_env_fail_at(bed->env, 1);
  assert_int_equal(asks(&a, c, 2, 70, 70), AIOBLE_ENOMEM);
  ab_l2cap_close(&bed->link, AIOBLE_ENOTCONN);
  assert_int_equal(asks(&a, c, 2, 70, 70), AIOBLE_ENOTCONN);
  assert_int_equal(a.calls, 0);
  l2cap_bed_free(bed);
}

static void the_owner_or_a_channel_may_go_before_the_answer(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  asking a = {0};
  bed_chan *c[2];

  (void) state;
  l2cap_bed_open_enhanced(bed, c, 2);
  assert_int_equal(asks(&a, c, 2, 200, 70), 0);
  ab_l2cap_reconf_detach(&a.reconf);
  ab_l2cap_reconf_detach(&a.reconf);
  l2cap_bed_play(bed, "< 05 19 02 08 00 c8 00 46 00 40 00 41 00\n"
                      "> 05 06 03 04 00 40 00 50 00\n"
                      "< 05 07 03 04 00 40 00 50 00\n"
                      "> 05 1a 02 02 00 00 00\n");
  assert_int_equal(a.calls, 0);
  assert_int_equal(c[0]->chan.ours.mtu, 64);
  assert_int_equal(c[1]->chan.ours.mtu, 200); /* the answer counts all the same */
  assert_int_equal(asks(&a, c + 1, 1, 300, 70), 0);
  l2cap_bed_play(bed, "< 05 19 03 06 00 2c 01 46 00 41 00\n");
  ab_l2cap_close(&bed->link, AIOBLE_ENOTCONN);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ENOTCONN);
  l2cap_bed_free(bed);
}

static void the_peer_may_grow_its_own(void **state) {
  l2cap_bed *bed = l2cap_bed_new(false);
  bed_chan *c[2];

  (void) state;
  l2cap_bed_open_enhanced(bed, c, 2);
  l2cap_bed_play(bed, "> 05 19 05 08 00 80 00 50 00 50 00 51 00\n"
                      "< 05 1a 05 02 00 00 00\n");
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(c[i]->chan.theirs.mtu, 128);
    assert_int_equal(c[i]->chan.theirs.mps, 80);
  }
  l2cap_bed_play(bed, "> 05 19 05 08 00 80 00 4f 00 50 00 51 00\n" /* not for two at once */
                      "< 05 1a 05 02 00 02 00\n"
                      "> 05 19 05 06 00 80 00 40 00 51 00\n"
                      "< 05 1a 05 02 00 00 00\n");
  assert_int_equal(c[0]->chan.theirs.mps, 80);
  assert_int_equal(c[1]->chan.theirs.mps, 64);
  l2cap_bed_free(bed);
}

static void what_the_peer_may_not_changes_nothing(void **state) {
  static const struct {
    const char *sizes, *cids, *result;
  } cases[] = {
      {"63 00 40 00", "50 00", "01"},       {"3f 00 40 00", "50 00", "04"},
      {"64 00 3f 00", "50 00", "04"},       {"64 00 3f 00", "50 00 51 00", "04"},
      {"3f 00 3f 00", "50 00", "04"},       {"64 00 fe ff", "50 00", "04"},
      {"80 00 80 00", "50 00 60 00", "03"}, {"80 00 80 00", "40 00", "03"}, /* that is ours */
      {"80 00 80 00", "41 00", "03"},                                       /* no enhanced one */
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(false);
    char lines[256];
    bed_chan *c[2];

    (void) l2cap_bed_open(bed, 64, 64, 1);
    l2cap_bed_open_enhanced(bed, c, 2);
    c[0]->chan.peer_cid = 0x50;
    c[1]->chan.peer_cid = 0x51;
    (void) snprintf(lines, sizeof lines, "> 05 19 05 %02zx 00 %s %s\n< 05 1a 05 02 00 %s 00\n",
                    4 + (strlen(cases[i].cids) + 1) / 3, cases[i].sizes, cases[i].cids,
                    cases[i].result);
    l2cap_bed_play(bed, lines);
    for (unsigned k = 0; k < 2; k++) {
      assert_int_equal(c[k]->chan.theirs.mtu, 100);
      assert_int_equal(c[k]->chan.theirs.mps, 64);
    }
    l2cap_bed_free(bed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ours_are_in_force_once_accepted),
      cmocka_unit_test(a_refusal_changes_nothing),
      cmocka_unit_test(what_is_against_the_rules_is_not_asked),
      cmocka_unit_test(the_owner_or_a_channel_may_go_before_the_answer),
      cmocka_unit_test(the_peer_may_grow_its_own),
      cmocka_unit_test(what_the_peer_may_not_changes_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
