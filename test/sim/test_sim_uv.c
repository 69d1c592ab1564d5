/* SPDX-License-Identifier: MIT */
/* The same on a libuv loop in real time: what stays in the loop, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "helpers/sim.h"

typedef struct bed {
  uv_loop_t uv;
  aioble_virtual_radio_t *radio;
  aioble_transport_t *controller;
  aioble_t *ble;
  unsigned lost;
} bed;

static void on_lost(aioble_t *ble, int status, const char *why, void *user) {
  bed *b = user;

  assert_ptr_equal(ble, b->ble);
  assert_int_equal(status, AIOBLE_ENODEV);
  assert_non_null(why);
  b->lost++;
}

static int setup(void **state) {
  bed *b = test_calloc(1, sizeof *b);

  assert_int_equal(uv_loop_init(&b->uv), 0);
  b->radio =
      aioble_virtual_radio_new(&(aioble_virtual_options_t){.loop = aioble_loop_uv(&b->uv, NULL)});
  b->controller = aioble_virtual_controller_new(b->radio, NULL);
  b->ble = aioble_new(
      &b->uv,
      &(aioble_options_t){.transport = b->controller, .store = "", .on_lost = on_lost, .user = b});
  assert_non_null(b->ble);
  *state = b;
  return 0;
}

static int teardown(void **state) {
  bed *b = *state;

  aioble_unref(b->ble);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
  assert_int_equal(uv_run(&b->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&b->uv), 0);
  test_free(b);
  return 0;
}

static void count_handle(uv_handle_t *handle, void *count) {
  *(unsigned *) count += !uv_is_closing(handle);
}

static unsigned handles(bed *b) {
  unsigned count = 0;

  uv_walk(&b->uv, count_handle, &count);
  return count;
}

static void closing_leaves_no_handle(void **state) {
  bed *b = *state;
  unsigned before = handles(b);

  for (int i = 0; i < 3; i++) {
    assert_int_equal(aioble_op_finish(aioble_open(b->ble)), 0);
    assert_true(handles(b) > before);
    assert_int_equal(aioble_op_finish(aioble_close(b->ble)), 0);
    assert_int_equal(handles(b), before);
  }
}

static void asking_a_closed_stack_leaves_no_handle(void **state) {
  bed *b = *state;
  unsigned before = handles(b);

  assert_int_equal(aioble_op_finish(aioble_close(b->ble)), 0);
  assert_int_equal(
      aioble_op_finish(aioble_advertise(b->ble, &(aioble_advertise_options_t){.mode = 9})),
      AIOBLE_EINVAL);
  for (int i = 0; i < 10 && handles(b) > before; i++)
    (void) uv_run(&b->uv, UV_RUN_NOWAIT);
  assert_int_equal(handles(b), before);
}

static void a_lost_adapter_leaves_no_handle(void **state) {
  bed *b = *state;
  unsigned before = handles(b);
  aioble_op_t *op;

  assert_int_equal(aioble_op_finish(aioble_open(b->ble)), 0);
  op = aioble_advertise(b->ble, NULL);
  aioble_virtual_controller_unplug(b->controller);
  assert_int_equal(aioble_op_finish(op), AIOBLE_ENODEV);
  for (int i = 0; i < 10 && handles(b) > before; i++)
    (void) uv_run(&b->uv, UV_RUN_NOWAIT);
  assert_int_equal(b->lost, 1);
  assert_int_equal(handles(b), before);
  assert_int_equal(aioble_op_finish(aioble_open(b->ble)), 0);
  assert_int_equal(aioble_op_finish(aioble_close(b->ble)), 0);
}

static void a_restart_without_waiting_works(void **state) {
  bed *b = *state;
  aioble_op_t *ops[3];

  assert_int_equal(aioble_op_finish(aioble_open(b->ble)), 0);
  ops[0] = aioble_close(b->ble);
  ops[1] = aioble_open(b->ble);
  assert_int_equal(aioble_op_finish(ops[0]), 0);
  assert_int_equal(aioble_op_finish(ops[1]), 0);
  assert_true(aioble_is_open(b->ble));
  ops[0] = aioble_close(b->ble);
  ops[1] = aioble_open(b->ble);
  ops[2] = aioble_close(b->ble);
  assert_int_equal(aioble_op_finish(aioble_op_all(&ops[2], 1)), 0);
  assert_int_equal(aioble_op_finish(ops[0]), 0);
  assert_int_equal(aioble_op_finish(ops[1]), AIOBLE_ECANCELED);
  assert_false(aioble_is_open(b->ble));
}

static void awaiting_what_cannot_settle_is_stalled(void **state) {
  bed *b = *state;
  aioble_service_t *service = aioble_service_new(b->ble, AIOBLE_UUID16(0x181a));
  aioble_char_t *chr = aioble_char_new(service, AIOBLE_UUID16(0x2a6e), AIOBLE_WRITE, NULL);
  aioble_op_t *op;

  assert_int_equal(aioble_register_services(b->ble, &service, 1), 0);
  aioble_service_unref(service);
  op = aioble_char_written(chr); /* of a stack that is closed */
  assert_int_equal(aioble_op_await(op), AIOBLE_ESTALLED);
  aioble_op_cancel(op);
  assert_int_equal(aioble_op_finish(op), AIOBLE_ECANCELED);
}

static void close_and_release(aioble_op_t *op, int status, void *user) {
  unsigned *calls = user;

  (void) op;
  assert_int_equal(status, 0);
  ++*calls;
}

static void the_last_reference_may_go_before_the_close_has_ended(void **state) {
  bed *b = *state;
  unsigned calls = 0;

  assert_int_equal(aioble_op_finish(aioble_open(b->ble)), 0);
  aioble_op_then(aioble_close(b->ble), close_and_release, &calls);
  b->ble = aioble_unref(b->ble);
  for (int i = 0; i < 100 && !calls; i++)
    (void) uv_run(&b->uv, UV_RUN_ONCE);
  assert_int_equal(calls, 1);
}

#define WITH_BED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_BED(closing_leaves_no_handle),
      WITH_BED(asking_a_closed_stack_leaves_no_handle),
      WITH_BED(a_lost_adapter_leaves_no_handle),
      WITH_BED(a_restart_without_waiting_works),
      WITH_BED(awaiting_what_cannot_settle_is_stalled),
      WITH_BED(the_last_reference_may_go_before_the_close_has_ended),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
