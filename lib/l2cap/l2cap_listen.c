/* SPDX-License-Identifier: MIT */
/*
 * Channels that the peer asks for (Core Vol 3, Part A, 4.22, 4.23, 4.25, 4.26).
 *
 * A request is judged in this order; what is against it is the result of the response:
 * 1. nobody listens on the PSM;
 * 2. the link's security is not what the listener demands (Part C, 10.3, 10.4): not encrypted, with
 *    no key to do it or with one; by a key that was not authenticated, or not made with LE Secure
 *    Connections; by a key too short;
 * 3. sizes out of range;
 * 4. a CID of the peer's out of range, or in use;
 * 5. no CID of ours, or the listener makes no channel: no resources;
 * 6. whatever the listener has against it.
 * The request for an LE channel is refused then. One for enhanced channels makes those that 4 and 5
 * say nothing against. What was made is open once the response is on its way.
 */
#include "l2cap/l2cap_priv.h"

typedef struct request {
  bool enhanced;
  uint8_t id;
  uint16_t psm;
  ab_l2cap_sizes theirs;
  unsigned n;
  uint16_t scid[AB_L2CAP_BATCH];
  ab_l2cap_chan *chan[AB_L2CAP_BATCH]; /* made for it; NULL: none */
} request;

/* ---- listeners ---- */

static ab_l2cap_listener *find(const ab_list *listeners, uint16_t psm, const ab_l2cap_link *link) {
  AB_LIST_EACH(n, listeners) {
    ab_l2cap_listener *listener = ab_container_of(n, ab_l2cap_listener, node);

    if (listener->psm == psm && listener->link == link)
      return listener;
  }
  return NULL;
}

static ab_l2cap_listener *listener_for(const ab_l2cap_link *link, uint16_t psm) {
  ab_l2cap_listener *own = link->listeners ? find(link->listeners, psm, link) : NULL;

  return own || !link->listeners ? own : find(link->listeners, psm, NULL);
}

int ab_l2cap_listen(ab_list *listeners, ab_l2cap_listener *listener) {
  if (listener->psm < 1 || listener->psm > AB_SIG_SPSM_MAX)
    return AIOBLE_EINVAL;
  if (!listener->link && find(listeners, listener->psm, NULL))
    return AIOBLE_EEXIST;
  ab_list_push(listeners, &listener->node);
  return 0;
}

void ab_l2cap_unlisten(ab_l2cap_listener *listener) {
  ab_list_remove(&listener->node);
}

/* ---- what is against a request ---- */

static uint16_t insecure(const ab_l2cap_security *have, const ab_l2cap_security *demand) {
  bool any = demand->encrypted || demand->authenticated || demand->secure || demand->key_size;

  if (any && !have->encrypted)
    return have->keyed ? AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION
                       : AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION;
  if ((demand->authenticated && !have->authenticated) || (demand->secure && !have->secure))
    return AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION;
  return any && have->key_size < demand->key_size ? AIOBLE_L2CAP_KEY_TOO_SHORT : 0;
}

static uint16_t bad_sizes(const request *rq) {
  const ab_l2cap_sizes *s = &rq->theirs;
  uint16_t least = rq->enhanced ? AB_SIG_ENHANCED_MIN : AB_SIG_LE_MIN;
  bool credits = s->credits > 0 || !rq->enhanced;

  if (s->mtu >= least && s->mps >= least && s->mps <= AB_SIG_MPS_MAX && credits)
    return 0;
  return rq->enhanced ? AIOBLE_L2CAP_INVALID_PARAMETERS : AIOBLE_L2CAP_UNACCEPTABLE_PARAMETERS;
}

static uint16_t bad_cid(ab_l2cap_link *link, const request *rq, unsigned i) {
  if (!ab_l2cap_cid_valid(rq->scid[i]))
    return AIOBLE_L2CAP_INVALID_SOURCE_CID;
  ab_l2cap_cid_anew(link, rq->scid[i]);
  if (ab_l2cap_by_peer_cid(link, rq->scid[i]))
    return AIOBLE_L2CAP_SOURCE_CID_IN_USE;
  for (unsigned k = 0; k < i; k++)
    if (rq->scid[k] == rq->scid[i])
      return AIOBLE_L2CAP_SOURCE_CID_IN_USE;
  return 0;
}

/* ---- making ---- */

