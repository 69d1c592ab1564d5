/* SPDX-License-Identifier: MIT */
/*
 * HCI on the wire: opcodes, event codes and the fixed parameter lists, as one field list each
 * (Core Vol 4, Part E, 7). Shared by the host and the virtual radio. Return parameters (…_ret)
 * start behind the status octet; LE event records behind the subevent code.
 */
#ifndef AB_HCI_RECORDS_H
#define AB_HCI_RECORDS_H

#include "util/wire.h"

#define AB_HCI_OPCODE(ogf, ocf) ((uint16_t) ((ogf) << 10 | (ocf)))

enum {
  AB_HCI_DISCONNECT = AB_HCI_OPCODE(0x01, 0x0006),                 /* 7.1.6 */
  AB_HCI_READ_REMOTE_VERSION = AB_HCI_OPCODE(0x01, 0x001d),        /* 7.1.23 */
  AB_HCI_SET_EVENT_MASK = AB_HCI_OPCODE(0x03, 0x0001),             /* 7.3.1 */
  AB_HCI_RESET = AB_HCI_OPCODE(0x03, 0x0003),                      /* 7.3.2 */
  AB_HCI_READ_TX_POWER_LEVEL = AB_HCI_OPCODE(0x03, 0x002d),        /* 7.3.35 */
  AB_HCI_SET_CONTROLLER_TO_HOST_FC = AB_HCI_OPCODE(0x03, 0x0031),  /* 7.3.38 */
  AB_HCI_HOST_BUFFER_SIZE = AB_HCI_OPCODE(0x03, 0x0033),           /* 7.3.39 */
  AB_HCI_HOST_NUM_COMPLETED = AB_HCI_OPCODE(0x03, 0x0035),         /* 7.3.40 */
  AB_HCI_SET_EVENT_MASK_PAGE_2 = AB_HCI_OPCODE(0x03, 0x0063),      /* 7.3.69 */
  AB_HCI_WRITE_LE_HOST_SUPPORT = AB_HCI_OPCODE(0x03, 0x006d),      /* 7.3.79 */
  AB_HCI_READ_AUTH_PAYLOAD_TIMEOUT = AB_HCI_OPCODE(0x03, 0x007b),  /* 7.3.93 */
  AB_HCI_WRITE_AUTH_PAYLOAD_TIMEOUT = AB_HCI_OPCODE(0x03, 0x007c), /* 7.3.94 */
  AB_HCI_READ_LOCAL_VERSION = AB_HCI_OPCODE(0x04, 0x0001),         /* 7.4.1 */
  AB_HCI_READ_LOCAL_COMMANDS = AB_HCI_OPCODE(0x04, 0x0002),        /* 7.4.2 */
  AB_HCI_READ_LOCAL_FEATURES = AB_HCI_OPCODE(0x04, 0x0003),        /* 7.4.3 */
  AB_HCI_READ_BUFFER_SIZE = AB_HCI_OPCODE(0x04, 0x0005),           /* 7.4.5 */
  AB_HCI_READ_BD_ADDR = AB_HCI_OPCODE(0x04, 0x0009),               /* 7.4.6 */
  AB_HCI_READ_RSSI = AB_HCI_OPCODE(0x05, 0x0005),                  /* 7.5.4 */

