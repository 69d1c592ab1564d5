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

#define TEXT(s) ((aioble_bytes_t){(const uint8_t *) (s), sizeof(s) - 1})

static aioble_service_t *service_of(server_bed *bed, uint16_t uuid) {
  aioble_service_t *service = aioble_service_new(bed->ble, aioble_uuid16(uuid));

  assert_non_null(service);
  return service;
}

static aioble_char_t *readable(aioble_service_t *service, uint16_t uuid, const char *text) {
  aioble_char_t *chr =
      aioble_char_new(service, aioble_uuid16(uuid), AIOBLE_READ,
                      &(aioble_char_options_t){.initial = {(const uint8_t *) text, strlen(text)}});

  assert_non_null(chr);
  return chr;
}

/* ---- definition ---- */

static void services_come_in_the_order_they_are_given(void **state) {
  server_bed *bed = *state;
  aioble_service_t *services[2] = {service_of(bed, 0x181a), service_of(bed, 0x180f)};
  aioble_char_t *a = readable(services[0], 0x2a6e, "a"), *b = readable(services[0], 0x2a6f, "b"),
                *c = readable(services[1], 0x2a19, "c");
  aioble_desc_t *d = aioble_desc_new(a, aioble_uuid16(0x2901), AIOBLE_READ, TEXT("d"));

  assert_non_null(d);
  assert_int_equal(aioble_char_handle(a), 0);
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  aioble_service_unref(services[0]);
  aioble_service_unref(services[1]);
  assert_int_equal(aioble_char_handle(a), 0x12);
  assert_int_equal(aioble_char_handle(b), 0x15);
  assert_int_equal(aioble_char_handle(c), 0x18);
  server_bed_play(bed, "> 04 12 00 15 00\n"
                       "< 05 01 12 00 6e 2a 13 00 01 29 14 00 03 28 15 00 6f 2a\n"
                       "> 0e 12 00 13 00 15 00 18 00\n"
                       "< 0f 61 64 62 63\n"
                       "> 10 10 00 ff ff 00 28\n"
                       "< 11 06 10 00 15 00 1a 18 16 00 18 00 0f 18\n");
  assert_true(aioble_uuid_equal(&(aioble_uuid_t){2, {0x6e, 0x2a}}, &a->uuid));
}

static void a_characteristic_knows_what_it_was_made_with(void **state) {
  server_bed *bed = *state;
  aioble_uuid_t uuid;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.user = bed});
  uuid = aioble_char_uuid(bed->chr);
  assert_true(aioble_uuid_equal(&uuid, &AIOBLE_UUID16(0x2a6e)));
  assert_ptr_equal(aioble_char_user(bed->chr), bed);
  assert_int_equal(aioble_char_handle(bed->chr), 0x12);
}

static void nothing_is_made_of_nothing(void **state) {
  (void) state;
  assert_null(aioble_service_new(NULL, aioble_uuid16(1)));
  assert_null(aioble_service_ref(NULL));
  assert_null(aioble_service_unref(NULL));
  assert_null(aioble_char_new(NULL, aioble_uuid16(1), AIOBLE_READ, NULL));
  assert_null(aioble_desc_new(NULL, aioble_uuid16(1), AIOBLE_READ, TEXT("")));
  assert_int_equal(aioble_char_handle(NULL), 0);
  assert_null(aioble_char_user(NULL));
  assert_int_equal(aioble_char_uuid(NULL).size, 0);
  assert_int_equal(aioble_char_read(NULL).len, 0);
  assert_int_equal(aioble_desc_read(NULL).len, 0);
  assert_int_equal(aioble_char_write(NULL, "", 0, 0), AIOBLE_EINVAL);
  assert_int_equal(aioble_desc_write(NULL, "", 0), AIOBLE_EINVAL);
  assert_int_equal(aioble_char_subscribed(NULL, NULL), 0);
  assert_int_equal(aioble_char_dropped(NULL), 0);
  assert_int_equal(aioble_register_services(NULL, NULL, 0), AIOBLE_EINVAL);
}

