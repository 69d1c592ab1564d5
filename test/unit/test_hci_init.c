/* SPDX-License-Identifier: MIT */
/* Reset to ready: which commands are sent to which controller, and what its answers come to. */
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STATIC_ADDR         \
  {                         \
    { 0xc0, 1, 2, 3, 4, 5 } \
  }

static const ab_hci_config config = {.static_addr = STATIC_ADDR};
static const char zeros[] = "00 00 00 00 00 00 00 00";

/* Read Local Supported Commands, with these bits (octet * 8 + bit) set */
static void supports(fake_controller *c, const unsigned *bits, size_t n) {
  uint8_t commands[64] = {0};
  char text[200] = "00";

  for (size_t i = 0; i < n; i++)
    commands[bits[i] / 8] |= (uint8_t) (1u << bits[i] % 8);
  for (size_t i = 0; i < sizeof commands; i++)
    (void) snprintf(text + 2 + 2 * i, 3, "%02x", commands[i]);
  fake_controller_reply(c, AB_HCI_READ_LOCAL_COMMANDS, text);
}

static void starts(fake_controller *c) {
  fake_controller_start(c, &config);
  assert_int_equal(c->starts, 1);
  assert_string_equal(c->why, "");
  assert_int_equal(c->start_status, 0);
  assert_int_equal(c->failures, 0);
}

static void fails(fake_controller *c, int status, const char *command) {
  fake_controller_start(c, &config);
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, status);
  assert_ptr_equal(strstr(c->why, command), c->why);
  assert_int_equal(c->failures, 0); /* the start's end tells it */
}

static void a_simple_le_controller_gets_the_mandatory_commands(void **state) {
  fake_controller *c = fake_controller_new();
  const ab_hci_info *info = ab_hci_info_of(c->hci);
  const ab_addr6 addr = {{1, 2, 3, 4, 5, 6}}, none = {{0}};

  (void) state;
  starts(c);
  fake_controller_got(c, "01 03 0c 00");
  fake_controller_got(c, "01 01 10 00");
  fake_controller_got(c, "01 02 10 00");
  fake_controller_got(c, "01 03 10 00");
  fake_controller_got(c, "01 09 10 00");
  fake_controller_got(c, "01 01 0c 08 90 88 00 02 00 80 00 20");
  fake_controller_got(c, "01 03 20 00");
  fake_controller_got(c, "01 02 20 00");
  fake_controller_got(c, "01 1c 20 00");
  fake_controller_got(c, "01 01 20 08 1f 00 00 00 00 00 00 00");
  fake_controller_got_nothing(c);
  assert_int_equal(info->hci_version, 0x0c);
  assert_int_equal(info->manufacturer, 0x05f1);
  assert_int_equal(info->acl_len, 27);
  assert_int_equal(info->acl_count, 8);
  assert_false(info->shared_buffers);
  assert_memory_equal(&info->public_addr, &addr, sizeof addr);
  assert_memory_equal(&info->random_addr, &none, sizeof none);
  assert_true(info->le_states == 0x3ffffffffff);
  assert_false(ab_hci_supports(c->hci, 0, 0));
  fake_controller_free(c);
}

/* an empty list, and refusing all that is not needed */
static void a_controller_that_can_do_nothing_else_is_good_enough(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  c->replies = 0;
  supports(c, NULL, 0);
  fake_controller_reply(c, AB_HCI_RESET, "00");
  fake_controller_reply(c, AB_HCI_SET_EVENT_MASK, "00");
  fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE, "00 1b 00 01");
  fake_controller_reply(c, AB_HCI_LE_SET_EVENT_MASK, "00");
  fake_controller_reply(c, AB_HCI_LE_SET_RANDOM_ADDR, "00");
  starts(c);
  assert_true(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, NULL));
  assert_true(ab_hci_info_of(c->hci)->le_states == 0);
  fake_controller_free(c);
}

