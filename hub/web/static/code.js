// A joining code behind the # of a course's link: kept over the login, put into the card's field.
"use strict";

(() => {
  const key = `carrel-code:${location.pathname}`;
  const given = location.hash.slice(1, 21).replace(/[^A-Za-z0-9-]/g, "");
  const login = document.querySelector("[data-login]");
  if (login) {
    if (given) sessionStorage.setItem(key, given);
    location.replace(login.href);
    return;
  }
  const field = document.querySelector("[data-code]");
  const code = given || sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (field && code && !field.value) field.value = code;
})();
