/* SPDX-License-Identifier: MIT */
/*
 * A client that connects gets a controller of its own. An accepted socket is a transport like any
 * other, only read in the direction of the host, so both together are a pair of transports back to
 * back: what one gives is sent to the other.
 *
 * Back-pressure. When the other one has no room, the packet at hand is kept and the giving side is
 * held; `writable` of the other sends it and lets the giving side go on. So one packet per
 * direction is all a pair keeps, and a client that does not read stops its controller, not the
 * radio. A controller that cannot be held costs such a client its place.
 *
 * A pair ends when either side is lost: both are closed, then destroyed. Nothing is destroyed from
 * inside a callback of its own but `closed`.
 */
#include "transport/h4_server.h"

#include "transport/transport_priv.h"
#include "util/list.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

enum { DEFAULT_CLIENTS = 64 };

typedef struct pair pair;

typedef struct side {
  pair *pair;
  struct side *other;
  aioble_transport_t *t;
  bool open;     /* `closed` is due */
  uint8_t *kept; /* a packet of this side that the other one had no room for */
  size_t kept_len;
} side;

struct pair {
  ab_list node;
  ab_h4_server *server;
  unsigned number;
  side client, controller;
  bool ending;
};

struct ab_h4_server {
  ab_h4_server_options options;
  aioble_allocator_t mem;
  ab_list pairs;
  unsigned n_pairs, accepted;
  uv_poll_t poll;
  int fd;
  bool closing, poll_closed;
  void (*closed)(void *ctx);
  void *closed_ctx;
  char *text; /* the address in pieces; target points into it */
  ab_target target;
  char address[160];
};

static void tell(const ab_h4_server *s, unsigned client, const char *what) {
  char text[AB_WHY_SIZE];

  if (!s->options.log)
    return;
  (void) ab_why(text, sizeof text, 0, "%s: client %u: %s", s->address, client, what);
  s->options.log(s->options.ctx, text);
}

/* ---- the end of a pair ---- */

static void listen_if_room(ab_h4_server *s);

static void free_server(ab_h4_server *s) {
  aioble_allocator_t mem = s->mem;
  void (*closed)(void *ctx) = s->closed;
  void *ctx = s->closed_ctx;

  mem.free(mem.ctx, s->text);
  mem.free(mem.ctx, s);
  if (closed)
    closed(ctx);
}

static void free_pair(pair *p) {
  ab_h4_server *s = p->server;

  p->client.t->ops->destroy(p->client.t);
  p->controller.t->ops->destroy(p->controller.t);
  s->mem.free(s->mem.ctx, p->client.kept);
  s->mem.free(s->mem.ctx, p->controller.kept);
  ab_list_remove(&p->node);
  s->mem.free(s->mem.ctx, p);
  s->n_pairs--;
  if (!s->closing)
    listen_if_room(s);
  else if (s->poll_closed && !s->n_pairs)
    free_server(s);
}

/* The last thing a callback does with a pair: it may be gone afterwards. */
static void end_pair(pair *p, const char *why) {
  bool client = p->client.open, controller = p->controller.open;

  if (p->ending)
    return;
  p->ending = true;
  tell(p->server, p->number, why);
  if (!client && !controller)
    free_pair(p);
  if (client)
    p->client.t->ops->close(p->client.t);
  if (controller)
    p->controller.t->ops->close(p->controller.t);
}

static void on_closed(void *ctx) {
  side *from = ctx;

  from->open = false;
  if (!from->other->open)
    free_pair(from->pair);
}

static void on_lost(void *ctx, int status, const char *why) {
  side *from = ctx;

  end_pair(from->pair, why ? why : aioble_strerror(status));
}

/* ---- packets ---- */

/* false: it cannot be held */
static bool hold(const side *from, bool on) {
  const pair *p = from->pair;

  if (from == &p->client)
    ab_tport_hold((ab_tport *) from->t, on);
  else if (p->server->options.hold)
    p->server->options.hold(from->t, on);
  else
    return false;
  return true;
}

