/* SPDX-License-Identifier: MIT */
/*
 * Clients that keep what they have discovered (Core Vol 3, Part G, 2.5.2 and 7): the values of the
 * GATT service, and who knows of a changed table.
 *
 * Service Changed (7.1) is indicated to whoever has subscribed to it, one at a time on each link;
 * ranges that change meanwhile are united, and follow the confirmation.
 *
 * A client that has set the bit for Robust Caching (7.2) is also guarded from its own mistakes
 * (2.5.2.1):
 *
 *   AWARE ----the table changes----> UNAWARE
 *   UNAWARE --a request by handle: Database Out Of Sync; or it reads the Database Hash--> TOLD
 *   TOLD -----another request, which is answered--> AWARE; told by an error on one bearer, the
 *             client may have sent those on others before: each has an error of its own
 *   either ---Service Changed confirmed--> AWARE
 *
 * Until it is aware its commands do nothing and nothing but Service Changed is sent to it.
 * Discovery is always answered: it is how a client comes to know the table.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

/* ---- Client Supported Features, 7.2: one for each link ---- */

enum { CLIENT_FEATURES_MAX = 8 }; /* octets; those behind the first are for later versions */

static uint8_t features_of(const ab_gatt_access *write) {
  ab_rd r = ab_rd_of(write->data, write->len);

  return ab_rd_u8(&r) & AB_GATT_CLIENT_FEATURES;
}

static int read_features(ab_gatt_value *value, ab_gatt_access *read) {
  (void) value;
  read->data = &read->link->features;
  read->len = 1;
  return 0;
}

/* a feature once set stays */
static int check_features(ab_gatt_value *value, ab_gatt_access *write) {
  (void) value;
  return write->link->features & ~features_of(write) ? AB_ATT_ERR_VALUE_NOT_ALLOWED : 0;
}

static void features_written(ab_gatt_value *value, const ab_gatt_access *write) {
  ab_gatt_server_link *link = write->link;
  uint8_t features = features_of(write);

  (void) value;
  link->dirty |= link->features != features;
  link->features = features;
}

static const ab_gatt_value_ops features_ops = {
    .read = read_features, .check = check_features, .written = features_written};

/* ---- the values of the GATT service ---- */

void ab_gatt_caching_init(ab_gatt_server *server) {
  ab_gatt_value_init(&server->service_changed, NULL, AIOBLE_INDICATE, 0);
  ab_gatt_value_init(&server->client_features, &features_ops, AIOBLE_READ | AIOBLE_WRITE,
                     CLIENT_FEATURES_MAX);
  ab_gatt_value_init(&server->hash, NULL, AIOBLE_READ, 0);
  server->hash.data = server->hash_octets;
  server->hash.len = sizeof server->hash_octets;
  ab_gatt_value_init(&server->features, NULL, AIOBLE_READ, 0);
  server->features.data = &server->features_octet;
  server->features.len = 1;
}

void ab_gatt_caching_close(ab_gatt_server *server) {
  ab_gatt_value_free(&server->client_features, server->env);
}

/* ---- Service Changed, 7.1 ---- */

/* the client knows the table as it is now */
static void in_sync(ab_gatt_server_link *link) {
  link->awareness = AB_GATT_AWARE;
  link->dirty = true;
  memcpy(link->hash, link->server->hash_octets, sizeof link->hash);
}

static void unite(ab_att_range *all, const ab_att_range *range) {
  if (!all->first || range->first < all->first)
    all->first = range->first;
  if (range->last > all->last)
    all->last = range->last;
}

static ab_att_req_fn on_confirmed;

/* Without memory the range waits for the next change. Of a client that is neither told nor robust
   nobody keeps account: it knows what it finds. */
