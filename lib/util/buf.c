/* SPDX-License-Identifier: MIT */
#include "util/buf.h"

void ab_bufs_init(ab_bufs *pool, ab_env *env, unsigned idle_limit) {
  *pool = (ab_bufs){.env = env, .idle_limit = idle_limit};
  ab_list_init(&pool->free);
  ab_list_init(&pool->free_long);
}

static void free_all(ab_bufs *pool, ab_list *idle) {
  ab_list *n;

  while ((n = ab_list_pop(idle)))
    ab_free(pool->env, ab_container_of(n, ab_buf, node));
}

void ab_bufs_free(ab_bufs *pool) {
  free_all(pool, &pool->free);
  free_all(pool, &pool->free_long);
  pool->idle = pool->idle_long = 0;
}

/* one of those at rest, or NULL */
static inline ab_buf *reuse(ab_list *free, unsigned *idle) {
  ab_list *n = ab_list_pop(free);

  if (!n)
    return NULL;
  --*idle;
  return ab_container_of(n, ab_buf, node);
}

/* false: enough are at rest */
static inline bool rest(ab_buf *buf, ab_list *free, unsigned *idle) {
  if (*idle >= buf->pool->idle_limit)
    return false;
  ++*idle;
  ab_list_push_front(free, &buf->node);
  return true;
}

static ab_buf *make(ab_bufs *pool, size_t room) {
  size_t least = room <= AB_BUF_ROOM ? AB_BUF_ROOM : AB_BUF_LONG;
  size_t size = AB_BUF_HEADROOM + (room > least ? room : least);
  ab_buf *buf = size > UINT32_MAX ? NULL : ab_alloc(pool->env, sizeof *buf + size);

  if (!buf)
    return NULL;
  ab_list_init(&buf->node);
  buf->pool = pool;
  buf->size = (uint32_t) size;
  return buf;
}

ab_buf *ab_buf_new(ab_bufs *pool, size_t room) {
  ab_buf *buf = NULL;

  if (room <= AB_BUF_ROOM)
    buf = reuse(&pool->free, &pool->idle);
  else if (room <= AB_BUF_LONG)
    buf = reuse(&pool->free_long, &pool->idle_long);
  if (!buf && !(buf = make(pool, room)))
    return NULL;
  buf->done = NULL;
  buf->ctx = NULL;
  buf->p = buf->mem + AB_BUF_HEADROOM;
  buf->len = 0;
  buf->refs = 1;
  buf->secret = false;
  return buf;
}

ab_buf *ab_buf_copy(ab_bufs *pool, const void *data, size_t len) {
  ab_buf *buf = ab_buf_new(pool, len);
  ab_wr w;

  if (!buf)
    return NULL;
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, data, len);
  ab_buf_wrote(buf, &w);
  return buf;
}

void ab_buf_free(ab_buf *buf) {
  ab_bufs *pool;
  bool rests = false;

  if (!buf || --buf->refs > 0)
    return;
  pool = buf->pool;
  ab_list_remove(&buf->node);
  if (buf->secret)
    explicit_bzero(buf->mem, buf->size);
  if (buf->size == AB_BUF_HEADROOM + AB_BUF_ROOM)
    rests = rest(buf, &pool->free, &pool->idle);
  else if (buf->size == AB_BUF_HEADROOM + AB_BUF_LONG)
    rests = rest(buf, &pool->free_long, &pool->idle_long);
  if (!rests)
    ab_free(pool->env, buf);
}

ab_buf *ab_buf_share(ab_buf *buf, const uint8_t *at, size_t n) {
  assert(at >= buf->mem + AB_BUF_HEADROOM && at + n <= buf->mem + buf->size);
  buf->refs++;
  buf->p = buf->mem + (at - buf->mem);
  buf->len = (uint32_t) n;
  return buf;
}

void ab_buf_finish(ab_buf *buf, int status) {
  ab_buf_done_fn *done = buf->done;

  buf->done = NULL;
  if (done)
    done(buf, status);
  ab_buf_free(buf);
}
