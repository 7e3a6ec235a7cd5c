// AWS, for follow.mjs.

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getRenderProgress } from "@hyperframes/aws-lambda/sdk";

function service({ region, bucket, memory }) {
  const s3 = new S3Client({ region });
  return {
    // Below the rate limit of Step Functions; source: its service quotas.
    spacing: 125,
    isPermanent: (error) =>
      /AccessDenied|Credential|DoesNotExist|ENOENT|ENOSPC|ExpiredToken|InvalidArn|InvalidClientToken|NoSuch|NotFound|Signature|Unrecognized/.test(
        `${error?.name} ${error?.code ?? ""} ${error?.Code ?? ""}`,
      ),
    poll: (execution) => getRenderProgress({ executionArn: execution, region, defaultMemorySizeMb: memory }),
    // Executions are named after their keys.
    keyOf: () => undefined,
    async open(key) {
      const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { body: object.Body, size: object.ContentLength };
    },
  };
}
