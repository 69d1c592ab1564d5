/* SPDX-License-Identifier: MIT */
/* The contract of include/aioble/op.h, clause by clause, with kinds of op of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/op.h"
#include "helpers/sim.h"
#include "host/host.h"

/* ---- kinds ---- */

static const ab_op_kind plain = {"plain", sizeof(aioble_op_t), AIOBLE_FOREVER, NULL, NULL};
static const ab_op_kind limited = {"limited", sizeof(aioble_op_t), 1000, NULL, NULL};

/* a procedure that takes its time to end: settled by the test */
static void count_end(aioble_op_t *op, int why) {
  assert_true(why == AIOBLE_ECANCELED || why == AIOBLE_ETIMEDOUT);
  ++*(unsigned *) op->result.handle;
}

static const ab_op_kind slow = {"slow", sizeof(aioble_op_t), AIOBLE_FOREVER, count_end, NULL};

/* one that is settled while it is being ended */
static void settle_and_look(aioble_op_t *op, int why) {
  assert_true(ab_op_settle(op, why));
  assert_true(op->refs > 0 && op->done);
}

static const ab_op_kind early = {"early", sizeof(aioble_op_t), 1000, settle_and_look, NULL};

static void count_put(void *handle) {
  ++*(unsigned *) handle;
}

/* ---- the bed ---- */

typedef struct bed {
  sim s;
  aioble_t *ble;
} bed;

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  sim_open(&b->s, NULL);
  b->ble = sim_stack_new(&b->s, NULL, NULL);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  sim_close(&b->s);
  test_free(b);
  return 0;
}

/* ---- never inline, once, the first wins ---- */

static void settling_does_not_call_back_inline(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);
  sim_watch w;

  assert_false(aioble_op_done(op));
  assert_int_equal(aioble_op_status(op), AIOBLE_EAGAIN);
  sim_watch_op(&w, op);
  assert_true(ab_op_settle(op, 0));
  assert_int_equal(w.calls, 0);
  assert_true(aioble_op_done(op));
  sim_watch_expect(&w, 0);
}

static void then_on_a_settled_op_does_not_call_back_inline(void **state) {
  bed *b = *state;
  sim_watch w;

  sim_watch_op(&w, ab_op_failed(b->ble, AIOBLE_EINVAL));
  assert_true(aioble_op_done(w.op));
  sim_watch_expect(&w, AIOBLE_EINVAL);
}

static void the_first_outcome_wins_and_is_delivered_once(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);
  sim_watch w;

  sim_watch_op(&w, op);
  assert_true(ab_op_settle(op, AIOBLE_EPROTO));
  assert_false(ab_op_settle(op, 0));
  assert_false(ab_op_settle_why(op, 0, "too late"));
  aioble_op_cancel(op);
  sim_run_ms(&b->s, 100);
  assert_int_equal(aioble_op_status(op), AIOBLE_EPROTO);
  assert_string_equal(aioble_op_message(op), aioble_strerror(AIOBLE_EPROTO));
  sim_watch_expect(&w, AIOBLE_EPROTO);
}

static void count_call(aioble_op_t *op, int status, void *user) {
  unsigned *calls = user;

  (void) op;
  (void) status;
  ++*calls;
}

static void a_batch_is_delivered_in_order_in_one_turn(void **state) {
  bed *b = *state;
  sim_watch w[3];

  for (int i = 0; i < 3; i++)
    sim_watch_op(&w[i], ab_op_failed(b->ble, -1 - i));
  aioble_virtual_run_once(b->s.radio);
  for (int i = 0; i < 3; i++)
    assert_int_equal(w[i].calls, 1);
  for (int i = 0; i < 3; i++)
    sim_watch_end(&w[i]);
}

static void settle_another(aioble_op_t *op, int status, void *user) {
  sim_watch *other = user;

  (void) op;
  (void) status;
  ab_op_settle(other->op, 0);
  assert_int_equal(other->calls, 0); /* not even from inside a continuation */
}

