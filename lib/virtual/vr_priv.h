/* SPDX-License-Identifier: MIT */
/*
 * The virtual radio's own header. Bottom up:
 *
 *   vr_radio.c       clock, turns, loop clients, randomness
 *   vr_range.c       who hears whom, and how loud
 *   vr_crypto.c      AES-128, P-256
 *   vr_controller.c  one controller: the transport, packets from and to the host
 *   vr_event.c       events to the host, behind the host's masks
 *   vr_commands.c    the dispatcher of HCI commands, and the commands that belong to no other file
 *   vr_states.c      which activities go together (LE states)
 *   vr_accept.c      filter accept list
 *   vr_resolve.c     resolving list, private addresses
 *   vr_adv.c         advertising, beacons
 *   vr_scan.c        scanning, reports
 *   vr_connect.c     initiating: an advertiser heard becomes a link
 *   vr_link.c        a link: its two ends, connection events, its death
 *   vr_ll.c          link-layer procedures: versions, features, lengths, PHYs
 *   vr_update.c      … connection parameters
 *   vr_enc.c         … encryption
 *   vr_acl.c         data, buffers and credits
 *   vr_fault.c       what goes wrong
 *
 * Nothing here calls a host from inside the host's call: packets queue, and everything happens in
 * turns. Addresses are kept in display order.
 */
#ifndef VR_PRIV_H
#define VR_PRIV_H

#include "hci/hci_records.h"
#include "util/buf.h"
#include "util/env.h"
#include "util/list.h"
#include "util/wire.h"
#include <aioble/virtual.h>

typedef struct aioble_virtual_radio vr_radio;
typedef struct vr_ctrl vr_ctrl;
typedef struct vr_link vr_link;
typedef struct vr_end vr_end;
typedef struct vr_adv vr_adv;
typedef struct vr_listener vr_listener;

enum {
  VR_COMMANDS_QUEUED = 64,  /* from a host that has no credits: beyond it commands are dropped */
  VR_REPORTS_QUEUED = 1024, /* packets to a host: beyond it advertising reports are dropped */
  VR_QUICK_US = 300,        /* what stands for one connection event without timing */
  VR_ADV_DELAY_US = 10000,  /* Core Vol 6, Part B, 4.4.2.2.1 */
  VR_CONNECT_US = 2500,     /* from CONNECT_IND to the first connection event */
  VR_INSTANT_EVENTS = 6,    /* from an update's announcement to its instant */
  VR_UNIT_US = 1250,        /* of connection intervals */
  VR_SLOT_US = 625,         /* of advertising and scan intervals */
  VR_AD_MAX = 31,
  VR_LL_OCTETS = 251,
  VR_LL_TIME = 2120,
  VR_LL_OCTETS_MIN = 27,
  VR_LL_TIME_MIN = 328,
  VR_PROCEDURE_US = 40000000, /* procedure response timeout, Core Vol 6, Part B, 5.2 */
  VR_HCI_VERSION = 0x0c,      /* 5.3 */
  VR_COMPANY = 0xffff,        /* nobody */
};

/* LE features, Core Vol 6, Part B, 4.6 */
enum {
  VR_FEAT_ENCRYPTION = 0,
  VR_FEAT_PARAM_REQUEST = 1,
  VR_FEAT_REJECT_EXT = 2,
  VR_FEAT_PERIPHERAL_FEATURES = 3,
  VR_FEAT_PING = 4,
  VR_FEAT_DATA_LENGTH = 5,
  VR_FEAT_PRIVACY = 6,
  VR_FEAT_2M = 8,
  VR_FEAT_ALL = 0x17f,
};

/* ---- addresses ---- */

typedef struct vr_addr {
  uint8_t type; /* on the air: 0 public, 1 random */
  ab_addr6 a;
} vr_addr;

