/* SPDX-License-Identifier: MIT */
#include <aioble/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_TEXT "e5700001-7bac-429a-b4ce-57ff900f479d"

static const uint8_t long_bytes[16] = {0x9d, 0x47, 0x0f, 0x90, 0xff, 0x57, 0xce, 0xb4,
                                       0x9a, 0x42, 0xac, 0x7b, 0x01, 0x00, 0x70, 0xe5};

static aioble_uuid_t parsed(const char *text) {
  aioble_uuid_t uuid;

  assert_int_equal(aioble_uuid_parse(&uuid, text), 0);
  return uuid;
}

static void each_width_goes_both_ways(void **state) {
  char text[AIOBLE_UUID_TEXT_SIZE];
  aioble_uuid_t uuid = parsed("181A");

  (void) state;
  assert_int_equal(uuid.size, 2);
  assert_memory_equal(uuid.bytes, "\x1a\x18", 2);
  assert_string_equal(aioble_uuid_text(&uuid, text), "181a");
  uuid = parsed("0xFEDC1234");
  assert_int_equal(uuid.size, 4);
  assert_memory_equal(uuid.bytes, "\x34\x12\xdc\xfe", 4);
  assert_string_equal(aioble_uuid_text(&uuid, text), "fedc1234");
  uuid = parsed(LONG_TEXT);
  assert_int_equal(uuid.size, 16);
  assert_memory_equal(uuid.bytes, long_bytes, 16);
  assert_string_equal(aioble_uuid_text(&uuid, text), LONG_TEXT);
}

static void a_bad_text_leaves_the_uuid_alone(void **state) {
  static const char *const bad[] = {
      "",
      "0x",
      "18",
      "181",
      "181g",
      "181a0",
      "0x181a0",
      "-181",
      " 181a",
      "181a ",
      "0000181",
      "0000181a0",
      "e57000017bac429ab4ce57ff900f479d",
      "e570000-17bac-429a-b4ce-57ff900f479d",
      "e5700001-7bac-429a-b4ce-57ff900f479",
      "e5700001-7bac-429a-b4ce-57ff900f479d0",
      "e5700001-7bac-429a-b4ce_57ff900f479d",
      "e5700001-7bac-429a-b4ce-57ff900f479x",
  };
  aioble_uuid_t uuid = aioble_uuid16(0x1234);

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(aioble_uuid_parse(&uuid, bad[i]), AIOBLE_EINVAL);
  assert_int_equal(aioble_uuid_parse(&uuid, NULL), AIOBLE_EINVAL);
  assert_int_equal(uuid.size, 2);
  assert_memory_equal(uuid.bytes, "\x34\x12", 2);
}

static void bytes_of_three_lengths_only(void **state) {
  aioble_uuid_t uuid = {.size = 9};

  (void) state;
  for (size_t len = 0; len <= 16; len++) {
    if (len == 2 || len == 4 || len == 16)
      continue;
    assert_int_equal(aioble_uuid_from_bytes(&uuid, long_bytes, len), AIOBLE_EINVAL);
    assert_int_equal(uuid.size, 9);
  }
  assert_int_equal(aioble_uuid_from_bytes(&uuid, long_bytes, 16), 0);
  assert_memory_equal(uuid.bytes, long_bytes, 16);
  assert_int_equal(aioble_uuid_from_bytes(&uuid, "\x1a\x18", 2), 0);
  assert_memory_equal(&uuid, &AIOBLE_UUID16(0x181a), sizeof uuid);
}

static void the_width_makes_no_difference(void **state) {
  aioble_uuid_t three[] = {aioble_uuid16(0x181a), aioble_uuid32(0x181a),
                           parsed("0000181a-0000-1000-8000-00805f9b34fb")};
  aioble_uuid_t other[] = {aioble_uuid16(0x181b), aioble_uuid32(0x1000181a), parsed(LONG_TEXT),
                           parsed("0000181a-0000-1000-8000-00805f9b34fc")};

  (void) state;
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < 3; j++)
      assert_true(aioble_uuid_equal(&three[i], &three[j]));
    for (size_t j = 0; j < 4; j++)
      assert_false(aioble_uuid_equal(&three[i], &other[j]));
  }
}

static void no_uuid_equals_only_no_uuid(void **state) {
  aioble_uuid_t none = {0}, nonsense = {.size = 200}, zero = aioble_uuid16(0);
  char text[AIOBLE_UUID_TEXT_SIZE];

  (void) state;
  assert_true(aioble_uuid_equal(&none, &none));
  assert_false(aioble_uuid_equal(&none, &zero));
  assert_false(aioble_uuid_equal(&zero, &nonsense));
  assert_int_equal(aioble_uuid_to128(&none).size, 0);
  assert_string_equal(aioble_uuid_text(&none, text), "");
  assert_string_equal(aioble_uuid_text(&nonsense, text), "");
}

static void expansion_is_over_the_base_uuid(void **state) {
  aioble_uuid_t uuid = aioble_uuid32(0x12345678);
  char text[AIOBLE_UUID_TEXT_SIZE];

  (void) state;
  uuid = aioble_uuid_to128(&uuid);
  assert_string_equal(aioble_uuid_text(&uuid, text), "12345678-0000-1000-8000-00805f9b34fb");
  uuid = aioble_uuid_to128(&uuid);
  assert_string_equal(aioble_uuid_text(&uuid, text), "12345678-0000-1000-8000-00805f9b34fb");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_width_goes_both_ways),
      cmocka_unit_test(a_bad_text_leaves_the_uuid_alone),
      cmocka_unit_test(bytes_of_three_lengths_only),
      cmocka_unit_test(the_width_makes_no_difference),
      cmocka_unit_test(no_uuid_equals_only_no_uuid),
      cmocka_unit_test(expansion_is_over_the_base_uuid),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
