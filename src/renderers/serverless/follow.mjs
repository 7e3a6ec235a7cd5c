// Polls executions and downloads their videos: one process for a batch. The official command lines would need one process
// for each poll, and do not download videos.
//
// What comes before this text defines `service(settings)`, with
// - `spacing`: milliseconds between two polls,
// - `isPermanent(error)`: whether a retry does not fix it,
// - `poll(execution)`: what the official `getRenderProgress` returns, or undefined if the execution is forgotten,
// - `keyOf(progress)`: the key of the video, if the execution says so,
// - `open(key)`: {"body": a stream, "size": its length in bytes, if known}.
//
// Each line of standard input is a task {"id", "execution", "key", "path", "since"}. Standard output has lines
// {"id", "progress"} while the execution runs, and one line {"id", "saved", "cost"} or {"id", "failed": {"name", "message"}}
// at its end. A task {"forget": id} stops the polling. The process exits when standard input is closed.

import { createWriteStream } from "node:fs";
import { stat, truncate } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

const settings = JSON.parse(process.argv[1]);
const { spacing, isPermanent, poll, keyOf, open } = service(settings);

const DOWNLOADS = 4;
const TRIES = 8;

const send = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

async function withRetries(work) {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isPermanent(error) || tries === TRIES) throw error;
      await sleep(Math.min(settings.retry * 2 ** tries, 30_000));
    }
  }
}

let nextPoll = 0;

async function pollInTurn(execution) {
  const now = Date.now();
  nextPoll = Math.max(nextPoll + spacing, now);
  await sleep(nextPoll - now);
  return poll(execution);
}

let downloads = 0;
const waiting = [];

async function save(key, path) {
  if (downloads === DOWNLOADS) await new Promise((resolve) => waiting.push(resolve));
  downloads++;
  try {
    return await withRetries(async () => {
      const object = await open(key);
      await truncate(path);
      // Does not create the file: if it was removed, the video is not needed.
      await pipeline(object.body, createWriteStream(path, { flags: "r+" }));
      const { size } = await stat(path);
      if (size !== (object.size ?? size)) {
        throw new Error(`the transfer ended after ${size} of ${object.size} bytes`);
      }
      return size;
    });
  } finally {
    downloads--;
    waiting.shift()?.();
  }
}

const forgotten = new Set();

class FollowError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function follow({ id, execution, key, path, since }) {
  let interval = Math.min(1000, settings.pause);
  for (;;) {
    const progress = await withRetries(() => pollInTurn(execution));
    if (forgotten.has(id)) throw new FollowError("Forgotten", "");
    if (Date.parse(progress?.startedAt) / 1000 < since) {
      throw new FollowError("TooOld", `it began at ${progress.startedAt}`);
    }
    // The video of a forgotten execution may still exist.
    if (progress === undefined || progress.status.toLowerCase() === "succeeded") {
      return { id, saved: await save(keyOf(progress) ?? key, path), cost: progress?.costs.accruedSoFarUsd };
    }
    if (progress.fatalErrorEncountered) {
      const errors = progress.errors.map(({ state, error, cause }) => `${state}: ${error}: ${cause}`);
      throw new FollowError("RenderFailed", [...new Set([`the execution ended as ${progress.status}`, ...errors])].join("\n"));
    }
    send({ id, progress: progress.overallProgress });
    await sleep(interval);
    interval = Math.min(interval * 1.5, settings.pause);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  if (task.forget !== undefined) {
    forgotten.add(task.forget);
    continue;
  }
  follow(task).then(send, (error) => {
    const name = `${error?.Code ?? error?.name}`;
    send({ id: task.id, failed: { name, message: `${error?.message}` } });
  });
}
process.exit(0);