static void short_answers_to_optional_steps_are_as_good_as_none(void **state) {
  static const uint16_t optional[] = {
      AB_HCI_READ_LOCAL_VERSION, AB_HCI_READ_LOCAL_COMMANDS,    AB_HCI_READ_LOCAL_FEATURES,
      AB_HCI_READ_BD_ADDR,       AB_HCI_LE_READ_LOCAL_FEATURES, AB_HCI_LE_READ_SUPPORTED_STATES};
  fake_controller *c = fake_controller_new();

  (void) state;
  for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
    fake_controller_reply(c, optional[i], "00 ff");
  starts(c);
  assert_int_equal(ab_hci_info_of(c->hci)->manufacturer, 0);
  assert_true(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, NULL));
  fake_controller_free(c);
}

/* ---- what ends it ---- */

static void a_failing_required_step_ends_it_and_names_the_command(void **state) {
  static const struct {
    uint16_t opcode;
    const char *name;
  } required[] = {
      {AB_HCI_RESET, "Reset"},
      {AB_HCI_SET_EVENT_MASK, "Set Event Mask"},
      {AB_HCI_LE_SET_EVENT_MASK, "LE Set Event Mask"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
    fake_controller *c = fake_controller_new();
    ab_hci_cmd cmd = {0};

    fake_controller_reply(c, required[i].opcode, "1f");
    fails(c, AIOBLE_ERR_HCI(0x1f), required[i].name);
    assert_int_equal(ab_hci_cmd_send(c->hci, &cmd, AB_HCI_LE_RAND, NULL, 0, NULL), AIOBLE_ENODEV);
    fake_controller_free(c);
  }
}

static void silence_ends_it_at_any_step(void **state) {
  static const struct {
    uint16_t opcode;
    uint64_t patience_us;
    const char *why;
  } cases[] = {
      {AB_HCI_RESET, 4000000, "Reset: the controller does not answer"},
      {AB_HCI_READ_BD_ADDR, 2000000, "Read BD_ADDR: the controller does not answer"},
      {AB_HCI_LE_SET_EVENT_MASK, 2000000, "LE Set Event Mask: the controller does not answer"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_controller *c = fake_controller_new();

    fake_controller_reply(c, cases[i].opcode, "");
    fake_controller_start(c, &config);
    fake_env_advance(c->env, cases[i].patience_us - 1);
    assert_int_equal(c->starts, 0);
    fake_env_advance(c->env, 1);
    assert_int_equal(c->starts, 1);
    assert_int_equal(c->start_status, AIOBLE_ETIMEDOUT);
    assert_string_equal(c->why, cases[i].why);
    assert_int_equal(c->failures, 0);
    fake_env_advance(c->env, 60000000);
    assert_int_equal(c->starts, 1);
    fake_controller_free(c);
  }
}

static void a_hardware_error_ends_it(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  fake_controller_reply(c, AB_HCI_READ_BD_ADDR, "");
  fake_controller_start(c, &config);
  fake_controller_gives(c, "04 10 01 07");
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, AIOBLE_EIO);
  assert_int_equal(c->failures, 0);
  fake_controller_free(c);
}

static void stop_ends_it_once(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  fake_controller_reply(c, AB_HCI_READ_BD_ADDR, "");
  fake_controller_start(c, &config);
  assert_int_equal(c->starts, 0);
  ab_hci_stop(c->hci, AIOBLE_ECANCELED);
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, AIOBLE_ECANCELED);
  fake_env_advance(c->env, 60000000);
  assert_int_equal(c->starts, 1);
  fake_controller_free(c);
}

static void no_memory_at_any_step_ends_it(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  ab_bufs_free(&c->bufs);
  fake_env_fail_at(c->env, 1);
  fails(c, AIOBLE_ENOMEM, "Reset");
  fake_controller_got_nothing(c);
  fake_controller_free(c);
}

/* commands of others have to wait until the controller is ready */
static void nobody_else_sends_meanwhile(void **state) {
  fake_controller *c = fake_controller_new();
  ab_hci_cmd cmd = {0};
  ab_hci_link link;

  (void) state;
  fake_controller_reply(c, AB_HCI_READ_BD_ADDR, "");
  fake_controller_start(c, &config);
  assert_int_equal(ab_hci_cmd_send(c->hci, &cmd, AB_HCI_LE_RAND, NULL, 0, NULL), AIOBLE_ENODEV);
  assert_int_equal(ab_hci_link_open(c->hci, &link, 1, NULL), AIOBLE_ENODEV);
  fake_controller_free(c);
}

