/* SPDX-License-Identifier: MIT */
/* Our GATT server with several clients, over whole stacks: what is one client's stays its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { CLIENTS = 8 };

typedef struct client {
  aioble_t *ble;
  aioble_conn_t *conn, *at_server;
  aioble_client_char_t *level, *event;
} client;

typedef struct crowd {
  sim s;
  aioble_t *server;
  aioble_capture_t *capture;
  aioble_char_t *level; /* read, written (captured), notified */
  aioble_char_t *event; /* notified, indicated; described, with two formats */
  client clients[CLIENTS];
} crowd;

/* only the first client */
static bool on_authorize(const aioble_access_t *access, bool write, void *user) {
  const crowd *c = user;

  return !write || access->conn == c->clients[0].at_server;
}

static void serve(crowd *c) {
  static const aioble_format_t formats[] = {{AIOBLE_FORMAT_SINT16, -2, 0x272f, 1, 0},
                                            {AIOBLE_FORMAT_UINT8, 0, 0x27ad, 1, 0}};
  aioble_service_t *service = aioble_service_new(c->server, AIOBLE_UUID16(0x181a));

  c->capture = aioble_capture_new(c->server, 0);
  c->level = aioble_char_new(service, AIOBLE_UUID16(0x2a19),
                             AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP | AIOBLE_NOTIFY,
                             &(aioble_char_options_t){.capture_to = c->capture});
  c->event = aioble_char_new(
      service, AIOBLE_UUID16(0x2a6e),
      AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE | AIOBLE_WRITABLE_AUXILIARIES,
      &(aioble_char_options_t){.user_description = "Events", .formats = formats, .n_formats = 2});
  assert_non_null(aioble_desc_new(
      c->event, AIOBLE_UUID16(0x29ff), AIOBLE_READ | AIOBLE_WRITE,
      &(aioble_desc_options_t){.on_authorize = on_authorize, .capture_to = c->capture, .user = c}));
  assert_int_equal(aioble_register_services(c->server, &service, 1), 0);
  aioble_service_unref(service);
}

static aioble_client_char_t *find(aioble_client_service_t *service, aioble_uuid_t uuid) {
  aioble_op_t *op = sim_ok(aioble_client_service_char(service, uuid));
  aioble_client_char_t *chr = aioble_client_char_ref(aioble_op_char(op));

  aioble_op_unref(op);
  return chr;
}

static void arrive(crowd *c, client *who) {
  aioble_op_t *service;

  sim_connect(who->ble, c->server, &who->conn, &who->at_server);
  service = sim_ok(aioble_conn_service(who->conn, AIOBLE_UUID16(0x181a)));
  who->level = find(aioble_op_service(service), AIOBLE_UUID16(0x2a19));
  who->event = find(aioble_op_service(service), AIOBLE_UUID16(0x2a6e));
  aioble_op_unref(service);
}

static void leave(client *who) {
  who->level = aioble_client_char_unref(who->level);
  who->event = aioble_client_char_unref(who->event);
  who->conn = aioble_conn_unref(who->conn);
  who->at_server = aioble_conn_unref(who->at_server);
}

static int set_up(void **state) {
  crowd *c = calloc(1, sizeof *c);

  assert_non_null(c);
  sim_open(&c->s, NULL);
  c->server = sim_stack_new(&c->s, NULL, NULL);
  serve(c);
  for (unsigned i = 0; i < CLIENTS; i++) {
    c->clients[i].ble = sim_stack_new(&c->s, NULL, NULL);
    arrive(c, &c->clients[i]);
  }
  *state = c;
  return 0;
}

static int tear_down(void **state) {
  crowd *c = *state;

  for (unsigned i = 0; i < CLIENTS; i++)
    leave(&c->clients[i]);
  aioble_capture_unref(c->capture);
  sim_close(&c->s);
  free(c);
  return 0;
}

/* what the i-th client subscribes to: every combination once */
static unsigned level_of(unsigned i) {
  return i & 1 ? AIOBLE_SUBSCRIBE_NOTIFY : 0;
}
static unsigned event_of(unsigned i) {
  return i >> 1 & 3;
}

