/* SPDX-License-Identifier: MIT */
/*
 * The channels of a link, and their ends (Core Vol 3, Part A, 4.6, 4.7, 10.1); l2cap_chan.h shows
 * the states.
 *
 * 1. We end a channel: traffic stops, the owner is told, a Disconnection Request goes out. Whatever
 *    answers it (its response, a reject, or nobody within RTX) closes the channel.
 * 2. The peer ends it: answered, and closed. For a CID that is none the request is rejected; one
 *    whose pair of CIDs does not match is dropped (4.6). Both at once: each is answered, ours not
 *    waited for.
 * 3. No memory for our request: it is tried again.
 */
#include "l2cap/l2cap_priv.h"

#include <assert.h>

enum {
  RETRY_US = 100000,
  SDU_DEFAULT = 2048,                /* the longest by default, headers included */
  FRAME_BUFFERS = 16,                /* … K-frame: so many of the controller's buffers */
  FRAME_LIMIT = 4096,                /* … and not longer */
  CREDITS_DEFAULT = 48,              /* K-frames the peer may send at least … */
  WINDOW_DEFAULT = 16 * SDU_DEFAULT, /* … unless they are that many octets: two connection events */
  HEADER = 4,
  SDU_HEADER = 2,
  ACL_LEN_MIN = 27,
};

/* ---- the table ---- */

static unsigned place_of(uint16_t cid) {
  return (unsigned) cid - AB_L2CAP_CID_FIRST;
}

ab_l2cap_chan *ab_l2cap_by_cid(const ab_l2cap_link *link, uint16_t cid) {
  return ab_l2cap_cid_valid(cid) ? link->chans[place_of(cid)] : NULL;
}

static bool was_open(const ab_l2cap_chan *chan) {
  return chan->state == AB_L2CAP_CHAN_OPEN || chan->state == AB_L2CAP_CHAN_WAIT_END;
}

ab_l2cap_chan *ab_l2cap_by_peer_cid(const ab_l2cap_link *link, uint16_t cid) {
  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++) {
    ab_l2cap_chan *chan = link->chans[i];

    if (chan && was_open(chan) && chan->peer_cid == cid)
      return chan;
  }
  return NULL;
}

unsigned ab_l2cap_free_cids(const ab_l2cap_link *link) {
  unsigned n = 0;

  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++)
    n += !link->chans[i];
  return n;
}

/* ---- sizes ---- */

static unsigned least_of(unsigned a, unsigned b) {
  return a < b ? a : b;
}

int ab_l2cap_sizes_check(const ab_l2cap_sizes *ours) {
  bool mtu = !ours->mtu || ours->mtu >= AB_SIG_LE_MIN;
  bool mps = !ours->mps || (ours->mps >= AB_SIG_LE_MIN && ours->mps <= AB_SIG_MPS_MAX);

  return mtu && mps ? 0 : AIOBLE_EINVAL;
}

/* Whole buffers of the controller, all full: so many that the usual SDU fits in one K-frame, but
   not so many that ATT waits long behind it. */
static uint16_t default_mps(const ab_l2cap_link *link, uint16_t mtu) {
  unsigned acl = link->acl_len < ACL_LEN_MIN ? ACL_LEN_MIN : link->acl_len;
  unsigned need = ((mtu ? HEADER + SDU_HEADER + mtu : SDU_DEFAULT) + acl - 1) / acl;
  unsigned fit = SDU_DEFAULT / acl ? SDU_DEFAULT / acl : 1;
  unsigned len = acl * least_of(least_of(need, fit), FRAME_BUFFERS);

  return (uint16_t) (least_of(len, FRAME_LIMIT) - HEADER);
}

/* an SDU that fills whole K-frames */
static uint16_t default_mtu(unsigned mps) {
  unsigned octets = SDU_DEFAULT + SDU_HEADER;

  return (uint16_t) ((octets < mps ? mps : octets - octets % mps) - SDU_HEADER);
}

/* two of the longest SDUs at least: one is on the way while the other is consumed */
static uint16_t default_credits(const ab_l2cap_sizes *ours) {
  unsigned octets = SDU_HEADER + ours->mtu, mps = ours->mps;
  unsigned frames = 2 * ((octets + mps - 1) / mps);
  unsigned usual = least_of(CREDITS_DEFAULT, WINDOW_DEFAULT / mps);

  return (uint16_t) (frames > usual ? frames : usual);
}

static uint16_t at_least(uint16_t value, uint16_t least) {
  return value < least ? least : value;
}

static void complete_sizes(ab_l2cap_chan *chan) {
  uint16_t least = chan->enhanced ? AB_SIG_ENHANCED_MIN : AB_SIG_LE_MIN;
  ab_l2cap_sizes *ours = &chan->ours;

  ours->mps = at_least(ours->mps ? ours->mps : default_mps(chan->link, ours->mtu), least);
  ours->mtu = at_least(ours->mtu ? ours->mtu : default_mtu(ours->mps), least);
  if (!ours->credits)
    ours->credits = default_credits(ours);
}

/* ---- coming ---- */

void ab_l2cap_chan_init(ab_l2cap_chan *chan, const ab_l2cap_chan_events *events,
                        const ab_l2cap_sizes *ours) {
  *chan = (ab_l2cap_chan){.ev = events, .ours = *ours};
  ab_list_init(&chan->tx.sdus);
  ab_list_init(&chan->rx.kept);
}

void ab_l2cap_attach(ab_l2cap_link *link, ab_l2cap_chan *chan, uint16_t psm, bool enhanced) {
  unsigned i = 0;

  while (link->chans[i])
    i++;
  assert(i < AB_L2CAP_CHANS && chan->state == AB_L2CAP_CHAN_CLOSED);
  link->chans[i] = chan;
  chan->link = link;
  chan->cid = (uint16_t) (AB_L2CAP_CID_FIRST + i);
  chan->psm = psm;
  chan->enhanced = enhanced;
  complete_sizes(chan);
  chan->rx.credits = chan->ours.credits;
}

