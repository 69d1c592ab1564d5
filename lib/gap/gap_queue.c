/* SPDX-License-Identifier: MIT */
/* Requests of which one at a time is on the air: what advertising and initiating have in common. */
#include "gap/gap_priv.h"

void ab_gap_queue_init(ab_gap_queue *queue) {
  ab_list_init(&queue->requests);
  queue->on_air = NULL;
}

ab_gap_request *ab_gap_queue_first(const ab_gap_queue *queue) {
  AB_LIST_EACH(n, &queue->requests)
    if (!ab_gap_request_of(n)->removing)
      return ab_gap_request_of(n);
  return NULL;
}

bool ab_gap_queue_outdated(const ab_gap_queue *queue) {
  return !queue->on_air || queue->on_air->removing;
}

void ab_gap_queue_end(ab_gap_queue *queue, ab_gap_request *req, int status, ab_gap_link *link) {
  ab_list_remove(&req->node);
  if (queue->on_air == req)
    queue->on_air = NULL;
  req->done(req, req->removing ? req->removing : status, link);
}

void ab_gap_queue_reap(ab_gap_queue *queue, const ab_gap_activity *activity) {
  if (activity->state == AB_GAP_OFF)
    queue->on_air = NULL;
  AB_LIST_EACH(n, &queue->requests)
    if (ab_gap_request_of(n)->removing && ab_gap_request_of(n) != queue->on_air)
      ab_gap_queue_end(queue, ab_gap_request_of(n), 0, NULL);
}

void ab_gap_queue_end_all(ab_gap_queue *queue, int status) {
  AB_LIST_EACH(n, &queue->requests)
    ab_gap_queue_end(queue, ab_gap_request_of(n), status, NULL);
}

void ab_gap_queue_add(ab_gap *gap, ab_gap_queue *queue, ab_gap_request *req) {
  req->removing = 0;
  ab_list_push(&queue->requests, &req->node);
  ab_gap_run(gap);
}

void ab_gap_request_remove(ab_gap *gap, ab_gap_request *req, int why) {
  req->removing = why;
  ab_gap_run(gap);
}

int ab_gap_queue_connected(ab_gap *gap, const ab_gap_queue *queue, int status,
                           const ab_hci_le_ev_enh_conn_complete *ev, ab_gap_link **link) {
  if (status == 0 && !ab_gap_queue_outdated(queue))
    return ab_gap_link_open(gap, ev, link);
  if (status == 0)
    ab_gap_refuse(gap, ev->handle);
  return status;
}