  AB_HCI_LE_SET_EVENT_MASK = AB_HCI_OPCODE(0x08, 0x0001),             /* 7.8.1 */
  AB_HCI_LE_READ_BUFFER_SIZE = AB_HCI_OPCODE(0x08, 0x0002),           /* 7.8.2 */
  AB_HCI_LE_READ_LOCAL_FEATURES = AB_HCI_OPCODE(0x08, 0x0003),        /* 7.8.3 */
  AB_HCI_LE_SET_RANDOM_ADDR = AB_HCI_OPCODE(0x08, 0x0005),            /* 7.8.4 */
  AB_HCI_LE_SET_ADV_PARAMS = AB_HCI_OPCODE(0x08, 0x0006),             /* 7.8.5 */
  AB_HCI_LE_READ_ADV_TX_POWER = AB_HCI_OPCODE(0x08, 0x0007),          /* 7.8.6 */
  AB_HCI_LE_SET_ADV_DATA = AB_HCI_OPCODE(0x08, 0x0008),               /* 7.8.7 */
  AB_HCI_LE_SET_SCAN_RSP_DATA = AB_HCI_OPCODE(0x08, 0x0009),          /* 7.8.8 */
  AB_HCI_LE_SET_ADV_ENABLE = AB_HCI_OPCODE(0x08, 0x000a),             /* 7.8.9 */
  AB_HCI_LE_SET_SCAN_PARAMS = AB_HCI_OPCODE(0x08, 0x000b),            /* 7.8.10 */
  AB_HCI_LE_SET_SCAN_ENABLE = AB_HCI_OPCODE(0x08, 0x000c),            /* 7.8.11 */
  AB_HCI_LE_CREATE_CONN = AB_HCI_OPCODE(0x08, 0x000d),                /* 7.8.12 */
  AB_HCI_LE_CREATE_CONN_CANCEL = AB_HCI_OPCODE(0x08, 0x000e),         /* 7.8.13 */
  AB_HCI_LE_READ_ACCEPT_LIST_SIZE = AB_HCI_OPCODE(0x08, 0x000f),      /* 7.8.14 */
  AB_HCI_LE_CLEAR_ACCEPT_LIST = AB_HCI_OPCODE(0x08, 0x0010),          /* 7.8.15 */
  AB_HCI_LE_ADD_TO_ACCEPT_LIST = AB_HCI_OPCODE(0x08, 0x0011),         /* 7.8.16 */
  AB_HCI_LE_REMOVE_FROM_ACCEPT_LIST = AB_HCI_OPCODE(0x08, 0x0012),    /* 7.8.17 */
  AB_HCI_LE_CONN_UPDATE = AB_HCI_OPCODE(0x08, 0x0013),                /* 7.8.18 */
  AB_HCI_LE_SET_CHANNEL_CLASS = AB_HCI_OPCODE(0x08, 0x0014),          /* 7.8.19 */
  AB_HCI_LE_READ_CHANNEL_MAP = AB_HCI_OPCODE(0x08, 0x0015),           /* 7.8.20 */
  AB_HCI_LE_READ_REMOTE_FEATURES = AB_HCI_OPCODE(0x08, 0x0016),       /* 7.8.21 */
  AB_HCI_LE_ENCRYPT = AB_HCI_OPCODE(0x08, 0x0017),                    /* 7.8.22 */
  AB_HCI_LE_RAND = AB_HCI_OPCODE(0x08, 0x0018),                       /* 7.8.23 */
  AB_HCI_LE_ENABLE_ENCRYPTION = AB_HCI_OPCODE(0x08, 0x0019),          /* 7.8.24 */
  AB_HCI_LE_LTK_REPLY = AB_HCI_OPCODE(0x08, 0x001a),                  /* 7.8.25 */
  AB_HCI_LE_LTK_NEG_REPLY = AB_HCI_OPCODE(0x08, 0x001b),              /* 7.8.26 */
  AB_HCI_LE_READ_SUPPORTED_STATES = AB_HCI_OPCODE(0x08, 0x001c),      /* 7.8.27 */
  AB_HCI_LE_RECEIVER_TEST = AB_HCI_OPCODE(0x08, 0x001d),              /* 7.8.28 */
  AB_HCI_LE_TRANSMITTER_TEST = AB_HCI_OPCODE(0x08, 0x001e),           /* 7.8.29 */
  AB_HCI_LE_TEST_END = AB_HCI_OPCODE(0x08, 0x001f),                   /* 7.8.30 */
  AB_HCI_LE_CONN_PARAM_REPLY = AB_HCI_OPCODE(0x08, 0x0020),           /* 7.8.31 */
  AB_HCI_LE_CONN_PARAM_NEG_REPLY = AB_HCI_OPCODE(0x08, 0x0021),       /* 7.8.32 */
  AB_HCI_LE_SET_DATA_LENGTH = AB_HCI_OPCODE(0x08, 0x0022),            /* 7.8.33 */
  AB_HCI_LE_READ_DEFAULT_DATA_LENGTH = AB_HCI_OPCODE(0x08, 0x0023),   /* 7.8.34 */
  AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH = AB_HCI_OPCODE(0x08, 0x0024),  /* 7.8.35 */
  AB_HCI_LE_READ_LOCAL_P256 = AB_HCI_OPCODE(0x08, 0x0025),            /* 7.8.36 */
  AB_HCI_LE_GENERATE_DHKEY = AB_HCI_OPCODE(0x08, 0x0026),             /* 7.8.37 */
  AB_HCI_LE_ADD_TO_RESOLVING_LIST = AB_HCI_OPCODE(0x08, 0x0027),      /* 7.8.38 */
  AB_HCI_LE_REMOVE_FROM_RESOLVING_LIST = AB_HCI_OPCODE(0x08, 0x0028), /* 7.8.39 */
  AB_HCI_LE_CLEAR_RESOLVING_LIST = AB_HCI_OPCODE(0x08, 0x0029),       /* 7.8.40 */
  AB_HCI_LE_READ_RESOLVING_LIST_SIZE = AB_HCI_OPCODE(0x08, 0x002a),   /* 7.8.41 */
  AB_HCI_LE_READ_PEER_RPA = AB_HCI_OPCODE(0x08, 0x002b),              /* 7.8.42 */
  AB_HCI_LE_READ_LOCAL_RPA = AB_HCI_OPCODE(0x08, 0x002c),             /* 7.8.43 */
  AB_HCI_LE_SET_ADDR_RESOLUTION = AB_HCI_OPCODE(0x08, 0x002d),        /* 7.8.44 */
  AB_HCI_LE_SET_RPA_TIMEOUT = AB_HCI_OPCODE(0x08, 0x002e),            /* 7.8.45 */
  AB_HCI_LE_READ_MAX_DATA_LENGTH = AB_HCI_OPCODE(0x08, 0x002f),       /* 7.8.46 */
  AB_HCI_LE_READ_PHY = AB_HCI_OPCODE(0x08, 0x0030),                   /* 7.8.47 */
  AB_HCI_LE_SET_DEFAULT_PHY = AB_HCI_OPCODE(0x08, 0x0031),            /* 7.8.48 */
  AB_HCI_LE_SET_PHY = AB_HCI_OPCODE(0x08, 0x0032),                    /* 7.8.49 */
  AB_HCI_LE_READ_MAX_ADV_DATA_LEN = AB_HCI_OPCODE(0x08, 0x003a),      /* 7.8.57 */
  AB_HCI_LE_SET_PRIVACY_MODE = AB_HCI_OPCODE(0x08, 0x004e),           /* 7.8.77 */
  AB_HCI_LE_READ_BUFFER_SIZE_V2 = AB_HCI_OPCODE(0x08, 0x0060),        /* 7.8.2 */
  AB_HCI_LE_SET_HOST_FEATURE = AB_HCI_OPCODE(0x08, 0x0074),           /* 7.8.115 */
};

