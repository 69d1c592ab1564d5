/* SPDX-License-Identifier: MIT */
/*
 * HCI commands (Core Vol 4, Part E, 7): the dispatcher, and the commands that concern the
 * controller as a whole. Each file ends with the table of its commands; a row says how long the
 * parameters are, which bit promises the command, which feature it needs and how it is answered, so
 * that the supported-commands bits and the answers cannot disagree.
 *
 * 1. unknown, or its feature is off: Command Status, Unknown HCI Command
 * 2. wrong length: Invalid HCI Command Parameters
 * 3. the handler, whose status goes into Command Complete or Command Status
 * 4. what the handler left for afterwards (`after`)
 */
#include "virtual/vr_priv.h"

static const vr_command_table *const tables[] = {
    &vr_basic_commands,  &vr_link_commands,    &vr_ll_commands,   &vr_update_commands,
    &vr_enc_commands,    &vr_adv_commands,     &vr_scan_commands, &vr_connect_commands,
    &vr_accept_commands, &vr_resolve_commands, &vr_acl_commands,
};
enum { TABLES = sizeof tables / sizeof *tables };

/* ---- the dispatcher ---- */

const vr_command *vr_command_at(size_t i) {
  for (size_t t = 0; t < TABLES; i -= tables[t++]->count)
    if (i < tables[t]->count)
      return &tables[t]->commands[i];
  return NULL;
}

static const vr_command *find(uint16_t opcode) {
  for (size_t t = 0; t < TABLES; t++)
    for (size_t i = 0; i < tables[t]->count; i++)
      if (tables[t]->commands[i].opcode == opcode)
        return &tables[t]->commands[i];
  return NULL;
}

bool vr_command_supported(const vr_ctrl *c, const vr_command *command) {
  if (command->needs == VR_BUFFER_V2)
    return c->options.le_buffer_v2;
  return command->needs == VR_ALWAYS || vr_has(c, command->needs);
}

static uint8_t credits(const vr_ctrl *c) {
  unsigned all = c->options.command_count;

  return (uint8_t) (c->commands_queued < all ? all - c->commands_queued : 0);
}

static void answer_status(vr_ctrl *c, uint16_t opcode, uint8_t status) {
  VR_EVENT(c, NULL, AB_HCI_EV_COMMAND_STATUS, hci_ev_command_status, .status = status,
           .credits = credits(c), .opcode = opcode);
}

static void answer_complete(vr_ctrl *c, uint16_t opcode, uint8_t status, const ab_wr *ret) {
  uint8_t params[255];
  ab_wr w = ab_wr_of(params, sizeof params);

  ab_hci_ev_command_complete_write(
      &w, &(ab_hci_ev_command_complete){.credits = credits(c), .opcode = opcode});
  ab_wr_u8(&w, status);
  ab_wr_bytes(&w, ret->start, ab_wr_len(ret));
  vr_event(c, NULL, AB_HCI_EV_COMMAND_COMPLETE, &w);
}

/* return parameters of a failure: zeroes, but the handle it was about */
static void return_failure(const vr_command *command, ab_rd params, ab_wr *ret) {
  *ret = ab_wr_of(ret->start, command->returns);
  if (command->flags & VR_ECHO_HANDLE)
    ab_wr_le16(ret, ab_rd_le16(&params));
  while (ab_wr_room(ret))
    ab_wr_u8(ret, 0);
}

static void run(vr_ctrl *c, const vr_command *command, ab_rd params) {
  uint8_t mem[255], status = AB_HCI_ERR_INVALID_PARAMS;
  ab_wr ret = ab_wr_of(mem, command->returns);
  ab_rd r = params;

  if (command->length == VR_VARIABLE || ab_rd_left(&params) == command->length)
    status = command->fn(c, &r, &ret);
  if (status)
    return_failure(command, params, &ret);
  if (command->answer == VR_STATUS)
    answer_status(c, command->opcode, status);
  else if (command->answer == VR_COMPLETE || status)
    answer_complete(c, command->opcode, status, &ret);
  if (c->after)
    c->after(c);
  c->after = NULL;
}

