// Loaded by every Node process of the engine before anything else, with its settings in HYPERFRAMES_CI_GUARD.
//
// Node connects to its own servers, to the browsers that it started and to the filtering proxy, and to nothing else.
// Servers and browsers get their ports from a fixed set, so that the kernel and the browser can be told which these are.
'use strict';
const net = require('node:net');
const dns = require('node:dns');
const dgram = require('node:dgram');
const childProcess = require('node:child_process');
const { syncBuiltinESMExports } = require('node:module');
const { ChildProcess } = childProcess;

const { browser, proxy, servers, browsers, flags, isOffline } = JSON.parse(process.env.HYPERFRAMES_CI_GUARD);
const reachable = new Set([proxy, ...servers, ...browsers]);

const refusal = (what) =>
  Object.assign(new Error(`${what} is not reachable from a contained render`), { code: 'EACCES' });

// Processes that start at the same time begin at different ports.
let serial = process.pid;

/** Binds a free port of the set; returns a handle, or the error number of the last try. */
const bind = (ports, address, type) => {
  let handle = -98;
  for (let tried = 0; tried < ports.length && typeof handle === 'number'; tried++) {
    handle = net._createServerHandle(address, ports[serial++ % ports.length], type);
  }
  return handle;
};

// Every listen() of a server ends here; an address of 127.0.0.1 hides the project from the local network.
const listen = net.Server.prototype._listen2;
net.Server.prototype._listen2 = function (address, port, type, backlog, fd, flags) {
  if (port === 0 && !this._handle) {
    const handle = bind(servers, '127.0.0.1', 4);
    if (typeof handle !== 'number') this._handle = handle;
    return listen.call(this, '127.0.0.1', 0, 4, backlog, fd, flags);
  }
  return listen.call(this, address, port, type, backlog, fd, flags);
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : net._normalizeArgs(given);
  const isLoopback = ['', 'localhost', '127.0.0.1', '::1'].includes(String(options.host ?? ''));
  if (options.path == null && isLoopback && reachable.has(Number(options.port))) {
    return connect.apply(this, given);
  }
  this.destroy(refusal(options.path ?? `${options.host}:${options.port}`));
  return this;
};

dgram.Socket.prototype.send = dgram.Socket.prototype.connect = function () {
  throw refusal('a datagram');
};

if (isOffline) {
  const lookup = dns.lookup;
  dns.lookup = function (name, ...rest) {
    if (name === 'localhost' || net.isIP(name)) return lookup.call(this, name, ...rest);
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    process.nextTick(rest[rest.length - 1], error);
  };
}

// The engine ends what it takes for browsers of renders that were killed: processes below process 1 whose arguments contain
// "chrome-headless-shell". In a namespace that is the engine itself, whose arguments name the files that it may read. Processes
// that are left behind are ended by the program that started it.
const execFileSync = childProcess.execFileSync;
childProcess.execFileSync = function (file, args, ...rest) {
  const listsProcesses = file === 'ps' && Array.isArray(args) && args.includes('pid=,ppid=,args=');
  return listsProcesses ? '' : execFileSync.call(this, file, args, ...rest);
};
syncBuiltinESMExports();

// Processes of the engine that connect to nothing. Support for proxies, which Node loads at its start, costs each 50 ms.
const OFFLINE = /[\\/]renderSetupWorker\.js$/;

// spawn, exec, execFile and fork end here.
const spawn = ChildProcess.prototype.spawn;
ChildProcess.prototype.spawn = function (options) {
  if (options.args?.some((arg) => OFFLINE.test(arg))) {
    options.envPairs = options.envPairs?.filter((pair) => !pair.startsWith('NODE_USE_ENV_PROXY='));
  }
  if (options.file === browser) {
    const chosen = (arg) => !String(arg).startsWith('--remote-debugging-port');
    const [name, ...args] = options.args ?? [browser];
    const port = args.every(chosen) ? [] : [`--remote-debugging-port=${free(browsers)}`];
    options.args = [name, ...flags, ...port, ...args.filter(chosen)];
  }
  return spawn.call(this, options);
};

/** Returns a port of the set that nobody listens on. */
const free = (ports) => {
  for (let tried = 0; tried < ports.length; tried++) {
    const port = ports[serial++ % ports.length];
    const handle = net._createServerHandle('127.0.0.1', port, 4);
    if (typeof handle !== 'number') {
      handle.close();
      return port;
    }
  }
  return 0;
};
