/* SPDX-License-Identifier: MIT */
/* Adapters, scanning, advertising, connections. */
#include "host/host.h"
#include "world.h"

/* ---- who is who ---- */

unsigned world_peer_of(const w_side *side, aioble_conn_t *conn) {
  const aioble_device_t *device = aioble_conn_device(conn);

  for (unsigned i = 0; i < W_PEERS; i++)
    if (side->devices[i] && aioble_device_equal(device, side->devices[i]))
      return i;
  return W_PEERS;
}

aioble_conn_t *world_conn(w_side *side, unsigned *peer) {
  world *w = side->w;

  *peer = world_roll(w, W_PEERS);
  for (unsigned i = 0; i < W_PEERS && !aioble_conn_is_connected(side->conns[*peer]); i++)
    *peer = (*peer + 1) % W_PEERS;
  return side->conns[*peer];
}

aioble_conn_t *world_other_end(w_side *side, unsigned peer) {
  aioble_conn_t *conn = peer < W_STACKS ? side->w->sides[peer].conns[side->no] : NULL;

  return aioble_conn_is_connected(conn) ? conn : NULL;
}

/* ---- hooks ---- */

static void on_disconnect(aioble_conn_t *conn, int reason, void *user) {
  w_side *side = user;

  world_called_back(side, "on_disconnect");
  W_CHECK(side->w, aioble_conn_reason(conn) == reason && reason, "a link's end has two reasons");
  W_CHECK(side->w, !aioble_conn_is_connected(conn), "an ended link is connected");
  world_trace(side->w, "ended", (long) side->no, (long) world_peer_of(side, conn), reason);
  world_act_inside(side->w);
}

static void on_params(aioble_conn_t *conn, const aioble_conn_params_t *params, void *user) {
  w_side *side = user;

  world_called_back(side, "on_params");
  W_CHECK(side->w, conn && params->interval_us >= 7500, "what interval is that?");
  world_act_inside(side->w);
}

static void on_mtu(aioble_conn_t *conn, uint16_t mtu, void *user) {
  w_side *side = user;

  world_called_back(side, "on_mtu");
  W_CHECK(side->w, conn && mtu >= 23 && mtu <= 517, "an MTU of %u", mtu);
  world_act_inside(side->w);
}

static bool on_wish(aioble_conn_t *conn, const aioble_conn_update_t *wish, void *user) {
  w_side *side = user;

  world_called_back(side, "on_param_request");
  W_CHECK(side->w, conn && wish, "a wish of nobody");
  world_act_inside(side->w);
  return world_roll(side->w, 4) > 0;
}

static void on_services_changed(aioble_conn_t *conn, uint16_t first, uint16_t last, void *user) {
  w_side *side = user;

  world_called_back(side, "on_services_changed");
  W_CHECK(side->w, conn && first <= last, "what has changed?");
  world_trace(side->w, "services changed", (long) side->no, first, last);
  world_tell_gone(side, world_peer_of(side, conn), first, last);
  world_act_inside(side->w);
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  w_side *side = user;

  (void) conn;
  world_called_back(side, "on_security");
  world_trace(side->w, "security", (long) side->no, status, 0);
  world_act_inside(side->w);
}

/* a link that an op has brought: the last one to that peer */
static void known(w_op *o, int status) {
  world *w = o->w;
  w_side *side = &w->sides[o->at];
  aioble_conn_t *conn = aioble_op_conn(o->op);
  unsigned peer;

  if (status < 0)
    return;
  W_CHECK(w, conn, "%s: success without a connection", o->name);
  peer = world_peer_of(side, conn);
  if (peer == W_PEERS || side->conns[peer] == conn)
    return;
  aioble_conn_unref(side->conns[peer]);
  side->conns[peer] = aioble_conn_ref(conn);
  side->link[peer] = ++w->n_links;
  w->options->figures->links++;
  W_CALL(side, aioble_conn_set_hooks(
                   conn, &(aioble_conn_hooks_t){.on_disconnect = on_disconnect,
                                                .on_params = on_params,
                                                .on_mtu = on_mtu,
                                                .on_param_request = on_wish,
                                                .on_services_changed = on_services_changed,
                                                .on_security = on_security,
                                                .user = side}));
}

