/* SPDX-License-Identifier: MIT */
#include <aioble/ad.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_UUID(first)                                       \
  {                                                            \
    16, {                                                      \
      first, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 \
    }                                                          \
  }
#define LONG_BYTES "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
#define UUID16(low, high) \
  {                       \
    2, {                  \
      low, high           \
    }                     \
  }

static aioble_ad_payload_t payload(const aioble_ad_packed_t *packed) {
  return (aioble_ad_payload_t){{packed->adv, packed->adv_len}, {packed->rsp, packed->rsp_len}};
}

#define ASSERT_PART(packed, part, text)                         \
  do {                                                          \
    assert_int_equal((packed).part##_len, sizeof(text) - 1);    \
    assert_memory_equal((packed).part, text, sizeof(text) - 1); \
  } while (0)

static aioble_ad_packed_t built(const aioble_ad_fields_t *fields) {
  aioble_ad_packed_t packed;

  assert_int_equal(aioble_ad_build(fields, &packed), 0);
  assert_string_equal(packed.why, "");
  return packed;
}

static aioble_ad_packed_t refused(const aioble_ad_fields_t *fields, int err, const char *why) {
  aioble_ad_packed_t packed;

  assert_int_equal(aioble_ad_build(fields, &packed), err);
  assert_int_equal(packed.adv_len, 0);
  assert_int_equal(packed.rsp_len, 0);
  assert_string_equal(packed.why, why);
  return packed;
}

static void nothing_asked_for_is_general_discoverable(void **state) {
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){0});

  (void) state;
  ASSERT_PART(packed, adv, "\x02\x01\x06");
  ASSERT_PART(packed, rsp, "");
}

static void flags_tell_the_mode(void **state) {
  static const uint8_t flags[4][2] = {{0x06, 0x1a}, {0x05, 0x19}, {0x04, 0x18}};
  aioble_ad_packed_t packed;

  (void) state;
  for (unsigned mode = 0; mode < 3; mode++)
    for (unsigned br_edr = 0; br_edr < 2; br_edr++) {
      packed = built(&(aioble_ad_fields_t){.discoverable = mode, .br_edr = br_edr});
      assert_int_equal(packed.adv_len, 3);
      assert_int_equal(packed.adv[2], flags[mode][br_edr]);
    }
  packed = built(&(aioble_ad_fields_t){.discoverable = AIOBLE_AD_NO_FLAGS});
  assert_int_equal(packed.adv_len, 0);
}

static void fields_keep_their_order_and_go_to_the_first_place(void **state) {
  const aioble_uuid_t services[] = {UUID16(0x1a, 0x18), LONG_UUID(0x77), UUID16(0x0f, 0x18)};
  const aioble_ad_manufacturer_t maker = {0xabcd, {(const uint8_t *) "1234", 4}};
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){
      .name = "temp-sense-long",
      .services = services,
      .service_count = 3,
      .appearance = 768,
      .manufacturer = &maker,
  });

  (void) state;
  ASSERT_PART(packed, adv,
              "\x02\x01\x06\x05\x03\x1a\x18\x0f\x18\x11\x07\x77" LONG_BYTES "\x03\x19\x00\x03");
  ASSERT_PART(packed, rsp, "\x10\x09temp-sense-long\x07\xff\xcd\xab\x31\x32\x33\x34");
}

/* flags 3, service 4, name 12, appearance 4: 23, and manufacturer data that makes it `total` */
static aioble_ad_packed_t of_total(size_t total) {
  const aioble_uuid_t service = UUID16(0x1a, 0x18);
  const aioble_ad_manufacturer_t maker = {0xabcd, {(const uint8_t *) "12345", total - 23 - 4}};

  return built(&(aioble_ad_fields_t){
      .name = "temp-sense",
      .services = &service,
      .service_count = 1,
      .appearance = 768,
      .manufacturer = &maker,
  });
}

