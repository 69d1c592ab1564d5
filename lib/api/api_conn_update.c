/* SPDX-License-Identifier: MIT */
/*
 * aioble_conn_update_params(). By the link layer: LE Connection Update, ended by its event. A
 * peripheral whose controller or peer has no Connection Parameters Request procedure asks by L2CAP
 * instead (Core Vol 3, Part A, 4.20), and waits for the central to carry it out.
 */
#include "host/host.h"

enum { LE_FEATURE_CONN_PARAM_REQUEST = 1 }; /* Core Vol 6, Part B, 4.6 */

struct update_op {
  aioble_op_t op;
  aioble_conn_t *conn; /* a reference */
  ab_gap_params params;
  ab_gap_link_cmd cmd;
  ab_l2cap_req req;
};

static struct update_op *update_of(aioble_op_t *op) {
  return ab_container_of(op, struct update_op, op);
}

static void finish(struct update_op *u, int status) {
  ab_gap_link_cmd_detach(&u->cmd);
  if (u->req.pending)
    ab_l2cap_detach(&u->req);
  ab_op_settle(&u->op, status);
}

static void end(aioble_op_t *op, int why) {
  finish(update_of(op), why);
}

static void release(aioble_op_t *op) {
  aioble_conn_unref(update_of(op)->conn);
}

static const ab_op_kind update_kind = {"update parameters", sizeof(struct update_op), 40000, end,
                                       release};

static void on_updated(ab_gap_link_cmd *cmd, int status, int value) {
  (void) value;
  finish(ab_container_of(cmd, struct update_op, cmd), status);
}

static void on_l2cap_answer(ab_l2cap_req *req, int status) {
  struct update_op *u = ab_container_of(req, struct update_op, req);

  if (status == AIOBLE_ERR_L2CAP(1)) /* rejected: said as the link layer would */
    status = AIOBLE_ERR_HCI(AB_HCI_ERR_UNACCEPTABLE_CONN_PARAMS);
  if (status < 0)
    finish(u, status); /* else the central's update follows */
}

static void ask_by_l2cap(struct update_op *u) {
  ab_l2cap_params params = {u->params.interval_min, u->params.interval_max, u->params.latency,
                            u->params.timeout};
  int err = ab_l2cap_param_update(&u->conn->l2cap, &u->req, &params, on_l2cap_answer);

  if (err < 0)
    finish(u, err);
  else
    ab_gap_await_update(&u->conn->link, &u->cmd, on_updated);
}

static void on_asked_link_layer(ab_gap_link_cmd *cmd, int status, int value) {
  struct update_op *u = ab_container_of(cmd, struct update_op, cmd);

  (void) value;
  switch (status) {
  case AIOBLE_ERR_HCI(AB_HCI_ERR_UNKNOWN_COMMAND):
  case AIOBLE_ERR_HCI(AB_HCI_ERR_COMMAND_DISALLOWED):
  case AIOBLE_ERR_HCI(AB_HCI_ERR_UNSUPPORTED_FEATURE):
  case AIOBLE_ERR_HCI(AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE):
    ask_by_l2cap(u);
    break;
  default:
    finish(u, status);
  }
}

/* What is asked for, in the units of HCI. One bound of the interval may be left out, or both. */
static ab_gap_params to_params(const aioble_conn_t *conn, const aioble_conn_update_t *update) {
  uint32_t min = update->interval_min_us, max = update->interval_max_us;
  uint32_t now = conn->link.interval * 1250u;

  if (!min)
    min = max && max < now ? max : now;
  if (!max)
    max = min > now ? min : now;
  return (ab_gap_params){(uint16_t) (min / 1250), (uint16_t) (max / 1250), update->latency,
                         update->timeout_ms ? (uint16_t) (update->timeout_ms / 10)
                                            : conn->link.timeout};
}

static bool in_range(const aioble_conn_update_t *update) {
  return update->interval_min_us <= 4000000 && update->interval_max_us <= 4000000 &&
         update->timeout_ms <= 32000;
}

static bool link_layer_can(const aioble_conn_t *conn) {
  return conn->link.role == AB_HCI_ROLE_CENTRAL ||
         (ab_hci_info_of(conn->ble->hci)->le_features >> LE_FEATURE_CONN_PARAM_REQUEST & 1);
}

aioble_op_t *aioble_conn_update_params(aioble_conn_t *conn, const aioble_conn_update_t *update) {
  ab_gap_params params;
  struct update_op *u;
  aioble_op_t *op;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(conn ? conn->ble : NULL, AIOBLE_ENOTCONN);
  if (!update || !in_range(update))
    return ab_op_failed(conn->ble, AIOBLE_EINVAL);
  params = to_params(conn, update);
  if (!ab_gap_params_valid(&params))
    return ab_op_failed(conn->ble, AIOBLE_EINVAL);
  op = ab_op_new(conn->ble, &update_kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  u = update_of(op);
  u->conn = aioble_conn_ref(conn);
  u->params = params;
  if (link_layer_can(conn))
    ab_gap_update(&conn->link, &u->cmd, &params,
                  conn->link.role == AB_HCI_ROLE_CENTRAL ? on_updated : on_asked_link_layer);
  else
    ask_by_l2cap(u);
  return op;
}
