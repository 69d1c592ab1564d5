/* SPDX-License-Identifier: MIT */
/*
 * store.c: the whole, as a tree of JSON; store_peers.c: its peers and the parts of each;
 * store_gatt.c, store_bonds.c: what is in those parts, by store_json.c; store_import.c: bonds from
 * elsewhere; store_file.c, store_write.c: the file, without a thought of what is in it;
 * store_wipe.c: nothing of it is left in memory.
 */
#ifndef AB_STORE_PRIV_H
#define AB_STORE_PRIV_H

#include "store/store.h"

#include <cjson/cJSON.h>

enum {
  AB_STORE_MAX = 4 << 20,     /* bytes of a file that we read, and write */
  AB_STORE_PEERS_READ = 2048, /* a file with more is none of ours */
};

/* which file it is: one that was replaced, or written to, is another; all zero: none */
typedef struct ab_store_stamp {
  uint64_t inode, size;
  int64_t s, ns;
} ab_store_stamp;

struct ab_store {
  ab_env *env;
  char *path;                    /* of a file; else what messages call it */
  const aioble_store_ops_t *ops; /* NULL: a file */
  void *user;
  bool look;
  int lock;             /* negative: not ours, or none is needed */
  ab_store_stamp stamp; /* the file that was read or written last */
  cJSON *root;          /* always an object */
  bool dirty;
  bool waiting; /* ab_store_saved() is due */
};

#define AB_STORE_WHY_SET(why, ...) (void) snprintf(why, AB_STORE_WHY, __VA_ARGS__)

/* ---- store.c ---- */

/* 0 and store->root; AIOBLE_EINVAL: the text is no store; AIOBLE_ENOTSUP: of a later version */
int ab_store_parse(ab_store *store, const char *text, size_t len);
/* adds or replaces; takes the value; 0, or ENOMEM (one of the two is NULL, too) with all as it was
 */
int ab_store_set_member(cJSON *object, const char *name, cJSON *value);
/* the member of that name if it is an object, else a new one in its place; NULL: out of memory */
cJSON *ab_store_object_in(cJSON *parent, const char *name);

/* ---- store_wipe.c ---- */

/* instead of cJSON_Delete(): NULL does nothing */
void ab_store_delete(cJSON *tree);
/* the whole, to be freed; NULL with *err: ENOMEM; EMSGSIZE: longer than AB_STORE_MAX */
char *ab_store_print(const ab_store *store, int *err);
void ab_store_free_text(const ab_store *store, char *text);

/* ---- store_peers.c ---- */

/* of a file just read: single ones that make no sense are logged; false: it is no list of peers */
bool ab_store_check_peers(ab_store *store);
/* to make the file shorter: the least recently used that is not bonded, else what is known of the
   attributes of a bonded one; false: nothing is left that could go */
bool ab_store_drop_peer(ab_store *store);
/* a part of a peer; NULL: there is none */
cJSON *ab_store_part(const ab_store *store, const aioble_addr_t *peer, const char *name);
/* Takes the part, in place of the old one. 0, or ENOMEM (the part is NULL, too) with all as it was.
 */
int ab_store_replace_part(ab_store *store, const aioble_addr_t *peer, const char *name,
                          cJSON *part);
/* … and keeps the old one's members that it does not have itself */
int ab_store_set_part(ab_store *store, const aioble_addr_t *peer, const char *name, cJSON *part);
void ab_store_remove_part(ab_store *store, const aioble_addr_t *peer, const char *name);

/* that part of each peer that has one, in the order of their use; fn changes nothing */
void ab_store_each_part(const ab_store *store, const char *name,
                        void (*fn)(void *ctx, const aioble_addr_t *peer, const cJSON *part),
                        void *ctx);

/* ---- store_bonds.c ---- */

/* what this says of itself may all be true */
bool ab_store_bond_makes_sense(const ab_store_bond *bond);

/* ---- store_import.c ---- */

/* of the form of MicroPython's aioble */
bool ab_store_is_aioble(const cJSON *root);
/* ab_store_import() of such a text */
int ab_store_import_text(ab_env *env, const char *text, size_t len, ab_store_imported *out,
                         ab_store_bond_fn *fn, void *ctx);

/* ---- store_json.c ---- */

/* Reading; false: it makes no sense. A number is whole, 0 to max, and 0 when it is absent; a truth
   is false then; octets, up to 16, are as many as are asked for, and must be there. */
bool ab_store_number(const cJSON *number, uint16_t max, uint16_t *out);
bool ab_store_number_in(const cJSON *object, const char *name, uint16_t *out);
bool ab_store_octet_in(const cJSON *object, const char *name, uint8_t *out);
bool ab_store_bool_in(const cJSON *object, const char *name, bool *out);
bool ab_store_octets_in(const cJSON *object, const char *name, uint8_t *out, size_t n);
/* EINVAL: the part makes no sense, which is logged, and is as if it were not there (ENOENT) */
int ab_store_result(const ab_store *store, const aioble_addr_t *peer, const char *name, int err);
/* Writing; false: out of memory. A number that is 0 is left out, and there is none before. */
bool ab_store_put_number(cJSON *object, const char *name, unsigned number);
bool ab_store_put_octets(cJSON *object, const char *name, const uint8_t *octets, size_t n);
/* the part; or NULL, when not all of it could be written: it is deleted */
cJSON *ab_store_whole(cJSON *part, bool ok);

/* ---- store_file.c: reading ---- */

/*
 * The whole file as a text, allocated in *text (ab_free), its length in *len. AIOBLE_ENOENT: there
 * is none; AIOBLE_EMSGSIZE: longer than AB_STORE_MAX; anything else: it cannot or must not be read.
 * mend: others can read or write it no longer afterwards, which is logged.
 */
int ab_store_file_read(ab_env *env, const char *path, bool mend, char **text, size_t *len,
                       char *why);

/* the file that is there now, whatever it is */
ab_store_stamp ab_store_file_stamp(const char *path);
bool ab_store_same_file(const ab_store_stamp *a, const ab_store_stamp *b);

/* renames it to the first free PATH.corrupt-N, which `to` (that many bytes) is set to */
int ab_store_file_set_aside(const char *path, char *to, size_t size, char *why);

/* a system error as ours, with "WHAT PATH: error" in why */
int ab_store_file_failed(char *why, const char *what, const char *path);

/* ---- store_write.c: writing ---- */

/* PATH.lock, locked by nobody but us until the descriptor is closed; makes missing directories
   (0700). AIOBLE_EBUSY: somebody else has it; another error: it cannot be made, or locked */
int ab_store_file_lock(ab_env *env, const char *path, char *why);

/* Replaces the file; makes missing directories. Only for whoever has the lock. */
int ab_store_file_write(ab_env *env, const char *path, const char *text, size_t len, char *why);

#endif
