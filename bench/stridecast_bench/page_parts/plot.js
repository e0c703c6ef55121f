// What both plots are made of: axes, marks that differ in shape as well as in colour, and drawing
// again when the width changes.
const HUES = 7;
const hue = (order) => `h${order % HUES}`;

// Each draws around the origin, within 5 to every side.
const SHAPES = [
  () => s("circle", { class: "point", r: 4 }),
  () => s("rect", { class: "point", x: -3.6, y: -3.6, width: 7.2, height: 7.2 }),
  () => s("path", { class: "point", d: "M0-5 4.8 3.6H-4.8Z" }),
  () => s("path", { class: "point", d: "M0-5.2 5.2 0 0 5.2-5.2 0Z" }),
  () => s("path", { class: "point", d: "M0 5 4.8-3.6H-4.8Z" }),
];
// Shapes follow a count of 5, hues one of 7: 35 families look different.
const shape = (order) => SHAPES[order % SHAPES.length]();
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4"];
const dash = (order) => DASHES[order % DASHES.length];

const sample = (...nodes) => s("svg", { viewBox: "-14 -7 28 14", "aria-hidden": "true" }, nodes);
const pointSample = (order) =>
  s("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, s("g", { class: hue(order) }, shape(order)));

// Figures that lead the ticks of an axis, by how many powers of ten it has at least.
const LEADS = [[3, [1]], [1.3, [1, 2, 5]], [0, [1, 2, 3, 4, 6, 8]]];

function logTicks(low, high) {
  const [, leads] = LEADS.find(([powers]) => Math.log10(high / low) >= powers);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const lead of leads) ticks.push(lead * 10 ** power);
  }
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

function logScale(values, from, to, room = 1.3) {
  const low = Math.min(...values) / room;
  const high = Math.max(...values) * room;
  const place = (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
  return { low, high, place, ticks: logTicks(low, high) };
}

function linearScale(low, high, from, to, ticks) {
  return { low, high, ticks, place: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

const tickText = (value) => Number(value.toPrecision(6)).toLocaleString("en", { maximumSignificantDigits: 3 });

// Frame, grid lines, figures and names of two scales; `area` is {left, right, top, bottom}.
function axes(x, y, area, names) {
  const nodes = [];
  for (const tick of x.ticks) {
    const px = x.place(tick);
    nodes.push(s("line", { class: "grid", x1: px, x2: px, y1: area.top, y2: area.bottom }),
      s("text", { x: px, y: area.bottom + 16, "text-anchor": "middle" }, tickText(tick)));
  }
  for (const tick of y.ticks) {
    const py = y.place(tick);
    nodes.push(s("line", { class: "grid", x1: area.left, x2: area.right, y1: py, y2: py }),
      s("text", { x: area.left - 6, y: py + 4, "text-anchor": "end" }, tickText(tick)));
  }
  nodes.push(
    s("rect", { class: "frame", x: area.left, y: area.top, width: area.right - area.left, height: area.bottom - area.top }),
    s("text", { x: area.right, y: area.bottom + 34, "text-anchor": "end" }, names.x),
    s("text", { x: area.left - 40, y: area.top - 10 }, names.y));
  return s("g", { "aria-hidden": "true" }, nodes);
}

// An SVG as wide as its box, so that its letters keep their size on a phone.
function canvas(box, ratio, label) {
  const width = Math.max(260, box.clientWidth || 640);
  const height = Math.min(460, Math.max(260, width * ratio));
  const area = { left: 46, right: width - 10, top: 26, bottom: height - 42 };
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": label });
  box.replaceChildren(svg);
  return { svg, area };
}

function onWidth(box, draw) {
  let width = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  }).observe(box);
}
