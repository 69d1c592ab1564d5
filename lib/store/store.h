/* SPDX-License-Identifier: MIT */
/*
 * What a stack keeps between runs: one JSON text, whose form doc/state-file.md has, in a file or in
 * a place of the application's own.
 *
 * A file is replaced as a whole: PATH.new (0600), fsync, rename, fsync of the directory; whoever
 * reads sees the old one or the new one. Who may write has PATH.lock locked, from opening the store
 * to closing it; the kernel unlocks it when a program dies.
 */
#ifndef AB_STORE_H
#define AB_STORE_H

#include "util/env.h"
#include <aioble/core.h>

enum {
  AB_STORE_WHY = 256,
  AB_STORE_PEERS_MAX = 64,    /* kept that are not bonded; then the least recently used one goes */
  AB_STORE_ATTRS_MAX = 16384, /* read of one peer */
  AB_STORE_SUBSCRIPTIONS_MAX = 4096,
  AB_STORE_HASH_LEN = 16,
};

typedef struct ab_store ab_store;

typedef struct ab_store_options {
  const char *path;              /* of the file; it must be no symbolic link */
  const aioble_store_ops_t *ops; /* instead of a file, if not NULL: the application's own place */
  void *user;                    /* … and for whom */
  bool look;                     /* only to be read: nothing is locked, mended, moved or saved */
} ab_store_options;

/* The default path of a file of that name: NAME.json in $XDG_STATE_HOME/aioble, else in
   ~/.local/state/aioble (with every character that is no letter, digit, '-', '_' or '.' as '_').
   0; AIOBLE_ENOENT: there is no home; AIOBLE_EMSGSIZE */
int ab_store_default_path(const char *name, char *path, size_t size);

/*
 * Opens the store; NULL with *err, and a text that helps in why[AB_STORE_WHY] (never NULL, maybe
 * ""). AIOBLE_EBUSY: another program, or stack, has it open. A file that is no store of ours, or
 * not a whole one, is kept as PATH.corrupt-N, and the store starts empty: *err is 0, and why says
 * so.
 */
ab_store *ab_store_open(ab_env *env, const ab_store_options *options, int *err, char *why);
void ab_store_close(ab_store *store); /* NULL does nothing. What was not flushed is lost. */

/* where it is, in words */
const char *ab_store_path(const ab_store *store);

/* Something was set that is not kept yet, nor on its way. */
bool ab_store_dirty(const ab_store *store);
/* … now it is, or on its way (ab_store_saved() follows): 0, also when there was nothing to write;
   or an error and the text in why[AB_STORE_WHY] */
int ab_store_flush(ab_store *store, char *why);
/* what the application's own place was given last is kept there now, or is not: as if it had just
   been set; false: nothing was on its way */
bool ab_store_saved(ab_store *store, int status);
/* … and nobody knows yet */
bool ab_store_waiting(const ab_store *store);

/* the static random address of this adapter; false: none is kept (or it is none) */
bool ab_store_static_address(const ab_store *store, aioble_addr_t *addr);
/* Keeps it, until flushed in memory only. 0 or AIOBLE_ENOMEM. */
int ab_store_set_static_address(ab_store *store, const aioble_addr_t *addr);

/* ---- peers, by identity address ---- */

/* It is in use again: others are dropped before it. By itself not worth a flush. */
void ab_store_peer_used(ab_store *store, const aioble_addr_t *peer);
/* all that is kept of it goes, a bond as well */
void ab_store_forget_peer(ab_store *store, const aioble_addr_t *peer);

/* ---- bonds, and our own key ---- */

enum { AB_STORE_KEY_LEN = 16 };

typedef struct ab_store_ltk {
  uint8_t key[AB_STORE_KEY_LEN];
  uint64_t rand;
  uint16_t ediv;
  bool there;
} ab_store_ltk;

typedef struct ab_store_bond {
  aioble_addr_t addr;       /* identity: public, or random static */
  ab_store_ltk local, peer; /* one of them at least */
  uint8_t irk[AB_STORE_KEY_LEN], csrk[AB_STORE_KEY_LEN], local_csrk[AB_STORE_KEY_LEN];
  bool has_irk, has_csrk, has_local_csrk;
  bool authenticated, sc;
  uint8_t key_size;
  uint64_t local_counter, peer_counter; /* SignCounters that are not used: of local_csrk, of csrk */
} ab_store_bond;

