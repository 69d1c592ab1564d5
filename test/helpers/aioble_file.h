/* SPDX-License-Identifier: MIT */
/* A file of secrets as MicroPython's aioble writes it. */
#ifndef AIOBLE_FILE_H
#define AIOBLE_FILE_H

#include <stddef.h>

enum { AIOBLE_FILE_MAX = 4000 };

/* one entry more to a text that begins empty, and to which a "]" is missing */
void aioble_file_add(char text[AIOBLE_FILE_MAX], int kind, const void *key, size_t key_len,
                     const void *value, size_t len);

#endif
