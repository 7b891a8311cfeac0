// The call page: outcomes that unfold something, digits that answer the focused question, required answers, faults at their fields.
(() => {
  "use strict";
  const form = document.getElementById("call");
  if (!form) return;
  const foot = () => document.getElementById("foot");
  const questions = () => [...form.querySelectorAll("[data-question]")];
  const answered = (question) => Boolean(question.querySelector("input:checked")) || Boolean(question.querySelector("input:not([type=radio])")?.value.trim());
  const firstField = (question) => question.querySelector("input");

  function panel(name) {
    for (const each of foot().querySelectorAll(".panel")) each.hidden = each.id !== `panel-${name}` || !each.hidden;
    foot().querySelector(".panel:not([hidden]) button")?.focus();
  }

  function reached(on) {
    const button = foot().querySelector("[data-reached]");
    if (!button) return;
    form.dataset.mode = on ? "reached" : "";
    button.setAttribute("aria-pressed", String(on));
    for (const each of foot().querySelectorAll(".panel")) each.hidden = true;
    if (!on) return;
    count();
    document.getElementById("side-record").checked = true;
    const first = ordered().find((question) => question.dataset.required && !answered(question)) || ordered()[0];
    if (first) firstField(first).focus();
  }

  // The score stands first, then the questions of the script.
  function ordered() {
    return questions().sort((a, b) => Number(b.dataset.question === "satisfaction") - Number(a.dataset.question === "satisfaction"));
  }

  function missing() {
    return ordered().filter((question) => question.dataset.required && !answered(question));
  }

  function concluded() {
    const result = form.querySelector(`input[name="result:${form.dataset.visit}"]:checked`);
    return !result || result.value === "completed";
  }

  function count() {
    const hint = document.getElementById("hint");
    if (form.dataset.mode !== "reached" || !hint) return;
    const all = questions().filter((question) => question.dataset.required).length;
    hint.textContent = all ? `${form.dataset.answered} ${all - missing().length}/${all}` : "";
    hint.classList.remove("warn-text");
  }

  function complain(open) {
    const hint = document.getElementById("hint");
    hint.textContent = form.dataset.missing.replace("#", String(open.length)) + open.map((question) => question.dataset.required).join("、");
    hint.classList.add("warn-text");
    if (open[0].closest(".script")) document.getElementById("side-script").checked = true;
    firstField(open[0]).focus();
  }

  function answer(event) {
    const question = event.target instanceof Element ? event.target.closest("fieldset[data-question]") : null;
    const digit = /^(Digit|Numpad)\d$/.test(event.code) ? Number(event.code.slice(-1)) : 0;
    if (!question || !digit || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    event.preventDefault();
    const radio = question.querySelectorAll("input[type=radio]")[digit - 1];
    if (!radio || event.repeat) return;
    radio.focus();
    radio.click();
    const next = missing()[0];
    if (next) firstField(next).focus();
  }

  function mark(faults) {
    let first = null;
    for (const fault of faults) {
      const path = fault.dataset.pointer.replace(/^#?\//, "").replace(/^results\/\d+\//, "");
      const place = form.querySelector(`[data-field="${CSS.escape(path)}"]`) || form.querySelector(`[data-field="${CSS.escape(path.split("/")[0])}"]`);
      if (!place) continue;
      place.setAttribute("aria-invalid", "true");
      const fold = place.closest("details");
      if (fold) fold.open = true;
      first = first || (place.matches("input, select, textarea") ? place : place.querySelector("input, select, textarea"));
    }
    first?.focus();
  }

  document.addEventListener("keydown", answer);
  for (const kind of ["input", "change"]) form.addEventListener(kind, count);
  document.addEventListener("huifang:escape", (event) => {
    const open = foot().querySelector(".panel:not([hidden])");
    if (open) open.hidden = true;
    else if (form.contains(document.activeElement) && document.activeElement.closest("[data-question]")) document.activeElement.blur();
    else if (form.dataset.mode === "reached") reached(false);
    else return;
    event.preventDefault();
  });
  form.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opens = event.target.closest("[data-panel]");
    if (opens) panel(opens.dataset.panel);
    if (event.target.closest("[data-reached]")) reached(form.dataset.mode !== "reached");
  });
  form.addEventListener("toggle", (event) => {
    if (event.target instanceof HTMLDetailsElement && event.target.open && document.activeElement === event.target.firstElementChild) {
      event.target.querySelector("input, select")?.focus();
    }
  }, true);
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== form) return;
    for (const each of form.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
    const open = missing();
    if (event.detail.requestConfig.parameters.outcome === "reached" && concluded() && open.length) {
      event.preventDefault();
      complain(open);
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "errors") mark([...event.detail.target.querySelectorAll("[data-pointer]")]);
    const dialled = document.querySelector("[data-started-at]")?.dataset.startedAt;
    if (dialled && !form.elements.namedItem("started_at").value) form.elements.namedItem("started_at").value = dialled;
  });
  document.addEventListener("huifang:saved", (event) => {
    form.dataset.mode = "";
    document.dispatchEvent(new CustomEvent("huifang:toast", { detail: { words: event.detail.words, later: event.detail.go } }));
    if (event.detail.go) location.assign(form.dataset.next);
  });
  if (form.dataset.restoredMode === "reached") reached(true);
})();
