/* SPDX-License-Identifier: MIT */
/*
 * aioble-radio: a virtual radio in real time. Every client that connects to one of its sockets and
 * speaks H4 gets a Bluetooth LE controller of its own on it, until it disconnects.
 */
#include "transport/h4_server.h"
#include <aioble/loop.h>
#include <aioble/virtual.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { LISTEN_MAX = 8, WHY_SIZE = 256 };

static const char help[] =
    "usage: aioble-radio --listen ADDRESS [OPTION]...\n"
    "\n"
    "A virtual Bluetooth LE radio. Each client that connects and speaks HCI in H4 framing gets a\n"
    "controller of its own; all controllers hear each other.\n"
    "\n"
    "  --listen unix:PATH       listen on a unix socket (a stale one is replaced)\n"
    "  --listen tcp:HOST:PORT   listen on a TCP port (0: any); --listen may be repeated\n"
    "  --seed N                 of everything random (default 0)\n"
    "  --no-timing              data does not wait for connection events\n"
    "  --acl-len N              longest ACL data a controller takes, 27 to 65535 (default 251)\n"
    "  --acl-count N            ACL buffers of a controller, 1 to 255 (default 8)\n"
    "  --fragment N             give ACL data to hosts in pieces of at most N (default: whole)\n"
    "  --verbose                tell what happens on stderr\n"
    "  --help                   this text\n"
    "\n"
    "Ends on SIGINT or SIGTERM. Example:\n"
    "\n"
    "  aioble-radio --listen unix:/tmp/radio &\n"
    "  temp_sensor --adapter unix:/tmp/radio &\n"
    "  temp_client --adapter unix:/tmp/radio\n";

typedef struct settings {
  const char *listen[LISTEN_MAX];
  unsigned listens;
  uint64_t seed;
  aioble_virtual_controller_options_t controller;
  bool no_timing, verbose;
} settings;

typedef struct program {
  settings set;
  uv_loop_t uv;
  aioble_virtual_radio_t *radio;
  ab_h4_server *server[LISTEN_MAX];
  unsigned servers; /* not closed yet */
  uv_signal_t sigint, sigterm;
  bool ending;
} program;

/* ---- the command line ---- */

static bool read_number(const char *option, const char *text, uint64_t min, uint64_t max,
                        uint64_t *value) {
  char *end;

  errno = 0;
  *value = strtoull(text, &end, 10);
  if (*text >= '0' && *text <= '9' && !*end && !errno && *value >= min && *value <= max)
    return true;
  (void) fprintf(stderr, "aioble-radio: --%s %s: not a number from %llu to %llu\n", option, text,
                 (unsigned long long) min, (unsigned long long) max);
  return false;
}

static bool read_listen(settings *set, const char *address) {
  if (set->listens == LISTEN_MAX) {
    (void) fprintf(stderr, "aioble-radio: more than %d times --listen\n", LISTEN_MAX);
    return false;
  }
  set->listen[set->listens++] = address;
  return true;
}

/* 0: go on; else exit with that status, less one */
static int read_options(settings *set, int argc, char **argv) {
  static const struct option options[] = {
      {"listen", required_argument, NULL, 'l'},
      {"seed", required_argument, NULL, 's'},
      {"no-timing", no_argument, NULL, 't'},
      {"acl-len", required_argument, NULL, 'a'},
      {"acl-count", required_argument, NULL, 'c'},
      {"fragment", required_argument, NULL, 'f'},
      {"verbose", no_argument, NULL, 'v'},
      {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0},
  };
  bool ok = true;
  uint64_t n = 0;
  int c, at = 0;

  while (ok && (c = getopt_long(argc, argv, "", options, &at)) != -1) {
    switch (c) {
    case 'l':
      ok = read_listen(set, optarg);
      break;
    case 's':
      ok = read_number("seed", optarg, 0, UINT64_MAX, &set->seed);
      break;
    case 't':
      set->no_timing = true;
      break;
    case 'a':
      ok = read_number("acl-len", optarg, 27, 65535, &n);
      set->controller.acl_len = (uint16_t) n;
      break;
    case 'c':
      ok = read_number("acl-count", optarg, 1, 255, &n);
      set->controller.acl_count = (uint8_t) n;
      break;
    case 'f':
      ok = read_number("fragment", optarg, 1, 65535, &n);
      set->controller.rx_fragment = (uint16_t) n;
      break;
    case 'v':
      set->verbose = true;
      break;
    case 'h':
      (void) fputs(help, stdout);
      return EXIT_SUCCESS + 1;
    default:
      ok = false;
    }
  }
  if (ok && optind == argc && set->listens)
    return 0;
  if (ok)
    (void) fputs("aioble-radio: --listen ADDRESS is needed; see --help\n", stderr);
  return EXIT_FAILURE + 1;
}

