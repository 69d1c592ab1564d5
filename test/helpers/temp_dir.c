/* SPDX-License-Identifier: MIT */
#include "helpers/temp_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

char *temp_dir_new(void) {
  char *dir = strdup("/tmp/aioble-test-XXXXXX");

  assert_non_null(dir);
  assert_non_null(mkdtemp(dir));
  return dir;
}

char *temp_dir_in_memory(void) {
  char *dir = strdup("/dev/shm/aioble-test-XXXXXX");

  assert_non_null(dir);
  if (mkdtemp(dir))
    return dir;
  free(dir);
  return temp_dir_new();
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void) st;
  (void) type;
  (void) ftw;
  return remove(path);
}

void temp_dir_free(char *dir) {
  (void) nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(dir);
}

static FILE *open_in(const char *dir, const char *name, const char *mode) {
  char path[PATH_MAX];
  FILE *file;

  (void) snprintf(path, sizeof path, "%s/%s", dir, name);
  file = fopen(path, mode);
  assert_non_null(file);
  return file;
}

bool temp_dir_has(const char *dir, const char *name) {
  char path[PATH_MAX];
  struct stat st;

  (void) snprintf(path, sizeof path, "%s/%s", dir, name);
  return lstat(path, &st) == 0;
}

size_t temp_dir_count(const char *dir) {
  DIR *d = opendir(dir);
  size_t n = 0;

  assert_non_null(d);
  while (readdir(d))
    n++;
  (void) closedir(d);
  return n - 2; /* itself and its parent */
}

void temp_dir_write(const char *dir, const char *name, const char *text) {
  FILE *file = open_in(dir, name, "w");

  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

void temp_dir_read(const char *dir, const char *name, char *text, size_t size) {
  FILE *file = open_in(dir, name, "r");
  size_t len = fread(text, 1, size, file);

  assert_true(len < size);
  text[len] = '\0';
  (void) fclose(file);
}
