// The views of the results.
import { at } from "./element.js";

const NAMES = ["findings", "preview", "render"];
const listeners = new Set();
let current = "findings";

export const currentTab = () => current;

/** Calls a function with the name of a view when it is opened, and with the project to show, if any. */
export function onTab(listener) {
  listeners.add(listener);
}

export function openTab(name, project) {
  current = name;
  for (const each of NAMES) {
    const isCurrent = each === name;
    at(each).hidden = !isCurrent;
    const tab = at(`tab-${each}`);
    tab.setAttribute("aria-selected", String(isCurrent));
    tab.tabIndex = isCurrent ? 0 : -1;
  }
  for (const listener of listeners) listener(name, project);
  if (project !== undefined) at(`tab-${name}`).focus();
}

/** Shows or hides the views. */
export function showTabs(isShown) {
  at("tabs").hidden = !isShown;
  for (const each of NAMES) at(each).hidden = !isShown || each !== current;
}

export function startTabs() {
  for (const [place, name] of NAMES.entries()) {
    const tab = at(`tab-${name}`);
    tab.addEventListener("click", () => openTab(name));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const target = event.key === "Home" ? 0 : event.key === "End" ? NAMES.length - 1 : step && (place + step + NAMES.length) % NAMES.length;
      if (target === undefined) return;
      event.preventDefault();
      openTab(NAMES[target]);
      at(`tab-${NAMES[target]}`).focus();
    });
  }
}
