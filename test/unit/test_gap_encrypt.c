/* SPDX-License-Identifier: MIT */
/* Encryption as the controller sees it: commands, events, and who hears of what. */
#include "gap/gap.h"
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CREATED   "04 0f 04 00 01 0d 20"
#define CONNECTED "04 3e 13 01 00 40 00 00 00 66 55 44 33 22 11 18 00 00 00 00 01 00"
#define ASKED     "04 3e 0d 05 40 00 01 02 03 04 05 06 07 08 aa bb"
#define KEY       "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"

typedef struct bed {
  fake_controller *c;
  ab_gap gap;
  ab_gap_link link;
  ab_gap_connect req;
  bool has_key;
  unsigned asked, told;
  int status;
  bool on;
} bed;

static const ab_key16 key = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                              0xbb, 0xcc, 0xdd, 0xee, 0xff}};

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
  return 0;
}

static void link_up(void *ctx, ab_gap_link *link) {
  (void) ctx;
  (void) link;
}

static void link_down(void *ctx, ab_gap_link *link, int reason) {
  (void) ctx;
  (void) link;
  (void) reason;
}

static bool link_key(void *ctx, ab_gap_link *link, uint64_t rand, uint16_t ediv, ab_key16 *out) {
  bed *b = ctx;

  assert_ptr_equal(link, &b->link);
  assert_true(rand == 0x0807060504030201u && ediv == 0xbbaa);
  b->asked++;
  *out = key;
  return b->has_key;
}

static void link_encryption(void *ctx, ab_gap_link *link, int status, bool on) {
  bed *b = ctx;

  assert_ptr_equal(link, &b->link);
  b->told++;
  b->status = status;
  b->on = on;
}

static const ab_gap_events events = {.link_new = link_new,
                                     .link_up = link_up,
                                     .link_down = link_down,
                                     .link_key = link_key,
                                     .link_encryption = link_encryption};

static void on_done(ab_gap_request *req, int status, ab_gap_link *link) {
  (void) req;
  (void) link;
  assert_int_equal(status, 0);
}

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  b->c = fake_controller_new();
  fake_controller_ready(b->c);
  ab_gap_init(&b->gap, b->c->env, &events, b);
  ab_gap_start(&b->gap, b->c->hci);
  b->req.peer = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {0x11, 0x22, 0x33, 0x44, 0x55, 0x66}};
  b->req.params = (ab_gap_params){24, 40, 0, 256};
  b->req.scan_interval = b->req.scan_window = 96;
  b->req.req.done = on_done;
  ab_gap_connect_add(&b->gap, &b->req);
  fake_controller_gives(b->c, CREATED);
  fake_controller_gives(b->c, CONNECTED);
  fake_controller_forget(b->c);
  assert_true(b->link.up);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  ab_gap_stop(&b->gap, AIOBLE_ENODEV);
  fake_controller_free(b->c);
  test_free(b);
  return 0;
}

static void expect_told(const bed *b, unsigned told, int status, bool on) {
  assert_int_equal(b->told, told);
  assert_int_equal(b->status, status);
  assert_int_equal(b->on, on);
}

static void the_central_hears_how_it_went(void **state) {
  bed *b = *state;

  assert_int_equal(ab_gap_encrypt(&b->link, 0x0807060504030201u, 0xbbaa, &key), 0);
  assert_int_equal(ab_gap_encrypt(&b->link, 0, 0, &key), AIOBLE_EBUSY);
  fake_controller_got(b->c, "01 19 20 1c 40 00 01 02 03 04 05 06 07 08 aa bb " KEY);
  fake_controller_gives(b->c, "04 0f 04 00 01 19 20");
  assert_int_equal(b->told, 0); /* it has only started */
  fake_controller_gives(b->c, "04 08 04 00 40 00 01");
  expect_told(b, 1, 0, true);
  fake_controller_gives(b->c, "04 30 03 00 40 00"); /* another key */
  expect_told(b, 2, 0, true);
  fake_controller_gives(b->c, "04 08 04 06 40 00 00");
  expect_told(b, 3, AIOBLE_ERR_HCI(0x06), false);
  fake_controller_gives(b->c, "04 30 03 3d 40 00");
  expect_told(b, 4, AIOBLE_ERR_HCI(0x3d), true);
}

static void a_refused_command_is_a_failure(void **state) {
  bed *b = *state;

  assert_int_equal(ab_gap_encrypt(&b->link, 0, 0, &key), 0);
  fake_controller_forget(b->c);
  fake_controller_gives(b->c, "04 0f 04 0c 01 19 20");
  expect_told(b, 1, AIOBLE_ERR_HCI(0x0c), false);
}

static void a_key_request_is_always_answered(void **state) {
  bed *b = *state;

  fake_controller_gives(b->c, ASKED);
  fake_controller_got(b->c, "01 1b 20 02 40 00");
  fake_controller_gives(b->c, "04 0e 06 01 1b 20 00 40 00");
  b->has_key = true;
  fake_controller_gives(b->c, ASKED);
  fake_controller_got(b->c, "01 1a 20 12 40 00 " KEY);
  assert_int_equal(b->asked, 2);
  assert_int_equal(b->told, 0);
}

static void what_is_not_for_a_link_of_ours_is_ignored(void **state) {
  static const char *const events_of_others[] = {"04 08 04 00 41 00 01",
                                                 "04 30 03 00 41 00",
                                                 "04 08 03 00 40 00",
                                                 "04 30 02 00 40",
                                                 "04 3e 0d 05 41 00 01 02 03 04 05 06 07 08 aa bb",
                                                 "04 3e 04 05 40 00 01"};
  bed *b = *state;

  for (size_t i = 0; i < sizeof events_of_others / sizeof *events_of_others; i++)
    fake_controller_gives(b->c, events_of_others[i]);
  fake_controller_got_nothing(b->c);
  assert_int_equal(b->told + b->asked, 0);
  assert_int_equal(b->gap.malformed, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_central_hears_how_it_went, setup, teardown),
      cmocka_unit_test_setup_teardown(a_refused_command_is_a_failure, setup, teardown),
      cmocka_unit_test_setup_teardown(a_key_request_is_always_answered, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_not_for_a_link_of_ours_is_ignored, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
