/* SPDX-License-Identifier: MIT */
#include "helpers/sim.h"
#include "host/host.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- memory that is counted, and runs out when asked to ---- */

static bool may_allocate(sim *s) {
  s->allocations++;
  return s->allocations != s->fail_at && !(s->fail_from && s->allocations >= s->fail_from);
}

static void *sim_alloc(void *ctx, size_t size) {
  sim *s = ctx;
  void *p = may_allocate(s) ? malloc(size) : NULL;

  s->live += p != NULL;
  s->bytes += malloc_usable_size(p);
  return p;
}

static void *sim_resize(void *ctx, void *ptr, size_t size) {
  sim *s = ctx;
  size_t before = malloc_usable_size(ptr);
  void *p = may_allocate(s) ? realloc(ptr, size) : NULL;

  s->live += p && !ptr;
  if (p)
    s->bytes += malloc_usable_size(p) - before;
  return p;
}

static void sim_free(void *ctx, void *ptr) {
  sim *s = ctx;

  s->live -= ptr != NULL;
  s->bytes -= malloc_usable_size(ptr);
  free(ptr);
}

/* ---- opening and closing ---- */

void sim_open(sim *s, const aioble_virtual_options_t *options) {
  memset(s, 0, sizeof *s);
  s->radio = aioble_virtual_radio_new(options);
  assert_non_null(s->radio);
}

void sim_close(sim *s) {
  s->fail_at = s->fail_from = 0;
  for (size_t i = 0; i < s->n; i++) {
    sim_expect(aioble_close(s->stacks[i].ble), 0);
    aioble_unref(s->stacks[i].ble);
  }
  aioble_virtual_radio_free(s->radio, NULL, NULL);
  assert_int_equal(s->live, 0);
}

static void on_lost(aioble_t *ble, int status, const char *why, void *user) {
  sim_stack *stack = user;

  assert_non_null(why);
  stack->lost++;
  stack->lost_status = status;
  if (stack->on_lost)
    stack->on_lost(ble, status, why, stack);
}

/* xorshift64*: the same on every run, another sequence for each stack */
static int seeded_random(void *user, void *buf, size_t len) {
  sim_stack *stack = user;

  for (size_t i = 0; i < len; i++) {
    stack->random ^= stack->random >> 12;
    stack->random ^= stack->random << 25;
    stack->random ^= stack->random >> 27;
    ((uint8_t *) buf)[i] = (uint8_t) (stack->random * 0x2545f4914f6cdd1dull >> 56);
  }
  return 0;
}

/* whoever runs the test may wish for captures: a file in $SIM_CAPTURE_DIR for each stack that has
   none */
static void capture(sim_stack *stack) {
  const char *dir = getenv("SIM_CAPTURE_DIR");
  int fd;

  if (!dir || stack->options.snoop)
    return;
  (void) snprintf(stack->capture, sizeof stack->capture, "%s/XXXXXX", dir);
  fd = mkstemp(stack->capture);
  assert_true(fd >= 0);
  (void) close(fd);
  stack->options.snoop = stack->capture;
}

static aioble_t *try_stack(sim *s, const aioble_options_t *options,
                           const aioble_virtual_controller_options_t *controller) {
  const aioble_allocator_t memory = {sim_alloc, sim_resize, sim_free, s};
  sim_stack *stack = &s->stacks[s->n];

  assert_true(s->n < SIM_MAX_STACKS);
  if (options)
    stack->options = *options;
  stack->controller = aioble_virtual_controller_new(s->radio, controller);
  assert_non_null(stack->controller);
  stack->options.transport = s->tap ? s->tap(s, stack->controller) : stack->controller;
  stack->options.loop = aioble_virtual_loop(s->radio);
  stack->options.allocator = &memory;
  stack->options.random = seeded_random;
  stack->random = (s->n + 1) * 0x9e3779b97f4a7c15ull + stack->options.appearance;
  stack->options.on_lost = on_lost;
  stack->options.user = stack;
  capture(stack);
  if (!stack->options.store)
    stack->options.store = "";
  stack->ble = aioble_new(NULL, &stack->options);
  s->n += stack->ble != NULL;
  return stack->ble;
}

aioble_t *sim_stack_new(sim *s, const aioble_options_t *options,
                        const aioble_virtual_controller_options_t *controller) {
  aioble_t *ble = try_stack(s, options, controller);

  assert_non_null(ble);
  return ble;
}

