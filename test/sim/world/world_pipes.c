/* SPDX-License-Identifier: MIT */
/*
 * L2CAP channels. Each end has a number, and says in each SDU which it is, which SDU that is and
 * how long; the octets behind that follow from both. The other end takes them in one of three ways,
 * now and then with a pause, and knows what was acknowledged to the sender: it gets all of that, in
 * order. In the end the credits that one has are those that the other has given.
 */
#include "host/host.h"
#include "world.h"

#include <string.h>

enum { PULL, STREAM, PUSH, MODES, HEADER = 6, SDU_MAX = 700, CHUNKS = 3 };

/* ---- an SDU: number, its sender, its length; octets that follow from these ---- */

static void sdu_write(uint8_t *sdu, size_t len, unsigned id, unsigned seq) {
  world_pattern(sdu, len, id, seq);
  sdu[2] = (uint8_t) id;
  sdu[3] = 0xa5;
  sdu[4] = (uint8_t) len;
  sdu[5] = (uint8_t) (len >> 8);
}

static size_t sdu_len(const uint8_t *sdu) {
  return sdu[4] | (size_t) sdu[5] << 8;
}

/* ---- receiving ---- */

static void whole(w_end *e, size_t len) {
  world *w = e->w;
  unsigned id = e->sdu[2], seq = world_pattern_seq(e->sdu, len);
  w_end *from = id < w->n_ends ? &w->ends[id] : NULL;
  uint8_t should[SDU_MAX];

  W_CHECK(w, from && from->at == e->peer && from->peer == e->at, "an SDU of another channel");
  W_CHECK(w, !e->from || e->from == from, "an SDU of channel end %u, not %u", id,
          e->from ? e->from->id : 0);
  sdu_write(should, len, id, seq);
  W_CHECK(w, !memcmp(e->sdu, should, len), "SDU %u of channel end %u is spoiled", seq, id);
  W_CHECK(w, seq >= e->next && seq < from->sent, "SDU %u came when %u was due", seq, e->next);
  for (unsigned i = e->next; i < seq; i++)
    W_CHECK(w, !from->acked[i], "SDU %u of channel end %u was lost", i, id);
  e->from = from;
  e->next = seq + 1;
  w->options->figures->sdus++;
}

/* octets, wherever SDUs begin and end; boundary: one ends here */
static void take(w_end *e, const uint8_t *data, size_t len, bool boundary) {
  if (!e->exact)
    return;
  for (size_t i = 0; i < len; i++) {
    e->sdu[e->filled++] = data[i];
    if (e->filled == HEADER)
      W_CHECK(e->w, sdu_len(e->sdu) >= HEADER && sdu_len(e->sdu) <= SDU_MAX && e->sdu[3] == 0xa5,
              "channel end %u gets what is no SDU", e->id);
    if (e->filled >= HEADER && e->filled == sdu_len(e->sdu)) {
      whole(e, e->filled);
      e->filled = 0;
    }
  }
  W_CHECK(e->w, !boundary || e->filled == 0, "an SDU was cut");
}

static void receive(w_end *e);

static void received(w_op *o, int status) {
  w_end *e = o->what;

  e->reading = false;
  if (status < 0)
    return;
  if (e->mode == STREAM)
    take(e, e->piece, (size_t) aioble_op_number(o->op), false);
  else
    take(e, aioble_op_value(o->op).data, aioble_op_value(o->op).len, true);
  if (world_roll(e->w, 8)) /* else a pause */
    receive(e);
}

static void pushed(aioble_channel_t *channel, aioble_bytes_t sdu, void *user) {
  w_end *e = user;

  W_CHECK(e->w, channel == e->chan, "the SDU of another channel");
  world_called_back(&e->w->sides[e->at], "on_sdu");
  take(e, sdu.data, sdu.len, true);
  world_act_inside(e->w);
}

