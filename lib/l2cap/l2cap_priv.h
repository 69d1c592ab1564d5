/* SPDX-License-Identifier: MIT */
/* Between the files of L2CAP. */
#ifndef AB_L2CAP_PRIV_H
#define AB_L2CAP_PRIV_H

#include "l2cap/l2cap_chan.h"
#include "l2cap/l2cap_pdu.h"

/* ---- l2cap_sig.c ---- */

ab_l2cap_rx_fn ab_l2cap_on_signalling; /* ctx: the link */
void ab_l2cap_end_requests(ab_l2cap_link *link, int status);

/* a command of the peer; its data is as long as the table in l2cap_sig.c says */
typedef void ab_l2cap_command_fn(ab_l2cap_link *link, uint8_t id, ab_rd *data);

/* false, and counted: too many answers wait, or no memory */
bool ab_l2cap_answer(ab_l2cap_link *link, uint8_t code, uint8_t id, const ab_wr *data);
bool ab_l2cap_answer_result(ab_l2cap_link *link, uint8_t code, uint8_t id, uint16_t result);
void ab_l2cap_reject_cid(ab_l2cap_link *link, uint8_t id, uint16_t dcid, uint16_t scid);

/* what is asked, and what is done with the answer: ends the request, or leaves it pending */
typedef struct ab_l2cap_req_kind {
  uint8_t code, response;
  void (*on_response)(ab_l2cap_req *req, ab_rd *data);
} ab_l2cap_req_kind;

/* Sends a request and waits for the response with its identifier; ENOTCONN, EBUSY (req is pending),
   ENOBUFS (no identifier is free), ENOMEM. */
int ab_l2cap_ask(ab_l2cap_link *link, ab_l2cap_req *req, const ab_l2cap_req_kind *kind,
                 const ab_wr *data, ab_l2cap_req_fn *fn);
/* detaches, and calls fn */
void ab_l2cap_end_request(ab_l2cap_req *req, int status);
/* the peer needs time: the request waits for another response (ERTX, 6.2.2) */
void ab_l2cap_wait_on(ab_l2cap_req *req);
/* a command that is not answered, with an identifier of its own; not sent. NULL: no memory */
ab_buf *ab_l2cap_command(ab_l2cap_link *link, uint8_t code, const ab_wr *data);

/* ---- l2cap_chan.c ---- */

unsigned ab_l2cap_free_cids(const ab_l2cap_link *link);
ab_l2cap_chan *ab_l2cap_by_cid(const ab_l2cap_link *link, uint16_t cid);
/* … by the peer's; only those that are, or were, open */
ab_l2cap_chan *ab_l2cap_by_peer_cid(const ab_l2cap_link *link, uint16_t cid);
/* The peer gives that CID to a new channel. One of ours that waits for the peer to answer our
   disconnection is gone for it, then, though it had no memory to say so. */
void ab_l2cap_cid_anew(ab_l2cap_link *link, uint16_t peer_cid);
static inline bool ab_l2cap_cid_valid(uint16_t cid) {
  return cid >= AB_L2CAP_CID_FIRST && cid < AB_L2CAP_CID_FIRST + AB_L2CAP_CHANS;
}

/* gives it a CID, of which there is a free one, and whole sizes */
void ab_l2cap_attach(ab_l2cap_link *link, ab_l2cap_chan *chan, uint16_t psm, bool enhanced);
void ab_l2cap_release_cid(ab_l2cap_chan *chan); /* … and takes it back */
/* OPEN -> WAIT_END */
void ab_l2cap_end_chan(ab_l2cap_chan *chan, int status);
/* any -> CLOSED, without another word to the peer */
void ab_l2cap_drop_chan(ab_l2cap_chan *chan, int status);
/* the link has been closed */
void ab_l2cap_drop_all(ab_l2cap_link *link, int status);
void ab_l2cap_start_retry(ab_l2cap_chan *chan);
ab_l2cap_command_fn ab_l2cap_on_disconnect;

/* ---- l2cap_connect.c, l2cap_reconf.c, l2cap_listen.c ---- */

ab_l2cap_command_fn ab_l2cap_on_le_connect, ab_l2cap_on_enhanced_connect, ab_l2cap_on_reconfigure;
/* it goes: the answer to a reconfiguration is none of its business any more */
void ab_l2cap_reconf_forget(ab_l2cap_link *link, uint16_t cid);

/* ---- l2cap_tx.c ---- */

ab_l2cap_command_fn ab_l2cap_on_credits;
/* everything queued ends with ENOTCONN, or ENOMEM if that was why */
void ab_l2cap_tx_end(ab_l2cap_chan *chan, int status);

/* ---- l2cap_rx.c ---- */

void ab_l2cap_rx_frame(ab_l2cap_chan *chan, const uint8_t *payload, size_t len);
/* a K-frame that is not there: it ends the channel if it is longer than our MPS */
void ab_l2cap_rx_too_long(ab_l2cap_chan *chan, size_t len);
void ab_l2cap_rx_end(ab_l2cap_chan *chan);
/* gives the peer what credits it may have */
void ab_l2cap_top_up(ab_l2cap_chan *chan);

#endif
