/* SPDX-License-Identifier: MIT */
/*
 * "Call me at T": a pairing heap of embedded timers. Start is O(1), stop and expiry amortised
 * O(log n); nothing is allocated.
 */
#ifndef AB_TIMER_H
#define AB_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ab_timer ab_timer;
typedef void ab_timer_fn(ab_timer *timer);

struct ab_timer {
  ab_timer *child, *next; /* first child; next sibling */
  ab_timer *prev;         /* the previous sibling, or the parent of a first child */
  uint64_t at_us;
  uint64_t order; /* among equals the one started first fires first */
  ab_timer_fn *fn;
  bool running;
};

typedef struct ab_timers {
  ab_timer *root;
  uint64_t started;
} ab_timers;

void ab_timers_add(ab_timers *heap, ab_timer *timer, uint64_t at_us, ab_timer_fn *fn);
void ab_timers_remove(ab_timers *heap, ab_timer *timer); /* harmless when not running */
uint64_t ab_timers_next(const ab_timers *heap);          /* UINT64_MAX: none */
/* fires what was due at now_us when called (a timer started meanwhile waits for the next call) */
void ab_timers_run(ab_timers *heap, uint64_t now_us);

#endif
