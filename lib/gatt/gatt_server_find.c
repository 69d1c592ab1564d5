/* SPDX-License-Identifier: MIT */
/*
 * Requests over a range of handles: discovery (Core Vol 3, Part F, 3.4.3, 3.4.4.1, 3.4.4.9; Part G,
 * 4.4 to 4.7). All go the same way:
 *
 *   1. the PDU has the right length, or Invalid PDU; the range is one, or Invalid Handle
 *   2. entries are written in order of handles, until one does not fit or is of another length
 *   3. no entry at all: Attribute Not Found; the handle in error is the first of the range
 */
#include "gatt/gatt_server_priv.h"

enum { ENTRY_MAX = 255 }; /* the length of an entry is told in one octet */

/* step 1, once the whole PDU has been read */
static int check_range(ab_gatt_request *rq, const ab_att_range *range) {
  if (!ab_rd_done(rq->pdu))
    return AB_ATT_ERR_INVALID_PDU;
  rq->handle = range->first;
  return range->first && range->first <= range->last ? 0 : AB_ATT_ERR_INVALID_HANDLE;
}

/* a range, then a type of 16 or 128 bits up to the end */
static int read_range_and_type(ab_gatt_request *rq, ab_att_range *range, aioble_uuid_t *type) {
  const uint8_t *bytes;
  size_t len;

  ab_att_range_read(rq->pdu, range);
  bytes = ab_rd_rest(rq->pdu, &len);
  if (len == 4 || aioble_uuid_from_bytes(type, bytes, len) < 0)
    return AB_ATT_ERR_INVALID_PDU;
  *type = ab_gatt_uuid(type);
  return check_range(rq, range);
}

static bool is_type(const aioble_uuid_t *type, uint16_t number) {
  return aioble_uuid_equal(type, &AIOBLE_UUID16(number));
}

/* 3.4.3.1 */
int ab_gatt_on_find_info(ab_gatt_request *rq) {
  enum { FORMAT_16 = 1, FORMAT_128 = 2 };
  const ab_gatt_attr *attr;
  ab_att_range range;
  aioble_uuid_t type;
  size_t size = 0;
  int code;

  ab_att_range_read(rq->pdu, &range);
  if ((code = check_range(rq, &range)))
    return code;
  for (uint32_t h = range.first; h <= range.last && h <= rq->db->n; h++) {
    if (!(attr = ab_gatt_db_attr(rq->db, h)))
      continue;
    type = ab_gatt_attr_type(attr);
    if (!size) {
      size = type.size;
      ab_wr_u8(rq->rsp, size == 2 ? FORMAT_16 : FORMAT_128);
    }
    if (type.size != size || ab_wr_room(rq->rsp) < 2 + size)
      break;
    ab_wr_le16(rq->rsp, (uint16_t) h);
    ab_wr_bytes(rq->rsp, type.bytes, size);
  }
  return size ? 0 : AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* An attribute that may not be read is none that has the value. 0, or AB_ATT_LATER. */
static int has_value(ab_gatt_request *rq, uint16_t handle, const uint8_t *data, size_t len,
                     bool *has) {
  uint16_t first = rq->handle;
  ab_gatt_view view;
  int code = ab_gatt_view_attr(rq, handle, &view);

  rq->handle = first;
  *has = code == 0 && view.len == len && (!len || !memcmp(view.data, data, len));
  return code == AB_ATT_LATER ? code : 0;
}

/* 3.4.3.3: the handle of each attribute with that type and value, and where its group ends */
int ab_gatt_on_find_by_type_value(ab_gatt_request *rq) {
  enum { OPCODE = 1, ENTRY = 4 };
  const ab_gatt_attr *attr;
  const uint8_t *value;
  ab_att_find_type find;
  aioble_uuid_t type;
  bool has;
  size_t len;
  int code;

  ab_att_find_type_read(rq->pdu, &find);
  value = ab_rd_rest(rq->pdu, &len);
  if ((code = check_range(rq, &(ab_att_range){find.first, find.last})))
    return code;
  type = aioble_uuid16(find.type);
  if (!rq->next)
    rq->next = find.first;
  for (; (attr = ab_gatt_db_find(rq->db, rq->next, find.last, &type)); rq->next = attr->end + 1u) {
    uint16_t handle = ab_gatt_db_handle(rq->db, attr);

    if (ab_wr_room(rq->rsp) < ENTRY)
      break;
    if ((code = has_value(rq, handle, value, len, &has)))
      return code;
    if (!has)
      continue;
    ab_wr_le16(rq->rsp, handle);
    ab_wr_le16(rq->rsp, attr->end);
  }
  return ab_wr_len(rq->rsp) > OPCODE ? 0 : AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* the first value says how long all are; one that does not fit is cut */
static void begin_entries(ab_gatt_request *rq, size_t len) {
  size_t entry = ab_wr_room(rq->rsp) - 1;

  entry = entry < ENTRY_MAX ? entry : ENTRY_MAX;
  rq->entry = (uint16_t) (entry < 2 + len ? entry : 2 + len);
  rq->len = len;
  ab_wr_u8(rq->rsp, (uint8_t) rq->entry);
}

/* 3.4.4.1: handle and value of each. An error of the first is the answer, of a later one the end.
 */
int ab_gatt_on_read_by_type(ab_gatt_request *rq) {
  const ab_gatt_attr *attr;
  ab_att_range range;
  ab_gatt_view view;
  aioble_uuid_t type;
  int code;

  if ((code = read_range_and_type(rq, &range, &type)))
    return code;
  if (!rq->next)
    rq->next = range.first;
  for (; (attr = ab_gatt_db_find(rq->db, rq->next, range.last, &type)); rq->next++) {
    rq->next = ab_gatt_db_handle(rq->db, attr);
    if (rq->entry && ab_wr_room(rq->rsp) < rq->entry)
      break;
    if ((code = ab_gatt_view_attr(rq, (uint16_t) rq->next, &view)))
      return code == AB_ATT_LATER || !rq->entry ? code : 0;
    if (!rq->entry)
      begin_entries(rq, view.len);
    if (view.len != rq->len)
      break;
    ab_wr_le16(rq->rsp, (uint16_t) rq->next);
    ab_wr_bytes(rq->rsp, view.data, rq->entry - 2u);
  }
  return rq->entry ? 0 : AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}

/* 3.4.4.9: services only (Part G, 2.5.3), with the end of each */
int ab_gatt_on_read_by_group(ab_gatt_request *rq) {
  const ab_gatt_attr *attr;
  ab_att_range range;
  aioble_uuid_t type;
  size_t size = 0;
  int code;

  if ((code = read_range_and_type(rq, &range, &type)))
    return code;
  if (!is_type(&type, AB_GATT_PRIMARY_SERVICE) && !is_type(&type, AB_GATT_SECONDARY_SERVICE))
    return AB_ATT_ERR_UNSUPPORTED_GROUP_TYPE;
  for (uint32_t next = range.first; (attr = ab_gatt_db_find(rq->db, next, range.last, &type));
       next = attr->end + 1u) {
    if (!size) {
      size = 4u + attr->uuid.size;
      ab_wr_u8(rq->rsp, (uint8_t) size);
    }
    if (4u + attr->uuid.size != size || ab_wr_room(rq->rsp) < size)
      break;
    ab_wr_le16(rq->rsp, ab_gatt_db_handle(rq->db, attr));
    ab_wr_le16(rq->rsp, attr->end);
    ab_wr_bytes(rq->rsp, attr->uuid.bytes, attr->uuid.size);
  }
  return size ? 0 : AB_ATT_ERR_ATTRIBUTE_NOT_FOUND;
}
