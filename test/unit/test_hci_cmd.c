/* SPDX-License-Identifier: MIT */
/* Commands: order, credits, matching of answers, silence, detaching. */
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { OP_A = 0x2018, OP_B = 0x200f, S = 1000000 };

typedef struct client {
  ab_hci_cmd cmd;
  fake_controller *c;
  unsigned calls, again;
  int status;
  size_t len;
  uint8_t first;
} client;

static void on_end(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  client *me = ab_container_of(cmd, client, cmd);

  assert_false(cmd->pending);
  me->calls++;
  me->status = status;
  me->len = ab_rd_left(ret);
  me->first = ab_rd_u8(ret);
  if (me->again && me->again--)
    assert_int_equal(ab_hci_cmd_send(me->c->hci, cmd, OP_A, NULL, 0, on_end), 0);
}

static int send(fake_controller *c, client *me, uint16_t opcode) {
  int err;

  me->c = c;
  err = ab_hci_cmd_send(c->hci, &me->cmd, opcode, "\x11\x22", 2, on_end);
  assert_int_equal(me->calls, 0); /* never inline */
  return err;
}

static fake_controller *ready(void) {
  fake_controller *c = fake_controller_new();

  fake_controller_ready(c);
  return c;
}

static void a_command_carries_its_parameters_and_its_answer_the_return_parameters(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_true(a.cmd.pending);
  fake_controller_got(c, "01 18 20 02 11 22");
  fake_controller_gives(c, "04 0e 06 01 18 20 00 77 88");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.len, 2);
  assert_int_equal(a.first, 0x77);
  fake_controller_gives(c, "04 0e 06 01 18 20 00 77 88");
  assert_int_equal(a.calls, 1);
  assert_int_equal(ab_hci_stats_of(c->hci)->unexpected, 1);
  fake_controller_free(c);
}

static void an_error_has_the_controllers_code_and_no_parameters(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_controller_gives(c, "04 0e 06 01 18 20 0c 77 88");
  assert_int_equal(a.status, AIOBLE_ERR_HCI(0x0c));
  assert_int_equal(a.len, 0);
  fake_controller_free(c);
}

static void command_status_answers_too(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_controller_gives(c, "04 0f 04 00 01 18 20");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, 0);
  a.calls = 0;
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_controller_gives(c, "04 0f 04 0d 01 18 20");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ERR_HCI(0x0d));
  fake_controller_free(c);
}

static void an_answer_without_a_status_is_a_protocol_error(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_controller_gives(c, "04 0e 03 01 18 20");
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_EPROTO);
  assert_int_equal(ab_hci_stats_of(c->hci)->malformed, 1);
  fake_controller_free(c);
}

static void commands_wait_for_credits_in_order(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0}, d = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(send(c, &b, OP_B), 0);
  assert_int_equal(send(c, &d, OP_A), 0);
  fake_controller_got(c, "01 18 20 02 11 22");
  fake_controller_got_nothing(c);
  fake_controller_gives(c, "04 0e 04 00 18 20 00"); /* no credit back */
  assert_int_equal(a.calls, 1);
  fake_controller_got_nothing(c);
  fake_controller_gives(c, "04 0e 03 02 00 00"); /* opcode 0: two of them */
  fake_controller_got(c, "01 0f 20 02 11 22");
  fake_controller_got(c, "01 18 20 02 11 22");
  assert_int_equal(b.calls + d.calls, 0);
  assert_int_equal(ab_hci_stats_of(c->hci)->unexpected, 0);
  fake_controller_free(c);
  assert_int_equal(b.status, AIOBLE_ENODEV);
  assert_int_equal(d.status, AIOBLE_ENODEV);
}

static void an_answer_is_for_the_oldest_command_of_its_opcode(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0}, d = {0};

  (void) state;
  fake_controller_gives(c, "04 0e 03 05 00 00");
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(send(c, &b, OP_B), 0);
  assert_int_equal(send(c, &d, OP_A), 0);
  fake_controller_gives(c, "04 0e 04 05 0f 20 00");
  assert_int_equal(b.calls, 1);
  assert_int_equal(a.calls + d.calls, 0);
  fake_controller_gives(c, "04 0e 04 05 18 20 00");
  assert_int_equal(a.calls, 1);
  assert_int_equal(d.calls, 0);
  fake_controller_gives(c, "04 0e 04 05 18 20 00");
  assert_int_equal(d.calls, 1);
  fake_controller_free(c);
}

