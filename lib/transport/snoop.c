/* SPDX-License-Identifier: MIT */
/*
 * btsnoop, version 1, data link 1002 (HCI UART, H4): a file header, then a record header before
 * each packet, all numbers big-endian:
 *
 *   "btsnoop\0", version 4, data link 4
 *   original length 4, included length 4, flags 4, drops 4, time 8, then the packet
 *
 * Flags: bit 0 is set for what was received, bit 1 for commands and events. The time counts
 * microseconds from the year 0.
 */
#include "transport/snoop.h"

#include "transport/why.h"
#include "util/env.h"
#include "util/wire.h"
#include <aioble/transport.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_HEADER = 16, RECORD_HEADER = 24 };

static const int64_t year_1970_us = INT64_C(0x00dcddb30f2f8000);

struct ab_snoop {
  aioble_allocator_t mem;
  FILE *file;
  bool failed;
};

static void put_be32(ab_wr *w, uint32_t v) {
  ab_wr_u8(w, (uint8_t) (v >> 24));
  ab_wr_u8(w, (uint8_t) (v >> 16));
  ab_wr_u8(w, (uint8_t) (v >> 8));
  ab_wr_u8(w, (uint8_t) v);
}

static void append(ab_snoop *s, const void *data, size_t len) {
  if (!s->failed && fwrite(data, 1, len, s->file) != len)
    s->failed = true;
}

static void write_file_header(ab_snoop *s) {
  uint8_t header[FILE_HEADER];
  ab_wr w = ab_wr_of(header, sizeof header);

  ab_wr_bytes(&w, "btsnoop", 8);
  put_be32(&w, 1);
  put_be32(&w, 1002);
  append(s, header, sizeof header);
}

int ab_snoop_open(const char *path, const aioble_allocator_t *allocator, ab_snoop **out, char *why,
                  size_t why_size) {
  aioble_allocator_t mem = allocator ? *allocator : ab_libc_allocator;
  ab_snoop *s = mem.alloc(mem.ctx, sizeof *s);
  int fd = -1, err;

  *out = NULL;
  if (!s)
    return ab_why(why, why_size, AIOBLE_ENOMEM, "out of memory");
  *s = (ab_snoop){.mem = mem};
  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || !(s->file = fdopen(fd, "wb"))) {
    err = errno;
    if (fd >= 0)
      (void) close(fd);
    mem.free(mem.ctx, s);
    return ab_why(why, why_size, ab_errno(err), "%s: %s", path, strerror(err));
  }
  write_file_header(s);
  *out = s;
  return 0;
}

void ab_snoop_record(ab_snoop *s, ab_snoop_way way, const uint8_t *packet, size_t len,
                     int64_t unix_us) {
  uint8_t header[RECORD_HEADER];
  ab_wr w = ab_wr_of(header, sizeof header);
  uint64_t time_us = (uint64_t) (unix_us + year_1970_us);
  ab_rd r = ab_rd_of(packet, len);
  uint8_t type = ab_rd_u8(&r);
  bool control = type == AIOBLE_H4_COMMAND || type == AIOBLE_H4_EVENT;

  if (!s || !len || len > UINT32_MAX)
    return;
  put_be32(&w, (uint32_t) len);
  put_be32(&w, (uint32_t) len);
  put_be32(&w, (way == AB_SNOOP_RECEIVED ? 1u : 0u) | (control ? 2u : 0u));
  put_be32(&w, 0);
  put_be32(&w, (uint32_t) (time_us >> 32));
  put_be32(&w, (uint32_t) time_us);
  append(s, header, sizeof header);
  append(s, packet, len);
}

void ab_snoop_flush(ab_snoop *s) {
  if (s && !s->failed && fflush(s->file) != 0)
    s->failed = true;
}

int ab_snoop_close(ab_snoop *s) {
  bool failed;

  if (!s)
    return 0;
  failed = fclose(s->file) != 0 || s->failed;
  s->mem.free(s->mem.ctx, s);
  return failed ? AIOBLE_EIO : 0;
}
