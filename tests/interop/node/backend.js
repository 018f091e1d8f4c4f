'use strict';

// The real client of the tests with processes that are killed: one connection to the ledger of the test, and in all else
// the Rust `Backend` of tests/support/backend.rs.

const { EventEmitter } = require('events');
const net = require('net');
const readline = require('readline');

exports.delegates = {};

exports.Client = class Backend extends EventEmitter {
  constructor({ ledger }) {
    super();
    this.number = 0;
    this.waiting = new Map();
    this.watchers = new Map();
    // A leader of ours numbers its leaderships by the clock in µs, if nothing is greater.
    this.epoch = Date.now() * 1000;
    this.socket = net.connect(ledger, '127.0.0.1').setNoDelay();
    readline
      .createInterface({ input: this.socket })
      .on('line', line => this.hear(JSON.parse(line)))
      .on('error', error => this.lost(error))
      .on('close', () => this.lost(new Error('the ledger is gone')));
    this.said = this.enter({ Hello: { pid: process.pid, epoch: this.epoch } });
  }

  ready(done) {
    this.said.then(() => done(), done);
  }

  async work(token) {
    await this.enter({ Execute: { token, call: token, epoch: this.epoch } });
    return this.epoch;
  }

  async look(token) {
    return this.work(token);
  }

  async deregister(name) {
    await this.enter({ Deregister: { name } });
  }

  subscribe(topic, listener) {
    this.watchers.set(topic, listener);
    this.enter({ Watch: { topic } }).catch(() => {});
  }

  publish(name) {
    this.enter({ Register: { name } }).catch(() => {});
  }

  async close() {
    await this.enter('Goodbye').catch(() => {});
    this.socket.destroy();
  }

  enter(entry) {
    const number = ++this.number;
    this.socket.write(`${JSON.stringify({ number, entry })}\n`);
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }

  hear({ Entered: entered, News: news }) {
    if (entered) {
      this.waiting.get(entered.number).resolve();
      this.waiting.delete(entered.number);
    } else {
      this.watchers.get(news.topic)(news.value);
    }
  }

  lost(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
};
