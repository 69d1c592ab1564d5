/* SPDX-License-Identifier: MIT */
/*
 * Local adapters through the kernel's HCI user channel: a raw socket that owns the controller.
 * The only file that uses libbluetooth's headers (GPL-2.0-or-later, see README.md).
 *
 * Opening, and how each way to fail is told apart:
 *   1. socket()        EAFNOSUPPORT: a kernel without Bluetooth
 *   2. HCIGETDEVINFO   ENODEV: no such adapter; asked first, because it needs no privilege
 *   3. HCIDEVDOWN      only if asked, and only if the adapter is up
 *   4. bind()          EPERM: CAP_NET_ADMIN is missing; ERFKILL; EBUSY, which has three causes:
 *                      another user channel has it, the kernel host has it up, or the kernel is
 *                      still setting it up
 */
#include "transport/hci_user.h"

#include "transport/why.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union dev_list {
  struct hci_dev_list_req req;
  uint8_t room[sizeof(struct hci_dev_list_req) + HCI_MAX_DEV * sizeof(struct hci_dev_req)];
} dev_list;

static bool is_up(uint32_t flags) {
  return flags & 1u << HCI_UP;
}

static int open_socket(char *why, size_t why_size) {
  int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI);

  if (fd >= 0)
    return fd;
  if (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)
    return ab_why(why, why_size, AIOBLE_EAFNOSUPPORT, "this kernel has no Bluetooth");
  return ab_why(why, why_size, ab_errno(errno), "no Bluetooth socket: %s", strerror(errno));
}

static int bind_channel(int fd, int index, unsigned short channel) {
  struct sockaddr_hci at = {
      .hci_family = AF_BLUETOOTH, .hci_dev = (unsigned short) index, .hci_channel = channel};

  return bind(fd, (struct sockaddr *) &at, sizeof at);
}

/* ---- the list of adapters ---- */

static int by_number(const void *a, const void *b) {
  return ((const struct hci_dev_req *) a)->dev_id - ((const struct hci_dev_req *) b)->dev_id;
}

/* in the order of their numbers; the kernel's is that of their arrival */
static unsigned list_devs(int fd, dev_list *list) {
  list->req.dev_num = HCI_MAX_DEV;
  if (ioctl(fd, HCIGETDEVLIST, list) < 0)
    return 0;
  qsort(list->req.dev_req, list->req.dev_num, sizeof *list->req.dev_req, by_number);
  return list->req.dev_num;
}

static int no_such(int fd, int index, char *why, size_t why_size) {
  char names[128] = "";
  dev_list list;
  unsigned n = list_devs(fd, &list);
  size_t len = 0;

  for (unsigned i = 0; i < n && len < sizeof names - 16; i++)
    len += (size_t) snprintf(names + len, sizeof names - len, "%shci%u", i ? ", " : "",
                             list.req.dev_req[i].dev_id);
  return ab_why(why, why_size, AIOBLE_ENODEV, "hci%d: no such adapter; there %s %s", index,
                n == 1 ? "is" : "are", n ? names : "none");
}

int ab_hci_user_first(char *why, size_t why_size) {
  dev_list list;
  unsigned n, best = 0;
  int fd = open_socket(why, why_size);

  if (fd < 0)
    return fd;
  n = list_devs(fd, &list);
  (void) close(fd);
  if (!n)
    return ab_why(why, why_size, AIOBLE_ENODEV, "no Bluetooth adapter found");
  for (unsigned i = 1; i < n; i++)
    if (is_up(list.req.dev_req[best].dev_opt) && !is_up(list.req.dev_req[i].dev_opt))
      best = i;
  return list.req.dev_req[best].dev_id;
}

/* ---- the user channel ---- */

/* The kernel answers EBUSY to any request about an adapter that a user channel has. */
static bool has_user_channel(int index) {
  struct hci_conn_info_req none = {.type = ACL_LINK};
  int fd = open_socket(NULL, 0);
  bool has;

  if (fd < 0)
    return false;
  has = !bind_channel(fd, index, HCI_CHANNEL_RAW) && ioctl(fd, HCIGETCONNINFO, &none) < 0 &&
        errno == EBUSY;
  (void) close(fd);
  return has;
}

static int busy(int index, bool up, char *why, size_t why_size) {
  const char *cause = "is still being set up by the kernel: try again";

  if (has_user_channel(index))
    cause = "is in use by another program's user channel";
  else if (up)
    cause = "is up and owned by the kernel: stop bluetoothd, or bring it down (`bluetoothctl power "
            "off`, or the option bring_down)";
  return ab_why(why, why_size, AIOBLE_EBUSY, "hci%d %s", index, cause);
}

static int not_permitted(int index, int errnum, char *why, size_t why_size) {
  char program[160] = "PROGRAM";
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

  if (n > 0)
    program[n] = '\0';
  return ab_why(why, why_size, ab_errno(errnum),
                "hci%d needs CAP_NET_ADMIN: `sudo setcap cap_net_admin+ep %s`", index, program);
}

static int explain(int index, int errnum, bool up, char *why, size_t why_size) {
  switch (errnum) {
  case EPERM:
  case EACCES:
    return not_permitted(index, errnum, why, why_size);
  case EBUSY:
  case EUSERS:
    return busy(index, up, why, why_size);
  case ERFKILL:
    return ab_why(why, why_size, AIOBLE_ERFKILL,
                  "hci%d is switched off by rfkill: `rfkill unblock bluetooth`", index);
  default:
    return ab_why(why, why_size, ab_errno(errnum), "hci%d does not start: %s", index,
                  strerror(errnum));
  }
}

int ab_hci_user_open(int index, bool bring_down, char *why, size_t why_size) {
  struct hci_dev_info info = {.dev_id = (uint16_t) index};
  int fd = open_socket(why, why_size), err;
  bool up;

  if (fd < 0)
    return fd;
  if (ioctl(fd, HCIGETDEVINFO, &info) < 0) {
    err = no_such(fd, index, why, why_size);
    goto failed;
  }
  up = is_up(info.flags);
  if ((!bring_down || !up || !ioctl(fd, HCIDEVDOWN, index)) &&
      !bind_channel(fd, index, HCI_CHANNEL_USER))
    return fd;
  err = explain(index, errno, up, why, why_size);

failed:
  (void) close(fd);
  return err;
}
