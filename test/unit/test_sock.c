/* SPDX-License-Identifier: MIT */
#include "helpers/record_sink.h"
#include "transport/transport_priv.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t event[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};

typedef struct fixture {
  uv_loop_t uv;
  char folder[32], path[64], name[80];
  aioble_transport_t *t;
  record_sink sink;
  int listener;
} fixture;

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_int_equal(uv_loop_init(&f->uv), 0);
  strcpy(f->folder, "/tmp/test_sock.XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  (void) snprintf(f->path, sizeof f->path, "%s/radio", f->folder);
  (void) snprintf(f->name, sizeof f->name, "unix:%s", f->path);
  f->listener = -1;
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;

  if (f->t)
    f->t->ops->destroy(f->t);
  record_sink_reset(&f->sink);
  if (f->listener >= 0)
    close(f->listener);
  unlink(f->path);
  rmdir(f->folder);
  assert_false(uv_run(&f->uv, UV_RUN_NOWAIT));
  assert_int_equal(uv_loop_close(&f->uv), 0);
  free(f);
  return 0;
}

/* the result of open(), which for TCP is AIOBLE_EINPROGRESS */
static int connect_to(fixture *f, const char *name) {
  const ab_transport_options options = {.uv = &f->uv};

  assert_int_equal(ab_transport_named(name, &options, &f->t, NULL, 0), 0);
  return record_sink_open(&f->sink, f->t);
}

/* a listening socket of that address, or an error */
static int listen_on(fixture *f, const char *name, char *why, size_t why_size) {
  static char text[128];
  ab_target target;
  const ab_target_kind *kind;

  (void) snprintf(text, sizeof text, "%s", name);
  kind = ab_target_parse(text, &target);
  assert_non_null(kind);
  f->listener = kind->listen(&target, why, why_size);
  return f->listener < 0 ? f->listener : 0;
}

/* listens on a free port of that host, whose name is then in f->name */
static void listen_tcp(fixture *f, const char *host) {
  struct sockaddr_in6 at;
  socklen_t size = sizeof at;
  char any[64];

  (void) snprintf(any, sizeof any, "tcp:%s:0", host);
  assert_int_equal(listen_on(f, any, NULL, 0), 0);
  assert_int_equal(getsockname(f->listener, (struct sockaddr *) &at, &size), 0);
  (void) snprintf(f->name, sizeof f->name, "tcp:%s:%u", host, ntohs(at.sin6_port));
}

static void expect_packet_through(fixture *f) {
  int peer = accept(f->listener, NULL, NULL);

  assert_true(peer >= 0);
  assert_int_equal(send(peer, event, sizeof event, 0), sizeof event);
  RUN_UNTIL(&f->uv, f->sink.packets);
  assert_memory_equal(f->sink.bytes, event, sizeof event);
  close(peer);
  RUN_UNTIL(&f->uv, f->sink.losts);
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
}

/* ---- unix ---- */

static void a_unix_socket_is_open_at_once(void **state) {
  fixture *f = *state;

  assert_int_equal(listen_on(f, f->name, NULL, 0), 0);
  assert_int_equal(connect_to(f, f->name), 0);
  expect_packet_through(f);
  assert_int_equal(f->sink.opened, 0);
}

static void a_missing_unix_socket_asks_for_the_radio(void **state) {
  fixture *f = *state;

  assert_int_equal(connect_to(f, f->name), AIOBLE_ENOENT);
  assert_non_null(strstr(f->sink.why, f->name));
  assert_non_null(strstr(f->sink.why, "is aioble-radio running?"));
  assert_int_equal(f->sink.opened + f->sink.closes, 0);
}

static void a_unix_socket_that_nobody_answers_asks_for_the_radio(void **state) {
  fixture *f = *state;

  assert_int_equal(listen_on(f, f->name, NULL, 0), 0);
  close(f->listener);
  f->listener = -1;
  assert_int_equal(connect_to(f, f->name), AIOBLE_ECONNREFUSED);
  assert_non_null(strstr(f->sink.why, "is aioble-radio running?"));
}

static void a_unix_path_that_is_too_long_is_told(void **state) {
  fixture *f = *state;
  char name[200], why[AB_WHY_SIZE];

  memset(name, 'x', sizeof name);
  memcpy(name, "unix:", 5);
  name[120] = '\0';
  assert_true(connect_to(f, name) < 0);
  assert_non_null(strstr(f->sink.why, "too long"));
  assert_int_equal(listen_on(f, name, why, sizeof why), AIOBLE_EMSGSIZE);
}

