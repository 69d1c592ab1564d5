/* SPDX-License-Identifier: MIT */
/*
 * The filter accept list (Core Vol 4, Part E, 7.8.14 to 7.8.17). It cannot be changed while
 * advertising, scanning or initiating looks at it.
 */
#include "virtual/vr_priv.h"

enum { ANONYMOUS = 0xff }; /* advertisers without an address, 7.8.16; there are none here */

static bool in_use(const vr_ctrl *c) {
  return (c->adv.air.on && c->adv.params.filter_policy) ||
         (c->scan.on && c->scan.params.filter_policy & 1) ||
         (c->init.on && c->init.params.filter_policy);
}

static vr_addr *find(const vr_ctrl *c, const ab_hci_le_device *d) {
  for (size_t i = 0; i < c->accept.count; i++)
    if (c->accept.devices[i].type == d->addr_type && vr_addr6_eq(&c->accept.devices[i].a, &d->addr))
      return &c->accept.devices[i];
  return NULL;
}

bool vr_accepts(const vr_ctrl *c, const vr_who *who, const vr_addr *air) {
  for (size_t i = 0; i < c->accept.count; i++)
    if (vr_means(who, air, c->accept.devices[i].type, &c->accept.devices[i].a))
      return true;
  return false;
}

static uint8_t read_size(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_u8(ret, c->accept.size);
  return AB_HCI_OK;
}

static uint8_t clear(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params, (void) ret;
  if (in_use(c))
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->accept.count = 0;
  return AB_HCI_OK;
}

static uint8_t device_of(vr_ctrl *c, ab_rd *params, ab_hci_le_device *d) {
  ab_hci_le_device_read(params, d);
  if (d->addr_type > AIOBLE_ADDR_RANDOM && d->addr_type != ANONYMOUS)
    return AB_HCI_ERR_INVALID_PARAMS;
  return in_use(c) ? AB_HCI_ERR_COMMAND_DISALLOWED : AB_HCI_OK;
}

static uint8_t add(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_device d;
  uint8_t status = device_of(c, params, &d);

  (void) ret;
  if (status || find(c, &d))
    return status;
  if (c->accept.count == c->accept.size)
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  c->accept.devices[c->accept.count++] = (vr_addr){d.addr_type, d.addr};
  return AB_HCI_OK;
}

static uint8_t remove_device(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_device d;
  uint8_t status = device_of(c, params, &d);
  vr_addr *found;

  (void) ret;
  if (status || !(found = find(c, &d)))
    return status;
  *found = c->accept.devices[--c->accept.count];
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_LE_READ_ACCEPT_LIST_SIZE, 0, 26, 6, VR_COMPLETE, VR_ALWAYS, 1, 0, read_size},
    {AB_HCI_LE_CLEAR_ACCEPT_LIST, 0, 26, 7, VR_COMPLETE, VR_ALWAYS, 0, 0, clear},
    {AB_HCI_LE_ADD_TO_ACCEPT_LIST, 7, 27, 0, VR_COMPLETE, VR_ALWAYS, 0, 0, add},
    {AB_HCI_LE_REMOVE_FROM_ACCEPT_LIST, 7, 27, 1, VR_COMPLETE, VR_ALWAYS, 0, 0, remove_device},
};
const vr_command_table vr_accept_commands = {commands, sizeof commands / sizeof *commands};
