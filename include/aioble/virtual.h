/* SPDX-License-Identifier: MIT */
/**
 * @file
 * The virtual radio: any number of Bluetooth LE controllers in software, on one air, each spoken
 * to through HCI like a real one. Give a controller to a stack as its transport, or run a stack,
 * its peers and their timeouts in virtual time, where an hour passes in milliseconds and the same
 * seed gives the same run.
 *
 * Link with aioble-virtual. As everywhere in libaioble: one loop, one thread, and nothing that is
 * called here calls back from inside the call, unless it says so.
 */
#ifndef AIOBLE_VIRTUAL_H
#define AIOBLE_VIRTUAL_H

#include <aioble/loop.h>
#include <aioble/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The air, the clock and everything that happens on them. */
typedef struct aioble_virtual_radio aioble_virtual_radio_t;
/** An advertiser without a controller. */
typedef struct aioble_virtual_beacon aioble_virtual_beacon_t;

/* ---- the radio ---- */

/**
 * What goes wrong by itself: each a chance in a million, of every packet to a host unless it says
 * otherwise, drawn from the radio's seed. All zero: nothing.
 */
typedef struct aioble_virtual_faults {
  uint32_t link_loss_ppm;      /**< of every connection event with data: the link falls silent */
  uint32_t reorder_ppm;        /**< an event or data packet overtakes one of another link */
  uint32_t malformed_ppm;      /**< one octet behind the H4 type is another one */
  uint32_t truncated_ppm;      /**< the packet ends early, its length field unchanged */
  uint32_t delay_ppm;          /**< of every batch to a host: it comes up to 100 ms later */
  uint32_t lost_event_ppm;     /**< an event does not come */
  uint32_t duplicated_ppm;     /**< an event comes twice */
  uint32_t lost_credits_ppm;   /**< a Number Of Completed Packets event does not come */
  uint32_t hardware_error_ppm; /**< a batch has a Hardware Error event, too */
  /** A new connection is never heard of again (Disconnection Complete, 0x3e). */
  uint32_t establish_fail_ppm;
} aioble_virtual_faults_t;

typedef struct aioble_virtual_options {
  /**
   * The loop whose clock the radio follows; it is taken over and closed at the end. NULL: virtual
   * time, in which the clock only moves from one thing due to the next.
   */
  aioble_loop_t *loop;
  const aioble_allocator_t *allocator; /**< copied; NULL: malloc and friends */
  uint64_t seed;                       /**< of everything random: delays, keys, faults */
  /**
   * Data waits for connection events, as many packets in each as its interval, the data length and
   * the PHY allow. Off: data moves at once. Advertising keeps its intervals either way.
   */
  bool timing;
  /** With timing: most link-layer packets in one connection event and direction; 0: 6. */
  uint8_t packets_per_event;
  aioble_virtual_faults_t faults;
} aioble_virtual_options_t;

/**
 * A new radio.
 * @param options borrowed; NULL: virtual time, seed 0, no timing.
 * @return NULL only when out of memory (the given loop is then still the caller's).
 */
AIOBLE_API aioble_virtual_radio_t *aioble_virtual_radio_new(
    const aioble_virtual_options_t *options);

/**
 * Ends the radio, with every controller, beacon and loop client it still has; transports of it are
 * invalid from here on and no sink is called any more. Not from inside a callback of the radio.
 * @param closed called with ctx when all is released: with a loop of the caller's, when that loop
 *        has closed; in virtual time, before this returns. May be NULL.
 */
AIOBLE_API void aioble_virtual_radio_free(aioble_virtual_radio_t *radio, void (*closed)(void *ctx),
                                          void *ctx);

/** Changes what goes wrong by itself. @param faults copied; NULL: nothing. */
AIOBLE_API void aioble_virtual_set_faults(aioble_virtual_radio_t *radio,
                                          const aioble_virtual_faults_t *faults);

/** The radio's clock in microseconds; virtual time starts at 0. */
AIOBLE_API uint64_t aioble_virtual_now_us(const aioble_virtual_radio_t *radio);

/* ---- virtual time ---- */

/**
 * A loop client in virtual time, for one stack (see aioble/loop.h). Ends with its ops->close, or
 * with the radio.
 * @return NULL when out of memory, or when the radio runs on a loop of the caller's.
 */
