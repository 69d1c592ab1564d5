/* SPDX-License-Identifier: MIT */
/**
 * @file
 * GATT server (Core Vol 3, Part G): services, their values, notifications and indications.
 *
 * Services are made, filled and then registered; handles are given in order of definition, behind
 * the GAP and GATT services that the library provides itself. The stack keeps registered services;
 * the caller may release its references (one that it holds keeps the stack). All objects belong to
 * the stack they were made with. A NULL object is answered with AIOBLE_EINVAL, by an op with
 * AIOBLE_ENOTCONN, or with nothing.
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

/*
 * The hooks run while a request is being answered. They may call any function, but not wait:
 * aioble_op_await() returns AIOBLE_EREENTRANT. They may even replace the services.
 */

/**
 * Before each remote read of the value, or of a part of it: a long value is read in several
 * requests. May set a newer value with aioble_char_write().
 * @return 0, or the ATT error code for the client (Core Vol 3, Part F, 3.4.1.1; 0x80 to 0x9f are
 *         the application's)
 */
typedef uint8_t aioble_on_read_fn(aioble_char_t *chr, aioble_conn_t *conn, void *user);
/**
 * A remote write that is permitted and fits, before it is stored; what was written in parts
 * (Part F, 3.4.6) comes as one. `value` is borrowed.
 * @return 0 to store it, or the ATT error code for the client
 */
typedef uint8_t aioble_on_write_fn(aioble_char_t *chr, aioble_conn_t *conn, aioble_bytes_t value,
                                   void *user);
/**
 * A client changed its subscription: a set of AIOBLE_SUBSCRIBE_NOTIFY, _INDICATE. Not called when
 * its connection ends, or new services are registered: both end every subscription.
 */
typedef void aioble_on_subscribe_fn(aioble_char_t *chr, aioble_conn_t *conn, unsigned what,
                                    void *user);

/** Options of aioble_char_new(); zero fields are the defaults. Copied. */
typedef struct aioble_char_options {
  aioble_bytes_t initial; /**< the first value; default empty */
  /** Longest value, 1 to 512 (Part F, 3.2.9); a longer write gets error 0x0D. 0: 512. */
  uint16_t max_len;
  /** Remote writes are added to the value; a local read takes it all. */
  bool append;
  /** aioble_char_written() yields each write with its value, none lost or merged. */
  bool capture;
  /** With capture: writes kept, 0: 64. Full: error 0x11, or for a command the drop is counted. */
  unsigned capture_depth;
  aioble_on_read_fn *on_read;
  aioble_on_write_fn *on_write;
  aioble_on_subscribe_fn *on_subscribe;
  void *user; /**< given to the hooks */
} aioble_char_options_t;

/** A primary service. @return a reference; NULL: out of memory, or `ble` is NULL */
AIOBLE_API aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid);
AIOBLE_API aioble_service_t *aioble_service_ref(aioble_service_t *service);
AIOBLE_API aioble_service_t *aioble_service_unref(aioble_service_t *service);
/**
 * Adds a characteristic; `flags` is a set of AIOBLE_READ and so on, and a client may do just that.
 * With NOTIFY or INDICATE the library adds the Client Characteristic Configuration descriptor
 * itself.
 * @return borrowed from the service (which keeps it); NULL: out of memory, or the service is NULL
 *         or registered (asserted)
 */
AIOBLE_API aioble_char_t *aioble_char_new(aioble_service_t *service, aioble_uuid_t uuid,
                                          unsigned flags, const aioble_char_options_t *options);
/**
 * Adds a descriptor of at most 512 bytes: `flags` of AIOBLE_READ, AIOBLE_WRITE. Not 0x2902, which
 * is the library's. Borrowed, as above.
 */
AIOBLE_API aioble_desc_t *aioble_desc_new(aioble_char_t *chr, aioble_uuid_t uuid, unsigned flags,
                                          aioble_bytes_t initial);
/**
 * Replaces all registered services by these n (0: none), at any time. A service may be registered
 * again, alone or with others: values stay as they are. Subscriptions of links that stay connected
 * begin anew; a client that has subscribed to Service Changed (Part G, 7.1) is told.
 * @return 0; else the old ones stay: AIOBLE_EINVAL (a service twice, or of another stack, or with a
 *         definition that cannot be: no UUID, unknown flags, max_len above 512, a first value
 *         longer than max_len), AIOBLE_ENOBUFS (more than 65,535 attributes), AIOBLE_ENOMEM
 */
