/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The promise: aioble_op_t.
 *
 * Every call that starts something returns an op, never NULL, and reports every error through it:
 * bad arguments, no memory, not connected. An op has exactly one outcome, delivered once: 0, a
 * protocol error, AIOBLE_ETIMEDOUT, AIOBLE_ENOTCONN or AIOBLE_ENODEV (the peer or the adapter is
 * gone), AIOBLE_ECANCELED. The first one wins. Continuations run from the loop, never from inside
 * the call that started or settled the op.
 *
 * (One exception follows from its nature: a call on a NULL handle, or one for which there was not
 * even memory for an op, returns an op that belongs to no loop; aioble_op_then() on it calls back
 * at once.)
 */
#ifndef AIOBLE_OP_H
#define AIOBLE_OP_H

#include <aioble/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aioble_scan_result aioble_scan_result_t;
typedef struct aioble_client_service aioble_client_service_t;
typedef struct aioble_client_char aioble_client_char_t;
typedef struct aioble_client_desc aioble_client_desc_t;

/** The continuation of an op. The op, and all results it gives, are borrowed for the call. */
typedef void aioble_op_fn(aioble_op_t *op, int status, void *user);

/**
 * Calls fn(op, status, user) from the loop once the op has settled (also if it has already), and
 * takes the caller's reference: it is released after fn has returned. One consumer per op; take
 * an aioble_op_ref() first to be able to cancel later.
 */
AIOBLE_API void aioble_op_then(aioble_op_t *op, aioble_op_fn *fn, void *user);
/**
 * Runs the loop until the op has settled, and keeps the caller's reference.
 * @return the op's status; AIOBLE_EREENTRANT from inside a continuation or hook of that stack;
 *         AIOBLE_ESTALLED when nothing is left in the loop that could settle it. No op resolves
 *         with these two. (With several stacks on one loop: not from inside another's, either,
 *         since libuv's loops do not nest.)
 */
AIOBLE_API int aioble_op_await(aioble_op_t *op);
/** aioble_op_await(), then aioble_op_unref(). */
AIOBLE_API int aioble_op_finish(aioble_op_t *op);
/**
 * Asks it to end. Idempotent. The outcome still arrives, AIOBLE_ECANCELED unless another came
 * first, and by then the radio procedure has ended, or an ATT request in flight has been detached.
 */
AIOBLE_API void aioble_op_cancel(aioble_op_t *op);
/**
 * Replaces the time limit by timeout_ms from now; AIOBLE_FOREVER: none. Each kind of op starts
 * with the limit its function states.
 */
AIOBLE_API void aioble_op_set_timeout(aioble_op_t *op, uint64_t timeout_ms);
/** True once there is an outcome, delivered or not. */
AIOBLE_API bool aioble_op_done(const aioble_op_t *op);
/** The outcome; AIOBLE_EAGAIN while there is none. */
AIOBLE_API int aioble_op_status(const aioble_op_t *op);
/**
 * The outcome in words, with the fact that helps ("hci0 is up and owned by the kernel: …") where
 * there is one. Borrowed until the op is released; never NULL.
 */
AIOBLE_API const char *aioble_op_message(const aioble_op_t *op);
/** One reference more. @return op */
AIOBLE_API aioble_op_t *aioble_op_ref(aioble_op_t *op);
/** One less; never cancels anything. NULL does nothing. @return NULL */
AIOBLE_API aioble_op_t *aioble_op_unref(aioble_op_t *op);

/**
 * Settles with 0 when all have succeeded; with the first failure, after the others were cancelled
 * and have ended, too. Takes the references. No ops at all: 0.
 */
AIOBLE_API aioble_op_t *aioble_op_all(aioble_op_t **ops, size_t n);
/**
 * Settles with 0 when the first has succeeded and the others, then cancelled, have ended; with the
 * last failure when none succeeds. Takes the references. No ops at all: AIOBLE_EINVAL.
 */
AIOBLE_API aioble_op_t *aioble_op_any(aioble_op_t **ops, size_t n);
/** The i-th op of a group, borrowed from it; NULL beyond the end. */
AIOBLE_API aioble_op_t *aioble_op_member(aioble_op_t *group, size_t i);
/** Of a settled aioble_op_any(): the op that succeeded, borrowed; NULL: none did. */
AIOBLE_API aioble_op_t *aioble_op_winner(aioble_op_t *group);

/* ---- results: of an op that succeeded, borrowed until it is released; asserted to be of that
 * kind.
 * ---- Zero, NULL or empty for an op without that result. */

/** The connection of a connect, advertise or written op. */
AIOBLE_API aioble_conn_t *aioble_op_conn(const aioble_op_t *op);
/** The bytes of a read, notified, indicated or written op. */
AIOBLE_API aioble_bytes_t aioble_op_value(const aioble_op_t *op);
/**
 * The values of an op that yields several (aioble_client_read_multiple_variable(),
 * aioble_conn_read_by_uuid(), …): how many; the i-th, its bytes and its attribute handle. Empty and
 * 0 beyond the last.
 */
AIOBLE_API size_t aioble_op_count(const aioble_op_t *op);
AIOBLE_API aioble_bytes_t aioble_op_value_at(const aioble_op_t *op, size_t i);
AIOBLE_API uint16_t aioble_op_handle_at(const aioble_op_t *op, size_t i);
/** The number of an op that yields one (RSSI in dBm, ATT MTU in bytes). */
AIOBLE_API int aioble_op_number(const aioble_op_t *op);
/** The result of aioble_scan_next(). */
AIOBLE_API aioble_scan_result_t *aioble_op_scan_result(const aioble_op_t *op);
AIOBLE_API aioble_client_service_t *aioble_op_service(const aioble_op_t *op);
AIOBLE_API aioble_client_char_t *aioble_op_char(const aioble_op_t *op);
AIOBLE_API aioble_client_desc_t *aioble_op_desc(const aioble_op_t *op);

#ifdef __cplusplus
}
#endif
#endif
