/* SPDX-License-Identifier: MIT */
#include "peer_commands.h"

#include <stdio.h>
#include <string.h>

const char *peer_word(char **arguments) {
  const char *word = strtok_r(*arguments, " ", arguments);

  return word ? word : "";
}

static void quit(peer_commands_t *c) {
  uv_close((uv_handle_t *) &c->input, NULL);
  aioble_op_unref(aioble_close(c->ble));
}

static void obey(peer_commands_t *c, char *line) {
  char *rest = line;
  const char *name = peer_word(&rest);

  if (strcmp(name, "quit") == 0) {
    quit(c);
    return;
  }
  for (const peer_command_t *row = c->table; row->name; row++)
    if (strcmp(row->name, name) == 0) {
      row->run(c->user, rest);
      return;
    }
  printf("no such command: %s\n", name);
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  peer_commands_t *c = handle->data;

  (void) size;
  *buf = uv_buf_init(c->line + c->len, (unsigned) (sizeof c->line - c->len));
}

/* A line that does not fit ends it, too: then there is no room, and n says so. */
static void on_input(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  peer_commands_t *c = stream->data;
  char *end;

  (void) buf;
  if (n < 0) {
    printf("no more commands: %s\n", uv_strerror((int) n));
    quit(c);
    return;
  }
  c->len += (size_t) n;
  while ((end = memchr(c->line, '\n', c->len)) != NULL) {
    *end++ = '\0';
    obey(c, c->line);
    c->len -= (size_t) (end - c->line);
    memmove(c->line, end, c->len);
  }
}

void peer_commands_start(peer_commands_t *c, uv_loop_t *loop, const peer_command_t *table,
                         aioble_t *ble, void *user) {
  (void) setvbuf(stdout, NULL, _IOLBF, 0);
  c->table = table;
  c->ble = ble;
  c->user = user;
  uv_pipe_init(loop, &c->input, 0);
  c->input.data = c;
  uv_pipe_open(&c->input, 0);
  uv_read_start((uv_stream_t *) &c->input, give_room, on_input);
}