/* false: the listener itself has taken the last CID meanwhile */
static bool place(ab_l2cap_link *link, const request *rq, ab_l2cap_chan *chan, uint16_t scid) {
  if (ab_l2cap_free_cids(link) == 0) {
    chan->ev->on_end(chan, AIOBLE_ENOBUFS);
    chan->ev->on_closed(chan);
    return false;
  }
  ab_l2cap_attach(link, chan, rq->psm, rq->enhanced);
  chan->state = AB_L2CAP_CHAN_OPEN;
  chan->peer_cid = scid;
  chan->theirs = rq->theirs;
  chan->tx.credits = rq->theirs.credits;
  return true;
}

static uint16_t no_room(ab_l2cap_link *link) {
  link->stats.no_room++;
  return AIOBLE_L2CAP_NO_RESOURCES;
}

/* the listener's channels for those CIDs that nothing is against (`want`, n of them) */
static uint16_t ask_listener(ab_l2cap_link *link, request *rq, ab_l2cap_listener *listener,
                             const unsigned *want, unsigned n) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH] = {NULL};
  uint16_t result = listener->accept(listener, link, chans, n);

  for (unsigned i = 0; i < n; i++) {
    if (chans[i] && place(link, rq, chans[i], rq->scid[want[i]]))
      rq->chan[want[i]] = chans[i];
    else if (!result || result == AIOBLE_L2CAP_NO_RESOURCES)
      result = no_room(link);
  }
  return result;
}

/* the result; 0: all were made */
static uint16_t admit(ab_l2cap_link *link, request *rq) {
  ab_l2cap_listener *listener = listener_for(link, rq->psm);
  unsigned room = ab_l2cap_free_cids(link), want[AB_L2CAP_BATCH], n = 0;
  uint16_t result, against = 0;

  if (!listener)
    return AIOBLE_L2CAP_NO_SUCH_PSM;
  result = insecure(&link->security, &listener->demand);
  if (!result)
    result = bad_sizes(rq);
  if (result)
    return result;
  for (unsigned i = 0; i < rq->n; i++) {
    uint16_t bad = n < room ? bad_cid(link, rq, i) : no_room(link);

    if (bad)
      against = bad;
    else
      want[n++] = i;
  }
  if (n > 0)
    result = ask_listener(link, rq, listener, want, n);
  return result ? result : against;
}

/* ---- responses ---- */

static const ab_l2cap_sizes *our_sizes(const request *rq) {
  static const ab_l2cap_sizes none;

  for (unsigned i = 0; i < rq->n; i++)
    if (rq->chan[i])
      return &rq->chan[i]->ours;
  return &none;
}

static uint16_t our_cid(const request *rq, unsigned i) {
  return rq->chan[i] ? rq->chan[i]->cid : 0;
}

static bool respond(ab_l2cap_link *link, const request *rq, uint16_t result) {
  uint8_t rsp[ab_l2cap_sizes_size + 2 + 2 * AB_L2CAP_BATCH];
  ab_wr w = ab_wr_of(rsp, sizeof rsp);

  if (!rq->enhanced)
    ab_wr_le16(&w, our_cid(rq, 0));
  ab_l2cap_sizes_write(&w, our_sizes(rq));
  ab_wr_le16(&w, result);
  for (unsigned i = 0; rq->enhanced && i < rq->n; i++)
    ab_wr_le16(&w, our_cid(rq, i));
  return ab_l2cap_answer(link, rq->enhanced ? AB_SIG_ENHANCED_CONNECT_RSP : AB_SIG_LE_CONNECT_RSP,
                         rq->id, &w);
}

static void on_request(ab_l2cap_link *link, request *rq) {
  uint16_t result = admit(link, rq);
  bool told = !link->closed && respond(link, rq, result);

  for (unsigned i = 0; i < rq->n; i++) {
    ab_l2cap_chan *chan = rq->chan[i];

    if (!chan)
      continue;
    if (told)
      chan->ev->on_open(chan);
    else
      ab_l2cap_drop_chan(chan, link->closed ? AIOBLE_ENOTCONN : AIOBLE_ENOMEM);
  }
}

void ab_l2cap_on_le_connect(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  request rq = {.id = id, .n = 1};

  rq.psm = ab_rd_le16(data);
  rq.scid[0] = ab_rd_le16(data);
  ab_l2cap_sizes_read(data, &rq.theirs);
  on_request(link, &rq);
}

void ab_l2cap_on_enhanced_connect(ab_l2cap_link *link, uint8_t id, ab_rd *data) {
  request rq = {.enhanced = true, .id = id};

  rq.psm = ab_rd_le16(data);
  ab_l2cap_sizes_read(data, &rq.theirs);
  while (ab_rd_left(data) && rq.n < AB_L2CAP_BATCH)
    rq.scid[rq.n++] = ab_rd_le16(data);
  on_request(link, &rq);
}
