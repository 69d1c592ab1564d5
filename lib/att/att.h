/* SPDX-License-Identifier: MIT */
/*
 * ATT (Core Vol 3, Part F): one bearer of one link. Given a send function, has a receive entry;
 * knows neither L2CAP nor GATT. The layer above embeds requests and registers what it answers.
 *
 * Any event may close the bearer; its memory must stay until the call that raised the event
 * returns.
 */
#ifndef AB_ATT_H
#define AB_ATT_H

#include "att/att_pdu.h"
#include "util/buf.h"
#include "util/env.h"
#include "util/list.h"

typedef struct ab_att ab_att;
typedef struct ab_att_req ab_att_req;

/*
 * The end of a request or indication of ours. status: 0; AIOBLE_ERR_ATT(code); AIOBLE_EPROTO (the
 * response was malformed); AIOBLE_ETIMEDOUT (30 s, the bearer is broken); AIOBLE_ENOTCONN (the
 * bearer closed or broke); AIOBLE_ENOMEM. pdu: the response behind its opcode octet, borrowed
 * (empty on failure and for a confirmation). Called once, never from inside ab_att_request(); the
 * request may be used again from here.
 */
typedef void ab_att_req_fn(ab_att_req *req, int status, ab_rd *pdu);

struct ab_att_req {
  ab_list node;
  ab_att *att;
  ab_att_req_fn *fn;
  ab_buf *buf;    /* until it is sent, and while it is held */
  int status;     /* of one that failed at once, or is held */
  uint8_t opcode; /* of the request */
  bool pending;   /* between ab_att_request() and fn */
  bool again;     /* it was refused once, and held */
};

/* what becomes of a request that the peer has refused */
typedef enum ab_att_verdict {
  AB_ATT_ENDS,   /* it ends with the error */
  AB_ATT_HOLDS,  /* it waits for ab_att_release() */
  AB_ATT_REPEATS /* it is sent again */
} ab_att_verdict;

typedef struct ab_att_events {
  /* takes the buffer (an ATT PDU, head-room in front), and finishes it */
  void (*send)(void *ctx, ab_buf *pdu);
  /*
   * A request or command of the peer, malformed or not: the server's. rsp is a cursor over a fresh
   * response PDU of the MTU's size, its opcode octet not yet written. Answer by writing it and
   * returning 0, or return the ATT error code with *handle set (for the Error Response); return
   * AB_ATT_LATER to answer with ab_att_respond() or ab_att_respond_error() later. For a command
   * rsp has no room, and what is returned is ignored.
   */
  int (*on_request)(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle);
  /* a notification or indication; the confirmation is sent after this returns */
  void (*on_value)(void *ctx, uint16_t handle, const uint8_t *value, size_t len, bool indication);
  /* the MTU in force has changed, or was confirmed, by an exchange from either side */
  void (*on_mtu)(void *ctx, uint16_t mtu);
  /* the bearer is beyond use: 30 s without an answer (3.3.3, ETIMEDOUT), or no memory to answer
     with (ENOMEM); the link has to be disconnected */
  void (*on_broken)(void *ctx, int status);
  /* the request on the air is about to end with that error; NULL: nobody wants to know */
  void (*on_error)(void *ctx, uint8_t code);
  /* The peer has refused the request on the air, which may be sent once more. secured: the link has
     become more secure since it was sent. NULL: none is. */
  ab_att_verdict (*on_refused)(void *ctx, uint8_t code, bool secured);
} ab_att_events;

enum { AB_ATT_LATER = -1 };

/* Our requests, or our indications: one at a time is on the air (3.3.2). */
typedef struct ab_att_lane {
  ab_att *att;
  ab_list waiting;    /* ab_att_req, in order */
  ab_att_req *flying; /* on the air; NULL: none, or detached since */
  ab_timer timer;     /* 30 s (3.3.3) */
  ab_buf *pdu;        /* … its PDU, a reference: it may be sent again … */
  uint32_t len;       /* … as long as it was */
  bool secured;       /* … the link has become more secure since */
  bool busy;          /* one is on the air */
  uint8_t opcode;     /* … its opcode */
} ab_att_lane;

/* Enhanced bearers (3.2.11) beside the unenhanced one of a link: see att_enhanced.c. */
enum { AB_ATT_ENHANCED_MAX = 5 };

typedef struct ab_att_group {
  ab_att *at[AB_ATT_ENHANCED_MAX]; /* each in its place; NULL: there is none */
  unsigned places;                 /* how many are used */
  unsigned ordered;                /* a set of places: what is to keep its order may go there */
} ab_att_group;

