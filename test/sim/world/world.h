/* SPDX-License-Identifier: MIT */
/*
 * A world: a few whole stacks on one virtual radio, chance that calls anything at any time, a radio
 * on which things go wrong, and a model of what must hold all the same. One seed is one world.
 *
 *   world_main.c     the program: seeds, processes, figures
 *   world.c          a life, from the first action to the last release
 *   world_kinds.c    what goes wrong in which kind of world, and what must hold there
 *   world_ops.c      ops: each settles once and never inline; the trace
 *   world_tap.c      all HCI packets: into the trace's hash, and into captures
 *   world_links.c    scanning, advertising, connecting, and what is asked of a link
 *   world_values.c   values that clients write and read
 *   world_tell.c     notifications and indications
 *   world_tables.c   attribute tables that change, and their discovery
 *   world_pipes.c    L2CAP channels
 *   world_keys.c     pairing and bonds
 *   world_trouble.c  what goes wrong on purpose
 *   world_hostile.c  a peer without manners
 */
#ifndef WORLD_H
#define WORLD_H

#include "helpers/sim.h"

enum {
  W_STACKS = 4,
  W_PEERS = W_STACKS + 1, /* … and the hostile one */
  W_OPS = 1024,
  W_KEPT = 8,
  W_SCANS = 2,
  W_EXTRAS = 3,
  W_ENDS = 64,
  W_SEQS = 200, /* values of an attribute, and SDUs of a channel, that are told apart */
  W_PSM = 0x80,
};

typedef struct world world;

/* ---- kinds ---- */

/* what must hold, beside what always must (world_kinds.c) */
enum {
  W_EXACT = 1, /* what was acknowledged is there: once, whole and in order */
  W_AGREE = 2, /* once nothing goes wrong any more, both ends know the same */
  W_TIDY = 4,  /* no stack receives anything malformed, no controller is overrun */
};

/* what goes wrong on purpose (world_trouble.c), in that order */
enum {
  W_SILENCE = 1,
  W_UNPLUG = 2,
  W_ERROR = 4,
  W_RESET = 8,
  W_LOSS = 16,
  W_RANGE = 32,
  W_HOLD = 64,
  W_CREDITS = 128,
  W_NO_MEMORY = 256,
  W_STUCK = 512,
  W_ALL_TROUBLES = 1023,
};

typedef struct world_kind {
  const char *name;
  unsigned promises;
  aioble_virtual_faults_t weather; /* by chance */
  unsigned troubles;               /* on purpose: a set of W_SILENCE … */
  unsigned trouble_every;          /* actions; 0: never */
  bool hostile;                    /* there is such a peer */
} world_kind;

/* the name's; of no name: the seed's; NULL: there is no such kind */
const world_kind *world_kind_of(const char *name, uint64_t seed);

/* ---- ops ---- */

typedef struct w_op w_op;
typedef void w_then(w_op *o, int status);

struct w_op {
  world *w;
  aioble_op_t *op;
  const char *name;
  w_then *then; /* the model's part; may be NULL */
  unsigned at;  /* whose it is */
  unsigned calls;
  void *what, *with; /* the model's notes */
  unsigned seq, mark;
  uint64_t since_us, limit_ms;
  bool each; /* the limit is that of each request */
};

/* ---- values: each attribute has one client that writes it ---- */

typedef enum w_fate { W_UNKNOWN, W_OWED, W_STORED, W_REFUSED } w_fate;

enum { W_SHORT, W_LONG, W_COMMAND, W_ATTRS };

typedef struct w_attr {
  world *w;
  unsigned server, client, kind;
  aioble_char_t *chr;
  aioble_client_char_t *found; /* the client's handle; perhaps of a link that has ended */
  unsigned issued, seen, stored;
  unsigned before;        /* what was stored for certain */
  unsigned busy;          /* long writes under way */
  unsigned looks;         /* hook calls, so that a reader knows whether all was quiet */
  unsigned sent, sent_on; /* the last command that went out, and the link's number then */
  uint8_t fate[W_SEQS];
} w_attr;

