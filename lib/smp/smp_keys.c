/* SPDX-License-Identifier: MIT */
/*
 * Encryption, and phase 3 of pairing (Core Vol 3, Part H, 2.4, 3.6).
 *
 * 1. The central encrypts the link with the new key; the peripheral's controller asks for it. A key
 *    asked for at any other time of a pairing is refused, and that is its end.
 * 2. Over the encrypted link the peripheral distributes its keys, then the central, both in the
 *    order of their codes. Each is sent only when it was agreed on.
 * 3. Whose keys are the last is done when the peer has them. What came is the bond.
 *
 * Without a pairing the key comes from the bond.
 */
#include "smp/smp_priv.h"

/* ---- keys and security ---- */

static ab_smp_security security_of(const ab_bond *bond, bool bonded) {
  uint8_t level = !bond->authenticated ? 1 : bond->sc ? 3 : 2;

  return (ab_smp_security){level, bond->key_size, bonded, bond->sc};
}

/* 2.3.4: a key of fewer octets has zeroes at its most significant end */
static void shorten(ab_key16 *key, uint8_t size) {
  memset(key->b + size, 0, sizeof key->b - size);
}

static bool is_zero(const ab_key16 *key) {
  static const ab_key16 zero;

  return ab_secret_equal(key, &zero, sizeof zero);
}

/* ---- encryption ---- */

void ab_smp_start_encryption(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_smp_ltk key = {.there = true};
  int err = 0;

  shorten(&p->key, p->key_size);
  smp->state = AB_SMP_ENCRYPTION;
  smp->next = security_of(p->bond, false);
  key.key = p->key;
  if (smp->central)
    err = smp->ev->encrypt(smp->ctx, &key);
  ab_wipe(&key, sizeof key);
  if (err < 0)
    ab_smp_fail(smp, err);
}

int ab_smp_encrypt(ab_smp *smp) {
  const ab_bond *bond = ab_smp_bond_of(smp->stack, &smp->peer);
  int err;

  if (!smp->central || !bond || !bond->peer.there || !ab_smp_bond_usable(smp->stack, bond))
    return AIOBLE_ENOENT;
  if (ab_smp_busy(smp))
    return AIOBLE_EBUSY;
  err = smp->ev->encrypt(smp->ctx, &bond->peer);
  if (err < 0)
    return err;
  smp->encrypting = true;
  smp->next = security_of(bond, true);
  return 0;
}

bool ab_smp_ltk_request(ab_smp *smp, uint64_t rand, uint16_t ediv, ab_key16 *key) {
  ab_smp_pairing *p = smp->pairing;
  const ab_bond *bond;

  if (p && smp->state == AB_SMP_ENCRYPTION && !smp->central && !rand && !ediv) {
    *key = p->key;
    return true;
  }
  if (p) {
    ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
    return false;
  }
  bond = ab_smp_bond_by_ltk(smp->stack, &smp->peer, rand, ediv);
  if (!bond || !ab_smp_bond_usable(smp->stack, bond))
    return false;
  smp->next = security_of(bond, true);
  *key = bond->local.key;
  return true;
}

static void distribute(ab_smp *smp);

/* an encryption with a bond's key, asked for by us, has ended */
static void encrypted(ab_smp *smp, int status) {
  bool asked = smp->encrypting || smp->state == AB_SMP_P_ASKED;

  if (status == 0 && smp->state == AB_SMP_P_ASKED && !ab_smp_satisfied(smp, &smp->policy))
    status = AIOBLE_ERR_SMP(AB_SMP_ERR_AUTH);
  smp->encrypting = false;
  if (asked)
    ab_smp_end(smp, status);
}

/* What was not asked for, with a key of ours, is no security. */
void ab_smp_encryption(ab_smp *smp, int status, bool on) {
  bool awaited = smp->pairing && smp->state == AB_SMP_ENCRYPTION;

  if (status == 0) {
    smp->security = on ? smp->next : (ab_smp_security){0};
    smp->ev->changed(smp->ctx);
  }
  smp->next = (ab_smp_security){0};
  if (status == 0 && !on)
    status = AIOBLE_EPROTO;
  if (awaited && status == 0)
    distribute(smp);
  else if (smp->pairing)
    ab_smp_end(smp, status < 0 ? status : AIOBLE_ERR_SMP(AB_SMP_ERR_UNSPECIFIED));
  else
    encrypted(smp, status);
}

/* ---- the bond ---- */

/*
 * A bond is replaced only by one as strong in every respect, and only by the same peer: one that
 * uses its address and has authenticated itself or shown that it has the old key. Whatever else
 * claims its identity does not get it, unless the application has said so.
 */
