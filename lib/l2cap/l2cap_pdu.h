/* SPDX-License-Identifier: MIT */
/* LE signalling on the wire (Core Vol 3, Part A, 4): codes, results, parameter lists. */
#ifndef AB_L2CAP_PDU_H
#define AB_L2CAP_PDU_H

#include "util/wire.h"

/* codes, 4 */
enum {
  AB_SIG_COMMAND_REJECT = 0x01,
  AB_SIG_DISCONNECT_REQ = 0x06,
  AB_SIG_DISCONNECT_RSP = 0x07,
  AB_SIG_PARAM_UPDATE_REQ = 0x12,
  AB_SIG_PARAM_UPDATE_RSP = 0x13,
  AB_SIG_LE_CONNECT_REQ = 0x14,
  AB_SIG_LE_CONNECT_RSP = 0x15,
  AB_SIG_CREDITS_IND = 0x16,
  AB_SIG_ENHANCED_CONNECT_REQ = 0x17,
  AB_SIG_ENHANCED_CONNECT_RSP = 0x18,
  AB_SIG_RECONFIGURE_REQ = 0x19,
  AB_SIG_RECONFIGURE_RSP = 0x1a,
  AB_SIG_CODES
};

/* reasons of a Command Reject, 4.1 */
enum { AB_SIG_NOT_UNDERSTOOD = 0, AB_SIG_MTU_EXCEEDED = 1, AB_SIG_INVALID_CID = 2 };

/* results, 4.21, 4.28; those of 4.23 and 4.26 are in <aioble/l2cap.h> */
enum {
  AB_SIG_PARAMS_ACCEPTED = 0,
  AB_SIG_PARAMS_REJECTED = 1,
};
enum {
  AB_SIG_RECONFIGURED = 0,
  AB_SIG_RECONFIGURE_MTU = 1,
  AB_SIG_RECONFIGURE_MPS = 2,
  AB_SIG_RECONFIGURE_INVALID_CID = 3,
  AB_SIG_RECONFIGURE_UNACCEPTABLE = 4,
};

enum {
  AB_SIG_CIDS_MAX = 5,      /* in one request, 4.25, 4.27 */
  AB_SIG_LE_MIN = 23,       /* the least MTU and MPS, 4.22 */
  AB_SIG_ENHANCED_MIN = 64, /* … 4.25 */
  AB_SIG_MPS_MAX = 65533,
  AB_SIG_SPSM_MAX = 0xff, /* 4.22 */
};

#define AB_SIG_REJECT_LIST(F) F(le16, reason)
AB_WIRE_RECORD(sig_reject, AB_SIG_REJECT_LIST)

#define AB_SIG_DISCONNECT_LIST(F) F(le16, dcid) F(le16, scid)
AB_WIRE_RECORD(sig_disconnect, AB_SIG_DISCONNECT_LIST)

#define AB_SIG_RESULT_LIST(F) F(le16, result)
AB_WIRE_RECORD(sig_result, AB_SIG_RESULT_LIST)

#define AB_SIG_CREDITS_LIST(F) F(le16, cid) F(le16, credits)
AB_WIRE_RECORD(sig_credits, AB_SIG_CREDITS_LIST)

#define AB_SIG_RECONFIGURE_LIST(F) F(le16, mtu) F(le16, mps)
AB_WIRE_RECORD(sig_reconfigure, AB_SIG_RECONFIGURE_LIST)

#endif
