/* SPDX-License-Identifier: MIT */
/*
 * The stack of one adapter: wires the layers together, opens and closes them. struct aioble and
 * struct aioble_conn are what the public handles point to.
 */
#ifndef AB_HOST_H
#define AB_HOST_H

#include "api/op.h"
#include "att/att.h"
#include "gap/gap.h"
#include "gatt/gatt_cache.h"
#include "gatt/gatt_client.h"
#include "gatt/gatt_server.h"
#include "hci/hci.h"
#include "l2cap/l2cap_chan.h"
#include "smp/smp.h"
#include "store/store.h"
#include "transport/snoop.h"
#include <aioble.h>
#include <aioble/loop.h>
#include <aioble/transport.h>

typedef enum ab_host_state {
  AB_HOST_CLOSED,
  AB_HOST_OPENING,  /* the transport */
  AB_HOST_STARTING, /* the controller: reset to ready */
  AB_HOST_READY,
  AB_HOST_DRAINING, /* closing: links are being disconnected */
  AB_HOST_RESET,    /* … the controller is being reset */
  AB_HOST_CLOSING,  /* the transport is being closed, after a close, a failure or a loss */
} ab_host_state;

enum { AB_HOST_WHY = 320 };

/* what aioble_config_set() can change */
typedef struct ab_config {
  bool random_address, private_address;
  uint16_t rotation_s;
  uint16_t mtu;
  bool bond, mitm, le_secure, secure_only;
  uint8_t io, pairable; /* ab_smp_io, ab_smp_pairable */
} ab_config;

struct aioble {
  ab_env env;
  ab_ops ops;
  ab_bufs bufs;
  uint32_t refs;
  ab_host_state state;
  bool in_turn; /* input, timers or continuations are being worked on: the end of it delivers */
  bool turn_wanted;
  bool transport_open; /* there is one, and its closed is due */
  bool reopen;         /* somebody needs the adapter, once it is closed */
  bool save_failed;    /* the last time */
  bool save_due;       /* at the end of the turn */
  bool tell_store;     /* that its status has changed */
  bool identified;     /* the controller has said who it is: public_addr */

  aioble_options_t options; /* strings are copies */
  ab_config config;
  aioble_loop_t *loop; /* NULL: none is held */
  uv_loop_t *uv;
  aioble_transport_t *transport; /* while not closed */
  ab_snoop *snoop;
  int64_t snoop_base_us;        /* the date at time 0 of the loop's clock */
  aioble_store_ops_t store_ops; /* what options.store_ops points to */
  ab_store *store;
  int store_status; /* 0, or what is wrong with it, and in words */
  char store_why[AB_STORE_WHY];
  ab_timer save_timer;       /* until what was kept is flushed */
  aioble_addr_t public_addr; /* the controller's; zero: none */
  aioble_addr_t static_addr; /* ours, if the controller needs one */

  ab_hci *hci;
  ab_hci_cmd reset_cmd;
  ab_timer state_timer; /* how long opening, draining or the reset may take */
  ab_gap gap;
  ab_gatt_server server;
  ab_list listeners; /* ab_l2cap_listener */
  ab_l2cap_listener eatt;
  ab_smp_stack smp;
  ab_smp_oob oob;              /* for pairings that the peer starts */
  aioble_prompt_fn *on_prompt; /* for connections without one of their own */
  void *prompt_user;
  aioble_pairing_request_fn *on_pairing_request; /* NULL: whoever is pairable may */
  void *pairing_request_user;
  ab_list conns; /* aioble_conn: those connected */
  unsigned n_conns;
  ab_list hooks_due; /* aioble_conn whose hooks are to be called at the end of the turn */

  ab_list opens, closes; /* aioble_op_t (by its node) that wait for the state */
  ab_list written;       /* … that wait for a client to write, to whatever characteristic */
  int lost;              /* the controller is gone: to be dealt with at the end of the turn */
  bool tell_lost;        /* … and the application to be told */
  int why_status;        /* the last failure, and in words */
  char why[AB_HOST_WHY];
  aioble_stats_t stats; /* what is counted here, and what controllers before this one counted */
};

struct aioble_device {
  aioble_t *ble;
  aioble_addr_t addr;
  uint32_t refs;
};