/* ---- buffers ---- */

static void buffers_shared_with_br_edr_are_found(void **state) {
  static const char *const le[] = {"00 00 00 00", "00 1b 00 00", "00 00 00 05", "01", "00 1b"};

  (void) state;
  for (size_t i = 0; i < sizeof le / sizeof le[0]; i++) {
    fake_controller *c = fake_controller_new();

    fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE, le[i]);
    fake_controller_reply(c, AB_HCI_READ_BUFFER_SIZE, "00 fd 03 40 0a 00 08 00");
    starts(c);
    assert_true(ab_hci_info_of(c->hci)->shared_buffers);
    assert_int_equal(ab_hci_info_of(c->hci)->acl_len, 0x3fd);
    assert_int_equal(ab_hci_info_of(c->hci)->acl_count, 10);
    fake_controller_free(c);
  }
}

static void a_controller_without_buffers_is_refused(void **state) {
  static const char *const all[] = {"00 00 00 40 0a 00 08 00", "00 fd 03 40 00 00 08 00", "00 fd"};

  (void) state;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    fake_controller *c = fake_controller_new();

    fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE, "00 00 00 00");
    fake_controller_reply(c, AB_HCI_READ_BUFFER_SIZE, all[i]);
    fails(c, AIOBLE_EPROTO, "Read Buffer Size");
    fake_controller_free(c);
  }
}

static void version_2_of_the_buffer_sizes_is_asked_first(void **state) {
  const unsigned v2 = 41 * 8 + 5;
  fake_controller *c = fake_controller_new();

  (void) state;
  supports(c, &v2, 1);
  fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE_V2, "00 fb 00 04 00 00 00");
  starts(c);
  assert_int_equal(ab_hci_info_of(c->hci)->acl_len, 251);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_READ_BUFFER_SIZE, NULL));
  fake_controller_free(c);

  c = fake_controller_new(); /* it is listed, but a lie */
  supports(c, &v2, 1);
  starts(c);
  assert_true(fake_controller_was_sent(c, AB_HCI_LE_READ_BUFFER_SIZE_V2, NULL));
  assert_int_equal(ab_hci_info_of(c->hci)->acl_len, 27);
  fake_controller_free(c);

  c = fake_controller_new(); /* none for LE: no need to ask version 1 */
  supports(c, &v2, 1);
  fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE_V2, "00 00 00 00 00 00 00");
  fake_controller_reply(c, AB_HCI_READ_BUFFER_SIZE, "00 fd 03 40 0a 00 08 00");
  starts(c);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_READ_BUFFER_SIZE, NULL));
  assert_true(ab_hci_info_of(c->hci)->shared_buffers);
  fake_controller_free(c);
}

/* ---- addresses ---- */

static void a_controller_without_public_address_gets_the_static_one(void **state) {
  static const char *const none[] = {"00 00 00 00 00 00 00", "00 ff ff ff ff ff ff", "01"};
  const ab_addr6 addr = STATIC_ADDR, zero = {{0}};

  (void) state;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    fake_controller *c = fake_controller_new();
    size_t len;
    ab_rd params;

    fake_controller_reply(c, AB_HCI_READ_BD_ADDR, none[i]);
    starts(c);
    assert_true(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, &params));
    len = ab_rd_left(&params);
    assert_hex(ab_rd_take(&params, len), len, "05 04 03 02 01 c0");
    assert_memory_equal(&ab_hci_info_of(c->hci)->random_addr, &addr, sizeof addr);
    assert_memory_equal(&ab_hci_info_of(c->hci)->public_addr, &zero, sizeof zero);
    fake_controller_free(c);
  }
}

