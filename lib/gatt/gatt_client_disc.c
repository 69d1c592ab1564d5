/* SPDX-License-Identifier: MIT */
/*
 * Discovery (Core Vol 3, Part G, 4.4 to 4.7), and reading by type (4.8.2). All procedures go the
 * same way:
 *
 *   1. ask for what lies in [next, last]
 *   2. each response holds entries of one size; taken one by one, `next` moves behind each
 *   3. over when nothing fits in [next, last], or the server says Attribute Not Found; else 1.
 *
 * An entry that does not lie in [next, last] is AIOBLE_EPROTO, so a server cannot make it turn
 * round; and `next` is wide enough not to wrap behind 0xFFFF.
 *
 * Two kinds of entry are not complete:
 *
 *   an included service with a UUID of 128 bits: it is in the service's declaration, to be read
 *   the last characteristic of a response: its descriptors end where the next one begins. When all
 *     are wanted, that request has to be made anyway: it is made first, and spares one that would
 *     look for descriptors where there are none
 */
#include "gatt/gatt_client.h"

/* declarations, Core Vol 3, Part G, 3.1 to 3.3 */
enum {
  TYPE_PRIMARY_SERVICE = 0x2800,
  TYPE_SECONDARY_SERVICE = 0x2801,
  TYPE_INCLUDE = 0x2802,
  TYPE_CHARACTERISTIC = 0x2803,
};

