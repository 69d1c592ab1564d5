/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/fake_env.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

static aioble_char_t *readable(aioble_service_t *service) {
  aioble_char_t *chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ, NULL);

  assert_non_null(chr);
  return chr;
}

static void a_characteristic_knows_what_it_was_made_with(void **state) {
  server_bed *bed = *state;
  aioble_uuid_t uuid;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.user = bed});
  uuid = aioble_char_uuid(bed->chr);
  assert_true(aioble_uuid_equal(&uuid, &AIOBLE_UUID16(0x2a6e)));
  assert_ptr_equal(aioble_char_user(bed->chr), bed);
  assert_int_equal(aioble_char_flags(bed->chr), AIOBLE_READ);
  assert_int_equal(aioble_char_handle(bed->chr), SERVER_BED_FIRST + 2);
}

static void a_descriptor_knows_what_it_was_made_with(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  aioble_char_t *chr = readable(service);
  aioble_desc_t *desc = aioble_desc_new(chr, aioble_uuid16(0x29ff), AIOBLE_READ,
                                        &(aioble_desc_options_t){.user = bed});
  aioble_uuid_t uuid = aioble_desc_uuid(desc);

  assert_int_equal(aioble_desc_handle(desc), 0);
  assert_int_equal(server_bed_register(bed, service), 0);
  assert_true(aioble_uuid_equal(&uuid, &AIOBLE_UUID16(0x29ff)));
  assert_ptr_equal(aioble_desc_user(desc), bed);
  assert_ptr_equal(aioble_desc_char(desc), chr);
  assert_int_equal(aioble_desc_handle(desc), SERVER_BED_FIRST + 3);
  assert_ptr_equal(aioble_char_desc(chr, aioble_uuid16(0x29ff)), desc);
  assert_null(aioble_char_desc(chr, aioble_uuid16(0x2901)));
}

/* ---- what the library adds ---- */

static void a_user_description_is_a_descriptor(void **state) {
  server_bed *bed = *state;
  aioble_desc_t *desc;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_NOTIFY,
                  &(aioble_char_options_t){.user_description = "Hall"});
  desc = aioble_char_desc(bed->chr, aioble_uuid16(0x2901));
  assert_int_equal(aioble_desc_handle(desc), SERVER_BED_FIRST + 4);
  assert_bytes(aioble_desc_read(desc), "48 61 6c 6c");
  server_bed_play(bed, "> 04 +03 +05\n"
                       "< 05 01 +03 02 29 +04 01 29\n"
                       "> 0a +04\n"
                       "< 0b 48 61 6c 6c\n"
                       "> 12 +04 41\n"
                       "< 01 12 +04 03\n"
                       "> 0a +01\n" /* the properties: nothing extended */
                       "< 0b 12 +02 6e 2a\n");
}

static void a_user_description_may_be_written(void **state) {
  server_bed *bed = *state;
  aioble_desc_t *desc;
  outcome o;

  server_bed_char(bed, AIOBLE_READ | AIOBLE_WRITABLE_AUXILIARIES,
                  &(aioble_char_options_t){.user_description = "Hall"});
  desc = aioble_char_desc(bed->chr, aioble_uuid16(0x2901));
  client_bed_then(&o, aioble_desc_written(desc));
  server_bed_play(bed, "> 0a +01\n"
                       "< 0b 82 +02 6e 2a\n"
                       "> 04 +03 ff ff\n"
                       "< 05 01 +03 00 29 +04 01 29\n"
                       "> 0a +03\n"
                       "< 0b 02 00\n"
                       "> 12 +03 00 00\n"
                       "< 01 12 +03 03\n"
                       "> 12 +04 41 42\n"
                       "< 13\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, 0);
  assert_bytes(aioble_desc_read(desc), "41 42");
}

static void reliable_writes_are_an_extended_property(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_WRITE | AIOBLE_RELIABLE_WRITE, NULL);
  assert_int_equal(aioble_char_flags(bed->chr), AIOBLE_WRITE | AIOBLE_RELIABLE_WRITE);
  server_bed_play(bed, "> 0a +01\n"
                       "< 0b 88 +02 6e 2a\n"
                       "> 0a +03\n"
                       "< 0b 01 00\n");
}

