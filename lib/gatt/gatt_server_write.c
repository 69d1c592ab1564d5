/* SPDX-License-Identifier: MIT */
/*
 * Writing (Core Vol 3, Part F, 3.4.5, 3.4.6). A write has two halves, so that what was prepared for
 * several attributes is written whole or not at all:
 *
 *   check   the access, the length, what the hook says; takes the memory that can be taken
 *   commit  stores, then tells
 *
 * Prepared writes wait as they came, in one queue for each link. A Prepare Write that is refused
 * leaves the queue alone. An Execute Write empties it, whatever comes of it:
 *
 *   1. The parts of each attribute are put together, in their order: from nothing if the first has
 *      offset 0, else over the present value. A part may not leave a gap (Invalid Offset).
 *   2. Every attribute is checked, then every attribute is committed, in the order of their first
 *      parts.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

/* ---- the Client Characteristic Configuration, Part G, 3.3.3.3 ---- */

static uint16_t cccd_of(const ab_gatt_new_value *write) {
  ab_rd r = ab_rd_of(write->data, write->len);

  return ab_rd_le16(&r);
}

static uint8_t check_cccd(ab_gatt_request *rq, const ab_gatt_attr *attr,
                          const ab_gatt_new_value *write) {
  ab_gatt_server_link *link = rq->link;

  if (write->len != 2)
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  if (cccd_of(write) & ~ab_gatt_cccd_bits(attr->value))
    return AB_ATT_ERR_CCCD_IMPROPERLY_CONFIGURED;
  if (!link->cccds && link->server)
    link->cccds = ab_zalloc(rq->server->env, rq->server->db->n_cccds);
  return link->cccds ? 0 : AB_ATT_ERR_INSUFFICIENT_RESOURCES;
}

static uint8_t commit_cccd(ab_gatt_request *rq, const ab_gatt_attr *attr,
                           const ab_gatt_new_value *write) {
  uint16_t what = cccd_of(write);

  rq->link->dirty |= ab_gatt_server_subscribed(rq->link, attr->value) != what;
  /* a hook may have replaced the table, and the link's configurations with it */
  return ab_gatt_subscribe(rq->link, attr->value, what) ? 0 : AB_ATT_ERR_UNLIKELY;
}

/* ---- values ---- */

static uint8_t check_value(ab_gatt_request *rq, const ab_gatt_attr *attr,
                           const ab_gatt_new_value *write) {
  ab_gatt_value *value = attr->value;

  if (write->len + (value->append ? value->len : 0) > value->max_len)
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  return value->ops ? value->ops->check(value, rq->link, write) : 0;
}

static uint8_t commit_value(ab_gatt_request *rq, const ab_gatt_attr *attr,
                            const ab_gatt_new_value *write) {
  ab_gatt_value *value = attr->value;
  size_t at = value->append ? value->len : 0;

  /* the hook may have written to the value, too */
  if (at + write->len > value->max_len)
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  if (!ab_gatt_value_put(value, rq->server->env, at, write->data, write->len))
    return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
  if (value->ops)
    value->ops->written(value, rq->link, write);
  return 0;
}

/* ---- both halves ---- */

/* *attr: the attribute, if the client may write it in this way (AIOBLE_WRITE, _WRITE_NO_RSP) */
static uint8_t find(ab_gatt_request *rq, uint16_t handle, uint8_t way, const ab_gatt_attr **attr) {
  rq->handle = handle;
  *attr = ab_gatt_db_attr(rq->db, handle);
  if (!*attr)
    return AB_ATT_ERR_INVALID_HANDLE;
  return (*attr)->access & way ? 0 : AB_ATT_ERR_WRITE_NOT_PERMITTED;
}

/* declarations cannot be written, so there are two kinds */
static uint8_t check(ab_gatt_request *rq, const ab_gatt_attr *attr,
                     const ab_gatt_new_value *write) {
  return attr->kind == AB_GATT_KIND_CCCD ? check_cccd(rq, attr, write)
                                         : check_value(rq, attr, write);
}

