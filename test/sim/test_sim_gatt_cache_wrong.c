/* SPDX-License-Identifier: MIT */
/* The cache of a peer's table where something is missing, refused, cut short, or not as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "helpers/cached_pair.h"
#include "helpers/temp_dir.h"

static const int stale = AIOBLE_ERR_ATT(AB_ATT_ERR_DATABASE_OUT_OF_SYNC);

/* one whole link to a bonded peer, which teaches all there is */
static unsigned learn(cached_pair *p) {
  unsigned things;

  cached_pair_meet_bonded(p);
  things = cached_pair_discover(p, NULL, NULL);
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  return things;
}

/* ---- the hash ---- */

static void a_bonded_peer_without_a_hash_is_believed(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  p->hash_error = AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
  (void) learn(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_cost(p), 1);
  cached_pair_part(p);
  cached_pair_restart_client(p);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_cost(p), 1);
  cached_pair_part(p);
  p->hash_error = 0; /* it has been brought up to date */
  cached_pair_meet_bonded(p);
  assert_true(cached_pair_cost(p) > 10);
  cached_pair_free(p);
}

static void a_stranger_without_a_hash_is_not_remembered(void **state) {
  cached_pair *p = cached_pair_new(&(aioble_options_t){.gatt_cache = AIOBLE_CACHE_ALL});

  (void) state;
  p->hash_error = AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
  for (unsigned i = 0; i < 2; i++) {
    cached_pair_meet(p, NULL);
    assert_true(cached_pair_cost(p) > 10);
    assert_int_equal(cached_pair_cost(p), 0); /* but as long as it tells of changes */
    assert_int_equal(p->hash_reads, 1);
    cached_pair_part(p);
  }
  cached_pair_free(p);
}

static void who_refuses_the_hash_is_asked_each_time(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things = learn(p), first;

  (void) state;
  p->hash_error = AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION;
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_discover(p, &first, NULL), things);
  assert_int_equal(cached_pair_cost(p), first - 1);
  assert_int_equal(p->hash_reads, 1);
  cached_pair_part(p);
  p->hash_error = 0;
  cached_pair_meet_bonded(p);
  assert_true(cached_pair_cost(p) > 10); /* nothing was kept: it could not be checked */
  cached_pair_free(p);
}

/* ---- error 0x12 ---- */

static void a_value_out_of_sync_has_the_table_checked(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  aioble_client_char_t *chr;

  (void) state;
  (void) learn(p);
  cached_pair_meet_bonded(p);
  chr = cached_pair_char(p, 0x181a, 0x2a6e);
  assert_int_equal(p->hash_reads, 1);
  for (unsigned i = 0; i < 2; i++) {
    p->next_error = AB_ATT_ERR_DATABASE_OUT_OF_SYNC;
    sim_expect(i ? aioble_client_char_write(chr, "x", 1, AIOBLE_WRITE_REQUEST)
                 : aioble_client_char_read(chr),
               stale);
    assert_int_equal(cached_pair_discover(p, NULL, NULL) > 0, true);
    assert_int_equal(p->hash_reads, 2 + i);
    sim_expect(aioble_client_char_read(chr), 0); /* all is as it was */
  }
  assert_int_equal(p->requests, 3 + 4);
  aioble_client_char_unref(chr);
  cached_pair_free(p);
}

static void a_discovery_out_of_sync_goes_on_by_itself(void **state) {
  cached_pair *p = cached_pair_new(&(aioble_options_t){.gatt_cache = AIOBLE_CACHE_ALL});
  unsigned things = learn(p);
  aioble_op_t *op;

  (void) state;
  cached_pair_meet(p, NULL);
  p->hash_error = AB_ATT_ERR_ATTRIBUTE_NOT_FOUND; /* so that it is new to us */
  p->next_error = AB_ATT_ERR_DATABASE_OUT_OF_SYNC;
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things);
  assert_int_equal(p->next_error, 0);
  assert_int_equal(p->hash_reads, 2);
  cached_pair_part(p);

  cached_pair_meet(p, NULL); /* once */
  p->always_error = AB_ATT_ERR_DATABASE_OUT_OF_SYNC;
  op = aioble_conn_service(p->at_client, AIOBLE_UUID16(0x180f));
  sim_expect(op, stale);
  cached_pair_free(p);
}

typedef struct change {
  unsigned calls;
  uint16_t first, last;
} change;

static void on_change(aioble_conn_t *conn, uint16_t first, uint16_t last, void *user) {
  change *c = user;

  (void) conn;
  c->calls++;
  c->first = first;
  c->last = last;
}

