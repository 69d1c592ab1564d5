/* SPDX-License-Identifier: MIT */
/*
 * Packets on their way out: one buffer with head-room, into which the application's bytes are
 * copied once and the ATT, L2CAP, ACL and H4 headers are written in front of them. Buffers of the
 * usual size come from a pool, so the steady state allocates nothing; longer ones from the heap.
 */
#ifndef AB_BUF_H
#define AB_BUF_H

#include "util/env.h"
#include "util/list.h"
#include "util/wire.h"

#include <assert.h>

enum {
  AB_BUF_HEADROOM = 16, /* H4 1 + ACL 4 + L2CAP 4 + SDU length 2, and some */
  AB_BUF_ROOM = 528,    /* payload of a pooled buffer: an ATT PDU at the largest default MTU */
};

typedef struct ab_buf ab_buf;
typedef struct ab_bufs ab_bufs;

/* The controller took the last byte (0), or it never will (ENOTCONN, ENODEV). Called once. It may
   set `kept`: then the buffer is its caller's, who frees it later. */
typedef void ab_buf_done_fn(ab_buf *buf, int status);

struct ab_buf {
  ab_list node;
  ab_bufs *pool;
  ab_buf_done_fn *done; /* NULL: nobody asks */
  void *ctx, *about;    /* whoever set done, or holds it, and what for */
  uint8_t *p;           /* first byte */
  uint32_t len;
  uint32_t size; /* of mem, head-room included */
  uint32_t note; /* whoever has it queued */
  bool secret;   /* there is, or may be, a key in it: wiped when it is freed */
  bool kept;     /* done has taken it over */
  uint8_t mem[];
};

struct ab_bufs {
  ab_env *env;
  ab_list free;
  unsigned idle, idle_limit; /* pooled buffers at rest, and how many may rest */
};

void ab_bufs_init(ab_bufs *pool, ab_env *env, unsigned idle_limit);
void ab_bufs_free(ab_bufs *pool);

/* an empty buffer with room for `room` bytes behind the head-room; NULL when out of memory */
ab_buf *ab_buf_new(ab_bufs *pool, size_t room);
/* one with a copy of these bytes in it */
ab_buf *ab_buf_copy(ab_bufs *pool, const void *data, size_t len);
void ab_buf_free(ab_buf *buf); /* without calling done; NULL does nothing */
/* calls done(status), then frees, unless that has kept it */
void ab_buf_finish(ab_buf *buf, int status);

/* a cursor over the room behind what is in the buffer; ab_buf_wrote() takes over what it wrote */
static inline ab_wr ab_buf_writer(ab_buf *buf) {
  uint8_t *at = buf->p + buf->len;

  return ab_wr_of(at, (size_t) (buf->mem + buf->size - at));
}

static inline void ab_buf_wrote(ab_buf *buf, const ab_wr *w) {
  assert(w->start == buf->p + buf->len && w->p <= buf->mem + buf->size);
  buf->len += (uint32_t) ab_wr_len(w);
}

/* a cursor over n bytes newly taken in front (head-room is never exceeded: asserted) */
static inline ab_wr ab_buf_prepend(ab_buf *buf, size_t n) {
  assert((size_t) (buf->p - buf->mem) >= n);
  buf->p -= n;
  buf->len += (uint32_t) n;
  return ab_wr_of(buf->p, n);
}

/* forgets n bytes in front (n <= len) */
static inline void ab_buf_consume(ab_buf *buf, size_t n) {
  assert(n <= buf->len);
  buf->p += n;
  buf->len -= (uint32_t) n;
}

/* One that was sent and kept, as it was given away: with n bytes behind the head-room. Whoever
   wrote on them on their way has put back what was there. */
static inline void ab_buf_rewind(ab_buf *buf, uint32_t n) {
  buf->p = buf->mem + AB_BUF_HEADROOM;
  buf->len = n;
}

#endif
