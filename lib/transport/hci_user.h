/* SPDX-License-Identifier: MIT */
/* Local adapters: hci_user.c, or hci_user_none.c where libbluetooth is not wanted. */
#ifndef AB_HCI_USER_H
#define AB_HCI_USER_H

#include <stdbool.h>
#include <stddef.h>

/* the user channel of hci<index>: a descriptor, or an error and *why */
int ab_hci_user_open(int index, bool bring_down, char *why, size_t why_size);

/* the number of the adapter to use when none was named, or an error and *why */
int ab_hci_user_first(char *why, size_t why_size);

#endif
