/* SPDX-License-Identifier: MIT */
/* A host that does not pair: what it answers, and that it answers nothing else. */
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include "smp/smp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
  ab_env *env;
  ab_bufs bufs;
  ab_smp smp;
  unsigned sent;
  uint8_t last[8];
  size_t len;
  ab_buf *kept; /* the last, while the controller does not take it */
  bool keep;
} world;

static void on_send(void *ctx, ab_buf *command) {
  world *w = ctx;

  w->sent++;
  assert_true(command->len <= sizeof w->last);
  memcpy(w->last, command->p, command->len);
  w->len = command->len;
  if (w->keep)
    w->kept = command;
  else
    ab_buf_finish(command, 0);
}

static void set_up(world *w, bool central) {
  memset(w, 0, sizeof *w);
  w->env = fake_env_new();
  ab_bufs_init(&w->bufs, w->env, 4);
  ab_smp_open(&w->smp, &w->bufs, on_send, w, central);
}

static void tear_down(world *w) {
  ab_bufs_free(&w->bufs);
  fake_env_free(w->env);
}

/* … is answered with that; NULL: with nothing, and counted */
static void answers(world *w, const char *hex, const char *answer) {
  uint8_t data[80], *exact;
  size_t len = hex_read(hex, data, sizeof data);
  unsigned sent = w->sent;
  uint64_t ignored = w->smp.ignored;

  exact = malloc(len ? len : 1);
  memcpy(exact, data, len);
  ab_smp_rx(&w->smp, exact, len);
  free(exact);
  assert_int_equal(w->sent, answer ? sent + 1 : sent);
  assert_int_equal(w->smp.ignored, answer ? ignored : ignored + 1);
  if (answer)
    assert_hex(w->last, w->len, answer);
}

static void a_peripheral_refuses_to_pair(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  answers(&w, "01 03 00 01 10 07 07", "05 05");
  answers(&w, "01 03 00 01 10 07 07", "05 05"); /* as often as asked */
  answers(&w, "0b 01", "05 07");                /* that is for a central */
  tear_down(&w);
}

static void a_central_refuses_a_security_request(void **state) {
  world w;

  (void) state;
  set_up(&w, true);
  answers(&w, "0b 01", "05 05");
  answers(&w, "01 03 00 01 10 07 07", "05 07"); /* that is for a peripheral */
  tear_down(&w);
}

static void requests_of_another_length_have_invalid_parameters(void **state) {
  static const char *const bad[] = {"01", "01 ff",   "01 03 00 01 10 07", "01 03 00 01 10 07 07 00",
                                    "0b", "0b 01 00"};

  (void) state;
  for (unsigned central = 0; central < 2; central++) {
    world w;

    set_up(&w, central);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
      answers(&w, bad[i], "05 0a");
    tear_down(&w);
  }
}

static void everything_else_is_ignored(void **state) {
  (void) state;
  for (unsigned central = 0; central < 2; central++) {
    world w;

    set_up(&w, central);
    answers(&w, "", NULL);
    for (unsigned code = 0; code < 256; code++)
      for (size_t len = 1; len <= 65; len += 8) {
        uint8_t pdu[65] = {(uint8_t) code};

        if (code != 0x01 && code != 0x0b)
          ab_smp_rx(&w.smp, pdu, len);
      }
    assert_int_equal(w.sent, 0);
    assert_int_equal(w.smp.ignored, 1 + 254 * 9);
    tear_down(&w);
  }
}

/* a peer that asks and asks, and does not listen */
static void one_answer_at_a_time_waits(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  w.keep = true;
  answers(&w, "01 03 00 01 10 07 07", "05 05");
  answers(&w, "01 03 00 01 10 07 07", NULL);
  answers(&w, "01 03 00 01 10 07 07", NULL);
  ab_buf_finish(w.kept, 0);
  w.keep = false;
  answers(&w, "01 03 00 01 10 07 07", "05 05");
  tear_down(&w);
}

static void no_memory_is_no_answer(void **state) {
  world w;

  (void) state;
  set_up(&w, false);
  fake_env_fail_at(w.env, 1);
  answers(&w, "01 03 00 01 10 07 07", NULL);
  answers(&w, "01 03 00 01 10 07 07", "05 05");
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_peripheral_refuses_to_pair),
      cmocka_unit_test(a_central_refuses_a_security_request),
      cmocka_unit_test(requests_of_another_length_have_invalid_parameters),
      cmocka_unit_test(everything_else_is_ignored),
      cmocka_unit_test(one_answer_at_a_time_waits),
      cmocka_unit_test(no_memory_is_no_answer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
