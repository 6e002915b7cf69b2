// Keeps the overview up to date: the gateway tells about each new block, and the part of the page that changes is fetched
// anew. Where the gateway can't tell, it is asked every so often.
"use strict";

const live = document.getElementById("live");
const again = 15000; // milliseconds
let source, timer, busy = false, missed = false;

async function refresh() {
  if (busy) { missed = true; return; }
  busy = true;
  try {
    const answer = await fetch("/live", { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { location.reload(); return; } // the session has ended
    if (answer.ok) show(await answer.text());
  } catch { /* the gateway is away; the next block or the next try tells */ }
  busy = false;
  if (missed) { missed = false; refresh(); }
}

// show puts the new text in the place of the old, marks what is new, and leaves the focus where it was.
function show(text) {
  const known = new Set([...live.querySelectorAll("[data-tx]")].map((e) => e.dataset.tx));
  const fresh = new DOMParser().parseFromString(text, "text/html").body;
  const focused = live.contains(document.activeElement) ? place(document.activeElement) : null;
  live.replaceChildren(...fresh.childNodes);
  if (known.size) for (const e of live.querySelectorAll("[data-tx]")) if (!known.has(e.dataset.tx)) e.classList.add("fresh");
  if (focused) live.querySelector(focused)?.focus({ preventScroll: true });
  if (live.querySelector(".loading")) later(1000);
}

function place(e) {
  return e.getAttribute("href") ? `a[href="${CSS.escape(e.getAttribute("href"))}"]` : null;
}

function later(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

function watch() {
  source = new EventSource("/activity?height=" + live.dataset.height);
  source.addEventListener("block", refresh);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) { later(again); setTimeout(watch, again); }
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); clearTimeout(timer); } else { watch(); refresh(); }
});
addEventListener("pagehide", () => source?.close());

watch();
if (live.querySelector(".loading")) later(700);
