/* SPDX-License-Identifier: MIT */
/*
 * Pairing of two whole stacks: every association model, from either side, legacy and LE Secure
 * Connections, with a bond and without, and whatever the users do. The matrix is printed. Then what
 * a bond is good for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim.h"
#include "helpers/temp_dir.h"
#include "host/host.h"

enum { CENTRAL, PERIPHERAL };

/* one side: its stack, its user, and what it was told */
typedef struct side {
  aioble_t *ble;
  aioble_conn_t *conn;
  unsigned prompts;
  aioble_prompt_t prompt;
  uint32_t number;
  unsigned changes; /* on_security with 0 */
  int failed;       /* … with a failure */
} side;

typedef struct world {
  sim s;
  side side[2];
} world;

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  side *at = user;

  assert_ptr_equal(conn, at->conn);
  at->prompts++;
  at->prompt = prompt;
  at->number = number;
}

static void on_security(aioble_conn_t *conn, int status, void *user) {
  side *at = user;

  assert_ptr_equal(conn, at->conn);
  if (status)
    at->failed = status;
  else
    at->changes++;
}

static void connect_sides(world *w) {
  sim_connect(w->side[CENTRAL].ble, w->side[PERIPHERAL].ble, &w->side[CENTRAL].conn,
              &w->side[PERIPHERAL].conn);
  for (unsigned i = 0; i < 2; i++) {
    side *at = &w->side[i];
    aioble_conn_hooks_t hooks = {.on_security = on_security, .user = at};

    aioble_conn_set_hooks(at->conn, &hooks);
    at->prompts = at->changes = 0;
    at->failed = 0;
  }
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
  sim_close(&w->s);
}

static void configure(side *at, const char *key, const char *value) {
  assert_int_equal(aioble_config_set(at->ble, key, value), 0);
}

static bool is_bonded(const side *at) {
  return aioble_bonds(at->ble, NULL, 0) == 1;
}

/* ---- the matrix ---- */

typedef struct model {
  const char *name;
  aioble_io_t io[2];
  bool sc_only;
} model;

static const model models[] = {
    {"Just Works", {AIOBLE_IO_NONE, AIOBLE_IO_NONE}, false},
    {"Numeric Comparison", {AIOBLE_IO_DISPLAY_YESNO, AIOBLE_IO_KEYBOARD_DISPLAY}, true},
    {"Passkey, central enters", {AIOBLE_IO_KEYBOARD, AIOBLE_IO_DISPLAY}, false},
    {"Passkey, peripheral enters", {AIOBLE_IO_DISPLAY, AIOBLE_IO_KEYBOARD}, false},
    {"Passkey, both enter", {AIOBLE_IO_KEYBOARD, AIOBLE_IO_KEYBOARD}, false},
};

enum { RIGHT, WRONG, REFUSED, LATE, NEVER, DISCONNECTED, WAYS };
static const char *const way_names[WAYS] = {"right", "wrong", "refused",
                                            "late",  "never", "disconnected"};

typedef struct cell {
  const model *m;
  bool sc, bond;
  unsigned starts; /* CENTRAL or PERIPHERAL */
  unsigned way;
} cell;

/* "none", "display": the configured capabilities */
static const char *io_text(aioble_io_t io) {
  static const char *const texts[] = {"",         "display", "display-yesno",
                                      "keyboard", "none",    "keyboard-display"};
  return texts[io];
}

/* the side whose user has something to say; when both do, the central's */
static unsigned answers(const world *w) {
  return w->side[CENTRAL].prompts && w->side[CENTRAL].prompt != AIOBLE_PROMPT_SHOW ? CENTRAL
                                                                                   : PERIPHERAL;
}

static void answer_rightly(world *w, uint32_t error) {
  for (unsigned i = 0; i < 2; i++) {
    side *at = &w->side[i], *other = &w->side[!i];
    uint32_t passkey = other->prompt == AIOBLE_PROMPT_SHOW ? other->number : 4711;

    if (!at->prompts || at->prompt == AIOBLE_PROMPT_SHOW)
      continue;
    if (at->prompt == AIOBLE_PROMPT_COMPARE)
      assert_int_equal(at->number, other->number);
    assert_int_equal(
        aioble_pairing_answer(at->conn, true, i == answers(w) ? passkey ^ error : passkey), 0);
  }
}

