/* SPDX-License-Identifier: MIT */
/*
 * What the library does when a peer refuses something for want of security: errors × policies ×
 * bonds × roles, every kind of request, many at once, in vain, and late.
 */
#include "helpers/strict_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
  AUTHENTICATION = AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION,
  ENCRYPTION = AB_ATT_ERR_INSUFFICIENT_ENCRYPTION,
  KEY_SIZE = AB_ATT_ERR_KEY_SIZE_TOO_SHORT,
};

static void expect_level(const strict_pair *p, unsigned level) {
  assert_int_equal(p->at_client->smp.security.level, level);
}

/* ---- the table ---- */

/* a new link between bonded peers, which nobody has encrypted yet */
static void meet_with_bonds(strict_pair *p, bool client_is_central) {
  aioble_t *central = client_is_central ? p->client : p->server;
  ab_list hidden;

  sim_connect(p->client, p->server, &p->at_client, &p->at_server);
  sim_expect(aioble_conn_pair(p->at_client, NULL), 0);
  sim_run_ms(&p->s, 100);
  sim_expect(aioble_conn_disconnect(p->at_client), 0);
  strict_pair_part(p);
  sim_run_ms(&p->s, 100);
  ab_list_take_all(&hidden, &central->smp.bonds);
  strict_pair_meet(p, client_is_central);
  ab_list_take_all(&central->smp.bonds, &hidden);
  p->pairings = 0;
  expect_level(p, 0);
}

static void tell_cell(uint8_t code, aioble_auto_secure_t use, bool bonds, bool client_is_central) {
  static const char *const uses[] = {"default", "bonded", "pair", "never"};
  bool pairs = use == AIOBLE_AUTO_SECURE_PAIR && !bonds;
  bool works = pairs || (bonds && use != AIOBLE_AUTO_SECURE_NEVER);
  int status = works ? 0 : AIOBLE_ERR_ATT(code);
  strict_pair p;

  strict_pair_open(&p, &(aioble_options_t){.auto_secure = use});
  p.code = code;
  if (bonds)
    meet_with_bonds(&p, client_is_central);
  else
    strict_pair_meet(&p, client_is_central);
  sim_expect(strict_read(&p), status);
  assert_int_equal(p.asked, works ? 2 : 1);
  assert_int_equal(p.served, works);
  /* a server that is the central is asked for it by Security Request */
  assert_int_equal(p.pairings, pairs);
  expect_level(&p, works);
  assert_int_equal(aioble_bonds(p.client, NULL, 0), works || bonds);
  sim_expect(strict_read(&p), status);
  assert_int_equal(p.asked, works ? 3 : 2);
  assert_int_equal(p.pairings, pairs);
  print_message("0x%02x %-8s %-7s client is %-10s -> %s\n", code, uses[use],
                bonds ? "bonds" : "no bond", client_is_central ? "central" : "peripheral",
                works ? (pairs ? "paired" : "encrypted") : "refused");
  strict_pair_close(&p);
}

static void the_table(void **state) {
  static const uint8_t codes[] = {AUTHENTICATION, ENCRYPTION, KEY_SIZE};

  (void) state;
  for (unsigned i = 0; i < 3; i++)
    for (unsigned use = AIOBLE_AUTO_SECURE_DEFAULT; use <= AIOBLE_AUTO_SECURE_NEVER; use++)
      for (unsigned k = 0; k < 4; k++)
        tell_cell(codes[i], (aioble_auto_secure_t) use, k & 1, k & 2);
}

