/* SPDX-License-Identifier: MIT */
/*
 * Being notified (include/aioble/client.h). A characteristic listens from the first subscribe(),
 * notified(), indicated() or on_notify(); a value then goes
 *
 *   to the push callback, if there is one and nothing is queued before it
 *   else to the op that waits longest
 *   else into the queue, where the oldest makes room and is counted
 */
#include "api/api_client.h"
#include "host/host.h"

enum {
  DEFAULT_DEPTH = 16,
  DEPTH_MAX = 65535,
};

/* ---- the queues ---- */

static ab_value_stream *stream(aioble_client_char_t *chr, bool indication) {
  return indication ? &chr->indicated : &chr->notified;
}

static void count_drop(aioble_client_char_t *chr) {
  chr->dropped++;
  ab_client_char_conn(chr)->ble->stats.notifications_dropped++;
}

static ab_buf *pop(ab_value_stream *s) {
  ab_list *n = ab_list_pop(&s->values);

  if (!n)
    return NULL;
  s->n--;
  return ab_container_of(n, ab_buf, node);
}

/* makes room for `more` values */
static void shrink(aioble_client_char_t *chr, ab_value_stream *s, unsigned more) {
  while (s->n + more > chr->depth) {
    ab_buf_free(pop(s));
    count_drop(chr);
  }
}

static void enqueue(aioble_client_char_t *chr, ab_value_stream *s, const uint8_t *value,
                    size_t len) {
  ab_buf *buf = ab_buf_copy(&ab_client_char_conn(chr)->ble->bufs, value, len);

  if (!buf) {
    count_drop(chr);
    return;
  }
  shrink(chr, s, 1);
  ab_list_push(&s->values, &buf->node);
  s->n++;
}

/* 0: values will come; or why they will not */
static int listen_for(aioble_client_char_t *chr) {
  int status = ab_client_char_check(chr);

  if (status < 0)
    return status;
  return ab_gatt_listen(&ab_client_char_conn(chr)->client, &chr->listener) ? 0 : AIOBLE_ENOTCONN;
}

/* ---- ops that wait ---- */

typedef struct value_op {
  aioble_op_t op;
  ab_list node;
  aioble_client_char_t *chr; /* a reference */
} value_op;

static void end_value(aioble_op_t *op, int why) {
  ab_list_remove(&ab_container_of(op, value_op, op)->node);
  ab_op_settle(op, why);
}

static void release_value(aioble_op_t *op) {
  aioble_client_char_unref(ab_container_of(op, value_op, op)->chr);
}

static const ab_op_kind value_kind = {"value", sizeof(value_op), AIOBLE_FOREVER, end_value,
                                      release_value};

static aioble_op_t *pop_waiting(ab_value_stream *s) {
  ab_list *n = ab_list_pop(&s->waiting);

  return n ? &ab_container_of(n, value_op, node)->op : NULL;
}

static aioble_op_t *next_value(aioble_client_char_t *chr, ab_value_stream *s) {
  aioble_conn_t *conn = ab_client_char_conn(chr);
  int status = listen_for(chr);
  aioble_op_t *op;
  value_op *v;

  if (chr->push)
    return ab_op_failed(conn->ble, AIOBLE_EBUSY);
  op = ab_op_new(conn->ble, &value_kind);
  if (!op)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  v = ab_container_of(op, value_op, op);
  v->chr = aioble_client_char_ref(chr);
  if (s->n > 0) {
    ab_op_take_value(op, pop(s));
    ab_op_settle(op, 0);
  } else if (status < 0) {
    ab_op_settle(op, status);
  } else {
    ab_list_push(&s->waiting, &v->node);
  }
  return op;
}

aioble_op_t *aioble_client_char_notified(aioble_client_char_t *chr) {
  if (!chr)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!(chr->properties & AIOBLE_PROP_NOTIFY))
    return ab_op_failed(ab_client_char_conn(chr)->ble, AIOBLE_ENOTSUP);
  return next_value(chr, &chr->notified);
}

aioble_op_t *aioble_client_char_indicated(aioble_client_char_t *chr) {
  if (!chr)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!(chr->properties & AIOBLE_PROP_INDICATE))
    return ab_op_failed(ab_client_char_conn(chr)->ble, AIOBLE_ENOTSUP);
  return next_value(chr, &chr->indicated);
}

