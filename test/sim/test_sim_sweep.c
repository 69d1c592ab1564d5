/* SPDX-License-Identifier: MIT */
/* Each story with each thing that can go wrong, at each step of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim_story.h"

/* each story comes to its end undisturbed */
static void undisturbed(void **state) {
  (void) state;
  for (unsigned p = 0; p < story_n_plots; p++)
    (void) story_tell(&story_plots[p], NULL, 0);
}

static void at_every_step(void **state) {
  const story_fault *fault = *state;

  for (unsigned p = 0; p < story_n_plots; p++) {
    unsigned at = 1;

    while (story_tell(&story_plots[p], fault, at))
      at++;
    assert_true(at > 10);
  }
}

int main(void) {
  struct CMUnitTest tests[32] = {cmocka_unit_test(undisturbed)};
  size_t n = 1;

  for (; n <= story_n_faults && n < sizeof tests / sizeof *tests; n++)
    tests[n] = (struct CMUnitTest){story_faults[n - 1].name, at_every_step, NULL, NULL,
                                   (void *) (uintptr_t) &story_faults[n - 1]};
  return _cmocka_run_group_tests("sweep", tests, n, NULL, NULL);
}
