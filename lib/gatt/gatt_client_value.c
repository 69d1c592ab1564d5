/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing values (Core Vol 3, Part G, 4.8, 4.9); of many: gatt_client_multiple.c,
 * longer ones written: gatt_client_prepare.c.
 *
 *   Read Request --full--> Read Blob Request at the offset reached --full--> …
 *        \--short--> done           \--short, empty, or an error that says "that was all"--> done
 *
 * "Full" is as long as the MTU allowed when the request was queued: if the MTU grows in between,
 * the server may have answered with the old one, and only another request can tell.
 */
#include "gatt/gatt_client.h"

static ab_att_req_fn on_part;

static void request(ab_gatt_read *read) {
  ab_att_blob blob = {.handle = read->handle};
  ab_att_handle whole = {.handle = read->handle};
  ab_wr w;
  ab_buf *buf = ab_att_pdu(read->att, read->value ? AB_ATT_READ_BLOB_REQ : AB_ATT_READ_REQ, &w);

  read->mtu = read->att->mtu;
  if (buf && read->value) {
    blob.offset = (uint16_t) read->value->len;
    ab_att_blob_write(&w, &blob);
  } else if (buf) {
    ab_att_handle_write(&w, &whole);
  }
  if (buf)
    ab_buf_wrote(buf, &w);
  ab_att_request(read->att, &read->req, buf, on_part);
}

/* Behind a first part, these say that it was all: the length was an exact multiple, or (the last
   one) the server knows no longer values. */
static bool says_that_was_all(int status) {
  return status == AIOBLE_ERR_ATT(AB_ATT_ERR_ATTRIBUTE_NOT_LONG) ||
         status == AIOBLE_ERR_ATT(AB_ATT_ERR_INVALID_OFFSET) ||
         status == AIOBLE_ERR_ATT(AB_ATT_ERR_REQUEST_NOT_SUPPORTED);
}

static bool is_full(const ab_gatt_read *read, size_t len) {
  return len + 1 >= (read->mtu < read->att->mtu ? read->mtu : read->att->mtu);
}

static void add(ab_buf *value, ab_rd *part) {
  ab_wr w = ab_buf_writer(value);
  size_t len;
  const uint8_t *octets = ab_rd_rest(part, &len);

  ab_wr_bytes(&w, octets, len);
  ab_buf_wrote(value, &w);
}

/* 0, EAGAIN (there may be more), or an error */
static int append(ab_gatt_read *read, ab_rd *part) {
  size_t len = ab_rd_left(part);

  if (!read->value && !(read->value = ab_buf_new(read->att->bufs, AB_ATT_VALUE_MAX)))
    return AIOBLE_ENOMEM;
  if (read->value->len + len > AB_ATT_VALUE_MAX)
    return AIOBLE_EPROTO;
  add(read->value, part);
  return !is_full(read, len) || read->value->len == AB_ATT_VALUE_MAX ? 0 : AIOBLE_EAGAIN;
}

static void on_part(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_read *read = ab_container_of(req, ab_gatt_read, req);

  if (status == 0)
    status = append(read, pdu);
  else if (read->value && says_that_was_all(status))
    status = 0;
  if (status != 0 && status != AIOBLE_EAGAIN) {
    ab_buf_free(read->value);
    read->value = NULL;
  }
  read->fn(read, status);
}

void ab_gatt_read_start(ab_gatt_read *read, ab_att *att, uint16_t handle, ab_gatt_read_fn *fn) {
  *read = (ab_gatt_read){.att = att, .fn = fn, .handle = handle};
  request(read);
}

void ab_gatt_read_more(ab_gatt_read *read) {
  request(read);
}

void ab_gatt_read_stop(ab_gatt_read *read) {
  ab_att_detach(&read->req);
  ab_buf_free(read->value);
  read->value = NULL;
}

/* ---- several at once ---- */

static void on_multiple(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_read *read = ab_container_of(req, ab_gatt_read, req);

  if (status == 0 && is_full(read, ab_rd_left(pdu)))
    status = AIOBLE_EMSGSIZE;
  if (status == 0 && !(read->value = ab_buf_new(read->att->bufs, ab_rd_left(pdu))))
    status = AIOBLE_ENOMEM;
  if (status == 0)
    add(read->value, pdu);
  read->fn(read, status);
}

int ab_gatt_read_multiple(ab_gatt_read *read, ab_att *att, const uint16_t *handles, size_t n,
                          ab_gatt_read_fn *fn) {
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, AB_ATT_READ_MULTIPLE_REQ, &w);

  *read = (ab_gatt_read){.att = att, .fn = fn, .mtu = att->mtu};
  for (size_t i = 0; buf && i < n; i++)
    ab_wr_le16(&w, handles[i]);
  if (buf && !ab_wr_ok(&w)) {
    ab_buf_free(buf);
    return AIOBLE_EMSGSIZE;
  }
  if (buf)
    ab_buf_wrote(buf, &w);
  ab_att_request(att, &read->req, buf, on_multiple);
  return 0;
}

/* ---- writing ---- */

/* the PDU, which leaves that many octets of the MTU; NULL with *status: EMSGSIZE or ENOMEM */
static ab_buf *write_pdu(ab_att *att, uint8_t opcode, uint16_t handle, const void *data, size_t len,
                         size_t leave, int *status) {
  ab_att_handle to = {.handle = handle};
  ab_wr w;
  ab_buf *buf = ab_att_pdu(att, opcode, &w);

  *status = buf ? 0 : AIOBLE_ENOMEM;
  if (!buf)
    return NULL;
  ab_att_handle_write(&w, &to);
  ab_wr_bytes(&w, data, len);
  if (ab_wr_ok(&w) && ab_wr_room(&w) >= leave) {
    ab_buf_wrote(buf, &w);
    return buf;
  }
  *status = AIOBLE_EMSGSIZE;
  ab_buf_free(buf);
  return NULL;
}

int ab_gatt_write(ab_att *att, ab_att_req *req, uint16_t handle, const void *data, size_t len,
                  ab_att_req_fn *fn) {
  int status;
  ab_buf *buf = write_pdu(att, AB_ATT_WRITE_REQ, handle, data, len, 0, &status);

  if (status == AIOBLE_EMSGSIZE)
    return status;
  ab_att_request(att, req, buf, fn);
  return 0;
}

static void send(ab_att *att, ab_buf *buf, ab_buf_done_fn *done, void *ctx) {
  buf->done = done;
  buf->ctx = ctx;
  ab_att_send(att, buf);
}

int ab_gatt_write_command(ab_att *att, uint16_t handle, const void *data, size_t len,
                          ab_buf_done_fn *done, void *ctx) {
  int status;
  ab_buf *buf = write_pdu(att, AB_ATT_WRITE_CMD, handle, data, len, 0, &status);

  if (buf)
    send(att, buf, done, ctx);
  return status;
}

int ab_gatt_write_signed(ab_gatt_client *client, uint16_t handle, const void *data, size_t len,
                         ab_buf_done_fn *done, void *ctx) {
  int status;
  ab_buf *buf;

  if (client->att->state != AB_ATT_OPEN)
    return AIOBLE_ENOTCONN; /* no reason to use up a counter */
  buf =
      write_pdu(client->att, AB_ATT_SIGNED_WRITE_CMD, handle, data, len, AB_ATT_SIGNATURE, &status);
  if (buf)
    status = client->sign ? client->sign(client, buf) : AIOBLE_ENOENT;
  if (status == 0)
    send(client->att, buf, done, ctx);
  else
    ab_buf_free(buf);
  return status;
}