/* 0; AIOBLE_ENOENT: none is kept, or it makes no sense, which is logged */
int ab_store_bond_of(const ab_store *store, const aioble_addr_t *peer, ab_store_bond *bond);
/* all that make sense, the others are logged; fn does not change the store */
typedef void ab_store_bond_fn(void *ctx, const ab_store_bond *bond);
void ab_store_bonds(const ab_store *store, ab_store_bond_fn *fn, void *ctx);
/* Keeps it in place of the peer's, until flushed in memory only. 0 or AIOBLE_ENOMEM. */
int ab_store_set_bond(ab_store *store, const ab_store_bond *bond);

/* … its counters alone; one that is not kept has none. 0 or AIOBLE_ENOMEM. */
int ab_store_set_counters(ab_store *store, const aioble_addr_t *peer, uint64_t local_counter,
                          uint64_t peer_counter);
typedef struct ab_store_imported {
  uint8_t irk[AB_STORE_KEY_LEN]; /* our own, if has_irk */
  bool has_irk;
  unsigned unreadable; /* entries, and bonds of them, that make no sense */
} ab_store_imported;

/* The bonds in a file of secrets of MicroPython's aioble, which is not touched. 0; AIOBLE_EINVAL:
   it is no such file; AIOBLE_ENOMEM; or why it cannot be read. why: as of ab_store_open() */
int ab_store_import(ab_env *env, const char *path, ab_store_imported *out, ab_store_bond_fn *fn,
                    void *ctx, char *why);

/* the key of our own private addresses; false: none is kept (or it is none) */
bool ab_store_irk(const ab_store *store, uint8_t irk[AB_STORE_KEY_LEN]);
int ab_store_set_irk(ab_store *store, const uint8_t irk[AB_STORE_KEY_LEN]);

/* ---- what is known of their attributes, and they of ours ---- */

typedef enum ab_store_kind {
  AB_STORE_PRIMARY,
  AB_STORE_SECONDARY,
  AB_STORE_SERVICE,
  AB_STORE_INCLUDE,
  AB_STORE_CHAR,
  AB_STORE_DESC,
} ab_store_kind;

typedef struct ab_store_attr {
  ab_store_kind kind;
  uint16_t handle, last, value;
  uint16_t includes_to, contents_to;
  uint8_t properties;
  aioble_uuid_t uuid;
} ab_store_attr;

typedef struct ab_store_range {
  uint16_t first, last; /* first beyond last, or all zero: none */
} ab_store_range;

typedef struct ab_store_gatt_client {
  uint8_t hash[AB_STORE_HASH_LEN];
  bool changes_asked;
  ab_store_range unlisted[2]; /* primary, secondary */
  unsigned n;
  ab_store_attr *attrs;
} ab_store_gatt_client;

typedef struct ab_store_subscription {
  uint16_t handle, value;
} ab_store_subscription;

typedef struct ab_store_gatt_server {
  uint8_t hash[AB_STORE_HASH_LEN];
  uint8_t features;
  unsigned n;
  ab_store_subscription *subscriptions;
} ab_store_gatt_server;

/* 0, and the array (attrs, subscriptions) is the caller's to ab_free(); AIOBLE_ENOENT: nothing is
   kept, or it makes no sense, which is logged; AIOBLE_ENOMEM */
int ab_store_gatt_client_of(const ab_store *store, const aioble_addr_t *peer,
                            ab_store_gatt_client *client);
int ab_store_gatt_server_of(const ab_store *store, const aioble_addr_t *peer,
                            ab_store_gatt_server *server);
/* Keeps it, until flushed in memory only; NULL: keeps nothing. 0 or AIOBLE_ENOMEM. */
int ab_store_set_gatt_client(ab_store *store, const aioble_addr_t *peer,
                             const ab_store_gatt_client *client);
int ab_store_set_gatt_server(ab_store *store, const aioble_addr_t *peer,
                             const ab_store_gatt_server *server);

#endif
