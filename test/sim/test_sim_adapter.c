/* SPDX-License-Identifier: MIT */
/* The adapter: opened, closed, opened again, with everything pending; configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "helpers/temp_dir.h"

static void opens_and_closes_many_times(void **state) {
  sim s;
  aioble_t *ble;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  for (int i = 0; i < 20; i++) {
    assert_false(aioble_is_open(ble));
    sim_expect(aioble_open(ble), 0);
    assert_true(aioble_is_open(ble));
    sim_expect(aioble_open(ble), 0);
    sim_expect(aioble_close(ble), 0);
  }
  sim_expect(aioble_close(ble), 0); /* closed already */
  assert_int_equal(s.stacks[0].lost, 0);
  sim_close(&s);
}

static void works_the_same_after_each_restart(void **state) {
  sim s;
  aioble_t *central, *peripheral;
  aioble_conn_t *c, *p;

  (void) state;
  sim_open(&s, NULL);
  central = sim_stack_new(&s, NULL, NULL);
  peripheral = sim_stack_new(&s, NULL, NULL);
  for (int i = 0; i < 3; i++) {
    sim_connect(central, peripheral, &c, &p);
    sim_expect(aioble_close(central), 0);
    assert_int_equal(aioble_conn_reason(c), AIOBLE_ERR_HCI(0x16));
    sim_expect(aioble_conn_disconnected(p), 0);
    assert_int_equal(aioble_conn_reason(p), AIOBLE_ERR_HCI(0x13));
    sim_expect(aioble_close(peripheral), 0);
    aioble_conn_unref(c);
    aioble_conn_unref(p);
  }
  sim_close(&s);
}

static void idle_is_idle(void **state) {
  sim s;
  aioble_t *ble;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  sim_expect(aioble_open(ble), 0);
  sim_run_ms(&s, 10);
  assert_false(aioble_virtual_run_once(s.radio)); /* no timer polls */
  sim_close(&s);
}

/* ---- closing with everything pending ---- */

typedef struct pending {
  sim_watch next, stop, connect, connect2, advertise, advertise2, rssi, params, gone, bye, open;
} pending;

static aioble_scan_t *start_all(pending *p, aioble_t *ble, aioble_conn_t *conn) {
  aioble_device_t *nobody = sim_device(ble, NULL);
  aioble_scan_t *scan = aioble_scan(ble, NULL);

  sim_watch_op(&p->next, aioble_scan_next(scan));
  sim_watch_op(&p->connect, aioble_device_connect(nobody, NULL));
  sim_watch_op(&p->connect2, aioble_device_connect(nobody, NULL));
  sim_watch_op(&p->advertise, aioble_advertise(ble, NULL));
  sim_watch_op(&p->advertise2, aioble_advertise(ble, NULL));
  sim_watch_op(&p->rssi, aioble_conn_rssi(conn));
  sim_watch_op(&p->params,
               aioble_conn_update_params(conn, &(aioble_conn_update_t){.interval_min_us = 100000,
                                                                       .interval_max_us = 100000}));
  sim_watch_op(&p->gone, aioble_conn_disconnected(conn));
  aioble_device_unref(nobody);
  return scan;
}

