/* SPDX-License-Identifier: MIT */
#include "util/buf.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
  ab_env *env;
  ab_bufs pool;
  unsigned done;
  int status;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);

  assert_non_null(f);
  f->env = fake_env_new();
  ab_bufs_init(&f->pool, f->env, 2);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;

  ab_bufs_free(&f->pool);
  fake_env_free(f->env);
  free(f);
  return 0;
}

static void headers_go_in_front(void **state) {
  fixture *f = *state;
  ab_buf *buf = ab_buf_new(&f->pool, 4);
  ab_wr w = ab_buf_writer(buf);

  ab_wr_bytes(&w, "data", 4);
  ab_buf_wrote(buf, &w);
  w = ab_buf_prepend(buf, 2);
  ab_wr_le16(&w, 0x3231);
  w = ab_buf_prepend(buf, AB_BUF_HEADROOM - 2);
  ab_wr_bytes(&w, "fourteen bytes", AB_BUF_HEADROOM - 2);
  assert_int_equal(buf->len, 4 + AB_BUF_HEADROOM);
  assert_memory_equal(buf->p, "fourteen bytes12data", buf->len);
  ab_buf_consume(buf, 8);
  assert_memory_equal(buf->p, " bytes12data", buf->len);
  ab_buf_consume(buf, buf->len);
  assert_int_equal(buf->len, 0);
  ab_buf_free(buf);
}

static void what_is_written_later_is_appended(void **state) {
  fixture *f = *state;
  ab_buf *buf = ab_buf_new(&f->pool, 0);
  ab_wr w;

  for (const char *part = "abc"; *part; part++) {
    w = ab_buf_writer(buf);
    ab_wr_bytes(&w, part, 1);
    ab_buf_wrote(buf, &w);
  }
  assert_int_equal(buf->len, 3);
  assert_memory_equal(buf->p, "abc", 3);
  ab_buf_free(buf);
}

static void a_copy_is_the_bytes_with_room_in_front(void **state) {
  fixture *f = *state;
  ab_buf *buf = ab_buf_copy(&f->pool, "data", 4), *empty = ab_buf_copy(&f->pool, NULL, 0);
  ab_wr w = ab_buf_prepend(buf, AB_BUF_HEADROOM);

  ab_wr_bytes(&w, "sixteen octets: ", AB_BUF_HEADROOM);
  assert_memory_equal(buf->p, "sixteen octets: data", buf->len);
  assert_int_equal(empty->len, 0);
  ab_buf_free(buf);
  ab_buf_free(empty);
  ab_bufs_free(&f->pool);
  fake_env_fail_at(f->env, 1);
  assert_null(ab_buf_copy(&f->pool, "data", 4));
}

static void the_room_asked_for_is_there(void **state) {
  static const size_t rooms[] = {0, 1, AB_BUF_ROOM, AB_BUF_ROOM + 1, 65535};
  fixture *f = *state;

  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
    ab_buf *buf = ab_buf_new(&f->pool, rooms[i]);
    ab_wr w = ab_buf_writer(buf);

    assert_true(ab_wr_room(&w) >= rooms[i]);
    for (size_t n = ab_wr_room(&w); n; n--)
      ab_wr_u8(&w, 0x55);
    ab_buf_wrote(buf, &w);
    ab_buf_free(buf);
  }
  assert_null(ab_buf_new(&f->pool, UINT32_MAX));
}

static void the_steady_state_allocates_nothing(void **state) {
  fixture *f = *state;
  ab_buf *a = ab_buf_new(&f->pool, 10), *b = ab_buf_new(&f->pool, 10);
  unsigned allocs;

  ab_buf_free(a);
  ab_buf_free(b);
  allocs = fake_env_allocs(f->env);
  for (int i = 0; i < 100; i++) {
    a = ab_buf_new(&f->pool, AB_BUF_ROOM);
    b = ab_buf_new(&f->pool, 0);
    assert_int_equal(a->len, 0);
    assert_null(a->done);
    ab_buf_free(a);
    ab_buf_free(b);
  }
  assert_int_equal(fake_env_allocs(f->env), allocs);
}

