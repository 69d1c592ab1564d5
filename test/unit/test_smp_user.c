/* SPDX-License-Identifier: MIT */
/* The user's part: answers right, wrong, refused, late; keys pressed; out of band. */
#include "helpers/smp_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void start(smp_bed *bed, ab_smp_io central, ab_smp_io peripheral, ab_smp_sc sc) {
  ab_smp_policy c = smp_policy(central, sc, true), p = smp_policy(peripheral, sc, true);

  smp_bed_open(bed);
  smp_bed_start(bed, &c, &p);
}

/* whoever is asked, late or at once; the peer's next command waits meanwhile */
static void the_answer_may_come_late(void **state) {
  static const ab_smp_io ios[][2] = {{AB_SMP_IO_KEYBOARD, AB_SMP_IO_DISPLAY},
                                     {AB_SMP_IO_DISPLAY, AB_SMP_IO_KEYBOARD},
                                     {AB_SMP_IO_KEYBOARD, AB_SMP_IO_KEYBOARD},
                                     {AB_SMP_IO_DISPLAY_YESNO, AB_SMP_IO_DISPLAY_YESNO}};

  (void) state;
  for (unsigned i = 0; i < 16; i++) {
    ab_smp_sc sc = i & 4 ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER;
    unsigned first = i & 8 ? SMP_CENTRAL : SMP_PERIPHERAL;
    smp_bed bed;

    if (i % 4 == 3 && !(i & 4))
      continue;
    start(&bed, ios[i % 4][0], ios[i % 4][1], sc);
    smp_bed_run(&bed);
    fake_env_advance(bed.env, 20000000);
    smp_bed_answer(&bed, first);
    smp_bed_run(&bed);
    fake_env_advance(bed.env, 9000000);
    if (bed.side[!first].prompted && bed.side[!first].prompt != AB_SMP_SHOW_PASSKEY)
      assert_int_equal(bed.side[0].ended + bed.side[1].ended, 0); /* the other user still thinks */
    smp_bed_finish(&bed);
    smp_bed_expect(&bed, 0, 0);
    smp_bed_close(&bed);
  }
}

static void a_wrong_passkey_fails_at_both(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    unsigned enters = i & 1 ? SMP_CENTRAL : SMP_PERIPHERAL;
    smp_bed bed;
    smp_side *side;

    start(&bed, enters == SMP_CENTRAL ? AB_SMP_IO_KEYBOARD : AB_SMP_IO_DISPLAY,
          enters == SMP_CENTRAL ? AB_SMP_IO_DISPLAY : AB_SMP_IO_KEYBOARD,
          i & 2 ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER);
    smp_bed_run(&bed);
    side = &bed.side[enters];
    assert_int_equal(side->prompt, AB_SMP_ENTER_PASSKEY);
    assert_int_equal(ab_smp_answer(&side->smp, true, 1000000), AIOBLE_EINVAL);
    assert_int_equal(ab_smp_answer(&side->smp, true, bed.side[!enters].number ^ 1), 0);
    assert_int_equal(ab_smp_answer(&side->smp, true, 0), AIOBLE_EALREADY);
    smp_bed_run(&bed);
    smp_bed_expect(&bed, AIOBLE_ERR_SMP(4), AIOBLE_ERR_SMP(4));
    assert_int_equal(side->stack.n_bonds, 0);
    assert_int_equal(side->smp.security.level, 0);
    smp_bed_close(&bed);
  }
}

static void no_is_an_answer(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    bool compare = i & 1;
    unsigned at = i & 2 ? SMP_CENTRAL : SMP_PERIPHERAL;
    ab_smp_io central = compare ? AB_SMP_IO_DISPLAY_YESNO : AB_SMP_IO_KEYBOARD;
    int reason = compare ? 0x0c : 0x01;
    smp_bed bed;

    start(&bed, central, compare ? central : AB_SMP_IO_DISPLAY, AB_SMP_SC_REQUIRED);
    smp_bed_run(&bed);
    assert_int_equal(bed.side[at].prompts, 1); /* showing may be refused, too */
    assert_int_equal(ab_smp_answer(&bed.side[at].smp, false, 0), 0);
    smp_bed_run(&bed);
    smp_bed_expect(&bed, AIOBLE_ERR_SMP(reason), AIOBLE_ERR_SMP(reason));
    assert_int_equal(ab_smp_answer(&bed.side[at].smp, false, 0), AIOBLE_EALREADY);
    smp_bed_close(&bed);
  }
}