/* Nothing is sent or taken unless it is open. */
typedef enum ab_att_state { AB_ATT_OPEN, AB_ATT_BROKEN, AB_ATT_CLOSED } ab_att_state;

struct ab_att {
  ab_env *env;
  ab_bufs *bufs;
  const ab_att_events *ev;
  void *ctx; /* given to all events */
  ab_att_lane requests, indications;
  ab_list held;   /* requests that were refused, in order: ab_att_release() */
  ab_list failed; /* requests that failed at once: fn is called from the timer */
  ab_timer fail_timer;
  uint16_t mtu, local_mtu;
  uint8_t answering; /* the peer's request being answered later; 0: none */
  bool enhanced;     /* its MTU is its channel's */
  bool mtu_asked;    /* we exchanged it as client … */
  bool mtu_answered; /* … and the peer did */
  ab_att_state state;
  uint64_t malformed;  /* PDUs that were not what they should be, or came when they should not */
  uint64_t refused;    /* the peer's requests that were answered with an error */
  ab_att_group *group; /* of the unenhanced one: who is beside it; NULL: nobody */
};

/* local_mtu: what we offer and accept, 23 to 517 */
void ab_att_init(ab_att *att, ab_env *env, ab_bufs *bufs, const ab_att_events *events, void *ctx,
                 uint16_t local_mtu);
/* everything pending ends with `status`; nothing is sent or taken any more */
void ab_att_close(ab_att *att, int status);

/* one whole PDU from the peer */
void ab_att_rx(ab_att *att, const uint8_t *pdu, size_t len);

/* a PDU to be filled behind `opcode`, at most the MTU long; NULL: out of memory */
ab_buf *ab_att_pdu(ab_att *att, uint8_t opcode, ab_wr *w);

/*
 * Queues a request (an opcode with a response), or an indication, and takes buf. One of each is on
 * the air at a time; the order is kept. On a closed or broken bearer fn gets ENOTCONN, and for no
 * buf (NULL) ENOMEM, from a zero-delay timer, never inline.
 */
void ab_att_request(ab_att *att, ab_att_req *req, ab_buf *buf, ab_att_req_fn *fn);
/* The owner goes away: fn will not be called (harmless when nothing is pending). On the air: the
   slot stays taken until the peer answers, without the struct. */
void ab_att_detach(ab_att_req *req);
/* What on_refused has held is sent before all that waits, or (again false) ends with its error. */
void ab_att_release(ab_att *att, bool again);
/* the link has become more secure */
void ab_att_secured(ab_att *att);
/* Sends a command or notification (no response) and takes buf, whose done says when it was taken.
 */
void ab_att_send(ab_att *att, ab_buf *buf);

/* answers the request that on_request left for later; rsp is a PDU with its opcode octet */
void ab_att_respond(ab_att *att, ab_buf *rsp);
void ab_att_respond_error(ab_att *att, uint16_t handle, uint8_t code);

/* Exchange MTU (3.4.2) as client, with the local MTU: fn as for any request (att->mtu is in force
   then). Once per bearer: false, and nothing is sent, after the first. */
bool ab_att_exchange_mtu(ab_att *att, ab_att_req *req, ab_att_req_fn *fn);

/* ---- att_enhanced.c ---- */

/* One beside that bearer, for the owner to put in its group. There is no exchange of MTUs on it:
   the owner sets it. */
void ab_att_init_enhanced(ab_att *att, const ab_att *unenhanced, const ab_att_events *events,
                          void *ctx, uint16_t local_mtu);
/* who is in that place from now on; NULL: nobody */
void ab_att_group_set(ab_att_group *group, unsigned place, ab_att *att);
/* what is asked of the group */
ab_att *ab_att_shortest_line(ab_att *unenhanced);
ab_att *ab_att_place_of(ab_att *unenhanced, uint16_t handle);

/* where a request goes whose order does not matter: a bearer that is idle, or has the shortest
   line. Of an enhanced one: itself. */
static inline ab_att *ab_att_pick(ab_att *att) {
  return att->group ? ab_att_shortest_line(att) : att;
}
/* … and where one goes that must not overtake those before it of the same handle: a write request,
   an indication. Its MTU is not below that of the unenhanced bearer. */
static inline ab_att *ab_att_ordered(ab_att *att, uint16_t handle) {
  return att->group ? ab_att_place_of(att, handle) : att;
}

#endif