static void the_pool_keeps_no_more_than_its_limit(void **state) {
  fixture *f = *state;
  ab_buf *bufs[5];

  for (size_t i = 0; i < 5; i++)
    bufs[i] = ab_buf_new(&f->pool, 0);
  assert_int_equal(fake_env_live(f->env), 5);
  for (size_t i = 0; i < 5; i++)
    ab_buf_free(bufs[i]);
  assert_int_equal(fake_env_live(f->env), 2);
  ab_buf_free(ab_buf_new(&f->pool, AB_BUF_ROOM + 1)); /* a long one is not pooled */
  assert_int_equal(fake_env_live(f->env), 2);
}

static void no_memory_gives_null(void **state) {
  fixture *f = *state;

  fake_env_fail_at(f->env, 1);
  assert_null(ab_buf_new(&f->pool, 1));
  ab_buf_free(NULL);
}

static void note(ab_buf *buf, int status) {
  fixture *f = buf->ctx;

  assert_int_equal(buf->len, 1); /* still whole when it is told */
  f->done++;
  f->status = status;
}

static void finish_tells_once_and_free_tells_nobody(void **state) {
  fixture *f = *state;
  ab_wr w;

  for (int i = 0; i < 2; i++) {
    ab_buf *buf = ab_buf_new(&f->pool, 1);

    assert_null(buf->done); /* a pooled buffer has forgotten its last owner */
    w = ab_buf_writer(buf);
    ab_wr_u8(&w, 1);
    ab_buf_wrote(buf, &w);
    buf->done = note;
    buf->ctx = f;
    if (i == 0)
      ab_buf_finish(buf, AIOBLE_ENOTCONN);
    else
      ab_buf_free(buf);
    assert_int_equal(f->done, 1);
    assert_int_equal(f->status, AIOBLE_ENOTCONN);
  }
}

static void keep(ab_buf *buf, int status) {
  note(buf, status);
  buf->kept = true;
  ab_buf_consume(buf, 1);
}

static void one_that_is_kept_can_be_given_away_again(void **state) {
  fixture *f = *state;
  ab_buf *buf = ab_buf_copy(&f->pool, "x", 1);

  for (unsigned i = 0; i < 2; i++) {
    buf->kept = false;
    buf->done = keep;
    buf->ctx = f;
    ab_buf_finish(buf, 0);
    assert_int_equal(f->done, i + 1);
    assert_int_equal(buf->len, 0);
    ab_buf_rewind(buf, 1);
    assert_int_equal(buf->len, 1);
    assert_int_equal(buf->p[0], 'x');
  }
  ab_buf_free(buf);
  buf = ab_buf_new(&f->pool, 1);
  assert_false(buf->kept);
  ab_buf_free(buf);
}

static void a_queued_buffer_leaves_its_queue_when_freed(void **state) {
  fixture *f = *state;
  ab_buf *buf = ab_buf_new(&f->pool, 1);
  ab_list queue;

  ab_list_init(&queue);
  ab_list_push(&queue, &buf->node);
  ab_buf_finish(buf, 0);
  assert_true(ab_list_empty(&queue));
}

static void what_is_secret_is_wiped_and_what_is_not_is_left(void **state) {
  static const char *const texts[] = {"a key of one link", "a key that is not s"};
  fixture *f = *state;

  for (unsigned i = 0; i < 2; i++) {
    ab_buf *buf = ab_buf_copy(&f->pool, texts[i], strlen(texts[i])), *again;
    ab_wr w = ab_buf_prepend(buf, 3);

    ab_wr_bytes(&w, "key", 3);
    buf->secret = i == 0;
    ab_buf_free(buf);
    again = ab_buf_new(&f->pool, 0);
    assert_ptr_equal(again, buf);
    assert_false(again->secret);
    assert_int_equal(memcmp(again->p, texts[i], 6) == 0, i);
    assert_int_equal(memcmp(again->p - 3, "key", 3) == 0, i);
    ab_buf_free(again);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(headers_go_in_front),
      TEST(what_is_written_later_is_appended),
      TEST(a_copy_is_the_bytes_with_room_in_front),
      TEST(the_room_asked_for_is_there),
      TEST(the_steady_state_allocates_nothing),
      TEST(the_pool_keeps_no_more_than_its_limit),
      TEST(no_memory_gives_null),
      TEST(finish_tells_once_and_free_tells_nobody),
      TEST(one_that_is_kept_can_be_given_away_again),
      TEST(a_queued_buffer_leaves_its_queue_when_freed),
      TEST(what_is_secret_is_wiped_and_what_is_not_is_left),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
