/* SPDX-License-Identifier: MIT */
/*
 * Events to the host, behind its masks: Set Event Mask (7.3.1, bit code - 1), page 2 (7.3.69, bit
 * code - 0x40) and LE Set Event Mask (7.8.1, bit subevent - 1). Command Complete, Command Status
 * and Number Of Completed Packets have no bit and always come.
 */
#include "virtual/vr_priv.h"

enum { PAGE_2 = 0x40 };

bool vr_event_wanted(const vr_ctrl *c, uint8_t code) {
  switch (code) {
  case AB_HCI_EV_COMMAND_COMPLETE:
  case AB_HCI_EV_COMMAND_STATUS:
  case AB_HCI_EV_NUM_COMPLETED_PACKETS:
    return true;
  default:
    return code < PAGE_2 ? vr_bit(c->masks.event, code - 1u)
                         : vr_bit(c->masks.event2, (unsigned) code - PAGE_2);
  }
}

bool vr_le_event_wanted(const vr_ctrl *c, uint8_t subevent) {
  return vr_event_wanted(c, AB_HCI_EV_LE_META) && vr_bit(c->masks.le, subevent - 1u);
}

ab_buf *vr_event_new(vr_ctrl *c, uint8_t code, size_t params) {
  bool full = c->to_host_count >= VR_EVENTS_QUEUED;
  ab_buf *buf = full ? NULL : ab_buf_new(&c->radio->bufs, 3 + params);
  ab_wr w;

  if (!buf) {
    c->stats.no_memory++;
    return NULL;
  }
  w = ab_buf_writer(buf);
  ab_wr_u8(&w, AIOBLE_H4_EVENT);
  ab_wr_u8(&w, code);
  ab_wr_u8(&w, (uint8_t) params);
  ab_buf_wrote(buf, &w);
  return buf;
}

static bool send(vr_ctrl *c, vr_end *about, uint8_t code, uint8_t subevent, const ab_wr *params) {
  size_t len = ab_wr_len(params), extra = subevent ? 1 : 0;
  ab_buf *buf = vr_event_new(c, code, len + extra);
  ab_wr w;

  if (!buf)
    return false;
  w = ab_buf_writer(buf);
  if (subevent)
    ab_wr_u8(&w, subevent);
  ab_wr_bytes(&w, params->start, len);
  ab_buf_wrote(buf, &w);
  buf->ctx = about;
  vr_ctrl_to_host(c, buf);
  return true;
}

bool vr_event(vr_ctrl *c, vr_end *about, uint8_t code, const ab_wr *params) {
  return vr_event_wanted(c, code) && send(c, about, code, 0, params);
}

bool vr_le_event(vr_ctrl *c, vr_end *about, uint8_t subevent, const ab_wr *params) {
  return vr_le_event_wanted(c, subevent) && send(c, about, AB_HCI_EV_LE_META, subevent, params);
}
