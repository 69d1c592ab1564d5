/* SPDX-License-Identifier: MIT */
/*
 * Data that comes before the event that says under which encryption (Encryption Change, or Key
 * Refresh Complete). Over USB events and data take different ways to us, and who came first is not
 * known. Data of a link on which an encryption is under way is held for the event, in its order,
 * for at most HOLD_US.
 *
 * A link's encryption takes at least one connection interval from when it is asked for, and in its
 * course nothing may come in the clear (Core Vol 6, Part B, 5.1.3.1). So what is held for less than
 * the shortest interval, 7.5 ms, and then finds the link encrypted, was.
 */
#include "host/host.h"

enum {
  HOLD_US = 5000,
  FRAMES_MAX = 16,
  PROCEDURE_US = 40000000, /* a link on which it takes longer ends (5.2) */
};

static void deliver(aioble_conn_t *conn, const uint8_t *frame, size_t len) {
  if (frame)
    ab_l2cap_rx(&conn->l2cap, frame, len);
  else /* one was lost: nobody would miss what is not there */
    ab_gap_drop(&conn->link, AB_HCI_ERR_REMOTE_LOW_RESOURCES);
}

static void on_frame(ab_hci_link *hci, const uint8_t *frame, size_t len) {
  deliver(ab_conn_of_link(ab_container_of(hci, ab_gap_link, hci)), frame, len);
}

/* what it does may end the link */
static void flush(aioble_conn_t *conn) {
  ab_host_early *e = &conn->early;
  ab_list frames, *n;

  ab_timer_stop(&conn->ble->env, &e->timer);
  ab_list_take_all(&frames, &e->frames);
  e->n = 0;
  while ((n = ab_list_pop(&frames))) {
    ab_buf *frame = ab_container_of(n, ab_buf, node);

    if (conn->link.up)
      deliver(conn, frame->p, frame->len);
    ab_buf_free(frame);
  }
}

static void on_time_up(ab_timer *timer) {
  aioble_conn_t *conn = ab_container_of(timer, aioble_conn_t, early.timer);

  conn->ble->stats.early_released += conn->early.n;
  if (conn->ble->env.now_us >= conn->early.until_us) /* there was none */
    conn->link.hci.on_frame = on_frame;
  aioble_conn_ref(conn);
  flush(conn);
  aioble_conn_unref(conn);
}

/* more than can be held, or no memory: all goes on as it is */
static void on_early_frame(ab_hci_link *hci, const uint8_t *data, size_t len) {
  aioble_conn_t *conn = ab_conn_of_link(ab_container_of(hci, ab_gap_link, hci));
  ab_host_early *e = &conn->early;
  ab_buf *frame = data && e->n < FRAMES_MAX ? ab_buf_copy(&conn->ble->bufs, data, len) : NULL;

  if (!frame) {
    conn->ble->stats.early_released += e->n + 1;
    aioble_conn_ref(conn);
    flush(conn);
    if (conn->link.up)
      deliver(conn, data, len);
    aioble_conn_unref(conn);
    return;
  }
  frame->secret = true; /* keys are distributed then */
  if (e->n++ == 0)
    ab_timer_start(&conn->ble->env, &e->timer, HOLD_US, on_time_up);
  ab_list_push(&e->frames, &frame->node);
}

ab_hci_frame_fn *ab_host_early_init(aioble_conn_t *conn) {
  ab_list_init(&conn->early.frames);
  return on_frame;
}

void ab_host_early_begin(aioble_conn_t *conn) {
  conn->early.until_us = conn->ble->env.now_us + PROCEDURE_US;
  conn->link.hci.on_frame = on_early_frame;
}

void ab_host_early_end(aioble_conn_t *conn) {
  conn->link.hci.on_frame = on_frame;
  flush(conn);
}
