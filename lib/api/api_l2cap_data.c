/* SPDX-License-Identifier: MIT */
/*
 * Data of channels. What is to be sent waits in L2CAP, with the op as its request; an op that has
 * settled before stays until L2CAP has finished the SDU it had begun. What has arrived waits there,
 * too, until somebody takes it: that gives the peer its credits back.
 */
#include "api/api_l2cap.h"
#include "host/host.h"

/* ---- sending ---- */

typedef struct send_op {
  aioble_op_t op; /* L2CAP holds a reference until on_sent() */
  ab_l2cap_sdu sdu;
  aioble_channel_t *channel; /* a reference */
} send_op;

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  send_op *s = ab_container_of(sdu, send_op, sdu);

  ab_op_settle(&s->op, status);
  aioble_op_unref(&s->op);
}

static void end_send(aioble_op_t *op, int why) {
  bool over = ab_l2cap_sdu_stop(&((send_op *) op)->sdu);

  ab_op_settle(op, why);
  if (over)
    aioble_op_unref(op);
}

static void release_send(aioble_op_t *op) {
  aioble_channel_unref(((send_op *) op)->channel);
}

static const ab_op_kind send_kind = {"send", sizeof(send_op), AIOBLE_FOREVER, end_send,
                                     release_send};

static aioble_op_t *send_bytes(aioble_channel_t *channel, const void *data, size_t len,
                               size_t chunk_size) {
  aioble_t *ble = channel ? channel->conn->ble : NULL;
  aioble_op_t *op;
  send_op *s;
  int err;

  if (!channel)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (chunk_size > UINT16_MAX)
    return ab_op_failed(ble, AIOBLE_EMSGSIZE);
  op = ab_op_new(ble, &send_kind);
  if (!op)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  s = (send_op *) aioble_op_ref(op);
  s->channel = aioble_channel_ref(channel);
  err = ab_l2cap_send_sdu(&channel->chan, &s->sdu, data, len, (uint16_t) chunk_size, on_sent);
  if (err < 0)
    on_sent(&s->sdu, err);
  return op;
}

aioble_op_t *aioble_channel_send(aioble_channel_t *channel, const void *data, size_t len,
                                 size_t chunk_size) {
  if (channel && len == 0)
    return ab_op_succeeded(channel->conn->ble);
  return send_bytes(channel, data, len, chunk_size);
}

aioble_op_t *aioble_channel_flush(aioble_channel_t *channel) {
  return send_bytes(channel, NULL, 0, 0);
}

static void on_tried(ab_l2cap_sdu *sdu, int status) {
  ab_container_of(sdu, aioble_channel_t, trying)->try_status = status;
}

int aioble_channel_try_send(aioble_channel_t *channel, const void *data, size_t len) {
  int err;

  if (!aioble_channel_is_open(channel))
    return AIOBLE_ENOTCONN;
  if (len > channel->chan.theirs.mtu)
    return AIOBLE_EMSGSIZE;
  if (!ab_l2cap_can_send(&channel->chan, len))
    return AIOBLE_EAGAIN;
  ab_host_touch(channel->conn->ble);
  channel->try_status = 0;
  err = ab_l2cap_send_sdu(&channel->chan, &channel->trying, data, len, 0, on_tried);
  return err < 0 ? err : channel->try_status;
}

/* ---- receiving ---- */

typedef struct read_op {
  aioble_op_t op;            /* op.node is in channel->readers */
  aioble_channel_t *channel; /* a reference */
  void *buf;                 /* NULL: a whole SDU */
  size_t size;
} read_op;

static void release_read(aioble_op_t *op) {
  aioble_channel_unref(((read_op *) op)->channel);
}

static const ab_op_kind read_kind = {"receive", sizeof(read_op), AIOBLE_FOREVER, ab_op_leave_list,
                                     release_read};

