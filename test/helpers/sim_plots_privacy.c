/* SPDX-License-Identifier: MIT */
/* Plots of stacks that hide behind private addresses. */
#include "helpers/sim_plots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* what the central hears first: a reference, or NULL */
static aioble_device_t *hear(story *st) {
  aioble_scan_t *scan = aioble_scan(st->central, &(aioble_scan_options_t){.duration_ms = 500});
  sim_watch *next = story_ask(st, aioble_scan_next(scan));
  aioble_device_t *device = NULL;

  if (story_wait(st, next) == 0)
    device = aioble_scan_result_device(aioble_op_scan_result(next->op));
  (void) story_run(st, aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  return device;
}

/* connected to whoever is heard, or to the one of that identity */
static bool meet(story *st, const aioble_addr_t *known) {
  sim_watch *advertising = story_ask(st, aioble_advertise(st->peripheral, NULL)), *connecting;
  aioble_device_t *device = known ? aioble_device_new(st->central, known) : hear(st);

  if (!device)
    return false;
  connecting = story_ask(st, aioble_device_connect(device, NULL));
  aioble_device_unref(device);
  if (story_wait(st, connecting) < 0 || story_wait_or_give_up(st, advertising) < 0)
    return false;
  st->conn = aioble_conn_ref(aioble_op_conn(connecting->op));
  st->peer_conn = aioble_conn_ref(aioble_op_conn(advertising->op));
  return st->conn && st->peer_conn;
}

/* strangers first, known to each other then; their addresses change meanwhile */
void plot_in_hiding(story *st) {
  aioble_addr_t identity;

  if (!meet(st, NULL) || story_run(st, aioble_conn_pair(st->conn, NULL)) < 0)
    return;
  identity = *aioble_device_addr(aioble_conn_device(st->conn));
  plot_part(st);
  st->conn = aioble_conn_unref(st->conn);
  st->peer_conn = aioble_conn_unref(st->peer_conn);
  if (!meet(st, &identity))
    return;
  if (!st->garbage && aioble_bonds(st->central, NULL, 0) && aioble_conn_is_connected(st->conn))
    assert_true(aioble_conn_security(st->conn).bonded);
  plot_part(st);
}