static void a_random_address_is_used_when_asked_for(void **state) {
  fake_controller *c = fake_controller_new();
  const ab_addr6 addr = STATIC_ADDR;

  (void) state;
  fake_controller_start(c, &(ab_hci_config){.static_addr = STATIC_ADDR, .use_random = true});
  assert_int_equal(c->start_status, 0);
  assert_true(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, NULL));
  assert_memory_equal(&ab_hci_info_of(c->hci)->random_addr, &addr, sizeof addr);
  fake_controller_free(c);
}

static int on_identified(void *ctx, const ab_addr6 *public_addr, ab_addr6 *static_addr) {
  fake_controller *c = ctx;

  assert_int_equal(c->starts, 0);
  if (public_addr->b[0] == 0xee)
    return AIOBLE_ENOMEM;
  static_addr->b[5] = public_addr->b[0];
  return 0;
}

static void who_it_is_is_told_before_an_address_is_set(void **state) {
  static const struct {
    const char *reply;
    uint8_t last; /* octet of the address that is set, in on_identified() */
  } cases[] = {{"00 06 05 04 03 02 77", 0x77}, {"01", 0}, {"00 00 00 00 00 00 00", 0}};
  const ab_hci_config told = {STATIC_ADDR, .use_random = true, .identified = on_identified};
  ab_addr6 addr = STATIC_ADDR;
  fake_controller *c;

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    c = fake_controller_new();
    fake_controller_reply(c, AB_HCI_READ_BD_ADDR, cases[i].reply);
    fake_controller_start(c, &told);
    assert_int_equal(c->start_status, 0);
    addr.b[5] = cases[i].last;
    assert_memory_equal(&ab_hci_info_of(c->hci)->random_addr, &addr, sizeof addr);
    fake_controller_free(c);
  }
  c = fake_controller_new();
  fake_controller_reply(c, AB_HCI_READ_BD_ADDR, "00 06 05 04 03 02 ee");
  fake_controller_start(c, &told);
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, AIOBLE_ENOMEM);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, NULL));
  fake_controller_free(c);
}

static void an_address_that_is_needed_and_missing_is_an_error(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  fake_controller_start(c, &(ab_hci_config){.use_random = true});
  assert_int_equal(c->starts, 1);
  assert_int_equal(c->start_status, AIOBLE_EINVAL);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_SET_RANDOM_ADDR, NULL));
  fake_controller_free(c);
}

/* ---- what features bring ---- */

static uint64_t mask_sent(fake_controller *c, uint16_t opcode) {
  ab_rd params;

  assert_true(fake_controller_was_sent(c, opcode, &params));
  return ab_rd_le64(&params);
}

static void no_event(void *ctx, ab_rd *params) {
  (void) ctx;
  (void) params;
}

static void features_enable_their_events(void **state) {
  fake_controller *c = fake_controller_new();

  (void) state;
  fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, "00 62 01 00 00 00 00 00 00");
  starts(c);
  /* 1 to 5, parameter request, data length, enhanced connection complete, PHY */
  assert_true(mask_sent(c, AB_HCI_LE_SET_EVENT_MASK) == 0xa7f);
  fake_controller_free(c);
}

static void a_handler_enables_its_event(void **state) {
  const unsigned page_2 = 22 * 8 + 2;
  fake_controller *c = fake_controller_new();

  (void) state;
  ab_hci_on_event(c->hci, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED, no_event, NULL);
  ab_hci_on_le_event(c->hci, AB_HCI_LE_EV_LOCAL_P256_COMPLETE, no_event, NULL);
  ab_hci_on_le_event(c->hci, AB_HCI_LE_EV_CHANNEL_SELECTION, no_event, NULL);
  supports(c, &page_2, 1);
  starts(c); /* and page 2 being refused in the end does no harm */
  assert_true(mask_sent(c, AB_HCI_SET_EVENT_MASK_PAGE_2) == UINT64_C(1) << 23);
  assert_true(mask_sent(c, AB_HCI_LE_SET_EVENT_MASK) == 0x9f); /* but not without the feature */
  fake_controller_free(c);
}

