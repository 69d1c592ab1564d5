/* SPDX-License-Identifier: MIT */
#include "util/timer.h"

#include "util/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TIMERS = 200, STEPS = 20000 };

/* What the heap is compared with: each timer's own notes. */
typedef struct entry {
  ab_timer timer;
  uint64_t at_us, order; /* as it should be */
  bool running;
  struct world *world;
} entry;

typedef struct world {
  ab_timers heap;
  entry entries[TIMERS];
  uint64_t now_us, started;
  uint32_t random;
  unsigned fired;
} world;

static uint32_t roll(world *w, uint32_t below) {
  w->random = w->random * 1664525u + 1013904223u;
  return (w->random >> 8) % below;
}

static entry *earliest(world *w) {
  entry *best = NULL;

  for (size_t i = 0; i < TIMERS; i++) {
    entry *e = &w->entries[i];

    if (e->running &&
        (!best || e->at_us < best->at_us || (e->at_us == best->at_us && e->order < best->order)))
      best = e;
  }
  return best;
}

static ab_timer_fn on_timer;

static void start(world *w, entry *e, uint64_t at_us) {
  e->at_us = at_us;
  e->order = w->started++;
  e->running = true;
  ab_timers_add(&w->heap, &e->timer, at_us, on_timer);
}

static void stop(world *w, entry *e) {
  e->running = false;
  ab_timers_remove(&w->heap, &e->timer);
}

/* fires in the order of the notes; restarts itself, starts and stops others meanwhile */
static void on_timer(ab_timer *timer) {
  entry *e = ab_container_of(timer, entry, timer);
  world *w = e->world;

  assert_ptr_equal(e, earliest(w));
  assert_true(e->at_us <= w->now_us);
  assert_false(timer->running);
  e->running = false;
  w->fired++;
  if (roll(w, 3) == 0)
    start(w, e, w->now_us + roll(w, 50));
  if (roll(w, 3) == 0)
    stop(w, &w->entries[roll(w, TIMERS)]);
  if (roll(w, 3) == 0)
    start(w, &w->entries[roll(w, TIMERS)], w->now_us + roll(w, 50));
}

static void check(world *w) {
  entry *first = earliest(w);

  assert_true(ab_timers_next(&w->heap) == (first ? first->at_us : UINT64_MAX));
  for (size_t i = 0; i < TIMERS; i++)
    assert_int_equal(w->entries[i].timer.running, w->entries[i].running);
}

static void any_sequence_fires_in_order(void **state) {
  (void) state;
  for (uint32_t seed = 1; seed <= 5; seed++) {
    world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->random = seed;
    for (size_t i = 0; i < TIMERS; i++)
      w->entries[i].world = w;
    for (int step = 0; step < STEPS; step++) {
      uint32_t what = roll(w, 10);

      if (what < 6) {
        start(w, &w->entries[roll(w, TIMERS)], w->now_us + roll(w, 100));
      } else if (what < 8) {
        stop(w, &w->entries[roll(w, TIMERS)]);
      } else {
        w->now_us += roll(w, 30);
        ab_timers_run(&w->heap, w->now_us);
      }
      if (step % 16 == 0)
        check(w);
    }
    assert_true(w->fired > STEPS / 10);
    for (size_t i = 0; i < TIMERS; i++)
      stop(w, &w->entries[i]);
    assert_true(ab_timers_next(&w->heap) == UINT64_MAX);
    free(w);
  }
}

static unsigned calls(world *w) {
  unsigned fired = w->fired;

  w->fired = 0;
  return fired;
}

static void count_and_restart(ab_timer *timer) {
  entry *e = ab_container_of(timer, entry, timer);

  e->world->fired++;
  ab_timers_add(&e->world->heap, timer, e->world->now_us, count_and_restart);
}

static void a_timer_restarted_at_once_waits_for_the_next_run(void **state) {
  world w = {.now_us = 5};

  (void) state;
  w.entries[0].world = &w;
  ab_timers_add(&w.heap, &w.entries[0].timer, 5, count_and_restart);
  ab_timers_run(&w.heap, 4);
  assert_int_equal(calls(&w), 0);
  ab_timers_run(&w.heap, 5);
  assert_int_equal(calls(&w), 1);
  ab_timers_run(&w.heap, 5);
  assert_int_equal(calls(&w), 1);
  ab_timers_remove(&w.heap, &w.entries[0].timer);
  ab_timers_run(&w.heap, UINT64_MAX);
  assert_int_equal(calls(&w), 0);
}

static void stop_the_other(ab_timer *timer) {
  entry *e = ab_container_of(timer, entry, timer);

  e->world->fired++;
  for (size_t i = 0; i < 3; i++)
    ab_timers_remove(&e->world->heap, &e->world->entries[i].timer);
}

static void a_timer_stopped_by_an_equal_does_not_fire(void **state) {
  world w = {0};

  (void) state;
  for (size_t i = 0; i < 3; i++) {
    w.entries[i].world = &w;
    ab_timers_add(&w.heap, &w.entries[i].timer, 7, stop_the_other);
  }
  ab_timers_run(&w.heap, 7);
  assert_int_equal(calls(&w), 1);
  assert_true(ab_timers_next(&w.heap) == UINT64_MAX);
}

static void a_zeroed_timer_can_be_stopped(void **state) {
  ab_timers heap = {0};
  ab_timer timer = {0};

  (void) state;
  ab_timers_remove(&heap, &timer);
  assert_true(ab_timers_next(&heap) == UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_sequence_fires_in_order),
      cmocka_unit_test(a_timer_restarted_at_once_waits_for_the_next_run),
      cmocka_unit_test(a_timer_stopped_by_an_equal_does_not_fire),
      cmocka_unit_test(a_zeroed_timer_can_be_stopped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
