/* SPDX-License-Identifier: MIT */
/*
 * All that pairing may come to, on two whole stacks: every association model, started by either
 * side, legacy and LE Secure Connections, with a bond and without, whatever the users do, and the
 * link lost at each step. Both sides' outcomes are asserted, and printed as a table: what the op
 * says at the side that has started, and what on_security says at the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/sim_pair.h"

/* ---- rows: models, and how they come about ---- */

enum { LEGACY = 1, SECURE = 2 };
/* which side has got the other's data; legacy: the key that is the same at both */
enum { C_HAS = 1, P_HAS = 2 };

typedef struct model {
  const char *name;
  aioble_io_t io[2];
  unsigned by; /* LEGACY, SECURE or both */
  unsigned oob;
} model;

#define ONE_ENTERS(c, p) {AIOBLE_IO_##c, AIOBLE_IO_##p}, LEGACY | SECURE, 0

static const model models[] = {
    {"Just Works", ONE_ENTERS(NONE, NONE)},
    {"both compare", {AIOBLE_IO_DISPLAY_YESNO, AIOBLE_IO_KEYBOARD_DISPLAY}, SECURE, 0},
    {"central enters", ONE_ENTERS(KEYBOARD, DISPLAY)},
    {"peripheral enters", ONE_ENTERS(DISPLAY, KEYBOARD)},
    {"both enter", ONE_ENTERS(KEYBOARD, KEYBOARD)},
    {"out of band", {AIOBLE_IO_NONE, AIOBLE_IO_NONE}, LEGACY | SECURE, C_HAS | P_HAS},
    {"oob, central has", {AIOBLE_IO_NONE, AIOBLE_IO_NONE}, SECURE, C_HAS},
    {"oob, perip. has", {AIOBLE_IO_NONE, AIOBLE_IO_NONE}, SECURE, P_HAS},
};

enum { MODELS = sizeof models / sizeof *models };

typedef struct row {
  const model *m;
  bool sc, bond;
  unsigned starts; /* CENTRAL or PERIPHERAL */
} row;

static bool compares(const row *r) {
  return r->m->io[CENTRAL] == AIOBLE_IO_DISPLAY_YESNO;
}

/* a user has something to say */
static bool asks(const row *r) {
  return r->m->io[CENTRAL] != AIOBLE_IO_NONE;
}

static bool authenticates(const row *r) {
  return asks(r) || r->m->oob;
}

/* both are asked */
static bool asks_both(const row *r) {
  return compares(r) || r->m->io[CENTRAL] == r->m->io[PERIPHERAL];
}

/* ---- columns: what happens ---- */

typedef enum way {
  RIGHT,
  WRONG,       /* a passkey, or what was told out of band */
  REFUSED,     /* by the user who is asked, or the central's … */
  REFUSED_TOO, /* … by the other, who is asked, too, or sees the passkey */
  LATE,        /* but in time */
  NEVER,       /* the op's time is up */
  TOO_LATE,    /* the protocol's is, and then there is an answer */
  LEFT,        /* by the side that has started, before there is an answer … */
  LOST,        /* … by the other */
  WAYS
} way;

static const char *const way_names[WAYS] = {"right", "wrong",     "refused", "refused'", "15 s",
                                            "20 s",  "over 30 s", "left",    "lost"};

static bool makes_sense(const row *r, way how) {
  return how == RIGHT || asks(r) ? how != WRONG || !compares(r) : how == WRONG && r->m->oob;
}

/* what the op says at the side that starts, and what on_security says at the other */
typedef struct outcome {
  int op, other;
} outcome;

static outcome outcome_of(const row *r, way how) {
  int refused = AIOBLE_ERR_SMP(compares(r) ? 0x0c : 0x01);
  const outcome outcomes[WAYS] = {
      [WRONG] = {AIOBLE_ERR_SMP(0x04), AIOBLE_ERR_SMP(0x04)},
      [REFUSED] = {refused, refused},
      [REFUSED_TOO] = {refused, refused},
      [NEVER] = {AIOBLE_ETIMEDOUT, AIOBLE_ERR_SMP(0x08)},
      [TOO_LATE] = {AIOBLE_ETIMEDOUT, AIOBLE_ETIMEDOUT},
      [LEFT] = {AIOBLE_ENOTCONN, 0},
      [LOST] = {AIOBLE_ENOTCONN, 0},
  };

  return outcomes[how];
}