/* May the cache of the peer's table be used on a link? See host_cache.c. */
typedef enum ab_cache_state {
  AB_CACHE_OFF,       /* no: discovery asks the peer */
  AB_CACHE_UNCHECKED, /* it is what was known before this link; the first discovery checks that */
  AB_CACHE_CHECKING,
  AB_CACHE_READY,
} ab_cache_state;

/* somebody who waits until that is known */
typedef struct ab_cache_wait ab_cache_wait;
struct ab_cache_wait {
  ab_list node;
  void (*fn)(ab_cache_wait *wait);
};

typedef struct ab_host_cache {
  ab_gatt_cache table;
  aioble_cache_t use; /* as wished for this link */
  ab_cache_state state;
  ab_list waiting;          /* ab_cache_wait, while CHECKING */
  ab_gatt_disc hash;        /* the read of the Database Hash … */
  bool reading;             /* … is on its way */
  uint32_t generation;      /* … since the table was this one */
  bool told;                /* the peer has said what has changed since the hash was known */
  bool checked;             /* READY before: handles were given out */
  bool asking, asked;       /* the peer to tell us of changes (api_cache.c) … */
  unsigned asks;            /* … so often on this link */
  ab_gatt_listener changes; /* … when it does */
} ab_host_cache;

/* somebody, refused for want of security, who waits until the link has it (again), or will not */
typedef struct ab_demand_wait ab_demand_wait;
struct ab_demand_wait {
  ab_list node;
  void (*fn)(ab_demand_wait *wait, bool again);
};

typedef struct ab_host_demand {
  aioble_auto_secure_t use;
  bool busy;         /* the link is being made more secure … */
  ab_list waiting;   /* … for these, and for requests that bearers hold */
  int status;        /* how that has failed; 0: it has not */
  uint64_t ended_us; /* when it ended; 0: never */
} ab_host_demand;

/* data that may have come before the news of its encryption */
typedef struct ab_host_early {
  ab_list frames; /* ab_buf */
  unsigned n;
  ab_timer timer;
  uint64_t until_us; /* it must have come */
} ab_host_early;

struct aioble_conn {
  ab_list node; /* in ble->conns while connected, which then holds a reference */
  aioble_t *ble;
  aioble_device_t *device;
  ab_gap_link link;
  ab_l2cap_link l2cap;
  ab_smp smp;
  ab_list pairs;               /* aioble_op_t: the first is being worked on, the others wait */
  ab_list securing;            /* aioble_op_t: connects, until the bond's key is in use */
  int secured;                 /* … or why it is not */
  aioble_prompt_fn *on_prompt; /* of the pairing that was asked for */
  void *prompt_user;
  ab_smp_prompt prompt; /* due … */
  uint32_t prompt_number;
  uint8_t keypresses[AB_SMP_KEYPRESSES]; /* due, too */
  uint8_t n_keypresses;
  int security_status;
  ab_att att;
  ab_gatt_client client;
  ab_gatt_server_link server;
  ab_gatt_bearer bearer;
  ab_host_early early;
  ab_host_demand demand;      /* of the peer's, for security */
  ab_host_cache cache;        /* of the peer's table */
  ab_list services;           /* aioble_client_service: the handles there are */
  ab_att_range changed;       /* what of them is gone, for the hook */
  bool bonded;                /* the link is encrypted with a bond's key … */
  aioble_addr_t identity;     /* … of this peer */
  struct ab_eatt *eatt;       /* enhanced bearers; NULL: there were none so far */
  ab_att_req mtu_req;         /* the exchange the library starts by itself */
  ab_gap_link_cmd params_cmd; /* the update that a peer's L2CAP request asked for */
  ab_list mtu_waiting;        /* aioble_op_t: for the exchange that the library started */
  ab_list waiting;            /* aioble_op_t: disconnect and disconnected */
  aioble_conn_hooks_t hooks;
  ab_list hooks_node; /* in ble->hooks_due, which then holds a reference */
  unsigned hooks_due; /* a set of AB_HOOK_… */
  uint32_t refs;
  int reason;
};

/* ---- host_turn.c ---- */

/* Whatever starts or settles something calls it: outside a turn it refreshes the clock and asks the
   loop for one. false: out of memory, there is no loop client. */
