/* SPDX-License-Identifier: MIT */
/* A program of somebody else's: built against the installed library, with pkg-config alone. */
#include <aioble.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static int check(const char *what, int ok) {
  printf("%s: %s\n", what, ok ? "yes" : "NO");
  return ok;
}

int main(void) {
  const aioble_options_t options = {.adapter = "unix:/nonexistent/radio", .store = ""};
  uv_loop_t *loop = uv_default_loop();
  aioble_t *ble = aioble_new(loop, &options);
  aioble_op_t *open = aioble_open(ble);
  int err = aioble_op_await(open);
  int ok = check("opening a radio that is not there fails", err < 0);

  printf("  %s (%s): %s\n", aioble_err_name(err), aioble_strerror(err), aioble_op_message(open));
  ok &= check("with a message that names it", strstr(aioble_op_message(open), "radio") != NULL);
  aioble_op_unref(open);
  ok &= check("the stack closes", aioble_op_finish(aioble_close(ble)) == 0);
  aioble_unref(ble);
  ok &= check("the loop is empty", uv_loop_close(loop) == 0);
  return ok ? 0 : 1;
}
