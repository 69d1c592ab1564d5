/* SPDX-License-Identifier: MIT */
/*
 * Links: their coming and going, parameters (Core Vol 4, Part E, 7.8.18, 7.8.31, 7.7.65.3), RSSI,
 * and the peer's wish for other parameters (7.7.65.6).
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_disconnect)
AB_HCI_SENDER(hci_handle)
AB_HCI_SENDER(hci_le_conn_update)
AB_HCI_SENDER(hci_le_conn_param_reply)
AB_HCI_SENDER(hci_le_conn_param_neg)

bool ab_gap_params_valid(const ab_gap_params *p) {
  return p->interval_min >= 0x0006 && p->interval_max <= 0x0c80 &&
         p->interval_min <= p->interval_max && p->latency <= 0x01f3 && p->timeout >= 0x000a &&
         p->timeout <= 0x0c80 &&
         /* timeout * 10 ms > (1 + latency) * interval_max * 1.25 ms * 2 */
         (uint32_t) p->timeout * 4 > (1u + p->latency) * (uint32_t) p->interval_max;
}

/* ---- up ---- */

static aioble_addr_t addr_of(unsigned type, const ab_addr6 *addr) {
  aioble_addr_t a = {.type = type & 1};

  memcpy(a.bytes, addr->b, sizeof a.bytes);
  return a;
}

static bool is_zero(const ab_addr6 *addr) {
  static const ab_addr6 zero;

  return memcmp(addr, &zero, sizeof zero) == 0;
}

/* Whom the link is to, and the addresses it was made with: of 7.7.65.10 where the controller has
   made, or resolved, a private one. */
static aioble_addr_t describe(const ab_gap *gap, const ab_hci_le_ev_enh_conn_complete *ev,
                              ab_gap_air *air) {
  aioble_addr_t peer = addr_of(ev->peer_addr_type, &ev->peer_addr);
  ab_gap_kind kind = ev->role == AB_HCI_ROLE_CENTRAL ? AB_GAP_INIT : AB_GAP_ADV;

  air->local = is_zero(&ev->local_rpa) ? gap->activity[kind].own
                                       : addr_of(AIOBLE_ADDR_RANDOM, &ev->local_rpa);
  air->peer = peer;
  if (ev->peer_addr_type <= AIOBLE_ADDR_RANDOM)
    return ab_gap_identity_of(gap, &peer);
  if (!is_zero(&ev->peer_rpa))
    air->peer = addr_of(AIOBLE_ADDR_RANDOM, &ev->peer_rpa);
  return peer;
}

int ab_gap_link_open(ab_gap *gap, const ab_hci_le_ev_enh_conn_complete *ev, ab_gap_link **out) {
  ab_hci_frame_fn *frame = NULL;
  ab_gap_link *link = NULL;
  aioble_addr_t peer;
  ab_gap_air air;
  int err;

  if (ev->handle > AB_HCI_HANDLE_MAX || ev->role > 1 || ab_hci_link_find(gap->hci, ev->handle)) {
    gap->malformed++;
    return AIOBLE_EPROTO;
  }
  peer = describe(gap, ev, &air);
  err = gap->ev->link_new(gap->ctx, &peer, &link, &frame);
  if (err == 0) {
    err = ab_hci_link_open(gap->hci, &link->hci, ev->handle, frame);
    if (err < 0)
      gap->ev->link_down(gap->ctx, link, err);
  }
  if (err < 0) {
    ab_gap_refuse(gap, ev->handle);
    return err;
  }
  link->gap = gap;
  link->role = ev->role;
  link->peer = peer;
  link->air = air;
  link->interval = ev->interval;
  link->latency = ev->latency;
  link->timeout = ev->supervision_timeout;
  link->up = true;
  link->ending = false;
  ab_list_init(&link->updates);
  ab_list_init(&link->cmds);
  ab_list_push(&gap->links, &link->node);
  gap->n_links[link->role]++;
  gap->ev->link_up(gap->ctx, link);
  *out = link;
  return 0;
}

ab_gap_link *ab_gap_link_to(const ab_gap *gap, const aioble_addr_t *peer) {
  AB_LIST_EACH(n, &gap->links) {
    ab_gap_link *link = ab_container_of(n, ab_gap_link, node);

    if (ab_gap_is_peer(link, peer))
      return link;
  }
  return NULL;
}

ab_gap_link *ab_gap_link_of(const ab_gap *gap, uint16_t handle) {
  ab_hci_link *hci = ab_hci_link_find(gap->hci, handle);

  return hci ? ab_container_of(hci, ab_gap_link, hci) : NULL;
}

/* ---- down ---- */

static void end_cmds(ab_list *cmds, int status) {
  ab_list taken, *n;
  ab_gap_link_cmd *cmd;

  ab_list_take_all(&taken, cmds);
  while ((n = ab_list_pop(&taken))) {
    cmd = ab_container_of(n, ab_gap_link_cmd, node);
    ab_hci_cmd_detach(cmd->gap->hci, &cmd->hci);
    cmd->link = NULL;
    cmd->fn(cmd, status, 0);
  }
}

