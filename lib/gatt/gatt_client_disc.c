/* SPDX-License-Identifier: MIT */
/*
 * Discovery (Core Vol 3, Part G, 4.4, 4.6, 4.7). All four procedures go the same way:
 *
 *   1. ask for what lies in [next, last]
 *   2. each response holds entries of one size; taken one by one, `next` moves behind each
 *   3. over when `next` is beyond `last`, or the server says Attribute Not Found; else 1.
 *
 * An entry that does not lie in [next, last] is AIOBLE_EPROTO, so a server cannot make it turn
 * round; and `next` is wide enough not to wrap behind 0xFFFF.
 */
#include "gatt/gatt_client.h"

/* declarations, Core Vol 3, Part G, 3.1 to 3.3 */
enum {
  TYPE_PRIMARY_SERVICE = 0x2800,
  TYPE_CHARACTERISTIC = 0x2803,
};

typedef struct procedure {
  uint8_t request;
  uint16_t type;                   /* of the attributes asked for; 0: not part of the request */
  uint8_t short_entry, long_entry; /* octets of an entry with a 16-bit and a 128-bit UUID */
  /* octets of each entry, from what precedes them */
  uint8_t (*header)(const struct procedure *p, ab_rd *rsp);
  /* one entry; what it says about handles is checked by the caller */
  void (*entry)(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item);
} procedure;

static aioble_uuid_t rest_as_uuid(ab_rd *r) {
  aioble_uuid_t uuid = {0};
  size_t len;
  const uint8_t *bytes = ab_rd_rest(r, &len);

  (void) aioble_uuid_from_bytes(&uuid, bytes, len);
  return uuid;
}

static uint8_t header_length(const procedure *p, ab_rd *rsp) {
  (void) p;
  return ab_rd_u8(rsp);
}

/* Find Information says a format, 1 or 2 (Part F, 3.4.3.2) */
static uint8_t header_format(const procedure *p, ab_rd *rsp) {
  uint8_t format = ab_rd_u8(rsp);

  return format == 1 ? p->short_entry : format == 2 ? p->long_entry : 0;
}

static uint8_t header_none(const procedure *p, ab_rd *rsp) {
  (void) rsp;
  return p->short_entry;
}

static void entry_service(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  (void) disc;
  item->handle = ab_rd_le16(r);
  item->last = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
}

static void entry_known_service(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  item->handle = ab_rd_le16(r);
  item->last = ab_rd_le16(r);
  item->uuid = disc->uuid;
}

static void entry_char(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  ab_rd following = disc->rest;

  item->handle = ab_rd_le16(r);
  item->properties = ab_rd_u8(r);
  item->value = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
  item->last = ab_rd_left(&following) ? (uint16_t) (ab_rd_le16(&following) - 1) : disc->last;
}

static void entry_desc(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  (void) disc;
  item->handle = item->last = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
}

static const procedure procedures[] = {
    [AB_GATT_SERVICES] = {AB_ATT_READ_GROUP_REQ, TYPE_PRIMARY_SERVICE, 6, 20, header_length,
                          entry_service},
    [AB_GATT_SERVICES_BY_UUID] = {AB_ATT_FIND_TYPE_REQ, TYPE_PRIMARY_SERVICE, 4, 4, header_none,
                                  entry_known_service},
    [AB_GATT_CHARS] = {AB_ATT_READ_TYPE_REQ, TYPE_CHARACTERISTIC, 7, 21, header_length, entry_char},
    [AB_GATT_DESCS] = {AB_ATT_FIND_INFO_REQ, 0, 4, 18, header_format, entry_desc},
};

/* As servers hold it: 16 bits where it is over the Base UUID and fits, else 128. */
static aioble_uuid_t as_on_the_wire(const aioble_uuid_t *uuid) {
  aioble_uuid_t wide = aioble_uuid_to128(uuid), narrow;
  ab_rd r = ab_rd_of(wide.bytes, sizeof wide.bytes);

  (void) ab_rd_take(&r, 12);
  narrow = aioble_uuid16(ab_rd_le16(&r));
  return aioble_uuid_equal(&narrow, uuid) ? narrow : wide;
}

static int end(ab_gatt_disc *disc, int status) {
  disc->rest = ab_rd_of(NULL, 0);
  disc->next = 0x10000;
  disc->status = status;
  return status;
}