static const aioble_format_t celsius = {AIOBLE_FORMAT_SINT16, -2, 0x272f, 1, 0x0106};
static const aioble_format_t percent = {AIOBLE_FORMAT_UINT8, 0, 0x27ad, 1, 0};

static void one_format_is_one_descriptor(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.formats = &celsius, .n_formats = 1});
  server_bed_play(bed, "> 04 +03 ff ff\n"
                       "< 05 01 +03 04 29\n"
                       "> 0a +03\n"
                       "< 0b 0e fe 2f 27 01 06 01\n"
                       "> 12 +03 00\n"
                       "< 01 12 +03 03\n");
  assert_null(aioble_char_desc(bed->chr, aioble_uuid16(0x2905)));
}

static void several_formats_are_listed(void **state) {
  const aioble_format_t formats[] = {celsius, percent, celsius};
  server_bed *bed = *state;
  aioble_service_t *services[2];

  server_bed_char(
      bed, AIOBLE_READ | AIOBLE_RELIABLE_WRITE | AIOBLE_WRITE,
      &(aioble_char_options_t){.user_description = "", .formats = formats, .n_formats = 3});
  server_bed_play(bed, "> 04 +03 +06\n"
                       "< 05 01 +03 00 29 +04 01 29 +05 04 29 +06 04 29\n"
                       "> 04 +07 +08\n"
                       "< 05 01 +07 05 29 +08 04 29\n"
                       "> 0a +06\n"
                       "< 0b 04 00 ad 27 01 00 00\n"
                       "> 0a +07\n"
                       "< 0b +05 +06 +08\n"
                       "> 12 +07 00\n"
                       "< 01 12 +07 03\n");
  services[0] = server_bed_service(bed, 0x180f);
  services[1] = aioble_service_ref(bed->chr->service);
  assert_int_equal(aioble_register_services(bed->ble, services, 2), 0);
  server_bed_play(bed, "> 0a +08\n"
                       "< 0b +06 +07 +09\n");
  aioble_service_unref(services[0]);
  aioble_service_unref(services[1]);
}

static void a_format_by_hand_is_listed_too(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  const aioble_desc_options_t seven = {.initial = TEXT("\4\0\xad\x27\1\0\0")};

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e), AIOBLE_READ,
                             &(aioble_char_options_t){.formats = &celsius, .n_formats = 1});
  assert_non_null(aioble_desc_new(bed->chr, aioble_uuid16(0x2904), AIOBLE_READ, &seven));
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 0a +05\n"
                       "< 0b +03 +04\n");
}

static void a_value_that_is_broadcast_has_its_configuration(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);

  bed->chr = aioble_char_new(service, aioble_uuid16(0x2a6e),
                             AIOBLE_READ | AIOBLE_BROADCAST | AIOBLE_SIGNED_WRITE, NULL);
  assert_non_null(aioble_desc_new(bed->chr, aioble_uuid16(0x2903), AIOBLE_READ | AIOBLE_WRITE,
                                  &(aioble_desc_options_t){.initial = TEXT("\0\0")}));
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 0a +01\n"
                       "< 0b 43 +02 6e 2a\n"
                       "> 0a +03\n"
                       "< 0b 00 00\n");
}

/* ---- what cannot be ---- */

typedef struct definition {
  const char *why;
  unsigned flags; /* of a characteristic … */
  aioble_char_options_t options;
  uint16_t desc; /* … with this descriptor; 0: none */
  unsigned desc_flags;
  aioble_desc_options_t desc_options;
} definition;

