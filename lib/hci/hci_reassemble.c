/* SPDX-License-Identifier: MIT */
/*
 * ACL data on its way in (Core Vol 4, Part E, 5.4.2; Vol 3, Part A, 7.2).
 *
 * The L2CAP length of a PDU's first fragment says where it ends. A PDU in one fragment is
 * passed on where it lies; others are put together in a buffer, up to the link's rx_limit.
 *
 *   NO PDU -start, all of it-> deliver -> NO PDU
 *   NO PDU -start-> OPEN -continuation-> OPEN | deliver -> NO PDU
 *   OPEN -start-> the old one is dropped, as from NO PDU;  NO PDU -continuation-> dropped
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

static void append(ab_buf *buf, ab_rd *r, size_t n) {
  ab_wr w = ab_buf_writer(buf);
  const uint8_t *data = ab_rd_take(r, n);

  ab_wr_bytes(&w, data, n);
  ab_buf_wrote(buf, &w);
}

/* a larger buffer for the open PDU, of which there are two octets; false: out of memory */
static bool grow(ab_hci *hci, ab_hci_link *link, size_t room) {
  ab_rd so_far = ab_rd_of(link->rx->p, link->rx->len);
  ab_buf *buf = ab_buf_new(hci->bufs, room);

  if (!buf)
    return false;
  append(buf, &so_far, ab_rd_left(&so_far));
  ab_buf_free(link->rx);
  link->rx = buf;
  return true;
}

/* The PDU's length is its first two octets, and those may come one by one (Vol 3, Part A, 1.4,
   "start fragment"). False: the PDU cannot be had. */
static bool learn_length(ab_hci *hci, ab_hci_link *link, ab_rd *r) {
  size_t missing = 2 - link->rx->len;
  ab_rd head;

  append(link->rx, r, ab_rd_left(r) < missing ? ab_rd_left(r) : missing);
  if (link->rx->len < 2)
    return true;
  head = ab_rd_of(link->rx->p, link->rx->len);
  link->rx_want = ab_rd_le16(&head) + (uint32_t) L2CAP_HEADER;
  if (link->rx_want > link->rx_limit)
    return false;
  link->rx->secret = link->rx_want <= SHORT;
  return link->rx_want <= AB_BUF_ROOM || grow(hci, link, link->rx_want);
}

/* one more fragment of the open PDU */
static void gather(ab_hci *hci, ab_hci_link *link, ab_rd *r) {
  ab_buf *whole;

  if (!link->rx_want && !learn_length(hci, link, r)) {
    drop(hci, link);
    return;
  }
  if (!link->rx_want)
    return;
  if (ab_rd_left(r) > link->rx_want - link->rx->len) {
    drop(hci, link);
    return;
  }
  append(link->rx, r, ab_rd_left(r));
  if (link->rx->len < link->rx_want)
    return;
  whole = link->rx;
  link->rx = NULL;
  link->on_frame(link, whole->p, whole->len);
  ab_buf_free(whole);
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
  link->rx = ab_buf_new(hci->bufs, 0);
  if (link->rx)
    gather(hci, link, r);
  else
    drop(hci, link);
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
  else if (boundary == AB_HCI_PB_FIRST || boundary == AB_HCI_PB_FIRST_NO_FLUSH)
    start(hci, link, packet);
  else if (boundary == AB_HCI_PB_CONTINUING && link->rx)
    gather(hci, link, packet);
  else
    drop(hci, link);
}