bool ab_host_touch(aioble_t *ble);
void ab_host_turn_begin(aioble_t *ble);
void ab_host_turn_end(aioble_t *ble);
/* the loop client whose turns are this stack's; NULL: out of memory for one */
void ab_host_use_loop(aioble_t *ble, aioble_loop_t *loop);

/* ---- host_open.c, host_close.c ---- */

/* Somebody needs the adapter: opens it if it is closed. */
void ab_host_want_open(aioble_t *ble);
/* why a request failed with that status, in words; NULL: nothing is known beyond the status */
const char *ab_host_why(const aioble_t *ble, int status);
/* The controller is beyond use, or to be given up; dealt with at the end of the turn. */
void ab_host_lost(aioble_t *ble, int status, const char *why);
/* … now: everything ends with `status`, the transport is closed */
void ab_host_tear_down(aioble_t *ble, int status);
/* aioble_transport_sink.closed */
void ab_host_on_closed(void *ble);
/* adds the controller's counters */
void ab_host_add_hci_stats(const aioble_t *ble, aioble_stats_t *stats);
/* the orderly end, at any time */
void ab_host_close(aioble_t *ble);
/* a link has ended: the closing may wait for it */
void ab_host_link_gone(aioble_t *ble);
/* closed at the end of a turn: lets go of the loop, or opens again */
void ab_host_after_close(aioble_t *ble);
/* all ops on such a list settle */
void ab_host_settle_all(ab_list *ops, int status, const char *why);

/* ---- host_capture.c ---- */

/* a packet for the capture file there is, without its keys */
void ab_host_capture(aioble_t *ble, ab_snoop_way way, const uint8_t *bytes, size_t len);

/* ---- host_conn.c ---- */

enum {
  AB_HOOK_DISCONNECT = 1,
  AB_HOOK_PARAMS = 2,
  AB_HOOK_MTU = 4,
  AB_HOOK_SECURITY = 8,
  AB_HOOK_PROMPT = 16,
  AB_HOOK_KEYPRESS = 32,
  AB_HOOK_SERVICES = 64
};

extern const ab_gap_events ab_host_gap_events;
/* that hook of the connection is called at the end of the turn */
void ab_host_hook_due(aioble_conn_t *conn, unsigned hook);
/* the link's key is in use where it has one: what the library does by itself at the beginning */
void ab_host_conn_start(aioble_conn_t *conn);
void ab_host_call_hooks(aioble_t *ble);
/* adds the counters of a link that is up */
void ab_host_add_conn_stats(const aioble_conn_t *conn, aioble_stats_t *stats);
/* the MTU exchange that the library started has ended (api_conn.c) */
void ab_conn_auto_mtu_done(aioble_conn_t *conn, int status);

/* ---- host_cache.c: the cache of the peer's table ---- */

void ab_host_cache_init(aioble_conn_t *conn);
void ab_host_cache_free(aioble_conn_t *conn);
/* the link is up; again, when something else than the stack's option is wished for it */
void ab_host_cache_start(aioble_conn_t *conn, aioble_cache_t use);
/* the link has ended, and what is worth it was saved */
void ab_host_cache_end(aioble_conn_t *conn);
/* Before a discovery: true, and fn will be called (never inline) when it is known whether the cache
   may be used; false: it is known. The owner may leave the list before. */
bool ab_host_cache_wait(aioble_conn_t *conn, ab_cache_wait *wait, void (*fn)(ab_cache_wait *wait));
/* the peer says that we do not know its table (error 0x12) */
void ab_host_cache_out_of_sync(aioble_conn_t *conn);
/* values of that handle say what has changed */
void ab_host_cache_listen(aioble_conn_t *conn, uint16_t handle);
/*
 * The link is encrypted with the key of a bond: what is kept of that peer, by its identity address,
 * is in force again, for us as its client and as its server. Hooks of the server are called, which
 * may end the link. fresh: the bond was made on this link, and begins with what is set now.
 */
void ab_host_peer_bonded(aioble_conn_t *conn, const aioble_addr_t *identity, bool fresh);

/* ---- host_early.c: data on its way in, while an encryption is under way ---- */

/* what takes the link's frames */
ab_hci_frame_fn *ab_host_early_init(aioble_conn_t *conn);
/* an encryption is under way */
void ab_host_early_begin(aioble_conn_t *conn);
/* … it has been told how it went; or the link has ended. May end the link. */
void ab_host_early_end(aioble_conn_t *conn);

