// Runs first in the frame of a composition that has no network.

/**
 * Closes what a content security policy leaves open: connections of WebRTC, hints to connect and to resolve names, and
 * frames with functions of their own. The text of this function becomes a script, so that it uses nothing around it.
 *
 * Elements that can do so are never created: trusted types see every text that becomes markup, and the functions that create
 * elements by name are replaced. No other realm exists whose functions are the browser's.
 */
export function guard() {
  const NAMES = "iframe|frame|frameset|object|embed|link|meta|base|portal|fencedframe";
  const forbidden = new RegExp(`^(?:${NAMES})$`, "i");
  const tags = new RegExp(`<(?=${NAMES})`, "gi");
  const define = (target, name, value) => Object.defineProperty(target, name, { value, writable: false, configurable: false });

  for (const name of Object.getOwnPropertyNames(window)) {
    if (/^(webkit)?RTC|^WebTransport|^WebSocketStream$|^XSLTProcessor$|^Presentation|^PaymentRequest$|^SharedWorker$/.test(name)) delete window[name];
  }
  // Whatever turns texts into markup without a policy, or in pieces.
  const kept = new Set(["innerHTML", "outerHTML", "insertAdjacentHTML", "getHTML"]);
  for (const target of [Element.prototype, ShadowRoot.prototype, DocumentFragment.prototype, Document.prototype, Document, Range.prototype]) {
    for (const name of Object.getOwnPropertyNames(target)) if (/HTML/.test(name) && !kept.has(name)) delete target[name];
  }
  delete DOMImplementation.prototype.createDocument;
  delete Document.prototype.execCommand;

  const { createElement, createElementNS } = Document.prototype;
  const harmless = (name) => (forbidden.test(name.slice(name.indexOf(":") + 1)) ? "span" : name);
  define(Document.prototype, "createElement", function (name, ...rest) {
    return createElement.call(this, harmless(`${name}`), ...rest);
  });
  define(Document.prototype, "createElementNS", function (namespace, name, ...rest) {
    return createElementNS.call(this, namespace, harmless(`${name}`), ...rest);
  });
  const { parseFromString } = DOMParser.prototype;
  define(DOMParser.prototype, "parseFromString", function (text, type) {
    const parsed = parseFromString.call(this, text, `${type}`);
    for (const element of parsed.querySelectorAll("*")) if (forbidden.test(element.localName)) element.remove();
    return parsed;
  });

  // The document is written once, by the stage.
  const write = document.write.bind(document);
  for (const name of ["write", "writeln"]) define(Document.prototype, name, () => {});
  const createHTML = (html) => html.replace(tags, "<x-").replace(/shadowroot/gi, "x-shadowroot");
  const policies = globalThis.trustedTypes;
  const policy = policies?.createPolicy("stage", { createHTML });
  policies?.createPolicy("default", { createHTML, createScript: (script) => script, createScriptURL: (url) => url });
  return (html) => write(policy ? policy.createHTML(html) : createHTML(html));
}
