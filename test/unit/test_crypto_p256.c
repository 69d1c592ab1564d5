/* SPDX-License-Identifier: MIT */
/* P-256 by the specification's sample data (Core Vol 2, Part G, 7.1.2), and what is no key. */
#include "crypto/crypto.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECRET_A "3f49f6d4a3c55f3874c9b3e3d2103f504aff607beb40b7995899b8a6cd3c1abd"
#define SECRET_B "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd"
#define XA       "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6"
#define YA       "dc809c49652aeb6d63329abf5a52155c766345c28fed3024741c8ed01589d28b"
#define XB       "1ea1f0f01faf1d9609592284f19e4c0047b58afd8615a69f559077b22faaa190"
#define YB       "4c55f33e429dad377356703a9ab85160472d1130e28e36765f89aff915b1214a"
#define DHKEY    "ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698"
#define ORDER    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

/* the samples have the most significant octet first */
static void sample(const char *text, uint8_t out[32]) {
  uint8_t bytes[32];

  assert_int_equal(hex_read(text, bytes, sizeof bytes), sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++)
    out[i] = bytes[31 - i];
}

static void expect(const uint8_t got[32], const char *text) {
  uint8_t bytes[32];

  sample(text, bytes);
  assert_memory_equal(got, bytes, sizeof bytes);
}

static void a_pair_and_a_shared_secret(void **state) {
  ab_p256_pair a, b;
  uint8_t secret[32], shared[32];

  (void) state;
  sample(SECRET_A, secret);
  assert_true(ab_p256_pair_of(secret, &a));
  expect(a.secret, SECRET_A);
  expect(a.point.x, XA);
  expect(a.point.y, YA);
  sample(SECRET_B, secret);
  assert_true(ab_p256_pair_of(secret, &b));
  expect(b.point.x, XB);
  expect(b.point.y, YB);
  assert_true(ab_p256_shared(a.secret, &b.point, shared));
  expect(shared, DHKEY);
  assert_true(ab_p256_shared(b.secret, &a.point, shared));
  expect(shared, DHKEY);
}

static void a_point_off_the_curve_is_refused(void **state) {
  ab_p256_pair a;
  ab_p256_point bad;
  uint8_t secret[32], shared[32];

  (void) state;
  sample(SECRET_A, secret);
  assert_true(ab_p256_pair_of(secret, &a));
  memset(&bad, 0, sizeof bad);
  assert_false(ab_p256_shared(a.secret, &bad, shared));
  memset(&bad, 0xff, sizeof bad); /* not even numbers of the field */
  assert_false(ab_p256_shared(a.secret, &bad, shared));
  sample(XB, bad.x); /* Y replaced */
  memset(bad.y, 0, sizeof bad.y);
  assert_false(ab_p256_shared(a.secret, &bad, shared));
  sample(YB, bad.y);
  bad.y[0] ^= 1;
  assert_false(ab_p256_shared(a.secret, &bad, shared));
  bad.y[0] ^= 1;
  assert_true(ab_p256_shared(a.secret, &bad, shared));
}

static void secrets_out_of_range_are_refused(void **state) {
  uint8_t secret[32] = {0};
  ab_p256_pair pair;

  (void) state;
  assert_false(ab_p256_pair_of(secret, &pair));
  sample(ORDER, secret);
  assert_false(ab_p256_pair_of(secret, &pair));
  secret[0]--;
  assert_true(ab_p256_pair_of(secret, &pair));
}

static void a_new_pair_needs_randomness(void **state) {
  ab_env *env = fake_env_new();
  ab_p256_pair a, b;

  (void) state;
  assert_true(ab_p256_pair_new(env, &a));
  assert_true(ab_p256_pair_new(env, &b));
  assert_memory_not_equal(&a, &b, sizeof a);
  fake_env_no_random(env);
  assert_false(ab_p256_pair_new(env, &a));
  fake_env_free(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pair_and_a_shared_secret),
      cmocka_unit_test(a_point_off_the_curve_is_refused),
      cmocka_unit_test(secrets_out_of_range_are_refused),
      cmocka_unit_test(a_new_pair_needs_randomness),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
