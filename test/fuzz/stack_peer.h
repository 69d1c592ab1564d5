/* SPDX-License-Identifier: MIT */
/* A hostile peer: what fuzz_central and fuzz_peripheral share. */
#ifndef FUZZ_STACK_PEER_H
#define FUZZ_STACK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The input: an octet with the options of both stacks and what they do first, then steps; those of
 * stack_world.c, or L2CAP frames (from 0x80 on: which channel, the length, what is in it).
 */
void peer_attack(const uint8_t *bytes, size_t len, bool ours_is_central);

#endif
