// The JavaScript side of a transcript; its form is described in transcript.py.
'use strict';

const crypto = require('crypto');
const net = require('net');

const environment = process.env;
const options = {
  host: environment.COMPAT_HOST,
  port: Number(environment.COMPAT_PORT),
  user: environment.COMPAT_USER,
  password: environment.COMPAT_PASSWORD,
  database: environment.COMPAT_DATABASE,
};
const second = { user: environment.COMPAT_SECOND_USER, password: environment.COMPAT_SECOND_PASSWORD };
const mysql = environment.COMPAT_FLAVOR === 'mysql';
const scenarios = [];

// Registers an async function that makes `count` observations; `feature` is what weir must offer for it.
function scenario(name, count, run, feature = '') {
  scenarios.push({ name, count, run, feature });
}

// One line of the transcript. JSON escapes what would break the line.
function observe(label, value) {
  process.stdout.write(`  ${label}: ${JSON.stringify(readable(value))}\n`);
}

// Values that JSON would lose or garble, as text. Date and Buffer have a toJSON of their own, hence not a replacer.
function readable(value) {
  if (value === undefined) return '(undefined)';
  if (typeof value === 'bigint') return `${value}n`;
  if (Buffer.isBuffer(value)) return value.length > 300 ? digest(value) : `hex ${value.toString('hex')}`;
  if (value instanceof Date) return `date ${value.toISOString()}`;
  if (Array.isArray(value)) return value.map(readable);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, readable(part)]));
  }
  return value;
}

// A connection through a socket that counts: `use` gets a function that tells whether less came than `size` bytes.
// SHOW STATUS would tell of the server's connection, which is weir's: compressed or not as weir's configuration says.
function compressed(connected, use) {
  let socket;
  const stream = () => (socket = net.connect(options.port, options.host));
  return connected({ compress: true, stream }, (connection) => use(connection, (size) => socket.bytesRead < size));
}

// Awaits a failure and returns what an application can see of it.
async function errorOf(action) {
  try {
    await action();
  } catch (error) {
    const cause = error.cause || error.parent || error.driverError || error;
    return [cause.code, cause.errno, cause.sqlState, cause.sqlMessage || cause.message];
  }
  throw new Error('the server should have refused this');
}

// Polls until `check` returns something true: for what another session wrote, which weir promises no moment for.
async function until(check) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const found = await check();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it did not become true');
}

function digest(data) {
  return `${data.length} bytes ${crypto.createHash('sha256').update(data).digest('hex').slice(0, 16)}`;
}

// Bytes of every value, the same in each run.
function pattern(size) {
  const data = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) data[at] = (at + (at >> 8) * 7) & 255;
  return data;
}

// Announces the scenarios, then runs those that are asked for.
async function main() {
  for (const { name, count, feature } of scenarios) console.log(`plan ${name} ${count} ${feature}`.trimEnd());
  if (environment.COMPAT_PLAN) return;
  const only = (environment.COMPAT_ONLY || '').split(',');
  for (const planned of scenarios.filter(({ name }) => only.includes(name))) {
    console.log(`begin ${planned.name}`);
    try {
      await planned.run();
      if (stray.length) throw stray.shift();
      console.log(`end ${planned.name}`);
    } catch (error) {
      const place = String(error.stack).split('\n').find((line) => line.includes('/compat/node/') &&
                                                                   !line.includes('scenario.js')) || '';
      console.log(`error ${planned.name} ${JSON.stringify(String(error))}${place}`);
    }
  }
}

// Errors that a client throws outside of every call: they would have ended the application.
const stray = [];
process.on('uncaughtException', (error) => stray.push(error));

// Runs everything and ends the process, also when a client has left a handle open.
function start() {
  main().then(() => process.exit(0));
}

module.exports = { options, second, mysql, scenario, observe, compressed, errorOf, until, digest, pattern, start };
