// Runs before the first paint, so that the other theme never flashes.
(function () {
  "use strict";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try {
      return window.localStorage.getItem("hubs.theme");
    } catch {
      return null;
    }
  }
  function apply() {
    root.dataset.theme = chosen() || (system.matches ? "dark" : "light");
  }
  apply();
  system.addEventListener("change", apply);
  root.classList.add("js");
})();
