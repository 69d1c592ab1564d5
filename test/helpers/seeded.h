/* SPDX-License-Identifier: MIT */
/* Octets that look random and are the same for the same seed (a linear congruential generator). */
#ifndef SEEDED_H
#define SEEDED_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t seeded_next(uint64_t *state) {
  return *state = *state * 6364136223846793005u + 1442695040888963407u;
}

/* As aioble_options_t.random; `state` is a uint64_t. */
static inline int seeded_random(void *state, void *buf, size_t len) {
  for (size_t i = 0; i < len; i++)
    ((uint8_t *) buf)[i] = (uint8_t) (seeded_next(state) >> 56);
  return 0;
}

#endif
