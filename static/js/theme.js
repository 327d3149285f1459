// The switch for light and dark: [data-theme-switch] holds buttons [data-theme-choice]; a save url keeps it per person.
const root = document.documentElement;

function chosen() {
  if (root.classList.contains("theme-dark")) return "dark";
  return root.classList.contains("theme-light") ? "light" : "system";
}

function remember(theme) {
  try {
    if (theme === "system") localStorage.removeItem("baton-theme");
    else localStorage.setItem("baton-theme", theme);
  } catch { /* storage is closed: the choice holds for this page */ }
}

function save(url, theme) {
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  fetch(url, { method: "POST", keepalive: true, headers: { ...token, "HX-Request": "true" }, body: new URLSearchParams({ theme }) }).catch(() => {});
}

function show(theme) {
  root.classList.remove("theme-light", "theme-dark");
  if (theme !== "system") root.classList.add(`theme-${theme}`);
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  const theme = button.dataset.themeChoice;
  show(theme);
  const url = button.closest("[data-theme-switch]").dataset.saveUrl;
  remember(url ? "system" : theme);
  if (url) save(url, theme);
});

for (const box of document.querySelectorAll("[data-theme-switch]")) box.hidden = false;
show(chosen());
