/* SPDX-License-Identifier: MIT */
/*
 * L2CAP of one link against a peer that sends anything at any time. The input is a list of steps:
 * one octet says what we do next, or how long the next frame of the peer is. Whatever was started
 * must end exactly once, no more must be held than was agreed on, what we send must be within the
 * peer's limits, and nothing may be left.
 */
#include "l2cap/l2cap_chan.h"

#include <stdlib.h>

enum { CHANS = 12, SDUS = 8, PSM = 0x80, STEP_FRAME = 0x80, MTU = 100, MPS = 30, CREDITS = 5 };

typedef struct world world;

typedef struct fuzz_chan {
  ab_l2cap_chan chan;
  world *w;
  bool used, opened, ended; /* `used` until closed and recycled */
} fuzz_chan;

typedef struct fuzz_sdu {
  ab_l2cap_sdu sdu;
  world *w;
  bool pending;
} fuzz_sdu;

struct world {
  ab_env env;
  ab_bufs bufs;
  ab_l2cap_link link;
  ab_list listeners, kept; /* kept: frames that the controller has not taken */
  ab_l2cap_listener listener;
  fuzz_chan chans[CHANS];
  fuzz_sdu sdus[SDUS];
  ab_l2cap_reconf reconf;
  ab_l2cap_req req;
  unsigned consume; /* every so many SDUs are used up at once */
  bool keep;        /* the controller takes nothing now */
};

static void check(bool ok) {
  if (!ok)
    abort();
}

static void *take(void *ctx, size_t size) {
  (void) ctx;
  return malloc(size);
}

static void *resize(void *ctx, void *ptr, size_t size) {
  (void) ctx;
  return realloc(ptr, size);
}

static void release(void *ctx, void *ptr) {
  (void) ctx;
  free(ptr);
}

/* ---- the link ---- */

static void on_send(void *ctx, ab_buf *frame) {
  world *w = ctx;
  ab_rd r = ab_rd_of(frame->p, frame->len);
  uint16_t length = ab_rd_le16(&r), cid = ab_rd_le16(&r);

  check(ab_rd_ok(&r) && ab_rd_left(&r) == length);
  check(cid == AB_L2CAP_CID_SIGNALLING ? length <= 23 : length > 0);
  for (unsigned i = 0; i < CHANS && cid >= AB_L2CAP_CID_FIRST; i++) {
    const ab_l2cap_chan *chan = &w->chans[i].chan;

    if (chan->link && chan->state == AB_L2CAP_CHAN_OPEN && chan->peer_cid == cid)
      check(length <= chan->theirs.mps);
  }
  if (w->keep)
    ab_list_push(&w->kept, &frame->node);
  else
    ab_buf_finish(frame, 0);
}

static bool on_param_request(void *ctx, const ab_l2cap_params *wish) {
  (void) ctx;
  return wish->latency & 1;
}

static const ab_l2cap_events link_events = {on_send, on_param_request};

static void take_kept(world *w, int status) {
  ab_list *n;

  while ((n = ab_list_pop(&w->kept)))
    ab_buf_finish(ab_container_of(n, ab_buf, node), status);
}

/* ---- channels ---- */

static fuzz_chan *chan_of(ab_l2cap_chan *chan) {
  return ab_container_of(chan, fuzz_chan, chan);
}

static void on_open(ab_l2cap_chan *chan) {
  fuzz_chan *c = chan_of(chan);

  check(!c->opened && !c->ended);
  c->opened = true;
}

static void check_held(const ab_l2cap_chan *chan) {
  check(chan->rx.bytes_kept <= (size_t) chan->ours.credits * chan->ours.mps + chan->ours.mtu);
  check(chan->rx.credits <= chan->ours.credits + chan->ours.mtu / chan->ours.mps + 1);
}

static bool on_sdu(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  fuzz_chan *c = chan_of(chan);

  check(c->opened && !c->ended && len <= chan->ours.mtu && (len == 0 || sdu[len - 1] <= 0xff));
  if (len == 7)
    ab_l2cap_disconnect(chan); /* at the worst moment */
  return c->w->consume++ % 3 == 0;
}

static void on_kept(ab_l2cap_chan *chan) {
  check(!chan_of(chan)->ended && chan->rx.n_kept > 0);
  check_held(chan);
}

static void on_end(ab_l2cap_chan *chan, int status) {
  check(!chan_of(chan)->ended && status <= 0);
  chan_of(chan)->ended = true;
}

static void on_closed(ab_l2cap_chan *chan) {
  fuzz_chan *c = chan_of(chan);

  check(c->ended && !chan->link);
  ab_l2cap_chan_clear(chan);
  c->used = false;
}

static const ab_l2cap_chan_events chan_events = {on_open, on_sdu, on_kept, on_end, on_closed};

static ab_l2cap_chan *new_chan(world *w) {
  unsigned i = 0;

  while (i < CHANS && w->chans[i].used)
    i++;
  if (i == CHANS)
    return NULL;
  w->chans[i] = (fuzz_chan){.w = w, .used = true};
  ab_l2cap_chan_init(&w->chans[i].chan, &chan_events, &(ab_l2cap_sizes){MTU, MPS, CREDITS});
  return &w->chans[i].chan;
}

static uint16_t on_accept(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                          unsigned n) {
  world *w = ab_container_of(listener, world, listener);

  check(link == &w->link && n <= AB_L2CAP_BATCH);
  for (unsigned i = 0; i < n; i++)
    chans[i] = new_chan(w);
  return 0;
}

