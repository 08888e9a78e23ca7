// Draws the lanes that are wanted into the canvas, and remembers what lies where.

const LEFT = 150, TOP = 26, GAP = 8;

function paint(stage, view, lanes) {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue("--" + name).trim();
  const width = stage.clientWidth, dots = window.devicePixelRatio || 1;
  let y = TOP, group = null;
  const shown = lanes.filter((lane) => !view.hidden.has(lane.group));
  for (const lane of shown) {
    if (group !== null && lane.group !== group) y += GAP;
    if (lane.group === "clients") y += 3;
    group = lane.group;
    lane.y = y;
    lane.height = lane.rows * lane.rowHeight + 2;
    y += lane.height;
  }
  const height = y + 10;
  stage.style.height = height + "px";
  stage.width = width * dots;
  stage.height = height * dots;
  const pen = stage.getContext("2d");
  pen.scale(dots, dots);
  pen.fillStyle = color("back");
  pen.fillRect(0, 0, width, height);
  const wide = Math.max(1, width - LEFT - 12);
  const x = (t) => LEFT + (t - view.from) / (view.to - view.from) * wide;
  view.time = (px) => view.from + (px - LEFT) / wide * (view.to - view.from);

  axis(pen, view, x, width, height, color);
  for (const lane of shown) background(pen, lane, x, width, view, color);
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, wide + 12, height);
  pen.clip();
  const hits = [];
  for (const lane of shown) drawSpans(pen, lane, x, width, view, color, hits);
  for (const lane of shown) if (lane.points && view.kinds.has("watermarks")) watermark(pen, lane, x, width, view, color);
  labels(pen, hits, color);
  moments(pen, view, x, height, color);
  pen.restore();
  for (const lane of shown) {
    pen.fillStyle = lane.hot ? color("hot") : lane.head || lane.group === "faults" ? color("ink") : color("soft");
    pen.font = (lane.head || lane.hot ? "600 " : "") + "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.fillText(lane.name, lane.head || lane.group === "faults" ? 16 : 30, lane.y + Math.min(lane.height, 18) / 2, LEFT - 34);
  }
  view.hits = hits;
  view.shown = shown;
}

function axis(pen, view, x, width, height, color) {
  const rough = (view.to - view.from) / Math.max(2, (width - LEFT) / 110);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
    pen.fillStyle = color("line");
    pen.fillRect(Math.round(x(t)), TOP - 6, 1, height);
    pen.fillStyle = color("soft");
    const digits = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(step))));
    pen.fillText((t / SECOND).toFixed(digits) + " s", x(t) + 3, 12);
  }
}

// The lane's ground, and the faults that struck its node as bands.
function background(pen, lane, x, width, view, color) {
  pen.fillStyle = color("lane");
  pen.fillRect(LEFT, lane.y, width - LEFT - 12, lane.height - 2);
  if (!lane.bands || !view.kinds.has("faults")) return;
  pen.fillStyle = color("fault");
  for (const band of lane.bands) {
    const from = Math.max(LEFT, x(band.at)), to = Math.min(width - 12, Math.max(x(band.until), x(band.at) + 2));
    if (to <= LEFT || from >= width) continue;
    pen.globalAlpha = 0.28;
    pen.fillRect(from, lane.y - 1, to - from, lane.height + 1);
    pen.globalAlpha = 1;
  }
}

const LOOKS = {
  leads: "leads", follows: "follows", opens: "opens", offline: "offline",
  "life-down": "down", "life-boots": "opens", "life-serves": "ok", "life-paused": "info",
  "quorum-leader": "leader", "quorum-follower": "follower", "quorum-candidate": "candidate", "quorum-prospective": "candidate",
  "op-ok": "ok", "op-fail": "fail", "op-info": "info", "op-open": "open", fault: "fault",
};
const STRONG = new Set(["leads", "leader", "offline", "fault", "candidate", "ok"]);

