/* SPDX-License-Identifier: MIT */
/*
 * All that the sans-I/O core asks of the world: memory, time, timers, randomness and a log hook.
 * One ab_env per stack; every layer keeps a pointer to it.
 */
#ifndef AB_ENV_H
#define AB_ENV_H

#include "util/timer.h"
#include <aioble/types.h>

typedef enum ab_log_level { AB_LOG_NONE, AB_LOG_ERROR, AB_LOG_WARN, AB_LOG_INFO } ab_log_level;

typedef struct ab_env {
  aioble_allocator_t mem;
  uint64_t now_us; /* the time of this turn: set by the host before it gives the core anything */
  ab_timers timers;
  /* 0, or negative: no randomness to be had */
  int (*random_fn)(void *ctx, void *buf, size_t len);
  void *random_ctx;
  void (*log_fn)(void *ctx, int level, const char *text);
  void *log_ctx;
  int log_level;
} ab_env;

void *ab_alloc(ab_env *env, size_t size);  /* NULL when out of memory */
void *ab_zalloc(ab_env *env, size_t size); /* … zeroed */
void *ab_resize(ab_env *env, void *ptr, size_t size);
void ab_free(ab_env *env, void *ptr);
/* … that has secrets in it, `size` octets: wiped first; NULL does nothing */
void ab_free_secret(ab_env *env, void *ptr, size_t size);
/* a copy of n bytes plus a terminating zero; NULL when out of memory */
void *ab_memdup(ab_env *env, const void *data, size_t n);
char *ab_strdup(ab_env *env, const char *text); /* NULL for NULL, too */

int ab_random(ab_env *env, void *buf, size_t len);

/* fn(timer) once, delay_us from now; restarts a running timer */
void ab_timer_start(ab_env *env, ab_timer *timer, uint64_t delay_us, ab_timer_fn *fn);
void ab_timer_stop(ab_env *env, ab_timer *timer); /* harmless when not running */

/* does nothing, and formats nothing, above the level or without a hook */
__attribute__((format(printf, 3, 4))) void ab_log(const ab_env *env, ab_log_level level,
                                                  const char *format, ...);

/* malloc, realloc and free */
extern const aioble_allocator_t ab_libc_allocator;

#endif
