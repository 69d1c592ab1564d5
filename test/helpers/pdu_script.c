/* SPDX-License-Identifier: MIT */
#include "helpers/pdu_script.h"

#include "util/hex.h"
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_MAX_BYTES = 4096, ANY = 0x100 };

void pdu_script_init(pdu_script *s, void (*rx)(void *ctx, const uint8_t *pdu, size_t len),
                     void *ctx) {
  s->rx = rx;
  s->ctx = ctx;
  ab_list_init(&s->sent);
}

void pdu_script_sent(pdu_script *s, ab_buf *pdu) {
  ab_list_push(&s->sent, &pdu->node);
}

/* the handle of "+02", little-endian */
static void handle_bytes(const char *text, uint16_t first, uint16_t out[2]) {
  uint8_t more = 0;

  assert_true(ab_hex_read(text + 1, &more));
  out[0] = (first + more) & 0xff;
  out[1] = (uint16_t) (first + more) >> 8;
}

/* one line's bytes, ANY for "??"; *text is left at the line's end */
static size_t line_bytes(const char **text, uint16_t first, uint16_t *out, size_t size) {
  const char *p = *text;
  size_t n = 0;

  while (*p && *p != '\n' && *p != '#') {
    uint8_t byte = 0;
    uint16_t value = ANY;
    unsigned long times = 1;

    if (isspace((unsigned char) *p)) {
      p++;
      continue;
    }
    if (*p == '+') {
      assert_true(n + 2 <= size);
      handle_bytes(p, first, out + n);
      n += 2;
      p += 3;
      continue;
    }
    if (p[0] != '?' || p[1] != '?') {
      if (!ab_hex_read(p, &byte))
        fail_msg("not hex: \"%.20s\"", p);
      value = byte;
    }
    p += 2;
    if (*p == '*') {
      char *end;

      times = strtoul(p + 1, &end, 10);
      p = end;
    }
    for (; times > 0; times--) {
      assert_true(n < size);
      out[n++] = value;
    }
  }
  while (*p && *p != '\n')
    p++;
  *text = p;
  return n;
}

size_t pdu_script_bytes(const char *text, uint8_t *out, size_t size) {
  uint16_t values[LINE_MAX_BYTES];
  size_t n = line_bytes(&text, 0, values, LINE_MAX_BYTES);

  assert_true(n <= size);
  for (size_t i = 0; i < n; i++)
    out[i] = (uint8_t) values[i];
  return n;
}

static void print_pdu(const char *what, const ab_buf *pdu) {
  print_error("%s:", what);
  for (size_t i = 0; i < pdu->len; i++)
    print_error(" %02x", pdu->p[i]);
  print_error("\n");
}

void pdu_script_quiet(const pdu_script *s) {
  ab_list *n = ab_list_first(&s->sent);

  if (!n)
    return;
  print_pdu("sent, but not in the script", ab_container_of(n, ab_buf, node));
  fail();
}

static void receive(pdu_script *s, const uint16_t *values, size_t n) {
  uint8_t *pdu = malloc(n ? n : 1);

  pdu_script_quiet(s);
  assert_non_null(pdu);
  for (size_t i = 0; i < n; i++)
    pdu[i] = (uint8_t) values[i];
  s->rx(s->ctx, pdu, n);
  free(pdu);
}

static void expect(pdu_script *s, const char *line, const uint16_t *values, size_t n) {
  ab_list *node = ab_list_pop(&s->sent);
  ab_buf *pdu = node ? ab_container_of(node, ab_buf, node) : NULL;
  bool same = pdu && pdu->len == n;

  if (!pdu)
    fail_msg("nothing sent for \"%.60s\"", line);
  for (size_t i = 0; same && i < n; i++)
    same = values[i] == ANY || values[i] == pdu->p[i];
  if (!same) {
    print_pdu("sent", pdu);
    fail_msg("the script says \"%.60s\"", line);
  }
  ab_buf_finish(pdu, 0);
}

void pdu_script_play(pdu_script *s, const char *lines) {
  uint16_t values[LINE_MAX_BYTES];

  while (*lines) {
    const char *line = lines++;
    size_t n;

    if (isspace((unsigned char) *line))
      continue;
    n = line_bytes(&lines, s->first, values, LINE_MAX_BYTES);
    if (*line == '>')
      receive(s, values, n);
    else if (*line == '<')
      expect(s, line, values, n);
    else if (*line != '#')
      fail_msg("neither '>' nor '<': \"%.20s\"", line);
  }
  pdu_script_quiet(s);
}

void pdu_script_end(pdu_script *s, int status) {
  ab_list *n;

  while ((n = ab_list_pop(&s->sent)))
    ab_buf_finish(ab_container_of(n, ab_buf, node), status);
}
