/* SPDX-License-Identifier: MIT */
#include "util/addr.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void text_goes_both_ways(void **state) {
  aioble_addr_t addr;
  char text[AIOBLE_ADDR_TEXT_SIZE];

  (void) state;
  assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_RANDOM, "C0:01:02:ab:Cd:ef"), 0);
  assert_int_equal(addr.type, AIOBLE_ADDR_RANDOM);
  assert_memory_equal(addr.bytes, "\xc0\x01\x02\xab\xcd\xef", 6);
  assert_string_equal(aioble_addr_text(&addr, text), "c0:01:02:ab:cd:ef");
}

static void colons_are_optional(void **state) {
  aioble_addr_t addr;

  (void) state;
  assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, "c0010203aBfF"), 0);
  assert_memory_equal(addr.bytes, "\xc0\x01\x02\x03\xab\xff", 6);
  assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, "c001:0203:abfe"), 0);
  assert_memory_equal(addr.bytes, "\xc0\x01\x02\x03\xab\xfe", 6);
}

static void a_bad_text_leaves_the_address_alone(void **state) {
  static const char *const bad[] = {
      "",
      "c0",
      "c0:01:02:03:04",
      "c0:01:02:03:04:0",
      "c0:01:02:03:04:05:",
      "c0:01:02:03:04:05:06",
      ":c0:01:02:03:04:05",
      "c0::01:02:03:04:05",
      "c0:01:02:03:04:0g",
      "c:00:10:20:30:40:5",
      "c0-01-02-03-04-05",
      " c0:01:02:03:04:05",
      "c0:01:02:03:04:05 ",
  };
  aioble_addr_t addr = {7, {1, 2, 3, 4, 5, 6}};

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, bad[i]), AIOBLE_EINVAL);
  assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_PUBLIC, NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_addr_parse(&addr, 2, "c0:01:02:03:04:05"), AIOBLE_EINVAL);
  assert_int_equal(addr.type, 7);
  assert_memory_equal(addr.bytes, "\1\2\3\4\5\6", 6);
}

static void type_and_bytes_make_a_device(void **state) {
  aioble_addr_t a = {AIOBLE_ADDR_PUBLIC, {1, 2, 3, 4, 5, 6}};
  aioble_addr_t b = a;

  (void) state;
  assert_true(aioble_addr_equal(&a, &b));
  b.type = AIOBLE_ADDR_RANDOM;
  assert_false(aioble_addr_equal(&a, &b));
  for (size_t i = 0; i < 6; i++) {
    b = a;
    b.bytes[i] ^= 0x80;
    assert_false(aioble_addr_equal(&a, &b));
  }
}

static void the_two_top_bits_tell_the_kind(void **state) {
  aioble_addr_t addr = {AIOBLE_ADDR_RANDOM, {0}};
  static const aioble_addr_kind_t kinds[] = {AIOBLE_ADDR_KIND_NON_RESOLVABLE,
                                             AIOBLE_ADDR_KIND_RESOLVABLE, AIOBLE_ADDR_KIND_RESERVED,
                                             AIOBLE_ADDR_KIND_STATIC};

  (void) state;
  for (unsigned top = 0; top < 256; top++) {
    addr.bytes[0] = (uint8_t) top;
    addr.type = AIOBLE_ADDR_RANDOM;
    assert_int_equal(aioble_addr_kind(&addr), kinds[top / 64]);
    addr.type = AIOBLE_ADDR_PUBLIC;
    assert_int_equal(aioble_addr_kind(&addr), AIOBLE_ADDR_KIND_PUBLIC);
  }
}

static void a_made_address_is_static_and_differs(void **state) {
  ab_env *env = fake_env_new();
  aioble_addr_t a, b;

  (void) state;
  assert_int_equal(ab_addr_make_static(env, &a), 0);
  assert_int_equal(ab_addr_make_static(env, &b), 0);
  assert_int_equal(aioble_addr_kind(&a), AIOBLE_ADDR_KIND_STATIC);
  assert_int_equal(aioble_addr_kind(&b), AIOBLE_ADDR_KIND_STATIC);
  assert_false(aioble_addr_equal(&a, &b));
  fake_env_free(env);
}

static void no_randomness_makes_no_address(void **state) {
  ab_env *env = fake_env_new();
  aioble_addr_t addr = {7, {1, 2, 3, 4, 5, 6}};

  (void) state;
  fake_env_no_random(env);
  assert_true(ab_addr_make_static(env, &addr) < 0);
  assert_int_equal(addr.type, 7);
  fake_env_free(env);
}

static int constant(void *ctx, void *buf, size_t len) {
  memset(buf, *(int *) ctx, len);
  return 0;
}

static void all_ones_and_all_zeroes_are_no_address(void **state) {
  ab_env *env = fake_env_new();
  aioble_addr_t addr;
  int byte = 0;

  (void) state;
  env->random_fn = constant;
  env->random_ctx = &byte;
  assert_int_equal(ab_addr_make_static(env, &addr), AIOBLE_EIO);
  byte = 0xff;
  assert_int_equal(ab_addr_make_static(env, &addr), AIOBLE_EIO);
  byte = 0x7f;
  assert_int_equal(ab_addr_make_static(env, &addr), 0);
  fake_env_free(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_goes_both_ways),
      cmocka_unit_test(colons_are_optional),
      cmocka_unit_test(a_bad_text_leaves_the_address_alone),
      cmocka_unit_test(type_and_bytes_make_a_device),
      cmocka_unit_test(the_two_top_bits_tell_the_kind),
      cmocka_unit_test(a_made_address_is_static_and_differs),
      cmocka_unit_test(no_randomness_makes_no_address),
      cmocka_unit_test(all_ones_and_all_zeroes_are_no_address),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
