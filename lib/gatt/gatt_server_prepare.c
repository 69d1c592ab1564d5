/* SPDX-License-Identifier: MIT */
/*
 * Prepared writes (Core Vol 3, Part F, 3.4.6) wait as they came, in one queue for each bearer. A
 * Prepare Write that is refused leaves the queue alone; the access, the security and the permission
 * are judged when it comes, and again when it is executed. An Execute Write empties the queue,
 * whatever comes of it:
 *
 *   1. The parts of each attribute are put together, in their order: from nothing if the first has
 *      offset 0, else over the present value. A part may not leave a gap (Invalid Offset).
 *   2. Every attribute is checked, which its hook may do later.
 *   3. Then every attribute is committed, in the order of their first parts.
 */
#include "gatt/gatt_server_priv.h"
#include <aioble/server.h>

/* a part as it waits in the queue, followed by its octets */
#define PART_LIST(F) F(le16, handle) F(le16, offset) F(le16, len)
AB_WIRE_RECORD(gatt_part, PART_LIST)

void ab_gatt_bearer_forget_prepared(ab_gatt_bearer *bearer) {
  ab_free(bearer->link->server->env, bearer->prepared.start);
  bearer->prepared = (ab_wr){0};
  bearer->n_prepared = 0;
}

void ab_gatt_forget_prepared(ab_gatt_server_link *link) {
  AB_LIST_EACH(n, &link->bearers) {
    ab_gatt_bearer_forget_prepared(ab_container_of(n, ab_gatt_bearer, node));
  }
}

static int enqueue(ab_gatt_request *rq, const ab_gatt_part *part, const uint8_t *data) {
  ab_gatt_bearer *bearer = rq->bearer;
  void *queue;

  if (!bearer->prepared.start) {
    if (!(queue = ab_alloc(rq->server->env, AB_GATT_PREPARED_OCTETS)))
      return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
    bearer->prepared = ab_wr_of(queue, AB_GATT_PREPARED_OCTETS);
  }
  if (bearer->n_prepared == AB_GATT_PREPARED_WRITES ||
      ab_wr_room(&bearer->prepared) < (size_t) ab_gatt_part_size + part->len)
    return AB_ATT_ERR_PREPARE_QUEUE_FULL;
  ab_gatt_part_write(&bearer->prepared, part);
  ab_wr_bytes(&bearer->prepared, data, part->len);
  bearer->n_prepared++;
  return 0;
}

/* 3.4.6.1: answered with what it said */
int ab_gatt_on_prepare_write(ab_gatt_request *rq) {
  const ab_gatt_attr *attr;
  ab_gatt_part part;
  ab_att_blob blob;
  const uint8_t *data;
  size_t len;
  int code;

  ab_att_blob_read(rq->pdu, &blob);
  data = ab_rd_rest(rq->pdu, &len);
  ab_att_blob_write(rq->rsp, &blob);
  ab_wr_bytes(rq->rsp, data, len);
  if (!ab_rd_ok(rq->pdu) || !ab_wr_ok(rq->rsp))
    return AB_ATT_ERR_INVALID_PDU;
  part = (ab_gatt_part){blob.handle, blob.offset, (uint16_t) len};
  if ((code = ab_gatt_find_writable(rq, part.handle, AIOBLE_WRITE, &attr)) ||
      (attr->kind == AB_GATT_KIND_VALUE && (code = ab_gatt_permit(rq, attr->value, true))))
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

/* the value that it belongs to may have it cut to what a value can hold */
static int lay_over(ab_buf *whole, uint16_t offset, ab_rd part) {
  const ab_gatt_attr *attr = whole->ctx;
  bool cut = attr->kind == AB_GATT_KIND_VALUE && attr->value->truncate;
  ab_wr w = ab_wr_of(whole->p, AB_ATT_VALUE_MAX);
  size_t len = ab_rd_left(&part);

  if (offset > whole->len)
    return AB_ATT_ERR_INVALID_OFFSET;
  ab_wr_take(&w, offset);
  if (cut && len > ab_wr_room(&w))
    len = ab_wr_room(&w);
  ab_wr_bytes(&w, ab_rd_take(&part, len), len);
  if (!ab_wr_ok(&w))
    return AB_ATT_ERR_INVALID_VALUE_LENGTH;
  if (ab_wr_len(&w) > whole->len)
    whole->len = (uint32_t) ab_wr_len(&w);
  return 0;
}

/* step 1 */
static int put_together(ab_gatt_request *rq, ab_rd queue) {
  const ab_gatt_attr *attr;
  ab_gatt_part part;
  ab_buf *whole;
  int code;

  while (ab_rd_left(&queue)) {
    ab_gatt_part_read(&queue, &part);
    if ((code = ab_gatt_find_writable(rq, part.handle, AIOBLE_WRITE, &attr)))
      return code;
    if (!(whole = value_of(&rq->values, attr))) {
      if (!(whole = begin_value(rq, attr, part.offset > 0)))
        return AB_ATT_ERR_INSUFFICIENT_RESOURCES;
      ab_list_push(&rq->values, &whole->node);
    }
    if ((code = lay_over(whole, part.offset, ab_rd_slice(&queue, part.len))))
      return code;
  }
  return 0;
}

/* the queue is the request's from now on, and gone when this returns */
static int take_queue(ab_gatt_request *rq, bool write) {
  ab_gatt_bearer *bearer = rq->bearer;
  size_t len = bearer->prepared.start ? ab_wr_len(&bearer->prepared) : 0;
  int code = write ? put_together(rq, ab_rd_of(bearer->prepared.start, len)) : 0;

  ab_gatt_bearer_forget_prepared(bearer);
  return code;
}

/* steps 2 and 3: each value that has gone through `half` goes from one list to the other */
static int each_value(ab_gatt_request *rq, ab_list *from, ab_list *to,
                      int (*half)(ab_gatt_request *, const ab_gatt_attr *, ab_gatt_access *)) {
  ab_list *n;
  int code;

  while ((n = ab_list_first(from))) {
    const ab_buf *value = ab_container_of(n, ab_buf, node);
    const ab_gatt_attr *attr = value->ctx;
    ab_gatt_access write = {.link = rq->link, .request = rq, .data = value->p, .len = value->len};

    rq->handle = ab_gatt_db_handle(rq->db, attr);
    if ((code = half(rq, attr, &write)))
      return code;
    ab_list_remove(n);
    ab_list_push(to, n);
  }
  return 0;
}

/* 3.4.6.3 */
int ab_gatt_on_execute_write(ab_gatt_request *rq) {
  enum { CANCEL, WRITE };
  uint8_t flags = ab_rd_u8(rq->pdu);
  bool valid = ab_rd_done(rq->pdu) && flags <= WRITE;
  int code = 0;

  if (!rq->executing) {
    rq->executing = true;
    ab_list_init(&rq->values);
    ab_list_init(&rq->checked);
    code = take_queue(rq, valid && flags == WRITE);
  }
  if (!valid)
    return AB_ATT_ERR_INVALID_PDU;
  if (code || (code = each_value(rq, &rq->values, &rq->checked, ab_gatt_check_write)))
    return code;
  return each_value(rq, &rq->checked, &rq->values, ab_gatt_commit_write);
}
