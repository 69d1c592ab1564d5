/* SPDX-License-Identifier: MIT */
/*
 * Writes that are prepared (include/aioble/client.h): one longer than a request, or several at
 * once. The sequence is the link's (gatt_client_prepare.c): an op that ends before only leaves it,
 * and what was prepared is cancelled. If the server refuses to execute it for want of security, all
 * of it is done once more.
 */
#include "api/api_client.h"
#include "api/op_peer.h"
#include "host/host.h"

enum { WRITES_MAX = 4096 };

typedef struct reliable_op {
  ab_peer_op p;
  ab_gatt_reliable reliable;
  ab_demand_wait wait;
  bool again;  /* it was refused for want of security before … */
  int refused; /* … with that */
} reliable_op;

static void end_reliable(aioble_op_t *op, int why) {
  reliable_op *r = ab_container_of(op, reliable_op, p.op);

  ab_list_remove(&r->wait.node);
  ab_gatt_reliable_stop(&r->reliable);
  ab_op_settle(op, why);
}

static void release_reliable(aioble_op_t *op) {
  ab_gatt_reliable_stop(&ab_container_of(op, reliable_op, p.op)->reliable);
  ab_peer_op_release(op);
}

static const ab_op_kind reliable_kind = {"reliable write", sizeof(reliable_op),
                                         AB_CLIENT_REQUEST_MS, end_reliable, release_reliable};

static void start(reliable_op *r);

static void on_secured(ab_demand_wait *wait, bool again) {
  reliable_op *r = ab_container_of(wait, reliable_op, wait);

  if (again)
    start(r);
  else
    ab_peer_op_settle(&r->p, r->refused);
}

/* only Execute Write: the other requests wait by themselves */
static bool waits_for_security(reliable_op *r, int status) {
  bool waits = !r->again && ab_host_demand_wait(r->p.conn, status, &r->wait, on_secured);

  r->again |= waits;
  r->refused = status;
  return waits;
}

static void on_reliable(ab_gatt_reliable *reliable, int status) {
  reliable_op *r = ab_container_of(reliable, reliable_op, reliable);

  if (status == AIOBLE_EAGAIN)
    ab_op_restart_limit(&r->p.op);
  else if (!waits_for_security(r, status))
    ab_peer_op_settle(&r->p, status);
}

static void start(reliable_op *r) {
  int status = ab_gatt_reliable_start(&r->reliable, on_reliable);

  if (status < 0)
    ab_op_settle(&r->p.op, status);
}

/* an op with room for n parts of len octets in all; NULL: out of memory */
static reliable_op *reliable_new(aioble_conn_t *conn, size_t n, size_t len) {
  ab_peer_op *p = ab_peer_op_new(conn, &reliable_kind);
  reliable_op *r = p ? ab_container_of(p, reliable_op, p) : NULL;

  if (!r)
    return NULL;
  if (ab_gatt_reliable_init(&r->reliable, &conn->client, n, len)) {
    r->reliable.keeps = true;
    return r;
  }
  ab_op_settle(&p->op, AIOBLE_ENOMEM);
  aioble_op_unref(&p->op);
  return NULL;
}

aioble_op_t *ab_client_write_long(aioble_conn_t *conn, uint16_t handle, const void *data,
                                  size_t len) {
  reliable_op *r;

  if (len > AB_ATT_VALUE_MAX)
    return ab_op_failed(conn->ble, AIOBLE_EMSGSIZE);
  if (!(r = reliable_new(conn, 1, len)))
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  ab_gatt_reliable_add(&r->reliable, handle, 0, data, len);
  start(r);
  return &r->p.op;
}

/* ---- several ---- */

static uint16_t handle_of(const aioble_write_t *write) {
  return write->chr ? write->chr->handle : write->desc->handle;
}

static int check(const aioble_conn_t *conn, const aioble_write_t *write) {
  const aioble_client_char_t *chr = write->chr ? write->chr : aioble_client_desc_char(write->desc);

  if (!chr || (write->chr && write->desc) || ab_client_char_conn(chr) != conn ||
      (!write->data && write->len))
    return AIOBLE_EINVAL;
  if (ab_client_char_check(chr) < 0)
    return ab_client_char_check(chr);
  return write->len > AB_ATT_VALUE_MAX || write->offset + write->len > AB_ATT_VALUE_MAX
             ? AIOBLE_EMSGSIZE
             : 0;
}

aioble_op_t *aioble_conn_write_reliable(aioble_conn_t *conn, const aioble_write_t *writes,
                                        size_t n) {
  int status = writes && n > 0 && n <= WRITES_MAX ? 0 : AIOBLE_EINVAL;
  size_t len = 0;
  reliable_op *r;

  if (!conn)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  for (size_t i = 0; status == 0 && i < n; i++) {
    status = check(conn, &writes[i]);
    len += writes[i].len;
  }
  if (status < 0)
    return ab_op_failed(conn->ble, status);
  if (!(r = reliable_new(conn, n, len)))
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  for (size_t i = 0; i < n; i++)
    ab_gatt_reliable_add(&r->reliable, handle_of(&writes[i]), writes[i].offset, writes[i].data,
                         writes[i].len);
  start(r);
  return &r->p.op;
}
