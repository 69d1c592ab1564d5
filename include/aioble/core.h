/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The adapter, devices, connections, configuration.
 */
#ifndef AIOBLE_CORE_H
#define AIOBLE_CORE_H

#include <aioble/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aioble_loop;
struct aioble_transport;

/* ---- the adapter ---- */

enum { AIOBLE_LOG_NONE, AIOBLE_LOG_ERROR, AIOBLE_LOG_WARN, AIOBLE_LOG_INFO };

/**
 * Whose attribute tables are remembered, so that what was discovered once is found again without
 * asking: one request, which reads the peer's Database Hash, tells whether all is as it was (Core
 * Vol 3, Part G, 2.5.2). The peer is asked to tell us of changes, by Service Changed and Client
 * Supported Features. Kept in the store, where there is one, under an address that lasts.
 */
typedef enum aioble_cache {
  AIOBLE_CACHE_DEFAULT, /**< of a stack: AIOBLE_CACHE_BONDED; of a connection: as of its stack */
  AIOBLE_CACHE_BONDED,  /**< of bonded peers, once the link is encrypted */
  AIOBLE_CACHE_ALL,     /**< of others, too, if they have a Database Hash */
  AIOBLE_CACHE_NONE     /**< of none: every discovery asks; what was kept of a bonded one goes */
} aioble_cache_t;

/**
 * A place of the application's own for what a stack keeps between two runs: one text, JSON, which
 * is the application's to keep as it is, and secret, for there are keys in it. Its form is
 * described in lib/store/state-file.md. Both are called with the options' `user`, from the loop or
 * from inside a call, and must not call the stack (but aioble_store_saved()).
 */
typedef struct aioble_store_ops {
  /**
   * Gives the text that was kept last, borrowed until either is called again. Called when the
   * adapter opens, and by aioble_bonds() and the like before that.
   * @return 0; AIOBLE_ENOENT: nothing has been kept yet; another error: it cannot be had, and
   *         nothing will be saved until the adapter is opened again. So it is with a text that
   *         makes no sense: it is not replaced.
   */
  int (*load)(void *user, aioble_bytes_t *text);
  /**
   * Keeps the text, borrowed until this returns, in place of the last one: all of it or nothing.
   * @return 0: it is kept; AIOBLE_SAVED_LATER: aioble_store_saved() will tell, and until then this
   *         is not called again; an error: it is not kept, and will be tried again
   */
  int (*save)(void *user, aioble_bytes_t text);
} aioble_store_ops_t;
enum { AIOBLE_SAVED_LATER = 1 };

/**
 * What the library does by itself when a peer refuses something for want of security (Core Vol 3,
 * Part C, 10.3): a request of ours with the ATT error Insufficient Authentication (0x05),
 * Insufficient Encryption (0x0f) or Encryption Key Size Too Short (0x0c), whatever op asked for it;
 * or an L2CAP channel with the result 0x0005, 0x0007 or 0x0008. If the link can be made more
 * secure, it is; what was refused meanwhile waits for that and is sent again, each request once.
 * Time limits of these ops, as far as they are the library's own, begin anew then; one that was set
 * by aioble_op_set_timeout() counts over all of it. If it fails, or is not allowed, the op resolves
 * with the peer's error, and aioble_op_message() says why; that is not tried again on the link
 * until its security changes, by aioble_conn_pair() for example.
 *
 * A pairing that the peer starts, or asks for as our peripheral, is another matter: "pairable" of
 * aioble_config_set(), aioble_set_on_pairing_request().
 */
typedef enum aioble_auto_secure {
  AIOBLE_AUTO_SECURE_DEFAULT, /**< of a stack: AIOBLE_AUTO_SECURE_BONDED; of a connection: as of its
                                 stack */
  AIOBLE_AUTO_SECURE_BONDED,  /**< encrypts with the key of a bond, but never pairs */
  AIOBLE_AUTO_SECURE_PAIR, /**< pairs, too, as configured ("bond", "io", …), with as much protection
                              as both sides are capable of; prompts go to aioble_set_on_prompt() */
  AIOBLE_AUTO_SECURE_NEVER /**< nothing: the op resolves with the error */
} aioble_auto_secure_t;

