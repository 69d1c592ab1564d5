/* SPDX-License-Identifier: MIT */
#include "util/buf.h"

void ab_bufs_init(ab_bufs *pool, ab_env *env, unsigned idle_limit) {
  pool->env = env;
  pool->idle = 0;
  pool->idle_limit = idle_limit;
  ab_list_init(&pool->free);
}

void ab_bufs_free(ab_bufs *pool) {
  ab_list *n;

  while ((n = ab_list_pop(&pool->free)))
    ab_free(pool->env, ab_container_of(n, ab_buf, node));
  pool->idle = 0;
}

ab_buf *ab_buf_new(ab_bufs *pool, size_t room) {
  size_t size = AB_BUF_HEADROOM + (room > AB_BUF_ROOM ? room : AB_BUF_ROOM);
  ab_list *n = room <= AB_BUF_ROOM ? ab_list_pop(&pool->free) : NULL;
  ab_buf *buf;

  if (n) {
    pool->idle--;
    buf = ab_container_of(n, ab_buf, node);
  } else {
    if (size > UINT32_MAX || !(buf = ab_alloc(pool->env, sizeof *buf + size)))
      return NULL;
    buf->pool = pool;
    buf->size = (uint32_t) size;
  }
  ab_list_init(&buf->node);
  buf->done = NULL;
  buf->ctx = NULL;
  buf->p = buf->mem + AB_BUF_HEADROOM;
  buf->len = 0;
  buf->secret = false;
  buf->kept = false;
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

  if (!buf)
    return;
  pool = buf->pool;
  ab_list_remove(&buf->node);
  if (buf->secret)
    explicit_bzero(buf->mem, buf->size);
  if (buf->size == AB_BUF_HEADROOM + AB_BUF_ROOM && pool->idle < pool->idle_limit) {
    pool->idle++;
    ab_list_push_front(&pool->free, &buf->node);
  } else {
    ab_free(pool->env, buf);
  }
}

void ab_buf_finish(ab_buf *buf, int status) {
  ab_buf_done_fn *done = buf->done;

  buf->done = NULL;
  if (done)
    done(buf, status);
  if (!buf->kept)
    ab_buf_free(buf);
}