void vr_command_run(vr_ctrl *c, ab_rd *packet) {
  uint16_t opcode = ab_rd_le16(packet);
  uint8_t len = ab_rd_u8(packet);
  ab_rd params = ab_rd_slice(packet, len);
  const vr_command *command = find(opcode);

  c->stats.commands++;
  if (!ab_rd_done(packet)) {
    c->stats.malformed++;
    answer_status(c, opcode, AB_HCI_ERR_INVALID_PARAMS);
  } else if (!command || !vr_command_supported(c, command)) {
    c->stats.commands_unknown++;
    answer_status(c, opcode, AB_HCI_ERR_UNKNOWN_COMMAND);
  } else {
    run(c, command, params);
  }
}

/* ---- masks, reset, what the controller is ---- */

static uint8_t set_event_mask(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  c->masks.event = ab_rd_le64(params);
  return AB_HCI_OK;
}

static uint8_t set_event_mask_2(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  c->masks.event2 = ab_rd_le64(params);
  return AB_HCI_OK;
}

static uint8_t le_set_event_mask(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  c->masks.le = ab_rd_le64(params);
  return AB_HCI_OK;
}

static uint8_t reset(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params, (void) ret;
  vr_ctrl_reset(c);
  return AB_HCI_OK;
}

static uint8_t write_le_host(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_write_le_host p;

  (void) c, (void) ret;
  ab_hci_write_le_host_read(params, &p);
  return p.supported <= 1 ? AB_HCI_OK : AB_HCI_ERR_INVALID_PARAMS;
}

static uint8_t read_local_version(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) c, (void) params;
  ab_hci_local_version_ret_write(ret, &(ab_hci_local_version_ret){
                                          .hci_version = VR_HCI_VERSION,
                                          .lmp_version = VR_HCI_VERSION,
                                          .manufacturer = VR_COMPANY,
                                      });
  return AB_HCI_OK;
}

static uint8_t read_local_commands(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_commands_ret r = {{{0}}};
  const vr_command *command;

  (void) params;
  for (size_t i = 0; (command = vr_command_at(i)); i++)
    if (command->octet != VR_NO_BIT && vr_command_supported(c, command))
      r.commands.b[command->octet] |= (uint8_t) (1u << command->bit);
  ab_hci_commands_ret_write(ret, &r);
  return AB_HCI_OK;
}

/* LMP features, Core Vol 2, Part C, 3.3 */
static uint8_t read_local_features(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  enum { BREDR_NOT_SUPPORTED = 37, LE_SUPPORTED = 38 };

  (void) c, (void) params;
  ab_wr_le64(ret, (uint64_t) 1 << BREDR_NOT_SUPPORTED | (uint64_t) 1 << LE_SUPPORTED);
  return AB_HCI_OK;
}

static uint8_t read_buffer_size(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_hci_buffer_size_ret_write(ret, &(ab_hci_buffer_size_ret){
                                        .acl_len = c->options.acl_len,
                                        .acl_count = c->options.acl_count,
                                    });
  return AB_HCI_OK;
}

static uint8_t read_bd_addr(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_addr(ret, c->public_addr);
  return AB_HCI_OK;
}

static uint8_t le_read_buffer_size(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_le16(ret, c->options.shared_buffers ? 0 : c->options.acl_len);
  ab_wr_u8(ret, c->options.shared_buffers ? 0 : c->options.acl_count);
  return AB_HCI_OK;
}

static uint8_t le_read_buffer_size_v2(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  le_read_buffer_size(c, params, ret);
  ab_wr_le16(ret, 0); /* no isochronous channels */
  ab_wr_u8(ret, 0);
  return AB_HCI_OK;
}

static uint8_t le_read_features(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_le64(ret, c->le_features);
  return AB_HCI_OK;
}

static uint8_t le_read_states(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_le64(ret, c->le_states);
  return AB_HCI_OK;
}

static uint8_t le_set_random_addr(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  if (c->adv.air.on || c->scan.on || c->init.on)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->random_addr = (vr_addr){AIOBLE_ADDR_RANDOM, ab_rd_addr(params)};
  c->has_random_addr = true;
  return AB_HCI_OK;
}