aioble_t *sim_restart(sim *s, aioble_t *ble) {
  const aioble_allocator_t memory = {sim_alloc, sim_resize, sim_free, s};
  sim_stack *stack = sim_stack_of(s, ble);

  sim_expect(aioble_close(ble), 0);
  aioble_unref(ble);
  stack->options.loop = aioble_virtual_loop(s->radio);
  stack->options.allocator = &memory;
  stack->ble = aioble_new(NULL, &stack->options);
  assert_non_null(stack->ble);
  return stack->ble;
}

bool sim_try_stack(sim *s) {
  return try_stack(s, NULL, NULL) != NULL;
}

/* ---- ops ---- */

void sim_expect(aioble_op_t *op, int status) {
  int got = aioble_op_await(op);

  if (got != status)
    fail_msg("expected %d, got %d: %s", status, got, aioble_op_message(op));
  aioble_op_unref(op);
}

aioble_op_t *sim_ok(aioble_op_t *op) {
  int got = aioble_op_await(op);

  if (got != 0)
    fail_msg("expected success, got %d: %s", got, aioble_op_message(op));
  return op;
}

static void on_watched(aioble_op_t *op, int status, void *user) {
  sim_watch *watch = user;

  assert_ptr_equal(op, watch->op);
  assert_int_equal(status, aioble_op_status(op));
  watch->calls++;
  watch->status = status;
}

void sim_watch_op(sim_watch *watch, aioble_op_t *op) {
  *watch = (sim_watch){.op = aioble_op_ref(op), .status = AIOBLE_EAGAIN};
  assert_non_null(op);
  aioble_op_then(op, on_watched, watch);
  assert_int_equal(watch->calls, 0);
}

void sim_watch_end(sim_watch *watch) {
  watch->op = aioble_op_unref(watch->op);
}

void sim_watch_expect(sim_watch *watch, int status) {
  aioble_t *ble = watch->op->ble;

  while (!watch->calls)
    if (!ble->loop->ops->run_once(ble->loop))
      break;
  assert_int_equal(watch->calls, 1);
  if (watch->status != status)
    fail_msg("expected %d, got %d: %s", status, watch->status, aioble_op_message(watch->op));
  sim_watch_end(watch);
}

sim_stack *sim_stack_of(sim *s, const aioble_t *ble) {
  for (size_t i = 0; i < s->n; i++)
    if (s->stacks[i].ble == ble)
      return &s->stacks[i];
  fail_msg("no such stack");
  return NULL;
}

aioble_device_t *sim_device(aioble_t *ble, aioble_t *peer) {
  static const aioble_addr_t nobody = {AIOBLE_ADDR_RANDOM, {0xc1, 2, 3, 4, 5, 6}};
  aioble_addr_t addr = peer ? sim_addr(peer) : nobody;
  aioble_device_t *device = aioble_device_new(ble, &addr);

  assert_non_null(device);
  return device;
}

aioble_stats_t sim_stats(const aioble_t *ble) {
  aioble_stats_t stats;

  aioble_stats(ble, &stats);
  return stats;
}

void sim_run_ms(sim *s, uint64_t ms) {
  aioble_virtual_run_until(s->radio, aioble_virtual_now_us(s->radio) + ms * 1000);
}

aioble_addr_t sim_addr(aioble_t *ble) {
  char text[64];
  aioble_addr_t addr;
  bool public;

  sim_expect(aioble_open(ble), 0);
  assert_int_equal(aioble_config_get(ble, "mac", text, sizeof text), 0);
  public = !strncmp(text, "public ", 7);
  assert_int_equal(aioble_addr_parse(&addr,
                                     (uint8_t) (public ? AIOBLE_ADDR_PUBLIC : AIOBLE_ADDR_RANDOM),
                                     strchr(text, ' ') + 1),
                   0);
  return addr;
}

void sim_expect_params(aioble_conn_t *conn, const aioble_conn_params_t *params) {
  aioble_conn_params_t got = aioble_conn_params(conn);

  assert_int_equal(got.interval_us, params->interval_us);
  assert_int_equal(got.latency, params->latency);
  assert_int_equal(got.timeout_ms, params->timeout_ms);
}

void sim_connect(aioble_t *a, aioble_t *b, aioble_conn_t **at_a, aioble_conn_t **at_b) {
  aioble_addr_t addr = sim_addr(b);
  aioble_device_t *device = aioble_device_new(a, &addr);
  aioble_op_t *advertising = aioble_advertise(b, NULL);
  aioble_op_t *connecting = sim_ok(aioble_device_connect(device, NULL));

  sim_ok(advertising);
  *at_a = aioble_conn_ref(aioble_op_conn(connecting));
  *at_b = aioble_conn_ref(aioble_op_conn(advertising));
  aioble_op_unref(advertising);
  aioble_op_unref(connecting);
  aioble_device_unref(device);
}
