/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- which request goes where ---- */

static void what_is_no_request_of_ours_is_not_supported(void **state) {
  char line[100];

  for (unsigned opcode = 0; opcode < 0x100; opcode++) {
    bool known = (opcode >= 0x01 && opcode <= 0x13) || (opcode >= 0x16 && opcode <= 0x19) ||
                 opcode == 0x1b || (opcode >= 0x1d && opcode <= 0x21) || opcode == 0x23;

    if (known)
      continue;
    snprintf(line, sizeof line,
             opcode & 0x40 ? "> %02x 15 00 09\n" : "> %02x 15 00 09\n< 01 %02x 00 00 06\n", opcode,
             opcode);
    if (opcode != 0x52)
      bed_play(*state, line);
  }
  assert_int_equal(table.humidity->checks, 0);
}

/* the PDU of each opcode that a server takes, and whether it may be an octet shorter or longer */
static const struct {
  const char *pdu;
  bool shorter, longer;
} valid[] = {
    {"02 17 00", false, false},
    {"04 01 00 ff ff", false, false},
    {"06 01 00 ff ff 00 28 00 18", true, true},
    {"06 01 00 ff ff 00 28", false, true}, /* no value, which none has */
    {"08 01 00 ff ff 03 28", false, false},
    {"08 01 00 ff ff fb 34 9b 5f 80 00 00 80 00 10 00 00 03 28 00 00", false, false},
    {"0a 12 00", false, false},
    {"0c 12 00 00 00", false, false},
    {"0e 12 00 15 00", false, false},
    {"10 01 00 ff ff 00 28", false, false},
    {"12 15 00", false, true},
    {"16 15 00 00 00", false, true},
    {"18 00", false, false},
    {"20 12 00 15 00", false, false},
};

enum { N_VALID = sizeof valid / sizeof *valid };

/* what the bearer sent for a PDU of the client: its opcode, 0 for nothing; of an error its code */
static unsigned sent_for(gatt_bed *bed, const uint8_t *pdu, size_t len, unsigned *code) {
  ab_list *n;
  ab_buf *buf;
  ab_rd r;
  uint8_t opcode;

  ab_att_rx(&bed->peer->att, pdu, len);
  n = ab_list_pop(&bed->peer->script.sent);
  pdu_script_quiet(&bed->peer->script);
  if (!n)
    return 0;
  buf = ab_container_of(n, ab_buf, node);
  r = ab_rd_of(buf->p, buf->len);
  opcode = ab_rd_u8(&r);
  if (opcode == AB_ATT_ERROR_RSP) {
    assert_int_equal(ab_rd_u8(&r), pdu[0]);
    (void) ab_rd_le16(&r);
    *code = ab_rd_u8(&r);
    assert_true(ab_rd_done(&r));
  }
  ab_buf_finish(buf, 0);
  return opcode;
}

static void a_length_that_is_off_by_one_is_an_invalid_pdu(void **state) {
  gatt_bed *bed = *state;

  for (size_t i = 0; i < N_VALID; i++) {
    uint8_t pdu[32] = {0};
    size_t len = hex_read(valid[i].pdu, pdu, sizeof pdu);

    for (size_t n = len - 1; n <= len + 1; n++) {
      bool fits = n == len || (n < len ? valid[i].shorter : valid[i].longer);
      unsigned code = 0, opcode = sent_for(bed, pdu, n, &code);

      assert_int_equal(code == AB_ATT_ERR_INVALID_PDU, !fits);
      if (n == len)
        assert_true(opcode == pdu[0] + 1u || code == AB_ATT_ERR_ATTRIBUTE_NOT_FOUND);
    }
  }
}

/* … and of all others, of any length up to a request's: a request is unknown, of the rest only an
   indication is answered */
static void what_is_not_taken_is_refused_or_ignored_at_any_length(void **state) {
  gatt_bed *bed = *state;
  bool taken[0x100] = {false};

  for (size_t i = 0; i < N_VALID; i++) {
    uint8_t pdu[32];

    hex_read(valid[i].pdu, pdu, sizeof pdu);
    taken[pdu[0]] = true;
  }
  for (unsigned opcode = 0; opcode < 0x100; opcode++) {
    bool response = opcode < 0x24 && opcode & 1;
    bool dropped = opcode & 0x40 || response || opcode == AB_ATT_CONFIRMATION;

    for (size_t len = 1; len < 8 && !taken[opcode]; len++) {
      uint8_t pdu[8] = {(uint8_t) opcode, 0x15};
      unsigned code = 0, sent = sent_for(bed, pdu, len, &code);
      unsigned expected = dropped ? 0 : AB_ATT_ERROR_RSP;

      if (opcode == AB_ATT_INDICATION)
        expected = AB_ATT_CONFIRMATION;
      if (opcode == 0x15 || opcode == 0x1f) /* odd, but no response that there is */
        expected = AB_ATT_ERROR_RSP;
      assert_int_equal(sent, expected);
      assert_int_equal(code, expected == AB_ATT_ERROR_RSP ? AB_ATT_ERR_REQUEST_NOT_SUPPORTED : 0);
    }
  }
}

