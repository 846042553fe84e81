// Loaded before the language server: whatever would leave the machine is refused, and named on stderr.
"use strict";

const dns = require("node:dns");
const net = require("node:net");

function refuse(what) {
  return (...words) => {
    const named = words.filter((word) => typeof word !== "function").map((word) => JSON.stringify(word));
    process.stderr.write(`offline.cjs: ${what} ${named.join(" ")}\n`);
    throw new Error("this language server runs offline");
  };
}

net.Socket.prototype.connect = refuse("connect");
dns.lookup = refuse("lookup");
dns.promises.lookup = refuse("lookup");
