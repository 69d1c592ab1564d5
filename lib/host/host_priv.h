/* SPDX-License-Identifier: MIT */
/* Between the two files of Enhanced ATT: the places for bearers on a link, and one of them. */
#ifndef AB_HOST_PRIV_H
#define AB_HOST_PRIV_H

#include "host/host.h"

typedef struct ab_eatt ab_eatt;

typedef struct ab_eatt_bearer {
  ab_eatt *eatt;
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
  unsigned owed; /* answers among them */
  ab_timer timer;
} ab_eatt_bearer;

typedef enum ab_eatt_state {
  AB_EATT_IDLE,
  AB_EATT_SERVER,
  AB_EATT_CLIENT,
  AB_EATT_SETTING,
  AB_EATT_ASKING,
  AB_EATT_DONE,
} ab_eatt_state;

struct ab_eatt {
  aioble_conn_t *conn;
  ab_eatt_state state;
  ab_gatt_disc disc;
  ab_att_req req;
  bool tried;     /* to set the feature */
  unsigned asked; /* channels whose outcome is due */
  bool made;      /* one of them */
  bool collided;  /* meanwhile the peer has asked in vain */
  bool again;     /* we have asked again because of that */
  ab_timer timer;
  ab_att_group group;
  ab_eatt_bearer bearers[];
};

/* ---- host_eatt_bearer.c ---- */

void ab_eatt_bearer_init(ab_eatt_bearer *bearer, ab_eatt *eatt, unsigned place);
/* takes the place: the channel to be made */
ab_l2cap_chan *ab_eatt_bearer_take(ab_eatt_bearer *bearer, bool asked);

/* ---- host_eatt.c ---- */

/* that channel is open, or closed; of one that we have asked for it may be the answer */
void ab_eatt_answered(ab_eatt_bearer *bearer, bool made);

#endif
