/* SPDX-License-Identifier: MIT */
/*
 * Link-layer procedures that one end asks and the other end's controller answers by itself:
 * version, features, data length, PHY (Core Vol 6, Part B, 5.1); and what a host sets or reads of a
 * link.
 *
 * Each is a question and an answer, one connection event apart; `asked` keeps a host from asking
 * twice at a time.
 */
#include "virtual/vr_priv.h"

enum { ASKED_VERSION = 1, ASKED_FEATURES = 2, ASKED_PHY = 4 };
enum { PHY_1M = 1, PHY_2M = 2, PHYS_KNOWN = 7, ANY_TX = 1, ANY_RX = 2, CODED_OPTIONS_MAX = 2 };
enum { TIME_MIN = VR_LL_TIME_MIN, TIME_MAX = 0x4290, AUTH_TIMEOUT = 0x0bb8, AUTH_UNIT_US = 10000 };

/* a procedure that a host starts on a link: the end, or why not */
static uint8_t ask(vr_ctrl *c, uint16_t handle, uint8_t what, vr_end **e) {
  *e = vr_end_of(c, handle);
  if (!*e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if ((*e)->asked & what)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  (*e)->asked |= what;
  return AB_HCI_OK;
}

static void answered(vr_end *e, uint8_t what) {
  e->asked = (uint8_t) (e->asked & ~what);
}

/* ---- version, 7.1.23 ---- */

static void on_version(vr_end *at, const vr_pdu_args *args) {
  (void) args;
  answered(at, ASKED_VERSION);
  VR_EVENT(at->ctrl, at, AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE, hci_ev_remote_version,
           .handle = at->handle, .version = VR_HCI_VERSION, .manufacturer = VR_COMPANY);
}

static void on_version_asked(vr_end *at, const vr_pdu_args *args) {
  vr_pdu_send(at, on_version, args);
}

static uint8_t read_remote_version(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_end *e;
  uint8_t status = ask(c, ab_rd_le16(params), ASKED_VERSION, &e);

  (void) ret;
  if (!status)
    vr_pdu_send(e, on_version_asked, NULL);
  return status;
}

/* ---- features, 7.8.21 ---- */

static void on_features(vr_end *at, const vr_pdu_args *args) {
  answered(at, ASKED_FEATURES);
  VR_LE_EVENT(at->ctrl, at, AB_HCI_LE_EV_REMOTE_FEATURES_COMPLETE, hci_le_ev_remote_features,
              .status = args->reason, .handle = at->handle,
              .features = args->reason ? 0 : vr_peer(at)->ctrl->le_features);
}

/* a central need not know how to answer */
static void on_features_asked(vr_end *at, const vr_pdu_args *args) {
  bool knows = at->role == AB_HCI_ROLE_PERIPHERAL || vr_has(at->ctrl, VR_FEAT_PERIPHERAL_FEATURES);

  (void) args;
  vr_pdu_send(at, on_features,
              &(vr_pdu_args){.reason = knows ? AB_HCI_OK : AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE});
}

static uint8_t read_remote_features(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint16_t handle = ab_rd_le16(params);
  vr_end *e = vr_end_of(c, handle);
  uint8_t status;

  (void) ret;
  if (e && e->role == AB_HCI_ROLE_PERIPHERAL && !vr_has(c, VR_FEAT_PERIPHERAL_FEATURES))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  status = ask(c, handle, ASKED_FEATURES, &e);
  if (!status)
    vr_pdu_send(e, on_features_asked, NULL);
  return status;
}

/* ---- data length, 7.8.33 to 7.8.35, 7.8.46 ---- */

static uint16_t least(uint16_t a, uint16_t b) {
  return a < b ? a : b;
}

static void lengths_settle(vr_end *e) {
  const vr_end *peer = vr_peer(e);
  vr_lengths now = {
      least(e->want_octets, VR_LL_OCTETS),
      least(e->want_time, VR_LL_TIME),
      least(peer->want_octets, VR_LL_OCTETS),
      least(peer->want_time, VR_LL_TIME),
  };

  if (memcmp(&now, &e->lengths, sizeof now) == 0)
    return;
  e->lengths = now;
  VR_LE_EVENT(e->ctrl, e, AB_HCI_LE_EV_DATA_LENGTH_CHANGE, hci_le_ev_data_length,
              .handle = e->handle, .max_tx_octets = now.tx_octets, .max_tx_time = now.tx_time,
              .max_rx_octets = now.rx_octets, .max_rx_time = now.rx_time);
}

static void on_length(vr_end *at, const vr_pdu_args *args) {
  (void) args;
  lengths_settle(at);
}

static void on_length_asked(vr_end *at, const vr_pdu_args *args) {
  if (!vr_has(at->ctrl, VR_FEAT_DATA_LENGTH))
    return;
  lengths_settle(at);
  vr_pdu_send(at, on_length, args);
}

static bool length_valid(uint16_t octets, uint16_t time) {
  return octets >= VR_LL_OCTETS_MIN && octets <= VR_LL_OCTETS && time >= TIME_MIN &&
         time <= TIME_MAX;
}

static uint8_t set_data_length(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_data_length p;
  vr_end *e;

  ab_hci_le_data_length_read(params, &p);
  if (!(e = vr_end_of(c, p.handle)))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (!length_valid(p.tx_octets, p.tx_time))
    return AB_HCI_ERR_INVALID_PARAMS;
  e->want_octets = p.tx_octets;
  e->want_time = p.tx_time;
  vr_pdu_send(e, on_length_asked, NULL);
  ab_wr_le16(ret, p.handle);
  return AB_HCI_OK;
}

static uint8_t read_default_length(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_le16(ret, c->suggested_octets);
  ab_wr_le16(ret, c->suggested_time);
  return AB_HCI_OK;
}

static uint8_t write_default_length(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_default_data_length p;

  (void) ret;
  ab_hci_le_default_data_length_read(params, &p);
  if (!length_valid(p.tx_octets, p.tx_time))
    return AB_HCI_ERR_INVALID_PARAMS;
  c->suggested_octets = p.tx_octets;
  c->suggested_time = p.tx_time;
  return AB_HCI_OK;
}

static uint8_t read_max_length(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) c, (void) params;
  ab_hci_le_max_data_length_ret_write(
      ret, &(ab_hci_le_max_data_length_ret){VR_LL_OCTETS, VR_LL_TIME, VR_LL_OCTETS, VR_LL_TIME});
  return AB_HCI_OK;
}

