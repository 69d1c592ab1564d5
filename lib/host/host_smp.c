/* SPDX-License-Identifier: MIT */
/*
 * The Security Manager between a link, its controller and the application.
 *
 * A link to a bonded peer whose central we are is encrypted first, unless whoever connects says
 * otherwise: until then (conn->secured is EAGAIN) it is not shown to the application, nothing is
 * asked of the peer, and nothing that it says is believed. If that fails, the link ends.
 */
#include "host/host.h"

/* Secure Connections Only mode (Part C, 10.2.4): what is not the best is nothing */
static ab_smp_security security_that_counts(const aioble_conn_t *conn) {
  ab_smp_security s = conn->smp.security;
  bool best = s.level == AIOBLE_SECURITY_SECURE_CONNECTIONS && s.key_size == AB_SMP_KEY_MAX;

  return best || !conn->ble->smp.secure_only ? s : (ab_smp_security){0};
}

/* What channels and attributes may demand of the link; `gone`: a bond that goes, or NULL. */
static void apply_security(aioble_conn_t *conn, const ab_bond *gone) {
  ab_smp_security s = security_that_counts(conn);
  const ab_bond *bond = ab_smp_bond_of(&conn->ble->smp, &conn->smp.peer);
  bool keyed = bond && bond != gone && ab_smp_bond_usable(&conn->ble->smp, bond);

  conn->l2cap.security =
      (ab_l2cap_security){.keyed = keyed,
                          .encrypted = s.level >= AIOBLE_SECURITY_ENCRYPTED,
                          .authenticated = s.level >= AIOBLE_SECURITY_AUTHENTICATED,
                          .secure = s.sc,
                          .key_size = s.key_size};
  ab_gatt_server_link_security(
      &conn->server,
      (ab_gatt_security){.level = s.level, .key_size = s.key_size, .has_key = keyed});
}

/* the link is as secure as it was, but nothing of it will last */
static void lose_bond(aioble_conn_t *conn, const ab_bond *bond) {
  apply_security(conn, bond);
  if (!conn->bonded || !aioble_addr_equal(&conn->identity, &bond->addr))
    return;
  conn->bonded = false;
  conn->smp.security.bonded = false;
}

static void on_bond(void *ctx, ab_bond *bond, bool gone) {
  aioble_t *ble = ctx;

  AB_LIST_EACH(n, &ble->conns) {
    aioble_conn_t *conn = ab_container_of(n, aioble_conn_t, node);

    if (conn->smp.stack && gone)
      lose_bond(conn, bond);
    else if (conn->smp.stack)
      apply_security(conn, NULL);
  }
  ab_host_bond_changed(ble, bond, gone);
  if (bond->has_irk)
    ab_gap_private_peers_changed(&ble->gap);
}

static int on_counter(void *ctx, const ab_bond *bond, bool ours) {
  return ab_host_bond_counted(ctx, bond, ours);
}

void ab_host_smp_init(aioble_t *ble) {
  ab_smp_stack_init(&ble->smp, &ble->env, &ble->bufs);
  ble->smp.on_bond = on_bond;
  ble->smp.on_counter = on_counter;
  ble->smp.ctx = ble;
}

/* without randomness there is no key of our identity to be told */
int ab_host_smp_ready(aioble_t *ble) {
  ab_smp_stack *smp = &ble->smp;

  if (!smp->has_irk)
    smp->has_irk = ab_random(&ble->env, &smp->irk, sizeof smp->irk) == 0;
  return smp->has_irk || !ble->config.private_address ? 0 : AIOBLE_EIO;
}

void ab_host_smp_configure(aioble_t *ble) {
  const ab_config *c = &ble->config;
  bool secure = c->le_secure || c->secure_only;

  ble->smp.policy = (ab_smp_policy){.io = c->io,
                                    .sc = secure ? AB_SMP_SC_REQUIRED : AB_SMP_SC_PREFERRED,
                                    .pairable = c->pairable,
                                    .bond = c->bond,
                                    .mitm = c->mitm || c->secure_only,
                                    .ask = ble->on_pairing_request != NULL,
                                    .min_key = AB_SMP_KEY_MAX,
                                    .oob = &ble->oob};
  ble->smp.secure_only = c->secure_only;
  AB_LIST_EACH(n, &ble->conns) {
    aioble_conn_t *conn = ab_container_of(n, aioble_conn_t, node);

    if (conn->smp.stack)
      apply_security(conn, NULL);
  }
}

