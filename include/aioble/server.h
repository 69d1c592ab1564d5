/* SPDX-License-Identifier: MIT */
/**
 * @file
 * GATT server (Core Vol 3, Part G): services, their values, notifications and indications.
 *
 * Services are made, filled and then registered; handles are given in order of definition, behind
 * the GAP and GATT services that the library provides itself. The stack keeps registered services;
 * the caller may release its references. All objects belong to the stack they were made with.
 */
#ifndef AIOBLE_SERVER_H
#define AIOBLE_SERVER_H

#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aioble_service aioble_service_t;
typedef struct aioble_char aioble_char_t;
typedef struct aioble_desc aioble_desc_t;

/* ---- definition ---- */

/** What a client may do with a characteristic (its properties) or descriptor. */
enum {
  AIOBLE_READ = 0x02,
  AIOBLE_WRITE_NO_RSP = 0x04,
  AIOBLE_WRITE = 0x08,
  AIOBLE_NOTIFY = 0x10,
  AIOBLE_INDICATE = 0x20
};

/** Before a remote read, with the value as it is: may aioble_char_write() a newer one. @return 0,
 *  or the ATT error code for the client (Core Vol 3, Part F, 3.4.1.1). */
typedef uint8_t aioble_on_read_fn(aioble_char_t *chr, aioble_conn_t *conn, void *user);
/** A remote write, before it is stored. @return 0 to store it, or the ATT error code. */
typedef uint8_t aioble_on_write_fn(aioble_char_t *chr, aioble_conn_t *conn, aioble_bytes_t value,
                                   void *user);
/** A client changed its subscription (a set of AIOBLE_SUBSCRIBE_NOTIFY, _INDICATE). */
typedef void aioble_on_subscribe_fn(aioble_char_t *chr, aioble_conn_t *conn, unsigned what,
                                    void *user);

/** Options of aioble_char_new(); zero fields are the defaults. Copied. */
typedef struct aioble_char_options {
  aioble_bytes_t initial; /**< the first value; default empty */
  /** Longest value, 1 to 512 (Part F, 3.2.9); a longer write gets error 0x0D. 0: 512. */
  uint16_t max_len;
  bool append;            /**< remote writes are added to the value; a local read takes it all */
  bool capture;           /**< written() yields each write with its value, none lost or merged */
  unsigned capture_depth; /**< with capture: writes kept, 0: 64. Full: error 0x11, or for a
                               command the drop is counted */
  aioble_on_read_fn *on_read;
  aioble_on_write_fn *on_write;
  aioble_on_subscribe_fn *on_subscribe;
  void *user;
} aioble_char_options_t;

/** @return a reference; NULL only when out of memory. */
AIOBLE_API aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid);
AIOBLE_API aioble_service_t *aioble_service_ref(aioble_service_t *service);
AIOBLE_API aioble_service_t *aioble_service_unref(aioble_service_t *service);
/**
 * Adds a characteristic; `flags` is a set of AIOBLE_READ and so on. With NOTIFY or INDICATE the
 * library adds the Client Characteristic Configuration descriptor itself.
 * @return borrowed from the service (which keeps it); NULL: out of memory, or the service is NULL
 *         or registered already (asserted)
 */
AIOBLE_API aioble_char_t *aioble_char_new(aioble_service_t *service, aioble_uuid_t uuid,
                                          unsigned flags, const aioble_char_options_t *options);
/** Adds a descriptor: `flags` of AIOBLE_READ, AIOBLE_WRITE. Borrowed, as above. */
AIOBLE_API aioble_desc_t *aioble_desc_new(aioble_char_t *chr, aioble_uuid_t uuid, unsigned flags,
                                          aioble_bytes_t initial);
/**
 * Replaces all registered services by these n (0: none), at any time. Values, and subscriptions of
 * links that stay connected, begin anew.
 * @return 0; AIOBLE_EINVAL (a service twice, or of another stack, or a value longer than its
 *         max_len), AIOBLE_ENOBUFS (more than 65,535 attributes), AIOBLE_ENOMEM: the old ones stay
 */
AIOBLE_API int aioble_register_services(aioble_t *ble, aioble_service_t *const *services, size_t n);

AIOBLE_API aioble_uuid_t aioble_char_uuid(const aioble_char_t *chr);
AIOBLE_API uint16_t
aioble_char_handle(const aioble_char_t *chr);                /**< of the value; 0: unregistered */
AIOBLE_API void *aioble_char_user(const aioble_char_t *chr); /**< options.user */

/* ---- values ---- */

enum { AIOBLE_SEND_UPDATE = 1 };

/** The value, borrowed until it changes. With `append` it is taken: empty from then on. */
AIOBLE_API aioble_bytes_t aioble_char_read(aioble_char_t *chr);
/**
 * Replaces the value (copied). With AIOBLE_SEND_UPDATE every subscribed client is notified (or
 * indicated, if it asked for that only).
 * @return 0; AIOBLE_EMSGSIZE: longer than max_len, or too long for the MTU of a subscribed link
 * (the value is written, the others are told); AIOBLE_ENOMEM
 */
AIOBLE_API int aioble_char_write(aioble_char_t *chr, const void *data, size_t len, unsigned flags);
AIOBLE_API aioble_bytes_t aioble_desc_read(aioble_desc_t *desc);
AIOBLE_API int aioble_desc_write(aioble_desc_t *desc, const void *data, size_t len);

/**
 * Notifies one client, subscribed or not (Part G, 4.10). data NULL: the current value, else these
 * bytes (copied; the value stays). Resolves when the controller has taken it. AIOBLE_EMSGSIZE:
 * longer than the MTU - 3; AIOBLE_ENOTSUP: not a NOTIFY characteristic; AIOBLE_ENOTCONN.
 */
AIOBLE_API aioble_op_t *aioble_char_notify(aioble_char_t *chr, aioble_conn_t *conn,
                                           const void *data, size_t len);
/**
 * As aioble_char_notify(), without an op and without queueing: AIOBLE_EAGAIN when the link has
 * much waiting already. @return 0 or an error
 */
AIOBLE_API int aioble_char_try_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                      size_t len);
/**
 * Indicates (Part G, 4.11). Resolves when the client has confirmed; one at a time per link, the
 * others wait. Time limit: 1 s. No confirmation within 30 s ends the link (Part F, 3.3.3).
 */
AIOBLE_API aioble_op_t *aioble_char_indicate(aioble_char_t *chr, aioble_conn_t *conn,
                                             const void *data, size_t len);
/** What that client has subscribed to: a set of AIOBLE_SUBSCRIBE_…. */
AIOBLE_API unsigned aioble_char_subscribed(const aioble_char_t *chr, const aioble_conn_t *conn);

/**
 * Resolves when a client has written: aioble_op_conn(), and with `capture` its bytes as
 * aioble_op_value(), one op per write in order. Without capture: at once if it was written since
 * the last time, the most recent writer; read the value with aioble_char_read(). Several waiters
 * are served in turn. AIOBLE_ENOTSUP: not writable. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_char_written(aioble_char_t *chr);
/** Writes dropped because the capture queue was full. */
AIOBLE_API uint64_t aioble_char_dropped(const aioble_char_t *chr);

#ifdef __cplusplus
}
#endif
#endif
