/* SPDX-License-Identifier: MIT */
#include "store/store_priv.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

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

static int start_empty(ab_store *store, char *why) {
  *why = '\0';
  store->root = empty_store();
  return store->root ? 0 : AIOBLE_ENOMEM;
}

static int set_aside(ab_store *store, char *why) {
  char to[PATH_MAX];
  int err = ab_store_file_set_aside(store->path, to, sizeof to, why);

  if (err < 0)
    return err;
  ab_log(store->env, AB_LOG_ERROR, "%s is corrupt: kept as %s, starting with an empty store",
         store->path, to);
  return start_empty(store, why);
}

int ab_store_parse(ab_store *store, const char *text, size_t len) {
  double version;

  /* nothing but white space may follow the object */
  store->root = strlen(text) == len ? cJSON_ParseWithLengthOpts(text, len + 1, NULL, true) : NULL;
  version = version_of(store->root);
  if (version == VERSION) {
    ab_store_check_peers(store);
    return 0;
  }
  ab_store_delete(store->root);
  store->root = NULL;
  return version > VERSION ? AIOBLE_ENOTSUP : AIOBLE_EINVAL;
}

static int load(ab_store *store, char *why) {
  char *text = NULL;
  size_t len = 0;
  int err = ab_store_file_read(store->env, store->path, &text, &len, why);

  if (err == AIOBLE_ENOENT)
    return start_empty(store, why);
  if (err == AIOBLE_EMSGSIZE)
    return set_aside(store, why);
  if (err < 0)
    return err;
  err = ab_store_parse(store, text, len);
  explicit_bzero(text, len);
  ab_free(store->env, text);
  if (err == AIOBLE_ENOTSUP)
    AB_STORE_WHY_SET(why, "%s was written by a later version of libaioble", store->path);
  return err == AIOBLE_EINVAL ? set_aside(store, why) : err;
}

ab_store *ab_store_open(ab_env *env, const char *path, const char *adapter, int *err, char *why) {
  ab_store *store = ab_zalloc(env, sizeof *store);

  *why = '\0';
  *err = AIOBLE_ENOMEM;
  if (!store)
    return NULL;
  store->env = env;
  store->path = path ? ab_strdup(env, path) : ab_store_file_default(env, adapter, err, why);
  if (!store->path || (*err = load(store, why)) < 0) {
    ab_store_close(store);
    return NULL;
  }
  return store;
}

void ab_store_close(ab_store *store) {
  if (!store)
    return;
  ab_store_delete(store->root);
  ab_free(store->env, store->path);
  ab_free(store->env, store);
}

const char *ab_store_path(const ab_store *store) {
  return store->path;
}

bool ab_store_dirty(const ab_store *store) {
  return store->dirty;
}

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

int ab_store_flush(ab_store *store, char *why) {
  char *text;
  int err;

  *why = '\0';
  if (!store->dirty)
    return 0;
  if (!(text = print(store, &err, why)))
    return err;
  err = ab_store_file_write(store->env, store->path, text, strlen(text), why);
  ab_store_free_text(store, text);
  store->dirty = err < 0;
  return err;
}

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

int ab_store_set_static_address(ab_store *store, const aioble_addr_t *addr, char *why) {
  char text[AIOBLE_ADDR_TEXT_SIZE];
  cJSON *identity = ab_store_object_in(store->root, "identity");
  int err;

  *why = '\0';
  err = ab_store_set_member(identity, "static_address",
                            cJSON_CreateString(aioble_addr_text(addr, text)));
  if (err < 0)
    return err;
  store->dirty = true;
  return ab_store_flush(store, why);
}
