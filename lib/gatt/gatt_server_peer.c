/* SPDX-License-Identifier: MIT */
/*
 * What a bonded peer finds again when it comes back (Core Vol 3, Part G, 2.5.2, 3.3.3.3 and 7.2):
 * its configurations and features, and word of what has changed since it knew the table.
 */
#include "gatt/gatt_server_priv.h"

size_t ab_gatt_server_link_save(const ab_gatt_server_link *link, ab_gatt_peer_state *out,
                                size_t max) {
  const ab_gatt_db *db = link->server->db;
  size_t n = 0;

  for (uint32_t h = 1; link->cccds && h <= db->n; h++) {
    const ab_gatt_attr *attr = &db->attrs[h - 1];
    unsigned what =
        attr->kind == AB_GATT_KIND_CCCD ? ab_gatt_server_subscribed(link, attr->value) : 0;

    if (!what)
      continue;
    if (out && n < max) {
      out->cccds[n].handle = (uint16_t) h;
      out->cccds[n].what = (uint8_t) what;
    }
    n++;
  }
  if (!out)
    return n;
  out->features = link->features;
  memcpy(out->hash, link->hash, sizeof out->hash);
  out->n = n < max ? n : max;
  return n;
}

static void restore_cccds(ab_gatt_server_link *link, const ab_gatt_peer_state *state) {
  const ab_gatt_attr *attr;

  for (size_t i = 0; i < state->n && link->server; i++) { /* a hook may end the link */
    attr = ab_gatt_db_attr(link->server->db, state->cccds[i].handle);
    if (attr && attr->kind == AB_GATT_KIND_CCCD)
      (void) ab_gatt_subscribe(link, attr->value,
                               state->cccds[i].what & ab_gatt_cccd_bits(attr->value));
  }
}

int ab_gatt_server_link_restore(ab_gatt_server_link *link, const ab_gatt_peer_state *state) {
  ab_gatt_server *server = link->server;

  if (state->n && !link->cccds && !(link->cccds = ab_zalloc(server->env, server->db->n_cccds)))
    return AIOBLE_ENOMEM;
  link->features = state->features & AB_GATT_CLIENT_FEATURES;
  memcpy(link->hash, state->hash, sizeof link->hash);
  restore_cccds(link, state);
  if (!link->server)
    return 0;
  if (memcmp(link->hash, server->hash_octets, sizeof link->hash) != 0)
    ab_gatt_caching_changed(link, &(ab_att_range){1, UINT16_MAX});
  return 0;
}
