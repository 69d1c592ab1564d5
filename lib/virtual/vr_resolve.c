/* SPDX-License-Identifier: MIT */
/*
 * The resolving list and private addresses (Core Vol 4, Part E, 7.8.38 to 7.8.45 and 7.8.77; Vol 6,
 * Part B, 1.3.2.2 and 6).
 *
 * A resolvable private address is a random half (top bits 01) and its 24-bit hash under an identity
 * resolving key. With address resolution on, an address heard is tried against the peer keys of the
 * list, and our own private addresses are made of the local ones, new ones after the timeout.
 */
#include "virtual/vr_priv.h"

enum { IDENTITY = 2, PRIVACY_DEVICE = 1, DEFAULT_TIMEOUT_S = 900, MAX_TIMEOUT_S = 0xa1b8 };
enum { HALF = 3 }; /* octets of a private address that are random, and that are hash */

/* ---- private addresses ---- */

static bool resolves(vr_aes *aes, const vr_addr *air) {
  uint8_t hash[HALF];

  return aes && vr_addr_is_rpa(air) && vr_aes_ah(aes, air->a.b, hash) &&
         memcmp(hash, air->a.b + HALF, HALF) == 0;
}

static bool make_rpa(vr_ctrl *c, vr_aes *aes, vr_addr *rpa) {
  rpa->type = AIOBLE_ADDR_RANDOM;
  vr_random_bytes(c->radio, rpa->a.b, HALF);
  rpa->a.b[0] = (uint8_t) ((rpa->a.b[0] & 0x3f) | 0x40);
  return vr_aes_ah(aes, rpa->a.b, rpa->a.b + HALF);
}

static vr_entry *find(vr_ctrl *c, uint8_t type, const ab_addr6 *addr) {
  for (size_t i = 0; i < c->resolving.count; i++) {
    vr_entry *e = &c->resolving.entries[i];

    if (e->identity.type == (type & 1) && vr_addr6_eq(&e->identity.a, addr))
      return e;
  }
  return NULL;
}

/* the entry's private address of our own, a fresh one when it is too old */
static bool local_rpa(vr_ctrl *c, vr_entry *e, vr_addr *rpa) {
  uint64_t now = c->radio->env.now_us;
  uint64_t lifetime = (uint64_t) c->resolving.rpa_timeout_s * 1000000;

  if (vr_addr6_zero(&e->local_rpa.a) || now - e->local_since_us >= lifetime) {
    if (!make_rpa(c, e->local_aes, &e->local_rpa))
      return false;
    e->local_since_us = now;
  }
  *rpa = e->local_rpa;
  return true;
}

bool vr_own_addr(vr_ctrl *c, uint8_t own_addr_type, uint8_t peer_type, const ab_addr6 *peer,
                 vr_addr *own) {
  vr_entry *e = own_addr_type >= IDENTITY && c->resolving.enabled ? find(c, peer_type, peer) : NULL;

  if (e && e->local_aes && local_rpa(c, e, own))
    return true;
  if (own_addr_type & 1) {
    *own = c->random_addr;
    return c->has_random_addr;
  }
  *own = (vr_addr){AIOBLE_ADDR_PUBLIC, c->public_addr};
  return !vr_addr6_zero(&c->public_addr);
}

vr_addr vr_target_addr(vr_ctrl *c, uint8_t peer_type, const ab_addr6 *peer) {
  vr_entry *e = c->resolving.enabled ? find(c, peer_type, peer) : NULL;
  vr_addr rpa;

  if (e && e->peer_aes && make_rpa(c, e->peer_aes, &rpa))
    return rpa;
  return (vr_addr){peer_type & 1, *peer};
}

bool vr_is_own(vr_ctrl *c, const vr_addr *air, const vr_addr *own) {
  if (vr_addr_eq(air, own))
    return true;
  for (size_t i = 0; c->resolving.enabled && i < c->resolving.count; i++)
    if (resolves(c->resolving.entries[i].local_aes, air))
      return true;
  return false;
}

/* ---- who is it? ---- */

static bool is_entry(vr_entry *e, const vr_addr *air) {
  if (!vr_addr_eq(&e->peer_rpa, air) && !resolves(e->peer_aes, air))
    return false;
  e->peer_rpa = *air;
  return true;
}

vr_who vr_identify(vr_ctrl *c, const vr_addr *air) {
  vr_who who = {.type = air->type, .addr = air->a};
  const vr_entry *named;

  if (!c->resolving.enabled)
    return who;
  for (size_t i = 0; vr_addr_is_rpa(air) && i < c->resolving.count; i++) {
    vr_entry *e = &c->resolving.entries[i];

    if (is_entry(e, air))
      return (vr_who){e->identity.type | IDENTITY, e->identity.a, false};
  }
  named = find(c, air->type, &air->a);
  who.ignored = named && named->peer_aes && named->mode != PRIVACY_DEVICE;
  return who;
}

bool vr_means(const vr_who *who, const vr_addr *air, uint8_t type, const ab_addr6 *addr) {
  if (who->ignored)
    return false;
  return ((type & 1) == (who->type & 1) && vr_addr6_eq(addr, &who->addr)) ||
         (type == air->type && vr_addr6_eq(addr, &air->a));
}

/* ---- commands ---- */

static bool in_use(const vr_ctrl *c) {
  return c->adv.air.on || c->scan.on || c->init.on;
}

static bool locked(const vr_ctrl *c) {
  return c->resolving.enabled && in_use(c);
}

