// Nodes, and what several sections do with them. Texts become text nodes and attribute values only,
// so that nothing of a run is ever read as markup.
"use strict";

const at = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

// h("td", { class: "number" }, "1.5") and the same for SVG.
const h = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const unique = (values) => [...new Set(values)];

function setOptions(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => h("option", { value }, text)));
  select.value = chosen;
}

// Shows a select only where there is something to choose.
const offer = (select, pairs, chosen) => {
  setOptions(select, pairs, chosen);
  select.closest("label").hidden = pairs.length < 2;
};

function say(text) {
  at("said").textContent = text;
}

function copied(text) {
  const done = () => say(`copied: ${text}`);
  const failed = () => say(`not copied; the command is ${text}`);
  if (!navigator.clipboard) return failed();
  return navigator.clipboard.writeText(text).then(done, failed);
}

// One tab stop for many items: the one with the focus, or the one that had it last.
function rove(items, item) {
  for (const one of items) one.setAttribute("tabindex", "-1");
  item.setAttribute("tabindex", "0");
}
