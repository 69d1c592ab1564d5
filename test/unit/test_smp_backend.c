/* SPDX-License-Identifier: MIT */
/* The functions of the Security Manager by the specification's sample data (Core Vol 3, Part H,
   2.2.3, 2.2.4, Appendix D). The samples have the most significant octet first. */
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include "smp/smp_backend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define U      "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6"
#define V      "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd"
#define DHKEY  "ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698"
#define N1     "d5cb8454d177733effffb2ec712baeab"
#define N2     "a6e8e7cc25a75f6e216583f7ff3dc4cf"
#define MACKEY "2965f176a1084a02fd3f6a20ce636e20"
#define KEY    "ec0234a357c8ad05341010a60a397d9b"

static const aioble_addr_t a1 = {0, {0x56, 0x12, 0x37, 0x37, 0xbf, 0xce}};
static const aioble_addr_t a2 = {0, {0xa7, 0x13, 0x70, 0x2d, 0xcf, 0xc1}};

static void turn(uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n / 2; i++) {
    uint8_t b = bytes[i];

    bytes[i] = bytes[n - 1 - i];
    bytes[n - 1 - i] = b;
  }
}

static void sample(const char *text, uint8_t *out, size_t n) {
  assert_int_equal(hex_read(text, out, n), n);
  turn(out, n);
}

static ab_key16 key(const char *text) {
  ab_key16 k;

  sample(text, k.b, sizeof k.b);
  return k;
}

static void expect_key(ab_key16 got, const char *text) {
  turn(got.b, sizeof got.b);
  assert_hex(got.b, sizeof got.b, text);
}

static void c1(void **state) {
  static const aioble_addr_t ia = {1, {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6}};
  static const aioble_addr_t ra = {0, {0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6}};
  ab_key16 k = {{0}}, r = key("5783d52156ad6f0e6388274ec6702ee0"), out;
  uint8_t preq[7], pres[7];

  (void) state;
  sample("07071000000101", preq, sizeof preq);
  sample("05000800000302", pres, sizeof pres);
  assert_true(ab_smp_c1(&k, &r, preq, pres, &ia, &ra, &out));
  expect_key(out, "1e1e3fef878988ead2a74dc5bef13b86");
}

static void s1(void **state) {
  ab_key16 k = {{0}}, r1 = key("000f0e0d0c0b0a091122334455667788");
  ab_key16 r2 = key("010203040506070899aabbccddeeff00"), out;

  (void) state;
  assert_true(ab_smp_s1(&k, &r1, &r2, &out));
  expect_key(out, "9a1fe1f0e8b0f49b5b4216ae796da062");
}

static void ah(void **state) {
  ab_key16 irk = key(KEY);
  uint8_t prand[3], hash[3];
  ab_aes *aes = ab_smp_ah_key(&irk);

  (void) state;
  sample("708194", prand, sizeof prand);
  assert_true(ab_smp_ah(aes, prand, hash));
  ab_aes_free(aes);
  turn(hash, sizeof hash);
  assert_hex(hash, sizeof hash, "0dfbaa");
}

static void f4(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 x = key(N1), out;
  uint8_t u[32], v[32];

  (void) state;
  sample(U, u, sizeof u);
  sample(V, v, sizeof v);
  assert_true(ab_smp_f4(env, u, v, &x, 0, &out));
  expect_key(out, "f2c916f107a9bd1cf1eda1bea974872d");
  fake_env_free(env);
}

static void f5(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 n1 = key(N1), n2 = key(N2), mac_key, ltk;
  uint8_t dhkey[32];

  (void) state;
  sample(DHKEY, dhkey, sizeof dhkey);
  assert_true(ab_smp_f5(env, dhkey, &n1, &n2, &a1, &a2, &mac_key, &ltk));
  expect_key(mac_key, MACKEY);
  expect_key(ltk, "6986791169d7cd23980522b594750a38");
  fake_env_free(env);
}

static void f6(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 n1 = key(N1), n2 = key(N2), mac_key = key(MACKEY), out;
  ab_key16 r = key("12a3343bb453bb5408da42d20c2d0fc8");
  uint8_t iocap[3];

  (void) state;
  sample("010102", iocap, sizeof iocap);
  assert_true(ab_smp_f6(env, &mac_key, &n1, &n2, &r, iocap, &a1, &a2, &out));
  expect_key(out, "e3c473989cd0e8c5d26c0b09da958f61");
  fake_env_free(env);
}