static void nothing_is_answered_before_it_is_asked(void **state) {
  smp_bed bed;

  (void) state;
  smp_bed_open(&bed);
  assert_int_equal(ab_smp_answer(&bed.side[0].smp, true, 0), AIOBLE_EALREADY);
  smp_bed_close(&bed);
  start(&bed, AB_SMP_IO_DISPLAY_YESNO, AB_SMP_IO_DISPLAY_YESNO, AB_SMP_SC_REQUIRED);
  assert_int_equal(ab_smp_answer(&bed.side[0].smp, true, 0), AIOBLE_EALREADY);
  smp_bed_finish(&bed);
  smp_bed_expect(&bed, 0, 0);
  smp_bed_close(&bed);
}

/* ---- keys pressed ---- */

static void keys_pressed_are_told_and_give_time(void **state) {
  smp_bed bed;

  (void) state;
  start(&bed, AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_IO_KEYBOARD, AB_SMP_SC_REQUIRED);
  smp_bed_run(&bed);
  for (unsigned i = 0; i < 5; i++) {
    fake_env_advance(bed.env, 25000000);
    assert_int_equal(ab_smp_keypress(&bed.side[SMP_PERIPHERAL].smp, (uint8_t) i), 0);
    smp_bed_run(&bed);
  }
  assert_int_equal(bed.side[SMP_CENTRAL].keypresses, 5);
  assert_int_equal(ab_smp_keypress(&bed.side[SMP_PERIPHERAL].smp, 5), AIOBLE_EINVAL);
  assert_int_equal(ab_smp_keypress(&bed.side[SMP_CENTRAL].smp, 1), AIOBLE_EALREADY);
  smp_bed_finish(&bed);
  smp_bed_expect(&bed, 0, 0);
  smp_bed_close(&bed);
}

static void keys_nobody_said_would_be_told_end_it(void **state) {
  static const struct {
    ab_smp_io central, peripheral;
    uint8_t type;
    int status;
  } cases[] = {
      {AB_SMP_IO_DISPLAY, AB_SMP_IO_KEYBOARD, 1, 8},           /* we cannot */
      {AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_IO_KEYBOARD, 5, 10}, /* no such type */
      {AB_SMP_IO_KEYBOARD, AB_SMP_IO_KEYBOARD_DISPLAY, 1, 8},  /* we enter, the peer shows */
  };

  (void) state;
  for (size_t i = 0; i < 3; i++) {
    uint8_t command[2] = {0x0e, cases[i].type};
    smp_bed bed;

    start(&bed, cases[i].central, cases[i].peripheral, AB_SMP_SC_REQUIRED);
    smp_bed_run(&bed);
    ab_smp_rx(&bed.side[SMP_CENTRAL].smp, command, sizeof command);
    smp_bed_run(&bed);
    smp_bed_expect(&bed, AIOBLE_ERR_SMP(cases[i].status), AIOBLE_ERR_SMP(cases[i].status));
    assert_int_equal(bed.side[SMP_CENTRAL].keypresses, 0);
    smp_bed_close(&bed);
  }
}

static void keys_do_not_keep_a_pairing_alive_for_ever(void **state) {
  smp_bed bed;
  unsigned n = 0;

  (void) state;
  start(&bed, AB_SMP_IO_KEYBOARD_DISPLAY, AB_SMP_IO_KEYBOARD, AB_SMP_SC_REQUIRED);
  smp_bed_run(&bed);
  while (!bed.side[SMP_CENTRAL].ended && n++ < 1000) {
    fake_env_advance(bed.env, 1000000);
    (void) ab_smp_keypress(&bed.side[SMP_PERIPHERAL].smp, 1);
    smp_bed_run(&bed);
  }
  assert_in_range(n, 100, 300);
  smp_bed_close(&bed);
}

/* ---- out of band ---- */

enum { TK, BOTH_WAYS, TO_CENTRAL, TO_PERIPHERAL, WRONG_RANDOM, WRONG_CONFIRM, OTHER_TK, OOB_CASES };

