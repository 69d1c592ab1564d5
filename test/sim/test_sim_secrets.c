/* SPDX-License-Identifier: MIT */
/*
 * Whatever memory is given back, none of it holds a key: nothing that the stacks free during a
 * pairing, an encryption with the bond, a deletion and the close is given back before its keys are
 * wiped. Nor is a key in a log, or in a capture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "helpers/seeded.h"
#include "helpers/sim.h"
#include "helpers/temp_dir.h"
#include "host/host.h"
#include "smp/smp_priv.h"

enum { CENTRAL, PERIPHERAL, SECRETS = 64, LEN = 16, LOG = 1 << 16 };

/* what must be found nowhere */
typedef struct world {
  sim s;
  char *dir;
  aioble_t *ble[2];
  aioble_conn_t *conn[2];
  uint64_t random[2];
  uint8_t secrets[SECRETS][LEN];
  const char *names[SECRETS];
  size_t n;
  aioble_conn_t *asked; /* whose user enters … */
  uint32_t passkey;     /* … what the other one is shown; 0: nothing yet */
} world;

typedef struct block {
  struct block *next;
  size_t size;
  uint8_t bytes[];
} block;

/* all that was given back, as it was then */
static struct {
  block *freed;
  size_t octets, written;
  char log[LOG];
} heap;

/* ---- memory: a block has its size in front, and is not given back before the end ---- */

static void *take(void *ctx, size_t size) {
  block *b = malloc(sizeof *b + size);

  (void) ctx;
  assert_non_null(b);
  b->size = size;
  return b->bytes;
}

static void give_back(void *ctx, void *ptr) {
  block *b;

  (void) ctx;
  if (!ptr)
    return;
  b = (block *) ((uint8_t *) ptr - offsetof(block, bytes));
  b->next = heap.freed;
  heap.freed = b;
  heap.octets += b->size;
}

static void *resize(void *ctx, void *ptr, size_t size) {
  void *larger = take(ctx, size);
  size_t old = ptr ? ((block *) ((uint8_t *) ptr - offsetof(block, bytes)))->size : 0;

  if (old)
    memcpy(larger, ptr, old < size ? old : size);
  give_back(ctx, ptr);
  return larger;
}

static void *json_take(size_t size) {
  return take(NULL, size);
}

static void json_give_back(void *ptr) {
  give_back(NULL, ptr);
}

static void keep_log(void *user, int level, const char *text) {
  int n = snprintf(heap.log + heap.written, LOG - heap.written, "%d %s\n", level, text);

  (void) user;
  assert_true(n > 0 && heap.written + (size_t) n < LOG);
  heap.written += (size_t) n;
}

/* ---- what is secret ---- */

static void add(world *w, const char *name, const void *octets, size_t len) {
  static const uint8_t zero[LEN];

  for (size_t at = 0; at + LEN <= len; at += LEN) {
    const uint8_t *secret = (const uint8_t *) octets + at;
    bool known = memcmp(secret, zero, LEN) == 0;

    for (size_t i = 0; i < w->n; i++)
      known |= memcmp(w->secrets[i], secret, LEN) == 0;
    if (known)
      continue;
    assert_true(w->n < SECRETS);
    w->names[w->n] = name;
    memcpy(w->secrets[w->n++], secret, LEN);
  }
}

/* of a pairing, as it is now */
static void add_pairing(world *w, const ab_smp_pairing *p) {
  add(w, "key of the link", p->key.b, LEN);
  if (p->sc) {
    add(w, "private key", p->s.pair.secret, sizeof p->s.pair.secret);
    add(w, "DHKey", p->s.dhkey, sizeof p->s.dhkey);
    add(w, "MacKey", p->s.mac_key.b, LEN);
  }
}

static void add_ltk(world *w, const ab_smp_ltk *ltk) {
  add(w, "LTK", ltk->key.b, LEN);
}

