/* SPDX-License-Identifier: MIT */
/*
 * Advertising (Core Vol 4, Part E, 7.8.5 to 7.8.9), one request at a time: parameters, advertising
 * data, scan response (both always: what an earlier one left must not stay on air), enable. It
 * ends when a central connects, which the controller does by itself, or when it is removed.
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_le_adv_params)
AB_HCI_SENDER(hci_le_adv_data)
AB_HCI_SENDER(hci_u8)

enum { ALL_CHANNELS = 7 };

/* the one on air, else the one whose turn it is */
static ab_gap_adv *current(const ab_gap *gap) {
  ab_gap_request *req = gap->advs.on_air ? gap->advs.on_air : ab_gap_queue_first(&gap->advs);

  return req ? ab_container_of(req, ab_gap_adv, req) : NULL;
}

static bool wanted(const ab_gap *gap) {
  return ab_gap_queue_first(&gap->advs) != NULL;
}

static ab_le_state le_state(const ab_gap *gap) {
  const ab_gap_adv *adv = current(gap);

  switch (adv ? adv->type : AB_HCI_ADV_IND) {
  case AB_HCI_ADV_NONCONN_IND:
    return AB_LE_ADV_NONCONN;
  case AB_HCI_ADV_SCAN_IND:
    return AB_LE_ADV_SCANNABLE;
  default:
    return AB_LE_ADV_CONN;
  }
}

static bool outdated(const ab_gap *gap) {
  return ab_gap_queue_outdated(&gap->advs);
}

static int set_data(ab_gap *gap, uint16_t opcode, uint8_t len, const ab_ad31 *data) {
  ab_hci_le_adv_data rec = {.len = len, .data = *data};

  return ab_hci_send(gap->hci, &gap->activity[AB_GAP_ADV].cmd, opcode, hci_le_adv_data, &rec,
                     ab_gap_on_start_step);
}

static int start(ab_gap *gap, unsigned step) {
  static const ab_hci_u8 enable = {.value = 1};
  ab_hci_cmd *cmd = &gap->activity[AB_GAP_ADV].cmd;
  ab_gap_adv *adv = current(gap);
  ab_hci_le_adv_params params;

  gap->advs.on_air = adv ? &adv->req : NULL;
  switch (adv ? step : UINT8_MAX) {
  case 0:
    params = (ab_hci_le_adv_params){.interval_min = adv->interval,
                                    .interval_max = adv->interval,
                                    .type = adv->type,
                                    .own_addr_type = gap->own.type,
                                    .channel_map = ALL_CHANNELS};
    return ab_hci_send(gap->hci, cmd, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, &params,
                       ab_gap_on_start_step);
  case 1:
    return set_data(gap, AB_HCI_LE_SET_ADV_DATA, adv->adv_len, &adv->adv);
  case 2:
    return set_data(gap, AB_HCI_LE_SET_SCAN_RSP_DATA, adv->rsp_len, &adv->rsp);
  case 3:
    return ab_hci_send(gap->hci, cmd, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, &enable,
                       ab_gap_on_start_step);
  default:
    return AIOBLE_EOF;
  }
}

static void reap(ab_gap *gap) {
  ab_gap_queue_reap(&gap->advs, &gap->activity[AB_GAP_ADV]);
}

static void failed(ab_gap *gap, int status) {
  ab_gap_adv *adv = current(gap);

  if (adv)
    ab_gap_queue_end(&gap->advs, &adv->req, status, NULL);
}

static void end_all(ab_gap *gap, int status) {
  ab_gap_queue_end_all(&gap->advs, status);
}

const ab_gap_kind_ops ab_gap_adv_ops = {
    .wanted = wanted,
    .le_state = le_state,
    .outdated = outdated,
    .start = start,
    .reap = reap,
    .failed = failed,
    .end_all = end_all,
    .stop_opcode = AB_HCI_LE_SET_ADV_ENABLE,
    .stop_len = 1,
    .stop_params = {0},
};

void ab_gap_adv_add(ab_gap *gap, ab_gap_adv *adv) {
  ab_gap_queue_add(gap, &gap->advs, &adv->req);
}

/* the controller has stopped advertising by itself */
void ab_gap_adv_connected(ab_gap *gap, int status, const ab_hci_le_ev_enh_conn_complete *ev) {
  ab_gap_activity *a = &gap->activity[AB_GAP_ADV];
  ab_gap_request *req = gap->advs.on_air;
  ab_gap_link *link = NULL;

  if (a->state == AB_GAP_ON)
    a->state = AB_GAP_OFF;
  status = ab_gap_queue_connected(gap, &gap->advs, status, ev, &link);
  if (req)
    ab_gap_queue_end(&gap->advs, req, status, link);
  if (link)
    ab_gap_init_satisfied(gap, link);
}