static void more_credits_than_we_can_track_are_not_used(void **state) {
  fake_controller *c = ready();
  client many[20] = {0};

  (void) state;
  fake_controller_gives(c, "04 0e 03 ff 00 00");
  for (size_t i = 0; i < 20; i++)
    assert_int_equal(send(c, &many[i], OP_A), 0);
  assert_int_equal(fake_controller_pending(c), 8);
  for (size_t i = 0; i < 20; i++)
    fake_controller_gives(c, "04 0e 04 ff 18 20 00");
  for (size_t i = 0; i < 20; i++)
    assert_int_equal(many[i].calls, 1);
  assert_int_equal(fake_controller_pending(c), 20);
  fake_controller_free(c);
}

static void a_command_can_be_sent_again_from_its_end(void **state) {
  fake_controller *c = ready();
  client a = {.again = 2};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(ab_hci_cmd_send(c->hci, &a.cmd, OP_A, NULL, 0, on_end), AIOBLE_EBUSY);
  for (unsigned i = 1; i <= 3; i++) {
    fake_controller_gives(c, "04 0e 04 01 18 20 00");
    assert_int_equal(a.calls, i);
  }
  assert_int_equal(fake_controller_pending(c), 3);
  fake_controller_free(c);
}

static void a_refusing_transport_is_waited_for(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  c->room = 0;
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_controller_got_nothing(c);
  c->room = 9;
  fake_env_advance(c->env, S);
  fake_controller_got_nothing(c); /* no polling */
  ab_hci_writable(c->hci);
  fake_controller_got(c, "01 18 20 02 11 22");
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_int_equal(a.calls, 1);
  fake_controller_free(c);
}

/* ---- silence ---- */

static void a_silent_controller_is_given_two_seconds(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(send(c, &b, OP_B), 0);
  fake_env_advance(c->env, 2 * S - 1);
  assert_int_equal(a.calls + c->failures, 0);
  fake_env_advance(c->env, 1);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ETIMEDOUT);
  assert_int_equal(c->failures, 1);
  assert_int_equal(c->failed_status, AIOBLE_ETIMEDOUT);
  assert_non_null(strstr(c->why, "2018"));
  assert_int_equal(b.calls, 0); /* that is for stop */
  fake_env_advance(c->env, 10 * S);
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_int_equal(c->failures, 1);
  assert_int_equal(b.calls, 0);
  ab_hci_stop(c->hci, AIOBLE_ENODEV);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ENODEV);
  assert_int_equal(a.calls, 1);
  fake_controller_free(c);
}

static void each_command_has_its_own_two_seconds(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0};

  (void) state;
  fake_controller_gives(c, "04 0e 03 05 00 00");
  assert_int_equal(send(c, &a, OP_A), 0);
  fake_env_advance(c->env, S);
  assert_int_equal(send(c, &b, OP_B), 0);
  fake_env_advance(c->env, S - 1);
  fake_controller_gives(c, "04 0e 04 05 18 20 00");
  fake_env_advance(c->env, S);
  assert_int_equal(b.calls + c->failures, 0);
  fake_env_advance(c->env, 1);
  assert_int_equal(b.status, AIOBLE_ETIMEDOUT);
  assert_int_equal(c->failures, 1);
  fake_controller_free(c);
}

static void a_controller_that_gives_no_credit_back_is_silent_too(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(send(c, &b, OP_B), 0);
  fake_env_advance(c->env, S);
  fake_controller_gives(c, "04 0e 04 00 18 20 00");
  fake_env_advance(c->env, 2 * S - 1);
  assert_int_equal(b.calls + c->failures, 0);
  fake_env_advance(c->env, 1);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, AIOBLE_ETIMEDOUT);
  assert_int_equal(c->failures, 1);
  fake_controller_free(c);
}

static void no_timer_runs_when_nothing_is_pending(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_true(ab_timers_next(&c->env->timers) == UINT64_MAX);
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_false(ab_timers_next(&c->env->timers) == UINT64_MAX);
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_true(ab_timers_next(&c->env->timers) == UINT64_MAX);
  fake_controller_free(c);
}

