/* SPDX-License-Identifier: MIT */
/*
 * L2CAP channels of the kernel's own host. What arrives on one goes back on it, an SDU as an SDU;
 * "bye" ends it, and "grow" makes its MTU larger.
 *
 *   kernel_channels listen SOURCE PSM KIND [LEVEL]   for ever; LEVEL is what a link must have
 *   kernel_channels call SOURCE PEER PSM KIND [N]    N channels, until each has ended
 *
 * SOURCE and PEER are public addresses of LE; KIND is "le" or "enhanced", and N enhanced channels,
 * which then make the link, are asked for in one request. Says "listening", "made" for each
 * channel, and why there is none.
 */
#include <bluetooth/bluetooth.h>
#include <bluetooth/l2cap.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MTU = 1000, LARGER_MTU = 1500, CHANNELS_MAX = 16, PATIENCE_MS = 10000 };

typedef struct party {
  const char *source;
  uint16_t psm;
  bool enhanced;
} party_t;

/* [0] may be the one that listens */
typedef struct channels {
  struct pollfd fds[CHANNELS_MAX];
  nfds_t n;
} channels_t;

static void check(int result, const char *what) {
  if (result >= 0)
    return;
  printf("%s: %s\n", what, strerror(errno));
  exit(1);
}

static struct sockaddr_l2 address(const char *text, uint16_t psm) {
  struct sockaddr_l2 at = {.l2_family = AF_BLUETOOTH, .l2_bdaddr_type = BDADDR_LE_PUBLIC};

  at.l2_psm = htobs(psm);
  check(str2ba(text, &at.l2_bdaddr), text);
  return at;
}

static void set_mtu(int fd, uint16_t mtu) {
  check(setsockopt(fd, SOL_BLUETOOTH, BT_RCVMTU, &mtu, sizeof mtu), "mtu");
}

/* A PSM of its own has only what listens. */
static int open_channel(const party_t *p, uint16_t own_psm) {
  struct sockaddr_l2 at = address(p->source, own_psm);
  uint8_t mode = p->enhanced ? BT_MODE_EXT_FLOWCTL : BT_MODE_LE_FLOWCTL;
  int fd = socket(AF_BLUETOOTH, SOCK_SEQPACKET | SOCK_CLOEXEC, BTPROTO_L2CAP);

  check(fd, "socket");
  check(bind(fd, (const struct sockaddr *) &at, sizeof at), "bind");
  /* the usual kind needs no saying, and cannot be said without enable_ecred */
  if (p->enhanced)
    check(setsockopt(fd, SOL_BLUETOOTH, BT_MODE, &mode, sizeof mode), "mode");
  set_mtu(fd, MTU);
  return fd;
}

static void add(channels_t *c, int fd) {
  if (c->n == CHANNELS_MAX) {
    (void) close(fd);
    return;
  }
  c->fds[c->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void listen_on(channels_t *c, const party_t *p, const char *level) {
  struct bt_security security = {.level = (uint8_t) atoi(level)};
  int fd = open_channel(p, p->psm);

  check(setsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &security, sizeof security), "security");
  check(listen(fd, CHANNELS_MAX), "listen");
  add(c, fd);
  printf("listening\n");
}

static void start_call(int fd, const party_t *p, const char *peer, int deferred) {
  struct sockaddr_l2 to = address(peer, p->psm);

  check(setsockopt(fd, SOL_BLUETOOTH, BT_DEFER_SETUP, &deferred, sizeof deferred), "defer");
  check(fcntl(fd, F_SETFL, O_NONBLOCK), "not to wait");
  if (connect(fd, (const struct sockaddr *) &to, sizeof to) < 0 && errno != EINPROGRESS)
    check(-1, "connect");
}

static void finish_call(int fd) {
  struct pollfd made = {.fd = fd, .events = POLLOUT};
  socklen_t len = sizeof errno;
  int ready = poll(&made, 1, PATIENCE_MS);

  check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &len), "state");
  check(ready == 1 && errno == 0 ? 0 : -1, ready == 1 ? "refused" : "no answer");
  check(fcntl(fd, F_SETFL, 0), "to wait");
  printf("made\n");
}

/*
 * All enhanced ones but the first are deferred: its request asks for them, too. There must be no
 * link yet, or the kernel (6.1) takes the CIDs of the answer in another order than it asked.
 */
static void call(channels_t *c, const party_t *p, const char *peer, int n) {
  for (int i = 0; i < n; i++) {
    add(c, open_channel(p, 0));
    start_call(c->fds[i].fd, p, peer, p->enhanced && i > 0);
  }
  for (int i = 0; i < n; i++)
    finish_call(c->fds[i].fd);
}

/* false: it has ended */
static bool echo(int fd) {
  uint8_t sdu[LARGER_MTU];
  ssize_t n = recv(fd, sdu, sizeof sdu, 0);

  if (n <= 0 || (n == 3 && memcmp(sdu, "bye", 3) == 0))
    return false;
  if (n == 4 && memcmp(sdu, "grow", 4) == 0)
    set_mtu(fd, LARGER_MTU);
  return send(fd, sdu, (size_t) n, 0) == n;
}

static void serve(channels_t *c, bool listening) {
  while (c->n > 0 && poll(c->fds, c->n, -1) > 0) {
    if (listening && c->fds[0].revents) {
      add(c, accept(c->fds[0].fd, NULL, NULL));
      printf("made\n");
    }
    for (nfds_t i = c->n; i-- > (listening ? 1 : 0);)
      if (c->fds[i].revents && !echo(c->fds[i].fd)) {
        (void) close(c->fds[i].fd);
        c->fds[i] = c->fds[--c->n];
      }
  }
}

int main(int argc, char **argv) {
  bool listening = argc >= 5 && strcmp(argv[1], "listen") == 0;
  party_t p = {0};
  channels_t c = {0};

  if (argc < (listening ? 5 : 6)) {
    (void) fprintf(stderr, "usage: kernel_channels listen SOURCE PSM KIND [LEVEL]\n"
                           "       kernel_channels call SOURCE PEER PSM KIND [N]\n");
    return 2;
  }
  (void) setvbuf(stdout, NULL, _IOLBF, 0);
  p.source = argv[2];
  p.psm = (uint16_t) strtol(argv[listening ? 3 : 4], NULL, 0);
  p.enhanced = strcmp(argv[listening ? 4 : 5], "enhanced") == 0;
  if (listening)
    listen_on(&c, &p, argc > 5 ? argv[5] : "1");
  else
    call(&c, &p, argv[3], argc > 6 ? atoi(argv[6]) : 1);
  serve(&c, listening);
  return 0;
}