static const char *short_name(int status, char text[8]) {
  if (status == 0)
    return "ok";
  if (status == AIOBLE_ETIMEDOUT)
    return "time";
  if (status == AIOBLE_ENOTCONN)
    return "gone";
  (void) snprintf(text, 8, "%02x", AIOBLE_ERR_CODE(status));
  return text;
}

static void print_outcome(const row *r, way how) {
  outcome o = outcome_of(r, how);
  char op[8], other[8], both[20] = "-";

  if (makes_sense(r, how))
    (void) snprintf(both, sizeof both, "%s/%s", short_name(o.op, op),
                    o.op == AIOBLE_ENOTCONN ? "gone" : short_name(o.other, other));
  print_message(" %-9s", both);
}

static void print_row(const row *r) {
  print_message("%-18s %-10s %-6s %-7s", r->m->name,
                r->starts == CENTRAL ? "central" : "peripheral", r->sc ? "SC" : "legacy",
                r->bond ? "bond" : "no bond");
}

/* ---- one cell ---- */

/* "none", "display": the configured capabilities */
static const char *io_text(aioble_io_t io) {
  static const char *const texts[] = {"",         "display", "display-yesno",
                                      "keyboard", "none",    "keyboard-display"};
  return texts[io];
}

static void exchange_oob(sim_pair *w, const row *r, bool wrong, aioble_oob_t oob[2]) {
  for (unsigned i = 0; i < 2; i++) {
    bool has = r->m->oob & (i == CENTRAL ? C_HAS : P_HAS);

    oob[i] = (aioble_oob_t){
        .has_temporary_key = has && !r->sc, .has_peer = has && r->sc, .temporary_key = {1, 2, 3}};
    if (r->sc) /* who only has the other key means legacy pairing */
      assert_int_equal(aioble_oob_make(w->side[i].ble, &oob[i]), 0);
  }
  for (unsigned i = 0; i < 2; i++) {
    memcpy(oob[i].peer_random, oob[!i].random, 16);
    memcpy(oob[i].peer_confirm, oob[!i].confirm, 16);
    oob[i].peer_confirm[5] ^= wrong;
    oob[i].temporary_key[5] ^= wrong && i == CENTRAL;
  }
}

/* the side that does not start is configured; returns the op of the one that does */
static aioble_op_t *start(sim_pair *w, const row *r, bool wrong) {
  sim_side *follows = &w->side[!r->starts];
  aioble_pair_options_t options = {.bond = r->bond ? AIOBLE_YES : AIOBLE_NO,
                                   .mitm = authenticates(r) ? AIOBLE_YES : AIOBLE_NO,
                                   .io = r->m->io[r->starts],
                                   .le_secure =
                                       r->sc ? AIOBLE_LE_SECURE_REQUIRED : AIOBLE_LE_SECURE_NEVER};
  aioble_oob_t oob[2];

  sim_pair_configure(follows, "io", io_text(r->m->io[!r->starts]));
  sim_pair_configure(follows, "bond", r->bond ? "true" : "false");
  sim_pair_configure(follows, "le_secure", r->sc ? "true" : "false");
  if (r->m->oob) {
    exchange_oob(w, r, wrong, oob);
    options.oob = &oob[r->starts];
    assert_int_equal(aioble_set_oob(follows->ble, &oob[!r->starts]), 0);
  }
  return aioble_conn_pair(w->side[r->starts].conn, &options);
}

static void refuse(const sim_side *at) {
  assert_int_equal(aioble_pairing_answer(at->conn, false, 0), 0);
}

static void act(sim_pair *w, const row *r, way how) {
  sim_side *asked = &w->side[sim_pair_asked(w)], *other = &w->side[!sim_pair_asked(w)];

  if (how == LATE)
    sim_run_ms(&w->s, 15000);
  if (how == RIGHT || how == LATE || how == WRONG)
    assert_true(sim_pair_answer(w, how == WRONG));
  else if (how == REFUSED || how == REFUSED_TOO)
    refuse(how == REFUSED ? asked : other);
  else if (how == LEFT || how == LOST)
    sim_expect(aioble_conn_disconnect(w->side[how == LEFT ? r->starts : !r->starts].conn), 0);
  else
    sim_run_ms(&w->s, how == NEVER ? 19000 : 31000);
}

