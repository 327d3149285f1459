// The clock of a call: pressed, or started by the link that dials, it writes the begun minutes into their field.
const clock = document.querySelector("[data-call-clock]");
const minutes = document.getElementById("call_minutes");

if (clock && minutes) {
  const button = clock.querySelector("button");
  const words = button.querySelector("span");
  const shown = clock.querySelector("output");
  const still = words.textContent;
  let began = 0;
  let before = 0;
  let ticking;

  const passed = () => before + (began ? Date.now() - began : 0);
  const show = () => {
    const seconds = Math.floor(passed() / 1000);
    shown.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const start = () => {
    if (began) return;
    began = Date.now();
    words.textContent = clock.dataset.running;
    ticking = setInterval(show, 1000);
  };
  const stop = () => {
    if (!began) return;
    before = passed();
    began = 0;
    clearInterval(ticking);
    show();
    words.textContent = still;
    minutes.value = Math.max(1, Math.ceil(before / 60000));
  };

  clock.hidden = false;
  button.addEventListener("click", () => (began ? stop() : start()));
  document.querySelector("[data-starts-clock]")?.addEventListener("click", start);
  minutes.form.addEventListener("submit", stop);
}
