/* SPDX-License-Identifier: MIT */
/*
 * Credit-based channels on one link (Core Vol 3, Part A, 4.22 to 4.28, 10): both kinds, "LE" and
 * "enhanced", which differ in how they are made and changed, not in how data goes.
 *
 * A channel is embedded by the layer above, and borrowed from the call that makes it until
 * on_closed. What was received can be read still after that.
 *
 *   CLOSED --connect--> WAIT_RSP --made--> OPEN --end--> WAIT_END --answered | RTX--> CLOSED
 *   WAIT_RSP --not wanted any more--> GIVEN_UP --made--> WAIT_END;  … --refused | RTX--> CLOSED
 *   CLOSED --a listener accepts--> OPEN;  OPEN, WAIT_END --the peer ends it--> CLOSED
 *   all --link closed--> CLOSED
 */
#ifndef AB_L2CAP_CHAN_H
#define AB_L2CAP_CHAN_H

#include "l2cap/l2cap.h"
#include <aioble/l2cap.h>

typedef struct ab_l2cap_sdu ab_l2cap_sdu;
typedef struct ab_l2cap_listener ab_l2cap_listener;

enum { AB_L2CAP_BATCH = 5 /* channels in one enhanced request, 4.25 */ };

/* What one side takes: the longest SDU, the longest K-frame, and K-frames at first. Ours, as asked
   for: 0 is the default. An enhanced channel's MTU and MPS are raised to 64. */
#define AB_L2CAP_SIZES_LIST(F) F(le16, mtu) F(le16, mps) F(le16, credits)
AB_WIRE_RECORD(l2cap_sizes, AB_L2CAP_SIZES_LIST)

/* 0, or AIOBLE_EINVAL: less than 23, or an MPS beyond 65,533 */
int ab_l2cap_sizes_check(const ab_l2cap_sizes *ours);

typedef enum ab_l2cap_chan_state {
  AB_L2CAP_CHAN_CLOSED,
  AB_L2CAP_CHAN_WAIT_RSP,
  AB_L2CAP_CHAN_GIVEN_UP,
  AB_L2CAP_CHAN_OPEN,
  AB_L2CAP_CHAN_WAIT_END,
} ab_l2cap_chan_state;

typedef struct ab_l2cap_chan_events {
  void (*on_open)(ab_l2cap_chan *chan);
  /* An SDU, borrowed: true, it has been used up; false, it is to be kept. Asked only when nothing
     is kept. This one may do anything. */
  bool (*on_sdu)(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len);
  /* an SDU has been kept */
  void (*on_kept)(ab_l2cap_chan *chan);
  /* No more data, in or out; what was to be sent has ended. status: 0, we ended it; AIOBLE_EOF, the
     peer did; AIOBLE_ECANCELED, it was given up; AIOBLE_EPROTO, the peer broke the rules;
     AIOBLE_ENOMEM; what the link was closed with. Not made: AIOBLE_ERR_L2CAP(result),
     AIOBLE_ENOTSUP (the peer has no such channels), AIOBLE_EPROTO, AIOBLE_ETIMEDOUT. */
  void (*on_end)(ab_l2cap_chan *chan, int status);
  /* after on_end: L2CAP has forgotten it */
  void (*on_closed)(ab_l2cap_chan *chan);
} ab_l2cap_chan_events;

struct ab_l2cap_chan {
  ab_l2cap_link *link; /* NULL: closed */
  const ab_l2cap_chan_events *ev;
  ab_l2cap_chan_state state;
  bool enhanced;
  uint8_t connect_id;          /* the request that asks for it */
  uint16_t psm;                /* 1 to 0xff */
  uint16_t cid, peer_cid;      /* ours; theirs, once it was open */
  ab_l2cap_req req;            /* connecting (of the first of a batch), disconnecting */
  ab_timer retry;              /* there was no memory for a command: soon again */
  ab_l2cap_sizes ours, theirs; /* the credits are those at first */
  struct {
    ab_list sdus;     /* ab_l2cap_sdu, in order */
    ab_buf *frame;    /* on its way to the controller, one at a time */
    uint16_t credits; /* K-frames we may send */
    bool pumping;
  } tx;
  struct {
    ab_buf *sdu;      /* being put together */
    uint32_t sdu_len; /* … its whole length */
    uint32_t frames;  /* … K-frames that brought it */
    ab_list kept;     /* ab_buf: whole SDUs, ab_buf.note: the K-frames that brought it */
    uint32_t n_kept;  /* … how many */
    size_t bytes_kept;
    uint32_t held;    /* K-frames in `sdu` and `kept` */
    uint16_t credits; /* K-frames the peer may send */
    ab_buf *grant;    /* more credits, on their way to the controller */
  } rx;
  aioble_channel_stats_t stats;
};

