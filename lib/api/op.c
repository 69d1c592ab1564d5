/* SPDX-License-Identifier: MIT */
/* The life of an op; lib/api/op.h says how it is seen from inside, include/aioble/op.h what it
 * promises. */
#include "api/op.h"
#include "host/host.h"

#include <assert.h>

/* An op of no loop: what a NULL handle gives, or when there is not even memory for an op. Shared,
   and never written to. */
static const aioble_op_t orphans[] = {
    {.status = AIOBLE_ENOTCONN, .done = true},
    {.status = AIOBLE_ENOMEM, .done = true},
    {.status = AIOBLE_EINVAL, .done = true},
    {.status = 0, .done = true},
};

static aioble_op_t *orphan(int status) {
  size_t i = 3;

  while (i > 0 && orphans[i].status != status)
    i--;
  return (aioble_op_t *) (uintptr_t) &orphans[i];
}

/* ---- memory ---- */

int ab_ops_init(ab_ops *ops, ab_env *env) {
  aioble_op_t *op;

  ab_list_init(&ops->ready);
  ab_list_init(&ops->pool);
  while (ops->idle < AB_OP_RESERVE) {
    if (!(op = ab_alloc(env, AB_OP_SLOT)))
      return AIOBLE_ENOMEM;
    ab_list_push(&ops->pool, &op->node);
    ops->idle++;
  }
  return 0;
}

void ab_ops_free(ab_ops *ops, ab_env *env) {
  ab_list *n;

  while ((n = ab_list_pop(&ops->pool)))
    ab_free(env, ab_container_of(n, aioble_op_t, node));
  ops->idle = 0;
}

/* a slot from the pool, which keeps `leave` of them */
static aioble_op_t *slot(ab_ops *ops, unsigned leave) {
  if (ops->idle <= leave)
    return NULL;
  ops->idle--;
  return ab_container_of(ab_list_pop(&ops->pool), aioble_op_t, node);
}

static aioble_op_t *prepare(aioble_t *ble, aioble_op_t *op, const ab_op_kind *kind) {
  memset(op, 0, kind->size);
  ab_list_init(&op->node);
  op->ble = aioble_ref(ble);
  op->kind = kind;
  op->status = AIOBLE_EAGAIN;
  op->refs = 2; /* the caller's, and one until it settles */
  return op;
}

static void on_time_limit(ab_timer *timer) {
  aioble_op_t *op = ab_container_of(timer, aioble_op_t, timer);
  uint64_t us = op->longer && !op->limited ? op->longer(op) : 0;

  if (us)
    ab_timer_start(&op->ble->env, timer, us, on_time_limit);
  else
    ab_op_end(op, AIOBLE_ETIMEDOUT);
}

static void start_limit(aioble_op_t *op, uint64_t timeout_ms) {
  uint64_t us = timeout_ms < UINT64_MAX / 1000 ? timeout_ms * 1000 : UINT64_MAX;

  if (timeout_ms != AIOBLE_FOREVER)
    ab_timer_start(&op->ble->env, &op->timer, us, on_time_limit);
}

/* a pending op; the pool keeps `leave` slots */
static aioble_op_t *start(aioble_t *ble, const ab_op_kind *kind, unsigned leave) {
  aioble_op_t *op;

  assert(kind->size >= sizeof *op && kind->size <= AB_OP_SLOT);
  if (!ab_host_touch(ble))
    return NULL;
  op = slot(&ble->ops, leave);
  if (!op && !(op = ab_alloc(&ble->env, AB_OP_SLOT)))
    return NULL;
  prepare(ble, op, kind);
  start_limit(op, kind->timeout_ms);
  return op;
}

aioble_op_t *ab_op_new(aioble_t *ble, const ab_op_kind *kind) {
  return start(ble, kind, AB_OP_RESERVE);
}

aioble_op_t *ab_op_new_reserved(aioble_t *ble, const ab_op_kind *kind) {
  return start(ble, kind, 0);
}

static const ab_op_kind settled_kind = {"settled", sizeof(aioble_op_t), AIOBLE_FOREVER, NULL, NULL};

aioble_op_t *ab_op_failed(aioble_t *ble, int status) {
  aioble_op_t *op;

  if (!ble)
    return orphan(status);
  op = ab_op_new(ble, &settled_kind);
  if (!op) {
    ble->ops.without_memory++;
    op = ble->loop ? slot(&ble->ops, 0) : NULL;
    if (!op)
      return orphan(AIOBLE_ENOMEM);
    prepare(ble, op, &settled_kind);
  }
  ab_op_settle(op, status);
  return op;
}

aioble_op_t *ab_op_failed_why(aioble_t *ble, int status, const char *why) {
  aioble_op_t *op = ab_op_failed(ble, status);

  if (op->ble && why)
    op->message = ab_strdup(&ble->env, why);
  return op;
}

aioble_op_t *ab_op_succeeded(aioble_t *ble) {
  return ab_op_failed(ble, 0);
}

static void release(aioble_op_t *op) {
  aioble_t *ble = op->ble;

  if (op->kind->release)
    op->kind->release(op);
  aioble_conn_unref(op->result.conn);
  ab_buf_free(op->result.value);
  if (op->result.handle)
    op->result.put(op->result.handle);
  ab_free(&ble->env, op->message);
  if (ble->ops.idle < AB_OP_IDLE) {
    ab_list_push_front(&ble->ops.pool, &op->node);
    ble->ops.idle++;
  } else {
    ab_free(&ble->env, op);
  }
  aioble_unref(ble);
}

aioble_op_t *aioble_op_ref(aioble_op_t *op) {
  if (op && op->ble)
    op->refs++;
  return op;
}

