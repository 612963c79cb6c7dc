// What the pages do beside plain forms: mark all, count, copy, save. Without it they still work.
"use strict";

(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  // Marking people or invitations.
  const boxes = all('tbody input[type="checkbox"]');
  const whole = document.getElementById("all");
  const count = document.getElementById("count");
  function tell() {
    const marked = boxes.filter((box) => box.checked).length;
    count.textContent = marked ? `${count.dataset.some} ${marked}` : count.dataset.none;
    whole.checked = marked === boxes.length;
    whole.indeterminate = marked > 0 && marked < boxes.length;
  }
  if (whole && boxes.length) {
    whole.hidden = false;
    whole.addEventListener("change", () => {
      for (const box of boxes) box.checked = whole.checked;
      tell();
    });
    for (const box of boxes) box.addEventListener("change", tell);
    window.addEventListener("pageshow", () => { if (boxes.some((box) => box.checked)) tell(); });
  }

  // Copying and saving what is shown once.
  const textOf = (id) => {
    const place = document.getElementById(id);
    return place.value === undefined ? place.textContent : place.value;
  };
  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Plain HTTP has no clipboard API.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const worked = document.execCommand("copy");
    field.remove();
    if (!worked) throw new Error("not copied");
    return undefined;
  }
  for (const button of all("button[data-copy]")) {
    button.hidden = false;
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    button.after(said);
    button.addEventListener("click", async () => {
      try {
        await copy(textOf(button.dataset.copy));
        said.textContent = button.dataset.done;
        button.focus();
      } catch {
        // What cannot be copied is marked, so that the keyboard can.
        window.getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      }
    });
  }
  for (const button of all("button[data-save]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const blob = new Blob(["\ufeff", textOf(button.dataset.save)], { type: "text/csv" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = button.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // Parts of a page that are kept up to date, as long as it asks for that.
  const live = document.querySelector("[data-look-every]");
  async function lookAgain() {
    if (document.hidden) return;
    try {
      const answer = await fetch(window.location.href, {
        redirect: "error",
        // A login counts for what scripts ask only with the page's token.
        headers: { "X-XSRFToken": document.body.dataset.xsrf },
      });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all("[data-live]")) {
        const now = page.getElementById(part.id);
        // What somebody opened meanwhile stays open.
        const opened = Array.from(part.querySelectorAll("details"), (one) => one.open);
        if (now) now.querySelectorAll("details").forEach((one, at) => { one.open = opened[at] || false; });
        if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
      }
    } catch { /* the hub or this service may be restarting */ }
  }
  if (live) setInterval(lookAgain, 1000 * live.dataset.lookEvery);

  const problem = document.querySelector("[data-focus]");
  if (problem) problem.focus();
})();
