/* SPDX-License-Identifier: MIT */
/*
 * Encryption of a link (Core Vol 4, Part E, 7.8.24 to 7.8.26, 7.7.8, 7.7.39, 7.7.65.5).
 *
 * 1. C: LE Enable Encryption, answered by Command Status. P: LE Long Term Key Request, which must
 * be answered, with a key or without.
 * 2. Encryption Change at both, or Key Refresh Complete where the link was encrypted already. The
 *    central alone hears of a failure.
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_handle)
AB_HCI_SENDER(hci_le_enable_enc)
AB_HCI_SENDER(hci_le_ltk_reply)

static void changed(ab_gap *gap, uint16_t handle, int status, bool on) {
  ab_gap_link *link = ab_gap_link_of(gap, handle);

  if (link && gap->ev->link_encryption)
    gap->ev->link_encryption(gap->ctx, link, status, on);
}

static int status_of(uint8_t code) {
  return code ? AIOBLE_ERR_HCI(code) : 0;
}

static void on_change(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_ev_encryption ev;

  if (ab_hci_ev_encryption_read(params, &ev))
    changed(gap, ev.handle, status_of(ev.status), ev.enabled);
  else
    gap->malformed++;
}

static void on_refresh(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_ev_key_refresh ev;

  if (ab_hci_ev_key_refresh_read(params, &ev))
    changed(gap, ev.handle, status_of(ev.status), true);
  else
    gap->malformed++;
}

/* ---- central ---- */

static void on_started(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap_link *link = ab_container_of(cmd, ab_gap_link, encrypt_cmd);

  (void) ret;
  if (status < 0)
    changed(link->gap, link->hci.handle, status, false);
}

int ab_gap_encrypt(ab_gap_link *link, uint64_t rand, uint16_t ediv, const ab_key16 *key) {
  ab_hci_le_enable_enc rec = {.handle = link->hci.handle, .rand = rand, .ediv = ediv, .ltk = *key};
  int err = ab_hci_send(link->gap->hci, &link->encrypt_cmd, AB_HCI_LE_ENABLE_ENCRYPTION,
                        hci_le_enable_enc, &rec, on_started);

  explicit_bzero(&rec, sizeof rec);
  return err;
}

/* ---- peripheral ---- */

static void ignore_reply(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  (void) cmd;
  (void) status;
  (void) ret;
}

static void on_key_request(void *ctx, ab_rd *params) {
  ab_gap *gap = ctx;
  ab_hci_le_ev_ltk_request ev;
  ab_hci_le_ltk_reply yes = {0};
  ab_hci_handle no;
  ab_gap_link *link;

  if (!ab_hci_le_ev_ltk_request_read(params, &ev) || !(link = ab_gap_link_of(gap, ev.handle))) {
    gap->malformed++;
    return;
  }
  yes.handle = no.handle = ev.handle;
  if (gap->ev->link_key && gap->ev->link_key(gap->ctx, link, ev.rand, ev.ediv, &yes.ltk))
    (void) ab_hci_send(gap->hci, &link->ltk_cmd, AB_HCI_LE_LTK_REPLY, hci_le_ltk_reply, &yes,
                       ignore_reply);
  else
    (void) ab_hci_send(gap->hci, &link->ltk_cmd, AB_HCI_LE_LTK_NEG_REPLY, hci_handle, &no,
                       ignore_reply);
  explicit_bzero(&yes, sizeof yes);
}

void ab_gap_encryption_register(ab_gap *gap) {
  ab_hci_on_event(gap->hci, AB_HCI_EV_ENCRYPTION_CHANGE, on_change, gap);
  ab_hci_on_event(gap->hci, AB_HCI_EV_ENCRYPTION_KEY_REFRESH, on_refresh, gap);
  ab_hci_on_le_event(gap->hci, AB_HCI_LE_EV_LTK_REQUEST, on_key_request, gap);
}
