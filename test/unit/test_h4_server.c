/* SPDX-License-Identifier: MIT */
#include "transport/h4_server.h"

#include "helpers/record_sink.h"
#include "transport/transport.h"
#include "util/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static const uint8_t command[] = {1, 0x03, 0x0c, 0};
static const uint8_t event[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};

enum { CONTROLLERS = 8, CLIENTS = 4 };

/* a controller that a test plays */
typedef struct controller {
  aioble_transport_t base;
  const aioble_transport_sink_t *sink;
  void *ctx;
  unsigned room; /* packets it takes before it says AIOBLE_EAGAIN */
  unsigned packets, flushes, closes, destroys, holds;
  bool held;
  int open_result;
  uint8_t bytes[4096];
  size_t len;
} controller;

typedef struct fixture {
  uv_loop_t uv;
  char path[64], name[80], why[256], log[4096];
  ab_h4_server *server;
  unsigned closed, made;
  controller controllers[CONTROLLERS];
  int open_result;     /* of controllers */
  bool no_controllers; /* there are none to be had */
  unsigned fail_at, live;
  aioble_transport_t *client[CLIENTS];
  record_sink sink[CLIENTS];
} fixture;

/* ---- the controller ---- */

static int controller_open(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
                           const char **why) {
  controller *c = (controller *) t;

  c->sink = sink;
  c->ctx = ctx;
  *why = NULL;
  return c->open_result;
}

static int controller_send(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  controller *c = (controller *) t;

  assert_int_equal(c->closes, 0);
  if (!c->room)
    return AIOBLE_EAGAIN;
  c->room--;
  c->packets++;
  if (c->len + len <= sizeof c->bytes) {
    memcpy(c->bytes + c->len, packet, len);
    c->len += len;
  }
  return 0;
}

static void controller_flush(aioble_transport_t *t) {
  controller *c = (controller *) t;

  c->flushes++;
}

static void controller_close(aioble_transport_t *t) {
  controller *c = (controller *) t;

  assert_int_equal(c->closes++, 0);
  c->sink->closed(c->ctx);
}

static void controller_destroy(aioble_transport_t *t) {
  controller *c = (controller *) t;

  c->destroys++;
}

static aioble_transport_t *make_controller(void *ctx) {
  static const aioble_transport_ops_t ops = {
      .open = controller_open,
      .send = controller_send,
      .flush = controller_flush,
      .close = controller_close,
      .destroy = controller_destroy,
  };
  fixture *f = ctx;
  controller *c = &f->controllers[f->made];

  if (f->no_controllers)
    return NULL;
  assert_true(f->made < CONTROLLERS);
  f->made++;
  c->base.ops = &ops;
  c->room = 1000000;
  c->open_result = f->open_result;
  return &c->base;
}

static void hold_controller(aioble_transport_t *t, bool hold) {
  controller *c = (controller *) t;

  c->held = hold;
  c->holds++;
}

/* ---- the fixture ---- */

static void *count_alloc(void *ctx, size_t size) {
  fixture *f = ctx;

  if (f->fail_at && !--f->fail_at)
    return NULL;
  f->live++;
  return malloc(size);
}

static void count_free(void *ctx, void *ptr) {
  fixture *f = ctx;

  f->live -= ptr != NULL;
  free(ptr);
}

static void note(void *ctx, const char *text) {
  fixture *f = ctx;
  size_t len = strlen(f->log);

  (void) snprintf(f->log + len, sizeof f->log - len, "%s\n", text);
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_int_equal(uv_loop_init(&f->uv), 0);
  (void) snprintf(f->path, sizeof f->path, "/tmp/test_h4_server.%d", (int) getpid());
  (void) snprintf(f->name, sizeof f->name, "unix:%s", f->path);
  *state = f;
  return 0;
}

static int serve(fixture *f, const ab_h4_server_options *more) {
  const aioble_allocator_t mem = {.alloc = count_alloc, .free = count_free, .ctx = f};
  ab_h4_server_options options = *more;

  options.uv = &f->uv;
  options.allocator = &mem;
  options.ctx = f;
  options.controller = make_controller;
  options.log = note;
  if (!options.address)
    options.address = f->name;
  return ab_h4_server_new(&options, &f->server, f->why, sizeof f->why);
}

/* with everything there is */
static void start(fixture *f) {
  assert_int_equal(serve(f, &(ab_h4_server_options){.hold = hold_controller}), 0);
}

static void on_closed(void *ctx) {
  fixture *f = ctx;

  f->closed++;
}

