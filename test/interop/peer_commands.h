/* SPDX-License-Identifier: MIT */
/* What a scenario tells a program on stdin: a command a line, each answered on stdout. */
#ifndef PEER_COMMANDS_H
#define PEER_COMMANDS_H

#include <uv.h>

typedef struct peer_command {
  const char *name;
  void (*run)(void *user, char *arguments);
} peer_command_t;

typedef struct peer_commands {
  const peer_command_t *table; /* ends with a row without a name */
  void *user;                  /* given to each */
  uv_pipe_t input;
  char line[1152];
  size_t len;
} peer_commands_t;

/* Also makes stdout a line at a time. The end of input is the command "quit". */
void peer_commands_start(peer_commands_t *commands, uv_loop_t *loop, const peer_command_t *table,
                         void *user);
/* Takes no more: for the one that ends the program. */
void peer_commands_stop(peer_commands_t *commands);
/* The next word of what is left, which is moved behind it; "": there is none. */
const char *peer_word(char **arguments);

#endif
