/* SPDX-License-Identifier: MIT */
/*
 * A transport in front of a controller: what the controller gives to its host is passed on, lost,
 * changed or given twice, and packets that it never sent come in between.
 */
#ifndef FUZZ_STACK_TAP_H
#define FUZZ_STACK_TAP_H

#include <aioble/transport.h>

#include <stdbool.h>

typedef enum tap_rule {
  TAP_PASS,
  TAP_DROP,
  TAP_TWICE,
  TAP_CUT,    /* as many octets as the rule's value are left */
  TAP_CHANGE, /* the octet at that place is another one */
  TAP_RULES
} tap_rule;

typedef struct tap {
  aioble_transport_t base;
  aioble_transport_t *below;
  const aioble_transport_sink_t *sink;
  void *sink_ctx;
  bool open;
  bool data_only;  /* rules are for L2CAP frames of one link, behind all headers … */
  uint16_t handle; /* … of this one */
  tap_rule rule;   /* for the next packet … */
  bool lasting;    /* … and all after it */
  uint8_t at, value;
  bool mute;     /* what the host sends vanishes */
  bool refuse;   /* … or is not taken */
  bool refused;  /* … and the host waits */
  unsigned seen; /* packets of the controller */
} tap;

void tap_init(tap *t, aioble_transport_t *below);
/* such a packet, as if the controller had sent it; nothing while it is closed */
void tap_give(tap *t, const uint8_t *packet, size_t len);
/* it takes packets again, or does not */
void tap_refuse(tap *t, bool refuse);

#endif
