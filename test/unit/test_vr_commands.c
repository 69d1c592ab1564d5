/* SPDX-License-Identifier: MIT */
#include "virtual/vr_priv.h"

#include "helpers/vr_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct bed {
  aioble_virtual_radio_t *radio;
  vr_host host;
} bed;

static void bed_new(bed *b, const aioble_virtual_controller_options_t *options) {
  b->radio = aioble_virtual_radio_new(NULL);
  assert_non_null(b->radio);
  vr_host_open(&b->host, b->radio, options);
}

static void bed_free(bed *b) {
  vr_host_close(&b->host);
  aioble_virtual_radio_free(b->radio, NULL, NULL);
}

static ab_cmds64 supported(vr_host *h) {
  assert_int_equal(vr_host_do(h, AB_HCI_READ_LOCAL_COMMANDS, NULL, 0), 0);
  return ab_rd_cmds64(&h->ret);
}

static bool promised(const ab_cmds64 *commands, const vr_command *command) {
  return commands->b[command->octet] >> command->bit & 1;
}

static void each_command_has_its_own_opcode_and_bit(void **state) {
  const vr_command *a, *b;

  (void) state;
  for (size_t i = 0; (a = vr_command_at(i)); i++) {
    for (size_t j = i + 1; (b = vr_command_at(j)); j++) {
      assert_int_not_equal(a->opcode, b->opcode);
      assert_true(a->octet == VR_NO_BIT || a->octet != b->octet || a->bit != b->bit);
    }
  }
}

/* every command, on a controller with or without every feature */
static void walk(const aioble_virtual_controller_options_t *options, bool all) {
  const vr_command *command;
  uint8_t zeroes[255] = {0}, status;
  ab_cmds64 commands;
  bed b;

  bed_new(&b, options);
  commands = supported(&b.host);
  for (size_t i = 0; (command = vr_command_at(i)); i++) {
    bool is = vr_command_supported(vr_ctrl_of(b.host.t), command);

    assert_true(is || (!all && command->needs != VR_ALWAYS));
    if (command->octet != VR_NO_BIT)
      assert_int_equal(promised(&commands, command), is);
    if (!is) {
      status = vr_host_do(&b.host, command->opcode, zeroes, command->length);
      assert_int_equal(status, AB_HCI_ERR_UNKNOWN_COMMAND);
      continue;
    }
    /* one octet too many, and one too few */
    status = vr_host_do(&b.host, command->opcode, zeroes,
                        command->length == VR_VARIABLE ? 2 : command->length + 1u);
    assert_int_equal(status, AB_HCI_ERR_INVALID_PARAMS);
    if (command->length && command->length != VR_VARIABLE) {
      status = vr_host_do(&b.host, command->opcode, zeroes, command->length - 1u);
      assert_int_equal(status, AB_HCI_ERR_INVALID_PARAMS);
    }
    if (command->answer == VR_COMPLETE)
      assert_int_equal(ab_rd_left(&b.host.ret), command->returns);
  }
  vr_expect_idle(b.radio);
  bed_free(&b);
}

static void every_command_is_promised_and_checks_its_length(void **state) {
  (void) state;
  walk(&(aioble_virtual_controller_options_t){.le_buffer_v2 = true}, true);
}

static void commands_without_their_feature_are_unknown_and_not_promised(void **state) {
  (void) state;
  walk(&(aioble_virtual_controller_options_t){.le_features_off = UINT64_MAX}, false);
}