static void what_a_connection_is_to_do_goes_before(void **state) {
  for (unsigned i = 0; i < 2; i++) {
    aioble_auto_secure_t stack = i ? AIOBLE_AUTO_SECURE_NEVER : AIOBLE_AUTO_SECURE_PAIR;
    aioble_auto_secure_t own = i ? AIOBLE_AUTO_SECURE_PAIR : AIOBLE_AUTO_SECURE_NEVER;
    aioble_device_t *device;
    aioble_op_t *adv, *op;
    strict_pair p;

    (void) state;
    strict_pair_open(&p, &(aioble_options_t){.auto_secure = stack});
    device = sim_device(p.client, p.server);
    adv = aioble_advertise(p.server, NULL);
    op = sim_ok(aioble_device_connect(device, &(aioble_connect_options_t){.auto_secure = own}));
    p.at_client = aioble_conn_ref(aioble_op_conn(op));
    p.at_server = aioble_conn_ref(aioble_op_conn(sim_ok(adv)));
    aioble_op_unref(adv);
    aioble_op_unref(op);
    strict_pair_find(&p);
    sim_expect(strict_read(&p), i ? 0 : AIOBLE_ERR_ATT(AUTHENTICATION));
    sim_expect(aioble_device_connect(device, &(aioble_connect_options_t){.auto_secure = 4}),
               0); /* it is connected already */
    sim_expect(aioble_conn_disconnect(p.at_client), 0);
    sim_expect(aioble_device_connect(device, &(aioble_connect_options_t){.auto_secure = 4}),
               AIOBLE_EINVAL);
    aioble_device_unref(device);
    strict_pair_close(&p);
  }
}

/* ---- every kind of request ---- */

static void every_kind_of_request_is_sent_once_more(void **state) {
  (void) state;
  for (unsigned i = 0; i < STRICT_REQUESTS; i++) {
    strict_pair p;
    int status;

    print_message("%s\n", strict_requests[i].name);
    strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_NEVER);
    status = aioble_op_finish(strict_requests[i].ask(&p));
    assert_true(AIOBLE_ERR_IS_ATT(status));
    assert_true(p.asked <= 1);
    strict_pair_close(&p);
    strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
    sim_expect(strict_requests[i].ask(&p), 0);
    assert_int_equal(p.pairings, 1);
    assert_true(p.asked == 0 || p.asked == p.served + 1);
    strict_pair_close(&p);
  }
}

static void a_part_of_a_long_value_is_asked_for_once_more(void **state) {
  strict_pair p;
  aioble_op_t *op;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.from = 23; /* the third request */
  op = sim_ok(aioble_client_char_read(p.found[STRICT_CHARS - 1]));
  assert_int_equal(aioble_op_value(op).len, STRICT_LONG);
  assert_int_equal(p.asked, 2);
  assert_int_equal(p.pairings, 1);
  aioble_op_unref(op);
  strict_pair_close(&p);
}

/* a server that refuses only when it is to execute what was prepared has forgotten it then */
static void a_reliable_write_is_done_again_from_the_beginning(void **state) {
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  sim_expect(strict_requests[STRICT_WRITE + 1].ask(&p), 0);
  assert_int_equal(p.asked, 2);
  assert_int_equal(aioble_char_read(p.chars[0]).data[0], 5);
  assert_int_equal(aioble_char_read(p.chars[0]).len, STRICT_LONG);
  p.level = AIOBLE_SECURITY_AUTHENTICATED;
  sim_expect(strict_requests[STRICT_RELIABLE].ask(&p), AIOBLE_ERR_ATT(AUTHENTICATION));
  strict_pair_close(&p);
}

/* … on whatever bearer: the link is encrypted, but that is not enough */
static void on_enhanced_bearers_as_well(void **state) {
  strict_pair p;

  (void) state;
  strict_pair_open(&p, &(aioble_options_t){.auto_secure = AIOBLE_AUTO_SECURE_PAIR, .eatt = 3});
  strict_pair_meet(&p, true);
  sim_expect(aioble_conn_pair(p.at_client, NULL), 0);
  sim_run_ms(&p.s, 500);
  assert_int_equal(aioble_conn_bearers(p.at_client), 4);
  assert_int_equal(aioble_config_set(p.client, "io", "display-yesno"), 0);
  assert_int_equal(aioble_config_set(p.server, "io", "display-yesno"), 0);
  p.level = AIOBLE_SECURITY_SECURE_CONNECTIONS;
  p.pairings = 0;
  {
    sim_watch watch[8];

    for (unsigned i = 0; i < 8; i++)
      sim_watch_op(&watch[i], i % 2 ? aioble_client_char_write(p.found[2 * (i % 4 / 2)], "x", 1,
                                                               AIOBLE_WRITE_REQUEST)
                                    : strict_read(&p));
    for (unsigned i = 0; i < 8; i++)
      sim_watch_expect(&watch[i], 0);
  }
  assert_int_equal(p.served, 8);
  assert_in_range(p.asked, 12, 16); /* at least one on each bearer was refused */
  assert_int_equal(p.pairings, 1);
  expect_level(&p, 3);
  strict_pair_close(&p);
}