/* the features a host switches on belong to isochronous channels and the like: none is here */
static uint8_t le_set_host_feature(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_host_feature p;

  (void) c, (void) ret;
  ab_hci_le_host_feature_read(params, &p);
  return p.value > 1 ? AB_HCI_ERR_INVALID_PARAMS : AB_HCI_ERR_UNSUPPORTED_FEATURE;
}

/* ---- keys ---- */

static uint8_t le_encrypt(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  ab_hci_le_encrypt p;
  ab_key16 out;
  vr_aes *aes;
  bool ok;

  ab_hci_le_encrypt_read(params, &p);
  aes = vr_aes_new(c->radio, &p.key);
  ok = aes && vr_aes_block(aes, &p.plaintext, &out);
  vr_aes_free(c->radio, aes);
  if (!ok)
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  ab_wr_key16(ret, out);
  return AB_HCI_OK;
}

static uint8_t le_rand(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  ab_wr_le64(ret, vr_random(c->radio));
  return AB_HCI_OK;
}

enum { KEY_US = 5000, KEY_OCTETS = 64, DHKEY_OCTETS = 32 };

static void on_key(ab_timer *timer) {
  vr_ctrl *c = ab_container_of(timer, vr_ctrl, keys.timer);
  uint8_t params[1 + KEY_OCTETS];
  ab_wr w = ab_wr_of(params, sizeof params);

  ab_wr_u8(&w, c->keys.status);
  ab_wr_bytes(&w, c->keys.result,
              c->keys.event == AB_HCI_LE_EV_LOCAL_P256_COMPLETE ? KEY_OCTETS : DHKEY_OCTETS);
  vr_le_event(c, NULL, c->keys.event, &w);
  c->keys.event = 0;
}

static void key_later(vr_ctrl *c, uint8_t event, uint8_t status) {
  c->keys.event = event;
  c->keys.status = status;
  vr_timer_in(c->radio, &c->keys.timer, KEY_US, on_key);
}

static uint8_t le_read_p256(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_p256_point point;

  (void) params, (void) ret;
  if (c->keys.event)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  vr_random_bytes(c->radio, c->keys.private_key, sizeof c->keys.private_key);
  c->keys.have = vr_p256_public(c->keys.private_key, &point);
  if (!c->keys.have)
    return AB_HCI_ERR_MEMORY_EXCEEDED;
  memcpy(c->keys.result, point.b, sizeof point.b);
  key_later(c, AB_HCI_LE_EV_LOCAL_P256_COMPLETE, AB_HCI_OK);
  return AB_HCI_OK;
}

/* 7.7.65.9: a key that is not on the curve gives all ones */
static uint8_t le_generate_dhkey(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  vr_p256_point peer;
  bool ok;

  (void) ret;
  if (c->keys.event || !c->keys.have)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  ab_rd_copy(params, peer.b, sizeof peer.b);
  ok = vr_p256_shared(c->keys.private_key, &peer, c->keys.result);
  if (!ok)
    memset(c->keys.result, 0xff, DHKEY_OCTETS);
  key_later(c, AB_HCI_LE_EV_DHKEY_COMPLETE, ok ? AB_HCI_OK : AB_HCI_ERR_INVALID_PARAMS);
  return AB_HCI_OK;
}

/* ---- direct test mode: there is no tester on this air, so nothing is ever received ---- */

static uint8_t test_start(vr_ctrl *c, bool valid) {
  if (!valid)
    return AB_HCI_ERR_INVALID_PARAMS;
  if (c->testing || c->adv.air.on || c->scan.on || c->init.on || c->links)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->testing = true;
  return AB_HCI_OK;
}

enum { TEST_CHANNELS = 40, TEST_PAYLOADS = 8 };

static uint8_t le_receiver_test(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) ret;
  return test_start(c, ab_rd_u8(params) < TEST_CHANNELS);
}

static uint8_t le_transmitter_test(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  bool valid = ab_rd_u8(params) < TEST_CHANNELS;

  (void) ret;
  ab_rd_u8(params); /* any length */
  return test_start(c, ab_rd_u8(params) < TEST_PAYLOADS && valid);
}

static uint8_t le_test_end(vr_ctrl *c, ab_rd *params, ab_wr *ret) {
  (void) params;
  if (!c->testing)
    return AB_HCI_ERR_COMMAND_DISALLOWED;
  c->testing = false;
  ab_wr_le16(ret, 0);
  return AB_HCI_OK;
}