static void settling_from_a_continuation_waits_for_its_end(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);
  sim_watch other;

  sim_watch_op(&other, ab_op_new(b->ble, &plain));
  aioble_op_then(op, settle_another, &other);
  ab_op_settle(op, 0);
  sim_watch_expect(&other, 0);
}

/* ---- cancel ---- */

static void cancel_is_idempotent_and_arrives(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);
  sim_watch w;

  sim_watch_op(&w, op);
  aioble_op_cancel(op);
  aioble_op_cancel(op);
  assert_int_equal(w.calls, 0);
  sim_watch_expect(&w, AIOBLE_ECANCELED);
}

static void cancel_asks_the_procedure_once_and_waits_for_its_end(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &slow);
  unsigned asked = 0;
  sim_watch w;

  op->result.handle = &asked;
  op->result.put = count_put;
  sim_watch_op(&w, op);
  aioble_op_cancel(op);
  aioble_op_cancel(op);
  sim_run_ms(&b->s, 1000);
  assert_int_equal(asked, 1);
  assert_int_equal(w.calls, 0);
  assert_false(aioble_op_done(op));
  ab_op_settle(op, 0); /* another outcome came first after all */
  sim_watch_expect(&w, 0);
  assert_int_equal(asked, 2); /* the handle was put */
}

static void cancel_of_a_settled_op_changes_nothing(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_succeeded(b->ble);

  aioble_op_cancel(op);
  sim_expect(op, 0);
}

/* ---- references ---- */

static void unref_never_acts(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &slow);
  unsigned asked = 0;

  op->result.handle = &asked;
  op->result.put = count_put;
  assert_null(aioble_op_unref(op)); /* the caller's; it stays until it settles */
  sim_run_ms(&b->s, 1000);
  assert_int_equal(asked, 0);
  assert_false(aioble_op_done(op));
  ab_op_settle(op, 0);
  assert_int_equal(asked, 1); /* released, not ended */
}

static void an_op_lives_until_it_has_been_ended(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &early);

  aioble_op_cancel(op);
  aioble_op_unref(op);
  aioble_op_unref(ab_op_new(b->ble, &early)); /* nobody has it when its time is up */
  sim_run_ms(&b->s, 1001);
}

static void results_stay_until_the_last_reference(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);
  unsigned put = 0;

  ab_op_take_handle(op, &put, count_put);
  ab_op_settle(op, 0);
  assert_ptr_equal(aioble_op_ref(op), op);
  aioble_op_unref(op);
  assert_ptr_equal(ab_op_handle(op, count_put), &put);
  assert_int_equal(put, 0);
  aioble_op_unref(op);
  assert_int_equal(put, 1);
}

static void a_failed_op_gives_no_result(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);

  assert_true(ab_op_set_value(op, (const uint8_t *) "abc", 3));
  ab_op_settle(op, AIOBLE_EPROTO);
  assert_int_equal(aioble_op_value(op).len, 0);
  assert_int_equal(aioble_op_number(op), 0);
  assert_null(aioble_op_conn(op));
  assert_null(aioble_op_scan_result(op));
  aioble_op_unref(op);
}

static void null_ops_are_not_connected(void **state) {
  unsigned calls = 0;

  (void) state;
  assert_null(aioble_op_ref(NULL));
  assert_null(aioble_op_unref(NULL));
  aioble_op_cancel(NULL);
  aioble_op_set_timeout(NULL, 1);
  assert_true(aioble_op_done(NULL));
  assert_int_equal(aioble_op_status(NULL), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_await(NULL), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_finish(NULL), AIOBLE_ENOTCONN);
  assert_non_null(aioble_op_message(NULL));
  assert_null(aioble_op_conn(NULL));
  assert_int_equal(aioble_op_value(NULL).len, 0);
  assert_int_equal(aioble_op_number(NULL), 0);
  assert_null(aioble_op_scan_result(NULL));
  assert_null(aioble_op_service(NULL));
  assert_null(aioble_op_char(NULL));
  assert_null(aioble_op_desc(NULL));
  assert_null(aioble_op_member(NULL, 0));
  assert_null(aioble_op_winner(NULL));
  aioble_op_then(NULL, count_call, &calls);
  assert_int_equal(calls, 1);
}

