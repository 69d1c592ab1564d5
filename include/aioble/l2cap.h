/* SPDX-License-Identifier: MIT */
/**
 * @file
 * L2CAP channels (Core Vol 3, Part A, 10.1): streams of messages beside GATT, with flow control.
 * A peer is reached by its PSM (0x01 to 0xff; 0x80 to 0xff are free to use), in either role.
 *
 * A message is an SDU, as long as the receiver's MTU at most. It travels in K-frames, for each of
 * which the sender needs a credit; the receiver gives credits back as its application takes what
 * has arrived. So a receiver that does not read stops the sender, and holds no more than its
 * window of `credits` K-frames, and one SDU.
 *
 * Channels and listeners are handles: refcounted. A channel keeps its connection, outlives its
 * end, and can be read still until it is empty.
 */
#ifndef AIOBLE_L2CAP_H
#define AIOBLE_L2CAP_H

#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aioble_channel aioble_channel_t;
typedef struct aioble_listener aioble_listener_t;

/** Why a channel is refused (4.23, 4.26): the code in AIOBLE_ERR_L2CAP(). */
enum {
  AIOBLE_L2CAP_NO_SUCH_PSM = 0x0002,
  AIOBLE_L2CAP_NO_RESOURCES = 0x0004,
  AIOBLE_L2CAP_INSUFFICIENT_AUTHENTICATION = 0x0005,
  AIOBLE_L2CAP_INSUFFICIENT_AUTHORIZATION = 0x0006,
  AIOBLE_L2CAP_KEY_TOO_SHORT = 0x0007,
  AIOBLE_L2CAP_INSUFFICIENT_ENCRYPTION = 0x0008,
  AIOBLE_L2CAP_INVALID_SOURCE_CID = 0x0009,
  AIOBLE_L2CAP_SOURCE_CID_IN_USE = 0x000a,
  AIOBLE_L2CAP_UNACCEPTABLE_PARAMETERS = 0x000b,
  AIOBLE_L2CAP_INVALID_PARAMETERS = 0x000c
};

/** How many channels one request can ask for (4.25). */
#define AIOBLE_CHANNELS_MAX 5

/** What a channel takes from the peer. All-zero is a good default. */
typedef struct aioble_channel_options {
  uint16_t mtu; /**< the longest SDU, 23 to 65,535; default: 2,048 or less, filling K-frames */
  /** The longest K-frame, 23 to 65,533; default: what fills whole buffers of the controller. */
  uint16_t mps;
  /** K-frames the peer may send before we take any; default: two of the longest SDUs, or 48. */
  uint16_t credits;
  /**
   * When connecting: ask for an enhanced channel, and only if the peer does not know those for the
   * other kind. Its MTU and MPS are at least 64.
   */
  bool enhanced;
} aioble_channel_options_t;

/* ---- connecting ---- */

/**
 * Asks the peer for a channel (4.22): aioble_op_channel(). AIOBLE_ERR_L2CAP(why): it refused, if
 * for want of security perhaps after what aioble_auto_secure_t says was tried;
 * AIOBLE_ENOTSUP: it has no channels at all; AIOBLE_EPROTO: its answer makes no sense;
 * AIOBLE_ENOBUFS: there are 64 on this link. Time limit: 1 s. One that is made after that, or after
 * a cancel, is disconnected.
 */
AIOBLE_API aioble_op_t *aioble_conn_l2cap_connect(aioble_conn_t *conn, uint16_t psm,
                                                  const aioble_channel_options_t *options);
/**
 * Asks for n channels at once, 1 to AIOBLE_CHANNELS_MAX (4.25), of which the peer may make some:
 * aioble_op_channel_at(), NULL for those it did not make. Succeeds when at least one was made, else
 * with the reason. A peer that does not know enhanced channels is asked for each by itself.
 */
AIOBLE_API aioble_op_t *aioble_conn_l2cap_connect_many(aioble_conn_t *conn, uint16_t psm,
                                                       const aioble_channel_options_t *options,
                                                       size_t n);

/* ---- listening ---- */

