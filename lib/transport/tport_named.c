/* SPDX-License-Identifier: MIT */
/* The names of transports, and the kinds behind them. */
#include "transport/hci_user.h"
#include "transport/transport_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_MAX = 65534, DEFAULT_BAUD = 115200, BAUD_MAX = 100000000 };

static bool parse_unsigned(const char *text, unsigned long max, unsigned long *value) {
  char *end;

  if (*text < '0' || *text > '9')
    return false;
  errno = 0;
  *value = strtoul(text, &end, 10);
  return !errno && !*end && *value <= max;
}

static bool parse_number(char *rest, ab_target *target) {
  unsigned long n;

  if (!parse_unsigned(rest, NUMBER_MAX, &n))
    return false;
  target->number = (int) n;
  return true;
}

static bool parse_path(char *rest, ab_target *target) {
  target->path = rest;
  return *rest != '\0';
}

/* HOST:PORT; an IPv6 address in brackets */
static bool parse_host(char *rest, ab_target *target) {
  char *colon = strrchr(rest, ':');
  unsigned long port;

  if (!colon || colon == rest || !parse_unsigned(colon + 1, 65535, &port))
    return false;
  *colon = '\0';
  target->port = colon + 1;
  target->host = rest;
  if (*rest != '[')
    return !strchr(rest, ':');
  if (colon - rest < 3 || colon[-1] != ']')
    return false;
  colon[-1] = '\0';
  target->host = rest + 1;
  return true;
}

/* PATH[,BAUD][,flow] */
static bool parse_serial(char *rest, ab_target *target) {
  unsigned long baud = DEFAULT_BAUD;
  char *comma = strrchr(rest, ',');

  if (comma && !strcmp(comma, ",flow")) {
    target->flow = true;
    *comma = '\0';
    comma = strrchr(rest, ',');
  }
  if (comma) {
    if (!parse_unsigned(comma + 1, BAUD_MAX, &baud))
      return false;
    *comma = '\0';
  }
  target->baud = (unsigned) baud;
  return !strchr(rest, ',') && parse_path(rest, target);
}

/* a copy: the caller's stays open, so that the transport can be opened again */
int ab_fd_open(ab_tport *t, int *fd) {
  *fd = fcntl(t->target.number, F_DUPFD_CLOEXEC, 3);
  if (*fd >= 0)
    return 0;
  return ab_why(t->why, sizeof t->why, errno == EBADF ? AIOBLE_ENODEV : ab_errno(errno),
                "%s is no open descriptor: %s", t->name, strerror(errno));
}

/* err, for which there is a way out that needs no adapter */
static int suggest_virtual(int err, const char *cause, char *why, size_t why_size) {
  return ab_why(why, why_size, err,
                "%s; for a virtual one run `aioble-radio --listen unix:/tmp/radio` and use the "
                "adapter unix:/tmp/radio",
                cause);
}

int ab_hci_open(ab_tport *t, int *fd) {
  char cause[AB_WHY_SIZE / 2];

  *fd = ab_hci_user_open(t->target.number, t->target.bring_down, t->why, sizeof t->why);
  if (*fd != AIOBLE_EAFNOSUPPORT)
    return *fd < 0 ? *fd : 0;
  (void) ab_why(cause, sizeof cause, 0, "no %s: %s", t->name, t->why);
  return suggest_virtual(*fd, cause, t->why, sizeof t->why);
}

const ab_target_kind *ab_target_parse(char *text, ab_target *target) {
  static const ab_target_kind kinds[] = {
      {.prefix = "hci", .parse = parse_number, .open = ab_hci_open},
      {.prefix = "fd:", .parse = parse_number, .open = ab_fd_open},
      {.prefix = "unix:", .parse = parse_path, .open = ab_unix_open, .listen = ab_unix_listen},
      {.prefix = "tcp:",
       .parse = parse_host,
       .open = ab_tcp_open,
       .cancel = ab_tcp_cancel,
       .listen = ab_tcp_listen},
      {.prefix = "serial:",
       .parse = parse_serial,
       .open = ab_serial_open,
       .release = ab_serial_release},
  };

  *target = (ab_target){.number = -1};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
      return kinds[i].parse(text + strlen(kinds[i].prefix), target) ? &kinds[i] : NULL;
  return NULL;
}

int ab_transport_named(const char *name, const ab_transport_options *options,
                       aioble_transport_t **out, char *why, size_t why_size) {
  ab_tport *t;
  int err = ab_tport_new(name, options, AB_H4_FROM_CONTROLLER, &t, why, why_size);

  *out = t ? &t->base : NULL;
  return err;
}

int ab_transport_first_hci(const ab_transport_options *options, aioble_transport_t **out, char *why,
                           size_t why_size) {
  char cause[AB_WHY_SIZE / 2], name[16];
  int index = ab_hci_user_first(cause, sizeof cause);

  *out = NULL;
  if (index < 0)
    return suggest_virtual(index, cause, why, why_size);
  (void) snprintf(name, sizeof name, "hci%d", index);
  return ab_transport_named(name, options, out, why, why_size);
}