static void page_2_is_not_sent_when_not_needed_or_not_supported(void **state) {
  const unsigned page_2 = 22 * 8 + 2;
  fake_controller *c = fake_controller_new();

  (void) state;
  supports(c, &page_2, 1);
  starts(c);
  assert_false(fake_controller_was_sent(c, AB_HCI_SET_EVENT_MASK_PAGE_2, NULL));
  fake_controller_free(c);
  c = fake_controller_new();
  supports(c, NULL, 0);
  ab_hci_on_event(c->hci, AB_HCI_EV_AUTH_PAYLOAD_TIMEOUT_EXPIRED, no_event, NULL);
  starts(c);
  assert_false(fake_controller_was_sent(c, AB_HCI_SET_EVENT_MASK_PAGE_2, NULL));
  fake_controller_free(c);
}

static void a_br_edr_controller_is_told_of_the_le_host(void **state) {
  const unsigned le_host = 24 * 8 + 6;
  fake_controller *c = fake_controller_new();

  (void) state;
  supports(c, &le_host, 1);
  starts(c);
  assert_false(fake_controller_was_sent(c, AB_HCI_WRITE_LE_HOST_SUPPORT, NULL));
  fake_controller_free(c);
  c = fake_controller_new();
  supports(c, &le_host, 1);
  fake_controller_reply(c, AB_HCI_READ_LOCAL_FEATURES, "00 ff ff 8f fe db ff 5b 87");
  starts(c); /* refused: no harm */
  assert_true(fake_controller_was_sent(c, AB_HCI_WRITE_LE_HOST_SUPPORT, NULL));
  fake_controller_free(c);
}

/* with the feature, and device privacy mode beside it: else a peer would vanish that does not hide
 */
static void the_resolving_list_is_asked_for_its_size(void **state) {
  enum { SIZE = 34 * 8 + 6, MODE = 39 * 8 + 2 };
  const unsigned both[] = {SIZE, MODE};

  (void) state;
  for (unsigned i = 0; i < 4; i++) {
    fake_controller *c = fake_controller_new();

    supports(c, both, i == 1 ? 1 : 2);
    fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES,
                          i == 2 ? "00 00 00 00 00 00 00 00 00" : "00 40 00 00 00 00 00 00 00");
    fake_controller_reply(c, AB_HCI_LE_READ_RESOLVING_LIST_SIZE, i == 3 ? "00" : "00 0c");
    starts(c);
    assert_int_equal(ab_hci_info_of(c->hci)->resolvable, i == 0 ? 12 : 0);
    assert_int_equal(fake_controller_was_sent(c, AB_HCI_LE_READ_RESOLVING_LIST_SIZE, NULL),
                     i == 0 || i == 3);
    fake_controller_free(c);
  }
}

static void data_length_is_raised_to_what_the_controller_can(void **state) {
  const unsigned both[] = {35 * 8 + 3, 34 * 8 + 0};
  static const struct {
    const char *max, *written;
  } cases[] = {
      {"00 fb 00 90 42 fb 00 90 42", "fb 00 90 42"},
      {"00 48 00 48 04 fb 00 90 42", "48 00 48 04"},
      {"00 ff ff ff ff ff ff ff ff", "fb 00 90 42"},
      {"00 01 00 01 00 01 00 01 00", "1b 00 48 01"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fake_controller *c = fake_controller_new();
    ab_rd params;

    supports(c, both, 2);
    fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, "00 20 00 00 00 00 00 00 00");
    fake_controller_reply(c, AB_HCI_LE_READ_MAX_DATA_LENGTH, cases[i].max);
    starts(c);
    assert_true(fake_controller_was_sent(c, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, &params));
    assert_hex(ab_rd_take(&params, 4), 4, cases[i].written);
    fake_controller_free(c);
  }
}

