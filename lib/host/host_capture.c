/* SPDX-License-Identifier: MIT */
/*
 * What goes into a capture file: every packet, but no key. Keys go to the controller in three
 * commands: long term keys (Core Vol 4, Part E, 7.8.24, 7.8.25), and two identity resolving keys,
 * the peer's and ours (7.8.38); keys that are distributed are in three commands of the Security
 * Manager's (Vol 3, Part H, 3.6). They are written as zeroes. (An LE link's first fragment holds
 * any of those three whole.)
 */
#include "host/host.h"

enum {
  COPY = 64,                          /* the longest packet with a key in it, and some */
  ACL_LEN = 1 + 4,                    /* H4 and ACL header */
  SMP_KEY_LEN = ACL_LEN + 4 + 1 + 16, /* … L2CAP header, code, key */
  ENABLE_LEN = 1 + 3 + 28,
  REPLY_LEN = 1 + 3 + 18,
  RESOLVING_LEN = 1 + 3 + 39,
  KEY = 16
};

static bool carries_key(uint8_t code) {
  return code == 0x06 || code == 0x08 || code == 0x0a; /* encryption, identity, signing */
}

/* how many keys the packet ends with */
static unsigned keys_in(const uint8_t *bytes, size_t len) {
  ab_rd r = ab_rd_of(bytes, len);

  switch (ab_rd_u8(&r)) {
  case AIOBLE_H4_COMMAND:
    switch (ab_rd_le16(&r)) {
    case AB_HCI_LE_ENABLE_ENCRYPTION:
      return len == ENABLE_LEN;
    case AB_HCI_LE_LTK_REPLY:
      return len == REPLY_LEN;
    case AB_HCI_LE_ADD_TO_RESOLVING_LIST:
      return len == RESOLVING_LEN ? 2 : 0;
    default:
      return 0;
    }
  case AIOBLE_H4_ACL:
    (void) ab_rd_take(&r, ACL_LEN - 1 + 2);
    return len == SMP_KEY_LEN && ab_rd_le16(&r) == AB_L2CAP_CID_SMP && carries_key(ab_rd_u8(&r));
  default:
    return 0;
  }
}

void ab_host_capture(aioble_t *ble, ab_snoop_way way, const uint8_t *bytes, size_t len) {
  int64_t date = ble->snoop_base_us + (int64_t) ble->env.now_us;
  size_t hidden = (size_t) keys_in(bytes, len) * KEY;
  static const uint8_t nothing[2 * KEY];
  uint8_t copy[COPY];
  ab_wr w = ab_wr_of(copy, sizeof copy);

  if (hidden) {
    ab_wr_bytes(&w, bytes, len - hidden);
    ab_wr_bytes(&w, nothing, hidden);
    bytes = copy;
  }
  ab_snoop_record(ble->snoop, way, bytes, len, date);
}