/* ---- host_demand.c: what is refused for want of security ---- */

void ab_host_demand_init(aioble_conn_t *conn);
/* the link's security has changed */
void ab_host_demand_secured(aioble_conn_t *conn);
/* ab_att_events.on_refused of all bearers */
ab_att_verdict ab_host_demand_refused(aioble_conn_t *conn, uint8_t code, bool secured);
/* Something else was refused with that status. True: fn will be called, from the loop, and may ask
   again; false: that is all. Whoever waits may leave the list before. */
bool ab_host_demand_wait(aioble_conn_t *conn, int status, ab_demand_wait *wait,
                         void (*fn)(ab_demand_wait *wait, bool again));
/* ab_op.longer of what may wait for it, with that time limit */
uint64_t ab_host_demand_longer(const aioble_conn_t *conn, uint64_t limit_us);
/* why the link was not made more secure for what has ended with that status; 0: nothing was tried
 */
int ab_host_demand_failed(const aioble_conn_t *conn, int status);

/* ---- host_peer.c: what is kept of a peer ---- */

/* under that address; NULL: it has none that it will have again */
const aioble_addr_t *ab_host_peer_key(const aioble_conn_t *conn);
/* its table, as far as anything is kept */
void ab_host_peer_load(aioble_conn_t *conn);
/* … and none is to be kept any more */
void ab_host_peer_drop(aioble_conn_t *conn);
/* what it had set as our client */
void ab_host_peer_restore(aioble_conn_t *conn);
/* the link ends: what has changed is kept */
void ab_host_peer_save(aioble_conn_t *conn);

/* ---- host_bonds.c: what is kept of bonds ---- */

/* Those in memory become those of the store, but for those that no store has; our own key, too. 0,
   or AIOBLE_ENOMEM: not all of them. */
int ab_host_bonds_read(aioble_t *ble, const ab_store *store);
/* those that no store has go to this one */
void ab_host_bonds_keep(aioble_t *ble);
/* a bond has come, or goes with all that is kept of the peer */
void ab_host_bond_changed(aioble_t *ble, ab_bond *bond, bool gone);
/*
 * Its SignCounters have changed. Ours: on the disk when this returns 0. The peer's: now, or when
 * 5 s have passed since something else was saved: so much of what it has signed could be
 * repeated if the program is killed.
 */
int ab_host_bond_counted(aioble_t *ble, const ab_bond *bond, bool ours);
/* those of a file of MicroPython's aioble; how many have come, or an error */
int ab_host_bonds_import(aioble_t *ble, const char *path, unsigned *unreadable);

/* ---- host_store.c: the store itself ---- */

/* the controller has said who it is: the store is opened, if there is to be one. One that cannot be
   used is said, and does not keep the radio from working. 0, or AIOBLE_ENOMEM: bonded peers might
   not be known as such. */
int ab_host_store_identify(aioble_t *ble, const aioble_addr_t *public_addr);
/* … or an error: ab_store_open(), AIOBLE_ENODEV: it is not known whose */
int ab_host_store_open(aioble_t *ble);
/* reads the bonds of a closed adapter's */
void ab_host_store_look(aioble_t *ble);
/* Saves all. If that fails, it stays open. */
void ab_host_store_close(aioble_t *ble);
void ab_host_store_free(aioble_t *ble);
int ab_host_store_path(const aioble_addr_t *adapter, char *path, size_t size);
/* calls the application's hook */
void ab_host_tell_store(aioble_t *ble);
/* the application's answer; AIOBLE_EALREADY: none was due */
int ab_host_store_saved(aioble_t *ble, int status);
/*
 * Whatever was kept goes to the disk within 5 s; at the end of the turn, before anybody is told of
 * it; at once. That is a file written, and fsync, in the loop: some milliseconds on a usual disk.
 */
void ab_host_save_soon(aioble_t *ble);
void ab_host_save_now(aioble_t *ble);
void ab_host_save(aioble_t *ble);
/* … at once, unless that was asked for within the last 5 s: then when these are over */
void ab_host_save_paced(aioble_t *ble);

/* ---- api_cache.c ---- */

/* asks the peer, in the background, to tell us when its table changes */
void ab_client_ask_for_changes(aioble_conn_t *conn);

/* ---- api_client.c ---- */

