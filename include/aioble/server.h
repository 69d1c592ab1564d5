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
typedef struct aioble_capture aioble_capture_t;
typedef struct aioble_answer aioble_answer_t;

/* ---- what clients may do ---- */

/** A characteristic's properties (3.3.1.1, 3.3.3.1); a descriptor has READ and WRITE only. */
enum {
  /** It is broadcast: the application does that, and adds the descriptor 0x2903 that says when. */
  AIOBLE_BROADCAST = 0x01,
  AIOBLE_READ = 0x02,
  AIOBLE_WRITE_NO_RSP = 0x04,
  AIOBLE_WRITE = 0x08,
  AIOBLE_NOTIFY = 0x10,
  AIOBLE_INDICATE = 0x20,
  /** Signed Write Command (4.9.2), of a bonded peer on a link that is not encrypted; on one that
   * is, a write without response instead. write_security holds as well: a signature is no
   * encryption. */
  AIOBLE_SIGNED_WRITE = 0x40,
  /** Reliable writes (4.9.5) are welcome; needs WRITE. */
  AIOBLE_RELIABLE_WRITE = 0x100,
  /** The user description may be written. */
  AIOBLE_WRITABLE_AUXILIARIES = 0x200
};

/* ---- hooks ---- */

/*
 * They run while a request is being answered. They may call any function, but not wait:
 * aioble_op_await() returns AIOBLE_EREENTRANT. They may even replace the services, or release their
 * own, and end the connection.
 */

/** What is known of who has signed a write (Core Vol 3, Part C, 10.2.2). */
typedef enum aioble_signature {
  AIOBLE_UNSIGNED,
  AIOBLE_SIGNED,              /**< the bonded peer, and it has not been written before … */
  AIOBLE_SIGNED_AUTHENTICATED /**< … whose bond was made with protection from a man in the middle */
} aioble_signature_t;

/** What a client wants to do; all of it is borrowed for the call. */
typedef struct aioble_access {
  aioble_conn_t *conn; /**< whose client it is */
  aioble_char_t *chr;
  aioble_desc_t *desc; /**< the descriptor of `chr`; NULL: the value itself */
  /** Reading: from where on. A long value is read in several requests, each of which asks. */
  uint16_t offset;
  /**
   * Writing: the whole new value; what was written in parts (Part F, 3.4.6) comes as one. Reading:
   * empty, and on_read may point it to what is to be read instead of the stored value (`data` must
   * not be NULL then). It is copied once on_read has returned, so it cannot be a local variable.
   */
  aioble_bytes_t value;
  bool command; /**< a write without response: its client will not hear of an error */
  aioble_signature_t signature;
} aioble_access_t;

/** What a hook returns that has taken aioble_access_later(). */
enum { AIOBLE_ANSWER_LATER = 0x100 };

/**
 * Before each remote read of the value. May set a newer value with aioble_char_write().
 * @return 0; the ATT error code for the client (Core Vol 3, Part F, 3.4.1.1; 0x80 to 0x9f are the
 *         application's); AIOBLE_ANSWER_LATER. Anything else is Unlikely Error (0x0E).
 */
typedef int aioble_on_read_fn(aioble_access_t *access, void *user);
/**
 * A remote write that is permitted and fits, before it is stored; captured, once there is room.
 * @return as above; 0: store it
 */
typedef int aioble_on_write_fn(aioble_access_t *access, void *user);
/**
 * May that client read, or write, at all? Asked before the other hook; about reading also when the
 * client subscribes to the characteristic, and before each notification and indication; about
 * writing also when a write is prepared. Then there is no value yet.
 * @return false: it gets Insufficient Authorization (0x08), and no notification
 */
typedef bool aioble_on_authorize_fn(const aioble_access_t *access, bool write, void *user);
/**
 * A client changed its subscription: a set of AIOBLE_SUBSCRIBE_NOTIFY, _INDICATE. Not called when
 * its connection ends, or the service is replaced: both end its subscription.
 */
typedef void aioble_on_subscribe_fn(aioble_char_t *chr, aioble_conn_t *conn, unsigned what,
                                    void *user);

