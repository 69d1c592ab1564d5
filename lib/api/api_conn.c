/* SPDX-License-Identifier: MIT */
/* Devices and connections: references, what they are, disconnecting, RSSI, MTU. */
#include "host/host.h"

/* ---- devices ---- */

aioble_device_t *aioble_device_new(aioble_t *ble, const aioble_addr_t *addr) {
  aioble_device_t *device = ble && addr ? ab_alloc(&ble->env, sizeof *device) : NULL;

  if (!device)
    return NULL;
  *device = (aioble_device_t){.ble = aioble_ref(ble), .addr = *addr, .refs = 1};
  return device;
}

aioble_device_t *aioble_device_ref(aioble_device_t *device) {
  if (device)
    device->refs++;
  return device;
}

aioble_device_t *aioble_device_unref(aioble_device_t *device) {
  aioble_t *ble;

  if (!device || --device->refs)
    return NULL;
  ble = device->ble;
  ab_free(&ble->env, device);
  aioble_unref(ble);
  return NULL;
}

const aioble_addr_t *aioble_device_addr(const aioble_device_t *device) {
  return device ? &device->addr : NULL;
}

bool aioble_device_equal(const aioble_device_t *a, const aioble_device_t *b) {
  return a == b || (a && b && aioble_addr_equal(&a->addr, &b->addr));
}

aioble_conn_t *ab_conn_to(const aioble_device_t *device) {
  ab_gap_link *link =
      ab_gap_link_to(&device->ble->gap, ab_host_identity_of(device->ble, &device->addr));

  return link ? ab_conn_of_link(link) : NULL;
}

aioble_conn_t *aioble_device_conn(const aioble_device_t *device) {
  aioble_conn_t *conn = device ? ab_conn_to(device) : NULL;

  return conn && !conn->secured ? conn : NULL;
}

/* ---- connections ---- */

aioble_conn_t *aioble_conn_ref(aioble_conn_t *conn) {
  if (conn)
    conn->refs++;
  return conn;
}

aioble_conn_t *aioble_conn_unref(aioble_conn_t *conn) {
  aioble_t *ble;

  if (!conn || --conn->refs)
    return NULL;
  ble = conn->ble;
  ab_host_cache_free(conn);
  ab_host_eatt_free(conn);
  aioble_device_unref(conn->device);
  ab_free(&ble->env, conn);
  aioble_unref(ble);
  return NULL;
}

aioble_device_t *aioble_conn_device(const aioble_conn_t *conn) {
  return conn ? conn->device : NULL;
}

aioble_t *aioble_conn_adapter(const aioble_conn_t *conn) {
  return conn ? conn->ble : NULL;
}

bool aioble_conn_is_connected(const aioble_conn_t *conn) {
  return conn && conn->link.up;
}

aioble_role_t aioble_conn_role(const aioble_conn_t *conn) {
  return conn && conn->link.role == AB_HCI_ROLE_PERIPHERAL ? AIOBLE_PERIPHERAL : AIOBLE_CENTRAL;
}

uint16_t aioble_conn_mtu(const aioble_conn_t *conn) {
  return conn ? conn->att.mtu : 0;
}

unsigned aioble_conn_bearers(const aioble_conn_t *conn) {
  return aioble_conn_is_connected(conn) ? 1 + ab_host_eatt_bearers(conn) : 0;
}

aioble_conn_air_t aioble_conn_air(const aioble_conn_t *conn) {
  aioble_conn_air_t air = {0};

  if (conn) {
    air.local = conn->link.air.local;
    air.peer = conn->link.air.peer;
  }
  return air;
}

aioble_conn_params_t aioble_conn_params(const aioble_conn_t *conn) {
  aioble_conn_params_t params = {0, 0, 0};

  if (conn) {
    params.interval_us = conn->link.interval * 1250u;
    params.latency = conn->link.latency;
    params.timeout_ms = conn->link.timeout * 10u;
  }
  return params;
}

int aioble_conn_reason(const aioble_conn_t *conn) {
  return conn ? conn->reason : AIOBLE_ENOTCONN;
}

void aioble_conn_set_hooks(aioble_conn_t *conn, const aioble_conn_hooks_t *hooks) {
  static const aioble_conn_hooks_t none;

  if (conn)
    conn->hooks = hooks ? *hooks : none;
}