/** Options of aioble_new(). All-zero is a good default; strings are copied. */
typedef struct aioble_options {
  /**
   * The controller: "hci0" (user channel), "fd:N", "unix:PATH", "tcp:HOST:PORT",
   * "serial:PATH[,BAUD][,flow]". NULL: the environment's AIOBLE_ADAPTER, else the first usable
   * hciN.
   */
  const char *adapter;
  /** Instead of `adapter`: a transport of your own, which must outlive the stack. */
  struct aioble_transport *transport;
  /** Instead of the uv loop: a loop of your own, taken over (closed when the stack is freed). */
  struct aioble_loop *loop;
  /** hciN that is up: bring it down first (the kernel host loses it). */
  bool bring_down;
  /** Use a static random address even if the controller has a public one: as our identity. */
  bool random_address;
  /**
   * Hide our identity: advertise, scan and connect under resolvable private addresses (Core Vol 3,
   * Part C, 10.7), made of a key that only bonded peers have. They know us by it, and by our
   * identity address; to others we are somebody else after each rotation. Links keep the address
   * they were made with. Both key and identity are kept in the state file with the first bond.
   * Default: no, since peers without that key, as those that are not bonded, do not find us again.
   */
  bool private_address;
  /** Seconds that such an address lives, 1 to 3,600; 0: 900. Whatever is on the air when it is
   * over (advertising, a scan, a connect) pauses for some milliseconds. */
  uint16_t rotation_s;
  /** Capture file (btsnoop). NULL: the environment's AIOBLE_SNOOP, else none. */
  const char *snoop;
  /**
   * State file (the static random address, bonds, what is known of peers). NULL: a file per
   * adapter, aioble_store_path(); one that has no public address has a file by its name. "": keep
   * nothing.
   *
   * Not a symbolic link, but directories may be. It belongs to its user (or root), who alone may
   * read it; an existing one that others may read is mended. While the adapter is open it is locked
   * (by PATH.lock): a second stack, in whatever program, works without it and has the status
   * AIOBLE_EBUSY. It is replaced as a whole, so that whatever happens the old or the new one is
   * there; what could not be written is tried again every 30 s. A file that makes no sense is kept
   * as PATH.corrupt-N. Form: lib/store/state-file.md.
   *
   * The file is written, with fsync, in the loop: some milliseconds on a usual disk, each time a
   * bond comes or goes, at the end of links, and when the adapter closes.
   */
  const char *store;
  /** Instead of `store`: the application's own. Both functions are needed; copied. */
  const aioble_store_ops_t *store_ops;
  /** GAP device name, UTF-8, at most 248 bytes; default "aioble". */
  const char *name;
  /** GAP appearance (Assigned Numbers, 2.6). */
  uint16_t appearance;
  /** Preferred ATT MTU, 23 to 517; default 517. */
  uint16_t mtu;
  /**
   * Do not exchange the MTU by ourselves as soon as a link is up. We do by default as the central;
   * as the peripheral we answer. Either may ask once with aioble_conn_exchange_mtu().
   */
  bool no_auto_mtu;
  /** Links at once; default 32. */
  unsigned max_links;
  /** Whose attribute tables are remembered. */
  aioble_cache_t gatt_cache;
  /** What is done when a peer wants the link to be more secure. */
  aioble_auto_secure_t auto_secure;
  /**
   * Enhanced ATT bearers on each link, 0 to 5; default 0: none. Where the peer has them, too, and
   * once the link is encrypted, that many L2CAP channels (PSM 0x27) are opened beside the ATT
   * channel that every link has: we ask for them as the central, and accept them in either role.
   * Then requests, and indications, need not wait for each other: what was begun later may be done
   * first. The order is kept by writes of one attribute (those that fit into a PDU), by
   * indications of one value, and by all notifications and writes without response, which stay on
   * the bearer that every link has. aioble_conn_mtu() is what may be reckoned with, whatever the
   * bearer. One that breaks (Core Vol 3, Part F, 3.3.3) or is closed ends what was on it with
   * AIOBLE_ETIMEDOUT or AIOBLE_ENOTCONN; the link stays. (Part G, 5.3, 5.4)
   */
  unsigned eatt;

  /** All NULL: malloc and friends. Copied. */
  const aioble_allocator_t *allocator;
  /** Fills buf with cryptographically strong bytes, 0 or negative; NULL: the system's. */
  int (*random)(void *user, void *buf, size_t len);
  /** One line, no newline. The library itself never prints. */
  void (*log)(void *user, int level, const char *text);
  /** Only levels up to this are given to `log`; default AIOBLE_LOG_NONE. */
  int log_level;
  /** The adapter was lost while open; every pending op has been settled. It can be opened again. */
  void (*on_lost)(aioble_t *ble, int status, const char *why, void *user);
  /** aioble_store_status() has changed, while the adapter is open or opens; `why` is borrowed. */
  void (*on_store)(aioble_t *ble, int status, const char *why, void *user);
  void *user; /**< given to random, log, on_lost, on_store and store_ops */
} aioble_options_t;

