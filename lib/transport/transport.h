/* SPDX-License-Identifier: MIT */
/* Transports by name, for the layers above. What a transport promises: aioble/transport.h. */
#ifndef AB_TRANSPORT_H
#define AB_TRANSPORT_H

#include <aioble/transport.h>

typedef struct ab_transport_options {
  uv_loop_t *uv;
  const aioble_allocator_t *allocator; /* copied; NULL: the C library's */
  bool bring_down;                     /* hciN that is up: bring it down first */
} ab_transport_options;

/*
 * A closed transport of that name:
 *
 *   hciN                        the user channel of a local adapter
 *   fd:N                        a descriptor of the caller's, which stays the caller's: a socket
 *                               of packets (a user channel), or a stream that speaks H4. It is
 *                               made non-blocking.
 *   unix:PATH, tcp:HOST:PORT    a stream that speaks H4
 *   serial:PATH[,BAUD][,flow]   the same over a serial line: 8N1, 115200 baud unless said
 *
 * Only the name is looked at; whether the thing is there, open() finds out. AIOBLE_EINVAL or
 * AIOBLE_ENOMEM with *why filled. The transport's texts start with its name.
 */
int ab_transport_named(const char *name, const ab_transport_options *options,
                       aioble_transport_t **out, char *why, size_t why_size);

/*
 * The first local adapter, for which one that is down is preferred. AIOBLE_ENODEV, AIOBLE_ENOTSUP
 * or AIOBLE_EAFNOSUPPORT with a text that says how to use the virtual radio instead.
 */
int ab_transport_first_hci(const ab_transport_options *options, aioble_transport_t **out, char *why,
                           size_t why_size);

#endif