/* ---- many at once ---- */

static void all_that_is_refused_meanwhile_waits_for_one_pairing(void **state) {
  sim_watch watch[12];
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  for (unsigned i = 0; i < 12; i++) {
    static const char texts[] = "abcdef";

    sim_watch_op(&watch[i], i % 2 ? aioble_client_char_write(p.found[i % 4 == 1 ? 0 : 3],
                                                             &texts[i / 2], 1, AIOBLE_WRITE_REQUEST)
                                  : aioble_client_char_read(p.found[i % 3]));
  }
  for (unsigned i = 0; i < 12; i++)
    sim_watch_expect(&watch[i], 0);
  assert_int_equal(p.pairings, 1);
  assert_string_equal(p.order, "abcdef"); /* writes keep it */
  strict_pair_close(&p);
}

/* ---- in vain ---- */

static void a_pairing_that_is_refused_says_why_and_is_not_tried_again(void **state) {
  aioble_op_t *op;
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  assert_int_equal(aioble_config_set(p.server, "pairable", "false"), 0);
  for (unsigned i = 1; i < 4; i++) {
    op = strict_read(&p);
    assert_int_equal(aioble_op_await(op), AIOBLE_ERR_ATT(AUTHENTICATION));
    assert_non_null(strstr(aioble_op_message(op), aioble_strerror(AIOBLE_ERR_ATT(AUTHENTICATION))));
    assert_non_null(strstr(aioble_op_message(op), aioble_strerror(AIOBLE_ERR_SMP(0x05))));
    aioble_op_unref(op);
    assert_int_equal(p.asked, i);
  }
  assert_int_equal(p.client->smp.attempts[0].failures, 0);
  assert_int_equal(p.pairings, 0); /* not even asked about */
  assert_int_equal(aioble_config_set(p.server, "pairable", "true"), 0);
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AUTHENTICATION));
  sim_expect(aioble_conn_pair(p.at_client, NULL), 0); /* the application's choice */
  sim_expect(strict_read(&p), 0);
  strict_pair_close(&p);
}

static void what_pairing_does_not_help_is_refused_twice(void **state) {
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.level = AIOBLE_SECURITY_AUTHENTICATED;
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AUTHENTICATION));
  assert_int_equal(p.asked, 2);
  expect_level(&p, 1);
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AUTHENTICATION));
  assert_int_equal(p.asked, 3); /* there is nothing more that this client could do */
  p.code = ENCRYPTION;
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(ENCRYPTION));
  p.code = KEY_SIZE;
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(KEY_SIZE));
  p.code = AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION;
  sim_expect(strict_read(&p), AIOBLE_ERR_ATT(AB_ATT_ERR_INSUFFICIENT_AUTHORIZATION));
  assert_int_equal(p.asked, 6);
  assert_int_equal(p.pairings, 1);
  strict_pair_close(&p);
}

/* by users who can compare, at once; a second pairing where the first was not enough */
static void as_much_as_both_can_is_asked_for(void **state) {
  (void) state;
  for (unsigned i = 0; i < 2; i++) {
    strict_pair p;

    strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
    p.level = AIOBLE_SECURITY_SECURE_CONNECTIONS;
    if (i)
      sim_expect(aioble_conn_pair(p.at_client, NULL), 0);
    p.pairings = 0;
    assert_int_equal(aioble_config_set(p.client, "io", "display-yesno"), 0);
    assert_int_equal(aioble_config_set(p.server, "io", "display-yesno"), 0);
    sim_expect(strict_read(&p), 0);
    assert_int_equal(p.asked, 2);
    assert_int_equal(p.pairings, 1);
    expect_level(&p, 3);
    strict_pair_close(&p);
  }
}