/**
 * For on_read and on_write, with the access they were called with: the client's request stays open
 * until aioble_answer(). Return AIOBLE_ANSWER_LATER then; anything else counts instead of the late
 * answer. A client waits for at most 30 s (Part F, 3.3.3), and sends no other request meanwhile.
 * Once for an access: of two the second counts.
 * @return the caller's, to be given to aioble_answer() in any case, also when the connection has
 *         ended, the service was removed, or the stack closed meanwhile; it keeps the stack. NULL:
 *         out of memory, or a command, which has no answer
 */
AIOBLE_API aioble_answer_t *aioble_access_later(aioble_access_t *access);
/**
 * Answers, at any time, also inside the hook, and releases the answer: with 0 or an ATT error code.
 * A read that succeeds yields these bytes (copied; at most 512), or the stored value if `value` is
 * NULL; a write is stored. The request goes on at once, which may call hooks.
 * @return 0; AIOBLE_ENOTCONN: nobody waits any more, as the client has gone, or as the hook has
 *         returned something else; AIOBLE_EINVAL: NULL, no such code, or more than 512 bytes (the
 *         client got Unlikely Error, 0x0E)
 */
AIOBLE_API int aioble_answer(aioble_answer_t *answer, int code, const void *value, size_t len);

/* ---- capturing ---- */

/**
 * A queue of writes to any number of characteristics and descriptors, in the order in which they
 * came: name it as their `capture_to`. Keeps `depth` writes, 0: 64, as does `capture_depth`.
 * @return a reference; NULL: out of memory, or `ble` is NULL
 */
AIOBLE_API aioble_capture_t *aioble_capture_new(aioble_t *ble, unsigned depth);
AIOBLE_API aioble_capture_t *aioble_capture_ref(aioble_capture_t *capture);
/** Keep one as long as writes are to be taken: what is captured without it only fills the queue. */
AIOBLE_API aioble_capture_t *aioble_capture_unref(aioble_capture_t *capture);
/**
 * Resolves with the oldest write: aioble_op_conn(), aioble_op_value(), and what was written:
 * aioble_op_local_char(), aioble_op_local_desc(). One op per write; several waiters are served in
 * turn. The connection is as in aioble_char_written(). Not bound to a link; no time limit.
 */
AIOBLE_API aioble_op_t *aioble_capture_next(aioble_capture_t *capture);
/** Writes without response dropped because the queue was full, and any for lack of memory. */
AIOBLE_API uint64_t aioble_capture_dropped(const aioble_capture_t *capture);

/** Of a written or captured op: the characteristic, borrowed, … */
AIOBLE_API aioble_char_t *aioble_op_local_char(const aioble_op_t *op);
/** … and its descriptor, if that was written; NULL: the value. */
AIOBLE_API aioble_desc_t *aioble_op_local_desc(const aioble_op_t *op);

/* ---- options ---- */

/** What is to be done with what is too long (`truncate`); by default it is an error. */
enum {
  AIOBLE_TRUNCATE_WRITES = 1, /**< a remote write is cut to what fits */
  AIOBLE_TRUNCATE_UPDATES = 2 /**< a notification or indication is cut to the MTU - 3 */
};

/** How a value is to be shown (3.3.3.5). Numbers: Bluetooth Assigned Numbers, 2.4 and 3.5. */
typedef struct aioble_format {
  uint8_t format;       /**< AIOBLE_FORMAT_…; not 0 */
  int8_t exponent;      /**< of an integer: the value is multiplied by 10 to the power of it */
  uint16_t unit;        /**< a UUID, e.g. 0x272f: degrees Celsius */
  uint8_t name_space;   /**< of the description; 1: Bluetooth SIG */
  uint16_t description; /**< 0: unknown */
} aioble_format_t;