/* events, Core Vol 4, Part E, 7.7 */
enum {
  AB_HCI_EV_DISCONNECTION_COMPLETE = 0x05,
  AB_HCI_EV_ENCRYPTION_CHANGE = 0x08,
  AB_HCI_EV_READ_REMOTE_VERSION_COMPLETE = 0x0c,
  AB_HCI_EV_COMMAND_COMPLETE = 0x0e,
  AB_HCI_EV_COMMAND_STATUS = 0x0f,
  AB_HCI_EV_HARDWARE_ERROR = 0x10,
  AB_HCI_EV_NUM_COMPLETED_PACKETS = 0x13,
  AB_HCI_EV_DATA_BUFFER_OVERFLOW = 0x1a,
  AB_HCI_EV_ENCRYPTION_KEY_REFRESH = 0x30,
  AB_HCI_EV_LE_META = 0x3e,
  AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED = 0x57,
  AB_HCI_EV_VENDOR = 0xff,
};

/* LE Meta subevents, 7.7.65 */
enum {
  AB_HCI_LE_EV_CONN_COMPLETE = 0x01,
  AB_HCI_LE_EV_ADV_REPORT = 0x02,
  AB_HCI_LE_EV_CONN_UPDATE_COMPLETE = 0x03,
  AB_HCI_LE_EV_REMOTE_FEATURES_COMPLETE = 0x04,
  AB_HCI_LE_EV_LTK_REQUEST = 0x05,
  AB_HCI_LE_EV_CONN_PARAM_REQUEST = 0x06,
  AB_HCI_LE_EV_DATA_LENGTH_CHANGE = 0x07,
  AB_HCI_LE_EV_LOCAL_P256_COMPLETE = 0x08,
  AB_HCI_LE_EV_DHKEY_COMPLETE = 0x09,
  AB_HCI_LE_EV_ENHANCED_CONN_COMPLETE = 0x0a,
  AB_HCI_LE_EV_DIRECTED_ADV_REPORT = 0x0b,
  AB_HCI_LE_EV_PHY_UPDATE_COMPLETE = 0x0c,
  AB_HCI_LE_EV_CHANNEL_SELECTION = 0x14,
};

