/* SPDX-License-Identifier: MIT */
/* Signed data between two who have a bond, on a link that is not encrypted. */
#include "helpers/smp_bed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CENTRAL = SMP_CENTRAL, PERIPHERAL = SMP_PERIPHERAL, MAX = 64 };

typedef struct message {
  uint8_t bytes[MAX];
  size_t len;
} message;

static void bonded(smp_bed *bed, ab_smp_sc sc, ab_smp_io io) {
  ab_smp_policy policy = smp_policy(io, sc, io != AB_SMP_IO_NONE);

  smp_bed_open(bed);
  smp_bed_start(bed, &policy, &policy);
  smp_bed_finish(bed);
  smp_bed_expect(bed, 0, 0);
  smp_bed_reconnect(bed);
}

static ab_bond *bond_at(smp_bed *bed, unsigned side) {
  ab_list *n = ab_list_first(&bed->side[side].stack.bonds);

  assert_non_null(n);
  return ab_container_of(n, ab_bond, node);
}

/* what a side would send */
static int sign(smp_bed *bed, unsigned side, const char *text, message *m) {
  ab_buf *buf = ab_buf_copy(&bed->bufs, text, strlen(text));
  int err;

  assert_non_null(buf);
  err = ab_smp_sign(&bed->side[side].smp, buf);
  assert_int_equal(buf->len, strlen(text) + (err == 0 ? AB_SMP_SIGNATURE : 0));
  memcpy(m->bytes, buf->p, buf->len);
  m->len = buf->len;
  ab_buf_free(buf);
  return err;
}

static ab_smp_signature verify(smp_bed *bed, unsigned side, const message *m) {
  uint8_t *exact = malloc(m->len);
  ab_smp_signature signature;

  assert_non_null(exact);
  memcpy(exact, m->bytes, m->len);
  signature = ab_smp_verify(&bed->side[side].smp, exact[0], exact + 1, m->len - 1);
  free(exact);
  return signature;
}

/* refused, replayed */
static void expect_counts(const smp_bed *bed, unsigned side, unsigned refused, unsigned replayed) {
  assert_int_equal(bed->side[side].stack.signatures_refused, refused);
  assert_int_equal(bed->side[side].stack.signatures_replayed, replayed);
}

static uint32_t counter_of(const message *m) {
  ab_rd r = ab_rd_of(m->bytes + m->len - AB_SMP_SIGNATURE, AB_SMP_SIGNATURE);

  return ab_rd_le32(&r);
}

static void what_one_signs_the_other_verifies_once(void **state) {
  (void) state;
  for (unsigned i = 0; i < 8; i++) {
    unsigned from = i & 1 ? CENTRAL : PERIPHERAL;
    ab_smp_io io = i & 4 ? AB_SMP_IO_KEYBOARD_DISPLAY : AB_SMP_IO_NONE;
    smp_bed bed;
    message m;

    bonded(&bed, i & 2 ? AB_SMP_SC_REQUIRED : AB_SMP_SC_NEVER, io);
    for (unsigned n = 0; n < 3; n++) {
      assert_int_equal(sign(&bed, from, "\xd2 a door", &m), 0);
      assert_int_equal(counter_of(&m), n);
      assert_int_equal(verify(&bed, !from, &m),
                       i & 4 ? AB_SMP_SIGNED_AUTHENTICATED : AB_SMP_SIGNED);
      assert_int_equal(verify(&bed, !from, &m), AB_SMP_UNSIGNED);
    }
    expect_counts(&bed, !from, 0, 3);
    assert_int_equal(verify(&bed, from, &m), AB_SMP_UNSIGNED); /* nor are the keys the same */
    expect_counts(&bed, from, 1, 0);
    smp_bed_close(&bed);
  }
}

static void nothing_of_it_can_be_changed(void **state) {
  smp_bed bed;
  message m;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door, and all that is behind it", &m), 0);
  for (size_t bit = 0; bit < 8 * m.len; bit++) {
    message other = m;

    other.bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
    assert_int_equal(verify(&bed, PERIPHERAL, &other), AB_SMP_UNSIGNED);
  }
  for (size_t len = 1; len < m.len; len++)
    assert_int_equal(verify(&bed, PERIPHERAL, &(message){.len = len}), AB_SMP_UNSIGNED);
  expect_counts(&bed, PERIPHERAL, (unsigned) (9 * m.len - 1), 0);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
  smp_bed_close(&bed);
}

static void counters_may_be_left_out_but_not_go_back(void **state) {
  message m[4];
  smp_bed bed;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m[i]), 0);
  assert_int_equal(verify(&bed, PERIPHERAL, &m[1]), AB_SMP_SIGNED);
  assert_int_equal(verify(&bed, PERIPHERAL, &m[0]), AB_SMP_UNSIGNED);
  assert_int_equal(verify(&bed, PERIPHERAL, &m[3]), AB_SMP_SIGNED);
  assert_int_equal(verify(&bed, PERIPHERAL, &m[2]), AB_SMP_UNSIGNED);
  expect_counts(&bed, PERIPHERAL, 0, 2);
  smp_bed_close(&bed);
}

static void a_key_signs_as_often_as_it_can_count(void **state) {
  smp_bed bed;
  message m;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  bond_at(&bed, CENTRAL)->counter = UINT32_MAX;
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), 0);
  assert_int_equal(counter_of(&m), UINT32_MAX);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), AIOBLE_ENOBUFS);
  smp_bed_close(&bed);
}

/* ---- keeping them ---- */

typedef struct keeper {
  unsigned ours, peers;
  uint64_t reserved, peer_counter;
  int answer;
} keeper;

