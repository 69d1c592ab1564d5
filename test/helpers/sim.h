/* SPDX-License-Identifier: MIT */
/* Whole stacks on one virtual radio in virtual time. */
#ifndef TEST_SIM_H
#define TEST_SIM_H

#include <aioble.h>
#include <aioble/virtual.h>

enum { SIM_MAX_STACKS = 16 };

typedef struct sim_stack {
  aioble_transport_t *controller;
  aioble_t *ble;
  aioble_options_t options; /* what it was made with */
  uint64_t random;          /* the state of its randomness */
  char capture[256];        /* the file with its packets, if there is one */
  unsigned lost;            /* calls of on_lost */
  int lost_status;
  /* called then, too; its user is the sim_stack, whose user is the test's */
  void (*on_lost)(aioble_t *ble, int status, const char *why, void *user);
  void *user;
} sim_stack;

typedef struct sim {
  aioble_virtual_radio_t *radio;
  sim_stack stacks[SIM_MAX_STACKS];
  size_t n, live;     /* stacks made; allocations alive, … */
  size_t bytes;       /* … and how much they take */
  size_t allocations; /* made so far */
  size_t fail_at;     /* the one that fails; 0: none */
  size_t fail_from;   /* … or that one and all after it */
  /* set behind sim_open(): what a stack is given instead of its controller; NULL: that */
  aioble_transport_t *(*tap)(struct sim *s, aioble_transport_t *controller);
} sim;

/* options NULL: virtual time, no timing model */
void sim_open(sim *s, const aioble_virtual_options_t *options);
/* closes every stack and the radio; asserts that nothing is left */
void sim_close(sim *s);

/* a stack with a controller of its own; either options may be NULL */
aioble_t *sim_stack_new(sim *s, const aioble_options_t *options,
                        const aioble_virtual_controller_options_t *controller);

/* closes and releases a stack: another one in its place, with its controller and its options (as
   they are in its entry) */
aioble_t *sim_restart(sim *s, aioble_t *ble);

/* … with the defaults; false: there was no memory for it */
bool sim_try_stack(sim *s);

/* awaits, asserts the status, releases */
void sim_expect(aioble_op_t *op, int status);
/* awaits success; the op is the caller's */
aioble_op_t *sim_ok(aioble_op_t *op);
aioble_stats_t sim_stats(const aioble_t *ble);
/* runs for that much virtual time */
void sim_run_ms(sim *s, uint64_t ms);

/* An op somebody waits for: how often it called back, and with what. Takes the caller's reference
   and keeps one of its own until sim_watch_end(). Asserts that nothing calls back inline. */
typedef struct sim_watch {
  aioble_op_t *op;
  unsigned calls;
  int status;
} sim_watch;
void sim_watch_op(sim_watch *watch, aioble_op_t *op);
/* runs until it has called back; asserts once, and the status; releases */
void sim_watch_expect(sim_watch *watch, int status);
void sim_watch_end(sim_watch *watch);

/* the stack's entry; asserts that there is one */
sim_stack *sim_stack_of(sim *s, const aioble_t *ble);
/* a device of that stack for the controller of another one, or for nobody (NULL) */
aioble_device_t *sim_device(aioble_t *ble, aioble_t *peer);

/* the address of a stack's controller */
aioble_addr_t sim_addr(aioble_t *ble);
/* asserts that these are the parameters of that connection */
void sim_expect_params(aioble_conn_t *conn, const aioble_conn_params_t *params);
/* a connects to b, which advertises: both ends, a reference each */
void sim_connect(aioble_t *a, aioble_t *b, aioble_conn_t **at_a, aioble_conn_t **at_b);

#endif