static void what_nobody_has_told_is_noticed_by_the_next_request(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  aioble_client_char_t *changes, *chr;
  unsigned things = learn(p);
  change c = {0};

  (void) state;
  cached_pair_meet_bonded(p);
  aioble_conn_set_hooks(p->at_client,
                        &(aioble_conn_hooks_t){.on_services_changed = on_change, .user = &c});
  changes = cached_pair_char(p, 0x1801, 0x2a05);
  chr = cached_pair_char(p, 0x181a, 0x2a6e);
  sim_expect(aioble_client_char_subscribe(changes, 0), 0); /* somebody meddles */
  cached_pair_add_extra(p);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 0);
  sim_expect(aioble_client_char_read(chr), stale);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.first, 1);
  assert_int_equal(c.last, 0xffff);
  sim_expect(aioble_client_char_read(chr), stale);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things + 3);
  sim_run_ms(&p->s, 100);
  c.calls = 0;
  cached_pair_remove_extra(p); /* it was asked to tell again */
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things);
  aioble_client_char_unref(changes);
  aioble_client_char_unref(chr);
  cached_pair_free(p);
}

/* ---- two who want to know ---- */

static void who_has_subscribed_by_hand_is_told_too(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  aioble_client_char_t *changes;
  aioble_op_t *value;
  change c = {0};

  (void) state;
  (void) learn(p);
  cached_pair_meet_bonded(p);
  aioble_conn_set_hooks(p->at_client,
                        &(aioble_conn_hooks_t){.on_services_changed = on_change, .user = &c});
  changes = cached_pair_char(p, 0x1801, 0x2a05);
  sim_expect(aioble_client_char_subscribe(changes, AIOBLE_SUBSCRIBE_INDICATE), 0);
  value = aioble_client_char_indicated(changes);
  cached_pair_add_extra(p);
  sim_ok(value);
  assert_int_equal(aioble_op_value(value).len, 4);
  aioble_op_unref(value);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  cached_pair_remove_extra(p);
  sim_run_ms(&p->s, 100);
  sim_expect(aioble_client_char_indicated(changes), 0);
  assert_int_equal(c.calls, 2);
  aioble_client_char_unref(changes);
  cached_pair_free(p);
}

/* … by one without a hash, that says only that something has changed */
static void where_changes_are_told_is_found_again_after_one_of_everything(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  static const uint8_t all[] = {1, 0, 0xff, 0xff};
  unsigned things;
  uint16_t handle;
  change c = {0};

  (void) state;
  p->hash_error = AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
  things = learn(p);
  cached_pair_meet_bonded(p);
  handle = p->at_client->cache.changes.handle;
  assert_true(handle > 0);
  aioble_client_char_unref(cached_pair_char(p, 0x180f, 0x2a19));
  ab_host_touch(p->client);
  ab_gatt_client_rx_value(&p->at_client->client, handle, all, sizeof all, true);
  aioble_client_char_unref(cached_pair_char(p, 0x180f, 0x2a19));
  sim_run_ms(&p->s, 100);
  cached_pair_part(p);
  cached_pair_meet_bonded(p);
  aioble_conn_set_hooks(p->at_client,
                        &(aioble_conn_hooks_t){.on_services_changed = on_change, .user = &c});
  cached_pair_add_extra(p);
  sim_run_ms(&p->s, 100);
  assert_int_equal(c.calls, 1);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things + 3);
  cached_pair_free(p);
}

/* ---- links that end ---- */

static void watch_for_ever(sim_watch *watch, aioble_op_t *op) {
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  sim_watch_op(watch, op);
}

static void cut(cached_pair *p) {
  assert_int_equal(aioble_virtual_link_loss(sim_stack_of(&p->s, p->client)->controller,
                                            p->at_client->link.hci.handle),
                   0);
  sim_run_ms(&p->s, 3000);
}

static void a_link_may_end_at_any_step_of_the_check(void **state) {
  cached_pair *p = cached_pair_new(NULL);
  unsigned things = learn(p), step = 0;
  sim_watch service, more;
  bool found = false;

  (void) state;
  for (; !found; step++) {
    cached_pair_meet_bonded(p);
    watch_for_ever(&service, aioble_conn_service(p->at_client, AIOBLE_UUID16(0x181a)));
    watch_for_ever(&more, aioble_conn_service(p->at_client, AIOBLE_UUID16(0x1801)));
    for (unsigned i = 0; i < step && !service.calls; i++)
      (void) aioble_virtual_run_once(p->s.radio);
    found = service.calls > 0;
    cut(p);
    assert_int_equal(service.calls, 1);
    assert_int_equal(more.calls, 1);
    assert_true(service.status == 0 || (!found && service.status == AIOBLE_ENOTCONN));
    sim_watch_end(&service);
    sim_watch_end(&more);
    cached_pair_part(p);
  }
  assert_true(step > 2);
  cached_pair_meet_bonded(p);
  assert_int_equal(cached_pair_discover(p, NULL, NULL), things);
  assert_int_equal(p->requests, 1); /* nothing was lost */
  cached_pair_free(p);
}

