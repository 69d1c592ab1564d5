/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1 };

static cJSON *empty_store(void) {
  cJSON *root = cJSON_CreateObject();

  if (root && cJSON_AddNumberToObject(root, "version", VERSION))
    return root;
  ab_store_delete(root);
  return NULL;
}

/* the version of a store; 0: the text is none */
static double version_of(const cJSON *root) {
  const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "version");

  return cJSON_IsObject(root) && cJSON_IsNumber(version) && version->valuedouble >= 1
             ? version->valuedouble
             : 0;
}

/* ---- reading ---- */

static int check(ab_store *store, cJSON *root) {
  double version = version_of(root);

  store->root = root;
  if (version > VERSION || ab_store_is_aioble(root))
    return AIOBLE_ENOTSUP;
  return version == VERSION && ab_store_check_peers(store) ? 0 : AIOBLE_EINVAL;
}

/* nothing but white space may follow the object */
static cJSON *parse(const char *text, size_t len) {
  return strlen(text) == len ? cJSON_ParseWithLengthOpts(text, len + 1, NULL, true) : NULL;
}

/* cJSON does not tell a text that is none from a lack of memory: is there enough for so long a one,
   with a value in every second octet? */
static bool have_memory(size_t len) {
  void *all = cJSON_malloc((len / 2 + 1) * sizeof(cJSON) + len);

  cJSON_free(all);
  return all != NULL;
}

int ab_store_parse(ab_store *store, const char *text, size_t len) {
  cJSON *root = parse(text, len);
  int err;

  if (!root && !have_memory(len))
    return AIOBLE_ENOMEM;
  if (!root)
    root = parse(text, len);
  err = check(store, root);
  if (err == 0)
    return 0;
  ab_store_delete(root);
  store->root = NULL;
  return err;
}

/* EINVAL, EMSGSIZE: it is no store of ours, or not a whole one */
static int parse_text(ab_store *store, const char *text, size_t len, char *why) {
  int err = ab_store_parse(store, text, len);

  if (err == AIOBLE_ENOTSUP)
    AB_STORE_WHY_SET(why,
                     "%s was written by a later version of libaioble, or is a file of secrets "
                     "of MicroPython's aioble, for aioble_bonds_import()",
                     store->path);
  else if (err < 0 && err != AIOBLE_ENOMEM)
    AB_STORE_WHY_SET(why, "%s is corrupt", store->path);
  return err;
}

static int read_file(ab_store *store, char *why) {
  char *text = NULL;
  size_t len = 0;
  int err;

  store->stamp = ab_store_file_stamp(store->path);
  err = ab_store_file_read(store->env, store->path, !store->look, &text, &len, why);
  if (err < 0)
    return err;
  err = parse_text(store, text, len, why);
  ab_free_secret(store->env, text, len);
  return err;
}

static int read_ops(ab_store *store, char *why) {
  aioble_bytes_t given = {0};
  char *text;
  int err = store->ops->load(store->user, &given);

  if (err < 0) {
    AB_STORE_WHY_SET(why, "%s: %s", store->path, aioble_strerror(err));
    return err;
  }
  if (given.len > AB_STORE_MAX || (given.len && !given.data)) {
    AB_STORE_WHY_SET(why, "%s is corrupt", store->path);
    return AIOBLE_EMSGSIZE;
  }
  if (!(text = ab_memdup(store->env, given.data, given.len)))
    return AIOBLE_ENOMEM;
  err = parse_text(store, text, given.len, why);
  ab_free_secret(store->env, text, given.len);
  return err;
}

/* ---- opening ---- */

/* A place that cannot be written may still be read: then saving says why. */
static int take_lock(ab_store *store, char *why) {
  if (store->ops || store->look || store->lock >= 0)
    return 0;
  store->lock = ab_store_file_lock(store->env, store->path, why);
  return store->lock < 0 ? store->lock : 0;
}

static int set_aside(ab_store *store, char *why) {
  char to[PATH_MAX];
  int err = ab_store_file_set_aside(store->path, to, sizeof to, why);

  if (err < 0)
    return err;
  store->stamp = (ab_store_stamp){0};
  AB_STORE_WHY_SET(why, "the file is corrupt: kept as %.200s", to);
  return 0;
}

static int load(ab_store *store, char *why) {
  int err = take_lock(store, why);

  if (err == AIOBLE_EBUSY || err == AIOBLE_ENOMEM)
    return err;
  *why = '\0';
  err = store->ops ? read_ops(store, why) : read_file(store, why);
  if ((err == AIOBLE_EINVAL || err == AIOBLE_EMSGSIZE) && store->lock >= 0)
    err = set_aside(store, why);
  if (err == AIOBLE_ENOENT)
    *why = '\0';
  if (store->root || (err < 0 && err != AIOBLE_ENOENT))
    return err;
  store->root = empty_store();
  return store->root ? 0 : AIOBLE_ENOMEM;
}

ab_store *ab_store_open(ab_env *env, const ab_store_options *options, int *err, char *why) {
  const char *path = options->ops ? "the application's store" : options->path;
  ab_store *store = ab_zalloc(env, sizeof *store);

  *why = '\0';
  *err = AIOBLE_ENOMEM;
  if (!store)
    return NULL;
  *store =
      (ab_store){.env = env, .ops = options->ops, .user = options->user, .look = options->look};
  store->lock = -1;
  store->path = ab_strdup(env, path);
  if (store->path && (*err = load(store, why)) == 0)
    return store;
  ab_store_close(store);
  return NULL;
}