AIOBLE_API aioble_loop_t *aioble_virtual_loop(aioble_virtual_radio_t *radio);

/**
 * Runs one pending turn of anybody, or else moves the clock to the next thing due. Turns are run in
 * the order they were asked for.
 * @return false: nothing is left that could happen (or the radio runs on a loop of the caller's).
 */
AIOBLE_API bool aioble_virtual_run_once(aioble_virtual_radio_t *radio);

/** Runs everything due up to and including at_us; the clock then stands there. */
AIOBLE_API void aioble_virtual_run_until(aioble_virtual_radio_t *radio, uint64_t at_us);

/* ---- controllers ---- */

typedef struct aioble_virtual_controller_options {
  /** Public address, as displayed; all zero: 02:a1:0b:1e and a count of the radio's. */
  uint8_t public_addr[6];
  bool no_public_addr;    /**< Read BD_ADDR answers zero */
  uint16_t acl_len;       /**< longest ACL data taken from the host, 27 to 65535; 0: 251 */
  uint8_t acl_count;      /**< ACL buffers; 0: 8 */
  bool shared_buffers;    /**< LE Read Buffer Size answers zero, Read Buffer Size has the numbers */
  bool le_buffer_v2;      /**< LE Read Buffer Size [v2] is there, too */
  uint8_t max_links;      /**< connections at a time; 0: 16 */
  uint16_t rx_fragment;   /**< ACL data goes to the host in pieces of at most this; 0: whole */
  uint8_t command_count;  /**< commands the host may have outstanding; 0: 1 */
  uint8_t accept_list;    /**< entries; 0: 16 */
  uint8_t resolving_list; /**< entries; 0: 16 */
  uint16_t duplicate_filter; /**< advertisers the duplicate filter remembers; 0: 512 */
  uint64_t le_features_off;  /**< LE features it lacks, a bit each (Core Vol 6, Part B, 4.6) */
  uint64_t le_states_off;    /**< LE states it lacks, a bit each (Core Vol 4, Part E, 7.8.27) */
  int32_t x_cm, y_cm;        /**< where it stands: the RSSI follows */
} aioble_virtual_controller_options_t;

/**
 * A controller, switched off. Opening the transport switches it on; closing switches it off: its
 * peers then see a supervision timeout. sink->closed comes from inside close(). ops->destroy
 * releases it.
 * @param options copied; NULL: all defaults.
 * @return NULL when out of memory.
 */
AIOBLE_API aioble_transport_t *aioble_virtual_controller_new(
    aioble_virtual_radio_t *radio, const aioble_virtual_controller_options_t *options);

/** How often each fault of aioble_virtual_faults_t has happened. */
typedef struct aioble_virtual_fault_counts {
  uint64_t links_lost; /**< counted by the central's controller, as are those not established */
  uint64_t reordered;
  uint64_t malformed;
  uint64_t truncated;
  uint64_t delayed;
  uint64_t lost_events;
  uint64_t duplicated;
  uint64_t lost_credits;
  uint64_t hardware_errors;
  uint64_t not_established;
} aioble_virtual_fault_counts_t;

/** What a controller has counted since it was made. */
typedef struct aioble_virtual_stats {
  uint64_t commands;           /**< HCI commands taken */
  uint64_t commands_unknown;   /**< … answered Unknown HCI Command */
  uint64_t command_violations; /**< … sent without a credit */
  uint64_t events;             /**< HCI events given to the host */
  uint64_t acl_in;             /**< ACL packets taken from the host */
  uint64_t acl_out;            /**< ACL packets given to the host (pieces, if it fragments) */
  uint64_t acl_violations;     /**< ACL packets without a free buffer, or too long: dropped */
  uint64_t acl_unknown_link;   /**< ACL packets for a handle that is not connected: dropped */
  uint64_t malformed;          /**< packets from the host that were not what they said */
  uint64_t adv_events;         /**< advertising events it sent while anybody listened */
  uint64_t reports;            /**< advertising reports it queued for its host */
  uint64_t reports_dropped;    /**< … that found the queue to the host full */
  uint64_t faults;             /**< what has gone wrong by itself, in all … */
  aioble_virtual_fault_counts_t by_fault; /**< … and each */
  uint64_t no_memory; /**< packets lost: no memory, or the queue to the host was full */
} aioble_virtual_stats_t;

