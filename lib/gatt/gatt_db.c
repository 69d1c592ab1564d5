/* SPDX-License-Identifier: MIT */
/*
 * The attribute table (Core Vol 3, Part F, 3.2; Part G, 3): one array in order of handles, without
 * gaps, so a handle is an index. A table is filled once, then only read; another one replaces it.
 * Declarations hold no octets: their values are put together when they are read.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

#include <string.h>

/* ---- values ---- */

void ab_gatt_value_init(ab_gatt_value *value, const ab_gatt_value_ops *ops, uint8_t props,
                        uint16_t max_len) {
  *value = (ab_gatt_value){.ops = ops, .props = props, .max_len = max_len, .cccd = AB_GATT_NO_CCCD};
}

void ab_gatt_value_free(ab_gatt_value *value, ab_env *env) {
  if (value->room)
    ab_free(env, value->data);
  value->data = NULL;
  value->len = value->room = 0;
}

bool ab_gatt_value_put(ab_gatt_value *value, ab_env *env, size_t at, const void *data, size_t len) {
  size_t room = (at + len + 15) & ~(size_t) 15;
  uint8_t *grown;

  if (at + len > value->room) {
    /* not resized in place: data may be part of the old octets */
    if (!(grown = ab_alloc(env, room)))
      return false;
    if (at)
      memcpy(grown, value->data, at);
    memcpy(grown + at, data, len);
    ab_gatt_value_free(value, env);
    value->data = grown;
    value->room = (uint16_t) room;
  } else if (len) {
    memmove(value->data + at, data, len);
  }
  value->len = (uint16_t) (at + len);
  return true;
}

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

static bool make_room(ab_gatt_db *db) {
  uint32_t room = db->room ? db->room * 2 : 32;
  ab_gatt_attr *attrs;

  if (db->status == 0 && db->n == UINT16_MAX)
    db->status = AIOBLE_ENOBUFS;
  if (db->status < 0)
    return false;
  if (db->n < db->room)
    return true;
  if (!(attrs = ab_resize(db->env, db->attrs, room * sizeof *attrs))) {
    db->status = AIOBLE_ENOMEM;
    return false;
  }
  db->attrs = attrs;
  db->room = room;
  return true;
}

static ab_gatt_attr *add(ab_gatt_db *db, ab_gatt_kind kind, uint16_t type) {
  uint16_t handle = (uint16_t) (db->n + 1);

  if (!make_room(db))
    return NULL;
  if (kind == AB_GATT_KIND_SERVICE) {
    db->service = handle;
    db->chr = 0;
  } else if (kind == AB_GATT_KIND_CHAR) {
    db->chr = handle;
  }
  db->attrs[db->n++] =
      (ab_gatt_attr){.kind = (uint8_t) kind, .type = type, .access = AIOBLE_READ, .end = handle};
  db->attrs[db->service - 1].end = handle;
  if (db->chr)
    db->attrs[db->chr - 1].end = handle;
  return &db->attrs[handle - 1];
}

void ab_gatt_db_add_service(ab_gatt_db *db, const aioble_uuid_t *uuid) {
  ab_gatt_attr *attr = add(db, AB_GATT_KIND_SERVICE, AB_GATT_PRIMARY_SERVICE);

  if (attr)
    attr->uuid = ab_gatt_uuid(uuid);
}

void ab_gatt_db_add_desc(ab_gatt_db *db, const aioble_uuid_t *uuid, ab_gatt_value *value) {
  aioble_uuid_t type = ab_gatt_uuid(uuid);
  ab_gatt_attr *attr = add(db, AB_GATT_KIND_VALUE, short_type(&type));

  if (!attr)
    return;
  attr->uuid = type;
  attr->value = value;
  attr->access = value->props & (AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP);
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

/* Part C, 12.1 and 12.2; Part G, 7.1 */
static void add_own_services(ab_gatt_db *db, ab_gatt_server *server) {
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x1800));
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a00), &server->name);
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a01), &server->appearance);
  ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x1801));
  ab_gatt_db_add_char(db, &AIOBLE_UUID16(0x2a05), &server->service_changed);
  db->first_handle = (uint16_t) (db->n + 1);
}

ab_gatt_db *ab_gatt_db_new(ab_gatt_server *server) {
  ab_gatt_db *db = ab_zalloc(server->env, sizeof *db);

  if (!db)
    return NULL;
  db->env = server->env;
  db->refs = 1;
  add_own_services(db, server);
  return db;
}

int ab_gatt_db_status(const ab_gatt_db *db) {
  return db->status;
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
