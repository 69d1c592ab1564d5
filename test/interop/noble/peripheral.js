// SPDX-License-Identifier: MIT
// peripheral.js TTY: bleno offers a temperature that changes ten times a second and is notified, and
// the service that peer_central knows.
'use strict';
const { withBindings } = require('@stoprocent/bleno');

const bleno = withBindings('hci', {
  hciDriver: 'uart',
  bindParams: { uart: { port: process.argv[2], baudRate: 1000000 } },
});
const custom = (n) => `1234567812345678123456789abcdef${n}`;

function int16(n) {
  const value = Buffer.alloc(2);
  value.writeInt16LE(n);
  return value;
}

let celsius = 2100; // hundredths
let timer = null;
const temperature = new bleno.Characteristic({
  uuid: '2a6e',
  properties: ['read', 'notify'],
  onReadRequest: (connection, offset, done) =>
    done(bleno.Characteristic.RESULT_SUCCESS, int16(celsius)),
  onSubscribe: (connection, size, update) => {
    timer = setInterval(() => update(int16(++celsius)), 100);
  },
  onUnsubscribe: () => clearInterval(timer),
});

let text = Buffer.from('Hi!');
let tell = null; // notifies the central, while it has subscribed
const value = new bleno.Characteristic({
  uuid: custom(1),
  properties: ['read', 'write', 'notify'],
  onReadRequest: (connection, offset, done) =>
    done(bleno.Characteristic.RESULT_SUCCESS, text.slice(offset)),
  onWriteRequest: (connection, data, offset, withoutResponse, done) => {
    text = data;
    done(bleno.Characteristic.RESULT_SUCCESS);
    if (tell) tell(text);
  },
  onSubscribe: (connection, size, update) => { tell = update; },
  onUnsubscribe: () => { tell = null; },
});

const news = new bleno.Characteristic({
  uuid: custom(2),
  properties: ['indicate'],
  onSubscribe: (connection, size, update) => {
    for (const n of ['n1', 'n2', 'n3']) tell(Buffer.from(n));
    update(Buffer.from('i1'));
  },
});

bleno.on('stateChange', (state) => {
  if (state !== 'poweredOn') return;
  bleno.setServices([
    new bleno.PrimaryService({ uuid: '181a', characteristics: [temperature] }),
    new bleno.PrimaryService({ uuid: custom(0), characteristics: [value, news] }),
  ]);
  bleno.startAdvertising('bleno', ['181a']);
});
bleno.on('advertisingStart', (error) => console.log(error || `advertising as ${bleno.address}`));
bleno.on('accept', (peer) => console.log('connected', peer));
bleno.on('disconnect', (peer) => console.log('disconnected', peer));
process.on('SIGTERM', () => process.exit(0));
