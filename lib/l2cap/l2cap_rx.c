/* SPDX-License-Identifier: MIT */
/*
 * K-frames in, and the credits for them (Core Vol 3, Part A, 3.4, 10.1).
 *
 * 1. A K-frame takes a credit; the first of an SDU says how long the SDU is. One without a credit,
 *    longer than our MPS, of an SDU longer than our MTU, that brings more than its SDU has, or
 *    nothing to one that was begun, ends the channel.
 * 2. An SDU in one K-frame is passed on where it lies. Longer ones are put together in a buffer of
 *    their length. What the owner does not use up at once is kept.
 * 3. The peer's credits and the K-frames held here (kept, or in the SDU being put together) are no
 *    more than our window, so what is not consumed stops the peer, at the cost of the window. Only
 *    to finish an SDU that was begun, whose memory is taken already, the peer gets more.
 * 4. Credits go out once half the window can be given, or the peer has none. One such command is on
 *    its way at a time.
 */
#include "l2cap/l2cap_priv.h"

/* ---- credits out ---- */

/* how many more the peer may have */
static uint32_t due(const ab_l2cap_chan *chan) {
  uint32_t window = chan->ours.credits, taken = chan->rx.credits + chan->rx.held;
  uint32_t give = window > taken ? window - taken : 0;

  if (chan->rx.credits > 0)
    return give >= (window + 1) / 2 ? give : 0;
  if (give == 0 && chan->rx.sdu)
    give = (chan->rx.sdu_len - chan->rx.sdu->len + chan->ours.mps - 1) / chan->ours.mps;
  return give;
}

static void on_grant_taken(ab_buf *buf, int status) {
  ab_l2cap_chan *chan = buf->ctx;

  chan->rx.grant = NULL;
  if (status == 0)
    ab_l2cap_top_up(chan);
}

void ab_l2cap_top_up(ab_l2cap_chan *chan) {
  uint8_t data[ab_sig_credits_size];
  ab_wr w = ab_wr_of(data, sizeof data);
  uint32_t give = due(chan);
  ab_buf *buf;

  if (chan->state != AB_L2CAP_CHAN_OPEN || chan->rx.grant || give == 0)
    return;
  ab_sig_credits_write(&w, &(ab_sig_credits){.cid = chan->cid, .credits = (uint16_t) give});
  buf = ab_l2cap_command(chan->link, AB_SIG_CREDITS_IND, &w);
  if (!buf) {
    ab_l2cap_start_retry(chan);
    return;
  }
  buf->done = on_grant_taken;
  buf->ctx = chan;
  chan->rx.grant = buf;
  chan->rx.credits = (uint16_t) (chan->rx.credits + give);
  ab_l2cap_send(chan->link, AB_L2CAP_CID_SIGNALLING, buf);
}

static void consumed(ab_l2cap_chan *chan, uint32_t frames) {
  chan->rx.held -= frames;
  ab_l2cap_top_up(chan);
}

/* ---- what is kept ---- */

static void keep(ab_l2cap_chan *chan, ab_buf *sdu, uint32_t frames) {
  sdu->note = frames;
  ab_list_push(&chan->rx.kept, &sdu->node);
  chan->rx.n_kept++;
  chan->rx.bytes_kept += sdu->len;
  ab_l2cap_top_up(chan);
  chan->ev->on_kept(chan);
}

static ab_buf *oldest(const ab_l2cap_chan *chan) {
  ab_list *n = ab_list_first(&chan->rx.kept);

  return n ? ab_container_of(n, ab_buf, node) : NULL;
}

ab_buf *ab_l2cap_take(ab_l2cap_chan *chan) {
  ab_buf *sdu = oldest(chan);

  if (!sdu)
    return NULL;
  ab_list_remove(&sdu->node);
  chan->rx.n_kept--;
  chan->rx.bytes_kept -= sdu->len;
  consumed(chan, sdu->note);
  return sdu;
}

size_t ab_l2cap_read(ab_l2cap_chan *chan, void *data, size_t size) {
  ab_wr w = ab_wr_of(data, size);
  ab_buf *sdu;

  while ((sdu = oldest(chan)) && ab_wr_room(&w) > 0) {
    size_t n = sdu->len < ab_wr_room(&w) ? sdu->len : ab_wr_room(&w);

    ab_wr_bytes(&w, sdu->p, n);
    ab_buf_consume(sdu, n);
    chan->rx.bytes_kept -= n;
    if (sdu->len == 0)
      ab_buf_free(ab_l2cap_take(chan));
  }
  return ab_wr_len(&w);
}

