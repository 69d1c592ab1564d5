/* SPDX-License-Identifier: MIT */
/*
 * The attribute table (Core Vol 3, Part F, 3.2; Part G, 3): one array in order of handles, so a
 * handle is an index; a service that was removed leaves a gap. A table is filled and finished, then
 * only read; another one, which may begin as its copy, replaces it.
 *
 * A declaration's value is put together when it is read, that of an include when the table is
 * finished: by then the included service has its handles.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

#include <string.h>

/* ---- types ---- */

aioble_uuid_t ab_gatt_uuid(const aioble_uuid_t *uuid) {
  enum { SHORT_AT = 12 };
  aioble_uuid_t wide, narrow;
  ab_rd r;

  if (uuid->size == 2)
    return *uuid;
  wide = aioble_uuid_to128(uuid);
  r = ab_rd_of(wide.bytes, sizeof wide.bytes);
  ab_rd_take(&r, SHORT_AT);
  narrow = aioble_uuid16(ab_rd_le16(&r));
  return aioble_uuid_equal(&narrow, &wide) ? narrow : wide;
}

static uint16_t short_type(const aioble_uuid_t *uuid) {
  ab_rd r = ab_rd_of(uuid->bytes, uuid->size);

  return uuid->size == 2 ? ab_rd_le16(&r) : 0;
}

aioble_uuid_t ab_gatt_attr_type(const ab_gatt_attr *attr) {
  return attr->type ? aioble_uuid16(attr->type) : attr->uuid;
}

const ab_gatt_attr *ab_gatt_db_find(const ab_gatt_db *db, uint32_t first, uint16_t last,
                                    const aioble_uuid_t *type) {
  uint16_t wanted = short_type(type);
  bool services = wanted == AB_GATT_PRIMARY_SERVICE || wanted == AB_GATT_SECONDARY_SERVICE;
  uint32_t end = last < db->n ? last : db->n;
  const ab_gatt_attr *attr;

  for (uint32_t h = first; h && h <= end; h++) {
    attr = &db->attrs[h - 1];
    if (attr->type == wanted && (wanted || !memcmp(&attr->uuid, type, sizeof *type)))
      return attr;
    if (services && attr->kind == AB_GATT_KIND_SERVICE)
      h = attr->end;
  }
  return NULL;
}

/* ---- filling ---- */

/* notes the first error, if this is one (not 0); whether there has been any */
static bool failed(ab_gatt_db *db, int status) {
  if (db->status == 0)
    db->status = status;
  return db->status < 0;
}

/* one attribute more at the end; false: it failed */
static bool grow(ab_gatt_db *db) {
  uint32_t room = db->room ? db->room * 2 : 32;
  ab_gatt_attr *attrs;

  if (db->n == UINT16_MAX)
    return !failed(db, AIOBLE_ENOBUFS);
  if (db->n == db->room) {
    if (!(attrs = ab_resize(db->env, db->attrs, room * sizeof *attrs)))
      return !failed(db, AIOBLE_ENOMEM);
    db->attrs = attrs;
    db->room = room;
  }
  db->n++;
  return true;
}

static ab_gatt_attr *add(ab_gatt_db *db, ab_gatt_kind kind, uint16_t type) {
  uint16_t handle;

  if (failed(db, db->next == db->limit ? AIOBLE_EINVAL : 0))
    return NULL;
  if (db->next == db->n && !grow(db))
    return NULL;
  handle = (uint16_t) ++db->next;
  if (kind == AB_GATT_KIND_SERVICE) {
    db->service = handle;
    db->chr = 0;
  } else if (kind == AB_GATT_KIND_CHAR) {
    db->chr = handle;
  }
  db->attrs[handle - 1] =
      (ab_gatt_attr){.kind = (uint8_t) kind, .type = type, .access = AIOBLE_READ, .end = handle};
  db->attrs[db->service - 1].end = handle;
  if (db->chr)
    db->attrs[db->chr - 1].end = handle;
  return &db->attrs[handle - 1];
}

static uint32_t gap_at(const ab_gatt_db *db, uint32_t at) {
  uint32_t end = at;

  while (end < db->n && db->attrs[end].kind == AB_GATT_KIND_NONE)
    end++;
  return end - at;
}

/* where a service of so many attributes goes. Gaps lie between services, so the search goes from
   one to the next, and begins behind those that have none in front of them. */
static uint32_t find_place(ab_gatt_db *db, uint32_t attrs) {
  uint32_t at, gap;

  while (db->packed < db->n && db->attrs[db->packed].kind != AB_GATT_KIND_NONE)
    db->packed = db->attrs[db->packed].end;
  for (at = db->packed; at < db->n; at = db->attrs[at + gap].end)
    if ((gap = gap_at(db, at)) >= attrs)
      return at;
  return db->n;
}

void ab_gatt_db_add_service(ab_gatt_db *db, const aioble_uuid_t *uuid, bool secondary,
                            const void *key, uint32_t attrs) {
  ab_gatt_attr *attr;

  db->next = attrs ? find_place(db, attrs) : db->n;
  db->limit = attrs ? db->next + attrs : UINT32_MAX;
  attr = add(db, AB_GATT_KIND_SERVICE,
             secondary ? AB_GATT_SECONDARY_SERVICE : AB_GATT_PRIMARY_SERVICE);
  if (!attr)
    return;
  attr->uuid = ab_gatt_uuid(uuid);
  attr->key = key;
}

