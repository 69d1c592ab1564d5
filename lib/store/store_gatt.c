/* SPDX-License-Identifier: MIT */
/*
 * The parts of a peer that are about GATT, to and from JSON. Reading believes nothing but the
 * form: one member that is not as store.h has it makes the whole part unusable. Whether a table
 * of attributes makes sense is for its user to judge.
 */
#include "store/store_priv.h"

#include <string.h>

#define CLIENT "gatt_client"
#define SERVER "gatt_server"

static const char *const kind_names[] = {
    [AB_STORE_PRIMARY] = "primary",     [AB_STORE_SECONDARY] = "secondary",
    [AB_STORE_SERVICE] = "service",     [AB_STORE_INCLUDE] = "include",
    [AB_STORE_CHAR] = "characteristic", [AB_STORE_DESC] = "descriptor",
};
static const char *const unlisted_names[] = {"unlisted_primary", "unlisted_secondary"};

/* ---- reading ---- */

static bool hash_in(const cJSON *object, uint8_t hash[AB_STORE_HASH_LEN]) {
  memset(hash, 0, AB_STORE_HASH_LEN);
  return !cJSON_GetObjectItemCaseSensitive(object, "hash") ||
         ab_store_octets_in(object, "hash", hash, AB_STORE_HASH_LEN);
}

static bool range_in(const cJSON *object, const char *name, ab_store_range *range) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
  const cJSON *first = list ? list->child : NULL;

  *range = (ab_store_range){.first = 1, .last = 0};
  if (!first)
    return !list || cJSON_IsArray(list);
  return cJSON_IsArray(list) && first->next && !first->next->next &&
         ab_store_number(first, UINT16_MAX, &range->first) &&
         ab_store_number(first->next, UINT16_MAX, &range->last) && range->first > 0 &&
         range->first <= range->last;
}

static bool kind_in(const cJSON *object, ab_store_kind *kind) {
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, "kind");

  for (size_t i = 0; cJSON_IsString(text) && i < sizeof kind_names / sizeof *kind_names; i++)
    if (strcmp(text->valuestring, kind_names[i]) == 0) {
      *kind = (ab_store_kind) i;
      return true;
    }
  return false;
}

static bool uuid_in(const cJSON *object, aioble_uuid_t *uuid) {
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, "uuid");

  return cJSON_IsString(text) && aioble_uuid_parse(uuid, text->valuestring) == 0;
}

/* an entry of a list: its handle; 0: it makes no sense */
typedef uint16_t read_entry(const cJSON *object, void *out);

static uint16_t read_attr(const cJSON *object, void *out) {
  ab_store_attr *attr = out;

  return ab_store_number_in(object, "handle", &attr->handle) && kind_in(object, &attr->kind) &&
                 uuid_in(object, &attr->uuid) && ab_store_number_in(object, "last", &attr->last) &&
                 ab_store_number_in(object, "value", &attr->value) &&
                 ab_store_number_in(object, "includes_to", &attr->includes_to) &&
                 ab_store_number_in(object, "contents_to", &attr->contents_to) &&
                 ab_store_octet_in(object, "properties", &attr->properties)
             ? attr->handle
             : 0;
}

static uint16_t read_subscription(const cJSON *object, void *out) {
  ab_store_subscription *subscription = out;

  return ab_store_number_in(object, "handle", &subscription->handle) &&
                 ab_store_number_in(object, "value", &subscription->value)
             ? subscription->handle
             : 0;
}

typedef struct list_kind {
  const char *name;
  size_t size; /* of an entry */
  unsigned max;
  read_entry *read;
} list_kind;

static const list_kind attributes = {"attributes", sizeof(ab_store_attr), AB_STORE_ATTRS_MAX,
                                     read_attr};
static const list_kind subscriptions = {"subscriptions", sizeof(ab_store_subscription),
                                        AB_STORE_SUBSCRIPTIONS_MAX, read_subscription};

/* handles ascend */
static bool read_entries(const list_kind *kind, const cJSON *list, uint8_t *out) {
  const cJSON *object;
  uint16_t before = 0;
  size_t i = 0;

  cJSON_ArrayForEach(object, list) {
    uint16_t handle = kind->read(object, out + i++ * kind->size);

    if (handle <= before)
      return false;
    before = handle;
  }
  return true;
}

/* the list as an array, allocated; NULL with 0: it is empty; EINVAL, ENOMEM */
static int list_in(ab_env *env, const list_kind *kind, const cJSON *part, unsigned *n, void **out) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(part, kind->name);

  *out = NULL;
  *n = (unsigned) cJSON_GetArraySize(list);
  if ((list && !cJSON_IsArray(list)) || *n > kind->max)
    return AIOBLE_EINVAL;
  if (*n == 0)
    return 0;
  if (!(*out = ab_zalloc(env, *n * kind->size)))
    return AIOBLE_ENOMEM;
  if (read_entries(kind, list, *out))
    return 0;
  ab_free(env, *out);
  *out = NULL;
  return AIOBLE_EINVAL;
}