/* zeroes are wrong for most commands; whatever comes of it, there is one answer of its length */
static void every_command_answers_zeroes_once(void **state) {
  const vr_command *command;
  uint8_t zeroes[255] = {0}, status;
  bed b;

  (void) state;
  bed_new(&b, &(aioble_virtual_controller_options_t){.le_buffer_v2 = true});
  for (size_t i = 0; (command = vr_command_at(i)); i++) {
    if (command->answer == VR_SILENT)
      continue;
    status = vr_host_do(&b.host, command->opcode, zeroes, command->length);
    if (command->answer == VR_COMPLETE)
      assert_int_equal(ab_rd_left(&b.host.ret), command->returns);
    if (command->flags & VR_ECHO_HANDLE)
      assert_int_equal(status, AB_HCI_ERR_UNKNOWN_CONNECTION);
    assert_false(vr_host_answer(&b.host, command->opcode, &status));
  }
  bed_free(&b);
}

static void every_command_survives_noise(void **state) {
  const vr_command *command;
  uint8_t params[255];
  bed b;

  (void) state;
  for (int round = 0; round < 20; round++) {
    bed_new(&b, &(aioble_virtual_controller_options_t){.le_buffer_v2 = true});
    for (size_t i = 0; (command = vr_command_at(i)); i++) {
      vr_random_bytes(b.radio, params, sizeof params);
      if (command->answer == VR_SILENT || command->length == VR_VARIABLE)
        continue;
      /* small numbers are in range more often */
      for (size_t j = 0; j < command->length; j++)
        params[j] = round & 1 ? params[j] & 3 : params[j];
      vr_host_do(&b.host, command->opcode, params, command->length);
    }
    vr_run_ms(b.radio, 100);
    bed_free(&b);
  }
}

static void commands_nobody_knows_are_unknown(void **state) {
  static const uint16_t opcodes[] = {0, 0x0401, 0x0c14, 0x2039, 0x20ff, 0xfc01, 0xffff};
  bed b;

  (void) state;
  bed_new(&b, NULL);
  for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
    assert_int_equal(vr_host_do(&b.host, opcodes[i], "xyz", 3), AB_HCI_ERR_UNKNOWN_COMMAND);
    assert_int_equal(aioble_virtual_stats(b.host.t)->commands_unknown, i + 1);
  }
  bed_free(&b);
}

static void a_command_that_is_not_what_it_says_is_refused(void **state) {
  static const uint8_t packets[][6] = {
      {AIOBLE_H4_COMMAND, 0x03, 0x0c, 1},
      {AIOBLE_H4_COMMAND, 0x03, 0x0c, 0, 7},
      {AIOBLE_H4_COMMAND, 0x03, 0x0c},
      {AIOBLE_H4_COMMAND},
  };
  static const size_t lengths[] = {4, 5, 3, 1};
  bed b;

  (void) state;
  bed_new(&b, NULL);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    assert_int_equal(b.host.t->ops->send(b.host.t, packets[i], lengths[i]), 0);
    vr_expect_idle(b.radio);
    assert_true(vr_host_take(&b.host, AB_HCI_EV_COMMAND_STATUS, NULL));
    assert_int_equal(aioble_virtual_stats(b.host.t)->malformed, i + 1);
  }
  bed_free(&b);
}

static void credits_are_what_the_options_say(void **state) {
  ab_hci_ev_command_complete ev;
  ab_rd r;
  bed b;

  (void) state;
  bed_new(&b, &(aioble_virtual_controller_options_t){.command_count = 3});
  for (int i = 0; i < 3; i++)
    vr_host_post(&b.host, AB_HCI_LE_RAND, NULL, 0);
  vr_expect_idle(b.radio);
  for (unsigned i = 1; i <= 3; i++) {
    assert_true(vr_host_take(&b.host, AB_HCI_EV_COMMAND_COMPLETE, &r));
    ab_hci_ev_command_complete_read(&r, &ev);
    assert_int_equal(ev.credits, i);
  }
  assert_int_equal(aioble_virtual_stats(b.host.t)->command_violations, 0);
  for (int i = 0; i < 4; i++)
    vr_host_post(&b.host, AB_HCI_LE_RAND, NULL, 0);
  assert_int_equal(aioble_virtual_stats(b.host.t)->command_violations, 1);
  vr_expect_idle(b.radio);
  assert_int_equal(vr_host_count(&b.host, AB_HCI_EV_COMMAND_COMPLETE), 4);
  bed_free(&b);
}