/** The counters of a controller; valid as long as it. */
AIOBLE_API const aioble_virtual_stats_t *aioble_virtual_stats(const aioble_transport_t *t);

/**
 * The host cannot take more at the moment (true): what it is owed waits, and so do, by their
 * buffers, the peers that send to it. false: go on.
 */
AIOBLE_API void aioble_virtual_controller_hold(aioble_transport_t *t, bool hold);

/** Moves it; every RSSI follows. */
AIOBLE_API void aioble_virtual_controller_set_position(aioble_transport_t *t, int32_t x_cm,
                                                       int32_t y_cm);

/* ---- faults on purpose ---- */

/** Pulled out: off at once, sink->lost follows. Plug it in again with close() and open(). */
AIOBLE_API void aioble_virtual_controller_unplug(aioble_transport_t *t);
/**
 * Its firmware has started again, without a word to the host: what it was doing, its links and its
 * settings are gone, and what was on its way to or from the host, too. Often followed by
 * aioble_virtual_controller_hardware_error().
 */
AIOBLE_API void aioble_virtual_controller_reset(aioble_transport_t *t);
/** Stuck (true): whatever the host sends vanishes, and nothing comes from it. */
AIOBLE_API void aioble_virtual_controller_set_silent(aioble_transport_t *t, bool silent);
/** Every Number Of Completed Packets event is lost while true. */
AIOBLE_API void aioble_virtual_controller_lose_credits(aioble_transport_t *t, bool lose);
/**
 * From now on Encryption Change and Encryption Key Refresh Complete come to the host that late,
 * behind data which was encrypted already: as over USB, where events and data take different ways.
 * 0: in order.
 */
AIOBLE_API void aioble_virtual_controller_delay_encryption(aioble_transport_t *t, uint32_t us);
/** A Hardware Error event with that code. */
AIOBLE_API void aioble_virtual_controller_hardware_error(aioble_transport_t *t, uint8_t code);
/** Any packet, H4 type first, put into the queue to the host. @return 0 or AIOBLE_ENOMEM. */
AIOBLE_API int aioble_virtual_controller_inject(aioble_transport_t *t, const uint8_t *packet,
                                                size_t len);
/**
 * The link falls silent for good: both ends see a supervision timeout.
 * @return 0, or AIOBLE_ENOTCONN when there is no such handle.
 */
AIOBLE_API int aioble_virtual_link_loss(aioble_transport_t *t, uint16_t handle);
/**
 * Whether two controllers hear each other; they do at first. A link between them dies of its
 * supervision timeout unless they hear each other again before.
 * @return 0 or AIOBLE_ENOMEM.
 */
AIOBLE_API int aioble_virtual_set_in_range(aioble_transport_t *a, aioble_transport_t *b,
                                           bool in_range);

/* ---- beacons ---- */

/** An advertiser that costs a few hundred octets and knows no HCI: make ten thousand of them. */
typedef struct aioble_virtual_beacon_options {
  aioble_addr_t addr;
  uint8_t type;            /**< Advertising_Type (Core Vol 4, Part E, 7.8.5): 0, 2 or 3 */
  aioble_bytes_t data;     /**< advertising data, at most 31 octets; copied */
  aioble_bytes_t response; /**< scan response data, at most 31 octets; copied */
  uint32_t interval_us;    /**< 20 ms to 10.24 s; 0: 100 ms */
  int32_t x_cm, y_cm;
} aioble_virtual_beacon_options_t;

/**
 * Advertises until it is released. Nobody can connect to it.
 * @return NULL when out of memory or an option is out of range.
 */
AIOBLE_API aioble_virtual_beacon_t *aioble_virtual_beacon_new(
    aioble_virtual_radio_t *radio, const aioble_virtual_beacon_options_t *options);
/** New advertising data (copied). @return 0, or AIOBLE_EINVAL above 31 octets. */
AIOBLE_API int aioble_virtual_beacon_set_data(aioble_virtual_beacon_t *beacon, aioble_bytes_t data);
/** NULL does nothing. */
AIOBLE_API void aioble_virtual_beacon_free(aioble_virtual_beacon_t *beacon);

#ifdef __cplusplus
}
#endif
#endif
