/* SPDX-License-Identifier: MIT */
/*
 * Advertising (Core Vol 4, Part E, 7.8.5 to 7.8.9; Vol 6, Part B, 4.4.2), of controllers and of
 * beacons.
 *
 * While somebody listens, each advertiser has a timer for its next event: an interval and a random
 * 0 to 10 ms after the one before (high duty cycle: without the delay, for 1.28 s). An event is
 * heard by every listener whose window is open on one of its channels. When nobody listens the
 * timers are not started again; the first listener starts them all.
 */
#include "virtual/vr_priv.h"

enum {
  HIGH_DUTY_US = 3750,
  HIGH_DUTY_TIMEOUT_US = 1280000,
  INTERVAL_MIN = 0x20,
  INTERVAL_MAX = 0x4000,
  CHANNELS = 3,
};

bool vr_adv_connectable(uint8_t type) {
  return type == AB_HCI_ADV_IND || vr_adv_directed(type);
}

bool vr_adv_directed(uint8_t type) {
  return type == AB_HCI_ADV_DIRECT_HIGH || type == AB_HCI_ADV_DIRECT_LOW;
}

/* ---- who listens ---- */

void vr_listen(vr_listener *l, uint16_t interval, uint16_t window) {
  vr_radio *r = l->ctrl->radio;

  l->since_us = r->env.now_us;
  l->interval_us = interval * (uint32_t) VR_SLOT_US;
  l->window_us = window * (uint32_t) VR_SLOT_US;
  if (ab_list_linked(&l->node))
    return;
  ab_list_push(&r->listeners, &l->node);
  if (l->node.prev == &r->listeners)
    vr_adv_resume_all(r);
}

void vr_listen_stop(vr_listener *l) {
  ab_list_remove(&l->node);
}

/* a window is one channel; the next one is the next channel */
bool vr_listening(const vr_listener *l, const vr_adv *adv) {
  uint64_t t = adv->radio->env.now_us - l->since_us;

  return l->ctrl != adv->ctrl && t % l->interval_us < l->window_us &&
         vr_bit(adv->channels, (unsigned) (t / l->interval_us % CHANNELS)) &&
         (!adv->ctrl || vr_in_range(adv->radio, l->ctrl, adv->ctrl));
}

/* ---- events ---- */

static void on_event(ab_timer *timer);

static void start_timer(vr_adv *adv) {
  vr_timer_at(adv->radio, &adv->event, adv->next_us, on_event);
}

static void next_event(vr_adv *adv, uint64_t from_us) {
  adv->next_us = from_us + adv->interval_us;
  if (adv->type != AB_HCI_ADV_DIRECT_HIGH)
    adv->next_us += vr_random_below(adv->radio, VR_ADV_DELAY_US + 1);
}

/* a private address of our own does not live for ever */
static void refresh_own(vr_adv *adv) {
  const ab_hci_le_adv_params *p;

  if (!adv->ctrl)
    return;
  p = &adv->ctrl->adv.params;
  if (p->own_addr_type > AIOBLE_ADDR_RANDOM)
    vr_own_addr(adv->ctrl, p->own_addr_type, p->peer_addr_type, &p->peer_addr, &adv->own);
}

static void on_event(ab_timer *timer) {
  vr_adv *adv = ab_container_of(timer, vr_adv, event);
  vr_radio *r = adv->radio;

  next_event(adv, r->env.now_us);
  if (ab_list_empty(&r->listeners))
    return;
  start_timer(adv);
  refresh_own(adv);
  if (adv->ctrl)
    adv->ctrl->stats.adv_events++;
  AB_LIST_EACH(n, &r->listeners) {
    vr_listener *l = ab_container_of(n, vr_listener, node);

    if (vr_listening(l, adv))
      l->hear(l, adv);
  }
}

/* the events that nobody heard are behind us */
static void resume(vr_adv *adv) {
  uint64_t now = adv->radio->env.now_us;

  if (adv->event.running)
    return;
  if (adv->next_us < now)
    adv->next_us = now + vr_random_below(adv->radio, adv->interval_us);
  start_timer(adv);
}

void vr_adv_resume_all(vr_radio *r) {
  AB_LIST_EACH(n, &r->advertisers)
    resume(ab_container_of(n, vr_adv, node));
}

void vr_adv_init(vr_adv *adv, vr_radio *r, vr_ctrl *ctrl) {
  ab_list_init(&adv->node);
  adv->radio = r;
  adv->ctrl = ctrl;
}

void vr_adv_start(vr_adv *adv) {
  vr_radio *r = adv->radio;

  vr_adv_stop(adv);
  adv->on = true;
  ab_list_push(&r->advertisers, &adv->node);
  adv->next_us = r->env.now_us + 1 + vr_random_below(r, VR_ADV_DELAY_US);
  if (!ab_list_empty(&r->listeners))
    start_timer(adv);
}

void vr_adv_stop(vr_adv *adv) {
  adv->on = false;
  vr_timer_stop(adv->radio, &adv->event);
  ab_list_remove(&adv->node);
}

