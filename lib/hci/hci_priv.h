/* SPDX-License-Identifier: MIT */
/* The HCI layer's own struct, shared by its files: hci_core, hci_cmd, hci_init, hci_acl,
   hci_reassemble. */
#ifndef AB_HCI_PRIV_H
#define AB_HCI_PRIV_H

#include "hci/hci.h"
#include <aioble/transport.h>

enum {
  AB_HCI_CMD_TIMEOUT_US = 2000000,
  AB_HCI_RESET_TIMEOUT_US = 4000000,
  AB_HCI_AIR_MAX = 8, /* commands the controller may hold; more credits than that are not used */
  AB_HCI_PAGE = 64,   /* links per page of the handle table, and pages in it */
};

typedef enum ab_hci_state {
  AB_HCI_STOPPED,
  AB_HCI_STARTING, /* resetting: only hci_init's own commands */
  AB_HCI_READY,
  AB_HCI_FAILED /* the controller is beyond use; nothing is sent, ab_hci_stop() is awaited */
} ab_hci_state;

typedef struct ab_hci_handler {
  ab_hci_event_fn *fn;
  void *ctx;
} ab_hci_handler;

/* a command the controller holds */
typedef struct ab_hci_air {
  ab_hci_cmd *cmd; /* NULL: detached */
  uint64_t due_us; /* its answer */
  uint16_t opcode;
} ab_hci_air;

typedef struct ab_hci_link_page {
  ab_hci_link *link[AB_HCI_PAGE];
} ab_hci_link_page;

struct ab_hci {
  ab_env *env;
  ab_bufs *bufs;
  ab_hci_down down;
  ab_hci_state state;
  unsigned depth;  /* of entry points that may call back and are still running */
  bool ending;     /* ab_hci_stop() was called meanwhile: ends things at depth 0 */
  bool blocked;    /* down->send refused: wait for ab_hci_writable() */
  int stop_status; /* what pending things end with */
  ab_hci_stats stats;
  ab_hci_handler event[256], le_event[256];

  /* hci_cmd: commands wait on a list until the controller has a credit, then sit in `air` in the
     order in which they were sent, so the first is due first */
  ab_list waiting;
  ab_hci_air air[AB_HCI_AIR_MAX];
  unsigned air_count;
  unsigned cmd_credits;
  uint64_t answered_us; /* the last answer, or start */
  ab_timer cmd_timer;   /* runs while a command is waiting or on the air */

  /* hci_init */
  ab_timer start_timer;
  ab_hci_cmd start_cmd;
  ab_hci_ready_fn *ready;
  void *ready_ctx;
  ab_hci_config config;
  unsigned step;
  bool le_buffers_read;
  ab_hci_le_max_data_length_ret max_data; /* zero: not known */
  ab_hci_info info;

  /* hci_acl */
  ab_hci_link_page *pages[AB_HCI_PAGE];
  ab_list ring; /* links that may send the next fragment */
  unsigned acl_credits;
  unsigned links; /* open ones */
  unsigned share; /* packets one link may have in flight */
  bool pumping;
};

/* Brackets of everything that calls back: what ab_hci_stop() ends, it ends at the last leave(). */
static inline void ab_hci_enter(ab_hci *hci) {
  hci->depth++;
}

void ab_hci_end_all(ab_hci *hci);

static inline void ab_hci_leave(ab_hci *hci) {
  if (hci->depth == 1 && hci->ending)
    ab_hci_end_all(hci);
  hci->depth--;
}

/* The controller is beyond use: ends the start, or tells down->failed. Once. */
__attribute__((format(printf, 3, 4))) void ab_hci_fail(ab_hci *hci, int status, const char *format,
                                                       ...);

static inline bool ab_hci_running(const ab_hci *hci) {
  return hci->state == AB_HCI_READY || hci->state == AB_HCI_STARTING;
}

/* hci_cmd */
void ab_hci_cmds_reset(ab_hci *hci);           /* a controller just reset takes one command */
void ab_hci_cmds_end(ab_hci *hci, int status); /* every command gets `status` */
void ab_hci_cmds_pump(ab_hci *hci);
int ab_hci_cmd_queue(ab_hci *hci, ab_hci_cmd *cmd, uint16_t opcode, const void *params, size_t len,
                     ab_hci_cmd_fn *fn);
ab_hci_event_fn ab_hci_on_command_complete, ab_hci_on_command_status;

/* hci_init */
void ab_hci_start_end(ab_hci *hci, int status, const char *why); /* nothing if not starting */

/* hci_acl */
void ab_hci_acl_ready(ab_hci *hci); /* the buffer sizes are known: all credits are here */
void ab_hci_acl_pump(ab_hci *hci);
void ab_hci_acl_end(ab_hci *hci, int status); /* every queue ends, every link is forgotten */
void ab_hci_acl_free(ab_hci *hci);
ab_hci_event_fn ab_hci_on_completed_packets, ab_hci_on_overflow;

/* hci_reassemble */
void ab_hci_acl_rx(ab_hci *hci, ab_rd *packet);

#endif
