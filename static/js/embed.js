// Puts a form into the page that includes this script: <script src="…/f/embed.js" data-form="address" async></script>
// It sets no cookie, stores nothing and asks no other host. The form's height follows its content.
(() => {
  const script = document.currentScript;
  if (!script) return;
  const home = new URL(script.src);
  const { form, lang = document.documentElement.lang.slice(0, 2), title = "", height = "640" } = script.dataset;
  const query = new URLSearchParams({ embed: "1", lang, page: location.href, ref: document.referrer });
  for (const [name, value] of new URLSearchParams(location.search)) if (name.startsWith("utm_")) query.set(name, value);
  const frame = document.createElement("iframe");
  frame.src = `${home.origin}/f/${encodeURIComponent(form)}/?${query}`;
  frame.title = title || form;
  frame.loading = "lazy";
  frame.referrerPolicy = "no-referrer";
  Object.assign(frame.style, { width: "100%", height: `${Number(height) || 640}px`, border: "0", display: "block" });
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== home.origin || data?.baton !== "height") return;
    frame.style.height = `${Math.min(Math.max(Number(data.height) || 0, 120), 6000)}px`;
  });
  script.after(frame);
})();