static int keep(void *ctx, const ab_bond *bond, bool ours) {
  keeper *k = ctx;

  k->ours += ours;
  k->peers += !ours;
  if (k->answer == 0) {
    k->reserved = bond->reserved;
    k->peer_counter = bond->peer_counter;
  }
  return k->answer;
}

static void keep_at(smp_bed *bed, unsigned side, keeper *k) {
  *k = (keeper){0};
  bed->side[side].stack.on_counter = keep;
  bed->side[side].stack.ctx = k;
}

static void ours_are_kept_ahead_and_never_used_twice(void **state) {
  smp_bed bed;
  message m;
  keeper k;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  keep_at(&bed, CENTRAL, &k);
  for (unsigned i = 0; i < 2 * AB_SMP_RESERVE + 1; i++) {
    assert_int_equal(sign(&bed, CENTRAL, "\xd2", &m), 0);
    assert_int_equal(counter_of(&m), i);
    assert_true(k.reserved > i);
    assert_int_equal(k.ours, 1 + i / AB_SMP_RESERVE);
  }
  /* killed, and here again with what was kept */
  bond_at(&bed, CENTRAL)->counter = bond_at(&bed, CENTRAL)->reserved = k.reserved;
  assert_int_equal(sign(&bed, CENTRAL, "\xd2", &m), 0);
  assert_int_equal(counter_of(&m), 3 * AB_SMP_RESERVE);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
  assert_int_equal(k.peers, 0);
  smp_bed_close(&bed);
}

static void what_cannot_be_kept_is_not_used(void **state) {
  smp_bed bed;
  message m;
  keeper k;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  keep_at(&bed, CENTRAL, &k);
  k.answer = AIOBLE_EIO;
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(sign(&bed, CENTRAL, "\xd2", &m), AIOBLE_EIO);
  k.answer = 0;
  assert_int_equal(sign(&bed, CENTRAL, "\xd2", &m), 0);
  assert_int_equal(counter_of(&m), 0);
  assert_int_equal(k.ours, 3);
  smp_bed_close(&bed);
}

/* that it could not be kept is no reason to disbelieve the peer */
static void the_peers_are_kept_as_they_come(void **state) {
  smp_bed bed;
  message m;
  keeper k;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  keep_at(&bed, PERIPHERAL, &k);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(sign(&bed, CENTRAL, "\xd2", &m), 0);
    k.answer = i == 1 ? AIOBLE_EIO : 0;
    assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
    assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
    assert_int_equal(k.peers, i + 1);
  }
  assert_int_equal(k.peer_counter, 3);
  assert_int_equal(k.ours, 0);
  smp_bed_close(&bed);
}

/* ---- whose it is ---- */

static void strangers_sign_nothing_and_are_not_believed(void **state) {
  smp_bed bed;
  message m, none;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), 0);
  bond_at(&bed, CENTRAL)->has_local_csrk = bond_at(&bed, PERIPHERAL)->has_csrk = false;
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &none), AIOBLE_ENOENT);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
  bond_at(&bed, PERIPHERAL)->has_csrk = true;
  for (unsigned side = 0; side < 2; side++)
    ab_smp_bond_delete(&bed.side[side].stack, bond_at(&bed, side));
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &none), AIOBLE_ENOENT);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
  expect_counts(&bed, PERIPHERAL, 2, 0);
  smp_bed_close(&bed);
}

static void a_new_bond_begins_to_count_anew_unless_its_key_is_the_old_one(void **state) {
  (void) state;
  for (unsigned same = 0; same < 2; same++) {
    ab_bond *old, *bond;
    smp_bed bed;
    message m;

    bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
    assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), 0);
    assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
    old = bond_at(&bed, PERIPHERAL);
    bond = ab_smp_bond_new(&bed.side[PERIPHERAL].stack);
    assert_non_null(bond);
    bond->addr = old->addr;
    bond->has_csrk = true;
    bond->csrk = old->csrk;
    bond->csrk.b[0] ^= !same;
    assert_int_equal(ab_smp_bond_add(&bed.side[PERIPHERAL].stack, bond), 0);
    assert_int_equal(bond->peer_counter, same);
    assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
    expect_counts(&bed, PERIPHERAL, !same, same);
    smp_bed_close(&bed);
  }
}

static void no_memory_is_a_failure_and_no_more(void **state) {
  smp_bed bed;
  message m, none;

  (void) state;
  bonded(&bed, AB_SMP_SC_REQUIRED, AB_SMP_IO_NONE);
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), 0);
  fake_env_fail_at(bed.env, 1);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_UNSIGNED);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
  fake_env_fail_at(bed.env, 1); /* the buffer rests in its pool */
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &none), AIOBLE_ENOMEM);
  assert_int_equal(sign(&bed, CENTRAL, "\xd2 a door", &m), 0);
  assert_int_equal(verify(&bed, PERIPHERAL, &m), AB_SMP_SIGNED);
  smp_bed_close(&bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_one_signs_the_other_verifies_once),
      cmocka_unit_test(nothing_of_it_can_be_changed),
      cmocka_unit_test(counters_may_be_left_out_but_not_go_back),
      cmocka_unit_test(a_key_signs_as_often_as_it_can_count),
      cmocka_unit_test(ours_are_kept_ahead_and_never_used_twice),
      cmocka_unit_test(what_cannot_be_kept_is_not_used),
      cmocka_unit_test(the_peers_are_kept_as_they_come),
      cmocka_unit_test(strangers_sign_nothing_and_are_not_believed),
      cmocka_unit_test(a_new_bond_begins_to_count_anew_unless_its_key_is_the_old_one),
      cmocka_unit_test(no_memory_is_a_failure_and_no_more),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
