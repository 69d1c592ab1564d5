/* SPDX-License-Identifier: MIT */
/*
 * The bearer (Core Vol 3, Part F, 3.2 to 3.4): what a received PDU is, by its opcode, decides what
 * happens with it. One table says both, and how long it may be; every other opcode is unknown: a
 * command (bit 6) is ignored, anything else is refused as a request (3.3).
 *
 *   the peer's request --> on_request --> response, error response, or later
 *   the peer's indication --> on_value --> confirmation
 *   its answers --> the request or indication of ours that is on the air; otherwise dropped,
 * counted
 */
#include "att/att_priv.h"

/* `pdu` is what follows the opcode; ok: its length is possible */
typedef void step_fn(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok);

typedef struct rule {
  step_fn *step;
  uint16_t min, max; /* octets behind the opcode */
} rule;

static step_fn take_request, take_command, take_mtu_request, take_response, take_mtu_response,
    take_error, take_notification, take_notifications, take_indication, take_confirmation;

enum { ANY = AB_ATT_MTU_MAX };

/* lengths of requests are the server's to judge, which also knows what they should be */
static const rule rules[256] = {
    [AB_ATT_ERROR_RSP] = {take_error, ab_att_error_size, ab_att_error_size},
    [AB_ATT_MTU_REQ] = {take_mtu_request, ab_att_mtu_size, ab_att_mtu_size},
    [AB_ATT_MTU_RSP] = {take_mtu_response, ab_att_mtu_size, ab_att_mtu_size},
    [AB_ATT_FIND_INFO_REQ] = {take_request, 0, ANY},
    [AB_ATT_FIND_INFO_RSP] = {take_response, 5, ANY},
    [AB_ATT_FIND_TYPE_REQ] = {take_request, 0, ANY},
    [AB_ATT_FIND_TYPE_RSP] = {take_response, 4, ANY},
    [AB_ATT_READ_TYPE_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_TYPE_RSP] = {take_response, 3, ANY},
    [AB_ATT_READ_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_RSP] = {take_response, 0, ANY},
    [AB_ATT_READ_BLOB_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_BLOB_RSP] = {take_response, 0, ANY},
    [AB_ATT_READ_MULTIPLE_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_MULTIPLE_RSP] = {take_response, 0, ANY},
    [AB_ATT_READ_GROUP_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_GROUP_RSP] = {take_response, 5, ANY},
    [AB_ATT_WRITE_REQ] = {take_request, 0, ANY},
    [AB_ATT_WRITE_RSP] = {take_response, 0, 0},
    [AB_ATT_PREPARE_WRITE_REQ] = {take_request, 0, ANY},
    [AB_ATT_PREPARE_WRITE_RSP] = {take_response, 4, ANY},
    [AB_ATT_EXECUTE_WRITE_REQ] = {take_request, 0, ANY},
    [AB_ATT_EXECUTE_WRITE_RSP] = {take_response, 0, 0},
    [AB_ATT_NOTIFICATION] = {take_notification, ab_att_handle_size, ANY},
    [AB_ATT_INDICATION] = {take_indication, ab_att_handle_size, ANY},
    [AB_ATT_CONFIRMATION] = {take_confirmation, 0, 0},
    [AB_ATT_READ_MULTIPLE_VAR_REQ] = {take_request, 0, ANY},
    [AB_ATT_READ_MULTIPLE_VAR_RSP] = {take_response, 0, ANY},
    [AB_ATT_MULTIPLE_NOTIFICATION] = {take_notifications, 4, ANY},
    [AB_ATT_WRITE_CMD] = {take_command, 0, ANY},
    [AB_ATT_SIGNED_WRITE_CMD] = {take_command, 0, ANY},
};

void ab_att_init(ab_att *att, ab_env *env, ab_bufs *bufs, const ab_att_events *events, void *ctx,
                 uint16_t local_mtu) {
  *att = (ab_att){.env = env, .bufs = bufs, .ev = events, .ctx = ctx};
  att->mtu = AB_ATT_MTU_MIN;
  att->local_mtu = local_mtu;
  ab_att_lane_init(&att->requests, att);
  ab_att_lane_init(&att->indications, att);
  ab_list_init(&att->held);
  ab_list_init(&att->failed);
}

void ab_att_close(ab_att *att, int status) {
  att->state = AB_ATT_CLOSED;
  att->answering = 0;
  ab_att_end_all(att, status);
}

void ab_att_break(ab_att *att, int status) {
  if (att->state == AB_ATT_CLOSED)
    return;
  att->state = AB_ATT_BROKEN;
  att->answering = 0;
  ab_att_end_all(att, AIOBLE_ENOTCONN);
  if (att->state == AB_ATT_BROKEN)
    att->ev->on_broken(att->ctx, status);
}

