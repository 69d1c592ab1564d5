/* SPDX-License-Identifier: MIT */
#include "util/timer.h"

static bool before(const ab_timer *a, const ab_timer *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

/* two detached heaps into one; either may be NULL */
static ab_timer *meld(ab_timer *a, ab_timer *b) {
  ab_timer *t;

  if (!a || !b)
    return a ? a : b;
  if (before(b, a)) {
    t = a;
    a = b;
    b = t;
  }
  b->prev = a;
  b->next = a->child;
  if (b->next)
    b->next->prev = b;
  a->child = b;
  return a;
}

/* the siblings from `first` into one heap: pairs from the left, then all from the right */
static ab_timer *meld_siblings(ab_timer *first) {
  ab_timer *done = NULL, *root = NULL, *a, *b;

  while (first) {
    a = first;
    b = a->next;
    first = b ? b->next : NULL;
    a->next = a->prev = NULL;
    if (b)
      b->next = b->prev = NULL;
    a = meld(a, b);
    a->next = done;
    done = a;
  }
  while (done) {
    a = done;
    done = a->next;
    a->next = NULL;
    root = meld(root, a);
  }
  return root;
}

void ab_timers_add(ab_timers *heap, ab_timer *timer, uint64_t at_us, ab_timer_fn *fn) {
  ab_timers_remove(heap, timer);
  timer->child = timer->next = timer->prev = NULL;
  timer->at_us = at_us;
  timer->order = heap->started++;
  timer->fn = fn;
  timer->running = true;
  heap->root = meld(heap->root, timer);
}

void ab_timers_remove(ab_timers *heap, ab_timer *timer) {
  ab_timer *below;

  if (!timer->running)
    return;
  timer->running = false;
  below = meld_siblings(timer->child);
  timer->child = NULL;
  if (timer == heap->root) {
    heap->root = below;
    return;
  }
  if (timer->prev->child == timer)
    timer->prev->child = timer->next;
  else
    timer->prev->next = timer->next;
  if (timer->next)
    timer->next->prev = timer->prev;
  timer->next = timer->prev = NULL;
  heap->root = meld(heap->root, below);
}

uint64_t ab_timers_next(const ab_timers *heap) {
  return heap->root ? heap->root->at_us : UINT64_MAX;
}

void ab_timers_run(ab_timers *heap, uint64_t now_us) {
  uint64_t until = heap->started;
  ab_timer *due;

  while ((due = heap->root) && due->at_us <= now_us && due->order < until) {
    ab_timers_remove(heap, due);
    due->fn(due);
  }
}
