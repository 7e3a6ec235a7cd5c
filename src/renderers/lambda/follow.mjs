// Polls executions and downloads their videos: one process for a batch. The official command line would need one process
// for each poll, and does not download videos.
//
// Each line of standard input is a task {"id", "execution", "key", "path", "since"}. Standard output has lines
// {"id", "progress"} while the execution runs, and one line {"id", "saved", "cost"} or {"id", "failed": {"name", "message"}}
// at its end. A task {"forget": id} stops the polling. The process exits when standard input is closed.

import { createWriteStream } from "node:fs";
import { stat, truncate } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getRenderProgress } from "@hyperframes/aws-lambda/sdk";

const { region, bucket, memory, pause } = JSON.parse(process.argv[1]);
const s3 = new S3Client({ region });

// Milliseconds between two polls, below the rate limit of Step Functions; source: its service quotas.
const POLL_SPACING = 125;
const DOWNLOADS = 4;
const TRIES = 8;

const send = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Errors that a retry does not fix.
const isPermanent = (error) =>
  /AccessDenied|Credential|DoesNotExist|ENOENT|ENOSPC|ExpiredToken|InvalidArn|InvalidClientToken|NoSuch|NotFound|Signature|Unrecognized/.test(
    `${error?.name} ${error?.code ?? ""} ${error?.Code ?? ""}`,
  );

async function withRetries(work) {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isPermanent(error) || tries === TRIES) throw error;
      await sleep(Math.min(500 * 2 ** tries, 30_000));
    }
  }
}

let nextPoll = 0;

async function poll(execution) {
  const now = Date.now();
  nextPoll = Math.max(nextPoll + POLL_SPACING, now);
  await sleep(nextPoll - now);
  return getRenderProgress({ executionArn: execution, region, defaultMemorySizeMb: memory });
}

let downloads = 0;
const waiting = [];

async function save(key, path) {
  if (downloads === DOWNLOADS) await new Promise((resolve) => waiting.push(resolve));
  downloads++;
  try {
    return await withRetries(async () => {
      const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      await truncate(path);
      // Does not create the file: if it was removed, the video is not needed.
      await pipeline(object.Body, createWriteStream(path, { flags: "r+" }));
      const { size } = await stat(path);
      if (size !== (object.ContentLength ?? size)) {
        throw new Error(`the transfer ended after ${size} of ${object.ContentLength} bytes`);
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
  let interval = 1000;
  for (;;) {
    const progress = await withRetries(() => poll(execution));
    if (forgotten.has(id)) throw new FollowError("Forgotten", "");
    if (Date.parse(progress.startedAt) / 1000 < since) {
      throw new FollowError("TooOld", `it began at ${progress.startedAt}`);
    }
    if (progress.status === "SUCCEEDED") {
      return { id, saved: await save(key, path), cost: progress.costs.accruedSoFarUsd };
    }
    if (progress.fatalErrorEncountered) {
      const reasons = progress.errors.map(({ state, error, cause }) => `${state}: ${error}: ${cause}`);
      throw new FollowError("RenderFailed", [`the execution ended as ${progress.status}`, ...new Set(reasons)].join("\n"));
    }
    send({ id, progress: progress.overallProgress });
    await sleep(interval);
    interval = Math.min(interval * 1.5, pause);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  if (task.forget !== undefined) {
    forgotten.add(task.forget);
    continue;
  }
  follow(task).then(send, (error) => {
    send({ id: task.id, failed: { name: `${error?.Code ?? error?.name}`, message: `${error?.message}` } });
  });
}
process.exit(0);