static void g2(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 x = key(N1), y = key(N2);
  uint8_t u[32], v[32];
  uint32_t digits;

  (void) state;
  sample(U, u, sizeof u);
  sample(V, v, sizeof v);
  assert_true(ab_smp_g2(env, u, v, &x, &y, &digits));
  assert_int_equal(digits, 0x2f9ed5ba % 1000000);
  fake_env_free(env);
}

static void h6_and_h7(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 w = key(KEY), salt = key("000000000000000000000000746d7031"), out;

  (void) state;
  assert_true(ab_smp_h6(env, &w, "lebr", &out));
  expect_key(out, "2d9ae102e76dc91ce8d3a9e280b16399");
  assert_true(ab_smp_h7(env, &salt, &w, &out));
  expect_key(out, "fb173597c6a3c0ecd2998c2a75a57011");
  fake_env_free(env);
}

/* RFC 4493, 4: its examples read from the end are data whose last octet is the opcode, and whose
   first four are the counter */
static void mac(void **state) {
  static const struct {
    size_t len;
    const char *mac; /* the first half of the whole */
  } examples[] = {{16, "070a16b46b4d4144"}, {40, "dfa66747de9ae630"}, {64, "51f0bebf7e3b9d92"}};
  ab_key16 csrk = key("2b7e151628aed2a6abf7158809cf4f3c");
  ab_env *env = fake_env_new();

  (void) state;
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    static const char text[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                               "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    uint8_t whole[64], out[AB_SMP_MAC];
    size_t len = examples[i].len;

    assert_int_equal(hex_read(text, whole, sizeof whole), sizeof whole);
    turn(whole, len);
    assert_true(ab_smp_mac(env, &csrk, whole[0], whole + 1, len - 5, 0x6bc1bee2, out));
    turn(out, sizeof out);
    assert_hex(out, sizeof out, examples[i].mac);
  }
  fake_env_free(env);
}

/* 1337 written to handle 0x0012, as other stacks sign it */
static void mac_of_others(void **state) {
  static const uint8_t data[] = {0x12, 0x00, 0x13, 0x37};
  ab_env *env = fake_env_new();
  uint8_t out[AB_SMP_MAC];
  ab_key16 csrk;

  (void) state;
  assert_int_equal(hex_read("505e42df9691ec72d31fcdfbeb641b61", csrk.b, sizeof csrk.b), 16);
  assert_true(ab_smp_mac(env, &csrk, 0xd2, data, sizeof data, 1, out));
  assert_hex(out, sizeof out, "f1871e933c900ff2");
  fake_env_free(env);
}

static void no_memory_is_a_failure(void **state) {
  ab_env *env = fake_env_new();
  ab_key16 zero = {{0}}, k = key(KEY), out, more;
  uint8_t m[32] = {0};
  uint32_t digits;

  (void) state;
  for (unsigned n = 1; n <= 3; n++) {
    fake_env_fail_at(env, n);
    assert_false(ab_smp_f5(env, m, &k, &k, &a1, &a2, &out, &more));
  }
  fake_env_fail_at(env, 1);
  assert_false(ab_smp_f4(env, m, m, &k, 0, &out));
  assert_memory_equal(&out, &zero, sizeof out);
  fake_env_fail_at(env, 1);
  assert_false(ab_smp_g2(env, m, m, &k, &k, &digits));
  fake_env_fail_at(env, 1);
  assert_false(ab_smp_mac(env, &k, 0, m, sizeof m, 0, m));
  fake_env_free(env);
}

static void the_debug_key_is_known(void **state) {
  ab_p256_point point = {{0}, {0}};

  (void) state;
  assert_false(ab_smp_is_debug_key(&point));
  sample(U, point.x, sizeof point.x);
  assert_true(ab_smp_is_debug_key(&point));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(c1),
      cmocka_unit_test(s1),
      cmocka_unit_test(ah),
      cmocka_unit_test(f4),
      cmocka_unit_test(f5),
      cmocka_unit_test(f6),
      cmocka_unit_test(g2),
      cmocka_unit_test(h6_and_h7),
      cmocka_unit_test(mac),
      cmocka_unit_test(mac_of_others),
      cmocka_unit_test(no_memory_is_a_failure),
      cmocka_unit_test(the_debug_key_is_known),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
