/* SPDX-License-Identifier: MIT */
#include <aioble/ad.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text)                            \
  (aioble_bytes_t) {                           \
    (const uint8_t *) (text), sizeof(text) - 1 \
  }

static aioble_ad_payload_t payload(aioble_bytes_t adv, aioble_bytes_t rsp) {
  return (aioble_ad_payload_t){adv, rsp};
}

static const aioble_bytes_t none;

static void assert_bytes(aioble_bytes_t got, const char *text, size_t len) {
  assert_int_equal(got.len, len);
  assert_memory_equal(got.data, text, len);
}

static unsigned count(aioble_ad_payload_t p) {
  aioble_ad_iter_t it = aioble_ad_iter(p);
  aioble_ad_t ad;
  unsigned n = 0;

  while (aioble_ad_next(&it, &ad))
    n++;
  assert_false(aioble_ad_next(&it, &ad)); /* the end stays the end */
  return n;
}

static void both_payloads_are_walked_in_order(void **state) {
  aioble_ad_iter_t it =
      aioble_ad_iter(payload(BYTES("\x02\x01\x06\x03\xffxy"), BYTES("\x01\x55\x02\x08n")));
  aioble_ad_t ad;

  (void) state;
  assert_true(aioble_ad_next(&it, &ad));
  assert_int_equal(ad.type, 0x01);
  assert_bytes(ad.data, "\x06", 1);
  assert_true(aioble_ad_next(&it, &ad));
  assert_int_equal(ad.type, 0xff);
  assert_bytes(ad.data, "xy", 2);
  assert_true(aioble_ad_next(&it, &ad));
  assert_int_equal(ad.type, 0x55);
  assert_int_equal(ad.data.len, 0);
  assert_true(aioble_ad_next(&it, &ad));
  assert_int_equal(ad.type, 0x08);
  assert_bytes(ad.data, "n", 1);
  assert_false(aioble_ad_next(&it, &ad));
}

static void a_zero_length_is_skipped(void **state) {
  (void) state;
  assert_int_equal(count(payload(BYTES("\0\0\x02\x01\x06\0\0\0\x01\x55\0"), none)), 2);
  assert_int_equal(count(payload(BYTES("\0"), BYTES("\0"))), 0);
}

static void a_structure_past_the_end_ends_its_payload_only(void **state) {
  aioble_ad_payload_t p = payload(BYTES("\x02\x01\x06\x05\x09"
                                        "abc"),
                                  BYTES("\x03\x09xy"));
  aioble_bytes_t name;

  (void) state;
  assert_int_equal(count(p), 2);
  assert_true(aioble_ad_name(p, &name, NULL));
  assert_bytes(name, "xy", 2);
  assert_int_equal(count(payload(BYTES("\xff"), none)), 0);
  assert_int_equal(count(payload(BYTES("\xff\x09"), none)), 0);
  assert_int_equal(count(payload(BYTES("\x02\x09"), none)), 0);
}

static void a_255_byte_structure_is_read(void **state) {
  uint8_t bytes[256];
  aioble_bytes_t data;

  (void) state;
  memset(bytes, 0xff, sizeof bytes);
  assert_true(aioble_ad_manufacturer(payload((aioble_bytes_t){bytes, 256}, none), 0xffff, &data));
  assert_int_equal(data.len, 252);
  assert_false(aioble_ad_manufacturer(payload((aioble_bytes_t){bytes, 255}, none), 0xffff, &data));
}

static void a_complete_name_wins(void **state) {
  aioble_ad_payload_t p = payload(BYTES("\x03\x08"
                                        "ab"),
                                  BYTES("\x04\x09"
                                        "abc"));
  aioble_bytes_t name;
  bool complete = false;

  (void) state;
  assert_true(aioble_ad_name(p, &name, &complete));
  assert_bytes(name, "abc", 3);
  assert_true(complete);
  p.rsp = none;
  assert_true(aioble_ad_name(p, &name, &complete));
  assert_bytes(name, "ab", 2);
  assert_false(complete);
}

static void an_absent_value_is_not_an_empty_one(void **state) {
  aioble_ad_payload_t empty =
      payload(BYTES("\x01\x09\x01\x01\x02\x19x\x01\x0a\x02\xffx\x01\x16"), none);
  aioble_ad_payload_t nothing = payload(none, none);
  aioble_uuid_t uuid = AIOBLE_UUID16(0);
  aioble_bytes_t bytes = {NULL, 77};
  uint16_t appearance = 77;
  uint8_t flags = 77;
  int8_t dbm = 77;
  bool complete = false;

  (void) state;
  assert_false(aioble_ad_name(nothing, &bytes, &complete));
  assert_false(complete);
  for (int i = 0; i < 2; i++) {
    aioble_ad_payload_t p = i ? empty : nothing;

    assert_false(aioble_ad_flags(p, &flags));
    assert_false(aioble_ad_appearance(p, &appearance));
    assert_false(aioble_ad_tx_power(p, &dbm));
    assert_false(aioble_ad_manufacturer(p, 0, &bytes));
    assert_false(aioble_ad_service_data(p, &uuid, &bytes));
    assert_false(aioble_ad_has_service(p, &uuid));
  }
  assert_int_equal(bytes.len, 77);
  assert_int_equal(flags, 77);
  assert_int_equal(appearance, 77);
  assert_int_equal(dbm, 77);
  assert_true(aioble_ad_name(empty, &bytes, &complete));
  assert_int_equal(bytes.len, 0);
  assert_true(complete);
}

