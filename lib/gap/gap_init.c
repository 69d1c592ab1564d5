/* SPDX-License-Identifier: MIT */
/*
 * Initiating (Core Vol 4, Part E, 7.8.12, 7.8.13), one request at a time:
 *
 *   1. LE Create Connection; a Command Status says it has started.
 *   2. LE Connection Complete ends it: with the link, or with an error.
 *   3. To end it before: LE Create Connection Cancel. Connection Complete still follows, with
 *      Unknown Connection (0x02), or with the link if that came first: it is sent away then. It may
 *      also have come before the cancel was answered. A controller that owes the event and does
 *      not send it within EVENT_US is not waited for.
 *
 * It may also be ended to make place for something else: then the request waits for its next turn.
 *
 * A peer with private addresses that the controller cannot resolve has to be heard first: as long
 * as there is a request for one, we scan, until a connectable report of it says which address it
 * has now. That is initiated to for HEARD_US at most; then it may have another one, and we scan
 * again.
 *
 * "Failed To Be Established" (0x3e) is no answer for somebody who gave a time limit: after a pause
 * it is tried again, until the request is removed.
 */
#include "gap/gap_priv.h"

AB_HCI_SENDER(hci_le_create_conn)

enum { EVENT_US = 1000000, PAUSE_US = 100000, HEARD_US = 3000000 };
enum { IDENTITY = 2 }; /* of an address type: the address is that of a peer, whatever it uses */

static ab_gap_connect *connect_of(ab_gap_request *req) {
  return ab_container_of(req, ab_gap_connect, req);
}

/* it uses private addresses, which the controller cannot resolve */
static bool hidden(const ab_gap *gap, const ab_gap_connect *connect) {
  return gap->ev->is_private && gap->ev->is_private(gap->ctx, &connect->peer) &&
         !ab_gap_resolves(gap, &connect->peer);
}

static bool to_be_heard(const ab_gap *gap, const ab_gap_connect *connect) {
  return !connect->heard && hidden(gap, connect);
}

/* the first that can be started, or has to be heard before that; a link to its peer that is ending
   has to end before */
static ab_gap_request *first(const ab_gap *gap, bool seeking) {
  AB_LIST_EACH(n, &gap->connects.requests) {
    ab_gap_request *req = ab_gap_request_of(n);
    const ab_gap_connect *connect = connect_of(req);

    if (!req->removing && to_be_heard(gap, connect) == seeking &&
        !ab_gap_link_to(gap, &connect->peer))
      return req;
  }
  return NULL;
}

static ab_gap_request *current(const ab_gap *gap) {
  return gap->connects.on_air ? gap->connects.on_air : first(gap, false);
}

static bool wanted(const ab_gap *gap) {
  return first(gap, false) && !gap->init_pause;
}

static ab_le_state le_state(const ab_gap *gap) {
  (void) gap;
  return AB_LE_INITIATING;
}

static bool outdated(const ab_gap *gap) {
  return ab_gap_queue_outdated(&gap->connects) ||
         to_be_heard(gap, connect_of(gap->connects.on_air));
}

/* at the address heard, or by its identity, to a controller that resolves it */
static int create(ab_gap *gap, const ab_gap_connect *req) {
  const aioble_addr_t *peer = hidden(gap, req) ? &req->air : &req->peer;
  ab_hci_le_create_conn rec = {.scan_interval = req->scan_interval,
                               .scan_window = req->scan_window,
                               .peer_addr_type = peer->type,
                               .own_addr_type = gap->own.type,
                               .interval_min = req->params.interval_min,
                               .interval_max = req->params.interval_max,
                               .latency = req->params.latency,
                               .supervision_timeout = req->params.timeout};

  if (ab_gap_resolves(gap, peer))
    rec.peer_addr_type |= IDENTITY;
  memcpy(rec.peer_addr.b, peer->bytes, sizeof rec.peer_addr.b);
  return ab_hci_send(gap->hci, &gap->activity[AB_GAP_INIT].cmd, AB_HCI_LE_CREATE_CONN,
                     hci_le_create_conn, &rec, ab_gap_on_start_step);
}

static void on_heard_long_ago(ab_timer *timer) {
  ab_gap *gap = ab_container_of(timer, ab_gap, init_timer);

  if (gap->connects.on_air)
    connect_of(gap->connects.on_air)->heard = false;
  ab_gap_run(gap);
}

static int start(ab_gap *gap, unsigned step) {
  if (step == 0) {
    gap->connects.on_air = current(gap);
    gap->init_ended = false;
    gap->activity[AB_GAP_INIT].own = gap->own; /* the event may come before the command's answer */
    return gap->connects.on_air ? create(gap, connect_of(gap->connects.on_air)) : AIOBLE_EOF;
  }
  if (gap->connects.on_air && hidden(gap, connect_of(gap->connects.on_air)))
    ab_timer_start(gap->env, &gap->init_timer, HEARD_US, on_heard_long_ago);
  return AIOBLE_EOF; /* when the event came before, nothing is initiated any more */
}

static void reap(ab_gap *gap) {
  ab_gap_queue_reap(&gap->connects, &gap->activity[AB_GAP_INIT]);
}

