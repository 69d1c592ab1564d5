/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/fake_env.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  server_bed *bed = server_bed_new();

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.initial = {(const uint8_t *) "v", 1}});
  *state = bed;
  return 0;
}

static int tear_down(void **state) {
  server_bed_free(*state);
  return 0;
}

/* what is allocated next, is allocated anew */
static void empty_pools(server_bed *bed) {
  while (bed->ble->ops.idle > AB_OP_RESERVE)
    bed->ble->ops.idle--, ab_free(&bed->ble->env, ab_list_pop(&bed->ble->ops.pool));
  ab_bufs_free(&bed->ble->bufs);
}

/* ---- notifications ---- */

static void a_notification_is_done_when_the_controller_has_it(void **state) {
  server_bed *bed = *state;
  outcome o;

  client_bed_then(&o, aioble_char_notify(bed->chr, bed->conn, "ab", 2));
  server_bed_run_ms(bed, 100000);
  assert_int_equal(o.calls, 0);
  server_bed_play(bed, "< 1b +02 61 62\n"); /* which finishes the buffer */
  assert_int_equal(o.calls, 0);
  server_bed_run_ms(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  assert_bytes(aioble_char_read(bed->chr), "76");
}

static void without_data_the_value_is_sent(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op = aioble_char_notify(bed->chr, bed->conn, NULL, 0);

  server_bed_play(bed, "< 1b +02 76\n");
  assert_int_equal(aioble_op_status(op), 0);
  aioble_op_unref(op);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, NULL, 0), 0);
  server_bed_play(bed, "< 1b +02 76\n");
  op = aioble_char_notify(bed->chr, bed->conn, "", 0);
  server_bed_play(bed, "< 1b +02\n");
  aioble_op_unref(op);
}

static void what_does_not_fit_is_not_sent(void **state) {
  server_bed *bed = *state;
  uint8_t octets[21] = {0};

  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, octets, 21), AIOBLE_EMSGSIZE);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, octets, 21), AIOBLE_EMSGSIZE);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, octets, 21), AIOBLE_EMSGSIZE);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, octets, 20), 0);
  server_bed_play(bed, "< 1b +02 00*20\n");
}

static void what_does_not_fit_is_cut_where_that_was_asked_for(void **state) {
  server_bed *bed = *state;
  uint8_t octets[21] = {0};
  aioble_op_t *op;

  server_bed_char(bed, AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.truncate = AIOBLE_TRUNCATE_UPDATES});
  op = aioble_char_notify(bed->chr, bed->conn, octets, 21);
  server_bed_play(bed, "< 1b +02 00*20\n");
  assert_int_equal(aioble_op_status(op), 0);
  aioble_op_unref(op);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, octets, 21), 0);
  server_bed_play(bed, "< 1b +02 00*20\n");
  op = aioble_char_indicate(bed->chr, bed->conn, octets, 21);
  server_bed_play(bed, "< 1d +02 00*20\n"
                       "> 1e\n");
  aioble_op_unref(op);
}

static void nobody_to_notify(void **state) {
  server_bed *bed = *state;
  outcome o;

  server_bed_expect(bed, aioble_char_notify(bed->chr, NULL, "a", 1), AIOBLE_ENOTCONN);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, NULL, "a", 1), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_char_try_notify(bed->chr, NULL, "a", 1), AIOBLE_ENOTCONN);
  server_bed_disconnect(bed, 0);
  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTCONN);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTCONN);
  client_bed_then(&o, aioble_char_notify(NULL, bed->conn, "a", 1));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  client_bed_then(&o, aioble_char_indicate(NULL, bed->conn, "a", 1));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  assert_int_equal(aioble_char_try_notify(NULL, bed->conn, "a", 1), AIOBLE_ENOTCONN);
}

static void only_what_has_the_property(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_INDICATE, NULL);
  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTSUP);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTSUP);
  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, "a", 1), AIOBLE_ENOTSUP);
}

