/* SPDX-License-Identifier: MIT */
/*
 * Who may pair with us: "pairable", the user's consent, Secure Connections Only mode; and keys that
 * the peer's user presses.
 */
#include "helpers/sim.h"
#include "host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CENTRAL, PERIPHERAL, CHARS = 2, PSM = 0x80 };

typedef struct side {
  aioble_t *ble;
  aioble_conn_t *conn;
  unsigned requests; /* to pair */
  unsigned prompts;
  int failed; /* on_security with a failure */
  unsigned keys;
  int key[8];
} side;

typedef struct world {
  sim s;
  side side[2];
  aioble_service_t *service;
  aioble_listener_t *listener;
} world;

/* ---- both sides ---- */

static void on_pairing_request(aioble_conn_t *conn, void *user) {
  side *at = user;

  assert_ptr_equal(conn, at->conn);
  at->requests++;
}

static void agree(aioble_conn_t *conn, void *user) {
  on_pairing_request(conn, user);
  assert_int_equal(aioble_pairing_answer(conn, true, 0), 0);
}

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  (void) number;
  ((side *) user)->prompts++;
  if (prompt == AIOBLE_PROMPT_COMPARE)
    assert_int_equal(aioble_pairing_answer(conn, true, 0), 0);
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  (void) conn;
  if (status < 0)
    ((side *) user)->failed = status;
}

static void on_keypress(aioble_conn_t *conn, int key, void *user) {
  side *at = user;

  (void) conn;
  assert_true(at->keys < 8);
  at->key[at->keys++] = key;
}

static void configure(side *at, const char *key, const char *value) {
  char text[32];

  assert_int_equal(aioble_config_set(at->ble, key, value), 0);
  assert_int_equal(aioble_config_get(at->ble, key, text, sizeof text), 0);
  assert_string_equal(text, value);
}

static void connect_sides(world *w) {
  sim_connect(w->side[CENTRAL].ble, w->side[PERIPHERAL].ble, &w->side[CENTRAL].conn,
              &w->side[PERIPHERAL].conn);
  for (unsigned i = 0; i < 2; i++)
    aioble_conn_set_hooks(w->side[i].conn, &(aioble_conn_hooks_t){.on_security = on_security,
                                                                  .on_keypress = on_keypress,
                                                                  .user = &w->side[i]});
}

static void disconnect_sides(world *w) {
  sim_expect(aioble_conn_disconnect(w->side[CENTRAL].conn), 0);
  sim_expect(aioble_conn_disconnected(w->side[PERIPHERAL].conn), 0);
  for (unsigned i = 0; i < 2; i++)
    w->side[i].conn = aioble_conn_unref(w->side[i].conn);
}

static void set_up(world *w) {
  memset(w, 0, sizeof *w);
  sim_open(&w->s, NULL);
  for (unsigned i = 0; i < 2; i++) {
    w->side[i].ble = sim_stack_new(&w->s, NULL, NULL);
    aioble_set_on_prompt(w->side[i].ble, on_prompt, &w->side[i]);
  }
  connect_sides(w);
}

static void tear_down(world *w) {
  for (unsigned i = 0; i < 2; i++)
    aioble_conn_unref(w->side[i].conn);
  aioble_listener_unref(w->listener);
  aioble_service_unref(w->service);
  sim_close(&w->s);
}

/* ---- pairable ---- */

static void nobody_pairs_with_a_host_that_does_not_want_to(void **state) {
  (void) state;
  for (unsigned asks = 0; asks < 2; asks++) {
    world w;

    set_up(&w);
    configure(&w.side[!asks], "pairable", "bonded"); /* and there is no bond */
    sim_expect(aioble_conn_pair(w.side[asks].conn, NULL), AIOBLE_ERR_SMP(0x05));
    configure(&w.side[!asks], "pairable", "false");
    sim_expect(aioble_conn_pair(w.side[asks].conn, NULL), AIOBLE_ERR_SMP(0x05));
    assert_int_equal(aioble_config_set(w.side[!asks].ble, "pairable", "yes"), AIOBLE_EINVAL);
    assert_int_equal(w.side[!asks].failed, 0);                 /* there was no pairing */
    sim_expect(aioble_conn_pair(w.side[!asks].conn, NULL), 0); /* its own */
    disconnect_sides(&w);
    connect_sides(&w); /* a bond is good all the same */
    sim_run_ms(&w.s, 100);
    assert_true(aioble_conn_security(w.side[asks].conn).bonded);
    tear_down(&w);
  }
}

/* ---- consent ---- */