static void failed(ab_gap *gap, int status) {
  ab_gap_request *req = current(gap);

  if (req)
    ab_gap_queue_end(&gap->connects, req, status, NULL);
}

static void end_all(ab_gap *gap, int status) {
  ab_gap_queue_end_all(&gap->connects, status);
}

static void off(ab_gap *gap) {
  ab_timer_stop(gap->env, &gap->init_timer);
  ab_gap_is_off(gap, AB_GAP_INIT);
}

static void on_no_event(ab_timer *timer) {
  off(ab_container_of(timer, ab_gap, init_timer));
}

static void stopped(ab_gap *gap, int status) {
  (void) status; /* refused: it had ended already, and the event is on the way or has been */
  if (gap->init_ended) {
    off(gap);
    return;
  }
  gap->activity[AB_GAP_INIT].state = AB_GAP_WAIT_EVENT;
  ab_timer_start(gap->env, &gap->init_timer, EVENT_US, on_no_event);
}

const ab_gap_kind_ops ab_gap_init_ops = {
    .wanted = wanted,
    .le_state = le_state,
    .outdated = outdated,
    .start = start,
    .reap = reap,
    .failed = failed,
    .end_all = end_all,
    .stopped = stopped,
    .stop_opcode = AB_HCI_LE_CREATE_CONN_CANCEL,
};

/* ---- a peer that has to be heard ---- */

const ab_gap_connect *ab_gap_init_seeks(const ab_gap *gap) {
  ab_gap_request *req = first(gap, true);

  return req ? connect_of(req) : NULL;
}

void ab_gap_init_heard(ab_gap *gap, const ab_gap_report *report) {
  bool connectable =
      report->type == AB_HCI_REPORT_ADV_IND || report->type == AB_HCI_REPORT_DIRECT_IND;

  AB_LIST_EACH(n, &gap->connects.requests) {
    ab_gap_connect *connect = connect_of(ab_gap_request_of(n));

    if (connectable && !connect->heard && aioble_addr_equal(&connect->peer, &report->addr)) {
      connect->heard = hidden(gap, connect);
      connect->air = report->air;
    }
  }
  ab_gap_run(gap);
}

/* scanning is refused */
void ab_gap_init_seek_failed(ab_gap *gap, int status) {
  ab_gap_request *req;

  while ((req = first(gap, true)))
    ab_gap_queue_end(&gap->connects, req, status, NULL);
}

/* ---- from asked to connected ---- */

void ab_gap_connect_add(ab_gap *gap, ab_gap_connect *connect) {
  connect->heard = false;
  ab_gap_queue_add(gap, &gap->connects, &connect->req);
}

static void on_pause_over(ab_timer *timer) {
  ab_gap *gap = ab_container_of(timer, ab_gap, init_timer);

  gap->init_pause = false;
  ab_gap_run(gap);
}

/* the request that failed goes behind the others */
static void try_again(ab_gap *gap, ab_gap_request *req) {
  ab_list_remove(&req->node);
  ab_list_push(&gap->connects.requests, &req->node);
  gap->connects.on_air = NULL;
  gap->init_pause = true;
  ab_timer_start(gap->env, &gap->init_timer, PAUSE_US, on_pause_over);
}

/* those who want to connect to the peer of a new link have what they asked for */
void ab_gap_init_satisfied(ab_gap *gap, ab_gap_link *link) {
  AB_LIST_EACH(n, &gap->connects.requests)
    if (ab_gap_is_peer(link, &connect_of(ab_gap_request_of(n))->peer))
      ab_gap_queue_end(&gap->connects, ab_gap_request_of(n), 0, link);
}

/* ended to make place for something else */
static bool interrupted(const ab_gap *gap, int status) {
  ab_gap_activity_state state = gap->activity[AB_GAP_INIT].state;

  return status == AIOBLE_ERR_HCI(AB_HCI_ERR_UNKNOWN_CONNECTION) &&
         (state == AB_GAP_STOPPING || state == AB_GAP_WAIT_EVENT) && gap->connects.on_air &&
         !gap->connects.on_air->removing;
}

/* the end of an attempt: the event, whatever state its commands are in */
void ab_gap_init_connected(ab_gap *gap, int status, const ab_hci_le_ev_enh_conn_complete *ev) {
  ab_gap_activity *a = &gap->activity[AB_GAP_INIT];
  ab_gap_request *req = gap->connects.on_air;
  ab_gap_link *link = NULL;

  gap->init_ended = true;
  if (interrupted(gap, status))
    req = gap->connects.on_air = NULL;
  if (a->state == AB_GAP_ON || a->state == AB_GAP_WAIT_EVENT) {
    ab_timer_stop(gap->env, &gap->init_timer);
    a->state = AB_GAP_OFF;
  }
  status = ab_gap_queue_connected(gap, &gap->connects, status, ev, &link);
  if (!req)
    return;
  if (status == AIOBLE_ERR_HCI(AB_HCI_ERR_FAILED_TO_ESTABLISH) && !req->removing) {
    try_again(gap, req);
    return;
  }
  ab_gap_queue_end(&gap->connects, req, status, link);
  if (link)
    ab_gap_init_satisfied(gap, link);
}
