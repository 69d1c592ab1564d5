/* SPDX-License-Identifier: MIT */
/*
 * What a stack keeps between runs: a small JSON file per adapter.
 *
 *   {
 *     "version": 1,
 *     "identity": { "static_address": "c2:11:22:33:44:55" }
 *   }
 *
 * Members we do not know, at any level, are kept as they are (numbers to 15 digits), so a later
 * version's data survives an earlier one; a file of a higher "version" is not touched at all.
 * All writing is by replacement: new file (0600), fsync, rename, fsync of the directory; whoever
 * reads sees the old file or the new one. The path itself must be no symbolic link.
 */
#ifndef AB_STORE_H
#define AB_STORE_H

#include "util/env.h"

enum { AB_STORE_WHY = 256 };

typedef struct ab_store ab_store;

/*
 * Opens the store at that path; NULL: adapter.json in $XDG_STATE_HOME/aioble, else in
 * ~/.local/state/aioble (with every character of the adapter's name that is no letter, digit, '-',
 * '_' or '.' as '_'). Nothing is created before the first save. A file that is no store of ours is
 * kept as PATH.corrupt-N, which is logged, and the store starts empty.
 * Returns NULL with *err and a text that helps in why[AB_STORE_WHY] (never NULL, maybe "").
 */
ab_store *ab_store_open(ab_env *env, const char *path, const char *adapter, int *err, char *why);
void ab_store_close(ab_store *store); /* NULL does nothing */

/* where it is */
const char *ab_store_path(const ab_store *store);

/* the static random address of this adapter; false: none is kept (or it is none) */
bool ab_store_static_address(const ab_store *store, aioble_addr_t *addr);
/* keeps it; 0 when it is on the disk, else an error, and the text in why[AB_STORE_WHY] */
int ab_store_set_static_address(ab_store *store, const aioble_addr_t *addr, char *why);

#endif