static void indicate(ab_gatt_server_link *link) {
  const ab_gatt_value *value = &link->server->service_changed;
  uint8_t range[ab_att_range_size];
  ab_wr w = ab_wr_of(range, sizeof range);
  ab_buf *pdu;
  int status;

  if (link->changed_req.pending)
    return;
  if (ab_gatt_server_subscribed(link, value)) {
    ab_att_range_write(&w, &link->changed);
    pdu = ab_gatt_server_value_pdu(link->att, AB_ATT_INDICATION, value->handle, range, sizeof range,
                                   &status);
    if (!pdu)
      return;
    ab_att_request(link->att, &link->changed_req, pdu, on_confirmed);
  } else if (!(link->features & AB_GATT_ROBUST_CACHING)) {
    in_sync(link);
  }
  link->changed = (ab_att_range){0, 0};
}

/* on any failure the link ends: a bonded peer is told when it comes back */
static void on_confirmed(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_server_link *link = ab_container_of(req, ab_gatt_server_link, changed_req);

  (void) pdu;
  if (status < 0)
    return;
  if (link->changed.first)
    indicate(link);
  else
    in_sync(link);
}

void ab_gatt_caching_changed(ab_gatt_server_link *link, const ab_att_range *range) {
  if (link->features & AB_GATT_ROBUST_CACHING)
    link->awareness = AB_GATT_UNAWARE;
  link->dirty = true;
  unite(&link->changed, range);
  indicate(link);
}

/* ---- what a change-unaware client may do, 2.5.2.1 ---- */

/* The whole range is what discovery and a read of the Database Hash have; a part of it, for any
   type but declarations, is something that the client remembers. */
static bool reads_by_memory(const ab_att_range *range, const aioble_uuid_t *type) {
  return (range->first != 1 || range->last != UINT16_MAX) &&
         !aioble_uuid_equal(type, &AIOBLE_UUID16(AB_GATT_INCLUDE)) &&
         !aioble_uuid_equal(type, &AIOBLE_UUID16(AB_GATT_CHARACTERISTIC));
}

static uint8_t unaware_read_by_type(ab_gatt_server_link *link, ab_rd *pdu) {
  ab_att_range range;
  aioble_uuid_t type;
  const uint8_t *bytes;
  size_t len;

  ab_att_range_read(pdu, &range);
  bytes = ab_rd_rest(pdu, &len);
  if (aioble_uuid_from_bytes(&type, bytes, len) < 0)
    return 0; /* malformed: its handler says so */
  if (reads_by_memory(&range, &type))
    return AB_ATT_ERR_DATABASE_OUT_OF_SYNC;
  if (aioble_uuid_equal(&type, &AIOBLE_UUID16(AB_GATT_DATABASE_HASH))) {
    link->awareness = AB_GATT_TOLD;
    link->told = NULL;
  }
  return 0;
}

static uint8_t unaware_request(ab_gatt_server_link *link, uint8_t opcode, ab_rd *pdu) {
  switch (opcode) {
  case AB_ATT_FIND_INFO_REQ:
  case AB_ATT_FIND_TYPE_REQ:
  case AB_ATT_READ_GROUP_REQ:
  case AB_ATT_EXECUTE_WRITE_REQ:
    return 0;
  case AB_ATT_READ_TYPE_REQ:
    return unaware_read_by_type(link, pdu);
  default: /* by handle */
    return AB_ATT_ERR_DATABASE_OUT_OF_SYNC;
  }
}

uint8_t ab_gatt_caching_unaware(const ab_gatt_bearer *bearer, uint8_t opcode, ab_rd pdu) {
  ab_gatt_server_link *link = bearer->link;
  uint8_t code;

  if (opcode & AB_ATT_COMMAND_BIT)
    return AB_ATT_ERR_DATABASE_OUT_OF_SYNC; /* nobody hears of it */
  if (link->awareness == AB_GATT_TOLD && (!link->told || link->told == bearer)) {
    in_sync(link);
    return 0;
  }
  code = unaware_request(link, opcode, &pdu);
  if (code) {
    link->awareness = AB_GATT_TOLD;
    link->told = bearer;
  }
  return code;
}
