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
  aioble_service_t *services[2] = {server_bed_service(bed, 0x181a),
                                   server_bed_service(bed, 0x180f)};
  aioble_char_t *a = readable(services[0], 0x2a6e, "a"), *b = readable(services[0], 0x2a6f, "b"),
                *c = readable(services[1], 0x2a19, "c");
  aioble_desc_t *d = aioble_desc_new(a, aioble_uuid16(0x2901), AIOBLE_READ,
                                     &(aioble_desc_options_t){.initial = TEXT("d")});

  assert_non_null(d);
  assert_int_equal(aioble_char_handle(a), 0);
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  aioble_service_unref(services[0]);
  aioble_service_unref(services[1]);
  assert_int_equal(aioble_char_handle(a), SERVER_BED_FIRST + 2);
  assert_int_equal(aioble_char_handle(b), SERVER_BED_FIRST + 5);
  assert_int_equal(aioble_char_handle(c), SERVER_BED_FIRST + 8);
  server_bed_play(bed, "> 04 +02 +05\n"
                       "< 05 01 +02 6e 2a +03 01 29 +04 03 28 +05 6f 2a\n"
                       "> 0e +02 +03 +05 +08\n"
                       "< 0f 61 64 62 63\n"
                       "> 10 +00 ff ff 00 28\n"
                       "< 11 06 +00 +05 1a 18 +06 +08 0f 18\n");
  assert_true(aioble_uuid_equal(&(aioble_uuid_t){2, {0x6e, 0x2a}}, &a->uuid));
}

static void nothing_is_made_of_nothing(void **state) {
  (void) state;
  assert_null(aioble_service_new(NULL, aioble_uuid16(1)));
  assert_null(aioble_service_ref(NULL));
  assert_null(aioble_service_unref(NULL));
  assert_null(aioble_char_new(NULL, aioble_uuid16(1), AIOBLE_READ, NULL));
  assert_null(aioble_desc_new(NULL, aioble_uuid16(1), AIOBLE_READ, NULL));
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

static void the_list_names_each_service_of_this_stack_once(void **state) {
  server_bed *bed = *state;
  client_bed *other = client_bed_new();
  aioble_service_t *foreign = aioble_service_new(other->ble, aioble_uuid16(0x181a));
  aioble_service_t *s = server_bed_service(bed, 0x181a);
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
  aioble_service_t *service = server_bed_service(bed, 0x181a);

  server_bed_char(bed, AIOBLE_READ, NULL);
  for (unsigned n = 0; n < 32763; n++)
    readable(service, 0x2a6e, "");
  assert_int_equal(aioble_register_services(bed->ble, &service, 1), AIOBLE_ENOBUFS);
  assert_int_equal(aioble_char_handle(bed->chr), SERVER_BED_FIRST + 2);
  aioble_service_unref(service);
}

static void without_memory_the_old_ones_stay(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x180f);
  int err = AIOBLE_ENOMEM;
  unsigned n = 0;

  readable(service, 0x2a19, "x");
  server_bed_char(bed, AIOBLE_READ, NULL);
  while (err < 0) {
    assert_int_equal(aioble_char_handle(bed->chr), SERVER_BED_FIRST + 2);
    fake_env_fail_at(bed->base->memory, ++n);
    err = aioble_register_services(bed->ble, &service, 1);
    assert_true(err == 0 || err == AIOBLE_ENOMEM);
  }
  fake_env_fail_at(bed->base->memory, 0);
  assert_int_equal(n, 5);
  aioble_service_unref(service);
}

/* ---- registering anew ---- */

static void values_stay_and_subscriptions_begin_anew(void **state) {
  server_bed *bed = *state;
  aioble_service_t *services[2];

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  assert_int_equal(aioble_char_write(bed->chr, "now", 3, 0), 0);
  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n");
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), AIOBLE_SUBSCRIBE_NOTIFY);
  services[0] = server_bed_service(bed, 0x180f);
  services[1] = aioble_service_ref(bed->chr->service);
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  assert_int_equal(aioble_char_handle(bed->chr), SERVER_BED_FIRST + 3);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), 0);
  server_bed_play(bed, "> 0a +03\n"
                       "< 0b 6e 6f 77\n");
  aioble_service_unref(services[0]);
  aioble_service_unref(services[1]);
}

static void a_client_that_wants_to_know_of_changes_is_told(void **state) {
  server_bed *bed = *state;

  server_bed_play(bed, "> 12 09 00 02 00\n"
                       "< 13\n");
  server_bed_char(bed, AIOBLE_READ, NULL);
  server_bed_play(bed, "< 1d 08 00 +00 +02\n");
  server_bed_play_as(bed, 1, "");
  server_bed_run_ms(bed, 10000);
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  server_bed_play(bed, "> 1e\n"
                       "< 1d 08 00 +00 +02\n"
                       "> 1e\n"
                       "> 0a +02\n"
                       "< 01 0a +02 01\n");
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

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(services_come_in_the_order_they_are_given),
      TEST(nothing_is_made_of_nothing),
      TEST(the_list_names_each_service_of_this_stack_once),
      TEST(too_many_attributes_and_the_old_ones_stay),
      TEST(without_memory_the_old_ones_stay),
      TEST(values_stay_and_subscriptions_begin_anew),
      TEST(a_client_that_wants_to_know_of_changes_is_told),
      TEST(unregistered_has_no_handle),
      TEST(a_registered_service_does_not_keep_the_stack),
      TEST(a_service_in_hand_keeps_the_stack),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