/* ---- disconnecting ---- */

static const ab_op_kind disconnect_kind = {"disconnect", sizeof(aioble_op_t), 2000,
                                           ab_op_leave_list, NULL};
static const ab_op_kind disconnected_kind = {"disconnected", sizeof(aioble_op_t), AIOBLE_FOREVER,
                                             ab_op_leave_list, NULL};

static aioble_op_t *wait_for_end(aioble_conn_t *conn, const ab_op_kind *kind) {
  aioble_op_t *op;

  if (!conn)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!conn->link.up)
    return ab_op_succeeded(conn->ble);
  op = ab_op_new(conn->ble, kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_list_push(&conn->waiting, &op->node);
  return op;
}

aioble_op_t *aioble_conn_disconnect(aioble_conn_t *conn) {
  aioble_op_t *op = wait_for_end(conn, &disconnect_kind);
  int err = 0;

  if (aioble_conn_is_connected(conn))
    err = ab_gap_disconnect(&conn->link, AB_HCI_ERR_REMOTE_USER);
  if (err < 0 && !op->done)
    ab_op_leave_list(op, err);
  return op;
}

aioble_op_t *aioble_conn_disconnected(aioble_conn_t *conn) {
  return wait_for_end(conn, &disconnected_kind);
}

/* ---- RSSI ---- */

struct rssi_op {
  aioble_op_t op;
  ab_gap_link_cmd cmd;
};

static void end_rssi(aioble_op_t *op, int why) {
  ab_gap_link_cmd_detach(&ab_container_of(op, struct rssi_op, op)->cmd);
  ab_op_settle(op, why);
}

static const ab_op_kind rssi_kind = {"rssi", sizeof(struct rssi_op), 1000, end_rssi, NULL};

static void on_rssi(ab_gap_link_cmd *cmd, int status, int rssi) {
  struct rssi_op *rssi_op = ab_container_of(cmd, struct rssi_op, cmd);

  ab_op_set_number(&rssi_op->op, rssi);
  ab_op_settle(&rssi_op->op, status);
}

aioble_op_t *aioble_conn_rssi(aioble_conn_t *conn) {
  aioble_op_t *op;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(conn ? conn->ble : NULL, AIOBLE_ENOTCONN);
  op = ab_op_new(conn->ble, &rssi_kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_gap_read_rssi(&conn->link, &ab_container_of(op, struct rssi_op, op)->cmd, on_rssi);
  return op;
}

/* ---- MTU: a client asks once per link, whoever of us it was ---- */

struct mtu_op {
  aioble_op_t op;
  ab_att_req req;
};

static void end_mtu(aioble_op_t *op, int why) {
  ab_list_remove(&op->node);
  ab_att_detach(&ab_container_of(op, struct mtu_op, op)->req);
  ab_op_settle(op, why);
}

static const ab_op_kind mtu_kind = {"exchange MTU", sizeof(struct mtu_op), 1000, end_mtu, NULL};

static void settle_mtu(aioble_op_t *op, int status, uint16_t mtu) {
  ab_op_set_number(op, mtu);
  ab_op_settle(op, status);
}

static void on_mtu(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  settle_mtu(&ab_container_of(req, struct mtu_op, req)->op, status, req->att->mtu);
}

void ab_conn_auto_mtu_done(aioble_conn_t *conn, int status) {
  ab_list *n;

  while ((n = ab_list_pop(&conn->mtu_waiting)))
    settle_mtu(ab_container_of(n, aioble_op_t, node), status, conn->att.mtu);
}

aioble_op_t *aioble_conn_exchange_mtu(aioble_conn_t *conn) {
  aioble_op_t *op;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(conn ? conn->ble : NULL, AIOBLE_ENOTCONN);
  op = ab_op_new(conn->ble, &mtu_kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  if (conn->mtu_req.pending)
    ab_list_push(&conn->mtu_waiting, &op->node);
  else if (!ab_att_exchange_mtu(&conn->att, &ab_container_of(op, struct mtu_op, op)->req, on_mtu))
    settle_mtu(op, 0, conn->att.mtu);
  return op;
}
