/* SPDX-License-Identifier: MIT */
/* Device addresses: what is not public (aioble/types.h) of them. */
#ifndef AB_ADDR_H
#define AB_ADDR_H

#include "util/env.h"
#include <aioble/types.h>

/* a new static random address (Core Vol 6, Part B, 1.3.2.1); negative: no randomness to be had */
int ab_addr_make_static(ab_env *env, aioble_addr_t *addr);

#endif