static void closing_settles_everything_pending_once(void **state) {
  sim s;
  aioble_t *ble, *peer;
  aioble_conn_t *c, *c2;
  aioble_scan_t *scan;
  pending p;
  sim_watch close1, close2;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  peer = sim_stack_new(&s, NULL, NULL);
  sim_connect(ble, peer, &c, &c2);
  sim_run_ms(&s, 1000);
  scan = start_all(&p, ble, c);
  sim_watch_op(&close1, aioble_close(ble));
  sim_watch_op(&close2, aioble_close(ble));
  sim_watch_expect(&close1, 0);
  sim_run_ms(&s, 20000);
  assert_int_equal(close2.calls, 1);
  sim_watch_expect(&close2, 0);
  sim_watch_expect(&p.next, AIOBLE_ECANCELED);
  sim_watch_expect(&p.connect, AIOBLE_ECANCELED);
  sim_watch_expect(&p.connect2, AIOBLE_ECANCELED);
  sim_watch_expect(&p.advertise, AIOBLE_ECANCELED);
  sim_watch_expect(&p.advertise2, AIOBLE_ECANCELED);
  assert_int_equal(p.rssi.calls, 1); /* perhaps its answer came first */
  assert_true(p.rssi.status == 0 || p.rssi.status == AIOBLE_ENOTCONN);
  sim_watch_end(&p.rssi);
  sim_watch_expect(&p.params, AIOBLE_ENOTCONN);
  sim_watch_expect(&p.gone, 0);
  assert_int_equal(s.stacks[0].lost, 0);
  assert_false(aioble_is_open(ble));
  aioble_scan_unref(scan);
  aioble_conn_unref(c);
  aioble_conn_unref(c2);
  sim_close(&s);
}

static void closing_while_opening_settles_both(void **state) {
  sim s;
  aioble_t *ble;
  sim_watch open, close;

  (void) state;
  for (int steps = 0; steps < 60; steps++) {
    sim_open(&s, NULL);
    ble = sim_stack_new(&s, NULL, NULL);
    sim_watch_op(&open, aioble_open(ble));
    for (int i = 0; i < steps; i++)
      aioble_virtual_run_once(s.radio);
    sim_watch_op(&close, aioble_close(ble));
    sim_watch_expect(&close, 0);
    assert_int_equal(open.calls, 1);
    assert_true(open.status == 0 || open.status == AIOBLE_ECANCELED);
    sim_watch_end(&open);
    assert_false(aioble_is_open(ble));
    sim_close(&s);
  }
}

/* what the controller had to say before it heard of the reset */
static void events_that_come_while_closing_are_harmless(void **state) {
  static const uint8_t connected[] = {4, 0x3e, 19, 1, 0,    0x40, 0, 1, 0,    6, 5,
                                      4, 3,    2,  1, 0x18, 0,    0, 0, 0x48, 0, 0},
                       ended[] = {4, 5, 4, 0, 0x40, 0, 0x13},
                       report[] = {4, 0x3e, 12, 2, 1, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0xc0};
  sim s;
  aioble_t *ble;
  sim_watch advertise, close;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  sim_watch_op(&advertise, aioble_advertise(ble, NULL));
  sim_run_ms(&s, 500);
  assert_int_equal(aioble_virtual_controller_inject(s.stacks[0].controller, connected, 22), 0);
  assert_int_equal(aioble_virtual_controller_inject(s.stacks[0].controller, ended, 7), 0);
  assert_int_equal(aioble_virtual_controller_inject(s.stacks[0].controller, report, 15), 0);
  sim_watch_op(&close, aioble_close(ble));
  sim_watch_expect(&close, 0);
  sim_watch_expect(&advertise, AIOBLE_ECANCELED);
  sim_close(&s);
}

/* ---- asked while closing: done once it is closed ---- */

static void opening_while_closing_opens_again(void **state) {
  sim s;
  aioble_t *ble, *peer;
  aioble_conn_t *c, *c2;

  (void) state;
  for (int steps = 0; steps < 12; steps++) {
    sim_watch close, open, connect;
    aioble_device_t *device;

    sim_open(&s, NULL);
    ble = sim_stack_new(&s, NULL, NULL);
    peer = sim_stack_new(&s, NULL, NULL);
    sim_connect(ble, peer, &c, &c2);
    device = sim_device(ble, peer);
    sim_watch_op(&close, aioble_close(ble));
    for (int i = 0; i < steps && !close.calls; i++)
      aioble_virtual_run_once(s.radio);
    sim_watch_op(&open, aioble_open(ble));
    sim_watch_op(&connect, aioble_device_connect(device, NULL));
    sim_watch_expect(&close, 0);
    sim_watch_expect(&open, 0);
    assert_true(aioble_is_open(ble));
    sim_expect(aioble_advertise(peer, NULL), 0);
    sim_watch_expect(&connect, 0);
    aioble_device_unref(device);
    aioble_conn_unref(c);
    aioble_conn_unref(c2);
    sim_close(&s);
  }
}

