/* SPDX-License-Identifier: MIT */
/* Serial lines, played by pseudo-terminals. */
#include "helpers/record_sink.h"
#include "transport/transport_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t event[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
static const uint8_t hardware_error[] = {4, 0x10, 1, 0};

typedef struct fixture {
  uv_loop_t uv;
  int far;       /* the other end of the line */
  char path[64]; /* this end */
  aioble_transport_t *t;
  record_sink sink;
} fixture;

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_int_equal(uv_loop_init(&f->uv), 0);
  f->far = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  assert_true(f->far >= 0);
  assert_int_equal(grantpt(f->far) || unlockpt(f->far), 0);
  assert_int_equal(ptsname_r(f->far, f->path, sizeof f->path), 0);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;

  if (f->t)
    f->t->ops->destroy(f->t);
  record_sink_reset(&f->sink);
  if (f->far >= 0)
    close(f->far);
  assert_false(uv_run(&f->uv, UV_RUN_NOWAIT));
  assert_int_equal(uv_loop_close(&f->uv), 0);
  free(f);
  return 0;
}

/* options: what follows the path */
static int open_line(fixture *f, const char *options) {
  const ab_transport_options with = {.uv = &f->uv};
  char name[128];

  (void) snprintf(name, sizeof name, "serial:%s%s", f->path, options);
  assert_int_equal(ab_transport_named(name, &with, &f->t, NULL, 0), 0);
  return record_sink_open(&f->sink, f->t);
}

static void close_line(fixture *f) {
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
}

static void far_sends(fixture *f, const void *bytes, size_t len) {
  assert_int_equal(write(f->far, bytes, len), len);
}

static void every_octet_passes_unchanged(void **state) {
  fixture *f = *state;
  uint8_t packet[255] = {2, 0, 0, 250, 0}, got[300];

  for (unsigned i = 5; i < 255; i++)
    packet[i] = (uint8_t) (i - 5); /* XON, XOFF, ^C, \r and \n among them */
  assert_int_equal(open_line(f, ""), 0);
  far_sends(f, packet, 255);
  RUN_UNTIL(&f->uv, f->sink.packets);
  assert_int_equal(f->sink.len, 255);
  assert_memory_equal(f->sink.bytes, packet, 255);
  assert_int_equal(record_sink_send(&f->sink, packet, 255), 0);
  record_sink_flush(&f->sink);
  assert_int_equal(read(f->far, got, sizeof got), 255);
  assert_memory_equal(got, packet, 255);
  assert_int_equal(read(f->far, got, sizeof got), -1); /* no echo, no translation */
  close_line(f);
}

static void the_rate_and_flow_control_are_set(void **state) {
  fixture *f = *state;
  struct termios tio;

  assert_int_equal(open_line(f, ",921600,flow"), 0);
  assert_int_equal(tcgetattr(f->far, &tio), 0);
  assert_int_equal(cfgetospeed(&tio), B921600);
  assert_int_equal(cfgetispeed(&tio), B921600);
  assert_true(tio.c_cflag & CRTSCTS);
  assert_int_equal(tio.c_cflag & CSIZE, CS8);
  assert_false(tio.c_cflag & (PARENB | CSTOPB));
  assert_false(tio.c_iflag & (IXON | IXOFF | ICRNL));
  close_line(f);
}

static void the_default_is_115200_without_flow_control(void **state) {
  fixture *f = *state;
  struct termios tio;

  assert_int_equal(open_line(f, ""), 0);
  assert_int_equal(tcgetattr(f->far, &tio), 0);
  assert_int_equal(cfgetospeed(&tio), B115200);
  assert_false(tio.c_cflag & CRTSCTS);
  close_line(f);
}

static void a_rate_that_does_not_exist_is_told(void **state) {
  fixture *f = *state;

  assert_int_equal(open_line(f, ",123456"), AIOBLE_EINVAL);
  assert_non_null(strstr(f->sink.why, "123456"));
}

static void what_was_there_before_is_thrown_away(void **state) {
  fixture *f = *state;
  int before = open(f->path, O_RDWR | O_NOCTTY);

  far_sends(f, "old\n", 4);
  assert_int_equal(open_line(f, ""), 0);
  close(before);
  far_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets);
  assert_memory_equal(f->sink.bytes, event, sizeof event);
  close_line(f);
}

static void noise_tells_a_hardware_error_and_a_reset_ends_it(void **state) {
  fixture *f = *state;

  assert_int_equal(open_line(f, ""), 0);
  far_sends(f, "\x55\xaa", 2);
  RUN_UNTIL(&f->uv, f->sink.packets);
  assert_int_equal(f->sink.len, sizeof hardware_error);
  assert_memory_equal(f->sink.bytes, hardware_error, sizeof hardware_error);
  assert_int_equal(f->sink.batches, 1);
  far_sends(f, "\x04\x3e\x00", 3);
  far_sends(f, event, sizeof event);
  far_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets == 3);
  assert_int_equal(f->sink.len, sizeof hardware_error + 2 * sizeof event);
  assert_memory_equal(f->sink.bytes + sizeof hardware_error, event, sizeof event);
  assert_int_equal(f->sink.losts, 0);
  close_line(f);
}

static void a_line_pulled_out_is_lost(void **state) {
  fixture *f = *state;

  assert_int_equal(open_line(f, ""), 0);
  close(f->far);
  f->far = -1;
  RUN_UNTIL(&f->uv, f->sink.losts);
  assert_int_equal(f->sink.lost_status, AIOBLE_ENODEV);
  assert_non_null(strstr(f->sink.why, f->path));
  close_line(f);
}

static void the_line_can_be_opened_again(void **state) {
  fixture *f = *state;

  assert_int_equal(open_line(f, ""), 0);
  close_line(f);
  record_sink_reset(&f->sink);
  assert_int_equal(record_sink_open(&f->sink, f->t), 0);
  far_sends(f, event, sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets);
  close_line(f);
}

static void a_line_that_is_not_there_is_told(void **state) {
  fixture *f = *state;

  strcpy(f->path, "/dev/no-such-line");
  assert_int_equal(open_line(f, ""), AIOBLE_ENOENT);
  assert_non_null(strstr(f->sink.why, "serial:/dev/no-such-line"));
  assert_non_null(strstr(f->sink.why, "plugged in"));
}

static void a_file_is_no_line(void **state) {
  fixture *f = *state;

  strcpy(f->path, "/dev/null");
  assert_true(open_line(f, "") < 0);
  assert_non_null(strstr(f->sink.why, "not a serial line"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(every_octet_passes_unchanged),
      TEST(the_rate_and_flow_control_are_set),
      TEST(the_default_is_115200_without_flow_control),
      TEST(a_rate_that_does_not_exist_is_told),
      TEST(what_was_there_before_is_thrown_away),
      TEST(noise_tells_a_hardware_error_and_a_reset_ends_it),
      TEST(a_line_pulled_out_is_lost),
      TEST(the_line_can_be_opened_again),
      TEST(a_line_that_is_not_there_is_told),
      TEST(a_file_is_no_line),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
