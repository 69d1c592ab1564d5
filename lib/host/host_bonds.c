/* SPDX-License-Identifier: MIT */
/*
 * Bonds between two runs. Those in memory (smp_bonds.c) are the ones in force; they are the store's
 * whenever it is opened, which is before there can be a link, and those made while it could not be
 * (not `kept`). The store follows each change. It has its own form of them.
 *
 * A new bond leaves nothing of what the peer had set under an old one. Our own key is kept with the
 * first bond: nobody else knows it.
 */
#include "host/host.h"

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

/* as one of those in force; 0, AIOBLE_ENOMEM, or AIOBLE_ENOBUFS: it is one too many */
static int put_in_force(aioble_t *ble, const ab_store_bond *found, bool kept) {
  ab_bond *bond = ab_smp_bond_new(&ble->smp);

  if (!bond)
    return AIOBLE_ENOMEM;
  from_bond(bond, found);
  bond->kept = kept;
  return ab_smp_bond_add(&ble->smp, bond);
}

static void bring_back(void *ctx, const ab_store_bond *kept) {
  reading *r = ctx;
  int err;

  if (ab_smp_bond_with(&r->ble->smp, &kept->addr)) /* made while the store could not be read */
    return;
  err = put_in_force(r->ble, kept, true);
  if (err == AIOBLE_ENOMEM)
    r->err = err;
  else if (err < 0)
    say(r->ble, &kept->addr, "is one too many", err);
}

/* since then the file may have become another one */
static void drop_kept(ab_smp_stack *smp) {
  AB_LIST_EACH(n, &smp->bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (bond->kept)
      ab_smp_bond_delete(smp, bond);
  }
}

int ab_host_bonds_read(aioble_t *ble, const ab_store *store) {
  ab_smp_stack *smp = &ble->smp;
  void (*on_bond)(void *ctx, ab_bond *bond, bool gone) = smp->on_bond;
  reading r = {.ble = ble};

  if (!smp->has_irk)
    smp->has_irk = ab_store_irk(store, smp->irk.b);
  smp->on_bond = NULL; /* nothing new to keep */
  drop_kept(smp);
  ab_store_bonds(store, bring_back, &r);
  smp->on_bond = on_bond;
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

static void keep_or_say(aioble_t *ble, ab_bond *bond) {
  int err = keep(ble, bond);

  bond->kept = err == 0;
  if (err < 0)
    say(ble, &bond->addr, "will not outlive the stack", err);
}

void ab_host_bond_changed(aioble_t *ble, ab_bond *bond, bool gone) {
  if (!ble->store)
    return;
  if (gone)
    ab_store_forget_peer(ble->store, &bond->addr);
  else
    keep_or_say(ble, bond);
  ab_host_save_now(ble);
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
  /* not before it is on the disk, or the application says that it has it */
  return ab_store_dirty(ble->store) || ab_store_waiting(ble->store) ? AIOBLE_EIO : 0;
}

void ab_host_bonds_keep(aioble_t *ble) {
  AB_LIST_EACH(n, &ble->smp.bonds) {
    ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (!bond->kept)
      keep_or_say(ble, bond);
  }
}

/* ---- from MicroPython's aioble ---- */

typedef struct importing {
  aioble_t *ble;
  int n, err;
} importing;

/* one that there is, is the better one: it has been in use here */
static void take(void *ctx, const ab_store_bond *found) {
  importing *im = ctx;

  if (im->err < 0 || ab_smp_bond_with(&im->ble->smp, &found->addr))
    return;
  im->err = put_in_force(im->ble, found, false);
  im->n += im->err == 0;
}

/* while nobody knows ours */
static int take_irk(aioble_t *ble, const uint8_t irk[AB_STORE_KEY_LEN]) {
  memcpy(ble->smp.irk.b, irk, sizeof ble->smp.irk.b);
  ble->smp.has_irk = true;
  return ble->store ? ab_store_set_irk(ble->store, irk) : 0;
}

int ab_host_bonds_import(aioble_t *ble, const char *path, unsigned *unreadable) {
  bool unknown = ab_list_empty(&ble->smp.bonds) && ble->state == AB_HOST_CLOSED;
  importing im = {.ble = ble};
  ab_store_imported found;
  char why[AB_STORE_WHY];
  int err = ab_store_import(&ble->env, path, &found, take, &im, why);

  if (err == 0)
    err = im.err;
  if (err == 0 && found.has_irk && unknown)
    err = take_irk(ble, found.irk);
  if (*why)
    ab_log(&ble->env, AB_LOG_WARN, "%s", why);
  if (found.unreadable)
    ab_log(&ble->env, AB_LOG_WARN, "%s: %u entries could not be read", path, found.unreadable);
  *unreadable = found.unreadable;
  ab_wipe(&found, sizeof found);
  return err < 0 ? err : im.n;
}
