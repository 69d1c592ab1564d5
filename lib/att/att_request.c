/* SPDX-License-Identifier: MIT */
/*
 * Our requests and indications (Core Vol 3, Part F, 3.3.2, 3.3.3). Each kind has a lane:
 *
 *   waiting --(lane free)--> on the air, 30 s --answer--> fn
 *                               |  \--30 s--> the bearer is broken, everything pending ends
 *                               \--detached--> still on the air, the answer goes to nobody
 *
 * A request that is refused for want of something that the layer above can change may be held, and
 * be sent again, once. So its PDU is kept while it is on the air. Meanwhile others may overtake it,
 * except for a write of the same attribute. Execute Write is not held: a server that refuses it has
 * forgotten what was prepared (3.4.6.3).
 */
#include "att/att_priv.h"

enum { TRANSACTION_US = 30 * 1000 * 1000 };

void ab_att_lane_init(ab_att_lane *lane, ab_att *att) {
  *lane = (ab_att_lane){.att = att};
  ab_list_init(&lane->waiting);
}

static ab_timer_fn on_timeout;

/* ---- which is next ---- */

/* a write's attribute; 0: it is none */
static uint16_t written_by(const ab_att_req *req) {
  ab_rd pdu = ab_rd_of(req->buf->p, req->buf->len);
  uint8_t opcode = ab_rd_u8(&pdu);

  return opcode == AB_ATT_WRITE_REQ || opcode == AB_ATT_PREPARE_WRITE_REQ ? ab_rd_le16(&pdu) : 0;
}

static bool would_overtake(const ab_att *att, const ab_att_req *req) {
  uint16_t handle = written_by(req);

  AB_LIST_EACH(n, &att->held) {
    if (handle && written_by(ab_container_of(n, ab_att_req, node)) == handle)
      return true;
  }
  return false;
}

/* the first that may be sent; NULL: none */
static ab_att_req *next_of(const ab_att_lane *lane) {
  if (ab_list_empty(&lane->att->held)) {
    ab_list *n = ab_list_first(&lane->waiting);

    return n ? ab_container_of(n, ab_att_req, node) : NULL;
  }
  AB_LIST_EACH(n, &lane->waiting) {
    ab_att_req *req = ab_container_of(n, ab_att_req, node);

    if (!would_overtake(lane->att, req))
      return req;
  }
  return NULL;
}

/* ---- on the air ---- */

static void on_taken(ab_buf *buf, int status) {
  ab_att_lane *lane = buf->ctx;

  if (lane->pdu != buf) /* answered, or ended, before it was sent */
    return;
  lane->taken = buf->kept = status == 0;
  if (!lane->taken)
    lane->pdu = NULL;
}

static void send_next(ab_att_lane *lane) {
  ab_att *att = lane->att;
  ab_att_req *req;
  ab_buf *buf;

  if (lane->busy || att->state != AB_ATT_OPEN || !(req = next_of(lane)))
    return;
  ab_list_remove(&req->node);
  buf = req->buf;
  req->buf = NULL;
  buf->done = on_taken;
  buf->ctx = lane;
  lane->pdu = buf;
  lane->len = buf->len;
  lane->taken = lane->secured = false;
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

/* Nothing is on the air any more: what was, NULL if it was detached. Its PDU goes, too, unless the
   layer below has it. */
static ab_att_req *land(ab_att_lane *lane) {
  ab_att_req *req = lane->flying;

  ab_timer_stop(lane->att->env, &lane->timer);
  if (lane->taken)
    ab_buf_free(lane->pdu);
  lane->pdu = NULL;
  lane->taken = false;
  lane->flying = NULL;
  lane->busy = false;
  return req;
}

void ab_att_lane_answered(ab_att_lane *lane, int status, ab_rd *pdu) {
  ab_att_req *req = land(lane);

  if (req)
    end(req, status, pdu);
  send_next(lane);
}

/* ---- once more ---- */

static ab_att_verdict verdict(const ab_att_lane *lane, uint8_t code) {
  const ab_att *att = lane->att;
  bool possible = lane->flying && !lane->flying->again && lane->taken &&
                  lane->opcode != AB_ATT_EXECUTE_WRITE_REQ;

  return possible && att->ev->on_refused ? att->ev->on_refused(att->ctx, code, lane->secured)
                                         : AB_ATT_ENDS;
}

/* what is on the air, with its PDU again */
static ab_att_req *take_back(ab_att_lane *lane, int status) {
  ab_att_req *req = lane->flying;

  req->buf = lane->pdu;
  req->buf->kept = false;
  ab_buf_rewind(req->buf, lane->len);
  req->status = status;
  req->again = true;
  lane->taken = false; /* its PDU does not go with it */
  return land(lane);
}

void ab_att_lane_refused(ab_att_lane *lane, uint8_t code, ab_rd *pdu) {
  ab_att *att = lane->att;
  ab_att_verdict then;
  ab_att_req *req;

  if (att->ev->on_error)
    att->ev->on_error(att->ctx, code);
  then = verdict(lane, code);
  if (then == AB_ATT_ENDS || !lane->busy) { /* or the bearer has been closed */
    ab_att_lane_answered(lane, AIOBLE_ERR_ATT(code), pdu);
    return;
  }
  req = take_back(lane, AIOBLE_ERR_ATT(code));
  if (then == AB_ATT_HOLDS)
    ab_list_push(&att->held, &req->node);
  else
    ab_list_push_front(&lane->waiting, &req->node);
  send_next(lane);
}

void ab_att_release(ab_att *att, bool again) {
  ab_list held, *n;

  ab_list_take_all(&held, &att->held);
  while (!ab_list_empty(&held)) {
    n = again ? held.prev : held.next;
    ab_list_remove(n);
    if (again)
      ab_list_push_front(&att->requests.waiting, n);
    else
      end(ab_container_of(n, ab_att_req, node), ab_container_of(n, ab_att_req, node)->status, NULL);
  }
  send_next(&att->requests);
}

void ab_att_secured(ab_att *att) {
  att->requests.secured = true;
}

/* ---- failing ---- */

static void end_list(ab_list *list, int status) {
  ab_list *n;

  while ((n = ab_list_pop(list)))
    end(ab_container_of(n, ab_att_req, node), status, NULL);
}

static void end_lane(ab_att_lane *lane, int status) {
  ab_att_req *req = land(lane);

  if (req)
    end(req, status, NULL);
  end_list(&lane->waiting, status);
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
  end_list(&att->held, status);
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
