/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void encode(ab_wr *w, uint32_t c) {
  static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
  unsigned len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

  ab_wr_u8(w, (uint8_t) (marks[len] | c >> 6 * (len - 1)));
  for (unsigned i = len - 1; i--;)
    ab_wr_u8(w, (uint8_t) (0x80 | (c >> 6 * i & 0x3f)));
}

static void every_character_is_read(void **state) {
  (void) state;
  for (uint32_t c = 0; c < 0x110000; c++) {
    uint8_t bytes[4];
    ab_wr w = ab_wr_of(bytes, sizeof bytes);
    ab_rd r;

    if (c >= 0xd800 && c < 0xe000)
      continue;
    encode(&w, c);
    r = ab_rd_of(bytes, ab_wr_len(&w));
    assert_int_equal(ab_utf8_next(&r), c);
    assert_true(ab_rd_done(&r));
  }
}

/* pieces: how many characters come out */
static void expect_replaced(const char *bytes, size_t len, unsigned pieces) {
  ab_rd r = ab_rd_of(bytes, len);

  while (ab_rd_left(&r)) {
    assert_int_equal(ab_utf8_next(&r), AB_UTF8_REPLACEMENT);
    assert_true(pieces-- > 0);
  }
  assert_int_equal(pieces, 0);
  assert_true(ab_rd_ok(&r));
}

static void what_is_broken_is_replaced_piece_by_piece(void **state) {
  (void) state;
  expect_replaced("\x80", 1, 1);
  expect_replaced("\xff\xfe", 2, 2);
  expect_replaced("\xc0\xaf", 2, 2);             /* too long a form */
  expect_replaced("\xe0\x80\x80", 3, 3);         /* too long a form */
  expect_replaced("\xed\xa0\x80", 3, 3);         /* a surrogate */
  expect_replaced("\xf4\x90\x80\x80", 4, 4);     /* beyond the last character */
  expect_replaced("\xf0\x9f\x98", 3, 1);         /* cut */
  expect_replaced("\xe2\x82\xe2\x82", 4, 2);     /* cut twice */
  expect_replaced("\xf8\x88\x80\x80\x80", 5, 5); /* five bytes were never UTF-8 */
}

static void a_broken_piece_does_not_eat_its_neighbour(void **state) {
  ab_rd r = ab_rd_of("\xe2\x82g", 3);

  (void) state;
  assert_int_equal(ab_utf8_next(&r), AB_UTF8_REPLACEMENT);
  assert_int_equal(ab_utf8_next(&r), 'g');
  assert_true(ab_rd_done(&r));
}

static void a_cut_ends_with_a_character(void **state) {
  static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 + 2 + 3 + 4 + 1 */
  static const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

  (void) state;
  for (size_t max = 0; max < sizeof ends / sizeof *ends; max++)
    assert_int_equal(ab_utf8_cut(text, strlen(text), max), ends[max]);
  assert_int_equal(ab_utf8_cut("", 0, 5), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_character_is_read),
      cmocka_unit_test(what_is_broken_is_replaced_piece_by_piece),
      cmocka_unit_test(a_broken_piece_does_not_eat_its_neighbour),
      cmocka_unit_test(a_cut_ends_with_a_character),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
