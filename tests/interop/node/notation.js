'use strict';

// Values as JSON that loses nothing: the notation of tests/vectors/node-3.7.0.json.

exports.write = function write(value) {
  switch (typeof value) {
    case 'undefined':
      return { $: 'undefined' };
    case 'number':
      if (Number.isNaN(value)) return { $: 'nan' };
      if (value === Infinity) return { $: 'inf' };
      return value === -Infinity ? { $: '-inf' } : value;
    case 'object':
      return value === null ? null : writeObject(value);
    case 'string':
    case 'boolean':
      return value;
    default:
      throw new TypeError(`no notation for a ${typeof value}`);
  }
};

function writeObject(value) {
  if (Array.isArray(value)) return Array.from(value, exports.write);
  if (Buffer.isBuffer(value)) return { $: 'bytes', hex: value.toString('hex') };
  if (value instanceof Date) return { $: 'date', ms: value.getTime() };
  const own = Object.keys(value).map(key => [ key, exports.write(value[key]) ]);
  if (value instanceof Error) {
    const { name, message, stack } = value;
    return { $: 'error', name, message, stack, ...Object.fromEntries(own) };
  }
  return { $: 'object', v: own };
}

exports.read = function read(json) {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(exports.read);
  switch (json.$) {
    case 'undefined':
      return undefined;
    case 'nan':
      return NaN;
    case 'inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    case 'bytes':
      return Buffer.from(json.hex, 'hex');
    case 'date':
      return new Date(json.ms);
    case 'error':
      return readError(json);
    case 'object':
      return Object.fromEntries(json.v.map(([ key, value ]) => [ key, exports.read(value) ]));
    default:
      throw new TypeError(`no such notation: ${JSON.stringify(json)}`);
  }
};

// A name that every error has is not made a property of its own.
function readError({ $: _, name, message, stack, ...own }) {
  const error = Object.assign(new Error(message), own);
  Object.defineProperty(error, 'stack', { value: stack });
  if (name !== error.name) error.name = name;
  return error;
}
