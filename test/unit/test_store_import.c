/* SPDX-License-Identifier: MIT */
/* Files of MicroPython's aioble, put together here as the boards write them. */
#include "store/store.h"

#include "helpers/aioble_file.h"
#include "helpers/fake_env.h"
#include "helpers/store_place.h"
#include "helpers/temp_dir.h"
#include "util/wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OURS = 1, PEERS = 2, CCCD = 3, IRK = 10, VALUE = 80, BONDS_MAX = 4 };

typedef struct fixture {
  store_place at;
  char text[AIOBLE_FILE_MAX];
  ab_store_imported got;
  ab_store_bond bonds[BONDS_MAX];
  unsigned n;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_non_null(f);
  store_place_make(&f->at);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;

  store_place_remove(&f->at);
  free(f);
  return 0;
}

/* ---- making one ---- */

static void add(fixture *f, int kind, const void *key, size_t key_len, const void *value,
                size_t len) {
  aioble_file_add(f->text, kind, key, key_len, value, len);
}

typedef struct secret {
  uint8_t type, last; /* of the address: d4:00:00:00:00:last */
  uint8_t key_size;
  uint16_t ediv;
  uint64_t rand;
  uint8_t ltk, irk, csrk; /* their first octet; 0: not there */
  uint8_t flags;          /* 2: authenticated, 4: LE Secure Connections */
} secret;

static void wr_key(ab_wr *w, uint8_t first) {
  ab_wr_u8(w, first);
  for (unsigned i = 1; i < AB_STORE_KEY_LEN; i++)
    ab_wr_u8(w, (uint8_t) (first ? i : 0));
}

static void add_secret(fixture *f, int kind, const secret *s) {
  uint8_t value[VALUE];
  ab_wr w = ab_wr_of(value, sizeof value);

  ab_wr_u8(&w, s->type);
  ab_wr_u8(&w, s->last);
  for (unsigned i = 0; i < 4; i++)
    ab_wr_u8(&w, 0);
  ab_wr_u8(&w, 0xd4);
  ab_wr_u8(&w, s->key_size);
  ab_wr_le16(&w, s->ediv);
  for (unsigned i = 0; i < 6; i++)
    ab_wr_u8(&w, 0xee); /* whatever was there */
  ab_wr_le64(&w, s->rand);
  wr_key(&w, s->ltk);
  ab_wr_u8(&w, s->ltk != 0);
  wr_key(&w, s->irk);
  ab_wr_u8(&w, s->irk != 0);
  wr_key(&w, s->csrk);
  ab_wr_u8(&w, (uint8_t) ((s->csrk != 0) | s->flags));
  for (unsigned i = 0; i < 5; i++)
    ab_wr_u8(&w, 0xee);
  add(f, kind, value, 7, value, sizeof value);
}

/* ---- reading it ---- */

static void take(void *ctx, const ab_store_bond *bond) {
  fixture *f = ctx;

  assert_true(f->n < BONDS_MAX);
  f->bonds[f->n++] = *bond;
}

static int import_text(fixture *f, const char *text) {
  f->n = 0;
  temp_dir_write(f->at.dir, STORE_FILE, text);
  return ab_store_import(f->at.env, f->at.path, &f->got, take, f, f->at.why);
}

static int import(fixture *f) {
  char text[sizeof f->text];

  (void) snprintf(text, sizeof text, "%.*s]", (int) sizeof text - 2, f->text);
  return import_text(f, text);
}

static void both_halves_of_a_legacy_bond_come_together(void **state) {
  static const uint8_t irk[AB_STORE_KEY_LEN] = {9, 8, 7};
  fixture *f = *state;
  const ab_store_bond *bond = &f->bonds[0];

  add_secret(f, PEERS, &(secret){1, 5, 16, 0x1234, 0x1122334455667788, 0xa1, 0xb1, 0xc1, 2});
  add(f, IRK, "irk", 3, irk, sizeof irk);
  add_secret(f, OURS, &(secret){1, 5, 16, 0x4321, 77, 0xa2, 0xb2, 0xc2, 2});
  assert_int_equal(import(f), 0);
  assert_int_equal(f->n, 1);
  assert_int_equal(f->got.unreadable, 0);
  assert_true(f->got.has_irk);
  assert_memory_equal(f->got.irk, irk, sizeof irk);
  assert_true(aioble_addr_equal(&bond->addr, &(aioble_addr_t){1, {0xd4, 0, 0, 0, 0, 5}}));
  assert_true(bond->peer.there && bond->peer.ediv == 0x1234);
  assert_true(bond->peer.rand == 0x1122334455667788);
  assert_int_equal(bond->peer.key[0], 0xa1);
  assert_int_equal(bond->peer.key[15], 15);
  assert_true(bond->local.there && bond->local.ediv == 0x4321 && bond->local.rand == 77);
  assert_int_equal(bond->local.key[0], 0xa2);
  assert_true(bond->has_irk && bond->irk[0] == 0xb1); /* the peer's */
  assert_true(bond->has_csrk && bond->csrk[0] == 0xc1);
  assert_true(bond->has_local_csrk && bond->local_csrk[0] == 0xc2);
  assert_true(bond->authenticated);
  assert_false(bond->sc);
  assert_int_equal(bond->key_size, 16);
}

