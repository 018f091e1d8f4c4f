'use strict';

// The real client of most tests: a store in memory. It says which of its methods ran.

const { EventEmitter } = require('events');

exports.delegates = {
  callback: 'invoke',
  breaks: 'invoke',
  tell: 'invokeOneway',
};

exports.Client = class Interop extends EventEmitter {
  constructor({ say }) {
    super();
    this.say = say;
    this.values = new Map();
    this.subscribed = new Map();
  }

  async echo(value) {
    return value;
  }

  async add(a, b) {
    return a + b;
  }

  async nothing() {}

  async fail(kind) {
    throw failures[kind]();
  }

  async failTyped(kind) {
    throw failures[kind]();
  }

  async slow(ms) {
    this.say('ran', { method: 'slow', args: [ ms ] });
    await new Promise(resolve => setTimeout(resolve, ms));
    return ms;
  }

  async neverAnswers() {
    return new Promise(() => {});
  }

  // Here, and not in the Rust client of the same name.
  async onlyInNode() {
    return 'never said by Rust';
  }

  callback(value, done) {
    setImmediate(done, null, value);
  }

  // Only a leader that is not Node survives it.
  breaks() {
    throw new Error('thrown, not returned');
  }

  tell(value) {
    this.say('ran', { method: 'tell', args: [ value ] });
  }

  subscribe(reg, listener) {
    this.say('ran', { method: 'subscribe', args: [ reg ] });
    const listeners = this.subscribed.get(reg.dataId) || [];
    this.subscribed.set(reg.dataId, [ ...listeners, listener ]);
    if (this.values.has(reg.dataId)) listener(this.values.get(reg.dataId));
  }

  unSubscribe() {
    this.say('ran', { method: 'unSubscribe', args: [] });
  }

  publish(reg) {
    this.say('ran', { method: 'publish', args: [ reg ] });
    this.values.set(reg.dataId, reg.value);
    for (const listener of this.subscribed.get(reg.dataId) || []) listener(reg.value);
  }

  async close() {
    this.say('ran', { method: 'close', args: [] });
  }
};

const failures = {
  plain: () => new Error('mock error'),
  coded: () => Object.assign(new Error('no such key: k'), { code: 'NOT_FOUND' }),
  named: () => Object.assign(new Error('registry is down'), { name: 'RegistryError', code: 503 }),
  type: () => new TypeError('not a function'),
};