/* ---- what happens ---- */

static void tell(void *ctx, const char *text) {
  const program *p = ctx;

  if (p->set.verbose)
    (void) fprintf(stderr, "aioble-radio: %s\n", text);
}

static aioble_transport_t *new_controller(void *ctx) {
  program *p = ctx;

  return aioble_virtual_controller_new(p->radio, &p->set.controller);
}

static void on_server_closed(void *ctx) {
  program *p = ctx;

  if (!--p->servers)
    aioble_virtual_radio_free(p->radio, NULL, NULL);
}

/* servers first: the radio goes when their last controller has gone */
static void end(program *p) {
  unsigned servers = p->servers;

  if (p->ending)
    return;
  p->ending = true;
  uv_close((uv_handle_t *) &p->sigint, NULL);
  uv_close((uv_handle_t *) &p->sigterm, NULL);
  for (unsigned i = 0; i < servers; i++)
    ab_h4_server_close(p->server[i], on_server_closed, p);
  if (!servers && p->radio)
    aioble_virtual_radio_free(p->radio, NULL, NULL);
}

static void on_signal(uv_signal_t *handle, int number) {
  program *p = handle->data;

  tell(p, number == SIGINT ? "interrupted" : "terminated");
  end(p);
}

/* ---- the start ---- */

static void catch_signals(program *p) {
  (void) signal(SIGPIPE, SIG_IGN); /* of stdout */
  (void) uv_signal_init(&p->uv, &p->sigint);
  (void) uv_signal_init(&p->uv, &p->sigterm);
  p->sigint.data = p->sigterm.data = p;
  (void) uv_signal_start(&p->sigint, on_signal, SIGINT);
  (void) uv_signal_start(&p->sigterm, on_signal, SIGTERM);
}

static bool start_radio(program *p) {
  aioble_virtual_options_t options = {.seed = p->set.seed, .timing = !p->set.no_timing};

  options.loop = aioble_loop_uv(&p->uv, NULL);
  if (options.loop)
    p->radio = aioble_virtual_radio_new(&options);
  if (p->radio)
    return true;
  if (options.loop)
    options.loop->ops->close(options.loop, NULL, NULL);
  (void) fputs("aioble-radio: out of memory\n", stderr);
  return false;
}

static bool start_servers(program *p) {
  ab_h4_server_options options = {.uv = &p->uv,
                                  .ctx = p,
                                  .controller = new_controller,
                                  .hold = aioble_virtual_controller_hold,
                                  .log = tell};
  char why[WHY_SIZE];

  for (unsigned i = 0; i < p->set.listens; i++) {
    options.address = p->set.listen[i];
    if (ab_h4_server_new(&options, &p->server[i], why, sizeof why)) {
      (void) fprintf(stderr, "aioble-radio: %s\n", why);
      return false;
    }
    p->servers++;
  }
  for (unsigned i = 0; i < p->servers; i++)
    (void) printf("listening on %s\n", ab_h4_server_address(p->server[i]));
  (void) fflush(stdout);
  return true;
}

int main(int argc, char **argv) {
  program p = {.servers = 0};
  int status = read_options(&p.set, argc, argv);
  bool started;

  if (status)
    return status - 1;
  if (uv_loop_init(&p.uv))
    return EXIT_FAILURE;
  catch_signals(&p);
  started = start_radio(&p) && start_servers(&p);
  if (!started)
    end(&p);
  (void) uv_run(&p.uv, UV_RUN_DEFAULT);
  return uv_loop_close(&p.uv) || !started ? EXIT_FAILURE : EXIT_SUCCESS;
}