enum {
  AIOBLE_FORMAT_BOOLEAN = 0x01,
  AIOBLE_FORMAT_UINT2 = 0x02,
  AIOBLE_FORMAT_UINT4 = 0x03,
  AIOBLE_FORMAT_UINT8 = 0x04,
  AIOBLE_FORMAT_UINT12 = 0x05,
  AIOBLE_FORMAT_UINT16 = 0x06,
  AIOBLE_FORMAT_UINT24 = 0x07,
  AIOBLE_FORMAT_UINT32 = 0x08,
  AIOBLE_FORMAT_UINT48 = 0x09,
  AIOBLE_FORMAT_UINT64 = 0x0a,
  AIOBLE_FORMAT_UINT128 = 0x0b,
  AIOBLE_FORMAT_SINT8 = 0x0c,
  AIOBLE_FORMAT_SINT12 = 0x0d,
  AIOBLE_FORMAT_SINT16 = 0x0e,
  AIOBLE_FORMAT_SINT24 = 0x0f,
  AIOBLE_FORMAT_SINT32 = 0x10,
  AIOBLE_FORMAT_SINT48 = 0x11,
  AIOBLE_FORMAT_SINT64 = 0x12,
  AIOBLE_FORMAT_SINT128 = 0x13,
  AIOBLE_FORMAT_FLOAT32 = 0x14,
  AIOBLE_FORMAT_FLOAT64 = 0x15,
  AIOBLE_FORMAT_MEDFLOAT16 = 0x16,
  AIOBLE_FORMAT_MEDFLOAT32 = 0x17,
  AIOBLE_FORMAT_UINT16_2 = 0x18,
  AIOBLE_FORMAT_UTF8 = 0x19,
  AIOBLE_FORMAT_UTF16 = 0x1a,
  AIOBLE_FORMAT_STRUCT = 0x1b,
  AIOBLE_FORMAT_MEDASN1 = 0x1c
};

/** Options of aioble_char_new(); zero fields are the defaults. Copied. */
typedef struct aioble_char_options {
  aioble_bytes_t initial; /**< the first value; default empty */
  /** Longest value, 1 to 512 (Part F, 3.2.9); a longer write gets error 0x0D. 0: 512. */
  uint16_t max_len;
  unsigned truncate; /**< a set of AIOBLE_TRUNCATE_… */
  /** Remote writes are added to the value; a local read takes it all. */
  bool append;
  /** aioble_char_written() yields each write with its value, none lost or merged. */
  bool capture;
  /**
   * With capture: writes kept, 0: 64. A write request to a full queue waits, and its client with
   * it, until one is taken; on_authorize was asked by then, on_write is asked when there is room. A
   * write without response is dropped and counted. A write of several values waits for room for
   * each, but is then kept as a whole, as is one that on_write has answered late: these may be
   * more.
   */
  unsigned capture_depth;
  /** Captured to this queue, with others; taken by aioble_capture_next(). */
  aioble_capture_t *capture_to;
  /** What the link must be to read the value (or subscribe to it), or to write it … */
  aioble_security_t read_security, write_security;
  /** … and its key be made of, where one of them asks for a key: 7 to 16 octets, 0: 7. */
  uint8_t min_key_size;
  aioble_on_authorize_fn *on_authorize;
  aioble_on_read_fn *on_read;
  aioble_on_write_fn *on_write;
  aioble_on_subscribe_fn *on_subscribe;
  void *user; /**< given to the hooks */
  /** UTF-8 text (3.3.3.2), a descriptor of its own; NULL: none. See aioble_char_desc(). */
  const char *user_description;
  /** Presentation formats, each a descriptor. More than one: the list of them (3.3.3.6), too. */
  const aioble_format_t *formats;
  size_t n_formats;
} aioble_char_options_t;

/** Options of aioble_desc_new(); as those of a characteristic. */
typedef struct aioble_desc_options {
  aioble_bytes_t initial;
  uint16_t max_len;
  unsigned truncate; /**< AIOBLE_TRUNCATE_WRITES or nothing */
  bool append;
  bool capture;
  unsigned capture_depth;
  aioble_capture_t *capture_to;
  aioble_security_t read_security, write_security;
  uint8_t min_key_size;
  aioble_on_authorize_fn *on_authorize;
  aioble_on_read_fn *on_read;
  aioble_on_write_fn *on_write;
  void *user;
} aioble_desc_options_t;

/* ---- definition ---- */