static int teardown(void **state) {
  fixture *f = *state;

  for (unsigned i = 0; i < CLIENTS; i++)
    if (f->client[i]) {
      if (!f->sink[i].closes)
        record_sink_close(&f->sink[i]);
      RUN_UNTIL(&f->uv, f->sink[i].closes);
      f->client[i]->ops->destroy(f->client[i]);
      record_sink_reset(&f->sink[i]);
    }
  if (f->server) {
    ab_h4_server_close(f->server, on_closed, f);
    assert_int_equal(f->closed, 0);
    RUN_UNTIL(&f->uv, f->closed);
    assert_int_equal(access(f->path, F_OK), -1);
  }
  assert_false(uv_run(&f->uv, UV_RUN_NOWAIT));
  assert_int_equal(uv_loop_close(&f->uv), 0);
  for (unsigned i = 0; i < f->made; i++)
    assert_int_equal(f->controllers[i].destroys, 1);
  assert_int_equal(f->live, 0);
  free(f);
  return 0;
}

/* client i connects; its controller may not be there yet */
static void connect_client(fixture *f, unsigned i) {
  const ab_transport_options options = {.uv = &f->uv};
  const char *address = f->server ? ab_h4_server_address(f->server) : f->name;
  int err;

  assert_int_equal(ab_transport_named(address, &options, &f->client[i], NULL, 0), 0);
  err = record_sink_open(&f->sink[i], f->client[i]);
  if (err == AIOBLE_EINPROGRESS) {
    RUN_UNTIL(&f->uv, f->sink[i].opened);
    err = f->sink[i].opened_status;
  }
  assert_int_equal(err, 0);
}

static controller *connect_and_get(fixture *f, unsigned i) {
  unsigned made = f->made;

  connect_client(f, i);
  RUN_UNTIL(&f->uv, f->made > made);
  return &f->controllers[made];
}

static void give(controller *c, const void *packet, size_t len) {
  c->sink->packet(c->ctx, packet, len);
  c->sink->batch_end(c->ctx);
}

/* ---- tests ---- */

static void packets_pass_both_ways(void **state) {
  fixture *f = *state;
  controller *c;

  start(f);
  c = connect_and_get(f, 0);
  record_sink_send(&f->sink[0], command, sizeof command);
  record_sink_flush(&f->sink[0]);
  RUN_UNTIL(&f->uv, c->packets);
  assert_memory_equal(c->bytes, command, sizeof command);
  assert_int_equal(c->flushes, 1);
  give(c, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink[0].packets);
  assert_memory_equal(f->sink[0].bytes, event, sizeof event);
  assert_int_equal(c->holds, 0);
}

static void each_client_has_a_controller_of_its_own(void **state) {
  fixture *f = *state;
  controller *a, *b;

  start(f);
  a = connect_and_get(f, 0);
  b = connect_and_get(f, 1);
  assert_int_equal(ab_h4_server_clients(f->server), 2);
  give(b, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink[1].packets);
  assert_int_equal(f->sink[0].packets, 0);
  record_sink_send(&f->sink[0], command, sizeof command);
  record_sink_flush(&f->sink[0]);
  RUN_UNTIL(&f->uv, a->packets);
  assert_int_equal(b->packets, 0);
}

static void a_client_that_goes_takes_its_controller_along(void **state) {
  fixture *f = *state;
  controller *a, *b;

  start(f);
  a = connect_and_get(f, 0);
  b = connect_and_get(f, 1);
  record_sink_close(&f->sink[0]);
  RUN_UNTIL(&f->uv, a->destroys);
  assert_int_equal(a->closes, 1);
  assert_int_equal(b->closes, 0);
  assert_int_equal(ab_h4_server_clients(f->server), 1);
  give(b, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink[1].packets);
}

static void a_controller_that_is_lost_ends_its_client(void **state) {
  fixture *f = *state;
  controller *c;

  start(f);
  c = connect_and_get(f, 0);
  c->sink->lost(c->ctx, AIOBLE_ENODEV, "unplugged");
  RUN_UNTIL(&f->uv, f->sink[0].losts);
  assert_non_null(strstr(f->log, ": client 1: unplugged\n"));
  assert_int_equal(c->destroys, 1);
}

static void what_is_not_h4_ends_its_client_only(void **state) {
  fixture *f = *state;
  controller *a, *b;

  start(f);
  a = connect_and_get(f, 0);
  b = connect_and_get(f, 1);
  record_sink_send(&f->sink[0], event, sizeof event); /* hosts do not send events */
  record_sink_flush(&f->sink[0]);
  RUN_UNTIL(&f->uv, f->sink[0].losts);
  assert_int_equal(a->packets, 0);
  assert_int_equal(b->closes, 0);
  assert_int_equal(ab_h4_server_clients(f->server), 1);
}

