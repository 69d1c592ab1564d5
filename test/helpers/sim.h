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
  unsigned lost;            /* calls of on_lost */
  int lost_status;
} sim_stack;

typedef struct sim {
  aioble_virtual_radio_t *radio;
  sim_stack stacks[SIM_MAX_STACKS];
  size_t n, live;              /* stacks made; bytes of memory allocations alive */
  size_t allocations, fail_at; /* the allocation to fail; 0: none */
} sim;

/* options NULL: virtual time, no timing model */
void sim_open(sim *s, const aioble_virtual_options_t *options);
/* closes every stack and the radio; asserts that nothing is left */
void sim_close(sim *s);

/* a stack with a controller of its own; either options may be NULL */
aioble_t *sim_stack_new(sim *s, const aioble_options_t *options,
                        const aioble_virtual_controller_options_t *controller);

/* awaits, asserts the status, releases */
void sim_expect(aioble_op_t *op, int status);
/* awaits success; the op is the caller's */
aioble_op_t *sim_ok(aioble_op_t *op);
/* runs for that much virtual time */
void sim_run_ms(sim *s, uint64_t ms);

/* the address of a stack's controller */
aioble_addr_t sim_addr(aioble_t *ble);
/* a connects to b, which advertises: both ends, a reference each */
void sim_connect(aioble_t *a, aioble_t *b, aioble_conn_t **at_a, aioble_conn_t **at_b);

#endif
