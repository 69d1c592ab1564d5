/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include "helpers/fake_env.h"
#include "helpers/store_place.h"
#include "helpers/temp_dir.h"
#include <limits.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int read_error(store_place *f, const char *path) {
  char *text = NULL;
  size_t len = 77;
  int err = ab_store_file_read(f->env, path, true, &text, &len, f->why);

  assert_null(text);
  assert_int_equal(len, 77);
  return err;
}

static void read_it(store_place *f, bool mend, const char *expected, size_t expected_len) {
  char *text;
  size_t len;

  assert_int_equal(ab_store_file_read(f->env, f->path, mend, &text, &len, f->why), 0);
  assert_int_equal(len, expected_len);
  assert_memory_equal(text, expected, expected_len + 1);
  ab_free(f->env, text);
}

static void what_is_written_is_read(void **state) {
  store_place *f = *state;

  assert_int_equal(ab_store_file_write(f->env, f->path, "a\0b", 3, f->why), 0);
  read_it(f, true, "a\0b", 3);
}

static unsigned mode_of(const store_place *f) {
  struct stat st;

  assert_int_equal(stat(f->path, &st), 0);
  return st.st_mode & 07777;
}

static void a_file_that_others_may_read_is_mended_and_that_is_said(void **state) {
  static const unsigned modes[] = {0644, 0660, 0604, 0777, 0602};
  store_place *f = *state;

  temp_dir_write(f->dir, STORE_FILE, "text");
  assert_int_equal(chmod(f->path, 0600), 0);
  read_it(f, true, "text", 4);
  assert_null(strstr(fake_env_log(f->env), "open to others"));
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal(chmod(f->path, modes[i]), 0);
    read_it(f, false, "text", 4);
    assert_int_equal(mode_of(f), modes[i]);
    read_it(f, true, "text", 4);
    assert_int_equal(mode_of(f), modes[i] & 0700);
    assert_non_null(strstr(fake_env_log(f->env), "open to others"));
  }
}

/* root's is as good as ours; for root, all others are others */
static void another_user_s_file_is_not_believed(void **state) {
  store_place *f = *state;
  char *text;
  size_t len;

  temp_dir_write(f->dir, STORE_FILE, "text");
  if (geteuid() != 0) {
    assert_int_equal(ab_store_file_read(f->env, "/etc/passwd", false, &text, &len, f->why), 0);
    ab_free(f->env, text);
    skip();
  }
  assert_int_equal(chown(f->path, 12345, 12345), 0);
  assert_int_equal(read_error(f, f->path), AIOBLE_EPERM);
  assert_non_null(strstr(f->why, "belongs to another user (12345)"));
}

static void a_missing_file_is_told_apart(void **state) {
  store_place *f = *state;

  assert_int_equal(read_error(f, f->path), AIOBLE_ENOENT);
}

static void only_a_regular_file_is_read(void **state) {
  store_place *f = *state;

  assert_int_equal(read_error(f, "/dev/full"), AIOBLE_EACCES);
  assert_int_equal(read_error(f, f->dir), AIOBLE_EACCES);
  assert_int_equal(mkfifo(f->path, 0600), 0);
  assert_int_equal(read_error(f, f->path), AIOBLE_EACCES); /* and does not wait for a writer */
  assert_non_null(strstr(f->why, "no regular file"));
}

static void a_symbolic_link_is_not_followed_but_to_a_directory(void **state) {
  store_place *f = *state;
  char link[512];

  temp_dir_write(f->dir, STORE_FILE, "target");
  (void) snprintf(link, sizeof link, "%s/link", f->dir);
  assert_int_equal(symlink(f->path, link), 0);
  assert_int_equal(read_error(f, link), AIOBLE_EACCES);
  assert_non_null(strstr(f->why, "symbolic link"));
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink("nowhere", link), 0);
  assert_int_equal(read_error(f, link), AIOBLE_EACCES);
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink(f->dir, link), 0);
  (void) snprintf(f->path, sizeof f->path, "%s/link/" STORE_FILE, f->dir);
  read_it(f, true, "target", 6);
}

static void setting_aside_replaces_nothing(void **state) {
  store_place *f = *state;
  char to[PATH_MAX], text[16];

  temp_dir_write(f->dir, STORE_FILE ".corrupt-1", "first");
  temp_dir_write(f->dir, STORE_FILE, "second");
  assert_int_equal(ab_store_file_set_aside(f->path, to, sizeof to, f->why), 0);
  assert_non_null(strstr(to, "/" STORE_FILE ".corrupt-2"));
  temp_dir_read(f->dir, STORE_FILE ".corrupt-1", text, sizeof text);
  assert_string_equal(text, "first");
  temp_dir_read(f->dir, STORE_FILE ".corrupt-2", text, sizeof text);
  assert_string_equal(text, "second");
  assert_int_equal(temp_dir_count(f->dir), 2);
}

static void expect_default(const char *name, const char *expected) {
  char path[PATH_MAX];

  assert_int_equal(ab_store_default_path(name, path, sizeof path), 0);
  assert_string_equal(path, expected);
}

static void the_default_is_the_state_directory(void **state) {
  char path[PATH_MAX];

  (void) state;
  assert_int_equal(setenv("HOME", "/home/me", 1), 0);
  assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
  expect_default("02-a1-0b", "/state/aioble/02-a1-0b.json");
  expect_default("unix:/../x y", "/state/aioble/unix__.._x_y.json");
  assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
  expect_default("hci0", "/home/me/.local/state/aioble/hci0.json");
  assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
  expect_default("tcp:localhost:1", "/home/me/.local/state/aioble/tcp_localhost_1.json");
  assert_int_equal(ab_store_default_path("hci0", path, 20), AIOBLE_EMSGSIZE);
}

/* as a service has it */
static void without_an_environment_it_is_the_user_s(void **state) {
  char expected[PATH_MAX];
  const struct passwd *user = getpwuid(geteuid());

  (void) state;
  assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
  assert_int_equal(unsetenv("HOME"), 0);
  if (!user) {
    assert_int_equal(ab_store_default_path("x", expected, sizeof expected), AIOBLE_ENOENT);
    return;
  }
  (void) snprintf(expected, sizeof expected, "%s/.local/state/aioble/x.json", user->pw_dir);
  expect_default("x", expected);
  assert_int_equal(setenv("HOME", "", 1), 0);
  expect_default("x", expected);
}

static void a_long_name_is_cut(void **state) {
  char name[5000], path[PATH_MAX];

  (void) state;
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
  assert_int_equal(ab_store_default_path(name, path, sizeof path), 0);
  assert_int_equal(strlen(path), strlen("/state/aioble/.json") + 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_place_set_up, store_place_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_written_is_read),
      TEST(a_file_that_others_may_read_is_mended_and_that_is_said),
      TEST(another_user_s_file_is_not_believed),
      TEST(a_missing_file_is_told_apart),
      TEST(only_a_regular_file_is_read),
      TEST(a_symbolic_link_is_not_followed_but_to_a_directory),
      TEST(setting_aside_replaces_nothing),
      TEST(the_default_is_the_state_directory),
      TEST(without_an_environment_it_is_the_user_s),
      TEST(a_long_name_is_cut),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
