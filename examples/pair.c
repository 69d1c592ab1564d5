/* SPDX-License-Identifier: MIT */
/*
 * Pairs with a device, given by its name or address; or advertises that name, and pairs with
 * whoever connects. Passkeys are shown, and asked for, on the terminal.
 *
 *   pair [--adapter NAME] [--io IO] [--secure] [--advertise] DEVICE
 *
 * IO: display, display-yesno, keyboard, none, or keyboard-display, which is the default.
 * --secure: by LE Secure Connections, or not at all.
 */
#include "example.h"
#include "prompt.h"

/* an op that has the connection to it, or the error of the search */
static aioble_op_t *find(aioble_t *ble, const char *wanted) {
  aioble_scan_t *scan =
      aioble_scan(ble, &(aioble_scan_options_t){.duration_ms = 20000, .active = true});
  char addr[AIOBLE_ADDR_TEXT_SIZE], name[64];
  aioble_device_t *device = NULL;
  aioble_op_t *op;

  while (!device && aioble_op_await(op = aioble_scan_next(scan)) == 0) {
    aioble_scan_result_t *found = aioble_op_scan_result(op);

    (void) aioble_scan_result_name(found, name, sizeof name);
    (void) aioble_addr_text(aioble_scan_result_addr(found), addr);
    if (!strcmp(name, wanted) || !strcasecmp(addr, wanted))
      device = aioble_scan_result_device(found);
    aioble_op_unref(op);
  }
  aioble_op_finish(aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  if (device)
    op = aioble_device_connect(device, NULL);
  aioble_device_unref(device);
  return op;
}

/* from either side: the peripheral asks the central for it */
static int secure(aioble_conn_t *conn) {
  aioble_op_t *op = aioble_conn_pair(conn, NULL);
  aioble_conn_security_t s;
  int status;

  aioble_op_set_timeout(op, AIOBLE_FOREVER); /* whoever is asked has the protocol's 30 s */
  status = example_await("pair", op);
  aioble_op_unref(op);
  s = aioble_conn_security(conn);
  if (status == 0)
    printf("%s, %s, %s, a key of %u octets\n", s.bonded ? "bonded" : "paired",
           s.authenticated ? "authenticated" : "not authenticated",
           s.secure_connections ? "LE Secure Connections" : "legacy pairing", s.key_size);
  return status;
}

static int run(aioble_t *ble, const char *name, bool advertise) {
  aioble_advertise_options_t options = {.fields = {.name = name}};
  aioble_op_t *op = advertise ? aioble_advertise(ble, &options) : find(ble, name);
  int status = example_await(name, op);

  if (status == AIOBLE_EOF)
    (void) fprintf(stderr, "%s: not found\n", name);
  if (status == 0)
    status = secure(aioble_op_conn(op));
  if (status == 0 && advertise)
    status = aioble_op_finish(aioble_conn_disconnected(aioble_op_conn(op)));
  aioble_op_unref(op);
  return status;
}

int main(int argc, char **argv) {
  const char *adapter = NULL, *io = "keyboard-display";
  int advertise = 0, only_secure = 0, c, status = AIOBLE_EINVAL;
  const struct option options[] = {{"adapter", required_argument, NULL, 'a'},
                                   {"io", required_argument, NULL, 'i'},
                                   {"secure", no_argument, &only_secure, 1},
                                   {"advertise", no_argument, &advertise, 1},
                                   {NULL, 0, NULL, 0}};
  struct prompt prompt;
  uv_loop_t loop;
  aioble_t *ble;

  while ((c = getopt_long(argc, argv, "", options, NULL)) == 'a' || c == 'i' || c == 0) {
    adapter = c == 'a' ? optarg : adapter;
    io = c == 'i' ? optarg : io;
  }
  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  prompt_open(&prompt, &loop);
  aioble_set_on_prompt(ble, prompt_ask, &prompt);
  aioble_config_set(ble, "le_secure", only_secure ? "true" : "false");
  aioble_config_set(ble, "mitm", strcmp(io, "none") ? "true" : "false");
  if (c < 0 && optind + 1 == argc && aioble_config_set(ble, "io", io) == 0)
    status = run(ble, argv[optind], advertise);
  else
    (void) fprintf(stderr, "usage: %s [--adapter NAME] [--io IO] [--secure] [--advertise] DEVICE\n",
                   argv[0]);
  prompt_close(&prompt);
  return example_end(ble, &loop, status);
}
