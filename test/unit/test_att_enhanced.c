/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PLACES = 3, HANDLES = 100, MTU = 64 };

/* three enhanced bearers beside the unenhanced one */
typedef struct bed {
  att_peer *peer[1 + PLACES];
  ab_att *main;
  ab_att_group group;
} bed;

static void bed_open(bed *b, unsigned n) {
  *b = (bed){.group.places = PLACES};
  for (unsigned i = 0; i <= PLACES; i++)
    b->peer[i] = att_peer_new(MTU);
  b->main = &b->peer[0]->att;
  b->main->group = &b->group;
  for (unsigned i = 0; i < n; i++) {
    ab_att *att = &b->peer[1 + i]->att;

    ab_att_init_enhanced(att, att, att->ev, att->ctx, MTU);
    att->mtu = MTU;
    ab_att_group_set(&b->group, i, att);
  }
}

static void bed_close(bed *b) {
  for (unsigned i = 0; i <= PLACES; i++)
    att_peer_free(b->peer[i]);
}

static void ended(ab_att_req *req, int status, ab_rd *pdu) {
  (void) req;
  (void) status;
  (void) pdu;
}

static void ask(ab_att *att, ab_att_req *req, uint8_t opcode) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, opcode, &w);

  assert_non_null(buf);
  ab_wr_le16(&w, 1);
  ab_buf_wrote(buf, &w);
  ab_att_request(att, req, buf, ended);
}

static void alone_it_is_always_itself(void **state) {
  att_peer *peer = att_peer_new(MTU);

  (void) state;
  assert_ptr_equal(ab_att_pick(&peer->att), &peer->att);
  assert_ptr_equal(ab_att_ordered(&peer->att, 7), &peer->att);
  att_peer_free(peer);
}

static void a_request_goes_where_nothing_waits(void **state) {
  ab_att_req reqs[1 + PLACES];
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  for (unsigned i = 0; i <= PLACES; i++) {
    assert_ptr_equal(ab_att_pick(b.main), &b.peer[i]->att);
    ask(ab_att_pick(b.main), &reqs[i], AB_ATT_READ_REQ);
    att_peer_play(b.peer[i], "< 0a 0100\n");
  }
  assert_ptr_equal(ab_att_pick(b.main), b.main);
  att_peer_play(b.peer[2], "> 0b\n");
  assert_ptr_equal(ab_att_pick(b.main), &b.peer[2]->att);
  bed_close(&b);
}

static void else_it_goes_to_the_shortest_line(void **state) {
  static const unsigned lines[] = {5, 4, 2, 3};
  ab_att_req reqs[5 + 4 + 2 + 3], *req = reqs;
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  for (unsigned i = 0; i <= PLACES; i++) {
    for (unsigned k = 0; k < lines[i]; k++)
      ask(&b.peer[i]->att, req++, AB_ATT_READ_REQ);
    att_peer_play(b.peer[i], "< 0a 0100\n");
  }
  assert_ptr_equal(ab_att_pick(b.main), &b.peer[2]->att);
  ab_att_group_set(&b.group, 1, NULL);
  assert_ptr_equal(ab_att_pick(b.main), &b.peer[3]->att);
  ab_att_close(&b.peer[3]->att, AIOBLE_ENOTCONN);
  assert_ptr_equal(ab_att_pick(b.main), &b.peer[1]->att);
  bed_close(&b);
}

static void indications_do_not_lengthen_the_line_of_requests(void **state) {
  ab_att_req req;
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  ask(b.main, &req, AB_ATT_INDICATION);
  att_peer_play(b.peer[0], "< 1d 0100\n");
  assert_ptr_equal(ab_att_pick(b.main), b.main);
  bed_close(&b);
}

