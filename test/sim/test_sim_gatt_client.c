/* SPDX-License-Identifier: MIT */
/* The GATT client against our own server, over the whole stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"

enum { SERVICES = 10, CHARS = 6 };

typedef struct two {
  sim s;
  aioble_t *client, *server;
  aioble_conn_t *to_server, *to_client;
  aioble_char_t *chars[SERVICES][CHARS];
} two;

static aioble_uuid_t uuid_of(unsigned service, unsigned chr) {
  aioble_uuid_t uuid = aioble_uuid16((uint16_t) (0xa000 + service * 16 + chr));

  /* every third service, and in each every other characteristic, has a UUID of 128 bits */
  if (service % 3 == 2 || (service % 3 == 1 && chr % 2 == 1)) {
    uuid = aioble_uuid_to128(&uuid);
    uuid.bytes[0] ^= 0xff;
  }
  return uuid;
}

static void register_table(two *t, aioble_t *ble) {
  static const unsigned flags[CHARS] = {
      AIOBLE_READ,   AIOBLE_READ | AIOBLE_NOTIFY,     AIOBLE_WRITE | AIOBLE_READ,
      AIOBLE_NOTIFY, AIOBLE_INDICATE | AIOBLE_NOTIFY, AIOBLE_WRITE_NO_RSP};
  aioble_service_t *services[SERVICES];

  for (unsigned i = 0; i < SERVICES; i++) {
    services[i] = aioble_service_new(ble, uuid_of(i, 15));
    for (unsigned c = 0; c < CHARS; c++)
      t->chars[i][c] = aioble_char_new(services[i], uuid_of(i, c), flags[c], NULL);
  }
  assert_int_equal(aioble_register_services(ble, services, SERVICES), 0);
  for (unsigned i = 0; i < SERVICES; i++)
    aioble_service_unref(services[i]);
}

static two *two_new(const aioble_options_t *client_options) {
  two *t = calloc(1, sizeof *t);

  assert_non_null(t);
  sim_open(&t->s, NULL);
  t->client = sim_stack_new(&t->s, client_options, NULL);
  t->server = sim_stack_new(&t->s, NULL, NULL);
  register_table(t, t->server);
  sim_connect(t->client, t->server, &t->to_server, &t->to_client);
  return t;
}

static void two_free(two *t) {
  aioble_conn_unref(t->to_server);
  aioble_conn_unref(t->to_client);
  sim_close(&t->s);
  free(t);
}

static uint64_t packets_out(const two *t) {
  aioble_stats_t stats;

  aioble_stats(t->client, &stats);
  return stats.acl_out;
}

/* ---- discovery ---- */

/* the i-th item of an iterator, a reference; the last one is followed by the end */
static bool next_item(aioble_discovery_t *d, aioble_op_t **op) {
  int status;

  *op = aioble_discovery_next(d);
  status = aioble_op_await(*op);
  assert_true(status == 0 || status == AIOBLE_EOF);
  return status == 0;
}

static void check_chars(two *t, aioble_client_service_t *service, unsigned i) {
  aioble_discovery_t *d = aioble_client_service_chars(service, NULL);
  uint16_t first, last;
  unsigned c = 0;
  aioble_op_t *op;

  aioble_client_service_range(service, &first, &last);
  for (; next_item(d, &op); c++, aioble_op_unref(op)) {
    aioble_client_char_t *chr = aioble_op_char(op);
    aioble_uuid_t uuid = aioble_client_char_uuid(chr), want = uuid_of(i, c);

    assert_true(c < CHARS);
    assert_true(aioble_uuid_equal(&uuid, &want));
    assert_int_equal(aioble_client_char_handle(chr), aioble_char_handle(t->chars[i][c]));
    assert_true(aioble_client_char_handle(chr) > first && aioble_client_char_handle(chr) <= last);
  }
  assert_int_equal(c, CHARS);
  aioble_op_unref(op);
  aioble_discovery_unref(d);
}