/* what a server tells one client, both ways */
typedef struct w_tell {
  world *w;
  unsigned server, client;
  aioble_char_t *chr;
  aioble_client_char_t *found;
  unsigned issued;
  unsigned seen[2];                   /* by the client: notified, indicated */
  unsigned taken[2];                  /* by the controller; by the client's stack */
  unsigned taken_on[2], listening_on; /* numbers of links; 0: none */
  unsigned asked;                     /* subscriptions that were asked for */
} w_tell;

/* ---- channels ---- */

typedef struct w_end {
  world *w;
  aioble_channel_t *chan;
  unsigned at, peer, id;
  bool reading, exact;
  unsigned mode;
  unsigned sent; /* SDUs */
  uint8_t acked[W_SEQS];
  struct w_end *from; /* the other end, once it has said who it is */
  unsigned next;      /* … and the SDU that comes */
  size_t filled;      /* of the SDU in `sdu` */
  uint8_t sdu[2048], piece[100];
} w_end;

/* ---- stacks ---- */

typedef struct w_tap w_tap;

typedef struct w_side {
  world *w;
  unsigned no;
  aioble_t *ble;
  aioble_transport_t *controller;
  w_tap *tap;
  aioble_conn_t *conns[W_PEERS]; /* the last one to each; kept, perhaps beyond its link */
  unsigned link[W_PEERS];        /* its number, one of the world's */
  aioble_device_t *devices[W_PEERS];
  w_attr attrs[W_STACKS][W_ATTRS]; /* here, by client */
  w_tell tells[W_STACKS];
  aioble_service_t *service, *extras[W_EXTRAS];
  aioble_char_t *extra_chars[W_EXTRAS];
  aioble_char_t *secret, *open, *captured;
  unsigned changes; /* of the table */
  uint64_t changed_us;
  aioble_listener_t *listener;
  aioble_client_char_t *found[W_KEPT]; /* any */
  aioble_scan_t *scans[W_SCANS];
  aioble_client_service_t *main[W_PEERS];
  unsigned prompts[W_PEERS];
  uint32_t numbers[W_PEERS];
  unsigned calls, closed_at; /* of the application; nothing happens while they are equal */
  bool silent;
  bool remembers; /* all peers' tables, not only those of bonded ones */
} w_side;

/* ---- the world ---- */

typedef struct w_hostile w_hostile;

/* members of aioble_virtual_fault_counts_t, and their names */
#define W_CHANCES(X)                    \
  X(links_lost, "links lost")           \
  X(not_established, "not established") \
  X(reordered, "reordered")             \
  X(delayed, "delayed")                 \
  X(lost_events, "events lost")         \
  X(duplicated, "events twice")         \
  X(lost_credits, "credits lost")       \
  X(malformed, "malformed")             \
  X(truncated, "truncated")             \
  X(hardware_errors, "hardware errors")

typedef struct world_figures {
  uint64_t runs, ops, links, writes, sdus;
  uint64_t hostile;      /* PDUs */
  uint64_t troubles[32]; /* on purpose */
  aioble_virtual_fault_counts_t chances;
} world_figures;

typedef struct world_options {
  uint64_t seed;
  const char *kind;
  unsigned actions;
  bool trace;
  const char *snoop; /* a folder */
  world_figures *figures;
} world_options;

struct world {
  sim s; /* first: its tap finds us */
  const world_options *options;
  const world_kind *kind;
  uint64_t random, hash;
  uint64_t data; /* packets of it that have crossed a tap */
  unsigned n_ops, n_ends, n_links;
  unsigned depth;   /* in a callback that acts */
  unsigned calling; /* in a call of the library, which must not call us */
  unsigned step;
  bool ending;
  bool still;      /* tables do not change */
  unsigned famine; /* so many actions more there is no memory at all */
  w_op ops[W_OPS];
  w_side sides[W_STACKS];
  w_end ends[W_ENDS];
  aioble_answer_t *answers[W_KEPT];
  w_attr *owed[W_KEPT]; /* whose write that is, and which; NULL: something else */
  unsigned owed_seq[W_KEPT];
  w_hostile *hostile;
};

/* a life; its trace's hash. What must not be ends the process. */
uint64_t world_live(const world_options *options);

