/* SPDX-License-Identifier: MIT */
/*
 * The texts of errors. Each list is the specification's table, in its order:
 * HCI Core Vol 1, Part F, 1.3 · ATT Vol 3, Part F, 3.4.1.1 and Core Supplement, Part B, 1.2 ·
 * SMP Vol 3, Part H, 3.5.5 · L2CAP Vol 3, Part A, 4.23 and 4.26.
 */
#include <aioble/types.h>

#define HCI_ERRORS(X)                                          \
  X(0x01, "unknown command")                                   \
  X(0x02, "unknown connection")                                \
  X(0x03, "hardware failure")                                  \
  X(0x04, "page timeout")                                      \
  X(0x05, "authentication failure")                            \
  X(0x06, "PIN or key missing")                                \
  X(0x07, "memory of the controller exceeded")                 \
  X(0x08, "connection timeout")                                \
  X(0x09, "connection limit exceeded")                         \
  X(0x0a, "limit of synchronous connections exceeded")         \
  X(0x0b, "connection already exists")                         \
  X(0x0c, "command disallowed")                                \
  X(0x0d, "connection rejected: limited resources")            \
  X(0x0e, "connection rejected: security")                     \
  X(0x0f, "connection rejected: unacceptable address")         \
  X(0x10, "connection accept timeout")                         \
  X(0x11, "unsupported feature or parameter value")            \
  X(0x12, "invalid command parameters")                        \
  X(0x13, "the remote user ended the connection")              \
  X(0x14, "the remote device ended the connection: resources") \
  X(0x15, "the remote device ended the connection: power off") \
  X(0x16, "ended by the local host")                           \
  X(0x17, "repeated attempts")                                 \
  X(0x18, "pairing not allowed")                               \
  X(0x19, "unknown link manager PDU")                          \
  X(0x1a, "unsupported remote feature")                        \
  X(0x1b, "SCO offset rejected")                               \
  X(0x1c, "SCO interval rejected")                             \
  X(0x1d, "SCO air mode rejected")                             \
  X(0x1e, "invalid link layer parameters")                     \
  X(0x1f, "unspecified error")                                 \
  X(0x20, "unsupported link layer parameter value")            \
  X(0x21, "role change not allowed")                           \
  X(0x22, "link layer response timeout")                       \
  X(0x23, "link layer procedure collision")                    \
  X(0x24, "link manager PDU not allowed")                      \
  X(0x25, "encryption mode not acceptable")                    \
  X(0x26, "link key cannot be changed")                        \
  X(0x27, "requested quality of service not supported")        \
  X(0x28, "instant passed")                                    \
  X(0x29, "pairing with unit key not supported")               \
  X(0x2a, "different transaction collision")                   \
  X(0x2c, "quality of service: unacceptable parameter")        \
  X(0x2d, "quality of service rejected")                       \
  X(0x2e, "channel assessment not supported")                  \
  X(0x2f, "insufficient security")                             \
  X(0x30, "parameter out of mandatory range")                  \
  X(0x32, "role switch pending")                               \
  X(0x34, "reserved slot violation")                           \
  X(0x35, "role switch failed")                                \
  X(0x36, "extended inquiry response too large")               \
  X(0x37, "simple pairing not supported by the host")          \
  X(0x38, "host busy pairing")                                 \
  X(0x39, "connection rejected: no suitable channel")          \
  X(0x3a, "controller busy")                                   \
  X(0x3b, "unacceptable connection parameters")                \
  X(0x3c, "advertising timeout")                               \
  X(0x3d, "connection ended: message integrity check failed")  \
  X(0x3e, "connection failed to be established")               \
  X(0x3f, "MAC connection failed")                             \
  X(0x40, "coarse clock adjustment rejected")                  \
  X(0x41, "type 0 submap not defined")                         \
  X(0x42, "unknown advertising identifier")                    \
  X(0x43, "limit reached")                                     \
  X(0x44, "cancelled by the host")                             \
  X(0x45, "packet too long")                                   \
  X(0x46, "packet too late")                                   \
  X(0x47, "packet too early")                                  \
  X(0x48, "insufficient channels")

#define ATT_ERRORS(X)                                     \
  X(0x01, "invalid handle")                               \
  X(0x02, "read not permitted")                           \
  X(0x03, "write not permitted")                          \
  X(0x04, "invalid PDU")                                  \
  X(0x05, "insufficient authentication")                  \
  X(0x06, "request not supported")                        \
  X(0x07, "invalid offset")                               \
  X(0x08, "insufficient authorization")                   \
  X(0x09, "prepare queue full")                           \
  X(0x0a, "attribute not found")                          \
  X(0x0b, "attribute not long")                           \
  X(0x0c, "encryption key too short")                     \
  X(0x0d, "invalid length of the attribute value")        \
  X(0x0e, "unlikely error")                               \
  X(0x0f, "insufficient encryption")                      \
  X(0x10, "unsupported group type")                       \
  X(0x11, "insufficient resources")                       \
  X(0x12, "database out of sync")                         \
  X(0x13, "value not allowed")                            \
  X(0xfc, "write request rejected")                       \
  X(0xfd, "client characteristic configuration is wrong") \
  X(0xfe, "procedure already in progress")                \
  X(0xff, "value out of range")

