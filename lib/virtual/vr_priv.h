/* SPDX-License-Identifier: MIT */
/*
 * The virtual radio's own header: one controller, and with vr_radio.h and vr_link.h all there is.
 * Bottom up:
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
 *   vr_adv.c         advertising
 *   vr_beacon.c      … without a controller
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

#include "virtual/vr_link.h"
#include "virtual/vr_radio.h"

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
  bool busy;      /* in its turn */
  bool destroyed; /* … in which the host released it */
  bool gave;      /* this turn: batch_end is due */
  uint32_t epoch; /* of resets: links of an earlier one are gone */
  bool hold, silent, lose_credits;
  uint32_t encryption_late_us; /* the event, behind the data */
  ab_timer delay;              /* while it runs, the host waits */

  ab_list from_host; /* ab_buf */
  ab_list to_host;   /* ab_buf; ctx: the vr_end it is about, or NULL */
  ab_list blocked;   /* data that waits for the host's buffers */
  unsigned commands_queued, to_host_count;

  vr_masks masks;
  ab_addr6 public_addr;
  vr_addr random_addr;
  bool has_random_addr;
  bool testing;              /* direct test mode */
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
/* forgets what waits for the host and is about that end */
void vr_ctrl_purge(vr_ctrl *c, const vr_end *about);
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
#define VR_EVENT_(send, c, end, code, record, ...)            \
  do {                                                        \
    uint8_t vr_params_[ab_##record##_size];                   \
    ab_wr vr_w_ = ab_wr_of(vr_params_, sizeof vr_params_);    \
                                                              \
    ab_##record##_write(&vr_w_, &(ab_##record){__VA_ARGS__}); \
    send((c), (end), (code), &vr_w_);                         \
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

void vr_adv_off(vr_ctrl *c); /* a link came of it, a reset */
void vr_scan_off(vr_ctrl *c);
void vr_init_off(vr_ctrl *c);
void vr_connect_init(vr_ctrl *c);
void vr_scan_init(vr_ctrl *c);
/* Connection Complete (enhanced or not) of an end, or of an attempt that failed (end NULL) */
void vr_connect_complete(vr_ctrl *c, vr_end *end, uint8_t status, uint8_t role);

/* ---- vr_fault.c ---- */

/* one more of that member of the counts */
#define VR_FAULT(c, member) ((c)->stats.faults++, (c)->stats.by_fault.member++)

/* the place of a packet in the queue to the host: perhaps in front of the last one */
void vr_fault_queue(vr_ctrl *c, ab_buf *buf);
/* gives a packet to the host, spoiled perhaps: its octets may change; or twice, or not at all */
void vr_fault_give(vr_ctrl *c, uint8_t *packet, size_t len);
/* true: what the host is owed waits for a while */
bool vr_fault_delay(vr_ctrl *c);
/* before a batch goes to the host */
void vr_fault_batch(vr_ctrl *c);

#endif
