/* SPDX-License-Identifier: MIT */
/*
 * Pairing: every association model, with users who mostly see what the other device shows. A
 * pairing that succeeds has encrypted the link; in the end both ends know the same of it.
 */
#include "host/host.h"
#include "world.h"

enum { NO_PROMPT = 99 };

static void on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user) {
  w_side *side = user;
  unsigned peer = world_peer_of(side, conn);

  world_called_back(side, "on_prompt");
  world_trace(side->w, "prompt", (long) side->no, (long) prompt, (long) number);
  if (peer < W_PEERS) {
    side->prompts[peer] = prompt;
    side->numbers[peer] = number;
  }
  world_act_inside(side->w);
}

/* what the user reads on the other device */
static uint32_t shown(w_side *side, unsigned peer) {
  const w_side *other = peer < W_STACKS ? &side->w->sides[peer] : NULL;

  if (other && other->prompts[side->no] == AIOBLE_PROMPT_SHOW)
    return other->numbers[side->no];
  return 4711;
}

void world_answer_prompt(w_side *side) {
  unsigned peer = world_roll(side->w, W_PEERS);
  bool yes = world_roll(side->w, 8) > 0;
  int status;

  for (unsigned i = 0; i < W_PEERS && side->prompts[peer] == NO_PROMPT; i++)
    peer = (peer + 1) % W_PEERS;
  if (side->prompts[peer] == NO_PROMPT)
    return;
  if (side->prompts[peer] != AIOBLE_PROMPT_SHOW || world_roll(side->w, 8) == 0) {
    W_CALL(side, status = aioble_pairing_answer(side->conns[peer], yes, shown(side, peer)));
    world_trace(side->w, "answer", (long) side->no, yes, status);
  }
  side->prompts[peer] = NO_PROMPT;
}

static void paired(w_op *o, int status) {
  w_side *side = &o->w->sides[o->at];

  if (status == 0 && world_promises(o->w, W_EXACT) && side->link[o->seq] == o->mark &&
      aioble_conn_is_connected(side->conns[o->seq]))
    W_CHECK(o->w, aioble_conn_security(side->conns[o->seq]).encrypted,
            "%u has paired with %u, in clear", o->at, o->seq);
}

void world_pair(w_side *side) {
  world *w = side->w;
  aioble_pair_options_t options = {.io = (aioble_io_t) world_roll(w, 6),
                                   .le_secure = (aioble_le_secure_t) world_roll(w, 4),
                                   .bond = (aioble_choice_t) world_roll(w, 3),
                                   .mitm = world_roll(w, 6) ? AIOBLE_NO : AIOBLE_YES,
                                   .repair = world_roll(w, 3) == 0};
  unsigned peer;
  aioble_conn_t *conn = world_conn(side, &peer);
  w_op *o = W_PLAY(side, "pair", aioble_conn_pair(conn, &options), paired);

  if (!o)
    return;
  o->seq = peer;
  o->mark = side->link[peer];
}

void world_forget_bond(w_side *side) {
  aioble_bond_t bonds[W_PEERS];
  size_t n = aioble_bonds(side->ble, bonds, W_PEERS);
  int status;

  W_CHECK(side->w, n <= W_PEERS || side->w->hostile, "%zu bonds", n);
  if (n == 0 || world_roll(side->w, 3))
    return;
  W_CALL(side, status = aioble_bond_delete(side->ble, &bonds[0].addr));
  world_trace(side->w, "forget bond", (long) side->no, (long) n, status);
}

void world_keys_begin(w_side *side) {
  static const char *const io[] = {"display", "display-yesno", "keyboard", "none",
                                   "keyboard-display"};

  for (unsigned i = 0; i < W_PEERS; i++)
    side->prompts[i] = NO_PROMPT;
  W_CALL(side, aioble_set_on_prompt(side->ble, on_prompt, side));
  W_CALL(side, (void) aioble_config_set(side->ble, "io", io[world_roll(side->w, 5)]));
  if (world_roll(side->w, 2))
    W_CALL(side, (void) aioble_config_set(side->ble, "le_secure", "false"));
}

static void check(const w_side *side, unsigned peer, const aioble_conn_t *there) {
  aioble_conn_security_t a = aioble_conn_security(side->conns[peer]);
  aioble_conn_security_t b = aioble_conn_security(there);

  W_CHECK(side->w, a.encrypted == b.encrypted && a.key_size == b.key_size,
          "%u: encrypted %d with %u octets; %u: %d with %u", side->no, a.encrypted, a.key_size,
          peer, b.encrypted, b.key_size);
  W_CHECK(side->w, a.secure_connections == b.secure_connections, "another kind of pairing");
}

void world_keys_check(world *w) {
  for (unsigned i = 0; i < W_STACKS; i++)
    for (unsigned j = 0; j < W_STACKS; j++) {
      const aioble_conn_t *there = world_other_end(&w->sides[i], j);

      if (there && aioble_conn_is_connected(w->sides[i].conns[j]))
        check(&w->sides[i], j, there);
    }
}