static void a_whole_table_of_mixed_widths_is_found_by_nested_iterators(void **state) {
  two *t = two_new(NULL);
  aioble_discovery_t *d = aioble_conn_services(t->to_server, NULL);
  uint64_t before = packets_out(t);
  unsigned found = 0;
  aioble_op_t *op;

  (void) state;
  for (; next_item(d, &op); aioble_op_unref(op)) {
    aioble_uuid_t uuid = aioble_client_service_uuid(aioble_op_service(op));
    aioble_uuid_t want = uuid_of(found, 15);

    if (aioble_uuid_equal(&uuid, &want))
      check_chars(t, aioble_op_service(op), found++);
  }
  assert_int_equal(aioble_op_status(op), AIOBLE_EOF);
  assert_int_equal(found, SERVICES);
  aioble_op_unref(op);
  aioble_discovery_unref(d);
  /* A request for each run of services of one width (7) and one behind the last; the same for
     characteristics, but none behind one whose value ends the service: 4 services with one run of
     16 bits, 3 with one of 128, 3 with 6 runs. */
  print_message("[   NOTE   ] %u requests\n", (unsigned) (packets_out(t) - before));
  assert_int_equal(packets_out(t) - before, 8 + 4 + 3 + 3 * CHARS);
  two_free(t);
}

static void iterators_run_side_by_side(void **state) {
  two *t = two_new(NULL);
  aioble_discovery_t *d[8];
  aioble_op_t *ops[8];

  (void) state;
  for (unsigned i = 0; i < 8; i++)
    d[i] = aioble_conn_services(t->to_server, NULL);
  for (unsigned n = 0; n < SERVICES + 2; n++) {
    for (unsigned i = 0; i < 8; i++)
      ops[i] = aioble_discovery_next(d[i]);
    for (unsigned i = 0; i < 8; i++) {
      uint16_t first, last, first_0, last_0;

      sim_ok(ops[i]);
      aioble_client_service_range(aioble_op_service(ops[i]), &first, &last);
      aioble_client_service_range(aioble_op_service(ops[0]), &first_0, &last_0);
      assert_int_equal(first, first_0);
      assert_int_equal(last, last_0);
    }
    for (unsigned i = 0; i < 8; i++)
      aioble_op_unref(ops[i]);
  }
  for (unsigned i = 0; i < 8; i++) {
    sim_expect(aioble_discovery_next(d[i]), AIOBLE_EOF);
    aioble_discovery_unref(d[i]);
  }
  two_free(t);
}

/* ---- values ---- */

static aioble_client_char_t *char_of(aioble_conn_t *conn, unsigned service, unsigned chr) {
  aioble_op_t *svc = sim_ok(aioble_conn_service(conn, uuid_of(service, 15)));
  aioble_op_t *op =
      sim_ok(aioble_client_service_char(aioble_op_service(svc), uuid_of(service, chr)));
  aioble_client_char_t *found = aioble_client_char_ref(aioble_op_char(op));

  aioble_op_unref(op);
  aioble_op_unref(svc);
  return found;
}

static void a_value_of_any_length_is_read_whole(void **state) {
  aioble_options_t small = {.mtu = 23};
  two *t = two_new(&small);
  aioble_client_char_t *chr = char_of(t->to_server, 0, 0);
  uint8_t value[512];

  (void) state;
  for (size_t i = 0; i < sizeof value; i++)
    value[i] = (uint8_t) (i * 7);
  for (size_t len = 0; len <= sizeof value; len += len < 70 ? 1 : 13) {
    aioble_op_t *op;

    assert_int_equal(aioble_char_write(t->chars[0][0], value, len, 0), 0);
    op = sim_ok(aioble_client_char_read(chr));
    assert_int_equal(aioble_op_value(op).len, len);
    assert_true(len == 0 || memcmp(aioble_op_value(op).data, value, len) == 0);
    aioble_op_unref(op);
  }
  aioble_client_char_unref(chr);
  two_free(t);
}

static void fill(uint8_t *value, size_t len, unsigned seed) {
  for (size_t i = 0; i < len; i++)
    value[i] = (uint8_t) (i * 7 + seed);
}

static void holds(aioble_char_t *chr, const uint8_t *value, size_t len) {
  aioble_bytes_t bytes = aioble_char_read(chr);

  assert_int_equal(bytes.len, len);
  assert_true(len == 0 || memcmp(bytes.data, value, len) == 0);
}