static void a_full_controller_holds_its_client(void **state) {
  fixture *f = *state;
  controller *c;
  uint8_t packet[] = {1, 0, 0xfc, 1, 0};

  start(f);
  c = connect_and_get(f, 0);
  c->room = 3;
  for (unsigned i = 0; i < 10; i++) {
    packet[4] = (uint8_t) i;
    record_sink_send(&f->sink[0], packet, sizeof packet);
  }
  record_sink_flush(&f->sink[0]);
  RUN_UNTIL(&f->uv, c->packets == 3);
  for (unsigned i = 0; i < 5; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  assert_int_equal(c->packets, 3);
  c->sink->writable(c->ctx); /* a false alarm */
  assert_int_equal(c->packets, 3);
  c->room = 2; /* the one that was kept and one more */
  c->sink->writable(c->ctx);
  assert_int_equal(c->packets, 4);
  RUN_UNTIL(&f->uv, c->packets == 5);
  c->room = 100;
  c->sink->writable(c->ctx);
  RUN_UNTIL(&f->uv, c->packets == 10);
  for (unsigned i = 0; i < 10; i++)
    assert_int_equal(c->bytes[i * sizeof packet + 4], i);
  assert_int_equal(f->sink[0].losts, 0);
}

/* gives numbered packets until held; returns how many */
static unsigned give_until_held(controller *c) {
  uint8_t packet[5 + 1000] = {2, 0, 0, 0xe8, 0x03};
  unsigned n;

  for (n = 0; !c->held; n++) {
    assert_true(n < 100000);
    packet[5] = (uint8_t) n;
    packet[6] = (uint8_t) (n >> 8);
    give(c, packet, sizeof packet);
  }
  return n;
}

static void a_client_that_does_not_read_holds_its_controller(void **state) {
  fixture *f = *state;
  controller *c;
  unsigned n;

  start(f);
  c = connect_and_get(f, 0);
  n = give_until_held(c);
  assert_int_equal(c->holds, 1);
  RUN_UNTIL(&f->uv, !c->held); /* the client reads now */
  RUN_UNTIL(&f->uv, f->sink[0].packets == n);
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(f->sink[0].bytes[i * 1005 + 5], i & 0xff);
    assert_int_equal(f->sink[0].bytes[i * 1005 + 6], i >> 8);
  }
  assert_int_equal(c->holds, 2);
  assert_int_equal(f->sink[0].losts, 0);
}

static void a_controller_that_cannot_be_held_costs_the_client_its_place(void **state) {
  fixture *f = *state;
  controller *c;

  assert_int_equal(serve(f, &(ab_h4_server_options){.hold = NULL}), 0);
  c = connect_and_get(f, 0);
  for (unsigned n = 0; !c->closes; n++) {
    assert_true(n < 100000);
    give(c, event, sizeof event);
  }
  RUN_UNTIL(&f->uv, c->destroys);
  RUN_UNTIL(&f->uv, f->sink[0].losts);
}

static void a_controller_that_does_not_stop_when_held_costs_the_client_its_place(void **state) {
  fixture *f = *state;
  controller *c;

  start(f);
  c = connect_and_get(f, 0);
  give_until_held(c);
  give(c, event, sizeof event);
  assert_int_equal(c->closes, 1);
  RUN_UNTIL(&f->uv, c->destroys);
}

static void a_client_may_go_while_packets_are_kept(void **state) {
  fixture *f = *state;
  controller *c;

  start(f);
  c = connect_and_get(f, 0);
  c->room = 0;
  record_sink_send(&f->sink[0], command, sizeof command);
  record_sink_flush(&f->sink[0]);
  give_until_held(c);
  record_sink_close(&f->sink[0]);
  RUN_UNTIL(&f->uv, c->destroys);
}

static void more_clients_than_allowed_wait(void **state) {
  fixture *f = *state;
  controller *a;

  assert_int_equal(serve(f, &(ab_h4_server_options){.max_clients = 1}), 0);
  a = connect_and_get(f, 0);
  connect_client(f, 1);
  for (unsigned i = 0; i < 5; i++)
    uv_run(&f->uv, UV_RUN_NOWAIT);
  assert_int_equal(f->made, 1);
  record_sink_close(&f->sink[0]);
  RUN_UNTIL(&f->uv, a->destroys);
  RUN_UNTIL(&f->uv, f->made == 2);
  assert_int_equal(f->sink[1].losts, 0);
}

