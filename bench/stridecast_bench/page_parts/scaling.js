// Scaling: cells that differ in the number of threads only, each contender over its own time on
// one thread. Peers whose cell is noisy have a gap there.
const SCALE = at("scale-plot");

const scaleKey = (cell) =>
  JSON.stringify([cell.case, cell.family, cell.source, cell.destination, cell.level, cell.items, cell.read, cell.written]);

// Cases that were timed on one thread and on several, by number of threads.
const SCALED = [...Map.groupBy(CELLS.filter((cell) => cell.ours), scaleKey).values()]
  .map((cells) => cells.toSorted((a, b) => a.threads - b.threads))
  .filter((cells) => cells[0].threads === 1 && cells.at(-1).threads > 1);

const peerTime = (cell, peer) => {
  const one = cell.peers[peer];
  return one && one.verdict !== "noisy" ? one.peer.least : null;
};

// [name, class, one speed-up or null for each cell].
function contenders(cells) {
  const curve = (name, order, timeOf) => {
    const one = timeOf(cells[0]);
    const gains = cells.map((cell) => (one && timeOf(cell) ? one / timeOf(cell) : null));
    return { name, order, gains };
  };
  const peers = DATA.peers.filter((peer) => cells.some((cell) => peer in cell.peers));
  return [
    curve("stridecast", 0, (cell) => cell.ours.least),
    curve("limit", 6, (cell) => cell.limit?.ns),
    ...peers.map((peer) => curve(peer, 1 + (DATA.peers.indexOf(peer) % 5), (cell) => peerTime(cell, peer))),
  ].filter(({ gains }) => gains.some((gain) => gain !== null));
}

function curveNodes({ order, gains }, cells, x, y) {
  const points = gains.map((gain, i) => gain !== null && [x.place(cells[i].threads), y.place(gain)]).filter(Boolean);
  const d = points.map((point, i) => `${i ? "L" : "M"}${point.join(" ")}`).join("");
  const marks = points.map(([px, py]) => s("g", { transform: `translate(${px} ${py})` }, shape(order)));
  return s("g", { class: hue(order) }, s("path", { class: "curve", d, "stroke-dasharray": dash(order) }), marks);
}

function scaleLegend(curves) {
  const item = ({ name, order }) => h("li", {},
    sample(s("g", { class: hue(order) },
      s("line", { class: "curve", x1: -13, x2: 13, y1: 0, y2: 0, "stroke-dasharray": dash(order) }), shape(order))),
    name);
  const ideal = h("li", {}, sample(s("line", { class: "ideal", x1: -13, x2: 13, y1: 0, y2: 0 })), "as many times as threads");
  at("scale-legend").replaceChildren(...curves.map(item), ideal);
}

function scaleTable(curves, cells) {
  const figure = (gain) => h("td", { class: "number" }, gain === null ? "–" : `${gain.toFixed(2)}×`);
  at("scale-table").replaceChildren(
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "threads"),
      cells.map((cell) => h("th", { scope: "col", class: "number" }, String(cell.threads))))),
    h("tbody", {}, curves.map(({ name, gains }) => h("tr", {}, h("th", { scope: "row" }, name), gains.map(figure)))));
}

const scaleName = (cell) => `${cell.case}${cell.level && !cell.case.includes(cell.level) ? `, ${cell.level}` : ""}`;

function drawScaling() {
  at("scaling").hidden = SCALED.length === 0;
  if (!SCALED.length) return;
  const keys = SCALED.map((cells) => scaleKey(cells[0]));
  const key = pick(state.scale, keys);
  offer(at("scale-case"), SCALED.map((cells, i) => [keys[i], scaleName(cells[0])]), key);
  const cells = SCALED[keys.indexOf(key)];
  const curves = contenders(cells);
  const { svg, area } = canvas(SCALE, 0.6, `Speed by threads of ${scaleName(cells[0])}; the table has its figures`);
  const most = cells.at(-1).threads;
  const high = Math.max(most, ...curves.flatMap(({ gains }) => gains)) * 1.05;
  const counts = unique(cells.map((cell) => cell.threads));
  const low = Math.min(1, ...curves.flatMap(({ gains }) => gains.filter((gain) => gain !== null)));
  const x = linearScale(1, most, area.left + 14, area.right - 14, counts);
  const stride = Math.ceil(high / 8);
  const ticks = Array.from({ length: Math.floor(high / stride) + 1 }, (_, i) => i * stride).filter((tick) => tick >= low * 0.9);
  const y = linearScale(low * 0.9, high, area.bottom, area.top, ticks);
  svg.append(axes(x, y, area, { x: "threads", y: "times the speed of one thread" }),
    s("path", { class: "ideal", d: `M${x.place(1)} ${y.place(1)}L${x.place(most)} ${y.place(most)}` }),
    ...curves.toReversed().map((curve) => curveNodes(curve, cells, x, y)));
  scaleLegend(curves);
  scaleTable(curves, cells);
}

chooses(at("scale-case"), "scale");
watch(["scale"], drawScaling);
onWidth(SCALE, drawScaling);
