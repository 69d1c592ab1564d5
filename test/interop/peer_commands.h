/* SPDX-License-Identifier: MIT */
/* What a scenario tells a program on stdin: a command a line, each answered on stdout. */
#ifndef PEER_COMMANDS_H
#define PEER_COMMANDS_H

#include <aioble/core.h>
#include <uv.h>

typedef struct peer_command {
  const char *name;
  void (*run)(void *user, char *arguments);
} peer_command_t;

typedef struct peer_commands {
  const peer_command_t *table; /* ends with a row without a name */
  aioble_t *ble;
  void *user; /* given to each */
  uv_pipe_t input;
  char line[1152];
  size_t len;
} peer_commands_t;

/* Also makes stdout a line at a time. "quit", or the end of input, closes the stack, and nothing
   more is taken: then the loop ends. */
void peer_commands_start(peer_commands_t *commands, uv_loop_t *loop, const peer_command_t *table,
                         aioble_t *ble, void *user);
/* The next word of what is left, which is moved behind it; "": there is none. */
const char *peer_word(char **arguments);

#endif