static void expect_all(server_bed *bed, int status) {
  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "x", 1), status);
  server_bed_expect(bed, aioble_char_notify_many(&bed->chr, 1, bed->conn), status);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, "x", 1), status);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "x", 1), status);
  server_bed_play(bed, "");
}

static void nothing_goes_to_a_client_that_does_not_know_of_a_change(void **state) {
  server_bed *bed = *state;
  aioble_service_t *more = server_bed_service(bed, 0x180f);

  server_bed_play(bed, "> 12 0b 00 01\n"
                       "< 13\n");
  assert_int_equal(aioble_service_add(more), 0);
  aioble_service_unref(more);
  expect_all(bed, AIOBLE_ERR_ATT(0x12));
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a 00 00 12\n"
                       "> 0a +02\n"
                       "< 0b 76\n");
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "x", 1), 0);
  server_bed_play(bed, "< 1b +02 78\n");
}

static void what_may_not_be_read_is_not_sent(void **state) {
  server_bed *bed = *state;

  server_bed_char(
      bed, AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE,
      &(aioble_char_options_t){.read_security = AIOBLE_SECURITY_ENCRYPTED, .min_key_size = 16});
  expect_all(bed, AIOBLE_ERR_ATT(0x05));
  ab_gatt_server_link_security(&bed->conn->server,
                               (ab_gatt_security){AB_GATT_LEVEL_ENCRYPTED, 7, true});
  expect_all(bed, AIOBLE_ERR_ATT(0x0c));
  ab_gatt_server_link_security(&bed->conn->server,
                               (ab_gatt_security){AB_GATT_LEVEL_ENCRYPTED, 16, true});
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "x", 1), 0);
  server_bed_play(bed, "< 1b +02 78\n");
}

static void only_connections_of_the_same_stack(void **state) {
  server_bed *bed = *state, *other = server_bed_new();

  server_bed_expect(bed, aioble_char_notify(bed->chr, other->conn, "a", 1), AIOBLE_EINVAL);
  server_bed_expect(bed, aioble_char_indicate(bed->chr, other->conn, "a", 1), AIOBLE_EINVAL);
  server_bed_free(other);
}

static void the_links_end_ends_a_notification(void **state) {
  server_bed *bed = *state;
  outcome o;

  client_bed_then(&o, aioble_char_notify(bed->chr, bed->conn, "ab", 2));
  server_bed_disconnect(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
}

static void a_cancelled_notification_is_sent_all_the_same(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op = aioble_char_notify(bed->chr, bed->conn, "ab", 2);

  aioble_op_cancel(op);
  assert_int_equal(aioble_op_status(op), AIOBLE_ECANCELED);
  aioble_op_unref(op);
  server_bed_play(bed, "< 1b +02 61 62\n");
}

static void a_try_is_refused_when_much_is_waiting(void **state) {
  server_bed *bed = *state;

  bed->conn->link.hci.tx_queued = 4095;
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), 0);
  server_bed_play(bed, "< 1b +02 61\n");
  bed->conn->link.hci.tx_queued = 4096;
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), AIOBLE_EAGAIN);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->clients[1].conn, "a", 1), 0);
  server_bed_play_as(bed, 1, "< 1b +02 61\n");
}

static void a_notification_costs_no_memory_once_it_runs(void **state) {
  server_bed *bed = *state;
  unsigned allocs = 0;

  for (unsigned i = 0; i < 20; i++) {
    aioble_op_t *op;

    if (i == 10)
      allocs = fake_env_allocs(bed->base->memory);
    op = aioble_char_notify(bed->chr, bed->conn, "ab", 2);
    server_bed_play(bed, "< 1b +02 61 62\n");
    aioble_op_unref(op);
    assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "ab", 2), 0);
    server_bed_play(bed, "< 1b +02 61 62\n");
    op = aioble_char_indicate(bed->chr, bed->conn, "ab", 2);
    server_bed_play(bed, "< 1d +02 61 62\n> 1e\n");
    aioble_op_unref(op);
  }
  assert_int_equal(fake_env_allocs(bed->base->memory), allocs);
}

