/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/fake_env.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  *state = server_bed_new();
  return 0;
}

static int tear_down(void **state) {
  server_bed_free(*state);
  return 0;
}

/* ---- values ---- */

static void a_value_is_read_and_replaced(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.initial = TEXT("one"), .max_len = 5});
  assert_bytes(aioble_char_read(bed->chr), "6f 6e 65");
  assert_bytes(aioble_char_read(bed->chr), "6f 6e 65");
  assert_int_equal(aioble_char_write(bed->chr, "three", 5, 0), 0);
  assert_int_equal(aioble_char_write(bed->chr, "eleven", 6, 0), AIOBLE_EMSGSIZE);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 74 68 72 65 65\n");
  assert_int_equal(aioble_char_write(bed->chr, NULL, 0, 0), 0);
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
}

static void a_value_that_is_appended_to_is_taken(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_WRITE,
                  &(aioble_char_options_t){.initial = TEXT("a"), .append = true});
  server_bed_play(bed, "> 12 +02 62\n"
                       "< 13\n"
                       "> 12 +02 63\n"
                       "< 13\n"
                       "> 0a +02\n"
                       "< 0b 61 62 63\n");
  assert_bytes(aioble_char_read(bed->chr), "61 62 63");
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b\n"
                       "> 12 +02 64\n"
                       "< 13\n");
  assert_bytes(aioble_char_read(bed->chr), "64");
}

static void a_descriptor_has_a_value_too(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  aioble_char_t *chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ, NULL);
  aioble_desc_t *desc =
      aioble_desc_new(chr, aioble_uuid16(0x29ff), AIOBLE_READ | AIOBLE_WRITE,
                      &(aioble_desc_options_t){.initial = TEXT("a"), .max_len = 3});

  assert_int_equal(server_bed_register(bed, service), 0);
  assert_bytes(aioble_desc_read(desc), "61");
  assert_int_equal(aioble_desc_write(desc, "bc", 2), 0);
  assert_int_equal(aioble_desc_write(desc, "bcde", 4), AIOBLE_EMSGSIZE);
  server_bed_play(bed, "> 0a +03\n"
                       "< 0b 62 63\n"
                       "> 12 +03 64\n"
                       "< 13\n"
                       "> 12 +03 61 61 61 61\n"
                       "< 01 12 +03 0d\n");
  assert_bytes(aioble_desc_read(desc), "64");
}

static void a_descriptor_may_be_appended_to(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  aioble_char_t *chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ, NULL);
  aioble_desc_t *desc = aioble_desc_new(chr, aioble_uuid16(0x29ff), AIOBLE_WRITE,
                                        &(aioble_desc_options_t){.append = true, .max_len = 3});

  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 12 +03 61 62\n"
                       "< 13\n"
                       "> 12 +03 63 64\n"
                       "< 01 12 +03 0d\n"
                       "> 12 +03 63\n"
                       "< 13\n");
  assert_bytes(aioble_desc_read(desc), "61 62 63");
  assert_int_equal(aioble_desc_read(desc).len, 0);
}

static void without_memory_the_value_stays(void **state) {
  server_bed *bed = *state;
  uint8_t octets[100] = {0};

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.initial = TEXT("a")});
  fake_env_fail_at(bed->base->memory, 1);
  assert_int_equal(aioble_char_write(bed->chr, octets, sizeof octets, 0), AIOBLE_ENOMEM);
  assert_bytes(aioble_char_read(bed->chr), "61");
}

/* ---- hooks ---- */

/* what the hooks were asked, and what they answer */
typedef struct hooked {
  server_bed *bed;
  aioble_desc_t *desc; /* whose they are; NULL: bed->chr */
  unsigned authorizations, reads, writes, commands, subscribes, what;
  bool refuses;
  int code;
  aioble_bytes_t answer; /* to be read */
  bool refresh;          /* the stored value, before it is read */
} hooked;

