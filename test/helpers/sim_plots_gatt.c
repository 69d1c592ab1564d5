/* SPDX-License-Identifier: MIT */
#include "helpers/sim_plots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void plot_values(story *st) {
  sim_watch *service, *chr, *written, *notified, *indicated;
  aioble_client_char_t *c;

  if (!plot_meet(st))
    return;
  service = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (story_wait(st, service) < 0)
    return;
  chr = story_ask(
      st, aioble_client_service_char(aioble_op_service(service->op), AIOBLE_UUID16(0x2a6e)));
  if (story_wait(st, chr) < 0)
    return;
  c = aioble_op_char(chr->op);
  written = story_ask(st, aioble_char_written(st->chr));
  if (story_run(st, aioble_client_char_read(c)) < 0 ||
      story_run(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST)) < 0 ||
      story_wait_or_give_up(st, written) < 0 ||
      story_run(st, aioble_client_char_write(c, "def", 3, AIOBLE_WRITE_NO_RESPONSE)) < 0 ||
      story_run(st, aioble_client_char_subscribe(c, AIOBLE_SUBSCRIBE_NOTIFY |
                                                        AIOBLE_SUBSCRIBE_INDICATE)) < 0)
    return;
  notified = story_ask(st, aioble_client_char_notified(c));
  indicated = story_ask(st, aioble_client_char_indicated(c));
  (void) story_run(st, aioble_char_notify(st->chr, st->peer_conn, "new", 3));
  (void) story_wait_or_give_up(st, notified);
  (void) story_run(st, aioble_char_indicate(st->chr, st->peer_conn, "ind", 3));
  (void) story_wait_or_give_up(st, indicated);
  plot_part(st);
}

void plot_walk(story *st, aioble_discovery_t *discovery,
               void (*visit)(story *st, const aioble_op_t *found)) {
  sim_watch *next;

  while (discovery && story_wait(st, next = story_ask(st, aioble_discovery_next(discovery))) == 0)
    if (visit)
      visit(st, next->op);
  aioble_discovery_unref(discovery);
}

static void visit_char(story *st, const aioble_op_t *found) {
  plot_walk(st, aioble_client_char_descs(aioble_op_char(found), NULL), NULL);
}

static void visit_service(story *st, const aioble_op_t *found) {
  plot_walk(st, aioble_client_service_includes(aioble_op_service(found), NULL), NULL);
  plot_walk(st, aioble_client_service_chars(aioble_op_service(found), NULL), visit_char);
}

void plot_discovery(story *st) {
  if (!plot_meet(st))
    return;
  plot_walk(st, aioble_conn_services(st->conn, NULL), visit_service);
  plot_walk(st, aioble_conn_secondary_services(st->conn, NULL), NULL);
  plot_part(st);
}

/* written in parts, alone and with others; read in parts, alone and with others */
void plot_long_values(story *st) {
  static const uint8_t octets[60];
  sim_watch *chr;
  aioble_client_char_t *both[2];
  aioble_write_t writes[2] = {{.data = octets, .len = 25},
                              {.data = octets, .len = 25, .offset = 25}};

  if (!plot_meet(st))
    return;
  chr = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (story_wait(st, chr) < 0)
    return;
  chr =
      story_ask(st, aioble_client_service_char(aioble_op_service(chr->op), AIOBLE_UUID16(0x2a6e)));
  if (story_wait(st, chr) < 0)
    return;
  both[0] = both[1] = writes[0].chr = writes[1].chr = aioble_op_char(chr->op);
  (void) story_run(st,
                   aioble_client_char_write(both[0], octets, sizeof octets, AIOBLE_WRITE_REQUEST));
  (void) story_ask(st, aioble_conn_write_reliable(st->conn, writes, 2));
  (void) story_run(st, aioble_conn_write_reliable(st->conn, writes, 2));
  (void) story_run(st, aioble_client_read_multiple_variable(both, 2));
  (void) story_run(st, aioble_conn_read_by_uuid(st->conn, AIOBLE_UUID16(0x2a6e)));
  plot_part(st);
}

static int answer_later(aioble_access_t *access, void *user) {
  story *st = user;

  (void) aioble_answer(st->answer, 0, NULL, 0); /* nobody waits for that any more */
  st->answer = aioble_access_later(access);
  return AIOBLE_ANSWER_LATER;
}

/* a read that is answered late, and two writes of which the second has to wait for the first to be
   taken */
