/* SPDX-License-Identifier: MIT */
/* Commands of the Security Manager protocol (Core Vol 3, Part H, 3.3 to 3.6), behind their code. */
#ifndef AB_SMP_PDU_H
#define AB_SMP_PDU_H

#include "util/wire.h"

typedef enum ab_smp_code {
  AB_SMP_PAIRING_REQUEST = 0x01,
  AB_SMP_PAIRING_RESPONSE = 0x02,
  AB_SMP_CONFIRM = 0x03,
  AB_SMP_RANDOM = 0x04,
  AB_SMP_FAILED = 0x05,
  AB_SMP_ENCRYPTION_INFO = 0x06,
  AB_SMP_CENTRAL_ID = 0x07,
  AB_SMP_IDENTITY_INFO = 0x08,
  AB_SMP_IDENTITY_ADDR = 0x09,
  AB_SMP_SIGNING_INFO = 0x0a,
  AB_SMP_SECURITY_REQUEST = 0x0b,
  AB_SMP_PUBLIC_KEY = 0x0c,
  AB_SMP_DHKEY_CHECK = 0x0d,
  AB_SMP_KEYPRESS = 0x0e,
  AB_SMP_CODES,
} ab_smp_code;

/* 3.5.5 */
enum {
  AB_SMP_ERR_PASSKEY = 0x01,
  AB_SMP_ERR_OOB = 0x02,
  AB_SMP_ERR_AUTH = 0x03,
  AB_SMP_ERR_CONFIRM = 0x04,
  AB_SMP_ERR_NOT_SUPPORTED = 0x05,
  AB_SMP_ERR_KEY_SIZE = 0x06,
  AB_SMP_ERR_COMMAND = 0x07,
  AB_SMP_ERR_UNSPECIFIED = 0x08,
  AB_SMP_ERR_REPEATED = 0x09,
  AB_SMP_ERR_PARAMETERS = 0x0a,
  AB_SMP_ERR_DHKEY = 0x0b,
  AB_SMP_ERR_NUMERIC = 0x0c,
  AB_SMP_ERR_KEY_REJECTED = 0x0f,
};

/* AuthReq, 3.5.1 */
enum {
  AB_SMP_AUTH_BOND = 0x01,
  AB_SMP_AUTH_BOND_MASK = 0x03,
  AB_SMP_AUTH_MITM = 0x04,
  AB_SMP_AUTH_SC = 0x08,
  AB_SMP_AUTH_KEYPRESS = 0x10,
};

/* key distribution, 3.6.1 */
enum { AB_SMP_DIST_ENC = 0x01, AB_SMP_DIST_ID = 0x02, AB_SMP_DIST_SIGN = 0x04 };

/* clang-format off */
/* request and response, 3.5.1, 3.5.2 */
#define AB_SMP_FEATURES_LIST(F)                                                                    \
  F(u8, io) F(u8, oob) F(u8, auth) F(u8, key_size) F(u8, initiator) F(u8, responder)
AB_WIRE_RECORD(smp_features, AB_SMP_FEATURES_LIST)

#define AB_SMP_PUBLIC_KEY_LIST(F) F(key32, x) F(key32, y)
AB_WIRE_RECORD(smp_public_key, AB_SMP_PUBLIC_KEY_LIST)

#define AB_SMP_CENTRAL_ID_LIST(F) F(le16, ediv) F(le64, rand)
AB_WIRE_RECORD(smp_central_id, AB_SMP_CENTRAL_ID_LIST)

#define AB_SMP_IDENTITY_ADDR_LIST(F) F(u8, type) F(addr, addr)
AB_WIRE_RECORD(smp_identity_addr, AB_SMP_IDENTITY_ADDR_LIST)
/* clang-format on */

#endif
