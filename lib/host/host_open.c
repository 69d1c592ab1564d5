/* SPDX-License-Identifier: MIT */
/*
 * From closed to ready:
 *
 *   CLOSED --open--> OPENING --transport is open--> STARTING --controller is ready--> READY
 *
 * Any failure on the way tears down (host_close.c) and is kept with its reason for those who asked.
 */
#include "host/host.h"
#include "loop/system.h"
#include "transport/transport.h"
#include "util/addr.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPEN_US = 10000000 };

static const aioble_transport_sink_t sink;

const char *ab_host_why(const aioble_t *ble, int status) {
  return status == ble->why_status && *ble->why ? ble->why : NULL;
}

static void keep_why(aioble_t *ble, int status, const char *why) {
  ble->why_status = status;
  if (why != ble->why)
    (void) snprintf(ble->why, sizeof ble->why, "%s", why ? why : "");
}

void ab_host_lost(aioble_t *ble, int status, const char *why) {
  if (ble->lost || ble->state == AB_HOST_CLOSED || ble->state == AB_HOST_CLOSING)
    return;
  keep_why(ble, status, why);
  ble->lost = status;
  ble->tell_lost = ble->state == AB_HOST_READY;
  ab_host_touch(ble);
}

/* ---- the ways in and out of HCI ---- */

static int send_packet(void *ctx, const uint8_t *packet, size_t len) {
  aioble_t *ble = ctx;
  int err = ble->transport->ops->send(ble->transport, packet, len);

  if (err == 0 && ble->snoop)
    ab_host_capture(ble, AB_SNOOP_SENT, packet, len);
  return err;
}

static void on_failed(void *ctx, int status, const char *why) {
  ab_host_lost(ctx, status, why);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  aioble_t *ble = ctx;

  if (!ble->in_turn)
    ab_host_turn_begin(ble);
  if (ble->snoop)
    ab_host_capture(ble, AB_SNOOP_RECEIVED, packet, len);
  if (ble->hci && !ble->lost)
    ab_hci_rx(ble->hci, packet, len);
}

static void on_batch_end(void *ctx) {
  aioble_t *ble = ctx;

  if (ble->in_turn)
    ab_host_turn_end(ble);
}

static void on_writable(void *ctx) {
  aioble_t *ble = ctx;

  ab_host_touch(ble);
  if (ble->hci)
    ab_hci_writable(ble->hci);
}

static void on_lost(void *ctx, int status, const char *why) {
  ab_host_lost(ctx, status, why);
}

/* ---- what an open adapter has besides its controller ---- */

static const char *or_env(const char *option, const char *variable) {
  const char *text = option ? option : getenv(variable);

  return text && *text ? text : NULL;
}

static int make_transport(aioble_t *ble) {
  const char *name = or_env(ble->options.adapter, "AIOBLE_ADAPTER");
  ab_transport_options options = {
      .uv = ble->uv, .allocator = &ble->env.mem, .bring_down = ble->options.bring_down};

  ble->transport = ble->options.transport;
  if (ble->transport)
    return 0;
  if (!ble->uv) {
    keep_why(ble, AIOBLE_EINVAL, "an adapter by name needs a uv loop");
    return AIOBLE_EINVAL;
  }
  ble->why_status =
      name ? ab_transport_named(name, &options, &ble->transport, ble->why, sizeof ble->why)
           : ab_transport_first_hci(&options, &ble->transport, ble->why, sizeof ble->why);
  return ble->why_status;
}

static int start_snoop(aioble_t *ble) {
  const char *path = or_env(ble->options.snoop, "AIOBLE_SNOOP");

  ble->snoop_base_us = ab_system_date_us() - (int64_t) ble->env.now_us;
  if (!path)
    return 0;
  ble->why_status = ab_snoop_open(path, &ble->env.mem, &ble->snoop, ble->why, sizeof ble->why);
  return ble->why_status;
}

/* The address of an adapter that has none: kept over restarts, and random at first (Core Vol 6,
   Part B, 1.3.2.1). */
static int find_static_addr(aioble_t *ble) {
  if ((ble->store && ab_store_static_address(ble->store, &ble->static_addr)) ||
      ble->static_addr.type == AIOBLE_ADDR_RANDOM)
    return 0;
  return ab_addr_make_static(&ble->env, &ble->static_addr) < 0 ? AIOBLE_EIO : 0;
}

