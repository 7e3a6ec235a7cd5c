// Renders videos of one project, one after another, with the official engine: one line of JSON on standard input for each, and
// one line on standard output when it has ended. Standard input is open as long as videos may follow.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [file, project] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
// The program that asked is gone, and so is what it asked for.
lines.on('close', () => process.exit(0));
const producer = await import(pathToFileURL(file)).then(({ loadProducer }) => loadProducer());
const logger = producer.createConsoleLogger('warn');

const render = async ({ output, engine, options }) => {
  const engineConfig = producer.resolveConfig(engine);
  const request = producer.createRenderRequest({ projectDir: project, outputPath: output, engineConfig, options });
  const job = producer.createRenderJob(producer.renderConfigFromRequest(request, { logger }));
  const onProgress = ({ progress, stageProgress }) => {
    if (stageProgress) console.log(`@hf-progress ${JSON.stringify({ ...stageProgress, pct: Math.round(progress) })}`);
  };
  await producer.executeRenderJob(job, project, output, onProgress);
};

let previous = Promise.resolve();
lines.on('line', (line) => {
  previous = previous.then(async () => {
    // Pages do not know the mark, so that nothing that they log ends a render.
    const { mark, ...task } = JSON.parse(line);
    const ended = await render(task).then(() => 'saved', () => 'failed');
    process.stdout.write(`\n${mark} ${ended}\n`);
  });
});
