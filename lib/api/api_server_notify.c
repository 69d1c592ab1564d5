/* SPDX-License-Identifier: MIT */
/*
 * Values on their way to one client (Core Vol 3, Part G, 4.10, 4.11): notifications, done when the
 * controller has taken them, and indications, done when the client has confirmed them.
 */
#include "api/api_server.h"

enum {
  TRY_QUEUED = 4096, /* octets waiting on a link, from which on there is no room for more */
  VALUE_AT = 3,      /* in a PDU: opcode and handle are in front of it */
  MANY_AT = 1,       /* the same for several values, … */
  MANY_HEADER = 4    /* … each with a handle and a length */
};

/* ---- what may be sent ---- */

int ab_char_withheld(const aioble_char_t *chr, aioble_conn_t *conn) {
  const ab_gatt_value *value = &chr->local.value;
  uint8_t code = AB_ATT_ERR_DATABASE_OUT_OF_SYNC;

  if (ab_gatt_server_may_send(&conn->server))
    code = ab_gatt_check_security(&conn->server, value->read_level, value->min_key);
  if (!code && !ab_local_authorized(&chr->local, conn, false))
    code = AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
  return code ? AIOBLE_ERR_ATT(code) : 0;
}

int ab_char_may_send(const aioble_char_t *chr, aioble_conn_t *conn, unsigned flag) {
  if (!chr || !conn || !aioble_conn_is_connected(conn))
    return AIOBLE_ENOTCONN;
  if (!(chr->flags & flag))
    return AIOBLE_ENOTSUP;
  if (!aioble_char_handle(chr) || conn->ble != chr->service->ble)
    return AIOBLE_EINVAL;
  return ab_char_withheld(chr, conn);
}

/* data NULL: the value as it is */
static aioble_bytes_t value_or(const aioble_char_t *chr, const void *data, size_t len) {
  return data ? (aioble_bytes_t){data, len} : ab_local_bytes(&chr->local);
}

ab_buf *ab_char_pdu(const aioble_char_t *chr, aioble_conn_t *conn, uint8_t opcode,
                    aioble_bytes_t bytes, int *status) {
  size_t room = conn->att.mtu - (size_t) VALUE_AT;

  if (chr->truncate & AIOBLE_TRUNCATE_UPDATES && bytes.len > room)
    bytes.len = room;
  return ab_gatt_server_value_pdu(&conn->att, opcode, chr->local.value.handle, bytes.data,
                                  bytes.len, status);
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

/* an op that is done when that PDU is taken; NULL: out of memory */
static aioble_op_t *op_of(aioble_t *ble, ab_buf *buf) {
  notify_op *n = (notify_op *) ab_op_new(ble, &notify_kind);

  if (!n)
    return NULL;
  n->buf = buf;
  buf->done = on_taken;
  buf->ctx = &n->op;
  return &n->op;
}

aioble_op_t *aioble_char_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                size_t len) {
  aioble_t *ble = chr ? chr->service->ble : NULL;
  int status = ab_char_may_send(chr, conn, AIOBLE_NOTIFY);
  aioble_op_t *op;
  ab_buf *buf;

  if (status < 0)
    return ab_op_failed(ble, status);
  buf = ab_char_pdu(chr, conn, AB_ATT_NOTIFICATION, value_or(chr, data, len), &status);
  if (!buf)
    return ab_op_failed(ble, status);
  if (!(op = op_of(ble, buf))) {
    ab_buf_free(buf);
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  }
  ab_att_send(&conn->att, buf);
  return op;
}

int ab_char_try_notify(const aioble_char_t *chr, aioble_conn_t *conn, aioble_bytes_t bytes) {
  int status = 0;
  ab_buf *buf;

  if (ab_conn_tx_queued(conn) >= TRY_QUEUED)
    return AIOBLE_EAGAIN;
  buf = ab_char_pdu(chr, conn, AB_ATT_NOTIFICATION, bytes, &status);
  if (!buf)
    return status;
  ab_host_touch(conn->ble);
  ab_att_send(&conn->att, buf);
  return 0;
}

int aioble_char_try_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data, size_t len) {
  int status = ab_char_may_send(chr, conn, AIOBLE_NOTIFY);

  return status < 0 ? status : ab_char_try_notify(chr, conn, value_or(chr, data, len));
}

