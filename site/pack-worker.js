// Packs a project in a worker, so that the page stays responsive.

// Imported on demand, because messages that arrive while the WebAssembly loads would be lost.
onmessage = async ({ data: { files, project } }) => {
  const { PreflightError, digest } = await import("./preflight/browser.js");
  try {
    const contents = new Map();
    for (const [path, file] of files) {
      contents.set(path, typeof file === "string" ? file : new Uint8Array(await file.arrayBuffer()));
    }
    postMessage(digest(contents, { project }));
  } catch (error) {
    if (!(error instanceof PreflightError)) throw error;
    postMessage({ error: `Cannot be packed: ${error.message}` });
  }
};