void ab_gatt_disc_init(ab_gatt_disc *disc, ab_att *att, ab_gatt_disc_kind kind, uint32_t first,
                       uint16_t last, const aioble_uuid_t *uuid) {
  memset(&disc->req, 0, sizeof disc->req);
  disc->att = att;
  disc->fn = NULL;
  disc->kind = kind;
  disc->next = first;
  disc->last = last;
  disc->status = 0;
  disc->uuid = uuid ? as_on_the_wire(uuid) : (aioble_uuid_t){0};
  disc->entry = 0;
  disc->rest = ab_rd_of(NULL, 0);
  if (uuid && !disc->uuid.size)
    (void) end(disc, AIOBLE_EINVAL);
}

/* ---- what came ---- */

/* a declaration: what follows the last descriptor of a characteristic */
static bool is_declaration(const aioble_uuid_t *uuid) {
  ab_rd r = ab_rd_of(uuid->bytes, uuid->size);
  uint16_t type = ab_rd_le16(&r);

  return uuid->size == 2 && type >= TYPE_PRIMARY_SERVICE && type <= TYPE_CHARACTERISTIC;
}

/* The handles it may have: ascending, inside what was asked for; `next` moves behind it. */
static bool lies_ahead(ab_gatt_disc *disc, const ab_gatt_item *item) {
  uint16_t reach = disc->kind == AB_GATT_CHARS ? item->value : item->last;

  if (item->handle < disc->next || item->handle > disc->last || reach > item->last ||
      item->last > disc->last || reach < item->handle + (disc->kind == AB_GATT_CHARS))
    return false;
  disc->next = reach + 1u;
  return true;
}

int ab_gatt_disc_next(ab_gatt_disc *disc, ab_gatt_item *item) {
  const procedure *p = &procedures[disc->kind];

  while (ab_rd_left(&disc->rest) > 0) {
    ab_rd entry = ab_rd_slice(&disc->rest, disc->entry);

    *item = (ab_gatt_item){0};
    p->entry(disc, &entry, item);
    if (!ab_rd_done(&entry) || !lies_ahead(disc, item))
      return end(disc, AIOBLE_EPROTO);
    if (disc->kind == AB_GATT_DESCS && is_declaration(&item->uuid))
      return end(disc, 0);
    if (!disc->uuid.size || aioble_uuid_equal(&item->uuid, &disc->uuid))
      return 1;
  }
  return disc->next > disc->last ? disc->status : AIOBLE_EAGAIN;
}

static bool hold(ab_gatt_disc *disc, ab_rd *rsp) {
  const procedure *p = &procedures[disc->kind];
  ab_wr w = ab_wr_of(disc->held, sizeof disc->held);
  const uint8_t *entries;
  size_t len;

  disc->entry = p->header(p, rsp);
  entries = ab_rd_rest(rsp, &len);
  if ((disc->entry != p->short_entry && disc->entry != p->long_entry) || len == 0 ||
      len % disc->entry != 0)
    return false;
  ab_wr_bytes(&w, entries, len);
  disc->rest = ab_rd_of(disc->held, ab_wr_len(&w));
  return ab_wr_ok(&w);
}

static void on_response(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_disc *disc = ab_container_of(req, ab_gatt_disc, req);

  if (status == AIOBLE_ERR_ATT(AB_ATT_ERR_ATTRIBUTE_NOT_FOUND))
    (void) end(disc, 0);
  else if (status != 0)
    (void) end(disc, status);
  else if (!hold(disc, pdu))
    (void) end(disc, AIOBLE_EPROTO);
  disc->fn(disc);
}

/* ---- asking ---- */

static ab_buf *request_pdu(const ab_gatt_disc *disc) {
  const procedure *p = &procedures[disc->kind];
  ab_att_range range = {.first = (uint16_t) disc->next, .last = disc->last};
  ab_wr w;
  ab_buf *buf = ab_att_pdu(disc->att, p->request, &w);

  if (!buf)
    return NULL;
  ab_att_range_write(&w, &range);
  if (p->type)
    ab_wr_le16(&w, p->type);
  if (p->request == AB_ATT_FIND_TYPE_REQ)
    ab_wr_bytes(&w, disc->uuid.bytes, disc->uuid.size);
  ab_buf_wrote(buf, &w);
  return buf;
}

void ab_gatt_disc_fetch(ab_gatt_disc *disc, ab_gatt_disc_fn *fn) {
  disc->fn = fn;
  ab_att_request(disc->att, &disc->req, request_pdu(disc), on_response);
}

void ab_gatt_disc_stop(ab_gatt_disc *disc) {
  ab_att_detach(&disc->req);
}