/* each of these makes its service unfit */
static void bad_flags(aioble_service_t *s) {
  aioble_char_new(s, aioble_uuid16(1), 0x40, NULL);
}
static void no_uuid(aioble_service_t *s) {
  aioble_char_new(s, (aioble_uuid_t){0}, AIOBLE_READ, NULL);
}
static void too_long(aioble_service_t *s) {
  aioble_char_new(s, aioble_uuid16(1), AIOBLE_READ,
                  &(aioble_char_options_t){.initial = TEXT("abc"), .max_len = 2});
}
static void too_long_at_most(aioble_service_t *s) {
  aioble_char_new(s, aioble_uuid16(1), AIOBLE_READ, &(aioble_char_options_t){.max_len = 513});
}
static void own_cccd(aioble_service_t *s) {
  aioble_desc_new(readable(s, 0x2a6e, ""), aioble_uuid16(0x2902), AIOBLE_READ, TEXT(""));
}
static void notified_desc(aioble_service_t *s) {
  aioble_desc_new(readable(s, 0x2a6e, ""), aioble_uuid16(0x2901), AIOBLE_NOTIFY, TEXT(""));
}
static void long_desc(aioble_service_t *s) {
  uint8_t octets[513] = {0};

  aioble_desc_new(readable(s, 0x2a6e, ""), aioble_uuid16(0x2901), AIOBLE_READ,
                  (aioble_bytes_t){octets, sizeof octets});
}

static void a_bad_definition_cannot_be_registered(void **state) {
  static void (*const bad[])(aioble_service_t *) = {
      bad_flags, no_uuid, too_long, too_long_at_most, own_cccd, notified_desc, long_desc};
  server_bed *bed = *state;
  aioble_service_t *service;

  server_bed_char(bed, AIOBLE_READ, NULL);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    service = service_of(bed, 0x181a);
    bad[i](service);
    assert_int_equal(aioble_register_services(bed->ble, &service, 1), AIOBLE_EINVAL);
    aioble_service_unref(service);
  }
  assert_int_equal(aioble_char_handle(bed->chr), 0x12);
}

static void the_list_names_each_service_of_this_stack_once(void **state) {
  server_bed *bed = *state;
  client_bed *other = client_bed_new();
  aioble_service_t *foreign = aioble_service_new(other->ble, aioble_uuid16(0x181a));
  aioble_service_t *s = service_of(bed, 0x181a);
  aioble_service_t *twice[] = {s, s}, *mixed[] = {s, foreign}, *holes[] = {s, NULL};

  assert_int_equal(aioble_register_services(bed->ble, twice, 2), AIOBLE_EINVAL);
  assert_int_equal(aioble_register_services(bed->ble, mixed, 2), AIOBLE_EINVAL);
  assert_int_equal(aioble_register_services(bed->ble, holes, 2), AIOBLE_EINVAL);
  assert_int_equal(aioble_register_services(bed->ble, twice, 1), 0);
  aioble_service_unref(s);
  aioble_service_unref(foreign);
  client_bed_free(other);
}

static void too_many_attributes_and_the_old_ones_stay(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = service_of(bed, 0x181a);

  server_bed_char(bed, AIOBLE_READ, NULL);
  for (unsigned n = 0; n < 32763; n++)
    readable(service, 0x2a6e, "");
  assert_int_equal(aioble_register_services(bed->ble, &service, 1), AIOBLE_ENOBUFS);
  assert_int_equal(aioble_char_handle(bed->chr), 0x12);
  aioble_service_unref(service);
}

