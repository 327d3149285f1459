// Staff capture people one after another. What is stored goes out at once; without network it waits in this page, and
// each capture carries a number of its own, so that the server stores it once however often it is sent.
const form = document.querySelector("[data-capture]");
const panel = document.querySelector("[data-captured]");
const waiting = [];
const RETRY = 10_000;
let busy = false;

const word = (name) => panel.getAttribute(`data-word-${name}`);
const isKept = (field) => "keep" in field.dataset || field.type === "hidden" || !field.name;
const personal = () => [...form.elements].filter((field) => field.name && !isKept(field));

function number() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function clear() {
  for (const field of personal()) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  form.elements.token.value = number();
  form.elements.taken_at.value = "";
}

function isEmpty() {
  return personal().every((field) => (field.type === "checkbox" ? !field.checked : !field.value));
}

function show(one, state, detail = "") {
  one.item.className = `is-${state}`;
  one.state.textContent = detail || word(state);
  panel.querySelector("[data-state]").textContent = waiting.length ? word("waiting").replace("{n}", waiting.length) : "";
}

function correct(one) {
  if (!isEmpty()) {
    panel.querySelector("[data-state]").textContent = word("busy");
    return;
  }
  for (const field of personal()) {
    if (field.type === "checkbox") field.checked = one.data.has(field.name);
    else field.value = one.data.get(field.name) || "";
  }
  form.elements.token.value = number();
  one.item.remove();
  form.elements.first_name.focus();
}

function refused(one, detail) {
  show(one, "refused", `${word("refused")}: ${detail}`);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small";
  button.textContent = word("correct");
  button.addEventListener("click", () => correct(one));
  one.item.append(button);
}

// Somebody who signed in again has another token: the page is asked for it.
async function renewToken() {
  const answer = await fetch(form.action, { redirect: "manual" });
  if (!answer.ok) return "";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("[data-capture] [name=csrfmiddlewaretoken]")?.value || "";
  if (token) form.elements.csrfmiddlewaretoken.value = token;
  return token;
}

async function post(one) {
  one.data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  return fetch(form.action, { method: "POST", body: one.data, redirect: "manual", headers: { Accept: "application/json" } });
}

// Sends the oldest that waits; false when the others have to wait as well.
async function send(one) {
  let answer = await post(one);
  if (answer.status === 403 && await renewToken()) answer = await post(one);
  if (answer.type === "opaqueredirect" || answer.status === 403) {
    show(one, "signin");
    return false;
  }
  if (answer.status === 429 || answer.status >= 500) {
    show(one, "waits");
    return false;
  }
  const told = await answer.json();
  waiting.shift();
  if (answer.ok) show(one, "stored");
  else refused(one, told.detail || "");
  return true;
}

async function sendAll() {
  if (busy) return;
  busy = true;
  try {
    while (waiting.length && await send(waiting[0]));
  } catch {
    for (const one of waiting) show(one, "waits");
  } finally {
    busy = false;
  }
}

function remember(data) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const state = document.createElement("span");
  name.textContent = `${data.get("first_name")} ${data.get("last_name")}`.trim() || data.get("email") || data.get("phone") || "?";
  item.append(name, " ", state);
  panel.querySelector("ul").prepend(item);
  panel.hidden = false;
  return { data, item, state };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const unsaid = [...form.elements].find((field) => "keep" in field.dataset && !field.value.trim());
  if (unsaid || isEmpty()) {
    if (unsaid) form.querySelector(".occasion").open = true;
    (unsaid || form.elements.first_name).focus();
    return;
  }
  form.elements.taken_at.value = new Date().toISOString();
  const one = remember(new URLSearchParams(new FormData(form)));
  waiting.push(one);
  show(one, "waits");
  form.querySelector("[data-occasion]").textContent = `${form.elements.event.value} · ${form.elements.place.value}`;
  form.querySelector(".occasion").open = false;
  clear();
  form.elements.first_name.focus();
  sendAll();
});

addEventListener("online", sendAll);
addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });
setInterval(() => { if (waiting.length) sendAll(); }, RETRY);