static void wait_for_server(story *st, aioble_client_char_t *c, aioble_char_t *chr) {
  sim_watch *reading = story_ask(st, aioble_client_char_read(c)), *writes[2];

  while (!st->answer && !reading->calls && story_step(st))
    continue;
  (void) aioble_answer(st->answer, 0, "late", 4);
  st->answer = NULL;
  if (story_wait(st, reading) < 0)
    return;
  for (int i = 0; i < 2; i++)
    writes[i] = story_ask(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST));
  if (story_wait(st, writes[0]) < 0)
    return;
  (void) story_wait_or_give_up(st, story_ask(st, aioble_char_written(chr)));
  (void) story_wait_or_give_up(st, story_ask(st, aioble_char_written(chr)));
  (void) story_wait(st, writes[1]);
}

/* of a server that takes its time, and a service that comes and goes */
static void use_slow_service(story *st, aioble_service_t *service, aioble_char_t *chr) {
  sim_watch *found;

  if (!chr || !plot_meet(st) || aioble_service_add(service) < 0)
    return;
  found = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x180f)));
  if (story_wait(st, found) < 0)
    return;
  found = story_ask(
      st, aioble_client_service_char(aioble_op_service(found->op), AIOBLE_UUID16(0x2a19)));
  if (story_wait(st, found) < 0)
    return;
  wait_for_server(st, aioble_op_char(found->op), chr);
  (void) aioble_service_remove(service);
  plot_part(st);
}

void plot_slow_server(story *st) {
  aioble_service_t *service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x180f));
  const aioble_char_options_t options = {
      .capture = true, .capture_depth = 1, .on_read = answer_later, .user = st};

  use_slow_service(st, service,
                   service ? aioble_char_new(service, AIOBLE_UUID16(0x2a19),
                                             AIOBLE_READ | AIOBLE_WRITE, &options)
                           : NULL);
  aioble_service_unref(service);
}

/* ---- descriptors, inclusions, several at once ---- */

typedef struct library {
  aioble_service_t *service, *included;
  aioble_char_t *chr;
  aioble_desc_t *desc;
  aioble_capture_t *capture;
} library;

/* a service that includes another, with a descriptor whose writes are captured; false: no memory */
static bool furnish(story *st, library *lib) {
  *lib = (library){.capture = aioble_capture_new(st->peripheral, 2)};
  lib->service = aioble_service_new(st->peripheral, AIOBLE_UUID16(0x180f));
  lib->included = aioble_service_new_secondary(st->peripheral, AIOBLE_UUID16(0x1810));
  if (!lib->service || !lib->included || !lib->capture ||
      aioble_service_include(lib->service, lib->included) < 0)
    return false;
  lib->chr = aioble_char_new(lib->service, AIOBLE_UUID16(0x2a19),
                             AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY,
                             &(aioble_char_options_t){.capture_to = lib->capture});
  lib->desc = lib->chr
                  ? aioble_desc_new(lib->chr, AIOBLE_UUID16(0x2907), AIOBLE_READ | AIOBLE_WRITE,
                                    &(aioble_desc_options_t){.capture = true})
                  : NULL;
  return lib->desc && aioble_service_add(lib->included) == 0 &&
         aioble_service_add(lib->service) == 0;
}

static void abandon(library *lib) {
  aioble_service_unref(lib->service);
  aioble_service_unref(lib->included);
  aioble_capture_unref(lib->capture);
}

static void use_descriptor(story *st, const library *lib, aioble_client_char_t *c) {
  sim_watch *desc = story_ask(st, aioble_client_char_desc(c, AIOBLE_UUID16(0x2907))), *written;

  if (story_wait(st, desc) < 0)
    return;
  written = story_ask(st, aioble_desc_written(lib->desc));
  (void) story_run(st, aioble_client_desc_write(aioble_op_desc(desc->op), "abc", 3));
  (void) story_wait_or_give_up(st, written);
  (void) story_run(st, aioble_client_desc_read(aioble_op_desc(desc->op)));
}

