// Google Cloud, for follow.mjs.

import { getRenderProgress } from "@hyperframes/gcp-cloud-run/sdk";

function service(settings) {
  const executions = executionsOf(settings);
  const storage = storageOf(settings);
  const folder = `gs://${settings.bucket}/`;
  const named = (error) => Object.assign(new Error(messageOf(error)), { name: nameOf(error), cause: error });
  return {
    // Below the quota of reads of Workflows; source: its quotas.
    spacing: 125,
    isPermanent: (error) =>
      /^(ENOENT|ENOSPC|NotFound)$/.test(error?.code ?? error?.name) || isRejected(error?.cause ?? error),
    async poll(execution) {
      await authenticate(storage);
      try {
        const progress = await getRenderProgress({ executionName: execution, executions });
        // An execution that waits for its turn has no time of its start, which the SDK reports as 1970.
        return Date.parse(progress.startedAt) === 0 ? { ...progress, startedAt: undefined } : progress;
      } catch (error) {
        // An execution is forgotten after 90 days, or with its workflow.
        if (nameOf(error) === "NOT_FOUND") return undefined;
        throw named(error);
      }
    },
    // A render without reuse has a key that only its execution knows. Another bucket is not read.
    keyOf(progress) {
      const uri = progress?.outputFile?.gcsUri;
      return typeof uri === "string" && uri.startsWith(folder) ? uri.slice(folder.length) : undefined;
    },
    async open(key) {
      const missing = () => Object.assign(new Error(`gs://${settings.bucket}/${key} does not exist`), { name: "NotFound" });
      const { data, headers } = await contents(storage, settings.bucket, key, "stream").catch((error) => {
        throw nameOf(error) === "NOT_FOUND" ? missing() : named(error);
      });
      const length = headers["content-length"];
      return { body: data, size: length === undefined ? undefined : Number(length) };
    },
  };
}
