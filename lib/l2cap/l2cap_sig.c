/* SPDX-License-Identifier: MIT */
/*
 * LE signalling (Core Vol 3, Part A, 4): one command in each frame of channel 5. What the commands
 * of credit-based channels do is in l2cap_connect.c, l2cap_listen.c, l2cap_reconf.c, l2cap_chan.c
 * and l2cap_tx.c.
 *
 * The peer's commands:
 * 1. A frame longer than the signalling MTU is rejected with it (4.1). A command whose length is
 *    not the frame's, or whose identifier is 0, is dropped and counted.
 * 2. A table says which codes there are and how long they may be. An unknown code, or a request of
 *    another length, is rejected as not understood; a response never is.
 * 3. At most ANSWERS_MAX answers wait for the controller; beyond that requests are dropped.
 *
 * Ours, each with its own identifier and the RTX timer (6.2.1):
 *   idle -sent-> WAIT_RSP -response | Command Reject | RTX | link closed-> fn
 *   WAIT_RSP -"pending"-> WAIT_RSP, with the ERTX timer (6.2.2)
 */
#include "l2cap/l2cap_priv.h"

enum {
  MTU = 23, /* of this channel */
  RTX_US = 30000000,
  ERTX_US = 60000000,
  ANSWERS_MAX = 8,
};

/* ---- out ---- */

static ab_buf *new_command(ab_l2cap_link *link, uint8_t code, uint8_t id, const ab_wr *data) {
  ab_buf *buf = ab_buf_new(link->bufs, MTU);
  ab_wr w;

  if (!buf)
    return NULL;
  w = ab_buf_writer(buf);
  ab_wr_u8(&w, code);
  ab_wr_u8(&w, id);
  ab_wr_le16(&w, (uint16_t) ab_wr_len(data));
  ab_wr_bytes(&w, data->start, ab_wr_len(data));
  ab_buf_wrote(buf, &w);
  return buf;
}

static void answer_taken(ab_buf *buf, int status) {
  ab_l2cap_link *link = buf->ctx;

  (void) status;
  link->answering--;
}

bool ab_l2cap_answer(ab_l2cap_link *link, uint8_t code, uint8_t id, const ab_wr *data) {
  ab_buf *buf = link->answering < ANSWERS_MAX ? new_command(link, code, id, data) : NULL;

  if (!buf) {
    link->stats.dropped++;
    return false;
  }
  buf->done = answer_taken;
  buf->ctx = link;
  link->answering++;
  ab_l2cap_send(link, AB_L2CAP_CID_SIGNALLING, buf);
  return true;
}

bool ab_l2cap_answer_result(ab_l2cap_link *link, uint8_t code, uint8_t id, uint16_t result) {
  uint8_t data[ab_sig_result_size];
  ab_wr w = ab_wr_of(data, sizeof data);

  ab_sig_result_write(&w, &(ab_sig_result){.result = result});
  return ab_l2cap_answer(link, code, id, &w);
}

static void reject(ab_l2cap_link *link, uint8_t id, uint16_t reason, const uint16_t *more,
                   size_t n) {
  uint8_t data[6];
  ab_wr w = ab_wr_of(data, sizeof data);

  ab_wr_le16(&w, reason);
  for (size_t i = 0; i < n; i++)
    ab_wr_le16(&w, more[i]);
  ab_l2cap_answer(link, AB_SIG_COMMAND_REJECT, id, &w);
}

void ab_l2cap_reject_cid(ab_l2cap_link *link, uint8_t id, uint16_t dcid, uint16_t scid) {
  reject(link, id, AB_SIG_INVALID_CID, (const uint16_t[]){dcid, scid}, 2);
}

/* ---- requests of ours ---- */

void ab_l2cap_end_request(ab_l2cap_req *req, int status) {
  ab_l2cap_req_fn *fn = req->fn;

  ab_l2cap_detach(req);
  fn(req, status);
}

static void on_rtx(ab_timer *timer) {
  ab_l2cap_end_request(ab_container_of(timer, ab_l2cap_req, timer), AIOBLE_ETIMEDOUT);
}

static ab_l2cap_req *by_id(const ab_l2cap_link *link, uint8_t id) {
  AB_LIST_EACH(n, &link->requests) {
    ab_l2cap_req *req = ab_container_of(n, ab_l2cap_req, node);

    if (req->id == id)
      return req;
  }
  return NULL;
}

