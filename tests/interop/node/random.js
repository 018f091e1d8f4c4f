'use strict';

// Values of every kind that serialize-json carries unchanged, the same ones for the same seed.
//
// Left out is what the package itself changes on the way: -0, integers beyond 2^53, invalid dates, functions.

const TEXTS = [ '', ' ', '+', '%2B', '|', '^', '%', 'a b+c|d^e%f', '$', '@]', '#', '*', '\n\t\u0000\u001f', '\u007f\u2028', '中文', '🦀', '"\\' ];
const INTEGERS = [ 0, 1, -1, 35, 36, -36, 255, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER ];
const FLOATS = [ 0.1, -0.5, 1.5, 1e-7, 5e-324, 2.2250738585072014e-308, Math.PI, NaN, Infinity, -Infinity ];

exports.Values = class Values {
  constructor(seed) {
    this.state = seed;
  }

  // Of at most so many levels.
  next(levels = 3) {
    const kinds = levels > 0 ? 11 : 8;
    switch (this.below(kinds)) {
      case 0:
        return undefined;
      case 1:
        return null;
      case 2:
        return this.below(2) === 1;
      case 3:
        return this.integer();
      case 4:
        return this.float();
      case 5:
        return this.text();
      case 6:
        return new Date(this.integer() % 8.64e15);
      case 7:
        return Buffer.from(this.many(() => this.below(256)));
      case 8:
        return this.many(() => this.next(levels - 1));
      case 9:
        return Object.fromEntries(this.many(() => [ this.key(), this.next(levels - 1) ]));
      default:
        return this.error(levels);
    }
  }

  integer() {
    if (this.below(3) === 0) return this.one(INTEGERS);
    const magnitude = 2 ** this.below(53);
    return (this.below(2) ? 1 : -1) * Math.floor(this.fraction() * magnitude) + 0;
  }

  float() {
    if (this.below(3) === 0) return this.one(FLOATS);
    return (this.fraction() + 2 ** -40) * 2 ** (this.below(60) - 50);
  }

  text() {
    return this.many(() => (this.below(2) ? this.one(TEXTS) : String.fromCodePoint(32 + this.below(2000)))).join('');
  }

  key() {
    // It would set the prototype of what is decoded.
    const key = this.below(4) ? this.text() : String(this.below(100));
    return key === '__proto__' ? 'proto' : key;
  }

  error(levels) {
    const error = new Error(this.text());
    Object.defineProperty(error, 'stack', { value: `Error: ${error.message}\n    at ${this.below(100)}` });
    if (this.below(2)) error.name = 'CustomError';
    if (this.below(2)) error.code = this.below(2) ? 'E_CODE' : this.integer();
    if (this.below(2)) error.detail = this.next(levels - 1);
    return error;
  }

  many(make) {
    return Array.from({ length: this.below(6) }, make);
  }

  one(list) {
    return list[this.below(list.length)];
  }

  below(bound) {
    return Math.floor(this.fraction() * bound);
  }

  // mulberry32
  fraction() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
};
