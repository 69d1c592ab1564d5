/* SPDX-License-Identifier: MIT */
/* Reading and writing values, as ops (include/aioble/client.h). */
#include "api/api_client.h"
#include "api/op_peer.h"
#include "host/host.h"

enum { TRY_QUEUED = 4096 }; /* bytes waiting on the link: no more are queued by the try-form */

/* ---- reading ---- */

typedef struct read_op {
  ab_peer_op p;
  ab_gatt_read read;
} read_op;

static void end_read(aioble_op_t *op, int why) {
  ab_gatt_read_stop(&ab_container_of(op, read_op, p.op)->read);
  ab_op_settle(op, why);
}

static const ab_op_kind read_kind = {"read", sizeof(read_op), AB_CLIENT_REQUEST_MS, end_read,
                                     ab_peer_op_release};

static void on_read(ab_gatt_read *read, int status) {
  read_op *r = ab_container_of(read, read_op, read);

  if (status == AIOBLE_EAGAIN) {
    ab_op_restart_limit(&r->p.op);
    ab_gatt_read_more(read);
    return;
  }
  if (status == 0) {
    ab_op_take_value(&r->p.op, read->value);
    read->value = NULL;
  }
  ab_peer_op_settle(&r->p, status);
}

static read_op *new_read(aioble_conn_t *conn) {
  ab_peer_op *p = ab_peer_op_new(conn, &read_kind);

  return p ? ab_container_of(p, read_op, p) : NULL;
}

static aioble_op_t *start_read(aioble_conn_t *conn, uint16_t handle) {
  read_op *r = new_read(conn);

  if (!r)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_gatt_read_start(&r->read, ab_att_pick(&conn->att), handle, on_read);
  return &r->p.op;
}

aioble_op_t *aioble_client_char_read(aioble_client_char_t *chr) {
  int status = ab_client_char_check(chr);

  return status == 0 ? start_read(ab_client_char_conn(chr), chr->handle)
                     : ab_client_char_failed(chr, status);
}

aioble_op_t *aioble_client_desc_read(aioble_client_desc_t *desc) {
  int status = ab_client_desc_check(desc);

  return status == 0 ? start_read(ab_client_char_conn(desc->chr), desc->handle)
                     : ab_client_char_failed(aioble_client_desc_char(desc), status);
}

/* ---- reading several, their values behind each other ---- */

aioble_op_t *aioble_client_read_multiple(aioble_client_char_t *const *chars, size_t n) {
  aioble_conn_t *conn = NULL;
  int status = n < 2 ? AIOBLE_EINVAL : ab_client_chars_conn(chars, n, &conn);
  uint16_t handles[AB_ATT_MTU_MAX / 2];
  ab_att *att;
  read_op *r;

  if (status == 0 && n > sizeof handles / sizeof *handles)
    status = AIOBLE_EMSGSIZE;
  if (status < 0)
    return ab_op_failed(conn ? conn->ble : NULL, status);
  if (!(r = new_read(conn)))
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  for (size_t i = 0; i < n; i++)
    handles[i] = chars[i]->handle;
  att = ab_att_ordered(&conn->att, handles[0]); /* whose MTU may be reckoned with */
  status = ab_gatt_read_multiple(&r->read, att, handles, n, on_read);
  if (status < 0)
    ab_op_settle(&r->p.op, status);
  return &r->p.op;
}

/* ---- writing with response ---- */

typedef struct write_op {
  ab_peer_op p;
  ab_att_req req;
} write_op;

static void end_write(aioble_op_t *op, int why) {
  ab_att_detach(&ab_container_of(op, write_op, p.op)->req);
  ab_op_settle(op, why);
}

static const ab_op_kind write_kind = {"write", sizeof(write_op), AB_CLIENT_REQUEST_MS, end_write,
                                      ab_peer_op_release};

static void on_written(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  ab_peer_op_settle(&ab_container_of(req, write_op, req)->p, status);
}