static void act(world *w, const cell *c) {
  switch (c->way) {
  case LATE:
    sim_run_ms(&w->s, 15000);
    /* fallthrough */
  case RIGHT:
    answer_rightly(w, 0);
    break;
  case WRONG:
    answer_rightly(w, 1);
    break;
  case REFUSED:
    assert_int_equal(aioble_pairing_answer(w->side[answers(w)].conn, false, 0), 0);
    break;
  case DISCONNECTED:
    sim_expect(aioble_conn_disconnect(w->side[PERIPHERAL].conn), 0);
    break;
  default:
    sim_run_ms(&w->s, 19000);
  }
}

/* what the op says at the side that started, and what on_security says at the other */
static int outcome(const cell *c, int *other) {
  bool compare = c->m->io[0] == AIOBLE_IO_DISPLAY_YESNO;
  static const int op[WAYS] = {
      [WRONG] = AIOBLE_ERR_SMP(0x04), [NEVER] = AIOBLE_ETIMEDOUT, [DISCONNECTED] = AIOBLE_ENOTCONN};
  int status = c->way == REFUSED ? AIOBLE_ERR_SMP(compare ? 0x0c : 0x01) : op[c->way];

  *other = c->way == NEVER ? AIOBLE_ERR_SMP(0x08) : c->way == DISCONNECTED ? 0 : status;
  return status;
}

static void expect_security(const world *w, const cell *c, bool success) {
  bool prompted = c->m->io[0] != AIOBLE_IO_NONE;

  for (unsigned i = 0; i < 2; i++) {
    aioble_conn_security_t s = aioble_conn_security(w->side[i].conn);

    assert_int_equal(s.encrypted, success);
    assert_int_equal(s.authenticated, success && prompted);
    assert_int_equal(s.secure_connections, success && c->sc);
    assert_int_equal(s.bonded, success && c->bond);
    assert_int_equal(s.key_size, success ? 16 : 0);
    assert_int_equal(is_bonded(&w->side[i]), success && c->bond);
    assert_int_equal(w->side[i].prompts, prompted);
    assert_int_equal(w->side[i].changes > 0, success);
  }
}

static void tell_cell(const cell *c) {
  aioble_pair_options_t options = {.bond = c->bond ? AIOBLE_YES : AIOBLE_NO,
                                   .mitm = c->m->io[0] != AIOBLE_IO_NONE ? AIOBLE_YES : AIOBLE_NO,
                                   .io = c->m->io[c->starts],
                                   .le_secure =
                                       c->sc ? AIOBLE_LE_SECURE_REQUIRED : AIOBLE_LE_SECURE_NEVER};
  int other, status = outcome(c, &other);
  side *starts, *follows;
  sim_watch watch;
  world w;

  set_up(&w);
  starts = &w.side[c->starts];
  follows = &w.side[!c->starts];
  configure(follows, "io", io_text(c->m->io[!c->starts]));
  configure(follows, "bond", c->bond ? "true" : "false");
  configure(follows, "le_secure", c->sc ? "true" : "false");
  sim_watch_op(&watch, aioble_conn_pair(starts->conn, &options));
  sim_run_ms(&w.s, 500);
  if (c->m->io[0] != AIOBLE_IO_NONE) {
    assert_int_equal(watch.calls, 0);
    act(&w, c);
  }
  sim_watch_expect(&watch, status);
  sim_run_ms(&w.s, 1000);
  assert_int_equal(follows->failed, other);
  assert_int_equal(starts->failed, 0); /* the op has said so */
  expect_security(&w, c, status == 0);
  print_message("%-10s %-6s %-27s %-7s %-12s -> %s, %s\n",
                c->starts == CENTRAL ? "central" : "peripheral", c->sc ? "SC" : "legacy",
                c->m->name, c->bond ? "bond" : "no bond", way_names[c->way],
                aioble_err_name(status), aioble_strerror(status));
  tear_down(&w);
}

