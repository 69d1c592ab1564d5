/* SPDX-License-Identifier: MIT */
/*
 * Saving while system calls fail, while the disk is full, and while the program is killed. The
 * system calls of this program are its own: they do as they are told, and then what they always do.
 */
#include "store/store_priv.h"

#include "helpers/fake_env.h"
#include "helpers/store_place.h"
#include "helpers/temp_dir.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { BONDS = 16, KILLS = 500 };

/* ---- system calls ---- */

typedef enum fault { NONE, FAIL, FAIL_ON, SHORT, KILL_BEFORE, KILL_AFTER } fault;

static struct {
  fault kind;
  unsigned at, calls; /* the call that it strikes, from 1; how many there were */
  int error;
} faults;

static void let(fault kind, unsigned at, int error) {
  faults.kind = kind;
  faults.at = at;
  faults.error = error;
  faults.calls = 0;
}

/* to be asked before a call; true: it fails */
static bool strikes(void) {
  bool now = ++faults.calls == faults.at;

  if (now && faults.kind == KILL_BEFORE)
    (void) raise(SIGKILL);
  if ((now && faults.kind == FAIL) || (faults.calls >= faults.at && faults.kind == FAIL_ON)) {
    errno = faults.error;
    return true;
  }
  return false;
}

static long done(long result) {
  if (faults.calls == faults.at && faults.kind == KILL_AFTER)
    (void) raise(SIGKILL);
  if (result >= 0)
    return result;
  errno = (int) -result;
  return -1;
}

static long raw(long number, long a, long b, long c, long d) {
  long result = syscall(number, a, b, c, d, 0);

  return result < 0 ? -errno : result;
}

int open(const char *path, int flags, ...) {
  va_list more;
  mode_t mode;

  va_start(more, flags);
  mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return strikes() ? -1 : (int) done(raw(SYS_openat, AT_FDCWD, (long) path, flags, mode));
}

int mkdir(const char *path, mode_t mode) {
  return strikes() ? -1 : (int) done(raw(SYS_mkdirat, AT_FDCWD, (long) path, mode, 0));
}

int unlink(const char *path) {
  return strikes() ? -1 : (int) done(raw(SYS_unlinkat, AT_FDCWD, (long) path, 0, 0));
}

int rename(const char *from, const char *to) {
  return strikes() ? -1
                   : (int) done(raw(SYS_renameat2, AT_FDCWD, (long) from, AT_FDCWD, (long) to));
}

ssize_t write(int fd, const void *data, size_t n) {
  return strikes()
             ? -1
             : done(raw(SYS_write, fd, (long) data, (long) (faults.kind == SHORT ? 1 : n), 0));
}

int fsync(int fd) {
  return strikes() ? -1 : (int) done(raw(SYS_fsync, fd, 0, 0, 0));
}

int flock(int fd, int operation) {
  return strikes() ? -1 : (int) done(raw(SYS_flock, fd, operation, 0, 0));
}

/* it is closed, whatever it says */
int close(int fd) {
  long result = raw(SYS_close, fd, 0, 0, 0);

  return strikes() ? -1 : (int) done(result);
}

/* ---- a store whose bonds all say which generation they are of ---- */

static int set_up(void **state) {
  let(NONE, 0, 0);
  return store_place_set_up(state);
}

static ab_store *open_store(store_place *f, bool look) {
  return ab_store_open(f->env, &(ab_store_options){.path = f->path, .look = look}, &f->err, f->why);
}

static void set_generation(ab_store *store, uint64_t generation) {
  ab_store_bond bond = {.addr = {AIOBLE_ADDR_RANDOM, {0xd4}}, .key_size = 16};

  bond.local = (ab_store_ltk){.key = {1}, .rand = generation, .there = true};
  for (uint8_t i = 0; i < BONDS; i++) {
    bond.addr.bytes[5] = i;
    if (ab_store_set_bond(store, &bond) < 0)
      abort();
  }
}

static int save(store_place *f, ab_store *store, uint64_t generation) {
  set_generation(store, generation);
  return ab_store_flush(store, f->why);
}

