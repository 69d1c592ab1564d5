/* SPDX-License-Identifier: MIT */
/* Opening that takes long, fails or never ends; what is told first when the adapter goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

/* ---- a transport that opens when it is told to ---- */

typedef struct slow {
  aioble_transport_t transport;
  const aioble_transport_sink_t *sink;
  void *ctx;
  unsigned opened, closed;
} slow;

static int slow_open(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
                     const char **why) {
  slow *s = (slow *) t;

  (void) why;
  s->sink = sink;
  s->ctx = ctx;
  s->opened++;
  return AIOBLE_EINPROGRESS;
}

static int slow_send(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  (void) t;
  (void) packet;
  (void) len;
  return 0;
}

static void slow_close(aioble_transport_t *t) {
  slow *s = (slow *) t;

  s->closed++;
  s->sink->closed(s->ctx);
}

static void nothing(aioble_transport_t *t) {
  (void) t;
}

static const aioble_transport_ops_t slow_ops = {slow_open, slow_send, nothing, slow_close, nothing};

static aioble_t *slow_stack(sim *s, slow *t) {
  t->transport.ops = &slow_ops;
  return aioble_new(NULL, &(aioble_options_t){.transport = &t->transport,
                                              .loop = aioble_virtual_loop(s->radio),
                                              .store = ""});
}

static void a_transport_that_never_opens_is_given_up(void **state) {
  slow t = {0};
  aioble_op_t *op;
  aioble_t *ble;
  sim s;

  (void) state;
  sim_open(&s, NULL);
  ble = slow_stack(&s, &t);
  op = aioble_open(ble);
  aioble_op_set_timeout(op, AIOBLE_FOREVER); /* not by its own limit */
  assert_int_equal(aioble_op_await(op), AIOBLE_ETIMEDOUT);
  assert_non_null(strstr(aioble_op_message(op), "does not open"));
  aioble_op_unref(op);
  assert_int_equal(t.closed, 1);
  sim_expect(aioble_close(ble), 0);
  aioble_unref(ble);
  sim_close(&s);
}

static void a_scan_outlasts_a_slow_opening_and_tells_its_error(void **state) {
  static const char why[] = "no luck";
  aioble_op_t *next;
  aioble_scan_t *scan;
  slow t = {0};
  aioble_t *ble;
  sim s;

  (void) state;
  sim_open(&s, NULL);
  ble = slow_stack(&s, &t);
  scan = aioble_scan(ble, &(aioble_scan_options_t){.duration_ms = 100});
  next = aioble_scan_next(scan);
  sim_run_ms(&s, 1000);
  assert_false(aioble_op_done(next)); /* its 100 ms have not begun */
  t.sink->opened(t.ctx, AIOBLE_EBUSY, why);
  assert_int_equal(aioble_op_await(next), AIOBLE_EBUSY);
  assert_string_equal(aioble_op_message(next), why);
  aioble_op_unref(next);
  aioble_scan_unref(scan);
  assert_int_equal(t.closed, 0); /* it had not opened */
  sim_expect(aioble_close(ble), 0);
  aioble_unref(ble);
  sim_close(&s);
}

/* ---- the address of an adapter that has none ---- */

static int random_after_a_while(void *user, void *buf, size_t len) {
  unsigned *calls = user;

  if ((*calls)++ == 0)
    return -1;
  memset(buf, 0x5a, len);
  return 0;
}

static void without_randomness_no_address_is_made_up(void **state) {
  const aioble_virtual_controller_options_t bare = {.no_public_addr = true};
  aioble_transport_t *t;
  unsigned calls = 0;
  char mac[64];
  aioble_t *ble;
  sim s;

  (void) state;
  sim_open(&s, NULL);
  t = aioble_virtual_controller_new(s.radio, &bare);
  ble = aioble_new(NULL, &(aioble_options_t){.transport = t,
                                             .loop = aioble_virtual_loop(s.radio),
                                             .random = random_after_a_while,
                                             .user = &calls,
                                             .store = ""});
  sim_expect(aioble_open(ble), AIOBLE_EIO);
  sim_expect(aioble_open(ble), 0);
  assert_int_equal(aioble_config_get(ble, "mac", mac, sizeof mac), 0);
  assert_string_equal(mac, "random da:5a:5a:5a:5a:5a");
  sim_expect(aioble_close(ble), 0);
  aioble_unref(ble);
  t->ops->destroy(t);
  sim_close(&s);
}

/* ---- who hears first ---- */

static void on_disconnected(aioble_op_t *op, int status, void *user) {
  sim_stack *stack = user;

  (void) op;
  assert_int_equal(status, 0);
  assert_int_equal(stack->lost, 1); /* told before */
  aioble_op_unref(aioble_close(stack->ble));
}

static void a_loss_is_told_before_what_it_ends(void **state) {
  aioble_conn_t *at_a, *at_b;
  aioble_t *a, *b;
  sim s;

  (void) state;
  sim_open(&s, NULL);
  a = sim_stack_new(&s, NULL, NULL);
  b = sim_stack_new(&s, NULL, NULL);
  sim_connect(a, b, &at_a, &at_b);
  aioble_op_then(aioble_conn_disconnected(at_a), on_disconnected, &s.stacks[0]);
  aioble_virtual_controller_unplug(s.stacks[0].controller);
  sim_run_ms(&s, 10);
  assert_int_equal(s.stacks[0].lost, 1);
  aioble_conn_unref(at_a);
  aioble_conn_unref(at_b);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_transport_that_never_opens_is_given_up),
      cmocka_unit_test(a_scan_outlasts_a_slow_opening_and_tells_its_error),
      cmocka_unit_test(without_randomness_no_address_is_made_up),
      cmocka_unit_test(a_loss_is_told_before_what_it_ends),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
