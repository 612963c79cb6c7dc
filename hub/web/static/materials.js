// Waiting for what is being read; and an upload that is too large is said before it is sent.
"use strict";

(() => {
  // Kept files: on for a single notebook, off for all else, until somebody decides.
  for (const names of document.querySelectorAll("[data-names]")) {
    const box = names.form.querySelector("[data-keeps]");
    let decided = false;
    box.addEventListener("change", () => { decided = true; });
    names.addEventListener("input", () => {
      const name = names.value.trim().toLowerCase();
      if (!decided && name) box.checked = name.endsWith(".ipynb");
    });
  }

  const form = document.querySelector("[data-upload]");
  if (form) {
    const file = form.querySelector('input[type="file"]');
    const said = form.querySelector("[data-said]");
    const check = () => {
      const large = file.files.length > 0 && file.files[0].size > Number(form.dataset.upload);
      file.setCustomValidity(large ? form.dataset.large : "");
      said.textContent = large ? form.dataset.large : "";
    };
    file.addEventListener("change", check);
    form.addEventListener("submit", () => { said.textContent = form.dataset.sending; });
    window.addEventListener("pageshow", check);
  }

  const order = document.querySelector("[data-order]");
  if (order) {
    let state = order.dataset.order;
    let pause = 1500;
    const look = async () => {
      try {
        const answer = await fetch(location.href, {
          // A login counts for what scripts ask only with the page's token.
          headers: { Accept: "application/json", "X-XSRFToken": document.body.dataset.xsrf },
        });
        if (!answer.ok) throw new Error(String(answer.status));
        const now = (await answer.json()).state;
        if (now === "ready" || now === "failed") {
          location.reload();
          return;
        }
        if (now !== state) {
          state = now;
          order.textContent = order.dataset.reading;
        }
      } catch {
        order.textContent = order.dataset.lost;
        state = "";
      }
      pause = Math.min(pause * 1.2, 10000);
      setTimeout(look, pause);
    };
    setTimeout(look, pause);
  }

  const packages = document.querySelector("[data-packages]");
  if (packages) {
    const log = document.querySelector("[data-log]");
    if (log) log.scrollTop = log.scrollHeight;
    let state = packages.dataset.state;
    const look = async () => {
      try {
        const answer = await fetch(packages.dataset.packages, {
          headers: { Accept: "application/json", "X-XSRFToken": document.body.dataset.xsrf },
        });
        if (!answer.ok) throw new Error(String(answer.status));
        const now = await answer.json();
        if (now.state !== "waiting" && now.state !== "building") {
          location.reload();
          return;
        }
        if (now.state !== state) {
          state = now.state;
          packages.textContent = packages.dataset[state];
        }
        if (log && now.log && now.log !== log.textContent) {
          // Whoever scrolled up to read stays there.
          const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
          log.textContent = now.log;
          if (atEnd) log.scrollTop = log.scrollHeight;
        }
      } catch {
        packages.textContent = packages.dataset.lost;
        state = "";
      }
      setTimeout(look, 2500);
    };
    setTimeout(look, 1500);
  }
})();
