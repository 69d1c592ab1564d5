/* SPDX-License-Identifier: MIT */
#include "transport/why.h"

#include <stdarg.h>
#include <stdio.h>

int ab_errno(int errnum) {
#define AB_KNOWN_(name, number, text) number,
  static const int known[] = {AIOBLE_ERROR_MAP(AB_KNOWN_)};
#undef AB_KNOWN_

  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i] == -errnum)
      return known[i];
  return AIOBLE_EIO;
}

int ab_why(char *why, size_t size, int err, const char *format, ...) {
  va_list args;

  if (!why || !size)
    return err;
  va_start(args, format);
  (void) vsnprintf(why, size, format, args);
  va_end(args);
  return err;
}
