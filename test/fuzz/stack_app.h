/* SPDX-License-Identifier: MIT */
/*
 * An application that uses all of the library, an action at a time: a server with tables, a client
 * that explores, channels, pairing. It aborts when the library breaks a promise: each op settles
 * once and never inline, nothing is called after the close, values have the lengths they may have,
 * who is not authenticated does not get at what needs it, and memory has an end.
 */
#ifndef FUZZ_STACK_APP_H
#define FUZZ_STACK_APP_H

#include <aioble.h>
#include <aioble/loop.h>

enum {
  APP_OPS = 512,
  APP_RESERVED = 8,
  APP_KEPT = 4,
  APP_PSM = 0x80,
  /* whatever a peer or a controller does: for all, and for each op that was asked for */
  APP_MEMORY_MAX = 320 * 1024, /* the pools alone: 256 ops, 64 buffers of each size */
  APP_OP_MEMORY_MAX = 2560,    /* a discovery, its op and its request */
};

typedef struct app app;

typedef struct app_op {
  app *a;
  aioble_op_t *op;    /* until it has settled: what it holds is then let go of */
  aioble_op_fn *then; /* what it does with its result */
  unsigned calls;
  int status;
  bool starting; /* the call that started it has not returned */
} app_op;

struct app {
  aioble_t *ble;
  app *other; /* at the other end */
  uint64_t random;
  size_t live, bytes; /* allocations alive, and how much they are */
  unsigned fail_in;   /* the how many-th allocation from now fails, once; 0: none */
  bool failed;        /* … and has */
  bool in_callback, closed;
  bool went; /* the adapter was closed by itself: all links have ended, be it open again or not */
  unsigned explored; /* what a walk through the peer's table may still start */
  uint8_t hook;      /* what the next hook does */
  unsigned prompts;
  uint32_t number;                    /* shown in the last one */
  aioble_addr_t peer_addr, bystander; /* whom to connect to; who is of no interest */

  app_op ops[APP_OPS];
  unsigned n_ops, room;    /* how many, and may be */
  aioble_service_t *extra; /* comes and goes */
  aioble_char_t *chars[APP_KEPT];
  aioble_conn_t *conn; /* with the other */
  aioble_scan_t *scan;
  aioble_listener_t *listener;
  aioble_channel_t *channels[APP_KEPT];
  aioble_client_char_t *found[APP_KEPT];
  aioble_client_desc_t *desc;
  aioble_answer_t *answer;
  uint8_t into[64];
};

/* makes the stack and its tables; closed */
void app_init(app *a, aioble_loop_t *loop, struct aioble_transport *transport,
              const aioble_options_t *options);
/* lets go of everything, once the stack has closed; asserts that nothing is left */
void app_end(app *a);

/* what the targets themselves do (see app_act()) */
enum {
  ACT_ADVERTISE = 1,
  ACT_CONNECT = 2,
  ACT_CONFIGURE = 5,
  ACT_DISCONNECT = 9,
  ACT_PAIR = 10,
  ACT_EXPLORE = 15,
  ACT_FIND = 16,
  ACT_LISTEN = 28,
};
/* does something; whatever numbers these are, they mean something */
void app_act(app *a, uint8_t what, uint8_t arg);
/* in a hook: something else, as the input wished */
void app_act_inside(app *a);
void app_on_prompt(aioble_conn_t *conn, aioble_prompt_t prompt, uint32_t number, void *user);

/* waits for that op, too; `then` (may be NULL) is called when it has succeeded */
app_op *app_ask(app *a, aioble_op_t *op, aioble_op_fn *then);
/* all that were asked for have settled */
bool app_settled(const app *a);

/* a promise; a broken one is printed, and aborts */
#define app_check(ok) app_check_at((ok), #ok, __FILE__, __LINE__)
void app_check_at(bool ok, const char *what, const char *file, int line);

#endif
