/* SPDX-License-Identifier: MIT */
/*
 * A peer without manners: a host of its own on the radio that connects, can be connected to, and
 * sends PDUs of ATT, L2CAP signalling and the Security Manager that look right: known codes, fields
 * of the right length, handles and channels that may exist, answers to what was asked; in any order
 * and of any content, now and then cut.
 */
#include "hci/hci_records.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { LINKS = 6, CID_ATT = 4, CID_SIGNALS = 5, CID_SMP = 6, ACL_HEADER = 5, COMMAND_HEADER = 4 };

struct w_hostile {
  world *w;
  aioble_transport_t *t;
  uint16_t links[LINKS]; /* handles; 0: none */
  aioble_addr_t addr;
};

/* A PDU's code and fields, by letters: h handle, w any 16 bits, b any octet, s a small one, u UUID,
   p PSM, c channel, k sixteen octets, m MTU, * a tail. */
typedef struct shape {
  uint8_t code;
  const char *fields;
} shape;

static const shape att[] = {
    {0x01, "bhs"}, {0x02, "m"},   {0x03, "m"},   {0x04, "hh"},  {0x05, "s*"}, {0x06, "hhu*"},
    {0x07, "hh*"}, {0x08, "hhu"}, {0x09, "s*"},  {0x0a, "h"},   {0x0b, "*"},  {0x0c, "hs"},
    {0x0d, "*"},   {0x0e, "hhh"}, {0x10, "hhu"}, {0x11, "s*"},  {0x12, "h*"}, {0x13, ""},
    {0x16, "hw*"}, {0x17, "hw*"}, {0x18, "s"},   {0x19, ""},    {0x1b, "h*"}, {0x1d, "h*"},
    {0x1e, ""},    {0x20, "hh"},  {0x21, "w*"},  {0x23, "hs*"}, {0x52, "h*"}, {0xd2, "h*k"},
    {0x10, "hhu"}, {0x08, "hhu"}, {0x12, "hw"},  {0x16, "hs*"}, {0x18, "s"}};
static const shape signals[] = {
    {0x01, "w*"},    {0x06, "cc"},    {0x07, "cc"},    {0x12, "wwww"},    {0x13, "s"},
    {0x14, "pcmms"}, {0x15, "cmmsw"}, {0x16, "cs"},    {0x17, "pmmsccc"}, {0x18, "mmswccc"},
    {0x19, "mmcc"},  {0x1a, "s"},     {0x14, "pcmmb"}, {0x0a, "w"},       {0x06, "cc"}};
static const shape smp[] = {{0x01, "ssbbss"}, {0x02, "ssbbss"}, {0x03, "k"},      {0x04, "k"},
                            {0x05, "s"},      {0x06, "k"},      {0x07, "wkw"},    {0x08, "k"},
                            {0x09, "swww"},   {0x0a, "k"},      {0x0b, "b"},      {0x0c, "kkkk"},
                            {0x0d, "k"},      {0x0e, "s"},      {0x01, "ssssss"}, {0x02, "ssssss"}};

static uint16_t pick(world *w, const uint16_t *of, unsigned n) {
  return of[world_roll(w, n)];
}

static void octets(world *w, ab_wr *to, unsigned n) {
  while (n--)
    ab_wr_u8(to, (uint8_t) world_roll(w, 256));
}

static void field(world *w, ab_wr *to, char letter) {
  static const uint16_t uuids[] = {0x2800, 0x2801, 0x2802, 0x2803, 0x2902,
                                   0x2a00, 0x2b2a, 0x181a, 0x2a6e, 0xbf00};
  static const uint16_t psms[] = {W_PSM, W_PSM, 0x27, 0x81, 1};
  static const uint16_t mtus[] = {0, 22, 23, 64, 100, 517, 0xffff};

  switch (letter) {
  case 'h':
    ab_wr_le16(to, (uint16_t) (world_roll(w, 16) ? 1 + world_roll(w, 90) : world_roll(w, 0x10000)));
    break;
  case 'u':
    ab_wr_le16(to, pick(w, uuids, sizeof uuids / sizeof *uuids));
    break;
  case 'p':
    ab_wr_le16(to, pick(w, psms, sizeof psms / sizeof *psms));
    break;
  case 'm':
    ab_wr_le16(to, pick(w, mtus, sizeof mtus / sizeof *mtus));
    break;
  case 'c':
    ab_wr_le16(to, (uint16_t) (0x40 + world_roll(w, 8)));
    break;
  case 's':
    ab_wr_u8(to, (uint8_t) world_roll(w, 20));
    if (world_roll(w, 2)) /* or 16 bits of it */
      ab_wr_u8(to, 0);
    break;
  case 'w':
    octets(w, to, 2);
    break;
  case 'k':
    octets(w, to, 16);
    break;
  case '*':
    octets(w, to, world_roll(w, 24));
    break;
  default:
    octets(w, to, 1);
  }
}

static void pdu(world *w, ab_wr *to, const shape *s) {
  ab_wr_u8(to, s->code);
  for (const char *letter = s->fields; *letter; letter++)
    field(w, to, *letter);
}

