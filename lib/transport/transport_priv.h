/* SPDX-License-Identifier: MIT */
/*
 * The transport layer's own: names and how each kind gets its descriptor (tport_named, sock,
 * serial, hci_user), and the one engine that then moves packets over it (tport_fd, tport_io).
 */
#ifndef AB_TRANSPORT_PRIV_H
#define AB_TRANSPORT_PRIV_H

#include "transport/h4.h"
#include "transport/transport.h"
#include "transport/why.h"
#include "util/env.h"
#include "util/wire.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <uv.h>

/* ---- names ---- */

typedef struct ab_tport ab_tport;

/* A parsed name. Strings point into the text that was parsed. */
typedef struct ab_target {
  int number;       /* fd, hci */
  const char *path; /* unix, serial */
  const char *host, *port;
  unsigned baud;
  bool flow;
  bool bring_down;
} ab_target;

typedef struct ab_target_kind {
  const char *prefix;
  bool (*parse)(char *rest, ab_target *target);
  /* 0 and *fd; AIOBLE_EINPROGRESS: ab_tport_opened() follows, not inline; an error and t->why */
  int (*open)(ab_tport *t, int *fd);
  /* ends an open in progress; ab_tport_opened() still follows, not inline */
  void (*cancel)(ab_tport *t);
  /* undoes, before an open descriptor is closed, what closing does not; NULL: nothing */
  void (*release)(int fd);
  /* a listening socket, or an error and *why; NULL: this kind cannot */
  int (*listen)(const ab_target *target, char *why, size_t why_size);
} ab_target_kind;

/* cuts text into its parts; NULL: no such name */
const ab_target_kind *ab_target_parse(char *text, ab_target *target);

int ab_fd_open(ab_tport *t, int *fd);
int ab_hci_open(ab_tport *t, int *fd);
int ab_serial_open(ab_tport *t, int *fd);
void ab_serial_release(int fd);
int ab_unix_open(ab_tport *t, int *fd);
int ab_tcp_open(ab_tport *t, int *fd);
void ab_tcp_cancel(ab_tport *t);
int ab_unix_listen(const ab_target *target, char *why, size_t why_size);
int ab_tcp_listen(const ab_target *target, char *why, size_t why_size);
/* latency, not throughput; harmless for sockets that are not TCP */
void ab_tcp_no_delay(int fd);

/* ---- the engine ---- */

enum {
  AB_TPORT_IN = AB_H4_MAX,            /* input per readable event */
  AB_TPORT_OUT = AB_H4_MAX,           /* output waiting for the kernel */
  AB_TPORT_PACKET = AB_TPORT_OUT - 2, /* longest packet sent: there is a length in front of it */
  AB_TPORT_SLOT = 2048,               /* longest packet received on a packet socket */
  AB_TPORT_SLOTS = AB_TPORT_IN / AB_TPORT_SLOT,
};

typedef enum ab_tport_state {
  AB_TPORT_CLOSED,
  AB_TPORT_OPENING, /* open said EINPROGRESS */
  AB_TPORT_OPEN,
  AB_TPORT_LOST,    /* the sink was told; close() is due */
  AB_TPORT_CLOSING, /* closed follows */
} ab_tport_state;

/* Streams and packet sockets, tport_io.c. */
typedef struct ab_tport_io {
  /* reads what is there: more than 0, 0 for nothing now, or the error that ended it */
  int (*fill)(ab_tport *t);
  /* the next packet of what was read */
  ab_h4_step (*next)(ab_tport *t, aioble_bytes_t *packet);
  /* puts a packet into the output buffer; false: no room */
  bool (*put)(ab_tport *t, const uint8_t *packet, size_t len);
  /* writes as much of the output as the kernel takes: 0, or the error that ended it */
  int (*drain)(ab_tport *t);
} ab_tport_io;

extern const ab_tport_io ab_tport_stream, ab_tport_packets;

typedef struct ab_tport_buffers {
  uint8_t in[AB_TPORT_IN], out[AB_TPORT_OUT];
  struct mmsghdr msg[AB_TPORT_SLOTS]; /* of `in`, for recvmmsg */
  struct iovec iov[AB_TPORT_SLOTS];
} ab_tport_buffers;

struct ab_tport {
  aioble_transport_t base; /* first */
  aioble_allocator_t mem;
  uv_loop_t *uv;
  char *name; /* as given, for texts */
  char *text; /* the same cut into pieces; target points into it */
  const ab_target_kind *kind;
  ab_target target;
  ab_h4_from from;

  ab_tport_state state;
  const aioble_transport_sink_t *sink;
  void *ctx;
  void *opening; /* the kind's own, while it opens */
  char why[AB_WHY_SIZE];

  /* while open */
  uv_poll_t poll;
  int fd;
  int watched;         /* what the poll handle waits for */
  int socktype;        /* SOCK_*, or 0: not a socket */
  int ended;           /* the error that ended the input, until the sink has been told */
  int write_error;     /* … the output; told when the input has been read to its end */
  unsigned last_reads; /* … or this often */
  bool held;           /* ab_tport_hold() */
  bool resumed;        /* … was ended: there may be packets left in the buffer */
  bool owed;           /* send() said EAGAIN: writable is due */
  const ab_tport_io *io;
  ab_tport_buffers *buf;
  ab_h4 h4;
  ab_rd in;                /* stream: what of buf->in has not been given yet */
  unsigned slot, slots;    /* packets: the next one in buf->in, and how many there are */
  size_t out_from, out_to; /* octets in buf->out */
};

/* a closed transport of that name; errors as for ab_transport_named() */
int ab_tport_new(const char *name, const ab_transport_options *options, ab_h4_from from,
                 ab_tport **out, char *why, size_t why_size);
/* … over a descriptor that is given away (also on failure), can be opened once */
int ab_tport_new_given(int fd, const ab_transport_options *options, ab_h4_from from, ab_tport **out,
                       char *why, size_t why_size);

/* for the kinds: the end of an open in progress */
void ab_tport_opened(ab_tport *t, int status, int fd);

/*
 * True: packets wait in the kernel until this is called with false. One being given meanwhile
 * counts as taken. Never calls the sink.
 */
void ab_tport_hold(ab_tport *t, bool hold);

#endif