static void each_allocation_may_fail(void **state) {
  server_bed *bed = *state;

  for (unsigned n = 1; n <= 2; n++) {
    empty_pools(bed);
    fake_env_fail_at(bed->base->memory, n);
    server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "ab", 2), AIOBLE_ENOMEM);
    empty_pools(bed);
    fake_env_fail_at(bed->base->memory, n);
    server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, "ab", 2), AIOBLE_ENOMEM);
  }
  ab_bufs_free(&bed->ble->bufs);
  fake_env_fail_at(bed->base->memory, 1);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ENOMEM);
}

/* ---- several values ---- */

enum { MANY = 4 };

/* at +02, +05, +08, +0b, with values of these lengths: "a…", "b…" and so on */
static void make_many(server_bed *bed, aioble_char_t *chars[MANY], const size_t lens[MANY]) {
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  uint8_t octets[512];

  for (unsigned i = 0; i < MANY; i++) {
    memset(octets, 'a' + (int) i, sizeof octets);
    chars[i] = aioble_char_new(service, aioble_uuid16((uint16_t) (0x2a00 + i)), AIOBLE_NOTIFY,
                               &(aioble_char_options_t){.initial = {octets, lens[i]}});
  }
  assert_int_equal(server_bed_register(bed, service), 0);
}

static void several_values_go_one_by_one_to_a_simple_client(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chars[MANY];
  aioble_op_t *op;

  make_many(bed, chars, (const size_t[MANY]){1, 0, 2, 1});
  op = aioble_char_notify_many(chars, 3, bed->conn);
  assert_false(aioble_op_done(op));
  server_bed_play(bed, "< 1b +02 61\n"
                       "< 1b +05\n"
                       "< 1b +08 63 63\n");
  assert_int_equal(aioble_op_status(op), 0);
  aioble_op_unref(op);
}

static void several_values_go_together_to_one_that_supports_it(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chars[MANY];
  aioble_op_t *op;

  make_many(bed, chars, (const size_t[MANY]){1, 0, 2, 1});
  bed->conn->server.features = AB_GATT_MULTIPLE_NOTIFICATIONS;
  op = aioble_char_notify_many(chars, 3, bed->conn);
  server_bed_play(bed, "< 23 +02 01 00 61 +05 00 00 +08 02 00 63 63\n");
  assert_int_equal(aioble_op_status(op), 0);
  aioble_op_unref(op);
  op = aioble_char_notify_many(chars + 3, 1, bed->conn);
  server_bed_play(bed, "< 1b +0b 64\n");
  aioble_op_unref(op);
  op = aioble_char_notify_many(chars, 1, bed->clients[1].conn);
  server_bed_play_as(bed, 1, "< 1b +02 61\n");
  aioble_op_unref(op);
}

static void as_many_together_as_fit(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chars[MANY];
  aioble_op_t *op;

  /* an MTU of 23: 5 + 17 fill a PDU, 20 alone needs one of its own */
  make_many(bed, chars, (const size_t[MANY]){1, 13, 20, 5});
  bed->conn->server.features = AB_GATT_MULTIPLE_NOTIFICATIONS;
  op = aioble_char_notify_many(chars, MANY, bed->conn);
  server_bed_play(bed, "< 23 +02 01 00 61 +05 0d 00 62*13\n"
                       "< 1b +08 63*20\n"
                       "< 1b +0b 64*5\n");
  assert_int_equal(aioble_op_status(op), 0);
  aioble_op_unref(op);
}