int ab_store_gatt_client_of(const ab_store *store, const aioble_addr_t *peer,
                            ab_store_gatt_client *client) {
  const cJSON *part = ab_store_part(store, peer, CLIENT);
  void *attrs = NULL;
  int err = AIOBLE_EINVAL;

  *client = (ab_store_gatt_client){0};
  if (!part)
    return AIOBLE_ENOENT;
  if (cJSON_IsObject(part) && hash_in(part, client->hash) &&
      ab_store_bool_in(part, "changes_asked", &client->changes_asked) &&
      range_in(part, unlisted_names[0], &client->unlisted[0]) &&
      range_in(part, unlisted_names[1], &client->unlisted[1]))
    err = list_in(store->env, &attributes, part, &client->n, &attrs);
  client->attrs = attrs;
  return ab_store_result(store, peer, CLIENT, err);
}

int ab_store_gatt_server_of(const ab_store *store, const aioble_addr_t *peer,
                            ab_store_gatt_server *server) {
  const cJSON *part = ab_store_part(store, peer, SERVER);
  void *entries = NULL;
  int err = AIOBLE_EINVAL;

  *server = (ab_store_gatt_server){0};
  if (!part)
    return AIOBLE_ENOENT;
  if (cJSON_IsObject(part) && hash_in(part, server->hash) &&
      ab_store_octet_in(part, "features", &server->features))
    err = list_in(store->env, &subscriptions, part, &server->n, &entries);
  server->subscriptions = entries;
  return ab_store_result(store, peer, SERVER, err);
}

/* ---- writing: each adds to an object or a list; false: out of memory ---- */

static bool put_hash(cJSON *object, const uint8_t hash[AB_STORE_HASH_LEN]) {
  return ab_store_put_octets(object, "hash", hash, AB_STORE_HASH_LEN);
}

static bool put_range(cJSON *object, const char *name, const ab_store_range *range) {
  const int numbers[] = {range->first, range->last};
  cJSON *list = cJSON_CreateIntArray(numbers, range->first && range->first <= range->last ? 2 : 0);

  if (cJSON_AddItemToObject(object, name, list))
    return true;
  ab_store_delete(list);
  return false;
}

static bool put_uuid(cJSON *object, const aioble_uuid_t *uuid) {
  char text[AIOBLE_UUID_TEXT_SIZE];

  return cJSON_AddStringToObject(object, "uuid", aioble_uuid_text(uuid, text));
}

/* a new object at the end of a list */
static cJSON *put_entry(cJSON *list) {
  cJSON *object = cJSON_CreateObject();

  if (object)
    (void) cJSON_AddItemToArray(list, object);
  return object;
}

static bool put_attr(cJSON *list, const ab_store_attr *attr) {
  cJSON *object = put_entry(list);

  return object && ab_store_put_number(object, "handle", attr->handle) &&
         cJSON_AddStringToObject(object, "kind", kind_names[attr->kind]) &&
         put_uuid(object, &attr->uuid) && ab_store_put_number(object, "last", attr->last) &&
         ab_store_put_number(object, "value", attr->value) &&
         ab_store_put_number(object, "properties", attr->properties) &&
         ab_store_put_number(object, "includes_to", attr->includes_to) &&
         ab_store_put_number(object, "contents_to", attr->contents_to);
}

static bool put_subscription(cJSON *list, const ab_store_subscription *subscription) {
  cJSON *object = put_entry(list);

  return object && ab_store_put_number(object, "handle", subscription->handle) &&
         ab_store_put_number(object, "value", subscription->value);
}

static cJSON *client_part(const ab_store_gatt_client *client) {
  cJSON *part = cJSON_CreateObject(), *list;
  bool ok = part && put_hash(part, client->hash) &&
            cJSON_AddBoolToObject(part, "changes_asked", client->changes_asked) &&
            put_range(part, unlisted_names[0], &client->unlisted[0]) &&
            put_range(part, unlisted_names[1], &client->unlisted[1]) &&
            (list = cJSON_AddArrayToObject(part, attributes.name));

  for (unsigned i = 0; ok && i < client->n; i++)
    ok = put_attr(list, &client->attrs[i]);
  return ab_store_whole(part, ok);
}

static cJSON *server_part(const ab_store_gatt_server *server) {
  cJSON *part = cJSON_CreateObject(), *list;
  bool ok = part && cJSON_AddNumberToObject(part, "features", server->features) &&
            put_hash(part, server->hash) &&
            (list = cJSON_AddArrayToObject(part, subscriptions.name));

  for (unsigned i = 0; ok && i < server->n; i++)
    ok = put_subscription(list, &server->subscriptions[i]);
  return ab_store_whole(part, ok);
}

int ab_store_set_gatt_client(ab_store *store, const aioble_addr_t *peer,
                             const ab_store_gatt_client *client) {
  if (client)
    return ab_store_set_part(store, peer, CLIENT, client_part(client));
  ab_store_remove_part(store, peer, CLIENT);
  return 0;
}

int ab_store_set_gatt_server(ab_store *store, const aioble_addr_t *peer,
                             const ab_store_gatt_server *server) {
  if (server)
    return ab_store_set_part(store, peer, SERVER, server_part(server));
  ab_store_remove_part(store, peer, SERVER);
  return 0;
}
