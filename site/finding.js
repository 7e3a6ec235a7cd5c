// Findings as elements: what is wrong, where, how to fix it, and why.
import { make } from "./element.js";

let count = 0;

/** Creates the element of a finding. */
export function findingElement(found, explanation) {
  const { code, severity, path, position, message, help, fix } = found;
  const id = `explanation-${(count += 1)}`;
  const title = make("p", { className: "finding" });
  title.append(make("span", { className: `severity ${severity}`, textContent: severity }), " ", message);
  const item = make("li", {}, title);
  const place = make("p", { className: "place" }, make("span", { className: "path", textContent: position ? `${path}:${position.line}:${position.column}` : path }));
  item.append(place);
  if (found.excerpt) item.append(excerptElement(found.excerpt, severity));
  if (help) item.append(make("p", { className: "help", textContent: help }));
  if (fix) item.append(make("p", { className: "help", textContent: `${fix.description}: hyperframes-ci check --fix does this.` }));
  const button = make("button", { type: "button", className: "code", textContent: code, "aria-expanded": "false", "aria-controls": id });
  const about = explanation ? explanationElement(explanation, id) : make("div", { id, hidden: true });
  button.addEventListener("click", () => {
    about.hidden = !about.hidden;
    button.setAttribute("aria-expanded", String(!about.hidden));
  });
  place.prepend(button, " ");
  item.append(about);
  return item;
}

function explanationElement({ summary, explanation, url }, id) {
  const about = make("div", { id, className: "explanation", hidden: true }, make("p", {}, make("strong", { textContent: summary })));
  for (const paragraph of explanation.split(/\n\n+/)) {
    if (paragraph.trim()) about.append(make("p", {}, ...withCode(paragraph.replace(/\n/g, " "))));
  }
  about.append(make("p", {}, make("a", { href: url, textContent: "Documentation of this check", target: "_blank", rel: "noopener noreferrer" })));
  return about;
}

/** Returns a text with its parts between backticks as code. */
function withCode(text) {
  return text.split(/`([^`]*)`/).map((part, index) => (index % 2 === 1 ? make("code", { textContent: part }) : part));
}

function excerptElement({ line, lead, marked, tail }, severity) {
  const number = make("span", { className: "number", textContent: `${line} │ ` });
  return make("pre", { tabIndex: 0, "aria-label": `Line ${line}`, role: "group" }, number, lead, make("mark", { className: severity, textContent: marked }), tail);
}

/** Scrolls a long line to its mark. */
export function showMark(mark) {
  const line = mark.parentElement;
  const end = mark.offsetLeft + mark.offsetWidth - line.offsetLeft;
  if (end > line.clientWidth) line.scrollLeft = mark.offsetLeft - line.offsetLeft - Math.min(96, line.clientWidth / 4);
}
