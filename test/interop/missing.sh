#!/bin/bash
# SPDX-License-Identifier: MIT
# An adapter that does not exist.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
start scan hci7 scan
fails scan 5 'hci7: no such adapter; there are hci'