static void check_access(const hooked *h, const aioble_access_t *access) {
  assert_ptr_equal(access->conn, h->bed->conn);
  assert_ptr_equal(access->desc, h->desc);
  assert_ptr_equal(access->chr, h->desc ? aioble_desc_char(h->desc) : h->bed->chr);
}

static bool on_authorize(const aioble_access_t *access, bool write, void *user) {
  hooked *h = user;

  check_access(h, access);
  assert_int_equal(write, access->value.len > 0);
  assert_int_equal(h->reads + h->writes, 0);
  h->authorizations++;
  return !h->refuses;
}

static int on_read(aioble_access_t *access, void *user) {
  hooked *h = user;

  check_access(h, access);
  assert_null(access->value.data);
  assert_false(access->command);
  h->reads++;
  if (h->refresh)
    assert_int_equal(aioble_char_write(access->chr, &(uint8_t){(uint8_t) h->reads}, 1, 0), 0);
  access->value = h->answer;
  return h->code;
}

static int on_write(aioble_access_t *access, void *user) {
  hooked *h = user;

  check_access(h, access);
  assert_bytes(access->value, "41 42");
  h->writes++;
  h->commands += access->command;
  return h->code;
}

static void on_subscribe(aioble_char_t *chr, aioble_conn_t *conn, unsigned what, void *user) {
  hooked *h = user;

  assert_int_equal(aioble_char_subscribed(chr, conn), what);
  h->subscribes++;
  h->what = what;
}

#define WRITABLE (AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP)

static void hooked_char(server_bed *bed, hooked *h) {
  h->bed = bed;
  server_bed_char(bed, WRITABLE | AIOBLE_NOTIFY | AIOBLE_INDICATE,
                  &(aioble_char_options_t){.initial = TEXT("v"),
                                           .on_read = on_read,
                                           .on_write = on_write,
                                           .on_subscribe = on_subscribe,
                                           .user = h});
}

static void what_on_write_refuses_is_not_stored(void **state) {
  server_bed *bed = *state;
  hooked h = {.code = 0x80};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 12 +02 41 42\n"
                       "< 01 12 +02 80\n"
                       "> 52 +02 41 42\n");
  assert_int_equal(h.writes, 2);
  assert_int_equal(h.commands, 1);
  assert_bytes(aioble_char_read(bed->chr), "76");
  h.code = 0;
  server_bed_play(bed, "> 12 +02 41 42\n"
                       "< 13\n");
  assert_int_equal(h.writes, 3);
  assert_bytes(aioble_char_read(bed->chr), "41 42");
  assert_int_equal(h.reads, 0);
}

static void on_write_is_not_asked_about_what_cannot_be_stored(void **state) {
  server_bed *bed = *state;
  hooked h = {.bed = bed};

  server_bed_char(bed, AIOBLE_READ | AIOBLE_WRITE,
                  &(aioble_char_options_t){.max_len = 1, .on_write = on_write, .user = &h});
  server_bed_play(bed, "> 12 +02 41 42\n"
                       "< 01 12 +02 0d\n"
                       "> 52 +02 41\n");
  assert_int_equal(h.writes, 0);
}

static void what_was_written_in_parts_is_asked_about_as_one(void **state) {
  server_bed *bed = *state;
  hooked h = {0};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 16 +02 00 00 41\n"
                       "< 17 +02 00 00 41\n"
                       "> 16 +02 01 00 42\n"
                       "< 17 +02 01 00 42\n");
  assert_int_equal(h.writes, 0);
  server_bed_play(bed, "> 18 01\n"
                       "< 19\n");
  assert_int_equal(h.writes, 1);
  assert_int_equal(h.commands, 0);
}

static void a_read_hook_may_refresh_the_value(void **state) {
  server_bed *bed = *state;
  hooked h = {.refresh = true};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 01\n"
                       "> 0a +02\n"
                       "< 0b 02\n");
  h.code = 0x08;
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 08\n");
  assert_int_equal(h.reads, 3);
  assert_int_equal(h.writes, 0);
}