static inline bool vr_addr6_eq(const ab_addr6 *a, const ab_addr6 *b) {
  return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool vr_addr_eq(const vr_addr *a, const vr_addr *b) {
  return a->type == b->type && vr_addr6_eq(&a->a, &b->a);
}

static inline bool vr_addr6_zero(const ab_addr6 *a) {
  return vr_addr6_eq(a, &(ab_addr6){{0}});
}

/* resolvable private: random, and the two top bits are 01 */
static inline bool vr_addr_is_rpa(const vr_addr *a) {
  return a->type == AIOBLE_ADDR_RANDOM && (a->a.b[0] & 0xc0) == 0x40;
}

static inline bool vr_bit(uint64_t mask, unsigned bit) {
  return mask >> bit & 1;
}

/* ---- vr_radio.c ---- */

typedef struct vr_turn vr_turn;
struct vr_turn {
  ab_list node;
  void (*run)(vr_turn *turn);
};

struct aioble_virtual_radio {
  ab_env env;
  ab_bufs bufs;
  aioble_loop_t *loop; /* NULL: virtual time */
  uint64_t loop_wake_us;
  uint64_t random;
  bool timing;
  bool running; /* the caller's loop is in our turn */
  uint8_t packets_per_event;
  uint32_t made; /* controllers, for their addresses */
  aioble_virtual_faults_t faults;
  ab_list turns;       /* vr_turn, in the order they were asked for */
  ab_list clients;     /* loop clients in virtual time */
  ab_list controllers; /* vr_ctrl */
  ab_list beacons;
  ab_list advertisers; /* vr_adv that are on */
  ab_list listeners;   /* vr_listener: scanners and initiators */
  ab_list apart;       /* pairs that do not hear each other */
  void (*closed)(void *ctx);
  void *closed_ctx;
};

void vr_turn_want(vr_radio *r, vr_turn *turn);
/* with the caller's loop: the time now; virtual time stands */
void vr_now(vr_radio *r);
void vr_timer_at(vr_radio *r, ab_timer *timer, uint64_t at_us, ab_timer_fn *fn);
static inline void vr_timer_in(vr_radio *r, ab_timer *timer, uint64_t us, ab_timer_fn *fn) {
  vr_timer_at(r, timer, r->env.now_us + us, fn);
}
static inline void vr_timer_stop(vr_radio *r, ab_timer *timer) {
  ab_timer_stop(&r->env, timer);
}
uint64_t vr_random(vr_radio *r);
uint32_t vr_random_below(vr_radio *r, uint32_t limit);
bool vr_chance(vr_radio *r, uint32_t ppm);
void vr_random_bytes(vr_radio *r, void *buf, size_t len);

/* ---- vr_range.c ---- */

typedef struct vr_place {
  int32_t x_cm, y_cm;
} vr_place;

bool vr_in_range(const vr_radio *r, const vr_ctrl *a, const vr_ctrl *b);
/* the controller is released */
void vr_range_forget(vr_ctrl *c);
int8_t vr_rssi(const vr_place *a, const vr_place *b);

/* ---- vr_crypto.c: keys and blocks as HCI has them, least significant octet first ---- */

typedef struct vr_aes vr_aes;
vr_aes *vr_aes_new(vr_radio *r, const ab_key16 *key); /* NULL: out of memory */
void vr_aes_free(vr_radio *r, vr_aes *aes);
bool vr_aes_block(vr_aes *aes, const ab_key16 *in, ab_key16 *out);
/* the 24-bit hash of an RPA's random part, Core Vol 3, Part H, 2.2.2; both most significant first */
bool vr_aes_ah(vr_aes *aes, const uint8_t prand[3], uint8_t hash[3]);

typedef struct vr_p256_point {
  uint8_t b[64]; /* x, y */
} vr_p256_point;
/* false: not a private key, or out of memory */
bool vr_p256_public(const uint8_t private_key[32], vr_p256_point *point);
/* false: the point is not on the curve */
bool vr_p256_shared(const uint8_t private_key[32], const vr_p256_point *peer, uint8_t shared[32]);

/* ---- who listens, who advertises ---- */

/* a scanner or an initiator */
struct vr_listener {
  ab_list node; /* radio->listeners while on */
  vr_ctrl *ctrl;
  uint64_t since_us;
  uint32_t interval_us, window_us;
  void (*hear)(vr_listener *l, vr_adv *adv);
};

struct vr_adv {
  ab_list node; /* radio->advertisers while on */
  ab_timer event;
  vr_radio *radio;
  vr_ctrl *ctrl; /* NULL: a beacon */
  vr_place place;
  uint64_t next_us; /* when the next event is due, or was when nobody listened */
  uint32_t interval_us;
  bool on;
  uint8_t type, channels, filter_policy;
  uint8_t data_len, rsp_len;
  vr_addr own, target; /* on the air */
  ab_ad31 data, rsp;
};

void vr_listen(vr_listener *l, uint16_t interval, uint16_t window);
void vr_listen_stop(vr_listener *l);
/* its window is open now, on a channel the advertiser uses, and it is near enough */
bool vr_listening(const vr_listener *l, const vr_adv *adv);

void vr_adv_init(vr_adv *adv, vr_radio *r, vr_ctrl *ctrl);
void vr_adv_start(vr_adv *adv);
void vr_adv_stop(vr_adv *adv);
void vr_adv_resume_all(vr_radio *r); /* somebody listens again */
bool vr_adv_connectable(uint8_t type);
bool vr_adv_directed(uint8_t type);
void vr_beacon_free_all(vr_radio *r);

/* ---- one controller ---- */

typedef struct vr_accept_list {
  vr_addr *devices;
  uint8_t count, size;
} vr_accept_list;

typedef struct vr_entry { /* of the resolving list */
  vr_addr identity;
  vr_aes *peer_aes, *local_aes; /* NULL: the IRK is zero */
  vr_addr peer_rpa;             /* seen last */
  vr_addr local_rpa;
  uint64_t local_since_us;
  uint8_t mode; /* privacy mode: 0 network, 1 device */
} vr_entry;

typedef struct vr_resolving {
  vr_entry *entries;
  uint8_t count, size;
  bool enabled;
  uint16_t rpa_timeout_s;
} vr_resolving;

typedef struct vr_advertising {
  vr_adv air;
  ab_hci_le_adv_params params;
  ab_timer timeout; /* high duty cycle directed */
} vr_advertising;

typedef struct vr_scanning {
  vr_listener air;
  ab_hci_le_scan_params params;
  uint64_t *seen; /* duplicate filter: an open hash set of keys */
  uint32_t seen_count, seen_size;
  bool on;
} vr_scanning;

typedef struct vr_initiating {
  vr_listener air;
  ab_hci_le_create_conn params;
  bool on;
} vr_initiating;

typedef struct vr_keys {
  uint8_t private_key[32];
  bool have;
  uint8_t event; /* the LE event that `timer` brings; 0: none */
  uint8_t status;
  ab_timer timer;
  uint8_t result[64];
} vr_keys;

typedef struct vr_masks {
  uint64_t event, event2, le;
} vr_masks;

struct vr_ctrl {
  aioble_transport_t base;
  vr_radio *radio;
  ab_list node;
  vr_turn turn;
  aioble_virtual_controller_options_t options; /* defaults filled in */
  aioble_virtual_stats_t stats;
  uint64_t le_features, le_states;
  vr_place place;

  const aioble_transport_sink_t *sink;
  void *sink_ctx;
  bool on;        /* powered */
  bool open;      /* the sink is ours to call */
  bool lost_due;  /* unplugged, and the sink does not know yet */
  bool busy;      /* inside a call of the sink */
  bool destroyed; /* … which released us */
  bool gave;      /* this turn: batch_end is due */
  uint32_t epoch; /* of resets: links of an earlier one are gone */
  bool hold, silent, lose_credits;

  ab_list from_host; /* ab_buf */
  ab_list to_host;   /* ab_buf; ctx: the vr_end it is about, or NULL */
  ab_list blocked;   /* data that waits for the host's buffers */
  unsigned commands_queued, to_host_count;

  vr_masks masks;
  ab_addr6 public_addr;
  vr_addr random_addr;
  bool has_random_addr;
  bool testing;            /* direct test mode */
  void (*after)(vr_ctrl *c); /* what a command does behind its answer */

  uint16_t acl_outstanding; /* buffers the host believes taken */
  bool host_flow;
  uint16_t host_acl_len, host_acl_count, host_acl_room;

  vr_end **slots; /* max_links; handle % max_links is the slot */
  uint16_t next_handle;
  uint8_t links;
  ab_list credits; /* vr_end with packets completed */

  uint16_t suggested_octets, suggested_time;
  uint8_t default_tx_phys, default_rx_phys;
  ab_chmap5 channels;
  vr_accept_list accept;
  vr_resolving resolving;
  vr_advertising adv;
  vr_scanning scan;
  vr_initiating init;
  vr_keys keys;
};

static inline bool vr_has(const vr_ctrl *c, unsigned feature) {
  return vr_bit(c->le_features, feature);
}

/* ---- vr_controller.c ---- */

/* back to what it is after power-on: the Reset command, and switching off */
void vr_ctrl_reset(vr_ctrl *c);
/* one packet to the host, taken over */
void vr_ctrl_to_host(vr_ctrl *c, ab_buf *buf);
static inline void vr_ctrl_wake(vr_ctrl *c) {
  vr_turn_want(c->radio, &c->turn);
}
bool vr_ctrl_may_give(const vr_ctrl *c);
/* what the host did not take is the first it gets next */
void vr_ctrl_give_back(vr_ctrl *c, ab_buf *buf);
/* the host has buffers again: blocked data goes to the front */
void vr_ctrl_unblock(vr_ctrl *c);
void vr_ctrl_free(vr_ctrl *c);
vr_ctrl *vr_ctrl_of(aioble_transport_t *t);

/* ---- vr_event.c ---- */

/* An event with what `params` wrote, about that end (NULL: none). false: masked, or no memory. */
bool vr_event(vr_ctrl *c, vr_end *about, uint8_t code, const ab_wr *params);
bool vr_le_event(vr_ctrl *c, vr_end *about, uint8_t subevent, const ab_wr *params);
bool vr_event_wanted(const vr_ctrl *c, uint8_t code);
bool vr_le_event_wanted(const vr_ctrl *c, uint8_t subevent);
/* a packet buffer of an event, its header written; `params` octets of parameters are to follow */
ab_buf *vr_event_new(vr_ctrl *c, uint8_t code, size_t params);

/* VR_EVENT(c, end, code, record, .field = …): an event that is one record */
#define VR_EVENT(c, end, code, record, ...) VR_EVENT_(vr_event, c, end, code, record, __VA_ARGS__)
#define VR_LE_EVENT(c, end, subevent, record, ...) \
  VR_EVENT_(vr_le_event, c, end, subevent, record, __VA_ARGS__)
#define VR_EVENT_(send, c, end, code, record, ...)             \
  do {                                                         \
    uint8_t vr_params_[ab_##record##_size];                    \
    ab_wr vr_w_ = ab_wr_of(vr_params_, sizeof vr_params_);     \
                                                               \
    ab_##record##_write(&vr_w_, &(ab_##record){__VA_ARGS__});  \
    send((c), (end), (code), &vr_w_);                          \
  } while (0)

/* ---- vr_commands.c ---- */

/* Handles one command whose parameters have the right length. The return parameters behind the
   status go to ret (Command Complete only). Returns the status. */
typedef uint8_t vr_command_fn(vr_ctrl *c, ab_rd *params, ab_wr *ret);

enum { VR_COMPLETE, VR_STATUS, VR_SILENT }; /* how a command is answered */
enum { VR_NO_BIT = 0xff, VR_VARIABLE = 0xff };
/* what a command needs: a bit of the LE features, or one of these */
enum { VR_ALWAYS = 0xff, VR_BUFFER_V2 = 0xfe };
enum { VR_ECHO_HANDLE = 1 }; /* the handle comes back in the answer of a failure, too */

typedef struct vr_command {
  uint16_t opcode;
  uint8_t length;     /* of the parameters */
  uint8_t octet, bit; /* in the supported commands, Core Vol 4, Part E, 6.27 */
  uint8_t answer;
  uint8_t needs;
  uint8_t returns; /* octets of return parameters behind the status */
  uint8_t flags;
  vr_command_fn *fn;
} vr_command;

typedef struct vr_command_table {
  const vr_command *commands;
  size_t count;
} vr_command_table;

extern const vr_command_table vr_basic_commands, vr_link_commands, vr_ll_commands,
    vr_update_commands, vr_enc_commands, vr_adv_commands, vr_scan_commands, vr_connect_commands,
    vr_accept_commands, vr_resolve_commands, vr_acl_commands;

/* every command there is, supported by this controller or not; NULL: no such number */
const vr_command *vr_command_at(size_t i);
bool vr_command_supported(const vr_ctrl *c, const vr_command *command);
/* one HCI command packet behind its H4 octet */
void vr_command_run(vr_ctrl *c, ab_rd *packet);

/* ---- vr_states.c ---- */

typedef enum vr_activity {
  VR_ADV_NONCONN,
  VR_ADV_SCANNABLE,
  VR_ADV_CONNECTABLE,
  VR_ADV_HIGH,
  VR_ADV_LOW,
  VR_SCAN_PASSIVE,
  VR_SCAN_ACTIVE,
  VR_INITIATE,
  VR_CENTRAL,
  VR_PERIPHERAL,
  VR_ACTIVITIES
} vr_activity;

#define VR_STATES_ALL 0x3ffffffffffu

/* the LE states allow it beside what goes on now */
bool vr_state_allowed(const vr_ctrl *c, vr_activity activity);
vr_activity vr_adv_activity(uint8_t adv_type);

/* ---- vr_accept.c, vr_resolve.c ---- */

/* who an address on the air is, as the host is to be told */
typedef struct vr_who {
  uint8_t type; /* 0 public, 1 random, 2 and 3: the identity behind a private address */
  ab_addr6 addr;
  bool ignored; /* an identity address where the privacy mode wants a private one */
} vr_who;

vr_who vr_identify(vr_ctrl *c, const vr_addr *air);
/* an address as the host names it (types 0 to 3) means that device */
bool vr_means(const vr_who *who, const vr_addr *air, uint8_t type, const ab_addr6 *addr);
/* own_addr_type 0 to 3 towards that peer, as a host names it; false: there is no such address */
bool vr_own_addr(vr_ctrl *c, uint8_t own_addr_type, uint8_t peer_type, const ab_addr6 *peer,
                 vr_addr *own);
/* how a directed advertiser names its peer on the air */
vr_addr vr_target_addr(vr_ctrl *c, uint8_t peer_type, const ab_addr6 *peer);
/* the address is this controller's, private ones included */
bool vr_is_own(vr_ctrl *c, const vr_addr *air, const vr_addr *own);
void vr_resolving_clear(vr_ctrl *c);

bool vr_accepts(const vr_ctrl *c, const vr_who *who, const vr_addr *air);

/* ---- vr_adv.c, vr_scan.c, vr_connect.c: what other files need of a controller ---- */

void vr_adv_off(vr_ctrl *c);  /* a link came of it, a reset */
void vr_scan_off(vr_ctrl *c);
void vr_init_off(vr_ctrl *c);
void vr_connect_init(vr_ctrl *c);
void vr_scan_init(vr_ctrl *c);
/* Connection Complete (enhanced or not) of an end, or of an attempt that failed (end NULL) */
void vr_connect_complete(vr_ctrl *c, vr_end *end, uint8_t status, uint8_t role);

/* ---- vr_link.c ---- */

typedef enum vr_end_state {
  VR_END_NONE, /* free */
  VR_END_NEW,  /* connecting: the host does not know it */
  VR_END_UP,
  VR_END_GONE, /* Disconnection Complete is on its way to the host */
} vr_end_state;

typedef struct vr_params {
  uint16_t interval, latency, timeout;
} vr_params;

typedef struct vr_lengths { /* octets and microseconds in force */
  uint16_t tx_octets, tx_time, rx_octets, rx_time;
} vr_lengths;

/* a link-layer control PDU: at the other end fn is called with that end */
typedef union vr_pdu_args {
  uint8_t reason;
  struct {
    uint8_t tx, rx;
  } phys;
  struct {
    uint16_t min, max, latency, timeout;
  } wanted;
} vr_pdu_args;
typedef void vr_pdu_fn(vr_end *at, const vr_pdu_args *args);

struct vr_end {
  vr_link *link;
  vr_ctrl *ctrl;
  vr_end_state state;
  uint8_t role;
  uint16_t handle;
  vr_addr own;          /* on the air */
  bool own_is_private;  /* own is an RPA that the controller made */
  vr_who peer;
  vr_addr peer_air;
  ab_list pdus;         /* control PDUs to the other end */
  ab_list tx;           /* ab_buf: ACL packets to the other end */
  uint32_t tx_done;     /* octets of the first one that are over */
  ab_list credit_node;
  uint16_t completed;   /* packets the host has not been told of */
  uint16_t outstanding; /* buffers the host believes this link has taken */
  uint8_t reason;       /* of a disconnect under way; 0: none */
  uint16_t want_octets, want_time;
  vr_lengths lengths;
  uint8_t tx_phys, rx_phys; /* preferred: a bit each */
  uint8_t tx_phy, rx_phy;   /* in force: 1, 2 */
  uint8_t asked;            /* procedures of this end under way: a bit each */
  uint16_t auth_timeout;    /* 10 ms */
  ab_timer auth;            /* runs while an encrypted link is silent */
};

typedef enum vr_update_phase {
  VR_UPDATE_NONE,
  VR_UPDATE_ASKED,     /* the peripheral's request is on its way */
  VR_UPDATE_WAIT_HOST, /* … with the central's host */
  VR_UPDATE_REFUSED,   /* … and the refusal on its way back */
  VR_UPDATE_ANNOUNCED, /* the instant is near */
} vr_update_phase;

typedef enum vr_enc_phase {
  VR_ENC_NONE,
  VR_ENC_ASKED,     /* LL_ENC_REQ is on its way */
  VR_ENC_WAIT_KEY,  /* the peripheral's host is asked for the key */
  VR_ENC_STARTING,  /* the key is there; both start */
} vr_enc_phase;

struct vr_link {
  vr_radio *radio;
  vr_end end[2]; /* AB_HCI_ROLE_CENTRAL, AB_HCI_ROLE_PERIPHERAL */
  vr_params params;
  uint64_t anchor_us; /* of some connection event */
  ab_timer event;     /* the next event in which there is something to do */
  ab_timer dying;     /* supervision, while nothing is heard */
  ab_timer response;  /* of a procedure that waits for a host */
  bool up;            /* both ends have been told */
  bool lost;          /* for good */
  bool silent;        /* at the moment: lost, an end is gone, or out of range */
  bool established;   /* they have heard each other */
  bool more;          /* the last event had not time for all */
  bool busy, doomed;  /* inside its event; both ends were released there */
  struct {
    vr_update_phase phase;
    vr_params params;
    ab_timer instant;
  } update;
  struct {
    vr_enc_phase phase;
    bool on, again;
    uint64_t rand;
    uint16_t ediv;
    ab_key16 central_key, peripheral_key;
  } enc;
};

/* of the same link: the other end */
static inline vr_end *vr_peer(vr_end *e) {
  return &e->link->end[!e->role];
}

/* the link with that handle which the host knows of and has not been told the end of, or NULL */
vr_end *vr_end_of(const vr_ctrl *c, uint16_t handle);
/* … also while the end of it is on its way to the host: its buffers still count */
vr_end *vr_end_known(const vr_ctrl *c, uint16_t handle);
bool vr_slot_free(const vr_ctrl *c);
/* NULL: out of memory */
vr_link *vr_link_new(vr_ctrl *central, vr_ctrl *peripheral, const vr_params *params,
                     const vr_addr *central_addr, const vr_addr *peripheral_addr);
/* something waits to be sent: be there at the next connection event */
void vr_link_kick(vr_link *l);
/* looks again whether its ends hear each other */
void vr_link_check(vr_link *l);
void vr_link_lose(vr_link *l);
/* both ends, at once; each with its reason */
void vr_link_end(vr_link *l, uint8_t central_reason, uint8_t peripheral_reason);
/* LL_TERMINATE_IND */
void vr_link_terminate(vr_end *e, uint8_t reason);
/* the controller goes away without a word */
void vr_links_drop(vr_ctrl *c);
void vr_links_check(vr_ctrl *c); /* vr_link_check() of all its links */
/* without memory for it, the link falls silent */
void vr_pdu_send(vr_end *from, vr_pdu_fn *fn, const vr_pdu_args *args);
uint32_t vr_interval_us(const vr_link *l);
/* a host was asked something, or has answered: the time it has for it */
void vr_response_timeout(vr_link *l);
bool vr_conn_params_valid(uint16_t min, uint16_t max, uint16_t latency, uint16_t timeout);

/* ---- vr_ll.c, vr_update.c, vr_enc.c ---- */

void vr_ll_init(vr_end *e);     /* a new end's lengths, PHYs and so on */
void vr_ll_connected(vr_end *e); /* procedures a controller starts by itself */
/* nothing authenticated comes any more, or it does again */
void vr_auth_silence(vr_end *e, bool silent);
bool vr_enc_holds_data(const vr_link *l);

/* ---- vr_acl.c ---- */

/* one ACL packet from the host, H4 octet included; taken over */
void vr_acl_from_host(vr_ctrl *c, ab_buf *buf);
/* … behind its H4 octet, counted when the host hands it over; false: dropped */
bool vr_acl_admit(vr_ctrl *c, ab_rd *packet);
/* moves what may move at once (no timing) */
void vr_acl_pump(vr_link *l);
/* one connection event's worth of data */
void vr_acl_event(vr_link *l);
bool vr_acl_waiting(const vr_link *l);
/* gives one data packet to the host (in pieces, if need be) and its buffer back to the sender */
void vr_acl_deliver(vr_ctrl *c, ab_buf *buf);
/* data of a link (and not an event, or a packet injected) */
bool vr_acl_is_data(const ab_buf *buf);
bool vr_acl_host_has_room(const vr_ctrl *c);
/* Number Of Completed Packets for all that has been completed */
void vr_acl_report_completed(vr_ctrl *c);
void vr_acl_flush(vr_end *e); /* drops what waits to be sent */

/* ---- vr_fault.c ---- */

/* the place of a packet in the queue to the host: perhaps in front of the last one */
void vr_fault_queue(vr_ctrl *c, ab_buf *buf);
/* gives a packet to the host, spoiled perhaps: its octets may change */
void vr_fault_give(vr_ctrl *c, uint8_t *packet, size_t len);
/* before a batch goes to the host */
void vr_fault_batch(vr_ctrl *c);

#endif