typedef struct aioble_listen_options {
  aioble_channel_options_t channel;
  /** What the link must be for a channel to be made; default anything. */
  aioble_security_t security;
  uint8_t min_key_size; /**< of its key, 7 to 16 octets; default any */
  /** Channels that were made and not accepted yet; default 4. More are refused: no resources. */
  unsigned backlog;
  /**
   * A peer asks for n channels, and could have them: 0 makes them, one of AIOBLE_L2CAP_… refuses.
   * Called while the request is read; may do anything. NULL: all are made.
   */
  uint16_t (*on_request)(aioble_listener_t *listener, aioble_conn_t *conn, unsigned n, void *user);
  void *user;
} aioble_listen_options_t;

/**
 * Listens on a PSM, on all links of now and later, until aioble_listener_stop() or aioble_close().
 * Does not open the adapter. Options may be NULL. What is wrong with them, every
 * aioble_listener_accept() says: AIOBLE_EINVAL, AIOBLE_EEXIST (the PSM is listened on).
 * @return a reference; NULL only when out of memory
 */
AIOBLE_API aioble_listener_t *aioble_l2cap_listen(aioble_t *ble, uint16_t psm,
                                                  const aioble_listen_options_t *options);
/**
 * The next channel a peer has made: aioble_op_channel(). Several may wait, and are served in turn.
 * AIOBLE_EOF: stopped. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_listener_accept(aioble_listener_t *listener);
/**
 * Listens no more. Those who wait to accept get AIOBLE_EOF; what nobody accepted is disconnected;
 * what was accepted lives on.
 */
AIOBLE_API void aioble_listener_stop(aioble_listener_t *listener);
AIOBLE_API uint16_t aioble_listener_psm(const aioble_listener_t *listener);
AIOBLE_API aioble_listener_t *aioble_listener_ref(aioble_listener_t *listener);
/** Never stops it. */
AIOBLE_API aioble_listener_t *aioble_listener_unref(aioble_listener_t *listener);

/**
 * Waits for the peer of this connection to make a channel on that PSM: aioble_op_channel(). The PSM
 * is listened on, for this peer, for as long as somebody waits: what it asks for in between is
 * refused; a listener misses nothing. AIOBLE_EINVAL. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_conn_l2cap_accept(aioble_conn_t *conn, uint16_t psm,
                                                 const aioble_channel_options_t *options);

/** The channel of a connect or accept op that succeeded, borrowed; the first of several. */
AIOBLE_API aioble_channel_t *aioble_op_channel(const aioble_op_t *op);
/** The i-th of aioble_conn_l2cap_connect_many(); NULL: it was not made. */
AIOBLE_API aioble_channel_t *aioble_op_channel_at(const aioble_op_t *op, size_t i);

/* ---- sending ---- */

/**
 * Sends bytes, copied, as SDUs of chunk_size octets (0: the peer's MTU; only the last is shorter).
 * Resolves with 0 when the peer's credits and the controller have taken them all: to await it is
 * flow control. No bytes: nothing is sent. AIOBLE_EMSGSIZE: chunk_size is more than the peer's MTU;
 * AIOBLE_ENOTCONN: the channel has ended. No time limit. One that is cancelled has sent some of its
 * SDUs, all of them whole.
 */
AIOBLE_API aioble_op_t *aioble_channel_send(aioble_channel_t *channel, const void *data, size_t len,
                                            size_t chunk_size);
/**
 * Sends one SDU if nothing waits and there are credits for it. @return 0; AIOBLE_EAGAIN: not now
 * (aioble_channel_flush() and the peer's reading make room); AIOBLE_EMSGSIZE: longer than the
 * peer's MTU; AIOBLE_ENOTCONN; AIOBLE_ENOMEM.
 */
AIOBLE_API int aioble_channel_try_send(aioble_channel_t *channel, const void *data, size_t len);
/** Resolves with 0 once the controller has all that was sent before. No time limit. */
AIOBLE_API aioble_op_t *aioble_channel_flush(aioble_channel_t *channel);

/* ---- receiving ---- */

/**
 * The next SDU: aioble_op_value(). When the channel has ended and all was read: AIOBLE_EOF if one
 * side ended it, else the reason. AIOBLE_EBUSY: the push form is in force. Several may wait, and
 * are served in turn. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_channel_recv(aioble_channel_t *channel);
/**
 * As a stream of bytes: waits until there are some, copies up to `size` into buf, and keeps the
 * rest: aioble_op_number(). Where one SDU ends and another begins is not seen. buf must stay until
 * the op has settled. Errors as aioble_channel_recv(). No time limit.
 */
