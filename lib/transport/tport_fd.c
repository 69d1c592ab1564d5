/* SPDX-License-Identifier: MIT */
/*
 * One engine for every transport that is a descriptor: a socket of packets (the user channel), a
 * stream socket, a serial line.
 *
 *   CLOSED --open--> OPENING --ab_tport_opened--> OPEN --end of input or error--> LOST
 *      ^    \________________________________________^
 *      |____ on_poll_closed ____ CLOSING <____ close, from any of the three
 *
 * The sink is called from the loop only, never from inside send(), flush(), hold() or close(). An
 * error that a write meets waits until what the other side had said before it went has been read
 * and given, within reason. Any sink call may send, flush, hold or close, so the state is looked at
 * again after each.
 *
 * One event reads at most one buffer (64 KiB, or 32 packets) and then returns to the loop, however
 * fast the other side is. Output that the kernel does not take waits in a buffer of 64 KiB, behind
 * which send() says AIOBLE_EAGAIN; `writable` comes when half of it is free again.
 */
#include "transport/transport_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { LAST_READS = 16 }; /* after a write has failed: a megabyte, more than a socket holds */

static void watch(ab_tport *t);

/* ---- input ---- */

static void lose(ab_tport *t, int err) {
  int status = err == AIOBLE_EPROTO ? AIOBLE_EPROTO : AIOBLE_ENODEV;
  const char *what = strerror(-err);

  if (err == AIOBLE_EOF || err == -EPIPE)
    what = "unplugged, or ended by the other side";
  else if (err == AIOBLE_EPROTO)
    what = "what came was not HCI";
  t->state = AB_TPORT_LOST;
  (void) uv_poll_stop(&t->poll);
  (void) ab_why(t->why, sizeof t->why, status, "%s is gone: %s", t->name, what);
  t->sink->lost(t->ctx, status, t->why);
}

/* a serial line lost its step: the host resets the controller, which ends the search (h4.c) */
static void tell_hardware_error(ab_tport *t) {
  static const uint8_t event[] = {AIOBLE_H4_EVENT, 0x10, 1, 0}; /* Core Vol 4, Part E, 7.7.16 */

  t->sink->packet(t->ctx, event, sizeof event);
}

static bool giving(const ab_tport *t) {
  return t->state == AB_TPORT_OPEN && !t->held && !t->ended;
}

/* gives what was read; true: anything */
static bool give(ab_tport *t) {
  aioble_bytes_t packet = {NULL, 0};
  ab_h4_step step;
  bool any = false;

  while (giving(t) && (step = t->io->next(t, &packet)) != AB_H4_MORE) {
    if (step == AB_H4_PACKET)
      t->sink->packet(t->ctx, packet.data, packet.len);
    else if (t->h4.serial)
      tell_hardware_error(t);
    else
      t->ended = AIOBLE_EPROTO;
    any = true;
  }
  return any;
}

/* gives what a hold left over, then what can be read now; true: there may be more */
static bool input(ab_tport *t, bool readable) {
  bool any = give(t);
  int got = 0;

  if (readable && giving(t)) {
    got = t->io->fill(t);
    if (got < 0)
      t->ended = got;
    any |= give(t);
  }
  if (any && t->state == AB_TPORT_OPEN)
    t->sink->batch_end(t->ctx);
  return got > 0;
}

/* ---- output ---- */

static bool usable(const ab_tport *t) {
  return t->state == AB_TPORT_OPEN && !t->ended && !t->write_error;
}

static void drain(ab_tport *t) {
  if (!usable(t))
    return;
  t->write_error = t->io->drain(t);
  t->last_reads = LAST_READS;
}

static void output(ab_tport *t) {
  drain(t);
  if (!t->owed || !usable(t) || t->out_to - t->out_from > AB_TPORT_OUT / 2)
    return;
  t->owed = false;
  t->sink->writable(t->ctx);
}

static int tport_send(aioble_transport_t *base, const uint8_t *packet, size_t len) {
  ab_tport *t = (ab_tport *) base;

  if (!usable(t))
    return AIOBLE_ENODEV;
  if (len > AB_TPORT_PACKET)
    return AIOBLE_EMSGSIZE;
  if (t->io->put(t, packet, len))
    return 0;
  drain(t);
  if (usable(t) && t->io->put(t, packet, len))
    return 0;
  t->owed = true;
  watch(t);
  return usable(t) ? AIOBLE_EAGAIN : AIOBLE_ENODEV;
}

