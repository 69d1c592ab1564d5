/* SPDX-License-Identifier: MIT */
/*
 * GAP (Core Vol 3, Part C): scanning, advertising, initiating, and the links that come of it.
 *
 * The layer above asks by embedding requests; requests of one kind queue up. One function,
 * ab_gap_run(), compares what is asked with what the controller does and moves one towards the
 * other, within what the controller can do at once (LE supported states).
 */
#ifndef AB_GAP_H
#define AB_GAP_H

#include "hci/hci.h"
#include "util/env.h"
#include "util/list.h"

typedef struct ab_gap ab_gap;
typedef struct ab_gap_link ab_gap_link;
typedef struct ab_gap_scan ab_gap_scan;
typedef struct ab_gap_adv ab_gap_adv;
typedef struct ab_gap_connect ab_gap_connect;

/* one advertising report (Core Vol 4, Part E, 7.7.65.2); data is borrowed */
typedef struct ab_gap_report {
  aioble_addr_t addr; /* its identity where that is known … */
  aioble_addr_t air;  /* … and as it was heard; the same where the controller resolves */
  uint8_t type;       /* AB_HCI_REPORT_… */
  int8_t rssi;        /* dBm; 127: unknown */
  const uint8_t *data;
  uint8_t len; /* at most AB_GAP_AD_MAX */
} ab_gap_report;

enum { AB_GAP_AD_MAX = 31 };

/* ---- links ---- */

typedef struct ab_gap_params { /* in the units of HCI: 1.25 ms, events, 10 ms */
  uint16_t interval_min, interval_max, latency, timeout;
} ab_gap_params;

/* Core Vol 4, Part E, 7.8.12: the ranges, and a timeout longer than the latency allows */
bool ab_gap_params_valid(const ab_gap_params *params);

/* One command of a link at a time for each of these; fn once. value: the RSSI. */
typedef struct ab_gap_link_cmd ab_gap_link_cmd;
typedef void ab_gap_link_fn(ab_gap_link_cmd *cmd, int status, int value);
struct ab_gap_link_cmd {
  ab_list node;
  ab_gap *gap;
  ab_gap_link *link;
  ab_hci_cmd hci;
  ab_gap_link_fn *fn;
};

/* the addresses that a link was made with */
typedef struct ab_gap_air {
  aioble_addr_t local, peer;
} ab_gap_air;

struct ab_gap_link {
  ab_hci_link hci;
  ab_list node; /* in gap->links while up */
  ab_gap *gap;
  ab_list updates; /* ab_gap_link_cmd waiting for Connection Update Complete */
  ab_list cmds;    /* … for a command of the link */
  ab_hci_cmd disconnect_cmd;
  ab_hci_cmd params_cmd, ltk_cmd; /* answers to the controller's requests */
  ab_hci_cmd encrypt_cmd;
  aioble_addr_t peer; /* its identity, where that is known */
  ab_gap_air air;
  uint16_t interval, latency, timeout;
  uint8_t role; /* AB_HCI_ROLE_… */
  bool up, ending;
};

/* ---- what the layer above is told, and asked ---- */

/* a peer that uses private addresses */
typedef struct ab_gap_peer {
  aioble_addr_t identity;
  ab_key16 irk, local_irk; /* its key, and ours; the latter zero: we use none towards it */
} ab_gap_peer;