static void a_socket_left_behind_is_replaced(void **state) {
  fixture *f = *state;

  assert_int_equal(listen_on(f, f->name, NULL, 0), 0);
  close(f->listener);
  assert_int_equal(listen_on(f, f->name, NULL, 0), 0);
  assert_int_equal(connect_to(f, f->name), 0);
  expect_packet_through(f);
}

static void a_socket_in_use_is_not_replaced(void **state) {
  fixture *f = *state;
  char why[AB_WHY_SIZE];
  int first;

  assert_int_equal(listen_on(f, f->name, NULL, 0), 0);
  first = f->listener;
  assert_int_equal(listen_on(f, f->name, why, sizeof why), AIOBLE_EBUSY);
  assert_non_null(strstr(why, "another program"));
  f->listener = first;
  assert_int_equal(access(f->path, F_OK), 0);
}

static void a_file_in_the_way_is_not_replaced(void **state) {
  fixture *f = *state;
  char why[AB_WHY_SIZE];
  FILE *file = fopen(f->path, "w");
  struct stat st;

  fclose(file);
  assert_int_equal(listen_on(f, f->name, why, sizeof why), AIOBLE_EEXIST);
  assert_non_null(strstr(why, "not a socket"));
  assert_int_equal(stat(f->path, &st), 0);
  assert_true(S_ISREG(st.st_mode));
}

static void a_folder_that_is_not_there_is_told(void **state) {
  fixture *f = *state;
  char why[AB_WHY_SIZE];

  assert_int_equal(listen_on(f, "unix:/no/such/folder/x", why, sizeof why), AIOBLE_ENOENT);
  assert_non_null(strstr(why, "/no/such/folder/x"));
}

/* ---- tcp ---- */

static void tcp_opens_later(void **state) {
  fixture *f = *state;

  listen_tcp(f, "127.0.0.1");
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  assert_int_equal(f->sink.opened, 0);
  assert_int_equal(record_sink_send(&f->sink, event, sizeof event), AIOBLE_ENODEV);
  RUN_UNTIL(&f->uv, f->sink.opened);
  assert_int_equal(f->sink.opened_status, 0);
  expect_packet_through(f);
  assert_int_equal(f->sink.opened, 1);
}

/* localhost is often ::1 first, where nobody listens */
static void tcp_tries_every_address_of_a_host(void **state) {
  fixture *f = *state;
  char *port;
  char name[64];

  listen_tcp(f, "127.0.0.1");
  port = strrchr(f->name, ':');
  (void) snprintf(name, sizeof name, "tcp:localhost%s", port);
  assert_int_equal(connect_to(f, name), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.opened);
  assert_int_equal(f->sink.opened_status, 0);
  expect_packet_through(f);
}

static void tcp_that_nobody_answers_is_told_and_can_be_tried_again(void **state) {
  fixture *f = *state;

  listen_tcp(f, "127.0.0.1");
  close(f->listener);
  f->listener = -1;
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.opened);
  assert_int_equal(f->sink.opened_status, AIOBLE_ECONNREFUSED);
  assert_non_null(strstr(f->sink.why, f->name));
  assert_non_null(strstr(f->sink.why, "is aioble-radio running?"));
  record_sink_reset(&f->sink);
  assert_int_equal(record_sink_open(&f->sink, f->t), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.opened);
  assert_int_equal(f->sink.opened_status, AIOBLE_ECONNREFUSED);
  assert_int_equal(f->sink.closes, 0);
}

static void a_host_that_is_not_there_is_told(void **state) {
  fixture *f = *state;

  assert_int_equal(connect_to(f, "tcp:no-such-host.invalid:1"), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.opened);
  assert_int_equal(f->sink.opened_status, AIOBLE_ENOENT);
  assert_non_null(strstr(f->sink.why, "no-such-host.invalid"));
}

