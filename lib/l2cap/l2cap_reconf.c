/* SPDX-License-Identifier: MIT */
/*
 * Other sizes for enhanced channels that are open (Core Vol 3, Part A, 4.27, 4.28): the MTU and MPS
 * that the requester takes on all the channels it names, by its own CIDs. The MTU is never made
 * smaller, the MPS only that of a single channel. All of it is done, or nothing; what is out of
 * range for all channels is said before what is wrong with one of them.
 *
 * Ours are in force once the peer has accepted: what it sent before is older than its response.
 * There is one request of ours at a time on a link.
 */
#include "l2cap/l2cap_priv.h"

static bool in_range(uint16_t mtu, uint16_t mps) {
  return mtu >= AB_SIG_ENHANCED_MIN && mps >= AB_SIG_ENHANCED_MIN && mps <= AB_SIG_MPS_MAX;
}

static bool can_change(const ab_l2cap_chan *chan) {
  return chan && chan->enhanced && chan->state == AB_L2CAP_CHAN_OPEN;
}

/* what is against such sizes instead of those; 0: nothing */
static uint16_t objection(const ab_l2cap_sizes *now, uint16_t mtu, uint16_t mps, size_t n) {
  if (mtu < now->mtu)
    return AB_SIG_RECONFIGURE_MTU;
  return mps < now->mps && n > 1 ? AB_SIG_RECONFIGURE_MPS : AB_SIG_RECONFIGURED;
}

/* ---- the peer's ---- */

static uint16_t judge(const ab_l2cap_link *link, ab_sig_reconfigure to, ab_rd cids) {
  size_t n = ab_rd_left(&cids) / 2;
  const ab_l2cap_chan *chan;
  uint16_t against = in_range(to.mtu, to.mps) ? 0 : AB_SIG_RECONFIGURE_UNACCEPTABLE;

  while (ab_rd_left(&cids) && !against) {
    chan = ab_l2cap_by_peer_cid(link, ab_rd_le16(&cids));
    against = can_change(chan) ? objection(&chan->theirs, to.mtu, to.mps, n)
                               : AB_SIG_RECONFIGURE_INVALID_CID;
  }
  return against;
}

void ab_l2cap_on_reconfigure(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  ab_sig_reconfigure to;
  ab_l2cap_chan *chan;
  uint16_t result;

  ab_sig_reconfigure_read(data, &to);
  result = judge(link, to, *data);
  if (!ab_l2cap_answer_result(link, AB_SIG_RECONFIGURE_RSP, id, result) || result)
    return;
  while (ab_rd_left(data)) {
    chan = ab_l2cap_by_peer_cid(link, ab_rd_le16(data));
    chan->theirs.mtu = to.mtu;
    chan->theirs.mps = to.mps;
  }
}

/* ---- ours ---- */

static uint64_t member(uint16_t cid) {
  return UINT64_C(1) << (cid - AB_L2CAP_CID_FIRST);
}

static void on_answered(ab_l2cap_req *req, int status) {
  ab_l2cap_link *link = req->link;
  ab_l2cap_reconf *waiter = link->reconf.waiter;

  for (unsigned i = 0; i < AB_L2CAP_CHANS && status == 0; i++) {
    if (!(link->reconf.members >> i & 1))
      continue;
    link->chans[i]->ours.mtu = link->reconf.mtu;
    link->chans[i]->ours.mps = link->reconf.mps;
  }
  link->reconf.waiter = NULL;
  if (!waiter)
    return;
  waiter->link = NULL;
  waiter->fn(waiter, status);
}

/* the results are numbered in their own way */
static int result_status(uint16_t result) {
  switch (result) {
  case AB_SIG_RECONFIGURED:
    return 0;
  case AB_SIG_RECONFIGURE_INVALID_CID:
    return AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INVALID_SOURCE_CID);
  case AB_SIG_RECONFIGURE_MTU:
  case AB_SIG_RECONFIGURE_MPS:
    return AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_INVALID_PARAMETERS);
  default:
    return AIOBLE_ERR_L2CAP(AIOBLE_L2CAP_UNACCEPTABLE_PARAMETERS);
  }
}

static void on_response(ab_l2cap_req *req, ab_rd *data) {
  ab_sig_result rsp;

  ab_sig_result_read(data, &rsp);
  ab_l2cap_end_request(req, result_status(rsp.result));
}

static const ab_l2cap_req_kind reconfigure = {AB_SIG_RECONFIGURE_REQ, AB_SIG_RECONFIGURE_RSP,
                                              on_response};

static int check(ab_l2cap_chan **chans, unsigned n, uint16_t mtu, uint16_t mps) {
  if (n < 1 || n > AB_L2CAP_BATCH || !in_range(mtu, mps))
    return AIOBLE_EINVAL;
  for (unsigned i = 0; i < n; i++) {
    if (chans[i]->state != AB_L2CAP_CHAN_OPEN)
      return AIOBLE_ENOTCONN;
    if (chans[i]->link != chans[0]->link || !can_change(chans[i]) ||
        objection(&chans[i]->ours, mtu, mps, n))
      return AIOBLE_EINVAL;
  }
  return chans[0]->link->reconf.req.pending ? AIOBLE_EBUSY : 0;
}

int ab_l2cap_reconfigure(ab_l2cap_reconf *reconf, ab_l2cap_chan **chans, unsigned n, uint16_t mtu,
                         uint16_t mps, void (*fn)(ab_l2cap_reconf *reconf, int status)) {
  uint8_t data[ab_sig_reconfigure_size + 2 * AB_L2CAP_BATCH];
  ab_wr w = ab_wr_of(data, sizeof data);
  int err = check(chans, n, mtu, mps);
  uint64_t members = 0;
  ab_l2cap_link *link;

  if (err < 0)
    return err;
  link = chans[0]->link;
  ab_sig_reconfigure_write(&w, &(ab_sig_reconfigure){.mtu = mtu, .mps = mps});
  for (unsigned i = 0; i < n; i++) {
    ab_wr_le16(&w, chans[i]->cid);
    members |= member(chans[i]->cid);
  }
  err = ab_l2cap_ask(link, &link->reconf.req, &reconfigure, &w, on_answered);
  if (err < 0)
    return err;
  link->reconf.waiter = reconf;
  link->reconf.members = members;
  link->reconf.mtu = mtu;
  link->reconf.mps = mps;
  *reconf = (ab_l2cap_reconf){.link = link, .fn = fn};
  return 0;
}

void ab_l2cap_reconf_detach(ab_l2cap_reconf *reconf) {
  if (reconf->link)
    reconf->link->reconf.waiter = NULL;
  reconf->link = NULL;
}

void ab_l2cap_reconf_forget(ab_l2cap_link *link, uint16_t cid) {
  link->reconf.members &= ~member(cid);
}