static void closing_again_ends_what_was_asked_meanwhile(void **state) {
  sim s;
  aioble_t *ble;

  (void) state;
  for (int steps = 0; steps < 8; steps++) {
    sim_watch close, open, advertise, close2;

    sim_open(&s, NULL);
    ble = sim_stack_new(&s, NULL, NULL);
    sim_expect(aioble_open(ble), 0);
    sim_watch_op(&close, aioble_close(ble));
    sim_watch_op(&open, aioble_open(ble));
    sim_watch_op(&advertise, aioble_advertise(ble, NULL));
    for (int i = 0; i < steps; i++)
      aioble_virtual_run_once(s.radio);
    sim_watch_op(&close2, aioble_close(ble));
    sim_watch_expect(&close2, 0);
    sim_run_ms(&s, 10000);
    sim_watch_expect(&close, 0);
    sim_watch_expect(&advertise, AIOBLE_ECANCELED);
    assert_int_equal(open.calls, 1);
    sim_watch_end(&open);
    assert_false(aioble_is_open(ble));
    sim_close(&s);
  }
}

struct reopening {
  aioble_t *ble;
  sim_watch open;
};

static void reopen(aioble_op_t *op, int status, void *user) {
  struct reopening *r = user;

  (void) op;
  assert_int_equal(status, 0);
  sim_watch_op(&r->open, aioble_open(r->ble));
}

static void a_closed_stack_can_be_opened_from_the_close_s_continuation(void **state) {
  sim s;
  struct reopening r;

  (void) state;
  sim_open(&s, NULL);
  r.ble = sim_stack_new(&s, NULL, NULL);
  sim_expect(aioble_open(r.ble), 0);
  aioble_op_then(aioble_close(r.ble), reopen, &r);
  sim_run_ms(&s, 3000);
  sim_watch_expect(&r.open, 0);
  assert_true(aioble_is_open(r.ble));
  sim_close(&s);
}

/* ---- addresses ---- */

static void an_adapter_without_address_keeps_its_random_one(void **state) {
  sim s;
  aioble_t *ble;
  aioble_addr_t first, again[2];
  char path[256];
  char *dir = temp_dir_new();

  (void) state;
  (void) snprintf(path, sizeof path, "%s/state.json", dir);
  for (int i = 0; i < 2; i++) {
    sim_open(&s, NULL);
    /* the second stack's randomness is another one: only the file can tell it */
    ble = sim_stack_new(&s, &(aioble_options_t){.store = path, .appearance = (uint16_t) i},
                        &(aioble_virtual_controller_options_t){.no_public_addr = true});
    again[i] = sim_addr(ble);
    assert_int_equal(aioble_addr_kind(&again[i]), AIOBLE_ADDR_KIND_STATIC);
    sim_expect(aioble_close(ble), 0);
    first = sim_addr(ble);
    assert_true(aioble_addr_equal(&first, &again[i]));
    sim_close(&s);
  }
  assert_true(aioble_addr_equal(&again[0], &again[1]));
  temp_dir_free(dir);
}

static void addr_mode_takes_effect_at_the_next_open(void **state) {
  sim s;
  aioble_t *ble;
  aioble_addr_t addr;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  addr = sim_addr(ble);
  assert_int_equal(addr.type, AIOBLE_ADDR_PUBLIC);
  assert_int_equal(aioble_config_set(ble, "addr_mode", "random"), 0);
  assert_int_equal(sim_addr(ble).type, AIOBLE_ADDR_PUBLIC);
  sim_expect(aioble_close(ble), 0);
  addr = sim_addr(ble);
  assert_int_equal(aioble_addr_kind(&addr), AIOBLE_ADDR_KIND_STATIC);
  assert_int_equal(aioble_config_set(ble, "addr_mode", "public"), 0);
  sim_expect(aioble_close(ble), 0);
  assert_int_equal(sim_addr(ble).type, AIOBLE_ADDR_PUBLIC);
  sim_close(&s);
}