static void all_31_bytes_are_used(void **state) {
  aioble_ad_packed_t packed = of_total(30);

  (void) state;
  assert_int_equal(packed.adv_len, 30);
  assert_int_equal(packed.rsp_len, 0);
  packed = of_total(31);
  ASSERT_PART(packed, adv,
              "\x02\x01\x06\x03\x03\x1a\x18\x0b\x09temp-sense\x03\x19\x00\x03\x07\xff\xcd\xab"
              "1234");
  ASSERT_PART(packed, rsp, "");
  packed = of_total(32);
  assert_int_equal(packed.adv_len, 23);
  ASSERT_PART(packed, rsp,
              "\x08\xff\xcd\xab"
              "12345");
}

static void a_small_field_returns_to_the_advertising_data(void **state) {
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){
      .name = "a name of twenty-nine bytes..",
      .has_tx_power = true,
      .tx_power_dbm = -12,
  });

  (void) state;
  ASSERT_PART(packed, adv, "\x02\x01\x06\x02\x0a\xf4");
  assert_int_equal(packed.rsp_len, 31);
}

/* first-fit: name and appearance in adv (22), manufacturer in rsp (24); 15 more go nowhere */
static void where_first_fit_fails_fields_are_moved(void **state) {
  const aioble_ad_manufacturer_t maker = {1, {(const uint8_t *) "12345678901234567890", 20}};
  const aioble_ad_service_data_t data = {UUID16(0x0f, 0x18), {(const uint8_t *) "12345678901", 11}};
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){
      .name = "1234567890123",
      .appearance = 5,
      .manufacturer = &maker,
      .service_data = &data,
      .service_data_count = 1,
  });

  (void) state;
  assert_int_equal(packed.adv_len, 3 + 4 + 24);
  assert_int_equal(packed.rsp_len, 15 + 15);
}

static void services_are_divided_only_when_nothing_fits_whole(void **state) {
  const aioble_uuid_t two[] = {LONG_UUID(1), LONG_UUID(2)};
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){.services = two, .service_count = 2});

  (void) state;
  ASSERT_PART(packed, adv, "\x02\x01\x06\x11\x06\x01" LONG_BYTES);
  ASSERT_PART(packed, rsp, "\x11\x06\x02" LONG_BYTES);
  packed = built(&(aioble_ad_fields_t){
      .services = two, .service_count = 1, .name = "a name of twenty-nine bytes.."});
  assert_int_equal(packed.adv[4], AIOBLE_AD_SERVICES128);
}

static void a_name_is_shortened_only_if_allowed(void **state) {
  aioble_ad_fields_t fields = {.name = "a name of more than twenty-nine bytes"};
  aioble_ad_packed_t packed;

  (void) state;
  refused(&fields, AIOBLE_EMSGSIZE, "the name takes 39 bytes and cannot be longer than 31");
  fields.name_may_shorten = true;
  packed = built(&fields);
  ASSERT_PART(packed, adv, "\x02\x01\x06");
  ASSERT_PART(packed, rsp,
              "\x1e\x08"
              "a name of more than twenty-ni");
}

static void a_name_that_fits_is_not_shortened(void **state) {
  aioble_ad_packed_t packed =
      built(&(aioble_ad_fields_t){.name = "short", .name_may_shorten = true});

  (void) state;
  ASSERT_PART(packed, adv, "\x02\x01\x06\x06\x09short");
}

static void a_name_is_cut_between_characters(void **state) {
  aioble_ad_packed_t packed = built(&(aioble_ad_fields_t){
      .name = "1234567890123456789012345678\xe2\x82\xac", .name_may_shorten = true});

  (void) state;
  ASSERT_PART(packed, rsp,
              "\x1d\x08"
              "1234567890123456789012345678");
}

