/* SPDX-License-Identifier: MIT */
/* What goes wrong: by chance, from the radio's seed, and on purpose. */
#include "virtual/vr_priv.h"

/* two packets of two links: nothing says which comes first */
static bool may_overtake(const ab_buf *buf, const ab_buf *last) {
  return buf->ctx && last->ctx && buf->ctx != last->ctx;
}

void vr_fault_queue(vr_ctrl *c, ab_buf *buf) {
  ab_list *tail = c->to_host.prev;

  ab_list_push(&c->to_host, &buf->node);
  if (tail == &c->to_host || !may_overtake(buf, ab_container_of(tail, ab_buf, node)) ||
      !vr_chance(c->radio, c->radio->faults.reorder_ppm))
    return;
  ab_list_remove(tail);
  ab_list_push(&c->to_host, tail);
  c->stats.faults++;
}

static void one_octet_wrong(vr_ctrl *c, uint8_t *packet, size_t len) {
  ab_wr w = ab_wr_of(packet, len);
  uint8_t *octet;

  ab_wr_take(&w, 1 + vr_random_below(c->radio, (uint32_t) len - 1));
  octet = ab_wr_take(&w, 1);
  *octet ^= (uint8_t) (1 + vr_random_below(c->radio, 255));
  c->stats.faults++;
}

void vr_fault_give(vr_ctrl *c, uint8_t *packet, size_t len) {
  const aioble_virtual_faults_t *f = &c->radio->faults;

  if (len > 1 && vr_chance(c->radio, f->malformed_ppm))
    one_octet_wrong(c, packet, len);
  if (len > 1 && vr_chance(c->radio, f->truncated_ppm)) {
    len = 1 + vr_random_below(c->radio, (uint32_t) len - 1);
    c->stats.faults++;
  }
  c->gave = true;
  c->sink->packet(c->sink_ctx, packet, len);
}

static void hardware_error(vr_ctrl *c, uint8_t code) {
  VR_EVENT(c, NULL, AB_HCI_EV_HARDWARE_ERROR, hci_u8, .value = code);
}

void vr_fault_batch(vr_ctrl *c) {
  if (ab_list_empty(&c->to_host) || !vr_chance(c->radio, c->radio->faults.hardware_error_ppm))
    return;
  hardware_error(c, 0);
  c->stats.faults++;
}

void aioble_virtual_controller_set_silent(aioble_transport_t *t, bool silent) {
  vr_ctrl *c = vr_ctrl_of(t);

  c->silent = silent;
  vr_ctrl_wake(c);
}

void aioble_virtual_controller_lose_credits(aioble_transport_t *t, bool lose) {
  vr_ctrl_of(t)->lose_credits = lose;
}

void aioble_virtual_controller_delay_encryption(aioble_transport_t *t, uint32_t us) {
  vr_ctrl_of(t)->encryption_late_us = us;
}

void aioble_virtual_controller_hardware_error(aioble_transport_t *t, uint8_t code) {
  hardware_error(vr_ctrl_of(t), code);
}

int aioble_virtual_controller_inject(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  vr_ctrl *c = vr_ctrl_of(t);
  ab_buf *buf = ab_buf_new(&c->radio->bufs, len);
  ab_wr w;

  if (!buf)
    return AIOBLE_ENOMEM;
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, packet, len);
  ab_buf_wrote(buf, &w);
  vr_ctrl_to_host(c, buf);
  return 0;
}