/* ---- await ---- */

static void await_borrows_and_finish_releases(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_failed_why(b->ble, AIOBLE_ENOENT, "no such thing");

  assert_int_equal(aioble_op_await(op), AIOBLE_ENOENT);
  assert_int_equal(aioble_op_await(op), AIOBLE_ENOENT);
  assert_string_equal(aioble_op_message(op), "no such thing");
  assert_int_equal(aioble_op_finish(op), AIOBLE_ENOENT);
}

struct inner {
  aioble_op_t *pending;
  int got;
};

static void await_inside(aioble_op_t *op, int status, void *user) {
  struct inner *inner = user;

  (void) op;
  (void) status;
  inner->got = aioble_op_await(inner->pending);
}

static void await_inside_a_continuation_is_refused(void **state) {
  bed *b = *state;
  struct inner inner = {ab_op_new(b->ble, &plain), 0};
  aioble_op_t *op = ab_op_succeeded(b->ble);

  aioble_op_then(aioble_op_ref(op), await_inside, &inner);
  sim_expect(op, 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(inner.got, AIOBLE_EREENTRANT);
  assert_false(aioble_op_done(inner.pending));
  ab_op_settle(inner.pending, 0);
  aioble_op_unref(inner.pending);
}

static void await_with_nothing_left_is_stalled(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &plain);

  assert_int_equal(aioble_op_await(op), AIOBLE_ESTALLED);
  assert_false(aioble_op_done(op));
  ab_op_settle(op, 0);
  aioble_op_unref(op);
}

/* ---- time limits ---- */

static void the_kind_s_limit_ends_it_in_time(void **state) {
  bed *b = *state;
  sim_watch w;

  sim_watch_op(&w, ab_op_new(b->ble, &limited));
  sim_run_ms(&b->s, 999);
  assert_int_equal(w.calls, 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 1);
  sim_watch_expect(&w, AIOBLE_ETIMEDOUT);
}

static void set_timeout_counts_from_now(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &limited);
  sim_watch w;

  sim_watch_op(&w, op);
  sim_run_ms(&b->s, 500);
  aioble_op_set_timeout(op, 2000);
  sim_run_ms(&b->s, 1999);
  assert_int_equal(w.calls, 0);
  sim_run_ms(&b->s, 1);
  assert_int_equal(w.calls, 1);
  sim_watch_expect(&w, AIOBLE_ETIMEDOUT);
}

static void forever_is_no_limit_and_zero_ends_at_once(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &limited);
  sim_watch w;

  sim_watch_op(&w, op);
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  sim_run_ms(&b->s, 3600 * 1000);
  assert_int_equal(w.calls, 0);
  aioble_op_set_timeout(op, 0);
  assert_int_equal(w.calls, 0);
  sim_run_ms(&b->s, 0);
  assert_int_equal(w.calls, 1);
  sim_watch_expect(&w, AIOBLE_ETIMEDOUT);
}

static void a_huge_limit_does_not_wrap(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &limited);

  sim_run_ms(&b->s, 5);
  aioble_op_set_timeout(op, UINT64_MAX - 1);
  sim_run_ms(&b->s, 3600 * 1000);
  assert_false(aioble_op_done(op));
  aioble_op_set_timeout(op, UINT64_MAX / 1000 - 1);
  sim_run_ms(&b->s, 3600 * 1000);
  assert_false(aioble_op_done(op));
  aioble_op_cancel(op);
  sim_expect(op, AIOBLE_ECANCELED);
}

static void a_settled_op_has_no_timer(void **state) {
  bed *b = *state;
  aioble_op_t *op = ab_op_new(b->ble, &limited);

  ab_op_settle(op, 0);
  aioble_op_set_timeout(op, 10);
  sim_run_ms(&b->s, 2000);
  assert_int_equal(aioble_op_status(op), 0);
  assert_false(aioble_virtual_run_once(b->s.radio)); /* idle is idle */
  aioble_op_unref(op);
}

/* ---- memory ---- */