static void subscribe_all(crowd *c) {
  for (unsigned i = 0; i < CLIENTS; i++) {
    sim_expect(aioble_client_char_subscribe(c->clients[i].level, level_of(i)), 0);
    sim_expect(aioble_client_char_subscribe(c->clients[i].event, event_of(i)), 0);
  }
}

/* one value waits in that queue, and no other */
static void expect_one(aioble_op_t *(*next)(aioble_client_char_t *), aioble_client_char_t *chr,
                       const void *data, size_t len) {
  aioble_op_t *op = sim_ok(next(chr)), *none = next(chr);

  assert_int_equal(aioble_op_value(op).len, len);
  assert_memory_equal(aioble_op_value(op).data, data, len);
  assert_false(aioble_op_done(none));
  aioble_op_cancel(none);
  aioble_op_unref(none);
  aioble_op_unref(op);
}

static void expect_none(aioble_op_t *(*next)(aioble_client_char_t *), aioble_client_char_t *chr) {
  aioble_op_t *none = next(chr);

  assert_false(aioble_op_done(none));
  aioble_op_cancel(none);
  aioble_op_unref(none);
}

/* ---- subscriptions ---- */

static void each_client_has_its_own_configurations(void **state) {
  crowd *c = *state;
  aioble_conn_t *conns[CLIENTS];
  size_t n;

  subscribe_all(c);
  for (unsigned i = 0; i < CLIENTS; i++) {
    aioble_op_t *desc, *op;

    assert_int_equal(aioble_char_subscribed(c->level, c->clients[i].at_server), level_of(i));
    assert_int_equal(aioble_char_subscribed(c->event, c->clients[i].at_server), event_of(i));
    desc = sim_ok(aioble_client_char_desc(c->clients[i].event, AIOBLE_UUID16(0x2902)));
    op = sim_ok(aioble_client_desc_read(aioble_op_desc(desc)));
    assert_int_equal(aioble_op_value(op).len, 2);
    assert_int_equal(aioble_op_value(op).data[0], event_of(i));
    aioble_op_unref(op);
    aioble_op_unref(desc);
  }
  n = aioble_char_subscribers(c->level, conns, CLIENTS);
  assert_int_equal(n, 4);
  for (unsigned i = 0; i < n; i++)
    assert_ptr_equal(conns[i], c->clients[2 * i + 1].at_server);
  assert_int_equal(aioble_char_subscribers(c->event, conns, CLIENTS), 6);
  for (unsigned i = 0; i < 6; i++)
    assert_ptr_equal(conns[i], c->clients[i + 2].at_server);
}

static void an_update_reaches_those_who_want_it_as_they_want_it(void **state) {
  crowd *c = *state;

  subscribe_all(c);
  assert_int_equal(aioble_char_write(c->level, "lev", 3, AIOBLE_SEND_UPDATE), 0);
  assert_int_equal(aioble_char_write(c->event, "event", 5, AIOBLE_SEND_UPDATE), 0);
  sim_run_ms(&c->s, 500);
  for (unsigned i = 0; i < CLIENTS; i++) {
    client *who = &c->clients[i];

    if (level_of(i))
      expect_one(aioble_client_char_notified, who->level, "lev", 3);
    else
      expect_none(aioble_client_char_notified, who->level);
    if (event_of(i) & AIOBLE_SUBSCRIBE_NOTIFY)
      expect_one(aioble_client_char_notified, who->event, "event", 5);
    else
      expect_none(aioble_client_char_notified, who->event);
    if (event_of(i) == AIOBLE_SUBSCRIBE_INDICATE)
      expect_one(aioble_client_char_indicated, who->event, "event", 5);
    else
      expect_none(aioble_client_char_indicated, who->event);
  }
}

