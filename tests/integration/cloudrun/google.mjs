// A stand-in for Google Cloud on loopback: the token exchange of workload identity federation, the JSON API of Cloud Storage, and
// the executions of Cloud Workflows, as far as the official SDK uses them. Requests that Google would refuse are refused.
//
// Arguments: the bucket, the parent of executions, the subject token, and how many seconds an execution takes. Objects below
// `fixtures/` are the videos that executions copy to where they are told to put theirs. The first line of standard output is the URL.
//
// PUT /control/faults: a list of {"match": a pattern of "METHOD /path NAME", "times", "status", "text", "cut": whether the connection
// is closed after the request was done, "hang": "before" or "after" it was done}. It closes all connections that hang.
// GET /control/forget: the executions are forgotten. GET /control/busy, GET /control/free: executions wait for their turn, or begin.
// GET /control: the executions, the objects, the requests, and the number of connections that hang.

import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const [bucketName, parent, subject, seconds] = process.argv.slice(2);
// Workflows accepts the id of the project, and answers with its number.
const numbered = parent.replace(/^projects\/[^/]+/, "projects/123456789012");
const ACCESS = `ya29.${randomUUID()}`;
const objects = new Map();
const executions = [];
const sessions = new Map();
const log = [];
// Connections whose requests are never answered.
const hung = [];
let faults = [];
// Whether executions wait for their turn.
let isBusy = false;
let generation = 1_700_000_000_000_000;

const CASTAGNOLI = Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1;
  return byte >>> 0;
});

function crc32c(data) {
  let sum = 0xffffffff;
  for (const byte of data) sum = CASTAGNOLI[(sum ^ byte) & 255] ^ (sum >>> 8);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((sum ^ 0xffffffff) >>> 0);
  return bytes.toString("base64");
}

class Refusal extends Error {
  constructor(status, text, reason) {
    super(text);
    Object.assign(this, { status, reason });
  }
}

const REASONS = {
  400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 412: "FAILED_PRECONDITION",
  429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
};

function demand(condition, status, text) {
  if (!condition) throw new Refusal(status, text);
}

function metadata(name) {
  const object = objects.get(name);
  return {
    kind: "storage#object", id: `${bucketName}/${name}/${object.generation}`, name, bucket: bucketName, generation: `${object.generation}`,
    metageneration: "1", contentType: object.type, size: `${object.data.length}`, crc32c: object.crc32c, md5Hash: object.md5,
    timeCreated: object.created, updated: object.created, storageClass: "STANDARD",
  };
}

// Stores an object, with the precondition of the request.
function store(name, data, type, match) {
  demand(match !== "0" || !objects.has(name), 412, "At least one of the pre-conditions you specified did not hold.");
  const md5 = createHash("md5").update(data).digest("base64");
  objects.set(name, { data, type, md5, crc32c: crc32c(data), generation: generation++, created: new Date().toISOString() });
  return metadata(name);
}

// Returns the parts of a multipart/related body.
function parts(body, type) {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  demand(boundary, 400, "multipart without a boundary");
  const text = body.toString("latin1");
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const at = part.indexOf("\r\n\r\n");
      return { head: part.slice(0, at), data: Buffer.from(part.slice(at + 4, -2), "latin1") };
    });
}

function upload({ method, url, headers, body }, own) {
  const query = url.searchParams;
  const kind = query.get("uploadType");
  if (method === "PUT") {
    const session = sessions.get(query.get("upload_id"));
    demand(session, 404, "no such upload");
    const range = headers["content-range"];
    demand(!range || /^bytes (\d+-(\d+|\*)|\*)\/(\d+|\*)$/.test(range), 400, `content-range ${range}`);
    session.data = Buffer.concat([session.data, body]);
    const total = range?.split("/")[1];
    if (total && total !== "*" && session.data.length < Number(total)) {
      return { status: 308, headers: { range: `bytes=0-${session.data.length - 1}` }, json: {} };
    }
    return { json: store(session.name, session.data, session.type, session.match) };
  }
  demand(method === "POST", 400, `${method} of an upload`);
  const match = query.get("ifGenerationMatch");
  if (kind === "multipart") {
    const [first, second] = parts(body, headers["content-type"]);
    const name = query.get("name") ?? JSON.parse(first.data.toString()).name;
    return { json: store(name, second.data, JSON.parse(first.data.toString()).contentType, match) };
  }
  demand(kind === "resumable" && query.get("name"), 400, `uploadType ${kind}`);
  const id = randomUUID();
  const type = headers["x-upload-content-type"] ?? JSON.parse(body.toString() || "{}").contentType;
  sessions.set(id, { name: query.get("name"), type, match, data: Buffer.alloc(0) });
  const location = `${own}/upload/storage/v1/b/${bucketName}/o?uploadType=resumable&upload_id=${id}`;
  return { headers: { location }, json: {} };
}

