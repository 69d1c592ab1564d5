/* SPDX-License-Identifier: MIT */
/* What the files of this layer share. */
#ifndef AB_ATT_PRIV_H
#define AB_ATT_PRIV_H

#include "att/att.h"

/* ---- att_request.c: our requests and indications ---- */

void ab_att_lane_init(ab_att_lane *lane, ab_att *att);
/* the one on the air has been answered: its fn is called, the next is sent */
void ab_att_lane_answered(ab_att_lane *lane, int status, ab_rd *pdu);
/* … with that error: it ends, or will be sent once more */
void ab_att_lane_refused(ab_att_lane *lane, uint8_t code, ab_rd *pdu);
/* everything on the air, held or waiting ends with `status` */
void ab_att_end_all(ab_att *att, int status);

/* ---- att_bearer.c ---- */

/* nothing goes or comes from now on: what is pending ends, the layer above hears of it */
void ab_att_break(ab_att *att, int status);

#endif
