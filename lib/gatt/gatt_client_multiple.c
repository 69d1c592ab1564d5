/* SPDX-License-Identifier: MIT */
/*
 * Values of several attributes (Core Vol 3, Part G, 4.8.2, 4.8.5), in two steps:
 *
 *   1. ask for many at once, as often as it takes: Read Multiple Variable with as many handles as
 *      fit, or Read By Type, whose responses discovery takes apart
 *   2. Read, and Read Blob, of each value that is still missing: cut or left out by a response, or
 *      the server does not know the request
 *
 * One that was cut is read from its beginning: at an offset the server might say that it is not
 * long, and so hide the rest.
 */
#include "gatt/gatt_client.h"

enum { BY_TYPE_MAX = 253 }; /* of a value: an entry is at most 255 octets (Part F, 3.4.4.2) */

static bool keep(ab_gatt_values *v, unsigned i, ab_rd octets) {
  size_t len;
  const uint8_t *data = ab_rd_rest(&octets, &len);
  ab_buf *buf = ab_buf_new(v->att->bufs, len);
  ab_wr w;

  if (!buf)
    return false;
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, data, len);
  ab_buf_wrote(buf, &w);
  v->at[i].value = buf;
  return true;
}

/* which may stop it: false */
static bool goes_on(ab_gatt_values *v) {
  v->fn(v, AIOBLE_EAGAIN);
  return v->fn != NULL;
}

/* ---- 2. one by one ---- */

static ab_gatt_read_fn on_read;

static void read_missing(ab_gatt_values *v) {
  while (v->next < v->n && v->at[v->next].value)
    v->next++;
  if (v->next < v->n)
    ab_gatt_read_start(&v->read, v->att, v->at[v->next].handle, on_read);
  else
    v->fn(v, 0);
}

static void on_read(ab_gatt_read *read, int status) {
  ab_gatt_values *v = ab_container_of(read, ab_gatt_values, read);

  if (status != 0 && status != AIOBLE_EAGAIN) {
    v->fn(v, status);
    return;
  }
  if (status == 0) {
    v->at[v->next].value = read->value;
    read->value = NULL;
  }
  if (!goes_on(v))
    return;
  if (status == 0)
    read_missing(v);
  else
    ab_gatt_read_more(read);
}

static void complete(ab_gatt_values *v) {
  v->next = 0;
  read_missing(v);
}

/* ---- 1. by their handles ---- */

static void ask_multiple(ab_gatt_values *v);

/* Length and octets of each, as far as there was room (Part F, 3.4.4.12). One that is cut is asked
   for again, unless no response has room for it, or it is the first. */
static int take_tuples(ab_gatt_values *v, ab_rd *rsp) {
  unsigned end = v->next + v->asked, first = v->next;

  while (ab_rd_left(rsp) > 0 && v->next < end) {
    uint16_t len = ab_rd_le16(rsp);
    ab_rd octets = ab_rd_slice(rsp, len);

    if (len > AB_ATT_VALUE_MAX)
      return AIOBLE_EPROTO;
    if (ab_rd_ok(rsp) && !keep(v, v->next, octets))
      return AIOBLE_ENOMEM;
    v->next += ab_rd_ok(rsp) || len + 3u > v->att->mtu;
  }
  v->next += v->next == first;
  return ab_rd_left(rsp) > 0 ? AIOBLE_EPROTO : 0;
}

static void on_multiple(ab_att_req *req, int status, ab_rd *pdu) {
  ab_gatt_values *v = ab_container_of(req, ab_gatt_values, req);

  if (status == AIOBLE_ERR_ATT(AB_ATT_ERR_REQUEST_NOT_SUPPORTED)) {
    v->next = v->n;
    status = 0;
  } else if (status == 0) {
    status = take_tuples(v, pdu);
  }
  if (status != 0)
    v->fn(v, status);
  else if (goes_on(v))
    ask_multiple(v);
}

/* two at least (4.8.5) */
static void ask_multiple(ab_gatt_values *v) {
  unsigned left = v->n - v->next;
  ab_buf *buf;
  ab_wr w;

  if (left < 2) {
    complete(v);
    return;
  }
  buf = ab_att_pdu(v->att, AB_ATT_READ_MULTIPLE_VAR_REQ, &w);
  for (v->asked = 0; buf && v->asked < left && ab_wr_room(&w) >= 2; v->asked++)
    ab_wr_le16(&w, v->at[v->next + v->asked].handle);
  if (buf)
    ab_buf_wrote(buf, &w);
  ab_att_request(v->att, &v->req, buf, on_multiple);
}

void ab_gatt_values_read(ab_gatt_values *values, ab_gatt_values_fn *fn) {
  values->fn = fn;
  ask_multiple(values);
}

/* ---- 1. by UUID ---- */

static ab_gatt_disc_fn on_found;

/* may be longer than the response could say */
static bool may_be_cut(const ab_gatt_disc *disc, size_t len) {
  size_t mtu = disc->mtu < disc->req.att->mtu ? disc->mtu : disc->req.att->mtu;

  return len >= BY_TYPE_MAX || len + 4 >= mtu;
}

static int add(ab_gatt_values *v, const ab_gatt_item *item) {
  if (v->n == v->max)
    return AIOBLE_ENOBUFS;
  v->at[v->n].handle = item->handle;
  if (!may_be_cut(&v->disc, ab_rd_left(&item->data)) && !keep(v, v->n, item->data))
    return AIOBLE_ENOMEM;
  v->n++;
  return 0;
}

static void find(ab_gatt_values *v) {
  ab_gatt_item item;
  int status;

  while ((status = ab_gatt_disc_next(&v->disc, &item)) == 1 && (status = add(v, &item)) == 0)
    continue;
  if (status == AIOBLE_EAGAIN)
    ab_gatt_disc_fetch(&v->disc, on_found);
  else if (status != 0)
    v->fn(v, status);
  else
    complete(v);
}

static void on_found(ab_gatt_disc *disc) {
  ab_gatt_values *v = ab_container_of(disc, ab_gatt_values, disc);

  if (goes_on(v))
    find(v);
}

void ab_gatt_values_find(ab_gatt_values *values, uint16_t first, uint16_t last,
                         const aioble_uuid_t *uuid, ab_gatt_values_fn *fn) {
  values->fn = fn;
  ab_gatt_disc_init(&values->disc, values->att, AB_GATT_VALUES, first, last, uuid);
  find(values);
}

/* ---- the owner ---- */

ab_gatt_values *ab_gatt_values_new(ab_att *att, unsigned max) {
  ab_gatt_values *values = ab_zalloc(att->env, sizeof *values + max * sizeof *values->at);

  if (!values)
    return NULL;
  values->env = att->env;
  values->att = att;
  values->max = max;
  return values;
}

void ab_gatt_values_free(ab_gatt_values *values) {
  for (unsigned i = 0; values && i < values->n; i++)
    ab_buf_free(values->at[i].value);
  if (values)
    ab_free(values->env, values);
}

void ab_gatt_values_stop(ab_gatt_values *values) {
  values->fn = NULL;
  ab_att_detach(&values->req);
  ab_gatt_read_stop(&values->read);
}
