/* SPDX-License-Identifier: MIT */
/* HCI as a whole: states, event tables, malformed packets, stop from anywhere. */
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct seen {
  ab_hci *hci;
  unsigned calls;
  size_t len;
  uint8_t first;
} seen;

static void on_event(void *ctx, ab_rd *params) {
  seen *s = ctx;

  s->calls++;
  s->len = ab_rd_left(params);
  s->first = ab_rd_u8(params);
}

static void events_go_to_their_handler(void **state) {
  fake_controller *c = fake_controller_new();
  seen event = {0}, le = {0};

  (void) state;
  ab_hci_on_event(c->hci, 0x05, on_event, &event);
  ab_hci_on_le_event(c->hci, 0x02, on_event, &le);
  fake_controller_ready(c);
  fake_controller_gives(c, "04 05 04 00 40 00 13");
  assert_int_equal(event.calls, 1);
  assert_int_equal(event.len, 4);
  assert_int_equal(le.calls, 0);
  fake_controller_gives(c, "04 3e 03 02 77 88");
  assert_int_equal(le.calls, 1);
  assert_int_equal(le.len, 2);
  assert_int_equal(le.first, 0x77);
  assert_int_equal(event.calls, 1);
  fake_controller_free(c);
}

static void an_event_nobody_handles_is_ignored(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  fake_controller_ready(c);
  fake_controller_gives(c, "04 ff 03 02 77 88");
  fake_controller_gives(c, "04 3e 02 3f 00");
  fake_controller_gives(c, "03 00 00 00");
  fake_controller_gives(c, "05 00 00 00 00");
  assert_int_equal(ab_hci_stats_of(c->hci)->malformed, 0);
  assert_int_equal(c->failures, 0);
  fake_controller_got_nothing(c);
  fake_controller_free(c);
}

static void packets_that_are_not_what_they_say_are_counted(void **state) {
  static const char *const bad[] = {
      "",
      "04",
      "04 05",
      "04 05 04 00 40 00",       /* shorter than it says */
      "04 05 04 00 40 00 13 00", /* longer */
      "04 3e 00",                /* no subevent */
      "04 0e 00",
      "04 0e 02 01 03",
      "04 0f 03 00 01 03",
      "01 03 0c 00", /* a command */
      "00",
      "7f 01 02 03",
      "02 40 00",
      "02 40 20 05 00 01 00 04",
      "02 40 20 05 00 01 00 04 00 00 00",
  };
  size_t n = sizeof bad / sizeof bad[0];
  fake_controller *c = fake_controller_new();
  seen event = {0};

  (void) state;
  ab_hci_on_event(c->hci, 0x05, on_event, &event);
  fake_controller_ready(c);
  for (size_t i = 0; i < n; i++) {
    fake_controller_gives(c, bad[i]);
    assert_int_equal(ab_hci_stats_of(c->hci)->malformed, i + 1);
  }
  assert_int_equal(event.calls, 0);
  assert_int_equal(c->failures, 0);
  fake_controller_free(c);
}

static void nothing_is_read_before_start_and_after_stop(void **state) {
  fake_controller *c = fake_controller_new();
  seen event = {0};

  (void) state;
  ab_hci_on_event(c->hci, 0x05, on_event, &event);
  fake_controller_gives(c, "04 05 04 00 40 00 13");
  assert_int_equal(event.calls, 0);
  fake_controller_ready(c);
  ab_hci_stop(c->hci, AIOBLE_ECANCELED);
  fake_controller_gives(c, "04 05 04 00 40 00 13");
  ab_hci_writable(c->hci);
  assert_int_equal(event.calls, 0);
  fake_controller_free(c);
}

static void a_hardware_error_is_reported_once_and_silences(void **state) {
  fake_controller *c = fake_controller_new();
  ab_hci_cmd cmd = {0};

  (void) state;
  fake_controller_ready(c);
  fake_controller_gives(c, "04 10 01 42");
  assert_int_equal(c->failures, 1);
  assert_int_equal(c->failed_status, AIOBLE_EIO);
  assert_non_null(strstr(c->why, "0x42"));
  fake_controller_gives(c, "04 10 01 42");
  assert_int_equal(c->failures, 1);
  assert_int_equal(ab_hci_cmd_send(c->hci, &cmd, AB_HCI_LE_RAND, NULL, 0, NULL), AIOBLE_ENODEV);
  fake_controller_got_nothing(c);
  fake_controller_free(c);
}

