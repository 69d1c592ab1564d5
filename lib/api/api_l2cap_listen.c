/* SPDX-License-Identifier: MIT */
/*
 * Channels that peers ask for. A listener of the stack keeps those made until somebody accepts
 * them, as many as its backlog and those who wait allow. aioble_conn_l2cap_accept() is a listener
 * of one link, for one channel, that lasts as long as the op.
 */
#include "api/api_l2cap.h"
#include "host/host.h"

enum { DEFAULT_BACKLOG = 4, KEY_SIZE_MAX = 16 };

struct aioble_listener {
  ab_l2cap_listener listener; /* holds a reference while it is listed */
  aioble_t *ble;              /* a reference */
  uint32_t refs;
  aioble_listen_options_t options;
  int status;      /* 0: it listens; else why not */
  ab_list made;    /* aioble_channel_t that nobody has accepted, a reference each */
  unsigned count;  /* … and those being made */
  ab_list waiting; /* aioble_op_t */
};

static aioble_listener_t *listener_of(ab_l2cap_listener *listener) {
  return ab_container_of(listener, aioble_listener_t, listener);
}

static aioble_conn_t *conn_of(ab_l2cap_link *link) {
  return ab_container_of(link, aioble_conn_t, l2cap);
}

/* a channel for L2CAP, whose reference it is; NULL: out of memory */
static aioble_channel_t *make(aioble_conn_t *conn, const aioble_channel_options_t *options,
                              void (*made)(aioble_channel_t *, int), void *maker) {
  aioble_channel_t *channel = ab_channel_new(conn, options);

  if (!channel)
    return NULL;
  channel->made = made;
  channel->maker = maker;
  return channel;
}

/* ---- those who wait, and the channels ---- */

static void give(aioble_op_t *op, aioble_channel_t *channel) {
  ab_op_take_handle(op, channel, ab_channel_put);
  ab_op_settle(op, 0);
}

/* the oldest channel to the one who waits longest */
static void match(aioble_listener_t *l) {
  while (!ab_list_empty(&l->made) && !ab_list_empty(&l->waiting)) {
    aioble_op_t *op = ab_container_of(ab_list_pop(&l->waiting), aioble_op_t, node);

    l->count--;
    give(op, ab_container_of(ab_list_pop(&l->made), aioble_channel_t, node));
  }
}

static void on_made(aioble_channel_t *channel, int status) {
  aioble_listener_t *l = channel->maker;

  if (status < 0) {
    l->count--;
  } else {
    ab_list_push(&l->made, &aioble_channel_ref(channel)->node);
    match(l);
  }
  aioble_listener_unref(l);
}

static unsigned length(const ab_list *list) {
  unsigned n = 0;

  for (const ab_list *at = list->next; at != list; at = at->next)
    n++;
  return n;
}

static uint16_t on_request(aioble_listener_t *l, aioble_conn_t *conn, ab_l2cap_chan **chans,
                           unsigned n) {
  const aioble_listen_options_t *o = &l->options;
  uint16_t result = o->on_request ? o->on_request(l, conn, n, o->user) : 0;
  aioble_channel_t *channel;

  if (l->status < 0)
    return AIOBLE_L2CAP_NO_SUCH_PSM; /* the hook has stopped it */
  for (unsigned i = 0; i < n && !result && l->count < o->backlog + length(&l->waiting); i++) {
    channel = make(conn, &o->channel, on_made, l);
    if (!channel)
      break;
    aioble_listener_ref(l); /* until on_made() */
    l->count++;
    chans[i] = &channel->chan;
  }
  return result;
}

static uint16_t on_accept(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                          unsigned n) {
  aioble_listener_t *l = aioble_listener_ref(listener_of(listener));
  uint16_t result = on_request(l, conn_of(link), chans, n);

  aioble_listener_unref(l);
  return result;
}

/* ---- listeners ---- */

static void listen_now(aioble_listener_t *l, uint16_t psm) {
  const aioble_listen_options_t *o = &l->options;
  ab_l2cap_sizes ours = {o->channel.mtu, o->channel.mps, o->channel.credits};

  l->listener.psm = psm;
  l->listener.accept = on_accept;
  l->listener.demand =
      (ab_l2cap_security){.encrypted = o->security >= AIOBLE_SECURITY_ENCRYPTED,
                          .authenticated = o->security >= AIOBLE_SECURITY_AUTHENTICATED,
                          .secure = o->security >= AIOBLE_SECURITY_SECURE_CONNECTIONS,
                          .key_size = o->min_key_size};
  l->status = o->min_key_size > KEY_SIZE_MAX ? AIOBLE_EINVAL : ab_l2cap_sizes_check(&ours);
  if (l->status == 0)
    l->status = ab_l2cap_listen(&l->ble->listeners, &l->listener);
  if (l->status == 0)
    aioble_listener_ref(l);
}

aioble_listener_t *aioble_l2cap_listen(aioble_t *ble, uint16_t psm,
                                       const aioble_listen_options_t *options) {
  aioble_listener_t *l = ble ? ab_zalloc(&ble->env, sizeof *l) : NULL;

  if (!l)
    return NULL;
  if (options)
    l->options = *options;
  if (!l->options.backlog)
    l->options.backlog = DEFAULT_BACKLOG;
  l->ble = aioble_ref(ble);
  l->refs = 1;
  ab_list_init(&l->made);
  ab_list_init(&l->waiting);
  listen_now(l, psm);
  return l;
}

aioble_listener_t *aioble_listener_ref(aioble_listener_t *listener) {
  if (listener)
    listener->refs++;
  return listener;
}