static void add_bonds(world *w) {
  for (unsigned i = 0; i < 2; i++) {
    add(w, "own IRK", w->ble[i]->smp.irk.b, LEN);
    AB_LIST_EACH(n, &w->ble[i]->smp.bonds) {
      const ab_bond *bond = ab_container_of(n, ab_bond, node);

      add_ltk(w, &bond->local);
      add_ltk(w, &bond->peer);
      add(w, "IRK", bond->irk.b, LEN);
      add(w, "CSRK", bond->csrk.b, LEN);
      add(w, "own CSRK", bond->local_csrk.b, LEN);
    }
  }
}

/* ---- looking for it ---- */

static bool same(const uint8_t *at, const uint8_t *secret, bool turned) {
  for (size_t i = 0; i < LEN; i++)
    if (at[i] != secret[turned ? LEN - 1 - i : i])
      return false;
  return true;
}

static bool same_text(const uint8_t *at, const uint8_t *secret) {
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < LEN; i++)
    if (at[2 * i] != digits[secret[i] >> 4] || at[2 * i + 1] != digits[secret[i] & 15])
      return false;
  return true;
}

static void search_octets(const world *w, const char *where, const uint8_t *octets, size_t size) {
  for (size_t at = 0; at + LEN <= size; at++)
    for (size_t i = 0; i < w->n; i++)
      if (same(octets + at, w->secrets[i], false) || same(octets + at, w->secrets[i], true) ||
          (at + 2 * LEN <= size && same_text(octets + at, w->secrets[i])))
        fail_msg("%s is at octet %zu of %s (%zu)", w->names[i], at, where, size);
}

static void search_capture(const world *w, unsigned of) {
  static uint8_t octets[LOG];
  char path[100];
  FILE *file;
  size_t size;

  (void) snprintf(path, sizeof path, "%s/%u.btsnoop", w->dir, of);
  file = fopen(path, "rb");
  assert_non_null(file);
  size = fread(octets, 1, LOG, file);
  assert_in_range(size, 1000, LOG - 1);
  search_octets(w, "a capture", octets, size);
  (void) fclose(file);
}

static void search(const world *w) {
  for (const block *b = heap.freed; b; b = b->next)
    search_octets(w, "a block", b->bytes, b->size);
  search_octets(w, "the log", (const uint8_t *) heap.log, heap.written);
}

static void forget_heap(void) {
  block *next;

  for (block *b = heap.freed; b; b = next) {
    next = b->next;
    free(b);
  }
  memset(&heap, 0, sizeof heap);
}

/* ---- two stacks ---- */

static void set_up(world *w, const aioble_virtual_controller_options_t *controller) {
  static const aioble_allocator_t memory = {take, resize, give_back, NULL};

  memset(w, 0, sizeof *w);
  sim_open(&w->s, NULL);
  w->dir = temp_dir_new();
  for (unsigned i = 0; i < 2; i++) {
    char path[100], snoop[100];
    aioble_options_t options = {
        .transport = aioble_virtual_controller_new(w->s.radio, controller),
        .loop = aioble_virtual_loop(w->s.radio),
        .store = path,
        .snoop = snoop,
        .allocator = &memory,
        .random = seeded_random,
        .log = keep_log,
        .log_level = AIOBLE_LOG_INFO,
        .user = &w->random[i],
    };

    (void) snprintf(path, sizeof path, "%s/%u.json", w->dir, i);
    (void) snprintf(snoop, sizeof snoop, "%s/%u.btsnoop", w->dir, i);
    w->random[i] = i + 1;
    w->ble[i] = aioble_new(NULL, &options);
    assert_non_null(w->ble[i]);
    assert_int_equal(aioble_config_set(w->ble[i], "le_secure", "false"), 0);
  }
}

static void meet(world *w) {
  sim_connect(w->ble[CENTRAL], w->ble[PERIPHERAL], &w->conn[CENTRAL], &w->conn[PERIPHERAL]);
}

