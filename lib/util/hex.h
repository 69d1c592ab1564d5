/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits, one byte at a time. */
#ifndef AB_HEX_H
#define AB_HEX_H

#include <stdbool.h>
#include <stdint.h>

/** 0 to 15, or -1: no hexadecimal digit. */
static inline int ab_hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/** Two digits as a byte; never looks behind a terminator. */
static inline bool ab_hex_read(const char *text, uint8_t *byte) {
  int high = ab_hex_digit(text[0]);
  int low = high < 0 ? -1 : ab_hex_digit(text[1]);

  if (low < 0)
    return false;
  *byte = (uint8_t) (high << 4 | low);
  return true;
}

/** Writes two lower-case digits, no terminator; returns where the next character goes. */
static inline char *ab_hex_write(char *out, uint8_t byte) {
  static const char digits[] = "0123456789abcdef";

  *out++ = digits[byte >> 4];
  *out++ = digits[byte & 15];
  return out;
}

#endif
