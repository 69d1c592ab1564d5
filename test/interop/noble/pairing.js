// SPDX-License-Identifier: MIT
// pairing.js SOCKET: two ble-hosts on the radio. They pair by comparing a number, encrypt once more
// with the key, and send SDUs of random octets to and fro on an L2CAP channel. A line for each; the
// first that goes wrong ends it.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const { once } = require('events');
const { AdvertisingDataBuilder, BleManager, IOCapabilities, L2CAPCoCErrors } = require('ble-host');
const openStream = require('./h4_stream');

const path = process.argv[2];
const NAME = 'ble-host', PSM = 0x81, MTU = 2000;
const features = { ioCap: IOCapabilities.DISPLAY_YES_NO, mitm: true };
const sdus = Array.from({ length: 50 }, () => crypto.randomBytes(1 + crypto.randomInt(MTU)));

function newHost() {
  return new Promise((resolve, reject) => {
    BleManager.create(openStream(path), {}, (err, host) => (err ? reject(err) : resolve(host)));
  });
}

const numbers = [];
function compare(model, number, done) {
  numbers.push(number);
  done();
}

// Sends back what it receives.
async function peripheral() {
  const host = await newHost();
  host.setAdvertisingData(new AdvertisingDataBuilder().addLocalName(true, NAME).build());
  host.startAdvertising({}, (status, connection) => {
    assert.strictEqual(status, 0);
    connection.smp.on('pairingRequest', (request, done) => done(features));
    connection.smp.on('passkeyExchange', compare);
    connection.l2capCoCManager.registerLePsm(PSM, (txMtu, accept) => {
      const channel = accept(L2CAPCoCErrors.CONNECTION_SUCCESSFUL, false, MTU);
      channel.on('data', (sdu) => channel.send(sdu));
    });
  });
}

async function connect() {
  const host = await newHost();
  const scanner = host.startScan({});
  let report;
  do {
    [report] = await once(scanner, 'report');
  } while (report.parsedDataItems.localName !== NAME);
  scanner.stopScan();
  return new Promise((resolve) => {
    const interval = { connIntervalMin: 6, connIntervalMax: 6 };
    host.connect(report.addressType, report.address, interval, resolve);
  });
}

async function pair(connection) {
  const complete = once(connection.smp, 'pairingComplete');
  connection.smp.on('passkeyExchange', compare);
  connection.smp.on('pairingFail', (...why) => assert.fail(`pairing failed: ${why}`));
  connection.smp.sendPairingRequest(features);
  const [{ sc, mitm, bond }] = await complete;
  assert.ok(sc && mitm && bond);
  assert.strictEqual(numbers.length, 2);
  assert.strictEqual(numbers[0], numbers[1]);
}

async function encryptAgain(connection) {
  const encrypted = once(connection.smp, 'encrypt');
  assert.ok(connection.smp.startEncryption());
  await encrypted;
}

function openChannel(connection) {
  return new Promise((resolve) => {
    connection.l2capCoCManager.connect(PSM, false, MTU, (result, channel) => {
      assert.strictEqual(result, L2CAPCoCErrors.CONNECTION_SUCCESSFUL);
      resolve(channel);
    });
  });
}

function sendAll(channel) {
  return new Promise((resolve) => {
    let n = 0;
    channel.on('data', (sdu) => {
      assert.ok(sdu.equals(sdus[n]), `SDU ${n} is another`);
      if (++n === sdus.length) resolve();
    });
    for (const sdu of sdus) channel.send(sdu);
  });
}

async function main() {
  await peripheral();
  const connection = await connect();
  console.log('connected');
  await pair(connection);
  console.log('paired', numbers[0]);
  await encryptAgain(connection);
  console.log('encrypted again');
  await sendAll(await openChannel(connection));
  console.log(`${sdus.length} SDUs have come back`);
  connection.disconnect();
  await once(connection, 'disconnect');
  console.log('disconnected');
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
