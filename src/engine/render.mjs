// Renders videos of one project, one after another, with the official engine: one line of JSON on standard input for each, and
// one line on standard output when it has ended. Standard input is open as long as videos may follow.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [file, project] = process.argv.slice(2);
// What is left of a browser when it has ended must not end a render, as in the official command line.
process.on('unhandledRejection', (error) => console.error(error));

// The producer links the frames of a video, which are extracted once, into each render. Node's permission model has no symbolic
// links, so the frames are linked one by one; where that is not possible, the producer copies them.
const linkFrames = (frames, folder) => {
  fs.mkdirSync(folder);
  try {
    fs.readdirSync(frames).forEach((name) => fs.linkSync(join(frames, name), join(folder, name)));
  } catch (error) {
    throw Object.assign(error, { code: 'EPERM' });
  }
};
if (process.permission) {
  fs.symlinkSync = linkFrames;
  syncBuiltinESMExports();
}

const producer = await import(pathToFileURL(file)).then(({ loadProducer }) => loadProducer());
const logger = producer.createConsoleLogger('warn');

// As the official command line has it: for a headless shell without flags, for other browsers with `--no-browser-gpu`. It starts a
// browser to learn whether the machine has a graphics device; where the layers hide all devices, the answer is known.
const configuration = (isHeadlessShell, hasDevices, { outputResolution }) => {
  if (!isHeadlessShell) return { browserGpuMode: 'software' };
  const { PRODUCER_BROWSER_GPU_MODE: chosen, PRODUCER_FORCE_SCREENSHOT: screenshots } = process.env;
  if (['hardware', 'software'].includes(chosen)) return { browserGpuMode: chosen };
  if (outputResolution !== undefined || screenshots === 'true') return { browserGpuMode: 'auto' };
  return { browserGpuMode: hasDevices ? 'auto' : 'software', forceScreenshot: false };
};

const render = async ({ output, isHeadlessShell, hasDevices, options: { fps, ...rest } }) => {
  const [num, den = 1] = fps.split('/').map(Number);
  const options = { fps: { num, den }, useGpu: false, hdrMode: 'auto', ...rest };
  const engineConfig = producer.resolveConfig(configuration(isHeadlessShell, hasDevices, options));
  const request = producer.createRenderRequest({ projectDir: project, outputPath: output, engineConfig, options });
  const job = producer.createRenderJob(producer.renderConfigFromRequest(request, { logger }));
  const onProgress = ({ progress, stageProgress }) => {
    if (stageProgress) console.log(`@hf-progress ${JSON.stringify({ ...stageProgress, pct: Math.round(progress) })}`);
  };
  await producer.executeRenderJob(job, project, output, onProgress);
};

let previous = Promise.resolve();
// Not before the engine is there: lines that nobody listens for are lost.
const lines = createInterface({ input: process.stdin });
// The program that asked is gone, and so is what it asked for.
lines.on('close', () => process.exit(0));
lines.on('line', (line) => {
  previous = previous.then(async () => {
    // Pages do not know the mark, so that nothing that they log ends a render.
    const { mark, ...task } = JSON.parse(line);
    const failure = (error) => `failed ${JSON.stringify(producer.normalizeErrorMessage(error))}`;
    const ended = await render(task).then(() => 'saved', failure);
    process.stdout.write(`\n${mark} ${ended}\n`);
  });
});
