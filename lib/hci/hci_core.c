/* SPDX-License-Identifier: MIT */
/*
 * The HCI layer as a whole (Core Vol 4, Part E): life, the way in, events.
 *
 *   STOPPED -start-> STARTING -ready-> READY -failed-> FAILED -stop-> STOPPED
 *                        +--------failed---------------^
 *
 * ab_hci_stop() may come from inside any callback of ours. Then nothing is sent and nothing read
 * from that moment on, but what is pending ends only when the outermost of our own calls is left,
 * so that no callback runs inside another.
 */
#include "hci/hci_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void on_hardware_error(void *ctx, ab_rd *params) {
  uint8_t code = ab_rd_u8(params);

  ab_hci_fail(ctx, AIOBLE_EIO, "the controller reports hardware error 0x%02x", code);
}

static void on_le_meta(void *ctx, ab_rd *params) {
  ab_hci *hci = ctx;
  const ab_hci_handler *handler = &hci->le_event[ab_rd_u8(params)];

  if (!ab_rd_ok(params))
    hci->stats.malformed++;
  else if (handler->fn)
    handler->fn(handler->ctx, params);
}

/* HCI's own events */
static const struct {
  uint8_t code;
  ab_hci_event_fn *fn;
} own[] = {
    {AB_HCI_EV_COMMAND_COMPLETE, ab_hci_on_command_complete},
    {AB_HCI_EV_COMMAND_STATUS, ab_hci_on_command_status},
    {AB_HCI_EV_HARDWARE_ERROR, on_hardware_error},
    {AB_HCI_EV_NUM_COMPLETED_PACKETS, ab_hci_on_completed_packets},
    {AB_HCI_EV_DATA_BUFFER_OVERFLOW, ab_hci_on_overflow},
    {AB_HCI_EV_LE_META, on_le_meta},
};

ab_hci *ab_hci_new(ab_env *env, ab_bufs *bufs, const ab_hci_down *down) {
  ab_hci *hci = ab_zalloc(env, sizeof *hci);

  if (!hci)
    return NULL;
  hci->env = env;
  hci->bufs = bufs;
  hci->down = *down;
  ab_list_init(&hci->waiting);
  ab_list_init(&hci->ring);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
    hci->event[own[i].code] = (ab_hci_handler){own[i].fn, hci};
  return hci;
}

void ab_hci_free(ab_hci *hci) {
  if (!hci)
    return;
  assert(hci->state == AB_HCI_STOPPED && !hci->depth);
  ab_hci_acl_free(hci);
  ab_free(hci->env, hci);
}

void ab_hci_end_all(ab_hci *hci) {
  while (hci->ending) {
    hci->ending = false;
    ab_hci_start_end(hci, hci->stop_status, "stopped");
    ab_hci_cmds_end(hci, hci->stop_status);
    ab_hci_acl_end(hci, hci->stop_status);
  }
}

void ab_hci_stop(ab_hci *hci, int status) {
  ab_timer_stop(hci->env, &hci->cmd_timer);
  ab_timer_stop(hci->env, &hci->start_timer);
  if (hci->state == AB_HCI_STOPPED)
    return;
  ab_hci_enter(hci);
  hci->state = AB_HCI_STOPPED;
  hci->stop_status = status;
  hci->ending = true;
  ab_hci_leave(hci);
}

void ab_hci_fail(ab_hci *hci, int status, const char *format, ...) {
  bool starting = hci->state == AB_HCI_STARTING;
  char why[128];
  va_list args;

  if (!ab_hci_running(hci))
    return;
  va_start(args, format);
  (void) vsnprintf(why, sizeof why, format, args);
  va_end(args);
  ab_log(hci->env, AB_LOG_ERROR, "hci: %s", why);
  hci->state = AB_HCI_FAILED;
  ab_timer_stop(hci->env, &hci->cmd_timer);
  if (starting)
    ab_hci_start_end(hci, status, why);
  else
    hci->down.failed(hci->down.ctx, status, why);
}

static void event_rx(ab_hci *hci, ab_rd *packet) {
  const ab_hci_handler *handler = &hci->event[ab_rd_u8(packet)];
  uint8_t len = ab_rd_u8(packet);

  if (!ab_rd_ok(packet) || ab_rd_left(packet) != len) {
    hci->stats.malformed++;
    return;
  }
  hci->stats.events++;
  if (handler->fn)
    handler->fn(handler->ctx, packet);
}

void ab_hci_rx(ab_hci *hci, const uint8_t *packet, size_t len) {
  ab_rd r = ab_rd_of(packet, len);

  if (!ab_hci_running(hci))
    return;
  ab_hci_enter(hci);
  switch (ab_rd_u8(&r)) {
  case AIOBLE_H4_EVENT:
    event_rx(hci, &r);
    break;
  case AIOBLE_H4_ACL:
    ab_hci_acl_rx(hci, &r);
    break;
  case AIOBLE_H4_SCO:
  case AIOBLE_H4_ISO:
    break; /* never asked for */
  default:
    hci->stats.malformed++;
  }
  ab_hci_leave(hci);
}

void ab_hci_writable(ab_hci *hci) {
  if (!ab_hci_running(hci))
    return;
  ab_hci_enter(hci);
  hci->blocked = false;
  ab_hci_cmds_pump(hci);
  ab_hci_acl_pump(hci);
  ab_hci_leave(hci);
}

void ab_hci_on_event(ab_hci *hci, uint8_t code, ab_hci_event_fn *fn, void *ctx) {
  assert(hci->event[code].ctx != hci);
  hci->event[code] = (ab_hci_handler){fn, ctx};
}

void ab_hci_on_le_event(ab_hci *hci, uint8_t subevent, ab_hci_event_fn *fn, void *ctx) {
  hci->le_event[subevent] = (ab_hci_handler){fn, ctx};
}

const ab_hci_stats *ab_hci_stats_of(const ab_hci *hci) {
  return &hci->stats;
}
