/* SPDX-License-Identifier: MIT */
/* Channels that the peer asks for. */
#include "helpers/l2cap_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void asks(l2cap_bed *bed, const char *request, const char *response) {
  char lines[512];

  (void) snprintf(lines, sizeof lines, "> 05 %s\n< 05 %s\n", request, response);
  l2cap_bed_play(bed, lines);
}

#define REFUSED(id, result) "15 " id " 0a 00 00 00 00 00 00 00 00 00 " result " 00"

static void a_channel_is_made(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);
  bed_chan *c = &bed->chans[0];

  (void) state;
  asks(bed, "14 09 0a 00 80 00 7f 00 00 02 f7 00 05 00",
       "15 09 0a 00 40 00 40 00 17 00 03 00 00 00");
  assert_int_equal(bed->n, 1);
  assert_int_equal(c->opened, 1);
  assert_int_equal(c->chan.peer_cid, 0x7f);
  assert_int_equal(c->chan.theirs.mtu, 512);
  assert_int_equal(c->chan.theirs.mps, 247);
  assert_int_equal(c->chan.tx.credits, 5);
  c->use = true;
  l2cap_bed_play(bed, "> 40 02 00 aa bb\n");
  bed_chan_got(c, 1, "aa bb");
  l2cap_bed_free(bed);
}

static void what_is_against_it_is_the_result_in_this_order(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);

  (void) state;
  bed->listener.demand = (ab_l2cap_security){.encrypted = true};
  asks(bed, "14 01 0a 00 81 00 04 00 00 00 00 00 00 00", REFUSED("01", "02"));
  asks(bed, "14 02 0a 00 80 01 04 00 00 00 00 00 00 00", REFUSED("02", "02"));
  asks(bed, "14 03 0a 00 80 00 04 00 00 00 00 00 00 00", REFUSED("03", "05"));
  bed->link.security.encrypted = true;
  asks(bed, "14 04 0a 00 80 00 04 00 16 00 17 00 00 00", REFUSED("04", "0b"));
  asks(bed, "14 05 0a 00 80 00 04 00 17 00 16 00 00 00", REFUSED("05", "0b"));
  asks(bed, "14 06 0a 00 80 00 04 00 17 00 fe ff 00 00", REFUSED("06", "0b"));
  asks(bed, "14 07 0a 00 80 00 3f 00 17 00 17 00 00 00", REFUSED("07", "09"));
  asks(bed, "14 08 0a 00 80 00 80 00 17 00 17 00 00 00", REFUSED("08", "09"));
  assert_int_equal(bed->asked, 0);
  bed->result = 6;
  asks(bed, "14 09 0a 00 80 00 40 00 17 00 17 00 00 00", REFUSED("09", "06"));
  bed->result = 0;
  bed->makes = 0;
  asks(bed, "14 0a 0a 00 80 00 40 00 17 00 17 00 00 00", REFUSED("0a", "04"));
  assert_int_equal(bed->asked, 2);
  bed->makes = 1;
  asks(bed, "14 0b 0a 00 80 00 40 00 17 00 17 00 00 00",
       "15 0b 0a 00 40 00 40 00 17 00 03 00 00 00");
  asks(bed, "14 0c 0a 00 80 00 40 00 17 00 17 00 00 00", REFUSED("0c", "0a"));
  assert_int_equal(bed->asked, 3);
  assert_int_equal(bed->n, 1);
  l2cap_bed_free(bed);
}

