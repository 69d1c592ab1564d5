/* SPDX-License-Identifier: MIT */
/**
 * @file
 * GATT client (Core Vol 3, Part G, 4): discovery, reading, writing, being notified. Usable in
 * either role. Requests on one link are queued and sent one at a time (Vol 3, Part F, 3.3.2); a
 * request that timed out or was cancelled while on the air is detached, so its late response never
 * answers another.
 *
 * Services, characteristics and descriptors are handles: refcounted, each keeping its parent. They
 * outlive their link, and their ops then resolve with AIOBLE_ENOTCONN. Where the peer's table is
 * remembered (aioble_cache_t), discovery asks only for what is not known; and what was discovered
 * before the table changed there is of no use any more: ops on it resolve with
 * AIOBLE_ERR_ATT(0x12), Database Out Of Sync.
 *
 * What a peer refuses until the link is more secure may wait for that and be asked once more
 * (aioble_auto_secure_t).
 */
#ifndef AIOBLE_CLIENT_H
#define AIOBLE_CLIENT_H

#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aioble_discovery aioble_discovery_t;

/** Characteristic properties (Core Vol 3, Part G, 3.3.1.1). */
enum {
  AIOBLE_PROP_BROADCAST = 0x01,
  AIOBLE_PROP_READ = 0x02,
  AIOBLE_PROP_WRITE_NO_RESPONSE = 0x04,
  AIOBLE_PROP_WRITE = 0x08,
  AIOBLE_PROP_NOTIFY = 0x10,
  AIOBLE_PROP_INDICATE = 0x20,
  AIOBLE_PROP_SIGNED_WRITE = 0x40,
  AIOBLE_PROP_EXTENDED = 0x80
};

/* ---- discovery: one ---- */

/**
 * The first primary service with that UUID (Discover Primary Service by Service UUID, 4.4.2):
 * aioble_op_service(). AIOBLE_ENOENT: there is none; else the errors of aioble_discovery_next().
 * Time limit: 2 s. The width of the UUID makes no difference; one that is none: AIOBLE_EINVAL.
 */
AIOBLE_API aioble_op_t *aioble_conn_service(aioble_conn_t *conn, aioble_uuid_t uuid);
/** The same for secondary services, which are of use only where another includes them. */
AIOBLE_API aioble_op_t *aioble_conn_secondary_service(aioble_conn_t *conn, aioble_uuid_t uuid);
/**
 * The first service with that UUID that this one includes (4.5.1): aioble_op_service(), as good as
 * any other; primary or secondary, and perhaps one that was found before. 2 s.
 */
AIOBLE_API aioble_op_t *aioble_client_service_include(aioble_client_service_t *service,
                                                      aioble_uuid_t uuid);
/** The first characteristic with that UUID in the service (4.6.2): aioble_op_char(). 2 s. */
AIOBLE_API aioble_op_t *aioble_client_service_char(aioble_client_service_t *service,
                                                   aioble_uuid_t uuid);
/** The first descriptor with that UUID (4.7.1): aioble_op_desc(). 2 s. */
AIOBLE_API aioble_op_t *aioble_client_char_desc(aioble_client_char_t *chr, aioble_uuid_t uuid);

/* ---- discovery: many ---- */

/**
 * All primary services, or those with a UUID (NULL: all), one aioble_discovery_next() at a time, in
 * handle order. Iterators may be nested, run in parallel and be abandoned.
 * @return a reference; NULL only when out of memory (…_next(NULL) then says so)
 */
AIOBLE_API aioble_discovery_t *aioble_conn_services(aioble_conn_t *conn, const aioble_uuid_t *uuid);
/** The same for secondary services; a peer that knows no such thing has none. */
AIOBLE_API aioble_discovery_t *aioble_conn_secondary_services(aioble_conn_t *conn,
                                                              const aioble_uuid_t *uuid);
/** Services that a service includes: aioble_op_service(). What these include is not followed. */
AIOBLE_API aioble_discovery_t *aioble_client_service_includes(aioble_client_service_t *service,
                                                              const aioble_uuid_t *uuid);
