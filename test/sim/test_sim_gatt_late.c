/* SPDX-License-Identifier: MIT */
/*
 * Our GATT server taking its time, and changing: answers that come later, writes that wait for
 * room, services that come and go, over whole stacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { CLIENTS = 2, DEPTH = 2, WRITES = 6 };

typedef struct client {
  aioble_conn_t *conn, *at_server;
  aioble_client_char_t *slow, *posts;
} client;

typedef struct world {
  sim s;
  aioble_t *server;
  aioble_char_t *slow;  /* answers later */
  aioble_char_t *posts; /* captured, DEPTH at a time */
  aioble_answer_t *answers[CLIENTS];
  unsigned asked;
  client clients[CLIENTS];
} world;

static int later(aioble_access_t *access, void *user) {
  world *w = user;

  assert_in_range(w->asked, 0, CLIENTS - 1);
  w->answers[w->asked] = aioble_access_later(access);
  assert_non_null(w->answers[w->asked++]);
  return AIOBLE_ANSWER_LATER;
}

static aioble_client_char_t *find(aioble_client_service_t *service, aioble_uuid_t uuid) {
  aioble_op_t *op = sim_ok(aioble_client_service_char(service, uuid));
  aioble_client_char_t *chr = aioble_client_char_ref(aioble_op_char(op));

  aioble_op_unref(op);
  return chr;
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  aioble_service_t *service;

  assert_non_null(w);
  sim_open(&w->s, NULL);
  w->server = sim_stack_new(&w->s, NULL, NULL);
  service = aioble_service_new(w->server, AIOBLE_UUID16(0x181a));
  w->slow =
      aioble_char_new(service, AIOBLE_UUID16(0x2a6e), AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY,
                      &(aioble_char_options_t){.on_read = later, .on_write = later, .user = w});
  w->posts = aioble_char_new(service, AIOBLE_UUID16(0x2a6f), AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP,
                             &(aioble_char_options_t){.capture = true, .capture_depth = DEPTH});
  assert_int_equal(aioble_service_add(service), 0);
  aioble_service_unref(service);
  for (unsigned i = 0; i < CLIENTS; i++) {
    client *who = &w->clients[i];
    aioble_op_t *op;

    sim_connect(sim_stack_new(&w->s, NULL, NULL), w->server, &who->conn, &who->at_server);
    op = sim_ok(aioble_conn_service(who->conn, AIOBLE_UUID16(0x181a)));
    who->slow = find(aioble_op_service(op), AIOBLE_UUID16(0x2a6e));
    who->posts = find(aioble_op_service(op), AIOBLE_UUID16(0x2a6f));
    aioble_op_unref(op);
  }
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;

  for (unsigned i = 0; i < CLIENTS; i++) {
    client *who = &w->clients[i];

    aioble_client_char_unref(who->slow);
    aioble_client_char_unref(who->posts);
    aioble_conn_unref(who->conn);
    aioble_conn_unref(who->at_server);
  }
  sim_close(&w->s);
  free(w);
  return 0;
}

/* an op with all the time it wants */
static aioble_op_t *patient(aioble_op_t *op) {
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  return op;
}

/* ---- late answers ---- */

static void an_answer_may_take_25_seconds(void **state) {
  world *w = *state;
  aioble_op_t *reading = patient(aioble_client_char_read(w->clients[0].slow));
  aioble_op_t *writing =
      patient(aioble_client_char_write(w->clients[1].slow, "written", 7, AIOBLE_WRITE_REQUEST));

  sim_run_ms(&w->s, 25000);
  assert_int_equal(w->asked, 2);
  assert_false(aioble_op_done(reading) || aioble_op_done(writing));
  assert_int_equal(aioble_char_read(w->slow).len, 0);
  assert_int_equal(aioble_answer(w->answers[0], 0, "late", 4), 0);
  assert_int_equal(aioble_answer(w->answers[1], 0, NULL, 0), 0);
  sim_run_ms(&w->s, 100);
  assert_int_equal(aioble_op_status(reading), 0);
  assert_memory_equal(aioble_op_value(reading).data, "late", 4);
  assert_int_equal(aioble_op_status(writing), 0);
  assert_memory_equal(aioble_char_read(w->slow).data, "written", 7);
  aioble_op_unref(reading);
  aioble_op_unref(writing);
}

