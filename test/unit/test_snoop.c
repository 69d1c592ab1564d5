/* SPDX-License-Identifier: MIT */
#include "transport/snoop.h"
#include "util/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t reset[] = {1, 0x03, 0x0c, 0};
static const uint8_t reset_complete[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
static const uint8_t acl[] = {2, 0x40, 0x20, 3, 0, 'a', 'b', 'c'};

static char path[] = "/tmp/test_snoop.XXXXXX";

static int make_path(void **state) {
  int fd = mkstemp(path);

  (void) state;
  return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state) {
  (void) state;
  return unlink(path);
}

static size_t read_file(uint8_t *buf, size_t size) {
  FILE *file = fopen(path, "rb");
  size_t len = fread(buf, 1, size, file);

  fclose(file);
  return len;
}

static void a_capture_is_btsnoop_for_h4(void **state) {
  static const uint8_t expected[] = {
      'b', 't', 's', 'n', 'o', 'o', 'p', 0, 0, 0, 0, 1, 0, 0, 0x03, 0xea,
      /* sent, a command, at 2000-01-01 00:00:00.000001 */
      0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0x00, 0xe0, 0x3a, 0xb4, 0x4a, 0x67, 0x60, 1,
      1, 0x03, 0x0c, 0,
      /* received, an event, one microsecond later */
      0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 0, 0x00, 0xe0, 0x3a, 0xb4, 0x4a, 0x67, 0x60, 2,
      4, 0x0e, 4, 1, 0x03, 0x0c, 0,
      /* sent, data */
      0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xe0, 0x3a, 0xb4, 0x4a, 0x67, 0x60, 3,
      2, 0x40, 0x20, 3, 0, 'a', 'b', 'c',
      /* received, data */
      0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0x00, 0xe0, 0x3a, 0xb4, 0x4a, 0x67, 0x60, 4,
      2, 0x40, 0x20, 3, 0, 'a', 'b', 'c'};
  const int64_t y2k_us = INT64_C(946684800000000);
  uint8_t got[sizeof expected + 1];
  ab_snoop *s;

  (void) state;
  assert_int_equal(ab_snoop_open(path, NULL, &s, NULL, 0), 0);
  ab_snoop_record(s, AB_SNOOP_SENT, reset, sizeof reset, y2k_us + 1);
  ab_snoop_record(s, AB_SNOOP_RECEIVED, reset_complete, sizeof reset_complete, y2k_us + 2);
  ab_snoop_record(s, AB_SNOOP_SENT, acl, sizeof acl, y2k_us + 3);
  ab_snoop_record(s, AB_SNOOP_RECEIVED, acl, sizeof acl, y2k_us + 4);
  assert_int_equal(ab_snoop_close(s), 0);
  assert_int_equal(read_file(got, sizeof got), sizeof expected);
  assert_memory_equal(got, expected, sizeof expected);
}

static void a_flushed_capture_can_be_read_while_it_grows(void **state) {
  uint8_t got[64];
  ab_snoop *s;

  (void) state;
  assert_int_equal(ab_snoop_open(path, NULL, &s, NULL, 0), 0);
  ab_snoop_record(s, AB_SNOOP_SENT, reset, sizeof reset, 0);
  assert_int_equal(read_file(got, sizeof got), 0);
  ab_snoop_flush(s);
  assert_int_equal(read_file(got, sizeof got), 16 + 24 + sizeof reset);
  assert_int_equal(ab_snoop_close(s), 0);
}

static void a_failed_flush_is_told_by_close(void **state) {
  ab_snoop *s;

  (void) state;
  assert_int_equal(ab_snoop_open("/dev/full", NULL, &s, NULL, 0), 0);
  ab_snoop_flush(s);
  assert_int_equal(ab_snoop_close(s), AIOBLE_EIO);
}

static void an_older_capture_is_replaced(void **state) {
  uint8_t got[64];
  ab_snoop *s;

  (void) state;
  assert_int_equal(ab_snoop_open(path, NULL, &s, NULL, 0), 0);
  ab_snoop_record(s, AB_SNOOP_SENT, reset, 0, 0); /* nothing is not a packet */
  assert_int_equal(ab_snoop_close(s), 0);
  assert_int_equal(read_file(got, sizeof got), 16);
}

static void a_new_capture_is_for_its_owner_only(void **state) {
  struct stat st;
  ab_snoop *s;

  (void) state;
  unlink(path);
  assert_int_equal(ab_snoop_open(path, NULL, &s, NULL, 0), 0);
  assert_int_equal(ab_snoop_close(s), 0);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_file_that_cannot_be_made_is_told_with_its_name(void **state) {
  char why[256] = "";
  ab_snoop *s = NULL;

  (void) state;
  assert_int_equal(ab_snoop_open("/no/such/folder/x", NULL, &s, why, sizeof why), AIOBLE_ENOENT);
  assert_null(s);
  assert_non_null(strstr(why, "/no/such/folder/x"));
}

static void a_full_disk_is_told_by_close(void **state) {
  ab_snoop *s;

  (void) state;
  assert_int_equal(ab_snoop_open("/dev/full", NULL, &s, NULL, 0), 0);
  for (unsigned i = 0; i < 10000; i++)
    ab_snoop_record(s, AB_SNOOP_SENT, reset, sizeof reset, i);
  assert_int_equal(ab_snoop_close(s), AIOBLE_EIO);
}

static void no_capture_takes_everything(void **state) {
  (void) state;
  ab_snoop_record(NULL, AB_SNOOP_SENT, reset, sizeof reset, 0);
  ab_snoop_flush(NULL);
  assert_int_equal(ab_snoop_close(NULL), 0);
}

static void *no_alloc(void *ctx, size_t size) {
  (void) ctx;
  (void) size;
  return NULL;
}

static void out_of_memory_is_told(void **state) {
  aioble_allocator_t none = ab_libc_allocator;
  ab_snoop *s;

  (void) state;
  none.alloc = no_alloc;
  assert_int_equal(ab_snoop_open(path, &none, &s, NULL, 0), AIOBLE_ENOMEM);
  assert_null(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_capture_is_btsnoop_for_h4),
      cmocka_unit_test(a_flushed_capture_can_be_read_while_it_grows),
      cmocka_unit_test(a_failed_flush_is_told_by_close),
      cmocka_unit_test(an_older_capture_is_replaced),
      cmocka_unit_test(a_new_capture_is_for_its_owner_only),
      cmocka_unit_test(a_file_that_cannot_be_made_is_told_with_its_name),
      cmocka_unit_test(a_full_disk_is_told_by_close),
      cmocka_unit_test(no_capture_takes_everything),
      cmocka_unit_test(out_of_memory_is_told),
  };

  return cmocka_run_group_tests(tests, make_path, remove_path);
}