static void a_read_hook_may_answer_with_other_bytes(void **state) {
  server_bed *bed = *state;
  hooked h = {.answer = TEXT("abc")};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 61 62 63\n");
  h.answer.len = 0;
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b\n");
  h.code = 0x80;
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 80\n");
}

static void other_bytes_leave_the_value_alone(void **state) {
  server_bed *bed = *state;
  hooked h = {.answer = TEXT("abc")};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 61 62 63\n"
                       "> 0c +02 02 00\n"
                       "< 0d 63\n"
                       "> 0c +02 04 00\n"
                       "< 01 0c +02 07\n");
  assert_bytes(aioble_char_read(bed->chr), "76");
}

static void a_hook_that_answers_nonsense_is_an_unlikely_error(void **state) {
  static const int nonsense[] = {-1, 0x101, AIOBLE_EINVAL, AIOBLE_ERR_ATT(0x08)};
  server_bed *bed = *state;
  hooked h = {0};

  hooked_char(bed, &h);
  for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
    h.code = nonsense[i];
    server_bed_play(bed, "> 0a +02\n"
                         "< 01 0a +02 0e\n"
                         "> 12 +02 41 42\n"
                         "< 01 12 +02 0e\n");
  }
  h.code = 0xff;
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 ff\n");
}

static void who_is_not_authorized_is_not_asked_further(void **state) {
  server_bed *bed = *state;
  hooked h = {.bed = bed, .refuses = true};

  server_bed_char(
      bed, WRITABLE,
      &(aioble_char_options_t){
          .on_authorize = on_authorize, .on_read = on_read, .on_write = on_write, .user = &h});
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 08\n"
                       "> 12 +02 41 42\n"
                       "< 01 12 +02 08\n"
                       "> 52 +02 41 42\n");
  assert_int_equal(h.authorizations, 3);
  assert_int_equal(h.reads + h.writes, 0);
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
  h.refuses = false;
  server_bed_play(bed, "> 12 +02 41 42\n"
                       "< 13\n");
  assert_int_equal(h.authorizations, 4);
  assert_int_equal(h.writes, 1);
}

static bool may_write(const aioble_access_t *access, bool write, void *user) {
  hooked *h = user;

  check_access(h, access);
  assert_true(write);
  h->authorizations++;
  return !h->refuses;
}

/* Part F, 3.4.6.1; and again with the whole value when it is to be written */
static void who_is_not_authorized_cannot_prepare_a_write(void **state) {
  server_bed *bed = *state;
  hooked h = {.bed = bed, .refuses = true};

  server_bed_char(bed, WRITABLE, &(aioble_char_options_t){.on_authorize = may_write, .user = &h});
  server_bed_play(bed, "> 16 +02 0000 41\n"
                       "< 01 16 +02 08\n");
  assert_int_equal(h.authorizations, 1);
  h.refuses = false;
  server_bed_play(bed, "> 16 +02 0000 41\n"
                       "< 17 +02 0000 41\n");
  h.refuses = true;
  server_bed_play(bed, "> 18 01\n"
                       "< 01 18 +02 08\n");
  assert_int_equal(h.authorizations, 3);
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
}

static void authorization_needs_no_other_hook(void **state) {
  server_bed *bed = *state;
  hooked h = {.bed = bed};

  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.on_authorize = on_authorize, .user = &h});
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n"
                       "> 0a +02\n"
                       "< 0b 41\n");
  assert_int_equal(h.authorizations, 2);
}

static void a_descriptor_has_hooks_too(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  hooked h = {.bed = bed, .answer = TEXT("abc")};

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ,
                             &(aioble_char_options_t){.initial = TEXT("v")});
  h.desc = aioble_desc_new(
      bed->chr, aioble_uuid16(0x29ff), AIOBLE_READ | AIOBLE_WRITE,
      &(aioble_desc_options_t){.on_read = on_read, .on_write = on_write, .user = &h});
  assert_ptr_equal(aioble_desc_user(h.desc), &h);
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 0a +03\n"
                       "< 0b 61 62 63\n"
                       "> 12 +03 41 42\n"
                       "< 13\n"
                       "> 0a +02\n"
                       "< 0b 76\n");
  assert_int_equal(h.reads, 1);
  assert_int_equal(h.writes, 1);
}

