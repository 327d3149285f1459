// Loaded in <head>, before anything is painted: the chosen scheme must not flash. What the server keeps for the person wins.
(function () {
  var root = document.documentElement;
  if (root.dataset.theme === "light" || root.dataset.theme === "dark") return;
  try {
    var theme = localStorage.getItem("baton-theme");
    if (theme === "light" || theme === "dark") root.classList.add("theme-" + theme);
  } catch (refused) { /* storage is closed: the system decides */ }
})();
