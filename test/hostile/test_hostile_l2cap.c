/* SPDX-License-Identifier: MIT */
/*
 * A peer whose frames and channels are wrong: cases 10 to 17. Case numbers are those of
 * SECURITY.md's list. In each the neighbour is served afterwards, and nothing is left.
 */
#include "helpers/hostile_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CID_PEER = 0x40, CID_VICTIM = 0x40, FRAMES = 3 /* the credits a channel starts with */ };

static void set_up(hostile_bed *b) {
  hostile_open(b, true);
}

/* a channel from the peer's CID 0x40 to the victim's */
static void open_channel(hostile_bed *b) {
  hostile_asks(b, CID_SIGNAL, "14 01 0a 00 80 00 40 00 64 00 40 00 05 00",
               "15 01 0a 00 40 00 64 00 40 00 03 00 00 00");
}

/* the victim ends the channel; the link stays */
static void expect_channel_ended(hostile_bed *b) {
  hostile_hears(b, CID_SIGNAL, "06 ?? 04 00 40 00 40 00");
  hostile_says(b, CID_VICTIM, "01 00 41"); /* what was on its way */
  hostile_hears_nothing(b, CID_PEER);
  assert_int_equal(hostile_stats(b).channels_broken, 1);
  hostile_alive(b);
}

static void case_10_commands_that_do_not_fit_their_frame(void **state) {
  static const struct {
    const char *says, *hears; /* NULL: nothing */
  } cases[] = {
      {"14 01 0b 00 80 00 40 00 64 00 40 00 05 00", NULL},             /* longer than it is */
      {"14 01 09 00 80 00 40 00 64 00 40 00 05", "01 01 02 00 00 00"}, /* one short */
      {"ff 01 00 00", "01 01 02 00 00 00"},                            /* of no such code */
      {"ff 00 00 00", NULL},                                           /* identifier 0 */
      {"12 00 08 00 18 00 18 00 00 00 64 00", NULL},
      {"01", NULL},
      {"01 01", NULL},
      {"01 01 00", NULL},
      {"", NULL}, /* less than a header */
      {"06 01 03 00 40 00 40", "01 01 02 00 00 00"},
      {"16 01 03 00 40 00 01", NULL},
      {"17 01 09 00 80 00 40 00 40 00 01 00 40", "01 01 02 00 00 00"},
      {"19 01 04 00 40 00 40 00", "01 01 02 00 00 00"},
  };
  hostile_bed b;

  (void) state;
  set_up(&b);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hostile_says(&b, CID_SIGNAL, cases[i].says);
    if (cases[i].hears)
      hostile_hears(&b, CID_SIGNAL, cases[i].hears);
    hostile_hears_nothing(&b, CID_SIGNAL);
    hostile_alive(&b);
  }
  hostile_close(&b);
}

