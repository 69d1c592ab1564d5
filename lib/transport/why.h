/* SPDX-License-Identifier: MIT */
/* Errors of the system, as ours and as text. */
#ifndef AB_WHY_H
#define AB_WHY_H

#include <aioble/types.h>

enum { AB_WHY_SIZE = 256 };

/* An errno as a library error: the same number where there is one, else AIOBLE_EIO. */
int ab_errno(int errnum);

/* Formats a text for the user into why (which may be NULL) and returns err. */
__attribute__((format(printf, 4, 5))) int ab_why(char *why, size_t size, int err,
                                                 const char *format, ...);

#endif
