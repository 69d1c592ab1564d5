/* SPDX-License-Identifier: MIT */
/* The air: time, turns, randomness, who advertises and who listens. What all files need. */
#ifndef VR_RADIO_H
#define VR_RADIO_H

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
  VR_REPORTS_QUEUED = 1024, /* to a host: beyond it reports are dropped and commands wait */
  VR_EVENTS_QUEUED = 8192,  /* … and beyond it any event is lost */
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

/* who an address on the air is, as the host is to be told */
typedef struct vr_who {
  uint8_t type; /* 0 public, 1 random, 2 and 3: the identity behind a private address */
  ab_addr6 addr;
  bool ignored; /* an identity address where the privacy mode wants a private one */
} vr_who;

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
/* the 24-bit hash of an RPA's random part, Core Vol 3, Part H, 2.2.2; both most significant first
 */
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

#endif
