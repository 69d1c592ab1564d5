/* SPDX-License-Identifier: MIT */
/*
 * vhci_bridge PATH: gives the kernel's own host the controller behind the unix socket PATH. To the
 * kernel this is an adapter that was plugged in (/dev/vhci), to the socket's other end a host that
 * speaks H4. Ends when the other end closes.
 *
 * What is read from /dev/vhci, and written to it, is one packet a time; a stream has no such
 * bounds, so they are found here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PACKET_MAX = 1 + 4 + 65535 };
enum { H4_ACL = 2, H4_EVENT = 4, VHCI_CREATE = 0xff };

static int join(const char *path) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  (void) snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
  return connect(fd, (struct sockaddr *) &addr, sizeof addr) ? -1 : fd;
}

/* The kernel answers with the adapter's number. */
static int plug_in(void) {
  static const uint8_t create[] = {VHCI_CREATE, 0};
  uint8_t created[4];
  int fd = open("/dev/vhci", O_RDWR | O_CLOEXEC);

  if (write(fd, create, sizeof create) < 0 || read(fd, created, sizeof created) != sizeof created)
    return -1;
  printf("hci%d\n", created[2] | created[3] << 8);
  return fflush(stdout) ? -1 : fd;
}

static int write_all(int fd, const uint8_t *data, size_t len) {
  while (len) {
    ssize_t n = write(fd, data, len);

    if (n < 0)
      return -1;
    data += n;
    len -= (size_t) n;
  }
  return 0;
}

static int read_all(int fd, uint8_t *data, size_t len) {
  while (len) {
    ssize_t n = read(fd, data, len);

    if (n <= 0)
      return -1;
    data += n;
    len -= (size_t) n;
  }
  return 0;
}

static int to_controller(int vhci, int stream, uint8_t *packet) {
  ssize_t n = read(vhci, packet, PACKET_MAX);

  return n < 0 ? -1 : write_all(stream, packet, (size_t) n);
}

static int to_kernel(int stream, int vhci, uint8_t *packet) {
  size_t head, body;

  if (read_all(stream, packet, 1))
    return -1;
  if (packet[0] != H4_ACL && packet[0] != H4_EVENT) {
    (void) fprintf(stderr, "vhci_bridge: packet type %u\n", packet[0]);
    return -1;
  }
  head = packet[0] == H4_ACL ? 5 : 3;
  if (read_all(stream, packet + 1, head - 1))
    return -1;
  body = packet[0] == H4_ACL ? packet[3] | (size_t) packet[4] << 8 : packet[2];
  if (read_all(stream, packet + head, body))
    return -1;
  return write(vhci, packet, head + body) < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
  static uint8_t packet[PACKET_MAX];
  struct pollfd fds[] = {{.events = POLLIN}, {.events = POLLIN}};
  int err = 0;

  if (argc != 2)
    return EXIT_FAILURE;
  fds[0].fd = join(argv[1]);
  fds[1].fd = fds[0].fd < 0 ? -1 : plug_in();
  while (fds[1].fd >= 0 && !err && poll(fds, 2, -1) > 0) {
    if (fds[1].revents)
      err = to_controller(fds[1].fd, fds[0].fd, packet);
    if (!err && fds[0].revents)
      err = to_kernel(fds[0].fd, fds[1].fd, packet);
  }
  perror("vhci_bridge");
  return EXIT_FAILURE;
}