/** A primary service. @return a reference; NULL: out of memory, or `ble` is NULL */
AIOBLE_API aioble_service_t *aioble_service_new(aioble_t *ble, aioble_uuid_t uuid);
/** A secondary service (3.1): found only as one that another includes. */
AIOBLE_API aioble_service_t *aioble_service_new_secondary(aioble_t *ble, aioble_uuid_t uuid);
AIOBLE_API aioble_service_t *aioble_service_ref(aioble_service_t *service);
AIOBLE_API aioble_service_t *aioble_service_unref(aioble_service_t *service);
/**
 * Adds an include declaration (3.2); the service keeps the included one, which must be registered
 * when, or before, it is.
 * @return 0; AIOBLE_EINVAL: NULL, of another stack, itself, or a service that includes this one,
 *         be it over others; AIOBLE_EALREADY: the service is registered, or included that one
 *         before; AIOBLE_ENOMEM
 */
AIOBLE_API int aioble_service_include(aioble_service_t *service, aioble_service_t *included);
/**
 * Adds a characteristic; `flags` is a set of AIOBLE_READ and so on, and a client may do just that.
 * The library itself adds the descriptors 0x2902 (with NOTIFY or INDICATE), 0x2900 (with
 * RELIABLE_WRITE or WRITABLE_AUXILIARIES), 0x2901 (with a user description), 0x2904 and 0x2905
 * (with formats).
 * @return borrowed from the service (which keeps it); NULL: out of memory, or the service is NULL
 *         or registered (asserted)
 */
AIOBLE_API aioble_char_t *aioble_char_new(aioble_service_t *service, aioble_uuid_t uuid,
                                          unsigned flags, const aioble_char_options_t *options);
/**
 * Adds a descriptor: `flags` of AIOBLE_READ, AIOBLE_WRITE. Not 0x2900, 0x2902 or 0x2905, which are
 * the library's; 0x2904 has 7 bytes and is only read. Borrowed, as above.
 */
AIOBLE_API aioble_desc_t *aioble_desc_new(aioble_char_t *chr, aioble_uuid_t uuid, unsigned flags,
                                          const aioble_desc_options_t *options);

/* ---- registration ---- */

/**
 * Replaces all registered services by these n (0: none), at any time. A service may be registered
 * again, alone or with others: values stay as they are. Where a client finds the same service at
 * the same handles, its subscriptions stay; others end. A client that has subscribed to Service
 * Changed (Part G, 7.1) is told the handles between which something has changed; one that supports
 * robust caching (2.5.2.1) gets no notifications or indications until it knows of the change.
 * @return 0; else the old ones stay: AIOBLE_EINVAL (a service twice, or of another stack, or with a
 *         definition that cannot be, or that includes one which is not among them: the log says
 *         which, and why), AIOBLE_ENOBUFS (more than 65,535 attributes), AIOBLE_ENOMEM
 */
AIOBLE_API int aioble_register_services(aioble_t *ble, aioble_service_t *const *services, size_t n);
/**
 * Registers one more; the handles, and the subscriptions, of the others stay. It gets the handles
 * that a removed one has left, if it fits there, else those behind all others. What it includes
 * must be registered. Clients are told as above.
 * @return as above; AIOBLE_EALREADY: it is registered
 */
AIOBLE_API int aioble_service_add(aioble_service_t *service);
/**
 * Removes a registered one; the others stay as they are, and so do its values. Clients are told as
 * above. A request to it that waits for room in a queue ends with Unlikely Error (0x0E); one that
 * is to be answered late still can be.
 * @return 0; AIOBLE_ENOENT: not registered; AIOBLE_EBUSY: another includes it; AIOBLE_EINVAL,
 *         AIOBLE_ENOMEM
 */
AIOBLE_API int aioble_service_remove(aioble_service_t *service);

AIOBLE_API aioble_uuid_t aioble_service_uuid(const aioble_service_t *service);
AIOBLE_API aioble_uuid_t aioble_char_uuid(const aioble_char_t *chr);
/** The flags it was made with. */
AIOBLE_API unsigned aioble_char_flags(const aioble_char_t *chr);
/** The handle of the value; 0 while not registered. */
AIOBLE_API uint16_t aioble_char_handle(const aioble_char_t *chr);
/** The `user` of the options. */
AIOBLE_API void *aioble_char_user(const aioble_char_t *chr);
/** The first descriptor with that UUID, borrowed, also of those the library adds (but 0x2902). */
AIOBLE_API aioble_desc_t *aioble_char_desc(const aioble_char_t *chr, aioble_uuid_t uuid);
AIOBLE_API aioble_char_t *aioble_desc_char(const aioble_desc_t *desc); /**< borrowed */
AIOBLE_API aioble_uuid_t aioble_desc_uuid(const aioble_desc_t *desc);
AIOBLE_API uint16_t aioble_desc_handle(const aioble_desc_t *desc);
AIOBLE_API void *aioble_desc_user(const aioble_desc_t *desc);

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
 *         on its link already. One that must not get it now is no error: see aioble_char_notify()
 */