/* identifiers go round, 1 to 255; 0: all are taken */
static uint8_t free_id(const ab_l2cap_link *link) {
  uint8_t id = link->last_id;

  for (unsigned tried = 0; tried < UINT8_MAX; tried++) {
    id = id == UINT8_MAX ? 1 : (uint8_t) (id + 1);
    if (!by_id(link, id))
      return id;
  }
  return 0;
}

int ab_l2cap_ask(ab_l2cap_link *link, ab_l2cap_req *req, const ab_l2cap_req_kind *kind,
                 const ab_wr *data, ab_l2cap_req_fn *fn) {
  uint8_t id = free_id(link);
  ab_buf *buf;

  if (link->closed)
    return AIOBLE_ENOTCONN;
  if (req->pending)
    return AIOBLE_EBUSY;
  if (!id)
    return AIOBLE_ENOBUFS;
  buf = new_command(link, kind->code, id, data);
  if (!buf)
    return AIOBLE_ENOMEM;
  link->last_id = id;
  req->link = link;
  req->kind = kind;
  req->fn = fn;
  req->id = id;
  req->pending = true;
  ab_list_push(&link->requests, &req->node);
  ab_timer_start(link->env, &req->timer, RTX_US, on_rtx);
  ab_l2cap_send(link, AB_L2CAP_CID_SIGNALLING, buf);
  return 0;
}

void ab_l2cap_wait_on(ab_l2cap_req *req) {
  ab_timer_start(req->link->env, &req->timer, ERTX_US, on_rtx);
}

ab_buf *ab_l2cap_command(ab_l2cap_link *link, uint8_t code, const ab_wr *data) {
  uint8_t id = free_id(link);

  if (id)
    link->last_id = id;
  return id ? new_command(link, code, id, data) : NULL;
}

void ab_l2cap_detach(ab_l2cap_req *req) {
  if (!req->pending)
    return;
  req->pending = false;
  ab_list_remove(&req->node);
  ab_timer_stop(req->link->env, &req->timer);
}

void ab_l2cap_end_requests(ab_l2cap_link *link, int status) {
  ab_list *n;

  while ((n = ab_list_first(&link->requests)))
    ab_l2cap_end_request(ab_container_of(n, ab_l2cap_req, node), status);
}

static void on_reject(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  ab_l2cap_req *req = by_id(link, id);
  ab_sig_reject rej;

  ab_sig_reject_read(data, &rej);
  if (req)
    ab_l2cap_end_request(req, rej.reason == AB_SIG_NOT_UNDERSTOOD ? AIOBLE_ENOTSUP : AIOBLE_EPROTO);
  else
    link->stats.unexpected++;
}

/* of any kind, if it is the one that the request waits for */
static void on_response(ab_l2cap_link *link, uint8_t code, uint8_t id, ab_rd *data) {
  ab_l2cap_req *req = by_id(link, id);

  if (req && req->kind->response == code)
    req->kind->on_response(req, data);
  else
    link->stats.unexpected++;
}

/* ---- connection parameters ---- */

/* 4.20; the supervision timeout outlasts twice the longest silence that the latency allows */
static bool params_valid(const ab_l2cap_params *p) {
  return p->interval_min >= 6 && p->interval_min <= p->interval_max && p->interval_max <= 3200 &&
         p->latency <= 499 && p->timeout >= 10 && p->timeout <= 3200 &&
         p->timeout * 4u > (1u + p->latency) * p->interval_max;
}

static void on_param_response(ab_l2cap_req *req, ab_rd *data) {
  ab_sig_result rsp;

  ab_sig_result_read(data, &rsp);
  ab_l2cap_end_request(req,
                       rsp.result == AB_SIG_PARAMS_ACCEPTED ? 0 : AIOBLE_ERR_L2CAP(rsp.result));
}

static const ab_l2cap_req_kind param_update = {AB_SIG_PARAM_UPDATE_REQ, AB_SIG_PARAM_UPDATE_RSP,
                                               on_param_response};