/**
 * A stack on that loop, closed. Starts nothing: the first call that needs the adapter opens it, or
 * aioble_open() does. @return NULL only when out of memory
 */
AIOBLE_API aioble_t *aioble_new(uv_loop_t *loop, const aioble_options_t *options);
/**
 * Opens the adapter and brings the controller from reset to ready. Optional: what needs it, opens
 * it. Resolves with 0 (also when open already), or with an error that aioble_op_message() explains:
 * AIOBLE_ENODEV, EBUSY, ERFKILL, EPERM, EAFNOSUPPORT, ECONNREFUSED, EPROTO, ETIMEDOUT (the
 * controller does not answer), AIOBLE_ERR_HCI. Time limit: 10 s.
 */
AIOBLE_API aioble_op_t *aioble_open(aioble_t *ble);
/**
 * Ends everything: pending ops settle (AIOBLE_ECANCELED, or AIOBLE_ENOTCONN for those of a link),
 * links are disconnected, the controller is reset, all uv handles are closed. When it has resolved
 * (always with 0), uv_loop_close() returns 0 as far as this stack is concerned, and the stack may
 * be opened again or released. No time limit needed: it ends by itself within 2 s.
 */
AIOBLE_API aioble_op_t *aioble_close(aioble_t *ble);
/** Releases a closed stack (one still open keeps running until closed). NULL does nothing. */
AIOBLE_API aioble_t *aioble_unref(aioble_t *ble);
AIOBLE_API aioble_t *aioble_ref(aioble_t *ble);
/** True between a successful open and a close or loss. */
AIOBLE_API bool aioble_is_open(const aioble_t *ble);
/**
 * Where an adapter with that public address has its state file by default: AA-BB-….json in
 * $XDG_STATE_HOME/aioble, else in ~/.local/state/aioble. As aioble_options_t.store this lets bonds
 * be listed without the adapter.
 * @return 0; AIOBLE_ENOENT: there is no home directory; AIOBLE_EMSGSIZE: size too small;
 *         AIOBLE_EINVAL
 */
AIOBLE_API int aioble_store_path(const aioble_addr_t *adapter, char *path, size_t size);
/**
 * 0: what is to be kept is kept, or about to be. Else why not, in *why, too (borrowed until it
 * changes; NULL: not wanted): bonds and the like are in memory only. AIOBLE_EBUSY: the state file
 * is in use by another stack; AIOBLE_EACCES, EPERM: it is not for us, no regular file, or a
 * symbolic link; AIOBLE_ENOTSUP: it is no file of this version; AIOBLE_EINVAL: it made no sense,
 * was kept aside and will be made anew, which makes this 0; or the system's error (-ENOSPC) or
 * store_ops'.
 */
