// What the reader does: zoom, move, filter, point, and read the trace.

const $ = (id) => document.getElementById(id);
const stage = $("stage"), tip = $("tip");
const lanes = makeLanes();
const KINDS = ["faults", "roles", "watermarks", "ops"];
const view = {
  from: 0, to: run.end, hidden: new Set(), kinds: new Set(KINDS), filter: "", cursor: run.failure ? run.failure.at : null, hits: [],
};

// The trace, each line with its moment.
const trace = run.lines.map((text) => {
  const split = text.match(/^\s*(\d+)\.(\d{6})s (.*)$/s);
  return split ? { t: split[1] * SECOND + +split[2], text: split[3], words: text.toLowerCase() } : { t: 0, text, words: text.toLowerCase() };
});
const TRACE_SHOWN = 400;

let wanted = false;
function redraw() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => {
    wanted = false;
    paint(stage, view, lanes);
    $("window").textContent = `${seconds(view.from)} to ${seconds(view.to)}` + (view.cursor === null ? "" : `, at ${seconds(view.cursor)}`);
  });
}

// The lines around the cursor that the filter lets through.
function showTrace() {
  const all = view.filter ? trace.filter((line) => line.words.includes(view.filter)) : trace;
  const at = view.cursor === null ? run.end : view.cursor;
  let place = all.findIndex((line) => line.t > at);
  if (place < 0) place = all.length;
  const first = Math.max(0, Math.min(place - TRACE_SHOWN * 3 / 4, all.length - TRACE_SHOWN));
  const list = $("trace");
  list.replaceChildren();
  all.slice(first, first + TRACE_SHOWN).forEach((line, turn) => {
    const item = document.createElement("li"), time = document.createElement("b");
    time.textContent = seconds(line.t) + "  ";
    item.append(time, line.text);
    if (line.text.startsWith("fault")) item.classList.add("fault");
    if (first + turn === place - 1) item.classList.add("at");
    item.onclick = () => { view.cursor = line.t; redraw(); };
    list.append(item);
  });
  if (!all.length) list.textContent = "no line has that";
  const here = list.querySelector(".at");
  if (here) list.scrollTop = here.offsetTop - list.offsetTop - list.clientHeight / 2;
}

function zoom(times, around) {
  const least = 50;
  const size = Math.min(run.end, Math.max(least, (view.to - view.from) * times));
  const share = (around - view.from) / (view.to - view.from);
  move(around - size * share, size);
}

function move(from, size = view.to - view.from) {
  view.from = Math.max(0, Math.min(from, run.end - size));
  view.to = view.from + size;
  redraw();
}

const middle = () => view.cursor !== null && view.cursor > view.from && view.cursor < view.to ? view.cursor : (view.from + view.to) / 2;
const whole = () => move(0, run.end);
function toFailure() {
  if (!run.failure) return;
  const hot = run.ops.filter((op) => op.hot);
  const moments = [run.failure.at, ...hot.flatMap((op) => [op.from, op.to === null ? op.from : op.to])];
  const from = Math.min(...moments), to = Math.max(...moments), edge = Math.max(SECOND / 4, (to - from) / 8);
  move(from - edge, Math.min(run.end, to - from + 2 * edge));
  view.cursor = run.failure.at;
  showTrace();
}

stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (sideways) move(view.from + (event.deltaX || event.deltaY) / stage.clientWidth * (view.to - view.from));
  else zoom(Math.exp(event.deltaY / 400), view.time(event.offsetX));
}, { passive: false });

let held = null;
stage.addEventListener("pointerdown", (event) => {
  held = { x: event.offsetX, from: view.from, moved: false };
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  if (held) {
    const by = (event.offsetX - held.x) / (stage.clientWidth - LEFT) * (view.to - view.from);
    held.moved ||= Math.abs(event.offsetX - held.x) > 3;
    if (held.moved) { stage.classList.add("moving"); move(held.from - by); }
  }
  point(event);
});
stage.addEventListener("pointerup", (event) => {
  if (held && !held.moved) { view.cursor = view.time(event.offsetX); redraw(); showTrace(); }
  held = null;
  stage.classList.remove("moving");
});
stage.addEventListener("pointerleave", () => { tip.hidden = true; });
stage.addEventListener("dblclick", (event) => zoom(0.25, view.time(event.offsetX)));