static void a_client_that_waits_in_vain_gives_the_link_up(void **state) {
  world *w = *state;
  aioble_op_t *reading = patient(aioble_client_char_read(w->clients[0].slow));

  sim_run_ms(&w->s, 31000);
  assert_true(aioble_op_status(reading) < 0);
  assert_false(aioble_conn_is_connected(w->clients[0].at_server));
  assert_true(aioble_conn_is_connected(w->clients[1].at_server));
  assert_int_equal(aioble_answer(w->answers[0], 0, "late", 4), AIOBLE_ENOTCONN);
  aioble_op_unref(reading);
}

static void an_answer_outlives_its_link_and_its_stack(void **state) {
  world *w = *state;
  aioble_op_t *reading = aioble_client_char_read(w->clients[0].slow);
  aioble_op_t *writing = aioble_client_char_write(w->clients[1].slow, "x", 1, AIOBLE_WRITE_REQUEST);

  sim_run_ms(&w->s, 100);
  sim_expect(aioble_conn_disconnect(w->clients[0].conn), 0);
  sim_run_ms(&w->s, 100);
  sim_expect(reading, AIOBLE_ENOTCONN);
  assert_int_equal(aioble_answer(w->answers[0], 0, "late", 4), AIOBLE_ENOTCONN);
  sim_expect(aioble_close(w->server), 0);
  assert_int_equal(aioble_answer(w->answers[1], 0, NULL, 0), AIOBLE_ENOTCONN);
  sim_expect(writing, AIOBLE_ENOTCONN);
  assert_int_equal(aioble_char_read(w->slow).len, 0);
}

