// A folder over HTTP on loopback.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Serves `folder`, with `pages` over its files, all under a content security policy. */
export async function serve(folder, pages = {}, policy = undefined) {
  const requests = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    requests.push(path);
    const headers = { "content-type": TYPES[extname(path)] ?? TYPES[".html"] };
    if (policy) headers["content-security-policy"] = policy;
    try {
      const body = pages[path] ?? readFileSync(join(folder, normalize(path.endsWith("/") ? `${path}index.html` : path)));
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}/`, requests, close: () => server.close() };
}
