/* SPDX-License-Identifier: MIT */
/* ACL data on its way in: whole PDUs out of fragments, whatever the fragments are like. */
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct peer {
  ab_hci_link link;
  fake_controller *c;
  unsigned frames;
  unsigned lost;
  uint8_t frame[8192]; /* the last */
  size_t len;
  bool close;
} peer;

static fake_controller *controller(void) {
  fake_controller *c = fake_controller_new();

  fake_controller_ready(c);
  return c;
}

static void on_frame(ab_hci_link *link, const uint8_t *frame, size_t len) {
  peer *me = ab_container_of(link, peer, link);

  me->lost += !frame;
  if (!frame)
    return;
  me->frames++;
  me->len = len;
  assert_true(len <= sizeof me->frame);
  memcpy(me->frame, frame, len);
  if (me->close)
    ab_hci_link_close(me->c->hci, link, AIOBLE_ENOTCONN);
}

static peer *link_up(fake_controller *c, uint16_t handle) {
  peer *me = calloc(1, sizeof *me);

  assert_non_null(me);
  me->c = c;
  assert_int_equal(ab_hci_link_open(c->hci, &me->link, handle, on_frame), 0);
  return me;
}

static void down(peer *me) {
  ab_hci_link_close(me->c->hci, &me->link, AIOBLE_ENOTCONN);
  free(me);
}

static const ab_hci_stats *stats(const fake_controller *c) {
  return ab_hci_stats_of(c->hci);
}

static void a_pdu_in_one_packet_is_passed_on(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  fake_controller_gives(c, "02 40 20 06 00 02 00 04 00 aa bb");
  assert_int_equal(a->frames, 1);
  assert_hex(a->frame, a->len, "02 00 04 00 aa bb");
  fake_controller_gives(c, "02 40 00 06 00 02 00 04 00 aa bb"); /* some do not say flushable */
  assert_int_equal(a->frames, 2);
  fake_controller_gives(c, "02 40 20 04 00 00 00 04 00"); /* empty: not ours to judge */
  assert_int_equal(a->frames, 3);
  assert_int_equal(stats(c)->acl_in, 3);
  assert_int_equal(stats(c)->reassembly + stats(c)->malformed, 0);
  down(a);
  fake_controller_free(c);
}

static void fragments_are_put_together(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40), *b = link_up(c, 0x41);

  (void) state;
  fake_controller_gives(c, "02 40 20 06 00 05 00 04 00 a1 a2");
  fake_controller_gives(c, "02 41 20 05 00 02 00 04 00 b1"); /* links do not mix */
  fake_controller_gives(c, "02 40 10 02 00 a3 a4");
  fake_controller_gives(c, "02 40 10 00 00"); /* an empty one does not matter */
  assert_int_equal(a->frames + b->frames, 0);
  fake_controller_gives(c, "02 41 10 01 00 b2");
  assert_hex(b->frame, b->len, "02 00 04 00 b1 b2");
  fake_controller_gives(c, "02 40 10 01 00 a5");
  assert_int_equal(a->frames, 1);
  assert_hex(a->frame, a->len, "05 00 04 00 a1 a2 a3 a4 a5");
  assert_int_equal(stats(c)->reassembly, 0);
  down(a);
  down(b);
  fake_controller_free(c);
}

/* a start fragment may be of any length, also 0 */
static void a_header_in_pieces_is_understood(void **state) {
  static const char *const pieces[][6] = {
      {"02 40 20 00 00", "02 40 10 06 00 02 00 04 00 aa bb"},
      {"02 40 20 01 00 02", "02 40 10 05 00 00 04 00 aa bb"},
      {"02 40 20 02 00 02 00", "02 40 10 04 00 04 00 aa bb"},
      {"02 40 20 03 00 02 00 04", "02 40 10 03 00 00 aa bb"},
      {"02 40 20 01 00 02", "02 40 10 01 00 00", "02 40 10 01 00 04", "02 40 10 01 00 00",
       "02 40 10 01 00 aa", "02 40 10 01 00 bb"},
  };
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    for (size_t j = 0; j < 6 && pieces[i][j]; j++) {
      assert_int_equal(a->frames, i);
      fake_controller_gives(c, pieces[i][j]);
    }
    assert_int_equal(a->frames, i + 1);
    assert_hex(a->frame, a->len, "02 00 04 00 aa bb");
  }
  assert_int_equal(stats(c)->reassembly, 0);
  down(a);
  fake_controller_free(c);
}

