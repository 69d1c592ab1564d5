/* SPDX-License-Identifier: MIT */
#include "transport/transport_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* the target of a name, whose text is a copy that lives until the next call */
static const ab_target *parse(const char *name) {
  static char text[256];
  static ab_target target;

  (void) snprintf(text, sizeof text, "%s", name);
  return ab_target_parse(text, &target) ? &target : NULL;
}

static void numbers_are_read(void **state) {
  (void) state;
  assert_int_equal(parse("hci0")->number, 0);
  assert_int_equal(parse("hci12")->number, 12);
  assert_int_equal(parse("fd:3")->number, 3);
}

static void paths_are_taken_as_they_are(void **state) {
  (void) state;
  assert_string_equal(parse("unix:/tmp/a,b:c")->path, "/tmp/a,b:c");
  assert_string_equal(parse("unix:radio")->path, "radio");
}

static void hosts_and_ports_are_told_apart(void **state) {
  const ab_target *target;

  (void) state;
  target = parse("tcp:localhost:1234");
  assert_string_equal(target->host, "localhost");
  assert_string_equal(target->port, "1234");
  target = parse("tcp:[::1]:65535");
  assert_string_equal(target->host, "::1");
  assert_string_equal(target->port, "65535");
}

static void serial_lines_have_a_rate_and_perhaps_flow_control(void **state) {
  const ab_target *target;

  (void) state;
  target = parse("serial:/dev/ttyACM0");
  assert_string_equal(target->path, "/dev/ttyACM0");
  assert_int_equal(target->baud, 115200);
  assert_false(target->flow);
  target = parse("serial:/dev/ttyS0,1000000");
  assert_string_equal(target->path, "/dev/ttyS0");
  assert_int_equal(target->baud, 1000000);
  assert_false(target->flow);
  target = parse("serial:/dev/ttyS0,9600,flow");
  assert_string_equal(target->path, "/dev/ttyS0");
  assert_int_equal(target->baud, 9600);
  assert_true(target->flow);
  target = parse("serial:/dev/ttyS0,flow");
  assert_int_equal(target->baud, 115200);
  assert_true(target->flow);
}

static void anything_else_is_an_error_that_lists_the_forms(void **state) {
  static const char *const bad[] = {
      "",
      "hci",
      "hci-1",
      "hci0x",
      "hci65535",
      "hci 1",
      "HCI0",
      "fd:",
      "fd:-1",
      "fd:1 ",
      "unix:",
      "unix",
      "tcp:",
      "tcp:host",
      "tcp:host:",
      "tcp::1",
      "tcp:h:1:2",
      "tcp:h:65536",
      "tcp:[::1]",
      "tcp:[]:1",
      "tcp:[::1:1",
      "serial:",
      "serial:,9600",
      "serial:/dev/x,",
      "serial:/dev/x,fast",
      "usb:0",
      "serial:/dev/x,9600,flow,flow",
      "serial:/dev/x,flow,9600",
      "fd:99999999999999999999",
      "serial:/dev/x,9600,9600",
      "/dev/ttyUSB0",
  };
  ab_transport_options options = {0};
  char why[AB_WHY_SIZE];

  (void) state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    aioble_transport_t *t = (void *) why;

    why[0] = '\0';
    assert_int_equal(ab_transport_named(bad[i], &options, &t, why, sizeof why), AIOBLE_EINVAL);
    assert_null(t);
    assert_ptr_equal(strstr(why, bad[i]), why);
    assert_non_null(strstr(why, "hci0"));
    assert_non_null(strstr(why, "unix:PATH"));
    assert_non_null(strstr(why, "tcp:HOST:PORT"));
    assert_non_null(strstr(why, "serial:PATH[,BAUD][,flow]"));
    assert_non_null(strstr(why, "fd:N"));
  }
}

static void a_name_alone_opens_nothing(void **state) {
  static const char *const good[] = {"hci77", "fd:777", "unix:/no/such", "tcp:no.such.host:1",
                                     "serial:/no/such"};
  ab_transport_options options = {0}; /* no loop: nothing is touched */
  aioble_transport_t *t;

  (void) state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(ab_transport_named(good[i], &options, &t, NULL, 0), 0);
    assert_int_equal(t->ops->send(t, (const uint8_t *) "", 1), AIOBLE_ENODEV);
    t->ops->flush(t);
    t->ops->destroy(t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_read),
      cmocka_unit_test(paths_are_taken_as_they_are),
      cmocka_unit_test(hosts_and_ports_are_told_apart),
      cmocka_unit_test(serial_lines_have_a_rate_and_perhaps_flow_control),
      cmocka_unit_test(anything_else_is_an_error_that_lists_the_forms),
      cmocka_unit_test(a_name_alone_opens_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