static void one_who_waits_for_an_answer_is_still_notified(void **state) {
  world *w = *state;
  aioble_op_t *reading, *notified;

  sim_expect(aioble_client_char_subscribe(w->clients[0].slow, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  reading = aioble_client_char_read(w->clients[0].slow);
  sim_run_ms(&w->s, 100);
  assert_int_equal(aioble_char_write(w->slow, "new", 3, AIOBLE_SEND_UPDATE), 0);
  notified = sim_ok(aioble_client_char_notified(w->clients[0].slow));
  assert_memory_equal(aioble_op_value(notified).data, "new", 3);
  assert_false(aioble_op_done(reading));
  assert_int_equal(aioble_answer(w->answers[0], 0x85, NULL, 0), 0);
  sim_expect(reading, AIOBLE_ERR_ATT(0x85));
  aioble_op_unref(notified);
}

/* ---- back-pressure ---- */

static void writers_are_slowed_down_to_who_takes_the_writes(void **state) {
  world *w = *state;
  sim_watch writes[CLIENTS][WRITES];
  unsigned next[CLIENTS] = {0};

  for (uint8_t n = 0; n < WRITES; n++)
    for (uint8_t i = 0; i < CLIENTS; i++)
      sim_watch_op(&writes[i][n],
                   patient(aioble_client_char_write(w->clients[i].posts, (uint8_t[]){i, n}, 2,
                                                    AIOBLE_WRITE_REQUEST)));
  for (unsigned taken = 0; taken < CLIENTS * WRITES; taken++) {
    unsigned acknowledged = 0;
    aioble_op_t *op;

    sim_run_ms(&w->s, 1000);
    for (unsigned at = 0; at < CLIENTS * WRITES; at++)
      acknowledged += writes[at % CLIENTS][at / CLIENTS].calls;
    assert_int_equal(acknowledged,
                     taken + DEPTH < CLIENTS * WRITES ? taken + DEPTH : CLIENTS * WRITES);
    op = aioble_char_written(w->posts);
    assert_int_equal(aioble_op_status(op), 0);
    assert_int_equal(aioble_op_value(op).data[1], next[aioble_op_value(op).data[0]]++);
    aioble_op_unref(op);
  }
  for (unsigned at = 0; at < CLIENTS * WRITES; at++)
    sim_watch_expect(&writes[at % CLIENTS][at / CLIENTS], 0);
  assert_int_equal(aioble_char_dropped(w->posts), 0);
}

static void commands_to_a_full_queue_are_dropped_and_counted(void **state) {
  world *w = *state;
  aioble_stats_t stats;

  for (unsigned n = 0; n < WRITES; n++)
    sim_expect(aioble_client_char_write(w->clients[0].posts, "x", 1, AIOBLE_WRITE_NO_RESPONSE), 0);
  sim_run_ms(&w->s, 1000);
  assert_int_equal(aioble_char_dropped(w->posts), WRITES - DEPTH);
  aioble_stats(w->server, &stats);
  assert_int_equal(stats.writes_dropped, WRITES - DEPTH);
}

static void a_writer_that_goes_while_it_is_held_leaves_nothing(void **state) {
  world *w = *state;
  aioble_op_t *held, *op;

  for (unsigned n = 0; n < DEPTH; n++)
    sim_expect(aioble_client_char_write(w->clients[0].posts, "a", 1, AIOBLE_WRITE_REQUEST), 0);
  held = aioble_client_char_write(w->clients[0].posts, "b", 1, AIOBLE_WRITE_REQUEST);
  sim_run_ms(&w->s, 100);
  sim_expect(aioble_conn_disconnect(w->clients[0].conn), 0);
  sim_expect(held, AIOBLE_ENOTCONN);
  for (unsigned n = 0; n < DEPTH; n++)
    aioble_op_unref(sim_ok(aioble_char_written(w->posts)));
  op = aioble_char_written(w->posts);
  sim_run_ms(&w->s, 1000);
  assert_false(aioble_op_done(op));
  sim_expect(aioble_client_char_write(w->clients[1].posts, "c", 1, AIOBLE_WRITE_REQUEST), 0);
  assert_memory_equal(aioble_op_value(sim_ok(op)).data, "c", 1);
  aioble_op_unref(op);
}

/* ---- services ---- */

static unsigned count(aioble_discovery_t *discovery, aioble_uuid_t uuid) {
  unsigned n = 0;
  aioble_op_t *op;

  for (; aioble_op_await(op = aioble_discovery_next(discovery)) == 0; aioble_op_unref(op)) {
    aioble_uuid_t found = aioble_client_service_uuid(aioble_op_service(op));

    n += aioble_uuid_equal(&found, &uuid);
  }
  assert_int_equal(aioble_op_status(op), AIOBLE_EOF);
  aioble_op_unref(op);
  aioble_discovery_unref(discovery);
  return n;
}

static void a_secondary_service_is_found_where_it_is_included(void **state) {
  world *w = *state;
  aioble_service_t *inner = aioble_service_new_secondary(w->server, AIOBLE_UUID16(0x180f)),
                   *outer = aioble_service_new(w->server, AIOBLE_UUID16(0x1812));
  aioble_conn_t *conn = w->clients[0].conn;
  aioble_op_t *service;

  aioble_char_new(inner, AIOBLE_UUID16(0x2a19), AIOBLE_READ, NULL);
  assert_int_equal(aioble_service_include(outer, inner), 0);
  assert_int_equal(aioble_service_add(inner), 0);
  assert_int_equal(aioble_service_add(outer), 0);
  assert_int_equal(count(aioble_conn_services(conn, NULL), AIOBLE_UUID16(0x180f)), 0);
  assert_int_equal(count(aioble_conn_secondary_services(conn, NULL), AIOBLE_UUID16(0x180f)), 1);
  service = sim_ok(aioble_conn_service(conn, AIOBLE_UUID16(0x1812)));
  assert_int_equal(count(aioble_client_service_includes(aioble_op_service(service), NULL),
                         AIOBLE_UUID16(0x180f)),
                   1);
  aioble_op_unref(service);
  aioble_service_unref(inner);
  aioble_service_unref(outer);
}

/* the client hears that something has changed between these handles */
static void expect_changed(aioble_client_char_t *changed, unsigned first, unsigned last) {
  aioble_op_t *op = sim_ok(aioble_client_char_indicated(changed));
  aioble_bytes_t range = aioble_op_value(op);

  assert_int_equal(range.len, 4);
  assert_int_equal(range.data[0] | range.data[1] << 8, first);
  assert_int_equal(range.data[2] | range.data[3] << 8, last);
  aioble_op_unref(op);
}

static aioble_client_char_t *service_changed(aioble_conn_t *conn) {
  aioble_op_t *gatt = sim_ok(aioble_conn_service(conn, AIOBLE_UUID16(0x1801)));
  aioble_client_char_t *changed = find(aioble_op_service(gatt), AIOBLE_UUID16(0x2a05));

  sim_expect(aioble_client_char_subscribe(changed, AIOBLE_SUBSCRIBE_INDICATE), 0);
  aioble_op_unref(gatt);
  return changed;
}

static void a_client_hears_of_services_that_come_and_go(void **state) {
  world *w = *state;
  client *who = &w->clients[0];
  aioble_client_char_t *changed = service_changed(who->conn);
  aioble_service_t *more = aioble_service_new(w->server, AIOBLE_UUID16(0x180f));
  aioble_char_t *level = aioble_char_new(more, AIOBLE_UUID16(0x2a19), AIOBLE_READ, NULL);
  unsigned first;

  sim_expect(aioble_client_char_subscribe(who->slow, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  assert_int_equal(aioble_service_add(more), 0);
  first = aioble_char_handle(level) - 2u;
  expect_changed(changed, first, first + 2);
  assert_int_equal(count(aioble_conn_services(who->conn, NULL), AIOBLE_UUID16(0x180f)), 1);
  assert_int_equal(aioble_service_remove(more), 0);
  expect_changed(changed, first, first + 2);
  assert_int_equal(count(aioble_conn_services(who->conn, NULL), AIOBLE_UUID16(0x180f)), 0);
  assert_int_equal(aioble_char_subscribed(w->slow, who->at_server), AIOBLE_SUBSCRIBE_NOTIFY);
  aioble_client_char_unref(changed);
  aioble_service_unref(more);
}

static void one_more_behind_ten_thousand_attributes(void **state) {
  enum { SERVICES = 10, CHARS = 500 };
  world *w = *state;
  aioble_client_char_t *changed = service_changed(w->clients[1].conn);
  aioble_service_t *services[SERVICES], *more;
  unsigned before = aioble_char_handle(w->posts);
  aioble_char_t *chr = NULL;

  for (unsigned i = 0; i < SERVICES; i++) {
    services[i] = aioble_service_new(w->server, aioble_uuid16((uint16_t) (0xa000 + i)));
    for (unsigned n = 0; n < CHARS; n++)
      chr = aioble_char_new(services[i], aioble_uuid16((uint16_t) (0xb000 + n)), AIOBLE_READ, NULL);
    assert_int_equal(aioble_service_add(services[i]), 0);
    expect_changed(changed, before + 1, before + 1 + 2 * CHARS);
    before = aioble_char_handle(chr);
  }
  assert_true(before > 10000);
  assert_int_equal(aioble_char_write(chr, "last", 4, 0), 0);
  assert_int_equal(aioble_service_remove(services[3]), 0);
  expect_changed(changed, before - 7 * (2 * CHARS + 1) + 1, before - 6 * (2 * CHARS + 1));
  assert_int_equal(aioble_char_handle(chr), before);
  more = aioble_service_new(w->server, AIOBLE_UUID16(0x180f));
  chr = aioble_char_new(more, AIOBLE_UUID16(0x2a19), AIOBLE_READ, NULL);
  assert_int_equal(aioble_service_add(more), 0);
  assert_int_equal(aioble_char_handle(chr), before - 7 * (2 * CHARS + 1) + 3);
  expect_changed(changed, aioble_char_handle(chr) - 2u, aioble_char_handle(chr));
  assert_int_equal(count(aioble_conn_services(w->clients[1].conn, NULL), AIOBLE_UUID16(0x180f)), 1);
  for (unsigned i = 0; i < SERVICES; i++)
    aioble_service_unref(services[i]);
  aioble_service_unref(more);
  aioble_client_char_unref(changed);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(an_answer_may_take_25_seconds),
      TEST(a_client_that_waits_in_vain_gives_the_link_up),
      TEST(an_answer_outlives_its_link_and_its_stack),
      TEST(one_who_waits_for_an_answer_is_still_notified),
      TEST(writers_are_slowed_down_to_who_takes_the_writes),
      TEST(commands_to_a_full_queue_are_dropped_and_counted),
      TEST(a_writer_that_goes_while_it_is_held_leaves_nothing),
      TEST(a_secondary_service_is_found_where_it_is_included),
      TEST(a_client_hears_of_services_that_come_and_go),
      TEST(one_more_behind_ten_thousand_attributes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