AIOBLE_API aioble_op_t *aioble_channel_recvinto(aioble_channel_t *channel, void *buf, size_t size);
/** Bytes that have arrived and can be received without waiting. */
AIOBLE_API size_t aioble_channel_available(const aioble_channel_t *channel);

/** An SDU arrived; borrowed for the call. May stop itself, and do anything else. */
typedef void aioble_sdu_fn(aioble_channel_t *channel, aioble_bytes_t sdu, void *user);
/**
 * Push form: fn gets every SDU, those that wait first; nothing is queued or copied (NULL: back to
 * queueing). What fn was given is consumed when it returns. Those who wait to receive get
 * AIOBLE_EBUSY.
 */
AIOBLE_API void aioble_channel_on_sdu(aioble_channel_t *channel, aioble_sdu_fn *fn, void *user);

/* ---- the end ---- */

/** Ends the channel (4.6); resolves with 0 when it has closed, also if it had. Time limit: 1 s. */
AIOBLE_API aioble_op_t *aioble_channel_disconnect(aioble_channel_t *channel);
/** Resolves with 0 when the channel has closed, whoever ended it. Time limit: 1 s. */
AIOBLE_API aioble_op_t *aioble_channel_disconnected(aioble_channel_t *channel);
/**
 * AIOBLE_EOF: the peer ended it; AIOBLE_ECANCELED: we did; AIOBLE_EPROTO: the peer broke the rules;
 * AIOBLE_ENOTCONN: the link has ended; AIOBLE_ENOMEM; 0: it is open.
 */
AIOBLE_API int aioble_channel_reason(const aioble_channel_t *channel);

AIOBLE_API aioble_channel_t *aioble_channel_ref(aioble_channel_t *channel);
/** Never disconnects. */
AIOBLE_API aioble_channel_t *aioble_channel_unref(aioble_channel_t *channel);

/* ---- what it is ---- */

AIOBLE_API bool aioble_channel_is_open(const aioble_channel_t *channel);
AIOBLE_API bool aioble_channel_is_enhanced(const aioble_channel_t *channel);
AIOBLE_API aioble_conn_t *aioble_channel_conn(const aioble_channel_t *channel); /**< borrowed */
AIOBLE_API uint16_t aioble_channel_psm(const aioble_channel_t *channel);
/** The longest SDU the peer may send us. */
AIOBLE_API uint16_t aioble_channel_our_mtu(const aioble_channel_t *channel);
/** The longest SDU we may send. */
AIOBLE_API uint16_t aioble_channel_peer_mtu(const aioble_channel_t *channel);
/** The longest K-frame each side takes. */
AIOBLE_API uint16_t aioble_channel_our_mps(const aioble_channel_t *channel);
AIOBLE_API uint16_t aioble_channel_peer_mps(const aioble_channel_t *channel);
/** K-frames that may be sent now: by the peer; by us. */
AIOBLE_API unsigned aioble_channel_our_credits(const aioble_channel_t *channel);
AIOBLE_API unsigned aioble_channel_peer_credits(const aioble_channel_t *channel);

typedef struct aioble_channel_stats {
  uint64_t sdus_in, sdus_out;
  uint64_t bytes_in, bytes_out; /**< of SDUs */
  uint64_t frames_in, frames_out;
} aioble_channel_stats_t;
AIOBLE_API void aioble_channel_stats(const aioble_channel_t *channel,
                                     aioble_channel_stats_t *stats);

/**
 * Takes longer SDUs and K-frames from now on, on n enhanced channels of one link, 1 to
 * AIOBLE_CHANNELS_MAX (4.27). The MTU cannot be made smaller, the MPS only of one channel alone; 0
 * for either of them: what it is on the first. AIOBLE_EINVAL: against these rules;
 * AIOBLE_EBUSY: another one is asked on this link; AIOBLE_ERR_L2CAP(why): the peer refused.
 * Time limit: 1 s.
 */
AIOBLE_API aioble_op_t *aioble_channels_reconfigure(aioble_channel_t *const *channels, size_t n,
                                                    uint16_t mtu, uint16_t mps);

#ifdef __cplusplus
}
#endif
#endif