/* error codes, Core Vol 1, Part F */
enum {
  AB_HCI_OK = 0x00,
  AB_HCI_ERR_UNKNOWN_COMMAND = 0x01,
  AB_HCI_ERR_UNKNOWN_CONNECTION = 0x02,
  AB_HCI_ERR_HARDWARE_FAILURE = 0x03,
  AB_HCI_ERR_AUTH_FAILURE = 0x05,
  AB_HCI_ERR_PIN_OR_KEY_MISSING = 0x06,
  AB_HCI_ERR_MEMORY_EXCEEDED = 0x07,
  AB_HCI_ERR_CONNECTION_TIMEOUT = 0x08,
  AB_HCI_ERR_LIMIT_REACHED = 0x09,
  AB_HCI_ERR_CONNECTION_EXISTS = 0x0b,
  AB_HCI_ERR_COMMAND_DISALLOWED = 0x0c,
  AB_HCI_ERR_UNSUPPORTED_FEATURE = 0x11,
  AB_HCI_ERR_INVALID_PARAMS = 0x12,
  AB_HCI_ERR_REMOTE_USER = 0x13,
  AB_HCI_ERR_REMOTE_LOW_RESOURCES = 0x14,
  AB_HCI_ERR_REMOTE_POWER_OFF = 0x15,
  AB_HCI_ERR_LOCAL_HOST = 0x16,
  AB_HCI_ERR_UNSUPPORTED_REMOTE_FEATURE = 0x1a,
  AB_HCI_ERR_UNSPECIFIED = 0x1f,
  AB_HCI_ERR_LL_RESPONSE_TIMEOUT = 0x22,
  AB_HCI_ERR_INSTANT_PASSED = 0x28,
  AB_HCI_ERR_UNIT_KEY = 0x29,
  AB_HCI_ERR_UNACCEPTABLE_CONN_PARAMS = 0x3b,
  AB_HCI_ERR_ADV_TIMEOUT = 0x3c,
  AB_HCI_ERR_MIC_FAILURE = 0x3d,
  AB_HCI_ERR_FAILED_TO_ESTABLISH = 0x3e,
};

enum {
  AB_HCI_HANDLE_MAX = 0x0eff,
  AB_HCI_HANDLE_MASK = 0x0fff,
  /* packet boundary flags, 5.4.2 */
  AB_HCI_PB_FIRST_NO_FLUSH = 0, /* host to controller */
  AB_HCI_PB_CONTINUING = 1,
  AB_HCI_PB_FIRST = 2, /* controller to host (and automatically flushable) */
};

/* as lines of text, not a line for every field: */
/* clang-format off */

/* ---- BR/EDR-shared commands ---- */

#define AB_HCI_DISCONNECT_LIST(F) F(le16, handle) F(u8, reason)
AB_WIRE_RECORD(hci_disconnect, AB_HCI_DISCONNECT_LIST)

#define AB_HCI_HANDLE_LIST(F) F(le16, handle)
AB_WIRE_RECORD(hci_handle, AB_HCI_HANDLE_LIST)

#define AB_HCI_MASK64_LIST(F) F(le64, mask)
AB_WIRE_RECORD(hci_mask64, AB_HCI_MASK64_LIST)

#define AB_HCI_U8_LIST(F) F(u8, value)
AB_WIRE_RECORD(hci_u8, AB_HCI_U8_LIST)