/* after that many iterations of the loop: while looking up, connecting, connected */
static void close_ends_an_open_in_progress_at_any_moment(void **state) {
  fixture *f = *state;

  listen_tcp(f, "127.0.0.1");
  for (unsigned iterations = 0; iterations < 6; iterations++) {
    assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
    for (unsigned i = 0; i < iterations && !f->sink.opened; i++)
      uv_run(&f->uv, UV_RUN_NOWAIT);
    record_sink_close(&f->sink);
    record_sink_close(&f->sink);
    RUN_UNTIL(&f->uv, f->sink.closes);
    assert_int_equal(f->sink.closes, 1);
    assert_true(f->sink.opened <= 1);
    f->t->ops->destroy(f->t);
    f->t = NULL;
    record_sink_reset(&f->sink);
  }
}

static void count_poll(uv_handle_t *handle, void *count) {
  *(unsigned *) count += handle->type == UV_POLL;
}

/* a server whose queue is full does not answer: the connection is on its way for ever */
static void close_ends_a_connection_that_is_on_its_way(void **state) {
  fixture *f = *state;
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  int full[4];

  listen_tcp(f, "127.0.0.1");
  assert_int_equal(listen(f->listener, 0), 0);
  assert_int_equal(getsockname(f->listener, (struct sockaddr *) &at, &size), 0);
  for (unsigned i = 0; i < 4; i++) {
    full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void) connect(full[i], (struct sockaddr *) &at, sizeof at);
  }
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  for (unsigned polls = 0; !polls;) {
    uv_run(&f->uv, UV_RUN_NOWAIT);
    uv_walk(&f->uv, count_poll, &polls);
  }
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
  assert_int_equal(f->sink.opened, 0);
  for (unsigned i = 0; i < 4; i++)
    close(full[i]);
}

static void a_connection_that_is_reset_is_lost(void **state) {
  const struct linger now = {.l_onoff = 1};
  fixture *f = *state;
  int peer;

  listen_tcp(f, "127.0.0.1");
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.opened);
  peer = accept(f->listener, NULL, NULL);
  assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  close(peer);
  RUN_UNTIL(&f->uv, f->sink.losts);
  assert_int_equal(f->sink.lost_status, AIOBLE_ENODEV);
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
}

static void close_before_opened_is_silent(void **state) {
  fixture *f = *state;

  listen_tcp(f, "127.0.0.1");
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  record_sink_close(&f->sink);
  RUN_UNTIL(&f->uv, f->sink.closes);
  assert_int_equal(f->sink.opened, 0);
}

static void close_now(record_sink *sink) {
  record_sink_close(sink);
}

static void close_from_inside_opened_is_fine(void **state) {
  fixture *f = *state;

  listen_tcp(f, "127.0.0.1");
  f->sink.on_opened = close_now;
  assert_int_equal(connect_to(f, f->name), AIOBLE_EINPROGRESS);
  RUN_UNTIL(&f->uv, f->sink.closes);
  assert_int_equal(f->sink.opened, 1);
  assert_int_equal(f->sink.opened_status, 0);
}

static void a_port_in_use_is_told(void **state) {
  fixture *f = *state;
  char why[AB_WHY_SIZE];
  int first;

  listen_tcp(f, "127.0.0.1");
  first = f->listener;
  assert_true(listen_on(f, f->name, why, sizeof why) < 0);
  assert_ptr_equal(strstr(why, f->name), why);
  f->listener = first;
  assert_int_equal(listen(first, 1), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_unix_socket_is_open_at_once),
      TEST(a_missing_unix_socket_asks_for_the_radio),
      TEST(a_unix_socket_that_nobody_answers_asks_for_the_radio),
      TEST(a_unix_path_that_is_too_long_is_told),
      TEST(a_socket_left_behind_is_replaced),
      TEST(a_socket_in_use_is_not_replaced),
      TEST(a_file_in_the_way_is_not_replaced),
      TEST(a_folder_that_is_not_there_is_told),
      TEST(tcp_opens_later),
      TEST(tcp_tries_every_address_of_a_host),
      TEST(tcp_that_nobody_answers_is_told_and_can_be_tried_again),
      TEST(a_host_that_is_not_there_is_told),
      TEST(close_ends_an_open_in_progress_at_any_moment),
      TEST(close_ends_a_connection_that_is_on_its_way),
      TEST(a_connection_that_is_reset_is_lost),
      TEST(close_before_opened_is_silent),
      TEST(close_from_inside_opened_is_fine),
      TEST(a_port_in_use_is_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