void plot_descriptors(story *st) {
  sim_watch *service, *chr, *included, *captured;
  library lib;

  if (!furnish(st, &lib) || !plot_meet(st))
    goto done;
  (void) story_run(st, aioble_conn_secondary_service(st->conn, AIOBLE_UUID16(0x1810)));
  service = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x180f)));
  if (story_wait(st, service) < 0)
    goto done;
  included = story_ask(
      st, aioble_client_service_include(aioble_op_service(service->op), AIOBLE_UUID16(0x1810)));
  chr = story_ask(
      st, aioble_client_service_char(aioble_op_service(service->op), AIOBLE_UUID16(0x2a19)));
  (void) story_wait(st, included);
  if (story_wait(st, chr) < 0)
    goto done;
  use_descriptor(st, &lib, aioble_op_char(chr->op));
  captured = story_ask(st, aioble_capture_next(lib.capture));
  (void) story_run(st,
                   aioble_client_char_write(aioble_op_char(chr->op), "x", 1, AIOBLE_WRITE_AUTO));
  (void) story_wait_or_give_up(st, captured);
  plot_part(st);
done:
  abandon(&lib);
}

/* both values there are, in one request, in one notification, in one op */
void plot_many_values(story *st) {
  sim_watch *service, *chrs[2], *told;
  aioble_client_char_t *both[2];
  aioble_op_t *subscribe[2];
  aioble_char_t *chars[2] = {st->chr};
  library lib;

  if (!furnish(st, &lib) || !plot_meet(st))
    goto done;
  chars[1] = lib.chr;
  for (unsigned i = 0; i < 2; i++) {
    service = story_ask(st, aioble_conn_service(st->conn, aioble_uuid16(i ? 0x180f : 0x181a)));
    if (story_wait(st, service) < 0)
      goto done;
    chrs[i] = story_ask(st, aioble_client_service_char(aioble_op_service(service->op),
                                                       aioble_uuid16(i ? 0x2a19 : 0x2a6e)));
    if (story_wait(st, chrs[i]) < 0)
      goto done;
    both[i] = aioble_op_char(chrs[i]->op);
  }
  (void) story_run(st, aioble_client_read_multiple(both, 2));
  (void) story_run(st, aioble_client_service_read_by_uuid(aioble_client_char_service(both[0]),
                                                          AIOBLE_UUID16(0x2a6e)));
  for (unsigned i = 0; i < 2; i++)
    subscribe[i] = aioble_client_char_subscribe(both[i], AIOBLE_SUBSCRIBE_NOTIFY);
  if (story_run(st, aioble_op_all(subscribe, 2)) < 0)
    goto done;
  told = story_ask(st, aioble_client_char_notified(both[1]));
  (void) story_run(st, aioble_char_notify_many(chars, 2, st->peer_conn));
  (void) story_wait_or_give_up(st, told);
  plot_part(st);
done:
  abandon(&lib);
}

static void agree(aioble_conn_t *conn, void *user) {
  (void) user;
  (void) aioble_pairing_answer(conn, true, 0);
}

/* several are refused at once, and a channel, until the link is paired for them */
void plot_secured_values(story *st) {
  aioble_listener_t *listener = aioble_l2cap_listen(
      st->peripheral, 0x80, &(aioble_listen_options_t){.security = AIOBLE_SECURITY_ENCRYPTED});
  sim_watch *chr, *asked[5];
  aioble_client_char_t *c;

  aioble_set_on_pairing_request(st->peripheral, agree, st);
  if (!plot_meet(st) || !listener)
    goto done;
  chr = story_ask(st, aioble_conn_service(st->conn, AIOBLE_UUID16(0x181a)));
  if (story_wait(st, chr) < 0)
    goto done;
  chr =
      story_ask(st, aioble_client_service_char(aioble_op_service(chr->op), AIOBLE_UUID16(0x2a6e)));
  if (story_wait(st, chr) < 0)
    goto done;
  c = aioble_op_char(chr->op);
  asked[0] = story_ask(st, aioble_client_char_read(c));
  asked[1] = story_ask(st, aioble_client_char_write(c, "abc", 3, AIOBLE_WRITE_REQUEST));
  asked[2] = story_ask(st, aioble_client_char_subscribe(c, AIOBLE_SUBSCRIBE_NOTIFY));
  asked[3] = story_ask(st, aioble_conn_write_reliable(
                               st->conn, &(aioble_write_t){.chr = c, .data = "def", .len = 3}, 1));
  asked[4] = story_ask(st, aioble_conn_l2cap_connect(st->conn, 0x80, NULL));
  for (unsigned i = 0; i < 5; i++)
    (void) story_wait_or_give_up(st, asked[i]);
  plot_part(st);
done:
  aioble_listener_stop(listener);
  aioble_listener_unref(listener);
}