/* ---- several at once, Part F, 3.4.7.4 ---- */

/* how many of these values fit into one PDU together; 0 or 1: each is sent alone */
static size_t count_fitting(const aioble_conn_t *conn, aioble_char_t *const *chars, size_t n) {
  size_t room = conn->att.mtu - (size_t) MANY_AT, i = 0;

  if (!(conn->server.features & AB_GATT_MULTIPLE_NOTIFICATIONS))
    return 0;
  while (i < n && chars[i]->local.value.len + (size_t) MANY_HEADER <= room)
    room -= chars[i++]->local.value.len + (size_t) MANY_HEADER;
  return i;
}

static ab_buf *many_pdu(aioble_conn_t *conn, aioble_char_t *const *chars, size_t n, int *status) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(&conn->att, AB_ATT_MULTIPLE_NOTIFICATION, &w);

  if (!buf) {
    *status = AIOBLE_ENOMEM;
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    const ab_gatt_value *value = &chars[i]->local.value;

    ab_wr_le16(&w, value->handle);
    ab_wr_le16(&w, value->len);
    ab_wr_bytes(&w, value->data, value->len);
  }
  ab_buf_wrote(buf, &w);
  return buf;
}

/* all PDUs, in their order; on failure none */
static int many_pdus(ab_list *pdus, aioble_conn_t *conn, aioble_char_t *const *chars, size_t n) {
  int status = 0;
  size_t fitting;
  ab_buf *buf;

  for (size_t i = 0; i < n; i += fitting < 2 ? 1 : fitting) {
    fitting = count_fitting(conn, chars + i, n - i);
    buf = fitting < 2 ? ab_char_pdu(chars[i], conn, AB_ATT_NOTIFICATION,
                                    ab_local_bytes(&chars[i]->local), &status)
                      : many_pdu(conn, chars + i, fitting, &status);
    if (!buf)
      break;
    ab_list_push(pdus, &buf->node);
  }
  return status;
}

aioble_op_t *aioble_char_notify_many(aioble_char_t *const *chars, size_t n, aioble_conn_t *conn) {
  aioble_t *ble = conn ? conn->ble : NULL;
  int status = !conn ? AIOBLE_ENOTCONN : n ? 0 : AIOBLE_EINVAL;
  aioble_op_t *op = NULL;
  ab_list pdus, *pdu;

  ab_list_init(&pdus);
  for (size_t i = 0; i < n && status == 0; i++)
    status = ab_char_may_send(chars[i], conn, AIOBLE_NOTIFY);
  if (status == 0 && (status = many_pdus(&pdus, conn, chars, n)) == 0 &&
      !(op = op_of(ble, ab_container_of(pdus.prev, ab_buf, node))))
    status = AIOBLE_ENOMEM;
  while ((pdu = ab_list_pop(&pdus))) {
    if (op)
      ab_att_send(&conn->att, ab_container_of(pdu, ab_buf, node));
    else
      ab_buf_free(ab_container_of(pdu, ab_buf, node));
  }
  return op ? op : ab_op_failed(ble, status);
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

ab_att *ab_char_indications(const aioble_char_t *chr, aioble_conn_t *conn) {
  return ab_att_ordered(&conn->att, chr->local.value.handle);
}

aioble_op_t *ab_indicate(const aioble_char_t *chr, aioble_conn_t *conn, ab_buf *pdu, int status) {
  indicate_op *i = pdu ? (indicate_op *) ab_op_new(conn->ble, &indicate_kind) : NULL;

  if (!i) {
    ab_buf_free(pdu);
    return ab_op_failed(conn->ble, pdu ? AIOBLE_ENOMEM : status);
  }
  ab_att_request(ab_char_indications(chr, conn), &i->req, pdu, on_confirmed);
  return &i->op;
}

aioble_op_t *aioble_char_indicate(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                  size_t len) {
  int status = ab_char_may_send(chr, conn, AIOBLE_INDICATE);
  ab_buf *buf;

  if (status < 0)
    return ab_op_failed(chr ? chr->service->ble : NULL, status);
  buf = ab_char_pdu(chr, conn, AB_ATT_INDICATION, value_or(chr, data, len), &status);
  return ab_indicate(chr, conn, buf, status);
}
