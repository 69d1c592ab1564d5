/* SPDX-License-Identifier: MIT */
/* LE signalling: what the peer's commands are answered with, and requests of ours. */
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include "l2cap/l2cap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { S = 1000000 };

typedef struct world {
  ab_env *env;
  ab_bufs bufs;
  ab_l2cap_link link;
  unsigned sent, asked;
  bool accept, keep;
  ab_l2cap_params wish;
  uint8_t last[64];
  size_t len;
  ab_list kept; /* frames the controller does not take */
} world;

static void on_send(void *ctx, ab_buf *frame) {
  world *w = ctx;

  w->sent++;
  assert_true(frame->len <= 4 + 23);
  memcpy(w->last, frame->p, frame->len);
  w->len = frame->len;
  if (w->keep)
    ab_list_push(&w->kept, &frame->node);
  else
    ab_buf_finish(frame, 0);
}

static bool on_param_request(void *ctx, const ab_l2cap_params *wish) {
  world *w = ctx;

  w->asked++;
  w->wish = *wish;
  return w->accept;
}

static const ab_l2cap_events events = {on_send, on_param_request};

static void set_up(world *w, bool central) {
  memset(w, 0, sizeof *w);
  w->env = fake_env_new();
  ab_list_init(&w->kept);
  ab_bufs_init(&w->bufs, w->env, 16);
  ab_l2cap_open(&w->link, w->env, &w->bufs, &events, w, central);
}

static void take_kept(world *w) {
  ab_list *n;

  while ((n = ab_list_pop(&w->kept)))
    ab_buf_finish(ab_container_of(n, ab_buf, node), 0);
}

static void tear_down(world *w) {
  ab_l2cap_close(&w->link, AIOBLE_ENOTCONN);
  take_kept(w);
  ab_bufs_free(&w->bufs);
  fake_env_free(w->env);
}

/* a command on the signalling channel: its frame's length is what there is */
static void gives(world *w, const char *hex) {
  uint8_t data[128], *exact;
  size_t len = hex_read(hex, data, sizeof data);
  ab_wr wr;

  exact = malloc(4 + len);
  wr = ab_wr_of(exact, 4 + len);
  ab_wr_le16(&wr, (uint16_t) len);
  ab_wr_le16(&wr, AB_L2CAP_CID_SIGNALLING);
  ab_wr_bytes(&wr, data, len);
  ab_l2cap_rx(&w->link, exact, 4 + len);
  free(exact);
}

/* … is answered with that; NULL: with nothing */
static void answers(world *w, const char *command, const char *answer) {
  unsigned before = w->sent;
  char frame[200];

  gives(w, command);
  assert_int_equal(w->sent, answer ? before + 1 : before);
  if (!answer)
    return;
  (void) snprintf(frame, sizeof frame, "%02zx 00 05 00 %s", (strlen(answer) + 1) / 3, answer);
  assert_hex(w->last, w->len, frame);
}

/* ---- the peer's requests ---- */

static void parameters_are_accepted_or_refused_as_the_hook_says(void **state) {
  world w;

  (void) state;
  set_up(&w, true);
  w.accept = true;
  answers(&w, "12 01 08 00 06 00 80 0c 00 00 80 0c", "13 01 02 00 00 00");
  assert_int_equal(w.asked, 1);
  assert_int_equal(w.wish.interval_min, 6);
  assert_int_equal(w.wish.interval_max, 3200);
  assert_int_equal(w.wish.timeout, 3200);
  w.accept = false;
  answers(&w, "12 02 08 00 18 00 28 00 04 00 40 00", "13 02 02 00 01 00");
  assert_int_equal(w.asked, 2);
  assert_int_equal(w.wish.latency, 4);
  tear_down(&w);
}

static void parameters_out_of_range_are_refused_without_asking(void **state) {
  static const char *const bad[] = {
      "12 01 08 00 05 00 28 00 00 00 2a 00", /* interval too short */
      "12 01 08 00 00 00 00 00 00 00 2a 00",
      "12 01 08 00 06 00 81 0c 00 00 80 0c", /* too long */
      "12 01 08 00 28 00 18 00 00 00 2a 00", /* the wrong way round */
      "12 01 08 00 06 00 06 00 f4 01 80 0c", /* latency */
      "12 01 08 00 06 00 06 00 ff ff 80 0c",
      "12 01 08 00 06 00 06 00 00 00 09 00", /* timeout */
      "12 01 08 00 06 00 06 00 00 00 81 0c",
      "12 01 08 00 06 00 28 00 00 00 0a 00", /* … not more than twice the interval */
      "12 01 08 00 06 00 28 00 03 00 28 00", /* … with the latency */
      "12 01 08 00 ff ff ff ff ff ff ff ff",
  };
  world w;

  (void) state;
  set_up(&w, true);
  w.accept = true;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    answers(&w, bad[i], "13 01 02 00 01 00");
  assert_int_equal(w.asked, 0);
  answers(&w, "12 01 08 00 06 00 28 00 03 00 29 00", "13 01 02 00 00 00");
  tear_down(&w);
}

