/* SPDX-License-Identifier: MIT */
/*
 * H4, the UART transport layer (Core Vol 4, Part A): a type octet, then an HCI packet whose header
 * says its length. Nothing is kept between calls but whether the step is lost, so packets may be
 * split anywhere.
 *
 * Losing the step. H4 has no checksum and no mark between packets: an octet too many or too few
 * makes data look like headers. It shows as a type that this side never sends, or as a length
 * above the limit.
 *
 *   Streams (sockets) do not lose octets, so such a stream was never H4: it is over.
 *
 *   Serial lines do (Vol 4, Part A, 4, "Error recovery"):
 *   1. AB_H4_BROKEN, once. The user of this file tells the host by a Hardware Error event, which is
 *      also what a controller says when it is the one that lost the step.
 *   2. The host sends HCI_Reset, as it does after any hardware error.
 *   3. Meanwhile every octet is dropped until the Command Complete of HCI_Reset is seen:
 *      04 0E 04 nn 03 0C 00. No header in between is believed: one that only looks right would
 *      hand noise to the host as data of some link.
 *   4. That event is the first packet again.
 */
#include "transport/h4.h"

enum { RESET_COMPLETE_LEN = 7 };

typedef struct shape {
  uint8_t before; /* octets between type and length */
  bool wide;      /* the length is two octets */
  uint16_t mask;  /* … of which these bits */
  bool sent[2];   /* by whom, indexed by ab_h4_from */
} shape;

static const shape *shape_of(ab_h4_from from, uint8_t type) {
  static const shape shapes[] = {
      [AIOBLE_H4_COMMAND] = {2, false, 0xff, {[AB_H4_FROM_HOST] = true}},
      [AIOBLE_H4_ACL] = {2, true, 0xffff, {true, true}},
      [AIOBLE_H4_SCO] = {2, false, 0xff, {true, true}},
      [AIOBLE_H4_EVENT] = {1, false, 0xff, {[AB_H4_FROM_CONTROLLER] = true}},
      [AIOBLE_H4_ISO] = {2, true, 0x3fff, {true, true}},
  };

  if (type >= sizeof shapes / sizeof *shapes || !shapes[type].sent[from])
    return NULL;
  return &shapes[type];
}

void ab_h4_init(ab_h4 *h4, ab_h4_from from, bool serial) {
  *h4 = (ab_h4){.from = from, .serial = serial};
}

/* Core Vol 4, Part E, 7.3.2 and 7.7.14; a copy of the cursor, so that nothing is consumed */
static bool is_reset_complete(ab_rd r) {
  uint8_t type = ab_rd_u8(&r);
  uint8_t event = ab_rd_u8(&r);
  uint8_t len = ab_rd_u8(&r);
  uint16_t opcode;
  uint8_t status;

  (void) ab_rd_u8(&r); /* any number of command credits */
  opcode = ab_rd_le16(&r);
  status = ab_rd_u8(&r);
  return ab_rd_ok(&r) && type == AIOBLE_H4_EVENT && event == 0x0e && len == 4 && opcode == 0x0c03 &&
         status == 0;
}

static bool search(ab_h4 *h4, ab_rd *in) {
  while (ab_rd_left(in) >= RESET_COMPLETE_LEN) {
    if (is_reset_complete(*in))
      return true;
    (void) ab_rd_take(in, 1);
    h4->dropped++;
  }
  return false;
}

/* the octet that was no beginning is dropped, so that the search never comes back to it */
static ab_h4_step lose_step(ab_h4 *h4, ab_rd *in) {
  h4->broken++;
  h4->searching = h4->serial;
  if (h4->serial) {
    (void) ab_rd_take(in, 1);
    h4->dropped++;
  }
  return AB_H4_BROKEN;
}

ab_h4_step ab_h4_next(ab_h4 *h4, ab_rd *in, aioble_bytes_t *packet) {
  const shape *known;
  size_t len;
  ab_rd r;

  if (h4->searching && !search(h4, in))
    return AB_H4_MORE;
  h4->searching = false;
  if (!ab_rd_left(in))
    return AB_H4_MORE;
  r = *in;
  known = shape_of(h4->from, ab_rd_u8(&r));
  if (!known)
    return lose_step(h4, in);
  (void) ab_rd_take(&r, known->before);
  len = known->wide ? ab_rd_le16(&r) & known->mask : ab_rd_u8(&r);
  if (!ab_rd_ok(&r))
    return AB_H4_MORE;
  len += (size_t) (r.p - in->p);
  if (len > (h4->serial ? AB_H4_SERIAL_MAX : AB_H4_MAX))
    return lose_step(h4, in);
  if (len > ab_rd_left(in))
    return AB_H4_MORE;
  packet->len = len;
  packet->data = ab_rd_take(in, len);
  return AB_H4_PACKET;
}
