/* SPDX-License-Identifier: MIT */
/**
 * @file
 * libaioble: an asynchronous Bluetooth LE host stack on a libuv loop. This header includes the
 * parts; each can be included alone.
 */
#ifndef AIOBLE_H
#define AIOBLE_H

#include <aioble/ad.h>
#include <aioble/central.h>
#include <aioble/client.h>
#include <aioble/core.h>
#include <aioble/l2cap.h>
#include <aioble/op.h>
#include <aioble/peripheral.h>
#include <aioble/security.h>
#include <aioble/server.h>
#include <aioble/types.h>

#endif