static void a_peripheral_does_not_understand_a_parameter_request(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  w.accept = true;
  answers(&w, "12 01 08 00 18 00 28 00 00 00 2a 00", "01 01 02 00 00 00");
  assert_int_equal(w.asked, 0);
  tear_down(&w);
}

static void channels_are_refused(void **state) {
  world w;

  (void) state;
  set_up(&w, true);
  answers(&w, "14 07 0a 00 25 00 40 00 17 00 17 00 01 00",
          "15 07 0a 00 00 00 00 00 00 00 00 00 02 00");
  answers(&w, "17 08 0a 00 25 00 40 00 40 00 01 00 40 00",
          "18 08 0a 00 00 00 00 00 00 00 02 00 00 00");
  answers(&w, "17 09 12 00 25 00 40 00 40 00 01 00 40 00 41 00 42 00 43 00 44 00",
          "18 09 12 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00");
  answers(&w, "19 0a 06 00 40 00 40 00 40 00", "1a 0a 02 00 03 00");
  answers(&w, "06 0b 04 00 40 00 41 00", "01 0b 06 00 02 00 40 00 41 00");
  tear_down(&w);
}

static void enhanced_requests_of_a_wrong_size_are_rejected(void **state) {
  static const char *const bad[] = {
      "17 08 08 00 25 00 40 00 40 00 01 00",    /* no channel */
      "17 08 09 00 25 00 40 00 40 00 01 00 40", /* half a one */
      "17 08 0b 00 25 00 40 00 40 00 01 00 40 00 41",
      "17 08 00 00",
      "19 08 04 00 40 00 40 00",
      "19 08 07 00 40 00 40 00 40 00 41",
  };
  world w;

  (void) state;
  set_up(&w, true);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    answers(&w, bad[i], "01 08 02 00 00 00");
  /* six channels: longer than the channel's MTU, too */
  answers(&w, "17 08 14 00 25 00 40 00 40 00 01 00 40 00 41 00 42 00 43 00 44 00 45 00",
          "01 08 04 00 01 00 17 00");
  tear_down(&w);
}

static void unknown_codes_are_not_understood(void **state) {
  static const unsigned codes[] = {0x00, 0x02, 0x04, 0x08, 0x0a, 0x0c, 0x11, 0x1b, 0x7f, 0xff};
  world w;
  char command[40];

  (void) state;
  set_up(&w, true);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    (void) snprintf(command, sizeof command, "%02x 33 02 00 aa bb", codes[i]);
    answers(&w, command, "01 33 02 00 00 00");
  }
  answers(&w, "7f 33 00 00", "01 33 02 00 00 00");
  tear_down(&w);
}

static void requests_of_another_length_are_not_understood(void **state) {
  static const char *const bad[] = {
      "12 05 07 00 18 00 28 00 00 00 2a",
      "12 05 09 00 18 00 28 00 00 00 2a 00 00",
      "14 05 09 00 25 00 40 00 17 00 17 00 01",
      "06 05 03 00 40 00 41",
      "06 05 00 00",
  };
  world w;

  (void) state;
  set_up(&w, true);
  w.accept = true;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    answers(&w, bad[i], "01 05 02 00 00 00");
  assert_int_equal(w.asked, 0);
  tear_down(&w);
}

static void commands_that_are_not_what_they_say_are_dropped(void **state) {
  static const char *const bad[] = {
      "12",
      "12 01",
      "12 01 08",
      "12 01 08 00 18 00 28 00 00 00 2a",                /* cut by one octet */
      "12 01 08 00 18 00 28 00 00 00 2a 00 00",          /* one too many */
      "06 01 04 00 40 00 41 00 06 02 04 00 40 00 41 00", /* two commands */
      "12 01 ff ff 18 00 28 00 00 00 2a 00",
      "12 00 08 00 18 00 28 00 00 00 2a 00", /* identifier 0 */
      "7f 00 00 00",
      "01 01 00 00", /* short responses */
      "13 01 01 00 00",
      "13 01 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", /* long one */
  };
  world w;

  (void) state;
  set_up(&w, true);
  w.accept = true;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    answers(&w, bad[i], NULL);
    assert_int_equal(w.link.stats.malformed, i + 1);
  }
  assert_int_equal(w.asked, 0);
  tear_down(&w);
}

