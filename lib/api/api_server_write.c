/* SPDX-License-Identifier: MIT */
/*
 * What clients write, and those who wait for it.
 *
 * A write goes to the first who waits; else it is kept: captured, it waits as it is in a queue of a
 * certain depth, the value's own or one shared with others; otherwise only that there was one, and
 * by whom.
 *
 * Full: a request is held, and its client with it, until there is room: they stand in line, and are
 * let in from the loop, one after the other, once a write has been taken. A command is dropped, and
 * counted. Who was let in is kept when it is stored, however many were meanwhile: a write of
 * several values is checked as a whole first, and on_write may answer later. So the depth may be
 * exceeded, by what links have in flight; in turn nobody ever waits for room that another one has
 * reserved.
 */
#include "api/api_server.h"

#include <assert.h>

void ab_writes_init(ab_writes *writes, aioble_t *ble, unsigned depth) {
  writes->ble = ble;
  ab_list_init(&writes->kept);
  ab_list_init(&writes->waiters);
  ab_list_init(&writes->held);
  writes->depth = depth ? depth : AB_CAPTURE_DEPTH;
}

void ab_writes_close(ab_writes *writes) {
  ab_timer_stop(&writes->ble->env, &writes->room);
}

/* ---- those who wait ---- */

typedef struct written_op {
  aioble_op_t op;            /* op.node is in ble->written */
  ab_list node;              /* in waiters */
  aioble_capture_t *capture; /* the queue it waits for, a reference; NULL: a value's own */
  ab_local *local;           /* what it waits for, or what was written … */
  aioble_service_t *service; /* … and a reference to the service it is of */
} written_op;

static void end(aioble_op_t *op, int why) {
  ab_list_remove(&((written_op *) op)->node);
  ab_op_leave_list(op, why);
}

static void release(aioble_op_t *op) {
  written_op *w = (written_op *) op;

  ab_list_remove(&w->node);
  aioble_service_unref(w->service);
  aioble_capture_unref(w->capture);
}

static const ab_op_kind written_kind = {"written", sizeof(written_op), AIOBLE_FOREVER, end,
                                        release};

/* the next one still waiting: the stack's end settles them without our knowing */
static aioble_op_t *next_waiter(ab_writes *writes) {
  ab_list *n;
  aioble_op_t *op;

  while ((n = ab_list_pop(&writes->waiters))) {
    op = &ab_container_of(n, written_op, node)->op;
    if (!op->done) {
      ab_list_remove(&op->node);
      return op;
    }
  }
  return NULL;
}

static void set_local(written_op *w, ab_local *local) {
  w->local = local;
  if (!w->service)
    w->service = aioble_service_ref(local->chr->service);
}

/* takes over the value (NULL: none) */
static void give(aioble_op_t *op, ab_local *local, aioble_conn_t *conn, ab_buf *value) {
  set_local((written_op *) op, local);
  if (value)
    ab_op_take_value(op, value);
  ab_op_set_conn(op, conn);
  ab_op_settle(op, 0);
}

static const ab_local *local_of(const aioble_op_t *op) {
  if (!op || op->status != 0)
    return NULL;
  assert(op->kind == &written_kind && "an op of another kind");
  return op->kind == &written_kind ? ((const written_op *) op)->local : NULL;
}

aioble_char_t *aioble_op_local_char(const aioble_op_t *op) {
  const ab_local *local = local_of(op);

  return local ? local->chr : NULL;
}

aioble_desc_t *aioble_op_local_desc(const aioble_op_t *op) {
  const ab_local *local = local_of(op);

  return local ? local->desc : NULL;
}

/* ---- writes ---- */

static void drop_write(ab_local *local, const char *why) {
  aioble_t *ble = local->writes->ble;

  local->dropped++;
  if (local->options.capture_to)
    local->options.capture_to->dropped++;
  ble->stats.writes_dropped++;
  if (!local->writes->dropping)
    ab_log(&ble->env, AB_LOG_WARN, "writes to handle 0x%04x are dropped: %s", local->value.handle,
           why);
  local->writes->dropping = true;
}

static bool full(const ab_writes *writes) {
  return writes->n >= writes->depth;
}

/* those who come while others wait wait behind them */
int ab_local_make_room(ab_local *local, const ab_gatt_access *write) {
  ab_writes *writes = local->writes;

  if (!local->options.capture)
    return 0;
  if (!full(writes) && (write->again || ab_list_empty(&writes->held)))
    return 0;
  if (write->request && local->value.handle)
    return ab_gatt_line_up(&writes->held, write);
  if (write->command)
    drop_write(local, "their queue is full");
  return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
}

static void on_room(ab_timer *timer);

static void let_somebody_in(ab_writes *writes) {
  if (ab_list_empty(&writes->held) || full(writes))
    return;
  ab_host_touch(writes->ble);
  ab_timer_start(&writes->ble->env, &writes->room, 0, on_room);
}