/* ---- detach ---- */

static void a_detached_command_does_not_call_back(void **state) {
  fake_controller *c = ready();
  client a = {0}, b = {0}, d = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  assert_int_equal(send(c, &b, OP_B), 0);
  assert_int_equal(send(c, &d, OP_A), 0);
  ab_hci_cmd_detach(c->hci, &b.cmd); /* waiting: is never sent */
  ab_hci_cmd_detach(c->hci, &a.cmd); /* on the air: its answer is not taken for another's */
  ab_hci_cmd_detach(c->hci, &a.cmd);
  memset(&a, 0x5a, sizeof a);
  fake_controller_forget(c);
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  fake_controller_got(c, "01 18 20 02 11 22");
  fake_controller_got_nothing(c);
  assert_int_equal(d.calls, 0);
  fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_int_equal(d.calls, 1);
  assert_int_equal(b.calls, 0);
  assert_int_equal(ab_hci_stats_of(c->hci)->unexpected, 0);
  fake_controller_free(c);
}

static void a_detached_command_without_answer_still_fails_the_controller(void **state) {
  fake_controller *c = ready();
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  ab_hci_cmd_detach(c->hci, &a.cmd);
  fake_env_advance(c->env, 2 * S);
  assert_int_equal(a.calls, 0);
  assert_int_equal(c->failures, 1);
  fake_controller_free(c);
}

/* ---- refusals ---- */

static void a_command_that_cannot_be_queued_does_not_call_back(void **state) {
  fake_controller *c = fake_controller_new();
  uint8_t params[256] = {0};
  client a = {0};

  (void) state;
  assert_int_equal(send(c, &a, OP_A), AIOBLE_ENODEV);
  fake_controller_ready(c);
  ab_bufs_free(&c->bufs);
  fake_env_fail_at(c->env, 1);
  assert_int_equal(send(c, &a, OP_A), AIOBLE_ENOMEM);
  assert_false(a.cmd.pending);
  assert_int_equal(ab_hci_cmd_send(c->hci, &a.cmd, OP_A, params, 256, on_end), AIOBLE_EINVAL);
  assert_int_equal(ab_hci_cmd_send(c->hci, &a.cmd, OP_A, params, 255, on_end), 0);
  fake_controller_free(c);
  assert_int_equal(a.calls, 1);
}

static void the_steady_state_allocates_nothing(void **state) {
  fake_controller *c = ready();
  client a = {.again = 100};
  unsigned before = fake_env_allocs(c->env);

  (void) state;
  assert_int_equal(send(c, &a, OP_A), 0);
  for (unsigned i = 0; i < 100; i++)
    fake_controller_gives(c, "04 0e 04 01 18 20 00");
  assert_int_equal(a.calls, 100);
  assert_int_equal(fake_env_allocs(c->env), before);
  fake_controller_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_command_carries_its_parameters_and_its_answer_the_return_parameters),
      cmocka_unit_test(an_error_has_the_controllers_code_and_no_parameters),
      cmocka_unit_test(command_status_answers_too),
      cmocka_unit_test(an_answer_without_a_status_is_a_protocol_error),
      cmocka_unit_test(commands_wait_for_credits_in_order),
      cmocka_unit_test(an_answer_is_for_the_oldest_command_of_its_opcode),
      cmocka_unit_test(more_credits_than_we_can_track_are_not_used),
      cmocka_unit_test(a_command_can_be_sent_again_from_its_end),
      cmocka_unit_test(a_refusing_transport_is_waited_for),
      cmocka_unit_test(a_silent_controller_is_given_two_seconds),
      cmocka_unit_test(each_command_has_its_own_two_seconds),
      cmocka_unit_test(a_controller_that_gives_no_credit_back_is_silent_too),
      cmocka_unit_test(no_timer_runs_when_nothing_is_pending),
      cmocka_unit_test(a_detached_command_does_not_call_back),
      cmocka_unit_test(a_detached_command_without_answer_still_fails_the_controller),
      cmocka_unit_test(a_command_that_cannot_be_queued_does_not_call_back),
      cmocka_unit_test(the_steady_state_allocates_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