AIOBLE_API int aioble_store_status(const aioble_t *ble, const char **why);
/**
 * The outcome of an aioble_store_ops_t.save that returned AIOBLE_SAVED_LATER: 0 or an error.
 * @return 0; AIOBLE_EALREADY: nothing is being saved; AIOBLE_EINVAL; AIOBLE_ENOTCONN (no stack)
 */
AIOBLE_API int aioble_store_saved(aioble_t *ble, int status);
/** The `user` of the options. */
AIOBLE_API void *aioble_user(const aioble_t *ble);

/**
 * Configuration by name, as text:
 *   mac        r   our identity address, "public aa:bb:cc:dd:ee:ff" or "random …"; AIOBLE_ENODEV
 *                  while not open
 *   addr_mode  rw  "public", "random" (static), or "private": resolvable private addresses beside
 *                  the identity that there was (options.private_address); at the next open
 *   rotation_s rw  seconds that a private address lives, 1 to 3600; at the next open
 *   gap_name   rw  the GAP Device Name (0x2A00), up to 248 bytes of UTF-8
 *   mtu        rw  preferred ATT MTU, 23 to 517, for later exchanges
 *   bond, mitm, le_secure  rw  "true" or "false": defaults of pairing
 *   secure_only  rw  "true" or "false": Secure Connections Only mode (aioble/security.h)
 *   io         rw  "display", "display-yesno", "keyboard", "none", "keyboard-display"
 *   pairable   rw  who may start pairing with us: "true" (anybody), "bonded" (only peers with a
 *                  bond, to renew it), "false" (nobody); others get the reason Pairing Not
 * Supported log_level  rw  0 to 3
 * @return 0; AIOBLE_ENOENT: no such key; AIOBLE_EINVAL: no such value; AIOBLE_EPERM: read-only;
 *         get: AIOBLE_EMSGSIZE: size too small
 */
AIOBLE_API int aioble_config_get(const aioble_t *ble, const char *key, char *value, size_t size);
AIOBLE_API int aioble_config_set(aioble_t *ble, const char *key, const char *value);

/**
 * Counters since aioble_new(). Whatever limit a peer reaches shows in one of them, or is an error
 * that the peer gets (att_refused) or an op of ours ends with; SECURITY.md has the limits.
 */
typedef struct aioble_stats {
  uint64_t acl_in, acl_out;  /**< ACL packets */
  uint64_t events, commands; /**< HCI events and commands */
  uint64_t malformed;        /**< packets dropped because they were not what they said */
  uint64_t att_malformed;    /**< ATT PDUs dropped or refused as malformed */
  uint64_t att_refused;      /**< requests of peers answered with an error, of any kind */
  uint64_t l2cap_dropped;    /**< L2CAP frames and commands that were no good, or for nobody */
  uint64_t channels_refused; /**< channels that peers asked for and there was no room for */
  uint64_t channels_broken;  /**< … ended because the peer broke their rules: credits, sizes */
  uint64_t params_refused;   /**< connection parameters peers asked for and did not get */
  uint64_t scan_reports;     /**< advertising reports */
  uint64_t scan_evicted;     /**< devices forgotten because a scan's table was full */
  uint64_t scan_dropped;     /**< results dropped because a scan's queue was full */
  uint64_t links_refused;    /**< links beyond max_links, disconnected at once */
  uint64_t notifications_dropped; /**< received, but a characteristic's queue was full */
  uint64_t writes_dropped;        /**< received without response, but the capture queue was full */
  uint64_t eatt_refused;          /**< enhanced bearers that we wanted of a peer and did not get */
  uint64_t signatures_refused;    /**< signed writes with a wrong signature, or of a stranger */
  uint64_t signatures_replayed;   /**< … that had been received before */
  uint64_t smp_dropped;           /**< Security Manager commands that were no good, or too many */
  uint64_t pairings_failed;       /**< pairings that ended with an error, whoever began them */
  uint64_t pairings_refused;      /**< … that peers asked for and were not even begun */
  uint64_t bonds_refused;         /**< not kept: one too many, or a weaker one, or a stranger's */
  uint64_t early_released;        /**< frames taken before it was known under which encryption */
  uint64_t private_lookups;       /**< private addresses tried with the keys of all bonds */
  uint64_t not_remembered;        /**< attributes of peers: too many, or contradictory */
  uint64_t store_failures;        /**< times that the state file could not be read or written */
  uint64_t ops_without_memory;    /**< ops that could only be reported as AIOBLE_ENOMEM */
} aioble_stats_t;
AIOBLE_API void aioble_stats(const aioble_t *ble, aioble_stats_t *stats);