_Static_assert((int) AIOBLE_SIGNED == (int) AB_SMP_SIGNED &&
                   (int) AIOBLE_SIGNED_AUTHENTICATED == (int) AB_SMP_SIGNED_AUTHENTICATED,
               "the same signatures");

uint8_t ab_host_verify(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len) {
  ab_smp *smp = &ab_container_of(link, aioble_conn_t, server)->smp;

  return (uint8_t) ab_smp_verify(smp, opcode, data, len);
}

/* ---- down ---- */

static void send_command(void *ctx, ab_buf *command) {
  aioble_conn_t *conn = ctx;

  ab_l2cap_send(&conn->l2cap, AB_L2CAP_CID_SMP, command);
}

static int encrypt(void *ctx, const ab_smp_ltk *key) {
  aioble_conn_t *conn = ctx;
  int err = ab_gap_encrypt(&conn->link, key->rand, key->ediv, &key->key);

  if (err == 0)
    ab_host_early_begin(conn);
  return err;
}

static void on_acked(ab_hci_link *hci) {
  ab_smp_acked(&ab_conn_of_link(ab_container_of(hci, ab_gap_link, hci))->smp);
}

static void await_ack(void *ctx) {
  aioble_conn_t *conn = ctx;

  ab_hci_link_await_ack(&conn->link.hci, on_acked);
}

bool ab_host_on_key(void *ctx, ab_gap_link *link, uint64_t rand, uint16_t ediv, ab_key16 *key) {
  aioble_conn_t *conn = ab_conn_of_link(link);
  bool known = ab_smp_ltk_request(&conn->smp, rand, ediv, key);

  (void) ctx;
  if (known)
    ab_host_early_begin(conn);
  return known;
}

void ab_host_on_encryption(void *ctx, ab_gap_link *link, int status, bool on) {
  aioble_conn_t *conn = aioble_conn_ref(ab_conn_of_link(link));

  (void) ctx;
  ab_smp_encryption(&conn->smp, status, on);
  ab_host_early_end(conn);
  aioble_conn_unref(conn);
}

/* ---- up: all is told at the end of the turn ---- */

static void on_prompt(void *ctx, ab_smp_prompt prompt, uint32_t number) {
  aioble_conn_t *conn = ctx;

  conn->prompt = prompt;
  conn->prompt_number = number;
  ab_host_hook_due(conn, AB_HOOK_PROMPT);
}

static void on_keypress(void *ctx, uint8_t type) {
  aioble_conn_t *conn = ctx;

  if (conn->n_keypresses < AB_SMP_KEYPRESSES) /* there cannot be more, but in another pairing */
    conn->keypresses[conn->n_keypresses++] = type;
  ab_host_hook_due(conn, AB_HOOK_KEYPRESS);
}

/* What is kept of a bonded peer is in force again (host_cache.c); that of a bond that a pairing has
   just made begins with what there is. */
static void restore_bonded(aioble_conn_t *conn) {
  const ab_bond *bond = ab_smp_bond_of(&conn->ble->smp, &conn->smp.peer);

  if (!bond || !conn->smp.security.bonded)
    return;
  ab_host_identified(conn, &bond->addr);
  ab_host_peer_bonded(conn, &bond->addr, conn->smp.pairing != NULL);
}

static void on_changed(void *ctx) {
  aioble_conn_t *conn = ctx;

  apply_security(conn, NULL);
  ab_host_demand_secured(conn);
  ab_host_hook_due(conn, AB_HOOK_SECURITY);
  restore_bonded(conn);
  if (!ab_host_securing(conn))
    ab_host_eatt_encrypted(conn);
}

/* the first encryption of a link to a bonded peer */
static void secured(aioble_conn_t *conn, int status) {
  conn->secured = status;
  if (status == 0) {
    ab_host_settle_all(&conn->securing, 0, NULL);
    ab_host_conn_start(conn);
    ab_host_eatt_encrypted(conn);
  } else if (ab_gap_disconnect(&conn->link, AB_HCI_ERR_AUTH_FAILURE) < 0) {
    ab_host_settle_all(&conn->securing, status, NULL);
  } /* else they settle when the link has ended */
}

