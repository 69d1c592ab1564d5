/* SPDX-License-Identifier: MIT */
/* What is legal when: requests without a pairing, anything at any time, the 30 seconds, no memory.
 */
#include "helpers/hex.h"
#include "helpers/pdu_script.h"
#include "helpers/smp_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- without a pairing ---- */

typedef struct world {
  ab_env *env;
  ab_bufs bufs;
  ab_smp_stack stack;
  pdu_script script;
  ab_smp smp;
  unsigned ended;
  int status;
} world;

static void on_send(void *ctx, ab_buf *command) {
  world *w = ctx;

  pdu_script_sent(&w->script, command);
}

static int on_encrypt(void *ctx, const ab_smp_ltk *key) {
  (void) ctx;
  (void) key;
  return 0;
}

static void on_ended(void *ctx, int status) {
  world *w = ctx;

  w->ended++;
  w->status = status;
}

static void nothing(void *ctx) {
  (void) ctx;
}

static const ab_smp_events events = {.send = on_send,
                                     .encrypt = on_encrypt,
                                     .await_ack = nothing,
                                     .changed = nothing,
                                     .ended = on_ended};

static void rx(void *ctx, const uint8_t *command, size_t len) {
  world *w = ctx;

  ab_smp_rx(&w->smp, command, len);
}

static void set_up(world *w, bool central) {
  static const aioble_addr_t local = {0, {1, 2, 3, 4, 5, 6}}, peer = {0, {6, 5, 4, 3, 2, 1}};

  memset(w, 0, sizeof *w);
  w->env = fake_env_new();
  ab_bufs_init(&w->bufs, w->env, 4);
  ab_smp_stack_init(&w->stack, w->env, &w->bufs);
  pdu_script_init(&w->script, rx, w);
  ab_smp_open(&w->smp, &w->stack, &events, w, central, &local, &peer);
}

static void tear_down(world *w) {
  ab_smp_close(&w->smp, AIOBLE_ENOTCONN);
  pdu_script_end(&w->script, AIOBLE_ENOTCONN);
  ab_smp_stack_close(&w->stack);
  ab_bufs_free(&w->bufs);
  fake_env_free(w->env);
}

static void a_host_that_refuses_says_so(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  w.stack.policy.pairable = AB_SMP_NOT_PAIRABLE;
  pdu_script_play(&w.script, "> 01 03 00 01 10 07 07\n < 05 05\n"
                             "> 01 03 00 01 10 07 07\n < 05 05\n");
  tear_down(&w);
  set_up(&w, true);
  w.stack.policy.pairable = AB_SMP_NOT_PAIRABLE;
  pdu_script_play(&w.script, "> 0b 01\n < 05 05\n");
  assert_int_equal(w.ended, 0);
  tear_down(&w);
}

static void the_other_role_s_requests_are_not_supported(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  pdu_script_play(&w.script, "> 0b 01\n < 05 07\n");
  tear_down(&w);
  set_up(&w, true);
  pdu_script_play(&w.script, "> 01 03 00 01 10 07 07\n < 05 07\n");
  tear_down(&w);
}

static void requests_of_another_length_have_invalid_parameters(void **state) {
  (void) state;
  for (unsigned central = 0; central < 2; central++) {
    world w;

    set_up(&w, central);
    pdu_script_play(&w.script, "> 01\n < 05 0a\n > 01 ff\n < 05 0a\n > 0b\n < 05 0a\n"
                               "> 01 03 00 01 10 07\n < 05 0a\n > 0b 01 00\n < 05 0a\n"
                               "> 01 03 00 01 10 07 07 00\n < 05 0a\n");
    tear_down(&w);
  }
}

static void without_a_pairing_everything_else_is_ignored(void **state) {
  (void) state;
  for (unsigned central = 0; central < 2; central++) {
    world w;

    set_up(&w, central);
    ab_smp_rx(&w.smp, NULL, 0);
    for (unsigned code = 0; code < 256; code++)
      for (size_t len = 1; len <= 65; len += 8) {
        uint8_t bytes[65] = {(uint8_t) code};

        if (code != 0x01 && code != 0x0b)
          ab_smp_rx(&w.smp, bytes, len);
      }
    pdu_script_quiet(&w.script);
    assert_int_equal(w.smp.ignored, 1 + 254 * 9);
    assert_int_equal(w.ended, 0);
    tear_down(&w);
  }
}

/* a peer that asks and asks, and does not listen */
static void answers_do_not_pile_up(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  for (int i = 0; i < 1000; i++)
    ab_smp_rx(&w.smp, (const uint8_t *) "\x0b\x01", 2);
  assert_true(w.smp.in_flight > 0 && w.smp.in_flight < 32);
  assert_int_equal(w.smp.ignored, 1000 - w.smp.in_flight);
  tear_down(&w);
}