function storage({ method, url }, path) {
  const [, bucket, encoded] = /^\/b\/([^/]+)(?:\/o\/([^/]+))?$/.exec(path) ?? [];
  demand(bucket === bucketName, 404, "The specified bucket does not exist.");
  const name = decodeURIComponent(encoded ?? "");
  demand(objects.has(name), 404, `No such object: ${bucketName}/${name}`);
  if (method === "DELETE") {
    objects.delete(name);
    return { status: 204 };
  }
  demand(method === "GET", 400, method);
  const object = objects.get(name);
  if (url.searchParams.get("alt") !== "media") return { json: metadata(name) };
  const hash = `crc32c=${object.crc32c},md5=${object.md5}`;
  return { headers: { "x-goog-hash": hash, "content-type": object.type ?? "" }, data: object.data };
}

function locate(uri) {
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri ?? "") ?? [];
  demand(bucket === bucketName && name, 400, `not in the bucket: ${uri}`);
  return name;
}

// What the service on Cloud Run would have done by now.
function advance(execution) {
  if (!["ACTIVE", "QUEUED"].includes(execution.state)) return;
  const { Config: config, OutputGcsUri: output } = JSON.parse(execution.argument);
  const title = config.variables?.title;
  execution.state = isBusy ? "QUEUED" : "ACTIVE";
  if (isBusy || Date.now() - execution.began < Number(seconds) * 1000) return;
  execution.endTime = new Date().toISOString();
  if (title === "broken" || title === "cancelled") {
    execution.state = title === "broken" ? "FAILED" : "CANCELLED";
    const body = { error: "FONT_FETCH_FAILED", message: "no such font" };
    if (title === "broken") execution.error = { payload: JSON.stringify({ code: 400, body }), context: "planV2" };
    return;
  }
  execution.state = "SUCCEEDED";
  const video = objects.get(`fixtures/video.${config.format}`);
  if (title !== "lost") store(locate(output), video.data, `video/${config.format}`);
  execution.result = JSON.stringify({
    Plan: { TotalFrames: 30, DurationMs: 1000 },
    Chunks: [{ FramesEncoded: 30, DurationMs: 2000 }],
    Assemble: { OutputGcsUri: output, FileSize: video.data.length, DurationMs: 500 },
  });
}

const shown = ({ began, startTime, ...execution }, isFull) => {
  // One that waits for its turn has not started.
  if (execution.state !== "QUEUED") execution.startTime = startTime;
  if (isFull) return execution;
  const { argument, result, ...basic } = execution;
  return basic;
};

