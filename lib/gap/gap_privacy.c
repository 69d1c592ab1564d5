/* SPDX-License-Identifier: MIT */
/*
 * Private addresses (Core Vol 3, Part C, 10.7; Vol 6, Part B, 1.3.2.2).
 *
 * Ours is the controller's random address (LE Set Random Address, Vol 4, Part E, 7.8.4), a new one
 * when the old one has lived its time. Neither this nor the resolving list (gap_resolving.c) may be
 * changed while the controller advertises, scans or initiates:
 *
 *   1. What is due makes ab_gap_run() end all activities; nobody who asked for them is told.
 *   2. With all off, the commands are sent, one after the other.
 *   3. Then ab_gap_run() starts what is asked for.
 *
 * Nothing is on the air before there is a new address: if it cannot be had, whoever asks for an
 * activity is told why, and the next who asks has it tried again. While nobody asks, it waits.
 *
 * Links keep the addresses that they were made with.
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_addr)

void ab_gap_set_rotation(ab_gap *gap, uint64_t us) {
  gap->privacy.rotation_us = us;
}

void ab_gap_privacy_start(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;

  p->address_due = p->rotation_us && gap->ev->private_address;
  p->list_due = true;
}

void ab_gap_privacy_hold(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;

  ab_timer_stop(gap->env, &p->rotation);
  if (gap->hci)
    ab_hci_cmd_detach(gap->hci, &p->cmd);
  *p = (ab_gap_privacy){.rotation_us = p->rotation_us};
}

bool ab_gap_privacy_due(const ab_gap *gap, bool wanted) {
  return gap->privacy.cmd.pending || ab_gap_resolving_due(gap) ||
         (gap->privacy.address_due && wanted);
}

/* ---- our address ---- */

static void on_too_old(ab_timer *timer) {
  ab_gap *gap = ab_container_of(timer, ab_gap, privacy.rotation);

  gap->privacy.address_due = true;
  ab_gap_run(gap);
}

static void on_address(ab_hci_cmd *cmd, int status, ab_rd *ret) {
  ab_gap *gap = ab_container_of(cmd, ab_gap, privacy.cmd);
  ab_gap_privacy *p = &gap->privacy;

  (void) ret;
  if (status < 0) {
    ab_gap_end_requests(gap, status);
    return;
  }
  gap->own = p->next;
  p->address_due = false;
  ab_timer_start(gap->env, &p->rotation, p->rotation_us, on_too_old);
  ab_gap_run(gap);
}

static int set_address(ab_gap *gap) {
  ab_gap_privacy *p = &gap->privacy;
  int err = gap->ev->private_address(gap->ctx, &p->next);
  ab_hci_addr rec;

  if (err < 0)
    return err;
  memcpy(rec.addr.b, p->next.bytes, sizeof rec.addr.b);
  return ab_hci_send(gap->hci, &p->cmd, AB_HCI_LE_SET_RANDOM_ADDR, hci_addr, &rec, on_address);
}

void ab_gap_privacy_work(ab_gap *gap) {
  int err;

  if (gap->privacy.cmd.pending)
    return;
  if (ab_gap_resolving_due(gap)) {
    if (ab_gap_resolving_work(gap) < 0)
      ab_gap_retry_soon(gap);
    return;
  }
  err = set_address(gap);
  if (err < 0)
    ab_gap_end_requests(gap, err);
}

/* ---- whose is it? ---- */

aioble_addr_t ab_gap_identity_of(const ab_gap *gap, const aioble_addr_t *air) {
  const aioble_addr_t *identity = NULL;

  if (gap->ev->resolve && aioble_addr_kind(air) == AIOBLE_ADDR_KIND_RESOLVABLE)
    identity = gap->ev->resolve(gap->ctx, air);
  return identity ? *identity : *air;
}