static void values_are_read(void **state) {
  aioble_ad_payload_t p =
      payload(BYTES("\x02\x01\x06\x03\x19\x40\x03\x02\x0a\xf4"), BYTES("\x01\x19\x03\x19\x01\x02"));
  uint16_t appearance;
  uint8_t flags;
  int8_t dbm;

  (void) state;
  assert_true(aioble_ad_flags(p, &flags));
  assert_int_equal(flags, AIOBLE_AD_FLAG_GENERAL | AIOBLE_AD_FLAG_NO_BR_EDR);
  assert_true(aioble_ad_appearance(p, &appearance));
  assert_int_equal(appearance, 0x0340);
  assert_true(aioble_ad_tx_power(p, &dbm));
  assert_int_equal(dbm, -12);
  p.adv = none;
  assert_true(aioble_ad_appearance(p, &appearance)); /* the one that is too short is passed over */
  assert_int_equal(appearance, 0x0201);
}

static void services_come_by_width_and_ragged_tails_are_ignored(void **state) {
  static const char *const expected[] = {
      "180a", "180f", "181a", "181b", "12345678", "0f0e0d0c-0b0a-0908-0706-050403020100",
  };
  aioble_ad_payload_t p =
      payload(BYTES("\x12\x06\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xaa"
                    "\x04\x02\x0a\x18\x0f" /* half a UUID more */
                    "\x01\x03"             /* an empty list */
                    "\x03\x02\x0f\x18"),
              BYTES("\x06\x03\x1a\x18\x1b\x18\xff\x08\x04\x78\x56\x34\x12\x01\x02\x03"));
  aioble_ad_service_iter_t it = aioble_ad_service_iter(p);
  char text[AIOBLE_UUID_TEXT_SIZE];
  aioble_uuid_t uuid;

  (void) state;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_true(aioble_ad_service_next(&it, &uuid));
    assert_string_equal(aioble_uuid_text(&uuid, text), expected[i]);
  }
  assert_false(aioble_ad_service_next(&it, &uuid));
  assert_false(aioble_ad_service_next(&it, &uuid));
  uuid = aioble_uuid32(0x180a);
  assert_true(aioble_ad_has_service(p, &uuid));
  uuid = aioble_uuid16(0x180b);
  assert_false(aioble_ad_has_service(p, &uuid));
}

static void manufacturers_are_found_by_company(void **state) {
  aioble_ad_payload_t p =
      payload(BYTES("\x02\xff\x4c\x04\xff\x4c\x00z\x03\xff\xcd\xab"), BYTES("\x05\xff\xcd\xab"
                                                                            "12"));
  aioble_ad_iter_t it = aioble_ad_iter(p);
  aioble_ad_manufacturer_t found;
  aioble_bytes_t data;

  (void) state;
  assert_true(aioble_ad_manufacturer(p, 0x004c, &data));
  assert_bytes(data, "z", 1);
  assert_true(aioble_ad_manufacturer(p, 0xabcd, &data));
  assert_int_equal(data.len, 0); /* the first of that company, although it is empty */
  assert_false(aioble_ad_manufacturer(p, 0x4c00, &data));
  for (unsigned n = 0; n < 3; n++)
    assert_true(aioble_ad_manufacturer_next(&it, &found));
  assert_int_equal(found.company, 0xabcd);
  assert_bytes(found.data, "12", 2);
  assert_false(aioble_ad_manufacturer_next(&it, &found));
}

static void service_data_is_found_by_uuid(void **state) {
  aioble_ad_payload_t p =
      payload(BYTES("\x02\x16\x1a\x05\x16\x1a\x18yz\x06\x20\x78\x56\x34\x12q\x03\x21xx"),
              BYTES("\x12\x21\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f!"));
  aioble_ad_iter_t it = aioble_ad_iter(p);
  aioble_ad_service_data_t found;
  aioble_uuid_t uuid;
  aioble_bytes_t data;
  unsigned n = 0;

  (void) state;
  assert_int_equal(aioble_uuid_parse(&uuid, "0000181a-0000-1000-8000-00805f9b34fb"), 0);
  assert_true(aioble_ad_service_data(p, &uuid, &data));
  assert_bytes(data, "yz", 2);
  uuid = aioble_uuid32(0x12345678);
  assert_true(aioble_ad_service_data(p, &uuid, &data));
  assert_bytes(data, "q", 1);
  assert_int_equal(aioble_uuid_parse(&uuid, "0f0e0d0c-0b0a-0908-0706-050403020100"), 0);
  assert_true(aioble_ad_service_data(p, &uuid, &data));
  assert_bytes(data, "!", 1);
  while (aioble_ad_service_data_next(&it, &found))
    n++;
  assert_int_equal(n, 3);
}

