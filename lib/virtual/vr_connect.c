/* SPDX-License-Identifier: MIT */
/*
 * Initiating (Core Vol 4, Part E, 7.8.12, 7.8.13; Vol 6, Part B, 4.4.4 and 4.5).
 *
 * 1. LE Create Connection: Command Status; the controller listens until it hears the peer
 * 2. the peer's connectable advertising is heard: the advertiser stops, a link is made; from here
 *    Create Connection Cancel comes too late
 * 3. VR_CONNECT_US later both hosts have Connection Complete
 * 4. cancelled while listening: Command Complete, then Connection Complete with 0x02
 */
#include "virtual/vr_priv.h"

enum { SCAN_MIN = 4, SCAN_MAX = 0x4000, ACCEPT_LIST = 1 };

/* ---- Connection Complete ---- */

static void describe(const vr_end *end, ab_hci_le_ev_enh_conn_complete *ev) {
  ev->handle = end->handle;
  ev->peer_addr_type = end->peer.type;
  ev->peer_addr = end->peer.addr;
  if (end->own_is_private)
    ev->local_rpa = end->own.a;
  if (end->peer.type > AIOBLE_ADDR_RANDOM)
    ev->peer_rpa = end->peer_air.a;
  ev->interval = end->link->params.interval;
  ev->latency = end->link->params.latency;
  ev->supervision_timeout = end->link->params.timeout;
}

/* the plain event has no types 2 and 3: an identity shows as the address it is */
static void plain_complete(vr_ctrl *c, vr_end *end, const ab_hci_le_ev_enh_conn_complete *ev) {
  VR_LE_EVENT(c, end, AB_HCI_LE_EV_CONN_COMPLETE, hci_le_ev_conn_complete, .status = ev->status,
              .handle = ev->handle, .role = ev->role, .peer_addr_type = ev->peer_addr_type & 1,
              .peer_addr = ev->peer_addr, .interval = ev->interval, .latency = ev->latency,
              .supervision_timeout = ev->supervision_timeout);
}

void vr_connect_complete(vr_ctrl *c, vr_end *end, uint8_t status, uint8_t role) {
  ab_hci_le_ev_enh_conn_complete ev = {.status = status, .role = role};
  uint8_t params[ab_hci_le_ev_enh_conn_complete_size];
  ab_wr w = ab_wr_of(params, sizeof params);

  if (end)
    describe(end, &ev);
  if (!vr_le_event_wanted(c, AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE)) {
    plain_complete(c, end, &ev);
    return;
  }
  ab_hci_le_ev_enh_conn_complete_write(&w, &ev);
  vr_le_event(c, end, AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE, &w);
}

/* ---- an advertiser is heard ---- */

static bool wanted(vr_ctrl *c, const vr_adv *adv, const vr_who *who) {
  const ab_hci_le_create_conn *p = &c->init.params;

  if (p->filter_policy == ACCEPT_LIST)
    return vr_accepts(c, who, &adv->own);
  return vr_means(who, &adv->own, p->peer_addr_type, &p->peer_addr);
}

/* the advertiser takes a connection from that initiator, whose address is `from` */
static bool welcome(const vr_adv *adv, vr_ctrl *initiator, const vr_addr *from) {
  enum { CONNECT_ACCEPT_LIST = 2 };
  vr_who who;

  if (vr_adv_directed(adv->type))
    return vr_is_own(initiator, &adv->target, from);
  if (!(adv->filter_policy & CONNECT_ACCEPT_LIST))
    return true;
  who = vr_identify(adv->ctrl, from);
  return vr_accepts(adv->ctrl, &who, from);
}

static void hear(vr_listener *l, vr_adv *adv) {
  vr_ctrl *c = l->ctrl, *peer = adv->ctrl;
  const ab_hci_le_create_conn *p = &c->init.params;
  vr_who who;
  vr_addr own;

  if (!peer || !adv->on || !vr_adv_connectable(adv->type))
    return;
  who = vr_identify(c, &adv->own);
  if (!wanted(c, adv, &who) || !vr_slot_free(c) || !vr_slot_free(peer) ||
      !vr_own_addr(c, p->own_addr_type, who.type, &who.addr, &own) || !welcome(adv, c, &own))
    return;
  if (!vr_link_new(c, peer, &(vr_params){p->interval_max, p->latency, p->supervision_timeout}, &own,
                   &adv->own))
    return;
  vr_init_off(c);
  vr_adv_off(peer);
}

/* ---- commands ---- */

void vr_connect_init(vr_ctrl *c) {
  c->init.air.ctrl = c;
  c->init.air.hear = hear;
  ab_list_init(&c->init.air.node);
}

void vr_init_off(vr_ctrl *c) {
  vr_listen_stop(&c->init.air);
  c->init.on = false;
}

bool vr_conn_params_valid(uint16_t min, uint16_t max, uint16_t latency, uint16_t timeout) {
  return min >= 6 && max <= 0x0c80 && min <= max && latency <= 0x01f3 && timeout >= 0x000a &&
         timeout <= 0x0c80 &&
         /* ms: longer than twice what may pass between two packets */
         timeout * 10u * 4 > (1u + latency) * max * 5 * 2;
}

static bool params_valid(const ab_hci_le_create_conn *p) {
  return p->scan_interval >= SCAN_MIN && p->scan_interval <= SCAN_MAX &&
         p->scan_window >= SCAN_MIN && p->scan_window <= p->scan_interval &&
         p->filter_policy <= ACCEPT_LIST && p->peer_addr_type <= 3 && p->own_addr_type <= 3 &&
         vr_conn_params_valid(p->interval_min, p->interval_max, p->latency, p->supervision_timeout);
}

static bool connected_to(const vr_ctrl *c, const ab_hci_le_create_conn *p) {
  for (size_t i = 0; i < c->options.max_links; i++) {
    const vr_end *e = c->slots[i];

    if (e && e->state != VR_END_GONE &&
        vr_means(&e->peer, &e->peer_air, p->peer_addr_type, &p->peer_addr))
      return true;
  }
  return false;
}

static uint8_t create(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_create_conn p;
  vr_addr own;

  (void) ret;
  ab_hci_le_create_conn_read(params, &p);
  if (c->init.on || c->testing)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (!params_valid(&p) || !vr_own_addr(c, p.own_addr_type, p.peer_addr_type, &p.peer_addr, &own))
    return AB_HCI_ERR_INVALID_PARAMS;
  if (p.filter_policy != ACCEPT_LIST && connected_to(c, &p))
    return AB_HCI_ERR_CONNECTION_EXISTS;
  if (!vr_slot_free(c))
    return AB_HCI_ERR_LIMIT_REACHED;
  if (!vr_state_allowed(c, VR_INITIATE))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->init.params = p;
  c->init.on = true;
  vr_listen(&c->init.air, p.scan_interval, p.scan_window);
  return AB_HCI_OK;
}

static void cancelled(vr_ctrl *c) {
  vr_connect_complete(c, NULL, AB_HCI_ERR_UNKNOWN_CONNECTION, AB_HCI_ROLE_CENTRAL);
}

static uint8_t cancel(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params, (void) ret;
  if (!c->init.on)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  vr_init_off(c);
  c->after = cancelled;
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_LE_CREATE_CONN, 25, 26, 4, VR_STATUS, VR_ALWAYS, 0, 0, create},
    {AB_HCI_LE_CREATE_CONN_CANCEL, 0, 26, 5, VR_COMPLETE, VR_ALWAYS, 0, 0, cancel},
};
const vr_command_table vr_connect_commands = {commands, sizeof commands / sizeof *commands};
