/* SPDX-License-Identifier: MIT */
/*
 * What clients write, and those who wait for it.
 *
 * A write goes to the first who waits; else it is kept: with `capture` as it is, in a queue of a
 * certain depth, otherwise only that there was one, and by whom. Full: Insufficient Resources, or a
 * drop that is counted when the client would not hear of it.
 */
#include "api/api_server.h"

static aioble_char_t *char_of(ab_gatt_value *value) {
  return ab_container_of(value, aioble_char_t, value);
}

static aioble_conn_t *conn_of(ab_gatt_server_link *link) {
  return ab_container_of(link, aioble_conn_t, server);
}

/* ---- those who wait ---- */

typedef struct written_op {
  aioble_op_t op; /* op.node is in ble->written */
  ab_list node;   /* in chr->waiters */
  aioble_char_t *chr;
} written_op;

static void end(aioble_op_t *op, int why) {
  ab_list_remove(&((written_op *) op)->node);
  ab_op_leave_list(op, why);
}

static void release(aioble_op_t *op) {
  written_op *w = (written_op *) op;

  ab_list_remove(&w->node);
  aioble_service_unref(w->chr->service);
}

static const ab_op_kind written_kind = {"written", sizeof(written_op), AIOBLE_FOREVER, end,
                                        release};

/* the next one still waiting: the stack's end settles them without our knowing */
static aioble_op_t *next_waiter(aioble_char_t *chr) {
  ab_list *n;
  aioble_op_t *op;

  while ((n = ab_list_pop(&chr->waiters))) {
    op = &ab_container_of(n, written_op, node)->op;
    if (!op->done) {
      ab_list_remove(&op->node);
      return op;
    }
  }
  return NULL;
}

/* takes over the value (NULL: none) */
static void give(aioble_op_t *op, aioble_conn_t *conn, ab_buf *value) {
  if (value)
    ab_op_take_value(op, value);
  ab_op_set_conn(op, conn);
  ab_op_settle(op, 0);
}

/* ---- writes ---- */

static ab_buf *copy_of(aioble_t *ble, const ab_gatt_access *write) {
  ab_buf *buf = ab_buf_new(&ble->bufs, write->len);
  ab_wr w;

  if (!buf)
    return NULL;
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, write->data, write->len);
  ab_buf_wrote(buf, &w);
  return buf;
}

static void drop(aioble_char_t *chr) {
  chr->dropped++;
  chr->service->ble->stats.writes_dropped++;
}

static void capture(aioble_char_t *chr, aioble_conn_t *conn, const ab_gatt_access *write) {
  ab_buf *buf = copy_of(chr->service->ble, write);
  aioble_op_t *op = buf ? next_waiter(chr) : NULL;

  if (!buf) {
    drop(chr);
  } else if (op) {
    give(op, conn, buf);
  } else {
    buf->ctx = aioble_conn_ref(conn);
    ab_list_push(&chr->captured, &buf->node);
    chr->n_captured++;
  }
}

static void note(aioble_char_t *chr, aioble_conn_t *conn) {
  aioble_op_t *op = next_waiter(chr);

  if (op) {
    give(op, conn, NULL);
    return;
  }
  if (chr->writer != conn) {
    aioble_conn_unref(chr->writer);
    chr->writer = aioble_conn_ref(conn);
  }
  chr->written = true;
}

/* what was kept goes to an op; false: nothing was */
static bool take_kept(aioble_char_t *chr, aioble_op_t *op) {
  ab_list *n = ab_list_pop(&chr->captured);
  ab_buf *value = n ? ab_container_of(n, ab_buf, node) : NULL;
  aioble_conn_t *conn = value ? value->ctx : chr->writer;

  if (!value && !chr->written)
    return false;
  if (value) {
    chr->n_captured--;
  } else {
    chr->written = false;
    chr->writer = NULL;
  }
  give(op, conn, value);
  aioble_conn_unref(conn);
  return true;
}

aioble_op_t *aioble_char_written(aioble_char_t *chr) {
  aioble_t *ble = chr ? chr->service->ble : NULL;
  written_op *w;

  if (!chr)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (!(chr->value.props & (AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP)))
    return ab_op_failed(ble, AIOBLE_ENOTSUP);
  if (!(w = (written_op *) ab_op_new(ble, &written_kind)))
    return ab_op_failed(ble, AIOBLE_ENOMEM);
  w->chr = chr;
  aioble_service_ref(chr->service);
  ab_list_init(&w->node);
  if (!take_kept(chr, &w->op)) {
    ab_list_push(&chr->waiters, &w->node);
    ab_list_push(&ble->written, &w->op.node);
  }
  return &w->op;
}

uint64_t aioble_char_dropped(const aioble_char_t *chr) {
  return chr ? chr->dropped : 0;
}

void ab_char_forget_conns(aioble_char_t *chr) {
  AB_LIST_EACH(n, &chr->captured) {
    ab_buf *value = ab_container_of(n, ab_buf, node);

    aioble_conn_unref(value->ctx);
    value->ctx = NULL;
  }
  aioble_conn_unref(chr->writer);
  chr->writer = NULL;
}

void ab_char_forget_writes(aioble_char_t *chr) {
  ab_list *n;

  ab_char_forget_conns(chr);
  while ((n = ab_list_pop(&chr->captured)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
}

/* ---- what the server asks and tells ---- */

static int on_read(ab_gatt_value *value, ab_gatt_access *read) {
  aioble_char_t *chr = char_of(value);
  const aioble_char_options_t *o = &chr->options;

  return o->on_read ? o->on_read(chr, conn_of(read->link), o->user) : 0;
}

static int on_check(ab_gatt_value *value, ab_gatt_access *write) {
  aioble_char_t *chr = char_of(value);
  const aioble_char_options_t *o = &chr->options;
  aioble_bytes_t bytes = {write->data, write->len};

  if (o->capture && chr->n_captured >= o->capture_depth) {
    if (write->command)
      drop(chr);
    return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
  }
  return o->on_write ? o->on_write(chr, conn_of(write->link), bytes, o->user) : 0;
}

static void on_written(ab_gatt_value *value, const ab_gatt_access *write) {
  aioble_char_t *chr = char_of(value);

  if (chr->options.capture)
    capture(chr, conn_of(write->link), write);
  else
    note(chr, conn_of(write->link));
}

static void on_subscribed(ab_gatt_value *value, ab_gatt_server_link *link, unsigned what) {
  aioble_char_t *chr = char_of(value);
  const aioble_char_options_t *o = &chr->options;

  if (o->on_subscribe)
    o->on_subscribe(chr, conn_of(link), what, o->user);
}

const ab_gatt_value_ops ab_char_ops = {on_read, on_check, on_written, on_subscribed};