typedef struct seen {
  uint64_t generation;
  unsigned n;
  bool mixed;
} seen;

static void look_at(void *ctx, const ab_store_bond *bond) {
  seen *s = ctx;

  s->mixed |= s->n && s->generation != bond->local.rand;
  s->generation = bond->local.rand;
  s->n++;
}

/* what is in the file, which must be whole; 0: nothing */
static uint64_t generation(store_place *f) {
  ab_store *store = open_store(f, true);
  seen s = {0};

  assert_non_null(store);
  assert_string_equal(f->why, "");
  ab_store_bonds(store, look_at, &s);
  ab_store_close(store);
  assert_false(s.mixed);
  assert_true(s.n == 0 || s.n == BONDS);
  return s.generation;
}

static ab_store *saved(store_place *f, uint64_t generation) {
  ab_store *store = open_store(f, false);

  assert_non_null(store);
  assert_int_equal(save(f, store, generation), 0);
  return store;
}

/* ---- failing ---- */

static void whatever_fails_the_old_file_stays_and_the_next_try_succeeds(void **state) {
  static const int errors[] = {ENOSPC, EIO, EDQUOT, EROFS};
  store_place *f = *state;
  ab_store *store = saved(f, 1);
  uint64_t now = 1;

  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
    unsigned calls = 0, failed = 0;

    for (unsigned n = 1; n <= calls + 1; n++) {
      uint64_t kept;
      int err;

      let(FAIL, n, errors[e]);
      err = save(f, store, ++now);
      calls = faults.calls > calls ? faults.calls : calls;
      let(NONE, 0, 0);
      assert_true(err == 0 || strstr(f->why, f->path));
      kept = generation(f);
      if (err == 0) { /* the call that failed was not needed */
        assert_int_equal(kept, now);
        continue;
      }
      failed++;
      assert_int_equal(err, -errors[e]);
      assert_true(ab_store_dirty(store));
      assert_true(kept == now - 1 || kept == now);
      assert_int_equal(ab_store_flush(store, f->why), 0);
      assert_int_equal(generation(f), now);
      assert_false(temp_dir_has(f->dir, STORE_FILE ".new"));
    }
    assert_true(failed >= 8); /* unlink, open, write, fsync, close, rename, open, fsync, close */
  }
  ab_store_close(store);
}

static void a_save_in_pieces_is_whole(void **state) {
  store_place *f = *state;
  ab_store *store = saved(f, 1);

  let(SHORT, 0, 0);
  assert_int_equal(save(f, store, 2), 0);
  assert_true(faults.calls > 1000);
  let(NONE, 0, 0);
  assert_int_equal(generation(f), 2);
  ab_store_close(store);
}

/* a place that cannot be written: what is there can be read, and saved when that has changed */
static void a_place_that_cannot_be_written_is_read(void **state) {
  store_place *f = *state;
  ab_store_bond bond;
  ab_store *store;

  ab_store_close(saved(f, 1));
  let(NONE, 0, 0);
  assert_int_equal(chmod(f->path, 0400), 0);
  for (unsigned n = 1; n <= 4; n++) { /* two directories; open and flock of the lock */
    let(FAIL, n, EROFS);
    store = open_store(f, false);
    assert_non_null(store);
    assert_int_equal(f->err, 0);
    let(NONE, 0, 0);
    assert_int_equal(ab_store_bond_of(store, &(aioble_addr_t){1, {0xd4}}, &bond), 0);
    assert_int_equal(save(f, store, n + 1), 0);
    assert_int_equal(generation(f), n + 1);
    ab_store_close(store);
  }
}

static void a_place_that_others_have_written_to_meanwhile_is_theirs(void **state) {
  store_place *f = *state;
  ab_store *store, *other;

  ab_store_close(saved(f, 1));
  let(FAIL, 1, EROFS);
  store = open_store(f, false);
  let(NONE, 0, 0);
  other = open_store(f, false);
  assert_int_equal(save(f, store, 2), AIOBLE_EBUSY);
  assert_int_equal(save(f, other, 3), 0);
  ab_store_close(other);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(ab_store_flush(store, f->why), AIOBLE_EBUSY);
    assert_non_null(strstr(f->why, "another program"));
  }
  ab_store_close(store);
  assert_int_equal(generation(f), 3);
}

