/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CORRUPT_FILES = 1000, NAME_LEN = 100 };

/* a system error as ours: libuv's numbers are negative errno, and so are ours */
static int failed(char *why, const char *what, const char *path) {
  int err = -errno;

  AB_STORE_WHY_SET(why, "%s %s: %s", what, path, strerror(-err));
  return err;
}

/* ---- where ---- */

static char *format_path(ab_env *env, const char *dir, const char *sub, const char *name) {
  size_t size = strlen(dir) + strlen(sub) + NAME_LEN + sizeof ".json";
  char *path = ab_alloc(env, size);
  char *at;

  if (!path)
    return NULL;
  at = path + snprintf(path, size, "%s%s", dir, sub);
  for (size_t i = 0; i < NAME_LEN && name[i]; i++)
    *at++ = isalnum((unsigned char) name[i]) || strchr("-_.", name[i]) ? name[i] : '_';
  memcpy(at, ".json", sizeof ".json");
  return path;
}

char *ab_store_file_default(ab_env *env, const char *adapter, int *err, char *why) {
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  char *path = NULL;

  *err = AIOBLE_ENOENT;
  if (state && *state == '/') /* a relative one is to be ignored (XDG Base Directory, 2) */
    path = format_path(env, state, "/aioble/", adapter);
  else if (home && *home == '/')
    path = format_path(env, home, "/.local/state/aioble/", adapter);
  else {
    AB_STORE_WHY_SET(why, "no place for the store: neither XDG_STATE_HOME nor HOME is set");
    return NULL;
  }
  if (!path)
    *err = AIOBLE_ENOMEM;
  return path;
}

/* ---- reading ---- */

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

static int read_regular(ab_env *env, int fd, const char *path, char **text, size_t *len,
                        char *why) {
  struct stat st;
  ssize_t n;
  char *buf;

  if (fstat(fd, &st) < 0)
    return failed(why, "cannot read", path);
  if (!S_ISREG(st.st_mode)) {
    AB_STORE_WHY_SET(why, "%s is no regular file", path);
    return AIOBLE_EINVAL;
  }
  if (st.st_size > AB_STORE_MAX) {
    AB_STORE_WHY_SET(why, "%s is longer than %d bytes", path, AB_STORE_MAX);
    return AIOBLE_EMSGSIZE;
  }
  if (!(buf = ab_alloc(env, (size_t) st.st_size + 1)))
    return AIOBLE_ENOMEM;
  n = read_up_to(fd, buf, (size_t) st.st_size);
  if (n < 0) {
    ab_free(env, buf);
    return failed(why, "cannot read", path);
  }
  buf[n] = '\0';
  *text = buf;
  *len = (size_t) n;
  return 0;
}

int ab_store_file_read(ab_env *env, const char *path, char **text, size_t *len, char *why) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  int err;

  if (fd < 0 && errno == ELOOP) {
    AB_STORE_WHY_SET(why, "%s is a symbolic link, which a store must not be", path);
    return AIOBLE_EACCES;
  }
  if (fd < 0)
    return failed(why, "cannot open", path);
  err = read_regular(env, fd, path, text, len, why);
  (void) close(fd);
  return err;
}

/* ---- replacing ---- */

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
  (void) close(fd);
  return result;
}

/* a new file beside the old one, with the text on the disk; its name in the template */
static int write_beside(char *template, const char *text, size_t len) {
  int fd = mkostemp(template, O_CLOEXEC); /* mode 0600 */
  int result, saved;

  if (fd < 0)
    return -1;
  result = write_all(fd, text, len);
  if (result == 0)
    result = fsync(fd);
  saved = errno;
  if (close(fd) < 0 && result == 0) {
    saved = errno;
    result = -1;
  }
  if (result < 0)
    (void) unlink(template);
  errno = saved;
  return result;
}

int ab_store_file_write(ab_env *env, const char *path, const char *text, size_t len, char *why) {
  static const char suffix[] = ".XXXXXX";
  size_t path_len = strlen(path);
  char *beside = ab_alloc(env, path_len + sizeof suffix);
  int err = 0;

  if (!beside)
    return AIOBLE_ENOMEM;
  memcpy(beside, path, path_len);
  memcpy(beside + path_len, suffix, sizeof suffix);
  if (make_directories(beside) < 0 || write_beside(beside, text, len) < 0) {
    err = failed(why, "cannot write", path);
    goto done;
  }
  if (rename(beside, path) < 0) {
    err = failed(why, "cannot replace", path);
    (void) unlink(beside);
    goto done;
  }
  if (sync_directory(beside) < 0)
    err = failed(why, "cannot make sure of", path);
done:
  ab_free(env, beside);
  return err;
}

/* makes that file, empty, unless there is one */
static int reserve(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  return fd < 0 ? -1 : close(fd);
}

int ab_store_file_set_aside(const char *path, char *to, size_t size, char *why) {
  for (int n = 1; n <= CORRUPT_FILES; n++) {
    if ((size_t) snprintf(to, size, "%s.corrupt-%d", path, n) >= size) {
      AB_STORE_WHY_SET(why, "%s: too long a name", path);
      return AIOBLE_EMSGSIZE;
    }
    if (reserve(to) == 0 && rename(path, to) == 0)
      return 0;
    if (errno != EEXIST)
      return failed(why, "cannot set aside", path);
  }
  AB_STORE_WHY_SET(why, "%s: there are %d corrupt files already", path, CORRUPT_FILES);
  return AIOBLE_EEXIST;
}