static void every_request_may_be_empty(void **state) {
  char line[100];

  for (unsigned opcode = 0x04; opcode <= 0x20; opcode += 2) {
    if (opcode == 0x14 || opcode == 0x1a || opcode == 0x1c || opcode == 0x1e)
      continue;
    snprintf(line, sizeof line, "> %02x\n< 01 %02x 00 00 04\n", opcode, opcode);
    bed_play(*state, line);
  }
}

/* ---- hooks that do things ---- */

static void install_another(bed_value *v) {
  gatt_bed *bed = v->bed;

  v->hook = NULL;
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181f");
  bed_install(bed);
}

static void a_hook_may_replace_the_table_during_a_read(void **state) {
  gatt_bed *bed = *state;

  table.temperature->hook = install_another;
  bed_play(bed, "> 20 12 00 21 00\n"
                "< 21 02 00 16 09 02 00 17 09\n");
  assert_int_equal(bed->releases, 1);
  bed_play(bed, "> 0a 12 00\n"
                "< 01 0a 12 00 01\n"
                "> 10 10 00 ff ff 00 28\n"
                "< 11 06 10 00 10 00 1f 18\n");
}

static void a_hook_may_replace_the_table_during_a_search(void **state) {
  gatt_bed *bed = *state;

  table.temperature->hook = install_another;
  bed_play(bed, "> 08 01 00 ff ff 6e 2a\n"
                "< 09 04 12 00 16 09 21 00 17 09\n");
  assert_int_equal(bed->releases, 1);
}

static void a_hook_may_replace_the_table_during_a_write(void **state) {
  gatt_bed *bed = *state;

  table.humidity->hook = install_another;
  bed_play(bed, "> 16 15 00 00 00 0a\n"
                "< 17 15 00 00 00 0a\n"
                "> 16 13 00 00 00 01 00\n"
                "< 17 13 00 00 00 01 00\n"
                "> 18 01\n"
                "< 01 18 13 00 0e\n");
  assert_int_equal(bed->releases, 1);
  assert_int_equal(table.temperature->subscriptions, 0);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 0);
}

static void a_hook_may_replace_the_table_when_it_hears_of_a_subscription(void **state) {
  gatt_bed *bed = *state;

  table.temperature->hook = install_another;
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 13\n");
  assert_int_equal(bed->releases, 1);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 0);
}

static void end_the_link(bed_value *v) {
  ab_gatt_server_link_close(&v->bed->link);
}

static void a_hook_may_end_the_link(void **state) {
  table.humidity->hook = end_the_link;
  table.temperature->hook = end_the_link;
  bed_play(*state, "> 16 15 00 00 00 0a\n"
                   "< 17 15 00 00 00 0a\n"
                   "> 16 13 00 00 00 01 00\n"
                   "< 17 13 00 00 00 01 00\n"
                   "> 18 01\n"
                   "< 01 18 15 00 0e\n");
  bed_play(*state, "> 0a 12 00\n"
                   "< 01 0a 00 00 0e\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(table.humidity->checks, 1);
  assert_int_equal(table.humidity->writes, 0);
  assert_int_equal(table.temperature->reads, 0);
}

static void overfill(bed_value *v) {
  uint8_t octets[8] = {0};

  v->hook = NULL;
  assert_true(ab_gatt_value_put(&v->value, v->bed->env, 0, octets, 8));
}

static void a_hook_may_fill_the_value_that_is_appended_to(void **state) {
  table.humidity->value.append = true;
  table.humidity->hook = overfill;
  bed_play(*state, "> 12 15 00 04\n"
                   "< 01 12 15 00 0d\n");
  assert_int_equal(table.humidity->value.len, 8);
}

/* ---- tables and links ---- */

static void another_table_forgets_subscriptions_but_that_of_service_changed(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 09 00 02 00\n"
                "< 13\n"
                "> 12 13 00 01 00\n"
                "< 13\n"
                "> 16 15 00 00 00 0a\n"
                "< 17 15 00 00 00 0a\n");
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181a");
  bed_char(bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "");
  bed_install(bed);
  bed_play(bed, "< 1d 08 00 10 00 21 00\n"
                "> 0a 09 00\n"
                "< 0b 02 00\n"
                "> 0a 13 00\n"
                "< 0b 00 00\n"
                "> 18 01\n"
                "< 01 18 00 00 0e\n");
  bed_expect(table.humidity, "01 02 03");
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &bed->server.service_changed), 2);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 0);
}

