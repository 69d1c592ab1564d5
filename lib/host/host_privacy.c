/* SPDX-License-Identifier: MIT */
/*
 * Private addresses between GAP, which has them on the air, and the Security Manager, which has the
 * keys: ours are made of our own key (smp.irk), those of peers belong to whose bond's key they
 * resolve with.
 */
#include "host/host.h"

int ab_host_private_address(void *ctx, aioble_addr_t *addr) {
  aioble_t *ble = ctx;

  return ab_smp_private_address(&ble->smp, addr);
}

const aioble_addr_t *ab_host_resolve(void *ctx, const aioble_addr_t *addr) {
  aioble_t *ble = ctx;
  const ab_bond *bond = ab_smp_bond_of(&ble->smp, addr);

  return bond ? &bond->addr : NULL;
}

bool ab_host_is_private(void *ctx, const aioble_addr_t *identity) {
  const aioble_t *ble = ctx;
  const ab_bond *bond = ab_smp_bond_with(&ble->smp, identity);

  return bond && bond->has_irk;
}

/* the youngest bonds first; a peer that we do not hide from is told nothing of our key */
bool ab_host_private_peer(void *ctx, unsigned i, ab_gap_peer *peer) {
  const aioble_t *ble = ctx;
  const ab_list *bonds = &ble->smp.bonds;

  for (ab_list *n = bonds->prev; n != bonds; n = n->prev) {
    const ab_bond *bond = ab_container_of(n, ab_bond, node);

    if (!bond->has_irk || i--)
      continue;
    *peer = (ab_gap_peer){.identity = bond->addr, .irk = bond->irk};
    if (ble->config.private_address)
      peer->local_irk = ble->smp.irk;
    return true;
  }
  return false;
}

const aioble_addr_t *ab_host_identity_of(aioble_t *ble, const aioble_addr_t *addr) {
  const aioble_addr_t *identity = ab_host_resolve(ble, addr);

  return identity ? identity : addr;
}

void ab_host_identified(aioble_conn_t *conn, const aioble_addr_t *identity) {
  if (aioble_addr_kind(&conn->link.peer) == AIOBLE_ADDR_KIND_RESOLVABLE)
    conn->link.peer = conn->device->addr = *identity;
}