function point(event) {
  const { offsetX: px, offsetY: py } = event;
  const found = view.hits.findLast((hit) => px >= hit.from && px <= hit.to && py >= hit.top && py <= hit.bottom);
  tip.hidden = !found;
  if (!found) return;
  let text = found.span.text;
  if (found.lane.points) {
    const reach = reachAt(found.lane.points, view.time(px));
    if (reach) text += `\nat ${seconds(view.time(px))}: start ${reach[1]}, watermark ${reach[2]}, synced ${reach[3]}, end ${reach[4]}`;
  }
  tip.textContent = text.length > 900 ? text.slice(0, 900) + " …" : text;
  tip.style.left = Math.min(px + 14, stage.clientWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = py + 16 + "px";
}

function boxes(place, names, change) {
  for (const name of names) {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.onchange = () => { change(name, box.checked); redraw(); };
    label.append(box, name);
    place.append(label);
  }
}
const put = (set, name, on) => on ? set.add(name) : set.delete(name);

function start() {
  $("title").textContent = `seed ${run.seed}` + (run.mutant ? `, with the planted bug ${run.mutant}` : "") +
    `: ${run.events} events, ${seconds(run.end)}, trace hash ${run.hash}`;
  const verdict = $("verdict");
  verdict.textContent = run.failure
    ? `${run.failure.kind}: ${run.failure.property} at ${seconds(run.failure.at)}: ${run.failure.what}` : "nothing was found wrong";
  verdict.classList.toggle("bad", !!run.failure);
  document.title = `Esker: seed ${run.seed}`;
  boxes($("kinds"), KINDS, (name, on) => put(view.kinds, name, on));
  boxes($("who"), [...new Set(lanes.map((lane) => lane.group))].filter((name) => name !== "faults"), (name, on) => put(view.hidden, name, !on));
  const legend = [["leads", "leads"], ["follows", "follows"], ["offline", "offline"], ["down", "process down"], ["leader", "leads the quorum"],
    ["candidate", "wants to"], ["ok", "ok"], ["fail", "failed"], ["info", "unknown, or stands still"], ["open", "no answer"], ["fault", "fault"],
    ["hot", "part of what failed"], ["mark", "watermark"], ["end", "log end"]];
  for (const [look, text] of legend) {
    const item = document.createElement("span"), patch = document.createElement("i");
    patch.style.background = `var(--${look})`;
    item.append(patch, text);
    $("legend").append(item);
  }
  $("filter").oninput = (event) => { view.filter = event.target.value.trim().toLowerCase(); redraw(); showTrace(); };
  $("failure").onclick = toFailure;
  $("failure").hidden = !run.failure;
  $("whole").onclick = whole;
  $("in").onclick = () => zoom(0.5, middle());
  $("out").onclick = () => zoom(2, middle());
  $("theme").onclick = () => { document.documentElement.classList.toggle("dark"); redraw(); };
  if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.classList.add("dark");
  addEventListener("resize", redraw);
  addEventListener("keydown", (event) => {
    if (event.target.id === "filter") return;
    const keys = { f: toFailure, 0: whole, "+": () => zoom(0.5, middle()), "-": () => zoom(2, middle()),
      ArrowLeft: () => move(view.from - (view.to - view.from) / 8), ArrowRight: () => move(view.from + (view.to - view.from) / 8) };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  redraw();
  showTrace();
  // A link may say where to look: #failure, #dark, #failure,dark.
  const words = location.hash.slice(1).split(",");
  if (words.includes("dark")) document.documentElement.classList.add("dark");
  if (words.includes("failure")) toFailure();
}
start();