/* ---- a full disk ---- */

static bool say_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);

  if (fd >= 0)
    (void) close(fd);
  return ok;
}

/* a file system of our own, of so many bytes, at f->dir */
static bool mount_small(const store_place *f) {
  char map[32];

  (void) snprintf(map, sizeof map, "0 %u 1", (unsigned) geteuid());
  if (unshare(CLONE_NEWNS) < 0 &&
      (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || !say_to("/proc/self/uid_map", map)))
    return false;
  return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("none", f->dir, "tmpfs", 0, "size=256k") == 0;
}

static void fill(const char *path) {
  static const char block[4096];
  int fd = open(path, O_WRONLY | O_CREAT, 0600);

  while (write(fd, block, sizeof block) == (ssize_t) sizeof block)
    ;
  (void) close(fd);
}

static seen seen_in(store_place *f) {
  ab_store *store = open_store(f, true);
  seen s = {0};

  if (store)
    ab_store_bonds(store, look_at, &s);
  ab_store_close(store);
  return s;
}

/* which step went wrong; 0: none */
static int fill_and_make_room(store_place *f, ab_store *store, const char *filler) {
  seen s;

  if (save(f, store, 1) < 0)
    return 1;
  fill(filler);
  for (int i = 0; i < 3; i++) {
    if (save(f, store, 2) != -ENOSPC || !ab_store_dirty(store))
      return 2;
    s = seen_in(f);
    if (s.n != BONDS || s.mixed || s.generation != 1)
      return 3;
  }
  (void) unlink(filler);
  if (ab_store_flush(store, f->why) < 0)
    return 4;
  s = seen_in(f);
  return s.n == BONDS && !s.mixed && s.generation == 2 ? 0 : 5;
}

/* in a process of its own; 77: it may not mount */
static int on_a_full_disk(store_place *f) {
  char filler[300];
  ab_store *store;
  int wrong;

  if (!mount_small(f))
    return 77;
  (void) snprintf(filler, sizeof filler, "%s/filler", f->dir);
  store = open_store(f, false);
  wrong = store ? fill_and_make_room(f, store, filler) : 1;
  ab_store_close(store);
  return wrong;
}