static void without_memory_the_old_ones_stay(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = service_of(bed, 0x180f);
  int err = AIOBLE_ENOMEM;
  unsigned n = 0;

  readable(service, 0x2a19, "x");
  server_bed_char(bed, AIOBLE_READ, NULL);
  while (err < 0) {
    assert_int_equal(aioble_char_handle(bed->chr), 0x12);
    fake_env_fail_at(bed->base->memory, ++n);
    err = aioble_register_services(bed->ble, &service, 1);
    assert_true(err == 0 || err == AIOBLE_ENOMEM);
  }
  fake_env_fail_at(bed->base->memory, 0);
  assert_int_equal(n, 5);
  aioble_service_unref(service);
}

static void nothing_half_made_without_memory(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service;
  const aioble_char_options_t options = {.initial = TEXT("a")};
  aioble_char_t *chr;

  fake_env_fail_at(bed->base->memory, 1);
  assert_null(aioble_service_new(bed->ble, aioble_uuid16(0x181a)));
  service = service_of(bed, 0x181a);
  chr = readable(service, 0x2a6e, "");
  for (unsigned n = 1; n <= 2; n++) {
    fake_env_fail_at(bed->base->memory, n);
    assert_null(aioble_char_new(service, aioble_uuid16(1), AIOBLE_READ, &options));
    fake_env_fail_at(bed->base->memory, n);
    assert_null(aioble_desc_new(chr, aioble_uuid16(0x2901), AIOBLE_READ, TEXT("a")));
  }
  fake_env_fail_at(bed->base->memory, 0);
  assert_int_equal(aioble_register_services(bed->ble, &service, 1), 0);
  server_bed_play(bed, "> 0a 12 00\n"
                       "< 0b\n"
                       "> 0a 13 00\n"
                       "< 01 0a 13 00 01\n");
  aioble_service_unref(service);
}

/* ---- registering anew ---- */

static void values_stay_and_subscriptions_begin_anew(void **state) {
  server_bed *bed = *state;
  aioble_service_t *services[2];

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  assert_int_equal(aioble_char_write(bed->chr, "now", 3, 0), 0);
  server_bed_play(bed, "> 12 13 00 01 00\n"
                       "< 13\n");
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), AIOBLE_SUBSCRIBE_NOTIFY);
  services[0] = service_of(bed, 0x180f);
  services[1] = aioble_service_ref(bed->chr->service);
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  assert_int_equal(aioble_char_handle(bed->chr), 0x13);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), 0);
  server_bed_play(bed, "> 0a 13 00\n"
                       "< 0b 6e 6f 77\n");
  aioble_service_unref(services[0]);
  aioble_service_unref(services[1]);
}

static void a_client_that_wants_to_know_of_changes_is_told(void **state) {
  server_bed *bed = *state;

  server_bed_play(bed, "> 12 09 00 02 00\n"
                       "< 13\n");
  server_bed_char(bed, AIOBLE_READ, NULL);
  server_bed_play(bed, "< 1d 08 00 10 00 12 00\n");
  server_bed_play_as(bed, 1, "");
  server_bed_run_ms(bed, 10000);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  server_bed_play(bed, "> 1e\n"
                       "< 1d 08 00 10 00 12 00\n"
                       "> 1e\n"
                       "> 0a 12 00\n"
                       "< 01 0a 12 00 01\n");
}

static void unregistered_has_no_handle(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  service = aioble_service_ref(bed->chr->service);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  assert_int_equal(aioble_char_handle(bed->chr), 0);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), 0);
  server_bed_expect(bed, aioble_char_notify(bed->chr, bed->conn, "x", 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "x", 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_char_write(bed->chr, "x", 1, AIOBLE_SEND_UPDATE), 0);
  aioble_service_unref(service);
}

/* ---- who keeps whom ---- */

static void a_registered_service_does_not_keep_the_stack(void **state) {
  server_bed *bed = *state;
  uint32_t refs = bed->ble->refs;

  server_bed_char(bed, AIOBLE_READ, NULL);
  assert_int_equal(bed->ble->refs, refs);
}

