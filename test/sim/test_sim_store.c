/* SPDX-License-Identifier: MIT */
/*
 * What is kept when the place for it fails, is another's, or the application's own; and who is
 * told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "helpers/aioble_file.h"
#include "helpers/cached_pair.h"
#include "helpers/temp_dir.h"

enum { TEXT_MAX = 1 << 16 };

/* the client's store, and what it is told */
typedef struct bed {
  cached_pair *p;
  unsigned said; /* by on_store */
  int status;
  char why[256];
  /* the application's own place: */
  char text[TEXT_MAX];
  size_t len;
  int load_status, save_status; /* what the functions return, unless 0 */
  unsigned loads, saves;
} bed;

static bed *bed_of(void *user) {
  return ((sim_stack *) user)->user;
}

static void on_store(aioble_t *ble, int status, const char *why, void *user) {
  bed *b = bed_of(user);
  const char *same;

  assert_int_equal(aioble_store_status(ble, &same), status);
  assert_string_equal(same, why);
  b->said++;
  b->status = status;
  (void) snprintf(b->why, sizeof b->why, "%s", why);
}

static int load(void *user, aioble_bytes_t *text) {
  bed *b = bed_of(user);

  b->loads++;
  *text = (aioble_bytes_t){(const uint8_t *) b->text, b->len};
  return b->load_status ? b->load_status : b->len ? 0 : AIOBLE_ENOENT;
}

static int save(void *user, aioble_bytes_t text) {
  bed *b = bed_of(user);

  b->saves++;
  assert_in_range(text.len, 1, TEXT_MAX);
  if (b->save_status < 0)
    return b->save_status;
  memcpy(b->text, text.data, text.len);
  b->len = text.len;
  return b->save_status;
}

static const aioble_store_ops_t own_place = {load, save};

static bed *bed_new(const aioble_store_ops_t *ops) {
  bed *b = calloc(1, sizeof *b);

  assert_non_null(b);
  b->p = cached_pair_new(&(aioble_options_t){.store_ops = ops, .on_store = on_store});
  sim_stack_of(&b->p->s, b->p->client)->user = b;
  return b;
}

static void bed_free(bed *b) {
  cached_pair_free(b->p);
  free(b);
}

static void pair(bed *b) {
  cached_pair_meet(b->p, NULL);
  sim_expect(aioble_conn_pair(b->p->at_client, NULL), 0);
  sim_run_ms(&b->p->s, 100);
  assert_true(aioble_conn_security(b->p->at_client).bonded);
}

static unsigned n_bonds(bed *b) {
  return (unsigned) aioble_bonds(b->p->client, NULL, 0);
}

static bool on_disk(const bed *b, const char *what) {
  char text[TEXT_MAX];

  if (!temp_dir_has(b->p->dir, "client.json"))
    return false;
  temp_dir_read(b->p->dir, "client.json", text, sizeof text);
  return strstr(text, what) != NULL;
}

static uint64_t failures(const bed *b) {
  aioble_stats_t stats;

  aioble_stats(b->p->client, &stats);
  return stats.store_failures;
}

/* the link is encrypted with the bond's key before it is shown */
static void expect_recognized(bed *b) {
  cached_pair_meet(b->p, NULL);
  assert_true(aioble_conn_security(b->p->at_client).bonded);
  cached_pair_part(b->p);
}

/* the directory goes, and a file is where it was */
static void break_disk(const bed *b, char away[100]) {
  (void) snprintf(away, 100, "%s-away", b->p->dir);
  assert_int_equal(rename(b->p->dir, away), 0);
  temp_dir_write("/tmp", b->p->dir + strlen("/tmp/"), "in the way");
}

static void mend_disk(const bed *b, const char *away) {
  assert_int_equal(unlink(b->p->dir), 0);
  assert_int_equal(rename(away, b->p->dir), 0);
}

/* ---- a disk that fails ---- */

