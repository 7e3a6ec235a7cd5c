// Follows executions and fetches their videos: one process for a whole batch, where the command line would be started once
// for each look at each render, and fetches nothing.
//
// It is told {"id", "execution", "key", "path", "since"} a line, and says {"id", "progress"}, and in the end
// {"id", "saved", "cost"} or {"id", "failed": {"name", "message"}}. {"forget": id} ends it before. The process ends when
// nobody speaks to it any more.

import { createWriteStream } from "node:fs";
import { stat, truncate } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getRenderProgress } from "@hyperframes/aws-lambda/sdk";

const { region, bucket, memory, pause } = JSON.parse(process.argv[1]);
const s3 = new S3Client({ region });

// Below what Step Functions grants an account for looks at executions; source: its service quotas.
const BETWEEN_LOOKS = 125;
const DOWNLOADS = 4;
const TRIES = 8;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// What another try cannot mend.
const isFinal = (error) =>
  /AccessDenied|Credential|DoesNotExist|ENOENT|ENOSPC|ExpiredToken|InvalidArn|InvalidClientToken|NoSuch|NotFound|Signature|Unrecognized/.test(
    `${error?.name} ${error?.code ?? ""} ${error?.Code ?? ""}`,
  );

async function patiently(work) {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isFinal(error) || tries === TRIES) throw error;
      await sleep(Math.min(500 * 2 ** tries, 30_000));
    }
  }
}

let nextLook = 0;

async function look(execution) {
  const now = Date.now();
  nextLook = Math.max(nextLook + BETWEEN_LOOKS, now);
  await sleep(nextLook - now);
  return getRenderProgress({ executionArn: execution, region, defaultMemorySizeMb: memory });
}

let downloads = 0;
const waiting = [];

async function save(key, path) {
  if (downloads === DOWNLOADS) await new Promise((go) => waiting.push(go));
  downloads++;
  try {
    return await patiently(async () => {
      const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      await truncate(path);
      // Never makes a file: where it is gone, nobody wants it any more.
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

class Ended extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function follow({ id, execution, key, path, since }) {
  let patience = 1000;
  for (;;) {
    const seen = await patiently(() => look(execution));
    if (forgotten.has(id)) throw new Ended("Forgotten", "");
    if (Date.parse(seen.startedAt) / 1000 < since) {
      throw new Ended("TooOld", `it began at ${seen.startedAt}`);
    }
    if (seen.status === "SUCCEEDED") {
      return { id, saved: await save(key, path), cost: seen.costs.accruedSoFarUsd };
    }
    if (seen.fatalErrorEncountered) {
      const reasons = seen.errors.map(({ state, error, cause }) => `${state}: ${error}: ${cause}`);
      throw new Ended("RenderFailed", [`the execution ended as ${seen.status}`, ...new Set(reasons)].join("\n"));
    }
    say({ id, progress: seen.overallProgress });
    await sleep(patience);
    patience = Math.min(patience * 1.5, pause);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  if (task.forget !== undefined) {
    forgotten.add(task.forget);
    continue;
  }
  follow(task).then(say, (error) => {
    say({ id: task.id, failed: { name: `${error?.Code ?? error?.name}`, message: `${error?.message}` } });
  });
}
process.exit(0);
