/* SPDX-License-Identifier: MIT */
/*
 * Our requests and indications (Core Vol 3, Part F, 3.3.2, 3.3.3). Each kind has a lane:
 *
 *   waiting --(lane free)--> on the air, 30 s --answer--> fn
 *                               |  \--30 s--> the bearer is broken, everything pending ends
 *                               \--detached--> still on the air, the answer goes to nobody
 */
#include "att/att_priv.h"

enum { TRANSACTION_US = 30 * 1000 * 1000 };

void ab_att_lane_init(ab_att_lane *lane, ab_att *att) {
  *lane = (ab_att_lane){.att = att};
  ab_list_init(&lane->waiting);
}

static ab_timer_fn on_timeout;

static void send_next(ab_att_lane *lane) {
  ab_att *att = lane->att;
  ab_list *n;
  ab_att_req *req;
  ab_buf *buf;

  if (lane->busy || att->state != AB_ATT_OPEN || !(n = ab_list_pop(&lane->waiting)))
    return;
  req = ab_container_of(n, ab_att_req, node);
  buf = req->buf;
  req->buf = NULL;
  lane->flying = req;
  lane->opcode = req->opcode;
  lane->busy = true;
  ab_timer_start(att->env, &lane->timer, TRANSACTION_US, on_timeout);
  att->ev->send(att->ctx, buf);
}

static void end(ab_att_req *req, int status, ab_rd *pdu) {
  ab_rd nothing = ab_rd_of(NULL, 0);

  req->pending = false;
  ab_buf_free(req->buf);
  req->buf = NULL;
  req->fn(req, status, status == 0 ? pdu : &nothing);
}

void ab_att_lane_answered(ab_att_lane *lane, int status, ab_rd *pdu) {
  ab_att_req *req = lane->flying;

  ab_timer_stop(lane->att->env, &lane->timer);
  lane->flying = NULL;
  lane->busy = false;
  if (req)
    end(req, status, pdu);
  send_next(lane);
}

/* ---- failing ---- */

static void end_lane(ab_att_lane *lane, int status) {
  ab_att_req *req = lane->flying;
  ab_list *n;

  ab_timer_stop(lane->att->env, &lane->timer);
  lane->flying = NULL;
  lane->busy = false;
  if (req)
    end(req, status, NULL);
  while ((n = ab_list_pop(&lane->waiting)))
    end(ab_container_of(n, ab_att_req, node), status, NULL);
}

static void on_timeout(ab_timer *timer) {
  ab_att_lane *lane = ab_container_of(timer, ab_att_lane, timer);
  ab_att_req *req = lane->flying;

  lane->att->state = AB_ATT_BROKEN;
  lane->flying = NULL;
  if (req)
    end(req, AIOBLE_ETIMEDOUT, NULL);
  ab_att_break(lane->att, AIOBLE_ETIMEDOUT);
}

static void end_failed(ab_att *att) {
  ab_list failed, *n;

  ab_timer_stop(att->env, &att->fail_timer);
  ab_list_take_all(&failed, &att->failed);
  while ((n = ab_list_pop(&failed))) {
    ab_att_req *req = ab_container_of(n, ab_att_req, node);

    end(req, req->status, NULL);
  }
}

void ab_att_end_all(ab_att *att, int status) {
  end_lane(&att->requests, status);
  end_lane(&att->indications, status);
  end_failed(att);
}

static void on_failed(ab_timer *timer) {
  end_failed(ab_container_of(timer, ab_att, fail_timer));
}

static void fail_soon(ab_att *att, ab_att_req *req, int status) {
  req->status = status;
  ab_list_push(&att->failed, &req->node);
  ab_timer_start(att->env, &att->fail_timer, 0, on_failed);
}

/* ---- the layer above ---- */

void ab_att_request(ab_att *att, ab_att_req *req, ab_buf *buf, ab_att_req_fn *fn) {
  ab_rd pdu = buf ? ab_rd_of(buf->p, buf->len) : ab_rd_of(NULL, 0);
  ab_att_lane *lane;

  *req = (ab_att_req){.att = att, .fn = fn, .buf = buf, .pending = true};
  ab_list_init(&req->node);
  req->opcode = ab_rd_u8(&pdu);
  if (att->state != AB_ATT_OPEN || !buf) {
    fail_soon(att, req, att->state != AB_ATT_OPEN ? AIOBLE_ENOTCONN : AIOBLE_ENOMEM);
    return;
  }
  lane = req->opcode == AB_ATT_INDICATION ? &att->indications : &att->requests;
  ab_list_push(&lane->waiting, &req->node);
  send_next(lane);
}

void ab_att_detach(ab_att_req *req) {
  ab_att *att = req->att;

  if (!req->pending)
    return;
  req->pending = false;
  ab_list_remove(&req->node);
  ab_buf_free(req->buf);
  req->buf = NULL;
  if (att->requests.flying == req)
    att->requests.flying = NULL;
  if (att->indications.flying == req)
    att->indications.flying = NULL;
  if (ab_list_empty(&att->failed))
    ab_timer_stop(att->env, &att->fail_timer);
}

bool ab_att_exchange_mtu(ab_att *att, ab_att_req *req, ab_att_req_fn *fn) {
  ab_att_mtu offer = {.mtu = att->local_mtu};
  ab_buf *buf;
  ab_wr w;

  if (att->mtu_asked)
    return false;
  buf = ab_att_pdu(att, AB_ATT_MTU_REQ, &w);
  if (buf) {
    ab_att_mtu_write(&w, &offer);
    ab_buf_wrote(buf, &w);
    att->mtu_asked = true;
  }
  ab_att_request(att, req, buf, fn);
  return true;
}
