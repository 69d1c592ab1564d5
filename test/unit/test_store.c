/* SPDX-License-Identifier: MIT */
#include "helpers/store_place.h"

#include "helpers/fake_env.h"
#include "helpers/temp_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STATIC "c2:11:22:33:44:55"

static ab_store *opened(store_place *f) {
  ab_store *store = store_place_open(f);

  assert_non_null(store);
  assert_int_equal(f->err, 0);
  return store;
}

static void save_address(store_place *f, const char *text) {
  ab_store *store = opened(f);
  aioble_addr_t addr;

  assert_int_equal(aioble_addr_parse(&addr, AIOBLE_ADDR_RANDOM, text), 0);
  assert_int_equal(ab_store_set_static_address(store, &addr), 0);
  assert_int_equal(ab_store_flush(store, f->why), 0);
  ab_store_close(store);
}

static void expect_address(store_place *f, const char *expected) {
  ab_store *store = opened(f);
  char text[AIOBLE_ADDR_TEXT_SIZE];
  aioble_addr_t addr;

  assert_int_equal(ab_store_static_address(store, &addr), expected != NULL);
  if (expected) {
    assert_int_equal(addr.type, AIOBLE_ADDR_RANDOM);
    assert_string_equal(aioble_addr_text(&addr, text), expected);
  }
  ab_store_close(store);
}

static void a_new_store_is_empty_and_makes_no_file(void **state) {
  store_place *f = *state;

  expect_address(f, NULL);
  assert_false(temp_dir_has(f->dir, STORE_FILE));
}

static void an_address_is_kept_and_replaced(void **state) {
  store_place *f = *state;

  save_address(f, STATIC);
  expect_address(f, STATIC);
  save_address(f, "c2:11:22:33:44:66");
  expect_address(f, "c2:11:22:33:44:66");
  assert_string_equal(f->why, "");
  assert_int_equal(temp_dir_count(f->dir), 2); /* and the lock */
}

static void members_we_do_not_know_are_kept(void **state) {
  store_place *f = *state;
  char text[1024];

  temp_dir_write(f->dir, STORE_FILE,
                 "{\"future\": {\"a\": [1, null, \"x\"]}, \"version\": 1,"
                 " \"identity\": {\"irk\": \"00ff\", \"static_address\": \"c0:00:00:00:00:01\"},"
                 " \"number\": 123456789012345}\n");
  save_address(f, STATIC);
  temp_dir_read(f->dir, STORE_FILE, text, sizeof text);
  assert_non_null(strstr(text, "\"future\""));
  assert_non_null(strstr(text, "[1, null, \"x\"]"));
  assert_non_null(strstr(text, "\"irk\":\t\"00ff\""));
  assert_non_null(strstr(text, "123456789012345"));
  assert_null(strstr(text, "c0:00:00:00:00:01"));
  expect_address(f, STATIC);
}

static void a_member_of_the_wrong_kind_is_absent_and_replaced(void **state) {
  static const char *const odd[] = {
      "{\"version\": 1, \"identity\": 5}",
      "{\"version\": 1, \"identity\": [\"static_address\"]}",
      "{\"version\": 1, \"identity\": {\"static_address\": 5}}",
      "{\"version\": 1, \"identity\": {\"static_address\": \"nonsense\"}}",
      "{\"version\": 1, \"identity\": {\"static_address\": \"42:11:22:33:44:55\"}}",
  };
  store_place *f = *state;

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    temp_dir_write(f->dir, STORE_FILE, odd[i]);
    expect_address(f, NULL);
    save_address(f, STATIC);
    expect_address(f, STATIC);
  }
  assert_int_equal(temp_dir_count(f->dir), 2);
}