static void a_flood_of_commands_is_bounded(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  for (int i = 0; i < 1000; i++)
    vr_host_post(&b.host, AB_HCI_LE_RAND, NULL, 0);
  vr_expect_idle(b.radio);
  assert_int_equal(vr_host_count(&b.host, AB_HCI_EV_COMMAND_COMPLETE), VR_COMMANDS_QUEUED);
  bed_free(&b);
}

static uint64_t read64(vr_host *h, uint16_t opcode) {
  assert_int_equal(vr_host_do(h, opcode, NULL, 0), 0);
  return ab_rd_le64(&h->ret);
}

static void features_and_states_tell_the_truth(void **state) {
  bed b;

  (void) state;
  bed_new(&b, &(aioble_virtual_controller_options_t){.le_features_off = 1u << VR_FEAT_2M,
                                                     .le_states_off = 4});
  /* BR/EDR Not Supported and LE Supported (Controller), nothing else */
  assert_int_equal(read64(&b.host, AB_HCI_READ_LOCAL_FEATURES), (uint64_t) 0x60 << 32);
  assert_int_equal(read64(&b.host, AB_HCI_LE_READ_LOCAL_FEATURES), 0x7f);
  assert_int_equal(read64(&b.host, AB_HCI_LE_READ_SUPPORTED_STATES), 0x3fffffffffb);
  bed_free(&b);
}

static void buffer_sizes_follow_the_options(void **state) {
  ab_hci_le_buffer_size_ret le;
  ab_hci_buffer_size_ret shared;
  bed b;

  (void) state;
  for (int is_shared = 0; is_shared < 2; is_shared++) {
    bed_new(&b, &(aioble_virtual_controller_options_t){
                    .acl_len = 100, .acl_count = 5, .shared_buffers = is_shared});
    assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_READ_BUFFER_SIZE, NULL, 0), 0);
    assert_true(ab_hci_le_buffer_size_ret_read(&b.host.ret, &le));
    assert_int_equal(le.acl_len, is_shared ? 0 : 100);
    assert_int_equal(le.acl_count, is_shared ? 0 : 5);
    assert_int_equal(vr_host_do(&b.host, AB_HCI_READ_BUFFER_SIZE, NULL, 0), 0);
    assert_true(ab_hci_buffer_size_ret_read(&b.host.ret, &shared));
    assert_int_equal(shared.acl_len, 100);
    assert_int_equal(shared.acl_count, 5);
    bed_free(&b);
  }
}

static void an_acl_buffer_holds_a_packet_of_the_air_at_least(void **state) {
  ab_hci_le_buffer_size_ret le;
  bed b;

  (void) state;
  bed_new(&b, &(aioble_virtual_controller_options_t){.acl_len = 5});
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_READ_BUFFER_SIZE, NULL, 0), 0);
  assert_true(ab_hci_le_buffer_size_ret_read(&b.host.ret, &le));
  assert_int_equal(le.acl_len, 27);
  assert_int_equal(le.acl_count, 8);
  bed_free(&b);
}

static void addresses_are_counted_given_or_none(void **state) {
  const aioble_virtual_controller_options_t given = {.public_addr = {1, 2, 3, 4, 5, 6}};
  const aioble_virtual_controller_options_t none = {.no_public_addr = true};
  aioble_virtual_radio_t *radio = aioble_virtual_radio_new(NULL);
  vr_host h[4];
  ab_addr6 a[4];

  (void) state;
  vr_host_open(&h[0], radio, NULL);
  vr_host_open(&h[1], radio, NULL);
  vr_host_open(&h[2], radio, &given);
  vr_host_open(&h[3], radio, &none);
  for (int i = 0; i < 4; i++)
    a[i] = vr_host_addr(&h[i]);
  assert_memory_not_equal(&a[0], &a[1], sizeof a[0]);
  assert_memory_equal(&a[2], given.public_addr, sizeof a[2]);
  assert_memory_equal(&a[3], none.public_addr, sizeof a[3]);
  for (int i = 0; i < 4; i++)
    vr_host_close(&h[i]);
  aioble_virtual_radio_free(radio, NULL, NULL);
}

