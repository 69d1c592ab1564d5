/* SPDX-License-Identifier: MIT */
/* An intrusive doubly linked list with a head: O(1) add and remove, nothing allocated. */
#ifndef AB_LIST_H
#define AB_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ab_list {
  struct ab_list *next, *prev;
} ab_list;

/** The struct that embeds a member. */
#define ab_container_of(ptr, type, member) \
  ((type *) (void *) ((char *) (ptr) -offsetof(type, member)))

static inline void ab_list_init(ab_list *l) {
  l->next = l->prev = l;
}

static inline bool ab_list_empty(const ab_list *l) {
  return l->next == l;
}

/** True while a node, once initialised, is on some list. */
static inline bool ab_list_linked(const ab_list *n) {
  return n->next != n && n->next != NULL;
}

static inline void ab_list_insert_(ab_list *n, ab_list *prev, ab_list *next) {
  n->prev = prev;
  n->next = next;
  prev->next = n;
  next->prev = n;
}

static inline void ab_list_push(ab_list *head, ab_list *n) {
  ab_list_insert_(n, head->prev, head);
}

static inline void ab_list_push_front(ab_list *head, ab_list *n) {
  ab_list_insert_(n, head, head->next);
}

/** Off its list; harmless for a node that is on none (but was initialised or zeroed). */
static inline void ab_list_remove(ab_list *n) {
  if (n->next) {
    n->prev->next = n->next;
    n->next->prev = n->prev;
  }
  ab_list_init(n);
}

static inline ab_list *ab_list_first(const ab_list *head) {
  return ab_list_empty(head) ? NULL : head->next;
}

static inline ab_list *ab_list_pop(ab_list *head) {
  ab_list *n = ab_list_first(head);

  if (n)
    ab_list_remove(n);
  return n;
}

/** Moves everything on `from` to the empty, or not yet initialised, head `to`. */
static inline void ab_list_take_all(ab_list *to, ab_list *from) {
  ab_list_init(to);
  if (ab_list_empty(from))
    return;
  *to = *from;
  to->next->prev = to;
  to->prev->next = to;
  ab_list_init(from);
}

/** Walks a list whose current node may be removed meanwhile (but not the one after it). */
#define AB_LIST_EACH(n, head)                                       \
  for (ab_list *n = (head)->next, *n##_next = n->next; n != (head); \
       n = n##_next, n##_next = n->next)

#endif