static void a_link_may_end_at_any_step_of_a_first_discovery(void **state) {
  cached_pair *p;
  unsigned step = 0, things = 0;
  aioble_discovery_t *d;
  bool done = false;

  (void) state;
  for (; !done; step += 3) {
    sim_watch next[3];

    p = cached_pair_new(NULL);
    cached_pair_meet_bonded(p);
    d = aioble_conn_services(p->at_client, NULL);
    for (unsigned i = 0; i < 3; i++)
      watch_for_ever(&next[i], aioble_discovery_next(d));
    for (unsigned i = 0; i < step; i++)
      (void) aioble_virtual_run_once(p->s.radio);
    done = step > 60;
    cut(p);
    for (unsigned i = 0; i < 3; i++) {
      assert_int_equal(next[i].calls, 1);
      sim_watch_end(&next[i]);
    }
    aioble_discovery_unref(d);
    cached_pair_part(p);
    cached_pair_meet_bonded(p);
    things = things ? things : cached_pair_discover(p, NULL, NULL);
    assert_int_equal(cached_pair_discover(p, NULL, NULL), things);
    cached_pair_free(p);
  }
}

/* ---- files ---- */

static void a_file_that_is_none_is_no_harm(void **state) {
  static const char *const files[] = {
      "what is this",
      "{\"version\": 1, \"peers\": 5}",
      /* a characteristic outside of every service */
      "{\"version\": 1, \"peers\": [{\"address\": \"02:a1:0b:1e:00:02\", \"type\": \"public\", "
      "\"gatt_client\": {\"attributes\": [{\"handle\": 3, \"kind\": \"characteristic\", "
      "\"uuid\": \"2a00\", \"value\": 4, \"contents_to\": 9}]}}]}",
  };
  unsigned first = 0;

  (void) state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    cached_pair *p = cached_pair_new(NULL);

    temp_dir_write(p->dir, "client.json", files[i]);
    cached_pair_meet_bonded(p);
    first = first ? first : cached_pair_cost(p);
    assert_true(first > 10);
    assert_int_equal(i ? cached_pair_cost(p) : first, first);
    cached_pair_part(p);
    cached_pair_restart_client(p);
    cached_pair_meet_bonded(p);
    assert_int_equal(cached_pair_cost(p), 1);
    cached_pair_free(p);
  }
}

static void what_was_learnt_is_on_the_disk_soon(void **state) {
  cached_pair *p = cached_pair_new(NULL);

  (void) state;
  (void) learn(p);
  assert_false(temp_dir_has(p->dir, "client.json"));
  sim_run_ms(&p->s, 4500);
  assert_false(temp_dir_has(p->dir, "client.json"));
  sim_run_ms(&p->s, 600);
  assert_true(temp_dir_has(p->dir, "client.json"));
  assert_true(temp_dir_has(p->dir, "server.json"));
  cached_pair_free(p);
}

static void on_log(void *user, int level, const char *text) {
  sim_stack *stack = user;
  cached_pair *p = stack->user;

  (void) level;
  p->warnings += strstr(text, "cannot write") != NULL;
}

static void a_disk_that_fails_is_said_once(void **state) {
  cached_pair *p =
      cached_pair_new(&(aioble_options_t){.log = on_log, .log_level = AIOBLE_LOG_WARN});

  char away[100];

  (void) state;
  (void) learn(p);
  (void) snprintf(away, sizeof away, "%s-away", p->dir);
  assert_int_equal(rename(p->dir, away), 0);
  temp_dir_write("/tmp", p->dir + strlen("/tmp/"), "in the way");
  sim_run_ms(&p->s, 6000);
  assert_int_equal(p->warnings, 1);
  for (unsigned i = 0; i < 2; i++) {
    cached_pair_add_extra(p);
    (void) learn(p);
    sim_run_ms(&p->s, 6000);
    cached_pair_remove_extra(p);
    (void) learn(p);
  }
  assert_int_equal(p->warnings, 1);
  assert_int_equal(unlink(p->dir), 0);
  assert_int_equal(rename(away, p->dir), 0);
  cached_pair_restart_client(p); /* and there it goes */
  assert_true(temp_dir_has(p->dir, "client.json"));
  assert_int_equal(p->warnings, 1);
  cached_pair_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bonded_peer_without_a_hash_is_believed),
      cmocka_unit_test(a_stranger_without_a_hash_is_not_remembered),
      cmocka_unit_test(who_refuses_the_hash_is_asked_each_time),
      cmocka_unit_test(a_value_out_of_sync_has_the_table_checked),
      cmocka_unit_test(a_discovery_out_of_sync_goes_on_by_itself),
      cmocka_unit_test(what_nobody_has_told_is_noticed_by_the_next_request),
      cmocka_unit_test(who_has_subscribed_by_hand_is_told_too),
      cmocka_unit_test(where_changes_are_told_is_found_again_after_one_of_everything),
      cmocka_unit_test(a_link_may_end_at_any_step_of_the_check),
      cmocka_unit_test(a_link_may_end_at_any_step_of_a_first_discovery),
      cmocka_unit_test(a_file_that_is_none_is_no_harm),
      cmocka_unit_test(what_was_learnt_is_on_the_disk_soon),
      cmocka_unit_test(a_disk_that_fails_is_said_once),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
