'use strict';

// The member process of tests/interop, with the real clients of these scenarios, and what only they tell it.

const { commands, kinds, members, say } = require('../../interop/node/member');
const notation = require('../../interop/node/notation');

Object.assign(kinds, require('./clients'));

// Functions cannot be told: 'json' is another transcode than the package's own.
const { start } = commands;
const json = { encode: value => Buffer.from(JSON.stringify(value)), decode: bytes => JSON.parse(bytes) };
commands.start = line => {
  if (line.options.transcode === 'json') line.options.transcode = json;
  return start(line);
};

// Listens, and changes each value that it gets.
commands.spoil = ({ member, listener, reg }) => {
  members.get(member).client.subscribe(notation.read(reg), value => {
    say({ event: 'value', member, listener, value: notation.write(value) });
    value.push('spoilt');
  });
};

// Ends the server of a leader behind its back.
commands.cutOff = () => {
  for (const server of global.serverMap.values()) server.close();
};

commands.closeTwice = ({ member }) => Promise.all([ commands.close({ member }), commands.close({ member }) ]);
