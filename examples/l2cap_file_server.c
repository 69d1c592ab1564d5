/* SPDX-License-Identifier: MIT */
/*
 * Serves the files of one folder over an L2CAP channel, one client after the other; see
 * l2cap_file.h and l2cap_file_client.c.
 *
 *   l2cap_file_server [--adapter NAME] [--clients N] [FOLDER]      N clients; 0: for ever
 */
#include "l2cap_file.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (64ull << 20) /* what a client may put */

static int refuse(aioble_channel_t *channel, const char *why) {
  char text[FILE_TEXT];

  (void) snprintf(text, sizeof text, "error %s", why);
  return file_say(channel, text);
}

static int answer_with(aioble_channel_t *channel, FILE *file, uint64_t size) {
  char text[FILE_TEXT];
  int status;

  (void) snprintf(text, sizeof text, "ok %" PRIu64, size);
  status = file_say(channel, text);
  return status < 0 ? status : file_send(channel, file, size, false);
}

/* a plain file of the folder and no other, whatever somebody has put there */
static FILE *open_file(int folder, const char *name, struct stat *info) {
  int fd = file_name_ok(name) ? openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) : -1;

  if (fd >= 0 && fstat(fd, info) == 0 && S_ISREG(info->st_mode))
    return fdopen(fd, "rb");
  if (fd >= 0)
    (void) close(fd);
  return NULL;
}

static int do_list(aioble_channel_t *channel, int folder) {
  DIR *dir = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY));
  FILE *list = tmpfile();
  struct dirent *entry;
  struct stat info;
  int status = AIOBLE_EIO;
  FILE *file;

  while (dir && list && (entry = readdir(dir))) {
    file = open_file(folder, entry->d_name, &info);
    if (!file)
      continue;
    (void) fprintf(list, "%10lld %s\n", (long long) info.st_size, entry->d_name);
    (void) fclose(file);
  }
  if (dir && list) {
    uint64_t size = (uint64_t) ftell(list);

    rewind(list);
    status = answer_with(channel, list, size);
  }
  if (dir)
    (void) closedir(dir);
  if (list)
    (void) fclose(list);
  return status;
}

static int do_get(aioble_channel_t *channel, int folder, const char *name) {
  struct stat info;
  FILE *file = open_file(folder, name, &info);
  int status;

  if (!file)
    return refuse(channel, "no such file");
  status = answer_with(channel, file, (uint64_t) info.st_size);
  (void) fclose(file);
  return status;
}

/* to a file aside, which gets its name once it is whole */
static int do_put(aioble_channel_t *channel, int folder, uint64_t size, const char *name) {
  static const char part[] = ".part";
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;
  int fd, status;
  FILE *file;

  if (!file_name_ok(name) || size > FILE_MAX)
    return refuse(channel, "no such name or size");
  fd = openat(folder, part, flags, 0644);
  file = fd < 0 ? NULL : fdopen(fd, "wb");
  if (!file)
    return refuse(channel, "the folder cannot be written to");
  status = file_say(channel, "ok");
  if (status == 0)
    status = file_receive(channel, file, size, false);
  if (fclose(file) != 0 && status == 0)
    status = AIOBLE_EIO;
  if (status == 0 && renameat(folder, part, folder, name) == 0)
    return file_say(channel, "ok");
  (void) unlinkat(folder, part, 0);
  return status == AIOBLE_ENOTCONN ? status : refuse(channel, "it did not arrive whole");
}

static int serve(aioble_channel_t *channel, int folder) {
  char text[FILE_TEXT] = "", name[FILE_TEXT];
  uint64_t size;
  int status;

  while ((status = file_hear(channel, text)) == 0) {
    printf("asked to %s\n", file_clean(text));
    if (!strcmp(text, "list"))
      status = do_list(channel, folder);
    else if (sscanf(text, "get %299[^\n]", name) == 1)
      status = do_get(channel, folder, name);
    else if (sscanf(text, "put %" SCNu64 " %299[^\n]", &size, name) == 2)
      status = do_put(channel, folder, size, name);
    else
      status = refuse(channel, "list, get NAME, put SIZE NAME");
    if (status < 0)
      break;
  }
  return status == AIOBLE_EOF || status == AIOBLE_ENOTCONN ? 0 : status;
}

/* the next client: its connection, and the channel it asks for */
static int serve_one(aioble_t *ble, aioble_listener_t *listener, int folder) {
  aioble_op_t *conn =
      aioble_advertise(ble, &(aioble_advertise_options_t){.fields = {.name = "aioble-files"}});
  aioble_op_t *channel = NULL;
  int status = example_await("advertise", conn);

  if (status < 0)
    goto done;
  channel = aioble_listener_accept(listener);
  aioble_op_set_timeout(channel, FILE_PATIENCE_MS);
  if (example_await("accept", channel) == 0 && serve(aioble_op_channel(channel), folder) < 0)
    (void) fprintf(stderr, "a transfer failed\n");
  aioble_op_finish(aioble_conn_disconnect(aioble_op_conn(conn)));
done:
  aioble_op_unref(channel);
  aioble_op_unref(conn);
  return status;
}

int main(int argc, char **argv) {
  const char *adapter = NULL;
  long clients = example_args(argc, argv, "[--clients N] [FOLDER]", "clients", 0, &adapter);
  int folder = open(optind < argc ? argv[optind] : ".", O_RDONLY | O_DIRECTORY), status = 0;
  aioble_listener_t *listener;
  uv_loop_t loop;
  aioble_t *ble;

  if (folder < 0) {
    perror("l2cap_file_server");
    return 1;
  }
  uv_loop_init(&loop);
  ble = example_new(&loop, adapter);
  listener = aioble_l2cap_listen(ble, FILE_PSM, NULL);
  for (long i = 0; (clients == 0 || i < clients) && status == 0; i++)
    status = serve_one(ble, listener, folder);
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
  (void) close(folder);
  return example_end(ble, &loop, status);
}