/* ---- sending ---- */

static void give(w_hostile *h, const uint8_t *packet, size_t len) {
  (void) h->t->ops->send(h->t, packet, len);
}

static void command(w_hostile *h, uint16_t opcode, const ab_wr *params) {
  uint8_t packet[COMMAND_HEADER + 64];
  ab_wr w = ab_wr_of(packet, sizeof packet);
  size_t len = params ? ab_wr_len(params) : 0;

  ab_wr_u8(&w, AIOBLE_H4_COMMAND);
  ab_wr_le16(&w, opcode);
  ab_wr_u8(&w, (uint8_t) len);
  if (len)
    ab_wr_bytes(&w, params->start, len);
  give(h, packet, ab_wr_len(&w));
}

#define COMMAND(h, opcode, record, ...)                    \
  do {                                                     \
    uint8_t params_[64];                                   \
    ab_wr w_ = ab_wr_of(params_, sizeof params_);          \
                                                           \
    ab_##record##_write(&w_, &(ab_##record){__VA_ARGS__}); \
    command((h), (opcode), &w_);                           \
  } while (0)

/* an L2CAP frame; sometimes its length is another one */
static void frame(w_hostile *h, uint16_t handle, uint16_t cid, const ab_wr *payload) {
  uint8_t packet[ACL_HEADER + 4 + 200];
  ab_wr w = ab_wr_of(packet, sizeof packet);
  size_t len = ab_wr_len(payload);

  ab_wr_u8(&w, AIOBLE_H4_ACL);
  ab_wr_le16(&w, handle);
  ab_wr_le16(&w, (uint16_t) (len + 4));
  ab_wr_le16(&w, (uint16_t) (world_roll(h->w, 40) ? len : len + 1 + world_roll(h->w, 30)));
  ab_wr_le16(&w, cid);
  ab_wr_bytes(&w, payload->start, len);
  give(h, packet, ab_wr_len(&w));
  h->w->options->figures->hostile++;
}

static const shape *any(world *w, const shape *of, size_t n) {
  return &of[world_roll(w, (unsigned) n)];
}

static void signal(w_hostile *h, uint16_t handle, uint8_t id) {
  uint8_t bytes[100], body[90];
  ab_wr w = ab_wr_of(bytes, sizeof bytes), b = ab_wr_of(body, sizeof body);

  pdu(h->w, &b, any(h->w, signals, sizeof signals / sizeof *signals));
  ab_wr_u8(&w, body[0]);
  ab_wr_u8(&w, id);
  ab_wr_le16(&w, (uint16_t) (ab_wr_len(&b) - 1));
  ab_wr_bytes(&w, body + 1, ab_wr_len(&b) - 1);
  frame(h, handle, CID_SIGNALS, &w);
}

static void say(w_hostile *h, uint16_t handle) {
  world *w = h->w;
  uint8_t bytes[150];
  ab_wr b = ab_wr_of(bytes, sizeof bytes);

  switch (world_roll(w, 5)) {
  case 0:
  case 1:
    pdu(w, &b, any(w, att, sizeof att / sizeof *att));
    frame(h, handle, CID_ATT, &b);
    break;
  case 2:
    signal(h, handle, (uint8_t) world_roll(w, 8));
    break;
  case 3:
    pdu(w, &b, any(w, smp, sizeof smp / sizeof *smp));
    frame(h, handle, CID_SMP, &b);
    break;
  default: /* a K-frame of some channel */
    ab_wr_le16(&b, (uint16_t) world_roll(w, 60));
    octets(w, &b, world_roll(w, 60));
    frame(h, handle, (uint16_t) (0x40 + world_roll(w, 4)), &b);
  }
}

/* ---- what comes ---- */

static void connected(w_hostile *h, ab_rd *r) {
  uint8_t status = ab_rd_u8(r);
  uint16_t handle = ab_rd_le16(r);

  for (unsigned i = 0; i < LINKS && status == 0; i++)
    if (!h->links[i]) {
      h->links[i] = handle;
      return;
    }
}

static void disconnected(w_hostile *h, ab_rd *r) {
  uint16_t handle;

  ab_rd_u8(r);
  handle = ab_rd_le16(r);
  for (unsigned i = 0; i < LINKS; i++)
    if (h->links[i] == handle)
      h->links[i] = 0;
}

static void key_wanted(w_hostile *h, ab_rd *r) {
  uint16_t handle = ab_rd_le16(r);

  if (world_roll(h->w, 2))
    COMMAND(h, AB_HCI_LE_LTK_REPLY, hci_le_ltk_reply, .handle = handle);
  else
    COMMAND(h, AB_HCI_LE_LTK_NEG_REPLY, hci_handle, handle);
}

static void on_event(w_hostile *h, ab_rd *r) {
  uint8_t code = ab_rd_u8(r), subevent;

  ab_rd_u8(r);
  if (code == AB_HCI_EV_DISCONNECTION_COMPLETE)
    disconnected(h, r);
  if (code != AB_HCI_EV_LE_META)
    return;
  subevent = ab_rd_u8(r);
  if (subevent == AB_HCI_LE_EV_CONN_COMPLETE)
    connected(h, r);
  else if (subevent == AB_HCI_LE_EV_LTK_REQUEST)
    key_wanted(h, r);
}