void ab_gatt_db_add_include(ab_gatt_db *db, const void *key) {
  ab_gatt_attr *attr;

  if (failed(db, db->chr ? AIOBLE_EINVAL : 0))
    return;
  if ((attr = add(db, AB_GATT_KIND_INCLUDE, AB_GATT_INCLUDE)))
    attr->key = key;
}

void ab_gatt_db_add_desc(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value) {
  aioble_uuid_t type = ab_gatt_uuid(uuid);
  ab_gatt_attr *attr = add(db, AB_GATT_KIND_VALUE, short_type(&type));

  if (!attr)
    return;
  attr->uuid = type;
  attr->value = value;
  attr->access =
      value->props & (AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_SIGNED_WRITE);
}

void ab_gatt_db_add_char(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value) {
  ab_gatt_attr *attr = add(db, AB_GATT_KIND_CHAR, AB_GATT_CHARACTERISTIC);

  if (!attr)
    return;
  attr->uuid = ab_gatt_uuid(uuid);
  attr->value = value;
  ab_gatt_db_add_desc(db, uuid, value);
  if (!(value->props & (AIOBLE_NOTIFY | AIOBLE_INDICATE)))
    return;
  if ((attr = add(db, AB_GATT_KIND_CCCD, AB_GATT_CCCD))) {
    attr->value = value;
    attr->access = AIOBLE_READ | AIOBLE_WRITE;
    db->n_cccds++;
  }
}

void ab_gatt_put_char(const ab_gatt_db *db, const ab_gatt_attr *attr, ab_wr *w) {
  ab_wr_u8(w, attr->value->props);
  ab_wr_le16(w, (uint16_t) (ab_gatt_db_handle(db, attr) + 1)); /* the value is the next one */
  ab_wr_bytes(w, attr->uuid.bytes, attr->uuid.size);
}

/* ---- emptying ---- */

ab_gatt_attr *ab_gatt_db_service(const ab_gatt_db *db, const void *key) {
  for (uint32_t at = 0; at < db->n; at++) {
    ab_gatt_attr *attr = &db->attrs[at];

    if (attr->kind != AB_GATT_KIND_SERVICE)
      continue;
    if (key && attr->key == key)
      return attr;
    at = attr->end - 1u;
  }
  return NULL;
}

void ab_gatt_db_remove_service(ab_gatt_db *db, const void *key) {
  ab_gatt_attr *service = ab_gatt_db_service(db, key);
  uint32_t first, end;

  if (failed(db, service ? 0 : AIOBLE_EINVAL) || !service)
    return;
  first = ab_gatt_db_handle(db, service) - 1u;
  end = service->end;
  for (uint32_t at = first; at < end; at++) {
    db->n_cccds -= db->attrs[at].kind == AB_GATT_KIND_CCCD;
    db->attrs[at] = (ab_gatt_attr){0};
  }
  while (db->n && db->attrs[db->n - 1].kind == AB_GATT_KIND_NONE)
    db->n--;
  if (db->packed > first)
    db->packed = first;
  db->next = db->limit = 0;
}

/* ---- tables ---- */

/* Part C, 12.1 and 12.2; Part G, 7 */
static void add_own_services(ab_gatt_db *db, ab_gatt_server *server) {
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x1800), false, NULL, 0);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a00), &server->name);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a01), &server->appearance);
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x1801), false, NULL, 0);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a05), &server->service_changed);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2b29), &server->client_features);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(AB_GATT_DATABASE_HASH), &server->hash);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2b3a), &server->features);
}

ab_gatt_db *ab_gatt_db_new_empty(ab_env *env) {
  ab_gatt_db *db = ab_zalloc(env, sizeof *db);

  if (!db)
    return NULL;
  db->env = env;
  db->refs = 1;
  return db;
}

ab_gatt_db *ab_gatt_db_new(ab_gatt_server *server) {
  ab_gatt_db *db = ab_gatt_db_new_empty(server->env);

  if (db)
    add_own_services(db, server);
  return db;
}

ab_gatt_db *ab_gatt_db_copy(const ab_gatt_server *server) {
  const ab_gatt_db *from = server->db;
  ab_gatt_db *db = ab_gatt_db_new_empty(server->env);

  if (!db)
    return NULL;
  if (!(db->attrs = ab_memdup(db->env, from->attrs, from->n * sizeof *from->attrs))) {
    ab_gatt_db_unref(db);
    return NULL;
  }
  db->n = db->room = from->n;
  db->n_cccds = from->n_cccds;
  db->packed = from->packed;
  return db;
}

void ab_gatt_db_set_owner(ab_gatt_db *db, void *owner, void (*release)(void *owner)) {
  db->owner = owner;
  db->release = release;
}

void ab_gatt_db_unref(ab_gatt_db *db) {
  if (!db || --db->refs)
    return;
  if (db->release)
    db->release(db->owner);
  ab_free(db->env, db->attrs);
  ab_free(db->env, db);
}