static void on_a_full_disk_the_old_file_stays_until_there_is_room(void **state) {
  store_place *f = *state;
  pid_t child = fork();
  int status;

  if (child == 0)
    _exit(on_a_full_disk(f));
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- being killed ---- */

/* one save; true: it was killed meanwhile */
static bool killed_at(store_place *f, fault kind, unsigned n, uint64_t generation) {
  pid_t child = fork();
  int status;

  if (child == 0) {
    ab_store *store = open_store(f, false);

    let(kind, n, 0);
    _exit(store && save(f, store, generation) == 0 ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) {
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return true;
  }
  assert_int_equal(WEXITSTATUS(status), 0);
  return false;
}

static void killed_at_any_system_call_there_is_the_old_file_or_the_new_one(void **state) {
  store_place *f = *state;

  for (fault kind = KILL_BEFORE; kind <= KILL_AFTER; kind++) {
    bool killed = true;
    uint64_t before = 1;
    unsigned n;

    for (n = 1; killed; n++) {
      uint64_t kept;

      ab_store_close(saved(f, 1));
      killed = killed_at(f, kind, n, 2);
      kept = generation(f);
      assert_true(kept == before || kept == 2); /* from one call on, the rename, always */
      before = kept;
    }
    assert_int_equal(before, 2);
    assert_true(n > 9);
    assert_true(temp_dir_count(f->dir) <= 3); /* itself, its lock, the next one */
  }
}

/* says which generation is kept, until it is killed */
static void write_on(store_place *f, int pipe_in, uint64_t from) {
  ab_store *store = open_store(f, false);

  while (store && save(f, store, ++from) == 0)
    if (write(pipe_in, &from, sizeof from) != (ssize_t) sizeof from)
      break;
  _exit(1);
}

/* kills a writer some time after its first save; the last generation that it said */
static uint64_t killed_while_writing(store_place *f, uint64_t from) {
  const struct timespec moment = {.tv_nsec = random() % 2000000};
  uint64_t acknowledged = 0;
  int fds[2], status;
  pid_t child;

  assert_int_equal(pipe(fds), 0);
  child = fork();
  if (child == 0)
    write_on(f, fds[1], from);
  (void) close(fds[1]);
  assert_int_equal(read(fds[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
  (void) nanosleep(&moment, NULL);
  assert_int_equal(kill(child, SIGKILL), 0);
  while (read(fds[0], &acknowledged, sizeof acknowledged) > 0)
    ;
  (void) close(fds[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return acknowledged;
}

static void killed_five_hundred_times_nothing_that_was_kept_is_lost(void **state) {
  store_place *f = *state;
  unsigned newer = 0;
  uint64_t now = 0;

  for (unsigned i = 0; i < KILLS; i++) {
    uint64_t acknowledged = killed_while_writing(f, now);

    assert_true(acknowledged > now);
    now = generation(f);
    assert_true(now == acknowledged || now == acknowledged + 1);
    newer += now > acknowledged;
    assert_true(temp_dir_count(f->dir) <= 3);
  }
  printf("%d kills, %llu saves; the last one was there but not acknowledged %u times\n", KILLS,
         (unsigned long long) now, newer);
}

/* ---- two at once ---- */

static void a_store_is_one_stack_s_alone(void **state) {
  store_place *f = *state;
  ab_store *store = saved(f, 1);

  assert_null(open_store(f, false));
  assert_int_equal(f->err, AIOBLE_EBUSY);
  assert_non_null(strstr(f->why, "in use"));
  assert_int_equal(generation(f), 1); /* it may be read */
  ab_store_close(store);
  ab_store_close(saved(f, 2));
}

static void a_store_is_one_program_s_alone_until_that_dies(void **state) {
  store_place *f = *state;
  int fds[2], status;
  pid_t child;
  char c;

  assert_int_equal(pipe(fds), 0);
  child = fork();
  if (child == 0) {
    if (saved(f, 1) && write(fds[1], "", 1) == 1)
      (void) pause();
    _exit(1);
  }
  assert_int_equal(read(fds[0], &c, 1), 1);
  assert_null(open_store(f, false));
  assert_int_equal(f->err, AIOBLE_EBUSY);
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  ab_store_close(saved(f, 2));
  assert_int_equal(generation(f), 2);
  (void) close(fds[0]);
  (void) close(fds[1]);
}

static void who_only_looks_changes_nothing(void **state) {
  store_place *f = *state;
  ab_store *store = open_store(f, true);
  struct stat st;

  assert_non_null(store);
  assert_int_equal(temp_dir_count(f->dir), 0);
  assert_int_equal(save(f, store, 1), AIOBLE_EPERM);
  ab_store_close(store);
  temp_dir_write(f->dir, STORE_FILE, "{");
  assert_int_equal(chmod(f->path, 0644), 0);
  assert_null(open_store(f, true));
  assert_int_equal(f->err, AIOBLE_EINVAL);
  assert_int_equal(temp_dir_count(f->dir), 1);
  assert_int_equal(stat(f->path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0644);
}

static void what_is_edited_while_it_is_in_use_is_kept_aside(void **state) {
  store_place *f = *state;
  ab_store *store = saved(f, 1);
  char text[64];

  temp_dir_write(f->dir, STORE_FILE, "{\"version\": 1}");
  assert_int_equal(save(f, store, 2), 0);
  assert_non_null(strstr(fake_env_log(f->env), "corrupt-1"));
  temp_dir_read(f->dir, STORE_FILE ".corrupt-1", text, sizeof text);
  assert_string_equal(text, "{\"version\": 1}");
  (void) unlink(f->path);
  assert_int_equal(save(f, store, 3), 0);
  ab_store_close(store);
  assert_int_equal(generation(f), 3);
}

/* ---- the file ---- */

static int write_text(store_place *f, const char *path, const char *text) {
  return ab_store_file_write(f->env, path, text, strlen(text), f->why);
}

static void expect_text(const store_place *f, const char *expected) {
  char text[256];

  temp_dir_read(f->dir, STORE_FILE, text, sizeof text);
  assert_string_equal(text, expected);
}

static void the_file_is_private_and_so_are_new_directories(void **state) {
  store_place *f = *state;
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
  store_place *f = *state;
  struct stat before, after;

  temp_dir_write(f->dir, STORE_FILE, "old");
  temp_dir_write(f->dir, STORE_FILE ".new", "left by somebody");
  assert_int_equal(stat(f->path, &before), 0);
  assert_int_equal(write_text(f, f->path, "new"), 0);
  assert_int_equal(stat(f->path, &after), 0);
  assert_true(before.st_ino != after.st_ino);
  assert_int_equal(after.st_mode & 07777, 0600);
  assert_int_equal(temp_dir_count(f->dir), 1);
}

/* what comes next is never written through a link, nor into a file that is another's */
static void a_link_is_replaced_and_not_followed(void **state) {
  store_place *f = *state;
  char link[512], target[512], text[16];

  temp_dir_write(f->dir, "target", "target");
  (void) snprintf(target, sizeof target, "%s/target", f->dir);
  (void) snprintf(link, sizeof link, "%s.new", f->path);
  assert_int_equal(symlink(target, link), 0);
  assert_int_equal(symlink(target, f->path), 0);
  assert_int_equal(write_text(f, f->path, "new"), 0);
  expect_text(f, "new");
  temp_dir_read(f->dir, "target", text, sizeof text);
  assert_string_equal(text, "target");
  (void) snprintf(link, sizeof link, "%s.lock", f->path);
  assert_int_equal(symlink(target, link), 0);
  assert_int_equal(ab_store_file_lock(f->env, f->path, f->why), -ELOOP);
}

static void an_unwritable_place_is_an_error(void **state) {
  store_place *f = *state;
  char path[512];

  assert_true(write_text(f, "/proc/self/aioble/" STORE_FILE, "x") < 0);
  assert_non_null(strstr(f->why, "/proc/self/aioble/" STORE_FILE));
  temp_dir_write(f->dir, STORE_FILE, "old");
  (void) snprintf(path, sizeof path, "%s/file", f->path);
  assert_int_equal(write_text(f, path, "x"), -ENOTDIR);
  assert_int_equal(ab_store_file_lock(f->env, path, f->why), -ENOTDIR);
  expect_text(f, "old");
}

static void a_directory_is_not_replaced(void **state) {
  store_place *f = *state;

  assert_int_equal(mkdir(f->path, 0700), 0);
  assert_true(write_text(f, f->path, "x") < 0);
  assert_int_equal(temp_dir_count(f->dir), 1);
  assert_null(open_store(f, false));
  assert_int_equal(f->err, AIOBLE_EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, store_place_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(whatever_fails_the_old_file_stays_and_the_next_try_succeeds),
      TEST(a_save_in_pieces_is_whole),
      TEST(a_place_that_cannot_be_written_is_read),
      TEST(a_place_that_others_have_written_to_meanwhile_is_theirs),
      TEST(on_a_full_disk_the_old_file_stays_until_there_is_room),
      TEST(killed_at_any_system_call_there_is_the_old_file_or_the_new_one),
      TEST(killed_five_hundred_times_nothing_that_was_kept_is_lost),
      TEST(a_store_is_one_stack_s_alone),
      TEST(a_store_is_one_program_s_alone_until_that_dies),
      TEST(who_only_looks_changes_nothing),
      TEST(what_is_edited_while_it_is_in_use_is_kept_aside),
      TEST(the_file_is_private_and_so_are_new_directories),
      TEST(a_replaced_file_is_a_new_one),
      TEST(a_link_is_replaced_and_not_followed),
      TEST(an_unwritable_place_is_an_error),
      TEST(a_directory_is_not_replaced),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
