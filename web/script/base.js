// On every page: copying identifiers, choosing light or dark, the place in the menu, and the key "/" for the search.
"use strict";

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  try {
    await navigator.clipboard.writeText(copy.dataset.copy);
    say("Copied");
    copy.classList.add("done");
    setTimeout(() => copy.classList.remove("done"), 1500);
  } catch {
    say("Copying isn't allowed here; select the text instead");
  }
});

// say tells something to those who listen to the page.
function say(text) {
  const status = document.getElementById("say");
  if (status) status.textContent = text;
}

const toggle = document.getElementById("theme");
if (toggle) {
  toggle.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* for this page, then */ }
    say(dark ? "Light colours" : "Dark colours");
  });
}

// On a phone the menu is wider than the page: what is current is scrolled into its middle.
const current = document.querySelector(".menu [aria-current]");
if (current) {
  const list = current.closest("ul"), at = current.getBoundingClientRect(), around = list.getBoundingClientRect();
  list.scrollLeft += at.left + at.width / 2 - around.left - around.width / 2;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("main input[type=search]") || document.querySelector("input[type=search]");
  if (search) { event.preventDefault(); search.focus(); search.select(); }
});
