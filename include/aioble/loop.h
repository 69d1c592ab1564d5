/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What the stack asks of an event loop: the time, a wake-up, a turn. Applications give
 * aioble_new() a uv_loop_t and never need this header; tests run on a virtual radio's loop, and a
 * program with another event loop can supply its own.
 */
#ifndef AIOBLE_LOOP_H
#define AIOBLE_LOOP_H

#include <aioble/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AIOBLE_NEVER UINT64_MAX

typedef struct aioble_loop aioble_loop_t;

typedef struct aioble_loop_ops {
  /** Monotonic microseconds. */
  uint64_t (*now_us)(aioble_loop_t *loop);
  /** Call on_turn once at or after that time (replaces the earlier request; AIOBLE_NEVER: none). */
  void (*wake_at)(aioble_loop_t *loop, uint64_t at_us);
  /** Call on_turn soon: before the loop next sleeps, never from inside this call. */
  void (*want_turn)(aioble_loop_t *loop);
  /** Runs the loop once, sleeping if need be; false: nothing is left that could happen. */
  bool (*run_once)(aioble_loop_t *loop);
  /** Stops everything and releases the object; closed(ctx) follows from the loop, never inline. */
  void (*close)(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx);
} aioble_loop_ops_t;

/** One client of a loop (a stack, or a virtual radio). Embed it first in your own struct. */
struct aioble_loop {
  const aioble_loop_ops_t *ops;
  void (*on_turn)(void *ctx); /**< set by the client */
  void *ctx;                  /**< set by the client */
};

/**
 * A client of a libuv loop. It holds a prepare, an idle and a timer handle until closed with
 * `ops->close`, after which uv_loop_close() no longer sees them.
 * @return NULL only when out of memory.
 */
AIOBLE_API aioble_loop_t *aioble_loop_uv(uv_loop_t *uv, const aioble_allocator_t *allocator);

#ifdef __cplusplus
}
#endif
#endif
