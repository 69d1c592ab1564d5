/* SPDX-License-Identifier: MIT */
/*
 * Which activities a controller can have at a time: the LE states (Core Vol 4, Part E, 7.8.27), a
 * bit for each activity alone and for each pair. What a controller's bits do not allow it refuses.
 */
#include "virtual/vr_priv.h"

enum { ALWAYS = 0xff }; /* no bit says anything of it */

/* the bit of a pair, and on the diagonal of one alone */
static const uint8_t bits[VR_ACTIVITIES][VR_ACTIVITIES] = {
#define X ALWAYS
    /*                    non scan conn high low  pass act  init cent peri */
    [VR_ADV_NONCONN] = {0, X, X, X, X, 8, 12, 16, 18, 20},
    [VR_ADV_SCANNABLE] = {X, 1, X, X, X, 9, 13, 17, 19, 21},
    [VR_ADV_CONNECTABLE] = {X, X, 2, X, X, 10, 14, 32, 35, 38},
    [VR_ADV_HIGH] = {X, X, X, 3, X, 11, 15, 33, 36, 39},
    [VR_ADV_LOW] = {X, X, X, X, 29, 30, 31, 34, 37, 40},
    [VR_SCAN_PASSIVE] = {8, 9, 10, 11, 30, 4, X, 22, 24, 26},
    [VR_SCAN_ACTIVE] = {12, 13, 14, 15, 31, X, 5, 23, 25, 27},
    [VR_INITIATE] = {16, 17, 32, 33, 34, 22, 23, 6, 28, 41},
    [VR_CENTRAL] = {18, 19, 35, 36, 37, 24, 25, 28, X, X},
    [VR_PERIPHERAL] = {20, 21, 38, 39, 40, 26, 27, 41, X, 7},
#undef X
};

vr_activity vr_adv_activity(uint8_t adv_type) {
  static const vr_activity activities[] = {
      [AB_HCI_ADV_IND] = VR_ADV_CONNECTABLE,    [AB_HCI_ADV_DIRECT_HIGH] = VR_ADV_HIGH,
      [AB_HCI_ADV_SCAN_IND] = VR_ADV_SCANNABLE, [AB_HCI_ADV_NONCONN_IND] = VR_ADV_NONCONN,
      [AB_HCI_ADV_DIRECT_LOW] = VR_ADV_LOW,
  };

  return activities[adv_type];
}

static bool connected(const vr_ctrl *c, uint8_t role) {
  for (size_t i = 0; i < c->options.max_links; i++)
    if (c->slots[i] && c->slots[i]->role == role && c->slots[i]->state != VR_END_GONE)
      return true;
  return false;
}

static bool active(const vr_ctrl *c, vr_activity activity) {
  switch (activity) {
  case VR_SCAN_PASSIVE:
    return c->scan.on && !c->scan.params.type;
  case VR_SCAN_ACTIVE:
    return c->scan.on && c->scan.params.type;
  case VR_INITIATE:
    return c->init.on;
  case VR_CENTRAL:
    return connected(c, AB_HCI_ROLE_CENTRAL);
  case VR_PERIPHERAL:
    return connected(c, AB_HCI_ROLE_PERIPHERAL);
  default:
    return c->adv.air.on && vr_adv_activity(c->adv.params.type) == activity;
  }
}

static bool allows(const vr_ctrl *c, uint8_t bit) {
  return bit == ALWAYS || vr_bit(c->le_states, bit);
}

bool vr_state_allowed(const vr_ctrl *c, vr_activity activity) {
  if (!allows(c, bits[activity][activity]))
    return false;
  for (int other = 0; other < VR_ACTIVITIES; other++)
    if (other != (int) activity && active(c, (vr_activity) other) &&
        !allows(c, bits[activity][other]))
      return false;
  return true;
}