/* ---- what we do ---- */

static void connect(world *w, bool enhanced, unsigned n) {
  ab_l2cap_chan *chans[AB_L2CAP_BATCH];
  unsigned have = 0;

  while (have < n && (chans[have] = new_chan(w)))
    have++;
  if (have == n && ab_l2cap_connect(&w->link, PSM, enhanced, chans, n) == 0)
    return;
  while (have > 0)
    chan_of(chans[--have])->used = false;
}

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  fuzz_sdu *s = ab_container_of(sdu, fuzz_sdu, sdu);

  check(s->pending && (status == 0 || status == AIOBLE_ENOTCONN));
  s->pending = false;
}

static void send_some(world *w, unsigned i, fuzz_sdu *s) {
  static const uint8_t data[500];

  if (s->pending || !w->chans[i].used)
    return;
  s->pending = true;
  if (ab_l2cap_send_sdu(&w->chans[i].chan, &s->sdu, data, 40 * i, (uint16_t) (i & 1 ? 0 : 23),
                        on_sent) < 0)
    s->pending = false;
}

static void on_reconfigured(ab_l2cap_reconf *reconf, int status) {
  (void) reconf;
  check(status <= 0);
}

static void on_answered(ab_l2cap_req *req, int status) {
  check(!req->pending && status <= 0);
}

static void reconfigure(world *w, unsigned i) {
  ab_l2cap_chan *chans[2] = {&w->chans[i].chan, &w->chans[i + 1].chan};

  if (w->chans[i].used && w->chans[i + 1].used && !w->reconf.link)
    (void) ab_l2cap_reconfigure(&w->reconf, chans, 2, 200, 70, on_reconfigured);
}

static void act(world *w, uint8_t what) {
  static const ab_l2cap_params wish = {24, 40, 0, 42};
  unsigned i = what & 7;
  fuzz_sdu *s = &w->sdus[i];

  switch (what >> 3) {
  case 0:
    connect(w, false, 1);
    break;
  case 1:
    connect(w, true, i % AB_L2CAP_BATCH + 1);
    break;
  case 2:
    ab_l2cap_disconnect(&w->chans[i].chan);
    break;
  case 3:
    send_some(w, i, s);
    break;
  case 4:
    if (s->pending && ab_l2cap_sdu_stop(&s->sdu))
      s->pending = false;
    break;
  case 5:
    ab_buf_free(ab_l2cap_take(&w->chans[i].chan));
    break;
  case 6: {
    uint8_t data[20];

    (void) ab_l2cap_read(&w->chans[i].chan, data, sizeof data);
    break;
  }
  case 7:
    w->keep = i & 1;
    if (!w->keep)
      take_kept(w, 0);
    break;
  case 8:
    reconfigure(w, i);
    break;
  case 9:
    ab_l2cap_reconf_detach(&w->reconf);
    break;
  case 10:
    w->env.now_us += (uint64_t) i * 5000000;
    ab_timers_run(&w->env.timers, w->env.now_us);
    break;
  case 11:
    w->link.security = (ab_l2cap_security){i & 1, i & 2, i & 4, i & 1, 16};
    break;
  case 12:
    w->link.central = i & 1;
    (void) ab_l2cap_param_update(&w->link, &w->req, &wish, on_answered);
    break;
  case 13:
    w->listener.demand.encrypted = i & 1;
    break;
  default:
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  world *w = calloc(1, sizeof *w);
  ab_rd in = ab_rd_of(data, size);

  check(w != NULL);
  w->env.mem = (aioble_allocator_t){take, resize, release, NULL};
  w->env.now_us = 1000000;
  ab_bufs_init(&w->bufs, &w->env, 8);
  ab_list_init(&w->listeners);
  ab_list_init(&w->kept);
  w->listener.psm = PSM;
  w->listener.accept = on_accept;
  for (unsigned i = 0; i < CHANS; i++)
    ab_l2cap_chan_init(&w->chans[i].chan, &chan_events, &(ab_l2cap_sizes){MTU, MPS, CREDITS});
  check(ab_l2cap_listen(&w->listeners, &w->listener) == 0);
  ab_l2cap_open(&w->link, &w->env, &w->bufs, &link_events, w, true);
  ab_l2cap_serve(&w->link, &w->listeners, 27);
  while (ab_rd_left(&in)) {
    uint8_t step = ab_rd_u8(&in);
    ab_rd frame;

    if (step < STEP_FRAME) {
      act(w, step);
      continue;
    }
    frame = ab_rd_slice(&in, ab_rd_left(&in) < step - STEP_FRAME ? ab_rd_left(&in)
                                                                 : (size_t) (step - STEP_FRAME));
    ab_l2cap_rx(&w->link, frame.p, ab_rd_left(&frame));
  }
  ab_l2cap_close(&w->link, AIOBLE_ENOTCONN);
  take_kept(w, AIOBLE_ENOTCONN);
  for (unsigned i = 0; i < CHANS; i++)
    check(!w->chans[i].used);
  for (unsigned i = 0; i < SDUS; i++)
    check(!w->sdus[i].pending);
  check(!w->req.pending && !w->reconf.link && ab_timers_next(&w->env.timers) == UINT64_MAX);
  ab_bufs_free(&w->bufs);
  free(w);
  return 0;
}
