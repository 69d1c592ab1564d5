/* SPDX-License-Identifier: MIT */
/* What was discovered once is found again with one request, or none, as long as it is so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/cached_pair.h"

static void note(const char *what, unsigned requests) {
  print_message("[   NOTE   ] %s: %u requests\n", what, requests);
}

/* ---- who is remembered ---- */

static void a_stranger_is_asked_each_time(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned first, again;

  (void) state;
  cached_pair_meet(p, NULL);
  first = cached_pair_cost(p);
  again = cached_pair_cost(p);
  assert_int_equal(first, again);
  assert_int_equal(p->hash_reads, 0);
  sim_run_ms(&p->s, 100);
  assert_int_equal(p->requests, first + again); /* it is not asked for anything else */
  cached_pair_free(p);
}

static void a_bonded_peer_is_asked_once(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things, first, requests;
  uint32_t sum, sum_again;

  (void) state;
  cached_pair_meet_bonded(p);
  assert_int_equal(p->requests, 0); /* not before it is of use */
  things = cached_pair_discover(p, &first, &sum);
  note("for the first time", first);
  assert_true(first > 10);
  assert_int_equal(p->hash_reads, 1);
  sim_run_ms(&p->s, 100);
  note("… with what goes on in the background", p->requests);
  assert_int_equal(cached_pair_cost(p), 0); /* on the same link */
  for (unsigned i = 0; i < 2; i++) {
    cached_pair_part(p);
    if (i)
      cached_pair_restart_client(p);
    cached_pair_meet_bonded(p);
    assert_int_equal(cached_pair_discover(p, &requests, &sum_again), things);
    note(i ? "after a restart" : "on the next link", requests);
    assert_int_equal(requests, 1);
    assert_int_equal(p->hash_reads, 1);
    assert_int_equal(sum_again, sum);
    sim_run_ms(&p->s, 100);
    assert_int_equal(p->requests, 1); /* nor anything in the background */
  }
  cached_pair_free(p);
}

static void what_was_seen_is_known_of_an_abandoned_discovery_too(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned whole;

  (void) state;
  cached_pair_meet_bonded(p);
  aioble_client_char_unref(cached_pair_char(p, 0x180f, 0x2a19));
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  aioble_client_char_unref(cached_pair_char(p, 0x180f, 0x2a19));
  assert_int_equal(p->requests, 1);
  whole = cached_pair_cost(p);
  note("the rest", whole);
  assert_true(whole > 0 && whole < 16);
  cached_pair_free(p);
}

static void what_is_too_much_to_be_remembered_is_found_all_the_same(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  uint64_t not_remembered;
  unsigned things;

  (void) state;
  cached_pair_meet(p, NULL);
  things = cached_pair_discover(p, NULL, NULL);
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(sim_stats(p->client).not_remembered, 0);
  p->at_client->cache.table.max = 3;
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(cached_pair_discover(p, NULL, NULL), things);
  not_remembered = sim_stats(p->client).not_remembered;
  assert_true(not_remembered > 0);
  cached_pair_part(p);
  assert_int_equal(sim_stats(p->client).not_remembered, not_remembered);
  cached_pair_free(p);
}

static void others_are_remembered_when_that_is_wished(void **state) {
  cached_pair *p = cached_pair_new(&(aioble_options_t){.gatt_cache = AIOBLE_CACHE_ALL});
  unsigned things, requests, in_background;

  (void) state;
  cached_pair_meet(p, NULL);
  things = cached_pair_discover(p, NULL, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_meet(p, NULL);
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things);
  note("not bonded, on the next link", requests);
  sim_run_ms(&p->s, 100);
  in_background = p->requests - 1;
  note("… asked in the background to tell of changes, by requests", in_background);
  assert_true(requests <= p->requests);
  assert_int_equal(in_background, 3); /* features read and written, subscribed */
  assert_int_equal(p->hash_reads, 1);
  cached_pair_part(p);

  cached_pair_meet(p, &(aioble_connect_options_t){.gatt_cache = AIOBLE_CACHE_BONDED});
  assert_true(cached_pair_cost(p) > 10); /* not on this link */
  assert_int_equal(p->hash_reads, 0);
  cached_pair_free(p);
}

