/* SPDX-License-Identifier: MIT */
/* UTF-8 that may be broken (RFC 3629). */
#ifndef AB_UTF8_H
#define AB_UTF8_H

#include "util/wire.h"

#define AB_UTF8_REPLACEMENT 0xfffdu

/*
 * The next character of a cursor that is not at its end. What is no UTF-8 is one U+FFFD for each
 * longest piece that could have begun a character, as the Unicode standard recommends (3.9, U+FFFD
 * substitution of maximal subparts).
 */
uint32_t ab_utf8_next(ab_rd *r);

/* the most bytes of a text, at most `max`, that end where a character ends */
size_t ab_utf8_cut(const char *text, size_t len, size_t max);

#endif