/* FIPS 197, C.1, and Core Vol 4, Part E, 7.8.22: least significant octet first */
static void encrypt_is_aes(void **state) {
  static const uint8_t expected[16] = {0x5a, 0xc5, 0xb4, 0x70, 0x80, 0xb7, 0xcd, 0xd8,
                                       0x30, 0x04, 0x7b, 0x6a, 0xd8, 0xe0, 0xc4, 0x69};
  ab_hci_le_encrypt p;
  ab_key16 out;
  bed b;

  (void) state;
  for (uint8_t i = 0; i < 16; i++) {
    p.key.b[i] = (uint8_t) (15 - i);
    p.plaintext.b[i] = (uint8_t) ((15 - i) * 0x11);
  }
  bed_new(&b, NULL);
  assert_int_equal(vr_host_do_hci_le_encrypt(&b.host, AB_HCI_LE_ENCRYPT, &p), 0);
  out = ab_rd_key16(&b.host.ret);
  assert_memory_equal(&out, expected, sizeof expected);
  bed_free(&b);
}

static void random_numbers_follow_the_seed(void **state) {
  uint64_t first[3];
  vr_host h;

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    aioble_virtual_radio_t *radio =
        aioble_virtual_radio_new(&(aioble_virtual_options_t){.seed = i / 2});

    vr_host_open(&h, radio, NULL);
    first[i] = read64(&h, AB_HCI_LE_RAND);
    assert_int_not_equal(read64(&h, AB_HCI_LE_RAND), first[i]);
    vr_host_close(&h);
    aioble_virtual_radio_free(radio, NULL, NULL);
  }
  assert_int_equal(first[0], first[1]);
  assert_int_not_equal(first[0], first[2]);
}

static void key_of(vr_host *h, uint8_t key[64]) {
  ab_rd r;

  assert_int_equal(vr_host_do(h, AB_HCI_LE_READ_LOCAL_P256, NULL, 0), 0);
  assert_int_equal(vr_host_do(h, AB_HCI_LE_READ_LOCAL_P256, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_LOCAL_P256_COMPLETE), &r));
  assert_int_equal(ab_rd_u8(&r), 0);
  ab_rd_copy(&r, key, 64);
  assert_true(ab_rd_done(&r));
}

static uint8_t dhkey_of(vr_host *h, const uint8_t key[64], uint8_t shared[32]) {
  uint8_t status;
  ab_rd r;

  assert_int_equal(vr_host_do(h, AB_HCI_LE_GENERATE_DHKEY, key, 64), 0);
  assert_true(vr_host_wait(h, VR_LE(AB_HCI_LE_EV_DHKEY_COMPLETE), &r));
  status = ab_rd_u8(&r);
  ab_rd_copy(&r, shared, 32);
  assert_true(ab_rd_done(&r));
  return status;
}

static void two_controllers_agree_on_a_key_and_refuse_a_bad_one(void **state) {
  uint8_t key[2][64], shared[2][32], ones[32];
  vr_host other;
  bed b;

  (void) state;
  memset(ones, 0xff, sizeof ones);
  bed_new(&b, NULL);
  vr_host_open(&other, b.radio, NULL);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_GENERATE_DHKEY, key[0], 64),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  key_of(&b.host, key[0]);
  key_of(&other, key[1]);
  assert_int_equal(dhkey_of(&b.host, key[1], shared[0]), 0);
  assert_int_equal(dhkey_of(&other, key[0], shared[1]), 0);
  assert_memory_equal(shared[0], shared[1], 32);
  key[0][0] ^= 1; /* no longer on the curve */
  assert_int_equal(dhkey_of(&other, key[0], shared[1]), AB_HCI_ERR_INVALID_PARAMS);
  assert_memory_equal(shared[1], ones, 32);
  vr_host_close(&other);
  bed_free(&b);
}

