/* SPDX-License-Identifier: MIT */
/*
 * How octets move: over a stream (H4 framing finds the packets) and over a socket of packets (one
 * H4 packet in each). Both read all there is with one system call per readable event and hand out
 * slices of the input buffer; both write at the end of a turn what was sent in it, a stream with
 * one call.
 */
#include "transport/transport_priv.h"

#include <errno.h>
#include <unistd.h>

enum { LEN_PREFIX = 2 }; /* of a packet waiting for a packet socket */

/* "not now" is 0; anything else that failed is the end */
static int failed(void) {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS)
    return 0;
  return -errno;
}

/* ---- output buffer ---- */

/* a cursor over room for n more octets; without room it is bad */
static ab_wr out_room(ab_tport *t, size_t n) {
  size_t waiting = t->out_to - t->out_from;

  if (AB_TPORT_OUT - t->out_to < n && t->out_from) {
    memmove(t->buf->out, t->buf->out + t->out_from, waiting);
    t->out_from = 0;
    t->out_to = waiting;
  }
  return ab_wr_of(t->buf->out + t->out_to, AB_TPORT_OUT - t->out_to);
}

static void out_written(ab_tport *t, size_t n) {
  t->out_from += n;
  if (t->out_from == t->out_to)
    t->out_from = t->out_to = 0;
}

/* ---- streams ---- */

static int stream_fill(ab_tport *t) {
  uint8_t *in = t->buf->in;
  size_t tail = ab_rd_left(&t->in);
  ssize_t n;

  if (tail)
    memmove(in, t->in.p, tail);
  t->in = ab_rd_of(in, tail);
  n = read(t->fd, in + tail, AB_TPORT_IN - tail); /* there is room: a tail is no whole packet */
  if (n == 0)
    return AIOBLE_EOF;
  if (n < 0)
    return failed();
  t->in = ab_rd_of(in, tail + (size_t) n);
  return 1;
}

static ab_h4_step stream_next(ab_tport *t, aioble_bytes_t *packet) {
  return ab_h4_next(&t->h4, &t->in, packet);
}

static bool stream_put(ab_tport *t, const uint8_t *packet, size_t len) {
  ab_wr w = out_room(t, len);

  ab_wr_bytes(&w, packet, len);
  t->out_to += ab_wr_len(&w);
  return ab_wr_ok(&w);
}

static int stream_drain(ab_tport *t) {
  const uint8_t *at = t->buf->out + t->out_from;
  size_t len = t->out_to - t->out_from;
  ssize_t n;

  if (!len)
    return 0;
  n = t->socktype ? send(t->fd, at, len, MSG_NOSIGNAL) : write(t->fd, at, len);
  if (n < 0)
    return failed();
  out_written(t, (size_t) n);
  return 0;
}

const ab_tport_io ab_tport_stream = {stream_fill, stream_next, stream_put, stream_drain};

/* ---- packet sockets ---- */

static int packets_fill(ab_tport *t) {
  int n = recvmmsg(t->fd, t->buf->msg, AB_TPORT_SLOTS, MSG_DONTWAIT, NULL);

  t->slot = t->slots = 0;
  if (n < 0)
    return failed();
  t->slots = (unsigned) n;
  return n;
}

/* An empty packet is the end of file, where sockets can say so, and nothing where they cannot. */
static ab_h4_step packets_next(ab_tport *t, aioble_bytes_t *packet) {
  const struct mmsghdr *m;

  while (t->slot < t->slots) {
    m = &t->buf->msg[t->slot++];
    if (m->msg_hdr.msg_flags & MSG_TRUNC)
      return AB_H4_BROKEN;
    packet->data = m->msg_hdr.msg_iov->iov_base;
    packet->len = m->msg_len;
    if (packet->len)
      return AB_H4_PACKET;
    if (t->socktype != SOCK_DGRAM)
      t->ended = AIOBLE_EOF;
  }
  return AB_H4_MORE;
}

static bool packets_put(ab_tport *t, const uint8_t *packet, size_t len) {
  ab_wr w = out_room(t, LEN_PREFIX + len);

  if (ab_wr_room(&w) < LEN_PREFIX + len)
    return false;
  ab_wr_le16(&w, (uint16_t) len);
  ab_wr_bytes(&w, packet, len);
  t->out_to += ab_wr_len(&w);
  return true;
}

/* One call a packet: an HCI socket refuses the flag that sendmmsg() sets on all but the last. */
static int packets_drain(ab_tport *t) {
  const uint8_t *packet;
  size_t len;
  ab_rd r;

  while (t->out_from < t->out_to) {
    r = ab_rd_of(t->buf->out + t->out_from, t->out_to - t->out_from);
    len = ab_rd_le16(&r);
    packet = ab_rd_take(&r, len);
    if (send(t->fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
      return failed();
    out_written(t, LEN_PREFIX + len);
  }
  return 0;
}

const ab_tport_io ab_tport_packets = {packets_fill, packets_next, packets_put, packets_drain};