int ab_l2cap_param_update(ab_l2cap_link *link, ab_l2cap_req *req, const ab_l2cap_params *params,
                          ab_l2cap_req_fn *fn) {
  uint8_t data[ab_l2cap_params_size];
  ab_wr w = ab_wr_of(data, sizeof data);

  if (link->central)
    return AIOBLE_EPERM;
  if (!params_valid(params))
    return AIOBLE_EINVAL;
  ab_l2cap_params_write(&w, params);
  return ab_l2cap_ask(link, req, &param_update, &w, fn);
}

static void on_param_request(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  ab_l2cap_params wish;
  bool accepted;

  if (!link->central) {
    reject(link, id, AB_SIG_NOT_UNDERSTOOD, NULL, 0);
    return;
  }
  ab_l2cap_params_read(data, &wish);
  accepted = params_valid(&wish) && link->ev->on_param_request(link->ctx, &wish);
  ab_l2cap_answer_result(link, AB_SIG_PARAM_UPDATE_RSP, id,
                         accepted ? AB_SIG_PARAMS_ACCEPTED : AB_SIG_PARAMS_REJECTED);
}

/* ---- in ---- */

/* fn NULL: a response, which only a request of ours makes welcome */
static const struct {
  ab_l2cap_command_fn *fn;
  uint8_t min, max; /* its data */
  uint8_t unit;     /* … which is a multiple of this */
  bool request;     /* it is answered */
} commands[AB_SIG_CODES] = {
    [AB_SIG_COMMAND_REJECT] = {on_reject, 2, 6, 1, false},
    [AB_SIG_DISCONNECT_REQ] = {ab_l2cap_on_disconnect, 4, 4, 1, true},
    [AB_SIG_DISCONNECT_RSP] = {NULL, 4, 4, 1, false},
    [AB_SIG_PARAM_UPDATE_REQ] = {on_param_request, 8, 8, 1, true},
    [AB_SIG_PARAM_UPDATE_RSP] = {NULL, 2, 2, 1, false},
    [AB_SIG_LE_CONNECT_REQ] = {ab_l2cap_on_le_connect, 10, 10, 1, true},
    [AB_SIG_LE_CONNECT_RSP] = {NULL, 10, 10, 1, false},
    [AB_SIG_CREDITS_IND] = {ab_l2cap_on_credits, 4, 4, 1, false},
    [AB_SIG_ENHANCED_CONNECT_REQ] = {ab_l2cap_on_enhanced_connect, 8 + 2, 8 + 2 * AB_SIG_CIDS_MAX,
                                     2, true},
    [AB_SIG_ENHANCED_CONNECT_RSP] = {NULL, 8, 8 + 2 * AB_SIG_CIDS_MAX, 2, false},
    [AB_SIG_RECONFIGURE_REQ] = {ab_l2cap_on_reconfigure, 4 + 2, 4 + 2 * AB_SIG_CIDS_MAX, 2, true},
    [AB_SIG_RECONFIGURE_RSP] = {NULL, 2, 2, 1, false},
};

static bool length_fits(uint8_t code, size_t len) {
  return len >= commands[code].min && len <= commands[code].max && len % commands[code].unit == 0;
}

static void on_command(ab_l2cap_link *link, uint8_t code, uint8_t id, ab_rd *data) {
  if (commands[code].fn)
    commands[code].fn(link, id, data);
  else
    on_response(link, code, id, data);
}

void ab_l2cap_on_signalling(void *ctx, const uint8_t *payload, size_t len) {
  ab_l2cap_link *link = ctx;
  ab_rd r = ab_rd_of(payload, len);
  uint8_t code = ab_rd_u8(&r);
  uint8_t id = ab_rd_u8(&r);
  uint16_t length = ab_rd_le16(&r);
  bool known = code < AB_SIG_CODES && commands[code].unit;
  bool unanswered = known && !commands[code].request;

  if (ab_rd_ok(&r) && id && len > MTU && !unanswered)
    reject(link, id, AB_SIG_MTU_EXCEEDED, (const uint16_t[]){MTU}, 1);
  else if (!ab_rd_ok(&r) || !id || ab_rd_left(&r) != length || len > MTU)
    link->stats.malformed++;
  else if (known && length_fits(code, length))
    on_command(link, code, id, &r);
  else if (unanswered)
    link->stats.malformed++;
  else
    reject(link, id, AB_SIG_NOT_UNDERSTOOD, NULL, 0);
}