static void responses_and_credits_for_nothing_are_only_counted(void **state) {
  static const char *const stray[] = {
      "01 01 02 00 00 00",
      "01 01 06 00 02 00 40 00 41 00",
      "07 01 04 00 40 00 41 00",
      "13 01 02 00 00 00",
      "15 01 0a 00 40 00 17 00 17 00 01 00 00 00",
      "16 01 04 00 40 00 00 00",
      "16 01 04 00 40 00 ff ff",
      "18 01 08 00 00 00 00 00 00 00 02 00",
      "1a 01 02 00 00 00",
  };
  world w;

  (void) state;
  set_up(&w, false);
  for (size_t i = 0; i < sizeof stray / sizeof stray[0]; i++) {
    answers(&w, stray[i], NULL);
    assert_int_equal(w.link.stats.unexpected, i + 1);
  }
  tear_down(&w);
}

static void a_command_beyond_the_mtu_is_rejected_with_it(void **state) {
  world w;
  char command[200] = "12 21 3c 00";

  (void) state;
  set_up(&w, true);
  for (unsigned i = 0; i < 60; i++)
    (void) strcat(command, " 00");
  answers(&w, command, "01 21 04 00 01 00 17 00");
  tear_down(&w);
}

/* a peer that asks and asks, and does not listen */
static void only_so_many_answers_wait(void **state) {
  world w;

  (void) state;
  set_up(&w, true);
  w.keep = true;
  for (unsigned i = 0; i < 100; i++)
    gives(&w, "7f 01 00 00");
  assert_int_equal(w.sent, 8);
  assert_int_equal(w.link.stats.dropped, 92);
  take_kept(&w);
  gives(&w, "7f 01 00 00");
  assert_int_equal(w.sent, 9);
  tear_down(&w);
}

static void no_memory_for_an_answer_drops_it(void **state) {
  world w;

  (void) state;
  set_up(&w, true);
  fake_env_fail_at(w.env, 1);
  gives(&w, "7f 01 00 00");
  assert_int_equal(w.sent, 0);
  assert_int_equal(w.link.stats.dropped, 1);
  answers(&w, "7f 01 00 00", "01 01 02 00 00 00");
  tear_down(&w);
}

/* ---- ours ---- */

typedef struct ask {
  ab_l2cap_req req;
  unsigned calls;
  int status;
  struct ask *forget; /* from inside the callback */
} ask;

static const ab_l2cap_params wish = {24, 40, 0, 42};

static void on_end(ab_l2cap_req *req, int status) {
  ask *a = ab_container_of(req, ask, req);

  assert_false(req->pending);
  a->calls++;
  a->status = status;
  if (a->forget)
    ab_l2cap_detach(&a->forget->req);
}

static void we_ask_and_are_answered(void **state) {
  static const struct {
    const char *answer;
    int status;
  } cases[] = {
      {"13 01 02 00 00 00", 0},
      {"13 01 02 00 01 00", AIOBLE_ERR_L2CAP(1)},
      {"01 01 02 00 00 00", AIOBLE_ENOTSUP},
      {"01 01 06 00 02 00 40 00 41 00", AIOBLE_EPROTO},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ask a = {0};
    world w;

    set_up(&w, false);
    assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
    assert_int_equal(a.calls, 0);
    assert_hex(w.last, w.len, "0c 00 05 00 12 01 08 00 18 00 28 00 00 00 2a 00");
    gives(&w, "13 02 02 00 00 00");                         /* another identifier */
    gives(&w, "15 01 0a 00 00 00 00 00 00 00 00 00 00 00"); /* another response */
    assert_int_equal(a.calls, 0);
    gives(&w, cases[i].answer);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.status, cases[i].status);
    gives(&w, cases[i].answer);
    assert_int_equal(a.calls, 1);
    fake_env_advance(w.env, 60ull * S);
    assert_int_equal(a.calls, 1);
    assert_int_equal(w.link.stats.unexpected, 3);
    tear_down(&w);
  }
}

