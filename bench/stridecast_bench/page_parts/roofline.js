// The roofline of a level: items a nanosecond over bytes of an item that cross the bus, beside what
// the machine was measured to move.
const ROOFED = CELLS.map((_, index) => index).filter((index) => {
  const { limit, ours, items } = CELLS[index];
  return limit && ours && items && limit.bus_bytes && ours.least;
});
const FAMILY_ORDER = Object.keys(DATA.families);
const ROOF = at("roof-plot");
const ROOF_BOX = detailBox(
  at("roof-detail"),
  "Point at a mark, or move to it by Tab and arrow keys, to see its cell.",
  (index) => detail(index, DATA.cells[index].best));

const where = (level, threads) => JSON.stringify([level, threads]);
const whereText = (key) => {
  const [level, threads] = JSON.parse(key);
  return `${levelText(level)}, ${threadsText(threads)}`;
};
const xOf = (index) => CELLS[index].limit.bus_bytes / CELLS[index].items;
const yOf = (index) => CELLS[index].items / CELLS[index].ours.least;

// Bytes that cross the bus for each byte of a copy's payload: half of that is written, and beyond
// L1 a store to the cache fetches its line first.
const fetched = (level) => (level === "L1" ? 1 : 1.5);
const SPEEDS = [
  ["read", (speeds) => speeds.read],
  ["copy", (speeds) => speeds.copy && speeds.copy * fetched(speeds.level)],
  ["copy past the cache", (speeds) => speeds.copy_past_cache],
];

const hiddenFamilies = () => state.without.split(",").filter(Boolean);

function toggleFamily(family) {
  const hidden = hiddenFamilies();
  const next = hidden.includes(family) ? hidden.filter((one) => one !== family) : [...hidden, family];
  choose({ without: next.join(",") });
}

function familyButtons(families) {
  const focused = at("roof-families").contains(document.activeElement) && document.activeElement.dataset.family;
  const buttons = families.map((family) => h("button", {
    type: "button", "data-family": family, "aria-pressed": String(!hiddenFamilies().includes(family)),
    onclick: () => toggleFamily(family),
  }, pointSample(FAMILY_ORDER.indexOf(family)), familyText(family)));
  at("roof-families").replaceChildren(...buttons);
  buttons.find((button) => button.dataset.family === focused)?.focus();
}

function roofLine(speed, x, y, area, order) {
  // Inside the frame only: where y leaves it, the line ends.
  const start = Math.max(x.low, speed / y.high);
  const end = Math.min(x.high, speed / y.low);
  if (start >= end) return null;
  const d = `M${x.place(start)} ${y.place(speed / start)}L${x.place(end)} ${y.place(speed / end)}`;
  return s("path", { class: "roof", d, "stroke-dasharray": dash(order) });
}

function roofPoint(index, x, y) {
  const cell = CELLS[index];
  const order = FAMILY_ORDER.indexOf(cell.family);
  const label = `${cell.case}: ${digits(yOf(index), 3)} items a nanosecond, ` +
    `${digits(xOf(index), 3)} bytes an item, ${fractionText(cell)} of the limit`;
  const node = s("g", {
    class: hue(order), role: "button", tabindex: "-1", "aria-label": label, "data-cell": String(index),
    transform: `translate(${x.place(xOf(index))} ${y.place(yOf(index))})`,
  }, shape(order));
  node.addEventListener("focus", () => ROOF_BOX.pin(index));
  return node;
}

function speedLegend(speeds) {
  const items = SPEEDS.map(([name, speedOf], order) => {
    const speed = speeds && speedOf(speeds);
    if (!speed) return null;
    const line = s("line", { class: "roof", x1: -13, x2: 13, y1: 0, y2: 0, "stroke-dasharray": dash(order) });
    return h("li", {}, sample(line), `${name}: ${digits(speed, 3)} GB/s on the bus`);
  });
  at("roof-lines").replaceChildren(...items.filter(Boolean));
}

