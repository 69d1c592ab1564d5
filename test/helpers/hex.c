/* SPDX-License-Identifier: MIT */
#include "helpers/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX = 70000 };

size_t hex_read(const char *text, uint8_t *out, size_t size) {
  size_t n = 0;
  unsigned octet;
  int used;

  while (sscanf(text, " %2x%n", &octet, &used) == 1) {
    assert_true(n < size);
    out[n++] = (uint8_t) octet;
    text += used;
  }
  assert_int_equal(*text, 0);
  return n;
}

void assert_hex(const uint8_t *data, size_t len, const char *text) {
  uint8_t *want = malloc(MAX);
  size_t n = hex_read(text, want, MAX);

  if (n != len || memcmp(want, data, n) != 0) {
    print_error("want: %s\n got:", text);
    for (size_t i = 0; i < len; i++)
      print_error(" %02x", data[i]);
    print_error("\n");
    free(want);
    fail();
  }
  free(want);
}
