/* SPDX-License-Identifier: MIT */
/*
 * A state file: a whole stack begins with what the input says it had kept (bonds, our keys, what is
 * known of the peer's table, what the peer had set), meets the peer, which knows nothing or has a
 * bond of its own (that of the corpus), finds values, pairs, meets it again and closes. What it
 * keeps then can be read again.
 */
#include "stack_world.h"
#include "store/store_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* what the peer has kept of us */
static const char theirs[] =
    "{\"version\":1,\"peers\":[{\"address\":\"02:a1:0b:1e:00:01\",\"type\":\"public\",\"bond\":{"
    "\"local\":{\"key\":\"26d86ed8b5c2003256aecd63742e549d\"},"
    "\"peer\":{\"key\":\"26d86ed8b5c2003256aecd63742e549d\"},"
    "\"authenticated\":false,\"secure_connections\":true,\"key_size\":16}}]}";

static void write_file(const char *path, const uint8_t *bytes, size_t len) {
  FILE *file = fopen(path, "wb");

  app_check(file && fwrite(bytes, 1, len, file) == len);
  app_check(fclose(file) == 0);
}

/* they may not get together: with another key for it the link ends */
static void meet(world *w, bool ours_is_central) {
  app_act(ours_is_central ? &w->theirs : &w->ours, ACT_ADVERTISE, 1);
  app_act(ours_is_central ? &w->ours : &w->theirs, ACT_CONNECT, 0);
  world_run(w, 600);
  app_act(&w->ours, ACT_EXPLORE, 0);
  world_run(w, 200);
}

static void part(world *w) {
  app_act(&w->ours, ACT_DISCONNECT, 0);
  world_run(w, 50);
}

static void use(world *w, bool ours_is_central) {
  meet(w, ours_is_central);
  app_act(&w->ours, ACT_PAIR, 0);
  world_run(w, 400);
  part(w);
  meet(w, !ours_is_central);
  part(w);
}

static void on_bond(void *ctx, const ab_store_bond *bond) {
  (void) ctx;
  app_check(bond->key_size >= 7 && bond->key_size <= 16);
}

/* what was saved, unless a later version had written it: that is left alone */
static void check_file(const char *path) {
  ab_env env = {.mem = ab_libc_allocator};
  char why[AB_STORE_WHY], *text = NULL;
  ab_store store = {.env = &env};
  size_t len = 0;
  int err;

  if (ab_store_file_read(&env, path, false, &text, &len, why) < 0)
    return;
  err = ab_store_parse(&store, text, len);
  app_check(err == 0 || err == AIOBLE_ENOTSUP);
  if (err == 0)
    ab_store_bonds(&store, on_bond, NULL);
  cJSON_Delete(store.root);
  ab_free(&env, text);
}

static void empty(const char *dir) {
  DIR *d = opendir(dir);
  const struct dirent *entry;

  app_check(d != NULL);
  while ((entry = readdir(d)))
    (void) unlinkat(dirfd(d), entry->d_name, 0);
  (void) closedir(d);
  app_check(rmdir(dir) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  const char *where = getenv("TMPDIR"); /* in memory, at best: a bond is written through */
  char dir[200], path[256], peer[256];
  world *w;

  (void) snprintf(dir, sizeof dir, "%s/aioble-fuzz-XXXXXX", where ? where : "/tmp");
  app_check(mkdtemp(dir) != NULL);
  (void) snprintf(path, sizeof path, "%s/state", dir);
  (void) snprintf(peer, sizeof peer, "%s/peer", dir);
  write_file(path, bytes, len);
  write_file(peer, (const uint8_t *) theirs, sizeof theirs - 1);
  w = world_new(&(aioble_options_t){.store = path, .gatt_cache = AIOBLE_CACHE_ALL},
                &(aioble_options_t){.store = len & 2 ? peer : NULL}, false);
  use(w, len & 1);
  world_end(w);
  check_file(path);
  empty(dir);
  return 0;
}
