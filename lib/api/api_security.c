/* SPDX-License-Identifier: MIT */
/*
 * Pairing, its prompts, and bonds. The calls for one connection take turns: the first on its list
 * is being worked on, unless the peer's own pairing comes before it.
 */
#include "host/host.h"

enum { PAIR_MS = 20000, UNSPECIFIED_REASON = 0x08 }; /* Part H, 3.5.5 */

struct pair_op {
  aioble_op_t op;
  aioble_conn_t *conn; /* a reference */
  ab_smp_policy policy;
  ab_smp_oob *oob; /* owned; NULL: none */
  aioble_prompt_fn *on_prompt;
  void *user;
  bool started;
  int why; /* it was asked to end */
};

static struct pair_op *pair_of(aioble_op_t *op) {
  return ab_container_of(op, struct pair_op, op);
}

static struct pair_op *first_pair(const aioble_conn_t *conn) {
  ab_list *n = ab_list_first(&conn->pairs);

  return n ? pair_of(ab_container_of(n, aioble_op_t, node)) : NULL;
}

static void finish(struct pair_op *pair, int status) {
  ab_list_remove(&pair->op.node);
  ab_op_settle(&pair->op, pair->why ? pair->why : status);
}

static void use_prompts(aioble_conn_t *conn, const struct pair_op *pair) {
  conn->on_prompt = pair ? pair->on_prompt : NULL;
  conn->prompt_user = pair ? pair->user : NULL;
}

/* the first that is not as good as done already */
static void work(aioble_conn_t *conn) {
  struct pair_op *pair;
  int err;

  while (!ab_smp_busy(&conn->smp) && (pair = first_pair(conn))) {
    pair->started = true;
    use_prompts(conn, pair);
    err = ab_smp_secure(&conn->smp, &pair->policy);
    if (err == 0)
      return; /* the end follows, or has been */
    use_prompts(conn, NULL);
    finish(pair, err == AIOBLE_EALREADY ? 0 : err);
  }
}

bool ab_pair_ended(aioble_conn_t *conn, int status) {
  struct pair_op *pair = first_pair(conn);
  bool ours = pair && pair->started;

  if (ours) {
    use_prompts(conn, NULL);
    finish(pair, status);
  }
  work(conn);
  return ours;
}

/* An encryption under way cannot be called off; nobody waits for it any more. */
static void end_pair(aioble_op_t *op, int why) {
  struct pair_op *pair = pair_of(op);

  pair->why = why;
  if (pair->started)
    ab_smp_cancel(&pair->conn->smp, UNSPECIFIED_REASON);
  if (!op->done)
    finish(pair, why);
}

static void release_pair(aioble_op_t *op) {
  struct pair_op *pair = pair_of(op);

  if (pair->oob)
    ab_wipe(pair->oob, sizeof *pair->oob);
  ab_free(&op->ble->env, pair->oob);
  aioble_conn_unref(pair->conn);
}

static const ab_op_kind pair_kind = {"pair", sizeof(struct pair_op), PAIR_MS, end_pair,
                                     release_pair};

/* ---- out of band ---- */

static bool is_zero(const uint8_t *bytes, size_t len) {
  size_t i = 0;

  while (i < len && !bytes[i])
    i++;
  return i == len;
}

/* false: the secret is none */
static bool take_oob(ab_smp_oob *to, const aioble_oob_t *from) {
  *to = (ab_smp_oob){.has_tk = from->has_temporary_key, .has_peer = from->has_peer};
  memcpy(to->tk.b, from->temporary_key, sizeof to->tk.b);
  memcpy(to->local.random.b, from->random, sizeof to->local.random.b);
  memcpy(to->local.confirm.b, from->confirm, sizeof to->local.confirm.b);
  memcpy(to->peer.random.b, from->peer_random, sizeof to->peer.random.b);
  memcpy(to->peer.confirm.b, from->peer_confirm, sizeof to->peer.confirm.b);
  to->has_local = !is_zero(from->secret, sizeof from->secret);
  return !to->has_local || ab_p256_pair_of(from->secret, &to->pair);
}

