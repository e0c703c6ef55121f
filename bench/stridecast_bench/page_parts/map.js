// Heat maps: types by types, or types by cases where a family has no pairs. A grid with one tab
// stop, in which arrow keys move.
const MAP = at("map");
const MAPPED = CELLS.map((_, index) => index).filter((index) => CELLS[index].source);
const BOX = detailBox(
  at("map-detail"),
  "Point at a cell, or move to it by Tab and arrow keys, to see its times.",
  ({ index, peer }) => detail(index, peer));
let spot = [0, 0];

const pick = (wanted, values) => (values.includes(wanted) ? wanted : values[0] ?? ANY);

// The cells that one map shows, narrowed choice by choice; every choice is offered as well.
function mapChoices() {
  let left = MAPPED;
  const narrow = (id, wanted, key, text) => {
    const values = unique(left.map((index) => String(key(index))));
    const chosen = pick(wanted, values);
    offer(at(id), values.map((value) => [value, text(value)]), chosen);
    left = left.filter((index) => String(key(index)) === chosen);
    return chosen;
  };
  const family = narrow("map-family", state.mapfamily, (i) => CELLS[i].family, familyText);
  const level = narrow("map-level", state.maplevel, (i) => CELLS[i].level, levelText);
  const threads = narrow("map-threads", state.mapthreads, (i) => CELLS[i].threads, threadsText);
  const pairs = unique(left.map((i) => `${CELLS[i].source} ${CELLS[i].destination}`));
  const byPair = pairs.length > unique(left.map((i) => CELLS[i].source)).length;
  narrow("map-pattern", state.mapcases,
    byPair ? (i) => DATA.cells[i].pattern : () => ANY, (value) => value || "all");
  const peers = DATA.peers.filter((peer) => left.some((index) => peer in CELLS[index].peers));
  const peer = pick(state.mappeer, [BEST, ...peers]);
  offer(at("map-peer"), [BEST, ...peers].map((name) => [name, name]), peer);
  return { family, level, threads, byPair, peer, cells: left };
}

// The one to show where several cells meet: the slowest that has a ratio.
function worst(indices, choice) {
  const rank = (index) => {
    const one = CELLS[index].peers[peerIn(index, choice)];
    return one && one.verdict !== "noisy" ? one.ratio : Infinity;
  };
  return indices.reduce((least, index) => (rank(index) < rank(least) ? index : least));
}

function lacking(cell, peer) {
  if (cell.failed) return ["failed", `failed: ${cell.failed}`];
  if (cell.unable) return ["not done", `not done: ${cell.unable}`];
  return ["–", cell.left_out[peer] ? `${peer} left out: ${cell.left_out[peer]}` : "no peer"];
}

function mapCell(indices, choice, names) {
  if (!indices) return h("td", { role: "gridcell", tabindex: "-1", "aria-label": `${names}: no such case` });
  const index = worst(indices, choice);
  const cell = CELLS[index];
  const peer = peerIn(index, choice);
  const one = cell.peers[peer];
  const more = indices.length > 1 ? `, slowest of ${indices.length} cases` : "";
  const [text, said] = one ? [resultText(one), phrase(one, peer)] : lacking(cell, choice);
  const node = h("td", {
    role: "gridcell", tabindex: "-1", class: one ? shade(one) : "none",
    "data-cell": String(index), "aria-label": `${names}: ${said}${more}`,
  }, one && hasFigure(one) ? short(one.ratio) : text);
  const what = { index, peer };
  node.addEventListener("focus", () => pinCell(node, what));
  node.addEventListener("pointerenter", () => BOX.preview(what));
  node.addEventListener("pointerleave", BOX.back);
  return node;
}

// Two digits are enough in a map, but three around 1.
const short = (ratio) => ratio.toFixed(ratio >= 9.95 ? 0 : ratio >= 1.095 ? 1 : 2);

function pinCell(node, what) {
  for (const one of MAP.querySelectorAll(".pinned")) one.classList.remove("pinned");
  node.classList.add("pinned");
  BOX.pin(what);
}

function drawMap() {
  at("maps").hidden = MAPPED.length === 0;
  const { family, level, threads, byPair, peer, cells } = mapChoices();
  const columnOf = (i) => (byPair ? CELLS[i].destination : DATA.cells[i].pattern);
  const rows = unique(cells.map((i) => CELLS[i].source));
  const named = unique(cells.map(columnOf));
  // The order of rows, as far as it goes, so that equal types meet on the diagonal.
  const columns = [...rows.filter((name) => named.includes(name)), ...named.filter((name) => !rows.includes(name))];
  const places = Map.groupBy(cells, (i) => JSON.stringify([CELLS[i].source, columnOf(i)]));
  const row = (source) => h("tr", {},
    h("th", { scope: "row" }, source),
    columns.map((name) => mapCell(places.get(JSON.stringify([source, name])), peer,
      byPair ? `${source} to ${name}` : `${source}, ${name}`)));
  MAP.replaceChildren(
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, byPair ? "from ↓ to →" : "type ↓ case →"),
      columns.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
    h("tbody", {}, rows.map(row)));
  at("map-caption").textContent = `${familyText(family)}, ${levelText(level)}, ` +
    `${threadsText(threads)}: time of ${peer === BEST ? "the best peer" : peer} over ours`;
  const kept = BOX.pinned() !== null;
  BOX.pin(null);
  const node = gridNode(...spot) || gridNode(0, 0);
  if (node) rove(MAP.querySelectorAll("td"), node);
  // Who compares peers looks at one place of the map.
  const index = Number(node?.dataset.cell);
  if (kept && !Number.isNaN(index)) pinCell(node, { index, peer: peerIn(index, peer) });
}

const gridNode = (row, column) => MAP.tBodies[0]?.rows[row]?.cells[column + 1];

const MOVES = {
  ArrowUp: ([r, c]) => [r - 1, c],
  ArrowDown: ([r, c]) => [r + 1, c],
  ArrowLeft: ([r, c]) => [r, c - 1],
  ArrowRight: ([r, c]) => [r, c + 1],
  Home: ([r, c], event) => [event.ctrlKey ? 0 : r, 0],
  End: ([r, c], event) => {
    const body = MAP.tBodies[0];
    return [event.ctrlKey ? body.rows.length - 1 : r, body.rows[0].cells.length - 2];
  },
};

MAP.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (!move || event.altKey || event.metaKey) return;
  event.preventDefault();
  const [r, c] = move(spot, event);
  if (c >= 0) gridNode(r, c)?.focus();
});

MAP.addEventListener("focusin", (event) => {
  const cell = event.target.closest("td");
  if (!cell) return;
  spot = [cell.parentNode.sectionRowIndex, cell.cellIndex - 1];
  rove(MAP.querySelectorAll("td"), cell);
});

at("map-legend").append(...SHADES.map(([name, text]) =>
  h("li", {}, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), text)));
chooses(at("map-family"), "mapfamily");
chooses(at("map-level"), "maplevel");
chooses(at("map-threads"), "mapthreads");
chooses(at("map-pattern"), "mapcases");
chooses(at("map-peer"), "mappeer");
watch(["mapfamily", "maplevel", "mapthreads", "mapcases", "mappeer"], drawMap);