static void tport_flush(aioble_transport_t *base) {
  ab_tport *t = (ab_tport *) base;

  drain(t);
  watch(t);
}

void ab_tport_hold(ab_tport *t, bool hold) {
  if (t->held == hold)
    return;
  t->held = hold;
  t->resumed = !hold;
  watch(t);
}

/* ---- the poll handle ---- */

/* A negative status: poll found an error, and libuv has stopped the handle. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  ab_tport *t = poll->data;
  bool more;

  if (status < 0)
    t->watched = 0;
  t->resumed = false;
  output(t);
  more = input(t, status < 0 || t->write_error || (events & UV_READABLE));
  if (t->state != AB_TPORT_OPEN)
    return;
  if (t->write_error && !t->last_reads--)
    more = false;
  if (!t->ended && !more)
    t->ended = t->write_error ? t->write_error : status < 0 ? -EIO : 0;
  if (t->ended)
    lose(t, t->ended);
  else
    watch(t);
}

/*
 * Waits for input unless held, and for room to write while there is a reason to come around soon:
 * output, an error to tell, packets that a hold left in the buffer.
 */
static void watch(ab_tport *t) {
  bool soon = t->out_to > t->out_from || t->owed || t->write_error || t->resumed;
  int events = (t->held ? 0 : UV_READABLE) | (soon ? UV_WRITABLE : 0);

  if (t->state != AB_TPORT_OPEN || events == t->watched)
    return;
  t->watched = events;
  (void) uv_poll_start(&t->poll, events, on_poll);
}

/* ---- open ---- */

static int make_buffers(ab_tport *t) {
  ab_tport_buffers *b = t->mem.alloc(t->mem.ctx, sizeof *b);

  if (!b)
    return AIOBLE_ENOMEM;
  for (unsigned i = 0; i < AB_TPORT_SLOTS; i++) {
    b->iov[i] = (struct iovec){b->in + (size_t) i * AB_TPORT_SLOT, AB_TPORT_SLOT};
    b->msg[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &b->iov[i], .msg_iovlen = 1}};
  }
  t->buf = b;
  return 0;
}

/* keys have come and gone in them */
static void free_buffers(ab_tport *t) {
  if (t->buf)
    explicit_bzero(t->buf, sizeof *t->buf);
  t->mem.free(t->mem.ctx, t->buf);
  t->buf = NULL;
}

/* takes the descriptor over, also when it fails */
static int run(ab_tport *t, int fd) {
  socklen_t size = sizeof t->socktype;
  int err = make_buffers(t);

  if (err) {
    (void) close(fd);
    return ab_why(t->why, sizeof t->why, err, "%s: out of memory", t->name);
  }
  err = uv_poll_init(t->uv, &t->poll, fd);
  if (err) {
    (void) close(fd);
    free_buffers(t);
    return ab_why(t->why, sizeof t->why, ab_errno(-err), "%s cannot be waited for: %s", t->name,
                  strerror(-err));
  }
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &t->socktype, &size))
    t->socktype = 0;
  t->io = t->socktype && t->socktype != SOCK_STREAM ? &ab_tport_packets : &ab_tport_stream;
  t->poll.data = t;
  t->fd = fd;
  t->watched = t->ended = t->write_error = 0;
  t->held = t->resumed = t->owed = false;
  t->in = ab_rd_of(t->buf->in, 0);
  t->out_from = t->out_to = 0;
  t->slot = t->slots = 0;
  ab_h4_init(&t->h4, t->from, !t->socktype && isatty(fd));
  t->state = AB_TPORT_OPEN;
  watch(t);
  return 0;
}

static void finish_close(ab_tport *t) {
  t->state = AB_TPORT_CLOSED;
  t->sink->closed(t->ctx);
}

void ab_tport_opened(ab_tport *t, int status, int fd) {
  if (t->state == AB_TPORT_CLOSING) {
    if (!status)
      (void) close(fd);
    finish_close(t);
    return;
  }
  t->state = AB_TPORT_CLOSED;
  if (!status)
    status = run(t, fd);
  t->sink->opened(t->ctx, status, status ? t->why : NULL);
}

