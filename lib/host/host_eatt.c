/* SPDX-License-Identifier: MIT */
/*
 * Enhanced ATT (Core Vol 3, Part F, 3.2.11; Part G, 5.3, 5.4, 7.2, 7.4): bearers on L2CAP channels
 * of PSM 0x27, one SDU to a PDU, beside the unenhanced bearer of an encrypted link.
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
 * 3. A bearer lives as long as its channel. It ends with what was on it, and the link stays; of one
 *    that breaks the channel is ended. The place may be taken anew.
 * 4. PDUs leave one by one. Without memory for it one is tried again soon. A peer that asks on and
 *    does not take its answers loses the bearer.
 * 5. What L2CAP tells while it sends, perhaps on behalf of a request just being made, is dealt with
 *    after that: requests do not end from inside the call that makes them.
 */
#include "host/host.h"

enum {
  PSM = 0x27,
  SERVER_FEATURES = 0x2b3a,
  CLIENT_FEATURES = 0x2b29,
  FEATURES_MAX = 8, /* octets that are written back */
  RETRY_US = 100000,
  OWED_MAX = 4, /* answers to one peer: a response and a confirmation are what there should be */
};

typedef enum eatt_state { IDLE, SERVER, CLIENT, SETTING, ASKING, DONE } eatt_state;

typedef struct bearer {
  struct ab_eatt *eatt;
  unsigned place;
  bool taken; /* from when its channel is made until that is closed */
  bool asked; /* … by us, and not answered yet */
  ab_l2cap_chan chan;
  ab_att att;
  ab_gatt_bearer server;
  ab_list out;      /* ab_buf: PDUs in order */
  ab_buf *sending;  /* the one before them; NULL: none */
  ab_l2cap_sdu sdu; /* … on its way */
  bool in_pump;
  unsigned owed;  /* answers among them */
  ab_timer timer; /* steps 4, 5 */
} bearer;

typedef struct ab_eatt {
  aioble_conn_t *conn;
  eatt_state state;
  ab_gatt_disc disc;
  ab_att_req req;
  bool tried;     /* to set the feature */
  unsigned asked; /* channels whose outcome is due */
  bool made;      /* one of them */
  bool collided;  /* meanwhile the peer has asked in vain */
  bool again;     /* we have asked again because of that */
  ab_timer timer;
  ab_att_group group;
  bearer bearers[];
} ab_eatt;

static bearer *bearer_of(ab_l2cap_chan *chan) {
  return ab_container_of(chan, bearer, chan);
}

static bool is_open(const bearer *b) {
  return b->chan.state == AB_L2CAP_CHAN_OPEN;
}

/* ---- PDUs out ---- */

/* Those that the peer asks for: responses, whose opcodes are odd, and confirmations. */
static bool is_answer(const ab_buf *pdu) {
  ab_rd r = ab_rd_of(pdu->p, pdu->len);
  uint8_t opcode = ab_rd_u8(&r);

  return opcode == AB_ATT_CONFIRMATION || (opcode % 2 && opcode != AB_ATT_INDICATION);
}

static void finish(bearer *b, int status) {
  ab_buf *pdu = b->sending;

  b->sending = NULL;
  b->owed -= is_answer(pdu);
  ab_buf_finish(pdu, status);
}

static ab_timer_fn on_timer;

static void start_timer(bearer *b, uint64_t us) {
  ab_timer_start(&b->eatt->conn->ble->env, &b->timer, us, on_timer);
}

static void on_sent(ab_l2cap_sdu *sdu, int status);

/* there is a PDU to be sent, and nothing against it */
static bool may_send(bearer *b) {
  ab_list *n = b->sending ? NULL : ab_list_pop(&b->out);

  if (n)
    b->sending = ab_container_of(n, ab_buf, node);
  return b->sending && !b->sdu.chan && !b->timer.running;
}

/* not from inside itself */
static void pump(bearer *b) {
  int err;

  if (b->in_pump)
    return;
  b->in_pump = true;
  while (may_send(b)) {
    err = ab_l2cap_send_sdu(&b->chan, &b->sdu, b->sending->p, b->sending->len, 0, on_sent);
    if (err < 0)
      on_sent(&b->sdu, err);
  }
  b->in_pump = false;
}

static void on_sent(ab_l2cap_sdu *sdu, int status) {
  bearer *b = ab_container_of(sdu, bearer, sdu);

  if (status == AIOBLE_ENOMEM && is_open(b))
    start_timer(b, RETRY_US);
  else
    finish(b, status);
  pump(b);
}