static void what_is_for_one_client_reaches_no_other(void **state) {
  crowd *c = *state;
  sim_watch indications[CLIENTS];

  subscribe_all(c);
  for (unsigned i = 0; i < CLIENTS; i++) {
    uint8_t value[] = {(uint8_t) i, 0x55};

    assert_int_equal(aioble_char_try_notify(c->level, c->clients[i].at_server, value, 2), 0);
    sim_watch_op(&indications[i],
                 aioble_char_indicate(c->event, c->clients[i].at_server, value, 1));
  }
  for (unsigned i = 0; i < CLIENTS; i++)
    sim_watch_expect(&indications[i], 0);
  for (unsigned i = 0; i < CLIENTS; i++) {
    uint8_t value[] = {(uint8_t) i, 0x55};

    expect_one(aioble_client_char_notified, c->clients[i].level, value, 2);
    expect_one(aioble_client_char_indicated, c->clients[i].event, value, 1);
    expect_none(aioble_client_char_notified, c->clients[i].event);
  }
  assert_int_equal(aioble_char_read(c->level).len, 0);
}

static void who_leaves_takes_only_its_own_subscription_along(void **state) {
  crowd *c = *state;
  client *who = &c->clients[3];
  aioble_conn_t *conns[CLIENTS], *gone = aioble_conn_ref(who->at_server);

  subscribe_all(c);
  sim_expect(aioble_conn_disconnect(who->conn), 0);
  sim_run_ms(&c->s, 100);
  leave(who);
  assert_int_equal(aioble_char_subscribed(c->level, gone), 0);
  assert_int_equal(aioble_char_subscribers(c->level, conns, CLIENTS), 3);
  assert_int_equal(aioble_char_subscribers(c->event, conns, CLIENTS), 5);
  assert_int_equal(aioble_char_write(c->level, "x", 1, AIOBLE_SEND_UPDATE), 0);
  sim_expect(aioble_char_notify(c->level, gone, "x", 1), AIOBLE_ENOTCONN);
  aioble_conn_unref(gone);
  arrive(c, who);
  assert_int_equal(aioble_char_subscribed(c->level, who->at_server), 0);
  assert_int_equal(aioble_char_subscribers(c->level, conns, CLIENTS), 3);
  for (unsigned i = 0; i < CLIENTS; i++)
    if (level_of(i) && i != 3)
      expect_one(aioble_client_char_notified, c->clients[i].level, "x", 1);
  expect_none(aioble_client_char_notified, who->level);
}

static void several_values_reach_their_client_in_order(void **state) {
  crowd *c = *state;
  aioble_char_t *both[] = {c->event, c->level, c->event};
  client *who = &c->clients[5];
  aioble_op_t *op;

  assert_int_equal(aioble_char_write(c->level, "l", 1, 0), 0);
  assert_int_equal(aioble_char_write(c->event, "e", 1, 0), 0);
  sim_expect(aioble_char_notify_many(both, 3, who->at_server), 0);
  sim_run_ms(&c->s, 100);
  expect_one(aioble_client_char_notified, who->level, "l", 1);
  op = sim_ok(aioble_client_char_notified(who->event));
  assert_memory_equal(aioble_op_value(op).data, "e", 1);
  aioble_op_unref(op);
  expect_one(aioble_client_char_notified, who->event, "e", 1);
  expect_none(aioble_client_char_notified, c->clients[4].level);
}

/* ---- writes ---- */

static void each_write_is_its_writers_in_the_order_of_all(void **state) {
  static const unsigned order[] = {4, 0, 7, 0, 3, 1, 6, 2, 5, 7};
  enum { N = sizeof order / sizeof *order };
  crowd *c = *state;

  for (unsigned n = 0; n < N; n++) {
    uint8_t value[] = {(uint8_t) n, (uint8_t) order[n]};

    sim_expect(aioble_client_char_write(c->clients[order[n]].level, value, 2,
                                        n % 2 ? AIOBLE_WRITE_NO_RESPONSE : AIOBLE_WRITE_REQUEST),
               0);
    sim_run_ms(&c->s, 20);
  }
  for (unsigned n = 0; n < N; n++) {
    aioble_op_t *op = sim_ok(aioble_capture_next(c->capture));
    uint8_t value[] = {(uint8_t) n, (uint8_t) order[n]};

    assert_ptr_equal(aioble_op_conn(op), c->clients[order[n]].at_server);
    assert_ptr_equal(aioble_op_local_char(op), c->level);
    assert_null(aioble_op_local_desc(op));
    assert_int_equal(aioble_op_value(op).len, 2);
    assert_memory_equal(aioble_op_value(op).data, value, 2);
    aioble_op_unref(op);
  }
  assert_int_equal(aioble_capture_dropped(c->capture), 0);
}

