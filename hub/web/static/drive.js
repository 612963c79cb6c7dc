// Choosing folders: a level opens within the page instead of a page of its own.
"use strict";

(() => {
  const form = document.getElementById("choose");
  if (!form) return;

  async function levelOf(id) {
    const where = new URL(form.action);
    where.searchParams.set("in", id);
    const answer = await fetch(where, {
      redirect: "error", headers: { "X-XSRFToken": document.body.dataset.xsrf },
    });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.getElementById("level");
  }

  async function open(button) {
    const item = button.closest("li");
    const there = item.querySelector(":scope > .below");
    if (there) {
      there.hidden = !there.hidden;
      button.setAttribute("aria-expanded", String(!there.hidden));
      return;
    }
    button.setAttribute("aria-busy", "true");
    let level = null;
    try { level = await levelOf(button.dataset.open); } catch { /* the page's own way is below */ }
    button.removeAttribute("aria-busy");
    if (!level) {
      button.dataset.plain = "1";
      button.click();
      return;
    }
    const below = document.createElement("div");
    below.className = "below";
    for (const node of Array.from(level.childNodes)) below.append(document.adoptNode(node));
    for (const box of below.querySelectorAll('input[type="checkbox"]')) {
      const known = document.getElementById(`o-${box.value}`);
      box.checked = known !== null && known.checked;
      // What stands in the tree now need not stand in the list above it.
      if (known) known.closest("li").remove();
      for (const list of form.querySelectorAll("fieldset:not(:has(li))")) list.remove();
    }
    item.append(below);
    button.setAttribute("aria-expanded", "true");
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-open]");
    if (!button || button.dataset.plain) return;
    event.preventDefault();
    open(button);
  });
  for (const button of form.querySelectorAll("button[data-open]")) {
    button.setAttribute("aria-expanded", "false");
  }
})();