static void a_reset_forgets_everything(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_RANDOM_ADDR, hci_addr, {{0xc0, 1, 2, 3, 4, 5}}), 0);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_ADD_TO_ACCEPT_LIST, hci_le_device, 0, {{1}}), 0);
  vr_host_advertise(&b.host, AB_HCI_ADV_IND);
  vr_host_scan(&b.host, 0, true);
  assert_int_equal(vr_host_create(&b.host, (ab_addr6){{1}}), 0);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_RESET, NULL, 0), 0);
  vr_expect_idle(b.radio);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_CREATE_CONN_CANCEL, NULL, 0),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  /* own random address: there is none any more */
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_ADV_PARAMS, hci_le_adv_params, .interval_min = 0x20,
                         .interval_max = 0x20, .own_addr_type = 1, .channel_map = 7),
                   0);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_ADV_ENABLE, hci_u8, 1), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(vr_host_count(&b.host, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE)), 0);
  bed_free(&b);
}

static void the_random_address_is_fixed_while_in_use(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  vr_host_scan(&b.host, 0, false);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_RANDOM_ADDR, hci_addr, {{0xc0}}),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_SCAN_ENABLE, hci_le_scan_enable, 0, 0), 0);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_SET_RANDOM_ADDR, hci_addr, {{0xc0}}), 0);
  bed_free(&b);
}

static void test_mode_excludes_everything_else(void **state) {
  bed b;

  (void) state;
  bed_new(&b, NULL);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_TEST_END, NULL, 0), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_RECEIVER_TEST, hci_u8, 40), AB_HCI_ERR_INVALID_PARAMS);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_RECEIVER_TEST, hci_u8, 39), 0);
  assert_int_equal(VR_DO(&b.host, AB_HCI_LE_RECEIVER_TEST, hci_u8, 39),
                   AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_create(&b.host, (ab_addr6){{1}}), AB_HCI_ERR_COMMAND_DISALLOWED);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_TEST_END, NULL, 0), 0);
  assert_int_equal(ab_rd_le16(&b.host.ret), 0);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_TRANSMITTER_TEST, "\0\x25\0", 3), 0);
  assert_int_equal(vr_host_do(&b.host, AB_HCI_LE_TEST_END, NULL, 0), 0);
  bed_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_command_has_its_own_opcode_and_bit),
      cmocka_unit_test(every_command_is_promised_and_checks_its_length),
      cmocka_unit_test(commands_without_their_feature_are_unknown_and_not_promised),
      cmocka_unit_test(every_command_answers_zeroes_once),
      cmocka_unit_test(every_command_survives_noise),
      cmocka_unit_test(commands_nobody_knows_are_unknown),
      cmocka_unit_test(a_command_that_is_not_what_it_says_is_refused),
      cmocka_unit_test(credits_are_what_the_options_say),
      cmocka_unit_test(a_flood_of_commands_is_bounded),
      cmocka_unit_test(features_and_states_tell_the_truth),
      cmocka_unit_test(buffer_sizes_follow_the_options),
      cmocka_unit_test(an_acl_buffer_holds_a_packet_of_the_air_at_least),
      cmocka_unit_test(addresses_are_counted_given_or_none),
      cmocka_unit_test(encrypt_is_aes),
      cmocka_unit_test(random_numbers_follow_the_seed),
      cmocka_unit_test(two_controllers_agree_on_a_key_and_refuse_a_bad_one),
      cmocka_unit_test(a_reset_forgets_everything),
      cmocka_unit_test(the_random_address_is_fixed_while_in_use),
      cmocka_unit_test(test_mode_excludes_everything_else),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
