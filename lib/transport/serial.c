/* SPDX-License-Identifier: MIT */
/*
 * Serial lines for H4 (Core Vol 4, Part A, 2): 8 data bits, no parity, one stop bit, no line
 * discipline; RTS/CTS when asked for. The line is ours alone while it is open, and what it had
 * received before is thrown away.
 */
#include "transport/transport_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

typedef struct rate {
  unsigned baud;
  speed_t speed;
} rate;

static const rate *rate_of(unsigned baud) {
  static const rate rates[] = {
      {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
      {115200, B115200},   {230400, B230400},   {460800, B460800},   {500000, B500000},
      {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
      {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000},
      {3500000, B3500000}, {4000000, B4000000},
  };

  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
    if (rates[i].baud == baud)
      return &rates[i];
  return NULL;
}

/* 0, or -1 and errno */
static int set_up(int fd, speed_t speed, bool flow) {
  struct termios tio;

  if (tcgetattr(fd, &tio))
    return -1;
  cfmakeraw(&tio);
  tio.c_cflag &= ~(tcflag_t) (CSTOPB | CRTSCTS);
  tio.c_cflag |= (tcflag_t) (CLOCAL | CREAD);
  if (flow)
    tio.c_cflag |= (tcflag_t) CRTSCTS;
  tio.c_cc[VMIN] = 1; /* so that nothing to read is EAGAIN, and 0 means that the line is gone */
  tio.c_cc[VTIME] = 0;
  if (cfsetispeed(&tio, speed) || cfsetospeed(&tio, speed))
    return -1;
  if (tcsetattr(fd, TCSANOW, &tio) || tcflush(fd, TCIOFLUSH))
    return -1;
  return ioctl(fd, TIOCEXCL);
}

static const char *hint(int errnum) {
  switch (errnum) {
  case ENOENT:
    return " (is it plugged in?)";
  case EACCES:
    return " (serial lines are for members of a group, often `dialout`)";
  case EBUSY:
    return " (another program has it)";
  case ENOTTY:
    return " (it is not a serial line)";
  default:
    return "";
  }
}

int ab_serial_open(ab_tport *t, int *fd) {
  const ab_target *at = &t->target;
  const rate *found = rate_of(at->baud);
  int line, err;

  if (!found)
    return ab_why(t->why, sizeof t->why, AIOBLE_EINVAL,
                  "%s: no such rate; 115200, 921600, 1000000 and 3000000 are usual", t->name);
  line = open(at->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (line >= 0 && !set_up(line, found->speed, at->flow)) {
    *fd = line;
    return 0;
  }
  err = errno;
  if (line >= 0)
    (void) close(line);
  return ab_why(t->why, sizeof t->why, ab_errno(err), "%s: %s%s", t->name, strerror(err),
                hint(err));
}

/* The line stays ours alone until its last user is gone, who may be another (the other end of a
   pseudo-terminal). */
void ab_serial_release(int fd) {
  (void) ioctl(fd, TIOCNXCL);
}
