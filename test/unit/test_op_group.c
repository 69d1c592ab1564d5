/* SPDX-License-Identifier: MIT */
/* Several ops as one: all and any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/op.h"
#include "helpers/sim.h"
#include "host/host.h"

static const ab_op_kind plain = {"plain", sizeof(aioble_op_t), AIOBLE_FOREVER, NULL, NULL};

/* its procedure ends when the test says so */
static void count_end(aioble_op_t *op, int why) {
  (void) why;
  op->result.number++;
}

static const ab_op_kind slow = {"slow", sizeof(aioble_op_t), AIOBLE_FOREVER, count_end, NULL};

typedef struct bed {
  sim s;
  aioble_op_t *m[3]; /* members: a reference each beside the group's */
} bed;

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);
  aioble_t *ble;

  sim_open(&b->s, NULL);
  ble = sim_stack_new(&b->s, NULL, NULL);
  for (int i = 0; i < 3; i++)
    b->m[i] = aioble_op_ref(ab_op_new(ble, i == 2 ? &slow : &plain));
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  for (int i = 0; i < 3; i++) {
    ab_op_settle(b->m[i], 0);
    aioble_op_unref(b->m[i]);
  }
  sim_close(&b->s);
  test_free(b);
  return 0;
}

static aioble_t *ble_of(bed *b) {
  return b->s.stacks[0].ble;
}

/* ---- all ---- */

static void all_waits_for_every_one(void **state) {
  bed *b = *state;
  sim_watch w;

  sim_watch_op(&w, aioble_op_all(b->m, 3));
  ab_op_settle(b->m[1], 0);
  ab_op_settle(b->m[2], 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[0], 0);
  assert_int_equal(w.calls, 0);
  sim_watch_expect(&w, 0);
}

static void all_fails_with_the_first_failure_once_the_others_have_ended(void **state) {
  bed *b = *state;
  sim_watch w;

  sim_watch_op(&w, aioble_op_all(b->m, 3));
  ab_op_settle(b->m[1], AIOBLE_EPROTO);
  sim_run_ms(&b->s, 1);
  assert_int_equal(aioble_op_status(b->m[0]), AIOBLE_ECANCELED);
  assert_int_equal(b->m[2]->result.number, 1); /* asked to end, and has not */
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[2], AIOBLE_ENOTCONN);
  sim_watch_expect(&w, AIOBLE_EPROTO);
}

static void all_of_settled_ones_does_not_settle_inline(void **state) {
  bed *b = *state;
  sim_watch w;

  for (int i = 0; i < 3; i++)
    ab_op_settle(b->m[i], 0);
  sim_watch_op(&w, aioble_op_all(b->m, 3));
  assert_false(aioble_op_done(w.op));
  sim_watch_expect(&w, 0);
}

static void all_of_none_is_success(void **state) {
  (void) state;
  assert_int_equal(aioble_op_finish(aioble_op_all(NULL, 0)), 0);
}

/* ---- any ---- */

static void any_is_the_first_success_once_the_others_have_ended(void **state) {
  bed *b = *state;
  aioble_op_t *group = aioble_op_any(b->m, 3);
  sim_watch w;

  sim_watch_op(&w, group);
  ab_op_settle(b->m[0], AIOBLE_EPROTO);
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[1], 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(b->m[2]->result.number, 1);
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[2], 0); /* too late to win */
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 1);
  assert_ptr_equal(aioble_op_winner(group), b->m[1]);
  sim_watch_expect(&w, 0);
}

static void any_fails_with_the_last_failure(void **state) {
  bed *b = *state;
  aioble_op_t *group = aioble_op_any(b->m, 3);
  sim_watch w;

  sim_watch_op(&w, group);
  ab_op_settle(b->m[2], AIOBLE_EPROTO);
  ab_op_settle(b->m[0], AIOBLE_ENOENT);
  sim_run_ms(&b->s, 1);
  ab_op_settle(b->m[1], AIOBLE_ETIMEDOUT);
  sim_run_ms(&b->s, 1);
  assert_null(aioble_op_winner(group));
  sim_watch_expect(&w, AIOBLE_ETIMEDOUT);
}

static void any_of_none_is_invalid(void **state) {
  (void) state;
  assert_int_equal(aioble_op_finish(aioble_op_any(NULL, 0)), AIOBLE_EINVAL);
}

/* ---- ending a group ---- */

static void cancel_ends_the_members_first(void **state) {
  bed *b = *state;
  aioble_op_t *group = aioble_op_any(b->m, 3);
  sim_watch w;

  sim_watch_op(&w, group);
  aioble_op_cancel(group);
  aioble_op_cancel(group);
  sim_run_ms(&b->s, 1);
  assert_int_equal(aioble_op_status(b->m[0]), AIOBLE_ECANCELED);
  assert_int_equal(aioble_op_status(b->m[1]), AIOBLE_ECANCELED);
  assert_int_equal(b->m[2]->result.number, 1);
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[2], AIOBLE_ECANCELED);
  sim_watch_expect(&w, AIOBLE_ECANCELED);
}

