/* SPDX-License-Identifier: MIT */
#include "helpers/smp_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const aioble_addr_t addrs[2] = {
    {AIOBLE_ADDR_PUBLIC, {0x00, 0x11, 0x22, 0x33, 0x44, 0x55}},
    {AIOBLE_ADDR_RANDOM, {0xc0, 0x66, 0x77, 0x88, 0x99, 0xaa}},
};

static void on_send(void *ctx, ab_buf *command) {
  smp_side *side = ctx;
  smp_bed *bed = side->bed;
  smp_air *at = &bed->air[bed->on_air++];

  assert_true(bed->on_air <= SMP_AIR);
  assert_true(command->len <= sizeof at->bytes);
  at->to = &bed->side[side == &bed->side[SMP_CENTRAL] ? SMP_PERIPHERAL : SMP_CENTRAL];
  at->len = command->len;
  memcpy(at->bytes, command->p, command->len);
  side->sent++;
  ab_buf_finish(command, 0);
}

static int on_encrypt(void *ctx, const ab_smp_ltk *key) {
  smp_side *side = ctx;

  assert_ptr_equal(side, &side->bed->side[SMP_CENTRAL]);
  assert_false(side->bed->encrypting);
  side->bed->encrypting = true;
  side->bed->key = *key;
  return 0;
}

static void on_prompt(void *ctx, ab_smp_prompt kind, uint32_t number) {
  smp_side *side = ctx;

  side->prompted = true;
  side->prompt = kind;
  side->number = number;
  side->prompts++;
}

static void on_keypress(void *ctx, uint8_t type) {
  smp_side *side = ctx;

  assert_true(type <= 4);
  side->keypresses++;
}

static void on_changed(void *ctx) {
  smp_side *side = ctx;

  side->changes++;
}

static void on_ended(void *ctx, int status) {
  smp_side *side = ctx;

  side->ended++;
  side->status = status;
}

static void on_await_ack(void *ctx) {
  smp_side *side = ctx;

  side->unacked = true;
}

const ab_smp_events smp_bed_events = {on_send,     on_encrypt, on_await_ack, on_prompt,
                                      on_keypress, on_changed, on_ended};

static void open_link(smp_bed *bed) {
  for (int i = 0; i < 2; i++)
    ab_smp_open(&bed->side[i].smp, &bed->side[i].stack, &smp_bed_events, &bed->side[i],
                i == SMP_CENTRAL, &addrs[i], &addrs[!i]);
}

static void close_link(smp_bed *bed) {
  for (int i = 0; i < 2; i++)
    ab_smp_close(&bed->side[i].smp, AIOBLE_ENOTCONN);
  bed->on_air = 0;
  bed->encrypting = bed->side[0].unacked = bed->side[1].unacked = false;
}

void smp_bed_open(smp_bed *bed) {
  memset(bed, 0, sizeof *bed);
  bed->env = fake_env_new();
  ab_bufs_init(&bed->bufs, bed->env, 8);
  for (int i = 0; i < 2; i++) {
    smp_side *side = &bed->side[i];

    side->bed = bed;
    ab_smp_stack_init(&side->stack, bed->env, &bed->bufs);
    side->stack.identity = addrs[i];
    side->stack.has_irk = ab_random(bed->env, &side->stack.irk, sizeof side->stack.irk) == 0;
  }
  open_link(bed);
}

void smp_bed_close(smp_bed *bed) {
  close_link(bed);
  for (int i = 0; i < 2; i++) {
    assert_null(bed->side[i].smp.pairing);
    assert_int_equal(bed->side[i].smp.in_flight, 0);
    ab_smp_stack_close(&bed->side[i].stack);
  }
  ab_bufs_free(&bed->bufs);
  fake_env_free(bed->env);
}

void smp_bed_reconnect(smp_bed *bed) {
  close_link(bed);
  open_link(bed);
}

/* as the two controllers do: refused, the link lost to another key, or encrypted */
static void encrypt(smp_bed *bed) {
  ab_smp *central = &bed->side[SMP_CENTRAL].smp, *peripheral = &bed->side[SMP_PERIPHERAL].smp;
  ab_key16 key;

  bed->encrypting = false;
  if (!ab_smp_ltk_request(peripheral, bed->key.rand, bed->key.ediv, &key)) {
    ab_smp_encryption(central, AIOBLE_ERR_HCI(0x06), false);
  } else if (memcmp(&key, &bed->key.key, sizeof key) != 0) {
    close_link(bed);
  } else {
    ab_smp_encryption(central, 0, true);
    ab_smp_encryption(peripheral, 0, true);
  }
}

static bool acknowledge(smp_bed *bed) {
  for (unsigned i = 0; i < 2; i++) {
    smp_side *side = &bed->side[i];

    if (!side->unacked)
      continue;
    side->unacked = false;
    ab_smp_acked(&side->smp);
    return true;
  }
  return false;
}

bool smp_bed_move(smp_bed *bed) {
  smp_air first = bed->air[0];
  uint8_t *exact;

  if (bed->encrypting && !bed->on_air) {
    bed->moves++;
    encrypt(bed);
    return true;
  }
  if (!bed->on_air)
    return acknowledge(bed);
  bed->moves++;
  memmove(&bed->air[0], &bed->air[1], --bed->on_air * sizeof bed->air[0]);
  if (bed->meddle && !bed->meddle(bed, &first))
    return true;
  exact = malloc(first.len ? first.len : 1);
  assert_non_null(exact);
  memcpy(exact, first.bytes, first.len);
  ab_smp_rx(&first.to->smp, exact, first.len);
  free(exact);
  return true;
}

void smp_bed_run(smp_bed *bed) {
  while (smp_bed_move(bed)) {}
}

ab_smp_policy smp_policy(ab_smp_io io, ab_smp_sc sc, bool mitm) {
  return (ab_smp_policy){
      .io = (uint8_t) io, .sc = (uint8_t) sc, .mitm = mitm, .bond = true, .min_key = 16};
}

void smp_bed_start(smp_bed *bed, const ab_smp_policy *central, const ab_smp_policy *peripheral) {
  bed->side[SMP_PERIPHERAL].stack.policy = *peripheral;
  bed->side[SMP_CENTRAL].stack.policy = *central;
  assert_int_equal(ab_smp_secure(&bed->side[SMP_CENTRAL].smp, central), 0);
}

/* what the other side shows; both enter: a number they agree on */
bool smp_bed_answer(smp_bed *bed, unsigned at) {
  smp_side *side = &bed->side[at], *other = &bed->side[!at];
  bool shown = other->prompts && other->prompt == AB_SMP_SHOW_PASSKEY;

  if (!side->prompted || side->prompt == AB_SMP_SHOW_PASSKEY)
    return false;
  side->prompted = false;
  if (side->prompt == AB_SMP_COMPARE && other->prompts)
    assert_int_equal(side->number, other->number);
  return ab_smp_answer(&side->smp, true, shown ? other->number : 123456) == 0;
}

void smp_bed_finish(smp_bed *bed) {
  do {
    smp_bed_run(bed);
  } while (smp_bed_answer(bed, SMP_CENTRAL) || smp_bed_answer(bed, SMP_PERIPHERAL));
}

void smp_bed_expect(const smp_bed *bed, int central, int peripheral) {
  assert_int_equal(bed->side[SMP_CENTRAL].ended, 1);
  assert_int_equal(bed->side[SMP_PERIPHERAL].ended, 1);
  assert_int_equal(bed->side[SMP_CENTRAL].status, central);
  assert_int_equal(bed->side[SMP_PERIPHERAL].status, peripheral);
}
