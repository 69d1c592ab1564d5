/* SPDX-License-Identifier: MIT */
/* Packets in tests are written as they are in a capture: "04 0e 04 01 03 0c 00". */
#ifndef TEST_HEX_H
#define TEST_HEX_H

#include <stddef.h>
#include <stdint.h>

/* reads pairs of hex digits, blanks between them, into out; returns how many octets */
size_t hex_read(const char *text, uint8_t *out, size_t size);
/* asserts that data is exactly what the text says; a failure prints both */
void assert_hex(const uint8_t *data, size_t len, const char *text);

#endif