static void a_peer_s_pairing_waits_for_the_user(void **state) {
  enum { AT_ONCE, LATE, NO, NEVER, LEFT, WAYS };
  static const int outcomes[WAYS] = {
      [NO] = AIOBLE_ERR_SMP(0x05), [NEVER] = AIOBLE_ETIMEDOUT, [LEFT] = AIOBLE_ENOTCONN};

  (void) state;
  for (unsigned i = 0; i < 2 * WAYS; i++) {
    unsigned asks = i % 2, way = i / 2;
    sim_watch watch;
    side *at;
    world w;

    set_up(&w);
    at = &w.side[!asks];
    aioble_set_on_pairing_request(at->ble, way == AT_ONCE ? agree : on_pairing_request, at);
    sim_watch_op(&watch, aioble_conn_pair(w.side[asks].conn, NULL));
    sim_run_ms(&w.s, way == NEVER ? 35000 : 10000);
    assert_int_equal(at->requests, 1);
    assert_int_equal(watch.calls, way == AT_ONCE || way == NEVER);
    if (way == LATE || way == NO)
      assert_int_equal(aioble_pairing_answer(at->conn, way == LATE, 0), 0);
    if (way == LEFT)
      sim_expect(aioble_conn_disconnect(w.side[asks].conn), 0);
    sim_watch_expect(&watch, outcomes[way]);
    sim_run_ms(&w.s, 1000);
    assert_int_equal(aioble_pairing_answer(at->conn, true, 0),
                     way == LEFT ? AIOBLE_ENOTCONN : AIOBLE_EALREADY);
    assert_int_equal(aioble_conn_security(at->conn).encrypted, outcomes[way] == 0);
    assert_int_equal(at->requests, 1);
    tear_down(&w);
  }
}

static void our_own_pairing_asks_nobody(void **state) {
  (void) state;
  for (unsigned asks = 0; asks < 2; asks++) {
    world w;

    set_up(&w);
    aioble_set_on_pairing_request(w.side[asks].ble, on_pairing_request, &w.side[asks]);
    sim_expect(aioble_conn_pair(w.side[asks].conn, NULL), 0);
    assert_int_equal(w.side[asks].requests, 0);
    disconnect_sides(&w); /* nor does a bond */
    aioble_set_on_pairing_request(w.side[!asks].ble, on_pairing_request, &w.side[!asks]);
    connect_sides(&w);
    sim_expect(aioble_conn_pair(w.side[asks].conn, NULL), 0);
    assert_int_equal(w.side[asks].requests + w.side[!asks].requests, 0);
    tear_down(&w);
  }
}

static void nobody_left_to_ask_is_a_refusal(void **state) {
  sim_watch watch;
  world w;

  (void) state;
  set_up(&w);
  aioble_set_on_pairing_request(w.side[PERIPHERAL].ble, on_pairing_request, &w.side[PERIPHERAL]);
  sim_watch_op(&watch, aioble_conn_pair(w.side[CENTRAL].conn, NULL));
  while (!w.side[PERIPHERAL].conn->smp.pairing && aioble_virtual_run_once(w.s.radio)) {}
  aioble_set_on_pairing_request(w.side[PERIPHERAL].ble, NULL, NULL);
  sim_run_ms(&w.s, 100);
  if (!w.side[PERIPHERAL].requests) { /* it had not been asked yet */
    sim_watch_expect(&watch, AIOBLE_ERR_SMP(0x05));
  } else {
    assert_int_equal(aioble_pairing_answer(w.side[PERIPHERAL].conn, false, 0), 0);
    sim_watch_expect(&watch, AIOBLE_ERR_SMP(0x05));
  }
  aioble_set_on_pairing_request(NULL, on_pairing_request, NULL); /* harmless */
  tear_down(&w);
}

/* ---- Secure Connections Only mode, Part C, 10.2.4 ---- */

static void serve(world *w) {
  aioble_char_options_t options = {.initial = {(const uint8_t *) "x", 1}};

  w->service = aioble_service_new(w->side[PERIPHERAL].ble, AIOBLE_UUID16(0x181a));
  for (uint16_t i = 0; i < CHARS; i++) {
    options.read_security = i ? AIOBLE_SECURITY_ENCRYPTED : AIOBLE_SECURITY_NONE;
    assert_non_null(
        aioble_char_new(w->service, aioble_uuid16((uint16_t) (0x2a10 + i)), AIOBLE_READ, &options));
  }
  assert_int_equal(aioble_register_services(w->side[PERIPHERAL].ble, &w->service, 1), 0);
  w->listener =
      aioble_l2cap_listen(w->side[PERIPHERAL].ble, PSM,
                          &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
}

static void expect_access(world *w, int secured, int channel) {
  aioble_conn_t *conn = w->side[CENTRAL].conn;

  sim_expect(aioble_conn_read_by_uuid(conn, AIOBLE_UUID16(0x2a10)), 0); /* needs nothing */
  sim_expect(aioble_conn_read_by_uuid(conn, AIOBLE_UUID16(0x2a11)), secured);
  sim_expect(aioble_conn_l2cap_connect(conn, PSM, NULL), channel);
}

static void in_secure_connections_only_mode_nothing_less_counts(void **state) {
  const int refused = AIOBLE_ERR_ATT(0x05), no_channel = AIOBLE_ERR_L2CAP(0x0005);
  aioble_pair_options_t compare = {.io = AIOBLE_IO_DISPLAY_YESNO};
  world w;

  (void) state;
  set_up(&w);
  serve(&w);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), 0);
  expect_access(&w, 0, 0);
  configure(&w.side[PERIPHERAL], "secure_only", "true"); /* at once */
  expect_access(&w, refused, no_channel);
  configure(&w.side[PERIPHERAL], "secure_only", "false");
  expect_access(&w, 0, 0);
  configure(&w.side[PERIPHERAL], "secure_only", "true");
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &(aioble_pair_options_t){.mitm = AIOBLE_YES}),
             AIOBLE_ERR_SMP(0x03));
  configure(&w.side[PERIPHERAL], "io", "display-yesno");
  compare.mitm = AIOBLE_YES;
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &compare), 0);
  sim_run_ms(&w.s, 100);
  assert_true(aioble_conn_security(w.side[PERIPHERAL].conn).authenticated);
  expect_access(&w, 0, 0);
  disconnect_sides(&w);
  connect_sides(&w); /* this bond is good enough */
  expect_access(&w, 0, 0);
  tear_down(&w);
}