bool ab_smp_may_replace(const ab_smp *smp, const ab_bond *old) {
  const ab_smp_pairing *p = smp->pairing;
  bool same = old && old == ab_smp_bond_of(smp->stack, &smp->peer) &&
              (p->bond->authenticated || smp->security.bonded);

  if (!p->bonding || !old ||
      ((same || p->policy.repair) && p->bond->authenticated >= old->authenticated &&
       p->bond->sc >= old->sc && p->bond->key_size >= old->key_size))
    return true;
  smp->stack->bonds_refused++;
  return false;
}

/* without an identity, an address that is no private one will do */
static bool has_address(const ab_smp *smp) {
  aioble_addr_kind_t kind = aioble_addr_kind(&smp->peer);

  if (smp->pairing->identified)
    return true;
  smp->pairing->bond->addr = smp->peer;
  return kind == AIOBLE_ADDR_KIND_PUBLIC || kind == AIOBLE_ADDR_KIND_STATIC;
}

static bool keep_bond(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_bond *bond = p->bond;

  if (!p->bonding || !has_address(smp))
    return false;
  if (p->sc)
    bond->local = bond->peer = (ab_smp_ltk){.key = p->key, .there = true};
  if ((!bond->local.there && !bond->peer.there) ||
      !ab_smp_may_replace(smp, ab_smp_bond_with(smp->stack, &bond->addr)))
    return false;
  p->bond = NULL; /* taken over */
  return ab_smp_bond_add(smp->stack, bond) == 0;
}

static void done(ab_smp *smp) {
  if (keep_bond(smp)) {
    smp->security.bonded = true;
    smp->ev->changed(smp->ctx);
  }
  ab_smp_end(smp, 0);
}

/* ---- ours ---- */

static bool send_encryption_info(ab_smp *smp) {
  ab_smp_pairing *p = smp->pairing;
  ab_smp_ltk *ltk = &p->bond->local;

  if (ab_random(smp->stack->env, ltk->key.b, sizeof ltk->key.b) < 0 ||
      ab_random(smp->stack->env, &ltk->rand, sizeof ltk->rand) < 0 ||
      ab_random(smp->stack->env, &ltk->ediv, sizeof ltk->ediv) < 0) {
    ab_smp_fail(smp, AIOBLE_EIO);
    return false;
  }
  shorten(&ltk->key, p->key_size);
  ltk->there = true;
  return ab_smp_send(smp, AB_SMP_ENCRYPTION_INFO, ltk->key.b, sizeof ltk->key.b);
}

static bool send_central_id(ab_smp *smp) {
  const ab_smp_ltk *ltk = &smp->pairing->bond->local;
  ab_smp_central_id id = {.ediv = ltk->ediv, .rand = ltk->rand};
  uint8_t data[ab_smp_central_id_size];
  ab_wr w = ab_wr_of(data, sizeof data);

  ab_smp_central_id_write(&w, &id);
  return ab_smp_send(smp, AB_SMP_CENTRAL_ID, data, sizeof data);
}

static bool send_identity_info(ab_smp *smp) {
  return ab_smp_send(smp, AB_SMP_IDENTITY_INFO, smp->stack->irk.b, sizeof smp->stack->irk.b);
}

static bool send_identity_addr(ab_smp *smp) {
  const aioble_addr_t *own = &smp->stack->identity;
  ab_smp_identity_addr identity = {.type = own->type};
  uint8_t data[ab_smp_identity_addr_size];
  ab_wr w = ab_wr_of(data, sizeof data);

  memcpy(identity.addr.b, own->bytes, sizeof identity.addr.b);
  ab_smp_identity_addr_write(&w, &identity);
  return ab_smp_send(smp, AB_SMP_IDENTITY_ADDR, data, sizeof data);
}

static bool send_signing_info(ab_smp *smp) {
  ab_bond *bond = smp->pairing->bond;

  if (ab_random(smp->stack->env, bond->local_csrk.b, sizeof bond->local_csrk.b) < 0) {
    ab_smp_fail(smp, AIOBLE_EIO);
    return false;
  }
  bond->has_local_csrk = true;
  return ab_smp_send(smp, AB_SMP_SIGNING_INFO, bond->local_csrk.b, sizeof bond->local_csrk.b);
}

static const struct {
  ab_smp_code code;
  bool (*send)(ab_smp *smp);
} keys[] = {
    {AB_SMP_ENCRYPTION_INFO, send_encryption_info}, {AB_SMP_CENTRAL_ID, send_central_id},
    {AB_SMP_IDENTITY_INFO, send_identity_info},     {AB_SMP_IDENTITY_ADDR, send_identity_addr},
    {AB_SMP_SIGNING_INFO, send_signing_info},
};

