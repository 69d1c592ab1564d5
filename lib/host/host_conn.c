/* SPDX-License-Identifier: MIT */
/* One link: its layers put on top of each other when it comes up, taken apart when it ends. */
#include "host/host.h"

/* ---- upward: ACL -> L2CAP -> ATT -> GATT ---- */

static void on_att_pdu(void *ctx, const uint8_t *pdu, size_t len) {
  aioble_conn_t *conn = ctx;

  ab_att_rx(&conn->att, pdu, len);
}

static void on_smp_command(void *ctx, const uint8_t *command, size_t len) {
  aioble_conn_t *conn = ctx;

  ab_smp_rx(&conn->smp, command, len);
}

static int on_att_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  aioble_conn_t *conn = ctx;

  return ab_gatt_server_request(&conn->bearer, opcode, pdu, rsp, handle);
}

static void on_att_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                         bool indication) {
  aioble_conn_t *conn = ctx;

  if (ab_host_securing(conn)) { /* in the clear: not to be believed */
    conn->client.early_dropped++;
    return;
  }
  ab_gatt_client_rx_value(&conn->client, handle, value, len, indication);
}

void ab_host_hook_due(aioble_conn_t *conn, unsigned hook) {
  if (!conn->hooks_due) {
    ab_list_push(&conn->ble->hooks_due, &conn->hooks_node);
    aioble_conn_ref(conn);
  }
  conn->hooks_due |= hook;
}

static void on_att_mtu(void *ctx, uint16_t mtu) {
  (void) mtu;
  ab_host_hook_due(ctx, AB_HOOK_MTU);
}

static void on_att_error(void *ctx, uint8_t code) {
  if (code == AB_ATT_ERR_DATABASE_OUT_OF_SYNC)
    ab_host_cache_out_of_sync(ctx);
}

static ab_att_verdict on_att_refused(void *ctx, uint8_t code, bool secured) {
  return ab_host_demand_refused(ctx, code, secured);
}

static void on_att_broken(void *ctx, int status) {
  aioble_conn_t *conn = ctx;

  (void) status;
  ab_gap_drop(&conn->link, AB_HCI_ERR_REMOTE_USER);
}

/* ---- downward ---- */

static void send_att(void *ctx, ab_buf *pdu) {
  aioble_conn_t *conn = ctx;

  ab_l2cap_send(&conn->l2cap, AB_L2CAP_CID_ATT, pdu);
}

static void send_frame(void *ctx, ab_buf *frame) {
  aioble_conn_t *conn = ctx;

  ab_hci_link_send(conn->ble->hci, &conn->link.hci, frame);
}

static int sign(ab_gatt_client *client, ab_buf *pdu) {
  return ab_smp_sign(&ab_container_of(client, aioble_conn_t, client)->smp, pdu);
}

static const ab_att_events att_events = {
    .send = send_att,
    .on_request = on_att_request,
    .on_value = on_att_value,
    .on_mtu = on_att_mtu,
    .on_error = on_att_error,
    .on_refused = on_att_refused,
    .on_broken = on_att_broken,
};

/* ---- connection parameters that the peer asks for ---- */

static bool accept_params(aioble_conn_t *conn, const ab_gap_params *wish) {
  aioble_conn_update_t update = {.interval_min_us = wish->interval_min * 1250u,
                                 .interval_max_us = wish->interval_max * 1250u,
                                 .latency = wish->latency,
                                 .timeout_ms = wish->timeout * 10u};
  bool yes = !conn->hooks.on_param_request ||
             conn->hooks.on_param_request(conn, &update, conn->hooks.user);

  conn->ble->stats.params_refused += !yes;
  return yes;
}

static bool on_link_param_request(void *ctx, ab_gap_link *link, const ab_gap_params *wish) {
  (void) ctx;
  return accept_params(ab_conn_of_link(link), wish);
}

