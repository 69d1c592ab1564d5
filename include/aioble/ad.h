/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Advertising data: reading what others advertise, and packing what we do (Core Vol 3, Part C, 11;
 * Core Specification Supplement, Part A).
 *
 * Reading works on any bytes and never fails: a structure that runs past the end of its payload
 * ends that payload, one of length 0 is skipped, a list's ragged tail is ignored. Everything
 * returned is borrowed from the bytes that were given.
 */
#ifndef AIOBLE_AD_H
#define AIOBLE_AD_H

#include <aioble/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most bytes of legacy advertising data, and of a scan response. */
#define AIOBLE_AD_MAX 31

/** AD types (Assigned Numbers, 2.3). */
enum {
  AIOBLE_AD_FLAGS = 0x01,
  AIOBLE_AD_SERVICES16_INCOMPLETE = 0x02,
  AIOBLE_AD_SERVICES16 = 0x03,
  AIOBLE_AD_SERVICES32_INCOMPLETE = 0x04,
  AIOBLE_AD_SERVICES32 = 0x05,
  AIOBLE_AD_SERVICES128_INCOMPLETE = 0x06,
  AIOBLE_AD_SERVICES128 = 0x07,
  AIOBLE_AD_NAME_SHORTENED = 0x08,
  AIOBLE_AD_NAME = 0x09,
  AIOBLE_AD_TX_POWER = 0x0a,
  AIOBLE_AD_SERVICE_DATA16 = 0x16,
  AIOBLE_AD_APPEARANCE = 0x19,
  AIOBLE_AD_SERVICE_DATA32 = 0x20,
  AIOBLE_AD_SERVICE_DATA128 = 0x21,
  AIOBLE_AD_MANUFACTURER = 0xff
};

/** Bits of the Flags AD (Core Specification Supplement, Part A, 1.3). */
enum {
  AIOBLE_AD_FLAG_LIMITED = 0x01,
  AIOBLE_AD_FLAG_GENERAL = 0x02,
  AIOBLE_AD_FLAG_NO_BR_EDR = 0x04,
  AIOBLE_AD_FLAG_BR_EDR_CONTROLLER = 0x08,
  AIOBLE_AD_FLAG_BR_EDR_HOST = 0x10
};

/* ---- reading ---- */

/** What a device sent: advertising data, and its scan response. Either may be empty. */
typedef struct aioble_ad_payload {
  aioble_bytes_t adv;
  aioble_bytes_t rsp;
} aioble_ad_payload_t;

/** One AD structure. */
typedef struct aioble_ad {
  uint8_t type;
  aioble_bytes_t data;
} aioble_ad_t;

/** Walks AD structures; a plain value, nothing to release. */
typedef struct aioble_ad_iter {
  aioble_bytes_t here;  /**< what is left of the payload being walked */
  aioble_bytes_t after; /**< the payload that follows it */
} aioble_ad_iter_t;

/** At the first structure of the advertising data; the scan response's follow. */
AIOBLE_API aioble_ad_iter_t aioble_ad_iter(aioble_ad_payload_t payload);
/** The next structure. @return false, *ad untouched: there is none. */
AIOBLE_API bool aioble_ad_next(aioble_ad_iter_t *it, aioble_ad_t *ad);
/** The data of the first structure of that type. @return false, *data untouched: absent. */
AIOBLE_API bool aioble_ad_find(aioble_ad_payload_t payload, uint8_t type, aioble_bytes_t *data);

/**
 * The local name: the first complete one, else the first shortened one. (A complete name in the
 * scan response wins over a shortened one in the advertising data.)
 * @param name      its bytes as sent: maybe empty, maybe no UTF-8; see aioble_ad_text().
 * @param complete  set to whether it is the complete name; may be NULL.
 * @return false, nothing set: absent.
 */
AIOBLE_API bool aioble_ad_name(aioble_ad_payload_t payload, aioble_bytes_t *name, bool *complete);

/**
 * Makes text of bytes that should be UTF-8: what is not, and control characters, become U+FFFD, so
 * the result is valid and safe to print; a NUL ends it. Writes at most `size` bytes, the terminator
 * included (none when size is 0), and never a part of a character.
 * @return the length of the whole text without its terminator: it was cut when that is >= size.
 *         Three times raw.len + 1 bytes are always enough.
 */
AIOBLE_API size_t aioble_ad_text(aioble_bytes_t raw, char *buf, size_t size);

/** @return false: absent (or shorter than its value), nothing set. */
AIOBLE_API bool aioble_ad_flags(aioble_ad_payload_t payload, uint8_t *flags);
/** @return false: absent (or shorter than its value), nothing set. */
AIOBLE_API bool aioble_ad_appearance(aioble_ad_payload_t payload, uint16_t *appearance);
/** In dBm. @return false: absent (or shorter than its value), nothing set. */
AIOBLE_API bool aioble_ad_tx_power(aioble_ad_payload_t payload, int8_t *dbm);

