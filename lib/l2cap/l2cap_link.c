/* SPDX-License-Identifier: MIT */
/* Frames of one LE link: the basic header (Core Vol 3, Part A, 3.1), and which channel's they are.
 */
#include "l2cap/l2cap_priv.h"

#include <assert.h>

enum { HEADER = 4 };

void ab_l2cap_open(ab_l2cap_link *link, ab_env *env, ab_bufs *bufs, const ab_l2cap_events *events,
                   void *ctx, bool central) {
  *link = (ab_l2cap_link){.env = env, .bufs = bufs, .ev = events, .ctx = ctx, .central = central};
  ab_list_init(&link->requests);
  ab_l2cap_fixed(link, AB_L2CAP_CID_SIGNALLING, ab_l2cap_on_signalling, link);
}

void ab_l2cap_close(ab_l2cap_link *link, int status) {
  if (link->closed)
    return;
  link->closed = true;
  ab_l2cap_drop_all(link, status);
  ab_l2cap_end_requests(link, status);
}

void ab_l2cap_serve(ab_l2cap_link *link, ab_list *listeners, uint16_t acl_len) {
  link->listeners = listeners;
  link->acl_len = acl_len;
}

void ab_l2cap_fixed(ab_l2cap_link *link, uint16_t cid, ab_l2cap_rx_fn *fn, void *ctx) {
  unsigned at = cid - (unsigned) AB_L2CAP_CID_ATT;

  assert(at < AB_L2CAP_FIXED);
  link->fixed[at].fn = fn;
  link->fixed[at].ctx = ctx;
}

static void to_fixed(ab_l2cap_link *link, unsigned at, ab_rd *r) {
  size_t len;
  const uint8_t *payload = ab_rd_rest(r, &len);

  if (!link->fixed[at].fn)
    link->stats.unknown_cid++;
  else if (len == 0)
    link->stats.malformed++;
  else
    link->fixed[at].fn(link->fixed[at].ctx, payload, len);
}

static void to_channel(ab_l2cap_link *link, uint16_t cid, ab_rd *r) {
  ab_l2cap_chan *chan = ab_l2cap_by_cid(link, cid);
  size_t len;
  const uint8_t *payload = ab_rd_rest(r, &len);

  if (chan)
    ab_l2cap_rx_frame(chan, payload, len);
  else
    link->stats.unknown_cid++;
}

/* of a frame that is too long to be put together there is the header only */
static void malformed(ab_l2cap_link *link, uint16_t cid, size_t length, size_t there) {
  ab_l2cap_chan *chan = ab_l2cap_by_cid(link, cid);

  link->stats.malformed++;
  if (chan && there < length)
    ab_l2cap_rx_too_long(chan, length);
}

void ab_l2cap_rx(ab_l2cap_link *link, const uint8_t *frame, size_t len) {
  ab_rd r = ab_rd_of(frame, len);
  size_t length = ab_rd_le16(&r);
  uint16_t cid = ab_rd_le16(&r);
  unsigned at = cid - (unsigned) AB_L2CAP_CID_ATT;

  if (link->closed)
    return;
  if (!ab_rd_ok(&r) || ab_rd_left(&r) != length)
    malformed(link, cid, length, ab_rd_left(&r));
  else if (at < AB_L2CAP_FIXED)
    to_fixed(link, at, &r);
  else
    to_channel(link, cid, &r);
}

void ab_l2cap_send(ab_l2cap_link *link, uint16_t cid, ab_buf *payload) {
  uint32_t length = payload->len;
  ab_wr w;

  if (link->closed) {
    ab_buf_finish(payload, AIOBLE_ENOTCONN);
    return;
  }
  assert(length <= UINT16_MAX);
  w = ab_buf_prepend(payload, HEADER);
  ab_wr_le16(&w, (uint16_t) length);
  ab_wr_le16(&w, cid);
  link->ev->send(link->ctx, payload);
}
