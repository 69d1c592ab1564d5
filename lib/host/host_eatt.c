/* SPDX-License-Identifier: MIT */
/*
 * Enhanced ATT (Core Vol 3, Part F, 3.2.11; Part G, 5.3, 5.4, 7.2, 7.4): bearers on L2CAP channels
 * of PSM 0x27 (host_eatt_bearer.c), beside the unenhanced bearer of an encrypted link.
 *
 *   IDLE --encrypted, and we are the central--> SERVER: its Server Supported Features are read
 *   SERVER --it has EATT--> CLIENT: its Client Supported Features are read
 *   CLIENT --our bit is not set--> SETTING: it is written
 *   CLIENT --it is, or there is no such value--> ASKING;  SETTING --written--> ASKING
 *   SETTING --refused, once: somebody else has set a bit meanwhile--> CLIENT
 *   ASKING: for as many channels as there are places --each was made, or not--> DONE
 *   any other answer --> DONE
 *
 * 1. Each link has as many places for bearers as the options say; the peer's channels take them as
 *    ours do.
 * 2. Both sides may ask at once, and refuse each other because the places are promised. Then the
 *    central, who may, asks again at once (5.4); as the peripheral we never ask.
 */
#include "host/host_priv.h"

enum {
  PSM = 0x27,
  SERVER_FEATURES = 0x2b3a,
  CLIENT_FEATURES = 0x2b29,
  FEATURES_MAX = 8, /* octets that are written back */
};

/* ---- what was asked for: the outcome ---- */

static void ask_for_channels(ab_eatt *eatt);

static void on_again(ab_timer *timer) {
  ask_for_channels(ab_container_of(timer, ab_eatt, timer));
}

static void all_answered(ab_eatt *eatt) {
  aioble_conn_t *conn = eatt->conn;

  eatt->state = AB_EATT_DONE;
  if (eatt->made || !eatt->collided || eatt->again || conn->l2cap.closed)
    return;
  eatt->again = true;
  ab_timer_start(&conn->ble->env, &eatt->timer, 0, on_again);
}

/* not when the link has ended */
static void count_refused(const ab_eatt *eatt, unsigned n) {
  if (eatt->conn->link.up)
    eatt->conn->ble->stats.eatt_refused += n;
}

void ab_eatt_answered(ab_eatt_bearer *b, bool made) {
  ab_eatt *eatt = b->eatt;

  if (!b->asked)
    return;
  b->asked = false;
  eatt->made |= made;
  count_refused(eatt, !made);
  if (--eatt->asked == 0)
    all_answered(eatt);
}

/* ---- places ---- */

static ab_eatt *eatt_new(aioble_conn_t *conn) {
  unsigned places = conn->ble->options.eatt;
  ab_eatt *eatt = ab_zalloc(&conn->ble->env, sizeof *eatt + places * sizeof *eatt->bearers);

  if (!eatt)
    return NULL;
  eatt->conn = conn;
  eatt->group.places = places;
  for (unsigned i = 0; i < places; i++)
    ab_eatt_bearer_init(&eatt->bearers[i], eatt, i);
  conn->eatt = eatt;
  conn->att.group = &eatt->group;
  return eatt;
}

/* NULL: out of memory */
static ab_eatt *eatt_of(aioble_conn_t *conn) {
  return conn->eatt ? conn->eatt : eatt_new(conn);
}

/* for at most n channels in free places: how many */
static unsigned take_places(ab_eatt *eatt, ab_l2cap_chan **chans, unsigned n, bool asked) {
  unsigned taken = 0;

  for (unsigned i = 0; i < eatt->group.places && taken < n; i++)
    if (!eatt->bearers[i].taken)
      chans[taken++] = ab_eatt_bearer_take(&eatt->bearers[i], asked);
  return taken;
}

/* ---- the peer asks ---- */

static uint16_t on_accept(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                          unsigned n) {
  ab_eatt *eatt = eatt_of(ab_container_of(link, aioble_conn_t, l2cap));

  (void) listener;
  if (eatt && take_places(eatt, chans, n, false) < n)
    eatt->collided |= eatt->state == AB_EATT_ASKING;
  return 0;
}

void ab_host_eatt_init(aioble_t *ble) {
  unsigned *places = &ble->options.eatt;

  if (*places > AB_ATT_ENHANCED_MAX)
    *places = AB_ATT_ENHANCED_MAX;
  if (!*places)
    return;
  ble->server.features_octet |= AB_GATT_SERVER_EATT;
  ble->eatt = (ab_l2cap_listener){.psm = PSM, .demand.encrypted = true, .accept = on_accept};
  (void) ab_l2cap_listen(&ble->listeners, &ble->eatt); /* the first there is */
}

/* ---- we ask ---- */

static void give_up(ab_eatt *eatt, int status) {
  eatt->state = AB_EATT_DONE;
  count_refused(eatt, eatt->group.places);
  ab_log(&eatt->conn->ble->env, AB_LOG_INFO, "enhanced ATT: %s", aioble_strerror(status));
}