void ab_l2cap_chan_init(ab_l2cap_chan *chan, const ab_l2cap_chan_events *events,
                        const ab_l2cap_sizes *ours);
/* drops what is kept; of a closed channel */
void ab_l2cap_chan_clear(ab_l2cap_chan *chan);

/* ---- l2cap_connect.c ---- */

/* Asks the peer for n channels (LE: one) of the same kind and sizes. 0: each gets on_open or
   on_end, never inline. Else nothing happens: AIOBLE_ENOTCONN, AIOBLE_EINVAL (psm, n, sizes),
   AIOBLE_ENOBUFS (no CID or identifier is free), AIOBLE_ENOMEM. */
int ab_l2cap_connect(ab_l2cap_link *link, uint16_t psm, bool enhanced, ab_l2cap_chan **chans,
                     unsigned n);

/* Gives other sizes to n enhanced channels of ours that are open (4.27). 0: fn gets 0, EPROTO,
   AIOBLE_ERR_L2CAP(result), … never inline. Else: AIOBLE_EBUSY (one at a time on a link),
   AIOBLE_EINVAL (a smaller MTU; a smaller MPS for more than one; out of range; not enhanced),
   AIOBLE_ENOTCONN, AIOBLE_ENOBUFS, AIOBLE_ENOMEM. */
struct ab_l2cap_reconf {
  ab_l2cap_link *link; /* NULL: none is pending */
  void (*fn)(ab_l2cap_reconf *reconf, int status);
};
int ab_l2cap_reconfigure(ab_l2cap_reconf *reconf, ab_l2cap_chan **chans, unsigned n, uint16_t mtu,
                         uint16_t mps, void (*fn)(ab_l2cap_reconf *reconf, int status));
/* the owner goes away; the peer's answer counts all the same */
void ab_l2cap_reconf_detach(ab_l2cap_reconf *reconf);

/* ---- l2cap_chan.c ---- */

/* ends it, or gives it up; nothing if that has happened */
void ab_l2cap_disconnect(ab_l2cap_chan *chan);

/* ---- l2cap_listen.c ---- */

struct ab_l2cap_listener {
  ab_list node;
  uint16_t psm;        /* 1 to 0xff */
  ab_l2cap_link *link; /* for that one only; NULL: for all */
  ab_l2cap_security demand;
  /* The peer asks for n channels, and could have them. 0: those set in chans (of n, all NULL) are
     made, for the rest there are no resources; each gets on_open or on_end. Else the result to
     refuse all with (4.23, 4.26). May do anything. */
  uint16_t (*accept)(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                     unsigned n);
};

/* Several for one PSM are possible when they are for one link only; those are asked first.
   AIOBLE_EINVAL: no such PSM; AIOBLE_EEXIST. */
int ab_l2cap_listen(ab_list *listeners, ab_l2cap_listener *listener);
void ab_l2cap_unlisten(ab_l2cap_listener *listener);

/* ---- l2cap_tx.c ---- */

/* Bytes to be sent as one SDU, or as several of `chunk` octets. */
struct ab_l2cap_sdu {
  ab_list node;
  ab_l2cap_chan *chan; /* NULL: not pending */
  /* 0: the controller has taken it all; ENOTCONN: the channel has ended; ENOMEM. Perhaps from
     inside ab_l2cap_send_sdu(). */
  void (*fn)(ab_l2cap_sdu *sdu, int status);
  ab_rd left;    /* not sent yet */
  ab_buf *copy;  /* what `left` is in; NULL: nothing was copied */
  uint32_t open; /* octets still missing of the SDU that was begun */
  uint16_t chunk;
};

/* Queues the bytes, which are copied if they cannot go at once. len 0: fn once all before it has
   gone. chunk 0: as long as the peer takes. Else: AIOBLE_ENOTCONN, AIOBLE_EMSGSIZE (chunk is more
   than the peer takes), AIOBLE_ENOMEM. */
int ab_l2cap_send_sdu(ab_l2cap_chan *chan, ab_l2cap_sdu *sdu, const void *data, size_t len,
                      uint16_t chunk, void (*fn)(ab_l2cap_sdu *sdu, int status));
/* Sends no more of it than the SDU that was begun. True: it is over, and fn will not be called. */
bool ab_l2cap_sdu_stop(ab_l2cap_sdu *sdu);
/* nothing waits, and there are credits for one SDU of that length */
bool ab_l2cap_can_send(const ab_l2cap_chan *chan, size_t len);

/* ---- l2cap_rx.c: what is kept ---- */

/* the oldest SDU, the caller's from here on; NULL: nothing is kept */
ab_buf *ab_l2cap_take(ab_l2cap_chan *chan);
/* as a stream: copies what there is, up to size octets */
size_t ab_l2cap_read(ab_l2cap_chan *chan, void *data, size_t size);

#endif
