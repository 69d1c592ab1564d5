/* SPDX-License-Identifier: MIT */
/* Each story on a radio where things go wrong by chance; the same seed gives the same run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim_story.h"

enum { SEEDS = 60 };

typedef struct weather {
  const char *name;
  aioble_virtual_faults_t faults;
} weather;

static const weather weathers[] = {
    {"link loss", {.link_loss_ppm = 30000}},
    {"events of links out of order", {.reorder_ppm = 300000}},
    {"an octet wrong", {.malformed_ppm = 30000}},
    {"cut short", {.truncated_ppm = 30000}},
    {"lost credits", {.lost_credits_ppm = 200000}},
    {"hardware errors", {.hardware_error_ppm = 10000}},
    {"links that do not come about", {.establish_fail_ppm = 500000}},
    {"everything",
     {.link_loss_ppm = 5000,
      .reorder_ppm = 50000,
      .malformed_ppm = 5000,
      .truncated_ppm = 5000,
      .lost_credits_ppm = 20000,
      .hardware_error_ppm = 1000,
      .establish_fail_ppm = 50000}},
};

static void in_this_weather(void **state) {
  const weather *w = *state;

  for (unsigned p = 0; p < story_n_plots; p++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
      story_tell_with_faults(&story_plots[p], &w->faults, seed);
}

int main(void) {
  enum { N = sizeof weathers / sizeof *weathers };
  struct CMUnitTest tests[N];

  for (size_t i = 0; i < N; i++)
    tests[i] = (struct CMUnitTest){weathers[i].name, in_this_weather, NULL, NULL,
                                   (void *) (uintptr_t) &weathers[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
