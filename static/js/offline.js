// While the network is gone a banner says so. What is pressed meanwhile waits, is marked, and is sent once on return.
const banner = document.getElementById("offline");
const waiting = new Set();

function show() {
  if (banner) banner.hidden = navigator.onLine;
}

function send() {
  const all = [...waiting];
  waiting.clear();
  for (const element of all) {
    element.removeAttribute("aria-busy");
    if (!element.isConnected) continue;
    if (element instanceof HTMLFormElement) element.requestSubmit();
    else element.click();
  }
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (navigator.onLine) return;
  event.preventDefault();
  const element = event.detail.elt;
  if (event.detail.requestConfig.verb === "get" || !(element instanceof HTMLElement)) return;
  waiting.add(element);
  element.setAttribute("aria-busy", "true");
});

addEventListener("offline", show);
addEventListener("online", () => { show(); send(); });
show();
