/* SPDX-License-Identifier: MIT */
/* The store's file: reading, replacing and setting aside, without a thought of what is in it. */
#ifndef AB_STORE_PRIV_H
#define AB_STORE_PRIV_H

#include "store/store.h"

enum { AB_STORE_MAX = 1 << 20 }; /* bytes of a file that we read */

#define AB_STORE_WHY_SET(why, ...) (void) snprintf(why, AB_STORE_WHY, __VA_ARGS__)

/* the default path, allocated; NULL with *err and why */
char *ab_store_file_default(ab_env *env, const char *adapter, int *err, char *why);

/*
 * The whole file as a text, allocated in *text (ab_free), its length in *len. AIOBLE_ENOENT: there
 * is none; AIOBLE_EMSGSIZE: longer than AB_STORE_MAX; anything else: it cannot or must not be read.
 */
int ab_store_file_read(ab_env *env, const char *path, char **text, size_t *len, char *why);

/* replaces the file; makes missing directories (0700) */
int ab_store_file_write(ab_env *env, const char *path, const char *text, size_t len, char *why);

/* renames it to the first free PATH.corrupt-N, which `to` (that many bytes) is set to */
int ab_store_file_set_aside(const char *path, char *to, size_t size, char *why);

#endif