static void a_bond_that_cannot_be_saved_is_said_and_saved_later(void **state) {
  bed *b = bed_new(NULL);
  char away[100];

  (void) state;
  sim_expect(aioble_open(b->p->client), 0);
  assert_int_equal(aioble_store_status(b->p->client, NULL), 0);
  break_disk(b, away);
  pair(b); /* as such it succeeds */
  assert_int_equal(b->said, 1);
  assert_int_equal(b->status, -ENOTDIR);
  assert_non_null(strstr(b->why, "client.json"));
  assert_true(failures(b) > 0);
  assert_int_equal(n_bonds(b), 1);
  sim_run_ms(&b->p->s, 31000);
  assert_int_equal(b->said, 1); /* once */
  mend_disk(b, away);
  sim_run_ms(&b->p->s, 31000);
  assert_int_equal(b->said, 2);
  assert_int_equal(aioble_store_status(b->p->client, NULL), 0);
  assert_true(on_disk(b, "\"bond\""));
  bed_free(b);
}

static void what_cannot_be_saved_at_the_close_is_saved_at_the_next_open(void **state) {
  bed *b = bed_new(NULL);
  char away[100];

  (void) state;
  sim_expect(aioble_open(b->p->client), 0);
  break_disk(b, away);
  pair(b);
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0);
  assert_int_equal(n_bonds(b), 1);
  mend_disk(b, away);
  assert_false(on_disk(b, "\"bond\""));
  expect_recognized(b);
  sim_expect(aioble_close(b->p->client), 0);
  assert_true(on_disk(b, "\"bond\""));
  assert_int_equal(aioble_store_status(b->p->client, NULL), 0);
  bed_free(b);
}

static void a_deletion_that_cannot_be_saved_says_so(void **state) {
  bed *b = bed_new(NULL);
  aioble_bond_t bond;
  char away[100];

  (void) state;
  pair(b);
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0);
  assert_int_equal(aioble_bonds(b->p->client, &bond, 1), 1);
  break_disk(b, away);
  assert_int_equal(aioble_bond_delete(b->p->client, &bond.addr), -ENOTDIR);
  assert_int_equal(n_bonds(b), 1);
  mend_disk(b, away);
  assert_int_equal(aioble_bond_delete(b->p->client, &bond.addr), 0);
  assert_false(on_disk(b, "\"bond\""));
  bed_free(b);
}

static void a_corrupt_file_is_said_and_one_made_anew(void **state) {
  bed *b = bed_new(NULL);

  (void) state;
  temp_dir_write(b->p->dir, "client.json", "{ \"version\": 1, ");
  sim_expect(aioble_open(b->p->client), 0);
  assert_int_equal(b->said, 1);
  assert_int_equal(b->status, AIOBLE_EINVAL);
  assert_non_null(strstr(b->why, "client.json.corrupt-1"));
  pair(b);
  assert_int_equal(b->said, 2);
  assert_int_equal(b->status, 0);
  assert_true(on_disk(b, "\"bond\""));
  bed_free(b);
}

/* ---- another stack's ---- */

static void a_store_in_use_is_left_alone_and_bonds_are_kept_once_it_is_free(void **state) {
  bed *b = bed_new(NULL);
  sim *s = &b->p->s;
  char path[100];
  aioble_options_t options = {.store = path};
  aioble_t *other;

  (void) state;
  (void) snprintf(path, sizeof path, "%s/client.json", b->p->dir);
  other = sim_stack_new(s, &options, NULL);
  sim_expect(aioble_open(other), 0);
  pair(b);
  assert_int_equal(b->status, AIOBLE_EBUSY);
  assert_int_equal(b->said, 1);
  assert_false(on_disk(b, "\"bond\""));
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0);
  sim_expect(aioble_close(other), 0);
  expect_recognized(b);
  assert_true(on_disk(b, "\"bond\""));
  assert_int_equal(aioble_store_status(b->p->client, NULL), 0);
  assert_int_equal(b->said, 2);
  assert_int_equal(aioble_bonds(other, NULL, 0), 1); /* it may look */
  assert_int_equal(aioble_store_status(other, NULL), 0);
  sim_expect(aioble_open(other), 0);
  assert_int_equal(aioble_store_status(other, NULL), AIOBLE_EBUSY);
  bed_free(b);
}

