/* SPDX-License-Identifier: MIT */
/* A link and its two ends, the procedures between them, data. */
#ifndef VR_LINK_H
#define VR_LINK_H

#include "virtual/vr_radio.h"

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
  vr_addr own;         /* on the air */
  bool own_is_private; /* own is an RPA that the controller made */
  vr_who peer;
  vr_addr peer_air;
  ab_list pdus;     /* control PDUs to the other end */
  ab_list tx;       /* ab_buf: ACL packets to the other end */
  uint32_t tx_done; /* octets of the first one that are over */
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
  ab_timer late;            /* the host is to be told that it is encrypted */
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
  VR_ENC_ASKED,    /* LL_ENC_REQ is on its way */
  VR_ENC_WAIT_KEY, /* the peripheral's host is asked for the key */
  VR_ENC_STARTING, /* the key is there; both start */
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

void vr_ll_init(vr_end *e);      /* a new end's lengths, PHYs and so on */
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

#endif