static void a_handle_has_its_bearer_and_each_has_a_share(void **state) {
  unsigned shares[1 + PLACES] = {0};
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  for (uint16_t handle = 3; handle < 3 + 2 * HANDLES; handle += 2) {
    ab_att *att = ab_att_ordered(b.main, handle);

    assert_ptr_equal(ab_att_ordered(b.main, handle), att);
    for (unsigned i = 0; i <= PLACES; i++)
      shares[i] += att == &b.peer[i]->att;
  }
  for (unsigned i = 0; i <= PLACES; i++)
    assert_in_range(shares[i], HANDLES / 8, HANDLES / 2);
  for (uint32_t handle = 0; handle <= UINT16_MAX; handle++)
    assert_non_null(ab_att_ordered(b.main, (uint16_t) handle));
  bed_close(&b);
}

/* a handle whose bearer is that one, if it may be */
static uint16_t handle_on(bed *b, unsigned i) {
  uint16_t handle = 1;

  while (ab_att_ordered(b->main, handle) != &b->peer[i]->att)
    handle++;
  return handle;
}

static void a_new_bearer_does_not_overtake_what_waits_on_the_unenhanced_one(void **state) {
  ab_att_req write, indication;
  uint16_t handle;
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  handle = handle_on(&b, 2);
  ab_att_group_set(&b.group, 1, NULL);
  assert_ptr_equal(ab_att_ordered(b.main, handle), b.main);
  ask(b.main, &write, AB_ATT_READ_REQ);
  ask(b.main, &indication, AB_ATT_INDICATION);
  ab_att_group_set(&b.group, 1, &b.peer[2]->att);
  assert_ptr_equal(ab_att_ordered(b.main, handle), b.main);
  assert_ptr_equal(ab_att_ordered(b.main, handle_on(&b, 1)), &b.peer[1]->att);
  att_peer_play(b.peer[0], "< 0a 0100\n< 1d 0100\n> 0b\n");
  assert_ptr_equal(ab_att_ordered(b.main, handle), b.main);
  att_peer_play(b.peer[0], "> 1e\n");
  assert_ptr_equal(ab_att_ordered(b.main, handle), &b.peer[2]->att);
  ask(b.main, &write, AB_ATT_READ_REQ);
  assert_ptr_equal(ab_att_ordered(b.main, handle), &b.peer[2]->att);
  bed_close(&b);
}

static void what_fits_the_unenhanced_bearer_fits_its_own(void **state) {
  uint16_t handle;
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  handle = handle_on(&b, 1);
  b.main->mtu = MTU + 1;
  assert_ptr_equal(ab_att_ordered(b.main, handle), b.main);
  b.main->mtu = MTU;
  assert_ptr_equal(ab_att_ordered(b.main, handle), &b.peer[1]->att);
  ab_att_close(&b.peer[1]->att, AIOBLE_ENOTCONN);
  assert_ptr_equal(ab_att_ordered(b.main, handle), b.main);
  bed_close(&b);
}

static void there_is_no_exchange_of_mtus(void **state) {
  bed b;

  (void) state;
  bed_open(&b, PLACES);
  att_peer_play(b.peer[1], "> 02 0502\n"
                           "< 01 02 0000 06\n"
                           "> 02 05\n"
                           "< 01 02 0000 06\n"
                           "> 03 0502\n");
  assert_int_equal(b.peer[1]->att.mtu, MTU);
  assert_int_equal(b.peer[1]->mtus, 0);
  att_peer_play(b.peer[0], "> 02 0502\n"
                           "< 03 4000\n");
  bed_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone_it_is_always_itself),
      cmocka_unit_test(a_request_goes_where_nothing_waits),
      cmocka_unit_test(else_it_goes_to_the_shortest_line),
      cmocka_unit_test(indications_do_not_lengthen_the_line_of_requests),
      cmocka_unit_test(a_handle_has_its_bearer_and_each_has_a_share),
      cmocka_unit_test(a_new_bearer_does_not_overtake_what_waits_on_the_unenhanced_one),
      cmocka_unit_test(what_fits_the_unenhanced_bearer_fits_its_own),
      cmocka_unit_test(there_is_no_exchange_of_mtus),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
