/* SPDX-License-Identifier: MIT */
/**
 * @file
 * What the stack asks of a way to a controller: whole HCI packets, each with its H4 type octet
 * first (Core Vol 4, Part A, 2). Applications name a transport by a string in
 * aioble_options_t.adapter; this header is for those who bring their own.
 */
#ifndef AIOBLE_TRANSPORT_H
#define AIOBLE_TRANSPORT_H

#include <aioble/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** H4 packet types (Core Vol 4, Part A, 2). */
enum {
  AIOBLE_H4_COMMAND = 1,
  AIOBLE_H4_ACL = 2,
  AIOBLE_H4_SCO = 3,
  AIOBLE_H4_EVENT = 4,
  AIOBLE_H4_ISO = 5
};

typedef struct aioble_transport aioble_transport_t;

/** Who receives: the stack, or whatever else sits on top of a transport. */
typedef struct aioble_transport_sink {
  /** The end of an open that returned AIOBLE_EINPROGRESS: 0, or an error and why (borrowed). */
  void (*opened)(void *ctx, int status, const char *why);
  /** One whole packet; borrowed for the call. Called in the order of arrival. */
  void (*packet)(void *ctx, const uint8_t *packet, size_t len);
  /** All packets of this input batch have been given. */
  void (*batch_end)(void *ctx);
  /** After send() said AIOBLE_EAGAIN: there is room again. */
  void (*writable)(void *ctx);
  /** The controller is gone (end of file, unplug); nothing more will come. close() is still due. */
  void (*lost)(void *ctx, int status, const char *why);
  /** The last call: everything close() had to end has ended. */
  void (*closed)(void *ctx);
} aioble_transport_sink_t;

#define AIOBLE_EINPROGRESS 1

typedef struct aioble_transport_ops {
  /**
   * Opens, and from then on calls the sink. Can be called again after `closed`.
   * @return 0 open; AIOBLE_EINPROGRESS: sink->opened will follow; negative: failed, *why says why
   *         (a text that helps, valid until the next call; or NULL). After a failure, also one
   *         told through `opened`, the transport is closed: no close() is due.
   */
  int (*open)(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
              const char **why);
  /**
   * Takes one packet (copies it). @return 0, AIOBLE_EAGAIN (nothing taken; `writable` will
   * follow), or AIOBLE_ENODEV once lost.
   */
  int (*send)(aioble_transport_t *t, const uint8_t *packet, size_t len);
  /** The end of a turn: write what was taken since the last flush. */
  void (*flush)(aioble_transport_t *t);
  /** Ends it. sink->closed follows, possibly from inside this call; nothing else does. */
  void (*close)(aioble_transport_t *t);
  /** Releases a closed transport. */
  void (*destroy)(aioble_transport_t *t);
} aioble_transport_ops_t;

/** Embed it first in your own struct. */
struct aioble_transport {
  const aioble_transport_ops_t *ops;
};

#ifdef __cplusplus
}
#endif
#endif
