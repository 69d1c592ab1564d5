/* SPDX-License-Identifier: MIT */
/*
 * Links, and ACL data on its way out (Core Vol 4, Part E, 4.1.1, 5.4.2, 7.7.19; fragmentation Vol
 * 3, Part A, 7.2).
 *
 * Each link queues whole L2CAP PDUs. Links that have something to send and may send stand in a
 * ring; each in turn sends one fragment, as long as the controller has buffers. One link holds at
 * most its share of them: all but one for each other open link, but no less than half. So a peer
 * out of range, whose packets the controller keeps, does not silence the rest. A fragment's headers
 * are written right in front of it, over bytes that have been sent; then the packet goes down,
 * which copies it, and those bytes come back: the PDU may be sent again (ab_buf_rewind()).
 */
#include "hci/hci_priv.h"

enum { ACL_HEADER = 5 /* with the H4 type */, RX_LIMIT = 4 + 4096 /* L2CAP header, payload */ };

/* ---- links ---- */

ab_hci_link *ab_hci_link_find(const ab_hci *hci, uint16_t handle) {
  const ab_hci_link_page *page;

  if (handle > AB_HCI_HANDLE_MAX)
    return NULL;
  page = hci->pages[handle / AB_HCI_PAGE];
  return page ? page->link[handle % AB_HCI_PAGE] : NULL;
}

static void share_out(ab_hci *hci) {
  unsigned count = hci->info.acl_count;
  unsigned others = hci->links ? hci->links - 1 : 0;
  unsigned half = (count + 1) / 2;

  hci->share = count > others + half ? count - others : half;
}

void ab_hci_acl_ready(ab_hci *hci) {
  hci->acl_credits = hci->info.acl_count;
  share_out(hci);
}

int ab_hci_link_open(ab_hci *hci, ab_hci_link *link, uint16_t handle, ab_hci_frame_fn *on_frame) {
  ab_hci_link_page **page;

  if (hci->state != AB_HCI_READY)
    return AIOBLE_ENODEV;
  if (handle > AB_HCI_HANDLE_MAX)
    return AIOBLE_EINVAL;
  if (ab_hci_link_find(hci, handle))
    return AIOBLE_EEXIST;
  page = &hci->pages[handle / AB_HCI_PAGE];
  if (!*page && !(*page = ab_zalloc(hci->env, sizeof **page)))
    return AIOBLE_ENOMEM;
  *link = (ab_hci_link){.on_frame = on_frame, .rx_limit = RX_LIMIT, .handle = handle, .open = true};
  ab_list_init(&link->node);
  ab_list_init(&link->tx);
  (*page)->link[handle % AB_HCI_PAGE] = link;
  hci->links++;
  share_out(hci);
  return 0;
}

/* the link is nobody's any more when the buffers call back */
static void forget(ab_hci *hci, ab_hci_link *link, int status) {
  ab_list queue, *n;

  hci->pages[link->handle / AB_HCI_PAGE]->link[link->handle % AB_HCI_PAGE] = NULL;
  hci->links--;
  hci->acl_credits += link->in_flight;
  share_out(hci);
  link->open = false;
  link->in_flight = link->unacked = 0;
  link->tx_queued = 0;
  ab_buf_free(link->rx);
  link->rx = NULL;
  ab_list_remove(&link->node);
  ab_list_take_all(&queue, &link->tx);
  while ((n = ab_list_pop(&queue)))
    ab_buf_finish(ab_container_of(n, ab_buf, node), status);
}

void ab_hci_link_close(ab_hci *hci, ab_hci_link *link, int status) {
  if (!link->open)
    return;
  ab_hci_enter(hci);
  forget(hci, link, status);
  ab_hci_acl_pump(hci);
  ab_hci_leave(hci);
}

void ab_hci_acl_end(ab_hci *hci, int status) {
  for (uint16_t handle = 0; hci->links && handle <= AB_HCI_HANDLE_MAX; handle++) {
    ab_hci_link *link = ab_hci_link_find(hci, handle);

    if (link)
      forget(hci, link, status);
  }
}

void ab_hci_acl_free(ab_hci *hci) {
  for (size_t i = 0; i < AB_HCI_PAGE; i++)
    ab_free(hci->env, hci->pages[i]);
}

/* ---- out ---- */

/* into the ring, or out of it, as the link has something it may send */
static void enlist(ab_hci *hci, ab_hci_link *link) {
  ab_list_remove(&link->node);
  if (!ab_list_empty(&link->tx) && link->in_flight < hci->share)
    ab_list_push(&hci->ring, &link->node);
}