#define AB_HCI_WRITE_LE_HOST_LIST(F) F(u8, supported) F(u8, unused)
AB_WIRE_RECORD(hci_write_le_host, AB_HCI_WRITE_LE_HOST_LIST)

#define AB_HCI_HOST_BUFFER_SIZE_LIST(F)                                                            \
  F(le16, acl_len) F(u8, sync_len) F(le16, acl_count) F(le16, sync_count)
AB_WIRE_RECORD(hci_host_buffer_size, AB_HCI_HOST_BUFFER_SIZE_LIST)

#define AB_HCI_LOCAL_VERSION_RET(F)                                                                \
  F(u8, hci_version) F(le16, hci_subversion) F(u8, lmp_version) F(le16, manufacturer)              \
  F(le16, lmp_subversion)
AB_WIRE_RECORD(hci_local_version_ret, AB_HCI_LOCAL_VERSION_RET)

#define AB_HCI_COMMANDS_RET(F) F(cmds64, commands)
AB_WIRE_RECORD(hci_commands_ret, AB_HCI_COMMANDS_RET)

#define AB_HCI_FEATURES_RET(F) F(le64, features)
AB_WIRE_RECORD(hci_features_ret, AB_HCI_FEATURES_RET)

#define AB_HCI_BUFFER_SIZE_RET(F)                                                                  \
  F(le16, acl_len) F(u8, sync_len) F(le16, acl_count) F(le16, sync_count)
AB_WIRE_RECORD(hci_buffer_size_ret, AB_HCI_BUFFER_SIZE_RET)

#define AB_HCI_ADDR_LIST(F) F(addr, addr)
AB_WIRE_RECORD(hci_addr, AB_HCI_ADDR_LIST)

#define AB_HCI_RSSI_RET(F) F(le16, handle) F(s8, rssi)
AB_WIRE_RECORD(hci_rssi_ret, AB_HCI_RSSI_RET)

#define AB_HCI_TX_POWER_LEVEL_LIST(F) F(le16, handle) F(u8, type)
AB_WIRE_RECORD(hci_tx_power_level, AB_HCI_TX_POWER_LEVEL_LIST)

#define AB_HCI_TX_POWER_LEVEL_RET(F) F(le16, handle) F(s8, level)
AB_WIRE_RECORD(hci_tx_power_level_ret, AB_HCI_TX_POWER_LEVEL_RET)

#define AB_HCI_AUTH_PAYLOAD_LIST(F) F(le16, handle) F(le16, timeout)
AB_WIRE_RECORD(hci_auth_payload, AB_HCI_AUTH_PAYLOAD_LIST)

/* ---- LE commands ---- */

#define AB_HCI_LE_BUFFER_SIZE_RET(F) F(le16, acl_len) F(u8, acl_count)
AB_WIRE_RECORD(hci_le_buffer_size_ret, AB_HCI_LE_BUFFER_SIZE_RET)

#define AB_HCI_LE_BUFFER_SIZE_V2_RET(F)                                                            \
  F(le16, acl_len) F(u8, acl_count) F(le16, iso_len) F(u8, iso_count)
AB_WIRE_RECORD(hci_le_buffer_size_v2_ret, AB_HCI_LE_BUFFER_SIZE_V2_RET)

#define AB_HCI_LE_ADV_PARAMS_LIST(F)                                                               \
  F(le16, interval_min) F(le16, interval_max) F(u8, type) F(u8, own_addr_type)                     \
  F(u8, peer_addr_type) F(addr, peer_addr) F(u8, channel_map) F(u8, filter_policy)
AB_WIRE_RECORD(hci_le_adv_params, AB_HCI_LE_ADV_PARAMS_LIST)

#define AB_HCI_LE_ADV_DATA_LIST(F) F(u8, len) F(ad31, data)
AB_WIRE_RECORD(hci_le_adv_data, AB_HCI_LE_ADV_DATA_LIST)

#define AB_HCI_LE_SCAN_PARAMS_LIST(F)                                                              \
  F(u8, type) F(le16, interval) F(le16, window) F(u8, own_addr_type) F(u8, filter_policy)
