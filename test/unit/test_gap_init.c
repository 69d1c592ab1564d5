/* SPDX-License-Identifier: MIT */
/* Initiating against a controller that says what it wants, when it wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gap/gap.h"
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"

#define CREATED       "040f0400010d20"
#define CANCELLED     "040e04010e2000"
#define CANCEL_LATE   "040e04010e200c"
#define CONNECTED     "043e1301004000000066554433221118000000480000"
#define FAILED        "043e13013e4000000066554433221118000000480000"
#define UNKNOWN_CONN  "043e1301020000000000000000000000000000000000"
#define OPENED_BY_HER "043e1301004000010066554433221118000000480000"
#define DISCONNECTED  "04050400400013"

typedef struct bed {
  fake_controller *c;
  ab_gap gap;
  ab_gap_link link; /* one at a time */
  ab_gap_connect req, second;
  unsigned dones, second_dones, ups, downs;
  int status, second_status, link_error;
  ab_gap_link *done_link;
  bool hidden; /* the peer of req has private addresses */
} bed;

/* ---- the layer above ---- */

static void on_frame(ab_hci_link *link, const uint8_t *frame, size_t len) {
  (void) link;
  (void) frame;
  (void) len;
}

static int link_new(void *ctx, const aioble_addr_t *peer, ab_gap_link **link,
                    ab_hci_frame_fn **frame) {
  bed *b = ctx;

  (void) peer;
  *link = &b->link;
  *frame = on_frame;
  return b->link_error;
}

static void link_up(void *ctx, ab_gap_link *link) {
  bed *b = ctx;

  assert_true(link->up);
  b->ups++;
}

static void link_down(void *ctx, ab_gap_link *link, int reason) {
  bed *b = ctx;

  (void) reason;
  assert_false(link->up);
  b->downs++;
}

static void link_params(void *ctx, ab_gap_link *link) {
  (void) ctx;
  (void) link;
}

static bool link_param_request(void *ctx, ab_gap_link *link, const ab_gap_params *wish) {
  (void) ctx;
  (void) link;
  (void) wish;
  return true;
}

static bool is_private(void *ctx, const aioble_addr_t *identity) {
  const bed *b = ctx;

  return b->hidden && aioble_addr_equal(identity, &b->req.peer);
}

/* all of them are hers */
static const aioble_addr_t *resolve(void *ctx, const aioble_addr_t *addr) {
  const bed *b = ctx;

  (void) addr;
  return b->hidden ? &b->req.peer : NULL;
}

static const ab_gap_events events = {.is_private = is_private,
                                     .resolve = resolve,
                                     .link_new = link_new,
                                     .link_up = link_up,
                                     .link_down = link_down,
                                     .link_params = link_params,
                                     .link_param_request = link_param_request};

static void on_done(ab_gap_request *req, int status, ab_gap_link *link) {
  bed *b = ab_container_of(req, bed, req.req);

  b->dones++;
  b->status = status;
  b->done_link = link;
}

static void on_second_done(ab_gap_request *req, int status, ab_gap_link *link) {
  bed *b = ab_container_of(req, bed, second.req);

  (void) link;
  b->second_dones++;
  b->second_status = status;
}

/* ---- the bed ---- */

static void prepare(ab_gap_connect *req, uint8_t last,
                    void (*done)(ab_gap_request *, int, ab_gap_link *)) {
  req->peer = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {0x11, 0x22, 0x33, 0x44, 0x55, last}};
  req->params = (ab_gap_params){24, 40, 0, 256};
  req->scan_interval = req->scan_window = 96;
  req->req.done = done;
}

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  b->c = fake_controller_new();
  fake_controller_ready(b->c);
  ab_gap_init(&b->gap, b->c->env, &events, b);
  ab_gap_start(&b->gap, b->c->hci);
  prepare(&b->req, 0x66, on_done);
  prepare(&b->second, 0x77, on_second_done);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  ab_gap_end_requests(&b->gap, AIOBLE_ECANCELED);
  ab_gap_stop(&b->gap, AIOBLE_ENODEV);
  assert_int_equal(b->ups, b->downs);
  fake_controller_free(b->c);
  test_free(b);
  return 0;
}

static void expect_sent(bed *b, uint16_t opcode) {
  assert_int_equal(fake_controller_pending(b->c), 1);
  assert_true(fake_controller_was_sent(b->c, opcode, NULL));
  fake_controller_forget(b->c);
}

/* asked for, and the controller has started */
static void start(bed *b) {
  ab_gap_connect_add(&b->gap, &b->req);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  fake_controller_gives(b->c, CREATED);
}

/* ---- the tests ---- */