aioble_listener_t *aioble_listener_unref(aioble_listener_t *listener) {
  aioble_t *ble;

  if (!listener || --listener->refs)
    return NULL;
  ble = listener->ble;
  ab_free(&ble->env, listener);
  aioble_unref(ble);
  return NULL;
}

uint16_t aioble_listener_psm(const aioble_listener_t *listener) {
  return listener ? listener->listener.psm : 0;
}

void aioble_listener_stop(aioble_listener_t *listener) {
  ab_list *n;

  if (!listener || listener->status < 0)
    return;
  ab_host_touch(listener->ble);
  listener->status = AIOBLE_EOF;
  ab_l2cap_unlisten(&listener->listener);
  ab_host_settle_all(&listener->waiting, AIOBLE_EOF, NULL);
  while ((n = ab_list_pop(&listener->made))) {
    aioble_channel_t *channel = ab_container_of(n, aioble_channel_t, node);

    listener->count--;
    ab_l2cap_disconnect(&channel->chan);
    aioble_channel_unref(channel);
  }
  aioble_listener_unref(listener);
}

/* ---- accepting from a listener ---- */

typedef struct accept_op {
  aioble_op_t op;
  aioble_listener_t *listener; /* a reference */
} accept_op;

static void release_accept(aioble_op_t *op) {
  aioble_listener_unref(((accept_op *) op)->listener);
}

static const ab_op_kind accept_kind = {"accept channel", sizeof(accept_op), AIOBLE_FOREVER,
                                       ab_op_leave_list, release_accept};

aioble_op_t *aioble_listener_accept(aioble_listener_t *listener) {
  accept_op *a;

  if (!listener)
    return ab_op_failed(NULL, AIOBLE_ENOTCONN);
  if (listener->status < 0)
    return ab_op_failed(listener->ble, listener->status);
  a = (accept_op *) ab_op_new(listener->ble, &accept_kind);
  if (!a)
    return ab_op_failed(listener->ble, AIOBLE_ENOMEM);
  a->listener = aioble_listener_ref(listener);
  ab_list_push(&listener->waiting, &a->op.node);
  match(listener);
  return &a->op;
}

/* ---- accepting on a connection ---- */

typedef struct conn_accept_op {
  aioble_op_t op;
  ab_l2cap_listener listener;
  aioble_conn_t *conn; /* a reference */
  aioble_channel_options_t options;
  aioble_channel_t *channel; /* being made */
} conn_accept_op;

static void end_conn_accept(aioble_op_t *op, int why) {
  conn_accept_op *a = (conn_accept_op *) op;

  ab_l2cap_unlisten(&a->listener);
  if (a->channel)
    a->channel->made = NULL;
  a->channel = NULL;
  ab_op_settle(op, why);
}

static void release_conn_accept(aioble_op_t *op) {
  aioble_conn_unref(((conn_accept_op *) op)->conn);
}

static const ab_op_kind conn_accept_kind = {"accept channel", sizeof(conn_accept_op),
                                            AIOBLE_FOREVER, end_conn_accept, release_conn_accept};

static void on_conn_made(aioble_channel_t *channel, int status) {
  conn_accept_op *a = channel->maker;

  a->channel = NULL;
  if (status == 0)
    give(&a->op, aioble_channel_ref(channel));
  else
    ab_op_settle(&a->op, status);
}

static uint16_t on_conn_accept(ab_l2cap_listener *listener, ab_l2cap_link *link,
                               ab_l2cap_chan **chans, unsigned n) {
  conn_accept_op *a = ab_container_of(listener, conn_accept_op, listener);

  (void) n;
  a->channel = make(conn_of(link), &a->options, on_conn_made, a);
  if (!a->channel)
    return 0;
  ab_l2cap_unlisten(listener);
  chans[0] = &a->channel->chan;
  return 0;
}

aioble_op_t *aioble_conn_l2cap_accept(aioble_conn_t *conn, uint16_t psm,
                                      const aioble_channel_options_t *options) {
  static const aioble_channel_options_t defaults;
  const aioble_channel_options_t *o = options ? options : &defaults;
  ab_l2cap_sizes ours = {o->mtu, o->mps, o->credits};
  conn_accept_op *a;
  int err;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(conn ? conn->ble : NULL, AIOBLE_ENOTCONN);
  a = (conn_accept_op *) ab_op_new(conn->ble, &conn_accept_kind);
  if (!a)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  a->conn = aioble_conn_ref(conn);
  a->options = *o;
  a->listener = (ab_l2cap_listener){.psm = psm, .link = &conn->l2cap, .accept = on_conn_accept};
  err = ab_l2cap_sizes_check(&ours);
  if (err == 0)
    err = ab_l2cap_listen(&conn->ble->listeners, &a->listener);
  if (err < 0)
    ab_op_settle(&a->op, err);
  return &a->op;
}

/* ---- the ends of links and of the stack ---- */

void ab_l2cap_accepts_end(aioble_conn_t *conn, int status) {
  AB_LIST_EACH(n, &conn->ble->listeners) {
    ab_l2cap_listener *listener = ab_container_of(n, ab_l2cap_listener, node);

    if (listener->link == &conn->l2cap)
      end_conn_accept(&ab_container_of(listener, conn_accept_op, listener)->op, status);
  }
}

void ab_listeners_end(aioble_t *ble, int status, bool stop) {
  AB_LIST_EACH(n, &ble->listeners) {
    ab_l2cap_listener *listener = ab_container_of(n, ab_l2cap_listener, node);

    if (listener->accept != on_accept)
      continue; /* of one link, with which it ends; or the stack's own */
    ab_host_settle_all(&listener_of(listener)->waiting, status, ab_host_why(ble, status));
    if (stop)
      aioble_listener_stop(listener_of(listener));
  }
}