static void a_key_of_secure_connections_is_both_s(void **state) {
  fixture *f = *state;

  add_secret(f, OURS, &(secret){3, 6, 16, .ltk = 0xa1, .flags = 6}); /* 3: an identity address */
  assert_int_equal(import(f), 0);
  assert_int_equal(f->n, 1);
  assert_true(f->bonds[0].sc && f->bonds[0].authenticated && f->bonds[0].peer.there);
  assert_memory_equal(f->bonds[0].peer.key, f->bonds[0].local.key, AB_STORE_KEY_LEN);
  assert_int_equal(f->bonds[0].addr.type, AIOBLE_ADDR_RANDOM);
  assert_false(f->bonds[0].has_irk || f->got.has_irk);
}

static void the_weaker_half_is_believed(void **state) {
  fixture *f = *state;

  add_secret(f, OURS, &(secret){1, 5, 16, .ltk = 0xa1, .flags = 2});
  add_secret(f, PEERS, &(secret){1, 5, 16, .ediv = 3, .ltk = 0xa2});
  assert_int_equal(import(f), 0);
  assert_int_equal(f->n, 1);
  assert_false(f->bonds[0].authenticated);
}

/* the rest of the file is believed all the same */
static void what_cannot_be_read_is_left_out_and_counted(void **state) {
  static const uint8_t short_value[40] = {1, 9, 0, 0, 0, 0, 0xd4, 16};
  static const uint8_t another[7] = {1, 8, 0, 0, 0, 0, 0xd4};
  uint8_t value[VALUE] = {1, 9, 0, 0, 0, 0, 0xd4, 16};
  fixture *f = *state;

  value[24] = value[40] = 1;
  add(f, OURS, short_value, 7, short_value, sizeof short_value); /* another build's */
  add(f, OURS, another, 7, value, sizeof value);                 /* not whose it says */
  add(f, CCCD, value, 7, value, 10);                             /* not of a kind we know */
  add(f, IRK, "irk", 3, value, 15);
  (void) strcat(f->text, ", 5, [], [1, 2], [1, 2, 3], [1, \"@\", \"!\"], [1, \"\", \"\", 4]");
  add_secret(f, OURS, &(secret){1, 1, 6, .ltk = 1});  /* too short a key */
  add_secret(f, OURS, &(secret){1, 2, 9, .ltk = 1});  /* not as short as it says */
  add_secret(f, OURS, &(secret){1, 3, 16, .ltk = 0}); /* no key */
  add_secret(f, OURS, &(secret){1, 4, 16, .ediv = 9, .ltk = 1, .flags = 4}); /* named, and of SC */
  add_secret(f, OURS, &(secret){1, 5, 16, .ltk = 1});
  assert_int_equal(import(f), 0);
  assert_int_equal(f->n, 1);
  assert_int_equal(f->bonds[0].addr.bytes[5], 5);
  assert_int_equal(f->got.unreadable, 14);
  assert_false(f->got.has_irk);
}

static void any_other_file_is_an_error(void **state) {
  static const char *const odd[] = {"",   "{}",  "[]",   "[1]",  "{\"version\": 1}",
                                    "[[", "[[]", "null", "\"x\""};
  fixture *f = *state;

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    assert_int_equal(import_text(f, odd[i]), AIOBLE_EINVAL);
    assert_non_null(strstr(f->at.why, f->at.path));
    assert_int_equal(f->n, 0);
  }
  (void) snprintf(f->at.path, sizeof f->at.path, "%s/nothing", f->at.dir);
  assert_int_equal(ab_store_import(f->at.env, f->at.path, &f->got, take, f, f->at.why),
                   AIOBLE_ENOENT);
}

static void without_memory_nothing_comes(void **state) {
  fixture *f = *state;

  add_secret(f, OURS, &(secret){1, 5, 16, .ltk = 1});
  for (unsigned n = 1; n <= 2; n++) {
    fake_env_fail_at(f->at.env, n);
    assert_int_equal(import(f), AIOBLE_ENOMEM);
    assert_int_equal(f->n, 0);
  }
  fake_env_fail_at(f->at.env, 0);
  assert_int_equal(import(f), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(both_halves_of_a_legacy_bond_come_together),
      TEST(a_key_of_secure_connections_is_both_s),
      TEST(the_weaker_half_is_believed),
      TEST(what_cannot_be_read_is_left_out_and_counted),
      TEST(any_other_file_is_an_error),
      TEST(without_memory_nothing_comes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
