#!/bin/bash
# SPDX-License-Identifier: MIT
# Without the capability for a user channel: the error says which, and how to give it.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
background scan setpriv --reuid nobody --clear-groups "$build/examples/scan" --adapter hci0
fails scan 5 'hci0 needs CAP_NET_ADMIN.*setcap'