static void of_several_values_all_are_sent_or_none(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chars[MANY], *mixed[2];

  make_many(bed, chars, (const size_t[MANY]){1, 1, 1, 21});
  server_bed_expect(bed, aioble_char_notify_many(chars, MANY, bed->conn), AIOBLE_EMSGSIZE);
  server_bed_expect(bed, aioble_char_notify_many(chars, 0, bed->conn), AIOBLE_EINVAL);
  mixed[0] = chars[0];
  mixed[1] = NULL;
  server_bed_expect(bed, aioble_char_notify_many(mixed, 2, bed->conn), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_status(aioble_char_notify_many(chars, 1, NULL)), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_op_status(aioble_char_notify_many(NULL, 0, NULL)), AIOBLE_ENOTCONN);
  for (unsigned n = 1; n <= 4; n++) {
    empty_pools(bed);
    fake_env_fail_at(bed->base->memory, n);
    server_bed_expect(bed, aioble_char_notify_many(chars, 3, bed->conn), AIOBLE_ENOMEM);
  }
  fake_env_fail_at(bed->base->memory, 0);
  bed->conn->server.features = AB_GATT_MULTIPLE_NOTIFICATIONS;
  empty_pools(bed);
  fake_env_fail_at(bed->base->memory, 1);
  server_bed_expect(bed, aioble_char_notify_many(chars, 3, bed->conn), AIOBLE_ENOMEM);
  fake_env_fail_at(bed->base->memory, 0);
}

static void the_links_end_ends_several_values(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chars[MANY];
  outcome o;

  make_many(bed, chars, (const size_t[MANY]){1, 1, 1, 1});
  client_bed_then(&o, aioble_char_notify_many(chars, MANY, bed->conn));
  server_bed_disconnect(bed, 0);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
  server_bed_expect(bed, aioble_char_notify_many(chars, MANY, bed->conn), AIOBLE_ENOTCONN);
}

/* ---- indications ---- */

static void an_indication_is_done_when_it_is_confirmed(void **state) {
  server_bed *bed = *state;
  outcome o;

  client_bed_then(&o, aioble_char_indicate(bed->chr, bed->conn, "ab", 2));
  server_bed_play(bed, "< 1d +02 61 62\n");
  server_bed_run_ms(bed, 900);
  assert_int_equal(o.calls, 0);
  server_bed_play(bed, "> 1e\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
}

static void indications_of_a_link_wait_for_each_other(void **state) {
  server_bed *bed = *state;
  outcome a, b, c;

  client_bed_then(&a, aioble_char_indicate(bed->chr, bed->conn, "a", 1));
  client_bed_then(&b, aioble_char_indicate(bed->chr, bed->conn, "b", 1));
  client_bed_then(&c, aioble_char_indicate(bed->chr, bed->clients[1].conn, "c", 1));
  server_bed_play_as(bed, 1,
                     "< 1d +02 63\n"
                     "> 1e\n");
  assert_int_equal(c.calls, 1);
  server_bed_play(bed, "< 1d +02 61\n"
                       "> 1e\n"
                       "< 1d +02 62\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(b.calls, 0);
  server_bed_play(bed, "> 1e\n");
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, 0);
}

static void an_indication_not_confirmed_times_out_and_keeps_its_slot(void **state) {
  server_bed *bed = *state;
  outcome a, b;

  client_bed_then(&a, aioble_char_indicate(bed->chr, bed->conn, "a", 1));
  server_bed_play(bed, "< 1d +02 61\n");
  server_bed_run_ms(bed, 999);
  assert_int_equal(a.calls, 0);
  server_bed_run_ms(bed, 1);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.status, AIOBLE_ETIMEDOUT);
  client_bed_then(&b, aioble_char_indicate(bed->chr, bed->conn, "b", 1));
  server_bed_run_ms(bed, 1);
  server_bed_play(bed, "> 1e\n"
                       "< 1d +02 62\n");
  assert_int_equal(a.calls, 1);
  assert_int_equal(b.calls, 0);
  server_bed_play(bed, "> 1e\n");
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.status, 0);
}

static void a_cancelled_indication_that_waits_is_not_sent(void **state) {
  server_bed *bed = *state;
  aioble_op_t *a = aioble_char_indicate(bed->chr, bed->conn, "a", 1);
  aioble_op_t *b = aioble_char_indicate(bed->chr, bed->conn, "b", 1);

  aioble_op_cancel(b);
  assert_int_equal(aioble_op_status(b), AIOBLE_ECANCELED);
  aioble_op_unref(b);
  server_bed_play(bed, "< 1d +02 61\n"
                       "> 1e\n");
  assert_int_equal(aioble_op_status(a), 0);
  aioble_op_unref(a);
}

