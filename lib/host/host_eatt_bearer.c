/* SPDX-License-Identifier: MIT */
/*
 * One enhanced ATT bearer (Core Vol 3, Part F, 3.2.11; Part G, 5.3): an L2CAP channel that carries
 * one PDU in each SDU.
 *
 * 1. It lives as long as its channel, ends with what was on it, and the link stays. When it breaks
 *    its channel is ended. Then its place may be taken anew.
 * 2. PDUs leave one by one. Without memory for it one is tried again soon. A peer that asks on and
 *    does not take its answers loses the bearer.
 * 3. What L2CAP tells while it sends, perhaps on behalf of a request just being made, is dealt with
 *    after that: requests do not end from inside the call that makes them.
 */
#include "host/host_priv.h"

enum {
  RETRY_US = 100000,
  OWED_MAX = 4, /* answers to one peer: a response and a confirmation are what there should be */
};

typedef ab_eatt_bearer bearer; /* for short */

static bearer *bearer_of(ab_l2cap_chan *chan) {
  return ab_container_of(chan, bearer, chan);
}

static bool is_open(const bearer *b) {
  return b->chan.state == AB_L2CAP_CHAN_OPEN;
}

/* ---- PDUs out ---- */

/* Those that the peer asks for: responses, whose opcodes are odd, and confirmations. */
static bool is_answer(const ab_buf *pdu) {
  ab_rd r = ab_rd_of(pdu->p, pdu->len);
  uint8_t opcode = ab_rd_u8(&r);

  return opcode == AB_ATT_CONFIRMATION || (opcode % 2 && opcode != AB_ATT_INDICATION);
}

static void finish(bearer *b, int status) {
  ab_buf *pdu = b->sending;

  b->sending = NULL;
  b->owed -= is_answer(pdu);
  ab_buf_finish(pdu, status);
}

static ab_timer_fn on_timer;

static void start_timer(bearer *b, uint64_t us) {
  ab_timer_start(&b->eatt->conn->ble->env, &b->timer, us, on_timer);
}

static void on_sent(ab_l2cap_sdu *sdu, int status);

/* there is a PDU to be sent, and nothing against it */
static bool may_send(bearer *b) {
  ab_list *n = b->sending ? NULL : ab_list_pop(&b->out);

  if (n)
    b->sending = ab_container_of(n, ab_buf, node);
  return b->sending && !b->sdu.chan && !b->timer.running;
}

/* not from inside itself */
static void pump(bearer *b) {
  int err;

  if (b->in_pump)
    return;
  b->in_pump = true;
  while (may_send(b)) {
    err = ab_l2cap_send_sdu(&b->chan, &b->sdu, b->sending->p, b->sending->len, 0, on_sent);
    if (err < 0)
      on_sent(&b->sdu, err);
  }
  b->in_pump = false;
}

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  bearer *b = ab_container_of(sdu, bearer, sdu);

  if (status == AIOBLE_ENOMEM && is_open(b))
    start_timer(b, RETRY_US);
  else
    finish(b, status);
  pump(b);
}

static void send_pdu(void *ctx, ab_buf *pdu) {
  bearer *b = ctx;

  b->owed += is_answer(pdu);
  ab_list_push(&b->out, &pdu->node);
  pump(b);
}

/* ---- one bearer ---- */

static int on_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  return ab_gatt_server_request(&((bearer *) ctx)->server, opcode, pdu, rsp, handle);
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  aioble_conn_t *conn = ((bearer *) ctx)->eatt->conn;

  ab_gatt_client_rx_value(&conn->client, handle, value, len, indication);
}

static void on_error(void *ctx, uint8_t code) {
  if (code == AB_ATT_ERR_DATABASE_OUT_OF_SYNC)
    ab_host_cache_out_of_sync(((bearer *) ctx)->eatt->conn);
}

static ab_att_verdict on_refused(void *ctx, uint8_t code, bool secured) {
  return ab_host_demand_refused(((bearer *) ctx)->eatt->conn, code, secured);
}