/* ---- PHY, 7.8.47 to 7.8.49 ---- */

static uint8_t phys_of(const vr_ctrl *c) {
  return vr_has(c, VR_FEAT_2M) ? 1 << (PHY_1M - 1) | 1 << (PHY_2M - 1) : 1 << (PHY_1M - 1);
}

static uint8_t fastest(unsigned phys, uint8_t otherwise) {
  if (phys & 1 << (PHY_2M - 1))
    return PHY_2M;
  return phys & 1 << (PHY_1M - 1) ? PHY_1M : otherwise;
}

static bool phy_set(vr_end *e, uint8_t tx, uint8_t rx) {
  bool changed = e->tx_phy != tx || e->rx_phy != rx;

  e->tx_phy = tx;
  e->rx_phy = rx;
  return changed;
}

static void phy_event(vr_end *e, uint8_t status) {
  VR_LE_EVENT(e->ctrl, e, AB_HCI_LE_EV_PHY_UPDATE_COMPLETE, hci_le_ev_phy, .status = status,
              .handle = e->handle, .tx = e->tx_phy, .rx = e->rx_phy);
}

/* the answer says what the asking end is to use; nothing: its peer knows no PHY but one */
static void on_phy(vr_end *at, const vr_pdu_args *args) {
  answered(at, ASKED_PHY);
  if (args->phys.tx)
    phy_set(at, args->phys.tx, args->phys.rx);
  phy_event(at, args->phys.tx ? AB_HCI_OK : AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE);
}

static void on_phy_asked(vr_end *at, const vr_pdu_args *args) {
  uint8_t rx = fastest(args->phys.tx & at->rx_phys, at->rx_phy);
  uint8_t tx = fastest(args->phys.rx & at->tx_phys, at->tx_phy);

  if (!vr_has(at->ctrl, VR_FEAT_2M)) {
    vr_pdu_send(at, on_phy, &(vr_pdu_args){.phys = {0, 0}});
    return;
  }
  vr_pdu_send(at, on_phy, &(vr_pdu_args){.phys = {rx, tx}});
  if (phy_set(at, tx, rx))
    phy_event(at, AB_HCI_OK);
}

/* preferences of a host: 0xff, any; else bits, of which one must be there and all be known */
static uint8_t phys_wanted(const vr_ctrl *c, uint8_t all, uint8_t *tx, uint8_t *rx) {
  if (all & ANY_TX)
    *tx = phys_of(c);
  if (all & ANY_RX)
    *rx = phys_of(c);
  if (all > (ANY_TX | ANY_RX) || !*tx || !*rx || *tx > PHYS_KNOWN || *rx > PHYS_KNOWN)
    return AB_HCI_ERR_INVALID_PARAMS;
  return (*tx | *rx) & ~phys_of(c) ? AB_HCI_ERR_UNSUPPORTED_FEATURE : AB_HCI_OK;
}