static uint8_t commit(ab_gatt_request *rq, const ab_gatt_attr *attr,
                      const ab_gatt_new_value *write) {
  return attr->kind == AB_GATT_KIND_CCCD ? commit_cccd(rq, attr, write)
                                         : commit_value(rq, attr, write);
}

static uint8_t write_now(ab_gatt_request *rq, uint8_t way) {
  uint16_t handle = ab_rd_le16(rq->pdu);
  ab_gatt_new_value write = {.command = way == AIOBLE_WRITE_NO_RSP};
  const ab_gatt_attr *attr;
  uint8_t code;

  write.data = ab_rd_rest(rq->pdu, &write.len);
  if (!ab_rd_ok(rq->pdu))
    return AB_ATT_ERR_INVALID_PDU;
  if ((code = find(rq, handle, way, &attr)) || (code = check(rq, attr, &write)))
    return code;
  return commit(rq, attr, &write);
}

/* 3.4.5.1 */
uint8_t ab_gatt_on_write_request(ab_gatt_request *rq) {
  return write_now(rq, AIOBLE_WRITE);
}

/* 3.4.5.3 */
uint8_t ab_gatt_on_write_command(ab_gatt_request *rq) {
  return write_now(rq, AIOBLE_WRITE_NO_RSP);
}

/* ---- the prepare queue ---- */

/* a part as it waits in the queue, followed by its octets */
#define PART_LIST(F) F(le16, handle) F(le16, offset) F(le16, len)
AB_WIRE_RECORD(gatt_part, PART_LIST)

void ab_gatt_forget_prepared(ab_gatt_server_link *link) {
  ab_free(link->server->env, link->prepared.start);
  link->prepared = (ab_wr){0};
  link->n_prepared = 0;
}

static uint8_t enqueue(ab_gatt_request *rq, const ab_gatt_part *part, const uint8_t *data) {
  ab_gatt_server_link *link = rq->link;
  void *queue;

  if (!link->prepared.start) {
    if (!(queue = ab_alloc(rq->server->env, AB_GATT_PREPARED_OCTETS)))
      return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
    link->prepared = ab_wr_of(queue, AB_GATT_PREPARED_OCTETS);
  }
  if (link->n_prepared == AB_GATT_PREPARED_WRITES ||
      ab_wr_room(&link->prepared) < (size_t) ab_gatt_part_size + part->len)
    return AB_ATT_ERR_PREPARE_QUEUE_FULL;
  ab_gatt_part_write(&link->prepared, part);
  ab_wr_bytes(&link->prepared, data, part->len);
  link->n_prepared++;
  return 0;
}

/* 3.4.6.1: answered with what it said */
uint8_t ab_gatt_on_prepare_write(ab_gatt_request *rq) {
  const ab_gatt_attr *attr;
  ab_gatt_part part;
  ab_att_blob blob;
  const uint8_t *data;
  uint8_t code;
  size_t len;

  ab_att_blob_read(rq->pdu, &blob);
  data = ab_rd_rest(rq->pdu, &len);
  ab_att_blob_write(rq->rsp, &blob);
  ab_wr_bytes(rq->rsp, data, len);
  if (!ab_rd_ok(rq->pdu) || !ab_wr_ok(rq->rsp))
    return AB_ATT_ERR_INVALID_PDU;
  part = (ab_gatt_part){blob.handle, blob.offset, (uint16_t) len};
  if ((code = find(rq, part.handle, AIOBLE_WRITE, &attr)))
    return code;
  return enqueue(rq, &part, data);
}

/* ---- executing ---- */