static void on_broken(void *ctx, int status) {
  (void) status;
  ab_l2cap_disconnect(&((bearer *) ctx)->chan);
}

/* there is no on_mtu without an exchange */
static const ab_att_events att_events = {.send = send_pdu,
                                         .on_request = on_request,
                                         .on_value = on_value,
                                         .on_error = on_error,
                                         .on_refused = on_refused,
                                         .on_broken = on_broken};

static void end_bearer(bearer *b) {
  ab_eatt *eatt = b->eatt;

  ab_timer_stop(&eatt->conn->ble->env, &b->timer);
  pump(b); /* what is left cannot be sent any more */
  if (!eatt->group.at[b->place])
    return;
  ab_att_group_set(&eatt->group, b->place, NULL);
  eatt->conn->att.malformed += b->att.malformed;
  eatt->conn->att.refused += b->att.refused;
  ab_gatt_bearer_close(&b->server);
  ab_att_close(&b->att, AIOBLE_ENOTCONN);
}

static void on_timer(ab_timer *timer) {
  bearer *b = ab_container_of(timer, bearer, timer);

  if (is_open(b))
    pump(b);
  else
    end_bearer(b);
}

/* ---- the channel of a bearer ---- */

/* 5.3.1; either side may raise its own later (Part A, 4.27) */
static void update_mtu(bearer *b) {
  const ab_l2cap_chan *chan = &b->chan;

  b->att.mtu = chan->ours.mtu < chan->theirs.mtu ? chan->ours.mtu : chan->theirs.mtu;
}

/* what was asked of the bearer in this place before ends now */
static void on_open(ab_l2cap_chan *chan) {
  bearer *b = bearer_of(chan);
  aioble_conn_t *conn = b->eatt->conn;

  if (b->att.env)
    ab_att_close(&b->att, AIOBLE_ENOTCONN);
  ab_att_init_enhanced(&b->att, &conn->att, &att_events, b, chan->ours.mtu);
  update_mtu(b);
  ab_gatt_bearer_open(&b->server, &conn->server, &b->att);
  ab_att_group_set(&b->eatt->group, b->place, &b->att);
  ab_eatt_answered(b, true);
}

static bool on_sdu(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  bearer *b = bearer_of(chan);

  if (b->owed < OWED_MAX) {
    update_mtu(b);
    ab_att_rx(&b->att, sdu, len);
  } else {
    b->att.malformed++;
    ab_l2cap_disconnect(chan);
  }
  return true;
}

static void on_kept(ab_l2cap_chan *chan) {
  (void) chan; /* nothing ever is */
}

static void on_end(ab_l2cap_chan *chan, int status) {
  bearer *b = bearer_of(chan);

  if (status < 0)
    ab_log(&b->eatt->conn->ble->env, AB_LOG_INFO, "enhanced ATT bearer: %s",
           aioble_strerror(status));
  if (b->in_pump)
    start_timer(b, 0);
  else
    end_bearer(b);
}

static void on_closed(ab_l2cap_chan *chan) {
  bearer *b = bearer_of(chan);

  end_bearer(b);
  b->taken = false;
  ab_eatt_answered(b, false);
}

static const ab_l2cap_chan_events chan_events = {.on_open = on_open,
                                                 .on_sdu = on_sdu,
                                                 .on_kept = on_kept,
                                                 .on_end = on_end,
                                                 .on_closed = on_closed};

/* ---- its place ---- */

void ab_eatt_bearer_init(bearer *b, ab_eatt *eatt, unsigned place) {
  b->eatt = eatt;
  b->place = place;
  ab_list_init(&b->out);
}

ab_l2cap_chan *ab_eatt_bearer_take(bearer *b, bool asked) {
  const ab_l2cap_sizes ours = {.mtu = b->eatt->conn->ble->config.mtu};

  b->taken = true;
  b->asked = asked;
  ab_l2cap_chan_init(&b->chan, &chan_events, &ours);
  return &b->chan;
}
