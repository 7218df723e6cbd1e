/** A point in time (or whatever the horizontal axis tells) and its value. */
export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** Filled down to zero. Several areas lie behind one another; they aren't stacked. */
  readonly filled?: boolean | undefined;
  /** Each value holds until the next point. */
  readonly stepped?: boolean | undefined;
}

/** A stretch of the horizontal axis in which something special goes on. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** One diagram: several series over the same axes. */
export interface Chart {
  readonly title: string;
  /** What the horizontal axis tells, with its unit. */
  readonly x: string;
  /** What the vertical axis tells, with its unit. */
  readonly y: string;
  readonly series: readonly Series[];
  readonly spans?: readonly Span[] | undefined;
}

export interface Page {
  readonly title: string;
  readonly subtitle?: string | undefined;
  readonly charts: readonly Chart[];
  /** How many charts stand beside one another. Default: 1. */
  readonly columns?: number | undefined;
}

const width = 640;
const height = 270;
const inset = { left: 68, right: 16, top: 52, bottom: 44 };
const plot = {
  width: width - inset.left - inset.right,
  height: height - inset.top - inset.bottom,
};
const head = 64;
// Okabe and Ito: told apart by those who don't see all colours, too.
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const ink = "#222222";
const faint = "#666666";

/** The charts as one SVG document, on white. */
export function svg({ title, subtitle = "", charts, columns = 1 }: Page): string {
  const size = {
    width: width * Math.min(columns, charts.length),
    height: head + height * Math.ceil(charts.length / columns),
  };
  const placed = charts.map((chart, index) => {
    const x = width * (index % columns);
    const y = head + height * Math.floor(index / columns);
    return `<g transform="translate(${x} ${y})">\n${drawn(chart)}\n</g>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(20, 30, title, { size: 19, weight: 600 }),
    text(20, 50, subtitle, { fill: faint }),
    ...placed,
    "</svg>",
  ].join("\n")}\n`;
}

function drawn({ title, x, y, series, spans = [] }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const horizontal = axis(
    points.map(([at]) => at),
    plot.width / 90,
    false,
  );
  const vertical = axis([0, ...points.map(([, value]) => value)], plot.height / 34, true);
  const left = (at: number) => inset.left + plot.width * horizontal.share(at);
  const top = (value: number) => inset.top + plot.height * (1 - vertical.share(value));
  const floor = top(0);
  return [
    text(inset.left, 16, title, { size: 14, weight: 600 }),
    legend(series),
    ...spans.map(({ from, to, label }) => spanned(left(from), left(to), label)),
    ...vertical.ticks.map(
      (value) =>
        `<line x1="${inset.left}" x2="${width - inset.right}" y1="${round(top(value))}" y2="${round(top(value))}" stroke="#e3e3e3"/>${text(inset.left - 8, top(value) + 4, shortly(value), { anchor: "end", fill: faint })}`,
    ),
    ...horizontal.ticks.map((at) =>
      text(left(at), floor + 17, shortly(at), { anchor: "middle", fill: faint }),
    ),
    ...series.map((one, index) => curve(one, colourOf(index), { left, top, floor })),
    `<line x1="${inset.left}" x2="${width - inset.right}" y1="${floor}" y2="${floor}" stroke="${ink}"/>`,
    text(inset.left + plot.width / 2, height - 8, x, { anchor: "middle" }),
    `<g transform="translate(14 ${inset.top + plot.height / 2}) rotate(-90)">${text(0, 0, y, { anchor: "middle" })}</g>`,
  ].join("\n");
}

interface Axis {
  readonly ticks: readonly number[];
  /** Where a value lies, from 0 to 1. */
  share(value: number): number;
}

/** @param whole ends on a tick, and not where the values end. */
function axis(values: readonly number[], about: number, whole: boolean): Axis {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const from = Number.isFinite(low) ? low : 0;
  const to = high > from ? high : from + 1;
  const step = roundStep((to - from) / about);
  const end = whole ? Math.ceil(to / step) * step : to;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step); tick * step <= end + step / 1e6; tick++) {
    ticks.push(tick * step);
  }
  return { ticks, share: (value) => (value - from) / (end - from) };
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function roundStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((candidate) => candidate * magnitude >= least) ?? 10;
  return factor * magnitude;
}

interface Scale {
  left(at: number): number;
  top(value: number): number;
  readonly floor: number;
}

function curve({ points, filled, stepped }: Series, colour: string, scale: Scale): string {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return "";
  const steps = points.map(([at, value], index) => {
    const [x, y] = [round(scale.left(at)), round(scale.top(value))];
    if (index === 0) return `M${x} ${y}`;
    return stepped ? `H${x}V${y}` : `L${x} ${y}`;
  });
  const line = steps.join("");
  const area = `${line}V${scale.floor}H${round(scale.left(first[0]))}Z`;
  return [
    filled ? `<path d="${area}" fill="${colour}" fill-opacity="0.2"/>` : "",
    `<path d="${line}" fill="none" stroke="${colour}" stroke-width="1.6" stroke-linejoin="round"/>`,
  ].join("");
}

function legend(series: readonly Series[]): string {
  let x = inset.left;
  const entries = series.map(({ name }, index) => {
    const entry = `<rect x="${round(x)}" y="26" width="14" height="4" fill="${colourOf(index)}"/>${text(x + 19, 32, name)}`;
    // About as wide as it gets: nothing here can measure a text.
    x += 36 + name.length * 6.6;
    return entry;
  });
  return entries.join("");
}

function spanned(from: number, to: number, label: string): string {
  const wide = Math.max(1.5, to - from);
  return `<rect x="${round(from)}" y="${inset.top}" width="${round(wide)}" height="${plot.height}" fill="#b3261e" fill-opacity="0.09"/>${text(from + 4, inset.top + 13, label, { fill: "#b3261e", size: 11 })}`;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: "middle" | "end";
}

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size, weight, fill = ink, anchor } = style;
  const attributes = [
    `x="${round(x)}" y="${round(y)}" fill="${fill}"`,
    size === undefined ? "" : ` font-size="${size}"`,
    weight === undefined ? "" : ` font-weight="${weight}"`,
    anchor === undefined ? "" : ` text-anchor="${anchor}"`,
  ];
  return `<text ${attributes.join("")}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function colourOf(index: number): string {
  return colours[index % colours.length] ?? ink;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

function shortly(value: number): string {
  return compact.format(Number(value.toPrecision(12)));
}