/* Part A, 4: there is one; of several none is carried out */
static void case_10_several_commands_in_a_frame(void **state) {
  hostile_bed b;

  (void) state;
  set_up(&b);
  open_channel(&b);
  hostile_says(&b, CID_SIGNAL, "06 02 04 00 40 00 40 00 06 03 04 00 40 00 40 00");
  for (unsigned i = 0; i < 100; i++)
    hostile_says(&b, CID_SIGNAL, "ff 01 00 00 ff 02 00 00 ff 03 00 00");
  vr_host_forget(&b.host);
  hostile_asks(&b, CID_SIGNAL, "14 02 0a 00 80 00 40 00 64 00 40 00 05 00",
               "15 02 0a 00 00 00 00 00 00 00 00 00 0a 00"); /* it is still there */
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_10_a_command_in_fragments(void **state) {
  hostile_bed b;

  (void) state;
  set_up(&b);
  hostile_fragment(&b, 0, "0e 00 05 00 14 01");
  hostile_fragment(&b, 1, "0a 00 80 00 40");
  hostile_fragment(&b, 1, "00 64 00 40 00 05 00");
  hostile_hears(&b, CID_SIGNAL, "15 01 0a 00 40 00 64 00 40 00 03 00 00 00");
  hostile_close(&b);
}

/* what a channel is told in its first K-frame, and may not be */
static void case_11_12_frames_that_do_not_add_up(void **state) {
  static const char *const first[] = {
      "41",          /* half a length */
      "",            /* none */
      "65 00 41",    /* an SDU of 101 octets, 100 are taken */
      "ff ff 41",    /* … of 65,535 */
      "01 00 41 42", /* more than its SDU */
      "3f 00 41*63", /* a frame of 65 octets, 64 are taken */
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
    set_up(&b);
    open_channel(&b);
    hostile_says(&b, CID_VICTIM, first[i]);
    expect_channel_ended(&b);
    hostile_close(&b);
  }
}

static void case_12_more_than_the_sdu_in_its_last_frame(void **state) {
  hostile_bed b;

  (void) state;
  set_up(&b);
  open_channel(&b);
  hostile_says(&b, CID_VICTIM, "03 00 41");
  hostile_says(&b, CID_VICTIM, "42 43 44");
  expect_channel_ended(&b);
  hostile_close(&b);
}

static void case_12_an_empty_sdu_is_one(void **state) {
  hostile_bed b;
  aioble_op_t *accept, *recv;

  (void) state;
  set_up(&b);
  accept = aioble_listener_accept(b.listener);
  open_channel(&b);
  sim_ok(accept);
  hostile_says(&b, CID_VICTIM, "00 00");
  hostile_says(&b, CID_VICTIM, "02 00 41 42");
  recv = sim_ok(aioble_channel_recv(aioble_op_channel(accept)));
  assert_int_equal(aioble_op_value(recv).len, 0);
  aioble_op_unref(recv);
  recv = sim_ok(aioble_channel_recv(aioble_op_channel(accept)));
  assert_int_equal(aioble_op_value(recv).len, 2);
  aioble_op_unref(recv);
  aioble_op_unref(accept);
  hostile_close(&b);
}

static void case_13_a_frame_without_a_credit(void **state) {
  hostile_bed b;

  (void) state;
  set_up(&b);
  open_channel(&b);
  for (unsigned i = 0; i < FRAMES; i++)
    hostile_says(&b, CID_VICTIM, "01 00 41"); /* nobody takes them: no credit comes back */
  hostile_hears_nothing(&b, CID_SIGNAL);
  hostile_says(&b, CID_VICTIM, "01 00 41");
  expect_channel_ended(&b);
  hostile_close(&b);
}

static void case_13_credits_that_cannot_be(void **state) {
  static const char *const credits[] = {
      "16 02 04 00 40 00 fb ff", /* with the 5 there are: 65,536 */
      "16 02 04 00 40 00 ff ff",
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < sizeof credits / sizeof *credits; i++) {
    set_up(&b);
    open_channel(&b);
    hostile_says(&b, CID_SIGNAL, credits[i]);
    expect_channel_ended(&b);
    hostile_close(&b);
  }
  set_up(&b);
  open_channel(&b);
  hostile_says(&b, CID_SIGNAL, "16 02 04 00 40 00 00 00"); /* none: ignored */
  hostile_says(&b, CID_SIGNAL, "16 02 04 00 41 00 01 00"); /* of no channel */
  hostile_says(&b, CID_SIGNAL, "16 02 04 00 40 00 fa ff"); /* 65,535 with those there are */
  hostile_hears_nothing(&b, CID_SIGNAL);
  hostile_says(&b, 0x41, "01 00 41"); /* to nobody */
  hostile_says(&b, 0x07, "01 00 41");
  hostile_says(&b, 0xffff, "01 00 41");
  hostile_hears_nothing(&b, CID_SIGNAL);
  assert_true(hostile_stats(&b).l2cap_dropped >= 3);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_14_enhanced_requests_that_cannot_be(void **state) {
  static const struct {
    const char *says, *hears;
  } cases[] = {
      /* six channels */
      {"17 01 14 00 80 00 64 00 40 00 01 00 40 00 41 00 42 00 43 00 44 00 45 00",
       "01 01 04 00 01 00 17 00"}, /* more than a signalling MTU of 23 */
      /* none */
      {"17 01 08 00 80 00 64 00 40 00 01 00", "01 01 02 00 00 00"},
      /* the same one twice */
      {"17 01 0c 00 80 00 64 00 40 00 01 00 40 00 40 00",
       "18 01 0c 00 ?? 00 ?? 00 ?? 00 ?? 00 ?? ?? ?? 00"},
      /* outside the dynamic range (2.1): 0x3f and 0x80 */
      {"17 01 0a 00 80 00 64 00 40 00 01 00 3f 00", "18 01 0a 00 00 00 00 00 00 00 09 00 00 00"},
      {"17 01 0a 00 80 00 64 00 40 00 01 00 80 00", "18 01 0a 00 00 00 00 00 00 00 09 00 00 00"},
      /* an MTU and an MPS below 64, no credits */
      {"17 01 0a 00 80 00 3f 00 40 00 01 00 40 00", "18 01 0a 00 00 00 00 00 00 00 0c 00 00 00"},
      {"17 01 0a 00 80 00 64 00 3f 00 01 00 40 00", "18 01 0a 00 00 00 00 00 00 00 0c 00 00 00"},
      {"17 01 0a 00 80 00 64 00 40 00 00 00 40 00", "18 01 0a 00 00 00 00 00 00 00 0c 00 00 00"},
      /* nobody listens there */
      {"17 01 0a 00 81 00 64 00 40 00 01 00 40 00", "18 01 0a 00 00 00 00 00 00 00 02 00 00 00"},
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set_up(&b);
    hostile_asks(&b, CID_SIGNAL, cases[i].says, cases[i].hears);
    hostile_alive(&b);
    hostile_close(&b);
  }
}

static void case_15_channels_that_are_there_and_answers_nobody_waits_for(void **state) {
  hostile_bed b;

  (void) state;
  set_up(&b);
  open_channel(&b);
  hostile_asks(&b, CID_SIGNAL, "14 02 0a 00 80 00 40 00 64 00 40 00 05 00",
               "15 02 0a 00 00 00 00 00 00 00 00 00 0a 00"); /* the source CID is in use */
  hostile_says(&b, CID_SIGNAL, "15 09 0a 00 41 00 64 00 40 00 05 00 00 00");
  hostile_says(&b, CID_SIGNAL, "18 09 0a 00 64 00 40 00 05 00 00 00 41 00");
  hostile_says(&b, CID_SIGNAL, "1a 09 02 00 00 00");
  hostile_says(&b, CID_SIGNAL, "07 09 04 00 40 00 40 00");
  hostile_says(&b, CID_SIGNAL, "13 09 02 00 00 00");
  hostile_says(&b, CID_SIGNAL, "01 09 02 00 00 00");
  hostile_hears_nothing(&b, CID_SIGNAL);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_15_a_request_while_the_link_goes_down(void **state) {
  hostile_bed b;
  aioble_op_t *end;

  (void) state;
  set_up(&b);
  end = aioble_conn_disconnect(b.conn);
  hostile_says(&b, CID_SIGNAL, "14 01 0a 00 80 00 40 00 64 00 40 00 05 00");
  hostile_is_thrown_out(&b, AB_HCI_ERR_REMOTE_USER);
  sim_expect(end, 0);
  hostile_connect(&b);
  open_channel(&b);
  hostile_close(&b);
}

static void case_16_both_ends_end_a_channel_at_once(void **state) {
  hostile_bed b;
  aioble_op_t *accept, *end;

  (void) state;
  set_up(&b);
  accept = aioble_listener_accept(b.listener);
  open_channel(&b);
  sim_ok(accept);
  end = aioble_channel_disconnect(aioble_op_channel(accept));
  hostile_hears(&b, CID_SIGNAL, "06 ?? 04 00 40 00 40 00");
  hostile_asks(&b, CID_SIGNAL, "06 05 04 00 40 00 40 00", "07 05 04 00 40 00 40 00");
  sim_expect(end, 0);
  aioble_op_unref(accept);
  open_channel(&b); /* the CIDs are free again */
  hostile_close(&b);
}

static void case_16_a_peer_that_never_answers_a_disconnect(void **state) {
  hostile_bed b;
  aioble_op_t *accept;

  (void) state;
  set_up(&b);
  accept = aioble_listener_accept(b.listener);
  open_channel(&b);
  sim_ok(accept);
  sim_expect(aioble_channel_disconnect(aioble_op_channel(accept)), AIOBLE_ETIMEDOUT);
  sim_run_ms(&b.s, 60000);
  assert_false(aioble_channel_is_open(aioble_op_channel(accept)));
  aioble_op_unref(accept);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_17_frames_of_nothing(void **state) {
  static const uint16_t cids[] = {0, 1,    2,          3,    CID_ATT, CID_SIGNAL, CID_SMP,
                                  7, 0x3f, CID_VICTIM, 0x7f, 0x80,    0xffff};
  hostile_bed b;

  (void) state;
  set_up(&b);
  for (size_t i = 0; i < sizeof cids / sizeof *cids; i++) {
    hostile_says(&b, cids[i], "");
    hostile_says(&b, cids[i], "00");
  }
  hostile_hears(&b, CID_ATT, "01 00 00 00 06"); /* a request, though one that nobody knows */
  hostile_alive(&b);
  hostile_close(&b);
}

/* Connection parameters by L2CAP (4.20): one wish at a time is carried out, and none is lost */
static void wishes_one_upon_the_other(void **state) {
  hostile_bed b;

  (void) state;
  hostile_open(&b, false);
  hostile_says(&b, CID_SIGNAL, "12 01 08 00 20 00 20 00 00 00 64 00");
  hostile_says(&b, CID_SIGNAL, "12 02 08 00 30 00 30 00 00 00 64 00");
  hostile_hears(&b, CID_SIGNAL, "13 01 02 00 00 00");
  hostile_hears(&b, CID_SIGNAL, "13 02 02 00 01 00");
  assert_int_equal(hostile_stats(&b).params_refused, 1);
  sim_run_ms(&b.s, 1000);
  assert_int_equal(aioble_conn_params(b.conn).interval_us, 40000);
  hostile_asks(&b, CID_SIGNAL, "12 03 08 00 30 00 30 00 00 00 64 00", "13 03 02 00 00 00");
  sim_run_ms(&b.s, 1000);
  assert_int_equal(aioble_conn_params(b.conn).interval_us, 60000);
  hostile_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(case_10_commands_that_do_not_fit_their_frame),
      cmocka_unit_test(case_10_several_commands_in_a_frame),
      cmocka_unit_test(case_10_a_command_in_fragments),
      cmocka_unit_test(case_11_12_frames_that_do_not_add_up),
      cmocka_unit_test(case_12_more_than_the_sdu_in_its_last_frame),
      cmocka_unit_test(case_12_an_empty_sdu_is_one),
      cmocka_unit_test(case_13_a_frame_without_a_credit),
      cmocka_unit_test(case_13_credits_that_cannot_be),
      cmocka_unit_test(case_14_enhanced_requests_that_cannot_be),
      cmocka_unit_test(case_15_channels_that_are_there_and_answers_nobody_waits_for),
      cmocka_unit_test(case_15_a_request_while_the_link_goes_down),
      cmocka_unit_test(case_16_both_ends_end_a_channel_at_once),
      cmocka_unit_test(case_16_a_peer_that_never_answers_a_disconnect),
      cmocka_unit_test(case_17_frames_of_nothing),
      cmocka_unit_test(wishes_one_upon_the_other),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
