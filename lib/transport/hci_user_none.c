/* SPDX-License-Identifier: MIT */
/* In place of hci_user.c in a library that was built without AIOBLE_WITH_HCI_SOCKET. */
#include "transport/hci_user.h"

#include "transport/why.h"

int ab_hci_user_open(int index, bool bring_down, char *why, size_t why_size) {
  (void) bring_down;
  return ab_why(why, why_size, AIOBLE_ENOTSUP,
                "hci%d: this libaioble was built without AIOBLE_WITH_HCI_SOCKET; pass a "
                "user-channel socket as fd:N, or use a virtual radio",
                index);
}

int ab_hci_user_first(char *why, size_t why_size) {
  return ab_why(why, why_size, AIOBLE_ENOTSUP,
                "this libaioble was built without AIOBLE_WITH_HCI_SOCKET and knows no local "
                "adapters");
}
