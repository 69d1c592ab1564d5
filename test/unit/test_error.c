/* SPDX-License-Identifier: MIT */
#include <aioble/types.h>

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void library_errors_have_the_systems_numbers(void **state) {
  (void) state;
  assert_int_equal(AIOBLE_ETIMEDOUT, -ETIMEDOUT);
  assert_int_equal(AIOBLE_ENOTCONN, -ENOTCONN);
  assert_int_equal(AIOBLE_ECANCELED, -ECANCELED);
  assert_int_equal(AIOBLE_ERFKILL, -ERFKILL);
}

static void texts_and_names_are_found(void **state) {
  (void) state;
  assert_string_equal(aioble_strerror(0), "success");
  assert_string_equal(aioble_strerror(AIOBLE_ETIMEDOUT), "timed out");
  assert_string_equal(aioble_err_name(AIOBLE_ETIMEDOUT), "AIOBLE_ETIMEDOUT");
  assert_string_equal(aioble_err_name(-4095), "AIOBLE_EOF");
  assert_string_equal(aioble_strerror(AIOBLE_ERR_ATT(0x05)), "ATT: insufficient authentication");
  assert_string_equal(aioble_err_name(AIOBLE_ERR_ATT(0x05)), "AIOBLE_ERR_ATT");
  assert_string_equal(aioble_strerror(AIOBLE_ERR_ATT(0x9f)), "ATT: application error");
  assert_string_equal(aioble_strerror(AIOBLE_ERR_HCI(0x3e)),
                      "HCI: connection failed to be established");
  assert_string_equal(aioble_strerror(AIOBLE_ERR_SMP(0x04)), "SMP: confirm value failed");
  assert_string_equal(aioble_strerror(AIOBLE_ERR_L2CAP(0x0005)),
                      "L2CAP: refused: insufficient authentication");
}

static bool starts_with(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* how many of the codes have a text of their own */
static unsigned known(int base, unsigned codes, const char *prefix) {
  unsigned n = 0;

  for (unsigned code = 0; code < codes; code++) {
    const char *text = aioble_strerror(base - (int) code);

    assert_true(starts_with(text, prefix));
    n += !strstr(text, "unknown error");
  }
  return n;
}

static void the_tables_are_whole(void **state) {
  (void) state;
  assert_int_equal(known(AIOBLE_ERR_HCI(0), 0x10000, "HCI: "), 0x48 - 3 /* reserved ones */);
  assert_int_equal(known(AIOBLE_ERR_ATT(0), 0x10000, "ATT: "), 0x13 + 4 + 0x20);
  assert_int_equal(known(AIOBLE_ERR_SMP(0), 0x10000, "SMP: "), 0x10);
  assert_int_equal(known(AIOBLE_ERR_L2CAP(0), 0x10000, "L2CAP: "), 0x0f);
}

static void ranges_do_not_overlap(void **state) {
  (void) state;
  for (unsigned code = 0; code <= 0xffff; code += 0xff) {
    int errs[] = {AIOBLE_ERR_HCI(code), AIOBLE_ERR_ATT(code), AIOBLE_ERR_SMP(code),
                  AIOBLE_ERR_L2CAP(code)};

    for (int i = 0; i < 4; i++) {
      assert_int_equal(AIOBLE_ERR_CODE(errs[i]), code);
      assert_int_equal(AIOBLE_ERR_IS_HCI(errs[i]), i == 0);
      assert_int_equal(AIOBLE_ERR_IS_ATT(errs[i]), i == 1);
      assert_int_equal(AIOBLE_ERR_IS_SMP(errs[i]), i == 2);
      assert_int_equal(AIOBLE_ERR_IS_L2CAP(errs[i]), i == 3);
    }
  }
}

static void any_number_has_a_text(void **state) {
  static const int odd[] = {1, INT_MAX, INT_MIN, -2, -9999, -0x50000, -0xffff};

  (void) state;
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    assert_non_null(aioble_strerror(odd[i]));
    assert_non_null(aioble_err_name(odd[i]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(library_errors_have_the_systems_numbers),
      cmocka_unit_test(texts_and_names_are_found),
      cmocka_unit_test(the_tables_are_whole),
      cmocka_unit_test(ranges_do_not_overlap),
      cmocka_unit_test(any_number_has_a_text),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