AIOBLE_API aioble_discovery_t *aioble_client_service_chars(aioble_client_service_t *service,
                                                           const aioble_uuid_t *uuid);
AIOBLE_API aioble_discovery_t *aioble_client_char_descs(aioble_client_char_t *chr,
                                                        const aioble_uuid_t *uuid);
/**
 * Resolves with the next one (aioble_op_service(), _char() or _desc()); AIOBLE_EOF after the last;
 * an ATT error, AIOBLE_ENOTCONN, AIOBLE_EPROTO (the server's answer makes no sense). Limit: 2 s.
 * Several may wait at once, and are served in turn. One that was cancelled or timed out takes
 * nothing away: the next call yields what it would have.
 */
AIOBLE_API aioble_op_t *aioble_discovery_next(aioble_discovery_t *discovery);
AIOBLE_API aioble_discovery_t *aioble_discovery_ref(aioble_discovery_t *discovery);
AIOBLE_API aioble_discovery_t *aioble_discovery_unref(aioble_discovery_t *discovery);

/* ---- what was found ---- */

AIOBLE_API aioble_client_service_t *aioble_client_service_ref(aioble_client_service_t *service);
AIOBLE_API aioble_client_service_t *aioble_client_service_unref(aioble_client_service_t *service);
AIOBLE_API aioble_conn_t *aioble_client_service_conn(const aioble_client_service_t *service);
AIOBLE_API aioble_uuid_t aioble_client_service_uuid(const aioble_client_service_t *service);
/** First and last attribute handle of the service. */
AIOBLE_API void aioble_client_service_range(const aioble_client_service_t *service, uint16_t *first,
                                            uint16_t *last);

AIOBLE_API aioble_client_char_t *aioble_client_char_ref(aioble_client_char_t *chr);
AIOBLE_API aioble_client_char_t *aioble_client_char_unref(aioble_client_char_t *chr);
AIOBLE_API aioble_client_service_t *aioble_client_char_service(const aioble_client_char_t *chr);
AIOBLE_API aioble_uuid_t aioble_client_char_uuid(const aioble_client_char_t *chr);
AIOBLE_API unsigned aioble_client_char_properties(const aioble_client_char_t *chr);
/** The handle of the value. */
AIOBLE_API uint16_t aioble_client_char_handle(const aioble_client_char_t *chr);

AIOBLE_API aioble_client_desc_t *aioble_client_desc_ref(aioble_client_desc_t *desc);
AIOBLE_API aioble_client_desc_t *aioble_client_desc_unref(aioble_client_desc_t *desc);
/** The parent, borrowed; so do aioble_client_char_service() and aioble_client_service_conn(). */
AIOBLE_API aioble_client_char_t *aioble_client_desc_char(const aioble_client_desc_t *desc);
AIOBLE_API aioble_uuid_t aioble_client_desc_uuid(const aioble_client_desc_t *desc);
AIOBLE_API uint16_t aioble_client_desc_handle(const aioble_client_desc_t *desc);

/* ---- values ---- */

typedef enum aioble_write_mode {
  AIOBLE_WRITE_AUTO,        /**< the first of these that the peer supports */
  AIOBLE_WRITE_REQUEST,     /**< Write Request: resolves with the peer's response */
  AIOBLE_WRITE_NO_RESPONSE, /**< Write Command: resolves when the controller has taken it */
  /**
   * Signed Write Command (4.9.2): the same, with a signature by a key of the bond, on a link that
   * is not encrypted: as the peripheral, or with aioble_connect_options_t.unencrypted. It proves
   * who has written, and that it is not repeated; everybody can read it. On an encrypted link a
   * Write Command is sent instead, as the specification has it. AIOBLE_ENOENT: there is no bond
   * with such a key; AIOBLE_ENOBUFS: that has signed 2^32 times; AIOBLE_EIO: what was signed could
   * not be kept in the state file, so it might be signed again.
   */
  AIOBLE_WRITE_SIGNED
} aioble_write_mode_t;

