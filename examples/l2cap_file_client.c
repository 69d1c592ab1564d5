/* SPDX-License-Identifier: MIT */
/*
 * Lists, gets and puts files at an l2cap_file_server nearby, which it finds by its name.
 *
 *   l2cap_file_client [--adapter NAME] list | get NAME | put FILE      get and put: here, this
 * folder
 */
#include "l2cap_file.h"
#include <sys/stat.h>
#include <unistd.h>

/* the first device that is called aioble-files */
static int find(aioble_t *ble, aioble_device_t **device) {
  aioble_scan_t *scan = aioble_scan(
      ble, &(aioble_scan_options_t){
               .duration_ms = 10000, .active = true, .filter.name_prefix = "aioble-files"});
  aioble_op_t *next = aioble_scan_next(scan);
  int status = example_await("scan", next);

  if (status == AIOBLE_EOF)
    (void) fprintf(stderr, "no file server found\n");
  if (status == 0)
    *device = aioble_scan_result_device(aioble_op_scan_result(next));
  aioble_op_unref(next);
  aioble_op_finish(aioble_scan_stop(scan));
  aioble_scan_unref(scan);
  return status;
}

/* asks, and hears "ok", with a size if there is one */
static int ask(aioble_channel_t *channel, const char *request, uint64_t *size) {
  char text[FILE_TEXT] = "";
  int status = *request ? file_say(channel, request) : 0;

  *size = 0;
  if (status == 0)
    status = file_hear(channel, text);
  if (status < 0 || !strncmp(text, "ok", 2)) {
    if (status == 0)
      (void) sscanf(text, "ok %" SCNu64, size);
    return status;
  }
  (void) fprintf(stderr, "%s\n", file_clean(text));
  return AIOBLE_EPROTO;
}

static int list(aioble_channel_t *channel) {
  uint64_t size;
  int status = ask(channel, "list", &size);

  return status < 0 ? status : file_receive(channel, stdout, size, false);
}

static int get(aioble_channel_t *channel, const char *name) {
  char request[FILE_TEXT];
  uint64_t size;
  int status;
  FILE *file;

  (void) snprintf(request, sizeof request, "get %s", name);
  status = ask(channel, request, &size);
  if (status < 0)
    return status;
  file = fopen(name, "wbx"); /* nothing is written over */
  if (!file) {
    perror(name);
    return AIOBLE_EIO;
  }
  status = file_receive(channel, file, size, true);
  if (fclose(file) != 0 && status == 0)
    status = AIOBLE_EIO;
  if (status < 0)
    (void) remove(name);
  return status;
}

static int put(aioble_channel_t *channel, const char *name) {
  FILE *file = fopen(name, "rb");
  char request[FILE_TEXT];
  int status = AIOBLE_EIO;
  struct stat info;
  uint64_t none;

  if (!file || fstat(fileno(file), &info) < 0) {
    perror(name);
  } else {
    (void) snprintf(request, sizeof request, "put %lld %s", (long long) info.st_size, name);
    status = ask(channel, request, &none);
    if (status == 0)
      status = file_send(channel, file, (uint64_t) info.st_size, true);
    if (status == 0)
      status = ask(channel, "", &none);
  }
  if (file)
    (void) fclose(file);
  return status;
}

static int use(aioble_device_t *device, const char *what, const char *name) {
  const aioble_connect_options_t fast = {.interval_min_us = 7500, .interval_max_us = 15000};
  aioble_op_t *conn = aioble_device_connect(device, &fast), *channel = NULL;
  int status = example_await("connect", conn);

  if (status < 0)
    goto done;
  channel = aioble_conn_l2cap_connect(aioble_op_conn(conn), FILE_PSM, NULL);
  if ((status = example_await("channel", channel)) < 0)
    goto done;
  if (!strcmp(what, "list"))
    status = list(aioble_op_channel(channel));
  else
    status = (*what == 'g' ? get : put)(aioble_op_channel(channel), name);
  if (status < 0)
    (void) fprintf(stderr, "%s: %s\n", what, aioble_strerror(status));
  aioble_op_finish(aioble_channel_disconnect(aioble_op_channel(channel)));
  aioble_op_finish(aioble_conn_disconnect(aioble_op_conn(conn)));
done:
  aioble_op_unref(channel);
  aioble_op_unref(conn);
  return status;
}

int main(int argc, char **argv) {
  const char *adapter = NULL;
  const char *what, *name;
  aioble_device_t *device = NULL;
  uv_loop_t loop;
  aioble_t *ble;
  int status;

  (void) example_args(argc, argv, "list | get NAME | put FILE", "unused", 0, &adapter);
  what = optind < argc ? argv[optind] : "";
  name = optind + 1 < argc ? argv[optind + 1] : "";
  if (strcmp(what, "list") != 0 &&
      ((strcmp(what, "get") != 0 && strcmp(what, "put") != 0) || !file_name_ok(name))) {
    (void) fprintf(stderr, "usage: %s [--adapter NAME] list | get NAME | put FILE\n", argv[0]);
    return 2;
  }
  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  status = find(ble, &device);
  if (status == 0)
    status = use(device, what, name);
  aioble_device_unref(device);
  return example_end(ble, &loop, status);
}
