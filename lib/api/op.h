/* SPDX-License-Identifier: MIT */
/*
 * Ops, seen from inside. A kind of op embeds aioble_op first in its own struct, together with the
 * requests it gives to the layers below (the transactions). While a transaction still uses the
 * struct, it holds a reference of its own: an op can settle, and its caller let go, before that.
 *
 *   pending --settle--> settled --deliver (from the loop)--> delivered
 */
#ifndef AB_OP_H
#define AB_OP_H

#include "util/buf.h"
#include "util/env.h"
#include "util/list.h"
#include <aioble/op.h>

typedef struct ab_op_kind {
  const char *name; /* for logs and assertions */
  size_t size;      /* of the struct that embeds the op */
  uint64_t timeout_ms;
  /* asked to end, while pending, with `why` (ECANCELED or ETIMEDOUT): settles now, or once the
     procedure has ended. NULL: settles at once */
  void (*end)(aioble_op_t *op, int why);
  /* no reference is left: let go of what the struct holds. NULL: nothing */
  void (*release)(aioble_op_t *op);
} ab_op_kind;

typedef enum ab_op_result_kind {
  AB_OP_NOTHING,
  AB_OP_CONN,   /* conn */
  AB_OP_VALUE,  /* value, perhaps conn */
  AB_OP_NUMBER, /* number */
  AB_OP_HANDLE, /* handle of some kind, released by put() */
} ab_op_result_kind;

struct aioble_op {
  ab_list node; /* ready to be delivered, or in the pool */
  aioble_t *ble;
  const ab_op_kind *kind;
  aioble_op_fn *fn;
  void *user;
  ab_timer timer;
  /* The time limit of its kind is over: how much longer it has, in microseconds; 0: it ends. NULL:
     it does, too */
  uint64_t (*longer)(aioble_op_t *op);
  char *message; /* with the fact that helps; NULL: aioble_strerror(status) */
  struct {
    ab_op_result_kind kind;
    int number;
    aioble_conn_t *conn; /* a reference */
    ab_buf *value;       /* freed with the op */
    void *handle;        /* a reference, and how to drop it */
    void (*put)(void *handle);
  } result;
  int status;
  uint32_t refs;
  bool done, ending; /* has an outcome; was asked to end */
  bool limited;      /* the time limit is the caller's */
};

/* A pending op with the caller's reference and its kind's time limit running; the rest of its
   struct is zero. NULL: out of memory (then return ab_op_failed(ble, AIOBLE_ENOMEM)). */
aioble_op_t *ab_op_new(aioble_t *ble, const ab_op_kind *kind);
/* An op that has settled with `status`; never NULL. ble NULL: one that belongs to no loop, of
   status ENOTCONN, ENOMEM, EINVAL or 0. */
aioble_op_t *ab_op_failed(aioble_t *ble, int status);
/* … with a text */
aioble_op_t *ab_op_failed_why(aioble_t *ble, int status, const char *why);
aioble_op_t *ab_op_succeeded(aioble_t *ble);

/* The outcome; the first one wins. Returns false when there was one already. */
bool ab_op_settle(aioble_op_t *op, int status);
bool ab_op_settle_why(aioble_op_t *op, int status, const char *why);
/* asks it to end with `why`, as its time limit would */
void ab_op_end(aioble_op_t *op, int why);
/* the time limit of its kind starts again, unless the caller has set one */
void ab_op_restart_limit(aioble_op_t *op);
/* ab_op_kind.end of an op that waits on a list, by its node */
void ab_op_leave_list(aioble_op_t *op, int why);

/* results, to be set before settling with 0; the op takes a reference of its own */
void ab_op_set_conn(aioble_op_t *op, aioble_conn_t *conn);
void ab_op_set_number(aioble_op_t *op, int number);
/* copies; false: out of memory */
bool ab_op_set_value(aioble_op_t *op, const uint8_t *data, size_t len);
/* takes over a buffer: its bytes are the value */
void ab_op_take_value(aioble_op_t *op, ab_buf *value);
/* takes over the caller's reference to a handle, which put() will drop */
void ab_op_take_handle(aioble_op_t *op, void *handle, void (*put)(void *handle));
/* the handle of a settled op if it is of that type (the same put); else NULL */
void *ab_op_handle(const aioble_op_t *op, void (*put)(void *handle));

/* ---- the machinery, one per stack (used by host) ---- */

enum { AB_OP_SLOT = 416, AB_OP_RESERVE = 16, AB_OP_IDLE = 256 };

typedef struct ab_ops {
  ab_list ready; /* settled and wanted: to be delivered */
  ab_list pool;  /* idle slots of AB_OP_SLOT octets */
  unsigned idle; /* … how many; the last AB_OP_RESERVE are for ab_op_failed() */
  uint64_t without_memory;
} ab_ops;

int ab_ops_init(ab_ops *ops, ab_env *env);
void ab_ops_free(ab_ops *ops, ab_env *env);
/* delivers what is ready now; what becomes ready meanwhile waits */
void ab_ops_deliver(aioble_t *ble);

#endif