static void hostile_fragments_are_dropped_and_the_next_pdu_comes_through(void **state) {
  static const struct {
    const char *packets[3];
    unsigned dropped, headers;
  } cases[] = {
      {{"02 40 10 02 00 aa bb"}, 1, 0},                                  /* no start */
      {{"02 40 20 05 00 02 00 04 00 aa"}, 1, 0},                         /* start inside a PDU */
      {{"02 40 20 05 00 00 00 04 00 aa"}, 1, 0},                         /* longer than it says */
      {{"02 40 20 05 00 02 00 04 00 aa", "02 40 10 02 00 bb cc"}, 1, 0}, /* … in the end */
      {{"02 40 20 05 00 ff ff 04 00 aa"}, 1, 1},                         /* over the limit */
      {{"02 40 20 05 00 ff ff 04 00 aa", "02 40 10 02 00 bb cc"}, 2, 1}, /* … and its rest */
      {{"02 40 30 06 00 02 00 04 00 aa bb"}, 1, 0},                      /* reserved boundary */
      {{"02 40 20 01 00 ff", "02 40 10 03 00 ff 04 00"}, 1, 1},
      {{"02 40 20 00 00"}, 1, 0},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_controller *c = controller();
    peer *a = link_up(c, 0x40);

    for (size_t j = 0; j < 3 && cases[i].packets[j]; j++)
      fake_controller_gives(c, cases[i].packets[j]);
    assert_int_equal(a->frames, cases[i].headers);
    if (a->frames)
      assert_hex(a->frame, a->len, "ff ff 04 00");
    fake_controller_gives(c, "02 40 20 06 00 02 00 04 00 aa bb");
    assert_int_equal(stats(c)->reassembly, cases[i].dropped);
    assert_int_equal(a->frames, cases[i].headers + 1);
    assert_hex(a->frame, a->len, "02 00 04 00 aa bb");
    down(a);
    fake_controller_free(c);
  }
}

static void data_for_no_link_is_counted(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  fake_controller_gives(c, "02 41 20 06 00 02 00 04 00 aa bb");
  fake_controller_gives(c, "02 ff 2f 06 00 02 00 04 00 aa bb");
  down(a);
  fake_controller_gives(c, "02 40 20 06 00 02 00 04 00 aa bb"); /* after its disconnection */
  assert_int_equal(stats(c)->unknown_link, 3);
  fake_controller_free(c);
}

/* one PDU of `want` octets in fragments of at most 200 */
static void give_long(fake_controller *c, size_t want) {
  uint8_t packet[300];

  for (size_t at = 0; at < want;) {
    size_t n = want - at < 200 ? want - at : 200;
    ab_wr w = ab_wr_of(packet, sizeof packet);

    ab_wr_u8(&w, 2);
    ab_wr_le16(&w, at ? 0x1040 : 0x2040);
    ab_wr_le16(&w, (uint16_t) n);
    for (size_t i = at; i < at + n; i++)
      ab_wr_u8(&w, i == 0   ? (uint8_t) (want - 4)
                   : i == 1 ? (uint8_t) ((want - 4) >> 8)
                            : (uint8_t) (i * 7));
    ab_hci_rx(c->hci, packet, ab_wr_len(&w));
    at += n;
  }
}

static void long_pdus_are_whole_up_to_the_limit(void **state) {
  static const size_t sizes[] = {4, 528, 529, 4100};
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    give_long(c, sizes[i]);
    assert_int_equal(a->frames, i + 1);
    assert_int_equal(a->len, sizes[i]);
    for (size_t j = 4; j < a->len; j++)
      assert_int_equal(a->frame[j], (uint8_t) (j * 7));
  }
  give_long(c, 4101);
  assert_int_equal(a->frames, 5);
  assert_int_equal(a->len, 4); /* its header */
  a->link.rx_limit = 8000;
  give_long(c, 4101);
  assert_int_equal(a->frames, 6);
  assert_int_equal(a->len, 4101);
  down(a);
  fake_controller_free(c);
}

