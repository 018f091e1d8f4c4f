'use strict';

// The real clients of the scenarios, by kind: those of the original's tests have these habits.

const { EventEmitter } = require('events');

// How many of them there have been in this process.
let built = 0;

// Lists of providers. A subscriber gets the whole list: at first, and after each change.
class Registry extends EventEmitter {
  constructor({ say }) {
    super();
    this.say = say;
    this.asked = 0;
    this.lists = new Map();
    this.number = ++built;
  }

  subscribe({ key }, listener) {
    this.asked++;
    this.on(`list ${key}`, listener);
    process.nextTick(() => listener(this.list(key)));
  }

  unSubscribe() {}

  publish({ key, value }) {
    const list = this.list(key);
    if (!list.includes(value)) this.change(key, [ ...list, value ]);
  }

  unPublish({ key, value }) {
    this.change(key, this.list(key).filter(one => one !== value));
  }

  list(key) {
    return this.lists.get(key) || [];
  }

  change(key, list) {
    this.lists.set(key, list);
    this.emit(`list ${key}`, list);
  }

  async get(id) {
    if (id === 'error') throw new Error('mock error');
    return id;
  }

  async echo(value) {
    return value;
  }

  // Says which real client of the process this is, and how often it was asked for a subscription.
  async count() {
    return [ this.number, this.asked ];
  }

  callback(id, done) {
    const error = id === 'error' ? new Error('mock error') : null;
    setImmediate(done, error, id);
  }

  // A callback that is never called.
  never(_done) {}

  promise(id) {
    return this.get(id);
  }

  async slow(ms) {
    await pause(ms);
    return ms;
  }

  async breaks() {
    this.emit('close');
    throw new Error('mock error');
  }

  async close() {
    await pause(100);
    this.say('ran', { method: 'close', args: [] });
  }
}

// Its values come so many ms after they were asked for.
class Late extends Registry {
  subscribe({ key }, listener) {
    setTimeout(listener, Number(key), [ `hello:${key}` ]);
  }
}

class Slow extends Registry {
  ready(done) {
    setTimeout(done, 1000);
  }
}

class Failing extends Registry {
  ready(done) {
    const error = Object.assign(new Error('mock error'), { code: 'ERROR_CODE' });
    setTimeout(done, 300, error);
  }
}

// Its publications have a result.
class Promised extends Registry {
  async publish(provider) {
    super.publish(provider);
    return provider.value;
  }
}

class Destroyed extends Registry {
  async destroy() {
    await pause(100);
    this.say('ran', { method: 'destroy', args: [] });
  }
}

class Generated extends Registry {
  * close() {
    yield pause(100);
    this.say('ran', { method: 'close', args: [] });
  }
}

class Plain extends Registry {
  close() {
    this.say('ran', { method: 'close', args: [] });
  }
}

class Unclosed extends Registry {}
Unclosed.prototype.close = undefined;

// Emits an error once it is closed.
class Loud extends Registry {
  async close() {
    await super.close();
    setTimeout(() => {
      this.emit('error', new Error('after the close'));
      this.say('ran', { method: 'shout', args: [] });
    }, 50);
  }
}

const invoked = {
  get: 'invoke',
  echo: 'invoke',
  count: 'invoke',
  callback: 'invoke',
  never: 'invoke',
  promise: 'invoke',
  slow: 'invoke',
  breaks: 'invoke',
  unPublish: 'invokeOneway',
};

module.exports = {
  Registry: { Client: Registry, delegates: invoked },
  Late: { Client: Late, delegates: invoked },
  Slow: { Client: Slow, delegates: invoked },
  Failing: { Client: Failing, delegates: invoked },
  Promised: { Client: Promised, delegates: { ...invoked, publish: 'invoke' } },
  Destroyed: { Client: Destroyed, delegates: { ...invoked, destroy: 'close' } },
  Generated: { Client: Generated, delegates: invoked },
  Plain: { Client: Plain, delegates: invoked },
  Unclosed: { Client: Unclosed, delegates: invoked },
  Loud: { Client: Loud, delegates: invoked },
};

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}