static void a_wish_for_one_connection_is_enough(void **state) {
  const aioble_connect_options_t all = {.gatt_cache = AIOBLE_CACHE_ALL},
                                 wrong = {.gatt_cache = (aioble_cache_t) 4};
  cached_pair *p = cached_pair_new(&(aioble_options_t){.gatt_cache = AIOBLE_CACHE_NONE});
  aioble_device_t *device = sim_device(p->client, p->server);

  (void) state;
  sim_expect(aioble_device_connect(device, &wrong), AIOBLE_EINVAL);
  aioble_device_unref(device);
  cached_pair_meet(p, &all);
  (void) cached_pair_cost(p);
  assert_int_equal(cached_pair_cost(p), 0);
  cached_pair_part(p);
  cached_pair_restart_client(p);
  cached_pair_meet(p, &all);
  aioble_client_char_unref(cached_pair_char(p, 0x181a, 0x2a6e));
  sim_run_ms(&p->s, 100);
  assert_int_equal(cached_pair_cost(p), 0);
  cached_pair_free(p);
}

static void nothing_is_kept_of_a_bonded_peer_either(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  cached_pair_meet_bonded(p);
  (void) cached_pair_cost(p);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  sim_stack_of(&p->s, p->client)->options.gatt_cache = AIOBLE_CACHE_NONE;
  cached_pair_restart_client(p);
  cached_pair_meet_bonded(p);
  assert_true(cached_pair_cost(p) > 10);
  assert_int_equal(p->hash_reads, 0);
  cached_pair_part(p);
  sim_stack_of(&p->s, p->client)->options.gatt_cache = AIOBLE_CACHE_DEFAULT;
  cached_pair_restart_client(p);
  cached_pair_meet_bonded(p);
  assert_true(cached_pair_cost(p) > 10); /* what was kept has gone */
  cached_pair_free(p);
}

/* … by itself: what the others are told by the test comes of the link's encryption */
static void a_pairing_is_enough(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things, requests;

  (void) state;
  cached_pair_meet(p, NULL);
  assert_false(p->at_client->bonded);
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_run_ms(&p->s, 100);
  assert_true(p->at_client->bonded && p->at_server->bonded);
  things = cached_pair_discover(p, NULL, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_meet(p, NULL);
  assert_true(p->at_client->bonded && p->at_server->bonded);
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things);
  assert_int_equal(requests, 1);
  cached_pair_free(p);
}

/* ---- changes ---- */

typedef struct change {
  unsigned calls;
  uint16_t first, last;
} change;

static void on_change(aioble_conn_t *conn, uint16_t first, uint16_t last, void *user) {
  change *c = user;

  assert_non_null(conn);
  c->calls++;
  c->first = first;
  c->last = last;
}

static void hear(cached_pair *p, change *c) {
  memset(c, 0, sizeof *c);
  aioble_conn_set_hooks(p->at_client,
                        &(aioble_conn_hooks_t){.on_services_changed = on_change, .user = c});
}

static void a_change_while_away_is_noticed(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things, first, requests;

  (void) state;
  cached_pair_meet_bonded(p);
  things = cached_pair_discover(p, &first, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_add_extra(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things + 3);
  note("all of it may have changed", requests);
  assert_true(requests > first / 2); /* but for what goes on in the background */
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_cost(p), 1);
  cached_pair_free(p);
}

/* … also by the hash alone */
static void a_change_is_noticed_of_a_peer_that_tells_nothing(void **state) {
  cached_pair *p = cached_pair_new(&(aioble_options_t){.gatt_cache = AIOBLE_CACHE_ALL});
  unsigned things;
  change c;

  (void) state;
  cached_pair_meet(p, NULL);
  things = cached_pair_discover(p, NULL, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_add_extra(p);
  cached_pair_restart_client(p);
  cached_pair_meet(p, NULL);
  hear(p, &c);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things + 3);
  assert_int_equal(c.calls, 0); /* nobody had anything yet */
  cached_pair_free(p);
}

