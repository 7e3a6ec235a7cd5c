// Google Cloud, for follow.mjs.

import { getRenderProgress } from "@hyperframes/gcp-cloud-run/sdk";

function service(settings) {
  const executions = executionsOf(settings);
  const storage = storageOf(settings);
  const named = (error) => Object.assign(new Error(messageOf(error)), { name: nameOf(error), cause: error });
  return {
    // Below the quota of reads of Workflows; source: its quotas.
    spacing: 125,
    isPermanent: (error) =>
      /^(ENOENT|ENOSPC|NotFound)$/.test(error?.code ?? error?.name) || isRejected(error?.cause ?? error),
    poll: (execution) =>
      getRenderProgress({ executionName: execution, executions }).catch((error) => {
        // An execution is forgotten after 90 days, or with its workflow.
        if (nameOf(error) === "NOT_FOUND") return undefined;
        throw named(error);
      }),
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