function drawRoof() {
  const keys = unique(ROOFED.map((i) => where(CELLS[i].level, CELLS[i].threads)));
  at("roofline").hidden = keys.length === 0;
  if (!keys.length) return;
  const wanted = where("memory", 1);
  const key = pick(state.roof, [...keys.filter((one) => one === wanted), ...keys]);
  offer(at("roof-at"), keys.map((one) => [one, whereText(one)]), key);
  const here = ROOFED.filter((i) => where(CELLS[i].level, CELLS[i].threads) === key);
  familyButtons(unique(here.map((i) => CELLS[i].family)));
  const speeds = RUN.limits.find((one) => where(one.level, one.threads) === key);
  speedLegend(speeds);
  const shown = here.filter((i) => !hiddenFamilies().includes(CELLS[i].family))
    .sort((a, b) => xOf(a) - xOf(b) || yOf(a) - yOf(b));
  const { svg, area } = canvas(ROOF, 0.62, `Roofline of ${whereText(key)}, ${shown.length} cells`);
  const x = logScale(here.map(xOf), area.left, area.right);
  const y = logScale(here.map(yOf), area.bottom, area.top);
  svg.append(axes(x, y, area, { x: "bytes an item on the bus", y: "items/ns" }));
  SPEEDS.forEach(([, speedOf], order) => {
    const speed = speeds && speedOf(speeds);
    const line = speed && roofLine(speed, x, y, area, order);
    if (line) svg.append(line);
  });
  svg.append(...shown.map((index) => roofPoint(index, x, y)));
  // What was pinned stays so while it is drawn.
  const pinned = shown.includes(ROOF_BOX.pinned()) ? ROOF_BOX.pinned() : null;
  ROOF_BOX.pin(pinned);
  const stop = roofPoints().find((node) => Number(node.dataset.cell) === (pinned ?? shown[0]));
  if (stop) rove([], stop);
}

const roofPoints = () => [...ROOF.querySelectorAll("g[role]")];

const ROOF_MOVES = {
  ArrowRight: (i) => i + 1,
  ArrowUp: (i) => i + 1,
  ArrowLeft: (i) => i - 1,
  ArrowDown: (i) => i - 1,
  Home: () => 0,
  End: (i, count) => count - 1,
};

ROOF.addEventListener("keydown", (event) => {
  const points = roofPoints();
  const now = points.indexOf(event.target);
  if (now < 0 || !(event.key in ROOF_MOVES)) return;
  event.preventDefault();
  points[ROOF_MOVES[event.key](now, points.length)]?.focus();
});

ROOF.addEventListener("focusin", (event) => rove(roofPoints(), event.target));

// The mark nearest to the pointer counts: marks are small, and fingers are not.
function nearest(event) {
  const reach = 18;
  let found = null;
  let least = reach;
  for (const node of roofPoints()) {
    const box = node.getBoundingClientRect();
    const away = Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
    if (away < least) [found, least] = [node, away];
  }
  return found;
}

function near(node) {
  for (const one of ROOF.querySelectorAll(".near")) if (one !== node) one.classList.remove("near");
  if (!node) return ROOF_BOX.back();
  node.classList.add("near");
  return ROOF_BOX.preview(Number(node.dataset.cell));
}

let asked = false;
ROOF.addEventListener("pointermove", (event) => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    near(nearest(event));
  });
});
ROOF.addEventListener("pointerleave", () => near(null));
ROOF.addEventListener("click", (event) => nearest(event)?.focus());

const SPEED_COLUMNS = [
  ["read", "read"], ["write", "write"], ["copy", "copy"],
  ["write_past_cache", "write past the cache"], ["copy_past_cache", "copy past the cache"],
];

function drawSpeeds() {
  const heads = ["level", "threads", "bytes", ...SPEED_COLUMNS.map(([, text]) => `${text}, GB/s`)];
  const figure = (value) => h("td", { class: "number" }, value === null ? "–" : digits(value, 3));
  at("speeds").append(
    h("thead", {}, h("tr", {}, heads.map((name, i) => h("th", { scope: "col", class: i && "number" }, name)))),
    h("tbody", {}, RUN.limits.map((one) => h("tr", {},
      h("th", { scope: "row" }, one.level),
      h("td", { class: "number" }, String(one.threads)),
      h("td", { class: "number" }, one.bytes.toLocaleString("en")),
      SPEED_COLUMNS.map(([name]) => figure(one[name]))))));
}

drawSpeeds();
chooses(at("roof-at"), "roof");
watch(["roof", "without"], drawRoof);
onWidth(ROOF, drawRoof);
