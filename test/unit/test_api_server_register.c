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

/* one with a characteristic: four attributes */
static aioble_service_t *notifying(server_bed *bed, uint16_t uuid, aioble_char_t **chr) {
  aioble_service_t *service = server_bed_service(bed, uuid);

  *chr = aioble_char_new(service, aioble_uuid16(0x2a19), AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  assert_non_null(*chr);
  return service;
}

/* a service that includes another one */
typedef struct family {
  aioble_service_t *outer, *inner;
} family;

static family family_of(server_bed *bed) {
  family f = {server_bed_service(bed, 0x1811),
              aioble_service_new_secondary(bed->ble, aioble_uuid16(0x180f))};

  assert_non_null(f.inner);
  assert_int_equal(aioble_service_include(f.outer, f.inner), 0);
  return f;
}

static void release(family *f) {
  aioble_service_unref(f->outer);
  aioble_service_unref(f->inner);
}

/* ---- includes ---- */

static void an_included_secondary_service_is_found_by_its_include(void **state) {
  server_bed *bed = *state;
  family f = family_of(bed);
  aioble_service_t *both[] = {f.outer, f.inner};

  assert_non_null(aioble_char_new(f.outer, aioble_uuid16(0x2a19), AIOBLE_READ, NULL));
  assert_int_equal(aioble_register_services(bed->ble, both, 2), 0);
  server_bed_play(bed, "> 10 +00 ff ff 00 28\n"
                       "< 11 06 +00 +03 11 18\n"
                       "> 08 +00 +03 02 28\n"
                       "< 09 08 +01 +04 +04 0f 18\n"
                       "> 08 +00 +04 01 28\n"
                       "< 09 04 +04 0f 18\n");
  release(&f);
}

static void an_included_service_must_be_registered_too(void **state) {
  server_bed *bed = *state;
  family f = family_of(bed);
  aioble_service_t *reversed[] = {f.inner, f.outer};

  assert_int_equal(aioble_register_services(bed->ble, &f.outer, 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_add(f.outer), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_add(f.inner), 0);
  assert_int_equal(aioble_service_add(f.outer), 0);
  assert_int_equal(aioble_register_services(bed->ble, &f.outer, 1), AIOBLE_EINVAL);
  assert_int_equal(aioble_register_services(bed->ble, reversed, 2), 0);
  server_bed_play(bed, "> 08 +00 ff ff 02 28\n"
                       "< 09 08 +02 +00 +00 0f 18\n");
  release(&f);
}

static void no_service_includes_itself(void **state) {
  server_bed *bed = *state;
  client_bed *other = client_bed_new();
  aioble_service_t *foreign = aioble_service_new(other->ble, aioble_uuid16(0x180f));
  aioble_service_t *third = server_bed_service(bed, 0x181a), *fourth = server_bed_service(bed, 1);
  family f = family_of(bed);

  assert_int_equal(aioble_service_include(f.inner, third), 0);
  assert_int_equal(aioble_service_include(third, third), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(f.inner, f.outer), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(third, f.outer), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(third, foreign), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(NULL, third), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(third, NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_include(f.outer, f.inner), AIOBLE_EALREADY);
  assert_int_equal(aioble_service_include(f.outer, third), 0);
  assert_int_equal(aioble_service_add(third), 0);
  assert_int_equal(aioble_service_include(third, fourth), AIOBLE_EALREADY);
  release(&f);
  aioble_service_unref(fourth);
  aioble_service_unref(third);
  aioble_service_unref(foreign);
  client_bed_free(other);
}

static void an_included_service_stays_as_long_as_it_is_needed(void **state) {
  server_bed *bed = *state;
  family f = family_of(bed);

  aioble_service_ref(f.inner);
  aioble_service_unref(f.inner);
  aioble_service_unref(f.inner);
  assert_int_equal(aioble_service_add(f.inner), 0);
  assert_int_equal(aioble_service_remove(f.inner), 0);
  assert_int_equal(aioble_service_add(f.inner), 0);
  assert_int_equal(aioble_service_add(f.outer), 0);
  assert_int_equal(aioble_service_remove(f.inner), AIOBLE_EBUSY);
  assert_int_equal(aioble_service_remove(f.outer), 0);
  assert_int_equal(aioble_service_remove(f.inner), 0);
  aioble_service_unref(f.outer);
}

/* ---- at run time ---- */

static void one_more_leaves_the_others_alone(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chr;
  aioble_service_t *more = notifying(bed, 0x180f, &chr);

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  server_bed_play(bed, "> 12 09 00 02 00\n"
                       "< 13\n"
                       "> 12 +03 01 00\n"
                       "< 13\n");
  assert_int_equal(aioble_service_add(more), 0);
  server_bed_play(bed, "< 1d 08 00 +04 +07\n"
                       "> 1e\n");
  assert_int_equal(aioble_char_handle(chr), SERVER_BED_FIRST + 6);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), AIOBLE_SUBSCRIBE_NOTIFY);
  assert_int_equal(aioble_service_add(more), AIOBLE_EALREADY);
  assert_int_equal(aioble_service_remove(more), 0);
  server_bed_play(bed, "< 1d 08 00 +04 +07\n"
                       "> 1e\n");
  assert_int_equal(aioble_char_handle(chr), 0);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), AIOBLE_SUBSCRIBE_NOTIFY);
  assert_int_equal(aioble_service_remove(more), AIOBLE_ENOENT);
  aioble_service_unref(more);
}