static void only_what_has_changed_is_asked_again(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things, first, requests;
  change c;

  (void) state;
  cached_pair_meet_bonded(p);
  things = cached_pair_discover(p, &first, NULL);
  sim_run_ms(&p->s, 100);
  hear(p, &c);
  p->hash_reads = 0;
  cached_pair_add_extra(p);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  assert_true(c.first > 1 && c.last >= c.first);
  assert_int_equal(p->hash_reads, 1); /* at once, for the next link */
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things + 3);
  note("a service has come", requests);
  assert_true(requests < first / 2);
  assert_int_equal(cached_pair_cost(p), 0);
  cached_pair_remove_extra(p);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 2);
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things);
  note("it has gone", requests);
  assert_true(requests <= 3);
  cached_pair_part(p);
  cached_pair_restart_client(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_discover(p, &requests, NULL), things);
  assert_int_equal(requests, 1);
  cached_pair_free(p);
}

static void a_change_is_told_though_nobody_has_discovered_on_the_link(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things, first;
  change c;

  (void) state;
  cached_pair_meet_bonded(p);
  things = cached_pair_discover(p, &first, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  hear(p, &c);
  cached_pair_add_extra(p);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  assert_int_equal(p->requests, 0);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things + 3);
  assert_true(p->requests < first / 2 + 1);
  cached_pair_free(p);
}

/* ---- handles ---- */

static aioble_client_char_t *extra_char(cached_pair *p) {
  cached_pair_add_extra(p);
  sim_run_ms(&p->s, 100);
  return cached_pair_char(p, 0x1816, 0x2a5b);
}