/* ---- K-frames ---- */

/* true: used up by the owner, who may have ended the channel */
static bool offer(ab_l2cap_chan *chan, const uint8_t *data, size_t len) {
  chan->stats.sdus_in++;
  chan->stats.bytes_in += len;
  return ab_list_empty(&chan->rx.kept) && chan->ev->on_sdu(chan, data, len);
}

static bool still_open(const ab_l2cap_link *link, uint16_t cid, const ab_l2cap_chan *chan) {
  return ab_l2cap_by_cid(link, cid) == chan && chan->state == AB_L2CAP_CHAN_OPEN;
}

/* an SDU in one K-frame */
static void deliver(ab_l2cap_chan *chan, const uint8_t *data, size_t len) {
  const ab_l2cap_link *link = chan->link;
  uint16_t cid = chan->cid;
  bool used = offer(chan, data, len);
  ab_buf *sdu;

  if (!still_open(link, cid, chan))
    return;
  if (used)
    consumed(chan, 1);
  else if ((sdu = ab_buf_copy(chan->link->bufs, data, len)))
    keep(chan, sdu, 1);
  else
    ab_l2cap_end_chan(chan, AIOBLE_ENOMEM);
}

/* an SDU that was put together */
static void deliver_whole(ab_l2cap_chan *chan) {
  const ab_l2cap_link *link = chan->link;
  uint16_t cid = chan->cid;
  ab_buf *sdu = chan->rx.sdu;
  uint32_t frames = chan->rx.frames;
  bool used;

  chan->rx.sdu = NULL;
  used = offer(chan, sdu->p, sdu->len);
  if (!used && still_open(link, cid, chan)) {
    keep(chan, sdu, frames);
    return;
  }
  ab_buf_free(sdu);
  if (still_open(link, cid, chan))
    consumed(chan, frames);
}

static void go_on(ab_l2cap_chan *chan, ab_rd *r) {
  ab_wr w = ab_buf_writer(chan->rx.sdu);
  size_t n;
  const uint8_t *data = ab_rd_rest(r, &n);

  ab_wr_bytes(&w, data, n);
  ab_buf_wrote(chan->rx.sdu, &w);
  chan->rx.frames++;
  if (chan->rx.sdu->len == chan->rx.sdu_len)
    deliver_whole(chan);
  else
    ab_l2cap_top_up(chan);
}

static void begin(ab_l2cap_chan *chan, ab_rd *r) {
  uint16_t length = ab_rd_le16(r);
  size_t len;
  const uint8_t *data;

  if (!ab_rd_ok(r) || length > chan->ours.mtu || ab_rd_left(r) > length) {
    ab_l2cap_end_chan(chan, AIOBLE_EPROTO);
    return;
  }
  if (ab_rd_left(r) == length) {
    data = ab_rd_rest(r, &len);
    deliver(chan, data, len);
    return;
  }
  chan->rx.sdu = ab_buf_new(chan->link->bufs, length);
  chan->rx.sdu_len = length;
  chan->rx.frames = 0;
  if (chan->rx.sdu)
    go_on(chan, r);
  else
    ab_l2cap_end_chan(chan, AIOBLE_ENOMEM);
}

void ab_l2cap_rx_frame(ab_l2cap_chan *chan, const uint8_t *payload, size_t len) {
  ab_rd r = ab_rd_of(payload, len);
  const ab_buf *sdu = chan->rx.sdu;

  if (chan->state != AB_L2CAP_CHAN_OPEN)
    return; /* what was on its way when it ended */
  if (chan->rx.credits == 0 || len > chan->ours.mps || len == 0 ||
      (sdu && len > chan->rx.sdu_len - sdu->len)) {
    ab_l2cap_end_chan(chan, AIOBLE_EPROTO);
    return;
  }
  chan->stats.frames_in++;
  chan->rx.credits--;
  chan->rx.held++;
  if (sdu)
    go_on(chan, &r);
  else
    begin(chan, &r);
}

void ab_l2cap_rx_too_long(ab_l2cap_chan *chan, size_t len) {
  if (chan->state == AB_L2CAP_CHAN_OPEN && len > chan->ours.mps)
    ab_l2cap_end_chan(chan, AIOBLE_EPROTO);
}

void ab_l2cap_rx_end(ab_l2cap_chan *chan) {
  ab_buf_free(chan->rx.sdu);
  chan->rx.sdu = NULL;
  if (chan->rx.grant)
    chan->rx.grant->done = NULL;
  chan->rx.grant = NULL;
}