static bool keep(side *from, const uint8_t *packet, size_t len) {
  const aioble_allocator_t *mem = &from->pair->server->mem;
  ab_wr w;

  from->kept = mem->alloc(mem->ctx, len);
  if (!from->kept)
    return false;
  w = ab_wr_of(from->kept, len);
  ab_wr_bytes(&w, packet, len);
  from->kept_len = len;
  return hold(from, true);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  side *from = ctx;
  aioble_transport_t *to = from->other->t;
  int err;

  if (from->pair->ending)
    return;
  err = from->kept ? AIOBLE_ENOBUFS : to->ops->send(to, packet, len);
  if (err == AIOBLE_EAGAIN)
    err = keep(from, packet, len) ? 0 : AIOBLE_ENOBUFS;
  if (err)
    end_pair(from->pair, aioble_strerror(err));
}

static void on_batch_end(void *ctx) {
  side *from = ctx;
  aioble_transport_t *to = from->other->t;

  if (!from->pair->ending)
    to->ops->flush(to);
}

/* this side has room again: what the other one has kept goes first */
static void on_writable(void *ctx) {
  side *to = ctx, *from = to->other;
  const aioble_allocator_t *mem = &to->pair->server->mem;
  int err;

  if (to->pair->ending || !from->kept)
    return;
  err = to->t->ops->send(to->t, from->kept, from->kept_len);
  if (err == AIOBLE_EAGAIN)
    return;
  mem->free(mem->ctx, from->kept);
  from->kept = NULL;
  if (err) {
    end_pair(to->pair, aioble_strerror(err));
    return;
  }
  to->t->ops->flush(to->t);
  (void) hold(from, false);
}

/* ---- new clients ---- */

/* Both sides open at once: a controller here is one in software. */
static bool open_side(side *s, const char **why) {
  static const aioble_transport_sink_t sink = {
      .packet = on_packet,
      .batch_end = on_batch_end,
      .writable = on_writable,
      .lost = on_lost,
      .closed = on_closed,
  };
  int err = s->t->ops->open(s->t, &sink, s, why);

  s->open = err >= 0;
  if (err && !*why)
    *why = aioble_strerror(err);
  return err == 0;
}

static pair *new_pair(ab_h4_server *s, int fd) {
  const ab_transport_options given = {.uv = s->options.uv, .allocator = &s->mem};
  pair *p = s->mem.alloc(s->mem.ctx, sizeof *p);
  aioble_transport_t *controller = s->options.controller(s->options.ctx);
  ab_tport *client;

  (void) ab_tport_new_given(fd, &given, AB_H4_FROM_HOST, &client, NULL, 0);
  if (!p || !client || !controller) {
    if (client)
      client->base.ops->destroy(&client->base);
    if (controller)
      controller->ops->destroy(controller);
    s->mem.free(s->mem.ctx, p);
    return NULL;
  }
  *p = (pair){.server = s};
  p->client = (side){.pair = p, .other = &p->controller, .t = &client->base};
  p->controller = (side){.pair = p, .other = &p->client, .t = controller};
  return p;
}

static void add_client(ab_h4_server *s, int fd) {
  unsigned number = ++s->accepted;
  const char *why = NULL;
  pair *p;

  ab_tcp_no_delay(fd);
  p = new_pair(s, fd);
  if (!p) {
    tell(s, number, "turned away, out of memory or controllers");
    return;
  }
  p->number = number;
  ab_list_push(&s->pairs, &p->node);
  s->n_pairs++;
  if (open_side(&p->controller, &why) && open_side(&p->client, &why))
    tell(s, number, "connected");
  else
    end_pair(p, why);
}

static void on_listening(uv_poll_t *poll, int status, int events) {
  ab_h4_server *s = poll->data;
  int fd;

  (void) events;
  while (!status && s->n_pairs < s->options.max_clients) {
    fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      break;
    add_client(s, fd);
  }
  if (status || s->n_pairs == s->options.max_clients ||
      (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)) {
    tell(s, s->accepted, "the last one until one leaves");
    (void) uv_poll_stop(&s->poll);
  }
}