AB_WIRE_RECORD(hci_le_scan_params, AB_HCI_LE_SCAN_PARAMS_LIST)

#define AB_HCI_LE_SCAN_ENABLE_LIST(F) F(u8, enable) F(u8, filter_duplicates)
AB_WIRE_RECORD(hci_le_scan_enable, AB_HCI_LE_SCAN_ENABLE_LIST)

#define AB_HCI_LE_CREATE_CONN_LIST(F)                                                              \
  F(le16, scan_interval) F(le16, scan_window) F(u8, filter_policy) F(u8, peer_addr_type)           \
  F(addr, peer_addr) F(u8, own_addr_type) F(le16, interval_min) F(le16, interval_max)              \
  F(le16, latency) F(le16, supervision_timeout) F(le16, ce_min) F(le16, ce_max)
AB_WIRE_RECORD(hci_le_create_conn, AB_HCI_LE_CREATE_CONN_LIST)

/* accept list add and remove, 7.8.16 */
#define AB_HCI_LE_DEVICE_LIST(F) F(u8, addr_type) F(addr, addr)
AB_WIRE_RECORD(hci_le_device, AB_HCI_LE_DEVICE_LIST)

#define AB_HCI_LE_CONN_UPDATE_LIST(F)                                                              \
  F(le16, handle) F(le16, interval_min) F(le16, interval_max) F(le16, latency)                     \
  F(le16, supervision_timeout) F(le16, ce_min) F(le16, ce_max)
AB_WIRE_RECORD(hci_le_conn_update, AB_HCI_LE_CONN_UPDATE_LIST)

#define AB_HCI_LE_CHMAP_LIST(F) F(chmap5, map)
AB_WIRE_RECORD(hci_le_chmap, AB_HCI_LE_CHMAP_LIST)

#define AB_HCI_LE_CHMAP_RET(F) F(le16, handle) F(chmap5, map)
AB_WIRE_RECORD(hci_le_chmap_ret, AB_HCI_LE_CHMAP_RET)

#define AB_HCI_LE_ENCRYPT_LIST(F) F(key16, key) F(key16, plaintext)
AB_WIRE_RECORD(hci_le_encrypt, AB_HCI_LE_ENCRYPT_LIST)

#define AB_HCI_KEY_LIST(F) F(key16, key)
AB_WIRE_RECORD(hci_key, AB_HCI_KEY_LIST)

#define AB_HCI_LE_ENABLE_ENC_LIST(F) F(le16, handle) F(le64, rand) F(le16, ediv) F(key16, ltk)
AB_WIRE_RECORD(hci_le_enable_enc, AB_HCI_LE_ENABLE_ENC_LIST)

#define AB_HCI_LE_LTK_REPLY_LIST(F) F(le16, handle) F(key16, ltk)
AB_WIRE_RECORD(hci_le_ltk_reply, AB_HCI_LE_LTK_REPLY_LIST)

#define AB_HCI_LE_CONN_PARAM_REPLY_LIST(F)                                                         \
  F(le16, handle) F(le16, interval_min) F(le16, interval_max) F(le16, latency)                     \
  F(le16, supervision_timeout) F(le16, ce_min) F(le16, ce_max)
AB_WIRE_RECORD(hci_le_conn_param_reply, AB_HCI_LE_CONN_PARAM_REPLY_LIST)

#define AB_HCI_LE_CONN_PARAM_NEG_LIST(F) F(le16, handle) F(u8, reason)
AB_WIRE_RECORD(hci_le_conn_param_neg, AB_HCI_LE_CONN_PARAM_NEG_LIST)

#define AB_HCI_LE_DATA_LENGTH_LIST(F) F(le16, handle) F(le16, tx_octets) F(le16, tx_time)
AB_WIRE_RECORD(hci_le_data_length, AB_HCI_LE_DATA_LENGTH_LIST)

#define AB_HCI_LE_DEFAULT_DATA_LENGTH_LIST(F) F(le16, tx_octets) F(le16, tx_time)
AB_WIRE_RECORD(hci_le_default_data_length, AB_HCI_LE_DEFAULT_DATA_LENGTH_LIST)