static void out_of_band(void **state) {
  static const int statuses[OOB_CASES] = {[WRONG_RANDOM] = AIOBLE_ERR_SMP(4),
                                          [WRONG_CONFIRM] = AIOBLE_ERR_SMP(4),
                                          [OTHER_TK] = AIOBLE_ERR_SMP(4)};

  (void) state;
  for (int i = 0; i < OOB_CASES; i++) {
    bool legacy = i == TK || i == OTHER_TK;
    ab_smp_sc sc = legacy ? AB_SMP_SC_NEVER : AB_SMP_SC_REQUIRED;
    ab_smp_policy c = smp_policy(AB_SMP_IO_NONE, sc, true), p = c;
    ab_smp_oob co = {.has_tk = legacy}, po = {.has_tk = legacy};
    smp_bed bed;

    smp_bed_open(&bed);
    co.tk.b[3] = po.tk.b[3] = 5;
    po.tk.b[4] = i == OTHER_TK;
    assert_int_equal(ab_smp_oob_make(bed.env, &co), 0);
    assert_int_equal(ab_smp_oob_make(bed.env, &po), 0);
    co.has_peer = !legacy && i != TO_PERIPHERAL;
    po.has_peer = !legacy && i != TO_CENTRAL;
    co.peer = po.local;
    po.peer = co.local;
    co.peer.random.b[0] ^= i == WRONG_RANDOM;
    po.peer.confirm.b[9] ^= i == WRONG_CONFIRM;
    c.oob = &co;
    p.oob = &po;
    smp_bed_start(&bed, &c, &p);
    smp_bed_finish(&bed);
    smp_bed_expect(&bed, statuses[i], statuses[i]);
    assert_int_equal(bed.side[0].smp.security.level, statuses[i] ? 0 : legacy ? 2 : 3);
    assert_int_equal(bed.side[0].prompts + bed.side[1].prompts, 0);
    smp_bed_close(&bed);
  }
}

/* what the flag says depends on the pairing that comes of it (tables 2.6, 2.7) */
static void a_temporary_key_alone_means_legacy_pairing(void **state) {
  enum { NOTHING, KEY, BOTH };
  static const struct {
    uint8_t has[2]; /* central, peripheral */
    ab_smp_sc sc[2];
    int status;
    uint8_t level;
  } cases[] = {
      {{KEY, KEY}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED}, 0, 2},
      {{KEY, NOTHING}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED}, 0, 1},
      {{NOTHING, KEY}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED}, 0, 1},
      {{KEY, KEY}, {AB_SMP_SC_REQUIRED, AB_SMP_SC_PREFERRED}, 0, 1}, /* it is of no use */
      {{KEY, KEY}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_REQUIRED}, AIOBLE_ERR_SMP(3), 0},
      {{KEY, KEY}, {AB_SMP_SC_NEVER, AB_SMP_SC_PREFERRED}, 0, 2},
      {{BOTH, BOTH}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED}, 0, 3},
      {{BOTH, BOTH}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_NEVER}, 0, 2},
      {{BOTH, KEY}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_PREFERRED}, 0, 2},
      {{BOTH, NOTHING}, {AB_SMP_SC_PREFERRED, AB_SMP_SC_NEVER}, 0, 1},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ab_smp_policy policy[2];
    ab_smp_oob oob[2] = {0};
    smp_bed bed;

    smp_bed_open(&bed);
    for (unsigned at = 0; at < 2; at++) {
      policy[at] = smp_policy(AB_SMP_IO_NONE, cases[i].sc[at], false);
      oob[at].has_tk = cases[i].has[at] != NOTHING;
      oob[at].tk.b[0] = 7;
      if (cases[i].has[at] == BOTH)
        assert_int_equal(ab_smp_oob_make(bed.env, &oob[at]), 0);
      policy[at].oob = &oob[at];
    }
    for (unsigned at = 0; at < 2; at++) {
      oob[at].has_peer = cases[i].has[at] == BOTH;
      oob[at].peer = oob[!at].local;
    }
    smp_bed_start(&bed, &policy[0], &policy[1]);
    smp_bed_finish(&bed);
    if (bed.side[0].status != cases[i].status || bed.side[0].smp.security.level != cases[i].level)
      fail_msg("case %zu: %d, level %u", i, bed.side[0].status, bed.side[0].smp.security.level);
    smp_bed_expect(&bed, cases[i].status, cases[i].status);
    smp_bed_close(&bed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_answer_may_come_late),
      cmocka_unit_test(a_wrong_passkey_fails_at_both),
      cmocka_unit_test(no_is_an_answer),
      cmocka_unit_test(nothing_is_answered_before_it_is_asked),
      cmocka_unit_test(keys_pressed_are_told_and_give_time),
      cmocka_unit_test(keys_nobody_said_would_be_told_end_it),
      cmocka_unit_test(keys_do_not_keep_a_pairing_alive_for_ever),
      cmocka_unit_test(out_of_band),
      cmocka_unit_test(a_temporary_key_alone_means_legacy_pairing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