/** Walks service UUIDs; a plain value, nothing to release. */
typedef struct aioble_ad_service_iter {
  aioble_ad_payload_t payload;
  aioble_ad_iter_t fields;
  aioble_bytes_t list;
  uint8_t width; /**< index: 16, 32, 128 bits */
} aioble_ad_service_iter_t;

/** All 16-bit service UUIDs first, then those of 32 bits, then those of 128 bits. */
AIOBLE_API aioble_ad_service_iter_t aioble_ad_service_iter(aioble_ad_payload_t payload);
/** The next service UUID. @return false, *uuid untouched: there is none. */
AIOBLE_API bool aioble_ad_service_next(aioble_ad_service_iter_t *it, aioble_uuid_t *uuid);
/** Whether that service, in any width, is listed. */
AIOBLE_API bool aioble_ad_has_service(aioble_ad_payload_t payload, const aioble_uuid_t *uuid);

/** Data of a manufacturer (AD type 0xff). */
typedef struct aioble_ad_manufacturer {
  uint16_t company; /**< Assigned Numbers, 7.1 */
  aioble_bytes_t data;
} aioble_ad_manufacturer_t;

/** The next manufacturer data of a walk. @return false, *found untouched: there is none. */
AIOBLE_API bool aioble_ad_manufacturer_next(aioble_ad_iter_t *it, aioble_ad_manufacturer_t *found);
/** The first data of that company. @return false, *data untouched: absent. */
AIOBLE_API bool aioble_ad_manufacturer(aioble_ad_payload_t payload, uint16_t company,
                                       aioble_bytes_t *data);

/** Data of a service (AD types 0x16, 0x20, 0x21). */
typedef struct aioble_ad_service_data {
  aioble_uuid_t uuid;
  aioble_bytes_t data;
} aioble_ad_service_data_t;

/** The next service data of a walk. @return false, *found untouched: there is none. */
AIOBLE_API bool aioble_ad_service_data_next(aioble_ad_iter_t *it, aioble_ad_service_data_t *found);
/** The first data of that service, in any width. @return false, *data untouched: absent. */
AIOBLE_API bool aioble_ad_service_data(aioble_ad_payload_t payload, const aioble_uuid_t *uuid,
                                       aioble_bytes_t *data);

/* ---- packing ---- */

typedef enum aioble_ad_discoverable {
  AIOBLE_AD_DISCOVERABLE_GENERAL, /**< general discoverable mode (Core Vol 3, Part C, 9.2.4) */
  AIOBLE_AD_DISCOVERABLE_LIMITED, /**< limited discoverable mode (9.2.3) */
  AIOBLE_AD_DISCOVERABLE_NOT,     /**< non-discoverable mode (9.2.2): flags, but neither bit */
  AIOBLE_AD_NO_FLAGS              /**< the Flags are left out (for beacons: not connectable) */
} aioble_ad_discoverable_t;

/** What to advertise; all zero: general discoverable, nothing else. */
typedef struct aioble_ad_fields {
  aioble_ad_discoverable_t discoverable;
  bool br_edr;                   /**< we also do BR/EDR, at the same time */
  const aioble_uuid_t *services; /**< widths may be mixed */
  size_t service_count;
  const char *name;      /**< UTF-8; NULL or "": none */
  bool name_may_shorten; /**< send the beginning when the whole name does not fit */
  uint16_t appearance;   /**< Assigned Numbers, 2.6; 0: none */
  const aioble_ad_manufacturer_t *manufacturer; /**< NULL: none */
  const aioble_ad_service_data_t *service_data;
  size_t service_data_count;
  bool has_tx_power;
  int8_t tx_power_dbm;
  bool no_scan_response; /**< use the advertising data only (advertising that is not scannable) */
} aioble_ad_fields_t;

/** What aioble_ad_build() made. */
typedef struct aioble_ad_packed {
  uint8_t adv[AIOBLE_AD_MAX], rsp[AIOBLE_AD_MAX];
  uint8_t adv_len, rsp_len;
  char why[160]; /**< after an error: what is wrong, in words */
} aioble_ad_packed_t;

/**
 * Packs fields into advertising data and scan response.
 *
 * Their order is flags, services (16, 32, 128 bits; each width one list), name, appearance,
 * manufacturer, service data, TX power. Each goes into the advertising data if it can, else into
 * the scan response; where that does not work out, earlier fields are moved until everything fits.
 * The flags are always in the advertising data. Only when nothing fits whole, a list of services is
 * divided in two "incomplete" ones; only when that is not enough either, and allowed, the name is
 * cut at the end of a character.
 *
 * @return 0; AIOBLE_EMSGSIZE: it does not fit, packed->why says by how much; AIOBLE_EINVAL: a UUID
 *         has no valid size. After an error both lengths are 0.
 */
AIOBLE_API int aioble_ad_build(const aioble_ad_fields_t *fields, aioble_ad_packed_t *packed);

#ifdef __cplusplus
}
#endif
#endif