static void the_steady_state_takes_ops_from_the_pool(void **state) {
  bed *b = *state;
  size_t before;

  for (int i = 0; i < 4; i++)
    sim_expect(ab_op_failed(b->ble, 0), 0);
  before = b->s.allocations;
  for (int i = 0; i < 1000; i++) {
    sim_watch w;

    sim_watch_op(&w, ab_op_new(b->ble, &limited));
    ab_op_settle(w.op, 0);
    sim_watch_expect(&w, 0);
  }
  assert_int_equal(b->s.allocations, before);
}

static void without_memory_there_is_still_an_op(void **state) {
  bed *b = *state;
  aioble_op_t *ops[AB_OP_RESERVE + 2];
  aioble_stats_t stats;
  unsigned calls = 0;
  sim_watch w;

  sim_expect(ab_op_failed(b->ble, 0), 0);
  b->s.fail_from = 1;
  for (int i = 0; i < AB_OP_RESERVE + 2; i++) {
    ops[i] = ab_op_failed(b->ble, AIOBLE_EINVAL);
    assert_non_null(ops[i]);
    assert_true(aioble_op_status(ops[i]) < 0);
  }
  /* those of the reserve keep the contract */
  sim_watch_op(&w, ops[1]);
  sim_watch_expect(&w, AIOBLE_EINVAL);
  /* beyond it there is one that says what is the matter, inline as documented */
  aioble_op_then(ops[AB_OP_RESERVE + 1], count_call, &calls);
  assert_int_equal(calls, 1);
  assert_int_equal(aioble_op_status(ops[AB_OP_RESERVE + 1]), AIOBLE_ENOMEM);
  b->s.fail_from = 0;
  aioble_stats(b->ble, &stats);
  assert_true(stats.ops_without_memory >= AB_OP_RESERVE);
  for (int i = 0; i < AB_OP_RESERVE + 2; i++)
    if (i != 1)
      aioble_op_unref(ops[i]);
}

static void a_stack_closes_without_memory(void **state) {
  aioble_op_t *ops[AB_OP_IDLE];
  bed *b = *state;
  size_t n = 0;

  sim_expect(aioble_open(b->ble), 0);
  b->s.fail_from = 1;
  while ((ops[n] = ab_op_new(b->ble, &plain)))
    n++;
  sim_expect(aioble_close(b->ble), 0);
  assert_false(aioble_is_open(b->ble));
  b->s.fail_from = 0;
  while (n--) {
    ab_op_settle(ops[n], 0);
    sim_expect(ops[n], 0);
  }
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(settling_does_not_call_back_inline),
      WITH_BED(then_on_a_settled_op_does_not_call_back_inline),
      WITH_BED(the_first_outcome_wins_and_is_delivered_once),
      WITH_BED(a_batch_is_delivered_in_order_in_one_turn),
      WITH_BED(settling_from_a_continuation_waits_for_its_end),
      WITH_BED(cancel_is_idempotent_and_arrives),
      WITH_BED(cancel_asks_the_procedure_once_and_waits_for_its_end),
      WITH_BED(cancel_of_a_settled_op_changes_nothing),
      WITH_BED(unref_never_acts),
      WITH_BED(an_op_lives_until_it_has_been_ended),
      WITH_BED(results_stay_until_the_last_reference),
      WITH_BED(a_failed_op_gives_no_result),
      WITH_BED(null_ops_are_not_connected),
      WITH_BED(await_borrows_and_finish_releases),
      WITH_BED(await_inside_a_continuation_is_refused),
      WITH_BED(await_with_nothing_left_is_stalled),
      WITH_BED(the_kind_s_limit_ends_it_in_time),
      WITH_BED(set_timeout_counts_from_now),
      WITH_BED(forever_is_no_limit_and_zero_ends_at_once),
      WITH_BED(a_huge_limit_does_not_wrap),
      WITH_BED(a_settled_op_has_no_timer),
      WITH_BED(the_steady_state_takes_ops_from_the_pool),
      WITH_BED(without_memory_there_is_still_an_op),
      WITH_BED(a_stack_closes_without_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