function drawSpans(pen, lane, x, width, view, color, hits) {
  for (const one of lane.spans) {
    if (one.to < view.from || one.from > view.to || !view.kinds.has(one.kind)) continue;
    const from = Math.max(LEFT - 2, x(one.from)), to = Math.min(width, Math.max(x(one.to), x(one.from) + 1.5));
    const top = lane.y + (one.row || 0) * lane.rowHeight, tall = lane.rowHeight - (one.kind === "ops" ? 2 : 1);
    const wanted = !view.filter || one.words.includes(view.filter);
    const look = LOOKS[one.look] || "other";
    pen.globalAlpha = wanted ? (lane.bands ? 0.86 : 1) : 0.12;
    pen.fillStyle = one.hot ? color("hot") : color(look);
    pen.fillRect(from, top, Math.max(1, to - from - (one.kind === "ops" ? 0 : 0.7)), tall);
    if (one.hot && wanted) {
      pen.strokeStyle = color("hot");
      pen.lineWidth = 2;
      pen.strokeRect(from - 2, top - 2, Math.max(4, to - from + 4), tall + 4);
    }
    pen.globalAlpha = 1;
    if (wanted) hits.push({ from: from - 1, to: Math.max(to, from + 4), top, bottom: top + lane.rowHeight, span: one, lane, look });
  }
}

// What spans that are wide enough say, over all lines.
function labels(pen, hits, color) {
  pen.font = "10px system-ui, sans-serif";
  for (const { from, to, top, bottom, span: one, look } of hits) {
    if (to - from < 34 || !one.label || one.kind === "ops") continue;
    pen.fillStyle = STRONG.has(look) ? color("onlead") : color("ink");
    pen.save();
    pen.beginPath();
    pen.rect(from, top, to - from - 2, bottom - top);
    pen.clip();
    pen.fillText(one.label, Math.max(from, LEFT) + 4, (top + bottom) / 2);
    pen.restore();
  }
}

// A replica's watermark as a line that climbs through its row; the end of its log, faint, above it.
function watermark(pen, lane, x, width, view, color) {
  const bottom = lane.y + lane.rowHeight - 2, tall = lane.rowHeight - 4;
  const height = (offset) => bottom - Math.max(0, offset) / lane.top * tall;
  pen.save();
  pen.beginPath();
  for (const one of lane.spans) {
    if (one.to > view.from && one.from < view.to) pen.rect(x(one.from), lane.y, x(one.to) - x(one.from), lane.height);
  }
  pen.clip();
  pen.globalAlpha = 0.75;
  for (const [place, look, thick] of [[4, "end", 1], [2, "mark", 1.4]]) {
    pen.strokeStyle = color(look);
    pen.lineWidth = thick;
    pen.beginPath();
    let last = null;
    for (const point of lane.points) {
      if (point[0] > view.to) break;
      const at = Math.max(LEFT - 5, x(point[0]));
      if (last === null) pen.moveTo(at, height(point[place]));
      else { pen.lineTo(at, height(last)); pen.lineTo(at, height(point[place])); }
      last = point[place];
    }
    if (last !== null) pen.lineTo(Math.min(width, x(run.end)), height(last));
    pen.stroke();
  }
  pen.restore();
}

// Phases, the failure, and where the reader is.
function moments(pen, view, x, height, color) {
  const line = (t, look, text, dash) => {
    if (t < view.from || t > view.to) return;
    pen.strokeStyle = pen.fillStyle = color(look);
    pen.lineWidth = look === "hot" ? 2 : 1;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(x(t), TOP - 8);
    pen.lineTo(x(t), height);
    pen.stroke();
    pen.setLineDash([]);
    pen.font = "600 11px system-ui, sans-serif";
    pen.textAlign = view.to - t < (view.to - view.from) / 5 ? "right" : "left";
    pen.fillText(text, x(t) + (pen.textAlign === "right" ? -4 : 4), TOP - 3);
    pen.textAlign = "left";
  };
  line(run.phases.safety_us, "soft", "healed", [4, 3]);
  line(run.phases.quiet_us, "soft", "quiet", [4, 3]);
  if (run.failure) line(run.failure.at, "hot", run.failure.property, []);
  if (view.cursor !== null) line(view.cursor, "ink", "", [1, 2]);
}
