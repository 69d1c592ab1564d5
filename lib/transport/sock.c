/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets that speak H4: unix:PATH and tcp:HOST:PORT, as client and as server.
 *
 * A unix socket connects at once or not at all. TCP looks the host up in libuv's thread pool and
 * then tries its addresses in turn:
 *
 *   looking up --on_resolved--> connecting --on_connected--> closing the poll handle --> done
 *                                    ^______________ next address __________|
 *
 * Listening is for programs that are starting up: there a look-up may take its time.
 */
#include "transport/transport_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static const char *hint(int errnum) {
  return errnum == ENOENT || errnum == ECONNREFUSED ? " (is aioble-radio running?)" : "";
}

static int refuse(ab_tport *t, int errnum) {
  return ab_why(t->why, sizeof t->why, ab_errno(errnum), "%s: %s%s", t->name, strerror(errnum),
                hint(errnum));
}

/* ---- unix ---- */

static bool unix_address(struct sockaddr_un *at, const char *path) {
  *at = (struct sockaddr_un){.sun_family = AF_UNIX};
  return snprintf(at->sun_path, sizeof at->sun_path, "%s", path) < (int) sizeof at->sun_path;
}

/* a connected socket, or -1 and errno */
static int unix_connect(const char *path) {
  struct sockaddr_un at;
  int fd, err;

  if (!unix_address(&at, path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || !connect(fd, (struct sockaddr *) &at, sizeof at))
    return fd;
  err = errno;
  (void) close(fd);
  errno = err;
  return -1;
}

int ab_unix_open(ab_tport *t, int *fd) {
  *fd = unix_connect(t->target.path);
  return *fd < 0 ? refuse(t, errno) : 0;
}

/* A socket that nobody answers on is left over from a program that did not end well. */
static int remove_stale(const char *path, char *why, size_t why_size) {
  struct stat st;
  int fd;

  if (lstat(path, &st))
    return 0; /* bind() will say what is wrong, if anything is */
  if (!S_ISSOCK(st.st_mode))
    return ab_why(why, why_size, AIOBLE_EEXIST, "unix:%s exists and is not a socket", path);
  fd = unix_connect(path);
  if (fd < 0 && errno == ECONNREFUSED) {
    (void) unlink(path);
    return 0;
  }
  if (fd >= 0)
    (void) close(fd);
  return ab_why(why, why_size, AIOBLE_EBUSY, "unix:%s is in use by another program", path);
}

int ab_unix_listen(const ab_target *target, char *why, size_t why_size) {
  struct sockaddr_un at;
  int fd, err;

  if (!unix_address(&at, target->path))
    return ab_why(why, why_size, AIOBLE_EMSGSIZE, "unix:%s: too long a path", target->path);
  err = remove_stale(target->path, why, why_size);
  if (err)
    return err;
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && !bind(fd, (struct sockaddr *) &at, sizeof at) && !listen(fd, BACKLOG))
    return fd;
  err = errno;
  if (fd >= 0)
    (void) close(fd);
  return ab_why(why, why_size, ab_errno(err), "unix:%s: %s", target->path, strerror(err));
}

/* ---- tcp, client ---- */

typedef struct connector {
  ab_tport *t;
  uv_getaddrinfo_t lookup;
  uv_poll_t poll;
  struct addrinfo *found, *next; /* NULL while looking up; the address after this one */
  int fd;
  int errnum; /* why the last address failed */
  bool cancelled;
} connector;