typedef struct ab_gap_events {
  /* a link comes up: 0 with the struct to keep it in, whose data goes to *frame; or why not */
  int (*link_new)(void *ctx, const aioble_addr_t *peer, ab_gap_link **link,
                  ab_hci_frame_fn **frame);
  /* … it is up, its fields are set; followed by the request's done */
  void (*link_up)(void *ctx, ab_gap_link *link);
  /* it has ended (AIOBLE_ERR_HCI(reason) or what ab_gap_stop() was given); the last use of link */
  void (*link_down)(void *ctx, ab_gap_link *link, int reason);
  /* new connection parameters are in force */
  void (*link_params)(void *ctx, ab_gap_link *link);
  /* the peer wishes for others: true to accept */
  bool (*link_param_request)(void *ctx, ab_gap_link *link, const ab_gap_params *wish);
  /* the central encrypts, and the key is wanted; false: there is none. NULL: there are no keys */
  bool (*link_key)(void *ctx, ab_gap_link *link, uint64_t rand, uint16_t ediv, ab_key16 *key);
  /* encryption is on or off now (0), with a new key perhaps, or ab_gap_encrypt() has failed */
  void (*link_encryption)(void *ctx, ab_gap_link *link, int status, bool on);
  /* private addresses (NULL, all of them: there are none), see gap_privacy.c */
  /* a new one of ours: 0, or why there is none */
  int (*private_address)(void *ctx, aioble_addr_t *addr);
  /* whose that one is, or NULL: of nobody we know */
  const aioble_addr_t *(*resolve)(void *ctx, const aioble_addr_t *addr);
  /* the peer of that identity may use them */
  bool (*is_private)(void *ctx, const aioble_addr_t *identity);
  /* the i-th of these peers, beginning with those that matter most; false: there are no more */
  bool (*private_peer)(void *ctx, unsigned i, ab_gap_peer *peer);
} ab_gap_events;

/* ---- requests ---- */

struct ab_gap_scan {
  ab_list node;
  uint16_t interval, window; /* 0.625 ms */
  bool active;
  /* the radio scans for it: once, from inside …_add() if it did already */
  void (*on_start)(ab_gap_scan *scan);
  /* borrowed */
  void (*on_report)(ab_gap_scan *scan, const ab_gap_report *report);
  /* the end: 0 after ab_gap_scan_remove() once the radio has ended it too, or an error */
  void (*done)(ab_gap_scan *scan, int status);
  bool started, removing;
};

/* what a request to advertise and one to connect have in common */
typedef struct ab_gap_request ab_gap_request;
struct ab_gap_request {
  ab_list node;
  /* 0 with the link that came of it; an error, or what ab_gap_request_remove() was given */
  void (*done)(ab_gap_request *req, int status, ab_gap_link *link);
  int removing; /* why; 0: not */
};

struct ab_gap_adv {
  ab_gap_request req;
  uint16_t interval; /* 0.625 ms */
  uint8_t type;      /* AB_HCI_ADV_… */
  uint8_t adv_len, rsp_len;
  ab_ad31 adv, rsp;
};

struct ab_gap_connect {
  ab_gap_request req;
  aioble_addr_t peer;
  aioble_addr_t air; /* the private address at which it … */
  bool heard;        /* … was heard just now (gap_init.c) */
  ab_gap_params params;
  uint16_t scan_interval, scan_window; /* 0.625 ms */
};

/* requests that take turns */
typedef struct ab_gap_queue {
  ab_list requests;
  ab_gap_request *on_air; /* the one the controller works on; NULL: none */
} ab_gap_queue;

/* ---- the machinery ---- */

typedef enum ab_gap_activity_state {
  AB_GAP_OFF,
  AB_GAP_STARTING, /* its commands are on the way */
  AB_GAP_ON,
  AB_GAP_STOPPING,
  AB_GAP_WAIT_EVENT, /* initiating: cancelled, Connection Complete is due */
} ab_gap_activity_state;

typedef enum ab_gap_kind { AB_GAP_SCAN, AB_GAP_ADV, AB_GAP_INIT, AB_GAP_KINDS } ab_gap_kind;

/* What the controller is doing, one of each kind: its commands go through one ab_hci_cmd. */
typedef struct ab_gap_activity {
  ab_hci_cmd cmd;
  ab_gap *gap;
  ab_gap_activity_state state;
  uint8_t step;      /* of the start sequence */
  aioble_addr_t own; /* our address, since it was started */
} ab_gap_activity;

/* what can be changed only while there is no activity, see gap_privacy.c and gap_resolving.c */
enum { AB_GAP_RESOLVING_MAX = 32 };

typedef struct ab_gap_privacy {
  ab_hci_cmd cmd;
  uint64_t rotation_us; /* the life of a private address of ours; 0: we show our identity */
  ab_timer rotation;
  bool address_due; /* ours is too old, or there is none yet */
  aioble_addr_t next;

  bool list_due;  /* the controller's resolving list is not as it should be */
  bool resolving; /* the controller resolves … */
  bool unusable;  /* … or had better not */
  uint8_t step;
  uint8_t n; /* … these peers' addresses */
  aioble_addr_t peers[AB_GAP_RESOLVING_MAX];
} ab_gap_privacy;

