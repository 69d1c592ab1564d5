/* SPDX-License-Identifier: MIT */
#include "util/env.h"
#include <aioble/loop.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

typedef struct fixture {
  uv_loop_t uv;
  aioble_loop_t *loop;
  uv_check_t check; /* counts iterations */
  uv_timer_t timer[2];
  unsigned turns, iterations, closed;
  uint64_t turn_us, turn_iteration;
  unsigned turns_to_want;
  bool close_in_turn;
} fixture;

static void on_closed(void *ctx) {
  fixture *f = ctx;

  f->closed++;
}

static void on_turn(void *ctx) {
  fixture *f = ctx;

  f->turns++;
  f->turn_us = f->loop->ops->now_us(f->loop);
  f->turn_iteration = f->iterations;
  if (f->turns_to_want) {
    f->turns_to_want--;
    f->loop->ops->want_turn(f->loop);
  }
  if (f->close_in_turn)
    f->loop->ops->close(f->loop, on_closed, f);
}

static void on_check(uv_check_t *check) {
  fixture *f = check->data;

  f->iterations++;
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_int_equal(uv_loop_init(&f->uv), 0);
  f->loop = aioble_loop_uv(&f->uv, NULL);
  assert_non_null(f->loop);
  f->loop->on_turn = on_turn;
  f->loop->ctx = f;
  uv_check_init(&f->uv, &f->check);
  f->check.data = f;
  uv_check_start(&f->check, on_check);
  uv_unref((uv_handle_t *) &f->check);
  for (unsigned i = 0; i < 2; i++) {
    uv_timer_init(&f->uv, &f->timer[i]);
    f->timer[i].data = f;
  }
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;

  if (!f->close_in_turn) {
    f->loop->ops->close(f->loop, on_closed, f);
    assert_int_equal(f->closed, 0);
  }
  uv_close((uv_handle_t *) &f->check, NULL);
  uv_close((uv_handle_t *) &f->timer[0], NULL);
  uv_close((uv_handle_t *) &f->timer[1], NULL);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->closed, 1);
  assert_int_equal(uv_loop_close(&f->uv), 0);
  free(f);
  return 0;
}

static void ignore_timer(uv_timer_t *timer) {
  (void) timer;
}

static void want_from_timer(uv_timer_t *timer) {
  fixture *f = timer->data;

  f->loop->ops->want_turn(f->loop);
  assert_int_equal(f->turns, 0);
}

static void a_turn_is_never_run_from_inside_want_turn(void **state) {
  fixture *f = *state;

  f->loop->ops->want_turn(f->loop);
  assert_int_equal(f->turns, 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
}

static void wanting_a_turn_twice_gives_one(void **state) {
  fixture *f = *state;

  f->loop->ops->want_turn(f->loop);
  f->loop->ops->want_turn(f->loop);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
}

static void a_turn_comes_before_the_loop_sleeps(void **state) {
  fixture *f = *state;

  uv_timer_start(&f->timer[0], want_from_timer, 0, 0);
  uv_timer_start(&f->timer[1], ignore_timer, 1000000, 0);
  while (!f->turns)
    uv_run(&f->uv, UV_RUN_ONCE); /* would sleep for 1000 s */
  assert_true(f->iterations <= 2);
}

static void a_turn_wanted_by_a_turn_waits_for_the_next_iteration(void **state) {
  fixture *f = *state;

  f->turns_to_want = 1;
  f->loop->ops->want_turn(f->loop);
  assert_true(f->loop->ops->run_once(f->loop));
  assert_int_equal(f->turns, 1);
  while (f->loop->ops->run_once(f->loop))
    ; /* it ends: nothing is wanted any more */
  assert_int_equal(f->turns, 2);
  assert_int_equal(f->turn_iteration, 1);
}

static void a_client_at_rest_does_not_keep_the_loop_alive(void **state) {
  fixture *f = *state;

  assert_false(f->loop->ops->run_once(f->loop));
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 0);
}

static void a_client_at_rest_costs_no_iteration(void **state) {
  fixture *f = *state;

  f->loop->ops->want_turn(f->loop);
  f->loop->ops->wake_at(f->loop, f->loop->ops->now_us(f->loop) + 50000);
  uv_timer_start(&f->timer[0], ignore_timer, 150, 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 2);
  assert_true(f->iterations <= 5);
}

static void a_wake_up_keeps_the_loop_alive_and_is_never_early(void **state) {
  fixture *f = *state;
  uint64_t at_us;

  for (unsigned i = 0; i < 20; i++) {
    at_us = f->loop->ops->now_us(f->loop) + 300 + 111 * i;
    f->loop->ops->wake_at(f->loop, at_us);
    uv_run(&f->uv, UV_RUN_DEFAULT);
    assert_int_equal(f->turns, i + 1);
    assert_true(f->turn_us >= at_us);
  }
}

