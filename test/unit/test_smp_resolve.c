/* SPDX-License-Identifier: MIT */
/* Private addresses: ours, and whose a peer's is. */
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include "smp/smp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Core Vol 3, Part H, Appendix D.7, turned round */
#define SAMPLE_IRK "9b7d390aa6101034 05adc857a33402ec"
static const aioble_addr_t sample = {AIOBLE_ADDR_RANDOM, {0x70, 0x81, 0x94, 0x0d, 0xfb, 0xaa}};

typedef struct bed {
  ab_env *env;
  ab_bufs bufs;
  ab_smp_stack stack;
} bed;

static void set_up(bed *b) {
  b->env = fake_env_new();
  ab_bufs_init(&b->bufs, b->env, 4);
  ab_smp_stack_init(&b->stack, b->env, &b->bufs);
}

static void tear_down(bed *b) {
  ab_smp_stack_close(&b->stack);
  ab_bufs_free(&b->bufs);
  fake_env_free(b->env);
}

static ab_key16 sample_irk(void) {
  ab_key16 irk;

  hex_read(SAMPLE_IRK, irk.b, sizeof irk.b);
  return irk;
}

/* whose key it is; NULL: no key */
static ab_bond *add(bed *b, unsigned i, const ab_key16 *irk) {
  ab_bond *bond = ab_smp_bond_new(&b->stack);

  assert_non_null(bond);
  bond->addr = (aioble_addr_t){AIOBLE_ADDR_PUBLIC, {0, 0, 0, 0, (uint8_t) (i >> 8), (uint8_t) i}};
  bond->has_irk = irk != NULL;
  if (irk)
    bond->irk = *irk;
  assert_int_equal(ab_smp_bond_add(&b->stack, bond), 0);
  return bond;
}

static void the_sample_of_the_specification_is_resolved(void **state) {
  ab_key16 irk = sample_irk(), other = {{1}};
  aioble_addr_t wrong = sample;
  const ab_bond *bond;
  bed b;

  (void) state;
  set_up(&b);
  add(&b, 1, &other);
  add(&b, 2, NULL);
  assert_null(ab_smp_bond_of(&b.stack, &sample));
  bond = add(&b, 3, &irk);
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  wrong.bytes[5] ^= 1;
  assert_null(ab_smp_bond_of(&b.stack, &wrong));
  wrong = sample;
  wrong.bytes[0] &= 0x3f; /* not resolvable */
  assert_null(ab_smp_bond_of(&b.stack, &wrong));
  tear_down(&b);
}

static void ours_resolves_with_our_key_alone(void **state) {
  aioble_addr_t addr, last = {0};
  const ab_bond *us;
  ab_key16 other = {{1}};
  bed b;

  (void) state;
  set_up(&b);
  b.stack.irk = sample_irk();
  b.stack.has_irk = true;
  us = add(&b, 1, &b.stack.irk);
  add(&b, 2, &other);
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(ab_smp_private_address(&b.stack, &addr), 0);
    assert_int_equal(aioble_addr_kind(&addr), AIOBLE_ADDR_KIND_RESOLVABLE);
    assert_false(aioble_addr_equal(&addr, &last));
    assert_ptr_equal(ab_smp_bond_of(&b.stack, &addr), us);
    last = addr;
  }
  tear_down(&b);
}

static int constant(void *ctx, void *buf, size_t len) {
  memset(buf, *(const uint8_t *) ctx, len);
  return 0;
}

/* Core Vol 6, Part B, 1.3.2.2: the random part is neither all zeroes nor all ones */
static void without_a_key_or_randomness_there_is_no_address(void **state) {
  aioble_addr_t addr = sample;
  uint8_t zeroes = 0, ones = 0xff;
  bed b;

  (void) state;
  set_up(&b);
  assert_int_equal(ab_smp_private_address(&b.stack, &addr), AIOBLE_EIO);
  b.stack.has_irk = true;
  b.env->random_fn = constant;
  b.env->random_ctx = &zeroes;
  assert_int_equal(ab_smp_private_address(&b.stack, &addr), AIOBLE_EIO);
  b.env->random_ctx = &ones;
  assert_int_equal(ab_smp_private_address(&b.stack, &addr), AIOBLE_EIO);
  fake_env_no_random(b.env);
  assert_int_equal(ab_smp_private_address(&b.stack, &addr), AIOBLE_EIO);
  assert_true(aioble_addr_equal(&addr, &sample));
  tear_down(&b);
}

/* what was looked for again would have another answer now */
static void an_answer_is_remembered_also_if_it_is_nobody(void **state) {
  ab_key16 irk = sample_irk();
  aioble_addr_t another;
  ab_bond *bond;
  bed b;

  (void) state;
  set_up(&b);
  b.stack.irk = irk;
  b.stack.has_irk = true;
  assert_int_equal(ab_smp_private_address(&b.stack, &another), 0);
  bond = add(&b, 1, &irk);
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  bond->has_irk = false;
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  assert_null(ab_smp_bond_of(&b.stack, &another));
  bond->has_irk = true;
  assert_null(ab_smp_bond_of(&b.stack, &another));
  tear_down(&b);
}

static void a_bond_that_comes_or_goes_changes_the_answers(void **state) {
  ab_key16 irk = sample_irk(), other = {{1}};
  ab_bond *bond;
  bed b;

  (void) state;
  set_up(&b);
  add(&b, 1, &other);
  assert_null(ab_smp_bond_of(&b.stack, &sample));
  bond = add(&b, 2, &irk);
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  bond = add(&b, 2, &irk); /* the old one has been freed */
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  ab_smp_bond_delete(&b.stack, bond);
  assert_null(ab_smp_bond_of(&b.stack, &sample));
  tear_down(&b);
}

/* those heard of late stay, however many of nobody's come between; addresses that share a place */
static void ever_new_addresses_only_push_out_older_ones(void **state) {
  ab_key16 irk = sample_irk();
  aioble_addr_t noise = sample;
  ab_bond *bond;
  bed b;

  (void) state;
  set_up(&b);
  bond = add(&b, 1, &irk);
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond);
  bond->has_irk = false;
  for (unsigned i = 1; i < AB_SMP_RESOLVED_WAYS; i++) {
    noise.bytes[1] = (uint8_t) i;
    assert_null(ab_smp_bond_of(&b.stack, &noise));
  }
  assert_ptr_equal(ab_smp_bond_of(&b.stack, &sample), bond); /* the last one in its place: first */
  for (unsigned i = 1; i <= AB_SMP_RESOLVED_WAYS; i++) {
    noise.bytes[2] = (uint8_t) i;
    assert_null(ab_smp_bond_of(&b.stack, &noise));
  }
  assert_null(ab_smp_bond_of(&b.stack, &sample)); /* pushed out, and without its key */
  tear_down(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sample_of_the_specification_is_resolved),
      cmocka_unit_test(ours_resolves_with_our_key_alone),
      cmocka_unit_test(without_a_key_or_randomness_there_is_no_address),
      cmocka_unit_test(an_answer_is_remembered_also_if_it_is_nobody),
      cmocka_unit_test(a_bond_that_comes_or_goes_changes_the_answers),
      cmocka_unit_test(ever_new_addresses_only_push_out_older_ones),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