static void send_keys(ab_smp *smp) {
  unsigned codes = smp->pairing->send;

  smp->pairing->send = 0;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (codes >> keys[i].code & 1 && !keys[i].send(smp))
      return;
  if (!smp->pairing->await && !codes) {
    done(smp);
  } else if (!smp->pairing->await) {
    smp->state = AB_SMP_SENT;
    if (!smp->in_flight)
      smp->ev->await_ack(smp->ctx);
  }
}

/* Before, a link that ends now would leave the peer without them. */
void ab_smp_acked(ab_smp *smp) {
  if (smp->state == AB_SMP_SENT)
    done(smp);
}

static void distribute(ab_smp *smp) {
  smp->state = AB_SMP_KEYS;
  if (!smp->central || !smp->pairing->await)
    send_keys(smp);
}

/* ---- the peer's ---- */

/* it is this one's turn */
static bool in_turn(ab_smp *smp, ab_smp_code code) {
  unsigned await = smp->pairing->await;

  if ((await & (~await + 1)) == 1u << code)
    return true;
  ab_smp_refuse(smp, AB_SMP_ERR_UNSPECIFIED);
  return false;
}

static void came(ab_smp *smp, ab_smp_code code) {
  smp->pairing->await &= ~(1u << code);
  if (smp->pairing->await)
    return;
  if (smp->central)
    send_keys(smp);
  else
    done(smp);
}

/* an LTK of zero is no secret */
void ab_smp_on_encryption_info(ab_smp *smp, ab_rd *command) {
  ab_smp_ltk *ltk = &smp->pairing->bond->peer;

  if (!in_turn(smp, AB_SMP_ENCRYPTION_INFO))
    return;
  ltk->key = ab_rd_key16(command);
  shorten(&ltk->key, smp->pairing->key_size);
  if (is_zero(&ltk->key))
    ab_smp_refuse(smp, AB_SMP_ERR_KEY_REJECTED);
  else
    came(smp, AB_SMP_ENCRYPTION_INFO);
}

void ab_smp_on_central_id(ab_smp *smp, ab_rd *command) {
  ab_smp_ltk *ltk = &smp->pairing->bond->peer;
  ab_smp_central_id id;

  if (!in_turn(smp, AB_SMP_CENTRAL_ID))
    return;
  ab_smp_central_id_read(command, &id);
  ltk->ediv = id.ediv;
  ltk->rand = id.rand;
  ltk->there = true;
  came(smp, AB_SMP_CENTRAL_ID);
}

/* an IRK of zero says that it has no private addresses (2.4.2.1) */
void ab_smp_on_identity_info(ab_smp *smp, ab_rd *command) {
  ab_bond *bond = smp->pairing->bond;

  if (!in_turn(smp, AB_SMP_IDENTITY_INFO))
    return;
  bond->irk = ab_rd_key16(command);
  bond->has_irk = !is_zero(&bond->irk);
  came(smp, AB_SMP_IDENTITY_INFO);
}

static bool is_identity(const aioble_addr_t *addr) {
  return addr->type == AIOBLE_ADDR_PUBLIC ||
         (addr->type == AIOBLE_ADDR_RANDOM && aioble_addr_kind(addr) == AIOBLE_ADDR_KIND_STATIC);
}

void ab_smp_on_identity_addr(ab_smp *smp, ab_rd *command) {
  ab_smp_pairing *p = smp->pairing;
  ab_smp_identity_addr identity;
  aioble_addr_t *addr = &p->bond->addr;

  if (!in_turn(smp, AB_SMP_IDENTITY_ADDR))
    return;
  ab_smp_identity_addr_read(command, &identity);
  addr->type = identity.type;
  memcpy(addr->bytes, identity.addr.b, sizeof addr->bytes);
  p->identified = true;
  if (!is_identity(addr))
    ab_smp_refuse(smp, AB_SMP_ERR_PARAMETERS);
  else if (!ab_smp_may_replace(smp, ab_smp_bond_with(smp->stack, addr)))
    ab_smp_refuse(smp, AB_SMP_ERR_KEY_REJECTED);
  else
    came(smp, AB_SMP_IDENTITY_ADDR);
}

void ab_smp_on_signing_info(ab_smp *smp, ab_rd *command) {
  ab_bond *bond = smp->pairing->bond;

  if (!in_turn(smp, AB_SMP_SIGNING_INFO))
    return;
  bond->csrk = ab_rd_key16(command);
  bond->has_csrk = true;
  came(smp, AB_SMP_SIGNING_INFO);
}