static void assert_text(aioble_bytes_t raw, const char *expected) {
  char buf[200];

  assert_int_equal(aioble_ad_text(raw, buf, sizeof buf), strlen(expected));
  assert_string_equal(buf, expected);
}

static void text_is_valid_and_safe_to_print(void **state) {
  (void) state;
  assert_text(BYTES("temp-sense"), "temp-sense");
  assert_text(BYTES("W\xc3\xa4rme \xe2\x82\xac"), "W\xc3\xa4rme \xe2\x82\xac");
  assert_text(BYTES("a\xff"
                    "b"),
              "a\xef\xbf\xbd"
              "b");
  assert_text(BYTES("\x1b[2J"), "\xef\xbf\xbd[2J");
  assert_text(BYTES("a\xc2\x9b"), "a\xef\xbf\xbd"); /* a C1 control, encoded */
  assert_text(BYTES("padded\0\0\0"), "padded");
  assert_text(BYTES("\xf0\x9f\x98"), "\xef\xbf\xbd");
  assert_text(none, "");
}

static void text_is_cut_between_characters(void **state) {
  char buf[8];

  (void) state;
  for (size_t size = 0; size <= 7; size++) {
    static const char *const cut[] = {
        "", "", "a", "a", "a", "a\xe2\x82\xac", "a\xe2\x82\xac", "a\xe2\x82\xac"};

    memset(buf, '#', sizeof buf);
    assert_int_equal(aioble_ad_text(BYTES("a\xe2\x82\xac\xf0\x9f\x98\x80"), buf, size), 8);
    if (size)
      assert_string_equal(buf, cut[size]);
    for (size_t i = size; i < sizeof buf; i++)
      assert_int_equal(buf[i], '#');
  }
}

/* everything that reads, on exactly len bytes of the heap so that the sanitizer sees each step */
static void read_everything(const uint8_t *bytes, size_t adv_len, size_t rsp_len) {
  uint8_t *adv = malloc(adv_len + 1), *rsp = malloc(rsp_len + 1);
  aioble_ad_payload_t p;
  aioble_ad_service_iter_t services;
  aioble_ad_service_data_t data;
  aioble_ad_manufacturer_t maker;
  aioble_ad_iter_t it;
  aioble_uuid_t uuid;
  aioble_bytes_t found;
  char text[32];
  size_t uuids = 0, steps = 0;

  assert_non_null(adv);
  assert_non_null(rsp);
  p.adv = (aioble_bytes_t){adv + 1, adv_len};
  p.rsp = (aioble_bytes_t){rsp + 1, rsp_len};
  memcpy(adv + 1, bytes, adv_len);
  memcpy(rsp + 1, bytes + adv_len, rsp_len);
  services = aioble_ad_service_iter(p);
  while (aioble_ad_service_next(&services, &uuid)) {
    assert_true(uuid.size == 2 || uuid.size == 4 || uuid.size == 16);
    assert_true(++uuids <= (adv_len + rsp_len) / 2);
  }
  it = aioble_ad_iter(p);
  while (aioble_ad_manufacturer_next(&it, &maker))
    assert_true(++steps <= adv_len + rsp_len);
  it = aioble_ad_iter(p);
  while (aioble_ad_service_data_next(&it, &data))
    assert_true(++steps <= 2 * (adv_len + rsp_len));
  if (aioble_ad_name(p, &found, NULL)) {
    assert_true(found.len < 32);
    (void) aioble_ad_text(found, text, sizeof text);
  }
  free(adv);
  free(rsp);
}

static void any_bytes_are_survived(void **state) {
  static const uint8_t likely[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 0x16, 0x20, 0x21, 0xff, 30};
  uint8_t bytes[62];
  uint32_t random = 1;

  (void) state;
  for (int round = 0; round < 20000; round++) {
    for (size_t i = 0; i < sizeof bytes; i++) {
      random = random * 1664525u + 1013904223u;
      bytes[i] = random >> 31 ? likely[random >> 20 & 15] : (uint8_t) (random >> 16);
    }
    random = random * 1664525u + 1013904223u;
    read_everything(bytes, (random >> 20) % 32, (random >> 10) % 32);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_payloads_are_walked_in_order),
      cmocka_unit_test(a_zero_length_is_skipped),
      cmocka_unit_test(a_structure_past_the_end_ends_its_payload_only),
      cmocka_unit_test(a_255_byte_structure_is_read),
      cmocka_unit_test(a_complete_name_wins),
      cmocka_unit_test(an_absent_value_is_not_an_empty_one),
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(services_come_by_width_and_ragged_tails_are_ignored),
      cmocka_unit_test(manufacturers_are_found_by_company),
      cmocka_unit_test(service_data_is_found_by_uuid),
      cmocka_unit_test(text_is_valid_and_safe_to_print),
      cmocka_unit_test(text_is_cut_between_characters),
      cmocka_unit_test(any_bytes_are_survived),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