static void not_established_is_tried_again_after_a_pause(void **state) {
  bed *b = *state;

  start(b);
  fake_controller_gives(b->c, FAILED);
  assert_int_equal(b->dones, 0);
  fake_controller_got_nothing(b->c);
  fake_env_advance(b->c->env, 100000);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  fake_controller_gives(b->c, CREATED);
  fake_controller_gives(b->c, CONNECTED);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, 0);
  assert_ptr_equal(b->done_link, &b->link);
}

static void removed_during_the_pause_it_ends_at_once(void **state) {
  bed *b = *state;

  start(b);
  fake_controller_gives(b->c, FAILED);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ETIMEDOUT);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ETIMEDOUT);
  fake_env_advance(b->c->env, 200000);
  fake_controller_got_nothing(b->c);
}

static void the_one_that_failed_goes_behind_the_others(void **state) {
  bed *b = *state;
  ab_rd params;

  start(b);
  ab_gap_connect_add(&b->gap, &b->second);
  fake_controller_gives(b->c, FAILED);
  fake_env_advance(b->c->env, 100000);
  assert_true(fake_controller_was_sent(b->c, AB_HCI_LE_CREATE_CONN, &params));
  (void) ab_rd_take(&params, 6);
  assert_int_equal(ab_rd_u8(&params), 0x77);
}

static void any_other_error_is_the_outcome(void **state) {
  bed *b = *state;

  ab_gap_connect_add(&b->gap, &b->req);
  fake_controller_gives(b->c, "040f040d010d20"); /* Rejected Due To Limited Resources */
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ERR_HCI(0x0d));
}

static void a_cancel_waits_for_the_event(void **state) {
  bed *b = *state;

  start(b);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ECANCELED);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
  fake_controller_gives(b->c, CANCELLED);
  assert_int_equal(b->dones, 0);
  fake_controller_gives(b->c, UNKNOWN_CONN);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ECANCELED);
}

static void a_cancel_before_the_command_was_answered_comes_after_it(void **state) {
  bed *b = *state;

  ab_gap_connect_add(&b->gap, &b->req);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ECANCELED);
  fake_controller_got_nothing(b->c);
  fake_controller_gives(b->c, CREATED);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
  fake_controller_gives(b->c, CANCELLED);
  fake_controller_gives(b->c, UNKNOWN_CONN);
  assert_int_equal(b->dones, 1);
}

static void an_event_that_never_comes_is_not_waited_for(void **state) {
  bed *b = *state;

  start(b);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ECANCELED);
  fake_controller_gives(b->c, CANCELLED);
  fake_env_advance(b->c->env, 999999);
  assert_int_equal(b->dones, 0);
  fake_env_advance(b->c->env, 1);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ECANCELED);
}

static void success_that_came_first_is_sent_away(void **state) {
  bed *b = *state;

  start(b);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ECANCELED);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
  fake_controller_gives(b->c, CONNECTED);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ECANCELED);
  assert_null(b->done_link);
  fake_controller_gives(b->c, CANCEL_LATE);
  expect_sent(b, AB_HCI_DISCONNECT);
  fake_controller_gives(b->c, "040f0400010604");
  fake_controller_gives(b->c, DISCONNECTED);
  assert_int_equal(b->ups, 0);
  /* and the next one is not kept waiting */
  ab_gap_connect_add(&b->gap, &b->second);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
}

static void the_event_before_the_command_status_does_not_confuse(void **state) {
  bed *b = *state;

  ab_gap_connect_add(&b->gap, &b->req);
  ab_gap_connect_add(&b->gap, &b->second);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  fake_controller_gives(b->c, CONNECTED);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, 0);
  fake_controller_gives(b->c, CREATED);
  /* the second's turn: it has not been started yet, whatever comes of the first's command */
  for (int i = 0; i < 3 && !fake_controller_was_sent(b->c, AB_HCI_LE_CREATE_CONN, NULL); i++) {
    fake_controller_forget(b->c);
    fake_controller_gives(b->c, CANCEL_LATE);
  }
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  assert_int_equal(b->second_dones, 0);
}

/* ---- hostile and confused controllers ---- */

static void a_second_event_for_the_same_handle_is_dropped(void **state) {
  bed *b = *state;

  start(b);
  fake_controller_gives(b->c, CONNECTED);
  fake_controller_gives(b->c, CONNECTED);
  fake_controller_gives(b->c, OPENED_BY_HER);
  assert_int_equal(b->ups, 1);
  assert_int_equal(b->downs, 0);
  assert_int_equal(b->dones, 1);
  fake_controller_gives(b->c, DISCONNECTED);
  fake_controller_gives(b->c, DISCONNECTED);
  assert_int_equal(b->downs, 1);
}