static void what_is_lost_for_lack_of_memory_is_the_last_that_a_link_hears_of(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40), *b = link_up(c, 0x41);

  (void) state;
  ab_bufs_free(&c->bufs);
  fake_env_fail_at(c->env, 1);
  fake_controller_gives(c, "02 40 20 05 00 02 00 04 00 aa");
  assert_int_equal(a->lost, 1);
  assert_int_equal(stats(c)->reassembly, 1);
  fake_controller_gives(c, "02 40 10 01 00 bb");
  give_long(c, 529);
  assert_int_equal(a->frames + a->lost, 1);
  fake_controller_gives(c, "02 41 20 06 00 02 00 04 00 aa bb");
  assert_int_equal(b->frames, 1); /* another link is another matter */
  down(a);
  a = link_up(c, 0x40);
  ab_bufs_free(&c->bufs);
  fake_env_fail_at(c->env, 1);
  give_long(c, 529);
  assert_int_equal(a->frames, 0);
  assert_int_equal(a->lost, 1);
  down(a);
  a = link_up(c, 0x40);
  fake_controller_gives(c, "02 40 20 01 00 0d");
  ab_bufs_free(&c->bufs);
  fake_env_fail_at(c->env, 1); /* the larger one */
  fake_controller_gives(c, "02 40 10 04 00 02 04 00 aa");
  assert_int_equal(a->frames, 0);
  assert_int_equal(a->lost, 1);
  down(b);
  down(a);
  fake_controller_free(c);
}

static void a_frame_may_close_its_link(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  a->close = true;
  fake_controller_gives(c, "02 40 20 05 00 02 00 04 00 aa");
  fake_controller_gives(c, "02 40 10 01 00 bb");
  assert_int_equal(a->frames, 1);
  assert_null(ab_hci_link_find(c->hci, 0x40));
  free(a);
  fake_controller_free(c);
}

static void an_open_pdu_dies_with_its_link(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);

  (void) state;
  fake_controller_gives(c, "02 40 20 05 00 02 00 04 00 aa");
  down(a);
  a = link_up(c, 0x40);
  fake_controller_gives(c, "02 40 10 01 00 bb");
  assert_int_equal(a->frames, 0);
  assert_int_equal(stats(c)->reassembly, 1);
  down(a);
  fake_controller_free(c);
}

static void the_steady_state_allocates_nothing(void **state) {
  fake_controller *c = controller();
  peer *a = link_up(c, 0x40);
  unsigned before;

  (void) state;
  fake_controller_gives(c, "02 40 20 05 00 02 00 04 00 aa");
  before = fake_env_allocs(c->env);
  for (unsigned i = 0; i < 50; i++) {
    fake_controller_gives(c, "02 40 10 01 00 bb");
    fake_controller_gives(c, "02 40 20 05 00 02 00 04 00 aa");
  }
  assert_int_equal(a->frames, 50);
  assert_int_equal(fake_env_allocs(c->env), before);
  down(a);
  fake_controller_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pdu_in_one_packet_is_passed_on),
      cmocka_unit_test(fragments_are_put_together),
      cmocka_unit_test(a_header_in_pieces_is_understood),
      cmocka_unit_test(hostile_fragments_are_dropped_and_the_next_pdu_comes_through),
      cmocka_unit_test(data_for_no_link_is_counted),
      cmocka_unit_test(long_pdus_are_whole_up_to_the_limit),
      cmocka_unit_test(what_is_lost_for_lack_of_memory_is_the_last_that_a_link_hears_of),
      cmocka_unit_test(a_frame_may_close_its_link),
      cmocka_unit_test(an_open_pdu_dies_with_its_link),
      cmocka_unit_test(the_steady_state_allocates_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
