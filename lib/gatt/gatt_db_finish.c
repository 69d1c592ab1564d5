/* SPDX-License-Identifier: MIT */
/*
 * What a table needs before it can be used (Core Vol 3, Part G):
 *
 *   1. Every include gets its value, from the service that its key names (3.2).
 *   2. No service includes itself, be it over others (2.6.3).
 *   3. The Database Hash (7.3): AES-CMAC with a key of zeroes over handle and type of declarations
 *      and of the descriptors that the specification defines, and over the value of those that say
 *      how the table is built.
 */
#include "crypto/crypto.h"
#include "gatt/gatt_server_priv.h"

/* ---- 1. includes ---- */

static bool resolve(const ab_gatt_db *db, ab_gatt_attr *include) {
  const ab_gatt_attr *service = ab_gatt_db_service(db, include->key);
  ab_wr w = ab_wr_of(include->uuid.bytes, sizeof include->uuid.bytes);

  if (!service)
    return false;
  ab_wr_le16(&w, ab_gatt_db_handle(db, service));
  ab_wr_le16(&w, service->end);
  if (service->uuid.size == 2)
    ab_wr_bytes(&w, service->uuid.bytes, 2);
  include->uuid.size = (uint8_t) ab_wr_len(&w);
  return true;
}

static bool resolve_all(const ab_gatt_db *db) {
  for (uint32_t i = 0; i < db->n; i++)
    if (db->attrs[i].kind == AB_GATT_KIND_INCLUDE && !resolve(db, &db->attrs[i]))
      return false;
  return true;
}

/* ---- 2. circles ---- */

static bool included_is_marked(const ab_gatt_db *db, const ab_gatt_attr *include) {
  ab_rd r = ab_rd_of(include->uuid.bytes, include->uuid.size);

  return ab_gatt_db_attr(db, ab_rd_le16(&r))->mark;
}

/* includes follow their service's declaration at once */
static bool includes_are_marked(const ab_gatt_db *db, const ab_gatt_attr *service) {
  const ab_gatt_attr *end = &db->attrs[service->end];

  for (const ab_gatt_attr *at = service + 1; at < end && at->kind == AB_GATT_KIND_INCLUDE; at++)
    if (!included_is_marked(db, at))
      return false;
  return true;
}

/* Marks each service that includes none but marked ones, until there is nothing left to mark: those
   that are left include each other. */
static bool has_circle(ab_gatt_db *db) {
  bool marked, left;

  for (uint32_t i = 0; i < db->n; i++)
    db->attrs[i].mark = false;
  do {
    marked = left = false;
    for (uint32_t i = 0; i < db->n; i++) {
      ab_gatt_attr *attr = &db->attrs[i];

      if (attr->kind != AB_GATT_KIND_SERVICE || attr->mark)
        continue;
      attr->mark = includes_are_marked(db, attr);
      marked |= attr->mark;
      left |= !attr->mark;
    }
  } while (marked && left);
  return left;
}

/* ---- 3. the hash ---- */

static void add_attr(ab_cmac *cmac, const ab_gatt_db *db, const ab_gatt_attr *attr) {
  bool named = attr->type >= AB_GATT_EXTENDED_PROPERTIES && attr->type <= AB_GATT_AGGREGATE_FORMAT;
  uint8_t octets[4 + 19]; /* a characteristic's declaration is the longest */
  ab_wr w = ab_wr_of(octets, sizeof octets);

  if (attr->kind == AB_GATT_KIND_NONE || (attr->kind == AB_GATT_KIND_VALUE && !named))
    return;
  ab_wr_le16(&w, ab_gatt_db_handle(db, attr));
  ab_wr_le16(&w, attr->type);
  if (attr->kind == AB_GATT_KIND_CHAR)
    ab_gatt_put_char(db, attr, &w);
  else if (attr->kind == AB_GATT_KIND_SERVICE || attr->kind == AB_GATT_KIND_INCLUDE)
    ab_wr_bytes(&w, attr->uuid.bytes, attr->uuid.size);
  ab_cmac_add(cmac, octets, ab_wr_len(&w));
  if (attr->type == AB_GATT_EXTENDED_PROPERTIES && attr->value->len)
    ab_cmac_add(cmac, attr->value->data, attr->value->len);
}

static bool make_hash(ab_gatt_db *db) {
  const uint8_t key[16] = {0};
  ab_cmac *cmac = ab_cmac_new(db->env, key);
  uint8_t mac[AB_GATT_HASH_SIZE];

  for (uint32_t i = 0; i < db->n; i++)
    add_attr(cmac, db, &db->attrs[i]);
  if (!ab_cmac_end(cmac, mac))
    return false;
  for (size_t i = 0; i < sizeof mac; i++)
    db->hash[i] = mac[sizeof mac - 1 - i];
  return true;
}

int ab_gatt_db_finish(ab_gatt_db *db) {
  if (db->status == 0 && (!resolve_all(db) || has_circle(db)))
    db->status = AIOBLE_EINVAL;
  if (db->status == 0 && !make_hash(db))
    db->status = AIOBLE_ENOMEM;
  return db->status;
}