static void a_time_limit_ends_the_members_too(void **state) {
  bed *b = *state;
  aioble_op_t *group = aioble_op_all(b->m, 2);
  sim_watch w;

  sim_watch_op(&w, group);
  aioble_op_set_timeout(group, 50);
  sim_run_ms(&b->s, 49);
  assert_false(aioble_op_done(b->m[0]));
  sim_watch_expect(&w, AIOBLE_ETIMEDOUT);
  assert_int_equal(aioble_op_status(b->m[0]), AIOBLE_ECANCELED);
  assert_int_equal(aioble_op_status(b->m[1]), AIOBLE_ECANCELED);
  aioble_op_unref(b->m[2]);
}

/* ---- members ---- */

static void members_are_borrowed_and_counted(void **state) {
  bed *b = *state;
  aioble_op_t *group = aioble_op_all(b->m, 3);

  for (size_t i = 0; i < 3; i++)
    assert_ptr_equal(aioble_op_member(group, i), b->m[i]);
  assert_null(aioble_op_member(group, 3));
  assert_null(aioble_op_member(b->m[0], 0)); /* no group */
  assert_null(aioble_op_winner(group));      /* only any has one */
  for (int i = 0; i < 3; i++)
    ab_op_settle(b->m[i], 0);
  sim_expect(group, 0);
}

static void groups_of_groups_work(void **state) {
  bed *b = *state;
  aioble_op_t *inner = aioble_op_any(b->m, 2);
  aioble_op_t *outer_members[] = {inner, b->m[2]};
  aioble_op_t *outer = aioble_op_all(outer_members, 2);

  ab_op_settle(b->m[2], 0);
  ab_op_settle(b->m[1], 0);
  sim_expect(outer, 0);
  assert_int_equal(aioble_op_status(b->m[0]), AIOBLE_ECANCELED);
}

/* ---- ops of no loop among them: what NULL handles give ---- */

static void a_member_of_no_loop_counts(void **state) {
  bed *b = *state;
  aioble_op_t *ops[] = {aioble_conn_rssi(NULL), b->m[0]};
  sim_watch w;

  sim_watch_op(&w, aioble_op_all(ops, 2));
  assert_false(aioble_op_done(w.op) && w.calls);
  sim_watch_expect(&w, AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_status(b->m[0]), AIOBLE_ECANCELED);
  aioble_op_unref(b->m[1]);
  aioble_op_unref(b->m[2]);
}

static void any_goes_on_after_a_member_of_no_loop(void **state) {
  bed *b = *state;
  aioble_op_t *ops[] = {aioble_conn_rssi(NULL), b->m[0]};
  sim_watch w;

  sim_watch_op(&w, aioble_op_any(ops, 2));
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 0);
  ab_op_settle(b->m[0], 0);
  sim_watch_expect(&w, 0);
  aioble_op_unref(b->m[1]);
  aioble_op_unref(b->m[2]);
}

static void only_members_of_no_loop_settle_as_they_have(void **state) {
  aioble_op_t *ops[2];

  (void) state;
  ops[0] = aioble_op_all(NULL, 0); /* a success of no loop */
  ops[1] = aioble_conn_rssi(NULL);
  assert_int_equal(aioble_op_finish(aioble_op_all(ops, 2)), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_finish(aioble_op_any(ops, 2)), 0);
  assert_int_equal(aioble_op_finish(aioble_op_any(ops + 1, 1)), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_finish(aioble_op_all(ops, 1)), 0);
}

/* ---- memory ---- */

static void without_memory_the_members_are_let_go(void **state) {
  bed *b = *state;
  sim_watch w;

  b->s.fail_from = 1;
  sim_watch_op(&w, aioble_op_all(b->m, 3));
  b->s.fail_from = 0;
  sim_watch_expect(&w, AIOBLE_ENOMEM);
  for (int i = 0; i < 3; i++)
    assert_false(aioble_op_done(b->m[i])); /* nobody cancelled them */
  assert_non_null(ble_of(b));
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(all_waits_for_every_one),
      WITH_BED(all_fails_with_the_first_failure_once_the_others_have_ended),
      WITH_BED(all_of_settled_ones_does_not_settle_inline),
      cmocka_unit_test(all_of_none_is_success),
      WITH_BED(any_is_the_first_success_once_the_others_have_ended),
      WITH_BED(any_fails_with_the_last_failure),
      cmocka_unit_test(any_of_none_is_invalid),
      WITH_BED(cancel_ends_the_members_first),
      WITH_BED(a_time_limit_ends_the_members_too),
      WITH_BED(members_are_borrowed_and_counted),
      WITH_BED(groups_of_groups_work),
      WITH_BED(a_member_of_no_loop_counts),
      WITH_BED(any_goes_on_after_a_member_of_no_loop),
      cmocka_unit_test(only_members_of_no_loop_settle_as_they_have),
      WITH_BED(without_memory_the_members_are_let_go),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
