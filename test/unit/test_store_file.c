/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include "helpers/fake_env.h"
#include "helpers/temp_dir.h"
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
  ab_env *env;
  char *dir;
  char path[256];
  char why[AB_STORE_WHY];
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_non_null(f);
  f->env = fake_env_new();
  f->dir = temp_dir_new();
  (void) snprintf(f->path, sizeof f->path, "%s/file", f->dir);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;

  temp_dir_free(f->dir);
  fake_env_free(f->env);
  free(f);
  return 0;
}

static int write_text(fixture *f, const char *path, const char *text) {
  return ab_store_file_write(f->env, path, text, strlen(text), f->why);
}

static void expect_text(const fixture *f, const char *expected) {
  char text[256];

  temp_dir_read(f->dir, "file", text, sizeof text);
  assert_string_equal(text, expected);
}

static int read_error(fixture *f, const char *path) {
  char *text = NULL;
  size_t len = 77;
  int err = ab_store_file_read(f->env, path, &text, &len, f->why);

  assert_null(text);
  assert_int_equal(len, 77);
  return err;
}

static void what_is_written_is_read(void **state) {
  fixture *f = *state;
  char *text;
  size_t len;

  assert_int_equal(ab_store_file_write(f->env, f->path, "a\0b", 3, f->why), 0);
  assert_int_equal(ab_store_file_read(f->env, f->path, &text, &len, f->why), 0);
  assert_int_equal(len, 3);
  assert_memory_equal(text, "a\0b\0", 4);
  ab_free(f->env, text);
}

static void the_file_is_private_and_so_are_new_directories(void **state) {
  fixture *f = *state;
  char path[512];
  struct stat st;
  mode_t old = umask(0);

  (void) snprintf(path, sizeof path, "%s/a/b/file", f->dir);
  assert_int_equal(write_text(f, path, "x"), 0);
  (void) umask(old);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  (void) snprintf(path, sizeof path, "%s/a/b", f->dir);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0700);
}

static void a_replaced_file_is_a_new_one(void **state) {
  fixture *f = *state;
  struct stat before, after;

  temp_dir_write(f->dir, "file", "old");
  assert_int_equal(stat(f->path, &before), 0);
  assert_int_equal(write_text(f, f->path, "new"), 0);
  assert_int_equal(stat(f->path, &after), 0);
  assert_true(before.st_ino != after.st_ino);
  assert_int_equal(after.st_mode & 07777, 0600);
  assert_int_equal(temp_dir_count(f->dir), 1);
}

static void a_missing_file_is_told_apart(void **state) {
  fixture *f = *state;

  assert_int_equal(read_error(f, f->path), AIOBLE_ENOENT);
}

static void only_a_regular_file_is_read(void **state) {
  fixture *f = *state;

  assert_int_equal(read_error(f, "/dev/full"), AIOBLE_EINVAL);
  assert_int_equal(read_error(f, f->dir), AIOBLE_EINVAL);
  assert_int_equal(mkfifo(f->path, 0600), 0);
  assert_int_equal(read_error(f, f->path), AIOBLE_EINVAL); /* and does not wait for a writer */
  assert_non_null(strstr(f->why, "no regular file"));
}

static void a_symbolic_link_is_not_followed(void **state) {
  fixture *f = *state;
  char link[512];

  temp_dir_write(f->dir, "file", "target");
  (void) snprintf(link, sizeof link, "%s/link", f->dir);
  assert_int_equal(symlink(f->path, link), 0);
  assert_int_equal(read_error(f, link), AIOBLE_EACCES);
  assert_non_null(strstr(f->why, "symbolic link"));
  assert_int_equal(write_text(f, link, "new"), 0); /* replaces the link */
  expect_text(f, "target");
}

static void a_full_disk_leaves_the_old_file(void **state) {
  fixture *f = *state;
  struct rlimit old, none;

  temp_dir_write(f->dir, "file", "old");
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  none = (struct rlimit){0, old.rlim_max};
  (void) signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
  assert_int_equal(write_text(f, f->path, "new"), -EFBIG);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_non_null(strstr(f->why, f->path));
  expect_text(f, "old");
  assert_int_equal(temp_dir_count(f->dir), 1);
}

static void an_unwritable_place_is_an_error(void **state) {
  fixture *f = *state;
  char path[512];

  assert_true(write_text(f, "/proc/self/aioble/store.json", "x") < 0);
  assert_non_null(strstr(f->why, "/proc/self/aioble/store.json"));
  temp_dir_write(f->dir, "file", "old");
  (void) snprintf(path, sizeof path, "%s/file/store.json", f->dir);
  assert_int_equal(write_text(f, path, "x"), -ENOTDIR);
  expect_text(f, "old");
}

static void a_directory_is_not_replaced(void **state) {
  fixture *f = *state;

  assert_true(write_text(f, f->dir, "x") < 0);
  assert_int_equal(temp_dir_count(f->dir), 0);
}

static void setting_aside_replaces_nothing(void **state) {
  fixture *f = *state;
  char to[PATH_MAX], text[16];

  temp_dir_write(f->dir, "file.corrupt-1", "first");
  temp_dir_write(f->dir, "file", "second");
  assert_int_equal(ab_store_file_set_aside(f->path, to, sizeof to, f->why), 0);
  assert_non_null(strstr(to, "/file.corrupt-2"));
  temp_dir_read(f->dir, "file.corrupt-1", text, sizeof text);
  assert_string_equal(text, "first");
  temp_dir_read(f->dir, "file.corrupt-2", text, sizeof text);
  assert_string_equal(text, "second");
  assert_int_equal(temp_dir_count(f->dir), 2);
}

static void expect_default(fixture *f, const char *adapter, const char *expected) {
  int err = 0;
  char *path = ab_store_file_default(f->env, adapter, &err, f->why);

  assert_string_equal(path, expected);
  ab_free(f->env, path);
}

static void the_default_is_the_state_directory(void **state) {
  fixture *f = *state;
  int err = 0;

  assert_int_equal(setenv("HOME", "/home/me", 1), 0);
  assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
  expect_default(f, "hci0", "/state/aioble/hci0.json");
  expect_default(f, "unix:/../x y", "/state/aioble/unix__.._x_y.json");
  assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
  expect_default(f, "hci0", "/home/me/.local/state/aioble/hci0.json");
  assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
  expect_default(f, "tcp:localhost:1", "/home/me/.local/state/aioble/tcp_localhost_1.json");
  assert_int_equal(unsetenv("HOME"), 0);
  assert_null(ab_store_file_default(f->env, "hci0", &err, f->why));
  assert_int_equal(err, AIOBLE_ENOENT);
  assert_non_null(strstr(f->why, "HOME"));
}

static void a_long_adapter_name_is_cut(void **state) {
  fixture *f = *state;
  char name[5000];
  int err = 0;
  char *path;

  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
  path = ab_store_file_default(f->env, name, &err, f->why);
  assert_int_equal(strlen(path), strlen("/state/aioble/.json") + 100);
  ab_free(f->env, path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_written_is_read),
      TEST(the_file_is_private_and_so_are_new_directories),
      TEST(a_replaced_file_is_a_new_one),
      TEST(a_missing_file_is_told_apart),
      TEST(only_a_regular_file_is_read),
      TEST(a_symbolic_link_is_not_followed),
      TEST(a_full_disk_leaves_the_old_file),
      TEST(an_unwritable_place_is_an_error),
      TEST(a_directory_is_not_replaced),
      TEST(setting_aside_replaces_nothing),
      TEST(the_default_is_the_state_directory),
      TEST(a_long_adapter_name_is_cut),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