/* ---- the push form ---- */

/* the callback may drop the characteristic, or this callback */
static void push(aioble_client_char_t *chr, const uint8_t *value, size_t len, bool indication) {
  aioble_client_char_ref(chr);
  chr->push(chr, (aioble_bytes_t){value, len}, indication, chr->push_user);
  aioble_client_char_unref(chr);
}

static void push_queued(aioble_client_char_t *chr) {
  ab_buf *buf;
  bool indication;

  aioble_client_char_ref(chr);
  while (chr->push) {
    indication = chr->notified.n == 0;
    buf = pop(stream(chr, indication));
    if (!buf)
      break;
    push(chr, buf->p, buf->len, indication);
    ab_buf_free(buf);
  }
  aioble_client_char_unref(chr);
}

static void on_push_timer(ab_timer *timer) {
  push_queued(ab_container_of(timer, aioble_client_char_t, push_timer));
}

void aioble_client_char_on_notify(aioble_client_char_t *chr, aioble_notify_fn *fn, void *user) {
  aioble_conn_t *conn = chr ? ab_client_char_conn(chr) : NULL;
  bool held = chr && chr->push;

  if (!chr || (fn && listen_for(chr) < 0))
    return;
  chr->push = fn;
  chr->push_user = user;
  if (fn && !held)
    aioble_client_char_ref(chr);
  if (fn && chr->notified.n + chr->indicated.n > 0) {
    ab_host_touch(conn->ble);
    ab_timer_start(&conn->ble->env, &chr->push_timer, 0, on_push_timer);
  }
  if (!fn && held)
    aioble_client_char_unref(chr);
}

/* ---- the link ---- */

static void on_value(ab_gatt_listener *listener, const uint8_t *value, size_t len,
                     bool indication) {
  aioble_client_char_t *chr = ab_container_of(listener, aioble_client_char_t, listener);
  ab_value_stream *s = stream(chr, indication);
  aioble_op_t *op;

  if (chr->push && !chr->push_timer.running) {
    push(chr, value, len, indication);
  } else if (chr->push || !(op = pop_waiting(s))) {
    enqueue(chr, s, value, len);
  } else if (ab_op_set_value(op, value, len)) {
    ab_op_settle(op, 0);
  } else {
    count_drop(chr);
    ab_op_settle(op, AIOBLE_ENOMEM);
  }
}

static void on_closed(ab_gatt_listener *listener, int status) {
  aioble_client_char_t *chr = ab_container_of(listener, aioble_client_char_t, listener);
  aioble_op_t *op;

  aioble_client_char_ref(chr); /* the ops may hold the last references */
  while ((op = pop_waiting(&chr->notified)) || (op = pop_waiting(&chr->indicated)))
    ab_op_settle(op, status);
  push_queued(chr);
  aioble_client_char_on_notify(chr, NULL, NULL);
  aioble_client_char_unref(chr);
}

static void stream_init(ab_value_stream *s) {
  ab_list_init(&s->values);
  ab_list_init(&s->waiting);
}

void ab_client_char_streams_init(aioble_client_char_t *chr) {
  stream_init(&chr->notified);
  stream_init(&chr->indicated);
  chr->depth = DEFAULT_DEPTH;
  chr->listener.handle = chr->handle;
  chr->listener.on_value = on_value;
  chr->listener.on_closed = on_closed;
}

void ab_client_char_streams_free(aioble_client_char_t *chr) {
  aioble_conn_t *conn = ab_client_char_conn(chr);

  ab_timer_stop(&conn->ble->env, &chr->push_timer);
  ab_gatt_unlisten(&conn->client, &chr->listener);
  while (chr->notified.n > 0)
    ab_buf_free(pop(&chr->notified));
  while (chr->indicated.n > 0)
    ab_buf_free(pop(&chr->indicated));
}

int aioble_client_char_set_depth(aioble_client_char_t *chr, unsigned depth) {
  if (!chr || depth < 1 || depth > DEPTH_MAX)
    return AIOBLE_EINVAL;
  chr->depth = depth;
  shrink(chr, &chr->notified, 0);
  shrink(chr, &chr->indicated, 0);
  return 0;
}

uint64_t aioble_client_char_dropped(const aioble_client_char_t *chr) {
  return chr ? chr->dropped : 0;
}
