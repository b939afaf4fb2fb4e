// Pictures: a sparkline, a plot with axes, the needle. SVG, made of numbers only.
import { h, s, say, text, ui } from "./dom.js";

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export function spark(points) {
  const width = 200, height = 40, pad = 3;
  const svg = s("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (points.length < 2) return svg;
  const [low, high] = bounds(points.map((p) => p[1]));
  const first = points[0][0], last = points[points.length - 1][0] || 1;
  const x = (value) => pad + (width - 2 * pad) * (value - first) / Math.max(1e-9, last - first);
  const y = (value) => height - pad - (height - 2 * pad) * (value - low) / Math.max(1e-9, high - low);
  svg.append(s("polyline", { points: points.map((p) => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(" "), class: "line" }));
  return svg;
}

function bounds(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  const least = Math.max(Math.abs(high), Math.abs(low)) * 0.02 || 1;
  if (high - low < least) { const middle = (low + high) / 2; low = middle - least / 2; high = middle + least / 2; }
  return [low, high];
}

// What a reading does once it has settled: its first twentieth would make a flat line of the rest.
function settled(curves) {
  return curves.flatMap((c) => c.y.slice(c.y.length > 20 ? Math.ceil(c.y.length / 20) : 0));
}

function niceStep(span, count) {
  const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= raw);
}

function ticks(low, high, count) {
  const step = niceStep(high - low, count), found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-6; at += step) found.push(Math.abs(at) < step * 1e-6 ? 0 : at);
  return found;
}

function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
    for (const m of [1, 2, 5]) { const at = m * 10 ** power; if (at >= low * 0.999 && at <= high * 1.001) found.push(at); }
  return found.length > 7 ? found.filter((at) => /^[12]/.test(at.toExponential())) .filter((at) => found.length < 11 || /^1/.test(at.toExponential()) || at === found[0] || at === found[found.length - 1]) : found;
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e3) return `${+(value / 1e3).toPrecision(3)}k`;
  return `${+value.toPrecision(3)}`.replace("-", "−");
}

