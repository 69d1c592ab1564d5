/* SPDX-License-Identifier: MIT */
/* Trees and texts have keys in them, so they are wiped before their memory goes. (What cJSON takes
   and gives back by itself, it does with nothing but what is in a file that it cannot read.) */
#include "store/store_priv.h"

#include <string.h>

enum { FIRST = 16384 };

static void wipe(cJSON *item) {
  cJSON *child;

  if (item->valuestring)
    explicit_bzero(item->valuestring, strlen(item->valuestring));
  cJSON_ArrayForEach(child, item) {
    wipe(child);
  }
}

void ab_store_delete(cJSON *tree) {
  if (tree)
    wipe(tree);
  cJSON_Delete(tree);
}

/* cJSON's own way would leave copies behind as the text grows */
char *ab_store_print(const ab_store *store, int *err) {
  for (size_t size = FIRST; size < 2 * AB_STORE_MAX; size *= 2) {
    char *text = ab_alloc(store->env, size);

    *err = text ? 0 : AIOBLE_ENOMEM;
    if (!text || (cJSON_PrintPreallocated(store->root, text, (int) size, true) &&
                  strlen(text) <= AB_STORE_MAX))
      return text;
    ab_free_secret(store->env, text, size);
  }
  *err = AIOBLE_EMSGSIZE;
  return NULL;
}

void ab_store_free_text(const ab_store *store, char *text) {
  ab_free_secret(store->env, text, strlen(text));
}
