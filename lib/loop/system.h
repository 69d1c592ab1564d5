/* SPDX-License-Identifier: MIT */
/* What the machine gives besides a loop: randomness and the date. */
#ifndef AB_SYSTEM_H
#define AB_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* fits aioble_options_t.random; user is not used */
int ab_system_random(void *user, void *buf, size_t len);
/* microseconds since 1970 */
int64_t ab_system_date_us(void);

#endif