static void link_down(ab_gap *gap, ab_gap_link *link, int reason) {
  link->up = false;
  ab_list_remove(&link->node);
  gap->n_links[link->role]--;
  ab_hci_cmd_detach(gap->hci, &link->disconnect_cmd);
  ab_hci_cmd_detach(gap->hci, &link->params_cmd);
  ab_hci_cmd_detach(gap->hci, &link->ltk_cmd);
  ab_hci_cmd_detach(gap->hci, &link->encrypt_cmd);
  ab_hci_link_close(gap->hci, &link->hci, AIOBLE_ENOTCONN);
  end_cmds(&link->updates, AIOBLE_ENOTCONN);
  end_cmds(&link->cmds, AIOBLE_ENOTCONN);
  gap->ev->link_down(gap->ctx, link, reason);
}

static void on_disconnection(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_ev_disconnection ev;
  ab_gap_link *link;

  if (!ab_hci_ev_disconnection_read(params, &ev)) {
    gap->malformed++;
    return;
  }
  link = ab_gap_link_of(gap, ev.handle);
  if (!link)
    return;
  if (ev.status) { /* our Disconnect failed; the link stays */
    link->ending = false;
    return;
  }
  link_down(gap, link, AIOBLE_ERR_HCI(ev.reason));
  ab_gap_run(gap);
}

void ab_gap_links_stop(ab_gap *gap, int status) {
  ab_list *n;

  while ((n = ab_list_first(&gap->links)))
    link_down(gap, ab_container_of(n, ab_gap_link, node), status);
  ab_hci_cmd_detach(gap->hci, &gap->refuse_cmd);
  gap->n_refused = 0;
}

static void on_disconnect_sent(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap_link *link = ab_container_of(cmd, ab_gap_link, disconnect_cmd);

  (void) ret;
  if (status < 0)
    link->ending = false;
}

int ab_gap_disconnect(ab_gap_link *link, uint8_t reason) {
  ab_hci_disconnect rec = {.handle = link->hci.handle, .reason = reason};
  int err;

  if (!link->up || link->ending)
    return 0;
  err = ab_hci_send(link->gap->hci, &link->disconnect_cmd, AB_HCI_DISCONNECT, hci_disconnect, &rec,
                    on_disconnect_sent);
  link->ending = err == 0;
  return err;
}

static void on_refused(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  (void) status;
  (void) ret;
  ab_gap_refuse_next(ab_container_of(cmd, ab_gap, refuse_cmd));
}

void ab_gap_refuse_next(ab_gap *gap) {
  ab_hci_disconnect rec = {.reason = AB_HCI_ERR_REMOTE_USER};

  if (!gap->n_refused || gap->refuse_cmd.pending)
    return;
  rec.handle = gap->refused[gap->n_refused - 1];
  if (ab_hci_send(gap->hci, &gap->refuse_cmd, AB_HCI_DISCONNECT, hci_disconnect, &rec,
                  on_refused) == 0)
    gap->n_refused--;
  else
    ab_gap_retry_soon(gap);
}

void ab_gap_refuse(ab_gap *gap, uint16_t handle) {
  if (ab_hci_link_find(gap->hci, handle)) { /* told twice: the link there is stays */
    gap->malformed++;
    return;
  }
  if (gap->n_refused < sizeof gap->refused / sizeof *gap->refused)
    gap->refused[gap->n_refused++] = handle;
  else
    ab_log(gap->env, AB_LOG_WARN, "link 0x%04x is wanted by nobody and stays", handle);
  ab_gap_refuse_next(gap);
}

/* ---- parameters ---- */

static void on_update_status(ab_hci_cmd *hci, int status, ab_rd *ret) {
  ab_gap_link_cmd *cmd = ab_container_of(hci, ab_gap_link_cmd, hci);

  (void) ret;
  if (status == 0)
    return; /* Connection Update Complete follows */
  ab_list_remove(&cmd->node);
  cmd->link = NULL;
  cmd->fn(cmd, status, 0);
}

static void add_cmd(ab_list *to, ab_gap_link *link, ab_gap_link_cmd *cmd, ab_gap_link_fn *fn) {
  cmd->gap = link->gap;
  cmd->link = link;
  cmd->fn = fn;
  ab_list_push(to, &cmd->node);
}

void ab_gap_await_update(ab_gap_link *link, ab_gap_link_cmd *cmd, ab_gap_link_fn *fn) {
  add_cmd(&link->updates, link, cmd, fn);
}

/* out of memory, or the controller is going: said as the completion would, in the loop's turn */
static void sent(ab_gap_link_cmd *cmd, int err) {
  if (err < 0) {
    ab_list_remove(&cmd->node);
    cmd->link = NULL;
    cmd->fn(cmd, err, 0);
  }
}