static void security_is_refused_by_what_is_missing(void **state) {
  static const struct {
    ab_l2cap_security have, demand;
    const char *result; /* NULL: made */
  } cases[] = {
      {{0}, {0}, NULL},
      {{0}, {.encrypted = true}, "05"},
      {{0}, {.key_size = 7}, "05"},
      {{.keyed = true}, {.encrypted = true}, "08"},
      {{.keyed = true}, {.authenticated = true, .key_size = 16}, "08"},
      {{.keyed = true}, {0}, NULL},
      {{true, true, false, false, 16}, {.encrypted = true}, NULL},
      {{true, true, false, false, 16}, {.authenticated = true}, "05"},
      {{true, true, true, false, 16}, {.authenticated = true}, NULL},
      {{true, true, true, false, 16}, {.secure = true}, "05"},
      {{true, true, true, true, 16}, {false, true, true, true, 16}, NULL},
      {{true, true, true, true, 15}, {false, true, true, true, 16}, "07"},
      {{true, true, false, false, 7}, {.encrypted = true, .key_size = 8}, "07"},
      {{true, true, false, false, 7}, {.authenticated = true, .key_size = 8}, "05"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    l2cap_bed *bed = l2cap_bed_new(true);
    char response[128];

    bed->link.security = cases[i].have;
    bed->listener.demand = cases[i].demand;
    (void) snprintf(response, sizeof response, REFUSED("01", "%s"),
                    cases[i].result ? cases[i].result : "");
    asks(bed, "14 01 0a 00 80 00 40 00 17 00 17 00 00 00",
         cases[i].result ? response : "15 01 0a 00 40 00 40 00 17 00 03 00 00 00");
    assert_int_equal(bed->n, cases[i].result ? 0 : 1);
    l2cap_bed_free(bed);
  }
}

static void a_listener_of_the_link_is_asked_first(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);
  ab_l2cap_link other;
  ab_l2cap_listener own = bed->listener, same = bed->listener;

  (void) state;
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &same), AIOBLE_EEXIST);
  same.psm = 0;
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &same), AIOBLE_EINVAL);
  same.psm = 0x100;
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &same), AIOBLE_EINVAL);
  own.link = &other;
  own.demand.encrypted = true;
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &own), 0);
  asks(bed, "14 01 0a 00 80 00 40 00 17 00 17 00 00 00",
       "15 01 0a 00 40 00 40 00 17 00 03 00 00 00");
  own.link = &bed->link;
  asks(bed, "14 02 0a 00 80 00 41 00 17 00 17 00 00 00", REFUSED("02", "05"));
  ab_l2cap_unlisten(&own);
  asks(bed, "14 03 0a 00 80 00 41 00 17 00 17 00 00 00",
       "15 03 0a 00 41 00 40 00 17 00 03 00 00 00");
  ab_l2cap_unlisten(&bed->listener);
  asks(bed, "14 04 0a 00 80 00 42 00 17 00 17 00 00 00", REFUSED("04", "02"));
  assert_int_equal(bed->chans[0].ended + bed->chans[1].ended, 0);
  l2cap_bed_free(bed);
}

static void enhanced_channels_are_made_as_far_as_possible(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);

  (void) state;
  /* all; our MTU and MPS are no less than 64 */
  asks(bed, "17 01 0c 00 80 00 40 00 40 00 01 00 50 00 51 00",
       "18 01 0c 00 40 00 40 00 03 00 00 00 40 00 41 00");
  assert_true(bed->chans[1].chan.enhanced);
  assert_int_equal(bed->chans[1].chan.peer_cid, 0x51);
  assert_int_equal(bed->chans[1].opened, 1);
  /* in use, out of range, twice the same */
  asks(bed, "17 02 12 00 80 00 40 00 40 00 01 00 51 00 52 00 80 00 53 00 52 00",
       "18 02 12 00 40 00 40 00 03 00 0a 00 00 00 42 00 00 00 43 00 00 00");
  assert_int_equal(bed->n, 4);
  asks(bed, "17 03 0c 00 80 00 40 00 40 00 01 00 54 00 04 00",
       "18 03 0c 00 40 00 40 00 03 00 09 00 44 00 00 00");
  /* the listener makes one only */
  bed->makes = 1;
  asks(bed, "17 04 0e 00 80 00 40 00 40 00 01 00 60 00 61 00 62 00",
       "18 04 0e 00 40 00 40 00 03 00 04 00 45 00 00 00 00 00");
  /* … or has something against it */
  bed->result = 6;
  asks(bed, "17 05 0a 00 80 00 40 00 40 00 01 00 63 00",
       "18 05 0a 00 00 00 00 00 00 00 06 00 00 00");
  assert_int_equal(bed->n, 6);
  assert_int_equal(bed->asked, 5);
  l2cap_bed_free(bed);
}

static void enhanced_requests_out_of_range_are_invalid(void **state) {
  static const char *const bad[] = {"3f 00 40 00 01 00", "40 00 3f 00 01 00", "40 00 40 00 00 00",
                                    "40 00 fe ff 01 00"};
  l2cap_bed *bed = l2cap_bed_new(true);
  char request[128];

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    (void) snprintf(request, sizeof request, "17 01 0c 00 80 00 %s 40 00 41 00", bad[i]);
    asks(bed, request, "18 01 0c 00 00 00 00 00 00 00 0c 00 00 00 00 00");
  }
  asks(bed, "17 01 0a 00 81 00 40 00 40 00 01 00 40 00",
       "18 01 0a 00 00 00 00 00 00 00 02 00 00 00");
  bed->listener.demand.encrypted = true;
  asks(bed, "17 01 0a 00 80 00 40 00 40 00 01 00 40 00",
       "18 01 0a 00 00 00 00 00 00 00 05 00 00 00");
  assert_int_equal(bed->asked, 0);
  l2cap_bed_free(bed);
}

