/* SPDX-License-Identifier: MIT */
/*
 * Bonds between two runs. Those in memory (smp_bonds.c) are the ones in force; the store's are read
 * once, before there can be a link, and follow each change. The store has its own form of them.
 *
 * A new bond leaves nothing of what the peer had set under an old one. Our own key is kept with the
 * first bond: nobody else knows it.
 */
#include "host/host.h"

#include <stdlib.h>

_Static_assert((int) AB_STORE_KEY_LEN == (int) sizeof(ab_key16), "a key is a key");

static void say(const aioble_t *ble, const aioble_addr_t *peer, const char *what, int status) {
  char text[AIOBLE_ADDR_TEXT_SIZE];

  ab_log(&ble->env, AB_LOG_WARN, "the bond with %s %s: %s", aioble_addr_text(peer, text), what,
         aioble_strerror(status));
}

/* ---- from the store ---- */

static ab_smp_ltk from_ltk(const ab_store_ltk *kept) {
  ab_smp_ltk ltk = {.rand = kept->rand, .ediv = kept->ediv, .there = kept->there};

  memcpy(ltk.key.b, kept->key, sizeof ltk.key.b);
  return ltk;
}

static void from_bond(ab_bond *bond, const ab_store_bond *kept) {
  bond->addr = kept->addr;
  bond->local = from_ltk(&kept->local);
  bond->peer = from_ltk(&kept->peer);
  memcpy(bond->irk.b, kept->irk, sizeof bond->irk.b);
  memcpy(bond->csrk.b, kept->csrk, sizeof bond->csrk.b);
  memcpy(bond->local_csrk.b, kept->local_csrk, sizeof bond->local_csrk.b);
  bond->has_irk = kept->has_irk;
  bond->has_csrk = kept->has_csrk;
  bond->has_local_csrk = kept->has_local_csrk;
  bond->authenticated = kept->authenticated;
  bond->sc = kept->sc;
  bond->key_size = kept->key_size;
  bond->counter = bond->reserved = kept->local_counter;
  bond->peer_counter = kept->peer_counter;
}

typedef struct reading {
  aioble_t *ble;
  int err; /* one could not be read: not to be mistaken for none */
} reading;

static void bring_back(void *ctx, const ab_store_bond *kept) {
  reading *r = ctx;
  ab_smp_stack *smp = &r->ble->smp;
  ab_bond *bond;

  if (ab_smp_bond_with(smp, &kept->addr)) /* made while the store could not be read */
    return;
  bond = ab_smp_bond_new(smp);
  if (!bond) {
    r->err = AIOBLE_ENOMEM;
    return;
  }
  from_bond(bond, kept);
  if (ab_smp_bond_add(smp, bond) < 0)
    say(r->ble, &kept->addr, "is one too many", AIOBLE_ENOBUFS);
}

static int read_bonds(aioble_t *ble) {
  ab_smp_stack *smp = &ble->smp;
  void (*on_bond)(void *ctx, const ab_bond *bond, bool gone) = smp->on_bond;
  reading r = {.ble = ble};

  if (!smp->has_irk)
    smp->has_irk = ab_store_irk(ble->store, smp->irk.b);
  smp->on_bond = NULL; /* nothing new to keep */
  ab_store_bonds(ble->store, bring_back, &r);
  smp->on_bond = on_bond;
  ble->bonds_known = r.err == 0;
  return r.err;
}

/* ---- to the store ---- */

static ab_store_ltk to_ltk(const ab_smp_ltk *ltk) {
  ab_store_ltk kept = {.rand = ltk->rand, .ediv = ltk->ediv, .there = ltk->there};

  memcpy(kept.key, ltk->key.b, sizeof kept.key);
  return kept;
}

static int keep(const aioble_t *ble, const ab_bond *bond) {
  ab_store_bond kept = {.addr = bond->addr,
                        .local = to_ltk(&bond->local),
                        .peer = to_ltk(&bond->peer),
                        .has_irk = bond->has_irk,
                        .has_csrk = bond->has_csrk,
                        .has_local_csrk = bond->has_local_csrk,
                        .authenticated = bond->authenticated,
                        .sc = bond->sc,
                        .key_size = bond->key_size,
                        .local_counter = bond->reserved,
                        .peer_counter = bond->peer_counter};
  int err;

  memcpy(kept.irk, bond->irk.b, sizeof kept.irk);
  memcpy(kept.csrk, bond->csrk.b, sizeof kept.csrk);
  memcpy(kept.local_csrk, bond->local_csrk.b, sizeof kept.local_csrk);
  (void) ab_store_set_gatt_server(ble->store, &bond->addr, NULL);
  err = ab_store_set_bond(ble->store, &kept);
  ab_wipe(&kept, sizeof kept);
  if (err == 0 && ble->smp.has_irk)
    err = ab_store_set_irk(ble->store, ble->smp.irk.b);
  return err;
}

void ab_host_bond_changed(aioble_t *ble, const ab_bond *bond, bool gone) {
  int err = 0;

  if (!ble->store)
    return;
  if (gone)
    ab_store_forget_peer(ble->store, &bond->addr);
  else
    err = keep(ble, bond);
  if (err < 0)
    say(ble, &bond->addr, "will not outlive the stack", err);
  ab_host_save(ble);
}

int ab_host_bond_counted(aioble_t *ble, const ab_bond *bond, bool ours) {
  int err;

  if (!ble->store)
    return 0;
  err = ab_store_set_counters(ble->store, &bond->addr, bond->reserved, bond->peer_counter);
  if (err < 0)
    return err;
  if (!ours) {
    ab_host_save_paced(ble);
    return 0;
  }
  ab_host_save(ble);
  return ble->save_failed ? AIOBLE_EIO : 0;
}

/* ---- the store itself ---- */

int ab_host_store_open(aioble_t *ble) {
  const char *path = ble->options.store;
  const char *adapter = ble->options.adapter ? ble->options.adapter : getenv("AIOBLE_ADAPTER");
  char why[AB_STORE_WHY];
  int err;

  if (ble->store || (path && !*path))
    return 0;
  if (!adapter || !*adapter)
    adapter = "default";
  ble->store = ab_store_open(&ble->env, path, adapter, &err, why);
  if (ble->store)
    return ble->bonds_known ? 0 : read_bonds(ble);
  if (err == AIOBLE_ENOMEM)
    return err;
  ab_log(&ble->env, AB_LOG_WARN, "%s", why);
  return 0;
}

void ab_host_store_close(aioble_t *ble) {
  ab_host_save(ble);
  ab_store_close(ble->store);
  ble->store = NULL;
}
