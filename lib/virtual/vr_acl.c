/* SPDX-License-Identifier: MIT */
/*
 * ACL data (Core Vol 4, Part E, 4.1, 5.4.2, 7.3.38 to 7.3.40 and 7.7.19).
 *
 * 1. the host hands a packet over: it takes one of the controller's buffers, or is one too many
 *    (Data Buffer Overflow)
 * 2. it waits at its end of the link: with timing for connection events, in which it goes over in
 *    pieces of the data length; without, only while encryption starts or nothing is heard
 * 3. it stands in the other controller's queue to its host
 * 4. that host has it: the buffer is free, and the next turn of the sender's controller reports so
 *
 * So a host that does not take its data stops the one that sends, and nothing is lost between them.
 * `outstanding` counts as the host must: up in 1, down when it has Number Of Completed Packets, or
 * Disconnection Complete for all at once.
 */
#include "virtual/vr_priv.h"

enum {
  HEADER = 5, /* H4 octet, handle and flags, length */
  HEADER_DATA = 4,
  MIC = 4,
  IFS_US = 150,
  COMPLETED_MAX = 60, /* handles in one event */
  LINK_TYPE_ACL = 1,
};

/* ---- from the host ---- */

static uint8_t boundary(uint16_t handle_flags) {
  return (uint8_t) (handle_flags >> 12 & 3);
}

static bool header_valid(uint16_t handle_flags, size_t len, size_t there) {
  return len && len == there && boundary(handle_flags) <= AB_HCI_PB_FIRST &&
         handle_flags >> 14 == 0;
}

static void overflow(vr_ctrl *c) {
  c->stats.acl_violations++;
  VR_EVENT(c, NULL, AB_HCI_EV_DATA_BUFFER_OVERFLOW, hci_u8, .value = LINK_TYPE_ACL);
}

bool vr_acl_admit(vr_ctrl *c, ab_rd *packet) {
  uint16_t handle_flags = ab_rd_le16(packet);
  uint16_t len = ab_rd_le16(packet);
  vr_end *e;

  if (!header_valid(handle_flags, len, ab_rd_left(packet))) {
    c->stats.malformed++;
    return false;
  }
  if (!(e = vr_end_known(c, handle_flags & AB_HCI_HANDLE_MASK))) {
    c->stats.acl_unknown_link++;
    return false;
  }
  if (c->acl_outstanding >= c->options.acl_count || len > c->options.acl_len) {
    overflow(c);
    return false;
  }
  c->acl_outstanding++;
  e->outstanding++;
  c->stats.acl_in++;
  return true;
}

void vr_acl_from_host(vr_ctrl *c, ab_buf *buf) {
  ab_rd r = ab_rd_of(buf->p, buf->len);
  vr_end *e;

  ab_rd_u8(&r);
  e = vr_end_of(c, ab_rd_le16(&r) & AB_HCI_HANDLE_MASK);
  if (!e) { /* the link ended meanwhile */
    ab_buf_free(buf);
    return;
  }
  ab_list_push(&e->tx, &buf->node);
  vr_acl_pump(e->link);
  vr_link_kick(e->link);
}

