/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Observer and central: scanning and connecting (Core Vol 3, Part C, 9).
 */
#ifndef AIOBLE_CENTRAL_H
#define AIOBLE_CENTRAL_H

#include <aioble/ad.h>
#include <aioble/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aioble_scan aioble_scan_t;

/** What a result must match; zero fields match everything. */
typedef struct aioble_scan_filter {
  const aioble_uuid_t *uuid; /**< in the service UUID lists or the service data */
  const char *name_prefix;   /**< of the shortened or complete local name, byte by byte */
  const aioble_addr_t *addr;
  int8_t rssi_min;  /**< dBm; 0: any */
  bool by_company;  /**< `company` is to be matched */
  uint16_t company; /**< of the manufacturer specific data */
} aioble_scan_filter_t;

/** Options of aioble_scan(). Copied. */
typedef struct aioble_scan_options {
  uint64_t duration_ms; /**< from when the radio scans; 0 or AIOBLE_FOREVER: until stopped */
  uint32_t interval_us; /**< 2,500 to 10,240,000; 0: 60,000 */
  uint32_t window_us;   /**< 2,500 to interval_us; 0: all of interval_us but at most 60,000 */
  bool active;          /**< send scan requests: results have the scan response, too */
  bool every_report;    /**< yield a device again on each report, not only when something changed */
  bool ignore_rssi;     /**< a new RSSI alone is no change */
  aioble_scan_filter_t filter;
  unsigned
      max_devices; /**< devices remembered; 0: 4,096. The one heard of longest ago is forgotten */
  unsigned
      max_queued; /**< results waiting for aioble_scan_next(); 0: 256. Then the oldest is dropped */
  /** Push form: called from the loop for each result (borrowed); nothing is queued. */
  void (*on_result)(aioble_scan_t *scan, aioble_scan_result_t *result, void *user);
  /** Push form: the scan has ended: 0, or the error that ended it. */
  void (*on_end)(aioble_scan_t *scan, int status, void *user);
  void *user;
} aioble_scan_options_t;

/**
 * Starts to scan; opens the adapter if need be. Several scans may run at once, and beside
 * advertising, connecting and links; what the controller cannot do at once takes turns.
 * @return the caller's reference; NULL only when out of memory. Bad options are reported by
 *         aioble_scan_next() or on_end.
 */
AIOBLE_API aioble_scan_t *aioble_scan(aioble_t *ble, const aioble_scan_options_t *options);
/**
 * Resolves with the next result, in order of arrival (aioble_op_scan_result()): one device, with
 * what is known of it by then. A device comes again when its data, its RSSI or its connectability
 * changed. AIOBLE_EOF: the scan has ended (by duration or aioble_scan_stop()) and nothing is left;
 * AIOBLE_ENODEV, AIOBLE_ERR_HCI: it could not run. No time limit.
 */
AIOBLE_API aioble_op_t *aioble_scan_next(aioble_scan_t *scan);
/** Ends it. Resolves with 0 when the radio has ended it too. Time limit: 2 s. */
AIOBLE_API aioble_op_t *aioble_scan_stop(aioble_scan_t *scan);
AIOBLE_API aioble_scan_t *aioble_scan_ref(aioble_scan_t *scan);
AIOBLE_API aioble_scan_t *aioble_scan_unref(aioble_scan_t *scan); /**< never stops it */

/* ---- results ---- */

AIOBLE_API aioble_scan_result_t *aioble_scan_result_ref(aioble_scan_result_t *result);
AIOBLE_API aioble_scan_result_t *aioble_scan_result_unref(aioble_scan_result_t *result);
/** The identity address of a bonded peer, also when it uses private ones; else the one it uses. */
AIOBLE_API const aioble_addr_t *aioble_scan_result_addr(const aioble_scan_result_t *result);
/** A device to connect to: a new reference. @return NULL only when out of memory */
AIOBLE_API aioble_device_t *aioble_scan_result_device(const aioble_scan_result_t *result);
AIOBLE_API int aioble_scan_result_rssi(
    const aioble_scan_result_t *result); /**< dBm; 127: unknown */
AIOBLE_API bool aioble_scan_result_connectable(const aioble_scan_result_t *result);
/** When the last report came, microseconds of the loop's clock. */
AIOBLE_API uint64_t aioble_scan_result_time_us(const aioble_scan_result_t *result);
/** What it advertises and its scan response, borrowed: for aioble_ad_flags() and all the others. */
AIOBLE_API aioble_ad_payload_t aioble_scan_result_payload(const aioble_scan_result_t *result);
/**
 * Its name as printable text (aioble_ad_name(), aioble_ad_text()), cut to size and terminated.
 * @return false: the device gives no name (buf is "")
 */
AIOBLE_API bool aioble_scan_result_name(const aioble_scan_result_t *result, char *buf, size_t size);
/** Whether it lists that service. */
AIOBLE_API bool aioble_scan_result_has_service(const aioble_scan_result_t *result,
                                               aioble_uuid_t uuid);

/* ---- connecting ---- */

/** Options of aioble_device_connect(); zero fields are the defaults. */
typedef struct aioble_connect_options {
  uint32_t interval_min_us, interval_max_us; /**< 7,500 to 4,000,000; default 30,000 and 50,000 */
  uint16_t latency;                          /**< 0 to 499; default 0 */
  uint32_t timeout_ms;                       /**< supervision, 100 to 32,000; default 2,560 */
  uint32_t scan_interval_us, scan_window_us; /**< of the initiator; default 60,000 and 30,000 */
  aioble_cache_t gatt_cache;        /**< whether this peer's attribute table is remembered */
  aioble_auto_secure_t auto_secure; /**< what is done when it wants the link to be more secure */
  /** Leave a bonded peer's connection as it is, not encrypted: what AIOBLE_WRITE_SIGNED is for.
   * Whatever comes over it may come from somebody else. */
  bool unencrypted;
} aioble_connect_options_t;

/**
 * Connects; opens the adapter if need be. Resolves with the connection (aioble_op_conn()), also
 * when the device is connected already. Several may be asked for at once: the controller has one
 * initiator, so they take turns, and each one's time counts from the call. Time limit: 10 s; a
 * timeout or a cancel ends the attempt on the controller, too, before the op settles. A bonded peer
 * is found by its identity whatever private address it uses: by the controller, or where that
 * cannot, by scanning for it first. Its connection is encrypted before, unless `unencrypted` (also
 * one that is there already); if that fails, it ends, and so does the op: AIOBLE_ERR_HCI(0x06), the
 * peer has lost the key (aioble/security.h). Errors: AIOBLE_EINVAL, AIOBLE_ETIMEDOUT,
 * AIOBLE_ENOBUFS (max_links), AIOBLE_ERR_HCI. (Core Vol 4, Part E, 7.8.12)
 */
AIOBLE_API aioble_op_t *aioble_device_connect(aioble_device_t *device,
                                              const aioble_connect_options_t *options);

#ifdef __cplusplus
}
#endif
#endif
