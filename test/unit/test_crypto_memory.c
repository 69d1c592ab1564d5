/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL has memory functions of its own: each of its allocations fails in turn, and what is asked
 * of the layer then fails, too, says so, and can be asked for again. What OpenSSL makes once, it
 * has made before; what it keeps for ever is not counted, leaks are for the sanitizer to find.
 */
#include "crypto/crypto.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

static unsigned allocations, fail_at;

static bool may_allocate(void) {
  return ++allocations != fail_at;
}

static void *take(size_t size, const char *file, int line) {
  (void) file;
  (void) line;
  return may_allocate() ? malloc(size) : NULL;
}

static void *resize(void *ptr, size_t size, const char *file, int line) {
  (void) file;
  (void) line;
  return may_allocate() ? realloc(ptr, size) : NULL;
}

static void release(void *ptr, const char *file, int line) {
  (void) file;
  (void) line;
  free(ptr);
}

/* ---- what can be asked for ---- */

static bool block(ab_env *env, uint8_t out[64]) {
  static const uint8_t key[16] = {1}, in[16] = {2};

  (void) env;
  return ab_aes128(key, in, out);
}

static bool mac(ab_env *env, uint8_t out[64]) {
  static const uint8_t key[16] = {1};
  ab_cmac *cmac = ab_cmac_new(env, key);

  ab_cmac_add(cmac, "text", 4);
  return ab_cmac_end(cmac, out);
}

static bool pair(ab_env *env, uint8_t out[64]) {
  static const uint8_t secret[32] = {7};
  ab_p256_pair made;

  (void) env;
  if (!ab_p256_pair_of(secret, &made))
    return false;
  memcpy(out, made.point.x, 32);
  memcpy(out + 32, made.point.y, 32);
  return true;
}

static void expect_failures(bool (*ask)(ab_env *env, uint8_t out[64])) {
  ab_env *env = fake_env_new();
  uint8_t expected[64] = {0}, out[64] = {0};
  unsigned failures = 0;
  bool reached = true;

  assert_true(ask(env, expected)); /* what is made once */
  for (unsigned n = 1; reached; n++) {
    bool ok;

    allocations = 0;
    fail_at = n;
    ok = ask(env, out);
    fail_at = 0;
    reached = allocations >= n;
    failures += !ok;
    ERR_clear_error();
    assert_int_equal(fake_env_live(env), 0);
    assert_true(ok || reached);
    assert_true(ask(env, out));
    assert_memory_equal(out, expected, sizeof out);
  }
  assert_true(failures > 0);
  fake_env_free(env);
}

static void without_memory_there_is_no_block(void **state) {
  (void) state;
  expect_failures(block);
}

static void without_memory_there_is_no_mac(void **state) {
  (void) state;
  expect_failures(mac);
}

static void without_memory_there_is_no_key_pair(void **state) {
  (void) state;
  expect_failures(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_memory_there_is_no_block),
      cmocka_unit_test(without_memory_there_is_no_mac),
      cmocka_unit_test(without_memory_there_is_no_key_pair),
  };

  if (!CRYPTO_set_mem_functions(take, resize, release))
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