/* the request on the air has this response: the opcodes were numbered that way */
static bool answers(const ab_att_lane *lane, uint8_t opcode) {
  return lane->busy && opcode == lane->opcode + 1;
}

/* ---- sending ---- */

static ab_buf *pdu_buf(ab_att *att, ab_wr *w) {
  ab_buf *buf = ab_buf_new(att->bufs, att->mtu);

  if (buf) {
    *w = ab_buf_writer(buf);
    ab_wr_limit(w, att->mtu);
  }
  return buf;
}

ab_buf *ab_att_pdu(ab_att *att, uint8_t opcode, ab_wr *w) {
  ab_buf *buf = pdu_buf(att, w);

  if (buf)
    ab_wr_u8(w, opcode);
  return buf;
}

void ab_att_send(ab_att *att, ab_buf *buf) {
  if (att->state == AB_ATT_OPEN)
    att->ev->send(att->ctx, buf);
  else
    ab_buf_finish(buf, AIOBLE_ENOTCONN);
}

/* What the peer waits for: without memory for it the bearer is of no more use. */
static ab_buf *owed_buf(ab_att *att, ab_wr *w) {
  ab_buf *buf = pdu_buf(att, w);

  if (!buf)
    ab_att_break(att, AIOBLE_ENOMEM);
  return buf;
}

static void send_owed(ab_att *att, ab_buf *buf, const ab_wr *w) {
  ab_buf_wrote(buf, w);
  ab_att_send(att, buf);
}

static void send_error(ab_att *att, uint8_t request, uint16_t handle, uint8_t code) {
  ab_att_error error = {.request = request, .handle = handle, .code = code};
  ab_wr w;
  ab_buf *buf = owed_buf(att, &w);

  att->refused++;
  if (!buf)
    return;
  ab_wr_u8(&w, AB_ATT_ERROR_RSP);
  ab_att_error_write(&w, &error);
  send_owed(att, buf, &w);
}

/* ---- the peer's requests ---- */

void ab_att_rx(ab_att *att, const uint8_t *data, size_t len) {
  ab_rd pdu = ab_rd_of(data, len);
  uint8_t opcode = ab_rd_u8(&pdu);
  const rule *known = &rules[opcode];
  size_t left = ab_rd_left(&pdu);
  bool ok = left >= known->min && left <= known->max && len <= att->local_mtu;

  if (att->state != AB_ATT_OPEN)
    return;
  if (len == 0 || (known->step && !ok))
    att->malformed++;
  if (known->step)
    known->step(att, opcode, &pdu, ok);
  else if (len > 0 && !(opcode & AB_ATT_COMMAND_BIT))
    send_error(att, opcode, 0, AB_ATT_ERR_REQUEST_NOT_SUPPORTED);
}

/* an answer is ready, or an error, for a request that is still open */
static void answer(ab_att *att, uint8_t opcode, ab_buf *buf, ab_wr *rsp, int code,
                   uint16_t handle) {
  if (code == 0 && ab_wr_ok(rsp) && ab_wr_len(rsp) > 0) {
    send_owed(att, buf, rsp);
    return;
  }
  ab_buf_free(buf);
  send_error(att, opcode, handle, code > 0 ? (uint8_t) code : AB_ATT_ERR_UNLIKELY);
}

/*
 * A client that sends a request before the last one was answered breaks 3.3.2. The first is still
 * answered; the second is refused, so that nothing is held for it and nobody waits.
 */
static void refuse_second(ab_att *att, uint8_t opcode) {
  att->malformed++;
  send_error(att, opcode, 0, AB_ATT_ERR_INSUFFICIENT_RESOURCES);
}

static void take_request(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  uint16_t handle = 0;
  ab_buf *buf;
  ab_wr rsp;
  int code;

  if (!ok) {
    send_error(att, opcode, 0, AB_ATT_ERR_INVALID_PDU);
    return;
  }
  if (att->answering) {
    refuse_second(att, opcode);
    return;
  }
  buf = owed_buf(att, &rsp);
  if (!buf)
    return;
  att->answering = opcode;
  code = att->ev->on_request(att->ctx, opcode, pdu, &rsp, &handle);
  if (code == AB_ATT_LATER || att->state != AB_ATT_OPEN) {
    ab_buf_free(buf);
    return;
  }
  att->answering = 0;
  answer(att, opcode, buf, &rsp, code, handle);
}

static void take_command(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  ab_wr no_rsp = ab_wr_of(NULL, 0);
  uint16_t handle = 0;

  if (ok)
    (void) att->ev->on_request(att->ctx, opcode, pdu, &no_rsp, &handle);
}