static void a_name_of_one_character_cannot_be_shortened(void **state) {
  const aioble_uuid_t service = LONG_UUID(0);

  (void) state;
  refused(&(aioble_ad_fields_t){.services = &service,
                                .service_count = 1,
                                .name = "\xf0\x9f\x98\x80",
                                .name_may_shorten = true,
                                .appearance = 1,
                                .has_tx_power = true,
                                .no_scan_response = true},
          AIOBLE_EMSGSIZE, "34 bytes of fields are 3 too many for advertising data alone");
}

static void what_does_not_fit_is_named(void **state) {
  const aioble_uuid_t services[4] = {LONG_UUID(0), LONG_UUID(1), LONG_UUID(2), LONG_UUID(3)};
  const aioble_ad_manufacturer_t long_one = {
      1, {(const uint8_t *) "1234567890123456789012345678", 28}};
  const aioble_ad_manufacturer_t fair = {1, {(const uint8_t *) "12345678901234567890", 20}};

  (void) state;
  refused(&(aioble_ad_fields_t){.manufacturer = &long_one}, AIOBLE_EMSGSIZE,
          "the manufacturer data takes 32 bytes and cannot be longer than 31");
  refused(&(aioble_ad_fields_t){.services = services, .service_count = 4}, AIOBLE_EMSGSIZE,
          "69 bytes of fields are 7 too many for advertising data and scan response");
  refused(&(aioble_ad_fields_t){.name = "123456789012345678",
                                .manufacturer = &fair,
                                .services = services,
                                .service_count = 1},
          AIOBLE_EMSGSIZE,
          "65 bytes of fields are 3 too many for advertising data and scan response");
  refused(
      &(aioble_ad_fields_t){
          .name = "123456789012", .manufacturer = &fair, .services = services, .service_count = 1},
      AIOBLE_EMSGSIZE, "59 bytes of fields cannot be divided into two parts of at most 31 bytes");
}

static void a_uuid_without_a_size_is_refused(void **state) {
  const aioble_uuid_t services[] = {UUID16(1, 2), {.size = 3}};
  const aioble_ad_service_data_t data = {.uuid = {0}};

  (void) state;
  refused(&(aioble_ad_fields_t){.services = services, .service_count = 2}, AIOBLE_EINVAL,
          "service 1: no UUID (its size is 3)");
  refused(&(aioble_ad_fields_t){.service_data = &data, .service_data_count = 1}, AIOBLE_EINVAL,
          "service data 0: no UUID (its size is 0)");
}

static void too_many_fields_are_refused(void **state) {
  aioble_ad_service_data_t *data = calloc(1000, sizeof *data);

  (void) state;
  assert_non_null(data);
  for (size_t i = 0; i < 1000; i++)
    data[i].uuid = aioble_uuid16((uint16_t) i);
  refused(&(aioble_ad_fields_t){.service_data = data, .service_data_count = 1000}, AIOBLE_EMSGSIZE,
          "1000 pieces of service data are more than the 15 that could ever fit");
  refused(&(aioble_ad_fields_t){.service_data = data, .service_data_count = 15}, AIOBLE_EMSGSIZE,
          "63 bytes of fields are 1 too many for advertising data and scan response");
  built(&(aioble_ad_fields_t){.service_data = data, .service_data_count = 14});
  free(data);
}

/* ---- any fields: what was built reads back, and what was refused does not fit ---- */

enum { SERVICES = 6, DATA = 3 };

typedef struct request {
  aioble_ad_fields_t fields;
  aioble_uuid_t services[SERVICES];
  aioble_ad_service_data_t data[DATA];
  aioble_ad_manufacturer_t maker;
  char name[48];
  uint8_t bytes[32];
} request;

static uint32_t roll(uint32_t *random, uint32_t below) {
  *random = *random * 1664525u + 1013904223u;
  return (*random >> 10) % below;
}

static aioble_uuid_t some_uuid(uint32_t *random) {
  static const uint8_t sizes[] = {2, 2, 2, 4, 16};
  aioble_uuid_t uuid = {.size = sizes[roll(random, 5)]};

  for (size_t i = 0; i < uuid.size; i++)
    uuid.bytes[i] = (uint8_t) roll(random, 256);
  return uuid;
}

