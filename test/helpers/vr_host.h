/* SPDX-License-Identifier: MIT */
/*
 * A host by hand, on a controller of the virtual radio: sends commands and data, keeps what comes,
 * and runs virtual time until what a test waits for is there.
 */
#ifndef VR_HOST_H
#define VR_HOST_H

#include "hci/hci_records.h"
#include "util/list.h"
#include <aioble/virtual.h>

/* an event as tests name it: its code, or an LE subevent */
#define VR_LE(subevent) (AB_HCI_EV_LE_META << 8 | (subevent))

typedef struct vr_packet {
  ab_list node;
  uint64_t at_us;
  size_t len;
  uint8_t data[];
} vr_packet;

typedef struct vr_host {
  aioble_virtual_radio_t *radio;
  aioble_transport_t *t;
  ab_list packets;  /* what came and was not taken yet */
  vr_packet *taken; /* the last one taken: cursors of it live until the next */
  unsigned batches, lost, closed, acl_packets;
  bool inside;                          /* the controller is in a call of ours */
  bool count_only;                      /* keep nothing, count */
  void (*on_packet)(struct vr_host *h); /* called from inside the delivery */
  ab_rd ret;                            /* return parameters of the last command */
} vr_host;

/* a new controller, powered, reset, all events unmasked */
void vr_host_open(vr_host *h, aioble_virtual_radio_t *radio,
                  const aioble_virtual_controller_options_t *options);
/* … without a word to it */
void vr_host_attach(vr_host *h, aioble_virtual_radio_t *radio,
                    const aioble_virtual_controller_options_t *options);
void vr_host_reopen(vr_host *h); /* its transport, which is closed */
void vr_host_init(vr_host *h);   /* reset and masks, again */
void vr_host_close(vr_host *h);  /* and release everything */
void vr_host_forget(vr_host *h); /* what came */

void vr_host_post(vr_host *h, uint16_t opcode, const void *params, size_t len);
/* posts, runs until it is answered; its status */
uint8_t vr_host_do(vr_host *h, uint16_t opcode, const void *params, size_t len);
/* the status of an answer to it, if there is one among what came */
bool vr_host_answer(vr_host *h, uint16_t opcode, uint8_t *status);

/* the first event of that kind, parameters behind code and subevent; or nothing has come */
bool vr_host_take(vr_host *h, unsigned event, ab_rd *params);
/* runs until there is one, at most `ms` of virtual time */
bool vr_host_wait_ms(vr_host *h, unsigned event, ab_rd *params, unsigned ms);
static inline bool vr_host_wait(vr_host *h, unsigned event, ab_rd *params) {
  return vr_host_wait_ms(h, event, params, 60000);
}
unsigned vr_host_count(const vr_host *h, unsigned event); /* that came and were not taken */

void vr_host_acl(vr_host *h, uint16_t handle, uint8_t pb, const void *data, size_t len);
/* the first data packet, its payload; or none has come */
bool vr_host_take_acl(vr_host *h, uint16_t *handle, uint8_t *pb, ab_rd *payload);

void vr_run_ms(aioble_virtual_radio_t *radio, unsigned ms);

/* VR_DO(h, opcode, record, .field = …): a command of one record; its status */
#define VR_DO(h, opcode, record, ...) \
  vr_host_do_##record((h), (opcode), &(ab_##record){__VA_ARGS__})
#define VR_HOST_DO(record)                                                                         \
  static inline uint8_t vr_host_do_##record(vr_host *h, uint16_t opcode, const ab_##record *rec) { \
    uint8_t params[ab_##record##_size];                                                            \
    ab_wr w = ab_wr_of(params, sizeof params);                                                     \
                                                                                                   \
    ab_##record##_write(&w, rec);                                                                  \
    return vr_host_do(h, opcode, params, sizeof params);                                           \
  }
VR_HOST_DO(hci_u8)
VR_HOST_DO(hci_handle)
VR_HOST_DO(hci_addr)
VR_HOST_DO(hci_mask64)
VR_HOST_DO(hci_disconnect)
VR_HOST_DO(hci_host_buffer_size)
VR_HOST_DO(hci_tx_power_level)
VR_HOST_DO(hci_auth_payload)
VR_HOST_DO(hci_le_adv_params)
VR_HOST_DO(hci_le_adv_data)
VR_HOST_DO(hci_le_scan_params)
VR_HOST_DO(hci_le_scan_enable)
VR_HOST_DO(hci_le_create_conn)
VR_HOST_DO(hci_le_device)
VR_HOST_DO(hci_le_conn_update)
VR_HOST_DO(hci_le_conn_param_reply)
VR_HOST_DO(hci_le_conn_param_neg)
VR_HOST_DO(hci_le_chmap)
VR_HOST_DO(hci_le_encrypt)
VR_HOST_DO(hci_le_enable_enc)
VR_HOST_DO(hci_le_ltk_reply)
VR_HOST_DO(hci_le_data_length)
VR_HOST_DO(hci_le_default_data_length)
VR_HOST_DO(hci_le_resolving_add)
VR_HOST_DO(hci_le_privacy_mode)
VR_HOST_DO(hci_le_rpa_timeout)
VR_HOST_DO(hci_le_default_phy)
VR_HOST_DO(hci_le_set_phy)

ab_addr6 vr_host_addr(vr_host *h); /* its public address */

/* connectable advertising every 20 ms, from the public address; asserts */
void vr_host_advertise(vr_host *h, uint8_t type);
/* continuous scanning; asserts */
void vr_host_scan(vr_host *h, uint8_t type, bool filter_duplicates);
/* LE Create Connection to that public address: its status */
uint8_t vr_host_create(vr_host *h, ab_addr6 peer);
/* central connects to peripheral, both Connection Complete events are taken; asserts */
void vr_host_connect(vr_host *central, vr_host *peripheral, uint16_t *central_handle,
                     uint16_t *peripheral_handle);

/* two controllers, connected */
typedef struct vr_world {
  aioble_virtual_radio_t *radio;
  vr_host central, peripheral;
  uint16_t ch, ph; /* handles */
} vr_world;

void vr_world_new(vr_world *w, const aioble_virtual_options_t *radio,
                  const aioble_virtual_controller_options_t *central,
                  const aioble_virtual_controller_options_t *peripheral);
void vr_world_free(vr_world *w);
/* waits for Disconnection Complete of that handle: its reason */
uint8_t vr_host_gone(vr_host *h, uint16_t handle);
/* nothing is left that could happen, now or later */
void vr_expect_idle(aioble_virtual_radio_t *radio);

#endif
