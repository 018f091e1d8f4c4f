'use strict';

// A member of the cluster that is a Node process: `member.rs` in JavaScript. It takes orders on its standard input and
// reports on its standard output, one JSON value a line.

const assert = require('assert');
const readline = require('readline');
const { setTimeout: sleep } = require('timers/promises');
const { inspect } = require('util');
const ConfigCenter = require('./config_center');

// So many calls are made before the leader is killed, one after the other.
const CALLS = 20;

const [ server, port ] = process.argv.slice(2);
// The package's own logger writes on the standard output, where the reports go.
const logger = { debug() {}, info() {}, warn() {}, error: console.error };
const center = new ConfigCenter({ server, port: Number(port), logger });
// The leader emits what its methods throw. Whoever called one is told too.
center.on('error', () => {});

const orders = {
  async get({ dataId }) {
    const { content, modified, comment } = await center.get(dataId);
    assert(content instanceof Buffer && modified instanceof Date);
    assert.strictEqual(comment, undefined);
    saw({ content, modified, comment });
  },

  async echo() {
    const value = [ new Date(0), Buffer.from([ 0, 255 ]), undefined ];
    const echoed = await center.echo(value);
    assert.deepStrictEqual(echoed, value);
    saw(echoed);
  },

  async fail() {
    const error = await center.get('nowhere').then(() => assert.fail('there is such a config'), error => error);
    assert.deepStrictEqual([ error.code, error.message ], [ 'NOT_FOUND', 'no config nowhere' ]);
    say({ did: 'saw', text: `${error.name} { code: ${inspect(error.code)}, message: ${inspect(error.message)} }` });
  },

  async subscribe({ dataId }) {
    center.subscribe({ dataId }, ({ content }) => say({ did: 'heard', content: content.toString(), text: inspect(content) }));
  },

  async publish({ dataId, content }) {
    center.publish({ dataId, content });
  },

  // Not awaited: the end of the orders must be seen meanwhile.
  async chase({ leader }) {
    chase(leader).catch(fail);
  },
};

// Calls until somebody else answers. A call in flight when the leader dies fails, and is made again here.
async function chase(leader) {
  let [ calls, failed ] = [ 0, 0 ];
  for (;;) {
    calls++;
    const pid = await center.servedBy().then(by => by.pid, () => void failed++);
    if (calls === CALLS) say({ did: 'chases' });
    if (pid && pid !== leader) return say({ did: 'moved', leads: center.isClusterClientLeader, calls, failed });
    await sleep(1);
  }
}

function saw(value) {
  say({ did: 'saw', text: inspect(value, { breakLength: Infinity }) });
}

function say(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function main() {
  await center.ready();
  say({ did: 'joined', leads: center.isClusterClientLeader });
  // Ends when the parent closes the orders, or is gone.
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    await orders[order.order](order);
  }
  await center.close();
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

main().then(() => process.exit(0), fail);
