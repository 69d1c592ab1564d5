/* SPDX-License-Identifier: MIT */
/*
 * What both ends of the file transfer share. On one channel, a client asks, and the other answers:
 *
 *   "list" or "get NAME"  ->  "ok SIZE", then SIZE octets, then "sum CRC-32"
 *   "put SIZE NAME"       ->  "ok"; the client sends SIZE octets and "sum CRC-32"  ->  "ok"
 *
 * or "error WHY" instead of "ok". Each of these is one SDU; a file is as many as it takes.
 */
#ifndef L2CAP_FILE_H
#define L2CAP_FILE_H

#include "example.h"
#include <inttypes.h>

enum { FILE_PSM = 0x96, FILE_PIECE = 16384, FILE_TEXT = 300, FILE_PATIENCE_MS = 30000 };

static inline uint32_t file_sum(uint32_t sum, const uint8_t *data, size_t len) {
  sum = ~sum;
  for (size_t i = 0; i < len; i++) {
    sum ^= data[i];
    for (unsigned bit = 0; bit < 8; bit++)
      sum = sum >> 1 ^ (0xedb88320u & -(sum & 1));
  }
  return ~sum;
}

/* A name is a name: no path, nothing hidden, nothing that a terminal would act upon. The peer says
   it, so it is not to be trusted. */
static inline bool file_name_ok(const char *name) {
  size_t len = strlen(name);

  if (len == 0 || len > 100 || *name == '.')
    return false;
  for (size_t i = 0; i < len; i++)
    if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
      return false;
  return true;
}

/* what may be printed of what a peer says */
static inline const char *file_clean(char *text) {
  for (char *c = text; *c; c++)
    if (*c < ' ' || *c > '~')
      *c = '?';
  return text;
}

static inline int file_say(aioble_channel_t *channel, const char *text) {
  return aioble_op_finish(aioble_channel_send(channel, text, strlen(text), 0));
}

/* one SDU as text; a longer one is cut */
static inline int file_hear(aioble_channel_t *channel, char text[FILE_TEXT]) {
  aioble_op_t *op = aioble_channel_recv(channel);
  aioble_bytes_t sdu;
  int status;

  aioble_op_set_timeout(op, FILE_PATIENCE_MS);
  status = aioble_op_await(op);
  sdu = aioble_op_value(op);
  (void) snprintf(text, FILE_TEXT, "%.*s", (int) sdu.len, sdu.data ? (const char *) sdu.data : "");
  aioble_op_unref(op);
  return status;
}

static inline void file_progress(uint64_t done, uint64_t size) {
  unsigned tenths = size ? (unsigned) (done * 30 / size) : 30;

  (void) fprintf(stderr, "\r[%-30.*s] %" PRIu64 "/%" PRIu64, (int) tenths,
                 "##############################", done, size);
  if (done == size)
    (void) fputc('\n', stderr);
}

/* size octets of the file, then their sum */
static inline int file_send(aioble_channel_t *channel, FILE *file, uint64_t size, bool show) {
  uint8_t piece[FILE_PIECE];
  char text[FILE_TEXT];
  uint32_t sum = 0;
  int status = 0;

  for (uint64_t done = 0; done < size && status == 0;) {
    size_t want = size - done < sizeof piece ? (size_t) (size - done) : sizeof piece;

    if (fread(piece, 1, want, file) != want)
      return AIOBLE_EIO;
    sum = file_sum(sum, piece, want);
    status = aioble_op_finish(aioble_channel_send(channel, piece, want, 0));
    done += want;
    if (show)
      file_progress(done, size);
  }
  (void) snprintf(text, sizeof text, "sum %08" PRIx32, sum);
  return status < 0 ? status : file_say(channel, text);
}

/* … the other way: AIOBLE_EPROTO when it is not what was sent */
static inline int file_receive(aioble_channel_t *channel, FILE *file, uint64_t size, bool show) {
  char text[FILE_TEXT];
  uint32_t sum = 0, told;
  int status;

  for (uint64_t done = 0; done < size;) {
    aioble_op_t *op = aioble_channel_recv(channel);
    aioble_bytes_t sdu;

    aioble_op_set_timeout(op, FILE_PATIENCE_MS);
    status = aioble_op_await(op);
    sdu = aioble_op_value(op);
    if (status == 0 && sdu.len > size - done)
      status = AIOBLE_EPROTO;
    if (status == 0 && fwrite(sdu.data, 1, sdu.len, file) != sdu.len)
      status = AIOBLE_EIO;
    sum = file_sum(sum, sdu.data, status == 0 ? sdu.len : 0);
    done += sdu.len;
    aioble_op_unref(op);
    if (status < 0)
      return status;
    if (show)
      file_progress(done, size);
  }
  status = file_hear(channel, text);
  if (status < 0)
    return status;
  return sscanf(text, "sum %8" SCNx32, &told) == 1 && told == sum ? 0 : AIOBLE_EPROTO;
}

#endif
