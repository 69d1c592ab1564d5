/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Plain values and errors: what every other header is made of.
 *
 * One loop, one thread: all functions of libaioble are called from the thread that runs the loop
 * that was given to aioble_new(). Nothing here is thread-safe; instances share nothing, so several
 * loops may run in several threads.
 */
#ifndef AIOBLE_TYPES_H
#define AIOBLE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(AIOBLE_BUILDING) && defined(__GNUC__)
#define AIOBLE_API __attribute__((visibility("default")))
#else
#define AIOBLE_API
#endif

typedef struct aioble aioble_t;
typedef struct aioble_op aioble_op_t;
typedef struct aioble_device aioble_device_t;
typedef struct aioble_conn aioble_conn_t;
typedef struct uv_loop_s uv_loop_t;

/* ---- errors ---- */

/**
 * Every library error: X(name, number, text). The numbers are libuv's (negative errno on Linux),
 * and two of our own that only aioble_op_await() returns.
 */
#define AIOBLE_ERROR_MAP(X)                                     \
  X(EACCES, -13, "permission denied")                           \
  X(EAFNOSUPPORT, -97, "this system has no Bluetooth sockets")  \
  X(EAGAIN, -11, "no room now, try again")                      \
  X(EALREADY, -114, "already in progress or done")              \
  X(EBUSY, -16, "busy")                                         \
  X(ECANCELED, -125, "cancelled")                               \
  X(ECONNREFUSED, -111, "connection refused")                   \
  X(EEXIST, -17, "already exists")                              \
  X(EINVAL, -22, "invalid argument")                            \
  X(EIO, -5, "input/output error")                              \
  X(EMSGSIZE, -90, "too long")                                  \
  X(ENOBUFS, -105, "a limit was reached")                       \
  X(ENODEV, -19, "no such adapter, or the adapter is gone")     \
  X(ENOENT, -2, "not found")                                    \
  X(ENOMEM, -12, "out of memory")                               \
  X(ENOTCONN, -107, "not connected")                            \
  X(ENOTSUP, -95, "not supported")                              \
  X(EOF, -4095, "end")                                          \
  X(EPERM, -1, "not permitted")                                 \
  X(EPROTO, -71, "the other side broke the protocol")           \
  X(ERFKILL, -132, "blocked by rfkill")                         \
  X(ETIMEDOUT, -110, "timed out")                               \
  X(EREENTRANT, -3001, "aioble_op_await() from a continuation") \
  X(ESTALLED, -3002, "nothing is left in the loop that could settle the op")

enum {
#define AIOBLE_ERROR_ENUM_(name, number, text) AIOBLE_##name = number,
  AIOBLE_ERROR_MAP(AIOBLE_ERROR_ENUM_)
#undef AIOBLE_ERROR_ENUM_
};

/** Protocol errors keep the specification's number, each protocol in a range of its own. */
#define AIOBLE_ERR_HCI(code)   (-0x10000 - (int) (code)) /**< Core Vol 1, Part F */
#define AIOBLE_ERR_ATT(code)   (-0x20000 - (int) (code)) /**< Core Vol 3, Part F, 3.4.1.1 */
#define AIOBLE_ERR_SMP(code)   (-0x30000 - (int) (code)) /**< Core Vol 3, Part H, 3.5.5 */
#define AIOBLE_ERR_L2CAP(code) (-0x40000 - (int) (code)) /**< Core Vol 3, Part A, 4.23 */

#define AIOBLE_ERR_IS_HCI(err)   ((err) <= -0x10000 && (err) > -0x20000)
#define AIOBLE_ERR_IS_ATT(err)   ((err) <= -0x20000 && (err) > -0x30000)
#define AIOBLE_ERR_IS_SMP(err)   ((err) <= -0x30000 && (err) > -0x40000)
#define AIOBLE_ERR_IS_L2CAP(err) ((err) <= -0x40000 && (err) > -0x50000)
/** The specification's number of a protocol error. */
#define AIOBLE_ERR_CODE(err) ((unsigned) (-(err)) & 0xffffu)

/** The text of an error ("timed out", "ATT: insufficient authentication"). Static; never NULL. */
AIOBLE_API const char *aioble_strerror(int err);
/** The name of an error ("AIOBLE_ETIMEDOUT", "AIOBLE_ERR_ATT"). Static; never NULL. */
AIOBLE_API const char *aioble_err_name(int err);

/* ---- bytes ---- */

/** Some bytes, borrowed; data may be NULL when len is 0. */
typedef struct aioble_bytes {
  const uint8_t *data;
  size_t len;
} aioble_bytes_t;

/** "No time limit" for aioble_op_set_timeout() and option fields that take one. */
#define AIOBLE_FOREVER UINT64_MAX

/* ---- addresses (Core Vol 6, Part B, 1.3) ---- */

