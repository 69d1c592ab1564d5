/* SPDX-License-Identifier: MIT */
/*
 * SDUs out, cut into K-frames (Core Vol 3, Part A, 3.4, 10.1).
 *
 * 1. A channel has one K-frame on its way to the controller at a time; once that has been taken the
 *    next is cut and queued behind what the link's other channels have meanwhile. So all of them,
 *    and ATT, take turns, and the controller always has something to take.
 * 2. A K-frame costs a credit. Without one the channel waits for more (4.24): a sum of more than
 *    65,535 ends the channel; an indication of none is malformed.
 * 3. An SDU that was begun is finished, or the channel ends.
 * 4. What cannot go at once is copied once: its K-frames are sent from where it lies, each with its
 *    headers over the end of the one before.
 */
#include "l2cap/l2cap_priv.h"

enum { SDU_HEADER = 2 };

static void forget(ab_l2cap_sdu *sdu) {
  ab_list_remove(&sdu->node);
  ab_buf_free(sdu->copy);
  sdu->copy = NULL;
  sdu->chan = NULL;
}

static void end(ab_l2cap_sdu *sdu, int status) {
  forget(sdu);
  sdu->fn(sdu, status);
}

static ab_l2cap_sdu *first(const ab_l2cap_chan *chan) {
  ab_list *n = ab_list_first(&chan->tx.sdus);

  return n ? ab_container_of(n, ab_l2cap_sdu, node) : NULL;
}

static void pump(ab_l2cap_chan *chan);

static void on_taken(ab_buf *buf, int status) {
  ab_l2cap_chan *chan = buf->ctx;

  chan->tx.frame = NULL;
  if (status == 0)
    pump(chan);
}

/* The next octets of it, with room in front. Those that were copied already lie in their frame:
   what is in front of them has been sent. NULL: out of memory */
static ab_buf *payload(ab_l2cap_chan *chan, ab_l2cap_sdu *sdu, size_t n) {
  ab_rd next = sdu->left;
  const uint8_t *data = ab_rd_take(&next, n);
  ab_buf *buf =
      sdu->copy ? ab_buf_share(sdu->copy, data, n) : ab_buf_copy(chan->link->bufs, data, n);

  if (buf)
    sdu->left = next;
  return buf;
}

/* the next K-frame; NULL: out of memory */
static ab_buf *cut(ab_l2cap_chan *chan, ab_l2cap_sdu *sdu) {
  bool begins = sdu->open == 0;
  size_t header = begins ? SDU_HEADER : 0, room = chan->theirs.mps - header;
  size_t left = ab_rd_left(&sdu->left);
  uint32_t length = begins ? (uint32_t) (left < sdu->chunk ? left : sdu->chunk) : sdu->open;
  size_t n = length < room ? length : room;
  ab_buf *buf = payload(chan, sdu, n);
  ab_wr w;

  if (!buf)
    return NULL;
  w = ab_buf_prepend(buf, header);
  if (begins)
    ab_wr_le16(&w, (uint16_t) length);
  sdu->open = length - (uint32_t) n;
  chan->stats.sdus_out += begins;
  chan->stats.bytes_out += n;
  return buf;
}

static void send_one(ab_l2cap_chan *chan, ab_l2cap_sdu *sdu) {
  ab_buf *buf = cut(chan, sdu);

  if (!buf) {
    end(sdu, AIOBLE_ENOMEM); /* all of it: what was begun has its buffer */
    return;
  }
  buf->done = on_taken;
  buf->ctx = chan;
  chan->tx.frame = buf;
  chan->tx.credits--;
  chan->stats.frames_out++;
  ab_l2cap_send(chan->link, chan->peer_cid, buf);
}

/* not from inside itself: the frame that is sent may be taken at once */
static void pump(ab_l2cap_chan *chan) {
  ab_l2cap_sdu *sdu;

  if (chan->tx.pumping)
    return;
  chan->tx.pumping = true;
  while (chan->state == AB_L2CAP_CHAN_OPEN && !chan->tx.frame && (sdu = first(chan))) {
    if (ab_rd_left(&sdu->left) == 0)
      end(sdu, 0);
    else if (chan->tx.credits > 0)
      send_one(chan, sdu);
    else
      break;
  }
  chan->tx.pumping = false;
}

bool ab_l2cap_can_send(const ab_l2cap_chan *chan, size_t len) {
  return chan->state == AB_L2CAP_CHAN_OPEN && !chan->tx.frame && ab_list_empty(&chan->tx.sdus) &&
         len + SDU_HEADER <= (size_t) chan->theirs.mps * chan->tx.credits;
}

/* all of it in one K-frame, now */
static bool goes_at_once(const ab_l2cap_chan *chan, size_t len, uint16_t chunk) {
  return len <= chunk && len + SDU_HEADER <= chan->theirs.mps && ab_l2cap_can_send(chan, len);
}

int ab_l2cap_send_sdu(ab_l2cap_chan *chan, ab_l2cap_sdu *sdu, const void *data, size_t len,
                      uint16_t chunk, void (*fn)(ab_l2cap_sdu *sdu, int status)) {
  *sdu = (ab_l2cap_sdu){.fn = fn, .chunk = chunk ? chunk : chan->theirs.mtu};
  if (chan->state != AB_L2CAP_CHAN_OPEN)
    return AIOBLE_ENOTCONN;
  if (chunk > chan->theirs.mtu)
    return AIOBLE_EMSGSIZE;
  if (len && !goes_at_once(chan, len, sdu->chunk)) {
    sdu->copy = ab_buf_copy(chan->link->bufs, data, len);
    if (!sdu->copy)
      return AIOBLE_ENOMEM;
  }
  sdu->chan = chan;
  sdu->left = ab_rd_of(sdu->copy ? sdu->copy->p : data, len);
  ab_list_push(&chan->tx.sdus, &sdu->node);
  pump(chan);
  return 0;
}

bool ab_l2cap_sdu_stop(ab_l2cap_sdu *sdu) {
  if (!sdu->chan)
    return true;
  if (sdu->open) {
    sdu->left = ab_rd_slice(&sdu->left, sdu->open);
    return false;
  }
  forget(sdu);
  return true;
}

static void add_credits(ab_l2cap_chan *chan, uint16_t more) {
  if (more > UINT16_MAX - chan->tx.credits) {
    ab_l2cap_end_chan(chan, AIOBLE_EPROTO);
    return;
  }
  chan->tx.credits = (uint16_t) (chan->tx.credits + more);
  pump(chan);
}

void ab_l2cap_on_credits(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  ab_sig_credits ind;
  ab_l2cap_chan *chan;

  (void) id;
  ab_sig_credits_read(data, &ind);
  chan = ab_l2cap_by_peer_cid(link, ind.cid);
  if (!chan)
    link->stats.unexpected++;
  else if (ind.credits == 0)
    link->stats.malformed++;
  else if (chan->state == AB_L2CAP_CHAN_OPEN)
    add_credits(chan, ind.credits);
}

void ab_l2cap_tx_end(ab_l2cap_chan *chan, int status) {
  ab_l2cap_sdu *sdu;

  if (chan->tx.frame)
    chan->tx.frame->done = NULL;
  chan->tx.frame = NULL;
  while ((sdu = first(chan)))
    end(sdu, status == AIOBLE_ENOMEM ? AIOBLE_ENOMEM : AIOBLE_ENOTCONN);
}