static void ask_for_channels(ab_eatt *eatt) {
  ab_l2cap_chan *chans[AB_ATT_ENHANCED_MAX];
  unsigned n = take_places(eatt, chans, AB_ATT_ENHANCED_MAX, true);
  int err = n ? ab_l2cap_connect(&eatt->conn->l2cap, PSM, true, chans, n) : 0;

  eatt->state = n && err == 0 ? AB_EATT_ASKING : AB_EATT_DONE;
  eatt->asked = err == 0 ? n : 0;
  for (unsigned i = 0; err < 0 && i < n; i++)
    ab_container_of(chans[i], ab_eatt_bearer, chan)->taken = false;
  if (err < 0)
    give_up(eatt, err);
}

static ab_gatt_disc_fn on_features;

static void read_features(ab_eatt *eatt, ab_eatt_state state, uint16_t uuid) {
  eatt->state = state;
  ab_gatt_disc_init(&eatt->disc, &eatt->conn->att, AB_GATT_VALUES, 1, UINT16_MAX,
                    &AIOBLE_UUID16(uuid));
  ab_gatt_disc_fetch(&eatt->disc, on_features);
}

static void read_client_features(ab_eatt *eatt) {
  read_features(eatt, AB_EATT_CLIENT, CLIENT_FEATURES);
}

/* a bit of somebody else's, set since we have read them, must not be taken back (7.2) */
static void on_set(ab_att_req *req, int status, ab_rd *pdu) {
  ab_eatt *eatt = ab_container_of(req, ab_eatt, req);
  bool again = status == AIOBLE_ERR_ATT(AB_ATT_ERR_VALUE_NOT_ALLOWED) && !eatt->tried;

  (void) pdu;
  eatt->tried = true;
  if (status == 0)
    ask_for_channels(eatt);
  else if (again)
    read_client_features(eatt);
  else
    give_up(eatt, status);
}

static void set_feature(ab_eatt *eatt, uint16_t handle, ab_rd features) {
  uint8_t octets[FEATURES_MAX];
  ab_wr w = ab_wr_of(octets, sizeof octets);
  ab_att *att = ab_att_ordered(&eatt->conn->att, handle);
  size_t len;
  const uint8_t *rest;

  ab_wr_u8(&w, ab_rd_u8(&features) | AB_GATT_EATT);
  rest = ab_rd_rest(&features, &len);
  ab_wr_bytes(&w, rest, len < ab_wr_room(&w) ? len : ab_wr_room(&w));
  eatt->state = AB_EATT_SETTING;
  (void) ab_gatt_write(att, &eatt->req, handle, octets, ab_wr_len(&w), on_set);
}

/* status: 1, that is the value; 0, the peer has none */
static void on_features(ab_gatt_disc *disc) {
  ab_eatt *eatt = ab_container_of(disc, ab_eatt, disc);
  ab_gatt_item item = {0};
  int status = ab_gatt_disc_next(disc, &item);
  ab_rd features = item.data;
  uint8_t first = ab_rd_u8(&features);

  if (status < 0)
    give_up(eatt, status);
  else if (eatt->state == AB_EATT_SERVER && !(first & AB_GATT_SERVER_EATT))
    eatt->state = AB_EATT_DONE;
  else if (eatt->state == AB_EATT_SERVER)
    read_client_features(eatt);
  else if (status == 0 || first & AB_GATT_EATT)
    ask_for_channels(eatt);
  else
    set_feature(eatt, item.handle, item.data);
}

void ab_host_eatt_encrypted(aioble_conn_t *conn) {
  bool central = conn->link.role == AB_HCI_ROLE_CENTRAL;
  bool wanted = conn->ble->options.eatt && central && conn->l2cap.security.encrypted;
  ab_eatt *eatt = wanted ? eatt_of(conn) : NULL;

  if (eatt && eatt->state == AB_EATT_IDLE)
    read_features(eatt, AB_EATT_SERVER, SERVER_FEATURES);
}

/* ---- the link ---- */

unsigned ab_host_eatt_bearers(const aioble_conn_t *conn) {
  unsigned n = 0;

  for (unsigned i = 0; conn->eatt && i < conn->eatt->group.places; i++)
    n += conn->eatt->group.at[i] != NULL;
  return n;
}

void ab_host_eatt_add_stats(const aioble_conn_t *conn, aioble_stats_t *stats) {
  for (unsigned i = 0; conn->eatt && i < conn->eatt->group.places; i++) {
    const ab_att *att = conn->eatt->group.at[i];

    stats->att_malformed += att ? att->malformed : 0;
    stats->att_refused += att ? att->refused : 0;
  }
}

void ab_host_eatt_free(aioble_conn_t *conn) {
  if (!conn->eatt)
    return;
  ab_timer_stop(&conn->ble->env, &conn->eatt->timer);
  ab_free(&conn->ble->env, conn->eatt);
}
