/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

/* What a lead byte promises: how many bytes follow, and the range of the first of them. */
typedef struct lead {
  uint8_t first, last; /* lead bytes of this row */
  uint8_t mask;        /* of the lead byte's own bits */
  uint8_t more, low, high;
} lead;

static const lead *find_lead(uint8_t b) {
  static const lead leads[] = {
      {0xc2, 0xdf, 0x1f, 1, 0x80, 0xbf}, {0xe0, 0xe0, 0x0f, 2, 0xa0, 0xbf},
      {0xe1, 0xec, 0x0f, 2, 0x80, 0xbf}, {0xed, 0xed, 0x0f, 2, 0x80, 0x9f},
      {0xee, 0xef, 0x0f, 2, 0x80, 0xbf}, {0xf0, 0xf0, 0x07, 3, 0x90, 0xbf},
      {0xf1, 0xf3, 0x07, 3, 0x80, 0xbf}, {0xf4, 0xf4, 0x07, 3, 0x80, 0x8f},
  };

  for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
    if (b >= leads[i].first && b <= leads[i].last)
      return &leads[i];
  return NULL;
}

uint32_t ab_utf8_next(ab_rd *r) {
  uint8_t b = ab_rd_u8(r);
  const lead *l = find_lead(b);
  uint32_t c;

  if (b < 0x80)
    return b;
  if (!l)
    return AB_UTF8_REPLACEMENT;
  c = b & l->mask;
  for (unsigned i = 0; i < l->more; i++) {
    ab_rd ahead = *r;

    b = ab_rd_u8(&ahead); /* at the end: zero, which continues nothing */
    if (b < (i ? 0x80 : l->low) || b > (i ? 0xbf : l->high))
      return AB_UTF8_REPLACEMENT;
    c = c << 6 | (b & 0x3f);
    *r = ahead;
  }
  return c;
}

size_t ab_utf8_cut(const char *text, size_t len, size_t max) {
  ab_rd r = ab_rd_of(text, len);
  size_t end = 0;

  while (ab_rd_left(&r)) {
    (void) ab_utf8_next(&r);
    if (len - ab_rd_left(&r) > max)
      break;
    end = len - ab_rd_left(&r);
  }
  return end;
}