static int tport_open(aioble_transport_t *base, const aioble_transport_sink_t *sink, void *ctx,
                      const char **why) {
  ab_tport *t = (ab_tport *) base;
  int fd = -1, err;

  if (why)
    *why = NULL;
  if (t->state != AB_TPORT_CLOSED)
    return AIOBLE_EALREADY;
  t->sink = sink;
  t->ctx = ctx;
  err = t->kind->open(t, &fd);
  if (err == 0)
    err = run(t, fd);
  else if (err == AIOBLE_EINPROGRESS)
    t->state = AB_TPORT_OPENING;
  if (err < 0 && why)
    *why = t->why;
  return err;
}

/* ---- close ---- */

static void on_poll_closed(uv_handle_t *handle) {
  ab_tport *t = handle->data;

  free_buffers(t);
  finish_close(t);
}

static void tport_close(aioble_transport_t *base) {
  ab_tport *t = (ab_tport *) base;

  switch (t->state) {
  case AB_TPORT_CLOSED:
  case AB_TPORT_CLOSING:
    break;
  case AB_TPORT_OPENING:
    t->state = AB_TPORT_CLOSING;
    t->kind->cancel(t);
    break;
  case AB_TPORT_OPEN:
  case AB_TPORT_LOST:
    t->state = AB_TPORT_CLOSING;
    uv_close((uv_handle_t *) &t->poll, on_poll_closed);
    if (t->kind->release)
      t->kind->release(t->fd);
    (void) close(t->fd); /* at once, so that the adapter is free; the buffers may be in use */
    break;
  }
}

/* ---- make and destroy ---- */

static int given_open(ab_tport *t, int *fd) {
  *fd = t->target.number;
  t->target.number = -1;
  return *fd < 0 ? ab_why(t->why, sizeof t->why, AIOBLE_ENODEV, "%s is used up", t->name) : 0;
}

static const ab_target_kind given_kind = {.open = given_open};

static void tport_destroy(aioble_transport_t *base) {
  ab_tport *t = (ab_tport *) base;

  if (t->kind == &given_kind && t->target.number >= 0)
    (void) close(t->target.number);
  t->mem.free(t->mem.ctx, t->name);
  t->mem.free(t->mem.ctx, t);
}

static ab_tport *make(const char *name, const ab_transport_options *options, ab_h4_from from) {
  static const aioble_transport_ops_t ops = {
      .open = tport_open,
      .send = tport_send,
      .flush = tport_flush,
      .close = tport_close,
      .destroy = tport_destroy,
  };
  aioble_allocator_t mem = options->allocator ? *options->allocator : ab_libc_allocator;
  size_t size = strlen(name) + 1;
  ab_tport *t = mem.alloc(mem.ctx, sizeof *t);
  char *texts = t ? mem.alloc(mem.ctx, 2 * size) : NULL;

  if (!texts) {
    mem.free(mem.ctx, t);
    return NULL;
  }
  *t = (ab_tport){.base = {&ops}, .mem = mem, .uv = options->uv, .from = from, .fd = -1};
  t->name = texts;
  t->text = texts + size;
  (void) snprintf(t->name, size, "%s", name);
  (void) snprintf(t->text, size, "%s", name);
  return t;
}

int ab_tport_new(const char *name, const ab_transport_options *options, ab_h4_from from,
                 ab_tport **out, char *why, size_t why_size) {
  ab_tport *t = make(name, options, from);

  *out = NULL;
  if (!t)
    return ab_why(why, why_size, AIOBLE_ENOMEM, "out of memory");
  t->kind = ab_target_parse(t->text, &t->target);
  if (!t->kind) {
    tport_destroy(&t->base);
    return ab_why(why, why_size, AIOBLE_EINVAL,
                  "%s: no such adapter name; it is one of hci0, unix:PATH, tcp:HOST:PORT, "
                  "serial:PATH[,BAUD][,flow], fd:N",
                  name);
  }
  t->target.bring_down = options->bring_down;
  *out = t;
  return 0;
}

int ab_tport_new_given(int fd, const ab_transport_options *options, ab_h4_from from, ab_tport **out,
                       char *why, size_t why_size) {
  ab_tport *t = make("the host", options, from);

  *out = t;
  if (!t) {
    (void) close(fd);
    return ab_why(why, why_size, AIOBLE_ENOMEM, "out of memory");
  }
  t->kind = &given_kind;
  t->target.number = fd;
  return 0;
}