/* what was discovered in that range is of no use any more; but Service Changed goes on */
void ab_client_services_gone(aioble_conn_t *conn, ab_att_range range);

/* ---- host_eatt.c ---- */

/* from now on peers may open enhanced bearers, if the options say so */
void ab_host_eatt_init(aioble_t *ble);
/* if the link is encrypted: that may have changed */
void ab_host_eatt_encrypted(aioble_conn_t *conn);
unsigned ab_host_eatt_bearers(const aioble_conn_t *conn);
/* of the bearers that are open; what others counted is in the unenhanced one's */
void ab_host_eatt_add_stats(const aioble_conn_t *conn, aioble_stats_t *stats);
/* of a link that has ended, when its memory goes */
void ab_host_eatt_free(aioble_conn_t *conn);

/* ---- host_privacy.c: private addresses, ours and the peers' ---- */

/* what GAP asks */
int ab_host_private_address(void *ble, aioble_addr_t *addr);
const aioble_addr_t *ab_host_resolve(void *ble, const aioble_addr_t *addr);
bool ab_host_is_private(void *ble, const aioble_addr_t *identity);
bool ab_host_private_peer(void *ble, unsigned i, ab_gap_peer *peer);
/* the identity of whoever uses that address, or the address itself */
const aioble_addr_t *ab_host_identity_of(aioble_t *ble, const aioble_addr_t *addr);
/* the peer, which was known by a private address, has told its identity */
void ab_host_identified(aioble_conn_t *conn, const aioble_addr_t *identity);

/* ---- host_smp.c ---- */

void ab_host_smp_init(aioble_t *ble);
/* The controller is. EIO: we are to have private addresses, and there is no randomness for them. */
int ab_host_smp_ready(aioble_t *ble);
/* what is configured holds for pairings from now on */
void ab_host_smp_configure(aioble_t *ble);
/* is that of a client signed? (ab_gatt_server.verify) */
uint8_t ab_host_verify(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len);
void ab_host_smp_open(aioble_conn_t *conn);
/* A link begins, as one that is to be encrypted if the peer is bonded; later: it is encrypted then,
   unless it is, or something is going on there. */
void ab_host_smp_secure(aioble_conn_t *conn);
void ab_host_smp_close(aioble_conn_t *conn, int reason);
bool ab_host_on_key(void *ble, ab_gap_link *link, uint64_t rand, uint16_t ediv, ab_key16 *key);
void ab_host_on_encryption(void *ble, ab_gap_link *link, int status, bool on);
void ab_host_smp_hooks(aioble_conn_t *conn, unsigned due);
/* a bonded peer whose key is not in use yet: not to be shown to the application */
static inline bool ab_host_securing(const aioble_conn_t *conn) {
  return conn->secured == AIOBLE_EAGAIN;
}

/* ---- api_security.c ---- */

/* as aioble_conn_pair(), with that policy (copied) */
aioble_op_t *ab_pair(aioble_conn_t *conn, const ab_smp_policy *policy);
/* the pairing, or encryption, has ended; false: nobody here had asked for it */
bool ab_pair_ended(aioble_conn_t *conn, int status);

/* ---- api_conn.c ---- */

/* the connection to it, secure or not yet; NULL: there is none */
aioble_conn_t *ab_conn_to(const aioble_device_t *device);

/* ---- api_config.c ---- */

int ab_config_init(aioble_t *ble, const aioble_options_t *options);

/* ---- api_server_register.c ---- */

/*
 * The stack ends or has lost its adapter (its links have ended): nobody waits for writes any more,
 * and those not taken yet let go of their connections.
 */
void ab_server_stop(aioble_t *ble, int status);

/* ---- api_l2cap_listen.c ---- */

/* the link has ended: so does the waiting for channels of that peer */
void ab_l2cap_accepts_end(aioble_conn_t *conn, int status);
/* nobody waits for channels any more; stop: nor does anybody listen */
void ab_listeners_end(aioble_t *ble, int status, bool stop);

static inline aioble_conn_t *ab_conn_of_link(ab_gap_link *link) {
  return ab_container_of(link, aioble_conn_t, link);
}

/* bytes queued on the link that the controller has not taken */
static inline size_t ab_conn_tx_queued(const aioble_conn_t *conn) {
  return conn->link.hci.tx_queued;
}

#endif
