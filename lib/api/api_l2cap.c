/* SPDX-License-Identifier: MIT */
/* Channels: references, what they are, their ends, other sizes. */
#include "api/api_l2cap.h"
#include "host/host.h"

aioble_channel_t *ab_channel_of(ab_l2cap_chan *chan) {
  return ab_container_of(chan, aioble_channel_t, chan);
}

/* ---- what L2CAP tells ---- */

static void tell_maker(aioble_channel_t *channel, int status) {
  void (*made)(aioble_channel_t *, int) = channel->made;

  channel->made = NULL;
  if (made)
    made(channel, status);
}

static void on_open(ab_l2cap_chan *chan) {
  tell_maker(ab_channel_of(chan), 0);
}

static void on_kept(ab_l2cap_chan *chan) {
  ab_channel_serve(ab_channel_of(chan));
}

static void on_end(ab_l2cap_chan *chan, int status) {
  aioble_channel_t *channel = ab_channel_of(chan);

  channel->reason = status ? status : AIOBLE_ECANCELED;
  tell_maker(channel, channel->reason);
  ab_channel_serve(channel);
}

static void on_closed(ab_l2cap_chan *chan) {
  aioble_channel_t *channel = ab_channel_of(chan);

  ab_host_settle_all(&channel->closing, 0, NULL);
  aioble_channel_unref(channel);
}

static const ab_l2cap_chan_events events = {
    .on_open = on_open,
    .on_sdu = ab_channel_push,
    .on_kept = on_kept,
    .on_end = on_end,
    .on_closed = on_closed,
};

/* ---- references ---- */

/* the link is to put together frames that long */
static void expect_frames(aioble_conn_t *conn, uint16_t mps) {
  ab_hci_link *link = &conn->link.hci;

  if (link->rx_limit < mps + 4u)
    link->rx_limit = mps + 4u;
}

aioble_channel_t *ab_channel_new(aioble_conn_t *conn, const aioble_channel_options_t *options) {
  aioble_channel_t *channel = ab_zalloc(&conn->ble->env, sizeof *channel);
  ab_l2cap_sizes ours = {0, 0, 0};

  if (!channel)
    return NULL;
  if (options)
    ours = (ab_l2cap_sizes){options->mtu, options->mps, options->credits};
  channel->refs = 1;
  channel->conn = aioble_conn_ref(conn);
  ab_list_init(&channel->node);
  ab_list_init(&channel->readers);
  ab_list_init(&channel->closing);
  ab_l2cap_chan_init(&channel->chan, &events, &ours);
  expect_frames(conn, ours.mps);
  return channel;
}

aioble_channel_t *aioble_channel_ref(aioble_channel_t *channel) {
  if (channel)
    channel->refs++;
  return channel;
}

aioble_channel_t *aioble_channel_unref(aioble_channel_t *channel) {
  aioble_conn_t *conn;

  if (!channel || --channel->refs)
    return NULL;
  conn = channel->conn;
  ab_l2cap_chan_clear(&channel->chan);
  ab_free(&conn->ble->env, channel);
  aioble_conn_unref(conn);
  return NULL;
}

void ab_channel_put(void *channel) {
  aioble_channel_unref(channel);
}

aioble_channel_t *aioble_op_channel(const aioble_op_t *op) {
  return ab_op_handle(op, ab_channel_put);
}

/* ---- what it is ---- */

bool aioble_channel_is_open(const aioble_channel_t *channel) {
  return channel && channel->chan.state == AB_L2CAP_CHAN_OPEN;
}

bool aioble_channel_is_enhanced(const aioble_channel_t *channel) {
  return channel && channel->chan.enhanced;
}

aioble_conn_t *aioble_channel_conn(const aioble_channel_t *channel) {
  return channel ? channel->conn : NULL;
}

uint16_t aioble_channel_psm(const aioble_channel_t *channel) {
  return channel ? channel->chan.psm : 0;
}

uint16_t aioble_channel_our_mtu(const aioble_channel_t *channel) {
  return channel ? channel->chan.ours.mtu : 0;
}

