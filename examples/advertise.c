/* SPDX-License-Identifier: MIT */
/* Advertises a name and lets centrals come and go: advertise [--adapter NAME] [--ms N] [NAME] */
#include "example.h"

struct app {
  aioble_t *ble;
  const char *name;
  aioble_op_t *advertising;
  int status;
};

static void on_central(aioble_op_t *op, int status, void *user);

static void advertise(struct app *app) {
  app->advertising = aioble_advertise(
      app->ble,
      &(aioble_advertise_options_t){.fields = {.name = app->name, .name_may_shorten = true}});
  aioble_op_then(aioble_op_ref(app->advertising), on_central, app);
}

static void on_gone(aioble_conn_t *conn, int reason, void *user) {
  char text[AIOBLE_ADDR_TEXT_SIZE];

  (void) user;
  printf("%s has gone: %s\n", aioble_addr_text(aioble_device_addr(aioble_conn_device(conn)), text),
         aioble_strerror(reason));
}

static void on_central(aioble_op_t *op, int status, void *user) {
  struct app *app = user;
  aioble_conn_t *conn = aioble_op_conn(op);
  char text[AIOBLE_ADDR_TEXT_SIZE];

  app->advertising = aioble_op_unref(app->advertising);
  if (status == AIOBLE_ECANCELED)
    return;
  if (status < 0) {
    (void) fprintf(stderr, "advertise: %s\n", aioble_op_message(op));
    app->status = status;
    return;
  }
  printf("%s has connected\n",
         aioble_addr_text(aioble_device_addr(aioble_conn_device(conn)), text));
  aioble_conn_set_hooks(conn, &(aioble_conn_hooks_t){.on_disconnect = on_gone});
  advertise(app); /* for the next one, while this one stays */
}

static void on_time(uv_timer_t *timer) {
  struct app *app = timer->data;

  uv_close((uv_handle_t *) timer, NULL);
  aioble_op_cancel(app->advertising);
  aioble_op_unref(aioble_close(app->ble));
}

int main(int argc, char **argv) {
  struct app app = {.name = "aioble"};
  const char *adapter = NULL;
  long ms = example_args(argc, argv, "[--ms N] [NAME]", "ms", 0, &adapter);
  uv_timer_t timer = {.data = &app};
  aioble_op_t *open;
  uv_loop_t loop;

  if (optind < argc)
    app.name = argv[optind];
  uv_loop_init(&loop);
  app.ble = example_new(&loop, adapter);
  open = aioble_open(app.ble);
  app.status = example_await("advertise", open);
  aioble_op_unref(open);
  if (app.status < 0)
    return example_end(app.ble, &loop, app.status);
  advertise(&app);
  printf("advertising as '%s'\n", app.name);
  if (ms > 0) {
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_time, (uint64_t) ms, 0);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  return example_end(app.ble, &loop, app.status);
}
