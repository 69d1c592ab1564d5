// SPDX-License-Identifier: MIT
// bonding.js SOCKET ADDRESS: ble-host pairs with our peer_pair and keeps the bond, link after link:
//   as the peripheral  1. compares a number; 2. is encrypted by the bond, and then forgets it;
//                      3. has no key;
//   as the central     4. shows a passkey; 5. encrypts with the bond; 6. tries to.
// Says what its user would see, and how secure each link is.
'use strict';
const { once } = require('events');
const { AdvertisingDataBuilder, AssociationModels, BleManager, IOCapabilities } = require('ble-host');
const openStream = require('./h4_stream');

const [path, address] = process.argv.slice(2);
let link = 0;

function say(...what) {
  console.log(`${link}:`, ...what);
}

function newHost() {
  return new Promise((resolve, reject) => {
    BleManager.create(openStream(path), {}, (err, host) => (err ? reject(err) : resolve(host)));
  });
}

function watch({ smp }) {
  link++;
  smp.on('passkeyExchange', (model, number, done) => {
    say('number', number);
    if (model === AssociationModels.NUMERIC_COMPARISON) done();
  });
  smp.on('pairingComplete', ({ sc, mitm, bond }) => say('paired', sc, mitm, bond));
  smp.on('pairingFail', (...why) => say('not paired', ...why));
  smp.on('encrypt', (status, level) => say('encrypted', status, level));
}

async function beConnected(host) {
  const connection = await new Promise((resolve, reject) => {
    host.startAdvertising({}, (status, made) => (status ? reject(status) : resolve(made)));
    console.log('advertising', link + 1);
  });
  watch(connection);
  connection.smp.on('pairingRequest', (request, done) =>
    done({ ioCap: IOCapabilities.DISPLAY_YES_NO, mitm: true }));
  await once(connection, 'disconnect');
}

async function connect(host) {
  const connection = await new Promise((resolve) => host.connect('public', address, {}, resolve));
  watch(connection);
  return connection;
}

async function pair(host) {
  const connection = await connect(host);
  connection.smp.sendPairingRequest({ ioCap: IOCapabilities.DISPLAY_ONLY, mitm: true });
  await once(connection, 'disconnect');
}

async function encrypt(host) {
  const connection = await connect(host);
  connection.smp.startEncryption();
  await once(connection, 'disconnect');
}

async function main() {
  const host = await newHost();
  host.setAdvertisingData(new AdvertisingDataBuilder().addLocalName(true, 'ble-host').build());
  await beConnected(host);
  await beConnected(host);
  host.removeBond('public', address);
  await beConnected(host);
  await pair(host);
  await encrypt(host);
  await encrypt(host);
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