static void each_change_of_a_subscription_is_told(void **state) {
  server_bed *bed = *state;
  hooked h = {0};

  hooked_char(bed, &h);
  server_bed_play(bed, "> 12 +03 03 00\n"
                       "< 13\n"
                       "> 12 +03 03 00\n"
                       "< 13\n");
  assert_int_equal(h.subscribes, 1);
  assert_int_equal(h.what, AIOBLE_SUBSCRIBE_NOTIFY | AIOBLE_SUBSCRIBE_INDICATE);
  server_bed_play(bed, "> 12 +03 00 00\n"
                       "< 13\n");
  assert_int_equal(h.subscribes, 2);
  assert_int_equal(h.what, 0);
  server_bed_disconnect(bed, 0);
  assert_int_equal(h.subscribes, 2);
}

static int unregister(aioble_access_t *access, void *user) {
  server_bed *bed = user;

  (void) access;
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  return 0;
}

static void a_hook_may_unregister_its_own_service(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.on_write = unregister, .user = bed, .capture = true});
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n"
                       "> 12 +02 41\n"
                       "< 01 12 +02 01\n");
}

static int await_something(aioble_access_t *access, void *user) {
  aioble_op_t *op = aioble_char_written(access->chr);

  (void) user;
  assert_int_equal(aioble_op_await(op), AIOBLE_EREENTRANT);
  aioble_op_cancel(op);
  aioble_op_unref(op);
  return 0;
}

static void a_hook_cannot_await(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE, &(aioble_char_options_t){.on_read = await_something});
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b\n");
}

/* ---- security ---- */

static void secure(server_bed *bed, ab_gatt_level level, uint8_t key_size) {
  ab_gatt_server_link_security(&bed->conn->server,
                               (ab_gatt_security){(uint8_t) level, key_size, true});
}

static void a_value_asks_for_the_security_of_its_options(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE | AIOBLE_NOTIFY,
                  &(aioble_char_options_t){.initial = TEXT("s"),
                                           .read_security = AIOBLE_SECURITY_ENCRYPTED,
                                           .write_security = AIOBLE_SECURITY_SECURE_CONNECTIONS,
                                           .min_key_size = 16});
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 05\n"
                       "> 12 +02 41\n"
                       "< 01 12 +02 05\n"
                       "> 12 +03 01 00\n"
                       "< 01 12 +03 05\n"
                       "> 52 +02 41\n");
  secure(bed, AB_GATT_LEVEL_NONE, 0);
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 0f\n");
  secure(bed, AB_GATT_LEVEL_ENCRYPTED, 7);
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 0c\n");
  secure(bed, AB_GATT_LEVEL_AUTHENTICATED, 16);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 73\n"
                       "> 12 +03 01 00\n"
                       "< 13\n"
                       "> 12 +02 41\n"
                       "< 01 12 +02 05\n");
  assert_bytes(aioble_char_read(bed->chr), "73");
  secure(bed, AB_GATT_LEVEL_SECURE, 16);
  server_bed_play(bed, "> 12 +02 41\n"
                       "< 13\n");
  assert_bytes(aioble_char_read(bed->chr), "41");
}

static void a_descriptor_has_its_own_security(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  const aioble_desc_options_t options = {.read_security = AIOBLE_SECURITY_AUTHENTICATED};

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ, NULL);
  assert_non_null(
      aioble_desc_new(bed->chr, aioble_uuid16(0x29ff), AIOBLE_READ | AIOBLE_WRITE, &options));
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b\n"
                       "> 12 +03 41\n"
                       "< 13\n"
                       "> 0a +03\n"
                       "< 01 0a +03 05\n");
  secure(bed, AB_GATT_LEVEL_AUTHENTICATED, 7);
  server_bed_play(bed, "> 0a +03\n"
                       "< 0b 41\n");
}

