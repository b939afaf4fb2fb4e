// Small tools: elements, words, icons. Everything that comes from outside goes in as text, never as markup.
export const WORDS = JSON.parse(document.getElementById("words").textContent);
const SVG = "http://www.w3.org/2000/svg";

let lang = "zh";
try { lang = localStorage.getItem("lang") || document.documentElement.lang; } catch { lang = document.documentElement.lang; }
if (lang !== "en") lang = "zh";

export const language = () => lang;
export function setLanguage(wanted) {
  lang = wanted === "en" ? "en" : "zh";
  try { localStorage.setItem("lang", lang); } catch { /* a browser that keeps nothing: the choice lasts until reload */ }
}

export const say = (both) => (both && typeof both === "object" ? both[lang] ?? both.en ?? "" : both ?? "");
export const ui = (name) => say(WORDS.ui[name]);
export const verdictWord = (name) => say(WORDS.verdicts[name]) || name;
export const symbol = (verdict) => WORDS.symbols[verdict] || "·";

export function h(tag, name = "", ...inside) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  put(element, ...inside);
  return element;
}

export function put(element, ...inside) {
  element.replaceChildren(...inside.filter((one) => one !== null && one !== undefined && one !== "")
    .map((one) => (one instanceof Node ? one : document.createTextNode(String(one)))));
  return element;
}

export function s(tag, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true", viewBox: "0 0 24 24" }, s("use", { href: `#i-${name}` }));
}

export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

// Make the words of an element smaller, step by step, until they fit; never below `least` of the size of the sheet.
export function fit(element, least = 0.5) {
  element.style.fontSize = "";
  const full = parseFloat(getComputedStyle(element).fontSize);
  let size = full;
  const over = () => element.scrollHeight > element.clientHeight + size * 0.2 || element.scrollWidth > element.clientWidth + 2;
  while (size > full * least && over()) {
    size *= 0.94;
    element.style.fontSize = `${size}px`;
  }
}