static const aioble_format_t nothing = {0}, many[257];

static const definition bad[] = {
    {.why = "flags", .flags = 0x80},
    {.why = "flags", .flags = 0x400},
    {.why = "RELIABLE_WRITE", .flags = AIOBLE_READ | AIOBLE_RELIABLE_WRITE},
    {.why = "BROADCAST", .flags = AIOBLE_READ | AIOBLE_BROADCAST},
    {.why = "AUXILIARIES", .flags = AIOBLE_READ | AIOBLE_WRITABLE_AUXILIARIES},
    {.why = "AUXILIARIES", .desc = 0x2901, .desc_flags = AIOBLE_READ | AIOBLE_WRITE},
    {.why = "AUXILIARIES",
     .flags = AIOBLE_WRITABLE_AUXILIARIES,
     .desc = 0x2901,
     .desc_flags = AIOBLE_READ},
    {.why = "one user description",
     .options = {.user_description = "a"},
     .desc = 0x2901,
     .desc_flags = AIOBLE_READ},
    {.why = "says nothing", .options = {.formats = &nothing, .n_formats = 1}},
    {.why = "says nothing", .options = {.formats = many, .n_formats = 257}},
    {.why = "library", .desc = 0x2900, .desc_flags = AIOBLE_READ},
    {.why = "library", .desc = 0x2902, .desc_flags = AIOBLE_READ | AIOBLE_WRITE},
    {.why = "library", .desc = 0x2905, .desc_flags = AIOBLE_READ},
    {.why = "format", .desc = 0x2904, .desc_flags = AIOBLE_READ},
    {.why = "format",
     .desc = 0x2904,
     .desc_flags = AIOBLE_READ | AIOBLE_WRITE,
     .desc_options = {.initial = TEXT_INIT("1234567")}},
    {.why = "flags", .desc = 0x29ff, .desc_flags = AIOBLE_NOTIFY},
    {.why = "max_len", .options = {.initial = TEXT_INIT("abc"), .max_len = 2}},
    {.why = "512", .options = {.max_len = 513}},
};

static void keep_log(void *ctx, int level, const char *text) {
  assert_int_equal(level, AIOBLE_LOG_ERROR);
  (void) snprintf(ctx, 200, "%s", text);
}

static void make(aioble_service_t *service, const definition *d) {
  aioble_char_t *chr = aioble_char_new(service, aioble_uuid16(0x2a6e), d->flags, &d->options);

  assert_non_null(chr);
  if (d->desc)
    assert_non_null(aioble_desc_new(chr, aioble_uuid16(d->desc), d->desc_flags, &d->desc_options));
}

static void what_cannot_be_is_not_registered_and_the_log_says_why(void **state) {
  server_bed *bed = *state;
  char text[200];

  server_bed_char(bed, AIOBLE_READ, NULL);
  bed->ble->env.log_fn = keep_log;
  bed->ble->env.log_ctx = text;
  bed->ble->env.log_level = AIOBLE_LOG_ERROR;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    aioble_service_t *service = server_bed_service(bed, 0x181a);

    text[0] = 0;
    make(service, &bad[i]);
    assert_int_equal(server_bed_register(bed, service), AIOBLE_EINVAL);
    if (!strstr(text, "service 181a cannot be registered: ") || !strstr(text, bad[i].why))
      fail_msg("definition %zu: \"%s\", not \"%s\"", i, text, bad[i].why);
  }
  assert_int_equal(aioble_char_handle(bed->chr), SERVER_BED_FIRST + 2);
}

static void what_has_no_uuid_is_not_registered(void **state) {
  server_bed *bed = *state;
  aioble_service_t *services[3];

  services[0] = aioble_service_new(bed->ble, (aioble_uuid_t){0});
  for (unsigned i = 1; i < 3; i++)
    services[i] = server_bed_service(bed, 0x181a);
  assert_non_null(aioble_char_new(services[1], (aioble_uuid_t){0}, AIOBLE_READ, NULL));
  assert_non_null(aioble_desc_new(readable(services[2]), (aioble_uuid_t){0}, AIOBLE_READ, NULL));
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(server_bed_register(bed, services[i]), AIOBLE_EINVAL);
}

