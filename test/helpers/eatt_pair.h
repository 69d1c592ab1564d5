/* SPDX-License-Identifier: MIT */
/*
 * Two whole stacks with enhanced ATT bearers: a connects to b, whose server may answer reads later.
 * The security of the link is set by hand.
 */
#ifndef EATT_PAIR_H
#define EATT_PAIR_H

#include "helpers/sim.h"
#include "host/host.h"

enum { EATT_CHARS = 12, EATT_LATER = 8, EATT_PSM = 0x27 };

typedef struct eatt_pair {
  sim s;
  aioble_t *a, *b;
  aioble_conn_t *at_a, *at_b;
  aioble_char_t *chars[EATT_CHARS];
  aioble_client_char_t *found[EATT_CHARS];
  bool slow;                          /* reads are answered later */
  aioble_answer_t *later[EATT_LATER]; /* in the order of the requests */
  unsigned n_later;
  aioble_capture_t *capture; /* of all writes */
} eatt_pair;

/* connected; so many bearers are wanted by a and by b */
void eatt_pair_open(eatt_pair *p, unsigned eatt_a, unsigned eatt_b, uint16_t mtu);
void eatt_pair_find(eatt_pair *p);
/* encrypted, with n enhanced bearers, and everything found */
void eatt_pair_ready(eatt_pair *p, unsigned n);
void eatt_pair_close(eatt_pair *p);

/* that end's link is encrypted from now on; both are, and some time has passed */
void eatt_secure(aioble_conn_t *conn);
void eatt_encrypt(eatt_pair *p);

/* answers a read, also when the client has gone */
void eatt_answer(eatt_pair *p, unsigned i, const char *text);

/* that enhanced bearer; NULL: it is not open */
ab_att *eatt_bearer(const aioble_conn_t *conn, unsigned i);
/* the i-th of the channels that bearers have; NULL: there are fewer */
ab_l2cap_chan *eatt_channel(const aioble_conn_t *conn, unsigned i);

#endif