/* longer than a Write Request: prepared (4.9.4) */
static aioble_op_t *write_request(aioble_conn_t *conn, uint16_t handle, const void *data,
                                  size_t len) {
  ab_att *att = ab_att_ordered(&conn->att, handle);
  ab_peer_op *p;

  if (len > att->mtu - 3u)
    return ab_client_write_long(conn, handle, data, len);
  p = ab_peer_op_new(conn, &write_kind);
  if (!p)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  (void) ab_gatt_write(att, &ab_container_of(p, write_op, p)->req, handle, data, len, on_written);
  return &p->op;
}

/* ---- writing without ---- */

/* The buffer cannot be called back: an op that ends before it was taken waits for it, unseen. */
static const ab_op_kind command_kind = {"write without response", sizeof(aioble_op_t),
                                        AB_CLIENT_REQUEST_MS, NULL, NULL};

static void on_taken(ab_buf *buf, int status) {
  aioble_op_t *op = buf->ctx;

  ab_op_settle(op, status);
  aioble_op_unref(op);
}

/* signed: where that is more than the link gives anyway (4.9.2) */
static aioble_op_t *write_command(aioble_conn_t *conn, uint16_t handle, const void *data,
                                  size_t len, bool is_signed) {
  aioble_op_t *op = ab_op_new(conn->ble, &command_kind);
  int status;

  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  aioble_op_ref(op);
  if (is_signed && !conn->smp.security.level)
    status = ab_gatt_write_signed(&conn->client, handle, data, len, on_taken, op);
  else
    status = ab_gatt_write_command(&conn->att, handle, data, len, on_taken, op);
  if (status < 0) {
    ab_op_settle(op, status);
    aioble_op_unref(op);
  }
  return op;
}

/* nobody asks when it was taken */
int aioble_client_char_try_write(aioble_client_char_t *chr, const void *data, size_t len) {
  aioble_conn_t *conn = chr ? ab_client_char_conn(chr) : NULL;
  int status = ab_client_char_check(chr);

  if (!conn || conn->att.state != AB_ATT_OPEN)
    return AIOBLE_ENOTCONN;
  if (status < 0)
    return status;
  if (!data && len)
    return AIOBLE_EINVAL;
  if (ab_conn_tx_queued(conn) >= TRY_QUEUED)
    return AIOBLE_EAGAIN;
  status = ab_gatt_write_command(&conn->att, chr->handle, data, len, NULL, NULL);
  if (status == 0)
    ab_host_touch(conn->ble);
  return status;
}

static aioble_write_mode_t mode_for(unsigned properties) {
  if (properties & AIOBLE_PROP_WRITE)
    return AIOBLE_WRITE_REQUEST;
  if (properties & AIOBLE_PROP_WRITE_NO_RESPONSE)
    return AIOBLE_WRITE_NO_RESPONSE;
  return properties & AIOBLE_PROP_SIGNED_WRITE ? AIOBLE_WRITE_SIGNED : AIOBLE_WRITE_REQUEST;
}

aioble_op_t *aioble_client_char_write(aioble_client_char_t *chr, const void *data, size_t len,
                                      aioble_write_mode_t mode) {
  int status = ab_client_char_check(chr);

  if (status == 0 && ((!data && len) || mode > AIOBLE_WRITE_SIGNED))
    status = AIOBLE_EINVAL;
  if (status < 0)
    return ab_client_char_failed(chr, status);
  if (mode == AIOBLE_WRITE_AUTO)
    mode = mode_for(chr->properties);
  if (mode != AIOBLE_WRITE_REQUEST)
    return write_command(ab_client_char_conn(chr), chr->handle, data, len,
                         mode == AIOBLE_WRITE_SIGNED);
  return write_request(ab_client_char_conn(chr), chr->handle, data, len);
}

aioble_op_t *aioble_client_desc_write(aioble_client_desc_t *desc, const void *data, size_t len) {
  int status = ab_client_desc_check(desc);

  if (status == 0 && !data && len)
    status = AIOBLE_EINVAL;
  if (status < 0)
    return ab_client_char_failed(aioble_client_desc_char(desc), status);
  return write_request(ab_client_char_conn(desc->chr), desc->handle, data, len);
}
