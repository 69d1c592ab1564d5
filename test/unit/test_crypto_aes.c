/* SPDX-License-Identifier: MIT */
/* AES-128 by FIPS 197, Appendix B and C.1; secrets. */
#include "crypto/crypto.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void one_block(void **state) {
  static const char *const samples[][3] = {
      {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
       "3925841d02dc09fbdc118597196a0b32"},
      {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
       "69c4e0d86a7b0430d8cdb78070b4c55a"},
  };

  (void) state;
  for (size_t i = 0; i < 2; i++) {
    uint8_t key[16], in[16], out[16];

    hex_read(samples[i][0], key, sizeof key);
    hex_read(samples[i][1], in, sizeof in);
    assert_true(ab_aes128(key, in, out));
    assert_hex(out, sizeof out, samples[i][2]);
  }
}

static void many_blocks_with_one_key(void **state) {
  uint8_t key[16], in[16], out[16];
  ab_aes *aes;

  (void) state;
  hex_read("2b7e151628aed2a6abf7158809cf4f3c", key, sizeof key); /* SP 800-38A, F.1.1 */
  aes = ab_aes_new(key);
  hex_read("6bc1bee22e409f96e93d7e117393172a", in, sizeof in);
  assert_true(ab_aes_block(aes, in, out));
  assert_hex(out, sizeof out, "3ad77bb40d7a3660a89ecaf32466ef97");
  hex_read("ae2d8a571e03ac9c9eb76fac45af8e51", in, sizeof in);
  assert_true(ab_aes_block(aes, in, out));
  assert_hex(out, sizeof out, "f5d3d58503b9699de785895a96fdbaaf");
  ab_aes_free(aes);
}

static void without_memory_there_is_no_block(void **state) {
  uint8_t in[16] = {0}, out[16] = {1}, zero[16] = {0};

  (void) state;
  assert_false(ab_aes_block(NULL, in, out));
  assert_memory_equal(out, zero, sizeof out);
  ab_aes_free(NULL);
}

static void secrets_are_compared_and_wiped(void **state) {
  uint8_t a[4] = {1, 2, 3, 4}, b[4] = {1, 2, 3, 4};

  (void) state;
  assert_true(ab_secret_equal(a, b, 4));
  b[3] = 5;
  assert_false(ab_secret_equal(a, b, 4));
  ab_wipe(b, sizeof b);
  assert_hex(b, sizeof b, "00 00 00 00");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_block),
      cmocka_unit_test(many_blocks_with_one_key),
      cmocka_unit_test(without_memory_there_is_no_block),
      cmocka_unit_test(secrets_are_compared_and_wiped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
