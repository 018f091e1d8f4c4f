'use strict';

// The member process of tests/interop, with the real clients of these scenarios, and what only they tell it.

const { commands, kinds, members, say } = require('../../interop/node/member');
const notation = require('../../interop/node/notation');

Object.assign(kinds, require('./clients'));

// Listens, and changes each value that it gets.
commands.spoil = ({ member, listener, reg }) => {
  members.get(member).client.subscribe(notation.read(reg), value => {
    say({ event: 'value', member, listener, value: notation.write(value) });
    value.push('spoilt');
  });
};

// Ends the server of a leader behind its back.
commands.cutOff = ({ member }) => {
  for (const [ , server ] of global.serverMap || new Map()) server.close();
  return Boolean(members.get(member));
};

commands.closeTwice = ({ member }) => Promise.all([ commands.close({ member }), commands.close({ member }) ]);