#define AB_HCI_LE_MAX_DATA_LENGTH_RET(F)                                                           \
  F(le16, tx_octets) F(le16, tx_time) F(le16, rx_octets) F(le16, rx_time)
AB_WIRE_RECORD(hci_le_max_data_length_ret, AB_HCI_LE_MAX_DATA_LENGTH_RET)

#define AB_HCI_LE_RESOLVING_ADD_LIST(F)                                                            \
  F(u8, addr_type) F(addr, addr) F(key16, peer_irk) F(key16, local_irk)
AB_WIRE_RECORD(hci_le_resolving_add, AB_HCI_LE_RESOLVING_ADD_LIST)

#define AB_HCI_LE_PRIVACY_MODE_LIST(F) F(u8, addr_type) F(addr, addr) F(u8, mode)
AB_WIRE_RECORD(hci_le_privacy_mode, AB_HCI_LE_PRIVACY_MODE_LIST)

#define AB_HCI_LE_RPA_TIMEOUT_LIST(F) F(le16, timeout)
AB_WIRE_RECORD(hci_le_rpa_timeout, AB_HCI_LE_RPA_TIMEOUT_LIST)

#define AB_HCI_LE_PHY_RET(F) F(le16, handle) F(u8, tx) F(u8, rx)
AB_WIRE_RECORD(hci_le_phy_ret, AB_HCI_LE_PHY_RET)

#define AB_HCI_LE_DEFAULT_PHY_LIST(F) F(u8, all) F(u8, tx) F(u8, rx)
AB_WIRE_RECORD(hci_le_default_phy, AB_HCI_LE_DEFAULT_PHY_LIST)

#define AB_HCI_LE_SET_PHY_LIST(F) F(le16, handle) F(u8, all) F(u8, tx) F(u8, rx) F(le16, options)
AB_WIRE_RECORD(hci_le_set_phy, AB_HCI_LE_SET_PHY_LIST)

#define AB_HCI_LE_HOST_FEATURE_LIST(F) F(u8, bit) F(u8, value)
AB_WIRE_RECORD(hci_le_host_feature, AB_HCI_LE_HOST_FEATURE_LIST)

/* ---- events ---- */

#define AB_HCI_EV_COMMAND_COMPLETE_LIST(F) F(u8, credits) F(le16, opcode)
AB_WIRE_RECORD(hci_ev_command_complete, AB_HCI_EV_COMMAND_COMPLETE_LIST)

#define AB_HCI_EV_COMMAND_STATUS_LIST(F) F(u8, status) F(u8, credits) F(le16, opcode)
AB_WIRE_RECORD(hci_ev_command_status, AB_HCI_EV_COMMAND_STATUS_LIST)

#define AB_HCI_EV_DISCONNECTION_LIST(F) F(u8, status) F(le16, handle) F(u8, reason)
AB_WIRE_RECORD(hci_ev_disconnection, AB_HCI_EV_DISCONNECTION_LIST)

#define AB_HCI_EV_ENCRYPTION_LIST(F) F(u8, status) F(le16, handle) F(u8, enabled)
AB_WIRE_RECORD(hci_ev_encryption, AB_HCI_EV_ENCRYPTION_LIST)

#define AB_HCI_EV_KEY_REFRESH_LIST(F) F(u8, status) F(le16, handle)
AB_WIRE_RECORD(hci_ev_key_refresh, AB_HCI_EV_KEY_REFRESH_LIST)

#define AB_HCI_EV_REMOTE_VERSION_LIST(F)                                                           \
  F(u8, status) F(le16, handle) F(u8, version) F(le16, manufacturer) F(le16, subversion)
AB_WIRE_RECORD(hci_ev_remote_version, AB_HCI_EV_REMOTE_VERSION_LIST)

/* Number Of Completed Packets, 7.7.19: a count octet, then this so many times */
#define AB_HCI_COMPLETED_LIST(F) F(le16, handle) F(le16, count)
AB_WIRE_RECORD(hci_completed, AB_HCI_COMPLETED_LIST)

#define AB_HCI_LE_EV_CONN_COMPLETE_LIST(F)                                                         \
  F(u8, status) F(le16, handle) F(u8, role) F(u8, peer_addr_type) F(addr, peer_addr)               \
  F(le16, interval) F(le16, latency) F(le16, supervision_timeout) F(u8, clock_accuracy)
