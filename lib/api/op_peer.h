/* SPDX-License-Identifier: MIT */
/*
 * Ops that ask something of a peer, which it may refuse for want of security. Then they may wait
 * until the link has it (host/host_demand.c): meanwhile the time limit of their kind does not run,
 * and begins anew after it. One that the caller has set holds.
 */
#ifndef AB_OP_PEER_H
#define AB_OP_PEER_H

#include "api/op.h"
#include <aioble/core.h>

typedef struct ab_peer_op {
  aioble_op_t op;
  aioble_conn_t *conn; /* a reference */
} ab_peer_op;

/* as ab_op_new(); the kind's struct begins with an ab_peer_op */
ab_peer_op *ab_peer_op_new(aioble_conn_t *conn, const ab_op_kind *kind);
/* ab_op_kind.release, or the last thing that it does */
void ab_peer_op_release(aioble_op_t *op);
/* says why the link was not made more secure, if that was it */
void ab_peer_op_settle(ab_peer_op *p, int status);

#endif
