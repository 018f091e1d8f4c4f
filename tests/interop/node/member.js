'use strict';

// A process that is a member of clusters, by the npm package. It is told what to do on its standard input and says what
// happens on its standard output, a line of JSON each; values are in the notation of the vectors. It ends with its input.

const readline = require('readline');
const cluster = require('cluster-client');
const notation = require('./notation');
const { Values } = require('./random');

const kinds = { Interop: require('./interop'), Backend: require('./backend') };
// The package leaves Nagle's algorithm on in a leader: small batches would wait for it.
const BATCH = 500;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const members = new Map();

const commands = {
  // Joins. `options` are those of the package.
  async start({ member, kind, ledger, options }) {
    const { Client, delegates } = kinds[kind];
    const generator = cluster(Client, { logger: silent, ...options });
    for (const [ from, to ] of Object.entries(delegates)) generator.delegate(from, to);
    const tell = (event, { args, ...more }) => say({ event, member, args: args.map(notation.write), ...more });
    const client = generator.create({ say: tell, ledger });
    members.set(member, { client, listeners: new Map() });
    client.on('error', error => say({ event: 'error', member, error: describe(error) }));
    client.on('close', () => lost(member, client));
    await client.ready();
    return { leads: client.isClusterClientLeader };
  },

  async call({ member, method, args }) {
    return notation.write(await members.get(member).client[method](...args.map(notation.read)));
  },

  async callBack({ member, method, args }) {
    const { client } = members.get(member);
    const result = new Promise((resolve, reject) => {
      client[method](...args.map(notation.read), (error, value) => (error ? reject(error) : resolve(value)));
    });
    return notation.write(await result);
  },

  // One-way calls and publications: nothing comes back.
  send({ member, method, args }) {
    members.get(member).client[method](...args.map(notation.read));
  },

  subscribe({ member, listener, reg }) {
    const { client, listeners } = members.get(member);
    const hear = value => say({ event: 'value', member, listener, value: notation.write(value) });
    listeners.set(listener, hear);
    client.subscribe(notation.read(reg), hear);
  },

  // One listener, or without its name all of them.
  unSubscribe({ member, listener, reg }) {
    const { client, listeners } = members.get(member);
    client.unSubscribe(notation.read(reg), listener && listeners.get(listener));
  },

  role({ member }) {
    return { leads: members.get(member).client.isClusterClientLeader };
  },

  async close({ member }) {
    await cluster.close(members.get(member).client);
  },

  // Echoes so many random values, and tells those that came back as something else.
  async echo({ member, seed, count }) {
    const { client } = members.get(member);
    const values = new Values(seed);
    const changed = [];
    let bytes = 0;
    for (let left = count; left > 0; left -= BATCH) {
      const batch = Array.from({ length: Math.min(left, BATCH) }, () => values.next());
      const back = await Promise.all(batch.map(value => client.echo(value)));
      batch.forEach((value, at) => {
        const [ sent, received ] = [ value, back[at] ].map(side => JSON.stringify(notation.write(side)));
        bytes += sent.length;
        if (sent !== received) changed.push({ sent, received });
      });
    }
    return { bytes, changed: changed.slice(0, 5), count: changed.length };
  },
};

function lost(member, client) {
  say({ event: 'lost', member });
  client.ready().then(
    () => say({ event: 'role', member, leads: client.isClusterClientLeader }),
    error => say({ event: 'failed', member, error: describe(error) })
  );
}

function describe({ name, message, code, stack }) {
  return { name, message, code, stack };
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function obey({ id, command, ...rest }) {
  try {
    const ok = await commands[command](rest);
    say({ id, ok: ok === undefined ? null : ok });
  } catch (error) {
    say({ id, error: describe(error) });
  }
}

readline
  .createInterface({ input: process.stdin })
  .on('line', line => obey(JSON.parse(line)))
  .on('close', () => process.exit());

// For scripts that begin with this one.
module.exports = { commands, kinds, members, say };