static void receive(w_end *e) {
  w_side *side = &e->w->sides[e->at];
  w_op *o;

  if (e->reading)
    return;
  e->reading = true;
  if (e->mode == PUSH) {
    W_CALL(side, aioble_channel_on_sdu(e->chan, pushed, e));
    return;
  }
  if (e->mode == STREAM)
    o = W_PLAY(side, "receive octets", aioble_channel_recvinto(e->chan, e->piece, sizeof e->piece),
               received);
  else
    o = W_PLAY(side, "receive", aioble_channel_recv(e->chan), received);
  if (o && !o->calls)
    o->what = e;
  else
    e->reading = false;
}

/* ---- channels that come ---- */

static void keep(w_side *side, aioble_channel_t *channel) {
  world *w = side->w;
  w_end *e = &w->ends[w->n_ends];

  if (w->n_ends == W_ENDS)
    return;
  *e = (w_end){.w = w, .at = side->no, .id = w->n_ends++, .mode = world_roll(w, MODES)};
  e->chan = aioble_channel_ref(channel);
  e->peer = world_peer_of(side, aioble_channel_conn(channel));
  e->exact = e->peer < W_STACKS && world_promises(w, W_EXACT);
  receive(e);
}

static void made(w_op *o, int status) {
  w_side *side = &o->w->sides[o->at];

  if (status < 0)
    return;
  for (size_t i = 0; i < o->seq; i++)
    if (aioble_op_channel_at(o->op, i))
      keep(side, aioble_op_channel_at(o->op, i));
}

static void accepted(w_op *o, int status);

static void accept_one(w_side *side) {
  W_PLAY(side, "accept", aioble_listener_accept(side->listener), accepted);
}

static void accepted(w_op *o, int status) {
  w_side *side = &o->w->sides[o->at];

  if (status < 0) /* closed, say */
    return;
  keep(side, aioble_op_channel(o->op));
  accept_one(side);
}

static aioble_channel_options_t options_of(world *w) {
  static const aioble_channel_options_t options[] = {{0},
                                                     {.mtu = 100, .mps = 64, .credits = 2},
                                                     {.mtu = 1000, .mps = 100, .credits = 5},
                                                     {.credits = 1},
                                                     {.mtu = 64, .mps = 64, .enhanced = true},
                                                     {.enhanced = true}};

  return options[world_roll(w, sizeof options / sizeof *options)];
}

static void listen(w_side *side) {
  aioble_listen_options_t options = {.channel = options_of(side->w)};

  aioble_listener_unref(side->listener);
  W_CALL(side, side->listener = aioble_l2cap_listen(side->ble, W_PSM, &options));
  accept_one(side);
}

void world_channel_connect(w_side *side) {
  world *w = side->w;
  aioble_channel_options_t options = options_of(w);
  unsigned peer, n = world_roll(w, 3) ? 1 : 2;
  aioble_conn_t *conn = world_conn(side, &peer);
  w_op *o;

  if (world_roll(w, 8) == 0) {
    listen(side);
    return;
  }
  if (n == 1)
    o = W_PLAY(side, "channel", aioble_conn_l2cap_connect(conn, W_PSM, &options), made);
  else
    o = W_PLAY(side, "channels", aioble_conn_l2cap_connect_many(conn, W_PSM, &options, n), made);
  if (o)
    o->seq = n;
}

/* ---- sending ---- */

/* an end of that side, rather an open one; NULL: there is none */
static w_end *some(w_side *side) {
  world *w = side->w;
  w_end *e = NULL;

  for (unsigned i = 0, at = w->n_ends ? world_roll(w, w->n_ends) : 0; i < w->n_ends; i++) {
    w_end *one = &w->ends[(at + i) % w->n_ends];

    if (one->at == side->no && (!e || !aioble_channel_is_open(e->chan)))
      e = one;
  }
  return e;
}

static void sent(w_op *o, int status) {
  w_end *e = o->what;

  for (unsigned i = 0; status == 0 && i < o->mark; i++)
    e->acked[o->seq + i] = true;
}

static void try_send(w_end *e, size_t len) {
  uint8_t sdu[SDU_MAX];
  int status;

  sdu_write(sdu, len, e->id, e->sent);
  e->sent++; /* it may arrive before we are told */
  W_CALL(&e->w->sides[e->at], status = aioble_channel_try_send(e->chan, sdu, len));
  world_trace(e->w, "try send", (long) e->at, (long) e->id, status);
  if (status == 0)
    e->acked[e->sent - 1] = true;
}