static void listen_if_room(ab_h4_server *s) {
  (void) uv_poll_start(&s->poll, UV_READABLE, on_listening);
}

/* ---- the server ---- */

static void describe(ab_h4_server *s) {
  char host[64], port[8];
  struct sockaddr_storage at = {0};
  socklen_t size = sizeof at;
  bool v6;

  if (s->target.path) {
    (void) snprintf(s->address, sizeof s->address, "unix:%s", s->target.path);
    return;
  }
  if (getsockname(s->fd, (struct sockaddr *) &at, &size) ||
      getnameinfo((struct sockaddr *) &at, size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV))
    return;
  v6 = at.ss_family == AF_INET6;
  (void) snprintf(s->address, sizeof s->address, "tcp:%s%s%s:%s", v6 ? "[" : "", host,
                  v6 ? "]" : "", port);
}

static void stop_listening(ab_h4_server *s) {
  (void) close(s->fd);
  if (s->target.path)
    (void) unlink(s->target.path);
}

static ab_h4_server *make(const ab_h4_server_options *options) {
  aioble_allocator_t mem = options->allocator ? *options->allocator : ab_libc_allocator;
  size_t size = strlen(options->address) + 1;
  ab_h4_server *s = mem.alloc(mem.ctx, sizeof *s);
  char *text = s ? mem.alloc(mem.ctx, size) : NULL;

  if (!text) {
    mem.free(mem.ctx, s);
    return NULL;
  }
  *s = (ab_h4_server){.options = *options, .mem = mem, .text = text};
  (void) snprintf(text, size, "%s", options->address);
  ab_list_init(&s->pairs);
  if (!s->options.max_clients)
    s->options.max_clients = DEFAULT_CLIENTS;
  return s;
}

int ab_h4_server_new(const ab_h4_server_options *options, ab_h4_server **out, char *why,
                     size_t why_size) {
  const ab_target_kind *kind;
  ab_h4_server *s = make(options);
  int err;

  *out = NULL;
  if (!s)
    return ab_why(why, why_size, AIOBLE_ENOMEM, "out of memory");
  kind = ab_target_parse(s->text, &s->target);
  if (!kind || !kind->listen) {
    err = ab_why(why, why_size, AIOBLE_EINVAL,
                 "%s: no address to listen on; it is one of unix:PATH, tcp:HOST:PORT",
                 options->address);
    goto failed;
  }
  s->fd = err = kind->listen(&s->target, why, why_size);
  if (err < 0)
    goto failed;
  err = uv_poll_init(options->uv, &s->poll, s->fd);
  if (err) {
    stop_listening(s);
    err = ab_why(why, why_size, ab_errno(-err), "%s: %s", options->address, uv_strerror(err));
    goto failed;
  }
  s->poll.data = s;
  describe(s);
  listen_if_room(s);
  *out = s;
  return 0;

failed:
  s->closed = NULL;
  free_server(s);
  return err;
}

const char *ab_h4_server_address(const ab_h4_server *s) {
  return s->address;
}

unsigned ab_h4_server_clients(const ab_h4_server *s) {
  return s->n_pairs;
}

static void on_poll_closed(uv_handle_t *handle) {
  ab_h4_server *s = handle->data;

  s->poll_closed = true;
  if (!s->n_pairs)
    free_server(s);
}

void ab_h4_server_close(ab_h4_server *s, void (*closed)(void *ctx), void *ctx) {
  s->closing = true;
  s->closed = closed;
  s->closed_ctx = ctx;
  uv_close((uv_handle_t *) &s->poll, on_poll_closed);
  stop_listening(s);
  AB_LIST_EACH(n, &s->pairs)
    end_pair(ab_container_of(n, pair, node), "the server ends");
}