/* the next n bytes of it as a packet; what its header lies on comes back */
static int give_fragment(ab_hci *hci, const ab_hci_link *link, ab_buf *buf, uint32_t n) {
  unsigned boundary = link->tx_partial ? AB_HCI_PB_CONTINUING : AB_HCI_PB_FIRST_NO_FLUSH;
  ab_wr w = ab_buf_prepend(buf, ACL_HEADER), back = w;
  ab_rd r = ab_rd_of(buf->p, ACL_HEADER);
  uint8_t under[ACL_HEADER];
  int err;

  if (link->tx_partial)
    ab_rd_copy(&r, under, sizeof under);
  ab_wr_u8(&w, AIOBLE_H4_ACL);
  ab_wr_le16(&w, (uint16_t) (link->handle | boundary << 12));
  ab_wr_le16(&w, (uint16_t) n);
  err = hci->down.send(hci->down.ctx, buf->p, ACL_HEADER + n);
  if (link->tx_partial)
    ab_wr_bytes(&back, under, sizeof under);
  ab_buf_consume(buf, ACL_HEADER);
  return err;
}

/* the link's next fragment; false: the transport takes no more. The link may be gone after it. */
static bool send_fragment(ab_hci *hci, ab_hci_link *link) {
  ab_buf *buf = ab_container_of(ab_list_first(&link->tx), ab_buf, node);
  uint32_t n = buf->len < hci->info.acl_len ? buf->len : hci->info.acl_len;

  if (give_fragment(hci, link, buf, n) < 0)
    return false;
  ab_buf_consume(buf, n);
  hci->stats.acl_out++;
  hci->acl_credits--;
  link->in_flight++;
  link->tx_queued -= n;
  link->tx_partial = buf->len > 0;
  if (!link->tx_partial)
    ab_list_remove(&buf->node);
  enlist(hci, link);
  if (buf->len == 0)
    ab_buf_finish(buf, 0);
  return true;
}

/* not from inside itself: a buffer's done may send, the loop here goes on with that */
void ab_hci_acl_pump(ab_hci *hci) {
  ab_list *n;

  if (hci->pumping)
    return;
  hci->pumping = true;
  while ((n = ab_list_first(&hci->ring)) && hci->acl_credits && !hci->blocked &&
         hci->state == AB_HCI_READY) {
    ab_hci_link *link = ab_container_of(n, ab_hci_link, node);

    if (link->in_flight >= hci->share)
      ab_list_remove(n); /* the share shrank meanwhile */
    else
      hci->blocked = !send_fragment(hci, link);
  }
  hci->pumping = false;
}

void ab_hci_link_send(ab_hci *hci, ab_hci_link *link, ab_buf *frame) {
  bool idle;

  if (!link->open || hci->state != AB_HCI_READY) {
    ab_buf_finish(frame, AIOBLE_ENOTCONN);
    return;
  }
  ab_hci_enter(hci);
  idle = ab_list_empty(&link->tx);
  ab_list_push(&link->tx, &frame->node);
  link->tx_queued += frame->len;
  if (idle)
    enlist(hci, link);
  ab_hci_acl_pump(hci);
  ab_hci_leave(hci);
}

/* ---- credits ---- */

void ab_hci_link_await_ack(ab_hci_link *link, void (*fn)(ab_hci_link *link)) {
  link->unacked = link->in_flight;
  link->on_acked = fn;
  if (!link->unacked)
    fn(link);
}

/* they complete in the order in which they were sent */
static void acked(ab_hci_link *link, uint16_t count) {
  if (!link->unacked)
    return;
  link->unacked = (uint16_t) (count < link->unacked ? link->unacked - count : 0);
  if (!link->unacked)
    link->on_acked(link);
}

static void completed(ab_hci *hci, const ab_hci_completed *done) {
  ab_hci_link *link = ab_hci_link_find(hci, done->handle);
  uint16_t count = done->count;

  if (!link) {
    hci->stats.unknown_link++;
    return;
  }
  if (count > link->in_flight) {
    hci->stats.credits++;
    count = link->in_flight;
  }
  link->in_flight = (uint16_t) (link->in_flight - count);
  hci->acl_credits += count;
  if (!ab_list_linked(&link->node))
    enlist(hci, link);
  acked(link, count);
}

void ab_hci_on_completed_packets(void *ctx, ab_rd *params) {
  ab_hci *hci = ctx;
  unsigned count = ab_rd_u8(params);
  ab_hci_completed done;

  while (count && ab_hci_completed_read(params, &done)) {
    completed(hci, &done);
    count--;
  }
  if (!ab_rd_done(params))
    hci->stats.malformed++;
  ab_hci_acl_pump(hci);
}

/* Our credits and the controller's do not agree. It dropped data; which, it does not say. */
void ab_hci_on_overflow(void *ctx, ab_rd *params) {
  ab_hci *hci = ctx;

  (void) params;
  hci->stats.credits++;
  ab_log(hci->env, AB_LOG_WARN, "hci: the controller reports a data buffer overflow");
}