static void a_value_of_any_length_is_written_whole(void **state) {
  aioble_options_t small = {.mtu = 23};
  two *t = two_new(&small);
  aioble_client_char_t *chr = char_of(t->to_server, 0, 2);
  uint8_t value[513];

  (void) state;
  for (size_t len = 0; len <= 512; len += len < 70 ? 1 : 13) {
    fill(value, len, (unsigned) len);
    sim_expect(aioble_client_char_write(chr, value, len, AIOBLE_WRITE_AUTO), 0);
    holds(t->chars[0][2], value, len);
  }
  sim_expect(aioble_client_char_write(chr, value, 513, AIOBLE_WRITE_AUTO), AIOBLE_EMSGSIZE);
  aioble_client_char_unref(chr);
  two_free(t);
}

/* each keeps its own; those cancelled leave nothing behind on the server */
static void long_writes_of_many_callers_do_not_mix(void **state) {
  aioble_options_t small = {.mtu = 23};
  two *t = two_new(&small);
  aioble_client_char_t *chrs[SERVICES];
  aioble_op_t *ops[2 * SERVICES];
  uint8_t value[2 * SERVICES][60];

  (void) state;
  for (unsigned i = 0; i < SERVICES; i++)
    chrs[i] = char_of(t->to_server, i, 2);
  for (unsigned i = 0; i < 2 * SERVICES; i++) {
    fill(value[i], sizeof value[i], i);
    ops[i] = aioble_client_char_write(chrs[i % SERVICES], value[i], sizeof value[i],
                                      AIOBLE_WRITE_REQUEST);
    aioble_op_set_timeout(ops[i], AIOBLE_FOREVER);
  }
  sim_expect(aioble_client_char_read(chrs[0]), 0); /* goes between */
  for (unsigned i = SERVICES; i < 2 * SERVICES; i += 3)
    aioble_op_cancel(ops[i]);
  for (unsigned i = 0; i < 2 * SERVICES; i++)
    sim_expect(ops[i], i >= SERVICES && (i - SERVICES) % 3 == 0 ? AIOBLE_ECANCELED : 0);
  for (unsigned i = 0; i < SERVICES; i++) {
    holds(t->chars[i][2], value[i % 3 == 0 ? i : SERVICES + i], sizeof value[i]);
    aioble_client_char_unref(chrs[i]);
  }
  two_free(t);
}

static void several_are_written_all_or_none(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *first = char_of(t->to_server, 0, 2), *second = char_of(t->to_server, 1, 2),
                       *refused = char_of(t->to_server, 2, 0);
  aioble_write_t writes[] = {{.chr = first, .data = "abc", .len = 3},
                             {.chr = second, .data = "de", .len = 2},
                             {.chr = first, .data = "XY", .len = 2, .offset = 1},
                             {.chr = refused, .data = "f", .len = 1}};

  (void) state;
  sim_expect(aioble_conn_write_reliable(t->to_server, writes, 4), AIOBLE_ERR_ATT(0x03));
  holds(t->chars[0][2], NULL, 0);
  sim_expect(aioble_conn_write_reliable(t->to_server, writes, 3), 0);
  holds(t->chars[0][2], (const uint8_t *) "aXY", 3);
  holds(t->chars[1][2], (const uint8_t *) "de", 2);
  aioble_client_char_unref(first);
  aioble_client_char_unref(second);
  aioble_client_char_unref(refused);
  two_free(t);
}

/* of every length, so that responses are cut in every place */
static void reads_many(uint16_t mtu) {
  aioble_options_t options = {.mtu = mtu};
  two *t = two_new(&options);
  aioble_client_char_t *chrs[SERVICES];
  uint8_t value[SERVICES][512];
  aioble_op_t *op;

  for (unsigned i = 0; i < SERVICES; i++)
    chrs[i] = char_of(t->to_server, i, 0);
  for (unsigned round = 0; round < 60; round++) {
    size_t len[SERVICES];

    for (unsigned i = 0; i < SERVICES; i++) {
      len[i] = (round * (i + 3) + i * i) % (round % 4 == 3 ? 513 : 29);
      fill(value[i], len[i], round + i);
      assert_int_equal(aioble_char_write(t->chars[i][0], value[i], len[i], 0), 0);
    }
    op = aioble_client_read_multiple_variable(chrs, SERVICES);
    sim_ok(op);
    assert_int_equal(aioble_op_count(op), SERVICES);
    for (unsigned i = 0; i < SERVICES; i++) {
      assert_int_equal(aioble_op_handle_at(op, i), aioble_client_char_handle(chrs[i]));
      assert_int_equal(aioble_op_value_at(op, i).len, len[i]);
      assert_true(!len[i] || memcmp(aioble_op_value_at(op, i).data, value[i], len[i]) == 0);
    }
    aioble_op_unref(op);
    op = sim_ok(aioble_conn_read_by_uuid(t->to_server, uuid_of(3, 0)));
    assert_int_equal(aioble_op_count(op), 1);
    assert_int_equal(aioble_op_value_at(op, 0).len, len[3]);
    assert_true(!len[3] || memcmp(aioble_op_value_at(op, 0).data, value[3], len[3]) == 0);
    aioble_op_unref(op);
  }
  for (unsigned i = 0; i < SERVICES; i++)
    aioble_client_char_unref(chrs[i]);
  two_free(t);
}