static void writes_at_the_same_time_are_all_there(void **state) {
  crowd *c = *state;
  sim_watch writes[CLIENTS];
  unsigned seen = 0;

  for (unsigned i = 0; i < CLIENTS; i++)
    sim_watch_op(&writes[i], aioble_client_char_write(c->clients[i].level, &(uint8_t){(uint8_t) i},
                                                      1, AIOBLE_WRITE_REQUEST));
  for (unsigned i = 0; i < CLIENTS; i++) {
    aioble_op_t *op = sim_ok(aioble_capture_next(c->capture));
    unsigned who = aioble_op_value(op).data[0];

    assert_true(who < CLIENTS);
    assert_ptr_equal(aioble_op_conn(op), c->clients[who].at_server);
    seen |= 1u << who;
    aioble_op_unref(op);
  }
  assert_int_equal(seen, (1u << CLIENTS) - 1);
  for (unsigned i = 0; i < CLIENTS; i++)
    sim_watch_expect(&writes[i], 0);
}

/* ---- descriptors ---- */

static void descriptors_are_there_for_all_and_authorized_for_one(void **state) {
  static const uint16_t types[] = {0x2902, 0x2900, 0x2901, 0x2904, 0x2904, 0x2905, 0x29ff};
  crowd *c = *state;

  for (unsigned i = 0; i < CLIENTS; i++) {
    aioble_discovery_t *descs = aioble_client_char_descs(c->clients[i].event, NULL);
    aioble_op_t *op;
    unsigned n = 0;

    for (; aioble_op_await(op = aioble_discovery_next(descs)) == 0; n++, aioble_op_unref(op)) {
      aioble_uuid_t uuid = aioble_client_desc_uuid(aioble_op_desc(op));

      assert_true(n < sizeof types / sizeof *types);
      assert_true(aioble_uuid_equal(&uuid, &AIOBLE_UUID16(types[n])));
      if (types[n] == 0x29ff)
        sim_expect(aioble_client_desc_write(aioble_op_desc(op), "w", 1),
                   i == 0 ? 0 : AIOBLE_ERR_ATT(0x08));
    }
    assert_int_equal(aioble_op_status(op), AIOBLE_EOF);
    assert_int_equal(n, sizeof types / sizeof *types);
    aioble_op_unref(op);
    aioble_discovery_unref(descs);
  }
}

static void what_one_client_writes_to_a_description_another_reads(void **state) {
  crowd *c = *state;
  aioble_op_t *written, *desc, *op;
  aioble_desc_t *description = aioble_char_desc(c->event, AIOBLE_UUID16(0x2901));

  written = aioble_desc_written(description);
  desc = sim_ok(aioble_client_char_desc(c->clients[6].event, AIOBLE_UUID16(0x2901)));
  sim_expect(aioble_client_desc_write(aioble_op_desc(desc), "Alarms", 6), 0);
  aioble_op_unref(desc);
  sim_ok(written);
  assert_ptr_equal(aioble_op_conn(written), c->clients[6].at_server);
  assert_ptr_equal(aioble_op_local_desc(written), description);
  aioble_op_unref(written);
  desc = sim_ok(aioble_client_char_desc(c->clients[1].event, AIOBLE_UUID16(0x2901)));
  op = sim_ok(aioble_client_desc_read(aioble_op_desc(desc)));
  assert_int_equal(aioble_op_value(op).len, 6);
  assert_memory_equal(aioble_op_value(op).data, "Alarms", 6);
  aioble_op_unref(op);
  aioble_op_unref(desc);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(each_client_has_its_own_configurations),
      TEST(an_update_reaches_those_who_want_it_as_they_want_it),
      TEST(what_is_for_one_client_reaches_no_other),
      TEST(who_leaves_takes_only_its_own_subscription_along),
      TEST(several_values_reach_their_client_in_order),
      TEST(each_write_is_its_writers_in_the_order_of_all),
      TEST(writes_at_the_same_time_are_all_there),
      TEST(descriptors_are_there_for_all_and_authorized_for_one),
      TEST(what_one_client_writes_to_a_description_another_reads),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
