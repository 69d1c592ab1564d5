/* SPDX-License-Identifier: MIT */
/*
 * H4 framing. The first byte says who sends and over what, the second how long the pieces are in
 * which the rest comes. Every octet must be given, dropped or waiting, and the packets must not
 * depend on the pieces.
 */
#include "transport/h4.h"

#include <stdlib.h>

typedef struct outcome {
  ab_h4 h4;
  size_t given, waiting;
  unsigned packets;
} outcome;

static void check(bool ok) {
  if (!ok)
    abort();
}

static outcome parse(const uint8_t *data, size_t size, uint8_t mode, size_t piece) {
  outcome o = {.packets = 0};
  aioble_bytes_t packet;
  ab_h4_step step;
  size_t from = 0;

  ab_h4_init(&o.h4, mode & 1 ? AB_H4_FROM_HOST : AB_H4_FROM_CONTROLLER, mode & 2);
  for (size_t to = 0; to < size;) {
    ab_rd in;

    to += piece < size - to ? piece : size - to;
    in = ab_rd_of(data + from, to - from);
    while ((step = ab_h4_next(&o.h4, &in, &packet)) == AB_H4_PACKET ||
           (step == AB_H4_BROKEN && o.h4.serial)) {
      if (step != AB_H4_PACKET)
        continue;
      check(packet.len >= 3 && packet.len <= AB_H4_MAX && packet.data + packet.len == in.p);
      o.given += packet.len;
      o.packets++;
    }
    check(ab_rd_ok(&in));
    from = (size_t) (in.p - data);
    if (step == AB_H4_BROKEN)
      break;
  }
  o.waiting = size - from;
  check(o.given + o.h4.dropped + o.waiting == size);
  return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  outcome whole, pieces;

  if (size < 3)
    return 0;
  whole = parse(data + 2, size - 2, data[0], size);
  pieces = parse(data + 2, size - 2, data[0], (size_t) data[1] % 32 + 1);
  check(whole.packets == pieces.packets && whole.given == pieces.given);
  check(whole.h4.dropped == pieces.h4.dropped && whole.h4.broken == pieces.h4.broken);
  return 0;
}