static void many_values_are_read_whole_wherever_a_response_cuts_them(void **state) {
  (void) state;
  reads_many(23);
  reads_many(60);
  reads_many(517);
}

static void declarations_can_be_read_by_their_type(void **state) {
  two *t = two_new(NULL);
  aioble_op_t *op = sim_ok(aioble_conn_read_by_uuid(t->to_server, AIOBLE_UUID16(0x2803)));

  (void) state;
  assert_true(aioble_op_count(op) > SERVICES * CHARS);
  for (size_t i = 0; i < aioble_op_count(op); i++) {
    assert_true(i == 0 || aioble_op_handle_at(op, i) > aioble_op_handle_at(op, i - 1));
    assert_true(aioble_op_value_at(op, i).len == 5 || aioble_op_value_at(op, i).len == 19);
  }
  aioble_op_unref(op);
  sim_expect(aioble_conn_read_by_uuid(t->to_server, AIOBLE_UUID16(0x2aff)), AIOBLE_ENOENT);
  two_free(t);
}

static void commands_are_tried_until_the_link_is_full(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *chr = char_of(t->to_server, 0, 5);
  uint8_t value[100];
  unsigned sent = 0;
  int status;

  (void) state;
  for (; sent < 1000; sent++) {
    fill(value, sizeof value, sent);
    status = aioble_client_char_try_write(chr, value, sizeof value);
    if (status < 0)
      break;
  }
  assert_int_equal(status, AIOBLE_EAGAIN);
  assert_true(sent > 30 && sent < 100); /* 4 KiB, and what the controller takes at once */
  sim_run_ms(&t->s, 1000);
  fill(value, sizeof value, sent - 1);
  holds(t->chars[0][5], value, sizeof value); /* none was lost: the last one has come */
  assert_int_equal(aioble_client_char_try_write(chr, value, sizeof value), 0);
  aioble_client_char_unref(chr);
  two_free(t);
}

static void many_reads_are_answered_each_with_its_own_value(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *chrs[SERVICES];
  aioble_op_t *ops[5 * SERVICES];

  (void) state;
  for (unsigned i = 0; i < SERVICES; i++) {
    uint8_t value = (uint8_t) (i + 1);

    chrs[i] = char_of(t->to_server, i, 0);
    assert_int_equal(aioble_char_write(t->chars[i][0], &value, 1, 0), 0);
  }
  for (unsigned n = 0; n < 5 * SERVICES; n++)
    ops[n] = aioble_client_char_read(chrs[n % SERVICES]);
  for (unsigned n = 0; n < 5 * SERVICES; n += 7)
    aioble_op_cancel(ops[n]);
  for (unsigned n = 0; n < 5 * SERVICES; n++) {
    assert_int_equal(aioble_op_await(ops[n]), n % 7 == 0 ? AIOBLE_ECANCELED : 0);
    if (n % 7 != 0)
      assert_int_equal(aioble_op_value(ops[n]).data[0], n % SERVICES + 1);
    aioble_op_unref(ops[n]);
  }
  for (unsigned i = 0; i < SERVICES; i++)
    aioble_client_char_unref(chrs[i]);
  two_free(t);
}

typedef struct heard {
  unsigned values;
  uint16_t next;
} heard;

static void on_value(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  heard *h = user;

  (void) chr;
  assert_false(indication);
  assert_int_equal(value.len, 2);
  assert_int_equal(value.data[0] | value.data[1] << 8, h->next);
  h->next++;
  h->values++;
}