_Noreturn void world_fail(world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define W_CHECK(w, yes, ...) ((yes) ? (void) 0 : world_fail((w), __VA_ARGS__))
static inline bool world_promises(const world *w, unsigned promise) {
  return w->kind->promises & promise;
}

unsigned world_roll(world *w, unsigned sides);
/* a line of the trace: always in its hash */
void world_trace(world *w, const char *what, long a, long b, long c);

w_side *world_side(world *w); /* somebody */
/* in whatever callback we are: something, now and then */
void world_act_inside(world *w);
void world_act(world *w);
/* all troubles are over, what is owed is given, time passes; then the model is compared */
void world_settle(world *w);

/* ---- ops: W_PLAY(side, name, call, then) ---- */

/*
 * Starts an op and waits for it. The call is watched: nothing may call back from inside it. NULL:
 * there are too many, nobody waits.
 */
#define W_PLAY(side, name, call, then) \
  (world_calls(side), world_play((side), (name), (call), (then)))
w_op *world_play(w_side *side, const char *name, aioble_op_t *op, w_then *then);
/* any other call: W_CALL(side, expression;) */
#define W_CALL(side, call) \
  do {                     \
    world_calls(side);     \
    call;                  \
    world_called(side);    \
  } while (0)
void world_calls(w_side *side);
void world_called(w_side *side);
/* a callback of that stack begins */
void world_called_back(w_side *side, const char *what);
void world_disturb_an_op(world *w);
void world_limit(w_op *o, unsigned ms); /* sets its time limit */
void world_ops_end(world *w);

/* ---- patterns: octets of which each says where it belongs ---- */

void world_pattern(uint8_t *data, size_t len, unsigned who, unsigned seq);
bool world_pattern_is(const uint8_t *data, size_t len, unsigned who, unsigned seq);
/* the number that such octets claim to have */
unsigned world_pattern_seq(const uint8_t *data, size_t len);

/* ---- the parts ---- */

aioble_transport_t *world_tap(sim *s, aioble_transport_t *controller);
void world_tap_free(w_tap *tap);

void world_links_begin(world *w);
void world_links_end(world *w);
/* some peer of that side; a connection to it, if that can be had in a few tries, or NULL */
aioble_conn_t *world_conn(w_side *side, unsigned *peer);
/* whose connection's other end that is; W_PEERS: nobody's */
unsigned world_peer_of(const w_side *side, aioble_conn_t *conn);
/* the same link, seen from its other end; NULL: it is not up there */
aioble_conn_t *world_other_end(w_side *side, unsigned peer);
void world_link_check(world *w);

void world_values_begin(w_side *side);
void world_values_end(w_side *side);
void world_values_check(world *w);
/* the answers that are owed */
void world_answer(world *w, unsigned at, bool refuse);

void world_tell_begin(w_side *side);
void world_tell_check(world *w);
/* that client has forgotten what it knew of the peer's attributes there */
void world_tell_gone(w_side *side, unsigned peer, uint16_t first, uint16_t last);

void world_tables_begin(w_side *side);
void world_tables_end(w_side *side);

void world_pipes_begin(w_side *side);
void world_pipes_end(world *w);
void world_pipes_drain(world *w);
void world_pipes_check(world *w);

void world_keys_begin(w_side *side);
void world_keys_check(world *w);

void world_trouble(world *w);
void world_trouble_goes_on(world *w); /* an action later */
void world_trouble_over(world *w);
const char *world_trouble_name(unsigned no); /* NULL: there are no more */

w_hostile *world_hostile_new(world *w);
void world_hostile_free(w_hostile *h);
void world_hostile_act(w_hostile *h);
aioble_addr_t world_hostile_addr(const w_hostile *h);

/* ---- what can be done: each starts something of that side ---- */

typedef void w_deed(w_side *side);
w_deed world_meet, world_scan, world_scan_next, world_scan_stop, world_advertise, world_connect,
    world_disconnect, world_update, world_open_or_close, world_forget, world_group, world_ask_link;
w_deed world_find, world_write, world_read, world_use_any, world_answer_one, world_take;
w_deed world_subscribe, world_notify, world_indicate, world_take_told;
w_deed world_change_table, world_discover;
w_deed world_channel_connect, world_channel_send, world_channel_read, world_channel_close;
w_deed world_pair, world_answer_prompt, world_forget_bond;

#endif
