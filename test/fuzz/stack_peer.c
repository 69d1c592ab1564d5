/* SPDX-License-Identifier: MIT */
#include "stack_peer.h"

#include "hci/hci_records.h"
#include "host/host.h"
#include "stack_world.h"

enum {
  STEP_FRAME = 0x80,
  STEP_PIECES = 0xc0, /* in two pieces, an octet says where it is cut */
  CID_ANY = 3,        /* two octets say which */
  CID_CHANNELS = 4    /* from here on those that are allocated */
};
enum {
  SETUP_EATT = 3,
  SETUP_NO_MTU = 4,
  SETUP_CACHE = 8,
  SETUP_BYSTANDER = 16,
  SETUP_PAIR = 32,
  SETUP_YESNO = 64,
  SETUP_DISCREET = 128
};

static uint16_t handle_of(const world *w) {
  return aioble_conn_is_connected(w->ours.conn) ? w->ours.conn->link.hci.handle : UINT16_MAX;
}

static uint16_t cid_of(uint8_t what, ab_rd *input) {
  unsigned which = what % (STEP_PIECES - STEP_FRAME);

  if (which == CID_ANY)
    return ab_rd_le16(input);
  return (uint16_t) (which < CID_ANY ? AB_L2CAP_CID_ATT + which
                                     : AB_L2CAP_CID_FIRST + which - CID_CHANNELS);
}

/* a piece of a frame, as the controller gives it */
static void give_piece(world *w, unsigned flag, ab_rd piece) {
  uint8_t packet[5 + 4 + 255];
  ab_wr wr = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&wr, AIOBLE_H4_ACL);
  ab_wr_le16(&wr, (uint16_t) (handle_of(w) | flag << 12));
  ab_wr_le16(&wr, (uint16_t) ab_rd_left(&piece));
  ab_wr_bytes(&wr, piece.p, ab_rd_left(&piece));
  app_check(ab_wr_ok(&wr));
  tap_give(&w->tap, packet, ab_wr_len(&wr));
}

static void give_frame(world *w, uint8_t what, ab_rd *input) {
  uint16_t cid = cid_of(what, input);
  size_t cut = what >= STEP_PIECES ? ab_rd_u8(input) : SIZE_MAX;
  size_t len = ab_rd_u8(input);
  uint8_t frame[4 + 255];
  ab_wr wr = ab_wr_of(frame, sizeof frame);
  ab_rd all;

  if (len > ab_rd_left(input))
    len = ab_rd_left(input);
  ab_wr_le16(&wr, (uint16_t) len);
  ab_wr_le16(&wr, cid);
  ab_wr_bytes(&wr, ab_rd_take(input, len), len);
  all = ab_rd_of(frame, ab_wr_len(&wr));
  if (cut < ab_rd_left(&all))
    give_piece(w, AB_HCI_PB_FIRST, ab_rd_slice(&all, cut));
  if (aioble_conn_is_connected(w->ours.conn))
    give_piece(w, cut < SIZE_MAX && cut < ab_wr_len(&wr) ? AB_HCI_PB_CONTINUING : AB_HCI_PB_FIRST,
               all);
}

static void prepare(world *w, uint8_t setup, bool ours_is_central) {
  app_act(&w->ours, ACT_CONFIGURE, setup & SETUP_YESNO ? 2 : 0);
  app_act(&w->theirs, ACT_CONFIGURE, setup & SETUP_YESNO ? 2 : 0);
  world_meet(w, ours_is_central);
  app_act(&w->ours, ACT_LISTEN, 0);
  app_act(&w->theirs, ACT_LISTEN, 0);
  if (setup & SETUP_PAIR) {
    app_act(&w->ours, ACT_PAIR, 0);
    world_run(w, 400);
  }
  w->tap.data_only = true;
}

/* what a peer does must not make us break the rules of our own controller */
static void check_controller(const world *w) {
  const aioble_virtual_stats_t *stats = aioble_virtual_stats(w->controllers[0]);

  app_check(stats->command_violations == 0 && stats->acl_violations == 0);
  app_check(stats->malformed == 0 && stats->commands_unknown == 0);
}

void peer_attack(const uint8_t *bytes, size_t len, bool ours_is_central) {
  ab_rd input = ab_rd_of(bytes, len);
  uint8_t setup = ab_rd_u8(&input);
  bool discreet = setup & SETUP_DISCREET && !(setup & SETUP_BYSTANDER);
  const aioble_options_t options = {
      .eatt = setup & SETUP_EATT,
      .no_auto_mtu = setup & SETUP_NO_MTU,
      .private_address = discreet && ours_is_central,
      .auto_secure = setup & SETUP_DISCREET ? AIOBLE_AUTO_SECURE_PAIR : AIOBLE_AUTO_SECURE_DEFAULT,
      .gatt_cache = setup & SETUP_CACHE ? AIOBLE_CACHE_ALL : 0};
  world *w =
      world_new(&options, &(aioble_options_t){.eatt = options.eatt}, setup & SETUP_BYSTANDER);

  prepare(w, setup, ours_is_central);
  while (ab_rd_left(&input)) {
    uint8_t what = ab_rd_u8(&input);

    w->tap.handle = handle_of(w);
    if (!world_step(w, what, &input) && what >= STEP_FRAME &&
        aioble_conn_is_connected(w->ours.conn))
      give_frame(w, what, &input);
  }
  check_controller(w);
  world_end(w);
}