static void without_a_free_cid_there_are_no_resources(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);
  char request[128];

  (void) state;
  for (unsigned i = 0; i < AB_L2CAP_CHANS - 1; i++) {
    (void) snprintf(request, sizeof request, "14 01 0a 00 80 00 %02x 00 17 00 17 00 00 00",
                    0x40 + i);
    asks(bed, request, "15 01 0a 00 ?? 00 40 00 17 00 03 00 00 00");
  }
  asks(bed, "17 02 0c 00 80 00 40 00 40 00 01 00 7f 00 7f 00",
       "18 02 0c 00 40 00 40 00 03 00 04 00 7f 00 00 00");
  asks(bed, "14 03 0a 00 80 00 41 00 17 00 17 00 00 00", REFUSED("03", "04"));
  assert_int_equal(bed->n, AB_L2CAP_CHANS);
  l2cap_bed_free(bed);
}

static void no_memory_for_the_response_unmakes_it(void **state) {
  l2cap_bed *bed = l2cap_bed_new(true);

  (void) state;
  fake_env_fail_at(bed->env, 1);
  l2cap_bed_play(bed, "> 05 14 01 0a 00 80 00 40 00 17 00 17 00 00 00\n");
  bed_chan_expect(&bed->chans[0], AIOBLE_ENOMEM, true);
  assert_int_equal(bed->chans[0].opened, 0);
  assert_int_equal(bed->link.stats.dropped, 1);
  l2cap_bed_free(bed);
}

static void stop(l2cap_bed *bed) {
  ab_l2cap_unlisten(&bed->listener);
}

static void close_link(l2cap_bed *bed) {
  ab_l2cap_close(&bed->link, AIOBLE_ENOTCONN);
}

static void take_all(l2cap_bed *bed) {
  while (bed->n < AB_L2CAP_CHANS) {
    ab_l2cap_chan *one = &l2cap_bed_chan(bed)->chan;

    assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, false, &one, 1), 0);
  }
}

static void the_listener_may_do_anything(void **state) {
  static const char line[] = "< 05 14 ?? 0a 00 80 00 ?? 00 40 00 17 00 03 00\n";
  char lines[(AB_L2CAP_CHANS + 2) * sizeof line] =
      "> 05 14 02 0a 00 80 00 41 00 17 00 17 00 00 00\n";
  l2cap_bed *bed = l2cap_bed_new(true);

  (void) state;
  bed->on_accept = stop;
  asks(bed, "14 01 0a 00 80 00 40 00 17 00 17 00 00 00",
       "15 01 0a 00 40 00 40 00 17 00 03 00 00 00");
  assert_int_equal(bed->chans[0].opened, 1);
  assert_int_equal(ab_l2cap_listen(&bed->listeners, &bed->listener), 0);
  bed->on_accept = close_link;
  l2cap_bed_play(bed, "> 05 14 02 0a 00 80 00 41 00 17 00 17 00 00 00\n");
  bed_chan_expect(&bed->chans[1], AIOBLE_ENOTCONN, true);
  assert_int_equal(bed->chans[1].opened, 0);
  l2cap_bed_free(bed);

  bed = l2cap_bed_new(true);
  bed->on_accept = take_all;
  for (unsigned i = 0; i < AB_L2CAP_CHANS; i++)
    (void) strcat(lines, line);
  (void) strcat(lines, "< 05 " REFUSED("02", "04") "\n");
  l2cap_bed_play(bed, lines);
  assert_int_equal(bed->n, AB_L2CAP_CHANS + 1);
  bed_chan_expect(&bed->chans[AB_L2CAP_CHANS], AIOBLE_ENOBUFS, true);
  l2cap_bed_free(bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_channel_is_made),
      cmocka_unit_test(what_is_against_it_is_the_result_in_this_order),
      cmocka_unit_test(security_is_refused_by_what_is_missing),
      cmocka_unit_test(a_listener_of_the_link_is_asked_first),
      cmocka_unit_test(enhanced_channels_are_made_as_far_as_possible),
      cmocka_unit_test(enhanced_requests_out_of_range_are_invalid),
      cmocka_unit_test(without_a_free_cid_there_are_no_resources),
      cmocka_unit_test(no_memory_for_the_response_unmakes_it),
      cmocka_unit_test(the_listener_may_do_anything),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
