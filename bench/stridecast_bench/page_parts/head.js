// The head of the page: what ran where, the theme, and the table of families and peers.
const bytesText = (value) =>
  value % 1048576 === 0 ? `${value / 1048576} MiB` : value % 1024 === 0 ? `${value / 1024} KiB` : `${value}`;
// An object is one of sizes in bytes, such as those of the caches.
const plain = (value) =>
  Array.isArray(value) ? value.join(", ")
  : value !== null && typeof value === "object"
    ? Object.entries(value).map(([name, bytes]) => `${name} ${bytesText(bytes)}`).join(", ")
  : value === true ? "yes" : value === false ? "no" : String(value ?? "–");

function block(title, pairs, whole = false) {
  if (!pairs.length) return null;
  return h("div", { class: whole && "whole" }, h("h3", {}, title), described(pairs));
}

function noisePairs() {
  const { noise } = RUN;
  if (!noise) return [["noise", "not measured"]];
  return [
    ["noise", `median ${percent(noise.median)}, nine tenths of cells below ${percent(noise.high)}`],
    ["noisy", `cells above ${percent(noise.threshold)}`],
  ];
}

const texts = (values) => Object.entries(values).map(([name, value]) => [name, plain(value)]);

const made = RUN.made.replace("T", " ").replace(/(\+00:00|Z)$/, " UTC");
at("subtitle").append(
  ...[RUN.machine.cpu, RUN.versions.target || RUN.flags.target, made].filter(Boolean)
    .flatMap((text, i) => [i ? " · " : "", h("span", {}, plain(text))]));
at("facts").append(...[
  block("Machine", [...texts(RUN.machine), ["made", RUN.made]]),
  block("Versions", texts(RUN.versions)),
  block("How", [...texts(RUN.flags), ...noisePairs()]),
  block("Peers that are not installed", texts(RUN.absent), true),
  block("Command", [["command", h("code", {}, RUN.command)]], true),
].filter(Boolean));

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  at("theme").value = name;
}

// A page from a file may have no storage: then the choice lasts as long as the page.
function stored(action) {
  try {
    return action(localStorage);
  } catch {
    return null;
  }
}

const themes = [...at("theme").options].map((option) => option.value);
const kept = stored((storage) => storage.getItem("stridecast-theme")) || "";
setTheme(themes.includes(kept) ? kept : "");
at("theme").addEventListener("change", (event) => {
  setTheme(event.target.value);
  stored((storage) => storage.setItem("stridecast-theme", event.target.value));
});

const COUNTED = ["faster", "tie", "slower", "noisy"];

const rowsButton = (text, filter, label) =>
  h("a", { href: "#cells", "aria-label": label, onclick: (event) => {
    event.preventDefault();
    showRows(filter);
  } }, text);

function slowestCell(line) {
  if (line.slowest === null) return h("td", {}, "–");
  const cell = CELLS[line.slowest];
  const peer = peerIn(line.slowest, line.peer);
  const filter = { q: cell.case, peer, family: cell.family, level: cell.level };
  return h("td", {}, mark(cell.peers[peer]), " ", rowsButton(cell.case, filter),
    line.peer === BEST ? h("span", { class: "soft" }, ` ${peer}`) : null);
}

function undone(family) {
  const cells = CELLS.filter((cell) => cell.family === family);
  const told = [["not done", cells.filter((cell) => cell.unable)], ["failed", cells.filter((cell) => cell.failed)]];
  const parts = [`${cells.length} ${cells.length === 1 ? "cell" : "cells"}`];
  for (const [name, some] of told) if (some.length) parts.push(`${some.length} ${name}`);
  return parts.join(", ");
}

function familyHead(family, rows) {
  return h("th", { scope: "rowgroup", rowspan: rows },
    rowsButton(familyText(family), { family }, `${familyText(family)}: show its rows`),
    h("br"), h("span", { class: "soft" }, undone(family)));
}

const meanMark = (mean) =>
  h("span", { class: `mark ${shade({ ratio: mean, verdict: "" })}` }, ratioText(mean));

function summaryRow(line, first, rows) {
  const counts = COUNTED.map((verdict) => h("td", { class: "number" }, String(line.verdicts[verdict] || 0)));
  return h("tr", { class: first && "first" },
    first ? familyHead(line.family, rows) : null,
    h("th", { scope: "row" }, line.peer),
    h("td", {}, line.mean === null ? "–" : meanMark(line.mean)),
    counts,
    slowestCell(line));
}

function drawSummary() {
  const columns = ["family", "peer", "mean", ...COUNTED, "slowest cell"];
  const families = unique(DATA.summary.map((line) => line.family));
  const body = families.map((family) => {
    const lines = DATA.summary.filter((line) => line.family === family);
    return h("tbody", {}, lines.map((line, i) => summaryRow(line, i === 0, lines.length)));
  });
  const heads = columns.map((name) =>
    h("th", { scope: "col", class: COUNTED.includes(name) && "number" }, name));
  at("summary-table").append(h("thead", {}, h("tr", {}, heads)), ...body);
}

drawSummary();
