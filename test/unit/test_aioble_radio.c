/* SPDX-License-Identifier: MIT */
/* The program as others see it: its options, its output, its sockets, its end. */
#define main radio_main
#include "radio/aioble_radio.c"
#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct radio {
  pid_t pid;
  FILE *out; /* stdout and stderr */
  char path[64], address[80];
} radio;

static int setup(void **state) {
  radio *r = calloc(1, sizeof *r);

  (void) snprintf(r->path, sizeof r->path, "/tmp/test_radio.%d", (int) getpid());
  (void) snprintf(r->address, sizeof r->address, "unix:%s", r->path);
  *state = r;
  return 0;
}

static int teardown(void **state) {
  radio *r = *state;

  if (r->out)
    fclose(r->out);
  assert_int_equal(access(r->path, F_OK), -1);
  free(r);
  return 0;
}

/* the words of a command line, separated by blanks */
static void run(radio *r, const char *line) {
  char *words = strdup(line), *argv[16], *next;
  int argc = 0, fds[2];

  for (char *word = strtok_r(words, " ", &next); word; word = strtok_r(NULL, " ", &next))
    argv[argc++] = word;
  argv[argc] = NULL;
  if (r->out)
    fclose(r->out);
  assert_int_equal(pipe(fds), 0);
  (void) fflush(NULL);
  r->pid = fork();
  if (!r->pid) {
    dup2(fds[1], STDOUT_FILENO);
    dup2(fds[1], STDERR_FILENO);
    close(fds[0]);
    close(fds[1]);
    argc = radio_main(argc, argv);
    (void) fflush(NULL);
    _exit(argc);
  }
  close(fds[1]);
  r->out = fdopen(fds[0], "r");
  free(words);
}

static void run_on(radio *r, const char *options) {
  char line[200];

  (void) snprintf(line, sizeof line, "aioble-radio --listen %s %s", r->address, options);
  run(r, line);
}

static const char *output_line(radio *r, char line[256]) {
  if (!fgets(line, 256, r->out))
    return "";
  line[strcspn(line, "\n")] = '\0';
  return line;
}

static int status_of(pid_t pid) {
  int status;

  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void expect_listening(radio *r) {
  char line[256], expected[100];

  (void) snprintf(expected, sizeof expected, "listening on %s", r->address);
  assert_string_equal(output_line(r, line), expected);
}

static int stop(radio *r, int number) {
  kill(r->pid, number);
  return status_of(r->pid);
}

static int connect_to(const radio *r) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  strcpy(at.sun_path, r->path);
  assert_int_equal(connect(fd, (struct sockaddr *) &at, sizeof at), 0);
  return fd;
}

/* a command without parameters, and its Command Complete; returns its length */
static size_t command(int fd, uint16_t opcode, uint8_t answer[64]) {
  const uint8_t packet[] = {1, (uint8_t) opcode, (uint8_t) (opcode >> 8), 0};

  assert_int_equal(write(fd, packet, sizeof packet), sizeof packet);
  assert_int_equal(recv(fd, answer, 3, MSG_WAITALL), 3);
  assert_int_equal(recv(fd, answer + 3, answer[2], MSG_WAITALL), answer[2]);
  assert_int_equal(answer[1], 0x0e);
  return 3u + answer[2];
}

/* ---- tests ---- */

static void it_says_where_it_listens_and_ends_cleanly_on_a_signal(void **state) {
  static const int numbers[] = {SIGINT, SIGTERM};
  radio *r = *state;

  for (unsigned i = 0; i < 2; i++) {
    run_on(r, "");
    expect_listening(r);
    assert_int_equal(stop(r, numbers[i]), 0);
    assert_int_equal(access(r->path, F_OK), -1);
  }
}

