// The picture of a lineage: zoom, move, keyboard, lit paths, and folds that open in place. Everything else works without.
"use strict";
(() => {
  const least = 0.25, greatest = 2.5, readable = 0.55, whole = 0.48; // a picture may be this small if then all of it is to be seen
  let stage, svg, gutter, scale = 1;
  let own = false; // whether the reader has chosen a scale
  let nodes = new Map(); // number -> {element, x, y, out: [], in: []}
  let lines = [];

  // setUp reads what the page has.
  function setUp() {
    stage = document.getElementById("stage");
    if (!stage) return;
    svg = stage.querySelector("svg.picture");
    gutter = stage.querySelector("svg.gutter");
    nodes = new Map();
    for (const element of svg.querySelectorAll(".n")) {
      const at = element.transform.baseVal.consolidate().matrix;
      nodes.set(element.id.slice(1), { element, x: at.e, y: at.f, out: [], in: [] });
      if (element.hasAttribute("href")) element.setAttribute("tabindex", element.classList.contains("start") ? "0" : "-1");
    }
    lines = [...svg.querySelectorAll("path[data-e]")].map((element) => {
      const [from, to] = element.dataset.e.split("-");
      nodes.get(from).out.push(to);
      nodes.get(to).in.push(from);
      return { element, from, to };
    });
    stage.addEventListener("wheel", onWheel, { passive: false });
    stage.addEventListener("pointerdown", onDown);
    stage.addEventListener("pointermove", onMove);
    stage.addEventListener("pointerup", onUp);
    stage.addEventListener("pointercancel", onUp);
    stage.addEventListener("click", onClick, true);
    stage.addEventListener("keydown", onKey);
    svg.addEventListener("pointerover", (e) => light(e.target.closest(".n")));
    svg.addEventListener("pointerleave", () => light(document.activeElement.closest?.(".n")));
    svg.addEventListener("focusin", (e) => { const n = e.target.closest(".n"); light(n); if (n?.matches(":focus-visible")) show(n); });
    svg.addEventListener("focusout", () => light(null));
    svg.addEventListener("dragstart", (e) => e.preventDefault());
  }

  const width = () => svg.viewBox.baseVal.width;
  const height = () => svg.viewBox.baseVal.height;

  // zoom sets the scale; what is at x, y of the stage stays where it is.
  function zoom(to, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    to = Math.min(greatest, Math.max(least, to));
    const side = gutter ? gutter.clientWidth : 0;
    const left = (stage.scrollLeft + x - side) / scale, top = (stage.scrollTop + y) / scale;
    scale = to;
    svg.setAttribute("width", Math.ceil(width() * scale));
    svg.setAttribute("height", Math.ceil(height() * scale));
    if (gutter) {
      gutter.setAttribute("height", Math.ceil(height() * scale));
      gutter.setAttribute("viewBox", `0 0 ${gutter.clientWidth} ${height() * scale}`);
      for (const lane of gutter.querySelectorAll("rect")) {
        lane.dataset.y ??= lane.getAttribute("y");
        lane.dataset.height ??= lane.getAttribute("height");
        lane.setAttribute("y", lane.dataset.y * scale);
        lane.setAttribute("height", lane.dataset.height * scale);
        const middle = (Number(lane.dataset.y) + lane.dataset.height / 2) * scale;
        const text = lane.nextElementSibling;
        text.setAttribute("transform", `translate(18 ${middle}) rotate(-90)`);
      }
    }
    stage.scrollLeft = left * scale - x + side;
    stage.scrollTop = top * scale - y;
  }

  // fit shows all of the picture, or as much as can be read of it.
  function fit(lowest) {
    const room = Math.min((stage.clientWidth - (gutter ? gutter.clientWidth : 0)) / width(), stage.clientHeight / height());
    own = false;
    zoom(Math.max(lowest === readable && room >= whole ? whole : lowest, Math.min(1, room)));
  }

  // closer zooms as the reader asked.
  function closer(to, x, y) {
    own = true;
    zoom(to, x, y);
  }

  // toStart brings the node that was asked about into view.
  function toStart() {
    const start = svg.querySelector(".start");
    if (!start) return;
    const at = nodes.get(start.id.slice(1));
    stage.scrollLeft = (at.x + 88) * scale - stage.clientWidth / 2 + 14;
    stage.scrollTop = (at.y + 22) * scale - stage.clientHeight / 2;
  }

  // show scrolls the stage, and only that, until a node is to be seen.
  function show(element) {
    const at = nodes.get(element.id.slice(1)), side = gutter ? gutter.clientWidth : 0, edge = 24;
    const left = at.x * scale - edge, right = (at.x + 176) * scale + edge + side;
    const top = at.y * scale - edge, bottom = (at.y + 44) * scale + edge;
    if (left < stage.scrollLeft) stage.scrollLeft = left;
    else if (right > stage.scrollLeft + stage.clientWidth) stage.scrollLeft = right - stage.clientWidth;
    if (top < stage.scrollTop) stage.scrollTop = top;
    else if (bottom > stage.scrollTop + stage.clientHeight) stage.scrollTop = bottom - stage.clientHeight;
  }

  // reach is a node, and all that come before it or after it.
  function reach(number, way) {
    const found = new Set([number]);
    for (const n of found) for (const next of nodes.get(n)[way]) found.add(next);
    return found;
  }

  // light shows the paths through a node; of null, none.
  function light(element) {
    for (const lit of svg.querySelectorAll(".lit")) lit.classList.remove("lit");
    svg.classList.toggle("lighting", !!element);
    if (!element) return;
    const number = element.id.slice(1), causes = reach(number, "in"), effects = reach(number, "out");
    for (const n of [...causes, ...effects]) nodes.get(n).element.classList.add("lit");
    for (const { element: line, from, to } of lines) {
      if (causes.has(from) && causes.has(to) || effects.has(from) && effects.has(to)) line.classList.add("lit");
    }
  }

  function onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    closer(scale * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX - box.left, event.clientY - box.top);
  }

  // One mouse pointer drags, two fingers pinch; one finger scrolls as everywhere.
  const pointers = new Map();
  let dragged = false, pinch = 0;
  function onDown(event) {
    if (event.pointerType === "mouse" && (event.button !== 0 || event.offsetX > stage.clientWidth || event.offsetY > stage.clientHeight && event.target === stage)) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged = false;
    pinch = 0;
  }
  function onMove(event) {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (event.pointerType === "mouse" && pointers.size === 1) {
      if (!dragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      if (!dragged) { dragged = true; stage.setPointerCapture(event.pointerId); stage.classList.add("dragging"); }
      stage.scrollLeft -= now.x - before.x;
      stage.scrollTop -= now.y - before.y;
    }
    pointers.set(event.pointerId, now);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()], apart = Math.hypot(a.x - b.x, a.y - b.y), box = stage.getBoundingClientRect();
      if (pinch) closer(scale * apart / pinch, (a.x + b.x) / 2 - box.left, (a.y + b.y) / 2 - box.top);
      pinch = apart;
      dragged = true;
    }
  }
  function onUp(event) {
    pointers.delete(event.pointerId);
    pinch = 0;
    stage.classList.remove("dragging");
  }
  function onClick(event) {
    if (!dragged) return;
    dragged = false;
    event.preventDefault();
    event.stopPropagation();
  }

  // beside is the nearest node in one direction: to the sides along the lines, up and down within the column.
  function beside(number, key) {
    const here = nodes.get(number);
    const near = key === "ArrowLeft" || key === "ArrowRight" ? [...here.in, ...here.out] : [...nodes.keys()];
    const ahead = {
      ArrowLeft: (n) => n.x < here.x, ArrowRight: (n) => n.x > here.x,
      ArrowUp: (n) => n.x === here.x && n.y < here.y, ArrowDown: (n) => n.x === here.x && n.y > here.y,
    }[key];
    let best = null;
    for (const other of near.map((n) => nodes.get(n))) {
      if (!ahead(other)) continue;
      const far = Math.abs(other.x - here.x) + Math.abs(other.y - here.y);
      if (!best || far < best.far) best = { far, element: other.element };
    }
    return best?.element;
  }

  function go(element) {
    for (const n of svg.querySelectorAll(".n[tabindex='0']")) n.setAttribute("tabindex", "-1");
    element.setAttribute("tabindex", "0");
    element.focus({ preventScroll: true });
    show(element);
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.target.closest(".n");
    switch (event.key) {
      case "+": case "=": closer(scale * 1.25); break;
      case "-": case "_": closer(scale / 1.25); break;
      case "0": fit(least); break;
      case "Escape": stage.focus({ preventScroll: true }); light(null); fit(readable); toStart(); break;
      case "Enter": if (node || event.target !== stage) return; go(svg.querySelector(".start")); break;
      case "ArrowLeft": case "ArrowRight": case "ArrowUp": case "ArrowDown": {
        if (!node) return; // the stage scrolls
        const next = beside(node.id.slice(1), event.key);
        if (next) go(next);
        break;
      }
      default: return;
    }
    event.preventDefault();
  }

  // replace takes the view of another address of this page, without losing where one is.
  async function replace(path, focus) {
    const answer = await fetch(path, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const view = page.getElementById("view");
    if (!answer.ok || !view) throw new Error("no view");
    const left = stage.scrollLeft, top = stage.scrollTop, before = scale, known = new Set([...svg.querySelectorAll(".n title")].map((t) => t.textContent));
    document.getElementById("view").replaceWith(document.adoptNode(view));
    scale = 1;
    setUp();
    zoom(before);
    stage.scrollLeft = left;
    stage.scrollTop = top;
    const fresh = [...svg.querySelectorAll(".n")].find((n) => !known.has(n.querySelector("title").textContent));
    if (focus && fresh) go(fresh);
    const status = document.getElementById("say");
    if (status) status.textContent = document.querySelector("#view .view-head p")?.textContent ?? "";
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) {
      ({ in: () => closer(scale * 1.25), out: () => closer(scale / 1.25), fit: () => fit(least), start: () => { closer(1); toStart(); } })[button.dataset.zoom]();
      return;
    }
    const fold = event.target.closest("a.fold, a[data-inplace]");
    if (!fold || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const path = fold.getAttribute("href");
    stage.classList.add("loading");
    try {
      await replace(path, true);
      history.pushState(null, "", path);
    } catch {
      location.assign(path);
    }
  });
  addEventListener("popstate", () => replace(location.pathname + location.search, false).catch(() => location.reload()));

  addEventListener("resize", () => { if (stage && !own) { fit(readable); toStart(); } });

  setUp();
  if (stage) { fit(readable); toStart(); }
})();