/* ---- stop ---- */

typedef struct client {
  ab_hci_cmd cmd;
  ab_hci *hci;
  unsigned calls;
  int status;
  bool *inside; /* a callback is running */
} client;

static void count(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  client *me = ab_container_of(cmd, client, cmd);

  (void) ret;
  assert_false(*me->inside);
  me->calls++;
  me->status = status;
}

static void count_and_stop(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  client *me = ab_container_of(cmd, client, cmd);

  count(cmd, status, ret);
  *me->inside = true;
  ab_hci_stop(me->hci, AIOBLE_ENODEV);
  *me->inside = false;
}

static void stop_inside_a_callback_ends_the_rest_after_it(void **state) {
  fake_controller *c = fake_controller_new();
  bool inside = false;
  client a = {.hci = c->hci, .inside = &inside}, b = a;

  (void) state;
  fake_controller_ready(c);
  assert_int_equal(ab_hci_cmd_send(c->hci, &a.cmd, AB_HCI_LE_RAND, NULL, 0, count_and_stop), 0);
  assert_int_equal(ab_hci_cmd_send(c->hci, &b.cmd, AB_HCI_LE_RAND, NULL, 0, count), 0);
  fake_controller_forget(c);
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ENODEV);
  assert_true(ab_timers_next(&c->env->timers) == UINT64_MAX);
  fake_controller_got_nothing(c);
  fake_controller_free(c);
}

static void a_failure_may_be_answered_with_stop(void **state) {
  fake_controller *c = fake_controller_new();
  bool inside = false;
  client a = {.hci = c->hci, .inside = &inside};

  (void) state;
  fake_controller_ready(c);
  c->stop_on_failure = true;
  assert_int_equal(ab_hci_cmd_send(c->hci, &a.cmd, AB_HCI_LE_RAND, NULL, 0, count), 0);
  fake_controller_gives(c, "04 10 01 42");
  assert_int_equal(c->failures, 1);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ENODEV);
  fake_controller_free(c);
}

static void a_stopped_hci_starts_again(void **state) {
  fake_controller *c = fake_controller_new();
  ab_hci_link link;

  (void) state;
  fake_controller_ready(c);
  assert_int_equal(ab_hci_link_open(c->hci, &link, 0x40, NULL), 0);
  ab_hci_stop(c->hci, AIOBLE_ECANCELED);
  ab_hci_stop(c->hci, AIOBLE_ECANCELED);
  assert_false(link.open);
  ab_hci_link_close(c->hci, &link, 0);
  c->starts = 0;
  fake_controller_ready(c);
  assert_null(ab_hci_link_find(c->hci, 0x40));
  assert_int_equal(ab_hci_link_open(c->hci, &link, 0x40, NULL), 0);
  fake_controller_free(c);
}

static void no_memory_for_hci_is_null(void **state) {
  ab_env *env = fake_env_new();
  ab_bufs bufs;

  (void) state;
  ab_bufs_init(&bufs, env, 4);
  fake_env_fail_at(env, 1);
  assert_null(ab_hci_new(env, &bufs, &(ab_hci_down){0}));
  ab_hci_free(NULL);
  fake_env_free(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(events_go_to_their_handler),
      cmocka_unit_test(an_event_nobody_handles_is_ignored),
      cmocka_unit_test(packets_that_are_not_what_they_say_are_counted),
      cmocka_unit_test(nothing_is_read_before_start_and_after_stop),
      cmocka_unit_test(a_hardware_error_is_reported_once_and_silences),
      cmocka_unit_test(stop_inside_a_callback_ends_the_rest_after_it),
      cmocka_unit_test(a_failure_may_be_answered_with_stop),
      cmocka_unit_test(a_stopped_hci_starts_again),
      cmocka_unit_test(no_memory_for_hci_is_null),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