static void what_another_program_has_deleted_is_gone(void **state) {
  bed *b = bed_new(NULL);
  char path[100];
  aioble_bond_t bond;
  aioble_t *other;

  (void) state;
  (void) snprintf(path, sizeof path, "%s/client.json", b->p->dir);
  pair(b);
  cached_pair_part(b->p);
  other = sim_stack_new(&b->p->s, &(aioble_options_t){.store = path}, NULL);
  assert_int_equal(aioble_bonds(other, &bond, 1), 1);
  assert_int_equal(aioble_bond_delete(other, &bond.addr), AIOBLE_EBUSY);
  sim_expect(aioble_close(b->p->client), 0);
  assert_int_equal(aioble_bond_delete(other, &bond.addr), 0);
  sim_expect(aioble_open(b->p->client), 0);
  assert_int_equal(n_bonds(b), 0);
  bed_free(b);
}

/* ---- listing ---- */

static void bonds_are_listed_before_the_adapter_is_open(void **state) {
  bed *b = bed_new(NULL);

  (void) state;
  pair(b);
  cached_pair_part(b->p);
  cached_pair_restart_client(b->p);
  assert_int_equal(n_bonds(b), 1);
  assert_false(aioble_is_open(b->p->client));
  assert_null(b->p->client->store);
  temp_dir_write(b->p->dir, "client.json", "{\"version\": 1}");
  sim_expect(aioble_open(b->p->client), 0); /* which reads it again */
  assert_int_equal(n_bonds(b), 0);
  bed_free(b);
}

static void by_default_each_adapter_has_a_file_by_its_address(void **state) {
  bed *b = bed_new(NULL);
  sim_stack *stack = sim_stack_of(&b->p->s, b->p->client);
  char path[200], expected[200];
  aioble_addr_t addr;
  aioble_bond_t bond;

  (void) state;
  assert_int_equal(setenv("XDG_STATE_HOME", b->p->dir, 1), 0);
  stack->options.store = NULL;
  b->p->client = sim_restart(&b->p->s, b->p->client);
  assert_int_equal(n_bonds(b), 0); /* whose they might be is not known */
  assert_int_equal(aioble_bond_delete(b->p->client, &(aioble_addr_t){0}), AIOBLE_ENODEV);
  pair(b);
  addr = sim_addr(b->p->client);
  assert_int_equal(addr.type, AIOBLE_ADDR_PUBLIC);
  assert_int_equal(aioble_store_path(&addr, path, sizeof path), 0);
  (void) snprintf(expected, sizeof expected, "%s/aioble/%02x-%02x-%02x-%02x-%02x-%02x.json",
                  b->p->dir, addr.bytes[0], addr.bytes[1], addr.bytes[2], addr.bytes[3],
                  addr.bytes[4], addr.bytes[5]);
  assert_string_equal(path, expected);
  assert_true(access(path, R_OK) == 0);
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0);
  assert_int_equal(aioble_bonds(b->p->client, &bond, 1), 1);
  stack->options.store = path;
  b->p->client = sim_restart(&b->p->s, b->p->client);
  assert_int_equal(n_bonds(b), 1); /* by its address */
  assert_int_equal(aioble_store_path(&addr, path, 10), AIOBLE_EMSGSIZE);
  assert_int_equal(aioble_store_path(NULL, path, 10), AIOBLE_EINVAL);
  bed_free(b);
}

/* ---- the application's own place ---- */

static void an_own_place_is_used_instead_of_a_file(void **state) {
  bed *b = bed_new(&own_place);

  (void) state;
  pair(b);
  assert_non_null(strstr(b->text, "\"bond\""));
  assert_false(temp_dir_has(b->p->dir, "client.json"));
  cached_pair_part(b->p);
  cached_pair_restart_client(b->p);
  assert_int_equal(n_bonds(b), 1);
  expect_recognized(b);
  assert_false(temp_dir_has(b->p->dir, "client.json"));
  assert_int_equal(b->said, 0);
  bed_free(b);
}

