// SPDX-License-Identifier: MIT
// central.js TTY ADDRESS: noble finds our temp_sensor, connects, discovers everything, reads, is
// notified three times and disconnects. A line for each; the first that goes wrong ends it.
'use strict';
const assert = require('assert');
const { withBindings } = require('@stoprocent/noble');

const [tty, address] = process.argv.slice(2);
const noble = withBindings('hci', {
  hciDriver: 'uart',
  bindParams: { uart: { port: tty, baudRate: 1000000 } },
});

// The next n values that are notified.
function notified(characteristic, n) {
  return new Promise((resolve) => {
    const values = [];
    characteristic.on('data', (value) => {
      if (values.push(value) === n) resolve(values);
    });
  });
}

async function find() {
  const found = new Promise((resolve) => noble.on('discover', resolve));
  await noble.startScanningAsync(['181a'], false);
  const peripheral = await found;
  await noble.stopScanningAsync();
  assert.strictEqual(peripheral.address, address.toLowerCase());
  assert.strictEqual(peripheral.advertisement.localName, 'aioble-temp');
  return peripheral;
}

async function main() {
  await noble.waitForPoweredOnAsync(5000);
  const peripheral = await find();
  console.log('found', peripheral.address, peripheral.rssi);
  await peripheral.connectAsync();
  const { services, characteristics } =
    await peripheral.discoverAllServicesAndCharacteristicsAsync();
  console.log(services.map((s) => s.uuid), characteristics.map((c) => c.uuid));
  assert.deepStrictEqual(services.map((s) => s.uuid), ['1800', '1801', '181a']);
  const temperature = characteristics.find((c) => c.uuid === '2a6e');
  assert.deepStrictEqual(temperature.properties, ['read', 'notify']);
  const value = await temperature.readAsync();
  assert.strictEqual(value.length, 2);
  console.log('read', value.readInt16LE(0));
  const values = notified(temperature, 3);
  await temperature.subscribeAsync();
  console.log('notified', (await values).map((v) => v.readInt16LE(0)));
  await temperature.unsubscribeAsync();
  await peripheral.disconnectAsync();
  console.log('disconnected');
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
