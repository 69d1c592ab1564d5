/* SPDX-License-Identifier: MIT */
/*
 * Replacing a store's file, so that at any instant, whoever is killed and whatever fails, there is
 * the old file or the new one:
 *
 * 1. PATH.lock is ours, for as long as the store is open: nobody else does this meanwhile.
 * 2. What an earlier write has left of PATH.new goes; it is made anew, 0600, and written.
 * 3. fsync, so that its name never stands for less than all of it.
 * 4. rename to PATH: the old one is gone, the new one is there.
 * 5. fsync of the directory, so that this lasts. If this fails the new one is there, but that is
 *    not certain: an error, so it will be written again.
 */
#include "store/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* PATH and a suffix, allocated; NULL: out of memory */
static char *beside(ab_env *env, const char *path, const char *suffix) {
  size_t size = strlen(path) + strlen(suffix) + 1;
  char *name = ab_alloc(env, size);

  if (name)
    (void) snprintf(name, size, "%s%s", path, suffix);
  return name;
}

/* every directory in front of the last '/', which is a '/' again afterwards */
static int make_directories(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    int failed_with;

    *slash = '\0';
    failed_with = mkdir(path, 0700) < 0 ? errno : 0;
    *slash = '/';
    if (failed_with && failed_with != EEXIST) {
      errno = failed_with;
      return -1;
    }
  }
  return 0;
}

/* ---- the lock ---- */

static int lock(char *name, const char *path, char *why) {
  int fd, err = 0;

  if (make_directories(name) < 0 ||
      (fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)) < 0)
    return ab_store_file_failed(why, "cannot lock", path);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  err = ab_store_file_failed(why, "cannot lock", path);
  (void) close(fd);
  if (err != -EWOULDBLOCK)
    return err;
  AB_STORE_WHY_SET(why, "%s is in use by another program, or stack", path);
  return AIOBLE_EBUSY;
}

int ab_store_file_lock(ab_env *env, const char *path, char *why) {
  char *name = beside(env, path, ".lock");
  int fd = name ? lock(name, path, why) : AIOBLE_ENOMEM;

  ab_free(env, name);
  return fd;
}

/* ---- replacing ---- */

static int write_all(int fd, const char *text, size_t len) {
  while (len) {
    ssize_t n = write(fd, text, len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    text += n;
    len -= (size_t) n;
  }
  return 0;
}

/* closes it, also after an error, which it keeps */
static int end(int fd, int result) {
  int saved = errno;

  if (close(fd) < 0 && result == 0)
    return -1;
  errno = saved;
  return result;
}

/* a file that was not there, with the text on the disk */
static int write_new(const char *name, const char *text, size_t len) {
  int fd, result;

  if (unlink(name) < 0 && errno != ENOENT)
    return -1;
  fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return -1;
  result = write_all(fd, text, len);
  return end(fd, result == 0 ? fsync(fd) : result);
}

/* EINVAL: a file system that has no such thing */
static int sync_directory(char *path) {
  char *slash = strrchr(path, '/');
  int fd, result;

  if (slash)
    *slash = '\0';
  fd = open(!slash ? "." : slash == path ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (slash)
    *slash = '/';
  if (fd < 0)
    return -1;
  result = fsync(fd);
  return end(fd, result < 0 && errno == EINVAL ? 0 : result);
}

static int replace(char *name, const char *path, const char *text, size_t len, char *why) {
  int err;

  if (make_directories(name) < 0 || write_new(name, text, len) < 0)
    err = ab_store_file_failed(why, "cannot write", path);
  else if (rename(name, path) < 0)
    err = ab_store_file_failed(why, "cannot replace", path);
  else
    return sync_directory(name) < 0 ? ab_store_file_failed(why, "cannot make sure of", path) : 0;
  (void) unlink(name);
  return err;
}

int ab_store_file_write(ab_env *env, const char *path, const char *text, size_t len, char *why) {
  char *name = beside(env, path, ".new");
  int err = name ? replace(name, path, text, len, why) : AIOBLE_ENOMEM;

  ab_free(env, name);
  return err;
}
