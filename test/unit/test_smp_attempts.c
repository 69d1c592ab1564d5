/* SPDX-License-Identifier: MIT */
/* Repeated attempts: waits that double, also over connections, and never longer than 64 s. */
#include "helpers/smp_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const ab_smp_policy *policy_of(const smp_bed *bed) {
  return &bed->side[SMP_CENTRAL].stack.policy;
}

/* the user types a wrong passkey */
static void fail_once(smp_bed *bed) {
  smp_side *peripheral = &bed->side[SMP_PERIPHERAL];

  assert_int_equal(ab_smp_secure(&bed->side[SMP_CENTRAL].smp, policy_of(bed)), 0);
  smp_bed_run(bed);
  assert_int_equal(
      ab_smp_answer(&peripheral->smp, true, bed->side[SMP_CENTRAL].number == 1 ? 2 : 1), 0);
  smp_bed_run(bed);
  assert_int_equal(peripheral->status, AIOBLE_ERR_SMP(4));
}

static void set_up(smp_bed *bed) {
  smp_bed_open(bed);
  bed->side[SMP_CENTRAL].stack.policy = smp_policy(AB_SMP_IO_DISPLAY, AB_SMP_SC_REQUIRED, true);
  bed->side[SMP_PERIPHERAL].stack.policy = smp_policy(AB_SMP_IO_KEYBOARD, AB_SMP_SC_REQUIRED, true);
}

static void each_failure_doubles_the_wait(void **state) {
  uint64_t wait = 1000000;
  smp_bed bed;

  (void) state;
  set_up(&bed);
  for (unsigned i = 0; i < 10; i++) {
    fail_once(&bed);
    smp_bed_reconnect(&bed); /* which does not help */
    fake_env_advance(bed.env, wait - 1);
    assert_int_equal(ab_smp_secure(&bed.side[SMP_CENTRAL].smp, policy_of(&bed)), AIOBLE_ERR_SMP(9));
    ab_smp_rx(&bed.side[SMP_PERIPHERAL].smp, (const uint8_t *) "\x01\x00\x00\x0d\x10\x00\x00", 7);
    assert_int_equal(bed.on_air, 1);
    assert_memory_equal(bed.air[0].bytes, "\x05\x09", 2);
    bed.on_air = 0;
    fake_env_advance(bed.env, 1);
    wait = wait < 64000000 ? wait * 2 : wait;
  }
  smp_bed_close(&bed);
}

static void success_makes_it_good(void **state) {
  smp_bed bed;

  (void) state;
  set_up(&bed);
  fail_once(&bed);
  fake_env_advance(bed.env, 1000000);
  fail_once(&bed);
  fake_env_advance(bed.env, 2000000);
  assert_int_equal(ab_smp_secure(&bed.side[SMP_CENTRAL].smp, policy_of(&bed)), 0);
  smp_bed_finish(&bed);
  assert_int_equal(bed.side[SMP_PERIPHERAL].status, 0);
  assert_int_equal(bed.side[SMP_PERIPHERAL].stack.attempts[0].failures, 0);
  smp_bed_close(&bed);
}

/* … and so many others cannot make it forgotten at once */
static void many_peers_share_the_table(void **state) {
  smp_bed bed;
  ab_smp_stack *stack;

  (void) state;
  set_up(&bed);
  stack = &bed.side[SMP_PERIPHERAL].stack;
  for (unsigned i = 0; i < 4; i++) {
    fail_once(&bed);
    fake_env_advance(bed.env, 8000000);
  }
  fail_once(&bed); /* 16 s */
  for (uint8_t i = 0; i < 100; i++) {
    aioble_addr_t other = {AIOBLE_ADDR_PUBLIC, {i, 1, 1, 1, 1, 1}};
    ab_smp smp;

    ab_smp_open(&smp, stack, &smp_bed_events, &bed.side[SMP_PERIPHERAL], false, &other, &other);
    ab_smp_rx(&smp, (const uint8_t *) "\x01\x00\x00\x0d\x10\x00\x00", 7);
    assert_memory_equal(bed.air[bed.on_air - 1].bytes, "\x02", 1);
    ab_smp_cancel(&smp, 0x0c);
    bed.on_air = 0;
    ab_smp_close(&smp, AIOBLE_ENOTCONN);
  }
  ab_smp_rx(&bed.side[SMP_PERIPHERAL].smp, (const uint8_t *) "\x01\x00\x00\x0d\x10\x00\x00", 7);
  assert_memory_equal(bed.air[0].bytes, "\x05\x09", 2);
  bed.on_air = 0;
  smp_bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_failure_doubles_the_wait),
      cmocka_unit_test(success_makes_it_good),
      cmocka_unit_test(many_peers_share_the_table),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
