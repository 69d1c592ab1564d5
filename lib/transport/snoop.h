/* SPDX-License-Identifier: MIT */
/* Capture files in btsnoop format, which btmon and Wireshark read; see snoop.c. */
#ifndef AB_SNOOP_H
#define AB_SNOOP_H

#include <aioble/types.h>

typedef struct ab_snoop ab_snoop;

typedef enum ab_snoop_way { AB_SNOOP_SENT, AB_SNOOP_RECEIVED } ab_snoop_way;

/*
 * Makes the file, or empties it. Only its owner may read it. An allocator of
 * NULL is the C library's. On failure *why is filled with a text that helps.
 */
int ab_snoop_open(const char *path, const aioble_allocator_t *allocator, ab_snoop **out, char *why,
                  size_t why_size);

/*
 * One packet, H4 type first; unix_us: microseconds since 1970. Buffered. After the first failure
 * (a full disk) nothing more is written, and ab_snoop_close() says so. A NULL capture does nothing.
 */
void ab_snoop_record(ab_snoop *snoop, ab_snoop_way way, const uint8_t *packet, size_t len,
                     int64_t unix_us);

/* Writes what is buffered, so that it survives the program. NULL does nothing. */
void ab_snoop_flush(ab_snoop *snoop);

/* Writes what is buffered, and ends it. 0, or AIOBLE_EIO: the file is not whole. NULL does nothing.
 */
int ab_snoop_close(ab_snoop *snoop);

#endif