function workflows({ method, url, body }, path) {
  const name = path.replace(/^\/v1\//, "").replace(numbered, parent);
  demand(name.startsWith(`${parent}/executions`), 404, `workflow of ${name} not found`);
  executions.forEach(advance);
  if (method === "POST") {
    const { argument } = JSON.parse(body.toString());
    const told = JSON.parse(argument);
    demand(Buffer.byteLength(argument) <= 512 * 1024, 400, "the argument is too large");
    demand(objects.has(locate(told.ProjectGcsUri)), 400, "the project is not uploaded");
    locate(told.OutputGcsUri);
    demand(told.PlanOutputGcsPrefix === `gs://${bucketName}/renders/${told.RenderId}/`, 400, "PlanOutputGcsPrefix");
    demand(told.ServiceUrl.startsWith("https://") && told.PlanProtocol === "v2", 400, "ServiceUrl or PlanProtocol");
    const { fps, width, height, format } = told.Config;
    demand([24, 30, 60].includes(fps) && width % 2 === 0 && height % 2 === 0 && format, 400, "Config");
    const began = Date.now();
    const startTime = new Date(began).toISOString();
    const execution = { name: `${numbered}/executions/${randomUUID()}`, state: isBusy ? "QUEUED" : "ACTIVE", argument, startTime, began };
    executions.push(execution);
    return { json: shown(execution, false) };
  }
  demand(method === "GET", 400, method);
  if (name === `${parent}/executions`) {
    const isFull = ["FULL", "2"].includes(url.searchParams.get("view"));
    const from = Number(url.searchParams.get("pageToken") || 0);
    // Smaller pages than asked for, which Google may return.
    const page = [...executions].reverse().slice(from, from + 3);
    const next = from + 3 < executions.length ? `${from + 3}` : undefined;
    return { json: { executions: page.map((execution) => shown(execution, isFull)), nextPageToken: next } };
  }
  const execution = executions.find((known) => known.name.replace(numbered, parent) === name);
  demand(execution, 404, `execution ${name} not found`);
  return { json: shown(execution, true) };
}

function exchange({ method, body }) {
  const form = new URLSearchParams(body.toString());
  demand(method === "POST" && form.get("grant_type") === "urn:ietf:params:oauth:grant-type:token-exchange", 400, "grant_type");
  demand(form.get("subject_token") === subject, 400, "invalid_grant");
  const type = "urn:ietf:params:oauth:token-type:access_token";
  return { json: { access_token: ACCESS, issued_token_type: type, token_type: "Bearer", expires_in: 3600 } };
}

function control({ method, url, body }) {
  const path = url.pathname;
  if (path === "/control/faults") {
    faults = JSON.parse(body.toString());
    log.length = 0;
    for (const socket of hung.splice(0)) socket.destroy();
    return { json: {} };
  }
  if (path.startsWith("/control/objects/")) {
    const name = decodeURIComponent(path.slice("/control/objects/".length));
    if (method === "DELETE") objects.delete(name);
    else store(name, body, "video/mp4");
    return { json: {} };
  }
  if (path === "/control/forget") executions.length = 0;
  if (path === "/control/busy") isBusy = true;
  if (path === "/control/free") isBusy = false;
  executions.forEach(advance);
  return { json: { executions, objects: [...objects.keys()].sort(), log, hung: hung.length } };
}

function answer(request, own) {
  const { url } = request;
  const path = url.pathname;
  if (path.startsWith("/control")) return control(request);
  if (path === "/sts") return exchange(request);
  // The official client sends resumable uploads without a token to hosts that are not Google's.
  const isBare = path.startsWith("/upload/") && (url.searchParams.get("uploadType") === "resumable" || request.method === "PUT");
  demand(isBare || request.headers.authorization === `Bearer ${ACCESS}`, 401, "Request had invalid authentication credentials.");
  if (path.startsWith("/upload/storage/v1/")) {
    demand(path === `/upload/storage/v1/b/${bucketName}/o`, 404, "The specified bucket does not exist.");
    return upload(request, own);
  }
  if (path.startsWith("/storage/v1/")) return storage(request, path.slice("/storage/v1".length));
  return workflows(request, path);
}

const server = createServer(async (message, response) => {
  const own = `http://127.0.0.1:${server.address().port}`;
  const chunks = [];
  for await (const chunk of message) chunks.push(chunk);
  const url = new URL(message.url, own);
  const request = { method: message.method, url, headers: message.headers, body: Buffer.concat(chunks) };
  const line = `${request.method} ${decodeURIComponent(url.pathname)} ${url.searchParams.get("name") ?? ""}`.trim();
  const isControl = url.pathname.startsWith("/control");
  if (!isControl) log.push(line);
  const fault = isControl ? undefined : faults.find(({ match, times }) => times > 0 && new RegExp(match).test(line));
  if (fault) fault.times--;
  if (fault?.hang === "before") return hung.push(message.socket);
  let result;
  try {
    if (fault?.status) throw new Refusal(fault.status, fault.text ?? "injected");
    result = answer(request, own);
  } catch (error) {
    const { status = 500, message: text } = error;
    const errors = [{ message: text, domain: "global", reason: REASONS[status] }];
    result = { status, json: text === "invalid_grant" ? { error: text } : { error: { code: status, message: text, status: REASONS[status], errors } } };
  }
  if (fault?.cut) return message.socket.destroy();
  if (fault?.hang === "after") return hung.push(message.socket);
  const data = result.data ?? (result.json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(result.json)));
  response.writeHead(result.status ?? 200, { "content-type": "application/json", "content-length": data.length, ...result.headers });
  response.end(data);
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
