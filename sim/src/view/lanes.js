// The lanes of the page, from top to bottom, and what lies in each: spans in time with a look, a text and words to filter by.

const run = JSON.parse(document.getElementById("run").textContent);
const SECOND = 1e6;
const seconds = (t) => (t / SECOND).toFixed(6).replace(/(\.\d{3})(\d{3})$/, "$1 $2") + " s";

// How high rows are, in pixels.
const ROW = { head: 16, part: 15, op: 9, fault: 12 };

// What a span says of itself; `hot`: it is part of what failed.
function span(from, to, look, label, text, more = {}) {
  return { from, to, look, label, text, words: text.toLowerCase(), ...more };
}

// A list of shots (each holds until the next) as spans.
function spans(shots, make) {
  return shots.map((shot, place) => make(shot, shot.t, place + 1 < shots.length ? shots[place + 1].t : run.end)).filter(Boolean);
}

// Puts spans that overlap into rows below each other.
function stack(all, rows) {
  const ends = [];
  for (const one of all) {
    let row = ends.findIndex((end) => end <= one.from);
    if (row < 0) row = ends.length < rows ? ends.length : ends.indexOf(Math.min(...ends));
    ends[row] = Math.max(one.to, one.from);
    one.row = row;
  }
  return Math.max(1, ends.length);
}

const failedIn = (folder) => !!run.failure && run.failure.what.split(/[^\w.-]+/).includes(folder);

function faultLane() {
  const all = run.faults.map((fault) => {
    const whom = fault.nodes.length ? "nodes " + fault.nodes.join(", ") : "nobody there";
    return span(fault.at, Math.max(fault.until, fault.at), "fault", fault.kind + " " + fault.nodes.join(","),
      `${fault.kind}: ${whom}\n${seconds(fault.at)} to ${seconds(fault.until)}\n${fault.text}`, { kind: "faults" });
  });
  const rows = stack(all, 4);
  return { name: "faults", group: "faults", rows, rowHeight: ROW.fault, spans: all };
}

function nodeLanes(reel, number) {
  const group = "node " + number;
  const bands = run.faults.filter((fault) => fault.nodes.includes(number));
  const lanes = [];
  lanes.push({
    name: group, group, head: true, rows: 1, rowHeight: ROW.head, bands,
    spans: spans(reel.life, (shot, from, to) =>
      span(from, to, "life-" + shot.life, { down: "down", boots: "boots", serves: "", paused: "stands still" }[shot.life],
        `${group}: ${shot.life}\n${seconds(from)} to ${seconds(to)}`, { kind: "roles" })),
  });
  lanes.push({
    name: "quorum", group, rows: 1, rowHeight: ROW.part, bands,
    spans: spans(reel.quorum, (shot, from, to) => shot.role &&
      span(from, to, "quorum-" + shot.role.replace("-voted", ""), `${shot.role} ${shot.epoch}`,
        `${group} in the quorum: ${shot.role} in epoch ${shot.epoch}\n${seconds(from)} to ${seconds(to)}`, { kind: "roles" })),
  });
  for (const folder of Object.keys(reel.parts).sort()) {
    const hot = failedIn(folder);
    const points = reel.reach[folder] || [];
    lanes.push({
      name: folder, group, rows: 1, rowHeight: ROW.part, bands, hot, points,
      top: Math.max(1, ...points.map((point) => point[4])),
      spans: spans(reel.parts[folder], (shot, from, to) => shot.role &&
        span(from, to, shot.role, `${shot.role === "leads" ? "leads " : ""}${shot.epoch >= 0 ? "e" + shot.epoch : ""}`,
          `${group} ${shot.role} ${folder} in epoch ${shot.epoch}` +
          (shot.isr.length ? `, in sync ${shot.isr.join(" ")}` : "") + `\n${seconds(from)} to ${seconds(to)}`,
          { kind: "roles", folder, node: number })),
    });
  }
  return lanes;
}

function clientLane(client) {
  const all = run.ops.filter((op) => op.client === client.number).map((op) => {
    const to = op.to === null ? run.end : op.to;
    const text = `${client.label}, op ${op.op}: ${op.state}\n${op.text}` + (op.told ? `\n→ ${op.told}` : "") +
      `\n${seconds(op.from)} to ${op.to === null ? "the end: no answer" : seconds(op.to)}`;
    return span(op.from, to, "op-" + op.state, op.kind, text, { kind: "ops", hot: op.hot });
  });
  const rows = stack(all, 5);
  return { name: client.label, group: "clients", head: true, rows, rowHeight: ROW.op, spans: all };
}

// Every lane with its place from the top.
function makeLanes() {
  const lanes = [faultLane()];
  run.reels.forEach((reel, place) => lanes.push(...nodeLanes(reel, place + 1)));
  lanes.push(...run.clients.map(clientLane));
  return lanes;
}

// The watermark and end of a replica at a moment.
function reachAt(points, t) {
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= t) low = middle + 1; else high = middle;
  }
  return low ? points[low - 1] : null;
}
