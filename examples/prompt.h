/* SPDX-License-Identifier: MIT */
/* The user's part in pairing, on a terminal or through a pipe, while the loop goes on. */
#ifndef PROMPT_H
#define PROMPT_H

#include <aioble.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct prompt {
  uv_poll_t input;
  bool open; /* there is somebody to be asked */
  aioble_conn_t *conn;
  aioble_prompt_t kind;
  char line[32]; /* what has been typed */
  size_t len;
};

/* NULL: nobody will type anything any more */
static inline void prompt_answer(struct prompt *p, const char *line) {
  bool enter = line && p->kind == AIOBLE_PROMPT_ENTER, yes = line && *line == 'y';
  unsigned long passkey = enter ? strtoul(line, NULL, 10) : 0;

  if (enter && (strlen(line) != 6 || strspn(line, "0123456789") != 6)) {
    printf("six digits, please:\n");
    return;
  }
  if (p->open)
    uv_poll_stop(&p->input);
  (void) aioble_pairing_answer(p->conn, enter || yes, (uint32_t) passkey);
}

static inline void prompt_read(uv_poll_t *input, int status, int events) {
  struct prompt *p = input->data;
  char c;

  (void) events;
  if (status < 0 || read(STDIN_FILENO, &c, 1) != 1) {
    prompt_answer(p, NULL);
  } else if (c != '\n') {
    p->line[p->len] = c;
    p->len += p->len < sizeof p->line - 1;
  } else {
    p->line[p->len] = '\0';
    p->len = 0;
    prompt_answer(p, p->line);
  }
}

/* for aioble_set_on_prompt() */
static inline void prompt_ask(aioble_conn_t *conn, aioble_prompt_t kind, uint32_t number,
                              void *user) {
  struct prompt *p = user;

  p->conn = conn;
  p->kind = kind;
  if (kind == AIOBLE_PROMPT_SHOW)
    printf("enter %06u at the other device\n", (unsigned) number);
  else if (kind == AIOBLE_PROMPT_ENTER)
    printf("enter what the other device shows:\n");
  else
    printf("does the other device show %06u, too (y/n)?\n", (unsigned) number);
  if (kind != AIOBLE_PROMPT_SHOW &&
      (!p->open || uv_poll_start(&p->input, UV_READABLE, prompt_read)))
    prompt_answer(p, NULL);
}

static inline void prompt_open(struct prompt *p, uv_loop_t *loop) {
  *p = (struct prompt){.input.data = p};
  p->open = uv_poll_init(loop, &p->input, STDIN_FILENO) == 0; /* not of a file */
}

/* the loop has to run once more for it */
static inline void prompt_close(struct prompt *p) {
  if (p->open)
    uv_close((uv_handle_t *) &p->input, NULL);
}

#endif