static void each_client_has_a_controller_of_its_own(void **state) {
  static const uint8_t reset_complete[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};
  radio *r = *state;
  uint8_t first[64], second[64];
  int a, b;

  run_on(r, "");
  expect_listening(r);
  a = connect_to(r);
  b = connect_to(r);
  assert_int_equal(command(a, 0x0c03, first), sizeof reset_complete);
  assert_memory_equal(first, reset_complete, sizeof reset_complete);
  assert_int_equal(command(b, 0x0c03, second), sizeof reset_complete);
  assert_int_equal(command(a, 0x1009, first), 13); /* Read BD_ADDR */
  assert_int_equal(command(b, 0x1009, second), 13);
  assert_memory_not_equal(first + 7, second + 7, 6);
  assert_int_equal(stop(r, SIGTERM), 0); /* with clients */
  assert_int_equal(recv(a, first, 1, 0), 0);
  close(a);
  close(b);
}

static void the_options_reach_the_controller(void **state) {
  radio *r = *state;
  uint8_t answer[64];
  int fd;

  run_on(r, "--acl-len 100 --acl-count 3 --fragment 20 --seed 7 --no-timing");
  expect_listening(r);
  fd = connect_to(r);
  assert_int_equal(command(fd, 0x2002, answer), 10); /* LE Read Buffer Size */
  assert_int_equal(answer[7] | answer[8] << 8, 100);
  assert_int_equal(answer[9], 3);
  assert_int_equal(stop(r, SIGTERM), 0);
  close(fd);
}

static void verbose_tells_of_clients(void **state) {
  radio *r = *state;
  char line[256];
  uint8_t answer[64];
  int fd;

  run_on(r, "--verbose");
  expect_listening(r);
  fd = connect_to(r);
  command(fd, 0x0c03, answer);
  close(fd);
  assert_non_null(strstr(output_line(r, line), "client 1: connected"));
  assert_non_null(strstr(output_line(r, line), "client 1: the host is gone"));
  assert_int_equal(stop(r, SIGTERM), 0);
}

static void two_radios_cannot_share_a_socket(void **state) {
  radio *r = *state, second = *r;
  char line[256];

  run_on(r, "");
  expect_listening(r);
  second.out = NULL;
  run_on(&second, "");
  assert_non_null(strstr(output_line(&second, line), "in use by another program"));
  assert_int_equal(status_of(second.pid), 1);
  fclose(second.out);
  assert_int_equal(stop(r, SIGTERM), 0);
}

static void a_wrong_command_line_is_told(void **state) {
  static const char *const lines[][2] = {
      {"aioble-radio", "--listen ADDRESS is needed"},
      {"aioble-radio --listen", "requires an argument"},
      {"aioble-radio --nonsense", "unrecognized option"},
      {"aioble-radio --listen tcp:127.0.0.1:0 more", "--listen ADDRESS is needed"},
      {"aioble-radio --listen hci0", "unix:PATH"},
      {"aioble-radio --seed x --listen tcp:127.0.0.1:0", "--seed x: not a number"},
      {"aioble-radio --acl-len 26", "from 27 to 65535"},
      {"aioble-radio --acl-count 256", "from 1 to 255"},
      {"aioble-radio --fragment -1", "from 1 to 65535"},
  };
  radio *r = *state;
  char line[256];

  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    run(r, lines[i][0]);
    assert_non_null(strstr(output_line(r, line), lines[i][1]));
    assert_string_equal(output_line(r, line), "");
    assert_int_equal(status_of(r->pid), 1);
  }
}

static void help_is_no_error_and_names_every_option(void **state) {
  static const char *const names[] = {
      "--listen unix:PATH", "--listen tcp:HOST:PORT", "--seed N",     "--no-timing",
      "--acl-len N",        "--acl-count N",          "--fragment N", "--verbose"};
  radio *r = *state;
  char text[4096] = "";

  run(r, "aioble-radio --help");
  assert_true(fread(text, 1, sizeof text - 1, r->out) > 0);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_non_null(strstr(text, names[i]));
  assert_int_equal(status_of(r->pid), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(it_says_where_it_listens_and_ends_cleanly_on_a_signal),
      TEST(each_client_has_a_controller_of_its_own),
      TEST(the_options_reach_the_controller),
      TEST(verbose_tells_of_clients),
      TEST(two_radios_cannot_share_a_socket),
      TEST(a_wrong_command_line_is_told),
      TEST(help_is_no_error_and_names_every_option),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