static void send_pdu(void *ctx, ab_buf *pdu) {
  bearer *b = ctx;

  b->owed += is_answer(pdu);
  ab_list_push(&b->out, &pdu->node);
  pump(b);
}

/* ---- one bearer ---- */

static int on_request(void *ctx, uint8_t opcode, ab_rd *pdu, ab_wr *rsp, uint16_t *handle) {
  return ab_gatt_server_request(&((bearer *) ctx)->server, opcode, pdu, rsp, handle);
}

static void on_value(void *ctx, uint16_t handle, const uint8_t *value, size_t len,
                     bool indication) {
  aioble_conn_t *conn = ((bearer *) ctx)->eatt->conn;

  ab_gatt_client_rx_value(&conn->client, handle, value, len, indication);
}

static void on_error(void *ctx, uint8_t code) {
  if (code == AB_ATT_ERR_DATABASE_OUT_OF_SYNC)
    ab_host_cache_out_of_sync(((bearer *) ctx)->eatt->conn);
}

static void on_broken(void *ctx, int status) {
  (void) status;
  ab_l2cap_disconnect(&((bearer *) ctx)->chan);
}

/* there is no on_mtu without an exchange */
static const ab_att_events att_events = {.send = send_pdu,
                                         .on_request = on_request,
                                         .on_value = on_value,
                                         .on_error = on_error,
                                         .on_broken = on_broken};

static void end_bearer(bearer *b) {
  ab_eatt *eatt = b->eatt;

  ab_timer_stop(&eatt->conn->ble->env, &b->timer);
  pump(b); /* what is left cannot be sent any more */
  if (!eatt->group.at[b->place])
    return;
  ab_att_group_set(&eatt->group, b->place, NULL);
  eatt->conn->att.malformed += b->att.malformed;
  ab_gatt_bearer_close(&b->server);
  ab_att_close(&b->att, AIOBLE_ENOTCONN);
}

static void on_timer(ab_timer *timer) {
  bearer *b = ab_container_of(timer, bearer, timer);

  if (is_open(b))
    pump(b);
  else
    end_bearer(b);
}

/* ---- what was asked for: the outcome ---- */

static void ask_for_channels(ab_eatt *eatt);

static void on_again(ab_timer *timer) {
  ask_for_channels(ab_container_of(timer, ab_eatt, timer));
}

