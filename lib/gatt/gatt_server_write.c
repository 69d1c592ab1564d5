/* SPDX-License-Identifier: MIT */
/*
 * Writing (Core Vol 3, Part F, 3.4.5). A write has two halves, so that what was prepared for
 * several attributes is written whole or not at all:
 *
 *   check   the length, what the hook says; takes the memory that can be taken
 *   commit  stores, then tells
 *
 * The errors come in this order: the PDU, the handle, the access, the security, the length, what
 * the hook says. A subscription is something to be permitted, as the values will not be asked for.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

int ab_gatt_permit(ab_gatt_request *rq, ab_gatt_value *value, bool write) {
  int code = value->ops && value->ops->permit ? value->ops->permit(value, rq->link, write) : 0;

  return rq->bearer->link ? code : AB_ATT_ERR_UNLIKELY; /* the hook has ended it */
}

/* ---- the Client Characteristic Configuration, Part G, 3.3.3.3 ---- */

static uint16_t cccd_of(const ab_gatt_access *write) {
  ab_rd r = ab_rd_of(write->data, write->len);

  return ab_rd_le16(&r);
}

static int check_cccd(ab_gatt_request *rq, const ab_gatt_attr *attr, const ab_gatt_access *write) {
  ab_gatt_server_link *link = rq->link;

  if (write->len != 2)
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  if (cccd_of(write) & ~ab_gatt_cccd_bits(attr->value))
    return AB_ATT_ERR_CCCD_IMPROPERLY_CONFIGURED;
  if (!link->cccds)
    link->cccds = ab_zalloc(rq->server->env, rq->server->db->n_cccds);
  if (!link->cccds)
    return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
  return cccd_of(write) ? ab_gatt_permit(rq, attr->value, false) : 0;
}

static int commit_cccd(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write) {
  uint16_t what = cccd_of(write);

  rq->link->dirty |= ab_gatt_server_subscribed(rq->link, attr->value) != what;
  /* a hook may have replaced the table, and the link's configurations with it */
  return ab_gatt_subscribe(rq->link, attr->value, what) ? 0 : AB_ATT_ERR_UNLIKELY;
}

/* ---- values ---- */

/* where the octets go; they are cut to what fits if the value says so */
static int fit(const ab_gatt_value *value, ab_gatt_access *write, size_t *at) {
  size_t room;

  *at = value->append ? value->len : 0;
  room = value->max_len > *at ? value->max_len - *at : 0;
  if (write->len <= room)
    return 0;
  if (!value->truncate)
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  write->len = room;
  return 0;
}

static int check_value(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write) {
  ab_gatt_value *value = attr->value;
  const uint8_t *data = write->data;
  size_t at, len;
  int code = fit(value, write, &at);

  if (code || !value->ops || !value->ops->check)
    return code;
  len = write->len;
  code = ab_gatt_ask(rq, value, value->ops->check, write);
  write->data = data; /* other octets are for reads */
  write->len = len;
  return code;
}

static int commit_value(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write) {
  ab_gatt_value *value = attr->value;
  size_t at;
  int code = fit(value, write, &at); /* the hook may have written to the value, too */

  if (code)
    return code;
  if (!ab_gatt_value_put(value, rq->server->env, at, write->data, write->len))
    return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
  if (value->ops && value->ops->written)
    value->ops->written(value, write);
  return 0;
}

/* ---- both kinds: declarations cannot be written ---- */

/* a subscription hands the value out, so it takes what reading takes */
static uint8_t level_to_write(const ab_gatt_attr *attr) {
  return attr->kind == AB_GATT_KIND_CCCD ? attr->value->read_level : attr->value->write_level;
}

/* Over an encrypted link a signed write is sent as a plain one (Part G, 4.9.2). */
static bool allows(const ab_gatt_request *rq, const ab_gatt_attr *attr, uint8_t way) {
  return attr->access & way || (way == AIOBLE_WRITE_NO_RSP && attr->access & AIOBLE_SIGNED_WRITE &&
                                rq->link->security.level > AB_GATT_LEVEL_NONE);
}

int ab_gatt_find_writable(ab_gatt_request *rq, uint16_t handle, uint8_t way,
                          const ab_gatt_attr **found) {
  const ab_gatt_attr *attr = ab_gatt_db_attr(rq->db, handle);

  rq->handle = handle;
  *found = attr;
  if (!attr)
    return AB_ATT_ERR_INVALID_HANDLE;
  if (!allows(rq, attr, way))
    return AB_ATT_ERR_WRITE_NOT_PERMITTED;
  return ab_gatt_check_security(rq->link, level_to_write(attr), attr->value->min_key);
}

int ab_gatt_check_write(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write) {
  return attr->kind == AB_GATT_KIND_CCCD ? check_cccd(rq, attr, write)
                                         : check_value(rq, attr, write);
}

int ab_gatt_commit_write(ab_gatt_request *rq, const ab_gatt_attr *attr, ab_gatt_access *write) {
  return attr->kind == AB_GATT_KIND_CCCD ? commit_cccd(rq, attr, write)
                                         : commit_value(rq, attr, write);
}

static int write_now(ab_gatt_request *rq, ab_rd *pdu, uint8_t way, uint8_t signature) {
  bool command = way != AIOBLE_WRITE;
  uint16_t handle = ab_rd_le16(pdu);
  ab_gatt_access write = {
      .link = rq->link, .request = command ? NULL : rq, .command = command, .signature = signature};
  const ab_gatt_attr *attr;
  int code;

  write.data = ab_rd_rest(pdu, &write.len);
  if (!ab_rd_ok(pdu))
    return AB_ATT_ERR_INVALID_PDU;
  if ((code = ab_gatt_find_writable(rq, handle, way, &attr)) ||
      (code = ab_gatt_check_write(rq, attr, &write)))
    return code;
  return ab_gatt_commit_write(rq, attr, &write);
}

/* 3.4.5.1 */
int ab_gatt_on_write_request(ab_gatt_request *rq) {
  return write_now(rq, rq->pdu, AIOBLE_WRITE, 0);
}

/* 3.4.5.3 */
int ab_gatt_on_write_command(ab_gatt_request *rq) {
  return write_now(rq, rq->pdu, AIOBLE_WRITE_NO_RSP, 0);
}

/* 3.4.5.4: nothing of it is looked at before its signature. There is none on an enhanced bearer,
   whose link is always encrypted. */
int ab_gatt_on_signed_write(ab_gatt_request *rq) {
  ab_gatt_server *server = rq->server;
  ab_rd all = *rq->pdu, write;
  uint8_t signature = 0;
  size_t len;
  const uint8_t *data = ab_rd_rest(&all, &len);

  if (len < ab_att_handle_size + AB_ATT_SIGNATURE || rq->bearer->att->enhanced) {
    rq->bearer->att->malformed++;
    return AB_ATT_ERR_INVALID_PDU;
  }
  if (server->verify)
    signature = server->verify(rq->link, AB_ATT_SIGNED_WRITE_CMD, data, len);
  if (!signature)
    return AB_ATT_ERR_INSUFFICIENT_AUTHENTICATION;
  write = ab_rd_slice(rq->pdu, len - AB_ATT_SIGNATURE);
  return write_now(rq, &write, AIOBLE_SIGNED_WRITE, signature);
}