static bool makes_sense(const cell *c) {
  if (c->m->sc_only && (!c->sc || c->way == WRONG)) /* there is nothing to mistype */
    return false;
  return c->m->io[0] != AIOBLE_IO_NONE || c->way == RIGHT;
}

static void the_matrix(void **state) {
  unsigned cells = 0;

  (void) state;
  for (unsigned m = 0; m < sizeof models / sizeof *models; m++)
    for (unsigned i = 0; i < 8u * WAYS; i++) {
      cell c = {.m = &models[m],
                .sc = i & 1,
                .bond = i & 2,
                .starts = i & 4 ? PERIPHERAL : CENTRAL,
                .way = i / 8};

      if (!makes_sense(&c))
        continue;
      tell_cell(&c);
      cells++;
    }
  assert_int_equal(cells, 8 + 3 * 8 * 6 + 4 * 5);
}

/* ---- what a bond is good for ---- */

static void pair(world *w) {
  sim_expect(aioble_conn_pair(w->side[CENTRAL].conn, NULL), 0);
  sim_run_ms(&w->s, 100);
  assert_true(is_bonded(&w->side[CENTRAL]) && is_bonded(&w->side[PERIPHERAL]));
}

static void a_bonded_peer_is_encrypted_before_anything_else(void **state) {
  world w;

  (void) state;
  set_up(&w);
  pair(&w);
  for (unsigned i = 0; i < 3; i++) {
    disconnect_sides(&w);
    connect_sides(&w);
    assert_true(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
    assert_true(aioble_conn_security(w.side[CENTRAL].conn).bonded);
    sim_run_ms(&w.s, 100);
    assert_true(aioble_conn_security(w.side[PERIPHERAL].conn).bonded);
    assert_int_equal(aioble_conn_mtu(w.side[CENTRAL].conn), 517);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), 0); /* nothing left to do */
    sim_expect(aioble_conn_pair(w.side[PERIPHERAL].conn, NULL), 0);
  }
  tear_down(&w);
}

/* the op has the last word: whoever leaves then leaves both with the bond */
static void the_peer_has_all_keys_when_the_op_resolves(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    aioble_pair_options_t options = {.le_secure = i & 1 ? AIOBLE_LE_SECURE_REQUIRED
                                                        : AIOBLE_LE_SECURE_NEVER};
    world w = {0};

    sim_open(&w.s, &(aioble_virtual_options_t){.timing = true});
    for (unsigned at = 0; at < 2; at++) {
      w.side[at].ble = sim_stack_new(&w.s, NULL, NULL);
      configure(&w.side[at], "le_secure", "false");
    }
    connect_sides(&w);
    sim_expect(aioble_conn_pair(w.side[i / 2].conn, &options), 0);
    sim_expect(aioble_conn_disconnect(w.side[i / 2].conn), 0);
    sim_run_ms(&w.s, 5000);
    assert_true(is_bonded(&w.side[CENTRAL]) && is_bonded(&w.side[PERIPHERAL]));
    tear_down(&w);
  }
}

static void expect_connect(world *w, int status) {
  aioble_op_t *adv = aioble_advertise(w->side[PERIPHERAL].ble, NULL);
  aioble_device_t *device = sim_device(w->side[CENTRAL].ble, w->side[PERIPHERAL].ble);

  sim_expect(aioble_device_connect(device, NULL), status);
  assert_null(aioble_device_conn(device));
  aioble_op_cancel(adv);
  (void) aioble_op_finish(adv);
  aioble_device_unref(device);
}

