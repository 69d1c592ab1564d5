/* SPDX-License-Identifier: MIT */
/*
 * Scanning (Core Vol 4, Part E, 7.8.10, 7.8.11 and 7.7.65.2): a report for each advertising event
 * heard and, when scanning actively, one more for the scan response.
 *
 * The duplicate filter is a hash set of what was reported. It remembers as many advertisers as the
 * controller's options say; when full it forgets them all, so they are reported again: as with real
 * controllers, a host cannot rely on it.
 */
#include "virtual/vr_priv.h"

enum { INTERVAL_MIN = 4, INTERVAL_MAX = 0x4000, ACTIVE = 1, ACCEPT_LIST = 1, PRIVATE_TARGETS = 2 };

/* ---- the duplicate filter ---- */

/* never zero, which marks a free place */
static uint64_t key_of(const vr_who *who, uint8_t report_type) {
  uint64_t key = 0;

  for (size_t i = 0; i < sizeof who->addr.b; i++)
    key = key << 8 | who->addr.b[i];
  key = key << 2 | who->type;
  key = key << 1 | (report_type == AB_HCI_REPORT_SCAN_RSP);
  return key << 1 | 1;
}

static uint64_t *place_of(vr_scanning *s, uint64_t key) {
  uint64_t i = key * 0x9e3779b97f4a7c15u >> 32;

  for (;; i++) {
    uint64_t *place = &s->seen[i & (s->seen_size - 1)];

    if (!*place || *place == key)
      return place;
  }
}

static void forget_all(vr_scanning *s) {
  memset(s->seen, 0, s->seen_size * sizeof *s->seen);
  s->seen_count = 0;
}

/* true: reported before */
static bool seen(vr_ctrl *c, uint64_t key) {
  vr_scanning *s = &c->scan;
  uint64_t *place;

  if (!s->seen)
    return false;
  place = place_of(s, key);
  if (*place)
    return true;
  if (s->seen_count == c->options.duplicate_filter) {
    forget_all(s);
    place = place_of(s, key);
  }
  *place = key;
  s->seen_count++;
  return false;
}

/* at most half full, so a free place is near */
static bool filter_new(vr_ctrl *c) {
  uint32_t size = 2;

  while (size < 2u * c->options.duplicate_filter)
    size *= 2;
  c->scan.seen = ab_zalloc(&c->radio->env, size * sizeof *c->scan.seen);
  c->scan.seen_size = size;
  c->scan.seen_count = 0;
  return c->scan.seen;
}

static void filter_free(vr_ctrl *c) {
  ab_free(&c->radio->env, c->scan.seen);
  c->scan.seen = NULL;
}

/* ---- reports ---- */

static void report(vr_ctrl *c, const vr_adv *adv, const vr_who *who, uint8_t type) {
  bool response = type == AB_HCI_REPORT_SCAN_RSP, directed = type == AB_HCI_REPORT_DIRECT_IND;
  uint8_t len = directed ? 0 : response ? adv->rsp_len : adv->data_len;
  ab_buf *buf;
  ab_wr w;

  if (!vr_le_event_wanted(c, AB_HCI_LE_EV_ADV_REPORT) || seen(c, key_of(who, type)))
    return;
  if (c->to_host_count >= VR_REPORTS_QUEUED) {
    c->stats.reports_dropped++;
    return;
  }
  buf = vr_event_new(c, AB_HCI_EV_LE_META, 3u + ab_hci_le_adv_report_size + len);
  if (!buf)
    return;
  w = ab_buf_writer(buf);
  ab_wr_u8(&w, AB_HCI_LE_EV_ADV_REPORT);
  ab_wr_u8(&w, 1);
  ab_hci_le_adv_report_write(
      &w,
      &(ab_hci_le_adv_report){.type = type, .addr_type = who->type, .addr = who->addr, .len = len});
  ab_wr_bytes(&w, response ? adv->rsp.b : adv->data.b, len);
  ab_wr_s8(&w, vr_rssi(&c->place, &adv->place));
  ab_buf_wrote(buf, &w);
  c->stats.reports++;
  vr_ctrl_to_host(c, buf);
}

