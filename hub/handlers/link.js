// Moves the code of a link from the address bar into the form, clears the address bar, and asks
// once what the link is for, so that the page can greet and propose a name.
"use strict";

(() => {
  const form = document.querySelector("form[data-link]");
  const byId = document.getElementById.bind(document);
  const code = byId("code");
  const proposed = new Map();

  function fill(told) {
    for (const [id, value] of Object.entries(told.fields)) {
      const field = byId(id);
      // What somebody typed stays; what the link before this one proposed does not.
      if (!field || (field.value && field.value !== proposed.get(id))) continue;
      field.value = value;
      proposed.set(id, value);
    }
    for (const [id, value] of Object.entries(told.texts)) {
      const place = byId(id);
      if (!place) continue;
      place.textContent = value;
      (place.closest("[data-told]") || place).hidden = !value;
    }
  }

  function showForm(usable) {
    byId("unusable").hidden = usable;
    byId("usable").hidden = !usable;
  }

  function refuse(told) {
    byId("unusable-message").textContent = told.message;
    byId("unusable-hint").textContent = told.hint;
    showForm(false);
    byId("unusable-heading").focus();
  }

  async function look() {
    const asked = code.value;
    const body = new URLSearchParams({
      _xsrf: form.elements._xsrf.value, code: asked, look: "1",
    });
    const answer = await fetch(form.action, { method: "POST", body });
    const told = await answer.json();
    if (code.value !== asked) return;  // another link was opened meanwhile
    if (answer.ok) fill(told);
    else if (answer.status === 403) refuse(told);
  }

  function takeCode() {
    // After a reload the code is where this put it; the address bar and the history show none.
    const kept = window.history.state && window.history.state.code;
    const given = window.location.hash.slice(1) || (code.value ? "" : kept);
    if (!given) return;
    code.value = given;
    // The form beside it, for whoever has an account.
    for (const copy of document.querySelectorAll("[data-code-too]")) copy.value = given;
    byId("code-row").hidden = true;
    showForm(true);
    // Out of the address bar and out of the history, before anybody shares the screen.
    window.history.replaceState({ code: given }, "", window.location.pathname + window.location.search);
    const first = form.querySelector("input[data-first]");
    if (first) first.focus();
    // Without an answer the form works all the same: it says what is wrong when it is sent.
    look().catch(() => {});
  }

  takeCode();
  // A second link pasted into the same tab changes the fragment only: no new page is loaded.
  window.addEventListener("hashchange", takeCode);
})();