static void expect_security(const sim_pair *w, const row *r, bool success) {
  for (unsigned i = 0; i < 2; i++) {
    const sim_side *at = &w->side[i];
    aioble_conn_security_t s = aioble_conn_security(at->conn);

    assert_int_equal(s.encrypted, success);
    assert_int_equal(s.authenticated, success && authenticates(r));
    assert_int_equal(s.secure_connections, success && r->sc);
    assert_int_equal(s.bonded, success && r->bond);
    assert_int_equal(s.key_size, success ? 16 : 0);
    assert_int_equal(sim_pair_bonded(at), success && r->bond);
    assert_int_equal(at->prompts, asks(r));
    assert_int_equal(at->changes > 0, success);
  }
}

/* after 30 s nothing helps but another link (Part H, 3.4) */
static void expect_broken(sim_pair *w) {
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(aioble_pairing_answer(w->side[i].conn, true, 1), AIOBLE_EALREADY);
    sim_expect(aioble_conn_pair(w->side[i].conn, NULL), AIOBLE_ETIMEDOUT);
  }
}

static void tell_cell(const row *r, way how) {
  outcome o = outcome_of(r, how);
  sim_watch watch;
  sim_pair w;

  sim_pair_open(&w, NULL);
  sim_watch_op(&watch, start(&w, r, how == WRONG));
  if (how == TOO_LATE)
    aioble_op_set_timeout(watch.op, AIOBLE_FOREVER);
  sim_run_ms(&w.s, 500);
  if (asks(r)) {
    assert_int_equal(watch.calls, 0);
    assert_int_equal(w.side[CENTRAL].prompt == w.side[PERIPHERAL].prompt, asks_both(r));
    act(&w, r, how);
  }
  sim_watch_expect(&watch, o.op);
  sim_run_ms(&w.s, 1000);
  assert_int_equal(w.side[!r->starts].failed, o.other);
  assert_int_equal(w.side[r->starts].failed, 0); /* the op has said so */
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(aioble_conn_is_connected(w.side[i].conn), o.op != AIOBLE_ENOTCONN);
  expect_security(&w, r, o.op == 0);
  if (how == TOO_LATE)
    expect_broken(&w);
  sim_pair_close(&w);
}

/* ---- the whole ---- */

static void each_row(void (*tell)(const row *r)) {
  for (unsigned m = 0; m < MODELS; m++)
    for (unsigned i = 0; i < 8; i++) {
      row r = {&models[m], i & 1, i & 2, i & 4 ? PERIPHERAL : CENTRAL};

      if (r.m->by & (r.sc ? SECURE : LEGACY))
        tell(&r);
    }
}

static void tell_row(const row *r) {
  print_row(r);
  for (unsigned how = 0; how < WAYS; how++) {
    if (makes_sense(r, (way) how))
      tell_cell(r, (way) how);
    print_outcome(r, (way) how);
  }
  print_message("\n");
}

static void the_matrix(void **state) {
  (void) state;
  print_message("%-18s %-10s %-14s", "", "started by", "");
  for (unsigned how = 0; how < WAYS; how++)
    print_message(" %-9s", way_names[how]);
  print_message("\n");
  each_row(tell_row);
}

/* ---- the link is lost at each step ---- */

static void leave(sim_pair *w, unsigned who) {
  aioble_op_unref(aioble_conn_disconnect(w->side[who].conn));
}

/* Right answers, but after so many steps of the radio the link is lost; false: it was over before.
 */
static bool lose_after(const row *r, unsigned steps, unsigned who, unsigned *gone) {
  sim_watch watch;
  bool lost = false;
  sim_pair w;

  sim_pair_open(&w, NULL);
  sim_watch_op(&watch, start(&w, r, false));
  for (unsigned i = 0; !lost && !watch.calls; i++) {
    lost = i == steps;
    if (lost)
      leave(&w, who);
    else if (!sim_pair_answer(&w, 0))
      assert_true(aioble_virtual_run_once(w.s.radio));
  }
  sim_run_ms(&w.s, 2000);
  assert_int_equal(watch.calls, 1);
  if (watch.status == 0)
    for (unsigned i = 0; i < 2; i++)
      assert_int_equal(sim_pair_bonded(&w.side[i]), r->bond); /* both have it */
  else
    assert_false(sim_pair_bonded(&w.side[r->starts]));
  assert_true(watch.status == 0 || (lost && watch.status == AIOBLE_ENOTCONN));
  assert_int_equal(w.side[CENTRAL].failed, 0);
  assert_int_equal(w.side[PERIPHERAL].failed, 0);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(aioble_conn_is_connected(w.side[i].conn), !lost);
    assert_false(lost && aioble_conn_security(w.side[i].conn).encrypted);
  }
  *gone += watch.status < 0;
  sim_watch_end(&watch);
  sim_pair_close(&w);
  return lost;
}

