/* SPDX-License-Identifier: MIT */
/* The upper end of a transport: keeps what it was told, and checks the order of what it was told.
 */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <aioble/transport.h>

typedef struct record_sink record_sink;

struct record_sink {
  aioble_transport_t *t;
  unsigned opened, packets, batches, writables, losts, closes;
  int opened_status, lost_status;
  char why[256];       /* the last one, of open, opened or lost */
  aioble_bytes_t last; /* borrowed: only inside on_packet */
  uint8_t *bytes;      /* all packets, one after the other */
  size_t len;
  /* may be NULL; called at the end of each */
  void (*on_packet)(record_sink *sink);
  void (*on_writable)(record_sink *sink);
  void (*on_lost)(record_sink *sink);
  void (*on_opened)(record_sink *sink);
  void *user;
};

/* opens t with this sink; the result of open() */
int record_sink_open(record_sink *sink, aioble_transport_t *t);
/* forgets what was told so far, and the hooks */
void record_sink_reset(record_sink *sink);

int record_sink_send(record_sink *sink, const void *packet, size_t len);
void record_sink_flush(record_sink *sink);
void record_sink_close(record_sink *sink);

/* Runs the loop until the condition holds; fails when it cannot any more. */
#define RUN_UNTIL(uv, condition)                             \
  do {                                                       \
    for (unsigned turn_ = 0; !(condition); turn_++) {        \
      assert_true(turn_ < 1000000);                          \
      assert_true(uv_run((uv), UV_RUN_ONCE) || (condition)); \
    }                                                        \
  } while (0)

#endif