void ab_gap_update(ab_gap_link *link, ab_gap_link_cmd *cmd, const ab_gap_params *params,
                   ab_gap_link_fn *fn) {
  ab_hci_le_conn_update rec = {.handle = link->hci.handle,
                               .interval_min = params->interval_min,
                               .interval_max = params->interval_max,
                               .latency = params->latency,
                               .supervision_timeout = params->timeout};

  add_cmd(&link->updates, link, cmd, fn);
  sent(cmd, ab_hci_send(link->gap->hci, &cmd->hci, AB_HCI_LE_CONN_UPDATE, hci_le_conn_update, &rec,
                        on_update_status));
}

static void on_update_complete(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_le_ev_conn_update ev;
  ab_gap_link *link;
  ab_list waiting, *n;
  ab_gap_link_cmd *cmd;

  if (!ab_hci_le_ev_conn_update_read(params, &ev)) {
    gap->malformed++;
    return;
  }
  link = ab_gap_link_of(gap, ev.handle);
  if (!link)
    return;
  if (ev.status == 0) {
    link->interval = ev.interval;
    link->latency = ev.latency;
    link->timeout = ev.supervision_timeout;
    gap->ev->link_params(gap->ctx, link);
  }
  ab_list_take_all(&waiting, &link->updates);
  while ((n = ab_list_pop(&waiting))) {
    cmd = ab_container_of(n, ab_gap_link_cmd, node);
    if (cmd->hci.pending) { /* not the one it asked for: that has not even started */
      ab_list_push(&link->updates, n);
      continue;
    }
    cmd->link = NULL;
    cmd->fn(cmd, ev.status ? AIOBLE_ERR_HCI(ev.status) : 0, 0);
  }
}

static void ignore_reply(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  (void) cmd;
  (void) status;
  (void) ret;
}

/* LE Remote Connection Parameter Request: the peer's wish, by the link layer */
static void on_param_request(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_le_ev_conn_param_request ev;
  ab_hci_le_conn_param_reply yes;
  ab_hci_le_conn_param_neg no;
  ab_gap_params wish;
  ab_gap_link *link;

  if (!ab_hci_le_ev_conn_param_request_read(params, &ev) ||
      !(link = ab_gap_link_of(gap, ev.handle))) {
    gap->malformed++;
    return;
  }
  wish = (ab_gap_params){ev.interval_min, ev.interval_max, ev.latency, ev.supervision_timeout};
  if (ab_gap_params_valid(&wish) && gap->ev->link_param_request(gap->ctx, link, &wish)) {
    yes = (ab_hci_le_conn_param_reply){.handle = ev.handle,
                                       .interval_min = wish.interval_min,
                                       .interval_max = wish.interval_max,
                                       .latency = wish.latency,
                                       .supervision_timeout = wish.timeout};
    (void) ab_hci_send(gap->hci, &link->params_cmd, AB_HCI_LE_CONN_PARAM_REPLY,
                       hci_le_conn_param_reply, &yes, ignore_reply);
  } else {
    no = (ab_hci_le_conn_param_neg){.handle = ev.handle,
                                    .reason = AB_HCI_ERR_UNACCEPTABLE_CONN_PARAMS};
    (void) ab_hci_send(gap->hci, &link->params_cmd, AB_HCI_LE_CONN_PARAM_NEG_REPLY,
                       hci_le_conn_param_neg, &no, ignore_reply);
  }
}

/* ---- RSSI, 7.5.4 ---- */

static void on_rssi(ab_hci_cmd *hci, int status, ab_rd *ret) {
  ab_gap_link_cmd *cmd = ab_container_of(hci, ab_gap_link_cmd, hci);
  ab_hci_rssi_ret rec = {0};

  if (status == 0 && !ab_hci_rssi_ret_read(ret, &rec))
    status = AIOBLE_EPROTO;
  ab_list_remove(&cmd->node);
  cmd->link = NULL;
  cmd->fn(cmd, status, rec.rssi);
}

void ab_gap_read_rssi(ab_gap_link *link, ab_gap_link_cmd *cmd, ab_gap_link_fn *fn) {
  ab_hci_handle rec = {.handle = link->hci.handle};

  add_cmd(&link->cmds, link, cmd, fn);
  sent(cmd, ab_hci_send(link->gap->hci, &cmd->hci, AB_HCI_READ_RSSI, hci_handle, &rec, on_rssi));
}

void ab_gap_link_cmd_detach(ab_gap_link_cmd *cmd) {
  if (!cmd->link)
    return;
  ab_list_remove(&cmd->node);
  ab_hci_cmd_detach(cmd->gap->hci, &cmd->hci);
  cmd->link = NULL;
}

void ab_gap_links_register(ab_gap *gap) {
  ab_hci_on_event(gap->hci, AB_HCI_EV_DISCONNECTION_COMPLETE, on_disconnection, gap);
  ab_hci_on_le_event(gap->hci, AB_HCI_LE_EV_CONN_UPDATE_COMPLETE, on_update_complete, gap);
  ab_hci_on_le_event(gap->hci, AB_HCI_LE_EV_CONN_PARAM_REQUEST, on_param_request, gap);
  ab_gap_encryption_register(gap);
}
