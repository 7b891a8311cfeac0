// What every page does: the drawer, the toast, the banner when nobody answers, numbers that hide themselves, uploads.
(() => {
  "use strict";
  const TOAST = "huifang:toast";
  let opener = null;

  function toast(words) {
    const place = document.getElementById("toast");
    if (!place || !words) return;
    place.textContent = words;
    place.classList.add("shown");
    setTimeout(() => place.classList.remove("shown"), 4000);
  }

  function closeDrawer() {
    const drawer = document.getElementById("drawer");
    if (drawer) drawer.replaceChildren();
    if (opener && opener.isConnected) (opener.closest("[data-row]") || opener).focus();
    opener = null;
  }

  function banner(words) {
    const place = document.getElementById("banner");
    if (!place) return;
    const line = document.createElement("p");
    line.className = "banner";
    line.textContent = words;
    place.replaceChildren(line);
  }

  // A number that was shown is taken out of the page again.
  function hideLater(slot, masked) {
    const mark = slot.querySelector("[data-ttl]");
    if (!mark) return;
    const hide = () => {
      clearTimeout(timer);
      window.removeEventListener("pagehide", hide);
      if (!mark.isConnected) return;
      slot.replaceChildren(...masked);
    };
    const timer = setTimeout(hide, Number(mark.dataset.ttl) * 1000);
    window.addEventListener("pagehide", hide);
    const dial = slot.querySelector("[data-dial]");
    if (dial) dial.click();
  }

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-close]")) closeDrawer();
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input")) location.assign(row.dataset.href);
    for (const open of document.querySelectorAll("header.top details[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target && event.detail.target.id === "drawer") opener = event.detail.elt;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "number-slot" && !event.detail.isError) {
      event.detail.target.huifangMasked = [...event.detail.target.childNodes];
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "number-slot") hideLater(target, target.huifangMasked || []);
    if (target.id === "drawer") target.querySelector("[autofocus]")?.focus();
  });
  document.addEventListener("htmx:sendError", () => banner(document.documentElement.lang === "en" ? "No connection. What you typed is kept here; try again." : "网络不通，内容已存在本机，请稍后重试。"));
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) document.getElementById("banner")?.replaceChildren();
  });
  document.addEventListener("huifang:toast", (event) => {
    if (event.detail.later) sessionStorage.setItem(TOAST, event.detail.words);
    else toast(event.detail.words);
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = document.getElementById("upload-progress");
    if (!bar || !event.detail.lengthComputable || !(event.target instanceof HTMLFormElement)) return;
    bar.hidden = event.detail.loaded >= event.detail.total;
    bar.value = (100 * event.detail.loaded) / event.detail.total;
  });
  // One key for one choice of file: sending the same again is the same request, choosing anew is another.
  const form = document.querySelector("form[data-upload]");
  form?.addEventListener("change", () => {
    form.elements.namedItem("idempotency_key").value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
  });
  document.getElementById("password")?.addEventListener("keyup", (event) => {
    const caps = document.getElementById("caps");
    if (caps && event.getModifierState) caps.hidden = !event.getModifierState("CapsLock");
  });

  const kept = sessionStorage.getItem(TOAST);
  sessionStorage.removeItem(TOAST);
  toast(kept);
})();