static void data_length_is_left_alone_without_the_feature_or_the_maximum(void **state) {
  const unsigned both[] = {35 * 8 + 3, 34 * 8 + 0};
  fake_controller *c = fake_controller_new();
  char features[40];

  (void) state;
  (void) snprintf(features, sizeof features, "00 %s", zeros);
  supports(c, both, 2);
  fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, features);
  starts(c);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_READ_MAX_DATA_LENGTH, NULL));
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, NULL));
  fake_controller_free(c);
  c = fake_controller_new();
  supports(c, both, 2);
  fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, "00 20 00 00 00 00 00 00 00");
  starts(c);
  assert_true(fake_controller_was_sent(c, AB_HCI_LE_READ_MAX_DATA_LENGTH, NULL));
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, NULL));
  fake_controller_free(c);
}

static void supported_commands_are_asked_for_within_bounds(void **state) {
  const unsigned last = 63 * 8 + 7;
  fake_controller *c = fake_controller_new();

  (void) state;
  supports(c, &last, 1);
  starts(c);
  assert_true(ab_hci_supports(c->hci, 63, 7));
  assert_false(ab_hci_supports(c->hci, 63, 6));
  assert_false(ab_hci_supports(c->hci, 64, 7));
  assert_false(ab_hci_supports(c->hci, 63, 8));
  fake_controller_free(c);
}

/* what one controller said is not remembered of the next */
static void a_second_start_begins_from_nothing(void **state) {
  const unsigned both[] = {35 * 8 + 3, 34 * 8 + 0};
  fake_controller *c = fake_controller_new();

  (void) state;
  supports(c, both, 2);
  fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, "00 20 00 00 00 00 00 00 00");
  fake_controller_reply(c, AB_HCI_LE_READ_MAX_DATA_LENGTH, "00 fb 00 90 42 fb 00 90 42");
  starts(c);
  ab_hci_stop(c->hci, AIOBLE_ECANCELED);
  fake_controller_forget(c);
  c->starts = 0;
  fake_controller_reply(c, AB_HCI_LE_READ_LOCAL_FEATURES, "01");
  fake_controller_reply(c, AB_HCI_READ_BD_ADDR, "01");
  starts(c);
  assert_true(ab_hci_info_of(c->hci)->le_features == 0);
  assert_int_equal(ab_hci_info_of(c->hci)->public_addr.b[0], 0);
  assert_false(fake_controller_was_sent(c, AB_HCI_LE_WRITE_DEFAULT_DATA_LENGTH, NULL));
  fake_controller_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_simple_le_controller_gets_the_mandatory_commands),
      cmocka_unit_test(a_controller_that_can_do_nothing_else_is_good_enough),
      cmocka_unit_test(short_answers_to_optional_steps_are_as_good_as_none),
      cmocka_unit_test(a_failing_required_step_ends_it_and_names_the_command),
      cmocka_unit_test(silence_ends_it_at_any_step),
      cmocka_unit_test(a_hardware_error_ends_it),
      cmocka_unit_test(stop_ends_it_once),
      cmocka_unit_test(no_memory_at_any_step_ends_it),
      cmocka_unit_test(nobody_else_sends_meanwhile),
      cmocka_unit_test(buffers_shared_with_br_edr_are_found),
      cmocka_unit_test(a_controller_without_buffers_is_refused),
      cmocka_unit_test(version_2_of_the_buffer_sizes_is_asked_first),
      cmocka_unit_test(a_controller_without_public_address_gets_the_static_one),
      cmocka_unit_test(a_random_address_is_used_when_asked_for),
      cmocka_unit_test(who_it_is_is_told_before_an_address_is_set),
      cmocka_unit_test(an_address_that_is_needed_and_missing_is_an_error),
      cmocka_unit_test(features_enable_their_events),
      cmocka_unit_test(a_handler_enables_its_event),
      cmocka_unit_test(page_2_is_not_sent_when_not_needed_or_not_supported),
      cmocka_unit_test(a_br_edr_controller_is_told_of_the_le_host),
      cmocka_unit_test(the_resolving_list_is_asked_for_its_size),
      cmocka_unit_test(data_length_is_raised_to_what_the_controller_can),
      cmocka_unit_test(data_length_is_left_alone_without_the_feature_or_the_maximum),
      cmocka_unit_test(supported_commands_are_asked_for_within_bounds),
      cmocka_unit_test(a_second_start_begins_from_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
