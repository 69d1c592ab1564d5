// SPDX-License-Identifier: MIT
// An H4 stream on a unix socket as the transport that ble-host wants: it writes whole packets and
// takes whole packets.
'use strict';
const net = require('net');
const { EventEmitter } = require('events');

const ACL = 2;

// The octets of the packet at the start, 0 if they are not all there.
function packetLength(octets) {
  const head = octets[0] === ACL ? 5 : 3;
  if (octets.length < head) return 0;
  const length = head + (octets[0] === ACL ? octets.readUInt16LE(3) : octets[2]);
  return octets.length < length ? 0 : length;
}

module.exports = function open(path) {
  const transport = new EventEmitter();
  const socket = net.connect(path);
  let octets = Buffer.alloc(0);

  transport.write = (packet) => socket.write(packet);
  socket.on('close', () => transport.emit('close'));
  socket.on('data', (data) => {
    octets = Buffer.concat([octets, data]);
    for (let n; (n = packetLength(octets)) > 0; octets = octets.subarray(n)) {
      transport.emit('data', Buffer.from(octets.subarray(0, n)));
    }
  });
  return transport;
};