typedef struct told {
  bed *b;
  bool kept;
} told;

static void on_paired(aioble_op_t *op, int status, void *user) {
  told *t = user;

  assert_int_equal(status, 0);
  t->kept = t->b->saves == 1 && strstr(t->b->text, "\"bond\"") != NULL;
  aioble_op_unref(op);
}

static void a_bond_is_kept_before_anybody_is_told_of_it(void **state) {
  bed *b = bed_new(&own_place);
  told t = {.b = b};

  (void) state;
  cached_pair_meet(b->p, NULL);
  aioble_op_then(aioble_conn_pair(b->p->at_client, NULL), on_paired, &t);
  sim_run_ms(&b->p->s, 1000);
  assert_true(t.kept);
  bed_free(b);
}

/* public addresses 00:00:00:00:00:01 and up */
static aioble_addr_t peer_addr(unsigned i) {
  return (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {0, 0, 0, 1, (uint8_t) (i >> 8), (uint8_t) i}};
}

static void write_bonds(bed *b, unsigned n) {
  char addr[AIOBLE_ADDR_TEXT_SIZE];

  b->len = (size_t) sprintf(b->text, "{\"version\":1,\"peers\":[");
  for (unsigned i = 0; i < n; i++) {
    aioble_addr_t peer = peer_addr(i);

    b->len += (size_t) sprintf(b->text + b->len,
                               "%s{\"address\":\"%s\",\"type\":\"public\","
                               "\"bond\":{\"local\":{\"key\":\"%032x\"},\"key_size\":16}}",
                               i ? "," : "", aioble_addr_text(&peer, addr), i + 1);
  }
  b->len += (size_t) sprintf(b->text + b->len, "]}");
}

static void many_changes_in_a_turn_are_kept_at_once(void **state) {
  bed *b = bed_new(&own_place);

  (void) state;
  write_bonds(b, 100);
  sim_expect(aioble_open(b->p->client), 0);
  assert_int_equal(n_bonds(b), 100);
  assert_int_equal(b->saves, 0);
  for (unsigned i = 0; i < 60; i++) {
    aioble_addr_t addr = peer_addr(i);

    assert_int_equal(aioble_bond_delete(b->p->client, &addr), 0);
  }
  sim_run_ms(&b->p->s, 1);
  assert_int_equal(b->saves, 1);
  assert_int_equal(n_bonds(b), 40);
  cached_pair_restart_client(b->p);
  assert_int_equal(n_bonds(b), 40);
  bed_free(b);
}

static void what_an_own_place_does_not_keep_is_tried_again(void **state) {
  bed *b = bed_new(&own_place);

  (void) state;
  b->save_status = AIOBLE_ENOBUFS;
  pair(b);
  assert_int_equal(b->said, 1);
  assert_int_equal(b->status, AIOBLE_ENOBUFS);
  assert_int_equal(b->len, 0);
  b->save_status = 0;
  sim_run_ms(&b->p->s, 31000);
  assert_int_equal(b->said, 2);
  assert_int_equal(b->status, 0);
  assert_non_null(strstr(b->text, "\"bond\""));
  bed_free(b);
}

