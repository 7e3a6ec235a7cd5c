// Uploads the project and starts executions with the official SDK, each at most once for its name.
//
// Workflows gives executions names of its own and starts another one for each request, so the bucket remembers what was
// started: whoever creates the object `claim.0` of a render may start its execution for a while (`lease`), and records it as
// `execution`. Objects are created only if they do not exist, which Cloud Storage decides for all machines. If somebody has
// claimed a render and recorded no execution for longer (`grace`), they have ended in between: the next `claim` takes over, after
// it has looked for the execution in the list of the workflow. No clocks of two machines are compared for that.
//
// The argument has the settings, and the executions to start as {"name", "key", "config"}. Standard output is the list of their
// results, {"started": execution}, {"found": execution} or {"error": text}.

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { deploySite, renderToCloudRun } from "@hyperframes/gcp-cloud-run/sdk";

const settings = JSON.parse(process.argv[1]);
const starts = JSON.parse(await readFile(process.argv[2], "utf8"));
const { project, region, workflow, service, projectDir } = settings;
const storage = storageOf(settings);
const bucket = storage.bucket(settings.bucket);
const executions = executionsOf(settings);
const parent = executions.workflowPath(project, region, workflow);

const TRIES = 6;
const AT_A_TIME = 8;
// Milliseconds that the clocks of Cloud Storage and Workflows may differ by; far more than they do.
const CLOCKS = 3_600_000;

async function withRetries(work) {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isRejected(error) || tries === TRIES) throw error;
      await sleep(Math.min(settings.retry * 2 ** tries, 30_000));
    }
  }
}

// Creates an object unless it exists; returns whether it has been created by this call. The answer to a request that is repeated
// may be lost, so the contents decide.
async function create(file, text) {
  try {
    await withRetries(() =>
      file.save(text, { resumable: false, contentType: "application/json", preconditionOpts: { ifGenerationMatch: 0 } }),
    );
    return true;
  } catch (error) {
    if (error?.code !== 412) throw error;
    return (await read(file)) === text;
  }
}

async function read(file) {
  try {
    const { data } = await withRetries(() => contents(storage, settings.bucket, file.name, "text"));
    return data;
  } catch (error) {
    if (nameOf(error) === "NOT_FOUND") return undefined;
    throw error;
  }
}

const EXECUTION = /^projects\/[\w.:-]+\/locations\/[\w-]+\/workflows\/[\w-]+\/executions\/[\w-]+$/;

// Returns the recorded execution of a render. A damaged record is none: the list of the workflow says what was started.
async function recorded(folder) {
  const text = await read(bucket.file(`${folder}execution.json`));
  try {
    const { execution } = JSON.parse(text);
    return EXECUTION.test(execution) ? execution : undefined;
  } catch {
    return undefined;
  }
}

// Returns the execution of a render in the list of the workflow, which is sorted by time, newest first.
async function listed(name, since) {
  for await (const execution of executions.listExecutionsAsync({ parent, view: "FULL", pageSize: 100 }, { autoPaginate: false })) {
    const begun = Number(execution.startTime?.seconds ?? 0) * 1000;
    if (begun && begun < since - CLOCKS) return undefined;
    try {
      if (JSON.parse(execution.argument).RenderId === name) return execution.name;
    } catch {}
  }
  return undefined;
}

// Returns when an object was created, in milliseconds.
async function created(file) {
  const [metadata] = await withRetries(() => file.getMetadata());
  return Date.parse(metadata.timeCreated);
}

class Unanswered extends Error {}

const inTime = (work) =>
  Promise.race([work, sleep(settings.answer).then(() => Promise.reject(new Unanswered("the service does not answer")))]);

// Starts the execution of a render that was claimed until `lease`; returns undefined if the claim has ended before. Whoever takes
// over waits for longer than a claim and an answer together, so that no two of them send a request.
async function begin({ name, key, config }, site, claimed, lease, tries) {
  for (;;) {
    if (performance.now() > lease) return undefined;
    try {
      const request = renderToCloudRun({
        siteHandle: site, config, bucketName: settings.bucket, projectId: project, location: region, workflowId: workflow,
        serviceUrl: service, renderId: name, outputKey: key, executions,
      });
      return (await inTime(request)).executionName;
    } catch (error) {
      tries.left--;
      const isBusy = ["RESOURCE_EXHAUSTED", "ECONNREFUSED"].includes(nameOf(error));
      if (isRejected(error) || (isBusy && tries.left === 0)) throw Object.assign(error, { isUnstarted: true });
      await sleep(isBusy ? Math.min(settings.retry * 2 ** (TRIES - tries.left), 30_000) : settings.settle);
      if (isBusy) continue;
      // It may have started although the answer was lost.
      const execution = await withRetries(() => listed(name, claimed));
      if (execution) return execution;
      if (tries.left === 0 || error instanceof Unanswered) throw error;
    }
  }
}

async function start(order) {
  await authenticate(storage);
  const folder = `renders/${order.name}/`;
  const object = (name) => bucket.file(`${folder}${name}.json`);
  const record = async (execution) => {
    await create(object("execution"), JSON.stringify({ execution }));
    return execution;
  };
  const tries = { left: TRIES };
  const token = JSON.stringify({ claim: randomUUID() });
  const known = await recorded(folder);
  if (known) return { found: known };
  const handle = await site();
  for (let number = 0; ; number++) {
    const claim = object(`claim.${number}`);
    const lease = performance.now() + settings.lease;
    const isMine = await create(claim, token);
    const first = await created(object("claim.0"));
    if (isMine) {
      const earlier = number > 0 ? (await recorded(folder)) ?? (await withRetries(() => listed(order.name, first))) : undefined;
      if (earlier) return { found: await record(earlier) };
      try {
        const execution = await begin(order, handle, first, lease, tries);
        if (execution) return { started: await record(execution) };
        continue;
      } catch (error) {
        // Nothing has started: nobody needs to wait for it.
        if (error.isUnstarted) await create(object(`released.${number}`), "{}").catch(() => {});
        throw error;
      }
    }
    // Somebody is starting it, or has ended before the execution was recorded.
    const until = performance.now() + settings.grace;
    while (performance.now() < until && (await read(object(`released.${number}`))) === undefined) {
      const execution = (await recorded(folder)) ?? (await withRetries(() => listed(order.name, first)));
      if (execution) return { found: await record(execution) };
      await sleep(settings.grace / 20);
    }
  }
}

// The project is uploaded once, and only if an execution is started.
let uploading;
const site = () => (uploading ??= withRetries(() => deploySite({ projectDir, bucketName: settings.bucket, storage })));

const results = new Array(starts.length);
let next = 0;
const worker = async () => {
  while (next < starts.length) {
    const index = next++;
    results[index] = await start(starts[index]).catch((error) => ({ error: `${nameOf(error)}: ${messageOf(error)}` }));
  }
};
await Promise.all(Array.from({ length: Math.min(AT_A_TIME, starts.length) }, worker));
process.stdout.write(`${JSON.stringify(results)}\n`);
process.exit(0);
