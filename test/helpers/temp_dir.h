/* SPDX-License-Identifier: MIT */
/* A directory of a test's own, removed with everything in it. */
#ifndef TEMP_DIR_H
#define TEMP_DIR_H

#include <stdbool.h>
#include <stddef.h>

char *temp_dir_new(void);
/* … where fsync costs nothing, if there is such a place */
char *temp_dir_in_memory(void);
void temp_dir_free(char *dir);

bool temp_dir_has(const char *dir, const char *name);
size_t temp_dir_count(const char *dir); /* entries */
void temp_dir_write(const char *dir, const char *name, const char *text);
/* the file as a text; asserts that it is there and fits */
void temp_dir_read(const char *dir, const char *name, char *text, size_t size);

#endif