static void an_own_place_may_answer_later(void **state) {
  bed *b = bed_new(&own_place);
  aioble_bond_t bond;

  (void) state;
  assert_int_equal(aioble_store_saved(b->p->client, 0), AIOBLE_EALREADY);
  b->save_status = AIOBLE_SAVED_LATER;
  pair(b);
  assert_int_equal(b->saves, 1);
  assert_int_equal(aioble_bonds(b->p->client, &bond, 1), 1);
  assert_int_equal(aioble_bond_delete(b->p->client, &bond.addr), 0);
  sim_run_ms(&b->p->s, 60000);
  assert_int_equal(b->saves, 1); /* the next one waits */
  assert_int_equal(aioble_store_saved(b->p->client, 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_store_saved(b->p->client, 0), 0);
  assert_int_equal(aioble_store_saved(b->p->client, 0), AIOBLE_EALREADY);
  sim_run_ms(&b->p->s, 1);
  assert_int_equal(b->saves, 2);
  assert_null(strstr(b->text, "\"bond\""));
  assert_int_equal(b->said, 0);
  assert_int_equal(aioble_store_saved(b->p->client, AIOBLE_EIO), 0);
  sim_run_ms(&b->p->s, 1);
  assert_int_equal(b->status, AIOBLE_EIO);
  sim_run_ms(&b->p->s, 31000);
  assert_int_equal(b->saves, 3);
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0); /* which does not wait */
  assert_int_equal(aioble_store_saved(b->p->client, 0), 0);
  assert_null(b->p->client->store);
  assert_int_equal(aioble_store_status(b->p->client, NULL), 0);
  bed_free(b);
}

/* nothing is ever saved over what could not be read */
static void what_an_own_place_has_is_not_replaced_unread(void **state) {
  static const struct {
    const char *text;
    int load_status, status;
  } odd[] = {
      {"", AIOBLE_EIO, AIOBLE_EIO},
      {"nonsense", 0, AIOBLE_EINVAL},
      {"{\"version\": 2}", 0, AIOBLE_ENOTSUP},
      {"[[1, \"AA==\\n\", \"AA==\\n\"]]", 0, AIOBLE_ENOTSUP},
  };

  (void) state;
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    bed *b = bed_new(&own_place);

    b->len = (size_t) snprintf(b->text, sizeof b->text, "%s", odd[i].text);
    b->load_status = odd[i].load_status;
    assert_int_equal(n_bonds(b), 0);
    assert_int_equal(aioble_store_status(b->p->client, NULL), odd[i].status);
    pair(b);
    assert_int_equal(b->status, odd[i].status);
    assert_int_equal(b->saves, 0);
    assert_int_equal(n_bonds(b), 1);
    b->len = 0; /* mended */
    b->load_status = 0;
    cached_pair_part(b->p);
    sim_expect(aioble_close(b->p->client), 0);
    expect_recognized(b);
    assert_int_equal(b->status, 0);
    assert_non_null(strstr(b->text, "\"bond\""));
    bed_free(b);
  }
}

static void a_stack_that_keeps_nothing_says_nothing(void **state) {
  sim s;
  aioble_t *ble;
  const char *why;

  (void) state;
  sim_open(&s, NULL);
  ble = sim_stack_new(&s, NULL, NULL);
  assert_int_equal(aioble_bonds(ble, NULL, 0), 0);
  sim_expect(aioble_open(ble), 0);
  assert_int_equal(aioble_store_status(ble, &why), 0);
  assert_string_equal(why, "");
  assert_int_equal(aioble_store_saved(ble, 0), AIOBLE_EALREADY);
  assert_int_equal(aioble_store_status(NULL, &why), AIOBLE_ENOTCONN);
  assert_int_equal(aioble_store_saved(NULL, 0), AIOBLE_ENOTCONN);
  sim_close(&s);
}

/* ---- from a board ---- */

/* the client's only bond, as MicroPython's aioble has it of a peer */
static void write_secrets(bed *b, const char *path) {
  const ab_bond *bond = ab_container_of(ab_list_first(&b->p->client->smp.bonds), ab_bond, node);
  char text[AIOBLE_FILE_MAX] = "";
  uint8_t value[80] = {0};
  ab_wr w = ab_wr_of(value, sizeof value);

  ab_wr_u8(&w, bond->addr.type);
  for (unsigned i = 6; i--;)
    ab_wr_u8(&w, bond->addr.bytes[i]);
  ab_wr_u8(&w, bond->key_size);
  (void) ab_wr_take(&w, 16);
  ab_wr_bytes(&w, bond->peer.key.b, sizeof bond->peer.key.b);
  ab_wr_u8(&w, 1);
  (void) ab_wr_take(&w, 33);
  ab_wr_u8(&w, 4); /* LE Secure Connections */
  aioble_file_add(text, 2, value, 7, value, sizeof value);
  aioble_file_add(text, 10, "irk", 3, b->p->client->smp.irk.b, sizeof b->p->client->smp.irk.b);
  aioble_file_add(text, 3, "x", 1, "x", 1); /* of no kind we know */
  (void) strcat(text, "]");
  temp_dir_write(b->p->dir, path, text);
}

