/* SPDX-License-Identifier: MIT */
/*
 * A temperature sensor: advertises Environmental Sensing (0x181A) with a Temperature (0x2A6E) that
 * changes every period and is notified to whoever subscribed. Any number of centrals.
 *
 *   temp_sensor [--adapter NAME] [--period-ms N]      ends on Ctrl-C
 */
#include "example.h"
#include <signal.h>

struct app {
  aioble_t *ble;
  aioble_char_t *temperature;
  aioble_op_t *advertising;
  uv_timer_t timer;
  uv_signal_t interrupt, terminate;
  double celsius;
  int status;
};

static void on_central(aioble_op_t *op, int status, void *user);

static void advertise(struct app *app) {
  static const aioble_uuid_t services[] = {{2, {0x1a, 0x18}}};

  app->advertising =
      aioble_advertise(app->ble, &(aioble_advertise_options_t){.interval_us = 100000,
                                                               .fields = {.name = "aioble-temp",
                                                                          .services = services,
                                                                          .service_count = 1,
                                                                          .appearance = 0x0300}});
  aioble_op_then(aioble_op_ref(app->advertising), on_central, app);
}

static void stop(struct app *app) {
  if (uv_is_closing((uv_handle_t *) &app->timer))
    return;
  uv_close((uv_handle_t *) &app->timer, NULL);
  uv_close((uv_handle_t *) &app->interrupt, NULL);
  uv_close((uv_handle_t *) &app->terminate, NULL);
  aioble_op_unref(aioble_close(app->ble));
}

static void on_gone(aioble_conn_t *conn, int reason, void *user) {
  (void) conn;
  (void) user;
  printf("central has gone: %s\n", aioble_strerror(reason));
}

static void on_central(aioble_op_t *op, int status, void *user) {
  struct app *app = user;
  char text[AIOBLE_ADDR_TEXT_SIZE];

  app->advertising = aioble_op_unref(app->advertising);
  if (status < 0) {
    if (status != AIOBLE_ECANCELED) {
      (void) fprintf(stderr, "advertise: %s\n", aioble_op_message(op));
      app->status = status;
    }
    stop(app);
    return;
  }
  printf("central %s has connected\n",
         aioble_addr_text(aioble_device_addr(aioble_conn_device(aioble_op_conn(op))), text));
  aioble_conn_set_hooks(aioble_op_conn(op), &(aioble_conn_hooks_t){.on_disconnect = on_gone});
  advertise(app); /* for the next one, while this one stays */
}

static void on_period(uv_timer_t *timer) {
  struct app *app = timer->data;
  int16_t hundredths;
  uint8_t value[2];

  app->celsius += app->celsius < 25 ? 0.13 : -5;
  hundredths = (int16_t) (app->celsius * 100);
  value[0] = (uint8_t) hundredths;
  value[1] = (uint8_t) (hundredths >> 8);
  aioble_char_write(app->temperature, value, sizeof value, AIOBLE_SEND_UPDATE);
}

static void on_signal(uv_signal_t *signal, int number) {
  (void) number;
  stop(signal->data);
}

int main(int argc, char **argv) {
  struct app app = {.celsius = 21};
  const char *adapter = NULL;
  long ms = example_args(argc, argv, "[--period-ms N]", "period-ms", 1000, &adapter);
  aioble_service_t *service;
  uv_loop_t loop;

  uv_loop_init(&loop);
  app.ble = example_new(&loop, adapter);
  service = aioble_service_new(app.ble, AIOBLE_UUID16(0x181a));
  app.temperature = aioble_char_new(service, AIOBLE_UUID16(0x2a6e), AIOBLE_READ | AIOBLE_NOTIFY,
                                    &(aioble_char_options_t){.max_len = 2});
  app.timer.data = app.interrupt.data = app.terminate.data = &app;
  uv_timer_init(&loop, &app.timer);
  on_period(&app.timer);
  aioble_register_services(app.ble, &service, 1);
  aioble_service_unref(service);
  advertise(&app);
  uv_timer_start(&app.timer, on_period, (uint64_t) ms, (uint64_t) ms);
  uv_signal_init(&loop, &app.interrupt);
  uv_signal_init(&loop, &app.terminate);
  uv_signal_start(&app.interrupt, on_signal, SIGINT);
  uv_signal_start(&app.terminate, on_signal, SIGTERM);
  uv_run(&loop, UV_RUN_DEFAULT);
  return example_end(app.ble, &loop, app.status);
}
