/* SPDX-License-Identifier: MIT */
#include "crypto/crypto.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4493, 4 */
static const char key_text[] = "2b 7e 15 16 28 ae d2 a6 ab f7 15 88 09 cf 4f 3c";
static const char message_text[] = "6b c1 be e2 2e 40 9f 96 e9 3d 7e 11 73 93 17 2a "
                                   "ae 2d 8a 57 1e 03 ac 9c 9e b7 6f ac 45 af 8e 51 "
                                   "30 c8 1c 46 a3 5c e4 11 e5 fb c1 19 1a 0a 52 ef "
                                   "f6 9f 24 45 df 4f 9b 17 ad 2b 41 7b e6 6c 37 10";
static const struct {
  size_t len;
  const char *mac;
} examples[] = {
    {0, "bb 1d 69 29 e9 59 37 28 7f a3 7d 12 9b 75 67 46"},
    {16, "07 0a 16 b4 6b 4d 41 44 f7 9b dd 9d d0 4a 28 7c"},
    {40, "df a6 67 47 de 9a e6 30 30 ca 32 61 14 97 c8 27"},
    {64, "51 f0 be bf 7e 3b 9d 92 fc 49 74 17 79 36 3c fe"},
};

typedef struct world {
  ab_env *env;
  uint8_t key[16], message[64];
} world;

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);

  assert_non_null(w);
  w->env = fake_env_new();
  assert_int_equal(hex_read(key_text, w->key, sizeof w->key), sizeof w->key);
  assert_int_equal(hex_read(message_text, w->message, sizeof w->message), sizeof w->message);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;

  fake_env_free(w->env);
  free(w);
  return 0;
}

static void cmac_is_that_of_the_rfc(void **state) {
  world *w = *state;
  uint8_t mac[16];

  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    ab_cmac *cmac = ab_cmac_new(w->env, w->key);

    assert_non_null(cmac);
    ab_cmac_add(cmac, w->message, examples[i].len);
    assert_true(ab_cmac_end(cmac, mac));
    assert_hex(mac, sizeof mac, examples[i].mac);
  }
}

static void a_message_may_come_in_parts_of_any_length(void **state) {
  world *w = *state;
  uint8_t mac[16];

  for (size_t part = 1; part <= 41; part++) {
    ab_cmac *cmac = ab_cmac_new(w->env, w->key);

    for (size_t at = 0; at < 40; at += part)
      ab_cmac_add(cmac, w->message + at, at + part < 40 ? part : 40 - at);
    ab_cmac_add(cmac, w->message, 0);
    assert_true(ab_cmac_end(cmac, mac));
    assert_hex(mac, sizeof mac, examples[2].mac);
  }
}

static void two_at_once_do_not_mix(void **state) {
  world *w = *state;
  ab_cmac *a = ab_cmac_new(w->env, w->key), *b = ab_cmac_new(w->env, w->key);
  uint8_t mac[16];

  ab_cmac_add(a, w->message, 8);
  ab_cmac_add(b, w->message, 40);
  ab_cmac_add(a, w->message + 8, 8);
  assert_true(ab_cmac_end(a, mac));
  assert_hex(mac, sizeof mac, examples[1].mac);
  assert_true(ab_cmac_end(b, mac));
  assert_hex(mac, sizeof mac, examples[2].mac);
}

static void without_memory_the_end_says_so(void **state) {
  world *w = *state;
  uint8_t mac[16];
  ab_cmac *cmac;

  memset(mac, 0x55, sizeof mac);
  fake_env_fail_at(w->env, 1);
  cmac = ab_cmac_new(w->env, w->key);
  assert_null(cmac);
  ab_cmac_add(cmac, w->message, 16);
  assert_false(ab_cmac_end(cmac, mac));
  assert_hex(mac, sizeof mac, "55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(cmac_is_that_of_the_rfc),
      TEST(a_message_may_come_in_parts_of_any_length),
      TEST(two_at_once_do_not_mix),
      TEST(without_memory_the_end_says_so),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
