'use strict';

// The same client in Node, as users of the npm package cluster-client write it: nothing in here knows of Rust.
// `DataClient` is the real client, of which only the leader makes one; `ConfigCenter` is what the application holds.

const { once } = require('events');
const net = require('net');
const readline = require('readline');
const { APIClientBase } = require('cluster-client');
const Base = require('sdk-base');

class DataClient extends Base {
  constructor(options) {
    super({ ...options, initMethod: '_connect' });
    this._lastId = 0;
    this._calls = new Map();
    this._watches = new Map();
  }

  async get(dataId) {
    const record = await this._ask({ op: 'get', dataId });
    if (!record) throw Object.assign(new Error(`no config ${dataId}`), { code: 'NOT_FOUND' });
    return config(record);
  }

  async echo(value) {
    return value;
  }

  async servedBy() {
    return { language: 'Node', pid: process.pid };
  }

  subscribe({ dataId }, listener) {
    const id = ++this._lastId;
    this._watches.set(id, record => listener(config(record)));
    this._ask({ op: 'watch', dataId }, id).catch(error => this.emit('error', error));
  }

  publish({ dataId, content }) {
    this._ask({ op: 'publish', dataId, content }).catch(error => this.emit('error', error));
  }

  async close() {
    this._socket.end();
  }

  async _connect() {
    const [ host, port ] = this.options.server.split(':');
    this._socket = net.connect(port, host).setNoDelay();
    await once(this._socket, 'connect');
    readline.createInterface({ input: this._socket }).on('line', line => this._hear(JSON.parse(line)));
    this._socket.on('error', error => this.emit('error', error)).on('close', () => this._lost());
  }

  _ask(ask, id = ++this._lastId) {
    this._socket.write(`${JSON.stringify({ id, ...ask })}\n`);
    return new Promise((resolve, reject) => this._calls.set(id, { resolve, reject }));
  }

  _hear({ id, push, record }) {
    if (push) return this._watches.get(id)(record);
    this._calls.get(id).resolve(record);
    this._calls.delete(id);
  }

  _lost() {
    const error = Object.assign(new Error('the config center is gone'), { code: 'CONNECTION_LOST' });
    for (const { reject } of this._calls.values()) reject(error);
    this._calls.clear();
  }
}

/** As the Rust `Config`. */
function config({ dataId, content, modified }) {
  return { dataId, content: Buffer.from(content), modified: new Date(modified), comment: undefined };
}

module.exports = class ConfigCenter extends APIClientBase {
  get DataClient() {
    return DataClient;
  }

  get delegates() {
    return { get: 'invoke', echo: 'invoke', servedBy: 'invoke' };
  }

  // The name and the port of the Rust members.
  get clusterOptions() {
    const { port, logger } = this.options;
    return { name: 'ConfigCenter', port, logger };
  }

  get(dataId) {
    return this._client.get(dataId);
  }

  echo(value) {
    return this._client.echo(value);
  }

  servedBy() {
    return this._client.servedBy();
  }

  subscribe(topic, listener) {
    this._client.subscribe(topic, listener);
  }

  publish(post) {
    this._client.publish(post);
  }
};
