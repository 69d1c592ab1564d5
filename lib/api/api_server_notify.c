/* SPDX-License-Identifier: MIT */
/*
 * Values on their way to clients (Core Vol 3, Part G, 4.10, 4.11): notifications, done when the
 * controller has taken them, and indications, done when the client has confirmed them.
 */
#include "api/api_server.h"

enum {
  TRY_QUEUED = 4096,   /* octets waiting on a link, from which on there is no room for more */
  UPDATES_WAITING = 16 /* the same for indications */
};

/* ---- what may be sent ---- */

/* data NULL: the value as it is */
static aioble_bytes_t value_or(const ab_gatt_value *value, const void *data, size_t len) {
  return data ? (aioble_bytes_t){data, len} : (aioble_bytes_t){value->data, value->len};
}

static int check(const aioble_char_t *chr, const aioble_conn_t *conn, unsigned flag) {
  if (!conn || !aioble_conn_is_connected(conn))
    return AIOBLE_ENOTCONN;
  if (!(chr->value.props & flag))
    return AIOBLE_ENOTSUP;
  return chr->value.handle && conn->ble == chr->service->ble ? 0 : AIOBLE_EINVAL;
}

static ab_buf *pdu_of(aioble_conn_t *conn, uint8_t opcode, const ab_gatt_value *value,
                      aioble_bytes_t bytes, int *status) {
  return ab_gatt_server_value_pdu(&conn->att, opcode, value->handle, bytes.data, bytes.len, status);
}

/* ---- notifications ---- */

typedef struct notify_op {
  aioble_op_t op;
  ab_buf *buf; /* until it is taken */
} notify_op;

static void on_taken(ab_buf *buf, int status) {
  ab_op_settle(buf->ctx, status);
}

/* it is sent all the same */
static void end_notify(aioble_op_t *op, int why) {
  ((notify_op *) op)->buf->done = NULL;
  ab_op_settle(op, why);
}

static const ab_op_kind notify_kind = {"notify", sizeof(notify_op), AIOBLE_FOREVER, end_notify,
                                       NULL};

aioble_op_t *aioble_char_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                size_t len) {
  aioble_t *ble = chr ? chr->service->ble : NULL;
  int status = chr ? check(chr, conn, AIOBLE_NOTIFY) : AIOBLE_ENOTCONN;
  notify_op *n;
  ab_buf *buf;

  if (status < 0)
    return ab_op_failed(ble, status);
  buf = pdu_of(conn, AB_ATT_NOTIFICATION, &chr->value, value_or(&chr->value, data, len), &status);
  if (!buf)
    return ab_op_failed(ble, status);
  if (!(n = (notify_op *) ab_op_new(ble, &notify_kind))) {
    ab_buf_free(buf);
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  }
  n->buf = buf;
  buf->done = on_taken;
  buf->ctx = &n->op;
  ab_att_send(&conn->att, buf);
  return &n->op;
}

static int try_notify(aioble_conn_t *conn, const ab_gatt_value *value, aioble_bytes_t bytes) {
  int status = 0;
  ab_buf *buf;

  if (ab_conn_tx_queued(conn) >= TRY_QUEUED)
    return AIOBLE_EAGAIN;
  buf = pdu_of(conn, AB_ATT_NOTIFICATION, value, bytes, &status);
  if (!buf)
    return status;
  ab_host_touch(conn->ble);
  ab_att_send(&conn->att, buf);
  return 0;
}

int aioble_char_try_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data, size_t len) {
  int status = chr ? check(chr, conn, AIOBLE_NOTIFY) : AIOBLE_ENOTCONN;

  return status < 0 ? status : try_notify(conn, &chr->value, value_or(&chr->value, data, len));
}

/* ---- indications ---- */

typedef struct indicate_op {
  aioble_op_t op;
  ab_att_req req;
} indicate_op;

static void on_confirmed(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  ab_op_settle(&ab_container_of(req, indicate_op, req)->op, status);
}

static void end_indicate(aioble_op_t *op, int why) {
  ab_att_detach(&((indicate_op *) op)->req);
  ab_op_settle(op, why);
}

static const ab_op_kind indicate_kind = {"indicate", sizeof(indicate_op), 1000, end_indicate, NULL};

static aioble_op_t *indicate(aioble_conn_t *conn, const ab_gatt_value *value,
                             aioble_bytes_t bytes) {
  int status = AIOBLE_ENOMEM;
  ab_buf *buf = pdu_of(conn, AB_ATT_INDICATION, value, bytes, &status);
  indicate_op *i = buf ? (indicate_op *) ab_op_new(conn->ble, &indicate_kind) : NULL;

  if (!i) {
    ab_buf_free(buf);
    return ab_op_failed(conn->ble, status);
  }
  ab_att_request(&conn->att, &i->req, buf, on_confirmed);
  return &i->op;
}

aioble_op_t *aioble_char_indicate(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                  size_t len) {
  int status = chr ? check(chr, conn, AIOBLE_INDICATE) : AIOBLE_ENOTCONN;

  if (status < 0)
    return ab_op_failed(chr ? chr->service->ble : NULL, status);
  return indicate(conn, &chr->value, value_or(&chr->value, data, len));
}

/* ---- updates: nobody waits for them ---- */

static bool crowded(const ab_list *waiting) {
  unsigned n = 0;

  for (const ab_list *at = waiting->next; at != waiting && n < UPDATES_WAITING; at = at->next)
    n++;
  return n == UPDATES_WAITING;
}

/* without a time limit: a client that does not confirm within 30 s loses the link */
static int indicate_update(aioble_conn_t *conn, const ab_gatt_value *value, aioble_bytes_t bytes) {
  aioble_op_t *op;
  int status;

  if (crowded(&conn->att.indications.waiting))
    return AIOBLE_EAGAIN;
  op = indicate(conn, value, bytes);
  status = aioble_op_done(op) ? aioble_op_status(op) : 0;
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  aioble_op_unref(op);
  return status;
}

int ab_char_send_update(aioble_char_t *chr) {
  const ab_gatt_value *value = &chr->value;
  aioble_bytes_t bytes = {value->data, value->len};
  int status = 0, err;

  AB_LIST_EACH(n, &chr->service->ble->conns) {
    aioble_conn_t *conn = ab_container_of(n, aioble_conn_t, node);
    unsigned what = ab_gatt_server_subscribed(&conn->server, value);

    if (!what)
      continue;
    err = what & AIOBLE_SUBSCRIBE_NOTIFY ? try_notify(conn, value, bytes)
                                         : indicate_update(conn, value, bytes);
    if (status == 0)
      status = err;
  }
  return status;
}

unsigned aioble_char_subscribed(const aioble_char_t *chr, const aioble_conn_t *conn) {
  return chr && conn ? ab_gatt_server_subscribed(&conn->server, &chr->value) : 0;
}