static uint8_t read_phy(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  const vr_end *e = vr_end_of(c, ab_rd_le16(params));

  if (!e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  ab_hci_le_phy_ret_write(ret, &(ab_hci_le_phy_ret){e->handle, e->tx_phy, e->rx_phy});
  return AB_HCI_OK;
}

static uint8_t set_default_phy(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_default_phy p;
  uint8_t status;

  (void) ret;
  ab_hci_le_default_phy_read(params, &p);
  status = phys_wanted(c, p.all, &p.tx, &p.rx);
  if (status)
    return status;
  c->default_tx_phys = p.tx;
  c->default_rx_phys = p.rx;
  return AB_HCI_OK;
}

static uint8_t set_phy(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_set_phy p;
  uint8_t status;
  vr_end *e;

  (void) ret;
  ab_hci_le_set_phy_read(params, &p);
  if (!vr_end_of(c, p.handle))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  status = phys_wanted(c, p.all, &p.tx, &p.rx);
  if (status || p.options > CODED_OPTIONS_MAX)
    return status ? status : AB_HCI_ERR_INVALID_PARAMS;
  status = ask(c, p.handle, ASKED_PHY, &e);
  if (status)
    return status;
  e->tx_phys = p.tx;
  e->rx_phys = p.rx;
  vr_pdu_send(e, on_phy_asked, &(vr_pdu_args){.phys = {p.tx, p.rx}});
  return AB_HCI_OK;
}

/* ---- channel map, 7.8.19 and 7.8.20: the central's word ---- */

enum { CHANNELS_RESERVED = 0xe0 }; /* of the last octet: there are 37 */

static uint8_t set_channels(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_chmap5 map = ab_rd_chmap5(params), none = {{0}};

  (void) ret;
  if (map.b[4] & CHANNELS_RESERVED || memcmp(&map, &none, sizeof map) == 0)
    return AB_HCI_ERR_INVALID_PARAMS;
  c->channels = map;
  return AB_HCI_OK;
}

static uint8_t read_channels(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  const vr_end *e = vr_end_of(c, ab_rd_le16(params));
  const vr_ctrl *central;

  if (!e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  central = e->link->end[AB_HCI_ROLE_CENTRAL].ctrl;
  ab_wr_le16(ret, e->handle);
  ab_wr_chmap5(ret, central ? central->channels : c->channels);
  return AB_HCI_OK;
}

/* ---- authenticated payload timeout, 7.3.93, 7.3.94 and 7.7.75 ---- */

static void on_unauthenticated(ab_timer *timer) {
  vr_end *e = ab_container_of(timer, vr_end, auth);

  VR_EVENT(e->ctrl, e, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED, hci_handle, .handle = e->handle);
  vr_auth_silence(e, true);
}

void vr_auth_silence(vr_end *e, bool silent) {
  vr_radio *r = e->link->radio;

  if (!silent)
    vr_timer_stop(r, &e->auth);
  else if (e->state == VR_END_UP && e->link->enc.on && vr_has(e->ctrl, VR_FEAT_PING))
    vr_timer_in(r, &e->auth, e->auth_timeout * (uint64_t) AUTH_UNIT_US, on_unauthenticated);
}

static uint8_t read_auth_timeout(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  const vr_end *e = vr_end_of(c, ab_rd_le16(params));

  if (!e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  ab_wr_le16(ret, e->handle);
  ab_wr_le16(ret, e->auth_timeout);
  return AB_HCI_OK;
}

/* not shorter than the time in which a peripheral may sleep: 10 ms against intervals of 1.25 ms */
static uint8_t write_auth_timeout(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_auth_payload p;
  vr_end *e;

  ab_hci_auth_payload_read(params, &p);
  if (!(e = vr_end_of(c, p.handle)))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (!p.timeout || p.timeout * 8u < e->link->params.interval * (e->link->params.latency + 1u))
    return AB_HCI_ERR_INVALID_PARAMS;
  e->auth_timeout = p.timeout;
  ab_wr_le16(ret, p.handle);
  return AB_HCI_OK;
}

/* ---- power, 7.3.35 and 7.5.4 ---- */

enum { RSSI_UNKNOWN = 127 };

static uint8_t read_rssi(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint16_t handle = ab_rd_le16(params);
  const vr_end *e = vr_end_of(c, handle);
  const vr_ctrl *peer;

  if (!e)
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  peer = e->link->end[!e->role].ctrl;
  ab_wr_le16(ret, handle);
  ab_wr_s8(ret, peer ? vr_rssi(&c->place, &peer->place) : (int8_t) RSSI_UNKNOWN);
  return AB_HCI_OK;
}

static uint8_t read_tx_power(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_tx_power_level p;

  ab_hci_tx_power_level_read(params, &p);
  if (!vr_end_of(c, p.handle))
    return AB_HCI_ERR_UNKNOWN_CONNECTION;
  if (p.type > 1)
    return AB_HCI_ERR_INVALID_PARAMS;
  ab_hci_tx_power_level_ret_write(ret, &(ab_hci_tx_power_level_ret){.handle = p.handle});
  return AB_HCI_OK;
}

/* ---- a new link ---- */

void vr_ll_init(vr_end *e) {
  const vr_ctrl *c = e->ctrl;

  e->want_octets = c->suggested_octets;
  e->want_time = c->suggested_time;
  e->lengths = (vr_lengths){VR_LL_OCTETS_MIN, VR_LL_TIME_MIN, VR_LL_OCTETS_MIN, VR_LL_TIME_MIN};
  e->tx_phys = c->default_tx_phys & phys_of(c);
  e->rx_phys = c->default_rx_phys & phys_of(c);
  e->tx_phy = e->rx_phy = PHY_1M;
  e->auth_timeout = AUTH_TIMEOUT;
}

void vr_ll_connected(vr_end *e) {
  if (vr_has(e->ctrl, VR_FEAT_DATA_LENGTH) && e->want_octets > VR_LL_OCTETS_MIN)
    vr_pdu_send(e, on_length_asked, NULL);
}

static const vr_command commands[] = {
    {AB_HCI_READ_REMOTE_VERSION, 2, 2, 7, VR_STATUS, VR_ALWAYS, 0, 0, read_remote_version},
    {AB_HCI_LE_READ_REMOTE_FEATURES, 2, 27, 5, VR_STATUS, VR_ALWAYS, 0, 0, read_remote_features},
    {AB_HCI_LE_SET_DATA_LENGTH, 6, 33, 6, VR_COMPLETE, VR_FEAT_DATA_LENGTH, 2, VR_ECHO_HANDLE,
     set_data_length},
    {AB_HCI_LE_READ_DEFAULT_DATA_LENGTH, 0, 33, 7, VR_COMPLETE, VR_FEAT_DATA_LENGTH, 4, 0,
     read_default_length},
    {AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, 4, 34, 0, VR_COMPLETE, VR_FEAT_DATA_LENGTH, 0, 0,
     write_default_length},
    {AB_HCI_LE_READ_MAX_DATA_LENGTH, 0, 35, 3, VR_COMPLETE, VR_FEAT_DATA_LENGTH, 8, 0,
     read_max_length},
    {AB_HCI_LE_READ_PHY, 2, 35, 4, VR_COMPLETE, VR_FEAT_2M, 4, VR_ECHO_HANDLE, read_phy},
    {AB_HCI_LE_SET_DEFAULT_PHY, 3, 35, 5, VR_COMPLETE, VR_FEAT_2M, 0, 0, set_default_phy},
    {AB_HCI_LE_SET_PHY, 7, 35, 6, VR_STATUS, VR_FEAT_2M, 0, 0, set_phy},
    {AB_HCI_LE_SET_CHANNEL_CLASS, 5, 27, 3, VR_COMPLETE, VR_ALWAYS, 0, 0, set_channels},
    {AB_HCI_LE_READ_CHANNEL_MAP, 2, 27, 4, VR_COMPLETE, VR_ALWAYS, 7, VR_ECHO_HANDLE,
     read_channels},
    {AB_HCI_READ_AUTH_PAYLOAD_TIMEOUT, 2, 32, 4, VR_COMPLETE, VR_FEAT_PING, 4, VR_ECHO_HANDLE,
     read_auth_timeout},
    {AB_HCI_WRITE_AUTH_PAYLOAD_TIMEOUT, 4, 32, 5, VR_COMPLETE, VR_FEAT_PING, 2, VR_ECHO_HANDLE,
     write_auth_timeout},
    {AB_HCI_READ_RSSI, 2, 15, 5, VR_COMPLETE, VR_ALWAYS, 3, VR_ECHO_HANDLE, read_rssi},
    {AB_HCI_READ_TX_POWER_LEVEL, 3, 10, 2, VR_COMPLETE, VR_ALWAYS, 3, VR_ECHO_HANDLE,
     read_tx_power},
};
const vr_command_table vr_ll_commands = {commands, sizeof commands / sizeof *commands};
