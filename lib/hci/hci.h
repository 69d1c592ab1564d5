/* SPDX-License-Identifier: MIT */
/*
 * HCI, host side (Core Vol 4, Part E): commands with the controller's credits, reset-to-ready,
 * ACL data in both directions. Takes whole packets, gives whole packets.
 */
#ifndef AB_HCI_H
#define AB_HCI_H

#include "hci/hci_records.h"
#include "util/buf.h"
#include "util/env.h"

typedef struct ab_hci ab_hci;
typedef struct ab_hci_cmd ab_hci_cmd;
typedef struct ab_hci_link ab_hci_link;

/* ---- what the layer below gives ---- */

typedef struct ab_hci_down {
  /* one packet, H4 type octet first; copied. 0, AIOBLE_EAGAIN (ab_hci_writable() will follow),
     AIOBLE_ENODEV. Does not call back from in here. */
  int (*send)(void *ctx, const uint8_t *packet, size_t len);
  /* the controller is beyond use: hardware error, no answer to a command, broken framing */
  void (*failed)(void *ctx, int status, const char *why);
  void *ctx;
} ab_hci_down;

ab_hci *ab_hci_new(ab_env *env, ab_bufs *bufs, const ab_hci_down *down); /* NULL: out of memory */
/* no callback is called from here any more: end with ab_hci_stop() first */
void ab_hci_free(ab_hci *hci);

void ab_hci_rx(ab_hci *hci, const uint8_t *packet, size_t len);
void ab_hci_writable(ab_hci *hci);

/* ---- reset to ready ---- */

typedef struct ab_hci_info {
  uint8_t hci_version;
  uint16_t manufacturer;
  uint64_t features;    /* LMP features page 0 */
  uint64_t le_features; /* LE features page 0, Core Vol 6, Part B, 4.6 */
  uint64_t le_states;   /* Core Vol 4, Part E, 7.8.27; zero: the controller does not say */
  ab_cmds64 commands;   /* Core Vol 4, Part E, 6.27 */
  ab_addr6 public_addr; /* zero: none */
  ab_addr6 random_addr; /* the static random address set during reset; zero: none was needed */
  uint16_t acl_len;     /* longest ACL data */
  uint16_t acl_count;   /* controller's ACL buffers for LE */
  bool shared_buffers;  /* … which BR/EDR shares */
  uint8_t resolvable;   /* peers that its resolving list takes, in device privacy mode */
} ab_hci_info;

typedef struct ab_hci_config {
  /* the address to use when the controller has no public one, or when `use_random`; display order
   */
  ab_addr6 static_addr;
  bool use_random;
  /* The controller has said who it is (zero: it has no public address), which may make static_addr
     another one; with the start's ctx; an error ends the start. NULL: nobody cares. */
  int (*identified)(void *ctx, const ab_addr6 *public_addr, ab_addr6 *static_addr);
} ab_hci_config;

/* why: for a failure, a text that names the command (borrowed); else NULL */
typedef void ab_hci_ready_fn(void *ctx, int status, const char *why);

/* Resets the controller and brings it to ready: fn once, also when the controller does not answer
   (ETIMEDOUT) or ab_hci_stop() comes first (ECANCELED). */
void ab_hci_start(ab_hci *hci, const ab_hci_config *config, ab_hci_ready_fn *fn, void *ctx);
/* Everything pending ends with `status`: commands, queued data, the start. Nothing is sent any
   more. Links are forgotten. When this is called from inside a callback of ours, the end comes
   after the outermost such callback has returned, never inside it. */
void ab_hci_stop(ab_hci *hci, int status);
const ab_hci_info *ab_hci_info_of(const ab_hci *hci);
/* bit `bit` of octet `octet` of the supported commands */
bool ab_hci_supports(const ab_hci *hci, unsigned octet, unsigned bit);

/* ---- commands ---- */

/*
 * status: 0, AIOBLE_ERR_HCI(code), AIOBLE_EPROTO (an answer without even a status),
 * AIOBLE_ETIMEDOUT, or what ab_hci_stop() was given. For a command answered by Command Status, 0
 * is "started". ret: the return parameters behind the status octet (empty for Command Status and
 * on failure). The command may be sent again from here.
 */
typedef void ab_hci_cmd_fn(ab_hci_cmd *cmd, int status, ab_rd *ret);

struct ab_hci_cmd {
  ab_list node;
  ab_hci_cmd_fn *fn;
  ab_buf *buf;
  uint16_t opcode;
  bool pending; /* between send and fn; read-only for others */
};

/* Queues a command; params are copied. 0: fn will be called, never inline; AIOBLE_ENOMEM,
   AIOBLE_EBUSY (cmd is pending), AIOBLE_ENODEV (not started): it will not. */