static void on_peer_update_done(ab_gap_link_cmd *cmd, int status, int value) {
  (void) cmd;
  (void) status;
  (void) value;
}

/* … by L2CAP (Core Vol 3, Part A, 4.20): the central carries it out */
static bool on_l2cap_param_request(void *ctx, const ab_l2cap_params *wish) {
  aioble_conn_t *conn = ctx;
  ab_gap_params params = {wish->interval_min, wish->interval_max, wish->latency, wish->timeout};

  if (conn->params_cmd.link) { /* the one before is being carried out */
    conn->ble->stats.params_refused++;
    return false;
  }
  if (!accept_params(conn, &params))
    return false;
  ab_gap_update(&conn->link, &conn->params_cmd, &params, on_peer_update_done);
  return true;
}

static const ab_l2cap_events l2cap_events = {
    .send = send_frame,
    .on_param_request = on_l2cap_param_request,
};

/* ---- coming ---- */

static int link_new(void *ctx, const aioble_addr_t *peer, ab_gap_link **link,
                    ab_hci_frame_fn **frame) {
  aioble_t *ble = ctx;
  unsigned limit = ble->options.max_links;
  aioble_conn_t *conn;

  if (ble->n_conns >= limit || ble->state != AB_HOST_READY) {
    ble->stats.links_refused++;
    return AIOBLE_ENOBUFS;
  }
  conn = ab_zalloc(&ble->env, sizeof *conn);
  if (!conn)
    return AIOBLE_ENOMEM;
  conn->device = aioble_device_new(ble, peer);
  if (!conn->device) {
    ab_free(&ble->env, conn);
    return AIOBLE_ENOMEM;
  }
  conn->refs = 1;
  conn->ble = aioble_ref(ble);
  ab_list_init(&conn->waiting);
  ab_list_init(&conn->mtu_waiting);
  ab_host_demand_init(conn);
  ab_host_cache_init(conn);
  ab_list_init(&conn->pairs);
  ab_list_init(&conn->securing);
  ab_list_push(&ble->conns, &conn->node);
  ble->n_conns++;
  *frame = ab_host_early_init(conn);
  *link = &conn->link;
  return 0;
}

static void on_auto_mtu(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  ab_conn_auto_mtu_done(ab_container_of(req, aioble_conn_t, mtu_req), status);
}

void ab_host_conn_start(aioble_conn_t *conn) {
  if (conn->link.role == AB_HCI_ROLE_CENTRAL && !conn->ble->options.no_auto_mtu)
    (void) ab_att_exchange_mtu(&conn->att, &conn->mtu_req, on_auto_mtu);
}

static void link_up(void *ctx, ab_gap_link *link) {
  aioble_t *ble = ctx;
  aioble_conn_t *conn = ab_conn_of_link(link);
  bool central = link->role == AB_HCI_ROLE_CENTRAL;

  ab_l2cap_open(&conn->l2cap, &ble->env, &ble->bufs, &l2cap_events, conn, central);
  ab_l2cap_serve(&conn->l2cap, &ble->listeners, ab_hci_info_of(ble->hci)->acl_len);
  ab_att_init(&conn->att, &ble->env, &ble->bufs, &att_events, conn, ble->config.mtu);
  ab_gatt_client_init(&conn->client, &conn->att);
  conn->client.sign = sign;
  ab_gatt_server_link_open(&ble->server, &conn->server, &conn->att);
  ab_gatt_bearer_open(&conn->bearer, &conn->server, &conn->att);
  ab_l2cap_fixed(&conn->l2cap, AB_L2CAP_CID_ATT, on_att_pdu, conn);
  ab_l2cap_fixed(&conn->l2cap, AB_L2CAP_CID_SMP, on_smp_command, conn);
  ab_host_cache_start(conn, AIOBLE_CACHE_DEFAULT);
  ab_host_smp_open(conn);
}

/* ---- going ---- */