aioble_op_t *aioble_op_unref(aioble_op_t *op) {
  if (op && op->ble && --op->refs == 0)
    release(op);
  return NULL;
}

/* ---- the outcome ---- */

bool ab_op_settle(aioble_op_t *op, int status) {
  if (op->done)
    return false;
  op->done = true;
  op->status = status;
  ab_timer_stop(&op->ble->env, &op->timer);
  if (op->fn)
    ab_list_push(&op->ble->ops.ready, &op->node);
  ab_host_touch(op->ble);
  aioble_op_unref(op);
  return true;
}

bool ab_op_settle_why(aioble_op_t *op, int status, const char *why) {
  if (!op->done && why && !op->message)
    op->message = ab_strdup(&op->ble->env, why);
  return ab_op_settle(op, status);
}

void ab_op_end(aioble_op_t *op, int why) {
  if (op->done || op->ending)
    return;
  op->ending = true;
  aioble_op_ref(op); /* perhaps nobody else has it, once it has settled */
  if (op->kind->end)
    op->kind->end(op, why);
  else
    ab_op_settle(op, why);
  aioble_op_unref(op);
}

void ab_op_restart_limit(aioble_op_t *op) {
  if (!op->done && !op->limited)
    start_limit(op, op->kind->timeout_ms);
}

void ab_op_leave_list(aioble_op_t *op, int why) {
  ab_list_remove(&op->node);
  ab_op_settle(op, why);
}

void aioble_op_cancel(aioble_op_t *op) {
  if (!op || op->done)
    return;
  ab_host_touch(op->ble);
  ab_op_end(op, AIOBLE_ECANCELED);
}

void aioble_op_set_timeout(aioble_op_t *op, uint64_t timeout_ms) {
  if (!op || op->done || op->ending)
    return;
  ab_host_touch(op->ble);
  op->limited = true;
  ab_timer_stop(&op->ble->env, &op->timer);
  start_limit(op, timeout_ms);
}

bool aioble_op_done(const aioble_op_t *op) {
  return !op || op->done;
}

int aioble_op_status(const aioble_op_t *op) {
  return op ? op->status : AIOBLE_ENOTCONN;
}

const char *aioble_op_message(const aioble_op_t *op) {
  return op && op->message ? op->message : aioble_strerror(aioble_op_status(op));
}

/* ---- the consumer ---- */

void aioble_op_then(aioble_op_t *op, aioble_op_fn *fn, void *user) {
  if (!op)
    op = orphan(AIOBLE_ENOTCONN);
  if (!op->ble) {
    fn(op, op->status, user);
    return;
  }
  assert(!op->fn && "an op has one consumer");
  op->fn = fn;
  op->user = user;
  if (op->done) {
    ab_list_push(&op->ble->ops.ready, &op->node);
    ab_host_touch(op->ble);
  }
}

int aioble_op_await(aioble_op_t *op) {
  if (!op || op->done)
    return aioble_op_status(op);
  if (op->ble->in_turn)
    return AIOBLE_EREENTRANT;
  while (!op->done)
    if (!op->ble->loop || (!op->ble->loop->ops->run_once(op->ble->loop) && !op->done))
      return AIOBLE_ESTALLED;
  return op->status;
}

int aioble_op_finish(aioble_op_t *op) {
  int status = aioble_op_await(op);

  aioble_op_unref(op);
  return status;
}

void ab_ops_deliver(aioble_t *ble) {
  ab_list batch, *n;
  aioble_op_t *op;

  ab_list_take_all(&batch, &ble->ops.ready);
  while ((n = ab_list_pop(&batch))) {
    op = ab_container_of(n, aioble_op_t, node);
    op->fn(op, op->status, op->user);
    aioble_op_unref(op);
  }
}

/* ---- results ---- */

void ab_op_set_conn(aioble_op_t *op, aioble_conn_t *conn) {
  if (op->result.kind == AB_OP_NOTHING)
    op->result.kind = AB_OP_CONN;
  op->result.conn = aioble_conn_ref(conn);
}

void ab_op_set_number(aioble_op_t *op, int number) {
  op->result.kind = AB_OP_NUMBER;
  op->result.number = number;
}

void ab_op_take_value(aioble_op_t *op, ab_buf *value) {
  op->result.kind = AB_OP_VALUE;
  op->result.value = value;
}

bool ab_op_set_value(aioble_op_t *op, const uint8_t *data, size_t len) {
  ab_buf *value = ab_buf_copy(&op->ble->bufs, data, len);

  if (value)
    ab_op_take_value(op, value);
  return value != NULL;
}

void ab_op_take_handle(aioble_op_t *op, void *handle, void (*put)(void *handle)) {
  op->result.kind = AB_OP_HANDLE;
  op->result.handle = handle;
  op->result.put = put;
}

void *ab_op_handle(const aioble_op_t *op, void (*put)(void *handle)) {
  if (!op || op->status != 0)
    return NULL;
  assert(op->result.kind == AB_OP_HANDLE && op->result.put == put && "an op of another kind");
  return op->result.put == put ? op->result.handle : NULL;
}

aioble_conn_t *aioble_op_conn(const aioble_op_t *op) {
  return op && op->status == 0 ? op->result.conn : NULL;
}

aioble_bytes_t aioble_op_value(const aioble_op_t *op) {
  const ab_buf *value = op && op->status == 0 ? op->result.value : NULL;

  return value ? (aioble_bytes_t){value->p, value->len} : (aioble_bytes_t){NULL, 0};
}

int aioble_op_number(const aioble_op_t *op) {
  if (!op || op->status != 0)
    return 0;
  assert(op->result.kind == AB_OP_NUMBER && "an op of another kind");
  return op->result.number;
}