static void a_thousand_notifications_come_in_order_and_none_is_lost(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *chr = char_of(t->to_server, 0, 1);
  heard h = {0};
  aioble_stats_t stats;

  (void) state;
  aioble_client_char_on_notify(chr, on_value, &h);
  sim_expect(aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  for (unsigned n = 0; n < 1000; n++) {
    uint8_t value[2] = {(uint8_t) n, (uint8_t) (n >> 8)};

    sim_expect(aioble_char_notify(t->chars[0][1], t->to_client, value, 2), 0);
  }
  sim_run_ms(&t->s, 1000);
  assert_int_equal(h.values, 1000);
  aioble_stats(t->client, &stats);
  assert_int_equal(stats.notifications_dropped, 0);
  aioble_client_char_unref(chr);
  two_free(t);
}

static void commands_and_requests_arrive_in_order(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *request = char_of(t->to_server, 0, 2),
                       *command = char_of(t->to_server, 0, 5);
  aioble_op_t *ops[40];

  (void) state;
  for (uint8_t n = 0; n < 40; n++)
    ops[n] = aioble_client_char_write(n % 2 ? command : request, &n, 1, AIOBLE_WRITE_AUTO);
  for (unsigned n = 0; n < 40; n++)
    sim_expect(ops[n], 0);
  assert_int_equal(aioble_char_read(t->chars[0][2]).data[0], 38);
  assert_int_equal(aioble_char_read(t->chars[0][5]).data[0], 39);
  aioble_client_char_unref(request);
  aioble_client_char_unref(command);
  two_free(t);
}

static void both_ends_are_clients_of_each_other(void **state) {
  two *t = two_new(NULL), other = {0};
  aioble_client_char_t *there, *here;
  aioble_op_t *a, *b;

  (void) state;
  register_table(&other, t->client);
  assert_int_equal(aioble_char_write(t->chars[3][0], "server", 6, 0), 0);
  assert_int_equal(aioble_char_write(other.chars[3][0], "client", 6, 0), 0);
  there = char_of(t->to_server, 3, 0);
  here = char_of(t->to_client, 3, 0);
  a = aioble_client_char_read(there);
  b = aioble_client_char_read(here);
  assert_memory_equal(aioble_op_value(sim_ok(a)).data, "server", 6);
  assert_memory_equal(aioble_op_value(sim_ok(b)).data, "client", 6);
  aioble_op_unref(a);
  aioble_op_unref(b);
  aioble_client_char_unref(there);
  aioble_client_char_unref(here);
  two_free(t);
}

static void handles_outlive_their_link_and_say_so(void **state) {
  two *t = two_new(NULL);
  aioble_client_char_t *chr = char_of(t->to_server, 0, 1);
  aioble_op_t *waiting = aioble_client_char_notified(chr);

  (void) state;
  sim_expect(aioble_conn_disconnect(t->to_server), 0);
  sim_expect(waiting, AIOBLE_ENOTCONN);
  sim_expect(aioble_client_char_read(chr), AIOBLE_ENOTCONN);
  sim_expect(aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_REQUEST), AIOBLE_ENOTCONN);
  sim_expect(aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_NO_RESPONSE), AIOBLE_ENOTCONN);
  sim_expect(aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY), AIOBLE_ENOTCONN);
  sim_expect(aioble_client_char_notified(chr), AIOBLE_ENOTCONN);
  sim_expect(aioble_conn_service(t->to_server, uuid_of(0, 15)), AIOBLE_ENOTCONN);
  aioble_client_char_unref(chr);
  two_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_table_of_mixed_widths_is_found_by_nested_iterators),
      cmocka_unit_test(iterators_run_side_by_side),
      cmocka_unit_test(a_value_of_any_length_is_read_whole),
      cmocka_unit_test(a_value_of_any_length_is_written_whole),
      cmocka_unit_test(long_writes_of_many_callers_do_not_mix),
      cmocka_unit_test(several_are_written_all_or_none),
      cmocka_unit_test(many_values_are_read_whole_wherever_a_response_cuts_them),
      cmocka_unit_test(declarations_can_be_read_by_their_type),
      cmocka_unit_test(commands_are_tried_until_the_link_is_full),
      cmocka_unit_test(many_reads_are_answered_each_with_its_own_value),
      cmocka_unit_test(a_thousand_notifications_come_in_order_and_none_is_lost),
      cmocka_unit_test(commands_and_requests_arrive_in_order),
      cmocka_unit_test(both_ends_are_clients_of_each_other),
      cmocka_unit_test(handles_outlive_their_link_and_say_so),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
