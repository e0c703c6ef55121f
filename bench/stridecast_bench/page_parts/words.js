// The data of the page, and figures as people read them. No number for ties and noisy cells.
const DATA = JSON.parse(at("data").textContent);
const RUN = DATA.run;
const CELLS = RUN.cells;
const BEST = "best peer";
const ANY = "";

const VERDICTS = ["faster", "tie", "slower", "noisy", "left out", "not done", "failed", "no peer"];

const digits = (value, count) =>
  value.toLocaleString("en", { maximumSignificantDigits: count, minimumSignificantDigits: count });

function ratioText(ratio) {
  if (ratio >= 99.5) return ratio.toFixed(0);
  if (ratio >= 9.95) return ratio.toFixed(1);
  return ratio.toFixed(2);
}

const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

function timeText(ns) {
  if (ns === null || ns === undefined) return "–";
  const [size, unit] = UNITS.find(([least]) => ns >= least) || [1, "ns"];
  return `${digits(ns / size, 3)} ${unit}`;
}

const bothTimes = (time) => `${timeText(time.least)} (${timeText(time.median)})`;

function percent(fraction) {
  if (fraction === null || fraction === undefined) return "–";
  return `${fraction < 0.0995 ? (100 * fraction).toFixed(1) : (100 * fraction).toFixed(0)} %`;
}

const fractionText = (cell) =>
  cell.fraction === null ? "–" : (cell.limit?.estimate ? "≈ " : "") + percent(cell.fraction);

// Ties and noisy cells have no figure; a ratio that was no finite number is null.
const hasFigure = ({ verdict, ratio }) => verdict !== "tie" && verdict !== "noisy" && ratio !== null;

const resultText = (comparison) =>
  hasFigure(comparison) ? ratioText(comparison.ratio) : comparison.verdict;

// The range of a tie shows why it is one; that of a noisy cell would be read as a result.
const spreadText = ({ verdict, spread }) =>
  verdict === "noisy" || spread.includes(null) ? "–" : spread.map(ratioText).join("–");

// A colour by the logarithm of the ratio; steps in both directions are the same.
const STEPS = [1.25, 2, 4];
const step = (ratio) => 1 + STEPS.filter((least) => ratio >= least).length;

function shade(comparison) {
  const { verdict, ratio } = comparison;
  if (!hasFigure(comparison)) return verdict;
  return ratio >= 1 ? `f${step(ratio)}` : `s${step(1 / ratio)}`;
}

const SHADES = [
  ["s4", "below 1/4"], ["s3", "1/4 to 1/2"], ["s2", "1/2 to 0.8"], ["s1", "0.8 to 1, slower"],
  ["tie", "tie"], ["f1", "1 to 1.25, faster"], ["f2", "1.25 to 2"], ["f3", "2 to 4"],
  ["f4", "4 and more"], ["noisy", "noisy"],
];

const mark = (comparison) =>
  h("span", { class: `mark ${shade(comparison)}` }, resultText(comparison));

function phrase(comparison, peer) {
  const { verdict, ratio } = comparison;
  if (verdict === "tie") return `tie with ${peer}`;
  if (verdict === "noisy") return `beside ${peer} too noisy for a ratio`;
  const figure = hasFigure(comparison) ? `ratio ${ratioText(ratio)} to ` : "";
  return `${figure}${peer}, ${verdict}`;
}

const threadsText = (count) => `${count} ${Number(count) === 1 ? "thread" : "threads"}`;
const levelText = (level) => level || "no level";
const familyText = (family) => DATA.families[family] || family;
// The peer that is meant by a choice, in one cell.
const peerIn = (index, choice) => (choice === BEST ? DATA.cells[index].best : choice);