static void malformed_events_change_nothing(void **state) {
  static const char *const bad[] = {
      "043e12010040000000665544332211180000004800",   /* one octet short */
      "043e0101",                                     /* no parameters */
      "043e13010000f0000066554433221118000000480000", /* handle 0xf000 */
      "043e1301004100070066554433221118000000480000", /* role 7 */
      "0405030040",                                   /* short disconnections */
      "04050400ff0f13",                               /* a handle nobody has */
      "043e0a03004000",                               /* short update */
      "043e0a0300410018000000"
      "4800", /* update of a handle nobody has */
      "043e0b0641000600060000000a"
      "00",                                 /* request of a handle nobody has */
      "043e0d0541000000000000000000000000", /* key for a handle nobody has */
      "043e0202ff",                         /* 255 reports, none there */
  };
  bed *b = *state;

  ab_gap_connect_add(&b->gap, &b->req);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
  fake_controller_gives(b->c, CREATED);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    fake_controller_gives(b->c, bad[i]);
  assert_int_equal(b->ups, 0);
  assert_int_equal(b->downs, 0);
  fake_controller_forget(b->c);
  assert_int_equal(b->c->failures, 0);
}

static void a_refused_link_is_disconnected(void **state) {
  bed *b = *state;

  b->link_error = AIOBLE_ENOBUFS;
  start(b);
  fake_controller_gives(b->c, CONNECTED);
  expect_sent(b, AB_HCI_DISCONNECT);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ENOBUFS);
}

static void requests_of_the_controller_are_all_answered(void **state) {
  bed *b = *state;

  start(b);
  fake_controller_gives(b->c, CONNECTED);
  fake_controller_gives(b->c, "043e0b064000060006000000"
                              "0a00"); /* parameters */
  fake_controller_gives(b->c, "043e0d054000"
                              "0000000000000000"
                              "0000"); /* a key */
  expect_sent(b, AB_HCI_LE_CONN_PARAM_REPLY);
  fake_controller_gives(b->c, "040e06012020004000");
  expect_sent(b, AB_HCI_LE_LTK_NEG_REPLY);
}

/* ---- memory ---- */

static void a_cancel_without_memory_is_tried_again(void **state) {
  bed *b = *state;

  start(b);
  fake_env_fail_at(b->c->env, 1);
  ab_bufs_free(&b->c->bufs); /* no idle ones */
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ECANCELED);
  fake_controller_got_nothing(b->c);
  fake_env_advance(b->c->env, 20000);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
}

/* ---- a peer that has to be heard first ---- */

#define HEARD            "043e0c0201000166554433224000c0"
#define HEARD_IN_PASSING "043e0c0201030166554433224000c0" /* not connectable */
#define HEARD_ELSEWHERE  "043e0c0201000166554433224100c0"
#define HEARD_OPENLY     "043e0c0201000066554433221100c0"
#define CONNECTED_THERE  "043e1301004000000166554433224018000000480000"
#define SCAN_SET         "040e04010b2000"
#define SCAN_SWITCHED    "040e04010c2000"

static void answer_scan(bed *b) {
  expect_sent(b, AB_HCI_LE_SET_SCAN_PARAMS);
  fake_controller_gives(b->c, SCAN_SET);
  expect_sent(b, AB_HCI_LE_SET_SCAN_ENABLE);
  fake_controller_gives(b->c, SCAN_SWITCHED);
}

/* to an address of that type which begins with that octet, as displayed */
static void expect_initiating(bed *b, uint8_t type, uint8_t first) {
  ab_hci_le_create_conn rec;
  ab_rd params;

  assert_int_equal(fake_controller_pending(b->c), 1);
  assert_true(fake_controller_was_sent(b->c, AB_HCI_LE_CREATE_CONN, &params));
  assert_true(ab_hci_le_create_conn_read(&params, &rec));
  assert_int_equal(rec.peer_addr_type, type);
  assert_int_equal(rec.peer_addr.b[0], first);
  fake_controller_forget(b->c);
  fake_controller_gives(b->c, CREATED);
}

static void seek(bed *b) {
  b->hidden = true;
  ab_gap_connect_add(&b->gap, &b->req);
  answer_scan(b);
}

static void hear(bed *b, const char *report) {
  fake_controller_gives(b->c, report);
  expect_sent(b, AB_HCI_LE_SET_SCAN_ENABLE);
  fake_controller_gives(b->c, SCAN_SWITCHED);
}