int aioble_oob_make(aioble_t *ble, aioble_oob_t *oob) {
  ab_smp_oob made = {0};
  int err;

  if (!ble)
    return AIOBLE_ENOTCONN;
  if (!oob)
    return AIOBLE_EINVAL;
  err = ab_smp_oob_make(&ble->env, &made);
  memcpy(oob->secret, made.pair.secret, sizeof oob->secret);
  memcpy(oob->random, made.local.random.b, sizeof oob->random);
  memcpy(oob->confirm, made.local.confirm.b, sizeof oob->confirm);
  ab_wipe(&made, sizeof made);
  return err;
}

int aioble_set_oob(aioble_t *ble, const aioble_oob_t *oob) {
  static const aioble_oob_t none;
  ab_smp_oob taken;
  bool ok;

  if (!ble)
    return AIOBLE_ENOTCONN;
  ok = take_oob(&taken, oob ? oob : &none);
  if (ok)
    ble->oob = taken;
  ab_wipe(&taken, sizeof taken);
  return ok ? 0 : AIOBLE_EINVAL;
}

/* ---- pairing ---- */

/* 0, EINVAL, ENOMEM; what it takes goes with the op */
static int own_oob(struct pair_op *pair, const aioble_oob_t *oob) {
  if (!oob)
    return 0;
  pair->oob = ab_alloc(&pair->op.ble->env, sizeof *pair->oob);
  if (!pair->oob)
    return AIOBLE_ENOMEM;
  pair->policy.oob = pair->oob;
  return take_oob(pair->oob, oob) ? 0 : AIOBLE_EINVAL;
}

static bool choose(aioble_choice_t choice, bool configured) {
  return choice == AIOBLE_CONFIGURED ? configured : choice == AIOBLE_YES;
}

static bool in_range(const aioble_pair_options_t *o) {
  return (unsigned) o->bond <= AIOBLE_NO && (unsigned) o->mitm <= AIOBLE_NO &&
         (unsigned) o->le_secure <= AIOBLE_LE_SECURE_NEVER &&
         (unsigned) o->io <= AIOBLE_IO_KEYBOARD_DISPLAY;
}

static ab_smp_policy policy_of(const aioble_t *ble, const aioble_pair_options_t *o) {
  ab_smp_policy policy = ble->smp.policy;

  policy.bond = choose(o->bond, policy.bond);
  policy.mitm = choose(o->mitm, policy.mitm);
  policy.repair = o->repair;
  policy.oob = NULL;
  policy.pairable = AB_SMP_PAIRABLE; /* it is we who ask */
  policy.ask = false;
  if (o->le_secure)
    policy.sc = (uint8_t) (o->le_secure - AIOBLE_LE_SECURE_REQUIRED + AB_SMP_SC_REQUIRED);
  if (o->io)
    policy.io = (uint8_t) (o->io - AIOBLE_IO_DISPLAY + AB_SMP_IO_DISPLAY);
  if (o->min_key_size)
    policy.min_key = o->min_key_size;
  if (ble->smp.secure_only) {
    policy.sc = AB_SMP_SC_REQUIRED;
    policy.mitm = true;
    policy.min_key = AB_SMP_KEY_MAX;
  }
  return policy;
}

/* NULL: out of memory */
static struct pair_op *new_pair(aioble_conn_t *conn, const ab_smp_policy *policy) {
  aioble_op_t *op = ab_op_new(conn->ble, &pair_kind);

  if (!op)
    return NULL;
  pair_of(op)->conn = aioble_conn_ref(conn);
  pair_of(op)->policy = *policy;
  return pair_of(op);
}

static void queue(struct pair_op *pair) {
  ab_list_push(&pair->conn->pairs, &pair->op.node);
  if (first_pair(pair->conn) == pair)
    work(pair->conn);
}

aioble_op_t *ab_pair(aioble_conn_t *conn, const ab_smp_policy *policy) {
  struct pair_op *pair = new_pair(conn, policy);

  if (!pair)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  queue(pair);
  return &pair->op;
}

aioble_op_t *aioble_conn_pair(aioble_conn_t *conn, const aioble_pair_options_t *options) {
  static const aioble_pair_options_t defaults;
  const aioble_pair_options_t *o = options ? options : &defaults;
  struct pair_op *pair;
  ab_smp_policy policy;
  int err;

  if (!aioble_conn_is_connected(conn))
    return ab_op_failed(conn ? conn->ble : NULL, AIOBLE_ENOTCONN);
  if (!in_range(o))
    return ab_op_failed(conn->ble, AIOBLE_EINVAL);
  policy = policy_of(conn->ble, o);
  pair = new_pair(conn, &policy);
  if (!pair)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  pair->on_prompt = o->on_prompt;
  pair->user = o->user;
  err = own_oob(pair, o->oob);
  if (err < 0)
    ab_op_settle(&pair->op, err);
  else
    queue(pair);
  return &pair->op;
}