/* reported, and not worked around: whether to pair anew is the application's choice */
static void a_peer_that_lost_the_key_is_not_spoken_to(void **state) {
  aioble_addr_t central, peripheral;
  world w;

  (void) state;
  set_up(&w);
  pair(&w);
  central = sim_addr(w.side[CENTRAL].ble);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  disconnect_sides(&w);
  assert_int_equal(aioble_bond_delete(w.side[PERIPHERAL].ble, &central), 0);
  assert_int_equal(aioble_bond_delete(w.side[PERIPHERAL].ble, &central), AIOBLE_ENOENT);
  for (unsigned i = 0; i < 2; i++)
    expect_connect(&w, AIOBLE_ERR_HCI(0x06));
  sim_run_ms(&w.s, 100);
  assert_true(is_bonded(&w.side[CENTRAL])); /* still */
  assert_int_equal(aioble_bond_delete(w.side[CENTRAL].ble, &peripheral), 0);
  connect_sides(&w);
  assert_false(aioble_conn_security(w.side[CENTRAL].conn).encrypted);
  pair(&w);
  tear_down(&w);
}

/* the other way round: a central without its key may pair, where the bond does not lose by it */
static void a_central_that_lost_the_key_has_to_prove_itself(void **state) {
  aioble_pair_options_t options = {.mitm = AIOBLE_YES, .io = AIOBLE_IO_DISPLAY_YESNO};
  aioble_addr_t peripheral;
  sim_watch watch;
  world w;

  (void) state;
  set_up(&w);
  pair(&w);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  disconnect_sides(&w);
  assert_int_equal(aioble_bond_delete(w.side[CENTRAL].ble, &peripheral), 0);
  connect_sides(&w);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, NULL), AIOBLE_ERR_SMP(0x03));
  configure(&w.side[PERIPHERAL], "io", "display-yesno");
  sim_watch_op(&watch, aioble_conn_pair(w.side[CENTRAL].conn, &options));
  sim_run_ms(&w.s, 500);
  answer_rightly(&w, 0);
  sim_watch_expect(&watch, 0);
  assert_true(aioble_conn_security(w.side[CENTRAL].conn).authenticated);
  sim_run_ms(&w.s, 100);
  assert_int_equal(aioble_bonds(w.side[PERIPHERAL].ble, NULL, 0), 1);
  tear_down(&w);
}

static void a_bond_can_be_looked_at(void **state) {
  aioble_addr_t peripheral;
  aioble_bond_t bond;
  world w;

  (void) state;
  set_up(&w);
  assert_int_equal(aioble_bonds(w.side[CENTRAL].ble, &bond, 1), 0);
  pair(&w);
  peripheral = sim_addr(w.side[PERIPHERAL].ble);
  assert_int_equal(aioble_bonds(w.side[CENTRAL].ble, &bond, 1), 1);
  assert_true(aioble_addr_equal(&bond.addr, &peripheral));
  assert_true(bond.secure_connections && bond.private_addresses && !bond.authenticated);
  assert_int_equal(bond.key_size, 16);
  assert_int_equal(aioble_bonds(NULL, &bond, 1), 0);
  assert_int_equal(aioble_bond_delete(NULL, &peripheral), AIOBLE_ENOTCONN);
  tear_down(&w);
}

/* ---- out of band ---- */

static void what_was_told_another_way_authenticates(void **state) {
  (void) state;
  for (unsigned i = 0; i < 6; i++) { /* legacy or not; right, wrong, or one way only */
    bool legacy = i & 1, wrong = i / 2 == 1, one_way = i / 2 == 2;
    aioble_pair_options_t options = {.mitm = AIOBLE_YES,
                                     .le_secure = legacy ? AIOBLE_LE_SECURE_NEVER
                                                         : AIOBLE_LE_SECURE_REQUIRED};
    aioble_oob_t central = {.has_temporary_key = legacy, .temporary_key = {1, 2, 3}};
    aioble_oob_t peripheral = central;
    int status = wrong ? AIOBLE_ERR_SMP(0x04) : legacy && one_way ? AIOBLE_ERR_SMP(0x03) : 0;
    world w;

    set_up(&w);
    configure(&w.side[PERIPHERAL], "le_secure", "false");
    assert_int_equal(aioble_oob_make(w.side[CENTRAL].ble, &central), 0);
    assert_int_equal(aioble_oob_make(w.side[PERIPHERAL].ble, &peripheral), 0);
    central.has_peer = !legacy;
    peripheral.has_peer = !legacy && !one_way;
    peripheral.has_temporary_key &= !one_way;
    memcpy(central.peer_random, peripheral.random, 16);
    memcpy(central.peer_confirm, peripheral.confirm, 16);
    memcpy(peripheral.peer_random, central.random, 16);
    memcpy(peripheral.peer_confirm, central.confirm, 16);
    central.peer_confirm[3] ^= wrong;
    central.temporary_key[3] ^= wrong;
    options.oob = &central;
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, &peripheral), 0);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), status);
    assert_int_equal(aioble_conn_security(w.side[CENTRAL].conn).authenticated, status == 0);
    assert_int_equal(w.side[CENTRAL].prompts + w.side[PERIPHERAL].prompts, 0);
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, NULL), 0);
    memset(central.secret, 0xff, sizeof central.secret);
    assert_int_equal(aioble_set_oob(w.side[PERIPHERAL].ble, &central), AIOBLE_EINVAL);
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), AIOBLE_EINVAL);
    tear_down(&w);
  }
}