struct ab_gap {
  ab_env *env;
  ab_hci *hci;
  const ab_gap_events *ev;
  void *ctx;
  bool started;
  bool running, again; /* ab_gap_run() is at work; it was asked for meanwhile */
  ab_gap_activity activity[AB_GAP_KINDS];
  bool one_at_a_time; /* the controller refused one beside another */
  ab_list scans, links;
  ab_gap_queue advs, connects;
  unsigned n_links[2]; /* by role */
  uint16_t refused[8]; /* handles to be disconnected, nobody wants them */
  unsigned n_refused;
  ab_hci_cmd refuse_cmd;
  ab_list *next_scan;  /* while a report is given to all scans */
  ab_timer init_timer; /* a pause before initiating again; or the event after a cancel */
  bool init_pause;     /* … the former */
  ab_timer retry;      /* there was no memory to end something: soon again */
  bool init_ended;     /* Connection Complete came before its cancel was answered */
  uint16_t scan_interval, scan_window; /* as the controller has them */
  bool scan_active;
  ab_gap_privacy privacy;
  aioble_addr_t identity; /* ours: public, or random static */
  aioble_addr_t own;      /* the address in use, which may be a private one */
  uint64_t reports, malformed;
};

void ab_gap_init(ab_gap *gap, ab_env *env, const ab_gap_events *events, void *ctx);
/* Before the start: how long a private address of ours lives; 0: our identity is used instead. */
void ab_gap_set_rotation(ab_gap *gap, uint64_t us);
/* the controller is ready: work on what is asked */
void ab_gap_start(ab_gap *gap, ab_hci *hci);
/* the controller is going: nothing more is asked of it, the links live on; requests wait */
void ab_gap_hold(ab_gap *gap);
/* everything asked so far ends with `status`, at once */
void ab_gap_end_requests(ab_gap *gap, int status);
/* the controller is gone: the links end with `status`; requests wait for the next start */
void ab_gap_stop(ab_gap *gap, int status);

/* Requests can be made at any time; they wait for the start. done is never called from inside
   …_add(), but perhaps from inside …_remove(); the request may be forgotten from there on. */
void ab_gap_scan_add(ab_gap *gap, ab_gap_scan *scan);
void ab_gap_scan_remove(ab_gap *gap, ab_gap_scan *scan);
void ab_gap_adv_add(ab_gap *gap, ab_gap_adv *adv);
void ab_gap_connect_add(ab_gap *gap, ab_gap_connect *connect);
void ab_gap_request_remove(ab_gap *gap, ab_gap_request *req, int why);

/* 0: it will end, or has; ENOMEM, ENODEV */
int ab_gap_disconnect(ab_gap_link *link, uint8_t reason);
/* what `private_peer` says has changed */
void ab_gap_private_peers_changed(ab_gap *gap);
/* the link of the peer with that identity, or that used that address; or NULL */
ab_gap_link *ab_gap_link_to(const ab_gap *gap, const aioble_addr_t *peer);
/* fn may be called from inside on an error; ENOTCONN when the link ends first */
void ab_gap_update(ab_gap_link *link, ab_gap_link_cmd *cmd, const ab_gap_params *params,
                   ab_gap_link_fn *fn);
/* waits for the parameters to change without asking (an L2CAP request was accepted) */
void ab_gap_await_update(ab_gap_link *link, ab_gap_link_cmd *cmd, ab_gap_link_fn *fn);
void ab_gap_read_rssi(ab_gap_link *link, ab_gap_link_cmd *cmd, ab_gap_link_fn *fn);
/* The central encrypts the link, or changes its key; link_encryption follows. 0; EBUSY: it does so
   already; ENOMEM, ENODEV. */
int ab_gap_encrypt(ab_gap_link *link, uint64_t rand, uint16_t ediv, const ab_key16 *key);
/* the owner goes away: fn will not be called */
void ab_gap_link_cmd_detach(ab_gap_link_cmd *cmd);

#endif
