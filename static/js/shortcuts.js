// Keys, in two ways: an element with data-shortcut="n" is clicked (fields are focused), a module registers a function.
// Single keys rest inside fields, with modifiers, while a dialog is open, and wherever the person has switched them off.
const registered = new Map();
const FIELD = "input, textarea, select, [contenteditable], [role=combobox], [role=listbox]";

/** Run `action` on a key such as "z" or "Control+z"; an action that returns false leaves the key to the browser. */
export function register(combination, action) {
  registered.set(combination, action);
}

export function isTyping(target) {
  return target instanceof Element && target.closest(FIELD) !== null && !target.matches("[type=checkbox], [type=radio], [type=button]");
}

function visible(element) {
  return element.checkVisibility ? element.checkVisibility() : element.offsetParent !== null;
}

function marked(key) {
  const all = [...document.querySelectorAll(`[data-shortcut="${CSS.escape(key)}"]`)].filter(visible);
  return all.find((element) => element.closest("[data-shortcut-scope]")?.contains(document.activeElement)) || all.find((element) => !element.closest("[data-shortcut-scope]"));
}

function press(key) {
  const element = marked(key);
  if (!element) return false;
  if (element.matches("input, textarea, select")) element.focus();
  else element.click();
  return true;
}

function combination(event) {
  const parts = [event.ctrlKey && "Control", event.metaKey && "Meta", event.altKey && "Alt"].filter(Boolean);
  return [...parts, event.key].join("+");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || isTyping(event.target)) return;
  const plain = !(event.ctrlKey || event.metaKey || event.altKey);
  if (plain && (document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]"))) return;
  const action = registered.get(combination(event));
  const done = action ? action(event) !== false : plain && press(event.key);
  if (done) event.preventDefault();
});

function names() {
  const entries = new Map();
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    const label = element.dataset.shortcutLabel || element.getAttribute("aria-label") || element.textContent.trim();
    if (!entries.has(element.dataset.shortcut)) entries.set(element.dataset.shortcut, label);
  }
  return entries;
}

function row(key, label) {
  const term = document.createElement("dt");
  const keys = document.createElement("dd");
  const cap = document.createElement("kbd");
  term.textContent = label;
  cap.textContent = key.length === 1 ? key.toUpperCase() : key;
  keys.append(cap);
  return [term, keys];
}

function help() {
  const dialog = document.getElementById("keys");
  if (!dialog) return false;
  const list = dialog.querySelector(".keys");
  list.replaceChildren(...[...names()].flatMap(([key, label]) => row(key, label)), document.getElementById("keys-always").content.cloneNode(true));
  dialog.querySelector("[data-when=off]").hidden = document.body.dataset.shortcuts !== "off";
  dialog.showModal();
  return true;
}

register("?", help);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-keys]")) return;
  if (help()) event.preventDefault();
});