static void the_links_end_ends_indications(void **state) {
  server_bed *bed = *state;
  outcome a, b;

  client_bed_then(&a, aioble_char_indicate(bed->chr, bed->conn, "a", 1));
  client_bed_then(&b, aioble_char_indicate(bed->chr, bed->conn, "b", 1));
  server_bed_disconnect(bed, 0);
  assert_int_equal(a.status, AIOBLE_ENOTCONN);
  assert_int_equal(b.status, AIOBLE_ENOTCONN);
  assert_int_equal(a.calls + b.calls, 2);
}

/* ---- authorization ---- */

typedef struct authorizer {
  bool allows;
  unsigned asked;
} authorizer;

static bool may_read(const aioble_access_t *access, bool write, void *user) {
  authorizer *a = user;

  assert_non_null(access->conn);
  assert_non_null(access->chr);
  assert_null(access->desc);
  assert_false(write);
  assert_int_equal(access->value.len, 0);
  a->asked++;
  return a->allows;
}

static void who_may_not_read_is_not_told_either(void **state) {
  server_bed *bed = *state;
  authorizer a = {.allows = false};
  aioble_op_t *op;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.on_authorize = may_read, .user = &a});
  server_bed_play(bed, "> 12 +03 0100\n"
                       "< 01 12 +03 08\n"
                       "> 12 +03 0000\n" /* which asks for nothing */
                       "< 13\n");
  assert_int_equal(a.asked, 1);
  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ERR_ATT(0x08));
  server_bed_expect(bed, aioble_char_indicate(bed->chr, bed->conn, "a", 1), AIOBLE_ERR_ATT(0x08));
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "a", 1), AIOBLE_ERR_ATT(0x08));
  a.allows = true;
  server_bed_play(bed, "> 12 +03 0100\n"
                       "< 13\n");
  op = aioble_char_notify(bed->chr, bed->conn, "a", 1);
  server_bed_play(bed, "< 1b +02 61\n");
  aioble_op_unref(op);
  assert_int_equal(aioble_char_write(bed->chr, "b", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "< 1b +02 62\n");
  a.allows = false; /* not any more */
  assert_int_equal(aioble_char_write(bed->chr, "c", 1, AIOBLE_SEND_UPDATE), 0);
  server_bed_play(bed, "");
  assert_int_equal(a.asked, 8);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_notification_is_done_when_the_controller_has_it),
      TEST(without_data_the_value_is_sent),
      TEST(what_does_not_fit_is_not_sent),
      TEST(what_does_not_fit_is_cut_where_that_was_asked_for),
      TEST(nobody_to_notify),
      TEST(only_what_has_the_property),
      TEST(nothing_goes_to_a_client_that_does_not_know_of_a_change),
      TEST(what_may_not_be_read_is_not_sent),
      TEST(only_connections_of_the_same_stack),
      TEST(the_links_end_ends_a_notification),
      TEST(a_cancelled_notification_is_sent_all_the_same),
      TEST(a_try_is_refused_when_much_is_waiting),
      TEST(a_notification_costs_no_memory_once_it_runs),
      TEST(each_allocation_may_fail),
      TEST(several_values_go_one_by_one_to_a_simple_client),
      TEST(several_values_go_together_to_one_that_supports_it),
      TEST(as_many_together_as_fit),
      TEST(of_several_values_all_are_sent_or_none),
      TEST(the_links_end_ends_several_values),
      TEST(an_indication_is_done_when_it_is_confirmed),
      TEST(indications_of_a_link_wait_for_each_other),
      TEST(an_indication_not_confirmed_times_out_and_keeps_its_slot),
      TEST(a_cancelled_indication_that_waits_is_not_sent),
      TEST(the_links_end_ends_indications),
      TEST(who_may_not_read_is_not_told_either),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