/* ---- configuration ---- */

static void expect_config(aioble_t *ble, const char *key, const char *value) {
  char text[300];

  assert_int_equal(aioble_config_get(ble, key, text, sizeof text), 0);
  assert_string_equal(text, value);
}

static void every_key_is_read_and_written(void **state) {
  static const char *const writable[][2] = {
      {"addr_mode", "random"}, {"gap_name", "Wetter \xc3\xb6"},
      {"mtu", "23"},           {"mtu", "517"},
      {"bond", "false"},       {"mitm", "true"},
      {"le_secure", "false"},  {"io", "keyboard-display"},
      {"log_level", "3"},
  };
  sim s;
  aioble_t *ble;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  expect_config(ble, "gap_name", "aioble");
  expect_config(ble, "mtu", "517");
  for (size_t i = 0; i < sizeof writable / sizeof *writable; i++) {
    assert_int_equal(aioble_config_set(ble, writable[i][0], writable[i][1]), 0);
    expect_config(ble, writable[i][0], writable[i][1]);
  }
  sim_close(&s);
}

static void bad_keys_and_values_are_clear_errors(void **state) {
  static const char *const bad[][2] = {
      {"addr_mode", "Public"}, {"mtu", "22"},   {"mtu", "518"},      {"mtu", ""},
      {"mtu", "100x"},         {"bond", "yes"}, {"io", "telepathy"}, {"log_level", "4"},
      {"log_level", "-1"},
  };
  char text[32], name[251];
  sim s;
  aioble_t *ble;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(aioble_config_set(ble, bad[i][0], bad[i][1]), AIOBLE_EINVAL);
  assert_int_equal(aioble_config_set(ble, "mtu", NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_config_set(ble, "rxbuf", "1"), AIOBLE_ENOENT);
  assert_int_equal(aioble_config_set(ble, NULL, "1"), AIOBLE_ENOENT);
  assert_int_equal(aioble_config_set(ble, "mac", "public 00:00:00:00:00:00"), AIOBLE_EPERM);
  assert_int_equal(aioble_config_get(ble, "rxbuf", text, sizeof text), AIOBLE_ENOENT);
  assert_int_equal(aioble_config_get(ble, "mac", text, sizeof text), AIOBLE_ENODEV);
  assert_int_equal(aioble_config_get(ble, "gap_name", text, 3), AIOBLE_EMSGSIZE);
  memset(name, 'a', sizeof name);
  name[249] = 0;
  assert_int_equal(aioble_config_set(ble, "gap_name", name), AIOBLE_EINVAL);
  name[248] = 0;
  assert_int_equal(aioble_config_set(ble, "gap_name", name), 0);
  expect_config(ble, "gap_name", name);
  sim_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_and_closes_many_times),
      cmocka_unit_test(works_the_same_after_each_restart),
      cmocka_unit_test(idle_is_idle),
      cmocka_unit_test(closing_settles_everything_pending_once),
      cmocka_unit_test(closing_while_opening_settles_both),
      cmocka_unit_test(events_that_come_while_closing_are_harmless),
      cmocka_unit_test(opening_while_closing_opens_again),
      cmocka_unit_test(closing_again_ends_what_was_asked_meanwhile),
      cmocka_unit_test(a_closed_stack_can_be_opened_from_the_close_s_continuation),
      cmocka_unit_test(an_adapter_without_address_keeps_its_random_one),
      cmocka_unit_test(addr_mode_takes_effect_at_the_next_open),
      cmocka_unit_test(every_key_is_read_and_written),
      cmocka_unit_test(bad_keys_and_values_are_clear_errors),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
