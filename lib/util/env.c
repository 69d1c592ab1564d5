/* SPDX-License-Identifier: MIT */
#include "util/env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *ctx, size_t size) {
  (void) ctx;
  return malloc(size);
}

static void *libc_resize(void *ctx, void *ptr, size_t size) {
  (void) ctx;
  return realloc(ptr, size);
}

static void libc_free(void *ctx, void *ptr) {
  (void) ctx;
  free(ptr);
}

const aioble_allocator_t ab_libc_allocator = {libc_alloc, libc_resize, libc_free, NULL};

void *ab_alloc(ab_env *env, size_t size) {
  return env->mem.alloc(env->mem.ctx, size);
}

void *ab_zalloc(ab_env *env, size_t size) {
  void *p = ab_alloc(env, size);

  if (p)
    memset(p, 0, size);
  return p;
}

void *ab_resize(ab_env *env, void *ptr, size_t size) {
  return env->mem.resize(env->mem.ctx, ptr, size);
}

void ab_free(ab_env *env, void *ptr) {
  if (ptr)
    env->mem.free(env->mem.ctx, ptr);
}

void ab_free_secret(ab_env *env, void *ptr, size_t size) {
  if (ptr)
    explicit_bzero(ptr, size);
  ab_free(env, ptr);
}

void *ab_memdup(ab_env *env, const void *data, size_t n) {
  uint8_t *p = ab_alloc(env, n + 1);

  if (!p)
    return NULL;
  if (n)
    memcpy(p, data, n);
  p[n] = 0;
  return p;
}

char *ab_strdup(ab_env *env, const char *text) {
  return text ? ab_memdup(env, text, strlen(text)) : NULL;
}

int ab_random(ab_env *env, void *buf, size_t len) {
  return env->random_fn(env->random_ctx, buf, len);
}

void ab_timer_start(ab_env *env, ab_timer *timer, uint64_t delay_us, ab_timer_fn *fn) {
  uint64_t at_us = env->now_us + delay_us;

  ab_timers_add(&env->timers, timer, at_us < delay_us ? UINT64_MAX : at_us, fn);
}

void ab_timer_stop(ab_env *env, ab_timer *timer) {
  ab_timers_remove(&env->timers, timer);
}

void ab_log(const ab_env *env, ab_log_level level, const char *format, ...) {
  char text[256];
  va_list args;

  if (!env->log_fn || (int) level > env->log_level)
    return;
  va_start(args, format);
  (void) vsnprintf(text, sizeof text, format, args);
  va_end(args);
  env->log_fn(env->log_ctx, (int) level, text);
}