// curves: [{x, y, side, mask, log, title…}] on common axes. One picture of what a step found, or of how it goes.
// `box` is the element that it will fill: letters keep their size, whatever room there is.
export function plot(curves, words, box, share = 1) {
  const width = Math.max(240, box?.clientWidth - 8 || 460), height = Math.max(110, (box?.clientHeight - 8 || 260) / share);
  const letter = Math.max(13, Math.min(24, Math.min(width / 22, height / 9)));
  const left = letter * 3.4, right = letter, top = letter * 1.7, bottom = letter * 2.4;
  const svg = s("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "font-size": letter.toFixed(1) });
  const log = curves[0].log;
  let xs = curves.flatMap((c) => c.x), ys = curves.flatMap((c) => [...c.y, ...(c.mask || [])]);
  let x0 = Math.min(...xs), x1 = Math.max(...xs);
  if (log) x0 = Math.max(x0, 1e-3);
  if (x1 <= x0) x1 = x0 + 1;
  let [y0, y1] = words.settled ? bounds(settled(curves)) : bounds(ys);
  const margin = (y1 - y0) * 0.08; y0 -= margin; y1 += margin;
  const x = (value) => left + (width - left - right) * (log ? Math.log(Math.max(value, x0) / x0) / Math.log(x1 / x0) : (value - x0) / (x1 - x0));
  const y = (value) => top + (height - top - bottom) * (1 - (clamp(value, y0, y1) - y0) / (y1 - y0));
  for (const at of log ? logTicks(x0, x1) : ticks(x0, x1, 5)) {
    svg.append(s("line", { x1: x(at), x2: x(at), y1: top, y2: height - bottom, class: "grid" }),
      s("text", { x: x(at), y: height - bottom + letter * 1.05, class: "tick middle" }, short(at)));
  }
  for (const at of ticks(y0, y1, Math.max(2, Math.min(5, Math.floor(height / letter / 3.2))))) {
    svg.append(s("line", { x1: left, x2: width - right, y1: y(at), y2: y(at), class: "grid" }),
      s("text", { x: left - 6, y: y(at) + letter * 0.35, class: "tick end" }, short(at)));
  }
  const path = (px, py) => px.map((value, i) => `${x(value).toFixed(1)},${y(py[i]).toFixed(1)}`).join(" ");
  for (const curve of curves) {
    if (curve.mask && curve.mask.length) svg.append(s("polyline", { points: path(curve.x, curve.mask), class: "mask" }));
    svg.append(s("polyline", { points: path(curve.x, curve.y), class: `line ${curve.side || ""}` }));
  }
  svg.append(s("text", { x: 4, y: letter * 1.1, class: "title" }, words.title),
    s("text", { x: width - right, y: height - letter * 0.3, class: "tick end" }, words.x));
  const sides = curves.filter((c) => c.side);
  sides.forEach((curve, i) => {
    const at = width - right - (sides.length - i) * letter * 5.4;
    svg.append(s("line", { x1: at, x2: at + letter * 1.6, y1: letter * 0.75, y2: letter * 0.75, class: `line ${curve.side}` }),
      s("text", { x: at + letter * 1.9, y: letter * 1.1, class: "tick" }, say(curve.channel)));
  });
  return svg;
}

export function curveGroups(curves) {
  const groups = new Map();
  for (const curve of curves) groups.set(curve.name, [...(groups.get(curve.name) || []), curve]);
  return [...groups.values()];
}

export function curvePlot(group, box, share) {
  const one = group[0];
  const y = [say(one.title), one.y_unit && `(${one.y_unit})`].filter(Boolean).join(" ");
  return plot(group, { title: y, x: `${say(one.x_title)}${one.x_unit ? ` ${one.x_unit}` : ""}` }, box, share);
}

// ---- the needle ------------------------------------------------------------------------------------------------
const SWEEP = 75; // degrees to either side
const polar = (degrees, radius) => [200 + radius * Math.sin(degrees * Math.PI / 180), 212 - radius * Math.cos(degrees * Math.PI / 180)];

function arc(from, to, radius) {
  const [x0, y0] = polar(from, radius), [x1, y1] = polar(to, radius);
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}A${radius} ${radius} 0 0 1 ${x1.toFixed(1)} ${y1.toFixed(1)}`;
}

export class Needle {
  constructor() {
    this.svg = s("svg", { class: "needle", viewBox: "0 0 400 232", role: "img" });
    this.scale = s("g");
    this.hand = s("g", { class: "hand" }, s("path", { d: "M200 34 208 205a8 8 0 1 1-16 0Z" }));
    this.svg.append(this.scale, this.hand, s("circle", { cx: 200, cy: 212, r: 13, class: "hub" }));
    this.drawn = "";
  }

  angle(value) {
    return clamp((value - this.middle) / this.half, -1.04, 1.04) * SWEEP;
  }

  show(guide) {
    const key = [guide.low, guide.high, guide.target, guide.unit].join();
    this.middle = guide.target;
    this.half = Math.max(guide.high - guide.target, guide.target - guide.low, 1e-9) * 4;
    if (key !== this.drawn) { this.drawn = key; this.draw(guide); }
    const degrees = this.angle(guide.value);
    this.hand.setAttribute("transform", `rotate(${degrees.toFixed(2)} 200 212)`);
    this.svg.dataset.degrees = degrees.toFixed(2);
    this.svg.setAttribute("aria-label", `${guide.text} ${guide.unit}`);
  }

  draw(guide) {
    const from = this.angle(guide.low), to = this.angle(guide.high);
    const parts = [s("path", { d: arc(-SWEEP, SWEEP, 165), class: "dial" }), s("path", { d: arc(from, to, 165), class: "window" })];
    for (const at of ticks(this.middle - this.half, this.middle + this.half, 8)) {
      const [x0, y0] = polar(this.angle(at), 148), [x1, y1] = polar(this.angle(at), 136), [tx, ty] = polar(this.angle(at), 118);
      parts.push(s("line", { x1: x0, y1: y0, x2: x1, y2: y1, class: "mark" }), s("text", { x: tx, y: ty + 6, class: "tick middle" }, short(at)));
    }
    const [ax, ay] = polar(0, 186);
    parts.push(s("path", { d: `M${ax} ${ay + 4}l-11 -17h22Z`, class: "aim" }));
    this.scale.replaceChildren(...parts);
  }
}

// ---- a tile: one reading, big, with its course --------------------------------------------------------------------
export class Tile {
  constructor(name) {
    this.name = h("span", "tile-name");
    this.value = h("span", "tile-value");
    this.unit = h("span", "tile-unit");
    this.course = h("div", "tile-course");
    this.element = h("div", "tile", this.name, h("div", "tile-line", this.value, this.unit), this.course);
    this.element.dataset.reading = name;
  }

  show(tile) {
    text(this.name, say(tile.title));
    text(this.value, tile.text);
    text(this.unit, tile.unit);
  }

  trace(points) {
    this.course.replaceChildren(spark(points));
  }
}

export const axisOfTime = (seconds) => (seconds > 300 ? { by: 60, words: ui("time_min") } : { by: 1, words: ui("time_s") });
