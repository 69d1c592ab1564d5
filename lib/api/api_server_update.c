/* SPDX-License-Identifier: MIT */
/*
 * Subscribers, and the updates that all of them get: a notification, or an indication for those who
 * asked for that only. Nobody waits for an update; where too much is waiting already it is not
 * sent, nor to a client that must not get it now, which is no error.
 */
#include "api/api_server.h"

enum { UPDATES_WAITING = 16 }; /* indications, from which on there is no room for more */

unsigned aioble_char_subscribed(const aioble_char_t *chr, const aioble_conn_t *conn) {
  return chr && conn ? ab_gatt_server_subscribed(&conn->server, &chr->local.value) : 0;
}

size_t aioble_char_subscribers(const aioble_char_t *chr, aioble_conn_t **conns, size_t max) {
  size_t n = 0;

  if (!chr)
    return 0;
  AB_LIST_EACH(node, &chr->service->ble->conns) {
    aioble_conn_t *conn = ab_container_of(node, aioble_conn_t, node);

    if (!aioble_char_subscribed(chr, conn))
      continue;
    if (n < max)
      conns[n] = conn;
    n++;
  }
  return n;
}

static bool crowded(const ab_list *waiting) {
  unsigned n = 0;

  for (const ab_list *at = waiting->next; at != waiting && n < UPDATES_WAITING; at = at->next)
    n++;
  return n == UPDATES_WAITING;
}

/* without a time limit: a client that does not confirm within 30 s loses the bearer */
static int indicate_update(const aioble_char_t *chr, aioble_conn_t *conn, ab_buf *pdu, int status) {
  aioble_op_t *op = ab_indicate(chr, conn, pdu, status);

  status = aioble_op_done(op) ? aioble_op_status(op) : 0;
  aioble_op_set_timeout(op, AIOBLE_FOREVER);
  aioble_op_unref(op);
  return status;
}

static int send_update(const aioble_char_t *chr, aioble_conn_t *conn, unsigned what) {
  aioble_bytes_t bytes = ab_local_bytes(&chr->local);
  int status = 0;
  ab_buf *pdu;

  if (what & AIOBLE_SUBSCRIBE_NOTIFY)
    return ab_char_try_notify(chr, conn, bytes);
  if (crowded(&ab_char_indications(chr, conn)->indications.waiting))
    return AIOBLE_EAGAIN;
  pdu = ab_char_pdu(chr, conn, AB_ATT_INDICATION, bytes, &status);
  return indicate_update(chr, conn, pdu, status);
}

int ab_char_send_update(const aioble_char_t *chr) {
  int status = 0, err;

  AB_LIST_EACH(n, &chr->service->ble->conns) {
    aioble_conn_t *conn = ab_container_of(n, aioble_conn_t, node);
    unsigned what = aioble_char_subscribed(chr, conn);

    if (what && ab_char_withheld(chr, conn))
      what = 0;
    err = what ? send_update(chr, conn, what) : 0;
    if (status == 0)
      status = err;
  }
  return status;
}
