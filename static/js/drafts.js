// Whose session ended while they wrote gets the text back after signing in again. What was sent is kept for this tab
// until the next page: a page reached through the sign-in puts it back into the form it came from, any other drops it.
const KEY = "baton-draft";
const SIGN_IN = /^\/accounts\/(login|2fa)\//;
const kept = (field) => field.name && field.name !== "csrfmiddlewaretoken" && !["hidden", "password", "file", "submit", "button"].includes(field.type);

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) || "null");
  } catch { return null; }
}

function values(form) {
  return [...form.elements].filter(kept).map((field) => [field.name, ["checkbox", "radio"].includes(field.type) ? field.value : null, ["checkbox", "radio"].includes(field.type) ? field.checked : field.value]);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || !form.closest("main") || "noDraft" in form.dataset || SIGN_IN.test(location.pathname)) return;
  const draft = { path: location.pathname, action: form.getAttribute("action") || "", fields: values(form) };
  try { sessionStorage.setItem(KEY, JSON.stringify(draft)); } catch { /* storage is closed: the text is lost as before */ }
}, true);

function put(form, fields) {
  for (const [name, value, content] of fields) {
    for (const field of form.elements) {
      if (field.name !== name || !kept(field)) continue;
      if (value === null) field.value = content;
      else if (field.value === value) field.checked = content;
    }
  }
}

function from(address) {
  try {
    const url = new URL(address);
    return url.origin === location.origin ? url.pathname : "";
  } catch { return ""; }
}

const draft = read();
if (draft && !SIGN_IN.test(location.pathname)) {
  sessionStorage.removeItem(KEY);
  const forms = [...document.querySelectorAll("main form")].filter((form) => (form.getAttribute("action") || "") === draft.action);
  if (SIGN_IN.test(from(document.referrer)) && draft.path === location.pathname && forms.length === 1) put(forms[0], draft.fields);
}
