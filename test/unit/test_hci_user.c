/* SPDX-License-Identifier: MIT */
/*
 * What can be said without an adapter: that each error helps. Adapters that are there, busy,
 * pulled out or blocked are test/interop's, in a virtual machine.
 */
#include "transport/hci_user.h"

#include "transport/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool kernel_has_bluetooth(void) {
  int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, 1);

  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static void no_such_adapter_is_told_by_its_name(void **state) {
  ab_transport_options options = {0};
  aioble_transport_t *t;
  const char *why = NULL;
  int err;

  (void) state;
  assert_int_equal(ab_transport_named("hci4711", &options, &t, NULL, 0), 0);
  err = t->ops->open(t, NULL, NULL, &why);
  assert_non_null(why);
  assert_non_null(strstr(why, "hci4711"));
  if (err == AIOBLE_ENOTSUP) { /* hci_user_none.c */
    assert_non_null(strstr(why, "AIOBLE_WITH_HCI_SOCKET"));
  } else if (kernel_has_bluetooth()) {
    assert_int_equal(err, AIOBLE_ENODEV);
    assert_non_null(strstr(why, "no such adapter; there "));
  } else {
    assert_int_equal(err, AIOBLE_EAFNOSUPPORT);
    assert_non_null(strstr(why, "aioble-radio --listen unix:/tmp/radio"));
  }
  t->ops->destroy(t);
}

static void without_adapters_the_first_one_names_the_virtual_radio(void **state) {
  ab_transport_options options = {0};
  aioble_transport_t *t = NULL;
  char why[256] = "";
  int err = ab_transport_first_hci(&options, &t, why, sizeof why);

  (void) state;
  if (err == 0) { /* this machine has one; it is not touched */
    t->ops->destroy(t);
    skip();
  }
  if (err != AIOBLE_ENOTSUP)
    assert_int_equal(err, kernel_has_bluetooth() ? AIOBLE_ENODEV : AIOBLE_EAFNOSUPPORT);
  assert_null(t);
  assert_non_null(strstr(why, "run `aioble-radio --listen unix:/tmp/radio` and use the adapter "
                              "unix:/tmp/radio"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_such_adapter_is_told_by_its_name),
      cmocka_unit_test(without_adapters_the_first_one_names_the_virtual_radio),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
