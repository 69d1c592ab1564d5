/* SPDX-License-Identifier: MIT */
/* What the files of the public side of L2CAP share: the channel (include/aioble/l2cap.h). */
#ifndef AB_API_L2CAP_H
#define AB_API_L2CAP_H

#include "api/op.h"
#include "l2cap/l2cap_chan.h"
#include <aioble/l2cap.h>

struct aioble_channel {
  ab_l2cap_chan chan;  /* holds a reference while L2CAP has it */
  aioble_conn_t *conn; /* a reference */
  uint32_t refs;
  int reason; /* 0: it has not ended */

  /* who made it is told once: 0, it is open (and it has a reference of the maker's); or why not */
  void (*made)(aioble_channel_t *channel, int status);
  void *maker;
  ab_list node; /* of the maker's */

  ab_list readers;     /* aioble_op_t: they wait for an SDU */
  ab_list closing;     /* … for its end */
  ab_l2cap_sdu trying; /* that of aioble_channel_try_send() */
  int try_status;
  aioble_sdu_fn *push; /* NULL: SDUs are queued */
  void *push_user;
  ab_timer push_timer; /* SDUs that were queued before are to be pushed; holds a reference */
};

/* ---- api_l2cap.c ---- */

/* A reference; NULL: out of memory. Options NULL: defaults. */
aioble_channel_t *ab_channel_new(aioble_conn_t *conn, const aioble_channel_options_t *options);
void ab_channel_put(void *channel); /* for ab_op_take_handle() */
aioble_channel_t *ab_channel_of(ab_l2cap_chan *chan);

/* ---- api_l2cap_data.c: what the channel's events do to data ---- */

bool ab_channel_push(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len);
/* readers get what there is; with nothing left, and none to come, its end */
void ab_channel_serve(aioble_channel_t *channel);

#endif
