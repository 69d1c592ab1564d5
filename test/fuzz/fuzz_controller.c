/* SPDX-License-Identifier: MIT */
/*
 * A hostile controller: a whole stack on one that answers as it should, except that anything may be
 * lost, changed, given twice or never have been asked for. The input: an octet with the options of
 * the stack and where it begins, then steps; those of stack_world.c, or packets and what else a
 * transport does.
 */
#include "hci/hci_records.h"
#include "host/host.h"
#include "stack_world.h"

enum {
  STEP_EVENT = 0x70,  /* code, length, parameters */
  STEP_LE_EVENT,      /* subevent, length, parameters */
  STEP_ACL,           /* of our link: flags, length, data */
  STEP_MUTE,          /* 1: what is sent vanishes; 2: or is not taken; 4: nothing comes */
  STEP_UNPLUG,        /* one in a few */
  STEP_PACKET = 0x80, /* + length, H4 octet first */
};
enum { SETUP_MET = 1, SETUP_CENTRAL = 2, SETUP_EATT = 4, SETUP_RANDOM = 8 };

static void give(world *w, uint8_t type, ab_rd head, ab_rd body) {
  uint8_t packet[300];
  ab_wr wr = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&wr, type);
  ab_wr_bytes(&wr, head.p, ab_rd_left(&head));
  ab_wr_bytes(&wr, body.p, ab_rd_left(&body));
  app_check(ab_wr_ok(&wr));
  tap_give(&w->tap, packet, ab_wr_len(&wr));
}

/* as many octets as the next one says, or as there are */
static ab_rd body_of(ab_rd *input) {
  size_t len = ab_rd_u8(input);

  return ab_rd_slice(input, len < ab_rd_left(input) ? len : ab_rd_left(input));
}

static void give_event(world *w, uint8_t what, ab_rd *input) {
  uint8_t head[3], code = ab_rd_u8(input);
  ab_wr wr = ab_wr_of(head, sizeof head);
  ab_rd body = body_of(input);
  bool meta = what == STEP_LE_EVENT;

  ab_wr_u8(&wr, meta ? AB_HCI_EV_LE_META : code);
  ab_wr_u8(&wr, (uint8_t) (ab_rd_left(&body) + meta));
  if (meta)
    ab_wr_u8(&wr, code);
  give(w, AIOBLE_H4_EVENT, ab_rd_of(head, ab_wr_len(&wr)), body);
}

static void give_data(world *w, ab_rd *input) {
  uint8_t head[4], flags = ab_rd_u8(input);
  ab_wr wr = ab_wr_of(head, sizeof head);
  ab_rd body = body_of(input);
  unsigned handle = w->ours.conn ? w->ours.conn->link.hci.handle : 0;

  ab_wr_le16(&wr, (uint16_t) (handle | (unsigned) flags << 12));
  ab_wr_le16(&wr, (uint16_t) (ab_rd_left(&body) + (flags >> 4)));
  give(w, AIOBLE_H4_ACL, ab_rd_of(head, ab_wr_len(&wr)), body);
}

static void step(world *w, uint8_t what, ab_rd *input) {
  uint8_t how;
  size_t len;

  if (world_step(w, what, input))
    return;
  switch (what) {
  case STEP_EVENT:
  case STEP_LE_EVENT:
    give_event(w, what, input);
    break;
  case STEP_ACL:
    give_data(w, input);
    break;
  case STEP_MUTE:
    how = ab_rd_u8(input);
    w->tap.mute = how & 1;
    tap_refuse(&w->tap, how & 2);
    aioble_virtual_controller_set_silent(w->controllers[0], how & 4);
    break;
  case STEP_UNPLUG:
    if (ab_rd_u8(input) == 0x55)
      aioble_virtual_controller_unplug(w->controllers[0]);
    break;
  default:
    len = what < STEP_PACKET ? 0 : what - STEP_PACKET + 1;
    len = len < ab_rd_left(input) ? len : ab_rd_left(input);
    tap_give(&w->tap, ab_rd_take(input, len), len);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  ab_rd input = ab_rd_of(bytes, len);
  uint8_t setup = ab_rd_u8(&input);
  bool met = setup & SETUP_MET;
  const aioble_options_t options = {.eatt = setup & SETUP_EATT ? 2 : 0,
                                    .random_address = !met && setup & SETUP_RANDOM};
  world *w = world_new(&options, &(aioble_options_t){.eatt = options.eatt}, false);

  if (met)
    world_meet(w, setup & SETUP_CENTRAL);
  while (ab_rd_left(&input))
    step(w, ab_rd_u8(&input), &input);
  world_end(w);
  return 0;
}