/* a key is given only where there is one: not without a bond, and not before its time */
static void no_key_without_a_bond(void **state) {
  ab_key16 key;
  world w;

  (void) state;
  set_up(&w, false);
  assert_false(ab_smp_ltk_request(&w.smp, 0, 0, &key));
  ab_smp_encryption(&w.smp, 0, true); /* with what? */
  assert_int_equal(w.smp.security.level, 0);
  pdu_script_play(&w.script, "> 01 03 00 09 10 07 07\n < 02 03 00 09 10 07 05\n");
  assert_false(ab_smp_ltk_request(&w.smp, 0, 0, &key));
  pdu_script_play(&w.script, "< 05 08\n");
  assert_int_equal(w.ended, 1);
  assert_int_equal(w.status, AIOBLE_ERR_SMP(0x08));
  tear_down(&w);
}

/* ---- during a pairing ---- */

typedef struct scenario {
  ab_smp_io central, peripheral;
  ab_smp_sc sc;
} scenario;

static const scenario scenarios[] = {
    {AB_SMP_IO_NONE, AB_SMP_IO_NONE, AB_SMP_SC_NEVER},
    {AB_SMP_IO_NONE, AB_SMP_IO_NONE, AB_SMP_SC_REQUIRED},
    {AB_SMP_IO_KEYBOARD, AB_SMP_IO_DISPLAY, AB_SMP_SC_NEVER},
    {AB_SMP_IO_DISPLAY, AB_SMP_IO_KEYBOARD, AB_SMP_SC_REQUIRED},
    {AB_SMP_IO_DISPLAY_YESNO, AB_SMP_IO_DISPLAY_YESNO, AB_SMP_SC_REQUIRED},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static void start(smp_bed *bed, const scenario *s) {
  bool mitm = s->central != AB_SMP_IO_NONE;
  ab_smp_policy central = smp_policy(s->central, s->sc, mitm);
  ab_smp_policy peripheral = smp_policy(s->peripheral, s->sc, mitm);

  smp_bed_open(bed);
  smp_bed_start(bed, &central, &peripheral);
}

/* so many steps, users included; false: it was over before */
static bool steps(smp_bed *bed, unsigned n) {
  while (n-- > 0)
    if (!smp_bed_move(bed) && !smp_bed_answer(bed, SMP_CENTRAL) &&
        !smp_bed_answer(bed, SMP_PERIPHERAL))
      return false;
  return true;
}

static unsigned random_below(ab_env *env, unsigned n) {
  uint32_t r;

  assert_int_equal(ab_random(env, &r, sizeof r), 0);
  return r % n;
}

/* any code, any length, in any state, at either side */
static void anything_ends_it_or_is_ignored(void **state) {
  static const uint8_t lengths[] = {1, 7, 7, 17, 17, 2, 17, 11, 17, 8, 17, 2, 65, 17, 2, 1};
  ab_env *dice = fake_env_new();

  (void) state;
  for (unsigned i = 0; i < 1200; i++) {
    unsigned code = random_below(dice, 16), at = random_below(dice, 2);
    size_t len = lengths[code] + (random_below(dice, 4) ? 0 : random_below(dice, 3) - 1u);
    uint8_t *bytes = malloc(len + 1);
    smp_bed bed;

    assert_non_null(bytes);
    start(&bed, &scenarios[i % SCENARIOS]);
    steps(&bed, random_below(dice, 24));
    assert_int_equal(ab_random(dice, bytes, len + 1), 0);
    bytes[0] = (uint8_t) code;
    if (bed.on_air + 6 < SMP_AIR)
      ab_smp_rx(&bed.side[at].smp, bytes, len);
    free(bytes);
    smp_bed_finish(&bed);
    for (unsigned side = 0; side < 2; side++) {
      assert_true(bed.side[side].ended <= 2); /* a second: the injected request's own pairing */
      assert_true(bed.side[side].smp.security.level <= 3);
    }
    smp_bed_close(&bed);
  }
  fake_env_free(dice);
}

/* the link ends at every step: each side that had begun is told, once */
static void the_link_may_end_at_any_step(void **state) {
  (void) state;
  for (unsigned s = 0; s < SCENARIOS; s++)
    for (unsigned n = 0;; n++) {
      smp_bed bed;
      bool more;

      start(&bed, &scenarios[s]);
      more = steps(&bed, n);
      smp_bed_reconnect(&bed);
      assert_int_equal(bed.side[SMP_CENTRAL].ended, 1);
      assert_int_equal(bed.side[SMP_PERIPHERAL].ended, n > 0);
      if (!more) {
        smp_bed_expect(&bed, 0, 0);
        smp_bed_close(&bed);
        break;
      }
      assert_true(bed.side[SMP_CENTRAL].status == AIOBLE_ENOTCONN ||
                  bed.side[SMP_CENTRAL].status == 0);
      smp_bed_close(&bed);
    }
}

/* … or one side falls silent: 30 s, and then nothing any more on this link */
static void silence_is_thirty_seconds(void **state) {
  (void) state;
  for (unsigned s = 0; s < SCENARIOS; s++)
    for (unsigned n = 1; n < 12; n++) {
      smp_bed bed;

      start(&bed, &scenarios[s]);
      assert_true(steps(&bed, n));
      bed.on_air = 0;
      bed.encrypting = false;
      fake_env_advance(bed.env, 29999999);
      assert_int_equal(bed.side[SMP_CENTRAL].ended + bed.side[SMP_PERIPHERAL].ended, 0);
      fake_env_advance(bed.env, 1);
      smp_bed_expect(&bed, AIOBLE_ETIMEDOUT, AIOBLE_ETIMEDOUT);
      assert_int_equal(bed.on_air, 0); /* not even to say so */
      ab_smp_rx(&bed.side[SMP_PERIPHERAL].smp, (const uint8_t *) "\x01\x03\x00\x01\x10\x07\x07", 7);
      assert_int_equal(bed.on_air, 0);
      assert_int_equal(
          ab_smp_secure(&bed.side[SMP_CENTRAL].smp, &bed.side[SMP_CENTRAL].stack.policy),
          AIOBLE_ETIMEDOUT);
      smp_bed_close(&bed);
    }
}

static void the_peer_s_reason_is_told_at_once(void **state) {
  (void) state;
  for (uint8_t reason = 0; reason < 20; reason++) {
    uint8_t failed[2] = {0x05, reason};
    smp_bed bed;

    start(&bed, &scenarios[1]);
    assert_true(steps(&bed, 4));
    bed.on_air = 0;
    ab_smp_rx(&bed.side[SMP_CENTRAL].smp, failed, sizeof failed);
    assert_int_equal(bed.side[SMP_CENTRAL].ended, 1);
    assert_int_equal(bed.side[SMP_CENTRAL].status, AIOBLE_ERR_SMP(reason ? reason : 8));
    assert_int_equal(bed.on_air, 0);
    smp_bed_close(&bed);
  }
}

static void memory_may_run_out_at_any_allocation(void **state) {
  (void) state;
  for (unsigned s = 0; s < SCENARIOS; s++)
    for (unsigned n = 1;; n++) {
      const scenario *sc = &scenarios[s];
      bool mitm = sc->central != AB_SMP_IO_NONE;
      ab_smp_policy central = smp_policy(sc->central, sc->sc, mitm);
      smp_bed bed;
      unsigned allocs;
      int err;

      smp_bed_open(&bed);
      bed.side[SMP_PERIPHERAL].stack.policy = smp_policy(sc->peripheral, sc->sc, mitm);
      allocs = fake_env_allocs(bed.env);
      fake_env_fail_at(bed.env, n);
      err = ab_smp_secure(&bed.side[SMP_CENTRAL].smp, &central);
      smp_bed_finish(&bed);
      if (fake_env_allocs(bed.env) - allocs < n) { /* it was not reached */
        smp_bed_expect(&bed, 0, 0);
        smp_bed_close(&bed);
        break;
      }
      fake_env_advance(bed.env, 30000000); /* the other may not have heard of it */
      if (err < 0)
        assert_int_equal(err, AIOBLE_ENOMEM);
      else
        assert_int_equal(bed.side[SMP_CENTRAL].ended, 1);
      assert_true(err < 0 || bed.side[SMP_CENTRAL].status < 0 ||
                  bed.side[SMP_PERIPHERAL].status < 0);
      smp_bed_close(&bed);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_host_that_refuses_says_so),
      cmocka_unit_test(the_other_role_s_requests_are_not_supported),
      cmocka_unit_test(requests_of_another_length_have_invalid_parameters),
      cmocka_unit_test(without_a_pairing_everything_else_is_ignored),
      cmocka_unit_test(answers_do_not_pile_up),
      cmocka_unit_test(no_key_without_a_bond),
      cmocka_unit_test(anything_ends_it_or_is_ignored),
      cmocka_unit_test(the_link_may_end_at_any_step),
      cmocka_unit_test(silence_is_thirty_seconds),
      cmocka_unit_test(the_peer_s_reason_is_told_at_once),
      cmocka_unit_test(memory_may_run_out_at_any_allocation),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