static void a_service_in_hand_keeps_the_stack(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service;
  uint32_t refs;

  server_bed_char(bed, AIOBLE_READ, NULL);
  refs = bed->ble->refs;
  service = aioble_service_ref(bed->chr->service);
  assert_int_equal(bed->ble->refs, refs + 1);
  aioble_service_ref(service);
  assert_int_equal(bed->ble->refs, refs + 1);
  aioble_service_unref(service);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  assert_int_equal(aioble_char_handle(bed->chr), 0);
  aioble_service_unref(service);
  assert_int_equal(bed->ble->refs, refs);
}

/* ---- values ---- */

static void a_value_is_read_and_replaced(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.initial = TEXT("one"), .max_len = 5});
  assert_bytes(aioble_char_read(bed->chr), "6f 6e 65");
  assert_bytes(aioble_char_read(bed->chr), "6f 6e 65");
  assert_int_equal(aioble_char_write(bed->chr, "three", 5, 0), 0);
  assert_int_equal(aioble_char_write(bed->chr, "eleven", 6, 0), AIOBLE_EMSGSIZE);
  server_bed_play(bed, "> 0a 12 00\n"
                       "< 0b 74 68 72 65 65\n");
  assert_int_equal(aioble_char_write(bed->chr, NULL, 0, 0), 0);
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
}

static void a_value_that_is_appended_to_is_taken(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_WRITE,
                  &(aioble_char_options_t){.initial = TEXT("a"), .append = true});
  server_bed_play(bed, "> 12 12 00 62\n"
                       "< 13\n"
                       "> 12 12 00 63\n"
                       "< 13\n"
                       "> 0a 12 00\n"
                       "< 0b 61 62 63\n");
  assert_bytes(aioble_char_read(bed->chr), "61 62 63");
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
  server_bed_play(bed, "> 0a 12 00\n"
                       "< 0b\n"
                       "> 12 12 00 64\n"
                       "< 13\n");
  assert_bytes(aioble_char_read(bed->chr), "64");
}

static void a_descriptor_has_a_value_too(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = service_of(bed, 0x181a);
  aioble_desc_t *desc = aioble_desc_new(readable(service, 0x2a6e, ""), aioble_uuid16(0x2901),
                                        AIOBLE_READ | AIOBLE_WRITE, TEXT("a"));
  uint8_t octets[513] = {0};

  assert_int_equal(aioble_register_services(bed->ble, &service, 1), 0);
  aioble_service_unref(service);
  assert_bytes(aioble_desc_read(desc), "61");
  assert_int_equal(aioble_desc_write(desc, "bc", 2), 0);
  assert_int_equal(aioble_desc_write(desc, octets, sizeof octets), AIOBLE_EMSGSIZE);
  server_bed_play(bed, "> 0a 13 00\n"
                       "< 0b 62 63\n"
                       "> 12 13 00 64\n"
                       "< 13\n");
  assert_bytes(aioble_desc_read(desc), "64");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(services_come_in_the_order_they_are_given),
      TEST(a_characteristic_knows_what_it_was_made_with),
      TEST(nothing_is_made_of_nothing),
      TEST(a_bad_definition_cannot_be_registered),
      TEST(the_list_names_each_service_of_this_stack_once),
      TEST(too_many_attributes_and_the_old_ones_stay),
      TEST(without_memory_the_old_ones_stay),
      TEST(nothing_half_made_without_memory),
      TEST(values_stay_and_subscriptions_begin_anew),
      TEST(a_client_that_wants_to_know_of_changes_is_told),
      TEST(unregistered_has_no_handle),
      TEST(a_registered_service_does_not_keep_the_stack),
      TEST(a_service_in_hand_keeps_the_stack),
      TEST(a_value_is_read_and_replaced),
      TEST(a_value_that_is_appended_to_is_taken),
      TEST(a_descriptor_has_a_value_too),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
