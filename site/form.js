// Creates a form for the JSON Schema of variables.
import { make } from "./element.js";

/** Returns the default values of a schema. */
export function defaultsOf(schema) {
  const entries = Object.entries(schema.properties).filter(([, property]) => property.default !== undefined);
  return Object.fromEntries(entries.map(([id, property]) => [id, property.default]));
}

/**
 * Creates a field for every variable. Calls `write` with all values after every change. Returns a function that sets the
 * fields from values.
 */
export function valuesForm(form, schema, write) {
  let values = defaultsOf(schema);
  const fields = Object.entries(schema.properties).map(([id, property], index) => {
    const field = makeField(id, property, `variable-${index}`);
    form.append(field.element);
    field.set(values[id]);
    field.control.addEventListener("input", () => {
      values = { ...values, [id]: field.get() };
      if (values[id] === undefined) delete values[id];
      write(values);
    });
    return [id, field];
  });
  return (given) => {
    values = { ...given };
    for (const [id, field] of fields) field.set(given[id]);
  };
}

function makeField(id, property, name) {
  const kind = property["x-hyperframes-type"];
  const issues = make("ul", { className: "issues", id: `${name}-issues`, "aria-live": "polite" });
  const control = makeControl(kind, property);
  control.id = name;
  control.setAttribute("aria-describedby", issues.id);
  const label = make("label", { htmlFor: name });
  label.append(property.title ?? id, " ", make("span", { className: "id", textContent: `${id}: ${kind}` }));
  const element = make("div", { className: "field variable" });
  element.dataset.id = id;
  if (kind === "boolean") {
    label.className = "check";
    label.prepend(control, " ");
    element.append(label);
  } else if (kind === "color") {
    // The picker is for colors that it can show; the text field takes all.
    const picker = make("input", { type: "color", className: "swatch", "aria-label": `Pick ${property.title ?? id}` });
    element.append(label, make("div", { className: "color" }, control, picker));
    control.paint = () => {
      const color = opaque(control.value);
      picker.classList.toggle("unknown", color === undefined);
      picker.value = color ?? "#000000";
    };
    control.addEventListener("input", control.paint);
    picker.addEventListener("input", () => {
      control.value = picker.value;
      picker.classList.remove("unknown");
      control.dispatchEvent(new Event("input"));
    });
  } else {
    element.append(label, control);
  }
  if (property.description) element.append(make("p", { className: "about", textContent: property.description }));
  element.append(issues);
  return { element, control, get: () => read(kind, control), set: (value) => put(kind, control, value) };
}

/** Returns a CSS color as `#rrggbb`; nothing if it is not a color. */
function opaque(text) {
  if (!CSS.supports("color", text)) return undefined;
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = text;
  const hex = context.fillStyle;
  return /^#[0-9a-f]{6}$/.test(hex) ? hex : undefined;
}

function makeControl(kind, property) {
  if (kind === "enum") {
    const select = make("select");
    for (const value of property.enum) select.append(new Option(property["x-hyperframes-labels"]?.[value] ?? value, value));
    return select;
  }
  if (kind === "boolean") return make("input", { type: "checkbox" });
  // Numbers are text fields, so that invalid numbers are kept and reported.
  return make("input", { type: "text", inputMode: kind === "number" ? "decimal" : "text", autocomplete: "off" });
}

/** Returns the value of a field as JSON; `undefined` if the field is empty. */
function read(kind, control) {
  if (kind === "boolean") return control.checked;
  if (kind !== "number") return objectOr(kind, control.value);
  const text = control.value.trim();
  if (text === "") return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : control.value;
}

/** Parses the value of a font or image that is a JSON object. */
function objectOr(kind, text) {
  if ((kind !== "font" && kind !== "image") || !text.trim().startsWith("{")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function put(kind, control, value) {
  if (kind === "boolean") control.checked = value === true;
  else control.value = value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  control.paint?.();
}