/* directed advertising is for one device, or for whoever can tell whether it is the one */
static bool addressed(vr_ctrl *c, const vr_adv *adv, const vr_who *who) {
  vr_addr own = {0};

  if (!vr_adv_directed(adv->type))
    return true;
  if (c->scan.params.filter_policy & PRIVATE_TARGETS && vr_addr_is_rpa(&adv->target))
    return true;
  return vr_own_addr(c, c->scan.params.own_addr_type, who->type, &who->addr, &own) &&
         vr_is_own(c, &adv->target, &own);
}

/* the advertiser answers our scan request */
static bool answers(vr_ctrl *c, vr_adv *adv, const vr_who *who) {
  vr_addr own;
  vr_who we;

  if (c->scan.params.type != ACTIVE ||
      (adv->type != AB_HCI_ADV_IND && adv->type != AB_HCI_ADV_SCAN_IND))
    return false;
  if (!vr_own_addr(c, c->scan.params.own_addr_type, who->type, &who->addr, &own))
    return false;
  if (!(adv->filter_policy & 1))
    return true;
  we = vr_identify(adv->ctrl, &own);
  return vr_accepts(adv->ctrl, &we, &own);
}

static void hear(vr_listener *l, vr_adv *adv) {
  static const uint8_t report_types[] = {
      [AB_HCI_ADV_IND] = AB_HCI_REPORT_ADV_IND,
      [AB_HCI_ADV_DIRECT_HIGH] = AB_HCI_REPORT_DIRECT_IND,
      [AB_HCI_ADV_SCAN_IND] = AB_HCI_REPORT_SCAN_IND,
      [AB_HCI_ADV_NONCONN_IND] = AB_HCI_REPORT_NONCONN_IND,
      [AB_HCI_ADV_DIRECT_LOW] = AB_HCI_REPORT_DIRECT_IND,
  };
  vr_ctrl *c = l->ctrl;
  vr_who who = vr_identify(c, &adv->own);

  if (who.ignored || !addressed(c, adv, &who))
    return;
  if (c->scan.params.filter_policy & ACCEPT_LIST && !vr_accepts(c, &who, &adv->own))
    return;
  report(c, adv, &who, report_types[adv->type]);
  if (answers(c, adv, &who))
    report(c, adv, &who, AB_HCI_REPORT_SCAN_RSP);
}

/* ---- commands ---- */

void vr_scan_init(vr_ctrl *c) {
  c->scan.air.ctrl = c;
  c->scan.air.hear = hear;
  ab_list_init(&c->scan.air.node);
}

void vr_scan_off(vr_ctrl *c) {
  vr_listen_stop(&c->scan.air);
  filter_free(c);
  c->scan.on = false;
}

static uint8_t set_params(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_scan_params p;

  (void) ret;
  ab_hci_le_scan_params_read(params, &p);
  if (c->scan.on)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (p.type > ACTIVE || p.interval < INTERVAL_MIN || p.interval > INTERVAL_MAX ||
      p.window < INTERVAL_MIN || p.window > p.interval || p.own_addr_type > 3 ||
      p.filter_policy > 3)
    return AB_HCI_ERR_INVALID_PARAMS;
  c->scan.params = p;
  return AB_HCI_OK;
}

static uint8_t enable(vr_ctrl *c, bool filter) {
  static const ab_addr6 nobody;
  const ab_hci_le_scan_params *p = &c->scan.params;
  vr_addr own;

  if (!c->scan.on &&
      (c->testing || !vr_state_allowed(c, p->type == ACTIVE ? VR_SCAN_ACTIVE : VR_SCAN_PASSIVE)))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (!vr_own_addr(c, p->own_addr_type, 0, &nobody, &own))
    return AB_HCI_ERR_INVALID_PARAMS;
  filter_free(c);
  if (filter && !filter_new(c))
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  c->scan.on = true;
  vr_listen(&c->scan.air, p->interval, p->window);
  return AB_HCI_OK;
}

static uint8_t set_enable(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_scan_enable p;

  (void) ret;
  ab_hci_le_scan_enable_read(params, &p);
  if (p.enable > 1 || p.filter_duplicates > 1)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (p.enable)
    return enable(c, p.filter_duplicates);
  vr_scan_off(c);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_LE_SET_SCAN_PARAMS, 7, 26, 2, VR_COMPLETE, VR_ALWAYS, 0, 0, set_params},
    {AB_HCI_LE_SET_SCAN_ENABLE, 2, 26, 3, VR_COMPLETE, VR_ALWAYS, 0, 0, set_enable},
};
const vr_command_table vr_scan_commands = {commands, sizeof commands / sizeof *commands};