#define AIOBLE_ADDR_PUBLIC 0u
#define AIOBLE_ADDR_RANDOM 1u

/** A device address. Two are the same device when type and bytes are equal. */
typedef struct aioble_addr {
  uint8_t type;     /**< AIOBLE_ADDR_PUBLIC or AIOBLE_ADDR_RANDOM */
  uint8_t bytes[6]; /**< as displayed: most significant byte first */
} aioble_addr_t;

/** What the two top bits of a random address say (Core Vol 6, Part B, 1.3.2). */
typedef enum aioble_addr_kind {
  AIOBLE_ADDR_KIND_PUBLIC,
  AIOBLE_ADDR_KIND_STATIC,
  AIOBLE_ADDR_KIND_RESOLVABLE,     /**< resolvable private address (RPA) */
  AIOBLE_ADDR_KIND_NON_RESOLVABLE, /**< non-resolvable private address (NRPA) */
  AIOBLE_ADDR_KIND_RESERVED
} aioble_addr_kind_t;

#define AIOBLE_ADDR_TEXT_SIZE 18 /**< "aa:bb:cc:dd:ee:ff" and its terminator */

/**
 * Reads "aa:bb:cc:dd:ee:ff" (either case, colons optional) as an address of that type.
 * @return 0, or AIOBLE_EINVAL with *addr untouched.
 */
AIOBLE_API int aioble_addr_parse(aioble_addr_t *addr, uint8_t type, const char *text);
/** Lower-case, colon-separated. Writes AIOBLE_ADDR_TEXT_SIZE bytes; returns buf. */
AIOBLE_API char *aioble_addr_text(const aioble_addr_t *addr, char buf[AIOBLE_ADDR_TEXT_SIZE]);
/** Same type and same bytes. */
AIOBLE_API bool aioble_addr_equal(const aioble_addr_t *a, const aioble_addr_t *b);
AIOBLE_API aioble_addr_kind_t aioble_addr_kind(const aioble_addr_t *addr);

/* ---- UUIDs (Core Vol 3, Part B, 2.5.1) ---- */

/**
 * A UUID of 16, 32 or 128 bits, little-endian as on the wire. A short UUID and its 128-bit
 * expansion over the Bluetooth Base UUID are the same UUID for aioble_uuid_equal().
 */
typedef struct aioble_uuid {
  uint8_t size; /**< 2, 4 or 16; 0: none */
  uint8_t bytes[16];
} aioble_uuid_t;

#ifdef __cplusplus
#define AIOBLE_LITERAL_(type) type
#else
#define AIOBLE_LITERAL_(type) (type)
#endif
/** A 16-bit UUID as a value: AIOBLE_UUID16(0x181a). */
#define AIOBLE_UUID16(n)                                  \
  AIOBLE_LITERAL_(aioble_uuid_t) {                        \
    2, {                                                  \
      (uint8_t)((n) &0xffu), (uint8_t) ((n) >> 8 & 0xffu) \
    }                                                     \
  }

#define AIOBLE_UUID_TEXT_SIZE 37

AIOBLE_API aioble_uuid_t aioble_uuid16(uint16_t n);
AIOBLE_API aioble_uuid_t aioble_uuid32(uint32_t n);
/** From 2, 4 or 16 little-endian bytes. @return 0 or AIOBLE_EINVAL. */
AIOBLE_API int aioble_uuid_from_bytes(aioble_uuid_t *uuid, const void *bytes, size_t len);
/**
 * Reads "181a" or "0x181a" (16 bits), eight digits (32 bits) or the 36-character form (128 bits).
 * @return 0, or AIOBLE_EINVAL with *uuid untouched.
 */
AIOBLE_API int aioble_uuid_parse(aioble_uuid_t *uuid, const char *text);
/** "181a", "0000181a" or the 36-character form, lower case; returns buf. */
AIOBLE_API char *aioble_uuid_text(const aioble_uuid_t *uuid, char buf[AIOBLE_UUID_TEXT_SIZE]);
/** The same UUID, whatever its width. */
AIOBLE_API bool aioble_uuid_equal(const aioble_uuid_t *a, const aioble_uuid_t *b);
/** The 128-bit form over the Bluetooth Base UUID. */
AIOBLE_API aioble_uuid_t aioble_uuid_to128(const aioble_uuid_t *uuid);

/* ---- allocator ---- */

/** Memory functions of the application's own; all three must be set. */
typedef struct aioble_allocator {
  void *(*alloc)(void *ctx, size_t size);             /**< NULL when there is none; need not zero */
  void *(*resize)(void *ctx, void *ptr, size_t size); /**< as realloc */
  void (*free)(void *ctx, void *ptr);                 /**< as free: NULL does nothing */
  void *ctx;
} aioble_allocator_t;

#ifdef __cplusplus
}
#endif
#endif