static void silence_ends_after_30_seconds(void **state) {
  ask a = {0};
  world w;

  (void) state;
  set_up(&w, false);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
  fake_env_advance(w.env, 30ull * S - 1);
  assert_int_equal(a.calls, 0);
  fake_env_advance(w.env, 1);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ETIMEDOUT);
  gives(&w, "13 01 02 00 00 00");
  assert_int_equal(a.calls, 1);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
  assert_hex(w.last, 6, "0c 00 05 00 12 02");
  tear_down(&w);
  assert_int_equal(a.calls, 2);
  assert_int_equal(a.status, AIOBLE_ENOTCONN);
}

static void identifiers_go_round_without_0_and_without_those_in_use(void **state) {
  static ask many[256];
  ask a = {0};
  world w;

  (void) state;
  memset(many, 0, sizeof many);
  set_up(&w, false);
  for (unsigned i = 0; i < 254; i++) {
    assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
    assert_int_equal(w.last[5], i + 1);
    ab_l2cap_detach(&a.req);
  }
  for (unsigned i = 0; i < 255; i++) {
    assert_int_equal(ab_l2cap_param_update(&w.link, &many[i].req, &wish, on_end), 0);
    assert_int_equal(w.last[5], i ? i : 255);
  }
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), AIOBLE_ENOBUFS);
  gives(&w, "13 07 02 00 00 00");
  assert_int_equal(many[7].calls, 1);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
  assert_int_equal(w.last[5], 7);
  tear_down(&w);
  for (unsigned i = 0; i < 255; i++)
    assert_int_equal(many[i].calls, 1);
}

static void a_request_that_cannot_be_sent_does_not_call_back(void **state) {
  static const ab_l2cap_params bad = {5, 40, 0, 42};
  ask a = {0};
  world w;

  (void) state;
  set_up(&w, true);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), AIOBLE_EPERM);
  tear_down(&w);
  set_up(&w, false);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &bad, on_end), AIOBLE_EINVAL);
  fake_env_fail_at(w.env, 1);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), AIOBLE_ENOMEM);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), AIOBLE_EBUSY);
  ab_l2cap_detach(&a.req);
  ab_l2cap_detach(&a.req);
  ab_l2cap_close(&w.link, AIOBLE_ENOTCONN);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), AIOBLE_ENOTCONN);
  assert_int_equal(a.calls, 0);
  assert_int_equal(w.sent, 1);
  tear_down(&w);
}

static void closing_ends_requests_once_and_their_ends_may_detach_others(void **state) {
  ask a = {0}, b = {0};
  world w;

  (void) state;
  a.forget = &b;
  set_up(&w, false);
  assert_int_equal(ab_l2cap_param_update(&w.link, &a.req, &wish, on_end), 0);
  assert_int_equal(ab_l2cap_param_update(&w.link, &b.req, &wish, on_end), 0);
  ab_l2cap_close(&w.link, AIOBLE_ERR_HCI(0x13));
  ab_l2cap_close(&w.link, AIOBLE_ERR_HCI(0x13));
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ERR_HCI(0x13));
  assert_int_equal(b.calls, 0);
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parameters_are_accepted_or_refused_as_the_hook_says),
      cmocka_unit_test(parameters_out_of_range_are_refused_without_asking),
      cmocka_unit_test(a_peripheral_does_not_understand_a_parameter_request),
      cmocka_unit_test(channels_are_refused),
      cmocka_unit_test(enhanced_requests_of_a_wrong_size_are_rejected),
      cmocka_unit_test(unknown_codes_are_not_understood),
      cmocka_unit_test(requests_of_another_length_are_not_understood),
      cmocka_unit_test(commands_that_are_not_what_they_say_are_dropped),
      cmocka_unit_test(responses_and_credits_for_nothing_are_only_counted),
      cmocka_unit_test(a_command_beyond_the_mtu_is_rejected_with_it),
      cmocka_unit_test(only_so_many_answers_wait),
      cmocka_unit_test(no_memory_for_an_answer_drops_it),
      cmocka_unit_test(we_ask_and_are_answered),
      cmocka_unit_test(silence_ends_after_30_seconds),
      cmocka_unit_test(identifiers_go_round_without_0_and_without_those_in_use),
      cmocka_unit_test(a_request_that_cannot_be_sent_does_not_call_back),
      cmocka_unit_test(closing_ends_requests_once_and_their_ends_may_detach_others),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
