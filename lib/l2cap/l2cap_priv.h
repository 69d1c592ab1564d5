/* SPDX-License-Identifier: MIT */
/* Between the files of L2CAP. */
#ifndef AB_L2CAP_PRIV_H
#define AB_L2CAP_PRIV_H

#include "l2cap/l2cap.h"

ab_l2cap_rx_fn ab_l2cap_on_signalling; /* ctx: the link */
void ab_l2cap_end_requests(ab_l2cap_link *link, int status);

#endif
