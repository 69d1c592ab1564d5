/* SPDX-License-Identifier: MIT */
#include "loop/system.h"

#include <uv.h>

int ab_system_random(void *user, void *buf, size_t len) {
  (void) user;
  return uv_random(NULL, NULL, buf, len, 0, NULL);
}

int64_t ab_system_date_us(void) {
  uv_timeval64_t now;

  return uv_gettimeofday(&now) == 0 ? now.tv_sec * 1000000 + now.tv_usec : 0;
}