static void entry_free(vr_ctrl *c, vr_entry *e) {
  vr_aes_free(c->radio, e->peer_aes);
  vr_aes_free(c->radio, e->local_aes);
}

void vr_resolving_clear(vr_ctrl *c) {
  while (c->resolving.count)
    entry_free(c, &c->resolving.entries[--c->resolving.count]);
  c->resolving.enabled = false;
  c->resolving.rpa_timeout_s = DEFAULT_TIMEOUT_S;
}

/* false: out of memory; a zero key stands for none */
static bool key_of(vr_ctrl *c, const ab_key16 *irk, vr_aes **aes) {
  static const ab_key16 none;

  *aes = NULL;
  return memcmp(irk, &none, sizeof none) == 0 || (*aes = vr_aes_new(c->radio, irk));
}

static uint8_t add(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_resolving_add p;
  vr_entry e = {0};

  (void) ret;
  ab_hci_le_resolving_add_read(params, &p);
  if (p.addr_type > AIOBLE_ADDR_RANDOM)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (locked(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (find(c, p.addr_type, &p.addr))
    return AB_HCI_ERR_INVALID_PARAMS;
  if (c->resolving.count == c->resolving.size)
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  e.identity = (vr_addr){p.addr_type, p.addr};
  if (!key_of(c, &p.peer_irk, &e.peer_aes) || !key_of(c, &p.local_irk, &e.local_aes)) {
    entry_free(c, &e);
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  }
  c->resolving.entries[c->resolving.count++] = e;
  return AB_HCI_OK;
}

/* a command that names an entry */
static uint8_t entry_of(vr_ctrl *c, ab_rd *params, vr_entry **e) {
  ab_hci_le_device d;

  ab_hci_le_device_read(params, &d);
  if (d.addr_type > AIOBLE_ADDR_RANDOM)
    return AB_HCI_ERR_INVALID_PARAMS;
  *e = find(c, d.addr_type, &d.addr);
  return *e ? AB_HCI_OK : AB_HCI_ERR_UNKNOWN_CONNECTION;
}

static uint8_t remove_device(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_entry *e;
  uint8_t status = entry_of(c, params, &e);

  (void) ret;
  if (locked(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (status)
    return status;
  entry_free(c, e);
  *e = c->resolving.entries[--c->resolving.count];
  return AB_HCI_OK;
}

static uint8_t clear(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params, (void) ret;
  if (locked(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  while (c->resolving.count)
    entry_free(c, &c->resolving.entries[--c->resolving.count]);
  return AB_HCI_OK;
}

static uint8_t read_size(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_u8(ret, c->resolving.size);
  return AB_HCI_OK;
}

static uint8_t read_peer_rpa(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_entry *e;
  uint8_t status = entry_of(c, params, &e);

  if (!status)
    ab_wr_addr(ret, e->peer_rpa.a);
  return status;
}

static uint8_t read_local_rpa(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_entry *e;
  uint8_t status = entry_of(c, params, &e);

  if (!status)
    ab_wr_addr(ret, e->local_rpa.a);
  return status;
}

static uint8_t set_enable(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint8_t enable = ab_rd_u8(params);

  (void) ret;
  if (enable > 1)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (in_use(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->resolving.enabled = enable;
  return AB_HCI_OK;
}

static uint8_t set_timeout(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint16_t timeout = ab_rd_le16(params);

  (void) ret;
  if (!timeout || timeout > MAX_TIMEOUT_S)
    return AB_HCI_ERR_INVALID_PARAMS;
  c->resolving.rpa_timeout_s = timeout;
  return AB_HCI_OK;
}

static uint8_t set_privacy_mode(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_entry *e;
  uint8_t status = entry_of(c, params, &e);
  uint8_t mode = ab_rd_u8(params);

  (void) ret;
  if (mode > PRIVACY_DEVICE)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (locked(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  if (!status)
    e->mode = mode;
  return status;
}

enum { FEATURE = VR_FEAT_PRIVACY };
static const vr_command commands[] = {
    {AB_HCI_LE_ADD_TO_RESOLVING_LIST, 39, 34, 3, VR_COMPLETE, FEATURE, 0, 0, add},
    {AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST, 7, 34, 4, VR_COMPLETE, FEATURE, 0, 0, remove_device},
    {AB_HCI_LE_CLEAR_RESOLVING_LIST, 0, 34, 5, VR_COMPLETE, FEATURE, 0, 0, clear},
    {AB_HCI_LE_READ_RESOLVING_LIST_SIZE, 0, 34, 6, VR_COMPLETE, FEATURE, 1, 0, read_size},
    {AB_HCI_LE_READ_PEER_RPA, 7, 34, 7, VR_COMPLETE, FEATURE, 6, 0, read_peer_rpa},
    {AB_HCI_LE_READ_LOCAL_RPA, 7, 35, 0, VR_COMPLETE, FEATURE, 6, 0, read_local_rpa},
    {AB_HCI_LE_SET_ADDR_RESOLUTION, 1, 35, 1, VR_COMPLETE, FEATURE, 0, 0, set_enable},
    {AB_HCI_LE_SET_RPA_TIMEOUT, 2, 35, 2, VR_COMPLETE, FEATURE, 0, 0, set_timeout},
    {AB_HCI_LE_SET_PRIVACY_MODE, 8, 39, 2, VR_COMPLETE, FEATURE, 0, 0, set_privacy_mode},
};
const vr_command_table vr_resolve_commands = {commands, sizeof commands / sizeof *commands};