int ab_hci_cmd_send(ab_hci *hci, ab_hci_cmd *cmd, uint16_t opcode, const void *params, size_t len,
                    ab_hci_cmd_fn *fn);
/* the owner goes away: fn will not be called; a command on the air keeps its place in the queue's
   bookkeeping without the struct */
void ab_hci_cmd_detach(ab_hci *hci, ab_hci_cmd *cmd);

/* ab_hci_send(hci, cmd, AB_HCI_LE_CREATE_CONN, hci_le_create_conn, &record, fn): opcode and record
 */
#define ab_hci_send(hci, cmd, opcode, record, value, fn) \
  ab_hci_send_##record((hci), (cmd), (opcode), (value), (fn))
#define AB_HCI_SENDER(record)                                                           \
  static inline int ab_hci_send_##record(ab_hci *hci, ab_hci_cmd *cmd, uint16_t opcode, \
                                         const ab_##record *value, ab_hci_cmd_fn *fn) { \
    uint8_t params[ab_##record##_size];                                                 \
    ab_wr w = ab_wr_of(params, sizeof params);                                          \
    int err;                                                                            \
                                                                                        \
    ab_##record##_write(&w, value);                                                     \
    err = ab_hci_cmd_send(hci, cmd, opcode, params, sizeof params, fn);                 \
    explicit_bzero(params, sizeof params); /* some are keys */                          \
    return err;                                                                         \
  }

/* ---- events ---- */

typedef void ab_hci_event_fn(void *ctx, ab_rd *params);

/* One handler per event code and per LE subevent (params start behind the code). Command Complete,
   Command Status, Number Of Completed Packets, Data Buffer Overflow and Hardware Error are HCI's
   own. Events that HCI does not enable by itself (hci_init.c) are enabled by the next start. */
void ab_hci_on_event(ab_hci *hci, uint8_t code, ab_hci_event_fn *fn, void *ctx);
void ab_hci_on_le_event(ab_hci *hci, uint8_t subevent, ab_hci_event_fn *fn, void *ctx);

/* ---- links: ACL data (Core Vol 4, Part E, 4.1, 5.4.2; L2CAP framing Vol 3, Part A, 3.1) ---- */

/* one whole L2CAP PDU, basic header included; borrowed */
typedef void ab_hci_frame_fn(ab_hci_link *link, const uint8_t *frame, size_t len);

struct ab_hci_link {
  ab_list node; /* in the ring of links with something to send, or alone */
  ab_list tx;   /* ab_buf: whole L2CAP PDUs, the first perhaps partly sent */
  ab_hci_frame_fn *on_frame;
  ab_buf *rx;         /* a PDU being put together */
  uint32_t rx_want;   /* its whole length; 0: not known yet */
  uint32_t rx_limit;  /* the longest PDU put together; set by open, the owner may change it */
  uint32_t tx_queued; /* bytes waiting in tx */
  uint16_t handle;
  uint16_t in_flight; /* packets the controller holds */
  uint16_t unacked;   /* … of these, those before on_acked */
  void (*on_acked)(ab_hci_link *link);
  bool tx_partial; /* the first of tx has had its first fragment sent */
  bool open;
};

/* From now on the handle's data comes to on_frame and the link can send. EEXIST: the handle is in
   use; EINVAL: no such handle can be; ENODEV: not ready; ENOMEM. */
int ab_hci_link_open(ab_hci *hci, ab_hci_link *link, uint16_t handle, ab_hci_frame_fn *on_frame);
/* The link is gone: what it had in flight comes back as credits, its queue ends with `status`. */
void ab_hci_link_close(ab_hci *hci, ab_hci_link *link, int status);
/* Queues one L2CAP PDU (basic header included) and takes the buffer; its done is called when the
   controller has it all. On a closed link it ends with ENOTCONN. */
void ab_hci_link_send(ab_hci *hci, ab_hci_link *link, ab_buf *frame);
/* fn(link) once the controller has passed on all packets that it holds now; from inside this, if it
   holds none. One at a time; not called when the link ends first. */
void ab_hci_link_await_ack(ab_hci_link *link, void (*fn)(ab_hci_link *link));
/* the link with that handle, or NULL */
ab_hci_link *ab_hci_link_find(const ab_hci *hci, uint16_t handle);

/* ---- counters ---- */

typedef struct ab_hci_stats {
  uint64_t commands, events, acl_in, acl_out;
  uint64_t malformed;    /* packets that were not what they said */
  uint64_t unknown_link; /* ACL or credits for a handle that is not open */
  uint64_t reassembly;   /* fragments dropped: no start, start inside a PDU, too long */
  uint64_t credits;      /* Number Of Completed Packets beyond what was outstanding; overflows */
  uint64_t unexpected;   /* Command Complete/Status for no command */
} ab_hci_stats;

const ab_hci_stats *ab_hci_stats_of(const ab_hci *hci);

#endif