static void all_answered(ab_eatt *eatt) {
  aioble_conn_t *conn = eatt->conn;

  eatt->state = DONE;
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

static void answered(bearer *b, bool made) {
  ab_eatt *eatt = b->eatt;

  if (!b->asked)
    return;
  b->asked = false;
  eatt->made |= made;
  count_refused(eatt, !made);
  if (--eatt->asked == 0)
    all_answered(eatt);
}

/* ---- the channel of a bearer ---- */

/* 5.3.1; either side may raise its own later (Part A, 4.27) */
static void update_mtu(bearer *b) {
  const ab_l2cap_chan *chan = &b->chan;

  b->att.mtu = chan->ours.mtu < chan->theirs.mtu ? chan->ours.mtu : chan->theirs.mtu;
}

/* what was asked of the bearer in this place before ends now */
static void on_open(ab_l2cap_chan *chan) {
  bearer *b = bearer_of(chan);
  aioble_conn_t *conn = b->eatt->conn;

  if (b->att.env)
    ab_att_close(&b->att, AIOBLE_ENOTCONN);
  ab_att_init_enhanced(&b->att, &conn->att, &att_events, b, chan->ours.mtu);
  update_mtu(b);
  ab_gatt_bearer_open(&b->server, &conn->server, &b->att);
  ab_att_group_set(&b->eatt->group, b->place, &b->att);
  answered(b, true);
}

static bool on_sdu(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  bearer *b = bearer_of(chan);

  if (b->owed < OWED_MAX) {
    update_mtu(b);
    ab_att_rx(&b->att, sdu, len);
  } else {
    b->att.malformed++;
    ab_l2cap_disconnect(chan);
  }
  return true;
}

static void on_kept(ab_l2cap_chan *chan) {
  (void) chan; /* nothing ever is */
}

static void on_end(ab_l2cap_chan *chan, int status) {
  bearer *b = bearer_of(chan);

  if (status < 0)
    ab_log(&b->eatt->conn->ble->env, AB_LOG_INFO, "enhanced ATT bearer: %s",
           aioble_strerror(status));
  if (b->in_pump)
    start_timer(b, 0);
  else
    end_bearer(b);
}

static void on_closed(ab_l2cap_chan *chan) {
  bearer *b = bearer_of(chan);

  end_bearer(b);
  b->taken = false;
  answered(b, false);
}

static const ab_l2cap_chan_events chan_events = {.on_open = on_open,
                                                 .on_sdu = on_sdu,
                                                 .on_kept = on_kept,
                                                 .on_end = on_end,
                                                 .on_closed = on_closed};

/* ---- places ---- */

static ab_eatt *eatt_new(aioble_conn_t *conn) {
  unsigned places = conn->ble->options.eatt;
  ab_eatt *eatt = ab_zalloc(&conn->ble->env, sizeof *eatt + places * sizeof *eatt->bearers);

  if (!eatt)
    return NULL;
  eatt->conn = conn;
  eatt->group.places = places;
  for (unsigned i = 0; i < places; i++) {
    eatt->bearers[i].eatt = eatt;
    eatt->bearers[i].place = i;
    ab_list_init(&eatt->bearers[i].out);
  }
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
  const ab_l2cap_sizes ours = {.mtu = eatt->conn->ble->config.mtu};
  unsigned taken = 0;

  for (unsigned i = 0; i < eatt->group.places && taken < n; i++) {
    bearer *b = &eatt->bearers[i];

    if (b->taken)
      continue;
    b->taken = true;
    b->asked = asked;
    ab_l2cap_chan_init(&b->chan, &chan_events, &ours);
    chans[taken++] = &b->chan;
  }
  return taken;
}

/* ---- the peer asks ---- */

static uint16_t on_accept(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                          unsigned n) {
  ab_eatt *eatt = eatt_of(ab_container_of(link, aioble_conn_t, l2cap));

  (void) listener;
  if (eatt && take_places(eatt, chans, n, false) < n)
    eatt->collided |= eatt->state == ASKING;
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
  eatt->state = DONE;
  count_refused(eatt, eatt->group.places);
  ab_log(&eatt->conn->ble->env, AB_LOG_INFO, "enhanced ATT: %s", aioble_strerror(status));
}

static void ask_for_channels(ab_eatt *eatt) {
  ab_l2cap_chan *chans[AB_ATT_ENHANCED_MAX];
  unsigned n = take_places(eatt, chans, AB_ATT_ENHANCED_MAX, true);
  int err = n ? ab_l2cap_connect(&eatt->conn->l2cap, PSM, true, chans, n) : 0;

  eatt->state = n && err == 0 ? ASKING : DONE;
  eatt->asked = err == 0 ? n : 0;
  for (unsigned i = 0; err < 0 && i < n; i++)
    bearer_of(chans[i])->taken = bearer_of(chans[i])->asked = false;
  if (err < 0)
    give_up(eatt, err);
}

static ab_gatt_disc_fn on_features;

static void read_features(ab_eatt *eatt, eatt_state state, uint16_t uuid) {
  eatt->state = state;
  ab_gatt_disc_init(&eatt->disc, &eatt->conn->att, AB_GATT_VALUES, 1, UINT16_MAX,
                    &AIOBLE_UUID16(uuid));
  ab_gatt_disc_fetch(&eatt->disc, on_features);
}

static void read_client_features(ab_eatt *eatt) {
  read_features(eatt, CLIENT, CLIENT_FEATURES);
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
  eatt->state = SETTING;
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
  else if (eatt->state == SERVER && !(first & AB_GATT_SERVER_EATT))
    eatt->state = DONE;
  else if (eatt->state == SERVER)
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

  if (eatt && eatt->state == IDLE)
    read_features(eatt, SERVER, SERVER_FEATURES);
}

/* ---- the link ---- */

unsigned ab_host_eatt_bearers(const aioble_conn_t *conn) {
  unsigned n = 0;

  for (unsigned i = 0; conn->eatt && i < conn->eatt->group.places; i++)
    n += conn->eatt->group.at[i] != NULL;
  return n;
}

uint64_t ab_host_eatt_malformed(const aioble_conn_t *conn) {
  uint64_t n = 0;

  for (unsigned i = 0; conn->eatt && i < conn->eatt->group.places; i++)
    n += conn->eatt->group.at[i] ? conn->eatt->group.at[i]->malformed : 0;
  return n;
}

void ab_host_eatt_free(aioble_conn_t *conn) {
  if (!conn->eatt)
    return;
  ab_timer_stop(&conn->ble->env, &conn->eatt->timer);
  ab_free(&conn->ble->env, conn->eatt);
}