void ab_att_respond(ab_att *att, ab_buf *rsp) {
  if (!att->answering) {
    ab_buf_finish(rsp, AIOBLE_ENOTCONN);
    return;
  }
  att->answering = 0;
  ab_att_send(att, rsp);
}

void ab_att_respond_error(ab_att *att, uint16_t handle, uint8_t code) {
  uint8_t request = att->answering;

  if (!request)
    return;
  att->answering = 0;
  send_error(att, request, handle, code);
}

/* ---- the MTU (3.4.2) ---- */

/* The smaller of both, but never below the default. A client asks once; of one that asks again,
   which is counted, the last word holds, because it will reckon with that. */
static void agree_mtu(ab_att *att, uint16_t remote) {
  uint16_t mtu = remote < att->local_mtu ? remote : att->local_mtu;

  att->mtu = mtu > AB_ATT_MTU_MIN ? mtu : AB_ATT_MTU_MIN;
  att->ev->on_mtu(att->ctx, att->mtu);
}

static void take_mtu_request(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  ab_att_mtu theirs, ours = {.mtu = att->local_mtu};
  ab_buf *buf;
  ab_wr w;

  if (att->enhanced) {
    send_error(att, opcode, 0, AB_ATT_ERR_REQUEST_NOT_SUPPORTED);
    return;
  }
  if (!ok || !ab_att_mtu_read(pdu, &theirs)) {
    send_error(att, opcode, 0, AB_ATT_ERR_INVALID_PDU);
    return;
  }
  if (att->answering) {
    refuse_second(att, opcode);
    return;
  }
  buf = owed_buf(att, &w);
  if (!buf)
    return;
  ab_wr_u8(&w, AB_ATT_MTU_RSP);
  ab_att_mtu_write(&w, &ours);
  att->malformed += att->mtu_answered;
  att->mtu_answered = true;
  send_owed(att, buf, &w);
  agree_mtu(att, theirs.mtu);
}

static void take_mtu_response(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  ab_rd peek = *pdu;
  ab_att_mtu theirs;

  if (ok && answers(&att->requests, opcode) && ab_att_mtu_read(&peek, &theirs))
    agree_mtu(att, theirs.mtu);
  take_response(att, opcode, pdu, ok);
}

/* ---- answers to what we sent ---- */

/* An answer to nothing, or to something else than what is on the air, is dropped: what is on the
   air keeps waiting for its own (3.3.2). */
static void take_response(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  if (answers(&att->requests, opcode))
    ab_att_lane_answered(&att->requests, ok ? 0 : AIOBLE_EPROTO, pdu);
  else
    att->malformed += ok;
}

static void take_error(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  ab_att_error error = {0};
  bool ours;

  (void) opcode;
  ok = ok && ab_att_error_read(pdu, &error);
  ours = att->requests.busy && (!ok || error.request == att->requests.opcode);
  if (ours && ok)
    ab_att_lane_refused(&att->requests, error.code, pdu);
  else if (ours)
    ab_att_lane_answered(&att->requests, AIOBLE_EPROTO, pdu);
  else
    att->malformed += ok;
}

static void take_confirmation(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  (void) opcode;
  if (att->indications.busy)
    ab_att_lane_answered(&att->indications, ok ? 0 : AIOBLE_EPROTO, pdu);
  else
    att->malformed += ok;
}

/* ---- the peer's values ---- */

static void give_value(ab_att *att, ab_rd *pdu, bool indication) {
  uint16_t handle = ab_rd_le16(pdu);
  size_t len;
  const uint8_t *value = ab_rd_rest(pdu, &len);

  att->ev->on_value(att->ctx, handle, value, len, indication);
}

static void take_notification(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  (void) opcode;
  if (ok)
    give_value(att, pdu, false);
}

/* Multiple Handle Value Notification: handle, length, value of each (3.4.7.4) */
static void take_notifications(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  (void) opcode;
  while (ok && ab_rd_left(pdu) > 0 && att->state == AB_ATT_OPEN) {
    uint16_t handle = ab_rd_le16(pdu);
    uint16_t len = ab_rd_le16(pdu);
    const uint8_t *value = ab_rd_take(pdu, len);

    if (ab_rd_ok(pdu))
      att->ev->on_value(att->ctx, handle, value, len, false);
    else
      att->malformed++;
  }
}

/* a malformed one is confirmed, too: else the server could never indicate again */
static void take_indication(ab_att *att, uint8_t opcode, ab_rd *pdu, bool ok) {
  ab_buf *buf;
  ab_wr w;

  (void) opcode;
  if (ok)
    give_value(att, pdu, true);
  if (att->state != AB_ATT_OPEN)
    return;
  buf = owed_buf(att, &w);
  if (!buf)
    return;
  ab_wr_u8(&w, AB_ATT_CONFIRMATION);
  send_owed(att, buf, &w);
}
