/* SPDX-License-Identifier: MIT */
/*
 * The devices that an adapter has bonds with; or deletes one of these bonds, or all:
 *
 *   bonds [--adapter NAME | --store FILE] [--delete ADDRESS | --delete all]
 *
 * With a state file no adapter is needed.
 */
#include "example.h"

enum { BONDS = 1024 };

static void print(const aioble_bond_t *bond) {
  char addr[AIOBLE_ADDR_TEXT_SIZE];

  printf("%s %s, %s, %s, a key of %u octets%s\n", aioble_addr_text(&bond->addr, addr),
         bond->addr.type == AIOBLE_ADDR_PUBLIC ? "public" : "random",
         bond->authenticated ? "authenticated" : "not authenticated",
         bond->secure_connections ? "LE Secure Connections" : "legacy pairing", bond->key_size,
         bond->private_addresses ? ", may use private addresses" : "");
}

static bool is_wanted(const aioble_bond_t *bond, const char *wanted) {
  char addr[AIOBLE_ADDR_TEXT_SIZE];

  return !strcmp(wanted, "all") || !strcasecmp(aioble_addr_text(&bond->addr, addr), wanted);
}

/* wanted: of which the bond is to be deleted; NULL: of none */
static int run(aioble_t *ble, const char *wanted) {
  static aioble_bond_t bonds[BONDS];
  size_t n = aioble_bonds(ble, bonds, BONDS), deleted = 0;
  int status = 0;

  for (size_t i = 0; i < n && i < BONDS && status == 0; i++) {
    if (wanted && !is_wanted(&bonds[i], wanted))
      continue;
    if (wanted) {
      status = aioble_bond_delete(ble, &bonds[i].addr);
      printf("%s ", status == 0 ? "deleted" : aioble_strerror(status));
      deleted++;
    }
    print(&bonds[i]);
  }
  if (wanted && !deleted)
    (void) fprintf(stderr, "no bond with %s\n", wanted);
  return wanted && !deleted ? AIOBLE_ENOENT : status;
}

/* whose state file it is, is only known when the adapter is open */
static int open_adapter(aioble_t *ble) {
  aioble_op_t *op = aioble_open(ble);
  int status = example_await("open", op);

  aioble_op_unref(op);
  return status;
}

static aioble_t *of_file(uv_loop_t *loop, const char *store) {
  aioble_t *ble = aioble_new(
      loop, &(aioble_options_t){.store = store, .log = example_log, .log_level = AIOBLE_LOG_WARN});

  if (!ble)
    abort();
  return ble;
}

int main(int argc, char **argv) {
  const char *adapter = NULL, *store = NULL, *wanted = NULL;
  const struct option options[] = {{"adapter", required_argument, NULL, 'a'},
                                   {"store", required_argument, NULL, 's'},
                                   {"delete", required_argument, NULL, 'd'},
                                   {NULL, 0, NULL, 0}};
  uv_loop_t loop;
  aioble_t *ble;
  int c, status;

  while ((c = getopt_long(argc, argv, "", options, NULL)) == 'a' || c == 's' || c == 'd') {
    adapter = c == 'a' ? optarg : adapter;
    store = c == 's' ? optarg : store;
    wanted = c == 'd' ? optarg : wanted;
  }
  if (c >= 0 || optind < argc) {
    (void) fprintf(stderr,
                   "usage: %s [--adapter NAME | --store FILE] "
                   "[--delete ADDRESS | --delete all]\n",
                   argv[0]);
    return 2;
  }
  uv_loop_init(&loop);
  ble = store ? of_file(&loop, store) : example_new(&loop, adapter);
  status = store ? 0 : open_adapter(ble);
  if (status == 0)
    status = run(ble, wanted);
  return example_end(ble, &loop, status);
}