static void some_request(request *q, uint32_t *random) {
  size_t len = roll(random, 3) ? roll(random, 16) : roll(random, 48);

  memset(q, 0, sizeof *q);
  for (size_t i = 0; i < sizeof q->bytes; i++)
    q->bytes[i] = (uint8_t) roll(random, 256);
  for (size_t i = 0; i < len; i++)
    q->name[i] = (char) ('a' + i % 26);
  for (size_t i = 0; i < SERVICES; i++)
    q->services[i] = some_uuid(random);
  for (size_t i = 0; i < DATA; i++)
    q->data[i] = (aioble_ad_service_data_t){some_uuid(random), {q->bytes, roll(random, 9)}};
  q->maker =
      (aioble_ad_manufacturer_t){(uint16_t) roll(random, 65536), {q->bytes, roll(random, 24)}};
  q->fields = (aioble_ad_fields_t){
      .discoverable = roll(random, 4),
      .services = q->services,
      .service_count = roll(random, SERVICES + 1),
      .name = q->name,
      .name_may_shorten = roll(random, 2),
      .appearance = (uint16_t) roll(random, 3),
      .manufacturer = roll(random, 2) ? &q->maker : NULL,
      .service_data = q->data,
      .service_data_count = roll(random, DATA + 1),
      .has_tx_power = roll(random, 2),
      .tx_power_dbm = (int8_t) ((int) roll(random, 256) - 128),
      .no_scan_response = !roll(random, 4),
  };
}

static void check_services(const request *q, aioble_ad_payload_t p) {
  static const size_t widths[] = {2, 4, 16};
  aioble_ad_service_iter_t it = aioble_ad_service_iter(p);
  aioble_uuid_t uuid;

  for (size_t w = 0; w < 3; w++)
    for (size_t i = 0; i < q->fields.service_count; i++) {
      if (q->services[i].size != widths[w])
        continue;
      assert_true(aioble_ad_service_next(&it, &uuid));
      assert_memory_equal(&uuid, &q->services[i], sizeof uuid);
    }
  assert_false(aioble_ad_service_next(&it, &uuid));
}

static void check_name(const request *q, aioble_ad_payload_t p) {
  aioble_bytes_t name = {0};
  bool complete = false;

  if (!*q->name) {
    assert_false(aioble_ad_name(p, &name, NULL));
    return;
  }
  assert_true(aioble_ad_name(p, &name, &complete));
  assert_memory_equal(name.data, q->name, name.len);
  assert_true(name.len);
  assert_int_equal(complete, name.len == strlen(q->name));
  assert_true(complete || q->fields.name_may_shorten);
}

static void check_data(const request *q, aioble_ad_payload_t p) {
  aioble_ad_iter_t it = aioble_ad_iter(p);
  aioble_ad_service_data_t found;
  aioble_bytes_t data = {0};
  size_t n = 0;

  while (aioble_ad_service_data_next(&it, &found)) /* may have been moved: any order */
    n++;
  assert_int_equal(n, q->fields.service_data_count);
  for (size_t i = 0; i < n; i++)
    assert_true(aioble_ad_service_data(p, &q->data[i].uuid, &data));
  assert_int_equal(aioble_ad_manufacturer(p, q->maker.company, &data),
                   q->fields.manufacturer != NULL);
  if (q->fields.manufacturer) {
    assert_int_equal(data.len, q->maker.data.len);
    assert_memory_equal(data.data, q->bytes, data.len);
  }
}