#define SMP_ERRORS(X)                                   \
  X(0x01, "passkey entry failed")                       \
  X(0x02, "out-of-band data not available")             \
  X(0x03, "authentication requirements cannot be met")  \
  X(0x04, "confirm value failed")                       \
  X(0x05, "pairing not supported")                      \
  X(0x06, "encryption key too short")                   \
  X(0x07, "command not supported")                      \
  X(0x08, "unspecified reason")                         \
  X(0x09, "repeated attempts")                          \
  X(0x0a, "invalid parameters")                         \
  X(0x0b, "DHKey check failed")                         \
  X(0x0c, "numeric comparison failed")                  \
  X(0x0d, "BR/EDR pairing in progress")                 \
  X(0x0e, "cross-transport key derivation not allowed") \
  X(0x0f, "key rejected")                               \
  X(0x10, "busy")

#define L2CAP_ERRORS(X)                                  \
  X(0x0001, "connection pending")                        \
  X(0x0002, "refused: PSM not supported")                \
  X(0x0003, "refused: security block")                   \
  X(0x0004, "refused: no resources")                     \
  X(0x0005, "refused: insufficient authentication")      \
  X(0x0006, "refused: insufficient authorization")       \
  X(0x0007, "refused: encryption key too short")         \
  X(0x0008, "refused: insufficient encryption")          \
  X(0x0009, "refused: invalid source channel")           \
  X(0x000a, "refused: source channel already allocated") \
  X(0x000b, "refused: unacceptable parameters")          \
  X(0x000c, "refused: invalid parameters")               \
  X(0x000d, "pending, no further information")           \
  X(0x000e, "authentication pending")                    \
  X(0x000f, "authorization pending")

#define TEXT_CASE(prefix, code, text) \
  case code:                          \
    return prefix text;

static const char *hci_text(unsigned code) {
  switch (code) {
#define X(code, text) TEXT_CASE("HCI: ", code, text)
    HCI_ERRORS(X)
#undef X
  }
  return "HCI: unknown error";
}

static const char *att_text(unsigned code) {
  switch (code) {
#define X(code, text) TEXT_CASE("ATT: ", code, text)
    ATT_ERRORS(X)
#undef X
  }
  if (code >= 0x80 && code <= 0x9f)
    return "ATT: application error";
  return "ATT: unknown error";
}

static const char *smp_text(unsigned code) {
  switch (code) {
#define X(code, text) TEXT_CASE("SMP: ", code, text)
    SMP_ERRORS(X)
#undef X
  }
  return "SMP: unknown error";
}

static const char *l2cap_text(unsigned code) {
  switch (code) {
#define X(code, text) TEXT_CASE("L2CAP: ", code, text)
    L2CAP_ERRORS(X)
#undef X
  }
  return "L2CAP: unknown error";
}

const char *aioble_strerror(int err) {
  if (err >= 0)
    return "success";
  if (AIOBLE_ERR_IS_HCI(err))
    return hci_text(AIOBLE_ERR_CODE(err));
  if (AIOBLE_ERR_IS_ATT(err))
    return att_text(AIOBLE_ERR_CODE(err));
  if (AIOBLE_ERR_IS_SMP(err))
    return smp_text(AIOBLE_ERR_CODE(err));
  if (AIOBLE_ERR_IS_L2CAP(err))
    return l2cap_text(AIOBLE_ERR_CODE(err));
  switch (err) {
#define X(name, number, text) TEXT_CASE("", number, text)
    AIOBLE_ERROR_MAP(X)
#undef X
  }
  return "unknown error";
}

const char *aioble_err_name(int err) {
  if (err >= 0)
    return "success";
  if (AIOBLE_ERR_IS_HCI(err))
    return "AIOBLE_ERR_HCI";
  if (AIOBLE_ERR_IS_ATT(err))
    return "AIOBLE_ERR_ATT";
  if (AIOBLE_ERR_IS_SMP(err))
    return "AIOBLE_ERR_SMP";
  if (AIOBLE_ERR_IS_L2CAP(err))
    return "AIOBLE_ERR_L2CAP";
  switch (err) {
#define X(name, number, text) TEXT_CASE("AIOBLE_", number, #name)
    AIOBLE_ERROR_MAP(X)
#undef X
  }
  return "unknown error";
}
