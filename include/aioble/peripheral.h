/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Broadcaster and peripheral: advertising (Core Vol 3, Part C, 9.1, 9.2, 9.3; Vol 4, Part
 * E, 7.8.5).
 */
#ifndef AIOBLE_PERIPHERAL_H
#define AIOBLE_PERIPHERAL_H

#include <aioble/ad.h>
#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum aioble_adv_mode {
  AIOBLE_ADV_CONNECTABLE, /**< connectable and scannable (ADV_IND) */
  AIOBLE_ADV_SCANNABLE,   /**< scannable, not connectable (ADV_SCAN_IND) */
  AIOBLE_ADV_BROADCAST    /**< neither (ADV_NONCONN_IND) */
} aioble_adv_mode_t;

/** Options of aioble_advertise(). Copied. */
typedef struct aioble_advertise_options {
  aioble_adv_mode_t mode;
  uint32_t interval_us; /**< 20,000 to 10,240,000; 0: 100,000 */
  /** What to say, built into the payloads (aioble_ad_build()); not used when raw payloads are
   * given. */
  aioble_ad_fields_t fields;
  /** Raw payloads, sent as they are: at most 31 bytes each. Either may be empty. */
  aioble_bytes_t adv_data, scan_rsp;
} aioble_advertise_options_t;

/**
 * Advertises; opens the adapter if need be. Resolves with the connection of the central that
 * connected (aioble_op_conn()); advertising has ended then. Call it again for a further central
 * while others stay connected. Not connectable: ends by timeout or cancel only. Several calls take
 * turns: the next starts when the one before has ended. No time limit; with one (or a cancel) the
 * controller has stopped before the op settles.
 * Errors: AIOBLE_EINVAL, AIOBLE_EMSGSIZE (the fields do not fit, aioble_op_message() says by how
 * much), AIOBLE_ENOBUFS (max_links), AIOBLE_ERR_HCI.
 */
AIOBLE_API aioble_op_t *aioble_advertise(aioble_t *ble, const aioble_advertise_options_t *options);

#ifdef __cplusplus
}
#endif
#endif