void vr_acl_flush(vr_end *e) {
  ab_list *n;

  while ((n = ab_list_pop(&e->tx)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
  e->tx_done = 0;
}

/* ---- over the air ---- */

static void write_header(ab_buf *buf, uint16_t handle, uint8_t pb, size_t len) {
  ab_wr w = ab_buf_prepend(buf, HEADER);

  ab_wr_u8(&w, AIOBLE_H4_ACL);
  ab_wr_le16(&w, (uint16_t) (handle | pb << 12));
  ab_wr_le16(&w, (uint16_t) len);
}

/* the first packet of an end is over: it is the other host's now */
static void pass(vr_end *from) {
  ab_buf *buf = ab_container_of(ab_list_pop(&from->tx), ab_buf, node);
  ab_rd r = ab_rd_of(buf->p, buf->len);
  vr_end *to = vr_peer(from);
  uint8_t pb;

  ab_rd_u8(&r);
  pb = boundary(ab_rd_le16(&r));
  ab_buf_consume(buf, HEADER);
  write_header(buf, to->handle, pb == AB_HCI_PB_CONTINUING ? pb : AB_HCI_PB_FIRST, buf->len);
  buf->ctx = to;
  from->tx_done = 0;
  vr_ctrl_to_host(to->ctrl, buf);
}

bool vr_acl_waiting(const vr_link *l) {
  return !vr_enc_holds_data(l) && (!ab_list_empty(&l->end[0].tx) || !ab_list_empty(&l->end[1].tx));
}

static void lose_by_chance(vr_link *l) {
  if (!vr_chance(l->radio, l->radio->faults.link_loss_ppm))
    return;
  VR_FAULT(l->end[AB_HCI_ROLE_CENTRAL].ctrl, links_lost);
  vr_link_lose(l);
}

void vr_acl_pump(vr_link *l) {
  if (l->radio->timing || !l->up)
    return;
  while (!l->silent && vr_acl_waiting(l)) {
    lose_by_chance(l);
    for (int role = 0; role < 2 && !l->silent; role++)
      if (!ab_list_empty(&l->end[role].tx))
        pass(&l->end[role]);
  }
}

/* octets of the next link-layer packet of an end */
static uint32_t next_octets(const vr_end *e) {
  const ab_list *n = ab_list_first(&e->tx);
  uint32_t left = n ? ab_container_of(n, ab_buf, node)->len - HEADER - e->tx_done : 0;

  return left < e->lengths.tx_octets ? left : e->lengths.tx_octets;
}

/* preamble, access address, header, payload, CRC */
static uint32_t air_us(const vr_end *e, uint32_t octets) {
  uint32_t payload = octets && e->link->enc.on ? octets + MIC : octets;

  return e->tx_phy == 2 ? (11 + payload) * 4 : (10 + payload) * 8;
}

static void progress(vr_end *e, uint32_t octets) {
  const ab_list *n = ab_list_first(&e->tx);

  e->tx_done += octets;
  if (n && e->tx_done == ab_container_of(n, ab_buf, node)->len - HEADER)
    pass(e);
}

void vr_acl_event(vr_link *l) {
  uint32_t left_us = vr_interval_us(l) - IFS_US;

  if (vr_acl_waiting(l))
    lose_by_chance(l);
  for (int i = 0; i < l->radio->packets_per_event && !l->silent && vr_acl_waiting(l); i++) {
    uint32_t down = next_octets(&l->end[0]), up = next_octets(&l->end[1]);
    uint32_t us = air_us(&l->end[0], down) + air_us(&l->end[1], up) + 2 * IFS_US;

    if (us > left_us)
      return;
    left_us -= us;
    progress(&l->end[0], down);
    progress(&l->end[1], up);
  }
}

/* ---- to the host ---- */

bool vr_acl_is_data(const ab_buf *buf) {
  ab_rd r = ab_rd_of(buf->p, buf->len);

  return buf->ctx && ab_rd_u8(&r) == AIOBLE_H4_ACL;
}

static void completed(vr_end *sender) {
  if (sender->state != VR_END_UP)
    return;
  sender->completed++;
  if (!ab_list_linked(&sender->credit_node))
    ab_list_push(&sender->ctrl->credits, &sender->credit_node);
  vr_ctrl_wake(sender->ctrl);
}

static size_t piece_len(const vr_ctrl *c, size_t len) {
  if (c->options.rx_fragment && len > c->options.rx_fragment)
    len = c->options.rx_fragment;
  if (c->host_acl_len && len > c->host_acl_len)
    len = c->host_acl_len;
  return len;
}

bool vr_acl_host_has_room(const vr_ctrl *c) {
  return !c->host_flow || c->host_acl_room;
}

/* Each piece's header is written over the end of the piece before. */
void vr_acl_deliver(vr_ctrl *c, ab_buf *buf) {
  ab_rd r = ab_rd_of(buf->p, buf->len);
  vr_end *at = buf->ctx;
  uint16_t handle = at->handle;
  uint32_t epoch = c->epoch;
  uint8_t pb;

  ab_rd_u8(&r);
  pb = boundary(ab_rd_le16(&r));
  ab_buf_consume(buf, HEADER);
  while (buf->len && vr_ctrl_may_give(c) && vr_acl_host_has_room(c)) {
    size_t n = piece_len(c, buf->len);

    write_header(buf, handle, pb, n);
    pb = AB_HCI_PB_CONTINUING;
    c->stats.acl_out++;
    c->host_acl_room = (uint16_t) (c->host_acl_room - c->host_flow);
    vr_fault_give(c, buf->p, HEADER + n);
    ab_buf_consume(buf, HEADER + n);
    if (c->epoch != epoch) { /* the host has switched us off meanwhile */
      ab_buf_free(buf);
      return;
    }
  }
  if (buf->len) {
    write_header(buf, handle, pb, buf->len);
    vr_ctrl_give_back(c, buf);
    return;
  }
  completed(vr_peer(at));
  ab_buf_free(buf);
}

/* ---- credits ---- */

/* false: a fault has the event */
static bool credits_arrive(vr_ctrl *c) {
  if (!c->lose_credits && !vr_chance(c->radio, c->radio->faults.lost_credits_ppm))
    return true;
  VR_FAULT(c, lost_credits);
  return false;
}

/* takes up to COMPLETED_MAX ends off the list of those with something to report */
static uint8_t completed_write(vr_ctrl *c, ab_wr *w, bool arrives) {
  uint8_t count = 0;
  ab_list *n;

  while (count < COMPLETED_MAX && (n = ab_list_pop(&c->credits))) {
    vr_end *e = ab_container_of(n, vr_end, credit_node);

    ab_hci_completed_write(w, &(ab_hci_completed){.handle = e->handle, .count = e->completed});
    if (arrives) {
      e->outstanding = (uint16_t) (e->outstanding - e->completed);
      c->acl_outstanding = (uint16_t) (c->acl_outstanding - e->completed);
    }
    e->completed = 0;
    count++;
  }
  return count;
}

void vr_acl_report_completed(vr_ctrl *c) {
  uint8_t packet[4 + COMPLETED_MAX * ab_hci_completed_size];

  while (!ab_list_empty(&c->credits)) {
    ab_wr head = ab_wr_of(packet, HEADER_DATA);
    ab_wr w = ab_wr_of(packet + HEADER_DATA, sizeof packet - HEADER_DATA);
    bool arrives = credits_arrive(c);
    uint8_t count = completed_write(c, &w, arrives);

    ab_wr_u8(&head, AIOBLE_H4_EVENT);
    ab_wr_u8(&head, AB_HCI_EV_NUM_COMPLETED_PACKETS);
    ab_wr_u8(&head, (uint8_t) (1 + ab_wr_len(&w)));
    ab_wr_u8(&head, count);
    if (!arrives)
      continue;
    c->stats.events++;
    vr_fault_give(c, packet, HEADER_DATA + ab_wr_len(&w));
  }
}

/* ---- the host's own flow control ---- */

static uint8_t set_host_flow(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint8_t mode = ab_rd_u8(params);

  (void) ret;
  if (mode > 3)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (c->links)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->host_flow = mode & 1;
  return AB_HCI_OK;
}

static uint8_t host_buffer_size(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_host_buffer_size p;

  (void) ret;
  ab_hci_host_buffer_size_read(params, &p);
  if (!p.acl_len || !p.acl_count)
    return AB_HCI_ERR_INVALID_PARAMS;
  c->host_acl_len = p.acl_len;
  c->host_acl_count = c->host_acl_room = p.acl_count;
  return AB_HCI_OK;
}

/* no answer, unless it is wrong */
static uint8_t host_completed(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  uint8_t count = ab_rd_u8(params);
  uint32_t room = c->host_acl_room;
  ab_hci_completed p;

  (void) ret;
  if (ab_rd_left(params) != count * (size_t) ab_hci_completed_size)
    return AB_HCI_ERR_INVALID_PARAMS;
  while (ab_rd_left(params) && ab_hci_completed_read(params, &p))
    room += p.count;
  c->host_acl_room = room < c->host_acl_count ? (uint16_t) room : c->host_acl_count;
  vr_ctrl_unblock(c);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_SET_CONTROLLER_TO_HOST_FC, 1, 10, 5, VR_COMPLETE, VR_ALWAYS, 0, 0, set_host_flow},
    {AB_HCI_HOST_BUFFER_SIZE, 7, 10, 6, VR_COMPLETE, VR_ALWAYS, 0, 0, host_buffer_size},
    {AB_HCI_HOST_NUM_COMPLETED, VR_VARIABLE, 10, 7, VR_SILENT, VR_ALWAYS, 0, 0, host_completed},
};
const vr_command_table vr_acl_commands = {commands, sizeof commands / sizeof *commands};
