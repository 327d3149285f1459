// Search or jump to: a combobox in a dialog. /search/?q= answers htmx requests with groups of [role=option][data-href].
const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const results = document.getElementById("palette-results");
const tally = document.getElementById("palette-count");
let asked = 0;
let timer = 0;
let request = null;

const options = () => [...results.querySelectorAll("[role=option]")];
const chosen = () => results.querySelector("[role=option][aria-selected=true]");

function choose(option) {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  if (option) {
    option.id ||= `palette-option-${options().indexOf(option)}`;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function step(by) {
  const all = options();
  if (all.length) choose(all.at((all.indexOf(chosen()) + by + all.length) % all.length));
}

function fill(html) {
  // The fragment is our own server's, escaped there; parsing it in a template runs no script.
  const template = document.createElement("template");
  template.innerHTML = html;
  results.replaceChildren(template.content);
  const all = options();
  input.setAttribute("aria-expanded", String(all.length > 0));
  tally.textContent = results.querySelector("[data-count]")?.dataset.count || "";
  choose(all[0]);
}

async function ask() {
  const turn = ++asked;
  request?.abort();
  request = new AbortController();
  try {
    const url = `${dialog.dataset.url}?${new URLSearchParams({ q: input.value })}`;
    const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "palette-results" }, signal: request.signal });
    if (answer.ok && turn === asked) fill(await answer.text());
  } catch { /* a newer question is on its way, or the network is gone: the old results stay */ }
}

function go(option, event) {
  const href = option?.dataset.href;
  if (!href) return;
  if (event.ctrlKey || event.metaKey) window.open(href, "_blank", "noopener");
  else location.assign(href);
}

function open() {
  if (!dialog.open) dialog.showModal();
  input.select();
  input.focus();
  ask();
}

if (dialog && input) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 80); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); step(event.key === "ArrowDown" ? 1 : -1); }
    else if (event.key === "Enter") { event.preventDefault(); go(chosen(), event); }
  });
  results.addEventListener("click", (event) => go(event.target.closest("[role=option]"), event));
  results.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen()) choose(option);
  });
}