static void send(w_end *e, size_t len, unsigned n) {
  uint8_t sdus[SDU_MAX * CHUNKS];
  w_op *o;

  for (unsigned i = 0; i < n; i++)
    sdu_write(sdus + i * len, len, e->id, e->sent + i);
  e->sent += n;
  o = W_PLAY(&e->w->sides[e->at], "send", aioble_channel_send(e->chan, sdus, n * len, len), sent);
  if (!o)
    return;
  o->what = e;
  o->seq = e->sent - n;
  o->mark = n;
}

void world_channel_send(w_side *side) {
  world *w = side->w;
  w_end *e = some(side);
  size_t most;

  if (!e || e->sent + CHUNKS >= W_SEQS || w->n_ops == W_OPS) {
    world_channel_connect(side);
    return;
  }
  most = aioble_channel_peer_mtu(e->chan);
  most = most < HEADER ? HEADER : most > SDU_MAX ? SDU_MAX : most;
  most = HEADER + world_roll(w, (unsigned) most - HEADER + 1);
  if (world_roll(w, 4) == 0)
    try_send(e, most);
  else
    send(e, most, 1 + world_roll(w, CHUNKS));
}

void world_channel_read(w_side *side) {
  w_end *e = some(side);

  if (e)
    receive(e);
}

void world_channel_close(w_side *side) {
  w_end *e = some(side);

  if (!e)
    return;
  switch (world_roll(side->w, 4)) {
  case 0:
    W_PLAY(side, "end channel", aioble_channel_disconnect(e->chan), NULL);
    break;
  case 1:
    W_PLAY(side, "channel ended", aioble_channel_disconnected(e->chan), NULL);
    break;
  case 2:
    W_PLAY(side, "flush", aioble_channel_flush(e->chan), NULL);
    break;
  default:
    W_PLAY(side, "reconfigure",
           aioble_channels_reconfigure(&e->chan, 1,
                                       (uint16_t) (aioble_channel_our_mtu(e->chan) + 10), 0),
           NULL);
  }
}

/* ---- life ---- */

void world_pipes_begin(w_side *side) {
  listen(side);
}

void world_pipes_end(world *w) {
  for (unsigned i = 0; i < w->n_ends; i++)
    aioble_channel_unref(w->ends[i].chan);
  for (unsigned i = 0; i < W_STACKS; i++)
    aioble_listener_unref(w->sides[i].listener);
}

void world_pipes_drain(world *w) {
  for (unsigned i = 0; i < w->n_ends; i++)
    receive(&w->ends[i]);
}

/* e receives, from sends; nothing is under way */
static void check(const w_end *e, const w_end *from) {
  aioble_channel_stats_t in, out;

  aioble_channel_stats(e->chan, &in);
  aioble_channel_stats(from->chan, &out);
  W_CHECK(e->w, aioble_channel_available(e->chan) == 0, "channel end %u does not read", e->id);
  W_CHECK(e->w, in.sdus_in == out.sdus_out && in.bytes_in == out.bytes_out,
          "channel end %u has sent %llu SDUs, %u has got %llu", from->id,
          (unsigned long long) out.sdus_out, e->id, (unsigned long long) in.sdus_in);
  W_CHECK(e->w, in.frames_in == out.frames_out, "frames were lost");
  W_CHECK(e->w, aioble_channel_our_credits(e->chan) == aioble_channel_peer_credits(from->chan),
          "channel end %u gave %u credits, %u has %u", e->id, aioble_channel_our_credits(e->chan),
          from->id, aioble_channel_peer_credits(from->chan));
  for (unsigned i = e->next; i < from->sent; i++)
    W_CHECK(e->w, !from->acked[i], "SDU %u of channel end %u has not come", i, from->id);
}

void world_pipes_check(world *w) {
  for (unsigned i = 0; i < w->n_ends; i++) {
    const w_end *e = &w->ends[i];

    if (e->from && e->reading && aioble_channel_is_open(e->chan) &&
        aioble_channel_is_open(e->from->chan))
      check(e, e->from);
  }
}