static void as_many_formats_as_the_list_can_hold(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  aioble_format_t formats[257];

  for (unsigned i = 0; i < 257; i++)
    formats[i] = percent;
  server_bed_char(bed, AIOBLE_READ, &(aioble_char_options_t){.formats = formats, .n_formats = 256});
  assert_int_equal(aioble_desc_read(aioble_char_desc(bed->chr, aioble_uuid16(0x2905))).len, 512);
  assert_non_null(aioble_char_new(service, aioble_uuid16(1), AIOBLE_READ,
                                  &(aioble_char_options_t){.formats = formats, .n_formats = 257}));
  assert_int_equal(server_bed_register(bed, service), AIOBLE_EINVAL);
}

/* ---- memory ---- */

static void nothing_half_made_without_memory(void **state) {
  const aioble_format_t formats[] = {celsius, percent, celsius};
  const aioble_char_options_t options = {
      .initial = TEXT("a"), .user_description = "b", .formats = formats, .n_formats = 3};
  server_bed *bed = *state;
  aioble_service_t *service;
  aioble_char_t *chr = NULL;
  unsigned n = 0;

  fake_env_fail_at(bed->base->memory, 1);
  assert_null(aioble_service_new(bed->ble, aioble_uuid16(0x181a)));
  service = server_bed_service(bed, 0x181a);
  while (!chr) {
    fake_env_fail_at(bed->base->memory, ++n);
    chr = aioble_char_new(service, aioble_uuid16(1), AIOBLE_READ, &options);
  }
  fake_env_fail_at(bed->base->memory, 0);
  assert_int_equal(n, 1 + 2 * 6); /* itself and five descriptors, each with a value */
  assert_int_equal(server_bed_register(bed, service), 0);
  assert_int_equal(aioble_char_handle(chr), SERVER_BED_FIRST + 2);
}

static void no_descriptor_without_memory(void **state) {
  server_bed *bed = *state;
  aioble_service_t *service = server_bed_service(bed, 0x181a);
  const aioble_desc_options_t seven = {.initial = TEXT("1234567")};
  aioble_char_t *chr = readable(service);

  for (unsigned i = 0; i < 2; i++) {
    aioble_desc_t *desc = NULL;
    unsigned n = 0;

    while (!desc) {
      fake_env_fail_at(bed->base->memory, ++n);
      desc = aioble_desc_new(chr, aioble_uuid16(0x2904), AIOBLE_READ, &seven);
    }
    fake_env_fail_at(bed->base->memory, 0);
    assert_int_equal(n, i ? 5 : 3);
  }
  assert_int_equal(server_bed_register(bed, service), 0);
  server_bed_play(bed, "> 0a +05\n"
                       "< 0b +03 +04\n"
                       "> 0a +06\n"
                       "< 01 0a +06 01\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_characteristic_knows_what_it_was_made_with),
      TEST(a_descriptor_knows_what_it_was_made_with),
      TEST(a_user_description_is_a_descriptor),
      TEST(a_user_description_may_be_written),
      TEST(reliable_writes_are_an_extended_property),
      TEST(one_format_is_one_descriptor),
      TEST(several_formats_are_listed),
      TEST(a_format_by_hand_is_listed_too),
      TEST(a_value_that_is_broadcast_has_its_configuration),
      TEST(what_cannot_be_is_not_registered_and_the_log_says_why),
      TEST(what_has_no_uuid_is_not_registered),
      TEST(as_many_formats_as_the_list_can_hold),
      TEST(nothing_half_made_without_memory),
      TEST(no_descriptor_without_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
