/* SPDX-License-Identifier: MIT */
#include "helpers/fake_env.h"

#include "util/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fake_env {
  ab_env env;
  unsigned allocs, live, fail_in;
  uint64_t random;
  bool no_random;
  char line[256];
} fake_env;

static fake_env *fake(const ab_env *env) {
  return ab_container_of(env, fake_env, env);
}

/* true when this is the allocation that fails */
static bool runs_out(fake_env *f) {
  f->allocs++;
  return f->fail_in && --f->fail_in == 0;
}

static void *take(void *ctx, size_t size) {
  fake_env *f = ctx;
  void *p = runs_out(f) ? NULL : malloc(size ? size : 1);

  if (p) {
    memset(p, 0xa5, size);
    f->live++;
  }
  return p;
}

static void *resize(void *ctx, void *ptr, size_t size) {
  fake_env *f = ctx;
  void *p = runs_out(f) ? NULL : realloc(ptr, size ? size : 1);

  if (p && !ptr)
    f->live++;
  return p;
}

static void give_back(void *ctx, void *ptr) {
  fake_env *f = ctx;

  if (ptr)
    f->live--;
  free(ptr);
}

/* xorshift64*: the same bytes on every run */
static int fill(void *ctx, void *buf, size_t len) {
  fake_env *f = ctx;
  uint8_t *out = buf;

  if (f->no_random)
    return AIOBLE_EIO;
  for (size_t i = 0; i < len; i++) {
    f->random ^= f->random >> 12;
    f->random ^= f->random << 25;
    f->random ^= f->random >> 27;
    out[i] = (uint8_t) (f->random * 0x2545f4914f6cdd1dull >> 56);
  }
  return 0;
}

static void keep_line(void *ctx, int level, const char *text) {
  fake_env *f = ctx;

  (void) level;
  (void) snprintf(f->line, sizeof f->line, "%s", text);
}

ab_env *fake_env_new(void) {
  fake_env *f = calloc(1, sizeof *f);

  assert_non_null(f);
  f->env.mem = (aioble_allocator_t){take, resize, give_back, f};
  f->env.now_us = 1000000;
  f->env.random_fn = fill;
  f->env.random_ctx = f;
  f->env.log_fn = keep_line;
  f->env.log_ctx = f;
  f->env.log_level = AB_LOG_INFO;
  fake_env_seed(&f->env, 1);
  return &f->env;
}

void fake_env_free(ab_env *env) {
  fake_env *f = fake(env);

  assert_int_equal(f->live, 0);
  assert_true(ab_timers_next(&env->timers) == UINT64_MAX);
  free(f);
}

void fake_env_advance(ab_env *env, uint64_t us) {
  uint64_t until = env->now_us + us, next;

  while ((next = ab_timers_next(&env->timers)) <= until) {
    if (next > env->now_us)
      env->now_us = next;
    ab_timers_run(&env->timers, env->now_us);
  }
  env->now_us = until;
}

void fake_env_fail_at(ab_env *env, unsigned n) {
  fake(env)->fail_in = n;
}

unsigned fake_env_allocs(const ab_env *env) {
  return fake(env)->allocs;
}

unsigned fake_env_live(const ab_env *env) {
  return fake(env)->live;
}

void fake_env_seed(ab_env *env, uint64_t seed) {
  fake(env)->random = seed * 0x9e3779b97f4a7c15ull | 1;
}

void fake_env_no_random(ab_env *env) {
  fake(env)->no_random = true;
}

const char *fake_env_log(const ab_env *env) {
  return fake(env)->line;
}
