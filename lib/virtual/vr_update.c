/* SPDX-License-Identifier: MIT */
/*
 * Connection parameters (Core Vol 4, Part E, 7.8.18, 7.8.31, 7.8.32; Vol 6, Part B, 5.1.1, 5.1.7).
 *
 * 1. a peripheral's host wants others: LL_CONNECTION_PARAM_REQ; the central's host is asked, unless
 *    its controller or its masks know nothing of it: then the answer is 0x1a
 * 2. refused: the peripheral's host has LE Connection Update Complete with the reason
 * 3. accepted, or wanted by the central's host in the first place: the instant is announced
 * 4. at the instant both hosts have LE Connection Update Complete
 */
#include "virtual/vr_priv.h"

static void complete(vr_end *e, uint8_t status) {
  const vr_params *p = &e->link->params;

  if (e->state == VR_END_UP)
    VR_LE_EVENT(e->ctrl, e, AB_HCI_LE_EV_CONN_UPDATE_COMPLETE, hci_le_ev_conn_update,
                .status = status, .handle = e->handle, .interval = p->interval,
                .latency = p->latency, .supervision_timeout = p->timeout);
}

/* ---- the central decides ---- */

static void on_instant(ab_timer *timer) {
  vr_link *l = ab_container_of(timer, vr_link, update.instant);

  l->update.phase = VR_UPDATE_NONE;
  l->params = l->update.params;
  l->anchor_us = l->radio->env.now_us;
  vr_timer_stop(l->radio, &l->event);
  complete(&l->end[AB_HCI_ROLE_CENTRAL], AB_HCI_OK);
  complete(&l->end[AB_HCI_ROLE_PERIPHERAL], AB_HCI_OK);
  vr_link_kick(l);
}

static void on_announced(vr_end *at, const vr_pdu_args *args) {
  vr_link *l = at->link;
  uint32_t event_us = l->radio->timing ? vr_interval_us(l) : (uint32_t) VR_QUICK_US;

  (void) args;
  vr_timer_in(l->radio, &l->update.instant, (uint64_t) VR_INSTANT_EVENTS * event_us, on_instant);
}

static void announce(vr_end *central, const vr_params *params) {
  central->link->update.phase = VR_UPDATE_ANNOUNCED;
  central->link->update.params = *params;
  vr_response_timeout(central->link);
  vr_pdu_send(central, on_announced, NULL);
}

/* ---- the peripheral asks ---- */

static void on_refused(vr_end *at, const vr_pdu_args *args) {
  at->link->update.phase = VR_UPDATE_NONE;
  complete(at, args->reason);
}

static void refuse(vr_end *central, uint8_t reason) {
  central->link->update.phase = VR_UPDATE_REFUSED;
  vr_response_timeout(central->link);
  vr_pdu_send(central, on_refused, &(vr_pdu_args){.reason = reason});
}

static void on_asked(vr_end *at, const vr_pdu_args *args) {
  if (!vr_has(at->ctrl, VR_FEAT_PARAM_REQUEST) ||
      !vr_le_event_wanted(at->ctrl, AB_HCI_LE_EV_CONN_PARAM_REQUEST)) {
    refuse(at, AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
    return;
  }
  at->link->update.phase = VR_UPDATE_WAIT_HOST;
  vr_response_timeout(at->link);
  VR_LE_EVENT(at->ctrl, at, AB_HCI_LE_EV_CONN_PARAM_REQUEST, hci_le_ev_conn_param_request,
              .handle = at->handle, .interval_min = args->wanted.min,
              .interval_max = args->wanted.max, .latency = args->wanted.latency,
              .supervision_timeout = args->wanted.timeout);
}

/* ---- commands ---- */

static uint8_t conn_update(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_conn_update p;
  vr_end *e;

  (void) ret;
  ab_hci_le_conn_update_read(params, &p);
  if (!(e = vr_end_of(c, p.handle)))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (!vr_conn_params_valid(p.interval_min, p.interval_max, p.latency, p.supervision_timeout))
    return AB_HCI_ERR_INVALID_PARAMS;
  if (e->link->update.phase != VR_UPDATE_NONE)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (e->role == AB_HCI_ROLE_CENTRAL) {
    announce(e, &(vr_params){p.interval_max, p.latency, p.supervision_timeout});
    return AB_HCI_OK;
  }
  if (!vr_has(c, VR_FEAT_PARAM_REQUEST))
    return AB_HCI_ERR_UNSUPPORTED_FEATURE;
  e->link->update.phase = VR_UPDATE_ASKED;
  vr_pdu_send(
      e, on_asked,
      &(vr_pdu_args){.wanted = {p.interval_min, p.interval_max, p.latency, p.supervision_timeout}});
  return AB_HCI_OK;
}

/* the end whose host owes an answer */
static uint8_t owing(vr_ctrl *c, uint16_t handle, vr_end **e) {
  *e = vr_end_of(c, handle);
  if (!*e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if ((*e)->role != AB_HCI_ROLE_CENTRAL || (*e)->link->update.phase != VR_UPDATE_WAIT_HOST)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  return AB_HCI_OK;
}

static uint8_t param_reply(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_conn_param_reply p;
  uint8_t status;
  vr_end *e;

  ab_hci_le_conn_param_reply_read(params, &p);
  status = owing(c, p.handle, &e);
  if (status)
    return status;
  if (!vr_conn_params_valid(p.interval_min, p.interval_max, p.latency, p.supervision_timeout))
    return AB_HCI_ERR_INVALID_PARAMS;
  announce(e, &(vr_params){p.interval_max, p.latency, p.supervision_timeout});
  ab_wr_le16(ret, p.handle);
  return AB_HCI_OK;
}

static uint8_t param_neg_reply(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_conn_param_neg p;
  uint8_t status;
  vr_end *e;

  ab_hci_le_conn_param_neg_read(params, &p);
  status = owing(c, p.handle, &e);
  if (status)
    return status;
  if (!p.reason)
    return AB_HCI_ERR_INVALID_PARAMS;
  refuse(e, p.reason);
  ab_wr_le16(ret, p.handle);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_LE_CONN_UPDATE, 14, 27, 2, VR_STATUS, VR_ALWAYS, 0, 0, conn_update},
    {AB_HCI_LE_CONN_PARAM_REPLY, 14, 33, 4, VR_COMPLETE, VR_FEAT_PARAM_REQUEST, 2, VR_ECHO_HANDLE,
     param_reply},
    {AB_HCI_LE_CONN_PARAM_NEG_REPLY, 3, 33, 5, VR_COMPLETE, VR_FEAT_PARAM_REQUEST, 2,
     VR_ECHO_HANDLE, param_neg_reply},
};
const vr_command_table vr_update_commands = {commands, sizeof commands / sizeof *commands};
