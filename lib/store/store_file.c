/* SPDX-License-Identifier: MIT */
/*
 * Where a store's file is, reading it, and setting it aside. It must be a regular file of our own
 * (or root's), not a link to one: what is in it decides whom we trust.
 */
#include "store/store_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CORRUPT_FILES = 1000, NAME_LEN = 100, PASSWD_SIZE = 4096, OTHERS = 077 };

/* libuv's numbers are negative errno, and so are ours */
int ab_store_file_failed(char *why, const char *what, const char *path) {
  int err = -errno;

  AB_STORE_WHY_SET(why, "%s %s: %s", what, path, strerror(-err));
  return err;
}

/* ---- where ---- */

static void sanitize(const char *name, char text[NAME_LEN + 1]) {
  size_t i = 0;

  for (; i < NAME_LEN && name[i]; i++)
    text[i] = '_';
  text[i] = '\0';
  while (i--)
    if (isalnum((unsigned char) name[i]) || strchr("-_.", name[i]))
      text[i] = name[i];
}

/* an absolute path from the environment; NULL: there is none (a relative one is to be ignored: XDG
   Base Directory, 2) */
static const char *absolute(const char *variable) {
  const char *dir = getenv(variable);

  return dir && *dir == '/' ? dir : NULL;
}

int ab_store_default_path(const char *name, char *path, size_t size) {
  const char *state = absolute("XDG_STATE_HOME"), *home = absolute("HOME");
  char file[NAME_LEN + 1], buf[PASSWD_SIZE];
  struct passwd user, *found = NULL;
  int n;

  if (!state && !home && getpwuid_r(geteuid(), &user, buf, sizeof buf, &found) == 0 && found)
    home = user.pw_dir; /* a service may have no environment */
  if (!state && !home)
    return AIOBLE_ENOENT;
  sanitize(name, file);
  n = snprintf(path, size, "%s%s/aioble/%s.json", state ? state : home,
               state ? "" : "/.local/state", file);
  return n >= 0 && (size_t) n < size ? 0 : AIOBLE_EMSGSIZE;
}

/* ---- reading ---- */

ab_store_stamp ab_store_file_stamp(const char *path) {
  struct stat st;

  if (lstat(path, &st) < 0)
    return (ab_store_stamp){0};
  return (ab_store_stamp){(uint64_t) st.st_ino, (uint64_t) st.st_size, st.st_mtim.tv_sec,
                          st.st_mtim.tv_nsec};
}

bool ab_store_same_file(const ab_store_stamp *a, const ab_store_stamp *b) {
  return a->inode == b->inode && a->size == b->size && a->s == b->s && a->ns == b->ns;
}

/* up to size bytes; how many, or an error */
static ssize_t read_up_to(int fd, char *buf, size_t size) {
  size_t len = 0;

  while (len < size) {
    ssize_t n = read(fd, buf + len, size - len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    len += (size_t) n;
  }
  return (ssize_t) len;
}

static int check(const struct stat *st, const char *path, char *why) {
  if (!S_ISREG(st->st_mode)) {
    AB_STORE_WHY_SET(why, "%s is no regular file", path);
    return AIOBLE_EACCES;
  }
  if (st->st_uid != geteuid() && st->st_uid != 0) {
    AB_STORE_WHY_SET(why, "%s belongs to another user (%u)", path, (unsigned) st->st_uid);
    return AIOBLE_EPERM;
  }
  if (st->st_size > AB_STORE_MAX) {
    AB_STORE_WHY_SET(why, "%s is longer than %d bytes", path, AB_STORE_MAX);
    return AIOBLE_EMSGSIZE;
  }
  return 0;
}

static void mend_mode(ab_env *env, int fd, const struct stat *st, const char *path) {
  const char *result = "now it is the owner's only";

  if (!(st->st_mode & OTHERS))
    return;
  if (fchmod(fd, st->st_mode & (mode_t) ~OTHERS & 0777) < 0)
    result = strerror(errno);
  ab_log(env, AB_LOG_WARN, "%s, which has keys in it, was open to others (mode %03o): %s", path,
         (unsigned) st->st_mode & 0777, result);
}

static int read_regular(ab_env *env, int fd, const char *path, bool mend, char **text, size_t *len,
                        char *why) {
  struct stat st;
  ssize_t n;
  char *buf;
  int err =
      fstat(fd, &st) < 0 ? ab_store_file_failed(why, "cannot read", path) : check(&st, path, why);

  if (err < 0)
    return err;
  if (mend)
    mend_mode(env, fd, &st, path);
  if (!(buf = ab_alloc(env, (size_t) st.st_size + 1)))
    return AIOBLE_ENOMEM;
  n = read_up_to(fd, buf, (size_t) st.st_size);
  if (n < 0) {
    err = ab_store_file_failed(why, "cannot read", path);
    ab_free_secret(env, buf, (size_t) st.st_size);
    return err;
  }
  buf[n] = '\0';
  *text = buf;
  *len = (size_t) n;
  return 0;
}

int ab_store_file_read(ab_env *env, const char *path, bool mend, char **text, size_t *len,
                       char *why) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  int err;

  if (fd < 0 && errno == ELOOP) {
    AB_STORE_WHY_SET(why, "%s is a symbolic link, which a store must not be", path);
    return AIOBLE_EACCES;
  }
  if (fd < 0)
    return ab_store_file_failed(why, "cannot open", path);
  err = read_regular(env, fd, path, mend, text, len, why);
  (void) close(fd);
  return err;
}

/* ---- setting aside ---- */

/* makes that file, empty, unless there is one */
static int reserve(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  return fd < 0 ? -1 : close(fd);
}

/* in place of what was reserved */
static int move(const char *path, const char *to, char *why) {
  int err;

  if (rename(path, to) == 0)
    return 0;
  err = ab_store_file_failed(why, "cannot set aside", path);
  (void) unlink(to);
  return err;
}

int ab_store_file_set_aside(const char *path, char *to, size_t size, char *why) {
  for (int n = 1; n <= CORRUPT_FILES; n++) {
    if ((size_t) snprintf(to, size, "%s.corrupt-%d", path, n) >= size) {
      AB_STORE_WHY_SET(why, "%s: too long a name", path);
      return AIOBLE_EMSGSIZE;
    }
    if (reserve(to) == 0)
      return move(path, to, why);
    if (errno != EEXIST)
      return ab_store_file_failed(why, "cannot set aside", path);
  }
  AB_STORE_WHY_SET(why, "%s: there are %d corrupt files already", path, CORRUPT_FILES);
  return AIOBLE_EEXIST;
}