void ab_tcp_no_delay(int fd) {
  int on = 1;

  (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* status: 0 for c->fd, or an error that t->why explains */
static void finish(connector *c, int status) {
  ab_tport *t = c->t;
  int fd = c->fd;

  uv_freeaddrinfo(c->found);
  t->opening = NULL;
  t->mem.free(t->mem.ctx, c);
  ab_tport_opened(t, status, fd);
}

static void on_connected(uv_poll_t *poll, int status, int events);

/* true: an attempt is on its way */
static bool attempt(connector *c, const struct addrinfo *at) {
  int rc;

  c->fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (c->fd < 0) {
    c->errnum = errno;
    return false;
  }
  ab_tcp_no_delay(c->fd);
  rc = connect(c->fd, at->ai_addr, at->ai_addrlen);
  c->errnum = rc && errno != EINPROGRESS ? errno : 0;
  if (!c->errnum)
    c->errnum = -uv_poll_init(c->t->uv, &c->poll, c->fd);
  if (c->errnum) {
    (void) close(c->fd);
    return false;
  }
  c->poll.data = c;
  (void) uv_poll_start(&c->poll, UV_WRITABLE, on_connected);
  return true;
}

static void attempt_next(connector *c) {
  const struct addrinfo *at;

  while (!c->cancelled && (at = c->next)) {
    c->next = at->ai_next;
    if (attempt(c, at))
      return;
  }
  finish(c, c->cancelled ? AIOBLE_ECANCELED : refuse(c->t, c->errnum));
}

static void on_poll_closed(uv_handle_t *handle) {
  connector *c = handle->data;

  if (!c->errnum && !c->cancelled) {
    finish(c, 0);
    return;
  }
  (void) close(c->fd);
  attempt_next(c);
}

static void on_connected(uv_poll_t *poll, int status, int events) {
  connector *c = poll->data;
  socklen_t size = sizeof c->errnum;

  (void) status; /* the socket knows better */
  (void) events;
  if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &c->errnum, &size))
    c->errnum = errno;
  uv_close((uv_handle_t *) &c->poll, on_poll_closed);
}

static void on_resolved(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found) {
  connector *c = lookup->data;

  c->found = c->next = found;
  if (!status || c->cancelled)
    attempt_next(c);
  else
    finish(c, ab_why(c->t->why, sizeof c->t->why, AIOBLE_ENOENT, "%s: %s", c->t->name,
                     uv_strerror(status)));
}

int ab_tcp_open(ab_tport *t, int *fd) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  connector *c = t->mem.alloc(t->mem.ctx, sizeof *c);
  int err;

  (void) fd;
  if (!c)
    return refuse(t, ENOMEM);
  *c = (connector){.t = t, .fd = -1, .errnum = ENOENT};
  c->lookup.data = c;
  err = uv_getaddrinfo(t->uv, &c->lookup, on_resolved, t->target.host, t->target.port, &hints);
  if (err) {
    t->mem.free(t->mem.ctx, c);
    return ab_why(t->why, sizeof t->why, ab_errno(-err), "%s: %s", t->name, uv_strerror(err));
  }
  t->opening = c;
  return AIOBLE_EINPROGRESS;
}

void ab_tcp_cancel(ab_tport *t) {
  connector *c = t->opening;

  c->cancelled = true;
  if (!c->found)
    (void) uv_cancel((uv_req_t *) &c->lookup); /* running already: its end is waited for */
  else if (!uv_is_closing((uv_handle_t *) &c->poll))
    uv_close((uv_handle_t *) &c->poll, on_poll_closed);
}

/* ---- tcp, server ---- */

/* a listening socket, or -1 and errno */
static int listen_at(const struct addrinfo *at) {
  int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, err;

  if (fd < 0)
    return -1;
  (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, BACKLOG))
    return fd;
  err = errno;
  (void) close(fd);
  errno = err;
  return -1;
}

int ab_tcp_listen(const ab_target *target, char *why, size_t why_size) {
  const struct addrinfo hints = {
      .ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int fd = -1, err = getaddrinfo(target->host, target->port, &hints, &found);

  if (err)
    return ab_why(why, why_size, AIOBLE_ENOENT, "tcp:%s:%s: %s", target->host, target->port,
                  gai_strerror(err));
  for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
    fd = listen_at(at);
  err = errno;
  freeaddrinfo(found);
  if (fd >= 0)
    return fd;
  return ab_why(why, why_size, ab_errno(err), "tcp:%s:%s: %s", target->host, target->port,
                strerror(err));
}