static void handles_in_the_range_are_of_no_use_any_more(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  const int stale = AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC);
  aioble_client_char_t *gone, *kept;
  aioble_discovery_t *d;
  aioble_op_t *value;
  sim_watch waits;

  (void) state;
  cached_pair_meet_bonded(p);
  (void) cached_pair_cost(p);
  sim_run_ms(&p->s, 100);
  gone = extra_char(p);
  kept = cached_pair_char(p, 0x180f, 0x2a19);
  sim_expect(aioble_client_char_subscribe(gone, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  sim_expect(aioble_client_char_subscribe(kept, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  d = aioble_client_char_descs(gone, NULL);
  sim_watch_op(&waits, aioble_client_char_notified(gone));
  cached_pair_remove_extra(p);
  sim_watch_expect(&waits, stale);
  p->requests = p->hash_reads = 0;
  sim_expect(aioble_client_char_read(gone), stale);
  sim_expect(aioble_client_char_write(gone, "x", 1, AIOBLE_WRITE_REQUEST), stale);
  sim_expect(aioble_client_char_write(gone, "x", 1, AIOBLE_WRITE_NO_RESPONSE), stale);
  assert_int_equal(aioble_client_char_try_write(gone, "x", 1), stale);
  sim_expect(aioble_client_char_subscribe(gone, AIOBLE_SUBSCRIBE_NOTIFY), stale);
  sim_expect(aioble_client_char_notified(gone), stale);
  sim_expect(aioble_client_char_desc(gone, AIOBLE_UUID16(0x2902)), stale);
  sim_expect(aioble_discovery_next(d), stale);
  sim_expect(aioble_client_service_char(aioble_client_char_service(gone), AIOBLE_UUID16(0x2a5b)),
             stale);
  sim_expect(
      aioble_client_service_read_by_uuid(aioble_client_char_service(gone), AIOBLE_UUID16(0x2a5b)),
      stale);
  sim_expect(aioble_client_read_multiple((aioble_client_char_t *[]){kept, gone}, 2), stale);
  sim_expect(aioble_conn_write_reliable(p->at_client,
                                        &(aioble_write_t){.chr = gone, .data = "x", .len = 1}, 1),
             stale);
  assert_int_equal(p->requests, p->hash_reads); /* nothing of that was asked */
  sim_run_ms(&p->s, 100);                       /* the server knows that we know */
  sim_expect(aioble_char_notify(p->level, p->at_server, "7", 1), 0);
  value = sim_ok(aioble_client_char_notified(kept)); /* the others know of nothing */
  assert_int_equal(aioble_op_value(value).len, 1);
  aioble_op_unref(value);
  sim_expect(aioble_client_char_read(kept), 0);
  aioble_discovery_unref(d);
  aioble_client_char_unref(kept);
  aioble_client_char_unref(gone);
  cached_pair_free(p);
}

static void what_was_queued_can_be_taken(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  aioble_client_char_t *gone;
  aioble_op_t *value;

  (void) state;
  cached_pair_meet_bonded(p);
  gone = cached_pair_char(p, 0x180f, 0x2a19);
  sim_expect(aioble_client_char_subscribe(gone, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  sim_run_ms(&p->s, 100);
  sim_expect(aioble_char_notify(p->level, p->at_server, "42", 2), 0);
  sim_run_ms(&p->s, 100);
  cached_pair_remove_all(p);
  sim_run_ms(&p->s, 100);
  value = sim_ok(aioble_client_char_notified(gone));
  assert_int_equal(aioble_op_value(value).len, 2);
  aioble_op_unref(value);
  sim_expect(aioble_client_char_notified(gone), AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC));
  aioble_client_char_unref(gone);
  cached_pair_free(p);
}

/* ---- what a bonded peer has set, as our client ---- */

static void subscribe_to_all(cached_pair *p) {
  aioble_client_char_t *level = cached_pair_char(p, 0x180f, 0x2a19),
                       *temperature = cached_pair_char(p, 0x181a, 0x2a6e);

  sim_expect(aioble_client_char_subscribe(level, AIOBLE_SUBSCRIBE_NOTIFY), 0);
  sim_expect(aioble_client_char_subscribe(temperature, AIOBLE_SUBSCRIBE_INDICATE), 0);
  aioble_client_char_unref(level);
  aioble_client_char_unref(temperature);
  sim_run_ms(&p->s, 100);
}

static void expect_values(cached_pair *p) {
  aioble_client_char_t *level = cached_pair_char(p, 0x180f, 0x2a19),
                       *temperature = cached_pair_char(p, 0x181a, 0x2a6e);

  assert_int_equal(aioble_char_subscribed(p->level, p->at_server), AIOBLE_SUBSCRIBE_NOTIFY);
  sim_expect(aioble_char_notify(p->level, p->at_server, "7", 1), 0);
  sim_expect(aioble_client_char_notified(level), 0);
  sim_expect(aioble_char_indicate(p->temperature, p->at_server, "20", 2), 0);
  sim_expect(aioble_client_char_indicated(temperature), 0);
  aioble_client_char_unref(level);
  aioble_client_char_unref(temperature);
}

static void subscriptions_of_a_bonded_peer_outlive_links_and_restarts(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  cached_pair_meet_bonded(p);
  subscribe_to_all(p);
  for (unsigned i = 0; i < 3; i++) {
    cached_pair_part(p);
    if (i >= 1)
      cached_pair_restart_server(p);
    if (i == 2)
      cached_pair_restart_client(p);
    cached_pair_meet_bonded(p);
    assert_int_equal(p->requests, 0);
    expect_values(p);
    assert_int_equal(p->requests, 1);
  }
  cached_pair_free(p);
}

static void those_of_a_stranger_end_with_the_link(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  cached_pair_meet(p, NULL);
  subscribe_to_all(p);
  assert_int_equal(aioble_char_subscribed(p->level, p->at_server), AIOBLE_SUBSCRIBE_NOTIFY);
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(aioble_char_subscribed(p->level, p->at_server), 0);
  cached_pair_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stranger_is_asked_each_time),
      cmocka_unit_test(a_bonded_peer_is_asked_once),
      cmocka_unit_test(what_was_seen_is_known_of_an_abandoned_discovery_too),
      cmocka_unit_test(what_is_too_much_to_be_remembered_is_found_all_the_same),
      cmocka_unit_test(others_are_remembered_when_that_is_wished),
      cmocka_unit_test(a_wish_for_one_connection_is_enough),
      cmocka_unit_test(nothing_is_kept_of_a_bonded_peer_either),
      cmocka_unit_test(a_pairing_is_enough),
      cmocka_unit_test(a_change_while_away_is_noticed),
      cmocka_unit_test(a_change_is_noticed_of_a_peer_that_tells_nothing),
      cmocka_unit_test(only_what_has_changed_is_asked_again),
      cmocka_unit_test(a_change_is_told_though_nobody_has_discovered_on_the_link),
      cmocka_unit_test(handles_in_the_range_are_of_no_use_any_more),
      cmocka_unit_test(what_was_queued_can_be_taken),
      cmocka_unit_test(subscriptions_of_a_bonded_peer_outlive_links_and_restarts),
      cmocka_unit_test(those_of_a_stranger_end_with_the_link),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