/* ---- captures ---- */

static void expect_absent(const char *path, const ab_key16 *key) {
  FILE *file = fopen(path, "rb");
  uint8_t all[16384];
  size_t n;

  assert_non_null(file);
  n = fread(all, 1, sizeof all, file);
  assert_in_range(n, 1000, sizeof all - 1);
  for (size_t i = 0; i + sizeof key->b <= n; i++)
    assert_memory_not_equal(&all[i], key, sizeof key->b);
  (void) fclose(file);
}

/* neither those given to the controller nor those distributed, sent or received */
static void no_key_is_in_a_capture(void **state) {
  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    char *dir = temp_dir_new(), path[2][300];
    aioble_pair_options_t options = {.le_secure = i & 1 ? AIOBLE_LE_SECURE_REQUIRED
                                                        : AIOBLE_LE_SECURE_NEVER};
    ab_bond *bonds[2];
    world w = {0};

    sim_open(&w.s, NULL);
    for (unsigned at = 0; at < 2; at++) {
      (void) snprintf(path[at], sizeof path[at], "%s/%u", dir, at);
      w.side[at].ble = sim_stack_new(
          &w.s, &(aioble_options_t){.snoop = path[at], .private_address = at == CENTRAL}, NULL);
      configure(&w.side[at], "le_secure", "false");
    }
    connect_sides(&w);
    sim_expect(aioble_conn_pair(w.side[i / 2].conn, &options), 0);
    sim_run_ms(&w.s, 100);
    disconnect_sides(&w);
    connect_sides(&w); /* the bond's keys go to the controllers */
    for (unsigned at = 0; at < 2; at++)
      bonds[at] = ab_container_of(ab_list_first(&w.side[at].ble->smp.bonds), ab_bond, node);
    for (unsigned at = 0; at < 2; at++) {
      ab_snoop_flush(w.side[at].ble->snoop);
      expect_absent(path[at], &bonds[at]->local.key);
      expect_absent(path[at], &bonds[at]->peer.key);
      expect_absent(path[at], &bonds[at]->irk); /* the peer's, which the resolving list has, too */
      expect_absent(path[at], &bonds[at]->csrk);
      expect_absent(path[at], &bonds[!at]->irk);
      expect_absent(path[at], &bonds[!at]->csrk);
    }
    tear_down(&w);
    temp_dir_free(dir);
  }
}

/* ---- ops ---- */

