/* SPDX-License-Identifier: MIT */
/*
 * L2CAP on one LE link (Core Vol 3, Part A): frames to and from the fixed channels, signalling.
 * Takes and gives whole frames; does not know HCI, nor what the channels carry. Credit-based
 * channels have a header of their own, l2cap_chan.h.
 *
 * A handler may close the link; its memory must stay until the call that came to the handler
 * returns, and until every buffer given to `send` is finished.
 */
#ifndef AB_L2CAP_H
#define AB_L2CAP_H

#include "util/buf.h"
#include "util/env.h"

typedef struct ab_l2cap_link ab_l2cap_link;
typedef struct ab_l2cap_req ab_l2cap_req;
typedef struct ab_l2cap_chan ab_l2cap_chan;
typedef struct ab_l2cap_reconf ab_l2cap_reconf;

/* fixed channels, 2.1 */
enum {
  AB_L2CAP_CID_ATT = 4,
  AB_L2CAP_CID_SIGNALLING = 5,
  AB_L2CAP_CID_SMP = 6,
  AB_L2CAP_FIXED = 3 /* how many there are from ATT on */
};

/* dynamic channels on LE, 2.1 */
enum { AB_L2CAP_CID_FIRST = 0x40, AB_L2CAP_CHANS = 64 };

/* connection parameters as in a Connection Parameter Update Request (4.20): 1.25 ms, events, 10 ms
 */
#define AB_L2CAP_PARAMS_LIST(F) \
  F(le16, interval_min) F(le16, interval_max) F(le16, latency) F(le16, timeout)
AB_WIRE_RECORD(l2cap_params, AB_L2CAP_PARAMS_LIST)

typedef struct ab_l2cap_events {
  /* takes the buffer (a whole frame, head-room in front), and finishes it */
  void (*send)(void *ctx, ab_buf *frame);
  /* as central: the peer wishes for these, which are within their ranges. True tells it that they
     are accepted, and the layer above then sets them; false, that they are not. */
  bool (*on_param_request)(void *ctx, const ab_l2cap_params *wish);
} ab_l2cap_events;

/* the payload of one frame, not empty; borrowed */
typedef void ab_l2cap_rx_fn(void *ctx, const uint8_t *payload, size_t len);

typedef struct ab_l2cap_stats {
  uint64_t malformed;   /* frames and signalling commands that were not what they said, or empty */
  uint64_t unknown_cid; /* frames for no channel */
  uint64_t unexpected;  /* signalling responses to no request of ours */
  uint64_t dropped;     /* requests of the peer not answered: too many at once, or no memory */
  uint64_t no_room;     /* channels that the peer asked for */
  uint64_t broken;      /* channels of which the peer has broken the rules */
} ab_l2cap_stats;

/* ---- signalling requests of ours (4) ---- */

/* status: 0 accepted; AIOBLE_ERR_L2CAP(result); AIOBLE_ENOTSUP (the peer does not understand it);
   AIOBLE_EPROTO (rejected otherwise); AIOBLE_ETIMEDOUT (30 s); or what close() was given */
typedef void ab_l2cap_req_fn(ab_l2cap_req *req, int status);

struct ab_l2cap_req {
  ab_list node;
  ab_l2cap_link *link;
  ab_l2cap_req_fn *fn;
  ab_timer timer; /* RTX (6.2.1) */
  const struct ab_l2cap_req_kind *kind;
  uint8_t id;
  bool pending; /* between the call and fn */
};

/* What a link's encryption is worth, as the layer above knows it; and what is demanded of it. */
typedef struct ab_l2cap_security {
  bool keyed; /* there is a key for this peer, in use or not (of no meaning in a demand) */
  bool encrypted, authenticated, secure; /* secure: by LE Secure Connections */
  uint8_t key_size;
} ab_l2cap_security;

struct ab_l2cap_link {
  ab_env *env;
  ab_bufs *bufs;
  const ab_l2cap_events *ev;
  void *ctx; /* given to all events */
  struct {
    ab_l2cap_rx_fn *fn;
    void *ctx;
  } fixed[AB_L2CAP_FIXED];
  ab_list requests; /* ab_l2cap_req on the air */
  ab_l2cap_chan *chans[AB_L2CAP_CHANS];
  ab_list *listeners; /* ab_l2cap_listener, the stack's; NULL: there is none */
  ab_l2cap_security security;
  struct {
    ab_l2cap_req req;
    ab_l2cap_reconf *waiter; /* NULL: nobody asks any more */
    uint64_t members;        /* channels, by their place in `chans` */
    uint16_t mtu, mps;
  } reconf; /* of ours, one at a time */
  ab_l2cap_stats stats;
  uint16_t acl_len;  /* what one buffer of the controller holds; 0: not known */
  uint8_t last_id;   /* of a request of ours */
  uint8_t answering; /* answers of ours that the controller has not taken yet */
  bool central;      /* our role */
  bool closed;
};

void ab_l2cap_open(ab_l2cap_link *link, ab_env *env, ab_bufs *bufs, const ab_l2cap_events *events,
                   void *ctx, bool central);
/* requests end with `status`; nothing is sent or taken any more */
void ab_l2cap_close(ab_l2cap_link *link, int status);

/* who may connect to us, and what a frame should fill; without it all channels are refused */
void ab_l2cap_serve(ab_l2cap_link *link, ab_list *listeners, uint16_t acl_len);

/* who gets the frames of a fixed channel; until then they are counted as unknown */
void ab_l2cap_fixed(ab_l2cap_link *link, uint16_t cid, ab_l2cap_rx_fn *fn, void *ctx);

/* One whole frame, basic header included (3.1); or the header alone of one that is too long for the
   layer below. */
void ab_l2cap_rx(ab_l2cap_link *link, const uint8_t *frame, size_t len);
/* Puts the basic header in front and sends; takes the buffer. Closed: it ends with ENOTCONN. */
void ab_l2cap_send(ab_l2cap_link *link, uint16_t cid, ab_buf *payload);

/* As peripheral: asks the central for other connection parameters (4.20). 0: fn will be called,
   never inline; it will not be for AIOBLE_ENOTCONN, AIOBLE_EPERM (we are the central),
   AIOBLE_EINVAL (out of range), AIOBLE_EBUSY (req is pending), AIOBLE_ENOBUFS (no identifier is
   free), AIOBLE_ENOMEM. */
int ab_l2cap_param_update(ab_l2cap_link *link, ab_l2cap_req *req, const ab_l2cap_params *params,
                          ab_l2cap_req_fn *fn);
/* the owner goes away: fn will not be called */
void ab_l2cap_detach(ab_l2cap_req *req);

#endif