static void lose_row(const row *r) {
  unsigned steps = 0, gone = 0;

  if (!r->bond)
    return;
  while (lose_after(r, steps, steps & 1 ? r->starts : !r->starts, &gone))
    steps++;
  assert_true(gone > 10 && gone <= steps);
  print_row(r);
  print_message(" %u steps, %u of them before it was done\n", steps, gone);
}

static void the_link_is_lost_at_each_step(void **state) {
  (void) state;
  each_row(lose_row);
}

/* ---- every two capabilities ---- */

/* as test_smp_pair.c has them: what the users are asked */
static char asked_of(const sim_pair *w) {
  const sim_side *c = &w->side[CENTRAL], *p = &w->side[PERIPHERAL];

  if (!c->prompts && !p->prompts)
    return '-';
  if (c->prompt == AIOBLE_PROMPT_COMPARE)
    return p->prompt == c->prompt ? 'n' : '?';
  if (c->prompt == AIOBLE_PROMPT_ENTER)
    return p->prompt == AIOBLE_PROMPT_ENTER ? 'b' : 'c';
  return p->prompt == AIOBLE_PROMPT_ENTER ? 'p' : '?';
}

/* whoever wants protection that there cannot be gets no pairing; else there is what was wanted */
static char tell_capabilities(const row *r, bool mitm) {
  static const char *const expected[2][5] = {{"--p-p", "--p-p", "ccb-c", "-----", "ccp-p"},
                                             {"--p-p", "-np-n", "ccb-c", "-----", "cnp-n"}};
  char letter = mitm ? expected[r->sc][r->m->io[CENTRAL] - 1][r->m->io[PERIPHERAL] - 1] : '-';
  int status = mitm && letter == '-' ? AIOBLE_ERR_SMP(0x03) : 0;
  aioble_pair_options_t options = {.mitm = mitm ? AIOBLE_YES : AIOBLE_NO,
                                   .io = r->m->io[CENTRAL],
                                   .le_secure =
                                       r->sc ? AIOBLE_LE_SECURE_REQUIRED : AIOBLE_LE_SECURE_NEVER};
  sim_watch watch;
  sim_pair w;

  sim_pair_open(&w, NULL);
  sim_pair_configure(&w.side[PERIPHERAL], "io", io_text(r->m->io[PERIPHERAL]));
  sim_pair_configure(&w.side[PERIPHERAL], "le_secure", r->sc ? "true" : "false");
  sim_watch_op(&watch, aioble_conn_pair(w.side[CENTRAL].conn, &options));
  sim_run_ms(&w.s, 500);
  assert_int_equal(asked_of(&w), letter);
  assert_int_equal(sim_pair_answer(&w, 0), letter != '-');
  sim_watch_expect(&watch, status);
  sim_run_ms(&w.s, 500);
  assert_int_equal(w.side[PERIPHERAL].failed, status);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(aioble_conn_security(w.side[i].conn).authenticated, letter != '-');
  sim_pair_close(&w);
  return letter;
}

static void every_two_capabilities(void **state) {
  (void) state;
  print_message("central (down) and peripheral: c, p or b enter, n: both compare, -: nobody is "
                "asked\n");
  for (unsigned c = 0; c < 5; c++) {
    for (unsigned i = 0; i < 10; i++) {
      aioble_io_t peripheral = (aioble_io_t) (i % 5 + 1);
      model m = {"", {(aioble_io_t) (c + 1), peripheral}, LEGACY | SECURE, 0};
      row r = {&m, i >= 5, true, CENTRAL};

      if (i % 5 == 0)
        print_message("%s%-18s", i ? "   " : "", i ? "SC" : io_text(m.io[CENTRAL]));
      print_message("%c", tell_capabilities(&r, true));
      (void) tell_capabilities(&r, false);
    }
    print_message("\n");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_two_capabilities),
      cmocka_unit_test(the_matrix),
      cmocka_unit_test(the_link_is_lost_at_each_step),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
