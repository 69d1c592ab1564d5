/* SPDX-License-Identifier: MIT */
/* See api/op_peer.h. */
#include "api/op_peer.h"
#include "host/host.h"

#include <stdio.h>

enum { WHY = 192 };

static ab_peer_op *peer_op_of(aioble_op_t *op) {
  return ab_container_of(op, ab_peer_op, op);
}

static uint64_t longer(aioble_op_t *op) {
  return ab_host_demand_longer(peer_op_of(op)->conn, op->kind->timeout_ms * 1000);
}

ab_peer_op *ab_peer_op_new(aioble_conn_t *conn, const ab_op_kind *kind) {
  aioble_op_t *op = ab_op_new(conn->ble, kind);

  if (!op)
    return NULL;
  op->longer = longer;
  peer_op_of(op)->conn = aioble_conn_ref(conn);
  return peer_op_of(op);
}

void ab_peer_op_release(aioble_op_t *op) {
  aioble_conn_unref(peer_op_of(op)->conn);
}

void ab_peer_op_settle(ab_peer_op *p, int status) {
  int failed = status < 0 ? ab_host_demand_failed(p->conn, status) : 0;
  char why[WHY];

  if (failed)
    (void) snprintf(why, sizeof why, "%s; pairing: %s", aioble_strerror(status),
                    aioble_strerror(failed));
  ab_op_settle_why(&p->op, status, failed ? why : NULL);
}
