// A form with data-draft keeps what was typed in this browser, with its Idempotency-Key, so that sending again after an outage is
// the same request. Written at each keystroke; gone once the server has it, at sign-out, and after seven days.
(() => {
  "use strict";
  const PREFIX = "draft:";
  const WEEK = 7 * 24 * 3600 * 1000;
  const form = document.querySelector("form[data-draft]");
  const own = (visit) => `${PREFIX}${document.body.dataset.staff}:${visit}`;
  const state = document.getElementById("draft-state");

  function tidy() {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      try {
        if (Date.now() - JSON.parse(localStorage.getItem(key)).at < WEEK) continue;
      } catch {
        // not ours to read: dropped with the old ones
      }
      localStorage.removeItem(key);
    }
  }

  function save() {
    const fields = [...new FormData(form)].filter(([name, value]) => name !== "attempt" && typeof value === "string");
    localStorage.setItem(own(form.dataset.draft), JSON.stringify({ at: Date.now(), mode: form.dataset.mode || "", fields }));
    if (state) state.textContent = `${state.dataset.saved} ${new Date().toLocaleTimeString("zh-CN", { hour12: false })}`;
  }

  function fill(fields) {
    for (const [name, value] of fields) {
      const found = form.elements.namedItem(name);
      if (!found) continue;
      for (const element of found instanceof RadioNodeList ? found : [found]) {
        if (/^(radio|checkbox)$/.test(element.type)) element.checked = element.value === value;
        else element.value = value;
      }
    }
  }

  function restore() {
    const kept = localStorage.getItem(own(form.dataset.draft));
    if (!kept || document.querySelector('#foot[data-state="recorded"]')) return;
    const draft = JSON.parse(kept);
    fill(draft.fields);
    for (const fold of form.querySelectorAll("details[data-fold]")) {
      fold.open = [...fold.querySelectorAll("input, select")].some((field) => field.value && field.value !== field.defaultValue && field.type !== "time");
    }
    if (state) state.textContent = state.dataset.restored;
    form.dataset.restoredMode = draft.mode;
  }

  tidy();
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.path === "/sign-out") {
      for (const key of Object.keys(localStorage)) if (key.startsWith(own(""))) localStorage.removeItem(key);
    }
  });
  if (!form) return;
  restore();
  for (const kind of ["input", "compositionend", "change"]) form.addEventListener(kind, save);
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === form) save();
  });
  document.addEventListener("huifang:saved", (event) => {
    localStorage.removeItem(own(event.detail.visit));
    if (state) state.textContent = "";
  });
})();