/* one in each call: its hook may do away with the queue */
static void on_room(ab_timer *timer) {
  ab_writes *writes = ab_container_of(timer, ab_writes, room);

  let_somebody_in(writes); /* the next one, if he can */
  if (!full(writes))
    ab_gatt_line_next(&writes->held);
}

static void capture_write(ab_local *local, aioble_conn_t *conn, const ab_gatt_access *write) {
  ab_writes *writes = local->writes;
  ab_buf *buf = ab_buf_copy(&local->chr->service->ble->bufs, write->data, write->len);
  aioble_op_t *op = buf ? next_waiter(writes) : NULL;

  if (!buf) {
    drop_write(local, aioble_strerror(AIOBLE_ENOMEM));
    return;
  }
  writes->dropping = false;
  if (op) {
    give(op, local, conn, buf);
  } else {
    buf->ctx = aioble_conn_ref(conn);
    buf->about = local;
    ab_list_push(&writes->kept, &buf->node);
    writes->n++;
  }
}

static void note_write(ab_local *local, aioble_conn_t *conn) {
  aioble_op_t *op = next_waiter(local->writes);

  if (op) {
    give(op, local, conn, NULL);
    return;
  }
  if (local->writer != conn) {
    aioble_conn_unref(local->writer);
    local->writer = aioble_conn_ref(conn);
  }
  local->written = true;
}

void ab_local_written(ab_local *local, aioble_conn_t *conn, const ab_gatt_access *write) {
  if (local->options.capture)
    capture_write(local, conn, write);
  else
    note_write(local, conn);
}

/* the oldest captured write goes to an op; false: there is none */
static bool take_captured(ab_writes *writes, aioble_op_t *op) {
  ab_list *n = ab_list_pop(&writes->kept);
  ab_buf *value = n ? ab_container_of(n, ab_buf, node) : NULL;
  aioble_conn_t *conn = value ? value->ctx : NULL;

  if (!value)
    return false;
  writes->n--;
  let_somebody_in(writes);
  give(op, value->about, conn, value);
  aioble_conn_unref(conn);
  return true;
}

/* … that there was one */
static bool take_noted(ab_local *local, aioble_op_t *op) {
  aioble_conn_t *writer = local->writer;

  if (!local->written)
    return false;
  local->written = false;
  local->writer = NULL;
  give(op, local, writer, NULL);
  aioble_conn_unref(writer);
  return true;
}

/* ---- waiting ---- */

static aioble_t *stack_of(const ab_local *local, const aioble_capture_t *capture) {
  return local ? local->chr->service->ble : capture->ble;
}

aioble_op_t *ab_writes_next(ab_writes *writes, ab_local *local, aioble_capture_t *capture) {
  aioble_t *ble = stack_of(local, capture);
  written_op *w = (written_op *) ab_op_new(ble, &written_kind);

  if (!w)
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  ab_list_init(&w->node);
  w->capture = aioble_capture_ref(capture);
  if (local)
    set_local(w, local);
  if (take_captured(writes, &w->op) || (local && take_noted(local, &w->op)))
    return &w->op;
  ab_list_push(&writes->waiters, &w->node);
  ab_list_push(&ble->written, &w->op.node);
  return &w->op;
}

static aioble_op_t *written(ab_local *local) {
  aioble_t *ble = local->chr->service->ble;

  if (!(local->value.props & (AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_SIGNED_WRITE)))
    return ab_op_failed(ble, AIOBLE_ENOTSUP);
  if (local->options.capture_to)
    return ab_op_failed(ble, AIOBLE_EBUSY);
  return ab_writes_next(local->writes, local, NULL);
}

aioble_op_t *aioble_char_written(aioble_char_t *chr) {
  return chr ? written(&chr->local) : ab_op_failed(NULL, AIOBLE_ENOTCONN);
}

aioble_op_t *aioble_desc_written(aioble_desc_t *desc) {
  return desc ? written(&desc->local) : ab_op_failed(NULL, AIOBLE_ENOTCONN);
}

uint64_t aioble_char_dropped(const aioble_char_t *chr) {
  return chr ? chr->local.dropped : 0;
}

uint64_t aioble_desc_dropped(const aioble_desc_t *desc) {
  return desc ? desc->local.dropped : 0;
}

/* ---- forgetting ---- */

void ab_local_forget_conns(ab_local *local) {
  AB_LIST_EACH(n, &local->writes->kept) {
    ab_buf *value = ab_container_of(n, ab_buf, node);

    if (value->about != local)
      continue;
    aioble_conn_unref(value->ctx);
    value->ctx = NULL;
  }
  aioble_conn_unref(local->writer);
  local->writer = NULL;
}

void ab_local_forget_writes(ab_local *local) {
  ab_local_forget_conns(local);
  AB_LIST_EACH(n, &local->writes->kept) {
    ab_buf *value = ab_container_of(n, ab_buf, node);

    if (value->about != local)
      continue;
    local->writes->n--;
    ab_buf_free(value);
  }
  let_somebody_in(local->writes);
}
