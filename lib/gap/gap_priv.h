/* SPDX-License-Identifier: MIT */
/* Between the files of GAP: what an activity can do, and the glue of gap_core.c. */
#ifndef AB_GAP_PRIV_H
#define AB_GAP_PRIV_H

#include "gap/gap.h"

/* the link layer states that LE Supported States speaks of (Core Vol 4, Part E, 7.8.27) */
typedef enum ab_le_state {
  AB_LE_ADV_NONCONN,
  AB_LE_ADV_SCANNABLE,
  AB_LE_ADV_CONN,
  AB_LE_ADV_HIGH_DUTY,
  AB_LE_ADV_LOW_DUTY,
  AB_LE_SCAN_PASSIVE,
  AB_LE_SCAN_ACTIVE,
  AB_LE_INITIATING,
  AB_LE_CENTRAL,
  AB_LE_PERIPHERAL,
} ab_le_state;

/* may the controller be in both at once? (a controller that names no state at all may) */
bool ab_le_states_allow(uint64_t le_states, ab_le_state a, ab_le_state b);

/* one of scanning, advertising, initiating */
typedef struct ab_gap_kind_ops {
  bool (*wanted)(const ab_gap *gap);          /* somebody asks for it */
  ab_le_state (*le_state)(const ab_gap *gap); /* … and it would be this */
  bool (*outdated)(const ab_gap *gap);        /* it is on, but not as asked for now */
  /* sends command number `step` of the start; AIOBLE_EOF: there is none, it is on */
  int (*start)(ab_gap *gap, unsigned step);
  /* ends the requests that are to be removed and are not, or no longer, on the air */
  void (*reap)(ab_gap *gap);
  void (*failed)(ab_gap *gap, int status);  /* it cannot run: tell the one whose turn it is */
  void (*end_all)(ab_gap *gap, int status); /* tell all who asked */
  /* the command that ends it has been answered; NULL: it is off then, whatever the answer */
  void (*stopped)(ab_gap *gap, int status);
  uint16_t stop_opcode; /* the command that ends it */
  uint8_t stop_len;
  uint8_t stop_params[2];
} ab_gap_kind_ops;

extern const ab_gap_kind_ops ab_gap_scan_ops, ab_gap_adv_ops, ab_gap_init_ops;

/* compares what is asked with what is, and acts */
void ab_gap_run(ab_gap *gap);
/* the completion that each command of an activity's start is sent with */
ab_hci_cmd_fn ab_gap_on_start_step;
/* there was no memory for a command that must be sent */
void ab_gap_retry_soon(ab_gap *gap);
void ab_gap_is_off(ab_gap *gap, ab_gap_kind kind);

/* events, by file */
ab_hci_event_fn ab_gap_on_adv_report; /* gap_scan.c */
/* Connection Complete: gap_adv.c, gap_init.c */
void ab_gap_adv_connected(ab_gap *gap, int status, const ab_hci_le_ev_enh_conn_complete *ev);
void ab_gap_init_connected(ab_gap *gap, int status, const ab_hci_le_ev_enh_conn_complete *ev);
void ab_gap_init_satisfied(ab_gap *gap, ab_gap_link *link);

/* gap_init.c: requests whose peer has to be heard first; NULL: there is none */
const ab_gap_connect *ab_gap_init_seeks(const ab_gap *gap);
void ab_gap_init_heard(ab_gap *gap, const ab_gap_report *report);
void ab_gap_init_seek_failed(ab_gap *gap, int status);

/* gap_queue.c */
static inline ab_gap_request *ab_gap_request_of(ab_list *n) {
  return ab_container_of(n, ab_gap_request, node);
}
void ab_gap_queue_init(ab_gap_queue *queue);
void ab_gap_queue_add(ab_gap *gap, ab_gap_queue *queue, ab_gap_request *req);
/* the first that is not to be removed; NULL: none */
ab_gap_request *ab_gap_queue_first(const ab_gap_queue *queue);
/* none is on the air, or one that is to be removed */
bool ab_gap_queue_outdated(const ab_gap_queue *queue);
void ab_gap_queue_end(ab_gap_queue *queue, ab_gap_request *req, int status, ab_gap_link *link);
/* ends those to be removed that are not, or no longer, on the air */
void ab_gap_queue_reap(ab_gap_queue *queue, const ab_gap_activity *activity);
void ab_gap_queue_end_all(ab_gap_queue *queue, int status);
/* A Connection Complete for the one on the air: its status, and the link. One that was to end has
   ended without the peer that slipped in, which is sent away. */
int ab_gap_queue_connected(ab_gap *gap, const ab_gap_queue *queue, int status,
                           const ab_hci_le_ev_enh_conn_complete *ev, ab_gap_link **link);

/* gap_link.c */
void ab_gap_links_register(ab_gap *gap);
/* the link of a Connection Complete, up; or why it is refused, and disconnected */
int ab_gap_link_open(ab_gap *gap, const ab_hci_le_ev_enh_conn_complete *ev, ab_gap_link **out);
/* disconnects a link nobody wants */
void ab_gap_refuse(ab_gap *gap, uint16_t handle);
void ab_gap_refuse_next(ab_gap *gap);
void ab_gap_links_stop(ab_gap *gap, int status);
ab_gap_link *ab_gap_link_of(const ab_gap *gap, uint16_t handle); /* NULL: there is none */
/* by its identity, or by the address it used */
static inline bool ab_gap_is_peer(const ab_gap_link *link, const aioble_addr_t *addr) {
  return aioble_addr_equal(&link->peer, addr) || aioble_addr_equal(&link->air.peer, addr);
}

/* gap_privacy.c */
void ab_gap_privacy_start(ab_gap *gap);
void ab_gap_privacy_hold(ab_gap *gap);
/* Something is to be changed before any activity may be started. */
bool ab_gap_privacy_due(const ab_gap *gap, bool wanted); /* wanted: some activity is */
void ab_gap_privacy_work(ab_gap *gap);                   /* … and there is none now */
/* the identity of whoever uses that address, or the address itself */
aioble_addr_t ab_gap_identity_of(const ab_gap *gap, const aioble_addr_t *air);

/* gap_resolving.c */
bool ab_gap_resolving_due(const ab_gap *gap);
int ab_gap_resolving_work(ab_gap *gap);
/* the controller knows that peer at any address of its */
bool ab_gap_resolves(const ab_gap *gap, const aioble_addr_t *identity);

/* gap_encrypt.c */
void ab_gap_encryption_register(ab_gap *gap);

#endif
