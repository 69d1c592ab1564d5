/* SPDX-License-Identifier: MIT */
#include "util/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct item {
  int id;
  ab_list node;
} item;

static int id(const ab_list *node) {
  return ab_container_of(node, item, node)->id;
}

static void items_come_out_in_order(void **state) {
  item items[4] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}};
  ab_list head;

  (void) state;
  ab_list_init(&head);
  assert_true(ab_list_empty(&head));
  assert_null(ab_list_first(&head));
  assert_null(ab_list_pop(&head));
  for (int i = 1; i < 4; i++)
    ab_list_push(&head, &items[i].node);
  ab_list_push_front(&head, &items[0].node);
  assert_int_equal(id(ab_list_first(&head)), 0);
  for (int i = 0; i < 4; i++) {
    ab_list *n = ab_list_pop(&head);

    assert_int_equal(id(n), i);
    assert_false(ab_list_linked(n));
  }
  assert_true(ab_list_empty(&head));
}

static void a_zeroed_or_removed_node_can_be_removed(void **state) {
  item a = {0};
  ab_list head;

  (void) state;
  ab_list_init(&head);
  assert_false(ab_list_linked(&a.node));
  ab_list_remove(&a.node);
  ab_list_remove(&a.node);
  assert_false(ab_list_linked(&a.node));
  ab_list_push(&head, &a.node);
  assert_true(ab_list_linked(&a.node));
  ab_list_remove(&a.node);
  assert_true(ab_list_empty(&head));
}

static void the_current_node_may_go_during_a_walk(void **state) {
  item items[5] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}, {.id = 4}};
  ab_list head;
  int seen = 0;

  (void) state;
  ab_list_init(&head);
  for (int i = 0; i < 5; i++)
    ab_list_push(&head, &items[i].node);
  AB_LIST_EACH(n, &head) {
    assert_int_equal(id(n), seen++);
    if (id(n) % 2 == 0)
      ab_list_remove(n);
  }
  assert_int_equal(seen, 5);
  assert_int_equal(id(ab_list_pop(&head)), 1);
  assert_int_equal(id(ab_list_pop(&head)), 3);
  assert_true(ab_list_empty(&head));
}

static void take_all_moves_and_leaves_an_empty_list(void **state) {
  item items[3] = {{.id = 0}, {.id = 1}, {.id = 2}};
  ab_list from, to;

  (void) state;
  ab_list_init(&from);
  ab_list_take_all(&to, &from);
  assert_true(ab_list_empty(&to));
  for (int i = 0; i < 3; i++)
    ab_list_push(&from, &items[i].node);
  ab_list_take_all(&to, &from);
  assert_true(ab_list_empty(&from));
  for (int i = 0; i < 3; i++)
    assert_int_equal(id(ab_list_pop(&to)), i);
  assert_true(ab_list_empty(&to));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(items_come_out_in_order),
      cmocka_unit_test(a_zeroed_or_removed_node_can_be_removed),
      cmocka_unit_test(the_current_node_may_go_during_a_walk),
      cmocka_unit_test(take_all_moves_and_leaves_an_empty_list),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
