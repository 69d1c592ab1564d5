/* SPDX-License-Identifier: MIT */
/*
 * A security manager against a peer that sends anything at any time, while its user and its
 * controller do what they like. The input: one octet for the role, then steps; an octet says what
 * we do next, or how long the next command of the peer is. Two more kinds of step play along: the
 * right public key of the peer, and its failure. What began must end once, a link must never be
 * called secure with a key that is not ours, and nothing may be left.
 */
#include "smp/smp.h"

#include "helpers/seeded.h"

#include <stdlib.h>

enum { STEP_PDU = 0xc0, PUBLIC_KEY = 0x0c };

typedef struct world {
  ab_env env;
  ab_bufs bufs;
  ab_smp_stack stack;
  ab_smp smp;
  ab_p256_pair peer;
  ab_smp_oob oob;
  uint64_t random;
  bool encrypting; /* asked for by us, or a key given */
  unsigned prompts;
} world;

static void check(bool ok) {
  if (!ok)
    abort();
}

/* ---- what it tells ---- */

static void take(void *ctx, ab_buf *command) {
  (void) ctx;
  check(command->len > 1 && command->len <= 65);
  ab_buf_finish(command, 0);
}

static int encrypt(void *ctx, const ab_smp_ltk *key) {
  world *w = ctx;

  check(w->smp.central && key->there);
  w->encrypting = true;
  return 0;
}

static void await_ack(void *ctx) {
  (void) ctx;
}

static void on_prompt(void *ctx, ab_smp_prompt prompt, uint32_t number) {
  world *w = ctx;

  check(prompt <= AB_SMP_COMPARE && number < 1000000);
  w->prompts++;
}

static void on_keypress(void *ctx, uint8_t type) {
  (void) ctx;
  check(type <= 4);
}

static void on_changed(void *ctx) {
  world *w = ctx;

  check(!w->smp.security.level ||
        (w->smp.security.key_size >= AB_SMP_KEY_MIN && w->smp.security.key_size <= AB_SMP_KEY_MAX));
}

static void on_ended(void *ctx, int status) {
  world *w = ctx;

  check(status <= 0 && !w->smp.pairing);
}

static const ab_smp_events events = {take,        encrypt,    await_ack, on_prompt,
                                     on_keypress, on_changed, on_ended};

/* ---- what happens ---- */

static ab_smp_policy policy_of(world *w, uint8_t what) {
  return (ab_smp_policy){.io = what % 5,
                         .sc = what / 5 % 3,
                         .bond = what & 1,
                         .mitm = what & 2,
                         .repair = what & 4,
                         .min_key = what & 8 ? 7 : 16,
                         .oob = what & 16 ? &w->oob : NULL};
}

static void send_public_key(world *w) {
  uint8_t command[65];
  ab_wr wr = ab_wr_of(command, sizeof command);

  ab_wr_u8(&wr, PUBLIC_KEY);
  ab_wr_bytes(&wr, w->peer.point.x, 32);
  ab_wr_bytes(&wr, w->peer.point.y, 32);
  ab_smp_rx(&w->smp, command, sizeof command);
}

static void encryption(world *w, int status, bool on) {
  bool asked = w->encrypting;

  w->encrypting = false;
  ab_smp_encryption(&w->smp, status, on);
  check(asked || w->smp.security.level == 0 || status < 0);
}

static void step(world *w, uint8_t what, ab_rd *input) {
  uint8_t more = ab_rd_u8(input);
  ab_smp_policy policy = policy_of(w, more);
  ab_key16 key;

  switch (what % 11) {
  case 0:
    (void) ab_smp_secure(&w->smp, &policy);
    break;
  case 1:
    w->stack.policy = policy;
    break;
  case 2:
    (void) ab_smp_answer(&w->smp, more & 1, more * 4096u);
    break;
  case 3:
    (void) ab_smp_keypress(&w->smp, more % 6);
    break;
  case 4:
    if (!w->smp.central)
      w->encrypting |= ab_smp_ltk_request(&w->smp, more & 1, more & 2, &key);
    break;
  case 5:
    encryption(w, more & 1 ? 0 : AIOBLE_ERR_HCI(0x06), more & 2);
    break;
  case 6:
    send_public_key(w);
    break;
  case 7:
    w->env.now_us += more * 500000u;
    ab_timers_run(&w->env.timers, w->env.now_us);
    break;
  case 8:
    ab_smp_cancel(&w->smp, more);
    break;
  case 9:
    ab_smp_acked(&w->smp);
    break;
  default:
    (void) ab_smp_encrypt(&w->smp);
  }
}

static void open_link(world *w, bool central) {
  static const aioble_addr_t local = {0, {1, 2, 3, 4, 5, 6}}, peer = {0, {6, 5, 4, 3, 2, 1}};

  ab_smp_open(&w->smp, &w->stack, &events, w, central, &local, &peer);
}

static world *world_new(bool central) {
  world *w = calloc(1, sizeof *w);
  static const uint8_t secret[32] = {7};

  check(w != NULL);
  w->env.mem = ab_libc_allocator;
  w->env.random_fn = seeded_random;
  w->env.random_ctx = &w->random;
  ab_bufs_init(&w->bufs, &w->env, 8);
  ab_smp_stack_init(&w->stack, &w->env, &w->bufs);
  w->stack.has_irk = true;
  w->oob.has_tk = w->oob.has_peer = true;
  check(ab_smp_oob_make(&w->env, &w->oob) == 0);
  check(ab_p256_pair_of(secret, &w->peer));
  open_link(w, central);
  return w;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  ab_rd input = ab_rd_of(bytes, len);
  world *w = world_new(ab_rd_u8(&input) & 1);

  while (ab_rd_left(&input) > 0) {
    uint8_t what = ab_rd_u8(&input);

    if (what < STEP_PDU) {
      size_t n = what < ab_rd_left(&input) ? what : ab_rd_left(&input);

      ab_smp_rx(&w->smp, ab_rd_take(&input, n), n);
    } else {
      step(w, what - STEP_PDU, &input);
    }
  }
  ab_smp_close(&w->smp, AIOBLE_ENOTCONN);
  check(!w->smp.pairing && !w->smp.in_flight);
  check(ab_timers_next(&w->env.timers) == UINT64_MAX);
  check(w->stack.n_bonds <= 1);
  ab_smp_stack_close(&w->stack);
  ab_bufs_free(&w->bufs);
  free(w);
  return 0;
}
