/* SPDX-License-Identifier: MIT */
/*
 * Reading (Core Vol 3, Part F, 3.4.4.3 to 3.4.4.8, 3.4.4.11). The errors come in this order: the
 * PDU, the handle, the access, the security, what the hook says, the offset.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

static int view_declared(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_view *view) {
  (void) rq;
  view->data = attr->uuid.bytes;
  view->len = attr->uuid.size;
  return 0;
}

static int view_char(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_view *view) {
  ab_wr w = ab_wr_of(view->made, sizeof view->made);

  ab_gatt_put_char(rq->db, attr, &w);
  view->data = view->made;
  view->len = ab_wr_len(&w);
  return 0;
}

/* the stored value, or what the hook gives instead */
static int view_value(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_view *view) {
  ab_gatt_value *value = attr->value;
  ab_gatt_access read = {.link = rq->link, .request = rq, .offset = rq->offset};
  int code = ab_gatt_check_security(rq->link, value->read_level, value->min_key);

  if (!code && value->ops && value->ops->read)
    code = ab_gatt_ask(rq, value, value->ops->read, &read);
  view->data = value->data;
  view->len = value->len;
  if (read.data) {
    view->data = read.data;
    view->len = read.len < AB_ATT_VALUE_MAX ? read.len : AB_ATT_VALUE_MAX;
  }
  return code;
}

/* Part G, 3.3.3.3 */
static int view_cccd(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_view *view) {
  ab_wr w = ab_wr_of(view->made, sizeof view->made);

  ab_wr_le16(&w, (uint16_t) ab_gatt_server_subscribed(rq->link, attr->value));
  view->data = view->made;
  view->len = ab_wr_len(&w);
  return 0;
}

int ab_gatt_view_attr(ab_gatt_request *rq, uint16_t handle, ab_gatt_view *view) {
  static int (*const by_kind[])(ab_gatt_request *, const ab_gatt_attr *, ab_gatt_view *) = {
      [AB_GATT_KIND_SERVICE] = view_declared, [AB_GATT_KIND_INCLUDE] = view_declared,
      [AB_GATT_KIND_CHAR] = view_char,        [AB_GATT_KIND_VALUE] = view_value,
      [AB_GATT_KIND_CCCD] = view_cccd,
  };
  const ab_gatt_attr *attr = ab_gatt_db_attr(rq->db, handle);

  rq->handle = handle;
  if (!attr)
    return AB_ATT_ERR_INVALID_HANDLE;
  if (!(attr->access & AIOBLE_READ))
    return AB_ATT_ERR_READ_NOT_PERMITTED;
  return by_kind[attr->kind](rq, attr, view);
}

void ab_gatt_put(ab_gatt_request *rq, const uint8_t *data, size_t len) {
  size_t room = ab_wr_room(rq->rsp);

  ab_wr_bytes(rq->rsp, data, len < room ? len : room);
}

/* 3.4.4.3 */
int ab_gatt_on_read(ab_gatt_request *rq) {
  uint16_t handle = ab_rd_le16(rq->pdu);
  ab_gatt_view view;
  int code;

  if (!ab_rd_done(rq->pdu))
    return AB_ATT_ERR_INVALID_PDU;
  if ((code = ab_gatt_view_attr(rq, handle, &view)))
    return code;
  ab_gatt_put(rq, view.data, view.len);
  return 0;
}

/* 3.4.4.5; also of a short value, as Attribute Not Long need not be said */
int ab_gatt_on_read_blob(ab_gatt_request *rq) {
  ab_att_blob blob;
  ab_gatt_view view;
  ab_rd value;
  int code;
  const uint8_t *rest;
  size_t len;

  ab_att_blob_read(rq->pdu, &blob);
  if (!ab_rd_done(rq->pdu))
    return AB_ATT_ERR_INVALID_PDU;
  rq->offset = blob.offset;
  if ((code = ab_gatt_view_attr(rq, blob.handle, &view)))
    return code;
  value = ab_rd_of(view.data, view.len);
  ab_rd_take(&value, blob.offset);
  if (!ab_rd_ok(&value))
    return AB_ATT_ERR_INVALID_OFFSET;
  rest = ab_rd_rest(&value, &len);
  ab_gatt_put(rq, rest, len);
  return 0;
}

/*
 * 3.4.4.7 and 3.4.4.11: two handles or more. Each is read, also when the response is full, since
 * one that cannot be read is an error of the whole.
 */
static int read_set(ab_gatt_request *rq, bool with_lengths) {
  size_t left = ab_rd_left(rq->pdu);
  ab_gatt_view view;
  int code;

  if (left < 4 || left % 2)
    return AB_ATT_ERR_INVALID_PDU;
  for (ab_rd_take(rq->pdu, rq->next); ab_rd_left(rq->pdu); rq->next += 2) {
    if ((code = ab_gatt_view_attr(rq, ab_rd_le16(rq->pdu), &view)))
      return code;
    if (with_lengths) {
      uint8_t length[2];
      ab_wr w = ab_wr_of(length, sizeof length);

      ab_wr_le16(&w, (uint16_t) view.len);
      ab_gatt_put(rq, length, sizeof length);
    }
    ab_gatt_put(rq, view.data, view.len);
  }
  return 0;
}

int ab_gatt_on_read_multiple(ab_gatt_request *rq) {
  return read_set(rq, false);
}

int ab_gatt_on_read_multiple_var(ab_gatt_request *rq) {
  return read_set(rq, true);
}
