/* SPDX-License-Identifier: MIT */
/*
 * One table takes the place of another (Core Vol 3, Part G, 2.5.1 and 7.1):
 *
 *   1. Both are compared as a client sees them: types, UUIDs, properties, groups and includes, but
 *      no values. The range that has changed goes from the first difference to the last.
 *   2. Every link's configurations are carried over where their service is as it was. This takes
 * the memory that it needs, and can fail, before anything else is done.
 *   3. The values get the handles of the new table.
 *   4. If anything has changed, the links hear of it. Nobody waits for a value that is gone.
 */
#include "gatt/gatt_server_priv.h"

/* ---- 1. comparing ---- */

static bool same_octets(const void *a, size_t a_len, const void *b, size_t b_len) {
  return a_len == b_len && (!a_len || !memcmp(a, b, a_len));
}

static bool same_attr(const ab_gatt_attr *a, const ab_gatt_attr *b) {
  if (!a || !b)
    return a == b;
  if (a->kind != b->kind || a->type != b->type || a->end != b->end ||
      !same_octets(a->uuid.bytes, a->uuid.size, b->uuid.bytes, b->uuid.size))
    return false;
  if (a->kind == AB_GATT_KIND_CHAR)
    return a->value->props == b->value->props;
  /* the one value that is in the Database Hash */
  return a->type != AB_GATT_EXTENDED_PROPERTIES ||
         same_octets(a->value->data, a->value->len, b->value->data, b->value->len);
}

/* first 0: nothing. Marks what is the same in the new one. */
static ab_att_range compare(const ab_gatt_db *old, ab_gatt_db *db) {
  uint32_t n = old->n > db->n ? old->n : db->n;
  ab_att_range changed = {0, 0};

  for (uint32_t h = 1; h <= n; h++) {
    bool same = same_attr(ab_gatt_db_attr(old, h), ab_gatt_db_attr(db, h));

    if (h <= db->n)
      db->attrs[h - 1].mark = same;
    if (same)
      continue;
    changed.first = changed.first ? changed.first : (uint16_t) h;
    changed.last = (uint16_t) h;
  }
  return changed;
}

/* a service of which anything is not the same is another service */
static void mark_whole_services(ab_gatt_db *db) {
  for (uint32_t i = 0; i < db->n; i++) {
    uint32_t end = db->attrs[i].end;
    bool same = true;

    if (db->attrs[i].kind != AB_GATT_KIND_SERVICE)
      continue;
    for (uint32_t in = i; in < end; in++)
      same &= db->attrs[in].mark;
    for (; i < end; i++)
      db->attrs[i].mark = same;
    i = end - 1;
  }
}

/* ---- 2. configurations ---- */

static bool carry_over(ab_gatt_server_link *link, const ab_gatt_db *old, const ab_gatt_db *db) {
  uint32_t next = 0;

  if (!link->cccds)
    return true;
  if (!(link->next_cccds = ab_zalloc(db->env, db->n_cccds)))
    return false;
  for (uint32_t i = 0; i < db->n; i++) {
    const ab_gatt_attr *attr = &db->attrs[i];

    if (attr->kind != AB_GATT_KIND_CCCD)
      continue;
    if (attr->mark)
      link->next_cccds[next] = link->cccds[old->attrs[i].value->cccd];
    next++;
  }
  return true;
}

/* either all links, or none */
static bool carry_all_over(ab_gatt_server *server, const ab_gatt_db *db) {
  bool ok = true;

  AB_LIST_EACH(n, &server->links) {
    ok = ok && carry_over(ab_container_of(n, ab_gatt_server_link, node), server->db, db);
  }
  AB_LIST_EACH(n, &server->links) {
    ab_gatt_server_link *link = ab_container_of(n, ab_gatt_server_link, node);

    ab_free(server->env, ok ? link->cccds : link->next_cccds);
    if (ok)
      link->cccds = link->next_cccds;
    link->next_cccds = NULL;
  }
  return ok;
}

/* ---- 3. handles ---- */

static bool has_handles(const ab_gatt_attr *attr) {
  return attr->kind == AB_GATT_KIND_VALUE || attr->kind == AB_GATT_KIND_CCCD;
}

static void take_handles_away(const ab_gatt_db *db) {
  for (uint32_t i = 0; i < db->n; i++) {
    if (!has_handles(&db->attrs[i]))
      continue;
    db->attrs[i].value->handle = 0;
    db->attrs[i].value->cccd = AB_GATT_NO_CCCD;
  }
}

static void give_handles(const ab_gatt_db *db) {
  uint16_t cccds = 0;

  for (uint32_t i = 0; i < db->n; i++) {
    if (db->attrs[i].kind == AB_GATT_KIND_VALUE)
      db->attrs[i].value->handle = (uint16_t) (i + 1);
    else if (db->attrs[i].kind == AB_GATT_KIND_CCCD)
      db->attrs[i].value->cccd = cccds++;
  }
}

/* ---- all of it ---- */

static void use(ab_gatt_server *server, ab_gatt_db *db) {
  give_handles(db);
  server->db = db;
  memcpy(server->hash_octets, db->hash, sizeof db->hash);
}

static void tell(ab_gatt_server *server, const ab_att_range *changed) {
  AB_LIST_EACH(n, &server->links) {
    ab_gatt_server_link *link = ab_container_of(n, ab_gatt_server_link, node);

    ab_gatt_forget_prepared(link);
    ab_gatt_caching_changed(link, changed);
  }
}

int ab_gatt_server_install(ab_gatt_server *server, ab_gatt_db *db) {
  ab_gatt_db *old = server->db;
  ab_att_range changed;

  if (!old) {
    use(server, db);
    return 0;
  }
  changed = compare(old, db);
  mark_whole_services(db);
  if (!carry_all_over(server, db)) {
    ab_gatt_db_unref(db);
    return AIOBLE_ENOMEM;
  }
  take_handles_away(old);
  use(server, db);
  if (changed.first)
    tell(server, &changed);
  ab_gatt_leave_lines(server);
  ab_gatt_db_unref(old);
  return 0;
}