static int on_identified(void *ctx, const ab_addr6 *public_addr, ab_addr6 *static_addr) {
  aioble_t *ble = ctx;
  aioble_addr_t addr = {.type = AIOBLE_ADDR_PUBLIC};
  int err;

  memcpy(addr.bytes, public_addr->b, sizeof addr.bytes);
  err = ab_host_store_identify(ble, &addr);
  if (err == 0)
    err = find_static_addr(ble);
  memcpy(static_addr->b, ble->static_addr.bytes, sizeof static_addr->b);
  return err;
}

static void keep_static_addr(aioble_t *ble) {
  aioble_addr_t kept;

  if (ble->gap.identity.type == AIOBLE_ADDR_PUBLIC || !ble->store ||
      ab_store_static_address(ble->store, &kept))
    return;
  if (ab_store_set_static_address(ble->store, &ble->static_addr) == 0)
    ab_host_save_now(ble);
}

/* ---- opening ---- */

static void on_ready(void *ctx, int status, const char *why) {
  aioble_t *ble = ctx;

  if (status == 0) {
    status = ab_host_smp_ready(ble);
    why = "there is no randomness for private addresses";
  }
  if (status < 0) {
    ab_host_lost(ble, status, why);
    return;
  }
  ble->state = AB_HOST_READY;
  ab_gap_set_rotation(&ble->gap,
                      ble->config.private_address ? ble->config.rotation_s * UINT64_C(1000000) : 0);
  ab_gap_start(&ble->gap, ble->hci);
  ble->smp.identity = ble->gap.identity;
  keep_static_addr(ble);
  ab_host_settle_all(&ble->opens, 0, NULL);
}

static void start_controller(aioble_t *ble) {
  ab_hci_down down = {.send = send_packet, .failed = on_failed, .ctx = ble};
  ab_hci_config config = {.use_random = ble->config.random_address, .identified = on_identified};

  ble->state = AB_HOST_STARTING;
  ab_timer_stop(&ble->env, &ble->state_timer);
  ble->hci = ab_hci_new(&ble->env, &ble->bufs, &down);
  if (ble->hci)
    ab_hci_start(ble->hci, &config, on_ready, ble);
  else
    ab_host_lost(ble, AIOBLE_ENOMEM, NULL);
}

static void on_opened(void *ctx, int status, const char *why) {
  aioble_t *ble = ctx;

  ab_host_touch(ble);
  if (ble->state != AB_HOST_OPENING)
    return;
  if (status == 0) {
    start_controller(ble);
    return;
  }
  ble->transport_open = false;
  ab_host_lost(ble, status, why);
}

static int open_transport(aioble_t *ble) {
  const char *why = NULL;
  int status = make_transport(ble);

  if (status < 0)
    return status;
  status = start_snoop(ble);
  if (status < 0)
    return status;
  ble->transport_open = true;
  status = ble->transport->ops->open(ble->transport, &sink, ble, &why);
  if (status < 0) {
    ble->transport_open = false;
    keep_why(ble, status, why);
  }
  return status;
}

static void on_no_transport(ab_timer *timer) {
  ab_host_lost(ab_container_of(timer, aioble_t, state_timer), AIOBLE_ETIMEDOUT,
               "the adapter's transport does not open");
}

void ab_host_want_open(aioble_t *ble) {
  int status;

  if (!ab_host_touch(ble))
    return;
  ble->reopen |= ble->state >= AB_HOST_DRAINING || ble->state == AB_HOST_CLOSED;
  if (ble->state != AB_HOST_CLOSED || !ab_list_empty(&ble->closes)) /* told first */
    return;
  ble->reopen = false;
  aioble_ref(ble); /* until it is closed */
  ble->state = AB_HOST_OPENING;
  ble->lost = 0;
  ble->why_status = 0;
  ble->why[0] = 0;
  status = open_transport(ble);
  if (status < 0)
    ab_host_lost(ble, status, ble->why);
  else if (status == 0 && ble->state == AB_HOST_OPENING)
    start_controller(ble);
  else if (ble->state == AB_HOST_OPENING)
    ab_timer_start(&ble->env, &ble->state_timer, OPEN_US, on_no_transport);
}

static const aioble_transport_sink_t sink = {
    .opened = on_opened,
    .packet = on_packet,
    .batch_end = on_batch_end,
    .writable = on_writable,
    .lost = on_lost,
    .closed = ab_host_on_closed,
};