/**
 * Reads the value, of whatever length: Read, and Read Blob as often as it takes (4.8.1, 4.8.3).
 * aioble_op_value(), at most 512 bytes. AIOBLE_ERR_ATT(code); AIOBLE_EPROTO: a malformed answer, or
 * a longer value. Properties are not looked at: the peer decides. Time limit: 1 s for each request,
 * unless one was set: that one is for all of it.
 */
AIOBLE_API aioble_op_t *aioble_client_char_read(aioble_client_char_t *chr);
/**
 * Writes a value (4.9.1, 4.9.3); the bytes are copied. Longer than one request holds
 * (aioble_conn_mtu() - 3): prepared and executed (4.9.4), with what aioble_conn_write_reliable()
 * says about that; without response, longer than 512, or signed and longer than aioble_conn_mtu() -
 * 15: AIOBLE_EMSGSIZE, nothing is sent. A write that was cancelled or timed out may still reach the
 * peer. Time limit: as for reading.
 */
AIOBLE_API aioble_op_t *aioble_client_char_write(aioble_client_char_t *chr, const void *data,
                                                 size_t len, aioble_write_mode_t mode);
/**
 * Write Command without an op. @return 0: it will be sent, unless the link ends before;
 * AIOBLE_EAGAIN: 4 KiB wait on this link already (await a write without response instead);
 * AIOBLE_EMSGSIZE: longer than aioble_conn_mtu() - 3; AIOBLE_EINVAL, AIOBLE_ENOMEM, AIOBLE_ENOTCONN
 */
AIOBLE_API int aioble_client_char_try_write(aioble_client_char_t *chr, const void *data,
                                            size_t len);
/** The same for a descriptor; written with response. */
AIOBLE_API aioble_op_t *aioble_client_desc_read(aioble_client_desc_t *desc);
AIOBLE_API aioble_op_t *aioble_client_desc_write(aioble_client_desc_t *desc, const void *data,
                                                 size_t len);

/* ---- several values ---- */

/** Part of a reliable write: octets for the value of a characteristic, or for a descriptor. */
typedef struct aioble_write {
  aioble_client_char_t *chr;  /**< NULL: the descriptor */
  aioble_client_desc_t *desc; /**< NULL: the characteristic */
  uint16_t offset;            /**< in the value */
  const void *data;
  size_t len;
} aioble_write_t;

/**
 * Writes them all at once or none (Reliable Writes, 4.9.5; Part F, 3.4.6): everything is prepared,
 * in that order, the peer's echo compared, and then executed. Everything is copied. One such
 * sequence at a time is under way on a link; others wait, other requests go in between.
 *
 * AIOBLE_ERR_ATT(code): the peer refused a part, or could not execute (then part of it may have
 * been written, if the peer is that bad); AIOBLE_EPROTO: its echo was another; both cancel what was
 * prepared. AIOBLE_EMSGSIZE: beyond 512; AIOBLE_EINVAL: none or more than 4096, of another
 * connection, neither or both of chr and desc. Ended before it was executed (cancelled, timed out),
 * nothing is written. Time limit: 1 s for each request, unless one was set: that one is for all.
 */
AIOBLE_API aioble_op_t *aioble_conn_write_reliable(aioble_conn_t *conn,
                                                   const aioble_write_t *writes, size_t n);
/**
 * Reads several values (two at least, of one connection) with one request (Read Multiple, 4.8.4):
 * aioble_op_value() is one behind the other, so all but the last must be of known length.
 * AIOBLE_EMSGSIZE: the response was full and may have been cut, or so many handles do not fit a
 * request; AIOBLE_ERR_ATT(code): one of them cannot be read. Time limit: 1 s.
 */
AIOBLE_API aioble_op_t *aioble_client_read_multiple(aioble_client_char_t *const *chars, size_t n);
/**
 * Reads several values of any length, with as few requests as the peer allows (Read Multiple
 * Variable, 4.8.5; those that found no room one by one, as all do where the peer does not know it):
 * aioble_op_value_at(), in that order, aioble_op_count(). The error of one is that of all.
 * AIOBLE_EINVAL: none, more than 65,535, or of several connections. Time limit: as for reading.
 */
