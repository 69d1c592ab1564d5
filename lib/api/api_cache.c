/* SPDX-License-Identifier: MIT */
/*
 * Asking a peer, in the background and as anybody else would, to tell us when its attribute table
 * changes (Core Vol 3, Part G, 7):
 *
 *   1. find the GATT service
 *   2. Client Supported Features, 7.2: read it, set the bit for robust caching, leave the others
 *   3. Service Changed, 7.1: subscribe to its indications
 *
 * What the peer does not have, or refuses, is left out. Unless 3 succeeds, or there is no such
 * thing, the next link tries again.
 */
#include "api/api_client.h"
#include "host/host.h"

enum { GATT_SERVICE = 0x1801, SERVICE_CHANGED = 0x2a05, CLIENT_FEATURES = 0x2b29 };

typedef struct asking {
  aioble_conn_t *conn; /* a reference, as are the next two */
  aioble_client_service_t *service;
  aioble_client_char_t *chr; /* the one being worked on */
} asking;

static void end(asking *a, int status) {
  aioble_conn_t *conn = a->conn;
  bool asked = status == 0 || status == AIOBLE_ENOENT;

  conn->cache.asking = false;
  conn->cache.asked = asked;
  conn->cache.table.dirty |= asked;
  aioble_client_char_unref(a->chr);
  aioble_client_service_unref(a->service);
  ab_free(&conn->ble->env, a);
  aioble_conn_unref(conn);
}

/* the ATT transaction's own time limit will do: the application's requests may be before ours */
static void then(aioble_op_t *op, aioble_op_fn *fn, asking *a) {
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  aioble_op_then(op, fn, a);
}

static void take_char(asking *a, aioble_op_t *op) {
  aioble_client_char_unref(a->chr);
  a->chr = aioble_client_char_ref(aioble_op_char(op));
}

/* ---- 3 ---- */

static void on_subscribed(aioble_op_t *op, int status, void *user) {
  (void) op;
  end(user, status);
}

static void on_service_changed(aioble_op_t *op, int status, void *user) {
  asking *a = user;

  if (status < 0) {
    end(a, status);
    return;
  }
  take_char(a, op);
  ab_host_cache_listen(a->conn, aioble_client_char_handle(a->chr));
  then(aioble_client_char_subscribe(a->chr, AIOBLE_SUBSCRIBE_INDICATE), on_subscribed, a);
}

static void subscribe(asking *a) {
  then(aioble_client_service_char(a->service, AIOBLE_UUID16(SERVICE_CHANGED)), on_service_changed,
       a);
}

/* ---- 2 ---- */

static void on_written(aioble_op_t *op, int status, void *user) {
  (void) op;
  (void) status;
  subscribe(user);
}

static void on_features(aioble_op_t *op, int status, void *user) {
  asking *a = user;
  uint8_t features[AB_ATT_VALUE_MAX] = {0};
  ab_rd r = ab_rd_of(aioble_op_value(op).data, aioble_op_value(op).len);
  size_t len = ab_rd_left(&r);

  ab_rd_copy(&r, features, len);
  if (status < 0 || features[0] & AB_GATT_ROBUST_CACHING) {
    subscribe(a);
  } else {
    features[0] |= AB_GATT_ROBUST_CACHING;
    features[0] |= a->conn->eatt ? AB_GATT_EATT : 0; /* it may be set meanwhile, and then stays */
    then(aioble_client_char_write(a->chr, features, len ? len : 1, AIOBLE_WRITE_REQUEST),
         on_written, a);
  }
}

static void on_features_char(aioble_op_t *op, int status, void *user) {
  asking *a = user;

  if (status < 0) {
    subscribe(a);
  } else {
    take_char(a, op);
    then(aioble_client_char_read(a->chr), on_features, a);
  }
}

/* ---- 1 ---- */

static void on_service(aioble_op_t *op, int status, void *user) {
  asking *a = user;

  if (status < 0) {
    end(a, status);
    return;
  }
  a->service = aioble_client_service_ref(aioble_op_service(op));
  then(aioble_client_service_char(a->service, AIOBLE_UUID16(CLIENT_FEATURES)), on_features_char, a);
}

void ab_client_ask_for_changes(aioble_conn_t *conn) {
  asking *a = ab_zalloc(&conn->ble->env, sizeof *a);

  if (!a)
    return;
  a->conn = aioble_conn_ref(conn);
  conn->cache.asking = true;
  then(aioble_conn_service(conn, AIOBLE_UUID16(GATT_SERVICE)), on_service, a);
}
