// "Next" is the order of the worklist when it was opened, kept for this tab: Today writes it, Call walks along it.
(() => {
  "use strict";
  const QUEUE = "huifang:queue";
  const table = document.querySelector("[data-queue]");

  function write() {
    const calls = [...table.querySelectorAll("tr[data-visits]")].filter((row) => !("blocked" in row.dataset));
    const queue = calls.map((row) => ({ visits: row.dataset.visits.split(" "), name: row.querySelector(".c-who b").textContent }));
    sessionStorage.setItem(QUEUE, JSON.stringify(queue));
    const first = calls[0] || table.querySelector("tr[data-row]");
    const start = document.querySelector("[data-start]");
    if (start && first) start.href = first.dataset.href;
    if (first && document.activeElement === document.body) {
      first.tabIndex = 0;
      first.focus({ preventScroll: true });
    }
  }

  function walk(form) {
    const queue = JSON.parse(sessionStorage.getItem(QUEUE) || "[]");
    const here = queue.findIndex((call) => call.visits.includes(form.dataset.visit));
    if (here < 0) return;
    const next = queue[here + 1];
    form.dataset.next = next ? `/visits/${next.visits[0]}` : "/today";
    document.querySelector("[data-position]").textContent = `${here + 1}/${queue.length}`;
    const name = document.querySelector("[data-next-name]");
    if (name && next) name.textContent = next.name;
    else if (name) name.textContent = document.documentElement.lang === "en" ? "Today" : "今日回访";
  }

  function link(form) {
    for (const each of document.querySelectorAll("[data-next]:not(form)")) each.href = form.dataset.next;
  }

  if (table) write();
  const form = document.querySelector("form[data-visit]");
  if (!form) return;
  walk(form);
  link(form);
  document.addEventListener("htmx:afterSwap", () => link(form));
})();