/* ---- scanning ---- */

static void pushed(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  w_side *side = user;

  world_called_back(side, "on_result");
  if (!side->w->depth && world_roll(side->w, 20) == 0)
    W_PLAY(side, "stop", aioble_scan_stop(scan), NULL);
  world_act_inside(side->w);
  W_CHECK(side->w, aioble_scan_result_addr(result), "a result went during the call");
}

void world_scan(w_side *side) {
  world *w = side->w;
  unsigned at = world_roll(w, W_SCANS);
  aioble_scan_options_t options = {.active = world_roll(w, 2),
                                   .every_report = world_roll(w, 2),
                                   .duration_ms = 1 + world_roll(w, 2000),
                                   .max_queued = 1 + world_roll(w, 5),
                                   .max_devices = 1 + world_roll(w, 5),
                                   .user = side};

  if (world_roll(w, 4) == 0)
    options.duration_ms = 0;
  if (world_roll(w, 3) == 0)
    options.on_result = pushed;
  aioble_scan_unref(side->scans[at]);
  W_CALL(side, side->scans[at] = aioble_scan(side->ble, &options));
}

void world_scan_next(w_side *side) {
  W_PLAY(side, "scan next", aioble_scan_next(side->scans[world_roll(side->w, W_SCANS)]), NULL);
}

void world_scan_stop(w_side *side) {
  W_PLAY(side, "stop", aioble_scan_stop(side->scans[world_roll(side->w, W_SCANS)]), NULL);
}

/* ---- advertising, connecting ---- */

void world_advertise(w_side *side) {
  static const aioble_adv_mode_t modes[] = {AIOBLE_ADV_CONNECTABLE, AIOBLE_ADV_CONNECTABLE,
                                            AIOBLE_ADV_CONNECTABLE, AIOBLE_ADV_BROADCAST};
  world *w = side->w;
  aioble_advertise_options_t options = {.mode = modes[world_roll(w, 4)]};
  w_op *o = W_PLAY(side, "advertise", aioble_advertise(side->ble, &options), known);

  if (o)
    world_limit(o, 100 + world_roll(w, 5000));
}

void world_connect(w_side *side) {
  world *w = side->w;
  aioble_device_t *device = side->devices[world_roll(w, W_PEERS)];
  w_op *o = W_PLAY(side, "connect", aioble_device_connect(device, NULL), known);

  if (o && world_roll(w, 2))
    world_limit(o, world_roll(w, 3000));
}

/* one advertises, the other one connects to it */
void world_meet(w_side *side) {
  world *w = side->w;
  w_side *other = &w->sides[(side->no + 1 + world_roll(w, W_STACKS - 1)) % W_STACKS];
  w_op *o = W_PLAY(other, "advertise", aioble_advertise(other->ble, NULL), known);

  if (o)
    world_limit(o, 4000);
  W_PLAY(side, "connect", aioble_device_connect(side->devices[other->no], NULL), known);
}

void world_disconnect(w_side *side) {
  unsigned peer;
  aioble_conn_t *conn = world_conn(side, &peer);

  if (world_roll(side->w, 3))
    W_PLAY(side, "disconnected", aioble_conn_disconnected(conn), NULL);
  else
    W_PLAY(side, "disconnect", aioble_conn_disconnect(conn), NULL);
}

/* ---- what is asked of a link ---- */

void world_update(w_side *side) {
  uint32_t us = 7500 + 1250 * world_roll(side->w, 100);
  aioble_conn_update_t update = {.interval_min_us = us, .interval_max_us = us};
  unsigned peer;

  W_PLAY(side, "update", aioble_conn_update_params(world_conn(side, &peer), &update), NULL);
}