/* a value being put together: a buffer whose ctx is the attribute */
static ab_buf *begin_value(ab_gatt_request *rq, const ab_gatt_attr *attr, bool over_present) {
  ab_buf *whole = ab_buf_new(rq->server->bufs, AB_ATT_VALUE_MAX);
  ab_wr w;

  if (!whole)
    return NULL;
  whole->ctx = (void *) attr;
  if (over_present && attr->kind == AB_GATT_KIND_VALUE && !attr->value->append) {
    w = ab_buf_writer(whole);
    ab_wr_bytes(&w, attr->value->data, attr->value->len);
    ab_buf_wrote(whole, &w);
  }
  return whole;
}

static ab_buf *value_of(ab_list *wholes, const ab_gatt_attr *attr) {
  AB_LIST_EACH(n, wholes) {
    ab_buf *whole = ab_container_of(n, ab_buf, node);

    if (whole->ctx == attr)
      return whole;
  }
  return NULL;
}

static uint8_t lay_over(ab_buf *whole, uint16_t offset, const uint8_t *data, size_t len) {
  ab_wr w = ab_wr_of(whole->p, AB_ATT_VALUE_MAX);

  if (offset > whole->len)
    return AB_ATT_ERR_INVALID_OFFSET;
  ab_wr_take(&w, offset);
  ab_wr_bytes(&w, data, len);
  if (!ab_wr_ok(&w))
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  if (ab_wr_len(&w) > whole->len)
    whole->len = (uint32_t) ab_wr_len(&w);
  return 0;
}

/* step 1 */
static uint8_t put_together(ab_gatt_request *rq, ab_rd queue, ab_list *wholes) {
  const ab_gatt_attr *attr;
  ab_gatt_part part;
  ab_buf *whole;
  uint8_t code;

  while (ab_rd_left(&queue)) {
    ab_gatt_part_read(&queue, &part);
    if ((code = find(rq, part.handle, AIOBLE_WRITE, &attr)))
      return code;
    if (!(whole = value_of(wholes, attr))) {
      if (!(whole = begin_value(rq, attr, part.offset > 0)))
        return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
      ab_list_push(wholes, &whole->node);
    }
    if ((code = lay_over(whole, part.offset, ab_rd_take(&queue, part.len), part.len)))
      return code;
  }
  return 0;
}

/* step 2 */
static uint8_t each_value(ab_gatt_request *rq, ab_list *wholes,
                          uint8_t (*half)(ab_gatt_request *, const ab_gatt_attr *,
                                          const ab_gatt_new_value *)) {
  uint8_t code;

  AB_LIST_EACH(n, wholes) {
    const ab_buf *whole = ab_container_of(n, ab_buf, node);
    const ab_gatt_attr *attr = whole->ctx;
    ab_gatt_new_value write = {.data = whole->p, .len = whole->len};

    rq->handle = ab_gatt_db_handle(rq->db, attr);
    if ((code = half(rq, attr, &write)))
      return code;
  }
  return 0;
}

/* 3.4.6.3 */
uint8_t ab_gatt_on_execute_write(ab_gatt_request *rq) {
  enum { CANCEL, WRITE };
  ab_gatt_server_link *link = rq->link;
  uint8_t *queue = link->prepared.start;
  size_t len = queue ? ab_wr_len(&link->prepared) : 0;
  uint8_t flags = ab_rd_u8(rq->pdu), code = 0;
  ab_list wholes, *n;

  ab_list_init(&wholes);
  link->prepared = (ab_wr){0};
  link->n_prepared = 0;
  if (!ab_rd_done(rq->pdu) || flags > WRITE)
    code = AB_ATT_ERR_INVALID_PDU;
  else if (flags == WRITE && !(code = put_together(rq, ab_rd_of(queue, len), &wholes)) &&
           !(code = each_value(rq, &wholes, check)))
    code = each_value(rq, &wholes, commit);
  while ((n = ab_list_pop(&wholes)))
    ab_buf_free(ab_container_of(n, ab_buf, node));
  ab_free(rq->server->env, queue);
  return code;
}
