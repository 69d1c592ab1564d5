/* SPDX-License-Identifier: MIT */
/*
 * Channels that we ask for (Core Vol 3, Part A, 4.22, 4.23, 4.25, 4.26).
 *
 * 1. The channels of one request take CIDs, and wait for its response. The first embeds the
 *    request; none of them goes before there is a response, or none to be expected.
 * 2. "Pending" (enhanced): another response will follow, within ERTX.
 * 3. Each channel was made if the response names a CID for it. One that nobody wants any more is
 *    disconnected, as is one whose sizes are out of range. A CID that is out of range makes no
 *    channel; one that is in use already makes an end of both (4.23, 4.26).
 */
#include "l2cap/l2cap_priv.h"

enum { PENDING_FIRST = 0x0d, PENDING_LAST = 0x0f };

/* ---- responses ---- */

static bool waits_for(const ab_l2cap_chan *chan, uint8_t id) {
  return chan && chan->connect_id == id &&
         (chan->state == AB_L2CAP_CHAN_WAIT_RSP || chan->state == AB_L2CAP_CHAN_GIVEN_UP);
}

/* in the order of the request: that of the CIDs */
static ab_l2cap_chan *next_of(const ab_l2cap_link *link, uint8_t id) {
  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++)
    if (waits_for(link->chans[i], id))
      return link->chans[i];
  return NULL;
}

static void on_failed(ab_l2cap_req *req, int status) {
  ab_l2cap_link *link = req->link;
  uint8_t id = req->id;
  ab_l2cap_chan *chan;

  while ((chan = next_of(link, id)))
    ab_l2cap_drop_chan(chan, status);
}

static bool sizes_valid(const ab_l2cap_chan *chan, const ab_l2cap_sizes *s) {
  uint16_t least = chan->enhanced ? AB_SIG_ENHANCED_MIN : AB_SIG_LE_MIN;

  return s->mtu >= least && s->mps >= least && s->mps <= AB_SIG_MPS_MAX;
}

static void made(ab_l2cap_chan *chan, uint16_t dcid, const ab_l2cap_sizes *theirs) {
  bool wanted = chan->state == AB_L2CAP_CHAN_WAIT_RSP;
  bool valid = ab_l2cap_cid_valid(dcid);
  ab_l2cap_chan *other;

  ab_l2cap_cid_anew(chan->link, dcid);
  other = ab_l2cap_by_peer_cid(chan->link, dcid);
  if (other)
    ab_l2cap_drop_chan(other, AIOBLE_EPROTO);
  if (other || !valid) {
    ab_l2cap_drop_chan(chan, AIOBLE_EPROTO);
    return;
  }
  chan->peer_cid = dcid;
  chan->theirs = *theirs;
  chan->tx.credits = theirs->credits;
  if (!wanted || !sizes_valid(chan, theirs)) {
    ab_l2cap_end_chan(chan, AIOBLE_EPROTO);
    return;
  }
  chan->state = AB_L2CAP_CHAN_OPEN;
  chan->ev->on_open(chan);
}

static int refusal(uint16_t result) {
  return result ? AIOBLE_ERR_L2CAP(result) : AIOBLE_EPROTO;
}

static void on_le_response(ab_l2cap_req *req, ab_rd *data) {
  ab_l2cap_chan *chan = ab_container_of(req, ab_l2cap_chan, req);
  uint16_t dcid = ab_rd_le16(data), result;
  ab_l2cap_sizes theirs;

  ab_l2cap_sizes_read(data, &theirs);
  result = ab_rd_le16(data);
  ab_l2cap_detach(req);
  if (result == 0)
    made(chan, dcid, &theirs);
  else
    ab_l2cap_drop_chan(chan, refusal(result));
}

static void on_enhanced_response(ab_l2cap_req *req, ab_rd *data) {
  ab_l2cap_link *link = req->link;
  uint8_t id = req->id;
  ab_l2cap_sizes theirs;
  ab_l2cap_chan *chan;
  uint16_t result, dcid;

  ab_l2cap_sizes_read(data, &theirs);
  result = ab_rd_le16(data);
  if (result >= PENDING_FIRST && result <= PENDING_LAST) {
    ab_l2cap_wait_on(req);
    return;
  }
  ab_l2cap_detach(req);
  while ((chan = next_of(link, id))) {
    dcid = ab_rd_le16(data); /* 0, too, when there are no more */
    if (dcid)
      made(chan, dcid, &theirs);
    else
      ab_l2cap_drop_chan(chan, refusal(result));
  }
}

static const ab_l2cap_req_kind le_connect = {AB_SIG_LE_CONNECT_REQ, AB_SIG_LE_CONNECT_RSP,
                                             on_le_response};
static const ab_l2cap_req_kind enhanced_connect = {
    AB_SIG_ENHANCED_CONNECT_REQ, AB_SIG_ENHANCED_CONNECT_RSP, on_enhanced_response};

/* ---- requests ---- */

static int check(const ab_l2cap_link *link, uint16_t psm, bool enhanced, ab_l2cap_chan **chans,
                 unsigned n) {
  if (link->closed)
    return AIOBLE_ENOTCONN;
  if (psm < 1 || psm > AB_SIG_SPSM_MAX || n < 1 || n > (enhanced ? AB_L2CAP_BATCH : 1))
    return AIOBLE_EINVAL;
  for (unsigned i = 0; i < n; i++)
    if (ab_l2cap_sizes_check(&chans[i]->ours) < 0)
      return AIOBLE_EINVAL;
  return ab_l2cap_free_cids(link) < n ? AIOBLE_ENOBUFS : 0;
}

static void write_request(ab_wr *w, ab_l2cap_chan **chans, unsigned n) {
  ab_wr_le16(w, chans[0]->psm);
  if (!chans[0]->enhanced)
    ab_wr_le16(w, chans[0]->cid);
  ab_l2cap_sizes_write(w, &chans[0]->ours);
  if (chans[0]->enhanced)
    for (unsigned i = 0; i < n; i++)
      ab_wr_le16(w, chans[i]->cid);
}

int ab_l2cap_connect(ab_l2cap_link *link, uint16_t psm, bool enhanced, ab_l2cap_chan **chans,
                     unsigned n) {
  uint8_t data[2 + ab_l2cap_sizes_size + 2 * AB_L2CAP_BATCH];
  ab_wr w = ab_wr_of(data, sizeof data);
  int err = check(link, psm, enhanced, chans, n);

  if (err < 0)
    return err;
  for (unsigned i = 0; i < n; i++)
    ab_l2cap_attach(link, chans[i], psm, enhanced);
  write_request(&w, chans, n);
  err =
      ab_l2cap_ask(link, &chans[0]->req, enhanced ? &enhanced_connect : &le_connect, &w, on_failed);
  for (unsigned i = 0; i < n; i++) {
    if (err < 0) {
      ab_l2cap_release_cid(chans[i]);
      continue;
    }
    chans[i]->connect_id = chans[0]->req.id;
    chans[i]->state = AB_L2CAP_CHAN_WAIT_RSP;
  }
  return err;
}