AIOBLE_API int aioble_char_write(aioble_char_t *chr, const void *data, size_t len, unsigned flags);
/** As for a characteristic. */
AIOBLE_API aioble_bytes_t aioble_desc_read(aioble_desc_t *desc);
/** As for a characteristic; nobody is told. */
AIOBLE_API int aioble_desc_write(aioble_desc_t *desc, const void *data, size_t len);

/**
 * Resolves when a client has written: aioble_op_conn(), and with `capture` its bytes as
 * aioble_op_value(), one op per write in order. Without capture: at once if it was written since
 * the last time, the most recent writer; read the value with aioble_char_read(). Several waiters
 * are served in turn. The connection may have ended since; it is NULL if the adapter was closed or
 * lost since. AIOBLE_ENOTSUP: not writable; AIOBLE_EBUSY: captured to a queue shared with others.
 * Not bound to a link; no time limit.
 */
AIOBLE_API aioble_op_t *aioble_char_written(aioble_char_t *chr);
AIOBLE_API aioble_op_t *aioble_desc_written(aioble_desc_t *desc); /**< The same. */
/** Of it, as aioble_capture_dropped(). */
AIOBLE_API uint64_t aioble_char_dropped(const aioble_char_t *chr);
AIOBLE_API uint64_t aioble_desc_dropped(const aioble_desc_t *desc); /**< The same. */

/* ---- telling clients ---- */

/**
 * Notifies one client, subscribed or not (Part G, 4.10). data NULL: the current value, else these
 * bytes (copied; the value stays). Resolves with 0 when the controller has taken it, so waiting for
 * that is flow control. AIOBLE_EMSGSIZE: longer than the MTU - 3 (see AIOBLE_TRUNCATE_UPDATES);
 * AIOBLE_ENOTSUP: not a NOTIFY characteristic; AIOBLE_EINVAL: not registered, or not with that
 * stack; AIOBLE_ENOTCONN. When the client must not get it: AIOBLE_ERR_ATT(0x12), it does not know
 * yet that the services have changed (2.5.2.1), or the error with which it could not read the value
 * for want of security, 0x05, 0x0C or 0x0F, or of authorization, 0x08. Cancelled, it is sent all
 * the same. No time limit.
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
 * Notifies one client of the current values of n characteristics, several in one packet if it
 * supports that (4.10.2), else one by one. Errors as above, also AIOBLE_EINVAL: none (n 0); nothing
 * is sent then. Resolves with 0 when the controller has taken all.
 */
AIOBLE_API aioble_op_t *aioble_char_notify_many(aioble_char_t *const *chars, size_t n,
                                                aioble_conn_t *conn);
/**
 * Indicates (Part G, 4.11), with data as above. Resolves with 0 when the client has confirmed; one
 * at a time is on the air for each link, the others wait. Errors as above, for an INDICATE
 * characteristic. Time limit: 1 s; no confirmation within 30 s ends the link (Part F, 3.3.3).
 */
AIOBLE_API aioble_op_t *aioble_char_indicate(aioble_char_t *chr, aioble_conn_t *conn,
                                             const void *data, size_t len);
/** What that client has subscribed to: a set of AIOBLE_SUBSCRIBE_NOTIFY, _INDICATE. */
AIOBLE_API unsigned aioble_char_subscribed(const aioble_char_t *chr, const aioble_conn_t *conn);
/** How many clients have subscribed; up to `max` of their connections go to `conns`, borrowed. */
AIOBLE_API size_t aioble_char_subscribers(const aioble_char_t *chr, aioble_conn_t **conns,
                                          size_t max);

#ifdef __cplusplus
}
#endif
#endif