/* ---- the user ---- */

void aioble_set_on_prompt(aioble_t *ble, aioble_prompt_fn *fn, void *user) {
  if (!ble)
    return;
  ble->on_prompt = fn;
  ble->prompt_user = user;
}

void aioble_set_on_pairing_request(aioble_t *ble, aioble_pairing_request_fn *fn, void *user) {
  if (!ble)
    return;
  ble->on_pairing_request = fn;
  ble->pairing_request_user = user;
  ab_host_smp_configure(ble);
}

int aioble_pairing_answer(aioble_conn_t *conn, bool yes, uint32_t passkey) {
  if (!aioble_conn_is_connected(conn))
    return AIOBLE_ENOTCONN;
  ab_host_touch(conn->ble);
  return ab_smp_answer(&conn->smp, yes, passkey);
}

int aioble_pairing_keypress(aioble_conn_t *conn, aioble_keypress_t key) {
  if (!aioble_conn_is_connected(conn))
    return AIOBLE_ENOTCONN;
  if ((unsigned) key > AIOBLE_KEYPRESS_COMPLETED)
    return AIOBLE_EINVAL;
  ab_host_touch(conn->ble);
  return ab_smp_keypress(&conn->smp, (uint8_t) key);
}

aioble_conn_security_t aioble_conn_security(const aioble_conn_t *conn) {
  ab_smp_security s = {0};

  if (aioble_conn_is_connected(conn))
    s = conn->smp.security;
  return (aioble_conn_security_t){.encrypted = s.level >= 1,
                                  .authenticated = s.level >= 2,
                                  .bonded = s.bonded,
                                  .secure_connections = s.sc,
                                  .key_size = s.key_size};
}

/* ---- bonds ---- */

size_t aioble_bonds(aioble_t *ble, aioble_bond_t *bonds, size_t max) {
  size_t n = 0;

  if (!ble)
    return 0;
  ab_host_store_look(ble);
  AB_LIST_EACH(node, &ble->smp.bonds) {
    const ab_bond *bond = ab_container_of(node, ab_bond, node);

    if (n++ < max)
      bonds[n - 1] = (aioble_bond_t){.addr = bond->addr,
                                     .authenticated = bond->authenticated,
                                     .secure_connections = bond->sc,
                                     .private_addresses = bond->has_irk,
                                     .key_size = bond->key_size};
  }
  return n;
}

/* of a closed adapter, too: its store is opened, and closed again with the change in it */
static int begin_change(aioble_t *ble) {
  return ble->state == AB_HOST_CLOSED ? ab_host_store_open(ble) : 0;
}

/* the result, or why it could not be saved */
static int end_change(aioble_t *ble, int result) {
  if (ble->state != AB_HOST_CLOSED)
    return result;
  ab_host_store_close(ble);
  return result >= 0 && ble->store && ble->save_failed ? ble->store_status : result;
}

int aioble_bond_delete(aioble_t *ble, const aioble_addr_t *addr) {
  ab_bond *bond;
  int err;

  if (!ble)
    return AIOBLE_ENOTCONN;
  err = begin_change(ble);
  bond = err == 0 && addr ? ab_smp_bond_with(&ble->smp, addr) : NULL;
  if (bond)
    ab_smp_bond_delete(&ble->smp, bond);
  else if (err == 0)
    err = AIOBLE_ENOENT;
  return end_change(ble, err);
}

int aioble_bonds_import(aioble_t *ble, const char *path, unsigned *unreadable) {
  unsigned n = 0;
  int result;

  if (!ble)
    return AIOBLE_ENOTCONN;
  if (!path)
    return AIOBLE_EINVAL;
  result = begin_change(ble);
  if (result == 0)
    result = ab_host_bonds_import(ble, path, &n);
  if (unreadable)
    *unreadable = n;
  return end_change(ble, result);
}
