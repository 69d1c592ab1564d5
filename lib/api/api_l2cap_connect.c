/* SPDX-License-Identifier: MIT */
/*
 * Channels that we ask for: the op holds them, each with a reference, until it is released. It
 * settles when all have been made or refused. If the peer does not know enhanced channels, it is
 * asked again, for others; once more, when the link has become as secure as it demands.
 */
#include "api/api_l2cap.h"
#include "api/op_peer.h"
#include "host/host.h"

typedef struct connect_op {
  ab_peer_op p;
  aioble_channel_options_t options;
  uint16_t psm;
  aioble_channel_t *channels[AIOBLE_CHANNELS_MAX]; /* NULL: was not made */
  size_t n, undecided;
  int status; /* of the last that was not made */
  ab_demand_wait wait;
  bool again; /* it was refused for want of security before */
} connect_op;

static void drop(connect_op *c, size_t i) {
  if (c->channels[i])
    c->channels[i]->made = NULL;
  c->channels[i] = aioble_channel_unref(c->channels[i]);
}

/* those that it has, or may have yet, are not wanted */
static void end(aioble_op_t *op, int why) {
  connect_op *c = (connect_op *) op;

  for (size_t i = 0; i < c->n; i++) {
    if (!c->channels[i])
      continue;
    c->channels[i]->made = NULL;
    ab_l2cap_disconnect(&c->channels[i]->chan);
  }
  ab_list_remove(&c->wait.node);
  ab_op_settle(op, why);
}

static void release(aioble_op_t *op) {
  connect_op *c = (connect_op *) op;

  for (size_t i = 0; i < c->n; i++)
    drop(c, i);
  ab_peer_op_release(op);
}

static const ab_op_kind connect_kind = {"connect channel", sizeof(connect_op), 1000, end, release};

/* ---- the answers ---- */

static void ask(connect_op *c);

static void on_secured(ab_demand_wait *wait, bool again) {
  connect_op *c = ab_container_of(wait, connect_op, wait);

  if (again)
    ask(c);
  else
    ab_peer_op_settle(&c->p, c->status);
}

/* it will be asked once more */
static bool waits_for_security(connect_op *c) {
  bool waits = !c->again && ab_host_demand_wait(c->p.conn, c->status, &c->wait, on_secured);

  c->again |= waits;
  return waits;
}

static void settle(connect_op *c) {
  size_t i = 0;

  while (i < c->n && !c->channels[i])
    i++;
  if (i < c->n) {
    ab_op_take_handle(&c->p.op, aioble_channel_ref(c->channels[i]), ab_channel_put);
    ab_op_settle(&c->p.op, 0);
  } else if (c->status == AIOBLE_ENOTSUP && c->options.enhanced) {
    c->options.enhanced = false;
    ask(c);
  } else if (!waits_for_security(c)) {
    ab_peer_op_settle(&c->p, c->status);
  }
}

/* that one has been decided */
static void decided(connect_op *c, size_t i, int status) {
  if (status < 0) {
    c->status = status;
    drop(c, i);
  }
  if (--c->undecided == 0)
    settle(c);
}

static void on_made(aioble_channel_t *channel, int status) {
  connect_op *c = channel->maker;
  size_t i = 0;

  while (c->channels[i] != channel)
    i++;
  decided(c, i, status);
}

/* ---- asking ---- */

/* the channels from the i-th on, in one request */
static void ask_for(connect_op *c, size_t i, size_t n) {
  ab_l2cap_chan *chans[AIOBLE_CHANNELS_MAX];
  size_t have = 0;
  int err = AIOBLE_ENOMEM;

  while (have < n && (c->channels[i + have] = ab_channel_new(c->p.conn, &c->options))) {
    chans[have] = &c->channels[i + have]->chan;
    have++;
  }
  if (have == n)
    err = ab_l2cap_connect(&c->p.conn->l2cap, c->psm, c->options.enhanced, chans, (unsigned) n);
  for (size_t k = i; k < i + n; k++) {
    if (err < 0) {
      decided(c, k, err);
      continue;
    }
    c->channels[k]->made = on_made;
    c->channels[k]->maker = c;
    aioble_channel_ref(c->channels[k]); /* L2CAP's */
  }
}

static void ask(connect_op *c) {
  c->undecided = c->n;
  if (c->options.enhanced)
    ask_for(c, 0, c->n);
  else
    for (size_t i = 0, n = c->n; i < n; i++)
      ask_for(c, i, 1);
}

static aioble_op_t *connect_channels(aioble_conn_t *conn, uint16_t psm,
                                     const aioble_channel_options_t *options, size_t n,
                                     bool enhanced) {
  aioble_t *ble = conn ? conn->ble : NULL;
  connect_op *c;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(ble, AIOBLE_ENOTCONN);
  if (n < 1 || n > AIOBLE_CHANNELS_MAX)
    return ab_op_failed(ble, AIOBLE_EINVAL);
  c = (connect_op *) ab_peer_op_new(conn, &connect_kind);
  if (!c)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  if (options)
    c->options = *options;
  c->options.enhanced |= enhanced;
  c->psm = psm;
  c->n = n;
  ask(c);
  return &c->p.op;
}

aioble_op_t *aioble_conn_l2cap_connect(aioble_conn_t *conn, uint16_t psm,
                                       const aioble_channel_options_t *options) {
  return connect_channels(conn, psm, options, 1, false);
}

aioble_op_t *aioble_conn_l2cap_connect_many(aioble_conn_t *conn, uint16_t psm,
                                            const aioble_channel_options_t *options, size_t n) {
  return connect_channels(conn, psm, options, n, true);
}

aioble_channel_t *aioble_op_channel_at(const aioble_op_t *op, size_t i) {
  const connect_op *c = (const connect_op *) op;

  if (!op || op->status != 0 || op->kind != &connect_kind)
    return NULL;
  return i < c->n ? c->channels[i] : NULL;
}
