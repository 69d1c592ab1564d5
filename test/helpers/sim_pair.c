/* SPDX-License-Identifier: MIT */
#include "helpers/sim_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  sim_side *at = user;

  assert_ptr_equal(conn, at->conn);
  at->prompts++;
  at->prompt = prompt;
  at->number = number;
  at->answered = false;
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  sim_side *at = user;

  assert_ptr_equal(conn, at->conn);
  if (status)
    at->failed = status;
  else
    at->changes++;
}

void sim_pair_meet(sim_pair *w) {
  sim_connect(w->side[CENTRAL].ble, w->side[PERIPHERAL].ble, &w->side[CENTRAL].conn,
              &w->side[PERIPHERAL].conn);
  for (unsigned i = 0; i < 2; i++) {
    sim_side *at = &w->side[i];
    aioble_conn_hooks_t hooks = {.on_security = on_security, .user = at};

    aioble_conn_set_hooks(at->conn, &hooks);
    at->prompts = at->changes = 0;
    at->failed = 0;
  }
}

void sim_pair_part(sim_pair *w) {
  sim_expect(aioble_conn_disconnect(w->side[CENTRAL].conn), 0);
  sim_expect(aioble_conn_disconnected(w->side[PERIPHERAL].conn), 0);
  for (unsigned i = 0; i < 2; i++)
    w->side[i].conn = aioble_conn_unref(w->side[i].conn);
}

void sim_pair_open(sim_pair *w, const aioble_virtual_options_t *options) {
  memset(w, 0, sizeof *w);
  sim_open(&w->s, options);
  for (unsigned i = 0; i < 2; i++) {
    w->side[i].ble = sim_stack_new(&w->s, NULL, NULL);
    aioble_set_on_prompt(w->side[i].ble, on_prompt, &w->side[i]);
  }
  sim_pair_meet(w);
}

void sim_pair_close(sim_pair *w) {
  for (unsigned i = 0; i < 2; i++)
    aioble_conn_unref(w->side[i].conn);
  sim_close(&w->s);
}

void sim_pair_configure(sim_side *at, const char *key, const char *value) {
  assert_int_equal(aioble_config_set(at->ble, key, value), 0);
}

bool sim_pair_bonded(const sim_side *at) {
  return aioble_bonds(at->ble, NULL, 0) == 1;
}

static bool is_asked(const sim_side *at) {
  return at->prompts && at->prompt != AIOBLE_PROMPT_SHOW;
}

unsigned sim_pair_asked(const sim_pair *w) {
  return is_asked(&w->side[CENTRAL]) ? CENTRAL : PERIPHERAL;
}

bool sim_pair_answer(sim_pair *w, uint32_t error) {
  bool any = false;

  if (!w->side[CENTRAL].prompts || !w->side[PERIPHERAL].prompts)
    return false;
  for (unsigned i = 0; i < 2; i++) {
    sim_side *at = &w->side[i], *other = &w->side[!i];
    uint32_t passkey = other->prompt == AIOBLE_PROMPT_SHOW ? other->number : 4711;

    if (!is_asked(at) || at->answered)
      continue;
    if (at->prompt == AIOBLE_PROMPT_COMPARE)
      assert_int_equal(at->number, other->number);
    at->answered = any = true;
    assert_int_equal(
        aioble_pairing_answer(at->conn, true, i == sim_pair_asked(w) ? passkey ^ error : passkey),
        0);
  }
  return any;
}