static bool read_sdu(aioble_channel_t *channel, read_op *r) {
  ab_buf *sdu = ab_l2cap_take(&channel->chan);

  if (sdu)
    ab_op_take_value(&r->op, sdu);
  return sdu != NULL;
}

static bool read_bytes(aioble_channel_t *channel, read_op *r) {
  size_t n = ab_l2cap_read(&channel->chan, r->buf, r->size);

  if (n)
    ab_op_set_number(&r->op, (int) n);
  return n > 0;
}

/* what a reader gets for whom there is nothing any more */
static int end_status(const aioble_channel_t *channel) {
  return channel->reason == AIOBLE_ECANCELED ? AIOBLE_EOF : channel->reason;
}

void ab_channel_serve(aioble_channel_t *channel) {
  bool served = true;
  ab_list *n;
  read_op *r;

  aioble_channel_ref(channel); /* the ops may hold the last ones */
  while (served && (n = ab_list_first(&channel->readers))) {
    r = (read_op *) ab_container_of(n, aioble_op_t, node);
    served = r->buf ? read_bytes(channel, r) : read_sdu(channel, r);
    if (!served && !channel->reason)
      break;
    ab_list_remove(&r->op.node);
    ab_op_settle(&r->op, served ? 0 : end_status(channel));
    served = true;
  }
  aioble_channel_unref(channel);
}

static aioble_op_t *receive(aioble_channel_t *channel, void *buf, size_t size) {
  aioble_op_t *op;
  read_op *r;

  if (channel->push)
    return ab_op_failed(channel->conn->ble, AIOBLE_EBUSY);
  op = ab_op_new(channel->conn->ble, &read_kind);
  if (!op)
    return ab_op_failed(channel->conn->ble, AIOBLE_ENOMEM);
  r = (read_op *) op;
  r->channel = aioble_channel_ref(channel);
  r->buf = buf;
  r->size = size < INT32_MAX ? size : INT32_MAX;
  ab_list_push(&channel->readers, &op->node);
  ab_channel_serve(channel);
  return op;
}

aioble_op_t *aioble_channel_recv(aioble_channel_t *channel) {
  return channel ? receive(channel, NULL, 0) : ab_op_failed(NULL, AIOBLE_ENOTCONN);
}

aioble_op_t *aioble_channel_recvinto(aioble_channel_t *channel, void *buf, size_t size) {
  if (!channel)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!buf || !size)
    return ab_op_failed(channel->conn->ble, AIOBLE_EINVAL);
  return receive(channel, buf, size);
}

/* ---- the push form ---- */

/* the callback may let go of the channel, or of this callback */
static void push(aioble_channel_t *channel, const uint8_t *sdu, size_t len) {
  channel->push(channel, (aioble_bytes_t){sdu, len}, channel->push_user);
}

bool ab_channel_push(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  aioble_channel_t *channel = ab_channel_of(chan);

  if (!channel->push || channel->push_timer.running)
    return false;
  push(channel, sdu, len);
  return true;
}

static void on_push_timer(ab_timer *timer) {
  aioble_channel_t *channel = ab_container_of(timer, aioble_channel_t, push_timer);
  ab_buf *sdu;

  while (channel->push && (sdu = ab_l2cap_take(&channel->chan))) {
    push(channel, sdu->p, sdu->len);
    ab_buf_free(sdu);
  }
  aioble_channel_unref(channel);
}

void aioble_channel_on_sdu(aioble_channel_t *channel, aioble_sdu_fn *fn, void *user) {
  if (!channel)
    return;
  channel->push = fn;
  channel->push_user = user;
  if (fn)
    ab_host_settle_all(&channel->readers, AIOBLE_EBUSY, NULL);
  if (!fn || !channel->chan.rx.n_kept || channel->push_timer.running)
    return;
  ab_host_touch(channel->conn->ble);
  ab_timer_start(&channel->conn->ble->env, &channel->push_timer, 0, on_push_timer);
  aioble_channel_ref(channel);
}