static void a_wake_up_in_the_past_comes_at_once(void **state) {
  fixture *f = *state;

  f->loop->ops->wake_at(f->loop, 0);
  assert_int_equal(f->turns, 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
}

static void a_wake_up_put_off_comes_once_and_not_early(void **state) {
  fixture *f = *state;
  uint64_t start_us = f->loop->ops->now_us(f->loop), at_us = start_us;

  for (unsigned i = 1; i <= 10; i++) {
    at_us = start_us + i * 1000;
    f->loop->ops->wake_at(f->loop, at_us);
  }
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
  assert_true(f->turn_us >= at_us);
}

static void a_wake_up_brought_forward_comes_once(void **state) {
  fixture *f = *state;
  uint64_t now_us = f->loop->ops->now_us(f->loop);

  f->loop->ops->wake_at(f->loop, now_us + 1000000000);
  f->loop->ops->wake_at(f->loop, now_us + 1000);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
  assert_true(f->turn_us < now_us + 1000000000);
}

static void a_wake_up_given_up_neither_comes_nor_keeps_the_loop_alive(void **state) {
  fixture *f = *state;

  f->loop->ops->wake_at(f->loop, f->loop->ops->now_us(f->loop) + 1000);
  f->loop->ops->wake_at(f->loop, AIOBLE_NEVER);
  assert_false(f->loop->ops->run_once(f->loop));
  uv_timer_start(&f->timer[0], ignore_timer, 10, 0);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 0);
}

static void a_wake_up_asked_for_again_after_giving_up_comes(void **state) {
  fixture *f = *state;
  uint64_t at_us = f->loop->ops->now_us(f->loop) + 5000;

  f->loop->ops->wake_at(f->loop, at_us - 4000);
  f->loop->ops->wake_at(f->loop, AIOBLE_NEVER);
  f->loop->ops->wake_at(f->loop, at_us);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
  assert_true(f->turn_us >= at_us);
}

static void a_wake_up_as_late_as_can_be_said_just_waits(void **state) {
  fixture *f = *state;

  f->loop->ops->wake_at(f->loop, AIOBLE_NEVER - 1);
  uv_run(&f->uv, UV_RUN_NOWAIT);
  assert_int_equal(f->turns, 0);
  f->loop->ops->wake_at(f->loop, AIOBLE_NEVER);
}

static void nothing_comes_after_close(void **state) {
  fixture *f = *state;

  f->loop->ops->want_turn(f->loop);
  f->loop->ops->wake_at(f->loop, 0);
  assert_int_equal(teardown(state), 0);
  assert_int_equal(setup(state), 0);
  f = *state;
  assert_int_equal(f->turns, 0);
}

static void close_from_inside_a_turn_is_fine(void **state) {
  fixture *f = *state;

  f->close_in_turn = true;
  f->turns_to_want = 1;
  f->loop->ops->want_turn(f->loop);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(f->turns, 1);
  assert_int_equal(f->closed, 1);
}

static void clients_of_one_loop_do_not_disturb_each_other(void **state) {
  fixture *f = *state, second = {0};

  second.loop = aioble_loop_uv(&f->uv, NULL);
  second.loop->on_turn = on_turn;
  second.loop->ctx = &second;
  second.close_in_turn = true;
  second.loop->ops->want_turn(second.loop);
  f->loop->ops->wake_at(f->loop, f->loop->ops->now_us(f->loop) + 2000);
  uv_run(&f->uv, UV_RUN_DEFAULT);
  assert_int_equal(second.turns, 1);
  assert_int_equal(second.closed, 1);
  assert_int_equal(f->turns, 1);
}

static void *no_alloc(void *ctx, size_t size) {
  (void) ctx;
  (void) size;
  return NULL;
}

static void out_of_memory_is_null(void **state) {
  fixture *f = *state;
  aioble_allocator_t none = ab_libc_allocator;

  none.alloc = no_alloc;
  assert_null(aioble_loop_uv(&f->uv, &none));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_turn_is_never_run_from_inside_want_turn),
      TEST(wanting_a_turn_twice_gives_one),
      TEST(a_turn_comes_before_the_loop_sleeps),
      TEST(a_turn_wanted_by_a_turn_waits_for_the_next_iteration),
      TEST(a_client_at_rest_does_not_keep_the_loop_alive),
      TEST(a_client_at_rest_costs_no_iteration),
      TEST(a_wake_up_keeps_the_loop_alive_and_is_never_early),
      TEST(a_wake_up_in_the_past_comes_at_once),
      TEST(a_wake_up_put_off_comes_once_and_not_early),
      TEST(a_wake_up_brought_forward_comes_once),
      TEST(a_wake_up_given_up_neither_comes_nor_keeps_the_loop_alive),
      TEST(a_wake_up_asked_for_again_after_giving_up_comes),
      TEST(a_wake_up_as_late_as_can_be_said_just_waits),
      TEST(nothing_comes_after_close),
      TEST(close_from_inside_a_turn_is_fine),
      TEST(clients_of_one_loop_do_not_disturb_each_other),
      TEST(out_of_memory_is_null),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
