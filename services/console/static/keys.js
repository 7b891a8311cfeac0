// Keys of every page. A key is an attribute: data-key="2" on a button is pressed by 2; the list of keys (?) is read off the page.
// Ignored: what is typed into a field (but Esc and Ctrl+Enter), and everything an input method composes.
(() => {
  "use strict";
  const PLAIN = /^(radio|checkbox|button|submit|reset|file|range)$/;
  const CODES = { Slash: "/", Enter: "Enter", NumpadEnter: "Enter", Escape: "Escape", Space: "Space", ArrowDown: "J", ArrowUp: "K" };
  const STORE = "huifang:keys";
  let going = 0;

  const isField = (element) =>
    element instanceof HTMLElement &&
    (element.isContentEditable || /^(TEXTAREA|SELECT)$/.test(element.tagName) || (element.tagName === "INPUT" && !PLAIN.test(element.type)));
  const isControl = (element) => element instanceof HTMLElement && /^(A|BUTTON|SUMMARY)$/.test(element.tagName);
  const visible = (element) => element.offsetParent !== null || element.getClientRects().length > 0;
  const off = () => localStorage.getItem(STORE) === "off";

  // By position on the keyboard, so that an input method left on does not matter.
  function nameOf(event) {
    if (event.code === "Slash" && event.shiftKey) return "?";
    if (/^(Digit|Numpad)\d$/.test(event.code)) return event.code.slice(-1);
    if (/^Key[A-Z]$/.test(event.code)) return event.code.slice(3);
    return CODES[event.code] || CODES[event.key] || "";
  }

  function press(name) {
    const found = [...document.querySelectorAll(`[data-key="${name}"]`)].find((element) => visible(element) && !element.disabled);
    if (!found) return false;
    if (isField(found)) found.focus();
    else found.click();
    return true;
  }

  const rows = () => [...document.querySelectorAll("[data-row]")].filter(visible);
  const rowOf = (element) => (element instanceof HTMLElement ? element.closest("[data-row]") : null);

  function step(by) {
    const all = rows();
    if (!all.length) return false;
    const here = all.indexOf(rowOf(document.activeElement));
    const to = all[Math.min(all.length - 1, Math.max(0, here < 0 ? 0 : here + by))];
    for (const row of all) row.tabIndex = row === to ? 0 : -1;
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
    return true;
  }

  function inRow(name) {
    const row = rowOf(document.activeElement) || (name === "W" ? null : undefined);
    if (!row) return false;
    const button = row.querySelector(`[data-row-key="${name}"]`);
    if (button) button.click();
    return Boolean(button);
  }

  function open() {
    const row = rowOf(document.activeElement);
    if (row && row.dataset.href) location.assign(row.dataset.href);
    else return press("Enter") || clickOn("[data-start]");
    return true;
  }

  function clickOn(selector) {
    const element = document.querySelector(selector);
    if (element) element.click();
    return Boolean(element);
  }

  function escape() {
    const drawer = document.getElementById("drawer");
    if (drawer && drawer.children.length) return clickOn("#drawer [data-close]");
    if (isField(document.activeElement)) {
      document.activeElement.blur();
      return true;
    }
    const handled = !document.dispatchEvent(new CustomEvent("huifang:escape", { cancelable: true }));
    return handled || press("Escape");
  }

  function go(name) {
    const link = document.querySelector(`[data-go="${name}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  function list() {
    const dialog = document.getElementById("keys-list");
    if (!dialog) return false;
    const terms = dialog.querySelector("dl");
    terms.replaceChildren();
    const add = (key, text) => {
      const term = document.createElement("dt");
      const words = document.createElement("dd");
      term.textContent = key;
      words.textContent = text;
      terms.append(term, words);
    };
    for (const element of document.querySelectorAll("[data-key]")) {
      if (visible(element)) add(element.dataset.key, (element.getAttribute("aria-label") || element.textContent).replace(/\s+/g, " ").trim());
    }
    for (const link of document.querySelectorAll("[data-go]")) add(`G ${link.dataset.go}`, link.textContent.replace(/\s+/g, " ").trim());
    dialog.showModal();
    return true;
  }

  function bare(name) {
    if (going > Date.now()) {
      going = 0;
      if (go(name)) return true;
    }
    if (name === "G") {
      going = Date.now() + 1500;
      return true;
    }
    if (name === "J") return step(1);
    if (name === "K") return step(-1);
    if (name === "?") return list();
    if (name === "Enter") return !isControl(document.activeElement) && open();
    return inRow(name) || press(name);
  }

  function handle(event) {
    if (event.defaultPrevented || event.isComposing || (isField(event.target) && event.keyCode === 229)) return;
    const name = nameOf(event);
    let done = false;
    if ((event.ctrlKey || event.metaKey) && (name === "Enter" || name === "S")) done = press("Ctrl+Enter") || name === "S";
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (name === "Escape") done = document.querySelector("dialog[open]") ? false : escape();
    else if (isField(event.target) || off() || document.querySelector("dialog[open]")) return;
    else if (name && (!event.repeat || name === "J" || name === "K")) done = bare(name);
    if (done) event.preventDefault();
  }

  document.addEventListener("keydown", handle);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-keys-list]")) list();
  });
  const choice = document.getElementById("keys-on");
  if (choice) {
    choice.checked = !off();
    choice.addEventListener("change", () => localStorage.setItem(STORE, choice.checked ? "on" : "off"));
  }
})();