static void each_link_has_subscriptions_of_its_own(void **state) {
  gatt_bed *bed = *state;
  ab_gatt_server_link other;

  ab_gatt_server_link_open(&bed->server, &other, &bed->peer->att);
  bed_play(bed, "> 12 13 00 01 00\n"
                "< 13\n");
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 1);
  assert_int_equal(ab_gatt_server_subscribed(&other, &table.temperature->value), 0);
  ab_gatt_server_link_close(&other);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 1);
}

static void a_new_link_begins_with_nothing(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 13 00 01 00\n"
                "< 13\n");
  ab_gatt_server_link_close(&bed->link);
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.temperature->value), 0);
  bed_reconnect(bed);
  bed_play(bed, "> 0a 13 00\n"
                "< 0b 00 00\n");
}

static void a_value_without_configuration_has_no_subscribers(void **state) {
  gatt_bed *bed = *state;

  bed_play(bed, "> 12 09 00 02 00\n"
                "< 13\n");
  assert_int_equal(ab_gatt_server_subscribed(&bed->link, &table.humidity->value), 0);
}

static void the_name_has_a_limit(void **state) {
  gatt_bed *bed = *state;
  char name[AB_GATT_NAME_MAX + 2];

  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = 0;
  assert_int_equal(ab_gatt_server_set_name(&bed->server, name), AIOBLE_EINVAL);
  assert_string_equal(ab_gatt_server_name(&bed->server), "bed");
  name[AB_GATT_NAME_MAX] = 0;
  assert_int_equal(ab_gatt_server_set_name(&bed->server, name), 0);
  assert_string_equal(ab_gatt_server_name(&bed->server), name);
  bed_play(bed, "> 0a 03 00\n"
                "< 0b 6e*22\n"
                "> 0c 03 00 f7 00\n"
                "< 0d 6e\n");
  assert_int_equal(ab_gatt_server_appearance(&bed->server), 0x0540);
}

static void a_server_needs_memory(void **state) {
  ab_env *env = fake_env_new();
  ab_gatt_server server;
  ab_bufs bufs;

  (void) state;
  ab_bufs_init(&bufs, env, 0);
  for (unsigned n = 1; n <= 3; n++) {
    fake_env_fail_at(env, n);
    assert_int_equal(ab_gatt_server_init(&server, env, &bufs), AIOBLE_ENOMEM);
    ab_gatt_server_close(&server);
  }
  fake_env_free(env);
}

/* ---- notifications ---- */

static void a_value_goes_whole_or_not_at_all(void **state) {
  gatt_bed *bed = *state;
  uint8_t octets[21];
  int status = 1;
  ab_buf *pdu;

  memset(octets, 0x55, sizeof octets);
  pdu = ab_gatt_server_value_pdu(&bed->peer->att, AB_ATT_NOTIFICATION, 0x12, octets, 20, &status);
  assert_non_null(pdu);
  ab_att_send(&bed->peer->att, pdu);
  bed_play(bed, "< 1b 12 00 55*20\n");
  assert_null(
      ab_gatt_server_value_pdu(&bed->peer->att, AB_ATT_NOTIFICATION, 0x12, octets, 21, &status));
  assert_int_equal(status, AIOBLE_EMSGSIZE);
  pdu = ab_gatt_server_value_pdu(&bed->peer->att, AB_ATT_INDICATION, 0x21, NULL, 0, &status);
  ab_att_send(&bed->peer->att, pdu);
  bed_play(bed, "< 1d 21 00\n");
}

static void without_memory_there_is_no_pdu(void **state) {
  gatt_bed *bed = *state;
  int status = 1;

  fake_env_fail_at(bed->env, 1);
  assert_null(ab_gatt_server_value_pdu(&bed->peer->att, AB_ATT_NOTIFICATION, 1, "", 0, &status));
  assert_int_equal(status, AIOBLE_ENOMEM);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(what_is_no_request_of_ours_is_not_supported),
      TEST(a_length_that_is_off_by_one_is_an_invalid_pdu),
      TEST(what_is_not_taken_is_refused_or_ignored_at_any_length),
      TEST(every_request_may_be_empty),
      TEST(a_hook_may_replace_the_table_during_a_read),
      TEST(a_hook_may_replace_the_table_during_a_search),
      TEST(a_hook_may_replace_the_table_during_a_write),
      TEST(a_hook_may_replace_the_table_when_it_hears_of_a_subscription),
      TEST(a_hook_may_end_the_link),
      TEST(a_hook_may_fill_the_value_that_is_appended_to),
      TEST(another_table_forgets_subscriptions_but_that_of_service_changed),
      TEST(each_link_has_subscriptions_of_its_own),
      TEST(a_new_link_begins_with_nothing),
      TEST(a_value_without_configuration_has_no_subscribers),
      TEST(the_name_has_a_limit),
      TEST(a_server_needs_memory),
      TEST(a_value_goes_whole_or_not_at_all),
      TEST(without_memory_there_is_no_pdu),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
