/* SPDX-License-Identifier: MIT */
/* Controllers for whoever connects: H4 on a unix or TCP socket; see h4_server.c. */
#ifndef AB_H4_SERVER_H
#define AB_H4_SERVER_H

#include <aioble/transport.h>

typedef struct ab_h4_server ab_h4_server;

typedef struct ab_h4_server_options {
  uv_loop_t *uv;
  const aioble_allocator_t *allocator; /* copied; NULL: the C library's */
  const char *address;                 /* "unix:PATH" or "tcp:HOST:PORT" (port 0: any) */
  unsigned max_clients;                /* at once; 0: 64. More wait in the kernel. */
  void *ctx;                           /* given to the functions below */
  /* A controller, closed, for a new client: the server opens, closes and destroys it. NULL: none
     to be had, the client is turned away. */
  aioble_transport_t *(*controller)(void *ctx);
  /* Stops (true) a controller from giving packets, or lets it go on. Without it (NULL) a client
     that does not read is turned away. */
  void (*hold)(aioble_transport_t *controller, bool hold);
  /* What happens, one line each; may be NULL. */
  void (*log)(void *ctx, const char *text);
} ab_h4_server_options;

/*
 * Listens from now on. A unix socket that a dead program left behind is replaced. May wait for a
 * name look-up. On failure an error and *why.
 */
int ab_h4_server_new(const ab_h4_server_options *options, ab_h4_server **out, char *why,
                     size_t why_size);

/* Where it listens, in the form of the option; a port of 0 has become the real one. */
const char *ab_h4_server_address(const ab_h4_server *server);
unsigned ab_h4_server_clients(const ab_h4_server *server);

/*
 * Stops listening, removes the socket file, ends every client and its controller, and releases the
 * server. closed(ctx), which may be NULL, follows from the loop.
 */
void ab_h4_server_close(ab_h4_server *server, void (*closed)(void *ctx), void *ctx);

#endif
