/* SPDX-License-Identifier: MIT */
/*
 * The controller's resolving list (Core Vol 4, Part E, 7.8.38 to 7.8.44 and 7.8.77): the peers
 * whose private addresses it resolves by itself, so that it connects to an identity and reports
 * one. What has no place there is resolved by whoever gave us `resolve`.
 *
 * It is written anew whenever a peer comes or goes, with all activities off (gap_privacy.c):
 *
 *   OFF    resolution, if it is on
 *   CLEAR  if there is anything in it
 *   ADD    the next peer; when there are no more, or no more room: ON
 *   MODE   of that peer; then the next one
 *   ON     resolution, if there is anything in the list
 *
 * Each peer is in device privacy mode: it may also show its identity address, as one does that has
 * a key but does not use it. A controller without that mode would not hear such a peer any more, so
 * its list is not used; nor that of one which fails at MODE or ON.
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_le_resolving_add)
AB_HCI_SENDER(hci_le_privacy_mode)
AB_HCI_SENDER(hci_u8)

enum { IDLE, OFF, CLEAR, ADD, MODE, ON };
enum { DEVICE_MODE = 1 };

void ab_gap_private_peers_changed(ab_gap *gap) {
  gap->privacy.list_due = true;
  ab_gap_run(gap);
}

bool ab_gap_resolves(const ab_gap *gap, const aioble_addr_t *identity) {
  const ab_gap_privacy *p = &gap->privacy;

  for (unsigned i = 0; p->resolving && i < p->n; i++)
    if (aioble_addr_equal(&p->peers[i], identity))
      return true;
  return false;
}

/* how many peers the list may have */
static unsigned room(const ab_gap *gap) {
  unsigned size = ab_hci_info_of(gap->hci)->resolvable;

  if (gap->privacy.unusable || !gap->ev->private_peer)
    return 0;
  return size < AB_GAP_RESOLVING_MAX ? size : AB_GAP_RESOLVING_MAX;
}

static bool next_peer(const ab_gap *gap, ab_gap_peer *peer) {
  return gap->privacy.n < room(gap) && gap->ev->private_peer(gap->ctx, gap->privacy.n, peer);
}

/* ---- the commands; what is answered with success is so ---- */

static ab_hci_cmd_fn on_answer;

static int switch_to(ab_gap *gap, bool on) {
  ab_hci_u8 rec = {.value = on};

  return ab_hci_send(gap->hci, &gap->privacy.cmd, AB_HCI_LE_SET_ADDR_RESOLUTION, hci_u8, &rec,
                     on_answer);
}

static int add(ab_gap *gap, const ab_gap_peer *peer) {
  ab_gap_privacy *p = &gap->privacy;
  ab_hci_le_resolving_add rec = {
      .addr_type = peer->identity.type, .peer_irk = peer->irk, .local_irk = peer->local_irk};

  p->peers[p->n] = peer->identity;
  memcpy(rec.addr.b, peer->identity.bytes, sizeof rec.addr.b);
  return ab_hci_send(gap->hci, &p->cmd, AB_HCI_LE_ADD_TO_RESOLVING_LIST, hci_le_resolving_add, &rec,
                     on_answer);
}

static int set_mode(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;
  const aioble_addr_t *peer = &p->peers[p->n - 1];
  ab_hci_le_privacy_mode rec = {.addr_type = peer->type, .mode = DEVICE_MODE};

  memcpy(rec.addr.b, peer->bytes, sizeof rec.addr.b);
  return ab_hci_send(gap->hci, &p->cmd, AB_HCI_LE_SET_PRIVACY_MODE, hci_le_privacy_mode, &rec,
                     on_answer);
}

/* ---- the steps ---- */

/* from p->step on to the first that has a command to be sent; EOF: there is none */
static int next_command(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;
  ab_gap_peer peer;

  switch (p->step) {
  case OFF:
    if (p->resolving)
      return switch_to(gap, false);
    p->step = CLEAR;
    /* fallthrough */
  case CLEAR:
    if (p->n)
      return ab_hci_cmd_send(gap->hci, &p->cmd, AB_HCI_LE_CLEAR_RESOLVING_LIST, NULL, 0, on_answer);
    p->step = ADD;
    /* fallthrough */
  case ADD:
    if (next_peer(gap, &peer))
      return add(gap, &peer);
    p->step = ON;
    /* fallthrough */
  case ON:
    return p->n ? switch_to(gap, true) : AIOBLE_EOF;
  default:
    return set_mode(gap);
  }
}

static void succeeded(ab_gap_privacy *p) {
  switch (p->step) {
  case OFF:
    p->resolving = false;
    p->step = CLEAR;
    break;
  case CLEAR:
    p->n = 0;
    p->step = ADD;
    break;
  case ADD:
    p->n++;
    p->step = MODE;
    break;
  case MODE:
    p->step = ADD;
    break;
  default:
    p->resolving = true;
    p->step = IDLE;
  }
}

/* there was less room than its size said; or the list is of no use, and is left empty */
static void failed(ab_gap_privacy *p) {
  if (p->step == ADD) {
    p->step = ON;
    return;
  }
  if (p->step == CLEAR)
    p->n = 0;
  p->resolving = false;
  p->unusable = true;
  p->step = CLEAR;
}

static void on_answer(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap *gap = ab_container_of(cmd, ab_gap, privacy.cmd);

  (void) ret;
  if (status == 0)
    succeeded(&gap->privacy);
  else
    failed(&gap->privacy);
  ab_gap_run(gap);
}

bool ab_gap_resolving_due(const ab_gap *gap) {
  return gap->privacy.list_due || gap->privacy.step != IDLE;
}

int ab_gap_resolving_work(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;
  int err;

  if (p->step == IDLE) {
    p->list_due = false;
    p->step = OFF;
  }
  err = next_command(gap);
  if (err != AIOBLE_EOF)
    return err;
  p->step = IDLE;
  ab_gap_run(gap);
  return 0;
}