static void part(world *w) {
  sim_expect(aioble_conn_disconnect(w->conn[CENTRAL]), 0);
  sim_expect(aioble_conn_disconnected(w->conn[PERIPHERAL]), 0);
  for (unsigned i = 0; i < 2; i++)
    w->conn[i] = aioble_conn_unref(w->conn[i]);
}

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  world *w = user;

  if (prompt == AIOBLE_PROMPT_SHOW)
    w->passkey = number;
  else
    w->asked = conn;
  if (w->asked && w->passkey)
    assert_int_equal(aioble_pairing_answer(w->asked, true, w->passkey), 0);
}

/* looks at both ends after each step */
static void pair(world *w, const aioble_pair_options_t *options, int status) {
  aioble_op_t *op = aioble_conn_pair(w->conn[CENTRAL], options);

  while (!aioble_op_done(op) && aioble_virtual_run_once(w->s.radio))
    for (unsigned i = 0; i < 2; i++)
      if (w->conn[i]->smp.pairing)
        add_pairing(w, w->conn[i]->smp.pairing);
  sim_expect(op, status);
  sim_run_ms(&w->s, 100);
  add_bonds(w);
}

static void close_all(world *w) {
  for (unsigned i = 0; i < 2; i++) {
    aioble_conn_unref(w->conn[i]);
    sim_expect(aioble_close(w->ble[i]), 0);
    aioble_unref(w->ble[i]);
  }
  sim_close(&w->s);
}

static void tell(unsigned i) {
  static const aioble_virtual_controller_options_t in_pieces = {.rx_fragment = 9};
  aioble_pair_options_t options = {.le_secure =
                                       i & 1 ? AIOBLE_LE_SECURE_REQUIRED : AIOBLE_LE_SECURE_NEVER};
  cJSON_Hooks json = {json_take, json_give_back};
  aioble_addr_t peripheral;
  world w;

  cJSON_InitHooks(&json);
  set_up(&w, i & 4 ? &in_pieces : NULL);
  meet(&w);
  if (i & 2) {
    options.io = AIOBLE_IO_DISPLAY;
    options.mitm = AIOBLE_YES;
    assert_int_equal(aioble_config_set(w.ble[PERIPHERAL], "io", "keyboard"), 0);
    for (unsigned at = 0; at < 2; at++)
      aioble_set_on_prompt(w.ble[at], on_prompt, &w);
  }
  pair(&w, &options, 0);
  assert_true(w.n >= (i & 1 ? 12u : 7u)); /* two keys of each kind, but one of the link */
  peripheral = sim_addr(w.ble[PERIPHERAL]);
  part(&w);
  meet(&w); /* with the bond's key */
  assert_true(aioble_conn_security(w.conn[CENTRAL]).bonded);
  part(&w);
  for (unsigned at = 0; at < 2; at++) { /* the files are written, and read again */
    sim_expect(aioble_close(w.ble[at]), 0);
    search_capture(&w, at); /* another one begins */
    sim_expect(aioble_open(w.ble[at]), 0);
  }
  assert_int_equal(aioble_bond_delete(w.ble[CENTRAL], &peripheral), 0);
  close_all(&w);
  assert_true(heap.octets > 10000);
  cJSON_InitHooks(NULL);
  search(&w);
  forget_heap();
  temp_dir_free(w.dir);
}

static void no_key_is_in_memory_that_was_given_back(void **state) {
  (void) state;
  for (unsigned i = 0; i < 8; i++)
    tell(i);
}

/* the test would find one */
static void a_key_that_is_there_is_found(void **state) {
  static const uint8_t key[LEN] = {1, 2, 3};
  uint8_t *there = take(NULL, 40);
  world w = {0};

  (void) state;
  add(&w, "key", key, LEN);
  memset(there, 0, 40);
  memcpy(there + 24, key, LEN);
  give_back(NULL, there);
  assert_true(same(heap.freed->bytes + 24, w.secrets[0], false));
  assert_false(same(heap.freed->bytes + 23, w.secrets[0], false));
  assert_true(same_text((const uint8_t *) "01020300000000000000000000000000", w.secrets[0]));
  forget_heap();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_that_is_there_is_found),
      cmocka_unit_test(no_key_is_in_memory_that_was_given_back),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
