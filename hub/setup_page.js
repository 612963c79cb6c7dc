// Moves the code of a setup link from the address bar into the form, and clears the address bar.
"use strict";

(() => {
  const field = document.getElementById("code");
  if (!field) return;

  function takeCode() {
    const code = window.location.hash.slice(1);
    if (!code) return;
    field.value = code;
    document.getElementById("code-row").hidden = true;
    // Out of the address bar and out of the history, before anybody shares the screen.
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    document.getElementById("username").focus();
  }

  takeCode();
  // A second link pasted into the same tab changes the fragment only: no new page is loaded.
  window.addEventListener("hashchange", takeCode);
})();
