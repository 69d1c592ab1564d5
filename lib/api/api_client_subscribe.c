/* SPDX-License-Identifier: MIT */
/*
 * Subscribing (include/aioble/client.h; Core Vol 3, Part G, 3.3.3.3):
 *
 *   find the configuration descriptor, unless the handle knows it --> write it --> done
 *
 * It is looked for once for all who wait, who then write in the order they came.
 * The characteristic listens before the write: values may overtake its response.
 */
#include "api/api_client.h"
#include "api/op_peer.h"
#include "host/host.h"

enum { CCCD_UUID = 0x2902 };

typedef struct subscribe_op {
  ab_peer_op p;
  ab_list node;              /* among those that wait for the descriptor */
  ab_att_req req;            /* the write */
  aioble_client_char_t *chr; /* a reference */
  uint16_t bits;
} subscribe_op;

static void end_subscribe(aioble_op_t *op, int why) {
  subscribe_op *s = ab_container_of(op, subscribe_op, p.op);

  ab_list_remove(&s->node);
  ab_att_detach(&s->req);
  ab_op_settle(op, why);
}

static void release_subscribe(aioble_op_t *op) {
  aioble_client_char_unref(ab_container_of(op, subscribe_op, p.op)->chr);
  ab_peer_op_release(op);
}

static const ab_op_kind subscribe_kind = {"subscribe", sizeof(subscribe_op), 2000, end_subscribe,
                                          release_subscribe};

static void on_subscribed(ab_att_req *req, int status, ab_rd *pdu) {
  (void) pdu;
  ab_peer_op_settle(&ab_container_of(req, subscribe_op, req)->p, status);
}

static void write_cccd(subscribe_op *s) {
  uint16_t cccd = s->chr->cccd;
  ab_att *att = ab_att_ordered(&ab_client_char_conn(s->chr)->att, cccd);
  uint8_t value[2];
  ab_wr w = ab_wr_of(value, sizeof value);

  ab_wr_le16(&w, s->bits);
  (void) ab_gatt_write(att, &s->req, cccd, value, sizeof value, on_subscribed);
}

static void on_cccd(aioble_op_t *found, int status, void *user) {
  aioble_client_char_t *chr = user;
  ab_list *n;

  chr->finding_cccd = false;
  if (status == 0)
    chr->cccd = aioble_client_desc_handle(aioble_op_desc(found));
  while ((n = ab_list_pop(&chr->subscribing))) {
    subscribe_op *s = ab_container_of(n, subscribe_op, node);

    if (status == 0)
      write_cccd(s);
    else
      ab_peer_op_settle(&s->p, status);
  }
  aioble_client_char_unref(chr);
}

/* for all who wait, also if they do not any more: whoever comes next will want to know */
static void find_cccd(aioble_client_char_t *chr) {
  aioble_op_t *op = aioble_client_char_desc(chr, AIOBLE_UUID16(CCCD_UUID));

  aioble_op_set_timeout(op, AIOBLE_FOREVER); /* theirs hold */
  chr->finding_cccd = true;
  aioble_op_then(op, on_cccd, aioble_client_char_ref(chr));
}

static int check_subscribe(const aioble_client_char_t *chr, unsigned what) {
  unsigned need = (what & AIOBLE_SUBSCRIBE_NOTIFY ? AIOBLE_PROP_NOTIFY : 0u) |
                  (what & AIOBLE_SUBSCRIBE_INDICATE ? AIOBLE_PROP_INDICATE : 0u);

  if (what & ~(unsigned) (AIOBLE_SUBSCRIBE_NOTIFY | AIOBLE_SUBSCRIBE_INDICATE))
    return AIOBLE_EINVAL;
  return (chr->properties & need) == need ? 0 : AIOBLE_ENOTSUP;
}

aioble_op_t *aioble_client_char_subscribe(aioble_client_char_t *chr, unsigned what) {
  aioble_conn_t *conn = chr ? ab_client_char_conn(chr) : NULL;
  int status = ab_client_char_check(chr);
  ab_peer_op *p;
  subscribe_op *s;

  if (conn && status == 0)
    status = check_subscribe(chr, what);
  if (!conn || status < 0)
    return ab_client_char_failed(chr, status);
  p = ab_peer_op_new(conn, &subscribe_kind);
  if (!p)
    return ab_op_failed(conn->ble, AIOBLE_ENOMEM);
  s = ab_container_of(p, subscribe_op, p);
  s->chr = aioble_client_char_ref(chr);
  s->bits = (uint16_t) what;
  if (what)
    (void) ab_gatt_listen(&conn->client, &chr->listener);
  if (chr->cccd) {
    write_cccd(s);
    return &p->op;
  }
  ab_list_push(&chr->subscribing, &s->node);
  if (!chr->finding_cccd)
    find_cccd(chr);
  return &p->op;
}