AIOBLE_API int aioble_register_services(aioble_t *ble, aioble_service_t *const *services, size_t n);

AIOBLE_API aioble_uuid_t aioble_char_uuid(const aioble_char_t *chr);
/** The handle of the value; 0 while not registered. */
AIOBLE_API uint16_t aioble_char_handle(const aioble_char_t *chr);
/** The `user` of the options. */
AIOBLE_API void *aioble_char_user(const aioble_char_t *chr);

/* ---- values ---- */

enum { AIOBLE_SEND_UPDATE = 1 };

/** The value, borrowed until it changes. With `append` it is taken: empty from then on. */
AIOBLE_API aioble_bytes_t aioble_char_read(aioble_char_t *chr);
/**
 * Replaces the value (copied). With AIOBLE_SEND_UPDATE every subscribed client is notified (or
 * indicated, if it asked for that only); nobody waits for that.
 * @return 0; AIOBLE_EMSGSIZE: longer than max_len, nothing is done; AIOBLE_ENOMEM. With
 *         AIOBLE_SEND_UPDATE also, when a client could not be told (the value is written, the
 *         others are told): AIOBLE_EMSGSIZE, too long for its MTU; AIOBLE_EAGAIN, much is waiting
 *         on its link already
 */
AIOBLE_API int aioble_char_write(aioble_char_t *chr, const void *data, size_t len, unsigned flags);
/** As for a characteristic. */
AIOBLE_API aioble_bytes_t aioble_desc_read(aioble_desc_t *desc);
/** As for a characteristic; the limit is 512 bytes. */
AIOBLE_API int aioble_desc_write(aioble_desc_t *desc, const void *data, size_t len);

/**
 * Notifies one client, subscribed or not (Part G, 4.10). data NULL: the current value, else these
 * bytes (copied; the value stays). Resolves with 0 when the controller has taken it, so waiting for
 * that is flow control. AIOBLE_EMSGSIZE: longer than the MTU - 3; AIOBLE_ENOTSUP: not a NOTIFY
 * characteristic; AIOBLE_EINVAL: not registered, or not with that stack; AIOBLE_ENOTCONN.
 * Cancelled, it is sent all the same. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_char_notify(aioble_char_t *chr, aioble_conn_t *conn,
                                           const void *data, size_t len);
/**
 * As aioble_char_notify(), without an op and with little queueing.
 * @return 0; AIOBLE_EAGAIN: 4 KiB are waiting on the link already; or an error as above
 */
AIOBLE_API int aioble_char_try_notify(aioble_char_t *chr, aioble_conn_t *conn, const void *data,
                                      size_t len);
/**
 * Indicates (Part G, 4.11), with data as above. Resolves with 0 when the client has confirmed; one
 * at a time is on the air for each link, the others wait. Errors as above, for an INDICATE
 * characteristic. Time limit: 1 s; no confirmation within 30 s ends the link (Part F, 3.3.3).
 */
AIOBLE_API aioble_op_t *aioble_char_indicate(aioble_char_t *chr, aioble_conn_t *conn,
                                             const void *data, size_t len);
/** What that client has subscribed to: a set of AIOBLE_SUBSCRIBE_NOTIFY, _INDICATE. */
AIOBLE_API unsigned aioble_char_subscribed(const aioble_char_t *chr, const aioble_conn_t *conn);

/**
 * Resolves when a client has written: aioble_op_conn(), and with `capture` its bytes as
 * aioble_op_value(), one op per write in order. Without capture: at once if it was written since
 * the last time, the most recent writer; read the value with aioble_char_read(). Several waiters
 * are served in turn. The connection may have ended since; it is NULL if the adapter was closed or
 * lost since. AIOBLE_ENOTSUP: not writable. Not bound to a link; no time limit.
 */
AIOBLE_API aioble_op_t *aioble_char_written(aioble_char_t *chr);
/** Writes dropped because the capture queue was full. */
AIOBLE_API uint64_t aioble_char_dropped(const aioble_char_t *chr);

#ifdef __cplusplus
}
#endif
#endif
