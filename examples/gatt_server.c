/* SPDX-License-Identifier: MIT */
/*
 * A notice board with a clock: what a GATT server can have besides plain values.
 *
 *   clock   seconds the system is up: made when it is read, notified every period; its descriptors
 *           say what it is and how it is to be shown
 *   notice  up to 512 bytes of text, with a title (its user description) that may be written, too
 * gatt_server [--adapter NAME] [--period-ms N]        ends on Ctrl-C
 */
#include "example.h"
#include <signal.h>

#define BOARD  AIOBLE_UUID16(0xb0a0)
#define CLOCK  AIOBLE_UUID16(0xb0a1)
#define NOTICE AIOBLE_UUID16(0xb0a2)

struct app {
  aioble_t *ble;
  aioble_char_t *clock;
  aioble_capture_t *posts; /* all that is written, in order */
  uv_timer_t timer;
  uv_signal_t interrupt;
  int status;
};

static void on_signal(uv_signal_t *signal, int number) {
  struct app *app = signal->data;

  (void) number;
  aioble_op_unref(aioble_close(app->ble)); /* which ends the advertising */
}

static void on_central(aioble_op_t *op, int status, void *user) {
  const aioble_advertise_options_t options = {.fields = {.name = "aioble-board"}};
  struct app *app = user;

  if (status == 0) { /* for the next one, while this one stays */
    aioble_op_then(aioble_advertise(app->ble, &options), on_central, app);
    return;
  }
  if (status != AIOBLE_ECANCELED) {
    (void) fprintf(stderr, "advertise: %s\n", aioble_op_message(op));
    app->status = status;
  }
  uv_close((uv_handle_t *) &app->timer, NULL);
  uv_close((uv_handle_t *) &app->interrupt, NULL);
}

static void on_post(aioble_op_t *op, int status, void *user) {
  aioble_bytes_t text = aioble_op_value(op);
  struct app *app = user;

  if (status < 0) /* closed, or the adapter is lost */
    return;
  printf("%s: %.*s\n", aioble_op_local_desc(op) ? "title" : "notice", (int) text.len,
         (const char *) text.data);
  aioble_op_then(aioble_capture_next(app->posts), on_post, app);
}

static void set_clock(struct app *app, unsigned flags) {
  uint64_t s = uv_now(app->timer.loop) / 1000;
  uint8_t value[4] = {(uint8_t) s, (uint8_t) (s >> 8), (uint8_t) (s >> 16), (uint8_t) (s >> 24)};

  aioble_char_write(app->clock, value, sizeof value, flags);
}

static int on_read_clock(aioble_access_t *access, void *user) {
  (void) access;
  set_clock(user, 0);
  return 0;
}

static void on_period(uv_timer_t *timer) {
  set_clock(timer->data, AIOBLE_SEND_UPDATE);
}

static int serve(struct app *app) {
  const aioble_format_t seconds = {AIOBLE_FORMAT_UINT32, 0, 0x2703, 1, 0};
  aioble_service_t *board = aioble_service_new(app->ble, BOARD);
  aioble_char_t *notice;
  int status;

  app->clock = aioble_char_new(board, CLOCK, AIOBLE_READ | AIOBLE_NOTIFY,
                               &(aioble_char_options_t){.on_read = on_read_clock,
                                                        .user = app,
                                                        .user_description = "Seconds",
                                                        .formats = &seconds,
                                                        .n_formats = 1});
  notice = aioble_char_new(board, NOTICE, AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITABLE_AUXILIARIES,
                           &(aioble_char_options_t){.capture_to = app->posts});
  aioble_desc_new(notice, AIOBLE_UUID16(0x2901), AIOBLE_READ | AIOBLE_WRITE,
                  &(aioble_desc_options_t){.max_len = 32, .capture_to = app->posts});
  status = aioble_register_services(app->ble, &board, 1);
  aioble_service_unref(board);
  return status;
}

int main(int argc, char **argv) {
  struct app app = {0};
  const char *adapter = NULL;
  long ms = example_args(argc, argv, "[--period-ms N]", "period-ms", 1000, &adapter);
  uv_loop_t loop;

  uv_loop_init(&loop);
  uv_timer_init(&loop, &app.timer);
  uv_signal_init(&loop, &app.interrupt);
  app.timer.data = app.interrupt.data = &app;
  app.ble = example_new(&loop, adapter);
  app.posts = aioble_capture_new(app.ble, 16);
  if (serve(&app) < 0)
    abort();
  uv_timer_start(&app.timer, on_period, (uint64_t) ms, (uint64_t) ms);
  uv_signal_start(&app.interrupt, on_signal, SIGINT);
  aioble_op_then(aioble_capture_next(app.posts), on_post, &app);
  on_central(NULL, 0, &app);
  uv_run(&loop, UV_RUN_DEFAULT);
  aioble_capture_unref(app.posts);
  return example_end(app.ble, &loop, app.status);
}
