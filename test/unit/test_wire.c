/* SPDX-License-Identifier: MIT */
#include "util/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAMPLE(F) \
  F(u8, a) F(s8, b) F(le16, c) F(le24, d) F(le32, e) F(le64, f) F(addr, g) F(key16, h) F(chmap5, i)
AB_WIRE_RECORD(sample, SAMPLE)

static void numbers_are_little_endian_both_ways(void **state) {
  uint8_t bytes[19];
  ab_wr w = ab_wr_of(bytes, sizeof bytes);
  ab_rd r = ab_rd_of(bytes, sizeof bytes);

  (void) state;
  ab_wr_u8(&w, 0x01);
  ab_wr_s8(&w, -2);
  ab_wr_le16(&w, 0x0302);
  ab_wr_le24(&w, 0xff060504);
  ab_wr_le32(&w, 0xfa090807);
  ab_wr_le64(&w, 0x8877665544332211);
  assert_true(ab_wr_ok(&w));
  assert_int_equal(ab_wr_len(&w), sizeof bytes);
  assert_int_equal(ab_wr_room(&w), 0);
  assert_memory_equal(
      bytes, "\x01\xfe\x02\x03\x04\x05\x06\x07\x08\x09\xfa\x11\x22\x33\x44\x55\x66\x77\x88", 19);
  assert_int_equal(ab_rd_u8(&r), 0x01);
  assert_int_equal(ab_rd_s8(&r), -2);
  assert_int_equal(ab_rd_le16(&r), 0x0302);
  assert_int_equal(ab_rd_le24(&r), 0x060504);
  assert_int_equal(ab_rd_le32(&r), 0xfa090807);
  assert_true(ab_rd_le64(&r) == 0x8877665544332211);
  assert_true(ab_rd_done(&r));
}

static void an_address_is_reversed_on_the_wire(void **state) {
  uint8_t bytes[6];
  ab_addr6 addr = {{1, 2, 3, 4, 5, 6}};
  ab_wr w = ab_wr_of(bytes, sizeof bytes);
  ab_rd r = ab_rd_of(bytes, sizeof bytes);

  (void) state;
  ab_wr_addr(&w, addr);
  assert_memory_equal(bytes, "\6\5\4\3\2\1", 6);
  addr = ab_rd_addr(&r);
  assert_memory_equal(addr.b, "\1\2\3\4\5\6", 6);
}

