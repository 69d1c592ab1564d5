/* SPDX-License-Identifier: MIT */
#include "helpers/aioble_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* as a board's b2a_base64(), which ends a line; in JSON */
static void encode(const uint8_t *octets, size_t n, char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  for (size_t i = 0; i < n; i += 3) {
    uint32_t bits = (uint32_t) octets[i] << 16;

    bits |= i + 1 < n ? (uint32_t) octets[i + 1] << 8 : 0;
    bits |= i + 2 < n ? octets[i + 2] : 0;
    *text++ = digits[bits >> 18];
    *text++ = digits[bits >> 12 & 63];
    *text++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
    *text++ = i + 2 < n ? digits[bits & 63] : '=';
  }
  (void) strcpy(text, "\\n");
}

void aioble_file_add(char text[AIOBLE_FILE_MAX], int kind, const void *key, size_t key_len,
                     const void *value, size_t len) {
  char key_text[64], value_text[200], entry[300];

  encode(key, key_len, key_text);
  encode(value, len, value_text);
  (void) snprintf(entry, sizeof entry, "%s[%d, \"%s\", \"%s\"]", *text ? ", " : "[", kind, key_text,
                  value_text);
  assert_true(strlen(text) + strlen(entry) < AIOBLE_FILE_MAX - 1);
  (void) strcat(text, entry);
}
