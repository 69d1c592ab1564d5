/* SPDX-License-Identifier: MIT */
/* What the examples share: options of the command line, an adapter, an orderly end. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <aioble.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* "--adapter NAME" and one option more, "--NAME N", a number; returns it, or its default. What is
   left of the command line is at argv[optind]. */
static inline long example_args(int argc, char **argv, const char *usage, const char *number_name,
                                long number, const char **adapter) {
  const struct option options[] = {{"adapter", required_argument, NULL, 'a'},
                                   {number_name, required_argument, NULL, 'n'},
                                   {"help", no_argument, NULL, 'h'},
                                   {NULL, 0, NULL, 0}};
  int c;

  while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
    if (c == 'a')
      *adapter = optarg;
    else if (c == 'n')
      number = strtol(optarg, NULL, 10);
    else {
      (void) fprintf(c == 'h' ? stdout : stderr, "usage: %s [--adapter NAME] %s\n", argv[0], usage);
      exit(c == 'h' ? 0 : 2);
    }
  }
  return number;
}

static inline void example_log(void *user, int level, const char *text) {
  (void) user;
  (void) level;
  (void) fprintf(stderr, "[aioble] %s\n", text);
}

static inline void example_lost(aioble_t *ble, int status, const char *why, void *user) {
  (void) ble;
  (void) user;
  (void) fprintf(stderr, "adapter lost: %s\n", *why ? why : aioble_strerror(status));
}

static inline aioble_t *example_new(uv_loop_t *loop, const char *adapter) {
  aioble_t *ble = aioble_new(loop, &(aioble_options_t){.adapter = adapter,
                                                       .log = example_log,
                                                       .log_level = AIOBLE_LOG_WARN,
                                                       .on_lost = example_lost});

  if (!ble)
    abort();
  (void) setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe, a line at a time */
  return ble;
}

/* awaits an op, says what went wrong, and keeps the op */
static inline int example_await(const char *what, aioble_op_t *op) {
  int status = aioble_op_await(op);

  if (status < 0 && status != AIOBLE_EOF)
    (void) fprintf(stderr, "%s: %s\n", what, aioble_op_message(op));
  return status;
}

/* closes the adapter and the loop; the program's exit status */
static inline int example_end(aioble_t *ble, uv_loop_t *loop, int status) {
  aioble_op_finish(aioble_close(ble));
  aioble_unref(ble);
  if (uv_loop_close(loop) != 0)
    (void) fprintf(stderr, "the loop still has handles\n");
  return status < 0 ? 1 : 0;
}

#endif