void ab_host_add_conn_stats(const aioble_conn_t *conn, aioble_stats_t *stats) {
  const ab_l2cap_stats *l2cap = &conn->l2cap.stats;

  stats->att_malformed += conn->att.malformed;
  stats->att_refused += conn->att.refused;
  ab_host_eatt_add_stats(conn, stats);
  stats->l2cap_dropped +=
      l2cap->malformed + l2cap->unknown_cid + l2cap->unexpected + l2cap->dropped;
  stats->channels_refused += l2cap->no_room;
  stats->channels_broken += l2cap->broken;
  stats->notifications_dropped += conn->client.early_dropped;
  stats->smp_dropped += conn->smp.ignored;
  stats->not_remembered += conn->cache.table.refused;
}

static void link_down(void *ctx, ab_gap_link *link, int reason) {
  aioble_t *ble = ctx;
  aioble_conn_t *conn = ab_conn_of_link(link);

  conn->reason = reason;
  ab_list_remove(&conn->node);
  ble->n_conns--;
  if (conn->att.env) { /* it was up */
    ab_host_peer_save(conn);
    ab_host_cache_end(conn);
    ab_host_early_end(conn);
    ab_host_smp_close(conn, reason);
    ab_host_add_conn_stats(conn, &ble->stats);
    ab_gatt_client_close(&conn->client, AIOBLE_ENOTCONN);
    ab_gatt_server_link_close(&conn->server);
    ab_att_close(&conn->att, AIOBLE_ENOTCONN);
    ab_l2cap_accepts_end(conn, AIOBLE_ENOTCONN);
    ab_l2cap_close(&conn->l2cap, AIOBLE_ENOTCONN);
    ab_host_hook_due(conn, AB_HOOK_DISCONNECT);
  }
  ab_host_settle_all(&conn->waiting, 0, NULL);
  aioble_conn_unref(conn);
  ab_host_link_gone(ble);
}

static void link_params(void *ctx, ab_gap_link *link) {
  (void) ctx;
  ab_host_hook_due(ab_conn_of_link(link), AB_HOOK_PARAMS);
}

const ab_gap_events ab_host_gap_events = {
    .link_new = link_new,
    .link_up = link_up,
    .link_down = link_down,
    .link_params = link_params,
    .link_param_request = on_link_param_request,
    .link_key = ab_host_on_key,
    .link_encryption = ab_host_on_encryption,
    .private_address = ab_host_private_address,
    .resolve = ab_host_resolve,
    .is_private = ab_host_is_private,
    .private_peer = ab_host_private_peer,
};

/* ---- hooks: like continuations, at the end of the turn ---- */

static void call_hooks(aioble_conn_t *conn, unsigned due) {
  const aioble_conn_hooks_t *h = &conn->hooks;
  aioble_conn_params_t params = aioble_conn_params(conn);
  ab_att_range changed = conn->changed;

  if (due & AB_HOOK_SERVICES) {
    conn->changed = (ab_att_range){0, 0};
    if (h->on_services_changed)
      h->on_services_changed(conn, changed.first, changed.last, h->user);
  }
  if (due & AB_HOOK_MTU && h->on_mtu)
    h->on_mtu(conn, aioble_conn_mtu(conn), h->user);
  if (due & AB_HOOK_PARAMS && h->on_params)
    h->on_params(conn, &params, h->user);
  ab_host_smp_hooks(conn, due);
  if (due & AB_HOOK_DISCONNECT && h->on_disconnect)
    h->on_disconnect(conn, conn->reason, h->user);
}

void ab_host_call_hooks(aioble_t *ble) {
  ab_list due, *n;
  aioble_conn_t *conn;
  unsigned hooks;

  ab_list_take_all(&due, &ble->hooks_due);
  while ((n = ab_list_pop(&due))) {
    conn = ab_container_of(n, aioble_conn_t, hooks_node);
    hooks = conn->hooks_due;
    conn->hooks_due = 0;
    call_hooks(conn, hooks);
    aioble_conn_unref(conn);
  }
}