static void a_file_that_is_no_store_is_kept_aside(void **state) {
  static const char *const corrupt[] = {
      "",
      "{",
      "[]",
      "null",
      "{\"version\": 0}",
      "{\"version\": \"1\"}",
      "{\"identity\": {}}",
      "{\"version\": 1} and more",
      "not JSON at all",
  };
  store_place *f = *state;
  char name[64], text[64];

  for (size_t i = 0; i < sizeof corrupt / sizeof *corrupt; i++) {
    temp_dir_write(f->dir, STORE_FILE, corrupt[i]);
    expect_address(f, NULL);
    (void) snprintf(name, sizeof name, STORE_FILE ".corrupt-%zu", i + 1);
    assert_non_null(strstr(f->why, name));
    temp_dir_read(f->dir, name, text, sizeof text);
    assert_string_equal(text, corrupt[i]);
    assert_false(temp_dir_has(f->dir, STORE_FILE));
  }
  save_address(f, STATIC);
  expect_address(f, STATIC);
}

static void a_truncated_store_is_never_half_believed(void **state) {
  store_place *f = *state;
  char text[256];

  save_address(f, STATIC);
  temp_dir_read(f->dir, STORE_FILE, text, sizeof text);
  for (size_t len = strlen(text); len--;) {
    text[len] = '\0';
    temp_dir_write(f->dir, STORE_FILE, text);
    expect_address(f, NULL);
    assert_false(temp_dir_has(f->dir, STORE_FILE));
  }
}

static void hostile_json_is_set_aside(void **state) {
  store_place *f = *state;
  size_t size = 8 << 20;
  char *text = malloc(size);

  assert_non_null(text);
  memset(text, '[', size); /* deep, within the limit of length */
  text[100000] = '\0';
  temp_dir_write(f->dir, STORE_FILE, text);
  expect_address(f, NULL);
  memset(text, ' ', size); /* too long */
  text[size - 1] = '\0';
  temp_dir_write(f->dir, STORE_FILE, text);
  expect_address(f, NULL);
  assert_true(temp_dir_has(f->dir, STORE_FILE ".corrupt-2"));
  free(text);
  temp_dir_write(f->dir, STORE_FILE, "{\"version\": 1, \"x\": 1e999, \"x\": 2}");
  expect_address(f, NULL);
  assert_true(temp_dir_has(f->dir, STORE_FILE));
  temp_dir_write(f->dir, STORE_FILE, "{\"version\": 1, \"peers\": 1e999}");
  expect_address(f, NULL);
  assert_true(temp_dir_has(f->dir, STORE_FILE ".corrupt-3"));
}

static void a_later_version_is_not_touched(void **state) {
  store_place *f = *state;
  char text[64];

  temp_dir_write(f->dir, STORE_FILE, "{\"version\": 2}");
  assert_null(store_place_open(f));
  assert_int_equal(f->err, AIOBLE_ENOTSUP);
  assert_non_null(strstr(f->why, "later version"));
  temp_dir_read(f->dir, STORE_FILE, text, sizeof text);
  assert_string_equal(text, "{\"version\": 2}");
  assert_int_equal(temp_dir_count(f->dir), 2);
}

/* each allocation of ours once: an error or a whole result, never a leak */
static void no_memory_is_an_error(void **state) {
  store_place *f = *state;
  aioble_addr_t addr = {AIOBLE_ADDR_RANDOM, {0xc2, 1, 2, 3, 4, 5}};
  unsigned failures = 0;

  save_address(f, STATIC);
  for (unsigned n = 1; n <= 8; n++) {
    ab_store *store;

    fake_env_fail_at(f->env, n);
    store = store_place_open(f);
    if (!store) {
      assert_int_equal(f->err, AIOBLE_ENOMEM);
      failures++;
    } else if (ab_store_set_static_address(store, &addr) < 0 || ab_store_flush(store, f->why) < 0) {
      failures++;
    }
    ab_store_close(store);
    fake_env_fail_at(f->env, 0);
  }
  assert_int_equal(failures, 6); /* store, path, the lock's, text; the new text and file's name */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_place_set_up, store_place_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_new_store_is_empty_and_makes_no_file),
      TEST(an_address_is_kept_and_replaced),
      TEST(members_we_do_not_know_are_kept),
      TEST(a_member_of_the_wrong_kind_is_absent_and_replaced),
      TEST(a_file_that_is_no_store_is_kept_aside),
      TEST(a_truncated_store_is_never_half_believed),
      TEST(hostile_json_is_set_aside),
      TEST(a_later_version_is_not_touched),
      TEST(no_memory_is_an_error),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