/* something that could be the answer */
static void answer(w_hostile *h, uint16_t handle, uint16_t cid, ab_rd *r) {
  world *w = h->w;
  uint8_t bytes[150], code = ab_rd_u8(r), id = ab_rd_u8(r);
  ab_wr b = ab_wr_of(bytes, sizeof bytes);

  if (cid == CID_SIGNALS) {
    signal(h, handle, id);
    return;
  }
  for (unsigned i = 0; cid == CID_ATT && i < sizeof att / sizeof *att; i++)
    if (att[i].code == code + 1 && !ab_wr_len(&b))
      pdu(w, &b, &att[i]);
  for (unsigned i = 0; cid == CID_SMP && i < sizeof smp / sizeof *smp; i++)
    if (smp[i].code == (code == 1 ? 2 : code) && !ab_wr_len(&b))
      pdu(w, &b, &smp[i]);
  if (ab_wr_len(&b))
    frame(h, handle, cid, &b);
}

static void on_data(w_hostile *h, ab_rd *r) {
  uint16_t handle = ab_rd_le16(r), cid;

  ab_rd_le16(r);
  ab_rd_le16(r);
  cid = ab_rd_le16(r);
  if (world_roll(h->w, 4) && ab_rd_ok(r) && handle >> 12 != AB_HCI_PB_CONTINUING)
    answer(h, handle & AB_HCI_HANDLE_MASK, cid, r);
}

static void on_packet(void *ctx, const uint8_t *packet, size_t len) {
  ab_rd r = ab_rd_of(packet, len);

  if (ab_rd_u8(&r) == AIOBLE_H4_ACL)
    on_data(ctx, &r);
  else
    on_event(ctx, &r);
}

static void nothing(void *ctx) {
  (void) ctx;
}

static void on_lost(void *ctx, int status, const char *why) {
  (void) ctx;
  (void) status;
  (void) why;
}

static const aioble_transport_sink_t sink = {
    .packet = on_packet, .batch_end = nothing, .lost = on_lost, .closed = nothing};

/* ---- what it does ---- */

static void advertise(w_hostile *h) {
  COMMAND(h, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, .interval_min = 0x20,
          .interval_max = 0x20, .channel_map = 7);
  COMMAND(h, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1);
}

static void connect(w_hostile *h) {
  aioble_addr_t peer = *aioble_device_addr(h->w->sides[0].devices[world_roll(h->w, W_STACKS)]);
  ab_addr6 addr;

  memcpy(addr.b, peer.bytes, sizeof addr.b);
  COMMAND(h, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, .scan_interval = 0x10, .scan_window = 0x10,
          .peer_addr_type = peer.type, .peer_addr = addr, .interval_min = 24, .interval_max = 24,
          .supervision_timeout = 100);
}

void world_hostile_act(w_hostile *h) {
  world *w = h->w;
  uint16_t handle = h->links[world_roll(w, LINKS)];

  for (unsigned i = 0; i < LINKS && !handle; i++)
    handle = h->links[i];
  switch (world_roll(w, 16)) {
  case 0:
    advertise(h);
    break;
  case 1:
    connect(h);
    break;
  case 2:
    command(h, AB_HCI_LE_CREATE_CONN_CANCEL, NULL);
    break;
  case 3:
    COMMAND(h, AB_HCI_LE_ENABLE_ENCRYPTION, hci_le_enable_enc, .handle = handle,
            .ediv = (uint16_t) world_roll(w, 2));
    break;
  case 4:
    if (world_roll(w, 4) == 0)
      COMMAND(h, AB_HCI_DISCONNECT, hci_disconnect, handle, 0x13);
    break;
  default:
    if (handle)
      say(h, handle);
  }
}

/* ---- life ---- */

w_hostile *world_hostile_new(world *w) {
  static const aioble_virtual_controller_options_t options = {
      .public_addr = {0xba, 0xd0, 0xba, 0xd0, 0xba, 0xd0}, .acl_count = 32};
  w_hostile *h = calloc(1, sizeof *h);
  const char *why;

  W_CHECK(w, h, "out of memory");
  h->w = w;
  h->t = aioble_virtual_controller_new(w->s.radio, &options);
  W_CHECK(w, h->t && h->t->ops->open(h->t, &sink, h, &why) == 0, "no controller");
  memcpy(h->addr.bytes, options.public_addr, sizeof h->addr.bytes);
  COMMAND(h, AB_HCI_SET_EVENT_MASK, hci_mask64, UINT64_MAX);
  COMMAND(h, AB_HCI_LE_SET_EVENT_MASK, hci_mask64, 0x1f);
  advertise(h);
  return h;
}

void world_hostile_free(w_hostile *h) {
  h->t->ops->close(h->t);
  h->t->ops->destroy(h->t);
  free(h);
}

aioble_addr_t world_hostile_addr(const w_hostile *h) {
  return h->addr;
}