static void without_a_controller_a_client_is_turned_away(void **state) {
  fixture *f = *state;

  f->no_controllers = true;
  start(f);
  connect_client(f, 0);
  RUN_UNTIL(&f->uv, f->sink[0].losts);
  assert_int_equal(ab_h4_server_clients(f->server), 0);
  f->no_controllers = false;
  connect_and_get(f, 1);
}

static void a_controller_that_does_not_open_turns_its_client_away(void **state) {
  fixture *f = *state;

  f->open_result = AIOBLE_EBUSY;
  start(f);
  connect_client(f, 0);
  RUN_UNTIL(&f->uv, f->sink[0].losts);
  assert_int_equal(f->controllers[0].closes, 0);
  assert_int_equal(f->controllers[0].destroys, 1);
  f->open_result = AIOBLE_EINPROGRESS; /* none in software needs to */
  connect_client(f, 1);
  RUN_UNTIL(&f->uv, f->sink[1].losts);
  assert_int_equal(f->controllers[1].closes, 1);
}

static void closing_the_server_ends_every_client(void **state) {
  fixture *f = *state;

  start(f);
  connect_and_get(f, 0);
  connect_and_get(f, 1);
  ab_h4_server_close(f->server, on_closed, f);
  assert_int_equal(f->closed, 0);
  assert_int_equal(access(f->path, F_OK), -1);
  RUN_UNTIL(&f->uv, f->closed);
  RUN_UNTIL(&f->uv, f->sink[0].losts && f->sink[1].losts);
  f->server = NULL;
}

static void a_tcp_port_of_0_becomes_a_real_one(void **state) {
  fixture *f = *state;

  assert_int_equal(serve(f, &(ab_h4_server_options){.address = "tcp:127.0.0.1:0"}), 0);
  assert_ptr_equal(strstr(ab_h4_server_address(f->server), "tcp:127.0.0.1:"),
                   ab_h4_server_address(f->server));
  assert_null(strstr(ab_h4_server_address(f->server), ":0"));
  connect_and_get(f, 0);
}

static void what_cannot_be_listened_on_is_told(void **state) {
  static const char *const bad[] = {"hci0", "serial:/dev/x", "fd:1", "unix:", "nonsense"};
  fixture *f = *state;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(serve(f, &(ab_h4_server_options){.address = bad[i]}), AIOBLE_EINVAL);
    assert_null(f->server);
    assert_non_null(strstr(f->why, "unix:PATH"));
  }
  assert_int_equal(serve(f, &(ab_h4_server_options){.address = "unix:/no/such/folder/x"}),
                   AIOBLE_ENOENT);
}

static void out_of_memory_turns_a_client_away_and_leaves_nothing(void **state) {
  fixture *f = *state;

  for (unsigned n = 1; n <= 2; n++) {
    f->fail_at = n;
    assert_int_equal(serve(f, &(ab_h4_server_options){.hold = NULL}), AIOBLE_ENOMEM);
  }
  start(f);
  for (unsigned n = 1; n <= 4; n++) {
    f->fail_at = n;
    connect_client(f, 0);
    RUN_UNTIL(&f->uv, f->sink[0].losts);
    assert_int_equal(f->fail_at, 0);
    record_sink_close(&f->sink[0]);
    RUN_UNTIL(&f->uv, f->sink[0].closes);
    f->client[0]->ops->destroy(f->client[0]);
    record_sink_reset(&f->sink[0]);
    f->client[0] = NULL;
    assert_int_equal(ab_h4_server_clients(f->server), 0);
  }
  connect_and_get(f, 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(packets_pass_both_ways),
      TEST(each_client_has_a_controller_of_its_own),
      TEST(a_client_that_goes_takes_its_controller_along),
      TEST(a_controller_that_is_lost_ends_its_client),
      TEST(what_is_not_h4_ends_its_client_only),
      TEST(a_full_controller_holds_its_client),
      TEST(a_client_that_does_not_read_holds_its_controller),
      TEST(a_controller_that_cannot_be_held_costs_the_client_its_place),
      TEST(a_controller_that_does_not_stop_when_held_costs_the_client_its_place),
      TEST(a_client_may_go_while_packets_are_kept),
      TEST(more_clients_than_allowed_wait),
      TEST(without_a_controller_a_client_is_turned_away),
      TEST(a_controller_that_does_not_open_turns_its_client_away),
      TEST(closing_the_server_ends_every_client),
      TEST(a_tcp_port_of_0_becomes_a_real_one),
      TEST(what_cannot_be_listened_on_is_told),
      TEST(out_of_memory_turns_a_client_away_and_leaves_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
