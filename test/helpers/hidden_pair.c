/* SPDX-License-Identifier: MIT */
#include "helpers/hidden_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

const aioble_virtual_controller_options_t controllers[CONTROLLERS] = {
    {.resolving_list = 16},
    {.le_features_off = 1 << 6},
    {.no_public_addr = true},
};

const aioble_options_t hidden = {.private_address = true};

void set_up(world *w, const aioble_options_t *a, const aioble_options_t *b,
            const aioble_virtual_controller_options_t *controller) {
  memset(w, 0, sizeof *w);
  sim_open(&w->s, NULL);
  w->ble[A] = sim_stack_new(&w->s, a, controller);
  w->ble[B] = sim_stack_new(&w->s, b, controller);
}

static void let_go(world *w) {
  for (unsigned i = 0; i < SIDES; i++)
    w->conn[i] = aioble_conn_unref(w->conn[i]);
}

void tear_down(world *w) {
  let_go(w);
  sim_close(&w->s);
}

void part(world *w) {
  sim_expect(aioble_conn_disconnect(w->conn[A]), 0);
  sim_expect(aioble_conn_disconnected(w->conn[B]), 0);
  let_go(w);
}

/* ---- who is heard ---- */

unsigned hear(aioble_t *ble, aioble_addr_t *addr) {
  const aioble_scan_options_t options = {.duration_ms = 1000, .ignore_rssi = true};
  aioble_scan_t *scan = aioble_scan(ble, &options);
  aioble_op_t *next;
  unsigned n = 0;

  while (aioble_op_await(next = aioble_scan_next(scan)) == 0) {
    if (n++ == 0)
      *addr = *aioble_scan_result_addr(aioble_op_scan_result(next));
    aioble_op_unref(next);
  }
  sim_expect(next, AIOBLE_EOF);
  aioble_scan_unref(scan);
  return n;
}

aioble_addr_t heard(aioble_t *ble) {
  aioble_addr_t addr = {0};

  assert_int_equal(hear(ble, &addr), 1);
  return addr;
}

bool resolvable(const aioble_addr_t *addr) {
  return aioble_addr_kind(addr) == AIOBLE_ADDR_KIND_RESOLVABLE;
}

void expect_addr(const aioble_addr_t *addr, const aioble_addr_t *expected) {
  assert_int_equal(addr->type, expected->type);
  assert_memory_equal(addr->bytes, expected->bytes, sizeof addr->bytes);
}

/* ---- connecting ---- */

void connect_to(world *w, unsigned from, const aioble_addr_t *addr, aioble_op_t *adv) {
  aioble_device_t *device = aioble_device_new(w->ble[from], addr);
  aioble_op_t *connecting = sim_ok(aioble_device_connect(device, NULL));

  sim_ok(adv);
  w->conn[from] = aioble_conn_ref(aioble_op_conn(connecting));
  w->conn[!from] = aioble_conn_ref(aioble_op_conn(adv));
  aioble_op_unref(connecting);
  aioble_op_unref(adv);
  aioble_device_unref(device);
  sim_run_ms(&w->s, 100); /* a bond's key is in use at both ends */
}

void meet_strangers(world *w) {
  aioble_op_t *adv = aioble_advertise(w->ble[B], NULL);
  aioble_addr_t addr = heard(w->ble[A]);

  connect_to(w, A, &addr, adv);
}

aioble_addr_t identity_of(const world *w, unsigned side) {
  return sim_addr(w->ble[side]);
}

void meet_by_identity(world *w, unsigned from) {
  aioble_addr_t addr = identity_of(w, !from);

  connect_to(w, from, &addr, aioble_advertise(w->ble[!from], NULL));
}

void expect_known(const world *w) {
  for (unsigned i = 0; i < SIDES; i++) {
    aioble_addr_t peer = identity_of(w, !i);

    assert_true(aioble_conn_security(w->conn[i]).bonded);
    expect_addr(aioble_device_addr(aioble_conn_device(w->conn[i])), &peer);
    assert_ptr_equal(aioble_device_conn(aioble_conn_device(w->conn[i])), w->conn[i]);
    assert_int_equal(aioble_bonds(w->ble[i], NULL, 0), 1);
  }
}

void bond(world *w, const aioble_pair_options_t *options) {
  meet_strangers(w);
  sim_expect(aioble_conn_pair(w->conn[A], options), 0);
  sim_run_ms(&w->s, 100);
  expect_known(w);
}

void expect_air(const world *w, bool a_hides, bool b_hides) {
  aioble_conn_air_t at_a = aioble_conn_air(w->conn[A]), at_b = aioble_conn_air(w->conn[B]);
  aioble_addr_t a = identity_of(w, A), b = identity_of(w, B);

  expect_addr(&at_a.peer, &at_b.local);
  expect_addr(&at_b.peer, &at_a.local);
  assert_int_equal(resolvable(&at_a.local), a_hides);
  assert_int_equal(resolvable(&at_b.local), b_hides);
  assert_int_equal(aioble_addr_equal(&at_a.local, &a), !a_hides);
  assert_int_equal(aioble_addr_equal(&at_b.local, &b), !b_hides);
}