static void calls_take_turns(void **state) {
  aioble_pair_options_t more = {.io = AIOBLE_IO_KEYBOARD, .mitm = AIOBLE_YES};
  sim_watch watch[4];
  world w;

  (void) state;
  set_up(&w);
  configure(&w.side[PERIPHERAL], "io", "display");
  sim_watch_op(&watch[0], aioble_conn_pair(w.side[CENTRAL].conn, NULL));
  sim_watch_op(&watch[1], aioble_conn_pair(w.side[CENTRAL].conn, NULL));
  sim_watch_op(&watch[2], aioble_conn_pair(w.side[PERIPHERAL].conn, NULL));
  sim_watch_op(&watch[3], aioble_conn_pair(w.side[CENTRAL].conn, &more));
  sim_run_ms(&w.s, 500);
  for (unsigned i = 0; i < 3; i++)
    sim_watch_expect(&watch[i], 0);
  assert_int_equal(watch[3].calls, 0);
  answer_rightly(&w, 0);
  sim_watch_expect(&watch[3], 0);
  assert_true(aioble_conn_security(w.side[CENTRAL].conn).authenticated);
  tear_down(&w);
}

static void a_cancel_ends_the_pairing(void **state) {
  (void) state;
  for (unsigned at = 0; at < 2; at++) {
    aioble_pair_options_t options = {.io = AIOBLE_IO_KEYBOARD, .mitm = AIOBLE_YES};
    sim_watch watch;
    world w;

    set_up(&w);
    configure(&w.side[!at], "io", "display");
    sim_watch_op(&watch, aioble_conn_pair(w.side[at].conn, &options));
    sim_run_ms(&w.s, 500);
    aioble_op_cancel(watch.op);
    sim_watch_expect(&watch, AIOBLE_ECANCELED);
    sim_run_ms(&w.s, 500);
    assert_int_equal(w.side[!at].failed, AIOBLE_ERR_SMP(0x08));
    assert_int_equal(aioble_pairing_answer(w.side[at].conn, true, 1), AIOBLE_EALREADY);
    sim_expect(aioble_conn_pair(w.side[at].conn, NULL), 0); /* and there can be another */
    tear_down(&w);
  }
}

static void nobody_to_ask_is_a_refusal(void **state) {
  aioble_pair_options_t options = {.io = AIOBLE_IO_DISPLAY_YESNO, .mitm = AIOBLE_YES};
  world w;

  (void) state;
  set_up(&w);
  configure(&w.side[PERIPHERAL], "io", "display-yesno");
  aioble_set_on_prompt(w.side[PERIPHERAL].ble, NULL, NULL);
  sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &options), AIOBLE_ERR_SMP(0x0c));
  tear_down(&w);
}

static void what_is_wrong_is_said(void **state) {
  aioble_pair_options_t bad[] = {{.min_key_size = 6}, {.min_key_size = 17}, {.io = 6}, {.bond = 3}};
  world w;

  (void) state;
  set_up(&w);
  for (unsigned i = 0; i < 4; i++)
    sim_expect(aioble_conn_pair(w.side[CENTRAL].conn, &bad[i]), AIOBLE_EINVAL);
  sim_expect(aioble_conn_pair(NULL, NULL), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_pairing_answer(NULL, true, 0), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_pairing_answer(w.side[0].conn, true, 0), AIOBLE_EALREADY);
  assert_int_equal(aioble_pairing_keypress(w.side[0].conn, AIOBLE_KEYPRESS_DIGIT), AIOBLE_EALREADY);
  sim_expect(aioble_conn_disconnect(w.side[0].conn), 0);
  sim_expect(aioble_conn_pair(w.side[0].conn, NULL), AIOBLE_ENOTCONN);
  assert_false(aioble_conn_security(w.side[0].conn).encrypted);
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_matrix),
      cmocka_unit_test(a_bonded_peer_is_encrypted_before_anything_else),
      cmocka_unit_test(the_peer_has_all_keys_when_the_op_resolves),
      cmocka_unit_test(a_peer_that_lost_the_key_is_not_spoken_to),
      cmocka_unit_test(a_central_that_lost_the_key_has_to_prove_itself),
      cmocka_unit_test(a_bond_can_be_looked_at),
      cmocka_unit_test(what_was_told_another_way_authenticates),
      cmocka_unit_test(no_key_is_in_a_capture),
      cmocka_unit_test(calls_take_turns),
      cmocka_unit_test(a_cancel_ends_the_pairing),
      cmocka_unit_test(nobody_to_ask_is_a_refusal),
      cmocka_unit_test(what_is_wrong_is_said),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