/* every read of this many bytes, on each shorter input */
static void a_short_read_gives_zero_and_sticks(void **state) {
  static const uint8_t ones[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  static const size_t sizes[] = {1, 2, 3, 4, 8, 6};

  (void) state;
  for (size_t kind = 0; kind < 6; kind++)
    for (size_t len = 0; len < sizes[kind]; len++) {
      ab_rd r = ab_rd_of(ones, len);
      ab_addr6 addr;

      if (kind == 0)
        assert_int_equal(ab_rd_u8(&r), 0);
      else if (kind == 1)
        assert_int_equal(ab_rd_le16(&r), 0);
      else if (kind == 2)
        assert_int_equal(ab_rd_le24(&r), 0);
      else if (kind == 3)
        assert_int_equal(ab_rd_le32(&r), 0);
      else if (kind == 5) {
        addr = ab_rd_addr(&r);
        assert_memory_equal(addr.b, "\0\0\0\0\0\0", 6);
      } else
        (void) ab_rd_le64(&r); /* two halves: only that it is bad matters */
      assert_false(ab_rd_ok(&r));
      assert_false(ab_rd_done(&r));
      assert_int_equal(ab_rd_left(&r), 0);
      assert_int_equal(ab_rd_u8(&r), 0);
      assert_false(ab_rd_ok(&r));
    }
}

static void a_short_copy_leaves_zeroes(void **state) {
  uint8_t out[4] = {9, 9, 9, 9};
  ab_rd r = ab_rd_of("abc", 3);

  (void) state;
  ab_rd_copy(&r, out, 4);
  assert_memory_equal(out, "\0\0\0\0", 4);
  assert_false(ab_rd_ok(&r));
}

static void nothing_at_all_can_be_read(void **state) {
  ab_rd r = ab_rd_of(NULL, 0), slice;
  size_t len = 7;

  (void) state;
  assert_true(ab_rd_done(&r));
  ab_rd_copy(&r, NULL, 0);
  (void) ab_rd_rest(&r, &len);
  assert_int_equal(len, 0);
  assert_true(ab_rd_done(&r));
  slice = ab_rd_slice(&r, 0);
  assert_true(ab_rd_done(&slice));
  assert_null(ab_rd_take(&r, SIZE_MAX));
  assert_false(ab_rd_ok(&r));
}

static void nothing_at_all_can_be_written(void **state) {
  ab_wr w = ab_wr_of(NULL, 0);

  (void) state;
  ab_wr_bytes(&w, NULL, 0);
  assert_true(ab_wr_ok(&w));
  assert_int_equal(ab_wr_len(&w), 0);
  assert_int_equal(ab_wr_room(&w), 0);
  ab_wr_u8(&w, 1);
  assert_false(ab_wr_ok(&w));
}

static void a_slice_cannot_read_its_neighbour(void **state) {
  ab_rd r = ab_rd_of("abcdef", 6);
  ab_rd s = ab_rd_slice(&r, 2);

  (void) state;
  assert_int_equal(ab_rd_le16(&s), 'a' | 'b' << 8);
  assert_true(ab_rd_done(&s));
  assert_int_equal(ab_rd_u8(&s), 0);
  assert_false(ab_rd_ok(&s));
  assert_true(ab_rd_ok(&r));
  assert_int_equal(ab_rd_u8(&r), 'c');
  s = ab_rd_slice(&r, 0);
  assert_true(ab_rd_done(&s));
  s = ab_rd_slice(&r, 4);
  assert_false(ab_rd_ok(&s));
  assert_int_equal(ab_rd_left(&s), 0);
  assert_false(ab_rd_ok(&r));
  s = ab_rd_slice(&r, 0);
  assert_false(ab_rd_ok(&s)); /* once bad, no slice of it is good */
}

static void a_write_that_does_not_fit_writes_nothing_and_sticks(void **state) {
  uint8_t bytes[8];

  (void) state;
  for (size_t room = 0; room < 4; room++) {
    ab_wr w = ab_wr_of(bytes, room);

    memset(bytes, 0xee, sizeof bytes);
    ab_wr_le32(&w, 0);
    ab_wr_u8(&w, 0);
    assert_false(ab_wr_ok(&w));
    assert_int_equal(ab_wr_len(&w), 0);
    assert_int_equal(ab_wr_room(&w), 0);
    for (size_t i = 0; i < sizeof bytes; i++)
      assert_int_equal(bytes[i], 0xee);
  }
}

static void a_record_reads_what_it_wrote(void **state) {
  uint8_t bytes[64] = {0}, again[64] = {0};
  ab_wr w = ab_wr_of(again, sizeof again);
  ab_rd r = ab_rd_of(bytes, ab_sample_size);
  ab_sample sample;

  (void) state;
  assert_int_equal(ab_sample_size, 1 + 1 + 2 + 3 + 4 + 8 + 6 + 16 + 5);
  for (uint8_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t) (i * 7 + 130);
  assert_true(ab_sample_read(&r, &sample));
  assert_true(ab_rd_done(&r));
  assert_true(ab_sample_write(&w, &sample));
  assert_int_equal(ab_wr_len(&w), ab_sample_size);
  assert_memory_equal(bytes, again, ab_sample_size);
}

static void a_record_of_any_shorter_length_is_bad(void **state) {
  uint8_t bytes[64] = {0};

  (void) state;
  for (size_t len = 0; len < ab_sample_size; len++) {
    ab_rd r = ab_rd_of(bytes, len);
    ab_wr w = ab_wr_of(bytes, len);
    ab_sample sample;

    assert_false(ab_sample_read(&r, &sample));
    assert_false(ab_sample_write(&w, &sample));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_little_endian_both_ways),
      cmocka_unit_test(an_address_is_reversed_on_the_wire),
      cmocka_unit_test(a_short_read_gives_zero_and_sticks),
      cmocka_unit_test(a_short_copy_leaves_zeroes),
      cmocka_unit_test(nothing_at_all_can_be_read),
      cmocka_unit_test(nothing_at_all_can_be_written),
      cmocka_unit_test(a_slice_cannot_read_its_neighbour),
      cmocka_unit_test(a_write_that_does_not_fit_writes_nothing_and_sticks),
      cmocka_unit_test(a_record_reads_what_it_wrote),
      cmocka_unit_test(a_record_of_any_shorter_length_is_bad),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