static void the_bonds_of_a_board_go_on_here(void **state) {
  bed *b = bed_new(NULL);
  char path[100], store[100];
  unsigned unreadable = 77;
  ab_key16 irk;

  (void) state;
  (void) snprintf(path, sizeof path, "%s/ble_secrets.json", b->p->dir);
  (void) snprintf(store, sizeof store, "%s/client.json", b->p->dir);
  pair(b);
  irk = b->p->client->smp.irk;
  write_secrets(b, "ble_secrets.json");
  cached_pair_part(b->p);
  cached_pair_restart_client(b->p);
  assert_int_equal(unlink(store), 0);
  assert_int_equal(n_bonds(b), 0);
  assert_int_equal(aioble_bonds_import(b->p->client, path, &unreadable), 1);
  assert_int_equal(unreadable, 1);
  assert_true(on_disk(b, "\"bond\""));
  expect_recognized(b);
  assert_memory_equal(&b->p->client->smp.irk, &irk, sizeof irk);
  assert_int_equal(aioble_bonds_import(b->p->client, path, NULL), 0); /* there is one */
  assert_int_equal(n_bonds(b), 1);
  assert_int_equal(aioble_bonds_import(b->p->client, "/nowhere", &unreadable), AIOBLE_ENOENT);
  assert_int_equal(aioble_bonds_import(b->p->client, store, &unreadable), AIOBLE_EINVAL);
  assert_int_equal(aioble_bonds_import(b->p->client, NULL, NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_bonds_import(NULL, path, NULL), AIOBLE_ENOTCONN);
  bed_free(b);
}

/* it is not ours to set aside */
static void a_board_s_file_is_no_state_file_and_stays(void **state) {
  bed *b = bed_new(NULL);

  (void) state;
  pair(b);
  cached_pair_part(b->p);
  sim_expect(aioble_close(b->p->client), 0);
  write_secrets(b, "client.json");
  sim_expect(aioble_open(b->p->client), 0);
  assert_int_equal(aioble_store_status(b->p->client, NULL), AIOBLE_ENOTSUP);
  assert_non_null(strstr(b->why, "aioble_bonds_import"));
  assert_true(on_disk(b, "[10, "));
  bed_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bond_that_cannot_be_saved_is_said_and_saved_later),
      cmocka_unit_test(what_cannot_be_saved_at_the_close_is_saved_at_the_next_open),
      cmocka_unit_test(a_deletion_that_cannot_be_saved_says_so),
      cmocka_unit_test(a_corrupt_file_is_said_and_one_made_anew),
      cmocka_unit_test(a_store_in_use_is_left_alone_and_bonds_are_kept_once_it_is_free),
      cmocka_unit_test(what_another_program_has_deleted_is_gone),
      cmocka_unit_test(bonds_are_listed_before_the_adapter_is_open),
      cmocka_unit_test(by_default_each_adapter_has_a_file_by_its_address),
      cmocka_unit_test(an_own_place_is_used_instead_of_a_file),
      cmocka_unit_test(a_bond_is_kept_before_anybody_is_told_of_it),
      cmocka_unit_test(many_changes_in_a_turn_are_kept_at_once),
      cmocka_unit_test(what_an_own_place_does_not_keep_is_tried_again),
      cmocka_unit_test(an_own_place_may_answer_later),
      cmocka_unit_test(what_an_own_place_has_is_not_replaced_unread),
      cmocka_unit_test(a_stack_that_keeps_nothing_says_nothing),
      cmocka_unit_test(the_bonds_of_a_board_go_on_here),
      cmocka_unit_test(a_board_s_file_is_no_state_file_and_stays),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