AB_WIRE_RECORD(hci_le_ev_conn_complete, AB_HCI_LE_EV_CONN_COMPLETE_LIST)

#define AB_HCI_LE_EV_ENH_CONN_COMPLETE_LIST(F)                                                     \
  F(u8, status) F(le16, handle) F(u8, role) F(u8, peer_addr_type) F(addr, peer_addr)               \
  F(addr, local_rpa) F(addr, peer_rpa) F(le16, interval) F(le16, latency)                          \
  F(le16, supervision_timeout) F(u8, clock_accuracy)
AB_WIRE_RECORD(hci_le_ev_enh_conn_complete, AB_HCI_LE_EV_ENH_CONN_COMPLETE_LIST)

/* LE Advertising Report, 7.7.65.2: a count octet, then reports, each this, `len` octets of data
   and an RSSI octet (the reports one after the other, as all controllers send them) */
#define AB_HCI_LE_ADV_REPORT_LIST(F) F(u8, type) F(u8, addr_type) F(addr, addr) F(u8, len)
AB_WIRE_RECORD(hci_le_adv_report, AB_HCI_LE_ADV_REPORT_LIST)

#define AB_HCI_LE_EV_CONN_UPDATE_LIST(F)                                                           \
  F(u8, status) F(le16, handle) F(le16, interval) F(le16, latency) F(le16, supervision_timeout)
AB_WIRE_RECORD(hci_le_ev_conn_update, AB_HCI_LE_EV_CONN_UPDATE_LIST)

#define AB_HCI_LE_EV_REMOTE_FEATURES_LIST(F) F(u8, status) F(le16, handle) F(le64, features)
AB_WIRE_RECORD(hci_le_ev_remote_features, AB_HCI_LE_EV_REMOTE_FEATURES_LIST)

#define AB_HCI_LE_EV_LTK_REQUEST_LIST(F) F(le16, handle) F(le64, rand) F(le16, ediv)
AB_WIRE_RECORD(hci_le_ev_ltk_request, AB_HCI_LE_EV_LTK_REQUEST_LIST)

#define AB_HCI_LE_EV_CONN_PARAM_REQUEST_LIST(F)                                                    \
  F(le16, handle) F(le16, interval_min) F(le16, interval_max) F(le16, latency)                     \
  F(le16, supervision_timeout)
AB_WIRE_RECORD(hci_le_ev_conn_param_request, AB_HCI_LE_EV_CONN_PARAM_REQUEST_LIST)

#define AB_HCI_LE_EV_DATA_LENGTH_LIST(F)                                                           \
  F(le16, handle) F(le16, max_tx_octets) F(le16, max_tx_time) F(le16, max_rx_octets)               \
  F(le16, max_rx_time)
AB_WIRE_RECORD(hci_le_ev_data_length, AB_HCI_LE_EV_DATA_LENGTH_LIST)

#define AB_HCI_LE_EV_PHY_LIST(F) F(u8, status) F(le16, handle) F(u8, tx) F(u8, rx)
AB_WIRE_RECORD(hci_le_ev_phy, AB_HCI_LE_EV_PHY_LIST)

/* clang-format on */

/* values of hci_le_adv_params.type, 7.8.5 */
enum {
  AB_HCI_ADV_IND = 0,
  AB_HCI_ADV_DIRECT_HIGH = 1,
  AB_HCI_ADV_SCAN_IND = 2,
  AB_HCI_ADV_NONCONN_IND = 3,
  AB_HCI_ADV_DIRECT_LOW = 4,
};
/* values of hci_le_adv_report.type, 7.7.65.2 */
enum {
  AB_HCI_REPORT_ADV_IND = 0,
  AB_HCI_REPORT_DIRECT_IND = 1,
  AB_HCI_REPORT_SCAN_IND = 2,
  AB_HCI_REPORT_NONCONN_IND = 3,
  AB_HCI_REPORT_SCAN_RSP = 4,
};
/* values of hci_le_ev_conn_complete.role */
enum { AB_HCI_ROLE_CENTRAL = 0, AB_HCI_ROLE_PERIPHERAL = 1 };

#endif
