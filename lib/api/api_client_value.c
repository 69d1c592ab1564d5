/* SPDX-License-Identifier: MIT */
/* Reading and writing values, as ops (include/aioble/client.h). */
#include "api/api_client.h"
#include "host/host.h"

enum { TRY_QUEUED = 4096 }; /* bytes waiting on the link: no more are queued by the try-form */

void ab_client_op_goes_on(aioble_op_t *op, uint64_t *limit_us) {
  if (op->timer.running && op->timer.at_us == *limit_us) {
    aioble_op_set_timeout(op, AB_CLIENT_REQUEST_MS);
    *limit_us = op->timer.at_us;
  }
}

/* ---- reading ---- */

typedef struct read_op {
  aioble_op_t op;
  ab_gatt_read read;
  aioble_conn_t *conn; /* a reference */
  uint64_t limit_us;   /* when the time limit of ours ends */
} read_op;

static void end_read(aioble_op_t *op, int why) {
  ab_gatt_read_stop(&ab_container_of(op, read_op, op)->read);
  ab_op_settle(op, why);
}

static void release_read(aioble_op_t *op) {
  aioble_conn_unref(ab_container_of(op, read_op, op)->conn);
}

static const ab_op_kind read_kind = {"read", sizeof(read_op), AB_CLIENT_REQUEST_MS, end_read,
                                     release_read};

static void on_read(ab_gatt_read *read, int status) {
  read_op *r = ab_container_of(read, read_op, read);

  if (status == AIOBLE_EAGAIN) {
    ab_client_op_goes_on(&r->op, &r->limit_us);
    ab_gatt_read_more(read);
    return;
  }
  if (status == 0) {
    ab_op_take_value(&r->op, read->value);
    read->value = NULL;
  }
  ab_op_settle(&r->op, status);
}

static read_op *new_read(aioble_conn_t *conn) {
  aioble_op_t *op = ab_op_new(conn->ble, &read_kind);
  read_op *r;

  if (!op)
    return NULL;
  r = ab_container_of(op, read_op, op);
  r->conn = aioble_conn_ref(conn);
  r->limit_us = op->timer.at_us;
  return r;
}

static aioble_op_t *start_read(aioble_conn_t *conn, uint16_t handle) {
  read_op *r = new_read(conn);

  if (!r)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_gatt_read_start(&r->read, ab_att_pick(&conn->att), handle, on_read);
  return &r->op;
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
    ab_op_settle(&r->op, status);
  return &r->op;
}

/* ---- writing with response ---- */

typedef struct write_op {
  aioble_op_t op;
  ab_att_req req;
  aioble_conn_t *conn; /* a reference */
} write_op;

static void end_write(aioble_op_t *op, int why) {
  ab_att_detach(&ab_container_of(op, write_op, op)->req);
  ab_op_settle(op, why);
}

static void release_write(aioble_op_t *op) {
  aioble_conn_unref(ab_container_of(op, write_op, op)->conn);
}

static const ab_op_kind write_kind = {"write", sizeof(write_op), AB_CLIENT_REQUEST_MS, end_write,
                                      release_write};

static void on_written(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  ab_op_settle(&ab_container_of(req, write_op, req)->op, status);
}

/* longer than a Write Request: prepared (4.9.4) */
static aioble_op_t *write_request(aioble_conn_t *conn, uint16_t handle, const void *data,
                                  size_t len) {
  ab_att *att = ab_att_ordered(&conn->att, handle);
  aioble_op_t *op;
  write_op *w;

  if (len > att->mtu - 3u)
    return ab_client_write_long(conn, handle, data, len);
  op = ab_op_new(conn->ble, &write_kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  w = ab_container_of(op, write_op, op);
  w->conn = aioble_conn_ref(conn);
  (void) ab_gatt_write(att, &w->req, handle, data, len, on_written);
  return op;
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