typedef struct procedure {
  uint8_t request;
  uint16_t type;       /* of the attributes asked for; 0: none is said, or it is the UUID */
  bool says_uuid;      /* the UUID wanted is in the request */
  uint8_t short_entry; /* octets of an entry with a 16-bit UUID … */
  uint8_t long_entry;  /* … and a 128-bit one; 0: whatever is longer */
  uint8_t attributes;  /* that each thing asked for consists of, at least */
  /* octets of each entry, from what precedes them */
  uint8_t (*header)(const struct procedure *p, ab_rd *rsp);
  /* one entry: the last handle about which it says something; 0: it makes no sense */
  uint16_t (*entry)(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item);
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

static uint16_t entry_service(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  (void) disc;
  item->handle = ab_rd_le16(r);
  item->last = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
  return item->last;
}

static uint16_t entry_known_service(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  item->handle = ab_rd_le16(r);
  item->last = ab_rd_le16(r);
  item->uuid = disc->uuid;
  return item->last;
}

/* without its UUID unless that has 16 bits */
static uint16_t entry_include(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  (void) disc;
  item->handle = ab_rd_le16(r);
  item->value = ab_rd_le16(r);
  item->last = ab_rd_le16(r);
  if (ab_rd_left(r) > 0)
    item->uuid = rest_as_uuid(r);
  return item->value > 0 && item->value <= item->last ? item->handle : 0;
}

static uint16_t entry_char(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  ab_rd following = disc->rest;

  item->handle = ab_rd_le16(r);
  item->properties = ab_rd_u8(r);
  item->value = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
  item->last = ab_rd_left(&following) ? (uint16_t) (ab_rd_le16(&following) - 1) : disc->last;
  return item->value > item->handle && item->value <= item->last && item->last <= disc->last
             ? item->value
             : 0;
}

static uint16_t entry_desc(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  (void) disc;
  item->handle = item->last = ab_rd_le16(r);
  item->uuid = rest_as_uuid(r);
  return item->handle;
}

static uint16_t entry_value(const ab_gatt_disc *disc, ab_rd *r, ab_gatt_item *item) {
  item->handle = item->last = ab_rd_le16(r);
  item->data = ab_rd_slice(r, ab_rd_left(r));
  item->uuid = disc->uuid;
  return item->handle;
}

static const procedure procedures[] = {
    [AB_GATT_SERVICES] = {AB_ATT_READ_GROUP_REQ, TYPE_PRIMARY_SERVICE, false, 6, 20, 1,
                          header_length, entry_service},
    [AB_GATT_SERVICES_BY_UUID] = {AB_ATT_FIND_TYPE_REQ, TYPE_PRIMARY_SERVICE, true, 4, 4, 1,
                                  header_none, entry_known_service},
    [AB_GATT_SECONDARY] = {AB_ATT_READ_GROUP_REQ, TYPE_SECONDARY_SERVICE, false, 6, 20, 1,
                           header_length, entry_service},
    [AB_GATT_SECONDARY_BY_UUID] = {AB_ATT_FIND_TYPE_REQ, TYPE_SECONDARY_SERVICE, true, 4, 4, 1,
                                   header_none, entry_known_service},
    [AB_GATT_INCLUDES] = {AB_ATT_READ_TYPE_REQ, TYPE_INCLUDE, false, 8, 6, 1, header_length,
                          entry_include},
    [AB_GATT_CHARS] = {AB_ATT_READ_TYPE_REQ, TYPE_CHARACTERISTIC, false, 7, 21, 2, header_length,
                       entry_char},
    [AB_GATT_DESCS] = {AB_ATT_FIND_INFO_REQ, 0, false, 4, 18, 1, header_format, entry_desc},
    [AB_GATT_VALUES] = {AB_ATT_READ_TYPE_REQ, 0, true, 2, 0, 1, header_length, entry_value},
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
  disc->mtu = 0;
  disc->state = AB_GATT_GIVEN;
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

/* nothing more fits into what has not been seen */
static bool is_over(const ab_gatt_disc *disc) {
  return disc->next + procedures[disc->kind].attributes - 1u > disc->last;
}

static ab_gatt_disc_state lacks(const ab_gatt_disc *disc) {
  bool wants_all = !disc->uuid.size;

  if (!disc->found.uuid.size && (wants_all || disc->uuid.size == 16))
    return AB_GATT_LACKS_UUID;
  if (disc->kind == AB_GATT_CHARS && wants_all && ab_rd_left(&disc->rest) == 0 && !is_over(disc))
    return AB_GATT_LACKS_END;
  return AB_GATT_WHOLE;
}

/* The next entry is found, ascending, inside what was asked for; `next` moves behind it. False:
   there is none, or it ends here. */
static bool take(ab_gatt_disc *disc) {
  ab_rd entry;
  uint16_t reach;

  if (ab_rd_left(&disc->rest) == 0)
    return false;
  entry = ab_rd_slice(&disc->rest, disc->entry);
  disc->found = (ab_gatt_item){0};
  reach = procedures[disc->kind].entry(disc, &entry, &disc->found);
  if (!ab_rd_done(&entry) || disc->found.handle < disc->next || reach < disc->found.handle ||
      reach > disc->last) {
    (void) end(disc, AIOBLE_EPROTO);
    return false;
  }
  if (disc->kind == AB_GATT_DESCS && is_declaration(&disc->found.uuid)) {
    (void) end(disc, 0);
    return false;
  }
  disc->next = reach + 1u;
  disc->state = lacks(disc);
  return true;
}

int ab_gatt_disc_next(ab_gatt_disc *disc, ab_gatt_item *item) {
  while (disc->state != AB_GATT_GIVEN || take(disc)) {
    if (disc->state != AB_GATT_WHOLE)
      return AIOBLE_EAGAIN;
    disc->state = AB_GATT_GIVEN;
    *item = disc->found;
    if (!disc->uuid.size || aioble_uuid_equal(&item->uuid, &disc->uuid))
      return 1;
  }
  return is_over(disc) ? disc->status : AIOBLE_EAGAIN;
}

static bool entry_fits(const procedure *p, uint8_t entry) {
  return entry == p->short_entry ||
         (p->long_entry ? entry == p->long_entry : entry > p->short_entry);
}

static bool hold(ab_gatt_disc *disc, ab_rd *rsp) {
  const procedure *p = &procedures[disc->kind];
  ab_wr w = ab_wr_of(disc->held, sizeof disc->held);
  const uint8_t *entries;
  size_t len;

  disc->entry = p->header(p, rsp);
  entries = ab_rd_rest(rsp, &len);
  if (!entry_fits(p, disc->entry) || len == 0 || len % disc->entry != 0)
    return false;
  ab_wr_bytes(&w, entries, len);
  disc->rest = ab_rd_of(disc->held, ab_wr_len(&w));
  return ab_wr_ok(&w);
}

/* the characteristic found ends before what has come, if that makes sense */
static void end_found(ab_gatt_disc *disc) {
  ab_rd following = disc->rest;
  uint16_t handle = ab_rd_le16(&following);

  if (handle >= disc->next && handle <= disc->last)
    disc->found.last = (uint16_t) (handle - 1);
  disc->state = AB_GATT_WHOLE;
}

/* a server that knows no secondary services has none (Part F, 3.4.4.9) */
static bool says_that_was_all(const ab_gatt_disc *disc, int status) {
  return status == AIOBLE_ERR_ATT(AB_ATT_ERR_ATTRIBUTE_NOT_FOUND) ||
         (disc->kind == AB_GATT_SECONDARY &&
          status == AIOBLE_ERR_ATT(AB_ATT_ERR_UNSUPPORTED_GROUP_TYPE));
}

static void on_response(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_disc *disc = ab_container_of(req, ab_gatt_disc, req);

  if (says_that_was_all(disc, status))
    (void) end(disc, 0);
  else if (status != 0)
    (void) end(disc, status);
  else if (!hold(disc, pdu))
    (void) end(disc, AIOBLE_EPROTO);
  if (disc->state == AB_GATT_LACKS_END)
    end_found(disc);
  disc->fn(disc);
}

/* the declaration of an included service was read */
static void on_uuid(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_disc *disc = ab_container_of(req, ab_gatt_disc, req);

  disc->found.uuid = rest_as_uuid(pdu);
  if (status == 0 && disc->found.uuid.size != 2 && disc->found.uuid.size != 16)
    status = AIOBLE_EPROTO;
  disc->state = status == 0 ? AB_GATT_WHOLE : AB_GATT_GIVEN;
  if (status != 0)
    (void) end(disc, status);
  disc->fn(disc);
}

/* ---- asking ---- */

static ab_buf *request_pdu(const ab_gatt_disc *disc, ab_att *att) {
  const procedure *p = &procedures[disc->kind];
  ab_att_range range = {.first = (uint16_t) disc->next, .last = disc->last};
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, p->request, &w);

  if (!buf)
    return NULL;
  ab_att_range_write(&w, &range);
  if (p->type)
    ab_wr_le16(&w, p->type);
  if (p->says_uuid)
    ab_wr_bytes(&w, disc->uuid.bytes, disc->uuid.size);
  ab_buf_wrote(buf, &w);
  return buf;
}

static ab_buf *read_pdu(const ab_gatt_disc *disc, ab_att *att) {
  ab_att_handle declaration = {.handle = disc->found.value};
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, AB_ATT_READ_REQ, &w);

  if (buf) {
    ab_att_handle_write(&w, &declaration);
    ab_buf_wrote(buf, &w);
  }
  return buf;
}

void ab_gatt_disc_fetch(ab_gatt_disc *disc, ab_gatt_disc_fn *fn) {
  ab_att *att = ab_att_pick(disc->att);

  disc->fn = fn;
  disc->mtu = att->mtu;
  if (disc->state == AB_GATT_LACKS_UUID)
    ab_att_request(att, &disc->req, read_pdu(disc, att), on_uuid);
  else
    ab_att_request(att, &disc->req, request_pdu(disc, att), on_response);
}

void ab_gatt_disc_stop(ab_gatt_disc *disc) {
  ab_att_detach(&disc->req);
}