/* ---- devices ---- */

/**
 * A device to connect to; compares by address and type. A bonded peer is found by its identity
 * address, whatever private address it uses, and also by one of these, as long as it is bonded.
 * @return NULL only when out of memory
 */
AIOBLE_API aioble_device_t *aioble_device_new(aioble_t *ble, const aioble_addr_t *addr);
AIOBLE_API aioble_device_t *aioble_device_ref(aioble_device_t *device);
AIOBLE_API aioble_device_t *aioble_device_unref(aioble_device_t *device);
/** Never NULL for a device. */
AIOBLE_API const aioble_addr_t *aioble_device_addr(const aioble_device_t *device);
AIOBLE_API bool aioble_device_equal(const aioble_device_t *a, const aioble_device_t *b);
/** The connection to it, borrowed; NULL: not connected. */
AIOBLE_API aioble_conn_t *aioble_device_conn(const aioble_device_t *device);

/* ---- connections ---- */

typedef enum aioble_role { AIOBLE_CENTRAL, AIOBLE_PERIPHERAL } aioble_role_t;

/** What a link must be for something to be done on it (Core Vol 3, Part C, 10.2.1). */
typedef enum aioble_security {
  AIOBLE_SECURITY_NONE,
  AIOBLE_SECURITY_ENCRYPTED,
  AIOBLE_SECURITY_AUTHENTICATED,     /**< … with a key that no man in the middle has */
  AIOBLE_SECURITY_SECURE_CONNECTIONS /**< … made by LE Secure Connections */
} aioble_security_t;

/** Connection parameters (Core Vol 6, Part B, 4.5.1, 4.5.2). */
typedef struct aioble_conn_params {
  uint32_t interval_us; /**< connection interval, 7,500 to 4,000,000 */
  uint16_t latency;     /**< events the peripheral may skip, 0 to 499 */
  uint32_t timeout_ms;  /**< supervision timeout, 100 to 32,000 */
} aioble_conn_params_t;

AIOBLE_API aioble_conn_t *aioble_conn_ref(aioble_conn_t *conn);
/** Never disconnects. */
AIOBLE_API aioble_conn_t *aioble_conn_unref(aioble_conn_t *conn);
/**
 * The peer, borrowed: by its identity address where a bond tells it. One that pairs under a private
 * address is known by its identity from then on, and so is this device. No address proves anything;
 * that is for aioble_conn_security().
 */
AIOBLE_API aioble_device_t *aioble_conn_device(const aioble_conn_t *conn);
/** The addresses that a link uses on the air: private ones, where a side has them. */
typedef struct aioble_conn_air {
  aioble_addr_t local, peer;
} aioble_conn_air_t;
/** All-zero for NULL. They stay as they are while the link lasts, and after. */
AIOBLE_API aioble_conn_air_t aioble_conn_air(const aioble_conn_t *conn);
AIOBLE_API aioble_t *aioble_conn_adapter(const aioble_conn_t *conn); /**< borrowed */
AIOBLE_API bool aioble_conn_is_connected(const aioble_conn_t *conn);
AIOBLE_API aioble_role_t aioble_conn_role(const aioble_conn_t *conn);
/** The ATT MTU in force: 23 until an exchange, by either side. */
AIOBLE_API uint16_t aioble_conn_mtu(const aioble_conn_t *conn);
/** ATT bearers that are open: 1, and the enhanced ones (aioble_options_t.eatt); 0: it has ended. */
AIOBLE_API unsigned aioble_conn_bearers(const aioble_conn_t *conn);
AIOBLE_API aioble_conn_params_t aioble_conn_params(const aioble_conn_t *conn);
/** Why it ended, AIOBLE_ERR_HCI(code); AIOBLE_ENODEV: the adapter went; 0 while connected. */
AIOBLE_API int aioble_conn_reason(const aioble_conn_t *conn);