void ab_store_close(ab_store *store) {
  if (!store)
    return;
  if (store->lock >= 0)
    (void) close(store->lock);
  ab_store_delete(store->root);
  ab_free(store->env, store->path);
  ab_free(store->env, store);
}

const char *ab_store_path(const ab_store *store) {
  return store->path;
}

/* ---- writing ---- */

/* What could not be read again is not written: something has to go. */
static char *print(ab_store *store, int *err, char *why) {
  char *text;

  while (!(text = ab_store_print(store, err)) && *err == AIOBLE_EMSGSIZE)
    if (!ab_store_drop_peer(store)) {
      AB_STORE_WHY_SET(why, "%s would be longer than %d bytes", store->path, AB_STORE_MAX);
      break;
    }
  return text;
}

static bool is_ours(const ab_store *store) {
  ab_store_stamp now = ab_store_file_stamp(store->path);

  return !now.inode || ab_store_same_file(&now, &store->stamp);
}

/* what somebody else has written before it could be locked is theirs */
static int take_lock_late(ab_store *store, char *why) {
  int err = take_lock(store, why);

  if (err < 0 || is_ours(store))
    return err;
  (void) close(store->lock);
  store->lock = -1;
  AB_STORE_WHY_SET(why, "%s was written by another program meanwhile", store->path);
  return AIOBLE_EBUSY;
}

/* nobody should have changed it; so ours counts, but nothing is thrown away */
static int keep_changed(ab_store *store, char *why) {
  char to[PATH_MAX];
  int err = ab_store_file_set_aside(store->path, to, sizeof to, why);

  if (err == 0)
    ab_log(store->env, AB_LOG_WARN, "%s was changed while it was in use: kept as %s", store->path,
           to);
  return err;
}

static int may_write(ab_store *store, char *why) {
  if (store->lock < 0)
    return take_lock_late(store, why);
  return is_ours(store) ? 0 : keep_changed(store, why);
}

static int write_file(ab_store *store, const char *text, char *why) {
  int err = may_write(store, why);

  if (err < 0)
    return err;
  err = ab_store_file_write(store->env, store->path, text, strlen(text), why);
  store->stamp = ab_store_file_stamp(store->path);
  return err;
}

/* The answer may come before this has returned. */
static int write_ops(ab_store *store, const char *text, char *why) {
  int err;

  store->waiting = true;
  err = store->ops->save(store->user, (aioble_bytes_t){(const uint8_t *) text, strlen(text)});
  if (err != AIOBLE_SAVED_LATER)
    store->waiting = false;
  if (err < 0)
    AB_STORE_WHY_SET(why, "%s: %s", store->path, aioble_strerror(err));
  return err;
}

bool ab_store_dirty(const ab_store *store) {
  return store->dirty;
}

bool ab_store_waiting(const ab_store *store) {
  return store->waiting;
}

/* While one text is on its way the next one waits. */
int ab_store_flush(ab_store *store, char *why) {
  char *text;
  int err;

  *why = '\0';
  if (!store->dirty || store->waiting)
    return 0;
  if (store->look)
    return AIOBLE_EPERM;
  if (!(text = print(store, &err, why)))
    return err;
  store->dirty = false;
  err = store->ops ? write_ops(store, text, why) : write_file(store, text, why);
  ab_store_free_text(store, text);
  store->dirty |= err < 0;
  return err < 0 ? err : 0;
}

bool ab_store_saved(ab_store *store, int status) {
  bool waiting = store->waiting;

  store->waiting = false;
  store->dirty |= waiting && status < 0;
  return waiting;
}

/* ---- our address ---- */

bool ab_store_static_address(const ab_store *store, aioble_addr_t *addr) {
  const cJSON *identity = cJSON_GetObjectItemCaseSensitive(store->root, "identity");
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(identity, "static_address");
  aioble_addr_t found;

  if (!cJSON_IsString(text) ||
      aioble_addr_parse(&found, AIOBLE_ADDR_RANDOM, text->valuestring) < 0 ||
      aioble_addr_kind(&found) != AIOBLE_ADDR_KIND_STATIC)
    return false;
  *addr = found;
  return true;
}

cJSON *ab_store_object_in(cJSON *parent, const char *name) {
  cJSON *object = cJSON_GetObjectItemCaseSensitive(parent, name);

  if (cJSON_IsObject(object))
    return object;
  ab_store_delete(cJSON_DetachItemFromObjectCaseSensitive(parent, name));
  return cJSON_AddObjectToObject(parent, name);
}

/* What is replaced goes last: cJSON 1.7.15's own way of replacing loses both for lack of memory. */
int ab_store_set_member(cJSON *object, const char *name, cJSON *value) {
  cJSON *old;

  if (!object || !value || !cJSON_AddItemToObject(object, name, value)) {
    ab_store_delete(value);
    return AIOBLE_ENOMEM;
  }
  while ((old = cJSON_GetObjectItemCaseSensitive(object, name)) != value)
    ab_store_delete(cJSON_DetachItemViaPointer(object, old));
  return 0;
}

int ab_store_set_static_address(ab_store *store, const aioble_addr_t *addr) {
  char text[AIOBLE_ADDR_TEXT_SIZE];
  cJSON *identity = ab_store_object_in(store->root, "identity");
  int err = ab_store_set_member(identity, "static_address",
                                cJSON_CreateString(aioble_addr_text(addr, text)));

  store->dirty |= err == 0;
  return err;
}
