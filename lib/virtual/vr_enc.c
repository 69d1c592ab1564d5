/* SPDX-License-Identifier: MIT */
/*
 * Encryption (Core Vol 4, Part E, 7.8.24 to 7.8.26; Vol 6, Part B, 5.1.3).
 *
 * 1. the central's host enables it: LL_ENC_REQ; from here data of both ends waits
 * 2. the peripheral's host is asked for the key: LE Long Term Key Request
 * 3. it has none: LL_REJECT, and the central's host has Encryption Change with 0x06; if the link
 * was encrypted already it ends instead, with that reason
 * 4. it has one: LL_START_ENC_REQ. The same key at both ends: Encryption Change (again: Encryption
 *    Key Refresh Complete) at both hosts, and data moves again. Another key: the first encrypted
 *    packet fails its check, the link ends at both sides with 0x3d
 *
 * Nothing on this air needs to be secret, so what is encrypted is only marked so.
 */
#include "virtual/vr_priv.h"

bool vr_enc_holds_data(const vr_link *l) {
  return l->enc.phase != VR_ENC_NONE;
}

static void over(vr_link *l) {
  l->enc.phase = VR_ENC_NONE;
  vr_acl_pump(l);
  vr_link_kick(l);
}

/* ---- 4 ---- */

static void tell_now(vr_end *e) {
  if (e->link->enc.again)
    VR_EVENT(e->ctrl, e, AB_HCI_EV_ENCRYPTION_KEY_REFRESH, hci_ev_key_refresh, .handle = e->handle);
  else
    VR_EVENT(e->ctrl, e, AB_HCI_EV_ENCRYPTION_CHANGE, hci_ev_encryption, .handle = e->handle,
             .enabled = 1);
}

static void on_late(ab_timer *timer) {
  tell_now(ab_container_of(timer, vr_end, late));
}

static void tell(vr_end *e) {
  if (e->ctrl->encryption_late_us)
    vr_timer_in(e->link->radio, &e->late, e->ctrl->encryption_late_us, on_late);
  else
    tell_now(e);
}

static void on_start(vr_end *at, const vr_pdu_args *args) {
  vr_link *l = at->link;

  (void) args;
  if (memcmp(&l->enc.central_key, &l->enc.peripheral_key, sizeof l->enc.central_key) != 0) {
    vr_link_end(l, AB_HCI_ERR_MIC_FAILURE, AB_HCI_ERR_MIC_FAILURE);
    return;
  }
  l->enc.on = true;
  tell(&l->end[AB_HCI_ROLE_CENTRAL]);
  tell(&l->end[AB_HCI_ROLE_PERIPHERAL]);
  over(l);
}

/* ---- 3 ---- */

static void on_refused(vr_end *at, const vr_pdu_args *args) {
  VR_EVENT(at->ctrl, at, AB_HCI_EV_ENCRYPTION_CHANGE, hci_ev_encryption, .status = args->reason,
           .handle = at->handle);
  over(at->link);
}

static void refuse(vr_end *peripheral, uint8_t reason) {
  if (peripheral->link->enc.again)
    vr_link_terminate(peripheral, reason);
  else
    vr_pdu_send(peripheral, on_refused, &(vr_pdu_args){.reason = reason});
}

/* ---- 2 ---- */

static void on_request(vr_end *at, const vr_pdu_args *args) {
  vr_link *l = at->link;

  (void) args;
  if (!vr_has(at->ctrl, VR_FEAT_ENCRYPTION)) {
    refuse(at, AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
    return;
  }
  if (!vr_le_event_wanted(at->ctrl, AB_HCI_LE_EV_LTK_REQUEST)) {
    refuse(at, AB_HCI_ERR_PIN_OR_KEY_MISSING);
    return;
  }
  l->enc.phase = VR_ENC_WAIT_KEY;
  vr_response_timeout(l);
  VR_LE_EVENT(at->ctrl, at, AB_HCI_LE_EV_LTK_REQUEST, hci_le_ev_ltk_request, .handle = at->handle,
              .rand = l->enc.rand, .ediv = l->enc.ediv);
}

/* ---- commands ---- */

static uint8_t enable(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_enable_enc p;
  vr_end *e;

  (void) ret;
  ab_hci_le_enable_enc_read(params, &p);
  if (!(e = vr_end_of(c, p.handle)))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (e->role != AB_HCI_ROLE_CENTRAL || vr_enc_holds_data(e->link))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  e->link->enc.phase = VR_ENC_ASKED;
  e->link->enc.again = e->link->enc.on;
  e->link->enc.rand = p.rand;
  e->link->enc.ediv = p.ediv;
  e->link->enc.central_key = p.ltk;
  vr_pdu_send(e, on_request, NULL);
  return AB_HCI_OK;
}

/* the end whose host owes a key */
static uint8_t owing(vr_ctrl *c, uint16_t handle, vr_end **e) {
  *e = vr_end_of(c, handle);
  if (!*e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if ((*e)->role != AB_HCI_ROLE_PERIPHERAL || (*e)->link->enc.phase != VR_ENC_WAIT_KEY)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  (*e)->link->enc.phase = VR_ENC_STARTING;
  vr_response_timeout((*e)->link);
  return AB_HCI_OK;
}

static uint8_t ltk_reply(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_ltk_reply p;
  uint8_t status;
  vr_end *e;

  ab_hci_le_ltk_reply_read(params, &p);
  status = owing(c, p.handle, &e);
  if (status)
    return status;
  e->link->enc.peripheral_key = p.ltk;
  vr_pdu_send(e, on_start, NULL);
  ab_wr_le16(ret, p.handle);
  return AB_HCI_OK;
}

static uint8_t ltk_neg_reply(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint16_t handle = ab_rd_le16(params);
  uint8_t status;
  vr_end *e;

  status = owing(c, handle, &e);
  if (status)
    return status;
  refuse(e, AB_HCI_ERR_PIN_OR_KEY_MISSING);
  ab_wr_le16(ret, handle);
  return AB_HCI_OK;
}

enum { FEATURE = VR_FEAT_ENCRYPTION };
static const vr_command commands[] = {
    {AB_HCI_LE_ENABLE_ENCRYPTION, 28, 28, 0, VR_STATUS, FEATURE, 0, 0, enable},
    {AB_HCI_LE_LTK_REPLY, 18, 28, 1, VR_COMPLETE, FEATURE, 2, VR_ECHO_HANDLE, ltk_reply},
    {AB_HCI_LE_LTK_NEG_REPLY, 2, 28, 2, VR_COMPLETE, FEATURE, 2, VR_ECHO_HANDLE, ltk_neg_reply},
};
const vr_command_table vr_enc_commands = {commands, sizeof commands / sizeof *commands};