/**
 * Ends the connection (HCI Disconnect, reason 0x13). Resolves with 0 when it has ended, also when
 * it had before. Time limit: 2 s.
 */
AIOBLE_API aioble_op_t *aioble_conn_disconnect(aioble_conn_t *conn);
/** Resolves with 0 when the connection has ended, whoever ended it. No time limit. */
AIOBLE_API aioble_op_t *aioble_conn_disconnected(aioble_conn_t *conn);
/** Resolves with the RSSI in dBm as aioble_op_number() (Core Vol 4, Part E, 7.5.4). Limit: 1 s. */
AIOBLE_API aioble_op_t *aioble_conn_rssi(aioble_conn_t *conn);
/**
 * Exchanges the ATT MTU (Core Vol 3, Part F, 3.4.2), offering the configured one, unless we have
 * asked on this link before: a client does so once. Resolves with the MTU in force as
 * aioble_op_number(). Time limit: 1 s.
 */
AIOBLE_API aioble_op_t *aioble_conn_exchange_mtu(aioble_conn_t *conn);

/** What to ask for in aioble_conn_update_params(). */
typedef struct aioble_conn_update {
  uint32_t interval_min_us, interval_max_us; /**< 7,500 to 4,000,000; 0: what it is now */
  uint16_t latency;                          /**< 0 to 499, as given */
  uint32_t timeout_ms;                       /**< 100 to 32,000; 0: what it is now */
} aioble_conn_update_t;
/**
 * Changes the connection parameters: as central by the link layer, as peripheral by the link layer
 * where both support it, else by L2CAP (Core Vol 3, Part A, 4.20). Resolves with 0 when the new
 * ones are in force; AIOBLE_EINVAL, AIOBLE_ERR_HCI(0x3b) (the peer refused). Time limit: 40 s.
 */
AIOBLE_API aioble_op_t *aioble_conn_update_params(aioble_conn_t *conn,
                                                  const aioble_conn_update_t *update);
/**
 * Hooks of one connection; fields left NULL are not called. Called from the loop like
 * continuations. A param_request hook answers a peripheral's wish: true accepts (also the default).
 */
typedef struct aioble_conn_hooks {
  void (*on_disconnect)(aioble_conn_t *conn, int reason, void *user);
  void (*on_params)(aioble_conn_t *conn, const aioble_conn_params_t *params, void *user);
  void (*on_mtu)(aioble_conn_t *conn, uint16_t mtu, void *user);
  bool (*on_param_request)(aioble_conn_t *conn, const aioble_conn_update_t *wish, void *user);
  /**
   * The peer's attributes from handle `first` to `last` have changed (only where its table is
   * remembered: aioble_cache_t). Services that lay there are to be discovered anew: ops on what was
   * discovered of them resolve with AIOBLE_ERR_ATT(0x12), except that what is queued can be taken.
   */
  void (*on_services_changed)(aioble_conn_t *conn, uint16_t first, uint16_t last, void *user);
  /** 0: aioble_conn_security() has changed. Else a pairing or encryption that the peer asked for
   * has failed, with a status as of aioble_conn_pair(); the connection's end is told by
   * on_disconnect alone. */
  void (*on_security)(aioble_conn_t *conn, int status, void *user);
  /** The peer's user presses a key (aioble_keypress_t) while a passkey is entered there. */
  void (*on_keypress)(aioble_conn_t *conn, int key, void *user);
  void *user;
} aioble_conn_hooks_t;
AIOBLE_API void aioble_conn_set_hooks(aioble_conn_t *conn, const aioble_conn_hooks_t *hooks);

#ifdef __cplusplus
}
#endif
#endif