AIOBLE_API aioble_op_t *aioble_client_read_multiple_variable(aioble_client_char_t *const *chars,
                                                             size_t n);

enum { AIOBLE_READ_BY_UUID_MAX = 128 };

/**
 * Reads all values with that UUID, of any length, without discovery (Read Using Characteristic
 * UUID, 4.8.2): aioble_op_count(), aioble_op_value_at(), aioble_op_handle_at(), in handle order.
 * AIOBLE_ENOENT: there are none; AIOBLE_ENOBUFS: more than AIOBLE_READ_BY_UUID_MAX;
 * AIOBLE_ERR_ATT(code): one of them cannot be read. Time limit: as for reading.
 */
AIOBLE_API aioble_op_t *aioble_conn_read_by_uuid(aioble_conn_t *conn, aioble_uuid_t uuid);
/** The same within a service. */
AIOBLE_API aioble_op_t *aioble_client_service_read_by_uuid(aioble_client_service_t *service,
                                                           aioble_uuid_t uuid);

/* ---- being notified ---- */

enum { AIOBLE_SUBSCRIBE_NONE = 0, AIOBLE_SUBSCRIBE_NOTIFY = 1, AIOBLE_SUBSCRIBE_INDICATE = 2 };

/**
 * Writes the Client Characteristic Configuration (4.10, 4.11; Part G, 3.3.3.3), found once per
 * handle. `what` is a set of AIOBLE_SUBSCRIBE_…; none unsubscribes. AIOBLE_ENOTSUP: not among its
 * properties; AIOBLE_ENOENT: it has no such descriptor; AIOBLE_EINVAL: no such set;
 * AIOBLE_ERR_ATT(code). Time limit: 2 s. Values that come from now on are kept for notified() and
 * indicated(), also those that overtake the response, and up to 16 on the link that came before
 * anybody asked. Two handles of one characteristic both get every value.
 */
AIOBLE_API aioble_op_t *aioble_client_char_subscribe(aioble_client_char_t *chr, unsigned what);
/**
 * Resolves with the next notified value (aioble_op_value()), at once when one is queued. The queue
 * holds 16 by default; when it is full the oldest is dropped and counted. Queued values can still
 * be taken after the link has ended; then AIOBLE_ENOTCONN. AIOBLE_ENOTSUP: not among its
 * properties; AIOBLE_EBUSY: the push form is in force. Several may wait, and are served in turn. No
 * time limit.
 */
AIOBLE_API aioble_op_t *aioble_client_char_notified(aioble_client_char_t *chr);
/** The same for indications; each was confirmed when it was queued. */
AIOBLE_API aioble_op_t *aioble_client_char_indicated(aioble_client_char_t *chr);
/** Depth of each queue, 1 to 65,535; what is beyond it is dropped. @return 0 or AIOBLE_EINVAL */
AIOBLE_API int aioble_client_char_set_depth(aioble_client_char_t *chr, unsigned depth);
/** Values dropped because a queue was full, or for lack of memory. */
AIOBLE_API uint64_t aioble_client_char_dropped(const aioble_client_char_t *chr);

/** A value arrived; both are borrowed for the call. May stop itself, and start anything. */
typedef void aioble_notify_fn(aioble_client_char_t *chr, aioble_bytes_t value, bool indication,
                              void *user);
/**
 * Push form: fn gets every value, those in the queues first, and nothing is queued or copied (NULL:
 * back to queueing). Called from the loop, as the value is read. Stays in force until the link
 * ends; the characteristic is kept until then. Does nothing when the link has ended.
 */
AIOBLE_API void aioble_client_char_on_notify(aioble_client_char_t *chr, aioble_notify_fn *fn,
                                             void *user);

#ifdef __cplusplus
}
#endif
#endif
