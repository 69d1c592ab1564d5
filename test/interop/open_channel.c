/* SPDX-License-Identifier: MIT */
/*
 * open_channel INDEX COMMAND...: opens the user channel of hciINDEX, which takes CAP_NET_ADMIN, and
 * runs COMMAND, which needs none, with the channel as file descriptor 3. This is all that a
 * privileged helper of a real installation has to do.
 */
#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_hci address = {.hci_family = AF_BLUETOOTH, .hci_channel = HCI_CHANNEL_USER};
  int fd = socket(AF_BLUETOOTH, SOCK_RAW, BTPROTO_HCI);

  if (argc < 3) {
    fprintf(stderr, "usage: open_channel INDEX COMMAND...\n");
    return 2;
  }
  address.hci_dev = (unsigned short) atoi(argv[1]);
  if (fd >= 0 && bind(fd, (const struct sockaddr *) &address, sizeof address) == 0 &&
      dup2(fd, 3) == 3)
    execvp(argv[2], argv + 2);
  perror("open_channel");
  return 1;
}