static void check_built(const request *q, const aioble_ad_packed_t *packed) {
  aioble_ad_payload_t p = payload(packed);
  uint16_t appearance = 0;
  uint8_t flags;
  int8_t dbm = 0;

  assert_true(packed->adv_len <= 31 && packed->rsp_len <= 31);
  assert_true(!packed->rsp_len || !q->fields.no_scan_response);
  check_services(q, p);
  check_name(q, p);
  check_data(q, p);
  assert_int_equal(aioble_ad_appearance(p, &appearance), q->fields.appearance != 0);
  assert_int_equal(appearance, q->fields.appearance);
  assert_int_equal(aioble_ad_tx_power(p, &dbm), q->fields.has_tx_power);
  assert_int_equal(dbm, q->fields.has_tx_power ? q->fields.tx_power_dbm : 0);
  assert_int_equal(aioble_ad_flags(p, &flags), q->fields.discoverable != AIOBLE_AD_NO_FLAGS);
  p.adv.len = 0;
  assert_false(aioble_ad_flags(p, &flags));
}

/* the sizes of the fields taken whole, flags first; returns how many */
static size_t sizes_of(const request *q, size_t sizes[16]) {
  size_t n = 0, group[17] = {0};

  sizes[n++] = q->fields.discoverable == AIOBLE_AD_NO_FLAGS ? 0 : 3;
  for (size_t i = 0; i < q->fields.service_count; i++)
    group[q->services[i].size] += q->services[i].size;
  for (size_t width = 0; width <= 16; width++)
    if (group[width])
      sizes[n++] = group[width] + 2;
  if (*q->name)
    sizes[n++] = q->fields.name_may_shorten ? 3 : strlen(q->name) + 2;
  if (q->fields.appearance)
    sizes[n++] = 4;
  if (q->fields.manufacturer)
    sizes[n++] = q->maker.data.len + 4;
  for (size_t i = 0; i < q->fields.service_data_count; i++)
    sizes[n++] = 2 + q->data[i].uuid.size + q->data[i].data.len;
  if (q->fields.has_tx_power)
    sizes[n++] = 3;
  return n;
}

/* every way to put them into two parts */
static bool could_fit(const request *q) {
  size_t sizes[16], n = sizes_of(q, sizes);
  size_t rsp_room = q->fields.no_scan_response ? 0 : 31;

  for (size_t in_rsp = 0; in_rsp < (size_t) 1 << n; in_rsp += 2) {
    size_t part[2] = {0, 0};

    for (size_t i = 0; i < n; i++)
      part[in_rsp >> i & 1] += sizes[i];
    if (part[0] <= 31 && part[1] <= rsp_room)
      return true;
  }
  return false;
}

static void what_is_built_reads_back_and_what_is_refused_does_not_fit(void **state) {
  unsigned packed_count = 0, refused_count = 0;
  uint32_t random = 1;

  (void) state;
  for (int round = 0; round < 20000; round++) {
    aioble_ad_packed_t packed;
    request q;

    some_request(&q, &random);
    if (aioble_ad_build(&q.fields, &packed) == 0) {
      check_built(&q, &packed);
      packed_count++;
    } else {
      assert_true(*packed.why);
      assert_false(could_fit(&q));
      refused_count++;
    }
  }
  assert_true(packed_count > 2000 && refused_count > 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_asked_for_is_general_discoverable),
      cmocka_unit_test(flags_tell_the_mode),
      cmocka_unit_test(fields_keep_their_order_and_go_to_the_first_place),
      cmocka_unit_test(all_31_bytes_are_used),
      cmocka_unit_test(a_small_field_returns_to_the_advertising_data),
      cmocka_unit_test(where_first_fit_fails_fields_are_moved),
      cmocka_unit_test(services_are_divided_only_when_nothing_fits_whole),
      cmocka_unit_test(a_name_is_shortened_only_if_allowed),
      cmocka_unit_test(a_name_that_fits_is_not_shortened),
      cmocka_unit_test(a_name_is_cut_between_characters),
      cmocka_unit_test(a_name_of_one_character_cannot_be_shortened),
      cmocka_unit_test(what_does_not_fit_is_named),
      cmocka_unit_test(a_uuid_without_a_size_is_refused),
      cmocka_unit_test(too_many_fields_are_refused),
      cmocka_unit_test(what_is_built_reads_back_and_what_is_refused_does_not_fit),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
