/* SPDX-License-Identifier: MIT */
/*
 * Reading several values, each for itself, as one op (include/aioble/client.h). The values are
 * collected in memory of their own, which is the op's result in the end.
 */
#include "api/api_client.h"
#include "api/op_peer.h"
#include "host/host.h"

enum { CHARS_MAX = 0xffff };

typedef struct values_op {
  ab_peer_op p;
  ab_gatt_values *values; /* until they are the result */
} values_op;

static void put_values(void *values) {
  ab_gatt_values_free(values);
}

static void end_values(aioble_op_t *op, int why) {
  ab_gatt_values_stop(ab_container_of(op, values_op, p.op)->values);
  ab_op_settle(op, why);
}

static void release_values(aioble_op_t *op) {
  ab_gatt_values_free(ab_container_of(op, values_op, p.op)->values);
  ab_peer_op_release(op);
}

static const ab_op_kind values_kind = {"read several", sizeof(values_op), AB_CLIENT_REQUEST_MS,
                                       end_values, release_values};

static void on_values(ab_gatt_values *values, int status) {
  values_op *v = values->ctx;

  if (status == AIOBLE_EAGAIN) {
    ab_op_restart_limit(&v->p.op);
    return;
  }
  if (status == 0 && values->n == 0)
    status = AIOBLE_ENOENT;
  if (status == 0) {
    ab_op_take_handle(&v->p.op, values, put_values);
    v->values = NULL;
  }
  ab_peer_op_settle(&v->p, status);
}

/* NULL: out of memory */
static values_op *values_new(aioble_conn_t *conn, unsigned max) {
  ab_gatt_values *values = ab_gatt_values_new(ab_att_pick(&conn->att), max);
  ab_peer_op *p = values ? ab_peer_op_new(conn, &values_kind) : NULL;
  values_op *v;

  if (!p) {
    ab_gatt_values_free(values);
    return NULL;
  }
  v = ab_container_of(p, values_op, p);
  v->values = values;
  values->ctx = v;
  return v;
}

/* ---- of these characteristics ---- */

aioble_op_t *aioble_client_read_multiple_variable(aioble_client_char_t *const *chars, size_t n) {
  aioble_conn_t *conn = NULL;
  int status = n < 1 || n > CHARS_MAX ? AIOBLE_EINVAL : ab_client_chars_conn(chars, n, &conn);
  values_op *v;

  if (status < 0)
    return ab_op_failed(conn ? conn->ble : NULL, status);
  if (!(v = values_new(conn, (unsigned) n)))
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  for (size_t i = 0; i < n; i++)
    v->values->at[i].handle = chars[i]->handle;
  v->values->n = (unsigned) n;
  ab_gatt_values_read(v->values, on_values);
  return &v->p.op;
}

/* ---- with that UUID ---- */

static aioble_op_t *read_by_uuid(aioble_conn_t *conn, uint16_t first, uint16_t last,
                                 const aioble_uuid_t *uuid) {
  values_op *v = values_new(conn, AIOBLE_READ_BY_UUID_MAX);

  if (!v)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_gatt_values_find(v->values, first, last, uuid, on_values);
  return &v->p.op;
}

aioble_op_t *aioble_conn_read_by_uuid(aioble_conn_t *conn, aioble_uuid_t uuid) {
  return conn ? read_by_uuid(conn, 1, 0xffff, &uuid) : ab_op_failed(NULL, AIOBLE_ENOTCONN);
}

aioble_op_t *aioble_client_service_read_by_uuid(aioble_client_service_t *service,
                                                aioble_uuid_t uuid) {
  if (!service)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (service->gone)
    return ab_op_failed(service->conn->ble, AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC));
  return read_by_uuid(service->conn, service->first, service->last, &uuid);
}

/* ---- results ---- */

static const ab_gatt_values *values_of(const aioble_op_t *op) {
  return ab_op_handle(op, put_values);
}

size_t aioble_op_count(const aioble_op_t *op) {
  const ab_gatt_values *values = values_of(op);

  return values ? values->n : 0;
}

aioble_bytes_t aioble_op_value_at(const aioble_op_t *op, size_t i) {
  const ab_gatt_values *values = values_of(op);
  const ab_buf *value = values && i < values->n ? values->at[i].value : NULL;

  return value ? (aioble_bytes_t){value->p, value->len} : (aioble_bytes_t){NULL, 0};
}

uint16_t aioble_op_handle_at(const aioble_op_t *op, size_t i) {
  const ab_gatt_values *values = values_of(op);

  return values && i < values->n ? values->at[i].handle : 0;
}