uint16_t aioble_channel_peer_mtu(const aioble_channel_t *channel) {
  return channel ? channel->chan.theirs.mtu : 0;
}

uint16_t aioble_channel_our_mps(const aioble_channel_t *channel) {
  return channel ? channel->chan.ours.mps : 0;
}

uint16_t aioble_channel_peer_mps(const aioble_channel_t *channel) {
  return channel ? channel->chan.theirs.mps : 0;
}

unsigned aioble_channel_our_credits(const aioble_channel_t *channel) {
  return channel ? channel->chan.rx.credits : 0;
}

unsigned aioble_channel_peer_credits(const aioble_channel_t *channel) {
  return channel ? channel->chan.tx.credits : 0;
}

size_t aioble_channel_available(const aioble_channel_t *channel) {
  return channel ? channel->chan.rx.bytes_kept : 0;
}

int aioble_channel_reason(const aioble_channel_t *channel) {
  return channel ? channel->reason : AIOBLE_ENOTCONN;
}

void aioble_channel_stats(const aioble_channel_t *channel, aioble_channel_stats_t *stats) {
  static const aioble_channel_stats_t none;

  *stats = channel ? channel->chan.stats : none;
}

/* ---- its end ---- */

static const ab_op_kind closing_kind = {"channel's end", sizeof(aioble_op_t), 1000,
                                        ab_op_leave_list, NULL};

aioble_op_t *aioble_channel_disconnected(aioble_channel_t *channel) {
  aioble_op_t *op;

  if (!channel)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!channel->chan.link)
    return ab_op_succeeded(channel->conn->ble);
  op = ab_op_new(channel->conn->ble, &closing_kind);
  if (!op)
    return ab_op_failed(channel->conn->ble, AIOBLE_ENOMEM);
  ab_list_push(&channel->closing, &op->node);
  return op;
}

aioble_op_t *aioble_channel_disconnect(aioble_channel_t *channel) {
  aioble_op_t *op = aioble_channel_disconnected(channel);

  if (channel)
    ab_l2cap_disconnect(&channel->chan);
  return op;
}

/* ---- other sizes ---- */

typedef struct reconf_op {
  aioble_op_t op;
  ab_l2cap_reconf reconf;
} reconf_op;

static void end_reconf(aioble_op_t *op, int why) {
  ab_l2cap_reconf_detach(&((reconf_op *) op)->reconf);
  ab_op_settle(op, why);
}

static const ab_op_kind reconf_kind = {"reconfigure", sizeof(reconf_op), 1000, end_reconf, NULL};

static void on_reconfigured(ab_l2cap_reconf *reconf, int status) {
  ab_op_settle(&ab_container_of(reconf, reconf_op, reconf)->op, status);
}

static int reconfigure(reconf_op *r, aioble_channel_t *const *channels, size_t n, uint16_t mtu,
                       uint16_t mps) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH] = {&channels[0]->chan};

  for (size_t i = 1; i < n; i++) {
    if (!channels[i])
      return AIOBLE_ENOTCONN;
    chans[i] = &channels[i]->chan;
  }
  mtu = mtu ? mtu : chans[0]->ours.mtu;
  mps = mps ? mps : chans[0]->ours.mps;
  expect_frames(channels[0]->conn, mps);
  return ab_l2cap_reconfigure(&r->reconf, chans, (unsigned) n, mtu, mps, on_reconfigured);
}

aioble_op_t *aioble_channels_reconfigure(aioble_channel_t *const *channels, size_t n, uint16_t mtu,
                                         uint16_t mps) {
  aioble_t *ble = channels && n && channels[0] ? channels[0]->conn->ble : NULL;
  aioble_op_t *op;
  int err;

  if (!ble)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (n > AIOBLE_CHANNELS_MAX)
    return ab_op_failed(ble, AIOBLE_EINVAL);
  op = ab_op_new(ble, &reconf_kind);
  if (!op)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  err = reconfigure((reconf_op *) op, channels, n, mtu, mps);
  if (err < 0)
    ab_op_settle(op, err);
  return op;
}