static const vr_command commands[] = {
    {AB_HCI_SET_EVENT_MASK, 8, 5, 6, VR_COMPLETE, VR_ALWAYS, 0, 0, set_event_mask},
    {AB_HCI_RESET, 0, 5, 7, VR_COMPLETE, VR_ALWAYS, 0, 0, reset},
    {AB_HCI_SET_EVENT_MASK_PAGE_2, 8, 22, 2, VR_COMPLETE, VR_ALWAYS, 0, 0, set_event_mask_2},
    {AB_HCI_WRITE_LE_HOST_SUPPORT, 2, 24, 6, VR_COMPLETE, VR_ALWAYS, 0, 0, write_le_host},
    {AB_HCI_READ_LOCAL_VERSION, 0, 14, 3, VR_COMPLETE, VR_ALWAYS, 8, 0, read_local_version},
    {AB_HCI_READ_LOCAL_COMMANDS, 0, VR_NO_BIT, 0, VR_COMPLETE, VR_ALWAYS, 64, 0,
     read_local_commands},
    {AB_HCI_READ_LOCAL_FEATURES, 0, 14, 5, VR_COMPLETE, VR_ALWAYS, 8, 0, read_local_features},
    {AB_HCI_READ_BUFFER_SIZE, 0, 14, 7, VR_COMPLETE, VR_ALWAYS, 7, 0, read_buffer_size},
    {AB_HCI_READ_BD_ADDR, 0, 15, 1, VR_COMPLETE, VR_ALWAYS, 6, 0, read_bd_addr},
    {AB_HCI_LE_SET_EVENT_MASK, 8, 25, 0, VR_COMPLETE, VR_ALWAYS, 0, 0, le_set_event_mask},
    {AB_HCI_LE_READ_BUFFER_SIZE, 0, 25, 1, VR_COMPLETE, VR_ALWAYS, 3, 0, le_read_buffer_size},
    {AB_HCI_LE_READ_BUFFER_SIZE_V2, 0, 41, 5, VR_COMPLETE, VR_BUFFER_V2, 6, 0,
     le_read_buffer_size_v2},
    {AB_HCI_LE_READ_LOCAL_FEATURES, 0, 25, 2, VR_COMPLETE, VR_ALWAYS, 8, 0, le_read_features},
    {AB_HCI_LE_SET_RANDOM_ADDR, 6, 25, 4, VR_COMPLETE, VR_ALWAYS, 0, 0, le_set_random_addr},
    {AB_HCI_LE_READ_SUPPORTED_STATES, 0, 28, 3, VR_COMPLETE, VR_ALWAYS, 8, 0, le_read_states},
    {AB_HCI_LE_SET_HOST_FEATURE, 2, 44, 1, VR_COMPLETE, VR_ALWAYS, 0, 0, le_set_host_feature},
    {AB_HCI_LE_ENCRYPT, 32, 27, 6, VR_COMPLETE, VR_ALWAYS, 16, 0, le_encrypt},
    {AB_HCI_LE_RAND, 0, 27, 7, VR_COMPLETE, VR_ALWAYS, 8, 0, le_rand},
    {AB_HCI_LE_READ_LOCAL_P256, 0, 34, 1, VR_STATUS, VR_ALWAYS, 0, 0, le_read_p256},
    {AB_HCI_LE_GENERATE_DHKEY, 64, 34, 2, VR_STATUS, VR_ALWAYS, 0, 0, le_generate_dhkey},
    {AB_HCI_LE_RECEIVER_TEST, 1, 28, 4, VR_COMPLETE, VR_ALWAYS, 0, 0, le_receiver_test},
    {AB_HCI_LE_TRANSMITTER_TEST, 3, 28, 5, VR_COMPLETE, VR_ALWAYS, 0, 0, le_transmitter_test},
    {AB_HCI_LE_TEST_END, 0, 28, 6, VR_COMPLETE, VR_ALWAYS, 2, 0, le_test_end},
};
const vr_command_table vr_basic_commands = {commands, sizeof commands / sizeof *commands};