void ab_l2cap_release_cid(ab_l2cap_chan *chan) {
  chan->link->chans[place_of(chan->cid)] = NULL;
  chan->link = NULL;
}

/* ---- going ---- */

/* traffic stops, and the owner is told, once */
static void leave(ab_l2cap_chan *chan, ab_l2cap_chan_state next, int status) {
  bool told = chan->state == AB_L2CAP_CHAN_GIVEN_UP || chan->state == AB_L2CAP_CHAN_WAIT_END;

  chan->link->stats.broken += !told && status == AIOBLE_EPROTO;
  chan->state = next;
  ab_l2cap_tx_end(chan, status);
  ab_l2cap_rx_end(chan);
  ab_timer_stop(chan->link->env, &chan->retry);
  if (!told)
    chan->ev->on_end(chan, status);
}

void ab_l2cap_drop_chan(ab_l2cap_chan *chan, int status) {
  ab_l2cap_link *link = chan->link;

  leave(chan, AB_L2CAP_CHAN_CLOSED, status);
  ab_l2cap_detach(&chan->req);
  ab_l2cap_reconf_forget(link, chan->cid);
  ab_l2cap_release_cid(chan);
  chan->ev->on_closed(chan);
}

void ab_l2cap_drop_all(ab_l2cap_link *link, int status) {
  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++)
    if (link->chans[i])
      ab_l2cap_drop_chan(link->chans[i], status);
}

void ab_l2cap_chan_clear(ab_l2cap_chan *chan) {
  ab_list *n;

  assert(!chan->link);
  while ((n = ab_list_pop(&chan->rx.kept)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
  chan->rx.n_kept = 0;
  chan->rx.bytes_kept = 0;
}

/* ---- our request ---- */

static void on_end_answered(ab_l2cap_req *req, int status) {
  (void) status;
  ab_l2cap_drop_chan(ab_container_of(req, ab_l2cap_chan, req), 0);
}

/* another pair of CIDs is no answer (4.7) */
static void on_disconnect_response(ab_l2cap_req *req, ab_rd *data) {
  ab_l2cap_chan *chan = ab_container_of(req, ab_l2cap_chan, req);
  ab_sig_disconnect rsp;

  ab_sig_disconnect_read(data, &rsp);
  if (rsp.dcid == chan->peer_cid && rsp.scid == chan->cid)
    ab_l2cap_end_request(req, 0);
  else
    chan->link->stats.unexpected++;
}

static const ab_l2cap_req_kind disconnect = {AB_SIG_DISCONNECT_REQ, AB_SIG_DISCONNECT_RSP,
                                             on_disconnect_response};

static void ask_to_disconnect(ab_l2cap_chan *chan) {
  uint8_t data[ab_sig_disconnect_size];
  ab_wr w = ab_wr_of(data, sizeof data);

  if (chan->link->closed)
    return; /* about to be dropped */
  ab_sig_disconnect_write(&w, &(ab_sig_disconnect){.dcid = chan->peer_cid, .scid = chan->cid});
  if (ab_l2cap_ask(chan->link, &chan->req, &disconnect, &w, on_end_answered) < 0)
    ab_l2cap_start_retry(chan);
}

static void on_retry(ab_timer *timer) {
  ab_l2cap_chan *chan = ab_container_of(timer, ab_l2cap_chan, retry);

  if (chan->state == AB_L2CAP_CHAN_OPEN)
    ab_l2cap_top_up(chan);
  else
    ask_to_disconnect(chan);
}

void ab_l2cap_start_retry(ab_l2cap_chan *chan) {
  ab_timer_start(chan->link->env, &chan->retry, RETRY_US, on_retry);
}

void ab_l2cap_end_chan(ab_l2cap_chan *chan, int status) {
  leave(chan, AB_L2CAP_CHAN_WAIT_END, status);
  ask_to_disconnect(chan);
}

void ab_l2cap_disconnect(ab_l2cap_chan *chan) {
  if (chan->state == AB_L2CAP_CHAN_OPEN)
    ab_l2cap_end_chan(chan, 0);
  else if (chan->state == AB_L2CAP_CHAN_WAIT_RSP)
    leave(chan, AB_L2CAP_CHAN_GIVEN_UP, AIOBLE_ECANCELED);
}

/* ---- the peer's ---- */

void ab_l2cap_cid_anew(ab_l2cap_link *link, uint16_t peer_cid) {
  ab_l2cap_chan *chan = ab_l2cap_by_peer_cid(link, peer_cid);

  if (chan && chan->state == AB_L2CAP_CHAN_WAIT_END)
    ab_l2cap_drop_chan(chan, 0);
}

void ab_l2cap_on_disconnect(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  uint8_t rsp[ab_sig_disconnect_size];
  ab_wr w = ab_wr_of(rsp, sizeof rsp);
  ab_sig_disconnect req;
  ab_l2cap_chan *chan;

  ab_sig_disconnect_read(data, &req);
  chan = ab_l2cap_by_cid(link, req.dcid);
  if (!chan || !was_open(chan)) {
    ab_l2cap_reject_cid(link, id, req.dcid, req.scid);
    return;
  }
  if (chan->peer_cid != req.scid) {
    link->stats.unexpected++;
    return;
  }
  ab_sig_disconnect_write(&w, &req);
  (void) ab_l2cap_answer(link, AB_SIG_DISCONNECT_RSP, id, &w); /* else the peer waits for RTX */
  ab_l2cap_drop_chan(chan, AIOBLE_EOF);
}