/* ---- time ---- */

static void the_limits_of_ours_do_not_run_meanwhile(void **state) {
  sim_watch watch[STRICT_REQUESTS], impatient;
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.later = true;
  for (unsigned i = 0; i < STRICT_REQUESTS; i++)
    sim_watch_op(&watch[i], strict_requests[i].ask(&p));
  sim_watch_op(&impatient, strict_read(&p));
  aioble_op_set_timeout(impatient.op, 3000);
  sim_run_ms(&p.s, 15000);
  assert_int_equal(impatient.calls, 1);
  for (unsigned i = 0; i < STRICT_REQUESTS; i++)
    assert_int_equal(watch[i].calls, 0);
  assert_int_equal(aioble_pairing_answer(p.at_server, true, 0), 0);
  for (unsigned i = 0; i < STRICT_REQUESTS; i++)
    sim_watch_expect(&watch[i], 0);
  sim_watch_expect(&impatient, AIOBLE_ETIMEDOUT);
  assert_int_equal(p.pairings, 1);
  strict_pair_close(&p);
}

/* … and begin again, so that a server which then says nothing does not hold anybody */
static void the_limits_run_again_after_it(void **state) {
  sim_watch watch;
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.later = true;
  sim_watch_op(&watch, strict_read(&p));
  sim_run_ms(&p.s, 2900);
  assert_int_equal(p.pairings, 1);
  assert_int_equal(aioble_pairing_answer(p.at_server, true, 0), 0);
  while (p.at_client->demand.busy)
    assert_true(aioble_virtual_run_once(p.s.radio));
  aioble_virtual_controller_set_silent(sim_stack_of(&p.s, p.server)->controller, true);
  sim_run_ms(&p.s, 900);
  assert_int_equal(watch.calls, 0);
  sim_run_ms(&p.s, 200);
  sim_watch_expect(&watch, AIOBLE_ETIMEDOUT);
  strict_pair_close(&p);
}

/* nobody answers at all: the pairing's own limit ends it */
static void a_pairing_that_does_not_end_does_not_hold_anybody_for_ever(void **state) {
  sim_watch watch;
  strict_pair p;

  (void) state;
  strict_pair_set_up(&p, AIOBLE_AUTO_SECURE_PAIR);
  p.later = true;
  sim_watch_op(&watch, strict_read(&p));
  sim_run_ms(&p.s, 19000);
  assert_int_equal(watch.calls, 0);
  sim_run_ms(&p.s, 2000);
  sim_watch_expect(&watch, AIOBLE_ERR_ATT(AUTHENTICATION));
  strict_pair_close(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table),
      cmocka_unit_test(what_a_connection_is_to_do_goes_before),
      cmocka_unit_test(every_kind_of_request_is_sent_once_more),
      cmocka_unit_test(a_part_of_a_long_value_is_asked_for_once_more),
      cmocka_unit_test(a_reliable_write_is_done_again_from_the_beginning),
      cmocka_unit_test(on_enhanced_bearers_as_well),
      cmocka_unit_test(all_that_is_refused_meanwhile_waits_for_one_pairing),
      cmocka_unit_test(a_pairing_that_is_refused_says_why_and_is_not_tried_again),
      cmocka_unit_test(what_pairing_does_not_help_is_refused_twice),
      cmocka_unit_test(as_much_as_both_can_is_asked_for),
      cmocka_unit_test(the_limits_of_ours_do_not_run_meanwhile),
      cmocka_unit_test(the_limits_run_again_after_it),
      cmocka_unit_test(a_pairing_that_does_not_end_does_not_hold_anybody_for_ever),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
