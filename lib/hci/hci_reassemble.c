/* SPDX-License-Identifier: MIT */
/*
 * ACL data on its way in (Core Vol 4, Part E, 5.4.2; Vol 3, Part A, 7.2).
 *
 * A PDU's L2CAP header says where it ends. A PDU in one fragment is passed on where it lies; others
 * are put together in a buffer, up to the link's rx_limit. Of a longer one the header alone is
 * passed on, so that its channel learns of it.
 *
 *   NO PDU -start, all of it-> deliver -> NO PDU
 *   NO PDU -start-> OPEN -continuation-> OPEN | deliver -> NO PDU
 *   OPEN -start-> the old one is dropped, as from NO PDU;  NO PDU -continuation-> dropped
 *
 * One that is dropped for lack of memory was a good one: what is above relies on getting
 * everything, so it gets nothing more, and the link's owner is told.
 */
#include "hci/hci_priv.h"

enum {
  L2CAP_HEADER = 4,
  SHORT = 32, /* what the Security Manager distributes, 21 octets, is not longer */
};

static void drop(ab_hci *hci, ab_hci_link *link) {
  hci->stats.reassembly++;
  ab_buf_free(link->rx);
  link->rx = NULL;
}

/* the link may be gone after it */
static void lose(ab_hci *hci, ab_hci_link *link) {
  drop(hci, link);
  link->deaf = true;
  link->on_frame(link, NULL, 0);
}

static void pass_on(ab_hci_link *link) {
  ab_buf *frame = link->rx;

  link->rx = NULL;
  link->on_frame(link, frame->p, frame->len);
  ab_buf_free(frame);
}

static inline void append(ab_buf *buf, ab_rd *r, size_t n) {
  ab_wr w = ab_buf_writer(buf);
  const uint8_t *data = ab_rd_take(r, n);

  ab_wr_bytes(&w, data, n);
  ab_buf_wrote(buf, &w);
}

/* room for all of the open PDU; false: out of memory */
static bool make_room(ab_hci *hci, ab_hci_link *link) {
  ab_wr w = ab_buf_writer(link->rx);
  ab_rd so_far = ab_rd_of(link->rx->p, link->rx->len);
  ab_buf *buf;

  if (ab_wr_room(&w) >= link->rx_want - link->rx->len)
    return true;
  buf = ab_buf_new(hci->bufs, link->rx_want);
  if (!buf)
    return false;
  append(buf, &so_far, ab_rd_left(&so_far));
  ab_buf_free(link->rx);
  link->rx = buf;
  return true;
}

/* The header may come octet by octet (Vol 3, Part A, 1.4, "start fragment"). False: it is not there
   yet, or the PDU is too long, or cannot be had; the link may be gone then. */
static bool learn_length(ab_hci *hci, ab_hci_link *link, ab_rd *r) {
  size_t missing = L2CAP_HEADER - link->rx->len;
  ab_rd head;
  uint32_t want;

  append(link->rx, r, ab_rd_left(r) < missing ? ab_rd_left(r) : missing);
  if (link->rx->len < L2CAP_HEADER)
    return false;
  head = ab_rd_of(link->rx->p, link->rx->len);
  want = ab_rd_le16(&head) + (uint32_t) L2CAP_HEADER;
  if (want > link->rx_limit) {
    hci->stats.reassembly++;
    pass_on(link);
    return false;
  }
  link->rx_want = want;
  link->rx->secret = want <= SHORT;
  if (make_room(hci, link))
    return true;
  lose(hci, link);
  return false;
}

/* one more fragment of the open PDU */
static void gather(ab_hci *hci, ab_hci_link *link, ab_rd *r) {
  if (!link->rx_want && !learn_length(hci, link, r))
    return;
  if (ab_rd_left(r) > link->rx_want - link->rx->len) {
    drop(hci, link);
    return;
  }
  append(link->rx, r, ab_rd_left(r));
  if (link->rx->len == link->rx_want)
    pass_on(link);
}

static void start(ab_hci *hci, ab_hci_link *link, ab_rd *r) {
  size_t len = ab_rd_left(r);
  ab_rd head = *r;
  size_t want = ab_rd_le16(&head) + (size_t) L2CAP_HEADER;

  if (link->rx)
    drop(hci, link);
  if (ab_rd_ok(&head) && want == len) {
    link->on_frame(link, ab_rd_take(r, len), len);
    return;
  }
  link->rx_want = 0;
  link->rx = ab_buf_new(hci->bufs, want > link->rx_limit ? 0 : want);
  if (link->rx)
    gather(hci, link, r);
  else
    lose(hci, link);
}

void ab_hci_acl_rx(ab_hci *hci, ab_rd *packet) {
  uint16_t handle = ab_rd_le16(packet);
  uint16_t len = ab_rd_le16(packet);
  unsigned boundary = handle >> 12 & 3;
  ab_hci_link *link = ab_hci_link_find(hci, handle & AB_HCI_HANDLE_MASK);

  if (!ab_rd_ok(packet) || ab_rd_left(packet) != len) {
    hci->stats.malformed++;
    return;
  }
  hci->stats.acl_in++;
  if (!link)
    hci->stats.unknown_link++;
  else if (link->deaf)
    return;
  else if (boundary == AB_HCI_PB_FIRST || boundary == AB_HCI_PB_FIRST_NO_FLUSH)
    start(hci, link, packet);
  else if (boundary == AB_HCI_PB_CONTINUING && link->rx)
    gather(hci, link, packet);
  else
    drop(hci, link);
}
