/* SPDX-License-Identifier: MIT */
#include "util/env.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  *state = fake_env_new();
  return 0;
}

static int tear_down(void **state) {
  fake_env_free(*state);
  return 0;
}

static void memory_comes_from_the_given_allocator(void **state) {
  ab_env *env = *state;
  uint8_t *p = ab_zalloc(env, 64);

  for (size_t i = 0; i < 64; i++)
    assert_int_equal(p[i], 0);
  p[0] = 7;
  p = ab_resize(env, p, 4096);
  assert_int_equal(p[0], 7);
  assert_int_equal(fake_env_live(env), 1);
  ab_free(env, p);
  assert_int_equal(fake_env_live(env), 0);
  ab_free(env, NULL);
}

static void a_copy_ends_with_a_zero(void **state) {
  ab_env *env = *state;
  char *p = ab_memdup(env, "ab\0d", 4);

  assert_memory_equal(p, "ab\0d\0", 5);
  ab_free(env, p);
  p = ab_memdup(env, NULL, 0);
  assert_string_equal(p, "");
  ab_free(env, p);
  p = ab_strdup(env, "text");
  assert_string_equal(p, "text");
  ab_free(env, p);
  assert_null(ab_strdup(env, NULL));
}

static void no_memory_gives_null_everywhere(void **state) {
  ab_env *env = *state;

  fake_env_fail_at(env, 1);
  assert_null(ab_alloc(env, 1));
  fake_env_fail_at(env, 1);
  assert_null(ab_zalloc(env, 1));
  fake_env_fail_at(env, 1);
  assert_null(ab_memdup(env, "a", 1));
  fake_env_fail_at(env, 1);
  assert_null(ab_strdup(env, "a"));
}

typedef struct clock_test {
  ab_timer timer;
  unsigned fired;
} clock_test;

static void fire(ab_timer *timer) {
  ((clock_test *) (void *) timer)->fired++;
}

static void a_timer_fires_once_at_its_time(void **state) {
  ab_env *env = *state;
  clock_test t = {.fired = 0};

  ab_timer_start(env, &t.timer, 1000, fire);
  fake_env_advance(env, 999);
  assert_int_equal(t.fired, 0);
  fake_env_advance(env, 1);
  assert_int_equal(t.fired, 1);
  fake_env_advance(env, 100000);
  assert_int_equal(t.fired, 1);
}

static void a_restart_moves_a_timer_and_a_stop_ends_it(void **state) {
  ab_env *env = *state;
  clock_test t = {.fired = 0};

  ab_timer_start(env, &t.timer, 1000, fire);
  fake_env_advance(env, 600);
  ab_timer_start(env, &t.timer, 1000, fire);
  fake_env_advance(env, 999);
  assert_int_equal(t.fired, 0);
  ab_timer_stop(env, &t.timer);
  ab_timer_stop(env, &t.timer);
  fake_env_advance(env, 5000);
  assert_int_equal(t.fired, 0);
}

static void a_delay_past_the_end_of_time_is_never(void **state) {
  ab_env *env = *state;
  clock_test t = {.fired = 0};

  ab_timer_start(env, &t.timer, UINT64_MAX, fire);
  assert_true(ab_timers_next(&env->timers) == UINT64_MAX);
  fake_env_advance(env, 1000000);
  assert_int_equal(t.fired, 0);
  ab_timer_stop(env, &t.timer);
}

static void the_log_knows_its_level(void **state) {
  ab_env *env = *state;

  ab_log(env, AB_LOG_WARN, "number %d", 5);
  assert_string_equal(fake_env_log(env), "number 5");
  env->log_level = AB_LOG_ERROR;
  ab_log(env, AB_LOG_WARN, "not this");
  assert_string_equal(fake_env_log(env), "number 5");
  ab_log(env, AB_LOG_ERROR, "this");
  assert_string_equal(fake_env_log(env), "this");
}

static void a_long_line_is_cut_and_no_hook_is_harmless(void **state) {
  ab_env *env = *state;
  char text[1000];

  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  ab_log(env, AB_LOG_ERROR, "%s", text);
  assert_int_equal(strlen(fake_env_log(env)), 255);
  env->log_fn = NULL;
  ab_log(env, AB_LOG_ERROR, "%s", text);
}

static void the_libc_allocator_allocates(void **state) {
  void *p = ab_libc_allocator.alloc(NULL, 10);

  (void) state;
  assert_non_null(p);
  p = ab_libc_allocator.resize(NULL, p, 10000);
  assert_non_null(p);
  memset(p, 1, 10000);
  ab_libc_allocator.free(NULL, p);
  ab_libc_allocator.free(NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(memory_comes_from_the_given_allocator),
      TEST(a_copy_ends_with_a_zero),
      TEST(no_memory_gives_null_everywhere),
      TEST(a_timer_fires_once_at_its_time),
      TEST(a_restart_moves_a_timer_and_a_stop_ends_it),
      TEST(a_delay_past_the_end_of_time_is_never),
      TEST(the_log_knows_its_level),
      TEST(a_long_line_is_cut_and_no_hook_is_harmless),
      TEST(the_libc_allocator_allocates),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
