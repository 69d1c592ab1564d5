/* SPDX-License-Identifier: MIT */
/* Each story once per allocation, with that allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim_story.h"

static void at_every_allocation(void **state) {
  const story_plot *plot = *state;
  size_t n = 1;

  while (story_tell_without_memory(plot, n, false) && story_tell_without_memory(plot, n, true))
    n++;
  assert_true(n > 10);
}

/* a stack is made whole, or not at all */
static void making_a_stack(void **state) {
  (void) state;
  for (size_t n = 1;; n++) {
    sim s;
    bool made;

    sim_open(&s, NULL);
    s.fail_at = n;
    made = sim_try_stack(&s);
    if (made)
      s.fail_at = 0;
    sim_close(&s);
    if (made) {
      assert_true(n > 10);
      return;
    }
  }
}

int main(void) {
  struct CMUnitTest tests[32] = {cmocka_unit_test(making_a_stack)};
  size_t n = 1;

  for (; n <= story_n_plots && n < sizeof tests / sizeof *tests; n++)
    tests[n] = (struct CMUnitTest){story_plots[n - 1].name, at_every_allocation, NULL, NULL,
                                   (void *) (uintptr_t) &story_plots[n - 1]};
  return _cmocka_run_group_tests("no memory", tests, n, NULL, NULL);
}
