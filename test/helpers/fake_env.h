/* SPDX-License-Identifier: MIT */
/*
 * A world for the sans-I/O core that a test controls: a clock that stands still unless moved,
 * seeded randomness, memory that is counted and can run out, and the last line logged.
 */
#ifndef FAKE_ENV_H
#define FAKE_ENV_H

#include "util/env.h"

ab_env *fake_env_new(void);
/* asserts that everything allocated has been freed and no timer is running */
void fake_env_free(ab_env *env);

/* moves the clock by that much; each timer due on the way fires at its own time */
void fake_env_advance(ab_env *env, uint64_t us);

/* the n-th allocation from now fails, once (1: the next); 0: none will */
void fake_env_fail_at(ab_env *env, unsigned n);
/* allocations so far, failed ones included */
unsigned fake_env_allocs(const ab_env *env);
/* allocations not freed */
unsigned fake_env_live(const ab_env *env);

/* starts the random sequence again with another seed */
void fake_env_seed(ab_env *env, uint64_t seed);
/* from now on there is no randomness */
void fake_env_no_random(ab_env *env);

/* the last line logged, "" for none; every level is logged */
const char *fake_env_log(const ab_env *env);

#endif