/* ---- a controller's advertising ---- */

void vr_adv_off(vr_ctrl *c) {
  vr_adv_stop(&c->adv.air);
  vr_timer_stop(c->radio, &c->adv.timeout);
}

static void on_timeout(ab_timer *timer) {
  vr_ctrl *c = ab_container_of(timer, vr_ctrl, adv.timeout);

  vr_adv_off(c);
  vr_connect_complete(c, NULL, AB_HCI_ERR_ADV_TIMEOUT, AB_HCI_ROLE_PERIPHERAL);
}

static bool params_valid(const ab_hci_le_adv_params *p) {
  bool interval_ok = p->interval_min >= INTERVAL_MIN && p->interval_max <= INTERVAL_MAX &&
                     p->interval_min <= p->interval_max;

  return p->type <= AB_HCI_ADV_DIRECT_LOW && p->own_addr_type <= 3 &&
         p->peer_addr_type <= AIOBLE_ADDR_RANDOM && p->channel_map && p->channel_map <= 7 &&
         p->filter_policy <= 3 && (interval_ok || p->type == AB_HCI_ADV_DIRECT_HIGH);
}

static uint8_t set_params(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_adv_params p;

  (void) ret;
  ab_hci_le_adv_params_read(params, &p);
  if (c->adv.air.on)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (!params_valid(&p))
    return AB_HCI_ERR_INVALID_PARAMS;
  c->adv.params = p;
  return AB_HCI_OK;
}

static uint8_t read_tx_power(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) c, (void) params;
  ab_wr_s8(ret, 0);
  return AB_HCI_OK;
}

static uint8_t read_max_len(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) c, (void) params;
  ab_wr_le16(ret, VR_AD_MAX);
  return AB_HCI_OK;
}

static uint8_t data_of(ab_rd *params, uint8_t *len, ab_ad31 *data) {
  ab_hci_le_adv_data p;

  ab_hci_le_adv_data_read(params, &p);
  if (p.len > VR_AD_MAX)
    return AB_HCI_ERR_INVALID_PARAMS;
  *len = p.len;
  *data = p.data;
  return AB_HCI_OK;
}

static uint8_t set_data(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  return data_of(params, &c->adv.air.data_len, &c->adv.air.data);
}

static uint8_t set_scan_rsp(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  return data_of(params, &c->adv.air.rsp_len, &c->adv.air.rsp);
}

static uint8_t enable(vr_ctrl *c) {
  const ab_hci_le_adv_params *p = &c->adv.params;
  vr_adv *air = &c->adv.air;

  if (!air->on && (c->testing || !vr_state_allowed(c, vr_adv_activity(p->type))))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (!vr_own_addr(c, p->own_addr_type, p->peer_addr_type, &p->peer_addr, &air->own))
    return AB_HCI_ERR_INVALID_PARAMS;
  if (vr_adv_connectable(p->type) && !vr_slot_free(c))
    return AB_HCI_ERR_LIMIT_REACHED;
  air->type = p->type;
  air->channels = p->channel_map;
  air->filter_policy = vr_adv_directed(p->type) ? 0 : p->filter_policy;
  air->target = vr_target_addr(c, p->peer_addr_type, &p->peer_addr);
  air->place = c->place;
  air->interval_us = p->type == AB_HCI_ADV_DIRECT_HIGH ? (uint32_t) HIGH_DUTY_US
                                                       : p->interval_min * (uint32_t) VR_SLOT_US;
  vr_adv_start(air);
  if (p->type == AB_HCI_ADV_DIRECT_HIGH)
    vr_timer_in(c->radio, &c->adv.timeout, HIGH_DUTY_TIMEOUT_US, on_timeout);
  return AB_HCI_OK;
}

static uint8_t set_enable(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint8_t on = ab_rd_u8(params);

  (void) ret;
  if (on > 1)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (on)
    return enable(c);
  vr_adv_off(c);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_LE_SET_ADV_PARAMS, 15, 25, 5, VR_COMPLETE, VR_ALWAYS, 0, 0, set_params},
    {AB_HCI_LE_READ_ADV_TX_POWER, 0, 25, 6, VR_COMPLETE, VR_ALWAYS, 1, 0, read_tx_power},
    {AB_HCI_LE_SET_ADV_DATA, 32, 25, 7, VR_COMPLETE, VR_ALWAYS, 0, 0, set_data},
    {AB_HCI_LE_SET_SCAN_RSP_DATA, 32, 26, 0, VR_COMPLETE, VR_ALWAYS, 0, 0, set_scan_rsp},
    {AB_HCI_LE_SET_ADV_ENABLE, 1, 26, 1, VR_COMPLETE, VR_ALWAYS, 0, 0, set_enable},
    {AB_HCI_LE_READ_MAX_ADV_DATA_LEN, 0, 36, 6, VR_COMPLETE, VR_ALWAYS, 2, 0, read_max_len},
};
const vr_command_table vr_adv_commands = {commands, sizeof commands / sizeof *commands};