static void a_removed_service_leaves_room_for_the_next_one(void **state) {
  server_bed *bed = *state;
  aioble_char_t *a, *b, *c;
  aioble_service_t *first = notifying(bed, 0x180f, &a), *second = notifying(bed, 0x1810, &b),
                   *third = notifying(bed, 0x1811, &c);

  assert_int_equal(aioble_char_write(a, "kept", 4, 0), 0);
  assert_int_equal(aioble_service_add(first), 0);
  assert_int_equal(aioble_service_add(second), 0);
  assert_int_equal(aioble_service_remove(first), 0);
  assert_bytes(aioble_char_read(a), "6b 65 70 74");
  assert_int_equal(aioble_service_add(third), 0);
  assert_int_equal(aioble_char_handle(c), SERVER_BED_FIRST + 2);
  assert_int_equal(aioble_char_handle(b), SERVER_BED_FIRST + 6);
  assert_int_equal(aioble_service_add(first), 0);
  assert_int_equal(aioble_char_handle(a), SERVER_BED_FIRST + 0x0a);
  server_bed_play(bed, "> 0a +0a\n"
                       "< 0b 6b 65 70 74\n");
  aioble_service_unref(first);
  aioble_service_unref(second);
  aioble_service_unref(third);
}

static void a_removed_service_goes_with_its_last_reference(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chr;
  aioble_service_t *service = notifying(bed, 0x180f, &chr);
  uint32_t refs = bed->ble->refs;

  assert_int_equal(aioble_service_add(service), 0);
  aioble_service_unref(service);
  assert_int_equal(bed->ble->refs, refs - 1);
  assert_int_equal(aioble_service_remove(service), 0); /* and freed: the suite would see a leak */
}

static void what_is_waited_for_in_a_removed_service_stays(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;

  server_bed_char(bed, AIOBLE_WRITE_NO_RSP, &(aioble_char_options_t){.capture = true});
  op = aioble_char_written(bed->chr);
  assert_int_equal(aioble_service_remove(bed->chr->service), 0);
  server_bed_run_ms(bed, 1000);
  assert_false(aioble_op_done(op));
  assert_int_equal(aioble_service_add(bed->chr->service), 0);
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(aioble_op_status(op), 0);
  assert_bytes(aioble_op_value(op), "41");
  aioble_op_unref(op);
}

static void what_cannot_be_is_not_added(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x180f);

  assert_int_equal(aioble_service_add(NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_remove(NULL), AIOBLE_EINVAL);
  assert_int_equal(aioble_service_remove(service), AIOBLE_ENOENT);
  aioble_char_new(service, aioble_uuid16(0x2a19), 0x8000, NULL);
  assert_int_equal(aioble_service_add(service), AIOBLE_EINVAL);
  aioble_service_unref(service);
}

static void without_memory_nothing_changes(void **state) {
  server_bed *bed = *state;
  aioble_char_t *chr;
  aioble_service_t *service = notifying(bed, 0x180f, &chr);
  int err = AIOBLE_ENOMEM;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY, NULL);
  server_bed_play(bed, "> 12 +03 01 00\n"
                       "< 13\n");
  for (unsigned n = 1; err < 0; n++) {
    assert_int_equal(aioble_char_handle(chr), 0);
    fake_env_fail_at(bed->base->memory, n);
    err = aioble_service_add(service);
    assert_true(err == 0 || (err == AIOBLE_ENOMEM && n < 10));
  }
  err = AIOBLE_ENOMEM;
  for (unsigned n = 1; err < 0; n++) {
    assert_int_equal(aioble_char_handle(chr), SERVER_BED_FIRST + 6);
    fake_env_fail_at(bed->base->memory, n);
    err = aioble_service_remove(service);
    assert_true(err == 0 || (err == AIOBLE_ENOMEM && n < 10));
  }
  fake_env_fail_at(bed->base->memory, 1);
  assert_null(aioble_service_new_secondary(bed->ble, aioble_uuid16(1)));
  fake_env_fail_at(bed->base->memory, 1);
  assert_int_equal(aioble_service_include(service, bed->chr->service), AIOBLE_ENOMEM);
  fake_env_fail_at(bed->base->memory, 0);
  assert_int_equal(aioble_char_subscribed(bed->chr, bed->conn), AIOBLE_SUBSCRIBE_NOTIFY);
  aioble_service_unref(service);
}

static int remove_itself(aioble_access_t *access, void *user) {
  (void) user;
  assert_int_equal(aioble_service_remove(access->chr->service), 0);
  return 0;
}

static void a_hook_may_remove_its_own_service(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.on_read = remove_itself});
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b\n"
                       "> 0a +02\n"
                       "< 01 0a +02 01\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(an_included_secondary_service_is_found_by_its_include),
      TEST(an_included_service_must_be_registered_too),
      TEST(no_service_includes_itself),
      TEST(an_included_service_stays_as_long_as_it_is_needed),
      TEST(one_more_leaves_the_others_alone),
      TEST(a_removed_service_leaves_room_for_the_next_one),
      TEST(a_removed_service_goes_with_its_last_reference),
      TEST(what_is_waited_for_in_a_removed_service_stays),
      TEST(what_cannot_be_is_not_added),
      TEST(without_memory_nothing_changes),
      TEST(a_hook_may_remove_its_own_service),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