void world_ask_link(w_side *side) {
  unsigned peer;
  aioble_conn_t *conn = world_conn(side, &peer);

  if (world_roll(side->w, 2))
    W_PLAY(side, "rssi", aioble_conn_rssi(conn), NULL);
  else
    W_PLAY(side, "mtu", aioble_conn_exchange_mtu(conn), NULL);
}

void world_group(w_side *side) {
  unsigned peer;
  aioble_conn_t *conn = world_conn(side, &peer);
  aioble_op_t *ops[3];

  W_CALL(side, ops[0] = aioble_conn_rssi(conn));
  W_CALL(side, ops[1] = aioble_conn_disconnected(conn));
  W_CALL(side, ops[2] = aioble_open(side->ble));
  if (world_roll(side->w, 2))
    W_PLAY(side, "all", aioble_op_all(ops, 3), NULL);
  else
    W_PLAY(side, "any", aioble_op_any(ops, 3), NULL);
}

/* ---- adapters ---- */

static void closed(w_op *o, int status) {
  w_side *side = &o->w->sides[o->at];

  W_CHECK(o->w, status == 0, "a close failed: %d", status);
  if (side->calls == o->mark)
    side->closed_at = side->calls;
}

void world_open_or_close(w_side *side) {
  w_op *o;

  if (world_roll(side->w, 4)) {
    W_PLAY(side, "open", aioble_open(side->ble), NULL);
  } else {
    o = W_PLAY(side, "close", aioble_close(side->ble), closed);
    if (o)
      o->mark = side->calls;
  }
}

void world_forget(w_side *side) {
  world *w = side->w;
  unsigned at = world_roll(w, W_SCANS);

  if (world_roll(w, 4) == 0) {
    unsigned peer = world_roll(w, W_PEERS);

    if (!aioble_conn_is_connected(side->conns[peer]))
      side->conns[peer] = aioble_conn_unref(side->conns[peer]);
  }
  side->scans[at] = aioble_scan_unref(side->scans[at]);
  at = world_roll(w, W_KEPT);
  side->found[at] = aioble_client_char_unref(side->found[at]);
}

/* ---- life ---- */

void world_links_begin(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++) {
    for (unsigned j = 0; j < W_STACKS; j++)
      w->sides[i].devices[j] = sim_device(w->sides[i].ble, w->sides[j].ble);
    if (w->hostile) {
      aioble_addr_t addr = world_hostile_addr(w->hostile);

      w->sides[i].devices[W_STACKS] = aioble_device_new(w->sides[i].ble, &addr);
    }
  }
}

void world_links_end(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++) {
    w_side *side = &w->sides[i];

    for (unsigned j = 0; j < W_PEERS; j++) {
      aioble_conn_unref(side->conns[j]);
      aioble_device_unref(side->devices[j]);
    }
    for (unsigned j = 0; j < W_SCANS; j++)
      aioble_scan_unref(side->scans[j]);
  }
}

/* a link that is up at one end is up at the other, too, with the same parameters */
static void check_link(w_side *side, unsigned peer) {
  aioble_conn_t *here = side->conns[peer], *there = world_other_end(side, peer);
  aioble_conn_params_t a, b;

  if (!there)
    return; /* its application may not know of it yet */
  a = aioble_conn_params(here);
  b = aioble_conn_params(there);
  W_CHECK(side->w, aioble_conn_role(here) != aioble_conn_role(there), "two ends of one role");
  W_CHECK(side->w, a.interval_us == b.interval_us && a.timeout_ms == b.timeout_ms,
          "intervals of %u and %u us", a.interval_us, b.interval_us);
}

void world_link_check(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++)
    for (unsigned j = 0; j < W_STACKS; j++)
      if (aioble_conn_is_connected(w->sides[i].conns[j]))
        check_link(&w->sides[i], j);
}
