// The clients of Cloud Storage and of the executions of Workflows, by the endpoints that gcloud's own variables set.

import { Storage } from "@google-cloud/storage";
import { ExecutionsClient } from "@google-cloud/workflows";

// Returns the URL of a service that is not Google's public one, such as one behind Private Service Connect.
function endpoint(name) {
  const text = process.env[`CLOUDSDK_API_ENDPOINT_OVERRIDES_${name}`];
  if (!text) return undefined;
  const url = new URL(text);
  // An access token is sent there.
  if (url.protocol !== "https:" && !["127.0.0.1", "[::1]", "localhost"].includes(url.hostname)) {
    throw new Error(`CLOUDSDK_API_ENDPOINT_OVERRIDES_${name} must be an https URL`);
  }
  return url;
}

function storageOf({ project, retry }) {
  const url = endpoint("STORAGE");
  return new Storage({
    projectId: project,
    ...(url && { apiEndpoint: url.origin, useAuthWithCustomEndpoint: true }),
    retryOptions: { maxRetries: 5, retryDelayMultiplier: 2, maxRetryDelay: Math.max(retry / 16, 0.01) },
  });
}

// REST instead of gRPC: it passes HTTP proxies.
function executionsOf({ project }) {
  const url = endpoint("WORKFLOWEXECUTIONS");
  const port = url && Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return new ExecutionsClient({
    projectId: project,
    fallback: true,
    ...(url && { apiEndpoint: url.hostname, port, protocol: url.protocol.slice(0, -1) }),
  });
}

let loaded;

// Loads the credentials once. The client libraries report a file that is missing or damaged in many ways.
function authenticate(storage) {
  loaded ??= storage.authClient.getClient().catch((error) => {
    const file = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    const known = "Could not load the default credentials";
    const text = `${error?.message}`.startsWith(known) ? error.message : `${known}${file ? ` of ${file}` : ""}: ${error?.message}`;
    throw Object.assign(new Error(text), { name: "UNAUTHENTICATED" });
  });
  return loaded;
}

// Requests the contents of an object. The client's own streams end the process when an answer is an error
// (ERR_STREAM_UNABLE_TO_PIPE, seen with 7.22.0 and Node 24).
async function contents(storage, bucket, name, responseType) {
  const url = `${storage.apiEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`;
  return storage.authClient.request({ url, responseType, retry: false });
}

// Names of the codes of gRPC that errors of Workflows have; source: google.rpc.Code.
const CODES = {
  1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE",
  12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED",
};

// Names of statuses of Cloud Storage; source: google.rpc.Code.
const STATUSES = {
  400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
};

// Returns the name of an error; what is no answer of a service has that of Node.
function nameOf(error) {
  const code = error?.response?.status ?? error?.code ?? error?.status;
  return CODES[code] ?? STATUSES[code] ?? (typeof code === "string" ? code : `${error?.name}`);
}

// Returns the message of an error, without the JSON of an answer around it.
function messageOf(error) {
  const text = `${error?.response?.data?.error?.message ?? error?.message ?? error}`;
  // What it says contains the answer, which may repeat the request with its token.
  if (text.startsWith("Cannot create property 'res' on string")) return "the server of the credentials answered with no JSON";
  try {
    return JSON.parse(text).error.message;
  } catch {
    return text;
  }
}

// Errors that a retry does not fix: rejected requests, and missing credentials.
const isRejected = (error) =>
  ["INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED", "UNAUTHENTICATED"].includes(
    nameOf(error),
  ) || /default credentials|invalid_grant|InvalidConfigError/.test(`${error?.name} ${error?.message}`);
