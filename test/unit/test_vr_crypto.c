/* SPDX-License-Identifier: MIT */
#include "virtual/vr_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void turned(uint8_t *out, const uint8_t *in, size_t n) {
  for (size_t i = 0; i < n; i++)
    out[i] = in[n - 1 - i];
}

/* Core Vol 3, Part H, D.7: IRK ec0234a357c8ad05341010a60a397d9b, prand 708194, hash 0dfbaa */
static void ah_is_the_specifications(void **state) {
  static const uint8_t irk[16] = {0xec, 0x02, 0x34, 0xa3, 0x57, 0xc8, 0xad, 0x05,
                                  0x34, 0x10, 0x10, 0xa6, 0x0a, 0x39, 0x7d, 0x9b};
  static const uint8_t prand[3] = {0x70, 0x81, 0x94}, expected[3] = {0x0d, 0xfb, 0xaa};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  uint8_t hash[3];
  ab_key16 key;
  vr_aes *aes;

  (void) state;
  turned(key.b, irk, sizeof irk);
  aes = vr_aes_new(radio, &key);
  assert_non_null(aes);
  for (int i = 0; i < 2; i++) { /* it keeps no state from one to the next */
    assert_true(vr_aes_ah(aes, prand, hash));
    assert_memory_equal(hash, expected, sizeof expected);
  }
  vr_aes_free(radio, aes);
  vr_aes_free(radio, NULL);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

/* Core Vol 2, Part G, 7.1.2.1, first set */
static void p256_is_the_specifications(void **state) {
  static const uint8_t private_a[32] = {0x3f, 0x49, 0xf6, 0xd4, 0xa3, 0xc5, 0x5f, 0x38,
                                        0x74, 0xc9, 0xb3, 0xe3, 0xd2, 0x10, 0x3f, 0x50,
                                        0x4a, 0xff, 0x60, 0x7b, 0xeb, 0x40, 0xb7, 0x99,
                                        0x58, 0x99, 0xb8, 0xa6, 0xcd, 0x3c, 0x1a, 0xbd};
  static const uint8_t private_b[32] = {0x55, 0x18, 0x8b, 0x3d, 0x32, 0xf6, 0xbb, 0x9a,
                                        0x90, 0x0a, 0xfc, 0xfb, 0xee, 0xd4, 0xe7, 0x2a,
                                        0x59, 0xcb, 0x9a, 0xc2, 0xf1, 0x9d, 0x7c, 0xfb,
                                        0x6b, 0x4f, 0xdd, 0x49, 0xf4, 0x7f, 0xc5, 0xfd};
  static const uint8_t x_a[32] = {0x20, 0xb0, 0x03, 0xd2, 0xf2, 0x97, 0xbe, 0x2c, 0x5e, 0x2c, 0x83,
                                  0xa7, 0xe9, 0xf9, 0xa5, 0xb9, 0xef, 0xf4, 0x91, 0x11, 0xac, 0xf4,
                                  0xfd, 0xdb, 0xcc, 0x03, 0x01, 0x48, 0x0e, 0x35, 0x9d, 0xe6};
  static const uint8_t dh[32] = {0xec, 0x02, 0x34, 0xa3, 0x57, 0xc8, 0xad, 0x05, 0x34, 0x10, 0x10,
                                 0xa6, 0x0a, 0x39, 0x7d, 0x9b, 0x99, 0x79, 0x6b, 0x13, 0xb4, 0xf8,
                                 0x66, 0xf1, 0x86, 0x8d, 0x34, 0xf3, 0x73, 0xbf, 0xa6, 0x98};
  uint8_t expected[32], shared[32];
  vr_p256_point a, b;

  (void) state;
  assert_true(vr_p256_public(private_a, &a));
  assert_true(vr_p256_public(private_b, &b));
  turned(expected, x_a, sizeof x_a);
  assert_memory_equal(a.b, expected, sizeof expected);
  turned(expected, dh, sizeof dh);
  assert_true(vr_p256_shared(private_a, &b, shared));
  assert_memory_equal(shared, expected, sizeof expected);
  assert_true(vr_p256_shared(private_b, &a, shared));
  assert_memory_equal(shared, expected, sizeof expected);
}

static void points_off_the_curve_and_keys_out_of_range_are_refused(void **state) {
  uint8_t key[32] = {0}, shared[32];
  vr_p256_point point = {{0}};

  (void) state;
  assert_false(vr_p256_public(key, &point));
  memset(key, 0xff, sizeof key);
  assert_false(vr_p256_public(key, &point));
  key[0] = 0;
  assert_true(vr_p256_public(key, &point));
  point.b[33] ^= 1;
  assert_false(vr_p256_shared(key, &point, shared));
  assert_false(vr_p256_shared(key, &(vr_p256_point){{0}}, shared));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ah_is_the_specifications),
      cmocka_unit_test(p256_is_the_specifications),
      cmocka_unit_test(points_off_the_curve_and_keys_out_of_range_are_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