static void who_is_not_secure_is_not_asked_about(void **state) {
  server_bed *bed = *state;
  hooked h = {.bed = bed};

  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.read_security = AIOBLE_SECURITY_ENCRYPTED,
                                           .write_security = AIOBLE_SECURITY_ENCRYPTED,
                                           .on_authorize = on_authorize,
                                           .on_read = on_read,
                                           .on_write = on_write,
                                           .user = &h});
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 05\n"
                       "> 12 +02 41\n"
                       "< 01 12 +02 05\n");
  assert_int_equal(h.authorizations + h.reads + h.writes, 0);
}

static void a_long_write_is_cut_where_that_was_asked_for(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE,
                  &(aioble_char_options_t){.max_len = 2, .truncate = AIOBLE_TRUNCATE_WRITES});
  server_bed_play(bed, "> 12 +02 41 42 43\n"
                       "< 13\n");
  assert_bytes(aioble_char_read(bed->chr), "41 42");
  assert_int_equal(aioble_char_write(bed->chr, "abc", 3, 0), AIOBLE_EMSGSIZE);
}

/* ---- what cannot be ---- */

static void options_that_cannot_be_are_not_registered(void **state) {
  server_bed *bed = *state, *other = server_bed_new();
  aioble_capture_t *foreign = aioble_capture_new(other->ble, 0);
  uint8_t octets[513] = {0};
  const aioble_desc_options_t bad[] = {
      {.max_len = 513},
      {.max_len = 2, .initial = TEXT("abc")},
      {.initial = {octets, sizeof octets}},
      {.capture_to = foreign},
      {.min_key_size = 6},
      {.min_key_size = 17},
      {.read_security = AIOBLE_SECURITY_SECURE_CONNECTIONS + 1},
      {.write_security = AIOBLE_SECURITY_SECURE_CONNECTIONS + 1},
  };

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    aioble_service_t *service = server_bed_service(bed, 0x181a);
    aioble_char_t *chr = aioble_char_new(service, aioble_uuid16(1), AIOBLE_READ, NULL);

    assert_non_null(aioble_desc_new(chr, aioble_uuid16(2), AIOBLE_READ, &bad[i]));
    assert_int_equal(server_bed_register(bed, service), AIOBLE_EINVAL);
  }
  aioble_capture_unref(foreign);
  server_bed_free(other);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_value_is_read_and_replaced),
      TEST(a_value_that_is_appended_to_is_taken),
      TEST(a_descriptor_has_a_value_too),
      TEST(a_descriptor_may_be_appended_to),
      TEST(without_memory_the_value_stays),
      TEST(what_on_write_refuses_is_not_stored),
      TEST(on_write_is_not_asked_about_what_cannot_be_stored),
      TEST(what_was_written_in_parts_is_asked_about_as_one),
      TEST(a_read_hook_may_refresh_the_value),
      TEST(a_read_hook_may_answer_with_other_bytes),
      TEST(other_bytes_leave_the_value_alone),
      TEST(a_hook_that_answers_nonsense_is_an_unlikely_error),
      TEST(who_is_not_authorized_is_not_asked_further),
      TEST(who_is_not_authorized_cannot_prepare_a_write),
      TEST(authorization_needs_no_other_hook),
      TEST(a_descriptor_has_hooks_too),
      TEST(each_change_of_a_subscription_is_told),
      TEST(a_hook_may_unregister_its_own_service),
      TEST(a_hook_cannot_await),
      TEST(a_value_asks_for_the_security_of_its_options),
      TEST(a_descriptor_has_its_own_security),
      TEST(who_is_not_secure_is_not_asked_about),
      TEST(a_long_write_is_cut_where_that_was_asked_for),
      TEST(options_that_cannot_be_are_not_registered),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