static void on_ended(void *ctx, int status) {
  aioble_conn_t *conn = ctx;

  if (ab_host_securing(conn)) {
    secured(conn, status);
  } else if (!ab_pair_ended(conn, status) && status < 0 && conn->link.up) {
    conn->security_status = status;
    ab_host_hook_due(conn, AB_HOOK_SECURITY);
  }
}

static const ab_smp_events smp_events = {
    .send = send_command,
    .encrypt = encrypt,
    .await_ack = await_ack,
    .prompt = on_prompt,
    .keypress = on_keypress,
    .changed = on_changed,
    .ended = on_ended,
};

/* ---- coming and going ---- */

void ab_host_smp_open(aioble_conn_t *conn) {
  bool central = conn->link.role == AB_HCI_ROLE_CENTRAL;

  ab_smp_open(&conn->smp, &conn->ble->smp, &smp_events, conn, central, &conn->link.air.local,
              &conn->link.air.peer);
  apply_security(conn, NULL);
}

void ab_host_smp_secure(aioble_conn_t *conn) {
  int err = conn->smp.security.level ? AIOBLE_EBUSY : ab_smp_encrypt(&conn->smp);

  if (err == AIOBLE_ENOENT)
    ab_host_conn_start(conn);
  else if (err == 0)
    conn->secured = AIOBLE_EAGAIN;
  else if (err != AIOBLE_EBUSY)
    secured(conn, err);
}

void ab_host_smp_close(aioble_conn_t *conn, int reason) {
  int status = conn->secured && !ab_host_securing(conn) ? conn->secured : reason;

  ab_host_settle_all(&conn->securing, status, NULL);
  ab_host_settle_all(&conn->pairs, AIOBLE_ENOTCONN, NULL);
  conn->secured = 0;
  ab_smp_close(&conn->smp, AIOBLE_ENOTCONN);
}

/* ---- hooks ---- */

/* false: there is nobody to ask */
static bool prompt(aioble_conn_t *conn) {
  static const aioble_prompt_t prompts[] = {[AB_SMP_SHOW_PASSKEY] = AIOBLE_PROMPT_SHOW,
                                            [AB_SMP_ENTER_PASSKEY] = AIOBLE_PROMPT_ENTER,
                                            [AB_SMP_COMPARE] = AIOBLE_PROMPT_COMPARE};
  const aioble_t *ble = conn->ble;
  bool own = conn->on_prompt != NULL;
  aioble_prompt_fn *fn = own ? conn->on_prompt : ble->on_prompt;

  if (fn)
    fn(conn, prompts[conn->prompt], conn->prompt_number,
       own ? conn->prompt_user : ble->prompt_user);
  return fn != NULL;
}

static bool ask_for_consent(aioble_conn_t *conn) {
  aioble_pairing_request_fn *fn = conn->ble->on_pairing_request;

  if (fn)
    fn(conn, conn->ble->pairing_request_user);
  return fn != NULL;
}

/* nobody to ask: nobody can have agreed */
static void ask(aioble_conn_t *conn) {
  if (!conn->smp.pairing) /* ended meanwhile */
    return;
  if (conn->prompt == AB_SMP_CONSENT ? !ask_for_consent(conn) : !prompt(conn))
    (void) ab_smp_answer(&conn->smp, false, 0);
}

static void tell_keypresses(aioble_conn_t *conn) {
  unsigned n = conn->n_keypresses;

  conn->n_keypresses = 0;
  for (unsigned i = 0; i < n && conn->hooks.on_keypress; i++)
    conn->hooks.on_keypress(conn, conn->keypresses[i], conn->hooks.user);
}

void ab_host_smp_hooks(aioble_conn_t *conn, unsigned due) {
  const aioble_conn_hooks_t *h = &conn->hooks;
  int status = conn->security_status;

  if (due & AB_HOOK_PROMPT)
    ask(conn);
  if (due & AB_HOOK_KEYPRESS)
    tell_keypresses(conn);
  if (due & AB_HOOK_SECURITY) {
    conn->security_status = 0;
    if (h->on_security && !ab_host_securing(conn))
      h->on_security(conn, status, h->user);
  }
}