static void a_hidden_peer_is_initiated_to_where_it_was_heard(void **state) {
  bed *b = *state;

  seek(b);
  fake_controller_gives(b->c, HEARD_IN_PASSING);
  fake_controller_got_nothing(b->c);
  hear(b, HEARD);
  expect_initiating(b, AIOBLE_ADDR_RANDOM, 0x40);
  fake_controller_gives(b->c, CONNECTED_THERE);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, 0);
  assert_true(aioble_addr_equal(&b->link.peer, &b->req.peer));
  assert_int_equal(b->link.air.peer.bytes[0], 0x40);
  assert_ptr_equal(ab_gap_link_to(&b->gap, &b->link.air.peer), &b->link);
}

static void one_that_does_not_hide_now_is_found_all_the_same(void **state) {
  bed *b = *state;

  seek(b);
  hear(b, HEARD_OPENLY);
  expect_initiating(b, AIOBLE_ADDR_PUBLIC, 0x11);
}

static void one_that_is_not_there_any_more_is_looked_for_again(void **state) {
  bed *b = *state;

  seek(b);
  hear(b, HEARD);
  expect_initiating(b, AIOBLE_ADDR_RANDOM, 0x40);
  fake_env_advance(b->c->env, 3000000);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
  fake_controller_gives(b->c, CANCELLED);
  fake_controller_gives(b->c, UNKNOWN_CONN);
  answer_scan(b);
  assert_int_equal(b->dones, 0);
  hear(b, HEARD_ELSEWHERE);
  expect_initiating(b, AIOBLE_ADDR_RANDOM, 0x41);
}

static void others_do_not_wait_for_it(void **state) {
  bed *b = *state;

  seek(b);
  ab_gap_connect_add(&b->gap, &b->second);
  expect_initiating(b, AIOBLE_ADDR_PUBLIC, 0x11);
  assert_int_equal(b->gap.activity[AB_GAP_SCAN].state, AB_GAP_ON);
}

static void looking_for_it_ends_with_the_request(void **state) {
  bed *b = *state;

  seek(b);
  ab_gap_request_remove(&b->gap, &b->req.req, AIOBLE_ETIMEDOUT);
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ETIMEDOUT);
  expect_sent(b, AB_HCI_LE_SET_SCAN_ENABLE);
}

static void a_scan_that_is_refused_ends_it(void **state) {
  bed *b = *state;

  b->hidden = true;
  ab_gap_connect_add(&b->gap, &b->req);
  expect_sent(b, AB_HCI_LE_SET_SCAN_PARAMS);
  fake_controller_gives(b->c, "040e04010b2011");
  assert_int_equal(b->dones, 1);
  assert_int_equal(b->status, AIOBLE_ERR_HCI(0x11));
  fake_controller_got_nothing(b->c);
}

/* … for something else, here for the peers that are hidden now: nobody is told */
static void one_that_is_interrupted_waits_for_its_next_turn(void **state) {
  bed *b = *state;

  start(b);
  ab_gap_private_peers_changed(&b->gap);
  expect_sent(b, AB_HCI_LE_CREATE_CONN_CANCEL);
  fake_controller_gives(b->c, CANCELLED);
  fake_controller_gives(b->c, UNKNOWN_CONN);
  assert_int_equal(b->dones, 0);
  expect_sent(b, AB_HCI_LE_CREATE_CONN);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(not_established_is_tried_again_after_a_pause),
      WITH_BED(removed_during_the_pause_it_ends_at_once),
      WITH_BED(the_one_that_failed_goes_behind_the_others),
      WITH_BED(any_other_error_is_the_outcome),
      WITH_BED(a_cancel_waits_for_the_event),
      WITH_BED(a_cancel_before_the_command_was_answered_comes_after_it),
      WITH_BED(an_event_that_never_comes_is_not_waited_for),
      WITH_BED(success_that_came_first_is_sent_away),
      WITH_BED(the_event_before_the_command_status_does_not_confuse),
      WITH_BED(a_second_event_for_the_same_handle_is_dropped),
      WITH_BED(malformed_events_change_nothing),
      WITH_BED(a_refused_link_is_disconnected),
      WITH_BED(requests_of_the_controller_are_all_answered),
      WITH_BED(a_cancel_without_memory_is_tried_again),
      WITH_BED(a_hidden_peer_is_initiated_to_where_it_was_heard),
      WITH_BED(one_that_does_not_hide_now_is_found_all_the_same),
      WITH_BED(one_that_is_not_there_any_more_is_looked_for_again),
      WITH_BED(others_do_not_wait_for_it),
      WITH_BED(looking_for_it_ends_with_the_request),
      WITH_BED(a_scan_that_is_refused_ends_it),
      WITH_BED(one_that_is_interrupted_waits_for_its_next_turn),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