static void pairings_of_which_less_would_come_fail(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) { /* whose mode it is, and who asks */
    unsigned strict = i % 2, asks = i / 2;
    aioble_pair_options_t weak = {
        .le_secure = AIOBLE_LE_SECURE_PREFERRED, .mitm = AIOBLE_NO, .min_key_size = 7};
    world w;

    set_up(&w);
    configure(&w.side[strict], "secure_only", "true");
    sim_expect(aioble_conn_pair(w.side[asks].conn, &weak), AIOBLE_ERR_SMP(0x03));
    assert_false(aioble_conn_security(w.side[strict].conn).encrypted);
    configure(&w.side[0], "io", "display-yesno");
    configure(&w.side[1], "io", "display-yesno");
    weak.le_secure = AIOBLE_LE_SECURE_NEVER;
    if (asks != strict)
      sim_expect(aioble_conn_pair(w.side[asks].conn, &weak), AIOBLE_ERR_SMP(0x03));
    sim_expect(aioble_conn_pair(w.side[strict].conn, &weak), 0); /* whatever its options say */
    assert_true(aioble_conn_security(w.side[strict].conn).authenticated);
    assert_true(aioble_conn_security(w.side[strict].conn).secure_connections);
    tear_down(&w);
  }
}

static void a_weak_bond_encrypts_nothing_in_that_mode(void **state) {
  world w;

  (void) state;
  set_up(&w);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), 0);
  disconnect_sides(&w);
  configure(&w.side[CENTRAL], "secure_only", "true");
  connect_sides(&w);
  sim_run_ms(&w.s, 1000);
  assert_false(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
  assert_false(aioble_conn_security(w.side[PERIPHERAL].conn).encrypted);
  assert_int_equal(aioble_bonds(w.side[CENTRAL].ble, NULL, 0), 1); /* it is kept */
  disconnect_sides(&w);
  configure(&w.side[CENTRAL], "secure_only", "false");
  connect_sides(&w);
  assert_true(aioble_conn_security(w.side[CENTRAL].conn).bonded);
  tear_down(&w);
}

/* ---- keys pressed ---- */

static void several_keys_in_a_turn_are_told_one_by_one(void **state) {
  static const aioble_keypress_t keys[] = {AIOBLE_KEYPRESS_STARTED, AIOBLE_KEYPRESS_DIGIT,
                                           AIOBLE_KEYPRESS_DIGIT,   AIOBLE_KEYPRESS_ERASED,
                                           AIOBLE_KEYPRESS_CLEARED, AIOBLE_KEYPRESS_COMPLETED};
  enum { KEYS = sizeof keys / sizeof *keys };
  aioble_pair_options_t options = {.io = AIOBLE_IO_KEYBOARD_DISPLAY, .mitm = AIOBLE_YES};
  sim_watch watch;
  side *shows;
  world w;

  (void) state;
  set_up(&w);
  shows = &w.side[CENTRAL];
  configure(&w.side[PERIPHERAL], "io", "keyboard");
  sim_watch_op(&watch, aioble_conn_pair(shows->conn, &options));
  sim_run_ms(&w.s, 500);
  assert_int_equal(w.side[PERIPHERAL].prompts, 1);
  for (unsigned i = 0; i < KEYS; i++) /* at once: they arrive together */
    assert_int_equal(aioble_pairing_keypress(w.side[PERIPHERAL].conn, keys[i]), 0);
  sim_run_ms(&w.s, 500);
  assert_int_equal(shows->keys, KEYS);
  for (unsigned i = 0; i < KEYS; i++)
    assert_int_equal(shows->key[i], keys[i]);
  aioble_op_cancel(watch.op);
  sim_watch_expect(&watch, AIOBLE_ECANCELED);
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_pairs_with_a_host_that_does_not_want_to),
      cmocka_unit_test(a_peer_s_pairing_waits_for_the_user),
      cmocka_unit_test(our_own_pairing_asks_nobody),
      cmocka_unit_test(nobody_left_to_ask_is_a_refusal),
      cmocka_unit_test(in_secure_connections_only_mode_nothing_less_counts),
      cmocka_unit_test(pairings_of_which_less_would_come_fail),
      cmocka_unit_test(a_weak_bond_encrypts_nothing_in_that_mode),
      cmocka_unit_test(several_keys_in_a_turn_are_told_one_by_one),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
