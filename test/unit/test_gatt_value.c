/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_value_grows_and_shrinks_and_may_be_its_own_source(void **state) {
  ab_env *env = fake_env_new();
  ab_gatt_value value;
  unsigned allocs;

  (void) state;
  ab_gatt_value_init(&value, NULL, AIOBLE_READ, 512);
  assert_true(ab_gatt_value_put(&value, env, 0, NULL, 0));
  assert_int_equal(fake_env_allocs(env), 0);
  assert_true(ab_gatt_value_put(&value, env, 0, "abcdef", 6));
  assert_hex(value.data, value.len, "61 62 63 64 65 66");
  assert_true(ab_gatt_value_put(&value, env, 6, "gh", 2));
  assert_hex(value.data, value.len, "61 62 63 64 65 66 67 68");
  allocs = fake_env_allocs(env);
  assert_true(ab_gatt_value_put(&value, env, 0, value.data + 2, 3));
  assert_hex(value.data, value.len, "63 64 65");
  assert_true(ab_gatt_value_put(&value, env, 3, value.data, 3));
  assert_hex(value.data, value.len, "63 64 65 63 64 65");
  assert_int_equal(fake_env_allocs(env), allocs);
  for (unsigned i = 0; i < 4; i++)
    assert_true(ab_gatt_value_put(&value, env, value.len, value.data, value.len));
  assert_int_equal(value.len, 96);
  assert_memory_equal(value.data + 90, "cdecde", 6);
  fake_env_fail_at(env, 1);
  assert_false(ab_gatt_value_put(&value, env, value.len, value.data, value.len));
  assert_int_equal(value.len, 96);
  ab_gatt_value_free(&value, env);
  fake_env_free(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_grows_and_shrinks_and_may_be_its_own_source),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
